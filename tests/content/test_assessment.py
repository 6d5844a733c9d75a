"""Are the two forms of the session's test parallel, tied to the lessons, fair to answer, and what
their bank makes?"""

import copy
import re
import shutil

import pytest
from click.testing import CliRunner

from curriculum import assessment, notebooks, release
from curriculum.__main__ import curriculum
from curriculum.lessons import LANGUAGES, Curriculum
from curriculum.rules.exercises import of_assessment

BANK = assessment.read(release.COURSE)
ONE_DAY = {
    lesson.slug
    for path in Curriculum.read().paths
    if path.name == "one-day"
    for lesson, _ in path.steps(Curriculum.read())
}
ITEMS = [
    pytest.param(pair, form, id=f"{form} {pair['name']}")
    for pair in BANK["pair"]
    for form in assessment.FORMS
]


def objectives(slug: str, language: str) -> list[str]:
    notebook = notebooks.read(Curriculum.read().lesson(slug).path(language))
    source = next(cell.source for cell in notebook.cells if "objectives" in notebooks.tags(cell))
    return [
        line.removeprefix("- ").replace("*", "").rstrip(";.")
        for line in source.splitlines()
        if line[:2] == "- "
    ]


def test_the_committed_notebooks_are_what_the_bank_makes(tmp_path):
    shutil.copyfile(release.COURSE / assessment.BANK, tmp_path / assessment.BANK)
    written = assessment.write(tmp_path)
    assert len(written) == 4
    for path in written:
        assert path.read_bytes() == (release.COURSE / path.relative_to(tmp_path)).read_bytes(), (
            path.name
        )


def test_every_topic_and_every_lesson_of_the_day_is_asked_about():
    assert {pair["topic"] for pair in BANK["pair"]} == set(BANK["topics"])
    assert {pair["lesson"] for pair in BANK["pair"]} == ONE_DAY
    assert all(
        sum(pair["topic"] == topic for pair in BANK["pair"]) >= 2 for topic in BANK["topics"]
    )


@pytest.mark.parametrize("pair", BANK["pair"], ids=lambda pair: pair["name"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_objective_is_word_for_word_one_that_the_day_teaches(pair, language):
    found = objectives(pair["lesson"], language)
    assert (
        pair["objective"][language] in found
    )  # those of the whole lesson alone end with a note that says so


@pytest.mark.parametrize(("pair", "form"), ITEMS)
def test_an_item_has_no_option_that_speaks_of_the_others(pair, form):
    texts = " ".join(pair[form][letter][language] for letter in "ABCD" for language in LANGUAGES)
    others = (
        r"of the above|all of these|none of these|ci-dessus|toutes ces|aucune de ces|\b[A-D] "
        r"(and|et) "
    )
    assert not re.search(others, texts, re.I)


@pytest.mark.parametrize("form", assessment.FORMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_form_is_passed_by_choosing_the_longest_or_shortest_option(form, language):
    lengths = [
        {letter: len(pair[form][letter][language]) for letter in "ABCD"} for pair in BANK["pair"]
    ]
    right = [assessment.key(pair, form) for pair in BANK["pair"]]
    assert (
        sum(each[letter] == max(each.values()) for each, letter in zip(lengths, right, strict=True))
        <= 3
    )
    assert (
        sum(each[letter] == min(each.values()) for each, letter in zip(lengths, right, strict=True))
        <= 3
    )


def test_the_right_letters_are_spread_and_differ_between_the_forms():
    keys = {
        form: [assessment.key(pair, form) for pair in BANK["pair"]] for form in assessment.FORMS
    }
    for letters in keys.values():
        assert {letters.count(letter) for letter in "ABCD"} <= {2, 3}
    assert all(one != other for one, other in zip(keys["pre"], keys["post"], strict=True))


@pytest.mark.parametrize(("pair", "form"), ITEMS)
def test_no_item_needs_a_date_or_year(pair, form):
    text = " ".join(text[language] for text in pair[form].values() for language in LANGUAGES)
    assert not re.search(r"\b(19|20)\d\d\b", text)


def test_every_misconception_of_the_bank_is_used_and_does_not_give_the_answer_away():
    used = {
        pair[form][letter].get("is")
        for pair in BANK["pair"]
        for form in assessment.FORMS
        for letter in "ABCD"
    }
    assert used - {None} == set(BANK["misconceptions"])
    for idea in BANK["misconceptions"].values():
        said = " ".join(idea.values())
        assert not any(
            pair[form][assessment.key(pair, form)][language] in said
            for pair in BANK["pair"]
            for form in assessment.FORMS
            for language in LANGUAGES
        )


@pytest.mark.parametrize("form", assessment.FORMS)
def test_what_is_released_shows_no_right_letter(form):
    english, _ = assessment.build(BANK, form)
    for pair in BANK["pair"]:
        cells = notebooks.cells_by_id(english)
        shown = re.sub(
            r"### BEGIN.*?### END [A-Z ]+", "", cells[f"{pair['name']}-test"].source, flags=re.S
        )
        assert "misconception" not in shown and 'equal_to="' not in shown


def lose(*path):
    def change(bank):
        place = bank["pair"][3]
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def put(value, *path):
    def change(bank):
        place = bank["pair"][3]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lose("post"), "post is missing"),
        (lose("pre", "D"), "options A to D"),
        (lose("pre", "B", "is"), "exactly one"),
        (lose("pre", "stem", "fr"), "lacks a language"),
        (put("weather", "topic"), "topic"),
        (put("unheard-of", "pre", "B", "is"), "not in the bank"),
        (put("pipeda", "pre", "B", "is"), "same three"),
        (put("two words", "name"), "variable"),
    ],
)
def test_a_bank_whose_items_are_not_parallel_is_refused_by_name(
    tmp_path, change, says, monkeypatch
):
    bank = copy.deepcopy(BANK)
    change(bank)
    monkeypatch.setattr(assessment.tomllib, "loads", lambda text: bank)
    (tmp_path / assessment.BANK).touch()
    with pytest.raises(assessment.BrokenBank, match=says) as refused:
        assessment.read(tmp_path)
    assert bank["pair"][3]["name"] in str(refused.value)


def test_a_private_bank_makes_private_forms(tmp_path):
    text = (release.COURSE / assessment.BANK).read_text("utf-8")
    (tmp_path / assessment.BANK).write_text(
        text.replace("Two datasets wait for release.", "A private case."), "utf-8"
    )
    done = CliRunner().invoke(
        curriculum, ["assessment", "--course", str(tmp_path)], standalone_mode=False
    )
    assert done.exception is None
    assert "A private case." in (tmp_path / "source/pre-assessment/pre-assessment.ipynb").read_text(
        "utf-8"
    )


def test_a_course_without_a_bank_is_refused(tmp_path):
    with pytest.raises(assessment.BrokenBank, match=assessment.BANK):
        assessment.read(tmp_path)


@pytest.mark.parametrize("form", assessment.FORMS)
def test_a_form_that_lacks_a_task_or_asks_for_a_memo_is_complained_of(form):
    english, french = assessment.build(BANK, form)
    assert of_assessment(english, french) == []
    memo = copy.deepcopy(notebooks.cells_by_id(english)["words-test"])
    memo.metadata["nbgrader"] |= {"solution": True, "locked": False, "grade_id": "memo"}
    english.cells = [cell for cell in english.cells if cell["id"] != "rate-test"] + [memo]
    said = " ".join(of_assessment(english, french))
    assert "9 auto-graded tasks; 10 to 10" in said and "no answer that people read" in said
