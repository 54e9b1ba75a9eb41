"""`peak-reconciler plan`: show what apply would change, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from reconciler.cli.outputs import output_option, read_outputs
from reconciler.cli.scope_options import RawScopeOptions, scope_options
from reconciler.cli.shared_options import Number, show_bodies_option, tenant_options
from reconciler.cli.terminal import warn
from reconciler.exits import ExitCode
from reconciler.files import write_text
from reconciler.operations.engine import Engine, open_engine
from reconciler.operations.plan_file_io import saved_text
from reconciler.operations.settings import Settings
from reconciler.plan import Plan
from reconciler.render import LEAST, LIMIT, plan_gitlab, plan_json, plan_markdown, plan_text

_FORMATS: Final = ("text", "json", "markdown", "gitlab")


@click.command(name="plan")
@tenant_options
@scope_options
@click.option(
    "--format",
    "output_format",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="How the plan is written: markdown for a comment, gitlab for its terraform report.",
)
@output_option
@click.option(
    "--max-markdown-bytes",
    metavar="N",
    type=Number(LEAST, whole=True),
    default=LIMIT,
    show_default=True,
    help="What a plan in Markdown is cut to; counts and deletes are cut last.",
)
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
    asked: RawScopeOptions,
    output_format: str,
    outputs: tuple[str, ...],
    max_markdown_bytes: int,
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
    targets = read_outputs(outputs, _FORMATS, output_format)
    scope = asked.scope(
        owner=settings.owner, whole=settings.whole, safety=settings.safety, show_unmanaged=show_unmanaged
    )
    with open_engine(settings, allow_protected=asked.allow_protected) as engine:
        plan = engine.plan(scope)
        targets.deliver(
            lambda name: _rendered(
                plan, name, engine, settings, bodies=show_bodies, max_markdown_bytes=max_markdown_bytes
            )
        )
        if out is not None:
            write_text(out, saved_text(engine, plan, scope), private=True)
            warn(f"the plan was saved; to carry it out: peak-reconciler apply --plan {out}")
    return _exit_code(plan, detailed=detailed_exitcode)


def _rendered(  # noqa: PLR0913 - what each format needs
    plan: Plan, name: str, engine: Engine, settings: Settings, *, bodies: bool, max_markdown_bytes: int
) -> str:
    match name:
        case "json":
            return plan_json(plan, engine.redactor)
        case "gitlab":
            return plan_gitlab(plan)
        case "markdown":
            environment = settings.environment.name if settings.environment else None
            return plan_markdown(
                plan, engine.redactor, bodies=bodies, environment=environment, limit=max_markdown_bytes
            )
        case _:
            return plan_text(plan, engine.redactor, bodies=bodies)


def _exit_code(plan: Plan, *, detailed: bool) -> ExitCode:
    if plan.blocked:
        return ExitCode.BLOCKED
    return ExitCode.DIFFERENCES if detailed and plan.changes_anything else ExitCode.OK
