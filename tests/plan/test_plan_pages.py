"""The pages of the list: a page count that is too small or far too large."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from reconciler.client import NotFoundException
from reconciler.errors import UnexpectedAnswerError
from reconciler.plan import list_tenant


class _Pages:
    """A list of `total` workflows whose page count is off by `off`, without a total."""

    def __init__(self, total: int, off: int, *, strict: bool = False) -> None:
        self.asked = 0
        self._total = total
        self._off = off
        self._strict = strict

    def list_workflows(self, *, page_size: int, page_number: int, **_: Any) -> Any:
        self.asked += 1
        if self._strict and page_number > max(1, -(-self._total // page_size)):
            raise NotFoundException("there is no such page")
        ids = range(self._total)[(page_number - 1) * page_size : page_number * page_size]
        pages = -(-self._total // page_size) + self._off
        return {"pageCount": pages, "workflows": [{"id": number, "name": f"w{number}"} for number in ids]}


@pytest.mark.parametrize("off", [-1, 0, 1, 99_000])
@pytest.mark.parametrize("total", [0, 1, 99, 100, 101, 200, 250, 300])
def test_every_workflow_is_listed(total: int, off: int) -> None:
    """All workflows are found, with at most two requests beyond the pages that hold any."""
    api: Any = _Pages(total, off)
    assert len(list_tenant(api)) == total
    assert api.asked <= -(-total // 100) + 2


@pytest.mark.parametrize("off", [-1, 0])
@pytest.mark.parametrize("total", [1, 100, 250, 300])
def test_a_server_that_refuses_a_page_beyond_the_last(total: int, off: int) -> None:
    """The look beyond the last page may be refused: then that was the last."""
    api: Any = _Pages(total, off, strict=True)
    assert len(list_tenant(api)) == total


class _Counted:
    """A list that states its total and changes with each page that is read.

    Attributes:
        numbers: The pages that were read, in the order of their answers.
        busiest: The most pages that were read at the same moment.
    """

    def __init__(self, ids: list[int], *, total: int | None = None, pause: float = 0.0) -> None:
        self.ids = ids
        self.numbers: list[int] = []
        self.busiest = 0
        self.changes: dict[int, Any] = {}
        self._total = total
        self._pause = pause
        self._reading = 0
        self._lock = threading.Lock()

    def list_workflows(self, *, page_size: int, page_number: int, **_: Any) -> Any:
        with self._lock:
            self._reading += 1
            self.busiest = max(self.busiest, self._reading)
        time.sleep(self._pause)
        with self._lock:
            self._reading -= 1
            self.numbers.append(page_number)
            held = self.ids[(page_number - 1) * page_size : page_number * page_size]
            total = len(self.ids) if self._total is None else self._total
            self.changes.pop(len(self.numbers), lambda: None)()
        items = [{"id": number, "name": f"w{number}"} for number in held]
        return {"pageCount": -(-total // page_size), "workflowsCount": total, "workflows": items}


def test_pages_are_read_side_by_side() -> None:
    """The first page says how many there are; the others are read at once, each of them once."""
    api: Any = _Counted(list(range(950)), pause=0.02)
    assert [item.id for item in list_tenant(api, concurrency=4)] == list(range(950))
    assert api.numbers[0] == 1
    assert sorted(api.numbers) == list(range(1, 11))
    assert 2 <= api.busiest <= 4


@pytest.mark.parametrize("total", [10**6, 10**30])
def test_a_total_that_is_far_too_large(total: int) -> None:
    """A total that no pages hold costs a few requests and ends in an error."""
    api: Any = _Counted(list(range(150)), total=total)
    with pytest.raises(UnexpectedAnswerError, match="150 of"):
        list_tenant(api, concurrency=4)
    assert len(api.numbers) <= 3 * (2 + 2 + 4)


def test_a_workflow_that_moves_to_a_page_that_was_read() -> None:
    """A delete moves others to earlier pages: totals that differ say so, and the list is read again."""
    api: Any = _Counted(list(range(250)))
    api.changes[1] = lambda: api.ids.remove(5)
    assert [item.id for item in list_tenant(api, concurrency=1)] == api.ids
    assert len(api.ids) == 249


def test_a_list_that_never_rests() -> None:
    """A tenant where workflows come all the time can be listed if the last reading adds up."""
    api: Any = _Counted(list(range(250)))
    for answer in (1, 4, 7):
        api.changes[answer] = lambda: api.ids.append(len(api.ids))
    assert len(list_tenant(api, concurrency=1)) == 253
