"""Reads the TOML file that describes a programme of sessions.

It says what no other file does::

    [programme]
    title = {en = "Open data in a day", fr = "Les données ouvertes en une journée"}
    synthetic = false   # true: the report says everywhere that nobody in it exists

    [[session]]
    date = 2026-11-25
    kind = "one-day"                       # one-day, half-day, train-the-trainer, other
    place = "in person"                    # in person, online, hybrid
    language = "en"                        # en, fr, both
    strand = "S"                           # L, S, L+S
    topics = ["analysis", "engagement", "priorities", "directive"]
    course = "ottawa"                      # its tests are graded; its bank names items
    exercises = ["04-served-online"]
    roster = "ottawa/people.csv"           # as every command of grader reads it
    attendance = "ottawa/attendance.csv"
    satisfaction = "ottawa/forms.csv"      # may be left out, as course, exercises and the counters

    [[counter]]                            # what has no file here: see COUNTERS
    name = "registrations"
    value = 412
    from = 2026-01-01
    to = 2026-12-31
    source = {en = "Platform, January 4", fr = "Plateforme, 4 janvier"}

``attendance`` is a CSV with the columns ``id`` (*identifiant*) and ``organization`` (*organisme*):
one line for each person who was there. ``satisfaction`` is a CSV with one line a form: ``language``
(*langue*: en or fr), and the five statements of ``SCALES``, each from 1 (strongly disagree) to 5
(strongly agree), empty where nobody answered. Its other columns, comments above all, are not read.
"""

import datetime
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from commons.errors import BilingualError

SCALES = ("relevant", "clear", "pace", "confident", "recommend")
COUNTERS = (
    "registrations",
    "registered-organizations",
    "courses",
    "visits",
    "audience-external",
    "audience-webcast",
    "audience-in-person",
)
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class BrokenProgramme(BilingualError):
    """Raised when a programme's file, or a list that it names, cannot be read; the text names the
    line or the key."""


class Both(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages."""

    en: Text
    fr: Text


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The programme itself; ``synthetic`` where nobody in it exists."""

    title: Both
    synthetic: bool = False


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One session; its paths are relative to the programme's file."""

    date: datetime.date
    place: Literal["in person", "online", "hybrid"]
    language: Literal["en", "fr", "both"]
    strand: Literal["L", "S", "L+S"]
    roster: Text
    attendance: Text
    topics: list[Text] = []
    kind: Literal["one-day", "half-day", "train-the-trainer", "other"] = "one-day"
    course: str = ""
    exercises: list[Text] = []
    satisfaction: str = ""


class Counter(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}
):
    """A number that has no file here, with its span and its source."""

    name: Literal[COUNTERS]
    value: Annotated[int, msgspec.Meta(ge=0)]
    start: datetime.date
    end: datetime.date
    source: Both


class Programme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file says."""

    programme: About
    session: Annotated[list[Session], msgspec.Meta(min_length=1)]
    counter: list[Counter] = []


def read(path: Path) -> Programme:
    """Read a programme's file.

    Args:
        path: the TOML file.

    Raises:
        BrokenProgramme: if it cannot be read; the text names the line, or the key.
    """
    try:
        said = tomllib.loads(path.read_text("utf-8"))
        found = msgspec.convert(said, Programme)
    except OSError as error:
        raise BrokenProgramme(
            f"{path} cannot be opened ({error.strerror}).",
            f"Impossible d’ouvrir {path} ({error.strerror}).",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BrokenProgramme(
            f"{path.name} does not read as TOML: {error}. Correct that line and run the command "
            "again.",
            f"{path.name} n’est pas du TOML lisible : {_in_french(str(error))}. Corrigez cette "
            "ligne et relancez la commande.",
        ) from error
    except msgspec.ValidationError as error:
        raise _key_problem(path, str(error)) from error
    for number, counter in enumerate(found.counter, 1):
        if counter.end < counter.start:
            raise BrokenProgramme(
                f"{path.name}, [[counter]] number {number}: it ends before it begins (from, to).",
                f"{path.name}, [[counter]] numéro {number} : la fin précède le début (from, to).",
            )
    names = [counter.name for counter in found.counter]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BrokenProgramme(
            f"{path.name}: the counter {twice} comes twice. Keep one, over the whole span.",
            f"{path.name} : le compteur {twice} y est deux fois. Gardez-en un, sur toute la "
            "période.",
        )
    return found


def _in_french(error: str) -> str:
    where = re.search(r"at line (\d+), column (\d+)", error)
    return (
        f"ligne {where[1]}, colonne {where[2]}"
        if where
        else "fin du fichier inattendue ou codage inconnu"
    )


def _key_problem(path: Path, said: str) -> BrokenProgramme:
    """Return a problem of a key in words; sessions are counted from one, as people do."""
    what, _, place = said.partition(" - at ")
    if inner := re.search(r"field `([^`]+)`", what):
        place = f"{place or '`$`'}.{inner[1]}"
    key = (
        re.sub(
            r"\[(\d+)\]",
            lambda found: f" {int(found[1]) + 1}",
            place.replace("`", "").replace("$.", ""),
        )
        or "–"
    )
    missing, unknown = "missing required" in what, "unknown field" in what
    english = (
        "is missing" if missing else "is not known here" if unknown else f"is not right ({what})"
    )
    french = (
        "manque" if missing else "n’est pas connue ici" if unknown else "n’a pas une valeur admise"
    )
    return BrokenProgramme(
        f"{path.name}: the key {key} {english}. grader/evaluation/programme.py shows a whole file.",
        f"{path.name} : la clé {key} {french}. grader/evaluation/programme.py montre un fichier "
        "complet.",
    )
