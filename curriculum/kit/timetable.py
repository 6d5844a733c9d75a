"""The run-of-shows: a session's slots minute by minute, and whether they add up."""

from dataclasses import dataclass, replace
from pathlib import Path

from curriculum import notebooks
from curriculum.kit.notes import notes
from curriculum.kit.sources import FOLDER, read_toml
from curriculum.lessons import LANGUAGES, Curriculum, Lesson

OWNERS = ("host", "lead", "helper", "note-taker")
TAUGHT = ("lesson", "test")


@dataclass(frozen=True)
class Slot:
    """Some minutes of a session.

    Attributes:
        at: minutes since midnight.
        minutes: how long.
        kind: ``"lesson"``, ``"test"``, ``"break"``, ``"talk"``, ``"welcome"`` or ``"team"``.
        owner: one of ``OWNERS``; empty for a lesson, whose parts have theirs.
        what: what happens, by language.
        material: what lies ready, by language.
        cut: what goes if the session is late, by language.
        lesson: slug of the lesson taught, or empty.
        cell: id of the instructor cell that this part of a lesson follows, or empty.
        parts: the parts of a lesson.
    """

    at: int
    minutes: int
    kind: str
    owner: str
    what: dict[str, str]
    material: dict[str, str]
    cut: dict[str, str]
    lesson: str = ""
    cell: str = ""
    parts: tuple["Slot", ...] = ()


@dataclass(frozen=True)
class Show:
    """The run-of-show of a session.

    Attributes:
        name: short name, also that of its page.
        path: name of the learning path that it teaches, or empty.
        without: slugs of lessons of that path that are still to come and are not taught.
        title: by language.
        before: what to know before, by language.
        slots: in the order of the clock.
    """

    name: str
    path: str
    without: tuple[str, ...]
    title: dict[str, str]
    before: dict[str, str]
    slots: tuple[Slot, ...]

    def taught(self) -> int:
        """Return its minutes of lessons and tests."""
        return sum(slot.minutes for slot in self.slots if slot.kind in TAUGHT)


def shows(file: Path = FOLDER / "shows.toml") -> list[Show]:
    """Read the run-of-shows.

    Args:
        file: where they are written.

    Raises:
        ValueError: if the kit's sources are not here, or the file is not TOML; the message says
            what to do.
    """
    plan = read_toml(file)
    parts = [_slot(each, 0) for each in plan["part"]]
    found = []
    for each in plan["show"]:
        slots = []
        for slot in each["slot"]:
            own, at = [], _minute(slot["at"])
            for part in parts:
                if part.lesson == slot.get("lesson"):
                    own.append(replace(part, at=at))
                    at += part.minutes
            slots.append(_slot(slot, _minute(slot["at"]), tuple(own)))
        found.append(
            Show(
                each["name"],
                each.get("path", ""),
                tuple(each["without"]),
                each["title"],
                each["before"],
                tuple(slots),
            )
        )
    return found


def complaints(show: Show, plan: Curriculum) -> list[str]:
    """Return what does not add up in a run-of-show.

    Args:
        show: the run-of-show.
        plan: the lessons and paths that it must agree with.

    Returns:
        One sentence for each complaint, none if all is well.
    """
    found = []
    for before, after in zip(show.slots, show.slots[1:], strict=False):
        if before.at + before.minutes != after.at:
            found.append(
                f"{show.name}: {clock(before.at)} + {before.minutes} minutes is not "
                f"{clock(after.at)}"
            )
    for slot in [*show.slots, *(part for each in show.slots for part in each.parts)]:
        where = f"{show.name} {clock(slot.at)} {slot.cell}".strip()
        if slot.minutes < 1:
            found.append(f"{where}: no minutes")
        if slot.kind == "lesson" and not slot.cell:
            continue  # its parts say who, with what and what to cut
        if slot.owner not in OWNERS:
            found.append(f"{where}: no owner among {', '.join(OWNERS)}")
        for name, words in (("what", slot.what), ("material", slot.material), ("cut", slot.cut)):
            if not slot.cell or name != "what":
                found += [
                    f"{where}: no {name} in {language}"
                    for language in LANGUAGES
                    if not words.get(language)
                ]
    for slot in show.slots:
        if slot.lesson:
            found += [
                f"{show.name}: {each}" for each in _of_a_lesson(slot, plan.lesson(slot.lesson))
            ]
    if show.path:
        found += _against_the_path(show, plan)
    return found


def _of_a_lesson(slot: Slot, lesson: Lesson) -> list[str]:
    """Return what a lesson's parts get wrong: their sum, the minutes that the lesson states, the
    cells."""
    found = []
    added = sum(part.minutes for part in slot.parts)
    if not added == slot.minutes == lesson.core_minutes:
        found.append(
            f"{lesson.slug}: its parts add up to {added}, its slot to {slot.minutes}, its one-day "
            f"cut to {lesson.core_minutes}"
        )
    if not lesson.exists():
        return found
    own = {note.cell: note for note in notes(notebooks.read(lesson.path("en")), "en")}
    for part in slot.parts:
        note = own.get(part.cell)
        if note is None:
            found.append(f"{lesson.slug}: it has no instructor cell {part.cell}")
        elif note.stated is not None and part.minutes != note.stated:
            found.append(
                f"{lesson.slug}: {part.cell} has {part.minutes} minutes here, {note.stated} in "
                "the lesson"
            )
        elif part.minutes > note.minutes:
            found.append(
                f"{lesson.slug}: {part.cell} has {part.minutes} minutes here, {note.minutes} in "
                "the whole lesson"
            )
    left_out = [
        cell
        for cell, note in own.items()
        if note.stated and cell not in {part.cell for part in slot.parts}
    ]
    return found + [
        f"{lesson.slug}: {cell} is in the lesson's one-day cut and not here" for cell in left_out
    ]


def _against_the_path(show: Show, plan: Curriculum) -> list[str]:
    """Return where a run-of-show and its learning path disagree."""
    found = []
    path = next(path for path in plan.paths if path.name == show.path)
    steps = [lesson for lesson, _ in path.steps(plan) if lesson.slug not in show.without]
    taught = [slot.lesson for slot in show.slots if slot.kind == "lesson"]
    if taught != [lesson.slug for lesson in steps]:
        found.append(f"{show.name}: it teaches {', '.join(taught)}, which is not its path")
    expected = path.minutes(plan) - sum(plan.lesson(slug).core_minutes for slug in show.without)
    if show.taught() != expected:
        found.append(f"{show.name}: {show.taught()} taught minutes, and its path has {expected}")
    found += [
        f"{show.name}: {slug} is written now; teach it"
        for slug in show.without
        if plan.lesson(slug).exists()
    ]
    return found


def taught(sessions: list[Show], plan: Curriculum) -> list[Lesson]:
    """Return the written lessons that some session teaches, in order."""
    slugs = {slot.lesson for show in sessions for slot in show.slots}
    return [lesson for lesson in plan.written() if lesson.slug in slugs]


def _slot(words: dict, at: int, parts: tuple[Slot, ...] = ()) -> Slot:
    return Slot(
        at,
        words["minutes"],
        words.get("kind", "lesson"),
        words.get("owner", ""),
        words.get("what", {}),
        words.get("material", {}),
        words.get("cut", {}),
        words.get("lesson", ""),
        words.get("cell", ""),
        parts,
    )


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def clock(minute: int, language: str = "en") -> str:
    """Return a time as each language writes it."""
    if language == "fr":
        return f"{minute // 60}\u00a0h" + (f"\u00a0{minute % 60:02}" if minute % 60 else "")
    return f"{minute // 60}:{minute % 60:02}"
