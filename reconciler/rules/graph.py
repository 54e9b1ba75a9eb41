"""Rules about how steps depend on each other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.model import Problem, Rule, steps_of
from reconciler.rules.unknown import Unknown
from reconciler.values import JsonObject, as_list, as_object

_MOST_COMPARED: Final = 300
_LONGEST_COMPARED: Final = 100
"""Beyond so many names, or characters, no similar name is looked for: it would take too long."""

_MOST_VISITED: Final = 500_000
"""So many steps are looked at, in all, to tell which run before which: about a second's work."""


def parents_of(step: JsonObject) -> list[str]:
    """Return the names of a step's parents."""
    return [name for name in as_list(step.get("parents")) if isinstance(name, str)]


class Ancestors:
    """Tells which steps run before a step of one workflow, and what they output.

    Both answer `None` where that cannot be told: because a parent is not known, or, in a workflow of
    thousands of steps, because too much has been looked at already.
    """

    def __init__(self, body: JsonObject) -> None:
        self._body = body
        self._left = _MOST_VISITED

    @cached_property
    def own_outputs(self) -> dict[str, JsonObject]:
        """The output parameters of each step."""
        return {name: as_object(step.get("outputParameters")) for name, step in steps_of(self._body)}

    @cached_property
    def _parents(self) -> dict[str, list[str]]:
        return {name: parents_of(step) for name, step in steps_of(self._body)}

    def steps(self, name: str) -> set[str] | None:
        """Return the names of all steps that run before the step `name`, itself not counted."""
        found: set[str] = set()
        waiting = [*self._parents.get(name, ())]
        while waiting:
            parent = waiting.pop()
            self._left -= 1
            if self._left < 0 or isinstance(parent, Unknown):
                return None
            if parent not in found:
                found.add(parent)
                waiting += self._parents.get(parent, ())
        return found - {name}

    def outputs(self, name: str) -> set[str] | None:
        """Return the names of all output parameters of these steps."""
        before = self.steps(name)
        if before is None:
            return None
        listed = [self.own_outputs[step] for step in before if step in self.own_outputs]
        self._left -= sum(map(len, listed))
        return set().union(*listed) if self._left >= 0 else None


def did_you_mean(name: str, known: list[str]) -> str:
    """Return what else may have been meant by `name`, as the end of a message."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    if len(known) > _MOST_COMPARED:
        return f"{len(known)} others are known here"
    if len(name) <= _LONGEST_COMPARED:
        short = [other for other in known if len(other) <= _LONGEST_COMPARED]
        close = difflib.get_close_matches(name, short, n=1)
        if close:
            return f"did you mean {close[0]!r}?"
    shown = ", ".join(sorted(known)[:10])
    return f"known here: {shown}" if known else "there is nothing to name here"


def _unknown_parent(body: JsonObject) -> Iterator[Problem]:
    names = as_object(body.get("steps"))
    for step, value in steps_of(body):
        for index, parent in enumerate(parents_of(value)):
            if parent not in names:
                others = [name for name in names if name != step]
                yield Problem(
                    path=("steps", step, "parents", index),
                    message=f"{parent!r} is no step of this workflow; {did_you_mean(parent, others)}",
                    cause=(step, parent),
                )


def _self_parent(body: JsonObject) -> Iterator[Problem]:
    for step, value in steps_of(body):
        for index, parent in enumerate(as_list(value.get("parents"))):
            if parent == step:
                yield Problem(
                    path=("steps", step, "parents", index),
                    message=f"the step {step!r} is its own parent, so it can never start; remove it here",
                )


def _cycle(body: JsonObject) -> Iterator[Problem]:
    steps = {name: [p for p in parents_of(step) if p != name] for name, step in steps_of(body)}
    seen: set[str] = set()
    for start in steps:
        cycle = _find_cycle(steps, start, seen)
        if cycle:
            first, second = cycle[0], cycle[1]
            yield Problem(
                path=(
                    "steps",
                    first,
                    "parents",
                    parents_of(as_object(as_object(body["steps"])[first])).index(second),
                ),
                message=f"these steps wait for each other, so none can start: {' <- '.join(cycle)}; "
                "remove one of these parents",
            )


def _find_cycle(steps: dict[str, list[str]], start: str, seen: set[str]) -> list[str]:
    """Return the steps of a cycle that is reached from `start`, the first one also last; empty for none."""
    path: list[str] = []
    places: dict[str, int] = {}
    waiting = [(start, iter(steps[start]))] if start not in seen else []
    if waiting:
        path, places = [start], {start: 0}
        seen.add(start)
    while waiting:
        _, parents = waiting[-1]
        parent = next(parents, None)
        if parent is None:
            name, _ = waiting.pop()
            places.pop(name, None)
            path.pop()
        elif parent in places:
            return [*path[places[parent] :], parent]
        elif parent in steps and parent not in seen:
            seen.add(parent)
            places[parent] = len(path)
            path.append(parent)
            waiting.append((parent, iter(steps[parent])))
    return []


def _repeated_parent(body: JsonObject) -> Iterator[Problem]:
    for step, value in steps_of(body):
        seen: set[str] = set()
        for index, parent in enumerate(parents_of(value)):
            if parent in seen:
                message = f"the parent {parent!r} stands twice"
                yield Problem(path=("steps", step, "parents", index), message=message)
            seen.add(parent)


def _skip_all(body: JsonObject) -> Iterator[Problem]:
    """A step with `skipDAG` skips everything after it; from the roots that is everything."""
    skipping = [name for name, step in steps_of(body) if _skip(step).get("skipDAG") is True]
    if skipping and _descendants(body, skipping) == set(as_object(body.get("steps"))):
        yield Problem(
            path=("steps", skipping[0], "runConfiguration", "skipConfiguration", "skipDAG"),
            message="every step of this workflow is skipped, so a run does nothing; pause "
            "the workflow instead",
        )


def _descendants(body: JsonObject, names: list[str]) -> set[str]:
    """Return `names`, and the names of all steps that run after one of them."""
    children: dict[str, list[str]] = {}
    for name, step in steps_of(body):
        for parent in parents_of(step):
            children.setdefault(parent, []).append(name)
    found, waiting = set(names), list(names)
    while waiting:
        new = set(children.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _unreachable(body: JsonObject) -> Iterator[Problem]:
    """A step that waits for a status of a parent that can never have it is never reached."""
    steps = dict(steps_of(body))
    for step, value in steps_of(body):
        statuses = as_list(as_object(value.get("executionParameters")).get("parentStatus"))
        wanted = {
            str(parent): set(map(str, as_list(as_object(status).get("status"))))
            for status in statuses
            if as_object(status).get("condition") == "all-of"
            for parent in as_list(as_object(status).get("parents"))
        }
        for parent, wants in wanted.items():
            skip = _skip(steps.get(parent, {}))
            if wants == {"failure"} and skip.get("skip") is True:
                yield Problem(
                    path=("steps", step),
                    at_key=True,
                    message=f"this step runs only when {parent!r} fails, and {parent!r} is always skipped",
                )


def _skip(step: JsonObject) -> JsonObject:
    return as_object(as_object(step.get("runConfiguration")).get("skipConfiguration"))


RULES = (
    Rule(
        id="unknown-parent",
        severity=Severity.ERROR,
        reason="A step can only wait for steps of its own workflow.",
        good="steps: {load: {}, train: {parents: [load]}}",
        bad="steps: {load: {}, train: {parents: [laod]}}",
        check=_unknown_parent,
    ),
    Rule(
        id="self-parent",
        severity=Severity.ERROR,
        reason="A step that waits for itself never starts.",
        good="steps: {load: {parents: []}}",
        bad="steps: {load: {parents: [load]}}",
        check=_self_parent,
    ),
    Rule(
        id="dependency-cycle",
        severity=Severity.ERROR,
        reason="Steps that wait for each other never start.",
        good="steps: {a: {}, b: {parents: [a]}}",
        bad="steps: {a: {parents: [b]}, b: {parents: [a]}}",
        check=_cycle,
    ),
    Rule(
        id="repeated-parent",
        severity=Severity.WARNING,
        reason="A parent that stands twice is often a slip for another one.",
        good="steps: {a: {}, b: {parents: [a]}}",
        bad="steps: {a: {}, b: {parents: [a, a]}}",
        check=_repeated_parent,
    ),
    Rule(
        id="skips-everything",
        severity=Severity.WARNING,
        reason="skipDAG at the start of every path leaves nothing to run.",
        good="steps: {a: {}, b: {parents: [a], runConfiguration: {skipConfiguration: {skipDAG: true}}}}",
        bad="steps: {a: {runConfiguration: {skipConfiguration: {skipDAG: true}}}, b: {parents: [a]}}",
        check=_skip_all,
    ),
    Rule(
        id="unreachable-step",
        severity=Severity.WARNING,
        reason="A step whose condition can never hold never runs.",
        good="steps: {a: {}, b: {parents: [a], executionParameters: {parentStatus: "
        "[{condition: all-of, parents: [a], status: [failure]}]}}}",
        bad="steps: {a: {runConfiguration: {skipConfiguration: {skip: true}}}, b: {parents: [a], "
        "executionParameters: {parentStatus: [{condition: all-of, parents: [a], status: [failure]}]}}}",
        check=_unreachable,
    ),
)
