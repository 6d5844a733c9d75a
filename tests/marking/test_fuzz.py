"""Of values and charts drawn from a grammar: does the split grader give each the mark that stock
nbgrader gives, or refuse that name alone, in words?

``FUZZ=10000`` draws that many (about a quarter of an hour); without it some dozens are drawn, and
some hundreds where all is tried.
"""

import os
import random

import msgspec
import pytest

from grader.course import nbgrader_api
from grader.course.folder import Course
from grader.course.source import read_source
from grader.grading import calibrate
from grader.marking import marker, model
from grader.sandbox import doctor
from tests.helpers import coursework, value_grammar

OFFER = doctor.offer()
pytestmark = pytest.mark.skipif(
    bool(OFFER.missing), reason="; ".join(map(str, OFFER.missing)) or "nothing is missing"
)
A_NOTEBOOK = 500  #: values at most
ASKED = int(os.environ.get("FUZZ", "0"))
DRAWS = (  # seed, values
    [(seed, min(A_NOTEBOOK, ASKED)) for seed in range(-(-ASKED // A_NOTEBOOK))]
    if ASKED
    else [(0, 60), pytest.param(1, 300, marks=pytest.mark.thorough)]
)
WRONG = 0.15  #: share of the answers that are another value than the test expects


def drawn(seed: int, count: int) -> list[tuple[str, str]]:
    """Return answers drawn by chance, each with what its test expects; the same for the
    same seed."""
    chance = random.Random(seed)
    pairs = []
    for _ in range(count):
        answer = value_grammar.expression(chance)
        pairs.append(
            (answer, value_grammar.expression(chance) if chance.random() < WRONG else answer)
        )
    return pairs


def source(pairs: list[tuple[str, str]]) -> str:
    """Return a source whose own solution is what was drawn."""
    cells = [f"# %% grade_id=setup kind=locked\n{value_grammar.SETUP}"]
    for at, (answer, expected) in enumerate(pairs):
        cells += [
            f"# %% grade_id=value{at} kind=solution\n### BEGIN SOLUTION\nvalue{at} = "
            f"{answer}\n### END SOLUTION",
            f"# %% grade_id=test{at} kind=test points=1\nassert probe(value{at}) == "
            f"probe({expected})",
        ]
    return "\n\n".join(cells)


def marks(folder, pairs) -> tuple[dict[str, float], dict[str, model.Mark], model.MarkedNotebook]:
    """Return stock nbgrader's points for each test, this grader's marks, and its notebook."""
    course = Course(coursework.build_course_of_one(source(pairs), folder))
    notebook, _ = read_source(course, course.notebooks("one")[0])
    cells = [
        msgspec.structs.replace(
            cell,
            names=[f"value{cell.grade_id.removeprefix('test')}"] if cell.role == "test" else [],
        )
        for cell in notebook.cells
    ]
    limits = msgspec.structs.replace(course.limits, output=64 << 20)
    course.limits = limits
    spec = calibrate._assignment(
        course, "one", [msgspec.structs.replace(notebook, cells=cells)], "", False
    )
    job = model.Job("solution", {"one": course.notebooks("one")[0].read_bytes()})
    result = marker.mark(spec, job)
    marker.forget_all()
    away = folder / "away"
    away.mkdir()
    by_stock = nbgrader_api.marks_of_solution(course, "one", away)["one"]
    return by_stock, result.notebooks["one"].marks, result.notebooks["one"]


@pytest.mark.parametrize(("seed", "count"), DRAWS)
def test_each_value_gets_stock_s_mark_or_is_refused_by_its_name(tmp_path, seed, count):
    pairs = drawn(seed, count)
    by_stock, ours, notebook = marks(tmp_path, pairs)
    assert not notebook.cause
    odd, refused = [], 0
    for at, (answer, expected) in enumerate(pairs):
        mark = ours[f"test{at}"]
        if mark.points == by_stock[f"test{at}"]:
            continue
        if mark.points == 0 and mark.error.startswith(
            (f"`value{at}` is ", "This is ", f"`value{at}()` is")
        ):
            refused += 1
        else:
            odd.append((answer, expected, by_stock[f"test{at}"], mark.points, mark.error))
    print(
        f"seed {seed}: {len(pairs)} values, {sum(by_stock.values()):.0f} right by stock, "
        f"{refused} refused in words"
    )
    assert not odd
    assert refused < len(pairs) / 5
