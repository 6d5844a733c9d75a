"""The journal of grading: one line for each change, appended and never rewritten."""

import contextlib
import os
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from grader.marking.hints import Hint

STATES = ("running", "graded", "failed", "forgotten")


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: a submission's state, and what made it.

    Args:
        assignment: its name.
        student: the learner's id.
        state: one of ``STATES``.
        time: when, ISO 8601 in UTC.
        submission: hash of what was handed in.
        tests: hash of the tests, their data and set-up.
        environment: hash of the packages that ran.
        marks: automatic points by ``"notebook/grade id"``; None for those that a person gives.
        maximum: points to be had by the same names.
        live: names of the marks whose test ran beside the learner's code.
        errors: message of each failed test, by the same names.
        hints: what the learner may be told of them, by the same names.
        cause: a key of ``causes.CAUSES``: why it failed, or ended early; "" if all went well.
        detail: where.
        late: seconds after the due date.
        notes: what else a person should know, as ``[cause, where]``.
        written: names of the marked notebooks, in the submission's folder of ``autograded``.
    """

    assignment: str
    student: str
    state: str
    time: str = ""
    submission: str = ""
    tests: str = ""
    environment: str = ""
    marks: dict[str, float | None] = {}
    maximum: dict[str, float] = {}
    live: list[str] = []
    errors: dict[str, str] = {}
    hints: dict[str, Hint] = {}
    cause: str = ""
    detail: str = ""
    late: float = 0.0
    notes: list[tuple[str, str]] = []
    written: list[str] = []


class Journal:
    """An append-only file of entries, each line with its checksum; a line torn by a crash is passed
    over and closed.

    Args:
        path: the file; made with its folder if absent.

    Raises:
        OSError: if it cannot be read or written.
    """

    def __init__(self, path: Path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.latest: dict[tuple[str, str], Entry] = {}
        self.broken = 0  #: lines that do not read
        torn = self._load()
        self.file = open(path, "ab", buffering=0)  # noqa: SIM115
        if torn:
            self.file.write(b"\n")

    def _load(self) -> bool:
        line = b"\n"
        with contextlib.suppress(FileNotFoundError), open(self.path, "rb") as lines:
            for line in lines:
                entry = _read_line(line)
                if entry is None:
                    self.broken += line.strip() != b""
                else:
                    self.latest[entry.assignment, entry.student] = entry
        return not line.endswith(b"\n")

    def append(self, entries: Iterable[Entry], settled: bool = True) -> None:
        """Add entries.

        Args:
            entries: in order.
            settled: whether they are on the disk when this returns; what only tells that a thing
                has begun need not be.

        Raises:
            OSError: if the disk is full; the entries may then be there or not, never half.
        """
        entries = [msgspec.structs.replace(entry, time=entry.time or now()) for entry in entries]
        data = b"".join(map(_line, entries))
        if data:
            _write_all(self.file, data)
            if settled:
                os.fsync(self.file.fileno())
        for entry in entries:
            self.latest[entry.assignment, entry.student] = entry

    def of(self, assignment: str) -> dict[str, Entry]:
        """Return the last entry of each learner for an assignment, by id."""
        return {
            student: entry
            for (name, student), entry in self.latest.items()
            if name == assignment and entry.state != "forgotten"
        }

    def history(self) -> list[Entry]:
        """Return all entries in order."""
        with open(self.path, "rb") as lines:
            return [entry for entry in map(_read_line, lines) if entry is not None]

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def rewrite(path: Path, entries: Iterable[Entry]) -> None:
    """Write a journal anew, whole, in one step: for `grader forget` alone."""
    fresh = path.with_name(path.name + ".new")
    with open(fresh, "wb") as file:
        file.writelines(map(_line, entries))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def now() -> str:
    """Return the time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _line(entry: Entry) -> bytes:
    try:
        body = msgspec.json.encode(entry)
    except UnicodeEncodeError:  # a message may quote the name of a file that is no Unicode
        body = msgspec.json.encode(msgspec.convert(_encodable(msgspec.to_builtins(entry)), Entry))
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _encodable(value):
    """Return plain data whose texts any encoding of Unicode takes, what it does not take spelled
    out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list) else value


def _read_line(line: bytes) -> Entry | None:
    check, _, body = line.rstrip(b"\n").partition(b" ")
    with contextlib.suppress(ValueError, msgspec.MsgspecError):
        if int(check, 16) == zlib.crc32(body):
            return msgspec.json.decode(body, type=Entry)
    return None


def _write_all(file, data: bytes) -> None:
    while data:
        data = data[file.write(data) :]
