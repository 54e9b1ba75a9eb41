"""Emulated executions: planned once at their start, and shown as they are at a moment.

Pure: nothing here changes an execution or reads a clock. The order follows `parents`; independent steps run
in parallel. A standard step whose command is `exit N` with N other than 0 fails, and its descendants do not
run. `stepsToRun`, `skip` and `skipDAG` are respected; retries, timeouts and `executionParameters` are not
simulated. Moments are epoch seconds and leave here as the API writes them: ISO 8601 in UTC with milliseconds,
or whole milliseconds.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timezone
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final

from reconciler.emulator import emulated_catalogue
from reconciler.emulator.state import HttpError, PlannedStep
from reconciler.values import as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.emulator.state import Execution
    from reconciler.values import JsonObject

PENDING: Final = "Pending"
RUNNING: Final = "Running"
SUCCESS: Final = "Success"
FAILED: Final = "Failed"
SKIPPED: Final = "Skipped"
NOT_RUN: Final = "NotRun"

LOG_PAGE: Final = 5
"""The number of log lines in one answer."""

_EXIT = re.compile(r"\s*exit\s+(\d+)\s*")
_TOKEN = re.compile(r"f/(\d{1,12})/s")


def plan_steps(steps: JsonObject, request: JsonObject, step_seconds: float) -> tuple[PlannedStep, ...]:
    """Return each of `steps` with its outcome, times and log lines in an execution.

    Args:
        steps: The workflow's steps by name.
        request: The body of the execute request: `params` and `stepsToRun`, both optional.
        step_seconds: The duration of each step.

    Raises:
        HttpError: 400 when `stepsToRun` has an unknown step, 422 when parents form a cycle.
    """
    bodies = {name: as_object(step) for name, step in steps.items()}
    parents = _parents_in_order(bodies)
    runs = _chosen(request, parents) - _skipped(bodies, parents)
    params = as_object(request.get("params"))
    planned: dict[str, PlannedStep] = {}
    for name in parents:
        body, exit_code = bodies[name], _exit_code(bodies[name])
        above = [planned[parent] for parent in parents[name]]
        outcome = _outcome(exit_code, above) if name in runs else SKIPPED
        start = max((parent.end for parent in above), default=0.0)
        ran = outcome in {SUCCESS, FAILED}
        planned[name] = PlannedStep(
            name=name,
            kind=str(body.get("type") or "standard"),
            outcome=outcome,
            start=start,
            end=start + step_seconds if ran else start,
            lines=_log_lines(name, body, params, exit_code) if ran else (),
        )
    return tuple(planned[name] for name in bodies)


def _parents_in_order(bodies: Mapping[str, JsonObject]) -> dict[str, list[str]]:
    """Return the parents of each step, every step after its parents."""
    parents = {
        name: [
            parent for parent in as_list(body.get("parents")) if isinstance(parent, str) and parent in bodies
        ]
        for name, body in bodies.items()
    }
    try:
        return {name: parents[name] for name in TopologicalSorter(parents).static_order()}
    except CycleError as error:
        cycle = sorted(set(error.args[1]))
        raise HttpError(422, f"the parents of these steps form a cycle: {', '.join(cycle)}") from error


def _chosen(request: JsonObject, parents: Mapping[str, list[str]]) -> set[str]:
    """Return the steps that `stepsToRun` chooses; all of them without it."""
    choices = [as_object(choice) for choice in as_list(request.get("stepsToRun"))]
    if not choices:
        return set(parents)
    names = {str(choice.get("stepName")) for choice in choices}
    if unknown := sorted(names - set(parents)):
        raise HttpError(400, f"stepsToRun has steps that the workflow does not have: {', '.join(unknown)}")
    roots = {str(choice["stepName"]) for choice in choices if choice.get("runDAG") is True}
    return names | _with_descendants(roots, parents)


def _skipped(bodies: Mapping[str, JsonObject], parents: Mapping[str, list[str]]) -> set[str]:
    """Return the steps that their configuration skips."""

    def having(key: str) -> set[str]:
        found = {name: as_object(body.get("runConfiguration")) for name, body in bodies.items()}
        return {
            name for name, run in found.items() if as_object(run.get("skipConfiguration")).get(key) is True
        }

    return having("skip") | _with_descendants(having("skipDAG"), parents)


def _with_descendants(roots: set[str], parents: Mapping[str, list[str]]) -> set[str]:
    """Return `roots` and every step below one of them; `parents` has each step after its parents."""
    found = set(roots)
    for name, above in parents.items():
        if not found.isdisjoint(above):
            found.add(name)
    return found


def _outcome(exit_code: int, parents: Sequence[PlannedStep]) -> str:
    if any(parent.outcome in {FAILED, NOT_RUN} for parent in parents):
        return NOT_RUN
    return FAILED if exit_code else SUCCESS


def _exit_code(body: JsonObject) -> int:
    command = body.get("command")
    match = _EXIT.fullmatch(command) if isinstance(command, str) else None
    return int(match.group(1)) if match else 0


# Log lines; when each appears follows from the clock.


def _log_lines(name: str, body: JsonObject, params: JsonObject, exit_code: int) -> tuple[str, ...]:
    """Return the log lines of the step `name`; `params` has `global` and `stepWise`."""
    given = {**as_object(params.get("global")), **as_object(as_object(params.get("stepWise")).get(name))}
    parameters = [f"Parameter {key}={value}" for key, value in given.items()]
    finished = f"Step {name} finished with exit code {exit_code}"
    return (*_preparation_lines(body), *parameters, *_work_lines(body), finished)


def _preparation_lines(body: JsonObject) -> list[str]:
    repository = as_object(body.get("repository"))
    lines = []
    if repository.get("url"):
        target = str(repository["url"]).rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
        lines += [f"Cloning into '{target}'...", f"Switched to branch '{repository.get('branch') or 'main'}'"]
    if body.get("imageId"):
        version = emulated_catalogue.image_version(body.get("imageVersionId"))
        lines.append(f"Using image {emulated_catalogue.image_name(body['imageId'])}:{version}")
    return lines


def _work_lines(body: JsonObject) -> list[str]:
    kind = body.get("type") or "standard"
    if kind == "http":
        return [f"{str(body.get('method') or 'get').upper()} {body.get('url')}", "Response status 200"]
    if kind == "sql":
        source = body.get("sqlQueryPath") or as_object(body.get("repository")).get("filePath")
        return [f"Running query {source}", "1 statement executed"]
    if kind == "export":
        return [f"Exporting {body.get('schema')}.{body.get('table')}", "0 rows exported"]
    command = str(body.get("command") or "")
    echoed = command.removeprefix("echo ")
    return [f"Running: {command}", *([echoed] if echoed != command else [])]


# Progress


def iso(moment: float) -> str:
    """Return the epoch seconds `moment` as `2020-01-01T18:00:00.000Z`."""
    text = datetime.fromtimestamp(moment, tz=timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def milliseconds(moment: float) -> int:
    """Return the epoch seconds `moment` in whole milliseconds."""
    return round(moment * 1000)


def finished_at(execution: Execution) -> float:
    """Return when the execution's last step ends, in epoch seconds."""
    return execution.started_at + max((step.end for step in execution.steps), default=0.0)


def status(execution: Execution, now: float) -> str:
    """Return the status at `now`: `Running`, `Success` or `Failed`."""
    if now < finished_at(execution):
        return RUNNING
    return FAILED if any(step.outcome == FAILED for step in execution.steps) else SUCCESS


def step_status(execution: Execution, step: PlannedStep, now: float) -> str:
    """Return the step's status at `now`: `Pending`, `Running`, or its final one."""
    elapsed = now - execution.started_at
    if elapsed < step.start:
        return PENDING
    return RUNNING if elapsed < step.end else step.outcome


def find_step(execution: Execution, name: str) -> PlannedStep:
    """Return the step `name` of the execution.

    Raises:
        HttpError: 404 when the execution has no such step.
    """
    for step in execution.steps:
        if step.name == name:
            return step
    raise HttpError(404, f"execution {execution.id} has no step {name!r}")


def node_id(execution: Execution, step: PlannedStep) -> str:
    """Return the ID under which a spoke tenant keeps the step's logs."""
    return f"{execution.id}.{step.name}"


def summary(execution: Execution, now: float) -> JsonObject:
    """Return the execution as a list of executions shows it."""
    state = status(execution, now)
    end = now if state == RUNNING else finished_at(execution)
    return {
        "executionId": execution.id,
        "status": state,
        "executedAt": iso(execution.started_at),
        "finishedAt": None if state == RUNNING else iso(end),
        "duration": round(end - execution.started_at, 3),
    }


def last_execution(execution: Execution, now: float) -> JsonObject:
    """Return the execution as a workflow shows its last one."""
    return {
        "executionId": execution.id,
        "executedAt": iso(execution.started_at),
        "status": status(execution, now),
        "rerunId": str(uuid.uuid5(uuid.UUID(execution.id), "rerun")),
    }


def details(execution: Execution, now: float) -> JsonObject:
    """Return the execution with its steps, as `executions/{id}` shows it."""
    state = status(execution, now)
    return {
        "runId": execution.id,
        "status": state,
        "executedAt": iso(execution.started_at),
        "finishedAt": None if state == RUNNING else iso(finished_at(execution)),
        "steps": [_step_details(execution, step, now) for step in execution.steps],
    }


def _step_details(execution: Execution, step: PlannedStep, now: float) -> JsonObject:
    state = step_status(execution, step, now)
    ran = bool(step.lines) and state != PENDING
    shown: JsonObject = {
        "name": step.name,
        "stepType": step.kind,
        "status": state,
        "startedAt": iso(execution.started_at + step.start) if ran else None,
        "finishedAt": iso(execution.started_at + step.end) if ran and state != RUNNING else None,
    }
    return {**shown, "nodeId": node_id(execution, step)} if ran else shown


def log_entries(
    execution: Execution, step: PlannedStep, now: float, *, since: int = 0, until: int | None = None
) -> list[JsonObject]:
    """Return the log lines that the step has written by `now`, each with its time in epoch milliseconds.

    Lines before `since` and after `until`, both in epoch milliseconds, are left out.
    """
    last = milliseconds(now) if until is None else min(milliseconds(now), until)
    interval = (step.end - step.start) / (len(step.lines) or 1)
    start = execution.started_at + step.start
    moments = [milliseconds(start + interval * number) for number in range(len(step.lines))]
    return [
        {"message": line, "timestamp": moment}
        for line, moment in zip(step.lines, moments, strict=True)
        if since <= moment <= last
    ]


def log_page(entries: list[JsonObject], token: str | None) -> JsonObject:
    """Return the entries after `token` and the token of the next page.

    As in the platform's log store, the last page has a token as well: a request with it returns the lines
    written since, and an empty page while there are none.

    Raises:
        HttpError: 400 when `token` was not issued by the API.
    """
    offset = 0
    if token:
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise HttpError(400, "nextToken was not issued by this API")
        offset = int(match.group(1))
    page = entries[offset : offset + LOG_PAGE]
    return {"logs": [*page], "nextToken": f"f/{offset + len(page):08d}/s"}
