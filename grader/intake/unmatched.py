"""Records whose the files may be that could not be matched to one person."""

import contextlib
import os
from pathlib import Path

import msgspec


class KeptAside(msgspec.Struct, frozen=True):
    """A line of the list.

    Args:
        name: the file's, in ``.grader/unmatched/``.
        people: ids of those whose it may be.
    """

    name: str
    people: list[str]


def folder(course: Path) -> Path:
    """Return where the files are."""
    return course / ".grader" / "unmatched"


def _list_at(course: Path) -> Path:
    return course / ".grader" / "unmatched.jsonl"


def read(course: Path) -> dict[str, set[str]]:
    """Return the ids of those whose each file may be, by the file's name; a line that does not read
    is passed over."""
    found: dict[str, set[str]] = {}
    with contextlib.suppress(FileNotFoundError), open(_list_at(course), "rb") as lines:
        for line in lines:
            with contextlib.suppress(msgspec.MsgspecError):
                kept = msgspec.json.decode(line, type=KeptAside)
                found.setdefault(kept.name, set()).update(kept.people)
    return found


def note(course: Path, name: str, people: set[str]) -> None:
    """Add a line, before the file itself is written.

    Raises:
        OSError: if it cannot be written.
    """
    path = _list_at(course)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        file.write(b"\n" + msgspec.json.encode(KeptAside(name, sorted(people))) + b"\n")


def rewrite(course: Path, names: dict[str, set[str]]) -> None:
    """Write the list anew, whole, in one step.

    Raises:
        OSError: if it cannot be written; it is as it was then.
    """
    path = _list_at(course)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_bytes(
        b"".join(
            msgspec.json.encode(KeptAside(name, sorted(names[name]))) + b"\n"
            for name in sorted(names)
        )
    )
    fresh.replace(path)
