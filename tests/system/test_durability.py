"""Does every submission end with the same marks, whatever is killed, torn, locked or full on the
way?"""

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import nbformat
import pytest

import grader
from commons.errors import CannotWrite
from grader.course import lock
from grader.course.folder import Course
from grader.course.gradebook_database import GradebookProblem
from grader.course.handed_in import read_submission
from grader.course.journal import Entry, Journal
from grader.grading import calibrate
from grader.marking import marker, model, session
from grader.marking.protocol import Marked
from grader.sandbox.limits import Limits
from grader.sandbox.sandbox import SandboxLost
from grader.sandbox.usage import descendants
from tests.helpers import coursework
from tests.helpers.processes import LONG
from tests.helpers.sources import TWO_TASKS

ASKED = int(os.environ.get("KILL_POINTS", "0"))  #: of each kind; `make soak` does 50
POINTS = [ASKED] if ASKED else [3, pytest.param(10, marks=pytest.mark.thorough)]
COHORT = max(24, 2 * ASKED)
DEPTHS = {  #: below the coordinator
    "the sandbox, whole": 2,
    "a fork server that was told the assignment": 3,
    "a worker's fork server, or the one that was told the tests": 4,
    "runner, or a worker's fork server for checkers": 5,
    "checker": 6,
}
ANSWERS = """
# %% grade_id=total
total = {total}

# %% grade_id=double
def double(x):
    return x * {factor}

# %% after=total
import time; time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course of two dozen, with answers of four kinds, checked and not graded."""
    course = coursework.build_course_of_one(TWO_TASKS, tmp_path_factory.mktemp("course"))
    for number in range(COHORT):
        answers = ANSWERS.format(total=45 if number % 3 else 44, factor=number % 2 + 1)
        coursework.hand_in(course, f"learner-{number:02}", "one", answers)
    grader.grade(course, "one", students=[])
    return course


@pytest.fixture(scope="module")
def unbroken(course, tmp_path_factory) -> dict[str, dict]:
    """The marks of a run that nothing disturbs."""
    copy = again(course, tmp_path_factory.mktemp("unbroken"))
    run(copy).wait()
    marks = gradebook(copy)
    assert len(marks) == COHORT and len({str(each) for each in marks.values()}) == 4
    return marks


def again(course: Path, place: Path) -> Path:
    """Return a copy of the course, nothing of it graded."""
    copy = place / "course"
    shutil.copytree(course, copy)
    config = copy / "nbgrader_config.py"
    config.write_text(config.read_text().replace(str(course), str(copy)))
    return copy


def run(course: Path, *options: str) -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "grader",
        "grade",
        "one",
        "--course",
        str(course),
        "--workers",
        "2",
        *options,
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def gradebook(course: Path) -> dict[str, dict]:
    """Return all automatic marks, by learner and cell; a mark that stands twice fails here."""
    found: dict[str, dict] = {}
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as database:
        rows = database.execute(
            "select student_id, base_cell.name, auto_score, needs_manual_grade from grade join "
            "submitted_notebook on grade.notebook_id = submitted_notebook.id join "
            "submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id "
            "join base_cell on grade.cell_id = base_cell.id"
        )
        for student, cell, *mark in rows:
            assert cell not in found.setdefault(student, {})
            found[student][cell] = mark
    return found


def finished(course: Path, unbroken: dict) -> None:
    """Run again, and see that the marks are those of an unbroken run, and every notebook is
    whole."""
    once_more = run(course)
    assert once_more.wait(timeout=LONG) == 0, once_more.stderr.read()
    assert gradebook(course) == unbroken
    for student in unbroken:
        notebook = json.loads((course / "autograded" / student / "one" / "one.ipynb").read_text())
        assert len(notebook["cells"]) == 6
    with contextlib.closing(Journal(course / ".grader" / "journal.jsonl")) as journal:
        assert {entry.state for entry in journal.of("one").values()} == {"graded"}


def marked_so_far(course: Path) -> int:
    path = course / ".grader" / "journal.jsonl"
    return path.read_bytes().count(b'"running"') if path.exists() else 0


@pytest.mark.parametrize("points", POINTS)
def test_a_coordinator_killed_again_and_again_gives_the_marks_of_an_unbroken_run(
    course, unbroken, tmp_path, points
):
    copy, chance, killed = again(course, tmp_path), random.Random("coordinator"), 0
    for _ in range(points):
        before, begun = marked_so_far(copy), run(copy)
        step = chance.randrange(3)
        while begun.poll() is None and marked_so_far(copy) <= before + step:
            time.sleep(0.005)
        time.sleep(chance.random() * 0.3)
        killed += begun.poll() is None
        begun.kill()
        begun.wait()
    assert killed >= points // 2  # the others came when all was done
    finished(copy, unbroken)


@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("kind", DEPTHS)
def test_processes_killed_all_along_a_run_change_no_mark(course, unbroken, tmp_path, kind, points):
    copy, chance, killed = again(course, tmp_path), random.Random(kind), 0
    begun = run(copy)
    for _ in range(points):
        before = marked_so_far(copy)
        while begun.poll() is None and marked_so_far(copy) <= before:
            time.sleep(0.005)
        time.sleep(chance.random() * 0.3)
        killed += kill(kind, begun, chance)
    assert begun.wait(timeout=LONG) == 0, begun.stderr.read()
    assert killed >= points // 2
    finished(copy, unbroken)


def kill(kind: str, begun: subprocess.Popen, chance: random.Random) -> bool:
    """Kill a process of a kind, with no time to tidy up; tell whether there was one."""
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline and begun.poll() is None:
        found = [pid for pid in descendants(begun.pid) if depth(pid, begun.pid) == DEPTHS[kind]]
        if found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(found), signal.SIGKILL)
                return True
        time.sleep(0.002)
    return False


def depth(pid: int, ancestor: int) -> int:
    """Return how far a process is below another; the first below, which only starts the sandbox,
    is not in ``DEPTHS``."""
    steps = 0
    while pid not in (ancestor, 0, 1):
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return 0
        steps += 1
    return steps


@pytest.fixture(scope="module")
def one_by_one(course):
    """Marks one submission in this process, as a worker does; its warm pair is ended afterwards."""
    spec, _ = calibrate.prepare(Course(course), "one")
    good = read_submission(Course(course), "one", "learner-01").job

    def mark(code: str = "", limits: Limits = spec.limits) -> model.Result:
        notebook = nbformat.reads(good.notebooks["one"].decode(), as_version=4)
        notebook.cells.insert(0, nbformat.v4.new_code_cell(code))
        job = msgspec.structs.replace(good, notebooks={"one": nbformat.writes(notebook).encode()})
        return marker.mark(msgspec.structs.replace(spec, limits=limits), job)

    yield mark
    marker.forget()


@pytest.mark.parametrize(("kind", "depth_of_it"), [("runner", 4), ("checker", 5)])
def test_a_process_killed_five_times_running_changes_no_mark(one_by_one, kind, depth_of_it):
    right = one_by_one("import time; time.sleep(0.3)")
    top, killed = marker._kept.pair.shared.sandbox.first.pid, set()
    # a worker's fork server
    standing = {pid for pid in descendants(top) if depth(pid, top) == depth_of_it}
    assert right.again == 0 and right.notebooks["one"].cause == ""

    def kill_five() -> None:
        while len(killed) < 5:
            for pid in (
                {pid for pid in descendants(top) if depth(pid, top) == depth_of_it}
                - standing
                - killed
            ):
                time.sleep(0.1)
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            time.sleep(0.005)

    killer = threading.Thread(target=kill_five, daemon=True)
    killer.start()
    marked = one_by_one("import time; time.sleep(0.3)")
    killer.join(LONG)
    assert len(killed) == 5 and marked.again == 5 and marked.notebooks == right.notebooks


def test_a_submission_killed_each_time_is_named_and_no_other_is_touched(
    course, unbroken, tmp_path, monkeypatch
):
    copy, real = again(course, tmp_path), marker._mark

    def killed_each_time(assignment, pair, job, progress):
        if job.student == "learner-03":
            raise SandboxLost("exit -9")
        return real(assignment, pair, job, progress)

    monkeypatch.setattr(marker, "MOST_KILLED", 2)
    monkeypatch.setattr(marker, "_mark", killed_each_time)
    outcome = grader.grade(copy, "one", workers=2)
    assert [each.student for each in outcome.of("failed")] == ["learner-03"] and outcome.code == 1
    assert "exit -9" in str(outcome.of("failed")[0].reason)
    assert gradebook(copy) == {
        student: marks for student, marks in unbroken.items() if student != "learner-03"
    }
    monkeypatch.undo()
    finished(copy, unbroken)


ENDS_ITSELF = {
    "exit": "import os; os._exit(0)",
    "abort": "import os; os.abort()",
    "memory fault": "import ctypes; ctypes.string_at(0)",
    "hangs up": "import os; os.closerange(0, 256)",
    "processor time": """
import hashlib, threading
def burn():
    while True:
        hashlib.sha256(bytes(1 << 24))
for each in range(4):
    threading.Thread(target=burn, daemon=True).start()
burn()
""",
}


@pytest.mark.parametrize("way", ENDS_ITSELF)
def test_a_submission_that_ends_itself_is_marked_once(one_by_one, monkeypatch, way):
    tried, real = [], marker._mark
    monkeypatch.setattr(marker, "_mark", lambda *given: tried.append(1) or real(*given))
    marked = one_by_one(ENDS_ITSELF[way], Limits(seconds=3))
    assert (
        marked.notebooks["one"].cause in ("ended", "time") and len(tried) == 1 and marked.again == 0
    )


def test_the_first_mark_of_a_test_stands_though_its_process_is_killed_after_it(
    one_by_one, monkeypatch
):
    given, real = [], session._Session.take

    def wrong_at_first(marking, report):
        if isinstance(report, Marked):
            report = msgspec.structs.replace(report, points=0.0 if not given else report.points)
            given.append(report)
            real(marking, report)
            if len(given) == 1:
                os.kill(marking.runner.meter().root, signal.SIGKILL)
        else:
            real(marking, report)

    monkeypatch.setattr(session._Session, "take", wrong_at_first)
    marked = one_by_one("import time; time.sleep(0.1)")
    first = given[0].grade_id
    assert marked.again == 1 and marked.notebooks["one"].marks[first].points == 0.0
    assert [each.points for each in given if each.grade_id == first][1] > 0


def test_a_second_marking_is_told_in_the_report(course, unbroken, tmp_path, monkeypatch):
    real = marker.mark

    def killed_once(assignment, job):
        result = real(assignment, job)
        result.again = int(job.student == "learner-02")
        return result

    monkeypatch.setattr(marker, "mark", killed_once)
    outcome = grader.grade(again(course, tmp_path), "one", workers=2)
    assert [each.student for each in outcome.submissions if ("again", "") in each.notes] == [
        "learner-02"
    ]
    told = next(each for each in outcome.submissions if each.notes)
    assert outcome.code == 0 and "marked once more" in told.said[0].english


def test_ctrl_c_stops_cleanly_and_keeps_what_is_done(course, unbroken, tmp_path):
    copy = again(course, tmp_path)
    begun = run(copy)
    while marked_so_far(copy) < 12:  # six are under way at a time
        time.sleep(0.01)
    begun.send_signal(signal.SIGINT)
    assert begun.wait(timeout=LONG) == 130
    assert 0 < len(gradebook(copy)) < COHORT
    finished(copy, unbroken)


def test_a_line_of_the_journal_torn_by_a_crash_is_done_again(course, unbroken, tmp_path):
    copy = again(course, tmp_path)
    run(copy).wait()
    journal = copy / ".grader" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40])
    finished(copy, unbroken)


@pytest.mark.parametrize("lost", ["learner-03", "learner-03/one/one.ipynb"])
def test_a_marked_notebook_that_is_gone_is_written_by_the_next_run(
    course, unbroken, tmp_path, lost
):
    copy = again(course, tmp_path)
    run(copy).wait()
    place = copy / "autograded" / lost
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    finished(copy, unbroken)


def test_marked_notebooks_are_on_the_disk_before_the_journal_says_so(
    course, unbroken, tmp_path, monkeypatch
):
    """A power cut takes what was not written through; the journal must never say more."""
    copy, through = again(course, tmp_path), []
    real = os.fsync

    def watched(descriptor):
        through.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        return real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    grader.grade(copy, "one", students=["learner-03"], workers=1)
    places = [path.rpartition("/")[2] for path in through]
    assert places.index("one.ipynb") < places.index("learner-03") < places.index("journal.jsonl")


def test_a_locked_gradebook_is_named_and_nothing_of_the_batch_is_lost(
    course, unbroken, tmp_path, monkeypatch
):
    from grader.course import gradebook_database as module

    monkeypatch.setattr(module, "BUSY_MILLISECONDS", 300)
    copy = again(course, tmp_path)
    with contextlib.closing(sqlite3.connect(copy / "gradebook.db")) as other:
        other.execute("begin exclusive")
        with pytest.raises(GradebookProblem, match="locked"):
            grader.grade(copy, "one", workers=2)
    finished(copy, unbroken)


def test_a_gradebook_that_cannot_be_written_is_named(course, unbroken, tmp_path):
    """A trigger answers as a full or read-only disk makes the database answer."""
    copy = again(course, tmp_path)
    with contextlib.closing(sqlite3.connect(copy / "gradebook.db")) as database:
        database.execute(
            "create trigger full before insert on submitted_assignment begin select raise(abort, "
            "'disk is full'); end"
        )
    with pytest.raises(GradebookProblem, match="disk is full"):
        grader.grade(copy, "one", workers=2)
    assert not gradebook(copy)
    with contextlib.closing(sqlite3.connect(copy / "gradebook.db")) as database:
        database.execute("drop trigger full")
    finished(copy, unbroken)


def test_a_full_disk_is_named_and_the_next_run_goes_on(course, unbroken, tmp_path, monkeypatch):
    import errno

    copy, written = again(course, tmp_path), []
    real = os.fsync

    def full(descriptor):
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if path.endswith(".ipynb"):
            if len(written) >= 5:
                raise OSError(errno.ENOSPC, "No space left on device")
            written.append(path)
        return real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left"):
        grader.grade(copy, "one", workers=2)
    monkeypatch.undo()
    finished(copy, unbroken)


def test_two_graders_do_not_work_on_one_course(course, tmp_path):
    copy = again(course, tmp_path)
    with lock.locked(Course(copy)):
        second = run(copy)
        assert second.wait(timeout=LONG) == 2 and "Another grader" in second.stderr.read()


def test_a_second_run_does_nothing_and_a_changed_submission_alone_is_done(
    course, unbroken, tmp_path
):
    copy = again(course, tmp_path)
    run(copy).wait()
    assert {each.state for each in grader.grade(copy, "one").submissions} == {"unchanged"}
    coursework.hand_in(copy, "learner-04", "one", "# %% grade_id=total\ntotal = 45")
    graded = grader.grade(copy, "one").of("graded")
    assert [(each.student, each.changed) for each in graded] == [("learner-04", True)]


@pytest.mark.parametrize("cut", range(2, 60, 7))
def test_a_journal_cut_anywhere_reads_up_to_there_and_can_be_written_on(tmp_path, cut):
    path = tmp_path / "journal.jsonl"
    with contextlib.closing(Journal(path)) as journal:
        journal.append([Entry("one", "a", "graded"), Entry("one", "b", "running")])
    path.write_bytes(path.read_bytes()[:-cut])
    with contextlib.closing(Journal(path)) as journal:
        assert journal.of("one")["a"].state == "graded" and "b" not in journal.of("one")
        journal.append([Entry("one", "b", "failed")])
    with contextlib.closing(Journal(path)) as journal:
        assert journal.of("one")["b"].state == "failed"
