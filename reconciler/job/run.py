"""One run of the job: lock, reconcile, log. It always ends in an `Outcome`."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from reconciler import __version__
from reconciler.apply import Report, Result, Status
from reconciler.backup import new_run_id
from reconciler.client import RequestRecord, Traffic
from reconciler.errors import INTERRUPTED, BlockedError, ExitCode, ReconcilerError, exit_code
from reconciler.findings import Finding
from reconciler.job.context import Job, enter, with_links_resolved
from reconciler.job.lease import Lease, LeaseHeldError, held
from reconciler.job.log import Event, Level
from reconciler.job.log_entries import (
    end_entry,
    finding_entry,
    plan_entries,
    progress_entry,
    request_entry,
)
from reconciler.job.outcome import Outcome, applied_workflows, planned_workflows, safe_text
from reconciler.operations import (
    STOPPING,
    Applied,
    Engine,
    Listener,
    Planned,
    internal_error,
    reconcile,
    recording,
    resolve_settings,
    system_error,
)
from reconciler.plan import Action, Plan
from reconciler.render import count_actions
from reconciler.secrecy import Redactor
from reconciler.text import printable
from reconciler.timestamps import utc_now

_LONGEST_TRACE: Final = 4000
_MOST_FINDINGS: Final = 10


def run_once(job: Job, run_id: str | None = None) -> Outcome | None:
    """Run the job once, and return the outcome; `None` when another run holds the lock.

    Args:
        job: The job.
        run_id: Id of the run; a new one by default.
    """
    run = _Run(job, run_id or new_run_id(utc_now()))
    before = job.log.redactor
    job.log.run_id = run.id
    try:
        code, error = _attempt(job, run)
        if code is None:
            return None
        outcome = run.outcome(code, error)
        job.log(end_entry(outcome))
        return outcome
    finally:
        job.log.redactor = before.joined(run.redactor)


def _attempt(job: Job, run: _Run) -> tuple[int | None, str]:
    """Return the exit code and the error that ended the run; no code when it never started."""
    try:
        return _locked(job, run), ""
    except LeaseHeldError as error:
        job.report(Event.LOCK_HELD, error.message, Level.WARNING, error.hint)
        return None, ""
    except ReconcilerError as error:
        job.report(Event.RUN_FAILED, error.message, Level.ERROR, error.hint)
        return exit_code(error), error.message
    except KeyboardInterrupt:
        job.report(Event.RUN_FAILED, "interrupted", Level.ERROR, "Nothing was written.")
        return INTERRUPTED, "interrupted"
    except OSError as error:  # a standard stream whose reader went away, or a full disk
        job.report(Event.RUN_FAILED, system_error(error), Level.ERROR)
        return int(ExitCode.FAILED), system_error(error)
    except Exception as error:  # noqa: BLE001 - a bug must neither end the loop nor go unreported
        message = internal_error(error)
        trace = traceback.format_exc()[-_LONGEST_TRACE:]
        job.report(Event.RUN_FAILED, message, Level.ERROR, traceback=trace)
        return int(ExitCode.FAILED), message


def _locked(job: Job, run: _Run) -> int:
    options, dry_run = job.apply_options, job.options.dry_run
    job.report(
        Event.RUN_STARTED,
        f"run {run.id} begins",
        tool_version=__version__,
        dry_run=dry_run,
        environment=job.environment or None,
    )
    enter(job.place)
    # A signal interrupts what is inside, and never the taking of the lock, its release, or the record.
    with (
        _holding_lock(job, run),
        recording(options.run_record, run.id, run) as record,
        job.signals.interrupting(),
    ):
        settings = resolve_settings(with_links_resolved(job.raw))
        run.verbose = settings.verbose
        for warning in settings.warnings:
            run.warning(printable(warning))
        return reconcile(
            settings,
            job.scope,
            options,
            run,
            record=record,
            dry_run=dry_run,
            refresh=job.options.refresh,
        ).exit_code


@contextmanager
def _holding_lock(job: Job, run: _Run) -> Iterator[None]:
    """Hold the lock, if the job has one, within the block."""
    options = job.options
    if options.lock_file is None:
        yield
        return
    lease = Lease(options.lock_file, options.lease, run.id)
    before = lease.take()
    if before is not None:
        job.report(Event.LOCK_TAKEN_OVER, f"the lease of an earlier run had expired: {before}", Level.WARNING)

    def lost(why: str) -> None:
        run.lost = f"the lock was lost: {why}"
        job.report(Event.LOCK_LOST, f"{run.lost}; what is not written yet is skipped", Level.ERROR)
        job.signals.stop()

    with held(lease, options.lease, lost):
        yield


class _Run(Listener):
    """The listener of one run: logs what happens, and keeps what its outcome consists of.

    Args:
        job: The job.
        run_id: Id of the run.
    """

    def __init__(self, job: Job, run_id: str) -> None:
        self.id = run_id
        self.lost = ""
        self.verbose = False
        self._job = job
        self._started = utc_now()
        self._engine: Engine | None = None
        self._plan: Plan | None = None
        self._report: Report | None = None
        self._findings: list[str] = []

    @property
    def redactor(self) -> Redactor:
        """Removes the secrets that are known so far."""
        return self._engine.redactor if self._engine else Redactor()

    def warning(self, text: str) -> None:
        """Log a warning."""
        self._job.output.warning(text)

    def finding(self, finding: Finding, redactor: Redactor) -> None:
        """Log a finding, and keep the first ones for the outcome."""
        entry = finding_entry(finding, redactor)
        self._job.log(entry)
        if len(self._findings) < _MOST_FINDINGS:
            self._findings.append(safe_text(entry.message, redactor))

    def request(self, record: RequestRecord, redactor: Redactor) -> None:
        """Note a sign of life, and log the request if asked to."""
        self._job.beat()
        if not self._job.log.is_json:
            self._job.output.request(record, redactor)
        elif self.verbose:
            self._job.log(request_entry(record, self.redactor))

    def opened(self, engine: Engine) -> None:
        """Keep the tenant, and remove its secrets from the log from now on."""
        self._engine = engine
        self._job.log.redactor = self._job.log.redactor.joined(engine.redactor)

    def planned(self, planned: Planned) -> None:
        """Log and show the plan.

        Raises:
            BlockedError: The lock was lost.
        """
        self._plan = planned.plan
        session = planned.engine.session
        for entry in plan_entries(planned.plan, session.base_url, session.stage):
            self._job.log(entry)
        self._job.output.planned(planned)
        if self.lost and not self._job.options.dry_run:
            raise BlockedError(self.lost, hint="Nothing was changed.")

    def stopping(self) -> AbstractContextManager[threading.Event]:
        """Return an event that a signal sets, and the loss of the lock."""
        return self._stopping()

    @contextmanager
    def _stopping(self) -> Iterator[threading.Event]:
        job = self._job
        with job.signals.stopping(lambda: job.report(Event.STOPPING, STOPPING)) as stop:
            if self.lost:
                stop.set()
            yield stop

    def progress(self, action: Action, event: Result | str | None, redactor: Redactor) -> None:  # noqa: ARG002
        """Note a sign of life, and log the progress."""
        self._job.beat()
        skipped = isinstance(event, Result) and event.status is Status.NOT_TRIED
        if self._job.log.is_json or not skipped:  # the report in text says it once for all of them
            self._job.log(progress_entry(action, event, self.redactor))

    def applied(self, applied: Applied) -> None:
        """Keep and show the result."""
        self._report = applied.report
        self._job.output.applied(applied)

    def outcome(self, code: int, error: str) -> Outcome:
        """Return the outcome.

        Args:
            code: The exit code.
            error: The error that ended the run; empty for none.
        """
        job, engine, plan = self._job, self._engine, self._plan
        redactor = job.log.redactor.joined(self.redactor)
        workflows = applied_workflows(self._report, redactor) if self._report else ()
        if plan is not None and job.options.dry_run:
            workflows = planned_workflows(plan, redactor)
            error = error or plan.refusal
        return Outcome(
            run_id=self.id,
            started=self._started,
            ended=utc_now(),
            exit_code=code,
            dry_run=job.options.dry_run,
            environment=job.environment,
            tenant=safe_text(engine.session.base_url, redactor) if engine else "",
            stage=engine.session.stage if engine else "",
            planned=None if plan is None else count_actions(plan),
            workflows=workflows,
            error=safe_text(error or self.lost, redactor),
            findings=tuple(self._findings),
            traffic=engine.session.traffic if engine else Traffic(),
        )
