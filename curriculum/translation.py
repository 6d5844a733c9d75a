"""Comparing a lesson's two languages: shared parts, translated cells, stale translations.

A French cell that holds text records the hash of the English cell it translates, in its metadata
under ``translates``. When the English cell changes, the French one is stale until somebody has
looked at it and stamped it.
"""

import ast
import hashlib

from curriculum.notebooks import cells_by_id, tags


def fingerprint(source: str) -> str:
    """Return the hash by which a French cell remembers the English source it translates."""
    return hashlib.sha256(source.strip().encode("utf-8")).hexdigest()[:16]


def code_without_text(source: str) -> str:
    """Return code with every string's text and every comment taken out: what both languages must
    share.

    Raises:
        SyntaxError: if the source is not Python.
    """
    return ast.dump(_Blank().visit(ast.parse(source)))


class _Blank(ast.NodeTransformer):
    """Empties string constants; in f-strings the text goes and the computed parts stay, in whatever
    order."""

    def visit_Constant(self, node):
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node):
        parts = [
            self.visit(part.value) for part in node.values if isinstance(part, ast.FormattedValue)
        ]
        return ast.Call(ast.Name("text"), sorted(parts, key=ast.dump), [])


def has_text(cell) -> bool:
    """Tell whether a cell needs translating: Markdown, or code whose strings or comments may hold
    words."""
    return cell.cell_type == "markdown" or any(sign in cell.source for sign in "\"'#")


def differences(english, french) -> list[str]:
    """Return what both notebooks should share and do not: ids, kinds, tags, code.

    Args:
        english: the English notebook.
        french: the French notebook of the same lesson.
    """
    ids_en, ids_fr = [cell["id"] for cell in english.cells], [cell["id"] for cell in french.cells]
    if ids_en != ids_fr:
        odd = [each for each in [*ids_en, *ids_fr] if ids_en.count(each) != ids_fr.count(each)]
        return [f"cell ids differ: {', '.join(dict.fromkeys(odd)) or 'their order'}"]
    found = []
    for one, other in zip(english.cells, french.cells, strict=True):
        name = one["id"]
        if one.cell_type != other.cell_type:
            found.append(f"{name}: {one.cell_type} in English, {other.cell_type} in French")
        elif tags(one) != tags(other):
            found.append(f"{name}: tags differ")
        elif one.cell_type == "code" and code_without_text(one.source) != code_without_text(
            other.source
        ):
            found.append(f"{name}: the code differs by more than its text")
        elif (
            one.cell_type == "markdown"
            and one.source.strip() == other.source.strip()
            and one.source.strip()
        ):
            found.append(f"{name}: the French cell is the English one")
    return found


def stale(english, french) -> list[str]:
    """Return the ids of French cells whose English cell changed since they were stamped, or that
    never were."""
    sources = cells_by_id(english)
    return [
        cell["id"]
        for cell in french.cells
        if has_text(cell)
        and cell["id"] in sources
        and cell.metadata.get("translates") != fingerprint(sources[cell["id"]].source)
    ]


def stamp(english, french) -> list[str]:
    """Record in each French cell the English source it translates; return the ids stamped anew."""
    sources = cells_by_id(english)
    stamped = stale(english, french)
    for cell in french.cells:
        if cell["id"] in stamped:
            cell.metadata["translates"] = fingerprint(sources[cell["id"]].source)
    return stamped


def in_french(english, french):
    """Return an exercise's master with its French cells in place, tests untouched.

    Args:
        english: the master notebook; it is changed in place and returned.
        french: a notebook that holds the translated cells alone, by id.

    Raises:
        ValueError: if a French cell has no English one, changes a locked cell, or changes code by
            more than its text.
    """
    sources = cells_by_id(english)
    for cell in french.cells:
        master = sources.get(cell["id"])
        if master is None:
            raise ValueError(f"the French cell {cell['id']!r} has no English one")
        if master.metadata.get("nbgrader", {}).get("locked"):
            raise ValueError(
                f"the cell {cell['id']!r} is locked: a test is the same in both languages"
            )
        if master.cell_type == "code" and code_without_text(master.source) != code_without_text(
            cell.source
        ):
            raise ValueError(
                f"the French cell {cell['id']!r} changes the code by more than its text"
            )
        master.source = cell.source
    english.metadata["lang"] = "fr"
    return english
