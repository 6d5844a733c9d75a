"""Writing the learner's workspace, or bringing it up to date.

What a learner changed is never overwritten: a file is written anew only where it is still, byte for
byte, what an earlier build wrote.
"""

import hashlib
import json
from pathlib import Path

import nbformat

from commons import wording
from commons.errors import CannotWrite
from commons.files import put
from curriculum import notebooks, release
from curriculum.lessons import LANGUAGES, ROOT, Curriculum
from curriculum.workspace.start_page import START, start_page

MANIFEST = ".built.json"


def learner_copy(notebook) -> nbformat.NotebookNode:
    """Return a lesson as a learner opens it: instructor cells dropped, outputs cleared.

    Args:
        notebook: the lesson; it is changed in place and returned.
    """
    notebook.cells = [cell for cell in notebook.cells if "instructor" not in notebooks.tags(cell)]
    for cell in notebooks.code(notebook):
        cell.outputs, cell.execution_count = [], None
    return notebook


def build(workspace: Path) -> list[Path]:
    """Write the learner's workspace, or bring it up to date.

    Args:
        workspace: the folder; made if absent.

    Returns:
        The files that were kept because the learner changed them, though the project now has newer
        ones.

    Raises:
        CannotWrite: if the folder cannot be written to.
    """
    if not (ROOT / "notebooks").is_dir() and (workspace / START).is_file():
        return []  # installed from a bundle: the workspace came built, and nothing here is newer
    files = _files()
    try:
        return _bring_up_to_date(workspace, files)
    except OSError as error:
        raise CannotWrite(workspace, error) from error


def _bring_up_to_date(workspace: Path, files: dict[str, bytes]) -> list[Path]:
    """Write what is new, keep what the learner changed, and remember what was written."""
    manifest_path = workspace / MANIFEST
    try:
        built = json.loads(manifest_path.read_text("utf-8")) if manifest_path.is_file() else {}
    except ValueError:  # an unreadable memory: every file that differs counts as the learner's
        built = {}
    kept = []
    for name, content in files.items():
        path = workspace / name
        new = digest(content)
        found = digest(path.read_bytes()) if path.is_file() else None
        if found is not None and found not in (new, built.get(name)):
            if built.get(name) != new:
                kept.append(path)
            continue
        built[name] = new
        if found != new:
            put(path, content)
    put(manifest_path, (json.dumps(built, indent=1, sort_keys=True) + "\n").encode("utf-8"))
    return kept


def _files() -> dict[str, bytes]:
    """Return what the workspace should hold: content by name."""
    files = {START: start_page(wording.language()).encode("utf-8")}
    for language in LANGUAGES:
        for lesson in Curriculum.read().written():
            notebook = learner_copy(notebooks.read(lesson.path(language)))
            files[f"{language}/{lesson.slug}.ipynb"] = notebooks.to_bytes(notebook)
        for path in _released(language):
            files[f"{language}/exercises/{path.name}"] = path.read_bytes()
    return files


def _released(language: str) -> list[Path]:
    """Return the released exercises, building them where the sources are newer."""
    course = release.COURSE
    sources = [path for part in ("source", "french") for path in (course / part).rglob("*.ipynb")]
    newest = max(
        (path.stat().st_mtime_ns for path in [*sources, course / "nbgrader_config.py"]), default=0
    )
    released = [
        course / release.RELEASES[language] / name / f"{name}.ipynb"
        for name in release.assignments(course)
    ]
    if any(not path.is_file() or path.stat().st_mtime_ns < newest for path in released):
        release.release(language, course, in_gradebook=False)
    return released


def digest(content: bytes) -> str:
    """Return what tells one content of a file from another."""
    return hashlib.sha256(content).hexdigest()
