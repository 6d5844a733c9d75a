"""Each row of the table of faults in portail/README.md, for every dataset that the portal has."""

import re

import pytest
import urllib3

import portail
from commons.wording import Sentence
from portail import datasets
from portail.connection import adapter, probing, transfer
from portail.errors import PortalProblem
from tests.helpers.faulty import FLOOD, struck_field
from tests.helpers.places import ROOT
from tests.helpers.processes import LONG
from tests.helpers.published import live_names, package_of

README = ROOT / "portail" / "README.md"
ROW = (
    r"\| ([\w-]+) \| [^|]+ \| [^|]+ \| (stop|warn|accept|unseen) \| (copy|warn|accept|unseen) \| "
    r"([\w-]*) ?\|"
)
FAULTS = {
    fault: (live, auto, named)
    for fault, live, auto, named in re.findall(ROW, README.read_text("utf-8"))
}


def applies(name: str, fault: str) -> bool:
    """Tell whether a dataset has a column of the kind that a fault strikes."""
    if fault not in ("changed-code", "type", "decimal-comma"):
        return True
    return struck_field(package_of(ROOT / "datasets", name), fault) is not None


def cases() -> list:
    """Return each fault with every dataset that it can strike; all but one of a fault are
    thorough."""
    found = []
    for at, fault in enumerate(FAULTS):
        names = [name for name in live_names() if applies(name, fault)]
        once = names[at % len(names)]
        found += [
            pytest.param(name, fault, marks=() if name == once else pytest.mark.thorough)
            for name in names
        ]
    return found


CASES = cases()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Do not sleep before asking again, but list the seconds; wait for an answer that comes as long
    as a slow machine may take."""
    waits: list[float | None] = []

    def sleep(retry, answer=None):
        waits.append(answer and retry.get_retry_after(answer))

    monkeypatch.setattr(urllib3.Retry, "sleep", sleep)
    monkeypatch.setattr(probing, "PROBE_SECONDS", LONG)
    monkeypatch.setattr(adapter, "ANSWER_SECONDS", LONG)
    return waits


def strike(portal, monkeypatch, small_datasets, name: str, fault: str) -> None:
    if fault in ("hang", "drip"):
        monkeypatch.setattr(probing, "PROBE_SECONDS", 0.5)
        monkeypatch.setattr(adapter, "ANSWER_SECONDS", 0.5)
    if fault == "flood":
        monkeypatch.setattr(transfer, "MOST_BYTES", FLOOD // 2)
    portal.suffer(fault, struck_field(package_of(small_datasets, name), fault))
    monkeypatch.setenv("PORTAIL_URL", portal.address)


def test_the_table_names_every_fault_that_the_front_can_make():
    from tests.helpers.faulty import STATUSES, TABLE_FAULTS

    transport = {
        "refused",
        "dns",
        "hang",
        "drip",
        "truncated",
        "wrong-length",
        "gzip",
        "html",
        "login",
        "flood",
    }
    assert set(FAULTS) == {*TABLE_FAULTS, *transport, *map(str, STATUSES)}


@pytest.mark.parametrize("name", live_names())
def test_without_a_fault_live_rows_are_read_and_nothing_is_said(portal, monkeypatch, capsys, name):
    monkeypatch.setenv("PORTAIL_MODE", "live")
    table = portail.load(name)
    assert len(table) == 150
    assert "live rows" in portail.source_line(name)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("name", "fault"), CASES)
def test_live_mode_does_what_the_table_says(
    portal, monkeypatch, capsys, small_datasets, name, fault
):
    expected, _, named = FAULTS[fault]
    strike(portal, monkeypatch, small_datasets, name, fault)
    monkeypatch.setenv("PORTAIL_MODE", "live")
    if expected == "stop":
        with pytest.raises(PortalProblem) as caught:
            portail.load(name)
        assert caught.value.fault == named
        assert_told_in_both(Sentence(caught.value.english, caught.value.french))
        return
    table = portail.load(name)
    assert "live rows" in portail.source_line(name)
    assert len(table) >= 100
    assert_told(capsys.readouterr().out, expected, name)


@pytest.mark.parametrize(("name", "fault"), CASES)
def test_auto_mode_does_what_the_table_says(
    portal, monkeypatch, capsys, small_datasets, name, fault
):
    _, expected, _ = FAULTS[fault]
    strike(portal, monkeypatch, small_datasets, name, fault)
    monkeypatch.setenv("PORTAIL_MODE", "auto")
    table = portail.load(name)
    said = capsys.readouterr().out
    if expected != "copy":
        assert "live rows" in portail.source_line(name)
        assert_told(said, expected, name)
        return
    dated = portail.date(datasets.find(name).retrieved)
    assert f"You are working on the copy of {dated}; nothing is lost." in said
    monkeypatch.setenv("PORTAIL_MODE", "snapshot")
    assert table.equals(portail.load(name))
    assert "live" not in portail.source_line(name)


@pytest.mark.parametrize("fault", ["changed-code", "mangled-accents", "html", "hang"])
def test_a_francophone_reads_of_the_fault_in_french(
    portal, monkeypatch, capsys, small_datasets, fault
):
    strike(portal, monkeypatch, small_datasets, "nap5", fault)
    monkeypatch.setenv("PORTAIL_LANG", "fr")
    portail.load("nap5")
    said = capsys.readouterr().out
    assert re.search(r"\b(le|la|les|du|des|une)\b", said)
    assert not re.search(r"\b(the|portal|rows)\b", said.replace("portail.session", ""))


def test_a_portal_that_asks_to_slow_down_is_asked_twice_more_each_after_the_time_it_names(
    portal, monkeypatch, small_datasets, impatient
):
    strike(portal, monkeypatch, small_datasets, "nap5", "429")
    monkeypatch.setenv("PORTAIL_MODE", "live")
    with pytest.raises(PortalProblem):
        portail.load("nap5")
    assert impatient == [1, 1] and len(portal.requests) == 3


def test_what_is_told_is_told_once_in_a_process(portal, monkeypatch, capsys, small_datasets):
    strike(portal, monkeypatch, small_datasets, "nap5", "html")
    portail.load("nap5")
    portail.load("nap5")
    assert capsys.readouterr().out.count("You are working on the copy") == 1


def test_an_unreachable_portal_is_asked_once_in_a_process(portal, monkeypatch, small_datasets):
    strike(portal, monkeypatch, small_datasets, "nap5", "hang")
    portail.load("nap5")
    portail.load("service-inventory")
    assert len(portal.requests) == 1


def assert_told(said: str, expected: str, name: str) -> None:
    if expected == "warn":
        assert said.startswith(datasets.find(name).text("title", "en") + ": ")
        assert said.rstrip().endswith(".")
    else:
        assert said == ""


def assert_told_in_both(sentence: Sentence) -> None:
    """One or two plain sentences in each language, and no name of a Python exception."""
    for text in sentence:
        assert text.rstrip().endswith((".", ")")), text
        assert 1 <= len(re.findall(r"[.!?](\s|$)", text)) <= 4, text
        assert not re.search(r"\w+(Error|Exception)\b|Traceback|HTTPConnection", text), text
    assert sentence.english != sentence.french
