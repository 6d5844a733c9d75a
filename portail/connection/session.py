"""The session that lessons ask the portal with, and its cache."""

import requests
import requests_cache

from portail import settings
from portail.connection import notices, probing
from portail.connection.adapter import HERE_HEADER, PortalAdapter
from portail.connection.transfer import own_headers

REMEMBER_SECONDS = 3600  # a live answer is asked for once an hour in one process
HOSTS = ("https://open.canada.ca/", "https://ouvert.canada.ca/")

# in memory: nothing of a learner's work is written to disk
_cache = requests_cache.backends.BaseCache()


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
    portal.headers.update(own_headers())
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


def forget() -> None:
    """Forget what this process learned of the portal: whether it answers, its answers, what was
    told."""
    probing.forget()
    notices.forget()
    _cache.clear()


def _cache_key(request, **_) -> str:
    """Tell apart the same address of two portals (``PORTAIL_URL`` may change in a process)."""
    return (
        f"{settings.base_url()} {request.method} {request.url} {request.headers.get('Range', '')}"
    )


def _is_live_answer(response) -> bool:
    return HERE_HEADER not in response.headers
