"""Plan, apply and reconcile: compare the manifests with the tenant, and make the tenant match."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.apply import Report, Status, apply_plan
from reconciler.backup import BackupWriter, RunIdentity
from reconciler.client import RetryPolicy, Traffic
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.exit_codes import ExitCode
from reconciler.operations.engine import Engine, open_engine
from reconciler.operations.listener import Listener
from reconciler.operations.options import ApplyOptions, ScopeOptions
from reconciler.operations.plan_file_io import revalidate, saved_text
from reconciler.operations.run_recording import Recording, recording
from reconciler.operations.settings import Settings
from reconciler.plan import Create, Plan, Scope, SetPaused
from reconciler.planfile import Dropped, read_plan_file
from reconciler.secrecy import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and the tenant it is for.

    Args:
        plan: The plan.
        engine: The manifests and the tenant it was made from.
        scope: The part of the workflows it is about.
        dropped: With a plan file: the changes that no longer apply.
        unseen: With a plan file: the number of differences that are not in it.
    """

    plan: Plan
    engine: Engine = field(repr=False)
    scope: Scope
    dropped: tuple[Dropped, ...] = ()
    unseen: int = 0

    @property
    def redactor(self) -> Redactor:
        """Removes known secrets from text about the plan."""
        return self.engine.redactor

    @property
    def exit_code(self) -> ExitCode:
        """`BLOCKED` when a guard blocks something, `DIFFERENCES` for a plan with changes, else `OK`."""
        if self.plan.blocked:
            return ExitCode.BLOCKED
        return ExitCode.DIFFERENCES if self.plan.changes_anything else ExitCode.OK

    def plan_file_text(self) -> str:
        """Return the plan as the text of a plan file, without any secret.

        Raises:
            BlockedError: A guard refuses the whole plan.
        """
        return saved_text(self.engine, self.plan, self.scope)


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


def plan(
    settings: Settings,
    options: ScopeOptions | None = None,
    listener: Listener | None = None,
    *,
    env: Mapping[str, str] = os.environ,
) -> Planned:
    """Return what an apply would change. Sends no request but GET.

    Args:
        settings: The manifests, the tenant and the limits.
        options: The part of the workflows to plan.
        listener: Receives findings and requests.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: The options do not go together.
        InvalidInputError: A manifest is invalid, or there is no usable token.
        ReconcilerError: Something that the plan needs cannot be read.
    """
    settings.require_manifests()
    options = options or ScopeOptions()
    scope = options.scope(settings)
    with open_engine(
        settings, env, purpose="plan", allow_protected=options.allow_protected, listener=listener
    ) as engine:
        return Planned(plan=engine.plan(scope), engine=engine, scope=scope)


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
    with recording((options or ApplyOptions()).run_record, listener=listener) as record:
        return _reconciled("apply", settings, scope, options, listener, record, env=env)


def reconcile(  # noqa: PLR0913 - as `apply`
    settings: Settings,
    scope: ScopeOptions | None = None,
    options: ApplyOptions | None = None,
    listener: Listener | None = None,
    *,
    record: Recording | None = None,
    dry_run: bool = False,
    env: Mapping[str, str] = os.environ,
) -> Applied:
    """Do one run of a scheduled job: plan and, unless `dry_run`, apply.

    Takes and raises what `apply` does. A caller that records more than this one call hands in its `record`.
    """
    file = (options or ApplyOptions()).run_record
    with nullcontext(record) if record else recording(file, listener=listener) as current:
        return _reconciled("reconcile", settings, scope, options, listener, current, env=env, dry_run=dry_run)


def _reconciled(  # noqa: PLR0913, PLR0917 - as `apply`
    purpose: str,
    settings: Settings,
    scope: ScopeOptions | None,
    options: ApplyOptions | None,
    listener: Listener | None,
    record: Recording,
    *,
    env: Mapping[str, str],
    dry_run: bool = False,
) -> Applied:
    settings.require_manifests()
    if not dry_run:
        settings.require_named_environment()
    scope, options, listener = scope or ScopeOptions(), options or ApplyOptions(), listener or Listener()
    chosen = scope.scope(settings)
    with open_engine(
        settings,
        env,
        purpose=purpose,
        allow_protected=scope.allow_protected,
        listener=listener,
        observe=record.observe,
    ) as engine:
        record.opened(engine)
        planned = Planned(plan=engine.plan(chosen), engine=engine, scope=chosen)
        listener.planned(planned)
        if dry_run:
            record.begins(planned.plan)
            return finished(planned, None, planned.exit_code, record, listener)
        return apply_planned(planned, settings, options, listener, record)


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
    settings.require_manifests()
    settings.require_named_environment()
    options, listener = options or ApplyOptions(), listener or Listener()
    with (
        recording(options.run_record, listener=listener) as record,
        open_engine(settings, env, purpose="apply", listener=listener, observe=record.observe) as opened,
    ):
        record.opened(opened)
        engine, scope, valid = revalidate(opened, read_plan_file(file), strict=strict)
        planned = Planned(
            plan=valid.plan, engine=engine, scope=scope, dropped=valid.dropped, unseen=valid.new
        )
        listener.planned(planned)
        return apply_planned(planned, settings, options, listener, record, confirmed=True)


def apply_planned(  # noqa: PLR0913 - the last by name
    planned: Planned,
    settings: Settings,
    options: ApplyOptions,
    listener: Listener,
    record: Recording,
    *,
    confirmed: bool = False,
) -> Applied:
    """Apply a plan that was shown: confirm it, back up, write, verify, and report.

    Args:
        planned: The plan.
        settings: Where backups go.
        options: How to apply it.
        listener: Confirms it and receives progress and the result.
        record: The record of the run.
        confirmed: Whether not to ask.

    Raises:
        BlockedError: A guard refuses the whole plan; nothing was changed.
        ReconcilerError: It was not confirmed, or no backup or record can be written; nothing was changed.
    """
    engine, plan = planned.engine, planned.plan
    record.begins(plan)
    if plan.refusal:
        raise BlockedError(plan.refusal, hint="Nothing was changed.")
    backups = _backups(engine, plan, settings.backup_dir, record.run_id) if options.backups else None
    if plan.writes and not confirmed and not listener.confirm(engine.session.base_url):
        raise ReconcilerError(
            "cancelled; nothing was changed", hint="Pass --auto-approve to skip the question."
        )
    with listener.stopping() as stop:
        report = apply_plan(
            plan,
            engine.applier(RetryPolicy(wait_running=options.wait_running), backups),
            lambda action, event: listener.progress(action, event, engine.redactor),
            concurrency=engine.concurrency,
            fail_fast=options.fail_fast,
            stop=stop,
        )
    record.reported(report)
    stale = any(not item.done for item in planned.dropped)
    return finished(planned, report, _exit_code(report, stale=stale), record, listener)


def finished(
    planned: Planned, report: Report | None, code: ExitCode, record: Recording, listener: Listener
) -> Applied:
    """Report the result of a run to the listener, note it in the record, and return it."""
    result = Applied(
        run_id=record.run_id, planned=planned, report=report, traffic=record.traffic, exit_code=code
    )
    listener.applied(result)
    record.exit_code = code
    return result


def _backups(engine: Engine, plan: Plan, directory: Path, run_id: str) -> BackupWriter | None:
    """Return the store for backups, after checking that it can be written; `None` when none is needed."""
    if all(isinstance(action, Create | SetPaused) for action in plan.writes):
        return None
    run = RunIdentity(id=run_id, tenant=engine.session.base_url, stage=engine.session.stage)
    backups = BackupWriter(directory, run, engine.redactor)
    backups.check()
    return backups


def _exit_code(report: Report, *, stale: bool) -> ExitCode:
    if report.count(Status.FAILED) or report.count(Status.NOT_TRIED):
        return ExitCode.FAILED
    return ExitCode.BLOCKED if stale or report.count(Status.BLOCKED) else ExitCode.OK
