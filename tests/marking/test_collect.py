"""Is every file of a cohort put where it belongs, or kept aside with the reason, whatever the
archive tries?"""

import datetime
import json
import os
import signal
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commons.errors import CannotWrite
from grader.intake import collect as room
from grader.intake import matching, problems, unmatched, zip_files
from grader.intake.archives import list_archive, read_entry
from grader.intake.collect import CannotCollect, collect
from grader.intake.notebook_ids import grade_ids
from grader.intake.outcomes import Collection
from grader.intake.people import Person, Roster
from grader.intake.problems import ArchiveEntry, Unreadable
from grader.sandbox.limits import Limits
from grader.sandbox.usage import descendants

TRUST, SERVED = "03-trust-this-table", "04-served-online"
ROSTER = Roster(
    {
        person.id: person
        for person in (
            Person("s01", "Élise Exemplaire", "elise.exemplaire@example.ca"),
            Person("s02", "Noé Modèle", "noe@example.ca"),
            Person("s03", "Sam Sample", "sam@example.ca"),
        )
    }
)
NOON = (2026, 11, 24, 12, 0, 0)


def notebook(*ids: str, text: str = "") -> bytes:
    cells = [
        {
            "cell_type": "code",
            "metadata": {"nbgrader": {"grade_id": one, "grade": True}},
            "source": text,
        }
        for one in ids
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


SOURCES = {
    TRUST: notebook("stray_rows", "top_share", "memo"),
    SERVED: notebook("weakest_step", "alt_text", "memo"),
}


@pytest.fixture
def course(tmp_path) -> Path:
    for name, content in SOURCES.items():
        path = tmp_path / "course" / "source" / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    return tmp_path / "course"


class File(NamedTuple):
    """A file of an archive, or what pretends to be one."""

    name: str | bytes
    content: bytes = b"{}"
    when: tuple = NOON
    flags: int = 0x800
    mode: int = 0o100644
    method: int = 8
    says: int | None = None  #: the size that the archive claims
    check: int | None = None
    extra: bytes = b""
    again: bool = False  #: whether it is the bytes of the file before it, under another name


def archive(path: Path, *files: File, before: bytes = b"", comment: bytes = b"") -> Path:
    """Write a ZIP archive by hand: a library would refuse most of what is tried here."""
    body, names, at = bytearray(before), bytearray(), 0
    for file in files:
        raw = file.name if isinstance(file.name, bytes) else file.name.encode()
        year, month, day, hour, minute, second = file.when
        time, date = hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = (
            packer.compress(file.content) + packer.flush() if file.method == 8 else file.content
        )
        size = len(file.content) if file.says is None else file.says
        check = zlib.crc32(file.content) if file.check is None else file.check
        common = struct.pack(
            "<5H3I2H",
            20,
            file.flags,
            file.method,
            time,
            date,
            check,
            len(packed),
            size,
            len(raw),
            len(file.extra),
        )
        if not file.again:
            at = len(body) - len(before)
            body += b"PK\x03\x04" + common + raw + file.extra + packed
        names += struct.pack("<4sH", b"PK\x01\x02", 0x314) + common
        names += struct.pack("<3H2I", 0, 0, 0, file.mode << 16, at) + raw + file.extra
    end = struct.pack(
        "<4s4H2IH",
        b"PK\x05\x06",
        0,
        0,
        len(files) & 0xFFFF,
        len(files) & 0xFFFF,
        len(names),
        len(body) - len(before),
        len(comment),
    )
    path.write_bytes(bytes(body + names + end + comment))
    return path


def take(course: Path, *files: File | str) -> Collection:
    """Collect an archive of these files."""
    files = [file if isinstance(file, File) else File(file) for file in files]
    return collect(archive(course.parent / "in.zip", *files), ROSTER, course)


def submitted(course: Path) -> dict[str, bytes]:
    root = course / "submitted"
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def where(items) -> list[tuple[str, str]]:
    return sorted((item.student, item.assignment) for item in items)


# Whose, and which


@pytest.mark.parametrize(
    "name",
    [
        f"s01_{TRUST}.ipynb",
        f"{TRUST}_s01.ipynb",
        f"{TRUST} - Élise Exemplaire.ipynb",
        f"Exemplaire_Elise_{TRUST}.ipynb",
        f"Élise Exemplaire/{TRUST}.ipynb",
        f"s01/{TRUST}/{TRUST}.ipynb",
        f"{TRUST}/s01/{TRUST}.ipynb",
        f"{TRUST}/Élise Exemplaire.ipynb",
        f"s01/{TRUST} (1).ipynb",
        f"s01/Copy of {TRUST}.ipynb",
        f"s01/Copie de {TRUST}.ipynb",
        f"s01/{TRUST} - Copy.ipynb",
        f"s01/{TRUST} - Copie (2).ipynb",
        f"s01/{TRUST}-Copy1.ipynb",
        f"s01/{TRUST}.IPYNB",
        f"s01/{TRUST}.ipynb.txt",
        "s01/03 Trust this table.ipynb",
        f"elise.exemplaire@example.ca/{TRUST}.ipynb",
        f"elise.exemplaire_{TRUST}.ipynb",
        f"Élise Exemplaire_1234567_assignsubmission_file_/{TRUST}.ipynb",
        f"Élise Exemplaire_1234567_assignsubmission_file_{TRUST}.ipynb",
        f"12345-67890 - Élise Exemplaire - Nov 24, 2026 904 AM/{TRUST}.ipynb",
        f"12345-67890 - Élise Exemplaire - Nov 24, 2026 904 AM - {TRUST}.ipynb",
        f"exemplaireélise_LATE_12345_67890_{TRUST}-1.ipynb",
        f"exemplaireelise_12345_67890_{TRUST}.ipynb",
        f"submissions/s01/{TRUST}.ipynb",
        unicodedata.normalize("NFD", f"Élise Exemplaire/{TRUST}.ipynb"),
        # the system's word counts
        f"Élise Exemplaire_12_assignsubmission_file_/{TRUST} Noé Modèle.ipynb",
    ],
)
def test_a_notebook_is_given_to_its_person_and_assignment(course, name):
    done = take(course, name)
    assert where(done.taken) == [("s01", TRUST)], done
    assert submitted(course)[f"s01/{TRUST}/{TRUST}.ipynb"] == b"{}"


def test_a_copy_named_with_1_is_matched_to_the_same_person(course):
    done = take(course, File(f"s01/{TRUST}.ipynb", b"1"), File(f"s01/{TRUST} (1).ipynb", b"2"))
    assert where(done.taken) == where(done.older) == [("s01", TRUST)]
    assert submitted(course)[f"s01/{TRUST}/{TRUST}.ipynb"] == b"2"


@pytest.mark.parametrize(
    "name", ["s01/notebook.ipynb", "s01/Untitled.ipynb", "exemplaireelise_1_2_devoir.ipynb"]
)
def test_a_name_that_says_nothing_is_matched_by_its_cells(course, name):
    done = take(course, File(name, notebook("weakest_step", "alt_text", "memo", "weakest_step")))
    assert where(done.taken) == [("s01", SERVED)]


@pytest.mark.parametrize(
    "content",
    [
        notebook("memo"),
        notebook(),
        notebook("other", "another"),
        b"{}",
        b"",
        b"[[[",
        notebook("alt_text", "top_share"),
    ],
)
def test_cells_that_fit_no_assignment_or_two_are_kept_aside(course, content):
    done = take(course, File("s01/notebook.ipynb", content))
    assert where(done.unmatched) == [("s01", "")] and "cells" in done.unmatched[0].reason.english
    assert (course / done.unmatched[0].kept).read_bytes() == content


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        (f"{TRUST}.ipynb", ()),
        (f"Nobody Here_{TRUST}.ipynb", ()),
        (f"Anne Élise Exemplaire_{TRUST}.ipynb", ("s01",)),
        (f"s01/s02_{TRUST}.ipynb", ("s01", "s02")),
        (f"Élise Exemplaire et Noé Modèle/{TRUST}.ipynb", ("s01", "s02")),
    ],
)
def test_who_is_not_clear_is_kept_aside_with_candidates(course, name, candidates):
    done = take(course, name)
    assert done.unmatched[0].candidates == candidates and not done.taken
    assert (course / done.unmatched[0].kept).read_bytes() == b"{}" and not submitted(course)


def test_a_folder_that_may_mean_two_people_is_not_settled_by_a_third_ones_file(course):
    twins = {one: Person(one, "Noé Modèle") for one in ("t01", "t02")}
    names = [f"Noé Modèle/{name}_{TRUST}.ipynb" for name in ("s01", "t02")]
    path = archive(course.parent / "in.zip", *map(File, names))
    done = collect(path, Roster(ROSTER.people | twins), course)
    assert where(done.taken) == [("t02", TRUST)]
    assert done.unmatched[0].candidates == ("s01", "s02", "t01", "t02")


def test_several_notebooks_of_an_assignment_are_one_submission(course):
    (course / "source" / TRUST / "second.ipynb").write_bytes(notebook("more"))
    done = take(course, f"s01/{TRUST}.ipynb", File("s01/second.ipynb", b"2"))
    assert where(done.taken) == [("s01", TRUST)] * 2
    assert {"s01/03-trust-this-table/second.ipynb", f"s01/{TRUST}/{TRUST}.ipynb"} <= set(
        submitted(course)
    )


def test_a_second_notebook_that_comes_later_joins_the_first(course):
    (course / "source" / TRUST / "second.ipynb").write_bytes(notebook("more"))
    take(course, File(f"s01/{TRUST}.ipynb", b"1"))
    assert where(take(course, File("s01/second.ipynb", b"2", (2026, 11, 25, 12, 0, 0))).taken) == [
        ("s01", TRUST)
    ]
    files = submitted(course)
    assert (
        files[f"s01/{TRUST}/{TRUST}.ipynb"] == b"1" and files[f"s01/{TRUST}/second.ipynb"] == b"2"
    )
    told = datetime.datetime.fromisoformat(files[f"s01/{TRUST}/timestamp.txt"].decode().strip())
    assert told == datetime.datetime(2026, 11, 25, 12).astimezone()


def test_a_name_shared_by_two_assignments_is_settled_by_the_folder_or_the_cells(course):
    for name, content in SOURCES.items():
        (course / "source" / name / "part.ipynb").write_bytes(content)
    done = take(
        course, f"s01/{SERVED}/part.ipynb", File("s02/part.ipynb", SOURCES[TRUST]), "s03/part.ipynb"
    )
    assert where(done.taken) == [("s01", SERVED), ("s02", TRUST)] and where(done.unmatched) == [
        ("s03", "")
    ]


def test_who_is_missing_is_told_for_each_assignment_seen(course):
    done = take(course, f"s01_{TRUST}.ipynb", f"s02_{TRUST}.ipynb", f"s02_{SERVED}.ipynb")
    assert done.missing == {TRUST: ("s03",), SERVED: ("s01", "s03")}


@pytest.mark.parametrize("code", ["utf-8", "cp437", "cp850", "cp1252"])
def test_accents_are_read_in_the_alphabets_that_archives_use(course, code):
    done = take(course, File(f"Élise Exemplaire/{TRUST}.ipynb".encode(code), flags=0))
    assert where(done.taken) == [("s01", TRUST)]


def test_backslashes_part_folders_too(course):
    assert where(take(course, f"s01\\{TRUST}.ipynb").taken) == [("s01", TRUST)]


NUMBERS = st.integers(10**5, 10**8)


@settings(max_examples=40)
@given(
    st.sampled_from(list(ROSTER.people.values())),
    st.sampled_from([TRUST, SERVED]),
    NUMBERS,
    st.data(),
)
def test_what_any_system_names_comes_to_its_place(
    tmp_path_factory, person, assignment, number, data
):
    course = tmp_path_factory.mktemp("one") / "course"
    for name, content in SOURCES.items():
        (course / "source" / name).mkdir(parents=True)
        (course / "source" / name / f"{name}.ipynb").write_bytes(content)
    first, last = person.name.split()
    name = data.draw(
        st.sampled_from(
            [
                f"{first} {last}_{number}_assignsubmission_file_/{assignment}.ipynb",
                f"{number}-{number + 3} - {first} {last} - Nov 24, 2026 904 AM/{assignment}.ipynb",
                f"{(last + first).lower()}_{number}_{number + 5}_{assignment}.ipynb",
                f"{(last + first).lower()}_LATE_{number}_{number + 5}_{assignment}-3.ipynb",
                f"{last}, {first} - {assignment} ({number % 100}).ipynb",
                f"{person.id}/{assignment}/Copie de {assignment}.ipynb",
            ]
        )
    )
    assert where(take(course, name).taken) == [(person.id, assignment)]


# Two copies, and a second time


def test_the_latest_copy_is_taken_and_the_other_told_with_its_hash(course):
    done = take(
        course,
        File(f"s01/a/{TRUST}.ipynb", b"late", (2026, 11, 24, 12, 0, 2)),
        File(f"s01/b/{TRUST} (7).ipynb", b"soon", NOON),
    )
    assert submitted(course)[f"s01/{TRUST}/{TRUST}.ipynb"] == b"late"
    assert (
        done.older[0].digest != done.taken[0].digest
        and done.taken[0].digest in done.older[0].reason.english
    )


def test_of_two_copies_of_one_time_the_higher_number_is_taken(course):
    take(
        course,
        *(
            File(f"exemplaireelise_1_{n}_{TRUST}{mark}.ipynb", mark.encode())
            for n, mark in enumerate(["", "-2", "-10", "-1"], 1)
        ),
    )
    assert submitted(course)[f"s01/{TRUST}/{TRUST}.ipynb"] == b"-10"


def test_the_time_in_a_name_counts_before_the_archives_own(course):
    done = take(
        course,
        File(f"1-2 - Élise Exemplaire - Nov 24, 2026 1159 PM/{TRUST}.ipynb", b"new", NOON),
        File(
            f"1-3 - Élise Exemplaire - Nov 24, 2026 1201 AM/{TRUST}.ipynb",
            b"old",
            (2026, 12, 1, 0, 0, 0),
        ),
    )
    assert submitted(course)[f"s01/{TRUST}/{TRUST}.ipynb"] == b"new" and len(done.older) == 1
    stamp = datetime.datetime.fromisoformat(
        submitted(course)[f"s01/{TRUST}/timestamp.txt"].decode().strip()
    )
    assert stamp == datetime.datetime(2026, 11, 24, 23, 59).astimezone()
    assert stamp.utcoffset() == datetime.timedelta(0)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Nov 24, 2026 904 AM", (2026, 11, 24, 9, 4)),
        ("November 4, 2026 12:30 AM", (2026, 11, 4, 0, 30)),
        ("24 nov. 2026 9 h 04", (2026, 11, 24, 9, 4)),
        ("1 août 2026 2359", (2026, 8, 1, 23, 59)),
        ("9 juil. 2026, 14h05", (2026, 7, 9, 14, 5)),
        ("9 juin 2026 905", (2026, 6, 9, 9, 5)),
        ("Feb 30, 2026 904 AM", None),
        ("Nov 24, 2026 9904 AM", None),
        ("someday 2026", None),
        ("", None),
    ],
)
def test_times_in_names_are_read_in_both_languages(text, moment):
    assert matching.moment_of(text) == (datetime.datetime(*moment).timestamp() if moment else None)


def test_an_archives_utc_time_is_taken_where_it_has_one(course):
    stamp = struct.pack("<HHBi", 0x5455, 5, 1, 1_790_000_000)
    take(course, File(f"s01/{TRUST}.ipynb", when=(1980, 1, 1, 0, 0, 0), extra=stamp))
    told = submitted(course)[f"s01/{TRUST}/timestamp.txt"].decode().strip()
    assert datetime.datetime.fromisoformat(told).timestamp() == 1_790_000_000


@pytest.mark.parametrize(
    "when",
    [(1980, 0, 0, 0, 0, 0), (1980, 1, 1, 0, 0, 0), (2100, 1, 1, 0, 0, 0), (2026, 15, 1, 0, 0, 0)],
)
def test_a_time_that_cannot_be_is_unknown_and_nobody_is_late_by_it(course, when):
    take(course, File(f"s01/{TRUST}.ipynb", when=when))
    assert list(submitted(course)) == [f"s01/{TRUST}/{TRUST}.ipynb"]


def test_nbgrader_reads_the_time(course):
    from nbgrader.utils import parse_utc

    take(course, f"s01/{TRUST}.ipynb")
    told = parse_utc(submitted(course)[f"s01/{TRUST}/timestamp.txt"].decode().strip())
    assert told.replace(tzinfo=datetime.UTC) == datetime.datetime(*NOON).astimezone()


def test_the_same_archive_again_changes_nothing(course):
    files = [
        File(f"s01/{TRUST}.ipynb", b"1"),
        File("s01/data.csv", b"a"),
        f"s02_{TRUST}.ipynb",
        "who.ipynb",
    ]
    take(course, *files)
    before = {path: path.stat().st_mtime_ns for path in course.rglob("*")}
    done = take(course, *files)
    assert where(done.unchanged) == [("s01", TRUST), ("s02", TRUST)] and not (
        done.taken or done.replaced
    )
    after = {
        path: path.stat().st_mtime_ns for path in course.rglob("*") if ".grader" not in path.parts
    }
    assert after.items() <= before.items()
    assert len(list((course / ".grader" / "unmatched").iterdir())) == 1


def test_a_newer_copy_replaces_the_one_there_which_is_kept(course):
    take(course, File(f"s01/{TRUST}.ipynb", b"old"))
    done = take(course, File(f"s01/{TRUST}.ipynb", b"new", (2026, 11, 24, 13, 0, 0)))
    assert where(done.replaced) == [("s01", TRUST)]
    assert submitted(course)[f"s01/{TRUST}/{TRUST}.ipynb"] == b"new"
    (kept,) = (course / ".grader" / "replaced" / "s01" / TRUST).iterdir()
    assert (kept / f"{TRUST}.ipynb").read_bytes() == b"old"


@pytest.mark.parametrize("when", [NOON, (2026, 11, 24, 11, 0, 0), (1980, 0, 0, 0, 0, 0)])
def test_a_copy_that_is_not_newer_replaces_nothing(course, when):
    take(course, File(f"s01/{TRUST}.ipynb", b"there"))
    done = take(course, File(f"s01/{TRUST}.ipynb", b"other", when))
    assert where(done.older) == [("s01", TRUST)] and not done.replaced
    assert submitted(course)[f"s01/{TRUST}/{TRUST}.ipynb"] == b"there"


def test_a_damaged_latest_copy_is_refused_and_the_one_before_it_taken(course):
    done = take(
        course,
        File(f"s01/a/{TRUST}.ipynb", b"good"),
        File(f"s01/b/{TRUST}.ipynb", b"bad", (2026, 11, 25, 0, 0, 0), check=1),
    )
    assert (
        where(done.refused) == [("s01", TRUST)]
        and submitted(course)[f"s01/{TRUST}/{TRUST}.ipynb"] == b"good"
    )


@pytest.mark.parametrize("cut", ["coming.rename(ready)", "there.rename(kept)", "rename(there)"])
def test_a_collection_that_was_killed_is_finished_by_the_next(course, monkeypatch, cut):
    take(course, File(f"s01/{TRUST}.ipynb", b"old"), File("s01/kept.csv", b"kept"))
    calls = ["coming.rename(ready)", "there.rename(kept)", "rename(there)"]
    rename = Path.rename

    def killed(path, target):
        if calls.pop(0) == cut:
            raise KeyboardInterrupt
        return rename(path, target)

    newer = File(f"s01/{TRUST}.ipynb", b"new", (2026, 11, 25, 0, 0, 0))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "rename", killed)
        take(course, newer)
    take(course, newer)
    files = submitted(course)
    assert (
        files[f"s01/{TRUST}/{TRUST}.ipynb"] == b"new" and files[f"s01/{TRUST}/kept.csv"] == b"kept"
    )


def test_a_folder_that_cannot_be_written_to_is_named(course, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    (course.parent / "in").mkdir()
    with open(course.parent / "in" / f"s01_{TRUST}.ipynb", "wb") as file:
        file.write(b"{}")
    with pytest.raises(CannotWrite, match="No space left"):
        collect(course.parent / "in", ROSTER, course)
    assert not submitted(course)


# What lies beside a notebook


def test_data_files_of_a_persons_folder_come_along(course):
    done = take(
        course, f"s01/{TRUST}.ipynb", File("s01/data.csv", b"a"), File("s01/more/données.csv", b"b")
    )
    files = submitted(course)
    assert files[f"s01/{TRUST}/data.csv"] == b"a" and files[f"s01/{TRUST}/more/données.csv"] == b"b"
    assert not done.unmatched


def test_data_files_that_are_nobodys_are_kept_aside(course):
    done = take(
        course,
        f"s01_{TRUST}.ipynb",
        "data.csv",
        f"s02/sub/{TRUST}.ipynb",
        "s02/data.csv",
        "letter.pdf",
    )
    assert [item.source for item in done.unmatched] == ["data.csv", "s02/data.csv", "letter.pdf"]


def test_nobody_writes_their_own_time_of_handing_in(course):
    done = take(course, f"s01/{TRUST}.ipynb", File("s01/timestamp.txt", b"2000-01-01 00:00:00 UTC"))
    assert submitted(course)[f"s01/{TRUST}/timestamp.txt"].startswith(b"2026")
    assert done.refused[0].reason == problems.PROBLEMS["reserved"]


@pytest.mark.parametrize("name", ["timestamp.txt/x", "timestamp.txt/a/b.csv", "Timestamp.TXT"])
def test_a_folder_called_like_the_time_of_handing_in_is_refused_and_the_notebook_taken(
    course, name
):
    done = take(course, f"s01/{TRUST}.ipynb", f"s01/{name}", f"s02/{TRUST}.ipynb")
    assert [item.reason for item in done.refused] == [problems.PROBLEMS["reserved"]]
    assert where(done.taken) == [("s01", TRUST), ("s02", TRUST)]


def test_a_long_name_in_syllabics_is_kept_aside_like_any_other(course):
    name = "ᐅᖃᓕᒫᒐᖅᐊᒥᓱᓂᒃᖃᐅᔨᒪᔾᔪᑎᓂᒃ ᐊᒻᒪ/ᐱᓕᕆᐊᒃᓴᖅ ᓯᕗᓪᓕᖅ ᑎᑎᕋᖅᓯᒪᔪᖅ ᑕᒻᒪᖅᓯᒪᔪᓂᒃ ᐋᖅᑭᒃᓱᖅᑕᐅᓯᒪᔪᖅ ᓄᑖᖅ.pdf"
    done = take(course, name, f"s01/{TRUST}.ipynb")
    assert (course / done.unmatched[0].kept).read_bytes() == b"{}" and where(done.taken) == [
        ("s01", TRUST)
    ]


@pytest.mark.parametrize("letter", ["a", "é", "ᐃ"])
def test_a_name_as_long_as_a_system_takes_comes_along(course, letter):
    name = letter * (251 // len(letter.encode())) + ".csv"
    assert not take(course, f"s01/{TRUST}.ipynb", f"s01/{name}").refused
    assert f"s01/{TRUST}/{name}" in submitted(course)


def test_parts_of_a_path_that_say_here_are_no_folders(course):
    assert where(take(course, f"./s01/./{TRUST}.ipynb", "./s01/data.csv").taken) == [("s01", TRUST)]
    assert f"s01/{TRUST}/data.csv" in submitted(course)


def test_a_folder_that_would_stand_in_a_notebooks_place_is_refused(course):
    done = take(
        course, f"s01/Copie de {TRUST}.ipynb", f"s01/{TRUST}.ipynb/data.csv", f"s02/{TRUST}.ipynb"
    )
    assert [item.reason for item in done.refused] == [problems.PROBLEMS["clash"]]
    assert where(done.taken) == [("s01", TRUST), ("s02", TRUST)]


def timestamp_that_is_a_folder(there: Path) -> None:
    (there / "timestamp.txt").mkdir(parents=True)
    (there / "timestamp.txt" / "x").write_bytes(b"")


def timestamp_before_all_years(there: Path) -> None:
    there.mkdir(parents=True)
    (there / "timestamp.txt").write_text("0001-01-01T00:00:00+23:00")


@pytest.mark.parametrize("plant", [timestamp_that_is_a_folder, timestamp_before_all_years])
def test_what_was_handed_in_some_other_way_stops_nobody(course, plant):
    plant(course / "submitted" / "s01" / TRUST)
    assert where(take(course, f"s01/{TRUST}.ipynb", f"s02/{TRUST}.ipynb").taken) == [
        ("s01", TRUST),
        ("s02", TRUST),
    ]


def test_a_file_in_the_place_of_a_persons_folder_is_named_and_the_others_are_taken(course):
    (course / "submitted").mkdir()
    (course / "submitted" / "s01").write_bytes(b"")
    for _ in range(2):
        done = take(course, f"s01/{TRUST}.ipynb", f"s02/{TRUST}.ipynb")
        assert [(item.student, item.reason) for item in done.refused] == [
            ("s01", problems.PROBLEMS["unwritten"])
        ]
        assert where([*done.taken, *done.unchanged]) == [("s02", TRUST)]


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied"),
        OSError(36, "File name too long"),
        ValueError("embedded null byte"),
    ],
)
def test_an_error_about_one_person_s_files_is_theirs_alone(course, monkeypatch, error):
    write = Path.write_bytes

    def refuse(path, content):
        if "s01" in path.parts:
            raise error
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    done = take(course, f"s01/{TRUST}.ipynb", f"s02/{TRUST}.ipynb")
    assert where(done.refused) == [("s01", TRUST)] and where(done.taken) == [("s02", TRUST)]


def test_whose_a_file_kept_aside_may_be_is_kept_too(course):
    done = take(
        course, f"s01/s02_{TRUST}.ipynb", "s03/letter.pdf", File("s02/who.ipynb", b"[]"), "x.csv"
    )
    kept = {
        item.source: unmatched.read(course).get(Path(item.kept).name, set())
        for item in done.unmatched
    }
    assert kept == {
        f"s01/s02_{TRUST}.ipynb": {"s01", "s02"},
        "s03/letter.pdf": {"s03"},
        "s02/who.ipynb": {"s02"},
        "x.csv": set(),
    }


def test_what_systems_leave_lying_about_is_no_submission(course):
    done = take(
        course,
        f"s01/{TRUST}.ipynb",
        f"__MACOSX/s01/._{TRUST}.ipynb",
        "s01/.DS_Store",
        "index.html",
        f"s01/.ipynb_checkpoints/{TRUST}-checkpoint.ipynb",
    )
    assert list(submitted(course)) == [f"s01/{TRUST}/{TRUST}.ipynb", f"s01/{TRUST}/timestamp.txt"]
    assert not (done.unmatched or done.refused or done.older)


# Hostile archives


def everything_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


LINK = 0o120777
HOSTILE = {
    "outside": [
        File(f"../s01/{TRUST}.ipynb"),
        File(f"s01/../../{TRUST}.ipynb"),
        File(f"s01\\..\\..\\{TRUST}.ipynb"),
        File(f"s01/{TRUST}.ipynb/.."),
    ],
    "absolute": [
        File(f"/s01/{TRUST}.ipynb"),
        File(f"C:/s01/{TRUST}.ipynb"),
        File(f"c:s01_{TRUST}.ipynb"),
        File(f"\\\\server\\s01\\{TRUST}.ipynb"),
    ],
    "link": [
        File(f"s01/{TRUST}.ipynb", b"/etc/passwd", mode=LINK),
        File("s01", b"/etc", mode=LINK),
    ],
    "special": [
        File(f"s01/{TRUST}.ipynb", mode=mode) for mode in (0o010644, 0o020644, 0o060644, 0o140644)
    ]
    + [File(name) for name in (".", "s01/.", "Élise Exemplaire_1_assignsubmission_file_/.")],
    "device": [
        File(f"s01/{name}")
        for name in ("NUL", "con.ipynb", "aux.txt", "COM1", "lpt9.csv", "nul .csv")
    ]
    + [File(f"PRN/s01_{TRUST}.ipynb")],
    "hidden": [
        File(f"s01/{mark}{TRUST}.ipynb")
        for mark in "\0\n\r\t\x1b\x7f\u202e\u2066\u200f\u061c\u200b\ufeff\u2028"
    ],
    "long": [
        File(f"s01/{'a' * 300}.ipynb"),
        File("d/" * 30 + f"s01_{TRUST}.ipynb"),
        File(""),
        File(f"s01//{TRUST}.ipynb"),
        File(f"s01/{'ᐃ' * 86}.csv"),
        File("ᐃᓄᒃᑎᑐᑦ/" * 15 + "ᐃ" * 240),
    ],
    "encrypted": [File(f"s01/{TRUST}.ipynb", flags=flags) for flags in (0x801, 0x840, 0x2800)],
    "method": [File(f"s01/{TRUST}.ipynb", method=method) for method in (9, 12, 14, 93, 99)],
    "nested": [
        File(f"s01/{name}") for name in ("work.zip", "work.tar.gz", "WORK.7Z", "a.rar", "b.tgz")
    ],
    "size": [
        File(f"s01/{TRUST}.ipynb", says=21 << 20),
        File(f"s01/{TRUST}.ipynb", b"x" * (20 << 20) + b"x", method=0),
        File(f"s01/{TRUST}.ipynb", says=0xFFFFFFFF),
    ],
    "bomb": [
        File(f"s01/{TRUST}.ipynb", bytes(15 << 20)),
        File(f"s01/{TRUST}.ipynb", bytes(100 << 20), says=100),
    ],
    "broken": [
        File(f"s01/{TRUST}.ipynb", b"some text", check=7),
        File(f"s01/{TRUST}.ipynb", b"some text", says=3),
        File(f"s01/{TRUST}.ipynb", b"some text", says=3, method=0),
    ],
}


@pytest.mark.parametrize(
    ("problem", "file"),
    [(problem, file) for problem in HOSTILE for file in HOSTILE[problem]],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_file_is_refused_by_name_and_its_neighbour_taken(course, problem, file):
    honest = File(f"s02/{TRUST}.ipynb", b"honest")
    (course / "submitted").mkdir()
    outside = everything_below(course.parent) | {"in.zip"}
    done = take(course, file, honest)
    assert [item.reason for item in done.refused] == [problems.PROBLEMS[problem]]
    assert all(item.source.isprintable() for item in done.refused)
    assert where(done.taken) == [("s02", TRUST)] and not done.unmatched
    new = everything_below(course.parent) - outside
    assert all(path.startswith(("course/submitted/s02", "course/.grader")) for path in new), new


def test_names_that_are_one_file_on_some_system_are_refused(course):
    done = take(
        course,
        File(f"s01/{TRUST}.ipynb", b"1"),
        File(f"s01/{TRUST}.ipynb", b"2"),
        File(f"s02/{TRUST}.ipynb", b"1"),
        File(f"s02/{TRUST.upper()}.ipynb", b"2"),
        f"s03/{TRUST}.ipynb",
        "s03/data",
        "s03/data/more.csv",
    )
    assert len(done.refused) == 5 and {item.reason for item in done.refused} == {
        problems.PROBLEMS["duplicate"]
    }
    assert where(done.taken) == [("s03", TRUST)]


def test_an_archive_heavier_than_the_limit_is_refused_unread(course, monkeypatch):
    path = archive(course.parent / "in.zip", File(f"s01/{TRUST}.ipynb", os.urandom(5000)))
    for module in (room, zip_files):
        monkeypatch.setattr(module, "MOST_IN_ALL", 4000)
    with pytest.raises(CannotCollect):
        collect(path, ROSTER, course)


def test_files_that_share_their_bytes_count_each_time(course, monkeypatch):
    for module in (room, zip_files):
        monkeypatch.setattr(module, "MOST_IN_ALL", 20_000)
    names = [f"{one}/{name}.ipynb" for one in ROSTER.people for name in (TRUST, SERVED)]
    done = take(
        course,
        File(names[0], b"ab" * 2000),
        *(File(name, b"ab" * 2000, again=True) for name in names[1:]),
    )
    assert len(done.taken) == 5 and done.refused[0].reason == problems.PROBLEMS["total"]


def test_all_that_is_unpacked_is_counted(course, monkeypatch):
    for module in (room, zip_files):
        monkeypatch.setattr(module, "MOST_IN_ALL", 20_000)
    names = [f"{one}/{name}.ipynb" for one in ROSTER.people for name in (TRUST, SERVED)]
    done = take(course, *(File(name, b"ab" * 2000) for name in names))
    assert len(done.taken) == 5 and done.refused[0].reason == problems.PROBLEMS["total"]


def test_too_many_entries_are_refused_before_they_are_read(tmp_path, course, monkeypatch):
    monkeypatch.setattr(zip_files, "MOST_ENTRIES", 10)
    path = archive(tmp_path / "many.zip", *(File(f"s01/{n}.csv") for n in range(11)))
    with pytest.raises(Unreadable):
        list_archive(path)
    with pytest.raises(CannotCollect, match="cannot be read"):
        collect(path, ROSTER, course)


def test_a_list_of_names_that_is_too_long_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_files, "_MOST_DIRECTORY", 100)
    with pytest.raises(Unreadable):
        list_archive(archive(tmp_path / "a.zip", File("a" * 100)))


def test_a_bomb_whose_archive_lies_is_stopped_early(tmp_path):
    path = archive(tmp_path / "bomb.zip", File("bomb", bytes(200 << 20), says=1000))
    (entry,) = list_archive(path)
    with pytest.raises(Unreadable, match="bomb"):
        read_entry(path, entry)


def test_a_file_just_within_the_limits_is_read(tmp_path):
    text = b"".join(b"%d," % number for number in range(2_600_000))[: 20 << 20]
    path = archive(
        tmp_path / "a.zip", File("a.csv", text), File("b.csv", text, method=0), File("c.csv", b"")
    )
    assert [read_entry(path, entry) for entry in list_archive(path)] == [text, text, b""]


@pytest.mark.parametrize(
    "options",
    [{"before": b"#!/bin/sh\n" * 9}, {"comment": b"a comment"}, {"comment": bytes(65_000)}],
)
def test_what_stands_before_and_after_an_archive_does_no_harm(tmp_path, options):
    path = archive(tmp_path / "a.zip", File("a.csv", b"text"), **options)
    assert read_entry(path, list_archive(path)[0]) == b"text"


@pytest.mark.parametrize("options", [{}, {"force_zip64": True}])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_pythons_own_library_writes_is_read(tmp_path, options, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as made:
        made.mkdir("Élise")
        for name in ("Élise/a.csv", "b.csv"):
            with made.open(name, "w", **options) as file:
                file.write(b"text " * 1000)
    entries = list_archive(tmp_path / "a.zip")
    assert [entry.name for entry in entries] == ["Élise/a.csv", "b.csv"]
    assert {read_entry(tmp_path / "a.zip", entry) for entry in entries} == {b"text " * 1000}


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_archive_is_unreadable_or_read_fairly(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    archive(folder / "a.zip", File("s01/a.ipynb", notebook("memo") * 9), File("b.csv", b"text"))
    content = bytearray((folder / "a.zip").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(1, 4))] = data.draw(st.binary(max_size=5))
    (folder / "a.zip").write_bytes(content)
    try:
        for entry in list_archive(folder / "a.zip"):
            if not entry.problem:
                read_entry(folder / "a.zip", entry)
    except Unreadable as error:
        assert error.args[0] in problems.PROBLEMS


def test_an_archive_of_nothing_gives_nothing(course):
    assert take(course) == Collection()


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x05\x06", b"{}", b"Rar!\x1a\x07\0", b"\x1f\x8b" * 50]
)
def test_what_is_no_archive_is_refused_with_what_to_do(course, content):
    (course.parent / "in.zip").write_bytes(content)
    with pytest.raises(CannotCollect, match="Download it again"):
        collect(course.parent / "in.zip", ROSTER, course)


def test_a_folder_that_is_no_course_is_named(tmp_path):
    with pytest.raises(CannotCollect, match="not a course"):
        collect(tmp_path, ROSTER, tmp_path)


# Folders


@pytest.fixture
def folder(course) -> Path:
    root = course.parent / "in"
    (root / "s01").mkdir(parents=True)
    (root / "s01" / f"{TRUST}.ipynb").write_bytes(b"{}")
    return root


def test_a_folder_is_taken_like_an_archive_but_tells_no_time_of_handing_in(course, folder):
    (folder / "s01" / "data.csv").write_bytes(b"a")
    assert where(collect(folder, ROSTER, course).taken) == [("s01", TRUST)]
    assert set(submitted(course)) == {f"s01/{TRUST}/{TRUST}.ipynb", f"s01/{TRUST}/data.csv"}


def test_in_a_folder_the_file_saved_last_is_the_latest(course, folder):
    (folder / f"s01_{TRUST}.ipynb").write_bytes(b"earlier")
    os.utime(folder / f"s01_{TRUST}.ipynb", (1_790_000_000, 1_790_000_000))
    collect(folder, ROSTER, course)
    assert submitted(course)[f"s01/{TRUST}/{TRUST}.ipynb"] == b"{}"


def test_links_and_special_files_of_a_folder_are_refused(course, folder, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"secret")
    (folder / "s01" / "soft.csv").symlink_to(secret)
    os.link(secret, folder / "s01" / "hard.csv")
    os.mkfifo(folder / "s01" / "pipe.csv")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / f"s02_{TRUST}.ipynb").write_bytes(b"{}")
    (folder / "elsewhere").symlink_to(tmp_path / "elsewhere")
    done = collect(folder, ROSTER, course)
    assert {item.source: item.reason for item in done.refused} == {
        "elsewhere": problems.PROBLEMS["link"],
        "s01/hard.csv": problems.PROBLEMS["link"],
        "s01/pipe.csv": problems.PROBLEMS["special"],
        "s01/soft.csv": problems.PROBLEMS["link"],
    }
    assert b"secret" not in submitted(course).values() and where(done.taken) == [("s01", TRUST)]


def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(folder, tmp_path):
    (entry,) = list_archive(folder)
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / entry.name).unlink()
    (folder / entry.name).symlink_to(tmp_path / "secret")
    with pytest.raises(Unreadable):
        read_entry(folder, entry)


def test_a_big_file_of_a_folder_is_refused(folder):
    with open(folder / "s01" / f"{TRUST}.ipynb", "wb") as file:
        file.truncate(21 << 20)
    assert list_archive(folder)[0].problem == "size"
    with pytest.raises(Unreadable, match="size"):
        read_entry(folder, list_archive(folder)[0])


def test_a_name_in_an_unknown_alphabet_is_refused_with_what_to_do(course, folder):
    with open(os.fsencode(folder) + b"/s02_\xe9.ipynb", "wb"):
        pass
    done = collect(folder, ROSTER, course)
    assert "alphabet" in done.refused[0].reason.english and where(done.taken) == [("s01", TRUST)]


# Grade ids


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_grade_ids_are_read_in_any_encoding(code):
    text = json.dumps(json.loads(notebook("a", "b", text="é")), ensure_ascii=False)
    assert grade_ids(text.encode(code)) == ["a", "b"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b"[" * 100_000,
        b'{"cells":' * 50_000,
        b'{"cells": 5}',
        b'{"cells": [1, null, {}]}',
        b'{"cells": [{"metadata": {"nbgrader": {"grade_id": 5}}}]}',
        b'{"cells": [{"metadata": {"nbgrader": []}}]}',
        b'{"cells": [{"metadata": {"nbgrader": {"grade_id": "' + b"a" * 1000 + b'"}}}]}',
        b"\xff" * 50,
        notebook("a")[:-5],
        b'{"cells": [{"metadata": {"deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}]}",
    ],
)
def test_what_is_no_notebook_has_no_grade_ids(data):
    assert grade_ids(data) == []


def test_a_bad_cell_does_not_hide_the_good_ones():
    cells = json.loads(notebook("a", "b"))
    cells["cells"][1:1] = [None, {"metadata": {"nbgrader": {"grade_id": []}}}, {"metadata": []}]
    assert grade_ids(json.dumps(cells).encode()) == ["a", "b"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda part: (
            st.lists(part, max_size=3)
            | st.dictionaries(
                st.sampled_from(["cells", "metadata", "nbgrader", "grade_id", "x"]),
                part,
                max_size=3,
            )
        ),
    )
)
def test_any_json_gives_a_list_of_texts(value):
    assert all(isinstance(one, str) for one in grade_ids(json.dumps(value).encode()))


def test_who_reads_can_be_somebody_else(course):
    class Elsewhere:
        def list_archive(self, path):
            return [ArchiveEntry("s01/notebook.ipynb"), ArchiveEntry("s02/notebook.ipynb")]

        def read_entry(self, path, entry):
            if entry.name.startswith("s02"):
                raise Unreadable("broken")
            return b"sealed"

        def grade_ids(self, data):
            return ["weakest_step", "alt_text"]

    done = collect(Path("anything"), ROSTER, course, Elsewhere())
    assert where(done.taken) == [("s01", SERVED)] and where(done.refused) == [("s02", "")]


@pytest.fixture(scope="module")
def sealed(confined):
    from grader.intake.reader import SealedReader

    reader = SealedReader()
    yield reader
    reader.close()


def test_a_sealed_process_reads_an_archive_as_this_one_does(sealed, tmp_path):
    archive = tmp_path / "cohort.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("one.ipynb", b'{"cells": [{"metadata": {"nbgrader": {"grade_id": "mean"}}}]}')
        made.writestr("../outside.ipynb", b"{}")
    listed = sealed.list_archive(archive)
    assert listed == list_archive(archive) and [entry.problem for entry in listed].count("") == 1
    content = sealed.read_entry(archive, listed[0])
    assert content == read_entry(archive, listed[0]) and sealed.grade_ids(content) == ["mean"]


@pytest.fixture
def killed(sealed, tmp_path):
    """An archive whose reader is killed between two questions."""
    archive = tmp_path / "cohort.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("one.ipynb", b"{}")
    sealed.list_archive(archive)
    os.kill(descendants(sealed.sandbox.first.pid)[-1], signal.SIGKILL)
    assert sealed.process.channel.waits(20)  # until it has ended
    return archive


def test_an_archive_whose_reader_somebody_killed_is_read_again(sealed, killed):
    assert len(sealed.list_archive(killed)) == 1


@pytest.fixture
def no_time(monkeypatch):
    """Whatever a reader has used is all of the processor time it had: so the kernel's own kill
    looks."""
    from grader.intake import reader as intake_reader

    monkeypatch.setattr(intake_reader, "_LIMITS", Limits(seconds=0.0))


def test_an_archive_that_uses_up_its_reader_s_time_is_unreadable_and_the_next_is_read(
    no_time, sealed, killed
):
    with pytest.raises(Unreadable):
        sealed.list_archive(killed)
    assert len(sealed.list_archive(killed)) == 1
