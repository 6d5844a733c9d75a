"""Counts what Commitment 6 counted, and puts this programme's figures beside its own."""

import csv
from pathlib import Path

from grader.evaluation import disclosure, inputs, programme
from grader.evaluation.disclosure import HIDDEN, NONE, Figure
from grader.evaluation.inputs import Held
from grader.evaluation.programme import Both
from grader.evaluation.results import CounterLine


def counter_lines(
    plan: programme.Programme, own: dict[str, Figure], minimum: int
) -> list[CounterLine]:
    """Return the counters of Commitment 6, with what this programme counts beside each."""
    here, given = dict(own), {each.name: each for each in plan.counter}
    for name, each in given.items():
        of_people = name not in ("courses", "registered-organizations", "visits")
        here[name] = (
            disclosure.count(each.value, minimum) if of_people else Figure("exact", each.value)
        )
    with open(Path(__file__).parent / "commitment-6.csv", encoding="utf-8", newline="") as file:
        return [
            CounterLine(
                Both(row["measure_en"], row["measure_fr"]),
                row["body"],
                int(row["value"]),
                row["precision"],
                row["target"],
                row["unit"],
                row["period_start"],
                row["period_end"],
                row["source"],
                row["here"],
                here.get(row["here"], NONE),
                given.get(row["here"]),
            )
            for row in csv.DictReader(file)
        ]


def own_counts(
    held: list[Held], attended: list[Figure], total: Figure, minimum: int
) -> dict[str, Figure]:
    """Return what the sessions themselves count."""
    days = [at for at, session in enumerate(held) if session.plan.kind == "one-day"]
    learners = len({key for session in held for key in session.people})
    participations = sum(len(session.people) for session in held)
    shown = (
        total
        if learners == participations
        else disclosure.parts(learners, participations, minimum)[0]
    )
    if len(days) == len(held):
        of_days = total
    elif any(figure == HIDDEN for figure in attended):
        of_days = HIDDEN  # a sum of some beside the sum of all would give the hidden ones back
    else:
        of_days = (
            Figure("exact", sum(len(held[at].people) for at in days))
            if days
            else Figure("exact", 0)
        )
    places = [place for session in held for place in session.people.values()]
    return {
        "events": Figure("exact", len(held)),
        "learners": shown,
        "organizations": Figure("exact", inputs.organizations(places)),
        "one-day-sessions": Figure("exact", len(days)),
        "one-day-participants": of_days,
        "trainer-sessions": Figure(
            "exact", sum(session.plan.kind == "train-the-trainer" for session in held)
        ),
    }
