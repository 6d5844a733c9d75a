"""What a learner's function may change of the arguments that a test gives it."""

import copy
from collections import deque
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from grader.marking.protocol import Write
from grader.sandbox.channel import BadMessage
from grader.values.containers import fill
from grader.values.unpacking import Unpacker, as_bad_message


class Lent:
    """What a test lends to a function of the learner's: it comes back as it was, but for what the
    source's own function changes.

    Args:
        function: the name of the function.
        positional: its arguments,
        named: and those by name.
        kept: all containers that went over, in the order of their numbers.
        writes: what the source's own functions change.
        recorded: told of each change; returns whether it is made, whatever ``writes`` says.
    """

    def __init__(
        self, function: str, positional, named: dict, kept: list, writes: list[Write], recorded
    ):
        self.function, self.kept, self.recorded = function, kept, recorded
        self.writes = {
            (write.place, write.column) for write in writes if write.function == function
        }
        self.places: dict[int, str] = {}
        for root, value in [*enumerate(positional), *named.items()]:
            self._place(value, str(root))
        self.instead: dict[
            int, Any
        ] = {}  # by the id of what was lent, what it would be after the call

    def _place(self, value, place: str) -> None:
        """Find the place of each container that the test itself put where it is."""
        if id(value) in self.places or not isinstance(value, _CONTAINERS):
            return
        self.places[id(value)] = place
        if isinstance(value, dict):
            value = value.values()
        if isinstance(value, (list, tuple, set, frozenset, deque, type({}.values()))):
            for item in value:
                self._place(item, f"{place}/")

    def changed(self, number: int, content) -> None:
        """Take what a container is after the call."""
        own = self.kept[number]
        if type(own) is not type(content):
            raise BadMessage("an argument of another type")
        place = self.places.get(id(own))
        if place is None:  # a part of a table, which comes back with it
            return
        columns = _changed_columns(own, content) if isinstance(own, pd.DataFrame) else None
        if columns is None:
            allowed = self._allowed(place, "")
            if allowed:
                _overlay(own, content)
        else:
            chosen = [column for column in columns if self._allowed(place, repr(column))]
            allowed = len(chosen) == len(columns)
            _write_columns(own, content, chosen)
        if not allowed:
            self.instead[id(own)] = content

    def _allowed(self, place: str, column: str) -> bool:
        own = {(place, column), (place, "")} & self.writes
        return self.recorded(Write(self.function, place, column)) or bool(own)

    def returned(self, number: int):
        """Return an argument that came back as a result: the argument itself, or what became of it
        over there."""
        own = self.kept[number]
        if id(own) in self.instead:
            return self.instead[id(own)]
        return (
            copy.deepcopy(own, self.instead)
            if self.instead and isinstance(own, (list, tuple, dict))
            else own
        )


_CONTAINERS = (
    list,
    tuple,
    dict,
    set,
    frozenset,
    deque,
    bytearray,
    pd.DataFrame,
    pd.Series,
    np.ndarray,
)


def _changed_columns(own: pd.DataFrame, content: pd.DataFrame) -> list | None:
    """Return the columns of a table that were added, changed or taken away; None if its rows are
    others, or its columns are in another order."""
    if not own.index.identical(content.index) or not (
        own.columns.is_unique and content.columns.is_unique
    ):
        return None
    both = [column for column in own.columns if column in content.columns]
    if both != [column for column in content.columns if column in own.columns]:
        return None
    changed = [column for column in both if not own[column].equals(content[column])]
    return [
        *changed,
        *(
            column
            for column in {**dict.fromkeys(own), **dict.fromkeys(content)}
            if column not in both
        ),
    ]


def _write_columns(own: pd.DataFrame, content: pd.DataFrame, columns: list) -> None:
    for column in columns:
        if column in content.columns:
            own[column] = content[column]
        else:
            del own[column]


class ResultUnpacker(Unpacker):
    """Reads what a call gave: an argument that came back is the argument."""

    def __init__(self, call, label: str, lent: Lent):
        super().__init__(call, label=label)
        self.lent = lent

    def value(self, node):
        """Return a node's value; an argument is the one that was lent."""
        if type(node) is list and len(node) == 2 and node[0] == "argument":
            if type(node[1]) is not int or not 0 <= node[1] < len(self.lent.kept):
                raise BadMessage("an argument that was not given")
            return self.lent.returned(node[1])
        return super().value(node)

    def result(self, data: bytes) -> tuple:
        """Return the result and the error.

        Raises:
            BadMessage: if it does not read.
            CannotCross: if a part that was refused stands where none can.
        """
        with as_bad_message():
            changes, error, result = msgspec.msgpack.decode(data)
            for number, content in changes:
                self.lent.changed(number, self.value(content))
            error = None if error is None else self.value(error)
            return self.value(result), error if isinstance(error, BaseException) else None


def _overlay(value, content) -> None:
    """Give a container the contents of another of its type; it stays the same object."""
    if isinstance(value, (list, bytearray)):
        value[:] = content
    elif isinstance(value, dict):
        value.clear()
        fill(value, content.items())
    elif isinstance(value, set):
        value.clear()
        value.update(content)
    elif hasattr(value, "_update_inplace"):  # a table or a column
        value._update_inplace(content)
        value.attrs = content.attrs
    elif hasattr(value, "extend"):  # a deque
        value.clear()
        value.extend(content)
    elif isinstance(value, np.ndarray) and value.shape == content.shape:
        value[...] = content
