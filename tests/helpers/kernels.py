"""Kernels that start warm: IPython's own, forked from a process that has already imported what
notebooks import.

Starting a kernel and importing pandas and matplotlib takes two seconds, and the suite starts two
hundred kernels that have to be fresh. Here Jupyter starts, in place of a kernel, a small process
that asks a server for a fork, hands it its environment, folder and streams, passes signals on and
ends with it. What runs is IPython's kernel, unchanged; nothing of this project is imported before
the fork. The walk in JupyterLab and ``pytest --nbval`` start kernels as people do.
"""

import array
import atexit
import builtins
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import types

# what a kernel tells matplotlib, which reads it when imported
INLINE = "module://matplotlib_inline.backend_inline"
MISSING = (
    "" if hasattr(os, "pidfd_open") else "warm kernels need Linux; elsewhere kernels start cold"
)


@contextlib.contextmanager
def warm(folder):
    """Serve forks while the block runs, and give the folder that ``JUPYTER_PATH`` should name.

    Args:
        folder: an empty ``pathlib.Path`` whose name is short enough for a socket.
    """
    import subprocess  # here, since each process that asks would wait for it

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address := str(folder / "forks"))
    listener.listen(64)
    spec = {
        "argv": [sys.executable, "-I", "-S", __file__, address, "-f", "{connection_file}"],
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
    }
    (folder / "kernels" / "python3").mkdir(parents=True)
    (folder / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec), "utf-8")
    server = subprocess.Popen([sys.executable, __file__], stdin=listener, cwd=folder)
    listener.close()
    try:
        yield folder
    finally:
        server.terminate()
        server.wait()


def ask(address: str, *arguments: str) -> None:
    """Be the process that Jupyter started: have a kernel forked, pass signals on to it, end when it
    ends."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(address)
        about = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}
        message, streams = json.dumps(about).encode(), array.array("i", [0, 1, 2])
        line.sendmsg(
            [len(message).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)]
        )
        line.sendall(message)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: line.send(bytes([number])))
        line.recv(1)  # nothing is ever said: it returns when the kernel has ended


def serve() -> dict:
    """Fork for each process that asks, and kill a fork whose asker has gone; return, in a fork,
    what it should be."""
    started_by = os.getppid()
    with socket.socket(fileno=0) as listener, selectors.DefaultSelector() as heard:
        heard.register(listener, selectors.EVENT_READ)
        while os.getppid() == started_by:
            for key, _ in heard.select(10):
                if key.fileobj is not listener:
                    follow(heard, key)
                elif (about := hear(listener)) and is_fork(heard, about):
                    return about
    sys.exit()  # the tests were killed


def hear(listener: socket.socket) -> dict | None:
    """Return what a process asks for, with its streams and the line to it; None if it was gone
    before it had asked."""
    line, _ = listener.accept()
    length, streams, _, _ = socket.recv_fds(line, 8, 3, socket.MSG_WAITALL)
    size = int.from_bytes(length, "big")
    message = line.recv(size, socket.MSG_WAITALL)
    return (
        json.loads(message) | {"streams": streams, "line": line}
        if size and len(message) == size
        else None
    )


def is_fork(heard: selectors.BaseSelector, about: dict) -> bool:
    """Fork, and tell which of the two this is; the server goes on listening to the line, and for
    the fork's end."""
    process = os.fork()
    if not process:
        return True
    for each in about["streams"]:
        os.close(each)
    ends = about["line"], os.pidfd_open(process)
    for each in ends:
        heard.register(each, selectors.EVENT_READ, ends)
    return False


def follow(heard: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Pass a signal on to a kernel, or let go of one that has ended."""
    line, kernel = key.data
    if line.fileno() < 0:  # let go of a moment ago
        return
    if key.fileobj is line:
        for number in line.recv(16) or [signal.SIGKILL]:
            signal.pidfd_send_signal(kernel, number)
        return
    os.waitid(os.P_PIDFD, kernel, os.WEXITED)
    for each in (line, kernel):
        heard.unregister(each)
    line.close()
    os.close(kernel)


def become_kernel(about: dict) -> None:
    """Be the kernel that was asked for, with the streams, the environment and the folder of who
    asked."""
    from ipykernel.kernelapp import IPKernelApp

    for at, each in enumerate(about["streams"]):
        os.dup2(each, at)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the lines of others are not this kernel's to hold
    os.setsid()
    os.environ.clear()
    os.environ.update(about["environment"])
    os.chdir(about["folder"])
    sys.argv = ["ipykernel_launcher", *about["arguments"]]
    with contextlib.suppress(SystemExit):
        IPKernelApp.launch_instance()
    atexit._run_exitfuncs()
    os._exit(0)  # to free what was imported, object by object, takes longer than to import it


def main() -> None:
    """With arguments, ask for a kernel; without, serve."""
    if sys.argv[1:]:
        return ask(*sys.argv[1:])
    del sys.path[0]  # the folder of this file, which a kernel does not look in
    os.environ |= {
        "JPY_PARENT_PID": "1",
        "MPLBACKEND": INLINE,
    }  # no kernel here watches a parent: the line does
    builtins.get_ipython = lambda: types.SimpleNamespace(
        kernel=None
    )  # pandas asks, when imported, who shows tables
    import ipykernel.kernelapp  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import pandas  # noqa: F401
    import requests_cache  # noqa: F401

    del builtins.get_ipython
    gc.freeze()
    become_kernel(serve())


if __name__ == "__main__":
    main()
