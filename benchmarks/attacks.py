"""The attacks of tests/attacks on stock nbgrader and on this grader, side by side: ``python -m
benchmarks.attacks``.

Each attack runs alone, in a box that is thrown away: namespaces of its own, a read-only system, a
copy of the course in a small /tmp, no network but an empty loopback, limits on memory, files and
process ids, and an end. What is compared is what an instructor would find afterwards: marks,
canaries that came back, other people's work, what is still there.
"""

import argparse
import contextlib
import fnmatch
import io
import json
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests import attacks
from tests.helpers import coursework

ROOT = Path(__file__).parent.parent
INSIDE = Path("/tmp/course")  # where a grader finds the course, in the box
SECONDS = 180  # of one attack; then the box is removed
UNSHARE = [
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--net",
    "--ipc",
    "--uts",
    "--cgroup",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--propagation",
    "private",
]

# Builds the box and runs the grader in it. Whatever follows the grader reports: the course goes out
# as an archive.
SCRIPT = r"""
set -eu
BOX=$1 COURSE=$2 KEPT=$3 SECRET=$4; shift 4
mount -t tmpfs -o size=1m box "$BOX" && mkdir "$BOX/root" && mount --rbind / "$BOX/root"
cut -d ' ' -f 5 /proc/self/mountinfo | while read -r place; do
    case "$place" in "$BOX/root"*) mount -o remount,bind,ro "$place" 2>/dev/null || true;; esac
done
cd "$BOX/root"
mount -t tmpfs -o size=600m,mode=755 tmp tmp
mkdir tmp/old tmp/home tmp/kept && cp -a "$COURSE" tmp/course
for place in $KEPT; do  # what the grader runs from, where it lies in a folder that the box replaces
    case "$place" in /tmp/*) mkdir -p ".$place" && mount --rbind "$place" ".$place";; esac
done
for place in run var/tmp sys; do mount -t tmpfs -o size=64m tmp $place; done
for place in $SECRET; do mount -t tmpfs -o size=4k,ro secret ".$place"; done
mkdir tmp/dev
for name in null zero full random urandom; do touch tmp/dev/$name; mount --bind dev/$name tmp/dev/$name; done
mount --rbind tmp/dev dev && mkdir dev/shm && mount -t tmpfs -o size=200m shm dev/shm && ln -s /proc/self/fd dev/fd
mount -t proc proc proc
pivot_root . tmp/old && umount -l /tmp/old
echo 600 > /proc/sys/kernel/pid_max || echo "no limit of processes" > /tmp/unlimited
ip link set lo up 2>/dev/null || true
ulimit -v 6000000 -f 2000000 -n 1024 -c 0
cd /tmp/course
python3 -c "$LISTEN" >/dev/null 2>&1 </dev/null &
if [ "$HEAVY" = processes ] && [ -e /tmp/unlimited ]; then echo "not run: no limit of processes" > told.txt
else timeout -s KILL "$LIMIT" "$@" > told.txt 2>&1 </dev/null || echo "exit $?" >> told.txt; fi
mark="attack-was""-here"
{ grep -l "$mark" /proc/[0-9]*/comm /proc/[0-9]*/cmdline || true
  grep -h "$mark" /proc/self/mountinfo /proc/net/unix || true
  find /tmp /dev/shm /run /var/tmp -name "*$mark*" -not -path "/tmp/course/autograded/$STUDENT/*" || true
} > left.txt 2>/dev/null
find . -mindepth 40 -delete 2>/dev/null || true
find . -size +20M -delete 2>/dev/null || true
tar --hard-dereference -cf - .
"""  # noqa: E501
LISTEN = f"""
import socket, threading
def serve(kind, address, family):
    with socket.socket(family, kind) as here:
        here.bind(address)
        if kind == socket.SOCK_STREAM:
            here.listen()
        while True:
            here.accept() if kind == socket.SOCK_STREAM else here.recv(100)
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    threading.Thread(target=serve, args=(kind, {attacks.LISTENER!r}, socket.AF_INET)).start()
serve(socket.SOCK_STREAM, {attacks.ABSTRACT!r}, socket.AF_UNIX)
"""


def stock(attack: attacks.Attack) -> list[str]:
    """Return the command that grades one attack as nbgrader does."""
    nbgrader = str(Path(sysconfig.get_path("scripts")) / "nbgrader")
    return [nbgrader, "autograde", attack.assignment, "--student", attack.student, "--create"]


def ours(attack: attacks.Attack) -> list[str]:
    """Return the command that grades one attack with this grader."""
    asked = f"pathlib.Path({str(INSIDE)!r}), {attack.assignment!r}, students=[{attack.student!r}]"
    person = [
        "unshare",
        "--user",
        "--map-user=1000",
        "--map-group=1000",
    ]  # no administrator: the box has no other user
    return [*person, sys.executable, "-c", f"import grader, pathlib; grader.grade({asked})"]


GRADERS: dict[str, Callable[[attacks.Attack], list[str]]] = {"stock": stock, "ours": ours}


@dataclass
class Found:
    """What an attack obtained from one grader.

    Attributes:
        marks: by test cell; None where there is no mark.
        canaries: what came back of what it must not read.
        reached: what it says that it reached.
        damage: what of others' was changed.
        left: processes, mounts and files that were still there.
        seconds: wall time, with the start of the grader.
        told: the end of what the grader said.
    """

    marks: dict[str, float | None] = field(default_factory=dict)
    canaries: list[str] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0
    told: str = ""


def prepare(folder: Path, checked: bool = False) -> Path:
    """Return the course of the attacks as every attack finds it, with the neighbour's work graded.

    Args:
        folder: where to build it.
        checked: whether this grader may look at the source's own solution now, once, rather than in
            every box.
    """
    course = attacks.build(folder / "course")
    for assignment in attacks.ASSIGNMENTS:
        done = coursework.nbgrader(
            course, "autograde", assignment, "--student", "neighbour", "--create"
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        if checked:
            import grader

            grader.grade(course, assignment, students=["neighbour"])
    return course


def run(
    attack: attacks.Attack,
    course: Path,
    grader: Callable[[attacks.Attack], list[str]],
    seconds: float = SECONDS,
) -> Found:
    """Let one grader grade one attack, in a fresh copy of a course, in a box of its own.

    Args:
        attack: one of ``attacks.load()``.
        course: what ``prepare`` made; it is left as it is.
        grader: gives the command to run, for a student's id; in the box the course is in
            ``INSIDE``.
        seconds: after which the box is removed, whatever is in it.
    """
    with tempfile.TemporaryDirectory(prefix="attack-", ignore_cleanup_errors=True) as away:
        copy = coursework.copy_course(course, Path(away) / "course")
        config = copy / "nbgrader_config.py"
        config.write_text(
            config.read_text("utf-8").replace(repr(str(copy)), repr(str(INSIDE))), "utf-8"
        )
        attacks.hand_in(copy, attack)
        box = Path(away) / "box"
        box.mkdir()
        kept = " ".join(sorted({str(ROOT), sys.prefix, sys.base_prefix}))
        environment = {
            "PATH": f"{sysconfig.get_path('scripts')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"  # noqa: E501
            ":/sbin:/bin",
            "HOME": "/tmp/home",
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LISTEN": LISTEN,
            "LIMIT": str(seconds),
            "HEAVY": attack.heavy,
            "STUDENT": attack.student,
            **attacks.ENVIRONMENT,
        }
        script = [
            *UNSHARE,
            "bash",
            "-c",
            SCRIPT,
            "box",
            str(box),
            str(copy),
            kept,
            str(ROOT / "tests"),
        ]
        start = time.perf_counter()
        try:
            done = subprocess.run(
                [*script, *grader(attack)],
                capture_output=True,
                env=environment,
                timeout=seconds + 30,
            )
        except subprocess.TimeoutExpired:
            return Found(told="the box was removed", seconds=time.perf_counter() - start)
        found = look(attack, course, done.stdout, Path(away) / "after")
        found.seconds = time.perf_counter() - start
        if not found.told:
            found.told = done.stderr.decode("utf-8", "replace")[-1000:]
        return found


def look(attack: attacks.Attack, before: Path, archive: bytes, after: Path) -> Found:
    """Return what is found in the course that came out of a box."""
    after.mkdir()
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(after, filter=_plain)
    except tarfile.TarError:
        return Found(told="nothing came out of the box")
    told = (
        (after / "told.txt").read_text("utf-8", "replace") if (after / "told.txt").exists() else ""
    )
    found = Found(told=told[-1000:])
    try:
        found.marks = coursework.marks(after, attack.assignment).get(attack.student, {})
        found.damage = [
            f"marks of {who}"
            for who in ("neighbour", "read-by-a-person")
            if attacks.rows(before, who) != attacks.rows(after, who)
        ]
    except Exception as error:  # the gradebook itself may be what was struck
        found.damage.append(f"gradebook: {type(error).__name__}")
        if any(manual is not None for _, _, manual, _ in attacks.rows(after, attack.student)):
            found.damage.append("its own manual marks")
    found.damage += [
        part
        for part in ("source", "submitted/neighbour", "autograded/neighbour")
        if _content(before / part) != _content(after / part)
    ]
    graded = after / "autograded" / attack.student
    found.canaries = sorted(set().union(*attacks.loot(graded).values())) if graded.is_dir() else []
    found.reached = sorted({line for line in _shown(graded) if line.startswith("REACHED ")})[:20]
    if (after / "left.txt").exists():
        found.left = (after / "left.txt").read_text("utf-8", "replace").splitlines()[:20]
    return found


def _shown(graded: Path) -> list[str]:
    """Return the lines that cells printed in what was graded."""
    texts = []
    for path in graded.rglob("*.ipynb"):
        with contextlib.suppress(
            ValueError, KeyError, TypeError, AttributeError
        ):  # an attack may have written it
            outputs = (
                each
                for cell in json.loads(path.read_bytes())["cells"]
                for each in cell.get("outputs", [])
            )
            texts += ["".join(output.get("text", "")) for output in outputs]
    return "".join(texts).splitlines()


def _plain(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
    """Let files and folders out of an archive, and nothing else that an attack may have left."""
    return tarfile.data_filter(member, path) if member.isfile() or member.isdir() else None


def _content(path: Path) -> dict[str, bytes]:
    """Return a folder's files."""
    return {
        str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()
    }


def gain(attack: attacks.Attack, found: Found) -> float:
    """Return the points obtained beyond what the answers honestly deserve."""
    return sum(
        max((found.marks.get(cell) or 0) - max(honest), 0) for cell, honest in attack.honest.items()
    )


def table(rows: list[tuple[attacks.Attack, dict[str, Found]]], names: list[str]) -> str:
    """Return the comparison as a Markdown table."""
    titles = [
        "attack",
        "honest",
        *(f"{name}: {what}" for name in names for what in ("marks", "gain", "else")),
    ]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for attack, found in rows:
        cells = [
            attack.name,
            " ".join("/".join(f"{mark:g}" for mark in honest) for honest in attack.honest.values()),
        ]
        for name in names:
            each = found[name]
            given = [each.marks.get(cell) for cell in attack.honest]
            cells.append(" ".join("-" if mark is None else f"{mark:g}" for mark in given))
            cells.append(f"{gain(attack, each):g}")
            kinds = sorted({canary.split("-")[1].lower() for canary in each.canaries})
            more = {
                "read": ", ".join(kinds),
                "changed": ", ".join(each.damage),
                "reached": len(each.reached),
                "left": len(each.left),
            }
            cells.append("; ".join(f"{what} {which}" for what, which in more.items() if which))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the attacks and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(GRADERS), help="one grader alone")
    parser.add_argument("--attack", default="*", help="a pattern of names, such as 'forge/*'")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="most of one attack")
    parser.add_argument("--json", type=Path, help="where to write all that was found")
    options = parser.parse_args()
    names = [options.only] if options.only else list(GRADERS)
    chosen = [attack for attack in attacks.load() if fnmatch.fnmatch(attack.name, options.attack)]
    rows, told = [], []
    with tempfile.TemporaryDirectory(prefix="attacks-") as away:
        course = prepare(Path(away), "ours" in names)
        for number, attack in enumerate(chosen, 1):
            found = {name: run(attack, course, GRADERS[name], options.seconds) for name in names}
            rows.append((attack, found))
            said = "; ".join(
                f"{name} {it.seconds:.0f} s, gain {gain(attack, it):g}"
                for name, it in found.items()
            )
            print(f"{number}/{len(chosen)} {attack.name}: {said}", file=sys.stderr, flush=True)
            each = {name: asdict(found[name]) for name in names}
            told.append({"attack": attack.name, "honest": attack.honest, **each})
            if options.json:
                options.json.write_text(json.dumps(told, indent=1), "utf-8")
    print(table(rows, names))
    for name in names:
        gained = sum(gain(attack, found[name]) > 0 for attack, found in rows)
        leaked = sum(bool(found[name].canaries) for _, found in rows)
        struck = sum(bool(found[name].damage) for _, found in rows)
        print(
            f"\n{name}: of {len(rows)}, {gained} gained marks, {leaked} read what is hidden, "
            f"{struck} struck others."
        )


if __name__ == "__main__":
    main()
