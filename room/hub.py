"""JupyterHub's settings for the room: codes that open seats, seats that run in sandboxes."""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

from jupyterhub.auth import Authenticator
from jupyterhub.spawner import Spawner
from jupyterhub.utils import random_port
from traitlets import Any, Dict, Integer, Unicode

from curriculum.workspace import jupyterlab, start_page
from room import seats
from room.server import FORK_SERVER, SETTINGS


class Codes(Authenticator):
    """Lets in whoever has a card: its code says which seat."""

    folder = Unicode(help="the room's folder").tag(config=True)
    languages = Dict(help="the language in which each seat was last opened")

    async def authenticate(self, handler, data) -> dict | None:
        """Return the seat that a code opens, None if it opens none; the language is the button's
        that was pressed."""
        given = seats.plain(data.get("code") or "")
        known = {seats.plain(seat.code): seat for seat in seats.read(Path(self.folder))}
        seat = known.get(given)
        if seat is None:
            await asyncio.sleep(1)  # guessing is slow
            return None
        language = data.get("language")
        self.languages[seat.seat] = language if language in ("en", "fr") else seat.language
        return {"name": seat.seat}


class SeatSpawner(Spawner):
    """Asks the room's fork server for a seat, which lives as long as the connection to it."""

    folder = Unicode(help="the room's folder").tag(config=True)
    portal = Integer(help="the port of the room's portal").tag(config=True)
    line = Any(help="the socket to the seat; None where there is none")

    async def start(self) -> tuple[str, int]:
        """Start the seat in the language chosen at the door, and say where it is asked."""
        seat = next(each for each in seats.read(Path(self.folder)) if each.seat == self.user.name)
        self.port = self.port or random_port()
        language = self.authenticator.languages.get(seat.seat, seat.language)
        words = {
            "folder": str(seats.place(Path(self.folder), seat)),
            "portal": self.portal,
            "language": language,
            "locale": jupyterlab.LOCALES[language],
            "environment": self.get_env(),
        }
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.line.connect(FORK_SERVER)  # the hub stands in its folder
        self.line.sendall(json.dumps(words).encode() + b"\n")
        return "127.0.0.1", self.port

    async def poll(self) -> int | None:
        """Return None while the seat is there, else a number."""
        if self.line is None:
            return 0
        try:
            self.line.recv(1, socket.MSG_DONTWAIT)  # the seat sends nothing: readable means closed
        except BlockingIOError:
            return None
        except OSError:
            pass
        await self.stop()
        return 1

    async def stop(self, now: bool = False) -> None:
        """Close the connection: the seat ends."""
        if self.line is not None:
            self.line.close()
        self.line = None


def configure(config) -> None:
    """Write the room's settings into JupyterHub's.

    Args:
        config: what ``get_config()`` returns in a configuration file.
    """
    room = json.loads(Path(os.environ[SETTINGS]).read_text("utf-8"))
    folder = Path(room["folder"])
    own = folder / "hub"
    config.JupyterHub.bind_url = f"http://{room['host']}:{room['port']}/"
    config.JupyterHub.hub_bind_url = f"http://127.0.0.1:{room['hub_port']}"
    config.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{room['proxy_port']}"
    config.ConfigurableHTTPProxy.command = [
        sys.executable,
        "-c",
        "from configurable_http_proxy.cli import main; main()",
    ]
    config.ConfigurableHTTPProxy.pid_file = str(own / "proxy.pid")
    config.JupyterHub.db_url = f"sqlite:///{own / 'hub.sqlite'}"
    config.JupyterHub.cookie_secret_file = str(own / "cookie_secret")
    config.JupyterHub.template_paths = [str(Path(__file__).with_name("templates"))]
    config.JupyterHub.authenticator_class, config.JupyterHub.spawner_class = Codes, SeatSpawner
    config.JupyterHub.implicit_spawn_seconds = (
        1.0  # who comes back to a seat that stopped has it started again
    )
    config.JupyterHub.active_server_limit = config.JupyterHub.concurrent_spawn_limit = 0
    config.Authenticator.allow_all = True  # the card is the permission
    config.Codes.folder = config.SeatSpawner.folder = str(folder)
    config.SeatSpawner.portal = room["portal_port"]
    config.Spawner.poll_interval = 2  # who kills their own seat finds it closed, not out of order
    config.SeatSpawner.env_keep = []
    config.Spawner.default_url = f"/lab/tree/{start_page.START}"
    config.Spawner.start_timeout = config.Spawner.http_timeout = (
        300  # a whole room at once, on a small machine
    )
