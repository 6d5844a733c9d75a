"""Do the statistics of tasks and of markers say what their definitions say?"""

from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.reports.statistics import FEWEST, agreement, items

STRONG, WEAK = [2.0, 3.0, 1.0], [0.0, 1.0, 1.0]
COLUMNS = ["n/sum", "n/double", "n/coin"]
MAXIMUM = {"n/sum": 2.0, "n/double": 3.0, "n/coin": 1.0}


def table(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def test_difficulty_is_the_mean_share_of_the_points():
    found = items(table(STRONG, STRONG, WEAK), MAXIMUM, {})
    assert [each.difficulty for each in found] == [pytest.approx(2 / 3), pytest.approx(7 / 9), 1.0]
    assert [(each.full, each.none) for each in found] == [(2, 1), (2, 0), (3, 0)]


def test_an_item_that_goes_with_the_others_discriminates_and_one_that_all_have_says_nothing():
    found = {
        each.name: each.discrimination
        for each in items(table(*[STRONG, WEAK] * FEWEST), MAXIMUM, {})
    }
    assert found["n/sum"] == pytest.approx(1) and found["n/coin"] is None


def test_an_item_that_the_weak_get_right_has_a_negative_discrimination():
    rows = [[2.0, 3.0, 0.0], [0.0, 1.0, 1.0]] * FEWEST
    assert {each.name: each.discrimination for each in items(table(*rows), MAXIMUM, {})}[
        "n/coin"
    ] == pytest.approx(-1)


def test_few_people_have_no_correlation():
    assert all(each.discrimination is None for each in items(table(STRONG, WEAK), MAXIMUM, {}))


def test_what_nobody_has_read_yet_counts_for_nothing():
    found = items(table([None, 3.0, 1.0], [2.0, 1.0, 1.0]), MAXIMUM, {})[0]
    assert found.people == 1 and found.difficulty == 1.0


def test_the_commonest_messages_come_first():
    counts = Counter({("rare", "rare"): 1, ("common", "courant"): 4})
    said = items(table(STRONG, WEAK), MAXIMUM, {"n/sum": counts})[0].messages
    assert [(each.english, each.count) for each in said] == [("common", 4), ("rare", 1)]


def test_kappa_is_that_of_a_worked_example():
    # Mean squared difference seen: 3/12. By chance, over all 144 pairs of one's and the other's
    # points (four of each; four 0, five 1, three 2): one apart 4*5 + 4*4 + 4*3 + 4*5 = 68, two
    # apart 4*3 + 4*4 = 28, so (68 + 4*28) / 144 = 1.25; and 1 - 0.25 / 1.25 = 0.8.
    first = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    second = [0, 0, 0, 1, 1, 1, 1, 0, 2, 2, 2, 1]
    found = agreement(first, second)
    assert found.kappa == pytest.approx(0.8)
    assert found.same == 0.75 and found.near == 1.0 and found.difference == pytest.approx(1 / 12)


@given(
    st.lists(st.integers(0, 8), min_size=FEWEST, max_size=40).filter(
        lambda points: len(set(points)) > 1
    )
)
def test_two_markers_who_always_agree_have_a_kappa_of_one(points):
    assert agreement(points, points).kappa == pytest.approx(1)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=40))
def test_agreement_is_the_same_from_either_side(pairs):
    one, two = map(list, zip(*pairs, strict=True))
    here, there = agreement(one, two), agreement(two, one)
    assert (here.same, here.near, here.kappa) == pytest.approx(
        (there.same, there.near, there.kappa)
    )
    assert here.difference == pytest.approx(-there.difference)


def test_no_answers_have_no_agreement():
    assert agreement([], []) is None
