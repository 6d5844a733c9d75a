"""Do the lessons run unchanged on the copy, on live full columns and on a newer table, and say what
the data say?

nbval compares every output with the one kept (``pytest --nbval notebooks``); here each lesson runs
on other tables, and its main figures are recomputed from the rows with nothing of pandas or of the
lesson.
"""

import csv
import datetime
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from commons.wording import date, number, percent
from curriculum import execute, notebooks
from curriculum.lessons import LANGUAGES, Curriculum
from portail import datasets
from portail.library import library_of_datasets
from portail.mirror import Mirror
from portail.server import make_server
from tests.helpers.faulty import FaultyPortal
from tests.helpers.places import REAL, ROOT, needs_real
from tests.helpers.published import as_published, from_csv, live_names, package_of, to_csv

pytestmark = pytest.mark.usefixtures("warm_kernels")

WRITTEN = [
    (language, lesson.slug) for lesson in Curriculum.read().written() for language in LANGUAGES
]
LIVE = sorted(
    {name for lesson in Curriculum.read().written() for name in lesson.data} & set(live_names())
)


def in_turn(first: int) -> list[tuple[str, str]]:
    """Return every lesson in one language: the two share their code, which a rule proves, so each
    setting of the data runs them in turn, and another setting the other way round."""
    return [
        (LANGUAGES[(at + first) % 2], lesson.slug)
        for at, lesson in enumerate(Curriculum.read().written())
    ]


CORE = [
    (language, slug) for language, slug in in_turn(1) if Curriculum.read().lesson(slug).core_minutes
]
# Lists of catalogue records have no file of their own on the portal: such lessons ask the portal
# for records instead.
LISTS_ONLY = {
    lesson.slug
    for lesson in Curriculum.read().written()
    if not any("download" in datasets.find(name).portal for name in lesson.data)
}


def text_of(notebook) -> str:
    """Return everything a lesson says in its outputs."""
    parts = []
    for cell in notebooks.code(notebook):
        for output in cell.outputs:
            parts.append(str(output.get("text", "")))
            data = output.get("data", {})
            parts += [
                str(data.get(kind, "")) for kind in ("text/markdown", "text/html", "text/plain")
            ]
    return re.sub(r"base64,[^\"]+", "", "\n".join(parts))


def run(language: str, slug: str, environment: dict, keep=lambda cell: True) -> str:
    """Run a lesson in a fresh kernel and return what it says."""
    notebook = notebooks.read(Curriculum.read().lesson(slug).path(language))
    notebook.cells = [cell for cell in notebook.cells if keep(cell)]
    return text_of(execute.run(notebook, environment))


def assert_says(said: str, language: str, slug: str, folder: Path) -> None:
    for figure in FIGURES[slug](folder, language):
        assert figure in said, f"the lesson does not say {figure}"


@pytest.fixture(scope="module")
def newer(tmp_path_factory) -> Path:
    """Altered newer tables: more rows, other years, revised values, another order of results."""
    import altered

    return altered.build(tmp_path_factory.mktemp("newer"), seed=31, size=1.3)


@pytest.mark.parametrize(("language", "slug"), WRITTEN)
def test_the_outputs_kept_in_a_lesson_say_what_the_rows_say(language, slug):
    """That a run on the copy gives these outputs, nbval shows."""
    said = text_of(notebooks.read(Curriculum.read().lesson(slug).path(language)))
    assert_says(said, language, slug, ROOT / "datasets")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """The portal's own files and, where no real rows were to be had, the synthetic ones as the
    portal would publish."""
    folder = tmp_path_factory.mktemp("portal")
    columns, *rows = from_csv((REAL / "sources.csv").read_bytes())
    rows.reverse()  # of two files kept for one address the first is the table
    known = {
        row["resource_id"]: row for row in (dict(zip(columns, each, strict=True)) for each in rows)
    }
    listing = [columns]
    for name in LIVE:
        about = package_of(ROOT / "datasets", name)
        file = about["portal"]["download"].rsplit("/", 1)[1]
        found = known.get(about["portal"]["resource_id"])
        content = (
            (REAL / found["file"]).read_bytes()
            if found
            else to_csv(as_published(ROOT / "datasets", about))
        )
        (folder / file).write_bytes(content)
        row = (found or about | about["portal"]) | {"file": file}
        listing.append([row.get(column, "") for column in columns])
    (folder / "sources.csv").write_bytes(to_csv(listing))
    return folder


@pytest.mark.thorough
@needs_real
@pytest.mark.parametrize(("language", "slug"), in_turn(0))
def test_on_the_portals_own_files_a_lesson_says_the_same_live(files, language, slug):
    portal = FaultyPortal(files)
    if slug in LISTS_ONLY:
        portal.mirror = Mirror(
            library_of_datasets()
        )  # the records that the lists describe, served as if live
    try:
        said = run(language, slug, {"PORTAIL_MODE": "live", "PORTAIL_URL": portal.address})
    finally:
        portal.close()
    assert_says(said, language, slug, ROOT / "datasets")
    assert (
        slug in LISTS_ONLY
        or {"en": "live rows read on", "fr": "lignes en direct lues le"}[language] in said
    )


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory, files) -> dict:
    """The environment of a learner who ran ``portail refresh``: the portal's own rows, every
    column, today's date."""
    home = str(tmp_path_factory.mktemp("home"))
    mine = {"XDG_DATA_HOME": home, "HOME": home, "LOCALAPPDATA": home}
    portal = FaultyPortal(files)
    done = subprocess.run(
        [sys.executable, "-m", "portail.commands", "refresh", *LIVE],
        capture_output=True,
        text=True,
        env=os.environ | mine | {"PORTAIL_URL": portal.address},
        cwd=ROOT,
    )
    portal.close()
    assert done.returncode == 0, done.stderr
    return mine | {"PORTAIL_MODE": "snapshot"}


@pytest.mark.thorough
@needs_real
@pytest.mark.parametrize(("language", "slug"), in_turn(1))
def test_on_a_refreshed_table_a_lesson_runs_unchanged_and_tells_its_new_date(
    refreshed, language, slug
):
    said = run(language, slug, refreshed)
    assert_says(said, language, slug, ROOT / "datasets")
    assert slug in LISTS_ONLY or date(datetime.date.today(), language) in said


@pytest.mark.parametrize(("language", "slug"), in_turn(0))
def test_on_a_newer_table_no_cell_fails_and_sentences_say_what_it_says(
    newer, monkeypatch, language, slug
):
    monkeypatch.setenv("PORTAIL_DATA", str(newer))
    server = make_server(None, "127.0.0.1", 0)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.effective_port}"
        where = (
            str(newer) if slug in LISTS_ONLY else ""
        )  # a list is read from the disk, wherever the portal is
        said = run(
            language, slug, {"PORTAIL_MODE": "live", "PORTAIL_URL": address, "PORTAIL_DATA": where}
        )
    finally:
        server.close()
    assert_says(said, language, slug, newer)
    old = set(FIGURES[slug](ROOT / "datasets", language)) - set(FIGURES[slug](newer, language))
    assert (
        len(old) >= 2 and sum(figure in said for figure in old) <= len(old) / 2
    )  # one may come by chance


@pytest.mark.thorough
@pytest.mark.parametrize(("language", "slug"), CORE)
def test_the_core_cut_stands_alone(language, slug):
    run(language, slug, {"PORTAIL_MODE": "snapshot"}, lambda cell: "core" in notebooks.tags(cell))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chart_made_from_synthetic_rows_says_so_in_its_title(language):
    lesson = notebooks.read(Curriculum.read().lesson("12-what-goes-first").path(language))
    charts = [cell for cell in notebooks.code(lesson) if "figure" in notebooks.tags(cell)]
    assert len(charts) == 2 and all(
        re.search(r'set_title\(f"\{word\}', cell.source) for cell in charts
    )
    shown = [str(output.data) for cell in charts for output in cell.outputs]
    word = {"en": "SYNTHETIC", "fr": "SYNTHÉTIQUES"}[language]
    assert all(re.search(rf'alt="[^"]*{word}', each) for each in shown)


def rows_of(folder: Path, name: str) -> list[dict]:
    with open(folder / name / f"{name}.csv", encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def figures_01(folder: Path, lang: str) -> list[str]:
    rows = rows_of(folder, "nap5")
    latest = max(row["reporting_period"] for row in rows)
    now = [row for row in rows if row["reporting_period"] == latest]
    last = {
        row["indicators"]: row["status"]
        for row in sorted(rows, key=lambda row: row["reporting_period"])
    }
    due = {row["indicators"]: re.sub(r"^b'|'$", "", row["indicator_due_date"]) for row in rows}
    late = [name for name, date in due.items() if date and date <= latest and last[name] != "C"]
    shares = [
        (sum(row["status"] == "C" for row in now), len(now)),
        (sum(status == "C" for status in last.values()), len(last)),
        (len(late), sum(map(bool, due.values()))),
    ]
    return [percent(part / whole, lang=lang) for part, whole in shares] + [
        number(len(rows), lang=lang)
    ]


def figures_02(folder: Path, lang: str) -> list[str]:
    rows = rows_of(folder, "covid-datasets")
    data = Counter(row["owner_org"] for row in rows if row["type"] == "dataset")
    in_title = sum("covid" in row["title"].lower() for row in rows)
    return [
        number(len(rows), lang=lang),
        number(in_title, lang=lang),
        number(len(rows) - in_title, lang=lang),
        number(sum(data.values()), lang=lang),
        percent(sum(data.values()) / len(rows), lang=lang),
        percent(max(data.values()) / sum(data.values()), lang=lang),
        percent((len(rows) - in_title) / len(rows), lang=lang),
    ]


def figures_03(folder: Path, lang: str) -> list[str]:
    rows = rows_of(folder, "service-inventory")
    online = Counter(row["num_applications_online"] for row in rows)
    return [
        number(len(rows), lang=lang),
        *(percent(online[word] / len(rows), lang=lang) for word in ("NA", "ND")),
    ]


def figures_04(folder: Path, lang: str) -> list[str]:
    rows = rows_of(folder, "service-inventory")
    years = Counter(row["fiscal_yr"] for row in rows)
    full = max(
        year for year, count in years.items() if count >= max(years.values()) / 2
    )  # the lesson's own rule
    external = [
        row for row in rows if "EXTERN" in row["service_scope"] and row["fiscal_yr"] >= full
    ]
    steps = [name for name in rows[0] if name.startswith("os_") and "comments" not in name]
    found = []
    for step in steps:
        answers = Counter(row[step] for row in external)
        found.append(percent(answers["Y"] / (answers["Y"] + answers["N"]), lang=lang))
    applicable = [
        [row[step] for step in steps if row[step] in "YN" and row[step]] for row in external
    ]
    whole = [answers for answers in applicable if answers]
    end_to_end = sum(set(answers) == {"Y"} for answers in whole)
    return [*found, number(len(external), lang=lang), percent(end_to_end / len(whole), lang=lang)]


def figures_05(folder: Path, lang: str) -> list[str]:
    services, standards = rows_of(folder, "service-inventory"), rows_of(folder, "service-standards")
    promised = {(row["fiscal_yr"], row["service_id"]) for row in standards}
    none = sum((row["fiscal_yr"], row["service_id"]) not in promised for row in services)
    phone = [row for row in standards if row["channel"] == "TEL"]
    met = Counter(row["target_met"] for row in phone)
    counted = [
        (int(row["volume_meeting_target"]), int(row["total_volume"]), float(row["performance"]))
        for row in phone
        if row["volume_meeting_target"] and int(row["total_volume"] or 0) > 0
    ]
    kept, cases = sum(row[0] for row in counted), sum(row[1] for row in counted)
    shares = [
        none / len(services),
        met["Y"] / (met["Y"] + met["N"]),
        kept / cases,
        sum(row[2] for row in counted) / len(counted),
        kept / sum(row[1] for row in counted if row[0] > 0),
    ]
    return [
        number(none, lang=lang),
        *(percent(share, lang=lang) for share in shares),
        number(cases, lang=lang),
    ]


def figures_09(folder: Path, lang: str) -> list[str]:
    closed = [row for row in rows_of(folder, "consultations") if row["status"] == "C"]
    answers = Counter(row["report_available_online"] for row in closed)
    links = {
        what: Counter(
            (row[f"report_link_en_{what}"], row[f"report_link_fr_{what}"]) for row in closed
        )
        for what in ("given", "is_address")
    }
    french = [links[what]["false", "true"] for what in links]
    both = sum(
        row["report_available_online"] == "Y"
        and row["report_link_en_is_address"] == "true"
        and row["report_link_fr_is_address"] == "true"
        for row in closed
    )
    day = datetime.date.fromisoformat
    days = [(day(row["end_date"]) - day(row["start_date"])).days for row in closed]
    possible = [length for length in days if length >= 0]
    shares = [
        answers["Y"] / len(closed),
        answers["Y"] / (answers["Y"] + answers["N"]),
        both / answers["Y"],
        sum(length < 30 for length in possible) / len(possible),
        sum(length + 1 < 30 for length in possible) / len(possible),
    ]
    return [
        *(percent(share, lang=lang) for share in shares),
        *(number(count, lang=lang) for count in french),
        number(len(closed), lang=lang),
    ]


def figures_12(folder: Path, lang: str) -> list[str]:
    rows = rows_of(folder, "open-data-inventory")
    inside = [row for row in rows if not row["date_released"]]
    votes = sorted((int(row["user_votes"]) for row in inside), reverse=True)
    return [
        percent(1 - len(inside) / len(rows), lang=lang),
        percent(sum(votes[:10]) / sum(votes), lang=lang),
        *(
            number(count, lang=lang)
            for count in (len(rows), len(inside), votes.count(0), sum(votes))
        ),
    ]


def figures_06(folder: Path, lang: str) -> list[str]:
    rows = [
        (int(row["openness_rating"]), int(row["downloads"]))
        for row in rows_of(folder, "top-datasets")
    ]
    total = sum(downloads for _, downloads in rows)
    ten = sum(sorted(downloads for _, downloads in rows)[-10:])
    low = [(stars, downloads) for stars, downloads in rows if stars < 3]
    weighted = sum(stars * downloads for stars, downloads in rows) / total
    return [
        number(sum(stars for stars, _ in rows) / len(rows), 2, lang),
        number(weighted, 2, lang),
        percent(ten / total, lang=lang),
        number(total, lang=lang),
        percent(sum(downloads for _, downloads in low) / total, lang=lang),
        number(sum((3 - stars) * downloads for stars, downloads in low) / total, 2, lang),
    ]


def figures_13(folder: Path, lang: str) -> list[str]:
    rows = rows_of(folder, "catalogue-statcan-2021")
    french = [
        row
        for row in rows
        if row["title_fr"].strip()
        and row["notes_fr_length"] != "0"
        and row["keywords_fr_count"] != "0"
    ]
    filled = ("title_en", "subject", "frequency", "date_published")
    good = [
        row
        for row in french
        if all(row[name].strip() for name in filled)
        and row["license_id"] == "ca-ogl-lgo"
        and row["notes_en_length"] != "0"
        and row["keywords_en_count"] != "0"
        and row["imso_approval"] == "true"
        and row["restrictions"] == "unrestricted"
    ]
    last = datetime.date.fromisoformat(max(row["metadata_modified"] for row in rows)[:10])
    allowed = {"P1W": 7, "P1M": 31, "P3M": 92, "P1Y": 366}
    dated = [row for row in rows if row["frequency"] in allowed]
    stale = [
        row
        for row in dated
        if (last - datetime.date.fromisoformat(row["metadata_modified"][:10])).days
        > allowed[row["frequency"]]
    ]
    return [
        number(len(rows), lang=lang),
        number(len(good), lang=lang),
        percent(len(good) / len(rows), lang=lang),
        number(len(french), lang=lang),
        number(len(dated), lang=lang),
        number(len(stale), lang=lang),
    ]


FIGURES = {
    "01-open-government": figures_01,
    "02-asking-the-portal": figures_02,
    "03-trust-this-table": figures_03,
    "04-served-online": figures_04,
    "05-promises-and-results": figures_05,
    "06-how-open": figures_06,
    "09-did-we-report-back": figures_09,
    "12-what-goes-first": figures_12,
    "13-are-we-compliant": figures_13,
}


def test_the_recomputed_figures_are_those_of_the_rows():
    """The recomputation itself, held to figures read off the published rows by hand."""
    folder = ROOT / "datasets"
    assert figures_01(folder, "en") == ["52.8\u00a0%", "78.3\u00a0%", "21.9\u00a0%", "735"]
    assert figures_02(folder, "en")[:5] == ["1,044", "672", "372", "253", "24.2\u00a0%"]
    assert figures_03(folder, "en") == ["1,752", "30.4\u00a0%", "14.0\u00a0%"]
    assert figures_06(folder, "en")[:4] == ["2.90", "2.94", "32.1\u00a0%", "361,659"]
    assert figures_13(folder, "en") == ["513", "513", "100.0\u00a0%", "513", "349", "14"]
    assert "30.9\u00a0%" in figures_04(folder, "en") and "32.8\u00a0%" in figures_04(folder, "en")
    assert figures_05(folder, "en") == [
        "751",
        "42.9\u00a0%",
        "63.5\u00a0%",
        "51.4\u00a0%",
        "84.0\u00a0%",
        "75.4\u00a0%",
        "39,250,890",
    ]
    assert figures_09(folder, "en") == [
        "12.7\u00a0%",
        "13.0\u00a0%",
        "86.2\u00a0%",
        "13.4\u00a0%",
        "10.0\u00a0%",
        "254",
        "0",
        "4,916",
    ]
    assert figures_12(folder, "en") == ["46.0\u00a0%", "64.0\u00a0%", "400", "216", "94", "2,169"]
    assert os.environ.get("PORTAIL_LANG") == "en"
