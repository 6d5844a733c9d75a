"""Building the exercises that learners receive, without solutions and hidden tests.

The course in exercises/ is an ordinary nbgrader course; what is added here is the French release,
made from the same master with its French cells in place, so that grade ids and test cells are the
same bytes in both.
"""

import contextlib
import io
import logging
import os
import shutil
import tempfile
from pathlib import Path

from commons.files import put
from curriculum import notebooks, translation
from curriculum.lessons import ROOT

COURSE = ROOT / "exercises"
RELEASES = {"en": "release", "fr": "release-fr"}


class CannotRelease(Exception):
    """Raised when an exercise cannot be released; the message says which one and what nbgrader
    said."""


def assignments(course: Path = COURSE) -> list[str]:
    """Return the names of the course's assignments, in order.

    Raises:
        CannotRelease: if the folder is not a course.
    """
    source = course / "source"
    if not (course / "nbgrader_config.py").is_file() or not source.is_dir():
        raise CannotRelease(
            f"{course} is not a course: it needs nbgrader_config.py and source/. / "
            f"{course} n’est pas un cours : il y faut nbgrader_config.py et source/."
        )
    return sorted(path.name for path in source.iterdir() if (path / f"{path.name}.ipynb").is_file())


def release(language: str, course: Path = COURSE, in_gradebook: bool = True) -> list[Path]:
    """Build one language's release of every assignment.

    Args:
        language: ``"en"`` or ``"fr"``.
        course: the nbgrader course.
        in_gradebook: whether the English release enters the course's gradebook, as an instructor
            needs. The French one never does: its tests are the English ones, and one gradebook
            marks both.

    Returns:
        The released notebooks.

    Raises:
        CannotRelease: if an exercise is not in both languages, or nbgrader refuses it.
    """
    names = assignments(course)
    released = []
    with _environment_kept(), tempfile.TemporaryDirectory() as away:
        _generate(language, course, Path(away), in_gradebook and language == "en", names)
        built = Path(away) / "release"
        for file in sorted(path for path in built.rglob("*") if path.is_file()):
            released.append(course / RELEASES[language] / file.relative_to(built))
            put(released[-1], file.read_bytes())
    return [file for file in released if file.suffix == ".ipynb"]


def _generate(
    language: str, course: Path, away: Path, in_gradebook: bool, names: list[str]
) -> None:
    """Let nbgrader generate each assignment in a course of its own, so that two builds
    never meet."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config, PyFileConfigLoader

    config = Config(PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config())
    own_gradebook = config.CourseDirectory.get("db_url") or f"sqlite:///{course / 'gradebook.db'}"
    config.CourseDirectory.root = str(away)
    config.CourseDirectory.db_url = (
        own_gradebook if in_gradebook else f"sqlite:///{away / 'gradebook.db'}"
    )
    config.Exchange.root = str(
        away
    )  # no exchange is used; nbgrader would warn of one that it cannot write to
    config.Application.log_level = "ERROR"
    for name in names:
        shutil.copytree(course / "source" / name, away / "source" / name)
        if language == "fr":
            notebooks.write(french_master(course, name), away / "source" / name / f"{name}.ipynb")
    api = NbGraderAPI(config=config)
    api.log.setLevel(logging.ERROR)
    for name in names:
        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            result = api.generate_assignment(name, force=True, create=True)
        if not result["success"]:
            raise CannotRelease(
                f"{name} ({language}): "
                f"{result.get('error') or result.get('log') or told.getvalue()}"
            )


@contextlib.contextmanager
def _environment_kept():
    """Undo what the course's configuration sets for grading: a learner's session must not read the
    altered tables."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def french_master(course: Path, name: str):
    """Return an assignment's master with its French cells in place.

    Raises:
        CannotRelease: if it has no French text, or the text does not fit.
    """
    english = notebooks.read(course / "source" / name / f"{name}.ipynb")
    text = course / "french" / f"{name}.ipynb"
    if not text.is_file():
        raise CannotRelease(f"{name} has no French text: {text} is not there")
    try:
        return translation.in_french(english, notebooks.read(text))
    except ValueError as error:
        raise CannotRelease(f"{name}: {error}") from error
