"""Finds whose a handed-in notebook is, and which exercise of the course it is."""

import datetime
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from grader.intake.names import fold, lms_name
from grader.intake.notebook_ids import grade_ids
from grader.intake.people import Person, Roster
from grader.intake.problems import ArchiveEntry

NOTEBOOK = re.compile(
    r"(.*)\.ipynb(?:\.txt|\.json)?", re.IGNORECASE | re.DOTALL
)  # as some mail programs save them
_COPY = re.compile(
    r"^\s*(?:copy|copie)(?: \((?P<a>\d{1,4})\))? (?:of |de |du |d['’])\s*|\s*\((?P<b>\d{1,4})\)$"
    r"|\s*[-_ ]\s*cop(?:y|ie)(?:\s*\(?(?P<c>\d{1,4})\)?)?$",
    re.IGNORECASE,
)
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


class CourseNotebook(NamedTuple):
    """A notebook of the course, and how its name and its assignment's are found in a text that is
    folded."""

    assignment: str
    notebook: str
    ids: frozenset[str]
    name: re.Pattern
    title: re.Pattern
    alone: bool  # in its assignment


def course_notebooks(course: Path) -> list[CourseNotebook]:
    """Return the notebooks of a course's ``source/``."""
    files = sorted((course / "source").glob("*/*.ipynb"))
    count = Counter(file.parent.name for file in files)
    return [
        CourseNotebook(
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


class Matcher:
    """Finds whose a notebook is, and which exercise.

    Args:
        roster: the cohort.
        exercises: of the course.
        cells: returns the grade ids of a notebook's cells; asked where its name does not do.
    """

    def __init__(
        self,
        roster: Roster,
        exercises: list[CourseNotebook],
        cells: Callable[[ArchiveEntry], list[str]],
    ):
        self.roster, self.exercises, self.cells = roster, exercises, cells
        titles = {
            each.pattern for exercise in exercises for each in (exercise.name, exercise.title)
        }
        self.titles = re.compile("|".join(sorted(titles, key=len, reverse=True)))

    def whose(self, parts: list[str]) -> tuple[Person | tuple[Person, ...], int]:
        """Return the one person whom a path's folders and file speak of, or those who may be meant,
        and where."""
        systems = [place for place, part in enumerate(parts) if lms_name(part)]
        answers = {}
        for place in systems or range(
            len(parts)
        ):  # what a system wrote says more than what a learner did
            text = parts[place]
            if not systems:
                text = self.titles.sub(" ", fold(without_copy_marks(without_ending(text))[0]))
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

    def which(
        self, entry: ArchiveEntry, parts: list[str], stem: str
    ) -> tuple[CourseNotebook | None, int]:
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
            ids = set(self.cells(entry))
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


def _within(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return other[0] <= span[0] and span[1] <= other[1] and span != other


def without_ending(name: str) -> str:
    """Return a notebook's name without its ending; any other name as it is."""
    found = NOTEBOOK.fullmatch(name)
    return found[1] if found else name


def without_copy_marks(stem: str) -> tuple[str, int]:
    """Take off what computers add to a copy, « Copie de » or « (1) », and count it."""
    copies = 0
    while found := _COPY.search(stem):
        copies += int(found["a"] or found["b"] or found["c"] or 1)
        stem = stem[: found.start()] + stem[found.end() :]
    return stem, copies


def moment_of(text: str) -> float | None:
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
