"""``python -m curriculum``: what authors, instructors and learners do with the lessons as files.

Exit codes: 0 done; 1 something to mend was found; 2 could not run; 130 stopped by Ctrl-C.
"""

import os
from pathlib import Path

import click

from commons import wording
from commons.command_help import BilingualGroup, argument, lang_option, option
from commons.ending import end_with
from commons.errors import BilingualError
from commons.language import use_language
from commons.wording import Sentence
from curriculum import assessment as assessing
from curriculum import execute as execution
from curriculum import listing, notebooks, release, translation
from curriculum.lessons import LANGUAGES, ROOT, Curriculum
from curriculum.rules.exercises import of_assessment, of_exercise
from curriculum.rules.lessons import of_lesson
from portail import doctor

_SLUGS = Sentence("[LESSONS]...", "[LEÇONS]...")


def _to(folder: str) -> Sentence:
    """Return the help of an option that says where to write."""
    return Sentence(f"Where to write; {folder} if left out.", f"Où écrire; sinon, dans {folder}.")


@click.group(
    cls=BilingualGroup,
    french="Leçons et exercices : produire, exécuter, vérifier, traduire.",
    epilog=Sentence(
        "Exit codes: 0 all is well; 1 something was found; 2 could not run; 130 stopped by Ctrl-C.",
        "Codes de sortie : 0 tout va bien; 1 quelque chose a été trouvé; 2 exécution impossible; "
        "130 arrêt par Ctrl-C.",
    ),
)
@lang_option
def curriculum() -> None:
    """Lessons and exercises: build, run, check, translate."""


@curriculum.command(
    french="""Préparer votre espace de travail et ouvrir JupyterLab à la page de départ.

    Ce que vous avez modifié est gardé; le reste est mis à jour.
    """
)
@option(
    "--lang",
    type=click.Choice(LANGUAGES),
    is_eager=True,
    expose_value=False,
    callback=lambda _context, _option, chosen: chosen and use_language(chosen),
    help=Sentence(
        "Language of JupyterLab and of the start page.",
        "Langue de JupyterLab et de la page de départ.",
    ),
)
@option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "learner",
    help=Sentence(
        "Where your workspace is; learner/ in the project if left out.",
        "Où se trouve votre espace de travail; sinon, learner/ dans le projet.",
    ),
)
@option(
    "--portal",
    help=Sentence("Address of the room’s portal.", "Adresse du portail de la salle."),
)
@option(
    "--build-only",
    is_flag=True,
    help=Sentence(
        "Build the workspace and do not open JupyterLab.",
        "Préparer l’espace de travail sans ouvrir JupyterLab.",
    ),
)
def learn(folder: Path, portal: str | None, build_only: bool) -> int:
    """Build your workspace and open JupyterLab on the start page.

    What you changed is kept; the rest is brought up to date.
    """
    from curriculum.workspace import build, jupyterlab

    if portal:
        os.environ["PORTAIL_URL"] = portal
    folder = folder.resolve()
    found = [
        doctor.check_datasets(),
        doctor.check_folder(str(folder if folder.is_dir() else folder.parent)),
        doctor.check_proxy(),
        doctor.check_port(),
        doctor.check_portal(),
    ]
    if doctor.report(found, wording.language()):
        return 2
    for path in build.build(folder):
        click.echo(
            Sentence(
                f"Kept as you changed it: {path} (rename it to receive the newer version)",
                f"Gardé tel que vous l’avez modifié : {path} (renommez-le pour recevoir la "
                "nouvelle version)",
            )
        )
    return 0 if build_only else jupyterlab.open_lab(folder)


@curriculum.command("release", french="Produire les versions à distribuer (release/, release-fr/).")
@option(
    "--course",
    type=click.Path(path_type=Path),
    default=release.COURSE,
    help=Sentence(
        "Your own private course, a copy of exercises/; the project’s if left out.",
        "Votre propre cours privé, une copie d’exercises/; sinon, celui du projet.",
    ),
)
def release_(course: Path) -> int:
    """Build release/ and release-fr/ of the course."""
    for language in LANGUAGES:
        for path in release.release(language, course.resolve()):
            click.echo(path)
    return 0


@curriculum.command(
    french="Exécuter de nouveau chaque leçon sur les copies livrées et garder ses sorties."
)
@argument("slugs", nargs=-1, metavar=_SLUGS)
def execute(slugs: tuple[str, ...]) -> int:
    """Run every lesson anew on the shipped copies and keep its outputs."""
    for path in execution.execute(list(slugs)):
        click.echo(path.relative_to(ROOT))
    return 0


@curriculum.command(
    french="Confirmer que les cellules françaises traduisent les cellules anglaises actuelles."
)
@argument("slugs", nargs=-1, metavar=_SLUGS)
def stamp(slugs: tuple[str, ...]) -> int:
    """Record that the French cells translate the English ones as they are now."""
    for english, french in _pairs():
        if slugs and english.stem not in slugs:
            continue
        translated = notebooks.read(french)
        stamped = translation.stamp(notebooks.read(english), translated)
        if stamped:
            notebooks.write(translated, french)
            click.echo(f"{french.relative_to(ROOT)}: {len(stamped)}")
    return 0


@curriculum.command(
    french="Produire les tests d’avant et d’après à partir de la banque de questions."
)
@option(
    "--course",
    type=click.Path(path_type=Path),
    default=release.COURSE,
    help=Sentence(
        "Your own private course, with its own assessment.toml; the project’s if left out.",
        "Votre propre cours privé, avec son propre assessment.toml; sinon, celui du projet.",
    ),
)
def assessment(course: Path) -> int:
    """Write the pre- and post-assessment from the bank of items."""
    for path in assessing.write(course.resolve()):
        click.echo(path)
    return 0


@curriculum.command(french="Énumérer les leçons par parcours, avec volets et minutes.")
def lessons() -> int:
    """List the lessons by path, with strands and minutes."""
    listing.print_lessons(Curriculum.read(), wording.language())
    return 0


@curriculum.command(
    french="Vérifier chaque leçon et chaque exercice, et énumérer ce qui est à corriger."
)
def check() -> int:
    """Hold every lesson and exercise to the rules and print the complaints."""
    found = complaints()
    for each in found:
        click.echo(each)
    return 1 if found else 0


@curriculum.command(french="Produire chaque leçon en page accessible.")
@option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "build" / "pages",
    help=_to("build/pages"),
)
def pages(folder: Path) -> int:
    """Render every lesson as an accessible page."""
    from curriculum.pages import render_all

    for path in render_all(folder):
        click.echo(path)
    return 0


@curriculum.command(
    french="""Préparer ce qu’il faut pour installer les postes d’une salle sans Internet.

    Il faut un réseau, une fois; ensuite : portail serve --room DOSSIER --host 0.0.0.0
    """
)
@option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "build" / "room",
    help=_to("build/room"),
)
@option(
    "--for",
    "targets",
    multiple=True,
    metavar=Sentence("PLATFORM:VERSION", "PLATEFORME:VERSION"),
    help=Sentence(
        "Another kind of laptop, such as win_amd64:3.12.",
        "Un autre type de poste, comme win_amd64:3.12.",
    ),
)
def bundle(folder: Path, targets: tuple[str, ...]) -> int:
    """Write what a room without internet installs from.

    Needs a network, once; then: portail serve --room FOLDER --host 0.0.0.0
    """
    from curriculum import bundle as bundling

    written = bundling.write(folder.resolve(), list(targets))
    click.echo(
        Sentence(
            f"{written[0]}: {len(written) - 2} packages. In the room: portail serve --room "
            f"{folder} --host 0.0.0.0",
            f"{written[0]} : {len(written) - 2} paquets. Dans la salle : portail serve --room "
            f"{folder} --host 0.0.0.0",
        )
    )
    return 0


@curriculum.command(french="Produire la trousse d’animation, en pages et en PDF.")
@option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "build" / "kit",
    help=_to("build/kit"),
)
@option(
    "--no-pdf",
    is_flag=True,
    help=Sentence("Write the pages only.", "Ne produire que les pages."),
)
def kit(folder: Path, no_pdf: bool) -> int:
    """Build the trainer's kit, as pages and PDF."""
    from curriculum.kit import printing
    from curriculum.kit.build import build

    pdf = not no_pdf and printing.can_print()
    written = build(folder, pdf)
    for path in [
        *written,
        *(printing.printed([path for path in written if path.stem != "index"]) if pdf else []),
    ]:
        click.echo(path)
    if not pdf and not no_pdf:
        click.echo(
            Sentence(
                "The pages are ready. There is no PDF: it takes Chromium and the packages of make "
                "test.",
                "Les pages sont prêtes. Il n’y a pas de PDF\u00a0: il faut Chromium et les "
                "paquets de make test.",
            )
        )
    return 0


def complaints() -> list[str]:
    """Return every complaint about every lesson and exercise of this checkout."""
    found = []
    for lesson in Curriculum.read().written():
        english, french = (notebooks.read(lesson.path(language)) for language in LANGUAGES)
        found += [f"{lesson.slug} {each}" for each in of_lesson(lesson, english, french)]
    for name in release.assignments():
        english = notebooks.read(release.COURSE / "source" / name / f"{name}.ipynb")
        french = notebooks.read(release.COURSE / "french" / f"{name}.ipynb")
        rule = of_assessment if name in assessing.ASSIGNMENTS else of_exercise
        found += [f"exercise {name} {each}" for each in rule(english, french)]
    return found


def _pairs() -> list[tuple[Path, Path]]:
    """Return each English notebook with its French one: lessons, then exercises."""
    lessons = [(lesson.path("en"), lesson.path("fr")) for lesson in Curriculum.read().written()]
    exercises = [
        (
            release.COURSE / "source" / name / f"{name}.ipynb",
            release.COURSE / "french" / f"{name}.ipynb",
        )
        for name in release.assignments()
    ]
    return [pair for pair in [*lessons, *exercises] if pair[1].is_file()]


def main() -> None:
    """Run the command and end the process with its exit code."""
    end_with(
        curriculum,
        cannot=(BilingualError, release.CannotRelease, execution.LessonFailed, ValueError),
    )


if __name__ == "__main__":
    main()
