"""The command ``portail``: the datasets and the portal, from a terminal.

Exit codes: 0 all is well; 1 something was found (a changed or unreachable table, a failed check of
the set-up, a refresh that did not succeed); 2 the command could not run (an unknown name, a folder
or port that cannot be used); 130 stopped by Ctrl-C.
"""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from commons import __version__, wording
from commons.command_help import BilingualGroup, argument, lang_option, option, version_option
from commons.ending import EXIT_FOUND, end_with
from commons.wording import Sentence, date, number
from portail import datasets, doctor
from portail.errors import PortalProblem

_NAMES = Sentence("[NAMES]...", "[NOMS]...")
_STATES = {
    "ok": Sentence("ok", "conforme"),
    "changed": Sentence("changed", "modifié"),
    "unreachable": Sentence("unreachable", "injoignable"),
    "not live": Sentence("not live (dated figures)", "hors portail (chiffres datés)"),
}
_KINDS = {
    "snapshot": Sentence("copy", "copie"),
    "figures": Sentence("figures", "chiffres"),
    "synthetic": Sentence("SYNTHETIC", "SYNTHÉTIQUE"),
}


def main() -> None:
    """Run the command and end the process with its exit code."""
    end_with(portail, found=(PortalProblem,))


@click.group(
    cls=BilingualGroup,
    french="Le portail ouvert.canada.ca pour apprendre : en direct, en copie datée ou dans la "
    "salle.",
    epilog=Sentence(
        "Exit codes: 0 all is well; 1 something was found; 2 could not run; 130 stopped by Ctrl-C.",
        "Codes de sortie : 0 tout va bien; 1 quelque chose a été trouvé; 2 exécution impossible; "
        "130 arrêt par Ctrl-C.",
    ),
)
@version_option(__version__, "portail")
@lang_option
def portail() -> None:
    """The open.canada.ca portal for learners: live, dated or in the room."""


@portail.command("list", french="Énumérer les jeux de données : nature, date, lignes.")
def list_() -> int:
    """List the datasets here: kind, date, rows."""
    from portail.drift import rows_of_copy

    table = Table(
        "name" if wording.language() == "en" else "nom",
        *_heads("title", "kind", "date"),
        Sentence("rows", "lignes").__str__(),
    )
    for name in datasets.names():
        dataset = datasets.find(name)
        when = date(dataset.retrieved) if dataset.retrieved else "–"
        table.add_row(
            name,
            dataset.text("title"),
            str(_KINDS[dataset.kind]),
            when,
            number(rows_of_copy(dataset)),
        )
    _console().print(table)
    return 0


@portail.command(french="Décrire un jeu de données : ce que c’est, ses colonnes, sa licence.")
@argument("name", metavar=Sentence("NAME", "NOM"))
def show(name: str) -> int:
    """Show one dataset: what it is, its columns, its licence."""
    from portail.tables import source_line

    dataset = datasets.find(name)
    console = _console()
    console.print(f"[bold]{dataset.text('title')}[/bold]\n{dataset.text('description')}")
    console.print(source_line(name))
    console.print(f"{Sentence('Card', 'Fiche')} : {dataset.folder / 'README.md'}", soft_wrap=True)
    table = Table(Sentence("column", "colonne").__str__(), "type", *_heads("title"))
    for field in dataset.fields:
        title = field.get("title_fr" if wording.language() == "fr" else "title", "")
        table.add_row(field["name"], field["type"], title)
    console.print(table)
    return 0


@portail.command(
    french="""Rafraîchir votre copie : des lignes en direct, toutes ou aucune.

    Les lignes sont d’abord validées; votre copie d’avant reste tant que la nouvelle n’est pas
    entière.
    """
)
@argument("names", nargs=-1, metavar=_NAMES)
@option(
    "--all",
    "every",
    is_flag=True,
    help=Sentence(
        "Every dataset that has an address on the portal.",
        "Tous les jeux de données qui ont une adresse sur le portail.",
    ),
)
def refresh(names: tuple[str, ...], every: bool) -> int:
    """Fetch live rows, whole or not at all, into your own copy.

    The rows are validated first; your earlier copy stays until the new one is whole.
    """
    from portail.refresh import refresh as fetch

    if every:
        names = tuple(name for name in datasets.names() if "download" in datasets.find(name).portal)
    if not names:
        raise click.UsageError(
            str(
                Sentence(
                    "Name a dataset, or use --all. portail list shows the names.",
                    "Nommez un jeu de données, ou utilisez --all. Les noms : portail list.",
                )
            )
        )
    code = 0
    for name in names:
        datasets.find(name)  # an unknown name stops before anything is fetched
    for name in names:
        with Progress(
            TextColumn(name),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bar:
            task = bar.add_task(name, total=None)
            try:
                done = fetch(
                    name,
                    lambda at, total, task=task, bar=bar: bar.update(
                        task, completed=at, total=total
                    ),
                )
            except PortalProblem as problem:
                click.echo(f"{name} : {problem}", err=True)
                code = EXIT_FOUND
                continue
        click.echo(
            f"{name} : {number(done.rows)} {Sentence('rows', 'lignes')}, {done.dataset.retrieved}"
        )
        for found in done.findings:
            click.echo(f"  {found.sentence}")
    return code


@portail.command(
    french="Comparer chaque copie au portail : conforme, modifiée ou portail injoignable."
)
@argument("names", nargs=-1, metavar=_NAMES)
def check(names: tuple[str, ...]) -> int:
    """Tell ok, changed or unreachable for each dataset."""
    from portail.refresh import check as compare

    code = 0
    for name in names or datasets.names():
        found = compare(name)
        click.echo(f"{name} : {_STATES[found.state]}")
        for reason in found.reasons:
            click.echo(f"  {reason}")
        if found.state in ("changed", "unreachable"):
            code = EXIT_FOUND
    return code


@portail.command(french="Servir de portail à une salle sans réseau.")
@option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help=Sentence(
        "A folder of portal files with its sources.csv, served instead of the datasets here.",
        "Un dossier de fichiers du portail, avec son sources.csv, servi à la place des jeux de "
        "données d’ici.",
    ),
)
@option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help=Sentence(
        "Address to listen on; 0.0.0.0 for a whole room.",
        "Adresse d’écoute; 0.0.0.0 pour toute une salle.",
    ),
)
@option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help=Sentence("Port to listen on.", "Port d’écoute."),
)
@option(
    "--room",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help=Sentence(
        "What `python -m curriculum bundle` wrote, for laptops to install from.",
        "Ce qu’a produit `python -m curriculum bundle`, pour installer les postes.",
    ),
)
def serve(data: Path | None, host: str, port: int, room: Path | None) -> int:
    """Be the portal of a room without a network."""
    from portail.server import make_server, own_address

    server = make_server(data, host, port, room)
    address = f"http://{own_address() if host == '0.0.0.0' else host}:{server.effective_port}"
    click.echo(
        Sentence(
            f"The room’s portal answers at {address}. Learners set PORTAIL_URL={address}. Ctrl-C "
            "stops it.",
            f"Le portail de la salle répond à {address}. Sur chaque poste : PORTAIL_URL={address}. "
            "Ctrl-C l’arrête.",
        )
    )
    if room:
        click.echo(
            Sentence(
                f"What laptops install from: {address}/room/",
                f"Ce qu’il faut pour installer les postes : {address}/room/",
            )
        )
    try:
        server.run()
    finally:
        server.close()
    return 0


@portail.command("doctor", french="Vérifier l’installation et dire comment y remédier.")
def doctor_() -> int:
    """Check this set-up and say how to mend it."""
    return doctor.report(doctor.before_install() + doctor.after_install(), wording.language())


def _console() -> Console:
    """A console as wide as the terminal, and wide enough for names where there is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=140)


def _heads(*names: str) -> list[str]:
    french = {
        "title": "titre",
        "kind": "nature",
        "date": "date",
    }
    return [french.get(name, name) if wording.language() == "fr" else name for name in names]


if __name__ == "__main__":
    main()
