"""Requests as they are parsed and read: path, JSON body, query parameters, page; and the JSON answer.

The middleware parses a request, and the endpoints read its parts; an invalid part raises `HttpError` 400.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from urllib.parse import parse_qsl

from starlette.responses import Response

from reconciler.emulator.state import HttpError
from reconciler.values import JsonObject, JsonValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.types import Scope

WORKFLOWS: Final = "/workflows/api/v1/workflows"
ONE_WORKFLOW: Final = WORKFLOWS + "/{workflow_id:int}"
"""The route of one workflow, from which `workflow_id_of` reads."""

_PARSED_REQUEST: Final = "emulator.parsed_request"
"""The key in the ASGI scope of the `ParsedRequest`."""

_DEFAULT_PAGE_SIZE: Final = 25
_MAX_DIGITS: Final = 9

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """One request with its body parsed.

    `body_error` says why the body is not JSON, and is empty when it is; `size` is the body's size in bytes.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: JsonValue
    body_error: str
    size: int


def parse_request(scope: Scope, body: bytes | None) -> ParsedRequest:
    """Return the request in `scope`, and leave it there for the endpoints; `body` is None if too large."""
    value, error = _parse_json(body or b"")
    request = ParsedRequest(
        method=scope["method"],
        path=scope["path"],
        query=tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        body=value,
        body_error=error,
        size=len(body or b""),
    )
    scope[_PARSED_REQUEST] = request
    return request


def _parse_json(body: bytes) -> tuple[JsonValue, str]:
    """Return the JSON value of `body` and an empty text, or its text and the error."""
    if not body:
        return None, ""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant), ""
    except (ValueError, RecursionError) as error:
        return body.decode("utf-8", "replace"), f"the body is not JSON: {error}"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True, slots=True)
class Query:
    """The query parameters of one request."""

    pairs: tuple[tuple[str, str], ...]

    def text(self, name: str) -> str:
        """Return the parameter's last value; empty when it is absent."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    def words(self, name: str) -> frozenset[str]:
        """Return all values of a parameter that may be repeated or hold several joined by commas."""
        return frozenset(
            word for key, value in self.pairs if key == name for word in value.split(",") if word
        )

    def number(self, name: str, default: int) -> int:
        """Return a parameter that must be a whole number from 1.

        Raises:
            HttpError: 400 when it is not.
        """
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdecimal() or len(text) > _MAX_DIGITS or int(text) < 1:
            raise HttpError(400, f"{name} must be a whole number from 1")
        return int(text)

    def moment(self, name: str, default: str) -> float:
        """Return a parameter that must be an ISO date or time (UTC without a zone), as epoch seconds.

        Raises:
            HttpError: 400 when it is not.
        """
        text = self.text(name) or default
        try:
            moment = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in {"Z", "z"} else text)
        except ValueError as error:
            raise HttpError(400, f"{name} must be an ISO date, not {text[:40]!r}") from error
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, with its number (from 1), the page size and the count of pages."""

    items: Sequence[T]
    number: int
    size: int
    count: int

    def position(self) -> dict[str, int]:
        """Return the page's position as the API writes it."""
        return {"pageCount": self.count, "pageNumber": self.number, "pageSize": self.size}


def page_of(items: Sequence[T], query: Query) -> Page[T]:
    """Return the requested page of `items`; empty past the last page.

    Raises:
        HttpError: 400 when the page's number or size is not a whole number from 1.
    """
    size, number = query.number("pageSize", _DEFAULT_PAGE_SIZE), query.number("pageNumber", 1)
    start = (number - 1) * size
    return Page(items[start : start + size], number, size, max(1, -(-len(items) // size)))


def parsed_request(request: Request) -> ParsedRequest:
    """Return the request as the middleware parsed it."""
    parsed: ParsedRequest = request.scope[_PARSED_REQUEST]
    return parsed


def query_of(request: Request) -> Query:
    """Return the request's query parameters."""
    return Query(parsed_request(request).query)


def body_object(request: Request) -> JsonObject:
    """Return the JSON object in the request's body.

    Raises:
        HttpError: 400 when the body is anything else.
    """
    parsed = parsed_request(request)
    if parsed.body_error:
        raise HttpError(400, parsed.body_error)
    if not isinstance(parsed.body, dict):
        raise HttpError(400, "the body must be a JSON object")
    return parsed.body


def workflow_id_of(request: Request) -> int:
    """Return the workflow ID in the request's path."""
    number: int = request.path_params["workflow_id"]
    return number


def json_answer(value: JsonValue, status: int = 200) -> Response:
    """Return `value` as an answer in JSON."""
    return Response(json.dumps(value, separators=(",", ":")), status, media_type="application/json")
