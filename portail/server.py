"""Serving the mirror in a room, with the files that the room's laptops install from."""

import logging
import socket
from html import escape
from pathlib import Path

import waitress
from werkzeug.exceptions import NotFound
from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Request, Response

from commons.errors import BilingualError
from portail.library import library_of_datasets, library_of_folder
from portail.mirror import Mirror

# each answer is a few milliseconds of Python; the threads mostly wait for slow laptops to read
THREADS = 16
ROOM = "room.invalid"  #: stands in the room's page for the address by which a laptop asked for it


class CannotServe(BilingualError):
    """Raised when the address asked for cannot be listened on."""


class RoomApplication:
    """The WSGI application of a room: under ``/room/`` the files of a folder, everywhere else the
    portal.

    Args:
        portal: the mirror.
        folder: what ``python -m curriculum bundle`` wrote.
    """

    def __init__(self, portal, folder: Path):
        self.portal, self.folder = portal, folder

    def __call__(self, environ, start_response):
        """Answer one request (the WSGI interface)."""
        request = Request(environ)
        if request.path != "/room" and not request.path.startswith("/room/"):
            return self.portal(environ, start_response)
        return self._file(request, request.path.removeprefix("/room").lstrip("/"))(
            environ, start_response
        )

    def _file(self, request: Request, name: str) -> Response:
        if not name:
            text = (self.folder / "index.html").read_text("utf-8")
            return Response(text.replace(ROOM, escape(request.host)), mimetype="text/html")
        name += "index.html" if name.endswith("/") else ""
        try:
            return send_from_directory(self.folder, name, request.environ)
        except NotFound as missing:
            return missing.get_response(request.environ)


def make_server(folder: Path | None, host: str, port: int, room: Path | None = None):
    """Return a production WSGI server for the mirror, listening but not yet answering.

    Args:
        folder: portal files listed in its ``sources.csv``; the datasets on this machine if None.
        host: address to listen on, such as ``"127.0.0.1"`` (this machine only) or ``"0.0.0.0"``
            (the room).
        port: from 0 (any free one) to 65535.
        room: a bundle that is served beside it, under ``/room/``.

    Returns:
        A ``waitress`` server: ``.run()`` answers until ``.close()``; ``.effective_port`` is its
            port.

    Raises:
        CannotServe: if the port is taken or the address is not this machine's.
        BrokenDataset: if the folder cannot be served.
    """
    logging.getLogger("waitress.queue").setLevel(
        logging.ERROR
    )  # a room of thirty makes short queues; that is no news
    portal = Mirror(library_of_folder(folder) if folder else library_of_datasets())
    served = RoomApplication(portal, room.resolve()) if room else portal
    try:
        return waitress.create_server(
            served, host=host, port=port, threads=THREADS, ident="portail"
        )
    except (OSError, ValueError, socket.gaierror) as error:
        raise CannotServe(
            f"Nothing can listen on {host} port {port} ({error}). Another program may use the "
            f"port: try --port {port + 1}.",
            f"Impossible d’écouter sur {host}, port {port} ({error}). Un autre programme "
            f"l’utilise peut-être : essayez --port {port + 1}.",
        ) from error


def own_address() -> str:
    """Return the address by which the other machines of the room reach this one; this machine's own
    where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(
                ("192.0.2.1", 9)
            )  # an address for documentation (RFC 5737): only the way to it is looked up
        except OSError:
            return "127.0.0.1"
        return asking.getsockname()[0]
