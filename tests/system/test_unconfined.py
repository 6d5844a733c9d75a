"""Where a machine cannot confine learner code, is that said, with what to do, and does nothing run
unless told to?"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from commons.wording import NO_BREAK_SPACE
from grader.cli.main import grader as command
from grader.sandbox import doctor, system_calls
from grader.sandbox.kernel import CannotConfine
from grader.sandbox.sandbox import SandboxLost
from tests.helpers import coursework

SOURCE = """
# %% grade_id=total kind=solution
### BEGIN SOLUTION
total = sum(range(10))
### END SOLUTION

# %% grade_id=total-test kind=test points=3
assert total == 45

# %% [markdown] grade_id=memo kind=manual points=4
Say why.
"""
ANSWER = """
# %% grade_id=total
total = 45
open({trace!r}, "w").close()
"""
COMMANDS = """
import contextlib, io, json, sys
from grader.cli.main import main

said = {}
for command in sys.argv[1:]:
    sys.argv = ["grader", *command.split()]
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(output):
        try:
            main()
        except SystemExit as end:
            said[command] = end.code or 0, output.getvalue()
print(json.dumps(said))
"""
WINDOWS = """
import os, signal, socket, sqlite3, subprocess, sys

import IPython, bs4, click, jinja2, matplotlib, mistune, msgspec, nbclient, nbconvert, nbformat, nbgrader.api
import numpy, pandas, psutil, requests, rich.console, rich.progress, rich.table
import sqlalchemy.dialects.sqlite  # what other people wrote may look at the real system; what is ours may not

lacking = {
    os: "fork geteuid getuid sched_getaffinity setresuid O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_PATH",
    signal: "SIGALRM SIGCHLD SIGHUP SIGKILL SIGSTOP setitimer", socket: "AF_UNIX SCM_RIGHTS SOCK_SEQPACKET",
}
for module, names in lacking.items():
    for name in names.split():
        delattr(module, name)
sys.modules |= dict.fromkeys(["fcntl", "grp", "pwd", "resource", "termios"])
sys.platform = "win32"
"""  # noqa: E501
NO_NAMESPACES = [
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"',
    "sh",
]  # one that may hold no others
READ_LEARNERS_WORK = [
    "grade one",
    "regrade one",
    "feedback one",
    "memos one --out pages",
    "check one",
]
NEED_LINUX = [
    *READ_LEARNERS_WORK,
    "grade one --unsafe-trusted",
    "verify one",
    "forget learner --yes",
]


def told(
    course: Path, *commands: str, before: str = "", machine: list[str] = ()
) -> dict[str, tuple[int, str]]:
    """Run commands of the grader in one process, and return each one's exit code and what
    it said."""
    words = [*machine, sys.executable, "-c", before + COMMANDS, *commands]
    done = subprocess.run(
        words, cwd=course, env=os.environ | {"PORTAIL_LANG": "en"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course of one learner, whose answer leaves a trace where it runs."""
    course = coursework.build_course_of_one(SOURCE, tmp_path_factory.mktemp("course"))
    coursework.hand_in(course, "learner", "one", ANSWER.format(trace=str(trace(course))))
    return course


def trace(course: Path) -> Path:
    return course.parent / "trace"


@pytest.fixture(scope="module")
def without_namespaces(course) -> dict[str, tuple[int, str]]:
    """What each command says where the kernel gives no user namespaces; a machine that gives none
    is taken as it is."""
    machine = [] if doctor.offer().missing else NO_NAMESPACES
    said = told(
        course, "doctor", *READ_LEARNERS_WORK, "--lang fr doctor", machine=machine
    )  # the process keeps French
    assert not trace(course).exists()
    return said | told(course, "grade one --unsafe-trusted", machine=machine)


@pytest.fixture(scope="module")
def on_windows(course) -> dict[str, tuple[int, str]]:
    """What each command says where Python lacks what it lacks on Windows."""
    return told(course, "doctor", *NEED_LINUX, "status", "--lang fr doctor", before=WINDOWS)


def test_the_doctor_says_what_this_machine_offers(confined, monkeypatch):
    monkeypatch.setenv("PORTAIL_LANG", "en")
    done = CliRunner().invoke(command, ["doctor"])
    assert done.exit_code == 0 and "[ OK ] Learner code can be confined" in done.output
    assert platform.machine() in done.output and "Landlock" in done.output


@pytest.mark.parametrize(
    "asked, named, where, unless",
    [
        (
            "doctor",
            "[FAIL] User namespaces are switched off",
            "Where to grade:",
            "unless you say --unsafe-trusted",
        ),
        (
            "--lang fr doctor",
            "[ÉCHEC] Les espaces de noms d’utilisateur sont désactivés",
            f"Où corriger{NO_BREAK_SPACE}:",
            "à moins de dire --unsafe-trusted",
        ),
    ],
    ids=["en", "fr"],
)
def test_without_user_namespaces_the_doctor_names_them_and_says_where_to_grade(
    without_namespaces, asked, named, where, unless
):
    code, said = without_namespaces[asked]
    assert code == 1 and named in said and where in said and unless in said
    assert all(way in said for way in ("WSL 2", "macOS", "podman", "sysctl"))


def _refuse(error: Exception):
    def refuse(*arguments):
        raise error

    return refuse


@pytest.mark.parametrize(
    "place, name, offered, english, french",
    [
        (sys, "platform", "win32", "This is not Linux", "Ce n’est pas Linux"),
        (
            platform,
            "machine",
            lambda: "riscv64",
            "processor riscv64 is not known",
            "le processeur riscv64",
        ),
        (
            doctor,
            "_setting",
            lambda path: "0" if path.endswith("max_user_namespaces") else "",
            "User namespaces are switched off",
            "espaces de noms d’utilisateur sont désactivés",
        ),
        (
            doctor,
            "_setting",
            lambda path: "0" if path.endswith("unprivileged_userns_clone") else "",
            "User namespaces are switched off",
            "espaces de noms d’utilisateur sont désactivés",
        ),
        (
            system_calls,
            "written",
            _refuse(CannotConfine("No libseccomp.", "Pas de libseccomp.")),
            "No libseccomp.",
            "Pas de libseccomp.",
        ),
        (
            doctor,
            "Sandbox",
            _refuse(CannotConfine("No cell.", "Pas de cellule.")),
            "No cell.",
            "Pas de cellule.",
        ),
        (
            doctor,
            "Sandbox",
            _refuse(SandboxLost("it ended")),
            "could not start: it ended",
            "n’a pu démarrer : it ended",
        ),
        (
            doctor,
            "Sandbox",
            _refuse(TimeoutError("no answer")),
            "could not start: no answer",
            "n’a pu démarrer : no answer",
        ),
    ],
    ids=[
        "system",
        "processor",
        "none-may-be-made",
        "not-for-users",
        "filter",
        "refused",
        "lost",
        "slow",
    ],
)
def test_each_thing_that_is_missing_is_named(monkeypatch, place, name, offered, english, french):
    monkeypatch.setattr(place, name, offered)
    (missing,) = doctor.offer().missing
    assert english in missing.english and french in missing.french


def test_apparmor_keeps_people_from_namespaces_but_not_the_administrator(monkeypatch):
    monkeypatch.setattr(doctor, "_setting", lambda path: "1" if "apparmor" in path else "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert [missing.english[:8] for missing in doctor._switched_off()] == ["AppArmor"]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert doctor._switched_off() == []


@pytest.mark.parametrize("asked", READ_LEARNERS_WORK)
def test_without_confinement_no_command_runs_anything(without_namespaces, asked):
    code, said = without_namespaces[asked]
    assert code == 2 and "cannot be confined" in said and "grader doctor" in said


def test_unsafe_trusted_alone_grades_without_confinement_and_says_so_loudly(
    course, without_namespaces
):
    code, said = without_namespaces["grade one --unsafe-trusted"]
    assert code == 0 and "UNSAFE: learner code runs without confinement" in said
    assert trace(course).exists()  # which is what the warning warns of
    assert coursework.marks(course, "one")["learner"]["total-test"] == 3


def test_on_windows_the_doctor_says_where_to_grade(on_windows):
    code, said = on_windows["doctor"]
    assert (
        code == 1 and "[FAIL] This is not Linux" in said and "WSL 2 with Ubuntu or Debian" in said
    )
    code, said = on_windows["--lang fr doctor"]
    assert (
        code == 1 and "[ÉCHEC] Ce n’est pas Linux" in said and "WSL 2 avec Ubuntu ou Debian" in said
    )


@pytest.mark.parametrize("asked", NEED_LINUX)
def test_on_windows_a_command_that_cannot_run_says_why(on_windows, asked):
    code, said = on_windows[asked]
    assert code == 2 and "This is not Linux" in said and "grader doctor" in said


def test_on_windows_what_was_graded_elsewhere_can_be_read(on_windows):
    assert on_windows["status"][0] == 0
