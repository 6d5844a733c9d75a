"""What the command writes to a terminal: text, tables and progress, safe to show."""

import contextlib

import click
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
from rich.text import Text

from commons.wording import Sentence, number, visible


class VisibleOnly(RenderHook):
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
                yield segment if segment.control else Segment(safe(segment.text), segment.style)

    def process_renderables(self, renderables):
        """Return what to print in their place."""
        return [self.Spelled(each) for each in renderables]


def safe(text) -> str:
    """Return what a terminal gets of a text, whoever wrote it: all that these commands print goes
    through here."""
    return visible(str(text), keep="\n")


def console_for_people(**options) -> Console:
    """Return the console on which these commands print."""
    console = Console(markup=False, emoji=False, **options)
    console.push_render_hook(VisibleOnly())
    return console


def echo(text, **style) -> None:
    """Print lines as they are, in no table."""
    click.secho(safe(text), **style)


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


def say(console: Console, sentence: Sentence | str) -> None:
    """Print a sentence; the terminal wraps it, so that a path in it can be copied, or read by a
    program, whole."""
    console.print(Text(safe(sentence)), soft_wrap=True)
