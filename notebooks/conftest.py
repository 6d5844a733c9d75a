"""nbval compares the lessons' outputs on the shipped copies: ``pytest --nbval notebooks``."""

import os
from pathlib import Path

os.environ["PORTAIL_MODE"] = os.environ.get("PORTAIL_MODE") or "snapshot"
os.environ["PORTAIL_DATA"] = str(Path(__file__).parent.parent / "datasets")
