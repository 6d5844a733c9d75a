"""Exports marks from nbgrader's gradebook: a table, and files for Moodle, Brightspace, Canvas.

Names come from learners: no text cell can be calculated by the spreadsheet that opens the file.
Whoever has no mark is left out of what a learning management system imports, since an empty cell
may take away a mark that is there.
"""

import csv
import datetime
import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from commons.errors import BilingualError, CannotWrite
from grader.course.files import put
from grader.course.folder import with_driver
from grader.intake.people import Person, Roster

UNFINISHED = ("refuse", "blank", "automatic")
Table = Iterator[list[str | float | None]]
_QUOTES = "\"'`´‘’‚“”„«»‹›＂＇"


class CannotExport(BilingualError):
    """Raised when there are no marks to export, or some are unfinished; nothing was written."""


class Row(NamedTuple):
    """One person's marks for an assignment, in points.

    Args:
        student: the id.
        automatic: what the tests gave, where nobody changed it.
        manual: what people gave, extra credit included, also in place of what a test gave.
        penalty: taken off for being late.
        maximum: what could be had.
        unread: how many answers wait for somebody to read them.
        submitted: when, in UTC; None if that is unknown.
    """

    student: str
    automatic: float
    manual: float
    penalty: float
    maximum: float
    unread: int = 0
    submitted: datetime.datetime | None = None

    @property
    def total(self) -> float:
        """The mark: both kinds less the penalty, never below 0, as nbgrader's own export has it."""
        return max(0.0, self.automatic + self.manual - self.penalty)

    @property
    def needs_manual(self) -> bool:
        """Whether somebody still has to read an answer."""
        return self.unread > 0


class Exported(NamedTuple):
    """What was written: where, for how many people, who has no mark, and who has one but is not on
    the roster."""

    path: Path
    people: int
    left_out: tuple[str, ...]
    strangers: tuple[str, ...]


def rows(course: Path, assignment: str, db: str | None = None) -> list[Row]:
    """Return the marks of everybody who handed in an assignment, by id. The gradebook is only read.

    Args:
        course: the nbgrader course.
        assignment: its name.
        db: address of the gradebook, if it is not ``gradebook.db`` in the course.

    Raises:
        CannotExport: if there is no such gradebook, or no such assignment in it.
    """
    from nbgrader.api import Assignment, Grade, SubmittedAssignment, SubmittedNotebook  # slow
    from sqlalchemy import case, create_engine, func, select
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.orm import Session
    from sqlalchemy.pool import NullPool

    given = Grade.manual_score.is_not(None)  # by a person, which counts before what a test gave
    by_test = case((given, 0.0), else_=func.coalesce(Grade.auto_score, 0.0))
    by_person = case((given, Grade.manual_score), else_=0.0) + func.coalesce(
        Grade.extra_credit, 0.0
    )
    penalty = func.coalesce(SubmittedNotebook.late_submission_penalty, 0.0)
    try:
        url = make_url(with_driver(db) if db else f"sqlite:///{Path(course) / 'gradebook.db'}")
        if url.get_backend_name() == "sqlite" and not (
            url.database and Path(url.database).is_file()
        ):
            raise CannotExport(
                f"There is no gradebook at {url.database}. Grade the assignment first.",
                f"Il n’y a pas de carnet de notes à {url.database}. Notez d’abord le devoir.",
            )
        with Session(create_engine(url, poolclass=NullPool)) as session:
            query = select(Assignment.id, Assignment.max_score).where(Assignment.name == assignment)
            known = session.execute(query).first()
            if known is None:
                names = ", ".join(
                    session.scalars(select(Assignment.name).order_by(Assignment.name))
                )
                raise CannotExport(
                    f"The gradebook has no assignment {assignment}; it has: {names or 'none'}.",
                    f"Le carnet de notes n’a pas de devoir {assignment}; il a : "
                    f"{names or 'aucun'}.",
                )
            of_this = SubmittedAssignment.assignment_id == known.id
            per_person = (
                select(SubmittedAssignment.id)
                .where(of_this)
                .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
                .group_by(SubmittedAssignment.id)
            )
            unread = func.sum(case((Grade.needs_manual_grade, 1), else_=0))
            marks = {
                one: rest
                for one, *rest in session.execute(
                    per_person.add_columns(func.sum(by_test), func.sum(by_person), unread).join(
                        Grade, Grade.notebook_id == SubmittedNotebook.id
                    )
                )
            }
            late = dict(session.execute(per_person.add_columns(func.sum(penalty))).all())
            found = session.execute(
                select(
                    SubmittedAssignment.id,
                    SubmittedAssignment.student_id,
                    SubmittedAssignment.timestamp,
                )
                .where(of_this)
                .order_by(SubmittedAssignment.student_id)
            ).all()
    except (SQLAlchemyError, ImportError) as error:
        raise CannotExport(
            "The gradebook cannot be read: is it nbgrader’s, and is its address right?",
            "Impossible de lire le carnet de notes : est-ce celui de nbgrader, et l’adresse "
            "est-elle bonne?",
        ) from error
    never_graded = 0.0, 0.0, 1 if known.max_score else 0
    table = []
    for one, student, when in found:
        automatic, manual, waiting = marks.get(one, never_graded)
        table.append(
            Row(
                student,
                float(automatic),
                float(manual),
                float(late.get(one) or 0),
                float(known.max_score or 0),
                int(waiting),
                when and when.replace(tzinfo=datetime.UTC),
            )
        )
    return table


def export(
    course: Path,
    assignment: str,
    format: str,
    roster: Roster,
    out: Path,
    db: str | None = None,
    unfinished: str = "refuse",
    item: str | None = None,
) -> Exported:
    """Write an assignment's marks to a CSV file, whole and in one step.

    The formats, their sources, and what could not be tried (none of the three systems was at hand):

    - ``csv``: for people and programs; UTF-8 with the mark that Excel needs; everybody of the
      roster, automatic and manual marks apart.
    - ``moodle``: names, ``ID number``, ``Email address`` and the item, headed as in Moodle's own
      export (docs.moodle.org/en/Grade_import; moodle/moodle grade/import/csv). On import map ``ID
      number`` to the ID number, or the address, whose capitals count, to the e-mail address, and
      the item to a grade item whose maximum fits. Not verified: the headings of a Moodle in French;
      the mapping is chosen by hand there as well.
    - ``brightspace``: ``OrgDefinedId``, ``<item> Points Grade``, ``End-of-Line Indicator``
      (community.d2l.com/brightspace/kb/articles/3538-importing-grades: Username or OrgDefinedId,
      one is enough; kb.wisc.edu/page.php?id=4330: ``#`` before each id and at the end of each row).
      The id must be the Org Defined ID; the roster knows no user names. Not verified: which marks
      an item's name may not have.
    - ``canvas``: ``Student``, ``ID``, ``SIS User ID``, ``SIS Login ID``, ``Section``, the item, and
      the row ``Points Possible`` (instructure/canvas-lms lib/gradebook_importer.rb). Canvas finds a
      person by SIS User ID (the id here), then by SIS Login ID (the address here), last by name:
      look through what it shows before saving. Its own number makes the assignment certain:
      ``item="Trust this table (4711)"``. Not verified: accounts in other languages.

    Args:
        course: the nbgrader course.
        assignment: its name.
        format: ``csv``, ``moodle``, ``brightspace`` or ``canvas``.
        roster: the cohort; marks of others go into ``csv`` alone.
        out: the file to write.
        db: address of the gradebook, if it is not ``gradebook.db`` in the course.
        unfinished: what to do where an answer waits to be read: ``refuse`` to write anything, leave
            the mark ``blank``, or give the ``automatic`` marks alone, less the penalty.
        item: the grade item's name in the system; the assignment's if left out.

    Raises:
        CannotExport: if a format or choice does not exist, there are no marks, or some are
            unfinished.
        CannotWrite: if the file cannot be written.
    """
    if format not in _FORMATS or unfinished not in UNFINISHED:
        formats, choices = ", ".join(_FORMATS), ", ".join(UNFINISHED)
        raise CannotExport(
            f"Choose a format ({formats}) and what to do with unfinished marks ({choices}).",
            f"Choisissez un format ({formats}) et le sort des notes incomplètes ({choices}).",
        )
    marks = {row.student: row for row in rows(course, assignment, db)}
    waiting = [row for row in marks.values() if row.needs_manual]
    if waiting and unfinished == "refuse":
        raise CannotExport(
            f"{len(waiting)} of {len(marks)} submissions of {assignment} have answers that nobody "
            "has read yet. Read them in the formgrader, or choose to leave these marks blank or "
            "to give the automatic ones alone.",
            f"{len(waiting)} des {len(marks)} copies de {assignment} ont des réponses que "
            "personne n’a encore lues. Lisez-les dans formgrader, ou choisissez de laisser ces "
            "notes en blanc ou de n’en donner que la part automatique.",
        )
    given = {
        one: mark for one, row in marks.items() if (mark := _mark(row, unfinished)) is not None
    }
    strangers = tuple(one for one in marks if one not in roster.people)
    people = list(roster.people.values())
    if format == "csv":
        people += [Person(one, "") for one in strangers]
    else:
        people = [person for person in people if person.id in given]
    maximum = max((row.maximum for row in marks.values()), default=0.0)
    table = _FORMATS[format](_Sheet(people, marks, given, item or assignment, maximum))
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL if format == "csv" else csv.QUOTE_MINIMAL).writerows(
        [
            [harmless(cell) if isinstance(cell, str) else _number(cell) for cell in row]
            for row in table
        ]
    )
    try:
        put(Path(out), text.getvalue().encode("utf-8-sig" if format == "csv" else "utf-8"))
    except OSError as error:
        raise CannotWrite(Path(out).parent, error) from error
    return Exported(
        Path(out), len(people), tuple(one for one in roster.people if one not in given), strangers
    )


def _mark(row: Row, unfinished: str) -> float | None:
    if not row.needs_manual:
        return row.total
    return max(0.0, row.automatic - row.penalty) if unfinished == "automatic" else None


class _Sheet(NamedTuple):
    """What a format is written from: ``given`` has the mark of whoever has one."""

    people: list[Person]
    marks: dict[str, Row]
    given: dict[str, float]
    item: str
    maximum: float


def _csv(sheet: _Sheet) -> Table:
    yield [
        "student",
        "name",
        "email",
        "section",
        "language",
        "assignment",
        "automatic",
        "manual",
        "penalty",
        "total",
        "maximum",
        "unread",
        "submitted",
        "state",
    ]
    for person in sheet.people:
        row = sheet.marks.get(person.id)
        about = [person.id, person.name, person.email, person.section, person.language, sheet.item]
        if row is None:
            yield [*about, *[None] * 7, "missing"]
            continue
        when = row.submitted.isoformat(timespec="seconds") if row.submitted else None
        mark, state = sheet.given.get(person.id), "unread" if row.needs_manual else "complete"
        yield [
            *about,
            row.automatic,
            row.manual,
            row.penalty,
            mark,
            row.maximum,
            row.unread,
            when,
            state,
        ]


def _moodle(sheet: _Sheet) -> Table:
    yield ["First name", "Last name", "ID number", "Email address", sheet.item]
    for person in sheet.people:
        yield [*person.names(), person.id, person.email, sheet.given[person.id]]


def _brightspace(sheet: _Sheet) -> Table:
    yield ["OrgDefinedId", f"{sheet.item} Points Grade", "End-of-Line Indicator"]
    for person in sheet.people:
        yield [f"#{person.id}", sheet.given[person.id], "#"]


def _canvas(sheet: _Sheet) -> Table:
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", sheet.item]
    yield ["    Points Possible", None, None, None, None, sheet.maximum]
    for person in sheet.people:
        yield [person.name, None, person.id, person.email, person.section, sheet.given[person.id]]


_FORMATS = {"csv": _csv, "moodle": _moodle, "brightspace": _brightspace, "canvas": _canvas}


def _number(value: float | None) -> str:
    """Write points with at most two decimals after a point; nothing for what is not known."""
    if value is None:
        return ""
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def harmless(text: str) -> str:
    """Return a text that no spreadsheet calculates: an apostrophe stands before whatever would
    start a formula.

    After owasp.org/www-community/attacks/CSV_Injection: no cell may start with = + - @, a tab or an
    end of line. Here also not with their other forms in Unicode, nor behind blanks, quotes and
    invisible marks, nor after a comma or semicolon, where a spreadsheet of another country starts a
    cell. Tabs and ends of lines become blanks. An id or an address that the roster lets pass is
    unchanged, so that a system still finds the person.
    """
    line = "".join(
        " " if unicodedata.category(mark) in ("Cc", "Zl", "Zp") else mark for mark in text
    )
    return "".join(f"'{part}" if _calculates(part) else part for part in re.split(r"([,;|])", line))


def _calculates(part: str) -> bool:
    """Tell whether the first mark that is seen starts a formula."""
    seen = (
        mark
        for mark in part
        if not (mark.isspace() or mark in _QUOTES or unicodedata.category(mark) in ("Cf", "Mn"))
    )
    return unicodedata.normalize("NFKC", next(seen, ""))[:1] in ("=", "+", "-", "@", "−")
