"""Reading what a learner handed in, bounded in number, size and depth."""

import contextlib
import errno
import hashlib
import os
import stat
import zoneinfo
from pathlib import Path

import msgspec

from commons.wording import visible
from grader.course.files import IGNORED, add_to_hash
from grader.course.folder import Course
from grader.course.ids import is_usable
from grader.marking.model import MOST_NOTEBOOK, Job

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


class Handed(msgspec.Struct):
    """A submission's bytes.

    Args:
        job: what to mark.
        hash: of all its files that count.
        timestamp: the text of timestamp.txt, None if there is none.
        problem: a key of ``causes.CAUSES`` where it cannot be read at all.
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
                add_to_hash(digest, name, taken[name])
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
            if name.rpartition("/")[2] in IGNORED:
                continue
            if name.count("/") >= MOST_DEPTH or len(os.fsencode(name)) > MOST_PATH:
                leave_out(name)
            else:
                folders.append(f"{name}/")
            if name.endswith(".ipynb"):
                leave_out(name)
    return found


def _sorted_files(names: list[str]) -> list[str]:
    return sorted(name for name in names if name.rpartition("/")[2] not in IGNORED)


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
