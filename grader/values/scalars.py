"""Packs and unpacks scalars, also long integers and texts that UTF-8 cannot hold."""

import itertools

from grader.values.refusals import MOST_DIGITS

SCALARS = {type(None), bool, int, float, str, bytes}
_PLAIN = {list, *SCALARS}
_BIG = 1 << 63


def plain_lists(values: list) -> list[list] | None:
    """Return the lists among values that are all scalars and lists of scalars (a column of split
    texts has thousands), or None where there is anything else."""
    kinds = set(map(type, values))
    if kinds <= SCALARS:
        return []
    lists = [value for value in values if type(value) is list] if kinds <= _PLAIN else None
    return lists if lists and set(map(type, itertools.chain(*lists))) <= SCALARS else None


def write_careful(packer, value, kind):
    """Write a scalar where the message holds a long integer or a text with a lone surrogate."""
    if kind is int and not -_BIG <= value < _BIG:
        if value.bit_length() > MOST_DIGITS * 4:
            return packer.refuse("a long integer")
        return ["int", hex(value)]
    if kind is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            return ["str", value.encode("utf-8", "surrogatepass")]
    return value


READERS = {
    "int": lambda unpacker, text: int(text, 16),
    "str": lambda unpacker, data: data.decode("utf-8", "surrogatepass"),
}
