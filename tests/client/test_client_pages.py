"""The pages of every list: a page count that is one short, or far too large, on the wire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from client_helpers import RawServer, client, http, one_try

from reconciler.client import Catalogue, PageWalk, Workflow
from reconciler.executions.starting import _Executions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.client import Session


def _page(key: str, ids: Iterable[int], count: int) -> bytes:
    items = [{"id": number, "executionId": str(number), "name": f"n{number}"} for number in ids]
    answer = {key: items, "pageCount": count, "pageSize": 2, "workflowId": 7}
    return http(200, json.dumps(answer).encode())


def _workflows(session: Session) -> list[Any]:
    return list(Workflow(session).list_workflows(page_size=2))


def _images(session: Session) -> list[Any]:
    return list(Catalogue(session).list_images(page_size=2))


def _executions(session: Session) -> list[Any]:
    return list(Workflow(session).list_executions(7, page_size=2))


@pytest.mark.parametrize(
    ("key", "listed"), [("workflows", _workflows), ("images", _images), ("executions", _executions)]
)
@pytest.mark.parametrize(
    ("count", "beyond"), [(1, 200), (1, 400), (1, 404), (2, 200), (2, 404), (100_000, 200)]
)
def test_a_list_ends_where_its_pages_do(key: str, listed: Any, count: int, beyond: int) -> None:
    """Two full pages are found whatever number of pages is announced, with two more requests at most."""
    last = _page(key, [], count) if beyond == 200 else http(beyond, b"{}")
    with (
        RawServer(_page(key, [1, 2], count), _page(key, [3, 4], count), last) as raw,
        client(raw.url, retry=one_try()).session as session,
    ):
        assert len(listed(session)) == 4
        assert len(raw.requests) <= 4


def test_a_server_that_ignores_the_page_number() -> None:
    """The same page again and again ends the list, whatever number of pages is announced."""
    walk = PageWalk(2)
    for _ in range(3):
        assert walk.goes_on
        walk.take({"pageCount": 100_000}, [1, 2])
    assert not walk.goes_on


class _Counted:
    """A server with 150 executions and a page count of one."""

    def list_executions(self, _id: int, _since: str | None, *, page_number: int, **_: Any) -> Any:
        ids = range(150)[(page_number - 1) * 100 : page_number * 100]
        return {"pageCount": 1, "executions": [{"executionId": f"e{number}"} for number in ids]}


def test_executions_on_a_page_that_is_not_counted() -> None:
    """Before a start, the executions on a page that is not counted are known, so none is taken for new."""
    api: Any = _Counted()
    assert _Executions(api, 7).new() == []
    assert len(_Executions(api, 7)._known) == 150
