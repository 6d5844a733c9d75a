"""Closing a process for good, before the first byte that a learner wrote is read."""

import ctypes
import os
from collections.abc import Iterable

from grader.sandbox import system_calls
from grader.sandbox.files import HOME, SCRATCH
from grader.sandbox.kernel import (
    CLONE_NEWIPC,
    CLONE_NEWNS,
    LEARNER,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    call,
    give_up_rights,
    mount,
    unshare,
)
from grader.sandbox.limits import Limits, set_limits


def seal(limits: Limits, keep: Iterable[int] = ()) -> None:
    """Close this process for good, before the first byte that a learner wrote is read.

    To be called in a fork that is the first of its own pid namespace. Afterwards it has a home of
    its own, in which it stands, and nothing that it can do reaches outside but what it writes to
    the descriptors kept.

    Args:
        limits: what it may use.
        keep: the descriptors that stay open; all others are closed, and 0, 1 and 2 lead nowhere.
    """
    unshare(CLONE_NEWNS | CLONE_NEWIPC)
    owner = f"mode=700,uid={LEARNER},gid={LEARNER}"
    mount(
        "work",
        HOME,
        "tmpfs",
        MS_NOSUID | MS_NODEV,
        f"size={limits.disk},nr_inodes={limits.files},{owner}",
    )
    mount(
        "shm",
        "/dev/shm",
        "tmpfs",
        MS_NOSUID | MS_NODEV | MS_NOEXEC,
        f"size={limits.disk // 4},nr_inodes=1000,{owner}",
    )
    close(limits, keep)


def close(limits: Limits, keep: Iterable[int] = (), network: bool = False) -> None:
    """Give up every right for good: the end of ``seal``, and all of it where the home is to be
    kept.

    Args:
        limits: what each process may use.
        keep: the descriptors that stay open; all others are closed, and 0, 1 and 2 lead nowhere.
        network: whether it may use sockets; they reach as far as its network namespace does.
    """
    os.chdir(HOME)
    _close_descriptors(set(keep))
    give_up_rights()
    set_limits(limits)
    _restrict_files(network)
    system_calls.refuse(network)


def _close_descriptors(keep: set[int]) -> None:
    nowhere = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    kept = sorted(keep | {0, 1, 2})
    for one, after in zip(kept, [*kept[1:], 65536], strict=True):
        os.closerange(one + 1, after)


class _LandlockRules(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64) for name in ("files", "network", "scope")
    ]  # linux/landlock.h


class _LandlockPath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def landlock_version() -> int:
    """Return the version of Landlock's interface that the kernel offers, 0 if none."""
    try:
        return call("landlock_create_ruleset", None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    except OSError:
        return 0


def _restrict_files(network: bool) -> None:
    """Let Landlock, where the kernel has it, allow writing in its own folders alone, and no TCP,
    signal or socket out."""
    version = landlock_version()
    if version == 0:
        return
    execute, write, read, read_folder = 1, 2, 4, 8
    every = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    no_tcp = 3 if version >= 4 and not network else 0
    rules = _LandlockRules(files=every, network=no_tcp, scope=3 if version >= 6 else 0)
    ruleset = call(
        "landlock_create_ruleset",
        ctypes.byref(rules),
        ctypes.c_size_t(ctypes.sizeof(rules)),
        ctypes.c_uint32(0),
    )
    allowed = {"/": execute | read | read_folder, HOME: every, "/dev/shm": every}
    allowed |= {SCRATCH: every} if os.path.isdir(SCRATCH) else {}
    allowed |= {f"/dev/{name}": read | write for name in ("null", "zero", "full")}
    for path, access in allowed.items():
        parent = os.open(path, os.O_PATH)
        rule = _LandlockPath(allowed=access, parent=parent)
        call("landlock_add_rule", ruleset, ctypes.c_int(1), ctypes.byref(rule), ctypes.c_uint32(0))
        os.close(parent)
    call("landlock_restrict_self", ruleset, ctypes.c_uint32(0))
    os.close(ruleset)
