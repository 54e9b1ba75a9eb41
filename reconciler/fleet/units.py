"""Units of a fleet: one environment and one shard each, which a run plans, applies or reports as JSON.

A unit is idempotent: what is run again finishes what an earlier run did not. It never raises for its tenant:
an error is a part of its result, so that it stays with its environment.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from reconciler.client import may_be_repeated
from reconciler.errors import ExitCode, ReconcilerError, UsageError, exit_code
from reconciler.findings import Finding
from reconciler.json_documents import versioned
from reconciler.operations import (
    Applied,
    ApplyOptions,
    Listener,
    RawOptions,
    ScopeOptions,
    Settings,
    SharedTenant,
    apply,
    check_settings,
    listed_workflows,
    plan,
    resolve_settings,
    status,
)
from reconciler.plan import Selection, Shard, names_matching
from reconciler.render import finding_line, plan_document, report_document, status_document
from reconciler.secrecy import Redactor
from reconciler.text import clip, did_you_mean, printable
from reconciler.values import JsonObject
from reconciler.workflow import Listed

COMMANDS: Final = ("plan", "apply", "status")
"""What a fleet does in each environment."""

RESULTS: Final = {"plan": "plan", "apply": "report", "status": "status"}
"""The key of the result of each command in the document of a unit."""

FORMAT_VERSION: Final = 1
_MOST_MESSAGES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit of a fleet.

    Args:
        index: Its number in the list of all units, from 0.
        of: The number of all units.
        environment: The name of the environment.
        shard: The part of its workflows.
    """

    index: int
    of: int
    environment: str
    shard: Shard

    @property
    def label(self) -> str:
        """The environment, and the shard if there are several."""
        return self.environment if self.shard.of == 1 else f"{self.environment} {self.shard}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetWork:
    """What is done in each unit.

    It holds no token: whoever runs a unit reads the variables of its own process.

    Args:
        command: One of `COMMANDS`.
        raw: The options over the configuration.
        scope: The workflows in each environment, and the limits.
        options: How a plan is applied.
        named: The environments that the call names exactly, as writes to a protected one need.
        detailed_exitcode: Whether differences alone give the exit code 2.
        refresh: Whether `plan` and `status` read all workflows again, also those that an earlier plan knows.
    """

    command: str
    raw: RawOptions = field(default_factory=RawOptions)
    scope: ScopeOptions = field(default_factory=ScopeOptions)
    options: ApplyOptions = field(default_factory=ApplyOptions)
    named: frozenset[str] = frozenset()
    detailed_exitcode: bool = False
    refresh: bool = False

    def settings(self, environment: str) -> Settings:
        """Return the settings of an environment.

        Raises:
            UsageError: The environment is unknown.
            InvalidInputError: The configuration is invalid.
        """
        overrides = {**self.raw.overrides, "environment_named": environment in self.named}
        return resolve_settings(dataclasses.replace(self.raw, environment=environment, overrides=overrides))

    def alone(self, unit: Unit) -> FleetWork:
        """Return the work of a unit that shares no budget with the other shards: with its part of the rate.

        Raises:
            ReconcilerError: The configuration is invalid.
        """
        rate = self.settings(unit.environment).max_requests_per_second
        if rate is None or unit.shard.of == 1:
            return self
        overrides = {**self.raw.overrides, "max_requests_per_second": rate / unit.shard.of}
        return dataclasses.replace(self, raw=dataclasses.replace(self.raw, overrides=overrides))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """The result of a unit.

    Args:
        document: The result as JSON.
        transient: Whether another try may do better.
    """

    document: JsonObject
    transient: bool = False


def list_units(work: FleetWork, globs: Sequence[str], shards: int) -> tuple[Unit, ...]:
    """Return the units: for each environment that a glob matches, in the configuration's order, its shards.

    The list is the same wherever the configuration is the same.

    Raises:
        UsageError: The configuration defines no environment, a glob matches none, a protected environment is
            not named exactly, or the options do not go together.
        InvalidInputError: The configuration is invalid.
    """
    known = resolve_settings(work.raw).environments
    if not known:
        raise UsageError(
            "a fleet needs environments: reconciler.yaml defines none",
            hint="Define them below environments, or use plan, apply or status.",
        )
    chosen = set[str]().union(*(_matching(glob, known) for glob in globs))
    names = [name for name in known if name in chosen]
    for name in names:
        check_settings(work.settings(name), work.scope, writes=work.command == "apply")
    pairs = [(name, number) for name in names for number in range(1, shards + 1)]
    return tuple(
        Unit(index=index, of=len(pairs), environment=name, shard=Shard(number=number, of=shards))
        for index, (name, number) in enumerate(pairs)
    )


def _matching(glob: str, known: Sequence[str]) -> set[str]:
    found = names_matching(glob, known)
    if not found:
        hint = printable(did_you_mean(glob, known, listed="environments"))
        raise UsageError(f"--environments {clip(printable(glob), 60)!r} matches no environment", hint=hint)
    return found


def read_list(
    work: FleetWork, environment: str, env: Mapping[str, str] = os.environ
) -> tuple[Listed, ...] | None:
    """Return the list of an environment's workflows for all its shards; `None` if it cannot be read.

    Each shard then reads it, and reports why it cannot.
    """
    try:
        return listed_workflows(work.settings(environment), env)
    except ReconcilerError:
        return None


def run_unit(  # noqa: PLR0913 - the last two by name
    work: FleetWork,
    unit: Unit,
    shared: SharedTenant | None = None,
    stop: threading.Event | None = None,
    *,
    attempt: int = 1,
    env: Mapping[str, str] = os.environ,
) -> UnitResult:
    """Run a unit, and return its result; an error of its tenant is a part of it.

    Args:
        work: What is done.
        unit: The unit.
        shared: What it shares with the other shards of its environment.
        stop: Set to start no further write.
        attempt: Which try it is, from 1.
        env: Variables for `!env`, the address and the credential.
    """
    listener = _UnitListener(stop)
    start = time.monotonic()
    value: JsonObject | None = None
    error: ReconcilerError | None = None
    transient = False
    try:
        settings = work.settings(unit.environment)
        settings = settings._replace(shared=shared or SharedTenant())
        value, code, transient = _value(work, unit, settings, listener, env)
    except ReconcilerError as raised:
        error, code, transient = raised, exit_code(raised), may_be_repeated(raised)
    return UnitResult(
        document=versioned(
            FORMAT_VERSION,
            {
                **_head(work, unit),
                "exit_code": int(code),
                "skipped": False,
                "attempts": attempt,
                "seconds": round(time.monotonic() - start, 3),
                "error": None if error is None else error.message,
                "hint": None if error is None else error.hint or None,
                "messages": [*listener.messages],
                RESULTS[work.command]: value,
            },
        ),
        transient=transient,
    )


def unit_without_result(work: FleetWork, unit: Unit, error: str = "") -> JsonObject:
    """Return the document of a unit that was never started or, with an `error`, never ended."""
    fields: JsonObject = {
        **_head(work, unit),
        "exit_code": int(ExitCode.FAILED) if error else None,
        "skipped": not error,
        "attempts": int(bool(error)),
        "seconds": 0.0,
        "error": error or None,
        "hint": None,
        "messages": [],
        RESULTS[work.command]: None,
    }
    return versioned(FORMAT_VERSION, fields)


def _head(work: FleetWork, unit: Unit) -> JsonObject:
    return {
        "command": work.command,
        "environment": unit.environment,
        "shard": str(unit.shard),
        "unit": unit.index,
        "units": unit.of,
    }


def _value(
    work: FleetWork, unit: Unit, settings: Settings, listener: Listener, env: Mapping[str, str]
) -> tuple[JsonObject, ExitCode, bool]:
    """Return the result of the unit's command, its exit code, and whether another try may do better."""
    shard = None if unit.shard.of == 1 else unit.shard
    scope = work.scope._replace(shard=None if shard is None else str(shard))
    if work.command == "apply":
        applied = apply(settings, scope, work.options, listener, env=env)
        return _report(applied), applied.exit_code, applied.exit_code is ExitCode.FAILED
    if work.command == "plan":
        planned = plan(settings, scope, listener, refresh=work.refresh, env=env)
        return plan_document(planned.plan, planned.redactor), _code(work, planned.exit_code), False
    selection = Selection(targets=scope.targets, exclude=scope.exclude, shard=shard)
    found = status(settings, listener, selection=selection, history=False, refresh=work.refresh, env=env)
    return status_document(found.view), _code(work, found.exit_code), False


def _code(work: FleetWork, code: ExitCode) -> ExitCode:
    return ExitCode.OK if code is ExitCode.DIFFERENCES and not work.detailed_exitcode else code


def _report(applied: Applied) -> JsonObject:
    if applied.report is None:
        raise AssertionError("an apply has a report")
    return report_document(applied.report, applied.traffic, applied.planned.redactor)


class _UnitListener(Listener):
    """Keeps the first findings and warnings, and stops writes when it is asked to."""

    def __init__(self, stop: threading.Event | None) -> None:
        self.messages: list[str] = []
        self._stop = stop or threading.Event()

    def warning(self, text: str) -> None:
        """Keep a warning."""
        self._keep(f"warning: {text}")

    def note(self, text: str) -> None:
        """Keep a remark."""
        self._keep(text)

    def finding(self, finding: Finding, redactor: Redactor) -> None:
        """Keep an error or a warning about a manifest."""
        self._keep(redactor.text(finding_line(finding)))

    def stopping(self) -> AbstractContextManager[threading.Event]:
        """Return the event that stops the writes."""
        return nullcontext(self._stop)

    def _keep(self, text: str) -> None:
        if len(self.messages) < _MOST_MESSAGES:
            self.messages.append(text)
