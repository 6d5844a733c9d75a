"""Waiting for an answer, reading its body within limits, and building whole answers."""

import io
import sys
import threading
import urllib.parse
from http import HTTPStatus

import requests
import urllib3
from requests.adapters import HTTPAdapter

from portail import settings
from portail.connection.faults import network_problem
from portail.errors import PortalProblem

# the largest answer held in memory; what is larger is refreshed to disk or queried
MOST_BYTES = 256 * 1024**2
USER_AGENT = "portail/0.1 (open data curriculum; requests)"


def own_headers() -> dict[str, str]:
    """Say who asks; a browser forbids the header, and its own name is what the portal sees."""
    return {} if settings.IN_BROWSER else {"User-Agent": USER_AGENT}


def at_base(address: str) -> str:
    """Return the address with the portal's host replaced by the base address in force."""
    parts = urllib.parse.urlsplit(address)
    base = settings.base_url()
    if base == settings.PORTAL:
        return address
    return base + urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))


def whole_body(answer: requests.Response) -> bytes:
    """Read a whole body, unpacked, and no more than ``MOST_BYTES`` of it."""
    parts, size = [], 0
    for part in answer.iter_content(64 * 1024):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            answer.close()
            raise PortalProblem(
                "flood",
                f"The answer is larger than {MOST_BYTES // 1024**2} MB. Ask for fewer rows, or "
                "fetch the dataset to disk: portail refresh.",
                f"La réponse dépasse {MOST_BYTES // 1024**2} Mo. Demandez moins de lignes, ou "
                "récupérez le jeu de données sur disque : portail refresh.",
            )
    return b"".join(parts)


def within(seconds: float, ask):
    """Return ``ask()``, or raise a PortalProblem when it fails or has not ended in time.

    A thread is what makes the limit hold for a name look-up that hangs or a body that drips. A
    browser's Python has no threads, and there the browser's own limit holds.
    """
    if settings.IN_BROWSER:
        return named(ask)
    outcome = []

    def run():
        try:
            outcome.append((True, named(ask)))
        except BaseException as error:  # handed to the caller's thread below
            outcome.append((False, error))

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(seconds)
    if not outcome:
        raise PortalProblem(
            "slow",
            f"The portal had not finished its answer after {seconds:g} seconds.",
            f"Le portail n’avait pas terminé sa réponse après {seconds:g} secondes.",
        )
    succeeded, result = outcome[0]
    if not succeeded:
        raise result
    return result


def named(ask):
    """Return ``ask()``, with every error of the network named as a PortalProblem."""
    try:
        return ask()
    except PortalProblem:
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise network_problem(error) from error


def response_of(request, status: int, headers, body: bytes, history) -> requests.Response:
    """Build a whole answer whose body is at hand, as ``requests`` and its cache expect one."""
    gone = ("content-encoding", "transfer-encoding", "content-length", "connection")
    kept = {name: value for name, value in headers.items() if name.lower() not in gone}
    raw = urllib3.HTTPResponse(
        io.BytesIO(body),
        headers=kept,
        status=status,
        reason=HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "",
        preload_content=False,
        request_url=request.url,
        request_method=request.method,
    )
    answer = HTTPAdapter().build_response(request, raw)
    answer.history = history
    answer._content, answer._content_consumed = (
        raw.read(),
        True,
    )  # as .content does, which takes ten kilobytes a time
    return answer


if sys.platform == "emscripten":
    # In a browser a caught, failed request still reddens the cell while urllib3 uses promises;
    # without them it asks synchronously and the cell ends well.
    import urllib3.contrib.emscripten.fetch as _fetch

    _fetch.has_jspi = lambda: False
