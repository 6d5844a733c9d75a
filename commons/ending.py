"""Ending a command: its exit code, and what its reader is told."""

import io
import sys

import click

from commons.errors import BilingualError
from commons.wording import Sentence, visible

EXIT_FOUND, EXIT_CANNOT, EXIT_STOPPED = 1, 2, 130
STOPPED = Sentence("Stopped; nothing was lost.", "Arrêté; rien n’est perdu.")


def end_with(
    command: click.Command,
    *,
    found: tuple[type[Exception], ...] = (),
    cannot: tuple[type[Exception], ...] = (BilingualError,),
    stopped: Sentence | str = STOPPED,
) -> None:
    """Run one of this project's commands and end the process with its exit code; no trace of frames
    reaches the reader.

    Args:
        command: the command, whose return value is its exit code.
        found: errors that say that something was found (exit code 1).
        cannot: errors that say that it could not run (exit code 2).
        stopped: what Ctrl-C says.
    """
    try:
        sys.exit(command(standalone_mode=False))
    except (*found, *cannot) as error:
        click.echo(visible(str(error), keep="\n"), err=True)
        sys.exit(EXIT_FOUND if isinstance(error, found) else EXIT_CANNOT)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        click.echo(visible(shown.getvalue(), keep="\n"), err=True, nl=False)
        sys.exit(EXIT_CANNOT)
    except (click.Abort, KeyboardInterrupt):
        click.echo(stopped, err=True)
        sys.exit(EXIT_STOPPED)
    except BrokenPipeError:  # the reader closed the pager
        sys.exit(0)
