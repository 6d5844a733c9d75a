"""Decides which counts of people may be shown, so that no small group can be worked out.

The rules are those of the Privacy Implementation Notice 2020-03 of the Treasury Board of Canada
Secretariat (risk is one over the cell's size; ten is often cited for less sensitive releases,
twenty for more sensitive ones; never under three) and of grader/PRIVACY.md. A zero counts as small,
since it reveals everyone's result.
"""

import math

import msgspec

NEVER_UNDER, USUAL = 3, 10  #: people, in any cell that is shown
STEP = 0.05  #: shares are rounded to it, so that no share gives its count back


class Figure(msgspec.Struct, frozen=True):
    """A number as it may be shown.

    Args:
        how: ``"exact"``, ``"below"`` or ``"above"`` a limit, ``"hidden"``, or ``"none"`` where
            there is nothing.
        value: the number or the limit; None where nothing is shown.
    """

    how: str
    value: float | None = None


HIDDEN, NONE = Figure("hidden"), Figure("none")


def count(people: int, minimum: int) -> Figure:
    """Return how many people, where that is not a small group."""
    return Figure("exact", people) if people >= minimum else Figure("below", minimum)


def parts(part: int, whole: int, minimum: int) -> tuple[Figure, Figure]:
    """Return a group and the rest of a whole that is shown: if either is small, only that it is,
    for both.

    Args:
        part: people in the group.
        whole: people in all.
        minimum: fewest people that a cell may show.

    Returns:
        The group and the rest. Where the whole is under twice the minimum nothing is shown: that
        both are small would leave too few possibilities.
    """
    rest = whole - part
    if whole < 2 * minimum:
        return HIDDEN, HIDDEN
    if part < minimum:
        return Figure("below", minimum), Figure("above", whole - minimum)
    if rest < minimum:
        return Figure("above", whole - minimum), Figure("below", minimum)
    return Figure("exact", part), Figure("exact", rest)


def share(part: int, whole: int, minimum: int) -> Figure:
    """Return a share of people, to the next ``STEP``; a limit where the group or the rest of it is
    small."""
    found, _ = parts(part, whole, minimum)
    if found.value is None:
        return found
    steps = found.value / whole / STEP
    rounded = {"exact": round, "below": math.ceil, "above": math.floor}[found.how](round(steps, 9))
    return Figure(found.how, round(rounded * STEP, 2))


def average(value: float | None, people: int, minimum: int) -> Figure:
    """Return an average of points where enough people stand behind it."""
    if value is None:
        return NONE
    return Figure("exact", value) if people >= minimum else HIDDEN


def cells(counts: list[int], minimum: int) -> tuple[list[Figure], Figure]:
    """Return the cells of a table of one dimension, and its total, so that no total gives a cell
    back.

    Small cells are hidden. Where there are any, others are hidden too, in the order of the table
    and never by their size (complementary suppression), until one that is not small is among them
    and they hold twice the minimum. Which cell goes with a small one must not depend on sizes:
    whoever knows the rule could reason back from it.

    Args:
        counts: people, by cell; nobody is in two cells.
        minimum: fewest people that a cell may show.
    """
    total = sum(counts)
    if total < minimum:
        return [HIDDEN] * len(counts), HIDDEN if counts else NONE
    hidden = {at for at, each in enumerate(counts) if each < minimum}
    small = len(hidden)
    for at in range(len(counts) if small else 0):
        if len(hidden) > small and sum(counts[each] for each in hidden) >= 2 * minimum:
            break
        hidden.add(at)
    return [
        HIDDEN if at in hidden else Figure("exact", each) for at, each in enumerate(counts)
    ], Figure("exact", total)
