"""Gives answers to two markers without names, and compares the points that they give.

A sheet is a CSV with one line an answer, in a page beside it stands what the learners wrote.
Answers go by a code, drawn anew each time; which learner a code is stays in the course's own
folder.
"""

import contextlib
import csv
import html
import io
import random
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec

from commons import csv_lists
from commons.csv_lists import CsvRow
from commons.errors import BilingualError
from commons.wording import language
from grader.course import lock
from grader.course.files import put
from grader.course.folder import Course
from grader.course.gradebook import Book
from grader.course.handed_in import read_regular
from grader.course.source import read_source
from grader.marking.model import MOST_NOTEBOOK
from grader.reports import rendering, statistics
from grader.reports.feedback import framed
from grader.reports.rendering import Drawn
from grader.reports.statistics import Agreement
from grader.reports.words import WORDS
from grader.sandbox.forkserver import View
from grader.sandbox.limits import Limits
from grader.sandbox.sandbox import Sandbox

COLUMNS = ["code", "task", "maximum", "points", "comment"]
_BEGINS, _ENDS = (
    "<!-- answer {} -->",
    "<!-- end of answer -->",
)  # by which an answer is taken out of the page again
NEAR = 1.0  #: points that two markers may lie apart, and their mean still counts
_LIMITS = Limits(seconds=120, memory=1 << 30)


class BadSheet(BilingualError):
    """Raised when a marker's sheet cannot be taken; nothing of it was."""


class Listed(msgspec.Struct, frozen=True):
    """An answer that was given to markers: whose it is, in which task, and what can be had."""

    student: str
    task: str
    maximum: float


class Kept(msgspec.Struct):
    """What the course keeps of a marking.

    Args:
        answers: by code.
        agreement: that was found, by task.
        written: where the page and the sheets were written.
        forgotten: codes whose learner was forgotten: markers' sheets may still have them.
    """

    answers: dict[str, Listed]
    agreement: dict[str, Agreement] = {}
    written: list[str] = []
    forgotten: list[str] = []


class SheetsForgotten(msgspec.Struct, frozen=True):
    """What forgetting a learner changed, and what is to be looked at by a person."""

    removed: list[str]
    look: list[str]


class Settled(msgspec.Struct, frozen=True):
    """What two sheets give.

    Args:
        agreement: by task.
        entered: how many answers were entered in the gradebook.
        apart: codes of the answers on which the two lie too far apart, with both points.
        alone: codes that only one has marked.
    """

    agreement: dict[str, Agreement]
    entered: int
    apart: dict[str, tuple[float, float]]
    alone: list[str]


def lay_out(
    folder: Path | str,
    assignment: str,
    out: Path,
    *,
    markers: int = 2,
    share: float = 1.0,
    seed: int | None = None,
    db: str | None = None,
    unsafe_trusted: bool = False,
) -> list[Path]:
    """Write a sheet for each marker, and a page with the answers, without a name.

    Args:
        folder: the course.
        assignment: which assignment; it must be graded.
        out: the folder to write into.
        markers: how many sheets.
        share: of the answers, drawn by chance: 0.1 is every tenth.
        seed: of the drawing, to have the same again.
        db: address of the gradebook, instead of the course's.
        unsafe_trusted: draw the page without confinement.

    Returns:
        The files written: the page, then the sheets.

    Raises:
        NoCourse: if there is no such course or assignment.
        CannotWrite: if a file cannot be written.
    """
    course = Course(folder, db)
    tasks = {
        f"{notebook.name}/{cell.grade_id}": (notebook.name, cell)
        for notebook in (read_source(course, path)[0] for path in course.notebooks(assignment))
        for cell in notebook.cells
        if cell.role in ("manual", "task")
    }
    with contextlib.closing(Book(course, assignment, update=False)) as book:
        unread = [
            (student, name)
            for student, name, given in book.cells()
            if given.unread and name in tasks
        ]
    chance = random.Random(seed if seed is not None else secrets.randbits(64))
    chosen = chance.sample(sorted(unread), round(len(unread) * share))
    answers = {
        f"M{number:05d}": Listed(student, name, tasks[name][1].points)
        for number, (student, name) in enumerate(chosen, 1)
    }
    page = out / f"{assignment}-answers.html"
    put(page, _page(course, assignment, answers, unsafe_trusted).encode("utf-8", "replace"))
    sheets = [out / f"{assignment}-marker-{number}.csv" for number in range(1, markers + 1)]
    for sheet in sheets:
        put(sheet, _sheet(answers))
    with lock.locked(course):
        written = [str(path.resolve()) for path in (page, *sheets)]
        put(_kept_at(course, assignment), msgspec.json.encode(Kept(answers, written=written)))
    return [page, *sheets]


def _kept_at(course: Course, assignment: str) -> Path:
    return course.state / "memos" / f"{assignment}.json"


def _kept(course: Course, assignment: str) -> Kept:
    try:
        return msgspec.json.decode(_kept_at(course, assignment).read_bytes(), type=Kept)
    except (OSError, msgspec.MsgspecError):
        return Kept({})


def _sheet(answers: dict[str, Listed]) -> bytes:
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(COLUMNS)
    lines.writerows(
        [code, each.task, f"{each.maximum:g}", "", ""] for code, each in answers.items()
    )
    return written.getvalue().encode("utf-8-sig")  # Excel needs the mark


def _page(course: Course, assignment: str, answers: dict[str, Listed], trusted: bool) -> str:
    """Return the page of the answers, each drawn in a sealed process of its own."""
    words, parts = WORDS[language()]["markers"], []
    view = View(preload=["grader.reports.rendering", "mistune", "nh3"], trusted=trusted)
    with Sandbox(view) as sandbox:
        for code, each in answers.items():
            notebook, _, grade_id = each.task.partition("/")
            data = read_regular(
                course.autograded / each.student / assignment / f"{notebook}.ipynb", MOST_NOTEBOOK
            )
            question = rendering.Answer(data or b"", grade_id)
            drawn = sandbox.ask(
                "grader.reports.rendering:serve_answer", question, Drawn, _LIMITS, 60
            )
            shown = (
                drawn.html.replace("<!--", "&lt;!--") if drawn else f"<p>{words['not_drawn']}</p>"
            )
            parts.append(
                f"{_BEGINS.format(code)}<h2>{code}</h2>\n<p>{words['task']} "
                f"<code>{html.escape(each.task)}</code></p>\n{shown}\n{_ENDS}"
            )
    body = (
        f"<h1>{words['title']}: {html.escape(assignment)}</h1>\n<p>{words['how']}</p>\n"
        + "\n".join(parts)
    )
    return framed(language(), f"{words['title']}: {assignment}", body)


def settle(
    folder: Path | str,
    assignment: str,
    first: Path,
    second: Path,
    *,
    enter: bool = False,
    db: str | None = None,
) -> Settled:
    """Compare two markers' sheets, and enter the mean where they lie at most a point apart.

    Args:
        folder: the course.
        assignment: which assignment.
        first: one marker's sheet.
        second: the other's.
        enter: write the points and comments into the gradebook, as if given in the formgrader.
        db: address of the gradebook, instead of the course's.

    Returns:
        How far they agree, by task, and what is left to settle.

    Raises:
        BadSheet: if a sheet lacks a column, or holds a code or points that were not asked for.
        GradebookProblem: if the gradebook cannot be written.
    """
    course = Course(folder, db)
    with lock.locked(course):
        kept = _kept(course, assignment)
        sheets = [_read(path, kept) for path in (first, second)]
        both = sorted(set(sheets[0]) & set(sheets[1]))
        alone = sorted(set(sheets[0]) ^ set(sheets[1]))
        points = {code: (sheets[0][code][0], sheets[1][code][0]) for code in both}
        kept.agreement = {}
        for task in sorted({kept.answers[code].task for code in both}):
            own = [points[code] for code in both if kept.answers[code].task == task]
            kept.agreement[task] = statistics.agreement(
                [one for one, _ in own], [two for _, two in own]
            )
        near = [code for code in both if abs(points[code][0] - points[code][1]) <= NEAR]
        if enter:
            marks = [
                (
                    kept.answers[code].student,
                    kept.answers[code].task,
                    sum(points[code]) / 2,
                    _joined(sheets[0][code][1], sheets[1][code][1]),
                )
                for code in near
            ]
            with contextlib.closing(Book(course, assignment, update=False)) as book:
                book.enter(marks)
        put(_kept_at(course, assignment), msgspec.json.encode(kept))
    apart = {code: points[code] for code in both if code not in set(near)}
    return Settled(kept.agreement, len(near) if enter else 0, apart, alone)


def _joined(first: str, second: str) -> str:
    return first if first == second else "\n\n".join(each for each in (first, second) if each)


def _read(path: Path, kept: Kept) -> dict[str, tuple[float, str]]:
    """Return a sheet's points and comments by code; a line without points is left out."""
    data = read_regular(path, csv_lists.MOST_BYTES)
    if data is None:
        raise BadSheet(
            f"{path} cannot be read. Save the sheet as CSV and try again.",
            f"{path} est illisible. Enregistrez la feuille en CSV et réessayez.",
        )
    try:
        sheet = csv_lists.table(data, _column)
    except csv_lists.NotCsv as error:
        raise BadSheet(
            f"{path} does not read as CSV: {error}.", f"{path} n’est pas un CSV lisible : {error}."
        ) from error
    if lacks := [name for name in ("code", "points") if name not in sheet.columns]:
        raise BadSheet(
            f"{path.name}: the columns {', '.join(lacks)} are missing. Take the sheet as it was "
            "written, and fill it in.",
            f"{path.name} : il manque les colonnes {', '.join(lacks)}. Reprenez la feuille telle "
            "qu’elle a été produite, et remplissez-la.",
        )
    return dict(_entries(path, sheet.named(), kept.answers, kept.forgotten))


def _column(heading: str) -> str:
    name = heading.strip().casefold()
    return name if name in COLUMNS else ""


def _entries(path: Path, rows: Iterable[CsvRow], answers: dict[str, Listed], forgotten: list[str]):
    for number, row, _ in rows:
        code, written = row.get("code", "").strip(), row.get("points", "").strip()
        if not written or code in forgotten:
            continue
        if code not in answers:
            raise BadSheet(
                f"{path.name}, line {number}: the code {code[:40]!r} is not one of this marking’s.",
                f"{path.name}, ligne {number} : le code {code[:40]!r} n’est pas de cette "
                "évaluation.",
            )
        try:
            points = float(written.replace(",", "."))  # as Excel writes it in French
        except ValueError:
            points = float("nan")
        if not 0 <= points <= answers[code].maximum:
            raise BadSheet(
                f"{path.name}, line {number}: {written[:40]!r} is not a number from 0 to "
                f"{answers[code].maximum:g}.",
                f"{path.name}, ligne {number} : {written[:40]!r} n’est pas un nombre de 0 à "
                f"{answers[code].maximum:g}.",
            )
        yield code, (points, row.get("comment", "").strip())


def agreement(course: Course, assignment: str) -> dict[str, Agreement]:
    """Return the agreement last found between two markers, by task; {} if there is none."""
    return _kept(course, assignment).agreement


def forget(course: Course, student: str) -> SheetsForgotten:
    """Remove a learner from the lists of codes, and their answers from the pages and sheets that
    were written."""
    done = SheetsForgotten([], [])
    for path in sorted((course.state / "memos").glob("*.json")):
        kept = _kept(course, path.stem)
        codes = [code for code, each in kept.answers.items() if each.student == student]
        if not codes:
            continue
        for written in map(Path, kept.written):
            where = (
                str(written.relative_to(course.root))
                if written.is_relative_to(course.root)
                else str(written)
            )
            try:
                _take_out(written, codes)
                done.removed.append(where)
            except FileNotFoundError:
                continue  # moved or deleted
            except (OSError, ValueError, csv_lists.NotCsv):
                done.look.append(f"{where} ({', '.join(codes)})")
        kept.answers = {code: each for code, each in kept.answers.items() if code not in codes}
        kept.forgotten += codes
        put(path, msgspec.json.encode(kept))
        done.removed.append(str(path.relative_to(course.root)))
    return done


def _take_out(path: Path, codes: list[str]) -> None:
    """Take answers out of a page, or their lines out of a sheet, which a spreadsheet may have saved
    in its own way.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not as it was written.
        NotCsv: if it is no sheet any more.
    """
    data = path.read_bytes()
    if path.suffix == ".html":
        page = data.decode("utf-8")
        for code in codes:
            page, count = re.subn(
                re.escape(_BEGINS.format(code)) + ".*?" + re.escape(_ENDS),
                "",
                page,
                flags=re.DOTALL,
            )
            if not count:
                raise ValueError(code)
        return put(path, page.encode("utf-8"))
    sheet = csv_lists.table(data, _column)
    at = sheet.columns.index("code") if "code" in sheet.columns else 0
    left = [row for _, row in sheet.rows if "".join(row[at : at + 1]).strip() not in codes]
    if len(left) == len(sheet.rows):
        raise ValueError(path.name)
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=sheet.separator).writerows([sheet.header, *left])
    put(path, written.getvalue().encode(sheet.encoding))
