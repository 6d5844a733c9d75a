"""Write the two synthetic tables of lesson 12: open-data-inventory and suggested-datasets.

No real rows of these portal tables could be had, so these are made up, to the portal's own schemas,
and say so in every title. They show how such tables are built and say nothing about any department.
The same script writes the same bytes; after changing it, put the new ``bytes`` and ``hash`` of each
file into its datapackage.json.

Usage: python datasets/synthetic.py [FOLDER]   (this folder if left out)
"""

import csv
import datetime
import random
import sys
import uuid
from pathlib import Path

HERE = Path(__file__).parent
SEED = 20161201
AS_OF = datetime.date(2026, 8, 22)
INVENTORY_ROWS, SUGGESTION_ROWS = 400, 150
NO_BREAK_SPACE = "\u00a0"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://example.com/synthetic")

# Organization code: weight. A few organizations hold most rows, as in the portal's other tables.
ORGANIZATIONS = {
    "statcan": 14,
    "nrcan-rncan": 12,
    "ec": 11,
    "aafc-aac": 9,
    "dfo-mpo": 9,
    "hc-sc": 8,
    "tc": 7,
    "esdc-edsc": 6,
    "ic": 6,
    "cic": 5,
    "pc": 5,
    "tbs-sct": 5,
    "cra-arc": 4,
    "isc-sac": 4,
    "phac-aspc": 4,
    "pwgsc-tpsgc": 4,
    "cfia-acia": 3,
    "cmhc-schl": 3,
    "csc-scc": 3,
    "lac-bac": 3,
    "pch": 3,
    "vac-acc": 3,
    "crtc": 2,
    "wage": 2,
}

# English topic, French topic, portal subject, weight among suggestions, and how far votes go up
# with it.
TOPICS = [
    ("rental housing", "logements locatifs", "economics_and_industry", 14, 9.0),
    ("food recalls", "rappels d’aliments", "health_and_safety", 9, 6.0),
    (
        "passport waiting times",
        "délais de délivrance des passeports",
        "government_and_politics",
        9,
        6.0,
    ),
    ("air quality", "qualité de l’air", "nature_and_environment", 7, 4.0),
    ("flood maps", "cartes des inondations", "nature_and_environment", 7, 4.0),
    ("prescription drugs", "médicaments d’ordonnance", "health_and_safety", 6, 3.0),
    ("federal contracts", "contrats fédéraux", "government_and_politics", 6, 3.0),
    ("electric vehicles", "véhicules électriques", "transport", 5, 3.0),
    ("broadband coverage", "couverture à large bande", "information_and_communications", 5, 2.0),
    ("bridge inspections", "inspections de ponts", "transport", 3, 1.0),
    ("grain shipments", "expéditions de grains", "agriculture", 3, 1.0),
    ("fish landings", "débarquements de poisson", "agriculture", 3, 1.0),
    ("student loans", "prêts étudiants", "education_and_training", 4, 1.5),
    ("apprenticeships", "apprentissages", "labour", 3, 1.0),
    ("museum collections", "collections de musées", "history_and_archaeology", 2, 0.6),
    ("veterans’ benefits", "prestations aux vétérans", "persons", 2, 0.6),
    ("library loans", "prêts de bibliothèque", "information_and_communications", 1, 0.4),
    (
        "drinking water in remote communities",
        "eau potable dans les communautés éloignées",
        "health_and_safety",
        2,
        0.3,
    ),
    ("barriers in federal buildings", "obstacles dans les immeubles fédéraux", "persons", 1, 0.3),
    (
        "services in the minority official language",
        "services dans la langue officielle de la minorité",
        "language_and_linguistics",
        1,
        0.3,
    ),
    ("northern airstrips", "pistes d’atterrissage du Nord", "transport", 1, 0.3),
    ("shelters for women", "maisons d’hébergement pour femmes", "society_and_culture", 1, 0.3),
]
FORMS = [
    ("annual counts", "dénombrement annuel"),
    ("monthly counts", "dénombrement mensuel"),
    ("locations", "emplacements"),
    ("survey results", "résultats d’enquête"),
    ("inspection records", "dossiers d’inspection"),
    ("costs", "coûts"),
]
LANGUAGES = {"en+fr": 70, "en": 20, "fr": 7, "zxx": 3}
REASONS = {"personal_interest": 40, "business": 25, "academic": 20, "scientific": 15}
STATUSES = {
    "under_review": 30,
    "in_progress": 15,
    "released": 20,
    "not_collected": 10,
    "unable": 8,
    "provincial": 10,
    "transferred": 7,
}
NO_STATUS_YET = 0.10


def pick(rng: random.Random, weights: dict):
    """Return one key by its weight; only ``random()`` is used, whose sequence Python promises to
    keep."""
    left = rng.random() * sum(weights.values())
    for key, weight in weights.items():
        left -= weight
        if left < 0:
            return key
    return key


def day(rng: random.Random, first: datetime.date, last: datetime.date) -> datetime.date:
    """Return a day between two days, both included."""
    return first + datetime.timedelta(days=int(rng.random() * ((last - first).days + 1)))


def titles(kind_en: str, kind_fr: str, number: int, topic: tuple, form: tuple) -> tuple[str, str]:
    """Return both titles; the word synthetic (synthétique) comes first."""
    return (
        f"{kind_en} {number:04d}: {topic[0]}, {form[0]}",
        f"{kind_fr} {number:04d}{NO_BREAK_SPACE}: {topic[1]}, {form[1]}",
    )


def inventory(rng: random.Random, names: dict[str, dict]) -> list[dict]:
    """Return rows of the open data inventory. Ineligible rows are absent, as on the portal."""
    rows = []
    for number in range(1, INVENTORY_ROWS + 1):
        organization = pick(rng, ORGANIZATIONS)
        topic = TOPICS[int(rng.random() * len(TOPICS))]
        form = FORMS[int(rng.random() * len(FORMS))]
        title_en, title_fr = titles(
            "Synthetic dataset", "Jeu de données synthétique", number, topic, form
        )
        published = day(rng, datetime.date(2009, 1, 1), AS_OF - datetime.timedelta(days=200))
        released = day(rng, published, AS_OF) if rng.random() < 0.5 else None
        votes = int(
            topic[4] * (1 / (1 - rng.random()) ** 0.9 - 1)
        )  # a long tail: most near zero, a few very high
        program = chr(ord("A") + int(rng.random() * 6))
        rows.append(
            {
                "ref_number": f"SYN-{number:04d}",
                "title_en": title_en,
                "title_fr": title_fr,
                "description_en": f"Made-up row: {topic[0]}, {form[0]}.",
                "description_fr": f"Ligne fictive{NO_BREAK_SPACE}: {topic[1]}, {form[1]}.",
                "publisher_en": names[organization]["title_en"],
                "publisher_fr": names[organization]["title_fr"],
                "date_published": published,
                "language": pick(rng, LANGUAGES),
                "size": int(10 ** (4 + 5 * rng.random())) if rng.random() < 0.95 else "",
                "eligible_for_release": "Y",
                "program_alignment_architecture_en": f"Synthetic program {program}",
                "program_alignment_architecture_fr": f"Programme synthétique {program}",
                "date_released": released or "",
                "portal_url_en": f"https://example.com/en/synthetic-{number:04d}"
                if released
                else "",
                "portal_url_fr": f"https://example.com/fr/synthetique-{number:04d}"
                if released
                else "",
                "user_votes": min(votes, 400),
                "owner_org": organization,
            }
        )
    return rows


def suggestions(rng: random.Random) -> list[dict]:
    """Return rows of suggested datasets, one row a suggestion, with its latest status."""
    weights = {place: topic[3] for place, topic in enumerate(TOPICS)}
    rows = []
    for number in range(1, SUGGESTION_ROWS + 1):
        topic = TOPICS[pick(rng, weights)]
        form = FORMS[int(rng.random() * len(FORMS))]
        title_en, title_fr = titles(
            "Synthetic suggestion", "Suggestion synthétique", number, topic, form
        )
        submitted = day(rng, datetime.date(2015, 1, 1), AS_OF - datetime.timedelta(days=30))
        forwarded = submitted + datetime.timedelta(days=int(rng.random() * 30))
        status = "" if rng.random() < NO_STATUS_YET else pick(rng, STATUSES)
        rows.append(
            {
                "id": uuid.uuid5(NAMESPACE, f"{number:04d}"),
                "title_en": title_en,
                "title_fr": title_fr,
                "owner_org": pick(rng, ORGANIZATIONS),
                "description_en": f"Made-up row: somebody asks for {form[0]} about {topic[0]}.",
                "description_fr": f"Ligne fictive{NO_BREAK_SPACE}: demande sur le thème "
                f"{topic[1]} ({form[1]}).",
                "keywords_en": f"synthetic,{topic[0]}",
                "keywords_fr": f"synthétique,{topic[1]}",
                "reason": pick(rng, REASONS),
                "subject": topic[2],
                "date_submitted": submitted,
                "date_forwarded": forwarded,
                "status": status,
                "status_date": day(rng, forwarded, AS_OF) if status else "",
            }
        )
    return rows


def write(folder: Path, name: str, rows: list[dict]) -> None:
    """Write one table as UTF-8 CSV with LF line ends."""
    path = folder / name / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main(folder: Path = HERE) -> None:
    """Write both tables under a folder."""
    with (HERE / "organizations" / "organizations.csv").open(encoding="utf-8", newline="") as file:
        names = {row["owner_org"]: row for row in csv.DictReader(file)}
    write(folder, "open-data-inventory", inventory(random.Random(SEED), names))
    write(folder, "suggested-datasets", suggestions(random.Random(SEED + 1)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
