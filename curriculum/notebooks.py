"""Reading and writing notebook files so that their differences stay small."""

import json
from pathlib import Path

import nbformat

from commons.files import put


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook.

    Args:
        path: an ``.ipynb`` file.

    Raises:
        ValueError: if the file is not a notebook; the message names it.
    """
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds; the reader needs the file's name
        raise ValueError(f"{path} cannot be read as a notebook: {error}") from error


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook with sorted keys, accents kept and a last newline."""
    put(path, to_bytes(notebook))


def to_bytes(notebook) -> bytes:
    """Return a notebook as the bytes of its file."""
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(
        "utf-8"
    )


def tags(cell) -> list[str]:
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


def cells_by_id(notebook) -> dict[str, nbformat.NotebookNode]:
    """Return a notebook's cells by id."""
    return {cell["id"]: cell for cell in notebook.cells}


def code(notebook) -> list[nbformat.NotebookNode]:
    """Return a notebook's code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
