"""Reader of server responses, which are hostile input: bounded, strict JSON of the expected shape.

An HTTP error becomes one of the client's exceptions here, once. Nothing here sends a request or decides on
retries.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from reconciler.client.credentials import TOKEN_VARIABLES
from reconciler.client.exceptions import (
    BaseHttpException,
    ForbiddenException,
    UnauthorizedException,
    exception_for,
)
from reconciler.client.paging import MOST_PAGES
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.json_documents import NestingError, NotJsonError, parse_json
from reconciler.secrecy import Redactor, mask_credentials
from reconciler.text import clip, printable
from reconciler.values import JsonObject, JsonValue, dump_compact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests

    Tick = Callable[[], None]

MOST_BYTES: Final = 32 * 1024 * 1024
"""The largest JSON answer, in bytes."""

_MOST_ERROR_BYTES = 64 * 1024
_PIECE_BYTES = 16 * 1024
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_HTML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>([^<]*)", re.IGNORECASE)
_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
_REQUEST_ID_HEADERS = (
    "x-request-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "x-correlation-id",
    "x-amz-cf-id",
)


class NotJsonAnswerError(UnexpectedAnswerError):
    """An answer that is not JSON, so perhaps a gateway's and not the API's: a retry may help."""


def stream(response: requests.Response, limit: int, tick: Tick) -> Iterator[bytes]:
    """Yield the body in pieces, decompressed.

    Args:
        response: The answer, with its body unread.
        limit: The largest body, in bytes.
        tick: Called for each piece; raises when the deadline has passed.

    Raises:
        UnexpectedAnswerError: It is longer than `limit`, or has a compression that was not offered.
        urllib3.exceptions.HTTPError: The connection failed, or ended before the announced length.
    """
    if response.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
        raise UnexpectedAnswerError("the answer has a compression that was not offered")
    total = 0
    # `read1` returns what has arrived: a body that trickles in still calls `tick`.
    while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
        tick()
        total += len(piece)
        if total > limit:
            raise UnexpectedAnswerError(f"the answer is larger than {limit:,} bytes")
        yield piece


def parse_answer(data: bytes) -> JsonValue:
    """Return the JSON value in `data`, strictly read.

    Raises:
        NotJsonAnswerError: It is not JSON.
        UnexpectedAnswerError: It is nested too deeply.
    """
    try:
        return parse_json(data)
    except NestingError:
        raise UnexpectedAnswerError("the answer is nested too deeply") from None
    except NotJsonError as error:
        raise NotJsonAnswerError("the answer is not JSON") from error


def read_json(response: requests.Response, tick: Tick, *, empty_ok: bool) -> JsonValue:
    """Return the JSON value in the body of `response`; `{}` for an empty body if `empty_ok`.

    Raises:
        UnexpectedAnswerError: It is too large, or not strict JSON.
        urllib3.exceptions.HTTPError: The connection failed, or ended before the announced length.
    """
    body = b"".join(stream(response, MOST_BYTES, tick))
    if empty_ok and not body.strip():
        return {}
    try:
        return parse_answer(body)
    except NotJsonAnswerError:
        if _is_html(response, body):
            raise _web_page(response, body) from None
        raise


def _is_html(response: requests.Response, body: bytes) -> bool:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind in _HTML or _HTML_START.match(body) is not None


def _web_page(response: requests.Response, body: bytes) -> UnexpectedAnswerError:
    """Return the error for a web page in place of JSON: no gateway's slip but a sign-in, so final."""
    found = _TITLE.search(body[:_MOST_ERROR_BYTES])
    title = clip(printable(mask_credentials(_words(found[1]))), 100) if found else ""
    named = f" titled '{title}'" if title else ""
    host = clip(printable(urlsplit(response.url).netloc.rpartition("@")[2]), 100)
    return UnexpectedAnswerError(
        f"{host} answered with an HTML page{named} instead of JSON",
        hint="Check for a proxy or a sign-in page between here and the API.",
    )


def _words(text: bytes) -> str:
    import html  # noqa: PLC0415 - the table of all entities is large, and errors are rare

    return " ".join(html.unescape(text.decode("utf-8", "replace")).split())


def http_error(label: str, response: requests.Response, redactor: Redactor, tick: Tick) -> BaseHttpException:
    """Return the exception for an answer that is not a success.

    Args:
        label: The method and the path.
        response: The answer, with its body unread; an unreadable body is left out.
        redactor: Hides secrets, which a server may echo.
        tick: Called while the body is read; raises when the deadline has passed.
    """
    status = response.status_code
    # Redact before clipping: half a credential is not recognised.
    text = clip(printable(mask_credentials(redactor.text(_error_text(response, tick)))))
    request_id = next(
        (response.headers[name] for name in _REQUEST_ID_HEADERS if name in response.headers), ""
    )
    request_id = clip(printable(redactor.text(request_id)), 100)
    message = f"{label} answered {_status_words(status)}"
    message += f": {text}" if text else ""
    message += f" (request id {request_id})" if request_id else ""
    kind = exception_for(status)
    return kind(message, status=status, request_id=request_id, hint=_hint(kind))


def _status_words(status: int) -> str:
    try:
        words = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        words = str(status)
    return f"{words}, a redirect, and redirects are never followed" if status // 100 == 3 else words  # noqa: PLR2004


def _hint(kind: type[BaseHttpException]) -> str:
    if issubclass(kind, UnauthorizedException):
        return (
            f"Check the token in {' or '.join(TOKEN_VARIABLES)}: it must be valid for this tenant and stage, "
            "and API keys expire after three months."
        )
    if issubclass(kind, ForbiddenException):
        return "The token is valid, but its user lacks the permission: ask an administrator of the tenant."
    return ""


def _error_text(response: requests.Response, tick: Tick) -> str:
    try:
        body = b"".join(stream(response, _MOST_ERROR_BYTES, tick))
    except (ReconcilerError, HTTPError):
        return ""
    try:
        value = parse_answer(body)
    except ReconcilerError:
        return "" if _is_html(response, body) else body.decode("utf-8", "replace").strip()
    if isinstance(value, dict):
        value = next((value[key] for key in ("detail", "message", "error") if value.get(key)), value or "")
    return value if isinstance(value, str) else dump_compact(value)


def expect_object(value: JsonValue, label: str) -> JsonObject:
    """Return `value`, which must be an object.

    Raises:
        UnexpectedAnswerError: It is not an object.
    """
    if isinstance(value, dict):
        return value
    raise UnexpectedAnswerError(f"{label} answered with JSON that is not an object")


def expect_objects(value: JsonValue, label: str) -> list[JsonObject]:
    """Return `value`, which must be a list of objects.

    Raises:
        UnexpectedAnswerError: It is not a list of objects.
    """
    if isinstance(value, list):
        return [expect_object(item, f"{label} in an item of its list") for item in value]
    raise UnexpectedAnswerError(f"{label} answered with JSON that is not a list")


def expect_fields(value: JsonObject, kinds: Mapping[str, tuple[type, ...]], label: str) -> JsonObject:
    """Return `value`, which must have each field of `kinds`, of one of its types (`True` is no number).

    Raises:
        UnexpectedAnswerError: A field is missing or of another type.
    """
    for name, types in kinds.items():
        field = value.get(name)
        if not isinstance(field, types) or isinstance(field, bool):
            raise UnexpectedAnswerError(f"{label} answered with an object without a valid `{name}`")
    return value


def expect_page(value: JsonValue, key: str, label: str) -> tuple[JsonObject, list[JsonObject]]:
    """Return a page of a list: the answer, and the objects under `key`.

    Raises:
        UnexpectedAnswerError: The answer is not such a page, or its number of pages is out of range.
    """
    page = expect_object(value, label)
    items = expect_objects(page.get(key), f"{label} under `{key}`")
    count = page.get("pageCount")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST_PAGES:
        raise UnexpectedAnswerError(f"{label} answered with a page without a valid `pageCount`")
    return page, items
