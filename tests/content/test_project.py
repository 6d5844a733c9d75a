"""Do the project's own files keep its promises: locks with hashes and no host, a wheel that works
alone, licences?"""

import math
import re
import subprocess
import sys
import zipfile

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from curriculum.lessons import Curriculum
from curriculum.rules.texts import french_spaces
from tests.helpers.places import ROOT

LOCKS = (
    "requirements.txt",
    "requirements-grader.txt",
    "requirements-room.txt",
    "requirements-dev.txt",
)
FRENCH = re.compile(r"\n---\n\n# |\n## .*français")  # where the French half of a page begins
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/*.md")])
]
INDEX_HOST = r"pypi\.org|pythonhosted|registry\.npmjs|/simple\b|--(extra-)?index-url|--find-links|anaconda\.org"  # noqa: E501


def tracked() -> list[str]:
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("this is not a git checkout")
    return [name for name in found.stdout.split("\0") if name]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(name):
    text = (ROOT / name).read_text("utf-8").replace("\\\n", "")
    packages = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(packages) > 50
    assert all("==" in line and "--hash=sha256:" in line for line in packages)


def test_the_locks_agree():
    pins = [
        set(re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text("utf-8"), re.M)) for name in LOCKS
    ]
    learner, grader, room, developer = pins
    assert learner <= grader <= developer and learner <= room <= developer


def test_no_file_names_an_index_host_or_a_path_of_a_machine():
    own = {
        "tests/content/test_project.py",
        "tests/content/test_rules.py",
        "curriculum/rules/texts.py",
    }  # these, and attacks, look for them
    found = []
    for name in tracked():
        if (
            name in own
            or name.startswith("tests/attacks/")
            or not (ROOT / name).is_file()
            or name.endswith(".png")
        ):
            continue
        text = (ROOT / name).read_text("utf-8", errors="replace")
        if re.search(INDEX_HOST, text) or re.search(r"(?<![\w./:])/(home|root)/\w", text):
            found.append(name)
    assert found == []


def test_no_generated_file_is_tracked():
    assert [
        name
        for name in tracked()
        if re.match(r"learner/|build/|screenshots/|exercises/(release|altered)/", name)
        or ".ipynb_checkpoints" in name
        or name.endswith(".pyc")
    ] == []


@pytest.mark.parametrize(
    "name", [name for name in PAGES if FRENCH.search((ROOT / name).read_text("utf-8"))]
)
def test_the_french_half_of_a_page_keeps_french_spaces(name):
    text = re.sub(r"```.*?```", "", FRENCH.split((ROOT / name).read_text("utf-8"))[1], flags=re.S)
    assert list(french_spaces(new_notebook(cells=[new_markdown_cell(text)]))) == []
    assert "'" not in re.sub("`[^`]*`", "", text)


def test_the_readme_names_the_lessons_that_are_written():
    text = (ROOT / "README.md").read_text("utf-8")
    written = [lesson.number for lesson in Curriculum.read().written()]
    for begins in ("Written so far:", "Sont écrites\u00a0:"):
        said = re.search(rf"{begins}[^:]*", text)[0]
        assert re.findall(r"\b\d\d\b", said) == written


def test_the_learners_environment_names_the_cards_packages():
    text = (ROOT / "environment.yml").read_text("utf-8")
    for name in ("jupyterlab", "nbgrader", "pandas", "matplotlib", "requests", "nbval", "-e ."):
        assert name in text


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(folder),
            str(ROOT),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_dataset_with_its_card(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    for package in ROOT.glob("datasets/*/datapackage.json"):
        for file in package.parent.iterdir():
            assert f"portail/datasets/{package.parent.name}/{file.name}" in inside
    assert "curriculum/curriculum.toml" in inside


def test_the_wheel_s_import_names_are_nobody_else_s(wheel):
    """Free on the Python package index on 30 November 2026; ``grader`` and ``room`` are taken."""
    inside = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in inside if not name.endswith(".dist-info")} == {
        "commons",
        "curriculum",
        "portail",
    }


def test_from_the_wheel_the_grader_s_command_says_where_it_is(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.remove({str(ROOT)!r});"  # where this checkout is installed from
        "from commons.grader_command import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)},
    )
    assert done.returncode == 2 and "Clone the project" in done.stderr


def test_the_wheel_works_away_from_the_checkout(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import portail, portail.datasets as d; assert 'site' in portail.__file__;"
        "t = portail.load('nap5'); assert 'site' in str(d.find('nap5').folder); print(len(t));"
        "from curriculum.lessons import Curriculum; print(len(Curriculum.read().lessons))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={
            "PYTHONPATH": str(tmp_path / "site"),
            "PORTAIL_MODE": "snapshot",
            "HOME": str(tmp_path),
        },
    )
    assert done.stdout.split() == ["735", "16"], done.stderr


def test_a_lesson_whose_kept_output_is_wrong_fails_under_nbval(tmp_path):
    """nbval can fail: a kept figure is changed, and the run names it."""
    lesson = next(ROOT.glob("notebooks/en/01-*.ipynb"))
    text = lesson.read_text("utf-8")
    assert "52.8" in text
    (tmp_path / lesson.name).write_text(text.replace("52.8", "62.8"), "utf-8")
    for name in ("conftest.py", "nbval.cfg"):
        source = (ROOT / "notebooks" / name).read_text("utf-8")
        (tmp_path / name).write_text(
            source.replace("Path(__file__).parent.parent", f"Path({str(ROOT)!r})"), "utf-8"
        )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "-q",
        "-p",
        "no:cacheprovider",
        "--nbval-sanitize-with",
        "nbval.cfg",
        lesson.name,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "62.8" in done.stdout


def test_the_page_on_large_cohorts_reckons_rightly():
    """Its times follow from the two measured figures, and its samples from the formula that it
    gives."""
    text = (ROOT / "grader" / "SCALE.md").read_text("utf-8")
    for part in text.split("\n---\n"):
        machine, coordinator = (
            float(each.replace(",", ".")) for each in re.findall(r"\| ([\d.,]+) ms \|", part)
        )
        times = {
            int(machines): int(said)
            for machines, said in re.findall(r"^\| (\d+) \| (\d+) min", part, re.M)
        }
        assert times == {
            each: round(35_755 * max(machine / each, coordinator) / 60_000) for each in (1, 10, 100)
        }
    samples = [math.ceil((1.96 * 2.7 / within) ** 2) for within in (0.1, 0.25)]
    assert samples == [2801, 449] and round(samples[1] / 35_755, 4) == 0.0126
    hours = round(35_755 * 3 / 60), math.ceil(samples[1] * 2 * 3 / 60)
    for said in (
        "1,788",
        "2,801",
        "449",
        "45 hours",
        "1\u202f788",
        "2\u202f801",
        "45 heures",
        "--share 0.0126",
    ):
        assert (
            said in text
            or said.replace("\u202f", " ") in text
            or said.replace("\u202f", "\u00a0") in text
        )
    assert hours == (1788, 45)
