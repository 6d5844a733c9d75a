"""Sending submissions to where they are marked: this machine's cores, or a cluster's."""

import concurrent.futures
import contextlib
import os
from collections.abc import Iterable, Iterator

from commons.errors import BilingualError
from grader.marking import marker
from grader.marking.model import Assignment, Job, Result

_ANSWERS_WITHIN = 15  # seconds that a scheduler has to answer


class NoCluster(BilingualError):
    """Raised when a scheduler cannot be reached, or has no worker."""


class Local:
    """A pool of threads, each with fork servers of its own, which do the work.

    Args:
        assignment: what to mark by.
        workers: how many; the processors of this machine if left out.
    """

    def __init__(self, assignment: Assignment, workers: int | None = None):
        self.assignment = assignment
        self.workers = workers or processors()
        self.pool = concurrent.futures.ThreadPoolExecutor(self.workers, "grader")

    def warm(self) -> None:
        """Start the fork servers, while this process has other things to do."""
        for _ in range(self.workers):
            self.pool.submit(marker.warm, self.assignment)

    def submit(self, job: Job) -> concurrent.futures.Future:
        """Give a job to the pool."""
        return self.pool.submit(marker.mark, self.assignment, job)

    def mark(self, assignment: Assignment, job: Job) -> Result:
        """Mark a job by an assignment that differs from the pool's in which tests are live, and
        wait for it."""
        return self.pool.submit(marker.mark, assignment, job).result()

    def close(self) -> None:
        """Wait for what is running and end the fork servers; what has not begun is given up."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        marker.forget_all()


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
        return self.pool.submit(marker.mark, self.assignment, job)

    def close(self) -> None:
        """Leave the cluster; it goes on without us."""
        with contextlib.suppress(Exception):
            self.pool.shutdown(wait=False)
        self.client.close()


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def pool(assignment: Assignment, workers: int | None, scheduler: str | None) -> Local | Cluster:
    """Return where to mark: on the cluster of a scheduler's address, or here."""
    return Cluster(assignment, scheduler) if scheduler else Local(assignment, workers)


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
