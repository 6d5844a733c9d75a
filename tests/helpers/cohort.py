"""A synthetic session of twenty-seven people: graded by the project's grader, with gains planted by
topic.

Nobody in it exists. A person knows an item beforehand by chance. Of what those who take both tests
do not know, the share planted for its topic is learned, to the nearest item: who learns which is
chance. Nobody forgets. That share is the normalised gain of the topic.
"""

import csv
import random
import shutil
from pathlib import Path

from commons.files import put
from curriculum import assessment, notebooks, release
from tests.helpers.places import ROOT

SEED = 20_261_125
PLANTED = {"analysis": 0.6, "engagement": 0.3, "priorities": 0.75, "directive": 0.45}
KNOWN_BEFORE = 0.35
PEOPLE = 27
ABSENT_BEFORE, ABSENT_AFTER = {3}, {11, 19}
EXERCISE = "01-open-government"
ORGANIZATIONS = (
    "Synthetic Department",
    "Ministère synthétique",
    "synthetic  DEPARTMENT",
    '=HYPERLINK("x")',
    "",
)
NAMES = (
    "=cmd|'/c calc'!A1",
    "<script>alert(1)</script> Côté",
    "+Zoë Lévesque",
    'Anne "Nan" O’Neil',
)


def student(number: int) -> str:
    return f"synthetic-{number + 1:02}"


def knowledge(
    bank: dict, people: int = PEOPLE, seed: int = SEED
) -> list[tuple[set[str], set[str]]]:
    """Return for each person the names of the items known before, and after."""
    chance = random.Random(seed)
    before = [
        {pair["name"] for pair in bank["pair"] if chance.random() < KNOWN_BEFORE}
        for _ in range(people)
    ]
    after = [set(known) for known in before]
    for topic, gain in PLANTED.items():
        unknown = [
            (number, pair["name"])
            for number in range(people)
            if number not in ABSENT_BEFORE | ABSENT_AFTER
            for pair in bank["pair"]
            if pair["topic"] == topic and pair["name"] not in before[number]
        ]
        for number, name in chance.sample(unknown, round(gain * len(unknown))):
            after[number].add(name)
    return list(zip(before, after, strict=True))


def make(folder: Path) -> Path:
    """Write the course, its lists and the hand-ins; return the course."""
    course = folder / "course"
    chosen = [*assessment.FORMS.values(), EXERCISE]
    for part in ("nbgrader_config.py", "altered.py", assessment.BANK):
        put(course / part, (ROOT / "exercises" / part).read_bytes())
    for name in chosen:
        shutil.copytree(ROOT / "exercises" / "source" / name, course / "source" / name)
        french = f"french/{name}.ipynb"
        put(course / french, (ROOT / "exercises" / french).read_bytes())
    release.release("en", course)
    bank = assessment.read(course)
    for number, (before, after) in enumerate(knowledge(bank)):
        for form, known, absent in (("pre", before, ABSENT_BEFORE), ("post", after, ABSENT_AFTER)):
            if number not in absent:
                hand_in_test(course, bank, form, number, known)
        if number < 22:
            hand_in_exercise(course, number)
    lists(folder)
    return course


def released(course: Path, number: int, name: str):
    """Return what a person received; the French release differs from the English one by its text
    cells alone."""
    notebook = notebooks.read(course / "release" / name / f"{name}.ipynb")
    if number % 2:
        french = notebooks.cells_by_id(notebooks.read(course / "french" / f"{name}.ipynb"))
        for cell in notebook.cells:
            cell.source = french[cell["id"]].source if cell["id"] in french else cell.source
    return notebook


def hand_in_test(course: Path, bank: dict, form: str, number: int, known: set[str]) -> None:
    """Hand in a test: the right letter where the item is known, else another, or none."""
    chance, name = random.Random(f"{SEED} {form} {number}"), assessment.FORMS[form]
    notebook = released(course, number, name)
    for pair in bank["pair"]:
        right = assessment.key(pair, form)
        letter = (
            right
            if pair["name"] in known
            else chance.choice([each for each in "ABCD" if each != right] + [None])
        )
        notebooks.cells_by_id(notebook)[pair["name"]].source = (
            f"{pair['name']} = {letter!r}" if letter else "..."
        )
    notebooks.write(notebook, course / "submitted" / student(number) / name / f"{name}.ipynb")


def hand_in_exercise(course: Path, number: int) -> None:
    """Hand in the exercise: the master's solutions, without those that a weaker person
    leaves out."""
    master = notebooks.cells_by_id(
        notebooks.read(course / "source" / EXERCISE / f"{EXERCISE}.ipynb")
    )
    notebook = released(course, number, EXERCISE)
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution") and (
            cell.cell_type == "markdown" or number % 3 or cell["id"] != "late_departments"
        ):
            lines = master[cell["id"]].source.splitlines()
            cell.source = "\n".join(line for line in lines if "### " not in line)
    notebooks.write(
        notebook, course / "submitted" / student(number) / EXERCISE / f"{EXERCISE}.ipynb"
    )


def lists(folder: Path) -> None:
    """Write roster, attendance, evaluation forms and the programme's file."""
    chance = random.Random(SEED)
    table(
        folder / "people.csv",
        ["id", "name", "email", "section", "language"],
        [
            [
                student(number),
                NAMES[number] if number < len(NAMES) else f"Person {number}",
                f"{student(number)}@example.org",
                "SYNTHETIC",
                "fr" if number % 2 else "en",
            ]
            for number in range(PEOPLE)
        ],
    )
    table(
        folder / "attendance.csv",
        ["identifiant", "organisme"],
        [[student(number), ORGANIZATIONS[number % len(ORGANIZATIONS)]] for number in range(PEOPLE)],
    )
    table(
        folder / "forms.csv",
        ["language", "relevant", "clear", "pace", "confident", "recommend", "comments"],
        [
            [
                "fr" if number % 2 else "en",
                *(chance.choice((2, 3, 4, 4, 5)) for _ in range(5)),
                f"Signed, {student(number)}",
            ]
            for number in range(24)
        ],
    )
    (folder / "programme.toml").write_text(TOML, "utf-8")


def table(path: Path, header: list[str], rows: list[list]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


TOML = """
[programme]
title = {en = "Open data in a day", fr = "Les données ouvertes en une journée"}
synthetic = true

[[session]]
date = 2026-11-25
place = "in person"
language = "both"
strand = "L+S"
topics = ["analysis", "engagement", "priorities", "directive"]
course = "course"
exercises = ["01-open-government"]
roster = "people.csv"
attendance = "attendance.csv"
satisfaction = "forms.csv"

[[counter]]
name = "registrations"
value = 31
from = 2026-10-01
to = 2026-11-25
source = {en = "synthetic registration list", fr = "liste d’inscription synthétique"}

[[counter]]
name = "audience-external"
value = 4
from = 2026-10-01
to = 2026-11-25
source = {en = "synthetic count", fr = "compte synthétique"}
"""
