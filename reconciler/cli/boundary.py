"""The one place where errors become words on stderr and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from reconciler.errors import BlockedError, InvalidInputError, ReconcilerError, UsageError
from reconciler.exits import ExitCode
from reconciler.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(command: click.Command, argv: Sequence[str] | None) -> NoReturn:
    """Run `command` and exit: the code is the command's own, or follows from the error it raised."""
    try:
        result = command.main(args=argv, prog_name="peak-reconciler", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(ExitCode.USAGE)
    except click.UsageError as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except click.Abort:
        _say("interrupted")
        sys.exit(128 + signal.SIGINT)
    except ReconcilerError as error:
        _say(error.message, error.hint)
        sys.exit(exit_code(error))
    except BrokenPipeError:
        # The reader went away: nothing more can be shown, and the interpreter must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.FAILED)
    sys.exit(result if isinstance(result, int) else ExitCode.OK)


def exit_code(error: ReconcilerError) -> ExitCode:
    """Return the exit code that the family of `error` stands for."""
    if isinstance(error, UsageError):
        return ExitCode.USAGE
    if isinstance(error, InvalidInputError):
        return ExitCode.INVALID
    if isinstance(error, BlockedError):
        return ExitCode.BLOCKED
    return ExitCode.FAILED


def _say(message: str, hint: str = "") -> None:
    lines = [printable(line) for line in message.splitlines()]
    click.echo("error: " + "\n  ".join(lines), err=True)
    if hint:
        click.echo(f"  {printable(hint)}", err=True)
