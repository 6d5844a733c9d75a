"""Packs and unpacks classes: of plain data, of errors and of NumPy's numbers, and no others."""

import builtins

import numpy as np

from grader.sandbox.channel import BadMessage
from grader.values import containers, dates, numpy_types, pandas_types, python_types
from grader.values.scalars import SCALARS

_ERRORS = [
    kind
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, BaseException)
]
_NUMBERS = [
    kind for kind in vars(np).values() if isinstance(kind, type) and issubclass(kind, np.generic)
]
_VIEWS = {type({}.keys()), type({}.values()), type({}.items())}
_TYPES: dict[str, type] = {
    f"{kind.__module__}.{kind.__qualname__}": kind
    for kind in (
        *SCALARS,
        *containers.WRITERS,
        *python_types.WRITERS,
        *dates.WRITERS,
        *numpy_types.WRITERS,
        *pandas_types.WRITERS,
        *_NUMBERS,
        *_ERRORS,
    )
    if kind not in _VIEWS
}


def _write_class(packer, value, depth):
    name = f"{value.__module__}.{value.__qualname__}"
    known = _TYPES.get(name) is value and not packer.parts_by_name
    return ["type", name] if known else packer.refuse(f"class {value.__name__}")


def _read_class(unpacker, name):
    if name not in _TYPES:
        raise BadMessage("a class of another kind")
    return _TYPES[name]


FAMILIES = [(type, _write_class)]
READERS = {
    "type": _read_class,
}
