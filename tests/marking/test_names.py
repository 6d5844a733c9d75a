"""Does a name, a folder or a size that a learner chose stop anybody else, or anything at all?"""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

import grader
from commons.wording import visible
from grader import audit
from grader.cli.console import console_for_people, say
from grader.course import autograded, handed_in
from grader.course.folder import Course
from grader.course.handed_in import read_submission
from grader.course.ids import is_usable
from grader.course.journal import Entry, Journal
from grader.grading.outcome import Graded, Outcome
from grader.marking.model import MarkedNotebook
from tests.helpers import coursework
from tests.helpers.sources import TWO_TASKS

STRANGE = b"caf\xe9"  # Latin-1, as an old archive unpacks it


def at(folder: Path, name: str | bytes, content: bytes = b"a,b\n1,2\n") -> None:
    """Write a file whose name may be any bytes, with the folders that it needs."""
    path = os.path.join(os.fsencode(folder), os.fsencode(name))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def notebook_of_another_name(folder: Path) -> None:
    os.rename(folder / "one.ipynb", os.fsencode(folder) + b"/" + STRANGE + b".ipynb")


def sparse(folder: Path) -> None:
    for number in range(40):
        for name in (f"sparse-{number}.ipynb", f"sparse-{number}.csv"):
            with open(folder / name, "wb") as file:
                file.truncate(60 << 20)


# What a learner may hand in beside, or in place of, a good notebook; and what is noted of it.
ODD = {
    "data-of-no-unicode": (lambda folder: at(folder, STRANGE + b".csv"), "caf\\udce9.csv"),
    "folder-of-no-unicode": (lambda folder: at(folder, STRANGE + b"/a.csv"), "caf\\udce9/a.csv"),
    "notebook-of-no-unicode": (notebook_of_another_name, None),
    "control-characters": (
        lambda folder: at(folder, "a\x1b[31m\r\nb.csv"),
        "a\\x1b[31m\\x0d\\x0ab.csv",
    ),
    "folder-as-the-courses-file": (
        lambda folder: at(folder, "loans.csv/mine.csv"),
        "loans.csv/mine.csv",
    ),
    "file-as-the-courses-folder": (lambda folder: at(folder, "tables"), "tables"),
    "notebook-folder": (lambda folder: at(folder, "x.ipynb/a.csv"), "x.ipynb"),
    "timestamp-folder": (lambda folder: at(folder, "timestamp.txt/x"), "timestamp.txt"),
    "syllabics": (lambda folder: at(folder, "ᐃᓄᒃᑎᑐᑦ" * 12 + ".csv"), None),
    "long-path": (lambda folder: at(folder, "/".join(["ᐃᓄᒃᑎᑐᑦ" * 10] * 6) + "/a.csv"), "ᐃᓄᒃᑎᑐᑦ"),
    "deep": (lambda folder: at(folder, "d/" * 60 + "a.csv"), "d/d/d/"),
    "many": (lambda folder: [at(folder, f"many/{number}") for number in range(5_000)], "many/"),
    "sparse": (sparse, "sparse-1.csv"),
    "courses-own-file": (lambda folder: at(folder, "loans.csv", b"changed"), None),
}
WRONG = {  # folders in submitted/ whose name is no id, as a report writes it
    b"caf\xe9": "caf\\udce9",
    b"a\x1b[2Jb": "a\\x1b[2Jb",
    "ab\u202eba".encode(): "ab\\u202eba",
    b"a\nb": "a\\x0ab",
    b"back\\slash": "back\\\\slash",
    ("long" * 50).encode(): "long" * 50,
}


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course in which everybody hands in the same right answers, and something odd."""
    made = coursework.build_course_of_one(
        TWO_TASKS,
        tmp_path_factory.mktemp("names") / "course",
        {"loans.csv": "a\n1\n", "tables/rows.csv": "b\n2\n"},
    )
    good = coursework.hand_in_solution(made, "honest", "one")
    for student, (change, _) in ODD.items():
        shutil.copytree(good, made / "submitted" / student / "one")
        change(made / "submitted" / student / "one")
    for name in WRONG:
        at(made / "submitted", name + b"/one/one.ipynb", (good / "one.ipynb").read_bytes())
    closed = made / "submitted" / "closed" / "one"
    shutil.copytree(good, closed)
    closed.chmod(0)
    yield made
    closed.chmod(0o700)


@pytest.fixture(scope="module")
def outcome(course) -> Outcome:
    return grader.grade(course, "one", workers=2)


def of(outcome: Outcome, student: str) -> Graded:
    return next(each for each in outcome.submissions if each.student == student)


@pytest.mark.parametrize("student", ["honest", *ODD])
def test_right_answers_have_their_points_whatever_lies_beside_them(outcome, student):
    graded = of(outcome, student)
    assert (graded.state, graded.points) == ("graded", 5.0), graded.reason


@pytest.mark.parametrize("student", ODD)
def test_what_is_left_out_is_named(course, student):
    noted, left = ODD[student][1], read_submission(Course(course), "one", student).left_out
    assert any(noted in each for each in left) if noted else left == []


@pytest.mark.parametrize("name", WRONG.values())
def test_a_folder_whose_name_is_no_id_is_named_and_left(outcome, name):
    graded = of(outcome, name)
    assert (graded.state, graded.cause) == ("failed", "id") and str(graded.reason).isprintable()


def test_the_course_s_own_data_stands_in_what_is_marked(course, outcome):
    for student in ("courses-own-file", "folder-as-the-courses-file", "file-as-the-courses-folder"):
        marked = course / "autograded" / student / "one"
        assert (marked / "loans.csv").read_text() == "a\n1\n" and (
            marked / "tables" / "rows.csv"
        ).is_file()


def test_the_journal_holds_everybody(course, outcome):
    (standing,) = audit.status(course)
    assert standing.states["graded"] == 1 + len(ODD) + (os.geteuid() == 0)
    assert (
        standing.states["failed"] == len(WRONG) + (os.geteuid() != 0)
        and standing.states["waiting"] == 0
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to an administrator")
def test_a_folder_that_may_not_be_read_is_named(outcome):
    assert (of(outcome, "closed").state, of(outcome, "closed").cause) == ("failed", "file")


def test_graded_again_nothing_is_new(course, outcome):
    again = grader.grade(course, "one", workers=1)
    assert len(again.of("unchanged")) == len(outcome.of("graded")) and not again.of("graded")


def test_the_journal_takes_any_text(tmp_path):
    book = Journal(tmp_path / "journal.jsonl")
    book.append(
        [Entry("one", "anne", "failed", detail="caf\udce9", errors={"one/total\udce9": "\udce9"})]
    )
    book.append([Entry("one", "noé", "graded")])
    book.close()
    again = Journal(tmp_path / "journal.jsonl")
    assert again.broken == 0 and again.of("one")["anne"].detail == "caf\\udce9"
    assert again.of("one")["noé"].state == "graded"
    again.close()


# Reading within limits


@pytest.fixture
def handed(course, tmp_path) -> Path:
    """A submission of one learner, in a course of its own."""
    (tmp_path / "source").mkdir()
    shutil.copytree(course / "source" / "one", tmp_path / "source" / "one")
    shutil.copytree(course / "submitted" / "honest", tmp_path / "submitted" / "honest")
    return tmp_path / "submitted" / "honest" / "one"


def read(handed: Path) -> handed_in.Handed:
    return read_submission(Course(handed.parents[2]), "one", handed.parent.name)


def test_the_hash_follows_each_file_that_counts(handed):
    hashes = {read(handed).hash}
    for name in ("one.ipynb", "data.csv", "other.ipynb", "sub/data.csv", "timestamp.txt"):
        for content in (b"1", b"2"):
            at(handed, name, content)
            hashes.add(read(handed).hash)
    assert len(hashes) == 11


def test_a_file_that_is_left_out_does_not_count(handed):
    before = read(handed).hash
    at(handed, "loans.csv/mine.csv")
    assert read(handed).hash == before


def test_the_assignments_own_notebook_is_read_however_many_others_there_are(handed):
    for number in range(3_000):
        at(handed, f"a{number}.ipynb", b"{}")
    found = read(handed)
    assert (
        len(found.job.notebooks) == 1 + handed_in.MOST_NOTEBOOKS
        and found.job.notebooks["one"] != b"{}"
    )


def test_what_is_read_beside_it_stays_within_one_limit(handed):
    sparse(handed)
    job = read(handed).job
    others = [data for name, data in job.notebooks.items() if name != "one"]
    assert sum(map(len, [*others, *job.files.values()])) <= handed_in.MOST_FILE_BYTES


def test_looking_ends_inside_one_huge_folder(handed, monkeypatch):
    looked_at = []
    for number in range(300):
        at(handed, f"many/{number}")
    monkeypatch.setattr(handed_in, "MOST_NAMES", 100)
    scandir = os.scandir

    class Counted:
        def __init__(self, path):
            self.entries = scandir(path)

        def __enter__(self):
            return (entry for entry in self.entries if looked_at.append(entry.path) is None)

        def __exit__(self, *error):
            self.entries.close()

    monkeypatch.setattr(handed_in.os, "scandir", Counted)
    assert read(handed).left_out == ["many/"] and sum("/many/" in path for path in looked_at) < 101


def test_a_report_lists_a_few_of_the_names_left_out(handed):
    for number in range(100):
        (handed / f"link-{number}").symlink_to("/etc/passwd")
    left = read(handed).left_out
    assert len(left) == handed_in.MOST_TOLD + 1 and left[-1] == "…"


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01 00:00:00 UTC",
        "2026-01-01 00:00:00 America/Toronto",
        "2026/01/01 10:00:00 UTC",
        "2026/01/01",
    ],
)
def test_a_time_of_handing_in_is_taken_as_it_is(handed, text):
    at(handed, "timestamp.txt", text.encode())
    assert read(handed).timestamp == text


def test_no_time_of_handing_in_names_a_file_as_its_zone(handed):
    at(handed, "timestamp.txt", b"2026-01-01 00:00:00 /etc/localtime")
    assert read(handed).timestamp == "2026-01-01 00:00:00 ?etc?localtime"


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied"),
        OSError(36, "File name too long"),
        UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed"),
    ],
)
def test_whatever_a_file_system_says_of_a_submission_is_its_own_cause(handed, monkeypatch, error):
    def refuse(*arguments):
        raise error

    monkeypatch.setattr(handed_in, "_walk", refuse)
    found = read(handed)
    assert found.problem == "file" and found.detail


@pytest.mark.parametrize(
    "student", ["anne.roy", "Élise", "ᐃᓄᒃ", "a b", "lab", "a*", "x" * 128, "b[1]"]
)
def test_ids_that_people_use_are_usable(student):
    assert is_usable(student)


@pytest.mark.parametrize(
    "student", ["", "x" * 129, "a\tb", "a\u202eb", "a\u200bb", "\udce9", "a\\b", "\u3164"]
)
def test_ids_that_no_screen_shows_are_not(student):
    assert not is_usable(student)


def test_a_notebook_that_nbformat_refuses_is_written_without_what_breaks_it():
    cells = [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "source": "1",
            "execution_count": None,
            "outputs": [{"output_type": "nonsense"}],
        }
    ]
    written = json.loads(autograded.as_notebook(MarkedNotebook(cells=cells), {}))
    assert written["cells"][0]["outputs"] == [] and written["cells"][0]["source"] == "1"


# What a terminal gets


ATTACKS = {
    "\x1b[2J\x1b[31m": "\\x1b[2J\\x1b[31m",
    "\x1b]0;title\x07": "\\x1b]0;title\\x07",
    "a\rb": "a\\x0db",
    "a\bb": "a\\x08b",
    "\x9b31m": "\\x9b31m",
    "ab\u202etxt.exe": "ab\\u202etxt.exe",
    "\u2066x\u2069": "\\u2066x\\u2069",
    "a\u200bb\u2060": "a\\u200bb\\u2060",
    "\ufeff": "\\ufeff",
    "\u2028": "\\u2028",
    "\udce9": "\\udce9",
    "\U000e0041": "\\U000e0041",
    "\u3164": "\\u3164",
    "\x7f\0": "\\x7f\\x00",
}
PLAIN = [
    "Élise « 10 % »",
    "l’été : 3\u00a0%",
    "1\u202f000",
    "ᐃᓄᒃᑎᑐᑦ",
    "e\u0301",
    "–…",
    "日本語",
    "a\\b",
]


@pytest.mark.parametrize(("text", "shown"), ATTACKS.items())
def test_marks_that_move_or_hide_text_are_spelled_out(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize("text", PLAIN)
def test_text_that_people_write_is_left_as_it_is(text):
    assert visible(text) == text


@pytest.fixture
def printed() -> io.StringIO:
    """What the commands' console prints."""
    return io.StringIO()


@pytest.mark.parametrize(("text", "shown"), ATTACKS.items())
def test_whatever_a_console_prints_is_spelled_out(printed, text, shown):
    console = console_for_people(file=printed, width=200)
    table = Table(title=text)
    table.add_column(text)
    table.add_row(text)
    console.print(table)
    console.print(text)
    say(console, f"said: {text}")
    lines = printed.getvalue()
    assert shown in lines.splitlines()[-1] and all(
        mark.isprintable() for mark in lines if mark != "\n"
    )


def test_a_cell_is_no_markup(printed):
    table = Table()
    table.add_row("[/b][red]x")
    console_for_people(file=printed, width=80).print(table)
    assert "[/b][red]x" in printed.getvalue()


def run(*arguments: str) -> str:
    """What a command prints, in both its streams."""
    done = subprocess.run(
        [sys.executable, "-m", "grader", *arguments], capture_output=True, timeout=300
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode("utf-8", "replace")
    return (done.stdout + done.stderr).decode()


def is_fit_for_a_screen(text: str) -> bool:
    return all(mark.isprintable() or mark in "\n\u00a0\u202f" for mark in text)


FAILS = """
# %% grade_id=total
raise ValueError("\\x1b[2Jcleared \\u202e reversed \\r gone")
"""


def test_the_commands_print_no_mark_that_a_learner_chose(course, outcome, tmp_path):
    coursework.hand_in(course, "raises", "one", FAILS)
    shutil.copytree(course / "submitted" / "honest", course / "submitted" / "cut")
    (course / "submitted" / "cut" / "one" / "one.ipynb").unlink()
    for name in ("\x1b[31mnothing\u202e.ipynb", "other.ipynb"):
        at(course / "submitted" / "cut" / "one", name, b"{}")
    (tmp_path / "people.csv").write_text("id,name\nhonest,Honest Person\n")
    at(tmp_path / "in", "Honest Person \x1b[31m\u202e/\x1b[2Jx.ipynb")
    at(tmp_path / "in", b"Honest Person \xe9/x.ipynb")
    report = tmp_path / "report.json"
    shown = {
        "grade": run("grade", "one", "--course", str(course), "--json", str(report)),
        "verify": run("verify", "one", "--course", str(course)),
        "collect": run(
            "collect",
            str(tmp_path / "in"),
            "--roster",
            str(tmp_path / "people.csv"),
            "--course",
            str(course),
        ),
        "report": run("report", "one", "--course", str(course)),
        "forget": run("forget", "--yes", "\x1b[31mnobody", "--course", str(course)),
        "usage": run("grade", "one", "two\x07"),
    }
    assert all(map(is_fit_for_a_screen, shown.values())), shown
    assert "caf\\udce9" in shown["grade"] and "\\x1b[31mnothing\\u202e" in shown["grade"]
    assert (
        "\\x1b" in shown["collect"]
        and "\\x1b[31mnobody" in shown["forget"]
        and "\\x07" in shown["usage"]
    )
    assert len(json.loads(report.read_bytes())["submissions"]) == len(outcome.submissions) + 2
