"""Base of the clients: the session, paginated lists, and paths built from safe parts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from reconciler.client.paging import PageWalk
from reconciler.client.responses import expect_fields, expect_object, expect_page
from reconciler.client.session import Session, default_session
from reconciler.errors import InvalidParameterException, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from reconciler.client.calls import Params
    from reconciler.values import JsonObject

    Fields = Mapping[str, tuple[type, ...]]

ROOT: Final = "workflows/api/v1"
_TOTAL: Final = "workflowsCount"
"""The only total that a list of the API states."""

_NO_FIELDS: Final[Fields] = MappingProxyType({})


class BaseClient:
    """A client of one tenant.

    Args:
        session: The session. Default: one created from the environment and shared.

    Raises:
        TypeError: `session` is not a `Session` (public client).
    """

    def __init__(self, session: Session | None = None) -> None:
        if session is not None and not isinstance(session, Session):
            raise TypeError(f"expected a Session, got {type(session).__name__}")
        self.session = default_session() if session is None else session

    def _page(
        self, path: str, key: str, params: Params, fields: Fields = _NO_FIELDS
    ) -> tuple[JsonObject, list[JsonObject]]:
        """Return one page of a list, and its items, checked for `fields`."""
        label = f"GET /{path}"
        page, items = expect_page(self.session.request("GET", path, params=params), key, label)
        for item in items:
            expect_fields(item, fields, f"{label} under `{key}`")
        return page, items

    def _pages(
        self, path: str, key: str, params: Params, fields: Fields = _NO_FIELDS
    ) -> Iterator[JsonObject]:
        """Yield the items of all pages; each page is read when it is reached."""
        size = params.get("pageSize")
        walk = PageWalk(size if isinstance(size, int) else None, _TOTAL)
        while walk.goes_on:
            try:
                page, items = self._page(path, key, {**params, "pageNumber": walk.number}, fields)
            except ReconcilerError as error:
                if not walk.ends_with(error):
                    raise
                return
            yield from items
            walk.take(page, map(_identity, items))

    def _send(  # noqa: PLR0913 - all but two by name
        self,
        method: str,
        path: str,
        *,
        fields: Fields = _NO_FIELDS,
        params: Params | None = None,
        body: JsonObject | None = None,
        empty_ok: bool = False,
        spoke_domain: str | None = None,
    ) -> JsonObject:
        """Send a request, and return the object in its answer, checked for `fields`."""
        label = f"{method} /{path}"
        answer = self.session.request(
            method, path, params=params, body=body, empty_ok=empty_ok, spoke_domain=spoke_domain
        )
        return expect_fields(expect_object(answer, label), fields, label)


def _identity(item: JsonObject) -> Hashable:
    """Return the id of an item of a list, if it has one."""
    identity = item.get("id", item.get("executionId"))
    return identity if isinstance(identity, int | str) else None


def workflow_path(workflow_id: int, *parts: str) -> str:
    """Return the path of a workflow, or a path below it.

    Raises:
        InvalidParameterException: A part is empty, `.` or `..`.
    """
    return "/".join([ROOT, "workflows", segment(workflow_id), *map(segment, parts)])


def segment(value: str | int) -> str:
    """Return an ID as one percent-encoded part of a path.

    Raises:
        InvalidParameterException: It is empty, `.` or `..`, which would lead elsewhere.
    """
    text = str(value)
    if text in {"", ".", ".."}:
        raise InvalidParameterException("invalid ID: it must not be empty, '.' or '..'")
    return quote(text, safe="")
