"""After a test has changed, is everybody marked by it, with manual marks kept, the change shown,
and a way back?"""

from pathlib import Path

import pytest

import grader
from grader import audit
from grader.grading import regrade
from tests.helpers import coursework
from tests.helpers.sources import TWO_TASKS


@pytest.fixture(scope="module")
def changed(tmp_path_factory) -> Path:
    """Two learners, one marked by a person too, and a test that was mended since."""
    course = coursework.build_course_of_one(
        TWO_TASKS, tmp_path_factory.mktemp("changed") / "course"
    )
    coursework.hand_in_solution(course, "right", "one")
    nearly = "# %% grade_id=total\ntotal = 44\n\n# %% [markdown] grade_id=memo\nBecause."
    coursework.hand_in(course, "nearly", "one", nearly)
    grader.grade(course, "one", workers=1)
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        memo = gradebook.find_grade("memo", "one", "one", "nearly")
        memo.manual_score, memo.needs_manual_grade = 3.5, False
        gradebook.db.commit()
    notebook = course / "source" / "one" / "one.ipynb"
    notebook.write_text(
        notebook.read_text().replace("assert total == 45", "assert total in (44, 45)")
    )
    return course


@pytest.fixture(scope="module")
def regraded(changed, tmp_path_factory):
    course = coursework.copy_course(changed, tmp_path_factory.mktemp("regraded") / "course")
    assert {each.outdated for each in grader.grade(course, "one", workers=1).submissions} == {True}
    before = coursework.marks(course, "one")
    outcome, changes = regrade.regrade(course, "one", workers=1)
    return {"course": course, "outcome": outcome, "changes": changes, "before": before}


def test_each_changed_mark_is_shown_old_and_new(regraded):
    assert [(each.student, each.cell, each.before, each.after) for each in regraded["changes"]] == [
        ("nearly", "one/total-test", 0.0, 3.0)
    ]


def test_the_gradebook_has_the_new_marks_and_they_hold(regraded):
    assert coursework.marks(regraded["course"], "one")["nearly"]["total-test"] == 3.0
    assert audit.verify(regraded["course"], "one") == (2, [])


def test_a_mark_that_a_person_gave_is_kept(regraded):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{regraded['course'] / 'gradebook.db'}") as gradebook:
        assert gradebook.find_grade("memo", "one", "one", "nearly").manual_score == 3.5


def test_a_second_regrading_changes_nothing(regraded):
    outcome, changes = regrade.regrade(regraded["course"], "one", workers=1)
    assert not changes and not outcome.of("graded")


def test_undoing_brings_marks_notebooks_and_states_back(regraded, tmp_path):
    course = coursework.copy_course(regraded["course"], tmp_path / "course")
    assert regrade.undo(course, "one") == ["nearly", "right"]
    assert coursework.marks(course, "one") == regraded["before"]
    assert (
        "assert total == 45" in (course / "autograded" / "nearly" / "one" / "one.ipynb").read_text()
    )
    assert {each.outdated for each in grader.grade(course, "one", workers=1).submissions} == {True}
    with pytest.raises(regrade.NothingToUndo):
        regrade.undo(course, "one")


def test_who_is_forgotten_does_not_come_back_by_undoing(regraded, tmp_path):
    course = coursework.copy_course(regraded["course"], tmp_path / "course")
    audit.forget(course, "nearly")
    assert not [
        path for path in course.rglob("*") if path.is_file() and b"nearly" in path.read_bytes()
    ]
    assert regrade.undo(course, "one") == ["right"]
