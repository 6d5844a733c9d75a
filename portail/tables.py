"""Reading tables by their schema, and saying what was read and of what date."""

import datetime
import io
from typing import NamedTuple

import pandas as pd

from commons import wording
from commons.wording import Sentence
from commons.wording import date as in_words
from portail import datasets, drift, settings
from portail.connection.adapter import HERE_HEADER
from portail.connection.notices import fallback_sentence, notice
from portail.connection.session import session
from portail.errors import BrokenDataset, PortalProblem
from portail.library import provenance


class Loaded(NamedTuple):
    """What a process read of a dataset: ``kind`` is live, room, snapshot, figures or synthetic;
    ``date`` is ISO."""

    kind: str
    date: str


_COPIES_AT_ONCE = (
    int(pd.__version__.split(".")[0]) < 3
)  # since 3, what is written to is copied when it is
_loaded: dict[str, Loaded] = {}
_read: dict[
    str, tuple[tuple, pd.DataFrame]
] = {}  # what was read of the disk, while the file stays as it is


def load(name: str) -> pd.DataFrame:
    """Read a dataset's main table, live or from the dated copy as the mode in force says.

    An empty cell is missing (``isna()``); the letters ``NA`` (not applicable) and ``ND`` (no data)
    stay text, and a column that mixes counts with such codes stays text: converting it is the
    reader's decision. Columns named ``<column>_given``, ``_is_address`` and ``_length`` are
    computed where the rows carry the prose itself, so that live and dated tables have the columns
    that lessons use.

    Args:
        name: a name that ``portail list`` shows, such as ``"service-inventory"``.

    Returns:
        The rows, in published order, with columns typed by the dataset's table schema.

    Raises:
        UnknownDataset: if there is no such dataset.
        PortalProblem: in live mode, if the portal fails or its table cannot be used.
        BrokenDataset: if the copy on this machine cannot be read.
    """
    dataset = datasets.find(name)
    if settings.mode() == "snapshot" or "download" not in dataset.portal:
        return _from_disk(dataset)
    try:
        answer = session().get(dataset.portal["download"])
        if (
            HERE_HEADER in answer.headers
        ):  # the mirror in this process answered, and the session has said so
            return _from_disk(dataset)
        return _from_answer(dataset, answer)
    except PortalProblem as problem:
        if settings.mode() == "live":
            raise
        notice(fallback_sentence(problem, dataset.retrieved))
        return _from_disk(dataset)


def source_line(name: str, lang: str | None = None) -> str:
    """Say in one line what was loaded: publisher, dataset, live or copy, date, licence.

    Args:
        name: the dataset; one not loaded in this process is described as the copy on this machine.
        lang: ``"en"`` or ``"fr"``; the reader's language if left out.

    Raises:
        UnknownDataset: if there is no such dataset.
    """
    dataset = datasets.find(name)
    lang = lang or wording.language()
    kind, date = _loaded.get(name, Loaded(dataset.kind, dataset.retrieved))
    english, french = _STATES[kind]
    dataset = dataset.when_live() if kind in ("live", "room") else dataset
    when = in_words(date, lang) if date else {"en": "an unknown date", "fr": "date inconnue"}[lang]
    if lang == "fr":
        return (
            f"Source\u00a0: {dataset.text('publisher', lang)}, {dataset.text('title', lang)}, "
            f"{french.format(when)}. {dataset.licence(lang)}."
        )
    return (
        f"Source: {dataset.text('publisher', lang)}, {dataset.text('title', lang)}, "
        f"{english.format(when)}. {dataset.licence(lang)}."
    )


_STATES = {
    "live": ("live rows read on {}", "lignes en direct lues le {}"),
    "room": ("the room’s copy of {}", "copie de la salle, du {}"),
    "snapshot": ("copy of {}", "copie du {}"),
    "figures": ("figures of {}", "chiffres du {}"),
    "synthetic": ("SYNTHETIC data of {}", "données SYNTHÉTIQUES du {}"),
}


def attribution(lang: str | None = None) -> str:
    """Return the attribution sentence of the Open Government Licence – Canada, as the licence words
    it."""
    return {
        "en": "Contains information licensed under the Open Government Licence – Canada.",
        "fr": "Contient des informations visées par la Licence du gouvernement ouvert – Canada.",
    }[lang or wording.language()]


def organization_names(lang: str | None = None) -> dict[str, str]:
    """Return the names of departments and agencies: ``{"statcan": "Statistics Canada"}``.

    Args:
        lang: ``"en"`` or ``"fr"``; the reader's language if left out.
    """
    table = _from_disk(datasets.find("organizations"))
    return dict(zip(table["owner_org"], table[f"title_{lang or wording.language()}"], strict=True))


def read_rows(content: bytes) -> pd.DataFrame:
    """Read CSV bytes as text columns; only an empty cell is missing.

    Raises:
        PortalProblem: if the bytes are not a whole table in UTF-8.
    """
    try:
        return pd.read_csv(
            io.BytesIO(content),
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
        )
    except UnicodeDecodeError as error:
        raise PortalProblem(
            "encoding",
            "The table is not in UTF-8, so its accents cannot be read safely.",
            "Le tableau n’est pas en UTF-8 : ses accents ne peuvent pas être lus avec certitude.",
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise PortalProblem(
            "broken-row",
            "The table cannot be read to its end: a row is broken or cut.",
            "Le tableau ne peut pas être lu jusqu’au bout : une ligne est tronquée ou mal formée.",
        ) from error


def typed(table: pd.DataFrame, fields: list[dict]) -> pd.DataFrame:
    """Add the computed columns that the fields name and give each column its type.

    Args:
        table: text columns, as ``read_rows`` gives them.
        fields: entries of a table schema, with ``derived`` where computed; other columns are kept
            as text.

    Returns:
        A new table; integers with missing cells become ``Int64``, flags ``bool``, dates
        ``datetime64``.
    """
    columns = {}
    for field in fields:
        name = field["name"]
        derived = field.get("derived", {})
        if name in table.columns:
            columns[name] = _as_type(table[name], field["type"])
        elif derived.get("from") in table.columns:
            columns[name] = _DERIVATIONS[derived["how"]](table[derived["from"]])
    others = [name for name in table.columns if name not in columns and name != "_id"]
    kept = {name: table[name] for name in table.columns if name in others or name in columns}
    return pd.DataFrame(kept | columns)


_DERIVATIONS = {
    "given": lambda text: text.fillna("").str.strip() != "",
    "is_address": lambda text: text.fillna("").str.contains(r"https?://|www\.", case=False),
    "length": lambda text: text.fillna("").str.len().astype("int64"),
}


def _as_type(text: pd.Series, kind: str) -> pd.Series:
    """Convert one text column; what cannot be converted raises ValueError."""
    if text.dtype.kind in "bifM":
        return text
    if kind == "integer":
        return pd.to_numeric(text).astype("Int64" if text.isna().any() else "int64")
    if kind == "number":
        return pd.to_numeric(text).astype("float64")
    if kind == "boolean":
        if text.isin(["true", "false"]).all():
            return text == "true"
        flags = text.str.lower().map({"true": True, "false": False})
        return flags.astype("boolean" if flags.isna().any() else "bool")
    if kind == "date":
        return pd.to_datetime(text, format="%Y-%m-%d")
    return text


def _from_disk(dataset: datasets.Dataset) -> pd.DataFrame:
    """Read the copy on this machine and remember that it was read."""
    path = dataset.rows_path()
    try:
        about = path.stat()
        state = (str(path), about.st_mtime_ns, about.st_size, dataset.fields)
        if _read.get(dataset.name, (None,))[0] != state:
            _read[dataset.name] = state, typed(read_rows(path.read_bytes()), dataset.fields)
        table = _read[dataset.name][1].copy(deep=_COPIES_AT_ONCE)
    except (OSError, ValueError, PortalProblem) as error:
        raise BrokenDataset(
            f"The rows {path} cannot be read: {error}. Restore the folder from the project, "
            f"or fetch them anew: portail refresh {dataset.name}.",
            f"Les lignes {path} sont illisibles : {error}. Rétablissez le dossier à partir du "
            f"projet, ou récupérez-les : portail refresh {dataset.name}.",
        ) from error
    _loaded[dataset.name] = Loaded(dataset.kind, dataset.retrieved)
    return table


def _from_answer(dataset: datasets.Dataset, answer) -> pd.DataFrame:
    """Read the portal's rows, refuse or name what has drifted, and remember what was read."""
    answer.raise_for_status()
    table = read_rows(answer.content).rename(columns=dataset.descriptor.get("renamed", {}))
    found = drift.of_rows(answer.content) + drift.of_table(table, dataset)
    found += drift.of_total(len(table), dataset, session("live"))
    drift.refuse(found, dataset)
    for each in found:
        notice(
            Sentence(
                f"{dataset.text('title', 'en')}: {each.sentence.english}",
                f"{dataset.text('title', 'fr')} : {each.sentence.french}",
            )
        )
    kind, date = provenance(answer.headers)
    _loaded[dataset.name] = (
        Loaded("synthetic" if kind == "synthetic" else "room", date)
        if kind
        else Loaded("live", datetime.date.today().isoformat())
    )
    return typed(table, dataset.fields)
