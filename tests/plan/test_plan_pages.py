"""The pages of the list: a page count that is too small or far too large."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.client import NotFoundException
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
