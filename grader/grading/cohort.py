"""Grading a class: reading submissions, having them marked, and writing the results.

It can be killed at any moment: a submission counts as graded when the journal says so, which is
after its notebook and its marks are on the disk, and what is not graded is done again by the next
run, to the same marks.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from commons.errors import CannotWrite
from grader.course.autograded import write_autograded
from grader.course.causes import FAILURES
from grader.course.folder import Course, hash_of_environment
from grader.course.gradebook import Book, Line, timestamp_reads
from grader.course.handed_in import Handed, read_submission
from grader.course.journal import Entry, Journal
from grader.course.lock import locked, open_journal
from grader.grading import calibrate
from grader.grading.outcome import Graded, Outcome, from_entry, notes_of
from grader.marking import dispatch
from grader.marking.model import Job, MarkedNotebook, Result
from grader.sandbox.kernel import CannotConfine

_BATCH, _BATCH_SECONDS = 40, 3.0
_HELD = 200  #: results to hold, at most, until the source is checked


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
        source = calibrate.Calibration(
            course, assignment, unsafe_trusted, remote=scheduler is not None
        )
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


class _Run:
    """One run over a cohort.

    It begins while the check of the source may be under way. Nothing is written before it is known
    which tests are live, and what was marked without knowing is then marked again, should there be
    any.
    """

    def __init__(
        self,
        course: Course,
        source: calibrate.Calibration,
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
                self.done.append(from_entry(entry, "unchanged", entry.tests != self.spec.tests))
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
            entry.state == "graded" and entry.submission == handed.hash and self.is_written(entry)
        )

    def is_written(self, entry: Entry) -> bool:
        """Tell whether each marked notebook is where it was written; entries of older versions say
        no names, and their folder has to do."""
        folder = self.course.autograded / entry.student / self.spec.name
        return folder.is_dir() and all((folder / name).is_file() for name in entry.written)

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
        problem = next((each for each in result.notebooks.values() if each.cause in FAILURES), None)
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
            self.done.append(from_entry(entry, "graded", changed=changed))

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
            notes=notes_of(result, handed),
            written=[f"{name}.ipynb" for name, each in result.notebooks.items() if each.cells],
        )

    def journal_entries(self, entries: list[Entry], settled: bool = True) -> None:
        try:
            self.journal.append(entries, settled)
        except OSError as error:
            raise CannotWrite(self.course.state, error) from error
