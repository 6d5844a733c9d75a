"""The mirror as the portal of a room: ``portail serve``."""

import logging
import socket
from pathlib import Path

import waitress

from portail.errors import PortailError
from portail.library import library_of_datasets, library_of_folder
from portail.mirror import Mirror

THREADS = 16  # each answer is a few milliseconds of Python; the threads mostly wait for slow laptops to read


class CannotServe(PortailError):
    """Raised when the address asked for cannot be listened on."""


def make_server(folder: Path | None, host: str, port: int):
    """Return a production WSGI server for the mirror, listening but not yet answering.

    Args:
        folder: portal files listed in its ``sources.csv``; the datasets on this machine if None.
        host: address to listen on, such as ``"127.0.0.1"`` (this machine only) or ``"0.0.0.0"`` (the room).
        port: from 0 (any free one) to 65535.

    Returns:
        A ``waitress`` server: ``.run()`` answers until ``.close()``; ``.effective_port`` is its port.

    Raises:
        CannotServe: if the port is taken or the address is not this machine's.
        BrokenDataset: if the folder cannot be served.
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a room of thirty makes short queues; that is no news
    mirror = Mirror(library_of_folder(folder) if folder else library_of_datasets())
    try:
        return waitress.create_server(mirror, host=host, port=port, threads=THREADS, ident="portail")
    except (OSError, ValueError, socket.gaierror) as error:
        raise CannotServe(
            f"Nothing can listen on {host} port {port} ({error}). Another program may use the port: "
            f"try --port {port + 1}.",
            f"Impossible d’écouter sur {host}, port {port} ({error}). Un autre programme l’utilise peut-être : "
            f"essayez --port {port + 1}.",
        ) from error
