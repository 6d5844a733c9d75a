"""Courses and submissions as text that can be read and compared: ordinary nbgrader notebooks are
built from it.

A text is a docstring, lines ``# key: value``, and cells. In a source, a cell begins with ``# %%``
and says what it is::

    # %% [markdown] grade_id=memo kind=manual points=3 # %% grade_id=mean kind=solution
    (solution, test, manual, locked or task; without a kind, a plain cell)

In a submission it says what the learner did to the notebook that was released::

    # %% grade_id=mean                          typed this in place of what was there (or
    cell=cell-3, for a plain cell) # %% after=mean                             a new cell (or
    before=…; [markdown] for a text; tag=… is kept) # %% delete=mean-test                       or
    move=mean after=total, copy=mean-test after=total, retype=mean to=raw # %%
    edit-metadata=mean-test points=100     nbgrader's own metadata of that cell # %% notebook=second
    what follows is about that notebook (``missing``: it was not handed in) # %% hook
    Python: mangle(notebook: dict) -> dict, plant(folder: Path)

The texts are not modules, so that nothing imports or runs them by mistake.
"""

import contextlib
import copy
import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from commons.files import put
from curriculum.notebooks import to_bytes
from grader.cli.main import SLOW_TO_IMPORT
from tests.helpers.places import TESTS
from tests.helpers.processes import LONG

COURSES = TESTS / "marking" / "courses"
MARKER = re.compile(r"# %%(?!\S) *(.*)")
KINDS = {  # nbgrader's metadata of each kind of cell: grade, solution, locked, task
    "solution": (False, True, False, False),
    "test": (True, False, True, False),
    "manual": (True, True, False, False),
    "locked": (False, False, True, False),
    "task": (False, False, True, True),
}
WORDS = ("delete", "retype", "edit-metadata", "grade_id", "cell")
KERNEL = {
    "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
    "language_info": {"name": "python"},
}
CONFIG = """c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = {name!r}
c.Exchange.root = {root!r}
c.Application.log_level = "WARN"
import os, sysconfig
os.environ["PATH"] = sysconfig.get_path("scripts") + os.pathsep + os.environ.get("PATH", "")  # nbgrader calls alembic
"""  # noqa: E501
#: a machine eight times slower still ends each cell in time
PATIENT = {"autograde": " --Execute.timeout=600", "validate": " --Execute.timeout=600"}
ONE_AFTER_ANOTHER = f"""
import shlex, sys
sys.modules[{SLOW_TO_IMPORT!r}] = None
from nbgrader.apps.nbgraderapp import NbGraderApp
for command in sys.argv[1:]:
    NbGraderApp.clear_instance()
    NbGraderApp.launch_instance(shlex.split(command))
    print(end="\\0", flush=True)
"""


@dataclass(frozen=True)
class Part:
    """A cell of a text: what its first line says, and what follows."""

    options: dict[str, str]
    source: str

    @property
    def cell_type(self) -> str:
        return (
            "markdown"
            if "[markdown]" in self.options
            else "raw"
            if "[raw]" in self.options
            else "code"
        )


@dataclass(frozen=True)
class Text:
    """A text read: its docstring, its ``# key: value`` lines, its cells."""

    says: str
    header: dict[str, str]
    parts: list[Part]

    @property
    def marks(self) -> dict[str, tuple[float | None, ...]]:
        """What ``# marks: mean-test=2 total-test=0|1 memo=-`` says; None is a mark that waits for a
        person."""
        pairs = (word.split("=") for word in self.header.get("marks", "").split())
        return {
            name: tuple(None if each == "-" else float(each) for each in said.split("|"))
            for name, said in pairs
        }


def parse(text: str) -> Text:
    """Read a text.

    Raises:
        ValueError: if a line begins like a cell and is none.
    """
    head, parts, lines = [], [], None
    for line in text.splitlines():
        marker = MARKER.fullmatch(line)
        if marker:
            words = (word.partition("=") for word in shlex.split(marker[1]))
            lines = []
            parts.append(({name: value for name, _, value in words}, lines))
        elif line.startswith("#%%"):
            raise ValueError(f"not the beginning of a cell: {line}")
        else:
            (head if lines is None else lines).append(line)
    says = re.match(r'\s*"""(.*?)"""', "\n".join(head), re.DOTALL)
    header: dict[str, str] = {}
    for line in head:
        if about := re.fullmatch(r"# ([a-z]+): *(.*)", line):
            header[about[1]] = f"{header.get(about[1], '')} {about[2]}".strip()
    cells = [Part(options, "\n".join(lines).strip("\n")) for options, lines in parts]
    return Text(" ".join(says[1].split()) if says else "", header, cells)


def source_notebook(text: str) -> dict:
    """Return the source notebook that a text describes, with cell ids that stay."""
    cells = []
    for at, part in enumerate(parse(text).parts):
        cell = new_cell(part, part.options.get("grade_id") or f"cell-{at}")
        if kind := part.options.get("kind"):
            grade, solution, locked, task = KINDS[kind]
            cell["metadata"]["nbgrader"] = {
                "schema_version": 3,
                "grade_id": part.options["grade_id"],
                "grade": grade,
                "solution": solution,
                "locked": locked,
                "task": task,
            }
            if "points" in part.options:
                cell["metadata"]["nbgrader"]["points"] = float(part.options["points"])
        cells.append(cell)
    return {"cells": cells, "metadata": copy.deepcopy(KERNEL), "nbformat": 4, "nbformat_minor": 5}


def new_cell(part: Part, name: str) -> dict:
    """Return a cell as JupyterLab would make it."""
    cell = {"cell_type": part.cell_type, "id": name, "metadata": {}, "source": part.source}
    if "tag" in part.options:
        cell["metadata"]["tags"] = [part.options["tag"]]
    return cell | ({"execution_count": None, "outputs": []} if part.cell_type == "code" else {})


def build_course(folder: Path, destination: Path) -> Path:
    """Write a course from a folder of texts.

    Args:
        folder: holds ``source/ASSIGNMENT/NOTEBOOK.txt`` and data files beside them, and
            nbgrader_config.py where the course has settings of its own.
        destination: the course; made if absent.

    Returns:
        ``destination``, with every assignment in its gradebook and released.
    """
    for file in sorted(path for path in (folder / "source").rglob("*") if path.is_file()):
        target = destination / file.relative_to(folder)
        if file.suffix == ".txt":
            put(target.with_suffix(".ipynb"), to_bytes(source_notebook(file.read_text("utf-8"))))
        else:
            put(target, file.read_bytes())
    own = folder / "nbgrader_config.py"
    config = CONFIG.format(root=str(destination), name=folder.name) + (
        own.read_text("utf-8") if own.is_file() else ""
    )
    put(destination / "nbgrader_config.py", config.encode("utf-8"))
    for assignment in sorted(path.name for path in (destination / "source").iterdir()):
        release(destination, assignment)
    return destination


def build_course_of_one(
    source: str, destination: Path, files: dict[str, str] | None = None
) -> Path:
    """Write a course of one assignment, ``one``, with one notebook.

    Args:
        source: the notebook's text.
        destination: the course; made if absent.
        files: data files beside the notebook, as text by name.

    Returns:
        ``destination``, the assignment in its gradebook and released.
    """
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder) / "texts"
        for name, text in {"one.txt": source, **(files or {})}.items():
            put(texts / "source" / "one" / name, text.encode("utf-8"))
        return build_course(texts, destination)


def release(course: Path, assignment: str) -> None:
    """Let nbgrader make what learners receive, and enter the assignment in the gradebook.

    Raises:
        RuntimeError: if nbgrader refuses.
    """
    from traitlets.config import Config, PyFileConfigLoader

    before = dict(os.environ)
    try:
        api = _nbgrader_api()(
            config=Config(PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config())
        )
        done = api.generate_assignment(assignment, force=True, create=True)
    finally:  # a course's configuration may set what only grading should see
        os.environ.clear()
        os.environ.update(before)
    if not done["success"]:
        raise RuntimeError(f"{assignment}: {done.get('error') or done.get('log')}")


@functools.cache
def _nbgrader_api():
    """Return nbgrader's own interface, which starts alembic for its version once and not for every
    new gradebook."""
    import nbgrader.api
    from nbgrader.apps import NbGraderAPI

    nbgrader.api.get_alembic_version = functools.cache(nbgrader.api.get_alembic_version)
    return NbGraderAPI


def hand_in(
    course: Path, student: str, assignment: str, text: str | Path, files: dict | None = None
) -> Path:
    """Hand in what a learner made of the released notebooks.

    Args:
        course: a course of ``build_course``.
        student: nbgrader's student id.
        assignment: the assignment's name.
        text: a submission's text, or the file that holds it. A folder beside that file, of its name
            and ``.files``, is handed in with it.
        files: what else is handed in, as bytes by relative path.

    Returns:
        ``submitted/STUDENT/ASSIGNMENT``.
    """
    files = dict(files or {})
    if isinstance(text, Path):
        beside = text.with_suffix(".files")
        files |= {
            str(file.relative_to(beside)): file.read_bytes()
            for file in beside.rglob("*")
            if file.is_file()
        }
        text = text.read_text("utf-8")
    given = sorted((course / "release" / assignment).glob("*.ipynb"))
    released = {path.stem: read(path) for path in given}
    folder, current, plants = course / "submitted" / student / assignment, given[0].stem, []
    for part in parse(text).parts:
        if "notebook" in part.options:
            current = part.options["notebook"]
            if "missing" in part.options:
                del released[current]
        elif "hook" in part.options:
            hooks: dict = {}
            exec(compile(part.source, f"hook of {student}", "exec"), hooks)
            released[current] = hooks.get("mangle", lambda notebook: notebook)(released[current])
            plants += [hooks["plant"]] if "plant" in hooks else []
        else:
            apply(part, released[current]["cells"])
    folder.mkdir(parents=True, exist_ok=True)
    for name, notebook in released.items():
        put(folder / f"{name}.ipynb", to_bytes(notebook))
    for name, content in files.items():
        put(folder / name, content)
    for plant in plants:
        plant(folder)
    return folder


def read(path: Path) -> dict:
    """Return a notebook, its cells' lines joined."""
    notebook = json.loads(path.read_bytes())
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def place(cells: list[dict], name: str) -> int:
    """Return where the cell of a grade id, or else of a cell id, is."""
    by_grade_id = [
        at
        for at, cell in enumerate(cells)
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
    ]
    found = by_grade_id or [at for at, cell in enumerate(cells) if cell.get("id") == name]
    if not found:
        raise ValueError(f"no cell {name} in the notebook")
    return found[0]


def apply(part: Part, cells: list[dict]) -> None:
    """Do to a notebook's cells what one part of a submission says."""
    options = part.options
    target = next((options[word] for word in WORDS if word in options), None)
    if "move" in options or "copy" in options:
        at = place(cells, options.get("move") or options["copy"])
        cell = (
            cells.pop(at)
            if "move" in options
            else copy.deepcopy(cells[at]) | {"id": f"copy-{len(cells)}"}
        )
        _insert(cells, options, cell)
    elif "delete" in options:
        del cells[place(cells, target)]
    elif "retype" in options:
        cell = cells[place(cells, target)]
        cell["cell_type"] = options["to"]
        for only_code in ("outputs", "execution_count"):
            cell.pop(only_code, None)
    elif "edit-metadata" in options:
        about = cells[place(cells, target)]["metadata"]["nbgrader"]
        about |= {name: _typed(value) for name, value in options.items() if name != "edit-metadata"}
    elif target is not None:
        cells[place(cells, target)]["source"] = part.source
    else:
        _insert(cells, options, new_cell(part, f"new-{len(cells)}"))


def _insert(cells: list[dict], options: dict, cell: dict) -> None:
    """Put a cell where its part says."""
    at = (
        place(cells, options["before"])
        if "before" in options
        else place(cells, options["after"]) + 1
    )
    cells.insert(at, cell)


def _typed(value: str):
    """Return a metadata value: a number, true or false where it reads as one."""
    with contextlib.suppress(ValueError):
        return json.loads(value)
    return value


def hand_in_solution(course: Path, student: str, assignment: str) -> Path:
    """Hand in the source's own solutions, typed in the released notebooks."""
    folder = course / "submitted" / student / assignment
    for path in sorted((course / "release" / assignment).glob("*.ipynb")):
        notebook, master = read(path), read(course / "source" / assignment / path.name)
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("solution"):
                lines = master["cells"][place(master["cells"], cell["id"])]["source"].splitlines()
                cell["source"] = "\n".join(
                    line for line in lines if not re.match(r"\s*### (BEGIN|END) ", line)
                )
        put(folder / path.name, to_bytes(notebook))
    return folder


def nbgrader(course: Path, *commands: str) -> list[str]:
    """Run commands of stock nbgrader in a course, one after another, and return what each one
    printed.

    One process runs them all: to start nbgrader takes longer than to mark a notebook.

    Args:
        course: the course's folder.
        commands: what one would type after ``nbgrader``, as one line each.

    Raises:
        AssertionError: if a command ends with another exit code than 0; what it said is in the
            message.
    """
    commands = tuple(line + PATIENT.get(line.split()[0], "") for line in commands)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PORTAIL_")}
    for _ in range(
        2
    ):  # a kernel dies at its start where another program took its port meanwhile: then once more
        done = subprocess.run(
            [sys.executable, "-c", ONE_AFTER_ANOTHER, *commands],
            cwd=course,
            capture_output=True,
            text=True,
            timeout=LONG + 600 * len(commands),
            env=clean,
        )
        if "Kernel died before replying" not in done.stderr:
            break
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout.split("\0")[:-1]


def marks(course: Path, assignment: str) -> dict[str, dict[str, float | None]]:
    """Return what the gradebook holds: by student, the automatic mark of each cell, None where a
    person has to read.

    Cells are named by grade id, and ``NOTEBOOK/grade_id`` where the assignment has more than one
    notebook.
    """
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        several = len(gradebook.find_assignment(assignment).notebooks) > 1
        return {
            submission.student.id: {
                f"{notebook.name}/{grade.name}" if several else grade.name: grade.auto_score
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
            for submission in gradebook.assignment_submissions(assignment)
        }


def submissions(folder: Path, assignment: str) -> dict[str, Path]:
    """Return the texts of a course's submissions, by student:
    ``submitted/ASSIGNMENT/STUDENT.txt``."""
    return {path.stem: path for path in sorted((folder / "submitted" / assignment).glob("*.txt"))}


def copy_course(course: Path, destination: Path) -> Path:
    """Copy a built course, so that each of several graders starts from the same; settings follow
    the new place."""
    shutil.copytree(course, destination, symlinks=True)
    config = destination / "nbgrader_config.py"
    config.write_text(
        config.read_text("utf-8").replace(repr(str(course)), repr(str(destination))), "utf-8"
    )
    return destination
