"""Does the instructor's day on the synthetic cohort go from one ZIP to reports, and do all its
pages say the same?"""

import csv
import json
import os
import zipfile
from pathlib import Path

import demo
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook

from grader.intake import roster
from tests.helpers.browser import needs_browser, violations

pytestmark = pytest.mark.thorough

ASSIGNMENT = "04-served-online"
AUTOMATIC = 14.0  #: points of its seven tests


@pytest.fixture(scope="module")
def folder(confined, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        for name in [name for name in os.environ if name.startswith("PORTAIL_")]:
            patch.delenv(name)
        demo.day(demo.make(folder, [ASSIGNMENT]), [ASSIGNMENT])
    return folder


@pytest.fixture(scope="module")
def graded(folder) -> dict[str, dict]:
    """What the run's own report says, by kind of person."""
    said = json.loads((folder / f"{ASSIGNMENT}.json").read_text())["submissions"]
    by_student = {each["student"]: each for each in said}
    assert json.loads((folder / f"{ASSIGNMENT}.json").read_text())["unmatched_files"] == 1
    return {
        demo.student(number): by_student.get(demo.student(number), {}) | {"kind": kind}
        for number, kind in enumerate(demo.KINDS)
    }


def automatic(submission: dict) -> float:
    return sum(
        mark["points"] or 0.0 for marks in submission["marks"].values() for mark in marks.values()
    )


def test_there_are_thirty_people_and_each_says_that_nobody_wrote_it(folder):
    assert len(demo.KINDS) == len(demo.NAMES) == 30
    people = roster.read(folder / "people.csv")
    assert len(people.people) == 30 and {each.section for each in people.people.values()} == {
        demo.SYNTHETIC
    }
    with zipfile.ZipFile(folder / "handed-in.zip") as archive:
        texts = [
            archive.read(name).decode("utf-8")
            for name in archive.namelist()
            if "Unknown" not in name
        ]
    assert len(texts) == 29
    cut = demo.student(demo.KINDS.index("file cut short"))
    assert sum(demo.SYNTHETIC in text for text in texts) == 28, (
        f"only {cut}'s file ends before its memo"
    )


def test_the_honest_have_all_points_and_the_wrong_do_not(graded):
    points = {
        student: automatic(each)
        for student, each in graded.items()
        if each.get("state") == "graded"
    }
    assert {points[student] for student, each in graded.items() if each["kind"] == "honest"} == {
        AUTOMATIC
    }
    assert all(
        points[student] < AUTOMATIC for student, each in graded.items() if each["kind"] == "wrong"
    )


def test_the_careless_lose_what_they_left_out_and_nothing_more(graded):
    by_kind = {each["kind"]: each for each in graded.values()}
    for kind in ("test deleted", "cell copied", "file renamed"):
        assert automatic(by_kind[kind]) == AUTOMATIC
    assert automatic(by_kind["does not compile"]) == AUTOMATIC - 2
    assert by_kind["file cut short"]["state"] == "failed"


def test_the_hostile_have_what_their_answers_deserve(graded):
    for kind in demo.HOSTILE:
        assert automatic(next(each for each in graded.values() if each["kind"] == kind)) == 4.0


def test_the_gradebook_the_report_and_the_export_say_the_same(folder):
    with Gradebook(f"sqlite:///{folder / 'exercises' / 'gradebook.db'}") as book:
        stock = {each.student.id: each.score for each in book.assignment_submissions(ASSIGNMENT)}
        names = {each.id: each.last_name for each in book.students}
    assert names["synthetic-02"] == "Tremblay"
    shown = BeautifulSoup(
        (folder / "exercises" / "reports" / f"{ASSIGNMENT}.html").read_text("utf-8"), "html.parser"
    )
    rows = [
        [cell.get_text(strip=True) for cell in row.find_all(["td", "th"])]
        for row in shown.find_all("tr")
    ]
    for student, total in stock.items():
        assert any(student in row and f"{total:.2f}" in row for row in rows), student
    with open(folder / f"{ASSIGNMENT}-marks.csv", encoding="utf-8-sig", newline="") as file:
        exported = {line["student"]: line for line in csv.DictReader(file)}
    assert set(exported) == set(names)
    assert exported["synthetic-27"]["name"].startswith("'=")  # a formula no more


@needs_browser
def test_the_report_has_no_barrier(folder, page):
    page.goto((folder / "exercises" / "reports" / f"{ASSIGNMENT}.html").as_uri())
    assert violations(page) == []
