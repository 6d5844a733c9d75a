"""The command ``grader``, to which each module of this folder adds its commands."""

import click

from commons import __version__
from commons.command_help import BilingualGroup, lang_option, version_option
from commons.wording import Sentence


@click.group(
    cls=BilingualGroup,
    french="Corriger les copies d’un groupe dans le carnet de notes de nbgrader, le code des "
    "copies étant confiné.",
    epilog=Sentence(
        "Exit codes: 0 done, 1 something to look at, 2 the command could not run, 130 stopped "
        "with Ctrl-C.",
        "Codes de sortie : 0 terminé, 1 quelque chose est à voir, 2 la commande n’a pas pu "
        "s’exécuter, 130 arrêt par Ctrl-C.",
    ),
)
@version_option(__version__, "grader")
@lang_option
def grader() -> None:
    """Grade a class's notebooks into nbgrader's gradebook, with learners' code in a sandbox."""
