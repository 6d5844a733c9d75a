"""Does a learner ever lose marks to something other than an answer without being told which, and
where?"""

import json
import subprocess
import sys

import pytest

import grader
from grader.course.folder import Course, NoCourse
from grader.marking.outputs import CUT, MOST_OUTPUTS, Allowance, clean
from grader.sandbox import doctor
from tests.helpers import coursework

OFFER = doctor.offer()
confined = pytest.mark.skipif(
    bool(OFFER.missing), reason="; ".join(map(str, OFFER.missing)) or "nothing is missing"
)

SOURCE = """
# %% grade_id=first kind=solution
### BEGIN SOLUTION
first = [1, 2]
### END SOLUTION

# %% grade_id=first-test kind=test points=1
assert first == [1, 2]

# %% grade_id=second kind=solution
### BEGIN SOLUTION
second = 2
### END SOLUTION

# %% grade_id=second-test kind=test points=1
assert second == 2
"""
RIGHT = "# %% grade_id=first\nfirst = [1, 2]\n\n# %% grade_id=second\nsecond = 2\n"
HAND_INS = {
    "right": RIGHT,
    "wrong": "# %% grade_id=first\nfirst = 3\n\n# %% grade_id=second\nsecond = 3\n",
    "ends": "# %% grade_id=first\nfirst = [1, 2]\n\n# %% grade_id=second\nimport os\nos._exit(0)\n",
    "slow": f"{RIGHT}\n# %% after=first-test\nwhile True: pass\n",
    "lost": "# %% grade_id=first\nfirst = [1, 2]\n\n# %% delete=second\n",
    "retyped": """
# %% grade_id=first
first = [1, 2]

# %% grade_id=second
second = 2

# %% hook
def mangle(notebook):
    for cell in notebook["cells"]:
        cell["metadata"].pop("nbgrader", None)
    return notebook
""",
    "types": "# %% grade_id=first\nimport pandas as pd\nfirst = pd.DataFrame({'a': "
    "[1]}).groupby('a')\n\n"
    "# %% grade_id=second\nsecond = 2\n",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    made = coursework.build_course_of_one(SOURCE, tmp_path_factory.mktemp("causes") / "course")
    with open(made / "nbgrader_config.py", "a") as config:
        config.write('\nc.Grader.limits = {"cell_seconds": 2.0}\n')
    for student, text in HAND_INS.items():
        coursework.hand_in(made, student, "one", text)
    return made


@pytest.fixture(scope="module")
def outcome(course):
    return {each.student: each for each in grader.grade(course, "one").submissions}


def points(submission) -> dict[str, float]:
    return {
        name: mark.points for marks in submission.marks.values() for name, mark in marks.items()
    }


@confined
@pytest.mark.parametrize("student", ["right", "retyped"])
def test_right_work_has_its_marks_whatever_its_cells_have_lost(outcome, student):
    assert points(outcome[student]) == {"first-test": 1.0, "second-test": 1.0}


@confined
def test_cells_that_were_found_without_metadata_are_named(outcome):
    assert [cause for cause, _ in outcome["retyped"].notes] == ["metadata"]
    assert "first, first-test" in outcome["retyped"].said[0].english


@confined
@pytest.mark.parametrize(
    ("student", "where"), [("ends", "(second)"), ("slow", "(while True: pass)"), ("lost", "second")]
)
def test_what_took_marks_is_named_with_its_cell_in_both_languages(outcome, student, where):
    said = outcome[student].said
    assert said and all(where in sentence.english and where in sentence.french for sentence in said)
    assert outcome[student].took_marks is (
        student != "slow"
    )  # an endless cell of one's own costs no answer


@confined
@pytest.mark.parametrize("student", ["right", "wrong", "retyped", "types"])
def test_what_only_answers_cost_is_no_cause(outcome, student):
    assert not outcome[student].took_marks


@confined
def test_an_odd_value_costs_its_own_name_and_says_what_was_expected(outcome):
    marks = {
        name: mark for marks in outcome["types"].marks.values() for name, mark in marks.items()
    }
    assert (marks["first-test"].points, marks["second-test"].points) == (0.0, 1.0)
    assert marks["first-test"].hint.english == (
        "`first` is a grouped table, of which nothing was computed yet (DataFrameGroupBy), which "
        "cannot be marked; I expected a list."
    )
    assert "il faut une liste" in marks["first-test"].hint.french


@confined
@pytest.mark.parametrize(
    ("student", "code"), [("right", 0), ("wrong", 0), ("ends", 1), ("lost", 1)]
)
def test_the_exit_code_and_the_report_say_that_something_is_to_be_looked_at(
    course, outcome, tmp_path, student, code
):
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "grader",
            "--lang",
            "en",
            "grade",
            "one",
            "--course",
            str(course),
            "--student",
            student,
            "--again",
            "--json",
            str(report),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert ("--again" in done.stdout) is bool(code)
    written = json.loads(report.read_text())["submissions"][0]
    assert bool(written["cause"] or written["notes"]) is bool(code)


@confined
def test_the_course_s_own_files_handed_back_with_the_notebook_are_nothing_to_tell(tmp_path):
    course = coursework.build_course_of_one(SOURCE, tmp_path / "course", {"rows.csv": "a\n1\n"})
    folder = coursework.hand_in(course, "right", "one", RIGHT)
    (folder / "rows.csv").write_text("a\n1\n")
    (folder / "own.txt").write_text("mine")
    outcome = grader.grade(course, "one")
    assert not outcome.submissions[0].said and outcome.code == 0
    kept = course / "autograded" / "right" / "one"
    assert (kept / "own.txt").read_text() == "mine" and (kept / "rows.csv").read_text() == "a\n1\n"


def test_a_course_in_which_python_itself_lies_is_refused_by_name(tmp_path, monkeypatch):
    course = coursework.build_course_of_one(SOURCE, tmp_path / "course")
    inside = [course / "source" / "venv"]
    monkeypatch.setattr("grader.course.folder.python_folders", lambda _: inside)
    with pytest.raises(NoCourse, match="Install it elsewhere"):
        Course(course)


def test_a_course_around_which_python_lies_is_hidden_whole(tmp_path, monkeypatch):
    course = coursework.build_course_of_one(SOURCE, tmp_path / "course")
    monkeypatch.setattr("grader.course.folder.python_folders", lambda _: [tmp_path])
    assert str(course) in Course(course).view.hidden


def test_a_course_that_holds_python_is_hidden_in_parts(tmp_path, monkeypatch):
    course = coursework.build_course_of_one(SOURCE, tmp_path / "course")
    monkeypatch.setattr("grader.course.folder.python_folders", lambda _: [course / ".venv"])
    assert {str(course / part) for part in ("source", "gradebook.db")} <= set(
        Course(course).view.hidden
    )


def shown(count: int, text: str = "x") -> list[dict]:
    return [{"output_type": "stream", "name": "stdout", "text": text}] * count


def test_outputs_are_cut_by_their_number_once_and_the_cut_is_said():
    allowance = Allowance(1 << 30)
    kept = [each for _ in range(3) for each in clean(shown(MOST_OUTPUTS), allowance)]
    assert len(kept) == MOST_OUTPUTS and [each.text for each in kept].count(CUT) == 1


def test_outputs_are_cut_by_their_bytes():
    kept = clean(shown(50, "x" * 100_000), Allowance(1 << 20))
    assert sum(len(each.text) for each in kept) < 1 << 20 and kept[-1].text == CUT
