"""Is the plan of lessons one that can be taught: prerequisites first, minutes that fit, files that
agree?"""

import re

import pytest

from curriculum import assessment
from curriculum.lessons import Curriculum
from portail import datasets
from tests.helpers.places import ROOT

PLAN = Curriculum.read()
TAUGHT_A_DAY, TAUGHT_A_HALF_DAY = 300, 180


def unmet(path) -> list[str]:
    """Return the hard prerequisites that do not come first on a path; a core cut needs the core of
    lesson 01 alone."""
    seen, missing = [], []
    for lesson, core in path.steps(PLAN):
        needs = (
            [PLAN.lessons[0].slug]
            if core and lesson is not PLAN.lessons[0]
            else []
            if core
            else lesson.needs
        )
        missing += [f"{lesson.slug} before {need}" for need in needs if need not in seen]
        seen.append(lesson.slug)
    return missing


@pytest.mark.parametrize("path", PLAN.paths, ids=lambda path: path.name)
def test_hard_prerequisites_come_first_on_every_path(path):
    assert unmet(path) == []


def test_a_path_in_the_wrong_order_would_be_seen():
    path = PLAN.paths[0]
    backwards = type(path)("backwards", path.title, 1, 0, tuple(reversed(path.lessons)))
    assert unmet(backwards)


@pytest.mark.parametrize("path", PLAN.paths, ids=lambda path: path.name)
def test_the_minutes_fit_the_days(path):
    room = TAUGHT_A_HALF_DAY if path.days == 0.5 else TAUGHT_A_DAY * path.days
    assert (
        path.minutes(PLAN) <= room * 1.01
    )  # the whole programme is 15 minutes over five days of 300


def test_the_whole_programme_is_every_lesson_once_and_1515_minutes():
    whole = next(path for path in PLAN.paths if path.name == "whole-programme")
    assert list(whole.lessons) == [lesson.slug for lesson in PLAN.lessons]
    assert whole.minutes(PLAN) == 1515


def test_a_core_cut_on_a_path_has_its_minutes():
    for path in PLAN.paths:
        assert all(lesson.core_minutes for lesson, core in path.steps(PLAN) if core)


@pytest.mark.parametrize("lesson", PLAN.lessons, ids=lambda lesson: lesson.slug)
def test_a_lesson_is_in_both_languages_or_in_neither_and_has_its_exercise(lesson):
    files = [
        lesson.path("en").is_file(),
        lesson.path("fr").is_file(),
        lesson.exercise().is_file(),
        (ROOT / "exercises" / "french" / f"{lesson.slug}.ipynb").is_file(),
    ]
    assert len(set(files)) == 1


@pytest.mark.parametrize("lesson", PLAN.lessons, ids=lambda lesson: lesson.slug)
def test_a_lessons_data_are_here(lesson):
    assert set(lesson.data) <= set(datasets.names())


@pytest.mark.parametrize("lesson", PLAN.written(), ids=lambda lesson: lesson.slug)
def test_a_lesson_loads_the_data_that_its_plan_names(lesson):
    text = lesson.path("en").read_text("utf-8")
    loaded = set(re.findall(r'portail\.load\(\\"([\w-]+)\\"\)', text))
    assert loaded == set(lesson.data)


def test_no_notebook_lies_about_without_a_plan():
    planned = {lesson.slug for lesson in PLAN.lessons}
    found = {
        path.stem
        for path in [*ROOT.glob("notebooks/*/*.ipynb"), *ROOT.glob("exercises/source/*/*.ipynb")]
    }
    assert found <= planned | assessment.ASSIGNMENTS
