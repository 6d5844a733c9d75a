"""Packs and unpacks pandas' tables, columns, indexes, dates and types of columns."""

import contextlib

import numpy as np
import pandas as pd

from grader.sandbox.channel import BadMessage
from grader.values.containers import reads_later
from grader.values.dates import with_zone, zone_from, zone_name
from grader.values.numpy_types import numpy_type, read_array
from grader.values.refusals import CannotCross, kind_of


def _write_frame(packer, value, depth):
    packer.keep(value)
    with packer.reached_by_name():
        return [
            "frame",
            [_write_column(packer, column.array, depth) for _, column in value.items()],
            packer.node(value.index, depth),
            packer.node(value.columns, depth),
            _write_attributes(packer, value, depth),
        ]


def _read_frame(unpacker, columns, index, names, attributes):
    number = unpacker.later()
    arrays = [_read_column(unpacker, column) for column in columns]
    index = unpacker.part(index)
    made = pd.DataFrame(
        {at: pd.Series(array, dtype=array.dtype, index=index) for at, array in enumerate(arrays)},
        index=index,
    )
    made.columns = unpacker.part(names)
    made.attrs = {key: unpacker.part(item) for key, item in attributes}
    unpacker.kept[number] = made
    return made


def _write_series(packer, value, depth):
    packer.keep(value)
    with packer.reached_by_name():
        return [
            "series",
            _write_column(packer, value.array, depth),
            packer.node(value.index, depth),
            packer.node(value.name, depth),
            _write_attributes(packer, value, depth),
        ]


def _read_series(unpacker, column, index, name, attributes):
    number = unpacker.later()
    array = _read_column(unpacker, column)
    made = pd.Series(
        array, dtype=array.dtype, index=unpacker.part(index), name=unpacker.part(name), copy=False
    )
    made.attrs = {key: unpacker.part(item) for key, item in attributes}
    unpacker.kept[number] = made
    return made


def _write_attributes(packer, value, depth):
    return [
        [key, packer.node(item, depth)]
        for key, item in list(value.attrs.items())[:50]
        if type(key) is str
    ]


def _write_index(packer, value, depth):
    packer.keep(value)
    if type(value) is pd.RangeIndex:
        return [
            "index",
            "range",
            [value.start, value.stop, value.step],
            packer.node(value.name, depth),
            None,
        ]
    if type(value) is pd.MultiIndex:
        names = packer.items(value.names, depth)
        levels = [packer.node(level, depth) for level in value.levels]
        return [
            "index",
            "multi",
            [levels, [np.asarray(code).astype("<i8").tobytes() for code in value.codes]],
            names,
            None,
        ]
    freq = (
        getattr(value, "freqstr", None)
        if isinstance(value, (pd.DatetimeIndex, pd.TimedeltaIndex))
        else None
    )
    return [
        "index",
        "plain",
        _write_column(packer, value.array, depth),
        packer.node(value.name, depth),
        freq,
    ]


def _read_index(unpacker, kind, content, name, freq):
    number = unpacker.later()
    if kind == "range":
        made = pd.RangeIndex(*content, name=unpacker.part(name))
    elif kind == "multi":
        levels, codes = content
        made = pd.MultiIndex(
            levels=[unpacker.part(level) for level in levels],
            names=None,
            codes=[np.frombuffer(code, dtype="<i8") for code in codes],
            verify_integrity=True,
        )
        made.names = unpacker.items(name)
    else:
        array = _read_column(unpacker, content)
        made = pd.Index(array, dtype=array.dtype, name=unpacker.part(name))
        if freq is not None:
            made.freq = freq
    unpacker.kept[number] = made
    return made


def _write_extension(packer, value, depth):
    packer.keep(value)
    return ["extension", _write_column(packer, value, depth)]


def _write_column(packer, array, depth):
    """Write the values of one column: of NumPy's types by their bytes, of pandas' own by what they
    are made of."""
    if type(array) is pd.arrays.NumpyExtensionArray:  # its subclasses are columns of text
        array = array.to_numpy()
    dtype = array.dtype
    if isinstance(dtype, np.dtype):
        return ["numpy", packer.node(np.asarray(array), depth)]
    if isinstance(dtype, pd.CategoricalDtype):
        return [
            "category",
            np.asarray(array.codes).astype("<i4").tobytes(),
            packer.node(dtype.categories, depth),
            dtype.ordered,
        ]
    if isinstance(dtype, pd.StringDtype):
        values = array.to_numpy(dtype=object, na_value=None).tolist()
        return [
            "string",
            dtype.na_value is pd.NA,
            packer.items(values, depth),
            dtype.storage == "pyarrow",
        ]
    if isinstance(dtype, pd.DatetimeTZDtype) and (zone := zone_name(dtype.tz)) is not None:
        return ["zoned", np.asarray(array.asi8).tobytes(), dtype.unit, zone]
    if isinstance(dtype, pd.PeriodDtype):
        return ["period", np.asarray(array.asi8).tobytes(), dtype.name[len("period[") : -1]]
    if isinstance(dtype, pd.IntervalDtype):
        return [
            "interval",
            _write_column(packer, pd.Index(array.left).array, depth),
            _write_column(packer, pd.Index(array.right).array, depth),
            array.closed,
        ]
    if isinstance(dtype, pd.SparseDtype):
        return [
            "sparse",
            packer.node(np.asarray(array), depth),
            packer.node(dtype.fill_value, depth),
            str(dtype),
        ]
    if hasattr(array, "_mask") and hasattr(
        array, "_data"
    ):  # Int64, Float64, boolean and their like
        return [
            "masked",
            dtype.name,
            packer.node(array._data, depth),
            packer.node(array._mask, depth),
        ]
    return packer.refuse(type(dtype).__name__)


def _read_column(unpacker, node):
    tag, *parts = node
    if tag == "!":
        raise CannotCross(kind_of(parts[0]))
    if tag == "numpy":
        if parts[0][0] != "array":
            return unpacker.same(parts[0][1])
        unpacker.inner.add(len(unpacker.kept))
        return read_array(unpacker, *parts[0][1:])
    if tag == "category":
        codes, categories, ordered = parts
        return pd.Categorical.from_codes(
            np.frombuffer(codes, dtype="<i4"), categories=unpacker.part(categories), ordered=ordered
        )
    if tag == "string":
        missing = pd.NA if parts[0] else np.nan
        values = [missing if value is None else value for value in unpacker.items(parts[1])]
        return pd.array(values, dtype=_text_type(pyarrow=parts[2], with_na=parts[0]))
    if tag == "zoned":
        content, unit, zone = parts
        naive = pd.DatetimeIndex(np.frombuffer(content, dtype="<i8").view(f"M8[{unit}]"))
        return naive.tz_localize("UTC").tz_convert(zone_from(zone)).array
    if tag == "period":
        return pd.arrays.PeriodArray(
            np.frombuffer(parts[0], dtype="<i8").copy(), dtype=pd.PeriodDtype(parts[1])
        )
    if tag == "interval":
        left, right, closed = parts
        return pd.arrays.IntervalArray.from_arrays(
            _read_column(unpacker, left), _read_column(unpacker, right), closed=closed
        )
    if tag == "sparse":
        values, fill, name = parts
        dtype = pd.SparseDtype(
            numpy_type(name.removeprefix("Sparse[").partition(",")[0]), unpacker.part(fill)
        )
        return pd.arrays.SparseArray(unpacker.part(values), dtype=dtype)
    if tag == "masked":
        name, data, mask = parts
        return pd.api.types.pandas_dtype(name).construct_array_type()(
            unpacker.part(data), unpacker.part(mask)
        )
    raise BadMessage("a column that cannot reach the checker")


def _write_timestamp(packer, value, depth):
    naive = value if value.tz is None else value.tz_convert("UTC")
    return with_zone(
        packer, "timestamp", [naive.tz_localize(None).isoformat(), value.unit], value.tz
    )


def _read_timestamp(unpacker, text, unit, zone):
    moment = pd.Timestamp(text).as_unit(unit)
    return moment if zone is None else moment.tz_localize("UTC").tz_convert(zone_from(zone))


def _write_dtype(packer, value, depth):
    """Write the type of a column of pandas by its name, where the name says all of it."""
    if isinstance(value, pd.StringDtype):
        return ["dtype of text", value.storage == "pyarrow", value.na_value is pd.NA]
    if isinstance(value, pd.CategoricalDtype):
        return ["dtype of categories", packer.node(value.categories, 1), value.ordered]
    name = str(value)
    with contextlib.suppress(Exception):
        if pd.api.types.pandas_dtype(name) == value:
            return ["dtype of pandas", name]
    return packer.refuse(type(value).__name__)


def _text_type(pyarrow: bool, with_na: bool) -> pd.StringDtype:
    return pd.StringDtype("pyarrow" if pyarrow else "python", na_value=pd.NA if with_na else np.nan)


def _read_dtype(unpacker, name):
    made = pd.api.types.pandas_dtype(name)
    if not isinstance(made, pd.api.extensions.ExtensionDtype):
        raise BadMessage("a type of column of another kind")
    return made


def _write_offset(packer, value, depth):
    """Write a step of dates by its name, where the name says all of it."""
    if not type(value).__module__.startswith("pandas."):
        return None
    with contextlib.suppress(Exception):
        if pd.tseries.frequencies.to_offset(value.freqstr) == value:
            return ["offset", value.freqstr]
    return packer.refuse(type(value).__name__)


_MISSING = {"NA": pd.NA, "NaT": pd.NaT}
WRITERS = {
    type(pd.NA): lambda packer, value, depth: ["missing", "NA"],
    type(pd.NaT): lambda packer, value, depth: ["missing", "NaT"],
    pd.Timestamp: _write_timestamp,
    pd.Timedelta: lambda packer, value, depth: ["delta", int(value.asm8.view("i8")), value.unit],
    pd.Period: lambda packer, value, depth: ["one period", value.ordinal, value.freqstr],
    pd.Interval: lambda packer, value, depth: [
        "one interval",
        packer.node(value.left, depth),
        packer.node(value.right, depth),
        value.closed,
    ],
    pd.Series: _write_series,
    pd.DataFrame: _write_frame,
    pd.Categorical: _write_extension,
}
for _names in (
    "Index RangeIndex MultiIndex DatetimeIndex TimedeltaIndex PeriodIndex CategoricalIndex "
    "IntervalIndex",
):
    WRITERS |= {getattr(pd, name): _write_index for name in _names.split()}
for _names in (
    "StringArray IntegerArray FloatingArray BooleanArray DatetimeArray TimedeltaArray PeriodArray",
    "IntervalArray NumpyExtensionArray SparseArray",
):
    WRITERS |= {getattr(pd.arrays, name): _write_extension for name in _names.split()}
WRITERS[type(pd.array(["a"], dtype="str"))] = _write_extension
FAMILIES = [
    (pd.api.extensions.ExtensionDtype, _write_dtype),
    (pd.tseries.offsets.BaseOffset, _write_offset),
]
READERS = {
    "missing": lambda unpacker, name: _MISSING[name],
    "dtype of text": lambda unpacker, pyarrow, with_na: _text_type(pyarrow, with_na),
    "dtype of categories": lambda unpacker, names, ordered: pd.CategoricalDtype(
        unpacker.part(names), ordered
    ),
    "dtype of pandas": _read_dtype,
    "offset": lambda unpacker, name: pd.tseries.frequencies.to_offset(name),
    "index": _read_index,
    "extension": reads_later(_read_column),
    "series": _read_series,
    "frame": _read_frame,
    "timestamp": _read_timestamp,
    "delta": lambda unpacker, count, unit: pd.Timedelta(np.timedelta64(count, unit)).as_unit(unit),
    "one period": lambda unpacker, ordinal, freq: pd.Period(ordinal=ordinal, freq=freq),
    "one interval": lambda unpacker, left, right, closed: pd.Interval(
        unpacker.part(left), unpacker.part(right), closed
    ),
}
