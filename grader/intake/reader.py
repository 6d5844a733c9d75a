"""Reads archives and notebooks that learners sent in a sealed process."""

import contextlib
import os
import socket
from pathlib import Path

import msgspec

from grader.intake import archives, notebook_ids, problems
from grader.intake.problems import ArchiveEntry, Unreadable
from grader.marking.protocol import BorderError, Channel, Gone, TooSlow
from grader.sandbox.forkserver import Surroundings, Zygote
from grader.sandbox.linux import Limits

_LIMITS = Limits(seconds=600, memory=1 << 30)
#: times that a process, or the warm one, may be killed by somebody else before a question is given
# up
MOST_KILLED = 10
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


def ask_once(zygote: Zygote, function: str, limits: Limits, question, answers, seconds: float):
    """Ask a sealed process of its own one question, and end it.

    Args:
        zygote: the warm process to fork it from.
        function: ``module:name``, called with its end of a socket and the limits.
        limits: what it may use.
        question: a struct.
        answers: type of the answer.
        seconds: to wait for it.

    Returns:
        The answer; None if it gave none of that form, or ended first. Where somebody else killed
        it, it is asked again.

    Raises:
        ZygoteLost: if the warm process has ended.
    """
    for _ in range(MOST_KILLED):
        answer = None
        here, theirs = socket.socketpair()
        with here, theirs:
            number = zygote.start(function, limits, [theirs.fileno()])
            theirs.close()
            with contextlib.suppress(Gone, TooSlow, BorderError):
                answer = Channel(here, answers).ask(question, seconds)
            killed = zygote.end(number, leaving=answer is None).killed
        if answer is not None or not killed:
            break
    return answer


class SealedReader:
    """Reads archives and notebooks in a sealed process, which is made anew where a file has ended
    it.

    Folders are walked in this process: their files are read as bytes, and nothing in them is
    interpreted.

    Raises:
        CannotConfine: if this machine cannot confine it.
    """

    def __init__(self):
        self.zygote = Zygote(Surroundings(modules=["grader.intake.reader"]))
        self.channel: Channel | None = None
        self.source: Path | None = None
        self.number = 0

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
        if self.channel is not None:
            self.channel.close()
        self.zygote.close()

    def _ask(self, path: Path | None, question) -> ReaderAnswer:
        for _ in range(MOST_KILLED):
            if self.channel is None or path != self.source:
                self._begin(path)
            try:
                answer = self.channel.ask(question, _PATIENCE)
            except (Gone, TooSlow, BorderError) as error:
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
        here, theirs = socket.socketpair()
        try:
            archive = os.open(path or os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Unreadable("broken") from error
        with theirs:
            self.number = self.zygote.start(
                "grader.intake.reader:serve", _LIMITS, [theirs.fileno(), archive]
            )
        os.close(archive)
        self.channel, self.source = Channel(here, ReaderAnswer), path

    def _forget(self, leaving: bool = False) -> bool:
        """End the process; tell whether somebody else had killed it."""
        if self.channel is None:
            return False
        self.channel.close()
        self.channel = None
        return self.zygote.end(self.number, leaving).killed
