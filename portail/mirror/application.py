"""The WSGI application: the portal's addresses, its front page and its other actions."""

import contextlib
import functools
import os
from pathlib import Path

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from commons.templates import fill
from portail import settings
from portail.library import DATE_HEADER, KIND_HEADER, Library, library_of_datasets
from portail.mirror.answers import (
    HELP,
    ActionError,
    file_answer,
    invalid_parameter,
    json_answer,
    json_object,
    parameters_of,
    provenance_headers,
    whole_number,
)
from portail.mirror.datastore import datastore_search, dump, table_with_rows
from portail.mirror.search import PackageSearch

FRONT_PAGE = Path(__file__).parent / "templates" / "front.html"


class Mirror:
    """The WSGI application.

    Args:
        library: what it serves.
    """

    urls = Map(
        [
            Rule("/", endpoint="front"),
            *(
                Rule(f"{start}/action/<name>", endpoint="action")
                for start in (
                    "/data/api",
                    "/data/api/3",
                    "/data/en/api/3",
                    "/data/fr/api/3",
                    "/api",
                    "/api/3",
                )
            ),
            *(
                Rule(f"{start}/datastore/dump/<resource_id>", endpoint="dump")
                for start in ("/data", "/data/en", "/data/fr")
            ),
            *(
                Rule(
                    f"{start}/dataset/<dataset_id>/resource/<resource_id>/download/<file_name>",
                    endpoint="download",
                )
                for start in ("/data", "/data/en", "/data/fr")
            ),
        ]
    )

    def __init__(self, library: Library):
        self.library = library
        self._search = PackageSearch(library)

    def __call__(self, environ, start_response):
        """Answer one request (the WSGI interface)."""
        request = Request(environ)
        try:
            endpoint, values = self.urls.bind_to_environ(environ).match()
            response = getattr(self, f"_{endpoint}")(request, **values)
        except HTTPException as error:
            response = error.get_response(environ)
        response.headers.setdefault("Access-Control-Allow-Origin", "*")
        response.headers.setdefault(KIND_HEADER, "snapshot")
        if self.library.date:
            response.headers.setdefault(DATE_HEADER, self.library.date)
        return response(environ, start_response)

    def _front(self, request) -> Response:
        """The page a person sees at the mirror's own address."""
        page = fill(FRONT_PAGE, packages=self._own_packages())
        return Response(page, mimetype="text/html")

    def _own_packages(self) -> list[dict]:
        """The records whose rows are here, not only their description."""
        with_rows = {
            each["package_id"]
            for package in self.library.packages.values()
            for each in package["resources"]
            if each["id"] in self.library.tables
        }
        return [self.library.packages[key] for key in self.library.packages if key in with_rows]

    def _action(self, request, name: str) -> Response:
        actions = {
            "package_search": self._search,
            "package_show": self.package_show,
            "datastore_search": lambda parameters: datastore_search(self.library, parameters),
            "organization_list": self.organization_list,
            "site_read": lambda parameters: True,
        }
        headers = {}
        if name not in actions:
            return json_answer(f"Bad request - Action name not known: {name}", 400)
        try:
            parameters = parameters_of(request)
            result = actions[name](parameters)
            table = self.library.tables.get(parameters.get("resource_id", ""))
            if table is not None:
                headers = provenance_headers(table)
            return json_answer(
                json_object({"help": HELP + name, "success": True, "result": result}), 200, headers
            )
        except ActionError as failure:
            return json_answer(
                {"help": HELP + name, "success": False, "error": failure.error}, failure.status
            )

    def _dump(self, request, resource_id: str) -> Response:
        """The datastore's dump of a table."""
        table = table_with_rows(self.library, resource_id)
        if table is None:
            return Response("404 Not Found", 404, mimetype="text/plain")
        if request.args.get("format", "csv") != "csv":
            return Response("format: only csv is served here", 400, mimetype="text/plain")
        try:
            content = dump(table, request.args)
        except ActionError as failure:
            return json_answer({"success": False, "error": failure.error}, failure.status)
        return file_answer(request, content, f"{resource_id}.csv", provenance_headers(table))

    def _download(self, request, dataset_id: str, resource_id: str, file_name: str) -> Response:
        """The file of a resource, whole or in part."""
        table = self.library.tables.get(resource_id)
        if table is None:
            return Response("404 Not Found", 404, mimetype="text/plain")
        return file_answer(request, table.content(), file_name, provenance_headers(table))

    def package_show(self, parameters: dict) -> dict:
        """Return one catalogue record.

        Raises:
            ActionError: 409 without an id, 404 for an unknown one.
        """
        wanted = parameters.get("id") or parameters.get("name_or_id")
        if not wanted:
            raise invalid_parameter("name_or_id", "Missing value")
        if wanted not in self.library.packages:
            raise ActionError(404, {"__type": "Not Found Error", "message": "Not found"})
        return self.library.packages[wanted]

    def organization_list(self, parameters: dict) -> list:
        """Return organization codes, or records with ``all_fields=true``.

        Raises:
            ActionError: 409 for a bad limit or offset.
        """
        offset = whole_number(parameters, "offset", 0)
        limit = whole_number(parameters, "limit", None)
        codes = sorted(self.library.organizations)[
            offset : None if limit is None else offset + limit
        ]
        if str(parameters.get("all_fields", "")).lower() not in ("true", "1"):
            return codes
        counts: dict[str, int] = {}
        for package in self.library.packages.values():
            code = package["organization"]["name"]
            counts[code] = counts.get(code, 0) + 1
        return [
            {
                "id": code,
                "name": code,
                "title": " | ".join(self.library.organizations[code]),
                "display_name": " | ".join(self.library.organizations[code]),
                "type": "organization",
                "state": "active",
                "is_organization": True,
                "package_count": counts.get(code, 0),
            }
            for code in codes
        ]


def local_mirror() -> Mirror:
    """Return the mirror of the datasets that this process finds; built once for one state of the
    folders."""
    return _local_mirror(
        tuple(each for folder in settings.data_folders() for each in _state(folder))
    )


def _state(folder: Path) -> list[tuple[str, int]]:
    """Return the descriptions in a folder of datasets and when each was changed; it is asked for at
    every request."""
    state = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name, "datapackage.json")
        with contextlib.suppress(OSError):  # a file, or a folder that is no dataset
            state.append((path, os.stat(path).st_mtime_ns))
    return state


@functools.lru_cache(maxsize=4)
def _local_mirror(state: tuple) -> Mirror:
    return Mirror(library_of_datasets())
