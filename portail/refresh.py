"""Fetching live rows into the user's own copy, and comparing the copies with the portal."""

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import requests

from commons.errors import CannotWrite
from commons.files import put
from commons.wording import Sentence, number
from portail import datasets, drift, settings
from portail.connection.adapter import stream
from portail.connection.session import session
from portail.errors import PortalProblem
from portail.library import provenance
from portail.tables import read_rows

PART = 64 * 1024
OK, CHANGED, UNREACHABLE, NOT_LIVE = "ok", "changed", "unreachable", "not live"


class Refreshed(NamedTuple):
    """What a refresh brought: the dataset now in force, how many rows, and what the reader should
    know."""

    dataset: datasets.Dataset
    rows: int
    findings: list[drift.DriftFinding]


class DatasetCheck(NamedTuple):
    """What a check found of one dataset: ``ok``, ``changed``, ``unreachable`` or ``not live``, and
    why."""

    name: str
    state: str
    reasons: list[Sentence]


def refresh(name: str, progress=lambda done, total: None) -> Refreshed:
    """Fetch a dataset's live rows, validate them, and put them in place of the user's copy, whole
    or not at all.

    Args:
        name: the dataset.
        progress: called with the bytes received so far and the bytes expected (None if unknown).

    Returns:
        The dataset now in force, its number of rows, and findings that do not stop.

    Raises:
        UnknownDataset: if there is no such dataset.
        PortalProblem: if the portal fails or its table cannot be used; the copy stays as it was.
        CannotWrite: if the user's folder cannot be written to; the copy stays as it was.
    """
    dataset = datasets.find(name)
    if "download" not in dataset.portal:
        raise PortalProblem(
            "not-live",
            f"{name} has no address on the portal: it is what its card says, of "
            f"{dataset.retrieved}.",
            f"{name} n’a pas d’adresse sur le portail : c’est ce que dit sa fiche, en date du "
            f"{dataset.retrieved}.",
        )
    folder = settings.user_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as part:
            file = Path(part) / "rows.csv"
            headers = _download(dataset, file, progress)
            table, found = _validated(dataset, file.read_bytes())
            _put_in_place(dataset, folder, file, table, headers)
    except OSError as error:
        if isinstance(error, requests.RequestException):
            raise
        raise CannotWrite(folder, error) from error
    return Refreshed(datasets.find(name), len(table), found)


def check(name: str) -> DatasetCheck:
    """Tell whether the portal's table is still what the copy's description says.

    Args:
        name: the dataset.

    Returns:
        ``ok``; ``changed`` with what differs (columns, codes, number of rows); ``unreachable`` with
        why; or ``not live`` for a dataset that has no address on the portal.

    Raises:
        UnknownDataset: if there is no such dataset.
    """
    dataset = datasets.find(name)
    if "download" not in dataset.portal:
        return DatasetCheck(name, NOT_LIVE, [])
    try:
        answer = session("live").get(dataset.portal["download"])
        answer.raise_for_status()
        table = read_rows(answer.content)
    except PortalProblem as problem:
        state = (
            CHANGED
            if problem.fault in ("html", "empty", "encoding", "broken-row", "404")
            else UNREACHABLE
        )
        return DatasetCheck(name, state, [Sentence(problem.english, problem.french)])
    found = drift.of_rows(answer.content) + _findings(dataset, table)
    reasons = [each.sentence for each in found if each.fault != "no-total"]
    before = drift.rows_of_copy(dataset)
    if not reasons and before != len(table):
        reasons.append(
            Sentence(
                f"the portal has {number(len(table), lang='en')} rows, the copy "
                f"{number(before, lang='en')}.",
                f"le portail a {number(len(table), lang='fr')} lignes, la copie "
                f"{number(before, lang='fr')}.",
            )
        )
    return DatasetCheck(name, CHANGED if reasons else OK, reasons)


def _download(dataset, file: Path, progress) -> dict:
    """Write the portal's answer to a file, part by part; return its headers."""
    with stream(dataset.portal["download"]) as answer:
        total = answer.headers.get("Content-Length")
        total = int(total) if total and "Content-Encoding" not in answer.headers else None
        done = 0
        try:
            with open(file, "wb") as out:
                for part in answer.iter_content(PART):
                    out.write(part)
                    done += len(part)
                    progress(done, total)
                out.flush()
                os.fsync(out.fileno())  # the description that names this file may outlive it
        except requests.RequestException as error:
            raise PortalProblem(
                "truncated",
                "The download broke off before its end; your copy is as it was. Try again.",
                "Le téléchargement s’est interrompu avant la fin; votre copie est restée telle "
                "quelle. Réessayez.",
            ) from error
        if total is not None and done != total:
            raise PortalProblem(
                "truncated",
                f"Only {done} of {total} bytes came; your copy is as it was. Try again.",
                f"Seuls {done} octets sur {total} sont arrivés; votre copie est restée telle "
                "quelle. Réessayez.",
            )
        return dict(answer.headers)


def _validated(dataset, content: bytes):
    """Return the rows as text and the findings that do not stop; raise the first that does."""
    if not content.strip():
        raise PortalProblem(
            "empty", "The portal sent an empty file.", "Le portail a envoyé un fichier vide."
        )
    drift.refuse(drift.of_rows(content), dataset)  # before pandas stumbles over a page or a cut row
    table = read_rows(content)
    found = _findings(dataset, table)
    drift.refuse(found, dataset)
    return table, found


def _findings(dataset, table) -> list[drift.DriftFinding]:
    return drift.of_table(table, dataset) + drift.of_total(len(table), dataset, session("live"))


def _put_in_place(dataset, folder: Path, file: Path, table, headers: dict) -> None:
    """Move the rows in under a new name, then replace the description that points to them in one
    step."""
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    rows = folder / f"{dataset.name}-{digest[:12]}.csv"
    os.replace(file, rows)
    card = dataset.folder / "README.md"
    if card.is_file() and card.parent != folder:
        shutil.copyfile(card, folder / "README.md")
    described = _description(dataset, rows.name, content, digest, list(table.columns), headers)
    text = json.dumps(described, ensure_ascii=False, indent=2) + "\n"
    put(folder / "datapackage.json", text.encode("utf-8"))
    for old in folder.glob(f"{dataset.name}-*.csv"):
        if old != rows:
            with contextlib.suppress(
                OSError
            ):  # another process may still read it; it goes next time
                old.unlink()


def _description(
    dataset, path: str, content: bytes, digest: str, columns: list[str], headers: dict
) -> dict:
    """Return the Data Package of the fetched rows: their columns in their order, computed ones
    apart."""
    known = {field["name"]: field for field in dataset.fields}
    known |= {
        each["name"]: {"type": "string", **each}
        for each in dataset.descriptor.get("live_columns", [])
    }
    fields = [
        known.get(name, {"name": name, "type": "string", "title": name, "title_fr": name})
        for name in columns
    ]
    fields = [{key: value for key, value in field.items() if key != "derived"} for field in fields]
    derived = [
        field for field in dataset.fields if "derived" in field and field["name"] not in columns
    ]
    mark = content.startswith(b"\xef\xbb\xbf")
    main = dataset.resources[0] | {
        "path": path,
        "bytes": len(content),
        "hash": f"sha256:{digest}",
        "encoding": "utf-8-sig" if mark else "utf-8",
        "schema": dataset.schema | {"fields": fields},
        "derived": derived,
    }
    from_mirror, date = provenance(headers)
    retrieved = date if from_mirror else datetime.date.today().isoformat()
    described = dataset if from_mirror == "synthetic" else dataset.when_live()
    return described.descriptor | {
        "kind": from_mirror or "snapshot",
        "retrieved": retrieved,
        "resources": [main],
    }
