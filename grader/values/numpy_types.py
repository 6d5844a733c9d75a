"""Packs and unpacks NumPy's arrays, numbers and types of numbers."""

import numpy as np

from grader.sandbox.channel import BadMessage
from grader.values.refusals import is_function
from grader.values.scalars import write_careful

_KINDS = set("biufcSUmM")


def numpy_type(text: str) -> np.dtype:
    """Return the type of numbers that a text names, if it may cross."""
    dtype = np.dtype(text)
    if dtype.kind not in _KINDS or dtype.fields or dtype.subdtype:
        raise BadMessage("an array of another type")
    return dtype


def _write_scalar(packer, value, depth):
    if type(value).__module__ != "numpy":
        return None
    if type(value) is np.str_:  # NumPy has no empty text of bytes
        return ["text of NumPy", write_careful(packer, str(value), str)]
    if value.dtype.kind not in _KINDS:
        return packer.refuse(type(value).__name__)
    if value.dtype.itemsize == 0:
        return ["bytes of NumPy"]
    return ["scalar", value.dtype.str, value.tobytes()]


def _write_array(packer, value, depth):
    if value.dtype.kind not in _KINDS | {"O"}:
        return packer.refuse("an array with named fields")
    packer.keep(value)
    if value.dtype.kind != "O":
        return ["array", value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]
    with packer.reached_by_name():
        return ["array", "O", list(value.shape), packer.items(value.ravel(), depth)]


def read_array(unpacker, dtype, shape, content):
    """Return the array that a node stands for."""
    number = unpacker.later()
    if dtype == "O":
        values = unpacker.items(content)
        if any(map(is_function, values)):
            raise BadMessage("a function in a value")
        made = np.empty(len(values), dtype=object)
        # one by one: NumPy would spread a list over cells, and ask any value what it is
        for at, value in enumerate(values):
            made[at] = value
    elif np.dtype(dtype).itemsize == 0:  # texts that are all empty
        made = np.zeros(shape, dtype=numpy_type(dtype))
    else:
        made = np.frombuffer(content, dtype=numpy_type(dtype)).copy()
    unpacker.kept[number] = made = made.reshape(shape)
    return made


def _write_dtype(packer, value, depth):
    known = value.kind in _KINDS | {"O"}
    return ["dtype", value.str] if known else packer.refuse("dtype")


WRITERS = {np.ndarray: _write_array}
FAMILIES = [(np.generic, _write_scalar), (np.dtype, _write_dtype)]
READERS = {
    "array": read_array,
    "scalar": lambda unpacker, dtype, data: np.frombuffer(data, dtype=numpy_type(dtype))[0],
    "text of NumPy": lambda unpacker, text: np.str_(unpacker.part(text)),
    "bytes of NumPy": lambda unpacker: np.bytes_(b""),
    "dtype": lambda unpacker, text: np.dtype(text) if text == "|O" else numpy_type(text),
}
