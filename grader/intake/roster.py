"""Reads the list of a cohort: who is in it, and what is wrong with the list."""

import re
import unicodedata
from collections import Counter
from pathlib import Path

from commons import csv_lists
from commons.errors import BilingualError
from commons.wording import Sentence
from grader.intake.names import fold, words_of
from grader.intake.people import Person, Roster

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
_MOST_TOLD, _LONGEST = 8, 128


class BrokenRoster(BilingualError):
    """Raised when a list of the cohort cannot be read or contradicts itself; the text names the
    lines."""


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
    plain = "".join(words_of(fold(header)))
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
    elif not words_of(fold(name)) or len(name) > _LONGEST:
        problem = Sentence(
            f"Line {line}: the name is missing or too long.",
            f"Ligne {line} : le nom manque ou est trop long.",
        )
    return person, problem
