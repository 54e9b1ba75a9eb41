"""One API call: the request, and how its response is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit

from reconciler.text import clip, printable

if TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

    from reconciler.client.responses import Tick
    from reconciler.values import JsonValue

T = TypeVar("T")

Params: TypeAlias = Mapping[str, "str | int | Sequence[str] | None"]
"""A query by name: a list is repeated, `None` is left out (public client)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request, and how its answer is read.

    Attributes:
        method: The HTTP method.
        url: The address, without a query.
        auth: The credentials.
        read: Reads a successful answer; called again for each try.
        params: The query.
        body: The JSON to send, encoded.
        value: The same JSON, for the observer of requests.
        content_type: The media type of the body.
        deadline: The seconds within which the last try must end.
        of_api: Whether it goes to the API, whose outages all requests wait for together.
    """

    method: str
    url: str
    auth: AuthBase
    read: Callable[[requests.Response, Tick], T]
    params: Params | None = None
    body: bytes | None = None
    value: JsonValue = None
    content_type: str = "application/json"
    deadline: float
    of_api: bool = True

    @property
    def label(self) -> str:
        """The method and the path, safe to show: no query, which may hold a secret."""
        return f"{self.method} {self.path}"

    @property
    def path(self) -> str:
        """The path, escaped and clipped."""
        return clip(printable(urlsplit(self.url).path), 200)

    @property
    def changes_nothing(self) -> bool:
        """Whether the request is a read."""
        return self.method == "GET"
