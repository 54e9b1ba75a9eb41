"""`peak-reconciler plan`: show what apply would change, and change nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

import click

from reconciler.cli.apply_options import base_option, scope_options, show_bodies_option
from reconciler.cli.follow_up import follow_up
from reconciler.cli.help import command_of, option
from reconciler.cli.options import FILE, Number, format_option, output_option, quoted, tenant_options
from reconciler.cli.terminal import TerminalListener, read_outputs, warn
from reconciler.errors import ExitCode, UsageError
from reconciler.files import write_text
from reconciler.operations import Planned, ScopeOptions, Settings, plan
from reconciler.plan import KINDS, kinds_of
from reconciler.render import LEAST, LIMIT, plan_gitlab, plan_json, plan_markdown, plan_text
from reconciler.text import printable

_FORMATS: Final = ("text", "json", "markdown", "gitlab")
_ATTRIBUTED: Final = frozenset({"git", "drift", "conflict"})


def _kinds(_context: click.Context, _parameter: click.Parameter, value: str | None) -> frozenset[str]:
    kinds = frozenset(filter(None, map(str.strip, (value or "").split(","))))
    unknown = sorted(kinds - set(KINDS))
    if unknown:
        raise click.BadParameter(f"unknown kind {quoted(unknown[0])}; known are {', '.join(KINDS)}")
    return kinds


@command_of(
    "plan",
    examples=(
        ("plan workflows/", "Show what apply would change"),
        ("plan --save-plan plan.json", "Save the plan for apply --plan plan.json"),
        (
            "plan --output markdown=plan.md --detailed-exitcode",
            "In CI: write a comment, exit with 2 on changes",
        ),
    ),
)
@scope_options
@format_option(
    *_FORMATS, help="Print the plan in this format: markdown for a comment, gitlab for its terraform report."
)
@output_option
@option(
    "--save-plan",
    metavar="FILE",
    type=FILE,
    help="Save the plan, without any secret, for apply --plan FILE.",
    section="Output",
    aliases=("--out",),
)
@option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 when the plan has changes, with 0 when not.",
    section="Output",
)
@option(
    "--fail-on",
    metavar="KINDS",
    callback=_kinds,
    help=f"Exit with 2 when the plan holds one of these kinds, separated by commas: {', '.join(KINDS)}.",
    section="Output",
)
@base_option
@show_bodies_option
@option(
    "--show-unmanaged",
    is_flag=True,
    help="List live workflows that are neither in Git nor owned.",
    section="Output",
)
@option(
    "--max-markdown-bytes",
    metavar="N",
    type=Number(LEAST, whole=True),
    default=LIMIT,
    help="Cut Markdown to N bytes; counts and deletes are cut last.",
    section="Output",
)
@tenant_options()
def command(  # noqa: PLR0913 - one for each option
    *,
    settings: Settings,
    scope: ScopeOptions,
    output_format: str,
    outputs: tuple[str, ...],
    save_plan: Path | None,
    detailed_exitcode: bool,
    fail_on: frozenset[str],
    base: str | None,
    show_bodies: bool,
    show_unmanaged: bool,
    max_markdown_bytes: int,
) -> int:
    """Show what apply would change for the manifests in PATH: files or directories.

    Without PATH, for the manifests that reconciler.yaml names. Only reads: no request but GET is sent. The
    address and the credential come from PEAK_API_URL (or the stage in PEAK__STAGE) and PEAK_AUTH_TOKEN (or
    API_KEY).

    Exits with 3 when a manifest is invalid, and with 4 when a guard blocks a workflow.
    """
    if base is None and (needing := sorted(fail_on & _ATTRIBUTED)):
        raise UsageError(f"--fail-on {','.join(needing)} needs --base REV")
    targets = read_outputs(outputs, _FORMATS, output_format)
    scope = dataclasses.replace(scope, show_unmanaged=show_unmanaged)
    planned = plan(settings, scope, TerminalListener(verbose=settings.verbose), base=base)
    targets.deliver(lambda name: _rendered(planned, name, bodies=show_bodies, limit=max_markdown_bytes))
    if save_plan is not None:
        write_text(save_plan, planned.plan_file_text(), private=True)
        line = follow_up("apply", "--plan", str(save_plan))
        warn(f"the plan was saved; to apply it: {printable(line)}")
    if fail_on & kinds_of(planned.plan):
        return ExitCode.DIFFERENCES
    code = planned.exit_code
    return ExitCode.OK if code is ExitCode.DIFFERENCES and not detailed_exitcode else code


def _rendered(planned: Planned, name: str, *, bodies: bool, limit: int) -> str:
    plan, redactor = planned.plan, planned.redactor
    match name:
        case "json":
            return plan_json(plan, redactor)
        case "gitlab":
            return plan_gitlab(plan)
        case "markdown":
            chosen = planned.engine.settings.environment
            environment = chosen.name if chosen else None
            return plan_markdown(plan, redactor, bodies=bodies, environment=environment, limit=limit)
        case _:
            return plan_text(plan, redactor, bodies=bodies)
