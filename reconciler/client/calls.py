"""What a request is, how often it is tried, and the time in which that happens: handed to the transport."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit

from reconciler.text import clip, printable

if TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

    from reconciler.client.answers import Tick
    from reconciler.values import JsonValue

T = TypeVar("T")

Params: TypeAlias = Mapping[str, "str | int | Sequence[str] | None"]
"""A query by name: a list is repeated, `None` is left out (public client)."""


def pause_before(again: int, first: float, longest: float, chance: float, asked: float) -> float:
    """Return the seconds to wait before a request is tried again: doubled each time, and jittered.

    Args:
        again: Which further try it is, from 1.
        first: The longest wait before the first further try.
        longest: What the wait does not grow beyond.
        chance: A number from 0 to 1.
        asked: What the server asks to wait at least.
    """
    return max(asked, min(longest, first * 2.0 ** (again - 1)) * (1 + chance) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long a request is tried.

    Attributes:
        tries: How many times at most, the first one counted.
        deadline: The seconds within which the last try must have ended.
        download_deadline: The same for a file, which may be large.
        backoff: The longest wait after the first failure, in seconds; doubled after each further one.
        longest_backoff: What the wait does not grow beyond, unless the server asks for more.
    """

    tries: int = 4
    deadline: float = 120.0
    download_deadline: float = 600.0
    backoff: float = 0.5
    longest_backoff: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time and chance, handed in so that a test owns them.

    Attributes:
        monotonic: Seconds that never go back, for deadlines.
        wall: Seconds since the epoch, for a `Retry-After` that is a date.
        sleep: Waits so many seconds.
        random: A number from 0 to 1, for the jitter.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request, and how its answer is read.

    Attributes:
        method: The HTTP method.
        url: Without a query of ours.
        auth: The credentials it is sent with.
        read: Reads an answer that says success; called anew for each try.
        params: The query.
        body: JSON, encoded.
        value: The same JSON, for whoever watches.
        content_type: What the body is.
        deadline: The seconds within which the last try must have ended.
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

    @property
    def label(self) -> str:
        """The method and the path, fit to be shown: no query, which may hold a secret."""
        return f"{self.method} {self.path}"

    @property
    def path(self) -> str:
        """The path, fit to be shown."""
        return clip(printable(urlsplit(self.url).path), 200)

    @property
    def changes_nothing(self) -> bool:
        """Whether the request is a read."""
        return self.method == "GET"
