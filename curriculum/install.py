"""Install the lessons from the room's portal and open them: ``python install.py ADDRESS [--lang
fr]``.

It lies in the ZIP that learners unpack, and needs nothing but Python. Run again, it only opens the
lessons.
"""

import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
SAYS = {
    "en": {
        "use": "Type: python install.py ADDRESS, with the address that stands in the page of the "
        "room.",
        "old": "This is Python {}; the lessons need 3.11 or newer. Ask your trainer for a laptop "
        "that has it.",
        "install": "Installing, a few minutes; everything comes from the room ...",
        "failed": "It did not work: see the lines above. Is the laptop still on the room's "
        "network? Run the same line again; if it fails twice, show it to your trainer.",
    },
    "fr": {
        "use": "Tapez\u00a0: python install.py ADRESSE --lang fr, avec l’adresse donnée dans la "
        "page de la salle.",
        "old": "Ce Python est le {}; les leçons demandent 3.11 ou plus récent. Demandez un autre "
        "poste.",
        "install": "Installation, quelques minutes; tout vient de la salle ...",
        "failed": "L’installation a échoué\u00a0: voyez les lignes ci-dessus. Le poste est-il sur "
        "le réseau de la salle? Relancez la même ligne; au deuxième échec, montrez-la à la "
        "personne qui forme.",
    },
}


def main(words: list) -> int:
    """Install what is not installed yet, then open the lessons.

    Args:
        words: the room's address, and perhaps ``--lang fr``.

    Returns:
        0 where all went well, 1 where a step failed, 2 where it could not begin.
    """
    language = "fr" if "fr" in words else "en"
    says = SAYS[language]
    address = next((word.rstrip("/") for word in words if word.startswith("http")), None)
    if address is None:
        print(says["use"])
        return 2
    if sys.version_info < OLDEST:
        print(says["old"].format(sys.version.split()[0]))
        return 2
    here = Path(__file__).resolve().parent
    python = here / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = here / ".venv" / "done"
    if not done.exists():
        print(says["install"], flush=True)
        if not all(
            subprocess.run([str(word) for word in step], cwd=here).returncode == 0
            for step in steps(here, python, address)
        ):
            print(says["failed"])
            return 1
        done.write_text(address)
    return subprocess.run(
        [
            str(python),
            "-m",
            "curriculum",
            "learn",
            "--folder",
            "learner",
            "--portal",
            address,
            "--lang",
            language,
        ],
        cwd=here,
    ).returncode


def steps(here: Path, python: Path, address: str) -> list:
    """Return the commands that install: an environment, the packages by their hashes, the project.

    Args:
        here: the folder of this file.
        python: the environment's Python.
        address: the room's.
    """
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    wheel = next(here.glob("open_data_curriculum-*.whl"))
    return [
        [sys.executable, "-m", "venv", ".venv"],
        [
            *pip,
            "-f",
            address + "/room/packages/",
            "--trusted-host",
            address.split("//")[1],
            "--require-hashes",
            "-r",
            "requirements.txt",
        ],
        [*pip, "--no-deps", wheel],
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
