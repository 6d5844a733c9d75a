"""``python -m grader`` is the command ``grader``."""

from grader.cli.commands import main

main()
