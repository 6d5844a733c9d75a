"""Commands that give marks: grade, check, regrade."""

import json
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from commons.command_help import argument, option
from commons.ending import EXIT_FOUND, EXIT_STOPPED
from commons.wording import Sentence, number
from grader.cli.console import console_for_people, echo, progress_bar, say
from grader.cli.group import grader
from grader.cli.options import course_option, db_option, json_option, trusted_option, warn_if

_STATES = {
    "graded": Sentence("graded", "corrigées"),
    "changed": Sentence("of them changed", "dont modifiées"),
    "late": Sentence("of them late", "dont en retard"),
    "unchanged": Sentence("unchanged", "inchangées"),
    "failed": Sentence("failed", "en échec"),
    "missing": Sentence("missing", "manquantes"),
    "unmatched": Sentence("files unmatched", "fichiers sans correspondance"),
}


@grader.command(
    french="Corriger ce que contient submitted/; relancée, la commande ne corrige que "
    "ce qui est nouveau ou modifié."
)
@argument("assignment", metavar=Sentence("ASSIGNMENT", "DEVOIR"))
@course_option
@option(
    "--student",
    "students",
    multiple=True,
    help=Sentence(
        "Only this learner; may be given several times.",
        "Seulement cette personne; peut être répétée.",
    ),
)
@option(
    "--workers",
    type=click.IntRange(1, 256),
    help=Sentence(
        "How many notebooks to mark at the same time.", "Combien de copies corriger en même temps."
    ),
)
@option(
    "--scheduler",
    help=Sentence(
        "Mark on other machines: address of a dask scheduler, such as tcp://host:8786.",
        "Corriger sur d’autres machines : adresse d’un ordonnanceur dask, par exemple "
        "tcp://hote:8786.",
    ),
)
@option(
    "--again",
    is_flag=True,
    help=Sentence("Also grade what is graded already.", "Corriger aussi ce qui l’est déjà."),
)
@db_option
@json_option
@trusted_option
def grade(
    assignment, folder, students, workers, scheduler, again, db, json_file, unsafe_trusted
) -> None:
    """Grade what is in submitted/; run again, it grades only what is new or changed."""
    from grader.grading import cohort

    warn_if(unsafe_trusted)
    console = console_for_people()
    with progress_bar(console, Sentence("Grading", "Correction")) as progress:
        outcome = cohort.grade(
            folder,
            assignment,
            students=list(students) or None,
            workers=workers,
            scheduler=scheduler,
            db=db,
            unsafe_trusted=unsafe_trusted,
            again=again,
            progress=progress,
        )
    if json_file:
        write_json(json_file, outcome)
    _show(console, outcome)
    sys.exit(EXIT_STOPPED if outcome.stopped else EXIT_FOUND if outcome.code else 0)


def _show(console: Console, outcome) -> None:
    counts = {
        state: len(outcome.of(state)) for state in ("graded", "unchanged", "failed", "missing")
    }
    counts["changed"] = sum(each.changed for each in outcome.of("graded"))
    counts["late"] = sum(each.late > 0 for each in outcome.of("graded"))
    counts["unmatched"] = outcome.unmatched
    table = Table(title=outcome.assignment)
    for title in _STATES.values():
        table.add_column(str(title), justify="right")
    table.add_row(*(number(counts[state]) for state in _STATES))
    console.print(table)
    for each in outcome.submissions:
        for sentence in each.said:
            say(console, f"  {each.student}: {sentence}")
    if any(each.took_marks for each in outcome.submissions):
        say(
            console,
            Sentence(
                "Something other than answers took marks here: look at it, and when it is "
                f"mended, run grader grade {outcome.assignment} --student ID --again",
                "Autre chose que les réponses a coûté des points : voyez ce que c’est et, une "
                f"fois la chose réglée, lancez grader grade {outcome.assignment} --student ID "
                "--again",
            ),
        )
    outdated = sum(each.outdated for each in outcome.submissions)
    if outdated:
        say(
            console,
            Sentence(
                f"Graded with other tests than the source has now: {outdated}. grader regrade "
                f"{outcome.assignment} shows what changes.",
                f"Corrigées avec d’autres tests que ceux de la source : {outdated}. grader regrade "
                f"{outcome.assignment} montre ce qui change.",
            ),
        )
    for fault in outcome.faults:
        say(console, Sentence(f"A test is at fault: {fault}", f"Un test est fautif : {fault}"))
    if outcome.live:
        say(
            console,
            Sentence(
                "Not proof against learner code (grader check says why): "
                f"{', '.join(outcome.live)}",
                "Sans garantie contre le code des copies (grader check dit pourquoi) : "
                f"{', '.join(outcome.live)}",
            ),
        )
    say(
        console,
        Sentence(f"{number(outcome.seconds, 1)} seconds", f"{number(outcome.seconds, 1)} secondes"),
    )


def write_json(path: Path, outcome) -> None:
    """Write the machine-readable report: what became of each submission, in whole."""
    from grader.course.files import put

    submissions = [
        {
            "student": each.student,
            "state": each.state,
            "points": each.points,
            "late_seconds": each.late,
            "outdated": each.outdated,
            "changed": each.changed,
            "cause": each.cause or None,
            "reason": None
            if each.reason is None
            else {"en": each.reason.english, "fr": each.reason.french},
            "notes": [
                {"cause": cause, "en": sentence.english, "fr": sentence.french}
                for (cause, _), sentence in zip(
                    each.notes, each.said[each.reason is not None :], strict=True
                )
            ],
            "marks": {
                notebook: {grade_id: msgspec.to_builtins(mark) for grade_id, mark in marks.items()}
                for notebook, marks in each.marks.items()
            },
        }
        for each in outcome.submissions
    ]
    report = {
        "assignment": outcome.assignment,
        "seconds": outcome.seconds,
        "stopped": outcome.stopped,
        "faults": outcome.faults,
        "not_tamper_proof": outcome.live,
        "unmatched_files": outcome.unmatched,
        "exit_code": outcome.code,
        "submissions": submissions,
    }
    put(
        path,
        (json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode(
            "utf-8", "backslashreplace"
        ),
    )


@grader.command(
    french="Corriger la solution de la source avec nbgrader et avec cet outil, et "
    "énumérer les notes qui diffèrent."
)
@argument("assignment", metavar=Sentence("ASSIGNMENT", "DEVOIR"))
@course_option
@trusted_option
def check(assignment, folder, unsafe_trusted) -> None:
    """Grade the source's own solution with nbgrader and with this grader; list marks that
    differ."""
    from grader.course.folder import Course
    from grader.grading import calibrate as checking

    warn_if(unsafe_trusted)
    _, checked = checking.prepare(Course(folder), assignment, unsafe_trusted, anew=True)
    table = Table(title=assignment)
    for title in (
        Sentence("test", "test"),
        Sentence("nbgrader", "nbgrader"),
        Sentence("grader", "grader"),
        Sentence("runs", "exécution"),
    ):
        table.add_column(str(title))
    for name, points in checked.stock.items():
        runs = (
            Sentence("in the runner: not tamper-proof", "avec la copie : sans garantie")
            if name in checked.live
            else Sentence("split", "séparée")
        )
        table.add_row(name, points_shown(points), points_shown(checked.split.get(name)), str(runs))
    console_for_people().print(table)
    for name in checked.live:
        if name not in checked.running:
            echo(
                Sentence(
                    f"{name} runs beside the learner’s code because it, or a test after it that "
                    "needs it, gets other points apart from that code than from nbgrader.",
                    f"{name} s’exécute avec la copie parce que ce test, ou un test suivant qui en "
                    "dépend, ne donne pas, à part, les mêmes points que nbgrader.",
                )
            )
    for name, what in checked.running.items():
        echo(
            Sentence(
                f"{name} gives what the learner wrote to {what}, which would run it: so it runs "
                "beside the learner’s code, and its mark is not tamper-proof. A test that only "
                "compares would be.",
                f"{name} remet ce qu’a écrit la personne à {what}, qui l’exécuterait : ce test "
                "s’exécute donc avec la copie, et sa note est sans garantie. Un test qui ne fait "
                "que comparer en aurait une.",
            )
        )
    if checked.differing:
        echo(
            Sentence(
                f"These differ from nbgrader in either way: {', '.join(checked.differing)}",
                f"Ceux-ci diffèrent de nbgrader de toute façon : {', '.join(checked.differing)}",
            )
        )
    sys.exit(EXIT_FOUND if checked.differing else 0)


def points_shown(points: float | None) -> str:
    """Return points as text; a dash where a person gives them."""
    return str(Sentence("a person", "une personne")) if points is None else number(points, 2)


@grader.command(
    french="Corriger de nouveau ce qui l’a été avec d’autres tests et montrer les "
    "anciennes et les nouvelles notes; les points donnés par une personne sont "
    "conservés."
)
@argument("assignment", metavar=Sentence("ASSIGNMENT", "DEVOIR"))
@course_option
@option(
    "--undo",
    "back",
    is_flag=True,
    help=Sentence("Undo the last regrading.", "Annuler la dernière nouvelle correction."),
)
@option(
    "--workers",
    type=click.IntRange(1, 256),
    help=Sentence(
        "How many notebooks to mark at the same time.", "Combien de copies corriger en même temps."
    ),
)
@db_option
@trusted_option
def regrade(assignment, folder, back, workers, db, unsafe_trusted) -> None:
    """Grade again what was graded with other tests, and show old and new marks; points
    given by a person are kept."""
    from grader.grading import regrade as regrading

    console = console_for_people()
    if back:
        students = regrading.undo(folder, assignment, db)
        say(
            console,
            Sentence(
                f"Submissions with their marks of before: {len(students)}.",
                f"Copies revenues à leurs notes d’avant : {len(students)}.",
            ),
        )
        return
    warn_if(unsafe_trusted)
    with progress_bar(console, Sentence("Grading", "Correction")) as progress:
        outcome, changes = regrading.regrade(
            folder,
            assignment,
            workers=workers,
            db=db,
            unsafe_trusted=unsafe_trusted,
            progress=progress,
        )
    _show(console, outcome)
    table = Table(title=str(Sentence("Changed marks", "Notes modifiées")))
    for title in (
        Sentence("learner", "personne"),
        Sentence("test", "test"),
        Sentence("old", "avant"),
        Sentence("new", "après"),
    ):
        table.add_column(str(title))
    for each in changes:
        table.add_row(
            Text(each.student), each.cell, points_shown(each.before), points_shown(each.after)
        )
    console.print(table)
    sys.exit(EXIT_FOUND if outcome.code else 0)
