"""Does the instructor's report say what the gradebook says, in both languages, and do two markers'
sheets hold?"""

import csv
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner

import grader
from grader import audit
from grader.cli.main import grader as command
from grader.intake import roster
from grader.reports import class_report, moderation
from grader.reports.moderation import BadSheet
from tests.helpers import coursework
from tests.helpers.browser import needs_browser, violations
from tests.helpers.sources import EVERY_HINT

RIGHT = {
    "total": 'total = int(secret_table["figure"].sum())',
    "double": "def double(number):\n    return 2 * number",
    "labels": 'labels = {"rows": 2}',
}
WRONG = {"total": "total = 2", "double": "def double(number):\n    return 5"}
STRONG, WEAK = (
    [f"strong-{number}" for number in range(7)],
    [f"weak-{number}" for number in range(5)],
)
PEOPLE = [
    "id,name,language",
    *(f"{student},{student.title()},en" for student in STRONG + WEAK),
    "weak-9,<script>alert(1)</script> Côté,fr",
    "broken,Broken,en",
]


@pytest.fixture(scope="module")
def graded(confined, tmp_path_factory) -> Path:
    course = coursework.build_course_of_one(
        EVERY_HINT, tmp_path_factory.mktemp("report") / "course"
    )
    for student in STRONG + WEAK:
        answers = {
            **RIGHT,
            **(WRONG if student in WEAK else {}),
            "memo": f"The memo of {student[::-1]}. <script>",
        }
        cells = [f"# %% grade_id={name}\n{text}" for name, text in answers.items()]
        coursework.hand_in(course, student, "one", '"""A learner."""\n\n' + "\n".join(cells) + "\n")
    (course / "submitted" / "broken" / "one").mkdir(parents=True)
    (course / "submitted" / "broken" / "one" / "one.ipynb").write_text('{"cells": [')
    grader.grade(course, "one", workers=2)
    (course / "people.csv").write_text("\n".join(PEOPLE) + "\n")
    return course


@pytest.fixture
def course(graded, tmp_path) -> Path:
    return coursework.copy_course(graded, tmp_path / "course")


def people(course: Path) -> roster.Roster:
    return roster.read(course / "people.csv")


def fill(sheet: Path, points) -> Path:
    """Fill a marker's sheet in: points by number of the line, None leaves it empty."""
    with open(sheet, encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    for number, line in enumerate(lines):
        line["points"] = "" if points(number) is None else str(points(number))
        line["comment"] = f"Comment {number}."
    with open(sheet, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, moderation.COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    return sheet


def test_totals_are_those_of_the_gradebook(course):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        stock = {each.student.id: each.score for each in book.assignment_submissions("one")}
    ours = {
        line.student: line.total
        for line in class_report.read(course, "one").lines
        if line.state == "graded"
    }
    assert ours == {student: stock[student] for student in STRONG + WEAK}


def test_everybody_has_a_line_and_who_failed_has_a_reason(course):
    found = class_report.read(course, "one", people(course))
    assert {state: found.count(state) for state in ("graded", "failed", "missing")} == {
        "graded": 12,
        "failed": 1,
        "missing": 1,
    }
    assert (
        "not a notebook"
        in next(line for line in found.lines if line.student == "broken").reason.english
    )


def test_a_hard_task_and_its_common_mistake_are_shown(course):
    found = {item.name: item for item in class_report.read(course, "one").items}
    total = found["one/total-test"]
    assert total.difficulty == pytest.approx(7 / 12) and total.discrimination == pytest.approx(1)
    assert [(each.english, each.count) for each in total.messages] == [
        ("`total`: this counts the rows.", 5)
    ]
    assert found["one/memo"].people == 0 and found["one/memo"].difficulty is None
    assert list(found) == ["one/total-test", "one/double-test", "one/labels-test", "one/memo"]


def test_the_page_holds_both_languages_and_nothing_alive(course):
    path = class_report.write(
        class_report.read(course, "one", people(course)), course / "report.html"
    )
    found = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    assert [section["lang"] for section in found.find_all("section")] == ["en", "fr"]
    assert not found.find_all(["script", "iframe", "link"]) and "&lt;script&gt;" in path.read_text(
        "utf-8"
    )
    assert "object at 0x" not in path.read_text(
        "utf-8"
    )  # a word of the page that is Python's instead


def test_the_same_figures_stand_in_both_languages(course):
    path = class_report.write(
        class_report.read(course, "one", people(course)), course / "report.html"
    )
    found = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    english, french = (
        [cell.get_text(strip=True) for cell in section.find_all("td", class_="n")]
        for section in found.find_all("section")
    )
    assert (
        english == [figure.replace(",", ".").replace("\u00a0", ",") for figure in french]
        and len(english) > 40
    )


@needs_browser
def test_the_page_has_no_axe_violation(page, course):
    sheets = moderation.lay_out(course, "one", course / "markers")[1:]
    moderation.settle(course, "one", *(fill(sheet, lambda number: number % 5) for sheet in sheets))
    page.goto(
        class_report.write(
            class_report.read(course, "one", people(course)), course / "report.html"
        ).as_uri()
    )
    assert violations(page) == []
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert violations(page) == []


def test_the_command_writes_the_report_into_the_course(course):
    done = CliRunner().invoke(
        command, ["report", "one", "--course", str(course)], standalone_mode=False
    )
    assert done.exception is None and (course / "reports" / "one.html").is_file()


def test_markers_see_every_memo_and_no_name(course):
    answers, *sheets = moderation.lay_out(course, "one", course / "markers")
    text = answers.read_text("utf-8") + "".join(sheet.read_text("utf-8-sig") for sheet in sheets)
    assert len(re.findall("<h2>M", text)) == 12 and len(sheets) == 2
    assert not any(student in text for student in STRONG + WEAK) and all(
        student[::-1] in text for student in STRONG + WEAK
    )
    assert "<script" not in text


@needs_browser
def test_the_page_of_answers_has_no_axe_violation(page, course):
    page.goto(moderation.lay_out(course, "one", course / "markers")[0].as_uri())
    assert violations(page) == []


def test_a_share_of_the_memos_is_drawn_and_the_same_seed_draws_the_same(course):
    drawn = [
        moderation.lay_out(course, "one", course / str(at), share=0.25, seed=at // 2)[1].read_text()
        for at in range(2)
    ]
    assert drawn[0] == drawn[1] and drawn[0].count("M0000") == 3


def test_points_that_lie_near_are_entered_and_the_others_are_to_be_settled(course):
    sheets = moderation.lay_out(course, "one", course / "markers")[1:]
    fill(sheets[0], lambda number: 3)
    fill(sheets[1], lambda number: {0: 3, 1: 2, 2: 0, 3: None}.get(number, 3))
    done = moderation.settle(course, "one", *sheets, enter=True)
    assert done.entered == 10 and list(done.apart.values()) == [(3.0, 0.0)] and len(done.alone) == 1
    found = class_report.read(course, "one")
    assert sorted(line.manual for line in found.lines if line.state == "graded") == [
        0,
        0,
        2.5,
        *[3.0] * 9,
    ]
    assert sum(line.unread for line in found.lines) == 2
    assert found.agreement["one/memo"].answers == 11


@pytest.mark.parametrize("points", [9, -1, "four", "nan"])
def test_points_that_cannot_be_had_are_refused_and_named(course, points):
    sheets = moderation.lay_out(course, "one", course / "markers")[1:]
    fill(sheets[0], lambda number: points if number == 2 else 1)
    with pytest.raises(BadSheet, match="line 4"):
        moderation.settle(course, "one", *sheets)


def test_a_decimal_comma_and_semicolons_are_read_as_excel_writes_them_in_french(course):
    sheets = moderation.lay_out(course, "one", course / "markers")[1:]
    for sheet in sheets:
        lines = sheet.read_text("utf-8-sig").replace(",", ";").splitlines()
        sheet.write_text(
            "\n".join([lines[0], *(line[:-2] + ";2,5;" for line in lines[1:])]), "utf-8"
        )
    assert moderation.settle(course, "one", *sheets).agreement["one/memo"].same == 1.0


# As Excel saves « CSV (séparateur : point-virgule) », « CSV UTF-8 » and « Texte Unicode ».
SAVED = {"cp1252": ("cp1252", ";"), "utf-8": ("utf-8-sig", ";"), "unicode": ("utf-16", "\t")}


def save_as_excel_does(sheet: Path, encoding: str, separator: str) -> None:
    with open(sheet, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[1:]:
        row[3:] = ["2,5", "très bien, « œuvre »"]
    with open(sheet, "w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)


@pytest.mark.parametrize("saved", SAVED)
def test_accents_of_a_comment_reach_the_gradebook_however_excel_saved_the_sheet(course, saved):
    from nbgrader.api import Gradebook

    sheets = moderation.lay_out(course, "one", course / "markers")[1:]
    for sheet in sheets:
        save_as_excel_does(sheet, *SAVED[saved])
    assert moderation.settle(course, "one", *sheets, enter=True).entered == 12
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        comments = {
            comment.manual_comment
            for each in book.assignment_submissions("one")
            for notebook in each.notebooks
            for comment in notebook.comments
        }
    assert "très bien, « œuvre »" in comments and "�" not in "".join(filter(None, comments))


@pytest.mark.parametrize("saved", SAVED)
def test_a_forgotten_learners_lines_leave_a_sheet_as_excel_saved_it(course, saved):
    sheet = moderation.lay_out(course, "one", course / "markers")[1]
    save_as_excel_does(sheet, *SAVED[saved])
    before = sheet.read_text(SAVED[saved][0]).splitlines()
    assert audit.forget(course, STRONG[0]).look == []
    after = sheet.read_text(SAVED[saved][0]).splitlines()
    assert len(after) == len(before) - 1 and set(after) < set(before)


@pytest.mark.parametrize("column", ["code", "points"])
def test_a_sheet_without_its_columns_is_refused(course, column):
    sheets = moderation.lay_out(course, "one", course / "markers")[1:]
    sheets[0].write_text(sheets[0].read_text("utf-8-sig").replace(column, "other", 1), "utf-8")
    with pytest.raises(BadSheet, match=column):
        moderation.settle(course, "one", *sheets)


def test_a_learner_who_is_forgotten_is_in_no_list_of_codes(course):
    moderation.lay_out(course, "one", course / "markers")
    audit.forget(course, STRONG[0])
    assert STRONG[0] not in (course / ".grader" / "memos" / "one.json").read_text()
