"""JSON client for a code host's API: no redirects, bounded responses, retries for reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Final

from reconciler.client import (
    BaseHttpException,
    Call,
    ForbiddenException,
    InvalidParameterException,
    NotFoundException,
    Params,
    RetryPolicy,
    Token,
    Transport,
    UnauthorizedException,
    expect_objects,
    is_safe_url,
    read_json,
)
from reconciler.errors import ReconcilerError
from reconciler.values import JsonObject, JsonValue

_TIMEOUT: Final = (10.0, 30.0)
_POLICY: Final = RetryPolicy(tries=4, deadline=60.0, retry_for=0.0)
_PAGE: Final = 100
_MOST_PAGES: Final = 100


class HostApi:
    """The API of a code host.

    Args:
        name: The name of the host for messages.
        url: The base URL of its API.
        token: The token, sent as a bearer.
        needs: The hint for a refusal: the permissions that the token needs.
        policy: The limits of retries.

    Raises:
        InvalidParameterException: The URL is not safe, or the token is not a header value.
    """

    def __init__(self, name: str, url: str, token: str, needs: str, policy: RetryPolicy = _POLICY) -> None:
        if not is_safe_url(url):
            raise InvalidParameterException(f"{name}: the API's URL must be https, or http to loopback")
        self._url = url.rstrip("/")
        self._auth = Token(f"Bearer {token}")
        self._needs = needs
        self._redactor = self._auth.redactor()
        self._deadline = policy.deadline
        self._transport = Transport(
            timeout=_TIMEOUT,
            pool_size=1,
            policy=policy,
            redactor=self._redactor,
        )

    def get(self, path: str, params: Params | None = None) -> JsonValue:
        """Return the JSON value at `path`.

        Raises:
            ReconcilerError: The request failed.
        """
        return self._send("GET", path, params=params)

    def pages(self, path: str) -> Iterator[JsonObject]:
        """Yield the objects of the list at `path`, from all its pages.

        Raises:
            ReconcilerError: A request failed, or the list is longer than 10,000.
        """
        for number in range(1, _MOST_PAGES + 1):
            page = expect_objects(self.get(path, {"per_page": _PAGE, "page": number}), f"GET {path}")
            yield from page
            if len(page) < _PAGE:
                return
        raise ReconcilerError(f"GET {path}: more than {_PAGE * _MOST_PAGES:,} comments")

    def write(self, method: str, path: str, value: JsonObject) -> None:
        """Send `value` to `path`, with the token removed from its texts.

        Raises:
            ReconcilerError: The request failed.
        """
        self._send(method, path, body=json.dumps(self._redactor.value(value)).encode())

    def _send(
        self, method: str, path: str, *, params: Params | None = None, body: bytes | None = None
    ) -> JsonValue:
        call = Call(
            method=method,
            url=self._url + path,
            auth=self._auth,
            read=partial(read_json, empty_ok=True),
            params=params,
            body=body,
            deadline=self._deadline,
        )
        try:
            return self._transport.send(call)
        except BaseHttpException as error:
            refused = isinstance(error, UnauthorizedException | ForbiddenException | NotFoundException)
            raise ReconcilerError(error.message, hint=self._needs if refused else "") from None
