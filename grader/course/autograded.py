"""Writing marked notebooks into the folder that nbgrader's own pages read."""

import json
import os
import shutil
from pathlib import Path

from commons.errors import CannotWrite
from grader.course.folder import Course
from grader.course.handed_in import Handed, of_the_machine
from grader.marking.model import Assignment, MarkedNotebook, Result


def write_autograded(course: Course, spec: Assignment, result: Result, handed: Handed) -> None:
    """Write a submission's marked notebooks and its files, whole, in one step; they are on the
    disk before this returns.

    Raises:
        CannotWrite: if the folder cannot be written.
    """
    place = course.autograded / result.student / spec.name
    fresh, old = (
        course.state / "new" / result.student / spec.name,
        course.state / "old" / result.student / spec.name,
    )
    try:
        for folder in (fresh, old):
            if folder.exists():  # a run was killed here
                shutil.rmtree(folder)
        fresh.mkdir(parents=True)
        if handed.timestamp:
            (fresh / "timestamp.txt").write_text(handed.timestamp, encoding="utf-8")
        if spec.data:
            from grader.marking.pair import unzip_into

            unzip_into(spec.data, fresh)
        for notebook in spec.notebooks:
            marked = result.notebooks[notebook.name]
            if marked.cells:
                _to_disk(fresh / f"{notebook.name}.ipynb", as_notebook(marked, notebook.metadata))
        for name, data in handed.job.files.items():
            if not _put_within(fresh, name, data):
                handed.leave_out(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(place):
            old.parent.mkdir(parents=True, exist_ok=True)
            place.rename(old)
        fresh.rename(place)
        _names_to_disk(place.parent)
        for folder in (old.parent, fresh.parent):
            if folder.exists():
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise CannotWrite(place.parent, error) from error


def _to_disk(path: Path, data: bytes) -> None:
    """Write a file through to the disk: the journal, which says "graded", must not outlive it."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _names_to_disk(folder: Path) -> None:
    """Write through to the disk which names a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_within(folder: Path, name: str, data: bytes) -> bool:
    """Write a learner's file where the course has none, and tell whether it could be; a bad name is
    no reason to stop.

    Raises:
        OSError: if the disk is full or cannot be written to.
    """
    inside = Path(name)
    if ".." in inside.parts or inside.is_absolute():
        return False
    path = folder / inside
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            file.write(data)
    except FileExistsError:
        return path.is_file()  # the course's own
    except (OSError, ValueError) as error:
        if of_the_machine(error):
            raise
        return False
    return True


def as_notebook(marked: MarkedNotebook, metadata: dict) -> bytes:
    """Return a marked notebook as nbformat writes it; without outputs and pictures, where they
    break its rules."""
    import nbformat  # slow: the sandbox starts meanwhile

    notebook = {"cells": marked.cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    try:
        nbformat.validate(notebook)
    except (nbformat.ValidationError, RecursionError):
        notebook["cells"] = [
            {
                key: [] if key == "outputs" else value
                for key, value in cell.items()
                if key != "attachments"
            }
            for cell in marked.cells
        ]
    text = json.dumps(notebook, ensure_ascii=False, indent=1)
    return (text + "\n").encode("utf-8", "replace")
