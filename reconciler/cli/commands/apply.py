"""`peak-reconciler apply`: make the tenant match the manifests, and verify it."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.apply_options import ApplyOptions, apply_options
from reconciler.cli.scope_options import RawScopeOptions, scope_options
from reconciler.cli.shared_options import tenant_options
from reconciler.cli.terminal import warn
from reconciler.errors import UsageError
from reconciler.exits import ExitCode
from reconciler.operations.applying import apply_and_report, show_plan
from reconciler.operations.engine import Engine, open_engine
from reconciler.operations.plan_file_io import revalidate
from reconciler.operations.run_recording import Recording, recording
from reconciler.operations.settings import Settings
from reconciler.planfile import Dropped, read_plan_file
from reconciler.text import printable


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
@apply_options
def command(
    *,
    settings: Settings,
    asked: RawScopeOptions,
    plan_file: Path | None,
    strict: bool,
    manner: ApplyOptions,
) -> int:
    """Make the tenant match the manifests in PATH: files or directories, else what reconciler.yaml names.

    Plans, shows the plan, asks, does it, and reads every workflow back. Running it again finishes what an
    earlier run left. Exits with 1 when a workflow failed, with 4 when a guard blocked one, and with 3 when a
    manifest is invalid (then nothing at all is done).
    """
    settings.refuse_unnamed_environment()
    if plan_file is None and strict:
        raise UsageError("--strict says how a saved plan is applied", hint="Use it with --plan FILE.")
    if plan_file is not None and asked.anything:
        raise UsageError(
            "a saved plan says itself what it is about", hint="Give these options to plan --out."
        )
    with (
        recording(manner.report) as record,
        open_engine(settings, allow_protected=asked.allow_protected, observe=record.observe) as engine,
    ):
        record.opened(engine)
        if plan_file is not None:
            code = _apply_saved(engine, plan_file, manner, record, strict=strict)
        else:
            scope = asked.scope(owner=settings.owner, whole=settings.whole, safety=settings.safety)
            plan = engine.plan(scope)
            show_plan(engine, plan, manner)
            code = apply_and_report(engine, plan, manner, record)
        record.exit_code = code
    return code


def _apply_saved(
    engine: Engine, file: Path, manner: ApplyOptions, record: Recording, *, strict: bool
) -> ExitCode:
    engine, held = revalidate(engine, read_plan_file(file), strict=strict)
    show_plan(engine, held.plan, manner)
    for item in held.dropped:
        warn(printable(engine.redactor.text(f"left out: {item.name}: {item.action}: {item.reason}")))
    if held.new:
        warn(f"note: {held.new} further differences are not in the saved plan; plan again to see them")
    code = apply_and_report(engine, held.plan, manner.as_approved(), record)
    return _or_blocked(code, held.dropped)


def _or_blocked(code: ExitCode, left: tuple[Dropped, ...]) -> ExitCode:
    stale = any(not item.done for item in left)
    return ExitCode.BLOCKED if stale and code is ExitCode.OK else code
