"""Do the texts that courses, attacks and malformed submissions are kept as say what they seem to
say?

What the grader is measured by must itself be right. What stock nbgrader makes of the courses is in
test_compatible.py.
"""

import ast
import json
import re
import secrets
import subprocess

import pytest

from tests import attacks
from tests.helpers import coursework, malformed
from tests.helpers.processes import wait_until

ATTACKS = attacks.load()
SOURCE = """
# %% [markdown]
# A title

# %% grade_id=mean kind=solution
def mean(values):
    ### BEGIN SOLUTION
    return sum(values) / len(values)
    ### END SOLUTION

# %% grade_id=mean-test kind=test points=2
assert mean([1, 3]) == 2

# %% [markdown] grade_id=memo kind=manual points=3
Say why.
"""


def released(text: str = SOURCE) -> list[dict]:
    return coursework.source_notebook(text)["cells"]


def after(edit: str) -> list[dict]:
    cells = released()
    for part in coursework.parse(edit).parts:
        coursework.apply(part, cells)
    return cells


# The builder --------------------------------------------------------------------------------------


def test_a_source_is_an_ordinary_nbgrader_notebook():
    import nbformat
    from nbgrader.nbgraderformat import MetadataValidator

    notebook = nbformat.from_dict(coursework.source_notebook(SOURCE))
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    kinds = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    assert kinds == [None, "mean", "mean-test", "memo"]


def test_the_same_text_makes_the_same_bytes():
    assert coursework.source_notebook(SOURCE) == coursework.source_notebook(SOURCE)
    assert [cell["id"] for cell in released()] == ["cell-0", "mean", "mean-test", "memo"]


@pytest.mark.parametrize(
    ("edit", "ids"),
    [
        ("# %% after=mean\nx = 1", ["cell-0", "mean", "new-4", "mean-test", "memo"]),
        ("# %% before=mean [markdown]\nnote", ["cell-0", "new-4", "mean", "mean-test", "memo"]),
        ("# %% delete=mean-test", ["cell-0", "mean", "memo"]),
        ("# %% move=mean after=mean-test", ["cell-0", "mean-test", "mean", "memo"]),
        ("# %% copy=mean-test before=cell-0", ["copy-4", "cell-0", "mean", "mean-test", "memo"]),
    ],
)
def test_a_submission_inserts_deletes_moves_and_copies_cells(edit, ids):
    assert [cell["id"] for cell in after(edit)] == ids


def test_a_submission_replaces_what_was_typed_and_nothing_else():
    cells = after("# %% grade_id=mean\nmean = max\n\n# %% cell=cell-0\nMy title")
    assert [cell["source"] for cell in cells[:2]] == ["My title", "mean = max"]
    assert cells[2:] == released()[2:]


def test_a_submission_retypes_cells_and_edits_metadata():
    cells = after(
        "# %% retype=mean-test to=markdown\n# %% edit-metadata=memo points=100 locked=true "
        "grade_id=other"
    )
    assert cells[2]["cell_type"] == "markdown" and "outputs" not in cells[2]
    about = cells[3]["metadata"]["nbgrader"]
    assert (about["points"], about["locked"], about["grade_id"]) == (100, True, "other")


def test_a_cell_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no cell median"):
        after("# %% grade_id=median\nx")


def test_a_magic_that_looks_like_a_cell_is_refused_or_kept():
    with pytest.raises(ValueError, match="not the beginning of a cell"):
        coursework.parse("#%% grade_id=mean")
    assert coursework.parse("# %%\n%%time\nx = 1").parts[0].source == "%%time\nx = 1"


def test_marks_are_read_with_alternatives_and_with_those_that_wait():
    text = coursework.parse('"""What\nit is."""\n# marks: a=2 b=0|1.5\n# marks: memo=-\n# %%\nx')
    assert text.says == "What it is."
    assert text.marks == {"a": (2.0,), "b": (0.0, 1.5), "memo": (None,)}


# The attacks --------------------------------------------------------------------------------------


def test_there_are_sixty_attacks_and_more_of_every_family():
    assert len(ATTACKS) >= 60
    assert {attack.family for attack in ATTACKS} == set(attacks.FAMILIES)
    assert len({attack.student for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_says_what_it_tries_and_what_it_honestly_deserves(attack):
    assert attack.says.endswith(".") and len(attack.says) < 160
    tests = set(attacks.TESTS) if attack.assignment == "trial" else attacks.LAB
    assert set(attack.honest) <= tests and (
        attack.assignment == "lab" or set(attack.honest) == tests
    )
    most = (
        {"total-test": 2, "double-test": 2, "table-test": 3, "words-test": 2}
        if attack.assignment == "trial"
        else {}
    )
    assert all(
        0 <= mark <= most.get(cell, 1) for cell, marks in attack.honest.items() for mark in marks
    )
    assert attack.exact <= set(attack.honest)
    assert all(len(attack.honest[cell]) == 1 for cell in attack.exact), "what is exact has one mark"
    assert attack.heavy in ("", "memory", "disk", "processes", "time")
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}", attack.student)
    assert not attacks.CANARY.search(attack.text), (
        "an attack that brings its canary has found nothing"
    )


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_written_for_the_notebook_that_is_released(attack, trial):
    notebook = coursework.read(attacks.hand_in(trial, attack) / f"{attack.assignment}.ipynb")
    typed = [
        part.source
        for part in coursework.parse(attack.text).parts
        if part.source and "hook" not in part.options
    ]
    assert all(source in {cell["source"] for cell in notebook["cells"]} for source in typed)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            ast.parse(cell["source"])


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """The course of the attacks, with canaries in what nobody may read."""
    return attacks.build(tmp_path_factory.mktemp("trial") / "course")


def test_every_kind_of_canary_is_where_an_attack_would_look_for_it(trial):
    source = (trial / "source" / "trial" / "trial.ipynb").read_text("utf-8")
    assert {canary.split("-")[1] for canary in attacks.CANARY.findall(source)} == {
        "TEST",
        "EXPECTED",
        "SOLUTION",
    }
    assert attacks.GRADEBOOK.encode() in (trial / "gradebook.db").read_bytes()
    assert attacks.NEIGHBOUR in (
        trial / "submitted" / "neighbour" / "trial" / "trial.ipynb"
    ).read_text("utf-8")
    assert all(attacks.CANARY.fullmatch(value) for value in attacks.ENVIRONMENT.values())


def test_no_canary_is_in_what_learners_receive(trial):
    for path in (trial / "release").rglob("*"):
        assert path.is_dir() or not attacks.CANARY.search(path.read_text("utf-8"))


def test_loot_is_found_in_outputs_answers_and_files_and_not_in_tests(trial, tmp_path):
    notebook = json.loads((trial / "source" / "trial" / "trial.ipynb").read_bytes())
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    for cell in cells.values():
        cell["source"] = cell["source"] if cell["id"].endswith("-test") else ""
    (tmp_path / "trial.ipynb").write_text(json.dumps(notebook), "utf-8")
    assert attacks.loot(tmp_path) == {}
    cells["double-test"]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": attacks.NEIGHBOUR}
    ]
    (tmp_path / "trial.ipynb").write_text(json.dumps(notebook), "utf-8")
    (tmp_path / "loot.txt").write_text(attacks.GRADEBOOK, "utf-8")
    assert attacks.loot(tmp_path) == {
        "trial.ipynb": {attacks.NEIGHBOUR},
        "loot.txt": {attacks.GRADEBOOK},
    }


def test_traces_of_an_attack_are_found_where_there_are_some(tmp_path):
    mark = f"attack-{secrets.token_hex(4)}"
    assert attacks.traces(tmp_path, mark=mark) == []
    (tmp_path / f"{mark}.txt").touch()
    left = subprocess.Popen(["bash", "-c", f"exec -a {mark} sleep 600"])
    try:
        assert wait_until(lambda: len(attacks.traces(tmp_path, mark=mark)) > 1)
        found = attacks.traces(tmp_path, mark=mark)
        assert str(tmp_path / f"{mark}.txt") in found
        assert any(str(left.pid) in each for each in found)
    finally:
        left.kill()
        left.wait()


# The malformed submissions ------------------------------------------------------------------------


def good() -> bytes:
    text = (attacks.COURSE / "source" / "trial" / "trial.txt").read_text("utf-8")
    return json.dumps(coursework.source_notebook(text)).encode("utf-8")


def test_there_are_thirty_kinds_and_more_with_every_outcome():
    assert len(malformed.ALL) >= 32
    outcomes = {outcome for kind in malformed.ALL.values() for outcome in kind.expect}
    assert outcomes == {"graded", "graded-less", "named"}
    assert all(kind.why for kind in malformed.ALL.values())


@pytest.mark.parametrize(
    "kind", [kind for kind in malformed.ALL.values() if not kind.big], ids=lambda kind: kind.name
)
def test_a_malformed_kind_writes_something_that_is_not_the_good_notebook(kind, tmp_path):
    folder = tmp_path / "submitted" / kind.name / "trial"
    folder.mkdir(parents=True)
    kind.write(good(), folder)
    names = [path.name for path in folder.iterdir()]
    path = folder / "trial.ipynb"
    assert (
        folder.is_symlink()
        or path.is_symlink()
        or names != ["trial.ipynb"]
        or not path.is_file()
        or path.stat().st_mode & 0o777 == 0
        or path.read_bytes() != good()
    )
    for path in folder.rglob("*"):  # so that pytest can remove it
        if not path.is_symlink():
            path.chmod(0o755)
