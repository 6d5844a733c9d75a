"""Is the help of every command in one language, the reader's, click's own words included?"""

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from commons.command_help import (
    BilingualGroup,
    argument,
    lang_option,
    option,
    version_option,
)
from commons.wording import Sentence
from tests.helpers.places import ROOT


@click.group(
    cls=BilingualGroup,
    french="Essayer l’aide.",
    epilog=Sentence("The end.", "La fin."),
)
@version_option("1.0", "trial")
@lang_option
def trial() -> None:
    """Try the help."""


@trial.command(french="Lire une table.")
@argument("name", metavar=Sentence("NAME", "NOM"))
@option("--rows", type=int, default=3, show_default=True, help=Sentence("Rows.", "Lignes."))
def read(name: str, rows: int) -> None:
    """Read a table."""
    click.echo(f"{name} {rows}")


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("PORTAIL_LANG", "en")


def said(*words: str) -> str:
    return CliRunner().invoke(trial, words, prog_name="trial").output


def test_help_is_in_english_where_no_language_is_chosen():
    assert said("--help").split("\n") == [
        "Usage: trial [OPTIONS] COMMAND [ARGS]...",
        "",
        "  Try the help.",
        "",
        "Options:",
        "  --version       Show the version and exit.",
        "  --lang [en|fr]  Language of messages and help.",
        "  --help          Show this message and exit.",
        "",
        "Commands:",
        "  read  Read a table.",
        "",
        "  The end.",
        "",
    ]


FRENCH_HELP = [
    "Utilisation\u00a0: trial [OPTIONS] COMMANDE [ARGUMENTS]...",
    "",
    "  Essayer l’aide.",
    "",
    "Options\u00a0:",
    "  --version       Afficher la version.",
    "  --lang [en|fr]  Langue des messages et de l’aide.",
    "  --help          Afficher cette aide.",
    "",
    "Commandes\u00a0:",
    "  read  Lire une table.",
    "",
    "  La fin.",
    "",
]


@pytest.mark.parametrize("words", [("--lang", "fr", "--help"), ("--help", "--lang", "fr")])
def test_help_is_in_the_language_asked_for_wherever_it_is_asked_for(words):
    assert said(*words).split("\n") == FRENCH_HELP


def test_help_is_in_the_language_of_the_environment(monkeypatch):
    monkeypatch.setenv("PORTAIL_LANG", "fr")
    assert said("--help").split("\n") == FRENCH_HELP


def test_a_commands_help_has_its_options_and_defaults_in_french():
    shown = said("--lang", "fr", "read", "--help")
    assert "Utilisation\u00a0: trial read [OPTIONS] NOM" in shown
    assert re.search(r"--rows ENTIER\s+Lignes\.\s+\[par défaut\u00a0: 3\]", shown)


@pytest.mark.parametrize(
    ("words", "english", "french"),
    [
        (("read",), "Missing argument 'NAME'.", "Il manque l’argument 'NOM'."),
        (("sing",), "No such command 'sing'.", "Commande inconnue\u00a0: sing."),
        (("read", "x", "--rows", "many"), "is not a valid integer", "many n’est pas un nombre"),
        (("read", "x", "--loud"), "No such option", "Option inconnue\u00a0: --loud"),
        (("read", "x", "y"), "unexpected extra argument (y)", "Argument en trop (y)"),
    ],
)
def test_what_click_refuses_is_said_in_the_readers_language(words, english, french):
    assert english in said(*words) and english not in said("--lang", "fr", *words)
    assert french in said("--lang", "fr", *words)


# The project's own commands -----------------------------------------------------------------------


def commands() -> list[tuple[str, click.Command]]:
    from curriculum.__main__ import curriculum
    from portail.commands import portail

    groups = [("portail", portail), ("curriculum", curriculum)]
    if sys.platform == "linux":
        from grader.cli.main import grader
        from room.__main__ import room

        groups += [("grader", grader), ("room", room)]
    return [
        (f"{name} {inner.name}".strip(), inner)
        for name, group in groups
        for inner in (group, *group.commands.values())
    ]


@pytest.mark.parametrize(
    "command", [each for _, each in commands()], ids=[name for name, _ in commands()]
)
def test_a_command_and_its_options_have_help_in_both_languages(command):
    lacking = [] if isinstance(command._help_in_both, Sentence) else [command.name]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not isinstance(
            getattr(parameter, "_help_in_both", None), Sentence
        ):
            lacking.append(parameter.opts[0])
    assert lacking == []


@pytest.mark.parametrize(
    "command", [each for _, each in commands()], ids=[name for name, _ in commands()]
)
def test_a_commands_help_is_not_bilingual_side_by_side(command, monkeypatch):
    shown = {}
    for language in ("en", "fr"):
        monkeypatch.setenv("PORTAIL_LANG", language)
        shown[language] = CliRunner().invoke(command, ["--help"]).output
    assert " / " not in shown["en"] + shown["fr"]
    assert "Show this" not in shown["fr"] and "Afficher" not in shown["en"]
    assert not re.search(r"[a-zé] :(\s|$)|\w'[a-zé]", shown["fr"], re.M)


def test_a_command_speaks_french_from_the_shell():
    done = subprocess.run(
        [sys.executable, "-m", "portail.commands", "--lang", "fr", "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0 and "Commandes\u00a0:" in done.stdout
