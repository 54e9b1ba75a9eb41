"""Starter of an execution: exactly once, whatever the network does.

The answer to a start may be lost although the execution began. So the executions are listed before the first
try, and searched, more than once, for a new one before any further try. An execution that a trigger or a
colleague started at that very moment looks like ours, since the API does not return what an execution was
started with: it is taken for ours, with a note, and no second one is started. No client can rule out a
platform that lists an execution only after all these reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from reconciler.api import ExecutionApi
from reconciler.client import (
    BadRequestException,
    ConflictException,
    NotFoundException,
    PageWalk,
    RetryPolicy,
    UnreadableAnswerError,
    WriteRetry,
    may_be_repeated,
)
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.text import clip, printable
from reconciler.timestamps import parse_timestamp, platform_timestamp
from reconciler.values import JsonObject, as_list, as_object

_PAGE_SIZE: Final = 100
_MARGIN: Final = timedelta(days=1)
"""The most that the clocks of one platform may differ, including omitted time zones."""

_MAY_SHOW: Final = "No new execution is listed yet. Check the executions before you start another."
_PERHAPS: Final = (
    "the answer was lost, and this execution is the only new one in the list; "
    "a trigger or another user may have started it at the same moment"
)
_FURTHER: Final = (
    "an earlier try, whose answer was lost, may have started another execution, listed only now: "
)


class UncertainStartError(ReconcilerError):
    """A start whose execution is unknown or ambiguous; no further one was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedExecution:
    """An execution that was started.

    Args:
        id: The id of the execution.
        confirmed: Whether the API returned the id; otherwise it was found in the list after a lost answer.
        others: The ids of other new executions, one of which an earlier try may have started.
    """

    id: str
    confirmed: bool
    others: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes for the user."""
        notes = () if self.confirmed else (_PERHAPS,)
        return (*notes, _FURTHER + _some([*self.others])) if self.others else notes


def execute_once(
    api: ExecutionApi, workflow_id: int, body: JsonObject, policy: RetryPolicy
) -> StartedExecution:
    """Start an execution of a workflow, and search for a new one before the start is sent again.

    The `body` has its parameters and steps: `params` and `stepsToRun`, both optional.

    Raises:
        ConflictException: The platform refuses: the workflow is running, paused or a draft.
        UncertainStartError: Two or more new executions are listed, or the list cannot be read after a lost
            answer.
        ReconcilerError: The client failed; no execution was started, or none is listed.
    """
    listed = _Executions(api, workflow_id)
    tries = WriteRetry(policy)
    lost = False
    while True:
        tries.begin()
        try:
            identity = _execute(api, workflow_id, body)
        except ReconcilerError as error:
            doubtful = may_be_repeated(error)
            lost = lost or doubtful
            if not lost:
                _explain(error, listed)
                raise
            again = doubtful and tries.again(error)
            found = _find_started(listed, error, policy)
            if found is not None:
                return StartedExecution(id=found, confirmed=False)
            if not again:
                error.hint = _MAY_SHOW
                raise
        else:
            return StartedExecution(
                id=identity, confirmed=True, others=_find_others(listed, identity, policy) if lost else ()
            )


def _execute(api: ExecutionApi, workflow_id: int, body: JsonObject) -> str:
    identity = api.execute_workflow(workflow_id, body).get("executionId")
    if isinstance(identity, str) and identity:
        return identity
    raise UnreadableAnswerError(f"the start of workflow {workflow_id} was answered without an `executionId`")


def _explain(error: ReconcilerError, listed: _Executions) -> None:
    if not isinstance(error, ConflictException):
        return
    error.hint = (
        "A running workflow starts again only with metadata.allowConcurrentExecution; "
        "a paused one or a draft never starts."
    )
    with suppress(ReconcilerError):
        # A gateway that sends a request twice returns only the second answer.
        if new := listed.new():
            error.hint += f" An execution started at this moment: {_some(new)}."


def _find_started(listed: _Executions, lost: ReconcilerError, policy: RetryPolicy) -> str | None:
    """Return the execution that a start with a lost answer began, read more than once; `None` for none."""
    new: list[str] = []
    try:
        for _ in policy.looks():
            if new := listed.new():
                break
    except ReconcilerError as error:
        raise UncertainStartError(
            f"{lost.message}; the executions of the workflow cannot be read: {error.message}",
            hint="Check the executions before you start another.",
        ) from error
    if len(new) > 1:
        raise UncertainStartError(
            f"{lost.message}; {len(new)} new executions are listed, any of which may be this start: "
            f"{_some(new)}",
            hint="No other one was started. Check these executions.",
        )
    return new[0] if new else None


def _find_others(listed: _Executions, identity: str, policy: RetryPolicy) -> tuple[str, ...]:
    """Return the other new executions, once ours is listed: an earlier one is listed by then, too."""
    with suppress(ReconcilerError):
        for _ in policy.looks():
            new = listed.new()
            if identity in new:
                return tuple(other for other in new if other != identity)
    return ()


def _some(ids: list[str]) -> str:
    return clip(", ".join(map(printable, ids)))


class _Executions:
    """The executions of a workflow, listed before a start so that a new one can be recognised.

    The sets of ids are compared, so neither the order of the list nor our clock matters. If there is more
    than one page, old executions are left out by a date of the server: that of an execution which is listed
    already.
    """

    def __init__(self, api: ExecutionApi, workflow_id: int) -> None:
        self._api = api
        self._workflow_id = workflow_id
        self._since: str | None = None
        walk = PageWalk(_PAGE_SIZE)
        first = self._page(walk)
        self._since = _before_all(first) if walk.goes_on else None
        self._known = set(self._listed() if walk.goes_on else _ids(first))

    def new(self) -> list[str]:
        """Return the ids of the executions that were not listed at first."""
        return [identity for identity in dict.fromkeys(self._listed()) if identity not in self._known]

    def _listed(self) -> Iterator[str]:
        walk = PageWalk(_PAGE_SIZE)
        while walk.goes_on:
            yield from _ids(self._page(walk))

    def _page(self, walk: PageWalk) -> list[JsonObject]:
        """Return the executions on the next page; none when it turns out not to exist."""
        try:
            page = self._api.list_executions(
                self._workflow_id,
                self._since,
                page_size=_PAGE_SIZE,
                page_number=walk.number,
                return_iterator=False,
            )
        except (BadRequestException, NotFoundException) as error:
            if not walk.ends_with(error):
                raise
            page = {"executions": []}
        items = [as_object(item) for item in as_list(page["executions"])]
        walk.take(page, (str(item.get("executionId")) for item in items))
        return items


def _ids(items: list[JsonObject]) -> Iterator[str]:
    for item in items:
        identity = item.get("executionId")
        if not isinstance(identity, str) or not identity:
            raise UnexpectedAnswerError("the list of executions has one without an `executionId`")
        yield identity


def _before_all(items: list[JsonObject]) -> str | None:
    """Return a date before all listed executions, and so before any new one; `None` if one has no date."""
    try:
        earliest = min(parse_timestamp(str(item.get("executedAt"))) for item in items) - _MARGIN
    except (ValueError, OverflowError):
        return None
    return platform_timestamp(earliest)
