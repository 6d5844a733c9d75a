"""Reading what the mirror serves: the tables on this machine and their catalogue records."""

import csv
import datetime
import functools
import gzip
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from portail import datasets, settings
from portail.errors import BrokenDataset

KIND_HEADER, DATE_HEADER = "X-Portail-Kind", "X-Portail-Date"  # what a mirror says of its rows
KINDS = ("snapshot", "figures", "synthetic")


def provenance(headers) -> tuple[str, str]:
    """Return what an answer's headers say of its rows: kind and ISO date, each ``""`` where absent
    or unusable."""
    kind, date = headers.get(KIND_HEADER, ""), headers.get(DATE_HEADER, "")
    try:
        date = datetime.date.fromisoformat(date).isoformat()
    except ValueError:
        date = ""
    return kind if kind in KINDS or not kind else "snapshot", date


@dataclass(frozen=True)
class Table:
    """The file of one resource: where it lies, and what kind of rows of what date it holds.

    Attributes: resource_id: the portal's id of the resource (a plain name for tables that the
        portal does not have). path: the file. kind: ``snapshot``, ``figures`` or ``synthetic``.
        date: ISO date of the rows, or ``""`` where nobody wrote it down.
    """

    resource_id: str
    path: Path
    kind: str
    date: str

    def content(self) -> bytes:
        """Return the file's bytes."""
        return _bytes(self.path, self.path.stat().st_mtime_ns)

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Return column names and rows, all text."""
        return _rows(self.path, self.path.stat().st_mtime_ns)


@dataclass(frozen=True)
class Library:
    """Everything a mirror serves.

    Attributes:
        packages: catalogue records in CKAN's shape, by id.
        tables: files by resource id.
        organizations: ``(English, French)`` names by code.
        date: ISO date of the newest catalogue record.
    """

    packages: dict[str, dict] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    organizations: dict[str, tuple[str, str]] = field(default_factory=dict)
    date: str = ""


def library_of_datasets() -> Library:
    """Return what the datasets on this machine make up: tables, their records, and the catalogue
    records they list."""
    organizations = _organizations()
    packages: dict[str, dict] = {}
    tables: dict[str, Table] = {}
    for name in datasets.names():
        try:
            dataset = datasets.find(name)
        except BrokenDataset:  # one broken folder must not close the portal of a room
            continue
        dataset_id = dataset.portal.get("dataset_id", name)
        package = packages.setdefault(dataset_id, _package_of(dataset, dataset_id, organizations))
        for at, resource in enumerate(dataset.resources):
            resource_id = (
                dataset.portal.get("resource_id", resource["name"]) if at == 0 else resource["name"]
            )
            tables[resource_id] = Table(
                resource_id, dataset.rows_path(at), dataset.kind, dataset.retrieved
            )
            package["resources"].append(
                _resource(
                    resource_id,
                    dataset_id,
                    "CSV",
                    resource["name"],
                    resource["name"],
                    _address(dataset, dataset_id, resource_id, resource),
                )
            )
        package["num_resources"] = len(package["resources"])
    listed = _covid_records(organizations) | _statcan_records(organizations)
    newest = max([package["metadata_modified"] or "" for package in listed.values()] or [""])[:10]
    dates = [table.date for table in tables.values()]
    return Library(listed | packages, tables, organizations, max([newest, *dates]))


def library_of_folder(folder: Path) -> Library:
    """Return what a folder of portal files makes up: each file that its ``sources.csv`` lists.

    Args:
        folder: holds ``sources.csv`` with at least the columns ``file``, ``dataset_id`` and
            ``resource_id`` (``title_en``, ``title_fr``, ``date`` and ``owner_org`` are used where
            there).

    Raises:
        BrokenDataset: if the list is missing, lacks a column, or names a file outside the folder or
            not there.
    """
    listing = folder / "sources.csv"
    try:
        with open(listing, encoding="utf-8-sig", newline="") as lines:
            sources = list(csv.DictReader(lines))
    except (OSError, ValueError, csv.Error) as error:
        raise BrokenDataset(
            f"The list {listing} cannot be read. A folder to serve needs a sources.csv with the "
            "columns file, dataset_id, resource_id.",
            f"La liste {listing} est illisible. Un dossier à servir doit contenir un fichier "
            "sources.csv avec les colonnes file, dataset_id, resource_id.",
        ) from error
    organizations = _organizations()
    packages: dict[str, dict] = {}
    tables: dict[str, Table] = {}
    for source in sources:
        _check_source(folder, source)
        dataset_id, resource_id = source["dataset_id"], source["resource_id"]
        if not re.fullmatch(r"[\w-]{36}", resource_id) or resource_id in tables:
            # figures without an address of their own, or a second file kept for the same address
            continue
        title_en = source.get("title_en") or source["file"]
        title_fr = source.get("title_fr") or title_en
        tables[resource_id] = Table(
            resource_id, folder / source["file"], "snapshot", source.get("date") or ""
        )
        package = packages.setdefault(
            dataset_id,
            _package(dataset_id, title_en, title_fr, source.get("owner_org") or "", organizations),
        )
        name = Path(source["file"]).name
        address = (
            f"{settings.PORTAL}/data/dataset/{dataset_id}/resource/{resource_id}/download/{name}"
        )
        package["resources"].append(
            _resource(
                resource_id,
                dataset_id,
                Path(source["file"]).suffix.strip(".").upper(),
                name,
                name,
                address,
            )
        )
        package["num_resources"] = len(package["resources"])
    dates = [table.date for table in tables.values()]
    return Library(packages, tables, organizations, max(dates, default=""))


def _check_source(folder: Path, source: dict) -> None:
    """Refuse a line of ``sources.csv`` that lacks a column or leads out of the folder."""
    lacking = [name for name in ("file", "dataset_id", "resource_id") if not source.get(name)]
    if lacking:
        raise BrokenDataset(
            f"sources.csv lacks {', '.join(lacking)} in the line {dict(source)}.",
            f"Il manque {', '.join(lacking)} dans sources.csv, à la ligne {dict(source)}.",
        )
    path = (folder / source["file"]).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise BrokenDataset(
            f"sources.csv names {source['file']}, which is not a file inside {folder}.",
            f"sources.csv nomme {source['file']}, qui n’est pas un fichier du dossier {folder}.",
        )


def _organizations() -> dict[str, tuple[str, str]]:
    """Return organization names by code, from the dataset of that name where it is here."""
    if "organizations" not in datasets.names():
        return {}
    names, rows = Table("", datasets.find("organizations").rows_path(), "", "").rows()
    code, english, french = (names.index(name) for name in ("owner_org", "title_en", "title_fr"))
    return {row[code]: (row[english], row[french]) for row in rows}


def _package(dataset_id: str, title_en: str, title_fr: str, code: str, organizations: dict) -> dict:
    """Return a catalogue record in CKAN's shape; what nobody knows is null, never made up."""
    english, french = organizations.get(code, (code, code))
    return {
        "id": dataset_id,
        "name": dataset_id,
        "type": "dataset",
        "state": "active",
        "private": False,
        "collection": None,
        "jurisdiction": None,
        "license_id": "ca-ogl-lgo",
        "license_title": "Open Government Licence - Canada",
        "license_url": settings.PORTAL + "/en/open-government-licence-canada",
        "isopen": False,
        "frequency": None,
        "subject": [],
        "date_published": None,
        "metadata_created": None,
        "metadata_modified": None,
        "title": title_en,
        "title_translated": {"en": title_en, "fr": title_fr},
        "notes": None,
        "notes_translated": {"en": "", "fr": ""},
        "keywords": {"en": [], "fr": []},
        "owner_org": code,
        "organization": {
            "id": code,
            "name": code,
            "title": f"{english} | {french}",
            "type": "organization",
            "is_organization": True,
            "state": "active",
        },
        "num_resources": 0,
        "resources": [],
    }


def _package_of(dataset, dataset_id: str, organizations: dict) -> dict:
    """Return the record of one of the project's own datasets."""
    package = _package(
        dataset_id,
        dataset.text("title", "en"),
        dataset.text("title", "fr"),
        "tbs-sct",
        organizations,
    )
    notes = {lang: dataset.text("description", lang) for lang in ("en", "fr")}
    licence = dataset.descriptor["licenses"][0]
    return package | {
        "notes": notes["en"],
        "notes_translated": notes,
        "metadata_modified": dataset.retrieved,
        "license_title": licence["title"],
        "portail_kind": dataset.kind,
        "jurisdiction": "federal",
    }


def _resource(resource_id, dataset_id, kind, name_en, name_fr, address, more=()) -> dict:
    return {
        "id": resource_id,
        "package_id": dataset_id,
        "format": kind,
        "name": name_en,
        "name_translated": {"en": name_en, "fr": name_fr},
        "url": address,
        "state": "active",
        "datastore_active": kind == "CSV" and bool(address),
    } | dict(more)


def _address(dataset, dataset_id, resource_id, resource) -> str:
    return dataset.portal.get("download") or (
        f"{settings.PORTAL}/data/dataset/{dataset_id}/resource/{resource_id}/download/{Path(resource['path']).name}"
    )


def _covid_records(organizations: dict) -> dict[str, dict]:
    """Return the catalogue records about COVID-19 that the dataset of that name lists."""
    found = {}
    for row in _dicts("covid-datasets"):
        title = row["title"].strip()
        found[row["id"]] = _package(row["id"], title, title, row["owner_org"], organizations) | {
            "type": row["type"],
            "collection": row["collection"],
            "jurisdiction": row["jurisdiction"],
            "metadata_created": row["date_created"],
            "metadata_modified": row["date_modified"],
            "license_id": None,
            "license_title": None,
            "license_url": None,
            "title_translated": {
                "en": title,
                "fr": None,
            },  # the list of records gives English titles only
        }
    return found


def _statcan_records(organizations: dict) -> dict[str, dict]:
    """Return the Statistics Canada records that the dataset ``catalogue-statcan-2021`` lists, with
    their resources."""
    found = {}
    for row in _dicts("catalogue-statcan-2021"):
        same = (
            "collection",
            "jurisdiction",
            "license_id",
            "frequency",
            "date_published",
            "metadata_created",
            "metadata_modified",
            "restrictions",
            "imso_approval",
            "ready_to_publish",
        )
        found[row["id"]] = (
            _package(row["id"], row["title_en"], row["title_fr"], row["owner_org"], organizations)
            | {name: row[name] for name in same}
            | {"subject": [each for each in row["subject"].split(",") if each]}
        )
    for row in _dicts("catalogue-statcan-2021", 1):
        if row["package_id"] in found:
            package = found[row["package_id"]]
            package["resources"].append(
                _resource(
                    row["id"],
                    row["package_id"],
                    row["format"],
                    row["name_en"],
                    row["name_fr"],
                    "",
                    {"resource_type": row["resource_type"], "language": row["language"].split(",")},
                )
            )
            package["num_resources"] = len(package["resources"])
    return found


def _dicts(name: str, resource: int = 0) -> list[dict]:
    """Return the rows of a dataset's table as dictionaries; none where it is not here."""
    if name not in datasets.names():
        return []
    names, rows = Table("", datasets.find(name).rows_path(resource), "", "").rows()
    return [dict(zip(names, row, strict=True)) for row in rows]


@functools.lru_cache(maxsize=32)
def _bytes(path: Path, modified: int) -> bytes:
    return path.read_bytes()


@functools.lru_cache(maxsize=32)
def _rows(path: Path, modified: int) -> tuple[list[str], list[list[str]]]:
    content = _bytes(path, modified)
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    return rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
