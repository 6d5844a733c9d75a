"""Writes the instructor's report on an assignment, one page in both languages.

It names people, so it is for whoever grades, and stays where the course is.
"""

import contextlib
from collections import Counter
from pathlib import Path

import msgspec
import pandas as pd

from commons.wording import LANGUAGES, Sentence, number, percent, typeset
from grader.course import causes, lock
from grader.course.files import put
from grader.course.folder import Course
from grader.course.gradebook import Book, Given
from grader.course.journal import Entry
from grader.course.source import read_source
from grader.intake.people import Roster
from grader.reports import moderation, statistics
from grader.reports.feedback import framed
from grader.reports.rendering import template
from grader.reports.words import WORDS

_BARS = 10  #: of the distribution


class LearnerLine(msgspec.Struct, frozen=True):
    """One learner's line.

    Args:
        student: the id.
        name: from the roster; the id without one.
        state: ``"graded"``, ``"failed"``, ``"waiting"`` (handed in, not graded) or ``"missing"``
            (on the roster, and nothing handed in).
        automatic: points that tests gave and nobody changed; None if there are none.
        manual: points that people gave; None if there are none.
        penalty: for being late.
        total: what counts, never below 0; None where nothing is graded.
        unread: how many answers wait to be read.
        late: whether it was late.
        reason: why it failed or ended early.
    """

    student: str
    name: str
    state: str
    automatic: float | None = None
    manual: float | None = None
    penalty: float = 0.0
    total: float | None = None
    unread: int = 0
    late: bool = False
    reason: Sentence | None = None


class Report(msgspec.Struct, frozen=True):
    """All that the page says.

    Args:
        assignment: its name.
        maximum: points to be had.
        lines: the learners', by name.
        items: statistics of each task.
        live: marks that are not tamper-proof.
        outdated: how many were graded with other tests than the source has now.
        agreement: of two markers, by task; {} if no two have marked.
    """

    assignment: str
    maximum: float
    lines: list[LearnerLine]
    items: list[statistics.Item]
    live: list[str] = []
    outdated: int = 0
    agreement: dict[str, statistics.Agreement] = {}

    def count(self, state: str) -> int:
        """Return how many lines are in a state."""
        return sum(line.state == state for line in self.lines)


def read(
    folder: Path | str, assignment: str, roster: Roster | None = None, db: str | None = None
) -> Report:
    """Gather what a course knows of an assignment.

    Args:
        folder: the course.
        assignment: which assignment.
        roster: for names, and to see who handed nothing in.
        db: address of the gradebook, instead of the course's.

    Raises:
        NoCourse: if there is no such course or assignment.
        GradebookProblem: if the gradebook cannot be read.
    """
    course = Course(folder, db)
    tests = course.hash_of_tests(assignment)
    with contextlib.closing(lock.open_journal(course)) as journal:
        entries = journal.of(assignment)
    with contextlib.closing(Book(course, assignment, update=False)) as book:
        cells, worth, penalties = book.cells(), book.maximum(), book.lost_points()
    names = [
        f"{path.stem}/{cell.grade_id}"
        for path in course.notebooks(assignment)
        for cell in read_source(course, path)[0].cells
    ]
    maximum = {name: worth[name] for name in names if name in worth}  # in the notebooks' order
    graded = {student for student, entry in entries.items() if entry.state == "graded"}
    given: dict[str, dict[str, Given]] = {}
    for student, name, each in cells:
        given.setdefault(student, {})[name] = each
    people = roster.people if roster else {}
    waiting = set(course.students(assignment)) - set(entries)
    lines = [
        _line(
            student,
            people[student].name if student in people else student,
            entries.get(student),
            given.get(student, {}),
            penalties.get(student, 0.0),
            student in waiting,
        )
        for student in {**people, **dict.fromkeys([*sorted(entries), *sorted(waiting)])}
    ]
    points = pd.DataFrame.from_dict(
        {
            student: {name: each.points for name, each in given.get(student, {}).items()}
            for student in sorted(graded)
        },
        orient="index",
        dtype=float,
    ).reindex(columns=list(maximum))
    done = [entries[student] for student in sorted(graded)]
    return Report(
        assignment,
        sum(maximum.values()),
        lines,
        statistics.items(points, maximum, _messages(done)),
        sorted({name for entry in done for name in entry.live}),
        sum(entry.tests != tests for entry in done),
        moderation.agreement(course, assignment),
    )


def _line(
    student: str,
    name: str,
    entry: Entry | None,
    given: dict[str, Given],
    penalty: float,
    waits: bool,
) -> LearnerLine:
    if entry is None or entry.state != "graded":
        state = (
            "waiting"
            if waits or (entry and entry.state != "failed")
            else "failed"
            if entry
            else "missing"
        )
        return LearnerLine(
            student,
            name,
            state,
            reason=causes.why(entry.cause, entry.detail) if entry else None,
        )
    automatic = sum(each.automatic or 0.0 for each in given.values() if each.manual is None)
    manual = sum((each.manual or 0.0) + each.extra for each in given.values())
    return LearnerLine(
        student,
        name,
        "graded",
        automatic,
        manual,
        penalty,
        max(0.0, automatic + manual - penalty),
        sum(each.unread for each in given.values()),
        entry.late > 0,
        causes.why(entry.cause, entry.detail),
    )


def _messages(entries: list[Entry]) -> dict[str, Counter]:
    """Count what failed tests said, by task: as learners are told it where they are, else the first
    line."""
    counts: dict[str, Counter] = {}
    for entry in entries:
        for name, error in entry.errors.items():
            hint = entry.hints.get(name)
            first = (error.strip().splitlines() or [""])[0]
            said = (hint.english, hint.french) if hint else (first, first)
            counts.setdefault(name, Counter())[said] += 1
    return counts


def write(report: Report, path: Path) -> Path:
    """Write a report as one HTML page, in English and French, that needs nothing else and runs
    nothing.

    Raises:
        CannotWrite: if it cannot be written.
    """
    body = template("report.html").render(
        report=report,
        bars=_distribution(report),
        parts=[(lang, WORDS[lang]["report"], _Writer(lang)) for lang in LANGUAGES],
    )
    titles = " / ".join(WORDS[lang]["report"]["report"] for lang in LANGUAGES)
    title = f"{titles}: {report.assignment}"
    put(path, framed("en", title, body).encode("utf-8", "replace"))
    return path


class _Writer:
    """Numbers and sentences in one language, for the template."""

    def __init__(self, language: str):
        self.language = language

    def number(self, value: float | None, decimals: int = 2) -> str:
        return number(value, decimals, self.language)

    def percent(self, share: float | None) -> str:
        return percent(share, 0, self.language)

    def said(self, sentence) -> str:
        if sentence is None:
            return ""
        return sentence.english if self.language == "en" else typeset(sentence.french)


def _distribution(report: Report) -> list[tuple[float, float, int]]:
    """Return how many totals lie in each tenth of the points: from, to, count."""
    totals = [line.total for line in report.lines if line.total is not None]
    if not totals or not report.maximum:
        return []
    width = report.maximum / _BARS
    counts = Counter(max(0, min(_BARS - 1, int(total / width))) for total in totals)
    return [(at * width, (at + 1) * width, counts[at]) for at in range(_BARS)]
