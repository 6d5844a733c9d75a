"""A small CKAN over the datasets on this machine: one WSGI application with the portal's addresses
and JSON shapes.

Inside a process it is the offline mode; ``portail serve`` makes it the portal of a room; in tests
it is the counterpart. It knows word search in titles and keywords, exact filters, paging, sorting
and counts: a micro-CKAN, not Solr. What it cannot search it refuses with CKAN's own kind of error.
Every answer says in a header what kind of rows it holds and of what date, so that nobody takes them
for live ones.
"""

import contextlib
import csv
import functools
import io
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

from werkzeug.exceptions import HTTPException
from werkzeug.http import generate_etag
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from portail import settings
from portail.library import DATE_HEADER, KIND_HEADER, Library, Table, library_of_datasets

MOST_RECORDS = 32_000  # the most rows one datastore answer holds, as on the portal
MOST_PACKAGES = 1_000  # the most packages one search answer holds, as on the portal
HELP = settings.PORTAL + "/data/api/3/action/help_show?name="
FACETS = (
    "organization",
    "collection",
    "type",
    "jurisdiction",
    "res_format",
    "license_id",
    "frequency",
    "subject",
    "keywords",
)


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


class Mirror:
    """The WSGI application.

    What a search needs of the catalogue is worked out once, at the first search: a process that is
    forked from one that has searched finds it there, and answers without going through every
    record.

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
        self._written: dict[int, Written] = {}
        self._ranks: dict[str, list[int]] = {}
        self._places: dict[str, dict[str, set[int]]] = {}

    @functools.cached_property
    def _records(self) -> list[dict]:
        """The records in the library's order; a search knows them by their places in it."""
        return list(self.library.packages.values())

    def _index(self, of: Callable[[dict], Iterable[str]]) -> dict[str, set[int]]:
        """Return the places of the records that have each text, where ``of`` gives the texts of a
        record."""
        places: dict[str, set[int]] = {}
        for place, package in enumerate(self._records):
            for text in of(package):
                places.setdefault(text, set()).add(place)
        return places

    @functools.cached_property
    def _words(self) -> dict[str, set[int]]:
        """The places of the records in which each word is found."""
        return self._index(_searched_words)

    def _places_of(self, name: str, wanted: str) -> set[int]:
        """Return the places of the records that have a value in a field, in capitals or not."""
        if name not in self._places:
            self._places[name] = self._index(
                lambda package: map(str.casefold, _values(package, name))
            )
        return self._places[name].get(wanted.casefold(), set())

    def _record(self, place: int) -> Written:
        """Return a record as JSON, written the first time it is asked for."""
        if place not in self._written:
            self._written[place] = _written(self._records[place])
        return self._written[place]

    def _ranks_by(self, name: str) -> list[int]:
        """Return by place how early each record comes when all are sorted by a field, the same for
        equal values."""
        if name not in self._ranks:
            values = [str(package.get(name) or "") for package in self._records]
            rank = {value: at for at, value in enumerate(sorted(set(values)))}
            self._ranks[name] = [rank[value] for value in values]
        return self._ranks[name]

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
        items = "".join(
            f"<li lang='en'>{escape(package['title_translated']['en'])} · <span "
            f"lang='fr'>{escape(package['title_translated']['fr'])}</span></li>"
            for package in self._own_packages()
        )
        return Response(_FRONT.format(items=items), mimetype="text/html")

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
            "package_search": self.package_search,
            "package_show": self.package_show,
            "datastore_search": self.datastore_search,
            "organization_list": self.organization_list,
            "site_read": lambda parameters: True,
        }
        headers = {}
        if name not in actions:
            return _json(f"Bad request - Action name not known: {name}", 400)
        try:
            parameters = _parameters(request)
            result = actions[name](parameters)
            table = self.library.tables.get(parameters.get("resource_id", ""))
            if table is not None:
                headers = _provenance(table)
            return _json(
                _object({"help": HELP + name, "success": True, "result": result}), 200, headers
            )
        except ActionError as failure:
            return _json(
                {"help": HELP + name, "success": False, "error": failure.error}, failure.status
            )

    def _dump(self, request, resource_id: str) -> Response:
        """The datastore's dump of a table, with its ``_id`` column."""
        table = self._table(resource_id)
        if table is None or request.args.get("format", "csv") != "csv":
            return Response(
                "404 Not Found" if table is None else "format: only csv is served here",
                404 if table is None else 400,
                mimetype="text/plain",
            )
        try:
            offset = _whole(request.args, "offset", 0)
            limit = _whole(request.args, "limit", None)
        except ActionError as failure:
            return _json({"success": False, "error": failure.error}, failure.status)
        names, rows = table.rows()
        chosen = list(enumerate(rows, start=1))[offset : None if limit is None else offset + limit]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(["_id", *names])
        writer.writerows([number, *row] for number, row in chosen)
        mark = "\ufeff" if request.args.get("bom", "").lower() == "true" else ""
        return _file(
            request,
            (mark + text.getvalue()).encode("utf-8"),
            f"{resource_id}.csv",
            _provenance(table),
        )

    def _download(self, request, dataset_id: str, resource_id: str, file_name: str) -> Response:
        """The file of a resource, whole or in part."""
        table = self._table(resource_id, rows=False)
        if table is None:
            return Response("404 Not Found", 404, mimetype="text/plain")
        return _file(request, table.content(), file_name, _provenance(table))

    def _table(self, resource_id: str, rows: bool = True) -> Table | None:
        table = self.library.tables.get(resource_id)
        return (
            table if table and (not rows or table.path.name.endswith((".csv", ".csv.gz"))) else None
        )

    def package_show(self, parameters: dict) -> dict:
        """Return one catalogue record.

        Raises:
            ActionError: 409 without an id, 404 for an unknown one.
        """
        wanted = parameters.get("id") or parameters.get("name_or_id")
        if not wanted:
            raise _invalid("name_or_id", "Missing value")
        if wanted not in self.library.packages:
            raise ActionError(404, {"__type": "Not Found Error", "message": "Not found"})
        return self.library.packages[wanted]

    def package_search(self, parameters: dict) -> Written:
        """Search titles and keywords by whole words, with exact filters, facets, sorting and
        paging.

        Returns:
            What was found, as JSON: a page may hold a thousand records, which are written once for
                all searches.

        Raises:
            ActionError: for a query, filter, facet or sort it cannot honour.
        """
        rows = min(_whole(parameters, "rows", 10), MOST_PACKAGES)
        start = _whole(parameters, "start", 0)
        words, filters = _query(str(parameters.get("q", "") or ""))
        _, more = _query(str(parameters.get("fq", "") or ""), filters_only=True)
        found = self._with(words, filters + more)
        order = str(parameters.get("sort") or "metadata_modified desc")
        page = self._sorted(found, order)[start : start + rows]
        return _object(
            {
                "count": len(found),
                "sort": order,
                "results": Written(b"[%b]" % b", ".join(map(self._record, page))),
                **self._facets([self._records[place] for place in found], parameters),
            }
        )

    def _with(self, words: set[str], filters: list[tuple[str, str]]) -> list[int]:
        """Return the places of the records that have all these words and pass all these filters, in
        order."""
        each = [self._words.get(word, set()) for word in words] + [
            self._places_of(*asked) for asked in filters
        ]
        return sorted(set.intersection(*each)) if each else list(range(len(self._records)))

    def _sorted(self, found: list[int], order: str) -> list[int]:
        """Sort places by one or more of the fields below; the last named counts least."""
        fields = {
            "metadata_modified": "metadata_modified",
            "metadata_created": "metadata_created",
            "title_string": "title",
            "title": "title",
            "name": "name",
            "id": "id",
            "date_published": "date_published",
        }
        for part in reversed([part.split() for part in order.split(",") if part.strip()]):
            if part[0] in ("score", "views_recent", "relevance"):
                continue
            if part[0] not in fields or part[1:] not in ([], ["asc"], ["desc"]):
                raise _bad_search(f"cannot sort by {' '.join(part)}")
            found = sorted(
                found, key=self._ranks_by(fields[part[0]]).__getitem__, reverse=part[1:] == ["desc"]
            )
        return found

    def _facets(self, found: list[dict], parameters: dict) -> dict:
        wanted = parameters.get("facet.field", [])
        if isinstance(wanted, str):
            try:
                wanted = json.loads(wanted.replace("'", '"'))
            except ValueError as error:
                raise _invalid("facet.field", "Not a list of names") from error
        limit = _whole(parameters, "facet.limit", 50)
        counts, items = {}, {}
        for name in wanted:
            if name not in FACETS:
                raise _bad_search(f"undefined field {name}; this mirror has {', '.join(FACETS)}")
            count: dict[str, int] = {}
            for package in found:
                for value in dict.fromkeys(_values(package, name)):
                    count[value] = count.get(value, 0) + 1
            ranked = sorted(count.items(), key=lambda each: (-each[1], each[0]))
            ranked = ranked if limit < 0 else ranked[:limit]
            counts[name] = dict(ranked)
            items[name] = {
                "title": name,
                "items": [
                    {"name": value, "display_name": self._display_name(name, value), "count": times}
                    for value, times in ranked
                ],
            }
        return {"facets": counts, "search_facets": items}

    def _display_name(self, facet: str, value: str) -> str:
        names = self.library.organizations.get(value) if facet == "organization" else None
        return " | ".join(names) if names else value

    def datastore_search(self, parameters: dict) -> dict:
        """Return rows of a table: filtered, sorted, paged, with the total before paging.

        Raises:
            ActionError: 409 for a bad parameter, 404 for an unknown table.
        """
        resource_id = parameters.get("resource_id", "")
        if not resource_id:
            raise _invalid("resource_id", "Missing value")
        table = self._table(resource_id)
        if table is None:
            raise ActionError(
                404,
                {
                    "__type": "Not Found Error",
                    "message": f'Not found: Resource "{resource_id}" was not found.',
                },
            )
        names, rows = table.rows()
        asked = parameters.get("fields") or names
        columns = asked.split(",") if isinstance(asked, str) else asked
        for name in columns:
            if name not in names:
                raise _invalid("fields", f'field "{name}" not in table')
        numbered = [(at, row) for at, row in enumerate(rows, start=1)]
        for name, wanted in _filters(parameters, names).items():
            place = names.index(name)
            numbered = [each for each in numbered if each[1][place] in wanted]
        if parameters.get("q"):
            words = _words(str(parameters["q"]))
            numbered = [each for each in numbered if words <= _words(" ".join(each[1]))]
        numbered = _sorted_rows(numbered, names, str(parameters.get("sort") or ""))
        limit = min(_whole(parameters, "limit", 100), MOST_RECORDS)
        offset = _whole(parameters, "offset", 0)
        records = [
            {"_id": at} | {name: row[names.index(name)] for name in columns}
            for at, row in numbered[offset : offset + limit]
        ]
        path = f"/api/3/action/datastore_search?resource_id={resource_id}"
        return {
            "include_total": True,
            "limit": limit,
            "records_format": "objects",
            "resource_id": resource_id,
            "total_estimation_threshold": None,
            "records": records,
            "fields": [
                {"id": "_id", "type": "int"},
                *({"id": name, "type": "text"} for name in columns),
            ],
            "_links": {"start": path, "next": f"{path}&offset={offset + limit}"},
            "total": len(numbered),
            "total_was_estimated": False,
        } | ({"offset": offset} if offset else {})

    def organization_list(self, parameters: dict) -> list:
        """Return organization codes, or records with ``all_fields=true``.

        Raises:
            ActionError: 409 for a bad limit or offset.
        """
        offset = _whole(parameters, "offset", 0)
        limit = _whole(parameters, "limit", None)
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


def _provenance(table: Table) -> dict:
    return {KIND_HEADER: table.kind, DATE_HEADER: table.date}


def _written(value) -> Written:
    """Return a value as JSON."""
    return (
        value
        if isinstance(value, Written)
        else Written(json.dumps(value, ensure_ascii=False).encode("utf-8"))
    )


def _object(members: dict) -> Written:
    """Return a JSON object, some of whose members may be JSON already."""
    return Written(
        b"{%b}"
        % b", ".join(b"%b: %b" % (_written(name), _written(each)) for name, each in members.items())
    )


def _json(answer, status: int, headers=()) -> Response:
    return Response(
        _written(answer), status, dict(headers), content_type="application/json;charset=utf-8"
    )


def _file(request: Request, content: bytes, name: str, headers: dict) -> Response:
    """Return a file with its ETag, or the part asked for, or « not modified »."""
    kind = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/octet-stream"
    response = Response(content, 200, headers, content_type=kind)
    response.set_etag(generate_etag(content))
    return response.make_conditional(request, accept_ranges=True, complete_length=len(content))


def _parameters(request: Request) -> dict:
    """Return an action's parameters, from the address or from a posted JSON object or form."""
    if request.method == "POST" and request.is_json:
        posted = request.get_json(silent=True)
        if not isinstance(posted, dict):
            raise ActionError(
                400, {"__type": "Bad Request", "message": "JSON Error: Error decoding JSON data"}
            )
        return posted
    return request.values.to_dict()


def _whole(parameters, name: str, default: int | None) -> int | None:
    """Return a parameter that must be a whole number of 0 or more (``facet.limit`` may be -1)."""
    given = parameters.get(name, default)
    if given in (None, ""):
        return default
    try:
        value = int(given)
    except (TypeError, ValueError) as error:
        raise _invalid(name, "Invalid integer") from error
    if value < (-1 if name == "facet.limit" else 0):
        raise _invalid(name, "Must be a natural number")
    return value


def _invalid(name: str, message: str) -> ActionError:
    return ActionError(409, {"__type": "Validation Error", name: [message]})


def _bad_search(message: str) -> ActionError:
    return ActionError(
        400, {"__type": "Search Query Error", "message": f"Search Query is invalid: {message}"}
    )


def _query(text: str, filters_only: bool = False) -> tuple[set[str], list[tuple[str, str]]]:
    """Split a query into words and exact filters (``organization:statcan``, ``title:"a phrase"`` is
    not known)."""
    filters = []

    def take(match):
        name, value = match["name"], match["quoted"] or match["plain"]
        if name not in (*FACETS, "owner_org", "id", "name", "title"):
            raise _bad_search(f"undefined field {name}")
        if name == "title":
            return f" {value} "
        filters.append((name, value))
        return " "

    text = re.sub(r"\*:\*", " ", text)
    rest = re.sub(
        r'[+]?(?P<name>[A-Za-z_]+):(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s()"\[\]*]+))', take, text
    )
    rest = re.sub(r"\bAND\b", " ", rest)
    if re.search(r"\b(OR|NOT)\b|[*?~\[\]{}()^:]|(^|\s)-\w", rest) or (
        filters_only and rest.strip()
    ):
        raise _bad_search(
            "this mirror searches whole words and exact filters only: census organization:statcan"
        )
    return _words(rest), filters


def _words(text: str) -> set[str]:
    """Return the words of a text in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return set(
        re.findall(r"[a-z0-9]+", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    )


def _searched_words(package: dict) -> set[str]:
    titles = [text or "" for text in package["title_translated"].values()]
    keywords = [word for words in package["keywords"].values() for word in words]
    return _words(" ".join([*titles, *keywords]))


def _values(package: dict, name: str) -> list[str]:
    """Return a record's values of a facet."""
    if name in ("organization", "owner_org"):
        return [package["organization"]["name"]]
    if name == "res_format":
        return [resource["format"] for resource in package["resources"]]
    if name == "keywords":
        return [word for words in package["keywords"].values() for word in words]
    value = package.get(name)
    return value if isinstance(value, list) else [value] if value else []


def _sorted_rows(numbered: list, names: list[str], order: str) -> list:
    for part in reversed([part.split() for part in order.split(",") if part.strip()]):
        if part[0] not in [*names, "_id"] or part[1:] not in ([], ["asc"], ["desc"]):
            raise _invalid("sort", f'field "{part[0]}" not in table')
        place = None if part[0] == "_id" else names.index(part[0])
        numbered = sorted(
            numbered,
            key=lambda each: each[0] if place is None else each[1][place],
            reverse=part[1:] == ["desc"],
        )
    return numbered


def _filters(parameters: dict, names: list[str]) -> dict[str, list[str]]:
    """Return the exact filters of a datastore search: column to the values allowed."""
    given = parameters.get("filters") or {}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise _invalid("filters", "Cannot parse JSON") from error
    if not isinstance(given, dict):
        raise _invalid("filters", "Not a JSON object")
    for name in given:
        if name not in names:
            raise _invalid("filters", f'field "{name}" not in table')
    return {
        name: [str(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
        for name, wanted in given.items()
    }


_FRONT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The room's portal / Le portail de la salle</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>The room's portal / <span lang="fr">Le portail de la salle</span></h1>
<p>This is a dated copy of some records and tables of open.canada.ca, for a room without a network. It is not the
portal and is not endorsed by the Government of Canada.</p>
<p lang="fr">Voici une copie datée de quelques notices et tableaux d’ouvert.canada.ca, pour une salle sans réseau.
Ce n’est pas le portail, et le gouvernement du Canada ne l’a pas approuvée.</p>
<ul>{items}</ul></main></body></html>
"""  # noqa: E501
