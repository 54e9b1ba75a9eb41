"""`peak-reconciler apply`: make the tenant match the manifests, and verify it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reconciler.apply import Report, Status, apply_plan
from reconciler.cli.engine import Engine, choose, open_engine
from reconciler.cli.interrupts import terminating_as_interrupt
from reconciler.cli.options import (
    config_option,
    format_option,
    paths_argument,
    remember_option,
    resend_option,
    show_bodies_option,
)
from reconciler.cli.output import show, warn
from reconciler.cli.settings import settle
from reconciler.errors import ReconcilerError
from reconciler.exits import ExitCode
from reconciler.plan import Blocked, Plan, Unchanged
from reconciler.render.plan_text import plan_text
from reconciler.render.report import progress_line, report_json, report_text


@click.command(name="apply")
@paths_argument
@config_option
@click.option("--auto-approve", is_flag=True, help="Do not ask: for CI.")
@format_option
@click.option("--fail-fast", is_flag=True, help="Begin with no further workflow once one has failed.")
@show_bodies_option
@remember_option
@resend_option
def command(  # noqa: PLR0913, PLR0917 - one for each option
    paths: tuple[str, ...],
    config: Path | None,
    auto_approve: bool,
    output_format: str,
    fail_fast: bool,
    show_bodies: bool,
    remember: bool | None,
    resend_secrets: bool,
) -> int:
    """Make the tenant match the manifests in PATH: files or directories, else what reconciler.yaml names.

    Plans, shows the plan, asks, does it, and reads every workflow back. Running it again finishes what an
    earlier run left. Exits with 1 when a workflow failed, with 4 when a guard blocked one, and with 3 when a
    manifest is invalid (then nothing at all is done).
    """
    chosen, configuration = settle(paths, config)
    choices = choose(configuration, remember=remember, resend_secrets=resend_secrets)
    as_json = output_format == "json"
    with terminating_as_interrupt(), open_engine(chosen, choices) as engine:
        plan = engine.plan()
        # With JSON the plan is not the result, but whoever is asked must see it.
        text = plan_text(plan, engine.redactor, bodies=show_bodies)
        if as_json:
            warn(text)
        else:
            show(text)
        if not auto_approve and _writes(plan):
            _ask(engine.session.base_url)
        report = _applied(engine, plan, fail_fast=fail_fast)
        if as_json:
            show(report_json(report, engine.redactor))
        elif report.results:
            show(report_text(report, engine.redactor))
    return _exit_code(report)


def _writes(plan: Plan) -> bool:
    return any(not isinstance(action, Unchanged | Blocked) for action in plan.actions)


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


def _applied(engine: Engine, plan: Plan, *, fail_fast: bool) -> Report:
    return apply_plan(
        plan,
        engine.applier(),
        lambda action, result: warn(progress_line(action, result, engine.redactor)),
        fail_fast=fail_fast,
        stopping=lambda: warn("stopping: what is being written is finished, the rest is not tried"),
    )


def _exit_code(report: Report) -> ExitCode:
    if report.count(Status.FAILED) or report.count(Status.NOT_TRIED):
        return ExitCode.FAILED
    return ExitCode.BLOCKED if report.count(Status.BLOCKED) else ExitCode.OK
