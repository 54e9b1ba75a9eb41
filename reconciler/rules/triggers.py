"""Rules about what starts a workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.findings import Severity
from reconciler.rules.cron import cron_is_too_frequent, cron_mistake, cron_never_fires
from reconciler.rules.model import Problem, Rule
from reconciler.values import JsonObject, as_list, as_object


def _crons(body: JsonObject) -> Iterator[tuple[int, str]]:
    for index, trigger in enumerate(as_list(body.get("triggers"))):
        cron = as_object(trigger).get("cron")
        if isinstance(cron, str):
            yield index, cron


def _syntax(body: JsonObject) -> Iterator[Problem]:
    for index, cron in _crons(body):
        mistake = cron_mistake(cron)
        if mistake:
            yield Problem(path=("triggers", index, "cron"), message=mistake)


def _when(holds: Callable[[str], bool], message: str) -> Callable[[JsonObject], Iterator[Problem]]:
    def check(body: JsonObject) -> Iterator[Problem]:
        for index, cron in _crons(body):
            if not cron_mistake(cron) and holds(cron):
                yield Problem(path=("triggers", index, "cron"), message=message)

    return check


def _both(body: JsonObject) -> Iterator[Problem]:
    triggers = [as_object(trigger) for trigger in as_list(body.get("triggers"))]
    if any(trigger.get("cron") for trigger in triggers) and any(
        trigger.get("webhook") for trigger in triggers
    ):
        yield Problem(
            path=("triggers",),
            message="a cron and a webhook together: the workflow runs by the clock and when called; "
            "Peak's own client keeps only the first of them when it patches",
        )


RULES = (
    Rule(
        id="cron-syntax",
        severity=Severity.ERROR,
        reason="A schedule that cannot be read never starts anything.",
        good="triggers: [{cron: '0 5 * * 1-5'}]",
        bad="triggers: [{cron: '0 25 * * *'}]",
        check=_syntax,
    ),
    Rule(
        id="cron-never",
        severity=Severity.WARNING,
        reason="A schedule for a day that does not exist never starts anything.",
        good="triggers: [{cron: '0 0 28 2 *'}]",
        bad="triggers: [{cron: '0 0 30 2 *'}]",
        check=_when(cron_never_fires, "this schedule never fires: there is no such day"),
    ),
    Rule(
        id="cron-too-often",
        severity=Severity.WARNING,
        reason="A workflow that starts more than once a minute overtakes itself.",
        good="triggers: [{cron: '0 0/5 * * * ?'}]",
        bad="triggers: [{cron: '*/10 * * * * ?'}]",
        check=_when(
            cron_is_too_frequent,
            "this schedule fires more than once a minute; the first of six fields are the seconds",
        ),
    ),
    Rule(
        id="cron-and-webhook",
        severity=Severity.WARNING,
        reason="Two kinds of trigger in one workflow are seldom meant.",
        good="triggers: [{webhook: true}]",
        bad="triggers: [{cron: '0 5 * * *'}, {webhook: true}]",
        check=_both,
    ),
)
