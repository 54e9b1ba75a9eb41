"""How a plan is carried out, and the options that say so: the same for every command that writes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from reconciler.cli.shared_options import (
    Number,
    backup_dir_option,
    format_option,
    report_option,
    show_bodies_option,
)
from reconciler.client import RetryPolicy
from reconciler.operations.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """How a plan is carried out.

    Args:
        approved: Whether nobody is asked.
        as_json: Whether the report is JSON; everything else then goes to stderr.
        show_bodies: Whether the exact body of each write is shown.
        fail_fast: Whether the first failure stops the rest.
        timing: How often and how long things are tried.
        backup_dir: Where what is overwritten or deleted is kept; `None` keeps nothing.
        report: The file that the record of the run is written into; `None` for none.
        quiet: Whether standard output gets nothing but the JSON, and the plan is not shown.
    """

    approved: bool = False
    as_json: bool = False
    show_bodies: bool = False
    fail_fast: bool = False
    timing: RetryPolicy
    backup_dir: Path | None
    report: Path | None = None
    quiet: bool = False

    def as_approved(self) -> ApplyOptions:
        """Return the same manner, without a question."""
        return dataclasses.replace(self, approved=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawApplyOptions:
    """What the options say of it, before it is known where backups are kept.

    Args:
        manner: All the rest.
        keeps_backups: Whether there are any.
    """

    manner: ApplyOptions
    keeps_backups: bool

    @staticmethod
    def taken_from(words: dict[str, Any]) -> RawApplyOptions:
        """Return what the options say, which are taken out of `words`."""
        manner = ApplyOptions(
            approved=words.pop("approved", True),
            as_json=words.pop("output_format") == "json",
            show_bodies=words.pop("show_bodies"),
            fail_fast=words.pop("fail_fast"),
            timing=RetryPolicy(wait_running=words.pop("wait_running")),
            report=words.pop("report"),
            backup_dir=None,
        )
        return RawApplyOptions(manner=manner, keeps_backups=not words.pop("no_backup"))

    def settled(self, settings: Settings) -> ApplyOptions:
        """Return the manner, with backups where the settings say."""
        return dataclasses.replace(
            self.manner, backup_dir=settings.backup_dir if self.keeps_backups else None
        )


_APPROVAL: Final = click.option("--auto-approve", "approved", is_flag=True, help="Do not ask: for CI.")
_MANNER: Final = (
    format_option,
    click.option("--fail-fast", is_flag=True, help="Begin with no further workflow once one has failed."),
    click.option(
        "--wait-running",
        metavar="SECONDS",
        type=Number(0),
        default=RetryPolicy().wait_running,
        show_default=True,
        help="How long a workflow is waited for that runs (whenRunning: wait, and deletes).",
    ),
    backup_dir_option,
    click.option("--no-backup", is_flag=True, help="Keep no copy of what is overwritten or deleted."),
    show_bodies_option,
    report_option,
)


def apply_options(function: F) -> F:
    """Give a command that writes how it does so, as one argument `manner`; it must have `settings`, too."""

    @functools.wraps(function)
    def command(*, settings: Settings, **words: Any) -> Any:  # noqa: ANN401 - click's
        manner = RawApplyOptions.taken_from(words).settled(settings)
        return function(settings=settings, manner=manner, **words)

    for option in reversed((_APPROVAL, *_MANNER)):
        command = option(command)
    return command  # type: ignore[return-value]


def unattended_apply_options(function: F) -> F:
    """Give a command that never asks one argument `manner`, of the type `RawApplyOptions`."""

    @functools.wraps(function)
    def command(**words: Any) -> Any:  # noqa: ANN401 - click's
        return function(manner=RawApplyOptions.taken_from(words), **words)

    for option in reversed(_MANNER):
        command = option(command)
    return command  # type: ignore[return-value]
