"""Writes feedback pages for learners, which show no hidden test and run nothing.

A page holds what was handed in, the marks, what to look at, and the comments of whoever read it.
What the cells showed when they were marked is left out: they ran on tables that learners do not
see, and could print them.
"""

import base64
import contextlib
import hashlib
import html
from collections.abc import Callable
from pathlib import Path

from commons import wording
from commons.language import use_language
from commons.wording import Sentence, number
from grader.course import causes, lock
from grader.course.files import put
from grader.course.folder import Course
from grader.course.gradebook import Book, Given, GivenNotebook
from grader.course.handed_in import read_regular
from grader.course.ids import is_usable
from grader.course.journal import Entry
from grader.course.source import read_source
from grader.intake.people import Roster
from grader.marking.model import MOST_NOTEBOOK, SourceCell, SourceNotebook
from grader.reports import rendering
from grader.reports.rendering import Drawn, MarkLine, Page
from grader.reports.words import WORDS
from grader.sandbox.forkserver import View
from grader.sandbox.limits import Limits
from grader.sandbox.sandbox import Sandbox

_LIMITS = Limits(seconds=120, memory=1 << 30)
_SECONDS = 60.0  # for one page
_CSS = (rendering.TEMPLATES / "page.css").read_text("utf-8")
_CSS_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
_UNREAD = Sentence("Nobody has read this answer yet.", "Personne n’a encore lu cette réponse.")
_HIDDEN = Sentence(
    "A test that is not shown did not pass.", "Un test qui n’est pas montré n’a pas réussi."
)
_NO_RESPONSE = "No response."  # nbgrader's, and English
_EMPTY = Sentence("Not answered.", "Sans réponse.")
_CHANGED = Sentence("Points given by a person.", "Points donnés par une personne.")
_PART = Sentence("A part of the points.", "Une partie des points.")
_SOME_UNREAD = Sentence("Some answers are still to be read.", "Des réponses restent à lire.")
_NOT_DRAWN = Sentence(
    "Your notebook cannot be shown here; the marks stand.",
    "Votre carnet ne peut pas être affiché ici; les notes sont bonnes.",
)
_FOOTER = Sentence(
    "Marks were given by the tests of the assignment, and by people where it says so. Ask your "
    "instructor about a mark that you do not understand.",
    "Les notes viennent des tests du devoir, et de personnes là où c’est indiqué. Parlez à la "
    "personne responsable du cours d’une note que vous ne comprenez pas.",
)


def feedback(
    folder: Path | str,
    assignment: str,
    *,
    students: list[str] | None = None,
    roster: Roster | None = None,
    db: str | None = None,
    unsafe_trusted: bool = False,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> list[Path]:
    """Write a page for each notebook of each learner in ``feedback/``, where nbgrader has it.

    Args:
        folder: the course.
        assignment: which assignment; it must be graded.
        students: ids, where not all are to have one.
        roster: for names and languages; without it pages are in the language of the messages.
        db: address of the gradebook, instead of the course's.
        unsafe_trusted: draw pages without confinement.
        progress: told how many learners are done, of how many.

    Returns:
        The pages written.

    Raises:
        NoCourse: if there is no such course or assignment.
        CannotConfine: if this machine cannot confine what reads learners' notebooks.
        GradebookProblem: if the gradebook cannot be read.
        CannotWrite: if a page cannot be written.
    """
    course = Course(folder, db)
    source = [read_source(course, path)[0] for path in course.notebooks(assignment)]
    with contextlib.closing(lock.open_journal(course)) as journal:
        entries = journal.of(assignment)
    chosen = sorted(
        student
        for student, entry in entries.items()
        if entry.state in ("graded", "failed")
        and is_usable(student)
        and (students is None or student in students)
    )
    view = View(
        preload=["grader.reports.rendering", "mistune", "nh3", "jinja2"], trusted=unsafe_trusted
    )
    written = []
    with (
        Sandbox(view) as sandbox,
        contextlib.closing(Book(course, assignment, update=False)) as book,
    ):
        for done, student in enumerate(chosen, 1):
            person = roster.people.get(student) if roster else None
            with _language(person.language if person else wording.language()):
                given = book.given(student)
                for each in source:
                    page = _page(
                        course,
                        assignment,
                        each,
                        entries[student],
                        given.get(each.name, GivenNotebook()),
                    )
                    page.who = person.name if person else student
                    path = course.feedback / student / assignment / f"{page.title}.html"
                    title = f"{WORDS[page.language]['feedback']['feedback']}, {page.title}"
                    body = f"{_drawn(sandbox, page)}\n<p>{html.escape(str(_FOOTER))}</p>"
                    put(path, framed(page.language, title, body).encode("utf-8", "replace"))
                    written.append(path)
            progress(done, len(chosen))
    return written


@contextlib.contextmanager
def _language(language: str):
    """Write sentences and numbers in a language for a while."""
    before = wording.language()
    use_language(language)
    try:
        yield
    finally:
        use_language(before)


def _page(
    course: Course, assignment: str, source: SourceNotebook, entry: Entry, given: GivenNotebook
) -> Page:
    """Return what one page is drawn from."""
    marks = [
        _mark(cell, f"{source.name}/{cell.grade_id}", entry, given)
        for cell in source.cells
        if cell.role in ("test", "manual", "task")
    ]
    points = [given.cells.get(mark.grade_id, Given()).points for mark in marks]
    total = max(0.0, sum(each or 0.0 for each in points) - given.penalty)
    cause = causes.why(entry.cause, entry.detail) if entry.cause != "timestamp" else None
    path = course.autograded / entry.student / assignment / f"{source.name}.ipynb"
    comments = {
        name: str(_EMPTY) if text == _NO_RESPONSE else text for name, text in given.comments.items()
    }
    return Page(
        notebook=(read_regular(path, MOST_NOTEBOOK) or b"") if entry.state == "graded" else b"",
        language=wording.language(),
        title=source.name,
        who=entry.student,
        marks=marks,
        total=number(total, 2) if entry.state == "graded" else "–",
        maximum=number(sum(cell.points for cell in source.cells), 2),
        penalty=number(given.penalty, 2) if given.penalty else "",
        state=str(_SOME_UNREAD) if entry.state == "graded" and None in points else "",
        cause=str(cause or ""),
        visible={
            cell.grade_id: cell.visible for cell in source.cells if cell.role in ("test", "locked")
        },
        comments=comments,
    )


def _mark(cell: SourceCell, name: str, entry: Entry, given: GivenNotebook) -> MarkLine:
    """Return one mark as the page shows it, with what may be said of it."""
    got = given.cells.get(cell.grade_id, Given())
    said = ""
    if entry.state == "graded" and got.points is None:
        said = str(_UNREAD)
    elif got.manual is not None and cell.role == "test":
        said = str(_CHANGED)
    elif name in entry.errors:
        hint = entry.hints.get(name)
        said = str(Sentence(hint.english, hint.french) if hint else _HIDDEN)
    elif got.points is not None and cell.role == "test" and got.points < cell.points:
        said = str(_PART if got.points else _HIDDEN)
    return MarkLine(
        cell.grade_id, cell.grade_id, number(got.points, 2), number(cell.points, 2), said
    )


def _drawn(sandbox: Sandbox, page: Page) -> str:
    """Return a page's contents as a sealed process draws them; without the notebook, where that
    ends the process."""
    drawn = sandbox.ask("grader.reports.rendering:serve", page, Drawn, _LIMITS, _SECONDS)
    if drawn is None:
        page.notebook, page.cause = b"", str(_NOT_DRAWN)
        drawn = Drawn(rendering.draw(page))
    return drawn.html


def framed(language: str, title: str, body: str) -> str:
    """Return a whole page: its head is written here, out of reach of whatever a notebook did to its
    drawing.

    Args:
        language: of the page.
        title: plain text.
        body: HTML between the tags of ``main``.
    """
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, '
        f'initial-scale=1">\n<title>{html.escape(title)}</title>\n'
        f"<style>{_CSS}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
