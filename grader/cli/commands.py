"""The command ``grader``: a cohort's marks, from collecting to export, from a terminal.

Exit codes: 0 all is done; 1 something is named that a person should look at (a submission that
failed, a mark that does not hold); 2 the command could not run; 130 stopped by Ctrl-C.
"""

import contextlib
import json
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console, RenderHook
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from commons import __version__, wording
from commons.ending import EXIT_FOUND, EXIT_STOPPED, end_with
from commons.language import use_language
from commons.wording import Sentence, number, percent, visible

#: jsonschema, which nbformat brings, would import this to check IRIs, and it builds its grammar for
# two seconds each time. No schema of a notebook has an IRI, and jsonschema does without where it is
# not there.
SLOW_TO_IMPORT = "rfc3987_syntax"
_STATES = {
    "graded": Sentence("graded", "corrigées"),
    "changed": Sentence("of them changed", "dont modifiées"),
    "late": Sentence("of them late", "dont en retard"),
    "unchanged": Sentence("unchanged", "inchangées"),
    "failed": Sentence("failed", "en échec"),
    "missing": Sentence("missing", "manquantes"),
    "unmatched": Sentence("files unmatched", "fichiers sans correspondance"),
}


def main() -> None:
    """Run the command and end the process with its exit code."""
    sys.modules.setdefault(SLOW_TO_IMPORT, None)
    end_with(
        grader,
        stopped=Sentence(
            "Stopped; nothing was lost. Run the command again to go on.",
            "Arrêté; rien n’est perdu. Relancez la commande pour continuer.",
        ),
    )


@click.group(
    epilog="Exit codes / codes de sortie: 0 done/fait · 1 look/à voir · 2 cannot/impossible · 130 "
    "Ctrl-C"
)
@click.version_option(__version__, prog_name="grader")
@click.option(
    "--lang",
    type=click.Choice(wording.LANGUAGES),
    help="Language of the messages / langue des messages.",
)
def grader(lang: str | None) -> None:
    """Grade a cohort: nbgrader's formats, learner code confined, every mark accounted for.

    Corriger une cohorte : formats de nbgrader, code des copies confiné, chaque note justifiée.
    """
    if lang:
        use_language(lang)


_course = click.option(
    "--course",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    help="The course's folder / dossier du cours.  [default: .]",
)
_db = click.option(
    "--db",
    help="Address of the gradebook / adresse du carnet de notes: sqlite:///… or postgresql://…",
)
_json = click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report as JSON too / écrire aussi le rapport en JSON.",
)
_roster, _some_roster = (
    click.option(
        "--roster",
        "roster_file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        required=required,
        help="CSV: id, name, email, section, language / identifiant, nom, courriel, groupe, "
        "langue.",
    )
    for required in (True, False)
)
_trusted = click.option(
    "--unsafe-trusted",
    is_flag=True,
    help="DANGEROUS: run learner code unconfined, with your rights / DANGER : exécuter sans "
    "confinement.",
)


class _Visible(RenderHook):
    """Spells out, in all that a console prints, the marks that would move its cursor, or hide or
    reorder its text.

    Names of files and folders, and what tests say, hold whatever learners wrote.
    """

    class Spelled:
        """Something to print, as it is drawn, with such marks spelled out."""

        def __init__(self, renderable):
            self.renderable = renderable

        def __rich_console__(self, console, options):
            for segment in console.render(self.renderable, options):
                yield segment if segment.control else Segment(_safe(segment.text), segment.style)

    def process_renderables(self, renderables):
        """Return what to print in their place."""
        return [self.Spelled(each) for each in renderables]


def _safe(text) -> str:
    """Return what a terminal gets of a text, whoever wrote it: all that these commands print goes
    through here."""
    return visible(str(text), keep="\n")


def _console(**options) -> Console:
    """Return the console on which these commands print."""
    console = Console(markup=False, emoji=False, **options)
    console.push_render_hook(_Visible())
    return console


def _echo(text, **style) -> None:
    """Print lines as they are, in no table."""
    click.secho(_safe(text), **style)


class _Rate(ProgressColumn):
    """Submissions a minute."""

    def render(self, task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{number(speed * 60)}/min")


@contextlib.contextmanager
def progress_bar(console: Console, title):
    """Show a bar with rate and time left, and give the function that moves it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(str(title), total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


@grader.command()
@click.argument("assignment")
@_course
@click.option(
    "--student",
    "students",
    multiple=True,
    help="Only this learner (may be repeated) / seulement cette personne.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="How many at a time / combien à la fois."
)
@click.option(
    "--scheduler",
    help="Address of a dask.distributed scheduler / adresse d’un ordonnanceur: tcp://host:8786",
)
@click.option(
    "--again",
    is_flag=True,
    help="Grade what is graded already too / corriger aussi ce qui l’est déjà.",
)
@_db
@_json
@_trusted
def grade(
    assignment, folder, students, workers, scheduler, again, db, json_file, unsafe_trusted
) -> None:
    """Grade what submitted/ holds; again, it does only what is new or changed.

    Corriger ce que contient submitted/; relancée, la commande ne fait que le nouveau ou le modifié.
    """
    from grader.grading import cohort

    _warn_if(unsafe_trusted)
    console = _console()
    with progress_bar(console, Sentence("Grading", "Correction")) as progress:
        outcome = cohort.grade(
            folder,
            assignment,
            students=list(students) or None,
            workers=workers,
            scheduler=scheduler,
            db=db,
            unsafe_trusted=unsafe_trusted,
            again=again,
            progress=progress,
        )
    if json_file:
        _write_json(json_file, outcome)
    _show(console, outcome)
    sys.exit(EXIT_STOPPED if outcome.stopped else EXIT_FOUND if outcome.code else 0)


def _warn_if(unsafe_trusted: bool) -> None:
    if unsafe_trusted:
        _echo(
            Sentence(
                "UNSAFE: learner code runs without confinement. It can read and change "
                "everything that you can, marks and hidden tests included.",
                "DANGER : le code des copies s’exécute sans confinement. Il peut lire et "
                "modifier tout ce que vous pouvez, notes et tests cachés compris.",
            ),
            fg="red",
            bold=True,
            err=True,
        )


def _show(console: Console, outcome) -> None:
    counts = {
        state: len(outcome.of(state)) for state in ("graded", "unchanged", "failed", "missing")
    }
    counts["changed"] = sum(each.changed for each in outcome.of("graded"))
    counts["late"] = sum(each.late > 0 for each in outcome.of("graded"))
    counts["unmatched"] = outcome.unmatched
    table = Table(title=outcome.assignment)
    for title in _STATES.values():
        table.add_column(str(title), justify="right")
    table.add_row(*(number(counts[state]) for state in _STATES))
    console.print(table)
    for each in outcome.submissions:
        for sentence in each.said:
            _say(console, f"  {each.student}: {sentence}")
    if any(each.took_marks for each in outcome.submissions):
        _say(
            console,
            Sentence(
                "Something other than answers took marks here: look at it, and when it is "
                f"mended, run grader grade {outcome.assignment} --student ID --again",
                "Autre chose que les réponses a coûté des points : voyez ce que c’est et, une "
                f"fois la chose réglée, lancez grader grade {outcome.assignment} --student ID "
                "--again",
            ),
        )
    outdated = sum(each.outdated for each in outcome.submissions)
    if outdated:
        _say(
            console,
            Sentence(
                f"Graded with other tests than the source has now: {outdated}. grader regrade "
                f"{outcome.assignment} shows what changes.",
                f"Corrigées avec d’autres tests que ceux de la source : {outdated}. grader regrade "
                f"{outcome.assignment} montre ce qui change.",
            ),
        )
    for fault in outcome.faults:
        _say(console, Sentence(f"A test is at fault: {fault}", f"Un test est fautif : {fault}"))
    if outcome.live:
        _say(
            console,
            Sentence(
                "Not proof against learner code (grader check says why): "
                f"{', '.join(outcome.live)}",
                "Sans garantie contre le code des copies (grader check dit pourquoi) : "
                f"{', '.join(outcome.live)}",
            ),
        )
    _say(
        console,
        Sentence(f"{number(outcome.seconds, 1)} seconds", f"{number(outcome.seconds, 1)} secondes"),
    )


def _say(console: Console, sentence: Sentence | str) -> None:
    """Print a sentence; the terminal wraps it, so that a path in it can be copied, or read by a
    program, whole."""
    console.print(Text(_safe(sentence)), soft_wrap=True)


def _write_json(path: Path, outcome) -> None:
    """Write the machine-readable report: what became of each submission, in whole."""
    from grader.course.folder import put

    submissions = [
        {
            "student": each.student,
            "state": each.state,
            "points": each.points,
            "late_seconds": each.late,
            "outdated": each.outdated,
            "changed": each.changed,
            "cause": each.cause or None,
            "reason": None
            if each.reason is None
            else {"en": each.reason.english, "fr": each.reason.french},
            "notes": [
                {"cause": cause, "en": sentence.english, "fr": sentence.french}
                for (cause, _), sentence in zip(
                    each.notes, each.said[each.reason is not None :], strict=True
                )
            ],
            "marks": {
                notebook: {grade_id: msgspec.to_builtins(mark) for grade_id, mark in marks.items()}
                for notebook, marks in each.marks.items()
            },
        }
        for each in outcome.submissions
    ]
    report = {
        "assignment": outcome.assignment,
        "seconds": outcome.seconds,
        "stopped": outcome.stopped,
        "faults": outcome.faults,
        "not_tamper_proof": outcome.live,
        "unmatched_files": outcome.unmatched,
        "exit_code": outcome.code,
        "submissions": submissions,
    }
    put(
        path,
        (json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode(
            "utf-8", "backslashreplace"
        ),
    )


@grader.command()
@click.argument("assignment")
@_course
@_trusted
def check(assignment, folder, unsafe_trusted) -> None:
    """Grade the source's own solution both ways, split and stock, and say which tests differ.

    Corriger la solution de la source des deux façons et dire quels tests diffèrent.
    """
    from grader.course.folder import Course
    from grader.grading import calibrate as checking

    _warn_if(unsafe_trusted)
    _, checked = checking.prepare(Course(folder), assignment, unsafe_trusted, anew=True)
    table = Table(title=assignment)
    for title in (
        Sentence("test", "test"),
        Sentence("nbgrader", "nbgrader"),
        Sentence("grader", "grader"),
        Sentence("runs", "exécution"),
    ):
        table.add_column(str(title))
    for name, points in checked.stock.items():
        runs = (
            Sentence("in the runner: not tamper-proof", "avec la copie : sans garantie")
            if name in checked.live
            else Sentence("split", "séparée")
        )
        table.add_row(name, _points(points), _points(checked.split.get(name)), str(runs))
    _console().print(table)
    for name in checked.live:
        if name not in checked.running:
            _echo(
                Sentence(
                    f"{name} runs beside the learner’s code because it, or a test after it that "
                    "needs it, gets other points apart from that code than from nbgrader.",
                    f"{name} s’exécute avec la copie parce que ce test, ou un test suivant qui en "
                    "dépend, ne donne pas, à part, les mêmes points que nbgrader.",
                )
            )
    for name, what in checked.running.items():
        _echo(
            Sentence(
                f"{name} gives what the learner wrote to {what}, which would run it: so it runs "
                "beside the learner’s code, and its mark is not tamper-proof. A test that only "
                "compares would be.",
                f"{name} remet ce qu’a écrit la personne à {what}, qui l’exécuterait : ce test "
                "s’exécute donc avec la copie, et sa note est sans garantie. Un test qui ne fait "
                "que comparer en aurait une.",
            )
        )
    if checked.differing:
        _echo(
            Sentence(
                f"These differ from nbgrader in either way: {', '.join(checked.differing)}",
                f"Ceux-ci diffèrent de nbgrader de toute façon : {', '.join(checked.differing)}",
            )
        )
    sys.exit(EXIT_FOUND if checked.differing else 0)


def _points(points: float | None) -> str:
    return str(Sentence("a person", "une personne")) if points is None else number(points, 2)


@grader.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@_roster
@_course
def collect(source, roster_file, folder) -> None:
    """Take a folder or ZIP of notebooks, as an LMS or the mail gives them, into submitted/.

    Recueillir dans submitted/ un dossier ou une archive ZIP de carnets, tels que les donne un SGA
    ou le courriel.
    """
    from grader.course.folder import Course
    from grader.grading.cohort import locked
    from grader.intake import roster
    from grader.intake.collect import collect as take
    from grader.intake.reader import SealedReader

    people = roster.read(roster_file)
    console = _console()
    for notice in people.notices:
        _say(console, notice)
    course = Course(folder)
    with locked(course), contextlib.closing(SealedReader()) as reader:
        done = take(source, people, course.root, reader)
    _show_collection(console, done)
    sys.exit(EXIT_FOUND if done.unmatched or done.refused else 0)


def _show_collection(console: Console, done) -> None:
    titles = {
        "taken": Sentence("taken", "recueillies"),
        "replaced": Sentence("replaced", "remplacées"),
        "unchanged": Sentence("unchanged", "inchangées"),
        "older": Sentence("older, left", "plus anciennes, laissées"),
        "unmatched": Sentence("unmatched", "sans correspondance"),
        "refused": Sentence("refused", "refusées"),
    }
    table = Table()
    for title in titles.values():
        table.add_column(str(title), justify="right")
    table.add_row(*(number(len(getattr(done, name))) for name in titles))
    console.print(table)
    for item in (*done.unmatched, *done.refused):
        people = f" ({', '.join(item.candidates)})" if item.candidates else ""
        _say(console, f"  {item.source}: {item.reason}{people}")
    for assignment, students in done.missing.items():
        if students:
            named = ", ".join(students[:10]) + (" …" if len(students) > 10 else "")
            _say(
                console,
                Sentence(
                    f"{assignment}: nothing from {len(students)}: {named}",
                    f"{assignment} : rien de {len(students)} : {named}",
                ),
            )


@grader.command()
@_roster
@_course
@_db
def names(roster_file, folder, db) -> None:
    """Enter the roster's names into the gradebook, for the formgrader to show; whoever is there
    keeps their marks.

    Inscrire dans le carnet de notes les noms de la liste, que le formgrader affiche; les notes
    restent.
    """
    from grader.course.folder import Course
    from grader.course.gradebook import named_problems
    from grader.grading.cohort import locked
    from grader.intake import enrolment, roster

    people, course = roster.read(roster_file), Course(folder, db)
    with locked(course), named_problems(course):
        changed = enrolment.into_gradebook(
            people, course.db_url, course.course_id or "default_course"
        )
    _say(
        _console(),
        Sentence(
            f"Names entered or changed in the gradebook: {number(changed)}.",
            f"Noms inscrits ou modifiés dans le carnet de notes : {number(changed)}.",
        ),
    )


@grader.command()
@click.argument("assignment")
@click.option(
    "--student", "students", multiple=True, help="Only this learner / seulement cette personne."
)
@_some_roster
@_course
@_db
@_trusted
def feedback(assignment, students, roster_file, folder, db, unsafe_trusted) -> None:
    """Write each learner a page in their language: marks, what to look at, comments; no hidden
    test.

    Écrire à chaque personne une page dans sa langue : notes, points à revoir, commentaires; aucun
    test caché.
    """
    from grader.intake import roster
    from grader.reports.feedback import feedback as write

    _warn_if(unsafe_trusted)
    console = _console()
    people = roster.read(roster_file) if roster_file else None
    with progress_bar(console, Sentence("Writing", "Écriture")) as progress:
        pages = write(
            folder,
            assignment,
            students=list(students) or None,
            roster=people,
            db=db,
            unsafe_trusted=unsafe_trusted,
            progress=progress,
        )
    _say(
        console,
        Sentence(
            f"Pages written in feedback/: {number(len(pages))}.",
            f"Pages écrites dans feedback/ : {number(len(pages))}.",
        ),
    )
    if not pages:
        _say(
            console,
            Sentence(
                "Nobody has been graded yet: grader grade comes first.",
                "Personne n’a encore été corrigé : commencez par grader grade.",
            ),
        )
    sys.exit(0 if pages else EXIT_FOUND)


@grader.command()
@click.argument("assignment")
@_some_roster
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page to write / page à écrire.  [default: reports/ASSIGNMENT.html]",
)
@_course
@_db
def report(assignment, roster_file, out, folder, db) -> None:
    """Write the instructor's report: marks, tasks that are hard or do not tell, common wrong
    answers, agreement.

    Écrire le rapport : notes, tâches difficiles ou qui ne distinguent pas, erreurs fréquentes,
    accord des évaluations.
    """
    from grader.intake import roster
    from grader.reports import class_report as reporting

    people = roster.read(roster_file) if roster_file else None
    found = reporting.read(folder, assignment, people, db)
    path = reporting.write(found, out or folder / "reports" / f"{assignment}.html")
    _say(
        _console(),
        Sentence(
            f"Learners in {path}: {number(len(found.lines))}.",
            f"Personnes dans {path} : {number(len(found.lines))}.",
        ),
    )


@grader.command()
@click.argument("programme", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder to write into / dossier où écrire.",
)
@click.option(
    "--minimum",
    type=int,
    default=10,
    show_default=True,
    help="Fewest people that are shown, never under 3 / plus petit groupe affiché, jamais moins "
    "de 3.",
)
def evaluate(programme, out, minimum) -> None:
    """Evaluate a session or a programme: attendance, what was learned, satisfaction; no name, no
    small group.

    Évaluer une séance ou un programme : présences, apprentissage, satisfaction; aucun nom, aucun
    petit groupe.
    """
    from grader.evaluation import compute, report_pages

    found = compute.evaluate(programme, minimum)
    console = _console()
    for path in report_pages.write(found, out):
        _say(console, str(path))


@grader.command()
@click.argument("assignment")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write sheets and answers into this folder / écrire feuilles et réponses dans ce dossier.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Of the answers, drawn by chance / part des réponses, tirées au sort.",
)
@click.option(
    "--sheets",
    nargs=2,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Two filled-in sheets to compare / deux feuilles remplies à comparer.",
)
@click.option(
    "--enter",
    is_flag=True,
    help="Enter the mean of those at most a point apart / inscrire la moyenne à un point d’écart "
    "au plus.",
)
@_course
@_db
@_trusted
def memos(assignment, out, share, sheets, enter, folder, db, unsafe_trusted) -> None:
    """List the answers that people read for two markers (--out), or compare their sheets
    (--sheets).

    Donner à deux personnes les réponses à lire (--out), ou comparer leurs feuilles (--sheets).
    """
    from grader.reports import moderation as reading

    if (out is None) == (not sheets):
        raise click.UsageError(
            str(Sentence("Give either --out or --sheets.", "Donnez soit --out, soit --sheets."))
        )
    console = _console()
    if out is not None:
        _warn_if(unsafe_trusted)
        for path in reading.lay_out(
            folder, assignment, out, share=share, db=db, unsafe_trusted=unsafe_trusted
        ):
            _say(console, str(path))
        return
    settled = reading.settle(folder, assignment, *sheets, enter=enter, db=db)
    table = Table(title=assignment)
    for title in (
        Sentence("task", "tâche"),
        Sentence("answers", "réponses"),
        Sentence("same", "mêmes points"),
        Sentence("within a point", "à un point près"),
        Sentence("weighted kappa", "kappa pondéré"),
    ):
        table.add_column(str(title))
    for task, each in settled.agreement.items():
        table.add_row(
            Text(task),
            number(each.answers),
            percent(each.same, 0),
            percent(each.near, 0),
            number(each.kappa, 2),
        )
    console.print(table)
    if enter:
        _say(
            console,
            Sentence(
                f"Entered in the gradebook: {settled.entered}.",
                f"Inscrites au carnet de notes : {settled.entered}.",
            ),
        )
    for code, (one, two) in settled.apart.items():
        _say(
            console,
            Sentence(
                f"  {code}: {one:g} and {two:g}: read it together",
                f"  {code} : {number(one, 1)} et {number(two, 1)} : à relire ensemble",
            ),
        )
    if settled.alone:
        _say(
            console,
            Sentence(
                f"Marked by one only: {', '.join(settled.alone)}",
                f"Évaluées une seule fois : {', '.join(settled.alone)}",
            ),
        )
    sys.exit(EXIT_FOUND if settled.apart or settled.alone else 0)


@grader.command()
@click.argument("assignment")
@_roster
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "moodle", "brightspace", "canvas"]),
    default="csv",
    show_default=True,
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write / fichier à écrire.",
)
@click.option(
    "--unfinished",
    type=click.Choice(["refuse", "blank", "automatic"]),
    default="refuse",
    show_default=True,
    help="Where a person has not read yet / là où une personne n’a pas encore lu.",
)
@_course
@_db
def export(assignment, roster_file, kind, out, unfinished, folder, db) -> None:
    """Write the marks as CSV, or as Moodle, Brightspace or Canvas imports them.

    Écrire les notes en CSV, ou comme Moodle, Brightspace ou Canvas les importe.
    """
    from grader.course.folder import Course
    from grader.intake import roster
    from grader.reports.export import export as write

    course = Course(folder, db)
    people = roster.read(roster_file)
    done = write(
        course.root, assignment, kind, people, out, db=course.db_url, unfinished=unfinished
    )
    console = _console()
    _say(
        console,
        Sentence(
            f"People written to {done.path}: {done.people}.",
            f"Personnes inscrites dans {done.path} : {done.people}.",
        ),
    )
    if done.left_out:
        named = ", ".join(done.left_out)
        _say(
            console,
            Sentence(f"Left out, without a mark: {named}", f"Sans note, laissés de côté : {named}"),
        )
    if done.strangers:
        named = ", ".join(done.strangers)
        _say(
            console,
            Sentence(
                f"In the gradebook and not in the roster: {named}",
                f"Dans le carnet de notes mais pas dans la liste : {named}",
            ),
        )
    sys.exit(EXIT_FOUND if done.strangers else 0)


@grader.command()
@click.argument("assignment")
@_course
@click.option(
    "--undo",
    "back",
    is_flag=True,
    help="Take the last regrading back / annuler la dernière nouvelle correction.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="How many at a time / combien à la fois."
)
@_db
@_trusted
def regrade(assignment, folder, back, workers, db, unsafe_trusted) -> None:
    """Grade anew what was graded with other tests; show old and new; manual marks are kept.

    Corriger de nouveau ce qui l’a été avec d’autres tests; montrer l’ancien et le nouveau; garder
    les notes manuelles.
    """
    from grader.grading import regrade as regrading

    console = _console()
    if back:
        students = regrading.undo(folder, assignment, db)
        _say(
            console,
            Sentence(
                f"Submissions with their marks of before: {len(students)}.",
                f"Copies revenues à leurs notes d’avant : {len(students)}.",
            ),
        )
        return
    _warn_if(unsafe_trusted)
    with progress_bar(console, Sentence("Grading", "Correction")) as progress:
        outcome, changes = regrading.regrade(
            folder,
            assignment,
            workers=workers,
            db=db,
            unsafe_trusted=unsafe_trusted,
            progress=progress,
        )
    _show(console, outcome)
    table = Table(title=str(Sentence("Changed marks", "Notes modifiées")))
    for title in (
        Sentence("learner", "personne"),
        Sentence("test", "test"),
        Sentence("old", "avant"),
        Sentence("new", "après"),
    ):
        table.add_column(str(title))
    for each in changes:
        table.add_row(Text(each.student), each.cell, _points(each.before), _points(each.after))
    console.print(table)
    sys.exit(EXIT_FOUND if outcome.code else 0)


@grader.command()
@_course
def status(folder) -> None:
    """Say where each assignment stands.

    Dire où en est chaque devoir.
    """
    from grader import audit

    columns = {
        "assignment": Sentence("assignment", "devoir"),
        "waiting": Sentence("waiting", "en attente"),
        "graded": Sentence("graded", "corrigées"),
        "failed": Sentence("failed", "en échec"),
        "running": Sentence("interrupted", "interrompues"),
        "outdated": Sentence("with other tests", "avec d’autres tests"),
    }
    table = Table()
    for key, title in columns.items():
        table.add_column(str(title), no_wrap=key == "assignment")
    for each in audit.status(folder):
        counts = [
            number(each.states.get(state, 0))
            for state in ("waiting", "graded", "failed", "running")
        ]
        table.add_row(each.assignment, *counts, number(each.outdated))
    _console().print(table)


@grader.command()
@click.argument("assignment")
@_course
@_db
def verify(assignment, folder, db) -> None:
    """Recompute the hashes behind every mark, and compare with the gradebook.

    Recalculer les empreintes de chaque note et les comparer au carnet de notes.
    """
    from grader import audit

    looked_at, found = audit.verify(folder, assignment, db)
    for each in found:
        _echo(f"{each.student}: {each.reason}")
    strangers = len({each.student for each in found})
    _echo(
        Sentence(
            f"Graded submissions looked at: {looked_at}; that do not hold: {strangers}.",
            f"Copies corrigées examinées : {looked_at}; qui ne tiennent plus : {strangers}.",
        )
    )
    sys.exit(EXIT_FOUND if found else 0)


@grader.command()
@click.argument("student")
@_course
@_db
@click.confirmation_option(
    prompt="Remove all of this learner's work and marks? / Supprimer tout de cette personne?"
)
def forget(student, folder, db) -> None:
    """Remove one learner everywhere in the course, and say what was removed.

    Supprimer une personne partout dans le cours et dire ce qui a été supprimé.
    """
    from grader import audit

    done = audit.forget(folder, student, db)
    for removed in done.removed:
        _echo(Sentence(f"removed: {removed}", f"supprimé : {removed}"))
    for place in done.look:
        _echo(
            Sentence(
                f"to look at yourself, it may be theirs or somebody else’s: {place}",
                f"à examiner vous-même, peut être à cette personne ou à une autre : {place}",
            )
        )
    _echo(
        Sentence(
            "Exports, mail and backups are beyond this command: remove them yourself.",
            "Exportations, courriels et sauvegardes lui échappent : supprimez-les vous-même.",
        )
    )


@grader.command()
def doctor() -> None:
    """Say what confinement this machine offers, and what to do where it offers none.

    Dire quel confinement cette machine offre, et que faire là où elle n’en offre pas.
    """
    from grader.sandbox.doctor import RECIPE, offer

    found = offer()
    _echo(found.system)
    if not found.missing:
        _echo(
            Sentence(
                "[ OK ] Learner code can be confined: namespaces, seccomp and limits are there.",
                "[ OK ] Le code des copies peut être confiné : espaces de noms, seccomp et "
                "limites sont là.",
            )
        )
        _echo(
            Sentence(
                f"[ OK ] Landlock, version {found.landlock}.",
                f"[ OK ] Landlock, version {found.landlock}.",
            )
            if found.landlock
            else Sentence(
                "[ -- ] Landlock is not there (a second line; Linux 5.13 and newer have it).",
                "[ -- ] Landlock n’est pas là (seconde ligne; Linux 5.13 et plus récents l’ont).",
            )
        )
        return
    for english, french in found.missing:
        _echo(Sentence(f"[FAIL] {english}", f"[ÉCHEC] {french}"))
    _echo(RECIPE)
    sys.exit(EXIT_FOUND)
