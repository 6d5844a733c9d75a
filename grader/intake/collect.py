"""Takes a cohort's files, as a learning system or the mail gives them, into a course.

Archives are hostile: they are read in a sealed process (``reader.py``), and no name in them becomes
a path here but the names of data files, checked part by part. Nothing is lost: what cannot be
matched to one person and one exercise is kept aside, with the reason.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from commons.errors import BilingualError, CannotWrite
from commons.wording import Sentence
from grader.course.files import put
from grader.course.handed_in import of_the_machine
from grader.intake import unmatched
from grader.intake.archives import list_archive, read_entry
from grader.intake.matching import (
    NOTEBOOK,
    CourseNotebook,
    Matcher,
    course_notebooks,
    moment_of,
    without_copy_marks,
    without_ending,
)
from grader.intake.names import lms_name
from grader.intake.notebook_ids import grade_ids
from grader.intake.outcomes import (
    NOT_NEWER,
    CollectedFile,
    Collection,
    digest_of,
    refused,
    shown,
    why_not,
    why_older,
)
from grader.intake.people import Person, Roster
from grader.intake.placing import Submission, finish_interrupted
from grader.intake.problems import MOST_IN_ALL, ArchiveEntry, Unreadable

_LITTER = re.compile(
    r"(?:.*/)?(?:__MACOSX|\.ipynb_checkpoints)/.*|(?:.*/)?(?:\.DS_Store|Thumbs\.db|\._[^/]*)"
    r"|index\.html"
)  # the last: Brightspace's own list
_MOST_OF_A_NAME = 150  # bytes of a name that is kept aside


class CannotCollect(BilingualError):
    """Raised when a source cannot be read at all, or the course is none; nothing was changed."""


class Reader(Protocol):
    """Who reads what learners sent; whatever cannot be read, for whatever reason, is an
    ``Unreadable``."""

    def list_archive(self, path: Path) -> list[ArchiveEntry]:
        """List an archive's or folder's files."""

    def read_entry(self, path: Path, entry: ArchiveEntry) -> bytes:
        """Read one of them."""

    def grade_ids(self, data: bytes) -> list[str]:
        """Name a notebook's graded cells."""


class DirectReader:
    """Reads in this process."""

    list_archive, read_entry, grade_ids = (
        staticmethod(list_archive),
        staticmethod(read_entry),
        staticmethod(grade_ids),
    )


def collect(source: Path, roster: Roster, course: Path, reader: Reader | None = None) -> Collection:
    """Take the files of an archive or a folder into a course's ``submitted/``; done again, it
    changes nothing.

    Of two copies that one person handed in, the later one is taken: by the time in the archive or
    in the name that Brightspace gives, else by the number of the copy. What is there already gives
    way only to something newer, and is kept in ``.grader/replaced/``. What is not matched is kept
    in ``.grader/unmatched/``. One collection at a time.

    Args:
        source: a ZIP archive or a folder: notebooks one by one, or a folder for each person.
        roster: the cohort.
        course: the nbgrader course, whose ``source/`` says which exercises there are.
        reader: who reads; in this process if left out.

    Raises:
        CannotCollect: if the source or the course cannot be read.
        CannotWrite: if the course's folder cannot be written to.
    """
    course = Path(course)
    exercises = course_notebooks(course)
    if not exercises:
        raise CannotCollect(
            f"{course} has no notebook in source/: it is not a course that files can be collected "
            "for.",
            f"{course} n’a aucun carnet dans source/ : ce n’est pas un cours où recueillir des "
            "copies.",
        )
    try:
        return _Collecting(Path(source), roster, course, exercises, reader or DirectReader()).run()
    except OSError as error:
        raise CannotWrite(course, error) from error


class _Copy(NamedTuple):
    """A notebook whose person and exercise are known; ``order`` says which of two copies is the
    later."""

    entry: ArchiveEntry
    exercise: CourseNotebook
    order: tuple
    when: float | None
    dated: bool
    folder: str | None  # where it lies in its person's folder; None if it has none


class _Collecting:
    """One collection at work."""

    def __init__(
        self,
        source: Path,
        roster: Roster,
        course: Path,
        exercises: list[CourseNotebook],
        reader: Reader,
    ):
        self.source, self.roster, self.course, self.exercises, self.reader = (
            source,
            roster,
            course,
            exercises,
            reader,
        )
        self.matcher = Matcher(roster, exercises, lambda entry: reader.grade_ids(self._read(entry)))
        self.done, self.sizes, self.total = Collection(), {}, 0
        self.copies: dict[tuple[str, str], list[_Copy]] = defaultdict(list)
        self.beside: dict[str, list[ArchiveEntry]] = defaultdict(list)
        self.may_be = unmatched.read(course)

    def run(self) -> Collection:
        try:
            entries = self.reader.list_archive(self.source)
        except Unreadable as error:
            raise CannotCollect(
                f"{self.source} cannot be read as a folder or a ZIP archive of at most 2 GB and "
                "100,000 files. Download it again.",
                f"Impossible de lire {self.source} comme un dossier ou une archive ZIP d’au plus "
                "2 Go et 100 000 fichiers. Téléchargez-la de nouveau.",
            ) from error
        finish_interrupted(self.course)
        others = []
        for entry in entries:
            if entry.problem:
                self._refuse(entry, entry.problem)
            elif _LITTER.fullmatch(entry.name):
                continue
            elif NOTEBOOK.fullmatch(entry.name):
                self._sort(entry)
            else:
                others.append(entry)
        self._lay_beside(others)
        for (student, assignment), copies in sorted(self.copies.items()):
            self._hand_in(student, assignment, copies)
        for assignment in sorted({assignment for _, assignment in self.copies}):
            self.done.missing[assignment] = tuple(
                one
                for one in self.roster.people
                if not os.path.exists(self.course / "submitted" / one / assignment)
            )
        return self.done

    def _read(self, entry: ArchiveEntry) -> bytes:
        content = self.reader.read_entry(self.source, entry)
        self.total += len(content) - self.sizes.get(entry.name, 0)  # once, however often it is read
        self.sizes[entry.name] = len(content)
        if self.total > MOST_IN_ALL:
            raise Unreadable("total")
        return content

    def _refuse(
        self, entry: ArchiveEntry, problem: str, student: str = "", assignment: str = ""
    ) -> None:
        self.done.refused.append(refused(entry, problem, student, assignment))

    def _stops_all(self, error: BaseException | None) -> bool:
        """Tell whether an error is about the whole course or disk, and not about one person's
        files."""
        places = (self.course, self.course / ".grader", self.course / "submitted")
        return isinstance(error, OSError) and (
            of_the_machine(error)
            or not all(os.access(place, os.W_OK) for place in places if place.exists())
        )

    def _aside(
        self,
        entry: ArchiveEntry,
        reason: Sentence,
        candidates=(),
        student: str = "",
        assignment: str = "",
        may_be=(),
    ) -> None:
        """Keep a file that cannot be matched, under a name that is safe and the same each time."""
        try:
            content = self._read(entry)
        except Unreadable as error:
            return self._refuse(entry, error.args[0], student, assignment)
        digest = digest_of(content)
        safe = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", entry.name)).encode()[
            -_MOST_OF_A_NAME:
        ]
        kept = unmatched.folder(self.course) / f"{digest}-{safe.decode(errors='ignore')}"
        try:
            people = {*candidates, *may_be, *filter(None, [student])}
            if people - self.may_be.get(kept.name, set()):
                self.may_be.setdefault(kept.name, set()).update(people)
                unmatched.note(self.course, kept.name, people)
            put(kept, content)
        except (OSError, ValueError, CannotWrite) as error:
            if self._stops_all(error.__cause__ if isinstance(error, CannotWrite) else error):
                raise
            return self._refuse(entry, "unwritten", student, assignment)
        self.done.unmatched.append(
            CollectedFile(
                shown(entry.name),
                student,
                assignment,
                digest,
                reason,
                tuple(candidates),
                str(kept.relative_to(self.course)),
            )
        )

    def _sort(self, entry: ArchiveEntry) -> None:
        """Find out whose a notebook is and which exercise it is."""
        for name in (entry.name, *entry.spellings):
            person, place = self.matcher.whose(name.split("/"))
            if isinstance(person, Person):
                break
        if not isinstance(person, Person):
            return self._aside(entry, why_not(person), [each.id for each in person])
        parts = name.split("/")
        system = lms_name(parts[place])
        stem, copies = without_copy_marks(
            without_ending(system.file if system and place == len(parts) - 1 else parts[-1])
        )
        try:
            exercise, again = self.matcher.which(entry, parts, stem)
        except Unreadable as error:
            return self._refuse(entry, error.args[0], person.id)
        if exercise is None:
            return self._aside(
                entry,
                Sentence(
                    "Neither its name nor its cells say which exercise it is.",
                    "Ni son nom ni ses cellules ne disent de quel devoir il s’agit.",
                ),
                student=person.id,
            )
        named = moment_of(system.when) if system else None
        when, dated = (entry.when, entry.dated) if named is None else (named, True)
        folder = "/".join(entry.name.split("/")[:-1]) if place < len(parts) - 1 else None
        order = (when or 0, copies + again, entry.when or 0, entry.name)
        self.copies[person.id, exercise.assignment].append(
            _Copy(entry, exercise, order, when, dated and when is not None, folder)
        )

    def _lay_beside(self, others: list[ArchiveEntry]) -> None:
        """Give each data file to the notebooks of its folder, or of the folder above it, in a
        person's own folder."""
        folders = {copy.folder for copies in self.copies.values() for copy in copies} - {None}
        for entry in others:
            above = [entry.name[:at] for at, mark in enumerate(entry.name) if mark == "/"]
            folder = next((each for each in reversed(above) if each in folders), None)
            if folder is None:
                person, _ = self.matcher.whose(entry.name.split("/"))
                may_be = [person.id] if isinstance(person, Person) else [each.id for each in person]
                self._aside(
                    entry,
                    Sentence(
                        "No notebook that was recognized lies beside it in a person’s folder.",
                        "Aucun carnet reconnu ne l’accompagne dans le dossier d’une personne.",
                    ),
                    may_be=may_be,
                )
            elif entry.name.removeprefix(f"{folder}/").split("/")[0].casefold() == "timestamp.txt":
                self._refuse(entry, "reserved")
            else:
                self.beside[folder].append(entry)

    def _hand_in(self, student: str, assignment: str, copies: list[_Copy]) -> None:
        """Take the latest readable copy of each notebook, with its data, and put the submission in
        place."""
        found: list[tuple[str, CollectedFile]] = []
        try:
            submission = Submission(self.course, student, assignment)
            for state, item in self._taken(submission, copies):
                found.append((state, item))
            submission.write()
        except (OSError, ValueError) as error:
            if self._stops_all(error):
                raise
            for copy in copies:
                self._refuse(copy.entry, "unwritten", student, assignment)
            return
        for state, item in found:
            getattr(self.done, state).append(item)

    def _taken(
        self, submission: Submission, copies: list[_Copy]
    ) -> Iterator[tuple[str, CollectedFile]]:
        """Add a person's copies and their data to a submission; yield what became of each."""
        student, assignment, taken = submission.student, submission.assignment, {}
        for copy in sorted(copies, key=lambda copy: copy.order, reverse=True):
            notebook = copy.exercise.notebook
            try:
                content = self._read(copy.entry)
            except Unreadable as error:
                yield (
                    "refused",
                    refused(copy.entry, error.args[0], submission.student, submission.assignment),
                )
                continue
            item = CollectedFile(shown(copy.entry.name), student, assignment, digest_of(content))
            if notebook in taken:
                yield "older", item._replace(reason=why_older(item, taken[notebook]))
                continue
            taken[notebook] = item
            state = submission.add(f"{notebook}.ipynb", content, copy.when, copy.dated)
            if state == "clash":
                yield (
                    "refused",
                    refused(copy.entry, "clash", submission.student, submission.assignment),
                )
            elif state == "older":
                yield "older", item._replace(reason=NOT_NEWER)
            else:
                states = {state}
                for state, aside in self._data(submission, copy):
                    states.add(state)
                    if aside is not None:
                        yield state, aside
                yield (
                    next(state for state in ("replaced", "taken", "unchanged") if state in states),
                    item,
                )

    def _data(
        self, submission: Submission, copy: _Copy
    ) -> Iterator[tuple[str, CollectedFile | None]]:
        """Add what lies beside a notebook; yield what became of each, and what is to be
        told of it."""
        for entry in self.beside.get(copy.folder, ()):
            try:
                content = self._read(entry)
            except Unreadable as error:
                yield (
                    "refused",
                    refused(entry, error.args[0], submission.student, submission.assignment),
                )
                continue
            state = submission.add(
                entry.name.removeprefix(f"{copy.folder}/"), content, copy.when or entry.when, False
            )
            if state == "clash":
                yield "refused", refused(entry, "clash", submission.student, submission.assignment)
            elif state == "older":
                yield (
                    "older",
                    CollectedFile(
                        shown(entry.name),
                        submission.student,
                        submission.assignment,
                        digest_of(content),
                        NOT_NEWER,
                    ),
                )
            else:
                yield state, None
