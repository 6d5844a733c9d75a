"""Commands about what a course holds: status, verify, forget, doctor."""

import sys

import click
from rich.table import Table

from commons.command_help import argument, option
from commons.ending import EXIT_FOUND
from commons.wording import Sentence, number
from grader.cli.console import console_for_people, echo
from grader.cli.group import grader
from grader.cli.options import course_option, db_option


@grader.command(french="Montrer où en est chaque devoir.")
@course_option
def status(folder) -> None:
    """Show how far each assignment has got."""
    from grader import audit

    columns = {
        "assignment": Sentence("assignment", "devoir"),
        "waiting": Sentence("waiting", "en attente"),
        "graded": Sentence("graded", "corrigées"),
        "failed": Sentence("failed", "en échec"),
        "running": Sentence("interrupted", "interrompues"),
        "outdated": Sentence("with other tests", "avec d’autres tests"),
    }
    table = Table()
    for key, title in columns.items():
        table.add_column(str(title), no_wrap=key == "assignment")
    for each in audit.status(folder):
        counts = [
            number(each.states.get(state, 0))
            for state in ("waiting", "graded", "failed", "running")
        ]
        table.add_row(each.assignment, *counts, number(each.outdated))
    console_for_people().print(table)


@grader.command(
    french="Vérifier que chaque note est encore telle qu’elle a été donnée, à l’aide "
    "des empreintes."
)
@argument("assignment", metavar=Sentence("ASSIGNMENT", "DEVOIR"))
@course_option
@db_option
def verify(assignment, folder, db) -> None:
    """Check that every mark still stands as it was given, by the hashes behind it."""
    from grader import audit

    looked_at, found = audit.verify(folder, assignment, db)
    for each in found:
        echo(f"{each.student}: {each.reason}")
    strangers = len({each.student for each in found})
    echo(
        Sentence(
            f"Graded submissions looked at: {looked_at}; that do not hold: {strangers}.",
            f"Copies corrigées examinées : {looked_at}; qui ne tiennent plus : {strangers}.",
        )
    )
    sys.exit(EXIT_FOUND if found else 0)


@grader.command(
    french="Supprimer une personne partout dans le cours et énumérer ce qui a été supprimé."
)
@argument("student", metavar=Sentence("LEARNER", "PERSONNE"))
@course_option
@db_option
@option(
    "--yes",
    "sure",
    is_flag=True,
    help=Sentence("Remove without asking first.", "Supprimer sans demander confirmation."),
)
def forget(student, folder, db, sure) -> None:
    """Remove one learner everywhere in the course, and list what was removed."""
    if not sure:
        question = Sentence(
            "Remove all of this learner's work and marks?",
            "Supprimer tous les travaux et toutes les notes de cette personne?",
        )
        click.confirm(str(question), abort=True)
    from grader import audit

    done = audit.forget(folder, student, db)
    for removed in done.removed:
        echo(Sentence(f"removed: {removed}", f"supprimé : {removed}"))
    for place in done.look:
        echo(
            Sentence(
                f"to look at yourself, it may be theirs or somebody else’s: {place}",
                f"à examiner vous-même, peut être à cette personne ou à une autre : {place}",
            )
        )
    echo(
        Sentence(
            "Exports, mail and backups are beyond this command: remove them yourself.",
            "Exportations, courriels et sauvegardes lui échappent : supprimez-les vous-même.",
        )
    )


@grader.command(
    french="Dire si cette machine peut confiner le code des copies et, sinon, que faire."
)
def doctor() -> None:
    """Say whether this machine can run learners' code in a sandbox, and what to do if not."""
    from grader.sandbox.doctor import RECIPE, offer

    found = offer()
    echo(found.system)
    if not found.missing:
        echo(
            Sentence(
                "[ OK ] Learner code can be confined: namespaces, seccomp and limits are there.",
                "[ OK ] Le code des copies peut être confiné : espaces de noms, seccomp et "
                "limites sont là.",
            )
        )
        echo(
            Sentence(
                f"[ OK ] Landlock, version {found.landlock}.",
                f"[ OK ] Landlock, version {found.landlock}.",
            )
            if found.landlock
            else Sentence(
                "[ -- ] Landlock is not there (a second line; Linux 5.13 and newer have it).",
                "[ -- ] Landlock n’est pas là (seconde ligne; Linux 5.13 et plus récents l’ont).",
            )
        )
        return
    for english, french in found.missing:
        echo(Sentence(f"[FAIL] {english}", f"[ÉCHEC] {french}"))
    echo(RECIPE)
    sys.exit(EXIT_FOUND)
