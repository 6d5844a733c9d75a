"""nbgrader's own autograde on the source's own solution, in a course of its own: what every other way of marking is
held to."""

import contextlib
import io
import logging
import os
import shutil
import sysconfig
import tempfile
from pathlib import Path

from grader.course import CannotRead, Course


def marks_of_solution(course: Course, assignment: str) -> dict[str, dict[str, float | None]]:
    """Grade an assignment's own solution with ``nbgrader autograde``.

    Args:
        course: the course; nothing of it is written.
        assignment: which one.

    Returns:
        Automatic points by notebook and grade id.

    Raises:
        CannotRead: if nbgrader cannot release or grade it.
    """
    from nbgrader.api import Gradebook

    with tempfile.TemporaryDirectory(prefix="grader-") as away, nbgrader_api(course, Path(away)) as api:
        shutil.copytree(course.source / assignment, Path(away) / "source" / assignment)
        _must(api.generate_assignment, assignment, force=True, create=True)
        shutil.copytree(course.source / assignment, Path(away) / "submitted" / "solution" / assignment)
        _must(api.autograde, assignment, "solution")
        with Gradebook(f"sqlite:///{away}/gradebook.db") as gradebook:
            submission = gradebook.find_submission(assignment, "solution")
            return {
                notebook.name: {grade.name: grade.auto_score for grade in notebook.grades}
                for notebook in submission.notebooks
            }


def enter(course: Course, assignment: str) -> None:
    """Enter an assignment, or its changed source, into the course's gradebook, as ``nbgrader generate_assignment``
    does.

    Raises:
        CannotRead: if nbgrader cannot release it.
    """
    with tempfile.TemporaryDirectory(prefix="grader-") as away, nbgrader_api(course, Path(away), course.db_url) as api:
        shutil.copytree(course.source / assignment, Path(away) / "source" / assignment)
        _must(api.generate_assignment, assignment, force=True, create=True)


@contextlib.contextmanager
def nbgrader_api(course: Course, away: Path, db_url: str | None = None):
    """Give nbgrader's API for a folder of its own with the course's settings, quiet, in the environment that they
    set."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    config = Config(course.config)
    config.CourseDirectory.root = str(away)
    config.CourseDirectory.db_url = db_url or f"sqlite:///{away / 'gradebook.db'}"
    config.Exchange.root = str(away)
    config.Application.log_level = "ERROR"
    config.KernelManager.transport_encryption = "auto"  # whoever is on this machine too cannot listen to the solution
    with tools_on_path(course.environment):
        api = NbGraderAPI(config=config)
        api.log.setLevel(logging.ERROR)
        yield api


@contextlib.contextmanager
def tools_on_path(environment: dict[str, str] | None = None):
    """Let nbgrader find the command alembic, which it calls for a new gradebook, also where the environment is not
    activated.

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
        why = result.get("error") or result.get("log") or told.getvalue()
        raise CannotRead(
            f"nbgrader refuses the source of {assignment}: {why[-1500:]}",
            f"nbgrader refuse la source de {assignment} : {why[-1500:]}",
        )
