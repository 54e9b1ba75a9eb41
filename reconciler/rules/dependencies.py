"""Rules about the dependencies between steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.rule import Problem, Rule, Unknown, repeated
from reconciler.text import did_you_mean
from reconciler.values import as_list
from reconciler.workflow import Body, StepGraph

_MOST_CYCLES: Final = 100
_MOST_VISITED: Final = 500_000
"""Edges followed for the ancestors of all steps of one workflow: about a second of work."""


def graph_of(body: Body) -> StepGraph:
    """Return the graph of a body's steps; parents may be unknown values, and no step is its own parent."""
    return StepGraph.of_parents(
        {name: [parent for parent in step.parents if parent != name] for name, step in body.steps.items()}
    )


class Ancestors:
    """The steps that run before each step of one workflow, and their output parameters.

    Both methods return `None` where the answer is unknown: a parent is an unknown value or, in a workflow of
    thousands of steps, the budget of edges is used up.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self._left = _MOST_VISITED

    @cached_property
    def _graph(self) -> StepGraph:
        return graph_of(self._body)

    def steps(self, name: str) -> set[str] | None:
        """Return the names of all steps that run before the step `name`, also those that do not exist."""
        if self._left < 0:
            return None
        found = self._graph.ancestors(name)
        self._left -= sum(len(self._graph.parents[step]) for step in (name, *found))
        missing = self._graph.missing
        absent = {parent for step in (name, *found) if step in missing for parent in missing[step]}
        return None if any(isinstance(parent, Unknown) for parent in absent) else found | absent

    def outputs(self, name: str) -> set[str] | None:
        """Return the names of the output parameters of all steps that run before the step `name`."""
        before = self.steps(name)
        if before is None:
            return None
        steps = self._body.steps
        listed = [steps[step].output_parameters for step in before if step in steps]
        self._left -= sum(map(len, listed))
        return set().union(*listed) if self._left >= 0 else None


def _unknown_parent(body: Body) -> Iterator[Problem]:
    names = body.steps
    for step, value in body.steps.items():
        for index, parent in enumerate(value.parents):
            if parent not in names:
                others = [name for name in names if name != step]
                yield Problem(
                    path=("steps", step, "parents", index),
                    message=f"{parent!r} is not a step of this workflow; {did_you_mean(parent, others)}",
                    cause=(step, parent),
                )


def _self_parent(body: Body) -> Iterator[Problem]:
    for step, value in body.steps.items():
        for index, parent in enumerate(value.parents):
            if parent == step:
                yield Problem(
                    path=("steps", step, "parents", index),
                    message=f"the step {step!r} is its own parent and can never start; remove this parent",
                )


def _are_in_order(body: Body, places: Mapping[str, int]) -> bool:
    """Return whether each step follows those that it waits for, so that there is no cycle."""
    return all(
        places.get(parent, -1) < places[name] for name, step in body.steps.items() for parent in step.parents
    )


def _cycle(body: Body) -> Iterator[Problem]:
    steps = body.steps
    places = {name: index for index, name in enumerate(steps)}
    if _are_in_order(body, places):
        return
    for found in islice(graph_of(body).cycles(), _MOST_CYCLES):
        start = min(range(len(found) - 1), key=lambda index: places[found[index]])
        cycle = (*found[start:-1], *found[: start + 1])
        yield Problem(
            path=("steps", cycle[0], "parents", steps[cycle[0]].parents.index(cycle[1])),
            message=f"these steps wait for each other, so none can start: {' <- '.join(cycle)}; "
            "remove one of these parents",
        )


def _repeated_parent(body: Body) -> Iterator[Problem]:
    for step, value in body.steps.items():
        for index, parent in repeated(value.parents):
            message = f"duplicate parent {parent!r}; remove one"
            yield Problem(path=("steps", step, "parents", index), message=message)


def _skip_all(body: Body) -> Iterator[Problem]:
    """Yield a problem if `skipDAG`, which skips a step and all steps after it, skips every step."""
    skipping = [name for name, step in body.steps.items() if step.skip_configuration.get("skipDAG") is True]
    if skipping and graph_of(body).descendants(skipping) == body.steps.keys():
        yield Problem(
            path=("steps", skipping[0], "runConfiguration", "skipConfiguration", "skipDAG"),
            message="every step of this workflow is skipped, so an execution does nothing; "
            "pause the workflow instead",
        )


def _unreachable(body: Body) -> Iterator[Problem]:
    """Yield the steps that wait for a status that their parent can never have."""
    for step, value in body.steps.items():
        wanted = {
            str(parent): set(map(str, as_list(status.get("status"))))
            for status in value.parent_statuses
            if status.get("condition") == "all-of"
            for parent in as_list(status.get("parents"))
        }
        for parent, wants in wanted.items():
            if (
                wants == {"failure"}
                and parent in body.steps
                and body.steps[parent].skip_configuration.get("skip") is True
            ):
                yield Problem(
                    path=("steps", step),
                    at_key=True,
                    message=f"this step runs only if {parent!r} fails, but {parent!r} is always skipped",
                )


RULES = (
    Rule(
        id="unknown-parent",
        severity=Severity.ERROR,
        reason="A step can only wait for steps of the same workflow.",
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
        reason="A parent that is listed twice is often a typo for another one.",
        good="steps: {a: {}, b: {parents: [a]}}",
        bad="steps: {a: {}, b: {parents: [a, a]}}",
        check=_repeated_parent,
    ),
    Rule(
        id="skips-everything",
        severity=Severity.WARNING,
        reason="With skipDAG at the start of every path, no step runs.",
        good="steps: {a: {}, b: {parents: [a], runConfiguration: {skipConfiguration: {skipDAG: true}}}}",
        bad="steps: {a: {runConfiguration: {skipConfiguration: {skipDAG: true}}}, b: {parents: [a]}}",
        check=_skip_all,
    ),
    Rule(
        id="unreachable-step",
        severity=Severity.WARNING,
        reason="A step whose condition can never be true never runs.",
        good="steps: {a: {}, b: {parents: [a], executionParameters: {parentStatus: "
        "[{condition: all-of, parents: [a], status: [failure]}]}}}",
        bad="steps: {a: {runConfiguration: {skipConfiguration: {skip: true}}}, b: {parents: [a], "
        "executionParameters: {parentStatus: [{condition: all-of, parents: [a], status: [failure]}]}}}",
        check=_unreachable,
    ),
)
