"""Make the tables that marks are given on: real schemas, other rows, other years.

A value typed from the page fails on them, and a computed one passes. They are synthetic, say so,
and are made from the shipped snapshots when the course is first graded, and again when those
change, so they are not kept in git.

    python exercises/altered.py [FOLDER]
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import os
import random
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from portail import settings

if (
    TYPE_CHECKING
):  # where the tables are there already, each command reads this file without waiting for pandas
    import pandas as pd

HERE = Path(__file__).parent
SHIPPED = settings.shipped_folders()[0]
#: the code that makes the altered tables
CODE = Path(__file__).read_bytes() + Path(settings.__file__).with_name("tables.py").read_bytes()
SEED = 20_260_201
STEPS = (
    "os_account_registration",
    "os_authentication",
    "os_application",
    "os_decision",
    "os_issuance",
    "os_issue_resolution_feedback",
)
PARTS = (
    "num_applications_by_phone",
    "num_applications_online",
    "num_applications_in_person",
    "num_applications_by_mail",
    "num_applications_by_email",
    "num_applications_by_fax",
    "num_applications_by_other",
)
COUNTS = (*PARTS, "num_phone_enquiries", "num_website_visits")


def build(folder: Path, seed: int = SEED, size: float = 0.7, shipped: Path = SHIPPED) -> Path:
    """Write an altered copy of each dataset that exercises read.

    Args:
        folder: where to write one dataset folder each; made if absent.
        seed: the same seed makes the same bytes.
        size: rows of the altered table for each shipped row; above 1, rows are added.
        shipped: the folder of the shipped datasets.

    Returns:
        ``folder``, for ``PORTAIL_DATA``. Where it holds these tables already, nothing is written:
        nbgrader reads its configuration three times for each command.
    """
    seal = folder / "seal.txt"
    made_by = f"{seed} {size} pandas {importlib.metadata.version('pandas')}"
    if seal.is_file() and seal.read_text("utf-8") == _seal(made_by, folder, shipped):
        return folder
    from portail.tables import read_rows

    for name, alter in (
        ("service-inventory", service_inventory),
        ("nap5", nap5),
        (
            "service-standards",
            lambda *given: service_standards(*given, altered_rows(folder, "service-inventory")),
        ),
        ("consultations", consultations),
        ("open-data-inventory", open_data_inventory),
        ("covid-datasets", covid_datasets),
        ("top-datasets", top_datasets),
        ("catalogue-statcan-2021", catalogue_records),
    ):
        package = json.loads((shipped / name / "datapackage.json").read_text("utf-8"))
        rows = read_rows((shipped / name / package["resources"][0]["path"]).read_bytes()).fillna("")
        altered = alter(rows, random.Random(f"{seed} {name}"), size)
        _write(folder / name, package, *(altered if isinstance(altered, tuple) else (altered,)))
    _put(seal, _seal(made_by, folder, shipped).encode("utf-8"))
    return folder


def _seal(made_by: str, *folders: Path) -> str:
    """Return a hash of the tables in these folders, and of what makes them."""
    seal = hashlib.sha256(made_by.encode("utf-8") + CODE)
    for file in (file for folder in folders for file in _tables(folder)):
        content = file.read_bytes()
        seal.update(f"{file.parent.name}/{file.name} {len(content)}\n".encode() + content)
    return seal.hexdigest()


def _tables(folder: Path) -> list[Path]:
    """Return the files of a folder's datasets, in order."""
    return sorted(file for file in folder.glob("*/*") if file.suffix in (".csv", ".json"))


def service_inventory(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return other services: drawn anew, eight years later, with other answers, other counts and
    other owners.

    The traps stay: a few rows of the next year, a scope that is a list, NA, ND and zero, totals
    made of codes alone.
    """
    import pandas as pd

    drawn = _drawn(rows, chance, size)
    drawn["service_id"] = [
        f"SRV{number:05}" for number in chance.sample(range(10_000, 99_999), len(drawn))
    ]
    for column in ("fiscal_yr", "last_service_review", "last_service_improvement"):
        drawn[column] = drawn[column].map(lambda text: _later(text, 8))
    usual = drawn["fiscal_yr"].mode()[0]
    drawn["fiscal_yr"] = usual
    stray = chance.sample(range(len(drawn)), 3)
    drawn.loc[stray, "fiscal_yr"] = _later(usual, 1)
    drawn.loc[stray[0], "service_id"] = drawn.loc[
        chance.choice([n for n in range(9) if n not in stray]), "service_id"
    ]
    _swap_owners(drawn, chance)
    for at, column in enumerate(STEPS):
        online, not_applicable = 0.25 + 0.4 * chance.random(), 0.2 + 0.3 * chance.random()
        if at == 0:
            online = 0.12  # the weakest step is another one than on the shipped rows
        drawn[column] = [
            "NA" if chance.random() < not_applicable else "Y" if chance.random() < online else "N"
            for _ in drawn.index
        ]
    for column in COUNTS:
        na, nd = 0.15 + 0.2 * chance.random(), 0.05 + 0.15 * chance.random()
        drawn[column] = [_count(text, chance, na, nd) for text in drawn[column]]
    numbers = drawn[list(PARTS)].apply(pd.to_numeric, errors="coerce")
    drawn["num_applications_total"] = (
        numbers.sum(axis=1).astype("int64").astype(str)
    )  # as the portal does
    return drawn


def nap5(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return another tracker: some of the indicators, three years later, with other statuses and
    other leads.

    The traps stay: byte strings, indicators that go silent, some of them unfinished, statuses that
    step back.
    """
    import pandas as pd

    indicators = sorted(rows["indicators"].unique())
    kept = set(chance.sample(indicators, round(len(indicators) * min(size, 1.0))))
    drawn = rows[rows["indicators"].isin(kept)].reset_index(drop=True)
    if size > 1:  # one more period for whoever still reported
        last = drawn[drawn["reporting_period"] == drawn["reporting_period"].max()]
        drawn = pd.concat(
            [drawn, last.assign(reporting_period=_later(last["reporting_period"].iloc[0], 1))]
        )
        drawn = drawn.reset_index(drop=True)
    for column in (
        "reporting_period",
        "indicator_due_date",
        "indicator_deadline_en",
        "indicator_deadline_fr",
    ):
        drawn[column] = drawn[column].map(lambda text: _later(text, 3))
    _swap_owners(drawn, chance)
    leads = sorted(drawn["indicator_lead_dept"].unique())
    drawn["indicator_lead_dept"] = drawn["indicator_lead_dept"].map(
        dict(zip(leads, chance.sample(leads, len(leads)), strict=True))
    )
    better = {"NS": "LP", "LP": "SP", "SP": "C", "C": "C"}
    worse = {"NS": "NS", "LP": "NS", "SP": "LP", "C": "SP"}
    moved = []
    for status in drawn["status"]:
        draw = chance.random()
        moved.append(better[status] if draw < 0.1 else worse[status] if draw < 0.35 else status)
    drawn["status"] = moved
    return drawn


def service_standards(
    rows: pd.DataFrame,
    chance: random.Random,
    size: float,
    services: pd.DataFrame,
) -> pd.DataFrame:
    """Return other promises, of the altered services: other channels, other volumes, other results.

    The traps stay: services without a promise, standards not assessed, a channel with few
    standards, giants that report zero. Two are added: three standards whose service is not in the
    inventory, and two channels with thirty and with twenty-nine assessed standards.
    """
    import pandas as pd

    drawn = _drawn(rows, chance, size)
    promising = chance.sample(range(len(services)), round(len(services) * 0.55))
    owners = services.iloc[[chance.choice(promising) for _ in drawn.index]].reset_index(drop=True)
    for column in ("fiscal_yr", "service_id", "owner_org"):
        drawn[column] = owners[column]
    for number, at in enumerate(chance.sample(range(len(drawn)), 3)):
        drawn.loc[at, "service_id"] = f"SRV0000{number}"  # no altered service has such a number
    drawn["service_standard_id"] = [
        str(number) for number in chance.sample(range(10_000, 99_999), len(drawn))
    ]
    turn = {
        "TEL": "POST",
        "POST": "PERSON",
        "PERSON": "ONL",
        "ONL": "EML",
        "EML": "OTH",
        "OTH": "TEL",
        "FAX": "FAX",
    }
    drawn["channel"] = drawn["channel"].map(turn)
    crowd = services.iloc[promising]
    few = crowd[crowd["owner_org"] == crowd["owner_org"].mode()[0]].head(12)
    for at in drawn.index[
        drawn["channel"] == "FAX"
    ]:  # several faxed promises of one service, of one organization
        owner = few.iloc[chance.randrange(len(few))]
        drawn.loc[at, ["fiscal_yr", "service_id", "owner_org"]] = owner[
            ["fiscal_yr", "service_id", "owner_org"]
        ]
    results = [_result(row, chance) for row in drawn.to_dict("records")]
    for at, column in enumerate(
        ("total_volume", "volume_meeting_target", "performance", "target_met")
    ):
        drawn[column] = [result[at] for result in results]
    by_volume = pd.to_numeric(drawn.loc[drawn["channel"] == "TEL", "total_volume"]).sort_values(
        ascending=False
    )
    giants = by_volume.index[:2]
    drawn.loc[giants, ["volume_meeting_target", "performance", "target_met"]] = ["0", "0.0", "N"]
    assessed = drawn["target_met"].isin(["Y", "N"])
    drawn.loc[drawn.index[(drawn["channel"] == "PERSON") & assessed][29:], "target_met"] = "NA"
    return drawn.drop(index=drawn.index[(drawn["channel"] == "POST") & assessed][30:]).reset_index(
        drop=True
    )


def _result(row: dict, chance: random.Random) -> tuple[str, str, str, str]:
    """Return another volume, another number of kept promises, their share, and whether the target
    is met."""
    draw, share = chance.random(), chance.random() ** 0.3
    if (
        not row["total_volume"].isdigit()
        or row["total_volume"] == "0"
        or row["volume_meeting_target"] == ""
    ):
        return (
            row["total_volume"],
            row["volume_meeting_target"],
            row["performance"],
            row["target_met"],
        )
    total = max(round(int(row["total_volume"]) * (0.5 + draw)), 1)
    kept = round(total * share)
    reached = (
        "NA"
        if row["target_met"] == "NA"
        else "Y"
        if kept / total >= float(row["target"] or 0)
        else "N"
    )
    return str(total), str(kept), str(round(kept / total, 4)), reached


def consultations(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return other consultations: eight years later, other owners, other subjects, other lengths,
    other reports.

    The traps stay: one-letter status, empty answers, ends before starts, many of thirty days
    exactly, link columns that hold words in French where English is empty, addresses that no Y
    announces. Added: a few addresses in French only.
    """
    drawn = _drawn(rows, chance, size)
    drawn["registration_number"] = [
        f"C-{number:07}" for number in chance.sample(range(1, 9_999_999), len(drawn))
    ]
    _swap_owners(drawn, chance)
    codes = sorted({code for cell in drawn["subjects"] for code in cell.split(",") if code})
    others = dict(zip(codes, chance.sample(codes, len(codes)), strict=True))
    drawn["subjects"] = [
        ",".join(others.get(code, "") for code in cell.split(",")) for cell in drawn["subjects"]
    ]
    reporting = {
        owner: 0.05 + 0.5 * chance.random() for owner in sorted(drawn["owner_org"].unique())
    }
    altered = [
        _consultation(row, chance, reporting[row["owner_org"]]) for row in drawn.to_dict("records")
    ]
    columns = [
        "start_date",
        "end_date",
        "report_available_online",
        "report_link_en_given",
        "report_link_fr_given",
        "report_link_en_is_address",
        "report_link_fr_is_address",
    ]
    for at, column in enumerate(columns):
        drawn[column] = [row[at] for row in altered]
    _thirty_on_one_subject(drawn)
    return drawn


def _consultation(row: dict, chance: random.Random, reporting: float) -> tuple[str, ...]:
    """Return other dates, another answer and other links."""
    start, end = (
        datetime.date.fromisoformat(_later(row[column], 8)) for column in ("start_date", "end_date")
    )
    days = (end - start).days
    if days > 0:
        days = 29 if chance.random() < 0.05 else round(days * (0.6 + 0.8 * chance.random()))
    answer = row["report_available_online"] and ("Y" if chance.random() < reporting else "N")
    draw = chance.random()
    links = next(signs for limit, signs in _LINKS[answer == "Y"] if draw < limit)
    flags = ("true" if sign == "1" else "false" for sign in links)
    return str(start), str(start + datetime.timedelta(days=days)), answer, *flags


def _thirty_on_one_subject(drawn: pd.DataFrame) -> None:
    """Leave a rare subject on exactly thirty closed consultations: enough for a rule of thirty."""
    lists = drawn.loc[drawn["status"] == "C", "subjects"].str.split(",")
    counts = lists.explode().value_counts()
    rare = counts[(counts > 30) & (counts.index != "")].index[-1]
    for at in [at for at, codes in lists.items() if rare in codes][30:]:
        drawn.loc[at, "subjects"] = ",".join(code for code in lists[at] if code != rare)


# Something in English, in French, an address in English, in French: up to which draw, without a
# report and with one.
_LINKS = (
    ((0.80, "0000"), (0.92, "0100"), (0.96, "1100"), (0.99, "1111"), (1.01, "1110")),
    (
        (0.74, "1111"),
        (0.80, "1110"),
        (0.84, "1101"),
        (0.88, "0101"),
        (0.92, "1010"),
        (0.96, "0100"),
        (1.01, "0000"),
    ),
)


def open_data_inventory(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return another synthetic inventory: other titles, owners, votes, dates, languages, another
    part of it released.

    The traps stay: every row eligible, votes with a long tail and many at zero, sizes that are
    missing.
    """
    drawn = _drawn(rows, chance, size)
    drawn["ref_number"] = [
        f"SYN-{number}" for number in chance.sample(range(10_000, 99_999), len(drawn))
    ]
    _swap_owners(drawn, chance)
    titles = ["title_en", "title_fr", "description_en", "description_fr"]
    for together in (
        titles,
        ["language"],
        ["user_votes"],
        ["size"],
        ["date_published", "date_released"],
    ):
        order = chance.sample(range(len(drawn)), len(drawn))
        drawn[together] = drawn[together].iloc[order].to_numpy()
    drawn["user_votes"] = [
        str(round(int(text) * (0.4 + 1.2 * chance.random()))) for text in drawn["user_votes"]
    ]
    drawn["date_published"] = [
        _later(text, chance.choice((1, 2, 3))) for text in drawn["date_published"]
    ]
    drawn["date_released"] = [
        _later(text, 3) if chance.random() < 0.8 else "" for text in drawn["date_released"]
    ]
    return drawn


def altered_rows(folder: Path, name: str) -> pd.DataFrame:
    """Return rows already altered, for a table that must fit them."""
    from portail.tables import read_rows

    return read_rows((folder / name / f"{name}.csv").read_bytes()).fillna("")


def covid_datasets(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return another search: other records, three years later, with other publishers and more
    datasets.

    The traps stay: titles that come back, titles without the word, French titles nowhere. Some
    records, the latest above all, were changed after they were made, so that the two dates are told
    apart.
    """
    drawn = _drawn(rows, chance, size)
    drawn["id"] = [_identifier(chance) for _ in drawn.index]
    _swap_owners(drawn, chance)
    drawn["type"] = ["dataset" if chance.random() < 0.15 else kind for kind in drawn["type"]]
    drawn["date_created"] = drawn["date_created"].map(lambda text: _later(text, 3))
    recent = drawn["date_created"].sort_values().iloc[-len(drawn) // 20]
    drawn["date_modified"] = [
        _later(text, 1)
        if text >= recent
        else text
        if chance.random() < 0.7
        else f"{_later(text, chance.choice((1, 2, 3)))[:8]}{chance.randrange(10, 28)}"
        for text in drawn["date_created"]
    ]
    return drawn


def top_datasets(rows: pd.DataFrame, chance: random.Random, size: float) -> pd.DataFrame:
    """Return another list of popular datasets: other downloads, other formats, and the stars that
    the formats earn.

    The traps stay: a few datasets hold much of the downloads, some stars come from the links in the
    data and not from the format.
    """
    drawn = _drawn(rows, chance, size)
    drawn["id"] = [_identifier(chance) for _ in drawn.index]
    for column in ("downloads", "visits"):
        drawn[column] = [
            str(round(int(text) * (0.3 + 1.4 * chance.random()))) for text in drawn[column]
        ]
    drawn = drawn.iloc[
        sorted(drawn.index, key=lambda at: -int(drawn["downloads"][at]))
    ].reset_index(drop=True)
    stars = {"CSV": 3, "JSON": 3, "XML": 3, "XLS": 2, "OTHER": 1, "ZIP": 1}
    drawn["dataset_format"] = chance.choices(list(stars), (50, 10, 8, 18, 8, 6), k=len(drawn))
    drawn["openness_rating"] = [
        "4" if stars[kind] == 3 and chance.random() < 0.05 else str(stars[kind])
        for kind in drawn["dataset_format"]
    ]
    return drawn


# formats of a record's files, those with data and the guides; how many records of a hundred have
# them
KITS = (
    (("CSV", "CSV", "XML"), ("HTML", "HTML"), 52),
    (("XLSX", "XLSX"), ("PDF", "PDF"), 12),
    (("XLS", "XLS"), ("HTML",), 9),
    (("PDF", "PDF"), (), 6),
    (("XLSX",), ("CSV",), 5),
    (("JSON", "XLS"), ("HTML",), 6),
    (("ODS", "ODS"), ("PDF",), 4),
    (("RDF", "CSV"), ("HTML",), 3),
    (("SHP", "ZIP"), ("HTML",), 3),
)


def catalogue_records(
    rows: pd.DataFrame, chance: random.Random, size: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return other records of the same department and their files: three years later, in more
    formats, with faults.

    The shipped records pass every check; some of these lack a French text, a subject, an approval
    or the licence.
    """
    import pandas as pd

    drawn = _drawn(rows, chance, size)
    drawn["id"] = [_identifier(chance) for _ in drawn.index]
    for column in ("date_published", "metadata_created", "metadata_modified"):
        drawn[column] = drawn[column].map(lambda text: _later(text, 3))
    for column, fault, often in (
        ("title_fr", "", 0.06),
        ("title_fr", " ", 0.02),
        ("notes_fr_length", "0", 0.08),
        ("keywords_fr_count", "0", 0.05),
        ("notes_en_length", "0", 0.04),
        ("keywords_en_count", "0", 0.03),
        ("subject", "", 0.04),
        ("frequency", "", 0.03),
        ("license_id", "", 0.03),
        ("license_id", "other-closed", 0.03),
        ("imso_approval", "false", 0.05),
        ("ready_to_publish", "false", 0.03),
        ("restrictions", "", 0.02),
        ("date_published", "", 0.02),
    ):
        drawn[column] = [fault if chance.random() < often else text for text in drawn[column]]
    drawn["frequency"] = [
        text
        and chance.choices((text, "P1M", "P3M", "irregular", "not_planned"), (60, 15, 10, 8, 7))[0]
        for text in drawn["frequency"]
    ]
    names = {"data_quality": "", "name_en": "Synthetic file", "name_fr": "Fichier synthétique"}
    files = []
    for record in drawn["id"]:
        data, guides, _ = chance.choices(KITS, [kit[2] for kit in KITS])[0]
        for kind, formats in (("dataset", data), ("guide", guides)):
            for at, form in enumerate(formats):
                language = "en,fr" if formats.count(form) == 1 else ("en", "fr")[at % 2]
                files.append(
                    {
                        "package_id": record,
                        "id": _identifier(chance),
                        "format": form,
                        "resource_type": kind,
                        "language": language,
                    }
                    | names
                )
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
    drawn["owner_org"] = drawn["owner_org"].map(
        dict(zip(owners, chance.sample(owners, len(owners)), strict=True))
    )


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
    for resource, rows in zip(
        package["resources"], tables, strict=False
    ):  # a table that is not altered is left out
        content = rows.to_csv(index=False, lineterminator="\n").encode("utf-8")
        resources.append(
            resource
            | {"bytes": len(content), "hash": "sha256:" + hashlib.sha256(content).hexdigest()}
        )
        files.append((resource["path"], content))
    package |= {
        "kind": "synthetic",
        "title": f"SYNTHETIC: {package['title']}",
        "title_fr": f"SYNTHÉTIQUE : {package['title_fr']}",
        "resources": resources,
    }
    described = json.dumps(package, ensure_ascii=False, indent=2) + "\n"
    for name, data in (*files, ("datapackage.json", described.encode("utf-8"))):
        _put(folder / name, data)


def _put(file: Path, data: bytes) -> None:
    """Write a file in one step: whoever reads meanwhile finds the old one or the new one, whole."""
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.write_bytes(data)
    new.replace(file)


if __name__ == "__main__":
    where = build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "altered")
    print(where)
