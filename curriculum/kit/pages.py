"""Every page of the kit, made of its sources and of the lessons."""

from dataclasses import dataclass

from bs4 import BeautifulSoup

from commons import templates
from curriculum import notebooks, pages
from curriculum.kit import slides
from curriculum.kit.markup import TEMPLATES, fill, markdown
from curriculum.kit.notes import key_sentences, notes, question
from curriculum.kit.sources import FOLDER, rubric, sample_memos, words
from curriculum.kit.timetable import Show, complaints, shows, taught
from curriculum.lessons import Curriculum, Lesson
from curriculum.words import words as page_words

CARDS = ("minute-card",)  # texts of which four fit on a page
LANDSCAPE = ("certificate",)  # and slides


@dataclass(frozen=True)
class KitPage:
    """One page of the kit, to be written as HTML and printed.

    Attributes:
        name: file name without ending, the same in both languages.
        kind: its style: ``"text"``, ``"show"``, ``"notes"``, ``"memos"``, ``"slides"``, or the name
            of a text.
        title: what it is called.
        body: what stands in its main part, as HTML with its one ``h1``.
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


def of_language(language: str) -> list[KitPage]:
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
    own, made = words(language), []
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
            KitPage(
                f"notes-{lesson.slug}",
                "notes",
                f"{own['notes']['title']}, {title}",
                _notes(lesson, notebook, sessions, language),
                "lessons",
                own["notes"]["about"],
            )
        )
        made.append(
            KitPage(
                f"slides-{lesson.slug}",
                "slides",
                f"{own['slides']['title']}, {title}",
                slides.slides(lesson, notebook, language),
                "lessons",
                own["slides"]["about"],
            )
        )
    return made


def _page(name: str, kind: str, about: dict, body: str) -> KitPage:
    """Return a page whose title is its heading."""
    title = BeautifulSoup(body, "html.parser").h1.get_text()
    return KitPage(name, kind, title, body, about["group"], about["about"])


def html(page: KitPage, language: str) -> str:
    """Return a page whole."""
    css = "".join(
        (pages.TEMPLATES / place).read_text("utf-8") for place in ("lesson/page.css", "kit/kit.css")
    )
    other = "fr" if language == "en" else "en"
    html = templates.fill(
        TEMPLATES / "page.html.j2",
        page=page,
        language=language,
        other=other,
        css=css,
        own=words(language),
        words=page_words("lesson_page", language),
    )
    return pages.accessible(html, language)


def _text(name: str, language: str) -> str:
    """Return a Markdown text of the kit as HTML, or nothing where there is none."""
    file = FOLDER / language / f"{name}.md"
    if not file.is_file():
        return ""
    html = str(markdown(file.read_text("utf-8")))
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
    return fill("show.html.j2", language, show=show, plan=plan, names=names)


def _notes(lesson: Lesson, notebook, sessions: list[Show], language: str) -> str:
    """Return a lesson's facilitator notes."""
    slots = [
        part
        for show in sessions
        for slot in show.slots
        if slot.lesson == lesson.slug
        for part in slot.parts
    ]
    return fill(
        "notes.html.j2",
        language,
        lesson=lesson,
        question=question(notebook),
        notes=notes(notebook, language),
        keys=key_sentences(notebook, language),
        part={part.cell: part for part in slots},
    )


def _memos(language: str) -> str:
    """Return the sample memos: first to be marked, then with the agreed marks and the reason for
    each."""
    return fill("memos.html.j2", language, memos=sample_memos(), rubric=rubric(language))


def index(kit: list[KitPage], language: str, pdf: bool) -> KitPage:
    """Return the page that leads to the others."""
    plan, sessions = Curriculum.read(), shows()
    slugs = {slot.lesson for show in sessions for slot in show.slots if slot.lesson}
    slugs |= {slug for show in sessions for slug in show.without}
    body = fill(
        "index.html.j2",
        language,
        kit=kit,
        pdf=pdf,
        lessons=taught(sessions, plan),
        missing=[lesson for lesson in plan.lessons if lesson.slug in slugs and not lesson.exists()],
    )
    return KitPage("index", "index", words(language)["index"]["title"], body, "", "")
