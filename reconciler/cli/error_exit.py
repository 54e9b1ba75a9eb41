"""The error boundary of the command line: an error becomes a message on stderr and an exit code."""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

import click

from reconciler.cli.terminal import print_error, print_usage_error, redirect_messages
from reconciler.errors import INTERRUPTED, ExitCode, ReconcilerError, exit_code, reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""Error numbers for output that cannot be written."""


_REPORT: Final = (
    "This is an error of peak-reconciler. Please report this line with the command, its version (--version) "
    "and the smallest input that shows it; no later step of the command was done."
)


def run(command: click.Command, argv: Sequence[str] | None) -> NoReturn:
    """Run `command` and exit with the code it returns, or with that of the error it raises."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # A terminal that lacks a character shows its code.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _code(command, argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        code = _stream_failed(error)
    finally:
        redirect_messages(None)
    gc.freeze()  # the system frees the memory of an ended process: Python need not search it for cycles
    sys.exit(code)


def _code(command: click.Command, argv: Sequence[str] | None) -> int:
    try:
        with _terminating_as_interrupt():  # as process 1 of a container, SIGTERM does nothing by itself
            result = command.main(args=argv, prog_name="peak-reconciler", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.UsageError as error:
        print_usage_error(error)
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        warnings.simplefilter("ignore", ResourceWarning)  # of a connection that was just being made
        print_error("interrupted")
        return INTERRUPTED
    except ReconcilerError as error:
        print_error(error.message, error.hint)
        return exit_code(error)
    except OSError:
        raise  # of a standard stream, or of the system
    except Exception as error:  # noqa: BLE001 - what no other place expects
        _print_unexpected(error)
        return ExitCode.FAILED
    return result if isinstance(result, int) else ExitCode.OK


def _print_unexpected(error: Exception) -> None:
    if isinstance(error, MemoryError):
        print_error("out of memory", "Give the command more memory, or fewer files at a time.")
    else:
        print_error(f"unexpected {type(error).__name__} {_origin(error)}", _REPORT)


def _origin(error: BaseException) -> str:
    """Return the place in this package where `error` arose; never its text, which may quote a secret."""
    import traceback  # noqa: PLC0415 - nobody should ever see this error

    places = [
        f"{frame.f_globals.get('__name__', '')}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).startswith("reconciler.")
    ]
    return f"at {places[-1]}" if places else "outside of this package"


@contextmanager
def _terminating_as_interrupt() -> Iterator[None]:
    """Turn SIGTERM into `KeyboardInterrupt` within the block, unless something else handles it there."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is _interrupt:
            signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _stream_failed(error: OSError) -> ExitCode:
    """Report that a standard stream cannot be written, unless its reader went away, and return the exit code.

    Commands report errors of the files they read and write themselves.
    """
    if error.errno is None:
        raise error
    if not isinstance(error, BrokenPipeError):
        with suppress(OSError):
            print_error(_stream_error(error))
    for stream in (sys.stdout, sys.stderr):
        _discard(stream)
    return ExitCode.FAILED


def _stream_error(error: OSError) -> str:
    what = "standard output cannot be written" if error.errno in _FULL else "system error"
    return f"{what}: {reason_of(error)}"


def _discard(stream: TextIO | None) -> None:
    """Discard what `stream` could not write: the interpreter would try again, and print an error."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
