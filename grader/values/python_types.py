"""Packs and unpacks Python's numbers, ranges, patterns, paths and other small values."""

import decimal
import fractions
import pathlib
import re
import uuid


def _write_bytearray(packer, value, depth):
    packer.keep(value)
    return ["bytearray", bytes(value)]


_CONSTANTS = {"...": ..., "NotImplemented": NotImplemented}
WRITERS = {
    bytearray: _write_bytearray,
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
}
FAMILIES = [(pathlib.PurePath, lambda packer, value, depth: ["path", str(value)])]
READERS = {
    "bytearray": lambda unpacker, data: unpacker.keep(bytearray(data)),
    "complex": lambda unpacker, real, imaginary: complex(real, imaginary),
    "range": lambda unpacker, *parts: range(*map(unpacker.part, parts)),
    "slice": lambda unpacker, *parts: slice(*map(unpacker.part, parts)),
    "constant": lambda unpacker, name: _CONSTANTS[name],
    "decimal": lambda unpacker, text: decimal.Decimal(text),
    "fraction": lambda unpacker, *parts: fractions.Fraction(*map(unpacker.part, parts)),
    "uuid": lambda unpacker, text: uuid.UUID(text),
    "pattern": lambda unpacker, pattern, flags: re.compile(unpacker.part(pattern), flags),
    "path": lambda unpacker, text: pathlib.PosixPath(text),
}
