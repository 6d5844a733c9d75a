"""Packs and unpacks lists, tuples, sets, dictionaries, their views and named tuples."""

import collections

from grader.sandbox.channel import BadMessage
from grader.values.refusals import is_function

_LISTS = {list: "list", tuple: "tuple", set: "set", frozenset: "frozenset"}
_VIEWS = {type({}.keys()): "keys", type({}.values()): "values", type({}.items()): "items"}


def _write_container(tag):
    def write(packer, value, depth):
        packer.keep(value)
        return [tag, packer.items(value, depth)]

    return write


def _read_list(unpacker, nodes):
    made = unpacker.keep([])
    made.extend(unpacker.items(nodes))
    return made


def reads_later(make):
    """Return a reader of a container that is made after what it holds."""

    def read(unpacker, *parts):
        number = unpacker.later()
        unpacker.kept[number] = make(unpacker, *parts)
        return unpacker.kept[number]

    return read


def _pairs(packer, value, depth):
    return [packer.items(value.keys(), depth), packer.items(value.values(), depth)]


def _write_dict(tag):
    def write(packer, value, depth):
        packer.keep(value)
        return [tag, *_pairs(packer, value, depth)]

    return write


def _read_dict(kind):
    def read(unpacker, keys, values):
        made = unpacker.keep(kind())
        fill(made, zip(unpacker.items(keys), unpacker.items(values), strict=True))
        return made

    return read


def fill(made: dict, pairs) -> None:
    """Put keys and values into a dictionary of any kind that can cross."""
    # one by one: a Counter's own update would count, and dict's would pass by an order
    for key, value in pairs:
        made[key] = value


def _write_default(packer, value, depth):
    packer.keep(value)
    factory = value.default_factory
    name = factory.__name__ if factory in (int, float, str, list, dict, set, tuple, bool) else None
    return ["default", name, *_pairs(packer, value, depth)]


def _read_default(unpacker, factory, keys, values):
    kinds = {each.__name__: each for each in (int, float, str, list, dict, set, tuple, bool)}
    made = unpacker.keep(collections.defaultdict(kinds.get(factory)))
    made.update(zip(unpacker.items(keys), unpacker.items(values), strict=True))
    return made


def _write_deque(packer, value, depth):
    packer.keep(value)
    return ["deque", value.maxlen, packer.items(value, depth)]


def _write_view(tag):
    def write(packer, value, depth):
        values = list(value)
        parts = (
            [[key for key, _ in values], [item for _, item in values]]
            if tag == "items"
            else [values]
        )
        return ["view", tag, *(packer.items(part, depth) for part in parts)]

    return write


def _read_view(unpacker, kind, *parts):
    lists = [unpacker.items(part) for part in parts]
    if kind == "keys":
        return dict.fromkeys(lists[0]).keys()
    return (
        dict(enumerate(lists[0])).values()
        if kind == "values"
        else dict(zip(*lists, strict=True)).items()
    )


def _write_named(packer, value, depth):
    kind = type(value)
    if tuple not in kind.__bases__ or not hasattr(kind, "_fields"):
        return None
    packer.keep(value)
    with packer.reached_by_name():
        return [
            "named",
            kind.__name__,
            list(map(str, kind._fields)),
            packer.items(tuple(value), depth),
        ]


def _read_named(unpacker, name, fields, nodes):
    # as pandas makes rows, whose fields may begin with "_"
    made = collections.namedtuple(name, fields, rename=True)
    values = unpacker.items(nodes)
    if list(made._fields) != fields or any(map(is_function, values)):
        raise BadMessage("a tuple of other names")
    return made(*values)


WRITERS = {
    **{kind: _write_container(tag) for kind, tag in _LISTS.items()},
    **{kind: _write_view(tag) for kind, tag in _VIEWS.items()},
    dict: _write_dict("dict"),
    collections.Counter: _write_dict("counter"),
    collections.OrderedDict: _write_dict("ordered"),
    collections.defaultdict: _write_default,
    collections.deque: _write_deque,
}
FAMILIES = [(tuple, _write_named)]
READERS = {
    "list": _read_list,
    "tuple": reads_later(lambda unpacker, nodes: tuple(unpacker.items(nodes))),
    "set": reads_later(lambda unpacker, nodes: set(unpacker.items(nodes))),
    "frozenset": reads_later(lambda unpacker, nodes: frozenset(unpacker.items(nodes))),
    "dict": _read_dict(dict),
    "counter": _read_dict(collections.Counter),
    "ordered": _read_dict(collections.OrderedDict),
    "default": _read_default,
    "view": _read_view,
    "named": reads_later(_read_named),
    "deque": reads_later(
        lambda unpacker, most, nodes: collections.deque(unpacker.items(nodes), most)
    ),
}
