"""Checking a learner's answer, and saying what was expected, what came and where to look.

``expect`` raises, for the tests of an exercise; ``tell`` prints, for the self-checks of a lesson.
Both take the same arguments, and neither ever shows the expected value.
"""

import math
import types
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from commons.errors import CheckFailed
from commons.wording import Sentence

_NOTHING = object()


def expect(
    name: str,
    value,
    kind=None,
    *,
    length: int | None = None,
    columns: Iterable[str] | None = None,
    index=None,
    within: tuple[float, float] | None = None,
    equal_to=_NOTHING,
    tolerance: float = 1e-6,
    ordered: bool = True,
    mistakes: Iterable[tuple] | Callable[[], Iterable[tuple]] = (),
    look_at: tuple[str | None, str | None] = (None, None),
) -> None:
    """Check an answer and raise on the first thing that is not as the task asks.

    Args:
        name: the variable's name, as the learner reads it.
        value: the learner's answer; ``...`` means not answered.
        kind: a type or tuple of types, ``"mask"`` (a boolean Series) or ``"function"``. ``int``
            accepts NumPy integers, ``float`` NumPy floats; a bool is never a number.
        length: how many items or rows.
        columns: names that a DataFrame must have.
        index: labels that a Series or dict must have, in any order.
        within: lowest and highest value allowed, for a number or for each number of a Series.
        equal_to: the expected value.
        tolerance: the largest difference between two numbers taken as equal, relative to 1 or to
            the larger of both.
        ordered: whether the order of a list or Series counts.
        mistakes: ``(wrong value, English, French)``: an answer equal to the wrong value gets that
            message; or a function that returns them, called where the answer is not the expected
            one: to work out what every mistake would give often takes longer than the check.
        look_at: an English and a French sentence added to any failure: where to look.

    Raises:
        CheckFailed: on the first failure.
    """
    form = (name, value, kind, length, columns, index, within)
    problem = _problem(*form)
    public = None if problem is None else _problem(*form, repeating=False)
    if (
        problem is None
        and equal_to is not _NOTHING
        and not same(value, equal_to, tolerance, ordered)
    ):
        problem = next(
            (
                Sentence(english, french)
                for wrong, english, french in (mistakes() if callable(mistakes) else mistakes)
                if same(value, wrong, tolerance, ordered)
            ),
            Sentence(
                f"`{name}` has the right form, but not the right {_what(value).english}.",
                f"`{name}` a la bonne forme, mais pas {_what(value).french}.",
            ),
        )
        if problem.english.startswith(f"`{name}`") is False:
            problem = Sentence(f"`{name}`: {problem.english}", f"`{name}` : {problem.french}")
    if problem is not None:
        hints = (
            look_at if value is not ... else _first_line(name, kind)
        )  # nothing to look at before an answer
        raise CheckFailed(
            *(
                Sentence(
                    *(
                        f"{said} {hint}" if hint else said
                        for said, hint in zip(sentence, hints, strict=True)
                    )
                )
                for sentence in (problem, public or problem)
            )
        )


def tell(name: str, value, kind=None, **conditions) -> None:
    """Check an answer and print the result in the reader's language; the arguments are those of
    ``expect``."""
    if value is ...:
        print(f"→ {_not_answered(name)}")
        return
    try:
        expect(name, value, kind, **conditions)
    except CheckFailed as failure:
        print(f"→ {failure.sentence}")
    else:
        print(Sentence(f"✓ `{name}` is as expected.", f"✓ `{name}` est conforme."))


def same(value, expected, tolerance: float = 1e-6, ordered: bool = True) -> bool:
    """Tell whether two answers are the same, whatever the exact kind of number or container.

    A missing number equals a missing number. A Series is compared by its labels, in order if
    ``ordered``.
    """
    if type(value) is type(expected) is str:  # first, since texts are many
        return value == expected
    if isinstance(expected, pd.DataFrame):
        return (
            isinstance(value, pd.DataFrame)
            and list(value.columns) == list(expected.columns)
            and all(
                same(value[column], expected[column], tolerance, ordered)
                for column in expected.columns
            )
        )
    if isinstance(expected, pd.Series):
        return isinstance(value, pd.Series) and _same_series(value, expected, tolerance, ordered)
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and set(value) == set(expected)
            and all(same(value[key], expected[key], tolerance, ordered) for key in expected)
        )
    if isinstance(expected, (set, frozenset)):
        return isinstance(value, (set, frozenset)) and value == expected
    if isinstance(expected, (list, tuple, np.ndarray, pd.Index)):
        return _same_list(value, expected, tolerance, ordered)
    if _is_number(expected):
        return _is_number(value) and _close(value, expected, tolerance)
    if isinstance(value, (pd.Series, pd.DataFrame, np.ndarray, list, dict)):
        return False
    if expected is None or expected is pd.NA or expected is pd.NaT:
        return value is expected
    return (type(value) is type(expected) and bool(value == expected)) or (
        isinstance(value, (bool, np.bool_))
        and isinstance(expected, (bool, np.bool_))
        and bool(value) == bool(expected)
    )


def _same_series(value: pd.Series, expected: pd.Series, tolerance: float, ordered: bool) -> bool:
    if len(value) != len(expected) or not value.index.is_unique or not expected.index.is_unique:
        return (
            len(value) == len(expected)
            and _same_list(list(value), list(expected), tolerance, ordered)
            and (list(value.index) == list(expected.index))
        )
    if set(value.index) != set(expected.index) or (
        ordered and list(value.index) != list(expected.index)
    ):
        return False
    return _same_list(list(value.reindex(expected.index)), list(expected), tolerance, True)


def _same_list(value, expected, tolerance: float, ordered: bool) -> bool:
    if isinstance(value, (str, bytes, dict)) or not isinstance(
        value, (list, tuple, np.ndarray, pd.Index, pd.Series)
    ):
        return False
    if len(value) != len(expected):
        return False
    if not ordered:
        left = list(value)
        for item in expected:
            found = next(
                (at for at, other in enumerate(left) if same(other, item, tolerance)), None
            )
            if found is None:
                return False
            left.pop(found)
        return True
    plain = {*map(type, value), *map(type, expected)} <= {
        str,
        int,
        float,
    }  # of these, what is equal is the same
    return all(
        (plain and one == other) or same(one, other, tolerance, ordered)
        for one, other in zip(value, expected, strict=True)
    )


def _is_number(value) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
        value, (bool, np.bool_)
    )


def _close(value, expected, tolerance: float) -> bool:
    if math.isnan(value) or math.isnan(expected):
        return math.isnan(value) and math.isnan(expected)
    return math.isclose(value, expected, rel_tol=tolerance, abs_tol=tolerance)


def _problem(
    name, value, kind, length, columns, index, within, repeating: bool = True
) -> Sentence | None:
    """Return what is wrong with an answer's form, or None; ``repeating`` what the answer itself
    words or counts."""
    if value is ...:
        return _not_answered(name)
    if kind is not None and not _is_kind(value, kind):
        wanted, came = _kind_name(kind), _value_name(value, for_list=kind is list)
        return Sentence(
            f"`{name}` should be {wanted.english}; it is {came.english}.",
            f"`{name}` devrait être {wanted.french}; c’est {came.french}.",
        )
    if columns is not None:
        absent = [column for column in columns if column not in value.columns]
        if absent:
            several = len(absent) > 1
            return Sentence(
                f"`{name}` lacks the column{'s' * several} {', '.join(absent)}.",
                f"Il manque à `{name}` {'les colonnes' if several else 'la colonne'} "
                f"{', '.join(absent)}.",
            )
    if length is not None and len(value) != length:
        english, french = (
            ("characters", "caractères")
            if isinstance(value, str)
            else ("rows", "lignes")
            if isinstance(value, (pd.DataFrame, pd.Series))
            else ("items", "éléments")
        )
        if not repeating:
            return Sentence(
                f"`{name}` does not have the number of {english} that the task asks for.",
                f"`{name}` n’a pas le nombre {_of(french)} que demande la tâche.",
            )
        return Sentence(
            f"`{name}` has {len(value)} {english}, not the number that the task asks for.",
            f"`{name}` compte {len(value)} {french}, et non le nombre que demande la tâche.",
        )
    if index is not None:
        labels = list(value) if isinstance(value, dict) else list(value.index)
        absent = [str(label) for label in index if label not in labels]
        extra = [str(label) for label in labels if label not in list(index)]
        if absent:
            return Sentence(
                f"`{name}` has no entry for {', '.join(absent[:3])}.",
                f"`{name}` n’a pas d’entrée pour {', '.join(absent[:3])}.",
            )
        if extra and not repeating:
            return Sentence(f"`{name}` has an entry too many.", f"`{name}` a une entrée de trop.")
        if extra:
            return Sentence(
                f"`{name}` has an entry too many: {', '.join(extra[:3])}.",
                f"`{name}` a une entrée de trop : {', '.join(extra[:3])}.",
            )
    if within is not None:
        low, high = within
        numbers = value if isinstance(value, pd.Series) else pd.Series([value])
        if not pd.to_numeric(numbers, errors="coerce").dropna().between(low, high).all():
            return Sentence(
                f"`{name}` should lie between {low} and {high}.",
                f"`{name}` devrait se situer entre {low} et {high}.",
            )
    return None


def _not_answered(name: str) -> Sentence:
    return Sentence(
        f"`{name}` is still `...`: not answered yet.",
        f"`{name}` vaut toujours `...` : pas encore de réponse.",
    )


def _first_line(name: str, kind) -> tuple[str | None, str | None]:
    """Say how the line of an answer begins: whoever wrote a value without its name does not know
    why it is not seen."""
    if not name.isidentifier():
        return None, None
    begins = f"`def {name}`" if kind == "function" else f"`{name} =`"
    return (
        f"Write your answer in a line that begins with {begins}.",
        f"Écrivez votre réponse dans une ligne qui commence par {begins}.",
    )


def _of(french: str) -> str:
    return f"d’{french}" if french[0] in "aeéiou" else f"de {french}"


def _is_kind(value, kind) -> bool:
    if isinstance(kind, tuple):
        return any(_is_kind(value, each) for each in kind)
    if kind == "mask":
        return isinstance(value, pd.Series) and pd.api.types.is_bool_dtype(value)
    if kind == "function":
        return callable(value) and not isinstance(value, type)
    if kind is int:
        return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    if kind is float:
        return isinstance(value, (float, np.floating))
    if kind is bool:
        return isinstance(value, (bool, np.bool_))
    return isinstance(value, kind)


_NAMES = {
    int: Sentence("a whole number", "un nombre entier"),
    float: Sentence("a decimal number", "un nombre décimal"),
    bool: Sentence("True or False", "True ou False"),
    str: Sentence("text, between quotation marks", "du texte, entre guillemets droits"),
    list: Sentence("a list", "une liste"),
    tuple: Sentence("a tuple", "un tuple"),
    dict: Sentence("a dictionary", "un dictionnaire"),
    set: Sentence("a set", "un ensemble"),
    pd.Series: Sentence("a column (Series)", "une colonne (Series)"),
    pd.DataFrame: Sentence("a table (DataFrame)", "un tableau (DataFrame)"),
    "mask": Sentence("a column of True and False", "une colonne de True et de False"),
    "function": Sentence("a function", "une fonction"),
    type(None): Sentence("nothing (None)", "vide (None)"),
    types.FunctionType: Sentence("a function", "une fonction"),
    types.MethodType: Sentence(
        "a method without its parentheses", "une méthode sans ses parenthèses"
    ),
}


def _kind_name(kind) -> Sentence:
    if isinstance(kind, tuple):
        names = [_kind_name(each) for each in kind]
        return Sentence(
            " or ".join(each.english for each in names), " ou ".join(each.french for each in names)
        )
    return _NAMES.get(
        kind,
        Sentence(f"a {getattr(kind, '__name__', kind)}", f"un {getattr(kind, '__name__', kind)}"),
    )


def _value_name(value, for_list: bool = False) -> Sentence:
    if isinstance(value, (bool, np.bool_)):
        return _NAMES[bool]
    if isinstance(value, np.integer):
        return _NAMES[int]
    if isinstance(value, np.floating):
        return _NAMES[float]
    if isinstance(
        value, (np.ndarray, pd.Index, pd.api.extensions.ExtensionArray)
    ):  # such as .unique() gives
        if for_list:
            return Sentence(
                "an array, which list(…) turns into a list",
                "une suite de valeurs, dont list(…) fait une liste",
            )
        return Sentence(
            "an array: several values at once", "une suite : plusieurs valeurs à la fois"
        )
    return _NAMES.get(
        type(value), Sentence(f"a {type(value).__name__}", f"un {type(value).__name__}")
    )


def _what(value) -> Sentence:
    """Name what to look at in a wrong value, by its kind."""
    if isinstance(value, pd.Series):
        return Sentence(
            "values, labels or order", "les bonnes valeurs, les bonnes étiquettes ou le bon ordre"
        )
    if isinstance(value, (list, tuple, dict, set, pd.DataFrame)):
        return Sentence("contents", "le bon contenu")
    return Sentence("value", "la bonne valeur")
