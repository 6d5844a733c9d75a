"""The attacks: submissions that try to forge, read, write, exhaust, reach out, outlive, or strike
whoever reads them.

Each is a text of tests/helpers/coursework.py in the folder of its family. ``# marks:`` says what
its answers honestly deserve (``0|2``: either is fair), ``# exact:`` the cells whose mark is that
and not less, ``# right:`` the tasks that it answers rightly (``rest``: all that it does not answer
otherwise, which then deserve their marks exactly), ``# course: lab`` which of the two assignments
it is handed in for, and ``# heavy:`` what of a machine it would use up. They only ever run inside
throw-away sandboxes; they are no modules, so that nothing runs them by mistake; and they prove what
they reached by traces that harm nobody: a file, a process or a mount named MARK, a printed ``LOOT …
CANARY-…``, a printed ``REACHED …``.
"""

import contextlib
import json
import os
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from tests.helpers import coursework

HERE = Path(__file__).parent
COURSE = HERE / "course"
ASSIGNMENTS = {"trial": "right.txt", "lab": "right_lab.txt"}
TESTS = ("total-test", "double-test", "table-test", "words-test")
LAB = {
    f"{task}-test"
    for task in [
        "mean",
        "totals",
        "total",
        "share",
        "best",
        "add",
        "keep",
        "evens",
        "big",
        "report",
        "last",
    ]
}
BESIDE = {
    "helper-test",
    "pickle-test",
    "rule-test",
    "form-test",
}  #: of the lab, the tests that run what answers say
FAMILIES = (
    "forge",
    "read",
    "write",
    "exhaust",
    "reach_out",
    "outlive",
    "attack_reader",
    "duck_values",
    "written_back",
    "beside_tests",
    "oracle",
    "hoard",
    "honest_slips",
)
#: in the name of every file, process, mount and socket that an attack leaves
MARK = "attack-was-here"
#: where attacks knock, by TCP and UDP, ::1 too, and the abstract socket
LISTENER, ABSTRACT = ("127.0.0.1", 18713), "\0attack-listener"
CANARY = re.compile(r"CANARY-[A-Z]+-[0-9a-f]{8}")
NEIGHBOUR, GRADEBOOK = "CANARY-NEIGHBOUR-2be6a951", "CANARY-GRADEBOOK-60d8fc37"
ENVIRONMENT = {
    "GRADING_TOKEN": "CANARY-ENVIRONMENT-d3175e08"
}  #: what the process that grades is started with


@dataclass(frozen=True)
class Run:
    """What tells one run of the attacks from another on the same machine.

    Attributes: mark: in place of MARK. listener: in place of LISTENER. abstract: in place of
        ABSTRACT.
    """

    mark: str = MARK
    listener: tuple[str, int] = LISTENER
    abstract: str = ABSTRACT

    def written(self, text: str) -> str:
        """Return a text of an attack that knocks and leaves its mark where this run looks."""
        text = text.replace(MARK, self.mark).replace(str(LISTENER[1]), str(self.listener[1]))
        return text.replace(ABSTRACT.strip("\0"), self.abstract.strip("\0"))


ANY = Run()


@dataclass(frozen=True)
class Attack:
    """A hostile submission.

    Attributes: name: ``family/what``. says: what it tries, in one sentence. text: for
        ``coursework.hand_in``. honest: by test cell, the marks that are fair. exact: the cells that
        must have just that; the others may have less. heavy: what it would use up (``"memory"``,
        ``"disk"``, ``"processes"``, ``"time"``), or nothing. assignment: which it is handed in for.
    """

    name: str
    says: str
    text: str
    honest: dict[str, tuple[float | None, ...]]
    exact: frozenset[str]
    heavy: str
    assignment: str = "trial"

    @property
    def family(self) -> str:
        return self.name.partition("/")[0]

    @property
    def student(self) -> str:
        return self.name.replace("/", "-")


def load(pattern: str = "*/*.txt") -> list[Attack]:
    """Return the attacks, by family and name."""
    paths = sorted(
        HERE.glob(pattern), key=lambda path: (FAMILIES.index(path.parent.name), path.stem)
    )
    return [read(path) for path in paths]


def read(path: Path) -> Attack:
    """Return the attack of a file, with the right answers and the helper that it asks for written
    out."""
    text = path.read_text("utf-8")
    about = coursework.parse(text)
    assignment = about.header.get("course", "trial")
    right = coursework.parse((HERE / ASSIGNMENTS[assignment]).read_text("utf-8")).parts
    tasks = [part.options["grade_id"] for part in right]
    wanted, marks = about.header.get("right", "").split(), dict(about.marks)
    exact = set(about.header.get("exact", "").split())
    if wanted == ["rest"]:
        wanted = [
            task
            for task in tasks
            if task not in {part.options.get("grade_id") for part in about.parts}
        ]
        deserved = {
            f"{task}-test": (1.0,) for task in wanted if f"{task}-test" not in {*BESIDE, *marks}
        }
        marks |= deserved
        exact |= set(deserved)
    answers = [
        f"# %% grade_id={part.options['grade_id']}\n{part.source}"
        for part in right
        if part.options["grade_id"] in wanted
    ]
    if about.header.get("uses"):
        answers.insert(0, f"# %% before=setup\n{(HERE / 'keep.txt').read_text('utf-8')}")
    return Attack(
        f"{path.parent.name}/{path.stem}",
        about.says,
        "\n\n".join([*answers, text[text.index("# %%") :]]),
        marks,
        frozenset(TESTS if exact == {"all"} else exact),
        about.header.get("heavy", ""),
        assignment,
    )


def build(destination: Path) -> Path:
    """Write the course of the attacks, with a neighbour's graded work and canaries in what learners
    must not read.

    The neighbour's answers are right; the gradebook has a comment and marks of somebody who was
    read by a person.
    """
    course = coursework.build_course(COURSE, destination)
    memo = f"\n\n# %% grade_id=memo\nMy own memo. {NEIGHBOUR}"
    coursework.hand_in(course, "neighbour", "trial", (HERE / "right.txt").read_text("utf-8") + memo)
    coursework.hand_in(course, "neighbour", "lab", (HERE / "right_lab.txt").read_text("utf-8"))
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook, gradebook.db.no_autoflush:
        gradebook.add_student("read-by-a-person", first_name="Synthetic", last_name=GRADEBOOK)
        gradebook.update_or_create_submission("trial", "read-by-a-person")
        grade = gradebook.find_grade("memo", "trial", "trial", "read-by-a-person")
        grade.manual_score, grade.needs_manual_grade = 1.0, False
        gradebook.find_comment(
            "memo", "trial", "trial", "read-by-a-person"
        ).manual_comment = GRADEBOOK
        gradebook.db.commit()
    return course


def hand_in(course: Path, attack: Attack, run: Run = ANY) -> Path:
    """Hand in an attack, as a run has it."""
    text = run.written(attack.text)
    return coursework.hand_in(course, attack.student, attack.assignment, text)


def loot(folder: Path) -> dict[str, set[str]]:
    """Return the canaries that came back in what was made of a submission, by file: outputs,
    answers, other files.

    Test cells and the traces of their errors are left out: ``autograded/`` keeps them whole, for
    instructors.
    """
    found = {}
    for path in sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
    ):
        text = path.read_bytes().decode("utf-8", "replace")
        with contextlib.suppress(
            ValueError, KeyError, TypeError, AttributeError
        ):  # else it is no notebook, and text
            text = "".join(map(_shown, json.loads(text)["cells"]))
        if canaries := set(CANARY.findall(text)):
            found[str(path.relative_to(folder))] = canaries
    return found


def _shown(cell: dict) -> str:
    """Return what of a cell may hold something that learner code obtained."""
    about = cell["metadata"].get("nbgrader", {})
    is_test = about.get("grade") and not about.get("solution")
    outputs = [
        output
        for output in cell.get("outputs", [])
        if not (is_test and output["output_type"] == "error")
    ]
    return json.dumps([None if is_test else cell["source"], outputs])


def rows(course: Path, of: str) -> list[tuple]:
    """Return a person's rows of the gradebook: cell, automatic and manual mark, whether a person
    has to read."""
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as database:
        return database.execute(
            "select base_cell.name, auto_score, manual_score, needs_manual_grade from grade join "
            "base_cell on grade.cell_id = base_cell.id join submitted_notebook on "
            "grade.notebook_id = submitted_notebook.id join submitted_assignment on "
            "submitted_notebook.assignment_id = submitted_assignment.id where student_id = ? "
            "order by 1",
            (of,),
        ).fetchall()


def traces(*folders: Path, mark: str = MARK) -> list[str]:
    """Return what carries a run's mark: processes, mounts and sockets that can be seen, and files
    in the folders given."""
    found = [
        str(path)
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if mark in path.name
    ]
    for table in ("/proc/self/mountinfo", "/proc/net/unix"):
        if Path(table).exists():
            found += [
                line
                for line in Path(table).read_text("utf-8", "replace").splitlines()
                if mark in line
            ]
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            for part in ("cmdline", "comm"):
                try:
                    text = Path("/proc", entry, part).read_text("utf-8", "replace")
                except OSError:
                    continue
                if mark in text:
                    found.append(f"process {entry}: {text.strip()[:80]}")
    return found
