"""Rule about fields of the API that no schema knows yet."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.findings import Severity
from reconciler.rules.rule import Problem, Rule
from reconciler.values import display_path
from reconciler.workflow import Body, undocumented_fields


def _undocumented(body: Body) -> Iterator[Problem]:
    for path in undocumented_fields(body.raw):
        yield Problem(
            path=path,
            message=f"{display_path(path)} is not documented; it is sent and compared as it is, unchecked",
            at_key=True,
        )


RULES = (
    Rule(
        id="undocumented-field",
        severity=Severity.WARNING,
        reason="Nothing checks the value of a field that no schema knows, nor whether the API takes it.",
        good="metadata: {allowConcurrentExecution: true}",
        bad="reconcile: {extra: {priority: high}}",
        check=_undocumented,
    ),
)
