"""Marking one notebook between the process that runs its cells and the one that gives marks."""

import time

from grader.marking import matching, protocol
from grader.marking.model import (
    MOST_NOTEBOOK,
    Assignment,
    Mark,
    MarkedNotebook,
    Note,
    Result,
    SourceCell,
    SourceNotebook,
)
from grader.marking.pair import Pair
from grader.marking.protocol import Begun, Done, Lost, Marked, Report, Shown, Step, Work, Write
from grader.sandbox.channel import BadMessage, Gone, TooSlow
from grader.sandbox.limits import Limits
from grader.sandbox.sandbox import MOST_KILLED, End, Process
from grader.sandbox.usage import Meter

# seconds between two looks at what is in use: while nothing comes, and while much does
_TICK, _LOOK = 0.25, 1.0
_TO_OPEN = 60.0  # seconds that reading a notebook may take
_TO_STOP = 4.0  # seconds of processor time in which a cell that is asked to stop has to
_CLOCK = 2  # how many times longer than its processor time a submission may take by the clock
_MOST_SKIPPED = 2  # steps that could not be broken off, of a notebook


class Progress:
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


def not_there(notebook: SourceNotebook, cause: str, detail: str = "") -> MarkedNotebook:
    """Return the marks of a notebook that cannot be run: none, and nothing for a person to read, as
    nbgrader has it."""
    marks = {
        cell.grade_id: Mark(0.0, cell.points)
        for cell in notebook.cells
        if cell.role in ("test", "manual", "task")
    }
    return MarkedNotebook(marks=marks, cause=cause, detail=detail)


def mark_notebook(
    assignment: Assignment, pair: Pair, notebook, data: bytes, files, result: Result, progress
) -> tuple[MarkedNotebook, dict]:
    """Mark one notebook of a submission.

    Args:
        assignment: what to mark by.
        pair: the fork servers of its processes.
        notebook: the source's.
        data: what was handed in.
        files: the other files of the submission, by path.
        result: where time, memory and troubles are told.
        progress: what is known already of this notebook's marks.

    Returns:
        Its marks, and the files that its cells wrote.

    Raises:
        SandboxLost: if a fork server has ended.
    """
    if len(data) > MOST_NOTEBOOK:
        return not_there(notebook, "large"), {}
    while True:
        marking = _begun(assignment, pair, notebook, data, files, result, progress)
        if isinstance(marking, MarkedNotebook):
            return marking, {}
        written = marking.run()
        if not marking.again():
            marking.complete()
            return marking.marked, written


def _begun(assignment: Assignment, pair: Pair, notebook, data, files, result, progress):
    """Read a notebook in a runner, and return its session; its marks, where it cannot be read."""
    runner = pair.runners.process(
        "grader.marking.runner:serve", assignment.limits, expects=protocol.Answer
    )
    gone = False
    try:
        opened = runner.channel.ask(protocol.Open(data, files, pair.data), _TO_OPEN)
    except (Gone, TooSlow, BadMessage) as error:
        opened, gone = protocol.Opened(problem="unreadable"), isinstance(error, Gone)
    if isinstance(opened, protocol.Opened) and not opened.problem:
        matched = matching.matched(notebook.cells, opened.cells)
        return _Session(assignment, pair, notebook, opened.cells, matched, runner, result, progress)
    ended = _end(runner, result, leaving=gone)
    if ended.killed and progress.killed < MOST_KILLED:
        progress.killed += 1
        result.again += 1
        return _begun(assignment, pair, notebook, data, files, result, progress)
    return not_there(
        notebook, getattr(opened, "problem", "unreadable"), getattr(opened, "detail", "")
    )


def _end(process: Process, result: Result, leaving: bool) -> End:
    """End a process, which may be leaving by itself; count what it used."""
    ended = process.end(leaving)
    result.memory = max(result.memory, ended.memory)
    return ended


class _Session:
    """One notebook between its runner and its checker."""

    def __init__(self, assignment, pair, notebook, cells, matched, runner, result, progress):
        self.assignment, self.pair, self.notebook, self.cells = assignment, pair, notebook, cells
        self.matched, self.places = matched, matched.places
        self.runner: Process | None = runner
        self.result, self.progress = result, progress
        self.marked = MarkedNotebook()
        self.outputs: dict[int, list[dict]] = {}
        self.step, self.place = -1, -1  # the last that was begun
        self.spent: float | None = 0.0  # what all had used when it was; None until somebody looks
        self.killed = self.ended = self.lost = False
        self.stuck: int | None = None  # the step that could not be broken off
        # what tests gave after the runner was lost: marks, if it is not begun again
        self.after: list[Marked] = []

    def run(self) -> dict:
        """Run the notebook; return the files that its cells wrote."""
        assignment, lines = self.assignment, self.runner.channel
        checker = self.pair.checkers.process(
            "grader.marking.checker:serve",
            assignment.limits,
            lines.socket.fileno(),
            expects=Report,
        )
        lines.close()  # the checker alone talks to the runner from here on
        written: dict = {}
        try:
            checker.channel.send(
                Work(
                    self.steps(),
                    self.notebook.facts,
                    self.pair.data,
                    len(assignment.notebooks) > 1,
                    assignment.record,
                    sorted(self.progress.skipped),
                )
            )
            written = self.listen(checker)
        except (Gone, BadMessage):
            self.ended = True
        self.killed |= _end(checker, self.result, leaving=self.ended).killed
        if self.ended and not self.killed:
            self.cause("checker")
        self.end_runner(leaving=self.marked.cause == "ended")
        return written

    def end_runner(self, leaving: bool = False) -> None:
        """End the process that runs learner code, if that has not been done."""
        if self.runner is not None:
            self.killed |= _end(self.runner, self.result, leaving).killed
            self.runner = None

    def again(self) -> bool:
        """Tell whether the notebook is to be begun again: somebody else killed one of its
        processes, or a step could not be broken off, and the others are still to have their turn.
        """
        progress = self.progress
        in_time = time.monotonic() - progress.began < self.assignment.limits.seconds * _CLOCK
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

    def listen(self, checker: Process) -> dict:
        """Take the checker's reports until it is done, or time or memory are used up."""
        channel, limits = checker.channel, self.assignment.limits
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
                meters = [self.runner.meter(), checker.meter()]
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
