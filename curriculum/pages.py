"""Rendering lessons as accessible HTML pages."""

from pathlib import Path

from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbconvert.preprocessors import TagRemovePreprocessor
from traitlets.config import Config

from curriculum import notebooks
from curriculum.lessons import LANGUAGES, Curriculum
from curriculum.words import words

TEMPLATES = Path(__file__).parent / "templates"


def render_all(folder: Path) -> list[Path]:
    """Render every written lesson in both languages.

    Args:
        folder: where ``en/`` and ``fr/`` are written.

    Returns:
        The pages written.
    """
    pages = []
    for lesson in Curriculum.read().written():
        for language in LANGUAGES:
            page = folder / language / f"{lesson.slug}.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(
                render(notebooks.read(lesson.path(language)), language, lesson.slug),
                encoding="utf-8",
            )
            pages.append(page)
    return pages


def render(notebook, language: str, slug: str) -> str:
    """Return one lesson as a page of HTML.

    Args:
        notebook: the lesson with its outputs.
        language: ``"en"`` or ``"fr"``.
        slug: the lesson's slug, the same in the other language.
    """
    config = Config()
    config.TagRemovePreprocessor.remove_cell_tags = {"instructor"}
    config.TagRemovePreprocessor.remove_input_tags = {
        "sentence",
        "check",
        "self-check",
        "language",
    }  # their words stay
    config.HTMLExporter.exclude_anchor_links = True
    exporter = HTMLExporter(
        config=config,
        template_name="lesson",
        extra_template_basedirs=[str(TEMPLATES)],
        preprocessors=[TagRemovePreprocessor],
    )
    other = "fr" if language == "en" else "en"
    page = {
        "lang": language,
        "other_lang": other,
        "other_href": f"../{other}/{slug}.html",
        "title": _title(notebook),
        "words": words("lesson_page", language),
        "css": (TEMPLATES / "lesson" / "page.css").read_text("utf-8"),
    }
    html, _ = exporter.from_notebook_node(notebook, resources={"page": page})
    return accessible(html, language)


def _title(notebook) -> str:
    """Return the text of the lesson's title."""
    for cell in notebook.cells:
        for line in cell.source.splitlines():
            if cell.cell_type == "markdown" and line.startswith("# "):
                return line[2:].strip()
    return ""


def accessible(html: str, language: str) -> str:
    """Mend what notebooks' HTML lacks: header cells' scope, keyboard scrolling, tables that are not
    drawn by hand.

    Args:
        html: a whole page.
        language: ``"en"`` or ``"fr"``, in which its tables are named.
    """
    page = BeautifulSoup(html, "html.parser")
    for table in page.find_all("table"):
        for style in table.parent.find_all("style", recursive=False):
            style.decompose()
        for attribute in ("border", "style", "class"):
            del table[attribute]
        _one_header_row(table)
        for cell in table.find_all("th"):
            if not cell.get_text(strip=True):
                cell.name = "td"
            else:
                cell["scope"] = cell.get("scope") or ("col" if cell.find_parent("thead") else "row")
        for row in table.find_all("tr"):
            del row["style"]
        label = words("lesson_page", language)["table"]
        number = len(page.find_all("div", class_="wide")) + 1
        table.wrap(
            page.new_tag(
                "div",
                attrs={
                    "class": "wide",
                    "tabindex": "0",
                    "role": "region",
                    "aria-label": f"{label} {number}",
                },
            )
        )
    return str(page)


def _one_header_row(table) -> None:
    """Put the index's name, which pandas writes in a row of its own, into the empty corner of the
    row of columns."""
    rows = table.thead.find_all("tr") if table.thead else []
    if len(rows) != 2:
        return
    columns, index = (row.find_all("th") for row in rows)
    if not columns[0].get_text(strip=True) and not any(
        cell.get_text(strip=True) for cell in index[1:]
    ):
        columns[0].string = index[0].get_text(strip=True)
        rows[1].decompose()
