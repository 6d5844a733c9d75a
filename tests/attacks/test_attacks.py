"""Does any attack gain a point, read what is hidden, write outside, strike a neighbour, or leave
anything behind?"""

import contextlib
import functools
import json
import os
import re
import secrets
import socket
import threading
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

import grader
from grader.reports import feedback
from grader.sandbox import doctor
from grader.sandbox.usage import descendants
from tests import attacks

OFFER = doctor.offer()
MISSING = "; ".join(english for english, _ in OFFER.missing)
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "nothing is missing")
ATTACKS = {attack.name: attack for attack in attacks.load()}
#: some of every family, that `make test` tries
FEW = (
    "forge/edited_tests",
    "forge/frame_of_the_caller",
    "forge/patched_pandas",
    "read/course_folder",
    "read/environment",
    "read/gradebook",
    "write/gradebook_rows",
    "write/home",
    "exhaust/crash",
    "exhaust/fork_bomb",
    "exhaust/memory_bomb",
    "reach_out/abstract_sockets",
    "reach_out/tcp_to_the_loopback",
    "outlive/background_program",
    "outlive/double_fork",
    "attack_reader/script",
    "duck_values/equals_that_says_yes",
    "written_back/zeroes_its_argument",
    "beside_tests/unpickled",
    "oracle/strict_filter",
    "hoard/locks_and_watches",
    "honest_slips/sorts_the_table_and_shadows_names",
)
BATCHES = {"few": FEW, "others": tuple(name for name in ATTACKS if name not in FEW)}
MARKS = {"few": (), "others": pytest.mark.thorough}
of_each_batch = pytest.mark.parametrize(
    "batch", [pytest.param(batch, marks=MARKS[batch]) for batch in BATCHES]
)
of_each_attack = pytest.mark.parametrize(
    ("batch", "name"),
    [
        pytest.param(batch, name, id=name, marks=MARKS[batch])
        for batch, names in BATCHES.items()
        for name in names
    ],
)
OWN = f"attack-{secrets.token_hex(4)}"  # as long as a process's name may be
HIDDEN_DOOR = f"\0listener-{secrets.token_hex(4)}"
LIMITS = (
    '\nc.Grader.limits = {"cell_seconds": 4.0, "seconds": 30.0, "memory": 1 << 30, "disk": 64 << '
    "20}\n"
)


def free_port() -> tuple[socket.socket, socket.socket]:
    """Return sockets for TCP and UDP on one port that was free for both."""
    while True:
        door = socket.create_server((attacks.LISTENER[0], 0))
        letters = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            letters.bind(door.getsockname())
            return door, letters
        except OSError:
            door.close()
            letters.close()


@pytest.fixture(scope="module")
def knocks():
    """What knocked at the doors where attacks knock: TCP, UDP, an abstract socket."""
    heard: list[str] = []
    door, letters = free_port()
    doors = [door, socket.socket(socket.AF_UNIX)]
    doors[1].bind(HIDDEN_DOOR)
    doors[1].listen()

    def listen(door):
        with contextlib.suppress(OSError):
            while True:
                door.accept()
                heard.append("a connection")

    def read():
        with contextlib.suppress(OSError):
            while True:
                heard.append(f"a letter: {letters.recv(1000)!r}")

    for target, arguments in ((listen, (doors[0],)), (listen, (doors[1],)), (read, ())):
        threading.Thread(target=target, args=arguments, daemon=True).start()
    yield heard, attacks.Run(OWN, doors[0].getsockname(), HIDDEN_DOOR)
    for door in (*doors, letters):
        door.close()


def grade_all(names: tuple[str, ...], course: Path, run: attacks.Run) -> dict:
    """Grade a course after these attacks were handed in, two at a time, beside an honest
    neighbour."""
    attacks.build(course)
    with open(course / "nbgrader_config.py", "a") as config:
        config.write(LIMITS)
    for name in names:
        attacks.hand_in(course, ATTACKS[name], run)
    before = attacks.rows(course, "read-by-a-person")
    folders = (Path("/tmp"), Path("/dev/shm"), Path.home(), course, course.parent)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in attacks.ENVIRONMENT.items():
            patch.setenv(name, value)
        outcomes = {name: grader.grade(course, name, workers=2) for name in attacks.ASSIGNMENTS}
        for name in attacks.ASSIGNMENTS:
            feedback.feedback(course, name)
    return {
        "course": course,
        "outcomes": outcomes,
        "before": before,
        "traces": attacks.traces(*folders, mark=run.mark),
        "by student": {
            (name, each.student): each for name in outcomes for each in outcomes[name].submissions
        },
    }


@pytest.fixture(scope="module")
def grade_batch(tmp_path_factory, knocks):
    """Grades a batch when it is first asked for."""
    _, run = knocks

    @functools.cache
    def grade_once(batch: str) -> dict:
        return grade_all(BATCHES[batch], tmp_path_factory.mktemp(batch) / "course", run)

    return grade_once


@pytest.fixture
def graded(grade_batch, batch) -> dict:
    """The course of a batch, graded."""
    return grade_batch(batch)


@of_each_attack
def test_it_gains_nothing(graded, name):
    attack = ATTACKS[name]
    submission = graded["by student"][attack.assignment, attack.student]
    assert submission.state == "graded" or submission.reason is not None
    points = {
        cell: mark.points for marks in submission.marks.values() for cell, mark in marks.items()
    }
    for cell, fair in attack.honest.items():
        most = max((mark for mark in fair if mark is not None), default=None)
        if submission.state == "graded" and most is not None:
            assert points[cell] is not None and points[cell] <= most
            assert cell not in attack.exact or points[cell] in fair


@of_each_attack
def test_it_brings_nothing_hidden_back(graded, name):
    attack = ATTACKS[name]
    folder = graded["course"] / "autograded" / attack.student / attack.assignment
    if not folder.exists():
        assert graded["by student"][attack.assignment, attack.student].state == "failed"
        return
    assert not own_loot(folder)


def own_loot(folder: Path) -> set[str]:
    """Return the canaries in what learner code left: all files, and all of a notebook but the
    instructor's tests."""
    found = set()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        text = path.read_text("utf-8", "replace")
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            text = json.dumps(
                [cell for cell in cells if not cell["metadata"].get("nbgrader", {}).get("locked")]
            )
        found.update(attacks.CANARY.findall(text))
    return found


@of_each_attack
def test_its_feedback_holds_nothing_hidden_and_nothing_alive(graded, name):
    pages = list((graded["course"] / "feedback" / ATTACKS[name].student).rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text("utf-8")
        found = BeautifulSoup(text, "html.parser")
        assert not attacks.CANARY.findall(text)
        assert not found.find_all(
            ["script", "svg", "iframe", "object", "embed", "form", "link", "base"]
        )
        assert not [
            name for tag in found.find_all(True) for name in tag.attrs if name.startswith("on")
        ]
        assert 'content="default-src ' in text.split("<body>")[0]


def test_canaries_would_be_seen(tmp_path):
    cell = {
        "cell_type": "code",
        "metadata": {},
        "source": "",
        "outputs": [{"text": attacks.NEIGHBOUR}],
    }
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": [cell]}))
    assert own_loot(tmp_path) == {attacks.NEIGHBOUR}


@of_each_batch
def test_the_neighbour_has_full_marks(graded):
    assert graded["by student"]["trial", "neighbour"].points == 9.0
    assert graded["by student"]["lab", "neighbour"].points == 15.0


@of_each_batch
def test_nobody_else_s_marks_have_changed(graded):
    assert (
        graded["before"] and attacks.rows(graded["course"], "read-by-a-person") == graded["before"]
    )


@of_each_batch
def test_nothing_knocked_at_any_door(graded, knocks):
    heard, _ = knocks
    assert not heard


@of_each_batch
def test_no_process_file_mount_or_socket_is_left(graded):
    assert not graded["traces"]
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in descendants(os.getpid())]
    assert not [command for command in commands if b"grader.sandbox.forkserver" in command]


@of_each_batch
def test_the_tests_of_the_course_are_all_split(graded):
    assert not graded["outcomes"]["trial"].live and not graded["outcomes"]["trial"].differing


@of_each_batch
def test_the_tests_that_run_what_a_learner_wrote_run_beside_the_learner_and_no_others(graded):
    assert {name.removeprefix("lab/") for name in graded["outcomes"]["lab"].live} == attacks.BESIDE


@of_each_batch
def test_what_is_shown_of_an_attack_is_dead(graded):
    """No output and no text of an autograded notebook holds a script, a handler, a frame or a link
    that runs code."""
    alive = re.compile(
        r"<\s*(script|iframe|object|embed|svg|form|meta|link|base)\b|\son\w+\s*=|javascript:", re.I
    )
    for path in (graded["course"] / "autograded").rglob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            for output in cell.get("outputs", []):
                assert not alive.search(output.get("data", {}).get("text/html", "")), path
                kinds = {"text/plain", "text/html", "image/png", "image/jpeg", "image/gif"}
                assert set(output.get("data", {})) <= kinds
            if cell["cell_type"] == "markdown" and alive.search(cell["source"]):
                assert (
                    cell["source"].startswith("````")
                    or "```" in cell["source"]
                    or "`" in cell["source"]
                ), path


@pytest.mark.parametrize(("names", "least"), [(FEW, 20), (tuple(ATTACKS), 60)])
def test_there_are_attacks_of_all_families(names, least):
    assert len(names) >= least
    assert {ATTACKS[name].family for name in names} == set(attacks.FAMILIES)
