"""Taking a cohort's files in, as a learning management system or the mail gives them, into
nbgrader's ``submitted/``.

Archives are hostile: what is read of them is read by the functions of ``archives.py``, in a sealed
process, and no name in them becomes a path here but the names of data files, checked part by part.
Nothing is lost: what cannot be matched to one person and one exercise is kept aside, with the
reason.
"""

import dataclasses
import datetime
import hashlib
import os
import re
import shutil
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from commons.errors import BilingualError, CannotWrite
from commons.wording import Sentence, visible
from grader.course.files import put
from grader.course.handed_in import MOST_FILE_BYTES, MOST_TIMESTAMP, of_the_machine, read_regular
from grader.intake import unmatched
from grader.intake.archives import (
    MOST_IN_ALL,
    PROBLEMS,
    Entry,
    Unreadable,
    clashes,
    grade_ids,
    list_archive,
    read_entry,
)
from grader.intake.roster import Person, Roster, fold, lms_name

_NOTEBOOK = re.compile(
    r"(.*)\.ipynb(?:\.txt|\.json)?", re.IGNORECASE | re.DOTALL
)  # as some mail programs save them
_LITTER = re.compile(
    r"(?:.*/)?(?:__MACOSX|\.ipynb_checkpoints)/.*|(?:.*/)?(?:\.DS_Store|Thumbs\.db|\._[^/]*)"
    r"|index\.html"
)  # the last: Brightspace's own list
_COPY = re.compile(
    r"^\s*(?:copy|copie)(?: \((?P<a>\d{1,4})\))? (?:of |de |du |d['’])\s*|\s*\((?P<b>\d{1,4})\)$"
    r"|\s*[-_ ]\s*cop(?:y|ie)(?:\s*\(?(?P<c>\d{1,4})\)?)?$",
    re.IGNORECASE,
)
_MOST_OF_A_NAME = 150  # bytes of a name that is kept aside
_MONTHS = {
    "jan": 1,
    "feb": 2,
    "fev": 2,
    "mar": 3,
    "apr": 4,
    "avr": 4,
    "may": 5,
    "mai": 5,
    "jun": 6,
    "juin": 6,
    "jul": 7,
    "juil": 7,
    "aug": 8,
    "aou": 8,
    "sep": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
}


class CannotCollect(BilingualError):
    """Raised when a source cannot be read at all, or the course is none; nothing was changed."""


class Reader(Protocol):
    """Who reads what learners sent; whatever cannot be read, for whatever reason, is an
    ``Unreadable``."""

    def list_archive(self, path: Path) -> list[Entry]:
        """List an archive's or folder's files."""

    def read_entry(self, path: Path, entry: Entry) -> bytes:
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


class Item(NamedTuple):
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

    taken: list[Item] = dataclasses.field(default_factory=list)
    unchanged: list[Item] = dataclasses.field(default_factory=list)
    replaced: list[Item] = dataclasses.field(default_factory=list)
    older: list[Item] = dataclasses.field(default_factory=list)
    unmatched: list[Item] = dataclasses.field(default_factory=list)
    refused: list[Item] = dataclasses.field(default_factory=list)
    missing: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


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
    exercises = _exercises(course)
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


class _Exercise(NamedTuple):
    """A notebook of the course, and how its name and its assignment's are found in a text that is
    folded."""

    assignment: str
    notebook: str
    ids: frozenset[str]
    name: re.Pattern
    title: re.Pattern
    alone: bool  # in its assignment


def _exercises(course: Path) -> list[_Exercise]:
    files = sorted((course / "source").glob("*/*.ipynb"))
    count = Counter(file.parent.name for file in files)
    return [
        _Exercise(
            file.parent.name,
            file.stem,
            frozenset(grade_ids(file.read_bytes())),
            _pattern(file.stem),
            _pattern(file.parent.name),
            count[file.parent.name] == 1,
        )
        for file in files
    ]


def _pattern(name: str) -> re.Pattern:
    words = re.findall(r"[^\W_]+", fold(name))
    return re.compile(r"(?<![^\W_])" + r"[\W_]*".join(words) + r"(?![^\W_])" if words else "(?!)")


class _Copy(NamedTuple):
    """A notebook whose person and exercise are known; ``order`` says which of two copies is the
    later."""

    entry: Entry
    exercise: _Exercise
    order: tuple
    when: float | None
    dated: bool
    folder: str | None  # where it lies in its person's folder; None if it has none


class _Collecting:
    """One collection at work."""

    def __init__(
        self, source: Path, roster: Roster, course: Path, exercises: list[_Exercise], reader: Reader
    ):
        self.source, self.roster, self.course, self.exercises, self.reader = (
            source,
            roster,
            course,
            exercises,
            reader,
        )
        titles = {
            each.pattern for exercise in exercises for each in (exercise.name, exercise.title)
        }
        self.titles = re.compile("|".join(sorted(titles, key=len, reverse=True)))
        self.done, self.sizes, self.total = Collection(), {}, 0
        self.copies: dict[tuple[str, str], list[_Copy]] = defaultdict(list)
        self.beside: dict[str, list[Entry]] = defaultdict(list)
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
            elif _NOTEBOOK.fullmatch(entry.name):
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

    def _read(self, entry: Entry) -> bytes:
        content = self.reader.read_entry(self.source, entry)
        self.total += len(content) - self.sizes.get(entry.name, 0)  # once, however often it is read
        self.sizes[entry.name] = len(content)
        if self.total > MOST_IN_ALL:
            raise Unreadable("total")
        return content

    def _refuse(self, entry: Entry, problem: str, student: str = "", assignment: str = "") -> None:
        self.done.refused.append(
            Item(_shown(entry.name), student, assignment, reason=PROBLEMS[problem])
        )

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
        entry: Entry,
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
        digest = _digest(content)
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
            Item(
                _shown(entry.name),
                student,
                assignment,
                digest,
                reason,
                tuple(candidates),
                str(kept.relative_to(self.course)),
            )
        )

    def _sort(self, entry: Entry) -> None:
        """Find out whose a notebook is and which exercise it is."""
        for name in (entry.name, *entry.spellings):
            person, place = self._whose(name.split("/"))
            if isinstance(person, Person):
                break
        if not isinstance(person, Person):
            return self._aside(entry, _why_not(person), [each.id for each in person])
        parts = name.split("/")
        system = lms_name(parts[place])
        stem, copies = _uncopied(
            _stem(system.file if system and place == len(parts) - 1 else parts[-1])
        )
        try:
            exercise, again = self._which(entry, parts, stem)
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
        named = _moment_of(system.when) if system else None
        when, dated = (entry.when, entry.dated) if named is None else (named, True)
        folder = "/".join(entry.name.split("/")[:-1]) if place < len(parts) - 1 else None
        order = (when or 0, copies + again, entry.when or 0, entry.name)
        self.copies[person.id, exercise.assignment].append(
            _Copy(entry, exercise, order, when, dated and when is not None, folder)
        )

    def _whose(self, parts: list[str]) -> tuple[Person | tuple[Person, ...], int]:
        """Return the one person whom a path's folders and file speak of, or those who may be meant,
        and where."""
        systems = [place for place, part in enumerate(parts) if lms_name(part)]
        answers = {}
        for place in systems or range(
            len(parts)
        ):  # what a system wrote says more than what a learner did
            text = parts[place]
            if not systems:
                text = self.titles.sub(" ", fold(_uncopied(_stem(text))[0]))
            answers[place] = self.roster.match(text)
        sure = {
            answer.id: place
            for place, answer in reversed(answers.items())
            if isinstance(answer, Person)
        }
        groups = [
            (answer,) if isinstance(answer, Person) else answer for answer in answers.values()
        ]
        if len(sure) == 1:
            one, place = next(iter(sure.items()))
            if all(self.roster.people[one] in group for group in groups if len(group) > 1):
                return self.roster.people[one], place
        meant = {person.id: person for group in groups for person in group}
        return tuple(meant[one] for one in sorted(meant)), 0

    def _which(self, entry: Entry, parts: list[str], stem: str) -> tuple[_Exercise | None, int]:
        """Return the exercise that a notebook's name means, else its cells, and the number that a
        system added."""
        text = fold(stem)
        spans = {
            exercise: found.span()
            for exercise in self.exercises
            if (found := exercise.name.search(text))
        }
        named = [
            each
            for each, span in spans.items()
            if not any(_within(span, other) for other in spans.values())
        ]
        path = "/".join([*map(fold, parts[:-1]), text])
        if len(named) > 1:
            named = [exercise for exercise in named if exercise.title.search(path)] or named
        if not named:
            named = [
                exercise
                for exercise in self.exercises
                if exercise.alone and exercise.title.search(path)
            ]
        if len(named) != 1:
            ids = set(self.reader.grade_ids(self._read(entry)))
            common = {exercise: len(ids & exercise.ids) for exercise in named or self.exercises}
            most = max(common.values())
            named = [
                exercise
                for exercise, count in common.items()
                if count == most and most * 2 > len(ids)
            ]
        if len(named) != 1:
            return None, 0
        added = (
            re.fullmatch(r"-(\d{1,4})", text[spans[named[0]][1] :]) if named[0] in spans else None
        )
        return named[0], int(added[1]) if added else 0

    def _lay_beside(self, others: list[Entry]) -> None:
        """Give each data file to the notebooks of its folder, or of the folder above it, in a
        person's own folder."""
        folders = {copy.folder for copies in self.copies.values() for copy in copies} - {None}
        for entry in others:
            above = [entry.name[:at] for at, mark in enumerate(entry.name) if mark == "/"]
            folder = next((each for each in reversed(above) if each in folders), None)
            if folder is None:
                person, _ = self._whose(entry.name.split("/"))
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
        found: list[tuple[str, Item]] = []
        try:
            submission = _Submission(self.course, student, assignment)
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

    def _taken(self, submission: "_Submission", copies: list[_Copy]) -> Iterator[tuple[str, Item]]:
        """Add a person's copies and their data to a submission; yield what became of each."""
        student, assignment, taken = submission.student, submission.assignment, {}
        for copy in sorted(copies, key=lambda copy: copy.order, reverse=True):
            notebook = copy.exercise.notebook
            try:
                content = self._read(copy.entry)
            except Unreadable as error:
                yield "refused", _refused(copy.entry, error.args[0], submission)
                continue
            item = Item(_shown(copy.entry.name), student, assignment, _digest(content))
            if notebook in taken:
                yield "older", item._replace(reason=_why_older(item, taken[notebook]))
                continue
            taken[notebook] = item
            state = submission.add(f"{notebook}.ipynb", content, copy.when, copy.dated)
            if state == "clash":
                yield "refused", _refused(copy.entry, "clash", submission)
            elif state == "older":
                yield "older", item._replace(reason=_NOT_NEWER)
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

    def _data(self, submission: "_Submission", copy: _Copy) -> Iterator[tuple[str, Item | None]]:
        """Add what lies beside a notebook; yield what became of each, and what is to be
        told of it."""
        for entry in self.beside.get(copy.folder, ()):
            try:
                content = self._read(entry)
            except Unreadable as error:
                yield "refused", _refused(entry, error.args[0], submission)
                continue
            state = submission.add(
                entry.name.removeprefix(f"{copy.folder}/"), content, copy.when or entry.when, False
            )
            if state == "clash":
                yield "refused", _refused(entry, "clash", submission)
            elif state == "older":
                yield (
                    "older",
                    Item(
                        _shown(entry.name),
                        submission.student,
                        submission.assignment,
                        _digest(content),
                        _NOT_NEWER,
                    ),
                )
            else:
                yield state, None


def _refused(entry: Entry, problem: str, submission: "_Submission") -> Item:
    return Item(
        _shown(entry.name), submission.student, submission.assignment, reason=PROBLEMS[problem]
    )


class _Submission:
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


def _within(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return other[0] <= span[0] and span[1] <= other[1] and span != other


def _stem(name: str) -> str:
    found = _NOTEBOOK.fullmatch(name)
    return found[1] if found else name


def _uncopied(stem: str) -> tuple[str, int]:
    """Take off what computers add to a copy, « Copie de » or « (1) », and count it."""
    copies = 0
    while found := _COPY.search(stem):
        copies += int(found["a"] or found["b"] or found["c"] or 1)
        stem = stem[: found.start()] + stem[found.end() :]
    return stem, copies


def _moment_of(text: str) -> float | None:
    """Read the time in Brightspace's name, in this machine's zone: « Nov 24, 2026 904 AM », « 24
    nov. 2026 9 h 04 »."""
    found = re.fullmatch(
        r"(?:([a-z]+)\.? (\d{1,2})|(\d{1,2}) ([a-z]+)\.?),? (\d{4}),? (\d{1,2})(?: ?[h:] ?)?(\d{2})"
        r" ?(?:([ap])\.?m\.?)?",
        fold(text).strip(),
    )
    if not found:
        return None
    month, day = found[1] or found[4], found[2] or found[3]
    hour = int(found[6])
    if found[8]:
        hour = hour % 12 + 12 * (found[8] == "p") if hour <= 12 else 24
    number = _MONTHS.get(month[:4]) or _MONTHS.get(month[:3]) or 0
    try:
        return datetime.datetime(int(found[5]), number, int(day), hour, int(found[7])).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def _shown(name: str) -> str:
    """Return a name fit for a screen, and not too long for it."""
    return visible(name[:300]) + ("…" if len(name) > 300 else "")


def _why_not(people: tuple[Person, ...]) -> Sentence:
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


_NOT_NEWER = Sentence(
    "Another one is there already, and nothing says that this one is newer.",
    "Une autre copie s’y trouve déjà, et rien ne dit que celle-ci est plus récente.",
)


def _why_older(item: Item, taken: Item) -> Sentence:
    if item.digest == taken.digest:
        return Sentence(
            f"It is the same as {taken.source}.", f"Elle est identique à {taken.source}."
        )
    return Sentence(
        f"A later copy was taken: {taken.source} ({taken.digest}).",
        f"Une copie plus récente est retenue : {taken.source} ({taken.digest}).",
    )
