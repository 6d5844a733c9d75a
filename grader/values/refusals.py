"""Stand-ins for values that may not reach the checker, and their names in plain words."""

from commons.wording import Sentence, number, typeset

MOST_DIGITS = 20_000  #: of an integer that can cross


class Refused:
    """What stands for a value that cannot reach the checker; whatever a test does with it raises
    ``CannotCross``.

    Args:
        what: what the value is, in both languages: "a value of type X".
        name: the name that it was given, where it is an answer.
        expected: what the answer of the source's own solution is, in both languages; None where
            nobody knows.
    """

    def __init__(self, what: Sentence, name: str = "", expected: Sentence | None = None):
        object.__setattr__(self, "_about", (what, name, expected))

    def __getattribute__(self, name):
        raise CannotCross(*object.__getattribute__(self, "_about"))

    def _refuse(self, *_, **__):
        raise CannotCross(*object.__getattribute__(self, "_about"))

    __hash__ = _refuse


for _names in (
    "eq ne lt le gt ge len iter next bool call contains getitem setitem delitem add radd sub rsub "
    "mul rmul matmul",
    "truediv rtruediv floordiv rfloordiv mod rmod pow rpow and rand or ror xor rxor neg pos abs "
    "invert int float",
    "complex index round enter exit str repr format reversed array length_hint",
):
    for _name in _names.split():
        setattr(Refused, f"__{_name}__", Refused._refuse)


def named(value, name: str, expected: Sentence | None = None):
    """Return an answer; one that was refused is told its name, and what was expected in its
    place."""
    if type(value) is not Refused:
        return value
    what, _, _ = object.__getattribute__(value, "_about")
    return Refused(what, name, expected)


class CannotCross(Exception):
    """Raised when a test uses a value that is not plain data.

    Args:
        what: what the value is, in both languages.
        name: its name; "" if it has none.
        expected: what was expected, in both languages; None where nobody knows.
    """

    last: "CannotCross | None" = (
        None  #: the last one that was raised, for a test that goes on all the same
    )

    def __init__(self, what: Sentence, name: str = "", expected: Sentence | None = None):
        self.what, self.name, self.expected = what, name, expected
        CannotCross.last = self
        super().__init__(f"{self.public.english}\n{self.public.french}")

    @property
    def public(self) -> Sentence:
        """What a learner may be told: it names types, and nothing that the answer holds."""
        subject = Sentence("This is", "C’est")
        if self.name:
            subject = Sentence(f"`{self.name}` is", f"`{self.name}` est")
        wanted = Sentence(
            "give plain data: a number, text, a list, a table",
            "donnez une donnée simple : un nombre, un texte, une liste, un tableau",
        )
        if self.expected is not None:
            wanted = Sentence(
                f"I expected {self.expected.english}", f"il faut {self.expected.french}"
            )
        return Sentence(
            f"{subject.english} {self.what.english}, which cannot be marked; {wanted.english}.",
            typeset(
                f"{subject.french} {self.what.french}, qu’on ne peut pas noter; {wanted.french}."
            ),
        )

    def _render_traceback_(self) -> list[str]:
        return [f"CannotCross: {self}"]


_KINDS = {  # of the types that beginners make most, by the type's name
    "bool": ("True or False", "True ou False"),
    "int": ("a whole number", "un nombre entier"),
    "float": ("a number", "un nombre"),
    "str": ("a text", "un texte"),
    "list": ("a list", "une liste"),
    "tuple": ("a tuple", "un tuple"),
    "dict": ("a dictionary", "un dictionnaire"),
    "set": ("a set", "un ensemble"),
    "function": ("a function", "une fonction"),
    "DataFrame": ("a table (DataFrame)", "un tableau (DataFrame)"),
    "Series": ("a column (Series)", "une colonne (Series)"),
    "ndarray": ("an array (ndarray)", "un tableau NumPy (ndarray)"),
    "Figure": ("a chart (Figure)", "un graphique (Figure)"),
    "Axes": ("the axes of a chart (Axes)", "les axes d’un graphique (Axes)"),
    "a chart": (
        "a chart that is too large, or of a kind that cannot be drawn again",
        "un graphique trop grand, ou d’un genre qu’on ne peut pas redessiner",
    ),
    "DataFrameGroupBy": (
        "a grouped table, of which nothing was computed yet (DataFrameGroupBy)",
        "un tableau groupé dont rien n’a encore été calculé (DataFrameGroupBy)",
    ),
    "SeriesGroupBy": (
        "a grouped column, of which nothing was computed yet (SeriesGroupBy)",
        "une colonne groupée dont rien n’a encore été calculé (SeriesGroupBy)",
    ),
    "Styler": (
        "a table made for show (Styler)",
        "un tableau mis en forme pour l’affichage (Styler)",
    ),
    "Match": ("what a search found (a Match)", "ce qu’une recherche a trouvé (Match)"),
    "TextIOWrapper": ("an open file", "un fichier ouvert"),
    "module": ("a module", "un module"),
    "code": ("a text that would be run as code", "un texte qui serait exécuté comme du code"),
    "pickle": (
        "a pickle, which could run code",
        "un fichier pickle, qui pourrait exécuter du code",
    ),
    "an array with named fields": (
        "an array with named fields",
        "un tableau NumPy à champs nommés",
    ),
    "a function in a value": (
        "a value that holds a function",
        "une valeur qui contient une fonction",
    ),
    "a long integer": (
        f"an integer of more than {MOST_DIGITS:,} digits",
        f"un entier de plus de {number(MOST_DIGITS, 0, 'fr')} chiffres",
    ),
    "a large value": (
        "a value that is too large or nested too deep",
        "une valeur trop grande ou imbriquée trop profondément",
    ),
    "?": ("a value that cannot be read here", "une valeur illisible ici"),
    "itself": ("a value that holds itself", "une valeur qui se contient elle-même"),
}


def kind_of(name: str) -> Sentence:
    """Return what a value of a type is, in both languages.

    Args:
        name: the type's name. It may be a learner's, so that what cannot be read in it is left out.
    """
    if name in _KINDS:
        return Sentence(*_KINDS[name])
    name = (
        "".join(mark for mark in str(name)[:80] if mark.isprintable() and mark not in "<>`\\")
        or "?"
    )
    if name.startswith("class "):
        return Sentence(f"the {name}", f"la classe {name.removeprefix('class ')}")
    return Sentence(f"a value of type {name}", f"une valeur de type {name}")


def is_function(value) -> bool:
    """Say whether a test could call a value: a value that was refused cannot be."""
    return callable(value) and type(value) is not Refused
