"""The room's fork server: it imports JupyterLab once, and forks a seat whenever the hub asks.

A seat starts in one second instead of five, and all seats share the memory of what is imported.
This process never holds a secret or anybody's work: only the fork reads what a seat is told.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys

from room import seat_process

MODULES = (
    "jupyterhub.singleuser.app",
    "jupyterhub.singleuser.extension",
    "jupyterlab.labapp",
    "ipykernel.ipkernel",
    "nbgrader.server_extensions.validate_assignment",
    "nbconvert.exporters.html",
)


def main(path: str) -> None:
    """Listen at a socket of the hub's, and fork a seat for each connection, until the room closes.

    Args:
        path: where the socket is made.
    """
    os.environ.update(
        seat_process.PLACES
    )  # some of these are read once, when JupyterLab is imported
    for name in MODULES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is warm stays shared with the forks
    signal.signal(
        signal.SIGCHLD, signal.SIG_IGN
    )  # a seat that ends is noticed by its connection, and reaped by the kernel
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(path)
        door.listen(100)
        while True:
            line, _ = door.accept()
            if os.fork() == 0:
                door.close()
                try:
                    _be_seat(line)
                finally:
                    os._exit(1)
            line.close()


def _be_seat(line: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with line.makefile("rb") as words:
        told = json.loads(words.readline())
    seat_process.be_seat(line, **told)


if __name__ == "__main__":
    main(*sys.argv[1:])
