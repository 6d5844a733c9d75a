"""An open room: the portal, the fork server of seats, and JupyterHub with its proxy."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import requests

from grader.sandbox import kernel
from portail import server
from room import seats

#: where the fork server listens, in the hub's folder; named from there, as long paths cannot be
FORK_SERVER = "fork-server.socket"
#: the variable that names the file in which the hub reads how the room is opened
SETTINGS = "ROOM_SETTINGS"


class Room:
    """An open room: JupyterHub with its proxy, and the portal that the seats ask.

    Args:
        folder: where its seats lie.
        host: the address to listen on.
        port: the port that participants' browsers ask.
    """

    def __init__(self, folder: Path, host: str, port: int):
        self.folder, self.host, self.port = folder, host, port
        self.process: subprocess.Popen | None = None

    def __enter__(self):
        own = self.folder / "hub"
        own.mkdir(exist_ok=True)
        own.chmod(0o700)
        self.portal = server.make_server(None, "127.0.0.1", 0)
        threading.Thread(target=self.portal.run, daemon=True).start()
        ports = free_ports(2)
        notes = own / "room.json"
        notes.write_text(
            json.dumps(
                {
                    "folder": str(self.folder),
                    "host": self.host,
                    "port": self.port,
                    "hub_port": ports[0],
                    "proxy_port": ports[1],
                    "portal_port": int(self.portal.effective_port),
                }
            ),
            "utf-8",
        )
        (own / FORK_SERVER).unlink(missing_ok=True)
        self.fork_server = self._start(own, "room.seat_server", FORK_SERVER)
        self.process = self._start(
            own,
            "jupyterhub",
            "-f",
            str(Path(__file__).with_name("jupyterhub_config.py")),
            environment={SETTINGS: str(notes)},
        )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, own: Path, *words: str, environment: dict[str, str] = {}) -> subprocess.Popen:  # noqa: B006
        """Start a module of Python in the hub's folder, with its log. It hears no Ctrl-C, and ends
        with the room."""
        with open(own / "hub.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=own,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: kernel.die_with_parent(signal.SIGTERM),
            )

    def _wait_until_it_answers(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                if (self.folder / "hub" / FORK_SERVER).exists() and self._ask("/hub/login").ok:
                    return
            time.sleep(0.2)
        log = self.folder / "hub" / "hub.log"
        raise seats.CannotOpenRoom(
            f"The room could not be opened on port {self.port}; {log} says why. Another program "
            f"may use the port: try --port {self.port + 1}.",
            f"Impossible d’ouvrir la salle sur le port {self.port}; {log} dit pourquoi. Un autre "
            f"programme l’utilise peut-être : essayez --port {self.port + 1}.",
        )

    def _ask(self, path: str) -> requests.Response:
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host
        with requests.Session() as session:
            session.trust_env = False  # no proxy leads to this machine
            return session.get(self.address(host) + path, timeout=5)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.fork_server.kill()
        self.fork_server.wait()
        self.portal.close()

    def address(self, host: str) -> str:
        """Return what is typed into a browser to come in."""
        return f"http://{host}:{self.port}"


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nothing listens at. They lie below those that Linux gives
    out by itself (ip(7): from 32768), so that no other program's connection takes one before the
    room does."""
    with contextlib.ExitStack() as stack:
        ports: set[int] = set()
        while len(ports) < count:
            port = random.randrange(10_000, 32_768)
            with contextlib.suppress(OSError):  # taken
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
                ports.add(port)
        return list(ports)
