"""Does the trainer's kit add up, say what the lessons say, print as it should and open to
everyone?"""

import dataclasses
import itertools
import re
from collections import Counter

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook

import portail
from curriculum import notebooks
from curriculum.kit import notes, pages, printing, sources, timetable
from curriculum.kit.build import build
from curriculum.lessons import LANGUAGES, Curriculum
from curriculum.rules.lessons import of_lesson
from curriculum.rules.texts import french_spaces
from grader.evaluation import words
from grader.evaluation.programme import SCALES
from tests.helpers.browser import AXE, needs_browser

PLAN = Curriculum.read()
SHOWS = {show.name: show for show in timetable.shows()}
TAUGHT = [
    (language, lesson.slug)
    for lesson in timetable.taught(list(SHOWS.values()), PLAN)
    for language in LANGUAGES
]
WRITTEN = [(language, lesson.slug) for lesson in PLAN.written() for language in LANGUAGES]
LESSON = TAUGHT[2][1]  # one lesson stands for all where pages differ by their text only
KINDS = [
    "index",
    "one-day",
    "train-the-trainer",
    "room",
    "evaluation",
    "teaching-demo",
    "handout",
    "minute-card",
    "certificate",
    "sample-memos",
    f"notes-{LESSON}",
    f"slides-{LESSON}",
]
SLUGS = list(dict.fromkeys(slug for _, slug in TAUGHT))
PRINTED = [
    "one-day",
    "handout",
    "minute-card",
    "certificate",
    "teaching-demo",
    "conduct",
    "evaluation",
    *(f"slides-{slug}" for slug in SLUGS),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("kit")
    build(where, pdf=False)
    return where


@pytest.fixture(scope="module")
def page(chromium):
    opened = chromium.new_page()
    yield opened
    opened.close()


def soup(folder, language, name):
    return BeautifulSoup((folder / language / f"{name}.html").read_text("utf-8"), "html.parser")


def lesson(language, slug):
    return notebooks.read(PLAN.lesson(slug).path(language))


# The run-of-shows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHOWS)
def test_a_run_of_show_adds_up_and_names_owner_material_and_cut(name):
    assert timetable.complaints(SHOWS[name], PLAN) == []


def test_the_day_is_270_taught_minutes_and_the_clock_has_no_hole():
    day = SHOWS["one-day"]
    assert (
        day.taught()
        == 270
        == next(path for path in PLAN.paths if path.name == "one-day").minutes(PLAN)
    )
    assert all(
        before.at + before.minutes == after.at for before, after in itertools.pairwise(day.slots)
    )
    inside = [part for slot in day.slots for part in slot.parts or (slot,)]
    assert all(
        before.at + before.minutes == after.at for before, after in itertools.pairwise(inside)
    )


def test_what_the_certificate_says_of_minutes_is_what_is_taught():
    for language in LANGUAGES:
        text = (sources.FOLDER / language / "certificate.md").read_text("utf-8")
        said = {int(number) for number in re.findall(r"\((\d+)", text)}
        assert said == {SHOWS["one-day"].taught(), SHOWS["leaders-half-day"].taught()}
    assert sum(slot.minutes for slot in SHOWS["train-the-trainer"].slots) == 120


def with_slot(number, **changes):
    def change(show):
        slots = list(show.slots)
        slots[number] = dataclasses.replace(slots[number], **changes)
        return dataclasses.replace(show, slots=tuple(slots))

    return change


def with_part(lesson_at, part_at, **changes):
    def change(show):
        parts = list(show.slots[lesson_at].parts)
        parts[part_at] = dataclasses.replace(parts[part_at], **changes)
        return with_slot(lesson_at, parts=tuple(parts))(show)

    return change


def without_slot(at):
    return lambda show: dataclasses.replace(show, slots=show.slots[:at] + show.slots[at + 1 :])


BROKEN = [
    (with_slot(4, minutes=10), "9:55 + 10 minutes is not 10:10"),
    (with_slot(4, at=590), "is not 9:50"),
    (with_slot(1, owner="nobody"), "no owner"),
    (with_slot(1, cut={"en": "The round of names."}), "no cut in fr"),
    (with_slot(1, what={"fr": "Accueil"}), "no what in en"),
    (with_part(3, 2, material={}), "no material in en"),
    (with_part(3, 2, owner=""), "no owner"),
    (with_part(3, 2, minutes=4), "add up to 41"),
    (with_part(3, 2, cell="instructor-gone"), "no instructor cell instructor-gone"),
    (with_part(3, 3, minutes=6), "has 6 minutes here, 5 in the lesson"),
    (with_part(3, 0, minutes=3), "3 minutes here, 2 in the whole lesson"),
    (with_slot(2, kind="talk"), "255 taught minutes, and its path has 270"),
    (without_slot(5), "which is not its path"),
    (lambda show: dataclasses.replace(show, without=("04-served-online",)), "is written now"),
]


@pytest.mark.parametrize(("change", "says"), BROKEN, ids=[says for _, says in BROKEN])
def test_a_broken_run_of_show_is_complained_of(change, says):
    found = timetable.complaints(change(SHOWS["one-day"]), PLAN)
    assert any(says in each for each in found), found


def test_a_broken_run_of_show_is_not_built(monkeypatch, tmp_path):
    monkeypatch.setattr(pages, "shows", lambda: [with_slot(4, minutes=10)(SHOWS["one-day"])])
    with pytest.raises(ValueError, match="9:55"):
        build(tmp_path, pdf=False)
    assert not list(tmp_path.iterdir())


# Two languages ------------------------------------------------------------------------------------


def test_both_languages_have_the_same_texts_and_the_same_words():
    texts = [
        {file.name for file in (sources.FOLDER / language).iterdir()} for language in LANGUAGES
    ]
    assert texts[0] == texts[1]

    def shape(value):
        return (
            {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else None
        )

    assert shape(sources.words("en")) == shape(sources.words("fr"))
    assert texts[0] <= {f"{name}.md" for name in sources.words("en")["pages"]}


def test_both_languages_have_the_same_pages_and_headings(folder):
    english, french = (
        {file.name for file in (folder / language).iterdir()} for language in LANGUAGES
    )
    assert english == french
    for name in sorted(english):
        found = [soup(folder, language, name.removesuffix(".html")) for language in LANGUAGES]
        outline = [
            [each.name for each in page.find_all(re.compile("^(h[1-6]|table|li|dt)$"))]
            for page in found
        ]
        if not name.startswith(
            "notes-"
        ):  # a French note may say in one sentence what an English one says in two
            assert outline[0] == outline[1], name


@pytest.mark.parametrize(
    "name", [*sorted(file.name for file in (sources.FOLDER / "fr").iterdir()), "toml"]
)
def test_the_french_texts_keep_french_spaces(name):
    if name == "toml":
        text = "\n\n".join(
            [
                *strings(sources.words("fr")),
                *strings([each["fr"] for each in sources.sample_memos()["memo"]]),
                *strings(
                    [slot.cut | slot.what for show in SHOWS.values() for slot in show.slots], "fr"
                ),
            ]
        )
    else:
        text = re.sub(r"<[^>]+>", "", (sources.FOLDER / "fr" / name).read_text("utf-8"))
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    assert list(french_spaces(new_notebook(cells=[new_markdown_cell(text)]))) == []
    assert "'" not in text


def strings(value, key=None):
    if isinstance(value, str):
        return [value]
    inner = (
        value.values()
        if isinstance(value, dict) and key is None
        else [value[key]]
        if isinstance(value, dict) and key in value
        else []
        if isinstance(value, dict)
        else value
    )
    return [text for each in inner for text in strings(each, key)]


# What lessons say ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "slug"), WRITTEN)
def test_no_word_of_an_instructor_note_is_lost_and_minutes_add_up(language, slug):
    notebook = lesson(language, slug)
    cells = [cell for cell in notebook.cells if "instructor" in notebooks.tags(cell)]
    found = notes.notes(notebook, language)
    assert [note.cell for note in found] == [cell["id"] for cell in cells]
    for note, cell in zip(found, cells, strict=True):
        written = re.sub(r"^- \*\*[^*]+\*\*", "", cell.source.partition("\n")[2], flags=re.M)
        assert Counter(" ".join(note.parts.values()).split()) == Counter(written.split()), note.cell
    assert sum(note.minutes for note in found) == PLAN.lesson(slug).minutes


@pytest.mark.parametrize(("language", "slug"), TAUGHT)
def test_a_lessons_notes_have_every_section_with_goal_minutes_and_three_sentences(
    folder, language, slug
):
    page, goal = soup(folder, language, f"notes-{slug}"), sources.words(language)["parts"]["goal"]
    found = notes.notes(lesson(language, slug), language)
    sections = page.find_all("section", class_="note")
    assert [section.h2.get_text().lower() for section in sections] == [
        note.name.lower() for note in found
    ]
    for section in sections:
        assert goal in [each.get_text() for each in section.find_all("dt")]
    rows = page.table.tbody.find_all("tr")
    assert [row.th.get_text().lower() for row in rows[:-1]] == [note.name.lower() for note in found]
    assert [cell.get_text() for cell in rows[-1].find_all("td")] == [
        str(PLAN.lesson(slug).minutes),
        str(PLAN.lesson(slug).core_minutes),
    ]
    assert len(notes.key_sentences(lesson(language, slug), language)) >= 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lessons_notes_in_both_languages_name_the_same_answers(language):
    for slug in SLUGS:
        answers = [
            [
                re.findall(r"\b[A-E]\b", note.parts.get("expected", ""))
                for note in notes.notes(lesson(each, slug), each)
            ]
            for each in ("en", language)
        ]
        assert answers[0] == answers[1]


HEAD = "**Instructor · opening · 4 min.**\n\n"
INCOMPLETE_NOTES = [
    ("**Instructor · opening.**\n\n- **Goal:** See.", "begins with .*name · 12 min"),
    ("**Instructor · x · 5 min (7 with the check).**\n\n- **Goal:** See.", "one-day cut: 9"),
    (f"{HEAD}- **Do and say:** Ask them.", "no goal"),
    (f"{HEAD}- **Goal:** See.\n- Walk the room.", "no label: « Walk the room"),
    (f"{HEAD}- **Goal:** See.\n\nWalk the room.", "no label: « Walk the room"),
    (f"{HEAD}- **Goal:** See.\n- **Hint:** Look.", r"no label: « \*\*Hint:\*\* Look"),
    (f"{HEAD}- **Goal:** See.\n- **Goal:** Look.", "Goal comes twice"),
]


def noted(text):
    cell = new_markdown_cell(text, metadata={"tags": ["instructor"]})
    cell["id"] = "instructor-opening"
    return new_notebook(cells=[cell])


@pytest.mark.parametrize(("text", "says"), INCOMPLETE_NOTES)
def test_an_instructor_note_that_is_incomplete_is_named(text, says):
    with pytest.raises(ValueError, match=f"instructor-opening.*{says}"):
        notes.notes(noted(text), "en")


def test_the_check_of_lessons_names_an_unlabelled_part():
    english, french = lesson("en", LESSON), lesson("fr", LESSON)
    cell = next(cell for cell in french.cells if "instructor" in notebooks.tags(cell))
    cell.source += "\n\nCirculez."
    found = of_lesson(PLAN.lesson(LESSON), english, french)
    assert any(each.startswith(f"fr {cell['id']}: ") and "Circulez" in each for each in found)


def test_the_parts_of_a_note_are_read_by_their_labels_in_both_languages():
    english = f'{HEAD}- **Goal:** A row.\n- **Do and say:** Ask: "Is it?"\n  Then wait.'
    french = (
        "**Formation · ouverture · 4\u00a0min (version d’une journée\u00a0: les blancs, 3).**\n\n"
        "- **But\u00a0:** Une ligne.\n- **Réponse attendue\u00a0:** B."
    )
    one, other = (
        notes.notes(noted(text), language)[0]
        for language, text in (("en", english), ("fr", french))
    )
    assert one.parts == {"goal": "A row.", "do": 'Ask: "Is it?" Then wait.'}
    assert other.parts == {"goal": "Une ligne.", "expected": "B."}
    assert (one.stated, other.minutes, other.stated) == (None, 4, 3)


@pytest.mark.parametrize(("language", "slug"), TAUGHT)
def test_a_lessons_slides_have_its_question_objectives_charts_and_key_points(
    folder, language, slug
):
    page, notebook = soup(folder, language, f"slides-{slug}"), lesson(language, slug)
    text = " ".join(page.get_text().split())
    for tag in ("question", "objectives", "key-points"):
        source = next(cell.source for cell in notebook.cells if tag in notebooks.tags(cell))
        for bold in re.findall(r"\*\*([^*]+)\*\*", source):
            assert " ".join(re.sub(r"[`*]", "", bold).split()) in text
    alternatives = [
        re.search(r'alt="([^"]+)"', str(cell.outputs))[1]
        for cell in notebook.cells
        if "figure" in notebooks.tags(cell)
    ]
    assert len(page.find_all("img")) == len(alternatives)
    assert all(len(image["alt"]) > 40 for image in page.find_all("img"))


# Sample memos -------------------------------------------------------------------------------------


def test_the_six_memos_have_points_within_the_rubric_a_reason_each_and_differ():
    memos = sources.sample_memos()["memo"]
    criteria = {len(sources.rubric(language)) for language in LANGUAGES}
    assert len(memos) == 6 and criteria == {4}
    assert all(len(row) == 4 for language in LANGUAGES for row in sources.rubric(language))
    for memo in memos:
        assert len(memo["points"]) == 4 and set(memo["points"]) <= {0, 1, 2}
        for language in LANGUAGES:
            assert len(memo[language]["reasons"]) == 4 and all(memo[language]["reasons"])
            assert 120 <= len(memo[language]["text"].split()) <= 150
    assert len({tuple(memo["points"]) for memo in memos}) == 6
    assert len({sum(memo["points"]) for memo in memos}) == 6
    assert {point for memo in memos for point in memo["points"]} == {0, 1, 2}


def test_a_memo_with_all_points_for_evidence_states_true_figures():
    services = portail.load("service-inventory")
    external = services[services["service_scope"].str.contains("EXTERN")]
    answers = external[
        [name for name in external if name.startswith("os_") and "comments" not in name]
    ]
    true = {
        ((answers[name] == "Y").sum(), answers[name].isin(["Y", "N"]).sum()) for name in answers
    }
    any_step = answers.isin(["Y", "N"]).any(axis=1)
    true.add(((any_step & ~(answers == "N").any(axis=1)).sum(), any_step.sum()))
    for memo in sources.sample_memos()["memo"]:
        for language in LANGUAGES:
            text = memo[language]["text"].replace("\u00a0", "").replace(",", "")
            said = {
                (int(part), int(whole))
                for part, whole in re.findall(r"(\d{3,}) (?:of|sur|des) (?:the )?(\d{3,})", text)
            }
            assert memo["points"][1] < 2 or (len(said) >= 2 and said <= true)
            assert memo["points"][1] != 0 or not said & true  # “wrong figures” are wrong


# Pages and print ----------------------------------------------------------------------------------


def every_page(folder):
    return [
        (language, file.stem)
        for language in LANGUAGES
        for file in sorted((folder / language).glob("*.html"))
    ]


def test_every_page_has_its_language_one_title_headings_in_order_and_a_way_back(folder):
    for language, name in every_page(folder):
        page = soup(folder, language, name)
        other = "fr" if language == "en" else "en"
        levels = [int(each.name[1]) for each in page.find_all(re.compile("^h[1-6]$"))]
        assert page.html["lang"] == language and page.title.get_text(strip=True)
        assert levels.count(1) == 1 and levels[0] == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name
        assert page.find("a", hreflang=other)["href"] == f"../{other}/{name}.html"
        assert page.find("a", class_="skip")["href"] == f"#{page.main['id']}"
        assert all(head.get("scope") for head in page.find_all("th")), name
        assert "built-in" not in page.get_text(), name
        if language == "fr":
            for code in page.find_all(["code", "pre", "style"]):
                code.decompose()
            assert not re.search(r"[^\s\d]: |\w ?:\s*$|« | »|\d %", page.main.get_text(), re.M), (
                name
            )


def test_every_link_of_the_kit_leads_to_a_page(folder):
    for language, name in every_page(folder):
        for link in soup(folder, language, name).find_all("a", href=True):
            if not link["href"].startswith("#"):
                assert (folder / language / link["href"]).resolve().is_file(), (name, link["href"])


@needs_browser
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", KINDS)
def test_a_page_has_no_axe_violation_fetches_nothing_and_does_not_overflow(
    page, folder, language, name
):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 1200, "height": 800})
    page.goto((folder / language / f"{name}.html").as_uri())
    found = Axe().run(page, options=AXE).response["violations"]
    assert [f"{each['id']}: {node['html'][:100]}" for each in found for node in each["nodes"]] == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def sheets(file) -> int:
    """Return how many pages a PDF file has."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", file.read_bytes()))


@needs_browser
@pytest.mark.parametrize("paper", ["Letter", "A4"])
def test_what_must_be_one_page_is_one_page_and_each_slide_is_one(chromium, folder, paper):
    files = [folder / language / f"{name}.html" for language in LANGUAGES for name in PRINTED]
    for html, pdf in zip(files, printing.printed_by(chromium, files, paper), strict=True):
        slides = html.read_text("utf-8").count('<section class="slide')
        if html.stem == "one-day":
            content = pdf.read_bytes()
            assert b"/StructTreeRoot" in content and b"/Outlines" in content
            assert (
                f"/Lang ({html.parent.name})".encode() in content
                and b"/DisplayDocTitle true" in content
            )
        else:
            assert sheets(pdf) == (slides or {"evaluation": 2}.get(html.stem, 1)), (
                pdf
            )  # a form has two sides


@needs_browser
@pytest.mark.parametrize(("language", "slug"), TAUGHT)
def test_no_slide_is_cut_in_print(page, folder, language, slug):
    page.set_viewport_size(
        {"width": 942, "height": 710}
    )  # what margins leave of a Letter page on its side
    page.emulate_media(media="print")
    page.goto((folder / language / f"slides-{slug}.html").as_uri())
    cut = page.evaluate("""[...document.querySelectorAll('.slide')].filter(each =>
        each.scrollHeight > each.clientHeight + 1 || [...each.children].some(inner =>
            inner.offsetTop < 0 || (!inner.matches('.where') &&
                inner.offsetTop + inner.offsetHeight > each.querySelector('.where').offsetTop)))
        .map(each => each.innerText.slice(0, 60))""")
    page.emulate_media(media="screen")
    assert cut == []


def test_without_a_chromium_the_kit_is_pages_only(monkeypatch, tmp_path):
    from click.testing import CliRunner

    from curriculum.__main__ import curriculum as command

    monkeypatch.setattr(printing, "browser", lambda: None)
    done = CliRunner().invoke(command, ["kit", "--to", str(tmp_path)], standalone_mode=False)
    assert "There is no PDF" in done.output
    assert not list(tmp_path.rglob("*.pdf")) and (tmp_path / "fr" / "index.html").is_file()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_evaluation_form_asks_what_the_evaluation_reads_in_the_same_order(language):
    text = (sources.FOLDER / language / "evaluation.md").read_text("utf-8")
    asked = [words.WORDS[language]["scales"][scale] for scale in SCALES]
    places = [text.index(f"| {statement} |") for statement in asked]
    assert places == sorted(places)
