"""Does a learner's feedback say what to look at, in the learner's language, and hold nothing hidden
or alive?"""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

import grader
from grader.intake import roster
from grader.marking.hints import Hint, of_failure
from grader.marking.protocol import Cell
from grader.reports import feedback, rendering
from grader.sandbox.sandbox import Sandbox
from tests.helpers import coursework
from tests.helpers.browser import needs_browser, violations
from tests.helpers.sources import EVERY_HINT

RIGHT = {
    "total": 'total = int(secret_table["figure"].sum())',
    "double": "def double(number):\n    return 2 * number",
    "labels": 'labels = {"rows": 2}',
    "memo": "My memo.",
}
LEARNERS = {
    "honest": {},
    "hinted": {"total": "total = 2", "double": "def double(number):\n    return 5"},
    "literal": {"total": "total = 'two'", "double": "def double(number):\n    return 4"},
    "leaking": {
        "total": "total = 2\nprint(secret_table)\nraise ValueError(str(secret_table))",
        "double": "seen = []\ndef double(number):\n    seen.append(number)\n    raise "
        "ValueError(f'{number} {seen}')",
        "labels": "labels = {'rows': 2, str(secret_table): 3}",
        "memo": "![](https://example.org/pixel.png) <script>alert(1)</script> <img src=x "
        "onerror=alert(2)> [link](javascript:alert(3)) <svg onload=alert(4)></svg> <iframe "
        "src='//x'></iframe>",
    },
}
PEOPLE = (
    "id,name,language\nhonest,Anne Roy,en\nhinted,Émile Côté,fr\nliteral,Li "
    "Wei,en\nleaking,<b>Eve</b>,en\n"
)


@pytest.fixture(scope="module")
def course(confined, tmp_path_factory) -> Path:
    course = coursework.build_course_of_one(
        EVERY_HINT, tmp_path_factory.mktemp("feedback") / "course"
    )
    for student, wrong in LEARNERS.items():
        cells = [f"# %% grade_id={name}\n{text}" for name, text in {**RIGHT, **wrong}.items()]
        coursework.hand_in(course, student, "one", '"""A learner."""\n\n' + "\n".join(cells) + "\n")
    (course / "submitted" / "broken" / "one").mkdir(parents=True)
    (course / "submitted" / "broken" / "one" / "one.ipynb").write_text('{"cells": [')
    grader.grade(course, "one", workers=1)
    (course / "people.csv").write_text(PEOPLE)
    feedback.feedback(course, "one", roster=roster.read(course / "people.csv"))
    return course


def html(course: Path, student: str) -> str:
    return (course / "feedback" / student / "one" / "one.html").read_text("utf-8")


def lines(course: Path, student: str) -> dict[str, list[str]]:
    table = BeautifulSoup(html(course, student), "html.parser").find("table")
    return {
        row.th.get_text(strip=True): [cell.get_text().strip() for cell in row.find_all("td")]
        for row in table.tbody.find_all("tr")
    }


def test_marks_are_those_of_the_gradebook_and_an_answer_nobody_has_read_says_so(course):
    said = lines(course, "honest")
    assert said["The sum"][:2] == ["2.00", "2.00"] and said["A function"][:2] == ["3.00", "3.00"]
    assert said["Total"][:2] == ["6.00", "10.00"] and "still to be read" in said["Total"][2]


def test_a_hint_is_in_the_learners_language_and_so_are_the_numbers(course):
    said = lines(course, "hinted")
    assert said["The sum"] == ["0,00", "2,00", "total\u00a0: on compte ici les lignes."]
    assert BeautifulSoup(html(course, "hinted"), "html.parser").html["lang"] == "fr"


def test_a_visible_test_is_quoted_and_a_hidden_one_is_not(course):
    quoted = lines(course, "hinted")["A function"][2]
    assert quoted == "Cette vérification n’a pas réussi\u00a0: assert double(2) == 4"
    assert lines(course, "literal")["The sum"][2] == "total is a whole number"
    assert lines(course, "literal")["A function"][2] == "A test that is not shown did not pass."


@pytest.mark.parametrize("student", LEARNERS)
def test_nothing_hidden_is_on_any_page(course, student):
    text = html(course, student)
    for hidden in (
        "CANARY",
        "271828",
        "314159",
        "585987",
        "543656364",
        "HIDDEN",
        "equal_to",
        "mistakes",
    ):
        assert hidden not in text


def test_nothing_is_alive_on_a_page(course):
    found = BeautifulSoup(html(course, "leaking"), "html.parser")
    assert not found.find_all(["script", "svg", "iframe", "object", "form", "link", "base"])
    assert not [name for tag in found.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert all(
        image["src"].startswith("data:") for image in found.find_all("img") if image.get("src")
    )
    assert all(
        link["href"].startswith(("http", "mailto"))
        for link in found.find_all("a")
        if link.get("href")
    )
    assert (
        found.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
        == feedback.POLICY
    )
    assert "<b>Eve</b>" not in str(found)


@needs_browser
def test_the_policy_stops_what_a_renderer_might_let_through(page, course, tmp_path):
    through = html(course, "honest").replace(
        "</main>",
        "<script>document.title = 'alive'</script><img src='https://example.org/x.png'></main>",
    )
    (tmp_path / "through.html").write_text(through)
    asked = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.goto((tmp_path / "through.html").as_uri())
    assert page.title() != "alive" and not [url for url in asked if "example" in url]


def test_a_notebook_that_could_not_be_marked_says_why(course):
    assert "The file is not a notebook" in html(course, "broken")


def test_a_person_s_points_and_comment_are_shown(course, tmp_path):
    from nbgrader.api import Gradebook

    own = coursework.copy_course(course, tmp_path / "course")
    with Gradebook(f"sqlite:///{own / 'gradebook.db'}") as book:
        grade = book.find_grade("memo", "one", "one", "honest")
        grade.manual_score, grade.needs_manual_grade = 3.5, False
        book.find_comment("memo", "one", "one", "honest").manual_comment = "A **clear** claim."
        book.db.commit()
    feedback.feedback(own, "one", students=["honest"])
    text = html(own, "honest")
    assert "<strong>clear</strong>" in text and lines(own, "honest")["Total"] == [
        "9.50",
        "10.00",
        "",
    ]


def test_a_notebook_that_ends_its_drawing_still_has_its_marks(course, tmp_path, monkeypatch):
    monkeypatch.setattr(Sandbox, "ask", lambda *_: None)
    own = coursework.copy_course(course, tmp_path / "course")
    feedback.feedback(own, "one", students=["honest"])
    assert "cannot be shown here" in html(own, "honest") and "6.00" in html(own, "honest")


@needs_browser
@pytest.mark.parametrize("student", LEARNERS)
def test_a_page_has_no_axe_violation(page, course, student):
    page.goto((course / "feedback" / student / "one" / "one.html").as_uri())
    assert violations(page) == []


def test_what_was_pasted_into_a_text_is_shown_as_a_picture_and_nothing_else_is():
    pixel = "iVBORw0KGgo="
    cell = Cell(
        "markdown",
        "![p](attachment:p.png) ![q](attachment:q.svg)",
        attachments={"p.png": {"image/png": pixel}, "q.svg": {"image/svg+xml": "PHN2Zz4="}},
    )
    drawn = BeautifulSoup(rendering.harmless(cell), "html.parser")
    shown = [image["src"] for image in drawn.find_all("img") if image.get("src")]
    assert shown == [f"data:image/png;base64,{pixel}"]


def test_a_message_that_only_a_hidden_test_holds_is_not_a_hint():
    assert of_failure("assert x, 'shown'", AssertionError("hidden"), "hidden") is None
    assert of_failure("assert x, 'shown'", AssertionError("shown"), "shown") == Hint(
        "shown", "shown"
    )


def test_a_name_without_a_value_is_named_where_the_test_that_learners_see_speaks_of_it():
    missing = NameError("name 'rate' is not defined", name="rate")
    said = of_failure("assert rate > 0\n", missing, str(missing))
    assert "`rate` has no value" in said.english and "`rate` n’a pas de valeur" in said.french
    assert of_failure("assert rates > 0\n", missing, str(missing)) is None
