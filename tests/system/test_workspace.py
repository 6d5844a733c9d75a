"""Does the workspace give learners what they need, and never overwrite what they changed?"""

import json
import os
import socket
import subprocess
import sys

import pytest

from curriculum import notebooks, release
from curriculum.lessons import LANGUAGES, Curriculum
from curriculum.rules.exercises import of_release
from curriculum.workspace import build, jupyterlab, start_page
from tests.helpers.places import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learner")
    assert build.build(folder) == []
    return folder


@pytest.fixture
def mine(tmp_path):
    build.build(tmp_path)
    return tmp_path


def contents(folder) -> dict:
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_lessons_and_exercises_are_there_in_both_languages(built):
    for language in LANGUAGES:
        for lesson in Curriculum.read().written():
            assert (built / language / f"{lesson.slug}.ipynb").is_file()
            assert (built / language / "exercises" / f"{lesson.slug}.ipynb").is_file()


def test_a_learners_lesson_has_no_instructors_note_and_no_output(built):
    for path in built.glob("??/*.ipynb"):
        notebook = notebooks.read(path)
        assert all(
            "instructor" not in notebooks.tags(cell) and not cell.get("outputs")
            for cell in notebook.cells
        )


def test_a_learners_exercise_gives_nothing_away(built):
    for path in built.glob("??/exercises/*.ipynb"):
        assert of_release(notebooks.read(path)) == []


def test_the_start_page_links_lead_to_files_in_both_languages(built):
    import re

    text = (built / start_page.START).read_text("utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links and all((built / link).is_file() for link in links)
    assert "start here" in text and "commencez ici" in text
    for path in Curriculum.read().paths:
        assert path.title["en"] in text and path.title["fr"] in text


def test_building_again_changes_nothing(mine):
    before = contents(mine)
    assert build.build(mine) == []
    assert contents(mine) == before


def test_what_a_learner_changed_is_kept(mine):
    path = next(mine.glob("en/*.ipynb"))
    path.write_text("my work", "utf-8")
    build.build(mine)
    assert path.read_text("utf-8") == "my work"


def test_a_newer_lesson_replaces_an_untouched_one_and_spares_a_changed_one(mine, monkeypatch):
    untouched, changed = sorted(mine.glob("en/*.ipynb"))[:2]
    changed.write_text("my work", "utf-8")
    newer = build._files() | {f"en/{path.name}": b"newer" for path in (untouched, changed)}
    monkeypatch.setattr(build, "_files", lambda: newer)
    assert build.build(mine) == [changed]
    assert (untouched.read_bytes(), changed.read_bytes()) == (b"newer", b"my work")


def test_a_damaged_memory_of_what_was_built_loses_no_work(mine):
    path = next(mine.glob("en/*.ipynb"))
    path.write_text("my work", "utf-8")
    (mine / build.MANIFEST).write_text("{ damaged")
    assert build.build(mine) == [path]
    assert path.read_text("utf-8") == "my work"


def test_a_learners_own_files_are_left_alone(mine):
    (mine / "en" / "notes.txt").write_text("mine")
    build.build(mine)
    assert (mine / "en" / "notes.txt").read_text() == "mine"


def test_a_file_that_a_learner_made_before_the_project_did_is_kept(tmp_path):
    (tmp_path / "en").mkdir()
    name = Curriculum.read().written()[0].slug
    (tmp_path / "en" / f"{name}.ipynb").write_text("my own", "utf-8")
    build.build(tmp_path)
    assert (tmp_path / "en" / f"{name}.ipynb").read_text("utf-8") == "my own"


@pytest.mark.parametrize(("language", "locale"), [("en", "en"), ("fr", "fr_FR")])
def test_jupyterlab_speaks_the_language_chosen_and_keeps_a_later_choice(tmp_path, language, locale):
    jupyterlab.configure_lab(tmp_path, language)
    setting = (
        tmp_path / ".lab" / "@jupyterlab" / "translation-extension" / "plugin.jupyterlab-settings"
    )
    assert json.loads(setting.read_text())["locale"] == locale
    setting.write_text('{"locale": "chosen"}')
    jupyterlab.configure_lab(tmp_path, language)
    assert json.loads(setting.read_text())["locale"] == "chosen"


def test_the_french_interface_is_installed():
    from importlib.metadata import version

    assert version("jupyterlab-language-pack-fr-FR")


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert jupyterlab.free_port(port) not in (port, 0)


def test_the_french_release_has_the_english_tests_byte_for_byte(built):
    for name in release.assignments():
        english, french = (
            notebooks.read(built / language / "exercises" / f"{name}.ipynb")
            for language in LANGUAGES
        )
        tests = [
            [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("locked")]
            for notebook in (english, french)
        ]
        assert tests[0] and [cell.source for cell in tests[0]] == [cell.source for cell in tests[1]]
        assert [cell.metadata for cell in tests[0]] == [cell.metadata for cell in tests[1]]
        ids = [
            [
                cell.metadata["nbgrader"]["grade_id"]
                for cell in notebook.cells
                if "nbgrader" in cell.metadata
            ]
            for notebook in (english, french)
        ]
        assert ids[0] == ids[1]


def test_the_french_release_is_in_french(built):
    for name in release.assignments():
        english, french = (
            notebooks.read(built / language / "exercises" / f"{name}.ipynb")
            for language in LANGUAGES
        )
        for one, other in zip(english.cells, french.cells, strict=True):
            if one.cell_type == "markdown" and "YOUR ANSWER" not in one.source:
                assert one.source != other.source
        assert any('use_language("fr")' in cell.source for cell in french.cells)


def curriculum(*arguments, expect: int = 0, **environment) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "curriculum", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PORTAIL_URL": "http://no-such-host.invalid"} | environment,
        timeout=300,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_learn_builds_a_workspace_tells_of_the_portal_and_of_what_it_kept(mine):
    lesson = next(mine.glob("fr/*.ipynb"))
    built = json.loads((mine / build.MANIFEST).read_text())
    built[f"fr/{lesson.name}"] = "an older version"
    (mine / build.MANIFEST).write_text(json.dumps(built))
    lesson.write_text("mon travail", "utf-8")
    said = curriculum("learn", "--build-only", "--lang", "fr", "--folder", str(mine))
    assert "sur leurs copies datées" in said and "Gardé tel que vous l’avez modifié" in said
    assert lesson.read_text("utf-8") == "mon travail"


def test_a_workspace_that_cannot_be_written_is_refused_with_a_sentence():
    assert "cannot be written to" in curriculum(
        "learn", "--build-only", "--folder", "/proc/learner", expect=2
    )


def test_without_a_display_the_address_and_how_to_stop_are_told(mine, monkeypatch, capfd):
    told = []
    monkeypatch.setattr(
        jupyterlab.subprocess, "run", lambda command, env: told.append((command, env)) or Done()
    )
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(jupyterlab.sys, "platform", "linux")
    assert jupyterlab.open_lab(mine) == 0
    (command, environment), said = told[0], capfd.readouterr().out
    assert "--no-browser" in command and "http://127.0.0.1:" in said and "To stop it" in said
    assert environment["JUPYTER_TOKEN"] in said and not any(
        environment["JUPYTER_TOKEN"] in part for part in command
    )


class Done:
    """A JupyterLab that was stopped."""

    returncode = 0
