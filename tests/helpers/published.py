"""Tables as the portal publishes them, made from the shipped rows: synthetic prose where only a
flag was kept."""

import csv
import hashlib
import io
import json
from pathlib import Path

from tests.helpers.places import ROOT

ROWS = 150  # enough for every fault, few enough for hundreds of tests


def live_names() -> list[str]:
    """Return the datasets that have an address on the portal."""
    packages = [
        json.loads(path.read_text("utf-8"))
        for path in sorted(ROOT.glob("datasets/*/datapackage.json"))
    ]
    return [package["name"] for package in packages if "download" in package.get("portal", {})]


def package_of(folder: Path, name: str) -> dict:
    """Return a dataset's description."""
    return json.loads((folder / name / "datapackage.json").read_text("utf-8"))


def small_copies(folder: Path) -> Path:
    """Write a short copy of every live dataset, with a description that fits it."""
    for name in live_names():
        package = package_of(ROOT / "datasets", name)
        resource = package["resources"][0]
        rows = from_csv((ROOT / "datasets" / name / resource["path"]).read_bytes())
        content = to_csv(rows[: ROWS + 1])
        resource |= {"bytes": len(content), "hash": "sha256:" + hashlib.sha256(content).hexdigest()}
        (folder / name).mkdir(parents=True)
        (folder / name / resource["path"]).write_bytes(content)
        (folder / name / "datapackage.json").write_text(
            json.dumps(package, ensure_ascii=False), "utf-8"
        )
    return folder


def publish(copies: Path, folder: Path) -> Path:
    """Write each copy as the portal would publish it, with a sources.csv that the mirror
    can serve."""
    sources = [["file", "dataset_id", "resource_id", "title_en", "title_fr"]]
    for name in live_names():
        package = package_of(copies, name)
        file = package["portal"]["download"].rsplit("/", 1)[1]
        (folder / file).write_bytes(to_csv(as_published(copies, package)))
        portal = package["portal"]
        sources.append(
            [
                file,
                portal["dataset_id"],
                portal["resource_id"],
                package["title"],
                package["title_fr"],
            ]
        )
    (folder / "sources.csv").write_bytes(to_csv(sources))
    return folder


def as_published(copies: Path, package: dict) -> list[list[str]]:
    """Return a dataset's rows with its computed columns turned back into prose, links and texts,
    all synthetic."""
    resource = package["resources"][0]
    fields = resource["schema"]["fields"]
    content = (copies / package["name"] / resource["path"]).read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    derived = [field for field in fields if "derived" in field]
    plain = [field["name"] for field in fields if "derived" not in field]
    prose = list(dict.fromkeys(field["derived"]["from"] for field in derived))
    others = [each["name"] for each in package.get("live_columns", []) if each["name"] not in prose]
    published = [[*plain, *prose, *others]]
    for row in rows:
        texts = dict.fromkeys([*prose, *others], "")
        for field in derived:
            source, how, value = (
                field["derived"]["from"],
                field["derived"]["how"],
                row[field["name"]],
            )
            if how == "length":
                texts[source] = "x" * int(value or 0)
            elif value == "true" and not texts[source]:
                texts[source] = (
                    "https://example.org/synthétique"
                    if how == "is_address"
                    else "Texte « synthétique »"
                )
            if how == "is_address" and value == "true":
                texts[source] = "https://example.org/synthétique"
        published.append([*(row[name] for name in plain), *texts.values()])
    return published


def to_csv(rows: list[list[str]]) -> bytes:
    """Return rows as the portal writes them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def from_csv(content: bytes) -> list[list[str]]:
    """Return rows of a published table."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
