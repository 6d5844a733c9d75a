"""The sandbox as its users hold it: start processes in it, ask them, and learn how they ended."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import msgspec

from commons.errors import BilingualError
from grader.sandbox import kernel, system_calls
from grader.sandbox.channel import BadMessage, Channel, Gone, TooSlow
from grader.sandbox.files import HOME
from grader.sandbox.forkserver import PACKET, Branch, Ended, Kill, Ready, Start, Started, View
from grader.sandbox.kernel import CannotConfine
from grader.sandbox.limits import Limits
from grader.sandbox.usage import Meter, descendants, number_inside

_STARTED_WITHIN = 120.0  # seconds: a slow disk imports pandas slowly
_TO_LEAVE, _TO_END = 1.0, 20.0  # seconds
#: how often a question is asked again whose process somebody else has killed
MOST_KILLED = 10


class End(msgspec.Struct, frozen=True):
    """How a process ended.

    Args:
        status: exit code, or minus the signal that ended it; None where ``Process.end`` ended it.
        seconds: processor time.
        memory: its largest resident size, in bytes.
        killed: whether somebody else killed it, or the machine did for want of memory. A sealed
            process cannot itself, except by using up its processor time, for which the kernel kills
            it and this is false.
    """

    status: int | None
    seconds: float
    memory: int
    killed: bool = False


class SandboxLost(BilingualError):
    """Raised when a fork server has ended; what ran in it has ended too.

    Args:
        detail: what is known of why.
    """

    def __init__(self, detail: str):
        super().__init__(
            f"The process in which learners’ notebooks are run or read apart has ended ({detail}). "
            "Nothing of what was done is lost: run the command again.",
            "Le processus où les carnets des copies sont exécutés ou lus à part a pris fin "
            f"({detail}). Rien de ce qui était fait n’est perdu : relancez la commande.",
        )
        self.args = (detail,)  # what a copy of it on another machine is made from


class ForkServer:
    """A process that forks sealed ones, and tells how they end.

    Args:
        control: socket on which it is told what to do.
    """

    def __init__(self, control: socket.socket):
        self.control = control
        self._seconds: dict[int, float] = {}  # the processor time that each process may use
        self._ended: dict[int, End] = {}

    def process(self, function: str, limits: Limits, *descriptors: int, expects=None) -> "Process":
        """Fork a sealed process.

        Args:
            function: ``module:name`` of what it calls: with its end of a socket, the other
                descriptors, and the limits.
            limits: what it may use.
            descriptors: what it receives besides the socket; they stay open here.
            expects: the type, or union of types, of what it sends.

        Raises:
            SandboxLost: if the fork server has ended.
        """
        here, theirs = socket.socketpair()
        with theirs:
            try:
                self._send(Start(function, limits), [theirs.fileno(), *descriptors])
                number = self._receive(Started, 60).pid
            except BaseException:
                here.close()
                raise
        self._seconds[number] = limits.seconds
        return Process(self, number, Channel(here, expects))

    def ask(self, function: str, question, answers, limits: Limits, seconds: float):
        """Ask a sealed process of its own one question, and end it.

        Args:
            function: ``module:name``, called with its end of a socket and the limits.
            question: a struct.
            answers: type of the answer.
            limits: what it may use.
            seconds: to wait for the answer.

        Returns:
            The answer; None if it gave none of that form, or ended first. Where somebody else
            killed it, it is asked again.

        Raises:
            SandboxLost: if the fork server has ended.
        """
        for _ in range(MOST_KILLED):
            answer, process = None, self.process(function, limits, expects=answers)
            with contextlib.suppress(Gone, TooSlow, BadMessage):
                answer = process.channel.ask(question, seconds)
            killed = process.end(leaving=answer is None).killed
            if answer is not None or not killed:
                break
        return answer

    def close(self) -> None:
        """End it, with all of its forks."""
        self.control.close()

    def wait(self, number: int, seconds: float) -> End | None:
        """Return how a process ended, or None if it has not within so many seconds."""
        deadline = time.monotonic() + seconds
        while number not in self._ended:
            try:
                message = self._receive(Ended, max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return None
            self._keep(message)
        return self._ended.pop(number)

    def kill(self, number: int) -> End:
        """End a process that is still there."""
        self._send(Kill(number))
        ended = self.wait(number, _TO_END)
        if ended is None:
            raise SandboxLost("a process did not end")
        return msgspec.structs.replace(ended, status=None, killed=False)

    def _send(self, message, descriptors: list[int] = ()) -> None:
        try:
            socket.send_fds(self.control, [msgspec.msgpack.encode(message)], descriptors)
        except (OSError, ValueError) as error:  # the latter where another thread has closed it
            raise self._lost() from error

    def _receive(self, kind, seconds: float):
        """Return the next message of a kind; ends of processes that come in between are kept."""
        deadline = time.monotonic() + seconds
        while True:
            wait = max(0.0, deadline - time.monotonic())
            try:
                came = select.select([self.control], [], [], wait)[0]
                data = self.control.recv(PACKET) if came else None
            except (OSError, ValueError) as error:
                raise self._lost() from error
            if data is None:
                raise TimeoutError(f"no answer within {seconds:.0f} seconds")
            if not data:
                raise self._lost()
            message = msgspec.msgpack.decode(data, type=Ready | Started | Ended)
            if isinstance(message, kind):
                return message
            if isinstance(message, Ended):
                self._keep(message)

    def _keep(self, message: Ended) -> None:
        """Keep how a process ended until somebody asks for it."""
        used_up = message.seconds >= self._seconds.pop(message.pid, 0.0)
        killed = message.status == -signal.SIGKILL and not used_up
        self._ended[message.pid] = End(message.status, message.seconds, message.memory, killed)

    def _lost(self) -> SandboxLost:
        return SandboxLost("its fork server has ended")


class Process:
    """A sealed process.

    Args:
        server: the fork server that forked it.
        number: its number there.
        channel: messages to it and from it.
    """

    def __init__(self, server: ForkServer, number: int, channel: Channel):
        self.server, self.number, self.channel = server, number, channel

    def end(self, leaving: bool = False) -> End:
        """End it, with all that it has started.

        Args:
            leaving: whether it has hung up, and may have ended by itself; it is given a second.

        Raises:
            SandboxLost: if its fork server has ended, or cannot end it.
        """
        self.channel.close()
        ended = self.server.wait(self.number, _TO_LEAVE if leaving else 0.0)
        return self.server.kill(self.number) if ended is None else ended

    def meter(self) -> Meter | None:
        """Return what tells how much it uses, with all that it has started; None if it ended."""
        return self.server.meter(self.number)


class Sandbox(ForkServer):
    """A sandbox: a first fork server in namespaces of its own, which all that runs in it descends
    from.

    Args:
        view: what its processes see.

    Raises:
        CannotConfine: if this machine cannot confine it.
        SandboxLost: if its process ends while it starts.
    """

    def __init__(self, view: View):
        self.view = view
        kernel.require_linux(confined=not view.trusted)
        if not view.trusted:
            system_calls.written()
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(control)
        self._branching = threading.Lock()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        home = tempfile.gettempdir() if view.trusted else HOME
        with theirs:
            self.first = subprocess.Popen(
                [sys.executable, "-I", "-m", "grader.sandbox.forkserver", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self.errors,
                stderr=self.errors,
                cwd="/",
                close_fds=True,
                env={
                    "PATH": "/usr/bin:/bin",
                    "LC_ALL": "C.UTF-8",
                    "HOME": home,
                    "MPLCONFIGDIR": f"{home}/.matplotlib",
                    "TMPDIR": home,
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    "MKL_NUM_THREADS": "1",
                    **view.environment_inside(),
                },
                start_new_session=True,
            )
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def branch(self, function: str, argument: bytes) -> "BranchServer":
        """Fork another fork server, which calls a function first; it ends with this sandbox.

        Args:
            function: ``module:name`` of what it calls.
            argument: what it is told. Only the branch reads it; no other process holds it.

        Raises:
            SandboxLost: if the fork server has ended.
        """
        return _branch(self, self, function, argument)

    def meter(self, number: int) -> Meter | None:
        """Return what tells how much one of the sealed processes uses; None if it has ended."""
        if self.view.trusted:
            return Meter(number)
        for pid in descendants(self.first.pid):
            if number_inside(pid)[-2:] == [number, 1]:
                return Meter(pid)
        return None

    @property
    def lost(self) -> bool:
        """Whether its first process has ended."""
        return self.first.poll() is not None

    def close(self) -> None:
        """End all of its processes."""
        super().close()
        with contextlib.suppress(OSError):
            os.killpg(self.first.pid, signal.SIGKILL)
        self.first.wait()
        self.errors.close()

    def _begin(self) -> None:
        self._send(self.view)
        problem = self._receive(Ready, _STARTED_WITHIN).problem
        if not self.view.trusted and not problem:
            try:
                kernel.map_users(self.first.pid)
            except OSError as error:
                problem = f"the users of the sandbox cannot be set: {error}"
            self._send(Ready(problem))
            if not problem:
                self._send(self.view)
                problem = self._receive(Ready, _STARTED_WITHIN).problem
        if problem:
            raise CannotConfine(
                f"Learner code cannot be confined on this machine ({problem}).",
                f"Impossible de confiner le code des copies sur cette machine ({problem}).",
            )

    def _lost(self) -> SandboxLost:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.first.wait(2)
        said = ""
        with contextlib.suppress(ValueError):  # another thread has seen it before, and closed it
            self.errors.seek(0)
            said = self.errors.read()[-2000:].decode("utf-8", "replace")
        return SandboxLost(said or f"exit {self.first.returncode}")


class BranchServer(ForkServer):
    """A fork server that has learned something which the others do not know.

    Args:
        sandbox: the sandbox that it is in.
        control: socket on which it is told what to do.
    """

    def __init__(self, sandbox: Sandbox, control: socket.socket):
        super().__init__(control)
        self.sandbox = sandbox

    def branch(self, function: str, argument: bytes) -> "BranchServer":
        """Fork another fork server from this one; see ``Sandbox.branch``."""
        return _branch(self, self.sandbox, function, argument)

    def meter(self, number: int) -> Meter | None:
        """Return what tells how much one of its sealed processes uses; None if it has ended."""
        return self.sandbox.meter(number)


def _branch(server: ForkServer, sandbox: Sandbox, function: str, argument: bytes) -> BranchServer:
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with (
            sandbox._branching,  # workers share the sandbox
            theirs,
            open(os.memfd_create("argument"), "w+b") as told,
        ):
            told.write(argument)
            told.seek(0)
            server._send(Branch(function), [theirs.fileno(), told.fileno()])
            server._receive(Started, 60)
    except BaseException:
        control.close()
        raise
    return BranchServer(sandbox, control)
