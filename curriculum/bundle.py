"""Building what a room without internet installs from: a ZIP, the packages and a page.

The trainer makes it beforehand, with a network (``python -m curriculum bundle``), and serves it in
the room (``portail serve --room FOLDER``); the laptops then need Python alone.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from commons.errors import BilingualError
from commons.files import put
from commons.templates import fill
from curriculum import pages
from curriculum.lessons import LANGUAGES, ROOT
from curriculum.words import words
from curriculum.workspace.build import build
from portail.server import ROOM

ZIP = "open-data-curriculum.zip"
PACKAGES = "packages"


class CannotBundle(BilingualError):
    """Raised when the packages cannot be had; what pip said is in the text."""


def write(
    folder: Path, targets: list[str] = (), lock: Path = ROOT / "requirements.txt"
) -> list[Path]:
    """Write the bundle: the ZIP, the packages as wheels with their list, and the page.

    Args:
        folder: where; made if absent. Packages that are there already are not fetched again.
        targets: other kinds of laptop than this machine, as ``"platform:version"`` in pip's words,
            such as ``"win_amd64:3.12"`` or ``"macosx_11_0_arm64:3.13"``.
        lock: which packages, with their hashes.

    Returns:
        The page, the ZIP and the wheels.

    Raises:
        CannotBundle: if pip cannot fetch a package as a wheel, or cannot build the project's own.
        CannotWrite: if the folder cannot be written to.
    """
    packages = folder / PACKAGES
    packages.mkdir(parents=True, exist_ok=True)
    for target in ["", *targets]:
        _pip(
            "download",
            "--require-hashes",
            "--only-binary=:all:",
            "-r",
            lock,
            "-d",
            packages,
            *_of(target),
        )
    for old in packages.glob("open_data_curriculum-*.whl"):
        old.unlink()
    _pip("wheel", "--no-deps", "--no-build-isolation", "-w", packages, ROOT)
    wheels = sorted(packages.glob("*.whl"))
    own = next(packages.glob("open_data_curriculum-*.whl"))
    listed = fill(pages.TEMPLATES / "packages.html.j2", wheels=[wheel.name for wheel in wheels])
    put(packages / "index.html", listed.encode())
    _zip(folder / ZIP, own, lock)
    put(folder / "index.html", page().encode())
    return [folder / "index.html", folder / ZIP, *wheels]


def _of(target: str) -> list[str]:
    """Return pip's options for another kind of laptop."""
    if not target:
        return []
    platform, _, version = target.partition(":")
    if not platform or not version.replace(".", "").isdigit():
        raise CannotBundle(
            f"{target} is not a kind of laptop: write platform:version, such as win_amd64:3.12.",
            f"{target} n’est pas un type d’ordinateur : écrivez plateforme:version, comme "
            "win_amd64:3.12.",
        )
    return ["--platform", platform, "--python-version", version, "--implementation", "cp"]


def _pip(*words) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            words[0],
            "--quiet",
            "--disable-pip-version-check",
            *map(str, words[1:]),
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["?"])[-1][:300]
        raise CannotBundle(
            f"The packages could not be had: {why} A network is needed here, once; then run it "
            "again.",
            f"Impossible d’obtenir les paquets : {why} Il faut ici un réseau, une fois; puis "
            "relancez.",
        )


def _zip(path: Path, wheel: Path, lock: Path) -> None:
    """Write the ZIP: what installs, the project's wheel, the packages' names and hashes, the
    learner's workspace."""
    with tempfile.TemporaryDirectory() as away:
        folder = Path(away) / path.stem
        build(folder / "learner")
        shutil.copyfile(wheel, folder / wheel.name)
        shutil.copyfile(lock, folder / "requirements.txt")
        shutil.copyfile(Path(__file__).with_name("install.py"), folder / "install.py")
        fresh = path.with_suffix(".new")
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
            for each in sorted(folder.rglob("*")):
                archive.write(each, each.relative_to(away))
        fresh.replace(path)


def page() -> str:
    """Return the page of the room, in both languages; the server puts its own address in place of
    ``ROOM``."""
    marks = {
        "zip": f'<a href="{ZIP}">{ZIP}</a>',
        "folder": f"<code>{Path(ZIP).stem}</code>",
        "learner": "<code>learner</code>",
    }
    return fill(
        pages.TEMPLATES / "bundle.html.j2",
        title=" / ".join(words("lesson_page", language)["project"] for language in LANGUAGES),
        languages={language: words("bundle_page", language) for language in LANGUAGES},
        marks=marks,
        room=ROOM,
    )
