"""Commands for the trainer: ``python -m room open | collect | rehearse``."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from commons.command_help import BilingualGroup, lang_option, option
from commons.ending import end_with
from commons.wording import Sentence, number
from curriculum import release
from curriculum.lessons import Curriculum
from grader.intake import roster as rosters
from grader.sandbox import doctor, kernel
from portail import server
from room import rehearsal, seats
from room.server import Room, free_ports

CARDS = "cards.html"


def _say(english: str, french: str) -> None:
    click.echo(str(Sentence(english, french)))


def _refuse_without_confinement() -> None:
    missing = doctor.offer().missing
    if missing:
        raise kernel.CannotConfine(
            " ".join(each.english for each in missing)
            + " A room is opened only where seats can be kept apart.",
            " ".join(each.french for each in missing)
            + " Une salle n’ouvre que là où les places peuvent être "
            "séparées.",
        )


_FOLDER = option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help=Sentence(
        "The room’s folder; rooms/DATE if left out.", "Dossier de la salle; sinon, rooms/DATE."
    ),
)
_COURSE = option(
    "--course",
    type=click.Path(file_okay=False, path_type=Path),
    default=release.COURSE,
    help=Sentence(
        "The course that takes the hand-ins; exercises if left out.",
        "Cours qui reçoit les copies; sinon, exercises.",
    ),
)


@click.group(cls=BilingualGroup, french="Une salle de postes qui n’ont qu’un navigateur.")
@lang_option
def room() -> None:
    """A room of laptops that have only a browser."""


@room.command("open", french="Ouvrir la salle, et recueillir les copies à sa fermeture (Ctrl-C).")
@_FOLDER
@_COURSE
@option(
    "--roster",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=Sentence(
        "Who comes: a CSV list (id, name, language).",
        "Qui vient : une liste CSV (id, name, language).",
    ),
)
@option(
    "--seats",
    "count",
    type=click.IntRange(0, 99),
    help=Sentence(
        "Seats without a name; 27 if left out, none with --roster.",
        "Places sans nom; sinon, 27, ou aucune avec --roster.",
    ),
)
@option(
    "--host",
    default="0.0.0.0",
    show_default=True,
    help=Sentence("Address to listen on.", "Adresse d’écoute."),
)
@option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help=Sentence("Port to listen on.", "Port d’écoute."),
)
def open_room(folder, course, roster, count, host, port) -> None:
    """Open the room, and take in what was handed in when it closes (Ctrl-C)."""
    _refuse_without_confinement()
    folder = (folder or seats.folder_of_today()).resolve()
    there = seats.prepare(folder, _people(roster, count))
    with Room(folder, host, port) as opened:
        address = opened.address(server.own_address() if host == "0.0.0.0" else host)
        (folder / CARDS).write_text(seats.cards(there, address), "utf-8")
        _say(
            f"The room is open at {address}\nCards to print, one for each of {len(there)} seats: "
            f"{folder / CARDS}\n"
            "To take in what was handed in, at any time: python -m room collect. To close: "
            "Ctrl-C, which takes it in too.",
            f"La salle est ouverte à {address}\nCartes à imprimer, une pour chacune des "
            f"{len(there)} places : {folder / CARDS}\nPour recueillir les copies, en tout temps : "
            "python -m room collect. Pour fermer : Ctrl-C, qui les recueille aussi.",
        )
        for number in (signal.SIGTERM, signal.SIGHUP):  # the window was closed: as Ctrl-C
            signal.signal(number, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            opened.process.wait()
            log = folder / "hub" / "hub.log"
            _say(
                f"The room closed by itself; {log} says why. All that was saved is kept: open it "
                "again.",
                f"La salle s’est fermée d’elle-même; {log} dit pourquoi. Tout ce qui a été "
                "enregistré est gardé : rouvrez-la.",
            )
    sys.exit(_collect(folder, course))


def _people(roster: Path | None, count: int | None) -> list[rosters.Person]:
    """Return who is on the list, then as many without a name as were asked for."""
    if roster is None:
        return seats.people_without_names(27 if count is None else count)
    listed = rosters.read(roster)
    for notice in listed.notices:
        click.echo(str(notice))
    return [*listed.people.values(), *seats.people_without_names(count or 0)]


@room.command(
    french="Recueillir, dans le dossier submitted/ du cours, ce que les gens ont changé dans leurs "
    "exercices."
)
@_FOLDER
@_COURSE
def collect(folder, course) -> None:
    """Take in what participants changed in their exercises, into the course's submitted/."""
    sys.exit(_collect((folder or seats.folder_of_today()).resolve(), course))


def _collect(folder: Path, course: Path) -> int:
    """Hand the seats' exercises to ``grader collect``, and return its exit code."""
    with tempfile.TemporaryDirectory() as away:
        seats.handed_in(folder, Path(away))
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "grader",
                "collect",
                away,
                "--roster",
                str(folder / seats.ROSTER),
                "--course",
                str(course),
            ]
        ).returncode


@room.command(
    french="Exécuter chaque leçon de la journée, dans les deux langues, de toutes les places à la "
    "fois : une ligne verte ou rouge pour chacune."
)
@option(
    "--seats",
    "count",
    type=click.IntRange(1, 99),
    default=27,
    show_default=True,
    help=Sentence("How many at once.", "Combien à la fois."),
)
@option(
    "--path",
    "name",
    default="one-day",
    show_default=True,
    help=Sentence("The path whose lessons are run.", "Le parcours dont on exécute les leçons."),
)
@option(
    "--lesson",
    "only",
    multiple=True,
    help=Sentence(
        "Only this lesson; may be repeated.", "Seulement cette leçon; l’option peut se répéter."
    ),
)
@option(
    "--patience",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help=Sentence(
        "Seconds before an answer is given up.", "Secondes avant d’abandonner une réponse."
    ),
)
@option(
    "--slow",
    type=click.FloatRange(0),
    default=20,
    show_default=True,
    help=Sentence(
        "A line is red where 5 waits in 100 are longer than so many seconds.",
        "Une ligne est rouge si 5 attentes sur 100 dépassent tant de secondes.",
    ),
)
def rehearse(count, name, only, patience, slow) -> None:
    """Run every lesson of the day, in both languages, from all seats at once: a green or a red line
    each."""
    _refuse_without_confinement()
    lessons = list(only) or _lessons(name)
    _say(f"{count} seats are being prepared …", f"{count} places se préparent…")
    with tempfile.TemporaryDirectory() as away:
        folder = Path(away)
        there = seats.prepare(folder, seats.people_without_names(count))
        with (
            Room(folder, "127.0.0.1", free_ports(1)[0]) as opened,
            rehearsal.Memory(os.getpid()) as memory,
        ):
            red = [
                line
                for line in rehearsal.rehearse(
                    opened.address("127.0.0.1"), there, lessons, patience
                )
                if not _green(line, slow)
            ]
        copies = seats.handed_in(folder, folder / "handed-in")
    needed, has = (number(each / 1e9, 1) for each in (memory.most, _memory_of_this_machine()))
    _say(
        f"{copies} of {count * len(lessons)} hand-ins are there. The room needed {needed} GB; "
        f"this machine has {has}.",
        f"{copies} copies sur {count * len(lessons)} sont là. La salle a demandé {needed} Go; la "
        f"machine en a {has}.",
    )
    sys.exit(1 if red or copies < count * len(lessons) else 0)


def _memory_of_this_machine() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _lessons(name: str) -> list[str]:
    """Return the lessons of a path that are written."""
    plan = Curriculum.read()
    path = next((each for each in plan.paths if each.name == name), None)
    if path is None:
        raise click.BadParameter(
            str(
                Sentence(
                    f"{name} is no path: `python -m curriculum lessons` names them.",
                    f"{name} n’est pas un parcours : `python -m curriculum lessons` les nomme.",
                )
            )
        )
    return [lesson.slug for lesson, _ in path.steps(plan) if lesson.exists()]


def _green(line: rehearsal.StepTiming, slow: float) -> bool:
    """Print a line of the rehearsal, and tell whether it is green; colour is never alone: a word
    says the same."""
    green = not line.errors and line.p95 <= slow
    word = Sentence("good ", "bon  ") if green else Sentence("BAD  ", "ÉCHEC")
    click.secho(
        f"{word} {line.language}  {line.step:<34} {line.seats:>3} × p95 {number(line.p95, 2):>6} s",
        fg="green" if green else "red",
    )
    for error in line.errors:
        click.echo(f"      {error[:300]}")
    return green


def main() -> None:
    """Run the command and end the process with its exit code."""
    end_with(room)


if __name__ == "__main__":
    main()
