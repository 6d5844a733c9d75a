"""Are CSV lists read as Excel and other programs save them?"""

import pytest

from commons import csv_lists
from commons.csv_lists import NotCsv

ROWS = [["code", "comment"], ["M1", "très bien"], ["M2", "à revoir, œuvre"]]


def column(heading: str) -> str:
    return heading.strip() if heading.strip() in ("code", "comment") else ""


def written(separator: str) -> str:
    return "".join(
        separator.join(f'"{cell}"' if separator in cell else cell for cell in row) + "\r\n"
        for row in ROWS
    )


@pytest.mark.parametrize("separator", list(",;\t"))
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_every_encoding_and_separator_gives_the_same_cells(encoding, separator):
    found = csv_lists.table(written(separator).encode(encoding), column)
    assert (found.encoding, found.separator, found.header) == (encoding, separator, ROWS[0])
    assert [row for _, row in found.rows] == ROWS[1:]


def test_a_separator_within_cells_is_not_taken_for_the_one_between_them():
    found = csv_lists.table(b"code;comment, if any, in words, please;x\nM1;a, b, c;y\n", column)
    assert found.separator == ";"


def test_the_hint_that_excel_reads_is_no_row():
    assert csv_lists.table(b"sep=;\r\ncode;comment\r\nM1;x\r\n", column).columns == [
        "code",
        "comment",
    ]


def test_a_row_goes_by_the_line_where_it_begins():
    rows = csv_lists.table(b'\ncode,comment\n\nM1,"two\nlines"\nM2,x\n', column).named()
    assert [(row.line, row.cells["code"]) for row in rows] == [(4, "M1"), (6, "M2")]


def test_cells_under_no_heading_are_told():
    (row,) = csv_lists.table(b"code,comment\nM1,a,b,c\n", column).named()
    assert row.beyond == ["b", "c"]


@pytest.mark.parametrize("content", [b"", b"\n", b" ,\t\n", "\ufeff\n".encode()])
def test_an_empty_file_has_no_columns_and_no_rows(content):
    found = csv_lists.table(content, column)
    assert not any(found.columns) and not found.rows


@pytest.mark.parametrize("content", [b"\xff\xfec", b"code\n\x81\xe9", b"code\n" + b"x" * 200_000])
def test_what_is_no_table_is_told_as_such(content):
    with pytest.raises(NotCsv):
        csv_lists.table(content, column)


def test_a_list_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_lists, "MOST_BYTES", 10)
    (tmp_path / "list.csv").write_bytes(b"x" * 11)
    with pytest.raises(csv_lists.TooLarge):
        csv_lists.load(tmp_path / "list.csv")
