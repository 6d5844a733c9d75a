"""A course's folder as nbgrader lays it out: settings, assignments, submissions."""

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import re
import site
import sys
from pathlib import Path

from commons.errors import BilingualError
from commons.places import learner_libraries
from grader.course.files import IGNORED, add_to_hash, packed
from grader.course.ids import shown_id
from grader.sandbox.files import python_folders
from grader.sandbox.forkserver import View
from grader.sandbox.limits import Limits


class NoCourse(BilingualError):
    """Raised when a folder is not an nbgrader course, or lacks an assignment asked for."""


class CannotRead(BilingualError):
    """Raised when a source notebook is not one that nbgrader can release."""


class Course:
    """An nbgrader course.

    Args:
        folder: where nbgrader_config.py is; a course without one has nbgrader's own settings.
        db: address of the gradebook, instead of the one in the settings: ``sqlite:///…`` or
            ``postgresql://…``.

    Raises:
        NoCourse: if there is no source/ in it, or its settings do not load.
    """

    def __init__(self, folder: Path | str, db: str | None = None):
        self.folder = Path(folder).resolve()
        self.config, self.environment = _settings(self.folder)
        self.root = Path(self.config.CourseDirectory.get("root") or self.folder).resolve()
        place = self.config.CourseDirectory.get
        self.source, self.submitted, self.autograded, self.feedback = (
            self.root / place(f"{step}_directory", step)
            for step in ("source", "submitted", "autograded", "feedback")
        )
        self.course_id = place("course_id", "")
        self.db_url = with_driver(
            db or place("db_url") or f"sqlite:///{self.root / 'gradebook.db'}"
        )
        self.state = self.root / ".grader"
        self._names: dict[str, tuple[set[str], set[str]]] = {}
        self.unmatched = self.state / "unmatched"  # what `grader collect` could give to nobody
        if not self.source.is_dir():
            raise NoCourse(
                f"{self.folder} is not a course: it has no folder source/. Give the course's "
                "folder with --course.",
                f"{self.folder} n’est pas un cours : le dossier source/ manque. Indiquez le "
                "dossier du cours avec --course.",
            )
        own = self.config.get("Grader", {})
        seconds = (
            self.config.get("Execute", {}).get("timeout")
            or self.config.get("ExecutePreprocessor", {}).get("timeout")
            or 30
        )
        self.limits = Limits(**{"cell_seconds": float(seconds), **own.get("limits", {})})
        environment = {
            name: self.environment[name]
            for name in own.get("environment", [])
            if name in self.environment
        }
        readable = [
            *own.get("readable", []),
            *(
                value
                for value in environment.values()
                if Path(value).is_absolute() and Path(value).exists()
            ),
        ]
        hidden = self._to_hide()
        self.view = View(
            sorted({str(Path(path).resolve()) for path in readable}),
            environment,
            hidden=sorted(map(str, hidden)),
        )
        self._refuse_to_show_itself()

    def _to_hide(self) -> list[Path]:
        """Return what learner code must not see even where Python itself is installed around it:
        the course, whole or, where Python lies inside it, in parts, and the folder through which
        nbgrader exchanges work.

        Raises:
            NoCourse: if Python lies in one of these parts.
        """
        python = python_folders(learner_libraries())
        release = self.root / self.config.CourseDirectory.get("release_directory", "release")
        exchange = Path(
            self.config.get("Exchange", {}).get("root") or "/usr/local/share/nbgrader/exchange"
        )
        whole = not any(folder.is_relative_to(self.root) for folder in python)
        parts = (
            [self.root]
            if whole
            else [
                self.source,
                self.submitted,
                self.autograded,
                self.feedback,
                self.state,
                self.root / "gradebook.db",
                self.root / "nbgrader_config.py",
                release,
            ]
        )
        parts += [] if exchange.resolve() == self.root else [exchange]
        found = [
            part.resolve() for part in (*parts, self.folder / "nbgrader_config.py") if part.exists()
        ]
        for part in found:
            for folder in python:
                if folder.is_relative_to(part):
                    raise NoCourse(
                        f"Python, which learner code needs, is installed inside {part}, which it "
                        "must not see. Install it elsewhere.",
                        f"Python, dont le code des copies a besoin, est installé dans {part}, que "
                        "ce code ne doit pas voir. Installez-le ailleurs.",
                    )
        return found

    def _refuse_to_show_itself(self) -> None:
        """Refuse settings that would let learner code read the course."""
        secret = [
            self.source,
            self.submitted,
            self.autograded,
            self.state,
            self.root / "gradebook.db",
        ]
        for path in map(Path, self.view.readable):
            for each in secret:
                if each.resolve().is_relative_to(path) or path.is_relative_to(each.resolve()):
                    raise NoCourse(
                        f"The course's settings let learner code read {path}, which holds "
                        f"{each.name}. Take it out of c.Grader.readable or c.Grader.environment.",
                        f"Les réglages du cours laissent le code des copies lire {path}, où se "
                        f"trouve {each.name}. Retirez-le de c.Grader.readable ou de "
                        "c.Grader.environment.",
                    )

    def assignments(self) -> list[str]:
        """Return the names of the assignments, in order."""
        return sorted(
            path.name
            for path in self.source.iterdir()
            if path.is_dir() and any(path.glob("*.ipynb"))
        )

    def notebooks(self, assignment: str) -> list[Path]:
        """Return an assignment's source notebooks, in order.

        Raises:
            NoCourse: if there is no such assignment.
        """
        found = (
            sorted((self.source / assignment).glob("*.ipynb"))
            if assignment and "/" not in assignment
            else []
        )
        if not found:
            known = ", ".join(self.assignments()) or "–"
            raise NoCourse(
                f"There is no assignment {assignment} in {self.source}. There are: {known}.",
                f"Il n’y a pas de devoir {assignment} dans {self.source}. Il y a : {known}.",
            )
        return found

    def data(self, assignment: str) -> bytes:
        """Return the assignment's own files beside its notebooks as a ZIP, the same bytes for the
        same files; b"" if none."""
        folder = self.source / assignment
        paths = self._data_paths(assignment)
        return packed(folder, paths) if paths else b""

    def _data_paths(self, assignment: str) -> list[Path]:
        folder = self.source / assignment
        return [
            path
            for path in sorted(folder.rglob("*"))
            if path.is_file()
            and path.suffix != ".ipynb"
            and not IGNORED & set(path.relative_to(folder).parts)
        ]

    def data_names(self, assignment: str) -> tuple[set[str], set[str]]:
        """Return the paths of the assignment's own files beside its notebooks, and of the folders
        that they are in."""
        if assignment not in self._names:
            folder = self.source / assignment
            files = {path.relative_to(folder) for path in self._data_paths(assignment)}
            folders = {above for path in files for above in path.parents} - {Path(".")}
            self._names[assignment] = (
                {path.as_posix() for path in files},
                {path.as_posix() for path in folders},
            )
        return self._names[assignment]

    def students(self, assignment: str) -> list[str]:
        """Return the ids of those who handed the assignment in.

        A folder whose name cannot be an id is there too, its name spelled out so that it can be
        told; ``is_usable`` says no of it, and so nothing of it is read.
        """
        found = []
        with (
            contextlib.suppress(FileNotFoundError, NotADirectoryError),
            os.scandir(self.submitted) as entries,
        ):
            for entry in entries:
                closed = os.path.isdir(entry.path) and not os.access(entry.path, os.X_OK)
                if not entry.name.startswith(".") and (
                    closed or os.path.lexists(f"{entry.path}/{assignment}")
                ):
                    found.append(shown_id(entry.name))
        return sorted(found)

    def hash_of_tests(self, assignment: str) -> str:
        """Return the hash of all that gives a mark: notebooks, data, and what their set-up may
        read."""
        digest = hashlib.sha256()
        for path in self.notebooks(assignment):
            add_to_hash(digest, path.name, path.read_bytes())
        add_to_hash(digest, "data", self.data(assignment))
        for folder in map(Path, self.view.readable):
            for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
                if path.is_file():
                    add_to_hash(digest, str(path.relative_to(folder)), path.read_bytes())
        for name, value in sorted(self.view.environment.items()):
            add_to_hash(digest, name, b"" if Path(value).is_absolute() else value.encode())
        return digest.hexdigest()


def _settings(folder: Path):
    """Return a course's settings, and the environment as they set it; this process's own stays as
    it was."""
    from traitlets.config import Config, PyFileConfigLoader

    if not (folder / "nbgrader_config.py").is_file():
        return Config(), dict(os.environ)
    before, path = dict(os.environ), list(sys.path)
    try:
        config = Config(PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config())
        return config, dict(os.environ)
    except Exception as error:
        raise NoCourse(
            f"The settings {folder / 'nbgrader_config.py'} do not load: {error}. Correct them and "
            "try again.",
            f"Les réglages {folder / 'nbgrader_config.py'} ne se chargent pas : {error}. "
            "Corrigez-les et réessayez.",
        ) from error
    finally:
        os.environ.clear()
        os.environ.update(before)
        sys.path[:] = path


def with_driver(address: str) -> str:
    """Return a database's address with the driver that this project installs, where it
    names none."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", address)


def hash_of_environment() -> str:
    """Return the hash of Python and of every package installed, with their versions.

    Only the folders of packages count: what a library puts on Python's path while it is imported is
    none of its own.
    """
    folders = [
        *site.getsitepackages(),
        *([site.getusersitepackages()] if site.ENABLE_USER_SITE else []),
    ]
    about = (
        each.metadata for each in importlib.metadata.distributions(path=folders)
    )  # read anew when asked for
    names = sorted({f"{each['Name']}=={each['Version']}" for each in about})
    return hashlib.sha256("\n".join([platform.python_version(), *names]).encode()).hexdigest()
