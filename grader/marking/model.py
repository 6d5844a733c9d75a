"""What marking takes and gives, as data: an assignment, what was handed in, and its marks."""

import msgspec

from grader.marking.hints import Hint
from grader.marking.protocol import (
    Facts,
    Write,
)
from grader.sandbox.forkserver import View
from grader.sandbox.limits import Limits

MOST_NOTEBOOK = 64 << 20  #: bytes of a notebook handed in


class SourceCell(msgspec.Struct, frozen=True):
    """A cell of the source notebook, as marking needs it.

    Args:
        role: ``"test"``, ``"solution"``, ``"manual"``, ``"task"``, ``"locked"`` or ``"plain"``.
        kind: ``"code"``, ``"markdown"`` or ``"raw"``.
        source: its text, without the solution, with hidden tests.
        grade_id: None for a plain cell.
        points: its maximum, 0 where nothing is to be had.
        checksum: nbgrader's, by which an answer that was not touched is known.
        names: of a test or an instructor's cell: what it needs of the learner's.
        files: the same of files.
        live: of a test: whether it runs in the runner (see ``protocol.Step``).
        metadata: its nbgrader metadata.
        visible: of a test or a locked cell, the part that is released.
    """

    role: str
    kind: str
    source: str
    grade_id: str | None = None
    points: float = 0.0
    checksum: str | None = None
    names: list[str] = []
    files: list[str] = []
    live: bool = False
    metadata: dict = {}
    visible: str = ""
    id: str | None = None  #: nbformat's, which the release keeps


class SourceNotebook(msgspec.Struct, frozen=True):
    """A notebook of an assignment: its name, its cells, the metadata that the marked one gets, and
    what is known of its own solution."""

    name: str
    cells: list[SourceCell]
    metadata: dict = {}
    facts: Facts = Facts()


class Assignment(msgspec.Struct, frozen=True):
    """All that marking a submission needs of a course.

    Args:
        name: the assignment's.
        notebooks: in order of their names.
        view: what the processes of its sandbox see.
        imports: modules that its own solution imports, imported before the first fork.
        setup: cells run once before the first fork, for what they leave warm; the names they bind
            are forgotten.
        limits: what one submission may use.
        data: the assignment's own files beside the notebooks, as a ZIP; b"" if there are none.
        bundle: on another machine, the folders of ``view.readable`` as a ZIP each; here
            none.
        tests: hash of the tests, the data and the set-up: which rules gave a mark.
        record: whether to tell what functions do to their arguments; of the source's own solution
            alone.
    """

    name: str
    notebooks: list[SourceNotebook]
    view: View
    limits: Limits
    imports: list[str] = []
    setup: list[str] = []
    data: bytes = b""
    bundle: dict[str, bytes] = {}
    tests: str = ""
    record: bool = False


class Job(msgspec.Struct, frozen=True):
    """A submission to mark: the notebooks' bytes by name, the other files by relative path."""

    student: str
    notebooks: dict[str, bytes]
    files: dict[str, bytes] = {}
    language: str = "en"


class Mark(msgspec.Struct, frozen=True):
    """One mark.

    Args:
        points: None where a person gives them.
        maximum: the points to be had.
        isolation: ``"split"``, or ``"process"`` where the test ran beside the learner's code.
        error: the message of the test that failed.
        hint: what the learner may be told of it.
    """

    points: float | None
    maximum: float
    isolation: str = "split"
    error: str | None = None
    hint: Hint | None = None


class Note(msgspec.Struct, frozen=True):
    """Something that a person should know of a submission: a key of ``causes.CAUSES``, and
    where."""

    cause: str
    detail: str = ""


class MarkedNotebook(msgspec.Struct):
    """A notebook's marks.

    Args:
        marks: by grade id.
        cells: the cells as nbformat has them, with outputs, in order.
        unanswered: grade ids of the answers that were not touched.
        cause: why it ended early, or could not be read: a key of ``CAUSES`` or
            ``reading.PROBLEMS``; "" if all went well.
        detail: which cell, or what exactly.
        writes: what functions did to their arguments, where that was to be recorded.
        notes: what else a person should know.
    """

    marks: dict[str, Mark] = {}
    cells: list[dict] = []
    unanswered: list[str] = []
    cause: str = ""
    detail: str = ""
    writes: list[Write] = []
    notes: list[Note] = []


class Result(msgspec.Struct):
    """What came of a job."""

    student: str
    notebooks: dict[str, MarkedNotebook]
    seconds: float = 0.0
    memory: int = 0
    again: int = (
        0  #: how many times it was begun again, since somebody else had killed one of its processes
    )
    problem: str = ""  #: the assignment's own fault: a test that gives more points than it has
