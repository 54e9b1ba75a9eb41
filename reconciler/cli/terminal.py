"""The terminal: results go to stdout or files, everything else to stderr, colour to terminals only."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

import click

from reconciler import render
from reconciler.cli.progress import Progress
from reconciler.errors import UsageError
from reconciler.files import write_text
from reconciler.operations import STOPPING, Listener
from reconciler.text import printable, without_commands
from reconciler.timestamps import utc_now

if TYPE_CHECKING:
    from reconciler.apply import Result
    from reconciler.client import RequestRecord
    from reconciler.findings import Finding
    from reconciler.operations import Applied, Planned
    from reconciler.plan import Action
    from reconciler.secrecy import Redactor

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

_Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | None

_COLUMNS: Final = 80
"""The width of a terminal that does not say its own."""

Sink: TypeAlias = Callable[[str, str, str], None]
"""Takes a message instead of stderr: its level (`warning`, `error` or `info`), its text and a hint."""


class _Stderr:
    """Destination of messages for stderr: stderr itself, or a log with a format of its own.

    What is printed first erases the bar of a step in progress.
    """

    sink: Sink | None = None
    progress: Progress | None = None

    @classmethod
    def clear(cls) -> None:
        if cls.progress is not None:
            cls.progress.hide()


def redirect_messages(sink: Sink | None) -> None:
    """Send messages for stderr to `sink` from now on; with `None`, to stderr again."""
    _Stderr.sink = sink


def show(text: str, *, commands: bool = False) -> None:
    """Write a part of the result to stdout.

    Args:
        text: The text, fit to be shown.
        commands: Whether it consists of commands for a CI system, which are otherwise made harmless.
    """
    _Stderr.clear()
    click.echo(text if commands else without_commands(text), color=_colour())


def warn(text: str) -> None:
    """Write a message to stderr; a reader that went away or a full disk stops nothing."""
    with suppress(OSError):
        if _Stderr.sink is not None:
            level = "warning" if text.startswith("warning: ") else "info"
            _Stderr.sink(level, click.unstyle(text).removeprefix("warning: "), "")
        else:
            _Stderr.clear()
            click.echo(without_commands(text), err=True, color=_colour())


def print_error(message: str, hint: str = "") -> None:
    """Write an error and its hint to stderr."""
    if _Stderr.sink is not None:
        _Stderr.sink("error", message, hint)
        return
    _Stderr.clear()
    lines = [printable(line) for line in message.splitlines()]
    text = "error: " + "\n  ".join([*lines, printable(hint)] if hint else lines)
    click.echo(without_commands(text), err=True)


def print_usage_error(error: click.UsageError) -> None:
    """Write a usage error to stderr, with the usage of the command."""
    if _Stderr.sink is not None:
        _Stderr.sink("error", error.format_message(), "Run with --help for usage.")
    else:
        shown = io.StringIO()
        error.show(file=shown)  # it quotes the command line, which may name a hostile file
        click.echo(without_commands("\n".join(map(printable, shown.getvalue().splitlines()))), err=True)


def _colour() -> bool | None:
    """Return whether to print colours; `None` to print them on a terminal only."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def terminal_width(stream: TextIO | None = None) -> int | None:
    """Return the width that text is laid out for; `None` where that goes to no terminal, or to a dumb one.

    The variable COLUMNS takes the place of the terminal's own width. It does nothing for a pipe or a file.

    Args:
        stream: Where the text goes; stdout by default.
    """
    stream = stream or sys.stdout
    if stream is None or not is_drawable(stream):
        return None
    return max(_columns(stream), render.NARROWEST)


def _columns(stream: TextIO) -> int:
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    with suppress(ValueError, OSError):
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    return _COLUMNS


def is_drawable(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal on which text can be laid out and redrawn: not a dumb one."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def text_display(*, utc: bool = False, stream: TextIO | None = None) -> render.Display:
    """Return what a text is laid out for: a terminal, or a pipe that needs exact times and plain letters.

    Args:
        utc: Whether to give exact times on a terminal, too.
        stream: Where the text goes; by default stdout.
    """
    stream = stream or sys.stdout
    if stream is None or not stream.isatty():
        return render.Display()
    has_marks = is_drawable(stream) and (stream.encoding or "").lower().startswith("utf")
    return render.Display(
        width=terminal_width(stream),
        now=None if utc else utc_now(),
        marks="unicode" if has_marks else "ascii",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Destinations of a result.

    Args:
        printed: The format for standard output.
        files: Formats with the files they are written into.
    """

    printed: str
    files: tuple[tuple[str, Path], ...]

    def deliver(self, rendered: Callable[[str], str], fitted: Callable[[int], str] | None = None) -> None:
        """Write a result into its files, and print it unless a file has the printed format.

        Args:
            rendered: Returns the result in a format.
            fitted: Returns it as text for a terminal of a width; by default, that of any width.

        Raises:
            ReconcilerError: A file cannot be written.
        """
        for name, file in self.files:
            write_text(file, click.unstyle(rendered(name)) + "\n")
        if all(name != self.printed for name, _ in self.files):
            width = terminal_width()
            if fitted is not None and width is not None and self.printed == "text":
                show(fitted(width))
            else:
                show(rendered(self.printed), commands=self.printed == "github")


def read_outputs(given: Iterable[str], formats: Collection[str], printed: str) -> Outputs:
    """Return the destinations that `--output` and `--format` state.

    Args:
        given: The values of `--output`.
        formats: The names of the formats.
        printed: The format for standard output.

    Raises:
        UsageError: There is no such format, or no file is named.
    """
    return Outputs(printed=printed, files=tuple(_target(output, formats, printed) for output in given))


def _target(output: str, formats: Collection[str], default: str) -> tuple[str, Path]:
    name, equals, file = output.partition("=")
    if not name and equals:
        raise UsageError(f"--output {printable(output)} names no format", hint=_allowed(formats))
    if not equals or not name.isalpha():
        name, file = default, output
    if name not in formats:
        raise UsageError(
            f"--output {printable(output)}: unknown format {printable(name)!r}", hint=_allowed(formats)
        )
    if not file:
        raise UsageError(f"--output {printable(output)} names no file")
    return name, Path(file)


def _allowed(formats: Collection[str]) -> str:
    return f"Formats: {', '.join(formats)}."


class TerminalListener(Listener):
    """The terminal that a command runs in.

    Args:
        as_json: Whether the result is JSON; the plan then goes to stderr.
        bodies: Whether the plan shows the exact body of each write.
        grouped: Whether the plan shows a change that many workflows share once.
        approved: Whether not to ask before writing.
        verbose: Whether to print each request.
        quiet: Whether to show nothing but a JSON result.

    Attributes:
        several: Whether the result is one of several environments; JSON is then left to the caller.
        stop: Set once a signal stops the writes.
    """

    def __init__(  # noqa: PLR0913 - one for each option
        self,
        *,
        as_json: bool = False,
        bodies: bool = False,
        grouped: bool = True,
        approved: bool = False,
        verbose: bool = False,
        quiet: bool = False,
    ) -> None:
        self.as_json = as_json
        self._bodies = bodies
        self._grouped = grouped
        self._approved = approved
        self._verbose = verbose
        self._progress = _new_progress()
        self._ended = self._writes = 0
        self.quiet = quiet
        self.several = False
        self.stop = threading.Event()
        self._handlers: dict[int, _Handler] = {}

    def environment(self, name: str) -> None:
        """Show the heading of the next environment, and let signals interrupt again until it is applied."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        before = "\n" if self._handlers else ""
        (warn if self.as_json else show)(f"{before}{render.environment_heading(name)}\n")

    @cached_property
    def _errors(self) -> render.AlikeErrors:
        """The errors so far; only an apply needs them and the packages that they load."""
        return render.AlikeErrors()

    def warning(self, text: str) -> None:
        """Print a warning."""
        warn(f"warning: {text}")

    def note(self, text: str) -> None:
        """Print a remark."""
        warn(text)

    def finding(self, finding: Finding, redactor: Redactor) -> None:
        """Print an error or a warning about a manifest."""
        warn(redactor.text(render.finding_line(finding)))

    def request(self, record: RequestRecord, redactor: Redactor) -> None:
        """Print a request, with `--verbose`."""
        if self._verbose:
            warn(render.request_line(record, redactor))

    def working(self, what: str, done: int, total: int) -> None:
        """Draw how far a step is, or print it every ten seconds."""
        if self._progress is not None:
            self._progress.update(what, done, total)

    def planned(self, planned: Planned) -> None:
        """Show the plan, and what a plan file no longer applies to."""
        self._ended, self._writes = 0, len(planned.plan.writes)
        if self.quiet:
            return
        text = render.plan_text(
            planned.plan,
            planned.redactor,
            bodies=self._bodies,
            grouped=self._grouped,
            width=terminal_width(sys.stderr if self.as_json else sys.stdout),
        )
        (warn if self.as_json else show)(text)
        for item in planned.dropped:
            warn(printable(f"left out: {item.name}: {item.action}: {planned.redactor.prose(item.reason)}"))
        if planned.unseen:
            warn(
                f"note: {planned.unseen} further differences are not in the plan file; plan again to see them"
            )

    def confirm(self, tenant: str) -> bool:
        """Ask on stderr whether the plan may be applied; only `yes` approves it."""
        if self._approved:
            return True
        click.echo(f"\nApply this plan to {tenant}? Only 'yes' is accepted: ", err=True, nl=False)
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            click.echo(err=True)
        return answer.strip() == "yes"

    def choose(self, question: str, choices: tuple[str, ...]) -> str | None:
        """Ask on stderr for the number of a choice; without a terminal, choose nothing."""
        if sys.stdin is None or not sys.stdin.isatty():
            return None
        lines = [question, *(f"  {number}  {printable(it)}" for number, it in enumerate(choices, 1))]
        warn("\n".join(lines))
        click.echo(f"Number from 1 to {len(choices)}: ", err=True, nl=False)
        answer = sys.stdin.readline().strip()
        known = {str(number): choice for number, choice in enumerate(choices, 1)}
        return known.get(answer)

    def stopping(self) -> AbstractContextManager[threading.Event]:
        """Return an event that Ctrl-C and SIGTERM set."""
        self._handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        return _stopping_on_interrupt(self.stop)

    def progress(self, action: Action, event: Result | str | None, redactor: Redactor) -> None:
        """Print how a workflow gets on."""
        if event is not None and not isinstance(event, str):
            self._ended += 1
            self.working("applying", self._ended, self._writes)
            if event.status.value == "not_tried":
                return  # the report says it once for all of them
        warn(render.progress_line(action, event, redactor, same_as=self._errors.note(event)))

    def applied(self, applied: Applied) -> None:
        """Show the result: the report, or the plan of a dry run."""
        redactor = applied.planned.redactor
        if self.as_json and self.several:
            return
        if applied.report is None:
            if self.as_json:
                show(render.plan_json(applied.planned.plan, redactor))
        elif self.as_json:
            show(render.report_json(applied.report, applied.traffic, redactor))
        elif applied.report.results and not self.quiet:
            show(render.report_text(applied.report, applied.traffic, redactor, terminal_width()))


def _new_progress() -> Progress | None:
    """Return the progress of the running command, which ends with it; `None` with `--quiet`."""
    context = click.get_current_context(silent=True)
    if context is None or context.params.get("quiet"):
        return None
    _Stderr.progress = Progress(warn)
    context.call_on_close(_Stderr.progress.end)
    return _Stderr.progress


@contextmanager
def _stopping_on_interrupt(stop: threading.Event) -> Iterator[threading.Event]:
    """Give `stop`, which SIGINT and SIGTERM set, instead of an exception that could be raised anywhere.

    After the block both are ignored, so that the result is reported in full.
    """

    def note(_number: int, _frame: FrameType | None) -> None:
        if not stop.is_set():
            stop.set()
            warn(STOPPING)

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
