"""Does a cluster of other processes give the marks that this machine gives, and lose nothing when
one dies?"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import grader
from grader.course.folder import Course
from grader.course.handed_in import read_submission
from grader.grading import calibrate
from grader.marking import dispatch
from grader.marking.dispatch import NoCluster
from grader.sandbox.usage import descendants
from tests.helpers import coursework
from tests.helpers.processes import left_of

pytestmark = pytest.mark.thorough

STUDENTS = 12
SOURCE = '''"""A course whose notebook reads a file beside it and a folder of the course's."""

# %%
import os
from pathlib import Path
import pandas as pd
beside = pd.read_csv("beside.csv")
shared = Path(os.environ["SHARED_DATA"], "shared.txt").read_text()
# %% grade_id=total kind=solution
### BEGIN SOLUTION
total = int(beside["n"].sum())
### END SOLUTION
# %% grade_id=total-test kind=test points=2
assert total == int(beside["n"].sum())
# %% grade_id=word kind=solution
### BEGIN SOLUTION
word = shared
### END SOLUTION
# %% grade_id=word-test kind=test points=3
assert word == shared
'''
SETTINGS = """
os.environ["SHARED_DATA"] = {shared!r}
c.Grader.environment = ["SHARED_DATA"]
"""
ANSWERS = [
    ("int(beside['n'].sum())", "shared"),
    ("0", "shared"),
    ("int(beside['n'].sum())", "'guess'"),
    ("__import__('time').sleep(1) or 6", "os.environ.get('WORKER_SECRET', 'hidden')"),
]


@pytest.fixture(scope="module")
def course(confined, tmp_path_factory) -> Path:
    built = tmp_path_factory.mktemp("scheduled")
    course = coursework.build_course_of_one(
        SOURCE, built / "course", {"beside.csv": "n\n1\n2\n3\n"}
    )
    (built / "shared").mkdir()
    (built / "shared" / "shared.txt").write_text("a word of the course's")
    with open(course / "nbgrader_config.py", "a") as settings:
        settings.write(SETTINGS.format(shared=str(built / "shared")))
    for number in range(STUDENTS):
        total, word = ANSWERS[number % len(ANSWERS)]
        coursework.hand_in(
            course,
            f"learner-{number:02}",
            "one",
            '"""A learner."""\n\n'
            f"# %% grade_id=total\ntotal = {total}\n# %% grade_id=word\nword = {word}\n",
        )
    calibrate.prepare(Course(course), "one")  # once, for all copies
    return course


def begin(*arguments: str, **environment: str) -> subprocess.Popen:
    """Start a process of the cluster, in a folder of its own; its lines can be read from stderr."""
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def scheduler(protocol: str = "tcp", **environment: str) -> tuple[subprocess.Popen, str]:
    process = begin(
        "dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--protocol",
        protocol,
        "--no-dashboard",
        "--no-show",
        **environment,
    )
    for line in process.stderr:
        found = re.search(rf"{protocol}://127\.0\.0\.1:\d+", line)
        if "Scheduler at" in line and found:
            return process, found[0]
    raise AssertionError("the scheduler did not start")


def worker(address: str, home: Path, **environment: str) -> subprocess.Popen:
    """Start a worker that shares no folder with the course: its home, temporary and working folders
    are its own."""
    home.mkdir()
    return begin(
        "dask_worker",
        address,
        "--nthreads",
        "1",
        "--no-nanny",
        "--no-dashboard",
        "--host",
        "127.0.0.1",
        "--local-directory",
        str(home),
        HOME=str(home),
        TMPDIR=str(home),
        WORKER_SECRET="CANARY",
        **environment,
    )


@pytest.fixture
def cluster(tmp_path):
    """A scheduler's address, and its two workers."""
    begun, address = scheduler()
    workers = [worker(address, tmp_path / name) for name in ("one", "two")]
    yield address, workers
    for process in [*workers, begun]:
        process.kill()
        process.wait()


def points(outcome) -> dict[str, dict]:
    return {
        each.student: {
            name: mark.points for marks in each.marks.values() for name, mark in marks.items()
        }
        for each in outcome.of("graded")
    }


@pytest.fixture(scope="module")
def local(course, tmp_path_factory) -> dict[str, dict]:
    copy = coursework.copy_course(course, tmp_path_factory.mktemp("local") / "course")
    return points(grader.grade(copy, "one", workers=1))


def wait_for(workers: int, address: str) -> None:
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(workers, timeout=60)


def test_marks_are_the_local_ones(course, cluster, local, tmp_path):
    address, _ = cluster
    wait_for(2, address)
    copy = coursework.copy_course(course, tmp_path / "course")
    outcome = grader.grade(copy, "one", scheduler=address)
    assert points(outcome) == local and len(local) == STUDENTS
    assert {tuple(sorted(marks.values())) for marks in local.values()} == {(2, 3), (0, 3), (0, 2)}


def test_the_workers_are_sent_the_course_s_folders_and_need_none(course, cluster, local, tmp_path):
    """The folders are taken away once grading has begun to wait for workers: what they read came
    with the message."""
    address, _ = cluster
    wait_for(2, address)
    copy = coursework.copy_course(course, tmp_path / "course")
    own = Course(copy)
    spec, _ = calibrate.prepare(own, "one", remote=True)
    jobs = [read_submission(own, "one", student).job for student in own.students("one")]
    shared = Path(own.view.readable[0])
    pool = dispatch.pool(spec, None, address)
    try:
        shared.rename(shared.with_name("away"))
        results = [result for _, result in dispatch.run(pool, jobs)]
    finally:
        shared.with_name("away").rename(shared)
        pool.close()
    assert {
        result.student: {name: mark.points for name, mark in result.notebooks["one"].marks.items()}
        for result in results
    } == local


def test_a_worker_killed_in_mid_run_loses_nothing(course, cluster, local, tmp_path):
    address, workers = cluster
    wait_for(2, address)
    copy = coursework.copy_course(course, tmp_path / "course")
    killed = []

    def kill_one(done, of):
        if done >= 2 and not killed:
            killed.append(workers[0])
            os.kill(workers[0].pid, signal.SIGKILL)

    outcome = grader.grade(copy, "one", scheduler=address, progress=kill_one)
    assert killed and points(outcome) == local and outcome.code == 0
    assert len(outcome.submissions) == STUDENTS


@pytest.fixture
def certified(tmp_path) -> dict[str, str]:
    """dask's settings as environment variables, as grader/README.md has them, with a certificate
    made for the test."""
    from distributed.security import Security

    made = Security.temporary()
    (tmp_path / "cert.pem").write_text(made.tls_scheduler_cert)
    (tmp_path / "key.pem").write_text(made.tls_scheduler_key)
    tls = {"CA_FILE": "cert.pem"} | {
        f"{who}__{what}": f"{what.lower()}.pem"
        for who in ("SCHEDULER", "WORKER", "CLIENT")
        for what in ("CERT", "KEY")
    }
    return {
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
        **{
            f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(tmp_path / file)
            for name, file in tls.items()
        },
    }


def test_over_tls_the_marks_are_the_same_and_who_has_no_certificate_is_refused(
    course, certified, local, tmp_path
):
    begun, address = scheduler("tls", **certified)
    one = worker(address, tmp_path / "one", **certified)
    copy = coursework.copy_course(course, tmp_path / "course")
    command = [
        sys.executable,
        "-m",
        "grader",
        "--lang",
        "en",
        "grade",
        "one",
        "--course",
        str(copy),
        "--scheduler",
    ]
    try:
        stranger = subprocess.run([*command, address], capture_output=True, text=True)
        assert stranger.returncode == 2 and f"{address} does not answer" in stranger.stderr
        in_the_clear = subprocess.run(
            [*command, address.replace("tls", "tcp")], capture_output=True, text=True
        )
        assert in_the_clear.returncode == 2 and "does not answer" in in_the_clear.stderr
        assert any("Registered to" in line for line in one.stderr)
        done = subprocess.run(
            [*command, address, "--json", str(tmp_path / "report.json")],
            capture_output=True,
            text=True,
            env={**os.environ, **certified},
        )
        assert done.returncode == 0, done.stderr
    finally:
        for process in (one, begun):
            process.kill()
            process.wait()
    told = json.loads((tmp_path / "report.json").read_text())["submissions"]
    assert {
        each["student"]: {
            name: mark["points"] for marks in each["marks"].values() for name, mark in marks.items()
        }
        for each in told
    } == local


def test_a_scheduler_that_is_not_there_is_named(course, tmp_path, monkeypatch):
    monkeypatch.setattr(dispatch, "_ANSWERS_WITHIN", 2)
    copy = coursework.copy_course(course, tmp_path / "course")
    with pytest.raises(NoCluster, match=r"tcp://127\.0\.0\.1:9 does not answer"):
        grader.grade(copy, "one", scheduler="tcp://127.0.0.1:9")


def test_a_scheduler_without_a_worker_is_named_with_the_next_step(course, tmp_path):
    begun, address = scheduler()
    try:
        with pytest.raises(NoCluster, match=f"dask worker {address}"):
            grader.grade(
                coursework.copy_course(course, tmp_path / "course"), "one", scheduler=address
            )
    finally:
        begun.kill()
        begun.wait()


def test_a_worker_that_ends_leaves_no_process(course, cluster, tmp_path):
    address, workers = cluster
    wait_for(2, address)
    grader.grade(coursework.copy_course(course, tmp_path / "course"), "one", scheduler=address)
    warm = [pid for process in workers for pid in descendants(process.pid)]
    assert warm
    for process in workers:
        process.kill()
        process.wait()
    assert left_of(warm) == []
