"""What came of grading: each submission's marks and state, and the exit code."""

import msgspec

from commons.wording import Sentence
from grader.course.causes import why
from grader.course.handed_in import Handed
from grader.course.journal import Entry
from grader.marking.model import Mark, Result


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


def notes_of(result: Result, handed: Handed) -> list[tuple[str, str]]:
    """Return what a person should know of a submission besides why it ended early."""
    several = len(result.notebooks) > 1
    notes = [
        (note.cause, f"{name}: {note.detail}" if several else note.detail)
        for name, marked in result.notebooks.items()
        for note in marked.notes
    ]
    notes += [("left out", ", ".join(handed.left_out))] if handed.left_out else []
    return notes + ([("again", "")] if result.again else [])


def from_entry(entry: Entry, state: str, outdated: bool = False, changed: bool = False) -> Graded:
    """Return a submission as the journal has it."""
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
