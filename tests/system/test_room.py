"""Does the room open one seat for each card, keep the seats apart, and hand in what was saved in
them?"""

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from commons.wording import Sentence
from curriculum import notebooks
from curriculum.workspace import jupyterlab, start_page
from grader.intake.people import Person
from grader.sandbox import doctor, kernel
from portail.server import own_address
from room import rehearsal, seat_process, seats
from room.__main__ import CARDS, _people
from room.__main__ import room as command
from room.participant import Kernel, Participant, SeatFailed
from room.server import Room, free_ports
from tests.helpers.browser import needs_browser, violations
from tests.helpers.places import ROOT

pytestmark = pytest.mark.thorough

EXERCISE = "01-open-government"
PEOPLE = [
    Person("one", "Anne Roy"),
    Person("two", "Émile Côté", language="fr"),
    Person("three", "Li Wei"),
]


# Seats, cards and hand-ins, without a hub ---------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("room")
    seats.prepare(folder, PEOPLE)
    return folder


@pytest.fixture
def folder(prepared, tmp_path) -> Path:
    """A room of three seats that a test may spoil."""
    subprocess.run(["cp", "-a", f"{prepared}/.", tmp_path], check=True)
    return tmp_path


def exercise(folder: Path, seat: str, language: str = "en") -> Path:
    return folder / "seats" / seat / language / "exercises" / f"{EXERCISE}.ipynb"


def change(path: Path, line: str = "# changed") -> None:
    notebook = notebooks.read(path)
    notebooks.code(notebook)[0].source += f"\n{line}"
    path.write_bytes(notebooks.to_bytes(notebook))


def copies(folder: Path, to: Path) -> list[str]:
    seats.handed_in(folder, to)
    return sorted(str(path.relative_to(to)) for path in to.rglob("*") if path.is_file())


def test_a_seat_holds_the_lessons_and_exercises_in_both_languages(folder):
    for language in ("en", "fr"):
        assert exercise(folder, "seat-01", language).is_file()
        assert (folder / "seats" / "seat-01" / language / f"{EXERCISE}.ipynb").is_file()


def test_no_two_codes_are_alike_and_only_the_trainer_may_read_them(folder):
    codes = [seat.code for seat in seats.prepare(folder, seats.people_without_names(40))]
    assert len(set(map(seats.plain, codes))) == len(codes) == 43
    assert folder.stat().st_mode & 0o077 == 0


def test_a_code_is_read_as_people_type_it():
    assert seats.plain(" ABCD  efgh") == seats.plain("abcd-efgh") == "abcdefgh"


def test_preparing_again_keeps_codes_and_work_and_adds_who_is_new(folder):
    before = seats.read(folder)
    change(exercise(folder, "seat-02"))
    work = exercise(folder, "seat-02").read_bytes()
    after = seats.prepare(folder, [*PEOPLE, Person("four", "Zoé")])
    assert after[:3] == before and after[3].seat == "seat-04"
    assert (
        exercise(folder, "seat-02").read_bytes() == work and exercise(folder, "seat-04").is_file()
    )


def test_preparing_again_writes_through_no_link_that_a_participant_laid(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    subprocess.run(["rm", "-r", folder / "seats" / "seat-01" / "en"], check=True)
    (folder / "seats" / "seat-01" / "en").symlink_to(outside)
    seats.prepare(folder, PEOPLE)
    assert list(outside.iterdir()) == []


def test_what_was_changed_is_handed_in_under_the_persons_id_and_what_was_not_is_not(
    folder, tmp_path_factory
):
    change(exercise(folder, "seat-02", "fr"))
    assert copies(folder, tmp_path_factory.mktemp("copies")) == [f"two/fr/{EXERCISE}.ipynb"]


def test_a_link_a_pipe_and_a_giant_are_not_handed_in_and_stop_nothing(folder, tmp_path_factory):
    for seat in ("seat-01", "seat-02"):
        change(exercise(folder, seat))
    own = exercise(folder, "seat-01").parent
    (own / "secret.ipynb").symlink_to("/etc/passwd")
    (own / "linked.ipynb").hardlink_to(exercise(folder, "seat-02"))
    os.mkfifo(own / "pipe.ipynb")
    with open(own / "giant.ipynb", "wb") as file:
        file.truncate(1 << 30)
    found = copies(folder, tmp_path_factory.mktemp("copies"))
    assert found == [
        f"one/en/{EXERCISE}.ipynb"
    ]  # the second seat's own now has two names, so it is doubted too


def test_exercises_behind_a_link_are_not_read(folder, tmp_path_factory):
    change(exercise(folder, "seat-02"))
    own = folder / "seats" / "seat-01" / "en"
    subprocess.run(["rm", "-r", own / "exercises"], check=True)
    (own / "exercises").symlink_to(exercise(folder, "seat-02").parent)
    assert copies(folder, tmp_path_factory.mktemp("copies")) == [f"two/en/{EXERCISE}.ipynb"]


def test_hand_ins_come_into_a_courses_submitted_folder(confined, folder, tmp_path_factory):
    course = tmp_path_factory.mktemp("course")
    subprocess.run(["cp", "-r", ROOT / "exercises" / "source", course], check=True)
    change(exercise(folder, "seat-01"))
    change(exercise(folder, "seat-02", "fr"))
    done = subprocess.run(
        [sys.executable, "-m", "room", "collect", "--folder", folder, "--course", course],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    taken = sorted(
        str(path.relative_to(course / "submitted")) for path in course.glob("submitted/*/*/*.ipynb")
    )
    assert taken == [f"one/{EXERCISE}/{EXERCISE}.ipynb", f"two/{EXERCISE}/{EXERCISE}.ipynb"]


def test_the_roster_for_the_grader_names_everybody_and_no_code(folder):
    text = (folder / seats.ROSTER).read_text("utf-8")
    assert [row["id"] for row in csv.DictReader(text.splitlines())] == ["one", "two", "three"]
    assert not any(seat.code in text for seat in seats.read(folder))


def test_people_of_a_roster_come_first_and_seats_to_spare_after(tmp_path):
    roster = tmp_path / "people.csv"
    roster.write_text("id,name,language\none,Anne Roy,en\ntwo,Émile Côté,fr\n", encoding="utf-8")
    assert [(one.id, one.language) for one in _people(roster, 1)] == [
        ("one", "en"),
        ("two", "fr"),
        ("seat-01", "en"),
    ]
    assert (
        len(_people(roster, None)) == 2
        and len(_people(None, None)) == 27
        and len(_people(None, 3)) == 3
    )


def test_a_list_of_seats_that_is_none_is_named(tmp_path):
    (tmp_path / seats.LIST).write_text("who,what\n1,2\n")
    with pytest.raises(seats.CannotOpenRoom, match=seats.LIST):
        seats.prepare(tmp_path, PEOPLE)


@needs_browser
def test_the_cards_have_each_code_and_no_axe_violation(page, folder):
    there = seats.read(folder)
    page.set_content(seats.cards(there, "http://192.0.2.7:8000"))
    assert violations(page) == []
    shown = page.inner_text("main")
    assert all(seat.code in shown and seat.name in shown for seat in there)


def test_where_seats_cannot_be_kept_apart_no_room_opens(monkeypatch, tmp_path):
    lacking = doctor.Offer(
        [Sentence("Namespaces are off.", "Espaces de noms désactivés.")], 0, "Linux"
    )
    monkeypatch.setattr(doctor, "offer", lambda: lacking)
    with pytest.raises(kernel.CannotConfine, match="Namespaces are off"):
        command(["open", "--folder", str(tmp_path / "room")], standalone_mode=False)
    assert not (tmp_path / "room").exists()


# An open room -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def opened(confined, tmp_path_factory):
    """A room of three seats, open on the loopback."""
    folder = tmp_path_factory.mktemp("open room")
    seats.prepare(folder, PEOPLE)
    with Room(folder, "127.0.0.1", free_ports(1)[0]) as room:
        yield room


def sit(room: Room, number: int, language: str = "en") -> Participant:
    """Have a participant come in, whether or not the seat is open already."""
    one = Participant(
        room.address("127.0.0.1"), seats.read(room.folder)[number - 1], language, patience=90
    )
    one.come_in()
    return one


def printed(one: Participant, code: str) -> str:
    """Run code at a seat, as its participant may, and return what it printed."""
    with Kernel(one, f"en/{EXERCISE}.ipynb") as kernel:
        error, text = kernel.ask(code)
    assert error == "", error
    return text.strip()


def test_a_code_opens_its_own_seat_and_no_other(opened):
    one = sit(opened, 1)
    other = one._ask("get", one.home.replace("seat-01", "seat-02") + "/api/status", fine=range(600))
    assert other.status_code in (403, 404)


def test_a_code_that_is_no_ones_opens_nothing(opened):
    stranger = Participant(opened.address("127.0.0.1"), seats.read(opened.folder)[0], "en")
    with pytest.raises(SeatFailed, match="opens no seat"):
        stranger.come_in(code="abcd-efgh")


def test_the_language_chosen_at_the_door_is_the_interfaces_and_the_lessons(opened):
    one = sit(opened, 2, "fr")
    settings = one._ask(
        "get", f"{one.home}/lab/api/settings/@jupyterlab/translation-extension:plugin"
    ).json()
    assert json.loads(settings["raw"])["locale"] == "fr_FR"
    assert printed(one, "import portail; print(portail.percent(0.528))") == "52,8\u00a0%"
    start = one._ask("get", f"{one.home}/api/contents/{start_page.START}").json()["content"]
    assert start.index("commencez ici") < start.index("start here")


def test_the_start_page_follows_the_language_until_the_participant_changes_it(
    folder, tmp_path, monkeypatch
):
    seat = shutil.copytree(folder / "seats" / "seat-01", tmp_path / "seat")
    monkeypatch.chdir(seat)
    start = seat / start_page.START
    first = []
    for language in ("fr", "en", "fr"):
        seat_process.write_language(language, jupyterlab.LOCALES[language])
        first.append(start.read_text("utf-8").splitlines()[0])
    assert first[0] == first[2] and "commencez ici" in first[0] and "start here" in first[1]
    start.write_text("my own notes", "utf-8")
    seat_process.write_language("en", "en")
    assert start.read_text("utf-8") == "my own notes"


def test_a_lesson_runs_at_a_seat_against_the_rooms_portal(opened):
    one = sit(opened, 1)
    seconds, error = one.run(f"en/{EXERCISE}.ipynb")
    assert error == "" and len(seconds) > 20
    source = printed(
        one,
        "import portail; portail.load('service-inventory')\n"
        "print(portail.source_line('service-inventory', 'en'))",
    )
    assert "the room’s copy" in source, "the room's mirror must never pass for the live portal"


_LOOK = """
import os, socket
found = []
for folder, folders, files in os.walk('/'):
    found += [os.path.join(folder, name) for name in folders + files
              if {words!r} and any(word in name for word in {words!r})]
for path in {paths!r}:
    try:
        found.append(path + ': ' + repr(os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(20)))
    except OSError:
        pass
print(found)
"""  # noqa: E501


def test_a_seat_sees_no_neighbour_no_code_no_solution_and_no_secret_of_the_hub(opened):
    one = sit(opened, 1)
    folder = opened.folder
    paths = [
        folder,
        folder / "seats" / "seat-02",
        folder / seats.LIST,
        folder / "hub" / "cookie_secret",
        ROOT / "exercises",
        ROOT / ".git",
        ROOT / "tests",
        Path.home() / ".bashrc",
        "/proc",
        "/etc/shadow",
    ]
    words = ["seat-0", "cookie_secret", "hub.sqlite", "seats.csv", "fork-server.socket"]
    assert printed(one, _LOOK.format(words=words, paths=[str(path) for path in paths])) == "[]"


def test_the_look_around_finds_what_is_there(opened):
    assert "01-open-government" in printed(
        sit(opened, 1), _LOOK.format(words=["01-open"], paths=["/learner"])
    )


_REACH = """
import socket
reached = []
for place in {places!r}:
    with socket.socket() as asking:
        asking.settimeout(2)
        try:
            asking.connect(tuple(place))
            reached.append(place)
        except OSError:
            pass
print(reached)
"""


def test_a_seat_reaches_the_hub_and_the_portal_and_nothing_else(opened):
    one, neighbour = sit(opened, 1), sit(opened, 3)
    ports = json.loads((opened.folder / "hub" / "room.json").read_text())
    its_port = urlsplit(
        printed(neighbour, "import os; print(os.environ['JUPYTERHUB_SERVICE_URL'])")
    ).port
    closed = [ports["port"], ports["proxy_port"], its_port]
    with socket.create_server((own_address(), 0)) as beside:
        places = [
            ["127.0.0.1", port] for port in (*closed, ports["hub_port"], ports["portal_port"])
        ]
        places += [
            list(beside.getsockname()),
            [own_address(), ports["hub_port"]],
            ["192.0.2.1", 80],
        ]
        assert printed(one, _REACH.format(places=places)) == str(
            [["127.0.0.1", ports["hub_port"]], ["127.0.0.1", ports["portal_port"]]]
        )


def test_a_seats_own_secret_opens_nothing_of_the_hubs_but_itself(opened):
    code = (
        "import os, requests\n"
        "address, own = os.environ['JUPYTERHUB_API_URL'], os.environ['JUPYTERHUB_API_TOKEN']\n"
        "for verb, path in (('get', 'users'), ('get', 'users/seat-02'), ('post', "
        "'users/seat-02/server'),\n"
        "                   ('post', 'users/seat-02/tokens'), ('delete', 'users/seat-02/server'),\n"
        "                   ('post', 'shutdown'), ('get', 'proxy')):\n"
        "    print(requests.request(verb, f'{address}/{path}', headers={'Authorization': f'token "
        "{own}'},\n"
        "                           timeout=10).status_code)"
    )
    assert set(printed(sit(opened, 1), code).split()) <= {"403", "404"}


def test_a_seat_cannot_change_what_it_runs_on(opened):
    code = (
        "import os, portail, sys\n"
        "for path in (portail.__file__, sys.executable, '/etc/passwd', '/new', '/usr/new'):\n"
        "    try:\n        open(path, 'ab'); print(path)\n    except OSError:\n        pass\n"
    )
    assert printed(sit(opened, 1), code) == ""


def test_no_seat_gets_a_right_back(opened):
    code = (
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "print([libc.unshare(0x10000000), libc.unshare(0x20000), libc.ptrace(16, 1, 0, 0),\n"
        "       libc.mount(b'x', b'/learner', b'tmpfs', 0, None), os.getuid()])"
    )
    assert printed(sit(opened, 1), code) == f"[-1, -1, -1, -1, {kernel.LEARNER}]"


def test_a_seat_that_kills_all_it_can_opens_again_with_its_work_and_no_neighbour_noticed(opened):
    one, neighbour = sit(opened, 1), sit(opened, 3)
    notebook = one.read(f"en/exercises/{EXERCISE}.ipynb")
    notebook["cells"][0]["source"] += "\nkept"
    one.write(f"en/exercises/{EXERCISE}.ipynb", notebook)
    with Kernel(neighbour, f"en/{EXERCISE}.ipynb") as beside:
        assert beside.execute("answer = 42") == ""
        # the proxy does not tell a browser that a kernel's line is gone; the next request does
        one.patience = 10
        with pytest.raises(SeatFailed), Kernel(one, f"en/{EXERCISE}.ipynb") as kernel:
            kernel.execute("import os; os.kill(-1, 9)")
        assert beside.ask("print(answer)") == ("", "42\n")
    again = sit(opened, 1)
    assert "kept" in again.read(f"en/exercises/{EXERCISE}.ipynb")["cells"][0]["source"]


def test_a_seat_that_starts_programs_without_end_stops_no_neighbour(opened):
    code = (
        "import subprocess\nstarted = []\ntry:\n    while len(started) < 2000:\n"
        "        started.append(subprocess.Popen(['sleep', '60']))\n"
        "except OSError:\n    pass\n[each.kill() for each in started]\nprint(len(started) < 500)"
    )
    assert printed(sit(opened, 1), code) == "True"
    assert printed(sit(opened, 3), "print(1 + 1)") == "2"


def test_a_seat_that_keeps_connections_open_without_end_takes_few_of_the_hubs(opened):
    code = (
        "import os, socket, urllib.parse\n"
        "address = urllib.parse.urlsplit(os.environ['JUPYTERHUB_API_URL'])\n"
        "held = [socket.create_connection((address.hostname, address.port)) for _ in range(100)]\n"
        "for each in held:\n    each.send(b'GET / HTTP/1.1\\r\\n')\n"
        "import time; time.sleep(1); print(len(held))"
    )
    with Kernel(sit(opened, 1), f"en/{EXERCISE}.ipynb") as kernel:
        before = len(os.listdir(f"/proc/{opened.process.pid}/fd"))
        assert kernel.ask(code) == ("", "100\n")
        assert (
            32
            < len(os.listdir(f"/proc/{opened.process.pid}/fd")) - before
            <= seat_process.MOST_CONNECTIONS
        )
        assert printed(sit(opened, 3), "print(1 + 1)") == "2"


@needs_browser
def test_the_door_and_its_other_pages_have_no_axe_violation(opened, page):
    door = opened.address("127.0.0.1")
    page.goto(door)
    assert page.get_by_label("Le code de votre carte").count() == 1
    assert violations(page) == []
    page.fill("#code", "abcd-efgh")
    page.get_by_role("button", name="Ouvrir en français").click()
    page.get_by_role("alert").wait_for()
    assert violations(page) == []
    page.goto(f"{door}/hub/nowhere")
    page.get_by_role("link", name="L’entrée").wait_for()
    assert violations(page) == []
    page.goto(door)
    page.fill("#code", seats.read(opened.folder)[1].code)
    page.get_by_role("button", name="Ouvrir en français").click()
    page.wait_for_url("**/lab/tree/**", timeout=60_000)
    page.locator(".lm-MenuBar-itemLabel", has_text="Fichier").wait_for(timeout=60_000)
    page.goto(f"{door}/hub/home")
    page.get_by_role("link", name="Aller à votre place").wait_for()
    assert violations(page) == []
    page.get_by_role("link", name="Quitter cet ordinateur").click()
    page.get_by_label("Le code de votre carte").wait_for()


# From opening to closing --------------------------------------------------------------------------


def start(folder: Path, course: Path, *more) -> tuple[subprocess.Popen, str]:
    """Open a room as a trainer does, and return its process and address once it says that it is
    open."""
    port = free_ports(1)[0]
    process = subprocess.Popen(
        [
            sys.executable,
            "-u",
            "-m",
            "room",
            "open",
            "--seats",
            "2",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--folder",
            folder,
            "--course",
            course,
            *more,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    assert line.startswith("The room is open"), line
    return process, f"http://127.0.0.1:{port}"


def wait_until_closed(address: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            requests.get(address, timeout=1)
        except requests.ConnectionError:
            return
        time.sleep(0.2)
    raise AssertionError(f"{address} still answers")


@pytest.fixture
def course(tmp_path) -> Path:
    subprocess.run(["cp", "-r", ROOT / "exercises" / "source", tmp_path / "source"], check=True)
    return tmp_path


def test_closing_the_room_takes_in_what_was_saved_and_leaves_nothing_running(
    confined, course, tmp_path
):
    folder = tmp_path / "room"
    process, address = start(folder, course)
    there = seats.read(folder)
    assert all(seat.code in (folder / CARDS).read_text("utf-8") for seat in there)
    one = Participant(address, there[0], "fr", patience=90)
    one.come_in()
    assert rehearsal._answer(one, EXERCISE)[1] == ""
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert (course / "submitted" / "seat-01" / EXERCISE / f"{EXERCISE}.ipynb").is_file()
    wait_until_closed(address)
    assert not _processes_of(folder)


def test_a_room_that_was_killed_leaves_nothing_running_and_opens_again_with_all_work(
    confined, course, tmp_path
):
    folder = tmp_path / "room"
    process, address = start(folder, course)
    there = seats.read(folder)
    one = Participant(address, there[0], "en", patience=90)
    one.come_in()
    rehearsal._answer(one, EXERCISE)
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until_closed(address)
    process, address = start(folder, course)
    assert seats.read(folder) == there
    one = Participant(address, there[0], "en", patience=90)
    one.come_in()
    assert "seat-01" in json.dumps(one.read(f"en/exercises/{EXERCISE}.ipynb"))
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60) and process.returncode == 0
    assert not _processes_of(folder)


def _processes_of(folder: Path) -> list[str]:
    """Return the command lines that name a folder, or whose working folder it is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode().replace("\0", " ")
            if str(folder) in line or str(folder) in os.readlink(process / "cwd"):
                found.append(line)
        except OSError:
            continue
    return found


# The day before -----------------------------------------------------------------------------------


def test_a_rehearsal_plays_a_lesson_in_both_languages_and_is_green(opened):
    lines = list(
        rehearsal.rehearse(
            opened.address("127.0.0.1"), seats.read(opened.folder)[:2], [EXERCISE], 90
        )
    )
    assert [(line.step, line.language) for line in lines] == [
        (step, language)
        for step in ("come in", EXERCISE, f"hand in {EXERCISE}")
        for language in ("en", "fr")
    ]
    assert all(line.errors == () and 0 < line.p95 < 90 for line in lines)


def test_a_rehearsal_names_the_seat_where_a_lesson_breaks(opened):
    one = sit(opened, 1)
    notebook = one.read(f"en/{EXERCISE}.ipynb")
    broken = json.loads(json.dumps(notebook))
    next(cell for cell in broken["cells"] if cell["cell_type"] == "code")["source"] = "1 / 0"
    one.write(f"en/{EXERCISE}.ipynb", broken)
    try:
        lines = list(
            rehearsal.rehearse(
                opened.address("127.0.0.1"), seats.read(opened.folder)[:2], [EXERCISE], 90
            )
        )
    finally:
        one.write(f"en/{EXERCISE}.ipynb", notebook)
    errors = {(line.step, line.language): line.errors for line in lines if line.errors}
    assert list(errors) == [(EXERCISE, "en")]
    assert (
        "seat-01" in errors[EXERCISE, "en"][0] and "ZeroDivisionError" in errors[EXERCISE, "en"][0]
    )


def test_memory_is_told_of_a_process_and_all_below_it():
    with rehearsal.Memory(os.getpid()) as memory:
        subprocess.run(
            [sys.executable, "-c", "import time; held = bytearray(200 << 20); time.sleep(5)"],
            check=True,
        )
    assert memory.most > 200 << 20


@pytest.mark.parametrize(
    ("values", "value"), [([1.0], 1.0), (list(range(1, 102)), 96.0), ([2.0, 2.0], 2.0)]
)
def test_the_95th_percentile_is_what_95_of_100_do_not_exceed(values, value):
    assert rehearsal.percentile(values, 95) == value
