"""Searching the catalogue's records: words, exact filters, facets, sorting and paging."""

import functools
import json
import re
import unicodedata
from collections.abc import Callable, Iterable

from portail.library import Library
from portail.mirror.answers import (
    Written,
    as_json,
    bad_search,
    invalid_parameter,
    json_object,
    whole_number,
)

MOST_PACKAGES = 1_000  # the most packages one search answer holds, as on the portal
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


class PackageSearch:
    """The action ``package_search`` over a library's records.

    What a search needs of the catalogue is worked out once, at the first search: a process that is
    forked from one that has searched finds it there, and answers without going through every
    record.

    Args:
        library: whose records are searched.
    """

    def __init__(self, library: Library):
        self.library = library
        self._written: dict[int, Written] = {}
        self._ranks: dict[str, list[int]] = {}
        self._places: dict[str, dict[str, set[int]]] = {}

    def __call__(self, parameters: dict) -> Written:
        """Search titles and keywords by whole words, with exact filters, facets, sorting and
        paging.

        Returns:
            What was found, as JSON: a page may hold a thousand records, which are written once for
                all searches.

        Raises:
            ActionError: for a query, filter, facet or sort it cannot honour.
        """
        rows = min(whole_number(parameters, "rows", 10), MOST_PACKAGES)
        start = whole_number(parameters, "start", 0)
        words, filters = _query(str(parameters.get("q", "") or ""))
        _, more = _query(str(parameters.get("fq", "") or ""), filters_only=True)
        found = self._with(words, filters + more)
        order = str(parameters.get("sort") or "metadata_modified desc")
        page = self._sorted(found, order)[start : start + rows]
        return json_object(
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
                raise bad_search(f"cannot sort by {' '.join(part)}")
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
                raise invalid_parameter("facet.field", "Not a list of names") from error
        limit = whole_number(parameters, "facet.limit", 50)
        counts, items = {}, {}
        for name in wanted:
            if name not in FACETS:
                raise bad_search(f"undefined field {name}; this mirror has {', '.join(FACETS)}")
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
            self._written[place] = as_json(self._records[place])
        return self._written[place]

    def _ranks_by(self, name: str) -> list[int]:
        """Return by place how early each record comes when all are sorted by a field, the same for
        equal values."""
        if name not in self._ranks:
            values = [str(package.get(name) or "") for package in self._records]
            rank = {value: at for at, value in enumerate(sorted(set(values)))}
            self._ranks[name] = [rank[value] for value in values]
        return self._ranks[name]


def _query(text: str, filters_only: bool = False) -> tuple[set[str], list[tuple[str, str]]]:
    """Split a query into words and exact filters (``organization:statcan``, ``title:"a phrase"`` is
    not known)."""
    filters = []

    def take(match):
        name, value = match["name"], match["quoted"] or match["plain"]
        if name not in (*FACETS, "owner_org", "id", "name", "title"):
            raise bad_search(f"undefined field {name}")
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
        raise bad_search(
            "this mirror searches whole words and exact filters only: census organization:statcan"
        )
    return words_of(rest), filters


def words_of(text: str) -> set[str]:
    """Return the words of a text in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return set(
        re.findall(r"[a-z0-9]+", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    )


def _searched_words(package: dict) -> set[str]:
    titles = [text or "" for text in package["title_translated"].values()]
    keywords = [word for words in package["keywords"].values() for word in words]
    return words_of(" ".join([*titles, *keywords]))


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
