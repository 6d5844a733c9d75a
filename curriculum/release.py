"""Building what learners receive: each exercise without its solutions and hidden tests, in English and in French.

The course in exercises/ is an ordinary nbgrader course; what is added here is the French release, made from the same
master with its French cells in place, so that grade ids and test cells are the same bytes in both.
"""

import contextlib
import io
import logging
import os
import shutil
import tempfile
from pathlib import Path

from curriculum import notebooks, translation
from curriculum.lessons import ROOT

COURSE = ROOT / "exercises"
RELEASES = {"en": "release", "fr": "release-fr"}


class CannotRelease(Exception):
    """Raised when an exercise cannot be released; the message says which one and what nbgrader said."""


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
        in_gradebook: whether the English release enters the course's gradebook, as an instructor needs. The French
            one never does: its tests are the English ones, and one gradebook marks both.

    Returns:
        The released notebooks.

    Raises:
        CannotRelease: if an exercise is not in both languages, or nbgrader refuses it.
    """
    names = assignments(course)
    with _environment_kept(), tempfile.TemporaryDirectory() as away:
        elsewhere = None if in_gradebook and language == "en" else f"sqlite:///{Path(away) / 'gradebook.db'}"
        _generate(language, course, elsewhere, Path(away), names)
    if language == "fr":
        shutil.rmtree(course / ".source-fr")
    return [course / RELEASES[language] / name / f"{name}.ipynb" for name in names]


def _generate(language: str, course: Path, gradebook: str | None, exchange: Path, names: list[str]) -> None:
    """Let nbgrader generate each assignment from the masters of one language."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config, PyFileConfigLoader

    config = Config(PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config())
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.release_directory = RELEASES[language]
    if language == "fr":
        config.CourseDirectory.source_directory = _french_source(course, names).name
    if gradebook:
        config.CourseDirectory.db_url = gradebook
    config.Exchange.root = str(exchange)  # no exchange is used; nbgrader would warn of one that it cannot write to
    config.Application.log_level = "ERROR"
    api = NbGraderAPI(config=config)
    api.log.setLevel(logging.ERROR)
    for name in names:
        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            result = api.generate_assignment(name, force=True, create=True)
        if not result["success"]:
            raise CannotRelease(f"{name} ({language}): {result.get('error') or result.get('log') or told.getvalue()}")


@contextlib.contextmanager
def _environment_kept():
    """Undo what the course's configuration sets for grading: a learner's session must not read the altered tables."""
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


def _french_source(course: Path, names: list[str]) -> Path:
    """Write the French masters into a source folder of their own and return it."""
    folder = course / ".source-fr"
    shutil.rmtree(folder, ignore_errors=True)
    for name in names:
        shutil.copytree(course / "source" / name, folder / name)
        notebooks.write(french_master(course, name), folder / name / f"{name}.ipynb")
    return folder
