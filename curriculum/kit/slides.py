"""A lesson's slides: its question, objectives, charts, key points and sentence."""

import re

from bs4 import BeautifulSoup

from curriculum import notebooks
from curriculum.kit.markup import fill
from curriculum.kit.notes import question, tagged
from curriculum.lessons import Lesson


def slides(lesson: Lesson, notebook, language: str) -> str:
    """Return a lesson's slides: question, objectives, charts, key points, the sentence."""
    story = _body(tagged(notebook, "question").source)
    asked = question(notebook)
    memo = next(
        cell for cell in notebook.cells if {"memo", "sentence"} <= set(notebooks.tags(cell))
    )
    sentence = "".join(
        output["data"]["text/markdown"] for output in memo.outputs if "data" in output
    )
    return fill(
        "slides.html.j2",
        language,
        lesson=lesson,
        asked=asked,
        story=story.replace(f"**{asked}**", ""),
        objectives=_body(tagged(notebook, "objectives").source),
        points=_body(tagged(notebook, "key-points").source),
        charts=_charts(notebook),
        sentence=sentence,
        minutes=lesson.core_minutes,
    )


def _charts(notebook) -> list[dict]:
    """Return the charts: heading above, image, its text alternative, source line, whether the
    one-day cut has it."""
    found, heading = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "check" not in notebooks.tags(cell):
            heading = (re.findall(r"^#{2,3} (.+)$", cell.source, re.M) or [heading])[-1]
        if "figure" not in notebooks.tags(cell):
            continue
        for output in cell.outputs:
            html = BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser")
            for figure in html.find_all("figure"):
                found.append(
                    {
                        "heading": heading,
                        "image": figure.img["src"],
                        "alt": figure.img["alt"],
                        "source": figure.figcaption.get_text() if figure.figcaption else "",
                        "core": "core" in notebooks.tags(cell),
                    }
                )
    return found


def _body(source: str) -> str:
    """Return a cell's text without its heading."""
    return re.sub(r"^#+ .+\n+", "", source)
