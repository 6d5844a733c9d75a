"""Can every mark be traced to what gave it, and a learner be removed wherever the course holds
them?"""

import html
import importlib.metadata
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

import grader
from grader import audit
from grader.course.folder import Course, hash_of_environment
from grader.intake import unmatched
from grader.reports import moderation
from tests.helpers import coursework
from tests.helpers.sources import TWO_TASKS

STUDENTS = ("one-who-stays", "one-who-leaves")


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    course = coursework.build_course_of_one(TWO_TASKS, tmp_path_factory.mktemp("graded") / "course")
    for student in STUDENTS:
        coursework.hand_in_solution(course, student, "one")
    grader.grade(course, "one", workers=1)
    return course


@pytest.fixture
def course(graded, tmp_path) -> Path:
    return coursework.copy_course(graded, tmp_path / "course")


def found(course: Path) -> set[tuple[str, str]]:
    return {(each.student, each.what) for each in audit.verify(course, "one")[1]}


def test_marks_that_nobody_touched_hold(course):
    assert audit.verify(course, "one") == (2, [])


def test_a_mark_changed_in_the_gradebook_is_found(course):
    with sqlite3.connect(course / "gradebook.db") as database:
        database.execute(
            "update grade set auto_score = 1.5 where id = (select id from grade where auto_score "
            "= 3.0)"
        )
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
    monkeypatch.setattr(audit, "hash_of_environment", lambda: "another")
    assert found(course) == {(student, "environment") for student in STUDENTS}


def test_marks_of_nobody_s_giving_are_found(course):
    journal = course / ".grader" / "journal.jsonl"
    journal.write_text(
        "".join(line for line in journal.read_text().splitlines(True) if STUDENTS[0] not in line)
    )
    assert found(course) == {(STUDENTS[0], "unknown")}


def test_the_status_counts_who_is_where(course):
    coursework.hand_in_solution(course, "newcomer", "one")
    (standing,) = audit.status(course)
    assert standing.states == {"graded": 2, "waiting": 1} and standing.outdated == 0


def whole(folder: Path) -> dict[str, bytes]:
    """All files of a folder, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def fill_every_place(course: Path, *students: str) -> None:
    """Put something of each of these into every place where a course keeps anything of a
    learner."""
    state = course / ".grader"
    for student in students:
        for place in (
            course / "feedback",
            course / "submitted",
            course / "autograded",
            *(state / name for name in ("new", "old", "incoming", "ready", "replaced")),
            state / "regrades" / "one" / "2026-11-30T12-00-00" / "autograded",
        ):
            coursework.put(place / student / "one" / "one.html", student.encode())
        coursework.put(
            course / "records" / "inbound" / f"{student}+one+2026-11-30 12:00:00 UTC" / "one.ipynb",
            b"{}",
        )
        coursework.put(state / "unmatched" / f"{len(student)}-{student}_one.ipynb", b"{}")
        unmatched.note(course, f"{len(student)}-{student}_one.ipynb", {student})
    coursework.put(
        course / "reports" / "of-everybody.html",
        "".join(
            f'<tr><th scope="row">A name</th><td>{html.escape(student)}</td></tr>'
            for student in students
        ).encode(),
    )
    coursework.put(
        course / "reports" / "one.json",
        json.dumps({"submissions": [{"student": student} for student in students]}).encode(),
    )


def with_exchange(course: Path) -> Path:
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.CourseDirectory.course_id = 'records'\n")
    return course


def test_who_is_forgotten_is_nowhere_in_the_course(course):
    fill_every_place(with_exchange(course), *STUDENTS)
    moderation.lay_out(course, "one", course / "markers")
    done = audit.forget(course, STUDENTS[1])
    assert len(done.removed) == 20 and done.look == []
    for path in course.rglob("*"):
        assert STUDENTS[1] not in path.name
        assert not path.is_file() or STUDENTS[1].encode() not in path.read_bytes(), path


def test_what_markers_read_of_a_learner_goes_with_them_and_their_sheets_count_on(course):
    answers, *sheets = moderation.lay_out(course, "one", course / "markers")
    old = sheets[1].read_bytes()
    code = next(
        code
        for code, each in moderation._kept(Course(course), "one").answers.items()
        if each.student == STUDENTS[1]
    )
    audit.forget(course, STUDENTS[1])
    assert all(code not in path.read_text("utf-8-sig") for path in (answers, *sheets))
    assert (
        answers.read_text("utf-8").count("<h2>M") == 1
        and len(sheets[0].read_text().splitlines()) == 2
    )
    sheets[1].write_bytes(old.replace(b",,", b",1,"))  # a marker's own copy, which comes back later
    assert len(moderation.settle(course, "one", *sheets).alone) == 1


def test_a_sheet_that_does_not_read_as_it_was_written_is_to_be_looked_at(course):
    sheet = moderation.lay_out(course, "one", course / "markers")[1]
    sheet.write_text("something else")
    assert "one-marker-1.csv" in str(audit.forget(course, STUDENTS[1]).look)
    assert sheet.read_text() == "something else"


def test_a_file_that_may_be_two_peoples_is_left_to_a_person(course):
    kept = course / ".grader" / "unmatched" / "12345678-both.ipynb"
    coursework.put(kept, b"{}")
    unmatched.note(course, kept.name, set(STUDENTS))
    done = audit.forget(course, STUDENTS[1])
    assert done.look == [f".grader/unmatched/{kept.name} ({STUDENTS[0]}?)"] and kept.exists()
    assert unmatched.read(course) == {kept.name: {STUDENTS[0]}}


IDS = [
    "one",
    "autograded",
    "new",
    "a*",
    "[a-z]*",
    "?",
    "one-who",
    "reports",
    "journal.jsonl",
    "submitted",
    "*",
    "inbound",
    "<td>",
    "a+one",
    "feedback",
    "lab",
    "kept.json",
    "memos",
]


@pytest.mark.parametrize("student", IDS)
def test_whatever_the_id_is_called_nothing_of_anybody_else_is_touched(course, student):
    fill_every_place(with_exchange(course), *STUDENTS)
    before = whole(course)
    with sqlite3.connect(course / "gradebook.db") as database:
        database.execute("insert into student (id) values (?)", [student])
    coursework.put(course / "submitted" / student / "one" / "one.ipynb", b"{}")
    audit.forget(course, student)
    after = whole(course)
    assert {name for name in before if after.get(name) != before[name]} <= {"gradebook.db"}
    assert not (course / "submitted" / student).exists()
    assert found(course) == {
        (each, "changed") for each in STUDENTS
    }  # by what was put there; their marks hold


def test_who_has_an_id_that_begins_like_another_is_not_that_other(course):
    others = ["ab", "a+one", "b", "one"]
    fill_every_place(with_exchange(course), "a", *others)
    before = whole(course)
    audit.forget(course, "a")
    lost = {name for name in before if name not in whole(course)} - {"reports/of-everybody.html"}
    assert len(lost) == 11 and not any(
        f"/{other}/" in f"/{name}" for name in lost for other in others[:3]
    )


def test_a_folder_whose_name_is_no_id_is_forgotten_by_the_name_that_reports_give_it(course):
    path = os.fsencode(course / "submitted") + b"/caf\xe9"
    os.makedirs(path + b"/one")
    assert audit.forget(course, "caf\\udce9").removed and not os.path.exists(path)


def test_the_others_keep_their_marks_when_one_is_forgotten(course):
    audit.forget(course, STUDENTS[1])
    assert audit.verify(course, "one") == (1, [])


@pytest.mark.parametrize("name", ["nobody", "../submitted", "", ".", "/etc"])
def test_a_learner_of_whom_there_is_nothing_is_named_and_nothing_removed(course, name):
    before = sorted(course.rglob("*"))
    with pytest.raises(audit.NotKnown, match="holds nothing"):
        audit.forget(course, name)
    assert [path for path in before if not path.exists()] == []


def test_what_a_library_puts_on_the_path_is_none_of_the_environment(tmp_path, monkeypatch):
    before = hash_of_environment()
    about = tmp_path / "vendored-1.0.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Name: vendored\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "vendored" in {each.name for each in importlib.metadata.distributions()}
    assert hash_of_environment() == before
