"""Reading an assignment's source notebooks, as nbgrader releases them."""

import copy
from pathlib import Path

from grader.course.folder import CannotRead, Course
from grader.marking.model import SourceCell, SourceNotebook


def read_source(course: Course, path: Path) -> tuple[SourceNotebook, dict[int, str]]:
    """Read a source notebook as marking needs it.

    Args:
        course: for its settings (stubs, delimiters).
        path: the notebook.

    Returns:
        The notebook with stubs in place of solutions, and each solution cell's own text by its
        number.

    Raises:
        CannotRead: if nbgrader would refuse it.
    """
    import nbformat  # slow, as nbgrader's own modules are
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, ComputeChecksums, LockCells

    try:
        notebook = nbformat.read(path, as_version=4)
        solved = [cell.source for cell in notebook.cells]
        resources: dict = {}
        for step in (LockCells, ClearSolutions, ComputeChecksums):
            notebook, resources = step(config=course.config).preprocess(notebook, resources)
        released, _ = ClearHiddenTests(config=course.config).preprocess(
            copy.deepcopy(notebook), resources
        )
    except Exception as error:
        raise CannotRead(
            f"nbgrader cannot release {path}: {error}. Correct the notebook and try again.",
            f"nbgrader ne peut pas publier {path} : {error}. Corrigez le carnet et réessayez.",
        ) from error
    cells = [
        _source_cell(cell, shown.source)
        for cell, shown in zip(notebook.cells, released.cells, strict=True)
    ]
    solutions = {
        at: solved[at]
        for at, cell in enumerate(cells)
        if cell.kind == "code" and cell.role in ("solution", "manual")
    }
    metadata = {
        key: notebook.metadata[key]
        for key in ("kernelspec", "language_info")
        if key in notebook.metadata
    }
    return SourceNotebook(path.stem, cells, metadata), solutions


def _source_cell(cell, visible: str) -> SourceCell:
    about = cell.metadata.get("nbgrader", {})
    grade, solution = about.get("grade", False), about.get("solution", False)
    if "grade_id" not in about or not (
        grade or solution or about.get("locked") or about.get("task")
    ):
        return SourceCell("plain", cell.cell_type, cell.source, id=cell.get("id"))
    role = (
        "task"
        if about.get("task")
        else ("manual" if solution else "test")
        if grade
        else "solution"
        if solution
        else "locked"
    )
    known = {
        key: about[key]
        for key in (
            "schema_version",
            "grade_id",
            "grade",
            "solution",
            "locked",
            "task",
            "points",
            "cell_type",
        )
        if key in about
    }
    return SourceCell(
        role,
        cell.cell_type,
        cell.source,
        about["grade_id"],
        float(about.get("points") or 0),
        about.get("checksum"),
        metadata=known,
        visible=visible if role in ("test", "locked") else "",
        id=cell.get("id"),
    )
