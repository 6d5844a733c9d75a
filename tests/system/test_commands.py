"""Do the commands do what they say, in the reader's language, with their exit codes and no trace of
frames?"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from portail import doctor
from tests.helpers.places import REAL, ROOT, needs_real


def run(*arguments, expect: int = 0, module: str = "portail.commands", **environment) -> str:
    """Run a command as a reader does and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PORTAIL_LANG": "en"} | environment,
        cwd=ROOT,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def home(tmp_path) -> dict[str, str]:
    """An environment whose user's folder is empty."""
    return {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}


def test_list_names_every_dataset_with_kind_and_date(home):
    shown = run("list", **home)
    for name in (path.parent.name for path in ROOT.glob("datasets/*/datapackage.json")):
        assert name in shown
    assert "SYNTHETIC" in shown and "September 19, 2025" in shown


def test_list_speaks_french(home):
    assert "19 septembre 2025" in run("--lang", "fr", "list", **home)


def test_show_describes_one_dataset(home):
    shown = run("show", "nap5", **home)
    assert "reporting_period" in shown and "February 11, 2025" in shown


def test_lessons_lists_paths_strands_and_minutes():
    shown = run("lessons", module="curriculum")
    assert "One day, all four topics · 270 min" in shown and "to come" in shown and "L+S" in shown


def test_lessons_speaks_french():
    assert "à venir" in run("--lang", "fr", "lessons", module="curriculum")


def test_portail_imports_nothing_of_curriculum_or_grader():
    found = [
        line
        for path in (ROOT / "portail").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if re.match(r"\s*(from|import) (curriculum|grader|room)\b", line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "nothing"), "The names are"),
        (("refresh", "nothing"), "The names are"),
        (("refresh",), "Name a dataset"),
        (("check", "nothing"), "The names are"),
        (("serve", "--port", "99999"), "99999"),
        (("sing",), "No such command"),
        (("serve", "--data", "no-such-folder"), "does not exist"),
        (("serve", "--host", "203.0.113.1"), "try --port"),
    ],
)
def test_what_cannot_be_run_exits_2_with_a_sentence(home, arguments, says):
    assert says in run(*arguments, expect=2, **home)


@pytest.mark.parametrize("setting", [{"PORTAIL_MODE": "sometimes"}])
def test_a_setting_that_means_nothing_is_named(home, setting):
    code = "import portail; portail.load('nap5')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | home | setting,
    )
    assert "Choose auto, live or snapshot" in done.stderr


def test_refresh_and_check_without_a_portal_exit_1_and_name_the_cause(home):
    nowhere = home | {"PORTAIL_URL": "http://no-such-host.invalid"}
    assert "name could not be found" in run("refresh", "nap5", expect=1, **nowhere)
    shown = run("check", "nap5", "top-datasets", expect=1, **nowhere)
    assert "nap5 : unreachable" in shown and "top-datasets : not live" in shown


def test_refresh_then_check_against_a_portal(home, portal):
    there = home | {"PORTAIL_URL": portal.address, "PORTAIL_DATA": ""}
    assert "150 rows" in run("refresh", "nap5", **there)
    assert "nap5 : ok" in run("check", "nap5", **there)
    portal.suffer("new-column")
    assert "new column" in run("check", "nap5", expect=1, **there)


def serve(*arguments, **environment):
    """Start ``portail serve`` and return the process and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "portail.commands", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PORTAIL_LANG": "en", "PYTHONUNBUFFERED": "1"} | environment,
    )
    line = process.stdout.readline()
    return process, re.search(r"http://127\.0\.0\.1:\d+", line)[0]


def test_serve_is_a_portal_until_ctrl_c(home):
    process, address = serve(**home)
    try:
        answer = requests.get(
            f"{address}/data/api/action/package_search", params={"q": "covid"}, timeout=20
        )
        assert answer.json()["result"]["count"] > 0
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode in (0, 130) and "Traceback" not in said


@needs_real
def test_serve_gives_a_folder_of_portal_files(home):
    process, address = serve("--data", str(REAL), **home)
    try:
        answer = requests.get(
            f"{address}/data/api/action/datastore_search",
            timeout=20,
            params={"resource_id": "0305a157-9d10-4ec2-8ca4-e39ab2b34396", "limit": 1},
        )
        assert answer.json()["result"]["total"] == 735
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_a_port_in_use_is_named_with_the_next_step(home):
    process, address = serve(**home)
    try:
        assert "Another program may use the port" in run(
            "serve", "--port", address.rsplit(":", 1)[1], expect=2, **home
        )
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_ctrl_c_during_a_slow_refresh_exits_130_and_loses_nothing(home, portal):
    portal.suffer("hang")
    process = subprocess.Popen(
        [sys.executable, "-m", "portail.commands", "refresh", "nap5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | home | {"PORTAIL_URL": portal.address, "PORTAIL_LANG": "en"},
    )
    deadline = time.monotonic() + 30
    while not portal.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and "nothing was lost" in said
    assert not list(Path(home["XDG_DATA_HOME"]).rglob("*.csv"))


def test_doctor_finds_the_datasets_whole_and_the_portal_unreachable(home):
    shown = run("doctor", PORTAIL_URL="http://no-such-host.invalid", **home)
    assert "datasets, all whole" in shown and "on their dated copies" in shown


def test_doctor_finds_a_damaged_dataset(home, tmp_path, small_datasets):
    import shutil

    shutil.copytree(small_datasets / "nap5", tmp_path / "data" / "nap5")
    with open(tmp_path / "data" / "nap5" / "nap5.csv", "a") as rows:
        rows.write("one more\n")
    shown = run(
        "doctor",
        expect=1,
        PORTAIL_URL="http://no-such-host.invalid",
        PORTAIL_DATA=str(tmp_path / "data"),
        **home,
    )
    assert "The dataset nap5 is damaged" in shown


def test_doctor_runs_before_anything_is_installed():
    done = subprocess.run(
        [sys.executable, "-S", "-I", str(ROOT / "portail" / "doctor.py"), str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[ OK ] Python" in done.stdout


@pytest.mark.parametrize(
    ("result", "state", "says"),
    [
        (lambda: doctor.check_python((3, 8)), "fail", "3.11 or newer"),
        (lambda: doctor.check_python((3, 13)), "ok", "3.13"),
        (lambda: doctor.check_disk(".", free=10**8), "fail", "0.1 GB"),
        (lambda: doctor.check_folder("/proc/none"), "fail", "read-only"),
        (lambda: doctor.check_proxy({"HTTPS_PROXY": "proxy:80"}), "fail", "http://"),
        (lambda: doctor.check_proxy({"HTTPS_PROXY": "http://proxy:80"}), "ok", "HTTPS_PROXY"),
        (lambda: doctor.check_proxy({}), "ok", "No proxy"),
    ],
)
def test_doctor_gives_a_remedy_for_each_trouble(result, state, says):
    found = result()
    assert found.state == state and says in found.english and found.french != ""


def test_doctor_warns_of_spaces_and_accents_in_the_path(tmp_path):
    folder = tmp_path / "mes données"
    folder.mkdir()
    assert doctor.check_folder(str(folder)).state == "warn"


def test_doctor_warns_of_a_taken_port():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert doctor.check_port(taken.getsockname()[1]).state == "warn"


def test_doctor_names_a_python_without_venv(monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    found = doctor.check_venv()
    assert found.state == "fail" and "conda env create" in found.english
