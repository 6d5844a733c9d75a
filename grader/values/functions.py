"""Packs functions and iterators as numbers, by which the other side may ask for them."""

import inspect
import itertools
import types

from grader.sandbox.channel import BadMessage
from grader.values.exceptions import Stopped

ITERATORS = (
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


def write_function(packer, value):
    """Write a function that is an answer: a number by which the other side may call it."""
    number = packer.number_of(value)
    if number is not None:
        return ["yours", number]
    if packer.register is None:
        return packer.refuse("function")
    return [
        "function",
        packer.register(value),
        str(getattr(value, "__name__", ""))[:200],
        _text(getattr(value, "__doc__", None)),
        _signature(packer, value),
    ]


def _text(value) -> str | None:
    return value if type(value) is str else None


def _signature(packer, value):
    try:
        parameters = inspect.signature(value).parameters.values()
        return [
            [
                each.name,
                int(each.kind),
                each.default is not each.empty,
                None if each.default is each.empty else packer.node(each.default, 1),
            ]
            for each in parameters
        ]
    except Exception:
        return None


_STUB = """
def stub(*args, **kwargs):
    return _call(_number, _label, args, kwargs)
"""
# Of a text that no file holds, so that whoever asks for a function's source gets none, rather than
# that of the stub.
_STUB_CODE = compile(_STUB, "<a function of the learner’s>", "exec")


def _read_function(unpacker, number, name, doc, signature):
    if unpacker.call is None or type(number) is not int:
        raise BadMessage("a function where none can be called")
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


def _read_iterator(unpacker, number):
    if unpacker.call is None or type(number) is not int:
        raise BadMessage("an iterator where none can be asked")
    call, label = unpacker.call, unpacker.label

    def following():
        while True:
            try:
                value = call(number, label, (), {})
            except Stopped:
                return
            yield value

    return following()


def _write_part(packer, value, depth):
    """Write a function that is a part of a value: only one that came from the other side can be."""
    if not callable(value):
        return None
    number = packer.number_of(value)
    return ["yours", number] if number is not None else packer.refuse("a function in a value")


FAMILIES = [(object, _write_part)]
READERS = {
    "function": _read_function,
    "iterator": _read_iterator,
    "yours": lambda unpacker, number: unpacker.functions[number],
}
