"""Do warm kernels behave as those that Jupyter starts by itself?"""

import contextlib
import os
import signal
import socket

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from tests.helpers import kernels
from tests.helpers.processes import left_of

pytestmark = pytest.mark.skipif(
    bool(kernels.MISSING), reason=kernels.MISSING or "nothing is missing"
)

WAIT = 300
"""Seconds to wait for a message of a kernel: far beyond what a busy machine needs."""

CELLS = (
    "import os, sys\nprint(os.getcwd(), os.environ['WHO'], os.path.basename(sys.argv[0])[:17], '' "
    "in sys.path)",
    "import pandas as pd\npd.DataFrame({f'a long name of column {at}': range(99) for at in "
    "range(30)})",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]); print(plt.get_backend())",
    "!echo words of a program",
)


def outputs(folder, monkeypatch) -> list:
    monkeypatch.setenv("WHO", "somebody")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": folder}},
    )
    return [cell.outputs for cell in client.execute().cells]


def test_a_warm_kernel_says_what_a_cold_one_says(request, tmp_path, monkeypatch):
    cold = outputs(tmp_path, monkeypatch)
    request.getfixturevalue("warm_kernels")
    assert outputs(tmp_path, monkeypatch) == cold
    assert (
        str(tmp_path) in str(cold)
        and "words of a program" in str(cold)
        and "image/png" in str(cold)
    )


@contextlib.contextmanager
def started():
    """A kernel's manager and client, while the block runs."""
    manager, client = start_new_kernel()
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(warm_kernels):
    with started() as both:
        yield both


def processes_of(client) -> tuple[int, int]:
    """Return the kernel's process and its parent, the server."""
    code = "import os\nprint(f'{os.getpid()} {os.getppid()}', end='')"
    seen = []
    client.execute_interactive(code, output_hook=lambda message: seen.append(message))
    kernel, server = next(
        each["content"]["text"] for each in seen if each["msg_type"] == "stream"
    ).split()
    return int(kernel), int(server)


def test_an_interrupt_reaches_a_warm_kernel(kernel):
    manager, client = kernel
    # An interrupt that comes before the cell's own code runs is swallowed by any kernel: wait for
    # its first words.
    asked = client.execute("print('begun', flush=True)\nwhile True: pass")
    while client.get_iopub_msg(timeout=WAIT)["msg_type"] != "stream":
        pass
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=WAIT)
    assert (
        reply["parent_header"]["msg_id"] == asked
        and reply["content"]["ename"] == "KeyboardInterrupt"
    )


def test_a_warm_kernel_dies_with_the_process_that_jupyter_started(kernel):
    manager, client = kernel
    number, _ = processes_of(client)
    assert number != manager.provisioner.process.pid
    os.kill(manager.provisioner.process.pid, signal.SIGKILL)
    assert left_of([number]) == []


def test_the_process_that_jupyter_started_ends_with_its_kernel(kernel):
    manager, client = kernel
    client.execute("import os\nos._exit(1)")
    assert manager.provisioner.process.wait(30) == 0


def test_a_kernel_and_its_asker_that_end_at_once_leave_the_next_one_its_kernel(kernel):
    manager, client = kernel
    number, server = processes_of(client)
    os.kill(server, signal.SIGSTOP)
    os.kill(number, signal.SIGKILL)
    os.kill(manager.provisioner.process.pid, signal.SIGKILL)
    os.kill(server, signal.SIGCONT)
    with started() as (_, next_client):
        assert processes_of(next_client)[1] == server


@pytest.mark.parametrize(
    "said", [b"", b"\0\0", (9).to_bytes(8, "big") + b"{"], ids=["nothing", "no length", "half"]
)
def test_an_asker_that_dies_before_it_has_asked_is_forgotten(kernel, _forks, said):
    _, client = kernel
    _, server = processes_of(client)
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(_forks / "forks"))
        line.sendall(said)
    with started() as (_, next_client):
        assert processes_of(next_client)[1] == server
