"""Rules about the outputs of steps, and the steps that use them: inherited values and conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.dependencies import Ancestors
from reconciler.rules.rule import Problem, Rule, Unknown
from reconciler.text import did_you_mean
from reconciler.values import as_list, as_object
from reconciler.workflow import Body

_HTTP_OUTPUT: Final = "response.txt"


def _condition_step(body: Body) -> Iterator[Problem]:
    steps = body.steps
    order = Ancestors(body)
    for step, value in body.steps.items():
        before = order.steps(step) if value.conditions else None
        if before is None:
            continue
        for index, condition in enumerate(value.conditions):
            name = str(condition.get("stepName", ""))
            if name not in before:
                what = "does not run" if name in steps else "is not a step that runs"
                yield Problem(
                    path=("steps", step, "executionParameters", "conditional", index, "stepName"),
                    message=f"{name!r} {what} before {step!r}, so its output is not available; "
                    f"{did_you_mean(name, sorted(before))}",
                    cause=(step, name),
                )


def _condition_parameter(body: Body) -> Iterator[Problem]:
    order = Ancestors(body)
    for step, value in body.steps.items():
        before = order.steps(step) if value.conditions else None
        for index, condition in enumerate(value.conditions):
            source, name = str(condition.get("stepName", "")), str(condition.get("paramName", ""))
            if source not in body.steps or (before is not None and source not in before):
                continue  # the step is what is wrong
            outputs = body.steps[source].output_parameters
            if name not in outputs:
                yield Problem(
                    path=("steps", step, "executionParameters", "conditional", index, "paramName"),
                    message=f"the step {source!r} has no output parameter {name!r}; "
                    f"{did_you_mean(name, list(outputs))}",
                )


def _status_parent(body: Body) -> Iterator[Problem]:
    for step, value in body.steps.items():
        known = set(value.parents)
        if any(isinstance(parent, Unknown) for parent in known):
            continue
        for index, status in enumerate(value.parent_statuses):
            for number, name in enumerate(as_list(status.get("parents"))):
                if name not in known:
                    yield Problem(
                        path=("steps", step, "executionParameters", "parentStatus", index, "parents", number),
                        message=f"{name!r} is not a parent of {step!r}: add it to parents, or wait for a "
                        f"parent; {did_you_mean(str(name), sorted(known))}",
                        cause=(step, str(name)),
                    )


def _inherited_output(body: Body) -> Iterator[Problem]:
    order = Ancestors(body)
    for step, value in body.steps.items():
        inherited = as_object(value.parameters.get("inherit"))
        known = order.outputs(step) if inherited else None
        if known is None:
            continue
        for name, source in inherited.items():
            if source not in known:
                yield Problem(
                    path=("steps", step, "parameters", "inherit", name),
                    message=f"no step before {step!r} has an output parameter {str(source)!r}; "
                    f"{did_you_mean(str(source), sorted(known))}",
                )


def _http_output(body: Body) -> Iterator[Problem]:
    for step, value in body.steps_of_type("http").items():
        for name, file in value.output_parameters.items():
            if file != _HTTP_OUTPUT:
                yield Problem(
                    path=("steps", step, "outputParameters", name),
                    message=f"the output of an http step must be {_HTTP_OUTPUT!r}, found {str(file)!r}",
                )


RULES = (
    Rule(
        id="condition-step",
        severity=Severity.WARNING,
        reason="A condition can only use a step that runs before.",
        good="steps: {a: {outputParameters: {x: x.txt}}, b: {parents: [a], "
        "executionParameters: {conditional: "
        "[{condition: equals, stepName: a, paramName: x, value: '1'}]}}}",
        bad="steps: {a: {outputParameters: {x: x.txt}}, b: {executionParameters: {conditional: "
        "[{condition: equals, stepName: a, paramName: x, value: '1'}]}}}",
        check=_condition_step,
    ),
    Rule(
        id="condition-parameter",
        severity=Severity.WARNING,
        reason="A condition can only use a parameter that the step outputs.",
        good="steps: {a: {outputParameters: {x: x.txt}}, b: {parents: [a], "
        "executionParameters: {conditional: "
        "[{condition: equals, stepName: a, paramName: x, value: '1'}]}}}",
        bad="steps: {a: {outputParameters: {y: y.txt}}, b: {parents: [a], executionParameters: {conditional: "
        "[{condition: equals, stepName: a, paramName: x, value: '1'}]}}}",
        check=_condition_parameter,
    ),
    Rule(
        id="status-parent",
        severity=Severity.WARNING,
        reason="parentStatus has no effect for a step that is not a parent.",
        good="steps: {a: {}, b: {parents: [a], executionParameters: {parentStatus: "
        "[{condition: all-of, parents: [a], status: [success]}]}}}",
        bad="steps: {a: {}, b: {executionParameters: {parentStatus: "
        "[{condition: all-of, parents: [a], status: [success]}]}}}",
        check=_status_parent,
    ),
    Rule(
        id="inherited-output",
        severity=Severity.WARNING,
        reason="A step can only inherit the output of a step that runs before.",
        good="steps: {a: {outputParameters: {rows: rows.txt}}, b: {parents: [a], "
        "parameters: {inherit: {ROWS: rows}}}}",
        bad="steps: {a: {outputParameters: {rows: rows.txt}}, b: {parents: [a], "
        "parameters: {inherit: {ROWS: row}}}}",
        check=_inherited_output,
    ),
    Rule(
        id="http-output",
        severity=Severity.ERROR,
        reason="The only output of an http step is its response.",
        good="steps: {a: {type: http, method: get, url: 'https://x.org', outputParameters: "
        "{reply: response.txt}}}",
        bad="steps: {a: {type: http, method: get, url: 'https://x.org', outputParameters: "
        "{reply: reply.txt}}}",
        check=_http_output,
    ),
)
