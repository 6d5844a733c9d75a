"""Confinement: what a process in a cell can no longer see, reach, use up or outlive. Linux alone,
and it fails closed.

Two steps. ``enter`` puts a process into the outer cell, where the course, the network and every
writable folder are gone; what it imports there is trusted. ``seal`` then closes one fork of it for
good, before the first byte that a learner wrote is read: its own processes, a home of limited size,
no capability, system calls filtered, limits set. A seat of the room (``room/seat_process.py``)
keeps one folder as its home and may use sockets, in a network of its own.

The first line is the kernel's namespaces (user_namespaces(7), mount_namespaces(7),
pid_namespaces(7)), the second seccomp (seccomp(2)) and Landlock (landlock(7)). There is no /proc
inside: nothing there is needed, and it tells of others.
"""

import ctypes
import errno
import functools
import math
import os
import platform
import signal
import stat
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import msgspec

from commons.errors import BilingualError
from commons.wording import Sentence

# linux/sched.h, linux/mount.h, linux/prctl.h
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = (
    0x00020000,
    0x02000000,
    0x04000000,
    0x08000000,
)
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_EACH_NAMESPACE = (
    CLONE_NEWNS,
    CLONE_NEWCGROUP,
    CLONE_NEWUTS,
    CLONE_NEWIPC,
    CLONE_NEWUSER,
    CLONE_NEWPID,
    CLONE_NEWNET,
)
_NAMESPACES = sum(_EACH_NAMESPACE)
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH, AT_FDCWD, AT_RECURSIVE = 2, -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
LAST_CAPABILITY = 63
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

HOME = "/learner"  # the one folder inside where anything can be written
SCRATCH = "/scratch"  # in a cell that keeps its home: what need not be kept
BUILDER, LEARNER = 0, 1000  # user ids inside the cell: who builds it, who runs learner code
NOBODY = 65534  # who that is outside, where an administrator grades

_FOLDERS_OF_THE_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
)
_FILES_OF_THE_SYSTEM = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/mime.types",
)
_DEVICES = ("null", "zero", "full", "random", "urandom")
_PEOPLE = "root:x:0:0::/:/bin/false\nlearner:x:1000:1000::/learner:/bin/sh\n"

# The system calls that a sealed process keeps, by what they are for; tests/system_calls.txt says
# why of each. Whatever is not named does not exist for it, so that a call that a newer kernel
# brings is closed from its first day.
_ALLOWED_CALLS = {
    "memory": "brk mmap mmap2 munmap mremap mprotect madvise membarrier",
    "threads and processes": """
        clone fork vfork execve exit exit_group wait4 waitid waitpid getpid getppid gettid
        getpgid getpgrp getsid setsid setpgid set_tid_address set_robust_list rseq futex
        futex_time64 futex_waitv sched_yield sched_getaffinity sched_setaffinity sched_getparam
        sched_getscheduler sched_get_priority_max sched_get_priority_min getpriority setpriority
        arch_prctl getcpu""",
    "itself": """
        getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresgid
        getgroups capget umask getrlimit ugetrlimit getrusage times sysinfo uname getrandom""",
    "signals": """
        rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending rt_sigtimedwait
        rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack sigreturn kill tkill tgkill pause alarm
        setitimer getitimer restart_syscall signalfd signalfd4""",
    "time": """
        clock_gettime clock_gettime64 clock_getres clock_nanosleep nanosleep gettimeofday time
        timer_create timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create
        timerfd_settime timerfd_gettime""",
    "open files": """
        read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 close
        close_range dup dup2 dup3 lseek _llseek pipe pipe2 poll ppoll select pselect6
        epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd
        eventfd2 sendfile sendfile64 copy_file_range fallocate ftruncate ftruncate64 truncate
        truncate64""",
    "files by name": """
        open openat openat2 creat stat stat64 fstat fstat64 lstat lstat64 newfstatat fstatat64
        statx statfs statfs64 fstatfs fstatfs64 access faccessat faccessat2 getdents getdents64
        getcwd chdir fchdir mkdir mkdirat rmdir rename renameat renameat2 link linkat unlink
        unlinkat symlink symlinkat readlink readlinkat chmod fchmod fchmodat fchmodat2 chown
        fchown lchown fchownat utime utimes utimensat futimesat getxattr lgetxattr fgetxattr
        listxattr llistxattr flistxattr""",
    "pairs of sockets, which asyncio talks to itself with": """
        socketpair sendto sendmsg recvfrom recvmsg shutdown getsockname getpeername getsockopt
        setsockopt""",
}
# Calls that do nothing there and say that they did: what a process locks or writes through to a
# disk may be a file that all submissions read, and its own files lie in memory.
_IDLE_CALLS = (
    "flock fsync fdatasync sync syncfs sync_file_range msync fadvise64 fadvise64_64 "
    "arm_fadvise64_64"
)
_FCNTL = {  # of fcntl(2): duplicate, flags, look at a lock, the size of a pipe
    "allowed": (0, 1, 2, 3, 4, 5, 9, 36, 1030, 1032, 1034),
    "idle": (6, 7, 37, 38),  # take and release locks
}
_IOCTL = (
    0x5401,
    0x540F,
    0x5413,
    0x541B,
    0x5421,
    0x5450,
    0x5451,
    0x802C542A,
)  # is it a terminal, how much waits, flags
_PRCTL = (
    1,
    2,
    3,
    15,
    16,
    23,
    27,
    38,
    39,
    0x53564D41,
)  # names, signals, what it may; nothing that limits or kills it

# What no seat of the room needs, where all else stays allowed: other kernels' doors, and other
# processes.
_REFUSED_CALLS = tuple(
    """
    mount umount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick
    mount_setattr unshare setns ptrace process_vm_readv process_vm_writev process_madvise
    pidfd_open pidfd_getfd pidfd_send_signal kcmp bpf perf_event_open userfaultfd io_uring_setup
    io_uring_enter io_uring_register keyctl add_key request_key init_module finit_module
    delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl quotactl_fd
    nfsservctl syslog lookup_dcookie vhangup iopl ioperm settimeofday clock_settime
    clock_adjtime adjtimex sethostname setdomainname name_to_handle_at open_by_handle_at
    fanotify_init fanotify_mark personality modify_ldt mknod mknodat setuid setgid setreuid
    setregid setresuid setresgid setgroups setfsuid setfsgid capset memfd_create memfd_secret
    migrate_pages move_pages mbind set_mempolicy uselib vm86 vm86old sync shmget shmat shmctl
    semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mincore cachestat
    """.split()  # noqa: SIM905 -- a list of this length reads better so
)
_REFUSED_NUMBERS = (
    457,
    458,
    467,
)  # statmount, listmount, open_tree_attr: newer than many a libseccomp


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


class Limits(msgspec.Struct, frozen=True):
    """What one submission may use; the limits hold for all of its cells and processes together,
    unless it says other. Seconds are the processor's; by the clock it may take a few times as long
    (``shell.CLOCK``)."""

    seconds: float = 600.0  #: from its first to its last cell
    cell_seconds: float = 60.0  #: one cell; nbgrader's own default is 30 (``Execute.timeout``)
    memory: int = 2 << 30  #: bytes, of files in memory too
    disk: int = 256 << 20  #: bytes of files
    files: int = 10_000  #: how many files
    processes: int = 64  #: processes and threads
    descriptors: int = 256  #: open files of one process
    output: int = (
        4 << 20
    )  #: bytes that its cells show, and that one answer may weigh ten times over


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _call(name: str, *arguments) -> int:
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
    _call("unshare", flags)


def set_namespace(descriptor: int, kind: int) -> None:
    """Go (or let the next children go) to the namespace that a descriptor holds open."""
    _call("setns", descriptor, kind)


def die_with_parent(by: int | None = None) -> None:
    """Let the kernel send this process a signal, SIGKILL if none is named, when the one that
    started it ends."""
    _call("prctl", PR_SET_PDEATHSIG, by or signal.SIGKILL, 0, 0, 0)


def _mount(source: str, target: Path | str, kind: str | None, flags: int, data: str = "") -> None:
    _call(
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


def _read_only(target: Path | str, more: int = 0) -> None:
    """Make a mount and all that is mounted below it read-only."""
    _set_attributes(target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | more)


def _set_attributes(target: Path | str, attributes: int) -> None:
    """Set attributes of a mount and of all that is mounted below it."""
    attributes = _MountAttributes(set=attributes)
    _call(
        "mount_setattr",
        AT_FDCWD,
        os.fsencode(target),
        AT_RECURSIVE,
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


def python_folders() -> list[Path]:
    """Return the folders without which this Python does not run: its prefixes, its packages, and
    this project's two."""
    import portail

    folders = [
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.executable).resolve().parent.parent,
    ]
    folders += [Path(path) for path in sysconfig.get_paths().values()]
    folders += [Path(portail.__file__).parent, Path(__file__).parents[1]]
    folders += [Path(portail.__file__).parents[1] / "commons"]
    datasets = (
        Path(portail.__file__).parent.parent / "datasets"
    )  # in a checkout; in a wheel they lie inside portail
    folders += [datasets] if (datasets / "codes").is_dir() else []
    return outermost(folders)


def outermost(folders: Iterable[Path]) -> list[Path]:
    """Return the folders that exist, without those that lie in another of them, resolved."""
    kept: list[Path] = []
    for folder in sorted({Path(folder).resolve() for folder in folders if Path(folder).exists()}):
        if not any(folder.is_relative_to(other) for other in kept):
            kept.append(folder)
    return kept


def enter(
    readable: Iterable[Path],
    shown: dict[str, str],
    home: Path | None = None,
    hidden: Iterable[Path] = (),
) -> None:
    """Leave the machine's files behind: a small read-only system of what Python needs, and no other
    process.

    To be called in a process that has left its user, mount, pid, net, ipc and uts namespaces, as
    their first process, after ``map_users``. What is not named here does not exist afterwards.

    Args:
        readable: folders and files to be seen besides, read-only, under their own names.
        shown: folders and files to be seen, read-only, under another name: the name inside, by the
            one outside.
        home: the folder that is the home inside, and is written to there; a small one in memory if
            None.
        hidden: folders and files that are empty inside, where they lie in a folder that is to be
            seen.
    """
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    root = Path(
        "/mnt" if os.path.isdir("/mnt") else "/tmp"
    )  # any folder: it is out of sight from here on
    links = [path for path in _FOLDERS_OF_THE_SYSTEM if os.path.islink(path)]
    binds = [
        Path(path)
        for path in (*_FOLDERS_OF_THE_SYSTEM, *_FILES_OF_THE_SYSTEM)
        if os.path.exists(path) and not os.path.islink(path)
    ]
    binds = [path.resolve() if path.is_symlink() else path for path in binds]
    localtime = Path("/etc/localtime").resolve()
    wanted = outermost([*binds, localtime, *readable])
    sources = [(path, os.open(path, os.O_PATH)) for path in wanted]
    open_to_all = {outside: _open_to_all(Path(outside)) for outside in shown}
    sources += [
        (Path(inside), os.open(outside, os.O_PATH))
        for outside, inside in shown.items()
        if open_to_all[outside]
    ]
    copies = [
        (_contents(Path(outside)), inside)
        for outside, inside in shown.items()
        if not open_to_all[outside]
    ]
    room = sum(len(data) for files, _ in copies for data in files.values())
    devices = [
        (name, os.open(f"/dev/{name}", os.O_PATH))
        for name in _DEVICES
        if os.path.exists(f"/dev/{name}")
    ]
    targets = {path: os.readlink(path) for path in links}
    kept = os.open(home, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW) if home else None

    _mount(
        "cell",
        root,
        "tmpfs",
        MS_NOSUID | MS_NODEV,
        f"size={room + (room >> 1) + (1 << 20)},mode=755",
    )
    for files, inside in copies:
        for name, data in files.items():
            path = root / inside[1:] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    for path, descriptor in sources:
        _bind(descriptor, root / path.relative_to("/"))
        _read_only(root / path.relative_to("/"), MOUNT_ATTR_NODEV)
    for path in hidden:
        _hide(root / path.relative_to("/"))
    for path, target in targets.items():
        os.symlink(target, root / path.removeprefix("/"))
    (root / "dev" / "shm").mkdir(parents=True)
    for name, descriptor in devices:
        _bind(descriptor, root / "dev" / name)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc" / "passwd").write_text(_PEOPLE)
    if kept is None:
        (root / HOME[1:]).mkdir()
        _mount("cell", root / HOME[1:], "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=700")
        if not (root / "tmp").exists():  # it does where Python itself lies under /tmp
            os.symlink(HOME, root / "tmp")
    else:
        _bind(kept, root / HOME[1:])
        _set_attributes(root / HOME[1:], MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
        (root / SCRATCH[1:]).mkdir()
        for place in (root / SCRATCH[1:], root / "dev" / "shm"):
            _mount(
                "cell", place, "tmpfs", MS_NOSUID | MS_NODEV, "size=256m,nr_inodes=10000,mode=1777"
            )
    os.chdir(root)
    _call("pivot_root", b".", b".")
    _call("umount2", b".", MNT_DETACH)
    os.chdir("/")
    attributes = _MountAttributes(set=MOUNT_ATTR_RDONLY)
    _call(
        "mount_setattr",
        AT_FDCWD,
        b"/",
        0,
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )


def _hide(path: Path) -> None:
    """Lay something empty over a folder or file, if it is there."""
    if path.is_dir():
        _mount("cell", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,mode=755")
        _read_only(path)
    elif path.exists():
        _mount("/dev/null", path, None, MS_BIND)


def _open_to_all(path: Path) -> bool:
    """Tell whether everybody may read a folder: an administrator's own is not the learner's user's
    to read."""
    everything = [path, *path.rglob("*")] if path.is_dir() else [path]
    return all(
        each.lstat().st_mode & (0o005 if each.is_dir() else 0o004) in (0o005, 0o004)
        for each in everything
    )


def _contents(path: Path) -> dict[str, bytes]:
    """Return the files of a folder by their places in it; of a file, itself."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {
        str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()
    }


def _bind(descriptor: int, target: Path) -> None:
    """Mount what a descriptor holds at a place that is made for it; the descriptor is closed."""
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(f"/proc/self/fd/{descriptor}", target, None, MS_BIND | MS_REC)
    os.close(descriptor)


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
    _mount(
        "work",
        HOME,
        "tmpfs",
        MS_NOSUID | MS_NODEV,
        f"size={limits.disk},nr_inodes={limits.files},{owner}",
    )
    _mount(
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
    _give_up_rights()
    _set_limits(limits)
    _restrict_files(network)
    call_filter(network).load()


def _close_descriptors(keep: set[int]) -> None:
    nowhere = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    kept = sorted(keep | {0, 1, 2})
    for one, after in zip(kept, [*kept[1:], 65536], strict=True):
        os.closerange(one + 1, after)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def keep_rights_over_exec() -> None:
    """Let this process keep its capabilities when it begins another program, though its user is not
    root inside."""
    header = _CapabilityHeader(version=_CAPABILITY_VERSION, pid=0)
    rights = (ctypes.c_uint32 * 6)()
    _call("capget", ctypes.byref(header), ctypes.byref(rights))
    rights[2], rights[5] = rights[1], rights[4]  # inheritable: all that are permitted
    _call("capset", ctypes.byref(header), ctypes.byref(rights))
    for capability in range(LAST_CAPABILITY + 1):
        _libc.prctl(
            PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0
        )  # refused for numbers that do not exist


def _give_up_rights() -> None:
    """Become the learner's user, without a capability and without a way to get one."""
    for capability in range(LAST_CAPABILITY + 1):
        _libc.prctl(
            PR_CAPBSET_DROP, capability, 0, 0, 0
        )  # refused for numbers that this kernel does not know
    if os.getuid() != LEARNER:
        os.setresgid(LEARNER, LEARNER, LEARNER)
        os.setresuid(LEARNER, LEARNER, LEARNER)
    header = _CapabilityHeader(version=_CAPABILITY_VERSION, pid=0)
    _call("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)


def _set_limits(limits: Limits) -> None:
    import resource  # which Windows lacks, where the doctor must be able to say so

    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (
            resource.RLIMIT_CPU,
            resource.RLIM_INFINITY if math.isinf(limits.seconds) else int(limits.seconds) + 1,
        ),
        (resource.RLIMIT_DATA, limits.memory),
        (resource.RLIMIT_FSIZE, limits.disk),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_NOFILE, limits.descriptors),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_STACK, 64 << 20),
    ):
        _, hard = resource.getrlimit(what)
        most = (
            hard
            if most == resource.RLIM_INFINITY
            else most
            if hard == resource.RLIM_INFINITY
            else min(most, hard)
        )
        resource.setrlimit(what, (most, most))


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
        return _call("landlock_create_ruleset", None, ctypes.c_size_t(0), ctypes.c_uint32(1))
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
    ruleset = _call(
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
        _call("landlock_add_rule", ruleset, ctypes.c_int(1), ctypes.byref(rule), ctypes.c_uint32(0))
        os.close(parent)
    _call("landlock_restrict_self", ruleset, ctypes.c_uint32(0))
    os.close(ruleset)


@functools.cache
def call_filter(network: bool = False):
    """Return the filter that refuses the system calls that no notebook needs; made once, loaded in
    each fork.

    Args:
        network: whether sockets are left to it.

    Raises:
        CannotConfine: if libseccomp is not there, or cannot refuse one of them.
    """
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as error:
        raise CannotConfine(
            "The library libseccomp is missing: install it (Debian, Ubuntu: sudo apt install "
            "libseccomp2).",
            "Il manque la bibliothèque libseccomp : installez-la (Debian, Ubuntu : sudo apt "
            "install libseccomp2).",
        ) from error
    return _seat_filter(pyseccomp) if network else _sealed_filter(pyseccomp)


def allowed_calls() -> set[str]:
    """Return the names of all system calls that a sealed process keeps, in whole or in part."""
    names = {name for group in _ALLOWED_CALLS.values() for name in group.split()}
    return names | {*_IDLE_CALLS.split(), "fcntl", "fcntl64", "ioctl", "prctl", "prlimit64"}


def _sealed_filter(pyseccomp):
    """Return the filter of a sealed process: what is not named does not exist."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.ENOSYS))
    whole = 0xFFFFFFFF

    def add(action, names: str, *conditions) -> None:
        for name in names.split():
            number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
            if number is not None and number >= 0:  # negative: another machine's call
                rules.add_rule(action, number, *conditions)

    for group in _ALLOWED_CALLS.values():
        names = " ".join(set(group.split()) - {"clone"})
        add(pyseccomp.ALLOW, names)
    idle = pyseccomp.ERRNO(0)
    add(idle, _IDLE_CALLS)
    add(pyseccomp.ALLOW, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _NAMESPACES, 0))
    for action, commands in ((pyseccomp.ALLOW, _FCNTL["allowed"]), (idle, _FCNTL["idle"])):
        for command in commands:
            add(action, "fcntl fcntl64", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, whole, command))
    for name, place, values in (("ioctl", 1, _IOCTL), ("prctl", 0, _PRCTL)):
        for value in values:
            add(pyseccomp.ALLOW, name, pyseccomp.Arg(place, pyseccomp.MASKED_EQ, whole, value))
    add(
        pyseccomp.ALLOW, "prlimit64", pyseccomp.Arg(2, pyseccomp.EQ, 0)
    )  # look at a limit, and set none
    refused = pyseccomp.ERRNO(errno.EPERM)
    add(refused, "prlimit64", pyseccomp.Arg(2, pyseccomp.NE, 0))
    sockets = ("socket", "connect", "bind", "listen", "accept", "accept4", "sendmmsg")
    add(refused, " ".join({"setrlimit", *sockets, *_REFUSED_CALLS} - allowed_calls()))
    return rules


def _seat_filter(pyseccomp):
    """Return the filter of a seat of the room: what is named is refused."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refused = pyseccomp.ERRNO(errno.EPERM)
    numbers = {pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) for name in _REFUSED_CALLS}
    for number in {number for number in numbers if number is not None and number >= 0} | set(
        _REFUSED_NUMBERS
    ):
        rules.add_rule(refused, number)
    for namespace in _EACH_NAMESPACE:
        rules.add_rule(
            refused, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, namespace, namespace)
        )
    rules.add_rule(
        pyseccomp.ERRNO(errno.ENOSYS), "clone3"
    )  # its flags lie in memory; the C library then calls clone
    typing_into_terminals = 0x5412  # TIOCSTI
    rules.add_rule(
        refused, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, typing_into_terminals)
    )
    return rules
