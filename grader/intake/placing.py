"""Puts a submission in its place in one step, and keeps the one that was there."""

import datetime
import os
import shutil
from pathlib import Path

from grader.course.handed_in import MOST_FILE_BYTES, MOST_TIMESTAMP, of_the_machine, read_regular
from grader.intake.archives import clashes


class Submission:
    """One person's submission of one assignment: what lies in ``submitted/``, and what
    comes to it."""

    def __init__(self, course: Path, student: str, assignment: str):
        self.course, self.student, self.assignment = course, student, assignment
        there = course / "submitted" / student / assignment
        files = {
            path.relative_to(there).as_posix(): path
            for path in sorted(there.rglob("*"))
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_FILE_BYTES
        }
        self.files = {
            name: path for name, path in files.items() if not name.startswith("timestamp.txt/")
        }
        self.new: dict[str, tuple[bytes, float | None]] = {}
        self.handed_in = _handed_in(there)

    def add(self, name: str, content: bytes, when: float | None, dated: bool) -> str:
        """Let a file take its place: taken, unchanged or replaced; older where another one is there
        and stays; clash where that one is a folder, or is where this one needs a folder."""
        names = {*self.files, *self.new} - {name}
        if clashes(name, names) or any(other.startswith(f"{name}/") for other in names):
            return "clash"
        old, state = self.files.get(name), "taken"
        if old is not None and old.stat().st_size == len(content) and old.read_bytes() == content:
            state = "unchanged"
        elif old is not None:
            state = "replaced" if when is not None and when > old.stat().st_mtime else "older"
        if state not in ("unchanged", "older"):
            self.new[name] = content, when
            if dated:
                self.handed_in = max(when, self.handed_in or when)
        return state

    def write(self) -> None:
        """Put the submission in place, whole and in one step, if there is anything new."""
        if not self.new:
            return
        coming, ready = (
            self.course / ".grader" / folder / self.student / self.assignment
            for folder in ("incoming", "ready")
        )
        for name in {*self.files, *self.new}:
            (coming / name).parent.mkdir(parents=True, exist_ok=True)
            if name in self.new:
                content, when = self.new[name]
                (coming / name).write_bytes(content)
                os.utime(
                    coming / name, (when or 0, when or 0)
                )  # so that the next copy can be told newer
            else:
                shutil.copy2(self.files[name], coming / name)
        if self.handed_in is not None:
            moment = datetime.datetime.fromtimestamp(self.handed_in, datetime.UTC)
            (coming / "timestamp.txt").write_text(
                moment.isoformat(timespec="seconds") + "\n", encoding="ascii"
            )
        ready.parent.mkdir(parents=True, exist_ok=True)
        coming.rename(ready)
        _put_in_place(self.course, self.student, self.assignment)


def _handed_in(folder: Path) -> float | None:
    """Return the time in a submission's ``timestamp.txt``, UTC where it names no zone; None if it
    tells none."""
    try:
        moment = datetime.datetime.fromisoformat(
            (read_regular(folder / "timestamp.txt", MOST_TIMESTAMP) or b"").decode("utf-8").strip()
        )
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
        datetime.datetime.fromtimestamp(seconds, datetime.UTC)  # within the years that there are
    except (ValueError, OverflowError):
        return None
    return seconds


def finish_interrupted(course: Path) -> None:
    """Put in place what an interrupted collection had made ready, and drop what it had not.

    What cannot be put in place stays ready, and is told when that person's files are collected
    again.
    """
    shutil.rmtree(course / ".grader" / "incoming", ignore_errors=True)
    for ready in sorted((course / ".grader" / "ready").glob("*/*")):
        try:
            _put_in_place(course, ready.parent.name, ready.name)
        except OSError as error:
            if of_the_machine(error):
                raise


def _put_in_place(course: Path, student: str, assignment: str) -> None:
    """Let a submission that is ready take its place; the one that was there is kept."""
    there = course / "submitted" / student / assignment
    if there.exists():
        now = datetime.datetime.now(datetime.UTC)
        kept = course / ".grader" / "replaced" / student / assignment / f"{now:%Y%m%dT%H%M%S.%fZ}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        there.rename(kept)
    there.parent.mkdir(parents=True, exist_ok=True)
    (course / ".grader" / "ready" / student / assignment).rename(there)
