"""The seats of a session: their participants, codes and folders, and what was handed in."""

import contextlib
import csv
import datetime
import io
import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from commons.errors import BilingualError, CannotWrite
from commons.files import put
from commons.templates import fill
from curriculum.lessons import LANGUAGES, ROOT
from curriculum.workspace.build import build, digest
from curriculum.workspace.jupyterlab import configure_lab
from curriculum.workspace.start_page import START, start_page
from grader.intake.archives import list_archive, read_entry
from grader.intake.people import Person
from grader.intake.problems import Unreadable
from grader.sandbox import kernel
from room import seat_process

CARDS = Path(__file__).parent / "templates" / "cards.html"
LIST, ROSTER, GIVEN_OUT = "seats.csv", "roster.csv", "given-out.txt"
# no letter that is read as another, none that needs an accent
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_NOT_NEEDED = (
    "jupyter_lsp",
    "jupyter_server_terminals",
    "nbgrader.server_extensions.assignment_list",
    "nbgrader.server_extensions.course_list",
    "nbgrader.server_extensions.formgrader",
)
_COLUMNS = ("seat", "code", "id", "name", "language")


class CannotOpenRoom(BilingualError):
    """Raised when the room's folder does not hold a list of seats that can be read."""


class Seat(NamedTuple):
    """One participant's place.

    Args:
        seat: its name: the participant's for the hub, and its folder's.
        code: the secret that opens it, on the participant's card.
        id: the participant, as the roster and the gradebook call them.
        name: what the card says.
        language: ``"en"`` or ``"fr"``, until another is chosen at the door.
    """

    seat: str
    code: str
    id: str
    name: str
    language: str


def folder_of_today() -> Path:
    """Return where a session's seats lie, by its date."""
    return ROOT / "rooms" / datetime.date.today().isoformat()


def prepare(folder: Path, people: list[Person]) -> list[Seat]:
    """Make the seats of a session, or those that a list lacks; what is there already stays as it
    is.

    Args:
        folder: the room's.
        people: who comes, in order.

    Returns:
        Every seat of the list.

    Raises:
        CannotOpenRoom: if there is a list that cannot be read.
        CannotWrite: if the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        seats = read(folder) if (folder / LIST).is_file() else []
        known = {seat.id for seat in seats}
        for person in people:
            if person.id not in known:
                seats.append(
                    Seat(
                        f"seat-{len(seats) + 1:02}",
                        _code(),
                        person.id,
                        person.name,
                        person.language,
                    )
                )
        _write(folder, seats)
        _furnish(folder, seats)
    except OSError as error:
        raise CannotWrite(folder, error) from error
    return seats


def people_without_names(count: int) -> list[Person]:
    """Return as many participants, known by a code alone, as the session's two tests ask for."""
    return [
        Person(f"seat-{number:02}", f"Seat / Place {number:02}") for number in range(1, count + 1)
    ]


def read(folder: Path) -> list[Seat]:
    """Return a room's seats.

    Raises:
        CannotOpenRoom: if its list is not there or is not one.
    """
    try:
        with open(folder / LIST, encoding="utf-8", newline="") as file:
            return [Seat(*(row[column] for column in _COLUMNS)) for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise CannotOpenRoom(
            f"{folder / LIST} is not a list of seats that can be read. Open the room first "
            "(python -m room open), or name its folder with --folder.",
            f"{folder / LIST} n’est pas une liste de places lisible. Ouvrez d’abord la salle "
            "(python -m room open), ou nommez son dossier avec --folder.",
        ) from error


def _write(folder: Path, seats: list[Seat]) -> None:
    """Write the list, and the roster that the grader's commands ask for, which has no code
    in it."""
    for name, columns in ((LIST, _COLUMNS), (ROSTER, _COLUMNS[2:])):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(seat[-len(columns) :] for seat in seats)
        put(folder / name, text.getvalue().encode())


def _code() -> str:
    """Return a secret of forty bits that is easy to copy from a card."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def plain(code: str) -> str:
    """Return a code as it is compared: what people type around and between its letters is
    left out."""
    return "".join(letter for letter in code.casefold() if letter in _ALPHABET)


def place(folder: Path, seat: Seat) -> Path:
    """Return the folder that a participant works in."""
    return folder / "seats" / seat.seat


def _furnish(folder: Path, seats: list[Seat]) -> None:
    """Give each new seat the learner's workspace. A seat that is there is its participant's:
    nothing is written there again from outside, so that no link laid in it can lead anywhere."""
    missing = [seat for seat in seats if not place(folder, seat).exists()]
    if not missing:
        return
    (folder / "seats").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as away:
        model = Path(away) / "model"
        build(model)
        configure_lab(model, "en")
        for language in LANGUAGES:
            page = start_page(language).encode()
            put(model / seat_process.START_PAGES / language / START, page)
        put(
            model / ".lab/config/jupyter_server_config.d/room.json",
            json.dumps(
                {"ServerApp": {"jpserver_extensions": dict.fromkeys(_NOT_NEEDED, False)}}
            ).encode(),
        )
        _find_fonts(model / ".matplotlib")
        exercises = {digest(path.read_bytes()) for path in model.glob("*/exercises/*.ipynb")}
        put(folder / GIVEN_OUT, "\n".join(sorted(exercises | _given_out(folder))).encode())
        for seat in missing:
            new = Path(away) / seat.seat
            shutil.copytree(model, new)
            _give_away(new)
            new.rename(place(folder, seat))


def _find_fonts(folder: Path) -> None:
    """Let matplotlib look for its fonts here, once, and not in every kernel of the room."""
    from matplotlib import font_manager

    folder.mkdir()
    found = font_manager.fontManager
    font_manager.json_dump(found, folder / f"fontlist-v{found.__version__}.json")


def _give_away(folder: Path) -> None:
    """Give a folder to the user that works in the sandbox, where that is another user
    (``kernel.map_users``)."""
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o700 if each.is_dir() else 0o600)
        if os.geteuid() == 0:
            os.chown(each, kernel.NOBODY, kernel.NOBODY)


def handed_in(folder: Path, to: Path) -> int:
    """Copy what participants changed in their exercises, a folder for each person, as ``grader
    collect`` takes it.

    The room may be open meanwhile. An exercise that is still as it was given out is not handed in.

    Args:
        folder: the room's.
        to: where; an empty folder.

    Returns:
        How many notebooks were changed.

    Raises:
        CannotOpenRoom: if there is no list of seats.
        OSError: if the copies cannot be written.
    """
    given_out = _given_out(folder)
    return sum(_copy_changed(place(folder, seat), to / seat.id, given_out) for seat in read(folder))


def _given_out(folder: Path) -> set[str]:
    """Return the digests of every exercise that was ever put on a seat here."""
    path = folder / GIVEN_OUT
    return set(path.read_text("utf-8").split()) if path.is_file() else set()


def _copy_changed(seat: Path, to: Path, given_out: set[str]) -> int:
    """Copy a seat's changed exercises and count them; links, devices and files that are too
    large are left out."""
    copied = 0
    for language in LANGUAGES:
        exercises = seat / language / "exercises"
        if exercises.is_symlink() or exercises.parent.is_symlink() or not exercises.is_dir():
            continue
        for entry in list_archive(exercises):
            if entry.problem or "/" in entry.name or not entry.name.endswith(".ipynb"):
                continue
            with contextlib.suppress(Unreadable, OSError):
                content = read_entry(exercises, entry)
                if digest(content) not in given_out:
                    copied += 1
                    copy = to / language / entry.name
                    put(copy, content)
                    os.utime(copy, (entry.when, entry.when))
    return copied


def cards(seats: list[Seat], address: str) -> str:
    """Return the participants' cards as one page to print and cut, in both languages.

    Args:
        seats: whose.
        address: what to type into the browser.
    """
    return fill(CARDS, seats=seats, address=address)
