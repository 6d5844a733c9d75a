"""An instructor's day on a synthetic cohort of thirty, from one ZIP to the reports: ``make
grade-demo``.

Nobody in it exists. Thirteen answer well, seven make the usual mistakes of ``tests/answers/``, six
are careless, three are hostile, one hands nothing in; half of them work in French. Each command is
shown before it runs, so that the whole can be done again by hand on a cohort of your own.

    python exercises/demo.py [FOLDER] [ASSIGNMENT …]
"""

import ast
import csv
import io
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from copy import deepcopy
from pathlib import Path

from commons.files import put
from commons.wording import Sentence
from curriculum import notebooks, release
from curriculum.lessons import ROOT

SEED = 20_261_125
ASSIGNMENTS = ("01-open-government", "04-served-online")
SYNTHETIC = "SYNTHETIC / SYNTHÉTIQUE"
KINDS = (
    ("honest",) * 13
    + ("wrong",) * 7
    + (
        "half done",
        "does not compile",
        "test deleted",
        "cell copied",
        "file cut short",
        "file renamed",
        "equals everything",
        "reads what is hidden",
        "never ends",
        "absent",
    )
)
NAMES = (
    "Amélie Gagnon",
    "Noah Tremblay",
    "Émile St-Onge",
    "Zoë Lévesque",
    "Priya Raman",
    "François D’Amours",
    "Grace Kim",
    "Anne Roy",
    "Marie-Anne Roy",
    "Hélène Côté",
    "Ravi Singh",
    "Chloé Bouchard",
    "Liam O’Connor",
    "Fatima Benali",
    "Jean-Luc Pelletier",
    "Sofia Rossi",
    "Mathis Ouellet",
    "Aiyana Whitefeather",
    "Léa Morin",
    "Oliver Brown",
    "Nadia Haddad",
    "Thomas Nguyễn",
    "Océane Dubé",
    "Ethan MacDonald",
    "Inès Fortier",
    "Lucas Bélanger",
    "=Mia Chen",
    "Élodie Caron",
    "Samuel Okafor",
    "Rosalie Thibault",
)
# quality (points of 8): what is written; in each language the same four criteria are met or missed
MEMOS = {
    8: (
        "We should begin with the weakest point that the table shows. The share, its denominator "
        "and the year stand in my cells above. The rows are self-reported and count entries, not "
        "people, so they cannot say who waits. I recommend that the programme lead review the "
        "ten lowest cases by March and report to this committee.",
        "Il faut commencer par le point le plus faible du tableau. La part, son dénominateur et "
        "l’année figurent dans mes cellules. Les lignes sont déclarées par les ministères et "
        "comptent des entrées, non des personnes : elles ne disent pas qui attend. Je recommande "
        "que la responsable du programme revoie d’ici mars les dix cas les plus faibles et en "
        "rende compte au comité.",
    ),
    6: (
        "We should begin with the weakest point; the share and its denominator are above. I "
        "recommend a review of the ten lowest cases by March.",
        "Il faut commencer par le point le plus faible; la part et son dénominateur figurent "
        "plus haut. Je recommande de revoir d’ici mars les dix cas les plus faibles.",
    ),
    3: (
        "The table shows that there is a lot to do. Some shares are low. Something should be done.",
        "Le tableau montre qu’il reste beaucoup à faire. Certaines parts sont faibles. Il "
        "faudrait agir.",
    ),
    1: (
        "Open data is important for Canadians.",
        "Les données ouvertes sont importantes pour la population.",
    ),
}
HOSTILE = {
    "equals everything": """class Right(str):
    def __eq__(self, other): return True
    def __hash__(self): return 0
import portail.checks
portail.checks.expect = portail.checks.tell = lambda *args, **kwargs: None
get_ipython().showtraceback = lambda *args, **kwargs: None
{task} = Right("A")""",
    "reads what is hidden": """import glob, os
places = [*glob.glob("/course/**", recursive=True), *glob.glob("../*/*.ipynb")]
for path in [*places, "../gradebook.db"]:
    try: print(path, open(path, errors="replace").read()[:500])
    except OSError as error: print(path, error)
print(dict(os.environ))
{task} = os.environ.get("EXPECTED")""",
    "never ends": "while True:\n    try: {task} = sum(range(10**7))\n    except BaseException: "
    "pass",
}


def main() -> None:
    """Make the cohort, then do an instructor's day with the commands of ``grader``."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "grade-demo")
    chosen = sys.argv[2:] or list(ASSIGNMENTS)
    course = make(folder, chosen)
    day(course, chosen)
    reports = " ".join(str(course / "reports" / f"{name}.html") for name in chosen)
    say("What an instructor looks at now:", "Ce que regarde maintenant la personne responsable :")
    say(f"  the reports: {reports}", f"  les rapports : {reports}")
    say(
        f"  the formgrader: cd {course} && {Path(sys.executable).parent}/jupyter lab "
        "--LabApp.default_url=/formgrader",
        f"  le formgrader : cd {course} && {Path(sys.executable).parent}/jupyter lab "
        "--LabApp.default_url=/formgrader",
    )


def say(english: str, french: str) -> None:
    """Print a line in the reader's language."""
    print(Sentence(english, french), flush=True)


# The cohort ---------------------------------------------------------------------------------------


def make(folder: Path, chosen: list[str]) -> Path:
    """Write the course, the list of people and the one ZIP that they handed in, and return the
    course's folder."""
    shutil.rmtree(folder, ignore_errors=True)
    course = folder / "exercises"
    for part in ("nbgrader_config.py", "altered.py"):
        put(course / part, (ROOT / "exercises" / part).read_bytes())
    for part in ("source", "french"):
        shutil.copytree(ROOT / "exercises" / part, course / part)
    for other in set(release.assignments(course)) - set(chosen):
        shutil.rmtree(course / "source" / other)
    with open(course / "nbgrader_config.py", "a", encoding="utf-8") as config:
        config.write(
            '\nc.Grader.limits = {"cell_seconds": 5.0}  # the demonstration waits for nobody\n'
        )
    for language in release.RELEASES:
        release.release(language, course)
    (folder / "people.csv").write_text(roster(), "utf-8")
    with zipfile.ZipFile(folder / "handed-in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, kind in enumerate(KINDS):
            for at, assignment in enumerate(chosen if kind != "absent" else []):
                archive.writestr(
                    file_name(number, assignment, at), answered(course, assignment, number)
                )
        archive.writestr(
            "Somebody Unknown/" + f"{chosen[0]}.ipynb",
            notebooks.to_bytes(released(course, chosen[0], 0)),
        )
    return course


def student(number: int) -> str:
    """Return the id of a person, which says that there is none."""
    return f"synthetic-{number + 1:02}"


def roster() -> str:
    """Return the list of people as CSV: accents, a blank line, a person listed twice."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(["id", "name", "email", "section", "language"])
    for number, name in enumerate(NAMES):
        own = [
            student(number),
            name,
            f"{student(number)}@example.org",
            SYNTHETIC,
            "fr" if number % 2 else "en",
        ]
        lines.writerow(own)
        if number == 3:
            lines.writerow([])
        if number == 11:
            lines.writerow(own)
    return written.getvalue()


def file_name(number: int, assignment: str, at: int) -> str:
    """Return a file's name as Moodle, or the mail, gives it."""
    name = NAMES[number].lstrip("=")
    if KINDS[number] == "file renamed":
        return f"{name}/Untitled{at or ''}.ipynb"
    if number % 3 == 0:
        return f"{name}_{481_000 + number}_assignsubmission_file/{assignment}.ipynb"
    return f"{name}/{assignment}{' (1)' if number % 3 == 1 else ''}.ipynb"


def released(course: Path, assignment: str, number: int):
    """Return the notebook that a person received."""
    language = "fr" if number % 2 else "en"
    return notebooks.read(course / release.RELEASES[language] / assignment / f"{assignment}.ipynb")


def answered(course: Path, assignment: str, number: int) -> bytes:
    """Return the notebook that a person hands in."""
    kind, chance = KINDS[number], random.Random(f"{SEED} {assignment} {number}")
    notebook = released(course, assignment, number)
    master = notebooks.cells_by_id(
        notebooks.read(course / "source" / assignment / f"{assignment}.ipynb")
    )
    tasks = [
        cell
        for cell in notebooks.code(notebook)
        if cell.metadata.get("nbgrader", {}).get("solution")
    ]
    for cell in tasks:
        cell.source = solution(master[cell["id"]].source)
    tell(notebook, number, chance)
    if kind == "wrong":
        mistakes = wrong_answers(assignment, tasks)
        for task in chance.sample(sorted(mistakes), min(len(mistakes), chance.choice((1, 2, 3)))):
            next(cell for cell in tasks if cell["id"] == task).source = chance.choice(
                mistakes[task]
            )
    elif kind in HOSTILE:
        for cell in tasks[2:]:
            cell.source = HOSTILE[kind].format(task=cell["id"])
    elif kind == "half done":
        for cell in tasks[len(tasks) // 2 :]:
            cell.source = "..."
    elif kind == "does not compile":
        tasks[-1].source = tasks[-1]["id"] + " = (1,"
    else:
        spoil(notebook, tasks, kind)
    data = notebooks.to_bytes(notebook)
    return data[: len(data) // 2] if kind == "file cut short" else data


def solution(source: str) -> str:
    """Return a master's cell as somebody writes it who knows the answer."""
    lines = [
        line for line in source.splitlines() if "### BEGIN" not in line and "### END" not in line
    ]
    return "\n".join(line for at, line in enumerate(lines) if at or not line.endswith("= ..."))


def tell(notebook, number: int, chance: random.Random) -> None:
    """Write the memo, and say in the notebook that nobody wrote it."""
    quality = chance.choice(list(MEMOS))
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade") and about.get("solution"):
            cell.source = f"*{SYNTHETIC} ({quality}/8)*\n\n{MEMOS[quality][number % 2]}"


def wrong_answers(assignment: str, tasks: list) -> dict[str, list[str]]:
    """Return the usual mistakes by task, for the tasks whose cells leave nothing but their answer
    to later ones."""
    path = ROOT / "tests" / "answers" / f"{assignment}.toml"
    known = {
        task["name"]: [each["code"] for each in task["wrong"]]
        for task in tomllib.loads(path.read_text())["task"]
    }
    found = {}
    for at, cell in enumerate(tasks):
        code = compile(cell.source, "answer", "exec")
        later = {
            name
            for each in tasks[at + 1 :]
            for name in compile(each.source, "answer", "exec").co_names
        }
        if not ({*code.co_names} - {cell["id"]}) & later & assigned(cell.source):
            found[cell["id"]] = known[cell["id"]]
    return found


def assigned(source: str) -> set[str]:
    """Return the names that a cell gives a value to."""
    names = (each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Name))
    return {each.id for each in names if isinstance(each.ctx, ast.Store)}


def spoil(notebook, tasks: list, kind: str) -> None:
    """Do to a notebook what people do without meaning to."""
    places = {cell["id"]: at for at, cell in enumerate(notebook.cells)}
    test = places[f"{tasks[0]['id']}-test"]
    if kind == "test deleted":
        del notebook.cells[test]
    elif kind == "cell copied":
        copied = deepcopy(notebook.cells[test])
        copied["id"] += "-copy"
        notebook.cells.insert(test + 1, copied)


# The day ------------------------------------------------------------------------------------------


def day(course: Path, chosen: list[str]) -> None:
    """Collect, grade, have the memos read twice, give feedback, report, export."""
    folder, people = course.parent, course.parent / "people.csv"
    run("names", "--roster", people, course=course)
    run("collect", folder / "handed-in.zip", "--roster", people, course=course)
    for name in chosen:
        run("grade", name, "--json", folder / f"{name}.json", course=course)
        run("memos", name, "--out", folder / "markers", course=course)
        sheets = [folder / "markers" / f"{name}-marker-{number}.csv" for number in (1, 2)]
        for number, sheet in enumerate(sheets):
            read_by_somebody(course, name, sheet, random.Random(f"{SEED} {name} {number}"))
        run("memos", name, "--sheets", *sheets, "--enter", course=course)
        run("feedback", name, "--roster", people, course=course)
        run("report", name, "--roster", people, course=course)
        run(
            "export",
            name,
            "--roster",
            people,
            "--format",
            "csv",
            "--unfinished",
            "blank",
            "--out",
            folder / f"{name}-marks.csv",
            course=course,
        )
        run("verify", name, course=course)
    run("status", course=course)


def run(*words, course: Path) -> None:
    """Show a command and run it; what it names as worth a look ends nothing.

    Raises:
        SystemExit: with its code, if it could not run at all.
    """
    command = ["grader", *map(str, words), "--course", str(course)]
    shown = [os.path.relpath(word) if word.startswith("/") else word for word in command]
    print(f"\n$ {shlex.join(shown)}", flush=True)
    code = subprocess.run([sys.executable, "-m", *command]).returncode
    if code not in (0, 1):
        sys.exit(code)


def read_by_somebody(course: Path, assignment: str, sheet: Path, chance: random.Random) -> None:
    """Fill a sheet in as a marker might: the points that the memo was written for, seldom one or
    two off."""
    kept = json.loads((course / ".grader" / "memos" / f"{assignment}.json").read_bytes())["answers"]
    with open(sheet, encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        about = kept[line["code"]]
        path = course / "autograded" / about["student"] / assignment / f"{assignment}.ipynb"
        text = next(
            cell.source
            for cell in notebooks.read(path).cells
            if about["task"].endswith(f"/{_id(cell)}")
        )
        planted = next((points for points in MEMOS if f"({points}/8)" in text), 0)
        line["points"] = min(8, max(0, planted + chance.choices((0, 1, -1, 2), (12, 4, 3, 1))[0]))
        line["comment"] = str(Sentence("Synthetic comment.", "Commentaire synthétique."))
    with open(sheet, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]) if lines else ["code"])
        writer.writeheader()
        writer.writerows(lines)


def _id(cell) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


if __name__ == "__main__":
    main()
