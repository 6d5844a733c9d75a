"""Where submissions are marked: on this machine's cores, or on a cluster's; a job goes out, a
result comes back, as data."""

import concurrent.futures
import contextlib
import importlib
import os
from collections.abc import Iterable, Iterator

import msgspec

from commons.errors import BilingualError
from grader.marking import shell, work
from grader.marking.work import Assignment, Job, Pair, Result
from grader.sandbox.forkserver import Surroundings, Warm, Zygote

_ANSWERS_WITHIN = 15  # seconds that a scheduler has to answer


class NoCluster(BilingualError):
    """Raised when a scheduler cannot be reached, or has no worker."""


class Taught(Pair):
    """A pair of warm processes that goes on from one which began before the assignment was known.

    What is slow to import is there already; this adds what the assignment alone needs.

    Args:
        first: the other, in whose cell this one is; it ends with this one.
        assignment: what to mark by; it shows the same files and environment.

    Raises:
        ZygoteLost: if the warm process has ended.
    """

    def __init__(self, first: Pair, assignment: Assignment):
        self.assignment, self.first, self.folder, self.data = (
            assignment,
            first,
            first.folder,
            first.data,
        )
        self.zygote = _Within(
            first.zygote,
            "grader.marking.dispatch:learn",
            msgspec.msgpack.encode(assignment.surroundings),
        )
        self.checkers = self.branched(self.zygote)

    def close(self) -> None:
        """End the processes of both, and remove the files."""
        self.checkers.close()
        self.zygote.close()
        self.first.close()


class _Within(Warm):
    """A branch of a warm process that can branch too, and whose forks its cell measures."""

    branch = Zygote.branch

    def __init__(self, cell: Zygote, function: str, argument: bytes):
        super().__init__(cell.branch(function, argument).control)
        self.meter = cell.meter


def learn(told: bytes) -> None:
    """Import and set up what an assignment needs; called in the warm process that ``Taught`` makes.

    Args:
        told: the assignment's surroundings, as msgpack.
    """
    surroundings = msgspec.msgpack.decode(told, type=Surroundings)
    for name in surroundings.modules:
        with contextlib.suppress(
            Exception
        ):  # an import that fails here fails, and shows, in the notebook
            importlib.import_module(name)
    shell.warm(surroundings.setup)


def adopt(pair: Pair) -> None:
    """Let this thread mark with a pair that another has made."""
    work.forget()
    work._kept.pair = pair
    work._pairs.add(pair)


def release() -> list[Pair]:
    """Take this thread's pair from it and return it, for another to adopt; none if it has
    lost it."""
    pair, work._kept.pair = getattr(work._kept, "pair", None), None
    work._pairs.discard(pair)
    return [] if pair is None else [pair]


def mark(assignment: Assignment, job: Job) -> Result:
    """Mark a submission with this thread's pair, for an assignment whose processes are the pair's.

    Args:
        assignment: what to mark by; it may differ from the pair's in which tests are live.
        job: what was handed in.

    Raises:
        CannotConfine: if this machine cannot confine learner code.
    """
    pair = getattr(work._kept, "pair", None)
    if pair is not None:
        pair.assignment = assignment
    return work.mark(assignment, job)


class Local:
    """A pool of threads, each with a warm process of its own in a cell, which does the work.

    Args:
        assignment: what to mark by.
        workers: how many; the processors of this machine if left out.
        pairs: warm pairs that are there already; the list is emptied, and they are ended with the
            pool.
    """

    def __init__(self, assignment: Assignment, workers: int | None = None, pairs: list[Pair] = ()):
        self.assignment, self.pairs = assignment, pairs
        self.workers = workers or processors()
        self.pool = concurrent.futures.ThreadPoolExecutor(
            self.workers, "grader", initializer=self._take_pair
        )

    def _take_pair(self) -> None:
        """Take one of the pairs for this thread, if there are any left."""
        with contextlib.suppress(IndexError):
            adopt(self.pairs.pop())

    def warm(self) -> None:
        """Start the warm processes, while this one has other things to do."""
        for _ in range(self.workers):
            self.pool.submit(work.warm, self.assignment)

    def submit(self, job: Job) -> concurrent.futures.Future:
        """Give a job to the pool."""
        return self.pool.submit(mark, self.assignment, job)

    def mark(self, assignment: Assignment, job: Job) -> Result:
        """Mark a job by an assignment that differs from the pool's in which tests are live, and
        wait for it."""
        return self.pool.submit(mark, assignment, job).result()

    def close(self) -> None:
        """Wait for what is running and end the warm processes; what has not begun is given up."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        work.forget_all()
        while self.pairs:
            self.pairs.pop().close()


class Cluster:
    """Workers of ``dask.distributed``, without a shared folder: everything travels with the job.

    Args:
        assignment: what to mark by, with its bundle.
        address: the scheduler's, such as ``tcp://10.0.0.5:8786``.

    Raises:
        NoCluster: if it cannot be reached or has no worker.
    """

    def __init__(self, assignment: Assignment, address: str):
        from distributed import Client

        try:
            self.client = Client(address, timeout=_ANSWERS_WITHIN)
            self.workers = sum(self.client.nthreads().values())
        except (
            OSError,
            TimeoutError,
            ValueError,
            TypeError,
            RuntimeError,
        ) as error:  # the last two: of certificates
            raise NoCluster(
                f"The scheduler {address} does not answer ({error}). Start it, see that dask’s "
                "settings here name the certificate that it asks for, or grade without "
                "--scheduler.",
                f"L’ordonnanceur {address} ne répond pas ({error}). Démarrez-le, vérifiez que les "
                "réglages de dask nomment ici le certificat qu’il demande, ou corrigez sans "
                "--scheduler.",
            ) from error
        if not self.workers:
            self.client.close()
            raise NoCluster(
                f"The scheduler {address} has no worker. Start one with: dask worker {address} "
                "--nthreads 1",
                f"L’ordonnanceur {address} n’a pas de travailleur. Démarrez-en un : dask worker "
                f"{address} --nthreads 1",
            )
        self.assignment = self.client.scatter(assignment, broadcast=True, hash=False)
        self.pool = self.client.get_executor(pure=False, retries=3)

    def warm(self) -> None:
        """Do nothing: the cluster's workers warm up with their first job."""

    def submit(self, job: Job) -> concurrent.futures.Future:
        """Give a job to the cluster; a worker that dies gives it back."""
        return self.pool.submit(work.mark, self.assignment, job)

    def close(self) -> None:
        """Leave the cluster; it goes on without us."""
        with contextlib.suppress(Exception):
            self.pool.shutdown(wait=False)
        self.client.close()


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def pool(
    assignment: Assignment, workers: int | None, scheduler: str | None, pairs: list[Pair] = ()
) -> Local | Cluster:
    """Return where to mark: on the cluster of a scheduler's address, or here, with the warm pairs
    that there are."""
    return Cluster(assignment, scheduler) if scheduler else Local(assignment, workers, pairs)


def run(pool: Local | Cluster, jobs: Iterable[Job]) -> Iterator[tuple[Job, Result | Exception]]:
    """Mark jobs and give each result as it comes; a few jobs are under way at a time, so that
    memory stays flat.

    Args:
        pool: where.
        jobs: what; taken one by one.

    Yields:
        Each job with its result, or with the error that its marking met.
    """
    jobs = iter(jobs)
    waiting: dict[concurrent.futures.Future, Job] = {}
    try:
        while True:
            while len(waiting) < 3 * pool.workers and (job := next(jobs, None)) is not None:
                waiting[pool.submit(job)] = job
            if not waiting:
                return
            done, _ = concurrent.futures.wait(
                waiting, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in done:
                job = waiting.pop(future)
                error = future.exception()
                yield job, error if error is not None else future.result()
    finally:
        for future in waiting:
            future.cancel()
