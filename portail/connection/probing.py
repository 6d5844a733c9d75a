"""Asking the portal once in a process whether it answers."""

import requests

from portail.connection.faults import refuse_bad_answer
from portail.connection.transfer import own_headers, whole_body, within
from portail.errors import PortalProblem

PROBE_SECONDS = 8  # the longest wait for the first sign of the portal, name look-up included

_reachable: dict[str, PortalProblem | None] = {}


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
                address, timeout=PROBE_SECONDS, headers=own_headers(), stream=True
            ) as answer:
                refuse_bad_answer(answer, whole_body(answer), "json")

        try:
            within(PROBE_SECONDS, probe)
            _reachable[base] = None
        except PortalProblem as problem:
            _reachable[base] = problem
    if _reachable[base] is not None:
        raise _reachable[base]


def forget() -> None:
    """Forget whether the portal answered; the next question asks it again."""
    _reachable.clear()
