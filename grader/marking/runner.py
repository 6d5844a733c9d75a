"""The process that runs learner code: it answers with plain data, and holds no test.

It is sealed before ``serve`` is called. From its first cell on nothing that it says is trusted.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import socket
import stat
import sys
from pathlib import Path

import msgspec
import pandas as pd

from grader.marking import protocol, reading, shell
from grader.sandbox.channel import BadMessage, Channel, Gone
from grader.sandbox.limits import Limits
from grader.values.exceptions import exception_node
from grader.values.packing import Packer
from grader.values.unpacking import Unpacker

_MOST_FILES, _MOST_FILE_BYTES = 200, 32 << 20


def serve(end: int, limits: Limits) -> None:
    """Answer the checker until it hangs up.

    Args:
        end: its end of the socket to the checker, as a descriptor.
        limits: what the submission may use.
    """
    channel = Channel(socket.socket(fileno=end), protocol.Question)
    Runner(channel, limits).answer_all()


class Runner:
    """The state of one notebook's run: its shell, and the functions that the checker may call."""

    def __init__(self, channel: Channel, limits: Limits):
        self.channel, self.limits = channel, limits
        self.shell = shell.Shell.instance()
        self.shell.outputs = shell.Outputs(limits.output)
        self.functions: list = []
        self.before: dict[str, tuple] = {}

    def answer_all(self) -> None:
        """Answer each question with its answer."""
        answers = {
            protocol.Open: self.open,
            protocol.Run: self.run,
            protocol.Get: self.get,
            protocol.Call: self.call,
            protocol.Files: self.files,
            protocol.Look: self.look,
        }
        with contextlib.suppress(Gone):
            while True:
                question = self.channel.receive()
                self.channel.send(answers[type(question)](question))

    def open(self, question: protocol.Open) -> protocol.Opened:
        """Lay the files out and read the notebook."""
        for name, data in question.files.items():
            _put(name, data)
        if question.data:
            shutil.copytree(question.data, ".", dirs_exist_ok=True, copy_function=shutil.copyfile)
        self.before = _state_of_files()
        shell.import_from_here()
        return reading.read(question.notebook)

    def run(self, question: protocol.Run) -> protocol.Ran:
        """Run a cell."""
        result = shell.run(self.shell, question.source, question.seconds)
        outputs = self.shell.outputs.take()
        stopped = result is None or isinstance(result.error_in_exec, shell.TimeUp)
        return protocol.Ran(_raw(outputs), failed=stopped or not result.success, stopped=stopped)

    def get(self, question: protocol.Get) -> protocol.Values:
        """Return the values of names, and the contents of files."""
        names = self.shell.user_ns
        values = {name: names[name] for name in question.names if name in names}
        return protocol.Values(
            self._packed(values, question.seconds),
            {path: _read(path) for path in question.files},
            [name for name in question.present if name in names],
        )

    def call(self, question: protocol.Call) -> protocol.Returned:
        """Call a function of the learner's; what it does to its arguments goes back with the
        result."""
        unpacker = Unpacker(functions=dict(enumerate(self.functions)))
        positional, named = unpacker.unpack(question.arguments)
        containers = [
            (at, value) for at, value in enumerate(unpacker.kept) if at not in unpacker.inner
        ]
        before = [_state(value, unpacker.kept) for _, value in containers]
        function, error, result = self.functions[question.number], None, None
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            try:
                with shell.time_limit(question.seconds):
                    result = function(*positional, **named)
            except BaseException as raised:  # SystemExit too is the learner's answer
                error = raised
        changed = [
            (at, value)
            for (at, value), was in zip(containers, before, strict=True)
            if not _stands(value, was, unpacker.kept)
        ]
        packed = self._packed_result(result, error, changed, unpacker.kept)
        return protocol.Returned(packed, _unicode(printed.getvalue()[: self.limits.output]))

    def files(self, question: protocol.Files) -> protocol.Values:
        """Return the files of the working folder that are new or changed since it was opened."""
        now = _state_of_files()
        changed = [path for path, state in now.items() if self.before.get(path) != state][
            :_MOST_FILES
        ]
        return protocol.Values(b"\x80", {path: _read(path) for path in changed})

    def look(self, question: protocol.Look) -> protocol.Seen:
        """Return what tells each name's value, and each file, from any other; asked of the source's
        own solution alone."""
        names, kinds = {}, {}
        for name, value in self.shell.user_ns.items():
            if name.startswith("_") or name in self.shell.user_ns_hidden:
                continue
            written = _written(value) or b""
            names[name] = f"{id(value)} {hashlib.blake2b(written).hexdigest()}"
            kinds[name] = type(value).__name__
        imported = {}
        for bound, what in question.imports.items():
            module, _, attribute = what.partition(":")
            whole = (
                {name: f"{module}:{name}" for name in names} if attribute == "*" else {bound: what}
            )
            imported |= {
                name: each
                for name, each in whole.items()
                if name in names
                and self.shell.user_ns[name] is not None
                and self.shell.user_ns[name] is imported_from_here(each)
            }
        return protocol.Seen(
            names, kinds, {path: repr(state) for path, state in _state_of_files().items()}, imported
        )

    def _register(self, function) -> int:
        self.functions.append(function)
        return len(self.functions) - 1

    def _packed(self, values: dict, seconds: float) -> bytes:
        """Pack values by name; one that cannot be packed, whatever it does, is refused by
        itself."""
        with contextlib.suppress(Exception, shell.TimeUp), shell.time_limit(seconds):
            return Packer(self._register).pack_names(values)
        kept, odd = {}, []
        for name, value in values.items():
            try:
                with shell.time_limit(seconds):
                    Packer(self._register).pack_names({name: value})
                kept[name] = value
            except (BadMessage, MemoryError, shell.TimeUp):
                odd.append((name, "a large value"))
            except Exception:
                odd.append((name, type(value).__name__))
        packer = Packer(self._register)
        try:
            return packer.encoded(
                lambda: [
                    *(
                        [name, type(value).__name__[:80], packer.answer(value)]
                        for name, value in kept.items()
                    ),
                    *([name, kind, packer.refuse(kind)] for name, kind in odd),
                ]
            )
        except Exception:  # each can be packed, all together are too large
            return packer.encoded(
                lambda: [[name, "", packer.refuse("a large value")] for name in values]
            )

    def _packed_result(self, result, error, changed, known) -> bytes:
        """Pack what a call gave; what came as an argument goes back as that argument."""
        packer = _ResultPacker(self._register, known)
        try:
            contents = [
                [at, packer.content(value)] for at, value in reversed(changed)
            ]  # what lies in others first
            told = None if error is None else exception_node(packer, error)
            return msgspec.msgpack.encode([contents, told, packer.answer(result)])
        except (BadMessage, MemoryError):
            odd = "a large value"
        except Exception:
            odd = type(result if error is None else error).__name__
        return msgspec.msgpack.encode([[], None, packer.refuse(odd)])


class _ResultPacker(Packer):
    """Writes results; an argument is written as the number that it had when it came."""

    def __init__(self, register, known, careful: bool = True):
        super().__init__(register)
        self.careful = careful
        self.known = {id(value): at for at, value in enumerate(known)}

    def node(self, value, depth: int):
        if id(value) in self.known:
            return ["argument", self.known[id(value)]]
        return super().node(value, depth)

    def answer(self, value):
        return self.node(value, 0) if id(value) in self.known else super().answer(value)

    def plain_lists(self, values: list, depth: int) -> list[list] | None:
        """Let each list be looked at by itself: it may be an argument."""
        return None if list in map(type, values) else super().plain_lists(values, depth)

    def content(self, value):
        """Return the node of an argument's contents as they are now."""
        return super().node(value, 0)


def _state(value, known: list):
    """Return what tells later whether a function changed a container: of a table, a copy that costs
    nothing; of another,
    its own contents. Containers inside it are compared separately.
    """
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return value.copy(deep=False)
    return None if isinstance(value, pd.Index) else _written(value, known)


def _stands(value, before, known: list) -> bool:
    """Tell whether a container is as it was."""
    if isinstance(value, pd.DataFrame):
        return (
            value.equals(before)
            and value.columns.identical(before.columns)
            and value.index.identical(before.index)
        )
    if isinstance(value, pd.Series):
        return (
            value.equals(before)
            and value.name == before.name
            and value.index.identical(before.index)
        )
    return isinstance(value, pd.Index) or _written(value, known) == before


def imported_from_here(what: str):
    """Return what ``import module`` or ``from module import attribute`` binds here; None where
    nothing was imported so.

    Args:
        what: ``"module"`` or ``"module:attribute"``.
    """
    module, _, attribute = what.partition(":")
    if not attribute:
        return sys.modules.get(module)
    there = getattr(sys.modules.get(module), attribute, None)
    return sys.modules.get(f"{module}.{attribute}") if there is None else there


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _written(value, known: list = ()) -> bytes | None:
    """Return a container's contents as bytes, to tell whether they change; None where they cannot
    be written.

    Args:
        value: the container.
        known: containers that are written as their number wherever they stand in it.
    """
    for careful in (False, True):
        with contextlib.suppress(
            BadMessage, MemoryError, RecursionError, UnicodeEncodeError, OverflowError
        ):
            return msgspec.msgpack.encode(_ResultPacker(None, known, careful).content(value))
    return None


def _raw(outputs: list[dict]) -> msgspec.Raw:
    """Return outputs as bytes; what is not text, number, list or dict is written as text."""
    try:
        return msgspec.Raw(msgspec.msgpack.encode(outputs, enc_hook=str))
    except Exception:  # such as text that is not Unicode
        text = json.dumps(outputs, default=str, ensure_ascii=False, skipkeys=True)
        return msgspec.Raw(msgspec.msgpack.encode(json.loads(text.encode("utf-8", "replace"))))


def _put(name: str, data: bytes) -> None:
    """Write a file that was handed in; a name that leads elsewhere is left out."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _read(path: str) -> bytes | None:
    """Return a regular file of the working folder, or None if it is none, or too large."""
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if stat.S_ISREG(about.st_mode) and about.st_size <= _MOST_FILE_BYTES:
                return file.read(_MOST_FILE_BYTES)
    return None


def _state_of_files() -> dict[str, tuple]:
    """Return size and time of each file of the working folder, links aside."""
    found = {}
    for folder, _, names in os.walk("."):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), ".")
            with contextlib.suppress(OSError):
                about = os.lstat(path)
                if stat.S_ISREG(about.st_mode) and not path.startswith("."):
                    found[path] = (about.st_size, about.st_mtime_ns)
    return found
