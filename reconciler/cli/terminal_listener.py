"""The terminal as the listener of an operation: results on stdout, progress and questions on stderr."""

from __future__ import annotations

import sys
import threading
from contextlib import AbstractContextManager

import click

from reconciler.apply import Result
from reconciler.cli.interrupts import stopping_on_interrupt
from reconciler.cli.terminal import show, warn
from reconciler.client import RequestRecord
from reconciler.findings import Finding
from reconciler.operations import STOPPING, Applied, Listener, Planned
from reconciler.plan import Action
from reconciler.render import (
    finding_line,
    plan_json,
    plan_text,
    progress_line,
    report_json,
    report_text,
    request_line,
)
from reconciler.secrecy import Redactor
from reconciler.text import printable


class TerminalListener(Listener):
    """The terminal that a command runs in.

    Args:
        as_json: Whether the result is JSON; the plan then goes to stderr.
        bodies: Whether the plan shows the exact body of each write.
        approved: Whether not to ask before writing.
        verbose: Whether to print each request.
        quiet: Whether to show nothing but a JSON result.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        bodies: bool = False,
        approved: bool = False,
        verbose: bool = False,
        quiet: bool = False,
    ) -> None:
        self.as_json = as_json
        self._bodies = bodies
        self._approved = approved
        self._verbose = verbose
        self.quiet = quiet

    def warning(self, text: str) -> None:
        """Print a warning."""
        warn(f"warning: {text}")

    def note(self, text: str) -> None:
        """Print a remark."""
        warn(text)

    def finding(self, finding: Finding, redactor: Redactor) -> None:
        """Print an error or a warning about a manifest."""
        warn(redactor.text(finding_line(finding)))

    def request(self, record: RequestRecord, redactor: Redactor) -> None:
        """Print a request, with `--verbose`."""
        if self._verbose:
            warn(request_line(record, redactor))

    def planned(self, planned: Planned) -> None:
        """Show the plan, and what a plan file no longer applies to."""
        if self.quiet:
            return
        text = plan_text(planned.plan, planned.redactor, bodies=self._bodies)
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

    def stopping(self) -> AbstractContextManager[threading.Event]:
        """Return an event that Ctrl-C and SIGTERM set."""
        return stopping_on_interrupt(lambda: warn(STOPPING))

    def progress(self, action: Action, event: Result | str | None, redactor: Redactor) -> None:
        """Print how a workflow gets on."""
        warn(progress_line(action, event, redactor))

    def applied(self, applied: Applied) -> None:
        """Show the result: the report, or the plan of a dry run."""
        redactor = applied.planned.redactor
        if applied.report is None:
            if self.as_json:
                show(plan_json(applied.planned.plan, redactor))
        elif self.as_json:
            show(report_json(applied.report, applied.traffic, redactor))
        elif applied.report.results and not self.quiet:
            show(report_text(applied.report, applied.traffic, redactor))
