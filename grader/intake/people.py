"""Describes the people of a cohort, and finds the one whom a file's name means."""

import dataclasses
import functools
import re
from collections import Counter, defaultdict
from typing import NamedTuple

from commons.wording import Sentence
from grader.intake.names import fold, lms_name, words_of

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
_EDGES = " _-.,;()[]"
_MOST_WORDS = 24


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
        words = words_of(plain)
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
        section = words_of(fold(self.people[one].section))
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
        names = Counter(word for person in people for word in set(words_of(fold(person.name))))
        for person in people:
            own = words_of(fold(person.name))
            local = fold(person.email.partition("@")[0])
            if names[local] > (local in own):  # marie@… is not the only Marie
                local = ""
            for text in filter(None, (fold(person.id), fold(person.email), local)):
                index.alone[text].add(person.id)
                if not re.fullmatch(r"\d{1,3}", text):
                    index.keys[" ".join(words_of(text))].add(person.id)
            for turn in range(len(own)):
                words = own[turn:] + own[:turn]
                index.keys[" ".join(words)].add(person.id)
                index.squeezed["".join(words)].add(person.id)
        for keys in index:
            keys.pop("", None)
        return cls(*(dict(keys) for keys in index))
