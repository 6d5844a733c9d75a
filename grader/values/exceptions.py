"""Packs and unpacks exceptions: the nearest built-in class, the name and the arguments."""

import builtins

from grader.sandbox.channel import BadMessage

_CONTROL = (StopIteration, StopAsyncIteration, GeneratorExit)


class Stopped(RuntimeError):
    """What stands for an error of a learner's function that Python takes as the end of a loop.

    A test's own loop (``zip``, ``map``, a comprehension) would end at it as if all were done.
    """


def exception_node(packer, error: BaseException, depth: int = 0) -> list:
    """Write an exception: its nearest built-in class, its own name, and its arguments."""
    nearest = next(each for each in type(error).__mro__ if each.__module__ == "builtins")
    return [
        "error",
        nearest.__name__,
        type(error).__name__[:200],
        [packer.node(each, depth) for each in error.args[:20]],
    ]


def _read_error(unpacker, nearest, name, arguments):
    kind = getattr(builtins, nearest, Exception)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise BadMessage("an error of another kind")
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


FAMILIES = [(BaseException, exception_node)]
READERS = {
    "error": _read_error,
}
