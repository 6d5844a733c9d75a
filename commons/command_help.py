"""Help of commands in one language, the reader's: that of ``--lang`` or ``PORTAIL_LANG``.

English help stands where click looks for it, in the function's docstring; French is given beside
it. An option's help, a group's epilogue and a metavar are a ``Sentence``::

    @click.group(cls=BilingualGroup, french="Noter une cohorte.")
    @lang_option
    def grader() -> None:
        \"\"\"Grade a cohort.\"\"\"

    @grader.command(french="Recueillir les copies.")
    @argument("name", metavar=Sentence("NAME", "NOM"))
    @option("--quiet", is_flag=True, help=Sentence("Say less.", "En dire moins."))
    def collect(name: str, quiet: bool) -> int:
        \"\"\"Collect what was handed in.\"\"\"

Importing this module also gives click's own words ("Usage", "Missing option") a French text.
"""

import functools
import gettext
import inspect

import click
import click.decorators
import click.exceptions
import click.formatting
import click.parser
import click.termui
import click.types

from commons.language import use_language
from commons.wording import LANGUAGES, Sentence, language, typeset

_NBSP = "\u00a0"
_LONGEST_SENTENCE = 200
#: click's own messages; a heading ends in a no-break space, as click adds the colon itself
CLICK_IN_FRENCH = {
    "Usage:": f"Utilisation{_NBSP}:",
    "Options": f"Options{_NBSP}",
    "Commands": f"Commandes{_NBSP}",
    "Positional arguments": f"Arguments{_NBSP}",
    "Show this message and exit.": "Afficher cette aide.",
    "Show the version and exit.": "Afficher la version.",
    "default: {default}": f"par défaut{_NBSP}: {{default}}",
    "env var: {var}": f"variable{_NBSP}: {{var}}",
    "required": "obligatoire",
    "Aborted!": "Abandon.",
    "Error: {message}": f"Erreur{_NBSP}: {{message}}",
    "Try '{command} {option}' for help.": f"Pour obtenir de l’aide{_NBSP}: {{command}} {{option}}",
    "Missing command.": "Il manque une commande.",
    "Missing argument": "Il manque l’argument",
    "Missing option": "Il manque l’option",
    "Missing parameter": "Il manque le paramètre",
    "Missing parameter: {param_name}": "Il manque le paramètre {param_name}",
    "No such command {name!r}.": f"Commande inconnue{_NBSP}: {{name}}.",
    "No such option {name!r}.": f"Option inconnue{_NBSP}: {{name}}.",
    "No such option: {name}": f"Option inconnue{_NBSP}: {{name}}",
    "Did you mean {possibility}?": "Vouliez-vous dire {possibility}?",
    "(Did you mean one of: {possibilities}?)": "(Vouliez-vous dire {possibilities}?)",
    "Got unexpected extra argument ({args})": "Argument en trop ({args})",
    "Got unexpected extra arguments ({args})": "Arguments en trop ({args})",
    "Invalid value: {message}": f"Valeur non valide{_NBSP}: {{message}}",
    "Invalid value for {param_hint}: {message}": (
        f"Valeur non valide pour {{param_hint}}{_NBSP}: {{message}}"
    ),
    "Option {name!r} does not take a value.": "L’option {name} ne prend pas de valeur.",
    "Option {name!r} requires an argument.": "L’option {name} demande une valeur.",
    "Option {name!r} requires {nargs} arguments.": "L’option {name} demande {nargs} valeurs.",
    "Argument {name!r} takes {nargs} values.": "L’argument {name} prend {nargs} valeurs.",
    "{value!r} is not {choice}.": "{value} n’est pas {choice}.",
    "{value!r} is not one of {choices}.": (
        f"{{value}} n’est pas une valeur possible{_NBSP}: {{choices}}."
    ),
    "Choose from:\n\t{choices}": f"Valeurs possibles{_NBSP}:\n\t{{choices}}",
    "{value} is not in the range {range}.": "{value} n’est pas dans l’intervalle {range}.",
    "{value!r} is not a valid {number_type}.": "{value} n’est pas un nombre valide.",
    "{name} {filename!r} does not exist.": "{filename} n’existe pas.",
    "{name} {filename!r} is a file.": "{filename} est un fichier.",
    "{name} {filename!r} is a directory.": "{filename} est un dossier.",
    "{name} {filename!r} is not readable.": "{filename} ne peut pas être lu.",
    "{name} {filename!r} is not writable.": "{filename} ne peut pas être modifié.",
    "Could not open file {filename!r}: {message}": (
        f"Impossible d’ouvrir le fichier {{filename}}{_NBSP}: {{message}}"
    ),
}
_METAVARS_IN_FRENCH = {
    "TEXT": "TEXTE",
    "INTEGER": "ENTIER",
    "INTEGER RANGE": "ENTIER",
    "FLOAT": "NOMBRE",
    "FLOAT RANGE": "NOMBRE",
    "FILE": "FICHIER",
    "DIRECTORY": "DOSSIER",
    "PATH": "CHEMIN",
    "COMMAND [ARGS]...": "COMMANDE [ARGUMENTS]...",
}


class InReadersLanguage:
    """An attribute that may be given as a ``Sentence`` and reads as its text in the reader's
    language."""

    def __set_name__(self, owner, name: str):
        self.place = f"_{name}_in_both"

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        value = getattr(instance, self.place, None)
        return str(value) if isinstance(value, Sentence) else value

    def __set__(self, instance, value):
        setattr(instance, self.place, value)


class BilingualOption(click.Option):
    """An option whose help may be a ``Sentence``."""

    help = InReadersLanguage()
    metavar = InReadersLanguage()

    def __init__(self, *declarations, help: Sentence | str | None = None, **attributes):
        super().__init__(*declarations, **attributes)
        self.help = help

    def make_metavar(self, *context, **named_context) -> str:
        """Return what stands for the value in help, in the reader's language."""
        return _metavar(super().make_metavar(*context, **named_context))


class BilingualArgument(click.Argument):
    """An argument whose metavar may be a ``Sentence``."""

    metavar = InReadersLanguage()


class BilingualCommand(click.Command):
    """A command whose help is in the reader's language.

    Args:
        french: the French of the help; the English is the function's docstring.
    """

    help = InReadersLanguage()
    epilog = InReadersLanguage()

    def __init__(self, *arguments, french: str | None = None, **attributes):
        super().__init__(*arguments, **attributes)
        if french is not None:
            self.help = Sentence(inspect.cleandoc(self.help or ""), inspect.cleandoc(french))

    def get_help_option(self, context: click.Context) -> click.Option | None:
        """Return ``--help``, described in the reader's language."""
        help_option = super().get_help_option(context)
        if help_option is not None:
            help_option.help = _in_readers_language("Show this message and exit.")
        return help_option

    def get_short_help_str(self, limit: int = 0) -> str:
        """Return the first sentence of the help, whole, for the group's list of commands."""
        short = super().get_short_help_str(max(limit, _LONGEST_SENTENCE))
        return typeset(short) if language() == "fr" else short  # click made its spaces plain

    def collect_usage_pieces(self, context: click.Context) -> list[str]:
        """Return the parts of the line that says how the command is used."""
        return [_metavar(piece) for piece in super().collect_usage_pieces(context)]


class BilingualGroup(BilingualCommand, click.Group):
    """A group of commands whose help is in the reader's language."""

    command_class = BilingualCommand
    group_class = type

    def get_help_option(self, context: click.Context) -> click.Option | None:
        """Return ``--help``, which waits for ``--lang`` even where it stands before it."""
        help_option = super().get_help_option(context)
        if help_option is not None:
            help_option.is_eager = False
        return help_option


option = functools.partial(click.option, cls=BilingualOption)
argument = functools.partial(click.argument, cls=BilingualArgument)


def lang_option(function):
    """Add ``--lang`` to a command; what is shown after it, help included, is in that language."""

    def choose(_context, _parameter, chosen: str | None) -> None:
        if chosen:
            use_language(chosen)

    return option(
        "--lang",
        type=click.Choice(LANGUAGES),
        is_eager=True,
        expose_value=False,
        callback=choose,
        help=Sentence("Language of messages and help.", "Langue des messages et de l’aide."),
    )(function)


def version_option(version: str, command: str):
    """Return a decorator that adds ``--version``.

    Args:
        version: what it says.
        command: the command's name.
    """
    english = "Show the version and exit."
    return click.version_option(
        version,
        prog_name=command,
        cls=BilingualOption,
        help=Sentence(english, CLICK_IN_FRENCH[english]),
    )


def _metavar(english: str) -> str:
    return _METAVARS_IN_FRENCH.get(english, english) if language() == "fr" else english


def _in_readers_language(message: str) -> str:
    """Translate one of click's messages; click calls this in place of ``gettext``."""
    french = CLICK_IN_FRENCH.get(message) if language() == "fr" else None
    return french or gettext.gettext(message)


def _in_readers_language_by_number(one: str, many: str, number: int) -> str:
    """Translate one of click's messages that depend on a number."""
    return _in_readers_language(one if number == 1 else many)


for _module in (
    click.core,
    click.decorators,
    click.exceptions,
    click.formatting,
    click.parser,
    click.termui,
    click.types,
):
    if hasattr(_module, "_"):
        _module._ = _in_readers_language
    if hasattr(_module, "ngettext"):
        _module.ngettext = _in_readers_language_by_number
