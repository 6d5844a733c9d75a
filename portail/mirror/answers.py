"""CKAN's answers and errors as HTTP responses, and the parameters of its actions."""

import json

from werkzeug.http import generate_etag
from werkzeug.wrappers import Request, Response

from portail import settings
from portail.library import DATE_HEADER, KIND_HEADER, Table

HELP = settings.PORTAL + "/data/api/3/action/help_show?name="


class ActionError(Exception):
    """Raised when an action cannot be answered; becomes CKAN's own error answer.

    Args:
        status: the HTTP status CKAN gives it.
        error: the ``error`` object of the answer.
    """

    def __init__(self, status: int, error: dict):
        super().__init__(error)
        self.status, self.error = status, error


class Written(bytes):
    """A value that is JSON already."""


def provenance_headers(table: Table) -> dict:
    """Return the headers that say what kind of rows a table holds and of what date."""
    return {KIND_HEADER: table.kind, DATE_HEADER: table.date}


def as_json(value) -> Written:
    """Return a value as JSON."""
    return (
        value
        if isinstance(value, Written)
        else Written(json.dumps(value, ensure_ascii=False).encode("utf-8"))
    )


def json_object(members: dict) -> Written:
    """Return a JSON object, some of whose members may be JSON already."""
    return Written(
        b"{%b}"
        % b", ".join(b"%b: %b" % (as_json(name), as_json(each)) for name, each in members.items())
    )


def json_answer(answer, status: int, headers=()) -> Response:
    """Return a value as a response of JSON."""
    return Response(
        as_json(answer), status, dict(headers), content_type="application/json;charset=utf-8"
    )


def file_answer(request: Request, content: bytes, name: str, headers: dict) -> Response:
    """Return a file with its ETag, or the part asked for, or « not modified »."""
    kind = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/octet-stream"
    response = Response(content, 200, headers, content_type=kind)
    response.set_etag(generate_etag(content))
    return response.make_conditional(request, accept_ranges=True, complete_length=len(content))


def parameters_of(request: Request) -> dict:
    """Return an action's parameters, from the address or from a posted JSON object or form."""
    if request.method == "POST" and request.is_json:
        posted = request.get_json(silent=True)
        if not isinstance(posted, dict):
            raise ActionError(
                400, {"__type": "Bad Request", "message": "JSON Error: Error decoding JSON data"}
            )
        return posted
    return request.values.to_dict()


def whole_number(parameters, name: str, default: int | None) -> int | None:
    """Return a parameter that must be a whole number of 0 or more (``facet.limit`` may be -1)."""
    given = parameters.get(name, default)
    if given in (None, ""):
        return default
    try:
        value = int(given)
    except (TypeError, ValueError) as error:
        raise invalid_parameter(name, "Invalid integer") from error
    if value < (-1 if name == "facet.limit" else 0):
        raise invalid_parameter(name, "Must be a natural number")
    return value


def invalid_parameter(name: str, message: str) -> ActionError:
    """Return CKAN's error for a parameter that it cannot take."""
    return ActionError(409, {"__type": "Validation Error", name: [message]})


def bad_search(message: str) -> ActionError:
    """Return CKAN's error for a search that it cannot do."""
    return ActionError(
        400, {"__type": "Search Query Error", "message": f"Search Query is invalid: {message}"}
    )
