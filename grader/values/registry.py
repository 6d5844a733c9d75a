"""Lists the types that can reach the checker, with how each is written and read.

Each module of a family of types has some of these tables, which are joined here:

- ``WRITERS``: by a value's exact type, a function of the packer, the value and its depth;
- ``FAMILIES``: pairs of a base class and such a function, for values of any class below it; it
  returns None where the value is not its own after all;
- ``READERS``: by a node's tag, a function of the unpacker and the rest of the node.
"""

from collections.abc import Callable

from grader.values import (
    charts,
    classes,
    containers,
    dates,
    exceptions,
    functions,
    numpy_types,
    pandas_types,
    python_types,
    scalars,
)

_MODULES = (  # in the order in which their families are asked
    numpy_types,
    classes,
    containers,
    exceptions,
    dates,
    python_types,
    scalars,
    pandas_types,
    charts,
    functions,
)


def _joined(name: str) -> dict:
    found: dict = {}
    for module in _MODULES:
        table = getattr(module, name, {})
        if not found.keys().isdisjoint(table):
            raise ValueError(f"{module.__name__}: a type that another module has as well")
        found |= table
    return found


WRITERS: dict[type, Callable] = _joined("WRITERS")
READERS: dict[str, Callable] = _joined("READERS")
FAMILIES: list[tuple[type | tuple, Callable]] = [
    pair for module in _MODULES for pair in getattr(module, "FAMILIES", ())
]
