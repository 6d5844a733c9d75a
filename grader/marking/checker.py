"""The process that decides marks: it runs tests, and learners' values reach it as data.

It too is sealed: what a learner's values make a test do stays in here. A name that the source's own
solution binds or changes is fetched from the runner where a test speaks of it; every other name is
the checker's own.
"""

import contextlib
import importlib
import shutil
import socket
import sys
from pathlib import Path

import msgspec

from grader.marking import hints, protocol, shell
from grader.marking.arguments import Lent, ResultUnpacker
from grader.marking.guard import Guard
from grader.marking.outputs import Allowance, clean
from grader.marking.protocol import Begun, Done, Lost, Marked, Shown, Step, Work, Write
from grader.sandbox.channel import BadMessage, Channel, Gone, TooSlow
from grader.sandbox.limits import Limits
from grader.values.packing import Packer
from grader.values.refusals import CannotCross, Refused, kind_of, named
from grader.values.unpacking import Unpacker

_GRACE = 6.0  # seconds that a runner has to answer after its own time is up


def prepare(sources: bytes) -> None:
    """Read the instructor's cells beforehand; called in the fork server for checkers,
    and in no other.

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
    Guard.set()
    Checker(
        worker, Channel(socket.socket(fileno=border_end), protocol.Answer), limits, work
    ).run_all()


class Checker:
    """The state of one notebook's marking."""

    def __init__(self, worker: Channel, runner: Channel, limits: Limits, work: Work):
        self.worker, self.runner, self.limits, self.work = worker, runner, limits, work
        self.place, self.lost = -1, False
        self.step = -1
        self.owed: tuple[int, int] | None = (
            None  # the step and place whose question the runner has not answered yet
        )
        self.allowance = Allowance(limits.output)
        self.shell = shell.Shell.instance()
        self.shell.outputs = shell.Outputs(limits.output)

    def run_all(self) -> None:
        """Take all steps, reporting each as it is taken."""
        kinds = {
            "learner": self.learner,
            "instructor": self.instructor,
            "test": self.test,
            "live test": self.live_test,
        }
        for number, step in enumerate(self.work.steps):
            self.place = step.place if step.place >= 0 else self.place
            self.step = number
            self.worker.send(Begun(*(self.owed or (number, self.place))))
            if number not in self.work.skipped:
                kinds[step.kind](step)
            elif step.kind in ("test", "live test"):
                self.worker.send(
                    Marked(
                        step.grade_id, 0.0, "it ran longer than it may, and could not be broken off"
                    )
                )
        files = self.ask(protocol.Files(), 30) if self.work.collect else None
        self.worker.send(Done(files.files if isinstance(files, protocol.Values) else {}))

    def learner(self, step: Step) -> None:
        """Let the runner run a cell of learner code."""
        answer = self.ask(
            protocol.Run(step.source, self.limits.cell_seconds), self.limits.cell_seconds
        )
        if isinstance(answer, protocol.Ran):
            self.shown(step, answer)

    def instructor(self, step: Step) -> None:
        """Run a cell of the instructor's; if it fails, the tests that need it do. Its last value is
        shown to nobody, so that it is not drawn up for show."""
        self.fetch(step)
        shown, self.shell.ast_node_interactivity = self.shell.ast_node_interactivity, "none"
        shell.run(self.shell, step.source, self.limits.cell_seconds)
        self.shell.ast_node_interactivity = shown
        self.shell.outputs.take()

    def test(self, step: Step) -> None:
        """Run a test."""
        CannotCross.last = None
        self.fetch(step)
        result = shell.run(self.shell, step.source, self.limits.cell_seconds)
        outputs = self.shell.outputs.take()
        failed = result is None or not result.success
        self.worker.send(Shown(step.place, clean(outputs, self.allowance), failed))
        self.mark(
            step, outputs, failed, result and (result.error_in_exec or result.error_before_exec)
        )

    def live_test(self, step: Step) -> None:
        """Let the runner run a test that plain data cannot serve; its mark is not proof against the
        learner's code."""
        answer = self.ask(
            protocol.Run(step.source, self.limits.cell_seconds), self.limits.cell_seconds
        )
        if not isinstance(answer, protocol.Ran):
            self.worker.send(Marked(step.grade_id, 0.0, "the run had ended"))
            return
        self.mark(step, self.shown(step, answer), answer.failed, beside=True)

    def shown(self, step: Step, answer: protocol.Ran) -> list:
        """Report what a cell showed in the runner."""
        try:
            outputs = msgspec.msgpack.decode(answer.outputs, type=list[dict])
        except (msgspec.MsgspecError, RecursionError):
            outputs = []
        self.worker.send(
            Shown(step.place, clean(outputs, self.allowance), answer.failed, answer.stopped)
        )
        return outputs

    def mark(
        self,
        step: Step,
        outputs: list[dict],
        failed: bool,
        error: BaseException | None = None,
        beside: bool = False,
    ) -> None:
        """Report a test's points: none if it failed, else what its last value says, as nbgrader has
        it; stderr apart. A test that ran beside the learner's code words no hint."""
        if failed:
            errors = [
                str(each.get("evalue", "")) or str(each.get("ename", ""))
                for each in outputs
                if each.get("output_type") == "error"
            ]
            message = (errors or ["failed"])[-1][:4000]
            line = hints.failed_line(step.source, error)
            hint = None if beside else hints.of_failure(step.visible, error, message, line)
            self.worker.send(Marked(step.grade_id, 0.0, message, hint))
            return
        points, problem = step.points, ""
        given = next(
            (each for each in outputs if each.get("output_type") == "execute_result"), None
        )
        if given is not None:
            try:
                points = partial_points(given, step.points)
            except (ValueError, KeyError, TypeError) as error:
                points, problem = 0.0, str(error)
        refused = (
            CannotCross.last if points < step.points and not beside else None
        )  # whatever the test caught
        self.worker.send(
            Marked(
                step.grade_id,
                points,
                str(refused)[:4000] if refused else None,
                hints.Hint(*refused.public) if refused else None,
                problem,
            )
        )

    def fetch(self, step: Step) -> None:
        """Bind the learner's values of a step's names, as they are now; a name that the learner
        lacks is unbound.

        What the source's own solution imports is bound to what is imported here, whatever the
        learner made of the name.
        """
        names, imports = self.shell.user_ns, self.work.facts.imports
        for name in step.names:
            names.pop(name, None)
        if not step.names and not step.files:
            return
        own = [name for name in step.names if name in imports]
        asked = [name for name in step.names if name not in imports]
        answer = self.ask(
            protocol.Get(asked, step.files, own, self.limits.cell_seconds), self.limits.cell_seconds
        )
        if not isinstance(answer, protocol.Values):
            return
        names.update({name: _imported(imports[name]) for name in own if name in answer.present})
        found = self.unpacked(answer.values, asked)
        names.update({name: found[name] for name in asked if name in found})
        for path in step.files:
            _put(path, answer.files.get(path))
        if answer.files or any(type(value) in (bytes, bytearray) for value in found.values()):
            Guard.pickles_refused = True

    def unpacked(self, packed: bytes, names: list[str]) -> dict:
        """Return answers by name; one that cannot be read is refused by itself."""
        try:
            return self.as_answers(Unpacker(self.call).unpack_names(packed))
        except (BadMessage, CannotCross) as error:
            if len(names) == 1:
                what = error.what if isinstance(error, CannotCross) else kind_of("?")
                return self.as_answers({names[0]: ("", Refused(what))})
        found = {}
        for name in names:
            answer = self.ask(
                protocol.Get([name], seconds=self.limits.cell_seconds), self.limits.cell_seconds
            )
            if isinstance(answer, protocol.Values):
                found |= self.unpacked(answer.values, [name])
        return found

    def as_answers(self, found: dict) -> dict:
        """Return answers with what a refused one should say: its name, and what was expected in its
        place."""
        kinds = self.work.facts.kinds
        return {
            name: named(value, name, kind_of(kinds[name]) if name in kinds else None)
            for name, (_, value) in found.items()
        }

    def call(self, number: int, label: str, positional: tuple, named: dict):
        """Call a function of the learner's: its result, what it printed, what it raised. What it
        did to its arguments stays over there, but for what the source's own function does to them.
        """
        packer = Packer(number_of=lambda value: getattr(value, "_border_number", None))
        question = protocol.Call(
            number, packer.pack([list(positional), named]), self.limits.cell_seconds
        )
        answer = self.ask(question, self.limits.cell_seconds)
        if not isinstance(answer, protocol.Returned):
            raise RunnerLost("The learner’s code had ended before this function was called.")
        sys.stdout.write(answer.printed)
        lent = Lent(label, positional, named, packer.kept, self.work.facts.writes, self.recorded)
        unpacker = ResultUnpacker(self.call, f"{label}()", lent)
        try:
            result, error = unpacker.result(answer.result)
        except BadMessage as problem:
            raise CannotCross(kind_of("?"), f"{label}()") from problem
        if error is not None:
            raise error
        return result

    def recorded(self, write: Write) -> bool:
        """Tell the worker what a function of the source's own solution did to an argument, where it
        asked for that."""
        if self.work.record:
            self.worker.send(write)
        return self.work.record

    def ask(self, question, seconds: float):
        """Return the runner's answer, or None if it has none any more."""
        if self.lost:
            return None
        try:
            with shell.alarm_waits():
                answer = self.runner.ask(
                    question, seconds * shell.CLOCK + _GRACE, shell.ring_if_due
                )
            self.owed = None
            return answer
        except shell.TimeUp:
            self.owed = self.owed or (self.step, self.place)
            raise
        except Gone:
            self.lose("gone")
        except TooSlow:
            self.lose("slow")
        except BadMessage:
            self.lose("nonsense")
        return None

    def lose(self, cause: str) -> None:
        """Give the runner up."""
        self.lost = True
        self.runner.close()
        step, place = self.owed or (self.step, self.place)
        self.worker.send(Lost(place, cause, step))


class RunnerLost(Exception):
    """Raised in a test that calls a function after the learner's code has ended."""

    def _render_traceback_(self) -> list[str]:
        return [f"RunnerLost: {self}"]


def _imported(what: str):
    """Return what ``import module`` or ``from module import attribute`` binds."""
    module, _, attribute = what.partition(":")
    there = importlib.import_module(module)
    if not attribute:
        return there
    return getattr(there, attribute, None) or importlib.import_module(f"{module}.{attribute}")


def partial_points(output: dict, maximum: float) -> float:
    """Return the points that a test's last value gives: the value, if it reads as a number of at
    least 0, else all.

    It is nbgrader's own rule (``nbgrader.utils.get_partial_grade``, 0.9.6), held to it by a test;
    importing it here would cost seconds.

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
    """Write a learner's file where the test will look for it, or take it away where the learner has
    none."""
    target = Path(path)
    with contextlib.suppress(OSError):
        if data is None:
            target.unlink(missing_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
