"""Reads what a programme's file names: who was there, graded tests and exercises, forms."""

import contextlib
import tomllib
import unicodedata
from pathlib import Path

import msgspec
import pandas as pd

from commons import csv_lists
from grader.course.folder import Course
from grader.course.gradebook import Book
from grader.course.source import read_source
from grader.evaluation.programme import SCALES, Both, BrokenProgramme, Programme, Session
from grader.intake import roster
from grader.reports import moderation
from grader.reports.statistics import Agreement

FORMS = {"pre": "pre-assessment", "post": "post-assessment"}
_COLUMNS = {
    "identifiant": "id",
    "organisme": "organization",
    "organisation": "organization",
    "langue": "language",
}
_KNOWN = {*_COLUMNS.values(), *SCALES}


class ItemPair(msgspec.Struct, frozen=True):
    """Two parallel items, as the bank of a course has them."""

    name: str
    lesson: str
    topic: str
    objective: Both


class Bank(msgspec.Struct, frozen=True):
    """The topics of a course's tests, and its pairs of items."""

    topics: dict[str, Both] = {}
    pair: list[ItemPair] = []


class Exercise(msgspec.Struct, frozen=True):
    """What the people of a session did in an exercise: points by person and task, and what can be
    had."""

    name: str
    points: pd.DataFrame
    maximum: dict[str, float]
    manual: list[str]
    agreement: dict[str, Agreement]


class Held(msgspec.Struct, frozen=True):
    """A session as it was held.

    Args:
        plan: what the file says of it.
        people: who was there, as keys that are the same for the same person: their organization, or
            "".
        bank: of its course.
        tests: points by person and item, for the forms that are graded.
        exercises: what they did in each.
        forms: of the evaluation, one line a form.
    """

    plan: Session
    people: dict[str, str]
    bank: Bank
    tests: dict[str, pd.DataFrame]
    exercises: list[Exercise]
    forms: pd.DataFrame


def gather(path: Path, found: Programme) -> list[Held]:
    """Read all that a programme's file names.

    Args:
        path: the file, to whose folder its paths are relative.
        found: what it says.

    Returns:
        The sessions, by date. Marks count in the first session of a course that a person attended.

    Raises:
        BrokenProgramme: if a list cannot be read, or does not fit the roster; the text names the
            line.
        BilingualError: if a roster, a course or a gradebook cannot be read.
    """
    held, marked = [], set()
    for plan in sorted(found.session, key=lambda each: each.date):
        held.append(_held(path.parent, plan, marked))
    return held


def _held(folder: Path, plan: Session, marked: set) -> Held:
    people_file = (folder / plan.roster).resolve()
    known = roster.read(people_file).people
    present = _attendance(folder / plan.attendance, set(known))
    key = {student: f"{people_file}\0{student}" for student in present}
    bank, tests, exercises = Bank(), {}, []
    if plan.course:
        course = Course(folder / plan.course)
        here = sorted(student for student in present if (course.root, student) not in marked)
        marked |= {(course.root, student) for student in here}
        bank = _bank(course)
        tests = {
            form: points
            for form, name in FORMS.items()
            if (points := _points(course, name, here)) is not None
        }
        tests = {form: points.rename(index=key) for form, points in tests.items()}
        exercises = [_exercise(course, name, here, key) for name in plan.exercises]
    forms = (
        _forms(folder / plan.satisfaction)
        if plan.satisfaction
        else pd.DataFrame(columns=["language", *SCALES])
    )
    if len(forms) > len(present):
        raise BrokenProgramme(
            f"{Path(plan.satisfaction).name} has more forms than {Path(plan.attendance).name} has "
            "people.",
            f"{Path(plan.satisfaction).name} compte plus de formulaires que "
            f"{Path(plan.attendance).name} de personnes.",
        )
    return Held(
        plan,
        {key[student]: place for student, place in present.items()},
        bank,
        tests,
        exercises,
        forms,
    )


def _bank(course: Course) -> Bank:
    path = course.root / "assessment.toml"
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Bank)
    except FileNotFoundError:
        return Bank()
    except (OSError, ValueError) as error:
        raise BrokenProgramme(
            f"The bank of items {path.name} of {course.root.name} cannot be read: {error}",
            f"La banque de questions {path.name} de {course.root.name} est illisible : {error}",
        ) from error


def _cells(course: Course, assignment: str) -> tuple[list, dict[str, float]] | None:
    """Return what the gradebook holds of an assignment, and what can be had; None where it has
    never been graded."""
    from nbgrader.api import MissingEntry

    try:
        with contextlib.closing(Book(course, assignment, update=False)) as book:
            return book.cells(), book.maximum()
    except MissingEntry:
        return None


def _points(course: Course, assignment: str, students: list[str]) -> pd.DataFrame | None:
    """Return the points of a test by learner and item, of those who took it; None where it has
    never been graded."""
    found = _cells(course, assignment) if assignment in course.assignments() else None
    if found is None:
        return None
    given = [
        (student, name.partition("/")[2].removesuffix("-test"), each.points)
        for student, name, each in found[0]
        if student in set(students)
    ]
    table = (
        pd.DataFrame(given, columns=["student", "item", "points"])
        .pivot(index="student", columns="item", values="points")
        .astype(float)
    )
    return table.dropna(how="all").fillna(0.0)


def _exercise(course: Course, name: str, students: list[str], key: dict[str, str]) -> Exercise:
    notebooks = [read_source(course, path)[0] for path in course.notebooks(name)]
    manual = [
        f"{notebook.name}/{cell.grade_id}"
        for notebook in notebooks
        for cell in notebook.cells
        if cell.role in ("manual", "task")
    ]
    given, maximum = _cells(course, name) or ([], {})
    own = [
        (key[student], cell, each.points)
        for student, cell, each in given
        if student in set(students)
    ]
    table = pd.DataFrame(own, columns=["student", "cell", "points"])
    table = table.pivot(index="student", columns="cell", values="points")
    return Exercise(name, table.astype(float), maximum, manual, moderation.agreement(course, name))


def _attendance(path: Path, known: set[str]) -> dict[str, str]:
    """Return who was there, with the organization of each."""
    present: dict[str, str] = {}
    for line, row in _rows(path, ["id"]):
        student = row["id"]
        if student not in known:
            raise BrokenProgramme(
                f"{path.name}, line {line}: this id is not in the session’s roster.",
                f"{path.name}, ligne {line} : cet identifiant n’est pas dans la liste de la "
                "séance.",
            )
        present[student] = present.get(student) or row.get("organization", "")
    return present


def organizations(places: list[str]) -> int:
    """Return how many organizations people gave, whatever the capitals, accents and blanks."""
    plain = (unicodedata.normalize("NFKD", " ".join(place.split()).casefold()) for place in places)
    return len(
        {"".join(mark for mark in each if not unicodedata.combining(mark)) for each in plain} - {""}
    )


def _forms(path: Path) -> pd.DataFrame:
    """Return the evaluation forms: language, and the scales as numbers, missing where nobody
    answered."""
    forms = []
    for line, row in _rows(path, ["language", *SCALES]):
        language = row["language"].casefold()[:2]
        if language not in ("en", "fr"):
            raise BrokenProgramme(
                f"{path.name}, line {line}: the language is en or fr.",
                f"{path.name}, ligne {line} : la langue est en ou fr.",
            )
        for scale in SCALES:
            if row[scale] not in ("", "1", "2", "3", "4", "5"):
                raise BrokenProgramme(
                    f"{path.name}, line {line}, column {scale}: a whole number from 1 to 5, or "
                    "nothing.",
                    f"{path.name}, ligne {line}, colonne {scale} : un entier de 1 à 5, ou rien.",
                )
        forms.append(
            [language, *(float(row[scale]) if row[scale] else float("nan") for scale in SCALES)]
        )
    return pd.DataFrame(forms, columns=["language", *SCALES])


def _rows(path: Path, needed: list[str]) -> list[tuple[int, dict[str, str]]]:
    """Return a CSV's rows by column, with their lines; headings in either language."""
    try:
        found = csv_lists.table(csv_lists.load(path), _column)
    except OSError as error:
        raise BrokenProgramme(
            f"{path} cannot be opened ({error.strerror}).",
            f"Impossible d’ouvrir {path} ({error.strerror}).",
        ) from error
    except csv_lists.TooLarge as error:
        raise BrokenProgramme(
            f"{path.name} is too large to be such a list.",
            f"{path.name} est trop volumineux pour une telle liste.",
        ) from error
    except csv_lists.NotCsv as error:
        raise BrokenProgramme(
            f"{path.name} cannot be read as a table. Save it as CSV (UTF-8) and try again.",
            f"Impossible de lire {path.name} comme un tableau. Enregistrez-le au format CSV "
            "(UTF-8) et réessayez.",
        ) from error
    if lacks := [name for name in needed if name not in found.columns]:
        raise BrokenProgramme(
            f"{path.name}, line 1: the columns {', '.join(lacks)} are missing.",
            f"{path.name}, ligne 1 : il manque les colonnes {', '.join(lacks)}.",
        )
    return [
        (row.line, {name: row.cells.get(name, "").strip() for name in found.columns if name})
        for row in found.named()
    ]


def _column(heading: str) -> str:
    plain = heading.strip().casefold()
    name = _COLUMNS.get(plain, plain)
    return name if name in _KNOWN else ""
