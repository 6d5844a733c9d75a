"""Printing the lessons as tables in a terminal, a table for each path."""

from rich.console import Console
from rich.table import Table

from commons.wording import Sentence
from curriculum.lessons import Curriculum


def print_lessons(plan: Curriculum, language: str) -> None:
    """Print the lessons by path, with their strands and minutes.

    Args:
        plan: the lessons and paths.
        language: ``"en"`` or ``"fr"``.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)  # wide enough for titles
    for path in plan.paths:
        table = Table(
            *map(str, (Sentence("lesson", "leçon"), Sentence("strand", "volet"), "minutes")),
            title=f"{path.title[language]} · {path.minutes(plan)} min",
            title_justify="left",
        )
        for lesson, core in path.steps(plan):
            note = "" if lesson.exists() else f" ({Sentence('to come', 'à venir')})"
            cut = f" ({Sentence('core cut', 'version courte')})" if core else ""
            table.add_row(
                f"{lesson.number} {lesson.title[language]}{cut}{note}",
                "+".join(lesson.strands),
                str(lesson.core_minutes if core else lesson.minutes),
            )
        console.print(table)
    for letter, title in plan.strands.items():
        console.print(f"{letter} = {title[language]}")
