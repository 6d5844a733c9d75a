"""Finding which of a learner's names and files each test needs."""

import ast
import types
from pathlib import PurePosixPath

from grader.marking import protocol
from grader.marking.model import SourceCell
from grader.sandbox.limits import Limits
from grader.sandbox.sandbox import Sandbox

# What a file that a solution writes may be, to be laid beside a test: its name says that it is
# read, and never run.
DATA = frozenset(
    [
        ".csv",
        ".tsv",
        ".txt",
        ".text",
        ".json",
        ".jsonl",
        ".ndjson",
        ".geojson",
        ".md",
        ".html",
        ".htm",
        ".xml",
        ".kml",
        ".xls",
        ".xlsx",
        ".ods",
        ".parquet",
        ".feather",
        ".arrow",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".svg",
        ".pdf",
        ".dat",
        ".log",
        ".toml",
        ".ini",
        ".npy",
        ".npz",
        ".db",
        ".sqlite",
        ".sqlite3",
        ".gz",
        ".bz2",
        ".zip",
        ".tex",
        ".ics",
        ".bib",
        ".out",
    ]
)


def touched(
    sandbox: Sandbox, cells: list[SourceCell], solutions: dict[int, str], data: str, limits: Limits
):
    """Run the source's own solution and return what each of its solution cells binds or changes.

    Args:
        sandbox: where to run it.
        cells: the source's.
        solutions: the text of each solution cell, by its number in ``cells``.
        data: folder of the assignment's own files.
        limits: what the run may use.

    Returns:
        Names by cell number, files by cell number, what is imported by name, and the type of each
        name's value.
    """
    process = sandbox.process("grader.marking.runner:serve", limits, expects=protocol.Answer)
    channel = process.channel
    channel.ask(protocol.Open(b'{"nbformat": 4, "cells": []}', {}, data), 60)
    names: dict[int, set[str]] = {}
    files: dict[int, set[str]] = {}
    imports: dict[str, str] = {}
    others: set[str] = set()
    kinds: dict[str, str] = {}
    for at, cell in enumerate(cells):
        if cell.kind != "code" or cell.role == "test":
            continue
        if at not in solutions:
            channel.ask(protocol.Run(cell.source, limits.cell_seconds), limits.seconds)
            continue
        before = channel.ask(protocol.Look(), 120)
        channel.ask(protocol.Run(solutions[at], limits.cell_seconds), limits.seconds)
        said = imported(solutions[at])
        after = channel.ask(protocol.Look(said), 120)
        names[at] = _changed(before.names, after.names)
        files[at] = _changed(before.files, after.files)
        written = {
            PurePosixPath(path).parts[0].removesuffix(".py")
            for each in files.values()
            for path in each
        }
        library = {
            name: what
            for name, what in after.imported.items()
            if name in names[at] and what.partition(":")[0].partition(".")[0] not in written
        }
        imports |= library
        others |= names[at] - set(library)
        kinds |= {name: after.kinds[name] for name in names[at] if name in after.kinds}
    process.end()
    return names, files, {name: what for name, what in imports.items() if name not in others}, kinds


def imported(source: str) -> dict[str, str]:
    """Return what a cell’s own import statements bind by name: ``"module"``,
    ``"module:attribute"``, ``"module:*"``."""
    found = {}
    try:
        statements = list(ast.walk(ast.parse(as_python(source))))
    except (SyntaxError, ValueError):
        return {}
    for each in statements:
        if isinstance(each, ast.Import):
            for alias in each.names:
                found[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(each, ast.ImportFrom) and each.module and not each.level:
            for alias in each.names:
                bound = f"{each.module}:*" if alias.name == "*" else alias.asname or alias.name
                found[bound] = f"{each.module}:{alias.name}"
    return found


def as_python(source: str) -> str:
    """Return a cell as Python, its magics written as the calls that they stand for."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return TransformerManager().transform_cell(source)
    except SyntaxError:
        return source


def _changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def spoken_of(source: str) -> tuple[set[str], set[str]]:
    """Return what a cell's code speaks of: when it runs, and later, in the functions that it
    defines.

    That is the names in it, and its texts, since ``globals()["answer"]`` speaks of a name too.
    Where the code does not compile, it may speak of everything, which ``"*"`` stands for.
    """
    try:
        code = compile(as_python(source), "cell", "exec")
    except (SyntaxError, ValueError):
        return {"*"}, {"*"}
    now: set[str] = set()
    later: set[str] = set()
    waiting: list[tuple[types.CodeType, set[str]]] = [(code, now)]
    while waiting:
        code, spoken = waiting.pop()
        spoken.update(code.co_names, code.co_freevars, code.co_cellvars)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                is_function = not constant.co_name.startswith("<") or constant.co_name == "<lambda>"
                waiting.append((constant, later if is_function else spoken))
            elif isinstance(constant, str):
                spoken.add(constant)
            elif isinstance(constant, (tuple, frozenset)):
                spoken.update(each for each in constant if isinstance(each, str))
    return now | later, later


def needs(
    cells: list[SourceCell], names: dict[int, set[str]], files: dict[int, set[str]]
) -> list[tuple[list[str], list[str]]]:
    """Return, for each cell, the names and the files of the learner's that it needs.

    These are what it speaks of, or what a function of an earlier instructor's cell speaks of, as
    far as a solution cell before it binds or changes them. Files are needed where any was written:
    a path can be put together. A file that is not data by its name is never laid beside a test:
    what is imported or unpickled is run.

    Args:
        cells: the source's.
        names: what each solution cell binds or changes.
        files: the same of files.
    """
    needed, bound, written, later = [], set(), set(), set()
    for at, cell in enumerate(cells):
        mine = cell.kind == "code" and cell.role in ("test", "plain", "locked")
        now, then = spoken_of(cell.source) if mine else (set(), set())
        speaks = now | later
        wanted = bound if "*" in speaks else bound & speaks
        needed.append((sorted(wanted), sorted(written)) if mine else ([], []))
        bound |= names.get(at, set())
        written |= {
            path for path in files.get(at, set()) if PurePosixPath(path).suffix.lower() in DATA
        }
        later |= then
    return needed
