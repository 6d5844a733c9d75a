"""What every test starts from: no network, no user's folder, English, nothing remembered from
another test.

``small_datasets`` holds the first rows of each dataset that the portal has; ``published`` serves
them as the portal would, through the faulty front, so that a test can choose what goes wrong.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import settings as of_properties

from grader.cli.main import SLOW_TO_IMPORT
from grader.sandbox import doctor
from portail import settings, tables
from portail.connection.session import forget
from portail.server import make_server
from tests import kernels
from tests.faulty import FaultyPortal
from tests.published import publish, small_copies

ROOT = Path(__file__).parent.parent
REAL = Path(os.environ["PORTAIL_REAL"]) if os.environ.get("PORTAIL_REAL") else None
sys.path.insert(
    0, str(ROOT / "exercises")
)  # the course's altered.py, as nbgrader_config.py imports it
sys.modules.setdefault(SLOW_TO_IMPORT, None)
of_properties.register_profile("any machine", deadline=None)  # no test asserts wall time
of_properties.load_profile("any machine")
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # what a test starts hears Ctrl-C, whatever started pytest
needs_real = pytest.mark.skipif(
    REAL is None, reason="PORTAIL_REAL does not name a folder of real portal files"
)


def left_of(processes: list[int], seconds: float = 20) -> list[int]:
    """Return which of these processes are still there when all have gone or so many seconds have
    passed."""
    deadline = time.monotonic() + seconds
    while (
        there := [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    ) and time.monotonic() < deadline:
        time.sleep(0.05)
    return there


@contextlib.contextmanager
def reading(folder: Path):
    """Read the tables of a folder, dated, for a while; then the environment is as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORTAIL_MODE", "snapshot")
        patch.setenv("PORTAIL_DATA", str(folder))
        language = os.environ.get("PORTAIL_LANG", "en")
        patch.setenv("PORTAIL_LANG", language)  # a notebook sets its own
        yield


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path_factory):
    """A process that knows nothing: no settings, no user's copies, nothing told or remembered."""
    for name in ("PORTAIL_MODE", "PORTAIL_URL", "PORTAIL_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORTAIL_LANG", "en")
    empty = tmp_path_factory.getbasetemp() / "no-user-folder"
    monkeypatch.setattr(settings, "user_folder", lambda: empty)
    forget()
    tables._loaded.clear()
    yield
    forget()


@pytest.fixture(scope="session")
def small_datasets(tmp_path_factory) -> Path:
    """A folder with the first rows of every dataset that has an address on the portal."""
    return small_copies(tmp_path_factory.mktemp("datasets"))


@pytest.fixture(scope="session")
def published_folder(small_datasets, tmp_path_factory) -> Path:
    """The same rows as the portal would publish them: prose columns in place of the
    computed ones."""
    return publish(small_datasets, tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def _portal(published_folder):
    portal = FaultyPortal(published_folder)
    yield portal
    portal.close()


@pytest.fixture
def portal(_portal, small_datasets, monkeypatch) -> FaultyPortal:
    """A portal on the loopback that serves the small datasets and misbehaves as told."""
    _portal.heal()
    monkeypatch.setenv("PORTAIL_URL", _portal.address)
    monkeypatch.setenv("PORTAIL_DATA", str(small_datasets))
    return _portal


@pytest.fixture(scope="session")
def _forks(tmp_path_factory):
    if kernels.MISSING:
        yield ""
        return
    with kernels.warm(tmp_path_factory.mktemp("forks")) as folder:
        yield folder


@pytest.fixture(scope="module")
def warm_kernels(_forks):
    """Kernels of this file are forked from one that has imported pandas and matplotlib, where the
    system has a way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(_forks))
        yield


@pytest.fixture
def real_portal(monkeypatch):
    """The portal's own files, served as if live: nothing says that a mirror serves them."""
    portal = FaultyPortal(REAL)
    monkeypatch.setenv("PORTAIL_URL", portal.address)
    yield portal
    portal.close()


@pytest.fixture(scope="session")
def confined():
    """A machine that can confine; where it cannot, what asks for it is skipped, and says why."""
    missing = doctor.offer().missing
    if missing:
        pytest.skip("; ".join(english for english, _ in missing))


@pytest.fixture
def room(monkeypatch):
    """A trainer's laptop that serves the shipped datasets to a room."""
    server = make_server(None, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.effective_port}"
    monkeypatch.setenv("PORTAIL_URL", address)
    yield address
    server.close()
