"""Where the time of one run goes: ``python -m benchmarks.grading_spans COURSE ASSIGNMENT
[--again]``.

Prints when each part began and ended, in seconds since the interpreter's start. Parts of one run
overlap: that is the point of them.
"""

import functools
import sys
import time

from grader.course import folder, gradebook, nbgrader_api
from grader.grading import calibrate, cohort, dependencies
from grader.marking import dispatch, marker, pair

PARTS = (
    (folder, "_settings", "the course's settings"),
    (pair.Shared, "__init__", "the sandbox started, libraries imported"),
    (calibrate, "read_source", "the source read, nbgrader imported"),
    (dependencies, "touched", "what the source's solution binds"),
    (pair.Shared, "told", "the sandbox told the assignment"),
    (pair.Pair, "__init__", "a worker's fork servers"),
    (calibrate.Calibration, "_marked", "the solution marked split"),
    (nbgrader_api.Comparison, "points", "waited for stock nbgrader's marks of it"),
    (gradebook.Book, "__init__", "the gradebook opened, the assignment entered"),
    (marker, "_mark", "submissions marked"),
    (cohort, "write_autograded", "notebooks written"),
    (gradebook.Book, "write", "marks written"),
    (dispatch.Local, "close", "the sandbox ended"),
)


def main() -> None:
    """Grade, and print the parts in the order in which they began."""
    seen: dict[str, list[float]] = {}
    for owner, name, title in PARTS:
        setattr(owner, name, _timed(getattr(owner, name), title, seen))
    since_start = time.clock_gettime(time.CLOCK_BOOTTIME) - _started()
    began = time.perf_counter() - since_start
    cohort.grade(sys.argv[1], sys.argv[2], workers=2, again="--again" in sys.argv)
    print(f"{'Python and the grader imported':48} {0:6.2f} to {since_start:6.2f}")
    for title, times in sorted(seen.items(), key=lambda each: each[1][0]):
        spent, often = times[2], int(times[3])
        print(
            f"{title:48} {times[0] - began:6.2f} to {times[1] - began:6.2f}: {spent:6.2f} s in "
            f"{often}"
        )
    print(f"{'all':48} {0:6.2f} to {time.perf_counter() - began:6.2f}")


def _timed(function, title: str, seen: dict[str, list[float]]):
    """Return a function that keeps when it was first begun and last ended, how long it ran in all,
    and how often."""

    @functools.wraps(function)
    def timed(*arguments, **options):
        start = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            end = time.perf_counter()
            first, last, spent, often = seen.get(title, [start, end, 0.0, 0])
            seen[title] = [min(first, start), max(last, end), spent + end - start, often + 1]

    return timed


def _started() -> float:
    """Return when this process was started, in seconds since the machine was."""
    with open("/proc/self/stat") as about:
        return int(about.read().rpartition(")")[2].split()[19]) / 100


if __name__ == "__main__":
    from grader.cli.main import SLOW_TO_IMPORT

    sys.modules.setdefault(SLOW_TO_IMPORT, None)
    main()
