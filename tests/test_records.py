"""Can every mark be traced to what gave it, and a learner be removed wherever the course holds them?"""

import importlib.metadata
import shutil
import sqlite3
from pathlib import Path

import pytest

import grader
from grader import records
from grader.course import hash_of_environment
from tests import coursework
from tests.test_durability import SOURCE

STUDENTS = ("one-who-stays", "one-who-leaves")


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    course = coursework.build_course_of_one(SOURCE, tmp_path_factory.mktemp("graded") / "course")
    for student in STUDENTS:
        coursework.hand_in_solution(course, student, "one")
    grader.grade(course, "one", workers=1)
    return course


@pytest.fixture
def course(graded, tmp_path) -> Path:
    return coursework.copy_course(graded, tmp_path / "course")


def found(course: Path) -> set[tuple[str, str]]:
    return {(each.student, each.what) for each in records.verify(course, "one")[1]}


def test_marks_that_nobody_touched_hold(course):
    assert records.verify(course, "one") == (2, [])


def test_a_mark_changed_in_the_gradebook_is_found(course):
    with sqlite3.connect(course / "gradebook.db") as database:
        database.execute("update grade set auto_score = 1.5 where id = (select id from grade where auto_score = 3.0)")
    assert {what for _, what in found(course)} == {"marks"}


def test_a_submission_changed_after_grading_is_found(course):
    with open(course / "submitted" / STUDENTS[0] / "one" / "one.ipynb", "a") as notebook:
        notebook.write("\n")
    assert found(course) == {(STUDENTS[0], "changed")}


def test_a_submission_that_is_gone_is_found(course):
    shutil.rmtree(course / "submitted" / STUDENTS[0])
    assert found(course) == {(STUDENTS[0], "gone")}


def test_changed_tests_are_found_for_everybody(course):
    notebook = course / "source" / "one" / "one.ipynb"
    notebook.write_text(notebook.read_text().replace("assert total == 45", "assert total == 46"))
    assert found(course) == {(student, "tests") for student in STUDENTS}


def test_changed_packages_are_found_for_everybody(course, monkeypatch):
    monkeypatch.setattr(records, "hash_of_environment", lambda: "another")
    assert found(course) == {(student, "environment") for student in STUDENTS}


def test_marks_of_nobody_s_giving_are_found(course):
    journal = course / ".grader" / "journal.jsonl"
    journal.write_text("".join(line for line in journal.read_text().splitlines(True) if STUDENTS[0] not in line))
    assert found(course) == {(STUDENTS[0], "unknown")}


def test_the_status_counts_who_is_where(course):
    coursework.hand_in_solution(course, "newcomer", "one")
    (standing,) = records.status(course)
    assert standing.states == {"graded": 2, "waiting": 1} and standing.outdated == 0


def test_who_is_forgotten_is_nowhere_in_the_course(course):
    replaced = course / ".grader" / "replaced" / "2026" / STUDENTS[1]
    replaced.mkdir(parents=True)
    removed = records.forget(course, STUDENTS[1])
    assert len(removed) == 5
    for path in course.rglob("*"):
        assert STUDENTS[1] not in path.name
        assert not path.is_file() or STUDENTS[1].encode() not in path.read_bytes(), path


def test_the_others_keep_their_marks_when_one_is_forgotten(course):
    records.forget(course, STUDENTS[1])
    assert records.verify(course, "one") == (1, [])


@pytest.mark.parametrize("name", ["nobody", "../submitted", "", ".", "/etc"])
def test_a_learner_of_whom_there_is_nothing_is_named_and_nothing_removed(course, name):
    before = sorted(course.rglob("*"))
    with pytest.raises(records.NotKnown, match="holds nothing"):
        records.forget(course, name)
    assert [path for path in before if not path.exists()] == []


def test_what_a_library_puts_on_the_path_is_none_of_the_environment(tmp_path, monkeypatch):
    before = hash_of_environment()
    about = tmp_path / "vendored-1.0.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Name: vendored\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "vendored" in {each.name for each in importlib.metadata.distributions()}
    assert hash_of_environment() == before
