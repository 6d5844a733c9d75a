"""The kernel's calls that a sandbox is built with; a machine without them is refused."""

import ctypes
import errno
import os
import platform
import signal
import sys
from pathlib import Path

from commons.errors import BilingualError
from commons.wording import Sentence

# linux/sched.h, linux/mount.h, linux/prctl.h
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
EACH_NAMESPACE = (
    CLONE_NEWNS,
    CLONE_NEWCGROUP,
    CLONE_NEWUTS,
    CLONE_NEWIPC,
    CLONE_NEWUSER,
    CLONE_NEWPID,
    CLONE_NEWNET,
)
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH, AT_FDCWD, AT_RECURSIVE = 2, -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 38, 47
_RAISE = 2  # _RAISE
_LAST_CAPABILITY = 63
_CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_NUMBERS = {  # of the calls that the C library has no name for: asm/unistd.h
    machine: {
        "pivot_root": pivot_root,
        "mount_setattr": 442,
        "landlock_create_ruleset": 444,
        "landlock_add_rule": 445,
        "landlock_restrict_self": 446,
    }
    for machine, pivot_root in (("x86_64", 155), ("aarch64", 41))
}
BUILDER, LEARNER = 0, 1000  #: user ids inside: who builds the sandbox, and who runs learner code
NOBODY = 65534  # who that is outside, where an administrator grades


class CannotConfine(BilingualError):
    """Raised when this machine does not offer what confinement needs; the text says what is
    missing.

    Args:
        english: what is missing.
        french: the same in French.
    """

    def __init__(self, english: str, french: str):
        super().__init__(
            f"{english} Nothing was run. `grader doctor` says what to do.",
            f"{french} Rien n’a été exécuté. `grader doctor` dit que faire.",
        )
        self.why = Sentence(english, french)
        self.args = (english, french)  # what a copy of it on another machine is made from


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def call(name: str, *arguments) -> int:
    """Call the C library, or the kernel where the library has no name for it, and raise what it
    refuses."""
    if _libc is None:
        raise OSError(errno.ENOSYS, f"{name}: this is not Linux")
    ctypes.set_errno(0)
    numbers = _NUMBERS.get(platform.machine(), {})
    if name in numbers:
        result = _libc.syscall(ctypes.c_long(numbers[name]), *arguments)
    else:
        result = getattr(_libc, name)(*arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def require_linux(confined: bool = True) -> None:
    """Refuse a machine for which nothing that is installed or switched on would do.

    Args:
        confined: whether cells are to be built; without them any Linux will do.

    Raises:
        CannotConfine: if this is another system, or a processor whose system calls have no numbers
            here.
    """
    if sys.platform != "linux":
        raise CannotConfine(
            "This is not Linux: the grader needs its kernel.",
            "Ce n’est pas Linux : grader a besoin de son noyau.",
        )
    if confined and platform.machine() not in _NUMBERS:
        raise CannotConfine(
            f"The processor {platform.machine()} is not known to this version.",
            f"Cette version ne connaît pas le processeur {platform.machine()}.",
        )


def unshare(flags: int) -> None:
    """Leave the namespaces named by flags (``CLONE_NEW…``), for new and empty ones."""
    call("unshare", flags)


def set_namespace(descriptor: int, kind: int) -> None:
    """Go (or let the next children go) to the namespace that a descriptor holds open."""
    call("setns", descriptor, kind)


def die_with_parent(by: int | None = None) -> None:
    """Let the kernel send this process a signal, SIGKILL if none is named, when the one that
    started it ends."""
    call("prctl", PR_SET_PDEATHSIG, by or signal.SIGKILL, 0, 0, 0)


def mount(source: str, target: Path | str, kind: str | None, flags: int, data: str = "") -> None:
    """Mount a file system, or a folder or file, at a place (mount(2))."""
    call(
        "mount",
        source.encode(),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode() or None,
    )


class _MountAttributes(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")
    ]  # linux/mount.h


def make_read_only(target: Path | str, more: int = 0) -> None:
    """Make a mount and all that is mounted below it read-only."""
    set_attributes(target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | more)


def set_attributes(target: Path | str, attributes: int, below: bool = True) -> None:
    """Set attributes of a mount and, unless told otherwise, of all that is mounted below it."""
    attributes = _MountAttributes(set=attributes)
    call(
        "mount_setattr",
        AT_FDCWD,
        os.fsencode(target),
        AT_RECURSIVE if below else 0,
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )


def map_users(pid: int) -> None:
    """Give a process that just left its user namespace its two users inside; called from outside.

    An ordinary instructor is the learner's user inside. An administrator (root, as in many
    containers) is not: there learner code runs as nobody, so that no file of the administrator's is
    its own.

    Args:
        pid: the process, as it is numbered outside.
    """
    own_user, own_group = os.geteuid(), os.getegid()
    as_root = own_user == 0
    users = f"{BUILDER} 0 1\n{LEARNER} {NOBODY} 1\n" if as_root else f"{LEARNER} {own_user} 1\n"
    groups = f"{BUILDER} 0 1\n{LEARNER} {NOBODY} 1\n" if as_root else f"{LEARNER} {own_group} 1\n"
    for name, text in (("setgroups", "deny"), ("uid_map", users), ("gid_map", groups)):
        Path(f"/proc/{pid}/{name}").write_text(text)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def keep_rights_over_exec() -> None:
    """Let this process keep its capabilities when it begins another program, though its user is not
    root inside."""
    header = _CapabilityHeader(version=_CAPABILITY_VERSION, pid=0)
    rights = (ctypes.c_uint32 * 6)()
    call("capget", ctypes.byref(header), ctypes.byref(rights))
    rights[2], rights[5] = rights[1], rights[4]  # inheritable: all that are permitted
    call("capset", ctypes.byref(header), ctypes.byref(rights))
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(
            PR_CAP_AMBIENT, _RAISE, capability, 0, 0
        )  # refused for numbers that do not exist


def give_up_rights() -> None:
    """Become the learner's user, without a capability and without a way to get one."""
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(
            PR_CAPBSET_DROP, capability, 0, 0, 0
        )  # refused for numbers that this kernel does not know
    if os.getuid() != LEARNER:
        os.setresgid(LEARNER, LEARNER, LEARNER)
        os.setresuid(LEARNER, LEARNER, LEARNER)
    header = _CapabilityHeader(version=_CAPABILITY_VERSION, pid=0)
    call("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)
