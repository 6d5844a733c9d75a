"""Plain data: turning values into messages and back, so that what crosses the border can do nothing
by itself.

``Packer`` writes a value as scalars and lists that begin with a tag; ``Unpacker`` builds it again
from nothing but those. Exact types and the identity of containers survive within one message. What
is not plain (an instance of somebody's class, an open file) becomes a ``Refused`` that names its
type.

A function, an iterator or a module can be an answer; no value ever holds one, since a test that
asks a value for something (``answer.equals(expected)``) must be answered by the value's own type. A
function that is an answer becomes a number by which the other side may be asked to call it.
"""

import builtins
import collections
import contextlib
import datetime
import decimal
import fractions
import functools
import inspect
import itertools
import pathlib
import re
import types
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from commons.wording import Sentence, number, typeset
from grader.marking.protocol import BorderError
from grader.values import charts

MOST_TEXTS, _COULD_CALL = 100_000, re.compile(r"[(\[@]|\w\.\w")
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
    *(kind for kind in vars(itertools).values() if isinstance(kind, type)),
    type(iter([])),
    type(iter(())),
    type(iter({})),
    type(iter(set())),
    type(iter("")),
    type(iter(range(0))),
    type(reversed([])),
    type(reversed({})),
)
_VIEWS = {type({}.keys()): "keys", type({}.values()): "values", type({}.items()): "items"}
_LISTS = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset"}
_NUMPY_KINDS = set("biufcSUmM")


class Refused:
    """What stands for a value that cannot cross the border; whatever a test does with it raises
    ``CannotCross``.

    Args:
        what: what the value is, in both languages: "a value of type X".
        name: the name that it was given, where it is an answer.
        expected: what the answer of the source's own solution is, in both languages; None where
            nobody knows.
    """

    def __init__(self, what: Sentence, name: str = "", expected: Sentence | None = None):
        object.__setattr__(self, "_about", (what, name, expected))

    def __getattribute__(self, name):
        raise CannotCross(*object.__getattribute__(self, "_about"))

    def _refuse(self, *_, **__):
        raise CannotCross(*object.__getattribute__(self, "_about"))

    __hash__ = _refuse


for _names in (
    "eq ne lt le gt ge len iter next bool call contains getitem setitem delitem add radd sub rsub "
    "mul rmul matmul",
    "truediv rtruediv floordiv rfloordiv mod rmod pow rpow and rand or ror xor rxor neg pos abs "
    "invert int float",
    "complex index round enter exit str repr format reversed array length_hint",
):
    for _name in _names.split():
        setattr(Refused, f"__{_name}__", Refused._refuse)


def named(value, name: str, expected: Sentence | None = None):
    """Return an answer; one that was refused is told its name, and what was expected in its
    place."""
    if type(value) is not Refused:
        return value
    what, _, _ = object.__getattribute__(value, "_about")
    return Refused(what, name, expected)


class CannotCross(Exception):
    """Raised when a test uses a value that is not plain data.

    Args:
        what: what the value is, in both languages.
        name: its name; "" if it has none.
        expected: what was expected, in both languages; None where nobody knows.
    """

    last: "CannotCross | None" = (
        None  #: the last one that was raised, for a test that goes on all the same
    )

    def __init__(self, what: Sentence, name: str = "", expected: Sentence | None = None):
        self.what, self.name, self.expected = what, name, expected
        CannotCross.last = self
        super().__init__(f"{self.public.english}\n{self.public.french}")

    @property
    def public(self) -> Sentence:
        """What a learner may be told: it names types, and nothing that the answer holds."""
        subject = Sentence("This is", "C’est")
        if self.name:
            subject = Sentence(f"`{self.name}` is", f"`{self.name}` est")
        wanted = Sentence(
            "give plain data: a number, text, a list, a table",
            "donnez une donnée simple : un nombre, un texte, une liste, un tableau",
        )
        if self.expected is not None:
            wanted = Sentence(
                f"I expected {self.expected.english}", f"il faut {self.expected.french}"
            )
        return Sentence(
            f"{subject.english} {self.what.english}, which cannot be marked; {wanted.english}.",
            typeset(
                f"{subject.french} {self.what.french}, qu’on ne peut pas noter; {wanted.french}."
            ),
        )

    def _render_traceback_(self) -> list[str]:
        return [f"CannotCross: {self}"]


_KINDS = {  # of the types that beginners make most, by the type's name
    "bool": ("True or False", "True ou False"),
    "int": ("a whole number", "un nombre entier"),
    "float": ("a number", "un nombre"),
    "str": ("a text", "un texte"),
    "list": ("a list", "une liste"),
    "tuple": ("a tuple", "un tuple"),
    "dict": ("a dictionary", "un dictionnaire"),
    "set": ("a set", "un ensemble"),
    "function": ("a function", "une fonction"),
    "DataFrame": ("a table (DataFrame)", "un tableau (DataFrame)"),
    "Series": ("a column (Series)", "une colonne (Series)"),
    "ndarray": ("an array (ndarray)", "un tableau NumPy (ndarray)"),
    "Figure": ("a chart (Figure)", "un graphique (Figure)"),
    "Axes": ("the axes of a chart (Axes)", "les axes d’un graphique (Axes)"),
    "a chart": (
        "a chart that is too large, or of a kind that cannot be drawn again",
        "un graphique trop grand, ou d’un genre qu’on ne peut pas redessiner",
    ),
    "DataFrameGroupBy": (
        "a grouped table, of which nothing was computed yet (DataFrameGroupBy)",
        "un tableau groupé dont rien n’a encore été calculé (DataFrameGroupBy)",
    ),
    "SeriesGroupBy": (
        "a grouped column, of which nothing was computed yet (SeriesGroupBy)",
        "une colonne groupée dont rien n’a encore été calculé (SeriesGroupBy)",
    ),
    "Styler": (
        "a table made for show (Styler)",
        "un tableau mis en forme pour l’affichage (Styler)",
    ),
    "Match": ("what a search found (a Match)", "ce qu’une recherche a trouvé (Match)"),
    "TextIOWrapper": ("an open file", "un fichier ouvert"),
    "module": ("a module", "un module"),
    "code": ("a text that would be run as code", "un texte qui serait exécuté comme du code"),
    "pickle": (
        "a pickle, which could run code",
        "un fichier pickle, qui pourrait exécuter du code",
    ),
    "an array with named fields": (
        "an array with named fields",
        "un tableau NumPy à champs nommés",
    ),
    "a function in a value": (
        "a value that holds a function",
        "une valeur qui contient une fonction",
    ),
    "a long integer": (
        f"an integer of more than {MOST_DIGITS:,} digits",
        f"un entier de plus de {number(MOST_DIGITS, 0, 'fr')} chiffres",
    ),
    "a large value": (
        "a value that is too large or nested too deep",
        "une valeur trop grande ou imbriquée trop profondément",
    ),
    "?": ("a value that cannot be read here", "une valeur illisible ici"),
    "itself": ("a value that holds itself", "une valeur qui se contient elle-même"),
}


def kind_of(name: str) -> Sentence:
    """Return what a value of a type is, in both languages.

    Args:
        name: the type's name. It may be a learner's, so that what cannot be read in it is left out.
    """
    if name in _KINDS:
        return Sentence(*_KINDS[name])
    name = (
        "".join(mark for mark in str(name)[:80] if mark.isprintable() and mark not in "<>`\\")
        or "?"
    )
    if name.startswith("class "):
        return Sentence(f"the {name}", f"la classe {name.removeprefix('class ')}")
    return Sentence(f"a value of type {name}", f"une valeur de type {name}")


class Packer:
    """Writes values as messages.

    Args:
        register: takes a function or an iterator that is an answer and returns the number by which
            the other side may ask for it; None where functions are refused.
        number_of: returns the number of a function that came from the other side, or None.
    """

    def __init__(self, register: Callable | None = None, number_of: Callable = lambda value: None):
        self.register, self.number_of = register, number_of
        self.seen: dict[int, int] = {}
        self.kept: list = []  # the containers in order, alive, so that no id is used twice
        self.nodes = 0
        self.careful = False
        self.parts_by_name = (
            0  # how many of the containers around have parts that a test reaches by name
        )

    def pack(self, value) -> bytes:
        """Return a value, an answer by itself, as bytes.

        Raises:
            BorderError: if it is larger than a message may be.
        """
        return self.encoded(lambda: self.answer(value))

    def pack_names(self, values: dict) -> bytes:
        """Return answers by name as bytes, each with the name of its type.

        Raises:
            BorderError: if they are larger than a message may be.
        """
        return self.encoded(
            lambda: [
                [name, type(value).__name__[:80], self.answer(value)]
                for name, value in values.items()
            ]
        )

    def encoded(self, make: Callable) -> bytes:
        """Return what a function makes of nodes as bytes."""
        try:
            return msgspec.msgpack.encode(make())
        except (
            UnicodeEncodeError,
            OverflowError,
        ):  # a lone surrogate, a long integer: rare, so found by failing
            if self.careful:
                raise
            self.seen.clear()
            self.kept.clear()
            self.nodes, self.careful = 0, True
            return self.encoded(make)
        except RecursionError as error:
            raise BorderError("the value is nested too deep") from error

    def answer(self, value):
        """Return the node of an answer: what no value may hold, a function, an iterator, a module,
        may be one."""
        if type(value) in _SCALARS or id(value) in self.seen:
            return self.node(value, 0)
        if isinstance(value, types.ModuleType):
            return self.refuse("module")
        if self.register is not None and isinstance(value, _ITERATORS):
            return ["iterator", self.register(value.__next__)]
        if callable(value) and type(value) not in _WRITERS and not isinstance(value, type):
            return self._function(value)
        return self.node(value, 0)

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
        """Return the items of a sequence: as they are, in one piece, where they are plain, which is
        what makes columns fast."""
        values = list(values)
        lists = None if self.careful else self.plain_lists(values, depth)
        if lists is None:
            return ["+", [self.node(value, depth) for value in values]]
        self.seen.update(zip(map(id, lists), itertools.count(len(self.kept)), strict=False))
        self.kept += lists
        self.nodes += len(values) + sum(map(len, lists))
        return ["=", values]

    def plain_lists(self, values: list, depth: int) -> list[list] | None:
        """Return the lists among values that may cross in one piece (``_plain_lists``), None where
        they may not: a list that was there before crosses as its number."""
        lists = _plain_lists(values)
        if lists:
            ids = set(map(id, lists))
            if depth > MOST_DEPTH or len(ids) < len(lists) or not self.seen.keys().isdisjoint(ids):
                return None
        return lists

    def _careful(self, value, kind):
        if kind is int and not -_BIG <= value < _BIG:
            if value.bit_length() > MOST_DIGITS * 4:
                return self.refuse("a long integer")
            return ["int", hex(value)]
        if kind is str:
            try:
                value.encode()
            except UnicodeEncodeError:
                return ["str", value.encode("utf-8", "surrogatepass")]
        return value

    def refuse(self, what: str):
        """Return the node of a value that cannot cross: the name of its type, or a key of
        ``_KINDS``."""
        return ["!", str(what)[:80]]

    def _other(self, value, kind, depth: int):
        """Write what is known by its family rather than by its exact type."""
        if isinstance(value, np.generic) and kind.__module__ == "numpy":
            return _numpy_scalar(self, value, kind)
        if isinstance(value, type):
            name = f"{value.__module__}.{value.__qualname__}"
            known = _TYPES.get(name) is value and not self.parts_by_name
            return ["type", name] if known else self.refuse(f"class {value.__name__}")
        if isinstance(value, tuple) and tuple in kind.__bases__ and hasattr(kind, "_fields"):
            self.keep(value)
            with self.reached_by_name():
                return [
                    "named",
                    kind.__name__,
                    list(map(str, kind._fields)),
                    self.items(tuple(value), depth),
                ]
        if isinstance(value, BaseException):
            return exception_node(self, value, depth)
        if isinstance(value, datetime.tzinfo):
            return (
                ["zone", zone] if (zone := _zone(value)) is not None else self.refuse(kind.__name__)
            )
        if isinstance(value, pathlib.PurePath):
            return ["path", str(value)]
        if isinstance(value, (np.dtype, pd.api.extensions.ExtensionDtype)):
            return _dtype(self, value)
        if isinstance(value, pd.tseries.offsets.BaseOffset) and kind.__module__.startswith(
            "pandas."
        ):
            return _offset(self, value)
        drawn = charts.describe(value)
        if drawn is None and kind.__name__ in ("Figure", "Axes"):
            return self.refuse("a chart")
        if drawn is not None:
            self.keep(value)
            return ["chart", *(self.node(part, depth) for part in drawn)]
        if callable(value):
            number = self.number_of(value)
            return ["yours", number] if number is not None else self.refuse("a function in a value")
        return self.refuse(kind.__name__)

    @contextlib.contextmanager
    def reached_by_name(self):
        """Write the parts of a container that a test reaches by names which are the learner's to
        choose (``table.total``, ``point.x``): none of them may be a class, which could be called.
        """
        self.parts_by_name += 1
        try:
            yield
        finally:
            self.parts_by_name -= 1

    def _function(self, value):
        number = self.number_of(value)
        if number is not None:
            return ["yours", number]
        if self.register is None:
            return self.refuse("function")
        return [
            "function",
            self.register(value),
            str(getattr(value, "__name__", ""))[:200],
            _text(getattr(value, "__doc__", None)),
            self._signature(value),
        ]

    def _signature(self, value):
        try:
            parameters = inspect.signature(value).parameters.values()
            return [
                [
                    each.name,
                    int(each.kind),
                    each.default is not each.empty,
                    None if each.default is each.empty else self.node(each.default, 1),
                ]
                for each in parameters
            ]
        except Exception:
            return None


def _plain_lists(values: list) -> list[list] | None:
    """Return the lists among values that are all scalars and lists of scalars (a column of split
    texts has thousands), or None where there is anything else."""
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
        parts = (
            [[key for key, _ in values], [item for _, item in values]]
            if tag == "items"
            else [values]
        )
        return ["view", tag, *(packer.items(part, depth) for part in parts)]

    return write


def _default_dict(packer, value, depth):
    packer.keep(value)
    factory = value.default_factory
    name = factory.__name__ if factory in (int, float, str, list, dict, set, tuple, bool) else None
    return ["default", name, *_pairs(packer, value, depth)]


def _datetime(packer, value, depth):
    zone = value.tzinfo
    parts = [
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.fold,
    ]
    return _with_zone(packer, "datetime", [parts], zone)


def _time(packer, value, depth):
    parts = [value.hour, value.minute, value.second, value.microsecond, value.fold]
    return _with_zone(packer, "time", [parts], value.tzinfo)


def _timestamp(packer, value, depth):
    naive = value if value.tz is None else value.tz_convert("UTC")
    return _with_zone(
        packer, "timestamp", [naive.tz_localize(None).isoformat(), value.unit], value.tz
    )


def _with_zone(packer, tag, parts, zone):
    """Write a moment with its time zone, or refuse it where the zone is of no kind that can
    cross."""
    written = None if zone is None else _zone(zone)
    if zone is not None and written is None:
        return packer.refuse(type(zone).__name__)
    return [tag, *parts, written]


def _zone(zone) -> str | float | None:
    """Return a time zone as its name, or its seconds from UTC; None for one of another kind."""
    if isinstance(zone, datetime.timezone):
        return zone.utcoffset(None).total_seconds()
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    return name if type(name) is str and name in _zones() else None


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _numpy_scalar(packer, value, kind):
    if kind is np.str_:  # NumPy has no empty text of bytes
        return ["text of NumPy", packer._careful(str(value), str)]
    if value.dtype.kind not in _NUMPY_KINDS:
        return packer.refuse(kind.__name__)
    if value.dtype.itemsize == 0:
        return ["bytes of NumPy"]
    return ["scalar", value.dtype.str, value.tobytes()]


def _dtype(packer, value):
    """Write the type of a column by its name, where the name says all of it."""
    if isinstance(value, np.dtype):
        return (
            ["dtype", value.str] if value.kind in _NUMPY_KINDS | {"O"} else packer.refuse("dtype")
        )
    if isinstance(value, pd.StringDtype):
        return ["dtype of text", value.storage == "pyarrow", value.na_value is pd.NA]
    if isinstance(value, pd.CategoricalDtype):
        return ["dtype of categories", packer.node(value.categories, 1), value.ordered]
    name = str(value)
    with contextlib.suppress(Exception):
        if pd.api.types.pandas_dtype(name) == value:
            return ["dtype of pandas", name]
    return packer.refuse(type(value).__name__)


def _offset(packer, value):
    """Write a step of dates by its name, where the name says all of it."""
    with contextlib.suppress(Exception):
        if pd.tseries.frequencies.to_offset(value.freqstr) == value:
            return ["offset", value.freqstr]
    return packer.refuse(type(value).__name__)


def _array(packer, value, depth):
    if value.dtype.kind not in _NUMPY_KINDS | {"O"}:
        return packer.refuse("an array with named fields")
    packer.keep(value)
    if value.dtype.kind != "O":
        return ["array", value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]
    with packer.reached_by_name():
        return ["array", "O", list(value.shape), packer.items(value.ravel(), depth)]


def _index(packer, value, depth):
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
        _column(packer, value.array, depth),
        packer.node(value.name, depth),
        freq,
    ]


def _column(packer, array, depth):
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
    if isinstance(dtype, pd.DatetimeTZDtype) and (zone := _zone(dtype.tz)) is not None:
        return ["zoned", np.asarray(array.asi8).tobytes(), dtype.unit, zone]
    if isinstance(dtype, pd.PeriodDtype):
        return ["period", np.asarray(array.asi8).tobytes(), dtype.name[len("period[") : -1]]
    if isinstance(dtype, pd.IntervalDtype):
        return [
            "interval",
            _column(packer, pd.Index(array.left).array, depth),
            _column(packer, pd.Index(array.right).array, depth),
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


def _attributes(packer, value, depth):
    return [
        [key, packer.node(item, depth)]
        for key, item in list(value.attrs.items())[:50]
        if type(key) is str
    ]


def _series(packer, value, depth):
    packer.keep(value)
    with packer.reached_by_name():
        return [
            "series",
            _column(packer, value.array, depth),
            packer.node(value.index, depth),
            packer.node(value.name, depth),
            _attributes(packer, value, depth),
        ]


def _frame(packer, value, depth):
    packer.keep(value)
    with packer.reached_by_name():
        return [
            "frame",
            [_column(packer, column.array, depth) for _, column in value.items()],
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
    datetime.time: _time,
    datetime.timedelta: lambda packer, value, depth: [
        "timedelta",
        value.days,
        value.seconds,
        value.microseconds,
    ],
    decimal.Decimal: lambda packer, value, depth: ["decimal", str(value)],
    fractions.Fraction: lambda packer, value, depth: [
        "fraction",
        packer.node(value.numerator, depth),
        packer.node(value.denominator, depth),
    ],
    uuid.UUID: lambda packer, value, depth: ["uuid", value.hex],
    re.Pattern: lambda packer, value, depth: [
        "pattern",
        packer.node(value.pattern, depth),
        value.flags,
    ],
    np.ndarray: _array,
    pd.Timestamp: _timestamp,
    pd.Timedelta: lambda packer, value, depth: ["delta", int(value.asm8.view("i8")), value.unit],
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
for _names in (
    "Index RangeIndex MultiIndex DatetimeIndex TimedeltaIndex PeriodIndex CategoricalIndex "
    "IntervalIndex",
):
    _WRITERS |= {getattr(pd, name): _index for name in _names.split()}
for _names in (
    "StringArray IntegerArray FloatingArray BooleanArray DatetimeArray TimedeltaArray PeriodArray",
    "IntervalArray NumpyExtensionArray SparseArray",
):
    _WRITERS |= {getattr(pd.arrays, name): _extension for name in _names.split()}
_WRITERS[type(pd.array(["a"], dtype="str"))] = _extension
# The classes that an answer may name: of plain data, of errors, and of NumPy's numbers.
_TYPES: dict[str, type] = {
    f"{each.__module__}.{each.__qualname__}": each
    for each in (
        *_SCALARS,
        *(kind for kind in _WRITERS if kind not in _VIEWS),
        *(
            each
            for each in vars(np).values()
            if isinstance(each, type) and issubclass(each, np.generic)
        ),
        *(
            each
            for each in vars(builtins).values()
            if isinstance(each, type) and issubclass(each, BaseException)
        ),
    )
}


class Unpacker:
    """Builds values from messages.

    Args:
        call: called when a function of the message is: with its number, its name, and its
            positional and named arguments.
        functions: what ``["yours", number]`` stands for.
        label: the name under which the first function of the message is known, for ``call``.
    """

    texts: set[str] | None = (
        None  #: where a process keeps the texts that could be code, of all it has read
    )

    def __init__(
        self, call: Callable | None = None, functions: dict | None = None, label: str = ""
    ):
        self.call, self.functions, self.label = call, functions or {}, label
        self.kept: list = []
        self.inner: set[int] = set()  # the arrays that columns are made of

    def unpack(self, data: bytes):
        """Return the value that bytes stand for.

        Raises:
            BorderError: if they stand for none.
            CannotCross: if a part that was refused stands where none can.
        """
        with as_border_error():
            return self.value(msgspec.msgpack.decode(data, ext_hook=_no_extension))

    def unpack_names(self, data: bytes) -> dict[str, tuple[str, Any]]:
        """Return answers by name, each with the name of its type as the other side tells it; raises
        as ``unpack``."""
        with as_border_error():
            found = {}
            for name, kind, node in msgspec.msgpack.decode(data, ext_hook=_no_extension):
                self.label = str(name)
                found[str(name)] = str(kind), self.value(node)
            return found

    def value(self, node):
        """Return the value of one node."""
        if type(node) in _SCALARS:
            if self.texts is not None and type(node) is str:
                self.note(node)
            return node
        if (
            type(node) is not list
            or not node
            or type(node[0]) is not str
            or node[0] not in _READERS
        ):
            raise BorderError("a message of another form")
        return _READERS[node[0]](self, *node[1:])

    def items(self, nodes) -> list:
        """Return the values of a sequence of nodes."""
        sort, content = nodes
        if type(content) is list and sort == "+":
            return [self.part(node) for node in content]
        lists = _plain_lists(content) if type(content) is list and sort == "=" else None
        if lists is None:
            raise BorderError("a message of another form")
        self.kept += lists
        if self.texts is not None:
            for text in {each for part in (content, *lists) for each in part if type(each) is str}:
                self.note(text)
        return content

    def note(self, text: str) -> None:
        """Keep a text that could be code: no code does harm without a call, an index or an
        attribute."""
        if len(text) > 3 and len(self.texts) < MOST_TEXTS and _COULD_CALL.search(text):
            self.texts.add(text)

    def part(self, node):
        """Return the value of a node within another: whatever the other side says, no part of a
        value can be called but a class of plain data."""
        if type(node) is list and node and node[0] in ("function", "iterator"):
            raise BorderError("a function in a value")
        return self.value(node)

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
            raise CannotCross(kind_of("itself"))
        return value


@contextlib.contextmanager
def as_border_error():
    """Let whatever reading a message raises be a ``BorderError``, but for ``CannotCross``."""
    try:
        yield
    except (BorderError, CannotCross):
        raise
    except (
        Exception,
        RecursionError,
    ) as error:  # whatever a hostile message makes the libraries say
        raise BorderError(f"a message that does not read: {type(error).__name__}") from error


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


def fill(made: dict, pairs) -> None:
    """Put keys and values into a dictionary of any kind that can cross."""
    for (
        key,
        value,
    ) in pairs:  # one by one: a Counter's own update would count, and dict's would pass by an order
        made[key] = value


def _reads_dict(kind):
    def read(unpacker, keys, values):
        made = unpacker.keep(kind())
        fill(made, zip(unpacker.items(keys), unpacker.items(values), strict=True))
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
    return (
        dict(enumerate(lists[0])).values()
        if kind == "values"
        else dict(zip(*lists, strict=True)).items()
    )


def _is_function(value) -> bool:
    return callable(value) and type(value) is not Refused


def _reads_named(unpacker, name, fields, nodes):
    made = collections.namedtuple(
        name, fields, rename=True
    )  # as pandas makes rows, whose fields may begin with "_"
    values = unpacker.items(nodes)
    if list(made._fields) != fields or any(map(_is_function, values)):
        raise BorderError("a tuple of other names")
    return made(*values)


def _as_zone(zone):
    if zone is None or isinstance(zone, (int, float)):
        return zone if zone is None else datetime.timezone(datetime.timedelta(seconds=zone))
    return zoneinfo.ZoneInfo(zone)


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
    number = unpacker.later()
    if dtype == "O":
        values = unpacker.items(content)
        if any(map(_is_function, values)):
            raise BorderError("a function in a value")
        made = np.empty(len(values), dtype=object)
        for at, value in enumerate(
            values
        ):  # NumPy would spread a list over cells, and ask any value what it is
            made[at] = value
    elif np.dtype(dtype).itemsize == 0:  # texts that are all empty
        made = np.zeros(shape, dtype=_numpy_type(dtype))
    else:
        made = np.frombuffer(content, dtype=_numpy_type(dtype)).copy()
    unpacker.kept[number] = made = made.reshape(shape)
    return made


def _reads_index(unpacker, kind, content, name, freq):
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


def _read_column(unpacker, node):
    tag, *parts = node
    if tag == "!":
        raise CannotCross(kind_of(parts[0]))
    if tag == "numpy":
        if parts[0][0] != "array":
            return unpacker.same(parts[0][1])
        unpacker.inner.add(len(unpacker.kept))
        return _reads_array(unpacker, *parts[0][1:])
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
        return naive.tz_localize("UTC").tz_convert(_as_zone(zone)).array
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
            _numpy_type(name.removeprefix("Sparse[").partition(",")[0]), unpacker.part(fill)
        )
        return pd.arrays.SparseArray(unpacker.part(values), dtype=dtype)
    if tag == "masked":
        name, data, mask = parts
        return pd.api.types.pandas_dtype(name).construct_array_type()(
            unpacker.part(data), unpacker.part(mask)
        )
    raise BorderError("a column that cannot cross the border")


def _reads_series(unpacker, column, index, name, attributes):
    number = unpacker.later()
    array = _read_column(unpacker, column)
    made = pd.Series(
        array, dtype=array.dtype, index=unpacker.part(index), name=unpacker.part(name), copy=False
    )
    made.attrs = {key: unpacker.part(item) for key, item in attributes}
    unpacker.kept[number] = made
    return made


def _reads_frame(unpacker, columns, index, names, attributes):
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


def _reads_timestamp(unpacker, text, unit, zone):
    moment = pd.Timestamp(text).as_unit(unit)
    return moment if zone is None else moment.tz_localize("UTC").tz_convert(_as_zone(zone))


def _text_type(pyarrow: bool, with_na: bool) -> pd.StringDtype:
    return pd.StringDtype("pyarrow" if pyarrow else "python", na_value=pd.NA if with_na else np.nan)


def _reads_dtype(unpacker, name):
    made = pd.api.types.pandas_dtype(name)
    if not isinstance(made, pd.api.extensions.ExtensionDtype):
        raise BorderError("a type of column of another kind")
    return made


def _reads_type(unpacker, name):
    if name not in _TYPES:
        raise BorderError("a class of another kind")
    return _TYPES[name]


_STUB = """
def stub(*args, **kwargs):
    return _call(_number, _label, args, kwargs)
"""
#: Of a text that no file holds, so that whoever asks for a function's source gets none, rather than
# that of the stub.
_STUB_CODE = compile(_STUB, "<a function of the learner’s>", "exec")


def _reads_function(unpacker, number, name, doc, signature):
    if unpacker.call is None or type(number) is not int:
        raise BorderError("a function where none can be called")
    made = {
        "_call": unpacker.call,
        "_number": number,
        "_label": unpacker.label,
        "__name__": "__main__",
    }
    exec(_STUB_CODE, made)
    stub = made["stub"]
    stub.__name__ = stub.__qualname__ = str(name)
    stub.__doc__, stub._border_number = doc, number
    if signature is not None:
        stub.__signature__ = inspect.Signature(
            [
                inspect.Parameter(
                    each,
                    inspect._ParameterKind(kind),
                    default=unpacker.part(default) if given else inspect.Parameter.empty,
                )
                for each, kind, given, default in signature
            ]
        )
    return stub


def _reads_iterator(unpacker, number):
    if unpacker.call is None or type(number) is not int:
        raise BorderError("an iterator where none can be asked")
    call, label = unpacker.call, unpacker.label

    def following():
        while True:
            try:
                value = call(number, label, (), {})
            except Stopped:
                return
            yield value

    return following()


_CONTROL = (StopIteration, StopAsyncIteration, GeneratorExit)


class Stopped(RuntimeError):
    """What stands for an error of a learner's function that Python takes as the end of a loop.

    A test's own loop (``zip``, ``map``, a comprehension) would end at it as if all were done.
    """


def _reads_error(unpacker, nearest, name, arguments):
    kind = getattr(builtins, nearest, Exception)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise BorderError("an error of another kind")
    if issubclass(kind, _CONTROL):
        return Stopped(
            f"{name} was raised by this function; a loop of the test is not ended by it."
        )
    if name != nearest:
        kind = type(str(name), (kind,), {})
    values = [unpacker.part(each) for each in arguments]
    try:
        return kind(*values)
    except Exception:  # such as UnicodeDecodeError, which asks for five
        return Exception(f"{name}: {values}")


_READERS: dict[str, Callable] = {
    "@": lambda unpacker, number: unpacker.same(number),
    "!": lambda unpacker, what: Refused(kind_of(what)),
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
    "deque": _reads_later(
        lambda unpacker, most, nodes: collections.deque(unpacker.items(nodes), most)
    ),
    "bytearray": lambda unpacker, data: unpacker.keep(bytearray(data)),
    "complex": lambda unpacker, real, imaginary: complex(real, imaginary),
    "range": lambda unpacker, *parts: range(*map(unpacker.part, parts)),
    "slice": lambda unpacker, *parts: slice(*map(unpacker.part, parts)),
    "constant": lambda unpacker, name: {
        "...": ...,
        "NotImplemented": NotImplemented,
        "NA": pd.NA,
        "NaT": pd.NaT,
    }[name],
    "date": lambda unpacker, ordinal: datetime.date.fromordinal(ordinal),
    "datetime": _reads_datetime,
    "time": _reads_time,
    "timedelta": lambda unpacker, *parts: datetime.timedelta(*parts),
    "zone": lambda unpacker, name: _as_zone(name),
    "decimal": lambda unpacker, text: decimal.Decimal(text),
    "fraction": lambda unpacker, *parts: fractions.Fraction(*map(unpacker.part, parts)),
    "uuid": lambda unpacker, text: uuid.UUID(text),
    "pattern": lambda unpacker, pattern, flags: re.compile(unpacker.part(pattern), flags),
    "path": lambda unpacker, text: pathlib.PosixPath(text),
    "dtype": lambda unpacker, text: np.dtype(text) if text == "|O" else _numpy_type(text),
    "dtype of text": lambda unpacker, pyarrow, with_na: _text_type(pyarrow, with_na),
    "dtype of categories": lambda unpacker, names, ordered: pd.CategoricalDtype(
        unpacker.part(names), ordered
    ),
    "dtype of pandas": _reads_dtype,
    "offset": lambda unpacker, name: pd.tseries.frequencies.to_offset(name),
    "type": _reads_type,
    "scalar": lambda unpacker, dtype, data: np.frombuffer(data, dtype=_numpy_type(dtype))[0],
    "text of NumPy": lambda unpacker, text: np.str_(unpacker.part(text)),
    "bytes of NumPy": lambda unpacker: np.bytes_(b""),
    "array": _reads_array,
    "index": _reads_index,
    "extension": _reads_later(_read_column),
    "series": _reads_series,
    "frame": _reads_frame,
    "timestamp": _reads_timestamp,
    "delta": lambda unpacker, count, unit: pd.Timedelta(np.timedelta64(count, unit)).as_unit(unit),
    "one period": lambda unpacker, ordinal, freq: pd.Period(ordinal=ordinal, freq=freq),
    "one interval": lambda unpacker, left, right, closed: pd.Interval(
        unpacker.part(left), unpacker.part(right), closed
    ),
    "chart": _reads_later(lambda unpacker, *parts: charts.draw(*map(unpacker.part, parts))),
    "function": _reads_function,
    "iterator": _reads_iterator,
    "yours": lambda unpacker, number: unpacker.functions[number],
    "error": _reads_error,
}
