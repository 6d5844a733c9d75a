"""Rehearsing a day: every lesson, in both languages, run from all seats at once."""

import statistics
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from commons.wording import Sentence
from curriculum.lessons import LANGUAGES
from grader.sandbox.usage import descendants, memory_of
from room.participant import Participant, SeatFailed
from room.seats import Seat


class StepTiming(NamedTuple):
    """What one step of the rehearsal showed.

    Args:
        step: what was done: a lesson, or coming in, or handing in.
        language: in which it was done.
        seats: how many did it at once.
        p95: the seconds within which 95 of 100 waits ended: for a seat, for a cell, for a hand-in.
        errors: what went wrong, seat by seat.
    """

    step: str
    language: str
    seats: int
    p95: float
    errors: tuple[str, ...]


def rehearse(
    address: str, seats: list[Seat], lessons: Iterable[str], patience: float
) -> Iterator[StepTiming]:
    """Play the day: everybody comes in, runs each lesson at the same time, and hands an exercise
    in.

    Every other seat works in French, so that both languages are at work at once.

    Args:
        address: the open room's.
        seats: who plays.
        lessons: slugs, in the order of the day.
        patience: how many seconds a participant waits for one answer.
    """
    people = [
        Participant(address, seat, LANGUAGES[at % 2], patience) for at, seat in enumerate(seats)
    ]
    with ThreadPoolExecutor(len(people)) as crowd:
        yield from _together(
            crowd, str(Sentence("come in", "entrer")), people, lambda one: ([one.come_in()], "")
        )
        for lesson in lessons:
            yield from _together(
                crowd,
                lesson,
                people,
                lambda one, lesson=lesson: one.run(f"{one.language}/{lesson}.ipynb"),
            )
        for lesson in lessons:
            step = str(Sentence(f"hand in {lesson}", f"remettre {lesson}"))
            yield from _together(
                crowd, step, people, lambda one, lesson=lesson: _answer(one, lesson)
            )


def _together(
    crowd: ThreadPoolExecutor, step: str, people: list[Participant], does: Callable
) -> Iterator[StepTiming]:
    """Let everybody do a step at once, and tell it a line a language."""
    done = list(crowd.map(lambda one: _tried(does, one), people))
    for language in LANGUAGES:
        those = [
            (one, *each) for one, each in zip(people, done, strict=True) if one.language == language
        ]
        waits = [wait for _, seconds, _ in those for wait in seconds]
        errors = tuple(f"{one.seat.seat}: {error}" for one, _, error in those if error)
        if those:
            yield StepTiming(step, language, len(those), percentile(waits, 95), errors)


def _tried(does: Callable, one: Participant) -> tuple[list[float], str]:
    try:
        return does(one)
    except SeatFailed as refused:
        return [], str(refused)


def _answer(one: Participant, lesson: str) -> tuple[list[float], str]:
    """Write a line into the first answer of an exercise, and save it."""
    name = f"{one.language}/exercises/{lesson}.ipynb"
    started = time.monotonic()
    notebook = one.read(name)
    first = next(
        cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("solution")
    )
    first["source"] = f"{''.join(first['source'])}\n# {one.seat.seat}"
    one.write(name, notebook)
    return [time.monotonic() - started], ""


def percentile(values: list[float], share: int) -> float:
    """Return the value that so many of a hundred do not exceed; not a number where there
    are none."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


class Memory:
    """Watches the memory of all processes below one, in a ``with`` block: ``most``, in bytes."""

    def __init__(self, pid: int):
        self.pid, self.most, self._over = pid, 0, threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._over.wait(2):
            self.most = max(self.most, memory_of(descendants(self.pid)))

    def __enter__(self):
        self._watching.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._watching.join()
