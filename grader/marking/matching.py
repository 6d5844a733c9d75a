"""Matching the cells of a notebook handed in to the source's."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from grader.marking.protocol import Cell

if TYPE_CHECKING:
    from grader.marking.model import SourceCell

_ANSWERS = ("solution", "manual")  # roles of the cells that learners fill in


class Place(msgspec.Struct, frozen=True):
    """One cell of the notebook that is marked.

    Args:
        given: the number of the cell handed in that stands here, None where the learner deleted it.
        source: the number of the source's cell that it is, None where it is the learner's own.
    """

    given: int | None
    source: int | None


class Matched(msgspec.Struct, frozen=True):
    """How a notebook that was handed in fits its source.

    Args:
        places: the cells of the notebook that is marked, in order.
        found_otherwise: grade ids of the cells that had lost nbgrader's metadata, and were known by
            something else.
        lost: grade ids of the answers whose cells are not in the notebook at all.
    """

    places: list[Place]
    found_otherwise: list[str] = []
    lost: list[str] = []


def matched(source: Sequence["SourceCell"], cells: list[Cell]) -> Matched:
    """Match the cells handed in to the source's: by grade id, and without one by id, by text, or by
    their neighbours.

    A copied cell counts once, as nbgrader has it: the last copy is the cell, the others are the
    learner's own. A cell that bears a grade id is never taken for another one, and a cell without
    any never comes before one that has the right one. A cell that was deleted stands where it
    stood: after the nearest one before it that is there; where the answer before it is not there
    either, after all that may be that answer.

    Args:
        source: the source's cells, in order.
        cells: as handed in.
    """
    named = _by_grade_id([cell.grade_id for cell in source], cells)
    found = dict(named)
    _add_by(found, source, cells, lambda each: each.id, lambda each: each.id)
    _add_by(found, source, cells, _text_of_source, lambda each: _plain_text(each.source))
    _add_by_neighbours(found, source, cells)
    wanted = [number for number, cell in enumerate(source) if cell.grade_id is not None]
    lost = [number for number in wanted if number not in found and source[number].role in _ANSWERS]
    return Matched(
        _laid_out(
            len(cells),
            wanted,
            found,
            {number: found[number] for number in wanted if number in found},
            lost,
        ),
        [source[number].grade_id for number in wanted if number in found and number not in named],
        [source[number].grade_id for number in lost],
    )


def _by_grade_id(grade_ids: list[str | None], cells: list[Cell]) -> dict[int, int]:
    """Return where the source's cells are, by their numbers, as grade ids tell it."""
    numbers = {
        grade_id: number for number, grade_id in enumerate(grade_ids) if grade_id is not None
    }
    found: dict[int, int] = {}
    for given, cell in enumerate(cells):
        if cell.grade_id in numbers:
            number = numbers[cell.grade_id]
            if (
                number not in found
                or any(cell.claims.values())
                or not any(cells[found[number]].claims.values())
            ):
                found[number] = given
    return found


def _free(found: dict[int, int], cells: list[Cell]) -> list[int]:
    """Return the cells handed in that say nothing of what they are, and are not known yet."""
    known = set(found.values())
    return [
        given for given, cell in enumerate(cells) if cell.grade_id is None and given not in known
    ]


def _add_by(found: dict[int, int], source, cells: list[Cell], of_source, of_given) -> None:
    """Add the cells that have the same kind and the same key; a key that two cells of the source
    have tells nothing."""
    keys = [(cell.kind, of_source(cell)) for cell in source]
    numbers = {key: number for number, key in enumerate(keys) if key[1] and keys.count(key) == 1}
    for given in reversed(_free(found, cells)):  # the last copy is the cell
        number = numbers.get((cells[given].kind, of_given(cells[given])))
        if number is not None:
            found.setdefault(number, given)


def _text_of_source(cell: "SourceCell") -> str:
    """Return the text by which a cell is known that learners have no reason to change; "" for an
    answer."""
    return "" if cell.role in _ANSWERS else _plain_text(cell.visible or cell.source)


def _plain_text(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def _add_by_neighbours(found: dict[int, int], source, cells: list[Cell]) -> None:
    """Add each answer that is the one of its kind that is missing between two cells, where one of
    its kind is too."""
    free = _free(found, cells)
    ends = [-1, *sorted(found), len(source)]
    for before, after in itertools.pairwise(ends):
        between = range(found.get(before, -1) + 1, found.get(after, len(cells)))
        for kind in ("code", "markdown", "raw"):
            missing = [
                number
                for number in range(before + 1, after)
                if source[number].role in _ANSWERS and source[number].kind == kind
            ]
            here = [given for given in free if given in between and cells[given].kind == kind]
            beside = {before, after} - {-1, len(source)}  # its heading, or its test
            if len(missing) == len(here) == 1 and beside & {missing[0] - 1, missing[0] + 1}:
                found[missing[0]] = here[0]


def _laid_out(
    count: int, wanted: list[int], known: dict[int, int], found: dict[int, int], lost
) -> list[Place]:
    """Return the cells handed in, and those of the source that are not there, each where it stood.

    Args:
        count: how many were handed in.
        wanted: numbers of the source's cells that have to be there.
        known: where cells of the source are, others than these too, by their numbers.
        found: where these are.
        lost: numbers of the answers that are not there.
    """
    source_of = {given: number for number, given in found.items()}
    places = [Place(given, source_of.get(given)) for given in range(count)]
    for number in wanted:
        if number in found:
            continue
        before = [
            at
            for at, place in enumerate(places)
            if place.source is not None and place.source < number
        ]
        nearest = max(before, key=lambda at: places[at].source) if before else -1
        after = [each for each in known if each > number]
        since = places[nearest].source if before else -1
        if number in lost or any(since <= each < number for each in lost):
            next_one = known[min(after)] if after else None
            at = next(
                (at for at, place in enumerate(places) if after and place.given == next_one),
                len(places),
            )
            nearest = max(nearest, at - 1)
        places.insert(nearest + 1, Place(None, number))
    return places
