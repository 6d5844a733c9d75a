"""Commands that take in submissions and names: collect, names."""

import contextlib
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from commons.command_help import argument
from commons.ending import EXIT_FOUND
from commons.wording import Sentence, number
from grader.cli.console import console_for_people, say
from grader.cli.group import grader
from grader.cli.options import course_option, db_option, roster_option


@grader.command(
    french="Ranger dans submitted/ un dossier ou une archive ZIP de carnets provenant "
    "d’un SGA ou d’un courriel."
)
@argument(
    "source", metavar=Sentence("SOURCE", "SOURCE"), type=click.Path(path_type=Path, exists=True)
)
@roster_option
@course_option
def collect(source, roster_file, folder) -> None:
    """Put a folder or ZIP of notebooks from an LMS or an e-mail into submitted/."""
    from grader.course.folder import Course
    from grader.course.lock import locked
    from grader.intake import roster
    from grader.intake.collect import collect as take
    from grader.intake.reader import SealedReader

    people = roster.read(roster_file)
    console = console_for_people()
    for notice in people.notices:
        say(console, notice)
    course = Course(folder)
    with locked(course), contextlib.closing(SealedReader()) as reader:
        done = take(source, people, course.root, reader)
    _show_collection(console, done)
    sys.exit(EXIT_FOUND if done.unmatched or done.refused else 0)


def _show_collection(console: Console, done) -> None:
    titles = {
        "taken": Sentence("taken", "recueillies"),
        "replaced": Sentence("replaced", "remplacées"),
        "unchanged": Sentence("unchanged", "inchangées"),
        "older": Sentence("older, left", "plus anciennes, laissées"),
        "unmatched": Sentence("unmatched", "sans correspondance"),
        "refused": Sentence("refused", "refusées"),
    }
    table = Table()
    for title in titles.values():
        table.add_column(str(title), justify="right")
    table.add_row(*(number(len(getattr(done, name))) for name in titles))
    console.print(table)
    for item in (*done.unmatched, *done.refused):
        people = f" ({', '.join(item.candidates)})" if item.candidates else ""
        say(console, f"  {item.source}: {item.reason}{people}")
    for assignment, students in done.missing.items():
        if students:
            named = ", ".join(students[:10]) + (" …" if len(students) > 10 else "")
            say(
                console,
                Sentence(
                    f"{assignment}: nothing from {len(students)}: {named}",
                    f"{assignment} : rien de {len(students)} : {named}",
                ),
            )


@grader.command(
    french="Inscrire au carnet de notes les noms de la liste, pour que formgrader les "
    "affiche; les notes sont conservées."
)
@roster_option
@course_option
@db_option
def names(roster_file, folder, db) -> None:
    """Enter the class list's names into the gradebook, for formgrader to show; marks are kept."""
    from grader.course.folder import Course
    from grader.course.gradebook_database import named_problems
    from grader.course.lock import locked
    from grader.intake import enrolment, roster

    people, course = roster.read(roster_file), Course(folder, db)
    with locked(course), named_problems(course):
        changed = enrolment.into_gradebook(
            people, course.db_url, course.course_id or "default_course"
        )
    say(
        console_for_people(),
        Sentence(
            f"Names entered or changed in the gradebook: {number(changed)}.",
            f"Noms inscrits ou modifiés dans le carnet de notes : {number(changed)}.",
        ),
    )
