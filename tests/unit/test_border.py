"""Does each answer belong to its question, and does what is lent come back as it was?"""

import collections
import socket
import threading

import numpy as np
import pandas as pd
import pytest

from grader.marking import protocol
from grader.marking.arguments import Lent
from grader.marking.protocol import Write
from grader.sandbox import channel
from grader.sandbox.channel import Channel
from grader.values.packing import Packer


class _Interrupted(Exception):
    pass


@pytest.fixture
def ends():
    here, theirs = socket.socketpair()
    with here, theirs:
        yield Channel(here, protocol.Answer), Channel(theirs, protocol.Question)


def later(answering, *numbers):
    """Let the other side receive as many questions, and answer them in this order, each with its
    number."""
    questions = [(answering.receive(), answering.number) for _ in numbers]
    for number in numbers:
        _, answering.number = questions[number]
        answering.send(protocol.Seen({"answers": str(number)}, {}, {}, {}))


def test_an_answer_that_comes_too_late_answers_nobody(ends):
    asking, answering = ends

    def interrupt():
        raise _Interrupted

    with pytest.raises(_Interrupted):
        asking.ask(protocol.Look(), 30, interrupt)
    other = threading.Thread(target=later, args=(answering, 0, 1))
    other.start()
    assert asking.ask(protocol.Look(), 30).names == {"answers": "1"}
    other.join()


def test_a_message_of_which_a_part_has_come_is_gone_on_with(ends):
    asking, answering = ends
    data = answering.encode(protocol.Seen({"a": "b" * 1000}, {}, {}, {}))
    whole = channel._HEAD.pack(len(data), 1) + data
    answering.socket.sendall(whole[:500])
    looked = []

    def after_a_while():
        looked.append(1)
        if len(looked) > 3:
            raise _Interrupted

    with pytest.raises(_Interrupted):
        asking.receive(30, after_a_while)
    answering.socket.sendall(whole[500:])
    assert asking.receive(30).names == {"a": "b" * 1000}


def lent(value, *writes: Write, name: str = "f") -> Lent:
    packer = Packer()
    packer.pack([[value], {}])
    return Lent(name, (value,), {}, packer.kept, list(writes), lambda write: False)


def number_of(one: Lent, value) -> int:
    return next(at for at, each in enumerate(one.kept) if each is value)


def table() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]})


@pytest.mark.parametrize(
    "value, after",
    [
        ([1, 2], []),
        ({"a": 1}, {}),
        ({1, 2}, set()),
        (collections.deque([1]), collections.deque()),
        (np.array([1, 2]), np.array([0, 0])),
        (bytearray(b"ab"), bytearray()),
        (table(), table().head(0)),
        (table(), table().assign(a=0)),
        (table()["a"], table()["b"]),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_lent_stays_as_it_was(value, after):
    before = repr(value)
    one = lent(value)
    one.changed(number_of(one, value), after)
    assert repr(value) == before


def test_what_the_source_s_function_changes_is_changed():
    value = [1]
    one = lent(value, Write("f", "0"))
    one.changed(number_of(one, value), [1, 2])
    assert value == [1, 2]


def test_another_function_s_leave_is_not_this_one_s():
    value = [1]
    one = lent(value, Write("g", "0"))
    one.changed(number_of(one, value), [1, 2])
    assert value == [1]


def test_of_a_table_only_the_column_that_the_source_s_function_changes_is():
    value = table()
    one = lent(value, Write("f", "0", "'c'"))
    one.changed(number_of(one, value), table().assign(a=0, c=[7, 8, 9]))
    assert value.equals(table().assign(c=[7, 8, 9]))


def test_of_a_table_whose_rows_are_others_nothing_is_where_the_source_s_function_leaves_them():
    value = table()
    one = lent(value, Write("f", "0", "'c'"))
    one.changed(number_of(one, value), table().head(1).assign(c=[7]))
    assert value.equals(table())


def test_a_list_within_a_list_has_a_leave_of_its_own():
    value = [[1], [2]]
    one = lent(value, Write("f", "0/"))
    one.changed(number_of(one, value[1]), [])
    one.changed(number_of(one, value), [])
    assert value == [[1], []]


def test_an_argument_that_comes_back_as_the_result_is_what_became_of_it():
    value = {"rows": [1, 2], "table": table()}
    one = lent(value)
    one.changed(number_of(one, value["rows"]), [1])
    came = one.returned(number_of(one, value))
    assert came["rows"] == [1] and came["table"].equals(table()) and value["rows"] == [1, 2]


def test_an_argument_that_comes_back_unchanged_is_the_argument():
    value = table()
    one = lent(value)
    assert one.returned(number_of(one, value)) is value
