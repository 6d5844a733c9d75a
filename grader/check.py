"""Checking an assignment: its own solution graded both ways, split and stock, before any learner's is.

What differs tells which tests need live objects; those alone then run in the runner, and with them the tests that give
what a learner wrote to something that runs it (``evaluated``). The choice comes from the source, never from a
submission, and is kept until the source changes.
"""

import re
from pathlib import Path

import msgspec

from grader import analysis, evaluated, stock, work
from grader.border import Facts, Write
from grader.course import Course, packed, read_source
from grader.work import Assignment, Job, Pair, SourceNotebook
from portail import __version__

_ROUNDS = 3


class Checked(msgspec.Struct):
    """What the check of an assignment found.

    Args:
        tests: hash of what was checked.
        version: of this project, whose rules it was checked by.
        notebooks: with the names that each test needs, which tests run live, and what is known of the solution.
        running: of the tests that give what a learner wrote to something that runs it, what that is.
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
            f"{notebook.name}/{cell.grade_id}" for notebook in self.notebooks for cell in notebook.cells if cell.live
        ]

    @property
    def differing(self) -> list[str]:
        """The tests whose points differ from nbgrader's in either way."""
        return [name for name, points in self.stock.items() if self.split.get(name) != points]


def prepare(
    course: Course, name: str, trusted: bool = False, remote: bool = False, anew: bool = False
) -> tuple[Assignment, Checked]:
    """Return all that marking an assignment needs; its source is checked if it has not been, or has changed.

    Args:
        course: the course.
        name: the assignment.
        trusted: without confinement.
        remote: for other machines: what the cells may read goes along.
        anew: check even if nothing changed.

    Raises:
        CannotRead: if nbgrader refuses the source.
        CannotConfine: if this machine cannot confine learner code.
    """
    tests = course.hash_of_tests(name)
    kept = course.state / "checked" / f"{name}.json"
    checked = None if anew else _load(kept, tests)
    if checked is None:
        checked = _check(course, name, tests, trusted)
        from grader.course import put

        put(kept, msgspec.json.encode(checked))
    return _assignment(course, name, checked.notebooks, tests, trusted, remote), checked


def _load(path: Path, tests: str) -> Checked | None:
    try:
        checked = msgspec.json.decode(path.read_bytes(), type=Checked)
    except (OSError, msgspec.MsgspecError):
        return None
    return checked if checked.tests == tests and checked.version == __version__ else None


def _assignment(course: Course, name, notebooks, tests, trusted, remote=False) -> Assignment:
    imports = sorted({re.split("[.:]", what)[0] for notebook in notebooks for what in notebook.facts.imports.values()})
    setup = [cell.source for notebook in notebooks for cell in _set_up(notebook)]
    surroundings = msgspec.structs.replace(course.surroundings, modules=imports, setup=setup, trusted=trusted)
    bundle = {}
    if remote:
        for path in map(Path, surroundings.readable):
            bundle[str(path)] = packed(path, sorted(each for each in path.rglob("*") if each.is_file()))
    return Assignment(name, notebooks, surroundings, course.limits, course.data(name), bundle, tests)


def _set_up(notebook: SourceNotebook):
    """Give the instructor's code cells that come before the first task."""
    for cell in notebook.cells:
        if cell.role not in ("plain", "locked"):
            return
        if cell.kind == "code":
            yield cell


def _check(course: Course, name: str, tests: str, trusted: bool) -> Checked:
    paths = course.notebooks(name)
    read = [read_source(course, path) for path in paths]
    notebooks, running = _analysed(course, name, read, tests, trusted)
    expected = {
        f"{notebook}/{grade_id}": points
        for notebook, marks in stock.marks_of_solution(course, name).items()
        for grade_id, points in marks.items()
    }
    solution = Job("solution", {path.stem: path.read_bytes() for path in paths})
    live = set(running)
    got: dict[str, float | None] = {}
    for number in range(_ROUNDS):
        notebooks = [_with_live(notebook, live) for notebook in notebooks]
        spec = _assignment(course, name, notebooks, tests, trusted)
        result = work.mark(msgspec.structs.replace(spec, record=number == 0), solution)
        if number == 0:
            notebooks = [_with_writes(notebook, result.notebooks[notebook.name].writes) for notebook in notebooks]
        got = {
            f"{notebook}/{grade_id}": mark.points
            for notebook, marked in result.notebooks.items()
            for grade_id, mark in marked.marks.items()
        }
        differing = {each for each in expected if got.get(each) != expected[each]}
        more = differing | {earlier for each in differing & live for earlier in _tests_before(notebooks, each)}
        if more <= live:
            break
        live |= more
    work.forget()
    return Checked(tests, __version__, notebooks, running, expected, got)


def _analysed(course, name, read, tests, trusted) -> tuple[list[SourceNotebook], dict[str, str]]:
    """Return the notebooks with what each cell needs, and the tests that run what a learner wrote."""
    pair = Pair(_assignment(course, name, [], tests, trusted))
    modules = [path.read_text("utf-8", "replace") for path in (course.source / name).rglob("*.py")]
    try:
        notebooks, running = [], {}
        for notebook, solutions in read:
            names, files, imports, kinds = analysis.touched(
                pair.zygote, notebook.cells, solutions, pair.data, course.limits
            )
            needed = analysis.needs(notebook.cells, names, files)
            written = set().union(*files.values())
            cells = [
                msgspec.structs.replace(cell, names=own_names, files=own_files)
                for cell, (own_names, own_files) in zip(notebook.cells, needed, strict=True)
            ]
            code = {at: analysis.as_python(cell.source) for at, cell in enumerate(cells) if cell.kind == "code"}
            known = evaluated.helpers(
                [*modules, *(code[at] for at in code if cells[at].role in ("plain", "locked", "test"))]
            )
            for at, cell in enumerate(cells):
                if cell.role == "test" and at in code:
                    what = evaluated.runs(code[at], set(cell.names) - set(imports), written, known, kinds)
                    running |= {f"{notebook.name}/{cell.grade_id}": what} if what else {}
            facts = Facts({name: imports[name] for name in sorted(imports)}, kinds)
            notebooks.append(msgspec.structs.replace(notebook, cells=cells, facts=facts))
        return notebooks, running
    finally:
        pair.close()


def _with_writes(notebook: SourceNotebook, writes: list[Write]) -> SourceNotebook:
    return msgspec.structs.replace(notebook, facts=msgspec.structs.replace(notebook.facts, writes=writes))


def _with_live(notebook: SourceNotebook, live: set[str]) -> SourceNotebook:
    return msgspec.structs.replace(
        notebook,
        cells=[
            msgspec.structs.replace(cell, live=f"{notebook.name}/{cell.grade_id}" in live) for cell in notebook.cells
        ],
    )


def _tests_before(notebooks: list[SourceNotebook], name: str) -> list[str]:
    """Return the tests before one in its notebook: a live test may need what they bind."""
    notebook = next(each for each in notebooks if name.startswith(f"{each.name}/"))
    tests = [f"{notebook.name}/{cell.grade_id}" for cell in notebook.cells if cell.role == "test"]
    return tests[: tests.index(name)] if name in tests else []
