"""Listed executions of a workflow: read latest first, and only as far back as needed. It only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from reconciler.api import ExecutionLister
from reconciler.executions.following import FAILED, UNFINISHED
from reconciler.timestamps import parse_timestamp, platform_timestamp
from reconciler.values import JsonObject, JsonValue, as_object

_PAGE_SIZE: Final = 100
_MOST_READ: Final = 100_000
"""The most executions to read of a server that does not filter them itself."""

_LONGEST: Final = timedelta(days=7)
"""How long before a time an execution may have begun that ended after it, clocks and time zones included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedExecution:
    """An execution as the list of a workflow's executions shows it; `None` for what is not returned.

    Args:
        id: Its id.
        status: Its status, such as `Success`.
        started_at: Its start, as the API writes it.
        finished_at: Its end.
    """

    id: str | None
    status: str | None
    started_at: str | None
    finished_at: str | None

    @staticmethod
    def of(item: JsonObject) -> ListedExecution:
        """Return the execution of an item of `list_executions`, or of the `lastExecution` of a workflow."""
        return ListedExecution(
            id=_text(item.get("executionId")),
            status=_text(item.get("status")),
            started_at=_text(item.get("executedAt")),
            finished_at=_text(item.get("finishedAt")),
        )

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.status == FAILED

    @property
    def seconds(self) -> float | None:
        """Its duration; `None` while it runs, or if its times are not known."""
        start, end = _time(self.started_at), _time(self.finished_at)
        return None if start is None or end is None else round((end - start).total_seconds(), 3)

    def ended_before(self, time: datetime) -> bool:
        """Return whether it ended before `time`; without a time of its end, whether it began before it.

        One that still runs has not, nor has one whose times are not known.
        """
        if self.status in UNFINISHED:
            return False
        last = _time(self.finished_at) or _time(self.started_at)
        return last is not None and last < time


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """The executions to list.

    Args:
        since: The time before which none of them ended; `None` for any.
        statuses: Their statuses, such as `Failed`; any without one.
        count: The most executions of a workflow, the latest ones.
    """

    since: datetime | None = None
    statuses: tuple[str, ...] = ()
    count: int = 20

    def may_have(self, workflow: Mapping[str, JsonValue]) -> bool:
        """Return whether a workflow may have such executions, by the `lastExecution` of its listed entry.

        An entry without that key leaves it open. It does not have the end of the execution.
        """
        if "lastExecution" not in workflow:
            return True
        last = ListedExecution.of(as_object(workflow["lastExecution"]))
        if last == ListedExecution.of({}):
            return False
        return self.since is None or not last.ended_before(self.since - _LONGEST)


def read_executions(api: ExecutionLister, workflow_id: int, wanted: ExecutionFilter) -> list[ListedExecution]:
    """Return the executions of a workflow that the filter takes, the latest first.

    The server is asked for these; one that ignores that, or part of it, is read until a page of executions
    has none of them any more.

    Raises:
        ReconcilerError: The client failed.
    """
    found: dict[object, ListedExecution] = {}
    outside = 0
    for item in islice(_listed(api, workflow_id, wanted), _MOST_READ):
        execution = ListedExecution.of(as_object(item))
        if wanted.since is not None and execution.ended_before(wanted.since):
            outside += 1
            if outside == _PAGE_SIZE:
                break
            continue
        outside = 0
        if not wanted.statuses or execution.status in wanted.statuses:
            found.setdefault(execution.id or object(), execution)  # a page may repeat what the last one had
        if len(found) == wanted.count:
            break
    return [*found.values()]


def _listed(api: ExecutionLister, workflow_id: int, wanted: ExecutionFilter) -> Iterator[JsonObject]:
    return api.list_executions(
        workflow_id,
        None if wanted.since is None else _some_time_before(wanted.since),
        page_size=min(wanted.count, _PAGE_SIZE),
        status=[*wanted.statuses] or None,
        # A server that ignores the status cannot know how many to return of one status.
        count=None if wanted.statuses else wanted.count,
    )


def _some_time_before(time: datetime) -> str | None:
    try:
        return platform_timestamp(time - _LONGEST)
    except OverflowError:
        return None


def _time(text: str | None) -> datetime | None:
    if text is not None:
        with suppress(ValueError, OverflowError):
            return parse_timestamp(text)
    return None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
