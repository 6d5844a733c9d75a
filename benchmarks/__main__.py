"""Timings as ratios of systems measured side by side in one run: ``python -m benchmarks``.

Each pair alternates, so that whatever else the machine does strikes both; medians are compared.
Nothing here is a test: how long a thing takes on one machine says little of another, and the ratio
says more.
"""

import functools
import http.server
import os
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pandas as pd
import requests

import portail
from curriculum import execute, notebooks
from curriculum.lessons import LANGUAGES, ROOT, Curriculum
from portail import datasets

LEARNERS, QUESTIONS = 30, 12


def main() -> None:
    """Run every benchmark and print what it found."""
    os.environ["PORTAIL_MODE"] = "snapshot"
    for part in (loading, room, hanging_portal, lessons):
        print(f"\n## {part.__doc__.splitlines()[0]}\n")
        part()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of this process: {peak:,.0f} MB")


def alternate(rounds: int, *systems) -> list[list[float]]:
    """Time callables in turns and return each one's seconds."""
    times = [[] for _ in systems]
    for _ in range(rounds):
        for at, system in enumerate(systems):
            start = time.perf_counter()
            system()
            times[at].append(time.perf_counter() - start)
    return times


def loading() -> None:
    """Reading a table: portail.load against bare pandas.read_csv of the same file"""
    for name in ("nap5", "service-inventory", "consultations"):
        path = datasets.find(name).rows_path()
        portail.load(name)  # import and caches
        ours, bare = alternate(
            15, lambda name=name: portail.load(name), lambda path=path: pd.read_csv(path)
        )
        a, b = statistics.median(ours), statistics.median(bare)
        print(f"{name:20} load {a * 1e3:6.1f} ms   read_csv {b * 1e3:6.1f} ms   ratio {a / b:4.2f}")


def room() -> None:
    """A room of 30 learners at once: the mirror against a bare file server sending the same
    table"""
    dataset = datasets.find("service-inventory")
    server = subprocess.Popen(
        [sys.executable, "-m", "portail.commands", "--lang", "en", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    base = next(
        word for word in server.stdout.readline().split() if word.startswith("http")
    ).rstrip(".")
    handler = functools.partial(_QuietFiles, directory=str(dataset.folder))
    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=files.serve_forever, daemon=True).start()
    path = dataset.portal["download"].removeprefix("https://open.canada.ca")
    plain = f"http://127.0.0.1:{files.server_address[1]}/{dataset.rows_path().name}"
    resource_id = dataset.portal["resource_id"]
    questions = [
        (base + path, None),
        (base + "/data/api/action/package_search", {"q": "covid", "rows": 100}),
        (
            base + "/data/api/action/datastore_search",
            {"resource_id": resource_id, "limit": 100, "offset": 500},
        ),
    ]
    try:
        requests.get(base + path, timeout=60)  # what is read once is read before the learners come
        requests.get(*questions[1], timeout=60)
        mixed, errors = _learners([questions[at % 3] for at in range(QUESTIONS)])
        table, more = _learners([(base + path, None)] * QUESTIONS)
        bare, _ = _learners([(plain, None)] * QUESTIONS)
        memory = _memory(server.pid)
    finally:
        server.terminate()
        files.shutdown()
    told = {
        "mirror, mixed questions": mixed,
        "mirror, the table": table,
        "file server, the table": bare,
    }
    for name, times in told.items():
        p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        print(f"{name:26} p50 {p50 * 1e3:7.1f} ms   p95 {p95 * 1e3:7.1f} ms")
    print(
        f"ratio of medians, table: {statistics.median(table) / statistics.median(bare):.2f}   "
        f"errors: {errors + more} of {LEARNERS * QUESTIONS * 2}   memory of the mirror: "
        f"{memory:,.0f} MB"
    )


class _QuietFiles(http.server.SimpleHTTPRequestHandler):
    """A file server that says nothing."""

    def log_message(self, *_):
        """Say nothing."""


def _learners(questions: list) -> tuple[list[float], int]:
    """Let all learners ask their questions at once; return the seconds of each answer and how many
    failed."""

    def learner(_):
        times, failed = [], 0
        with requests.Session() as asking:
            for address, parameters in questions:
                start = time.perf_counter()
                try:
                    asking.get(address, params=parameters, timeout=60).raise_for_status()
                except requests.RequestException:
                    failed += 1
                times.append(time.perf_counter() - start)
        return times, failed

    with ThreadPoolExecutor(LEARNERS) as pool:
        found = list(pool.map(learner, range(LEARNERS)))
    return [each for times, _ in found for each in times], sum(failed for _, failed in found)


def _memory(pid: int) -> float:
    """Return a process's resident memory in MB (Linux), or NaN."""
    try:
        with open(f"/proc/{pid}/statm") as status:
            return int(status.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return float("nan")


def hanging_portal() -> None:
    """Starting in auto mode with a portal that never answers, against starting on the copy"""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        code = "import portail; portail.load('nap5'); portail.load('service-inventory')"

        def start(mode: str):
            subprocess.run(
                [sys.executable, "-c", code],
                check=True,
                stdout=subprocess.DEVNULL,
                env=os.environ | {"PORTAIL_MODE": mode, "PORTAIL_URL": address},
            )

        auto, copy = alternate(3, lambda: start("auto"), lambda: start("snapshot"))
    a, b = statistics.median(auto), statistics.median(copy)
    print(
        f"auto {a:5.2f} s   snapshot {b:5.2f} s   waited {a - b:5.2f} s (at most 10 promised)   "
        f"ratio {a / b:4.1f}"
    )


def lessons() -> None:
    """Running each lesson in a fresh kernel, against a kernel that runs one empty cell"""

    def empty():
        execute.run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))

    for lesson in Curriculum.read().written():
        for language in LANGUAGES:
            path = lesson.path(language)
            whole, start = alternate(3, lambda path=path: execute.run(notebooks.read(path)), empty)
            a, b = statistics.median(whole), statistics.median(start)
            print(
                f"{language} {lesson.slug:24} {a:5.2f} s   empty kernel {b:5.2f} s   ratio "
                f"{a / b:4.1f}"
            )


if __name__ == "__main__":
    main()
