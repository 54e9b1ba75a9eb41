"""`peak-reconciler plan`: show what apply would change, and change nothing."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.engine import choose, open_engine
from reconciler.cli.options import (
    config_option,
    format_option,
    paths_argument,
    remember_option,
    resend_option,
    show_bodies_option,
)
from reconciler.cli.output import show
from reconciler.cli.settings import settle
from reconciler.exits import ExitCode
from reconciler.plan import Plan
from reconciler.render.plan_json import plan_json
from reconciler.render.plan_text import plan_text


@click.command(name="plan")
@paths_argument
@config_option
@format_option
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 when there is anything to do, 0 when not."
)
@show_bodies_option
@remember_option
@resend_option
def command(  # noqa: PLR0913, PLR0917 - one for each option
    paths: tuple[str, ...],
    config: Path | None,
    output_format: str,
    detailed_exitcode: bool,
    show_bodies: bool,
    remember: bool | None,
    resend_secrets: bool,
) -> int:
    """Show what apply would change for the manifests in PATH: files or directories.

    Without PATH, for those that reconciler.yaml names.

    Only reads: no request but GET leaves the process. Server and credential come from PEAK_API_URL (or the
    stage of PEAK__STAGE) and PEAK_AUTH_TOKEN (or API_KEY). Exits with 3 when a manifest is invalid, and with
    4 when a guard blocks a workflow.
    """
    chosen, configuration = settle(paths, config)
    choices = choose(configuration, remember=remember, resend_secrets=resend_secrets)
    with open_engine(chosen, choices) as engine:
        plan = engine.plan()
        if output_format == "json":
            show(plan_json(plan, engine.redactor))
        else:
            show(plan_text(plan, engine.redactor, bodies=show_bodies))
    return _exit_code(plan, detailed=detailed_exitcode)


def _exit_code(plan: Plan, *, detailed: bool) -> ExitCode:
    if plan.blocked:
        return ExitCode.BLOCKED
    return ExitCode.DIFFERENCES if detailed and plan.changes_anything else ExitCode.OK
