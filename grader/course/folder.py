"""A course folder as nbgrader lays it out: its settings, its assignments' sources, what was handed
in."""

import contextlib
import copy
import errno
import hashlib
import importlib.metadata
import io
import os
import platform
import re
import site
import stat
import sys
import zipfile
import zoneinfo
from pathlib import Path

import msgspec

from commons.errors import BilingualError, CannotWrite
from commons.places import learner_libraries
from commons.wording import visible
from grader.marking.model import MOST_NOTEBOOK, Job, SourceCell, SourceNotebook
from grader.sandbox.files import python_folders
from grader.sandbox.forkserver import View
from grader.sandbox.limits import Limits

MOST_FILES, MOST_FILE_BYTES = (
    200,
    64 << 20,
)  #: what a submission may hold besides the assignment's own notebooks
MOST_NOTEBOOKS = (
    20  #: notebooks of other names, looked through where one of the assignment's is missing
)
MOST_NAMES, MOST_DEPTH, MOST_PATH = (
    2_000,
    20,
    1_000,
)  #: names looked at, folders in folders, bytes of a path
MOST_TIMESTAMP, MOST_TOLD = 4_096, 20  #: bytes of timestamp.txt, and names that a report lists
MOST_ID = 128  #: characters of a learner's id, as nbgrader's gradebook has it
_JOINERS = "\u200c\u200d"  # invisible, and some alphabets need them
_OF_THE_MACHINE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
_IGNORED = {
    ".ipynb_checkpoints",
    "__pycache__",
    ".DS_Store",
    "Thumbs.db",
    "timestamp.txt",
    "feedback",
}


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
            and not _IGNORED & set(path.relative_to(folder).parts)
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
            _add(digest, path.name, path.read_bytes())
        _add(digest, "data", self.data(assignment))
        for folder in map(Path, self.view.readable):
            for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
                if path.is_file():
                    _add(digest, str(path.relative_to(folder)), path.read_bytes())
        for name, value in sorted(self.view.environment.items()):
            _add(digest, name, b"" if Path(value).is_absolute() else value.encode())
        return digest.hexdigest()


def _add(digest, name: str, data: bytes) -> None:
    digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
    digest.update(data)


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


def packed(folder: Path, paths: list[Path]) -> bytes:
    """Return files as a ZIP, named by their place in a folder; the same files give the same
    bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            about = zipfile.ZipInfo(str(path.relative_to(folder)), date_time=(1980, 1, 1, 0, 0, 0))
            about.external_attr = 0o644 << 16
            archive.writestr(about, path.read_bytes())
    return data.getvalue()


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


# The source ---------------------------------------------------------------------------------------


def read_source(course: Course, path: Path) -> tuple[SourceNotebook, dict[int, str]]:
    """Read a source notebook as marking needs it.

    Args:
        course: for its settings (stubs, delimiters).
        path: the notebook.

    Returns:
        The notebook with stubs in place of solutions, and each solution cell's own text by its
        number.

    Raises:
        CannotRead: if nbgrader would refuse it.
    """
    import nbformat  # slow, as nbgrader's own modules are
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, ComputeChecksums, LockCells

    try:
        notebook = nbformat.read(path, as_version=4)
        solved = [cell.source for cell in notebook.cells]
        resources: dict = {}
        for step in (LockCells, ClearSolutions, ComputeChecksums):
            notebook, resources = step(config=course.config).preprocess(notebook, resources)
        released, _ = ClearHiddenTests(config=course.config).preprocess(
            copy.deepcopy(notebook), resources
        )
    except Exception as error:
        raise CannotRead(
            f"nbgrader cannot release {path}: {error}. Correct the notebook and try again.",
            f"nbgrader ne peut pas publier {path} : {error}. Corrigez le carnet et réessayez.",
        ) from error
    cells = [
        _source_cell(cell, shown.source)
        for cell, shown in zip(notebook.cells, released.cells, strict=True)
    ]
    solutions = {
        at: solved[at]
        for at, cell in enumerate(cells)
        if cell.kind == "code" and cell.role in ("solution", "manual")
    }
    metadata = {
        key: notebook.metadata[key]
        for key in ("kernelspec", "language_info")
        if key in notebook.metadata
    }
    return SourceNotebook(path.stem, cells, metadata), solutions


def _source_cell(cell, visible: str) -> SourceCell:
    about = cell.metadata.get("nbgrader", {})
    grade, solution = about.get("grade", False), about.get("solution", False)
    if "grade_id" not in about or not (
        grade or solution or about.get("locked") or about.get("task")
    ):
        return SourceCell("plain", cell.cell_type, cell.source, id=cell.get("id"))
    role = (
        "task"
        if about.get("task")
        else ("manual" if solution else "test")
        if grade
        else "solution"
        if solution
        else "locked"
    )
    known = {
        key: about[key]
        for key in (
            "schema_version",
            "grade_id",
            "grade",
            "solution",
            "locked",
            "task",
            "points",
            "cell_type",
        )
        if key in about
    }
    return SourceCell(
        role,
        cell.cell_type,
        cell.source,
        about["grade_id"],
        float(about.get("points") or 0),
        about.get("checksum"),
        metadata=known,
        visible=visible if role in ("test", "locked") else "",
        id=cell.get("id"),
    )


# What was handed in -------------------------------------------------------------------------------


class Handed(msgspec.Struct):
    """A submission's bytes.

    Args:
        job: what to mark.
        hash: of all its files that count.
        timestamp: the text of timestamp.txt, None if there is none.
        problem: a key of ``coordinator.CAUSES`` where it cannot be read at all.
        detail: which file.
        left_out: names, fit to be shown, of what was not taken: for its name, its size, its number,
            or because the course has a folder where this is a file, or the other way round. At most
            ``MOST_TOLD``, then « … ».
    """

    job: Job
    hash: str
    timestamp: str | None = None
    problem: str = ""
    detail: str = ""
    left_out: list[str] = []

    def leave_out(self, name: str) -> None:
        """Note what was not taken."""
        if len(self.left_out) < MOST_TOLD:
            self.left_out.append(visible(name)[:200])
        elif len(self.left_out) == MOST_TOLD:
            self.left_out.append("…")


def is_usable(student: str) -> bool:
    """Tell whether a folder's name can be a learner's id: in files, in a gradebook, and on a
    screen."""
    return 0 < len(student) <= MOST_ID and visible(student) == student and "\\" not in student


def shown_id(name: str) -> str:
    """Return the id that a folder's name is; where it can be none, the name spelled out, each name
    in its own way."""
    return name if is_usable(name) else visible(name.replace("\\", "\\\\"))


def read_submission(course: Course, assignment: str, student: str) -> Handed:
    """Read a submission's files: regular files alone, no link followed, nothing larger than the
    limits.

    The assignment's own notebooks are always read. Of all else there is a limit on the number of
    names looked at, on the notebooks and files taken, and on their bytes together; what is not
    taken is noted.
    """
    handed = Handed(Job(student, {}, {}), "")
    if not is_usable(student):
        handed.problem, handed.detail = "id", student
        return handed
    try:
        _Reading(course, assignment, handed).all()
    except (
        OSError,
        ValueError,
    ) as error:  # whatever a file system says of one learner's folder is about that folder
        handed.problem, handed.detail = (
            "file",
            visible(getattr(error, "strerror", None) or str(error))[:200],
        )
    return handed


class _Reading:
    """One submission while it is read."""

    def __init__(self, course: Course, assignment: str, handed: Handed):
        self.folder = course.submitted / handed.job.student / assignment
        self.handed, self.job = handed, handed.job
        self.own = {path.name: path.stem for path in course.notebooks(assignment)}
        self.courses, self.courses_folders = course.data_names(assignment)
        self.left = MOST_FILE_BYTES  # bytes, of all that is not the assignment's own notebooks
        self.others = 0

    def all(self) -> None:
        handed = self.handed
        if self.folder.is_symlink() or self.folder.parent.is_symlink() or not self.folder.is_dir():
            handed.problem, handed.detail = "link", self.folder.name
            return
        taken = {name: data for name in self.own if (data := self.own_notebook(name)) is not None}
        if (stamp := self.time()) is not None:
            taken["timestamp.txt"] = stamp
        rest = [name for name in _walk(self.folder, handed.leave_out) if name not in self.own]
        for name in rest:
            data = self.other(name)
            if data is not None:
                taken[name] = data
        digest = hashlib.sha256()
        for name in [
            *sorted(name for name in taken if "/" not in name),
            *(name for name in rest if "/" in name),
        ]:
            if name in taken:
                _add(digest, name, taken[name])
        handed.hash = digest.hexdigest()

    def own_notebook(self, name: str) -> bytes | None:
        path = self.folder / name
        data = read_regular(path, MOST_NOTEBOOK)
        if data is not None:
            self.job.notebooks[self.own[name]] = data
        elif os.path.lexists(path):
            self.handed.problem, self.handed.detail = "file", name
        return data

    def time(self) -> bytes | None:
        path = self.folder / "timestamp.txt"
        data = read_regular(path, MOST_TIMESTAMP)
        if data is not None:
            self.handed.timestamp = (
                _harmless_time(data[:200].decode("utf-8", "replace").strip()) or None
            )
        elif os.path.lexists(path):
            self.handed.leave_out("timestamp.txt")
        return data

    def other(self, name: str) -> bytes | None:
        """Take a file that is none of the assignment's own notebooks; note it where it is not
        taken."""
        notebook = name.endswith(".ipynb")
        data = None
        if (self.fits_as_notebook(name) if notebook else self.fits(name)) and self.left > 0:
            data = read_regular(self.folder / name, self.left)
        if data is None:
            self.handed.leave_out(name)
            return None
        self.left -= len(data)
        if notebook:
            self.others += 1
            self.job.notebooks.setdefault(
                visible(name if "/" in name else name.removesuffix(".ipynb")), data
            )
        else:
            self.job.files[name] = data
        return data

    def fits_as_notebook(self, name: str) -> bool:
        return self.others < MOST_NOTEBOOKS and len(os.fsencode(name)) <= MOST_PATH

    def fits(self, name: str) -> bool:
        """Tell whether a data file can be handed on: by its name, and by what the course
        has there."""
        above = [name[:at] for at, mark in enumerate(name) if mark == "/"]
        return (
            len(self.job.files) < MOST_FILES
            and visible(name, _JOINERS) == name
            and len(name.encode()) <= MOST_PATH
            and name not in self.courses_folders
            and not self.courses.intersection(above)
        )


def _harmless_time(text: str) -> str:
    """Return a time as text that nbgrader may read: what follows as its zone names no file."""
    day, space, zone = text.rpartition(" ")
    if "/" in zone and zone not in zoneinfo.available_timezones():
        return f"{day}{space}{zone.replace('/', '?')}" if space else text
    return text


def _walk(folder: Path, leave_out) -> list[str]:
    """Return the paths of a folder's files, and no more than can be looked at, in an order that
    does not change.

    Args:
        folder: where.
        leave_out: is told the names of folders that are not looked into, or not to their end.
    """
    found: list[str] = []
    looked_at, folders = 0, [""]
    while folders:
        inside = folders.pop()
        files, below = [], []
        try:
            with os.scandir(folder / inside) as entries:
                for entry in entries:
                    looked_at += 1
                    if looked_at > MOST_NAMES:
                        leave_out(inside or folder.name)
                        return found + _sorted_files(files)
                    (below if entry.is_dir(follow_symlinks=False) else files).append(
                        f"{inside}{entry.name}"
                    )
        except OSError:
            leave_out(inside or folder.name)
        found += _sorted_files(files)
        for name in sorted(below, reverse=True):
            if name.rpartition("/")[2] in _IGNORED:
                continue
            if name.count("/") >= MOST_DEPTH or len(os.fsencode(name)) > MOST_PATH:
                leave_out(name)
            else:
                folders.append(f"{name}/")
            if name.endswith(".ipynb"):
                leave_out(name)
    return found


def _sorted_files(names: list[str]) -> list[str]:
    return sorted(name for name in names if name.rpartition("/")[2] not in _IGNORED)


def read_regular(path: Path, most: int) -> bytes | None:
    """Return a regular file's bytes, or None if it is none, is larger, or cannot be read.

    A link is never followed, and a file of two names is not taken: the other name may be the
    instructor's.
    """
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if stat.S_ISREG(about.st_mode) and about.st_nlink == 1 and about.st_size <= most:
                data = file.read(most + 1)
                return data if len(data) <= most else None
    return None


def of_the_machine(error: Exception) -> bool:
    """Tell whether an error is about the whole disk or system, so that the next file would fare no
    better."""
    return isinstance(error, OSError) and error.errno in _OF_THE_MACHINE


def put(path: Path, data: bytes) -> None:
    """Write a file whole, in one step.

    Raises:
        CannotWrite: if it cannot be; what was there is as it was.
    """
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[
        :8
    ]  # the whole name may be as long as names can be
    fresh = path.with_name(f".{name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise CannotWrite(path.parent, error) from error


__all__ = [
    "MOST_NOTEBOOK",
    "CannotRead",
    "Course",
    "Handed",
    "NoCourse",
    "hash_of_environment",
    "is_usable",
    "of_the_machine",
    "packed",
    "put",
    "read_regular",
    "read_source",
    "read_submission",
    "shown_id",
]
