"""A simulated participant: what a browser asks of the room, without the browser."""

import json
import re
import time
import uuid

import requests
import websocket

from curriculum.workspace import jupyterlab, start_page
from room.seats import Seat

_FETCHED = re.compile(r'(?:src|href)="(/user/[^"]+)"')
_TOKEN = re.compile(r'name="_xsrf" value="([^"]+)"')


class SeatFailed(Exception):
    """Raised when the room does not do what a participant asks; the text says what was asked and
    answered."""


class Participant:
    """One participant at a browser.

    Args:
        address: the room's, as ``http://host:port``.
        seat: where they sit.
        language: ``"en"`` or ``"fr"``, the button they press.
        patience: how many seconds they wait for one answer.
    """

    def __init__(self, address: str, seat: Seat, language: str, patience: float = 300):
        self.address, self.seat, self.language, self.patience = address, seat, language, patience
        self.home = f"{address}/user/{seat.seat}"
        self.browser = requests.Session()
        self.browser.trust_env = False  # the room is here; no proxy leads to it

    def come_in(self, code: str | None = None) -> float:
        """Type the code, wait until the seat is open, and return how many seconds that took.

        Args:
            code: another than the seat's own.

        Raises:
            SeatFailed: if the code opens no seat, or the seat does not open in time.
        """
        started = time.monotonic()
        door = self._ask("get", f"{self.address}/hub/login")
        answer = self._ask(
            "post",
            f"{self.address}/hub/login?next=%2Fhub%2Fspawn",
            data={
                "_xsrf": _TOKEN.search(door.text)[1],
                "username": "",
                "code": code or self.seat.code,
                "language": self.language,
            },
            fine=(*range(200, 400), 403, 503),
        )
        if answer.url.split("?")[0].endswith("/login"):
            raise SeatFailed(f"{self.seat.seat}: the code opens no seat")
        while time.monotonic() < started + self.patience:
            answer = self._ask("get", f"{self.home}/lab/tree/{start_page.START}", fine=range(600))
            if answer.status_code == 200 and answer.url.startswith(self.home):
                self._load(answer.text)
                return time.monotonic() - started
            time.sleep(1)
        raise SeatFailed(f"{self.seat.seat}: not open after {self.patience:.0f} s")

    def _load(self, page: str) -> None:
        """Fetch what weighs most of what JupyterLab's page fetches before a person sees it."""
        for address in (
            *_FETCHED.findall(page),
            f"/user/{self.seat.seat}/lab/api/settings",
            f"/user/{self.seat.seat}/lab/api/translations/{jupyterlab.LOCALES[self.language]}",
        ):
            self._ask("get", self.address + address)

    def run(self, name: str) -> tuple[list[float], str]:
        """Open a notebook, run its cells one after another in a new kernel, and save it.

        Args:
            name: where it lies at the seat, such as ``en/01-open-government.ipynb``.

        Returns:
            The seconds of each code cell, the start of the kernel before them; and the first error,
            empty if none.

        Raises:
            SeatFailed: if the room does not answer.
        """
        notebook = self.read(name)
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        seconds, error = [], ""
        with Kernel(self, name) as kernel:
            for cell in cells:
                started = time.monotonic()
                error = kernel.execute("".join(cell["source"]))
                seconds.append(time.monotonic() - started)
                if error:
                    break
        self.write(name, notebook)
        return seconds, error

    def read(self, name: str) -> dict:
        """Return a notebook of the seat."""
        return self._ask("get", f"{self.home}/api/contents/{name}").json()["content"]

    def write(self, name: str, notebook: dict) -> None:
        """Save a notebook at the seat."""
        self._ask(
            "put",
            f"{self.home}/api/contents/{name}",
            headers=self._headers(),
            json={"type": "notebook", "content": notebook},
        )

    def _headers(self) -> dict[str, str]:
        """Return the header by which the seat knows that its own page asks."""
        token = next(
            (
                each.value
                for each in self.browser.cookies
                if each.name == "_xsrf" and each.path.startswith("/user/")
            ),
            "",
        )
        return {"X-XSRFToken": token, "Origin": self.address}

    def _ask(self, verb: str, address: str, fine=range(200, 400), **more) -> requests.Response:
        try:
            answer = self.browser.request(verb, address, timeout=self.patience, **more)
        except requests.RequestException as error:
            raise SeatFailed(f"{self.seat.seat}: {verb} {address}: {error}") from error
        if answer.status_code not in fine:
            raise SeatFailed(f"{self.seat.seat}: {verb} {address}: {answer.status_code}")
        return answer


class Kernel:
    """A kernel of a participant's own, to be used in a ``with`` block.

    Args:
        participant: whose; they have come in.
        name: the notebook that it is started for.
    """

    def __init__(self, participant: Participant, name: str):
        self.participant, self.name = participant, name
        self.session = uuid.uuid4().hex

    def __enter__(self):
        who = self.participant
        started = who._ask(
            "post",
            f"{who.home}/api/sessions",
            headers=who._headers(),
            json={
                "path": self.name,
                "name": self.name,
                "type": "notebook",
                "kernel": {"name": "python3"},
            },
        ).json()
        self.opened, number = started["id"], started["kernel"]["id"]
        address = f"{who.home}/api/kernels/{number}/channels?session_id={self.session}"
        asked = requests.Request("GET", address, cookies=who.browser.cookies)
        cookies = who.browser.prepare_request(asked).headers.get("Cookie", "")
        try:
            self.line = websocket.create_connection(
                address.replace("http", "ws", 1),
                cookie=cookies,
                origin=who.address,
                timeout=who.patience,
            )
        except (OSError, websocket.WebSocketException) as error:
            raise SeatFailed(f"{who.seat.seat}: {address}: {error}") from error
        return self

    def __exit__(self, *_):
        self.line.close()
        who = self.participant
        who._ask(
            "delete",
            f"{who.home}/api/sessions/{self.opened}",
            headers=who._headers(),
            fine=range(600),
        )

    def execute(self, code: str) -> str:
        """Run one cell, wait until it is done, and return its error; empty if there was none.

        Raises:
            SeatFailed: if the kernel does not answer within the participant's patience.
        """
        return self.ask(code)[0]

    def ask(self, code: str) -> tuple[str, str]:
        """Run one cell; return its error, empty if there was none, and what it printed."""
        number = uuid.uuid4().hex
        self.line.send(
            json.dumps(
                {
                    "header": {
                        "msg_id": number,
                        "msg_type": "execute_request",
                        "username": "",
                        "session": self.session,
                        "date": "",
                        "version": "5.3",
                    },
                    "parent_header": {},
                    "metadata": {},
                    "channel": "shell",
                    "buffers": [],
                    "content": {
                        "code": code,
                        "silent": False,
                        "store_history": True,
                        "user_expressions": {},
                        "allow_stdin": False,
                        "stop_on_error": True,
                    },
                }
            )
        )
        error, printed, replied, idle = "", "", False, False
        while not (replied and idle):
            try:
                message = json.loads(self.line.recv())
            except (OSError, ValueError, websocket.WebSocketException) as problem:
                raise SeatFailed(
                    f"{self.participant.seat.seat}: {self.name}: {problem}"
                ) from problem
            if message["parent_header"].get("msg_id") != number:
                continue
            content = message["content"]
            if message["msg_type"] == "execute_reply":
                replied = True
                if content["status"] != "ok":
                    error = (
                        f"{content.get('ename', content['status'])}: {content.get('evalue', '')}"
                    )
            elif message["msg_type"] == "stream":
                printed += content["text"]
            idle = idle or (
                message["msg_type"] == "status" and content["execution_state"] == "idle"
            )
        return error, printed
