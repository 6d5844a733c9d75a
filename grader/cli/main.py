"""Running the command ``grader``.

Exit codes: 0 all is done; 1 something is named that a person should look at (a submission that
failed, a mark that does not hold); 2 the command could not run; 130 stopped with Ctrl-C.
"""

import sys

from commons.ending import end_with
from commons.wording import Sentence
from grader.cli import marking, people, records, reports
from grader.cli.group import grader

__all__ = ["main", "marking", "people", "records", "reports"]  # each adds its commands
#: jsonschema, which nbformat brings, would import this to check IRIs, and it builds its grammar for
#: two seconds each time. No schema of a notebook has an IRI, and jsonschema does without.
SLOW_TO_IMPORT = "rfc3987_syntax"


def main() -> None:
    """Run the command and end the process with its exit code."""
    sys.modules.setdefault(SLOW_TO_IMPORT, None)
    end_with(
        grader,
        stopped=Sentence(
            "Stopped; nothing was lost. Run the command again to go on.",
            "Arrêté; rien n’est perdu. Relancez la commande pour continuer.",
        ),
    )
