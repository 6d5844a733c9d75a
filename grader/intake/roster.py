"""Who is in the cohort: the instructor's list, read as it comes, and the one person whom a file's
name speaks of."""

import contextlib
import dataclasses
import functools
import os
import re
import sysconfig
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from commons import csv_lists
from commons.errors import BilingualError
from commons.wording import Sentence

# An id names a folder and stands first in a row of marks: no "@" in front either, which a
# spreadsheet would calculate.
ID = re.compile(r"(?![.@-])[A-Za-z0-9._@-]{1,64}")
_EMAIL = re.compile(r"[A-Za-z0-9_][^\s@,;:<>\"'()\[\]\\|]*@[A-Za-z0-9][A-Za-z0-9.-]*")
_COLUMNS = {
    "id": "id identifiant",
    "name": "name nom",
    "given": "firstname givenname prenom",
    "email": "email courriel emailaddress adressecourriel",
    "section": "section groupe group",
    "language": "language langue",
}
_LANGUAGES = {
    "": "en",
    "en": "en",
    "english": "en",
    "anglais": "en",
    "fr": "fr",
    "french": "fr",
    "francais": "fr",
}
_PARTICLES = {
    "da",
    "de",
    "del",
    "della",
    "der",
    "des",
    "di",
    "du",
    "la",
    "le",
    "les",
    "st",
    "ste",
    "ten",
    "van",
    "von",
}
# What people write besides their name; none of it tells one person from another.
_NOISE = {
    "assignment",
    "carnet",
    "devoir",
    "exercice",
    "exercise",
    "final",
    "finale",
    "late",
    "notebook",
    "remise",
    "submission",
    "version",
}
_LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"}
)  # which Unicode does not take apart
_EDGES = " _-.,;()[]"
_MOST_WORDS, _MOST_TOLD, _LONGEST = 24, 8, 128

# How the systems name what they let an instructor download: moodle/moodle mod/assign,
# instructure/canvas-lms lib/content_zipper.rb; Brightspace's from names seen ("12345-67890 - Name -
# Nov 24, 2026 904 AM").
_SYSTEMS = [
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"(?P<person>.+?)_(?P<numbers>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?",
        r"(?P<numbers>\d+-\d+) - (?P<person>.+?) - (?P<when>[^-]*\b\d{4}\b[^-]*?)(?: - "
        r"(?P<file>.+))?",
        r"(?P<person>[^_]+)(?:_late)?_(?P<numbers>\d+_\d+)_(?P<file>.+)",
    )
]


class BrokenRoster(BilingualError):
    """Raised when a list of the cohort cannot be read or contradicts itself; the text names the
    lines."""


class LmsName(NamedTuple):
    """What a learning management system wrote into a name: who, its own numbers, the learner's
    file, and when."""

    person: str
    numbers: tuple[str, ...]
    file: str
    when: str


@dataclasses.dataclass(frozen=True)
class Person:
    """One person of the cohort.

    Args:
        id: names the person's folder; letters, digits and ``. _ @ -``, at most 64.
        name: as the list writes it.
        email: empty if none.
        section: the group within the cohort; empty if none.
        language: of the feedback, ``"en"`` or ``"fr"``.
        given: the given names, where the list has a column for them.
    """

    id: str
    name: str
    email: str = ""
    section: str = ""
    language: str = "en"
    given: str = ""

    def names(self) -> tuple[str, str]:
        """Return given and family names: as listed, else by a comma, by capitals (Anne ROY), or the
        last word."""
        if self.given:
            return self.given, self.name.removeprefix(self.given).strip()
        if "," in self.name:
            family, given = self.name.split(",", 1)
            return given.strip(), family.strip()
        words = self.name.split()
        capitals = [word for word in words if len(word) > 1 and word.isupper()]
        if capitals and len(capitals) < len(words):
            return " ".join(word for word in words if word not in capitals), " ".join(capitals)
        first = len(words) - 1
        while first > 1 and fold(words[first - 1]) in _PARTICLES:
            first -= 1
        return " ".join(words[:first]), " ".join(words[first:])


@dataclasses.dataclass(frozen=True)
class Roster:
    """A cohort: its people by id, in the order of the list, and what the instructor should know
    about the list."""

    people: dict[str, Person]
    notices: tuple[Sentence, ...] = ()

    def match(self, text: str) -> Person | tuple[Person, ...]:
        """Find the person whom a file's or folder's name speaks of, and never guess between two.

        A person is found by id, by e-mail (whole, or what stands before the @), or by full name,
        family name first or last, whatever the accents, capitals and separators. Every other word
        must be accounted for too: « Anne Roy » is not found in « Marie-Anne Roy », who may be
        somebody else. A number that a learning management system wrote decides only between people
        whom the name fits. An id of three digits or fewer counts where it stands alone.

        Args:
            text: a name without its folder and extension, as the system, the mail or the learner
                gave it.

        Returns:
            The one person; or, where it is not clear, the people who may be meant, perhaps none.
        """
        system = lms_name(text)
        if system is None:
            return self._find(text)
        found = self._find(system.person)
        if isinstance(found, tuple) and len(found) > 1:
            numbered = [person for person in found if person.id in system.numbers]
            return numbered[0] if len(numbered) == 1 else found
        return found

    def _find(self, text: str) -> Person | tuple[Person, ...]:
        plain = fold(text).strip(_EDGES)
        if plain in self._index.alone:
            return self._answer(self._index.alone[plain])
        words = _words(plain)
        if len(words) > _MOST_WORDS:
            return ()
        near: set[str] = set()
        for squeezed in (False, True):  # « CoteEmile » only where « Côté Émile » did not do
            spans = self._spans(words, squeezed)
            meant = set().union(*spans.values())
            fitting = {one for one in meant if self._accounts_for(one, words, spans)}
            if fitting:
                return self._answer(fitting)
            near |= meant
        return tuple(self.people[one] for one in sorted(near))

    def _answer(self, ids: set[str]) -> Person | tuple[Person, ...]:
        people = tuple(self.people[one] for one in sorted(ids))
        return people[0] if len(people) == 1 else people

    def _spans(self, words: list[str], squeezed: bool) -> dict[tuple[int, int], set[str]]:
        """Return the people whom each run of words means, by where the run starts and ends."""
        spans = {}
        for start in range(len(words)):
            for end in range(start + 1, len(words) + 1):
                run = words[start:end]
                ids = self._index.keys.get(" ".join(run), set())
                if squeezed:
                    ids = ids | self._index.squeezed.get("".join(run), set())
                if ids:
                    spans[start, end] = ids
        return spans

    def _accounts_for(
        self, one: str, words: list[str], spans: dict[tuple[int, int], set[str]]
    ) -> bool:
        """Tell whether every word is this person's, or says nothing about who it is."""
        section = _words(fold(self.people[one].section))
        reached = {0}
        for start, word in enumerate(words):
            if start in reached:
                number = (
                    re.fullmatch(r"v?\d+", word) and word not in self._index.keys
                )  # a version, nobody's id
                if word in _NOISE or word in section or number:
                    reached.add(start + 1)
                reached |= {
                    end for (first, end), ids in spans.items() if first == start and one in ids
                }
        return len(words) in reached

    @functools.cached_property
    def _index(self) -> "_Index":
        return _Index.of(self.people.values())


class _Index(NamedTuple):
    """Ids of people by what means them: a text that stands alone, a run of words, a name without
    its separators."""

    alone: dict[str, set[str]]
    keys: dict[str, set[str]]
    squeezed: dict[str, set[str]]

    @classmethod
    def of(cls, people) -> "_Index":
        index = cls(defaultdict(set), defaultdict(set), defaultdict(set))
        people = list(people)
        names = Counter(word for person in people for word in set(_words(fold(person.name))))
        for person in people:
            own = _words(fold(person.name))
            local = fold(person.email.partition("@")[0])
            if names[local] > (local in own):  # marie@… is not the only Marie
                local = ""
            for text in filter(None, (fold(person.id), fold(person.email), local)):
                index.alone[text].add(person.id)
                if not re.fullmatch(r"\d{1,3}", text):
                    index.keys[" ".join(_words(text))].add(person.id)
            for turn in range(len(own)):
                words = own[turn:] + own[:turn]
                index.keys[" ".join(words)].add(person.id)
                index.squeezed["".join(words)].add(person.id)
        for keys in index:
            keys.pop("", None)
        return cls(*(dict(keys) for keys in index))


def fold(text: str) -> str:
    """Return a text without accents, capitals and invisible marks, the same for every way to write
    its letters."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(
        mark
        for mark in apart
        if not unicodedata.combining(mark) and unicodedata.category(mark) != "Cf"
    ).translate(_LETTERS)


def _words(folded: str) -> list[str]:
    return re.findall(r"[^\W_]+", folded)


def lms_name(text: str) -> LmsName | None:
    """Take apart a name that Moodle, Brightspace or Canvas made, a file's or a folder's; None if it
    is no such name."""
    for system in _SYSTEMS:
        if found := system.fullmatch(text):
            parts = found.groupdict()
            return LmsName(
                parts["person"],
                tuple(re.findall(r"\d+", parts["numbers"])),
                parts["file"] or "",
                parts.get("when") or "",
            )
    return None


def read(path: Path) -> Roster:
    """Read a list of the cohort: a CSV file with the columns id, name, email, section, language, in
    either language.

    Any of UTF-8, UTF-16 and Windows-1252 will do, with commas, semicolons or tabs, in any order of
    columns; id and name must be there. A column of given names (first name, prénom) beside the
    family names is read too.

    Args:
        path: the file.

    Raises:
        BrokenRoster: if it cannot be read, or two lines contradict each other; the text names the
            lines.
    """
    try:
        found = csv_lists.table(csv_lists.load(path), _column)
    except OSError as error:
        raise BrokenRoster(
            f"{path} cannot be opened ({error.strerror}).",
            f"Impossible d’ouvrir {path} ({error.strerror}).",
        ) from error
    except csv_lists.TooLarge as error:
        raise BrokenRoster(
            f"{path} is too big to be a list of people.",
            f"{path} est trop gros pour une liste de personnes.",
        ) from error
    except csv_lists.NotCsv as error:
        raise BrokenRoster(
            f"{path} cannot be read as a table. Save it as CSV (UTF-8) and try again.",
            f"Impossible de lire {path} comme un tableau. Enregistrez-le au format CSV (UTF-8), "
            "puis réessayez.",
        ) from error
    _check_columns(found.columns)
    lines = [
        (
            row.line,
            {name: _clean(cell) for name, cell in row.cells.items()},
            "".join(map(_clean, row.beyond)),
        )
        for row in found.named()
    ]
    return _roster(path, lines)


def _check_columns(columns: list[str]) -> None:
    for column, count in Counter(filter(None, columns)).items():
        if count > 1:
            raise BrokenRoster(
                f"The list has {count} columns for “{column}”. Keep one.",
                f"La liste a {count} colonnes « {column} ». N’en gardez qu’une.",
            )
    if not {"id", "name"} <= set(columns):
        raise BrokenRoster(
            "The list’s first line must name at least the columns id and name (then email, "
            "section, language).",
            "La première ligne de la liste doit nommer au moins les colonnes identifiant et nom "
            "(puis courriel, groupe, langue).",
        )


def _column(header: str) -> str:
    plain = "".join(_words(fold(header)))
    return next((column for column, names in _COLUMNS.items() if plain in names.split()), "")


def _clean(cell: str) -> str:
    """Return a cell without stray blanks, controls and invisible marks, its accents composed."""
    visible = "".join(
        " " if unicodedata.category(mark) == "Cc" else mark
        for mark in unicodedata.normalize("NFC", cell)
        if unicodedata.category(mark) not in ("Cf", "Cs")
    )
    return " ".join(visible.split())


def _roster(path: Path, table: list[tuple[int, dict[str, str], str]]) -> Roster:
    people: dict[str, tuple[int, Person]] = {}  # by what a folder's name is on every system
    notices, wrong = [], []
    for line, cells, beyond in table:
        person, problem = _person(line, cells, beyond, notices)
        earlier, other = people.get(person.id.casefold(), (0, None))
        if problem:
            wrong.append(problem)
        elif other is None:
            people[person.id.casefold()] = line, person
        elif _who(other) == _who(person):
            notices.append(
                Sentence(
                    f"Lines {earlier} and {line} are one person ({person.id}); line {earlier} is "
                    "kept.",
                    f"Les lignes {earlier} et {line} sont la même personne ({person.id}); la ligne "
                    f"{earlier} est retenue.",
                )
            )
        else:
            wrong.append(
                Sentence(
                    f"Lines {earlier} and {line} give {person.id} to two people, or to one in two "
                    "ways.",
                    f"Les lignes {earlier} et {line} donnent {person.id} à deux personnes, ou à "
                    "une seule de deux façons.",
                )
            )
    if not (people or wrong):
        wrong.append(Sentence("There is nobody in it.", "Elle ne contient personne."))
    if wrong:
        told = wrong[:_MOST_TOLD]
        more = f" (+ {len(wrong) - len(told)})" if len(wrong) > len(told) else ""
        raise BrokenRoster(
            f"The list {path} cannot be used. {' '.join(each.english for each in told)}{more} "
            "Mend it and try again.",
            f"La liste {path} ne peut pas servir. {' '.join(each.french for each in told)}{more} "
            "Corrigez-la, puis réessayez.",
        )
    kept = {person.id: person for _, person in people.values()}
    shared = Counter(person.email.casefold() for person in kept.values() if person.email)
    notices += [
        Sentence(
            f"{count} people share the address {email}.",
            f"{count} personnes ont la même adresse, {email}.",
        )
        for email, count in shared.items()
        if count > 1
    ]
    return Roster(kept, tuple(notices))


def _who(person: Person) -> tuple[str, ...]:
    return person.id, fold(person.name), person.email.casefold()


def _person(
    line: int, cells: dict[str, str], beyond: str, notices: list[Sentence]
) -> tuple[Person, Sentence | None]:
    """Return the person of a line and what makes it useless; what can be done without is told in a
    notice."""
    family, given = cells.get("name", ""), cells.get("given", "")
    email, language = cells.get("email", ""), _LANGUAGES.get(fold(cells.get("language", "")))
    if email and (len(email) > _LONGEST or not _EMAIL.fullmatch(email)):
        notices.append(
            Sentence(
                f"Line {line}: the e-mail address cannot be used and is left out.",
                f"Ligne {line} : l’adresse de courriel est inutilisable et laissée de côté.",
            )
        )
        email = ""
    if language is None:
        notices.append(
            Sentence(
                f"Line {line}: the language is neither English nor French; English is taken.",
                f"Ligne {line} : la langue n’est ni l’anglais ni le français; l’anglais est "
                "retenu.",
            )
        )
    name = f"{given} {family}".strip()
    person = Person(
        cells.get("id", ""), name, email, cells.get("section", ""), language or "en", given
    )
    problem = None
    if beyond:
        problem = Sentence(
            f"Line {line} has more cells than the first line: is a name with a comma without its "
            "quotation marks?",
            f"La ligne {line} a plus de cases que la première : un nom avec virgule est-il sans "
            "guillemets?",
        )
    elif not ID.fullmatch(person.id):
        problem = Sentence(
            f"Line {line}: an id is 1 to 64 letters without accents, digits and . _ @ - (none of "
            ". @ - first).",
            f"Ligne {line} : un identifiant a de 1 à 64 lettres sans accent, chiffres et . _ @ - "
            "(ni . ni @ ni - au début).",
        )
    elif not _words(fold(name)) or len(name) > _LONGEST:
        problem = Sentence(
            f"Line {line}: the name is missing or too long.",
            f"Ligne {line} : le nom manque ou est trop long.",
        )
    return person, problem


@contextlib.contextmanager
def open_gradebook(db_url: str, course_id: str = "default_course") -> Iterator:
    """Open nbgrader's gradebook, and create it if it is not there.

    Args:
        db_url: such as ``sqlite:///gradebook.db`` or ``postgresql://…``.
        course_id: the course that its assignments belong to.
    """
    from nbgrader.api import Gradebook  # slow

    before = os.environ.get("PATH", "")
    # nbgrader calls the command alembic; it lies beside nbgrader, even where the environment is not
    # activated.
    os.environ["PATH"] = sysconfig.get_path("scripts") + os.pathsep + before
    try:
        gradebook = Gradebook(db_url, course_id)
    finally:
        os.environ["PATH"] = before
    with gradebook:
        yield gradebook


def into_gradebook(roster: Roster, db_url: str, course_id: str = "default_course") -> int:
    """Write the cohort's people into nbgrader's gradebook, in one transaction; who is there already
    keeps their marks.

    Args:
        roster: the cohort.
        db_url: the gradebook.
        course_id: the course.

    Returns:
        How many people are new or changed.
    """
    from nbgrader.api import Student

    with open_gradebook(db_url, course_id) as gradebook:
        there = {student.id: student for student in gradebook.db.query(Student)}
        changed = 0
        for person in roster.people.values():
            given, family = person.names()
            values = {"first_name": given, "last_name": family, "email": person.email or None}
            student = there.get(person.id)
            if student is None:
                student = Student(id=person.id)
                gradebook.db.add(student)
            elif all(getattr(student, column) == value for column, value in values.items()):
                continue
            for column, value in values.items():
                setattr(student, column, value)
            changed += 1
        gradebook.db.commit()
    return changed
