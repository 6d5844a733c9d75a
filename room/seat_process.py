"""One seat: a JupyterLab that sees its own folder, the room's portal and nothing else.

A seat is three processes, forked from the room's fork server (``room/seat_server.py``). The first
stays outside the sandbox and relays bytes: from the hub's proxy to the seat, and from the seat to
the hub and to the room's portal. The second is the first inside (pid 1 of the sandbox) and makes
connections on request; the third is JupyterLab, with its kernels. The sandbox is the grader's
(``grader/sandbox/``), with a home that is kept and a network of its own, in which only the hub and
the portal can be reached, at the addresses they have outside.
"""

import asyncio
import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path
from urllib.parse import urlsplit

from commons.places import learner_libraries
from grader.sandbox import files, kernel, limits, seal, system_calls

LIMITS = limits.Limits(
    seconds=float("inf"), memory=3 << 30, disk=100 << 20, processes=400, descriptors=1024
)
MOST_CONNECTIONS = 64  # at each door of a seat, at once
# in the seat's folder: the start page as it is given out, in a folder for each language
START_PAGES = ".lab/start"
LOG = ".lab/server.log"  # in the seat's folder: why a seat did not start
_HOME, _SCRATCH = files.HOME, files.SCRATCH
#: what every seat's programs are told: places inside the sandbox
PLACES = {
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": _HOME,
    "TMPDIR": _SCRATCH,
    "JUPYTER_RUNTIME_DIR": f"{_SCRATCH}/runtime",
    "JUPYTER_DATA_DIR": f"{_SCRATCH}/data",
    "JUPYTER_CONFIG_DIR": f"{_SCRATCH}/config",
    "JUPYTER_CONFIG_PATH": f"{_HOME}/.lab/config",
    "JUPYTERLAB_SETTINGS_DIR": f"{_HOME}/.lab",
    "JUPYTERLAB_WORKSPACES_DIR": f"{_SCRATCH}/workspaces",
    "IPYTHONDIR": f"{_SCRATCH}/ipython",
    "MPLCONFIGDIR": f"{_HOME}/.matplotlib",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1  # linux/sockios.h, linux/if.h


def be_seat(
    line: socket.socket,
    folder: str,
    language: str,
    locale: str,
    portal: int,
    environment: dict[str, str],
) -> None:
    """Be a seat until JupyterLab ends, or whoever asked for it is gone.

    Args:
        line: to the hub; the seat ends when it is closed there.
        folder: what the participant works in.
        language: ``"en"`` or ``"fr"``, that of what the lessons say.
        locale: the same as JupyterLab calls it.
        portal: the port of the room's portal on this machine.
        environment: the hub's environment for the seat (``JUPYTERHUB_…``): its port and
            secret, where the hub is.
    """
    port = urlsplit(environment["JUPYTERHUB_SERVICE_URL"]).port
    hub = urlsplit(environment["JUPYTERHUB_API_URL"]).port
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sandbox = os.fork()
    if sandbox == 0:
        ours.close()
        line.close()
        try:
            _enter_sandbox(
                theirs,
                Path(folder),
                locale,
                (port, hub, portal),
                environment
                | PLACES
                | {"PORTAIL_URL": f"http://127.0.0.1:{portal}", "PORTAIL_LANG": language},
            )
        finally:
            os._exit(1)
    theirs.close()
    _expect(ours, b"left")
    kernel.map_users(sandbox)
    ours.send(b"mapped")
    doors = [socket.socket(fileno=number) for number in _expect(ours, b"doors", 2)]
    _expect(ours, b"closed")
    asyncio.run(_relay(sandbox, line, ours, port, doors))


def _expect(control: socket.socket, wanted: bytes, descriptors: int = 0) -> list[int]:
    """Return the descriptors that come with the message wanted; any other says why there is no
    sandbox, and ends this process."""
    said, received, _, _ = socket.recv_fds(control, 4096, descriptors)
    if said != wanted:
        why = said.decode("utf-8", "replace") or "its process ended"
        told = f"room: a seat cannot be confined ({why}). `grader doctor` says what is missing.\n"
        os.write(2, told.encode())
        os._exit(1)
    return received


# Inside -------------------------------------------------------------------------------------------


def _enter_sandbox(
    control: socket.socket,
    folder: Path,
    locale: str,
    ports: tuple[int, int, int],
    environment: dict[str, str],
) -> None:
    """Leave the machine's namespaces, and start the first process of the sandbox."""
    kernel.die_with_parent()
    try:
        system_calls.written(network=True)
        kernel.unshare(
            kernel.CLONE_NEWUSER
            | kernel.CLONE_NEWNS
            | kernel.CLONE_NEWPID
            | kernel.CLONE_NEWNET
            | kernel.CLONE_NEWIPC
            | kernel.CLONE_NEWUTS
        )
    except (OSError, kernel.CannotConfine) as error:
        control.send(str(error).encode())
        return
    control.send(b"left")
    if control.recv(16) != b"mapped":
        return
    first = os.fork()
    if first:
        control.close()
        os.waitpid(first, 0)
        os._exit(0)
    kernel.die_with_parent()
    try:
        _raise_loopback()
        doors = [socket.create_server(("127.0.0.1", number)) for number in ports[1:]]
        Path("/proc/self/oom_score_adj").write_text(
            "900"
        )  # where memory ends, the kernel takes a seat, not the hub
        packages = [*files.python_folders(learner_libraries()), Path(__file__).parent]
        files.enter(packages, {}, home=folder)
    except OSError as error:
        control.send(str(error).encode())
        return
    socket.send_fds(control, [b"doors"], [door.fileno() for door in doors])
    lab = os.fork()
    if lab == 0:
        _be_lab(locale, environment)
    seal.close(LIMITS, [control.fileno()], network=True)
    kernel.die_with_parent()  # changing the user took it back
    control.send(b"closed")
    _connect_on_request(control, ports[0], lab)


def _raise_loopback() -> None:
    """Switch on the one interface of the sandbox's own network."""
    import fcntl  # which Windows lacks, where the room must be able to say so

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _be_lab(locale: str, environment: dict[str, str]) -> None:
    """Become the seat's JupyterLab, without any privilege."""
    try:
        seal.close(LIMITS, network=True)
        write_language(environment["PORTAIL_LANG"], locale)
        log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["jupyterhub-singleuser"]
        sys.stdout, sys.stderr = (open(number, "w", 1, closefd=False) for number in (1, 2))  # noqa: SIM115
        from jupyterhub.singleuser.app import main

        main()
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(1)


def write_language(language: str, locale: str) -> None:
    """Give JupyterLab and its start page the language that was chosen at the door; a page that the
    participant changed stays as it is.

    Args:
        language: ``"en"`` or ``"fr"``.
        locale: the same as JupyterLab calls it.
    """
    place = Path(".lab/@jupyterlab/translation-extension/plugin.jupyterlab-settings")
    with contextlib.suppress(
        OSError
    ):  # the participant's own folder: what they made of it is theirs
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"locale": locale}))
    with contextlib.suppress(OSError):
        for page in Path(START_PAGES, language).iterdir():
            given_out, here = (
                {each.read_bytes() for each in Path(START_PAGES).glob(f"*/{page.name}")},
                Path(page.name),
            )
            if here.is_file() and here.read_bytes() in given_out:
                here.write_bytes(page.read_bytes())


def _connect_on_request(control: socket.socket, port: int, lab: int) -> None:
    """For each request from outside, send back a connection to the seat's JupyterLab; end when
    that ends."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while not _has_ended(lab):
        ready, _, _ = select.select([control, reader], [], [])
        if reader in ready:
            os.read(reader, 4096)
        if control in ready:
            if not control.recv(16):
                return
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    connection.setblocking(False)
                    socket.send_fds(control, [b"here"], [connection.fileno()])
            except OSError:
                control.send(b"none")  # it is still starting


def _has_ended(lab: int) -> bool:
    """Reap every process that ended, as pid 1 must, and tell whether JupyterLab was among them."""
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            if pid == lab:
                return True
    return False


# Outside ------------------------------------------------------------------------------------------


async def _relay(
    sandbox: int, line: socket.socket, control: socket.socket, port: int, doors: list[socket.socket]
) -> None:
    """Relay bytes both ways at the three doors, until the sandbox ends or the hub closes its
    connection."""
    one_at_a_time = asyncio.Lock()

    async def into_the_seat():
        async with one_at_a_time:
            said, received = await asyncio.to_thread(_ask, control)
        if said != b"here":
            raise OSError("the seat does not answer")
        return await asyncio.open_connection(sock=socket.socket(fileno=received[0]))

    def out_to(door: socket.socket):
        return lambda: asyncio.open_connection("127.0.0.1", door.getsockname()[1])

    ways = [
        (socket.create_server(("127.0.0.1", port)), into_the_seat),
        *((door, out_to(door)) for door in doors),
    ]
    for listener, connect in ways:
        await asyncio.start_server(_relayed(connect), sock=listener)
    ends = asyncio.Event()
    asyncio.get_running_loop().add_reader(
        line, ends.set
    )  # the hub sends nothing more: readable means closed
    asyncio.get_running_loop().add_reader(os.pidfd_open(sandbox), ends.set)
    await ends.wait()
    os._exit(0)  # and with this process every other of the sandbox


def _ask(control: socket.socket) -> tuple[bytes, list[int]]:
    control.send(b"connect")
    said, received, _, _ = socket.recv_fds(control, 16, 1)
    return said, received


def _relayed(connect):
    """Return a handler that joins each incoming connection with a new one, until both sides are
    closed."""
    few = asyncio.Semaphore(
        MOST_CONNECTIONS
    )  # the rest wait: no seat takes all that the hub can hold

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with few:
            try:
                far_reader, far_writer = await connect()
            except OSError:
                writer.close()
                return
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
            for each in (writer, far_writer):
                each.close()

    return join


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
