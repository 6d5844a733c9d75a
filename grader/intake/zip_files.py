"""Reads ZIP archives entry by entry, so that one bad entry costs no other."""

import datetime
import os
import struct
import zlib
from pathlib import Path

from grader.intake.problems import (
    MOST_ENTRIES,
    MOST_IN_ALL,
    MOST_OF_A_FILE,
    ArchiveEntry,
    Unreadable,
    problem_of_mode,
    problem_of_name,
)

MOST_RATIO, RATIO_FROM = (
    200,
    1 << 20,
)  # a notebook packs to a tenth, a table to a fiftieth; a bomb to a thousandth
_MOST_DIRECTORY = MOST_ENTRIES * 400  # bytes of an archive's list of names


def list_zip(path: Path | int) -> list[ArchiveEntry]:
    """Read the archive's own list entry by entry.

    ``zipfile`` would refuse the whole archive for one bad name, extra field or size in it.
    """
    try:
        with open(path, "rb", closefd=not isinstance(path, int)) as file:
            weight = os.fstat(file.fileno()).st_size
            tail = max(0, weight - (1 << 16) - 200)
            file.seek(tail)
            last = file.read()
            end = last.rfind(b"PK\x05\x06")  # APPNOTE 4.3.16: where the list lies
            size, offset, start = *struct.unpack_from("<2I", last, end + 12), tail + end
            if (
                end >= 76 and last[end - 76 : end - 72] == b"PK\x06\x06"
            ):  # 4.3.14: what does not fit there
                size, offset, start = *struct.unpack_from("<2Q", last, end - 36), tail + end - 76
            if end < 0 or size > start:
                raise Unreadable("broken")
            if weight > MOST_IN_ALL or size > _MOST_DIRECTORY:
                raise Unreadable("total")
            file.seek(start - size)
            directory, shift = (
                file.read(size),
                start - size - offset,
            )  # what somebody put before the archive
    except (OSError, struct.error) as error:
        raise Unreadable("broken") from error
    entries, position = [], 0
    while position + 46 <= len(directory):
        fields = struct.unpack_from("<4s6H3I5H2I", directory, position)
        name_size, extra_size, comment_size = fields[10:13]
        if fields[0] != b"PK\x01\x02":
            raise Unreadable("broken")
        name = directory[position + 46 : position + 46 + name_size]
        extra = directory[position + 46 + name_size : position + 46 + name_size + extra_size]
        position += 46 + name_size + extra_size + comment_size
        if not name.endswith((b"/", b"\\")):
            entries.append(_entry(name, fields, _extras(extra), shift))
        if len(entries) > MOST_ENTRIES:
            raise Unreadable("total")
    return entries


def _entry(raw: bytes, fields: tuple, extras: dict[int, bytes], shift: int) -> ArchiveEntry:
    _, _, _, flags, method, time, day, check, packed, size, *_, mode, offset = fields
    numbers = [size, packed, offset]
    for place, number in enumerate(
        numbers
    ):  # APPNOTE 4.5.3: those that did not fit lie in the extra field, in order
        if number == 0xFFFFFFFF and len(extras.get(1, b"")) >= 8:
            numbers[place], extras[1] = struct.unpack("<Q", extras[1][:8])[0], extras[1][8:]
    size, packed, offset = numbers
    name, spellings = _decode(raw)
    problem = problem_of_mode(mode >> 16) or problem_of_name(name)
    problem = problem or (
        "encrypted" if flags & 0x2041 else "method" if method not in (0, 8) or flags & 0x20 else ""
    )
    problem = problem or ("size" if size > MOST_OF_A_FILE else "")
    when = _moment(day, time, extras.get(0x5455, b""))
    return ArchiveEntry(
        name,
        spellings,
        when,
        when is not None,
        problem,
        offset + shift,
        packed,
        size,
        check,
        method,
    )


def _extras(extra: bytes) -> dict[int, bytes]:
    found, position = {}, 0
    while position + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, position)
        found[kind] = extra[position + 4 : position + 4 + size]
        position += 4 + size
    return found


def _decode(raw: bytes) -> tuple[str, tuple[str, ...]]:
    """Read a name as UTF-8 if it is that, whatever the archive says; else as DOS did (two ways), or
    Windows."""
    try:
        return _path(raw.decode("utf-8")), ()
    except UnicodeDecodeError:
        first, *others = (
            _path(raw.decode(code, "replace")) for code in ("cp437", "cp850", "cp1252")
        )
        return first, tuple(others)


def _path(name: str) -> str:
    """Return a path with ``/`` between its parts, without parts that say « here »: ``./a/./b`` is
    ``a/b``."""
    *folders, file = name.replace("\\", "/").split("/")
    return "/".join([*(folder for folder in folders if folder != "."), file])


def _moment(day: int, time: int, stamp: bytes) -> float | None:
    """Return an entry's time: UTC where the archive has it, else the clock on the wall, of this
    machine's zone."""
    try:
        if len(stamp) >= 5 and stamp[0] & 1:
            moment = datetime.datetime.fromtimestamp(
                struct.unpack_from("<i", stamp, 1)[0], datetime.UTC
            )
        else:
            moment = datetime.datetime(
                (day >> 9) + 1980,
                day >> 5 & 15,
                day & 31,
                time >> 11,
                time >> 5 & 63,
                time % 32 * 2,
            )
        return (
            moment.timestamp() if 2000 <= moment.year <= datetime.datetime.now().year + 1 else None
        )
    except (ValueError, OverflowError, OSError):
        return None


def read_zipped(path: Path | int, entry: ArchiveEntry) -> bytes:
    """Read one file of a ZIP archive, counting what really comes.

    Raises:
        Unreadable: if it is damaged, too big, or unpacks to far more than it weighs.
        OSError, zlib.error: if it cannot be read or unpacked.
    """
    with open(path, "rb", closefd=not isinstance(path, int)) as file:
        file.seek(entry.offset)
        header = file.read(30)
        if header[:4] != b"PK\x03\x04" or len(header) < 30:
            raise Unreadable("broken")
        file.seek(sum(struct.unpack("<HH", header[26:])), os.SEEK_CUR)
        stored = entry.method == 0
        content = (
            file.read(min(entry.packed, MOST_OF_A_FILE + 1))
            if stored
            else _inflate(file, entry.packed)
        )
    if len(content) > MOST_OF_A_FILE:
        raise Unreadable("size")
    if len(content) != entry.size or zlib.crc32(content) != entry.check:
        raise Unreadable("broken")
    return content


def _inflate(file, packed: int) -> bytes:
    unpacker, content, taken = zlib.decompressobj(-15), bytearray(), 0
    while not unpacker.eof and len(content) <= MOST_OF_A_FILE:
        left = unpacker.unconsumed_tail
        part = left or file.read(min(packed - taken, 1 << 16))
        taken += 0 if left else len(part)
        more = unpacker.decompress(part, 1 << 20)
        content += more
        if not (part or more):
            raise Unreadable("broken")
        if len(content) > RATIO_FROM and len(content) > MOST_RATIO * taken:
            raise Unreadable("bomb")
    return bytes(content)
