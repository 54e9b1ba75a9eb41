"""One run of the job: lock, validate, plan, apply; always ends in an `Outcome`, whatever goes wrong."""

from __future__ import annotations

import dataclasses
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from reconciler import __version__
from reconciler.apply import Result
from reconciler.backup import new_run_id
from reconciler.cli.apply_options import ApplyOptions
from reconciler.cli.error_exit import exit_code
from reconciler.cli.terminal import show
from reconciler.client import RequestRecord, Traffic
from reconciler.errors import BlockedError, ReconcilerError, reason_of
from reconciler.exits import ExitCode
from reconciler.findings import Finding
from reconciler.job.context import Job
from reconciler.job.events import Entry, Event, Level
from reconciler.job.lease import Lease, LeaseHeldError, held
from reconciler.job.log_entries import (
    end_entry,
    finding_entry,
    plan_entries,
    progress_entry,
    request_entry,
)
from reconciler.job.outcome import Outcome, applied_workflows, planned_workflows, safe_text
from reconciler.job.working_directory import as_of_now, enter
from reconciler.operations.applying import apply_and_report, show_plan
from reconciler.operations.engine import Engine, open_engine
from reconciler.operations.run_recording import INTERRUPTED, Recording, recording
from reconciler.operations.settings import settle
from reconciler.plan import Action, Plan
from reconciler.render import count_actions, plan_json
from reconciler.secrecy import Redactor
from reconciler.timestamps import utc_now

_LONGEST_TRACE: Final = 4000
_MOST_FINDINGS: Final = 10
_STOPPING: Final = "stopping: what is being written is finished, the rest is not tried"


@dataclass(slots=True, kw_only=True)
class _Known:
    """What has become known of a run so far."""

    run_id: str
    started: datetime = field(default_factory=utc_now)
    engine: Engine | None = None
    plan: Plan | None = None
    record: Recording | None = None
    lost: str = ""
    findings: list[str] = field(default_factory=list)

    @property
    def redactor(self) -> Redactor:
        return self.engine.redactor if self.engine else Redactor()


def run_once(job: Job, run_id: str | None = None) -> Outcome | None:
    """Run the job once, and return what came of it; `None` when another run holds the lock.

    Args:
        job: The job.
        run_id: Names the run; a new one when left out.
    """
    known = _Known(run_id=run_id or new_run_id(utc_now()))
    before = job.log.redactor
    job.log.run_id = known.run_id
    try:
        code, error = _tried(job, known)
        if code is None:
            return None
        outcome = _outcome(job, known, code, error)
        job.log(end_entry(outcome))
        return outcome
    finally:
        job.log.redactor = before.joined(known.redactor)


def _tried(job: Job, known: _Known) -> tuple[int | None, str]:
    """Return the exit code and what ended the run before its end; no code when it never began."""
    try:
        return _locked(job, known), ""
    except LeaseHeldError as error:
        job.tell(Event.LOCK_HELD, error.message, Level.WARNING, error.hint)
        return None, ""
    except ReconcilerError as error:
        job.tell(Event.RUN_FAILED, error.message, Level.ERROR, error.hint)
        return exit_code(error), error.message
    except KeyboardInterrupt:
        job.tell(Event.RUN_FAILED, "interrupted", Level.ERROR, "Nothing was written.")
        return INTERRUPTED, "interrupted"
    except OSError as error:  # a standard stream that nobody reads, or a full disk
        message = f"the system refuses: {reason_of(error)}"
        job.tell(Event.RUN_FAILED, message, Level.ERROR)
        return int(ExitCode.FAILED), message
    except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the loop, nor its telling
        message = f"this is a mistake in peak-reconciler: {type(error).__name__}"
        trace = traceback.format_exc()[-_LONGEST_TRACE:]
        job.log(
            Entry(event=Event.RUN_FAILED, level=Level.ERROR, message=message, fields={"traceback": trace})
        )
        return int(ExitCode.FAILED), message


def _locked(job: Job, known: _Known) -> int:
    job.log(
        Entry(
            event=Event.RUN_STARTED,
            message=f"run {known.run_id} begins",
            fields={
                "tool_version": __version__,
                "dry_run": job.options.dry_run,
                "environment": job.environment or None,
            },
        )
    )
    enter(job.place)
    # A signal breaks off what is inside, and never the taking of the lock, its release, or the record.
    with (
        _alone(job, known),
        recording(job.manner.manner.report, known.run_id) as record,
        job.signals.breaking_off(),
    ):
        known.record = record
        record.exit_code = code = _reconciled(job, known, record)
    return code


@contextmanager
def _alone(job: Job, known: _Known) -> Iterator[None]:
    """Hold the lock, if the job has one, while the block lasts."""
    options = job.options
    if options.lock_file is None:
        yield
        return
    lease = Lease(options.lock_file, options.lease, known.run_id)
    before = lease.take()
    if before is not None:
        job.tell(Event.LOCK_TAKEN_OVER, f"the lease of an earlier run had expired: {before}", Level.WARNING)

    def lost(why: str) -> None:
        known.lost = f"the lock was lost: {why}"
        job.tell(Event.LOCK_LOST, f"{known.lost}; what is not written yet is not tried", Level.ERROR)
        job.signals.stop()

    with held(lease, options.lease, lost):
        yield


def _reconciled(job: Job, known: _Known, record: Recording) -> int:
    settings = settle(as_of_now(job.typed))
    if not job.options.dry_run:
        settings.refuse_unnamed_environment()
    scope = job.asked.scope(owner=settings.owner, whole=settings.whole, safety=settings.safety)
    manner = dataclasses.replace(job.manner.settled(settings), quiet=job.log.is_json)
    told = dataclasses.replace(settings, verbose=settings.verbose and not job.log.is_json)

    def observe(exchange: RequestRecord) -> None:
        job.beat()
        record.observe(exchange)
        if settings.verbose and job.log.is_json:
            job.log(request_entry(exchange, known.redactor))

    def found(finding: Finding, redactor: Redactor) -> None:
        entry = finding_entry(finding, redactor)
        job.log(entry)
        if len(known.findings) < _MOST_FINDINGS:
            known.findings.append(safe_text(entry.message, redactor))

    def tell(action: Action, event: Result | str | None) -> None:
        job.beat()
        job.log(progress_entry(action, event, known.redactor))

    with open_engine(told, allow_protected=job.asked.allow_protected, observe=observe, found=found) as engine:
        known.engine = engine
        job.log.redactor = job.log.redactor.joined(engine.redactor)
        record.opened(engine)
        known.plan = plan = engine.plan(scope)
        for entry in plan_entries(plan, engine.session.base_url, engine.session.stage):
            job.log(entry)
        show_plan(engine, plan, manner)
        if job.options.dry_run:
            record.begins(plan)
            return _planned(engine, plan, manner)
        if known.lost:
            raise BlockedError(known.lost, hint="Nothing was changed.")
        return apply_and_report(
            engine, plan, manner, record, tell=tell, stopping=lambda _: _stopping(job, known)
        )


@contextmanager
def _stopping(job: Job, known: _Known) -> Iterator[threading.Event]:
    """Give the event that stops the run: for a signal, or because the lock was lost."""
    with job.signals.stopping(lambda: job.tell(Event.STOPPING, _STOPPING)) as stop:
        if known.lost:
            stop.set()
        yield stop


def _planned(engine: Engine, plan: Plan, manner: ApplyOptions) -> ExitCode:
    """Return how a run ends that only plans, whose result is the plan."""
    if manner.as_json:
        show(plan_json(plan, engine.redactor))
    if plan.blocked:
        return ExitCode.BLOCKED
    return ExitCode.DIFFERENCES if plan.changes_anything else ExitCode.OK


def _outcome(job: Job, known: _Known, code: int, error: str) -> Outcome:
    plan, record, engine = known.plan, known.record, known.engine
    redactor = job.log.redactor.joined(known.redactor)
    report = record.report if record else None
    workflows = applied_workflows(report, redactor) if report else ()
    if plan is not None and job.options.dry_run:
        workflows = planned_workflows(plan, redactor)
        error = error or plan.refusal
    error = error or known.lost
    return Outcome(
        run_id=known.run_id,
        started=known.started,
        ended=utc_now(),
        exit_code=code,
        dry_run=job.options.dry_run,
        environment=job.environment,
        tenant=safe_text(engine.session.base_url, redactor) if engine else "",
        stage=engine.session.stage if engine else "",
        planned=None if plan is None else count_actions(plan),
        workflows=workflows,
        error=safe_text(error, redactor),
        findings=tuple(known.findings),
        traffic=record.traffic if record else Traffic(),
    )
