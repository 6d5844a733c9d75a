"""Holds what an evaluation found, as the report shows it."""

import msgspec

from grader.evaluation import programme
from grader.evaluation.disclosure import Figure
from grader.evaluation.programme import Both


class CounterLine(msgspec.Struct, frozen=True):
    """A counter: as Commitment 6 reported it, and what this programme counts.

    Args:
        measure: its name.
        body: who reported it.
        value: what was reported; ``precision`` and ``target`` as the source has them, the target ""
            where it has none.
        precision: ``"exact"``, ``"approximately"`` or ``"at least"``.
        target: what was to be reached.
        unit: of the value.
        start: of its span; "" where the source gives none.
        end: of its span.
        source: ``"mid-term"`` or ``"final"``, the pages of ``SOURCES``.
        key: which definition of ours stands beside it.
        here: what this programme counts.
        given: the span and source of a number that has no file here.
    """

    measure: Both
    body: str
    value: int
    precision: str
    target: str
    unit: str
    start: str
    end: str
    source: str
    key: str
    here: Figure
    given: programme.Counter | None = None


class Day(msgspec.Struct, frozen=True):
    """A session: what its plan says, how many came, and the gain over the whole test."""

    plan: programme.Session
    people: Figure
    gain: Figure
    low: Figure
    high: Figure


class Learned(msgspec.Struct, frozen=True):
    """What was learned of a topic or an objective, of learners who took both tests."""

    name: Both
    items: int
    before: Figure
    after: Figure
    gain: Figure
    low: Figure
    high: Figure


class ItemResult(msgspec.Struct, frozen=True):
    """An item of one form: share of right answers, and how it goes with the rest of the form."""

    name: str
    objective: Both
    difficulty: Figure
    discrimination: Figure


class ExerciseResult(msgspec.Struct, frozen=True):
    """An exercise: how many handed it in, of those who were there, its mean share of points, its
    hardest task."""

    name: str
    handed_in: Figure
    points: Figure
    hardest: str
    hardest_points: Figure


class MemoResult(msgspec.Struct, frozen=True):
    """A memo: its mean points, and how far two markers agree on it; ``NONE`` where only one has
    marked."""

    name: str
    maximum: float
    points: Figure
    same: Figure
    near: Figure
    kappa: Figure


class RatingResult(msgspec.Struct, frozen=True):
    """A statement of the evaluation form: its mean of 5, and the share of forms with 4 or 5."""

    scale: str
    mean: Figure
    agree: Figure


class Evaluation(msgspec.Struct, frozen=True):
    """All that the report says.

    Args:
        title: of the programme.
        synthetic: whether nobody in it exists.
        minimum: fewest people that are shown.
        counters: one for one with those of Commitment 6.
        days: the sessions.
        participations: how many came, over all sessions.
        topics_covered: their names, or the words of the plan.
        both: learners who took both tests.
        one_or_none: those who took one or none: they count in no gain.
        tested: whether both tests are graded.
        overall: the whole test.
        topics: what was learned, by topic.
        objectives: by objective, pooled over sessions.
        mastery: share at or above ``MASTERY`` before and after.
        items: of each form.
        hardest: the item of the second test that fewest got right; "" if there is none.
        exercises: what was done.
        hardest_task: of all exercises; "" if there is none.
        memos: what people read.
        responses: share of participants who gave in a form.
        by_language: forms in English and in French.
        ratings: by statement.
    """

    title: Both
    synthetic: bool
    minimum: int
    counters: list[CounterLine]
    days: list[Day]
    participations: Figure
    topics_covered: list[Both]
    both: Figure
    one_or_none: Figure
    tested: bool
    overall: Learned
    topics: list[Learned]
    objectives: list[Learned]
    mastery: dict[str, Figure]
    items: dict[str, list[ItemResult]]
    hardest: str
    exercises: list[ExerciseResult]
    hardest_task: str
    memos: list[MemoResult]
    responses: Figure
    by_language: dict[str, Figure]
    ratings: list[RatingResult]


def span(evaluation: Evaluation) -> tuple:
    """Return the first and last date of the sessions."""
    dates = [day.plan.date for day in evaluation.days]
    return min(dates), max(dates)
