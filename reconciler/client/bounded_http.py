"""The `requests` session of a transport: it follows no redirect, and its answers have a deadline.

The timeout of `requests` is one of each read: a server that sends a byte now and then would hold a request
for ever. Here every read of an answer, from its status line on, also ends at the request's deadline; so does
the answer of a proxy.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidProxyURL
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

if TYPE_CHECKING:
    import socket

_SHORTEST_READ = 0.001


class BoundedSession(requests.Session):
    """A `requests` session that never follows a redirect, and whose answers end at a deadline.

    Args:
        pool_size: The connections kept to one host.
        monotonic: Returns the time of the deadlines, in seconds.
    """

    def __init__(self, pool_size: int, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._thread = threading.local()
        self._settings: dict[tuple[str, str], Any] = {}
        adapter = _BoundedAdapter(pool_size, lambda: self._thread.end - monotonic())
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request_until(self, end: float, method: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
        """Send a request as `request` does; no part of its answer is read after the moment `end`.

        Its body must be read in the same thread.
        """
        self._thread.end = end
        return self.request(method, url, **options)

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - requests' signature
        """Return `None`, whatever the answer says."""
        return None

    def merge_environment_settings(self, url: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - requests'
        """Return the settings of a request, as `requests` does, with a proxy that can be used.

        All requests to an origin have the same settings: the environment is read for the first of them only,
        which saves each request a tenth of its work.

        Raises:
            InvalidProxyURL: The proxy has no address. The error does not quote it: it may hold a password.
        """
        parts = urlsplit(url)
        origin = parts.scheme, parts.netloc
        if origin not in self._settings:
            settings = super().merge_environment_settings(url, *args, **options)
            _check_proxy(select_proxy(url, settings["proxies"]))
            self._settings[origin] = settings
        return dict(self._settings[origin])


def _check_proxy(proxy: str | None) -> None:
    """Raise `InvalidProxyURL` for a proxy without a host, for which requests raises a TypeError."""
    if not proxy:
        return
    try:
        usable = bool(parse_url(prepend_scheme_if_needed(proxy, "http")).host)  # type: ignore[no-untyped-call]
    except (HTTPError, ValueError, TypeError, AttributeError):
        usable = False
    if not usable:
        raise InvalidProxyURL("the proxy has no valid address")


class _BoundedAdapter(HTTPAdapter):
    """An adapter whose connections, also those through a proxy, read answers until their deadline only.

    Args:
        pool_size: The connections kept to one host.
        left: Returns the seconds that are left to the request of the calling thread.
    """

    def __init__(self, pool_size: int, left: Callable[[], float]) -> None:
        self._response = _bounded_response(left)
        super().__init__(pool_connections=4, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - requests'
        super().init_poolmanager(*args, **options)
        self._bound(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:  # noqa: ANN401 - requests'
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        if not known:
            self._bound(manager)
        return manager

    def _bound(self, manager: Any) -> None:  # noqa: ANN401 - a pool manager of any kind
        """Give the connections of a pool manager the bounded response."""
        manager.pool_classes_by_scheme = {
            scheme: type(
                pool.__name__,
                (pool,),
                {
                    "ConnectionCls": type(
                        pool.ConnectionCls.__name__,
                        (pool.ConnectionCls,),
                        {"response_class": self._response},
                    )
                },
            )
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }


def _bounded_response(left: Callable[[], float]) -> type[HTTPResponse]:
    class BoundedResponse(HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:  # noqa: ANN401
            super().__init__(sock, *args, **options)
            self.fp.close()
            self.fp = io.BufferedReader(_BoundedReader(sock, left))

    return BoundedResponse


class _BoundedReader(io.RawIOBase):
    """The bytes that arrive on a socket until a deadline.

    Args:
        sock: The socket; its timeout is that of one read.
        left: Returns the seconds that are left.
    """

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout()
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - a writable buffer
        left = self._left()
        if left <= 0:
            raise TimeoutError("no time left")
        self._sock.settimeout(
            max(_SHORTEST_READ, left if self._timeout is None else min(self._timeout, left))
        )
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
