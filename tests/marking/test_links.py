"""Is every link, picture and text of a learner dead in what formgrader, nbgrader and JupyterLab
render?"""

import json
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter

import grader
from grader.marking import reading, session
from tests.helpers import coursework
from tests.helpers.sources import TWO_TASKS

ALIVE = [
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](<java\tscript:alert(1)>)",
    "[x](<javascr\tipt:alert(1)>)",
    "[x](java&Tab;script:alert(1))",
    "[x](java&NewLine;script:alert(1))",
    "[x](java&#x0A;script:alert(1))",
    "[x](&#1;javascript:alert(1))",
    "[x](\u0001javascript:alert(1))",
    "[x]: javascript:alert(1)\n\n[x]",
    "[x][y]\n\n[y]: <javascript:alert(1)> 'title'",
    "[x][y]\n\n[y]: javascript\\:alert(1)",
    "<javascript:alert(1)>",
    "<JAVASCRIPT:alert(1)>",
    "![x](javascript:alert(1))",
    "[![x](https://e/x.png)](javascript:alert(1))",
    '<a href="javascript:alert(1)">x</a>',
    "<a href=javascript:alert(1)>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    '<a href="java\nscript:alert(1)">x</a>',
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](DATA:TEXT/HTML,x)",
    "[x](vbscript:msgbox(1))",
    "[x](livescript:x)",
    "[x](file:///etc/passwd)",
    "[x](https://e 'javascript:alert(1)')",
    '[x](https://e "\\" onmouseover=\\"alert(1)")',
    '[x](https://e "&quot; onmouseover=alert(1) x=&quot;")',
    '![" onerror="alert(1)](https://e/x.png)',
    '![x](https://e/x.png"onerror="alert(1))',
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math href='javascript:alert(1)'>x</math>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<img src=x onerror=alert(1)>",
    "<details ontoggle=alert(1) open>",
    "<base href='javascript:alert(1)//'>",
    "<area href=javascript:alert(1)>",
    "$\\href{javascript:alert(1)}{x}$",
    "$\\csname href\\endcsname{javascript:alert(1)}{x}$",
    "$<img src=x onerror=alert(1)>$",
    "$$<img src=x onerror=alert(1)>$$",
    "\\\\(<img src=x onerror=alert(1)>\\\\)",
    "`$`<img src=x onerror=alert(1)>`$`",
    "`a`\n```\n$$\n```\n<img src=x onerror=alert(1)>\n```\n$$\n```",
    "    <img src=x onerror=alert(1)>",
    "`<img src=x onerror=alert(1)>`",
    "``` \n<img src=x onerror=alert(1)>\n```",
    "~~~\n<img src=x onerror=alert(1)>\n~~~",
    "[x\n](javascript:alert(1)\n)",
    "[x](  javascript:alert(1)  )",
    "[x]( \n javascript:alert(1))",
    "* [x](javascript:alert(1))",
    "> [x](javascript:alert(1))",
    "| a |\n|---|\n| [x](javascript:alert(1)) |",
    "# [x](javascript:alert(1))",
    "[^1]\n\n[^1]: [x](javascript:alert(1))",
    "- [ ] [x](javascript:alert(1))",
    "~~[x](javascript:alert(1))~~",
    "[x](javascript&#58alert(1))",
    "[x](javascript&#0000058;alert(1))",
    "[x](javascript&#x3A;alert(1))",
    "[x](javascript&#X3a;alert(1))",
    "[x](&#x6A;&#x61;vascript&#58;alert(1))",
    "[x](javascript&amp;colon;alert(1))",
    "[x](javascript\\&colon;alert(1))",
    "<!-- --><a href=javascript:alert(1)>x</a>",
    "<a\nhref=javascript:alert(1)>x",
    "<a/href=javascript:alert(1)>x",
    "<<a href=javascript:alert(1)>x",
    "<a href=`javascript:alert(1)`>x",
    "\\begin{equation}<img src=x onerror=alert(1)>\\end{equation}",
    "\\begin{x}[y](javascript:alert(1))\\end{x}",
    "<script>alert(1)</script>",
    "<style>@import 'x'</style>",
    "<x style='background:url(javascript:1)'>",
    "<p onclick=alert(1)>x</p>",
    "<video><source onerror=alert(1)></video>",
    "[x](javascript:alert`1`)",
    "[x](javascript:alert\\(1\\))",
    "[x](<javascript:alert(1)> 'a')",
    "<a href=&#106avascript:alert(1)>x</a>",
    "<a href='\u0001javascript:alert(1)'>x</a>",
    "[x](blob:https://e/x)",
    "[x](view-source:javascript:1)",
    "[x](feed:javascript:alert(1))",
    "[x](jar:javascript:alert(1)!)",
]
HONEST = [
    "# A memo\n\nThe **share** is 45 %: see [the portal](https://open.canada.ca 'a title') or "
    "<https://a.ca>.",
    "I prefer Python to JavaScript: it reads well.",
    "The data: 45 rows, and 3 columns.",
    "`<class 'int'>` is a type.",
    "Write to [us](mailto:a@example.ca).",
    "| a | b |\n|---|:-:|\n| 1 | 2 |",
    "C:\\default\\letters",
    "```python\nx = {'a': 1}\nif x < 3: pass\n```",
    "$$\\frac{1}{n}\\sum_i x_i$$ and $a < b$ & so on",
    "- [x] done\n- [ ] not yet",
    "1. one\n2. two\n\n> quoted\n\n~~no~~ <b>bold</b>",
    "![chart](attachment:chart.png)",
    "Ratio 3:1, à 10:30 : « oui ».",
    "C:\\Users\\me\\data",
    "word\n:   its definition",
]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # noqa: E501
ADDRESSES = (
    "href",
    "src",
    "action",
    "formaction",
    "xlink:href",
    "data",
    "srcdoc",
    "poster",
    "background",
)
RUNS = re.compile(
    r"(javascript|vbscript|livescript|file|blob|feed|jar|view-source):"
    r"|data:(?!image/(png|jpeg|gif);base64,)",
    re.IGNORECASE,
)
DRAWS = ("script", "iframe", "object", "embed", "form", "base", "svg", "math")


def alive(page) -> list[str]:
    """What of a page would do more than show: elements, handlers, addresses that run or lead to a
    machine's files."""
    found = []
    for each in page.find_all(True):
        found += [each.name] if each.name in DRAWS else []
        for name, value in each.attrs.items():
            address = re.sub(
                r"[\0-\x20]", "", " ".join(value) if isinstance(value, list) else value
            )
            if name.startswith("on") or (name in ADDRESSES and RUNS.match(address)):
                found.append(f"{each.name} {name}={address[:40]}")
    return found


@pytest.fixture(scope="module")
def exporter() -> HTMLExporter:
    return HTMLExporter(template_name="basic")


def written(kind: str, source: str, attachments: dict | None = None) -> dict:
    """A cell as it is written into ``autograded/``."""
    cell = {"cell_type": kind, "metadata": {}, "source": source, "attachments": attachments or {}}
    (read,) = reading.read(json.dumps({"cells": [cell], "nbformat": 4}).encode()).cells
    text = session.fenced(read.source) if read.live else read.source
    made = {"cell_type": read.kind, "id": "a", "metadata": {}, "source": text}
    return made | ({"attachments": read.attachments} if read.attachments else {})


def rendered(exporter: HTMLExporter, cell: dict) -> BeautifulSoup:
    notebook = nbformat.from_dict(
        {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    )
    return BeautifulSoup(exporter.from_notebook_node(notebook)[0], "html.parser")


@pytest.mark.parametrize("text", ALIVE)
def test_nothing_that_is_alive_is_rendered(exporter, text):
    assert alive(rendered(exporter, written("markdown", text))) == []


def test_what_would_be_alive_is_shown_as_it_was_typed(exporter):
    found = [
        text
        for text in ALIVE
        if alive(
            rendered(exporter, {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text})
        )
    ]
    assert len(found) > 50 and all(map(reading.is_live, found))


@pytest.mark.parametrize("text", HONEST)
def test_what_people_write_is_rendered(text):
    assert not reading.is_live(text, {"chart.png"})


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<b>bold</b>",
        "a &amp; b",
        "[x](javascript:alert(1))",
    ],
)
def test_a_raw_cell_is_no_html(exporter, text):
    cell = written("raw", text)
    assert cell["cell_type"] == "markdown" and cell["source"].startswith("````text")
    assert alive(rendered(exporter, cell)) == []


def test_a_raw_cell_of_plain_text_stays_one():
    assert written("raw", "my notes")["cell_type"] == "raw"


def test_a_text_longer_than_a_person_writes_is_shown_as_it_was_typed_unread(monkeypatch):
    monkeypatch.setattr(reading, "is_live", lambda *text: pytest.fail("looked at"))
    texts = ["x" * (reading.MOST_RENDERED + 1), "# after it"]
    cells = [{"cell_type": "markdown", "metadata": {}, "source": text} for text in texts]
    assert [cell.live for cell in reading.read(json.dumps({"cells": cells}).encode()).cells] == [
        True,
        True,
    ]


# What is pasted into a cell


def test_a_picture_that_was_pasted_is_shown(exporter):
    cell = written("markdown", "![x](attachment:a.png)", {"a.png": {"image/png": PNG}})
    assert rendered(exporter, cell).find("img")["src"] == f"data:image/png;base64,{PNG}"


@pytest.mark.parametrize(
    "attachments",
    [
        {},
        {"a.png": {}},
        {"a.png": {"image/svg+xml": "PHN2Zz4="}},
        {"a.png": {"text/html": "PHN2Zz4="}},
        {"a.png": "x"},
        {"a.png": {"image/png": '" onerror="alert(1)'}},
        {"a.png": {"image/png": ["x"]}},
        {"b.png": {"image/png": PNG}},
        {"a.png": {"image/png": "<script>"}},
    ],
)
def test_a_picture_that_is_none_stops_no_renderer(exporter, attachments):
    assert (
        alive(rendered(exporter, written("markdown", "![x](attachment:a.png)", attachments))) == []
    )


@pytest.mark.parametrize(
    "name",
    ["javascript:alert(1)", "a\x1b.png", "a" * 201, "", '" onerror="alert(1)', "../../a.png"],
)
def test_whatever_a_picture_is_called_it_does_nothing(exporter, name):
    cell = written("markdown", f"![x](<attachment:{name}>)", {name: {"image/png": PNG}})
    assert alive(rendered(exporter, cell)) == []


def test_pictures_are_few_and_small_enough():
    many = {f"{number}.png": {"image/png": PNG} for number in range(500)}
    big = {f"{number}.png": {"image/png": "A" * (6 << 20)} for number in range(5)}
    assert len(written("markdown", "", many)["attachments"]) == reading.MOST_ATTACHMENTS
    assert len(written("markdown", "", big)["attachments"]) == 2


# The whole way


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> list[Path]:
    """What nbgrader's own feedback makes of a notebook full of such cells."""
    course = coursework.build_course_of_one(TWO_TASKS, tmp_path_factory.mktemp("links") / "course")
    folder = coursework.hand_in_solution(course, "attacker", "one")
    notebook = coursework.read(folder / "one.ipynb")
    for number, text in enumerate(ALIVE):
        for kind in ("markdown", "raw"):
            notebook["cells"].append(
                {
                    "cell_type": kind,
                    "id": f"{kind}-{number}",
                    "source": text,
                    "metadata": {"raw_mimetype": "text/html", "name": "<script>alert(1)</script>"},
                }
            )
    notebook["metadata"]["title"] = "<script>alert(1)</script>"
    notebook["cells"][coursework.place(notebook["cells"], "memo")]["source"] = ALIVE[0]
    (folder / "one.ipynb").write_text(json.dumps(notebook))
    assert grader.grade(course, "one", workers=1).of("graded")
    coursework.nbgrader(course, "generate_feedback one --force")
    return [course / "feedback" / "attacker" / "one" / "one.html"]


def test_nbgraders_own_feedback_of_them_has_nothing_alive(pages):
    for path in pages:
        page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        cells = page.find_all(class_=re.compile("cell|text_cell|rendered"))
        assert len(cells) > 100 and {what for cell in cells for what in alive(cell)} == set()
