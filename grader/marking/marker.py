"""Marking one submission: from the bytes that were handed in to marks and a notebook to show.

``mark`` is what the pool runs, here or on another machine. It reads nothing of the course and
writes nothing: a job comes in, a result goes out.
"""

import threading
import time

from grader.marking import pair as pairs
from grader.marking import protocol
from grader.marking.model import MOST_NOTEBOOK, Assignment, Job, Result
from grader.marking.pair import Pair
from grader.marking.session import Progress, mark_notebook, not_there
from grader.sandbox.sandbox import MOST_KILLED, SandboxLost

_kept = threading.local()
_all: set[Pair] = set()  # of all threads, so that they can be ended together


def mark(assignment: Assignment, job: Job) -> Result:
    """Mark a submission with this thread's fork servers, made on first use and where they were
    lost.

    Args:
        assignment: what to mark by.
        job: what was handed in.

    Raises:
        CannotConfine: if this machine cannot confine learner code.
    """
    progress = {notebook.name: Progress() for notebook in assignment.notebooks}
    for tried in range(1, MOST_KILLED + 1):
        try:
            result = _mark(assignment, warm(assignment), job, progress)
        except SandboxLost:
            forget()
            if tried == MOST_KILLED:
                raise
            continue
        result.again += tried - 1
        return result
    raise AssertionError  # the last try returns or raises


def warm(assignment: Assignment) -> Pair:
    """Return this thread's fork servers, made on first use or for another assignment.

    Raises:
        CannotConfine: if this machine cannot confine learner code.
    """
    pair = getattr(_kept, "pair", None)
    if pair is None or not pair.fits(assignment):
        forget()
        pair = _kept.pair = Pair(assignment)
        _all.add(pair)
    return pair


def forget() -> None:
    """End this thread's fork servers."""
    pair = getattr(_kept, "pair", None)
    _kept.pair = None
    if pair is not None:
        _all.discard(pair)
        pair.close()


def forget_all() -> None:
    """End the fork servers of all threads, and their sandboxes."""
    while _all:
        _all.pop().close()
    _kept.pair = None
    pairs.close_all()


def _mark(assignment: Assignment, pair: Pair, job: Job, progress: dict[str, Progress]) -> Result:
    began = time.monotonic()
    result = Result(job.student, {})
    files = dict(job.files)
    given = _by_name(assignment, pair, job)
    for notebook in assignment.notebooks:
        data = given.get(notebook.name)
        if data is None:
            marked, written = not_there(notebook, "missing"), {}
        else:
            marked, written = mark_notebook(
                assignment, pair, notebook, data, files, result, progress[notebook.name]
            )
        result.notebooks[notebook.name] = marked
        files.update({path: content for path, content in written.items() if content is not None})
    result.seconds = time.monotonic() - began
    return result


def _by_name(assignment: Assignment, pair: Pair, job: Job) -> dict[str, bytes]:
    """Return the notebooks handed in by the assignment's names; one of another name is known by its
    grade ids."""
    names = [notebook.name for notebook in assignment.notebooks]
    given = {name: job.notebooks[name] for name in names if name in job.notebooks}
    others = {name: data for name, data in job.notebooks.items() if name not in given}
    for notebook in assignment.notebooks:
        if notebook.name in given or not others:
            continue
        ids = {cell.grade_id for cell in notebook.cells} - {None}
        shared = {
            name: len(ids & _grade_ids(assignment, pair, data)) for name, data in others.items()
        }
        best = max(shared, key=shared.get)
        if shared[best] * 2 >= max(1, len(ids)) or (len(names) == 1 and len(others) == 1):
            given[notebook.name] = others.pop(best)
    return given


def _grade_ids(assignment: Assignment, pair: Pair, data: bytes) -> set[str]:
    opened = open_notebook(assignment, pair, data)
    return {cell.grade_id for cell in opened.cells if cell.grade_id}


def open_notebook(assignment: Assignment, pair: Pair, data: bytes) -> protocol.Opened:
    """Read a notebook in a sealed process of its own."""
    if len(data) > MOST_NOTEBOOK:
        return protocol.Opened(problem="large")
    asked = pair.runners.ask(
        "grader.marking.runner:serve",
        protocol.Open(data),
        protocol.Opened,
        assignment.limits,
        60,
    )
    return asked or protocol.Opened(problem="unreadable")
