"""Commands for the trainer: ``python -m room open | collect | rehearse``."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import click
import requests

from curriculum import release
from curriculum.lessons import Curriculum
from grader import confinement
from grader import roster as rosters
from portail import server
from portail.errors import PortailError
from portail.wording import Sentence
from room import hub, seats
from room import rehearse as rehearsal

CARDS = "cards.html"


class Room:
    """An open room: JupyterHub with its proxy, and the portal that the seats ask.

    Args:
        folder: where its seats lie.
        host: the address to listen on.
        port: the port that participants' browsers ask.
        certificate: for https, the certificate's file.
        key: and its key's.
    """

    def __init__(self, folder: Path, host: str, port: int, certificate: str = "", key: str = ""):
        self.folder, self.host, self.port = folder, host, port
        self.certificate, self.key = certificate, key
        self.process: subprocess.Popen | None = None

    def __enter__(self):
        own = self.folder / "hub"
        own.mkdir(exist_ok=True)
        own.chmod(0o700)
        self.portal = server.make_server(None, "127.0.0.1", 0)
        threading.Thread(target=self.portal.run, daemon=True).start()
        ports = _free_ports(2)
        notes = own / "room.json"
        notes.write_text(json.dumps({
            "folder": str(self.folder), "host": self.host, "port": self.port, "certificate": self.certificate,
            "key": self.key, "hub_port": ports[0], "proxy_port": ports[1],
            "portal_port": int(self.portal.effective_port)}), "utf-8")
        warm = self.folder / hub.WARM
        warm.unlink(missing_ok=True)
        self.warm = self._start(own, "room.warm", str(warm))
        self.process = self._start(own, "jupyterhub", "-f", str(Path(__file__).with_name("jupyterhub_config.py")),
                                   environment={hub.SETTINGS: str(notes)})
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, own: Path, *words: str, environment: dict[str, str] = {}) -> subprocess.Popen:  # noqa: B006
        """Start a module of Python that writes to the room's log. It hears no Ctrl-C, and ends with the room."""
        with open(own / "hub.log", "ab") as log:
            return subprocess.Popen([sys.executable, "-m", *words], cwd=own, env=os.environ | environment,
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                    preexec_fn=lambda: confinement.die_with_parent(signal.SIGTERM))

    def _wait_until_it_answers(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                if (self.folder / hub.WARM).exists() and self._ask("/hub/login").ok:
                    return
            time.sleep(0.2)
        log = self.folder / "hub" / "hub.log"
        raise seats.CannotOpenRoom(
            f"The room could not be opened on port {self.port}; {log} says why. Another program may use the port: try "
            f"--port {self.port + 1}.",
            f"Impossible d’ouvrir la salle sur le port {self.port}; {log} dit pourquoi. Un autre programme l’utilise "
            f"peut-être : essayez --port {self.port + 1}.")

    def _ask(self, path: str) -> requests.Response:
        """Ask this machine itself: its certificate names it as the laptops know it, not as it knows itself."""
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host
        with requests.Session() as session, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session.trust_env = False
            return session.get(self.address(host) + path, timeout=5, verify=False)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.warm.kill()
        self.warm.wait()
        self.portal.close()

    def address(self, host: str) -> str:
        """Return what is typed into a browser to come in."""
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def _say(english: str, french: str) -> None:
    click.echo(str(Sentence(english, french)))


def _refuse_without_confinement() -> None:
    missing = confinement.offer().missing
    if missing:
        raise confinement.CannotConfine(
            " ".join(each[0] for each in missing) + " A room is opened only where seats can be kept apart: "
            "`grader doctor` says how to get what is missing.",
            " ".join(each[1] for each in missing) + " Une salle n’ouvre que là où les places peuvent être séparées : "
            "`grader doctor` dit comment obtenir ce qui manque.")


_FOLDER = click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=None,
                       help="The room's folder; rooms/ and today's date if left out.")
_COURSE = click.option("--course", type=click.Path(file_okay=False, path_type=Path), default=release.COURSE,
                       help="The nbgrader course that takes the hand-ins; this project's own if left out.")


@click.group()
def room() -> None:
    """A room of laptops that have only a browser."""


@room.command("open")
@_FOLDER
@_COURSE
@click.option("--seats", "count", type=click.IntRange(1, 99), default=27, help="How many; without a roster.")
@click.option("--roster", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Who comes, as CSV.")
@click.option("--host", default="0.0.0.0", help="The address to listen on; every one of this machine's if left out.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000)
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False), help="For https.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="For https.")
def open_room(folder, course, count, roster, host, port, certificate, key) -> None:
    """Open the room, and take in what was handed in when it closes (Ctrl-C)."""
    _refuse_without_confinement()
    folder = (folder or seats.folder_of_today()).resolve()
    people = list(rosters.read(roster).people.values()) if roster else seats.people_without_names(count)
    there = seats.prepare(folder, people)
    with Room(folder, host, port, certificate or "", key or "") as opened:
        address = opened.address(server.own_address() if host == "0.0.0.0" else host)
        (folder / CARDS).write_text(seats.cards(there, address), "utf-8")
        _say(f"The room is open at {address}\nCards to print, one for each of {len(there)} seats: {folder / CARDS}\n"
             "To take in what was handed in, at any time: python -m room collect. To close: Ctrl-C, which takes it "
             "in too.",
             f"La salle est ouverte à {address}\nCartes à imprimer, une pour chacune des {len(there)} places : "
             f"{folder / CARDS}\nPour recueillir les copies, en tout temps : python -m room collect. Pour fermer : "
             "Ctrl-C, qui les recueille aussi.")
        for number in (signal.SIGTERM, signal.SIGHUP):  # the window was closed: as Ctrl-C
            signal.signal(number, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            opened.process.wait()
    sys.exit(_collect(folder, course))


@room.command()
@_FOLDER
@_COURSE
def collect(folder, course) -> None:
    """Take in what participants changed in their exercises, into the course's submitted/."""
    sys.exit(_collect((folder or seats.folder_of_today()).resolve(), course))


def _collect(folder: Path, course: Path) -> int:
    """Hand the seats' exercises to ``grader collect``, and return its exit code."""
    with tempfile.TemporaryDirectory() as away:
        seats.handed_in(folder, Path(away))
        return subprocess.run([sys.executable, "-m", "grader", "collect", away, "--roster",
                               str(folder / seats.ROSTER), "--course", str(course)]).returncode


@room.command()
@click.option("--seats", "count", type=click.IntRange(1, 99), default=27, help="How many at once.")
@click.option("--path", "name", default="one-day", help="The path whose lessons are run (`portail lessons`).")
@click.option("--lesson", "only", multiple=True, help="Only this one; can be given again.")
@click.option("--patience", type=click.IntRange(1), default=300, help="Seconds that a seat waits for one answer.")
@click.option("--slow", type=click.FloatRange(0), default=20, help="Seconds at p95 from which a line is red.")
def rehearse(count, name, only, patience, slow) -> None:
    """Run every lesson of the day, in both languages, from all seats at once: a green or a red line each."""
    _refuse_without_confinement()
    lessons = list(only) or _lessons(name)
    with tempfile.TemporaryDirectory() as away:
        folder = Path(away)
        there = seats.prepare(folder, seats.people_without_names(count))
        with Room(folder, "127.0.0.1", _free_ports(1)[0]) as opened, rehearsal.Memory(os.getpid()) as memory:
            red = [line for line in rehearsal.rehearse(opened.address("127.0.0.1"), there, lessons, patience)
                   if not _green(line, slow)]
        copies = seats.handed_in(folder, folder / "handed-in")
    _say(f"{copies} of {count * len(lessons)} hand-ins are there. The room needed {memory.most / 1e9:.1f} GB.",
         f"{copies} copies sur {count * len(lessons)} sont là. La salle a demandé {memory.most / 1e9:.1f} Go.")
    sys.exit(1 if red or copies < count * len(lessons) else 0)


def _lessons(name: str) -> list[str]:
    """Return the lessons of a path that are written."""
    plan = Curriculum.read()
    path = next((each for each in plan.paths if each.name == name), None)
    if path is None:
        raise click.BadParameter(str(Sentence(f"{name} is no path: `portail lessons` names them.",
                                              f"{name} n’est pas un parcours : `portail lessons` les nomme.")))
    return [lesson.slug for lesson, _ in path.steps(plan) if lesson.exists()]


def _green(line: rehearsal.Line, slow: float) -> bool:
    """Print a line of the rehearsal, and tell whether it is green; colour is never alone: a word says the same."""
    green = not line.errors and line.p95 <= slow
    word = Sentence("good ", "bon  ") if green else Sentence("BAD  ", "ÉCHEC")
    click.secho(f"{word} {line.language}  {line.step:<34} {line.seats:>3} × p95 {line.p95:6.2f} s",
                fg="green" if green else "red")
    for error in line.errors:
        click.echo(f"      {error[:300]}")
    return green


def main() -> None:
    """Run the command and end the process with its exit code."""
    try:
        sys.exit(room(standalone_mode=False))
    except PortailError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _say("Stopped; nothing was lost.", "Arrêté; rien n’est perdu.")
        sys.exit(130)


if __name__ == "__main__":
    main()
