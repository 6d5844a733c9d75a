"""The datastore: rows of a table, filtered, sorted and paged, and its dump as CSV."""

import csv
import io
import json

from portail.library import Library, Table
from portail.mirror.answers import ActionError, invalid_parameter, whole_number
from portail.mirror.search import words_of

MOST_RECORDS = 32_000  # the most rows one datastore answer holds, as on the portal


def datastore_search(library: Library, parameters: dict) -> dict:
    """Return rows of a table: filtered, sorted, paged, with the total before paging.

    Raises:
        ActionError: 409 for a bad parameter, 404 for an unknown table.
    """
    resource_id = parameters.get("resource_id", "")
    if not resource_id:
        raise invalid_parameter("resource_id", "Missing value")
    table = table_with_rows(library, resource_id)
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
            raise invalid_parameter("fields", f'field "{name}" not in table')
    numbered = [(at, row) for at, row in enumerate(rows, start=1)]
    for name, wanted in _filters(parameters, names).items():
        place = names.index(name)
        numbered = [each for each in numbered if each[1][place] in wanted]
    if parameters.get("q"):
        words = words_of(str(parameters["q"]))
        numbered = [each for each in numbered if words <= words_of(" ".join(each[1]))]
    numbered = _sorted_rows(numbered, names, str(parameters.get("sort") or ""))
    limit = min(whole_number(parameters, "limit", 100), MOST_RECORDS)
    offset = whole_number(parameters, "offset", 0)
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


def dump(table: Table, parameters) -> bytes:
    """Return the datastore's dump of a table as CSV, with its ``_id`` column.

    Args:
        table: the table.
        parameters: ``offset``, ``limit`` and ``bom``, as the address gives them.

    Raises:
        ActionError: 409 for a bad limit or offset.
    """
    offset = whole_number(parameters, "offset", 0)
    limit = whole_number(parameters, "limit", None)
    names, rows = table.rows()
    chosen = list(enumerate(rows, start=1))[offset : None if limit is None else offset + limit]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["_id", *names])
    writer.writerows([number, *row] for number, row in chosen)
    mark = "\ufeff" if parameters.get("bom", "").lower() == "true" else ""
    return (mark + text.getvalue()).encode("utf-8")


def table_with_rows(library: Library, resource_id: str) -> Table | None:
    """Return a resource's table where its rows can be read one by one."""
    table = library.tables.get(resource_id)
    return table if table and table.path.name.endswith((".csv", ".csv.gz")) else None


def _sorted_rows(numbered: list, names: list[str], order: str) -> list:
    for part in reversed([part.split() for part in order.split(",") if part.strip()]):
        if part[0] not in [*names, "_id"] or part[1:] not in ([], ["asc"], ["desc"]):
            raise invalid_parameter("sort", f'field "{part[0]}" not in table')
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
            raise invalid_parameter("filters", "Cannot parse JSON") from error
    if not isinstance(given, dict):
        raise invalid_parameter("filters", "Not a JSON object")
    for name in given:
        if name not in names:
            raise invalid_parameter("filters", f'field "{name}" not in table')
    return {
        name: [str(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
        for name, wanted in given.items()
    }
