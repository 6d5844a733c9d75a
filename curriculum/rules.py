"""What every lesson and exercise must be, as rules that complain in plain sentences.

``python -m curriculum check`` prints the complaints; a test holds the repository to none, and
another feeds each rule a broken notebook and sees it complain.
"""

import itertools
import re
from collections.abc import Iterator
from copy import deepcopy

from curriculum import translation
from curriculum.kit import notes as instructor_notes
from curriculum.lessons import Lesson
from curriculum.notebooks import code, tags

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
PLAIN = {
    "en": r"\b(just|simply|easy|easily|obviously|of course|trivial(ly)?|merely)\b",
    "fr": r"\b(simplement|juste|facile(ment)?|évidemment|bien sûr|trivial(ement)?|il suffit)\b",
}
MONTH = (
    r"January|February|March|April|May|June|July|August|September|October|November|December|"
    r"janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
)
MACHINE_PATH = r"(?<![\w.:/])(/(home|root|tmp|work|usr|opt|Users)/|[A-Z]:\\)"
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


def of_exercise(english, french) -> list[str]:
    """Return every complaint about an exercise's master and its French text.

    Args:
        english: the master, with solutions and tests.
        french: the notebook of translated cells.
    """
    return [*graded_cells(english), *_of_assignment(english, french)]


def of_assessment(english, french) -> list[str]:
    """Return every complaint about a form of the session's tests: ten tasks, nothing to be read by
    a person.

    Args:
        english: the master, with solutions and tests.
        french: the notebook of translated cells.
    """
    return [*graded_cells(english, tasks=(10, 10), memos=0), *_of_assignment(english, french)]


def _of_assignment(english, french) -> list[str]:
    """Return the complaints that exercises and assessments have in common."""
    found = [*plain_language(english, "en"), *headings(english, "en"), *paths(english, "en")]
    found += [f"fr {each}" for each in [*plain_language(french, "fr"), *french_spaces(french)]]
    there = {cell["id"] for cell in french.cells}
    for cell in english.cells:
        locked = cell.metadata.get("nbgrader", {}).get("locked")
        if cell.cell_type == "markdown" and not locked and cell["id"] not in there:
            found.append(f"fr {cell['id']}: the cell has no French text")
    found += [
        f"fr {each}: the English cell has changed since it was translated (python -m curriculum "
        "stamp)"
        for each in translation.stale(english, french)
    ]
    try:
        translation.in_french(deepcopy(english), french)
    except ValueError as error:
        found.append(f"fr {error}")
    return found


def of_release(notebook) -> list[str]:
    """Return what a released notebook gives away: solutions, hidden tests, mark schemes,
    outputs."""
    found = []
    for cell in notebook.cells:
        if re.search(
            r"BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)|END (SOLUTION|HIDDEN TESTS|MARK SCHEME)",
            cell.source,
        ):
            found.append(f"{cell['id']}: a solution or a hidden test is in the release")
        about = cell.metadata.get("nbgrader", {})
        if (
            about.get("solution")
            and cell.cell_type == "code"
            and "YOUR CODE HERE" not in cell.source
        ):
            found.append(f"{cell['id']}: the answer cell has no place for an answer")
        if cell.get("outputs"):
            found.append(f"{cell['id']}: the release has outputs")
        if about.get("locked") and not about.get("grade"):
            found.append(
                f"{cell['id']}: a locked text or set-up cell would turn a French submission English"
            )
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


def headings(notebook, language: str) -> Iterator[str]:
    """One title, and no level skipped."""
    levels = [
        (len(match[1]), cell["id"])
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for match in re.finditer(
            r"^(#{1,6}) ", re.sub(r"```.*?```", "", cell.source, flags=re.S), re.M
        )
    ]
    if [level for level, _ in levels].count(1) != 1:
        yield "headings: there must be exactly one title of level 1"
    for (before, _), (level, name) in itertools.pairwise(levels):
        if level > before + 1:
            yield f"{name}: a heading of level {level} follows one of level {before}"


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


def plain_language(notebook, language: str) -> Iterator[str]:
    """No word that tells a beginner that what is hard is easy."""
    for cell in notebook.cells:
        text = (
            cell.source
            if cell.cell_type == "markdown"
            else " ".join(re.findall(r"#.*|\"[^\"]*\"", cell.source))
        )
        for match in re.finditer(PLAIN[language], text, re.I):
            yield f"{cell['id']}: the word « {match[0]} »"


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


def typed_numbers(notebook, language: str) -> Iterator[str]:
    """Numbers about the data come from cells, or are dated in the same paragraph; years and minutes
    are free."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown" or {"facts", "instructor"} & set(tags(cell)):
            continue
        text = re.sub(
            r"`[^`]*`|https?://\S+|\]\([^)]*\)",
            " ",
            re.sub(r"```.*?```", " ", cell.source, flags=re.S),
        )
        text = re.sub(r"(\d+\D{1,4})?\d+[ \u00a0](words|mots|minutes|points)\b", " ", text)
        for paragraph in re.split(r"\n\s*\n", text):
            if re.search(rf"({MONTH})\s+(\d{{1,2}},\s+)?\d{{4}}|\d{{4}}-\d\d-\d\d", paragraph):
                continue
            for match in re.finditer(r"\d+(?:[\u00a0\u202f ,.]\d+)*\s*[%\u00a0]*%?", paragraph):
                number = match[0].strip()
                digits = re.sub(r"\D", "", number)
                year = re.fullmatch(r"(19|20)\d\d", digits) or re.fullmatch(
                    r"(19|20)\d\d(19|20)?\d\d", digits
                )
                if number.endswith("%") or (len(digits) >= 3 and not year):
                    yield f"{cell['id']}: the number {number} is typed; compute it or date it"


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


def paths(notebook, language: str) -> Iterator[str]:
    """No path of a machine and no name of a package index."""
    for cell in notebook.cells:
        shown = [
            str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            for output in cell.get("outputs", [])
        ]
        for text in [cell.source, *shown]:
            match = re.search(MACHINE_PATH, text) or re.search(
                r"pypi\.org|/simple/|pythonhosted|index-url", text
            )
            if match:
                yield f"{cell['id']}: a path of a machine or an index host: {match[0]}"


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


def french_spaces(notebook) -> Iterator[str]:
    """No-break spaces where French typography asks for them, and none before ? and ! (Canadian
    usage)."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = re.sub(
            r"`[^`]*`|https?://\S+|<[^>]+>", "x", re.sub(r"```.*?```", "", cell.source, flags=re.S)
        )
        text = re.sub(r"^\s*\|[\s:|-]+\|\s*$", "", text, flags=re.M)
        for pattern, what in (
            (r"[^\s|] :(\s|$)", "« : » needs a no-break space before it"),
            (r"« |[^\s] »", "guillemets need no-break spaces inside"),
            (r"\d %", "« % » needs a no-break space before it"),
            (r"\w[ \u00a0][?!](\s|$)", "no space before ? and !"),
            (r"(^|[\s(])\"\w[^\"\n]*\"", "straight quotation marks in place of guillemets"),
        ):
            match = re.search(pattern, text, re.M)
            if match:
                yield (
                    f"{cell['id']}: {what} (near « "
                    f"{text[max(0, match.start() - 15) : match.end() + 5].strip()} »)"
                )


def graded_cells(notebook, tasks: tuple[int, int] = (5, 8), memos: int = 1) -> Iterator[str]:
    """nbgrader's cells are what DESIGN asks: 5 to 8 tasks, tests alone locked, hidden values, one
    memo.

    Args:
        notebook: the master.
        tasks: fewest and most auto-graded tasks, where they are not those of a lesson's exercise.
        memos: how many answers people read.
    """
    about = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells]
    tests = [(cell, each) for cell, each in about if each.get("grade") and not each.get("solution")]
    if not tasks[0] <= len(tests) <= tasks[1]:
        yield f"exercise: {len(tests)} auto-graded tasks; {tasks[0]} to {tasks[1]} are expected"
    names = [each["grade_id"] for _, each in about if each]
    if len(names) != len(set(names)):
        yield "exercise: a grade id comes twice"
    if sum(bool(each.get("grade") and each.get("solution")) for _, each in about) != memos:
        yield (
            "exercise: there must be exactly "
            f"{'one manually graded answer, the memo' if memos else 'no answer'}"
            f"{'' if memos else ' that people read'}"
        )
    for cell, each in tests:
        if not each.get("locked"):
            yield f"{cell['id']}: the test is not locked"
        if "### BEGIN HIDDEN TESTS" not in cell.source:
            yield f"{cell['id']}: no hidden test compares the value"
        visible = re.sub(
            r"### BEGIN HIDDEN TESTS.*### END HIDDEN TESTS", "", cell.source, flags=re.S
        )
        if "checks.expect" not in visible:
            yield f"{cell['id']}: no visible test tells type, shape or columns"
    for cell, each in about:
        if each.get("locked") and not each.get("grade"):
            yield f"{cell['id']}: only tests are locked"
        if (
            each.get("solution")
            and cell.cell_type == "code"
            and "### BEGIN SOLUTION" not in cell.source
        ):
            yield f"{cell['id']}: the answer cell has no solution to take out"
