"""A warm process in a cell, that forks one sealed process for each piece of work.

``Zygote`` is the handle that a worker holds. The process itself (``main``) enters the cell, imports
what notebooks need once, and then forks: a fork costs milliseconds where a kernel costs seconds. It
is forgotten and made anew when it fails. A branch of it is a warm process too, which knows more:
what a branch is told never stood in the memory of the others, nor of their forks.
"""

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from commons.errors import BilingualError
from grader.sandbox import linux
from grader.sandbox.linux import CannotConfine, Limits
from grader.sandbox.usage import Meter, descendants, number_inside

_PACKET = 1 << 17
_INSIDE = "inside"  # the argument of a warm process that is inside its namespaces already
_STARTED_WITHIN = 120.0  # seconds: a slow disk imports pandas slowly
_TO_LEAVE, _TO_END = 1.0, 20.0  # seconds


class Surroundings(msgspec.Struct, frozen=True):
    """What the processes of an assignment see.

    Args:
        readable: folders and files besides Python's own, read-only; inside they have other names
            (``inside``).
        environment: environment variables; there are no others.
        modules: modules imported before the first fork; ``module:name`` is also called then.
        setup: cells run once before the first fork, for what they leave warm; the names they bind
            are forgotten.
        trusted: no confinement at all (``--unsafe-trusted``).
        hidden: folders and files that are empty inside, should they lie in a folder that Python
            needs.
    """

    readable: list[str] = []
    environment: dict[str, str] = {}
    modules: list[str] = []
    setup: list[str] = []
    trusted: bool = False
    hidden: list[str] = []

    def inside(self, path: str) -> str:
        """Return the name that one of the readable folders has inside."""
        return path if self.trusted else f"/course/{self.readable.index(path)}"

    def environment_inside(self) -> dict[str, str]:
        """Return the environment with the folders' names inside."""
        return {
            name: self.inside(value) if value in self.readable else value
            for name, value in self.environment.items()
        }


class _Start(msgspec.Struct, tag=True):
    """Fork, seal, and call a function ``module:name`` with the descriptor that comes along."""

    function: str
    limits: Limits


class _Branch(msgspec.Struct, tag=True):
    """Fork another warm process, which calls a function with the file that comes along, and then
    serves the socket."""

    function: str


class _Kill(msgspec.Struct, tag=True):
    pid: int


class _Ready(msgspec.Struct, tag=True):
    problem: str = ""


class _Started(msgspec.Struct, tag=True):
    pid: int


class _Ended(msgspec.Struct, tag=True):
    pid: int
    status: int
    seconds: float
    memory: int


class Ended(msgspec.Struct, frozen=True):
    """How a piece of work ended.

    Args:
        status: exit code, or minus the signal that ended it; None where ``Warm.end`` ended it.
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


class ZygoteLost(BilingualError):
    """Raised when the warm process has ended; what ran in it has ended too.

    Args:
        detail: what is known of why.
    """

    def __init__(self, detail: str):
        super().__init__(
            "The process in which learners’ notebooks are run or read apart has ended "
            f"({detail}). Nothing of what was done is lost: run the command again.",
            "Le processus où les carnets des copies sont exécutés ou lus à part a pris fin "
            f"({detail}). Rien de ce qui était fait n’est perdu : relancez la commande.",
        )
        self.args = (detail,)  # what a copy of it on another machine is made from


class Warm:
    """The handle of a warm process: it forks sealed ones, and tells when they end.

    Args:
        control: socket on which the process is told what to do.
    """

    def __init__(self, control: socket.socket):
        self.control = control
        self._seconds: dict[int, float] = {}  # the processor time that each process may use
        self._ended: dict[int, Ended] = {}

    def start(self, function: str, limits: Limits, descriptors: list[int]) -> int:
        """Fork a sealed process.

        Args:
            function: ``module:name`` of what it calls, with the descriptors as its arguments.
            limits: what it may use.
            descriptors: what it receives; they stay open here.

        Returns:
            Its number, for ``end`` and ``wait``.

        Raises:
            ZygoteLost: if the warm process has ended.
        """
        self._send(_Start(function, limits), descriptors)
        number = self._receive(_Started, 60).pid
        self._seconds[number] = limits.seconds
        return number

    def end(self, number: int, leaving: bool = False) -> Ended:
        """End a process, with all that it has started.

        Args:
            number: the process's.
            leaving: whether it has hung up, and may have ended by itself; it is given a second for
                that.

        Returns:
            How it ended.

        Raises:
            ZygoteLost: if the warm process has ended, or cannot end this one.
        """
        ended = self.wait(number, _TO_LEAVE if leaving else 0.0)
        if ended is not None:
            return ended
        self._send(_Kill(number))
        ended = self.wait(number, _TO_END)
        if ended is None:
            raise ZygoteLost("a process did not end")
        return msgspec.structs.replace(ended, status=None, killed=False)

    def wait(self, number: int, seconds: float) -> Ended | None:
        """Return how a process ended, or None if it has not within so many seconds."""
        deadline = time.monotonic() + seconds
        while number not in self._ended:
            try:
                message = self._receive(_Ended, max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return None
            self._keep(message)
        return self._ended.pop(number)

    def close(self) -> None:
        """End the warm process."""
        self.control.close()

    def _send(self, message, descriptors: list[int] = ()) -> None:
        try:
            socket.send_fds(self.control, [msgspec.msgpack.encode(message)], descriptors)
        except OSError as error:
            raise self._lost() from error

    def _receive(self, kind, seconds: float):
        """Return the next message of a kind; ends of processes that come in between are kept."""
        deadline = time.monotonic() + seconds
        while True:
            if not select.select([self.control], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"no answer within {seconds:.0f} seconds")
            try:
                data = self.control.recv(_PACKET)
            except OSError as error:
                raise self._lost() from error
            if not data:
                raise self._lost()
            message = msgspec.msgpack.decode(data, type=_Ready | _Started | _Ended)
            if isinstance(message, kind):
                return message
            if isinstance(message, _Ended):
                self._keep(message)

    def _keep(self, message: _Ended) -> None:
        """Keep how a process ended until somebody asks for it."""
        used_up = message.seconds >= self._seconds.pop(message.pid, 0.0)
        killed = message.status == -signal.SIGKILL and not used_up
        self._ended[message.pid] = Ended(message.status, message.seconds, message.memory, killed)

    def _lost(self) -> ZygoteLost:
        return ZygoteLost("the warm process has ended")


class Zygote(Warm):
    """The handle of a warm process in a cell of its own.

    Args:
        surroundings: what its forks see.

    Raises:
        CannotConfine: if this machine cannot confine it.
    """

    def __init__(self, surroundings: Surroundings):
        self.surroundings = surroundings
        linux.require_linux(confined=not surroundings.trusted)
        if not surroundings.trusted:
            linux.call_filter()
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(control)
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        home = tempfile.gettempdir() if surroundings.trusted else linux.HOME
        with theirs:
            self.process = subprocess.Popen(
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
                    **surroundings.environment_inside(),
                },
                start_new_session=True,
            )
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self._send(self.surroundings)
        problem = self._receive(_Ready, _STARTED_WITHIN).problem
        if not self.surroundings.trusted and not problem:
            try:
                linux.map_users(self.process.pid)
            except OSError as error:
                problem = f"the users of the cell cannot be set: {error}"
            self._send(_Ready(problem))
            if not problem:
                self._send(self.surroundings)
                problem = self._receive(_Ready, _STARTED_WITHIN).problem
        if problem:
            raise CannotConfine(
                f"Learner code cannot be confined on this machine ({problem}).",
                f"Impossible de confiner le code des copies sur cette machine ({problem}).",
            )

    def branch(self, function: str, argument: bytes) -> Warm:
        """Fork another warm process in the same cell, which calls a function first; it ends with
        this one.

        Args:
            function: ``module:name`` of what it calls.
            argument: what it is told; it alone reads it, so that none but its own forks ever held
                it.

        Raises:
            ZygoteLost: if the warm process has ended.
        """
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, open(os.memfd_create("argument"), "w+b") as told:
            told.write(argument)
            told.seek(0)
            self._send(_Branch(function), [theirs.fileno(), told.fileno()])
        self._receive(_Started, 60)
        return Warm(control)

    def meter(self, number: int) -> Meter | None:
        """Return what tells how much one of its sealed processes, or of its branch's, uses; None if
        that has ended."""
        if self.surroundings.trusted:
            return Meter(number)
        for pid in descendants(self.process.pid):
            if number_inside(pid)[-2:] == [number, 1]:
                return Meter(pid)
        return None

    def close(self) -> None:
        """End the warm process and all of its forks."""
        self.control.close()
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.errors.close()

    def _lost(self) -> ZygoteLost:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        self.errors.seek(0)
        return ZygoteLost(
            self.errors.read()[-2000:].decode("utf-8", "replace")
            or f"exit {self.process.returncode}"
        )


# The process itself -------------------------------------------------------------------------------


def main() -> None:
    """Be the warm process; the last argument is the descriptor of its control socket."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    surroundings = msgspec.msgpack.decode(control.recv(_PACKET), type=Surroundings)
    linux.die_with_parent()
    if sys.argv[1] == _INSIDE:
        _enter(control, surroundings)
        return
    if surroundings.trusted:
        control.send(msgspec.msgpack.encode(_Ready()))
        _serve(control, surroundings, None)
        return
    try:
        linux.unshare(
            linux.CLONE_NEWUSER
            | linux.CLONE_NEWNS
            | linux.CLONE_NEWPID
            | linux.CLONE_NEWNET
            | linux.CLONE_NEWIPC
            | linux.CLONE_NEWUTS
        )
    except OSError as error:
        control.send(msgspec.msgpack.encode(_Ready(str(error))))
        return
    control.send(msgspec.msgpack.encode(_Ready()))
    if msgspec.msgpack.decode(control.recv(_PACKET), type=_Ready).problem:
        return
    first = os.fork()  # the first process of the new pid namespace: all others end with it
    if first:
        control.close()
        _, status = os.waitpid(first, 0)
        sys.exit(os.waitstatus_to_exitcode(status) & 255)
    # A program begun inside belongs to the cell's users, so that the worker, who owns them, can see
    # what it and its forks use; of a process that only moved in, an ordinary person cannot.
    os.set_inheritable(control.fileno(), True)
    linux.keep_rights_over_exec()
    os.execv(
        sys.executable,
        [sys.executable, "-I", "-m", "grader.sandbox.forkserver", _INSIDE, str(control.fileno())],
    )


def _enter(control: socket.socket, surroundings: Surroundings) -> None:
    """Be the warm process, from inside its namespaces on."""
    os.set_inheritable(control.fileno(), False)
    try:
        linux.call_filter()  # made once, for all forks
        own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        Path("/proc/self/oom_score_adj").write_text(
            "900"
        )  # where memory ends, the kernel takes these first
        linux.enter(
            linux.python_folders(),
            {path: surroundings.inside(path) for path in surroundings.readable},
            hidden=map(Path, surroundings.hidden),
        )
    except (OSError, CannotConfine) as error:
        control.send(msgspec.msgpack.encode(_Ready(str(getattr(error, "why", error)))))
        return
    control.send(msgspec.msgpack.encode(_Ready()))
    _serve(control, surroundings, own)


def _serve(control: socket.socket, surroundings: Surroundings, own_namespace: int | None) -> None:
    """Import, then fork on request until the worker is gone."""
    from grader.marking import shell

    for name in surroundings.modules:
        with contextlib.suppress(
            Exception
        ):  # an import that fails here fails, and shows, in the notebook
            module, _, function = name.partition(":")
            imported = importlib.import_module(module)
            if function:
                getattr(imported, function)()
    shell.warm(surroundings.setup)
    _answer(control, own_namespace)


def _answer(control: socket.socket, own_namespace: int | None) -> None:
    """Fork on request until whoever asks is gone."""
    gc.collect()
    gc.freeze()  # what is warm stays shared with the forks
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    started: set[int] = set()
    while True:
        ready, _, _ = select.select([control, reader], [], [])
        if reader in ready:
            os.read(reader, 4096)
        _report_ended(control, started)
        if control in ready:
            data, descriptors, _, _ = socket.recv_fds(control, _PACKET, 4)
            if not data:
                os._exit(0)
            message = msgspec.msgpack.decode(data, type=_Start | _Branch | _Kill)
            if isinstance(message, _Kill):
                if message.pid in started:
                    os.kill(message.pid, signal.SIGKILL)
            elif isinstance(message, _Branch):
                pid = os.fork()
                if pid == 0:
                    _be_branch(
                        message, [control.detach(), reader, writer], *descriptors, own_namespace
                    )
                control.send(msgspec.msgpack.encode(_Started(pid)))
            else:
                pid = _fork(message, descriptors, own_namespace)
                started.add(pid)
                control.send(msgspec.msgpack.encode(_Started(pid)))
            for descriptor in descriptors:
                os.close(descriptor)


def _be_branch(
    message: _Branch, others: list[int], control: int, told: int, own_namespace: int | None
) -> None:
    """Be another warm process, for good."""
    try:
        linux.die_with_parent()
        for descriptor in others:
            os.close(descriptor)
        module, name = message.function.split(":")
        with open(told, "rb") as argument:
            getattr(importlib.import_module(module), name)(argument.read())
        _answer(socket.socket(fileno=control), own_namespace)
    finally:
        os._exit(1)


def _report_ended(control: socket.socket, started: set[int]) -> None:
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in started:  # others are orphans that came to this, the first process
            started.discard(pid)
            ended = _Ended(
                pid,
                os.waitstatus_to_exitcode(status),
                usage.ru_utime + usage.ru_stime,
                usage.ru_maxrss << 10,
            )
            control.send(msgspec.msgpack.encode(ended))


def _fork(message: _Start, descriptors: list[int], own_namespace: int | None) -> int:
    """Fork one process into a pid namespace of its own, seal it, and let it do its work."""
    if own_namespace is not None:
        linux.unshare(linux.CLONE_NEWPID)
    pid = os.fork()
    if pid:
        if own_namespace is not None:
            linux.set_namespace(own_namespace, linux.CLONE_NEWPID)
        return pid
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        linux.die_with_parent()
        if own_namespace is not None:
            linux.seal(message.limits, descriptors)
        else:
            os.chdir(tempfile.mkdtemp())
        module, name = message.function.split(":")
        getattr(importlib.import_module(module), name)(*descriptors, message.limits)
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
