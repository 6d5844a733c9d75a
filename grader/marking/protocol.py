"""The border between the process that runs learner code and the one that decides marks: framed,
typed, limited messages.

The checker asks and the runner answers. What learner code makes the runner say is taken as data of
a learner: it is checked for its form and size, and it can be nothing but one of the answers below.
"""

import contextlib
import functools
import select
import socket
import struct
import time
from collections.abc import Callable

import msgspec

from grader.marking.hints import Hint
from grader.marking.outputs import Output

MOST_BYTES = 96 << 20  #: the largest message
_SLICE = 0.25  # seconds between two looks at the clock while waiting
_HEAD = struct.Struct("<QQ")  # bytes of the message, number of the question


class BorderError(Exception):
    """Raised when a message is not the plain data that it should be."""


class Gone(Exception):
    """Raised when the other side has ended."""


class TooSlow(Exception):
    """Raised when the other side did not answer in time."""


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


@functools.cache
def _decoder(expects) -> msgspec.msgpack.Decoder:
    return msgspec.msgpack.Decoder(expects)


for _expected in (Question, Answer, Work, Report):  # here, so that no fork has to
    _decoder(_expected)


class Channel:
    """Messages over a socket; each side holds one end. Each question has a number, which its answer
    bears too, so that an answer that comes too late is nobody's.

    Args:
        end: a connected stream socket.
        expects: the type, or union of types, of what comes in.
        most: the largest message taken, in bytes.
    """

    def __init__(self, end: socket.socket, expects, most: int = MOST_BYTES):
        self.socket, self.most = end, most
        self.encode = msgspec.msgpack.Encoder().encode
        self.decode = _decoder(expects).decode
        self.asked = self.number = 0  # the last question asked here, and the last message's number
        self.head = self.data = (
            None  # of the message that is coming in: what came so far, so that it can be gone on
        )

    def send(self, message, seconds: float = 60.0) -> None:
        """Send a message that answers the last one that came in.

        Raises:
            Gone: if the other side has ended.
            TooSlow: if it does not take the message.
            BorderError: if the message is too large.
        """
        data = self.encode(message)
        if len(data) > self.most:
            raise BorderError("the message is too large")
        try:
            self.socket.settimeout(seconds)
            self.socket.sendall(_HEAD.pack(len(data), self.number) + data)
        except TimeoutError as error:
            raise TooSlow from error
        except OSError as error:
            raise Gone from error

    def receive(self, seconds: float | None = None, look_up: Callable = lambda: None):
        """Return the next message.

        Args:
            seconds: to wait for it; None for as long as it takes.
            look_up: called now and then while waiting; what it raises ends the wait, and nothing
                that came is lost.

        Raises:
            Gone: if the other side has ended.
            TooSlow: if it does not answer within so many seconds.
            BorderError: if what comes is not one of the messages expected.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        if self.head is None:
            self.head = _Part(_HEAD.size)
        length, self.number = _HEAD.unpack(self._filled(self.head, deadline, look_up))
        if length > self.most:
            raise BorderError("the message is too large")
        if self.data is None:
            self.data = _Part(length)
        data = self._filled(self.data, deadline, look_up)
        self.head = self.data = None
        try:
            return self.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise BorderError("a message of another form") from error

    def ask(self, message, seconds: float | None = None, look_up: Callable = lambda: None):
        """Send a question and return its answer; raises as ``send`` and ``receive`` do."""
        deadline = None if seconds is None else time.monotonic() + seconds
        self.asked += 1
        self.number = self.asked
        self.send(message)
        while True:
            answer = self.receive(
                None if deadline is None else deadline - time.monotonic(), look_up
            )
            if self.number == self.asked:
                return answer

    def waits(self, seconds: float) -> bool:
        """Tell whether something comes in within so many seconds."""
        return bool(select.select([self.socket], [], [], seconds)[0])

    def close(self) -> None:
        """End the conversation."""
        with contextlib.suppress(OSError):
            self.socket.close()

    def _filled(self, part: "_Part", deadline: float | None, look_up: Callable) -> bytearray:
        """Return a part of a message when it is whole; memory grows with what arrives, not with
        what was announced."""
        while len(part.data) < part.length:
            look_up()
            wait = _SLICE if deadline is None else min(_SLICE, deadline - time.monotonic())
            if wait <= 0:
                raise TooSlow
            try:
                if not select.select([self.socket], [], [], wait)[0]:
                    continue
                self.socket.settimeout(None)
                came = self.socket.recv(min(part.length - len(part.data), 1 << 20))
            except (OSError, ValueError) as error:
                raise Gone from error
            if not came:
                raise Gone
            part.data += came
        return part.data


class _Part:
    """A part of a message: how long it will be, and what came of it."""

    def __init__(self, length: int):
        self.length, self.data = length, bytearray()
