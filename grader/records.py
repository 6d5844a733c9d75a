"""What a course holds of its learners: where each stands, whether each mark still holds, and forgetting somebody."""

import contextlib
import shutil
from collections import Counter
from pathlib import Path

import msgspec

from grader import coordinator, journal, memos, regrade
from grader.confinement import require_linux
from grader.course import Course, hash_of_environment, read_submission
from grader.gradebook import Book, forget_student
from portail.errors import CannotWrite, PortailError
from portail.wording import Sentence


class NotKnown(PortailError):
    """Raised when a course holds nothing of a learner."""


class Standing(msgspec.Struct, frozen=True):
    """Where an assignment stands.

    Args:
        assignment: its name.
        states: how many submissions are in each state: the journal's, and ``"waiting"`` for those never begun.
        outdated: how many were graded with other tests than the source has now.
        live: how many marks rest on tests that run beside learner code.
    """

    assignment: str
    states: dict[str, int]
    outdated: int
    live: int


def status(folder: Path | str) -> list[Standing]:
    """Return where each assignment of a course stands, by its journal and by what was handed in.

    Raises:
        NoCourse: if the folder is not a course.
        CannotWrite: if its journal cannot be opened.
    """
    course = Course(folder)
    with contextlib.closing(coordinator.open_journal(course)) as book:
        found = []
        for name in course.assignments():
            entries, tests = book.of(name), course.hash_of_tests(name)
            states = Counter(entry.state for entry in entries.values())
            states["waiting"] = len(set(course.students(name)) - set(entries))
            graded = [entry for entry in entries.values() if entry.state == "graded"]
            outdated = sum(entry.tests != tests for entry in graded)
            found.append(Standing(name, dict(states), outdated, sum(len(entry.live) for entry in graded)))
        return found


class Finding(msgspec.Struct, frozen=True):
    """A mark that does not hold: whose, and why."""

    student: str
    what: str  #: a key of ``FINDINGS``

    @property
    def reason(self) -> Sentence:
        """Why, in both languages."""
        return FINDINGS[self.what]


FINDINGS = {
    "gone": Sentence("What was handed in is gone.", "Ce qui a été remis n’est plus là."),
    "changed": Sentence("What is handed in now is not what was graded.",
                        "Ce qui est remis n’est plus ce qui a été corrigé."),
    "marks": Sentence("The gradebook holds other automatic marks than were given.",
                      "Le carnet de notes contient d’autres notes automatiques que celles qui ont été données."),
    "tests": Sentence("The tests, or their data, are not those that gave the marks: see grader regrade.",
                      "Les tests ou leurs données ne sont plus ceux qui ont donné les notes : voir grader regrade."),
    "environment": Sentence("Python or its packages are not those that gave the marks.",
                            "Python ou ses paquets ne sont plus ceux qui ont donné les notes."),
    "unknown": Sentence("The gradebook holds marks that this grader did not give.",
                        "Le carnet de notes contient des notes que cet outil n’a pas données."),
}


def verify(folder: Path | str, assignment: str, db: str | None = None) -> tuple[int, list[Finding]]:
    """Recompute the hashes behind every mark of an assignment, and compare the marks with the gradebook's.

    Args:
        folder: the course.
        assignment: which assignment.
        db: address of the gradebook, instead of the course's.

    Returns:
        How many graded submissions were looked at, and what does not hold.

    Raises:
        NoCourse: if there is no such course or assignment.
        GradebookProblem: if the gradebook cannot be read.
        CannotConfine: if this is not Linux, where a learner's file cannot be opened safely.
    """
    course = Course(folder, db)
    require_linux(confined=False)
    tests, environment = course.hash_of_tests(assignment), hash_of_environment()
    found = []
    with contextlib.closing(coordinator.open_journal(course)) as book:
        entries = {student: entry for student, entry in book.of(assignment).items() if entry.state == "graded"}
    with contextlib.closing(Book(course, assignment, update=False)) as gradebook:
        for student, entry in sorted(entries.items()):
            handed = read_submission(course, assignment, student)
            if not handed.job.notebooks:
                found.append(Finding(student, "gone"))
            elif handed.hash != entry.submission:
                found.append(Finding(student, "changed"))
            if gradebook.automatic(student) != entry.marks:
                found.append(Finding(student, "marks"))
            found += [Finding(student, "tests")] if entry.tests != tests else []
            found += [Finding(student, "environment")] if entry.environment != environment else []
        found += [Finding(student, "unknown") for student in sorted(gradebook.students() - set(entries))]
    return len(entries), found


def forget(folder: Path | str, student: str, db: str | None = None) -> list[str]:
    """Remove all that a course holds of a learner: files, marks, comments, and the lines of the journal.

    What was exported, mailed or backed up is beyond its reach.

    Args:
        folder: the course.
        student: the learner's id.
        db: address of the gradebook, instead of the course's.

    Returns:
        What was removed, each as a path or as words.

    Raises:
        NotKnown: if the course holds nothing of that learner.
        CannotWrite: if something cannot be removed.
    """
    course = Course(folder, db)
    with coordinator.locked(course):
        removed = []
        for place in _folders_of(course, student):
            try:
                shutil.rmtree(place)
            except OSError as error:
                raise CannotWrite(place, error) from error
            removed.append(str(place.relative_to(course.root)))
        removed += regrade.forget(course, student) + memos.forget(course, student)
        marks = forget_student(course, student)
        removed += [f"gradebook / carnet de notes: {marks} submissions / copies"] if marks else []
        path = course.state / "journal.jsonl"
        if path.is_file():
            with contextlib.closing(coordinator.open_journal(course)) as book:
                everything = book.history()
            kept = [entry for entry in everything if entry.student != student]
            if len(kept) < len(everything):
                journal.rewrite(path, kept)
                removed.append(f"journal: {len(everything) - len(kept)} lines / lignes")
    if not removed:
        raise NotKnown(f"The course holds nothing of {student}. grader status shows whom it knows.",
                       f"Le cours ne contient rien de {student}. grader status montre qui il connaît.")
    return removed


def _folders_of(course: Course, student: str) -> list[Path]:
    """Return the folders that bear a learner's id, wherever the course keeps any."""
    if not student or "/" in student or student in (".", ".."):
        return []
    steps = [course.submitted, course.autograded, course.feedback, *(course.state / name for name in ("new", "old"))]
    found = [step / student for step in steps]
    for kept in ("replaced", "unmatched", "regrades"):
        found += [path for path in (course.state / kept).rglob("*") if path.name == student]
    return [path for path in found if path.is_dir() and not path.is_symlink()]
