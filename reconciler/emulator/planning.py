"""How a run will go, decided when it starts: which steps run, in what order, and which of them fail.

Pure: a workflow's steps in, `PlannedStep`s out. The order follows `parents`; independent steps run side by
side. A standard step whose command is `exit N` with N other than 0 fails, and what comes after it does not
run. `stepsToRun`, `skip` and `skipDAG` are respected; retries, timeouts and `executionParameters` are not
played out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.emulator.model import PlannedStep
from reconciler.emulator.refusal import Refusal
from reconciler.emulator.steplogs import log_lines
from reconciler.values import as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.values import JsonObject

SUCCESS: Final = "Success"
FAILED: Final = "Failed"
SKIPPED: Final = "Skipped"
NOT_RUN: Final = "NotRun"

_EXIT = re.compile(r"\s*exit\s+(\d+)\s*")


def plan_steps(steps: JsonObject, request: JsonObject, step_seconds: float) -> tuple[PlannedStep, ...]:
    """Return what will become of each of `steps` in a run started with the body `request`.

    Args:
        steps: The workflow's steps by name.
        request: The body of the execute request: `params` and `stepsToRun`, both optional.
        step_seconds: How long each step takes.

    Raises:
        Refusal: 400 when `stepsToRun` names a step that is not there, 422 when parents form a cycle.
    """
    bodies = {name: as_object(step) for name, step in steps.items()}
    parents = {name: _parents(body, bodies) for name, body in bodies.items()}
    order = _in_order(parents)
    skipped = _left_out(bodies, parents, order, request)
    params = as_object(request.get("params"))
    planned: dict[str, PlannedStep] = {}
    for name in order:
        outcome = (
            SKIPPED if name in skipped else _outcome(bodies[name], [planned[up] for up in parents[name]])
        )
        start = max((planned[up].end for up in parents[name]), default=0.0)
        ran = outcome in {SUCCESS, FAILED}
        planned[name] = PlannedStep(
            name=name,
            kind=str(bodies[name].get("type") or "standard"),
            outcome=outcome,
            start=start,
            end=start + step_seconds if ran else start,
            lines=log_lines(name, bodies[name], params, _exit_code(bodies[name])) if ran else (),
        )
    return tuple(planned[name] for name in bodies)


def _parents(body: JsonObject, bodies: Mapping[str, JsonObject]) -> list[str]:
    return [parent for parent in as_list(body.get("parents")) if isinstance(parent, str) and parent in bodies]


def _in_order(parents: Mapping[str, list[str]]) -> list[str]:
    """Return the names so that every step comes after its parents."""
    children: dict[str, list[str]] = {name: [] for name in parents}
    missing = {name: len(above) for name, above in parents.items()}
    for name, above in parents.items():
        for parent in above:
            children[parent].append(name)
    order = [name for name, count in missing.items() if count == 0]
    for name in order:
        for child in children[name]:
            missing[child] -= 1
            if missing[child] == 0:
                order.append(child)
    if len(order) < len(parents):
        cycle = sorted(set(parents) - set(order))
        raise Refusal(422, f"the parents of these steps form a cycle: {', '.join(cycle)}")
    return order


def _left_out(
    bodies: Mapping[str, JsonObject], parents: Mapping[str, list[str]], order: list[str], request: JsonObject
) -> set[str]:
    """Return the steps that neither run nor fail: not asked for, or configured to be skipped."""
    alone, with_descendants = set[str](), set[str]()
    for name, body in bodies.items():
        skip = as_object(as_object(body.get("runConfiguration")).get("skipConfiguration"))
        if skip.get("skipDAG") is True:
            with_descendants.add(name)
        elif skip.get("skip") is True:
            alone.add(name)
    wanted = _wanted(bodies, parents, order, request)
    return alone | _with_descendants(with_descendants, parents, order) | (set(bodies) - wanted)


def _wanted(
    bodies: Mapping[str, JsonObject], parents: Mapping[str, list[str]], order: list[str], request: JsonObject
) -> set[str]:
    chosen = [as_object(choice) for choice in as_list(request.get("stepsToRun"))]
    if not chosen:
        return set(bodies)
    names = {str(choice.get("stepName")) for choice in chosen}
    if unknown := sorted(names - set(bodies)):
        raise Refusal(400, f"stepsToRun names steps that the workflow does not have: {', '.join(unknown)}")
    whole = {str(choice["stepName"]) for choice in chosen if choice.get("runDAG") is True}
    return names | _with_descendants(whole, parents, order)


def _with_descendants(roots: set[str], parents: Mapping[str, list[str]], order: list[str]) -> set[str]:
    found = set(roots)
    for name in order:
        if any(parent in found for parent in parents[name]):
            found.add(name)
    return found


def _outcome(body: JsonObject, above: list[PlannedStep]) -> str:
    if any(step.outcome in {FAILED, NOT_RUN} for step in above):
        return NOT_RUN
    return FAILED if _exit_code(body) else SUCCESS


def _exit_code(body: JsonObject) -> int:
    command = body.get("command")
    match = _EXIT.fullmatch(command) if isinstance(command, str) else None
    return int(match.group(1)) if match else 0
