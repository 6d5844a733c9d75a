"""Submissions as they really arrive, and as somebody would send them who wants to stop the class.

Each kind is a small function that gets a good notebook's bytes and the folder
``submitted/STUDENT/ASSIGNMENT`` (made, and empty) and writes what was handed in. The notebook is
named as its assignment is, as ``name_of`` says. With each kind stands what should come of it:

- ``graded``: the marks of the good notebook;
- ``graded-less``: graded, with at most those marks, since some of the work is not there;
- ``named``: not graded, and reported with its cause; never a crash, and never anybody else's
trouble.

Where two outcomes are fair, both are named, the better one first.
"""

import gzip
import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Malformed:
    """A kind of malformed submission.

    Attributes:
        name: what it is called in reports of tests.
        write: writes it.
        expect: the fair outcomes, best first.
        why: one sentence.
        big: whether it takes much disk or memory.
    """

    name: str
    write: Callable[[bytes, Path], None]
    expect: tuple[str, ...]
    why: str
    big: bool = False


ALL: dict[str, Malformed] = {}


def kind(expect: str, why: str, big: bool = False):
    """Register a kind."""

    def register(function):
        name = function.__name__.strip("_")
        ALL[name] = Malformed(name, function, tuple(expect.split("|")), why, big)
        return function

    return register


def name_of(folder: Path) -> str:
    """Return the file name that the notebook should have."""
    return f"{folder.name}.ipynb"


def put(folder: Path, content: bytes, name: str | None = None) -> None:
    """Write a file of the submission."""
    (folder / (name or name_of(folder))).write_bytes(content)


def edited(content: bytes, **changes) -> bytes:
    """Return a notebook with other values under some keys; ``...`` removes the key."""
    notebook = json.loads(content) | changes
    return json.dumps({key: value for key, value in notebook.items() if value is not ...}).encode(
        "utf-8"
    )


def cells_edited(content: bytes, change: Callable[[list], list | None]) -> bytes:
    """Return a notebook with its list of cells changed, in place or for another one."""
    notebook = json.loads(content)
    changed = change(notebook["cells"])
    notebook["cells"] = notebook["cells"] if changed is None else changed
    return json.dumps(notebook).encode("utf-8")


def marked(cells: list[dict], what: str) -> Iterator[dict]:
    """Yield the cells that nbgrader's metadata calls ``"solution"`` or, for tests, ``"grade"`` and
    no solution."""
    for cell in cells:
        about = cell["metadata"].get("nbgrader", {})
        if (
            cell["cell_type"] == "code"
            and about.get(what)
            and not (what == "grade" and about.get("solution"))
        ):
            yield cell


# The file itself ----------------------------------------------------------------------------------


@kind("named", "half of a download is not a notebook, and the learner can be asked for the rest")
def truncated(content, folder):
    put(folder, content[: len(content) // 2])


@kind("named", "an empty file holds no answer")
def empty_file(content, folder):
    put(folder, b"")


@kind("named", "a file of zero bytes, as a disk leaves after a crash, is not a notebook")
def nul_bytes(content, folder):
    put(folder, b"\0" * len(content))


@kind("named", "a folder has the notebook's name")
def folder_named_like_it(content, folder):
    (folder / name_of(folder)).mkdir()
    put(folder, content, f"{name_of(folder)}/inside.ipynb")


@kind("graded|named", "UTF-16, as some editors save it, is still the learner's notebook")
def utf_16(content, folder):
    put(folder, content.decode("utf-8").encode("utf-16"))


@kind("graded", "a byte order mark before JSON changes nothing that was answered")
def byte_order_mark(content, folder):
    put(folder, b"\xef\xbb\xbf" + content)


@kind("graded|named", "Latin-1 bytes in a comment: the code is there, one letter is not")
def latin_1(content, folder):
    put(
        folder,
        cells_edited(content, lambda cells: cells.append(_cell("# déjà vu"))).replace(
            b"\\u00e9", b"\xe9"
        ),
    )


@kind("graded", "Windows' ends of lines are white space in JSON")
def carriage_returns(content, folder):
    put(folder, json.dumps(json.loads(content), indent=1).replace("\n", "\r\n").encode("utf-8"))


@kind("graded", "Windows' ends of lines inside the cells are ends of lines to Python too")
def carriage_returns_in_cells(content, folder):
    def change(cells):
        for cell in cells:
            cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")

    put(folder, cells_edited(content, change))


@kind("named", "a page that says that one must sign in was saved under the notebook's name")
def web_page(content, folder):
    put(
        folder,
        b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>401</h1></body></html>",
    )


@kind("named", "a compressed file is not a notebook, and is not unpacked into memory to find out")
def compressed(content, folder):
    put(folder, gzip.compress(content))


@kind("named", "a ZIP archive is not a notebook, whatever its name")
def archive(content, folder):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name_of(folder), content)
        file.writestr("../../../escaped.txt", "escaped")
    put(folder, packed.getvalue())


@kind("named", "small when packed and four hundred megabytes when unpacked")
def bomb_of_zeros(content, folder):
    put(folder, gzip.compress(b" " * 1_000_000) * 400)


@kind(
    "named|graded", "nobody may read it: the grader says so, or, run by an administrator, reads it"
)
def unreadable(content, folder):
    put(folder, content)
    (folder / name_of(folder)).chmod(0)


@kind("named", "a link is not followed: it could lead to anybody's file")
def link(content, folder):
    (folder.parent / "elsewhere.ipynb").write_bytes(content)
    (folder / name_of(folder)).symlink_to("../elsewhere.ipynb")


@kind("named", "a link to a file that never ends is not read")
def link_to_a_device(content, folder):
    (folder / name_of(folder)).symlink_to("/dev/zero")


@kind("named", "a link that leads to itself is not followed")
def link_to_itself(content, folder):
    (folder / name_of(folder)).symlink_to(name_of(folder))


@kind("named", "the whole folder is a link to somewhere else")
def folder_is_a_link(content, folder):
    folder.rmdir()
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / name_of(folder)).write_bytes(content)
    folder.symlink_to("elsewhere")


@kind("named", "a pipe would keep whoever reads it waiting for ever")
def pipe(content, folder):
    os.mkfifo(folder / name_of(folder))


@kind("graded", "a pipe beside the notebook is not read, and the notebook is")
def pipe_beside_it(content, folder):
    put(folder, content)
    os.mkfifo(folder / "data.fifo")


@kind("graded|named", "a link beside the notebook that leads out of the folder is left out")
def link_beside_it(content, folder):
    put(folder, content)
    (folder / "everything").symlink_to("/")
    (folder / "passwords.txt").symlink_to("/etc/passwd")


# JSON ---------------------------------------------------------------------------------------------


@kind("named", "a list is not a notebook")
def json_list(content, folder):
    put(folder, json.dumps(json.loads(content)["cells"]).encode("utf-8"))


@kind("named", "JSON all the same, and no notebook: a number, a text, null")
def json_number(content, folder):
    put(folder, random.Random(4).choice([b"42", b'"notebook"', b"null", b"{}"]))


@kind("named", "nested so deep that reading it naively overflows the stack")
def deep_nesting(content, folder):
    put(folder, b'{"cells": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")


@kind("graded|named", "metadata nested so deep that writing it again naively overflows the stack")
def deep_metadata(content, folder):
    put(
        folder,
        content.rstrip().removesuffix(b"}") + b', "deep": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    )


@kind("graded-less|named", "two lists of cells under one key: whichever counts, it counts once")
def repeated_keys(content, folder):
    put(folder, content.rstrip().removesuffix(b"}") + b', "cells": []}')


@kind("graded|named", "an integer of a hundred thousand digits, where a number is expected")
def huge_integer(content, folder):
    put(
        folder,
        edited(content, metadata=json.loads(content)["metadata"] | {"count": 0}).replace(
            b'"count": 0', b'"count": ' + b"9" * 100_000
        ),
    )


@kind("graded|named", "NaN and Infinity are not JSON, and some tools write them")
def not_a_number(content, folder):
    put(
        folder,
        edited(
            content,
            metadata=json.loads(content)["metadata"] | {"a": float("nan"), "b": float("inf")},
        ),
    )


@kind("graded|named", "half of a surrogate pair in a text that is shown: nothing can encode it")
def lone_surrogates(content, folder):
    put(
        folder,
        cells_edited(content, lambda cells: cells.append(_cell("shown = '\ud800'", "markdown"))),
    )


# The notebook format ------------------------------------------------------------------------------


@kind("graded|named", "an old notebook, of format 3, has its cells elsewhere")
def format_3(content, folder):
    import nbformat

    old = nbformat.convert(nbformat.reads(content.decode("utf-8"), as_version=4), 3)
    put(folder, json.dumps(old).encode("utf-8"))


@kind("named|graded", "a format that does not exist yet")
def format_99(content, folder):
    put(folder, edited(content, nbformat=99, nbformat_minor=0))


@kind("graded|named", "no version at all: the cells are there")
def no_format(content, folder):
    put(folder, edited(content, nbformat=..., nbformat_minor=...))


@kind("graded|named", "the notebook's metadata is gone, the cells' is not")
def no_metadata(content, folder):
    put(folder, edited(content, metadata=...))


@kind("named", "a notebook without cells holds no answer")
def no_cells(content, folder):
    put(folder, edited(content, cells=...))


@kind("named", "cells that are not a list of cells")
def cells_of_another_kind(content, folder):
    put(folder, edited(content, cells={"0": "x = 1", "1": None}))


@kind("graded-less|named", "one cell has lost its text")
def cell_without_source(content, folder):
    def change(cells):
        del next(marked(cells, "solution"))["source"]

    put(folder, cells_edited(content, change))


@kind("graded", "each text is a list of lines, as Jupyter itself writes it")
def sources_in_lines(content, folder):
    def change(cells):
        for cell in cells:
            cell["source"] = "".join(cell["source"]).splitlines(keepends=True)

    put(folder, cells_edited(content, change))


@kind(
    "graded-less|named",
    "the text of a cell is a number, of another null, of a third a list of numbers",
)
def sources_of_other_kinds(content, folder):
    def change(cells):
        for cell, value in zip(marked(cells, "solution"), (42, None, [1, 2]), strict=False):
            cell["source"] = value

    put(folder, cells_edited(content, change))


@kind(
    "graded|named",
    "cells' metadata that are lists, numbers and null, in cells that are not nbgrader's",
)
def metadata_of_other_kinds(content, folder):
    def change(cells):
        for value in ([], 3, None, "x"):
            cells.append(_cell("pass") | {"metadata": value})

    put(folder, cells_edited(content, change))


@kind("graded-less|named", "nbgrader's own metadata are of other kinds than they should be")
def grading_metadata_of_other_kinds(content, folder):
    def change(cells):
        for cell, value in zip(
            marked(cells, "solution"), ("solution", ["grade_id"], {"grade_id": 7}), strict=False
        ):
            cell["metadata"]["nbgrader"] = value

    put(folder, cells_edited(content, change))


@kind("graded|named", "outputs of kinds that the format does not know: nothing of them is needed")
def strange_outputs(content, folder):
    def change(cells):
        for cell, value in zip(
            marked(cells, "solution"), (None, [42], [{"output_type": "dance"}]), strict=False
        ):
            cell["outputs"] = value

    put(folder, cells_edited(content, change))


@kind("graded|named", "thirty megabytes of outputs, which grading throws away anyhow")
def outputs_of_30_mb(content, folder):
    _with_outputs(content, folder, 30)


@kind(
    "graded|named", "two hundred megabytes of outputs, which grading throws away anyhow", big=True
)
def outputs_of_200_mb(content, folder):
    _with_outputs(content, folder, 200)


@kind("graded|named", "fifty thousand empty cells")
def very_many_cells(content, folder):
    put(folder, cells_edited(content, lambda cells: cells.extend(_cell("") for _ in range(50_000))))


@kind("graded|named", "another kernel's name: the cells are Python all the same")
def kernel_of_r(content, folder):
    put(
        folder,
        edited(
            content,
            metadata={
                "kernelspec": {"name": "ir", "display_name": "R", "language": "R"},
                "language_info": {"name": "R"},
            },
        ),
    )


@kind("graded", "no kernel is named: the course knows its own")
def no_kernel(content, folder):
    put(folder, edited(content, metadata={}))


# The cells ----------------------------------------------------------------------------------------


@kind("graded", "a test cell copied by accident counts once")
def copied_test(content, folder):
    put(folder, cells_edited(content, lambda cells: cells.append(next(marked(cells, "grade")))))


@kind("graded", "each solution pasted twice, with the same grade id: the answer is the same")
def copied_solutions(content, folder):
    put(
        folder,
        cells_edited(
            content,
            lambda cells: [
                twice
                for cell in cells
                for twice in [cell] * (1 + (cell in list(marked(cells, "solution"))))
            ],
        ),
    )


@kind(
    "graded|graded-less",
    "a test that was deleted is the source's, and is put back or earns nothing",
)
def deleted_test(content, folder):
    put(folder, cells_edited(content, lambda cells: cells.remove(next(marked(cells, "grade")))))


@kind("graded|graded-less", "all tests deleted")
def deleted_tests(content, folder):
    def change(cells):
        tests = list(marked(cells, "grade"))
        return [cell for cell in cells if cell not in tests]

    put(folder, cells_edited(content, change))


@kind("graded-less", "a solution that was deleted earns nothing, and the others are graded")
def deleted_solution(content, folder):
    put(folder, cells_edited(content, lambda cells: cells.remove(next(marked(cells, "solution")))))


@kind("graded", "an edited test is the source's again")
def edited_test(content, folder):
    def change(cells):
        for cell in marked(cells, "grade"):
            cell["source"] = "raise RuntimeError('edited by accident')"

    put(folder, cells_edited(content, change))


@kind("graded", "points are the source's")
def changed_points(content, folder):
    def change(cells):
        for cell, points in zip(marked(cells, "grade"), (100, -1, "2", None, 1e400), strict=False):
            cell["metadata"]["nbgrader"]["points"] = points

    put(folder, cells_edited(content, change))


@kind("graded|graded-less", "a test turned into text is a test again")
def retyped_test(content, folder):
    def change(cells):
        for cell, as_what in zip(marked(cells, "grade"), ("markdown", "raw"), strict=False):
            cell["cell_type"] = as_what
            del cell["outputs"], cell["execution_count"]

    put(folder, cells_edited(content, change))


@kind(
    "graded-less|named",
    "nbgrader's metadata are gone, as after a copy into a new notebook: nothing can be matched",
)
def grading_metadata_gone(content, folder):
    put(folder, cells_edited(content, lambda cells: [cell | {"metadata": {}} for cell in cells]))


@kind(
    "graded|graded-less",
    "the cells in another order, tests first: the source's order counts, or theirs",
)
def reordered(content, folder):
    put(folder, cells_edited(content, lambda cells: cells[::-1]))


@kind("graded", "cells without ids, as in format 4.4")
def no_cell_ids(content, folder):
    def change(cells):
        for cell in cells:
            cell.pop("id", None)

    put(folder, edited(cells_edited(content, change), nbformat_minor=4))


@kind("graded|named", "all cells have one id, which the format forbids")
def same_cell_ids(content, folder):
    put(folder, cells_edited(content, lambda cells: [cell | {"id": "same"} for cell in cells]))


# The folder ---------------------------------------------------------------------------------------


@kind("named", "nothing was handed in but the folder")
def missing(content, folder):
    put(folder, b"I could not open it.", "note.txt")


@kind("graded|named", "the name that a browser gives to a second download")
def name_with_1(content, folder):
    put(folder, content, f"{folder.name} (1).ipynb")


@kind("graded|named", "the name in capitals, as some file systems make it")
def name_in_capitals(content, folder):
    put(folder, content, f"{folder.name.upper()}.IPYNB")


@kind("graded|named", "a name with the learner's own words and accents, in decomposed letters")
def name_with_accents(content, folder):
    put(folder, content, f"{folder.name} révisé final.ipynb")


@kind("graded", "another notebook beside the right one is not of the assignment")
def extra_notebook(content, folder):
    put(folder, content)
    put(folder, b"{", "scratch.ipynb")


@kind("graded", "two downloads of one notebook: the one with the right name counts")
def two_copies(content, folder):
    put(folder, content)
    put(folder, cells_edited(content, lambda cells: [_cell("older")]), f"{folder.name} (1).ipynb")


@kind("graded|named", "the notebook lies one folder deeper, as some archives unpack")
def in_a_subfolder(content, folder):
    (folder / folder.name).mkdir()
    put(folder, content, f"{folder.name}/{name_of(folder)}")


@kind("graded", "Jupyter's checkpoints were handed in too, with an older notebook")
def checkpoints(content, folder):
    put(folder, content)
    (folder / ".ipynb_checkpoints").mkdir()
    put(folder, b"{}", f".ipynb_checkpoints/{folder.name}-checkpoint.ipynb")


@kind("graded", "a time of submission that is none")
def strange_timestamp(content, folder):
    put(folder, content)
    put(folder, "hier à midi \0\udc80".encode("utf-8", "surrogatepass"), "timestamp.txt")


@kind("graded", "a time of submission without end")
def endless_timestamp(content, folder):
    put(folder, content)
    put(folder, b"9" * 5_000_000, "timestamp.txt")


@kind(
    "graded|named",
    "files beside it whose names are not text, hold an end of line, or are as long as may be",
)
def strange_names(content, folder):
    put(folder, content)
    for name in (b"caf\xe9.txt", b"two\nlines.txt", b"x" * 240 + b".txt", b"-rf", b"=1+1.csv"):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(b"x")


@kind("graded|named", "a folder beside the notebook that nobody may open")
def closed_folder(content, folder):
    put(folder, content)
    (folder / "closed").mkdir()
    (folder / "closed").chmod(0)


def _cell(source: str, cell_type: str = "code") -> dict:
    """Return a cell without an id, which every reader of notebooks takes."""
    only_code = {"outputs": [], "execution_count": None} if cell_type == "code" else {}
    return {"cell_type": cell_type, "metadata": {}, "source": source} | only_code


def _with_outputs(content: bytes, folder: Path, megabytes: int) -> None:
    """Write a notebook whose first answer has shown so much, without holding it in memory."""
    marker = "where-the-output-goes"

    def change(cells):
        cell = next(marked(cells, "solution"))
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": marker}]

    before, after = cells_edited(content, change).split(marker.encode("utf-8"))
    with open(folder / name_of(folder), "wb") as file:
        file.write(before)
        for _ in range(megabytes):
            file.write(b"x" * 1_000_000)
        file.write(after)
