"""Calibrating an assignment: how nbgrader and this grader mark the source's own solution.

What differs tells which tests need live objects; those alone then run in the runner, and with them
the tests that give what a learner wrote to something that runs it (``evaluated``). The choice comes
from the source, never from a submission, and is kept until the source changes.
"""

import concurrent.futures
import contextlib
import hashlib
import json
import re
from pathlib import Path

import msgspec

from commons import __version__
from grader.course import nbgrader_api
from grader.course.files import packed, put
from grader.course.folder import Course
from grader.course.source import read_source
from grader.grading import dependencies, evaluated
from grader.marking import dispatch, marker, pair
from grader.marking.model import Assignment, Job, SourceNotebook
from grader.marking.pair import Shared
from grader.marking.protocol import Facts, Write
from grader.sandbox.kernel import require_linux
from grader.sandbox.limits import Limits

_ROUNDS = 3
_SETTINGS = (
    "ClearHiddenTests",
    "ClearSolutions",
    "ComputeChecksums",
    "IncludeHeaderFooter",
    "InstantiateTests",
    "LockCells",
)


class Calibrated(msgspec.Struct):
    """What the check of an assignment found.

    Args:
        tests: hash of what was checked.
        version: of this project, whose rules it was checked by, and of the settings by which
            nbgrader reads a source.
        notebooks: with the names that each test needs, which tests run live, and what is known of
            the solution.
        running: of the tests that give what a learner wrote to something that runs it, what that
            is.
        stock: the solution's automatic points by ``"notebook/grade id"``, as nbgrader gives them.
        split: the same, as this grader gives them.
    """

    tests: str
    version: str
    notebooks: list[SourceNotebook]
    running: dict[str, str]
    stock: dict[str, float | None]
    split: dict[str, float | None]

    @property
    def live(self) -> list[str]:
        """The tests that run in the runner."""
        return [
            f"{notebook.name}/{cell.grade_id}"
            for notebook in self.notebooks
            for cell in notebook.cells
            if cell.live
        ]

    @property
    def differing(self) -> list[str]:
        """The tests whose points differ from nbgrader's in either way."""
        return [name for name, points in self.stock.items() if self.split.get(name) != points]


def prepare(
    course: Course, name: str, trusted: bool = False, remote: bool = False, anew: bool = False
) -> tuple[Assignment, Calibrated]:
    """Return all that marking an assignment needs; its source is checked if it has not been, or has
    changed. What is given and what is raised are those of ``Calibration``."""
    with contextlib.closing(Calibration(course, name, trusted, remote, anew)) as check:
        checked = check.settle()
        return check.spec, checked


class Calibration:
    """The check of an assignment's source: the one kept from before, or a new one under way.

    While nbgrader grades the source's own solution in a process beside this one, ``spec`` holds
    what the split side knows alone. No mark that it gives counts before ``settle`` has returned;
    which tests are live may change then.

    Args:
        course: the course.
        name: the assignment.
        trusted: without confinement.
        remote: for other machines: what the cells may read goes along.
        anew: check even if nothing changed.

    Raises:
        CannotRead: if nbgrader cannot release the source.
        CannotConfine: if this machine cannot confine learner code.
    """

    def __init__(self, course: Course, name: str, trusted=False, remote=False, anew=False):
        self.course, self.name, self.trusted, self.remote = course, name, trusted, remote
        self.tests, self.version = (
            course.hash_of_tests(name),
            f"{__version__} {_hash_of_settings(course)}",
        )
        self.path = course.state / "checked" / f"{name}.json"
        self.comparison: nbgrader_api.Comparison | None = None
        # A sandbox ends with the thread that began it.
        self._thread: concurrent.futures.ThreadPoolExecutor | None = None
        self.checked = None if anew else _load(self.path, self.tests, self.version)
        if self.checked is not None:
            self.spec = self._assignment(self.checked.notebooks)
            return
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _assignment(self, notebooks: list[SourceNotebook], remote: bool | None = None):
        remote = self.remote if remote is None else remote
        return _assignment(self.course, self.name, notebooks, self.tests, self.trusted, remote)

    def _begin(self) -> None:
        """Start the sandbox and nbgrader, find what the tests need, and mark the solution with
        that."""
        require_linux(confined=not self.trusted)
        paths = self.course.notebooks(self.name)
        self._thread = concurrent.futures.ThreadPoolExecutor(1)
        shared = self._thread.submit(pair.share, self._assignment([], remote=False))
        nbgrader_api.import_nbgrader("nbgrader.apps")
        read = [read_source(self.course, path) for path in paths]
        self.comparison = nbgrader_api.Comparison(self.course, self.name)
        modules = [
            path.read_text("utf-8", "replace")
            for path in (self.course.source / self.name).rglob("*.py")
        ]
        notebooks, self.running = _analysed(shared.result(), read, self.course.limits, modules)
        self.solution = Job("solution", {path.stem: path.read_bytes() for path in paths})
        notebooks = [_with_live(notebook, set(self.running)) for notebook in notebooks]
        points, writes = self._marked(notebooks, record=True)
        notebooks = [_with_writes(notebook, writes[notebook.name]) for notebook in notebooks]
        self.split = notebooks, points
        self.spec = self._assignment(notebooks)

    def _marked(
        self,
        notebooks: list[SourceNotebook],
        pool: dispatch.Local | None = None,
        record: bool = False,
    ):
        """Return the solution's points as this grader gives them, and what its functions change of
        what they are given."""
        here = msgspec.structs.replace(self._assignment(notebooks, remote=False), record=record)
        result = (pool or marker).mark(here, self.solution)
        points = {
            f"{notebook}/{grade_id}": mark.points
            for notebook, marked in result.notebooks.items()
            for grade_id, mark in marked.marks.items()
        }
        return points, {notebook: marked.writes for notebook, marked in result.notebooks.items()}

    @property
    def pending(self) -> bool:
        """Whether it is still open which tests are live."""
        return self.checked is None

    def ready(self) -> bool:
        """Tell whether ``settle`` need not wait for nbgrader."""
        return not self.pending or self.comparison.ready()

    def settle(self, pool: dispatch.Local | None = None) -> Calibrated:
        """Wait for nbgrader, find out which tests are live, and keep that until the source changes.

        Args:
            pool: where to mark the solution, if not in this thread.

        Returns:
            What was found, and ``spec`` has it.

        Raises:
            CannotRead: if nbgrader cannot release or grade the source.
        """
        if self.checked is None:
            points = self.comparison.points()
            expected = {
                f"{notebook}/{name}": each
                for notebook, own in points.items()
                for name, each in own.items()
            }
            notebooks, got = self._live(expected, pool)
            self.checked = Calibrated(
                self.tests, self.version, notebooks, self.running, expected, got
            )
            put(self.path, msgspec.json.encode(self.checked))
            self.spec = self._assignment(notebooks)
        return self.checked

    def _live(
        self, expected: dict[str, float | None], pool
    ) -> tuple[list[SourceNotebook], dict[str, float | None]]:
        """Let run live what differs from nbgrader, and return the notebooks and the solution's
        points with that."""
        notebooks, got = self.split
        live = set(self.running)
        for _ in range(_ROUNDS - 1):
            differing = {each for each in expected if got.get(each) != expected[each]}
            more = differing | {
                earlier for each in differing & live for earlier in _tests_before(notebooks, each)
            }
            if more <= live:
                break
            live |= more
            notebooks = [_with_live(notebook, live) for notebook in notebooks]
            got, _ = self._marked(notebooks, pool)
        return notebooks, got

    def close(self) -> None:
        """End what the check has started; to be called when all that was marked by it is."""
        if self.comparison is not None:
            self.comparison.close()
        if self._thread is not None:
            self._thread.shutdown()
            marker.forget_all()


def _hash_of_settings(course: Course) -> str:
    settings = {name: course.config[name] for name in _SETTINGS if name in course.config}
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=repr).encode()).hexdigest()[
        :16
    ]


def _load(path: Path, tests: str, version: str) -> Calibrated | None:
    try:
        checked = msgspec.json.decode(path.read_bytes(), type=Calibrated)
    except (OSError, msgspec.MsgspecError):
        return None
    return checked if checked.tests == tests and checked.version == version else None


def _assignment(course: Course, name, notebooks, tests, trusted, remote=False) -> Assignment:
    imports = sorted(
        {
            re.split("[.:]", what)[0]
            for notebook in notebooks
            for what in notebook.facts.imports.values()
        }
    )
    setup = [cell.source for notebook in notebooks for cell in _set_up(notebook)]
    view = msgspec.structs.replace(course.view, trusted=trusted)
    bundle = {}
    if remote:
        for path in map(Path, view.readable):
            bundle[str(path)] = packed(
                path, sorted(each for each in path.rglob("*") if each.is_file())
            )
    return Assignment(
        name, notebooks, view, course.limits, imports, setup, course.data(name), bundle, tests
    )


def _set_up(notebook: SourceNotebook):
    """Give the instructor's code cells that come before the first task."""
    for cell in notebook.cells:
        if cell.role not in ("plain", "locked"):
            return
        if cell.kind == "code":
            yield cell


def _analysed(
    shared: Shared,
    read: list[tuple[SourceNotebook, dict[int, str]]],
    limits: Limits,
    modules: list[str],
):
    """Return the notebooks with what each cell needs, and the tests that run what a learner
    wrote."""
    notebooks, running = [], {}
    for notebook, solutions in read:
        names, files, imports, kinds = dependencies.touched(
            shared.sandbox, notebook.cells, solutions, shared.data, limits
        )
        needed = dependencies.needs(notebook.cells, names, files)
        cells = [
            msgspec.structs.replace(cell, names=own_names, files=own_files)
            for cell, (own_names, own_files) in zip(notebook.cells, needed, strict=True)
        ]
        code = {
            at: dependencies.as_python(cell.source)
            for at, cell in enumerate(cells)
            if cell.kind == "code"
        }
        theirs = [code[at] for at in code if cells[at].role in ("plain", "locked", "test")]
        bound = set().union(*names.values()) - set(imports)
        known, written = evaluated.helpers([*modules, *theirs], bound), set().union(*files.values())
        for at, cell in enumerate(cells):
            if cell.role == "test" and at in code:
                what = evaluated.runs(
                    code[at], set(cell.names) - set(imports), written, known, kinds
                )
                running |= {f"{notebook.name}/{cell.grade_id}": what} if what else {}
        facts = Facts({name: imports[name] for name in sorted(imports)}, kinds)
        notebooks.append(msgspec.structs.replace(notebook, cells=cells, facts=facts))
    return notebooks, running


def _with_writes(notebook: SourceNotebook, writes: list[Write]) -> SourceNotebook:
    return msgspec.structs.replace(
        notebook, facts=msgspec.structs.replace(notebook.facts, writes=writes)
    )


def _with_live(notebook: SourceNotebook, live: set[str]) -> SourceNotebook:
    return msgspec.structs.replace(
        notebook,
        cells=[
            msgspec.structs.replace(cell, live=f"{notebook.name}/{cell.grade_id}" in live)
            for cell in notebook.cells
        ],
    )


def _tests_before(notebooks: list[SourceNotebook], name: str) -> list[str]:
    """Return the tests before one in its notebook: a live test may need what they bind."""
    notebook = next(each for each in notebooks if name.startswith(f"{each.name}/"))
    tests = [f"{notebook.name}/{cell.grade_id}" for cell in notebook.cells if cell.role == "test"]
    return tests[: tests.index(name)] if name in tests else []
