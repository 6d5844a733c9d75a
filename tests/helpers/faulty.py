"""A portal that misbehaves as told: the mirror behind a front that breaks connections, answers and
tables.

Faults of the connection are made on the socket itself; faults of the table change the published
rows.
"""

import contextlib
import gzip
import socket
import socketserver
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from werkzeug.test import EnvironBuilder, run_wsgi_app

from portail.library import DATE_HEADER, KIND_HEADER, library_of_folder
from portail.mirror import Mirror
from tests.helpers.published import from_csv, to_csv

REJECTED = b"<html><head><title>Request Rejected</title></head><body>The requested URL was rejected.</body></html>"  # noqa: E501
LOGIN = (
    b"<!DOCTYPE html><html><body><h1>Network sign-in</h1><form method='post'>"
    b"<input name='user'><input type='password' name='password'></form></body></html>"
)
FLOOD = 8 * 1024**2  # bytes; the tests set the limit below it
STATUSES = (403, 404, 429, 500, 503)
EVERYWHERE = ("hang", "drip", "refused", "dns")  # the others strike the table's own address alone


class FaultyPortal:
    """A portal on the loopback.

    Attributes: address: what ``PORTAIL_URL`` is set to; for the faults ``refused`` and ``dns`` it
        leads nowhere. requests: the paths asked for since it was healed.
    """

    def __init__(self, folder: Path):
        self.mirror = Mirror(library_of_folder(folder))
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.portal = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        self.honest = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.heal()

    def heal(self) -> None:
        """Behave again."""
        self.address, self.fault, self.field, self.requests = self.honest, None, None, []
        self.total_known, self.headers = True, {}

    def suffer(self, fault: str, field: str | None = None) -> None:
        """Misbehave: ``fault`` is a name of the table in portail/README.md, ``field`` the column it
        strikes."""
        self.fault, self.field = fault, field
        if fault == "dns":
            self.address = "http://no-such-host.invalid"
        if fault == "refused":
            with socket.socket() as unused:
                unused.bind(("127.0.0.1", 0))
                self.address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        self.total_known = fault not in ("cut-rows-unseen", "row-limit")

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def honest_answer(self, target: str, headers: dict) -> tuple[int, dict, bytes]:
        """Return what the portal would answer."""
        parts = urlsplit(target)
        environ = EnvironBuilder(
            path=parts.path, query_string=parts.query, headers=headers
        ).get_environ()
        chunks, status, answered = run_wsgi_app(self.mirror, environ, buffered=True)
        kept = {
            name: value
            for name, value in answered.items()
            if name not in (KIND_HEADER, DATE_HEADER)
        }
        return int(status.split()[0]), kept, b"".join(chunks)

    def answer(self, target: str, headers: dict, out) -> None:
        """Write the answer to one request, broken as the fault in force says."""
        self.requests.append(target)
        path = urlsplit(target).path
        is_table = path.endswith(".csv")
        if path.endswith("datastore_search") and not self.total_known:
            return _write(
                out, 404, {}, b'{"success": false, "error": {"__type": "Not Found Error"}}'
            )
        status, kept, body = self.honest_answer(target, headers)
        if self.fault is None or not (is_table or self.fault in EVERYWHERE):
            return _write(out, status, kept, body)
        return self._broken(status, kept, body, out)

    def _broken(self, status, headers, body, out) -> None:
        fault = self.fault
        if fault == "hang":
            time.sleep(3)
        elif fault == "drip":
            _head(out, status, headers | {"Content-Length": str(len(body))})
            with contextlib.suppress(OSError):
                for at in range(30):
                    out.write(body[at : at + 1])
                    out.flush()
                    time.sleep(0.1)
        elif fault.isdigit() and int(fault) in STATUSES:
            more = {"Retry-After": "1"} if fault == "429" else {}
            _write(out, int(fault), more, b"fault")
        elif fault == "truncated":
            _head(out, status, headers | {"Content-Length": str(len(body))})
            out.write(body[: len(body) // 2])
        elif fault == "wrong-length":
            _head(out, status, headers | {"Content-Length": str(len(body) - 40)})
            out.write(body)
        elif fault == "gzip":
            packed = bytearray(gzip.compress(body))
            packed[20:60] = b"\0" * 40
            _write(out, status, headers | {"Content-Encoding": "gzip"}, bytes(packed))
        elif fault == "flood":
            _write(
                out,
                status,
                headers | {"Content-Encoding": "gzip"},
                gzip.compress(body + b"\n" * FLOOD),
            )
        elif fault in ("html", "login"):
            _write(out, 200, {"Content-Type": "text/html"}, REJECTED if fault == "html" else LOGIN)
        else:
            _write(out, status, headers, TABLE_FAULTS[fault](body, self.field))


def _head(out, status: int, headers: dict) -> None:
    lines = [
        f"HTTP/1.1 {status} Test",
        *(f"{name}: {value}" for name, value in headers.items()),
        "Connection: close",
    ]
    out.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    out.flush()


def _write(out, status: int, headers: dict, body: bytes) -> None:
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    _head(out, status, kept | {"Content-Length": str(len(body))})
    out.write(body)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """A client that gave up is what some tests are about."""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        first = self.rfile.readline().decode("latin-1").split()
        headers = {}
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        if len(first) >= 2:
            self.server.portal.answer(first[1], headers, self.wfile)


def _rows(change):
    """Turn a change of rows into a change of a published table."""

    def apply(body: bytes, field: str | None) -> bytes:
        rows = from_csv(body)
        return to_csv(change(rows, rows[0].index(field) if field else None))

    return apply


def _set(value: str):
    def change(rows, at):
        target = next(row for row in rows[1:] if row[at])
        target[at] = value
        return rows

    return _rows(change)


def _renamed(rows, at):
    rows[0][at] += "_v2"
    return rows


def _dropped(rows, at):
    return [row[:at] + row[at + 1 :] for row in rows]


def _mangled(body: bytes, field) -> bytes:
    return body.decode("utf-8").encode("utf-8").decode("cp1252", "replace").encode("utf-8")


def _cp1252(body: bytes, field) -> bytes:
    return body.decode("utf-8").encode("cp1252", "replace")


TABLE_FAULTS = {
    "empty": lambda body, field: b"",
    "no-rows": _rows(lambda rows, at: rows[:1]),
    "another-table": lambda body, field: b"region,population\nNord,12\nSud,13\n",
    "renamed-column": _rows(_renamed),
    "dropped-column": _rows(_dropped),
    "new-column": _rows(
        lambda rows, at: [[*row, "extra" if place == 0 else "1"] for place, row in enumerate(rows)]
    ),
    "changed-code": _set("ZZZ"),
    "type": _set("inconnu"),
    "decimal-comma": _set("12,5"),
    "bom": lambda body, field: b"\xef\xbb\xbf" + body,
    "cp1252": _cp1252,
    "mangled-accents": _mangled,
    "cut-rows": _rows(lambda rows, at: rows[: len(rows) * 3 // 4]),
    "cut-rows-unseen": _rows(lambda rows, at: rows[: len(rows) * 3 // 4]),
    "row-limit": _rows(lambda rows, at: rows[:101]),
    "row-limit-counted": _rows(lambda rows, at: rows[:101]),
    "duplicated-rows": _rows(lambda rows, at: rows + rows[1:6]),
    "revised-values": _rows(lambda rows, at: [rows[0], *reversed(rows[1:])]),
}


def struck_field(package: dict, fault: str) -> str | None:
    """Return a column of the dataset that the fault can strike; None if it needs no column."""
    plain = [
        field for field in package["resources"][0]["schema"]["fields"] if "derived" not in field
    ]
    typed = [
        field["name"]
        for field in plain
        if field["type"] in ("integer", "number", "date", "boolean")
    ]
    counted = [
        field["name"]
        for field in plain
        if field["type"] in ("integer", "number")
        or "NA" in field.get("constraints", {}).get("pattern", "")
    ]
    choices = {
        "renamed-column": [plain[-1]["name"]],
        "dropped-column": [plain[-1]["name"]],
        "changed-code": [field["name"] for field in plain if "codes" in field],
        "type": typed,
        "decimal-comma": counted,
    }
    return choices[fault][0] if choices.get(fault) else None
