"""Packs values into messages between learner code and tests.

``Packer`` writes a value as scalars and lists that begin with a tag; ``unpacking.Unpacker`` builds
it again from nothing but those. Exact types and the identity of containers survive within one
message. What is not plain (an instance of somebody's class, an open file) becomes a
``refusals.Refused`` that names its type.

A function, an iterator or a module can be an answer; no value ever holds one, since a test that
asks a value for something (``answer.equals(expected)``) must be answered by the value's own type. A
function that is an answer becomes a number by which the other side may be asked to call it.
"""

import contextlib
import itertools
import types
from collections.abc import Callable

import msgspec

from grader.sandbox.channel import BadMessage
from grader.values.functions import ITERATORS, write_function
from grader.values.registry import FAMILIES, WRITERS
from grader.values.scalars import SCALARS, plain_lists, write_careful

MOST_NODES, MOST_DEPTH = 2_000_000, 150
_WRITERS = WRITERS  # Python calls a method of an imported name more slowly than of its own


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
            BadMessage: if it is larger than a message may be.
        """
        return self.encoded(lambda: self.answer(value))

    def pack_names(self, values: dict) -> bytes:
        """Return answers by name as bytes, each with the name of its type.

        Raises:
            BadMessage: if they are larger than a message may be.
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
            raise BadMessage("the value is nested too deep") from error

    def answer(self, value):
        """Return the node of an answer: what no value may hold, a function, an iterator, a module,
        may be one."""
        if type(value) in SCALARS or id(value) in self.seen:
            return self.node(value, 0)
        if isinstance(value, types.ModuleType):
            return self.refuse("module")
        if self.register is not None and isinstance(value, ITERATORS):
            return ["iterator", self.register(value.__next__)]
        if callable(value) and type(value) not in WRITERS and not isinstance(value, type):
            return write_function(self, value)
        return self.node(value, 0)

    def node(self, value, depth: int):
        """Return a value as scalars and tagged lists."""
        kind = type(value)
        self.nodes += 1
        if self.nodes > MOST_NODES or depth > MOST_DEPTH:
            raise BadMessage("the value is too large or nested too deep to be marked")
        if kind in SCALARS:
            return (
                write_careful(self, value, kind) if self.careful and kind in (str, int) else value
            )
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
        """Return the lists among values that may cross in one piece (``plain_lists``), None where
        they may not: a list that was there before crosses as its number."""
        lists = plain_lists(values)
        if lists:
            ids = set(map(id, lists))
            if depth > MOST_DEPTH or len(ids) < len(lists) or not self.seen.keys().isdisjoint(ids):
                return None
        return lists

    def refuse(self, what: str):
        """Return the node of a value that cannot cross: the name of its type, or a name that
        ``refusals.kind_of`` knows."""
        return ["!", str(what)[:80]]

    def _other(self, value, kind, depth: int):
        """Write what is known by its family rather than by its exact type."""
        for base, write in FAMILIES:
            if isinstance(value, base) and (node := write(self, value, depth)) is not None:
                return node
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
