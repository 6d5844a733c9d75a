"""Reads the CSV lists that people make, whatever encoding and separator their program chose.

Excel saves « CSV » in Windows-1252 with semicolons where its language is French, « CSV UTF-8 » with
a mark at the beginning, and « Unicode text » in UTF-16 with tabs.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 50 << 20  #: of a list
#: of a cell; csv has such a limit too, which other libraries change for the whole process
MOST_IN_A_CELL = 131_072
SEPARATORS = ",;\t"
_HINT = re.compile(r"\Asep=.(?=[\r\n])")  # Excel's own, of the separator


class NotCsv(Exception):
    """Raised when a file cannot be read as a table."""


class TooLarge(Exception):
    """Raised when a file is too large to be a list that a person made."""


class CsvRow(NamedTuple):
    """One row that is not blank.

    Args:
        line: where it begins in the file, counted from 1.
        cells: by the column's name, only of the columns that are known; a short row lacks some.
        beyond: the cells that stand under no heading.
    """

    line: int
    cells: dict[str, str]
    beyond: list[str]


class CsvTable(NamedTuple):
    """A list as it was read.

    Args:
        encoding: the codec that decodes it, and writes it again as it was.
        separator: between its cells.
        columns: the known name of each column in order; "" where it is not known.
        header: the first row that is not blank, as it was written.
        rows: the rows after it that are not blank.
    """

    encoding: str
    separator: str
    columns: list[str]
    header: list[str]
    rows: list[tuple[int, list[str]]]

    def named(self) -> Iterator[CsvRow]:
        """Return the rows by the names of their columns."""
        for line, row in self.rows:
            cells = dict(zip(self.columns, row, strict=False))
            cells.pop("", None)
            yield CsvRow(line, cells, row[len(self.columns) :])


def load(path: Path) -> bytes:
    """Return the bytes of a list.

    Raises:
        OSError: if it cannot be read.
        TooLarge: if it has more than ``MOST_BYTES``.
    """
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooLarge(path)
    return content


def encoding_of(content: bytes) -> str:
    """Return a list's encoding: by the mark at its beginning; without one UTF-8, UTF-16 by its zero
    bytes, or Windows-1252."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\0" in content[:200]:
        return "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig" if content[:3] == b"\xef\xbb\xbf" else "utf-8"


def table(content: bytes, column: Callable[[str], str]) -> CsvTable:
    """Read a list; its separator is the one that makes the most of its columns known.

    Args:
        content: the file.
        column: returns the name of a column by its heading; "" for one that is not known.

    Raises:
        NotCsv: if it cannot be decoded, or does not read as CSV.
    """
    encoding = encoding_of(content)
    try:
        text = _HINT.sub("", content.decode(encoding))
        heads = {separator: _first(text, separator) for separator in SEPARATORS}
        columns = {mark: [column(cell) for cell in head] for mark, head in heads.items()}
        separator = max(SEPARATORS, key=lambda mark: len(set(columns[mark]) - {""}))
        (_, header), *rows = [*_records(text, separator)] or [(1, [])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotCsv(str(error)) from error
    return CsvTable(encoding, separator, columns[separator], header, rows)


def _first(text: str, separator: str) -> list[str]:
    return next((row for _, row in _records(text, separator)), [])


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Return the rows that are not blank, each with the line where it begins."""
    reader, line = csv.reader(io.StringIO(text, newline=""), delimiter=separator), 1
    for row in reader:
        if any(len(cell) > MOST_IN_A_CELL for cell in row):
            raise csv.Error(f"line {line}: a cell is longer than {MOST_IN_A_CELL} characters")
        if not all(map(_is_blank, row)):
            yield line, row
        line = reader.line_num + 1


def _is_blank(cell: str) -> bool:
    return not any(mark.isprintable() and not mark.isspace() for mark in cell)
