"""``python -m grader`` is the command ``grader``."""

from grader.commands import main

main()
