"""Are the datasets what their descriptions and cards say? Each check is also shown to refuse a
spoiled copy."""

import csv
import hashlib
import importlib.util
import json
import re
import shutil
from pathlib import Path

import frictionless
import pytest

from commons.wording import date, number
from tests.helpers.places import DATASETS

NAMES = sorted(path.parent.name for path in DATASETS.glob("*/datapackage.json"))
SYNTHETIC = ["open-data-inventory", "suggested-datasets"]
KIND_WORDS = {
    "snapshot": ("snapshot", "copie datée"),
    "figures": ("figures", "chiffres"),
    "synthetic": ("synthetic", "synthétique"),
}


def package(folder: Path) -> dict:
    return json.loads((folder / "datapackage.json").read_text("utf-8"))


def rows_of(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tables(folder: Path):
    """Yield each table's resource and rows."""
    for resource in package(folder)["resources"]:
        yield resource, rows_of(folder / resource["path"])


def schema_problems(folder: Path) -> list[str]:
    report = frictionless.validate(str(folder / "datapackage.json"), type="package")
    return [" ".join(error) for error in report.flatten(["title", "message"])]


def file_problems(folder: Path) -> list[str]:
    """Name the files whose bytes are not those described."""
    problems = []
    for resource in package(folder)["resources"]:
        content = (folder / resource["path"]).read_bytes()
        if (
            len(content) != resource["bytes"]
            or f"sha256:{hashlib.sha256(content).hexdigest()}" != resource["hash"]
        ):
            problems.append(resource["path"])
    return problems


def code_problems(folder: Path) -> list[str]:
    """Name codes without a label and not listed as such, and codes listed so that have one or do
    not occur."""
    problems = []
    for resource, rows in tables(folder):
        for field in resource["schema"]["fields"]:
            if "codes" not in field:
                continue
            cells = {row[field["name"]] for row in rows} - {""}
            if "separator" in field:
                cells = {code for cell in cells for code in cell.split(field["separator"])}
            unknown = cells - set(field["codes"])
            if unknown != set(field.get("codes_without_label", [])):
                problems.append(f"{field['name']}: {unknown}")
            problems += [
                f"{field['name']}: {code} lacks a language"
                for code, label in field["codes"].items()
                if not (label.get("en") and label.get("fr"))
            ]
    return problems


def key_problems(folder: Path) -> list[str]:
    """Name tables whose key repeats or is empty somewhere."""
    problems = []
    for resource, rows in tables(folder):
        key = resource["schema"].get("primaryKey", [])
        values = [tuple(row[name] for name in key) for row in rows]
        if key and (len(set(values)) < len(values) or any("" in value for value in values)):
            problems.append(resource["name"])
    return problems


def derived_problems(folder: Path) -> list[str]:
    """Name computed columns that come from nowhere: each source is a column that the published
    table has."""
    here = package(folder)
    published = {column["name"] for column in here.get("live_columns", [])}
    return [
        field["name"]
        for field in here["resources"][0]["schema"]["fields"]
        if "derived" in field and field["derived"]["from"] not in published
    ]


def language_problems(folder: Path) -> list[str]:
    """Name texts of the description that exist in one language only."""
    here = package(folder)
    texts = [here, *here.get("live_columns", []), *here["licenses"]]
    texts += [field for resource in here["resources"] for field in resource["schema"]["fields"]]
    pairs = [("title", "title_fr"), ("description", "description_fr"), ("note", "note_fr")]
    return [
        f"{text.get('name')}: {english}"
        for text in texts
        for english, french in pairs
        if bool(text.get(english)) != bool(text.get(french))
    ]


def card_problems(folder: Path) -> list[str]:
    """Name what a card does not say, in one language or the other."""
    here, text = package(folder), (folder / "README.md").read_text("utf-8")
    _, *parts = re.split(r"^## (?:English|Français)$", text, flags=re.MULTILINE)
    if len(parts) != 2:
        return ["languages"]
    problems = []
    for language, part, kind in zip(("en", "fr"), parts, KIND_WORDS[here["kind"]], strict=True):
        wanted = {
            "kind": kind,
            "date": date(here["retrieved"], language),
            "citation": here["attribution"][language],
            "licence": here["licenses"][0]["title" if language == "en" else "title_fr"],
            "title": here["title" if language == "en" else "title_fr"],
        }
        wanted |= {
            f"rows of {resource['name']}": number(len(rows), lang=language)
            for resource, rows in tables(folder)
        }
        problems += [f"{language}: {what}" for what, words in wanted.items() if words not in part]
    return problems


def synthetic_problems(folder: Path) -> list[str]:
    """Name where a synthetic dataset does not say that it is."""
    here = package(folder)
    said = {
        "title": "synthetic" in here["title"],
        "title_fr": "synthétique" in here["title_fr"],
        "description": "ynthetic" in here["description"],
        "description_fr": "ynthétique" in here["description_fr"],
        "kind": here["kind"] == "synthetic",
        "note": here["note"].startswith("Synthetic"),
    }
    for resource, rows in tables(folder):
        said[f"{resource['name']}: title_en"] = all(
            row["title_en"].startswith("Synthetic ") for row in rows
        )
        said[f"{resource['name']}: title_fr"] = all(
            "synthétique 0" in row["title_fr"] for row in rows
        )
    return [where for where, holds in said.items() if not holds]


def synthetic_script():
    spec = importlib.util.spec_from_file_location("synthetic", DATASETS / "synthetic.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def spoiled(tmp_path):
    """Return a function that copies a dataset and replaces text in one of its files."""

    def spoil(name: str, file: str, old: str, new: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(DATASETS / name, folder)
        text = (folder / file).read_text("utf-8")
        assert old in text, "the text to spoil is not there"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8", newline="\n")
        return folder

    return spoil


def test_all_fourteen_datasets_are_here():
    assert (
        sorted(
            [
                "catalogue-municipal-2026-resources",
                "catalogue-statcan-2021",
                "codes",
                "consultations",
                "covid-datasets",
                "datastore-resources",
                "deleted-datasets",
                "nap5",
                "open-data-inventory",
                "organizations",
                "service-inventory",
                "service-standards",
                "suggested-datasets",
                "top-datasets",
            ]
        )
        == NAMES
    )


@pytest.mark.parametrize("name", NAMES)
def test_do_the_rows_follow_their_table_schema(name):
    assert schema_problems(DATASETS / name) == []


@pytest.mark.parametrize("name", NAMES)
def test_are_the_bytes_those_described(name):
    assert file_problems(DATASETS / name) == []


@pytest.mark.parametrize("name", NAMES)
def test_is_every_code_known_in_both_languages(name):
    assert code_problems(DATASETS / name) == []


@pytest.mark.parametrize("name", NAMES)
def test_does_the_key_name_one_row(name):
    assert key_problems(DATASETS / name) == []


@pytest.mark.parametrize("name", NAMES)
def test_does_each_computed_column_come_from_a_published_one(name):
    assert derived_problems(DATASETS / name) == []


@pytest.mark.parametrize("name", NAMES)
def test_is_the_description_in_both_languages(name):
    assert language_problems(DATASETS / name) == []


@pytest.mark.parametrize("name", NAMES)
def test_does_the_card_say_kind_date_rows_and_licence_in_both_languages(name):
    assert card_problems(DATASETS / name) == []


@pytest.mark.parametrize("name", NAMES)
def test_does_the_catalogue_list_the_dataset_with_its_date(name):
    lines = [
        line
        for line in (DATASETS / "README.md").read_text("utf-8").splitlines()
        if f"({name}/README.md)" in line
    ]
    retrieved = package(DATASETS / name)["retrieved"]
    assert (
        len(lines) == 2 and date(retrieved, "en") in lines[0] and date(retrieved, "fr") in lines[1]
    )


@pytest.mark.parametrize("name", NAMES)
def test_is_the_dataset_named_after_its_folder(name):
    here = package(DATASETS / name)
    assert here["name"] == name and here["resources"][0]["name"] == name


@pytest.mark.parametrize("name", SYNTHETIC)
def test_does_a_synthetic_dataset_say_so_everywhere(name):
    assert synthetic_problems(DATASETS / name) == []


def test_are_the_synthetic_datasets_the_only_ones_of_their_kind():
    assert [name for name in NAMES if package(DATASETS / name)["kind"] == "synthetic"] == SYNTHETIC


def test_does_the_script_write_the_committed_synthetic_rows(tmp_path):
    synthetic_script().main(tmp_path)
    for name in SYNTHETIC:
        file = f"{name}/{name}.csv"
        assert (tmp_path / file).read_bytes() == (DATASETS / file).read_bytes()


def test_would_another_seed_write_other_synthetic_rows(tmp_path):
    script = synthetic_script()
    script.SEED += 1
    script.main(tmp_path)
    for name in SYNTHETIC:
        file = f"{name}/{name}.csv"
        assert (tmp_path / file).read_bytes() != (DATASETS / file).read_bytes()


def test_do_synthetic_suggestions_happen_in_order():
    for row in rows_of(DATASETS / "suggested-datasets" / "suggested-datasets.csv"):
        days = [row["date_submitted"], row["date_forwarded"], row["status_date"] or "9999"]
        assert days == sorted(days), row["title_en"]
        assert bool(row["status"]) == bool(row["status_date"])


def test_do_synthetic_rows_name_real_organization_codes():
    known = {row["owner_org"] for row in rows_of(DATASETS / "organizations" / "organizations.csv")}
    for name in SYNTHETIC:
        assert {row["owner_org"] for row in rows_of(DATASETS / name / f"{name}.csv")} <= known


@pytest.mark.parametrize(
    "old, new",
    [
        (",Complete,Réalisé", ",Complete,"),  # a label without its French
        ("nap5,status,NS,", "nap5,status,C,"),  # a key twice
    ],
)
def test_rows_that_break_the_schema_are_refused(spoiled, old, new):
    assert schema_problems(spoiled("codes", "codes.csv", old, new)) != []


def test_a_row_with_words_in_a_number_column_is_refused(spoiled):
    folder = spoiled("top-datasets", "top-datasets.csv", ",20339,", ",many,")
    assert any("many" in problem for problem in schema_problems(folder))


def test_a_resource_without_its_record_is_refused(spoiled):
    first = "0054fb0f-e183-4a8f-b0d7-bf423e97275a"
    folder = spoiled(
        "catalogue-statcan-2021", "catalogue-statcan-2021.csv", first, first.replace("0054", "0055")
    )
    assert schema_problems(folder) != []


def test_a_changed_byte_is_refused(spoiled):
    assert file_problems(spoiled("nap5", "nap5.csv", "2024-12,C01", "2024-11,C01")) == ["nap5.csv"]


def test_an_unknown_code_is_refused(spoiled):
    folder = spoiled(
        "service-inventory", "service-inventory.csv", 'EXTERN,INTERN"', 'EXTERN,OUTER"'
    )
    assert code_problems(folder) == ["service_scope: {'OUTER'}"]


def test_a_code_listed_without_label_that_never_occurs_is_refused(spoiled):
    folder = spoiled("consultations", "consultations.csv", ",C,", ",CR,")
    assert code_problems(folder) == ["status: set()"]


def test_a_key_that_repeats_is_refused(spoiled):
    folder = spoiled(
        "service-inventory", "service-inventory.csv", "2023-2024,3596,", "2023-2024,3595,"
    )
    assert key_problems(folder) == ["service-inventory"]


def test_a_computed_column_from_nowhere_is_refused(spoiled):
    folder = spoiled("nap5", "datapackage.json", '"from": "progress_en"', '"from": "progres_en"')
    assert derived_problems(folder) == ["progress_en_given"]


def test_a_title_without_its_french_is_refused(spoiled):
    folder = spoiled("codes", "datapackage.json", '"title_fr": "Code"', '"title_fr": ""')
    assert language_problems(folder) == ["code: title"]


@pytest.mark.parametrize(
    "old, new, missing",
    [
        ("## Français", "## French", "languages"),
        ("February 11, 2025", "last winter", "en: date"),
        ("copie datée", "copie", "fr: kind"),
        ("735", "740", "en: rows of nap5"),
    ],
)
def test_a_card_that_leaves_something_out_is_refused(spoiled, old, new, missing):
    assert missing in card_problems(spoiled("nap5", "README.md", old, new))


@pytest.mark.parametrize(
    "file, old, new, where",
    [
        ("datapackage.json", "lignes synthétiques", "lignes", "title_fr"),
        (
            "suggested-datasets.csv",
            "Synthetic suggestion 0001",
            "Suggestion 0001",
            "suggested-datasets: title_en",
        ),
        (
            "suggested-datasets.csv",
            "Suggestion synthétique 0002",
            "Suggestion 0002",
            "suggested-datasets: title_fr",
        ),
    ],
)
def test_a_synthetic_dataset_that_hides_it_is_refused(spoiled, file, old, new, where):
    assert where in synthetic_problems(spoiled("suggested-datasets", file, old, new))
