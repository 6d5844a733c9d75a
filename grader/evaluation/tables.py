"""Lays out the evaluation as tables for CSV files, with the figures of the page."""

from commons.wording import LANGUAGES
from grader.evaluation.disclosure import Figure
from grader.evaluation.results import Evaluation, Learned, span
from grader.evaluation.words import WORDS

SOURCES = {
    "mid-term": "http://open.canada.ca/en/commitment/mtsar/2016-2018/"
    "commitment-6-develop-open-government-skills-across-federal-public-service",
    "final": "https://open.canada.ca/en/commitment-6-develop-open-government-skills-across-federal-public-service",
}
SYNTHETIC = "SYNTHETIC / SYNTHÉTIQUE"


def tables(evaluation: Evaluation) -> dict[str, list[list]]:
    """Return the CSV files by name, each with a header; a figure is how it is shown, and
    its value."""
    kind = [SYNTHETIC] if evaluation.synthetic else ["real / réel"]

    def both(text) -> list[str]:
        return [text.en, text.fr]

    def learned(level: str, each: Learned) -> list:
        return [
            level,
            *both(each.name),
            each.items,
            *(
                part
                for figure in (each.before, each.after, each.gain, each.low, each.high)
                for part in _shown(figure, 3)
            ),
        ]

    gains = [
        ("all", evaluation.overall),
        *(("topic", each) for each in evaluation.topics),
        *(("objective", each) for each in evaluation.objectives),
    ]
    found = {
        "counters": [
            [
                "measure_en",
                "measure_fr",
                "body",
                "reported",
                "precision",
                "target",
                "unit",
                "period_start",
                "period_end",
                "source",
                "definition_en",
                "definition_fr",
                "here_shown",
                "here",
                "here_start",
                "here_end",
                "here_source_en",
                "here_source_fr",
            ],
            *(
                [
                    *both(line.measure),
                    line.body,
                    line.value,
                    line.precision,
                    line.target,
                    line.unit,
                    line.start,
                    line.end,
                    SOURCES[line.source],
                    *(WORDS[language]["here"][line.key] for language in LANGUAGES),
                    *_shown(line.here),
                    *_whence(evaluation, line),
                ]
                for line in evaluation.counters
            ),
        ],
        "sessions": [
            [
                "date",
                "kind",
                "place",
                "language",
                "strand",
                "topics",
                "people_shown",
                "people",
                "gain_shown",
                "gain",
                "low_shown",
                "low",
                "high_shown",
                "high",
            ],
            *(
                [
                    day.plan.date.isoformat(),
                    day.plan.kind,
                    day.plan.place,
                    day.plan.language,
                    day.plan.strand,
                    " ".join(day.plan.topics),
                    *_shown(day.people),
                    *_shown(day.gain, 3),
                    *_shown(day.low, 3),
                    *_shown(day.high, 3),
                ]
                for day in evaluation.days
            ),
        ],
        "gains": [
            [
                "level",
                "name_en",
                "name_fr",
                "items",
                *(
                    part
                    for name in ("before", "after", "gain", "low", "high")
                    for part in (f"{name}_shown", name)
                ),
            ],
            *(learned(level, each) for level, each in gains),
        ],
        "taken": [
            ["measure", "shown", "value"],
            ["both tests", *_shown(evaluation.both)],
            ["one test or none", *_shown(evaluation.one_or_none)],
            *(
                [f"at or above 70%, {form}", *_shown(figure)]
                for form, figure in evaluation.mastery.items()
            ),
        ],
        "items": [
            [
                "form",
                "item",
                "objective_en",
                "objective_fr",
                "difficulty_shown",
                "difficulty",
                "discrimination_shown",
                "discrimination",
            ],
            *(
                [
                    form,
                    each.name,
                    *both(each.objective),
                    *_shown(each.difficulty),
                    *_shown(each.discrimination, 2),
                ]
                for form, items in evaluation.items.items()
                for each in items
            ),
        ],
        "exercises": [
            [
                "exercise",
                "handed_in_shown",
                "handed_in",
                "points_shown",
                "points",
                "hardest_task",
                "hardest_shown",
                "hardest",
            ],
            *(
                [
                    each.name,
                    *_shown(each.handed_in),
                    *_shown(each.points, 2),
                    each.hardest,
                    *_shown(each.hardest_points, 2),
                ]
                for each in evaluation.exercises
            ),
        ],
        "memos": [
            [
                "memo",
                "maximum",
                "points_shown",
                "points",
                "same_shown",
                "same",
                "near_shown",
                "near",
                "kappa_shown",
                "kappa",
            ],
            *(
                [
                    each.name,
                    each.maximum,
                    *_shown(each.points, 2),
                    *_shown(each.same),
                    *_shown(each.near),
                    *_shown(each.kappa, 2),
                ]
                for each in evaluation.memos
            ),
        ],
        "satisfaction": [
            ["statement_en", "statement_fr", "mean_shown", "mean", "agree_shown", "agree"],
            *(
                [
                    *(WORDS[language]["scales"][each.scale] for language in LANGUAGES),
                    *_shown(each.mean, 2),
                    *_shown(each.agree),
                ]
                for each in evaluation.ratings
            ),
        ],
    }
    return {
        name: [["data", *rows[0]], *(kind + row for row in rows[1:])]
        for name, rows in found.items()
    }


def _shown(figure: Figure, decimals: int = 2) -> list:
    """Return how a figure is shown, and its value or limit; nothing where nothing is shown."""
    return [figure.how, "" if figure.value is None else round(figure.value, decimals)]


def _whence(evaluation: Evaluation, line) -> list[str]:
    """Return span and source of what this programme counts."""
    if line.given:
        return [
            line.given.start.isoformat(),
            line.given.end.isoformat(),
            line.given.source.en,
            line.given.source.fr,
        ]
    if line.here.how == "none":
        return [""] * 4
    return [
        *(when.isoformat() for when in span(evaluation)),
        *(WORDS[lang]["attendance"] for lang in LANGUAGES),
    ]
