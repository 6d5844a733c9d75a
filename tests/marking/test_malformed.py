"""Is every honest submission graded, and every malformed one graded fairly or named with
its cause?"""

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.helpers import coursework, malformed
from tests.helpers.sources import TWO_TASKS

HONEST = 100
KINDS = {name: kind for name, kind in malformed.ALL.items() if not kind.big}


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> dict:
    """The machine-readable report over a hundred honest submissions and one of each
    malformed kind."""
    course = coursework.build_course_of_one(TWO_TASKS, tmp_path_factory.mktemp("course"))
    good = (coursework.hand_in_solution(course, "honest-000", "one") / "one.ipynb").read_bytes()
    for number in range(1, HONEST):
        shutil.copytree(
            course / "submitted" / "honest-000", course / "submitted" / f"honest-{number:03}"
        )
    for name, kind in KINDS.items():
        folder = course / "submitted" / student(name) / "one"
        folder.mkdir(parents=True)
        kind.write(good, folder)
    file = tmp_path_factory.mktemp("report") / "report.json"
    command = [
        sys.executable,
        "-m",
        "grader",
        "grade",
        "one",
        "--course",
        str(course),
        "--json",
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1, done.stderr
    found = msgspec.json.decode(Path(file).read_bytes())
    return {each["student"]: each for each in found["submissions"]}


def student(kind: str) -> str:
    return f"malformed-{kind.replace('_', '-')}"


def points(submission: dict) -> dict[str, float | None]:
    return {
        cell: mark["points"]
        for marks in submission["marks"].values()
        for cell, mark in marks.items()
    }


def test_there_are_thirty_kinds():
    assert len(KINDS) >= 30


def test_every_honest_submission_has_its_marks(report):
    honest = [each for name, each in report.items() if name.startswith("honest-")]
    assert len(honest) == HONEST
    assert all(each["state"] == "graded" for each in honest)
    assert all(
        points(each) == {"double-test": 2.0, "total-test": 3.0, "memo": None} for each in honest
    )


@pytest.mark.parametrize("name", KINDS)
def test_it_is_graded_fairly_or_named(report, name):
    submission, kind = report[student(name)], KINDS[name]
    if submission["state"] == "failed":
        assert "named" in kind.expect, submission["reason"]
        assert submission["reason"]["en"] and submission["reason"]["fr"]
        return
    got = points(submission)
    if "graded" in kind.expect and "graded-less" not in kind.expect:
        assert (got["double-test"], got["total-test"]) == (2.0, 3.0), kind.why
    else:
        assert "graded-less" in kind.expect, kind.why
        assert got["double-test"] <= 2.0 and got["total-test"] <= 3.0
