"""Reading the user's settings from the environment: language, mode, address and folders.

==================  ==============================================================================
``PORTAIL_LANG``    ``en`` or ``fr``: the language of messages, labels and figures
``PORTAIL_MODE``    ``auto`` (live, else the dated copy), ``live`` (never the copy), ``snapshot``
``PORTAIL_URL``     base address of the portal, or of a room's mirror
``PORTAIL_DATA``    a folder of datasets that is looked in first
==================  ==============================================================================
"""

import os
import sys
from pathlib import Path

import platformdirs

from commons.errors import SettingError

PORTAL = "https://open.canada.ca"
MODES = ("auto", "live", "snapshot")
IN_BROWSER = sys.platform == "emscripten"


def mode(chosen: str | None = None) -> str:
    """Return the mode in force: the one given, else ``PORTAIL_MODE``, else ``"auto"``.

    Raises:
        SettingError: if the word is not one of ``MODES``.
    """
    word = (chosen or os.environ.get("PORTAIL_MODE") or "auto").strip().lower()
    if word not in MODES:
        raise SettingError(
            f"The mode {word!r} is not known. Choose auto, live or snapshot (PORTAIL_MODE).",
            f"Le mode {word!r} n’est pas connu. Choisissez auto, live ou snapshot (PORTAIL_MODE).",
        )
    return word


def base_url() -> str:
    """Return the address that stands for https://open.canada.ca, without a trailing slash."""
    return (os.environ.get("PORTAIL_URL") or PORTAL).strip().rstrip("/")


def data_folders() -> list[Path]:
    """Return the folders that hold datasets, in the order of look-up: chosen, user's, shipped,
    checkout."""
    folders = [user_folder(), *shipped_folders()]
    if os.environ.get("PORTAIL_DATA"):
        folders.insert(0, Path(os.environ["PORTAIL_DATA"]))
    return [folder for folder in folders if folder.is_dir()]


def shipped_folders() -> list[Path]:
    """Return where the project's own datasets are: inside an installed package, or beside it in a
    checkout."""
    here = Path(__file__).parent
    return [folder for folder in (here / "datasets", here.parent / "datasets") if folder.is_dir()]


def user_folder() -> Path:
    """Return the user's own folder of datasets, where ``portail refresh`` writes; it may not exist
    yet."""
    return platformdirs.user_data_path("portail", appauthor=False) / "datasets"
