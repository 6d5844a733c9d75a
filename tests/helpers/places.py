"""Where the project's files are, and the portal's own files where somebody has them."""

import contextlib
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TESTS = ROOT / "tests"
DATASETS = ROOT / "datasets"
REAL = Path(os.environ["PORTAIL_REAL"]) if os.environ.get("PORTAIL_REAL") else None
needs_real = pytest.mark.skipif(
    REAL is None, reason="PORTAIL_REAL does not name a folder of real portal files"
)


@contextlib.contextmanager
def reading(folder: Path):
    """Read the tables of a folder, dated, for a while; then the environment is as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORTAIL_MODE", "snapshot")
        patch.setenv("PORTAIL_DATA", str(folder))
        language = os.environ.get("PORTAIL_LANG", "en")
        patch.setenv("PORTAIL_LANG", language)  # a notebook sets its own
        yield
