"""Watching of the status: the table redrawn on a terminal, elsewhere the table once and then each change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.live_text import LiveText, screen_height
from reconciler.cli.terminal import print_error, show, warn
from reconciler.cli.terminal_features import is_drawable, text_display
from reconciler.errors import INTERRUPTED, ReconcilerError
from reconciler.json_documents import line_text
from reconciler.operations import Listener
from reconciler.render import (
    StatusView,
    changed_documents,
    duration_text,
    finding_line,
    hanging,
    status_changes,
    status_text,
)
from reconciler.text import printable
from reconciler.timestamps import rfc3339_seconds, utc_now

if TYPE_CHECKING:
    from reconciler.findings import Finding
    from reconciler.secrecy import Redactor

_AROUND: Final = 2
"""The lines of a terminal that the table leaves to a hint and to the cursor."""


def watch_status(
    read: Callable[[Listener], StatusView], listener: Listener, interval: float, *, as_json: bool, utc: bool
) -> int:
    """Show the status again and again, until Ctrl-C or SIGTERM, and return the exit code of an interrupt.

    Args:
        read: Returns the status; takes what receives findings, requests and progress.
        listener: Receives those of the first time; later ones would repeat them.
        interval: The seconds between two reads.
        as_json: Whether to print a line of JSON for each workflow and each change.
        utc: Whether to show exact times on a terminal.

    Raises:
        ReconcilerError: The status cannot be read the first time. Later errors are only shown.
    """
    shown = _JsonLines() if as_json else _Screen(interval, utc=utc) if is_drawable(sys.stdout) else _Lines()
    try:
        shown.take(read(listener))
        while True:
            time.sleep(interval)
            try:
                view = read(found := _Findings())
            except ReconcilerError as error:
                shown.fail(error, found.lines)
            else:
                shown.take(view)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        shown.end()


class _Findings(Listener):
    """The findings of one read, for the case that it fails because of them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def finding(self, finding: Finding, redactor: Redactor) -> None:
        """Keep a finding."""
        self.lines.append(redactor.text(finding_line(finding)))


class _Lines:
    """The table once, then a line for each change."""

    def __init__(self) -> None:
        self._last: StatusView | None = None
        self._error = ""

    def take(self, view: StatusView) -> None:
        """Show what changed."""
        self._error = ""
        self._print(self._last, view)
        self._last = view
        sys.stdout.flush()

    def fail(self, error: ReconcilerError, findings: Sequence[str]) -> None:
        """Show an error and the findings behind it, unless it is the same as the last time."""
        text = "\n".join([*findings, error.message])
        if text != self._error:
            for line in findings:
                warn(line)
            print_error(error.message, "Trying again.")
        self._error = text

    def end(self) -> None:
        """Leave everything as it is."""

    def _print(self, before: StatusView | None, view: StatusView) -> None:
        if before is None:
            show(status_text(view, text_display()))
            return
        for line in status_changes(before, view):
            show(f"{rfc3339_seconds(utc_now())} {line}")


class _JsonLines(_Lines):
    """A line of JSON for each workflow, then for each change."""

    def _print(self, before: StatusView | None, view: StatusView) -> None:
        now = rfc3339_seconds(utc_now())
        for document in changed_documents(before, view):
            show(line_text({"observed_at": now, **document}))


class _Screen(_Lines):
    """The table on a terminal, redrawn in place and cut to its height."""

    def __init__(self, interval: float, *, utc: bool) -> None:
        super().__init__()
        self._stream = sys.stdout  # which a live text replaces while it is drawn
        self._live = LiveText(self._stream)
        self._every = f"every {duration_text(interval)}, until Ctrl-C"
        self._utc = utc

    def fail(self, error: ReconcilerError, findings: Sequence[str]) -> None:
        """Show an error, and the first finding behind it, above the last table."""
        if self._last is not None:
            width = text_display(stream=self._stream).width
            texts = (f"error: {printable(error.message)}; trying again", *map(click.unstyle, findings[:1]))
            self._draw(self._last, [line for text in texts for line in hanging(text, width)])

    def end(self) -> None:
        """Leave the last table on the terminal."""
        self._live.end()

    def _print(self, before: StatusView | None, view: StatusView) -> None:  # noqa: ARG002 - all of it is drawn
        self._draw(view, [f"{rfc3339_seconds(utc_now())}, {self._every}"])

    def _draw(self, view: StatusView, heads: Sequence[str]) -> None:
        lines = status_text(view, text_display(utc=self._utc, stream=self._stream)).splitlines()
        room = screen_height() - _AROUND - len(heads)
        if len(lines) > room:
            hidden = len(lines) - room
            lines = [
                *lines[: max(room - 1, 1)],
                f"… {hidden} more {'line' if hidden == 1 else 'lines'}: choose fewer with --only or --target",
                lines[-1],
            ]
        self._live.show("\n".join([*heads, *lines]))
