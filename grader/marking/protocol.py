"""What the process that runs learner code and the one that decides marks say to each other.

The checker asks and the runner answers. What learner code makes the runner say is taken as data of
a learner: it is checked for its form and size, and it can be nothing but one of the answers below.
"""

import msgspec

from grader.marking.hints import Hint
from grader.marking.outputs import Output
from grader.sandbox.channel import decoder

# The questions that a checker asks of a runner ----------------------------------------------------


class Open(msgspec.Struct, tag=True):
    """Read a notebook; asked first, and answered before any of its cells has run."""

    notebook: bytes
    files: dict[str, bytes] = {}  #: what was handed in beside it, by relative path
    data: str = ""  #: folder of the course's own files, which win over those handed in


class Run(msgspec.Struct, tag=True):
    """Run one cell of learner code."""

    source: str
    seconds: float


class Get(msgspec.Struct, tag=True):
    """Tell the values of names."""

    names: list[str]
    files: list[str] = []  #: files of its working folder, by relative path
    present: list[str] = []  #: names of which only is asked whether they are there
    seconds: float = 60.0


class Call(msgspec.Struct, tag=True):
    """Call a function of the learner's with plain arguments."""

    number: int
    arguments: bytes
    seconds: float


class Files(msgspec.Struct, tag=True):
    """Tell all files of the working folder that are new or changed."""


class Look(msgspec.Struct, tag=True):
    """Tell what each name and file is; asked of the source's own solution, to find what its cells
    bind or change."""

    imports: dict[
        str, str
    ] = {}  #: ``"module"``, ``"module:attribute"`` or ``"module:*"`` by the name that it binds


Question = Open | Run | Get | Call | Files | Look


# Its answers --------------------------------------------------------------------------------------


class Cell(msgspec.Struct):
    """A cell as it was handed in."""

    kind: str  #: code, markdown or raw
    source: str
    grade_id: str | None = None  #: what nbgrader's metadata claims
    claims: dict[str, bool] = {}  #: whether it claims to be grade, solution, locked, task
    attachments: dict[str, dict[str, str]] = {}
    live: bool = False  #: whether its text, rendered, would be more than text
    id: str | None = None  #: nbformat's


class Opened(msgspec.Struct, tag=True):
    """A notebook's cells, or why it is none."""

    cells: list[Cell] = []
    problem: str | None = None  #: one of ``submission.PROBLEMS``
    detail: str = ""


class Ran(msgspec.Struct, tag=True):
    """What a cell showed."""

    outputs: msgspec.Raw
    failed: bool
    stopped: bool = False  #: by its time limit


class Values(msgspec.Struct, tag=True):
    """The values asked for, as ``Packer.pack_names`` writes them; a name that is not there is left
    out."""

    values: bytes
    files: dict[str, bytes | None] = {}
    present: list[str] = []


class Returned(msgspec.Struct, tag=True):
    """What a call gave: a packed ``[value, error, changed arguments]``."""

    result: bytes
    printed: str = ""


class Seen(msgspec.Struct, tag=True):
    """A text for each name and file, which is another where the value is; the name of each value's
    type; and what the names stand for that were imported, as far as they still do."""

    names: dict[str, str]
    kinds: dict[str, str]
    files: dict[str, str]
    imported: dict[str, str]


Answer = Opened | Ran | Values | Returned | Seen


# What a checker is given by its worker, and reports -----------------------------------------------


class Step(msgspec.Struct, frozen=True):
    """One cell to run.

    Args:
        place: its place in the notebook that is marked, -1 for a cell that is only the
            instructor's.
        kind: ``"learner"`` (in the runner), ``"instructor"`` (here), ``"test"`` (here) or ``"live
            test"`` (in the runner: the source's own solution gives it what plain data cannot
            carry).
        source: the cell's text.
        grade_id: of a test.
        points: of a test, its maximum.
        names: names to fetch from the runner before it runs.
        files: files to fetch from the runner before it runs, by relative path.
        visible: of a test, the part that is released.
        cell: the place among the source's cells of an instructor's cell.
    """

    place: int
    kind: str
    source: str
    grade_id: str = ""
    points: float = 0.0
    names: list[str] = []
    files: list[str] = []
    visible: str = ""


class Write(msgspec.Struct, frozen=True, order=True, tag=True):
    """That a function of the source's own solution changes what it is given.

    Args:
        function: the name that the function has; ``"name()"`` for one that another returned.
        place: which argument: its number or name, and a ``/`` for each container that it lies in.
        column: of a table, the column that it adds, changes or takes away; "" where the rows are
            others, or where the argument is no table.
    """

    function: str
    place: str
    column: str = ""


class Facts(msgspec.Struct, frozen=True):
    """What is known of the source's own solution.

    Args:
        imports: by name, what its solution cells import: ``"module"`` or ``"module:attribute"``.
        kinds: by name, the type of its answer.
        writes: what its functions change of what they are given.
    """

    imports: dict[str, str] = {}
    kinds: dict[str, str] = {}
    writes: list[Write] = []


class Work(msgspec.Struct, frozen=True):
    """A notebook to mark.

    Args:
        steps: in the order in which they run.
        facts: what is known of the source's own solution.
        data: folder of the course's own files, "" if there is none.
        collect: whether the files that the learner's cells wrote are told in the end.
        record: whether what functions do to their arguments is told; of the source's own solution
            alone.
        skipped: numbers of steps that are not taken: they could not be broken off before.
    """

    steps: list[Step]
    facts: Facts
    data: str = ""
    collect: bool = False
    record: bool = False
    skipped: list[int] = []


class Begun(msgspec.Struct, tag=True):
    """A step has begun, at a place of the notebook that is marked; or one before it is not over
    yet, since the runner still owes an answer to it."""

    step: int
    place: int


class Shown(msgspec.Struct, tag=True):
    """What the cell at a place showed."""

    place: int
    outputs: list[Output]
    failed: bool
    stopped: bool = False


class Marked(msgspec.Struct, tag=True):
    """A test's result: the points, and of a failure its message, and what the learner may be told
    of it."""

    grade_id: str
    points: float
    error: str | None = None
    hint: Hint | None = None
    problem: str = ""


class Lost(msgspec.Struct, tag=True):
    """The runner ended, or did not answer, at a place; the tests after it get no learner's
    values."""

    place: int
    cause: str  #: "gone", "slow" or "nonsense"
    step: int = -1  #: in which


class Done(msgspec.Struct, tag=True):
    """All steps were taken."""

    files: dict[str, bytes | None] = {}


Report = Begun | Shown | Marked | Lost | Write | Done


for _expected in (Question, Answer, Work, Report):  # here, so that no fork has to
    decoder(_expected)
