"""Which system calls a process in a sandbox keeps, and the kernel's filter that refuses the others.

The filter is written by libseccomp, once, and loaded by each fork.
"""

import ctypes
import ctypes.util
import errno
import functools
import os
from collections.abc import Iterable

from grader.sandbox.kernel import EACH_NAMESPACE, PR_SET_SECCOMP, CannotConfine, call

# The system calls that a sealed process keeps, by what they are for; tests/system/system_calls.txt
# says why of each. Whatever is not named does not exist for it, so that a call that a newer kernel
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
# statmount, listmount, open_tree_attr: newer than many a libseccomp
_REFUSED_NUMBERS = (457, 458, 467)

# seccomp.h of libseccomp, linux/seccomp.h
_ALLOW = 0x7FFF0000
_EQUAL, _NOT_EQUAL, _MASKED = 4, 1, 7
_WHOLE = 0xFFFFFFFF  # of an argument that the kernel reads as 32 bits
_MODE_FILTER = 2


def _refusal(code: int) -> int:
    """Return the action that answers a call with an error; 0 says that it was done."""
    return 0x00050000 | code


class _Condition(ctypes.Structure):
    """A condition on one argument of a call (``struct scmp_arg_cmp``)."""

    _fields_ = [
        ("argument", ctypes.c_uint),
        ("compares", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    ]


class _Program(ctypes.Structure):
    """A filter as the kernel takes it (``struct sock_fprog``)."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


class _Rules:
    """The rules of a filter while they are made, in libseccomp.

    Args:
        otherwise: the action for a call that no rule names.
    """

    def __init__(self, otherwise: int):
        self.library = _library()
        self.rules = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(otherwise)))

    def add(self, action: int, names: Iterable[str], *conditions: tuple) -> None:
        """Add a rule for each call that this machine has; others are no matter here."""
        for each in map(number, names):
            if each >= 0:
                self.add_number(action, each, *conditions)

    def add_number(self, action: int, number: int, *conditions: tuple) -> None:
        """Add a rule for a call by its number."""
        given = (_Condition * len(conditions))(*(_Condition(*each) for each in conditions))
        refused = self.library.seccomp_rule_add_array(
            self.rules, ctypes.c_uint32(action), number, len(conditions), given
        )
        if refused < 0:
            raise OSError(-refused, f"system call {number}: {os.strerror(-refused)}")

    def written(self) -> bytes:
        """Return the filter as the kernel's instructions, eight bytes each."""
        with open(os.memfd_create("filter"), "w+b") as file:
            refused = self.library.seccomp_export_bpf(self.rules, file.fileno())
            self.library.seccomp_release(self.rules)
            if refused < 0:
                raise OSError(-refused, f"libseccomp: {os.strerror(-refused)}")
            file.seek(0)
            return file.read()


@functools.cache
def _library() -> ctypes.CDLL:
    """Return libseccomp.

    Raises:
        CannotConfine: if it is not installed.
    """
    for name in ("libseccomp.so.2", ctypes.util.find_library("seccomp")):
        try:
            library = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if library is not None:
            library.seccomp_init.restype = ctypes.c_void_p
            return library
    raise CannotConfine(
        "The library libseccomp is missing: install it (Debian, Ubuntu: sudo apt install "
        "libseccomp2).",
        "Il manque la bibliothèque libseccomp : installez-la (Debian, Ubuntu : sudo apt "
        "install libseccomp2).",
    )


def number(name: str) -> int:
    """Return a system call's number on this machine; a negative one where it has none."""
    this_machine = ctypes.c_uint32(0)
    return _library().seccomp_syscall_resolve_name_arch(this_machine, name.encode())


def refuse(network: bool = False) -> None:
    """Give up, for this process and all that it starts, the system calls that it need not have.

    Args:
        network: whether sockets are left to it, as a seat of the room needs them.
    """
    made = written(network)
    program = _Program(len(made) // 8, ctypes.cast(ctypes.c_char_p(made), ctypes.c_void_p))
    call("prctl", PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)


@functools.cache
def written(network: bool = False) -> bytes:
    """Return the filter as the kernel's instructions; made once, so that no fork has to.

    Args:
        network: whether sockets are left.

    Raises:
        CannotConfine: if libseccomp is not there.
        OSError: if it cannot refuse one of the calls.
    """
    return (_of_a_seat() if network else _of_a_sealed_process()).written()


def allowed_calls() -> set[str]:
    """Return the names of all system calls that a sealed process keeps, in whole or in part."""
    names = {name for group in _ALLOWED_CALLS.values() for name in group.split()}
    return names | {*_IDLE_CALLS.split(), "fcntl", "fcntl64", "ioctl", "prctl", "prlimit64"}


def _of_a_sealed_process() -> _Rules:
    """Return the rules of a sealed process: what is not named does not exist."""
    rules, idle = _Rules(_refusal(errno.ENOSYS)), _refusal(0)
    for group in _ALLOWED_CALLS.values():
        rules.add(_ALLOW, set(group.split()) - {"clone"})
    rules.add(idle, _IDLE_CALLS.split())
    rules.add(_ALLOW, ["clone"], (0, _MASKED, sum(EACH_NAMESPACE), 0))
    for action, commands in ((_ALLOW, _FCNTL["allowed"]), (idle, _FCNTL["idle"])):
        for command in commands:
            rules.add(action, ["fcntl", "fcntl64"], (1, _MASKED, _WHOLE, command))
    for name, place, values in (("ioctl", 1, _IOCTL), ("prctl", 0, _PRCTL)):
        for value in values:
            rules.add(_ALLOW, [name], (place, _MASKED, _WHOLE, value))
    rules.add(_ALLOW, ["prlimit64"], (2, _EQUAL, 0))  # look at a limit, and set none
    refused = _refusal(errno.EPERM)
    rules.add(refused, ["prlimit64"], (2, _NOT_EQUAL, 0))
    sockets = ("socket", "connect", "bind", "listen", "accept", "accept4", "sendmmsg")
    rules.add(refused, {"setrlimit", *sockets, *_REFUSED_CALLS} - allowed_calls())
    return rules


def _of_a_seat() -> _Rules:
    """Return the rules of a seat of the room: what is named is refused."""
    rules, refused = _Rules(_ALLOW), _refusal(errno.EPERM)
    rules.add(refused, _REFUSED_CALLS)
    for number in _REFUSED_NUMBERS:
        rules.add_number(refused, number)
    for namespace in EACH_NAMESPACE:
        rules.add(refused, ["clone"], (0, _MASKED, namespace, namespace))
    # The flags of clone3 lie in memory, where no filter reads them; the C library then calls clone.
    rules.add(_refusal(errno.ENOSYS), ["clone3"])
    typing_into_terminals = 0x5412  # TIOCSTI
    rules.add(refused, ["ioctl"], (1, _MASKED, _WHOLE, typing_into_terminals))
    return rules
