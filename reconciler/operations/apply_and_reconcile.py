"""Apply and reconcile: make the tenant match the manifests, and verify every write."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.backup import BackupWriter, RunIdentity
from reconciler.client import Observer, RetryPolicy, Traffic
from reconciler.errors import BlockedError, ExitCode, ReconcilerError
from reconciler.operations.engine import Engine, open_engine
from reconciler.operations.listener import Listener
from reconciler.operations.plan_for_tenant import (
    Planned,
    ScopeOptions,
    attribution,
    plan_context,
    recorded_action,
)
from reconciler.operations.run_recording import Recording, recording
from reconciler.operations.settings import Settings
from reconciler.plan import (
    Create,
    Plan,
    Scope,
    Snapshot,
    with_known_origins,
    with_webhook_warnings,
)
from reconciler.planfile import (
    PlanFile,
    check_context,
    load_compare_options,
    load_scope,
    read_plan_file,
    revalidate_plan,
)
from reconciler.text import first_few
from reconciler.timestamps import utc_now

if TYPE_CHECKING:
    from reconciler.apply import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """How a plan is applied.

    Args:
        fail_fast: Whether to stop after the first failure; writes in flight are finished.
        wait_running: Seconds to wait for an execution to end before its workflow is changed or deleted.
        backups: Whether to back up what is changed or deleted, into `Settings.backup_dir`.
        run_record: File for the JSON record of the run; `None` for none.
        base: As for `plan`; an apply of a commit that does not contain it is refused.
        allow_older: Whether to apply such a commit nevertheless.
    """

    fail_fast: bool = False
    wait_running: float = RetryPolicy().wait_running
    backups: bool = True
    run_record: Path | None = None
    base: str | None = None
    allow_older: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The result of an apply, a rollback or a reconcile.

    Args:
        run_id: Id of the run, also the name of its directory of backups.
        planned: The plan.
        report: The result of each workflow; `None` for a dry run.
        traffic: Numbers of requests, retries and waits.
        exit_code: The documented exit code of this result.
    """

    run_id: str
    planned: Planned
    report: Report | None
    traffic: Traffic
    exit_code: ExitCode


def apply(
    settings: Settings,
    scope: ScopeOptions | None = None,
    options: ApplyOptions | None = None,
    listener: Listener | None = None,
    *,
    env: Mapping[str, str] = os.environ,
) -> Applied:
    """Make the tenant match the manifests, and verify every write.

    Args:
        settings: The manifests, the tenant and the limits.
        scope: The part of the workflows to apply.
        options: How to apply the plan.
        listener: Receives the plan, confirms it, and receives progress and the result.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: The options do not go together.
        InvalidInputError: A manifest is invalid, or there is no usable token; nothing was changed.
        BlockedError: A guard refuses the whole plan; nothing was changed.
        ReconcilerError: The plan was not confirmed, or something it needs cannot be read or written.
    """
    return _run("apply", settings, scope, options, listener, env)


def check_settings(settings: Settings, scope: ScopeOptions, *, writes: bool = True) -> Scope:
    """Return the scope of an apply, after checking all that can be checked before anything is read.

    Raises:
        UsageError: No environment is chosen, no manifests are named, a protected environment is not named, or
            the options do not go together.
    """
    settings.require_environment()
    settings.require_manifests()
    if writes:
        settings.require_named_environment()
    return scope.scope(settings)


def reconcile(  # noqa: PLR0913 - as `apply`
    settings: Settings,
    scope: ScopeOptions | None = None,
    options: ApplyOptions | None = None,
    listener: Listener | None = None,
    *,
    record: Recording | None = None,
    dry_run: bool = False,
    refresh: bool = False,
    env: Mapping[str, str] = os.environ,
) -> Applied:
    """Do one run of a scheduled job: plan and, unless `dry_run`, apply.

    Takes and raises what `apply` does. A caller that records more than this one call hands in its `record`.
    A dry run relies on what an earlier plan read, unless `refresh`.
    """
    return _run(
        "reconcile", settings, scope, options, listener, env, record=record, dry_run=dry_run, refresh=refresh
    )


def _run(  # noqa: PLR0913, PLR0917 - as `apply`
    purpose: str,
    settings: Settings,
    scope: ScopeOptions | None,
    options: ApplyOptions | None,
    listener: Listener | None,
    env: Mapping[str, str],
    *,
    record: Recording | None = None,
    dry_run: bool = False,
    refresh: bool = False,
) -> Applied:
    scope, options, listener = scope or ScopeOptions(), options or ApplyOptions(), listener or Listener()
    with nullcontext(record) if record else recording(options.run_record, listener=listener) as current:
        chosen = check_settings(settings, scope, writes=not dry_run)
        attribute = attribution(settings, options.base, listener, env, not_behind=not options.allow_older)
        with open_engine(
            settings,
            env,
            purpose=purpose,
            selection=chosen.selection,
            allow_protected=scope.allow_protected,
            listener=listener,
            observe=current.observe,
            cached=dry_run,
            refresh=refresh,
        ) as engine:
            current.opened(engine)
            if not dry_run:
                _load_ahead()
            from reconciler.plan import with_next_runs  # noqa: PLC0415 - as in `_load_ahead`

            plan = with_next_runs(attribute(engine.plan(chosen), engine), utc_now())
            planned = Planned(plan=plan, engine=engine, scope=chosen)
            listener.planned(planned)
            if dry_run:
                current.begins(planned.plan)
                return _finished(planned, None, planned.exit_code, current, listener)
            return apply_planned(planned, options, listener, current)


def _load_ahead() -> None:
    """Load what shows and applies a plan, while the tenant is read.

    Before the first request it would be loaded too early, and after the plan all requests would wait for it.
    """
    from reconciler.apply import Applier, apply_plan  # noqa: F401, PLC0415
    from reconciler.render import plan_text, progress_line  # noqa: F401, PLC0415


def apply_plan_file(  # noqa: PLR0913 - as `apply`
    settings: Settings,
    file: Path,
    options: ApplyOptions | None = None,
    listener: Listener | None = None,
    *,
    strict: bool = False,
    env: Mapping[str, str] = os.environ,
) -> Applied:
    """Apply exactly the changes of a plan file that still apply, without confirmation.

    Args:
        settings: The manifests and the tenant the plan was made from.
        file: The plan file.
        options: How to apply the plan.
        listener: Receives the plan, progress and the result.
        strict: Whether one change that no longer applies blocks all.
        env: Variables for `!env`, the address and the credential.

    Raises:
        BlockedError: It is for another tenant or other manifests, or `strict` blocks it; nothing was changed.
        ReconcilerError: As `apply`.
    """
    settings.require_environment()
    settings.require_manifests()
    settings.require_named_environment()
    options, listener = options or ApplyOptions(), listener or Listener()
    with ExitStack() as stack:
        record = stack.enter_context(recording(options.run_record, listener=listener))
        saved = read_plan_file(file)
        opened = stack.enter_context(engine_for(saved, settings, env, "apply", listener, record.observe))
        record.opened(opened)
        planned, _ = revalidated(opened, saved, strict=strict)
        listener.planned(planned)
        return apply_planned(planned, options, listener, record, confirmed=True)


def engine_for(  # noqa: PLR0913, PLR0917 - as `open_engine`
    saved: PlanFile,
    settings: Settings,
    env: Mapping[str, str],
    purpose: str,
    listener: Listener,
    observe: Observer,
) -> AbstractContextManager[Engine]:
    """Return the engine for a saved plan; takes and raises what `open_engine` does."""
    selection = load_scope(saved.context.options).selection
    return open_engine(
        settings, env, purpose=purpose, selection=selection, listener=listener, observe=observe
    )


def revalidated(engine: Engine, saved: PlanFile, *, strict: bool) -> tuple[Planned, Snapshot]:
    """Return what still applies of a saved plan, planned again with its options, and what was read for it.

    Raises:
        BlockedError: It is for another tenant or other manifests, or `strict` and a change no longer applies.
        ReconcilerError: Something that the plan needs cannot be read.
    """
    check_context(saved.context, plan_context(engine, Scope()))
    engine = dataclasses.replace(engine, options=load_compare_options(saved.context.options, engine.options))
    scope = load_scope(saved.context.options)
    plan, snapshot = engine.plan_with_snapshot(scope)
    fresh = with_webhook_warnings(with_known_origins(plan, engine.options))
    valid = revalidate_plan(saved, fresh, lambda action: recorded_action(engine, action))
    stale = [item.name for item in valid.dropped if not item.done]
    if strict and stale:
        raise BlockedError(
            f"{len(stale)} of {len(saved.records)} changes of the plan file no longer apply "
            f"({first_few(stale)})",
            hint="Nothing was changed. Plan again.",
        )
    planned = Planned(plan=valid.plan, engine=engine, scope=scope, dropped=valid.dropped, unseen=valid.new)
    return planned, snapshot


def apply_planned(
    planned: Planned,
    options: ApplyOptions,
    listener: Listener,
    record: Recording,
    *,
    confirmed: bool = False,
) -> Applied:
    """Apply a plan that was shown: confirm it, back up, write, verify, and report.

    Args:
        planned: The plan.
        options: How to apply it.
        listener: Confirms it and receives progress and the result.
        record: The record of the run.
        confirmed: Whether not to ask.

    Raises:
        BlockedError: A guard refuses the whole plan; nothing was changed.
        ReconcilerError: It was not confirmed, or no backup or record can be written; nothing was changed.
    """
    from reconciler.apply import Status, apply_plan  # noqa: PLC0415 - as in `_load_ahead`

    engine, plan = planned.engine, planned.plan
    record.begins(plan)
    if plan.refusal:
        raise BlockedError(plan.refusal, hint="Nothing was changed.")
    backups = _backups(engine, plan, record.run_id) if options.backups else None
    if (
        plan.writes
        and not confirmed
        and not listener.confirm(f"Apply this plan to {engine.session.base_url}?")
    ):
        raise ReconcilerError(
            "cancelled; nothing was changed in the tenant", hint="Pass --auto-approve to skip the question."
        )
    with listener.stopping() as stop:
        engine.session.end_waits(stop.is_set)
        policy = engine.policy._replace(wait_running=options.wait_running, stopped=stop.is_set)
        report = apply_plan(
            plan,
            engine.applier(policy, backups),
            lambda action, event: listener.progress(action, event, engine.redactor),
            concurrency=engine.settings.concurrency,
            fail_fast=options.fail_fast,
            stop=stop,
        )
    record.reported(report)
    if backups is not None:
        done = (result for result in report.results if result.status is Status.DONE)
        backups.note_created(result.action.name for result in done if isinstance(result.action, Create))
    stale = any(not item.done for item in planned.dropped)
    return _finished(planned, report, _exit_code(report, stale=stale), record, listener)


def _finished(
    planned: Planned, report: Report | None, code: ExitCode, record: Recording, listener: Listener
) -> Applied:
    """Report the result of a run to the listener, note it in the record, and return it."""
    result = Applied(
        run_id=record.run_id, planned=planned, report=report, traffic=record.traffic, exit_code=code
    )
    listener.applied(result)
    record.exit_code = code
    return result


def _backups(engine: Engine, plan: Plan, run_id: str) -> BackupWriter:
    """Return the store for backups, after checking that it can be written if the plan needs one."""
    settings, session = engine.settings, engine.session
    run = RunIdentity(
        id=run_id,
        tenant=session.base_url,
        stage=session.stage,
        environment=settings.environment.name if settings.environment else "",
    )
    backups = BackupWriter(settings.backup_dir, run, engine.redactor)
    if not all(isinstance(action, Create) for action in plan.writes):
        backups.check()
    return backups


def _exit_code(report: Report, *, stale: bool) -> ExitCode:
    from reconciler.apply import Status  # noqa: PLC0415 - as in `_load_ahead`

    if report.count(Status.FAILED) or report.count(Status.NOT_TRIED):
        return ExitCode.FAILED
    return ExitCode.BLOCKED if stale or report.count(Status.BLOCKED) else ExitCode.OK
