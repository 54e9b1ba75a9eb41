"""Run of a rehearsal: the real apply of the planned changes to an emulated copy, in a process of its own.

Its waits take no time: they advance a clock that the emulated tenant shares. Of the plan that is made on the
copy, only the changes of the saved plan are applied.
"""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from mmap import mmap
from typing import Final

from reconciler.apply import Result, Status
from reconciler.client import RequestRecord, RetryPolicy, Session
from reconciler.emulator import Record
from reconciler.errors import ReconcilerError
from reconciler.manifests import LoadResult
from reconciler.operations.apply_and_reconcile import ApplyOptions, apply_planned
from reconciler.operations.engine import Engine
from reconciler.operations.listener import Listener
from reconciler.operations.name_resolution import open_catalogue
from reconciler.operations.plan_for_tenant import Planned
from reconciler.operations.run_recording import internal_error, recording
from reconciler.operations.settings import Settings
from reconciler.plan import Action, CompareOptions, Delete, Plan, Refusal, Scope, Snapshot, Write, make_plan
from reconciler.rehearsal import DummySecrets, WorkPart, copied_workflows
from reconciler.secrecy import Redactor
from reconciler.tenant_profile import TenantProfile
from reconciler.values import JsonObject

RUNS_AT_MOST: Final = 8
"""The most runs of one rehearsal."""

_TOKEN: Final = "rehearsal"  # noqa: S105 - for the emulator only


class RehearsalClock:
    """The time of a rehearsal: each run moves it on by what it would have waited."""

    def __init__(self) -> None:
        self._start = time.time()
        self._passed = memoryview(mmap(-1, 8 * RUNS_AT_MOST)).cast("d")

    def now(self) -> float:
        """Return the time of the emulated tenant, in seconds since the epoch."""
        return self._start + sum(self._passed)

    def pass_time(self, run: int, seconds: float) -> None:
        """Move the clock on; only one thread does so at a time for the same `run`."""
        self._passed[run] += seconds


class _RunClock:
    """The time as a run sees it: each of its threads waits for itself.

    Args:
        shared: The clock of the rehearsal.
        run: The number of the run in its rehearsal, from 0.
    """

    def __init__(self, shared: RehearsalClock, run: int) -> None:
        self._shared = shared
        self._run = run
        self._lock = threading.Lock()
        self._latest = 0.0
        self._own = threading.local()

    def monotonic(self) -> float:
        """Return the seconds that have passed for this thread."""
        passed: float = getattr(self._own, "passed", self._latest)
        return passed

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._own.passed = self.monotonic() + seconds
            self._latest = max(self._latest, self._own.passed)
            self._shared.pass_time(self._run, seconds)

    def policy(self, chance: random.Random) -> RetryPolicy:
        """Return the usual policy by this clock."""
        return RetryPolicy(
            monotonic=self.monotonic, wall=self._shared.now, sleep=self.sleep, random=chance.random
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """One run.

    Args:
        url: The address of the emulated tenant.
        number: Its number in its rehearsal, from 0.
        seed: The seed of its pauses.
        latency: The seconds that each request takes.
        one_by_one: Whether to apply one workflow at a time, to see what each one takes.
    """

    url: str
    number: int
    seed: int = 0
    latency: float = 0.0
    one_by_one: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """The result of one run.

    Args:
        pending: The planned changes that were left for it, by the name of the workflow.
        undone: Why it did not do some of them, by name.
        requests: The requests after its plan.
        writes: Those of them that write.
        works: What each workflow took, without deletes.
        deletes: What each delete took.
        error: Why the whole run failed; empty if it did not.
    """

    pending: tuple[str, ...] = ()
    undone: Mapping[str, str] = dataclasses.field(default_factory=dict)
    requests: int = 0
    writes: int = 0
    works: tuple[tuple[WorkPart, ...], ...] = ()
    deletes: tuple[tuple[WorkPart, ...], ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalStage:
    """What all runs of a rehearsal have in common.

    Args:
        manifests: The manifests, with dummy values for secrets.
        workflows: The live workflows, with dummy values for secrets.
        default_resource: The resources of a step that has none.
        options: How workflows are compared.
        scope: The part of the workflows that the plan is about.
        settings: The limits for requests.
        profile: What an apply knows of the tenant; `None` for nothing.
        names: The workflows that the plan changes.
        clock: The time.
    """

    manifests: LoadResult
    workflows: tuple[Record, ...]
    default_resource: JsonObject
    options: CompareOptions
    scope: Scope
    settings: Settings
    profile: TenantProfile | None
    names: frozenset[str]
    clock: RehearsalClock

    @staticmethod
    def of(planned: Planned, snapshot: Snapshot) -> RehearsalStage:
        """Return the stage for a plan that still applies."""
        engine = planned.engine
        dummies = DummySecrets(engine.redactor)
        manifests = tuple(dummies.manifest(manifest) for manifest, _ in snapshot.matches)
        return RehearsalStage(
            manifests=dataclasses.replace(engine.manifests, manifests=manifests, secrets=frozenset()),
            workflows=copied_workflows(snapshot, dummies),
            default_resource=snapshot.facts.default_resource.answer,
            options=engine.options,
            scope=planned.scope._replace(left_out=engine.manifests.left_out),
            settings=engine.settings,
            profile=engine.profile,
            names=frozenset(action.name for action in planned.plan.writes),
            clock=RehearsalClock(),
        )

    def applied(self, order: RunOrder) -> RunOutcome:
        """Do a run and return its result; nothing is raised."""
        clock = _RunClock(self.clock, order.number)
        settings = self.settings._replace(concurrency=1) if order.one_by_one else self.settings
        watch = _Watch(clock, order.latency)
        policy = clock.policy(random.Random(order.seed))._replace(  # noqa: S311 - pauses, not secrecy
            sleep=watch.sleep,
        )
        pending: tuple[str, ...] = ()
        try:
            with (
                Session(
                    _TOKEN,
                    base_url=order.url,
                    env={},
                    pool_size=settings.concurrency,
                    retry=policy,
                    observe=watch.requested,
                    purpose="apply",
                ) as session,
                recording(None) as record,
            ):
                engine = Engine(
                    manifests=self.manifests,
                    session=session,
                    options=self.options,
                    redactor=Redactor(),
                    settings=settings,
                    catalogue=open_catalogue(session, settings.concurrency),
                    profile=self.profile,
                    policy=policy,
                )
                plan = self._plan(engine)
                pending = tuple(action.name for action in plan.actions)
                watch.begins()
                planned = Planned(plan=plan, engine=engine, scope=self.scope)
                applied = apply_planned(planned, ApplyOptions(backups=False), watch, record, confirmed=True)
        except ReconcilerError as error:
            return watch.outcome(pending, {}, error.message)
        except Exception as error:  # noqa: BLE001 - it is reported where the result is read
            return watch.outcome(pending, {}, internal_error(error))
        results = applied.report.results if applied.report else ()
        return watch.outcome(pending, {item.action.name: _why(item) for item in results if _is_undone(item)})

    def _plan(self, engine: Engine) -> Plan:
        """Return the planned changes that are left."""
        plan = make_plan(engine.snapshot(self.scope), engine.options, self.scope)
        left = tuple(
            action
            for action in plan.actions
            if isinstance(action, Write | Refusal) and action.name in self.names
        )
        return dataclasses.replace(plan, actions=left, orphaned=(), unmanaged=())


def _is_undone(result: Result) -> bool:
    return result.status is not Status.DONE


def _why(result: Result) -> str:
    return result.error or result.status.value


class _Watch(Listener):
    """What a run does, part by part.

    Args:
        clock: Its time.
        latency: The seconds that each request takes.
    """

    def __init__(self, clock: _RunClock, latency: float) -> None:
        self._clock = clock
        self._latency = latency
        self._requests: list[str] = []
        self._works: list[list[WorkPart]] = []
        self._deletes: list[list[WorkPart]] = []
        self._work: list[WorkPart] = []
        self._since = 0.0

    def begins(self) -> None:
        """Forget what the plan took."""
        self._requests.clear()

    def requested(self, record: RequestRecord) -> None:
        """Count a request, and let the time pass that it takes."""
        self._computed()
        self._requests.append(record.method)
        self._work.append(WorkPart("request"))
        if self._latency:
            self._clock.sleep(self._latency)

    def sleep(self, seconds: float) -> None:
        """Count a wait, and let the time pass."""
        self._computed()
        self._work.append(WorkPart("wait", seconds))
        self._clock.sleep(seconds)

    def progress(self, action: Action, event: Result | str | None, redactor: Redactor) -> None:  # noqa: ARG002
        """Count what follows for the action that begins."""
        if event is None:
            self._since, self._work = time.thread_time(), []
            (self._deletes if isinstance(action, Delete) else self._works).append(self._work)
        elif isinstance(event, Result):
            self._computed()

    def _computed(self) -> None:
        """Count what this thread has computed since the last part."""
        now = time.thread_time()
        seconds = max(0.0, now - self._since)
        self._work.append(WorkPart("compute", seconds))
        self._since = now
        if self._latency:
            self._clock.sleep(seconds)

    def outcome(self, pending: tuple[str, ...], undone: Mapping[str, str], error: str = "") -> RunOutcome:
        """Return the result of the run."""
        return RunOutcome(
            pending=pending,
            undone=dict(undone),
            requests=len(self._requests),
            writes=sum(method != "GET" for method in self._requests),
            works=tuple(map(tuple, self._works)),
            deletes=tuple(map(tuple, self._deletes)),
            error=error,
        )
