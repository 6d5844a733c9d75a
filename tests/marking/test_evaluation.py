"""Does the evaluation find what was planted, name nobody, and hide small groups so that nothing
gives them back?"""

import csv
import io
import itertools
import random
import re
from collections import defaultdict

import msgspec
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import grader
from curriculum import assessment, release
from grader.cli.main import grader as command
from grader.evaluation import compute, disclosure, inputs, programme, report_pages
from grader.evaluation.disclosure import HIDDEN, Figure
from grader.reports import moderation, statistics
from tests.helpers import cohort
from tests.helpers.browser import needs_browser, violations

BANK = assessment.read(release.COURSE)
TOML = cohort.TOML.partition("[[counter]]")[0]


# The synthetic cohort -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(confined, tmp_path_factory):
    """The session graded, its memos read by two, and its evaluation written."""
    folder = tmp_path_factory.mktemp("session")
    course = cohort.make(folder)
    for name in (*assessment.FORMS.values(), cohort.EXERCISE):
        grader.grade(course, name, workers=2)
    sheets = moderation.lay_out(course, cohort.EXERCISE, folder / "markers", seed=1)[1:]
    for at, sheet in enumerate(sheets):
        with open(sheet, encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
        for number, line in enumerate(lines):
            line["points"] = 4 + number % 4 + (at and number % 5 == 0)
        cohort.table(sheet, list(lines[0]), [list(line.values()) for line in lines])
    moderation.settle(course, cohort.EXERCISE, *sheets, enter=True)
    done = CliRunner().invoke(
        command,
        ["evaluate", str(folder / "programme.toml"), "--out", str(folder / "out")],
        standalone_mode=False,
    )
    assert done.exception is None, done.exception
    return folder


@pytest.fixture(scope="module")
def found(folder):
    return compute.evaluate(folder / "programme.toml")


@pytest.mark.thorough
def test_the_planted_gains_are_recovered_within_their_intervals(found):
    assert len(found.topics) == 4
    for each in found.topics:
        topic = next(name for name, text in BANK["topics"].items() if text["en"] == each.name.en)
        assert each.low.value <= cohort.PLANTED[topic] <= each.high.value
        assert each.gain.value == pytest.approx(cohort.PLANTED[topic], abs=0.03)


@pytest.mark.thorough
def test_who_missed_a_test_counts_in_no_gain_and_the_report_says_how_many_as_far_as_it_may(
    folder, found
):
    assert (found.both, found.one_or_none) == (Figure("above", 17), Figure("below", 10))
    small = compute.evaluate(folder / "programme.toml", minimum=3)
    assert (small.both, small.one_or_none) == (Figure("exact", 24), Figure("exact", 3))


@pytest.mark.thorough
def test_the_counters_of_commitment_6_stand_one_for_one_beside_those_of_the_session(found):
    assert len(found.counters) == 23
    here = {line.key: line.here for line in found.counters}
    assert (
        here["events"].value == 1
        and here["learners"].value == 27
        and here["registrations"].value == 31
    )
    assert (
        here["organizations"].value == 3
    )  # the same one twice in other capitals, and one that is a formula
    assert here["audience-external"] == Figure("below", 10) and here["visits"] == disclosure.NONE
    assert [line.value for line in found.counters[:3]] == [34, 1800, 26]


@pytest.mark.thorough
def test_the_hardest_task_the_memos_and_their_agreement_are_told(found):
    assert found.hardest_task.endswith("late_departments-test")
    memo = found.memos[0]
    assert memo.points.value == pytest.approx(5.6, abs=0.3) and memo.kappa.value > 0.8
    assert found.exercises[0].handed_in == Figure("above", 0.6)


@pytest.mark.thorough
def test_no_name_id_or_organization_is_in_any_file(folder):
    written = {path.name: path.read_text("utf-8-sig") for path in (folder / "out").iterdir()}
    assert len(written) == 9
    for name, text in written.items():
        for private in (
            "synthetic-",
            "Zoë",
            "Person ",
            "cmd|",
            "HYPERLINK",
            "Ministère synth",
            "Signed",
            "<script",
            "example.org",
        ):
            assert private not in text, f"{private} in {name}"


@pytest.mark.thorough
def test_the_same_figures_stand_in_both_languages_and_the_word_synthetic_on_all(folder):
    shown = BeautifulSoup((folder / "out" / "evaluation.html").read_text("utf-8"), "html.parser")
    english, french = (
        [re.sub(r"\D", "", cell.get_text()) for cell in section.find_all("td", class_="n")]
        for section in shown.find_all("section")
    )
    assert english == french and len(english) > 100
    assert all("SYNTHETIC" in caption.get_text() for caption in shown.find_all("caption"))
    assert all("SYNTHETIC" in drawing["aria-label"] for drawing in shown.find_all("svg"))
    for path in (folder / "out").glob("*.csv"):
        lines = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
        assert {line[0] for line in lines[1:]} <= {report_pages.SYNTHETIC}, path.name


@needs_browser
@pytest.mark.thorough
def test_the_page_has_no_barrier(folder, page):
    page.goto((folder / "out" / "evaluation.html").as_uri())
    assert violations(page) == []


# Gains --------------------------------------------------------------------------------------------


points = st.lists(st.integers(0, 3), min_size=1, max_size=40)


@given(points)
@settings(max_examples=30)
def test_identical_answers_gain_nothing_and_a_perfect_second_test_gains_all(before):
    if min(before) == 3:
        return
    assert statistics.gain(before, before, 3).gain == 0
    perfect = statistics.gain(before, [3] * len(before), 3)
    assert perfect.gain == 1 and (len(before) == 1 or perfect.low in (1, None))


def test_who_knew_everything_before_has_no_gain_and_nobody_has_none():
    assert statistics.gain([3, 3], [3, 2], 3).gain is None
    assert statistics.gain([], [], 3) == statistics.Gain(0, None, None, None)
    assert statistics.gain([1], [2], 3).low is None


def test_the_interval_is_the_same_each_time_and_holds_the_truth_about_as_often_as_it_says():
    chance, held = np.random.default_rng(1), 0
    for _ in range(200):
        before = chance.random((27, 3)) < 0.35
        after = before | (chance.random((27, 3)) < 0.45)
        found = statistics.gain(before.sum(axis=1), after.sum(axis=1), 3)
        held += found.low <= 0.45 <= found.high
    assert 0.87 <= held / 200 <= 0.99
    assert found == statistics.gain(before.sum(axis=1), after.sum(axis=1), 3)


# Suppression --------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 60), max_size=8), st.integers(3, 20))
def test_no_total_gives_a_cell_back(counts, minimum):
    shown, total = disclosure.cells(counts, minimum)
    assert all(figure == HIDDEN or figure.value >= minimum for figure in shown)
    if total.how == "exact":
        hidden = [figure == HIDDEN for figure in shown]
        left = total.value - sum(figure.value for figure in shown if figure != HIDDEN)
        assert not any(hidden) or (
            sum(hidden) >= 2 and left >= minimum
        )  # each could be anything from 0 to that


@pytest.mark.parametrize("size", [1, 2, 3])
def test_who_knows_the_rule_cannot_tell_a_hidden_cell_either(size):
    """Every table that shows the same is tried: each hidden cell must have several possible
    values."""
    same = defaultdict(list)
    for counts in itertools.product(range(16), repeat=size):
        shown, total = disclosure.cells(list(counts), 3)
        same[tuple(shown), total].append(counts)
    for (shown, total), tables in same.items():
        if (total.value or 0) > 15:
            continue  # not every table of such a total was tried
        for at, figure in enumerate(shown):
            if figure == HIDDEN:
                assert len({table[at] for table in tables}) >= 2


@pytest.mark.parametrize("minimum", [3, 5, 10])
def test_a_share_beside_its_whole_does_not_tell_a_small_group(minimum):
    for whole in range(1, 61):
        same = defaultdict(list)
        for part in range(whole + 1):
            figures = (
                disclosure.parts(part, whole, minimum),
                disclosure.share(part, whole, minimum),
            )
            same[figures].append(part)
            exact = [figure.value for figure in figures[0] if figure.how == "exact"]
            assert all(value >= minimum for value in exact)
        for possible in same.values():
            small = [part for part in possible if part < minimum or whole - part < minimum]
            assert not small or len(possible) >= min(minimum, whole + 1)


@pytest.mark.parametrize("people", [10, 15, 20, 23, 27, 31, 40])
def test_the_gain_of_one_item_does_not_tell_how_many_got_it_wrong(people):
    same = defaultdict(set)
    for left, wrong in itertools.product(range(1, people + 1), range(people + 1)):
        shown = compute._gained(1 - wrong / left, people, 10, coarse=True)
        same[shown].add(wrong)
    assert all(len(wrong) > 1 for wrong in same.values())


@pytest.mark.parametrize("minimum", [2, 0, -1])
def test_groups_under_three_are_never_shown(tmp_path, minimum):
    with pytest.raises(compute.TooFew, match="never shown"):
        compute.evaluate(tmp_path / "programme.toml", minimum)


# Other cohorts, and broken files ------------------------------------------------------------------


def held(people: int, after: bool = True, seed: int = 0, number: int = 0) -> inputs.Held:
    """Return a session as if read, with random answers."""
    chance, keys = random.Random(seed), [f"{number}-{each}" for each in range(people)]
    names = [pair["name"] for pair in BANK["pair"]]

    def table():
        return pd.DataFrame(
            [[float(chance.random() < 0.5) for _ in names] for _ in keys], keys, names
        )

    bank = inputs._bank(type("Course", (), {"root": release.COURSE}))
    tests = {"pre": table()} | ({"post": table()} if after else {})
    plan = programme.msgspec.convert(programme.tomllib.loads(TOML), programme.Programme).session[0]
    return inputs.Held(
        plan,
        dict.fromkeys(keys, "@SUM(1) <b>"),
        bank,
        tests,
        [],
        pd.DataFrame(columns=["language", *programme.SCALES]),
    )


def plan_of() -> programme.Programme:
    return programme.msgspec.convert(programme.tomllib.loads(TOML), programme.Programme)


@pytest.mark.parametrize("people", [[0], [1], [9], [10], [19], [27, 4], [27, 27, 3], [3, 4, 2]])
@pytest.mark.parametrize("after", [True, False])
def test_empty_and_tiny_cohorts_and_a_missing_second_test_give_a_report(people, after, tmp_path):
    sessions = [held(each, after, number, number) for number, each in enumerate(people)]
    found = compute.of_sessions(plan_of(), sessions, 10)
    written = [path.read_text("utf-8-sig") for path in report_pages.write(found, tmp_path)]
    assert "object at 0x" not in written[0]  # a word of the page that is Python's instead
    assert not any(
        "@SUM" in text or "nan" in re.sub(r"[a-z]nan|nan[a-z]", "", text) for text in written
    )
    assert ("not graded yet" in written[0]) is not after
    if sum(people) < 10:
        assert found.overall.gain in (HIDDEN, disclosure.NONE) and found.participations.how in (
            "hidden",
            "none",
        )


def test_a_small_session_hides_another_too(tmp_path):
    found = compute.of_sessions(
        plan_of(), [held(each, True, 1, at) for at, each in enumerate((27, 25, 4))], 10
    )
    assert [day.people.how for day in found.days] == ["hidden", "exact", "hidden"]
    assert all(day.gain == HIDDEN for day in found.days[::2]) and found.participations.value == 56


@pytest.mark.parametrize(
    ("courses", "shown"), [(("one", "two"), "exact"), (("one", "one"), "hidden")]
)
def test_answers_that_two_have_read_count_once_a_course(courses, shown):
    sheets = {
        "memo": statistics.Agreement(20, 0.5, 0.75, None, 0.0)
    }  # the same of both courses, by chance
    exercise = inputs.Exercise("one", pd.DataFrame(), {"memo": 8.0}, ["memo"], sheets)
    sessions = [
        msgspec.structs.replace(
            each, plan=msgspec.structs.replace(each.plan, course=course), exercises=[exercise]
        )
        for each, course in zip([held(20, True, 0, 0), held(20, True, 1, 1)], courses, strict=True)
    ]
    assert compute.of_sessions(plan_of(), sessions, 15).memos[0].same.how == shown


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("date = 2026-11-25", "date = 25 novembre"), "line 7"),
        (("date = 2026-11-25\n", ""), "session 1.date is missing"),
        (('place = "in person"', 'place = "nowhere"'), "session 1.place is not right"),
        (("roster =", "rooster ="), "rooster is not known"),
        (('language = "both"', "language = 3"), "session 1.language"),
        (("[programme]", "[program]"), "program"),
    ],
)
def test_a_broken_file_is_named_with_its_line_or_key(tmp_path, change, says):
    (tmp_path / "programme.toml").write_text(TOML.replace(*change), "utf-8")
    with pytest.raises(programme.BrokenProgramme, match=re.escape(says)) as refused:
        compute.evaluate(tmp_path / "programme.toml")
    assert "programme.toml" in refused.value.french and "Traceback" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "attendance.csv",
            "id,organization\nsynthetic-01,A\nstranger,B\n",
            "line 3: this id is not in",
        ),
        ("attendance.csv", "who\nsynthetic-01\n", "columns id are missing"),
        ("attendance.csv", None, "cannot be opened"),
        (
            "forms.csv",
            "language,relevant,clear,pace,confident,recommend\nen,1,2,3,4,6\n",
            "line 2, column recommend",
        ),
        (
            "forms.csv",
            "language,relevant,clear,pace,confident,recommend\nde,1,2,3,4,5\n",
            "line 2: the language",
        ),
        (
            "forms.csv",
            "language,relevant,clear,pace,confident,recommend\n" + "en,1,2,3,4,5\n" * 28,
            "more forms",
        ),
    ],
)
def test_a_list_that_does_not_fit_is_named_with_its_line(tmp_path, name, text, says):
    cohort.lists(tmp_path)
    path = tmp_path / "programme.toml"
    path.write_text(
        TOML.replace('course = "course"\nexercises = ["01-open-government"]\n', ""), "utf-8"
    )
    (tmp_path / name).write_text(text, "utf-8") if text is not None else (tmp_path / name).unlink()
    with pytest.raises(programme.BrokenProgramme, match=says):
        compute.evaluate(path)


def test_a_session_without_a_course_still_has_attendance_and_satisfaction(tmp_path):
    cohort.lists(tmp_path)
    path = tmp_path / "programme.toml"
    path.write_text(
        TOML.replace('course = "course"\nexercises = ["01-open-government"]\n', ""), "utf-8"
    )
    found = compute.evaluate(path)
    assert (
        found.participations.value == 27 and found.ratings and not found.tested and not found.topics
    )
