"""The open.canada.ca portal for learners: live, dated or in the room.

A lesson needs a handful of names: ``load`` reads a dataset's table, ``session`` asks the portal
with plain ``requests``, ``source_line`` says what was read and of what date, ``show`` displays a
chart with its text alternative, ``checks`` tells a learner what to look at, and ``number``,
``percent``, ``date`` write figures as the reader's language does.
"""

import importlib

_WHERE = {
    "checks": "portail.checks",
    "session": "portail.connection.session",
    "labels": "portail.datasets",
    "show": "portail.figures",
    "language": "commons.wording",
    "use_language": "commons.language",
    "attribution": "portail.tables",
    "load": "portail.tables",
    "organization_names": "portail.tables",
    "source_line": "portail.tables",
    "date": "commons.wording",
    "number": "commons.wording",
    "percent": "commons.wording",
}
__all__ = sorted(_WHERE)


def __getattr__(name: str):
    """Import what is asked for, when it is: whoever needs a path or a sentence does not wait for
    pandas (PEP 562)."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_WHERE[name])
    globals()[name] = module if _WHERE[name] == f"{__name__}.{name}" else getattr(module, name)
    return globals()[name]


def __dir__() -> list[str]:
    return [*globals(), *__all__]
