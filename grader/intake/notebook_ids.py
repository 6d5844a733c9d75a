"""Reads which graded cells a notebook has, and builds nothing else of it."""

import msgspec

from grader.intake.problems import MOST_ENTRIES


class _NbGrader(msgspec.Struct):
    grade_id: str = ""


class _Metadata(msgspec.Struct):
    nbgrader: _NbGrader | None = None


class _Cell(msgspec.Struct):
    metadata: _Metadata


class _Notebook(msgspec.Struct):
    cells: list[msgspec.Raw]


def grade_ids(data: bytes) -> list[str]:
    """Return the grade ids of a notebook's cells, in order; none if it is no notebook. Nothing else
    of it is built.

    Args:
        data: the file, in whatever encoding.
    """
    for code in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"):
        try:
            cells = msgspec.json.decode(data.decode(code).encode(), type=_Notebook).cells
            break
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            cells = []
    found = []
    for cell in cells[:MOST_ENTRIES]:
        try:
            nbgrader = msgspec.json.decode(cell, type=_Cell).metadata.nbgrader
        except (msgspec.MsgspecError, RecursionError):
            continue
        if nbgrader and 0 < len(nbgrader.grade_id) <= 200:
            found.append(nbgrader.grade_id)
    return found
