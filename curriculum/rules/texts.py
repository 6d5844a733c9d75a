"""Rules about the text of any notebook: headings, wording, typed numbers, French spaces, paths."""

import itertools
import re
from collections.abc import Iterator

from curriculum.notebooks import tags

PLAIN = {
    "en": r"\b(just|simply|easy|easily|obviously|of course|trivial(ly)?|merely)\b",
    "fr": r"\b(simplement|juste|facile(ment)?|évidemment|bien sûr|trivial(ement)?|il suffit)\b",
}
MONTH = (
    r"January|February|March|April|May|June|July|August|September|October|November|December|"
    r"janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
)
MACHINE_PATH = r"(?<![\w.:/])(/(home|root|tmp|work|usr|opt|Users)/|[A-Z]:\\)"


def headings(notebook, language: str) -> Iterator[str]:
    """One title, and no level skipped."""
    levels = [
        (len(match[1]), cell["id"])
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for match in re.finditer(
            r"^(#{1,6}) ", re.sub(r"```.*?```", "", cell.source, flags=re.S), re.M
        )
    ]
    if [level for level, _ in levels].count(1) != 1:
        yield "headings: there must be exactly one title of level 1"
    for (before, _), (level, name) in itertools.pairwise(levels):
        if level > before + 1:
            yield f"{name}: a heading of level {level} follows one of level {before}"


def plain_language(notebook, language: str) -> Iterator[str]:
    """No word that tells a beginner that what is hard is easy."""
    for cell in notebook.cells:
        text = (
            cell.source
            if cell.cell_type == "markdown"
            else " ".join(re.findall(r"#.*|\"[^\"]*\"", cell.source))
        )
        for match in re.finditer(PLAIN[language], text, re.I):
            yield f"{cell['id']}: the word « {match[0]} »"


def typed_numbers(notebook, language: str) -> Iterator[str]:
    """Numbers about the data come from cells, or are dated in the same paragraph; years and minutes
    are free."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown" or {"facts", "instructor"} & set(tags(cell)):
            continue
        text = re.sub(
            r"`[^`]*`|https?://\S+|\]\([^)]*\)",
            " ",
            re.sub(r"```.*?```", " ", cell.source, flags=re.S),
        )
        text = re.sub(r"(\d+\D{1,4})?\d+[ \u00a0](words|mots|minutes|points)\b", " ", text)
        for paragraph in re.split(r"\n\s*\n", text):
            if re.search(rf"({MONTH})\s+(\d{{1,2}},\s+)?\d{{4}}|\d{{4}}-\d\d-\d\d", paragraph):
                continue
            for match in re.finditer(r"\d+(?:[\u00a0\u202f ,.]\d+)*\s*[%\u00a0]*%?", paragraph):
                number = match[0].strip()
                digits = re.sub(r"\D", "", number)
                year = re.fullmatch(r"(19|20)\d\d", digits) or re.fullmatch(
                    r"(19|20)\d\d(19|20)?\d\d", digits
                )
                if number.endswith("%") or (len(digits) >= 3 and not year):
                    yield f"{cell['id']}: the number {number} is typed; compute it or date it"


def french_spaces(notebook) -> Iterator[str]:
    """No-break spaces where French typography asks for them, and none before ? and ! (Canadian
    usage)."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(
            r"`[^`]*`|https?://\S+|<[^>]+>", "x", re.sub(r"```.*?```", "", cell.source, flags=re.S)
        )
        text = re.sub(r"^\s*\|[\s:|-]+\|\s*$", "", text, flags=re.M)
        for pattern, what in (
            (r"[^\s|] :(\s|$)", "« : » needs a no-break space before it"),
            (r"« |[^\s] »", "guillemets need no-break spaces inside"),
            (r"\d %", "« % » needs a no-break space before it"),
            (r"\w[ \u00a0][?!](\s|$)", "no space before ? and !"),
            (r"(^|[\s(])\"\w[^\"\n]*\"", "straight quotation marks in place of guillemets"),
        ):
            match = re.search(pattern, text, re.M)
            if match:
                yield (
                    f"{cell['id']}: {what} (near « "
                    f"{text[max(0, match.start() - 15) : match.end() + 5].strip()} »)"
                )


def paths(notebook, language: str) -> Iterator[str]:
    """No path of a machine and no name of a package index."""
    for cell in notebook.cells:
        shown = [
            str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            for output in cell.get("outputs", [])
        ]
        for text in [cell.source, *shown]:
            match = re.search(MACHINE_PATH, text) or re.search(
                r"pypi\.org|/simple/|pythonhosted|index-url", text
            )
            if match:
                yield f"{cell['id']}: a path of a machine or an index host: {match[0]}"
