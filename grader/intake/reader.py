"""Reads archives and notebooks that learners sent in a sealed process."""

import contextlib
import os
import socket
from pathlib import Path

import msgspec

from grader.intake import archives, notebook_ids, problems
from grader.intake.problems import ArchiveEntry, Unreadable
from grader.sandbox.channel import BadMessage, Channel, Gone, TooSlow
from grader.sandbox.forkserver import View
from grader.sandbox.limits import Limits
from grader.sandbox.sandbox import MOST_KILLED, Process, Sandbox

_LIMITS = Limits(seconds=600, memory=1 << 30)
_PATIENCE = 120.0  # seconds for one question; a list of 100,000 names takes a few


class ListArchive(msgspec.Struct, tag=True):
    """List the archive."""


class ReadEntry(msgspec.Struct, tag=True):
    """Read one file of the archive."""

    entry: ArchiveEntry


class NameCells(msgspec.Struct, tag=True):
    """Name a notebook's graded cells."""

    notebook: bytes


class ReaderAnswer(msgspec.Struct):
    """What was asked for, or the problem: a key of ``problems.PROBLEMS``."""

    entries: list[ArchiveEntry] = []
    content: bytes = b""
    names: list[str] = []
    problem: str = ""


def serve(end: int, archive: int, limits: Limits) -> None:
    """Answer questions about one archive until the other side hangs up; to be called in a sealed
    process.

    Args:
        end: socket to who asks, as a descriptor.
        archive: the archive, as a descriptor.
        limits: what this process may use.
    """
    channel = Channel(socket.socket(fileno=end), ListArchive | ReadEntry | NameCells)
    with contextlib.suppress(Gone):
        while True:
            channel.send(_answer(channel.receive(), archive))


def _answer(question, archive: int) -> ReaderAnswer:
    try:
        if isinstance(question, ListArchive):
            return ReaderAnswer(entries=archives.list_archive(archive))
        if isinstance(question, ReadEntry):
            return ReaderAnswer(content=archives.read_entry(archive, question.entry))
        return ReaderAnswer(names=notebook_ids.grade_ids(question.notebook))
    except Unreadable as error:
        return ReaderAnswer(problem=str(error))
    except Exception:  # whatever a hostile file makes the libraries say
        return ReaderAnswer(problem="broken")


class SealedReader:
    """Reads archives and notebooks in a sealed process, which is made anew where a file has ended
    it.

    Folders are walked in this process: their files are read as bytes, and nothing in them is
    interpreted.

    Raises:
        CannotConfine: if this machine cannot confine it.
    """

    def __init__(self):
        self.sandbox = Sandbox(View(preload=["grader.intake.reader"]))
        self.process: Process | None = None
        self.source: Path | None = None

    def list_archive(self, path: Path) -> list[ArchiveEntry]:
        """List an archive's or folder's files."""
        return (
            archives.list_archive(path) if path.is_dir() else self._ask(path, ListArchive()).entries
        )

    def read_entry(self, path: Path, entry: ArchiveEntry) -> bytes:
        """Read one of them."""
        return (
            archives.read_entry(path, entry)
            if path.is_dir()
            else self._ask(path, ReadEntry(entry)).content
        )

    def grade_ids(self, data: bytes) -> list[str]:
        """Name a notebook's graded cells; none where it cannot be read."""
        try:
            return self._ask(self.source, NameCells(data)).names
        except Unreadable:
            return []

    def close(self) -> None:
        """End the processes."""
        self.sandbox.close()

    def _ask(self, path: Path | None, question) -> ReaderAnswer:
        for _ in range(MOST_KILLED):
            if self.process is None or path != self.source:
                self._begin(path)
            try:
                answer = self.process.channel.ask(question, _PATIENCE)
            except (Gone, TooSlow, BadMessage) as error:
                if self._forget(leaving=isinstance(error, Gone)):
                    continue
                raise Unreadable("broken") from error
            if answer.problem:
                raise Unreadable(
                    answer.problem if answer.problem in problems.PROBLEMS else "broken"
                )
            return answer
        raise Unreadable("broken")

    def _begin(self, path: Path | None) -> None:
        self._forget()
        try:
            archive = os.open(path or os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Unreadable("broken") from error
        try:
            self.process = self.sandbox.process(
                "grader.intake.reader:serve", _LIMITS, archive, expects=ReaderAnswer
            )
        finally:
            os.close(archive)
        self.source = path

    def _forget(self, leaving: bool = False) -> bool:
        """End the process; tell whether somebody else had killed it."""
        process, self.process = self.process, None
        return process is not None and process.end(leaving).killed
