"""`peak-reconciler plan`: show what apply would change, and change nothing."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.engine import open_engine
from reconciler.cli.options import format_option, show_bodies_option, tenant_options
from reconciler.cli.output import show, warn, write_file
from reconciler.cli.saving import saved_text
from reconciler.cli.scoping import Asked, scope_options
from reconciler.cli.settings import Settings
from reconciler.exits import ExitCode
from reconciler.plan import Plan
from reconciler.render.plan_json import plan_json
from reconciler.render.plan_text import plan_text


@click.command(name="plan")
@tenant_options
@scope_options
@format_option
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save the plan, without any secret, for apply --plan FILE.",
)
@click.option("--show-unmanaged", is_flag=True, help="List the live workflows that no manifest means.")
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 when there is anything to do, 0 when not."
)
@show_bodies_option
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    asked: Asked,
    output_format: str,
    out: Path | None,
    show_unmanaged: bool,
    detailed_exitcode: bool,
    show_bodies: bool,
) -> int:
    """Show what apply would change for the manifests in PATH: files or directories.

    Without PATH, for those that reconciler.yaml names.

    Only reads: no request but GET leaves the process. Server and credential come from PEAK_API_URL (or the
    stage of PEAK__STAGE) and PEAK_AUTH_TOKEN (or API_KEY). Exits with 3 when a manifest is invalid, and with
    4 when a guard blocks a workflow.
    """
    scope = asked.scope(
        owner=settings.owner, whole=settings.whole, safety=settings.safety, show_unmanaged=show_unmanaged
    )
    with open_engine(settings, allow_protected=asked.allow_protected) as engine:
        plan = engine.plan(scope)
        if out is not None:
            write_file(out, saved_text(engine, plan, scope), private=True)
            warn(f"the plan was saved; to carry it out: peak-reconciler apply --plan {out}")
        if output_format == "json":
            show(plan_json(plan, engine.redactor))
        else:
            show(plan_text(plan, engine.redactor, bodies=show_bodies))
    return _exit_code(plan, detailed=detailed_exitcode)


def _exit_code(plan: Plan, *, detailed: bool) -> ExitCode:
    if plan.blocked:
        return ExitCode.BLOCKED
    return ExitCode.DIFFERENCES if detailed and plan.changes_anything else ExitCode.OK
