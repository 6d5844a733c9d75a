"""What every test starts from: no network, no user's folder, English, nothing remembered from
another test.

``small_datasets`` holds the first rows of each dataset that the portal has; ``published`` serves
them as the portal would, through the faulty front, so that a test can choose what goes wrong.
"""

import signal
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import settings as of_properties

from grader.cli.main import SLOW_TO_IMPORT
from grader.sandbox import doctor
from portail import settings, tables
from portail.connection.session import forget
from portail.server import make_server
from tests.helpers import browser, kernels
from tests.helpers.faulty import FaultyPortal
from tests.helpers.places import REAL, ROOT
from tests.helpers.published import publish, small_copies

# the course's altered.py, as nbgrader_config.py imports it
sys.path.insert(0, str(ROOT / "exercises"))
sys.modules.setdefault(SLOW_TO_IMPORT, None)
of_properties.register_profile("any machine", deadline=None)  # no test asserts wall time
of_properties.load_profile("any machine")
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # what a test starts hears Ctrl-C, whatever started pytest


LONGEST = "test_durability.py"


def pytest_collection_modifyitems(items):
    """Begin with the file that takes longest: at the end it would keep one worker alone."""
    items.sort(key=lambda item: item.path.name != LONGEST)


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


@pytest.fixture(scope="module")
def chromium():
    """A browser, for the tests of one file; they skip where there is none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=browser.find(), args=browser.ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(chromium):
    """A new page of the browser."""
    opened = chromium.new_page()
    yield opened
    opened.close()
