"""Does ``refresh`` put whole, validated rows in place or leave all as it was, and does ``check``
tell what changed?"""

import hashlib
import json
import os
import stat
from pathlib import Path

import frictionless
import pytest

import portail
from commons.errors import CannotWrite
from portail import datasets, refresh, settings
from portail.connection.session import forget
from portail.errors import PortalProblem
from portail.refresh import check
from tests.helpers.faulty import struck_field
from tests.helpers.published import live_names, package_of


@pytest.fixture
def mine(portal, monkeypatch, tmp_path) -> Path:
    """The user's own folder, looked in before the shipped rows."""
    folder = tmp_path / "mine"
    monkeypatch.setattr(settings, "user_folder", lambda: folder)
    shipped = os.environ.pop("PORTAIL_DATA")
    monkeypatch.delenv("PORTAIL_DATA", raising=False)
    monkeypatch.setattr(
        settings,
        "data_folders",
        lambda: [each for each in (folder, Path(shipped)) if each.is_dir()],
    )
    return folder


def test_a_refresh_brings_every_column_with_date_and_hash(mine):
    done = refresh.refresh("service-inventory")
    described = package_of(mine, "service-inventory")
    rows = (mine / "service-inventory" / described["resources"][0]["path"]).read_bytes()
    assert done.rows == 150
    assert described["resources"][0]["hash"] == "sha256:" + hashlib.sha256(rows).hexdigest()
    assert described["kind"] == "snapshot" and described["retrieved"] > "2026"
    assert "service_description_en" in [
        field["name"] for field in described["resources"][0]["schema"]["fields"]
    ]


@pytest.mark.parametrize("name", live_names())
def test_a_refreshed_dataset_is_a_valid_data_package(mine, name):
    refresh.refresh(name)
    report = frictionless.validate(str(mine / name / "datapackage.json"))
    assert report.valid, report.flatten(["type", "note"])[:3]


@pytest.mark.parametrize("name", live_names())
def test_a_refreshed_table_has_the_columns_that_lessons_use(mine, monkeypatch, name):
    monkeypatch.setenv("PORTAIL_MODE", "snapshot")
    before = portail.load(name)
    monkeypatch.delenv("PORTAIL_MODE")
    refresh.refresh(name)
    monkeypatch.setenv("PORTAIL_MODE", "snapshot")
    after = portail.load(name)
    assert after[before.columns].equals(before)


def test_rows_refreshed_are_synthetic_no_more(mine, monkeypatch):
    refresh.refresh("open-data-inventory")
    monkeypatch.setenv("PORTAIL_MODE", "snapshot")
    portail.load("open-data-inventory")
    line = portail.source_line("open-data-inventory") + portail.source_line(
        "open-data-inventory", "fr"
    )
    assert "synth" not in line.lower()


def test_a_second_refresh_works_and_leaves_one_file_of_rows(mine, portal):
    refresh.refresh("nap5")
    forget()
    portal.suffer("duplicated-rows")
    refresh.refresh("nap5")
    assert len(list((mine / "nap5").glob("*.csv"))) == 1
    assert (
        sorted(path.name for path in (mine / "nap5").iterdir() if path.name.startswith(".")) == []
    )


@pytest.mark.parametrize(
    "fault",
    [
        "truncated",
        "html",
        "empty",
        "renamed-column",
        "cp1252",
        "500",
        "gzip",
        "another-table",
        "cut-rows",
        "no-rows",
        "wrong-length",
        "login",
    ],
)
def test_a_refresh_that_fails_leaves_the_copy_whole(mine, portal, small_datasets, fault):
    refresh.refresh("nap5")
    before = {path.name: path.read_bytes() for path in (mine / "nap5").iterdir()}
    forget()
    portal.suffer(fault, struck_field(package_of(small_datasets, "nap5"), fault))
    with pytest.raises(PortalProblem):
        refresh.refresh("nap5")
    assert {path.name: path.read_bytes() for path in (mine / "nap5").iterdir()} == before


def test_a_refresh_killed_before_its_last_step_leaves_the_old_copy_in_force(
    mine, portal, monkeypatch
):
    refresh.refresh("nap5")
    before = datasets.find("nap5").rows_path().read_bytes()
    forget()
    portal.suffer("duplicated-rows")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(refresh, "_description", killed)
    with pytest.raises(KeyboardInterrupt):
        refresh.refresh("nap5")
    assert datasets.find("nap5").rows_path().read_bytes() == before


def test_progress_is_told_up_to_the_whole(mine):
    told = []
    refresh.refresh("nap5", lambda done, total: told.append((done, total)))
    done, total = told[-1]
    assert done == total > 0


def test_a_read_only_folder_is_named_and_nothing_is_lost(mine, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(
        Path, "mkdir", refused
    )  # a chmod would not stop the superuser that CI runs as
    with pytest.raises(CannotWrite, match="Permission denied"):
        refresh.refresh("nap5")


def test_a_full_disk_is_named_and_the_copy_stays(mine, monkeypatch):
    refresh.refresh("nap5")
    before = datasets.find("nap5").rows_path().read_bytes()
    forget()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(refresh.os, "replace", full)
    with pytest.raises(CannotWrite, match="No space left"):
        refresh.refresh("nap5")
    assert datasets.find("nap5").rows_path().read_bytes() == before


def test_a_dataset_without_an_address_says_so():
    with pytest.raises(PortalProblem, match="no address on the portal"):
        refresh.refresh("top-datasets")


@pytest.mark.parametrize("name", live_names())
def test_check_says_ok_of_a_portal_that_has_the_same_table(portal, name):
    assert check(name).state == "ok"


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("new-column", "changed"),
        ("changed-code", "changed"),
        ("dropped-column", "changed"),
        ("cut-rows", "changed"),
        ("duplicated-rows", "changed"),
        ("cut-rows-unseen", "changed"),
        ("html", "changed"),
        ("404", "changed"),
        ("no-rows", "changed"),
        ("500", "unreachable"),
        ("truncated", "unreachable"),
        ("refused", "unreachable"),
    ],
)
def test_check_tells_changed_and_unreachable_with_the_reason(
    portal, monkeypatch, small_datasets, fault, state
):
    portal.suffer(fault, struck_field(package_of(small_datasets, "service-inventory"), fault))
    monkeypatch.setenv("PORTAIL_URL", portal.address)
    found = check("service-inventory")
    assert found.state == state
    assert found.reasons and all(reason.english.endswith(".") for reason in found.reasons)


def test_check_of_a_table_that_is_not_on_the_portal_says_so():
    assert check("top-datasets").state == "not live"


def test_the_description_written_is_plain_json(mine):
    refresh.refresh("nap5")
    path = mine / "nap5" / "datapackage.json"
    assert json.loads(path.read_text("utf-8"))["name"] == "nap5"
    assert stat.S_ISREG(path.stat().st_mode)
