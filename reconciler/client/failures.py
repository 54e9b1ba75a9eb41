"""Failures of a request: the error to raise, and whether the request may be repeated (by status or cause).

Here the exceptions of `requests` and HTTP statuses become ours, with their cause kept. The loop that acts on
them is in `reconciler.client.transport`.
"""

from __future__ import annotations

import email.utils
import enum
import re
import ssl
from datetime import timezone
from typing import TYPE_CHECKING, Final

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    TimeoutError,  # noqa: A004 - urllib3's
)

from reconciler.client.exceptions import (
    AnswerLostError,
    BaseHttpException,
    NotSentError,
    UnreadableAnswerError,
)
from reconciler.client.responses import NotJsonAnswerError, http_error
from reconciler.errors import ReconcilerError, UnexpectedAnswerError
from reconciler.text import clip, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.secrecy import Redactor

_NO_SERVER: Final = frozenset({502, 503, 504})
_TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})
_LONGEST_CHAIN = 20
_REFUSED_TUNNEL: Final = re.compile(r"Tunnel connection failed: (.*)")
_PROXY_HINT: Final = (
    "The proxy comes from HTTPS_PROXY, HTTP_PROXY or ALL_PROXY; NO_PROXY names hosts to reach without."
)
UNUSABLE_ADDRESS: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    LocationValueError,
    UnicodeEncodeError,  # of what goes into a header, such as a proxy's password
)
"""The exceptions for an unusable address, raised before anything is sent."""


class Repeat(enum.Enum):
    """The requests that may be sent again after a failure."""

    NEVER = "none: it would fail again"
    READS = "reads: the request may have taken effect"
    ANY = "any: the request took no effect"


class Failure(Exception):  # noqa: N818 - never leaves the client
    """The failure of one request.

    Args:
        error: The error to raise if the request is not repeated.
        repeat: The requests that may be repeated after it.
        no_server: Whether there may be no server: no connection, or a gateway that reaches none.
    """

    def __init__(self, error: ReconcilerError, repeat: Repeat, *, no_server: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.repeat = repeat
        self.no_server = no_server or self.status in _NO_SERVER

    @property
    def status(self) -> int | None:
        """The HTTP status of a refusal; `None` for any other failure."""
        return self.error.status if isinstance(self.error, BaseHttpException) else None

    @property
    def retry_after(self) -> float:
        """The seconds that the server asks to wait; zero when it does not say."""
        return self.error.retry_after if isinstance(self.error, BaseHttpException) else 0.0


def refused(
    label: str, response: requests.Response, redactor: Redactor, tick: Callable[[], None], now: float
) -> Failure:
    """Return the failure for an answer that is not a success.

    A 5xx may have taken effect. A 429 means that it has not, but a gateway may answer so to a request that
    reached its server: after neither is a write sent again without a check.

    Args:
        label: The method and the path.
        response: The answer, with its body unread.
        redactor: Hides the token.
        tick: Called while the body is read; raises when the deadline has passed.
        now: The seconds since the epoch, for a `Retry-After` that is a date.
    """
    error = http_error(label, response, redactor, tick)
    error.retry_after = retry_after(response.headers.get("Retry-After", ""), now)
    return Failure(error, Repeat.READS if error.status in _TRANSIENT else Repeat.NEVER)


def unreadable(label: str, error: UnexpectedAnswerError | HTTPError, *, changes_nothing: bool) -> Failure:
    """Return the failure for a successful answer that cannot be read.

    Args:
        label: The method and the path.
        error: The problem with the answer, or with the connection while it was read.
        changes_nothing: Whether the request is a read.
    """
    hint = ""
    if isinstance(error, UnexpectedAnswerError):
        what, repeat = error.message, Repeat.READS if isinstance(error, NotJsonAnswerError) else Repeat.NEVER
        hint = error.hint
    elif isinstance(error, TimeoutError):
        return _lost(f"{label}: the answer did not arrive whole (timed out)", changes_nothing=changes_nothing)
    else:
        what, repeat = "the answer was cut off", Repeat.READS
    if changes_nothing:
        return Failure(UnexpectedAnswerError(f"{label}: {what}", hint=hint), repeat)
    message = f"{label}: {what}; the server reported success, so it has probably taken effect"
    return Failure(UnreadableAnswerError(message, hint=hint), repeat)


def unanswered(label: str, error: Exception, *, changes_nothing: bool) -> Failure:
    """Return the failure for a request without an answer: not sent, or the answer was lost.

    Args:
        label: The method and the path.
        error: The exception from `requests`.
        changes_nothing: Whether the request is a read.
    """
    why = _why(error)
    if isinstance(_root(error), ssl.SSLCertVerificationError):
        untrusted = NotSentError(
            f"{label}: the server's certificate is not trusted ({why}); nothing was sent",
            hint="Behind a proxy that intercepts TLS, add its CA certificate to this machine's store, or set "
            "REQUESTS_CA_BUNDLE to a file with it.",
        )
        return Failure(untrusted, Repeat.NEVER)
    if isinstance(error, UNUSABLE_ADDRESS):
        # Without the exception's text, which may quote a password.
        unusable = NotSentError(
            f"{label}: invalid address of the proxy or the server; nothing was sent",
            hint="Check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY: use http://host:port.",
        )
        return Failure(unusable, Repeat.NEVER)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        # requests raises a plain OSError for an unreadable CA bundle, before it connects.
        return Failure(NotSentError(f"{label}: {why}; nothing was sent"), Repeat.NEVER)
    proxy = _proxy_failure(label, error)
    if proxy is not None:
        return proxy
    if isinstance(_reason(error), NewConnectionError | ConnectTimeoutError):
        message = f"{label}: no connection could be made ({why}); nothing was sent"
        return Failure(NotSentError(message), Repeat.ANY, no_server=True)
    lost = _lost(f"{label}: the answer did not arrive ({why})", changes_nothing=changes_nothing)
    lost.no_server = isinstance(error, requests.ConnectionError) and not isinstance(error, requests.Timeout)
    return lost


def retry_after(value: str, now: float) -> float:
    """Return the seconds that a `Retry-After` header asks to wait: a number of seconds, or an HTTP date.

    Any other value, and a date in the past, is zero.
    """
    value = value.strip()
    if value.isascii() and value.isdecimal():
        return float(value[:12])
    try:
        date = email.utils.parsedate_to_datetime(value)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return 0.0


def _lost(what: str, *, changes_nothing: bool) -> Failure:
    message = what if changes_nothing else f"{what}; the request may have taken effect"
    return Failure(AnswerLostError(message), Repeat.READS)


def _proxy_failure(label: str, error: Exception) -> Failure | None:
    """Return the failure for a proxy that cannot be reached, or that refuses; `None` for any other one."""
    failed = _reason(error)
    if not isinstance(failed, ProxyError):
        return None
    address = _proxy_address(error)
    refusal = _REFUSED_TUNNEL.search(str(failed.original_error))
    if refusal is None:
        if not isinstance(failed.original_error, NewConnectionError | ConnectTimeoutError):
            return None
        message = (
            f"{label}: no connection could be made to the proxy{address} ({_why(error)}); nothing was sent"
        )
        return Failure(NotSentError(message, hint=_PROXY_HINT), Repeat.ANY, no_server=True)
    status = clip(printable(refusal[1].strip()), 100)
    message = f"{label}: the proxy{address} refused the connection with status {status}; nothing was sent"
    if status.startswith("407"):
        hint = "Add the user and the password that it wants: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT."
    else:
        hint = "Ask who runs the proxy to allow this host, or name the host in NO_PROXY to connect directly."
    # A gateway's 5xx passes; any other answer of a proxy is its rule.
    return Failure(NotSentError(message, hint=hint), Repeat.ANY if status.startswith("5") else Repeat.NEVER)


def _proxy_address(error: Exception) -> str:
    """Return ` host:port` of the proxy that a request went through, without its user and password."""
    proxy = getattr(getattr(error.args[0] if error.args else None, "pool", None), "proxy", None)
    if proxy is None:
        return ""
    port = f":{proxy.port}" if proxy.port else ""
    return f" {clip(printable(str(proxy.host)), 100)}{port}"


def _reason(error: Exception) -> object:
    """Return what urllib3 gives as the reason; not the context, which may be of an earlier request."""
    reason: object = error.args[0] if error.args else None
    return getattr(reason, "reason", reason)


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < _LONGEST_CHAIN:
        link = waiting.pop(0)
        if isinstance(link, BaseException) and link not in found:
            found.append(link)
            waiting += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]
    return found


def _root(error: BaseException) -> BaseException:
    chain = _chain(error)
    return next((link for link in chain if isinstance(link, ssl.SSLCertVerificationError)), chain[-1])


def _why(error: BaseException) -> str:
    if isinstance(error, requests.Timeout):
        return "timed out"
    for link in _chain(error):
        if isinstance(link, OSError) and link.strerror:
            return clip(printable(link.strerror), 200)
    if isinstance(error, requests.RequestException | ValueError):
        return type(_chain(error)[-1]).__name__
    return clip(printable(str(error)), 200)
