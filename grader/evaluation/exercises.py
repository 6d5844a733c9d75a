"""Summarizes exercises, and how far two markers agree on memos."""

import numpy as np
import pandas as pd

from grader.evaluation import disclosure, inputs
from grader.evaluation.disclosure import HIDDEN, NONE, Figure
from grader.evaluation.inputs import Held
from grader.evaluation.results import ExerciseResult, MemoResult


def by_exercise(held: list[Held]) -> list[tuple[str, list[inputs.Exercise], int]]:
    """Return the exercises by name, with what was done in each session, and how many people had it
    to do."""
    names = dict.fromkeys(each.name for session in held for each in session.exercises)
    return [
        (
            name,
            [each for session in held for each in session.exercises if each.name == name],
            len(
                {
                    key
                    for session in held
                    if name in session.plan.exercises
                    for key in session.people
                }
            ),
        )
        for name in names
    ]


def exercise_result(
    name: str, exercises: list[inputs.Exercise], people: int, minimum: int
) -> tuple[ExerciseResult, dict[str, float]]:
    """Return an exercise's line, and the mean share of each task behind which enough people
    stand."""
    points = pd.concat([each.points for each in exercises])
    maximum = {task: most for each in exercises for task, most in each.maximum.items() if most}
    shares = points.reindex(columns=list(maximum)) / pd.Series(maximum, dtype=float)
    tasks = {
        task: float(shares[task].mean()) for task in maximum if shares[task].count() >= minimum
    }
    hardest = min(tasks, key=tasks.get, default="")
    automatic = [
        task for task in maximum if task not in {name for each in exercises for name in each.manual}
    ]
    mean = float(shares[automatic].mean(axis=1).mean()) if len(shares) and automatic else None
    return ExerciseResult(
        name,
        disclosure.share(len(points), people, minimum) if people else NONE,
        disclosure.average(mean, len(points), minimum),
        hardest,
        _task(shares[hardest].dropna(), minimum) if hardest else HIDDEN if len(points) else NONE,
    ), tasks


def _task(shares: pd.Series, minimum: int) -> Figure:
    """Return a task's mean share of points; where it is all or nothing, that is a share of
    people."""
    if shares.isin([0.0, 1.0]).all():
        return disclosure.share(int(shares.sum()), len(shares), minimum)
    return disclosure.average(float(shares.mean()), len(shares), minimum)


def hardest_task(exercises: list[tuple[ExerciseResult, dict[str, float]]]) -> str:
    """Return the task with the fewest points of all exercises; "" if there is none."""
    tasks = {task: share for _, found in exercises for task, share in found.items()}
    return min(tasks, key=tasks.get, default="")


def memo_results(held: list[Held], minimum: int) -> list[MemoResult]:
    """Return the memos by task: points pooled, agreement weighted by the answers that two have read
    in a course."""
    found = []
    for task in dict.fromkeys(
        task for session in held for each in session.exercises for task in each.manual
    ):
        own = [each for session in held for each in session.exercises if task in each.manual]
        given = [each.points[task] for each in own if task in each.points]
        points = pd.concat(given).dropna() if given else pd.Series(dtype=float)
        maximum = max((each.maximum.get(task, 0.0) for each in own), default=0.0)
        twice = {
            session.plan.course: each.agreement[task]
            for session in held
            for each in session.exercises
            if task in each.agreement
        }.values()  # sessions of one course share its markers' sheets
        answers = sum(each.answers for each in twice)
        same, near = (
            round(sum(getattr(each, name) * each.answers for each in twice))
            for name in ("same", "near")
        )
        kappas = [(each.kappa, each.answers) for each in twice if each.kappa is not None]
        kappa = (
            float(np.average([one for one, _ in kappas], weights=[many for _, many in kappas]))
            if kappas
            else None
        )
        found.append(
            MemoResult(
                task,
                maximum,
                disclosure.average(
                    float(points.mean()) if len(points) else None, len(points), minimum
                ),
                *(
                    disclosure.share(each, answers, minimum) if answers else NONE
                    for each in (same, near)
                ),
                disclosure.average(kappa, answers, minimum),
            )
        )
    return found
