"""Finding tests that hand a learner's text to something that runs it, such as ``eval``.

Such a test must not run where marks are decided. What it does is found by reading it, with what
comes from the learner followed through its assignments; where that cannot be told for sure, it
counts as one.
"""

import ast
import builtins
from collections.abc import Iterable
from typing import NamedTuple

# What runs its first argument, or any other, as code, by the last part of its name.
_RUNS = frozenset(
    [
        "eval",
        "exec",
        "compile",
        "__import__",
        "import_module",
        "run_path",
        "run_module",
        "run_cell",
        "run_line_magic",
        "run_cell_magic",
        "system",
        "getoutput",
        "popen",
        "Popen",
        "check_output",
        "check_call",
        "getstatusoutput",
        "query",
        "execute",
        "executemany",
        "executescript",
        "read_sql",
        "read_sql_query",
        "sqldf",
        "from_string",
        "Template",
        "attrgetter",
        "methodcaller",
        "read_pickle",
        "read_hdf",
        "unsafe_load",
        "full_load",
        "from_pickle",
        "parse_expr",
        "sympify",
        "lambdify",
        "numexpr",
        "ev",
        "timeit",
        "repeat",
        "execfile",
        "safe_execfile",
        "run_path",
        "popen2",
        "spawn",
        "startfile",
        "call",
        "run_line",
        "ex",
        "use",
    ]
)
_PATTERNS = frozenset(
    "compile match fullmatch search findall finditer sub subn split contains extract extractall "  # noqa: SIM905
    "replace count filter".split()
)
_OF_A_PATTERN = frozenset("match fullmatch search findall finditer sub subn".split())  # noqa: SIM905
_OF_A_TEMPLATE = frozenset("format format_map vformat substitute safe_substitute render".split())  # noqa: SIM905
_PICKLES = frozenset(
    [
        "pickle",
        "cPickle",
        "_pickle",
        "dill",
        "cloudpickle",
        "joblib",
        "marshal",
        "shelve",
        "jsonpickle",
        "yaml",
    ]
)
_READS = frozenset("open read_text read_bytes Path read readlines".split())  # noqa: SIM905


class Known(NamedTuple):
    """The instructor's own names that lead to something that runs text.

    Args:
        runs: what runs what they are given, by name: a function, an alias, a container of them.
        always: what runs the learner's text as soon as they are called, by name.
    """

    runs: dict[str, str]
    always: dict[str, str]


def helpers(sources: Iterable[str], names: Iterable[str] = ()) -> Known:
    """Return the names of the instructor's that lead to something that runs text.

    Args:
        sources: the instructor's cells and modules, as Python.
        names: variables that are the learner's.
    """
    known = Known({}, {})
    trees = list(map(_tree, sources))
    before = -1
    while before != len(known.runs) + len(known.always):  # what uses such a name is one
        before = len(known.runs) + len(known.always)
        for tree in trees:
            _add_helpers(known, tree, set(names))
    return known


def _add_helpers(known: Known, tree: ast.Module, names: set[str]) -> None:
    for each in ast.walk(tree):
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
            what = _of_function(each, each.body, known) or _mentioned([each.args], known)
            if what:
                known.runs.setdefault(each.name, what)
            elif whole := _Reader(names, set(), known, {}).first(each.body):
                known.always.setdefault(each.name, whole)
        elif isinstance(each, ast.ImportFrom):
            for alias in each.names:
                if alias.name in _RUNS:
                    known.runs.setdefault(alias.asname or alias.name, alias.name)
        elif (
            isinstance(each, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and each.value is not None
        ):
            lambdas = [part for part in ast.walk(each.value) if isinstance(part, ast.Lambda)]
            what = _mentioned([each.value], known)
            what = what or next(
                filter(None, (_of_function(part, [part.body], known) for part in lambdas)), ""
            )
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            for target in targets if what else ():
                for part in ast.walk(target):
                    if name := _last_name(part):
                        known.runs.setdefault(name, what)


def _of_function(function, body: list, known: Known) -> str:
    """Return what a function gives one of its arguments to; "" if nothing."""
    parameters = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
    return _Reader(parameters, set(), known, {}).first(body)


def _mentioned(nodes: list[ast.AST], known: Known) -> str:
    """Return what runs text and is spoken of without being called: it may be called by another name
    then."""
    everything = [each for node in nodes for each in ast.walk(node)]
    callees = {id(each.func) for each in everything if isinstance(each, ast.Call)}
    for each in everything:
        if id(each) not in callees and (what := _runner(each, known)):
            return what
    return ""


def _runner(node: ast.AST, known: Known) -> str:
    """Return what a name or attribute stands for, if that runs text; "" if it does not."""
    if not isinstance(node, (ast.Name, ast.Attribute)) or not isinstance(node.ctx, ast.Load):
        return ""
    name = _last_name(node)
    base = _last_name(node.value) if isinstance(node, ast.Attribute) else ""
    if name in known.runs or name in known.always:
        return known.runs.get(name) or known.always[name]
    if name in _RUNS and (isinstance(node, ast.Attribute) or hasattr(builtins, name)):
        return name
    if base == "subprocess" or (base in _PICKLES and name in ("load", "loads")):
        return f"{base}.{name}"
    return f"{base}.{name}" if base in ("re", "regex") and name in _PATTERNS else ""


def runs(source: str, names: set[str], files: set[str], known: Known, kinds: dict[str, str]) -> str:
    """Return what a test gives a learner's text to; "" if it runs nothing of a learner's.

    Args:
        source: the test, as Python.
        names: what it needs of the learner's.
        files: files that the source's own solution writes, by relative path.
        known: as ``helpers`` returns them.
        kinds: the types of the names, as the source's own solution has them.
    """
    tree = _tree(source)
    own = helpers([source], names)
    both = Known({**known.runs, **own.runs}, {**known.always, **own.always})
    return _Reader(set(names), files, both, kinds).first(tree.body)


def _tree(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


class _Reader:
    """Follows what comes from a learner through a piece of code.

    Args:
        names: variables that do.
        files: files that do.
        known: names of the instructor's that lead to something that runs text.
        kinds: types of the variables, where they are known.
    """

    def __init__(self, names: set[str], files: set[str], known: Known, kinds: dict[str, str]):
        self.names, self.known, self.kinds = set(names), known, kinds
        self.files = {part for path in files for part in (path, path.rpartition("/")[2])}

    def first(self, body: list[ast.stmt]) -> str:
        """Return the first thing that runs something of the learner's; "" if there is none."""
        if not self.names and not self.files:
            return ""
        everything = [each for statement in body for each in ast.walk(statement)]
        before = -1
        while before != len(self.names):
            before = len(self.names)
            for each in everything:
                self._follow(each)
        callees = {id(each.func) for each in everything if isinstance(each, ast.Call)}
        for each in everything:
            what = (
                self._run_by(each) if isinstance(each, ast.Call) else self._handed_on(each, callees)
            )
            if what:
                return what
        return ""

    def comes(self, node: ast.AST | None) -> bool:
        """Tell whether a part of an expression comes from the learner."""
        for each in ast.walk(node) if node is not None else ():
            if isinstance(each, ast.Name) and each.id in self.names:
                return True
            if self.files and isinstance(each, ast.Constant) and each.value in self.files:
                return True
            if self.files and isinstance(each, ast.Call) and _last_name(each.func) in _READS:
                return True
        return False

    def _follow(self, node: ast.AST) -> None:
        """Add the variables that a statement fills with what comes from the learner."""
        pairs: list[tuple[ast.AST, ast.AST | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.NamedExpr)):
            pairs = [(node.target, node.value)]
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            pairs = [(node.target, node.iter)]
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            pairs = [(node.optional_vars, node.context_expr)]
        elif isinstance(node, ast.Match):
            pairs = [(case.pattern, node.subject) for case in node.cases]
        elif isinstance(node, (ast.FunctionDef, ast.Lambda)) and self.names:
            self.names |= {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        for target, value in pairs:
            if self.comes(value):
                self.names |= {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}
                self.names |= {
                    each.name
                    for each in ast.walk(target)
                    if isinstance(each, ast.MatchAs) and each.name
                }

    def _run_by(self, call: ast.Call) -> str:
        name = _last_name(call.func)
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
        given = [*call.args, *(each.value for each in call.keywords)]
        if (
            isinstance(call.func, ast.Call)
            and _last_name(call.func.func) == "getattr"
            and len(call.func.args) > 1
        ):
            asked = call.func.args[1]
            name, receiver = (
                (asked.value if isinstance(asked, ast.Constant) else "getattr"),
                call.func.args[0],
            )
        comes = any(map(self.comes, given))
        base = _last_name(receiver) if receiver is not None else ""
        named = name or _root_name(call.func)
        if named in self.known.always:
            return self.known.always[named]
        if comes and (name in _RUNS or named in self.known.runs or base == "subprocess"):
            return self.known.runs.get(named, name or base)
        if comes and name in _OF_A_TEMPLATE and base == "str":
            return f"str.{name}"
        if (
            name in ("load", "loads", "Unpickler")
            and base in _PICKLES
            and (comes or self.comes(receiver))
        ):
            return f"{base}.{name}"
        if name == "load" and any(each.arg == "allow_pickle" for each in call.keywords) and comes:
            return "load(allow_pickle=…)"
        if name in ("getattr", "setattr") and len(call.args) > 1 and self.comes(call.args[1]):
            return name
        if name in _PATTERNS and (base in ("re", "regex", "str")) and self.comes(_pattern_of(call)):
            return f"{base}.{name}"
        if receiver is not None and self.comes(receiver):
            of_text = not any(
                isinstance(each, ast.Attribute) and each.attr in ("str", "style", "dt")
                for each in ast.walk(receiver)
            )
            if name in _OF_A_TEMPLATE and of_text:
                return name
            if name in _OF_A_PATTERN and of_text:
                return name
        if (
            name == "format"
            and receiver is None
            and len(call.args) > 1
            and self.comes(call.args[1])
        ):
            return name
        return ""

    def _handed_on(self, node: ast.AST, callees: set[int]) -> str:
        """Tell of what is no call and may run something all the same: ``map(eval, answers)``,
        ``rule % values``."""
        if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in callees:
            if self.names and (what := _runner(node, self.known)):
                return what
            later = isinstance(node, ast.Attribute) and node.attr in _OF_A_TEMPLATE | _OF_A_PATTERN
            if later and isinstance(node.ctx, ast.Load) and self.comes(node.value):
                of_column = any(
                    isinstance(each, ast.Attribute) and each.attr in ("str", "style", "dt")
                    for each in ast.walk(node.value)
                )
                return "" if of_column else node.attr
        left = node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) else None
        if (
            isinstance(left, ast.Name)
            and left.id in self.names
            and self.kinds.get(left.id) == "str"
        ):
            return "%"
        if isinstance(node, ast.FormattedValue) and self.comes(node.format_spec):
            return "format"
        return ""


def _pattern_of(call: ast.Call) -> ast.AST | None:
    return next(
        (each.value for each in call.keywords if each.arg in ("pattern", "pat")),
        call.args[0] if call.args else None,
    )


def _root_name(node: ast.AST) -> str:
    """Return the name from which a callee is taken: ``pick`` of ``pick["a"](text)``; "" if there is
    none."""
    while isinstance(node, (ast.Subscript, ast.Call, ast.Attribute)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _last_name(node: ast.AST | None) -> str:
    return (
        node.id
        if isinstance(node, ast.Name)
        else node.attr
        if isinstance(node, ast.Attribute)
        else ""
    )
