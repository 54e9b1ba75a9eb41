"""HTTP connections of a transport: they follow no redirect, keep no cookie, and answers have a deadline.

The timeout of `requests` is one of each read: a server that sends a byte now and then would hold a request
for ever. Here every read of an answer, from its status line on, also ends at the request's deadline; so does
the answer of a proxy.

The proxy, the CA bundle and the normal form of an address are those of `requests`, which finds them out for
every request again. Here they are found out once for each origin, and a request goes straight to the adapter.
"""

from __future__ import annotations

import io
import re
import ssl
import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidProxyURL
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers, prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from reconciler.client.credentials import is_loopback_http
from reconciler.client.tls import trusted_certificates

if TYPE_CHECKING:
    import socket

    from requests.auth import AuthBase
    from urllib3 import HTTPConnectionPool

    from reconciler.client.calls import Params

_SHORTEST_READ = 0.001
_MOST_ROUTES: Final = 4
"""The number of origins whose connections are kept: the API, that of a spoke tenant, and downloads."""

_NO_PROXIES: Final[dict[str, str]] = {"http": "", "https": "", "all": ""}
_PLAIN_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*)?)*")
"""A path that is in its normal form: no escape, and no part that is `.` or `..`."""


@dataclass(slots=True, eq=False)
class _Route:
    """The way of all requests to one origin.

    Args:
        origin: The scheme, host and port in their normal form.
        proxies: The proxies, as `requests` takes them.
        proxy: The one of them that is for this origin; empty for none.
        context: The certificates that are trusted; `None` where neither the origin nor its proxy has https.
        connections: The pool of connections, once there is one.
    """

    origin: str
    proxies: MutableMapping[str, str]
    proxy: str
    context: ssl.SSLContext | None
    connections: HTTPConnectionPool | None = None


class _RoutedRequest(requests.PreparedRequest):
    """A request that is ready to be sent along a route."""

    def __init__(self, route: _Route) -> None:
        super().__init__()
        self.route = route


class BoundedHttp:
    """A sender of requests that never follows a redirect, and whose answers end at a deadline.

    Args:
        pool_size: The connections kept to one host.
        monotonic: Returns the time of the deadlines, in seconds.
        user_agent: The value of `User-Agent`.
    """

    def __init__(self, pool_size: int, monotonic: Callable[[], float], user_agent: str) -> None:
        self._thread = threading.local()
        self._routes: dict[tuple[str, str], _Route] = {}
        self._lock = threading.Lock()
        self._adapter = _BoundedAdapter(pool_size, lambda: self._thread.end - monotonic())
        self._headers = {
            "User-Agent": user_agent,
            "Accept-Encoding": "gzip, deflate",
            "Accept": "*/*",
            "Connection": "keep-alive",
        }

    def send(  # noqa: PLR0913 - all but two by name
        self,
        method: str,
        url: str,
        *,
        end: float,
        timeout: tuple[float, float],
        auth: AuthBase,
        params: Params | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> requests.Response:
        """Send a request and return its answer, whose body is unread and must be read in the same thread.

        Args:
            method: The HTTP method.
            url: The address, without a query if there are `params`.
            end: The moment after which no part of the answer is read.
            timeout: The seconds to connect, and to wait for each part of the answer.
            auth: Adds the credentials.
            params: The query; a list is repeated, `None` is left out.
            body: The body.
            content_type: Its media type.

        Raises:
            InvalidProxyURL: The proxy has no address.
            requests.RequestException: As `requests`.
            OSError: The CA bundle does not exist.
        """
        self._thread.end = end
        route = self._route(url)
        request = _RoutedRequest(route)
        request.method = method
        _set_url(request, url, params)
        request.headers = CaseInsensitiveDict(self._headers)
        if body is not None:
            request.headers["Content-Type"] = content_type
            request.headers["Content-Length"] = str(len(body))
            request.body = body
        elif method != "GET":
            request.headers["Content-Length"] = "0"
        auth(request)
        return self._adapter.send(request, stream=True, timeout=timeout, proxies=dict(route.proxies))

    def close(self) -> None:
        """Close the connections."""
        self._routes.clear()
        self._adapter.close()

    def _route(self, url: str) -> _Route:
        """Return the route of a request, after reading the environment for the first one to its origin."""
        parts = urlsplit(url)
        key = parts.scheme, parts.netloc
        route = self._routes.get(key)
        if route is not None:
            return route
        with self._lock:
            if key not in self._routes:
                if len(self._routes) >= _MOST_ROUTES:
                    self._routes.clear()
                self._routes[key] = _route_to(url)
            return self._routes[key]


def _route_to(url: str) -> _Route:
    """Return the route to the origin of `url` by the environment, as `requests` reads it.

    Raises:
        InvalidProxyURL: The proxy has no address. The error does not quote it: it may hold a password.
        requests.RequestException: The address cannot be used.
    """
    parts = urlsplit(url)
    prepared = requests.PreparedRequest()
    prepared.prepare_url(f"{parts.scheme}://{parts.netloc}/", None)
    with requests.Session() as session:
        given = dict(_NO_PROXIES) if is_loopback_http(url) else {}
        settings = session.merge_environment_settings(url, given, stream=True, verify=None, cert=None)
    proxies = settings["proxies"]
    proxy = select_proxy(url, proxies)
    _check_proxy(proxy)
    certificates = trusted_certificates(settings["verify"] or True) if _is_https(url, proxy) else None
    origin = str(prepared.url).rstrip("/")
    return _Route(origin=origin, proxies=proxies, proxy=proxy or "", context=certificates)


def _is_https(*urls: str | None) -> bool:
    return any(url and url.lower().startswith("https:") for url in urls)


def _set_url(request: _RoutedRequest, url: str, params: Params | None) -> None:
    """Set the address of a request: quickly where its path is in normal form, else as `requests` does."""
    parts = urlsplit(url)
    query = {name: value for name, value in (params or {}).items() if value is not None}
    if parts.query or parts.fragment or not _PLAIN_PATH.fullmatch(parts.path):
        request.prepare_url(url, query)
        return
    encoded = f"?{urlencode(query, doseq=True)}" if query else ""
    request.url = f"{request.route.origin}{parts.path or '/'}{encoded}"


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
        super().__init__(pool_connections=_MOST_ROUTES, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - requests'
        super().init_poolmanager(*args, **options)
        self._bound(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:  # noqa: ANN401 - requests'
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        if not known:
            self._bound(manager)
        return manager

    def get_connection_with_tls_context(
        self,
        request: Any,  # noqa: ANN401 - a `_RoutedRequest`
        verify: Any,  # noqa: ANN401 - requests'
        proxies: Any = None,  # noqa: ANN401
        cert: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Return the pool of the request's route, asked of the pool manager once."""
        route = request.route
        if route.connections is None:
            if _is_https(route.proxy):
                self.proxy_manager_for(route.proxy, proxy_ssl_context=route.context)
            route.connections = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return route.connections

    def build_connection_pool_key_attributes(
        self,
        request: Any,  # noqa: ANN401 - requests'
        verify: Any,  # noqa: ANN401
        cert: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Return what a pool is known by: its host, and the certificates that its connections trust."""
        host, options = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": request.route.context} if host["scheme"] == "https" else options

    def request_url(self, request: Any, proxies: Any) -> str:  # noqa: ANN401 - requests'
        """Return what the request line names: the path, unless a proxy must know more."""
        if request.route.proxy:
            return super().request_url(request, proxies)
        path: str = request.path_url
        return path

    def cert_verify(self, *_: Any) -> None:  # noqa: ANN401 - requests'
        """Do nothing: the context has the certificates."""

    def build_response(self, req: Any, resp: Any) -> requests.Response:  # noqa: ANN401 - requests'
        """Return the answer without its cookies, which are not sent back."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.encoding = get_encoding_from_headers(response.headers)
        response.raw = resp
        response.reason = resp.reason
        response.url = req.url
        response.request = req
        return response

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
