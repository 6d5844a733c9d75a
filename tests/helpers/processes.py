"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from pathlib import Path

#: seconds: far beyond what any step needs, so that it only ends a test that would never end
LONG = 300.0


def left_of(processes: list[int]) -> list[int]:
    """Return which of these processes are still there when all have gone, or after very long."""
    there = list(processes)

    def gone() -> bool:
        there[:] = [pid for pid in there if Path(f"/proc/{pid}").exists()]
        return not there

    wait_until(gone)
    return there


def wait_until(is_so: Callable[[], object], seconds: float = LONG) -> bool:
    """Wait until something is so; return False where it is not after very long."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
