"""Lists and reads the files of an archive or a folder that learners sent.

They are hostile: archives are read in a sealed process (``reader.py``), and no name in one becomes
a path here.
"""

import os
import stat
import unicodedata
import zlib
from collections import Counter
from pathlib import Path

from grader.intake.problems import (
    MOST_ENTRIES,
    MOST_OF_A_FILE,
    ArchiveEntry,
    Unreadable,
    problem_of_mode,
    problem_of_name,
)
from grader.intake.zip_files import list_zip, read_zipped


def list_archive(path: Path | int) -> list[ArchiveEntry]:
    """List the files of a ZIP archive or a folder; what must not be read is listed with its
    problem.

    Args:
        path: an archive (or a descriptor of one), or a folder, which is walked without following
            links.

    Raises:
        Unreadable: if it is neither, or has more than 100,000 entries.
    """
    entries = _list_folder(path) if os.path.isdir(path) else list_zip(path)
    files = Counter(_same(entry.name) for entry in entries)
    return [
        entry
        if entry.problem
        or (files[_same(entry.name)] == 1 and not clashes(_same(entry.name), files))
        else entry._replace(problem="duplicate")
        for entry in entries
    ]


def _same(name: str) -> str:
    """What two names share that are one file on some system."""
    return unicodedata.normalize("NFC", name).casefold()


def clashes(name: str, files) -> bool:
    """Tell whether a file's folder, or a folder above it, is a file itself."""
    return any(name[:at] in files for at, mark in enumerate(name) if mark == "/")


def _list_folder(root: Path) -> list[ArchiveEntry]:
    entries, closed = [], []
    for folder, folders, files in os.walk(root, onerror=closed.append, followlinks=False):
        folders.sort()
        for name in sorted(
            files + [each for each in folders if os.path.islink(os.path.join(folder, each))]
        ):
            path = os.path.join(folder, name)
            inside = _inside(path, root)
            try:
                about = os.lstat(path)
            except OSError:  # gone meanwhile, or its path is longer than the system takes
                entries.append(ArchiveEntry(inside, problem="broken"))
                continue
            problem = problem_of_mode(about.st_mode) or ("link" if about.st_nlink > 1 else "")
            problem = (
                problem
                or problem_of_name(inside)
                or ("size" if about.st_size > MOST_OF_A_FILE else "")
            )
            entries.append(
                ArchiveEntry(inside, when=about.st_mtime, problem=problem, size=about.st_size)
            )
            if len(entries) > MOST_ENTRIES:
                raise Unreadable("total")
    return entries + [
        ArchiveEntry(_inside(error.filename, root), problem="broken") for error in closed
    ]


def _inside(path: str, root: Path) -> str:
    """Return a path as names in an archive are; what is no Unicode is spelled out, and refused for
    its backslashes."""
    name = os.path.relpath(path, root).replace(os.sep, "/")
    return name.encode("utf-8", "backslashreplace").decode()


def read_entry(path: Path | int, entry: ArchiveEntry) -> bytes:
    """Read one file of an archive or a folder, counting what really comes.

    Args:
        path: the archive (or a descriptor of one) or folder.
        entry: as ``list_archive`` gave it.

    Raises:
        Unreadable: if it is damaged, bigger than 20 MB, or unpacks to more than 200 times its
            weight.
    """
    try:
        if os.path.isdir(path):
            return _read_file(os.path.join(path, *entry.name.split("/")))
        return read_zipped(path, entry)
    except (OSError, ValueError, zlib.error) as error:
        raise Unreadable("broken") from error


def _read_file(path: str) -> bytes:
    descriptor = os.open(
        path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    )
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
            raise Unreadable("link" if about.st_nlink > 1 else "special")
        content = file.read(MOST_OF_A_FILE + 1)
    if len(content) > MOST_OF_A_FILE:
        raise Unreadable("size")
    return content
