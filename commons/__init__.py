"""Words, errors, files and lists that all packages share; it imports none of them."""

__version__ = "0.1.0"
