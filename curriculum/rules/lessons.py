"""Rules about lessons: their skeleton, cells, charts, checks and outputs."""

import re
from collections.abc import Iterator

from curriculum import translation
from curriculum.kit import notes as instructor_notes
from curriculum.lessons import Lesson
from curriculum.notebooks import code, tags
from curriculum.rules.texts import french_spaces, headings, paths, plain_language, typed_numbers

SKELETON = (
    "title",
    "facts",
    "question",
    "objectives",
    "language",
    "imports",
    "predict",
    "run",
    "investigate",
    "faded",
    "practice",
    "self-check",
    "key-points",
    "memo",
    "sources",
    "next",
)
ONCE_IN_ORDER = (
    "title",
    "facts",
    "question",
    "objectives",
    "imports",
    "key-points",
    "memo",
    "sources",
    "next",
)
KNOWN_TAGS = {
    *SKELETON,
    "check",
    "sentence",
    "figure",
    "figure-table",
    "instructor",
    "live",
    "core",
}
LONGEST, LONGEST_CHART = 8, 12
CHECK_MINUTES = 15  # a multiple-choice check at least this often
ADDRESS = r"\bat 0x[0-9a-f]{6,}|<ipykernel"


def of_lesson(lesson: Lesson, english, french) -> list[str]:
    """Return every complaint about a lesson, both languages and their agreement.

    Args:
        lesson: its entry in the plan.
        english: the English notebook.
        french: the French notebook.
    """
    found = []
    for language, notebook in (("en", english), ("fr", french)):
        for rule in (
            skeleton,
            headings,
            lengths,
            folded,
            known_tags,
            plain_language,
            figures,
            typed_numbers,
            checks,
            outputs,
            paths,
        ):
            found += [f"{language} {each}" for each in rule(notebook, language)]
        found += [f"{language} {each}" for each in instructor_notes.complaints(notebook, language)]
        found += [f"{language} {each}" for each in facts(notebook, lesson)]
        found += [f"{language} {each}" for each in core(notebook, lesson)]
        found += [f"{language} {each}" for each in often_checked(notebook, lesson)]
    found += [f"fr {each}" for each in french_spaces(french)]
    found += [f"en/fr {each}" for each in translation.differences(english, french)]
    found += [
        f"fr {each}: the English cell has changed since it was translated (python -m curriculum "
        "stamp)"
        for each in translation.stale(english, french)
    ]
    return found


def skeleton(notebook, language: str) -> Iterator[str]:
    """The parts every lesson has, and their order."""
    order = [tag for cell in notebook.cells for tag in tags(cell)]
    for tag in SKELETON:
        if tag not in order:
            yield f"skeleton: no cell is tagged {tag}"
    places = [order.index(tag) for tag in ONCE_IN_ORDER if tag in order]
    if places != sorted(places):
        yield f"skeleton: the parts are not in the order {', '.join(ONCE_IN_ORDER)}"
    for cell in notebook.cells:
        if "objectives" in tags(cell):
            count = len(re.findall(r"^\s*(?:[-*]|\d\.) ", cell.source, re.M))
            if not 3 <= count <= 5:
                yield f"{cell['id']}: {count} objectives; 3 to 5 are expected"


def lengths(notebook, language: str) -> Iterator[str]:
    """One idea a cell: few lines of code."""
    for cell in code(notebook):
        source = re.sub(r'f?""".*?"""', '""', cell.source, flags=re.S)  # a text counts as one line
        lines = [
            line
            for line in source.splitlines()
            if line.strip() and not line.strip().startswith("#")
        ]
        longest = LONGEST_CHART if {"figure", "sentence", "check"} & set(tags(cell)) else LONGEST
        if len(lines) > longest:
            yield f"{cell['id']}: {len(lines)} lines of code; at most {longest}"


def folded(notebook, language: str) -> Iterator[str]:
    """Code that only writes a sentence or checks an answer is folded away: it shows what the
    learner should find."""
    for cell in code(notebook):
        writes = {"sentence", "check", "self-check"} & set(tags(cell))
        if writes and not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield (
                f"{cell['id']}: the code of a sentence or check is not folded "
                "(jupyter.source_hidden)"
            )


def known_tags(notebook, language: str) -> Iterator[str]:
    """No tag that nothing reads."""
    for cell in notebook.cells:
        for tag in tags(cell):
            if tag not in KNOWN_TAGS:
                yield f"{cell['id']}: the tag {tag} is not known"


def figures(notebook, language: str) -> Iterator[str]:
    """Every chart has its alternative, its source line, a description that all can see, and its
    table."""
    for at, cell in enumerate(notebook.cells):
        draws = cell.cell_type == "code" and re.search(
            r"\bplt\.(show|subplots)|\.plot\b|portail\.show", cell.source
        )
        if draws and "portail.show(" not in cell.source:
            yield (
                f"{cell['id']}: a chart is drawn without portail.show, so it has no text "
                "alternative"
            )
        if cell.cell_type != "code" or "portail.show(" not in cell.source:
            continue
        if not re.search(r"\balt\s*=\s*(?!['\"]['\"])\S", cell.source):
            yield f"{cell['id']}: the chart has no alt="
        if not re.search(r"\bsource\s*=", cell.source):
            yield f"{cell['id']}: the chart has no source line (source=)"
        if "figure" not in tags(cell):
            yield f"{cell['id']}: the chart's cell is not tagged figure"
        beside = notebook.cells[max(at - 2, 0) : at + 4]
        near = [tag for other in beside for tag in tags(other)]
        if "figure-table" not in near:
            yield f"{cell['id']}: no table of the chart (figure-table) stands beside it"
        if "sentence" not in near and not any("Markdown(alt)" in other.source for other in beside):
            yield f"{cell['id']}: no visible description (sentence) stands beside the chart"


def checks(notebook, language: str) -> Iterator[str]:
    """Every multiple-choice check explains each of its options."""
    for cell in notebook.cells:
        if "check" in tags(cell):
            options = re.findall(
                r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", cell.source, re.S
            )
            if not 3 <= len(options) <= 6:
                yield f"{cell['id']}: {len(options)} options in <details>; 3 to 6 are expected"
            for option, explanation in options:
                if len(explanation.strip()) < 20:
                    yield f"{cell['id']}: the option « {option.strip()[:30]} » has no explanation"


def often_checked(notebook, lesson: Lesson) -> Iterator[str]:
    """A check every 10 to 15 minutes."""
    count = sum("check" in tags(cell) for cell in notebook.cells)
    if count < lesson.minutes // CHECK_MINUTES - 1:  # the last quarter of an hour is the memo
        yield (
            f"checks: {count} in {lesson.minutes} minutes; one every {CHECK_MINUTES} minutes is "
            "expected"
        )


def outputs(notebook, language: str) -> Iterator[str]:
    """Outputs are kept, and hold no error, no warning and nothing that differs from run to run."""
    for cell in code(notebook):
        if cell.execution_count is None:
            yield f"{cell['id']}: the cell was not run (python -m curriculum execute)"
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"{cell['id']}: the output is an error, {output.ename}"
            if output.get("name") == "stderr":
                yield f"{cell['id']}: the output holds a warning: {output.text[:60]!r}"
            if re.search(
                ADDRESS,
                str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", "")),
            ):
                yield f"{cell['id']}: the output holds an address that changes from run to run"


def facts(notebook, lesson: Lesson) -> Iterator[str]:
    """The table under the title says what the plan says."""
    for cell in notebook.cells:
        if "facts" in tags(cell):
            wanted = [
                str(lesson.minutes),
                *([str(lesson.core_minutes)] if lesson.core_minutes else []),
                *lesson.data,
            ]
            wanted += [need[:2] for need in lesson.needs]
            for each in wanted:
                if each not in cell.source:
                    yield (
                        f"{cell['id']}: the facts do not say {each}, as notebooks/curriculum.toml "
                        "does"
                    )


def core(notebook, lesson: Lesson) -> Iterator[str]:
    """A lesson with a core cut marks it, set-up included."""
    marked = [cell for cell in notebook.cells if "core" in tags(cell)]
    if lesson.core_minutes and not marked:
        yield "core: the lesson has core minutes and no cell is tagged core"
    for cell in notebook.cells:
        if marked and {"imports", "language"} & set(tags(cell)) and "core" not in tags(cell):
            yield f"{cell['id']}: the core cut does not stand alone without this cell"
