"""The evaluation of a session, or of a programme of several: who came, what was learned, what it
was worth to them.

It follows Kirkpatrick's four levels as far as a day can: reaction and learning are measured,
behaviour and results are said not to be. Its counters stand beside those that Commitment 6 of
Canada's Third Open Government Action Plan reported, one for one. Nothing in it names a person, and
small groups are not shown (``suppression``).

Counts of people are shown for the whole programme, and by session only how many came: a count by
session beside its sum would give back what another session hides.
"""

import csv
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from commons.errors import BilingualError
from grader.evaluation import disclosure, programme
from grader.evaluation.disclosure import HIDDEN, NONE, Figure
from grader.evaluation.programme import SCALES, Both, Held, Pair
from grader.reports import statistics
from grader.reports.statistics import Gain

MASTERY = 0.7  #: share of the points from which a test counts as passed
AGREES = 4  #: of 5, from which an answer counts as agreement
_ENOUGH = (
    20  #: people, below which the gain of a single item would tell its counts even to one decimal
)
_FARTHEST = 0.9  #: beyond which the gain of a single item would tell how many got it wrong


class TooFew(BilingualError):
    """Raised for a smallest group that nobody may show."""


class Line(msgspec.Struct, frozen=True):
    """A counter: as Commitment 6 reported it, and what this programme counts.

    Args:
        measure: its name.
        body: who reported it.
        value: what was reported; ``precision`` and ``target`` as the source has them, the target ""
            where it has none.
        precision: ``"exact"``, ``"approximately"`` or ``"at least"``.
        target: what was to be reached.
        unit: of the value.
        start: of its span; "" where the source gives none.
        end: of its span.
        source: ``"mid-term"`` or ``"final"``, the pages of ``SOURCES``.
        key: which definition of ours stands beside it.
        here: what this programme counts.
        given: the span and source of a number that has no file here.
    """

    measure: Both
    body: str
    value: int
    precision: str
    target: str
    unit: str
    start: str
    end: str
    source: str
    key: str
    here: Figure
    given: programme.Counter | None = None


class Day(msgspec.Struct, frozen=True):
    """A session: what its plan says, how many came, and the gain over the whole test."""

    plan: programme.Session
    people: Figure
    gain: Figure
    low: Figure
    high: Figure


class Learned(msgspec.Struct, frozen=True):
    """What was learned of a topic or an objective, of learners who took both tests."""

    name: Both
    items: int
    before: Figure
    after: Figure
    gain: Figure
    low: Figure
    high: Figure


class Asked(msgspec.Struct, frozen=True):
    """An item of one form: share of right answers, and how it goes with the rest of the form."""

    name: str
    objective: Both
    difficulty: Figure
    discrimination: Figure


class Done(msgspec.Struct, frozen=True):
    """An exercise: how many handed it in, of those who were there, its mean share of points, its
    hardest task."""

    name: str
    handed_in: Figure
    points: Figure
    hardest: str
    hardest_points: Figure


class Read(msgspec.Struct, frozen=True):
    """A memo: its mean points, and how far two markers agree on it; ``NONE`` where only one has
    marked."""

    name: str
    maximum: float
    points: Figure
    same: Figure
    near: Figure
    kappa: Figure


class Rated(msgspec.Struct, frozen=True):
    """A statement of the evaluation form: its mean of 5, and the share of forms with 4 or 5."""

    scale: str
    mean: Figure
    agree: Figure


class Evaluation(msgspec.Struct, frozen=True):
    """All that the report says.

    Args:
        title: of the programme.
        synthetic: whether nobody in it exists.
        minimum: fewest people that are shown.
        counters: one for one with those of Commitment 6.
        days: the sessions.
        participations: how many came, over all sessions.
        topics_covered: their names, or the words of the plan.
        both: learners who took both tests.
        one_or_none: those who took one or none: they count in no gain.
        tested: whether both tests are graded.
        overall: the whole test.
        topics: what was learned, by topic.
        objectives: by objective, pooled over sessions.
        mastery: share at or above ``MASTERY`` before and after.
        items: of each form.
        hardest: the item of the second test that fewest got right; "" if there is none.
        exercises: what was done.
        hardest_task: of all exercises; "" if there is none.
        memos: what people read.
        responses: share of participants who gave in a form.
        by_language: forms in English and in French.
        ratings: by statement.
    """

    title: Both
    synthetic: bool
    minimum: int
    counters: list[Line]
    days: list[Day]
    participations: Figure
    topics_covered: list[Both]
    both: Figure
    one_or_none: Figure
    tested: bool
    overall: Learned
    topics: list[Learned]
    objectives: list[Learned]
    mastery: dict[str, Figure]
    items: dict[str, list[Asked]]
    hardest: str
    exercises: list[Done]
    hardest_task: str
    memos: list[Read]
    responses: Figure
    by_language: dict[str, Figure]
    ratings: list[Rated]


def evaluate(path: Path | str, minimum: int = disclosure.USUAL) -> Evaluation:
    """Evaluate a programme.

    Args:
        path: its TOML file, as ``grader.evaluation.programme`` describes it.
        minimum: fewest people that a cell may show.

    Raises:
        TooFew: if the minimum is under ``suppression.NEVER_UNDER``.
        BrokenProgramme: if the file, or a list that it names, cannot be read.
        BilingualError: if a course, roster or gradebook cannot be read.
    """
    path = Path(path)
    if minimum < disclosure.NEVER_UNDER:
        raise TooFew(
            f"Groups of fewer than {disclosure.NEVER_UNDER} people are never shown. Choose a "
            "larger minimum.",
            f"On ne montre jamais un groupe de moins de {disclosure.NEVER_UNDER} personnes. "
            "Choisissez un minimum plus grand.",
        )
    plan = programme.read(path)
    return of_sessions(plan, programme.gather(path, plan), minimum)


def of_sessions(plan: programme.Programme, held: list[Held], minimum: int) -> Evaluation:
    """Evaluate sessions that have been read; the arguments are those of ``evaluate`` and what
    ``gather`` gives."""
    attended, total = disclosure.cells([len(session.people) for session in held], minimum)
    pairs = _pairs(held)
    tests = {
        form: _pooled(
            [session.tests[form] for session in held if form in session.tests], list(pairs)
        )
        for form in programme.FORMS
    }
    people = len({key for session in held for key in session.people})
    took = tests["pre"].index.intersection(tests["post"].index)
    here = _own(held, attended, total, minimum)
    # Where how many learners there were is not shown, neither is a limit that would give it back.
    both, rest = (
        disclosure.parts(len(took), people, minimum)
        if here["learners"].how == "exact"
        else (HIDDEN, HIDDEN)
    )
    topics = _topics(held)
    items = {form: _items(tests[form], pairs, minimum) for form in programme.FORMS}
    exercises = [
        _done(name, each, people_of, minimum) for name, each, people_of in _exercises(held)
    ]
    forms = pd.concat([session.forms for session in held])
    return Evaluation(
        title=plan.programme.title,
        synthetic=plan.programme.synthetic,
        minimum=minimum,
        counters=_counters(plan, here, minimum),
        days=[
            _day(session, shown, list(pairs), minimum)
            for session, shown in zip(held, attended, strict=True)
        ],
        participations=total,
        topics_covered=[
            topics.get(name, Both(name, name))
            for name in dict.fromkeys(name for session in held for name in session.plan.topics)
        ],
        both=both,
        one_or_none=rest,
        tested=all(any(form in session.tests for session in held) for form in programme.FORMS),
        overall=_learned(Both("All items", "Toutes les questions"), list(pairs), tests, minimum),
        topics=[
            _learned(
                topics[topic],
                [pair.name for pair in pairs.values() if pair.topic == topic],
                tests,
                minimum,
            )
            for topic in topics
            if any(pair.topic == topic for pair in pairs.values())
        ],
        objectives=[
            _learned(
                objective,
                [pair.name for pair in pairs.values() if pair.objective == objective],
                tests,
                minimum,
                coarse=True,
            )
            for objective in dict.fromkeys(pair.objective for pair in pairs.values())
        ],
        mastery={form: _mastery(tests[form].loc[took], minimum) for form in programme.FORMS},
        items=items,
        hardest=_hardest_item(tests["post"], minimum),
        exercises=[done for done, _ in exercises],
        hardest_task=_hardest_task(exercises),
        memos=_memos(held, minimum),
        responses=disclosure.share(
            len(forms), sum(len(session.people) for session in held), minimum
        ),
        by_language=_by_language(forms, sum(len(session.people) for session in held), minimum),
        ratings=[_rated(scale, forms[scale], minimum) for scale in SCALES] if len(forms) else [],
    )


def _pairs(held: list[Held]) -> dict[str, Pair]:
    """Return the pairs of items of all banks, by name; the first session's where two say
    otherwise."""
    return {pair.name: pair for session in reversed(held) for pair in session.bank.pair}


def _topics(held: list[Held]) -> dict[str, Both]:
    return {name: text for session in reversed(held) for name, text in session.bank.topics.items()}


def _pooled(tables: list[pd.DataFrame], names: list[str]) -> pd.DataFrame:
    """Return one form's points over sessions, a column for each item of the banks."""
    table = pd.concat(tables) if tables else pd.DataFrame()
    return table.reindex(columns=names).astype(float)


# Learning -----------------------------------------------------------------------------------------


def _gain(names: list[str], tests: dict[str, pd.DataFrame]) -> Gain:
    """Return the gain over some items of those who took both tests; an item is worth one point."""
    one, two = (tests[form][names].dropna() for form in ("pre", "post"))
    took = one.index.intersection(two.index)
    return statistics.gain(
        one.loc[took].sum(axis=1).to_numpy(), two.loc[took].sum(axis=1).to_numpy(), len(names)
    )


def _learned(
    name: Both, names: list[str], tests: dict[str, pd.DataFrame], minimum: int, coarse: bool = False
) -> Learned:
    found = _gain(names, tests)
    gains = [
        _gained(value, found.people, minimum, coarse or len(names) == 1)
        for value in (found.gain, found.low, found.high)
    ]
    if len(names) == 1 and found.people:  # a share of people, not of points
        before, after = (
            disclosure.share(round(share * found.people), found.people, minimum)
            for share in (found.before, found.after)
        )
    else:
        before, after = (
            disclosure.average(share, found.people, minimum)
            for share in (found.before, found.after)
        )
    return Learned(name, len(names), before, after, *gains)


def _gained(value: float | None, people: int, minimum: int, coarse: bool) -> Figure:
    """Return a gain as it may be shown: that of a single item of enough people, and to one decimal,
    since more would give its counts back."""
    shown = disclosure.average(value, people, minimum)
    if shown.value is None or not coarse:
        return shown
    if people < max(_ENOUGH, 2 * minimum):
        return HIDDEN
    if shown.value > _FARTHEST:
        return Figure("above", _FARTHEST)
    return (
        Figure("below", -_FARTHEST)
        if shown.value < -_FARTHEST
        else Figure("exact", round(shown.value, 1))
    )


def _mastery(table: pd.DataFrame, minimum: int) -> Figure:
    passed = int((table.sum(axis=1) >= MASTERY * table.shape[1] - 1e-9).sum())
    return disclosure.share(passed, len(table), minimum) if len(table) else NONE


def _day(session: Held, shown: Figure, names: list[str], minimum: int) -> Day:
    """Return a session's line; where its attendance is hidden, so is what rests on it."""
    tests = {
        form: _pooled([session.tests[form]] if form in session.tests else [], names)
        for form in programme.FORMS
    }
    found = _gain(names, tests) if names else Gain(0, None, None, None)
    if shown == HIDDEN:
        return Day(session.plan, shown, HIDDEN, HIDDEN, HIDDEN)
    return Day(
        session.plan,
        shown,
        *(
            disclosure.average(each, found.people, minimum)
            for each in (found.gain, found.low, found.high)
        ),
    )


def _items(table: pd.DataFrame, pairs: dict[str, Pair], minimum: int) -> list[Asked]:
    """Return a form's items; the share right is one of people, and shown as such."""
    found = statistics.items(table, dict.fromkeys(pairs, 1.0), {}) if len(table) else []
    return [
        Asked(
            each.name,
            pairs[each.name].objective,
            disclosure.share(int((table[each.name] > 0).sum()), each.people, minimum),
            disclosure.average(each.discrimination, each.people, minimum),
        )
        for each in found
    ]


def _hardest_item(table: pd.DataFrame, minimum: int) -> str:
    means = table.mean().dropna()
    return str(means.idxmin()) if len(table) >= minimum and len(means) else ""


# Exercises, memos, satisfaction -------------------------------------------------------------------


def _exercises(held: list[Held]) -> list[tuple[str, list[programme.Exercise], int]]:
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


def _done(
    name: str, exercises: list[programme.Exercise], people: int, minimum: int
) -> tuple[Done, dict[str, float]]:
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
    return Done(
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


def _hardest_task(exercises: list[tuple[Done, dict[str, float]]]) -> str:
    tasks = {task: share for _, found in exercises for task, share in found.items()}
    return min(tasks, key=tasks.get, default="")


def _memos(held: list[Held], minimum: int) -> list[Read]:
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
            Read(
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


def _by_language(forms: pd.DataFrame, people: int, minimum: int) -> dict[str, Figure]:
    """Return forms by language; those who gave none in are a cell too, or the total would give them
    back."""
    counts = [int((forms["language"] == language).sum()) for language in ("en", "fr")]
    return dict(
        zip(
            ("en", "fr"),
            disclosure.cells([*counts, people - sum(counts)], minimum)[0],
            strict=False,
        )
    )


def _rated(scale: str, given: pd.Series, minimum: int) -> Rated:
    answered = given.dropna()
    return Rated(
        scale,
        disclosure.average(
            float(answered.mean()) if len(answered) else None, len(answered), minimum
        ),
        disclosure.share(int((answered >= AGREES).sum()), len(given), minimum),
    )


# The counters -------------------------------------------------------------------------------------


def _counters(plan: programme.Programme, own: dict[str, Figure], minimum: int) -> list[Line]:
    """Return the counters of Commitment 6, with what this programme counts beside each."""
    here, given = dict(own), {each.name: each for each in plan.counter}
    for name, each in given.items():
        of_people = name not in ("courses", "registered-organizations", "visits")
        here[name] = (
            disclosure.count(each.value, minimum) if of_people else Figure("exact", each.value)
        )
    with open(Path(__file__).parent / "commitment-6.csv", encoding="utf-8", newline="") as file:
        return [
            Line(
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


def _own(
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
        "organizations": Figure("exact", programme.organizations(places)),
        "one-day-sessions": Figure("exact", len(days)),
        "one-day-participants": of_days,
        "trainer-sessions": Figure(
            "exact", sum(session.plan.kind == "train-the-trainer" for session in held)
        ),
    }


def span(evaluation: Evaluation) -> tuple:
    """Return the first and last date of the sessions."""
    dates = [day.plan.date for day in evaluation.days]
    return min(dates), max(dates)
