"""The process that decides marks. It runs the instructor's cells and tests, and takes what learners made as plain data.

It too is sealed: what a learner's values make a test do stays in here. A name that the source's own solution binds or
changes is fetched from the runner where a test speaks of it; every other name is the checker's own.
"""

import contextlib
import shutil
import socket
import sys
from pathlib import Path

import msgspec

from grader import border, hints, shell
from grader.border import BorderError, Channel, Done, Gone, Lost, Marked, Shown, Step, TooSlow, Work
from grader.confinement import Limits
from grader.outputs import clean
from grader.plain import CannotCross, Packer, Unpacker

_GRACE = 6.0  # seconds that a runner has to answer after its own time is up


def prepare(sources: bytes) -> None:
    """Read the instructor's cells beforehand; to be called in the warm process that forks checkers, and in no other.

    Args:
        sources: the cells' texts, as a msgpack list.
    """
    shell.Shell.instance().prepare(msgspec.msgpack.decode(sources, type=list[str]))


def serve(end: int, border_end: int, limits: Limits) -> None:
    """Do one piece of work and report it.

    Args:
        end: socket to the worker, as a descriptor.
        border_end: socket to the runner, as a descriptor.
        limits: what one submission may use.
    """
    worker = Channel(socket.socket(fileno=end), Work)
    work = worker.receive()
    if work.data:
        shutil.copytree(work.data, ".", dirs_exist_ok=True, copy_function=shutil.copyfile)
    shell.import_from_here()
    Checker(worker, Channel(socket.socket(fileno=border_end), border.Answer), limits, work).run_all()


class Checker:
    """The state of one notebook's marking."""

    def __init__(self, worker: Channel, runner: Channel, limits: Limits, work: Work):
        self.worker, self.runner, self.limits, self.work = worker, runner, limits, work
        self.place, self.lost = -1, False
        self.fetched: set[str] = set()
        self.shell = shell.Shell.instance()
        self.shell.outputs = shell.Outputs(limits.output)

    def run_all(self) -> None:
        """Take all steps, reporting each as it is taken."""
        kinds = {"learner": self.learner, "instructor": self.instructor, "test": self.test, "live test": self.live_test}
        for step in self.work.steps:
            self.place = step.place if step.place >= 0 else self.place
            kinds[step.kind](step)
        files = self.ask(border.Files(), 30) if self.work.collect else None
        self.worker.send(Done(files.files if isinstance(files, border.Values) else {}))

    def learner(self, step: Step) -> None:
        """Let the runner run a cell of learner code."""
        answer = self.ask(border.Run(step.source, self.limits.cell_seconds), self.limits.cell_seconds)
        if isinstance(answer, border.Ran):
            self.shown(step, answer)

    def instructor(self, step: Step) -> None:
        """Run a cell of the instructor's; if it fails, the tests that need it do. Its last value is shown to nobody, so
        that it is not drawn up for show."""
        self.fetch(step)
        shown, self.shell.ast_node_interactivity = self.shell.ast_node_interactivity, "none"
        shell.run(self.shell, step.source, self.limits.cell_seconds)
        self.shell.ast_node_interactivity = shown
        self.shell.outputs.take()

    def test(self, step: Step) -> None:
        """Run a test."""
        self.fetch(step)
        result = shell.run(self.shell, step.source, self.limits.cell_seconds)
        outputs = self.shell.outputs.take()
        failed = result is None or not result.success
        self.worker.send(Shown(step.place, clean(outputs), failed))
        self.mark(step, outputs, failed, result and (result.error_in_exec or result.error_before_exec))

    def live_test(self, step: Step) -> None:
        """Let the runner run a test that plain data cannot serve; its mark is not proof against the learner's code."""
        answer = self.ask(border.Run(step.source, self.limits.cell_seconds), self.limits.cell_seconds)
        if not isinstance(answer, border.Ran):
            self.worker.send(Marked(step.grade_id, 0.0, "the run had ended"))
            return
        self.mark(step, self.shown(step, answer), answer.failed)

    def shown(self, step: Step, answer: border.Ran) -> list:
        """Report what a cell showed in the runner."""
        try:
            outputs = msgspec.msgpack.decode(answer.outputs, type=list[dict])
        except (msgspec.MsgspecError, RecursionError):
            outputs = []
        self.worker.send(Shown(step.place, clean(outputs), answer.failed, answer.stopped))
        return outputs

    def mark(self, step: Step, outputs: list[dict], failed: bool, error: BaseException | None = None) -> None:
        """Report a test's points: none if it failed, else what its last value says, as nbgrader has it; stderr
        apart."""
        if failed:
            errors = [
                str(each.get("evalue", "")) or str(each.get("ename", ""))
                for each in outputs
                if each.get("output_type") == "error"
            ]
            message = (errors or ["failed"])[-1][:4000]
            hint = hints.of_failure(step.visible, error, message, hints.failed_line(step.source, error))
            self.worker.send(Marked(step.grade_id, 0.0, message, hint))
            return
        points, problem = step.points, ""
        given = next((each for each in outputs if each.get("output_type") == "execute_result"), None)
        if given is not None:
            try:
                points = partial_points(given, step.points)
            except (ValueError, KeyError, TypeError) as error:
                points, problem = 0.0, str(error)
        self.worker.send(Marked(step.grade_id, points, problem=problem))

    def fetch(self, step: Step) -> None:
        """Bind the learner's values of a step's names, as they are now; a name that the learner lacks is unbound."""
        names = self.shell.user_ns
        for name in step.names:
            names.pop(name, None)
        if not step.names and not step.files:
            return
        answer = self.ask(border.Get(step.names, step.files), self.limits.cell_seconds)
        if not isinstance(answer, border.Values):
            return
        try:
            values = Unpacker(self.call, frozenset(self.work.modules)).unpack(answer.values)
        except BorderError:
            self.lose("nonsense")
            return
        if type(values) is dict:
            names.update({name: values[name] for name in step.names if name in values})
        for path in step.files:
            _put(path, answer.files.get(path))

    def call(self, number: int, positional: tuple, named: dict):
        """Call a function of the learner's: its result, what it did to its arguments, what it printed, what it
        raised."""
        packer = Packer(number_of=lambda value: getattr(value, "_border_number", None))
        question = border.Call(number, packer.pack([list(positional), named]), self.limits.cell_seconds)
        answer = self.ask(question, self.limits.cell_seconds)
        if not isinstance(answer, border.Returned):
            raise CannotCross("The learner's code had ended before this function was called.")
        sys.stdout.write(answer.printed)
        unpacker = _ResultUnpacker(self.call, frozenset(self.work.modules), packer.kept)
        result, error = unpacker.result(answer.result)
        if error is not None:
            raise error
        return result

    def ask(self, question, seconds: float):
        """Return the runner's answer, or None if it has none any more."""
        if self.lost:
            return None
        try:
            return self.runner.ask(question, seconds + _GRACE)
        except Gone:
            self.lose("gone")
        except TooSlow:
            self.lose("slow")
        except BorderError:
            self.lose("nonsense")
        return None

    def lose(self, cause: str) -> None:
        """Give the runner up."""
        self.lost = True
        self.runner.close()
        self.worker.send(Lost(self.place, cause))


class _ResultUnpacker(Unpacker):
    """Reads what a call gave: an argument that came back is the argument, with its contents as they are now."""

    def __init__(self, call, modules, arguments: list):
        super().__init__(call, modules)
        self.arguments = arguments

    def value(self, node):
        if type(node) is list and len(node) == 2 and node[0] == "argument":
            if type(node[1]) is not int or not 0 <= node[1] < len(self.arguments):
                raise BorderError("an argument that was not given")
            return self.arguments[node[1]]
        return super().value(node)

    def result(self, data: bytes) -> tuple:
        """Return the result and the error, the arguments being changed as the function changed them."""
        try:
            result, error, changes = msgspec.msgpack.decode(data)
            result = self.value(result)
            error = None if error is None else self.value(error)
            for number, content in changes:
                _overlay(self.arguments[number], self.value(content))
        except BorderError:
            raise
        except (Exception, RecursionError) as problem:
            raise BorderError(f"a message that does not read: {type(problem).__name__}") from problem
        return result, error if isinstance(error, BaseException) else None


def _overlay(value, content) -> None:
    """Give a container the contents of another of its type; it stays the same object."""
    if type(value) is not type(content):
        raise BorderError("an argument of another type")
    if isinstance(value, (list, bytearray)):
        value[:] = content
    elif isinstance(value, (dict, set)):
        value.clear()
        dict.update(value, content) if isinstance(value, dict) else value.update(content)
    elif hasattr(value, "_update_inplace"):  # a table or a column
        value._update_inplace(content)
        value.attrs = content.attrs
    elif hasattr(value, "extend"):  # a deque
        value.clear()
        value.extend(content)
    elif hasattr(value, "shape") and value.shape == content.shape and hasattr(value, "flags"):
        value[...] = content


def partial_points(output: dict, maximum: float) -> float:
    """Return the points that a test's last value gives: the value, if it reads as a number of at least 0, else all.

    It is nbgrader's own rule (``nbgrader.utils.get_partial_grade``, 0.9.6), held to it by a test; importing it here
    would cost seconds.

    Raises:
        ValueError: if the value is more than the test is worth, which is the test's own fault.
    """
    text = output["data"]["text/plain"]
    try:
        points = float(text)
    except ValueError:
        return maximum
    if points > maximum:
        raise ValueError(f"the test gives {points:g} points and is worth {maximum:g}")
    return points if points >= 0 else maximum


def _put(path: str, data: bytes | None) -> None:
    """Write a learner's file where the test will look for it, or take it away where the learner has none."""
    target = Path(path)
    with contextlib.suppress(OSError):
        if data is None:
            target.unlink(missing_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
