"""What endpoints share: reading what was asked out of a request, and putting a value into an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from reconciler.emulator.gate import CALL, Call
from reconciler.emulator.queries import Query
from reconciler.emulator.refusal import Refusal
from reconciler.values import JsonObject, JsonValue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request


def answer(value: JsonValue, status: int = 200) -> Response:
    """Return `value` as an answer in JSON."""
    return Response(json.dumps(value, separators=(",", ":")), status, media_type="application/json")


def call_of(request: Request) -> Call:
    """Return the request as the gate read it."""
    call: Call = request.scope[CALL]
    return call


def query_of(request: Request) -> Query:
    """Return the request's query."""
    return Query(call_of(request).query)


def sent_object(request: Request) -> JsonObject:
    """Return the JSON object that was sent.

    Raises:
        Refusal: 400 when something else was.
    """
    call = call_of(request)
    if call.malformed:
        raise Refusal(400, call.malformed)
    if not isinstance(call.body, dict):
        raise Refusal(400, "the body must be a JSON object")
    return call.body


def id_of(request: Request) -> int:
    """Return the ID of the workflow that the path names."""
    number: int = request.path_params["workflow_id"]
    return number


def collection(
    path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str = "GET"
) -> list[Route]:
    """Return the routes of a collection, whose path is served with and without a slash at its end."""
    return [Route(path, endpoint, methods=[method]), Route(path + "/", endpoint, methods=[method])]
