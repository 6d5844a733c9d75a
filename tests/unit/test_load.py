"""Does ``load`` give the same table live, dated and in the room, and say which it gave?"""

import io
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import portail
from portail import datasets, settings
from portail.errors import BrokenDataset, PortalProblem, UnknownDataset
from portail.library import provenance
from tests.helpers.places import needs_real
from tests.helpers.published import live_names

NAMES = datasets.names()


@pytest.fixture
def snapshot(monkeypatch):
    monkeypatch.setenv("PORTAIL_MODE", "snapshot")


@pytest.mark.parametrize("name", NAMES)
def test_every_dataset_loads_with_the_columns_of_its_schema(snapshot, name):
    table = portail.load(name)
    assert list(table.columns) == [field["name"] for field in datasets.find(name).fields]
    assert len(table) > 0


def test_not_applicable_no_data_empty_and_zero_stay_apart(snapshot):
    services = portail.load("service-inventory")
    counts = services["num_applications_online"]
    assert [(counts == word).sum() for word in ("NA", "ND", "0")] == [533, 246, 492]
    assert services["last_service_review"].isna().sum() > 0
    assert counts.isna().sum() == 0


def test_columns_have_the_types_of_the_schema(snapshot):
    assert portail.load("service-inventory")["num_applications_total"].dtype == "int64"
    assert portail.load("service-inventory")["service_uri_en_given"].dtype == bool
    assert portail.load("consultations")["start_date"].dtype.kind == "M"
    assert portail.load("service-standards")["performance"].dtype == "float64"


@pytest.mark.parametrize("name", live_names())
def test_live_rows_have_the_copys_columns_types_and_values(portal, monkeypatch, name):
    monkeypatch.setenv("PORTAIL_MODE", "live")
    live = portail.load(name)
    monkeypatch.setenv("PORTAIL_MODE", "snapshot")
    dated = portail.load(name)
    pd.testing.assert_frame_equal(live[dated.columns], dated)


@needs_real
@pytest.mark.parametrize("name", [name for name in live_names() if name != "open-data-inventory"])
def test_the_portals_own_files_have_the_copys_columns_types_and_values(
    monkeypatch, capsys, real_portal, name
):
    monkeypatch.setenv("PORTAIL_MODE", "live")
    live = portail.load(name)
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("PORTAIL_MODE", "snapshot")
    dated = portail.load(name)
    pd.testing.assert_frame_equal(live[dated.columns], dated)


def test_the_source_line_says_live_or_copy_and_the_date(portal, monkeypatch):
    monkeypatch.setenv("PORTAIL_MODE", "snapshot")
    portail.load("service-inventory")
    assert portail.source_line("service-inventory") == (
        "Source: Treasury Board of Canada Secretariat, GC Service Inventory, copy of September "
        "19, 2025. Open Government Licence – Canada."
    )
    assert "copie du 19 septembre 2025" in portail.source_line("service-inventory", "fr")
    monkeypatch.setenv("PORTAIL_MODE", "live")
    portail.load("service-inventory")
    assert "live rows read on " in portail.source_line("service-inventory")


def test_synthetic_rows_say_so_in_both_languages(snapshot):
    portail.load("open-data-inventory")
    assert "SYNTHETIC" in portail.source_line("open-data-inventory", "en")
    assert "SYNTHÉTIQUES" in portail.source_line("open-data-inventory", "fr")


def test_a_room_on_the_mirror_never_reads_live(room, monkeypatch):
    monkeypatch.setenv("PORTAIL_MODE", "live")
    portail.load("service-inventory")
    line = portail.source_line("service-inventory")
    assert "the room’s copy of September 19, 2025" in line and "live" not in line


def test_the_learners_folder_comes_before_the_shipped_one(snapshot, monkeypatch, small_datasets):
    assert len(portail.load("nap5")) == 735
    monkeypatch.setattr(settings, "user_folder", lambda: small_datasets)
    assert len(portail.load("nap5")) == 150
    monkeypatch.setenv(
        "PORTAIL_DATA", str(settings.Path(datasets.__file__).parent.parent / "datasets")
    )
    assert len(portail.load("nap5")) == 735


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(UnknownDataset, match=r"no dataset 'nap7' here.*nap5"):
        portail.load("nap7")


@pytest.mark.parametrize("name", ["../secret", "/etc", "", "nap5/../nap5"])
def test_a_name_cannot_lead_out_of_the_folders(name):
    with pytest.raises(UnknownDataset):
        portail.load(name)


def test_a_description_that_leads_out_of_its_folder_is_refused(
    snapshot, monkeypatch, tmp_path, small_datasets
):
    text = (small_datasets / "nap5" / "datapackage.json").read_text("utf-8")
    for changed in (
        text.replace('"nap5.csv"', '"../nap5.csv"'),
        text.replace('"name": "nap5"', '"name": "../nap5"'),
    ):
        assert changed != text
        (tmp_path / "nap5").mkdir(exist_ok=True)
        (tmp_path / "nap5" / "datapackage.json").write_text(changed, "utf-8")
        monkeypatch.setenv("PORTAIL_DATA", str(tmp_path))
        with pytest.raises(BrokenDataset):
            portail.load("nap5")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Portail-Kind": "gospel", "X-Portail-Date": "2025-02-11"},
        {"X-Portail-Kind": "snapshot"},
        {"X-Portail-Kind": "snapshot", "X-Portail-Date": "<b>"},
        {"X-Portail-Kind": "snapshot", "X-Portail-Date": "2025-02-31"},
    ],
)
def test_a_mirror_that_says_odd_things_of_its_rows_is_still_read_as_a_copy(headers):
    kind, date = provenance(headers)
    assert kind == "snapshot" and date in ("", "2025-02-11")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"name": "nap5"}'])
def test_a_broken_description_is_named_with_the_next_step(snapshot, monkeypatch, tmp_path, content):
    (tmp_path / "nap5").mkdir()
    (tmp_path / "nap5" / "datapackage.json").write_text(content)
    monkeypatch.setenv("PORTAIL_DATA", str(tmp_path))
    with pytest.raises(BrokenDataset, match="portail refresh"):
        portail.load("nap5")


def test_missing_rows_are_named_with_the_next_step(snapshot, monkeypatch, tmp_path, small_datasets):
    (tmp_path / "nap5").mkdir()
    description = (small_datasets / "nap5" / "datapackage.json").read_bytes()
    (tmp_path / "nap5" / "datapackage.json").write_bytes(description)
    monkeypatch.setenv("PORTAIL_DATA", str(tmp_path))
    with pytest.raises(BrokenDataset, match="portail refresh nap5"):
        portail.load("nap5")


def test_labels_are_in_the_readers_language():
    assert portail.labels("nap5", "status")["C"] == "Complete"
    assert portail.labels("nap5", "status", "fr")["C"] == "Réalisé"
    assert portail.labels("nap5", "indicators") == {}
    with pytest.raises(UnknownDataset, match="no column 'colour'"):
        portail.labels("nap5", "colour")


def test_organizations_have_names_in_both_languages():
    assert portail.organization_names("en")["statcan"] == "Statistics Canada"
    assert portail.organization_names("fr")["statcan"] == "Statistique Canada"


def test_a_session_reads_the_same_file_that_load_reads(snapshot):
    address = datasets.find("nap5").portal["download"]
    read = pd.read_csv(
        io.BytesIO(portail.session().get(address).content), dtype=str, keep_default_na=False
    )
    assert len(read) == len(portail.load("nap5"))


def test_snapshot_mode_never_touches_the_network(monkeypatch, snapshot):
    import socket
    import threading

    def forbidden(*_, **__):
        raise AssertionError("the network or a thread was used")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(threading.Thread, "start", forbidden)
    portail.load("nap5")
    answer = portail.session().get(
        "https://open.canada.ca/data/api/action/package_search", params={"q": "covid"}
    )
    assert answer.json()["result"]["count"] > 0


def test_live_mode_raises_an_error_that_requests_users_catch(monkeypatch):
    import requests

    monkeypatch.setenv("PORTAIL_URL", "http://no-such-host.invalid")
    with pytest.raises(requests.RequestException) as caught:
        portail.session("live").get("https://open.canada.ca/data/api/action/package_search")
    assert isinstance(caught.value, PortalProblem)


def test_ckans_own_errors_reach_the_learner_as_answers(portal):
    answer = portail.session("live").get(
        "https://open.canada.ca/data/api/action/package_show", params={"id": "no"}
    )
    assert answer.status_code == 404 and answer.json()["success"] is False


def test_the_same_question_is_asked_of_the_portal_once(portal):
    for _ in range(3):
        portail.session("live").get("https://open.canada.ca/data/api/action/organization_list")
    assert len(portal.requests) == 1


def test_other_addresses_go_out_as_with_plain_requests(portal):
    answer = portail.session("snapshot").get(portal.honest + "/data/api/action/site_read")
    assert answer.json()["result"] is True and portal.requests


@pytest.mark.parametrize("mode", ["auto", "live"])
def test_a_name_look_up_that_hangs_does_not_hold_the_learner(monkeypatch, capsys, mode):
    import socket
    import threading

    from portail.connection import adapter, probing

    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(60))
    monkeypatch.setattr(probing, "PROBE_SECONDS", 0.3)
    monkeypatch.setattr(adapter, "ANSWER_SECONDS", 0.3)
    monkeypatch.setenv("PORTAIL_URL", "http://a-name-that-hangs.invalid")
    monkeypatch.setenv("PORTAIL_MODE", mode)
    try:
        if mode == "live":
            with pytest.raises(PortalProblem, match="had not finished its answer"):
                portail.load("nap5")
        else:
            assert len(portail.load("nap5")) == 735
            assert "You are working on the copy of" in capsys.readouterr().out
        assert not never.is_set()  # the look-up still hangs, and the learner went on
    finally:
        never.set()


def test_the_longest_wait_for_the_portal_is_ten_seconds():
    from portail.connection import probing

    assert probing.PROBE_SECONDS <= 10


def test_importing_and_loading_use_no_thread_and_no_socket():
    """A browser's Python has neither; the import itself is tried in a fresh process."""
    code = (
        "import socket, threading\n"
        "def forbidden(*_, **__): raise AssertionError('a thread or a socket')\n"
        "threading.Thread.start = socket.socket.connect = socket.getaddrinfo = forbidden\n"
        "import portail; print(len(portail.load('nap5')))\n"
        "print(portail.session().get('https://open.canada.ca/data/api/action/site_read').json()['result'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PORTAIL_MODE": "snapshot"},
    )
    assert done.stdout.split() == ["735", "True"], done.stderr


def test_the_browsers_switch_is_still_where_urllib3_keeps_it():
    """connection/transfer.py sets ``has_jspi`` in a browser; the module itself can only be imported
    there."""
    import urllib3

    source = Path(urllib3.__file__).parent / "contrib" / "emscripten" / "fetch.py"
    assert "def has_jspi() -> bool:" in source.read_text("utf-8")


def test_a_table_that_a_reader_changes_is_nobody_else_s():
    mine = portail.load("nap5")
    mine.loc[0, "status"] = "changed"
    mine["indicators"] = "changed"
    again = portail.load("nap5")
    assert again.loc[0, "status"] != "changed" and not (again["indicators"] == "changed").any()
