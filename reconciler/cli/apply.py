"""`peak-reconciler apply`: make the tenant match the manifests, and verify it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.apply import Report, Status, Timing, apply_plan
from reconciler.cli.engine import Engine, open_engine
from reconciler.cli.interrupts import terminating_as_interrupt
from reconciler.cli.options import format_option, show_bodies_option, tenant_options
from reconciler.cli.output import show, warn
from reconciler.cli.saving import take_up
from reconciler.cli.scoping import Asked, scope_options
from reconciler.cli.settings import Settings
from reconciler.errors import BlockedError, ReconcilerError, UsageError
from reconciler.exits import ExitCode
from reconciler.plan import Plan
from reconciler.planfile import Left, read_plan_file
from reconciler.render.plan_text import plan_text
from reconciler.render.report import progress_line, report_json, report_text
from reconciler.text import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What an apply is to do.

    Args:
        engine: Does it.
        plan: What is done.
        left: What a saved plan has beside, and is left out.
        new: How many changes there are that a saved plan does not have.
        asks: Whether it must still be approved.
    """

    engine: Engine
    plan: Plan
    left: tuple[Left, ...] = ()
    new: int = 0
    asks: bool


@click.command(name="apply")
@tenant_options
@scope_options
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Do exactly what this saved plan says, without asking. What changed since is left out and named.",
)
@click.option("--strict", is_flag=True, help="With --plan: when anything changed since, do nothing at all.")
@click.option("--auto-approve", is_flag=True, help="Do not ask: for CI.")
@format_option
@click.option("--fail-fast", is_flag=True, help="Begin with no further workflow once one has failed.")
@click.option(
    "--wait-running",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=Timing().wait_running,
    show_default=True,
    help="How long a workflow is waited for that runs (whenRunning: wait, and deletes).",
)
@show_bodies_option
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    asked: Asked,
    plan_file: Path | None,
    strict: bool,
    auto_approve: bool,
    output_format: str,
    fail_fast: bool,
    wait_running: float,
    show_bodies: bool,
) -> int:
    """Make the tenant match the manifests in PATH: files or directories, else what reconciler.yaml names.

    Plans, shows the plan, asks, does it, and reads every workflow back. Running it again finishes what an
    earlier run left. Exits with 1 when a workflow failed, with 4 when a guard blocked one, and with 3 when a
    manifest is invalid (then nothing at all is done).
    """
    settings.refuse_unnamed_environment()
    if strict and plan_file is None:
        raise UsageError("--strict says how a saved plan is applied", hint="Use it with --plan FILE.")
    as_json = output_format == "json"
    say = warn if as_json else show
    with (
        terminating_as_interrupt(),
        open_engine(settings, allow_protected=asked.allow_protected) as engine,
    ):
        work = _work(engine, settings, asked, plan_file, strict=strict)
        # With JSON the plan is not the result, but whoever is asked must see it.
        say(plan_text(work.plan, work.engine.redactor, bodies=show_bodies))
        for item in work.left:
            warn(printable(engine.redactor.text(f"left out: {item.name}: {item.action}: {item.reason}")))
        if work.new:
            warn(f"note: {work.new} further differences are not in the saved plan; plan again to see them")
        if work.plan.refusal:
            raise BlockedError(work.plan.refusal, hint="Nothing was changed.")
        if work.asks and not auto_approve and work.plan.writes:
            _ask(engine.session.base_url)
        report = _applied(work, Timing(wait_running=wait_running), fail_fast=fail_fast)
        if as_json:
            show(report_json(report, engine.redactor))
        elif report.results:
            show(report_text(report, engine.redactor))
    return _exit_code(report, work.left)


def _work(engine: Engine, settings: Settings, asked: Asked, plan_file: Path | None, *, strict: bool) -> _Work:
    if plan_file is None:
        scope = asked.scope(owner=settings.owner, whole=settings.whole, safety=settings.safety)
        return _Work(engine=engine, plan=engine.plan(scope), asks=True)
    if asked.anything:
        raise UsageError(
            "a saved plan says itself what it is about", hint="Give these options to plan --out."
        )
    engine, held = take_up(engine, read_plan_file(plan_file), strict=strict)
    return _Work(engine=engine, plan=held.plan, left=held.left, new=held.new, asks=False)


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


def _applied(work: _Work, timing: Timing, *, fail_fast: bool) -> Report:
    engine = work.engine
    return apply_plan(
        work.plan,
        engine.applier(timing),
        lambda action, event: warn(progress_line(action, event, engine.redactor)),
        concurrency=engine.concurrency,
        fail_fast=fail_fast,
        stopping=lambda: warn("stopping: what is being written is finished, the rest is not tried"),
    )


def _exit_code(report: Report, left: tuple[Left, ...]) -> ExitCode:
    if report.count(Status.FAILED) or report.count(Status.NOT_TRIED):
        return ExitCode.FAILED
    blocked = report.count(Status.BLOCKED) or any(not item.done for item in left)
    return ExitCode.BLOCKED if blocked else ExitCode.OK
