"""What the tests of an assignment need of the learner's: found by running the source's own solution and looking."""

import socket
import types

from grader import border
from grader.border import Channel
from grader.confinement import Limits
from grader.work import SourceCell
from grader.zygote import Zygote


def touched(zygote: Zygote, cells: list[SourceCell], solutions: dict[int, str], data: str, limits: Limits):
    """Run the source's own solution and return what each of its solution cells binds or changes.

    Args:
        zygote: a warm process.
        cells: the source's.
        solutions: the text of each solution cell, by its number in ``cells``.
        data: folder of the assignment's own files.
        limits: what the run may use.

    Returns:
        Names by cell number, files by cell number, and the modules bound, by name.
    """
    here, theirs = socket.socketpair()
    with here, theirs:
        number = zygote.start("grader.runner:serve", limits, [theirs.fileno()])
        theirs.close()
        channel = Channel(here, border.Answer)
        channel.ask(border.Open(b'{"nbformat": 4, "cells": []}', {}, data), 60)
        names: dict[int, set[str]] = {}
        files: dict[int, set[str]] = {}
        modules: dict[str, str] = {}
        for at, cell in enumerate(cells):
            if cell.kind != "code" or cell.role == "test":
                continue
            if at not in solutions:
                channel.ask(border.Run(cell.source, limits.cell_seconds), limits.seconds)
                continue
            before = channel.ask(border.Look(), 120)
            channel.ask(border.Run(solutions[at], limits.cell_seconds), limits.seconds)
            after = channel.ask(border.Look(), 120)
            names[at] = _changed(before.names, after.names)
            files[at] = _changed(before.files, after.files)
            modules |= {name: module for name, module in after.modules.items() if name in names[at]}
        zygote.end(number)
    return names, files, modules


def _changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def spoken_of(source: str) -> tuple[set[str], set[str]]:
    """Return what a cell's code speaks of: when it runs, and later, in the functions that it defines.

    That is the names in it, and its texts, since ``globals()["answer"]`` speaks of a name too. Where the code does not
    compile, it may speak of everything, which ``"*"`` stands for.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        code = compile(TransformerManager().transform_cell(source), "cell", "exec")
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

    These are what it speaks of, or what a function of an earlier instructor's cell speaks of, as far as a solution
    cell before it binds or changes them. Files are needed where any was written: a path can be put together.

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
        written |= files.get(at, set())
        later |= then
    return needed
