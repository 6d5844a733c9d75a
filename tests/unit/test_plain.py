"""Do values cross the border as they are, and does nothing else cross?"""

import collections
import contextlib
import datetime
import decimal
import inspect

import matplotlib
import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from grader.sandbox.channel import BadMessage
from grader.values import charts
from grader.values.exceptions import Stopped
from grader.values.packing import Packer
from grader.values.refusals import CannotCross, Refused
from grader.values.unpacking import Unpacker

matplotlib.use("agg")


def crossed(value):
    """Return a value after its way over the border, functions being callable on the other side."""
    functions = []

    def register(function) -> int:
        functions.append(function)
        return len(functions) - 1

    return Unpacker(
        lambda number, label, args, kwargs: called(functions[number], args, kwargs)
    ).unpack(Packer(register).pack(value))


def called(function, args, kwargs):
    """Call a function as the checker does: what would end a loop is another error."""
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        raise Stopped from error


def crossed_names(values: dict) -> dict:
    """Return answers by name after their way over the border."""
    found = Unpacker().unpack_names(Packer().pack_names(values))
    return {name: value for name, (_, value) in found.items()}


scalars = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False)
    | some.text()
    | some.binary()
)
scalars |= (
    some.dates()
    | some.datetimes()
    | some.timedeltas()
    | some.decimals(allow_nan=False)
    | some.complex_numbers(allow_nan=False)
)
hashable = some.none() | some.booleans() | some.integers() | some.text() | some.dates()
values = some.recursive(
    scalars,
    lambda inner: (
        some.lists(inner)
        | some.tuples(inner, inner)
        | some.dictionaries(hashable, inner)
        | some.sets(hashable)
        | some.frozensets(hashable)
        | some.lists(inner).map(collections.deque)
    ),
    max_leaves=20,
)


@given(values)
def test_plain_values_come_out_equal_and_of_the_same_types(value):
    came = crossed(value)
    assert came == value and kinds(came) == kinds(value)


def kinds(value):
    """Return the types of a value and of all that it holds."""
    if isinstance(value, dict):
        return [dict, kinds(list(value)), kinds(list(value.values()))]
    if isinstance(value, (set, frozenset)):
        return [type(value), sorted(type(each).__name__ for each in value)]
    if isinstance(value, (list, tuple, collections.deque)):
        return [type(value), [kinds(each) for each in value]]
    return type(value)


columns = some.one_of(
    some.lists(some.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3).map(pd.array),
    some.lists(some.floats(), min_size=3, max_size=3).map(
        lambda each: np.array(each, dtype="float64")
    ),
    some.lists(some.none() | some.text(max_size=3), min_size=3, max_size=3).map(
        lambda each: pd.array(each, dtype="str")
    ),
    some.lists(some.none() | some.booleans(), min_size=3, max_size=3).map(
        lambda each: pd.array(each, dtype="boolean")
    ),
    some.lists(some.sampled_from("abc"), min_size=3, max_size=3).map(pd.Categorical),
    some.lists(
        some.datetimes(
            min_value=datetime.datetime(1700, 1, 1), max_value=datetime.datetime(2200, 1, 1)
        ),
        min_size=3,
        max_size=3,
    ).map(
        lambda each: pd.DatetimeIndex(each).tz_localize("UTC").tz_convert("America/Toronto").array
    ),
    some.lists(some.none() | some.integers(), min_size=3, max_size=3).map(
        lambda each: np.array(each, dtype=object)
    ),
)


@given(
    some.dictionaries(some.text(max_size=4), columns, min_size=1, max_size=5),
    some.none() | some.text(max_size=4),
)
def test_a_table_comes_out_the_same_to_the_type_of_each_column(content, name):
    table = pd.DataFrame(content, index=pd.Index([2, 0, 1], name=name))
    pd.testing.assert_frame_equal(crossed(table), table)


@pytest.mark.parametrize(
    "value",
    [
        pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
        pd.RangeIndex(2, 9, 3, name="r"),
        pd.period_range("2020-01", periods=3, freq="M"),
        pd.timedelta_range("1D", periods=3),
        pd.IntervalIndex.from_breaks([0, 1, 2.5]),
        pd.CategoricalIndex(["u", "v", "u"], ordered=True),
        pd.date_range("2020-01-31", periods=3, freq="ME", tz="UTC"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_index_comes_out_the_same(value):
    pd.testing.assert_index_equal(crossed(value), value, exact=True)
    assert getattr(crossed(value), "freq", None) == getattr(value, "freq", None)


@pytest.mark.parametrize(
    "value",
    [
        np.float32(1.5),
        np.int8(-3),
        np.datetime64("2020-01-01"),
        np.bool_(True),
        pd.NA,
        pd.NaT,
        ...,
        10**300,
        range(3, 9, 2),
        pd.Timestamp("2020-01-01", tz="America/Toronto"),
        pd.Timedelta("1h"),
        pd.Period("2020-01"),
        decimal.Decimal("NaN"),
        "\ud800",
        collections.Counter("aab"),
        collections.defaultdict(list, a=[1]),
        {1: 2}.keys(),
        {1: 2}.values(),
        {1: 2}.items(),
        int,
        np.dtype("int8"),
        collections.namedtuple("Point", "x y")(1, 2),
        datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    ],
    ids=repr,
)
def test_a_single_value_comes_out_the_same(value):
    assert repr(crossed(value)) == repr(value)
    assert type(crossed(value)).__name__ == type(value).__name__


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), ()])
@pytest.mark.parametrize("dtype", ["int64", "float32", "bool", "<U5", "M8[D]", "complex128", "O"])
def test_an_array_comes_out_the_same(shape, dtype):
    array = np.zeros(shape, dtype=dtype)
    came = crossed(array)
    assert came.dtype == array.dtype and came.shape == array.shape and came.flags.writeable


def test_two_names_of_one_list_stay_two_names_of_one_list():
    one = [1]
    came = crossed({"a": one, "b": one, "c": [1]})
    assert came["a"] is came["b"] and came["a"] is not came["c"]


@given(
    some.lists(some.lists(some.integers() | some.text() | some.dates(), max_size=2), max_size=3),
    some.data(),
)
def test_lists_among_the_items_of_a_list_stay_themselves(lists, data):
    value = data.draw(some.lists(some.sampled_from([*lists, 1, "a"]), max_size=4))
    came = crossed({"before": lists[:1], "items": value})
    assert repr(came["items"]) == repr(value)
    of = [
        [one is other for other in [*value, *lists[:1]] if type(other) is list]
        for one in value
        if type(one) is list
    ]
    all_came = [*came["items"], *came["before"]]
    assert of == [
        [one is other for other in all_came if type(other) is list]
        for one in came["items"]
        if type(one) is list
    ]


def test_a_list_that_holds_itself_comes_out_holding_itself():
    value = [1]
    value.append(value)
    came = crossed(value)
    assert came[1] is came


def test_a_function_is_called_on_the_other_side_and_keeps_its_signature():
    def area(width: int, height=2):
        """Multiply."""
        return width * height

    came = crossed(area)
    assert came(3) == 6 and came(3, height=5) == 15
    assert (
        str(inspect.signature(came)) == "(width, height=2)"
        and came.__name__ == "area"
        and came.__doc__ == "Multiply."
    )


def test_a_generator_is_asked_for_one_value_at_a_time():
    made = []

    def endless():
        while True:
            made.append(len(made))
            yield made[-1]

    came = crossed(endless())
    assert [next(came), next(came)] == [0, 1] and made == [0, 1]


class AlwaysEqual:
    def __eq__(self, other):
        return True


class Text(str):
    pass


@pytest.mark.parametrize(
    "value",
    [
        AlwaysEqual(),
        Text("a"),
        type("Number", (int,), {})(3),
        type("Table", (pd.DataFrame,), {})({"a": [1]}),
        type("Rows", (list,), {})([1]),
        object(),
        AlwaysEqual,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_plain_is_refused_wherever_it_stands_and_no_comparison_passes(value):
    came = crossed([value])[0]
    assert type(came) is Refused
    for use in (
        lambda: came == 3,
        lambda: came == 3,
        lambda: bool(came),
        lambda: len(came),
        lambda: came + 1,
        lambda: came.anything,
        lambda: isinstance(came, int),
        lambda: float(came),
    ):
        with pytest.raises(
            CannotCross,
            match=type(value).__name__ if not isinstance(value, type) else "AlwaysEqual",
        ):
            use()


def test_a_chart_is_drawn_again_with_what_a_test_asks_of_it():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2, 3], [4, 5, 6], label="late")
    axes.bar(["a", "b"], [1, 2], label="done")
    axes.set(title="Promises", xlabel="year", ylabel="number")
    axes.legend()
    came = crossed({"figure": figure, "axes": axes})
    drawn = came["axes"]
    plt.close(figure)
    assert drawn is came["figure"].axes[0]
    assert (drawn.get_title(), drawn.get_xlabel(), drawn.get_ylabel()) == (
        "Promises",
        "year",
        "number",
    )
    assert [line.get_ydata().tolist() for line in drawn.lines] == [[4, 5, 6]]
    assert [bar.get_height() for bar in drawn.patches] == [1, 2] and len(drawn.containers) == 1
    assert {text.get_text() for text in drawn.get_legend().get_texts()} == {"late", "done"}


def test_a_chart_of_too_many_points_is_refused():
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().plot(range(charts.MOST_POINTS + 1))
    assert type(crossed(figure)) is Refused


def test_a_value_nested_too_deep_is_refused_as_a_whole():
    value = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(BadMessage):
        Packer().pack(value)


anything = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**63), 2**63 - 1)
    | some.floats()
    | some.text(max_size=8)
    | some.binary(max_size=8)
    | some.sampled_from(
        [
            "@",
            "list",
            "dict",
            "frame",
            "series",
            "array",
            "index",
            "function",
            "module",
            "chart",
            "error",
            "extension",
            "=",
            "+",
            "[]",
            "yours",
            "type",
            "named",
            "scalar",
            "pattern",
            "iterator",
            "argument",
        ]
    ),
    lambda inner: (
        some.lists(inner, max_size=6) | some.dictionaries(some.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=30,
)


@given(anything)
def test_a_message_of_any_other_form_is_refused_or_read_and_raises_nothing_else(node):
    with contextlib.suppress(BadMessage):
        Unpacker().unpack(msgspec.msgpack.encode(node))


@given(some.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused(data):
    with contextlib.suppress(BadMessage):
        Unpacker().unpack(data)


def test_no_module_crosses():
    assert type(crossed(decimal)) is Refused and type(crossed([decimal])[0]) is Refused
