"""Marking one submission: from the bytes that were handed in to marks and a notebook to show, as
data.

``mark`` is what the pool runs, here or on another machine. It reads nothing of the course and
writes nothing: a job comes in, a result goes out.
"""

import os
import socket
import tempfile
import threading
import time
import zipfile
from io import BytesIO
from pathlib import Path

import msgspec

from grader.intake.reader import MOST_KILLED, ask_once
from grader.marking import protocol, reading
from grader.marking.hints import Hint
from grader.marking.protocol import (
    Begun,
    BorderError,
    Channel,
    Done,
    Facts,
    Gone,
    Lost,
    Marked,
    Report,
    Shown,
    Step,
    TooSlow,
    Work,
    Write,
)
from grader.sandbox.forkserver import Ended, Surroundings, Warm, Zygote, ZygoteLost
from grader.sandbox.linux import Limits
from grader.sandbox.usage import Meter

MOST_NOTEBOOK = 64 << 20  #: bytes of a notebook handed in
_TICK, _LOOK = (
    0.25,
    1.0,
)  # seconds between two looks at what is in use: while nothing comes, and while much does
_TO_OPEN = 60.0  # seconds that reading a notebook may take
_TO_STOP = 4.0  # seconds of processor time in which a cell that is asked to stop has to
_CLOCK = 2  # how many times longer than its processor time a submission may take by the clock
_MOST_SKIPPED = 2  # steps that could not be broken off, of a notebook
_MODULES = [
    "grader.marking.runner",
    "grader.marking.checker",
    "grader.marking.reading:warm",
    "pandas",
    "numpy",
    "matplotlib.pyplot",
    "portail",
    "portail.checks",
]


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
        live: of a test: whether it runs in the runner (see ``checker.Step``).
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
        surroundings: what the sealed processes see.
        limits: what one submission may use.
        data: the assignment's own files beside the notebooks, as a ZIP; b"" if there are none.
        bundle: on another machine, the folders of ``surroundings.readable`` as a ZIP each; here
            none.
        tests: hash of the tests, the data and the set-up: which rules gave a mark.
        record: whether to tell what functions do to their arguments; of the source's own solution
            alone.
    """

    name: str
    notebooks: list[SourceNotebook]
    surroundings: Surroundings
    limits: Limits
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
    """Something that a person should know of a submission: a key of ``coordinator.CAUSES``, and
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
            ``submission.PROBLEMS``; "" if all went well.
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


class Pair:
    """Two warm processes with the assignment's files: what a worker keeps between submissions.

    ``zygote`` forks the runners, and ``checkers``, its branch, the checkers: it alone is told the
    tests.
    """

    def __init__(self, assignment: Assignment):
        self.assignment = assignment
        self.folder = tempfile.TemporaryDirectory(prefix="grader-", ignore_cleanup_errors=True)
        os.chmod(self.folder.name, 0o755)
        self.data, readable = "", list(assignment.surroundings.readable)
        if assignment.data:
            readable.append(str(_unzipped(assignment.data, Path(self.folder.name) / "data")))
        moved = {
            path: str(_unzipped(packed, Path(self.folder.name) / f"folder{number}"))
            for number, (path, packed) in enumerate(assignment.bundle.items())
        }
        readable = [moved.get(path, path) for path in readable]
        environment = {
            name: moved.get(value, value)
            for name, value in assignment.surroundings.environment.items()
        }
        surroundings = msgspec.structs.replace(
            assignment.surroundings,
            readable=readable,
            environment=environment,
            modules=[*_MODULES, *assignment.surroundings.modules],
        )
        if assignment.data:
            self.data = surroundings.inside(readable[-1])
        self.zygote = Zygote(surroundings)
        try:
            self.checkers = self.branched(self.zygote)
        except BaseException:
            self.zygote.close()
            raise

    def branched(self, zygote: Zygote) -> Warm:
        """Return a branch of a warm process which has read the instructor's cells, for the
        checkers."""
        cells = [
            cell.source
            for notebook in self.assignment.notebooks
            for cell in notebook.cells
            if cell.kind == "code" and cell.role in ("test", "plain", "locked")
        ]
        return zygote.branch("grader.marking.checker:prepare", msgspec.msgpack.encode(cells))

    def close(self) -> None:
        """End the processes and remove the files."""
        self.checkers.close()
        self.zygote.close()
        self.folder.cleanup()


def _unzipped(packed: bytes, folder: Path) -> Path:
    """Unpack a ZIP that this project made."""
    folder.mkdir()
    unzip_into(packed, folder)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def unzip_into(packed: bytes, folder: Path) -> None:
    """Unpack a ZIP of the course's own files over a folder."""
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        archive.extractall(folder)


class _Progress:
    """What marking a notebook has found so far, which stands whatever comes after.

    A notebook is begun again where somebody else killed one of its processes, or where a step could
    not be broken off. The first mark that a test gave is its mark: nobody gains by a second try.
    """

    def __init__(self):
        self.marks: dict[str, Marked] = {}
        self.skipped: set[int] = set()  # steps that could not be broken off
        self.killed = 0  # how often somebody killed a process of it
        self.began = time.monotonic()
        self.cause = self.detail = ""


_kept = threading.local()
_pairs: set[Pair] = set()  # of all threads, so that they can be ended together


def mark(assignment: Assignment, job: Job) -> Result:
    """Mark a submission with this thread's warm pair, made on first use and anew where it was lost.

    Args:
        assignment: what to mark by.
        job: what was handed in.

    Raises:
        CannotConfine: if this machine cannot confine learner code.
    """
    progress = {notebook.name: _Progress() for notebook in assignment.notebooks}
    for tried in range(1, MOST_KILLED + 1):
        try:
            result = _mark(warm(assignment), job, progress)
        except ZygoteLost:
            forget()
            if tried == MOST_KILLED:
                raise
            continue
        result.again += tried - 1
        return result
    raise AssertionError  # the last try returns or raises


def warm(assignment: Assignment) -> Pair:
    """Return this thread's warm pair, made on first use or for another assignment.

    Raises:
        CannotConfine: if this machine cannot confine learner code.
    """
    pair = getattr(_kept, "pair", None)
    if pair is None or pair.assignment != assignment:
        forget()
        pair = _kept.pair = Pair(assignment)
        _pairs.add(pair)
    return pair


def forget() -> None:
    """End this thread's warm pair."""
    pair = getattr(_kept, "pair", None)
    _kept.pair = None
    if pair is not None:
        _pairs.discard(pair)
        pair.close()


def forget_all() -> None:
    """End the warm pairs of all threads."""
    while _pairs:
        _pairs.pop().close()
    _kept.pair = None


def _mark(pair: Pair, job: Job, progress: dict[str, _Progress]) -> Result:
    began = time.monotonic()
    result = Result(job.student, {})
    files = dict(job.files)
    several = len(pair.assignment.notebooks) > 1
    given = _by_name(pair, job)
    for notebook in pair.assignment.notebooks:
        data = given.get(notebook.name)
        if data is None:
            marked, written = _not_there(notebook, "missing"), {}
        else:
            marked, written = _mark_notebook(
                pair, notebook, data, files, several, result, progress[notebook.name]
            )
        result.notebooks[notebook.name] = marked
        files.update({path: content for path, content in written.items() if content is not None})
    result.seconds = time.monotonic() - began
    return result


def _by_name(pair: Pair, job: Job) -> dict[str, bytes]:
    """Return the notebooks handed in by the assignment's names; one of another name is known by its
    grade ids."""
    names = [notebook.name for notebook in pair.assignment.notebooks]
    given = {name: job.notebooks[name] for name in names if name in job.notebooks}
    others = {name: data for name, data in job.notebooks.items() if name not in given}
    for notebook in pair.assignment.notebooks:
        if notebook.name in given or not others:
            continue
        ids = {cell.grade_id for cell in notebook.cells} - {None}
        shared = {name: len(ids & _grade_ids(pair, data)) for name, data in others.items()}
        best = max(shared, key=shared.get)
        if shared[best] * 2 >= max(1, len(ids)) or (len(names) == 1 and len(others) == 1):
            given[notebook.name] = others.pop(best)
    return given


def _grade_ids(pair: Pair, data: bytes) -> set[str]:
    opened = open_notebook(pair, data)
    return {cell.grade_id for cell in opened.cells if cell.grade_id}


def open_notebook(pair: Pair, data: bytes) -> protocol.Opened:
    """Read a notebook in a sealed process of its own."""
    if len(data) > MOST_NOTEBOOK:
        return protocol.Opened(problem="large")
    asked = ask_once(
        pair.zygote,
        "grader.marking.runner:serve",
        pair.assignment.limits,
        protocol.Open(data),
        protocol.Opened,
        60,
    )
    return asked or protocol.Opened(problem="unreadable")


def _not_there(notebook: SourceNotebook, cause: str, detail: str = "") -> MarkedNotebook:
    """Return the marks of a notebook that cannot be run: none, and nothing for a person to read, as
    nbgrader has it."""
    marks = {
        cell.grade_id: Mark(0.0, cell.points)
        for cell in notebook.cells
        if cell.role in ("test", "manual", "task")
    }
    return MarkedNotebook(marks=marks, cause=cause, detail=detail)


def _mark_notebook(
    pair: Pair, notebook, data, files, several, result, progress
) -> tuple[MarkedNotebook, dict]:
    if len(data) > MOST_NOTEBOOK:
        return _not_there(notebook, "large"), {}
    while True:
        marking = _begun(pair, notebook, data, files, result, progress)
        if isinstance(marking, MarkedNotebook):
            return marking, {}
        written = marking.run(several)
        if not marking.again():
            marking.complete()
            return marking.marked, written


def _begun(pair: Pair, notebook, data, files, result, progress):
    """Read a notebook in a runner, and return its marking; its marks, where it cannot be read."""
    here, theirs = socket.socketpair()
    with theirs:
        try:
            runner = pair.zygote.start(
                "grader.marking.runner:serve", pair.assignment.limits, [theirs.fileno()]
            )
        except BaseException:
            here.close()
            raise
    gone = False
    try:
        opened = Channel(here, protocol.Answer).ask(protocol.Open(data, files, pair.data), _TO_OPEN)
    except (Gone, TooSlow, BorderError) as error:
        opened, gone = protocol.Opened(problem="unreadable"), isinstance(error, Gone)
    if isinstance(opened, protocol.Opened) and not opened.problem:
        matched = reading.matched(notebook.cells, opened.cells)
        return _Marking(pair, notebook, opened.cells, matched, runner, here, result, progress)
    here.close()
    ended = _end(pair.zygote, runner, result, leaving=gone)
    if ended.killed and progress.killed < MOST_KILLED:
        progress.killed += 1
        result.again += 1
        return _begun(pair, notebook, data, files, result, progress)
    return _not_there(
        notebook, getattr(opened, "problem", "unreadable"), getattr(opened, "detail", "")
    )


def _end(zygote: Warm, number: int, result: Result, leaving: bool) -> Ended:
    """End a process, which may be leaving by itself; count what it used."""
    ended = zygote.end(number, leaving)
    result.memory = max(result.memory, ended.memory)
    return ended


class _Marking:
    """One notebook between its runner and its checker."""

    def __init__(self, pair, notebook, cells, matched, runner, border_end, result, progress):
        self.pair, self.notebook, self.cells, self.places = pair, notebook, cells, matched.places
        self.matched = matched
        self.runner, self.border_end, self.result, self.progress = (
            runner,
            border_end,
            result,
            progress,
        )
        self.marked = MarkedNotebook()
        self.outputs: dict[int, list[dict]] = {}
        self.step, self.place = -1, -1  # the last that was begun
        self.spent: float | None = 0.0  # what all had used when it was; None until somebody looks
        self.killed = self.ended = self.lost = False
        self.stuck: int | None = None  # the step that could not be broken off
        self.after: list[
            Marked
        ] = []  # what tests gave after the runner was lost: marks, if it is not begun again

    def run(self, several: bool) -> dict:
        """Run the notebook; return the files that its cells wrote."""
        assignment, checkers = self.pair.assignment, self.pair.checkers
        here, theirs = socket.socketpair()
        written: dict = {}
        with here:
            with theirs, self.border_end:
                checker = checkers.start(
                    "grader.marking.checker:serve",
                    assignment.limits,
                    [theirs.fileno(), self.border_end.fileno()],
                )
            channel = Channel(here, Report)
            try:
                facts = self.notebook.facts
                channel.send(
                    Work(
                        self.steps(),
                        facts,
                        self.pair.data,
                        several,
                        assignment.record,
                        sorted(self.progress.skipped),
                    )
                )
                written = self.listen(channel, checker, assignment.limits)
            except (Gone, BorderError):
                self.ended = True
            gone = self.ended
            self.killed |= _end(checkers, checker, self.result, leaving=gone).killed
            if gone and not self.killed:
                self.cause("checker")
            self.end_runner(leaving=self.marked.cause == "ended")
        return written

    def end_runner(self, leaving: bool = False) -> None:
        if self.runner is not None:
            self.killed |= _end(self.pair.zygote, self.runner, self.result, leaving).killed
            self.runner = None

    def again(self) -> bool:
        """Tell whether the notebook is to be begun again: somebody else killed one of its
        processes, or a step could not be broken off, and the others are still to have their turn.
        """
        progress = self.progress
        in_time = time.monotonic() - progress.began < self.pair.assignment.limits.seconds * _CLOCK
        if self.killed and progress.killed < MOST_KILLED and in_time:
            progress.killed += 1
            self.result.again += 1
            return True
        if not progress.cause:
            progress.cause, progress.detail = self.marked.cause, self.marked.detail
        if self.stuck is not None and len(progress.skipped) < _MOST_SKIPPED:
            progress.skipped.add(self.stuck)
            return True
        return False

    def listen(self, channel: Channel, checker: int, limits: Limits) -> dict:
        """Take the checker's reports until it is done, or time or memory are used up."""
        meters: list[Meter | None] = []
        began = looked = time.monotonic()
        while True:
            waits = channel.waits(_TICK)
            if waits:
                report = channel.receive(30)
                if isinstance(report, Done):
                    return report.files
                self.take(report)
            if waits and time.monotonic() - looked < _LOOK:
                continue
            looked = time.monotonic()
            if not meters:  # most notebooks never wait so long
                meters = [self.pair.zygote.meter(number) for number in (self.runner, checker)]
            cause = self.over(limits, [each for each in meters if each], time.monotonic() - began)
            if not cause:
                continue
            self.cause(cause, self.place)
            if self.runner is None or meters[0] is None:  # it is the checker that does not end
                return {}
            self.lost = True
            self.end_runner()
            self.spent = sum(
                each.look() for each in meters if each
            )  # what comes now is the checker's alone
            meters[0] = None

    def over(self, limits: Limits, meters: list[Meter], clock: float) -> str:
        """Return which limit is passed, by all processes of the submission together; "" if none is.
        The clock decides where it is far beyond what the processor's time would allow: somebody
        else's load costs no mark."""
        spent = sum(each.look() for each in meters)
        if spent > limits.seconds or clock > limits.seconds * _CLOCK:
            return "time"
        if sum(each.memory() for each in meters) > limits.memory:
            return "memory"
        self.spent = spent if self.spent is None else self.spent
        if spent - self.spent > 2 * limits.cell_seconds + _TO_STOP:
            self.stuck = self.step
            return "cell time"
        return ""

    def take(self, report) -> None:
        if isinstance(report, Begun):
            if report.step != self.step:
                self.spent = None
            self.step, self.place = report.step, report.place
        elif isinstance(report, Write):
            self.marked.writes.append(report)
        elif isinstance(report, Shown):
            self.outputs[report.place] = [each.as_nbformat() for each in report.outputs]
            if report.stopped:
                self.cause("cell time", report.place)
        elif isinstance(report, Marked):
            if self.lost:
                self.after.append(report)
            else:
                self.progress.marks.setdefault(report.grade_id, report)
            if report.problem:
                self.result.problem = f"{self.notebook.name}, {report.grade_id}: {report.problem}"
        elif isinstance(report, Lost):
            self.lost = True
            if report.cause == "slow":
                self.stuck = report.step
            self.cause(
                {"gone": "ended", "slow": "cell time", "nonsense": "nonsense"}[report.cause],
                report.place,
            )

    def cause(self, cause: str, place: int | None = None) -> None:
        """Keep the first cause of an early end, and the cell: its number, and the name by which
        people know it."""
        if not self.marked.cause:
            at = self.place if place is None else place
            self.marked.cause, self.marked.detail = cause, f"{at + 1}{self.name_at(at)}"

    def name_at(self, at: int) -> str:
        """Return a cell's grade id or, of a learner's own, its first line, in brackets; "" where
        there is none."""
        if not 0 <= at < len(self.places):
            return ""
        place = self.places[at]
        name = self.notebook.cells[place.source].grade_id if place.source is not None else None
        first = next(
            (line.strip() for line in self.source_at(place).splitlines() if line.strip()), ""
        )
        return f" ({name or first[:40]})" if name or first else ""

    def steps(self) -> list[Step]:
        """Return the cells to run, in the order of the notebook handed in, the source's own cells
        before the tests that follow them."""
        steps, taken = [], 0
        source = self.notebook.cells
        for at, place in enumerate(self.places):
            cell = source[place.source] if place.source is not None else None
            if cell is not None and cell.role == "test":
                steps += [
                    Step(-1, "instructor", each.source, names=each.names, files=each.files)
                    for each in source[taken : place.source]
                    if each.kind == "code" and each.role in ("plain", "locked")
                ]
                taken = max(taken, place.source)
                if cell.kind == "code":
                    steps.append(
                        Step(
                            at,
                            "live test" if cell.live else "test",
                            cell.source,
                            cell.grade_id,
                            cell.points,
                            cell.names,
                            cell.files,
                            cell.visible,
                        )
                    )
            elif self.kind_at(place) == "code" and (
                place.given is not None or cell.role == "locked"
            ):
                steps.append(Step(at, "learner", self.source_at(place)))
        return steps

    def kind_at(self, place) -> str:
        return (
            self.notebook.cells[place.source].kind
            if place.source is not None
            else self.cells[place.given].kind
        )

    def source_at(self, place) -> str:
        cell = self.notebook.cells[place.source] if place.source is not None else None
        if place.given is None or (cell is not None and cell.role in ("test", "locked")):
            return cell.source
        return self.cells[place.given].source

    def complete(self) -> None:
        """Give every cell its mark, and write the cells as nbformat has them."""
        self.marked.cause, self.marked.detail = self.progress.cause, self.progress.detail
        for mark in self.after:
            self.progress.marks.setdefault(mark.grade_id, mark)
        for cause, grade_ids in (
            ("metadata", self.matched.found_otherwise),
            ("lost cells", self.matched.lost),
        ):
            if grade_ids:
                self.marked.notes.append(Note(cause, ", ".join(grade_ids)))
        for cell in self.notebook.cells:
            mark = self.progress.marks.get(cell.grade_id)
            if mark is not None:
                self.marked.marks[cell.grade_id] = Mark(
                    mark.points,
                    cell.points,
                    "process" if cell.live else "split",
                    mark.error,
                    mark.hint,
                )
        for cell in self.notebook.cells:
            if (
                cell.role == "test"
                and cell.kind == "code"
                and cell.grade_id not in self.marked.marks
            ):
                self.marked.marks[cell.grade_id] = Mark(
                    0.0, cell.points, "process" if cell.live else "split", "not reached"
                )
        for at, place in enumerate(self.places):
            self.marked.cells.append(self.cell_at(at, place))
        for cell in self.notebook.cells:
            if cell.role in ("manual", "task") or (cell.role == "test" and cell.kind != "code"):
                untouched = cell.role == "manual" and cell.grade_id in self.marked.unanswered
                self.marked.marks[cell.grade_id] = Mark(0.0 if untouched else None, cell.points)

    def cell_at(self, at: int, place) -> dict:
        source = self.notebook.cells[place.source] if place.source is not None else None
        given = self.cells[place.given] if place.given is not None else None
        kind, text = self.kind_at(place), self.source_at(place)
        if (
            source is not None
            and source.role in ("manual", "solution")
            and checksum(source, text) == source.checksum
        ):
            self.marked.unanswered.append(source.grade_id)
        if given is not None and given.live and text == given.source:
            text = fenced(text)
        cell = {"cell_type": kind, "id": f"cell-{at}", "metadata": {}, "source": text}
        if source is not None and source.metadata:
            cell["metadata"] = {"nbgrader": {**source.metadata, "checksum": source.checksum}}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": self.outputs.get(at, [])}
        elif given is not None and given.attachments:
            cell["attachments"] = given.attachments
        return cell


def checksum(source: SourceCell, text: str) -> str:
    """Return nbgrader's checksum of a cell with another text."""
    from nbformat import NotebookNode
    from nbgrader.utils import compute_checksum

    return compute_checksum(
        NotebookNode(
            cell_type=source.kind,
            source=text,
            metadata=NotebookNode(nbgrader=NotebookNode(source.metadata)),
        )
    )


def fenced(text: str) -> str:
    """Return a text as a block of code, which shows it and renders nothing of it."""
    fence = "`" * 4
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"
