"""Does writing a file leave the old content or the new, whole, whatever happens?"""

import os
from pathlib import Path

import pytest

from commons.files import put


def test_a_file_is_written_with_its_folder_and_nothing_else_is_left(tmp_path):
    put(tmp_path / "new" / "file.json", b"one")
    put(tmp_path / "new" / "file.json", b"two")
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == {
        "file.json": b"two"
    }


@pytest.mark.parametrize(("owner", "step"), [(os, "fsync"), (Path, "replace")])
def test_a_write_that_fails_leaves_the_old_content_alone(tmp_path, monkeypatch, owner, step):
    put(tmp_path / "file.json", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, step, full)
    with pytest.raises(OSError, match="No space"):
        put(tmp_path / "file.json", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]
    assert (tmp_path / "file.json").read_bytes() == b"old"


def test_the_content_reaches_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append((tmp_path / "file.json").exists()))
    put(tmp_path / "file.json", b"one")
    assert seen == [False]


def test_a_name_as_long_as_names_can_be_is_written(tmp_path):
    put(tmp_path / ("x" * 255), b"one")
    assert [path.name for path in tmp_path.iterdir()] == ["x" * 255]
