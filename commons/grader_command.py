"""Starting the command ``grader``, which is part of a checkout and not of the wheel."""

import importlib
import sys

from commons.wording import Sentence

_NOT_HERE = Sentence(
    "The grader is not part of this installation. Clone the project and run `make grader` in it.",
    "L’outil de correction ne fait pas partie de cette installation. Clonez le projet et lancez-y "
    "`make grader`.",
)


def main() -> None:
    """Run the command, or say where it is to be had."""
    try:
        # Another project on the index has the same import name: that one has no such module.
        command = importlib.import_module("grader.cli.main")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("grader"):
            raise
        print(_NOT_HERE, file=sys.stderr)
        sys.exit(2)
    command.main()
