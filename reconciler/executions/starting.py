"""Starts a run of a workflow exactly once, whatever the network does.

The answer to a start may be lost although the run began. So the runs that there are get listed before the
first try, and before any further one the list is looked at, more than once, for a run that is new. A run
that a trigger or a colleague started at that very moment cannot be told from ours, since the API does not
tell what a run was started with: it is taken for ours, which is said, and a second one is not started. What
no client can rule out: a platform that lists a run only after all these looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from reconciler.api import TenantRunner
from reconciler.client import ConflictException, UnreadableAnswerError
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.moments import read_moment, write_moment
from reconciler.retrying import Timing, WriteRetry, may_be_repeated
from reconciler.text import clip, printable
from reconciler.values import JsonObject, as_list, as_object

_PAGE_SIZE: Final = 100
_MARGIN: Final = timedelta(days=1)
"""How far the clocks of one platform may differ, time zones that a server leaves out among them."""

_MAY_SHOW: Final = "No new run is listed; one may still show: look at the runs before starting it again."
_PERHAPS: Final = (
    "the answer was lost, and this run is the only new one in the list; if a trigger or somebody else "
    "started one at the same moment, it may be theirs"
)
_FURTHER: Final = (
    "an earlier try to start it, whose answer was lost, may have started a further run, listed only now: "
)


class UncertainError(ReconcilerError):
    """Whether a run was started, or which one is ours, cannot be told; no further one was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run that was started.

    Args:
        id: The execution's id.
        told: Whether the server said so; else it was found in the list, after the answer was lost.
        others: Further runs that are new, one of which an earlier try may have started.
    """

    id: str
    told: bool
    others: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of it."""
        notes = () if self.told else (_PERHAPS,)
        return (*notes, _FURTHER + _some([*self.others])) if self.others else notes


def execute_once(api: TenantRunner, workflow_id: int, body: JsonObject, timing: Timing) -> Started:
    """Start a run of a workflow, and never send that again without looking for what the last time started.

    Args:
        api: The tenant.
        workflow_id: The workflow.
        body: What the run is started with: `params` and `stepsToRun`, both optional.
        timing: How often a start is sent, and how often and how long its run is looked for.

    Raises:
        ConflictException: The platform refuses: it is running, paused or a draft.
        UncertainError: More than one new run is listed, or the list cannot be read after an answer was lost.
        ReconcilerError: As the client; no run was started, or none shows.
    """
    runs = _Runs(api, workflow_id)
    tries = WriteRetry(timing)
    lost = False
    while True:
        tries.begin()
        try:
            identity = _execute(api, workflow_id, body)
        except ReconcilerError as error:
            doubtful = may_be_repeated(error)
            lost = lost or doubtful
            if not lost:
                _explain(error, runs)
                raise
            again = doubtful and tries.again(error)
            found = _looked_for(runs, error, timing)
            if found is not None:
                return Started(id=found, told=False)
            if not again:
                error.hint = _MAY_SHOW
                raise
        else:
            return Started(id=identity, told=True, others=_others(runs, identity, timing) if lost else ())


def _execute(api: TenantRunner, workflow_id: int, body: JsonObject) -> str:
    identity = api.execute_workflow(workflow_id, body).get("executionId")
    if isinstance(identity, str) and identity:
        return identity
    raise UnreadableAnswerError(f"the start of workflow {workflow_id} was answered without an `executionId`")


def _explain(error: ReconcilerError, runs: _Runs) -> None:
    if not isinstance(error, ConflictException):
        return
    error.hint = (
        "A workflow that runs starts once more only with metadata.allowConcurrentExecution; "
        "a paused one or a draft does not start."
    )
    with suppress(ReconcilerError):
        # A gateway that sends a request twice tells of the second answer only.
        if new := runs.new():
            error.hint += f" A run began at this moment: {_some(new)}."


def _looked_for(runs: _Runs, lost: ReconcilerError, timing: Timing) -> str | None:
    """Return the run that a start with a lost answer began, looked for more than once; `None` for none."""
    try:
        new = runs.new()
        for pause in timing.settle:
            if new:
                break
            timing.sleep(pause)
            new = runs.new()
    except ReconcilerError as error:
        raise UncertainError(
            f"{lost.message}; and whether it was started cannot be read: {error.message}",
            hint="Look at the runs of the workflow before starting it again.",
        ) from error
    if len(new) > 1:
        raise UncertainError(
            f"{lost.message}; {len(new)} new runs are listed, and which one is ours cannot be told: "
            f"{_some(new)}",
            hint="Nothing more was started: look at these runs.",
        )
    return new[0] if new else None


def _others(runs: _Runs, identity: str, timing: Timing) -> tuple[str, ...]:
    """Return the new runs beside ours, once ours is listed: what began before it is then, too."""
    with suppress(ReconcilerError):
        for pause in timing.settle:
            new = runs.new()
            if identity in new:
                return tuple(other for other in new if other != identity)
            timing.sleep(pause)
    return ()


def _some(ids: list[str]) -> str:
    return clip(", ".join(map(printable, ids)))


class _Runs:
    """The runs that a workflow had, so that one that is new can be told.

    The sets of ids are compared, so neither the order of the list matters nor our clock. Where there is more
    than one page, old runs are left out by a date of the server's own: that of a run which is there already.
    """

    def __init__(self, api: TenantRunner, workflow_id: int) -> None:
        self._api = api
        self._workflow_id = workflow_id
        first, pages = _page(api, workflow_id, 1, None)
        self._since = _before_all(first) if pages > 1 else None
        self._known = set(_ids(first)) if pages <= 1 else set(self._listed())

    def new(self) -> list[str]:
        """Return the ids of the runs that were not there at first."""
        return [identity for identity in dict.fromkeys(self._listed()) if identity not in self._known]

    def _listed(self) -> Iterator[str]:
        number, pages = 1, 1
        while number <= pages:
            items, pages = _page(self._api, self._workflow_id, number, self._since)
            yield from _ids(items)
            number += 1


def _page(
    api: TenantRunner, workflow_id: int, number: int, since: str | None
) -> tuple[list[JsonObject], int]:
    page = api.list_executions(
        workflow_id, since, page_size=_PAGE_SIZE, page_number=number, return_iterator=False
    )
    return [as_object(item) for item in as_list(page["executions"])], int(str(page["pageCount"]))


def _ids(items: list[JsonObject]) -> Iterator[str]:
    for item in items:
        identity = item.get("executionId")
        if not isinstance(identity, str) or not identity:
            raise UnexpectedAnswerError("the list of runs has one without an `executionId`")
        yield identity


def _before_all(items: list[JsonObject]) -> str | None:
    """Return a date before all of the listed runs, and so before any later one; `None` if one has no date."""
    try:
        earliest = min(read_moment(str(item.get("executedAt"))) for item in items) - _MARGIN
    except (ValueError, OverflowError):
        return None
    return write_moment(earliest)
