"""Unpacks values from messages between learner code and tests.

Whatever a message says, only values of the types in ``registry`` come of it.
"""

import contextlib
import re
from collections.abc import Callable
from typing import Any

import msgspec

from grader.sandbox.channel import BadMessage
from grader.values.refusals import CannotCross, Refused, kind_of
from grader.values.registry import READERS
from grader.values.scalars import SCALARS, plain_lists

MOST_TEXTS, _COULD_CALL = 100_000, re.compile(r"[(\[@]|\w\.\w")
_UNFINISHED = object()


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
            BadMessage: if they stand for none.
            CannotCross: if a part that was refused stands where none can.
        """
        with as_bad_message():
            return self.value(msgspec.msgpack.decode(data, ext_hook=_no_extension))

    def unpack_names(self, data: bytes) -> dict[str, tuple[str, Any]]:
        """Return answers by name, each with the name of its type as the other side tells it; raises
        as ``unpack``."""
        with as_bad_message():
            found = {}
            for name, kind, node in msgspec.msgpack.decode(data, ext_hook=_no_extension):
                self.label = str(name)
                found[str(name)] = str(kind), self.value(node)
            return found

    def value(self, node):
        """Return the value of one node."""
        if type(node) in SCALARS:
            if self.texts is not None and type(node) is str:
                self.note(node)
            return node
        if (
            type(node) is not list
            or not node
            or type(node[0]) is not str
            or node[0] not in _READERS
        ):
            raise BadMessage("a message of another form")
        return _READERS[node[0]](self, *node[1:])

    def items(self, nodes) -> list:
        """Return the values of a sequence of nodes."""
        sort, content = nodes
        if type(content) is list and sort == "+":
            return [self.part(node) for node in content]
        lists = plain_lists(content) if type(content) is list and sort == "=" else None
        if lists is None:
            raise BadMessage("a message of another form")
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
            raise BadMessage("a function in a value")
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
def as_bad_message():
    """Let whatever reading a message raises be a ``BadMessage``, but for ``CannotCross``."""
    try:
        yield
    except (BadMessage, CannotCross):
        raise
    except (
        Exception,
        RecursionError,
    ) as error:  # whatever a hostile message makes the libraries say
        raise BadMessage(f"a message that does not read: {type(error).__name__}") from error


def _no_extension(code, data):
    raise BadMessage("a message of another form")


_READERS: dict[str, Callable] = READERS | {
    "@": lambda unpacker, number: unpacker.same(number),
    "!": lambda unpacker, what: Refused(kind_of(what)),
}
