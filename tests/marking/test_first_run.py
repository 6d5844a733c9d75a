"""Does the first run of a new course, which marks before all is known, give the marks of a course
that was checked?"""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import nbclient
import nbformat
import pytest

import grader
from grader.course import lock, nbgrader_api
from grader.course.folder import CannotRead, Course
from grader.course.gradebook import Book
from grader.course.journal import Journal
from grader.grading import calibrate
from grader.marking.pair import Shared
from grader.sandbox.sandbox import Sandbox
from grader.sandbox.usage import descendants
from tests.helpers import coursework

pytestmark = pytest.mark.usefixtures("warm_kernels")

TABLES = (
    "alembic_version",
    "assignment",
    "base_cell",
    "course",
    "grade_cells",
    "notebook",
    "solution_cells",
    "source_cell",
    "task_cells",
)
LIVE = """
# %% grade_id=shelf kind=solution
### BEGIN SOLUTION
class Shelf:
    size = 3

shelf = Shelf()
### END SOLUTION

# %% grade_id=shelf-test kind=test points=2
assert shelf.size == 3

# %% grade_id=total kind=solution
### BEGIN SOLUTION
total = 3
### END SOLUTION

# %% grade_id=total-test kind=test points=1
assert total == 3
"""
RIGHT = """
# %% grade_id=shelf
class Shelf:
    def __init__(self):
        self.size = 3

shelf = Shelf()

# %% grade_id=total
total = 3
"""
WRONG = RIGHT.replace("self.size = 3", "self.size = 4")
MARKS = {
    "right": {"shelf-test": 2.0, "total-test": 1.0},
    "wrong": {"shelf-test": 0.0, "total-test": 1.0},
}


@pytest.fixture(scope="module")
def new(tmp_path_factory) -> Path:
    """A course that was never graded, one of whose tests needs an object that plain data cannot
    carry."""
    course = coursework.build_course_of_one(LIVE, tmp_path_factory.mktemp("new"))
    for number in range(6):
        coursework.hand_in(course, f"right-{number}", "one", RIGHT)
        coursework.hand_in(course, f"wrong-{number}", "one", WRONG)
    (course / "gradebook.db").unlink()
    return course


@pytest.fixture
def course(new, tmp_path) -> Path:
    """A copy of it."""
    copy = shutil.copytree(new, tmp_path / "course")
    config = copy / "nbgrader_config.py"
    config.write_text(config.read_text().replace(str(new), str(copy)))
    return copy


def expected(course: Path) -> dict:
    return {
        path.name: MARKS[path.name.partition("-")[0]] for path in (course / "submitted").iterdir()
    }


def marked(course: Path) -> dict:
    """Return the marks in the gradebook; {} where it has none."""
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as database:
        if not database.execute("select 1 from sqlite_master where name = 'grade'").fetchall():
            return {}
    with contextlib.suppress(Exception):
        return coursework.marks(course, "one")
    return {}


@pytest.mark.parametrize("when", ["at once", "half-way", "at the end"])
def test_what_was_marked_before_a_test_was_found_live_is_marked_again(course, monkeypatch, when):
    answers = {"at once": [True], "half-way": [False] * 5 + [True], "at the end": [False] * 12}[
        when
    ]
    ready = iter(answers)
    monkeypatch.setattr(nbgrader_api.Comparison, "ready", lambda _: next(ready, True))
    outcome = grader.grade(course, "one", workers=2)
    assert outcome.live == ["one/shelf-test"]
    assert marked(course) == expected(course)
    assert len(outcome.of("graded")) == 12


def test_nothing_is_written_while_it_is_open_which_tests_are_live(course, monkeypatch):
    seen = []

    def look(self):
        seen.append(
            (
                marked(course),
                (course / "autograded").exists(),
                {
                    each.state
                    for each in Journal(course / ".grader" / "journal.jsonl").of("one").values()
                },
            )
        )
        return False

    (course / "submitted" / "empty" / "one").mkdir(parents=True)
    monkeypatch.setattr(nbgrader_api.Comparison, "ready", look)
    assert len(grader.grade(course, "one", workers=2).of("failed")) == 1
    assert len(seen) == 12
    for marks, notebooks, states in seen:
        assert not marks and not notebooks and states <= {"running"}


def test_a_source_that_nbgrader_refuses_gives_no_mark(course, monkeypatch):
    def refuse(self):
        raise CannotRead("refused", "refusée")

    monkeypatch.setattr(nbgrader_api.Comparison, "points", refuse)
    with pytest.raises(CannotRead):
        grader.grade(course, "one", workers=2)
    assert not marked(course) and not (course / "autograded").exists()


def test_a_process_of_nbgrader_that_was_killed_is_named(course, monkeypatch):
    begin = nbgrader_api.Comparison.__init__

    def killed(self, *arguments):
        begin(self, *arguments)
        self.process.kill()

    monkeypatch.setattr(nbgrader_api.Comparison, "__init__", killed)
    with pytest.raises(CannotRead, match="process was ended"):
        grader.grade(course, "one", students=[])


@pytest.mark.thorough
def test_a_first_run_killed_again_and_again_gives_the_marks_of_an_unbroken_one(course):
    chance = random.Random("first run")
    command = [
        sys.executable,
        "-m",
        "grader",
        "grade",
        "one",
        "--course",
        str(course),
        "--workers",
        "2",
    ]
    for _ in range(5):
        begun = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(chance.randrange(60)):
            if len(descendants(begun.pid)) > 4:
                break
            time.sleep(0.05)
        time.sleep(chance.random() * 2)
        begun.kill()
        begun.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
    assert marked(course) == expected(course)


def test_a_check_leaves_no_process_behind(course):
    before = set(of_this_process())
    with contextlib.closing(calibrate.Calibration(Course(course), "one")):
        assert set(of_this_process()) - before
    assert not set(of_this_process()) - before


def of_this_process() -> list[int]:
    """Return what this process has started, but for the server from which tests take kernels."""
    return [pid for pid in descendants(os.getpid()) if b"helpers/kernels.py" not in command(pid)]


def command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def test_the_process_beside_holds_neither_lock_nor_journal(course, monkeypatch):
    def tell(course, *_):
        return [
            os.readlink(f"/proc/self/fd/{name}")
            for name in os.listdir("/proc/self/fd")
            if os.path.lexists(f"/proc/self/fd/{name}")
        ]

    monkeypatch.setattr(nbgrader_api, "marks_of_solution", tell)
    with (
        lock.locked(Course(course)),
        contextlib.closing(lock.open_journal(Course(course))),
        contextlib.closing(nbgrader_api.Comparison(Course(course), "one")) as comparison,
    ):
        assert not [path for path in comparison.points() if path.startswith(str(course))]


def test_nbgrader_s_extensions_of_the_server_can_be_imported_later():
    code = (
        "from grader.course import nbgrader_api; nbgrader_api.import_nbgrader('nbgrader.api'); "
        "import sys; assert "
        "'jupyter_server' not in sys.modules; from nbgrader.server_extensions.formgrader import "
        "load_jupyter_server_extension as load; assert load"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_one_sandbox_is_started_for_the_check_and_for_all_workers(course, monkeypatch):
    made = []
    begin = Sandbox.__init__
    monkeypatch.setattr(
        Sandbox, "__init__", lambda self, *given: made.append(self) or begin(self, *given)
    )
    assert grader.grade(course, "one", workers=2).live
    assert len(made) == 1


@pytest.mark.parametrize(
    "settings",
    [
        "",
        pytest.param(
            'c.ClearSolutions.code_stub = {"python": "# here"}\n', marks=pytest.mark.thorough
        ),
    ],
)
def test_the_gradebook_has_the_rows_that_generate_assignment_writes(course, settings):
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + settings)
    coursework.nbgrader(course, "generate_assignment one --create --force")
    theirs = rows(course / "gradebook.db")
    (course / "gradebook.db").unlink()
    Book(Course(course), "one").close()
    assert rows(course / "gradebook.db") == theirs


def rows(database: Path) -> dict[str, list]:
    """Return what stands in the tables of the source, with names in place of the random ids."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        names = {
            row["id"]: row["name"]
            for table in ("assignment", "notebook", "base_cell")
            for row in connection.execute(f"select id, name from {table}")
        }
        return {
            table: sorted(
                str(
                    {
                        key: names.get(value, value)
                        for key, value in dict(row).items()
                        if key != "id"
                    }
                )
                for row in connection.execute(f"select * from {table}")
            )
            for table in TABLES
        } | {
            "schema": sorted(
                str(tuple(row)) for row in connection.execute("select sql from sqlite_master")
            )
        }


@pytest.mark.thorough
def test_a_solution_has_the_points_that_the_command_autograde_gives(tmp_path):
    course = coursework.build_course(coursework.COURSES / "library", tmp_path)
    for assignment in Course(course).assignments():
        shutil.copytree(
            course / "source" / assignment, course / "submitted" / "solution" / assignment
        )
        coursework.nbgrader(course, f"autograde {assignment}")
        _, checked = calibrate.prepare(Course(course), assignment)
        theirs = coursework.marks(course, assignment)["solution"]
        assert {
            name if name in theirs else name.partition("/")[2]: points
            for name, points in checked.stock.items()
        } == theirs


def test_settings_that_change_how_a_source_is_read_ask_for_a_new_check(course):
    _, before = calibrate.prepare(Course(course), "one")
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + 'c.ClearSolutions.code_stub = {"python": "# here"}\n')
    _, after = calibrate.prepare(Course(course), "one")
    assert before.version != after.version
    assert any(cell.source == "# here" for cell in after.notebooks[0].cells)


def test_a_sandbox_killed_before_it_was_told_the_assignment_costs_no_mark(course, monkeypatch):
    tell, killed = Shared.told, []

    def after_a_kill(self, assignment):
        if not killed:
            killed.append(self)
            self.sandbox.first.kill()
            self.sandbox.first.wait()
        return tell(self, assignment)

    monkeypatch.setattr(Shared, "told", after_a_kill)
    grader.grade(course, "one", workers=2)
    assert killed and marked(course) == expected(course)


def test_a_process_that_has_run_an_event_loop_can_compare_a_source(tmp_path):
    """As one that has run a notebook has: its loop is not to be gone on with in the process that
    compares."""
    ran = nbclient.NotebookClient(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    ).execute()
    course = Course(coursework.build_course_of_one(ONE_TASK, tmp_path / "course"))
    assert ran and not calibrate.prepare(course, "one")[1].differing


ONE_TASK = """
# %% grade_id=first kind=solution
### BEGIN SOLUTION
first = 1
### END SOLUTION

# %% grade_id=first-test kind=test points=1
assert first == 1
"""
