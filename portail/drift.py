"""Comparing a table of the portal with its schema, and naming what changed or is damaged.

Each finding has a fault's name, a severity and a sentence in both languages. ``stop`` means that
figures computed from the table would be wrong or impossible: live mode raises, auto mode falls back
to the copy. ``warn`` means that the table can be used and the reader should know. The table of
faults in README.md says which is which, and each of its rows is a test.
"""

import csv
import io
import re
from typing import NamedTuple

import pandas as pd
import requests

from commons.wording import Sentence, number
from portail.connection.faults import looks_like_page
from portail.errors import PortalProblem

STOP, WARN = "stop", "warn"
USUAL_LIMITS = (
    100,
    1_000,
    10_000,
    32_000,
    50_000,
    100_000,
)  # row limits of the datastore and of common copies of it
MANGLED = re.compile(
    "Ã[\u0080-\u00bf‰ˆŠ€™Œ‡Ž“”]|â€|Â[\u00a0-\u00bf]|\ufffd"
)  # UTF-8 read as cp1252, or lost for good
DECIMAL_COMMA = r"-?\d+,\d+"


class DriftFinding(NamedTuple):
    """One thing found: the fault's name, ``stop`` or ``warn``, and what to tell the reader."""

    fault: str
    severity: str
    sentence: Sentence


def refuse(findings: list[DriftFinding], dataset) -> None:
    """Raise the first finding that makes the table unusable.

    Raises:
        PortalProblem: if there is one.
    """
    for found in findings:
        if found.severity == STOP:
            raise PortalProblem(
                found.fault,
                f"{dataset.text('title', 'en')}: {found.sentence.english}",
                f"{dataset.text('title', 'fr')} : {found.sentence.french}",
            )


def of_rows(content: bytes) -> list[DriftFinding]:
    """Find what can be told from the bytes: a page instead of rows, a row cut or broken."""
    if looks_like_page({}, content):
        return [
            DriftFinding(
                "html",
                STOP,
                Sentence(
                    "a web page came instead of rows.",
                    "le portail a envoyé une page Web au lieu des lignes.",
                ),
            )
        ]
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""), strict=True)
    try:
        width = len(next(rows, []))
        broken = next(
            (at for at, row in enumerate(rows, start=2) if row and len(row) != width), None
        )
    except csv.Error:
        broken = rows.line_num
    if broken is None:
        return []
    return [
        DriftFinding(
            "broken-row",
            STOP,
            Sentence(
                f"row {broken} is cut or broken, so rows may be missing after it.",
                f"la ligne {broken} est tronquée ou mal formée : il peut manquer des lignes après "
                "elle.",
            ),
        )
    ]


def of_table(table: pd.DataFrame, dataset) -> list[DriftFinding]:
    """Find what differs between a table of text columns and the dataset's schema.

    Args:
        table: the rows as published, all text, missing where a cell was empty.
        dataset: the ``Dataset`` whose schema they should follow.
    """
    found = _columns(table, dataset)
    if any(each.severity == STOP for each in found):
        return found
    if table.empty:
        return [
            DriftFinding(
                "empty", STOP, Sentence("the table has no rows.", "le tableau n’a aucune ligne.")
            )
        ]
    for field in dataset.fields:
        if field["name"] in table.columns:
            found += _values(table[field["name"]].dropna(), field)
    return found + _mangled(table, dataset) + _repeats(table, dataset) + _size(table, dataset)


def of_total(rows: int, dataset, portal: requests.Session) -> list[DriftFinding]:
    """Compare the number of rows received with the datastore's own count.

    Args:
        rows: how many came.
        dataset: which dataset.
        portal: a live session, to ask the datastore for its count.
    """
    address = "https://open.canada.ca/data/api/action/datastore_search"
    try:
        answer = portal.get(
            address, params={"resource_id": dataset.portal["resource_id"], "limit": 0}, timeout=10
        )
        total = int(answer.json()["result"]["total"])
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return [
            DriftFinding(
                "no-total",
                WARN,
                Sentence(
                    "the portal did not give its own count of rows, so a cut table could not be "
                    "ruled out.",
                    "le portail n’a pas donné son propre nombre de lignes : le tableau est "
                    "peut-être tronqué.",
                ),
            )
        ]
    if rows >= total:
        return []
    return [
        DriftFinding(
            "cut",
            STOP,
            Sentence(
                f"{number(rows, lang='en')} rows came, but the portal counts "
                f"{number(total, lang='en')}.",
                f"{number(rows, lang='fr')} lignes ont été reçues, mais le portail en compte "
                f"{number(total, lang='fr')}.",
            ),
        )
    ]


def _columns(table: pd.DataFrame, dataset) -> list[DriftFinding]:
    """Compare column names: another table, a renamed or dropped column (stop), a new one (warn)."""
    here = set(table.columns)
    fields = dataset.fields
    extra = {
        each["name"] for each in dataset.descriptor.get("live_columns", [])
    }  # no lesson needs them
    plain = [
        field["name"] for field in fields if "derived" not in field and field["name"] not in extra
    ]
    gone = [name for name in plain if name not in here]
    gone += [
        field["derived"]["from"]
        for field in fields
        if "derived" in field and field["name"] not in here and field["derived"]["from"] not in here
    ]
    known = {field["name"] for field in fields} | {
        field.get("derived", {}).get("from") for field in fields
    }
    known |= extra | {"_id"}
    new = [name for name in table.columns if name not in known]
    if len(gone) > len(plain) / 2:
        return [
            DriftFinding(
                "another-table",
                STOP,
                Sentence(
                    "another table came in its place: most of the expected columns are absent.",
                    "un autre tableau a été reçu à sa place : la plupart des colonnes attendues "
                    "sont absentes.",
                ),
            )
        ]
    if gone:
        names, others = ", ".join(dict.fromkeys(gone)), ", ".join(new)
        maybe_en = f" New: {others}. A column may have been renamed." if new else ""
        maybe_fr = (
            f" Colonnes nouvelles : {others}. Une colonne a peut-être été renommée." if new else ""
        )
        return [
            DriftFinding(
                "renamed-column" if new else "dropped-column",
                STOP,
                Sentence(
                    f"the column {names} is no longer there.{maybe_en}",
                    f"la colonne {names} n’y est plus.{maybe_fr}",
                ),
            )
        ]
    if new:
        return [
            DriftFinding(
                "new-column",
                WARN,
                Sentence(
                    f"there is a new column: {', '.join(new)}.",
                    f"il y a une nouvelle colonne : {', '.join(new)}.",
                ),
            )
        ]
    return []


def _values(values: pd.Series, field: dict) -> list[DriftFinding]:
    """Compare one column's values with its type, pattern and code list."""
    name, kind = field["name"], field["type"]
    wrong = values[:0]
    if kind in ("integer", "number"):
        wrong = values[pd.to_numeric(values, errors="coerce").isna()]
    elif kind == "date":
        wrong = values[pd.to_datetime(values, format="%Y-%m-%d", errors="coerce").isna()]
    elif kind == "boolean":
        wrong = values[~values.str.lower().isin(["true", "false"])]
    pattern = field.get("constraints", {}).get("pattern")
    unusual = values[~values.str.fullmatch(pattern)] if pattern else values[:0]
    commas = values[:0] if "codes" in field else pd.concat([wrong, unusual])
    commas = commas[commas.str.fullmatch(DECIMAL_COMMA)]
    if len(commas):
        return [
            DriftFinding(
                "decimal-comma",
                STOP,
                Sentence(
                    f"numbers in {name} are written with a decimal comma, such as "
                    f"{commas.iloc[0]}.",
                    f"les nombres de {name} sont écrits avec une virgule décimale, comme "
                    f"{commas.iloc[0]}.",
                ),
            )
        ]
    if len(wrong):
        return [
            DriftFinding(
                "type",
                STOP,
                Sentence(
                    f"the column {name} should hold {_KINDS[kind][0]}, but it holds « "
                    f"{wrong.iloc[0]} ».",
                    f"la colonne {name} devrait contenir {_KINDS[kind][1]}, mais on y trouve « "
                    f"{wrong.iloc[0]} ».",
                ),
            )
        ]
    found = []
    if len(unusual):
        found.append(
            DriftFinding(
                "pattern",
                WARN,
                Sentence(
                    f"the column {name} holds a value of an unusual form, such as « "
                    f"{unusual.iloc[0]} ».",
                    f"la colonne {name} contient une valeur de forme inhabituelle, comme « "
                    f"{unusual.iloc[0]} ».",
                ),
            )
        )
    return found + _codes(values, field)


_KINDS = {
    "integer": ("whole numbers", "des nombres entiers"),
    "number": ("numbers", "des nombres"),
    "date": ("dates (year-month-day)", "des dates (année-mois-jour)"),
    "boolean": ("true or false", "true ou false"),
}


def _codes(values: pd.Series, field: dict) -> list[DriftFinding]:
    """Name the codes that the dataset's code list does not know."""
    if "codes" not in field:
        return []
    separator = field.get("separator")
    each = values.str.split(separator).explode().str.strip() if separator else values
    known = {*field["codes"], *field.get("codes_without_label", []), ""}
    unknown = [code for code in each.unique() if code not in known]
    if not unknown:
        return []
    some = ", ".join(map(str, unknown[:5]))
    return [
        DriftFinding(
            "changed-code",
            WARN,
            Sentence(
                f"the column {field['name']} holds a code that the code list does not have: "
                f"{some}.",
                f"la colonne {field['name']} contient un code absent de la liste de codes : "
                f"{some}.",
            ),
        )
    ]


def _mangled(table: pd.DataFrame, dataset) -> list[DriftFinding]:
    """Find accents that were damaged before publication (« Ã© » for « é »).

    The portal's prose has always had a few, which no lesson reads and nobody can mend: in such a
    column it takes more than one cell in twenty to be news.
    """
    prose = {each["name"] for each in dataset.descriptor.get("live_columns", [])}
    for name in table.columns:
        share = table[name].dropna().str.contains(MANGLED).mean()
        if share > (0.05 if name in prose else 0):
            return [
                DriftFinding(
                    "mangled-accents",
                    WARN,
                    Sentence(
                        f"accents are damaged in the column {name}; counts are not affected, but "
                        "names and labels are.",
                        f"des accents sont abîmés dans la colonne {name}; les nombres n’en "
                        "souffrent pas, mais bien les noms et les libellés.",
                    ),
                )
            ]
    return []


def _repeats(table: pd.DataFrame, dataset) -> list[DriftFinding]:
    """Find rows that come twice: by the key where the schema has one, whole rows otherwise."""
    key = [name for name in dataset.schema.get("primaryKey", []) if name in table.columns]
    repeated = int(table.duplicated(key or [name for name in table.columns if name != "_id"]).sum())
    if not repeated:
        return []
    return [
        DriftFinding(
            "duplicated-rows",
            WARN,
            Sentence(
                f"{number(repeated, lang='en')} rows repeat another one; counts include them.",
                f"{number(repeated, lang='fr')} lignes en répètent une autre; elles sont comptées.",
            ),
        )
    ]


def _size(table: pd.DataFrame, dataset) -> list[DriftFinding]:
    """Suspect a table cut at a usual limit, or far shorter than the copy, though every row is
    sound."""
    rows, before = len(table), rows_of_copy(dataset)
    if rows in USUAL_LIMITS and rows != before:
        return [
            DriftFinding(
                "row-limit",
                WARN,
                Sentence(
                    f"exactly {number(rows, lang='en')} rows came, a usual limit: the table may "
                    "have been cut.",
                    f"exactement {number(rows, lang='fr')} lignes ont été reçues, une limite "
                    "courante : le tableau a peut-être été tronqué.",
                ),
            )
        ]
    if rows < before / 2:
        return [
            DriftFinding(
                "fewer-rows",
                WARN,
                Sentence(
                    f"{number(rows, lang='en')} rows came, and the copy has "
                    f"{number(before, lang='en')}: rows may be missing.",
                    f"{number(rows, lang='fr')} lignes ont été reçues et la copie en a "
                    f"{number(before, lang='fr')} : il en manque peut-être.",
                ),
            )
        ]
    return []


def rows_of_copy(dataset) -> int:
    """Return how many rows the copy on this machine has (quoted line breaks included), or 0 if it
    cannot be read."""
    try:
        with open(dataset.rows_path(), encoding="utf-8-sig", newline="") as lines:
            return max(sum(1 for _ in csv.reader(lines)) - 1, 0)
    except (OSError, ValueError, csv.Error):
        return 0
