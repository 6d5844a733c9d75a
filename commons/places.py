"""Where this project's packages and tables lie on this machine."""

import importlib.util
from pathlib import Path


def learner_libraries() -> list[Path]:
    """Return the folders of what learners' notebooks import of this project: ``portail``, and its
    tables, which lie beside it in a checkout."""
    found = importlib.util.find_spec("portail")
    if found is None:
        return []
    package = Path(found.origin).parent
    tables = package.parent / "datasets"
    return [package, tables] if (tables / "codes").is_dir() else [package]
