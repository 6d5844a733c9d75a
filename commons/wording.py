"""Numbers, shares and dates as each language writes them, and sentences that exist in both."""

import datetime
import math
import os
import re
from typing import NamedTuple

LANGUAGES = ("en", "fr")
NO_BREAK_SPACE = "\u00a0"
_ELISION = re.compile(
    r"\b([cdjlmnst]|(?:jus|lors|puis|quel)?qu|aujourd)'(?=[^\W\d_])", re.IGNORECASE
)
MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
}


def language() -> str:
    """Return the reader's language, ``"en"`` or ``"fr"``; English where ``PORTAIL_LANG`` names
    neither."""
    chosen = os.environ.get("PORTAIL_LANG", "").strip().lower()[:2]
    return chosen if chosen in LANGUAGES else "en"


class Sentence(NamedTuple):
    """A sentence in both languages; ``str()`` gives the reader's."""

    english: str
    french: str

    def __str__(self) -> str:
        return typeset(self.french) if language() == "fr" else self.english


def typeset(french: str) -> str:
    """Put what French typography asks for: no-break spaces before « : » and « % » and inside
    guillemets, and the apostrophe of « l’on » and « qu’il »."""
    french = _ELISION.sub(r"\1’", french)
    return re.sub(r" ([:%»])", NO_BREAK_SPACE + r"\1", french.replace("« ", "«" + NO_BREAK_SPACE))


# What is no letter and leaves no trace on a screen, though Unicode counts it among the marks that
# print.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SPACES = frozenset("\u00a0\u202f")  # which French typography needs


def visible(text: str, keep: str = "") -> str:
    """Return a text fit for a screen: marks that move, hide, reorder or end what is shown are
    spelled out.

    Args:
        text: any text, also one from a file name that is no Unicode.
        keep: marks to leave as they are, such as the end of a line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        mark
        if mark in keep or mark in _SPACES or (mark.isprintable() and mark not in _INVISIBLE)
        else _spelled(mark)
        for mark in text
    )


def _spelled(mark: str) -> str:
    number = ord(mark)
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )


def number(value: float, decimals: int = 0, lang: str | None = None) -> str:
    """Write a number as the reader's language does: 1,597.5 or « 1 597,5 ».

    Args:
        value: the number; a missing one (None, NaN) is written as a dash.
        decimals: digits after the decimal mark.
        lang: ``"en"`` or ``"fr"``; the reader's language if left out.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)) or value != value:
        return "–"
    written = f"{value:,.{decimals}f}"
    if (lang or language()) == "fr":
        written = written.replace(",", NO_BREAK_SPACE).replace(".", ",")
    return written


def percent(share: float, decimals: int = 1, lang: str | None = None) -> str:
    """Write a share between 0 and 1 as a percentage: 52.8 % or « 52,8 % », with a no-break space.

    Args:
        share: the share, such as 0.528; a missing one is written as a dash.
        decimals: digits after the decimal mark.
        lang: ``"en"`` or ``"fr"``; the reader's language if left out.
    """
    written = number(None if share is None else share * 100, decimals, lang)
    return written if written == "–" else f"{written}{NO_BREAK_SPACE}%"


def date(when: str | datetime.date, lang: str | None = None) -> str:
    """Write a date, or a month, in words: September 19, 2025; « 19 septembre 2025 »; December 2024.

    Args:
        when: a date, or ISO text: ``"2025-09-19"`` (or with a time after it), or ``"2024-12"`` for
            a month.
        lang: ``"en"`` or ``"fr"``; the reader's language if left out.

    Raises:
        ValueError: if the text is neither.
    """
    lang = lang or language()
    parts = str(when)[:10].split("-")
    if len(parts) == 2:
        first = datetime.date(int(parts[0]), int(parts[1]), 1)
        return f"{MONTHS[lang][first.month - 1]} {first.year}"
    day = datetime.date.fromisoformat("-".join(parts))
    month = MONTHS[lang][day.month - 1]
    if lang == "fr":
        return f"{'1er' if day.day == 1 else day.day} {month} {day.year}"
    return f"{month} {day.day}, {day.year}"
