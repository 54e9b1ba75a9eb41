"""How a plan is carried out, and the options that say so: the same for every command that writes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from reconciler.apply import Timing
from reconciler.cli.options import backup_dir_option, format_option, report_option, show_bodies_option
from reconciler.cli.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a plan is carried out.

    Args:
        approved: Whether nobody is asked.
        as_json: Whether the report is JSON; everything else then goes to stderr.
        show_bodies: Whether the exact body of each write is shown.
        fail_fast: Whether the first failure stops the rest.
        timing: How often and how long things are tried.
        backup_dir: Where what is overwritten or deleted is kept; `None` keeps nothing.
        report: The file that the record of the run is written into; `None` for none.
    """

    approved: bool = False
    as_json: bool = False
    show_bodies: bool = False
    fail_fast: bool = False
    timing: Timing
    backup_dir: Path | None
    report: Path | None = None

    def as_approved(self) -> Manner:
        """Return the same manner, without a question."""
        return dataclasses.replace(self, approved=True)


_MANNER: Final = (
    click.option("--auto-approve", "approved", is_flag=True, help="Do not ask: for CI."),
    format_option,
    click.option("--fail-fast", is_flag=True, help="Begin with no further workflow once one has failed."),
    click.option(
        "--wait-running",
        metavar="SECONDS",
        type=click.FloatRange(min=0),
        default=Timing().wait_running,
        show_default=True,
        help="How long a workflow is waited for that runs (whenRunning: wait, and deletes).",
    ),
    backup_dir_option,
    click.option("--no-backup", is_flag=True, help="Keep no copy of what is overwritten or deleted."),
    show_bodies_option,
    report_option,
)


def manner_options(function: F) -> F:
    """Give a command that writes how it does so, as one argument `manner`; it must have `settings`, too."""

    @functools.wraps(function)
    def command(*, settings: Settings, **words: Any) -> Any:  # noqa: ANN401 - click's
        manner = Manner(
            approved=words.pop("approved"),
            as_json=words.pop("output_format") == "json",
            show_bodies=words.pop("show_bodies"),
            fail_fast=words.pop("fail_fast"),
            timing=Timing(wait_running=words.pop("wait_running")),
            report=words.pop("report"),
            backup_dir=None if words.pop("no_backup") else settings.backup_dir,
        )
        return function(settings=settings, manner=manner, **words)

    for option in reversed(_MANNER):
        command = option(command)
    return command  # type: ignore[return-value]
