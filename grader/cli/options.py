"""Options that several commands take."""

from pathlib import Path

import click

from commons.command_help import option
from commons.wording import Sentence
from grader.cli.console import echo

course_option = option(
    "--course",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    help=Sentence("The course's folder.", "Le dossier du cours."),
)
db_option = option(
    "--db",
    help=Sentence(
        "Address of the gradebook: sqlite:///… or postgresql://…",
        "Adresse du carnet de notes : sqlite:///… ou postgresql://…",
    ),
)
json_option = option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=Sentence("Also write the report as JSON.", "Écrire aussi le rapport en JSON."),
)
roster_option, roster_option_if_any = (
    option(
        "--roster",
        "roster_file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        required=required,
        help=Sentence(
            "The class list, as CSV: id, name, email, section, language.",
            "La liste du groupe, en CSV : identifiant, nom, courriel, groupe, langue.",
        ),
    )
    for required in (True, False)
)
trusted_option = option(
    "--unsafe-trusted",
    is_flag=True,
    help=Sentence(
        "DANGEROUS: run learners' code with all your rights, without a sandbox.",
        "DANGER : exécuter le code des copies avec tous vos droits, sans confinement.",
    ),
)


def warn_if(unsafe_trusted: bool) -> None:
    """Warn loudly where learners\' code will run without a sandbox."""
    if unsafe_trusted:
        echo(
            Sentence(
                "UNSAFE: learner code runs without confinement. It can read and change "
                "everything that you can, marks and hidden tests included.",
                "DANGER : le code des copies s’exécute sans confinement. Il peut lire et "
                "modifier tout ce que vous pouvez, notes et tests cachés compris.",
            ),
            fg="red",
            bold=True,
            err=True,
        )
