"""Is each answer found in the notebook that was handed in, whatever became of nbgrader's
metadata?"""

import json

import pytest

from grader.course.folder import Course
from grader.course.source import read_source
from grader.marking import matching, reading
from grader.marking.matching import Place, matched
from grader.marking.model import SourceCell
from grader.marking.protocol import Cell
from tests.helpers.places import ROOT

SOURCE = [
    SourceCell("plain", "markdown", "# Title", id="title"),
    SourceCell("plain", "code", "import pandas", id="setup"),
    SourceCell("plain", "markdown", "## One", id="one-text"),
    SourceCell("solution", "code", "one = ...", "one", id="one"),
    SourceCell(
        "test",
        "code",
        "assert one == 1\nassert hidden",
        "one-test",
        2.0,
        visible="assert one == 1",
        id="one-test",
    ),
    SourceCell("plain", "markdown", "## Two", id="two-text"),
    SourceCell("solution", "code", "two = ...", "two", id="two"),
    SourceCell(
        "test", "code", "assert two == 2", "two-test", 2.0, visible="assert two == 2", id="two-test"
    ),
    SourceCell("plain", "markdown", "## Memo", id="memo-text"),
    SourceCell("manual", "markdown", "Your memo.", "memo", 3.0, id="memo"),
    SourceCell("plain", "markdown", "The end.", id="end"),
]
ANSWERS = {"one": "one = 1", "two": "two = 2", "memo": "I wrote this."}
CLAIMS = {
    "solution": {"solution": True},
    "test": {"grade": True, "locked": True},
    "manual": {"grade": True, "solution": True},
}


def handed_in(metadata: bool = True, ids: bool = True) -> list[Cell]:
    """The notebook as a learner hands it in, all answers right, with or without what tells its
    cells apart."""
    return [
        Cell(
            cell.kind,
            ANSWERS.get(cell.grade_id) or cell.visible or cell.source,
            grade_id=cell.grade_id if metadata else None,
            claims=CLAIMS.get(cell.role, {}) if metadata else {},
            id=cell.id if ids else None,
        )
        for cell in SOURCE
    ]


def place_of(name: str, cells: list[Cell]) -> int:
    return next(at for at, cell in enumerate(cells) if name in (cell.grade_id, cell.id))


def retyped(cells: list[Cell], name: str) -> list[Cell]:
    """The same cells, one of them deleted and typed anew in its place."""
    at = place_of(name, cells)
    return [
        *cells[:at],
        Cell(cells[at].kind, ANSWERS.get(name, cells[at].source), id="new"),
        *cells[at + 1 :],
    ]


def where(found: matching.Matched) -> dict[str, int | None]:
    return {
        SOURCE[place.source].grade_id: place.given
        for place in found.places
        if place.source is not None
    }


IN_ORDER = {"one": 3, "one-test": 4, "two": 6, "two-test": 7, "memo": 9}
IDS = ["one", "one-test", "two", "two-test", "memo"]


def test_a_whole_notebook_is_matched_by_its_grade_ids():
    found = matched(SOURCE, handed_in())
    assert where(found) == IN_ORDER and found.found_otherwise == [] and found.lost == []


def test_cells_without_metadata_are_matched_by_their_ids():
    found = matched(SOURCE, handed_in(metadata=False))
    assert where(found) == IN_ORDER and found.found_otherwise == IDS and found.lost == []


def test_cells_without_metadata_and_ids_are_matched_by_their_text_and_neighbours():
    found = matched(SOURCE, handed_in(metadata=False, ids=False))
    assert where(found) == IN_ORDER and found.found_otherwise == IDS and found.lost == []


@pytest.mark.parametrize("name", ["one", "memo"])
def test_a_cell_typed_anew_is_matched_by_its_neighbours(name):
    found = matched(SOURCE, retyped(handed_in(), name))
    assert where(found) == IN_ORDER and found.found_otherwise == [name] and found.lost == []


def test_of_two_cells_that_may_be_the_answer_none_is_taken_and_the_answer_is_called_lost():
    cells = retyped(handed_in(), "memo")
    cells.insert(9, Cell("markdown", "A note."))
    found = matched(SOURCE, cells)
    assert where(found)["memo"] is None and found.lost == ["memo"] and found.found_otherwise == []


def test_a_test_whose_answer_is_lost_comes_after_all_that_may_be_it():
    cells = [cell for cell in retyped(handed_in(), "two") if cell.grade_id != "two-test"]
    cells.insert(6, Cell("code", "half = 1"))
    found = matched(SOURCE, cells)
    at = found.places.index(Place(None, 7))
    assert found.lost == ["two"] and [place.given for place in found.places[at - 3 : at + 2]] == [
        6,
        7,
        None,
        None,
        8,
    ]


def test_a_deleted_answer_is_lost_and_the_others_are_in_place():
    cells = [cell for cell in handed_in() if cell.grade_id != "two"]
    found = matched(SOURCE, cells)
    assert found.lost == ["two"] and where(found) == IN_ORDER | {
        "two": None,
        "two-test": 6,
        "memo": 8,
    }


def test_a_deleted_test_is_no_lost_answer_and_stands_behind_its_own():
    cells = [cell for cell in handed_in() if cell.grade_id != "one-test"]
    found = matched(SOURCE, cells)
    assert found.lost == [] and found.places[4] == Place(None, 4)


def test_a_copy_without_metadata_never_comes_before_the_real_cell():
    real = handed_in()
    for at in (0, len(real)):
        cells = [*real[:at], Cell("markdown", "Forged.", id="memo"), *real[at:]]
        found = matched(SOURCE, cells)
        assert cells[where(found)["memo"]].source == "I wrote this." and found.found_otherwise == []


def test_a_cell_that_bears_another_grade_id_is_never_taken():
    cells = handed_in()
    cells[9] = Cell("markdown", "Of another exercise.", grade_id="elsewhere", id="memo")
    assert matched(SOURCE, cells).lost == ["memo"]


def test_an_id_on_a_cell_of_another_kind_tells_nothing():
    cells = retyped(handed_in(), "memo")
    cells[9] = Cell("code", "print('no memo')", id="memo")
    assert matched(SOURCE, cells).lost == ["memo"]


def test_the_last_of_two_copies_of_one_id_is_the_cell():
    cells = handed_in(metadata=False)
    cells.append(Cell("markdown", "My later memo.", id="memo"))
    assert where(matched(SOURCE, cells))["memo"] == len(cells) - 1


def test_a_notebook_of_something_else_has_no_answer():
    cells = [Cell("code", "print()"), Cell("markdown", "Hello.")]
    found = matched(SOURCE, cells)
    assert found.lost == ["one", "two", "memo"] and found.found_otherwise == []
    assert [place.given for place in found.places][:2] == [0, 1]


def test_every_cell_handed_in_stands_once_and_every_cell_asked_for_too():
    for cells in (handed_in(), handed_in(metadata=False), retyped(handed_in(), "one")[3:], []):
        places = matched(SOURCE, cells).places
        assert [place.given for place in places if place.given is not None] == list(
            range(len(cells))
        )
        assert sorted(place.source for place in places if place.source is not None) == [
            3,
            4,
            6,
            7,
            9,
        ]


@pytest.mark.parametrize(
    ("own_id", "kept"), [("memo", "memo"), ("x" * 65, None), ("", None), (7, None), (None, None)]
)
def test_a_cells_own_id_is_read_where_it_is_one(own_id, kept):
    notebook = {
        "cells": [{"cell_type": "markdown", "id": own_id, "metadata": {}, "source": ""}],
        "nbformat": 4,
    }
    assert reading.read(json.dumps(notebook).encode()).cells[0].id == kept


def exercise(change) -> tuple[list[SourceCell], matching.Matched]:
    """An exercise's own cells, and how its solution fits them once its cells are changed."""
    path = ROOT / "exercises" / "source" / "01-open-government" / "01-open-government.ipynb"
    source, _ = read_source(Course(ROOT / "exercises"), path)
    notebook = json.loads(path.read_bytes())
    for cell in notebook["cells"]:
        change(cell)
    return source.cells, matched(source.cells, reading.read(json.dumps(notebook).encode()).cells)


def test_an_exercise_that_lost_all_its_metadata_is_found_whole():
    source, found = exercise(lambda cell: cell["metadata"].clear())
    assert found.lost == [] and found.found_otherwise == [
        cell.grade_id for cell in source if cell.grade_id
    ]


def test_two_cells_of_an_exercise_typed_anew_are_found():
    def change(cell):
        if cell["id"] in ("n_indicators", "memo"):
            cell.update(id=f"{cell['id']}-x", metadata={})

    _, found = exercise(change)
    assert found.lost == [] and found.found_otherwise == ["n_indicators", "memo"]
