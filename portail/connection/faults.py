"""Naming what is wrong with a connection or an answer of the portal, in both languages."""

import json
import urllib.parse

import requests

from portail.errors import PortalProblem

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


def network_problem(error: Exception) -> PortalProblem:
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
