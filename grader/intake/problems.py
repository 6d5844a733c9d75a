"""Lists why a file that a learner sent is not read, and checks its name and kind."""

import re
import stat
import unicodedata
from typing import NamedTuple

from commons.wording import Sentence

MOST_ENTRIES, MOST_OF_A_FILE, MOST_IN_ALL = 100_000, 20 << 20, 2 << 30
MOST_OF_A_PATH = 1_000  # bytes
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


class ArchiveEntry(NamedTuple):
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


def problem_of_mode(mode: int) -> str:
    """Return why a file of this mode is not read: a key of ``PROBLEMS``, or ""."""
    kind = stat.S_IFMT(mode)
    return "link" if kind == stat.S_IFLNK else "special" if kind not in (0, stat.S_IFREG) else ""


def problem_of_name(name: str) -> str:
    """Return why a file of this name is not read: a key of ``PROBLEMS``, or ""."""
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
