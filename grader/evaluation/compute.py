"""Computes the evaluation of a session or a programme: who came, learning, satisfaction.

It follows Kirkpatrick's four levels as far as a day can: reaction and learning are measured,
behaviour and results are said not to be. Its counters stand beside those that Commitment 6 of
Canada's Third Open Government Action Plan reported, one for one. Nothing in it names a person, and
small groups are not shown (``disclosure``).

Counts of people are shown for the whole programme, and by session only how many came: a count by
session beside its sum would give back what another session hides.
"""

from pathlib import Path

import pandas as pd

from commons.errors import BilingualError
from grader.evaluation import disclosure, inputs, programme
from grader.evaluation.counters import counter_lines, own_counts
from grader.evaluation.disclosure import HIDDEN, NONE, Figure
from grader.evaluation.exercises import by_exercise, exercise_result, hardest_task, memo_results
from grader.evaluation.inputs import Held, ItemPair
from grader.evaluation.programme import SCALES, Both
from grader.evaluation.results import Day, Evaluation, ItemResult, Learned, RatingResult
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


def evaluate(path: Path | str, minimum: int = disclosure.USUAL) -> Evaluation:
    """Evaluate a programme.

    Args:
        path: its TOML file, as ``grader.evaluation.programme`` describes it.
        minimum: fewest people that a cell may show.

    Raises:
        TooFew: if the minimum is under ``disclosure.NEVER_UNDER``.
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
    return of_sessions(plan, inputs.gather(path, plan), minimum)


def of_sessions(plan: programme.Programme, held: list[Held], minimum: int) -> Evaluation:
    """Evaluate sessions that have been read; the arguments are those of ``evaluate`` and what
    ``gather`` gives."""
    attended, total = disclosure.cells([len(session.people) for session in held], minimum)
    pairs = _pairs(held)
    tests = {
        form: _pooled(
            [session.tests[form] for session in held if form in session.tests], list(pairs)
        )
        for form in inputs.FORMS
    }
    people = len({key for session in held for key in session.people})
    took = tests["pre"].index.intersection(tests["post"].index)
    here = own_counts(held, attended, total, minimum)
    # Where how many learners there were is not shown, neither is a limit that would give it back.
    both, rest = (
        disclosure.parts(len(took), people, minimum)
        if here["learners"].how == "exact"
        else (HIDDEN, HIDDEN)
    )
    topics = _topics(held)
    items = {form: _items(tests[form], pairs, minimum) for form in inputs.FORMS}
    exercises = [
        exercise_result(name, each, people_of, minimum)
        for name, each, people_of in by_exercise(held)
    ]
    forms = pd.concat([session.forms for session in held])
    return Evaluation(
        title=plan.programme.title,
        synthetic=plan.programme.synthetic,
        minimum=minimum,
        counters=counter_lines(plan, here, minimum),
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
        tested=all(any(form in session.tests for session in held) for form in inputs.FORMS),
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
        mastery={form: _mastery(tests[form].loc[took], minimum) for form in inputs.FORMS},
        items=items,
        hardest=_hardest_item(tests["post"], minimum),
        exercises=[done for done, _ in exercises],
        hardest_task=hardest_task(exercises),
        memos=memo_results(held, minimum),
        responses=disclosure.share(
            len(forms), sum(len(session.people) for session in held), minimum
        ),
        by_language=_by_language(forms, sum(len(session.people) for session in held), minimum),
        ratings=[_rated(scale, forms[scale], minimum) for scale in SCALES] if len(forms) else [],
    )


def _pairs(held: list[Held]) -> dict[str, ItemPair]:
    """Return the pairs of items of all banks, by name; the first session's where two say
    otherwise."""
    return {pair.name: pair for session in reversed(held) for pair in session.bank.pair}


def _topics(held: list[Held]) -> dict[str, Both]:
    return {name: text for session in reversed(held) for name, text in session.bank.topics.items()}


def _pooled(tables: list[pd.DataFrame], names: list[str]) -> pd.DataFrame:
    """Return one form's points over sessions, a column for each item of the banks."""
    table = pd.concat(tables) if tables else pd.DataFrame()
    return table.reindex(columns=names).astype(float)


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
        for form in inputs.FORMS
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


def _items(table: pd.DataFrame, pairs: dict[str, ItemPair], minimum: int) -> list[ItemResult]:
    """Return a form's items; the share right is one of people, and shown as such."""
    found = statistics.items(table, dict.fromkeys(pairs, 1.0), {}) if len(table) else []
    return [
        ItemResult(
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


def _rated(scale: str, given: pd.Series, minimum: int) -> RatingResult:
    answered = given.dropna()
    return RatingResult(
        scale,
        disclosure.average(
            float(answered.mean()) if len(answered) else None, len(answered), minimum
        ),
        disclosure.share(int((answered >= AGREES).sum()), len(given), minimum),
    )
