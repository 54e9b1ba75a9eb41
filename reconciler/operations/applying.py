"""Carries a plan out for a command: shows it, asks, keeps backups, writes, reports."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

import click

from reconciler.apply import Progress, Report, Status, apply_plan
from reconciler.backup import BackupWriter, RunIdentity
from reconciler.cli.apply_options import ApplyOptions
from reconciler.cli.interrupts import stopping_on_interrupt
from reconciler.cli.terminal import show, warn
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.exits import ExitCode
from reconciler.operations.engine import Engine
from reconciler.operations.run_recording import Recording
from reconciler.plan import Create, Plan, SetPaused
from reconciler.render import plan_text, progress_line, report_json, report_text

Stopping: TypeAlias = Callable[[Callable[[], None]], AbstractContextManager[threading.Event]]


def show_plan(engine: Engine, plan: Plan, manner: ApplyOptions) -> None:
    """Show a plan; with JSON it is not the result, but whoever is asked must see it."""
    if manner.quiet:
        return
    text = plan_text(plan, engine.redactor, bodies=manner.show_bodies)
    if manner.as_json:
        warn(text)
    else:
        show(text)


def apply_and_report(  # noqa: PLR0913 - the last two by name
    engine: Engine,
    plan: Plan,
    manner: ApplyOptions,
    record: Recording,
    *,
    tell: Progress | None = None,
    stopping: Stopping = stopping_on_interrupt,
) -> ExitCode:
    """Carry out a plan that was shown, report what came of it, and return the exit code.

    Args:
        engine: The tenant.
        plan: What is to be done.
        manner: How.
        record: Keeps what becomes known of the run.
        tell: Told how each workflow gets on, in place of lines on stderr.
        stopping: Gives the event that stops the run, and takes who says that it was stopped.

    Raises:
        BlockedError: A guard refuses the whole plan; nothing was done.
        ReconcilerError: It was not approved, or no backup or record can be written; nothing was done.
    """
    record.begins(plan)
    if plan.refusal:
        raise BlockedError(plan.refusal, hint="Nothing was changed.")
    backups = _backups(engine, plan, manner, record.run_id)
    if plan.writes and not manner.approved:
        _ask(engine.session.base_url)
    with stopping(_say_stopping) as stop:
        report = apply_plan(
            plan,
            engine.applier(manner.timing, backups),
            tell or (lambda action, event: warn(progress_line(action, event, engine.redactor))),
            concurrency=engine.concurrency,
            fail_fast=manner.fail_fast,
            stop=stop,
        )
    record.reported(report)
    _show_report(engine, report, manner, record)
    return _exit_code(report)


def _show_report(engine: Engine, report: Report, manner: ApplyOptions, record: Recording) -> None:
    if manner.as_json:
        show(report_json(report, record.traffic, engine.redactor))
    elif report.results and not manner.quiet:
        show(report_text(report, record.traffic, engine.redactor))


def _say_stopping() -> None:
    warn("stopping: what is being written is finished, the rest is not tried")


def _backups(engine: Engine, plan: Plan, manner: ApplyOptions, run_id: str) -> BackupWriter | None:
    """Return where backups go, once it is seen that they can."""
    overwrites = any(not isinstance(action, Create | SetPaused) for action in plan.writes)
    if manner.backup_dir is None or not overwrites:
        return None
    run = RunIdentity(id=run_id, tenant=engine.session.base_url, stage=engine.session.stage)
    backups = BackupWriter(manner.backup_dir, run, engine.redactor)
    backups.check()
    return backups


def _ask(tenant: str) -> None:
    """Ask on stderr whether the plan may be applied to the tenant at that address.

    Raises:
        ReconcilerError: It was not given.
    """
    click.echo(f"\nApply this plan to {tenant}? Only 'yes' is accepted: ", err=True, nl=False)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        click.echo(err=True)
    if answer.strip() != "yes":
        raise ReconcilerError("cancelled; nothing was changed", hint="--auto-approve does not ask.")


def _exit_code(report: Report) -> ExitCode:
    if report.count(Status.FAILED) or report.count(Status.NOT_TRIED):
        return ExitCode.FAILED
    return ExitCode.BLOCKED if report.count(Status.BLOCKED) else ExitCode.OK
