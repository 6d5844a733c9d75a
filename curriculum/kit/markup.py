"""Turning Markdown and templates into the HTML of the kit's pages."""

import functools

import jinja2
import mistune
from markupsafe import Markup

from curriculum import pages
from curriculum.kit.sources import words
from curriculum.kit.timetable import clock

TEMPLATES = pages.TEMPLATES / "kit"


@functools.cache
def template(name: str) -> jinja2.Template:
    """Return one of the kit's templates."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    ).get_template(name)


def fill(name: str, language: str, **values) -> str:
    """Return a part of a page from its template."""
    return template(name).render(
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
