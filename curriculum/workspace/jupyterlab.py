"""Opening JupyterLab on the learner's workspace, with its own settings."""

import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

from commons import wording
from commons.files import put
from curriculum.workspace.start_page import START

LOCALES = {"en": "en", "fr": "fr_FR"}
INSTRUCTOR_PANELS = ("create-assignment", "formgrader", "assignment-list", "course-list", "menu")


def open_lab(workspace: Path, browser: bool | None = None) -> int:
    """Open JupyterLab on the start page and wait until it is stopped; return its exit code.

    Args:
        workspace: the learner's workspace.
        browser: whether to open one; found out from the display if left out.
    """
    lang = wording.language()
    browser = has_display() if browser is None else browser
    configure_lab(workspace, lang)
    port, token = free_port(), secrets.token_urlsafe(24)
    address = f"http://127.0.0.1:{port}/lab/tree/{START}?token={token}"
    print(
        {
            "en": f"JupyterLab opens at {address}\nTo stop it: Ctrl-C here, twice, or File > Shut "
            "Down there.",
            "fr": f"JupyterLab s’ouvre à {address}\nPour l’arrêter : Ctrl-C ici, deux fois, ou "
            "Fichier > Arrêter là-bas.",
        }[lang],
        flush=True,
    )
    command, environment = lab_command(workspace, port, token)
    try:
        return subprocess.run(
            command if browser else [*command, "--no-browser"], env=environment
        ).returncode
    except KeyboardInterrupt:
        return 0


def lab_command(workspace: Path, port: int, token: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that starts JupyterLab on the workspace, and its environment.

    JupyterLab keeps its settings and the tabs left open inside the workspace, not with those of the
    person's other JupyterLabs, whose files it would look for here; it asks nobody for news or
    updates. The token goes by the environment, where other people of the machine cannot read it as
    they can a command line.
    """
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={workspace}",
        f"--port={port}",
        "--ip=127.0.0.1",
        f"--LabApp.default_url=/lab/tree/{START}",
        "--log-level=ERROR",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # a container; JupyterLab refuses otherwise
        command.append("--allow-root")
    own = workspace / ".lab"
    paths = os.pathsep.join(
        [str(own / "config"), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    )
    return command, os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(own),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "JUPYTER_CONFIG_PATH": paths,
        "JUPYTER_TOKEN": token,
    }


def configure_lab(workspace: Path, language: str) -> None:
    """Write JupyterLab's settings where the learner has none.

    They are: the language, Markdown rendered on opening, no question about news, and none of
    nbgrader's panels for instructors (its *Validate* button stays).
    """
    settings_of = "@jupyterlab/{}.jupyterlab-settings".format
    wanted = {
        settings_of("translation-extension/plugin"): {"locale": LOCALES[language]},
        settings_of("docmanager-extension/plugin"): {
            "defaultViewers": {"markdown": "Markdown Preview"}
        },
        settings_of("apputils-extension/notification"): {
            "fetchNews": "false",
            "checkForUpdates": False,
        },
        "config/labconfig/page_config.json": {
            "disabledExtensions": {
                f"@jupyter/nbgrader:{panel}": True for panel in INSTRUCTOR_PANELS
            }
        },
    }
    for name, values in wanted.items():
        path = workspace / ".lab" / name
        if not path.is_file():
            put(path, (json.dumps(values, indent=2) + "\n").encode("utf-8"))


def has_display() -> bool:
    """Tell whether a browser can be shown."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def free_port(first: int = 8888) -> int:
    """Return JupyterLab's usual port or, where it is taken, the next free one."""
    for port in range(first, first + 50):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return 0
