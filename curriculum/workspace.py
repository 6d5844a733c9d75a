"""The learner's workspace: lessons and exercises to work in, a start page, and JupyterLab opened on
it.

Building it again never overwrites what a learner changed: a file is written anew only where it is
still, byte for byte, what an earlier build wrote.
"""

import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import nbformat

from commons import wording
from commons.errors import CannotWrite
from commons.files import put
from curriculum import notebooks, release
from curriculum.assessment import FORMS
from curriculum.lessons import LANGUAGES, ROOT, Curriculum

START = "START-DEBUT.md"
MANIFEST = ".built.json"
LOCALES = {"en": "en", "fr": "fr_FR"}
INSTRUCTOR_PANELS = ("create-assignment", "formgrader", "assignment-list", "course-list", "menu")


def learner_copy(notebook) -> nbformat.NotebookNode:
    """Return a lesson as a learner opens it: instructor cells dropped, outputs cleared.

    Args:
        notebook: the lesson; it is changed in place and returned.
    """
    notebook.cells = [cell for cell in notebook.cells if "instructor" not in notebooks.tags(cell)]
    for cell in notebooks.code(notebook):
        cell.outputs, cell.execution_count = [], None
    return notebook


def build(workspace: Path) -> list[Path]:
    """Write the learner's workspace, or bring it up to date.

    Args:
        workspace: the folder; made if absent.

    Returns:
        The files that were kept because the learner changed them, though the project now has newer
        ones.

    Raises:
        CannotWrite: if the folder cannot be written to.
    """
    if not (ROOT / "notebooks").is_dir() and (workspace / START).is_file():
        return []  # installed from a bundle: the workspace came built, and nothing here is newer
    files = _files()
    try:
        return _bring_up_to_date(workspace, files)
    except OSError as error:
        raise CannotWrite(workspace, error) from error


def _bring_up_to_date(workspace: Path, files: dict[str, bytes]) -> list[Path]:
    """Write what is new, keep what the learner changed, and remember what was written."""
    manifest_path = workspace / MANIFEST
    try:
        built = json.loads(manifest_path.read_text("utf-8")) if manifest_path.is_file() else {}
    except ValueError:  # an unreadable memory: every file that differs counts as the learner's
        built = {}
    kept = []
    for name, content in files.items():
        path = workspace / name
        new = digest(content)
        found = digest(path.read_bytes()) if path.is_file() else None
        if found is not None and found not in (new, built.get(name)):
            if built.get(name) != new:
                kept.append(path)
            continue
        built[name] = new
        if found != new:
            put(path, content)
    put(manifest_path, (json.dumps(built, indent=1, sort_keys=True) + "\n").encode("utf-8"))
    return kept


def _files() -> dict[str, bytes]:
    """Return what the workspace should hold: content by name."""
    files = {START: start_page(wording.language()).encode("utf-8")}
    for language in LANGUAGES:
        for lesson in Curriculum.read().written():
            notebook = learner_copy(notebooks.read(lesson.path(language)))
            files[f"{language}/{lesson.slug}.ipynb"] = notebooks.to_bytes(notebook)
        for path in _released(language):
            files[f"{language}/exercises/{path.name}"] = path.read_bytes()
    return files


def _released(language: str) -> list[Path]:
    """Return the released exercises, building them where the sources are newer."""
    course = release.COURSE
    sources = [path for part in ("source", "french") for path in (course / part).rglob("*.ipynb")]
    newest = max(
        (path.stat().st_mtime_ns for path in [*sources, course / "nbgrader_config.py"]), default=0
    )
    released = [
        course / release.RELEASES[language] / name / f"{name}.ipynb"
        for name in release.assignments(course)
    ]
    if any(not path.is_file() or path.stat().st_mtime_ns < newest for path in released):
        release.release(language, course, in_gradebook=False)
    return released


def start_page(first: str) -> str:
    """Return the start page, in both languages: the lessons by path, with strands and minutes.

    Args:
        first: the language that comes first, ``"en"`` or ``"fr"``.
    """
    plan = Curriculum.read()
    second = "en" if first == "fr" else "fr"
    return f"{_start_in(first, plan)}\n---\n\n{_start_in(second, plan)}"


_WORDS = {
    "en": {
        "title": "# Open data for policy analysis: start here",
        "intro": "Double-click a lesson in the list on the left, or follow a link below. In a "
        "lesson, **Shift+Enter** runs a cell and goes to the next. What you change is yours: "
        "nothing overwrites it.\n\n"
        "To have this interface in French: *Settings* → *Language* → *Français*. To stop: *File* "
        "→ *Shut Down*.",
        "lessons": "## The lessons",
        "paths": "## Paths",
        "head": "| lesson | strand | minutes | exercise |",
        "soon": "to come",
        "core": "core cut",
        "exercise": "exercise",
        "min": "minutes",
        "tests": "Tests of the one-day session: [before]({pre}), [after]({post}).",
        "note": "An independent project; not endorsed by the Government of Canada.",
    },
    "fr": {
        "title": "# Les données ouvertes au service des politiques : commencez ici",
        "intro": "Double-cliquez sur une leçon dans la liste de gauche, ou suivez un lien "
        "ci-dessous. Dans une leçon, **Maj+Entrée** exécute une cellule et passe à la suivante. "
        "Ce que vous modifiez est à vous : rien ne l’écrase.\n\n"
        "Pour avoir l’interface en français : *Settings* → *Language* → *Français*. Pour arrêter "
        ": *Fichier* → *Arrêter*.",
        "lessons": "## Les leçons",
        "paths": "## Parcours",
        "head": "| leçon | volet | minutes | exercice |",
        "soon": "à venir",
        "core": "version courte",
        "exercise": "exercice",
        "min": "minutes",
        "tests": "Tests de la séance d’une journée : [avant]({pre}), [après]({post}).",
        "note": "Projet indépendant, qui n’est pas approuvé par le gouvernement du Canada.",
    },
}


def _start_in(language: str, plan: Curriculum) -> str:
    from commons.wording import typeset

    words = _WORDS[language]
    lines = [
        words["title"],
        "",
        words["intro"],
        "",
        words["lessons"],
        "",
        words["head"],
        "|---|---|---|---|",
    ]
    for lesson in plan.lessons:
        title = f"{lesson.number} {lesson.title[language]}"
        link = (
            f"[{title}]({language}/{lesson.slug}.ipynb)"
            if lesson.exists()
            else f"{title} ({words['soon']})"
        )
        exercise = lesson.exercise().is_file()
        task = (
            f"[{words['exercise']}]({language}/exercises/{lesson.slug}.ipynb)" if exercise else "–"
        )
        lines.append(f"| {link} | {'+'.join(lesson.strands)} | {lesson.minutes} | {task} |")
    strands = " · ".join(f"{letter} = {title[language]}" for letter, title in plan.strands.items())
    tests = {form: f"{language}/exercises/{name}.ipynb" for form, name in FORMS.items()}
    lines += ["", strands, "", words["tests"].format(**tests), "", words["paths"], ""]
    for path in plan.paths:
        steps = ", ".join(
            lesson.number
            + (f" ({words['core']})" if core else "")
            + ("" if lesson.exists() else f" ({words['soon']})")
            for lesson, core in path.steps(plan)
        )
        lines.append(
            f"- **{path.title[language]}** ({path.minutes(plan)} {words['min']}) : {steps}"
            if language == "fr"
            else f"- **{path.title[language]}** ({path.minutes(plan)} {words['min']}): {steps}"
        )
    lines += ["", words["note"], ""]
    text = "\n".join(lines)
    return typeset(text) if language == "fr" else text


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


def digest(content: bytes) -> str:
    """Return what tells one content of a file from another."""
    return hashlib.sha256(content).hexdigest()
