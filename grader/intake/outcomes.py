"""Records what became of each file of a collection, and why."""

import dataclasses
import hashlib
from typing import NamedTuple

from commons.wording import Sentence, visible
from grader.intake.people import Person
from grader.intake.problems import PROBLEMS, ArchiveEntry


class CollectedFile(NamedTuple):
    """What became of one file.

    Args:
        source: its name in the archive, fit to be shown.
        student: whose it is, where that is known.
        assignment: which exercise it is, where that is known.
        digest: the beginning of its SHA-256, to tell two files apart; empty where it was not read.
        reason: why it was not taken.
        candidates: ids of those who may be meant.
        kept: where it lies now, in the course's folder.
    """

    source: str
    student: str = ""
    assignment: str = ""
    digest: str = ""
    reason: Sentence | None = None
    candidates: tuple[str, ...] = ()
    kept: str = ""


@dataclasses.dataclass
class Collection:
    """What a collection did: each file is in one of the lists; ``missing`` has who handed in
    nothing, by assignment."""

    taken: list[CollectedFile] = dataclasses.field(default_factory=list)
    unchanged: list[CollectedFile] = dataclasses.field(default_factory=list)
    replaced: list[CollectedFile] = dataclasses.field(default_factory=list)
    older: list[CollectedFile] = dataclasses.field(default_factory=list)
    unmatched: list[CollectedFile] = dataclasses.field(default_factory=list)
    refused: list[CollectedFile] = dataclasses.field(default_factory=list)
    missing: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def refused(entry: ArchiveEntry, problem: str, student: str, assignment: str) -> CollectedFile:
    """Return what became of a file that was not taken, by a key of ``PROBLEMS``."""
    return CollectedFile(shown(entry.name), student, assignment, reason=PROBLEMS[problem])


def digest_of(content: bytes) -> str:
    """Return the beginning of a file's SHA-256, by which people tell two apart."""
    return hashlib.sha256(content).hexdigest()[:8]


def shown(name: str) -> str:
    """Return a name fit for a screen, and not too long for it."""
    return visible(name[:300]) + ("…" if len(name) > 300 else "")


def why_not(people: tuple[Person, ...]) -> Sentence:
    """Say why a name leads to nobody: it fits none of the roster, or more than one."""
    ids = ", ".join(person.id for person in people)
    if not people:
        return Sentence(
            "Nobody of the roster fits its name.",
            "Personne de la liste de la cohorte ne correspond à son nom.",
        )
    if len(people) == 1:
        return Sentence(
            f"Its name fits {ids} in part only.", f"Son nom ne correspond qu’en partie à {ids}."
        )
    return Sentence(
        f"Its name may mean several people: {ids}.",
        f"Son nom peut désigner plusieurs personnes : {ids}.",
    )


NOT_NEWER = Sentence(
    "Another one is there already, and nothing says that this one is newer.",
    "Une autre copie s’y trouve déjà, et rien ne dit que celle-ci est plus récente.",
)


def why_older(item: CollectedFile, taken: CollectedFile) -> Sentence:
    """Say which copy was taken instead of an older one."""
    if item.digest == taken.digest:
        return Sentence(
            f"It is the same as {taken.source}.", f"Elle est identique à {taken.source}."
        )
    return Sentence(
        f"A later copy was taken: {taken.source} ({taken.digest}).",
        f"Une copie plus récente est retenue : {taken.source} ({taken.digest}).",
    )
