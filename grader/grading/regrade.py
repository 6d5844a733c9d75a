"""Regrading after a changed test: old and new marks side by side, and undo."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from commons.errors import BilingualError, CannotWrite
from grader.course import journal, lock
from grader.course.files import put
from grader.course.folder import Course
from grader.course.gradebook import Book
from grader.course.journal import Entry
from grader.grading import cohort
from grader.grading.outcome import Outcome


class NothingToUndo(BilingualError):
    """Raised when an assignment has not been regraded, or its regrading was undone already."""


class Change(msgspec.Struct, frozen=True):
    """A mark that a regrading changed; ``None`` stands for a test that is not there, or waits for a
    person."""

    student: str
    cell: str  #: ``"notebook/grade id"``
    before: float | None
    after: float | None


class _Kept(msgspec.Struct):
    """What undoing needs: the journal's entries as they were, and each automatic mark as the
    gradebook had it."""

    entries: list[Entry]
    marks: dict[str, dict[str, tuple[float | None, bool]]]


def regrade(
    folder: Path | str,
    assignment: str,
    *,
    students: list[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    db: str | None = None,
    unsafe_trusted: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Outcome, list[Change]]:
    """Grade anew what was graded with other tests than the source has now.

    Marks that a person gave stay as they are; nbgrader's formgrader shows which of them to look at
    again. What was is kept, so that ``undo`` brings it back.

    Args:
        folder: the course.
        assignment: which assignment.
        students: ids, where not all are to be regraded.
        workers, scheduler, db, unsafe_trusted, progress: as for ``cohort.grade``.

    Returns:
        What was done, and each mark that changed.

    Raises:
        As ``cohort.grade`` does.
    """
    course = Course(folder, db)
    tests = course.hash_of_tests(assignment)
    with lock.locked(course), contextlib.closing(lock.open_journal(course)) as book:
        entries = book.of(assignment)
        old = {
            student: entry
            for student, entry in entries.items()
            if entry.state == "graded"
            and entry.tests != tests
            and (students is None or student in students)
        }
        with contextlib.closing(Book(course, assignment, update=False)) as gradebook:
            _keep(course, assignment, old, {student: gradebook.marks(student) for student in old})
    outcome = cohort.grade(
        folder,
        assignment,
        students=sorted(old),
        workers=workers,
        scheduler=scheduler,
        db=db,
        unsafe_trusted=unsafe_trusted,
        again=True,
        progress=progress,
    )
    return outcome, changes(old, outcome)


def changes(old: dict[str, Entry], outcome: Outcome) -> list[Change]:
    """Return each mark that is not what it was."""
    found = []
    for each in outcome.of("graded"):
        now = {
            f"{name}/{cell}": mark.points
            for name, marks in each.marks.items()
            for cell, mark in marks.items()
        }
        was = old[each.student].marks
        found += [
            Change(each.student, cell, was.get(cell), now.get(cell))
            for cell in sorted({*was, *now})
            if was.get(cell) != now.get(cell)
        ]
    return found


def undo(folder: Path | str, assignment: str, db: str | None = None) -> list[str]:
    """Take the last regrading of an assignment back: marks, notebooks and the journal's states are
    as before it.

    Args:
        folder: the course.
        assignment: which assignment.
        db: address of the gradebook, instead of the course's.

    Returns:
        The ids of those whose marks were brought back.

    Raises:
        NothingToUndo: if there is no regrading to undo.
        GradebookProblem: if the gradebook cannot be written; nothing was brought back then.
    """
    course = Course(folder, db)
    with lock.locked(course), contextlib.closing(lock.open_journal(course)) as book:
        places = sorted((course.state / "regrades" / assignment).glob("*/kept.json"))
        if not places:
            raise NothingToUndo(
                f"There is no regrading of {assignment} to undo.",
                f"Il n’y a pas de nouvelle correction de {assignment} à annuler.",
            )
        place = places[-1].parent
        kept = msgspec.json.decode((place / "kept.json").read_bytes(), type=_Kept)
        with contextlib.closing(Book(course, assignment, update=False)) as gradebook:
            gradebook.put_back(kept.marks)
        for entry in kept.entries:
            notebooks = place / "autograded" / entry.student
            if notebooks.is_dir():
                _bring_back(notebooks, course.autograded / entry.student / assignment)
        book.append([msgspec.structs.replace(entry, time="") for entry in kept.entries])
        shutil.rmtree(place)
    return sorted(entry.student for entry in kept.entries)


def forget(course: Course, student: str) -> list[str]:
    """Take a learner out of what undoing needs, and return the files that were changed."""
    changed = []
    for path in sorted((course.state / "regrades").glob("*/*/kept.json")):
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        if student in kept.marks:
            del kept.marks[student]
            kept.entries = [entry for entry in kept.entries if entry.student != student]
            put(path, msgspec.json.encode(kept))
            changed.append(str(path.relative_to(course.root)))
    return changed


def _keep(course: Course, assignment: str, old: dict[str, Entry], marks: dict) -> None:
    """Keep what was, whole, before anything is graded anew: notebooks as hard links, which cost no
    room."""
    if not old:
        return
    place = course.state / "regrades" / assignment / journal.now().replace(":", "-")
    try:
        for student in old:
            notebooks = course.autograded / student / assignment
            if notebooks.is_dir():
                shutil.copytree(notebooks, place / "autograded" / student, copy_function=os.link)
    except OSError as error:
        raise CannotWrite(place, error) from error
    put(place / "kept.json", msgspec.json.encode(_Kept(list(old.values()), marks)))


def _bring_back(kept: Path, place: Path) -> None:
    """Put notebooks back where they were, in one step."""
    aside = place.with_name(f".{place.name}.old")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            place.rename(aside)
        kept.rename(place)
        shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise CannotWrite(place, error) from error
