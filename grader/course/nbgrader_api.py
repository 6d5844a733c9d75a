"""Running stock nbgrader on the source's own solution, to compare with."""

import contextlib
import contextvars
import gc
import importlib
import io
import logging
import os
import shutil
import signal
import sys
import sysconfig
import tempfile
import types
from pathlib import Path

from grader.course.folder import CannotRead, Course
from grader.sandbox import kernel

_SERVER_EXTENSIONS = ("assignment_list", "course_list", "formgrader", "validate_assignment")
Points = dict[str, dict[str, float | None]]  #: automatic points by notebook and grade id


def import_nbgrader(*modules: str) -> None:
    """Import nbgrader without its extensions of the Jupyter server, which take longer to import
    than all the rest.

    They are left out of this process alone, and only if nothing has imported nbgrader before.

    Args:
        modules: of nbgrader, to be imported too.
    """
    collects = gc.isenabled()
    gc.disable()  # there is no garbage in what is being imported, and much to look through
    try:
        if "nbgrader" not in sys.modules:
            _import_without_extensions()
        for name in modules:
            importlib.import_module(name)
    finally:
        if collects:
            gc.enable()


def _import_without_extensions() -> None:
    left_out = {}
    for name in _SERVER_EXTENSIONS:
        module = types.ModuleType(f"nbgrader.server_extensions.{name}")
        module.load_jupyter_server_extension = None
        left_out[module.__name__] = module
    sys.modules.update(left_out)
    try:
        importlib.import_module("nbgrader")
    finally:
        for name in left_out:
            sys.modules.pop(name, None)


def marks_of_solution(course: Course, assignment: str, away: Path) -> Points:
    """Grade an assignment's own solution with ``nbgrader autograde``.

    Args:
        course: the course; nothing of it is written.
        assignment: which one.
        away: an empty folder to do it in.

    Raises:
        CannotRead: if nbgrader cannot release or grade it.
    """
    from nbgrader.api import Gradebook

    with nbgrader_api(course, away) as api:
        shutil.copytree(course.source / assignment, away / "source" / assignment)
        _must(api.generate_assignment, assignment, force=True, create=True)
        shutil.copytree(course.source / assignment, away / "submitted" / "solution" / assignment)
        _must(api.autograde, assignment, "solution")
        with Gradebook(f"sqlite:///{away}/gradebook.db") as gradebook:
            submission = gradebook.find_submission(assignment, "solution")
            return {
                notebook.name: {grade.name: grade.auto_score for grade in notebook.grades}
                for notebook in submission.notebooks
            }


class Comparison:
    """``marks_of_solution`` in a process beside this one, which goes on meanwhile.

    nbgrader changes the working folder and the environment of the process that it runs in, hence
    the other process. It is a fork, which has what this one has imported: to import nbgrader anew
    takes as long as to grade.

    Args:
        course: the course; nothing of it is written.
        assignment: which one.
    """

    def __init__(self, course: Course, assignment: str):
        import multiprocessing  # which looks at the system when it is imported

        self.assignment = assignment
        self.away = tempfile.TemporaryDirectory(prefix="grader-", ignore_cleanup_errors=True)
        forks = multiprocessing.get_context("fork")
        self.answer, theirs = forks.Pipe(duplex=False)
        arguments = (theirs, os.getpid(), course, assignment, Path(self.away.name))
        self.process = forks.Process(target=_compare, args=arguments, daemon=True)
        self.process.start()
        theirs.close()

    def ready(self) -> bool:
        """Tell whether nbgrader has finished."""
        return self.answer.poll()

    def points(self) -> Points:
        """Wait for nbgrader and return the points that it gave.

        Raises:
            CannotRead: if nbgrader cannot release or grade the source.
        """
        try:
            answer = self.answer.recv()
        except EOFError:
            answer = _refused(self.assignment, "its process was ended")
        if isinstance(answer, CannotRead):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, whether it has finished or not, and remove its files."""
        self.process.kill()
        self.process.join()
        self.answer.close()
        self.away.cleanup()


def _compare(answer, parent: int, course: Course, assignment: str, away: Path) -> None:
    """Send the solution's points, or why there are none; called in a process of its own, which ends
    with its parent."""
    kernel.die_with_parent()
    if os.getppid() != parent:
        return  # the parent ended before it could be watched
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if (
            descriptor > 2 and descriptor != answer.fileno()
        ):  # the lock and the journal are not this process's to hold
            with contextlib.suppress(OSError):
                os.close(descriptor)
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the parent, which ends this process
    try:
        # In a context of its own: an event loop of the parent's, whose files are closed here, would
        # be gone on with.
        answer.send(contextvars.Context().run(marks_of_solution, course, assignment, away))
    except CannotRead as error:
        answer.send(error)
    except Exception as error:  # whatever else nbgrader meets in a source
        answer.send(_refused(assignment, f"{type(error).__name__}: {error}"))


def enter(course: Course, assignment: str) -> None:
    """Enter an assignment, or its changed source, into the course's gradebook, as ``nbgrader
    generate_assignment`` does.

    Raises:
        CannotRead: if nbgrader cannot release it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="grader-") as away,
        nbgrader_api(course, Path(away), course.db_url) as api,
    ):
        shutil.copytree(course.source / assignment, Path(away) / "source" / assignment)
        _must(api.generate_assignment, assignment, force=True, create=True)


@contextlib.contextmanager
def nbgrader_api(course: Course, away: Path, db_url: str | None = None):
    """Give nbgrader's API for a folder of its own with the course's settings, quiet, in the
    environment that they set."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    config = Config(course.config)
    config.CourseDirectory.root = str(away)
    config.CourseDirectory.db_url = db_url or f"sqlite:///{away / 'gradebook.db'}"
    config.Exchange.root = str(away)
    config.Application.log_level = "ERROR"
    config.KernelManager.transport_encryption = (
        "auto"  # whoever is on this machine too cannot listen to the solution
    )
    number_schema(config.CourseDirectory.db_url)
    with tools_on_path(course.environment):
        api = NbGraderAPI(config=config)
        api.log.setLevel(logging.ERROR)
        yield api


def number_schema(db_url: str) -> None:
    """Give a database that is still empty the number of nbgrader's schema; the tables are left to
    nbgrader.

    nbgrader asks the command alembic for that number, in a process that takes longer than it takes
    to grade several submissions. Where the number is there, it does not ask.

    Args:
        db_url: address of the gradebook.
    """
    from sqlalchemy import create_engine, inspect, text

    engine = create_engine(db_url)
    with engine.connect() as connection:
        if not inspect(connection).get_table_names():
            from alembic.script import ScriptDirectory
            from nbgrader.dbutil import ALEMBIC_DIR

            number = ScriptDirectory(ALEMBIC_DIR).get_current_head()
            connection.rollback()
            if (
                engine.dialect.name == "sqlite"
            ):  # its driver would write the table without the number in it
                connection.exec_driver_sql("BEGIN")
            connection.execute(
                text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            )
            connection.execute(
                text("INSERT INTO alembic_version (version_num) VALUES (:number)"),
                {"number": number},
            )
            connection.commit()
    engine.dispose()


@contextlib.contextmanager
def tools_on_path(environment: dict[str, str] | None = None):
    """Let nbgrader find the command alembic, which it calls for a new gradebook, also where the
    environment is not activated.

    Args:
        environment: variables to set besides.
    """
    before = dict(os.environ)
    os.environ.update(environment or {})
    os.environ["PATH"] = sysconfig.get_path("scripts") + os.pathsep + os.environ.get("PATH", "")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _must(action, assignment: str, *arguments, **settings) -> None:
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        result = action(assignment, *arguments, **settings)
    if not result["success"]:
        raise _refused(assignment, result.get("error") or result.get("log") or told.getvalue())


def _refused(assignment: str, why: str) -> CannotRead:
    return CannotRead(
        f"nbgrader refuses the source of {assignment}: {why[-1500:]}",
        f"nbgrader refuse la source de {assignment} : {why[-1500:]}",
    )
