"""Does honest work get the marks of stock nbgrader, cell by cell, on courses of any style?"""

import pytest

import grader
from tests.helpers import coursework

pytestmark = pytest.mark.usefixtures("warm_kernels")

COURSES = [
    pytest.param(path, id=path.name, marks=() if path.name == "library" else pytest.mark.thorough)
    for path in sorted(coursework.COURSES.iterdir())
    if (path / "source").is_dir()
]


@pytest.fixture(scope="module", params=COURSES)
def graded(request, tmp_path_factory):
    """A course graded by stock nbgrader, and a copy of it graded by this grader."""
    ours = coursework.build_course(
        request.param, tmp_path_factory.mktemp(request.param.name) / "ours"
    )
    assignments = sorted(path.name for path in (ours / "source").iterdir())
    for assignment in assignments:
        for student, text in coursework.submissions(request.param, assignment).items():
            coursework.hand_in(ours, student, assignment, text)
        coursework.hand_in_solution(ours, "solution", assignment)
    stock = coursework.copy_course(ours, ours.with_name("stock"))
    outcomes = {assignment: grader.grade(ours, assignment, workers=2) for assignment in assignments}
    coursework.nbgrader(stock, *(f"autograde {assignment}" for assignment in assignments))
    return {"texts": request.param, "ours": ours, "stock": stock, "outcomes": outcomes}


def test_every_mark_is_the_same(graded):
    for assignment in graded["outcomes"]:
        ours, stock = (coursework.marks(graded[system], assignment) for system in ("ours", "stock"))
        assert len(ours) >= 5 and ours == stock


def test_nothing_failed_and_no_test_differs(graded):
    for outcome in graded["outcomes"].values():
        assert not outcome.of("failed") and not outcome.differing and not outcome.faults


def test_nbgrader_s_own_feedback_and_export_work_on_the_result(graded):
    coursework.nbgrader(
        graded["ours"], *(f"generate_feedback {name}" for name in graded["outcomes"]), "export"
    )
    for assignment in graded["outcomes"]:
        assert list((graded["ours"] / "feedback" / "solution" / assignment).glob("*.html"))
    assert "solution" in (graded["ours"] / "grades.csv").read_text()


def test_the_submissions_have_the_marks_at_their_heads_and_are_of_every_quality(graded):
    """What the comparison rests on: the marks were intended, and they differ."""
    for assignment in graded["outcomes"]:
        stock = coursework.marks(graded["stock"], assignment)
        texts = coursework.submissions(graded["texts"], assignment)
        for student, path in texts.items():
            intended = coursework.parse(path.read_text("utf-8")).marks
            assert stock[student] == {cell: mark for cell, (mark,) in intended.items()}, student
        totals = {
            student: sum(mark or 0 for mark in marks.values()) for student, marks in stock.items()
        }
        assert min(totals.values()) < max(totals.values()) / 4 and len(set(totals.values())) >= 4
        assert totals["solution"] == max(totals.values())
