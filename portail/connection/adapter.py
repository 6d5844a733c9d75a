"""Sending the portal's addresses to the portal, a room's mirror, or the mirror in this process."""

import urllib.parse

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from portail import settings
from portail.connection.faults import expected_kind, looks_like_page, refuse_bad_answer
from portail.connection.notices import fallback_sentence, notice
from portail.connection.probing import check_reachable
from portail.connection.transfer import at_base, own_headers, response_of, whole_body, within
from portail.errors import PortalProblem
from portail.library import provenance

ANSWER_SECONDS = 60  # the longest wait for one whole answer; 3 MB at 0.5 Mbit/s take 50 s
HERE_HEADER = "X-Portail-Here"  # on answers of the mirror inside this process


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
        sent.url = at_base(request.url)
        options = self._live.merge_environment_settings(sent.url, {}, True, verify, cert)
        options |= {"timeout": timeout or 10, "allow_redirects": True}

        def ask():
            answer = self._live.send(sent, **options)
            whole = stream and answer.ok and not looks_like_page(answer.headers, b"")
            return answer, None if whole else whole_body(answer)

        answer, body = within(ANSWER_SECONDS, ask)
        if body is None:
            return answer
        refuse_bad_answer(answer, body, expected_kind(request.url))
        return response_of(request, answer.status_code, answer.headers, body, answer.history)


def stream(address: str) -> requests.Response:
    """Ask the portal for a file, live, whose body the caller reads part by part and without the
    cache.

    Raises:
        PortalProblem: for any fault that can be told before the body.
    """
    request = requests.Request("GET", address, headers=own_headers()).prepare()
    return PortalAdapter("live").live_answer(request, timeout=(10, 30), stream=True)


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
    return response_of(
        request, int(status.split()[0]), dict(headers) | {HERE_HEADER: "yes"}, b"".join(chunks), []
    )
