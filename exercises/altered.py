"""Make the tables that marks are given on: real schemas, other rows, other years.

A value typed from the page fails on them, and a computed one passes. They are synthetic, say so, and are made anew from
the shipped snapshots whenever the course is graded, so they are not kept in git.

    python exercises/altered.py [FOLDER]
"""

import hashlib
import json
import os
import random
import re
import sys
from pathlib import Path

import pandas as pd

from portail import settings
from portail.tables import read_rows

HERE = Path(__file__).parent
SHIPPED = settings.shipped_folders()[0]
SEED = 20_260_201
STEPS = ("os_account_registration", "os_authentication", "os_application", "os_decision", "os_issuance",
         "os_issue_resolution_feedback")
PARTS = ("num_applications_by_phone", "num_applications_online", "num_applications_in_person",
         "num_applications_by_mail", "num_applications_by_email", "num_applications_by_fax",
         "num_applications_by_other")
COUNTS = (*PARTS, "num_phone_enquiries", "num_website_visits")


def build(folder: Path, seed: int = SEED, size: float = 0.7, shipped: Path = SHIPPED) -> Path:
    """Write an altered copy of each dataset that exercises read.

    Args:
        folder: where to write one dataset folder each; made if absent.
        seed: the same seed makes the same bytes.
        size: rows of the altered table for each shipped row; above 1, rows are added.
        shipped: the folder of the shipped datasets.

    Returns:
        ``folder``, for ``PORTAIL_DATA``.
    """
    for name, alter in (
        ("service-inventory", service_inventory), ("nap5", nap5),
        ("covid-datasets", covid_datasets),
        ("top-datasets", top_datasets),
        ("catalogue-statcan-2021", catalogue_records),
    ):
        package = json.loads((shipped / name / "datapackage.json").read_text("utf-8"))
        rows = read_rows((shipped / name / package["resources"][0]["path"]).read_bytes()).fillna("")
        altered = alter(rows, random.Random(f"{seed} {name}"), size)
        _write(folder / name, package, *(altered if isinstance(altered, tuple) else (altered,)))
    return folder


def service_inventory(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return other services: drawn anew, eight years later, with other answers, other counts and other owners.

    The traps stay: a few rows of the next year, a scope that is a list, NA, ND and zero, totals made of codes alone.
    """
    drawn = _drawn(rows, chance, size)
    drawn["service_id"] = [f"SRV{number:05}" for number in chance.sample(range(10_000, 99_999), len(drawn))]
    for column in ("fiscal_yr", "last_service_review", "last_service_improvement"):
        drawn[column] = drawn[column].map(lambda text: _later(text, 8))
    usual = drawn["fiscal_yr"].mode()[0]
    drawn["fiscal_yr"] = usual
    stray = chance.sample(range(len(drawn)), 3)
    drawn.loc[stray, "fiscal_yr"] = _later(usual, 1)
    drawn.loc[stray[0], "service_id"] = drawn.loc[chance.choice([n for n in range(9) if n not in stray]), "service_id"]
    _swap_owners(drawn, chance)
    for at, column in enumerate(STEPS):
        online, not_applicable = 0.25 + 0.4 * chance.random(), 0.2 + 0.3 * chance.random()
        if at == 0:
            online = 0.12  # the weakest step is another one than on the shipped rows
        drawn[column] = [
            "NA" if chance.random() < not_applicable else "Y" if chance.random() < online else "N" for _ in drawn.index
        ]
    for column in COUNTS:
        na, nd = 0.15 + 0.2 * chance.random(), 0.05 + 0.15 * chance.random()
        drawn[column] = [_count(text, chance, na, nd) for text in drawn[column]]
    numbers = drawn[list(PARTS)].apply(pd.to_numeric, errors="coerce")
    drawn["num_applications_total"] = numbers.sum(axis=1).astype("int64").astype(str)  # as the portal does
    return drawn


def nap5(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return another tracker: some of the indicators, three years later, with other statuses and other leads.

    The traps stay: byte strings, indicators that go silent, some of them unfinished, statuses that step back.
    """
    indicators = sorted(rows["indicators"].unique())
    kept = set(chance.sample(indicators, round(len(indicators) * min(size, 1.0))))
    drawn = rows[rows["indicators"].isin(kept)].reset_index(drop=True)
    if size > 1:  # one more period for whoever still reported
        last = drawn[drawn["reporting_period"] == drawn["reporting_period"].max()]
        drawn = pd.concat([drawn, last.assign(reporting_period=_later(last["reporting_period"].iloc[0], 1))])
        drawn = drawn.reset_index(drop=True)
    for column in ("reporting_period", "indicator_due_date", "indicator_deadline_en", "indicator_deadline_fr"):
        drawn[column] = drawn[column].map(lambda text: _later(text, 3))
    _swap_owners(drawn, chance)
    leads = sorted(drawn["indicator_lead_dept"].unique())
    drawn["indicator_lead_dept"] = drawn["indicator_lead_dept"].map(
        dict(zip(leads, chance.sample(leads, len(leads)), strict=True)))
    better = {"NS": "LP", "LP": "SP", "SP": "C", "C": "C"}
    worse = {"NS": "NS", "LP": "NS", "SP": "LP", "C": "SP"}
    moved = []
    for status in drawn["status"]:
        draw = chance.random()
        moved.append(better[status] if draw < 0.1 else worse[status] if draw < 0.35 else status)
    drawn["status"] = moved
    return drawn


def covid_datasets(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return another search: other records, three years later, with other publishers and more datasets.

    The traps stay: titles that come back, titles without the word, French titles nowhere. Some records, the latest
    above all, were changed after they were made, so that the two dates are told apart.
    """
    drawn = _drawn(rows, chance, size)
    drawn["id"] = [_identifier(chance) for _ in drawn.index]
    _swap_owners(drawn, chance)
    drawn["type"] = ["dataset" if chance.random() < 0.15 else kind for kind in drawn["type"]]
    drawn["date_created"] = drawn["date_created"].map(lambda text: _later(text, 3))
    recent = drawn["date_created"].sort_values().iloc[-len(drawn) // 20]
    drawn["date_modified"] = [
        _later(text, 1) if text >= recent else text if chance.random() < 0.7
        else f"{_later(text, chance.choice((1, 2, 3)))[:8]}{chance.randrange(10, 28)}"
        for text in drawn["date_created"]
    ]
    return drawn


def top_datasets(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return another list of popular datasets: other downloads, other formats, and the stars that the formats earn.

    The traps stay: a few datasets hold much of the downloads, some stars come from the links in the data and not from
    the format.
    """
    drawn = _drawn(rows, chance, size)
    drawn["id"] = [_identifier(chance) for _ in drawn.index]
    for column in ("downloads", "visits"):
        drawn[column] = [str(round(int(text) * (0.3 + 1.4 * chance.random()))) for text in drawn[column]]
    drawn = drawn.iloc[sorted(drawn.index, key=lambda at: -int(drawn["downloads"][at]))].reset_index(drop=True)
    stars = {"CSV": 3, "JSON": 3, "XML": 3, "XLS": 2, "OTHER": 1, "ZIP": 1}
    drawn["dataset_format"] = chance.choices(list(stars), (50, 10, 8, 18, 8, 6), k=len(drawn))
    drawn["openness_rating"] = [
        "4" if stars[kind] == 3 and chance.random() < 0.05 else str(stars[kind]) for kind in drawn["dataset_format"]
    ]
    return drawn


KITS = (  # formats of a record's files, those with data and the guides; how many records of a hundred have them
    (("CSV", "CSV", "XML"), ("HTML", "HTML"), 52), (("XLSX", "XLSX"), ("PDF", "PDF"), 12),
    (("XLS", "XLS"), ("HTML",), 9), (("PDF", "PDF"), (), 6), (("XLSX",), ("CSV",), 5), (("JSON", "XLS"), ("HTML",), 6),
    (("ODS", "ODS"), ("PDF",), 4), (("RDF", "CSV"), ("HTML",), 3), (("SHP", "ZIP"), ("HTML",), 3),
)


def catalogue_records(rows: pd.DataFrame, chance: random.Random, size: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return other records of the same department and their files: three years later, in more formats, with faults.

    The shipped records pass every check; some of these lack a French text, a subject, an approval or the licence.
    """
    drawn = _drawn(rows, chance, size)
    drawn["id"] = [_identifier(chance) for _ in drawn.index]
    for column in ("date_published", "metadata_created", "metadata_modified"):
        drawn[column] = drawn[column].map(lambda text: _later(text, 3))
    for column, fault, often in (
        ("title_fr", "", 0.06), ("title_fr", " ", 0.02), ("notes_fr_length", "0", 0.08),
        ("keywords_fr_count", "0", 0.05), ("notes_en_length", "0", 0.04), ("keywords_en_count", "0", 0.03),
        ("subject", "", 0.04), ("frequency", "", 0.03), ("license_id", "", 0.03), ("license_id", "other-closed", 0.03),
        ("imso_approval", "false", 0.05), ("ready_to_publish", "false", 0.03), ("restrictions", "", 0.02),
        ("date_published", "", 0.02),
    ):
        drawn[column] = [fault if chance.random() < often else text for text in drawn[column]]
    drawn["frequency"] = [
        text and chance.choices((text, "P1M", "P3M", "irregular", "not_planned"), (60, 15, 10, 8, 7))[0]
        for text in drawn["frequency"]
    ]
    names = {"data_quality": "", "name_en": "Synthetic file", "name_fr": "Fichier synthétique"}
    files = []
    for record in drawn["id"]:
        data, guides, _ = chance.choices(KITS, [kit[2] for kit in KITS])[0]
        for kind, formats in (("dataset", data), ("guide", guides)):
            for at, form in enumerate(formats):
                language = "en,fr" if formats.count(form) == 1 else ("en", "fr")[at % 2]
                files.append({"package_id": record, "id": _identifier(chance), "format": form, "resource_type": kind,
                              "language": language} | names)
    resources = pd.DataFrame(files)
    counts = resources["package_id"].value_counts()
    drawn["num_resources"] = [str(counts[record]) for record in drawn["id"]]
    return drawn, resources


def _identifier(chance: random.Random) -> str:
    """Return an identifier of the portal's form."""
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _drawn(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return rows drawn without repeats, and with repeats for what goes beyond all of them."""
    wanted, order = round(len(rows) * size), list(range(len(rows)))
    chance.shuffle(order)
    more = [chance.choice(order) for _ in range(max(wanted - len(order), 0))]
    return rows.iloc[[*order[:wanted], *more]].reset_index(drop=True)


def _swap_owners(drawn: pd.DataFrame, chance: random.Random) -> None:
    """Give each organization another one's rows."""
    owners = sorted(drawn["owner_org"].unique())
    drawn["owner_org"] = drawn["owner_org"].map(dict(zip(owners, chance.sample(owners, len(owners)), strict=True)))


def _later(text: str, years: int) -> str:
    """Move every year of a text by so many years."""
    return re.sub(r"\b(19|20)\d\d\b", lambda year: str(int(year[0]) + years), text)


def _count(text: str, chance: random.Random, na: float, nd: float) -> str:
    """Return another count of the same size, or one of the codes, or zero."""
    draw = chance.random()
    if draw < na:
        return "NA"
    if draw < na + nd:
        return "ND"
    if not text.isdigit():
        return "0" if chance.random() < 0.5 else str(chance.randrange(1, 500))
    return str(round(int(text) * (0.5 + chance.random())))


def _write(folder: Path, package: dict, *tables: pd.DataFrame) -> None:
    """Write each table and their description; the description says that the rows are synthetic."""
    folder.mkdir(parents=True, exist_ok=True)
    files, resources = [], []
    for resource, rows in zip(package["resources"], tables, strict=False):  # a table that is not altered is left out
        content = rows.to_csv(index=False, lineterminator="\n").encode("utf-8")
        resources.append(resource | {"bytes": len(content), "hash": "sha256:" + hashlib.sha256(content).hexdigest()})
        files.append((resource["path"], content))
    package |= {
        "kind": "synthetic", "title": f"SYNTHETIC: {package['title']}",
        "title_fr": f"SYNTHÉTIQUE : {package['title_fr']}", "resources": resources,
    }
    described = json.dumps(package, ensure_ascii=False, indent=2) + "\n"
    for name, data in (*files, ("datapackage.json", described.encode("utf-8"))):
        new = folder / f"{name}.{os.getpid()}"  # whoever reads meanwhile finds the old file or the new one, whole
        new.write_bytes(data)
        new.replace(folder / name)


if __name__ == "__main__":
    where = build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "altered")
    print(f"{where} ({settings.language()})")
