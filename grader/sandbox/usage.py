"""Adding up the processor time and memory that all processes of a submission use."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

FOLDERS_IN_MEMORY = ("/learner", "/dev/shm")  #: as a sealed process names them
_FEW_SOCKETS = 100  # which cost nothing that would matter
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100  # a second, in /proc/PID/stat


class Meter:
    """Adds up what a process and all that it started use; what has ended in between counts on.

    Args:
        root: the process, as it is numbered here.
    """

    def __init__(self, root: int):
        self.root = root
        self.seconds = 0.0
        self._seen: dict[tuple[int, int], float] = {}

    def look(self) -> float:
        """Return the seconds of processor time used so far."""
        living, waited = 0.0, 0.0
        for pid in [self.root, *descendants(self.root)]:
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                own, of_children = (sum(map(int, fields[at : at + 2])) / _TICKS for at in (11, 13))
                living, waited = living + own, waited + of_children
                self._seen[pid, int(fields[19])] = own
        self.seconds = max(self.seconds, living + waited, sum(self._seen.values()))
        return self.seconds

    def memory(self) -> int:
        """Return the bytes of memory that they hold together, shared pages counted once: their own,
        that of the files which lie in memory, and what may wait between pairs of sockets."""
        own = memory_of([self.root, *descendants(self.root)])
        files = sum(_files(f"/proc/{self.root}/root{folder}") for folder in FOLDERS_IN_MEMORY)
        return own + files + _sockets(self.root)


def memory_of(pids: Iterable[int]) -> int:
    """Return the bytes of memory that processes hold together, shared pages counted once."""
    return sum(map(_own_memory, pids))


def descendants(pid: int) -> list[int]:
    """Return the processes below one, by /proc; whoever ends meanwhile is left out."""
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def number_inside(pid: int) -> list[int]:
    """Return a process's numbers, from this process's namespace to its own; [] if it has ended."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return [
            int(each)
            for each in next(line for line in lines if line.startswith("NSpid:")).split()[1:]
        ]
    return []


def _files(folder: str) -> int:
    """Return the bytes that a file system in memory holds; 0 where the folder is none of
    its own."""
    with contextlib.suppress(OSError):
        if os.stat(folder).st_dev != os.stat("/").st_dev and os.path.ismount(folder):
            about = os.statvfs(folder)
            return (about.f_blocks - about.f_bfree) * about.f_frsize
    return 0


def _sockets(pid: int) -> int:
    """Return the bytes that may wait in the sockets of a process's network; the
    forks of one fork server share it."""
    with contextlib.suppress(OSError, ValueError):
        each = int(Path("/proc/sys/net/core/wmem_default").read_text())
        with open(f"/proc/{pid}/net/unix", "rb") as lines:
            return each * max(0, sum(1 for _ in lines) - _FEW_SOCKETS)
    return 0


def _own_memory(pid: int) -> int:
    """Return a process's share of the memory it holds, in bytes."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) << 10
    return 0
