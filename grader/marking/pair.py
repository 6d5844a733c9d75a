"""An assignment's sandbox, which all workers share, and each worker's fork servers in it."""

import os
import tempfile
import threading
import zipfile
from io import BytesIO
from pathlib import Path

import msgspec

from commons.places import learner_libraries
from grader.marking import shell
from grader.marking.model import Assignment
from grader.sandbox.forkserver import View, preload
from grader.sandbox.sandbox import BranchServer, Sandbox, SandboxLost

_PRELOAD = [
    "grader.marking.runner",
    "grader.marking.checker",
    "grader.marking.reading:warm",
    "pandas",
    "numpy",
    "matplotlib.pyplot",
    "portail",
    "portail.checks",
    "grader.marking.shell:warm",
]
_making = threading.Lock()
_shared: list["Shared"] = []


class Shared:
    """An assignment's sandbox, where the usual libraries are imported; one for all workers.

    Args:
        assignment: whose files its processes see.

    Raises:
        CannotConfine: if this machine cannot confine it.
    """

    def __init__(self, assignment: Assignment):
        self.about = _files(assignment)
        self.pairs = 0  # how many branch from it
        self._telling = threading.Lock()
        self._told: tuple[tuple[bytes, bytes], BranchServer, BranchServer] | None = None
        self.folder = tempfile.TemporaryDirectory(prefix="grader-", ignore_cleanup_errors=True)
        os.chmod(self.folder.name, 0o755)
        unpacked = Path(self.folder.name)
        moved = {
            path: str(_unzipped(packed, unpacked / f"folder{number}"))
            for number, (path, packed) in enumerate(assignment.bundle.items())
        }
        readable = [moved.get(path, path) for path in assignment.view.readable]
        if assignment.data:
            readable.append(str(_unzipped(assignment.data, unpacked / "data")))
        environment = {
            name: moved.get(value, value) for name, value in assignment.view.environment.items()
        }
        view = msgspec.structs.replace(
            assignment.view,
            readable=readable,
            environment=environment,
            preload=_PRELOAD,
            libraries=list(map(str, learner_libraries())),
        )
        self.data = view.inside(readable[-1]) if assignment.data else ""
        self.sandbox = Sandbox(view)

    def told(self, assignment: Assignment) -> tuple[BranchServer, BranchServer]:
        """Return the two fork servers that workers branch from: one that has imported and set up
        what the assignment needs, and one that has read its tests besides; made once.

        Raises:
            SandboxLost: if the sandbox, or one of the two, has ended.
        """
        instructions = _instructions(assignment)
        with self._telling:
            if self._told is None or self._told[0] != instructions:
                self._forget()
                set_up, tests = instructions
                runners = self.sandbox.branch("grader.marking.pair:learn", set_up)
                checkers = runners.branch("grader.marking.checker:prepare", tests)
                self._told = instructions, runners, checkers
            return self._told[1:]

    def forget(self) -> None:
        """End the fork servers that were told an assignment; workers' own go on."""
        with self._telling:
            self._forget()

    def _forget(self) -> None:
        if self._told is not None:
            for server in self._told[1:]:
                server.close()
        self._told = None

    def close(self) -> None:
        """End all of its processes and remove the files."""
        self.sandbox.close()
        self.folder.cleanup()


class Pair:
    """A worker's two fork servers: ``runners`` forks what runs learner code, and ``checkers``,
    which alone knows the tests, what gives marks.

    Args:
        assignment: what they are told.

    Raises:
        CannotConfine: if this machine cannot confine learner code.
        SandboxLost: if somebody has ended the sandbox meanwhile.
    """

    def __init__(self, assignment: Assignment):
        self.shared = share(assignment)
        self.assignment = assignment
        self.data = self.shared.data
        try:
            runners, checkers = self.shared.told(assignment)
            self.runners = runners.branch("grader.marking.pair:nothing", b"")
            self.checkers = checkers.branch("grader.marking.pair:nothing", b"")
        except SandboxLost:
            self.shared.forget()
            raise
        self.shared.pairs += 1

    def fits(self, assignment: Assignment) -> bool:
        """Tell whether an assignment has these files, imports, set-up and tests."""
        if self.assignment is not assignment:
            for about in (_files, _instructions):
                if about(self.assignment) != about(assignment):
                    return False
            self.assignment = assignment  # the same again is known at a glance
        return True

    def close(self) -> None:
        """End the two; the sandbox stays for others."""
        self.shared.pairs -= 1
        self.runners.close()
        self.checkers.close()


def share(assignment: Assignment) -> Shared:
    """Return the sandbox for an assignment's files: the one that is there, or a new one. One that
    nobody branches from any more is ended when another is made.

    Raises:
        CannotConfine: if this machine cannot confine it.
    """
    about = _files(assignment)
    with _making:
        for each in list(_shared):
            if each.sandbox.lost or (each.about != about and not each.pairs):
                _shared.remove(each)
                each.close()
        found = next((each for each in _shared if each.about == about), None)
        if found is None:
            found = Shared(assignment)
            _shared.append(found)
        return found


def close_all() -> None:
    """End all sandboxes of this process."""
    with _making:
        while _shared:
            _shared.pop().close()


def learn(told: bytes) -> None:
    """Import and set up what an assignment needs; called in the fork server for runners.

    Args:
        told: the modules and the cells, as msgpack.
    """
    imports, setup = msgspec.msgpack.decode(told, type=tuple[list[str], list[str]])
    preload(imports)
    shell.warm(setup)


def nothing(told: bytes) -> None:
    """Learn nothing more; called in a worker's own fork servers."""


def _files(assignment: Assignment) -> tuple[View, bytes, dict[str, bytes]]:
    return assignment.view, assignment.data, assignment.bundle


def _instructions(assignment: Assignment) -> tuple[bytes, bytes]:
    """Return what the two fork servers are told: what to set up, and the instructor's cells."""
    cells = [
        cell.source
        for notebook in assignment.notebooks
        for cell in notebook.cells
        if cell.kind == "code" and cell.role in ("test", "plain", "locked")
    ]
    set_up = [assignment.imports, assignment.setup]
    return msgspec.msgpack.encode(set_up), msgspec.msgpack.encode(cells)


def _unzipped(packed: bytes, folder: Path) -> Path:
    """Unpack a ZIP that this project made."""
    folder.mkdir()
    unzip_into(packed, folder)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def unzip_into(packed: bytes, folder: Path) -> None:
    """Unpack a ZIP of the course's own files over a folder."""
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        archive.extractall(folder)
