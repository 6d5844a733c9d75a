"""Draws a learner's feedback page, in a sealed process since a learner wrote what it reads.

What is drawn is text, tables and pictures that the page itself holds. Whoever opens it runs
nothing: the frame that ``feedback`` puts round it forbids scripts and everything from elsewhere.
"""

import base64
import binascii
import html
import re
import socket
from html.parser import HTMLParser
from pathlib import Path

import msgspec

from commons.safe_html import PICTURES, WRITTEN, clean_html
from grader.marking import reading
from grader.marking.protocol import Cell
from grader.reports.words import WORDS
from grader.sandbox.channel import Channel
from grader.sandbox.limits import Limits

TEMPLATES = Path(__file__).parent / "templates"
_MOST_PICTURE = 8 << 20


class MarkLine(msgspec.Struct):
    """A mark as the page shows it; numbers are written out.

    Args:
        grade_id: of its cell.
        name: the task's.
        points: as written, a dash where nobody has read it yet.
        maximum: as written.
        said: what to look at.
    """

    grade_id: str
    name: str
    points: str = ""
    maximum: str = ""
    said: str = ""


class Page(msgspec.Struct, tag=True):
    """All that a feedback page is drawn from.

    Args:
        notebook: bytes of the marked notebook; b"" if there is none.
        language: ``"en"`` or ``"fr"``.
        title: the notebook's name.
        who: the learner.
        marks: in the order of the source.
        total: as written, and so the next two.
        maximum: what could be had.
        penalty: for being late; "" if none.
        state: a sentence beside the total.
        cause: why it was not marked, or not to its end.
        visible: text of each test and locked cell as released, by grade id.
        comments: comments by grade id, Markdown.
    """

    notebook: bytes
    language: str
    title: str
    who: str
    marks: list[MarkLine]
    total: str
    maximum: str
    penalty: str = ""
    state: str = ""
    cause: str = ""
    visible: dict[str, str] = {}
    comments: dict[str, str] = {}


class Drawn(msgspec.Struct):
    """What goes between the tags of ``main``."""

    html: str


def serve(end: int, limits: Limits) -> None:
    """Draw one page.

    Args:
        end: socket to who asks, as a descriptor.
        limits: what this process may use.
    """
    channel = Channel(socket.socket(fileno=end), Page)
    channel.send(Drawn(draw(channel.receive())))


class Answer(msgspec.Struct, tag=True):
    """One answer to draw: bytes of the marked notebook, and the grade id of its cell."""

    notebook: bytes
    grade_id: str


def serve_answer(end: int, limits: Limits) -> None:
    """Draw one answer; the arguments are those of ``serve``."""
    channel = Channel(socket.socket(fileno=end), Answer)
    asked = channel.receive()
    cells = [
        cell
        for cell in reading.read(asked.notebook).cells
        if cell.grade_id == asked.grade_id and any(cell.claims.values())
    ]
    channel.send(
        Drawn(
            "\n".join(
                harmless(cell)
                if cell.kind == "markdown"
                else f"<pre><code>{html.escape(cell.source)}</code></pre>"
                for cell in cells
            )
        )
    )


def draw(page: Page) -> str:
    """Return a feedback page's contents: tests as released, no outputs, everything that a learner
    wrote harmless."""
    from markupsafe import Markup

    marks = {mark.grade_id: mark for mark in page.marks}
    comments, cells, heading = dict(page.comments), [], ""
    for cell in reading.read(page.notebook).cells if page.notebook else []:
        drawn = {"html": "", "code": cell.source, "mark": None, "comment": ""}
        ours = cell.grade_id if any(cell.claims.values()) else None  # a copied cell claims nothing
        if ours in page.visible:
            drawn["code"] = page.visible[ours]
        elif cell.kind == "markdown":
            drawn["html"] = Markup(harmless(cell))
            heading = _last_heading(cell.source) or heading
        if ours in marks:
            drawn["mark"] = marks.pop(ours)
            drawn["mark"].name = heading or ours
        if ours in comments:
            drawn["comment"] = Markup(harmless(Cell("markdown", comments.pop(ours))))
        cells.append(drawn)
    cells += [
        {
            "html": "",
            "code": "",
            "mark": None,
            "comment": Markup(harmless(Cell("markdown", comment))),
        }
        for comment in comments.values()
    ]  # of cells that are not there any more
    return template("feedback.html").render(
        page=page, words=WORDS[page.language]["feedback"], cells=cells
    )


def template(name: str):
    """Return a template, which escapes what it is given; ``quoted`` shows what stands between
    backquotes as code."""
    import jinja2

    loader = jinja2.FileSystemLoader(TEMPLATES)
    templates = jinja2.Environment(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters["quoted"] = _quoted
    return templates.get_template(name)


def _quoted(text: str):
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _last_heading(markdown: str) -> str:
    """Return the text of a Markdown cell's last heading, by which people know the task; "" if it
    has none."""
    found = re.findall(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$", markdown, re.MULTILINE)
    return re.sub(r"[*_`]", "", found[-1])[:120] if found else ""


def harmless(cell: Cell) -> str:
    """Return a Markdown cell as HTML that shows and does nothing else: headings two levels down at
    least, links to the web and to mail alone, pictures only as pasted in."""
    import mistune

    text = cell.source
    for name, kinds in cell.attachments.items():
        picture = next(
            (
                f"data:{kind};base64,{data}"
                for kind, data in kinds.items()
                if _is_picture(kind, data)
            ),
            "",
        )
        text = text.replace(f"attachment:{name}", picture)
    rendered = mistune.create_markdown(escape=False, plugins=["strikethrough", "table", "url"])(
        text
    )
    return _framed(clean_html(str(rendered), WRITTEN))


def _is_picture(kind: str, data: str) -> bool:
    try:
        return (
            kind in PICTURES
            and len(data) < _MOST_PICTURE
            and bool(base64.b64decode(data, validate=False))
        )
    except (binascii.Error, ValueError):
        return False


def _framed(clean: str) -> str:
    """Set headings below the page's own, let wide tables scroll by keyboard, and give header cells
    their scope."""
    framing = _Framing(convert_charrefs=False)
    framing.feed(clean)
    framing.close()
    return "".join(framing.parts)


class _Framing(HTMLParser):
    """Writes cleaned HTML again, with the tags that a page needs otherwise."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.parts: list[str] = []

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.parts.append('<div class="wide" tabindex="0">')
        missing = {"img": ("alt", ""), "th": ("scope", "col")}.get(tag)
        if missing and missing[0] not in dict(attributes):
            attributes = [missing, *attributes]
        written = "".join(f' {name}="{html.escape(value or "")}"' for name, value in attributes)
        self.parts.append(f"<{_lower_heading(tag)}{written}>")

    def handle_endtag(self, tag):
        self.parts.append(f"</{_lower_heading(tag)}>")
        if tag == "table":
            self.parts.append("</div>")

    def handle_data(self, data):
        self.parts.append(data)

    def handle_entityref(self, name):
        self.parts.append(f"&{name};")

    def handle_charref(self, name):
        self.parts.append(f"&#{name};")


def _lower_heading(tag: str) -> str:
    return f"h{min(6, int(tag[1]) + 2)}" if re.fullmatch("h[1-6]", tag) else tag
