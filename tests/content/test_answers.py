"""Do the exercises' tests accept every right answer, however written, and refuse wrong ones with
the reason?

The answers are data, tests/answers/NN-slug.toml: for each task, right ones written differently,
plausible wrong ones with a word that the message must say, and the few wrong ones that pass, each
with its reason. Marks are given on altered tables, so wrong answers are tried there; right ones
must be accepted there and on the shipped tables. Those of the session's two tests follow from their
bank of items: each wrong letter must meet the misconception it is tied to.
"""

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from commons.errors import CheckFailed
from curriculum import assessment, notebooks, release
from tests.helpers.places import ROOT, reading

FILES = sorted((ROOT / "tests" / "answers").glob("*.toml"))
ANSWERS = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in FILES}


def answers_of_form(bank: dict, form: str) -> dict:
    """Return the right and wrong answers of a form of the session's tests, as the files of
    tests/answers/ have them."""
    tasks = []
    for pair in bank["pair"]:
        name, right = pair["name"], assessment.key(pair, form)
        ideas = {
            letter: bank["misconceptions"][pair[form][letter]["is"]]["en"]
            for letter in "ABCD"
            if letter != right
        }
        wrong = [
            {"code": f'{name} = "{letter}"', "why": idea, "says": re.escape(idea)}
            for letter, idea in ideas.items()
        ]
        wrong += [
            {"code": f"{name} = {written}", "why": "no letter", "says": says}
            for written, says in (
                ('"E"', "none of the four"),
                ('"?"', "none of the four"),
                ('" "', "none of the four"),
                ('""', "One letter"),
                (f'"{right}."', "One letter"),
                ('"AB"', "One letter"),
                (f'["{right}"]', "text"),
                ("1", "text"),
                ("None", "text"),
                ("True", "text"),
            )
        ]
        ways = (f'"{right}"', f"'{right}'", f'"{right.lower()}"', f'str("{right}")')
        tasks.append({"name": name, "right": [f"{name} = {way}" for way in ways], "wrong": wrong})
    return {"task": tasks}


BANK = assessment.read(release.COURSE)
ANSWERS |= {name: answers_of_form(BANK, form) for form, name in assessment.FORMS.items()}
TASKS = [(name, task["name"]) for name, answers in ANSWERS.items() for task in answers["task"]]


def task(exercise: str, name: str) -> dict:
    return next(each for each in ANSWERS[exercise]["task"] if each["name"] == name)


@pytest.fixture(scope="module")
def altered_tables(tmp_path_factory) -> Path:
    import altered

    return altered.build(tmp_path_factory.mktemp("altered"))


@pytest.fixture(scope="module", params=["altered", "shipped"])
def tables(request, altered_tables):
    return altered_tables if request.param == "altered" else ROOT / "datasets"


@pytest.fixture(scope="module")
def warm(altered_tables):
    """One warm namespace per exercise and table: set-up and solutions have run, tests have not."""
    import matplotlib

    matplotlib.use("Agg")
    made: dict[tuple, tuple[dict, dict]] = {}

    def namespace(exercise: str, folder: Path) -> tuple[dict, dict]:
        if (exercise, folder) not in made:
            with reading(folder):
                master = notebooks.read(release.COURSE / "source" / exercise / f"{exercise}.ipynb")
                names: dict = {"__name__": "__main__"}
                tests = {}
                for cell in notebooks.code(master):
                    about = cell.metadata.get("nbgrader", {})
                    if about.get("locked"):
                        tests[about["grade_id"]] = compile(cell.source, about["grade_id"], "exec")
                    else:
                        exec(compile(cell.source, cell["id"], "exec"), names)
                made[exercise, folder] = names, tests
        return made[exercise, folder]

    return namespace


def outcome(code: str, exercise: str, name: str, folder: Path, warm) -> str | None:
    """Run an answer, then its test; return None if accepted, else the English message."""
    names, tests = warm(exercise, folder)
    own = {
        key: value.copy() if isinstance(value, (pd.DataFrame, pd.Series)) else value
        for key, value in names.items()
    }
    own[name] = ...
    with reading(folder):
        try:
            exec(compile(code, "answer", "exec"), own)
        except Exception:
            own[name] = ...  # an answer that fails leaves the task unanswered, as in a notebook
        try:
            exec(tests[f"{name}-test"], own)
        except CheckFailed as refused:
            return refused.sentence.english
    return None


@pytest.mark.parametrize(("exercise", "name"), TASKS)
def test_right_answers_are_accepted_however_they_are_written(warm, tables, exercise, name):
    right = task(exercise, name)["right"]
    assert len(right) >= 3
    refused = {
        code: said for code in right if (said := outcome(code, exercise, name, tables, warm))
    }
    assert refused == {}


@pytest.mark.parametrize(("exercise", "name"), TASKS)
def test_wrong_answers_are_refused_with_a_message_that_names_the_fault(
    warm, altered_tables, exercise, name
):
    found = task(exercise, name)
    assert len(found["wrong"]) + len(found.get("passes", [])) >= 10
    for wrong in found["wrong"]:
        said = outcome(wrong["code"], exercise, name, altered_tables, warm)
        assert said is not None, f"accepted: {wrong['code']} ({wrong['why']})"
        assert re.search(wrong["says"], said, re.I), f"{wrong['code']}\n{said}"


@pytest.mark.parametrize(("exercise", "name"), TASKS)
def test_wrong_answers_said_to_pass_do_pass_and_say_why(warm, altered_tables, exercise, name):
    for passing in task(exercise, name).get("passes", []):
        assert len(passing["reason"]) > 20
        assert outcome(passing["code"], exercise, name, altered_tables, warm) is None


@pytest.mark.parametrize("exercise", ANSWERS)
def test_at_least_95_percent_of_wrong_answers_are_refused(exercise):
    wrong = sum(len(each["wrong"]) for each in ANSWERS[exercise]["task"])
    passing = sum(len(each.get("passes", [])) for each in ANSWERS[exercise]["task"])
    assert wrong / (wrong + passing) >= 0.95


@pytest.mark.parametrize("exercise", release.assignments())
def test_every_auto_graded_task_has_its_answers(exercise):
    master = notebooks.read(release.COURSE / "source" / exercise / f"{exercise}.ipynb")
    ids = [
        cell.metadata["nbgrader"]["grade_id"]
        for cell in notebooks.code(master)
        if "nbgrader" in cell.metadata
    ]
    assert [each for each in ids if not each.endswith("-test")] == [
        each["name"] for each in ANSWERS[exercise]["task"]
    ]


@pytest.mark.parametrize(("exercise", "name"), TASKS)
def test_an_unanswered_task_is_told_apart(warm, altered_tables, exercise, name):
    said = outcome("pass", exercise, name, altered_tables, warm)
    assert said is not None and "not answered" in said
