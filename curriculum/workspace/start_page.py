"""The start page of the learner's workspace: the lessons, their exercises and the paths."""

from pathlib import Path

from commons.templates import fill
from commons.wording import typeset
from curriculum.assessment import FORMS
from curriculum.lessons import Curriculum
from curriculum.words import words

START = "START-DEBUT.md"
TEMPLATE = Path(__file__).parent.parent / "templates" / "start-page.md.j2"


def start_page(first: str) -> str:
    """Return the start page, in both languages: the lessons by path, with strands and minutes.

    Args:
        first: the language that comes first, ``"en"`` or ``"fr"``.
    """
    plan = Curriculum.read()
    second = "en" if first == "fr" else "fr"
    return f"{_start_in(first, plan)}\n---\n\n{_start_in(second, plan)}"


def _start_in(language: str, plan: Curriculum) -> str:
    text = fill(
        TEMPLATE, language=language, plan=plan, forms=FORMS, own=words("start_page", language)
    )
    return typeset(text) if language == "fr" else text
