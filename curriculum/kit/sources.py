"""Reading the kit's own sources: its TOML files, its words, the sample memos and their rubric."""

import functools
import tomllib
from pathlib import Path

from curriculum import notebooks
from curriculum.lessons import ROOT

FOLDER = ROOT / "facilitation"
RUBRIC_OF = "04-served-online"


@functools.cache
def read_toml(file: Path) -> dict:
    """Read one TOML file of the kit."""
    if not file.is_file():
        raise ValueError(
            f"{file} is not here: the kit is built from a checkout of the project, not from a wheel"
        )
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} cannot be read: {error}") from error


def words(language: str) -> dict:
    """Return the kit's own words in one language: titles, table heads, what each page is for.

    Args:
        language: ``"en"`` or ``"fr"``.
    """
    return read_toml(FOLDER / "words" / f"{language}.toml")


def sample_memos() -> dict:
    """Return the sample memos: each with its points, one for each criterion, and its text and
    reasons by language."""
    return read_toml(FOLDER / "memos.toml")


def rubric(language: str) -> list[list[str]]:
    """Return the rubric of exercise 04's memo, a row for each criterion: its name, then what earns
    2, 1 and 0.

    Args:
        language: ``"en"`` or ``"fr"``.
    """
    folder = {"en": f"source/{RUBRIC_OF}", "fr": "french"}[language]
    cell = notebooks.cells_by_id(
        notebooks.read(ROOT / "exercises" / folder / f"{RUBRIC_OF}.ipynb")
    )["memo-text"]
    rows = [
        line.strip(" |").split(" | ")
        for line in cell.source.splitlines()
        if line.startswith("| **")
    ]
    return [[word.strip() for word in row] for row in rows]
