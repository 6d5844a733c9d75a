"""The portal as a ``requests.Session``: live, or answered from the dated copy, and saying which.

Lessons write real addresses, ``portal.get("https://open.canada.ca/data/api/action/package_search",
…)``. The adapter below sends them where the mode in force says: to the portal, to a room's mirror
(``PORTAIL_URL``), or to the mirror inside this process, which needs no network, no thread and no
socket.
"""

import io
import json
import sys
import threading
import urllib.parse
from http import HTTPStatus

import requests
import requests_cache
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from commons.wording import Sentence
from commons.wording import date as in_words
from portail import settings
from portail.errors import PortalProblem
from portail.library import provenance

PROBE_SECONDS = 8  # the longest wait for the first sign of the portal, name look-up included
MOST_BYTES = (
    256 * 1024**2
)  # the largest answer held in memory; what is larger is refreshed to disk or queried
ANSWER_SECONDS = 60  # the longest wait for one whole answer; 3 MB at 0.5 Mbit/s take 50 s
REMEMBER_SECONDS = 3600  # a live answer is asked for once an hour in one process
HERE_HEADER = "X-Portail-Here"  # on answers of the mirror inside this process
HOSTS = ("https://open.canada.ca/", "https://ouvert.canada.ca/")
USER_AGENT = "portail/0.1 (open data curriculum; requests)"

_reachable: dict[str, PortalProblem | None] = {}
_told: set[Sentence] = set()
_cache = (
    requests_cache.backends.BaseCache()
)  # in memory: nothing of a learner's work is written to disk


def session(mode: str | None = None) -> requests.Session:
    """Return a ``requests.Session`` for the portal.

    Args:
        mode: ``"auto"`` (live; if the portal cannot be reached or answers badly, the dated copy,
            and a sentence says so), ``"live"`` (never the copy) or ``"snapshot"`` (never the
            network); ``PORTAIL_MODE``, else auto, if left out.

    Returns:
        A session that knows the portal's addresses. Other addresses go out as with plain
        ``requests``.

    Raises:
        SettingError: if the mode is another word.
    """
    adapter = PortalAdapter(settings.mode(mode))
    if adapter.mode == "snapshot":  # nothing that this process answers itself is worth remembering
        portal = _OfflineSession()
    else:
        portal = requests_cache.CachedSession(
            backend=_cache,
            expire_after=REMEMBER_SECONDS,
            key_fn=_cache_key,
            filter_fn=_is_live_answer,
        )
    portal.headers.update(_own_headers())
    for host in HOSTS:
        portal.mount(host, adapter)
    return portal


class _OfflineSession(requests.Session):
    """A session that looks for no proxy and no certificate for the portal: this process answers in
    its place."""

    def merge_environment_settings(self, url, proxies, stream, verify, cert):
        """Return the settings of a request (an override of ``requests``, which goes through the
        whole environment)."""
        if url.startswith(HOSTS):
            return {"proxies": {}, "stream": stream, "verify": verify, "cert": cert}
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


def notice(sentence: Sentence) -> None:
    """Tell the reader something about the data, once in a process."""
    if sentence not in _told:
        _told.add(sentence)
        print(sentence)


def forget() -> None:
    """Forget what this process learned of the portal: whether it answers, its answers, what was
    told."""
    _reachable.clear()
    _told.clear()
    _cache.clear()


class PortalAdapter(BaseAdapter):
    """Sends the portal's addresses to the portal, a room's mirror, or the mirror in this process.

    Args:
        mode: ``"auto"``, ``"live"`` or ``"snapshot"``.
    """

    def __init__(self, mode: str):
        super().__init__()
        self.mode = mode
        retries = urllib3.Retry(
            total=2,
            read=0,
            backoff_factor=0.3,
            status_forcelist=(429, 500, 502, 503, 504),
            raise_on_status=False,
            respect_retry_after_header=True,
            retry_after_max=5,
        )
        self._live = requests.Session()
        for scheme in ("https://", "http://"):
            self._live.mount(scheme, HTTPAdapter(max_retries=retries))

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        """Answer one prepared request (the interface of ``requests``' adapters).

        Raises:
            PortalProblem: in live mode for any fault; in auto mode only where there is no copy to
                answer from.
        """
        if self.mode == "snapshot":
            return mirror_answer(request)
        try:
            if self.mode == "auto":
                check_reachable(settings.base_url())
            return self.live_answer(request, timeout, verify, cert)
        except PortalProblem as problem:
            if self.mode == "live":
                raise
            answer = mirror_answer(request)
            if not answer.ok:  # there is no copy of this: the portal's own fault is the news
                raise
            notice(fallback_sentence(problem, provenance(answer.headers)[1]))
            return answer

    def close(self):
        """Close the connections (the interface of ``requests``' adapters)."""
        self._live.close()

    def live_answer(
        self, request, timeout=None, verify=True, cert=None, stream=False
    ) -> requests.Response:
        """Ask the portal, redirects included, and refuse what is not data.

        Args:
            request: a prepared request with one of the portal's addresses.
            timeout: seconds to connect and between bytes; the whole answer has ``ANSWER_SECONDS``.
            verify: as in ``requests``.
            cert: as in ``requests``.
            stream: leave the body to be read by the caller, who then has no overall limit.

        Raises:
            PortalProblem: for any fault that can be told from the answer.
        """
        sent = request.copy()
        sent.url = _at_base(request.url)
        options = self._live.merge_environment_settings(sent.url, {}, True, verify, cert)
        options |= {"timeout": timeout or 10, "allow_redirects": True}

        def ask():
            answer = self._live.send(sent, **options)
            whole = stream and answer.ok and not looks_like_page(answer.headers, b"")
            return answer, None if whole else _body(answer)

        answer, body = _within(ANSWER_SECONDS, ask)
        if body is None:
            return answer
        refuse_bad_answer(answer, body, expected_kind(request.url))
        return _response(request, answer.status_code, answer.headers, body, answer.history)


def stream(address: str) -> requests.Response:
    """Ask the portal for a file, live, whose body the caller reads part by part and without the
    cache.

    Raises:
        PortalProblem: for any fault that can be told before the body.
    """
    request = requests.Request("GET", address, headers=_own_headers()).prepare()
    return PortalAdapter("live").live_answer(request, timeout=(10, 30), stream=True)


def _body(answer: requests.Response) -> bytes:
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


def fallback_sentence(problem: PortalProblem, date: str) -> Sentence:
    """Return what is told when a dated copy stands in for the portal."""
    copy_en = f"the copy of {in_words(date, 'en')}" if date else "the dated copy"
    copy_fr = f"la copie du {in_words(date, 'fr')}" if date else "la copie datée"
    return Sentence(
        f"{problem.english} You are working on {copy_en}; nothing is lost. To try again: "
        'portail.session(mode="live").',
        f"{problem.french} Vous travaillez sur {copy_fr}; rien n’est perdu. "
        'Pour réessayer : portail.session(mode="live").',
    )


def mirror_answer(request: requests.PreparedRequest) -> requests.Response:
    """Answer a request from the datasets on this machine, inside this process."""
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    from portail.mirror import local_mirror

    environ = EnvironBuilder(
        path=urllib.parse.unquote(urllib.parse.urlsplit(request.url).path),
        query_string=urllib.parse.urlsplit(request.url).query,
        method=request.method,
        headers={
            name: value
            for name, value in request.headers.items()
            if name.lower() != "accept-encoding"
        },
        data=request.body or b"",
        base_url=settings.PORTAL,
    ).get_environ()
    chunks, status, headers = run_wsgi_app(local_mirror(), environ, buffered=True)
    return _response(
        request, int(status.split()[0]), dict(headers) | {HERE_HEADER: "yes"}, b"".join(chunks), []
    )


def refuse_bad_answer(answer: requests.Response, body: bytes, expected: str) -> None:
    """Raise what is wrong with an answer of the portal, if anything can be told from the answer
    alone.

    Args:
        answer: status, headers and address.
        body: its whole body, decoded.
        expected: ``"json"``, ``"csv"`` or ``"any"``.

    Raises:
        PortalProblem: for an error status that is not CKAN's own answer, a page instead of data, an
            empty body.
    """
    refused = answer.status_code >= 500 or answer.status_code in (403, 429)
    if expected == "json" and not refused and _is_ckan_json(body):
        return  # CKAN's own answer, errors included ("Not found"): for the learner's code to read
    if not answer.ok:
        raise _status_problem(answer.status_code)
    if looks_like_page(answer.headers, body) and expected != "any":
        raise _page_problem(body)
    if expected != "any" and not body.strip():
        raise PortalProblem(
            "empty", "The portal sent an empty file.", "Le portail a envoyé un fichier vide."
        )
    if expected == "json":
        raise PortalProblem(
            "json",
            "The portal’s answer is not JSON that can be read.",
            "La réponse du portail n’est pas du JSON lisible.",
        )


def expected_kind(address: str) -> str:
    """Return what an address of the portal should send: ``"json"``, ``"csv"`` or ``"any"``."""
    path = urllib.parse.urlsplit(address).path.lower()
    if "/api/" in path:
        return "json"
    return "csv" if path.endswith(".csv") or "/datastore/dump/" in path else "any"


def looks_like_page(headers, body: bytes) -> bool:
    """Tell whether an answer is a web page, by its declared type or its first characters."""
    start = body[:500].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    declared = "text/html" in headers.get("Content-Type", "").lower()
    return declared or start.startswith((b"<!doctype", b"<html", b"<?xml"))


def _own_headers() -> dict[str, str]:
    """Say who asks; a browser forbids the header, and its own name is what the portal sees."""
    return {} if settings.IN_BROWSER else {"User-Agent": USER_AGENT}


def _cache_key(request, **_) -> str:
    """Tell apart the same address of two portals (``PORTAIL_URL`` may change in a process)."""
    return (
        f"{settings.base_url()} {request.method} {request.url} {request.headers.get('Range', '')}"
    )


def _is_live_answer(response) -> bool:
    return HERE_HEADER not in response.headers


def _at_base(address: str) -> str:
    """Return the address with the portal's host replaced by the base address in force."""
    parts = urllib.parse.urlsplit(address)
    base = settings.base_url()
    if base == settings.PORTAL:
        return address
    return base + urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))


def check_reachable(base: str) -> None:
    """Ask the portal once in a process whether it answers.

    Args:
        base: the address that stands for https://open.canada.ca.

    Raises:
        PortalProblem: what was found, then and at every later call, if it does not answer within
            ``PROBE_SECONDS``.
    """
    if base not in _reachable:
        address = f"{base}/data/api/action/package_search?rows=0"

        def probe():
            with requests.get(
                address, timeout=PROBE_SECONDS, headers=_own_headers(), stream=True
            ) as answer:
                refuse_bad_answer(answer, _body(answer), "json")

        try:
            _within(PROBE_SECONDS, probe)
            _reachable[base] = None
        except PortalProblem as problem:
            _reachable[base] = problem
    if _reachable[base] is not None:
        raise _reachable[base]


def _within(seconds: float, ask):
    """Return ``ask()``, or raise a PortalProblem when it fails or has not ended in time.

    A thread is what makes the limit hold for a name look-up that hangs or a body that drips. A
    browser's Python has no threads, and there the browser's own limit holds.
    """
    if settings.IN_BROWSER:
        return _named(ask)
    outcome = []

    def run():
        try:
            outcome.append((True, _named(ask)))
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


def _named(ask):
    """Return ``ask()``, with every error of the network named as a PortalProblem."""
    try:
        return ask()
    except PortalProblem:
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _network_problem(error) from error


def _network_problem(error: Exception) -> PortalProblem:
    """Name an error of the network in the reader's words."""
    told = f"{type(error).__name__} {error}"
    for fault, signs, english, french in _NETWORK_FAULTS:
        if any(sign in told for sign in signs):
            return PortalProblem(fault, english, french)
    return PortalProblem(
        "network",
        "The connection to the portal broke.",
        "La connexion au portail a été interrompue.",
    )


_NETWORK_FAULTS = (
    (
        "dns",
        ("NameResolutionError", "getaddrinfo", "Name or service not known"),
        "The portal’s name could not be found: this computer may have no network.",
        "Le nom du portail est introuvable : cet ordinateur n’a peut-être pas de réseau.",
    ),
    (
        "proxy",
        ("ProxyError",),
        "The network’s proxy refused the connection; ask your IT service for the proxy address "
        "(HTTPS_PROXY).",
        "Le serveur mandataire du réseau a refusé la connexion; demandez son adresse à votre "
        "service informatique (HTTPS_PROXY).",
    ),
    (
        "certificate",
        ("SSLError", "CERTIFICATE"),
        "The secure connection could not be verified: a proxy may be replacing the portal’s "
        "certificate. Ask your IT service for its certificate file (REQUESTS_CA_BUNDLE).",
        "La connexion sécurisée n’a pas pu être vérifiée : un mandataire remplace peut-être le "
        "certificat du portail. Demandez son fichier de certificat à votre service informatique "
        "(REQUESTS_CA_BUNDLE).",
    ),
    (
        "gzip",
        ("ContentDecodingError", "DecodeError"),
        "The portal’s answer was damaged on the way: it could not be unpacked.",
        "La réponse du portail a été endommagée en route : elle n’a pas pu être décompressée.",
    ),
    (
        "truncated",
        ("IncompleteRead", "ChunkedEncodingError", "InvalidChunkLength"),
        "The portal’s answer was cut off before its end.",
        "La réponse du portail s’est interrompue avant la fin.",
    ),
    (
        "hang",
        ("Timeout", "timed out"),
        "The portal did not answer in time.",
        "Le portail n’a pas répondu à temps.",
    ),
    (
        "refused",
        ("Connection refused", "ECONNREFUSED", "NewConnectionError"),
        "The portal refused the connection.",
        "Le portail a refusé la connexion.",
    ),
)

_STATUS_FAULTS = {
    403: ("The portal refused this request (403).", "Le portail a refusé cette requête (403)."),
    404: (
        "The portal has nothing at this address any more (404).",
        "Le portail n’a plus rien à cette adresse (404).",
    ),
    429: (
        "The portal asks to slow down: too many requests (429).",
        "Le portail demande de ralentir : trop de requêtes (429).",
    ),
    503: (
        "The portal is temporarily out of service (503).",
        "Le portail est temporairement hors service (503).",
    ),
}


def _status_problem(status: int) -> PortalProblem:
    english, french = _STATUS_FAULTS.get(
        status,
        (
            f"The portal answered with an error ({status}).",
            f"Le portail a répondu par une erreur ({status}).",
        ),
    )
    return PortalProblem(str(status), english, french)


def _page_problem(body: bytes) -> PortalProblem:
    """Tell a sign-in page from any other page that came in place of data."""
    text = body[:20_000].lower()
    if b"<form" in text or b"password" in text or b"login" in text or b"sign in" in text:
        return PortalProblem(
            "login",
            "A sign-in page came instead of data: open a browser, sign in to the network, then "
            "try again.",
            "Le réseau a envoyé une page de connexion au lieu des données : ouvrez un navigateur, "
            "connectez-vous au réseau, puis réessayez.",
        )
    return PortalProblem(
        "html",
        "The portal sent a web page instead of data.",
        "Le portail a envoyé une page Web au lieu des données.",
    )


def _is_ckan_json(body: bytes) -> bool:
    try:
        return "success" in json.loads(body)
    except (ValueError, TypeError):
        return False


def _response(request, status: int, headers, body: bytes, history) -> requests.Response:
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
