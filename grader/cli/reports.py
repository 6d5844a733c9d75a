"""Commands that write for people: feedback, report, evaluate, memos, export."""

import sys
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from commons.command_help import argument, option
from commons.ending import EXIT_FOUND
from commons.wording import Sentence, number, percent
from grader.cli.console import console_for_people, progress_bar, say
from grader.cli.group import grader
from grader.cli.options import (
    course_option,
    db_option,
    roster_option,
    roster_option_if_any,
    trusted_option,
    warn_if,
)


@grader.command(
    french="Écrire pour chaque personne, dans sa langue, une page avec ses notes, les "
    "points à revoir et les commentaires, sans test caché."
)
@argument("assignment", metavar=Sentence("ASSIGNMENT", "DEVOIR"))
@option(
    "--student",
    "students",
    multiple=True,
    help=Sentence(
        "Only this learner; may be given several times.",
        "Seulement cette personne; peut être répétée.",
    ),
)
@roster_option_if_any
@course_option
@db_option
@trusted_option
def feedback(assignment, students, roster_file, folder, db, unsafe_trusted) -> None:
    """Write a page for each learner, in their language: marks, what to look at again, and
    comments, but no hidden test."""
    from grader.intake import roster
    from grader.reports.feedback import feedback as write

    warn_if(unsafe_trusted)
    console = console_for_people()
    people = roster.read(roster_file) if roster_file else None
    with progress_bar(console, Sentence("Writing", "Écriture")) as progress:
        pages = write(
            folder,
            assignment,
            students=list(students) or None,
            roster=people,
            db=db,
            unsafe_trusted=unsafe_trusted,
            progress=progress,
        )
    say(
        console,
        Sentence(
            f"Pages written in feedback/: {number(len(pages))}.",
            f"Pages écrites dans feedback/ : {number(len(pages))}.",
        ),
    )
    if not pages:
        say(
            console,
            Sentence(
                "Nobody has been graded yet: grader grade comes first.",
                "Personne n’a encore été corrigé : commencez par grader grade.",
            ),
        )
    sys.exit(0 if pages else EXIT_FOUND)


@grader.command(
    french="Écrire le rapport pour la personne responsable : notes, tâches trop "
    "difficiles ou peu discriminantes, erreurs fréquentes, accord entre les "
    "évaluations."
)
@argument("assignment", metavar=Sentence("ASSIGNMENT", "DEVOIR"))
@roster_option_if_any
@option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help=Sentence(
        "The page to write; reports/ASSIGNMENT.html if left out.",
        "La page à écrire; sinon reports/DEVOIR.html.",
    ),
)
@course_option
@db_option
def report(assignment, roster_file, out, folder, db) -> None:
    """Write the instructor's report: marks, tasks that are too hard or do not discriminate,
    common wrong answers, and how far markers agree."""
    from grader.intake import roster
    from grader.reports import class_report as reporting

    people = roster.read(roster_file) if roster_file else None
    found = reporting.read(folder, assignment, people, db)
    path = reporting.write(found, out or folder / "reports" / f"{assignment}.html")
    say(
        console_for_people(),
        Sentence(
            f"Learners in {path}: {number(len(found.lines))}.",
            f"Personnes dans {path} : {number(len(found.lines))}.",
        ),
    )


@grader.command(
    french="Évaluer une séance ou un programme : présences, apprentissage et "
    "satisfaction, sans nom ni petit groupe."
)
@argument(
    "programme",
    metavar=Sentence("PROGRAMME", "PROGRAMME"),
    type=click.Path(path_type=Path, dir_okay=False),
)
@option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help=Sentence("The folder to write into.", "Le dossier où écrire."),
)
@option(
    "--minimum",
    type=int,
    default=10,
    show_default=True,
    help=Sentence(
        "Hide results of groups smaller than this; never under 3.",
        "Masquer les résultats des groupes plus petits; jamais moins de 3.",
    ),
)
def evaluate(programme, out, minimum) -> None:
    """Evaluate a session or a programme: attendance, learning and satisfaction, without
    names or small groups."""
    from grader.evaluation import compute, report_pages

    found = compute.evaluate(programme, minimum)
    console = console_for_people()
    for path in report_pages.write(found, out):
        say(console, str(path))


@grader.command(
    french="Préparer les réponses à faire lire par deux personnes (--out), ou "
    "comparer leurs feuilles (--sheets)."
)
@argument("assignment", metavar=Sentence("ASSIGNMENT", "DEVOIR"))
@option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help=Sentence(
        "Write the two markers' sheets and the answers into this folder.",
        "Écrire dans ce dossier les feuilles des deux personnes et les réponses.",
    ),
)
@option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help=Sentence(
        "Share of the answers to read, drawn at random.",
        "Part des réponses à lire, tirées au sort.",
    ),
)
@option(
    "--sheets",
    nargs=2,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=Sentence("The two filled-in sheets to compare.", "Les deux feuilles remplies à comparer."),
)
@option(
    "--enter",
    is_flag=True,
    help=Sentence(
        "Enter into the gradebook the mean of points that differ by at most one.",
        "Inscrire au carnet de notes la moyenne des points qui diffèrent d’un point au plus.",
    ),
)
@course_option
@db_option
@trusted_option
def memos(assignment, out, share, sheets, enter, folder, db, unsafe_trusted) -> None:
    """Prepare answers to be read by two markers (--out), or compare their sheets (--sheets)."""
    from grader.reports import moderation as reading

    if (out is None) == (not sheets):
        raise click.UsageError(
            str(Sentence("Give either --out or --sheets.", "Donnez soit --out, soit --sheets."))
        )
    console = console_for_people()
    if out is not None:
        warn_if(unsafe_trusted)
        for path in reading.lay_out(
            folder, assignment, out, share=share, db=db, unsafe_trusted=unsafe_trusted
        ):
            say(console, str(path))
        return
    settled = reading.settle(folder, assignment, *sheets, enter=enter, db=db)
    table = Table(title=assignment)
    for title in (
        Sentence("task", "tâche"),
        Sentence("answers", "réponses"),
        Sentence("same", "mêmes points"),
        Sentence("within a point", "à un point près"),
        Sentence("weighted kappa", "kappa pondéré"),
    ):
        table.add_column(str(title))
    for task, each in settled.agreement.items():
        table.add_row(
            Text(task),
            number(each.answers),
            percent(each.same, 0),
            percent(each.near, 0),
            number(each.kappa, 2),
        )
    console.print(table)
    if enter:
        say(
            console,
            Sentence(
                f"Entered in the gradebook: {settled.entered}.",
                f"Inscrites au carnet de notes : {settled.entered}.",
            ),
        )
    for code, (one, two) in settled.apart.items():
        say(
            console,
            Sentence(
                f"  {code}: {one:g} and {two:g}: read it together",
                f"  {code} : {number(one, 1)} et {number(two, 1)} : à relire ensemble",
            ),
        )
    if settled.alone:
        say(
            console,
            Sentence(
                f"Marked by one only: {', '.join(settled.alone)}",
                f"Évaluées une seule fois : {', '.join(settled.alone)}",
            ),
        )
    sys.exit(EXIT_FOUND if settled.apart or settled.alone else 0)


@grader.command(
    french="Écrire les notes en CSV, ou comme Moodle, Brightspace ou Canvas les importent."
)
@argument("assignment", metavar=Sentence("ASSIGNMENT", "DEVOIR"))
@roster_option
@option(
    "--format",
    "kind",
    type=click.Choice(["csv", "moodle", "brightspace", "canvas"]),
    default="csv",
    show_default=True,
    help=Sentence("What the file is for.", "À quoi sert le fichier."),
)
@option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help=Sentence("The file to write.", "Le fichier à écrire."),
)
@option(
    "--unfinished",
    type=click.Choice(["refuse", "blank", "automatic"]),
    default="refuse",
    show_default=True,
    help=Sentence(
        "What to do where a person has still to give points.",
        "Que faire là où une personne doit encore donner des points.",
    ),
)
@course_option
@db_option
def export(assignment, roster_file, kind, out, unfinished, folder, db) -> None:
    """Write the marks as CSV, or as Moodle, Brightspace or Canvas import them."""
    from grader.course.folder import Course
    from grader.intake import roster
    from grader.reports.export import export as write

    course = Course(folder, db)
    people = roster.read(roster_file)
    done = write(
        course.root, assignment, kind, people, out, db=course.db_url, unfinished=unfinished
    )
    console = console_for_people()
    say(
        console,
        Sentence(
            f"People written to {done.path}: {done.people}.",
            f"Personnes inscrites dans {done.path} : {done.people}.",
        ),
    )
    if done.left_out:
        named = ", ".join(done.left_out)
        say(
            console,
            Sentence(f"Left out, without a mark: {named}", f"Sans note, laissés de côté : {named}"),
        )
    if done.strangers:
        named = ", ".join(done.strangers)
        say(
            console,
            Sentence(
                f"In the gradebook and not in the roster: {named}",
                f"Dans le carnet de notes mais pas dans la liste : {named}",
            ),
        )
    sys.exit(EXIT_FOUND if done.strangers else 0)
