"""Compares names without accents and capitals; takes apart names that a learning system made."""

import re
import unicodedata
from typing import NamedTuple

_LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"}
)  # which Unicode does not take apart
# How the systems name what they let an instructor download: moodle/moodle mod/assign,
# instructure/canvas-lms lib/content_zipper.rb; Brightspace's from names seen ("12345-67890 - Name -
# Nov 24, 2026 904 AM").
_SYSTEMS = [
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"(?P<person>.+?)_(?P<numbers>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?",
        r"(?P<numbers>\d+-\d+) - (?P<person>.+?) - (?P<when>[^-]*\b\d{4}\b[^-]*?)(?: - "
        r"(?P<file>.+))?",
        r"(?P<person>[^_]+)(?:_late)?_(?P<numbers>\d+_\d+)_(?P<file>.+)",
    )
]


class LmsName(NamedTuple):
    """What a learning management system wrote into a name: who, its own numbers, the learner's
    file, and when."""

    person: str
    numbers: tuple[str, ...]
    file: str
    when: str


def fold(text: str) -> str:
    """Return a text without accents, capitals and invisible marks, the same for every way to write
    its letters."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(
        mark
        for mark in apart
        if not unicodedata.combining(mark) and unicodedata.category(mark) != "Cf"
    ).translate(_LETTERS)


def words_of(folded: str) -> list[str]:
    """Return the words of a text that was folded, without their separators."""
    return re.findall(r"[^\W_]+", folded)


def lms_name(text: str) -> LmsName | None:
    """Take apart a name that Moodle, Brightspace or Canvas made, a file's or a folder's; None if it
    is no such name."""
    for system in _SYSTEMS:
        if found := system.fullmatch(text):
            parts = found.groupdict()
            return LmsName(
                parts["person"],
                tuple(re.findall(r"\d+", parts["numbers"])),
                parts["file"] or "",
                parts.get("when") or "",
            )
    return None
