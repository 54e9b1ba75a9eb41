"""`peak-reconciler apply`: make the tenant match the manifests, and verify it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reconciler.cli.apply_options import apply_options, base_option, scope_options
from reconciler.cli.apply_result import result_page, result_text
from reconciler.cli.command_settings import Environments, tenant_options
from reconciler.cli.help import command_of, option
from reconciler.cli.options import FILE, backup_dir_option
from reconciler.cli.terminal import TerminalListener, show
from reconciler.environments import EnvironmentResult, worst_exit_code
from reconciler.errors import ExitCode, UsageError
from reconciler.operations import (
    Applied,
    ApplyOptions,
    ScopeOptions,
    Settings,
    apply,
    apply_plan_file,
    check_settings,
)
from reconciler.render import (
    LIMIT,
    ReportPage,
    environments_json,
    environments_markdown,
    environments_page,
    environments_text,
    environments_total,
    html_report,
    report_document,
    reports_total,
)
from reconciler.text import TextOrPieces
from reconciler.values import JsonValue

_BLANK: Final = ReportPage(kind="apply", title="Apply", summary="")


@command_of(
    "apply",
    examples=(
        ("apply workflows/", "Plan, show the plan, ask, and apply"),
        ("apply --plan plan.json", "Apply exactly the plan that was saved and reviewed"),
        ("apply --output html=apply.html", "Also write the result as a page to keep"),
        ("apply --auto-approve --prune", "In CI: also delete owned workflows without a manifest"),
        ("apply --environment dev --environment prod", "Apply to dev, and to prod if dev succeeds"),
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
@option(
    "--keep-going",
    is_flag=True,
    help="With several environments: go on with the next one after one that was not applied in full.",
    section="Apply",
)
@apply_options
@tenant_options(backup_dir_option)
def command(  # noqa: PLR0913 - one for each group of options
    *,
    environments: Environments,
    scope: ScopeOptions,
    plan_file: Path | None,
    strict_plan: bool,
    keep_going: bool,
    base: str | None,
    allow_older: bool,
    options: ApplyOptions,
    listener: TerminalListener,
) -> int:
    """Make the tenant match the manifests in PATH: files or directories.

    Without PATH, the manifests that reconciler.yaml names. Plans, shows the plan, asks, applies it, and reads
    every workflow back. Running it again finishes what an earlier run did not.

    Several environments are planned, confirmed and applied one after the other, in the order of the command
    line. After one that was not applied in full, the rest is skipped, unless --keep-going is set. The exit
    code is the first of 1, 4, 3, 64 and 0 that one of them has.

    Exits with 1 when a workflow failed, with 4 when a guard blocked one, and with 3 when a manifest is
    invalid; nothing is changed then.
    """
    if plan_file is None:
        if strict_plan:
            raise UsageError("--strict applies to a plan file", hint="Use it with --plan FILE.")
        options = dataclasses.replace(options, base=base, allow_older=allow_older)
        return _apply(environments, scope, options, listener, keep_going=keep_going)
    if scope != ScopeOptions() or base is not None:
        raise UsageError(
            "a plan file already states which workflows it is about",
            hint="Pass these options to plan --save-plan instead.",
        )
    if environments.several:
        raise UsageError(
            "a plan file is for one environment", hint="Run apply --plan once for each environment."
        )
    (settings,) = environments.settings.values()
    return apply_plan_file(settings, plan_file, options, listener, strict=strict_plan).exit_code


def _apply(
    environments: Environments,
    scope: ScopeOptions,
    options: ApplyOptions,
    listener: TerminalListener,
    *,
    keep_going: bool,
) -> int:
    for settings in environments.settings.values():
        check_settings(settings, scope)  # before the first environment is changed
    records = environments.files(options.run_record)
    listener.several = environments.several

    def apply_one(settings: Settings) -> Applied:
        name = settings.environment.name if settings.environment else ""
        if environments.several:
            listener.environment(name)
        return apply(settings, scope, dataclasses.replace(options, run_record=records.get(name)), listener)

    def goes_on(code: ExitCode) -> bool:
        return not listener.stop.is_set() and (keep_going or code is ExitCode.OK)

    results = environments.run(apply_one, goes_on=goes_on)
    if environments.several:
        show(_of_several(results, "json") if listener.as_json else "\n" + environments_total(results, _total))
        listener.outputs.write(lambda name: _of_several(results, name))
    return worst_exit_code(results)


def _of_several(results: Sequence[EnvironmentResult[Applied]], name: str) -> TextOrPieces:
    """Return the results in all environments in a format."""
    match name:
        case "json":
            return environments_json(results, "report", _document)
        case "markdown":
            return environments_markdown(results, "apply", result_page, _total, LIMIT)
        case "html":
            return html_report(environments_page(results, result_page, _total, _BLANK))
        case _:
            return environments_text(results, result_text, _total)


def _document(applied: Applied) -> JsonValue:
    if applied.report is None:
        return None
    return report_document(applied.report, applied.traffic, applied.planned.redactor)


def _total(all_applied: Sequence[Applied]) -> str:
    return reports_total([applied.report for applied in all_applied if applied.report is not None])
