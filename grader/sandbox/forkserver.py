"""The processes of a sandbox that fork the others: each imports once, and then forks on request.

A fork costs milliseconds where starting Python with pandas costs seconds. ``main`` is the first
process of a sandbox; a branch of it is a fork server too, which knows more.
"""

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import tempfile
from pathlib import Path

import msgspec

from grader.sandbox import files, kernel, seal, system_calls
from grader.sandbox.kernel import CannotConfine
from grader.sandbox.limits import Limits

PACKET = 1 << 17  #: bytes of the largest message on a control socket
_INSIDE = "inside"  # the argument of a first process that is inside its namespaces already


class View(msgspec.Struct, frozen=True):
    """What the processes of a sandbox see of the machine.

    Args:
        readable: folders and files besides Python's own, read-only; inside they have other names
            (``inside``).
        environment: environment variables; there are no others.
        preload: modules imported before the first fork; ``module:name`` is also called then.
        libraries: folders of packages that can be imported, under their own names.
        hidden: folders and files that are empty inside, should they lie in a folder that Python
            needs.
        trusted: no confinement at all (``--unsafe-trusted``).
    """

    readable: list[str] = []
    environment: dict[str, str] = {}
    preload: list[str] = []
    libraries: list[str] = []
    hidden: list[str] = []
    trusted: bool = False

    def inside(self, path: str) -> str:
        """Return the name that one of the readable folders has inside."""
        return path if self.trusted else f"/course/{self.readable.index(path)}"

    def environment_inside(self) -> dict[str, str]:
        """Return the environment with the folders' names inside."""
        return {
            name: self.inside(value) if value in self.readable else value
            for name, value in self.environment.items()
        }


class Start(msgspec.Struct, tag=True):
    """Fork, seal, and call a function ``module:name`` with the descriptors that come along."""

    function: str
    limits: Limits


class Branch(msgspec.Struct, tag=True):
    """Fork another fork server, which calls a function with the file that comes along, and then
    serves the socket."""

    function: str


class Kill(msgspec.Struct, tag=True):
    """End a process that was started."""

    pid: int


class Ready(msgspec.Struct, tag=True):
    """A step of the start is done; or the problem that it met."""

    problem: str = ""


class Started(msgspec.Struct, tag=True):
    """A process was forked."""

    pid: int


class Ended(msgspec.Struct, tag=True):
    """A process that was started has ended."""

    pid: int
    status: int
    seconds: float
    memory: int


def main() -> None:
    """Be the first process; the last argument is the descriptor of its control socket."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    view = msgspec.msgpack.decode(control.recv(PACKET), type=View)
    kernel.die_with_parent()
    if sys.argv[1] == _INSIDE:
        _enter(control, view)
        return
    if view.trusted:
        control.send(msgspec.msgpack.encode(Ready()))
        _serve(control, view, None)
        return
    try:
        kernel.unshare(
            kernel.CLONE_NEWUSER
            | kernel.CLONE_NEWNS
            | kernel.CLONE_NEWPID
            | kernel.CLONE_NEWNET
            | kernel.CLONE_NEWIPC
            | kernel.CLONE_NEWUTS
        )
    except OSError as error:
        control.send(msgspec.msgpack.encode(Ready(str(error))))
        return
    control.send(msgspec.msgpack.encode(Ready()))
    if msgspec.msgpack.decode(control.recv(PACKET), type=Ready).problem:
        return
    first = os.fork()  # the first process of the new pid namespace: all others end with it
    if first:
        control.close()
        _, status = os.waitpid(first, 0)
        sys.exit(os.waitstatus_to_exitcode(status) & 255)
    # A program begun inside belongs to the sandbox's users, so that the worker, who owns them, can
    # see what it and its forks use; of a process that only moved in, an ordinary person cannot.
    os.set_inheritable(control.fileno(), True)
    kernel.keep_rights_over_exec()
    program = [sys.executable, "-I", "-m", "grader.sandbox.forkserver", _INSIDE]
    os.execv(sys.executable, [*program, str(control.fileno())])


def _enter(control: socket.socket, view: View) -> None:
    """Be the first process, from inside its namespaces on."""
    os.set_inheritable(control.fileno(), False)
    try:
        system_calls.written()  # made once, for all forks
        own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        # Where memory ends, the kernel takes these first.
        Path("/proc/self/oom_score_adj").write_text("900")
        files.enter(
            files.python_folders(map(Path, view.libraries)),
            {path: view.inside(path) for path in view.readable},
            hidden=map(Path, view.hidden),
        )
    except (OSError, CannotConfine) as error:
        control.send(msgspec.msgpack.encode(Ready(str(getattr(error, "why", error)))))
        return
    control.send(msgspec.msgpack.encode(Ready()))
    _serve(control, view, own)


def _serve(control: socket.socket, view: View, own_namespace: int | None) -> None:
    """Import, then fork on request until the worker is gone."""
    preload(view.preload)
    _answer(control, own_namespace)


def preload(names: list[str]) -> None:
    """Import modules, and call functions without an argument, for what they leave warm.

    Args:
        names: ``module`` or ``module:function``; one that fails here fails, and shows, in the
            notebook that imports it.
    """
    for name in names:
        with contextlib.suppress(Exception):
            module, _, function = name.partition(":")
            imported = importlib.import_module(module)
            if function:
                getattr(imported, function)()


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
            data, descriptors, _, _ = socket.recv_fds(control, PACKET, 4)
            if not data:
                os._exit(0)
            message = msgspec.msgpack.decode(data, type=Start | Branch | Kill)
            if isinstance(message, Kill):
                if message.pid in started:
                    os.kill(message.pid, signal.SIGKILL)
            elif isinstance(message, Branch):
                pid = os.fork()
                if pid == 0:
                    others = [control.detach(), reader, writer]
                    _be_branch(message, others, *descriptors, own_namespace)
                control.send(msgspec.msgpack.encode(Started(pid)))
            else:
                pid = _fork(message, descriptors, own_namespace)
                started.add(pid)
                control.send(msgspec.msgpack.encode(Started(pid)))
            for descriptor in descriptors:
                os.close(descriptor)


def _be_branch(
    message: Branch, others: list[int], control: int, told: int, own_namespace: int | None
) -> None:
    """Be another fork server, for good; its network is its own, so that what waits in its sockets
    can be told from what waits in others'."""
    try:
        kernel.die_with_parent()
        for descriptor in others:
            os.close(descriptor)
        if own_namespace is not None:
            kernel.unshare(kernel.CLONE_NEWNET)
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
            seconds, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10
            ended = Ended(pid, os.waitstatus_to_exitcode(status), seconds, memory)
            control.send(msgspec.msgpack.encode(ended))


def _fork(message: Start, descriptors: list[int], own_namespace: int | None) -> int:
    """Fork one process into a pid namespace of its own, seal it, and let it do its work."""
    if own_namespace is not None:
        kernel.unshare(kernel.CLONE_NEWPID)
    pid = os.fork()
    if pid:
        if own_namespace is not None:
            kernel.set_namespace(own_namespace, kernel.CLONE_NEWPID)
        return pid
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
        kernel.die_with_parent()
        if own_namespace is not None:
            seal.seal(message.limits, descriptors)
        else:
            os.chdir(tempfile.mkdtemp())
        module, name = message.function.split(":")
        getattr(importlib.import_module(module), name)(*descriptors, message.limits)
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
