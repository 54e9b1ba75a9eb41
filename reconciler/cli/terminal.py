"""The terminal: results go to stdout or files, everything else to stderr, colour to terminals only."""

from __future__ import annotations

import io
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import click

from reconciler import render
from reconciler.cli.apply_result import result_in
from reconciler.cli.progress import Progress
from reconciler.cli.terminal_features import terminal_width, wants_colours
from reconciler.errors import ReconcilerError, UsageError
from reconciler.files import write_text
from reconciler.operations import STOPPING, Listener
from reconciler.text import TextOrPieces, printable, without_commands

if TYPE_CHECKING:
    from reconciler.apply import Result
    from reconciler.client import RequestRecord
    from reconciler.findings import Finding
    from reconciler.operations import Applied, Planned
    from reconciler.plan import Action
    from reconciler.secrecy import Redactor

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

_COMMAND: Final = "peak-reconciler "

_MOST_WITH_LINES: Final = 200
"""The number of changes up to which an apply prints lines for each."""

_EACH: Final = "--verbose prints each, and the run record has all"

_BLOCK: Final = 65_536
"""The characters of a large result that are written at once."""

_Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | None

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


def show(text: TextOrPieces, *, commands: bool = False) -> None:
    """Write a part of the result to stdout.

    Args:
        text: The text, fit to be shown, or its pieces.
        commands: Whether it consists of commands for a CI system, which are otherwise made harmless.
    """
    _Stderr.clear()
    for block in _blocks(text):
        click.echo(block if commands else without_commands(block), nl=False, color=wants_colours())


def _blocks(text: TextOrPieces) -> Iterator[str]:
    """Yield a text with a line break at its end, in blocks of whole lines: each write takes time."""
    if isinstance(text, str):
        yield f"{text}\n"
        return
    block: list[str] = []
    room = _BLOCK
    for piece in chain(text, ("\n",)):
        block.append(piece)
        room -= len(piece)
        if room <= 0:
            lines, ending, rest = "".join(block).rpartition("\n")
            if ending:
                yield lines + ending
            block, room = [rest], max(_BLOCK, len(rest))
    yield "".join(block)


def warn(text: str) -> None:
    """Write a message to stderr; a reader that went away or a full disk stops nothing."""
    with suppress(OSError):
        if _Stderr.sink is not None:
            level = "warning" if text.startswith("warning: ") else "info"
            _Stderr.sink(level, click.unstyle(text).removeprefix("warning: "), "")
        else:
            _Stderr.clear()
            click.echo(without_commands(_fitted(text)), err=True, color=wants_colours())


def _fitted(text: str) -> str:
    """Return a message in lines that fit the terminal of stderr.

    A line with colours, which is laid out already, and one with a command to copy stay as they are.
    """
    width = terminal_width(sys.stderr)
    if width is None:
        return text
    lines: list[str] = []
    for line in text.split("\n"):
        words = line.lstrip(" ")
        indent = line[: len(line) - len(words)]
        whole = "\x1b" in line or _COMMAND in line
        lines += [line] if whole else render.hanging(words, width, first=indent, rest=f"{indent}  ")
    return "\n".join(lines)


def print_error(message: str, hint: str = "") -> None:
    """Write an error and its hint to stderr."""
    if _Stderr.sink is not None:
        _Stderr.sink("error", message, hint)
        return
    _Stderr.clear()
    lines = [printable(line) for line in message.splitlines()]
    text = "error: " + "\n  ".join([*lines, printable(hint)] if hint else lines)
    click.echo(without_commands(_fitted(text)), err=True)


def print_usage_error(error: click.UsageError) -> None:
    """Write a usage error to stderr, with the usage of the command."""
    if _Stderr.sink is not None:
        _Stderr.sink("error", error.format_message(), "Run with --help for usage.")
    else:
        shown = io.StringIO()
        error.show(file=shown)  # it quotes the command line, which may name a hostile file
        click.echo(without_commands("\n".join(map(printable, shown.getvalue().splitlines()))), err=True)


class Outputs(NamedTuple):
    """Destinations of a result.

    Args:
        printed: The format for standard output.
        files: Formats with the files they are written into.
    """

    printed: str
    files: tuple[tuple[str, Path], ...]

    def deliver(
        self, rendered: Callable[[str], TextOrPieces], fitted: Callable[[int], str] | None = None
    ) -> None:
        """Write a result into its files, and print it unless a file has the printed format.

        Args:
            rendered: Returns the result in a format, or the pieces of it.
            fitted: Returns it as text for a terminal of a width; by default, that of any width.

        Raises:
            ReconcilerError: A file cannot be written.
        """
        self.write(rendered)
        if all(name != self.printed for name, _ in self.files):
            width = terminal_width(sys.stdout)
            if fitted is not None and width is not None and self.printed == "text":
                show(fitted(width))
            else:
                show(rendered(self.printed), commands=self.printed == "github")

    def write(self, rendered: Callable[[str], TextOrPieces]) -> None:
        """Write a result into its files; takes and raises what `deliver` does."""
        for name, file in self.files:
            write_text(file, map(click.unstyle, _blocks(rendered(name))))

    def check(self) -> None:
        """Check that there is a directory for each file, before something is done that cannot be undone.

        Raises:
            ReconcilerError: There is none.
        """
        for _, file in self.files:
            if not file.parent.is_dir():
                raise ReconcilerError(
                    f"{printable(str(file))} cannot be written: its directory does not exist",
                    hint="Nothing was changed. Create the directory, or name another file with --output.",
                )


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
        outputs: The files for the result of an apply.

    Attributes:
        several: Whether the result is one of several; the caller then shows JSON and writes the files.
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
        outputs: Outputs | None = None,
    ) -> None:
        self.as_json = as_json
        self.outputs = outputs or Outputs(printed="text", files=())
        self._bodies = bodies
        self._grouped = grouped
        self._approved = approved
        self._verbose = verbose
        self._progress = _new_progress()
        self._ended = self._writes = 0
        self._is_short = False
        self._in_flight: list[str] = []
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

    def confirm(self, question: str) -> bool:
        """Ask on stderr; only `yes` approves."""
        if self._approved:
            return True
        click.echo(f"\n{question} Only 'yes' is accepted: ", err=True, nl=False)
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
        if event is None:
            self._in_flight.append(action.name)
        elif not isinstance(event, str):
            self._ended += 1
            self._in_flight.remove(action.name)
            if self._progress is not None:
                self._progress.update("applying", self._ended, self._writes, self._in_flight)
            if event.status.value == "not_tried":
                return  # the report says it once for all of them
        if self._writes > _MOST_WITH_LINES and not self._verbose and _is_as_planned(event):
            if not self._is_short:
                self._is_short = True
                warn(f"note: of {self._writes} changes, only what is not as planned is printed; {_EACH}")
            return
        warn(render.progress_line(action, event, redactor, same_as=self._errors.note(event)))

    def applied(self, applied: Applied) -> None:
        """Show the result, the report or the plan of a dry run, and write it into files."""
        if self.as_json:
            if not self.several:
                show(result_in("json", applied))
        elif applied.report is not None and applied.report.results and not self.quiet:
            redactor = applied.planned.redactor
            show(render.report_text(applied.report, applied.traffic, redactor, terminal_width(sys.stdout)))
        if not self.several:
            self.outputs.write(lambda name: result_in(name, applied))


def _is_as_planned(event: Result | str | None) -> bool:
    """Return whether a workflow is being written or was written, and there is nothing else to say of it."""
    return event is None or (not isinstance(event, str) and event.status.value == "done" and not event.notes)


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
