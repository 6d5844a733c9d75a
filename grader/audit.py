"""Showing how a course stands, verifying its marks, and removing a learner."""

import contextlib
import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import markupsafe
import msgspec

from commons.errors import BilingualError, CannotWrite
from commons.wording import Sentence
from grader.course import journal, lock
from grader.course.files import put
from grader.course.folder import Course, hash_of_environment
from grader.course.gradebook import Book
from grader.course.gradebook_database import forget_student
from grader.course.handed_in import read_submission
from grader.course.ids import shown_id
from grader.grading import regrade
from grader.intake import unmatched
from grader.reports import moderation
from grader.sandbox.kernel import require_linux


class NotKnown(BilingualError):
    """Raised when a course holds nothing of a learner."""


class Standing(msgspec.Struct, frozen=True):
    """Where an assignment stands.

    Args:
        assignment: its name.
        states: how many submissions are in each state: the journal's, and ``"waiting"`` for those
            never begun.
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
    with contextlib.closing(lock.open_journal(course)) as book:
        found = []
        for name in course.assignments():
            entries, tests = book.of(name), course.hash_of_tests(name)
            states = Counter(entry.state for entry in entries.values())
            states["waiting"] = len(set(course.students(name)) - set(entries))
            graded = [entry for entry in entries.values() if entry.state == "graded"]
            outdated = sum(entry.tests != tests for entry in graded)
            found.append(
                Standing(name, dict(states), outdated, sum(len(entry.live) for entry in graded))
            )
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
    "changed": Sentence(
        "What is handed in now is not what was graded.",
        "Ce qui est remis n’est plus ce qui a été corrigé.",
    ),
    "marks": Sentence(
        "The gradebook holds other automatic marks than were given.",
        "Le carnet de notes contient d’autres notes automatiques que celles qui ont été données.",
    ),
    "tests": Sentence(
        "The tests, or their data, are not those that gave the marks: see grader regrade.",
        "Les tests ou leurs données ne sont plus ceux qui ont donné les notes : voir grader "
        "regrade.",
    ),
    "environment": Sentence(
        "Python or its packages are not those that gave the marks.",
        "Python ou ses paquets ne sont plus ceux qui ont donné les notes.",
    ),
    "unknown": Sentence(
        "The gradebook holds marks that this grader did not give.",
        "Le carnet de notes contient des notes que cet outil n’a pas données.",
    ),
}


def verify(folder: Path | str, assignment: str, db: str | None = None) -> tuple[int, list[Finding]]:
    """Recompute the hashes behind every mark of an assignment, and compare the marks with the
    gradebook's.

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
    with contextlib.closing(lock.open_journal(course)) as book:
        entries = {
            student: entry
            for student, entry in book.of(assignment).items()
            if entry.state == "graded"
        }
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
        found += [
            Finding(student, "unknown") for student in sorted(gradebook.students() - set(entries))
        ]
    return len(entries), found


class Forgotten(msgspec.Struct, frozen=True):
    """What forgetting a learner did.

    Args:
        removed: what was removed, each as a path in the course's folder or as words.
        look: what may hold something of them, and of others too: a person decides.
    """

    removed: list[str]
    look: list[str] = []


def forget(folder: Path | str, student: str, db: str | None = None) -> Forgotten:
    """Remove all that a course holds of a learner, and nothing of anybody else: files, marks,
    comments, reports.

    What was exported, mailed or backed up is beyond its reach.

    Args:
        folder: the course.
        student: the learner's id; one that no folder can bear, as ``grader status`` spells it out.
        db: address of the gradebook, instead of the course's.

    Raises:
        NotKnown: if the course holds nothing of that learner.
        CannotWrite: if something cannot be removed.
    """
    course = Course(folder, db)
    with lock.locked(course):
        try:
            removed = [_remove(course, place) for place in _places_of(course, student)]
            shared = _forget_unmatched(course, student, removed)
            removed += [_remove(course, page) for page in _reports_naming(course, student)]
            removed += _forget_in_lists(course, student)
        except OSError as error:
            raise CannotWrite(course.root, error) from error
        removed += regrade.forget(course, student)
        sheets = moderation.forget(course, student)
        removed += sheets.removed
        marks = forget_student(course, student)
        removed += [f"gradebook / carnet de notes: {marks} submissions / copies"] if marks else []
        path = course.state / "journal.jsonl"
        if path.is_file():
            with contextlib.closing(lock.open_journal(course)) as book:
                everything = book.history()
            kept = [entry for entry in everything if entry.student != student]
            if len(kept) < len(everything):
                journal.rewrite(path, kept)
                removed.append(f"journal: {len(everything) - len(kept)} lines / lignes")
    if not removed:
        raise NotKnown(
            f"The course holds nothing of {student}. grader status shows whom it knows.",
            f"Le cours ne contient rien de {student}. grader status montre qui il connaît.",
        )
    return Forgotten(removed, [*shared, *sheets.look])


def _places_of(course: Course, student: str) -> list[Path]:
    """Return what bears a learner's id, in each place where an id stands, and in no other."""
    places = [
        course.submitted,
        course.autograded,
        course.feedback,
        *(course.state / name for name in ("new", "old", "incoming", "ready", "replaced")),
        *sorted(course.state.glob("regrades/*/*/autograded")),
    ]
    found = [
        Path(entry.path)
        for place in places
        for entry in _entries(place)
        if shown_id(entry.name) == student
    ]
    return [*found, *_in_the_exchange(course, student)]


def _entries(folder: Path) -> list[os.DirEntry]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)
    return []


def _in_the_exchange(course: Course, student: str) -> list[Path]:
    """Return what a learner handed in through nbgrader's exchange, where that lies in the course's
    own folder."""
    exchange = course.config.get("Exchange", {}).get("root")
    if not exchange or not Path(exchange).resolve().is_relative_to(course.root):
        return []
    names = "|".join(map(re.escape, course.assignments()))
    theirs = re.compile(rf"{re.escape(student)}\+(?:{names})\+\d{{4}}-\d\d-\d\d .*", re.DOTALL)
    inbound = Path(exchange) / course.course_id / "inbound"
    return [Path(entry.path) for entry in _entries(inbound) if theirs.fullmatch(entry.name)]


def _remove(course: Course, place: Path) -> str:
    """Remove a file, a link or a folder, and return its name in the course's folder."""
    if place.is_symlink() or not place.is_dir():
        place.unlink()
    else:
        shutil.rmtree(place)
    return str(place.relative_to(course.root)) if place.is_relative_to(course.root) else str(place)


def _forget_unmatched(course: Course, student: str, removed: list[str]) -> list[str]:
    """Remove the files that could be given to nobody and may be this learner's alone; return those
    to look at."""
    listed, look = unmatched.read(course.root), []
    for entry in _entries(course.unmatched):
        name = entry.name
        if re.fullmatch(
            r"\.[0-9a-f]{8}\.\d+\.new", name
        ):  # what a killed collection had begun to write
            os.unlink(entry.path)
            continue
        people = listed.get(name, set())
        if people == {student}:
            removed.append(_remove(course, Path(entry.path)))
            del listed[name]
        elif student in people or (not people and student.casefold() in name.casefold()):
            listed[name] = people - {student}
            others = ", ".join(sorted(people - {student}))
            look.append(
                str(Path(entry.path).relative_to(course.root)) + (f" ({others}?)" if others else "")
            )
    if any(student in people for people in unmatched.read(course.root).values()):
        unmatched.rewrite(
            course.root, {name: people - {student} for name, people in listed.items()}
        )
        removed.append(".grader/unmatched.jsonl")
    return look


def _reports_naming(course: Course, student: str) -> list[Path]:
    """Return the instructor's reports in the course's folder that have a line of the learner's."""
    line = re.compile(
        rf"</th><td>{re.escape(str(markupsafe.escape(student)))}</td>".encode("utf-8", "replace")
    )
    pages = [*course.root.glob("*.html"), *(course.root / "reports").rglob("*.html")]
    return [page for page in sorted(pages) if page.is_file() and line.search(page.read_bytes())]


def _forget_in_lists(course: Course, student: str) -> list[str]:
    """Take a learner out of the machine-readable reports in the course's folder."""
    changed = []
    for path in sorted([*course.root.glob("*.json"), *(course.root / "reports").rglob("*.json")]):
        try:
            report = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            continue
        lines = report.get("submissions") if isinstance(report, dict) else None
        if isinstance(lines, list):
            left = [
                line
                for line in lines
                if not (isinstance(line, dict) and line.get("student") == student)
            ]
            if len(left) < len(lines):
                report["submissions"] = left
                put(
                    path,
                    (json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode(
                        "utf-8", "replace"
                    ),
                )
                changed.append(str(path.relative_to(course.root)))
    return changed
