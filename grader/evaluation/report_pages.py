"""Writes the evaluation as one bilingual page with charts, and as CSV files."""

import csv
import io
from pathlib import Path

from commons.wording import LANGUAGES, date, number, percent, typeset
from grader.course.files import put
from grader.evaluation.disclosure import STEP, Figure
from grader.evaluation.results import Evaluation, Learned, span
from grader.evaluation.tables import SOURCES, SYNTHETIC, tables
from grader.evaluation.words import WORDS
from grader.reports.export import harmless
from grader.reports.feedback import framed
from grader.reports.rendering import template


def write(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write the report and its tables.

    Args:
        evaluation: what ``evaluate`` found.
        folder: where to; made if absent.

    Returns:
        The page, then the CSV files.

    Raises:
        CannotWrite: if a file cannot be written.
    """
    title = f"{evaluation.title.en} / {evaluation.title.fr}"
    body = template("evaluation.html").render(
        report=evaluation,
        sources=SOURCES,
        synthetic=SYNTHETIC,
        parts=[(lang, WORDS[lang], Writer(lang, evaluation)) for lang in LANGUAGES],
    )
    written = [folder / "evaluation.html"]
    put(
        written[0],
        framed("en", f"{SYNTHETIC}: {title}" if evaluation.synthetic else title, body).encode(
            "utf-8", "replace"
        ),
    )
    for name, rows in tables(evaluation).items():
        written.append(folder / f"{name}.csv")
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
            [[harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
        )
        put(written[-1], text.getvalue().encode("utf-8-sig"))
    return written


class Writer:
    """Numbers, figures and sentences in one language, for the template."""

    def __init__(self, language: str, evaluation: Evaluation):
        self.language, self.words, self.evaluation = language, WORDS[language], evaluation

    def text(self, both) -> str:
        """Return a text in this language."""
        return both.en if self.language == "en" else typeset(both.fr)

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number."""
        return number(value, decimals, self.language)

    def date(self, when) -> str:
        """Write a date in words; "" for none."""
        return date(when, self.language) if when else ""

    def people(self, figure: Figure) -> str:
        """Write a count of people as it may be shown."""
        return self._shown(figure, lambda value: number(value, 0, self.language))

    def share(self, figure: Figure) -> str:
        """Write a share as it may be shown."""
        return self._shown(figure, lambda value: percent(value, 0, self.language))

    def points(self, figure: Figure, decimals: int = 2) -> str:
        """Write an average as it may be shown."""
        return self._shown(
            figure, lambda value: number(value, decimals, self.language).replace("-", "−")
        )

    def gain(self, figure: Figure, learned: Learned | None = None, coarse: bool = False) -> str:
        """Write a gain as it may be shown: to one decimal where it rests on one item, or is
        ``coarse``."""
        one = coarse or (learned is not None and learned.items == 1)
        return self._shown(
            figure,
            lambda value: number(value + 0.0, 1 if one else 2, self.language).replace("-", "−"),
        )

    def _shown(self, figure: Figure, written) -> str:
        if figure.how in ("hidden", "none"):
            return self.words[figure.how]
        return self.words[figure.how].format(written(figure.value))

    def span(self) -> str:
        """Return the first and last date of the sessions, in words."""
        first, last = span(self.evaluation)
        return (
            self.date(first)
            if first == last
            else self.words["from_to"].format(self.date(first), self.date(last))
        )

    def privacy(self) -> str:
        """Return what is not shown, and why."""
        least = self.number(self.evaluation.minimum)
        return self.words["privacy"].format(least, percent(STEP, 0, self.language), least)

    def whence(self, line) -> str:
        """Return the span and source of what this programme counts; "" where it counts nothing."""
        if line.given:
            when = self.words["from_to"].format(
                self.date(line.given.start), self.date(line.given.end)
            )
            return f"{when}, {self.text(line.given.source)}"
        return "" if line.here.how == "none" else f"{self.span()}, {self.words['attendance']}"

    def reported(self, line) -> str:
        """Return a counter's span as its source has it."""
        if not line.start:
            return self.words["until"].format(self.date(line.end))
        return self.words["from_to"].format(self.date(line.start), self.date(line.end))

    def body(self, line) -> str:
        """Return who reported a counter, by the initials of this language."""
        return " ".join(self.words["bodies"].get(word, word) for word in line.body.split())

    def target(self, line) -> str:
        """Return the target of a counter; a dash where its source has none."""
        if not line.target:
            return self.words["none"]
        return (
            percent(int(line.target) / 100, 0, self.language)
            if line.unit == "percent"
            else line.target
        )

    def value(self, line) -> str:
        """Return what was reported, with how exact the source says it is."""
        return self.words["precision"][line.precision].format(
            percent(line.value / 100, 0, self.language)
            if line.unit == "percent"
            else self.number(line.value)
        )

    def described(self) -> str:
        """Return what the chart of gains shows, in a sentence."""
        shown = sorted(
            (each for each in self.evaluation.topics if each.gain.value is not None),
            key=lambda each: -each.gain.value,
        )
        if not shown:
            return self.words["no_gain"]
        each = "; ".join(
            f"{self.text(one.name)}{self.words['colon']} {self.gain(one.gain, one)}"
            + (
                f" ({self.gain(one.low, one)} {self.words['to']} {self.gain(one.high, one)})"
                if one.low.value is not None
                else ""
            )
            for one in shown
        )
        return self.words["described"].format(each)

    def bars(self) -> list[dict]:
        """Return the chart of gains: one bar a topic, its interval as a line; positions in units of
        the drawing."""
        low = min(
            [
                0.0,
                *(each.low.value for each in self.evaluation.topics if each.low.value is not None),
            ]
        )
        scale, left = 300 / (1 - low), 290

        def place(value):
            return round(left - low * scale + max(low, min(1, value)) * scale, 1)

        return [
            {
                "lines": _broken(self.text(each.name)),
                "y": 34 + 46 * at,
                "zero": place(0),
                "gain": place(each.gain.value),
                "low": None if each.low.value is None else place(each.low.value),
                "high": None if each.high.value is None else place(each.high.value),
                "said": self.gain(each.gain, each),
            }
            for at, each in enumerate(
                one for one in self.evaluation.topics if one.gain.value is not None
            )
        ]


def _broken(text: str, most: int = 38) -> list[str]:
    """Return a label in two lines at most, as a drawing needs it."""
    import textwrap

    return textwrap.wrap(text, most, break_long_words=False)[:2]
