"""Turning Markdown and templates into the HTML of the kit's pages."""

import mistune
from markupsafe import Markup

from commons import templates
from curriculum import pages
from curriculum.kit.sources import words
from curriculum.kit.timetable import clock

TEMPLATES = pages.TEMPLATES / "kit"


def fill(name: str, language: str, **values) -> str:
    """Return a part of a page from its template."""
    return templates.fill(
        TEMPLATES / name,
        own=words(language),
        language=language,
        clock=clock,
        markdown=markdown,
        inline=inline,
        capital=capital,
        **values,
    )


def markdown(text: str) -> Markup:
    """Return Markdown, with tables, as HTML."""
    return Markup(mistune.create_markdown(escape=False, plugins=["table"])(text))


def inline(text: str) -> Markup:
    """Return one paragraph of Markdown as HTML without its paragraph."""
    return Markup(str(markdown(text)).strip().removeprefix("<p>").removesuffix("</p>"))


def capital(text: str) -> str:
    """Return a text whose first letter is a capital."""
    return text[:1].upper() + text[1:]
