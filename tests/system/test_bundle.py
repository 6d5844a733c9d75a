"""Can a laptop install from the room's portal alone, with every hash checked, and does the room
show nothing else?"""

import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
import requests
from bs4 import BeautifulSoup

from curriculum import bundle
from curriculum.bundle import CannotBundle
from portail.server import make_server, own_address
from tests.helpers.browser import needs_browser, violations
from tests.helpers.places import ROOT

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def lock(tmp_path_factory) -> Path:
    """A lock of one small package, as the project's own lock has it."""
    text = (ROOT / "requirements.txt").read_text("utf-8")
    path = tmp_path_factory.mktemp("lock") / "requirements.txt"
    path.write_text(re.search(r"^six==.*?(?=^\S)", text, re.MULTILINE | re.DOTALL)[0])
    return path


@pytest.fixture(scope="module")
def room(tmp_path_factory, lock) -> Path:
    folder = tmp_path_factory.mktemp("room")
    (folder.parent / "secret.txt").write_text("secret")
    bundle.write(folder, lock=lock)
    return folder


@pytest.fixture(scope="module")
def address(room) -> str:
    server = make_server(None, "127.0.0.1", 0, room)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


def test_the_zip_holds_the_project_its_lock_and_the_workspace_in_both_languages(room, lock):
    with zipfile.ZipFile(room / bundle.ZIP) as archive:
        names = {name.split("/", 1)[1] for name in archive.namelist()}
        assert archive.read(f"{Path(bundle.ZIP).stem}/requirements.txt") == lock.read_bytes()
        opened = archive.read(f"{Path(bundle.ZIP).stem}/learner/en/04-served-online.ipynb")
    assert {"learner/START-DEBUT.md", "learner/fr/exercises/04-served-online.ipynb"} <= names
    assert any(re.fullmatch(r"open_data_curriculum-.*\.whl", name) for name in names)
    assert all(
        "instructor" not in cell["metadata"].get("tags", []) for cell in json.loads(opened)["cells"]
    )


@pytest.fixture
def laptop(address, tmp_path) -> Path:
    """The folder that a learner has unpacked."""
    (tmp_path / "bundle.zip").write_bytes(
        requests.get(f"{address}/room/{bundle.ZIP}", timeout=30).content
    )
    zipfile.ZipFile(tmp_path / "bundle.zip").extractall(tmp_path)
    return tmp_path / Path(bundle.ZIP).stem


def run(*words, folder: Path) -> subprocess.CompletedProcess:
    """Run a command as on a laptop that knows no index."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [*map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        env=clean | {"PIP_CONFIG_FILE": os.devnull},
    )


def test_a_laptop_installs_with_the_line_of_the_page_and_no_index(address, laptop):
    found = BeautifulSoup(requests.get(f"{address}/room/", timeout=30).text, "html.parser")
    line = found.find("pre").get_text().split()
    assert line[0] == "python"
    done = run(sys.executable, *line[1:], folder=laptop)
    assert (laptop / ".venv" / "done").exists(), done.stdout + done.stderr
    python = laptop / ".venv" / "bin" / "python"
    listed = run(python, "-m", "pip", "list", folder=laptop).stdout
    assert "six" in listed and "open-data-curriculum" in listed
    assert (
        "click" in done.stderr
    )  # this lock has one package, so the lessons themselves cannot open


def test_a_room_that_is_gone_is_told_in_words(laptop):
    done = run(sys.executable, "install.py", "http://127.0.0.1:9", "--lang", "fr", folder=laptop)
    assert done.returncode == 1 and "L’installation a échoué" in done.stdout
    assert not (laptop / ".venv" / "done").exists()


def test_without_an_address_it_says_where_the_address_stands(laptop):
    done = run(sys.executable, "install.py", folder=laptop)
    assert done.returncode == 2 and "page of the room" in done.stdout


def test_a_package_that_is_not_the_one_locked_is_refused_in_the_room(address, room, tmp_path):
    (tmp_path / "requirements.txt").write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-index",
            "-f",
            f"{address}/room/packages/",
            "--require-hashes",
            "-r",
            "requirements.txt",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and "DO NOT MATCH THE HASHES" in done.stderr


def test_a_package_that_cannot_be_had_is_named_in_a_sentence(tmp_path, lock):
    wrong = tmp_path / "requirements.txt"
    wrong.write_text(re.sub(r"sha256:\w+", f"sha256:{'0' * 64}", lock.read_text()))
    with pytest.raises(CannotBundle, match="could not be had"):
        bundle.write(tmp_path / "room", lock=wrong)


def test_a_kind_of_laptop_that_is_none_is_named(tmp_path, lock):
    with pytest.raises(CannotBundle, match="win_amd64"):
        bundle.write(tmp_path / "room", ["windows"], lock)


@pytest.mark.parametrize("path", ["../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "none"])
def test_the_room_shows_its_own_files_alone(address, path):
    session = requests.Session()
    request = requests.Request("GET", address).prepare()
    request.url = f"{address}/room/{path}"
    assert session.send(request, timeout=30).status_code == 404


def test_the_portal_answers_beside_the_room(address):
    answer = requests.get(
        f"{address}/data/api/action/package_search", params={"q": "covid", "rows": 1}, timeout=30
    )
    assert answer.json()["result"]["count"] > 100


def test_a_hostile_host_writes_nothing_alive_into_the_page(address):
    said = requests.get(
        f"{address}/room/", headers={"Host": "<script>alert(1)</script>"}, timeout=30
    ).text
    assert "<script" not in said


def test_the_address_told_to_a_room_is_one_that_others_reach():
    assert own_address() != "0.0.0.0"


@needs_browser
def test_the_page_of_the_room_has_no_barrier(address, page):
    page.goto(f"{address}/room/")
    assert violations(page) == []
