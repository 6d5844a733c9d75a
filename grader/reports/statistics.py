"""Computes how hard tasks are, how well they discriminate, and how far markers agree.

The terms are those of classical test theory: difficulty is the mean share of the points;
discrimination is the correlation of an item with the sum of the others (item-rest correlation, so
that an item does not speak for itself).
"""

from collections import Counter

import msgspec
import numpy as np
import pandas as pd

FEWEST = 10  #: people, below which a correlation would be chance
_MOST_MESSAGES, _MOST_CHARACTERS = 5, 300


class Message(msgspec.Struct, frozen=True):
    """A message of failed tests, in both languages, and how many got it."""

    english: str
    french: str
    count: int


class Item(msgspec.Struct, frozen=True):
    """One task of an assignment.

    Args:
        name: ``"notebook/grade id"``.
        maximum: points to be had.
        people: how many have points for it.
        difficulty: mean share of the points, 0 to 1: the lower, the harder; None if nobody has
            points.
        discrimination: correlation with the sum of the other items, -1 to 1; None under ``FEWEST``
            people, or where all have the same.
        full: how many have all the points.
        none: how many have none.
        messages: the commonest messages of failed tests.
    """

    name: str
    maximum: float
    people: int
    difficulty: float | None
    discrimination: float | None
    full: int
    none: int
    messages: list[Message] = []


def items(
    points: pd.DataFrame, maximum: dict[str, float], messages: dict[str, Counter]
) -> list[Item]:
    """Return the statistics of each task that has points to give.

    Args:
        points: one row a person, one column a task; NaN where nobody has given points yet.
        maximum: points to be had, by column.
        messages: of failed tests, by column: how many got each ``(English, French)``.
    """
    found = []
    for name in points:
        if not maximum.get(name):
            continue
        own = points[name]
        rest = points.drop(columns=name).sum(axis=1)
        counts = messages.get(name, Counter()).most_common(_MOST_MESSAGES)
        found.append(
            Item(
                name,
                maximum[name],
                int(own.count()),
                float(own.mean() / maximum[name]) if own.count() else None,
                _correlation(own, rest),
                int((own >= maximum[name]).sum()),
                int((own <= 0).sum()),
                [
                    Message(english[:_MOST_CHARACTERS], french[:_MOST_CHARACTERS], count)
                    for (english, french), count in counts
                ],
            )
        )
    return found


def _correlation(one: pd.Series, other: pd.Series) -> float | None:
    both = one.notna()
    if both.sum() < FEWEST or one[both].nunique() < 2 or other[both].nunique() < 2:
        return None
    return float(np.corrcoef(one[both], other[both])[0, 1])


class Agreement(msgspec.Struct, frozen=True):
    """How far two markers agree on the same answers.

    Args:
        answers: how many both have marked.
        same: share with the same points.
        near: share that lies at most one point apart.
        kappa: Cohen's kappa with quadratic weights (Cohen, 1968): 1 is full agreement, 0 is chance;
            None where either gave everybody the same, or there are fewer than ``FEWEST`` answers.
        difference: mean of the first marker's points less the second's.
    """

    answers: int
    same: float
    near: float
    kappa: float | None
    difference: float


def agreement(first: list[float], second: list[float]) -> Agreement | None:
    """Compare two markers' points for the same answers, in the same order; None for no answer."""
    if not first:
        return None
    one, two = np.asarray(first, float), np.asarray(second, float)
    apart = np.abs(one - two)
    return Agreement(
        len(one),
        float((apart == 0).mean()),
        float((apart <= 1).mean()),
        _kappa(one, two),
        float((one - two).mean()),
    )


def _kappa(one: np.ndarray, two: np.ndarray) -> float | None:
    """Return Cohen's kappa with quadratic weights: 1 less the squared differences seen over those
    that chance gives."""
    if len(one) < FEWEST:
        return None
    by_chance = ((one[:, None] - two[None, :]) ** 2).mean()
    return None if by_chance == 0 else float(1 - ((one - two) ** 2).mean() / by_chance)


class Gain(msgspec.Struct, frozen=True):
    """How much of what could still be learned was learned.

    Args:
        people: learners who took both tests.
        before: mean share of the points in the first test.
        after: in the second.
        gain: normalised gain, at most 1; None where nobody is there or nobody could gain anything.
        low: lower end of its 95% interval; None under two people, or where it cannot be told.
        high: upper end.
    """

    people: int
    before: float | None
    after: float | None
    gain: float | None
    low: float | None = None
    high: float | None = None


RESAMPLES, SEED = 2000, 20_260_101


def gain(before: np.ndarray, after: np.ndarray, maximum: float) -> Gain:
    """Return the normalised gain of a group, (post − pre) / (max − pre), from the group's two
    means.

    It is the average normalised gain of a class (Hake, 1998, American Journal of Physics 66,
    64-74), of learners who took both tests. The interval is a percentile bootstrap over learners
    (Efron and Tibshirani, 1993, An Introduction to the Bootstrap): pairs are drawn anew with
    replacement ``RESAMPLES`` times, always by the same seed. Of few people such an interval is
    somewhat too narrow.

    Args:
        before: points in the first test, one number a learner.
        after: points in the second, in the same order.
        maximum: points to be had.
    """
    one, two = np.asarray(before, float), np.asarray(after, float)
    people = len(one)
    if not people or maximum <= 0:
        return Gain(people, None, None, None)
    found = _gains(one.sum(keepdims=True), two.sum(keepdims=True), people * maximum)[0]
    known = None if np.isnan(found) else float(found)
    low, high = _interval(one, two, maximum) if known is not None and people > 1 else (None, None)
    return Gain(people, float(one.mean() / maximum), float(two.mean() / maximum), known, low, high)


def _gains(before: np.ndarray, after: np.ndarray, most: float) -> np.ndarray:
    """Return the gains of groups from their sums of points; NaN where nothing was left to gain."""
    left = most - before
    return np.divide(after - before, left, out=np.full(len(before), np.nan), where=left > 1e-9)


def _interval(
    before: np.ndarray, after: np.ndarray, maximum: float
) -> tuple[float | None, float | None]:
    people = len(before)
    drawn = np.random.default_rng(SEED).integers(0, people, (RESAMPLES, people))
    gains = _gains(before[drawn].sum(axis=1), after[drawn].sum(axis=1), people * maximum)
    if (
        np.isnan(gains).mean() > 0.05
    ):  # too often nothing was left to gain: the interval would be of the others alone
        return None, None
    low, high = np.nanpercentile(gains, [2.5, 97.5])
    return float(low), float(high)
