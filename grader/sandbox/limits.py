"""What one piece of work in a sandbox may use, and how the kernel holds it to that."""

import math

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """What one submission may use; the limits hold for all of its cells and processes together,
    unless it says other. Seconds are the processor's."""

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


def set_limits(limits: Limits) -> None:
    """Hold this process and its children to these limits, each by itself."""
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
