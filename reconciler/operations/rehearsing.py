"""Rehearsal of a plan file: its apply on an emulated copy of the tenant, without faults and with them.

Sends the tenant no request but GET.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.apply import workers_for
from reconciler.client import RequestRecord
from reconciler.emulator import emulator_server_class, parse_profiles
from reconciler.errors import BlockedError, ReconcilerError, UsageError
from reconciler.operations.apply_and_reconcile import engine_for, revalidated
from reconciler.operations.listener import Listener
from reconciler.operations.plan_for_tenant import Planned
from reconciler.operations.rehearsal_run import RehearsalStage, RunOrder, RunOutcome
from reconciler.operations.settings import Settings
from reconciler.plan import Create, Refusal, Snapshot
from reconciler.planfile import read_plan_file
from reconciler.rehearsal import (
    CanonicalForms,
    EmulatedCopy,
    EndState,
    FaultyRun,
    Prediction,
    Rehearsal,
    Rehearsed,
    RequestPace,
    RunProcesses,
    Undone,
    draw_faults,
    expected_seconds,
)
from reconciler.render import action_name, duration_text
from reconciler.tenant_profile import TenantProfile, read_profile
from reconciler.text import counted, first_few

MOST_CHANGES: Final = 1000
"""The most changes of a plan that is rehearsed."""

_KILLED: Final = "a run did not end"
_LONGEST_RUN: Final = 120.0
"""The seconds after which a run that has not ended is killed."""

_UNSEEN: Final = (
    "it cannot be rehearsed: the copy shows no difference, such as where the tenant masks a value"
)
_AGAIN: Final = "it is applied, and differs again"

_FURTHER_APPLIES: Final = 3
"""The most applies after the first run until nothing is left."""

_SLOW: Final = 60.0
"""The seconds from which a rehearsal says before how long it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearseOptions:
    """How to rehearse.

    Args:
        runs: The number of rehearsals with faults.
        seed: The seed of the faults.
        profile: The file with the profile of the tenant; `None` for that of the environment.
        strict: Whether one change that no longer applies blocks all, as `apply --strict` does.
        timeout: The seconds after which no further rehearsal begins.
    """

    runs: int = 20
    seed: int = 0
    profile: Path | None = None
    strict: bool = False
    timeout: float = 600.0


def rehearse(
    settings: Settings,
    file: Path,
    options: RehearseOptions | None = None,
    listener: Listener | None = None,
    *,
    env: Mapping[str, str] = os.environ,
) -> Rehearsed:
    """Predict what an apply of a plan file does. Sends the tenant no request but GET.

    Args:
        settings: The manifests and the tenant that the plan was made from.
        file: The plan file.
        options: How to rehearse.
        listener: Receives findings, requests and the progress.
        env: Variables for `!env`, the address and the credential.

    Raises:
        UsageError: The emulator is not installed, or the plan has too many changes.
        BlockedError: As `apply_plan_file`.
        InvalidInputError: The profile or a manifest is invalid.
        ReconcilerError: The tenant cannot be read.
    """
    options, listener = options or RehearseOptions(), listener or Listener()
    emulator_server_class()
    settings.require_environment()
    settings.require_manifests()
    environment = settings.environment
    profile = options.profile or (environment.profile if environment else None)
    known = read_profile(profile) if profile else TenantProfile()
    read = _read(settings, file, options, listener, env)
    planned = read.planned
    stage = RehearsalStage.of(planned, read.snapshot)
    plain: Prediction | None = None
    rehearsals: list[Rehearsal] = []
    interrupted = False
    began = time.monotonic()
    with RunProcesses(stage.applied) as processes:
        listener.working("rehearsing", 0, options.runs + 1)
        rehearsing = _Rehearsing(stage, processes, known, began + options.timeout)
        try:
            plain = rehearsing.plain(read)
            taken = time.monotonic() - began
            if taken * options.runs > _SLOW:
                listener.note(
                    f"{counted(options.runs, 'rehearsal')} of {counted(len(stage.names), 'change')} take "
                    f"about {duration_text(taken * options.runs)}; --runs and --timeout limit them"
                )
            for rehearsal in rehearsing.faulty(options, plain.writes):
                rehearsals.append(rehearsal)
                listener.working("rehearsing", len(rehearsals) + 1, options.runs + 1)
        except KeyboardInterrupt:
            if plain is None:
                raise
            interrupted = True
    listener.working("rehearsing", 1, 1)
    return Rehearsed(
        file=str(file),
        tenant=planned.engine.session.base_url,
        environment=planned.environment,
        profile=None if profile is None else str(profile),
        asked=options.runs if plain.writes else 0,
        seed=options.seed,
        prediction=plain,
        rehearsals=tuple(rehearsals),
        stale=tuple(Undone(name=item.name, reason=item.reason) for item in planned.dropped),
        notes=tuple(_notes(planned)),
        requests=len(read.requests),
        seconds=time.monotonic() - began,
        interrupted=interrupted,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What an apply reads before it writes: its plan, what that was made from, and what it took."""

    planned: Planned
    snapshot: Snapshot
    requests: list[RequestRecord]
    seconds: float


def _read(
    settings: Settings, file: Path, options: RehearseOptions, listener: Listener, env: Mapping[str, str]
) -> _Read:
    """Read a plan file and the tenant, as an apply does.

    Raises:
        UsageError: The plan has too many changes.
        ReconcilerError: As an apply, before it writes.
    """
    saved = read_plan_file(file)
    requests: list[RequestRecord] = []
    began = time.monotonic()
    with engine_for(saved, settings, env, "rehearse", listener, requests.append) as engine:
        planned, snapshot = revalidated(engine, saved, strict=options.strict)
    seconds = time.monotonic() - began
    if planned.plan.refusal:
        raise BlockedError(planned.plan.refusal, hint="Nothing was changed.")
    if len(planned.plan.writes) > MOST_CHANGES:
        raise UsageError(
            f"the plan has {len(planned.plan.writes)} changes; at most {MOST_CHANGES} are rehearsed",
            hint="Plan a part of the workflows with --target.",
        )
    return _Read(planned=planned, snapshot=snapshot, requests=requests, seconds=seconds)


def _notes(planned: Planned) -> Iterator[str]:
    """Yield what a rehearsal cannot show."""
    running = [
        action.name
        for action in planned.plan.writes
        if not isinstance(action, Create) and action.live.running
    ]
    if running:
        yield f"{first_few(running)}: running now; waits for executions are not rehearsed"
    if planned.unseen:
        yield f"{counted(planned.unseen, 'further difference')} not in the plan file; plan again to see them"


class _Rehearsing:
    """The rehearsals of one plan, each on a copy of its own.

    Args:
        stage: What the runs have in common.
        processes: Does the runs.
        profile: How the tenant behaves.
        end: When all of them must have ended, by the clock of `time.monotonic`.
    """

    def __init__(
        self,
        stage: RehearsalStage,
        processes: RunProcesses[RunOrder, RunOutcome],
        profile: TenantProfile,
        end: float,
    ) -> None:
        self._stage = stage
        self._processes = processes
        self._profile = profile
        self._switches = parse_profiles(profile.switches)
        self._forms = CanonicalForms()
        self._end = end
        self._predicted: EndState | None = None
        self._kept: frozenset[str] = frozenset()
        self._left: frozenset[str] = frozenset()

    def plain(self, read: _Read) -> Prediction:
        """Return what an apply without faults does that has read this.

        Raises:
            ReconcilerError: The rehearsal itself fails.
        """
        planned = read.planned
        latency = statistics.median(record.seconds for record in read.requests)
        with self._copy(FaultyRun()) as copy:
            before = copy.state()
            first = self._run(RunOrder(url=copy.url, number=0, latency=latency, one_by_one=True))
            if first is None or first.error:
                raise ReconcilerError(f"the plan cannot be rehearsed: {first.error if first else _KILLED}")
            further = self._further(copy.url, 1)
            end = copy.state()
        self._predicted = end
        self._kept = before.webhooks & end.webhooks
        self._left = frozenset(further.left)
        refused = [item for item in planned.plan.actions if isinstance(item, Refusal)]
        unseen = sorted(self._stage.names - {*first.pending})
        left = (
            *(Undone(name=item.name, reason=item.reason) for item in refused),
            *(Undone(name=name, reason=why) for name, why in first.undone.items()),
            *(Undone(name=name, reason=_UNSEEN) for name in unseen),
            *(Undone(name=name, reason=_AGAIN) for name in further.left if name not in first.undone),
        )
        pace = self._pace(latency)
        return Prediction(
            changes=dict(Counter(map(action_name, planned.plan.actions))),
            planning_requests=len(read.requests),
            requests=first.requests,
            writes=first.writes,
            planning_seconds=read.seconds,
            seconds=read.seconds
            + expected_seconds(first.works, pace)
            + expected_seconds(first.deletes, pace),
            latency=latency,
            left=left,
            webhooks=len(before.webhooks),
            webhooks_kept=len(self._kept),
            twins=end.twins(before),
            in_sync=not (refused or unseen or further.left or further.problems),
            end=end,
        )

    def _pace(self, latency: float) -> RequestPace:
        settings = self._stage.settings
        limits = (settings.max_requests_per_second, self._profile.requests_per_second)
        return RequestPace(
            latency=latency,
            workers=workers_for(settings.concurrency),
            in_flight=settings.concurrency,
            gap=max(1 / limit if limit else 0.0 for limit in limits),
        )

    def faulty(self, options: RehearseOptions, writes: int) -> Iterator[Rehearsal]:
        """Yield how each rehearsal with faults ends, until the time is over."""
        for number, run in enumerate(draw_faults(options.runs, writes, options.seed), 1):
            try:
                yield self._rehearsal(number, run)
            except _TimeIsOverError:
                return

    def _rehearsal(self, number: int, run: FaultyRun) -> Rehearsal:
        with self._copy(run) as copy:
            before = copy.state()
            orders = [
                RunOrder(url=copy.url, number=turn, seed=run.seed + turn)
                for turn in range(2 if run.is_doubled else 1)
            ]
            pids = [self._processes.start(order) for order in orders]
            copy.stops(pids[0])
            outcomes = [self._outcome(pid) for pid in pids]
            stopped = copy.was_stopped
            problems = [_KILLED for outcome in outcomes if outcome is None and not stopped]
            copy.calm_down()
            further = self._further(copy.url, len(orders))
            end = copy.state()
        problems += further.problems
        if further.left:
            problems.append(f"left after {_FURTHER_APPLIES} further applies: {first_few(further.left)}")
        elif self._predicted is not None and end.workflows != self._predicted.workflows:
            problems.append("the workflows end otherwise than without faults")
        if not self._kept <= end.webhooks:
            problems.append(f"{counted(len(self._kept - end.webhooks), 'webhook')} lost")
        return Rehearsal(
            number=number,
            faults=run.faults,
            stopped_at=run.stops_at if stopped else None,
            handled=run.handled,
            undone=further.undone,
            applies=further.applies,
            converged=not problems,
            problems=tuple(problems),
            twins=end.twins(before),
        )

    def _copy(self, run: FaultyRun) -> EmulatedCopy:
        stage = self._stage
        return EmulatedCopy(
            stage.workflows,
            self._switches,
            stage.default_resource,
            run,
            now=stage.clock.now,
            forms=self._forms,
        )

    def _run(self, order: RunOrder) -> RunOutcome | None:
        return self._outcome(self._processes.start(order))

    def _outcome(self, pid: int) -> RunOutcome | None:
        """Return the result of a run; `None` for one that was killed.

        Raises:
            _TimeIsOverError: The time of all rehearsals is over before it has ended.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise _TimeIsOverError
        outcome = self._processes.outcome(pid, min(left, _LONGEST_RUN))
        if outcome is None and time.monotonic() >= self._end:
            raise _TimeIsOverError
        return outcome

    def _further(self, url: str, number: int) -> _Further:
        """Apply until nothing is left, and return how that went."""
        undone, applies = 0, 0
        for turn in range(_FURTHER_APPLIES + 1):
            outcome = self._run(RunOrder(url=url, number=number + turn))
            if outcome is None or outcome.error:
                return _Further(
                    undone=undone, applies=applies, problems=(outcome.error if outcome else _KILLED,)
                )
            left = tuple(name for name in outcome.pending if name not in self._left)
            undone = undone if turn else len(left)
            if not left:
                break
            applies += turn < _FURTHER_APPLIES
        return _Further(undone=undone, applies=applies, left=left)


class _TimeIsOverError(ReconcilerError):
    """The end of the time of all rehearsals."""

    def __init__(self) -> None:
        super().__init__("the plan cannot be rehearsed in this time", hint="Pass a longer --timeout.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Further:
    """How the applies after the first run went: what it left, how many there were, and what they left."""

    undone: int
    applies: int
    left: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
