"""The configuration file that ``python -m room open`` gives to JupyterHub."""

from room.hub import configure

configure(get_config())  # noqa: F821 -- JupyterHub's own word in such a file
