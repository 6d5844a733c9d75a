"""Which tests give what a learner wrote to something that runs it: ``eval``, a query, a pattern, a template, a pickle.

Such a test must not run where marks are decided. What it does is found by reading it, with what comes from the learner
followed through its assignments; where that cannot be told for sure, it counts as one.
"""

import ast
import builtins
from collections.abc import Iterable

# What runs its first argument, or any other, as code, by the last part of its name.
_RUNS = frozenset(
    "eval exec compile __import__ import_module run_path run_module run_cell run_line_magic run_cell_magic system "  # noqa: SIM905
    "getoutput popen Popen check_output check_call getstatusoutput query execute executemany executescript read_sql "
    "read_sql_query sqldf from_string Template attrgetter methodcaller read_pickle read_hdf unsafe_load full_load "
    "from_pickle parse_expr sympify lambdify numexpr".split()
)
_PATTERNS = frozenset(
    "compile match fullmatch search findall finditer sub subn split contains extract extractall "  # noqa: SIM905
    "replace count filter".split()
)
_OF_A_PATTERN = frozenset("match fullmatch search findall finditer sub subn".split())  # noqa: SIM905
_OF_A_TEMPLATE = frozenset("format format_map vformat substitute safe_substitute render".split())  # noqa: SIM905
_PICKLES = frozenset("pickle cPickle _pickle dill cloudpickle joblib marshal shelve jsonpickle yaml".split())  # noqa: SIM905
_READS = frozenset("open read_text read_bytes Path read readlines".split())  # noqa: SIM905
_NEVER_HANDED_ON = frozenset("eval exec compile __import__ import_module run_path read_pickle".split())  # noqa: SIM905


def helpers(sources: Iterable[str]) -> dict[str, str]:
    """Return the functions of the instructor's that give one of their arguments to something that runs it.

    Args:
        sources: the instructor's cells and modules, as Python.

    Returns:
        What runs it, by the function's name.
    """
    found: dict[str, str] = {}
    functions = [
        each
        for source in sources
        for each in ast.walk(_tree(source))
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    for _ in range(3):  # a function that calls such a function is one
        for function in functions:
            parameters = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
            what = _Reader(parameters, set(), found, {}).first(function.body)
            if what:
                found.setdefault(function.name, what)
    return found


def runs(source: str, names: set[str], files: set[str], known: dict[str, str], kinds: dict[str, str]) -> str:
    """Return what a test gives a learner's text to; "" if it runs nothing of a learner's.

    Args:
        source: the test, as Python.
        names: what it needs of the learner's.
        files: files that the source's own solution writes, by relative path.
        known: as ``helpers`` returns them.
        kinds: the types of the names, as the source's own solution has them.
    """
    return _Reader(set(names), files, known, kinds).first(_tree(source).body)


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
        known: functions of the instructor's that run an argument.
        kinds: types of the variables, where they are known.
    """

    def __init__(self, names: set[str], files: set[str], known: dict[str, str], kinds: dict[str, str]):
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
            what = self._run_by(each) if isinstance(each, ast.Call) else self._handed_on(each, callees)
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
                self.names |= {each.name for each in ast.walk(target) if isinstance(each, ast.MatchAs) and each.name}

    def _run_by(self, call: ast.Call) -> str:
        name = _last_name(call.func)
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
        given = [*call.args, *(each.value for each in call.keywords)]
        if isinstance(call.func, ast.Call) and _last_name(call.func.func) == "getattr" and len(call.func.args) > 1:
            asked = call.func.args[1]
            name, receiver = (asked.value if isinstance(asked, ast.Constant) else "getattr"), call.func.args[0]
        comes = any(map(self.comes, given))
        base = _last_name(receiver) if receiver is not None else ""
        if comes and (name in _RUNS or name in self.known or base == "subprocess"):
            return self.known.get(name, name)
        if name in ("load", "loads", "Unpickler") and base in _PICKLES and (comes or self.comes(receiver)):
            return f"{base}.{name}"
        if name == "load" and any(each.arg == "allow_pickle" for each in call.keywords) and comes:
            return "load(allow_pickle=…)"
        if name in ("getattr", "setattr") and len(call.args) > 1 and self.comes(call.args[1]):
            return name
        if name in _PATTERNS and (base in ("re", "regex", "str")) and self.comes(_pattern_of(call)):
            return f"{base}.{name}"
        if receiver is not None and self.comes(receiver):
            of_text = not any(
                isinstance(each, ast.Attribute) and each.attr in ("str", "style", "dt") for each in ast.walk(receiver)
            )
            if name in _OF_A_TEMPLATE and of_text:
                return name
            if name in _OF_A_PATTERN and of_text:
                return name
        if name == "format" and receiver is None and len(call.args) > 1 and self.comes(call.args[1]):
            return name
        return ""

    def _handed_on(self, node: ast.AST, callees: set[int]) -> str:
        """Tell of what is no call and may run something all the same: ``map(eval, answers)``, ``rule % values``."""
        if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in callees:
            name = _last_name(node)
            own = isinstance(node, ast.Attribute) or hasattr(builtins, name)
            if self.names and own and name in _NEVER_HANDED_ON and isinstance(node.ctx, ast.Load):
                return name
        left = node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) else None
        if isinstance(left, ast.Name) and left.id in self.names and self.kinds.get(left.id) == "str":
            return "%"
        if isinstance(node, ast.FormattedValue) and self.comes(node.format_spec):
            return "format"
        return ""


def _pattern_of(call: ast.Call) -> ast.AST | None:
    return next(
        (each.value for each in call.keywords if each.arg in ("pattern", "pat")), call.args[0] if call.args else None
    )


def _last_name(node: ast.AST | None) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
