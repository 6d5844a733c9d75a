"""Does each content rule complain of a notebook that breaks it, and of nothing in one that keeps
it?"""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from curriculum import release, translation
from curriculum.__main__ import complaints
from curriculum.lessons import Lesson
from curriculum.notebooks import cells_by_id
from curriculum.rules.exercises import of_exercise, of_release
from curriculum.rules.lessons import of_lesson
from curriculum.rules.texts import typed_numbers

LESSON = Lesson(
    "07-example",
    {"en": "Example", "fr": "Exemple"},
    ("S",),
    30,
    20,
    ("03-trust-this-table",),
    (),
    ("nap5",),
)
CHECK = "\n".join(
    f"<details><summary>{letter}. Option</summary>\n\nThis is why it is so, in a "
    "sentence.\n</details>"
    for letter in "ABC"
)
SHOW = "portail.show(fig, alt=alt, source='nap5')"
CELLS = [
    ("title", ["title", "core"], "# Example", "# Exemple"),
    (
        "facts",
        ["facts", "core"],
        "| 30 minutes | core 20 | after 03 | nap5 |",
        "| 30 minutes | court 20 | 03 | nap5 |",
    ),
    (
        "question",
        ["question", "core"],
        "## The question\n\nWho is late?",
        "## La question\n\nQui est en retard?",
    ),
    (
        "objectives",
        ["objectives"],
        "- *count*\n- *sort*\n- *say*",
        "- *compter*\n- *trier*\n- *dire*",
    ),
    ("language", ["language", "core"], "code:lang = 'en'", "code:lang = 'fr'"),
    ("imports", ["imports", "core"], "code:import portail", "code:import portail"),
    ("predict", ["predict"], "Write down a word.", "Notez un mot."),
    ("run", ["run"], "code:n = 3", "code:n = 3"),
    ("investigate", ["investigate"], "Look again.", "Regardez encore."),
    ("check", ["check"], f"Which one?\n\n{CHECK}", f"Laquelle?\n\n{CHECK} "),
    ("chart", ["figure"], f"code:{SHOW}", f"code:{SHOW}"),
    ("said", ["sentence"], "code:Markdown(f'{n} rows')", "code:Markdown(f'{n} lignes')"),
    ("table", ["figure-table"], "code:table", "code:table"),
    ("faded", ["faded"], "code:x = ...", "code:x = ..."),
    ("practice", ["practice"], "code:y = ...", "code:y = ..."),
    (
        "self-check",
        ["self-check"],
        "code:portail.checks.tell('y', y, int)",
        "code:portail.checks.tell('y', y, int)",
    ),
    ("key-points", ["key-points"], "Key points", "À retenir"),
    ("memo", ["memo"], "The memo", "La note"),
    ("sources", ["sources"], "Sources", "Les sources"),
    ("next", ["next"], "Next", "Ensuite"),
]


def lesson(language: str):
    notebook = new_notebook()
    for name, tags, english, french in CELLS:
        source = english if language == "en" else french
        make = new_code_cell if source.startswith("code:") else new_markdown_cell
        cell = make(source.removeprefix("code:"), metadata={"tags": tags})
        cell["id"] = name
        if cell.cell_type == "code":
            cell.execution_count = 1
            if {"sentence", "self-check"} & set(tags):
                cell.metadata["jupyter"] = {"source_hidden": True}
        notebook.cells.append(cell)
    return notebook


@pytest.fixture
def pair():
    english, french = lesson("en"), lesson("fr")
    translation.stamp(english, french)
    return english, french


def test_the_lessons_and_exercises_of_this_project_keep_every_rule():
    assert complaints() == []


def test_a_good_lesson_has_no_complaint(pair):
    assert of_lesson(LESSON, *pair) == []


def replace(name, source):
    def change(english, french):
        for notebook in (english, french):
            cells_by_id(notebook)[name].source = source

    return change


def drop(name):
    def change(english, french):
        for notebook in (english, french):
            notebook.cells.remove(cells_by_id(notebook)[name])

    return change


def french_only(name, source):
    def change(english, french):
        cells_by_id(french)[name].source = source

    return change


def retag(name, tags):
    def change(english, french):
        for notebook in (english, french):
            cells_by_id(notebook)[name].metadata["tags"] = tags

    return change


def output(cell, **fields):
    def change(english, french):
        cells_by_id(english)[cell].outputs = [nbformat.NotebookNode(fields)]

    return change


def unfold(english, french):
    del cells_by_id(english)["said"].metadata["jupyter"]


def swap(english, french):
    for notebook in (english, french):
        notebook.cells[-1], notebook.cells[-2] = notebook.cells[-2], notebook.cells[-1]


def english_changed(english, french):
    cells_by_id(english)["question"].source += " And why?"


def unrun(english, french):
    cells_by_id(english)["run"].execution_count = None


BROKEN = [
    (drop("memo"), "no cell is tagged memo"),
    (swap, "not in the order"),
    (replace("objectives", "- one"), "1 objectives"),
    (replace("question", "# A second title"), "exactly one title"),
    (replace("question", "#### Too deep"), "level 4 follows"),
    (replace("run", "\n".join(f"n = {n}" for n in range(9))), "9 lines of code"),
    (unfold, "not folded"),
    (retag("run", ["run", "colour"]), "tag colour is not known"),
    (replace("investigate", "You can just look."), "« just »"),
    (french_only("investigate", "C’est facile à voir."), "« facile »"),
    (replace("run", "ax.plot(x)\nplt.subplots()"), "without portail.show"),
    (replace("chart", "portail.show(fig, alt='', source='nap5')"), "no alt="),
    (replace("chart", "portail.show(fig, alt=alt)"), "no source line"),
    (retag("chart", ["run"]), "not tagged figure"),
    (drop("table"), "no table of the chart"),
    (drop("said"), "no visible description"),
    (replace("investigate", "There are 1,597 services."), "number 1,597 is typed"),
    (replace("investigate", "About 52.8 % are complete."), "is typed"),
    (french_only("investigate", "Il y a 1 597 services."), "is typed"),
    (
        replace("check", "<details><summary>A</summary>why it is so, at length</details>"),
        "1 options",
    ),
    (
        replace("check", CHECK.replace("This is why it is so, in a sentence.", "No.")),
        "has no explanation",
    ),
    (drop("check"), "one every 15 minutes"),
    (unrun, "was not run"),
    (output("run", output_type="error", ename="ValueError"), "is an error, ValueError"),
    (output("run", output_type="stream", name="stderr", text="Warning: old"), "holds a warning"),
    (output("run", output_type="stream", name="stdout", text="<f at 0x7f01020304>"), "an address"),
    (replace("run", "n = open('/home/me/nap5.csv')"), "path of a machine"),
    (
        output("run", output_type="stream", name="stdout", text="/tmp/x/nap5.csv"),
        "path of a machine",
    ),
    (replace("facts", "| 45 minutes | 20 | 03 | nap5 |"), "do not say 30"),
    (replace("facts", "| 30 minutes | 20 | 03 | other |"), "do not say nap5"),
    (retag("imports", ["imports"]), "does not stand alone"),
    (french_only("investigate", "Regardez : là."), "« : » needs"),
    (french_only("investigate", "Un « mot » là."), "guillemets need"),
    (french_only("investigate", "Qui\u00a0? Vous."), "before ? and !"),
    (french_only("investigate", 'Le "mot" là.'), "straight quotation"),
    (french_only("run", "n = 4"), "differs by more than its text"),
    (french_only("investigate", "Look again."), "is the English one"),
    (english_changed, "has changed since it was translated"),
]


@pytest.mark.parametrize(("change", "says"), BROKEN, ids=[says for _, says in BROKEN])
def test_a_broken_lesson_is_complained_of(pair, change, says):
    change(*pair)
    assert any(says in each for each in of_lesson(LESSON, *pair)), of_lesson(LESSON, *pair)


@pytest.mark.parametrize(
    "paragraph",
    [
        "On September 19, 2025, the copy had 1,597 services.",
        "The year 2023-2024 has 3 traps.",
        "In 2016 it began.",
        "Run `df[1000]` now.",
        "See [this](https://example.org/1234567).",
        "It takes 15 minutes.",
    ],
)
def test_numbers_that_are_free_or_dated_are_not_complained_of(pair, paragraph):
    cells_by_id(pair[0])["investigate"].source = paragraph
    assert list(typed_numbers(pair[0], "en")) == []


def test_the_code_may_differ_in_its_text_and_comments_only():
    same = translation.code_without_text
    assert same("print(f'{n} rows')  # count") == same("print(f'Il y a {n} lignes')")
    assert same("x['a']") == same("x['b']")
    assert same("n + 1") != same("n + 2")
    assert same("f'{n} of {m}'") == same("f'sur {m}, {n}'")
    assert same("f'{n}'") != same("f'{m}'")


def exercise():
    """Return a small exercise of five tasks and its French text."""
    notebook = new_notebook()
    text = new_markdown_cell("# Exercise")
    text["id"] = "title"
    notebook.cells.append(text)
    for name in "abcde":
        answer = new_code_cell(f"{name} = ...\n### BEGIN SOLUTION\n{name} = 1\n### END SOLUTION")
        answer["id"] = name
        answer.metadata["nbgrader"] = {
            "grade": False,
            "grade_id": name,
            "locked": False,
            "solution": True,
        }
        test = new_code_cell(
            f"portail.checks.expect('{name}', {name}, int)\n### BEGIN HIDDEN TESTS\n"
            f"portail.checks.expect('{name}', {name}, equal_to=1)\n### END HIDDEN TESTS"
        )
        test["id"] = f"{name}-test"
        test.metadata["nbgrader"] = {
            "grade": True,
            "grade_id": f"{name}-test",
            "locked": True,
            "solution": False,
            "points": 2,
        }
        notebook.cells += [answer, test]
    memo = new_markdown_cell("Write here.")
    memo["id"] = "memo"
    memo.metadata["nbgrader"] = {
        "grade": True,
        "grade_id": "memo",
        "locked": False,
        "solution": True,
        "points": 8,
    }
    notebook.cells.append(memo)
    french = new_notebook()
    for cell in (text, memo):
        translated = copy.deepcopy(cell)
        translated.source = "# Exercice" if cell is text else "Écrivez ici."
        french.cells.append(translated)
    translation.stamp(notebook, french)
    return notebook, french


def set_nbgrader(name, **values):
    def change(english, french):
        cells_by_id(english)[name].metadata["nbgrader"].update(values)

    return change


def no_test(english, french):
    english.cells.remove(cells_by_id(english)["a-test"])


def title_changed(english, french):
    english.cells[0].source = "# Other"


def no_hidden(english, french):
    cells_by_id(english)["a-test"].source = "portail.checks.expect('a', a, int)"


def no_visible(english, french):
    cells_by_id(english)["a-test"].source = "### BEGIN HIDDEN TESTS\nassert a\n### END HIDDEN TESTS"


def no_solution(english, french):
    cells_by_id(english)["a"].source = "a = ..."


def no_french(english, french):
    french.cells.pop(0)


def french_test(english, french):
    french.cells.append(copy.deepcopy(cells_by_id(english)["a-test"]))


def french_code(english, french):
    changed = copy.deepcopy(cells_by_id(english)["a"])
    changed.source = "a = 2"
    french.cells.append(changed)


def test_a_good_exercise_has_no_complaint():
    assert of_exercise(*exercise()) == []


BROKEN_EXERCISES = [
    (no_test, "4 auto-graded tasks"),
    (set_nbgrader("b", grade_id="a"), "comes twice"),
    (set_nbgrader("memo", grade=False), "exactly one manually"),
    (set_nbgrader("a-test", locked=False), "is not locked"),
    (set_nbgrader("a", locked=True), "only tests are locked"),
    (no_hidden, "no hidden test"),
    (no_visible, "no visible test"),
    (no_solution, "no solution to take out"),
    (no_french, "has no French text"),
    (french_test, "is locked"),
    (french_code, "by more than its text"),
    (title_changed, "has changed since"),
]


@pytest.mark.parametrize(
    ("change", "says"), BROKEN_EXERCISES, ids=[says for _, says in BROKEN_EXERCISES]
)
def test_a_broken_exercise_is_complained_of(change, says):
    pair = exercise()
    change(*pair)
    assert any(says in each for each in of_exercise(*pair)), of_exercise(*pair)


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        (
            "a",
            "a = ...\n### BEGIN SOLUTION\na = 1\n### END SOLUTION",
            "a solution or a hidden test",
        ),
        ("a-test", "### BEGIN HIDDEN TESTS\nassert a == 1", "a solution or a hidden test"),
        ("a", "a = 1", "no place for an answer"),
    ],
)
def test_a_release_that_gives_something_away_is_complained_of(name, source, says):
    english, _ = exercise()
    for cell in english.cells:
        cell.source = cell.source.split("### BEGIN")[0] + "# YOUR CODE HERE"
    cells_by_id(english)[name].source = source
    assert any(says in each for each in of_release(english))


def test_a_release_with_outputs_or_locked_text_is_complained_of():
    english, _ = exercise()
    cells_by_id(english)["a"].outputs = [nbformat.v4.new_output("stream", text="1")]
    cells_by_id(english)["title"].metadata["nbgrader"] = {
        "locked": True,
        "grade": False,
        "solution": False,
    }
    said = " ".join(of_release(english))
    assert "has outputs" in said and "turn a French submission English" in said


def test_a_folder_that_is_not_a_course_is_refused_with_what_it_needs(tmp_path):
    with pytest.raises(release.CannotRelease, match="it needs nbgrader_config"):
        release.assignments(tmp_path)
