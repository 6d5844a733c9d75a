"""Holding a course for one process, and opening its journal."""

import contextlib

from commons.errors import BilingualError, CannotWrite
from grader.course.folder import Course
from grader.course.journal import Journal
from grader.sandbox.kernel import require_linux


class Busy(BilingualError):
    """Raised when another run works on the same course."""


@contextlib.contextmanager
def locked(course: Course):
    """Hold a course for this process alone.

    Raises:
        Busy: if another holds it.
        CannotConfine: if this is not Linux, where nothing of a course is changed.
        CannotWrite: if the folder cannot be written to.
    """
    require_linux(confined=False)
    import fcntl  # which Windows lacks

    try:
        course.state.mkdir(exist_ok=True)
        file = open(course.state / "lock", "w")  # noqa: SIM115
    except OSError as error:
        raise CannotWrite(course.state, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(
                f"Another grader works on {course.root}. Wait until it ends.",
                f"Une autre correction est en cours dans {course.root}. Attendez qu’elle se "
                "termine.",
            ) from error
        yield


def open_journal(course: Course) -> Journal:
    """Return the course's journal.

    Raises:
        CannotWrite: if it cannot be written.
    """
    try:
        return Journal(course.state / "journal.jsonl")
    except OSError as error:
        raise CannotWrite(course.state, error) from error
