"""Reading archives, folders and notebooks that learners sent: small functions over bytes, which
return plain data.

They are hostile, so a sealed process runs these functions (``sealed.py``); no name of an archive
becomes a path here.
"""

import datetime
import os
import re
import stat
import struct
import unicodedata
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec

from commons.wording import Sentence

MOST_ENTRIES, MOST_OF_A_FILE, MOST_IN_ALL = 100_000, 20 << 20, 2 << 30
MOST_OF_A_PATH = 1_000  # bytes
MOST_RATIO, RATIO_FROM = (
    200,
    1 << 20,
)  # a notebook packs to a tenth, a table to a fiftieth; a bomb to a thousandth
_MOST_DIRECTORY = MOST_ENTRIES * 400  # bytes of an archive's list of names
PROBLEMS = {
    "absolute": Sentence(
        "Its path starts at a root or a drive.", "Son chemin part d’une racine ou d’un lecteur."
    ),
    "alphabet": Sentence(
        "Its name is in an alphabet that cannot be told; rename it.",
        "L’alphabet de son nom est inconnu; renommez-le.",
    ),
    "bomb": Sentence(
        "It unpacks to far more than it weighs.", "Il se décompresse en bien plus que son poids."
    ),
    "broken": Sentence("It is damaged or cut off.", "Il est endommagé ou tronqué."),
    "clash": Sentence(
        "A file and a folder would have the same name.",
        "Un fichier et un dossier auraient le même nom.",
    ),
    "device": Sentence("Its name is a device’s.", "Son nom est celui d’un périphérique."),
    "duplicate": Sentence(
        "The archive has two files of this name.", "L’archive a deux fichiers de ce nom."
    ),
    "encrypted": Sentence("It is encrypted.", "Il est chiffré."),
    "hidden": Sentence("Its name has invisible marks.", "Son nom a des caractères invisibles."),
    "link": Sentence("It is a link to another file.", "C’est un lien vers un autre fichier."),
    "long": Sentence("Its name is empty or too long.", "Son nom est vide ou trop long."),
    "method": Sentence(
        "It is packed in a way that is not read here.",
        "Son format de compression n’est pas lu ici.",
    ),
    "nested": Sentence(
        "It is an archive; unpack it and collect its files.",
        "C’est une archive; décompressez-la et recueillez ses fichiers.",
    ),
    "outside": Sentence("Its path leads out of the archive.", "Son chemin sort de l’archive."),
    "size": Sentence("It is bigger than 20 MB.", "Il dépasse 20 Mo."),
    "reserved": Sentence(
        "Its name is kept for the time of handing in.", "Son nom est réservé à l’heure de remise."
    ),
    "special": Sentence("It is not a file.", "Ce n’est pas un fichier."),
    "unwritten": Sentence(
        "It could not be put into the person’s folder; look at that folder, and collect again.",
        "Impossible de le placer dans le dossier de la personne; vérifiez ce dossier, puis "
        "recommencez.",
    ),
    "total": Sentence(
        "The files before it came to 2 GB.", "Les fichiers qui le précèdent atteignent 2 Go."
    ),
}
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)[ .]*(?:[.:].*)?", re.IGNORECASE
)
_NESTED = re.compile(r".*\.(?:zip|7z|rar|jar|tar|tgz|tbz2?|txz|tzst|tar\.\w+)", re.IGNORECASE)


class Unreadable(Exception):
    """Raised for an archive or a file in it that is not read; its one argument is a key of
    ``PROBLEMS``."""


class Entry(NamedTuple):
    """One file of an archive or a folder, as plain data.

    Args:
        name: its path there, parts separated by ``/``.
        spellings: other readings of the same bytes, where the archive does not say its alphabet.
        when: seconds since 1970, None if unknown.
        dated: whether that is when it was handed in, rather than when somebody saved it.
        problem: why it is not to be read, a key of ``PROBLEMS``; empty if it may be.
        offset, packed, size, check, method: where and how an archive holds it.
    """

    name: str
    spellings: tuple[str, ...] = ()
    when: float | None = None
    dated: bool = False
    problem: str = ""
    offset: int = 0
    packed: int = 0
    size: int = 0
    check: int = 0
    method: int = 0


def list_archive(path: Path | int) -> list[Entry]:
    """List the files of a ZIP archive or a folder; what must not be read is listed with its
    problem.

    Args:
        path: an archive (or a descriptor of one), or a folder, which is walked without following
            links.

    Raises:
        Unreadable: if it is neither, or has more than 100,000 entries.
    """
    entries = _list_folder(path) if os.path.isdir(path) else _list_zip(path)
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


def _list_folder(root: Path) -> list[Entry]:
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
                entries.append(Entry(inside, problem="broken"))
                continue
            problem = _problem_of_mode(about.st_mode) or ("link" if about.st_nlink > 1 else "")
            problem = (
                problem
                or _problem_of_name(inside)
                or ("size" if about.st_size > MOST_OF_A_FILE else "")
            )
            entries.append(Entry(inside, when=about.st_mtime, problem=problem, size=about.st_size))
            if len(entries) > MOST_ENTRIES:
                raise Unreadable("total")
    return entries + [Entry(_inside(error.filename, root), problem="broken") for error in closed]


def _inside(path: str, root: Path) -> str:
    """Return a path as names in an archive are; what is no Unicode is spelled out, and refused for
    its backslashes."""
    name = os.path.relpath(path, root).replace(os.sep, "/")
    return name.encode("utf-8", "backslashreplace").decode()


def _list_zip(path: Path | int) -> list[Entry]:
    """Read the archive's own list entry by entry: ``zipfile`` would read it whole, and stop at the
    first bad name."""
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


def _entry(raw: bytes, fields: tuple, extras: dict[int, bytes], shift: int) -> Entry:
    _, _, _, flags, method, time, day, check, packed, size, *_, mode, offset = fields
    numbers = [size, packed, offset]
    for place, number in enumerate(
        numbers
    ):  # APPNOTE 4.5.3: those that did not fit lie in the extra field, in order
        if number == 0xFFFFFFFF and len(extras.get(1, b"")) >= 8:
            numbers[place], extras[1] = struct.unpack("<Q", extras[1][:8])[0], extras[1][8:]
    size, packed, offset = numbers
    name, spellings = _decode(raw)
    problem = _problem_of_mode(mode >> 16) or _problem_of_name(name)
    problem = problem or (
        "encrypted" if flags & 0x2041 else "method" if method not in (0, 8) or flags & 0x20 else ""
    )
    problem = problem or ("size" if size > MOST_OF_A_FILE else "")
    when = _moment(day, time, extras.get(0x5455, b""))
    return Entry(
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


def _problem_of_mode(mode: int) -> str:
    kind = stat.S_IFMT(mode)
    return "link" if kind == stat.S_IFLNK else "special" if kind not in (0, stat.S_IFREG) else ""


def _problem_of_name(name: str) -> str:
    parts = name.split("/")
    if "\\" in name:
        return "alphabet"
    joiners = "\u200c\u200d"  # which some alphabets and little pictures need
    if any(
        unicodedata.category(mark) in ("Cc", "Cf", "Zl", "Zp") and mark not in joiners
        for mark in name
    ):
        return "hidden"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "absolute"
    if ".." in parts:
        return "outside"
    if "." in parts:
        return "special"
    bytes_of = [
        len(part.encode("utf-8", "surrogatepass")) for part in parts
    ]  # which is what systems count
    if (
        not all(parts)
        or len(parts) > 20
        or sum(bytes_of) + len(parts) > MOST_OF_A_PATH
        or max(bytes_of) > 255
    ):
        return "long"
    if any(_DEVICE.fullmatch(part) for part in parts):
        return "device"
    return "nested" if _NESTED.fullmatch(name) else ""


def read_entry(path: Path | int, entry: Entry) -> bytes:
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
    except (OSError, ValueError, zlib.error) as error:
        raise Unreadable("broken") from error
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


class _NbGrader(msgspec.Struct):
    grade_id: str = ""


class _Metadata(msgspec.Struct):
    nbgrader: _NbGrader | None = None


class _Cell(msgspec.Struct):
    metadata: _Metadata


class _Notebook(msgspec.Struct):
    cells: list[msgspec.Raw]


def grade_ids(data: bytes) -> list[str]:
    """Return the grade ids of a notebook's cells, in order; none if it is no notebook. Nothing else
    of it is built.

    Args:
        data: the file, in whatever encoding.
    """
    for code in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"):
        try:
            cells = msgspec.json.decode(data.decode(code).encode(), type=_Notebook).cells
            break
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            cells = []
    found = []
    for cell in cells[:MOST_ENTRIES]:
        try:
            nbgrader = msgspec.json.decode(cell, type=_Cell).metadata.nbgrader
        except (msgspec.MsgspecError, RecursionError):
            continue
        if nbgrader and 0 < len(nbgrader.grade_id) <= 200:
            found.append(nbgrader.grade_id)
    return found
