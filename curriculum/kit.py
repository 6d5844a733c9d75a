"""The trainer's kit: run-of-show, facilitator notes, slides and papers for a room, made of
facilitation/ and lessons.

What lessons already say (their question, objectives, charts, key points, instructor cells) is read
from the notebooks, so that the kit cannot say something else. What has structure and must add up is
in ``facilitation/*.toml``, for both languages at once; prose is in ``facilitation/en/*.md`` and
``fr/*.md``, under the same names.
"""

import functools
import importlib.util
import re
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

import jinja2
import mistune
from bs4 import BeautifulSoup
from markupsafe import Markup

from curriculum import notebooks, pages
from curriculum.lessons import LANGUAGES, ROOT, Curriculum, Lesson

FOLDER = ROOT / "facilitation"
TEMPLATES = pages.TEMPLATES / "kit"
OWNERS = ("host", "lead", "helper", "note-taker")
TAUGHT = ("lesson", "test")
RUBRIC_OF = "04-served-online"
CARDS = ("minute-card",)  # texts of which four fit on a page
LANDSCAPE = ("certificate",)  # and slides
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

HEAD = re.compile(
    r"\*\*(?:Instructor|Formation) · (?P<name>.+?) · (?P<minutes>\d+)\s+min"
    r"(?:\s+\((?P<aside>[^)]*)\))?\.\*\*\s+"
)
PARTS = ("goal", "do", "stuck", "expected", "wrong", "key", "late", "early")
# how a sentence of an instructor cell begins, by what it is; any other tells what to do and say
OPENINGS = {
    "en": {
        "goal": r"Goal:",
        "stuck": r"People get stuck|The usual slips?\b",
        "expected": r"Expected\b",
        "wrong": r"(The )?common wrong\b",
        "key": r"Key sentences?:",
        "late": r"If late|What to cut|Cut this",
        "early": r"For those who finish",
        "do": r"Worth telling|In the one-day cut|Close with",
    },
    "fr": {
        "goal": r"But\s:",
        "stuck": r"On bute\b|(Les |L’)?erreurs? habituelles?\b",
        "expected": r"Réponses? attendues?\b",
        "wrong": r"(L’|Les )?(erreur|lecture|version|réponse)s?( fautive| erronée)?s? courantes?\b",
        "key": r"Phrases? clés?\s:",
        "late": r"Si le temps manque|À couper|Coupez|À sauter",
        "early": r"Pour qui finit",
        "do": r"À raconter|Dans la version d’une journée|Concluez",
    },
}
SAID = {  # openings that say no more than the heading which stands beside them on the page of notes
    "en": {
        "goal": r"Goal:",
        "key": r"Key sentences?:",
        "expected": r"Expected( in the check)?:",
        "wrong": r"(The )?common wrong answers?:",
    },
    "fr": {
        "goal": r"But\s:",
        "key": r"Phrases? clés?\s:",
        "expected": r"Réponses? attendues?\s:",
        "wrong": r"erreurs? courantes?\s:",
    },
}
OUTSIDE_THE_DAY = {"en": "not in the one-day cut", "fr": "hors de la version d’une journée"}
IN_THE_DAY = re.compile(r"one-day cut|core|version d’une journée|essentiel")


# The plan of a session ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """Some minutes of a session.

    Attributes:
        at: minutes since midnight.
        minutes: how long.
        kind: ``"lesson"``, ``"test"``, ``"break"``, ``"talk"``, ``"welcome"`` or ``"team"``.
        owner: one of ``OWNERS``; empty for a lesson, whose parts have theirs.
        what: what happens, by language.
        material: what lies ready, by language.
        cut: what goes if the session is late, by language.
        lesson: slug of the lesson taught, or empty.
        cell: id of the instructor cell that this part of a lesson follows, or empty.
        parts: the parts of a lesson.
    """

    at: int
    minutes: int
    kind: str
    owner: str
    what: dict[str, str]
    material: dict[str, str]
    cut: dict[str, str]
    lesson: str = ""
    cell: str = ""
    parts: tuple["Slot", ...] = ()


@dataclass(frozen=True)
class Show:
    """The run-of-show of a session.

    Attributes:
        name: short name, also that of its page.
        path: name of the learning path that it teaches, or empty.
        without: slugs of lessons of that path that are still to come and are not taught.
        title: by language.
        before: what to know before, by language.
        slots: in the order of the clock.
    """

    name: str
    path: str
    without: tuple[str, ...]
    title: dict[str, str]
    before: dict[str, str]
    slots: tuple[Slot, ...]

    def taught(self) -> int:
        """Return its minutes of lessons and tests."""
        return sum(slot.minutes for slot in self.slots if slot.kind in TAUGHT)


def shows(file: Path = FOLDER / "shows.toml") -> list[Show]:
    """Read the run-of-shows.

    Args:
        file: where they are written.

    Raises:
        ValueError: if the kit's sources are not here, or the file is not TOML; the message says
            what to do.
    """
    plan = _read(file)
    parts = [_slot(each, 0) for each in plan["part"]]
    found = []
    for each in plan["show"]:
        slots = []
        for slot in each["slot"]:
            own, at = [], _minute(slot["at"])
            for part in parts:
                if part.lesson == slot.get("lesson"):
                    own.append(_moved(part, at))
                    at += part.minutes
            slots.append(_slot(slot, _minute(slot["at"]), tuple(own)))
        found.append(
            Show(
                each["name"],
                each.get("path", ""),
                tuple(each["without"]),
                each["title"],
                each["before"],
                tuple(slots),
            )
        )
    return found


def complaints(show: Show, plan: Curriculum) -> list[str]:
    """Return what does not add up in a run-of-show.

    Args:
        show: the run-of-show.
        plan: the lessons and paths that it must agree with.

    Returns:
        One sentence for each complaint, none if all is well.
    """
    found = []
    for before, after in zip(show.slots, show.slots[1:], strict=False):
        if before.at + before.minutes != after.at:
            found.append(
                f"{show.name}: {_clock(before.at)} + {before.minutes} minutes is not "
                f"{_clock(after.at)}"
            )
    for slot in [*show.slots, *(part for each in show.slots for part in each.parts)]:
        where = f"{show.name} {_clock(slot.at)} {slot.cell}".strip()
        if slot.minutes < 1:
            found.append(f"{where}: no minutes")
        if slot.kind == "lesson" and not slot.cell:
            continue  # its parts say who, with what and what to cut
        if slot.owner not in OWNERS:
            found.append(f"{where}: no owner among {', '.join(OWNERS)}")
        for name, words in (("what", slot.what), ("material", slot.material), ("cut", slot.cut)):
            if not slot.cell or name != "what":
                found += [
                    f"{where}: no {name} in {language}"
                    for language in LANGUAGES
                    if not words.get(language)
                ]
    for slot in show.slots:
        if slot.lesson:
            found += [
                f"{show.name}: {each}" for each in _of_a_lesson(slot, plan.lesson(slot.lesson))
            ]
    if show.path:
        found += _against_the_path(show, plan)
    return found


def _of_a_lesson(slot: Slot, lesson: Lesson) -> list[str]:
    """Return what a lesson's parts get wrong: their sum, the minutes that the lesson states, the
    cells."""
    found = []
    added = sum(part.minutes for part in slot.parts)
    if not added == slot.minutes == lesson.core_minutes:
        found.append(
            f"{lesson.slug}: its parts add up to {added}, its slot to {slot.minutes}, its one-day "
            f"cut to {lesson.core_minutes}"
        )
    if not lesson.exists():
        return found
    own = {note.cell: note for note in notes(notebooks.read(lesson.path("en")), "en")}
    for part in slot.parts:
        note = own.get(part.cell)
        if note is None:
            found.append(f"{lesson.slug}: it has no instructor cell {part.cell}")
        elif note.stated is not None and part.minutes != note.stated:
            found.append(
                f"{lesson.slug}: {part.cell} has {part.minutes} minutes here, {note.stated} in "
                "the lesson"
            )
        elif part.minutes > note.minutes:
            found.append(
                f"{lesson.slug}: {part.cell} has {part.minutes} minutes here, {note.minutes} in "
                "the whole lesson"
            )
    left_out = [
        cell
        for cell, note in own.items()
        if note.stated and cell not in {part.cell for part in slot.parts}
    ]
    return found + [
        f"{lesson.slug}: {cell} is in the lesson's one-day cut and not here" for cell in left_out
    ]


def _against_the_path(show: Show, plan: Curriculum) -> list[str]:
    """Return where a run-of-show and its learning path disagree."""
    found = []
    path = next(path for path in plan.paths if path.name == show.path)
    steps = [lesson for lesson, _ in path.steps(plan) if lesson.slug not in show.without]
    taught = [slot.lesson for slot in show.slots if slot.kind == "lesson"]
    if taught != [lesson.slug for lesson in steps]:
        found.append(f"{show.name}: it teaches {', '.join(taught)}, which is not its path")
    expected = path.minutes(plan) - sum(plan.lesson(slug).core_minutes for slug in show.without)
    if show.taught() != expected:
        found.append(f"{show.name}: {show.taught()} taught minutes, and its path has {expected}")
    found += [
        f"{show.name}: {slug} is written now; teach it"
        for slug in show.without
        if plan.lesson(slug).exists()
    ]
    return found


def _slot(words: dict, at: int, parts: tuple[Slot, ...] = ()) -> Slot:
    return Slot(
        at,
        words["minutes"],
        words.get("kind", "lesson"),
        words.get("owner", ""),
        words.get("what", {}),
        words.get("material", {}),
        words.get("cut", {}),
        words.get("lesson", ""),
        words.get("cell", ""),
        parts,
    )


def _moved(part: Slot, at: int) -> Slot:
    return Slot(
        at,
        part.minutes,
        part.kind,
        part.owner,
        part.what,
        part.material,
        part.cut,
        part.lesson,
        part.cell,
    )


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minute: int, language: str = "en") -> str:
    """Return a time as each language writes it."""
    if language == "fr":
        return f"{minute // 60}\u00a0h" + (f"\u00a0{minute % 60:02}" if minute % 60 else "")
    return f"{minute // 60}:{minute % 60:02}"


@functools.cache
def _read(file: Path) -> dict:
    """Read one TOML file of the kit."""
    if not file.is_file():
        raise ValueError(
            f"{file} is not here: the kit is built from a checkout of the project, not from a wheel"
        )
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} cannot be read: {error}") from error


# What instructor cells say ------------------------------------------------------------------------


@dataclass(frozen=True)
class Note:
    """One instructor cell.

    Attributes:
        cell: its id.
        name: the section's name, in the lesson's language.
        minutes: taught minutes of the section in the whole lesson.
        stated: minutes in the one-day cut where the cell states them (0: left out), else None.
        parts: its sentences, in order, by what they are (``PARTS``).
        words: the whole text after its head, as written.
    """

    cell: str
    name: str
    minutes: int
    stated: int | None
    parts: dict[str, tuple[str, ...]]
    words: str


def notes(notebook, language: str) -> list[Note]:
    """Return a lesson's instructor cells, taken apart.

    Args:
        notebook: the lesson.
        language: ``"en"`` or ``"fr"``.

    Raises:
        ValueError: if an instructor cell does not begin with its name and minutes, or has no goal;
            it is named.
    """
    found = []
    for cell in notebook.cells:
        if "instructor" not in notebooks.tags(cell):
            continue
        head = HEAD.match(cell.source)
        if not head:
            raise ValueError(
                f"{cell['id']}: an instructor cell begins with **Instructor · name · N min.** "
                "(Formation)"
            )
        words = cell.source[head.end() :].strip()
        parts = _parts(words, language)
        if not parts["goal"]:
            raise ValueError(f"{cell['id']}: the instructor cell states no goal")
        found.append(Note(cell["id"], head["name"], *_minutes(head, language), parts, words))
    return found


def key_sentences(notebook, language: str) -> list[str]:
    """Return three sentences or more to say: those that instructor cells name, then the lesson's
    key points.

    Args:
        notebook: the lesson.
        language: ``"en"`` or ``"fr"``.
    """
    named = []
    for note in notes(notebook, language):
        for sentence in note.parts["key"]:
            named.append(_unlabelled("key", (sentence,), language).strip('"«»\u00a0'))
    points = re.findall(r"^- (.+)$", _tagged(notebook, "key-points").source, re.M)
    return [*named, *points[: max(0, 3 - len(named))]]


def _parts(words: str, language: str) -> dict[str, tuple[str, ...]]:
    """Sort the sentences of an instructor cell by their opening words; none is lost."""
    parts = {name: [] for name in PARTS}
    last = "do"
    for sentence in _sentences(words):
        kind = next(
            (
                name
                for name, opening in OPENINGS[language].items()
                if re.match(opening, sentence, re.I)
            ),
            None,
        )
        if kind is None:
            kind = (
                last if last in ("wrong", "early") else "do"
            )  # what answers a wrong reading stays beside it
        parts[kind].append(sentence)
        last = kind
    return {name: tuple(sentences) for name, sentences in parts.items()}


def _unlabelled(kind: str, sentences: tuple[str, ...], language: str) -> str:
    """Return sentences of one kind as a paragraph, without the word that a heading beside it says
    already."""
    text = " ".join(sentences)
    if kind in SAID[language]:
        text = re.sub(rf"^(?:{SAID[language][kind]})\s*", "", text, flags=re.I)
    return _capital(f"{text[:-1]}." if text.endswith(";") else text)


def _capital(text: str) -> str:
    """Return a text whose first letter is a capital."""
    return text[:1].upper() + text[1:]


def _sentences(text: str) -> list[str]:
    """Divide a text into sentences, never inside quotation marks, code or parentheses."""
    text = re.sub(r"\s*\n\s*", " ", text)
    found, start, deep, quoted, coded = [], 0, 0, False, False
    for at, sign in enumerate(text):
        if sign == "`":
            coded = not coded
        elif coded:
            continue
        elif sign == '"':
            quoted = not quoted
        elif sign in "«(":
            deep += 1
        elif sign in "»)":
            deep -= 1
        elif sign == " " and not (quoted or deep):
            ended = re.search(r"[.!?…][\"*\u00a0»)]*$", text[start:at])
            split = (
                re.match(r" (the common wrong|erreurs? courantes?)\b", text[at:])
                and text[at - 1] == ";"
            )
            if split or (ended and not text[at + 1].islower()):
                found.append(text[start:at])
                start = at + 1
    return [*found, text[start:]]


def _minutes(head: re.Match, language: str) -> tuple[int, int | None]:
    """Return what an instructor cell states: its minutes in the whole lesson, and in the one-day
    cut if it says so.

    Said as "11 min (one-day cut: 10)", "12 min (not in the one-day cut)" or, the other way round,
    "5 min (7 with the check)", where the check is what the one-day cut leaves out.
    """
    minutes, aside = int(head["minutes"]), head["aside"] or ""
    if OUTSIDE_THE_DAY[language] in aside:
        return minutes, 0
    if longer := re.match(r"(\d+) (with|avec) ", aside):
        return int(longer[1]), minutes
    if (shorter := re.search(r"(\d+)$", aside)) and IN_THE_DAY.search(aside):
        return minutes, int(shorter[1])
    return minutes, None


def _tagged(notebook, tag: str):
    """Return the first cell with a tag."""
    return next(cell for cell in notebook.cells if tag in notebooks.tags(cell))


# Pages --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """One page of the kit, to be written as HTML and printed.

    Attributes: name: file name without ending, the same in both languages. kind: its style:
        ``"text"``, ``"show"``, ``"notes"``, ``"memos"``, ``"slides"``, or the name of a text.
        title: what it is called. body: what stands in its main part, as HTML with its one ``h1``.
        group: where the index lists it: ``"before"``, ``"room"``, ``"lessons"`` or ``"next"``.
        about: one sentence for the index.
    """

    name: str
    kind: str
    title: str
    body: str
    group: str
    about: str

    @property
    def landscape(self) -> bool:
        """Whether it is printed on its side."""
        return self.kind in ("slides", *LANDSCAPE)


@functools.cache
def words() -> dict:
    """Return the kit's own words, by language: titles, table heads, what each page is for."""
    return _read(FOLDER / "words.toml")


def of_language(language: str) -> list[Page]:
    """Return every page of the kit but its index.

    Args:
        language: ``"en"`` or ``"fr"``.

    Raises:
        ValueError: if a run-of-show does not add up, or a source is missing or cannot be read.
    """
    plan, sessions = Curriculum.read(), shows()
    found = [each for show in sessions for each in complaints(show, plan)]
    if found:
        raise ValueError("\n".join(found))
    own, made = words()[language], []
    for name, about in own["pages"].items():
        show = next((show for show in sessions if show.name == name), None)
        if show:
            made.append(
                _page(name, "show", about, _show(show, plan, language) + _text(name, language))
            )
        elif name == "sample-memos":
            made.append(_page(name, "memos", about, _memos(language)))
        else:
            kind = name if name in (*CARDS, *LANDSCAPE, "handout") else "text"
            made.append(_page(name, kind, about, _text(name, language)))
    for lesson in taught(sessions, plan):
        notebook = notebooks.read(lesson.path(language))
        title = f"{lesson.number}\u00a0· {lesson.title[language]}"
        made.append(
            Page(
                f"notes-{lesson.slug}",
                "notes",
                f"{own['notes']['title']}, {title}",
                _notes(lesson, notebook, sessions, language),
                "lessons",
                own["notes"]["about"],
            )
        )
        made.append(
            Page(
                f"slides-{lesson.slug}",
                "slides",
                f"{own['slides']['title']}, {title}",
                _slides(lesson, notebook, language),
                "lessons",
                own["slides"]["about"],
            )
        )
    return made


def taught(sessions: list[Show], plan: Curriculum) -> list[Lesson]:
    """Return the written lessons that some session teaches, in order."""
    slugs = {slot.lesson for show in sessions for slot in show.slots}
    return [lesson for lesson in plan.written() if lesson.slug in slugs]


def build(folder: Path, pdf: bool) -> list[Path]:
    """Write the kit's pages as HTML, in both languages.

    Args:
        folder: where ``en/`` and ``fr/`` are written; what an earlier build left there is removed.
        pdf: whether the index leads to PDF files as well (``printed`` makes them).

    Returns:
        The pages written, each index last.

    Raises:
        ValueError: as ``of_language``.
    """
    made = {language: of_language(language) for language in LANGUAGES}
    written = []
    for language, kit in made.items():
        shutil.rmtree(folder / language, ignore_errors=True)
        for page in [*kit, _index(kit, language, pdf)]:
            path = folder / language / f"{page.name}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_html(page, language), encoding="utf-8")
            written.append(path)
    return written


def browser() -> str | None:
    """Return the path of a Chromium of this system, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def can_print() -> bool:
    """Tell whether this system has what PDF files are made with: a Chromium, and playwright, which
    drives it."""
    return browser() is not None and importlib.util.find_spec("playwright") is not None


def printed(files: list[Path]) -> list[Path]:
    """Print pages as tagged PDF files, with their title, language and outline.

    Args:
        files: HTML pages that ``build`` wrote.

    Returns:
        The files written, beside the pages; none where ``can_print`` says no.
    """
    if not can_print():
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser(), args=BROWSER_ARGUMENTS)
        made = printed_by(chromium, files)
        chromium.close()
    return made


def printed_by(chromium, files: list[Path], paper: str = "Letter") -> list[Path]:
    """Print pages with a browser that is running already.

    Args:
        chromium: playwright's browser.
        files: HTML pages that ``build`` wrote.
        paper: ``"Letter"`` or ``"A4"``; the pages fit both.

    Returns:
        The files written, beside the pages.
    """
    made, opened = [], chromium.new_page()
    for file in files:
        opened.goto(file.resolve().as_uri())
        landscape = opened.evaluate("document.body.classList.contains('landscape')")
        opened.pdf(
            path=file.with_suffix(".pdf"),
            format=paper,
            landscape=landscape,
            tagged=True,
            outline=True,
            print_background=True,
        )
        made.append(file.with_suffix(".pdf"))
    opened.close()
    return made


def _page(name: str, kind: str, about: dict, body: str) -> Page:
    """Return a page whose title is its heading."""
    title = BeautifulSoup(body, "html.parser").h1.get_text()
    return Page(name, kind, title, body, about["group"], about["about"])


def _html(page: Page, language: str) -> str:
    """Return a page whole."""
    css = "".join(
        (pages.TEMPLATES / place).read_text("utf-8") for place in ("lesson/page.css", "kit/kit.css")
    )
    other = "fr" if language == "en" else "en"
    html = _template("page.html.j2").render(
        page=page,
        language=language,
        other=other,
        css=css,
        own=words()[language],
        words=pages.WORDS[language],
    )
    return pages.accessible(html, language)


@functools.cache
def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    ).get_template(name)


def _fill(name: str, language: str, **values) -> str:
    """Return a part of a page from its template."""
    return _template(name).render(
        own=words()[language],
        language=language,
        clock=_clock,
        markdown=_markdown,
        inline=_inline,
        unlabelled=_unlabelled,
        capital=_capital,
        **values,
    )


def _markdown(text: str) -> Markup:
    """Return Markdown, with tables, as HTML."""
    return Markup(mistune.create_markdown(escape=False, plugins=["table"])(text))


def _inline(text: str) -> Markup:
    """Return one paragraph of Markdown as HTML without its paragraph."""
    return Markup(str(_markdown(text)).strip().removeprefix("<p>").removesuffix("</p>"))


def _text(name: str, language: str) -> str:
    """Return a Markdown text of the kit as HTML, or nothing where there is none."""
    file = FOLDER / language / f"{name}.md"
    if not file.is_file():
        return ""
    html = str(_markdown(file.read_text("utf-8")))
    if name not in CARDS:
        return html
    title, card = html.split("</h1>", 1)
    copies = "".join(
        f'<div class="card"{hidden}>{card}</div>' for hidden in ("", *3 * (' aria-hidden="true"',))
    )
    return f'{title}</h1><div class="cards">{copies}</div>'


def _show(show: Show, plan: Curriculum, language: str) -> str:
    """Return a run-of-show as a table, a group of rows for each slot."""
    names = {}
    for slot in show.slots:
        if slot.lesson and plan.lesson(slot.lesson).exists():
            for note in notes(notebooks.read(plan.lesson(slot.lesson).path(language)), language):
                names[slot.lesson, note.cell] = note.name
    return _fill("show.html.j2", language, show=show, plan=plan, names=names)


def _notes(lesson: Lesson, notebook, sessions: list[Show], language: str) -> str:
    """Return a lesson's facilitator notes."""
    slots = [
        part
        for show in sessions
        for slot in show.slots
        if slot.lesson == lesson.slug
        for part in slot.parts
    ]
    question = re.findall(r"^\*\*(.+)\*\*$", _tagged(notebook, "question").source, re.M)[-1]
    return _fill(
        "notes.html.j2",
        language,
        lesson=lesson,
        question=question,
        notes=notes(notebook, language),
        keys=key_sentences(notebook, language),
        part={part.cell: part for part in slots},
        parts=PARTS,
    )


def _slides(lesson: Lesson, notebook, language: str) -> str:
    """Return a lesson's slides: question, objectives, charts, key points, the sentence."""
    question = _body(_tagged(notebook, "question").source)
    asked = re.findall(r"^\*\*(.+)\*\*$", question, re.M)[-1]
    memo = next(
        cell for cell in notebook.cells if {"memo", "sentence"} <= set(notebooks.tags(cell))
    )
    sentence = "".join(
        output["data"]["text/markdown"] for output in memo.outputs if "data" in output
    )
    return _fill(
        "slides.html.j2",
        language,
        lesson=lesson,
        asked=asked,
        story=question.replace(f"**{asked}**", ""),
        objectives=_body(_tagged(notebook, "objectives").source),
        points=_body(_tagged(notebook, "key-points").source),
        charts=_charts(notebook),
        sentence=sentence,
        minutes=lesson.core_minutes,
    )


def _charts(notebook) -> list[dict]:
    """Return the charts: heading above, image, its text alternative, source line, whether the
    one-day cut has it."""
    found, heading = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "check" not in notebooks.tags(cell):
            heading = (re.findall(r"^#{2,3} (.+)$", cell.source, re.M) or [heading])[-1]
        if "figure" not in notebooks.tags(cell):
            continue
        for output in cell.outputs:
            html = BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser")
            for figure in html.find_all("figure"):
                found.append(
                    {
                        "heading": heading,
                        "image": figure.img["src"],
                        "alt": figure.img["alt"],
                        "source": figure.figcaption.get_text() if figure.figcaption else "",
                        "core": "core" in notebooks.tags(cell),
                    }
                )
    return found


def _body(source: str) -> str:
    """Return a cell's text without its heading."""
    return re.sub(r"^#+ .+\n+", "", source)


def _memos(language: str) -> str:
    """Return the sample memos: first to be marked, then with the agreed marks and the reason for
    each."""
    return _fill("memos.html.j2", language, memos=sample_memos(), rubric=rubric(language))


def sample_memos() -> dict:
    """Return the sample memos: each with its points, one for each criterion, and its text and
    reasons by language."""
    return _read(FOLDER / "memos.toml")


def rubric(language: str) -> list[list[str]]:
    """Return the rubric of exercise 04's memo, a row for each criterion: its name, then what earns
    2, 1 and 0.

    Args:
        language: ``"en"`` or ``"fr"``.
    """
    folder = {"en": f"source/{RUBRIC_OF}", "fr": "french"}[language]
    cell = notebooks.cells_by_id(
        notebooks.read(ROOT / "exercises" / folder / f"{RUBRIC_OF}.ipynb")
    )["memo-text"]
    rows = [
        line.strip(" |").split(" | ")
        for line in cell.source.splitlines()
        if line.startswith("| **")
    ]
    return [[word.strip() for word in row] for row in rows]


def _index(kit: list[Page], language: str, pdf: bool) -> Page:
    """Return the page that leads to the others."""
    plan, sessions = Curriculum.read(), shows()
    slugs = {slot.lesson for show in sessions for slot in show.slots if slot.lesson}
    slugs |= {slug for show in sessions for slug in show.without}
    body = _fill(
        "index.html.j2",
        language,
        kit=kit,
        pdf=pdf,
        lessons=taught(sessions, plan),
        missing=[lesson for lesson in plan.lessons if lesson.slug in slugs and not lesson.exists()],
    )
    return Page("index", "index", words()[language]["index"]["title"], body, "", "")
