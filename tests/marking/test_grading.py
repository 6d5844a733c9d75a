"""Do nbgrader's own commands work on the exercises, in both languages, with one gradebook?"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curriculum import assessment, notebooks, release
from tests.helpers import coursework
from tests.helpers.places import ROOT, reading

pytestmark = pytest.mark.usefixtures("warm_kernels")

NAMES = release.assignments()
EXERCISES = [
    name for name in NAMES if name not in assessment.ASSIGNMENTS
]  # whose answers are computed, with a memo
FED_BACK = (
    "01-open-government",
    "05-promises-and-results",
    "pre-assessment",
)  # one template makes all pages, slowly
LANGUAGES = ("en", "fr")
STUDENTS = ("english", "francophone", "empty", "copied")


def answered(released, master):
    """Return a released notebook with the master's solutions typed in."""
    sources = notebooks.cells_by_id(master)
    for cell in released.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("solution"):
            lines = sources[cell["id"]].source.splitlines()
            cell.source = "\n".join(
                line for line in lines if "### BEGIN" not in line and "### END" not in line
            )
    return released


def hand_in(course: Path, student: str, name: str, notebook) -> None:
    notebooks.write(notebook, course / "submitted" / student / name / f"{name}.ipynb")


def released_course(folder: Path) -> Path:
    """Return a copy of the exercises, released in both languages."""
    shutil.copytree(ROOT / "datasets", folder / "datasets")
    kept = ("nbgrader_config.py", "altered.py", "source", "french")
    for part in kept:
        copy = shutil.copytree if (ROOT / "exercises" / part).is_dir() else shutil.copyfile
        (folder / "exercises").mkdir(exist_ok=True)
        copy(ROOT / "exercises" / part, folder / "exercises" / part)
    course = folder / "exercises"
    coursework.nbgrader(course, *(f"generate_assignment {name} --create" for name in NAMES))
    release.release("fr", course)
    return course


def marks_of(course: Path) -> dict[tuple[str, str], dict]:
    """Return score, points and whether a person has to read, by assignment and student, and
    cell."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        return {
            (name, submission.student.id): {
                grade.cell.name: (grade.score, grade.max_score, grade.needs_manual_grade)
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
            for name in NAMES
            for submission in gradebook.assignment_submissions(name)
        }


def solution(course: Path, name: str, language: str):
    """Return what was released of an exercise, with the master's solutions typed in."""
    given = notebooks.read(course / release.RELEASES[language] / name / f"{name}.ipynb")
    master = (
        notebooks.read(course / "source" / name / f"{name}.ipynb")
        if language == "en"
        else release.french_master(course, name)
    )
    return answered(given, master)


@pytest.fixture(scope="module")
def once(tmp_path_factory) -> dict:
    """The marks of each exercise's solution, in one of the languages in turn."""
    course = released_course(tmp_path_factory.mktemp("once"))
    for at, name in enumerate(NAMES):
        hand_in(course, "solution", name, solution(course, name, LANGUAGES[at % 2]))
    coursework.nbgrader(course, *(f"autograde {name}" for name in NAMES))
    return marks_of(course)


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_has_full_automatic_marks(once, name):
    assert once[name, "solution"]
    for cell, (score, most, _) in once[name, "solution"].items():
        assert cell == "memo" or score == most, cell


# The rest marks each exercise four times and is thorough ------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """The course after a whole day: released, handed in by four people, graded, fed back, by stock
    commands alone."""
    course = released_course(tmp_path_factory.mktemp("clone"))
    for name in NAMES:
        hand_in(course, "english", name, solution(course, name, "en"))
        hand_in(course, "francophone", name, solution(course, name, "fr"))
        if (
            name in FED_BACK
        ):  # of the others, what nbgrader validate says of the release is asked below
            empty = course / release.RELEASES["en"] / name / f"{name}.ipynb"
            hand_in(course, "empty", name, notebooks.read(empty))
        hand_in(course, "copied", name, _copied(solution(course, name, "fr")))
    coursework.nbgrader(
        course,
        *(f"autograde {name}" for name in NAMES),
        *(f"generate_feedback {name}" for name in FED_BACK),
    )
    return course


@pytest.fixture(scope="module")
def validated(course) -> dict[str, tuple[str, str]]:
    """What ``nbgrader validate`` says of each exercise: of its French solution, and of what
    learners receive."""
    said = coursework.nbgrader(
        course,
        *(
            f"validate {folder}/{name}/{name}.ipynb"
            for name in NAMES
            for folder in ("submitted/francophone", "release")
        ),
    )
    return dict(zip(NAMES, zip(said[::2], said[1::2], strict=True), strict=True))


def _copied(notebook):
    """Keep only the values that the shipped page shows: answers typed, not computed."""
    names: dict = {"__name__": "__main__"}
    with reading(ROOT / "datasets"):
        for cell in notebooks.code(notebook):
            if not cell.metadata.get("nbgrader", {}).get("locked"):
                exec(compile(cell.source, cell["id"], "exec"), names)
                about = cell.metadata.get("nbgrader", {})
                value = names.get(about.get("grade_id"))
                if isinstance(value, (int, float, str)) and len(str(value)) < 300:
                    cell.source = f"{about['grade_id']} = {value!r}"
    return notebook


@pytest.fixture(scope="module")
def marks(course) -> dict:
    return marks_of(course)


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("student", ["english", "francophone"])
def test_the_solution_has_full_automatic_marks_in_either_language(marks, name, student):
    for cell, (score, most, _) in marks[name, student].items():
        if cell != "memo":
            assert score == most, cell


@pytest.mark.thorough
@pytest.mark.parametrize("name", FED_BACK)
def test_an_empty_submission_has_no_marks(marks, name):
    assert sum(score for score, _, _ in marks[name, "empty"].values()) == 0


@pytest.mark.thorough
@pytest.mark.parametrize("name", EXERCISES)
def test_values_copied_from_the_page_earn_less_than_computed_ones(marks, name):
    copied = sum(score for score, _, _ in marks[name, "copied"].values())
    computed = sum(score for score, _, _ in marks[name, "english"].values())
    assert copied < computed


@pytest.mark.thorough
@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("student", ["english", "francophone"])
def test_the_memo_waits_for_a_person(marks, name, student):
    _, most, waits = marks[name, student]["memo"]
    assert (most, waits) == (8, True)


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_a_french_submission_stays_french(course, name):
    handed = notebooks.read(course / "submitted" / "francophone" / name / f"{name}.ipynb")
    graded = notebooks.read(course / "autograded" / "francophone" / name / f"{name}.ipynb")
    for before, after in zip(handed.cells, graded.cells, strict=True):
        if not before.metadata.get("nbgrader", {}).get("locked"):
            assert before.source == after.source


@pytest.mark.thorough
@pytest.mark.parametrize("name", FED_BACK)
@pytest.mark.parametrize("student", STUDENTS)
def test_everybody_has_feedback(course, name, student):
    page = (course / "feedback" / student / name / f"{name}.html").read_text("utf-8")
    assert "</html>" in page and "Score:" in page


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_validate_passes_the_solution_and_names_what_an_empty_release_lacks(validated, name):
    solution, empty = validated[name]
    assert "Success" in solution
    assert "not answered yet" in empty


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_both_languages_are_one_assignment_with_one_number_of_points(marks, name):
    graded = [student for student in STUDENTS if (name, student) in marks]
    assert {"english", "francophone", "copied"} <= set(graded)
    assert (
        len({sum(most for _, most, _ in marks[name, student].values()) for student in graded}) == 1
    )


def test_a_private_course_away_from_the_project_is_released_and_reads_its_own_altered_tables(
    tmp_path,
):
    private = tmp_path / "private"
    private.mkdir()
    for part in ("nbgrader_config.py", "altered.py"):
        shutil.copyfile(ROOT / "exercises" / part, private / part)
    for part in ("source", "french"):
        shutil.copytree(ROOT / "exercises" / part, private / part)
    done = subprocess.run(
        [sys.executable, "-m", "curriculum", "release", "--course", str(private)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for folder in release.RELEASES.values():
        assert all((private / folder / name / f"{name}.ipynb").is_file() for name in NAMES)
    assert (private / "altered" / "nap5" / "datapackage.json").is_file()


def test_altered_tables_are_written_once_and_again_where_they_or_what_they_are_made_from_changed(
    tmp_path,
):
    import altered

    shipped = shutil.copytree(ROOT / "datasets", tmp_path / "datasets")
    table = altered.build(tmp_path / "altered", shipped=shipped) / "nap5" / "nap5.csv"
    first, content = table.stat().st_ino, table.read_bytes()
    altered.build(tmp_path / "altered", shipped=shipped)
    assert table.stat().st_ino == first
    table.write_text("somebody’s own")
    altered.build(tmp_path / "altered", shipped=shipped)
    assert table.read_bytes() == content
    rows = (shipped / "nap5" / "nap5.csv").read_bytes().splitlines(keepends=True)
    (shipped / "nap5" / "nap5.csv").write_bytes(b"".join(rows[: len(rows) // 2]))
    altered.build(tmp_path / "altered", shipped=shipped)
    assert table.read_bytes() != content


def test_a_folder_that_is_not_a_course_is_named_with_what_it_lacks(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "curriculum", "release", "--course", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "is not a course" in done.stderr and "Traceback" not in done.stderr
