"""Writing the session's two tests, as nbgrader assignments, from one bank of items.

The bank, ``assessment.toml`` in the course, holds pairs of parallel items; each form takes one item
of each pair, under the same grade id, so that before and after can be compared item by item. The
bank is public and so is its key: whoever certifies learners keeps another bank in a private copy of
the course, and writes its forms with the same command.
"""

import tomllib
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from commons.wording import typeset
from curriculum import notebooks, translation
from curriculum.lessons import LANGUAGES
from curriculum.words import words

BANK = "assessment.toml"
FORMS = {"pre": "pre-assessment", "post": "post-assessment"}
ASSIGNMENTS = frozenset(FORMS.values())
ITEMS = 10  #: in each form
LETTERS = "ABCD"
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_SETUP = 'import portail\n\nlang = portail.use_language("{language}")'


class BrokenBank(ValueError):
    """Raised when a bank of items cannot give two parallel forms; the message names the pair."""


def read(course: Path) -> dict:
    """Read a course's bank of items.

    Args:
        course: the nbgrader course that holds it.

    Returns:
        The bank as the file has it: ``topics``, ``misconceptions`` and ``pair``.

    Raises:
        BrokenBank: if there is none, it is not TOML, or a pair is not two parallel items.
    """
    try:
        bank = tomllib.loads((course / BANK).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenBank(f"{BANK}: {error}") from error
    pairs = bank.get("pair", [])
    if len(pairs) != ITEMS or len({pair.get("name") for pair in pairs}) != ITEMS:
        raise BrokenBank(
            f"{BANK}: {ITEMS} pairs of different names are needed / il faut {ITEMS} paires de noms "
            "différents"
        )
    for pair in pairs:
        for problem in _problems(pair, bank):
            raise BrokenBank(f"{BANK}, {pair['name']}: {problem}")
    return bank


def _problems(pair: dict, bank: dict):
    """Give what keeps two items from being parallel."""
    if not str(pair["name"]).isidentifier():
        yield "the name is not that of a variable / le nom n’est pas celui d’une variable"
    if pair.get("topic") not in bank.get("topics", {}):
        yield "the topic is not one of the bank’s / le thème n’est pas dans la banque"
    for part in ("lesson", "objective", *FORMS):
        if part not in pair:
            yield f"{part} is missing / manque"
            return
    for form in FORMS:
        options = pair[form]
        if sorted(set(options) - {"stem"}) != list(LETTERS) or "stem" not in options:
            yield (
                f"{form}: a stem and the options A to D are needed / il faut un énoncé et les "
                "options A à D"
            )
            return
        if sum("is" not in options[letter] for letter in LETTERS) != 1:
            yield f"{form}: exactly one option must be right / une seule option doit être bonne"
        for text in options.values():
            if not all(text.get(language) for language in LANGUAGES):
                yield f"{form}: a text lacks a language / il manque une langue"
        for letter in LETTERS:
            if options[letter].get("is") not in {None, *bank.get("misconceptions", {})}:
                yield (
                    f"{form}, {letter}: this misconception is not in the bank / cette idée fausse "
                    "n’y est pas"
                )
    one, other = ({pair[form][letter].get("is") for letter in LETTERS} for form in FORMS)
    if one != other or len(one) != len(LETTERS):
        yield (
            "both items need the same three misconceptions / il faut les trois mêmes idées "
            "fausses aux deux"
        )


def key(pair: dict, form: str) -> str:
    """Return the right letter of a pair's item in a form, ``"pre"`` or ``"post"``."""
    return next(letter for letter in LETTERS if "is" not in pair[form][letter])


def write(course: Path) -> list[Path]:
    """Write both forms, masters and French texts, into a course.

    Args:
        course: the nbgrader course that holds the bank.

    Returns:
        The notebooks written; the same bank gives the same bytes.

    Raises:
        BrokenBank: if the bank cannot give two parallel forms.
    """
    bank, written = read(course), []
    for form, name in FORMS.items():
        english, french = build(bank, form)
        for path, notebook in (
            (course / "source" / name / f"{name}.ipynb", english),
            (course / "french" / f"{name}.ipynb", french),
        ):
            notebooks.write(notebook, path)
            written.append(path)
    return written


def build(bank: dict, form: str):
    """Return a form's English master, and the notebook of its French cells."""
    english = _notebook("en", _cells(bank, form, "en"))
    french = _notebook(
        "fr", [cell for cell in _cells(bank, form, "fr") if "nbgrader" not in cell.metadata]
    )
    translation.stamp(english, french)
    return english, french


def _notebook(language: str, cells: list):
    notebook = new_notebook(metadata=KERNEL | {"lang": language}, cells=cells)
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook


def _cells(bank: dict, form: str, language: str) -> list:
    """Return a form's cells in one language; answer and test cells are the same in both."""
    own = words("assessment", language)
    cells = [
        _text("title", f"{own[form]}\n\n{own['how']}", language),
        _code("setup", _SETUP.format(language=language)),
    ]
    for number, pair in enumerate(bank["pair"], 1):
        name = pair["name"]
        options = "\n".join(
            f'- `"{letter}"`{" :" if language == "fr" else ":"} {pair[form][letter][language]}'
            for letter in LETTERS
        )
        cells += [
            _text(
                f"{name}-text",
                f"## Question {number} ({own['point']})\n\n{pair[form]['stem'][language]}\n\n"
                f"{options}",
                language,
            ),
            _code(
                name,
                f'{name} = ...\n### BEGIN SOLUTION\n{name} = "{key(pair, form)}"\n### END SOLUTION',
                grade=False,
                solution=True,
                locked=False,
            ),
            _code(
                f"{name}-test",
                _test(bank, pair, form),
                grade=True,
                solution=False,
                locked=True,
                points=1,
            ),
        ]
    return [*cells, _text("end", own["end"], language)]


def _text(name: str, source: str, language: str):
    return new_markdown_cell(typeset(source) if language == "fr" else source, id=name)


def _code(name: str, source: str, **about):
    cell = new_code_cell(source, id=name)
    if about:
        cell.metadata["nbgrader"] = {"grade_id": name, "schema_version": 3, "task": False, **about}
    return cell


def _test(bank: dict, pair: dict, form: str) -> str:
    """Return an item's test: a letter for all to see, the right one hidden, and the misconception
    behind each other."""
    name, mistakes = pair["name"], []
    for letter in LETTERS:
        if idea := bank["misconceptions"].get(pair[form][letter].get("is")):
            english = f"this rests on the idea that {idea['en']}. {idea['look_en']}"
            french = f"cette réponse repose sur l’idée suivante : {idea['fr']}. {idea['look_fr']}"
            mistakes.append(
                f"    ({_quoted(letter)}, {_quoted(english)},\n     {_quoted(french)}),\n"
            )
    return (
        f'portail.checks.expect("{name}", {name}, str, length=1, look_at=(\n'
        f'    "One letter between quotation marks: A, B, C or D.", '
        f'"Une lettre entre guillemets droits : A, B, C ou D."))\n'
        f'portail.checks.expect("{name}", {name}.upper() in "ABCD", bool, equal_to=True, '
        "mistakes=[\n"
        '    (False, "this is none of the four letters.", "ce n’est aucune des quatre '
        'lettres.")])\n'
        f"### BEGIN HIDDEN TESTS\n"
        f'portail.checks.expect("{name}", {name}.upper(), str, equal_to="{key(pair, form)}", '
        "mistakes=[\n"
        f"{''.join(mistakes)}])\n"
        f"### END HIDDEN TESTS"
    )


def _quoted(text: str) -> str:
    """Return a text as Python writes it, between double quotation marks."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
