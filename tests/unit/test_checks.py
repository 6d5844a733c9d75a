"""Do checks accept what is right however it was made, refuse what is wrong, and say what to look
at?"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import portail
from commons.errors import CheckFailed
from portail.checks import expect, same, tell

SERIES = pd.Series({"a": 1.0, "b": 2.0})


def refusal(*arguments, **conditions) -> str:
    with pytest.raises(CheckFailed) as caught:
        expect(*arguments, **conditions)
    return caught.value.sentence.english


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3, int),
        (np.int64(3), int),
        (2.5, float),
        (np.float64(2.5), float),
        ("a", str),
        ([1], list),
        (True, bool),
        (np.bool_(True), bool),
        (SERIES, pd.Series),
        (SERIES > 1, "mask"),
        (len, "function"),
        (3, (int, float)),
    ],
)
def test_the_right_kind_is_accepted_from_numpy_and_pandas_too(value, kind):
    expect("x", value, kind)


@pytest.mark.parametrize(
    ("value", "kind", "says"),
    [
        (True, int, "whole number"),
        (3, float, "decimal number"),
        ("3", int, "text"),
        (SERIES, "mask", "True and False"),
        (None, pd.DataFrame, "nothing"),
        ([1], pd.Series, "a list"),
        (SERIES.mean, float, "without its parentheses"),
        (int, "function", "a function"),
        (3, (str, list), "or a list"),
    ],
)
def test_the_wrong_kind_is_named(value, kind, says):
    assert says in refusal("x", value, kind)


def test_an_answer_not_given_is_told_apart_from_a_wrong_one():
    assert "not answered yet" in refusal("x", ..., int, equal_to=3)


@pytest.mark.parametrize(("kind", "begins"), [(int, "`x =`"), ("function", "`def x`")])
def test_an_answer_not_given_is_told_how_its_line_begins(kind, begins):
    assert refusal("x", ..., kind).endswith(
        f"Write your answer in a line that begins with {begins}."
    )


@pytest.mark.parametrize(
    ("kind", "says"), [(list, "which list(…) turns into a list"), (int, "several values at once")]
)
def test_an_array_is_sent_to_list_only_where_a_list_is_wanted(kind, says):
    assert says in refusal("x", SERIES.index, kind)


def test_mistakes_are_worked_out_only_where_the_answer_is_wrong():
    def mistakes():
        return [(5, "That counts rows.", "Cela compte les lignes.")]

    expect("x", 4, int, equal_to=4, mistakes=lambda: pytest.fail("worked out"))
    assert refusal("x", 5, int, equal_to=4, mistakes=mistakes) == refusal(
        "x", 5, int, equal_to=4, mistakes=mistakes()
    )


def test_the_expected_value_is_never_shown():
    assert "41597" not in refusal("x", 3, int, equal_to=41597)


def test_a_known_mistake_gets_its_own_message():
    assert refusal(
        "x", 5, int, equal_to=4, mistakes=[(5, "That counts rows.", "Cela compte les lignes.")]
    ) == ("`x`: That counts rows.")


def test_where_to_look_is_added():
    assert refusal("x", 5, int, equal_to=4, look_at=("See step 2.", "Voir l’étape 2.")).endswith(
        "See step 2."
    )


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ({"length": 3}, "2 rows"),
        ({"index": ["a", "c"]}, "no entry for c"),
        ({"index": ["a"]}, "too many: b"),
        ({"within": (0, 1)}, "between 0 and 1"),
    ],
)
def test_a_wrong_form_is_named(conditions, says):
    assert says in refusal("x", SERIES, pd.Series, **conditions)


def test_a_missing_column_is_named():
    assert "lacks the column rate" in refusal(
        "t", pd.DataFrame({"n": [1]}), pd.DataFrame, columns=["n", "rate"]
    )


def test_both_languages_are_there_and_the_readers_comes_first():
    portail.use_language("fr")
    with pytest.raises(CheckFailed) as caught:
        expect("x", 5, int, equal_to=4)
    first, second = str(caught.value).splitlines()
    assert first.startswith("FR") and second.startswith("EN")


def test_a_learner_sees_the_message_and_no_frames():
    with pytest.raises(CheckFailed) as caught:
        expect("x", 5, int, equal_to=4)
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_tell_prints_and_never_raises(capsys):
    tell("x", 5, int, equal_to=4)
    tell("x", 4, int, equal_to=4)
    assert capsys.readouterr().out.splitlines() == [
        "→ `x` has the right form, but not the right value.",
        "✓ `x` is as expected.",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (0.1 + 0.2, 0.3),
        (float("nan"), float("nan")),
        ((1, 2), [1, 2]),
        (np.array([1, 2]), [1, 2]),
        ({"a": 1}, {"a": np.int64(1)}),
        (SERIES.astype("Float64"), SERIES),
        ({1, 2}, {2, 1}),
        (pd.Series({"a": 1, "b": 2}), SERIES),
    ],
)
def test_the_same_answer_in_another_dress_is_the_same(value, expected):
    assert same(value, expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, 1),
        ("3", 3),
        (SERIES, 1),
        (SERIES[::-1], SERIES),
        ([2, 1], [1, 2]),
        ("ab", ["a", "b"]),
        (None, 0),
        (SERIES.rename({"a": "c"}), SERIES),
        (1, None),
        ([1, 1, 2], [1, 2, 2]),
        (SERIES.to_dict(), SERIES),
        (3, "3"),
        (SERIES.to_frame("n"), SERIES),
        (pd.DataFrame({"n": [1]}), pd.DataFrame({"m": [1]})),
    ],
)
def test_another_answer_is_not_the_same(value, expected):
    assert not same(value, expected)


def test_order_counts_only_where_it_is_asked_for():
    assert same(SERIES[::-1], SERIES, ordered=False)
    assert same([2, 1, 1], [1, 2, 1], ordered=False)
    assert not same([2, 2, 1], [1, 2, 1], ordered=False)


class AlwaysEqual:
    """An answer that claims to equal everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.mark.parametrize("expected", [3, "x", [1], {"a": 1}, {1}, SERIES, None])
def test_an_answer_that_claims_to_equal_everything_is_refused(expected):
    assert not same(AlwaysEqual(), expected)


plain = st.one_of(
    st.integers(),
    st.floats(allow_nan=True),
    st.text(),
    st.lists(st.integers()),
    st.dictionaries(st.text(), st.integers()),
)


@given(plain)
def test_every_answer_is_the_same_as_itself(value):
    assert same(value, value)


items = st.sampled_from(["1", 1, True, 1.0, 1.0000001, 1.1, float("nan"), None])


@given(st.lists(st.tuples(items, items), max_size=2))
def test_two_lists_are_the_same_where_each_item_is(pairs):
    assert same([one for one, _ in pairs], [other for _, other in pairs]) == all(
        same(*pair) for pair in pairs
    )


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_two_whole_numbers_are_the_same_only_if_equal(one, other):
    assert same(one, other, tolerance=0) == (one == other)


@given(plain)
def test_tell_says_something_of_any_answer(value):
    tell("x", value, int, equal_to=4, mistakes=[(5, "five", "cinq")])


@pytest.mark.parametrize(
    ("value", "conditions"),
    [
        ([0] * 52_861, {"length": 3}),
        ("52861 " * 3, {"length": 3}),
        ({"52861": 1}, {"index": []}),
        (pd.Series([1], index=["52861"]), {"index": []}),
    ],
)
def test_the_public_sentence_repeats_nothing_that_the_answer_says(value, conditions):
    with pytest.raises(CheckFailed) as failed:
        expect("years", value, **conditions)
    assert any(said in str(failed.value.sentence) for said in ("52861", "18"))
    assert not any(figure.isdigit() for figure in "".join(failed.value.public))
