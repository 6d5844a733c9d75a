"""This grader, stock nbgrader, and the bare cells in a warm fork, on the same submissions: ``python
-m benchmarks.grading``.

The three alternate in one run, medians are compared, and the marks too. The *limit* is the bare
execution of the same cells: one warm process forks for each submission, and the fork runs all its
cells, tests among them, with nothing around them; its start is not counted. Of the others the start
is counted.

Then come cohorts of 12, 30 and 240 (``--cohorts``): the command from its start to its end on a
course that was never graded, and once more. Stock nbgrader grades the same submissions in the same
run; of a cohort above 30 it grades the first 30, and its time for one counts. ``--large 1000``
grades so many besides, and tells what memory, files and processes did meanwhile.
"""

import argparse
import concurrent.futures
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import msgspec

from curriculum import notebooks, release
from curriculum.lessons import ROOT
from grader.course.folder import Course
from grader.course.handed_in import read_submission
from grader.grading import calibrate, cohort
from grader.marking import dispatch, marker, model
from grader.sandbox.sandbox import End, Process
from grader.sandbox.usage import descendants, memory_of

STUDENTS = (
    24  #: of each assignment, marked by all; six of each kind: right, right in French, empty, half
)
COHORTS = (12, 30, 240)  #: submissions of a new course, and of the same course later
STOCK_MOST = 30  #: that stock nbgrader grades of a cohort
TIMES = 10  #: how often each of them stands in the cohort that only this grader marks
KINDS = (
    ("en", 1.0),
    ("fr", 1.0),
    ("en", 0.0),
    ("fr", 0.5),
)  #: the language, and the share of tasks that is solved


def main() -> None:
    """Run the benchmark and print its table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument(
        "--cohorts", type=int, nargs="*", default=COHORTS, help="submissions of new courses"
    )
    options.add_argument(
        "--large", type=int, default=0, help="submissions of a cohort to grade for its memory"
    )
    options.add_argument("assignments", nargs="*", default=release.assignments())
    chosen = options.parse_args()
    if chosen.rounds < 1:
        options.error("--rounds has to be 1 or more")
    if any(size < 1 for size in chosen.cohorts):
        options.error("--cohorts have to be of 1 or more")
    for assignment in chosen.assignments:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            compare(assignment, chosen.rounds, Path(folder))
        new_courses(assignment, chosen.cohorts, chosen.rounds)
    if chosen.large:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            course = build(chosen.assignments[0], chosen.large, Path(folder))
            large(course, chosen.assignments[0], chosen.large)
            alone(course, chosen.assignments[0], chosen.large)


def build(assignment: str, students: int, folder: Path) -> Path:
    """Write this project's course with synthetic submissions of one assignment, and return its
    folder."""
    shutil.copytree(ROOT / "datasets", folder / "datasets")
    for part in ("nbgrader_config.py", "altered.py", "source", "french"):
        place = folder / "exercises" / part
        place.parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / "exercises" / part).is_dir() else shutil.copyfile)(
            ROOT / "exercises" / part, place
        )
    course = folder / "exercises"
    for other in set(release.assignments(course)) - {assignment}:
        shutil.rmtree(course / "source" / other)
    english = notebooks.read(course / "source" / assignment / f"{assignment}.ipynb")
    french = release.french_master(course, assignment)
    for language in release.RELEASES:
        release.release(language, course)
    for number in range(students):
        language, share = KINDS[number % len(KINDS)]
        released = notebooks.read(
            course / release.RELEASES[language] / assignment / f"{assignment}.ipynb"
        )
        master = english if language == "en" else french
        path = course / "submitted" / f"synthetic-{number:05}" / assignment / f"{assignment}.ipynb"
        notebooks.write(answered(released, master, share), path)
    return course


def answered(released, master, share: float):
    """Return a released notebook with the first part of its tasks solved."""
    sources = notebooks.cells_by_id(master)
    tasks = [cell for cell in released.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    for cell in tasks[: round(share * len(tasks))]:
        lines = sources[cell["id"]].source.splitlines()
        cell.source = "\n".join(
            line for line in lines if "### BEGIN" not in line and "### END" not in line
        )
    return released


def compare(assignment: str, rounds: int, folder: Path) -> None:
    """Time the systems in turns on one assignment and print what they took for a submission."""
    course = build(assignment, STUDENTS, folder)
    marks: dict[str, dict] = {}
    times: dict[str, list[float]] = {
        "stock": [],
        "ours, 1 worker": [],
        "ours, 2 workers": [],
        "limit": [],
    }
    grade(course, assignment, 1, only="nobody")  # the check of the source: once for an assignment
    for _ in range(rounds):
        times["stock"].append(stock(course, assignment) / STUDENTS)
        marks["stock"] = automatic(course, assignment)
        times["limit"].append(limit(course, assignment) / STUDENTS)
        fill_cohort(course, assignment)
        for workers in (1, 2):
            name = f"ours, {workers} worker{'s' * (workers > 1)}"
            times[name].append(grade(course, assignment, workers) / (STUDENTS * TIMES))
            marks[name] = automatic(course, assignment)
        unmake_cohort(course)
    middle = {name: statistics.median(each) for name, each in times.items()}
    size = STUDENTS * TIMES
    print(
        f"\n## {assignment}: {STUDENTS} submissions, {rounds} rounds; ours on {size}, start-up "
        "included\n"
    )
    for name, seconds in middle.items():
        ratios = (
            f"{middle['stock'] / seconds:6.1f} × stock, {seconds / middle['limit']:5.2f} × the "
            "limit"
        )
        print(f"  {name:16} {seconds:7.3f} s a submission, {ratios}")
    same = marks["stock"] == marks["ours, 2 workers"] == marks["ours, 1 worker"]
    compared = sum(map(len, marks["stock"].values()))
    print(f"  marks of the {STUDENTS}: {'all equal' if same else 'DIFFERENT'}, {compared} compared")
    for name, seconds in parts(course, assignment).items():
        print(f"  {name:52} {seconds:7.3f} s")
    if not same:
        sys.exit(1)


def new_courses(assignment: str, sizes: list[int], rounds: int) -> None:
    """Print what the first run of a new course takes, and a later one, for cohorts of several
    sizes."""
    if not sizes:
        return
    print(
        f"\n## {assignment}: new courses, 2 workers, {rounds} rounds, from the command's start to "
        "its end\n"
    )
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            course = build(assignment, size, Path(folder))
            new_course(course, assignment, size, rounds)
            if size == sizes[-1]:
                for title, options in (("first", []), ("later", ["--again"])):
                    print(
                        f"\n  Where the time of a {title} run of {size} goes, in seconds from its "
                        "start:\n"
                    )
                    if title == "first":
                        forget(course)
                    print(spans(course, assignment, *options))


def new_course(course: Path, assignment: str, size: int, rounds: int) -> None:
    """Time stock nbgrader, a first and a later run in turns on one cohort, and print a line."""
    beyond = sorted((course / "submitted").iterdir())[STOCK_MOST:]
    aside = course / "aside"
    times: dict[str, list[float]] = {"stock": [], "first": [], "later": []}
    same, compared = True, 0
    for _ in range(rounds):
        forget(course)
        aside.mkdir()
        for student in beyond:
            student.rename(aside / student.name)
        nbgrader(course, "generate_assignment", assignment, "--create", "--force")
        times["stock"].append(stock(course, assignment) / min(size, STOCK_MOST) * size)
        theirs = automatic(course, assignment)
        for student in beyond:
            (aside / student.name).rename(student)
        aside.rmdir()
        forget(course)
        times["first"].append(grade(course, assignment, 2))
        first = automatic(course, assignment)
        times["later"].append(grade(course, assignment, 2, again=True))
        later = automatic(course, assignment)
        same = same and theirs == {student: first[student] for student in theirs} and first == later
        compared = sum(map(len, theirs.values()))
    of_stock, first, later = (
        statistics.median(times[name]) for name in ("stock", "first", "later")
    )
    scaled = f" (of {STOCK_MOST}, for as many)" if beyond else ""
    print(f"  {size:4} submissions: stock {of_stock:6.1f} s{scaled}")
    for name, seconds in (("first", first), ("later", later)):
        print(f"       {name} run {seconds:6.1f} s, {of_stock / seconds:5.1f} × stock")
    print(f"       marks {'all equal' if same else 'DIFFERENT'}, {compared} compared")
    if not same:
        sys.exit(1)


def forget(course: Path) -> None:
    """Leave a course as it was before its first grading: released, and nothing else."""
    for name in (".grader", "autograded", "gradebook.db"):
        path = course / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def spans(course: Path, assignment: str, *options: str) -> str:
    """Return what a run tells of its parts."""
    command = [sys.executable, "-m", "benchmarks.grading_spans", str(course), assignment, *options]
    told = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, cwd=ROOT).stdout
    return "".join(f"    {line}\n" for line in told.splitlines())


def parts(course: Path, assignment: str) -> dict[str, float]:
    """Return where the time goes: processor seconds of a submission's two processes, and what is
    around them."""
    settings = Course(course)
    spec, _ = calibrate.prepare(settings, assignment)
    jobs = [
        read_submission(settings, assignment, student).job
        for student in settings.students(assignment)
    ]
    ended: list[End] = []
    end = Process.end

    def watched(*arguments, **options) -> End:
        ended.append(end(*arguments, **options))
        return ended[-1]

    began = time.perf_counter()
    marker.mark(spec, jobs[0])
    first = time.perf_counter() - began
    Process.end = watched
    try:
        began = time.perf_counter()
        for job in jobs:
            marker.mark(spec, job)
        whole = (time.perf_counter() - began) / len(jobs)
    finally:
        Process.end = end
        marker.forget_all()
    checkers, runners = (sum(each.seconds for each in ended[at::2]) / len(jobs) for at in (0, 1))
    return {
        "a worker's start, once a run": first - whole,
        "one submission after another, without the coordinator": whole,
        "  of this the checker: tests, values, outputs": checkers,
        "  the runner: the notebook read, learner's cells": runners,
        "  the rest: forks, seals, ends, messages": whole - checkers - runners,
    }


def fill_cohort(course: Path, assignment: str) -> None:
    """Let each submission stand in the cohort several times, under other ids."""
    for student in sorted((course / "submitted").iterdir()):
        for number in range(1, TIMES):
            shutil.copytree(student, student.with_name(f"{student.name}-copy{number}"))


def unmake_cohort(course: Path) -> None:
    """Leave the submissions that all systems mark."""
    for step in ("submitted", "autograded"):
        for copy in (course / step).glob("*-copy*"):
            shutil.rmtree(copy)


def stock(course: Path, assignment: str) -> float:
    """Return the seconds of nbgrader's own autograde."""
    shutil.rmtree(course / "autograded", ignore_errors=True)
    began = time.perf_counter()
    nbgrader(course, "autograde", assignment)
    return time.perf_counter() - began


def nbgrader(course: Path, *words: str) -> None:
    """Run a command of stock nbgrader."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PORTAIL_")}
    command = [str(Path(sysconfig.get_path("scripts")) / "nbgrader"), *words]
    subprocess.run(command, cwd=course, check=True, capture_output=True, env=clean)


def grade(
    course: Path, assignment: str, workers: int, only: str | None = None, again: bool = False
) -> float:
    """Return the seconds of this grader's command, from nothing graded, or with ``--again`` from
    all graded."""
    if not again:
        (course / ".grader" / "journal.jsonl").unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "grader",
        "grade",
        assignment,
        "--course",
        str(course),
        "--workers",
        str(workers),
    ]
    began = time.perf_counter()
    options = [*(["--student", only] if only else []), *(["--again"] if again else [])]
    subprocess.run(command + options, check=True, capture_output=True)
    return time.perf_counter() - began


def automatic(course: Path, assignment: str) -> dict[str, dict[str, float | None]]:
    """Return the automatic marks of the submissions that all systems mark."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        submissions = gradebook.assignment_submissions(assignment)
        return {
            each.student.id: {
                grade.name: grade.auto_score
                for notebook in each.notebooks
                for grade in notebook.grades
            }
            for each in submissions
            if "-copy" not in each.student.id
        }


def limit(course: Path, assignment: str) -> float:
    """Return the seconds of the bare cells, each submission in a fork of one warm process, whose
    start is not counted."""
    settings = Course(course)
    command = [sys.executable, "-m", "benchmarks.grading_limit", str(course), assignment]
    environment = {**os.environ, **settings.view.environment}
    done = subprocess.run(
        command, check=True, text=True, stdout=subprocess.PIPE, env=environment, cwd=ROOT
    )
    return float(done.stdout.split()[-1])


def large(course: Path, assignment: str, students: int) -> None:
    """Grade a large cohort and print how memory, files and processes grew from its first tenth to
    its end."""
    command = [
        sys.executable,
        "-m",
        "grader",
        "grade",
        assignment,
        "--course",
        str(course),
        "--workers",
        "2",
    ]
    before = left()
    began, seen = time.perf_counter(), []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            time.sleep(0.5)
            done = graded(course)
            with contextlib.suppress(OSError, ValueError):
                files = len(os.listdir(f"/proc/{run.pid}/fd"))
                seen.append((done, resident(run.pid), files, len(descendants(run.pid))))
    seconds = time.perf_counter() - began
    early = [each for each in seen if students * 0.1 <= each[0] <= students * 0.2]
    late = [each for each in seen if students * 0.9 <= each[0] < students]
    print(
        f"\n## {students} submissions of {assignment}: {seconds:.0f} s, "
        f"{students / seconds * 60:.0f} a minute\n"
    )
    for at, name in enumerate(("memory (MB)", "open files", "processes"), 1):
        first, last = (statistics.median(each[at] for each in part) for part in (early, late))
        print(
            f"  {name:12} {first:8.0f} in the second tenth, {last:8.0f} in the last: "
            f"{last - first:+.0f}"
        )
    print(f"  files left in the temporary folder: {len(left() - before)}")


def left() -> set[Path]:
    """Return what graders have in the temporary folder now; a killed one leaves its own behind."""
    return set(Path(tempfile.gettempdir()).glob("grader-*"))


class _Echo:
    """A pool that marks nothing: it gives each submission the marks of the first."""

    def __init__(self, result: model.Result):
        self.result, self.workers = result, 2

    def warm(self) -> None:
        """Do nothing."""

    def submit(self, job: model.Job) -> concurrent.futures.Future:
        """Return a result at once."""
        future: concurrent.futures.Future = concurrent.futures.Future()
        future.set_result(model.Result(job.student, self.result.notebooks))
        return future

    def close(self) -> None:
        """Do nothing."""


def alone(course: Path, assignment: str, students: int) -> None:
    """Print what the coordinator itself takes for a submission, which no other machine takes from
    it."""
    settings = Course(course)
    spec, _ = calibrate.prepare(settings, assignment)
    job = read_submission(settings, assignment, settings.students(assignment)[0]).job
    result = marker.mark(spec, job)
    marker.forget_all()
    pool, dispatch.pool = dispatch.pool, lambda *_: _Echo(result)
    try:
        cohort.grade(
            course, assignment, students=[], again=True
        )  # what is slow to import is imported
        began = time.perf_counter()
        cohort.grade(course, assignment, again=True)
        seconds = (time.perf_counter() - began) / students
    finally:
        dispatch.pool = pool
    sent, back = len(msgspec.msgpack.encode(job)) / 1024, len(msgspec.msgpack.encode(result)) / 1024
    print(
        f"  the coordinator alone: {seconds * 1000:.1f} ms a submission, {60 / seconds:,.0f} a "
        f"minute at most; {sent:.0f} KB go out and {back:.0f} KB come back"
    )


def graded(course: Path) -> int:
    """Return how many submissions the journal has as graded."""
    journal = course / ".grader" / "journal.jsonl"
    return journal.read_bytes().count(b'"state":"graded"') if journal.exists() else 0


def resident(pid: int) -> float:
    """Return the memory of a process and all below it, in MB; pages that they share are counted
    once."""
    return memory_of([pid, *descendants(pid)]) / (1 << 20)


if __name__ == "__main__":
    main()
