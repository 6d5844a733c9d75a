"""What a learner may be told of a failed test, without giving hidden tests away.

Marks are given on tables that learners do not see. A message that repeats the answer would let an
answer carry those tables out, so only what the instructor wrote for learners is passed on.
"""

import ast
import re

import msgspec

MOST = 2000  #: characters


class Hint(msgspec.Struct, frozen=True):
    """What a learner may be told, in both languages; the same text twice where its author wrote
    one."""

    english: str
    french: str


def of_failure(
    visible: str, error: BaseException | None, message: str, line: str = ""
) -> Hint | None:
    """Return what a learner may be told of a test's failure; None where only that it failed.

    In this order: the public sentence of ``portail.checks``, or of an answer that is no plain data;
    the name without a value that the visible part speaks of; the message, where the visible part
    holds it word for word; the line of the visible part that failed.

    Args:
        visible: the part of the test that is released.
        error: what the test raised, as the checker has it; None where it ran beside learner code.
        message: the text of the error.
        line: the line of the test that failed.
    """
    from commons.errors import CheckFailed
    from grader.values.refusals import CannotCross

    if isinstance(error, (CheckFailed, CannotCross)):
        return Hint(*(said[:MOST] for said in error.public))
    if isinstance(error, NameError) and re.search(rf"\b{re.escape(error.name or '-')}\b", visible):
        return Hint(
            f"`{error.name}` has no value: its cell was not filled in, or it failed before it "
            "gave one.",
            f"`{error.name}` n’a pas de valeur : sa cellule n’a pas été remplie, ou a échoué "
            "avant.",
        )
    if message and message in _messages(visible):
        return Hint(message[:MOST], message[:MOST])
    line = line.strip()
    if line and line in {each.strip() for each in visible.splitlines()}:
        return Hint(
            f"This check did not pass: `{line[:MOST]}`",
            f"Cette vérification n’a pas réussi : `{line[:MOST]}`",
        )
    return None


def _messages(source: str) -> set[str]:
    """Return the texts that the assert and raise statements of a test hold word for word."""
    try:
        statements = ast.walk(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError):  # IPython's own lines are not Python's
        return set()
    said = [
        each.msg if isinstance(each, ast.Assert) else each.exc
        for each in statements
        if isinstance(each, (ast.Assert, ast.Raise))
    ]
    return {
        each.value
        for statement in said
        if statement is not None
        for each in ast.walk(statement)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def failed_line(source: str, error: BaseException | None) -> str:
    """Return the line of a cell at which an error left it; "" if it did not come from there."""
    frame = None if error is None else error.__traceback__
    while (
        frame is not None and frame.tb_frame.f_code.co_name != "run_code"
    ):  # IPython's; it calls the cell
        frame = frame.tb_next
    frame = frame and frame.tb_next
    lines = source.splitlines()
    return (
        lines[frame.tb_lineno - 1]
        if frame is not None and 0 < frame.tb_lineno <= len(lines)
        else ""
    )
