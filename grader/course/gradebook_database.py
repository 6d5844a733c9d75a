"""Opening nbgrader's gradebook, and saying in a sentence what its database refuses."""

import contextlib

from commons.errors import BilingualError
from grader.course import nbgrader_api
from grader.course.folder import Course

BUSY_MILLISECONDS = (
    15_000  #: how long to wait for a gradebook that another, such as the formgrader, is writing
)


class GradebookProblem(BilingualError):
    """Raised when the gradebook cannot be read or written; what it held is as it was."""


def opened(course: Course):
    """Return nbgrader's gradebook of a course, open; a SQLite one waits for other programs."""
    nbgrader_api.import_nbgrader("nbgrader.api")
    from nbgrader.api import Gradebook
    from sqlalchemy import event

    nbgrader_api.number_schema(course.db_url)
    with nbgrader_api.tools_on_path():
        gradebook = Gradebook(course.db_url, course.course_id)
    if course.db_url.startswith("sqlite"):

        @event.listens_for(gradebook.engine, "connect")
        def wait_for_others(connection, _):
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")

        gradebook.engine.dispose()
    return gradebook


@contextlib.contextmanager
def named_problems(course: Course, session=None):
    """Say in a sentence what the database refuses, and take back what was begun.

    Raises:
        GradebookProblem: in place of what the database's library raises.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (
        SQLAlchemyError,
        OSError,
        ImportError,
    ) as error:  # the last: an address whose driver is not installed
        if session is not None:
            with contextlib.suppress(SQLAlchemyError):
                session.rollback()
        why = str(getattr(error, "orig", None) or error)[:300]
        raise GradebookProblem(
            f"The gradebook cannot be read or written ({why}). Close what else uses it, or free "
            "space, and run the command again: nothing is lost.",
            f"Impossible de lire ou d’écrire le carnet de notes ({why}). Fermez ce qui l’utilise "
            "ou libérez de l’espace, puis relancez la commande : rien n’est perdu.",
        ) from error


def forget_student(course: Course, student: str) -> int:
    """Remove a learner, with all submissions, marks and comments, and return how many submissions
    they had.

    A SQLite gradebook is written anew, so that nothing of them stays in its free pages.
    """
    from nbgrader.api import MissingEntry
    from sqlalchemy import text

    with named_problems(course), contextlib.closing(opened(course)) as gradebook:
        try:
            submissions = len(gradebook.student_submissions(student))
            gradebook.remove_student(student)
        except MissingEntry:
            return 0
        if course.db_url.startswith("sqlite"):
            with gradebook.engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("vacuum"))
    return submissions
