"""Rules about exercises, assessments and what is released of them."""

import re
from collections.abc import Iterator
from copy import deepcopy

from curriculum import translation
from curriculum.rules.texts import french_spaces, headings, paths, plain_language


def of_exercise(english, french) -> list[str]:
    """Return every complaint about an exercise's master and its French text.

    Args:
        english: the master, with solutions and tests.
        french: the notebook of translated cells.
    """
    return [*graded_cells(english), *_of_assignment(english, french)]


def of_assessment(english, french) -> list[str]:
    """Return every complaint about a form of the session's tests: ten tasks, nothing to be read by
    a person.

    Args:
        english: the master, with solutions and tests.
        french: the notebook of translated cells.
    """
    return [*graded_cells(english, tasks=(10, 10), memos=0), *_of_assignment(english, french)]


def _of_assignment(english, french) -> list[str]:
    """Return the complaints that exercises and assessments have in common."""
    found = [*plain_language(english, "en"), *headings(english, "en"), *paths(english, "en")]
    found += [f"fr {each}" for each in [*plain_language(french, "fr"), *french_spaces(french)]]
    there = {cell["id"] for cell in french.cells}
    for cell in english.cells:
        locked = cell.metadata.get("nbgrader", {}).get("locked")
        if cell.cell_type == "markdown" and not locked and cell["id"] not in there:
            found.append(f"fr {cell['id']}: the cell has no French text")
    found += [
        f"fr {each}: the English cell has changed since it was translated (python -m curriculum "
        "stamp)"
        for each in translation.stale(english, french)
    ]
    try:
        translation.in_french(deepcopy(english), french)
    except ValueError as error:
        found.append(f"fr {error}")
    return found


def of_release(notebook) -> list[str]:
    """Return what a released notebook gives away: solutions, hidden tests, mark schemes,
    outputs."""
    found = []
    for cell in notebook.cells:
        if re.search(
            r"BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)|END (SOLUTION|HIDDEN TESTS|MARK SCHEME)",
            cell.source,
        ):
            found.append(f"{cell['id']}: a solution or a hidden test is in the release")
        about = cell.metadata.get("nbgrader", {})
        if (
            about.get("solution")
            and cell.cell_type == "code"
            and "YOUR CODE HERE" not in cell.source
        ):
            found.append(f"{cell['id']}: the answer cell has no place for an answer")
        if cell.get("outputs"):
            found.append(f"{cell['id']}: the release has outputs")
        if about.get("locked") and not about.get("grade"):
            found.append(
                f"{cell['id']}: a locked text or set-up cell would turn a French submission English"
            )
    return found


def graded_cells(notebook, tasks: tuple[int, int] = (5, 8), memos: int = 1) -> Iterator[str]:
    """nbgrader's cells are what DESIGN asks: 5 to 8 tasks, tests alone locked, hidden values, one
    memo.

    Args:
        notebook: the master.
        tasks: fewest and most auto-graded tasks, where they are not those of a lesson's exercise.
        memos: how many answers people read.
    """
    about = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells]
    tests = [(cell, each) for cell, each in about if each.get("grade") and not each.get("solution")]
    if not tasks[0] <= len(tests) <= tasks[1]:
        yield f"exercise: {len(tests)} auto-graded tasks; {tasks[0]} to {tasks[1]} are expected"
    names = [each["grade_id"] for _, each in about if each]
    if len(names) != len(set(names)):
        yield "exercise: a grade id comes twice"
    if sum(bool(each.get("grade") and each.get("solution")) for _, each in about) != memos:
        yield (
            "exercise: there must be exactly "
            f"{'one manually graded answer, the memo' if memos else 'no answer'}"
            f"{'' if memos else ' that people read'}"
        )
    for cell, each in tests:
        if not each.get("locked"):
            yield f"{cell['id']}: the test is not locked"
        if "### BEGIN HIDDEN TESTS" not in cell.source:
            yield f"{cell['id']}: no hidden test compares the value"
        visible = re.sub(
            r"### BEGIN HIDDEN TESTS.*### END HIDDEN TESTS", "", cell.source, flags=re.S
        )
        if "checks.expect" not in visible:
            yield f"{cell['id']}: no visible test tells type, shape or columns"
    for cell, each in about:
        if each.get("locked") and not each.get("grade"):
            yield f"{cell['id']}: only tests are locked"
        if (
            each.get("solution")
            and cell.cell_type == "code"
            and "### BEGIN SOLUTION" not in cell.source
        ):
            yield f"{cell['id']}: the answer cell has no solution to take out"
