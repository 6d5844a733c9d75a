"""Is the house as planned: who may import whom, how long is a module, which names are taken?"""

import ast
import collections
import graphlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("commons", "portail", "curriculum", "grader", "room")
#: what each room may import besides itself; a room of the grader, and audit.py, by its own name
MAY_IMPORT = {
    "commons": set(),
    "portail": {"commons"},
    "curriculum": {"commons", "portail"},
    "room": {"commons", "portail", "curriculum", "grader.intake", "grader.sandbox", "grader.cli"},
    "sandbox": set(),
    "values": {"sandbox"},
    "marking": {"sandbox", "values"},
    "course": {"sandbox", "marking"},
    "intake": {"sandbox", "course"},
    "grading": {"sandbox", "marking", "course"},
    "reports": {"sandbox", "marking", "course", "intake"},
    "evaluation": {"course", "intake", "reports"},
    "audit": {"sandbox", "course", "intake", "grading", "reports"},
    "cli": {"sandbox", "marking", "course", "intake", "grading", "reports", "evaluation", "audit"},
}
MOST_LINES = 410
#: the grader's face: what a program that grades imports
FACE = ("grader", "grader.__main__")


def modules() -> dict[str, Path]:
    """Return the project's modules by name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imported(path: Path, known) -> set[str]:
    """Return which of the known modules a file imports, also where it does so in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found |= {whole if whole in known else node.module} & set(known)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & set(known)
    return found


def room_of(module: str) -> str:
    """Return the room that a module is in."""
    package, *rest = module.split(".")
    return rest[0] if package == "grader" and rest else package


def allowed(source: str, target: str) -> bool:
    """Tell whether a module may import another."""
    mine, other = room_of(source), room_of(target)
    if source in FACE or mine == other or other == "commons":
        return True
    known = MAY_IMPORT[mine]
    return other in known or (target.startswith("grader.") and f"grader.{other}" in known)


def test_imports_go_one_way():
    known = modules()
    wrong = [
        f"{name} imports {each}"
        for name, path in known.items()
        for each in imported(path, known)
        if not allowed(name, each)
    ]
    assert wrong == []


def test_that_an_import_up_would_be_seen():
    assert not allowed("grader.sandbox.seal", "grader.marking.shell")
    assert not allowed("grader.course.folder", "portail.settings")
    assert not allowed("portail.commands", "curriculum.lessons")


def test_no_modules_import_each_other_in_a_circle():
    known = modules()
    order = graphlib.TopologicalSorter(
        {name: imported(path, known) - {name} for name, path in known.items()}
    )
    order.prepare()  # raises CycleError, which names the circle


def test_no_module_is_longer_than_a_reader_s_patience():
    long = {
        name: lines
        for name, path in modules().items()
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_a_class_s_name_occurs_once():
    where = collections.defaultdict(list)
    for name, path in modules().items():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                where[node.name].append(name)
    assert {name: places for name, places in where.items() if len(places) > 1} == {}


def test_every_module_says_what_it_is():
    lacking = [
        name
        for name, path in modules().items()
        if path.read_text("utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert lacking == []
