"""The coordinator: reads what was handed in, gives it to the pool, and alone writes marks,
notebooks and the journal.

It can be killed at any moment: a submission counts as graded when the journal says so, which is
after its notebook and its marks are on the disk, and what is not graded is done again by the next
run, to the same marks.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from commons.errors import BilingualError, CannotWrite
from commons.wording import Sentence, visible
from grader.course.folder import (
    Course,
    Handed,
    hash_of_environment,
    of_the_machine,
    read_submission,
)
from grader.course.gradebook import Book, Line, timestamp_reads
from grader.course.journal import Entry, Journal
from grader.grading import calibrate
from grader.marking import dispatch, reading
from grader.marking.model import Assignment, Job, Mark, MarkedNotebook, Result
from grader.sandbox.kernel import CannotConfine, require_linux

_BATCH, _BATCH_SECONDS = 40, 3.0
_HELD = 200  #: results to hold, at most, until the source is checked
CAUSES = {
    **reading.PROBLEMS,
    "link": Sentence(
        "The submission is a link or no folder, and is not followed.",
        "La copie est un lien ou n’est pas un dossier; elle n’est pas suivie.",
    ),
    "file": Sentence(
        "A notebook is no regular file, cannot be read, or is larger than 64 MB",
        "Un carnet n’est pas un fichier ordinaire, est illisible ou dépasse 64 Mo",
    ),
    "id": Sentence(
        "A folder’s name cannot be a learner’s id (at most 128 letters, digits and other marks "
        "that can be seen, no backslash); rename it",
        "Le nom d’un dossier ne peut pas être un identifiant (au plus 128 lettres, chiffres et "
        "autres caractères visibles, sans barre oblique inverse); renommez-le",
    ),
    "left out": Sentence(
        "Files beside the notebook were left out, for their name, size or number, or because the "
        "course has a folder of that name",
        "Des fichiers joints au carnet sont laissés de côté, à cause de leur nom, de leur taille "
        "ou de leur nombre, ou parce que le cours a un dossier de ce nom",
    ),
    "large": Sentence("The notebook is larger than 64 MB.", "Le carnet dépasse 64 Mo."),
    "unreadable": Sentence("The notebook cannot be read.", "Le carnet est illisible."),
    "none": Sentence(
        "No notebook of the assignment was handed in", "Aucun carnet du devoir n’a été remis"
    ),
    "missing": Sentence(
        "A notebook of the assignment was not handed in: it gets no points.",
        "Un carnet du devoir n’a pas été remis : il ne reçoit aucun point.",
    ),
    "ended": Sentence(
        "The notebook ended its own process; what comes after counts as not answered: cell",
        "Le carnet a mis fin à son propre processus; la suite compte comme non répondue : cellule",
    ),
    "cell time": Sentence(
        "A cell ran longer than it may: cell", "Une cellule a dépassé le temps permis : cellule"
    ),
    "time": Sentence(
        "The notebook ran longer than it may; what comes after counts as not answered: cell",
        "Le carnet a dépassé le temps permis; la suite compte comme non répondue : cellule",
    ),
    "memory": Sentence(
        "The notebook used more memory than it may; what comes after counts as not answered: cell",
        "Le carnet a dépassé la mémoire permise; la suite compte comme non répondue : cellule",
    ),
    "nonsense": Sentence(
        "The notebook’s process answered with something else than values; what comes after "
        "counts as not answered: cell",
        "Le processus du carnet a répondu autre chose que des valeurs; la suite compte comme non "
        "répondue : cellule",
    ),
    "checker": Sentence(
        "A test ended abnormally on this notebook’s values; what comes after counts as not "
        "answered: cell",
        "Un test s’est interrompu sur les valeurs de ce carnet; la suite compte comme non "
        "répondue : cellule",
    ),
    "metadata": Sentence(
        "Cells had lost the metadata by which nbgrader knows them, and were matched by their "
        "place: cells",
        "Des cellules avaient perdu les métadonnées par lesquelles nbgrader les reconnaît; elles "
        "ont été retrouvées par leur place : cellules",
    ),
    "lost cells": Sentence(
        "Cells of the assignment are not in the notebook, and count as not answered; put the "
        "answers back into the released notebook, and grade again",
        "Des cellules du devoir ne sont pas dans le carnet et comptent comme non répondues; "
        "remettez les réponses dans le carnet publié, puis corrigez de nouveau",
    ),
    "again": Sentence(
        "One of its processes was killed from outside, and it was marked once more; the first "
        "mark of each test stands.",
        "Un de ses processus a été tué de l’extérieur, et la copie a été notée une fois de plus; "
        "la première note de chaque test demeure.",
    ),
    "error": Sentence("It could not be marked", "La copie n’a pas pu être corrigée"),
}
_FAILURES = {*reading.PROBLEMS, "link", "file", "large", "unreadable", "none", "error", "id"}


class Busy(BilingualError):
    """Raised when another run works on the same course."""


class Graded(msgspec.Struct, frozen=True):
    """What became of one submission.

    Args:
        student: the learner's id.
        state: ``"graded"``, ``"unchanged"`` (graded before, and the same since), ``"failed"`` or
            ``"missing"`` (in the gradebook, and nothing handed in).
        marks: by notebook and grade id.
        cause: a key of ``CAUSES``, "" if all went well.
        detail: where.
        late: seconds after the due date.
        notes: what else a person should know: keys of ``CAUSES``, and where.
        outdated: whether it was graded with other tests than the source has now (see ``grader
            regrade``).
        changed: whether another hand-in of the same learner had been graded before.
    """

    student: str
    state: str
    marks: dict[str, dict[str, Mark]] = {}
    cause: str = ""
    detail: str = ""
    late: float = 0.0
    outdated: bool = False
    changed: bool = False
    notes: list[tuple[str, str]] = []

    @property
    def reason(self) -> Sentence | None:
        """Why it failed or ended early, in both languages; None if all went well."""
        return why(self.cause, self.detail)

    @property
    def said(self) -> list[Sentence]:
        """All that a person should know of it, in both languages; [] if all went well."""
        return [
            each for each in (self.reason, *(why(*note) for note in self.notes)) if each is not None
        ]

    @property
    def took_marks(self) -> bool:
        """Whether something other than a wrong answer may have cost marks, so that a person should
        look."""
        marks = [
            mark
            for marks in self.marks.values()
            for mark in marks.values()
            if mark.points is not None
        ]
        full = bool(marks) and all(mark.points >= mark.maximum for mark in marks)
        return not full and not {self.cause, *(cause for cause, _ in self.notes)} <= {
            "",
            "timestamp",
            "again",
            "metadata",
        }

    @property
    def points(self) -> float:
        """The automatic points."""
        return sum(mark.points or 0.0 for marks in self.marks.values() for mark in marks.values())


class Outcome(msgspec.Struct):
    """What a run did: each submission, the seconds it took, tests that are themselves at fault, and
    how many collected files still match nobody."""

    assignment: str
    submissions: list[Graded]
    seconds: float = 0.0
    memory: int = 0
    faults: list[str] = []
    live: list[str] = []
    differing: list[str] = []
    stopped: bool = False
    unmatched: int = 0

    def of(self, state: str) -> list[Graded]:
        """Return the submissions of a state."""
        return [each for each in self.submissions if each.state == state]

    @property
    def code(self) -> int:
        """The exit code: 0 where all that was handed in is graded, and nothing but answers cost
        marks; 1 otherwise."""
        look = any(each.took_marks for each in self.submissions)
        return 1 if look or self.of("failed") or self.faults or self.stopped else 0


def why(cause: str, detail: str = "") -> Sentence | None:
    """Return a cause as a sentence in both languages, with its detail; None for no cause."""
    if not cause:
        return None
    said = CAUSES.get(cause, CAUSES["error"])
    if not detail or said.english.endswith("."):
        return said
    detail = visible(detail)  # of one line, whatever a learner called a file
    joint = " " if said.english.endswith((" cell", " cells")) else ": "
    return Sentence(
        f"{said.english}{joint}{detail}.", f"{said.french}{' ' if joint == ' ' else ' : '}{detail}."
    )


def grade(
    folder: Path | str,
    assignment: str,
    *,
    students: list[str] | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    db: str | None = None,
    unsafe_trusted: bool = False,
    again: bool = False,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> Outcome:
    """Grade what was handed in, and write nbgrader's gradebook and ``autograded/``; what is graded
    already, and unchanged, is left.

    Args:
        folder: the course.
        assignment: which assignment.
        students: ids, where not all are to be graded.
        workers: how many at a time; the machine's processors if left out.
        scheduler: address of a ``dask.distributed`` scheduler, to mark on other machines.
        db: address of the gradebook, instead of the course's.
        unsafe_trusted: run learner code without confinement. Anything it does, it does with your
            rights.
        again: grade what is graded too.
        progress: told how many are done, of how many, as they are.

    Returns:
        What was done.

    Raises:
        NoCourse: if there is no such course or assignment.
        CannotConfine: if this machine cannot confine learner code.
        Busy: if another run works on the course.
        GradebookProblem: if the gradebook cannot be written.
        CannotWrite: if a folder cannot be.
    """
    began = time.monotonic()
    course = Course(folder, db)
    course.notebooks(assignment)
    with locked(course), contextlib.closing(open_journal(course)) as journal:
        chosen = [
            student
            for student in course.students(assignment)
            if students is None or student in students
        ]
        source = calibrate.Check(course, assignment, unsafe_trusted, remote=scheduler is not None)
        with contextlib.closing(source):
            if scheduler:
                source.settle()  # what has gone to a cluster is not called back
            with contextlib.closing(dispatch.pool(source.spec, workers, scheduler)) as pool:
                if again or any(student not in journal.of(assignment) for student in chosen):
                    pool.warm()
                with contextlib.closing(
                    Book(course, assignment, notebooks=source.spec.notebooks)
                ) as book:
                    outcome = _Run(course, source, journal, book, pool, again).all(
                        chosen, students, progress
                    )
    outcome.unmatched = sum(1 for _ in course.unmatched.glob("*"))
    outcome.seconds = time.monotonic() - began
    return outcome


@contextlib.contextmanager
def locked(course: Course):
    """Hold a course for this process alone.

    Raises:
        Busy: if another holds it.
        CannotConfine: if this is not Linux, where nothing of a course is changed.
        CannotWrite: if the folder cannot be written to.
    """
    require_linux(confined=False)
    import fcntl  # which Windows lacks

    try:
        course.state.mkdir(exist_ok=True)
        file = open(course.state / "lock", "w")  # noqa: SIM115
    except OSError as error:
        raise CannotWrite(course.state, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(
                f"Another grader works on {course.root}. Wait until it ends.",
                f"Une autre correction est en cours dans {course.root}. Attendez qu’elle se "
                "termine.",
            ) from error
        yield


def open_journal(course: Course) -> Journal:
    """Return the course's journal.

    Raises:
        CannotWrite: if it cannot be written.
    """
    try:
        return Journal(course.state / "journal.jsonl")
    except OSError as error:
        raise CannotWrite(course.state, error) from error


class _Run:
    """One run over a cohort.

    It begins while the check of the source may be under way. Nothing is written before it is known
    which tests are live, and what was marked without knowing is then marked again, should there be
    any.
    """

    def __init__(
        self,
        course: Course,
        source: calibrate.Check,
        journal: Journal,
        book: Book,
        pool,
        again: bool,
    ):
        self.course, self.source, self.journal, self.book, self.again = (
            course,
            source,
            journal,
            book,
            again,
        )
        self.pool, self.spec = pool, source.spec
        self.environment = hash_of_environment()
        self.known = journal.of(self.spec.name)
        self.handed: dict[str, Handed] = {}
        self.unwritten: list[Entry] = []  # that failed before the source was checked
        self.waiting: list[tuple[Result, Handed]] = []
        self.done: list[Graded] = []
        self.memory, self.faults, self.written = 0, [], time.monotonic()

    def all(self, chosen: list[str], asked_for: list[str] | None, progress) -> Outcome:
        stopped = False
        try:
            for job, result in self.settled(dispatch.run(self.pool, self.jobs(chosen))):
                self.take(job, result)
                progress(len(self.done) + len(self.waiting), len(chosen))
        except KeyboardInterrupt:
            stopped = True
        finally:
            self.write()
        everyone = self.course.students(self.spec.name)
        missing = (
            set(self.known) - set(everyone) if asked_for is None else set(asked_for) - set(chosen)
        )
        self.done += [Graded(student, "missing") for student in sorted(missing)]
        self.done.sort(key=lambda each: each.student)
        outcome = Outcome(
            self.spec.name,
            self.done,
            memory=self.memory,
            faults=sorted(set(self.faults)),
            stopped=stopped,
        )
        if not self.source.pending:
            checked = self.source.settle()
            outcome.live, outcome.differing = checked.live, checked.differing
        return outcome

    def settled(self, results: Iterator[tuple[Job, Result]]) -> Iterator[tuple[Job, Result]]:
        """Give results when the source is checked; those marked by tests that were found live
        since, marked again."""
        held: list[tuple[Job, Result]] = []
        early: set[str] = set()  # whose results may come that other tests gave
        for result in results:
            held.append(result)
            if self.source.ready() or len(held) >= _HELD:
                early |= self.settle()
                yield from self.anew(held, early)
                held = []
        early |= self.settle()
        yield from self.anew(held, early)

    def settle(self) -> set[str]:
        """Wait for the check of the source; return the learners whose work went to the pool with
        other tests."""
        if not self.source.pending:
            return set()
        self.source.settle(self.pool)
        self.journal_entries(self.unwritten)
        if self.source.spec == self.spec:
            return set()
        self.spec = self.pool.assignment = self.source.spec
        return set(self.handed)

    def anew(
        self, results: list[tuple[Job, Result]], early: set[str]
    ) -> Iterator[tuple[Job, Result]]:
        """Give results, those of ``early`` when they are marked again, and take them out of it."""
        again = [job for job, _ in results if job.student in early]
        yield from (each for each in results if each[0].student not in early)
        early.difference_update(job.student for job in again)
        yield from dispatch.run(self.pool, again)

    def jobs(self, students: list[str]) -> Iterator[Job]:
        """Give the jobs to do; what is unchanged, or cannot be read, is settled here."""
        for student in students:
            handed = read_submission(self.course, self.spec.name, student)
            entry = self.known.get(student)
            if entry is not None and not self.again and self.stands(entry, handed):
                self.done.append(_from_entry(entry, "unchanged", entry.tests != self.spec.tests))
                continue
            if handed.problem or not handed.job.notebooks:
                self.fail(handed, handed.problem or "none", handed.detail)
                continue
            self.journal_entries(
                [Entry(self.spec.name, student, "running", submission=handed.hash)], settled=False
            )
            self.handed[student] = handed
            yield handed.job

    def stands(self, entry: Entry, handed: Handed) -> bool:
        """Tell whether a submission is graded as it is: the same bytes, and its notebooks where
        they should be."""
        return (
            entry.state == "graded"
            and entry.submission == handed.hash
            and self.is_written(entry.student)
        )

    def is_written(self, student: str) -> bool:
        folder = self.course.autograded / student / self.spec.name
        return (
            all((folder / f"{notebook.name}.ipynb").is_file() for notebook in self.spec.notebooks)
            or folder.is_dir()
        )

    def take(self, job: Job, result: Result | Exception) -> None:
        """Take a result from the pool, and write the batch when it is full."""
        handed = self.handed.pop(job.student)
        if isinstance(result, CannotConfine):
            raise result
        if isinstance(result, Exception):
            self.fail(handed, "error", f"{type(result).__name__} {result}".strip()[:300])
            return
        self.memory = max(self.memory, result.memory)
        self.faults += [result.problem] if result.problem else []
        problem = next(
            (each for each in result.notebooks.values() if each.cause in _FAILURES), None
        )
        if all(each.cause == "missing" for each in result.notebooks.values()):
            self.fail(handed, "none", ", ".join(sorted(job.notebooks)))
        elif problem is not None:
            self.fail(handed, problem.cause, problem.detail)
        else:
            self.waiting.append((result, handed))
        if len(self.waiting) >= _BATCH or time.monotonic() - self.written > _BATCH_SECONDS:
            self.write()

    def fail(self, handed: Handed, cause: str, detail: str) -> None:
        student = handed.job.student
        entry = Entry(
            self.spec.name,
            student,
            "failed",
            submission=handed.hash,
            tests=self.spec.tests,
            cause=cause,
            detail=detail,
        )
        if self.source.pending:
            self.unwritten.append(entry)
        else:
            self.journal_entries([entry])
        self.done.append(Graded(student, "failed", cause=cause, detail=detail))

    def write(self) -> None:
        """Write what was marked: notebooks, then marks, then the journal."""
        batch, self.waiting, self.written = self.waiting, [], time.monotonic()
        if not batch:
            return
        for result, handed in batch:
            write_autograded(self.course, self.spec, result, handed)
        lines = [
            Line(result.student, handed.timestamp, result.notebooks) for result, handed in batch
        ]
        late = self.book.write(lines)
        entries = [self.entry(result, handed, late[result.student]) for result, handed in batch]
        self.journal_entries(entries)
        for entry in entries:
            before = self.known.get(entry.student)
            changed = (
                before is not None
                and before.state == "graded"
                and before.submission != entry.submission
            )
            self.done.append(_from_entry(entry, "graded", changed=changed))

    def entry(self, result: Result, handed: Handed, late: float) -> Entry:
        marks = {
            f"{name}/{grade_id}": mark
            for name, marked in result.notebooks.items()
            for grade_id, mark in marked.marks.items()
        }
        ended = next((each for each in result.notebooks.values() if each.cause), MarkedNotebook())
        return Entry(
            self.spec.name,
            result.student,
            "graded",
            submission=handed.hash,
            tests=self.spec.tests,
            environment=self.environment,
            marks={name: mark.points for name, mark in marks.items()},
            maximum={name: mark.maximum for name, mark in marks.items()},
            live=[name for name, mark in marks.items() if mark.isolation != "split"],
            errors={name: mark.error[:1000] for name, mark in marks.items() if mark.error},
            hints={name: mark.hint for name, mark in marks.items() if mark.hint},
            cause=ended.cause
            or ("timestamp" if handed.timestamp and not timestamp_reads(handed.timestamp) else ""),
            detail=ended.detail or (handed.timestamp or ""),
            late=late,
            notes=_notes(result, handed),
        )

    def journal_entries(self, entries: list[Entry], settled: bool = True) -> None:
        try:
            self.journal.append(entries, settled)
        except OSError as error:
            raise CannotWrite(self.course.state, error) from error


CAUSES["timestamp"] = Sentence(
    "Its timestamp.txt is not a time, and was passed over",
    "Son fichier timestamp.txt n’est pas une date; il est ignoré",
)


def _notes(result: Result, handed: Handed) -> list[tuple[str, str]]:
    """Return what a person should know of a submission besides why it ended early."""
    several = len(result.notebooks) > 1
    notes = [
        (note.cause, f"{name}: {note.detail}" if several else note.detail)
        for name, marked in result.notebooks.items()
        for note in marked.notes
    ]
    notes += [("left out", ", ".join(handed.left_out))] if handed.left_out else []
    return notes + ([("again", "")] if result.again else [])


def _from_entry(entry: Entry, state: str, outdated: bool = False, changed: bool = False) -> Graded:
    marks: dict[str, dict[str, Mark]] = {}
    for name, points in entry.marks.items():
        notebook, _, grade_id = name.partition("/")
        marks.setdefault(notebook, {})[grade_id] = Mark(
            points,
            entry.maximum[name],
            "process" if name in entry.live else "split",
            entry.errors.get(name),
            entry.hints.get(name),
        )
    return Graded(
        entry.student,
        state,
        marks,
        entry.cause,
        entry.detail,
        entry.late,
        outdated,
        changed,
        list(entry.notes),
    )


def write_autograded(course: Course, spec: Assignment, result: Result, handed: Handed) -> None:
    """Write a submission's marked notebooks and its files, whole, in one step.

    Raises:
        CannotWrite: if the folder cannot be written.
    """
    place = course.autograded / result.student / spec.name
    fresh, old = (
        course.state / "new" / result.student / spec.name,
        course.state / "old" / result.student / spec.name,
    )
    try:
        for folder in (fresh, old):
            if folder.exists():  # a run was killed here
                shutil.rmtree(folder)
        fresh.mkdir(parents=True)
        if handed.timestamp:
            (fresh / "timestamp.txt").write_text(handed.timestamp, encoding="utf-8")
        if spec.data:
            from grader.marking.pair import unzip_into

            unzip_into(spec.data, fresh)
        for notebook in spec.notebooks:
            marked = result.notebooks[notebook.name]
            if marked.cells:
                (fresh / f"{notebook.name}.ipynb").write_bytes(
                    as_notebook(marked, notebook.metadata)
                )
        for name, data in handed.job.files.items():
            if not _put_within(fresh, name, data):
                handed.leave_out(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(place):
            old.parent.mkdir(parents=True, exist_ok=True)
            place.rename(old)
        fresh.rename(place)
        for folder in (old.parent, fresh.parent):
            if folder.exists():
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise CannotWrite(place.parent, error) from error


def _put_within(folder: Path, name: str, data: bytes) -> bool:
    """Write a learner's file where the course has none, and tell whether it could be; a bad name is
    no reason to stop.

    Raises:
        OSError: if the disk is full or cannot be written to.
    """
    inside = Path(name)
    if ".." in inside.parts or inside.is_absolute():
        return False
    path = folder / inside
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            file.write(data)
    except FileExistsError:
        return path.is_file()  # the course's own
    except (OSError, ValueError) as error:
        if of_the_machine(error):
            raise
        return False
    return True


def as_notebook(marked: MarkedNotebook, metadata: dict) -> bytes:
    """Return a marked notebook as nbformat writes it; without outputs and pictures, where they
    break its rules."""
    import nbformat  # slow: the warm processes begin meanwhile

    notebook = {"cells": marked.cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    try:
        nbformat.validate(notebook)
    except (nbformat.ValidationError, RecursionError):
        notebook["cells"] = [
            {
                key: [] if key == "outputs" else value
                for key, value in cell.items()
                if key != "attachments"
            }
            for cell in marked.cells
        ]
    text = json.dumps(notebook, ensure_ascii=False, indent=1)
    return (text + "\n").encode("utf-8", "replace")
