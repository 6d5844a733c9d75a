"""Do marks leave the gradebook as they are in it, in files that systems import and no spreadsheet
calculates?"""

import csv
import datetime
import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.errors import CannotWrite
from grader.intake.enrolment import open_gradebook
from grader.intake.people import Person, Roster
from grader.intake.roster import ID
from grader.reports.export import CannotExport, Row, export, harmless, rows

TRUST = "03-trust-this-table"
HOSTILE = '=HYPERLINK("http://example.invalid";"x")'
COHORT = Roster(
    {
        person.id: person
        for person in (
            Person("s01", "Élise Exemplaire", "elise@example.ca", "A", "fr"),
            Person("s02", "Modèle, Noé", "noe@example.ca"),
            Person("s03", HOSTILE, "", "+1;@SUM(1)"),
            Person("s04", "Sam Sample", "sam@example.ca"),
        )
    }
)
HANDED_IN = datetime.datetime(2026, 11, 24, 14, 5)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A gradebook as nbgrader writes it: s01 and s03 read, s02 late and not read, s04 absent, s99 a
    stranger."""
    path = tmp_path_factory.mktemp("made") / "gradebook.db"
    with open_gradebook(f"sqlite:///{path}", "course") as gradebook:
        gradebook.add_assignment(TRUST)
        gradebook.add_assignment("04-served-online")
        for name in ("one", "two"):
            gradebook.add_notebook(name, TRUST)
        gradebook.add_grade_cell("mean", "one", TRUST, max_score=2, cell_type="code")
        gradebook.add_grade_cell("share", "two", TRUST, max_score=3.5, cell_type="code")
        gradebook.add_grade_cell("memo", "two", TRUST, max_score=8, cell_type="markdown")
        gradebook.add_task_cell("task", "two", TRUST, max_score=1, cell_type="markdown")
        for student in ("s01", "s02", "s03", "s04", "s99"):
            gradebook.add_student(student)
        for student, mean, share, memo in (
            ("s01", 2, 3.5, 6.25),
            ("s02", 2, 0, None),
            ("s03", 0, 0, 0),
            ("s99", 1, 1, 1),
        ):
            submission = gradebook.add_submission(TRUST, student, timestamp=HANDED_IN)
            for cell, notebook, score in (("mean", "one", mean), ("share", "two", share)):
                grade = gradebook.find_grade(cell, notebook, TRUST, student)
                grade.auto_score, grade.needs_manual_grade = score, False
            for cell, score in (("memo", memo), ("task", 0)):
                grade = gradebook.find_grade(cell, "two", TRUST, student)
                grade.manual_score, grade.needs_manual_grade = score, score is None
            if student == "s01":
                gradebook.find_grade("task", "two", TRUST, student).extra_credit = 0.5
            if student == "s02":
                gradebook.find_grade("share", "two", TRUST, student).manual_score = 1.5
                for notebook in submission.notebooks:
                    notebook.late_submission_penalty = 0.25
        gradebook.db.commit()
    return path


@pytest.fixture
def course(made, tmp_path) -> Path:
    shutil.copy(made, tmp_path / "gradebook.db")
    return tmp_path


def written(course: Path, form: str, **options) -> list[list[str]]:
    out = course / "out" / "marks.csv"
    export(course, TRUST, form, COHORT, out, **options)
    return list(csv.reader(out.read_text(encoding="utf-8-sig").splitlines()))


def test_rows_hold_both_kinds_of_marks_apart(course):
    when = HANDED_IN.replace(tzinfo=datetime.UTC)
    assert rows(course, TRUST) == [
        Row("s01", 5.5, 6.75, 0, 14.5, 0, when),
        Row("s02", 2, 1.5, 0.5, 14.5, 1, when),
        Row("s03", 0, 0, 0, 14.5, 0, when),
        Row("s99", 2, 1, 0, 14.5, 0, when),
    ]


def test_the_total_is_nbgraders_own(course):
    with open_gradebook(f"sqlite:///{course / 'gradebook.db'}", "course") as gradebook:
        for row in rows(course, TRUST):
            submission = gradebook.find_submission(TRUST, row.student)
            assert (
                row.automatic + row.manual == submission.score
                and row.maximum == submission.max_score
            )
            assert row.total == max(0, submission.score - submission.late_submission_penalty)
            assert row.needs_manual == submission.needs_manual_grade


def test_the_total_is_never_below_zero():
    assert Row("s01", 1, 0, 5, 10).total == 0


def test_what_was_handed_in_and_never_graded_is_unfinished(course):
    with open_gradebook(f"sqlite:///{course / 'gradebook.db'}", "course") as gradebook:
        gradebook.add_submission(TRUST, "s04")
    assert next(row for row in rows(course, TRUST) if row.student == "s04").needs_manual


def test_the_gradebook_is_only_read(course):
    before = (course / "gradebook.db").read_bytes()
    (course / "gradebook.db").chmod(0o444)
    rows(course, TRUST)
    assert (course / "gradebook.db").read_bytes() == before
    assert [path.name for path in course.iterdir()] == ["gradebook.db"]


def test_a_gradebook_elsewhere_is_read_by_its_address(course, tmp_path_factory):
    assert (
        len(rows(tmp_path_factory.mktemp("empty"), TRUST, f"sqlite:///{course / 'gradebook.db'}"))
        == 4
    )


@pytest.mark.parametrize(
    ("assignment", "db", "says"),
    [
        ("05-none", None, "it has: 03-trust-this-table, 04-served-online"),
        (TRUST, "sqlite:///none.db", "no gradebook"),
        (TRUST, "sqlite://", "no gradebook"),
        (TRUST, "nonsense", "cannot be read"),
        (TRUST, "nosql://x", "cannot be read"),
    ],
)
def test_marks_that_are_not_there_are_named(course, assignment, db, says):
    with pytest.raises(CannotExport, match=says):
        rows(course, assignment, db)
    assert not Path("none.db").exists()


def test_what_is_no_gradebook_is_named(course):
    (course / "gradebook.db").write_bytes(b"not a database" * 100)
    with pytest.raises(CannotExport, match="cannot be read"):
        rows(course, TRUST)


def test_unfinished_marks_are_refused_with_their_number(course):
    with pytest.raises(CannotExport, match="1 of 4 submissions"):
        export(course, TRUST, "csv", COHORT, course / "marks.csv")
    assert not (course / "marks.csv").exists()


@pytest.mark.parametrize(("form", "unfinished"), [("excel", "refuse"), ("csv", "guess")])
def test_a_choice_that_does_not_exist_is_refused_with_those_that_do(course, form, unfinished):
    with pytest.raises(
        CannotExport, match=r"csv, moodle, brightspace, canvas.*refuse, blank, automatic"
    ):
        export(course, TRUST, form, COHORT, course / "marks.csv", unfinished=unfinished)


def test_the_table_for_people_has_everybody(course):
    header, *lines = written(course, "csv", unfinished="blank")
    table = [dict(zip(header, line, strict=True)) for line in lines]
    assert [
        (
            line["student"],
            line["automatic"],
            line["manual"],
            line["penalty"],
            line["total"],
            line["state"],
        )
        for line in table
    ] == [
        ("s01", "5.5", "6.75", "0", "12.25", "complete"),
        ("s02", "2", "1.5", "0.5", "", "unread"),
        ("s03", "0", "0", "0", "0", "complete"),
        ("s04", "", "", "", "", "missing"),
        ("s99", "2", "1", "0", "3", "complete"),
    ]
    assert table[0]["submitted"] == "2026-11-24T14:05:00+00:00" and table[0]["maximum"] == "14.5"
    assert (course / "out" / "marks.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_automatic_marks_alone_stand_for_unfinished_ones_when_asked(course):
    lines = written(course, "moodle", unfinished="automatic")
    assert [line[-1] for line in lines] == [TRUST, "12.25", "1.5", "0"]


def test_moodle_gets_the_columns_of_its_own_export(course):
    assert written(course, "moodle", unfinished="blank") == [
        ["First name", "Last name", "ID number", "Email address", TRUST],
        ["Élise", "Exemplaire", "s01", "elise@example.ca", "12.25"],
        [*map(harmless, COHORT.people["s03"].names()), "s03", "", "0"],
    ]


def test_brightspace_gets_its_signs(course):
    assert written(course, "brightspace", unfinished="blank", item="Confiance") == [
        ["OrgDefinedId", "Confiance Points Grade", "End-of-Line Indicator"],
        ["#s01", "12.25", "#"],
        ["#s03", "0", "#"],
    ]


def test_canvas_gets_the_row_of_points_possible(course):
    header, points, *lines = written(course, "canvas", unfinished="automatic", item="Trust (4711)")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Trust (4711)"]
    assert points == ["    Points Possible", "", "", "", "", "14.5"]
    assert lines[0] == ["Élise Exemplaire", "", "s01", "elise@example.ca", "A", "12.25"]
    assert lines[2][0] == harmless(HOSTILE) and lines[2][4] == "'+1;'@SUM(1)"
    assert (
        not (course / "out" / "marks.csv").read_bytes().startswith(b"\xef")
    )  # the first heading stays as it is


def test_who_has_no_mark_is_left_out_of_what_a_system_imports_and_told(course):
    done = export(course, TRUST, "canvas", COHORT, course / "marks.csv", unfinished="blank")
    assert (done.people, done.left_out, done.strangers) == (2, ("s02", "s04"), ("s99",))


def test_a_stranger_with_a_hostile_id_is_harmless(course):
    with open_gradebook(f"sqlite:///{course / 'gradebook.db'}", "course") as gradebook:
        gradebook.add_student("=1+1")
        gradebook.add_submission(TRUST, "=1+1")
    assert "'=1+1" in [line[0] for line in written(course, "csv", unfinished="blank")]


def test_a_file_is_written_whole_or_not_at_all(course, monkeypatch):
    out = course / "marks.csv"
    out.write_text("before")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left"):
        export(course, TRUST, "csv", COHORT, out, unfinished="blank")
    assert out.read_text() == "before"


# Formulas

STARTS = "=+-@＝＋－＠﹦﹢﹣﹫−"
BEFORE = " \t\r\n\u2028\u00a0\u3000\u200b\ufeff\"'’«"


def starts_a_formula(cell: str) -> bool:
    """Whether a spreadsheet may calculate a cell, told in another way than the code does."""
    bare = cell.lstrip(' \u00a0\u3000\u200b\ufeff"’«»‘“”')
    return cell.startswith(("\t", "\r", "\n")) or unicodedata.normalize("NFKC", bare)[:1] in tuple(
        "=+-@−"
    )


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("before", ["", *BEFORE, " \"' "])
def test_every_start_of_a_formula_gets_an_apostrophe(before, start):
    assert harmless(f"{before}{start}1+1").startswith("'")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Élise Exemplaire",
        "O'Sample",
        "Anne-Marie",
        "1-2",
        "a=b",
        "anne+un@example.ca",
        "#s01",
        "Modèle, Noé",
        "(=)",
        "_x",
    ],
)
def test_ordinary_text_is_left_as_it_is(text):
    assert harmless(text) == text


@pytest.mark.parametrize("mark", "\t\r\n\v\x85\u2028")
def test_a_cell_is_one_line(mark):
    assert harmless(f"{mark}Sample{mark}Sam") == " Sample Sam"


def test_a_formula_behind_a_separator_gets_its_apostrophe_there():
    assert harmless("Sample;=1+1") == "Sample;'=1+1"
    assert harmless('Sample, " @SUM(1)') == "Sample,' \" @SUM(1)"


def test_the_check_on_formulas_can_fail():
    assert starts_a_formula("=1+1") and starts_a_formula(" ＝1") and not starts_a_formula("'=1+1")


@given(st.text(st.sampled_from(STARTS + BEFORE + ",;|ab1"), max_size=12) | st.text(max_size=20))
def test_no_text_starts_a_formula_in_any_countrys_cells(text):
    cells = [
        harmless(text),
        *(cell for separator in ",;\t|\n" for cell in harmless(text).split(separator)),
    ]
    assert not any(map(starts_a_formula, cells))


@given(st.text(max_size=30))
def test_nothing_but_apostrophes_is_added_and_no_letter_lost(text):
    assert [mark for mark in harmless(text) if mark.isalnum()] == [
        mark for mark in text if mark.isalnum()
    ]
    assert len(harmless(text).replace("'", "")) == len(text.replace("'", ""))


@given(st.from_regex(ID, fullmatch=True))
def test_an_id_is_never_changed(one):
    assert harmless(one) == one
