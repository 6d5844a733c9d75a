"""Reading a lesson's instructor notes: their name, minutes and labelled parts.

An instructor note is a Markdown cell tagged ``instructor``. It begins with its name and minutes,
and each of its parts is an item of a list that begins with its label::

    **Instructor · freshness · 20 min (one-day cut: 9).**

    - **Goal:** Out of how many, and from which date.
    - **Do and say:** Stop at the chart and ask …

The labels of a language are the table ``parts`` of ``facilitation/words/LANGUAGE.toml``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from curriculum import notebooks
from curriculum.kit.sources import words

HEAD = {
    "en": re.compile(
        r"\*\*Instructor · (?P<name>.+?) · (?P<minutes>\d+)\smin"
        r"(?:\s\((?:one-day cut: (?:[^()]*, )?(?P<cut>\d+)|(?P<out>not in the one-day cut))\))?"
        r"\.\*\*(?:\n|$)"
    ),
    "fr": re.compile(
        r"\*\*Formation · (?P<name>.+?) · (?P<minutes>\d+)\smin"
        r"(?:\s\((?:version d’une journée\s: (?:[^()]*, )?(?P<cut>\d+)"
        r"|(?P<out>hors de la version d’une journée))\))?\.\*\*(?:\n|$)"
    ),
}
HEAD_EXAMPLE = {
    "en": "**Instructor · name · 12 min.** or **Instructor · name · 12 min (one-day cut: 9).**",
    "fr": "**Formation · nom · 12 min.** or **Formation · nom · 12 min (version d’une journée : "
    "9).**",
}
LABELLED = re.compile(r"\*\*(?P<label>[^*:]+?)\s?:\*\*\s+(?P<text>\S.*)", re.S)
QUOTATION_MARKS = '"«»\u00a0'


@dataclass(frozen=True)
class InstructorNote:
    """One instructor note.

    Attributes:
        cell: the id of its cell.
        name: the section's name, in the lesson's language.
        minutes: taught minutes of the section in the whole lesson.
        stated: minutes in the one-day cut where the note states them (0: left out), else None.
        parts: its text by kind of part (``"goal"``, ``"do"`` …), in the order of the kit's pages.
    """

    cell: str
    name: str
    minutes: int
    stated: int | None
    parts: dict[str, str]


def notes(notebook, language: str) -> list[InstructorNote]:
    """Return a lesson's instructor notes.

    Args:
        notebook: the lesson.
        language: ``"en"`` or ``"fr"``.

    Raises:
        ValueError: if a note has no name, minutes or goal, or a part has no label; it is named.
    """
    found = list(complaints(notebook, language))
    if found:
        raise ValueError("\n".join(found))
    return [_note(cell, language) for cell in _cells(notebook)]


def complaints(notebook, language: str) -> Iterator[str]:
    """Give what is wrong with a lesson's instructor notes, one sentence each.

    Args:
        notebook: the lesson.
        language: ``"en"`` or ``"fr"``.
    """
    labels = words(language)["parts"]
    for cell in _cells(notebook):
        head = HEAD[language].match(cell.source)
        if not head:
            yield f"{cell['id']}: an instructor note begins with {HEAD_EXAMPLE[language]}"
            continue
        found = []
        for part in _divided(cell.source[head.end() :]):
            labelled = LABELLED.fullmatch(part)
            if not labelled or labelled["label"] not in labels.values():
                yield (
                    f"{cell['id']}: a part of the instructor note has no label: « {part[:50]} »; "
                    f"begin it with - **label{_colon(language)}** and one of: "
                    f"{', '.join(labels.values())}"
                )
            elif labelled["label"] in found:
                yield f"{cell['id']}: the label {labelled['label']} comes twice"
            else:
                found.append(labelled["label"])
        if labels["goal"] not in found:
            yield f"{cell['id']}: the instructor note states no goal ({labels['goal']})"


def key_sentences(notebook, language: str) -> list[str]:
    """Return three sentences or more to say: those that instructor notes name, then the lesson's
    key points.

    Args:
        notebook: the lesson.
        language: ``"en"`` or ``"fr"``.
    """
    named = [
        note.parts["key"].strip(QUOTATION_MARKS)
        for note in notes(notebook, language)
        if "key" in note.parts
    ]
    points = re.findall(r"^- (.+)$", tagged(notebook, "key-points").source, re.M)
    return [*named, *points[: max(0, 3 - len(named))]]


def tagged(notebook, tag: str):
    """Return the first cell with a tag."""
    return next(cell for cell in notebook.cells if tag in notebooks.tags(cell))


def question(notebook) -> str:
    """Return the question that a lesson answers."""
    return re.findall(r"^\*\*(.+)\*\*$", tagged(notebook, "question").source, re.M)[-1]


def _cells(notebook) -> list:
    """Return the cells that are instructor notes."""
    return [cell for cell in notebook.cells if "instructor" in notebooks.tags(cell)]


def _divided(text: str) -> list[str]:
    """Return a note's parts: each item of its list, and whatever stands outside an item."""
    parts: list[str] = []
    for line in filter(str.strip, text.splitlines()):
        if line.startswith("- "):
            parts.append(line[2:].strip())
        elif line[0].isspace() and parts:
            parts[-1] += f" {line.strip()}"
        else:
            parts.append(line.strip())
    return parts


def _note(cell, language: str) -> InstructorNote:
    """Return one note, which has no complaint."""
    head = HEAD[language].match(cell.source)
    texts = {}
    for part in _divided(cell.source[head.end() :]):
        labelled = LABELLED.fullmatch(part)
        texts[labelled["label"]] = labelled["text"]
    labels = words(language)["parts"]
    parts = {kind: texts[label] for kind, label in labels.items() if label in texts}
    stated = 0 if head["out"] else int(head["cut"]) if head["cut"] else None
    return InstructorNote(cell["id"], head["name"], int(head["minutes"]), stated, parts)


def _colon(language: str) -> str:
    return "\u00a0:" if language == "fr" else ":"
