"""Checking a set-up: what would stop a learner, and the remedy in plain words.

This file runs before anything is installed (``python portail/doctor.py``), on whatever Python is
there: it needs the standard library alone and no newer syntax. ``portail doctor`` runs the same
checks and those that need the packages.
"""

import os
import shutil
import socket
import sys

NEEDED_PYTHON = (3, 11)
NEEDED_BYTES = (
    2 * 1024**3
)  # the environment takes about 900 MB, and pip as much again while it installs
OK, WARN, FAIL = "ok", "warn", "fail"


class SetupResult:
    """What one check found.

    Args:
        state: ``"ok"``, ``"warn"`` (one can go on) or ``"fail"``.
        english: what was found, and the remedy.
        french: the same in French.
    """

    def __init__(self, state, english, french):
        self.state, self.english, self.french = state, english, french


def check_python(version=None):
    """Check that Python is new enough."""
    version = tuple(version or sys.version_info[:2])
    if version >= NEEDED_PYTHON:
        return SetupResult(OK, "Python {}.{}".format(*version), "Python {}.{}".format(*version))
    return SetupResult(
        FAIL,
        "Python {}.{} is too old: 3.11 or newer is needed. Install it from your software centre "
        "or python.org, then "
        "run: make learn PYTHON=python3.11".format(*version),
        "Python {}.{} est trop ancien : il faut la version 3.11 ou une plus récente. Installez-la "
        "à partir de votre "
        "centre logiciel ou de python.org, puis lancez : make learn PYTHON=python3.11".format(
            *version
        ),
    )


def check_venv():
    """Check that a virtual environment can be made."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return SetupResult(
            FAIL,
            "This Python has no venv module. On Debian or Ubuntu: sudo apt install python3-venv. "
            "Without that right, use conda: conda env create -f environment.yml",
            "Ce Python n’a pas le module venv. Sous Debian ou Ubuntu : sudo apt install "
            "python3-venv. Sans ce droit, utilisez conda : conda env create -f environment.yml",
        )
    return SetupResult(
        OK, "Virtual environments can be made", "Les environnements virtuels sont disponibles"
    )


def check_disk(folder, free=None):
    """Check that the disk has room for the environment."""
    free = shutil.disk_usage(folder).free if free is None else free
    if free >= NEEDED_BYTES:
        return SetupResult(
            OK,
            "Free disk: {:.1f} GB".format(free / 1e9),
            "Espace libre : {:.1f} Go".format(free / 1e9),
        )
    return SetupResult(
        FAIL,
        "Only {:.1f} GB of disk are free and 2 GB are needed. Free some space, or clone the "
        "project on another "
        "disk.".format(free / 1e9),
        "Il ne reste que {:.1f} Go sur le disque et il en faut 2. Libérez de l’espace, ou clonez "
        "le projet sur un "
        "autre disque.".format(free / 1e9),
    )


def check_folder(folder):
    """Check that the folder can be written to, and warn of a path that some programs cannot
    take."""
    folder = os.path.abspath(folder)
    if not os.access(folder, os.W_OK):
        return SetupResult(
            FAIL,
            "The folder {} is read-only. Copy the project to a folder of your own, "
            "such as Documents.".format(folder),
            "Le dossier {} est en lecture seule. Copiez le projet dans un dossier à vous, comme "
            "Documents.".format(folder),
        )
    if len(folder) > 150:
        return SetupResult(
            WARN,
            "The path {} is long; on Windows, installing may fail. Move the project "
            "nearer to the root.".format(folder),
            "Le chemin {} est long; sous Windows, l’installation peut échouer. Rapprochez le "
            "projet de la "
            "racine.".format(folder),
        )
    if " " in folder or any(ord(sign) > 127 for sign in folder):
        return SetupResult(
            WARN,
            "The path {} holds spaces or accents. The lessons work there; if another program "
            "complains, move the "
            "project to a path without them.".format(folder),
            "Le chemin {} contient des espaces ou des accents. Les leçons y fonctionnent; si un "
            "autre programme s’en "
            "plaint, déplacez le projet vers un chemin qui n’en a pas.".format(folder),
        )
    return SetupResult(OK, "Folder: {}".format(folder), "Dossier : {}".format(folder))


def check_proxy(environment=None):
    """Say whether a proxy is set."""
    environment = os.environ if environment is None else environment
    for name in (
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ):
        if environment.get(name):
            if "://" not in environment[name]:
                return SetupResult(
                    FAIL,
                    "{} is set to an address without http:// in front. Write it as http://name:port".format(
                        name
                    ),
                    "{} contient une adresse sans http:// devant. Écrivez http://nom:port".format(
                        name
                    ),
                )
            return SetupResult(
                OK, "Proxy: {} is set".format(name), "Mandataire : {} est défini".format(name)
            )
    return SetupResult(OK, "No proxy is set", "Aucun mandataire défini")


def check_port(port=8888, host="127.0.0.1"):
    """Say whether JupyterLab's usual port is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return SetupResult(
                WARN,
                "Port {} is taken: JupyterLab will choose the next free one. An earlier "
                "JupyterLab may still be open; "
                "jupyter lab list shows it.".format(port),
                "Le port {} est pris : JupyterLab choisira le prochain port libre. Un JupyterLab "
                "ouvert plus tôt "
                "tourne peut-être encore; jupyter lab list le montre.".format(port),
            )
    return SetupResult(OK, "Port {} is free".format(port), "Le port {} est libre".format(port))


def before_install(folder="."):
    """Return the results of the checks that need nothing installed."""
    return [
        check_python(),
        check_venv(),
        check_disk(folder),
        check_folder(folder),
        check_proxy(),
        check_port(),
    ]


def after_install():
    """Return the results of the checks that need the installed packages: datasets, interface,
    portal."""
    return [check_datasets(), check_portal()]


def check_datasets():
    """Check that every dataset's rows are those its description names."""
    import hashlib

    from commons.errors import BilingualError
    from portail import datasets

    names = datasets.names()
    for name in names:
        try:
            dataset = datasets.find(name)
            for at, resource in enumerate(dataset.resources):
                found = hashlib.sha256(dataset.rows_path(at).read_bytes()).hexdigest()
                if resource["hash"] != "sha256:" + found:
                    raise OSError("sha256 {}…".format(found[:12]))
        except (BilingualError, OSError) as error:
            return SetupResult(
                FAIL,
                "The dataset {} is damaged ({}). Fetch it anew: portail refresh {}, or restore "
                "the project’s "
                "files.".format(name, error, name),
                "Le jeu de données {} est endommagé ({}). Récupérez-le : portail refresh {}, ou "
                "rétablissez les "
                "fichiers du projet.".format(name, error, name),
            )
    if not names:
        return SetupResult(
            FAIL,
            "No dataset was found. Install the project again: pip install .",
            "Aucun jeu de données trouvé. Réinstallez le projet : pip install .",
        )
    count = len(names)
    return SetupResult(
        OK, "{} datasets, all whole".format(count), "{} jeux de données, tous intacts".format(count)
    )


def check_portal():
    """Say whether the portal answers; without it the lessons work on their dated copies."""
    from portail import settings
    from portail.connection.probing import check_reachable
    from portail.errors import PortalProblem

    try:
        check_reachable(settings.base_url())
    except PortalProblem as problem:
        return SetupResult(
            WARN,
            problem.english + " The lessons work all the same, on their dated copies.",
            problem.french + " Les leçons fonctionnent quand même, sur leurs copies datées.",
        )
    return SetupResult(
        OK,
        "The portal answers: " + settings.base_url(),
        "Le portail répond : " + settings.base_url(),
    )


def report(results, language=None):
    """Print results, both languages or one; return the exit code: 0, or 1 if a check failed."""
    marks = {OK: "[ OK ]", WARN: "[ ?? ]", FAIL: "[FAIL]"}
    for result in results:
        print(marks[result.state], result.french if language == "fr" else result.english)
        if language is None and result.state != OK:
            print("       " + result.french)
    return 1 if any(result.state == FAIL for result in results) else 0


if __name__ == "__main__":
    sys.exit(report(before_install(sys.argv[1] if len(sys.argv) > 1 else ".")))
