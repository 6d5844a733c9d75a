"""Finding out what confinement this machine offers, and where to grade if it offers none."""

import os
import platform
from pathlib import Path

import msgspec

from commons.wording import Sentence
from grader.sandbox import kernel, seal, system_calls
from grader.sandbox.forkserver import View
from grader.sandbox.kernel import CannotConfine
from grader.sandbox.sandbox import Sandbox, SandboxLost

RECIPE = Sentence(
    "\nWhere to grade:\n"
    "  Plain Linux   Any distribution with Linux 5.12 or newer. Ubuntu 24.04: sudo sysctl "
    "kernel.apparmor_restrict_unprivileged_userns=0\n"
    "  Windows       WSL 2 with Ubuntu or Debian: run grader inside it, with the course on its "
    "own disk (not under /mnt/c).\n"
    "  macOS         A Linux virtual machine (for instance UTM or Multipass).\n"
    "  Container     podman run --security-opt seccomp=unconfined --security-opt unmask=ALL …, "
    "or docker run --security-opt\n"
    "                seccomp=unconfined --security-opt apparmor=unconfined --security-opt "
    "systempaths=unconfined …: the container then\n"
    "                lets grader build its own, stricter cells.\n"
    "Nothing is graded without confinement, unless you say --unsafe-trusted; that too needs "
    "Linux.",
    "\nOù corriger :\n"
    "  Linux         Toute distribution avec Linux 5.12 ou plus récent. Ubuntu 24.04 : sudo "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0\n"
    "  Windows       WSL 2 avec Ubuntu ou Debian : lancez-y grader, le cours étant sur son "
    "disque (pas sous /mnt/c).\n"
    "  macOS         Une machine virtuelle Linux (par exemple UTM ou Multipass).\n"
    "  Conteneur     podman run --security-opt seccomp=unconfined --security-opt unmask=ALL …, "
    "ou docker run --security-opt\n"
    "                seccomp=unconfined --security-opt apparmor=unconfined --security-opt "
    "systempaths=unconfined … : le conteneur laisse\n"
    "                alors grader bâtir ses propres cellules, plus strictes.\n"
    "Rien n’est corrigé sans confinement, à moins de dire --unsafe-trusted; là aussi, il faut "
    "Linux.",
)


class Offer(msgspec.Struct, frozen=True):
    """What this machine offers for confinement.

    Args:
        missing: what is needed and not there, in plain words; empty where all is there.
        landlock: the version of Landlock's interface, the second line of defence; 0 where there is
            none.
        system: the system and machine, such as ``"Linux x86_64"``.
    """

    missing: list[Sentence]
    landlock: int
    system: str


def offer() -> Offer:
    """Find out what this machine offers, by confining a process that does nothing.

    Returns:
        What is missing, if anything, and the second line of defence that is there.
    """
    stranger = _of_another_kind()
    return Offer(
        missing=stranger or _switched_off() or _tried(),
        landlock=0 if stranger else seal.landlock_version(),
        system=f"{platform.system()} {platform.machine()}",
    )


def _of_another_kind() -> list[Sentence]:
    """Say why no cell can be built here, whatever is installed or switched on."""
    try:
        kernel.require_linux()
    except CannotConfine as error:
        return [error.why]
    return []


def _switched_off() -> list[Sentence]:
    """Name what is not installed, or what an administrator switched off."""
    missing = []
    try:
        system_calls.written()
    except CannotConfine as error:
        missing.append(error.why)
    if "0" in (
        _setting("/proc/sys/user/max_user_namespaces"),
        _setting("/proc/sys/kernel/unprivileged_userns_clone"),
    ):
        missing.append(
            Sentence(
                "User namespaces are switched off (user.max_user_namespaces or "
                "kernel.unprivileged_userns_clone is 0).",
                "Les espaces de noms d’utilisateur sont désactivés (user.max_user_namespaces ou "
                "kernel.unprivileged_userns_clone vaut 0).",
            )
        )
    if (
        _setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1"
        and os.geteuid() != 0
    ):
        missing.append(
            Sentence(
                "AppArmor keeps ordinary users from user namespaces "
                "(kernel.apparmor_restrict_unprivileged_userns is 1, as on Ubuntu 24.04).",
                "AppArmor refuse les espaces de noms aux utilisateurs ordinaires "
                "(kernel.apparmor_restrict_unprivileged_userns vaut 1, comme dans Ubuntu 24.04).",
            )
        )
    return missing


def _setting(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _tried() -> list[Sentence]:
    """Confine a process, and return what the kernel said where it could not."""
    try:
        Sandbox(View()).close()
    except CannotConfine as error:
        return [error.why]
    except (SandboxLost, TimeoutError) as error:
        detail = str(error.args[0])[-500:]  # an error of the kernel or of Python, in English
        return [
            Sentence(
                f"A confined process could not start: {detail}",
                f"Un processus confiné n’a pu démarrer : {detail}",
            )
        ]
    return []
