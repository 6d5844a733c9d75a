"""Plain data: turning values into messages and back, so that what crosses the border can do nothing by itself.

``Packer`` writes a value as scalars and lists that begin with a tag; ``Unpacker`` builds it again from nothing but
those. Exact types and the identity of containers survive within one message. What is not plain (an instance of
somebody's class, an open file) becomes a ``Refused`` that names its type; a function becomes a number by which the
other side may be asked to call it.
"""

import builtins
import collections
import datetime
import decimal
import fractions
import inspect
import itertools
import pathlib
import re
import types
import uuid
import zoneinfo
from collections.abc import Callable

import msgspec
import numpy as np
import pandas as pd

from grader import charts
from grader.border import BorderError

MOST_NODES, MOST_DEPTH, MOST_DIGITS = 2_000_000, 150, 20_000
_SCALARS = {type(None), bool, int, float, str, bytes}
_PLAIN = {list, *_SCALARS}
_BIG = 1 << 63
_ITERATORS = (
    types.GeneratorType,
    map,
    filter,
    zip,
    enumerate,
    reversed,
    type(iter([])),
    type(iter(())),
    type(iter({})),
    type(iter(set())),
    type(iter("")),
    type(iter(range(0))),
)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, type(len), np.ufunc)
_VIEWS = {type({}.keys()): "keys", type({}.values()): "values", type({}.items()): "items"}
_LISTS = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset"}
_NUMPY_KINDS = set("biufcSUmM")


class Refused:
    """What stands for a value that cannot cross the border; whatever a test does with it raises the reason.

    Args:
        reason: a sentence that names the value's type.
    """

    def __init__(self, reason: str):
        object.__setattr__(self, "_reason", reason)

    def __getattribute__(self, name):
        raise CannotCross(object.__getattribute__(self, "_reason"))

    def _refuse(self, *_, **__):
        raise CannotCross(object.__getattribute__(self, "_reason"))

    __hash__ = None


for _names in (
    "eq ne lt le gt ge len iter next bool call contains getitem setitem add radd sub rsub mul rmul",
    "truediv rtruediv floordiv mod pow neg abs int float index round enter exit str repr format",
):
    for _name in _names.split():
        setattr(Refused, f"__{_name}__", Refused._refuse)


class CannotCross(Exception):
    """Raised when a test uses a value that is not plain data."""

    def _render_traceback_(self) -> list[str]:
        return [f"CannotCross: {self}"]


class Packer:
    """Writes values as messages.

    Args:
        register: takes a function or an iterator and returns the number by which the other side may ask for it; None
            where functions are refused.
        number_of: returns the number of a function that came from the other side, or None.
    """

    def __init__(self, register: Callable | None = None, number_of: Callable = lambda value: None):
        self.register, self.number_of = register, number_of
        self.seen: dict[int, int] = {}
        self.kept: list = []  # the containers in order, alive, so that no id is used twice
        self.nodes = 0
        self.careful = False

    def pack(self, value) -> bytes:
        """Return a value as bytes.

        Raises:
            BorderError: if it is larger than a message may be.
        """
        try:
            return msgspec.msgpack.encode(self.node(value, 0))
        except (UnicodeEncodeError, OverflowError):  # a lone surrogate, a long integer: rare, so found by failing
            if self.careful:
                raise
            self.seen.clear()
            self.kept.clear()
            self.nodes, self.careful = 0, True
            return self.pack(value)
        except RecursionError as error:
            raise BorderError("the value is nested too deep") from error

    def node(self, value, depth: int):
        """Return a value as scalars and tagged lists."""
        kind = type(value)
        self.nodes += 1
        if self.nodes > MOST_NODES or depth > MOST_DEPTH:
            raise BorderError("the value is too large or nested too deep to be marked")
        if kind in _SCALARS:
            return self._careful(value, kind) if self.careful and kind in (str, int) else value
        if id(value) in self.seen:
            return ["@", self.seen[id(value)]]
        writer = _WRITERS.get(kind)
        if writer is not None:
            return writer(self, value, depth + 1)
        return self._other(value, kind, depth + 1)

    def keep(self, value) -> None:
        """Give a container its number, before what it holds is written."""
        self.seen[id(value)] = len(self.kept)
        self.kept.append(value)

    def items(self, values, depth: int) -> list:
        """Return the items of a sequence: as they are, in one piece, where they are plain, which is what makes columns
        fast."""
        values = list(values)
        lists = None if self.careful else self.plain_lists(values, depth)
        if lists is None:
            return ["+", [self.node(value, depth) for value in values]]
        self.seen.update(zip(map(id, lists), itertools.count(len(self.kept)), strict=False))
        self.kept += lists
        self.nodes += len(values) + sum(map(len, lists))
        return ["=", values]

    def plain_lists(self, values: list, depth: int) -> list[list] | None:
        """Return the lists among values that may cross in one piece (``_plain_lists``), None where they may not: a list
        that was there before crosses as its number."""
        lists = _plain_lists(values)
        if lists:
            ids = set(map(id, lists))
            if depth > MOST_DEPTH or len(ids) < len(lists) or not self.seen.keys().isdisjoint(ids):
                return None
        return lists

    def _careful(self, value, kind):
        if kind is int and not -_BIG <= value < _BIG:
            if value.bit_length() > MOST_DIGITS * 4:
                return self.refuse(f"an integer of more than {MOST_DIGITS:,} digits")
            return ["int", hex(value)]
        if kind is str:
            try:
                value.encode()
            except UnicodeEncodeError:
                return ["str", value.encode("utf-8", "surrogatepass")]
        return value

    def refuse(self, what: str):
        """Return the node of a value that cannot cross."""
        return ["!", what[:200]]

    def _other(self, value, kind, depth: int):
        """Write what is known by its family rather than by its exact type."""
        if isinstance(value, np.generic) and value.dtype.kind in _NUMPY_KINDS and kind.__module__ == "numpy":
            return ["scalar", value.dtype.str, value.tobytes()]
        if isinstance(value, types.ModuleType):
            return ["module", str(getattr(value, "__name__", ""))]
        if isinstance(value, _ITERATORS) and self.register:
            return ["iterator", self.register(value.__next__)]
        if isinstance(value, type):
            return (
                ["type", value.__name__]
                if getattr(builtins, value.__name__, None) is value
                else (self.refuse(f"the class {value.__name__}"))
            )
        if isinstance(value, tuple) and tuple in kind.__bases__ and hasattr(kind, "_fields"):
            self.keep(value)
            return ["named", kind.__name__, list(map(str, kind._fields)), self.items(tuple(value), depth)]
        if isinstance(value, BaseException):
            return exception_node(self, value, depth)
        if isinstance(value, datetime.tzinfo):
            return ["zone", str(getattr(value, "key", value))]
        if isinstance(value, pathlib.PurePath):
            return ["path", str(value)]
        if isinstance(value, np.dtype) and value.kind in _NUMPY_KINDS | {"O"}:
            return ["dtype", value.str]
        drawn = charts.describe(value)
        if drawn is not None:
            self.keep(value)
            return ["chart", *(self.node(part, depth) for part in drawn)]
        if callable(value) and not isinstance(value, (pd.DataFrame, pd.Series)):
            return self._function(value, depth)
        return self.refuse(f"a value of type {kind.__name__}")

    def _function(self, value, depth: int):
        number = self.number_of(value)
        if number is not None:
            return ["yours", number]
        if self.register is None:
            return self.refuse("a function of the test")
        return [
            "function",
            self.register(value),
            str(getattr(value, "__name__", "function")),
            _text(getattr(value, "__doc__", None)),
            self._signature(value, depth),
        ]

    def _signature(self, value, depth: int):
        try:
            parameters = inspect.signature(value).parameters.values()
            return [
                [
                    each.name,
                    int(each.kind),
                    each.default is not each.empty,
                    None if each.default is each.empty else self.node(each.default, depth),
                ]
                for each in parameters
            ]
        except Exception:
            return None


def _plain_lists(values: list) -> list[list] | None:
    """Return the lists among values that are all scalars and lists of scalars (a column of split texts has thousands),
    or None where there is anything else."""
    kinds = set(map(type, values))
    if kinds <= _SCALARS:
        return []
    lists = [value for value in values if type(value) is list] if kinds <= _PLAIN else None
    return lists if lists and set(map(type, itertools.chain(*lists))) <= _SCALARS else None


def _text(value) -> str | None:
    return value if type(value) is str else None


def exception_node(packer: Packer, error: BaseException, depth: int = 0) -> list:
    """Write an exception: its nearest built-in class, its own name, and its arguments."""
    nearest = next(each for each in type(error).__mro__ if each.__module__ == "builtins")
    return [
        "error",
        nearest.__name__,
        type(error).__name__[:200],
        [packer.node(each, depth) for each in error.args[:20]],
    ]


def _container(tag):
    def write(packer, value, depth):
        packer.keep(value)
        return [tag, packer.items(value, depth)]

    return write


def _pairs(packer, value, depth):
    return [packer.items(value.keys(), depth), packer.items(value.values(), depth)]


def _dict(tag):
    def write(packer, value, depth):
        packer.keep(value)
        return [tag, *_pairs(packer, value, depth)]

    return write


def _deque(packer, value, depth):
    packer.keep(value)
    return ["deque", value.maxlen, packer.items(value, depth)]


def _bytearray(packer, value, depth):
    packer.keep(value)
    return ["bytearray", bytes(value)]


def _extension(packer, value, depth):
    packer.keep(value)
    return ["extension", _column(packer, value, depth)]


def _view(tag):
    def write(packer, value, depth):
        values = list(value)
        parts = [[key for key, _ in values], [item for _, item in values]] if tag == "items" else [values]
        return ["view", tag, *(packer.items(part, depth) for part in parts)]

    return write


def _default_dict(packer, value, depth):
    packer.keep(value)
    factory = value.default_factory
    name = factory.__name__ if factory in (int, float, str, list, dict, set, tuple, bool) else None
    return ["default", name, *_pairs(packer, value, depth)]


def _datetime(packer, value, depth):
    zone = value.tzinfo
    parts = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, value.fold]
    return ["datetime", parts, _zone(zone)]


def _zone(zone):
    if zone is None:
        return None
    if isinstance(zone, datetime.timezone):
        return zone.utcoffset(None).total_seconds()
    return str(getattr(zone, "key", None) or getattr(zone, "zone", None) or zone)


def _array(packer, value, depth):
    packer.keep(value)
    if value.dtype.kind in _NUMPY_KINDS:
        return ["array", value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]
    if value.dtype.kind == "O":
        return ["array", "O", list(value.shape), packer.items(value.ravel(), depth)]
    return packer.refuse(f"an array of {value.dtype}")


def _index(packer, value, depth):
    packer.keep(value)
    if type(value) is pd.RangeIndex:
        return ["index", "range", [value.start, value.stop, value.step], packer.node(value.name, depth), None]
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
    freq = getattr(value, "freqstr", None) if isinstance(value, (pd.DatetimeIndex, pd.TimedeltaIndex)) else None
    return ["index", "plain", _column(packer, value.array, depth), packer.node(value.name, depth), freq]


def _column(packer, array, depth):
    """Write the values of one column: of NumPy's types by their bytes, of pandas' own by what they are made of."""
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
        return ["string", dtype.na_value is pd.NA, packer.items(values, depth)]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["zoned", np.asarray(array.asi8).tobytes(), dtype.unit, _zone(dtype.tz)]
    if isinstance(dtype, pd.PeriodDtype):
        return ["period", np.asarray(array.asi8).tobytes(), dtype.name[len("period[") : -1]]
    if isinstance(dtype, pd.IntervalDtype):
        return [
            "interval",
            _column(packer, pd.Index(array.left).array, depth),
            _column(packer, pd.Index(array.right).array, depth),
            array.closed,
        ]
    if hasattr(array, "_mask") and hasattr(array, "_data"):  # Int64, Float64, boolean and their like
        return ["masked", dtype.name, packer.node(array._data, depth), packer.node(array._mask, depth)]
    return packer.refuse(f"a column of type {dtype}")


def _attributes(packer, value, depth):
    return [[key, packer.node(item, depth)] for key, item in list(value.attrs.items())[:50] if type(key) is str]


def _series(packer, value, depth):
    packer.keep(value)
    return [
        "series",
        _column(packer, value.array, depth),
        packer.node(value.index, depth),
        packer.node(value.name, depth),
        _attributes(packer, value, depth),
    ]


def _frame(packer, value, depth):
    packer.keep(value)
    columns = [_column(packer, column.array, depth) for _, column in value.items()]
    return [
        "frame",
        columns,
        packer.node(value.index, depth),
        packer.node(value.columns, depth),
        _attributes(packer, value, depth),
    ]


_WRITERS: dict[type, Callable] = {
    **{kind: _container(tag) for kind, tag in _LISTS.items()},
    **{kind: _view(tag) for kind, tag in _VIEWS.items()},
    dict: _dict("dict"),
    collections.Counter: _dict("counter"),
    collections.OrderedDict: _dict("ordered"),
    collections.defaultdict: _default_dict,
    collections.deque: _deque,
    bytearray: _bytearray,
    complex: lambda packer, value, depth: ["complex", value.real, value.imag],
    range: lambda packer, value, depth: [
        "range",
        *(packer.node(each, depth) for each in (value.start, value.stop, value.step)),
    ],
    slice: lambda packer, value, depth: [
        "slice",
        *(packer.node(each, depth) for each in (value.start, value.stop, value.step)),
    ],
    type(...): lambda packer, value, depth: ["constant", "..."],
    type(NotImplemented): lambda packer, value, depth: ["constant", "NotImplemented"],
    type(pd.NA): lambda packer, value, depth: ["constant", "NA"],
    type(pd.NaT): lambda packer, value, depth: ["constant", "NaT"],
    datetime.date: lambda packer, value, depth: ["date", value.toordinal()],
    datetime.datetime: _datetime,
    datetime.time: lambda packer, value, depth: [
        "time",
        [value.hour, value.minute, value.second, value.microsecond, value.fold],
        _zone(value.tzinfo),
    ],
    datetime.timedelta: lambda packer, value, depth: ["timedelta", value.days, value.seconds, value.microseconds],
    decimal.Decimal: lambda packer, value, depth: ["decimal", str(value)],
    fractions.Fraction: lambda packer, value, depth: [
        "fraction",
        packer.node(value.numerator, depth),
        packer.node(value.denominator, depth),
    ],
    uuid.UUID: lambda packer, value, depth: ["uuid", value.hex],
    re.Pattern: lambda packer, value, depth: ["pattern", packer.node(value.pattern, depth), value.flags],
    np.ndarray: _array,
    pd.Timestamp: lambda packer, value, depth: [
        "timestamp",
        value.tz_localize(None).isoformat()
        if value.tz is None
        else (value.tz_convert("UTC").tz_localize(None).isoformat()),
        value.unit,
        _zone(value.tz),
    ],
    pd.Timedelta: lambda packer, value, depth: ["delta", int(value.asm8.astype("m8[ns]").astype("i8")), value.unit],
    pd.Period: lambda packer, value, depth: ["one period", value.ordinal, value.freqstr],
    pd.Interval: lambda packer, value, depth: [
        "one interval",
        packer.node(value.left, depth),
        packer.node(value.right, depth),
        value.closed,
    ],
    pd.Series: _series,
    pd.DataFrame: _frame,
    pd.Categorical: _extension,
}
for _names in ("Index RangeIndex MultiIndex DatetimeIndex TimedeltaIndex PeriodIndex CategoricalIndex IntervalIndex",):
    _WRITERS |= {getattr(pd, name): _index for name in _names.split()}
for _names in (
    "StringArray IntegerArray FloatingArray BooleanArray DatetimeArray TimedeltaArray PeriodArray",
    "IntervalArray NumpyExtensionArray",
):
    _WRITERS |= {getattr(pd.arrays, name): _extension for name in _names.split()}
_WRITERS[type(pd.array(["a"], dtype="str"))] = _extension


class Unpacker:
    """Builds values from messages.

    Args:
        call: called with a function's number, its positional and its named arguments, when the function is called.
        modules: names of modules that a message may name.
        functions: what ``["yours", number]`` stands for.
    """

    def __init__(
        self, call: Callable | None = None, modules: frozenset[str] = frozenset(), functions: dict | None = None
    ):
        self.call, self.modules, self.functions = call, modules, functions or {}
        self.kept: list = []

    def unpack(self, data: bytes):
        """Return the value that bytes stand for.

        Raises:
            BorderError: if they stand for none.
        """
        try:
            return self.value(msgspec.msgpack.decode(data, ext_hook=_no_extension))
        except BorderError:
            raise
        except (Exception, RecursionError) as error:  # whatever a hostile message makes the libraries say
            raise BorderError(f"a message that does not read: {type(error).__name__}") from error

    def value(self, node):
        """Return the value of one node."""
        if type(node) in _SCALARS:
            return node
        if type(node) is not list or not node or type(node[0]) is not str or node[0] not in _READERS:
            raise BorderError("a message of another form")
        return _READERS[node[0]](self, *node[1:])

    def items(self, nodes) -> list:
        """Return the values of a sequence of nodes."""
        sort, content = nodes
        if type(content) is list and sort == "+":
            return [self.value(node) for node in content]
        lists = _plain_lists(content) if type(content) is list and sort == "=" else None
        if lists is None:
            raise BorderError("a message of another form")
        self.kept += lists
        return content

    def keep(self, value):
        """Give a container its number."""
        self.kept.append(value)
        return value

    def later(self) -> int:
        """Hold a number free for a container that is made after what it holds."""
        self.kept.append(_UNFINISHED)
        return len(self.kept) - 1

    def same(self, number: int):
        """Return the container of a number."""
        value = self.kept[number]
        if number < 0 or value is _UNFINISHED:
            raise BorderError("a value that holds itself")
        return value


_UNFINISHED = object()


def _no_extension(code, data):
    raise BorderError("a message of another form")


def _reads_list(unpacker, nodes):
    made = unpacker.keep([])
    made.extend(unpacker.items(nodes))
    return made


def _reads_later(make):
    def read(unpacker, *parts):
        number = unpacker.later()
        unpacker.kept[number] = make(unpacker, *parts)
        return unpacker.kept[number]

    return read


def _reads_dict(kind):
    def read(unpacker, keys, values):
        made = unpacker.keep(kind())
        dict.update(made, zip(unpacker.items(keys), unpacker.items(values), strict=True))  # a Counter's own would count
        return made

    return read


def _reads_default(unpacker, factory, keys, values):
    kinds = {each.__name__: each for each in (int, float, str, list, dict, set, tuple, bool)}
    made = unpacker.keep(collections.defaultdict(kinds.get(factory)))
    made.update(zip(unpacker.items(keys), unpacker.items(values), strict=True))
    return made


def _reads_view(unpacker, kind, *parts):
    lists = [unpacker.items(part) for part in parts]
    if kind == "keys":
        return dict.fromkeys(lists[0]).keys()
    return dict(enumerate(lists[0])).values() if kind == "values" else dict(zip(*lists, strict=True)).items()


def _reads_named(unpacker, name, fields, nodes):
    return collections.namedtuple(name, fields)(*unpacker.items(nodes))


def _as_zone(zone):
    if zone is None or isinstance(zone, (int, float)):
        return zone if zone is None else datetime.timezone(datetime.timedelta(seconds=zone))
    return datetime.UTC if zone == "UTC" else zoneinfo.ZoneInfo(zone)


def _reads_datetime(unpacker, parts, zone):
    *numbers, fold = parts
    return datetime.datetime(*numbers, tzinfo=_as_zone(zone), fold=fold)


def _reads_time(unpacker, parts, zone):
    *numbers, fold = parts
    return datetime.time(*numbers, tzinfo=_as_zone(zone), fold=fold)


def _numpy_type(text: str) -> np.dtype:
    dtype = np.dtype(text)
    if dtype.kind not in _NUMPY_KINDS or dtype.fields or dtype.subdtype:
        raise BorderError("an array of another type")
    return dtype


def _reads_array(unpacker, dtype, shape, content):
    if dtype == "O":
        number = unpacker.later()
        values = unpacker.items(content)
        made = np.empty(len(values), dtype=object)
        made[:] = values if values else []
        if any(issubclass(kind, (list, tuple, np.ndarray, pd.Series)) for kind in set(map(type, values))):
            for at, value in enumerate(values):  # NumPy would spread a list over cells
                made[at] = value
    else:
        number = unpacker.later()
        made = np.frombuffer(content, dtype=_numpy_type(dtype)).copy()
    unpacker.kept[number] = made = made.reshape(shape)
    return made


def _reads_index(unpacker, kind, content, name, freq):
    number = unpacker.later()
    if kind == "range":
        made = pd.RangeIndex(*content, name=unpacker.value(name))
    elif kind == "multi":
        levels, codes = content
        made = pd.MultiIndex(
            levels=[unpacker.value(level) for level in levels],
            names=None,
            codes=[np.frombuffer(code, dtype="<i8") for code in codes],
            verify_integrity=True,
        )
        made.names = unpacker.items(name)
    else:
        array = _read_column(unpacker, content)
        made = pd.Index(array, dtype=array.dtype, name=unpacker.value(name))
        if freq is not None:
            made.freq = freq
    unpacker.kept[number] = made
    return made


def _read_column(unpacker, node):
    tag, *parts = node
    if tag == "numpy":
        return unpacker.value(parts[0])
    if tag == "category":
        codes, categories, ordered = parts
        return pd.Categorical.from_codes(
            np.frombuffer(codes, dtype="<i4"), categories=unpacker.value(categories), ordered=ordered
        )
    if tag == "string":
        missing = pd.NA if parts[0] else np.nan
        values = [missing if value is None else value for value in unpacker.items(parts[1])]
        return pd.array(values, dtype=pd.StringDtype("python", na_value=missing))
    if tag == "zoned":
        content, unit, zone = parts
        naive = pd.DatetimeIndex(np.frombuffer(content, dtype="<i8").view(f"M8[{unit}]"))
        return naive.tz_localize("UTC").tz_convert(_as_zone(zone)).array
    if tag == "period":
        return pd.arrays.PeriodArray(np.frombuffer(parts[0], dtype="<i8").copy(), dtype=pd.PeriodDtype(parts[1]))
    if tag == "interval":
        left, right, closed = parts
        return pd.arrays.IntervalArray.from_arrays(
            _read_column(unpacker, left), _read_column(unpacker, right), closed=closed
        )
    if tag == "masked":
        name, data, mask = parts
        return pd.api.types.pandas_dtype(name).construct_array_type()(unpacker.value(data), unpacker.value(mask))
    raise BorderError("a column that cannot cross the border")


def _reads_series(unpacker, column, index, name, attributes):
    number = unpacker.later()
    array = _read_column(unpacker, column)
    made = pd.Series(array, dtype=array.dtype, index=unpacker.value(index), name=unpacker.value(name), copy=False)
    made.attrs = {key: unpacker.value(item) for key, item in attributes}
    unpacker.kept[number] = made
    return made


def _reads_frame(unpacker, columns, index, names, attributes):
    number = unpacker.later()
    arrays = [_read_column(unpacker, column) for column in columns]
    index = unpacker.value(index)
    made = pd.DataFrame(
        {at: pd.Series(array, dtype=array.dtype, index=index) for at, array in enumerate(arrays)}, index=index
    )
    made.columns = unpacker.value(names)
    made.attrs = {key: unpacker.value(item) for key, item in attributes}
    unpacker.kept[number] = made
    return made


def _reads_timestamp(unpacker, text, unit, zone):
    moment = pd.Timestamp(text).as_unit(unit)
    return moment if zone is None else moment.tz_localize("UTC").tz_convert(_as_zone(zone))


def _reads_module(unpacker, name):
    import importlib

    return importlib.import_module(name) if name in unpacker.modules else Refused(f"the module {name}")


def _reads_function(unpacker, number, name, doc, signature):
    if unpacker.call is None or type(number) is not int:
        raise BorderError("a function where none can be called")

    def stub(*args, **kwargs):
        return unpacker.call(number, args, kwargs)

    stub.__name__ = stub.__qualname__ = str(name)
    stub.__doc__, stub._border_number = doc, number
    if signature is not None:
        stub.__signature__ = inspect.Signature(
            [
                inspect.Parameter(
                    each,
                    inspect._ParameterKind(kind),
                    default=unpacker.value(default) if given else inspect.Parameter.empty,
                )
                for each, kind, given, default in signature
            ]
        )
    return stub


def _reads_iterator(unpacker, number):
    if unpacker.call is None or type(number) is not int:
        raise BorderError("an iterator where none can be asked")

    def following():
        while True:
            try:
                value = unpacker.call(number, (), {})
            except StopIteration:
                return
            yield value

    return following()


def _reads_error(unpacker, nearest, name, arguments):
    kind = getattr(builtins, nearest, Exception)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise BorderError("an error of another kind")
    if name != nearest:
        kind = type(str(name), (kind,), {})
    values = [unpacker.value(each) for each in arguments]
    try:
        return kind(*values)
    except Exception:  # such as UnicodeDecodeError, which asks for five
        return Exception(f"{name}: {values}")


_READERS: dict[str, Callable] = {
    "@": lambda unpacker, number: unpacker.same(number),
    "!": lambda unpacker, what: Refused(
        f"The answer is {what}; it cannot be marked. Give plain data: a number, text, a list, a table."
    ),
    "int": lambda unpacker, text: int(text, 16),
    "str": lambda unpacker, data: data.decode("utf-8", "surrogatepass"),
    "list": _reads_list,
    "tuple": _reads_later(lambda unpacker, nodes: tuple(unpacker.items(nodes))),
    "set": _reads_later(lambda unpacker, nodes: set(unpacker.items(nodes))),
    "frozenset": _reads_later(lambda unpacker, nodes: frozenset(unpacker.items(nodes))),
    "dict": _reads_dict(dict),
    "counter": _reads_dict(collections.Counter),
    "ordered": _reads_dict(collections.OrderedDict),
    "default": _reads_default,
    "view": _reads_view,
    "named": _reads_later(_reads_named),
    "deque": _reads_later(lambda unpacker, most, nodes: collections.deque(unpacker.items(nodes), most)),
    "bytearray": lambda unpacker, data: unpacker.keep(bytearray(data)),
    "complex": lambda unpacker, real, imaginary: complex(real, imaginary),
    "range": lambda unpacker, *parts: range(*map(unpacker.value, parts)),
    "slice": lambda unpacker, *parts: slice(*map(unpacker.value, parts)),
    "constant": lambda unpacker, name: {"...": ..., "NotImplemented": NotImplemented, "NA": pd.NA, "NaT": pd.NaT}[name],
    "date": lambda unpacker, ordinal: datetime.date.fromordinal(ordinal),
    "datetime": _reads_datetime,
    "time": _reads_time,
    "timedelta": lambda unpacker, *parts: datetime.timedelta(*parts),
    "zone": lambda unpacker, name: _as_zone(name),
    "decimal": lambda unpacker, text: decimal.Decimal(text),
    "fraction": lambda unpacker, *parts: fractions.Fraction(*map(unpacker.value, parts)),
    "uuid": lambda unpacker, text: uuid.UUID(text),
    "pattern": lambda unpacker, pattern, flags: re.compile(unpacker.value(pattern), flags),
    "path": lambda unpacker, text: pathlib.PosixPath(text),
    "dtype": lambda unpacker, text: np.dtype(text),
    "type": lambda unpacker, name: (
        getattr(builtins, name) if isinstance(getattr(builtins, name, None), type) else Refused(name)
    ),
    "module": _reads_module,
    "scalar": lambda unpacker, dtype, data: np.frombuffer(data, dtype=_numpy_type(dtype))[0],
    "array": _reads_array,
    "index": _reads_index,
    "extension": _reads_later(_read_column),
    "series": _reads_series,
    "frame": _reads_frame,
    "timestamp": _reads_timestamp,
    "delta": lambda unpacker, nanoseconds, unit: pd.Timedelta(nanoseconds, unit="ns").as_unit(unit),
    "one period": lambda unpacker, ordinal, freq: pd.Period(ordinal=ordinal, freq=freq),
    "one interval": lambda unpacker, left, right, closed: pd.Interval(
        unpacker.value(left), unpacker.value(right), closed
    ),
    "chart": _reads_later(lambda unpacker, *parts: charts.draw(*map(unpacker.value, parts))),
    "function": _reads_function,
    "iterator": _reads_iterator,
    "yours": lambda unpacker, number: unpacker.functions[number],
    "error": _reads_error,
}
