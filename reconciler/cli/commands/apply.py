"""`peak-reconciler apply`: make the tenant match the manifests, and verify it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from reconciler.cli.apply_options import apply_options, base_option, scope_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import FILE, backup_dir_option, tenant_options
from reconciler.cli.terminal import TerminalListener
from reconciler.errors import UsageError
from reconciler.operations import ApplyOptions, ScopeOptions, Settings, apply, apply_plan_file


@command_of(
    "apply",
    examples=(
        ("apply workflows/", "Plan, show the plan, ask, and apply"),
        ("apply --plan plan.json", "Apply exactly the plan that was saved and reviewed"),
        ("apply --auto-approve --prune", "In CI: also delete owned workflows without a manifest"),
    ),
)
@scope_options
@option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=FILE,
    help="Apply exactly this plan file, without asking; changes that no longer apply are left out and named.",
    section="Apply",
)
@option(
    "--strict",
    "strict_plan",
    is_flag=True,
    help="With --plan: change nothing if any change no longer applies.",
    section="Apply",
)
@base_option
@option(
    "--allow-older",
    is_flag=True,
    help="With --base REV: apply a commit that does not contain REV, too.",
    section="Safety",
)
@apply_options
@tenant_options(backup_dir_option)
def command(  # noqa: PLR0913 - one for each group of options
    *,
    settings: Settings,
    scope: ScopeOptions,
    plan_file: Path | None,
    strict_plan: bool,
    base: str | None,
    allow_older: bool,
    options: ApplyOptions,
    listener: TerminalListener,
) -> int:
    """Make the tenant match the manifests in PATH: files or directories.

    Without PATH, the manifests that reconciler.yaml names. Plans, shows the plan, asks, applies it, and reads
    every workflow back. Running it again finishes what an earlier run did not.

    Exits with 1 when a workflow failed, with 4 when a guard blocked one, and with 3 when a manifest is
    invalid; nothing is changed then.
    """
    if plan_file is None:
        if strict_plan:
            raise UsageError("--strict applies to a plan file", hint="Use it with --plan FILE.")
        options = dataclasses.replace(options, base=base, allow_older=allow_older)
        return apply(settings, scope, options, listener).exit_code
    if scope != ScopeOptions() or base is not None:
        raise UsageError(
            "a plan file already states which workflows it is about",
            hint="Pass these options to plan --save-plan instead.",
        )
    return apply_plan_file(settings, plan_file, options, listener, strict=strict_plan).exit_code
