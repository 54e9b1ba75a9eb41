"""Rules about triggers: schedules in the platform's cron syntax, and webhooks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.rule import Problem, Rule
from reconciler.schedules import cron_error, next_run
from reconciler.timestamps import utc_now
from reconciler.workflow import Body

_CRONTAB_FIELDS: Final = 5
_MONTH_FIELDS: Final = {5: 3, 6: 4}
"""The index of the field for the month, by the number of fields, of expressions without years."""


def cron_never_fires(expression: str) -> bool:
    """Return whether a valid cron expression never fires again, such as one for 30 February."""
    fields = expression.split()
    month = _MONTH_FIELDS.get(len(fields))
    if month is not None and fields[month] == "*":
        return False  # each day that an expression can name is in some month
    return next_run(expression, utc_now()) is None


def cron_is_too_frequent(expression: str) -> bool:
    """Return whether a valid cron expression fires more than once per minute."""
    fields = expression.split()
    return len(fields) > _CRONTAB_FIELDS and re.fullmatch(r"[0-9]{1,2}", fields[0]) is None


def _crons(body: Body) -> Iterator[tuple[int, str]]:
    for index, trigger in enumerate(body.triggers):
        cron = trigger.get("cron")
        if isinstance(cron, str):
            yield index, cron


def _syntax(body: Body) -> Iterator[Problem]:
    for index, cron in _crons(body):
        error = cron_error(cron)
        if error:
            yield Problem(path=("triggers", index, "cron"), message=error)


def _when(holds: Callable[[str], bool], message: str) -> Callable[[Body], Iterator[Problem]]:
    def check(body: Body) -> Iterator[Problem]:
        for index, cron in _crons(body):
            if not cron_error(cron) and holds(cron):
                yield Problem(path=("triggers", index, "cron"), message=message)

    return check


def _both(body: Body) -> Iterator[Problem]:
    if body.has_webhook and any(trigger.get("cron") for trigger in body.triggers):
        yield Problem(
            path=("triggers",),
            message="cron and webhook together: the workflow starts on a schedule and on each call; "
            "Peak's own client keeps only the first trigger when it patches",
        )


RULES = (
    Rule(
        id="cron-syntax",
        severity=Severity.ERROR,
        reason="An invalid schedule never starts an execution.",
        good="triggers: [{cron: '0 5 * * 1-5'}]",
        bad="triggers: [{cron: '0 25 * * *'}]",
        check=_syntax,
    ),
    Rule(
        id="cron-never",
        severity=Severity.WARNING,
        reason="A schedule for a day that does not exist never starts an execution.",
        good="triggers: [{cron: '0 0 28 2 *'}]",
        bad="triggers: [{cron: '0 0 30 2 *'}]",
        check=_when(cron_never_fires, "this schedule never fires: the day does not exist"),
    ),
    Rule(
        id="cron-too-often",
        severity=Severity.WARNING,
        reason="With more than one start per minute, executions overlap.",
        good="triggers: [{cron: '0 0/5 * * * ?'}]",
        bad="triggers: [{cron: '*/10 * * * * ?'}]",
        check=_when(
            cron_is_too_frequent,
            "this schedule fires more than once per minute; the first of six fields is the second",
        ),
    ),
    Rule(
        id="cron-and-webhook",
        severity=Severity.WARNING,
        reason="Two kinds of trigger in one workflow are rarely intended.",
        good="triggers: [{webhook: true}]",
        bad="triggers: [{cron: '0 5 * * *'}, {webhook: true}]",
        check=_both,
    ),
)
