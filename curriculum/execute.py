"""Running lessons anew on the shipped copies, and keeping their outputs."""

import os
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from curriculum import notebooks
from curriculum.lessons import LANGUAGES, ROOT, Curriculum

TIMEOUT = 120  # seconds one cell may take


class LessonFailed(Exception):
    """Raised when a lesson's cell fails; the message names the file, the cell and the error."""


def run(notebook, environment: dict[str, str] | None = None):
    """Run every cell of a notebook in a fresh kernel and return the notebook with its outputs.

    Args:
        notebook: changed in place and returned.
        environment: variables set for the kernel, on top of this process's own.

    Raises:
        LessonFailed: if a cell fails.
    """
    client = NotebookClient(notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False)
    variables = os.environ | {"PORTAIL_MODE": "snapshot"} | (environment or {})
    try:
        client.execute(env=variables)
    except CellExecutionError as error:
        raise LessonFailed(str(error)) from error
    return notebook


def execute(slugs: list[str] | None = None) -> list[Path]:
    """Run lessons on the shipped copies and write them back with their outputs.

    Args:
        slugs: which lessons; all written ones if left out.

    Returns:
        The notebooks written.

    Raises:
        LessonFailed: if a cell fails; that notebook and the later ones stay as they were.
    """
    written = []
    for lesson in Curriculum.read().written():
        if slugs and lesson.slug not in slugs:
            continue
        for language in LANGUAGES:
            path = lesson.path(language)
            try:
                notebook = run(notebooks.read(path), {"PORTAIL_DATA": str(ROOT / "datasets")})
            except LessonFailed as error:
                raise LessonFailed(f"{path.relative_to(ROOT)}: {error}") from error
            for cell in notebooks.code(notebook):
                cell.metadata.pop("execution", None)
            notebook.metadata["language_info"] = {"name": "python"}
            notebooks.write(notebook, path)
            written.append(path)
    return written
