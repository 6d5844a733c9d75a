"""Running cells as a notebook does, without a kernel."""

import ast
import builtins
import contextlib
import io
import signal
import subprocess
import sys

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.marking.outputs import CUT

CLOCK = 4  #: how many times longer than its processor time a cell may take by the clock
_GRACE = 2.0  # seconds between a polite stop and the next
# shown for what IPython and pandas prepare the first time
_FIRST_CELL = "__import__('pandas').DataFrame({'a': [1]})"


class TimeUp(KeyboardInterrupt):
    """Raised inside a cell that has used up its time, as a kernel's interrupt is."""


class Outputs:
    """What a cell shows, as nbformat outputs, up to a number of bytes.

    Args:
        most: bytes, over all cells of the notebook.
    """

    def __init__(self, most: int):
        self.left = most
        self.items: list[dict] = []
        self.clear_next = False

    def add(self, output: dict, size: int) -> None:
        """Add one output, or the note that it was too long."""
        if self.clear_next:
            self.items.clear()
            self.clear_next = False
        if self.left <= 0:
            return
        self.left -= size
        self.items.append(output if self.left > 0 else _stream("stdout", CUT))

    def write(self, name: str, text: str) -> None:
        """Add text of a stream, to the stream's last output where there is one."""
        text = text[: max(0, self.left)]
        last = self.items[-1] if self.items and not self.clear_next else None
        if last and last["output_type"] == "stream" and last["name"] == name and self.left > 0:
            last["text"] += text
            self.left -= len(text)
            if self.left <= 0:
                last["text"] += CUT
        elif text:
            self.add(_stream(name, text), len(text))

    def take(self) -> list[dict]:
        """Return what was shown since the last time."""
        items, self.items = self.items, []
        return items


def _stream(name: str, text: str) -> dict:
    return {"output_type": "stream", "name": name, "text": text}


class _Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, shell, name: str):
        self.shell, self.kind = shell, name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.shell.outputs.write(self.kind, str(text))
        return len(text)


class _Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, source=None, *, transient=None, update=False, **_):
        if not update:
            self.shell.outputs.add(
                {"output_type": "display_data", "data": data, "metadata": metadata or {}},
                _size(data),
            )

    def clear_output(self, wait=False):
        self.shell.outputs.clear_next = wait
        if not wait:
            self.shell.outputs.items.clear()


class _Hook(DisplayHook):
    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        output = {
            "output_type": "execute_result",
            "data": format_dict,
            "metadata": md_dict or {},
            "execution_count": self.prompt_count,
        }
        self.shell.outputs.add(output, _size(format_dict))

    def finish_displayhook(self):
        pass


def _size(data) -> int:
    return sum(len(value) if isinstance(value, (str, bytes)) else 100 for value in data.values())


class _Compiler(CachingCompiler):
    """A compiler that has read some cells beforehand; ``trees`` are theirs, each given out once."""

    compiles = False

    def __init__(self):
        super().__init__()
        self.trees: dict[str, ast.AST] = {}

    def ast_parse(self, source, filename="<unknown>", symbol="exec"):
        """Return a cell's syntax tree, the one made beforehand where there is one."""
        _Compiler.compiles = True
        try:
            return self.trees.pop(source, None) or super().ast_parse(source, filename, symbol)
        finally:
            _Compiler.compiles = False


def compiling() -> bool:
    """Tell whether a cell itself is being compiled just now, rather than something by the cell."""
    return _Compiler.compiles


class Shell(InteractiveShell):
    """An IPython shell that keeps what cells show in ``outputs``."""

    outputs = Outputs(4 << 20)
    compiler_class = _Compiler

    def __init__(self, **settings):
        self.known: dict[str, str] = {}
        self.known_by: list = []
        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        super().__init__(
            config=config, display_pub_class=_Publisher, displayhook_class=_Hook, **settings
        )

    def prepare(self, cells: list[str]) -> None:
        """Do beforehand, once for all forks, what IPython does with a cell before it runs.

        Args:
            cells: cells of which some may run later, in any order; those that do not compile, or
                wait for something at their top level, are left to their turn.
        """
        self.known_by = self._transformers()
        for cell in cells:
            with contextlib.suppress(Exception):
                transformed = super().transform_cell(cell)
                if not super().should_run_async(cell, transformed_cell=transformed):
                    self.compile.trees[transformed] = self.compile.ast_parse(transformed)
                    self.known[cell] = transformed

    def _transformers(self) -> list:
        manager = self.input_transformer_manager
        return [
            *manager.cleanup_transforms,
            *manager.line_transforms,
            *manager.token_transformers,
            *self.input_transformers_post,
        ]

    def transform_cell(self, raw_cell):
        """Return a cell as Python, as it was found beforehand where the rules are still the
        same."""
        if raw_cell in self.known and self._transformers() == self.known_by:
            return self.known[raw_cell]
        return super().transform_cell(raw_cell)

    def should_run_async(
        self, raw_cell, *, transformed_cell=None, preprocessing_exc_tuple=None
    ) -> bool:
        """Tell whether a cell waits for something at its top level."""
        if transformed_cell is not None and self.known.get(raw_cell) == transformed_cell:
            return False
        return super().should_run_async(
            raw_cell,
            transformed_cell=transformed_cell,
            preprocessing_exc_tuple=preprocessing_exc_tuple,
        )

    def enable_gui(self, gui=None):
        """Take no graphical loop: there is no screen."""

    def init_virtualenv(self):
        """Look for no other environment: there is none."""

    def ask_exit(self):
        """Let ``exit`` end nothing: the next cell runs."""

    def _showtraceback(self, kind, value, lines):
        text = str(value)
        self.outputs.add(
            {
                "output_type": "error",
                "ename": kind.__name__,
                "evalue": text,
                "traceback": list(lines),
            },
            len(text) + sum(map(len, lines)),
        )

    def system(self, command):
        """Run a command of the system as ``!`` does, and show what it says."""
        done = subprocess.run(
            self.var_expand(command, depth=1),
            shell=True,
            stdin=subprocess.DEVNULL,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="replace",
            timeout=60,
        )
        sys.stdout.write(done.stdout)
        self.user_ns["_exit_code"] = done.returncode


def warm(cells: list[str] = ()) -> Shell:
    """Return the process's one shell, with charts drawn into the notebook; made before any fork.

    Args:
        cells: the instructor's, run for what they leave warm (modules, tables read); the names they
            bind are forgotten.
    """
    import matplotlib

    matplotlib.use("module://matplotlib_inline.backend_inline")
    shell = Shell.instance()
    shell.enable_matplotlib("inline")
    shell.InteractiveTB.set_mode("Plain")  # a trace in colours takes fifty times as long to write
    with streams_of(shell):
        shell.run_cell(_FIRST_CELL, store_history=True)
        for cell in cells:
            shell.run_cell(cell, silent=True)
    shell.reset(new_session=True)
    shell.outputs.take()
    return shell


def import_from_here() -> None:
    """Let cells import modules that lie beside the notebook, as a kernel does; nothing was looked
    for there before."""
    sys.path.insert(0, "")


def _no_input(prompt: str = "") -> str:
    raise RuntimeError("input() was called, but nobody can answer while a notebook is marked.")


@contextlib.contextmanager
def streams_of(shell: Shell):
    """Let what is printed go to the shell's outputs."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Stream(shell, "stdout"), _Stream(shell, "stderr")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Alarm:
    """Whether the alarm of a time limit waits, and whether it rang meanwhile."""

    waits = rang = False
    seconds = 0.0


def _ring(number, frame) -> None:
    if _Alarm.waits:
        _Alarm.rang = True
    else:
        _raise_time_up()


def _raise_time_up() -> None:
    _Alarm.rang = False
    seconds = _Alarm.seconds
    raise TimeUp(
        f"This cell ran longer than {seconds:g} seconds. / Cette cellule a dépassé {seconds:g} "
        "secondes."
    )


@contextlib.contextmanager
def alarm_waits():
    """Let the alarm not ring in the middle of what must not be broken off; ``ring_if_due`` lets it
    ring."""
    _Alarm.waits = True
    try:
        yield
    finally:
        _Alarm.waits = False


def ring_if_due() -> None:
    """Raise ``TimeUp`` if the alarm rang while it had to wait."""
    if _Alarm.rang:
        _raise_time_up()


@contextlib.contextmanager
def time_limit(seconds: float):
    """Raise ``TimeUp`` in what uses more processor time, or takes ``CLOCK`` times as long by the
    clock; code that catches it meets it again and again.

    What another process takes from this one is not counted: the clock is only for what waits and
    does nothing. It is a courtesy, which lets the next cells run: who disarms it is ended from
    outside.
    """
    _Alarm.seconds, _Alarm.rang = seconds, False
    for kind, timer, after in (
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, seconds * CLOCK),
    ):
        signal.signal(kind, _ring)
        signal.setitimer(timer, after, _GRACE)
    try:
        yield
    finally:
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)


def run(shell: Shell, source: str, seconds: float):
    """Run one cell; whatever it raises is shown, as in a notebook.

    Args:
        shell: the warm shell.
        source: the cell's text.
        seconds: its time.

    Returns:
        IPython's result: ``success``, ``result`` and the errors.
    """
    builtins.input = _no_input
    with streams_of(shell):
        try:
            with time_limit(seconds):
                return shell.run_cell(source, store_history=True)
        except TimeUp:  # it rang between two lines of IPython's own
            shell.showtraceback()
            return None
