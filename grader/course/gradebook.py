"""Writing marks into nbgrader's gradebook, through nbgrader's own models."""

import contextlib
import functools
from datetime import datetime

import msgspec

from grader.course import nbgrader_api
from grader.course.folder import Course
from grader.course.gradebook_database import named_problems, opened
from grader.course.source import read_source
from grader.marking.model import MarkedNotebook, SourceNotebook


class Line(msgspec.Struct, frozen=True):
    """One submission to write.

    Args:
        student: the learner's id.
        timestamp: when it was handed in, as timestamp.txt has it; None where nobody knows.
        notebooks: what was marked, by name.
    """

    student: str
    timestamp: str | None
    notebooks: dict[str, MarkedNotebook]


class Given(msgspec.Struct, frozen=True):
    """What the gradebook holds of one graded cell.

    Args:
        automatic: points that a test gave; None if none did.
        manual: points that a person gave, which count before those of a test; None if nobody did.
        extra: extra credit.
        unread: whether a person is still to look at it.
    """

    automatic: float | None = None
    manual: float | None = None
    extra: float = 0.0
    unread: bool = False

    @property
    def points(self) -> float | None:
        """The points that count; None where nobody has given any yet."""
        counts = self.automatic if self.manual is None else self.manual
        if counts is None or (self.unread and self.manual is None):
            return None
        return counts + self.extra


class GivenNotebook(msgspec.Struct, frozen=True):
    """What the gradebook holds of one notebook handed in: cells and comments by grade id, and the
    penalty for being late."""

    cells: dict[str, Given] = {}
    comments: dict[str, str] = {}
    penalty: float = 0.0


class Book:
    """A course's gradebook for one assignment.

    Args:
        course: the course.
        assignment: its name.
        update: whether to enter it, or bring it up to date with its source, if need be.
        notebooks: its source, where that has been read; it is read if left out.

    Raises:
        GradebookProblem: if it cannot be opened.
        CannotRead: if nbgrader refuses the source.
    """

    def __init__(
        self,
        course: Course,
        assignment: str,
        update: bool = True,
        notebooks: list[SourceNotebook] | None = None,
    ):
        self.course, self.name, self.notebooks = course, assignment, notebooks
        with named_problems(course):
            self.gradebook = opened(course)
            if update and self._outdated():
                self.gradebook.close()
                nbgrader_api.enter(course, assignment)
                self.gradebook = opened(course)
            self.assignment = self.gradebook.find_assignment(assignment)
        if "AssignLatePenalties" in course.config:
            _ = self.penalties  # a rule that does not load is told before anything is marked

    @functools.cached_property
    def penalties(self):
        """nbgrader's own step for late work, with the course's rule; made when the first late
        submission comes."""
        from nbgrader.preprocessors import AssignLatePenalties

        penalties = AssignLatePenalties(config=self.course.config)
        penalties.init_plugin()
        return penalties

    def _outdated(self) -> bool:
        """Tell whether the gradebook lacks the assignment, or holds other cells or points than the
        source."""
        from nbgrader.api import MissingEntry

        notebooks = self.notebooks
        if notebooks is None:
            notebooks = [
                read_source(self.course, path)[0] for path in self.course.notebooks(self.name)
            ]
        source = {
            (notebook.name, cell.grade_id): cell.checksum
            for notebook in notebooks
            for cell in notebook.cells
            if cell.grade_id is not None and cell.role != "plain"
        }
        try:
            notebooks = self.gradebook.find_assignment(self.name).notebooks
        except MissingEntry:
            return True
        return {
            (notebook.name, cell.name): cell.checksum
            for notebook in notebooks
            for cell in notebook.source_cells
        } != source

    def write(self, lines: list[Line]) -> dict[str, float]:
        """Write submissions in one transaction: all of them, or none.

        Returns:
            The seconds by which each was late, by student.

        Raises:
            GradebookProblem: if the gradebook is locked, read-only or full; nothing of the batch
                was written.
        """
        db = self.gradebook.db
        with named_problems(self.course, db):
            with (
                db.no_autoflush
            ):  # what is written is written for all of them at once, which is many times faster
                submissions = {line.student: self._submission(line.student) for line in lines}
                db.flush()
                for line in lines:
                    self._fill(submissions[line.student], line)
                db.flush()
            for submission in submissions.values():
                self._assign_penalties(submission)
            late = {
                student: max(0.0, each.total_seconds_late or 0.0)
                for student, each in submissions.items()
            }
            db.commit()
            db.expunge_all()
            self.assignment = self.gradebook.find_assignment(self.name)
        return late

    def _fill(self, submission, line: Line) -> None:
        """Set a submission's time, automatic marks and comments."""
        from nbgrader.utils import parse_utc

        with contextlib.suppress(ValueError, OverflowError, TypeError):
            submission.timestamp = (
                parse_utc(line.timestamp) if line.timestamp else submission.timestamp
            )
        for notebook in submission.notebooks:
            marked = line.notebooks.get(notebook.name)
            if marked is None:
                continue
            for grade in notebook.grades:
                mark = marked.marks.get(grade.name)
                if mark is not None:
                    grade.auto_score = mark.points
                    grade.needs_manual_grade = mark.points is None or grade.manual_score is not None
                    if (
                        marked.cause == "missing"
                    ):  # nbgrader's rule for a notebook that was not handed in
                        grade.needs_manual_grade = False
            for comment in notebook.comments:
                comment.auto_comment = "No response." if comment.name in marked.unanswered else None

    def _assign_penalties(self, submission) -> None:
        """Apply the course's rule for late work, as nbgrader's AssignLatePenalties does."""
        for notebook in submission.notebooks:
            notebook.late_submission_penalty = None
            if (submission.total_seconds_late or 0) > 0:
                self.gradebook.db.flush()
                self.gradebook.db.refresh(notebook)
                penalty = self.penalties.plugin_inst.late_submission_penalty(
                    submission.student.id, notebook.score, submission.total_seconds_late
                )
                if penalty is not None:
                    notebook.late_submission_penalty = self.penalties._check_late_penalty(
                        notebook, penalty
                    )

    def _submission(self, student_id: str):
        """Return a learner's submission with all its grades and comments, made if absent, without
        flushing."""
        from nbgrader.api import Comment, Grade, Student, SubmittedAssignment, SubmittedNotebook

        db = self.gradebook.db
        student = db.get(Student, student_id)
        if student is None:
            db.add(student := Student(id=student_id))
        submission = (
            db.query(SubmittedAssignment)
            .filter(
                SubmittedAssignment.assignment_id == self.assignment.id,
                SubmittedAssignment.student_id == student_id,
            )
            .one_or_none()
        )
        if submission is None:
            db.add(submission := SubmittedAssignment(assignment=self.assignment, student=student))
        there = {notebook.notebook_id: notebook for notebook in submission.notebooks}
        for source in self.assignment.notebooks:
            notebook = there.get(source.id)
            if notebook is None:
                db.add(notebook := SubmittedNotebook(notebook=source, assignment=submission))
            graded = {grade.cell.id for grade in notebook.grades}
            commented = {comment.cell.id for comment in notebook.comments}
            db.add_all(
                Grade(cell=cell, notebook=notebook)
                for cell in [*source.grade_cells, *source.task_cells]
                if cell.id not in graded
            )
            db.add_all(
                Comment(cell=cell, notebook=notebook)
                for cell in [*source.solution_cells, *source.task_cells]
                if cell.id not in commented
            )
        return submission

    def automatic(self, student_id: str) -> dict[str, float | None]:
        """Return a learner's automatic points by ``"notebook/grade id"``, as the gradebook holds
        them; {} if none."""
        return {name: points for name, (points, _) in self.marks(student_id).items()}

    def marks(self, student_id: str) -> dict[str, tuple[float | None, bool]]:
        """Return a learner's automatic points, and whether a person is to look at each, by
        ``"notebook/grade id"``."""
        from nbgrader.api import MissingEntry

        with named_problems(self.course), contextlib.suppress(MissingEntry):
            notebooks = self.gradebook.find_submission(self.name, student_id).notebooks
            return {
                f"{notebook.name}/{grade.name}": (grade.auto_score, grade.needs_manual_grade)
                for notebook in notebooks
                for grade in notebook.grades
            }
        return {}

    def given(self, student_id: str) -> dict[str, GivenNotebook]:
        """Return all that a learner was given, by notebook; {} for whom the gradebook does not
        know."""
        from nbgrader.api import MissingEntry

        with named_problems(self.course), contextlib.suppress(MissingEntry):
            return {
                notebook.name: GivenNotebook(
                    {
                        grade.name: Given(
                            grade.auto_score,
                            grade.manual_score,
                            grade.extra_credit or 0.0,
                            grade.needs_manual_grade,
                        )
                        for grade in notebook.grades
                    },
                    {
                        comment.name: comment.comment
                        for comment in notebook.comments
                        if comment.comment
                    },
                    notebook.late_submission_penalty or 0.0,
                )
                for notebook in self.gradebook.find_submission(self.name, student_id).notebooks
            }
        return {}

    def cells(self) -> list[tuple[str, str, Given]]:
        """Return every graded cell of everybody: the learner's id, ``"notebook/grade id"``, and
        what was given."""
        from nbgrader.api import BaseCell, Grade, Notebook, SubmittedAssignment, SubmittedNotebook
        from sqlalchemy import select

        with named_problems(self.course):
            query = (
                select(
                    SubmittedAssignment.student_id,
                    Notebook.name,
                    BaseCell.name,
                    Grade.auto_score,
                    Grade.manual_score,
                    Grade.extra_credit,
                    Grade.needs_manual_grade,
                )
                .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
                .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
                .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
                .join(BaseCell, BaseCell.id == Grade.cell_id)
                .where(SubmittedAssignment.assignment_id == self.assignment.id)
            )
            rows = self.gradebook.db.execute(query)
            return [
                (
                    student,
                    f"{notebook}/{cell}",
                    Given(automatic, manual, extra or 0.0, bool(unread)),
                )
                for student, notebook, cell, automatic, manual, extra, unread in rows
            ]

    def maximum(self) -> dict[str, float]:
        """Return the points to be had by ``"notebook/grade id"``."""
        return {
            f"{notebook.name}/{cell.name}": cell.max_score
            for notebook in self.assignment.notebooks
            for cell in [*notebook.grade_cells, *notebook.task_cells]
        }

    def lost_points(self) -> dict[str, float]:
        """Return what each learner loses for being late, where that is anything."""
        from nbgrader.api import SubmittedAssignment, SubmittedNotebook
        from sqlalchemy import func, select

        with named_problems(self.course):
            lost = func.sum(SubmittedNotebook.late_submission_penalty)
            query = (
                select(SubmittedAssignment.student_id, lost)
                .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
                .where(SubmittedAssignment.assignment_id == self.assignment.id)
                .group_by(SubmittedAssignment.student_id)
            )
            return {
                student: float(points)
                for student, points in self.gradebook.db.execute(query)
                if points
            }

    def enter(self, marks: list[tuple[str, str, float, str]]) -> None:
        """Write what people gave, as the formgrader does, in one transaction: learner,
        ``"notebook/grade id"``, points, comment."""
        with named_problems(self.course, self.gradebook.db):
            for student, name, points, comment in marks:
                notebook, _, grade_id = name.partition("/")
                grade = self.gradebook.find_grade(grade_id, notebook, self.name, student)
                grade.manual_score, grade.needs_manual_grade = points, False
                if comment:
                    self.gradebook.find_comment(
                        grade_id, notebook, self.name, student
                    ).manual_comment = comment
            self.gradebook.db.commit()

    def put_back(self, marks: dict[str, dict[str, tuple[float | None, bool]]]) -> None:
        """Write automatic points as ``marks`` gave them, by student, in one transaction; manual
        ones stay."""
        with named_problems(self.course, self.gradebook.db), self.gradebook.db.no_autoflush:
            for student_id, own in marks.items():
                for notebook in self._submission(student_id).notebooks:
                    for grade in notebook.grades:
                        if f"{notebook.name}/{grade.name}" in own:
                            grade.auto_score, grade.needs_manual_grade = own[
                                f"{notebook.name}/{grade.name}"
                            ]
            self.gradebook.db.commit()

    def students(self) -> set[str]:
        """Return the ids of those who have an automatic mark in the assignment."""
        with named_problems(self.course):
            return {
                submission.student.id
                for submission in self.gradebook.assignment_submissions(self.name)
                if any(
                    grade.auto_score is not None
                    for notebook in submission.notebooks
                    for grade in notebook.grades
                )
            }

    def close(self) -> None:
        """Close the gradebook."""
        self.gradebook.close()


def timestamp_reads(text: str) -> bool:
    """Tell whether nbgrader can read a time."""
    from nbgrader.utils import parse_utc

    try:
        return isinstance(parse_utc(text), datetime)
    except (ValueError, OverflowError, TypeError):
        return False
