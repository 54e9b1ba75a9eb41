"""The one place where errors become words on stderr and an exit code."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

import click

from reconciler.cli.interrupts import terminating_as_interrupt
from reconciler.cli.terminal import complain, complain_of_usage, say_through
from reconciler.errors import BlockedError, InvalidInputError, ReconcilerError, UsageError, reason_of
from reconciler.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""How the system says that no more can be written."""


def run(command: click.Command, argv: Sequence[str] | None) -> NoReturn:
    """Run `command` and exit: the code is the command's own, or follows from the error it raised."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # A terminal that does not know a character is shown its code.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _code(command, argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        code = _refused(error)
    finally:
        say_through(None)
    sys.exit(code)


def _code(command: click.Command, argv: Sequence[str] | None) -> int:
    try:
        with terminating_as_interrupt():  # as process 1 of a container, SIGTERM does nothing by itself
            result = command.main(args=argv, prog_name="peak-reconciler", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.UsageError as error:
        complain_of_usage(error)
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return 128 + signal.SIGINT
    except ReconcilerError as error:
        complain(error.message, error.hint)
        return exit_code(error)
    return result if isinstance(result, int) else ExitCode.OK


def _refused(error: OSError) -> ExitCode:
    """Say that a write was refused: on a full disk, or, without a word, because the reader went away.

    Commands name the files that they read and write themselves: what is left are the standard streams.
    """
    if error.errno is None:
        raise error
    if not isinstance(error, BrokenPipeError):
        with suppress(OSError):
            complain(refusal(error))
    for stream in (sys.stdout, sys.stderr):
        _discard(stream)
    return ExitCode.FAILED


def refusal(error: OSError) -> str:
    """Return in words why a standard stream could not be written."""
    what = "standard output cannot be written" if error.errno in _FULL else "the system refuses"
    return f"{what}: {reason_of(error)}"


def _discard(stream: TextIO | None) -> None:
    """Send what `stream` could not write nowhere: the interpreter tries again at its end, and complains."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def exit_code(error: ReconcilerError) -> ExitCode:
    """Return the exit code that the family of `error` stands for."""
    if isinstance(error, UsageError):
        return ExitCode.USAGE
    if isinstance(error, InvalidInputError):
        return ExitCode.INVALID
    if isinstance(error, BlockedError):
        return ExitCode.BLOCKED
    return ExitCode.FAILED
