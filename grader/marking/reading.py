"""Reading a notebook handed in, whatever state it is in; called in a sealed process."""

import contextlib
import functools
import html
import json
import re
from collections.abc import Container, Iterator
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from commons.safe_html import IN_A_NOTEBOOK, clean_html
from commons.wording import Sentence, visible
from grader.marking.protocol import Cell, Opened

if TYPE_CHECKING:
    pass

MOST_CELLS, MOST_SOURCE = 5_000, 2 << 20  #: cells of a notebook, and characters of a cell
MOST_RENDERED = 300_000  #: characters of a notebook's texts that are rendered
MOST_ID = 64  #: characters of a cell's id, by nbformat's schema
PROBLEMS = {
    "empty": Sentence("The notebook is an empty file.", "Le carnet est un fichier vide."),
    "json": Sentence(
        "The file is not a notebook, or only a part of one",
        "Le fichier n’est pas un carnet, ou n’en est qu’une partie",
    ),
    "shape": Sentence(
        "The file is not a notebook: it lacks the cells",
        "Le fichier n’est pas un carnet : les cellules manquent",
    ),
    "format": Sentence(
        "The notebook is of a format that this version does not know",
        "Le carnet est dans un format que cette version ne connaît pas",
    ),
    "cells": Sentence(
        "The notebook has far more cells than a person would write",
        "Le carnet compte bien plus de cellules qu’une personne n’en écrirait",
    ),
}
_FLAGS = ("grade", "solution", "locked", "task")
# What nbconvert's pages, or MathJax in them, would draw or link from text alone; and what could
# make such a command.
_DRAWS_OR_LINKS = re.compile(
    r"mermaid|\\(href|url|require|html|unicode|style|class|cssId|mmlToken"
    r"|(csname|[egx]?def|let|(re)?newcommand|(re)?newenvironment)(?![a-z]))",
    re.IGNORECASE,
)
# What is more than text wherever a renderer takes it for a link's address or a tag, whatever stands
# around it.
_RUNS = re.compile(
    r"(java|vb|live|j|ecma)script:(?=\S)|data:(text|application|image/svg|multipart|message)"
    r"|<[a-z][^<>]*[\s/\"']on[a-z]+\s*="
    r"|</?(script|iframe|object|embed|applet|form|svg|math|style|link|meta|base|frame|frameset|portal)\b",
    re.IGNORECASE,
)
_MAYBE_LIVE = re.compile(r"[<&:\\]|" + _DRAWS_OR_LINKS.pattern, re.IGNORECASE)
_NOTHING_IN_A_LINK = re.compile(r"[\0-\x1f\x7f]+")  # which browsers leave out of an address
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_PICTURES = ("image/png", "image/jpeg", "image/gif")
MOST_ATTACHMENTS, MOST_OF_A_NAME, MOST_ATTACHED = (
    50,
    200,
    16 << 20,
)  #: of a cell: number, characters, and in all


def read(data: bytes) -> Opened:
    """Return a notebook's cells, or what is wrong with it; to be called in a sealed process.

    Args:
        data: the file's bytes: any encoding that editors write, nbformat 3 or 4.
    """
    if not data.strip(b"\0 \t\r\n"):
        return Opened(problem="empty")
    try:
        notebook = json.loads(_decoded(data))
    except (ValueError, RecursionError) as error:
        return Opened(problem="json", detail=str(error)[:200])
    if not isinstance(notebook, dict):
        return Opened(problem="shape")
    if isinstance(notebook.get("worksheets"), list) or notebook.get("nbformat") in (1, 2, 3):
        notebook = _upgraded(notebook)
    if (
        notebook is None
        or not isinstance(notebook.get("nbformat", 4), int)
        or notebook.get("nbformat", 4) > 4
    ):
        return Opened(problem="format")
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        return Opened(problem="shape")
    if len(cells) > MOST_CELLS:
        return Opened(problem="cells")
    made, left = [_cell(each) for each in cells if isinstance(each, dict)], MOST_RENDERED
    for cell in made:
        if cell.kind != "code":
            left -= len(cell.source)
            _look_at(cell, left < 0)
    return Opened(cells=made)


def _look_at(cell: Cell, too_long: bool) -> None:
    """Tell of a text cell whether it is alive; a text that is longer than a person would write
    counts as that."""
    text = cell.source
    if cell.kind == "raw" and (too_long or "<" in text or "&" in text or is_live(text)):
        cell.kind, cell.live = (
            "markdown",
            True,
        )  # some pages take a raw cell for HTML: as a block of code it is none
    elif cell.kind == "markdown":
        cell.live = too_long or is_live(text, cell.attachments)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    for encoding in ("utf-8-sig", "cp1252"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")


def _upgraded(notebook: dict) -> dict | None:
    import nbformat

    try:
        return nbformat.convert(nbformat.from_dict(notebook), 4)
    except Exception:
        return None


def _cell(cell: dict) -> Cell:
    kind = cell.get("cell_type")
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    source = source[:MOST_SOURCE].encode("utf-8", "replace").decode()
    metadata = cell.get("metadata")
    claims = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    claims = claims if isinstance(claims, dict) else {}
    grade_id, own_id = claims.get("grade_id"), cell.get("id")
    return Cell(
        kind=kind if kind in ("code", "markdown", "raw") else "raw",
        source=source,
        grade_id=grade_id if isinstance(grade_id, str) and len(grade_id) < 500 else None,
        claims={flag: claims.get(flag) is True for flag in _FLAGS},
        attachments=_attachments(cell.get("attachments")),
        id=own_id if isinstance(own_id, str) and 0 < len(own_id) <= MOST_ID else None,
    )


def _attachments(attachments) -> dict[str, dict[str, str]]:
    """Return the pictures pasted into a text cell, within limits; nothing else is one."""
    kept: dict[str, dict[str, str]] = {}
    left = MOST_ATTACHED
    for name, each in attachments.items() if isinstance(attachments, dict) else ():
        if len(kept) == MOST_ATTACHMENTS:
            break
        if (
            not isinstance(each, dict)
            or not 0 < len(name) <= MOST_OF_A_NAME
            or visible(name) != name
        ):
            continue
        for kind in _PICTURES:
            data = each.get(kind)
            if (
                isinstance(data, str)
                and len(data) <= left
                and re.fullmatch(r"[A-Za-z0-9+/\s]+={0,2}\s*", data)
            ):
                kept.setdefault(name, {})[kind] = data
                left -= len(data)
    return kept


def is_live(markdown: str, attachments: Container[str] = ()) -> bool:
    """Tell whether a text, rendered, would hold more than text: a script, a handler, a form, a link
    that runs code, a picture that is not there, at which nbconvert stops.

    Renderers differ in what they take for a link or a tag, so what would run anywhere counts
    wherever it stands; a learner's text is then shown as it was typed.

    Args:
        markdown: the text.
        attachments: names of the pictures pasted into it.
    """
    if not _MAYBE_LIVE.search(markdown):
        return False
    plain = markdown
    for _ in range(3):  # as often as one renderer after another could
        if (
            _DRAWS_OR_LINKS.search(plain)
            or _RUNS.search(_NOTHING_IN_A_LINK.sub("", plain))
            or _RUNS.search(plain)
        ):
            return True
        plain = _ESCAPED.sub(r"\1", html.unescape(plain))
    try:
        rendered = str(_renderer()(markdown))
    except Exception:
        return True
    cleaned = clean_html(rendered, IN_A_NOTEBOOK)
    tags = _tags(rendered)
    return tags != _tags(cleaned) or any(name not in attachments for name in _attached(tags))


def _attached(tags: list[tuple]) -> Iterator[str]:
    """Give the names of the pasted pictures that a page asks for."""
    for tag, attributes in tags:
        address = (dict(attributes).get("src") if tag == "img" else None) or ""
        if address.startswith("attachment:"):
            yield address.removeprefix("attachment:")


@functools.cache
def _renderer():
    """Return what renders Markdown as nbconvert does, whose own module would take seconds to
    import."""
    import mistune

    renderer = mistune.HTMLRenderer(
        escape=False, allow_harmful_protocols=True
    )  # so that they are seen
    plugins = ["strikethrough", "table", "url", "task_lists", "def_list"]
    return mistune.create_markdown(renderer=renderer, plugins=plugins)


def warm() -> None:
    """Prepare, before any fork, what reading a notebook needs: patterns and tables that are made at
    first use."""
    is_live("# *a* <b>b</b> `c` [d](https://e)\n\n- ~~f~~\n\n| g |\n|---|\n| h |\n\n```\ni\n```\n")


def _tags(page: str) -> list[tuple]:
    """Return a page's tags with their attributes, in order."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append(
        (tag, sorted(attributes, key=str))
    )
    parser.handle_decl = parser.handle_pi = parser.unknown_decl = lambda text: found.append(
        ("!", [text])
    )
    parser.feed(page)
    return found
