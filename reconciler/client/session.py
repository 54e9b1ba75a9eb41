"""Session: the token, the tenant's address and the connections, shared by all threads of a run.

It sends requests and returns JSON. It knows nothing of workflows, follows no redirect, sends no telemetry,
and sends no request when it is created.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from reconciler.client.calls import Call, Params
from reconciler.client.credentials import (
    Anonymous,
    is_loopback_http,
    is_safe_url,
    read_base_url,
    read_stage,
    read_token,
    stage_url,
)
from reconciler.client.exceptions import ReadOnlyError
from reconciler.client.responses import expect_object, read_json
from reconciler.client.retrying import RetryPolicy
from reconciler.client.transport import Transport
from reconciler.concurrency import Once
from reconciler.errors import InvalidParameterException, UnexpectedAnswerError
from reconciler.secrecy import Redactor
from reconciler.values import as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    import requests

    from reconciler.client.calls import Observer, Traffic
    from reconciler.client.responses import Tick
    from reconciler.values import JsonValue

_TENANT_METADATA: Final = "tenant-management/api/v1/external/tenants/tenant-metadata"
_HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


class Session:
    """The credentials and connections for requests to one tenant; safe to use from many threads.

    Unlike the public client's, it sends no request when it is created and no telemetry, follows no redirect,
    and sends the token to https and loopback only.

    Args:
        auth_token: An API key, or `Bearer …`. Default: `PEAK_AUTH_TOKEN`, then `API_KEY`, of the environment.
        stage: `prod`, `dev`, `latest`, `test`, `beta` or `parvati`. Default: `PEAK__STAGE`, then `STAGE`,
            then `prod`.
        base_url: An https URL, or http to loopback, in place of the stage's. Default: `PEAK_API_URL`.
        timeout: The seconds to connect, and to wait for each part of the answer.
        pool_size: The connections kept, and the most requests in flight; fewer while the server pushes back.
        max_requests_per_second: The most requests per second; `None` for no limit.
        reserve: Takes one request out of a budget that several processes share, and returns the seconds until
            it may be sent; `None` without such a budget.
        observe: Called with the record of each request, from any thread.
        env: The environment variables. Proxies and CA bundles come from the process, through `requests`.
        read_only: Refuse every method but GET before anything is sent.
        retry: The limits of retries.
        secrets: Texts to hide in messages, besides the token.
        purpose: A word for the `User-Agent`, such as `plan`.

    Raises:
        MissingEnvironmentVariableException: There is no token.
        InvalidParameterException: The token, the stage or the base URL cannot be used.
    """

    def __init__(  # noqa: PLR0913 - each has its default
        self,
        auth_token: str | None = None,
        stage: str | None = None,
        *,
        base_url: str | None = None,
        timeout: tuple[float, float] = (10.0, 60.0),
        pool_size: int = 10,
        max_requests_per_second: float | None = None,
        reserve: Callable[[], float] | None = None,
        observe: Observer | None = None,
        env: Mapping[str, str] = os.environ,
        read_only: bool = False,
        retry: RetryPolicy | None = None,
        secrets: Iterable[str] = (),
        purpose: str = "",
    ) -> None:
        self._token = read_token(auth_token, env)
        self._stage = read_stage(stage, env)
        self._own_url = read_base_url(base_url, env)
        self._read_only = read_only
        self._policy = retry or RetryPolicy()
        self._transport = Transport(
            timeout=timeout,
            pool_size=pool_size,
            policy=self._policy,
            redactor=self._token.redactor().joined(Redactor.of(secrets)),
            per_second=max_requests_per_second,
            reserve=reserve,
            observe=observe,
            purpose=purpose,
        )
        self._is_view = False
        self._spoke = Once(self._ask_spoke_domain)

    @property
    def stage(self) -> str:
        """The stage, such as `prod`."""
        return self._stage

    @property
    def base_url(self) -> str:
        """The address that requests go to, without a trailing slash."""
        return self._own_url or stage_url(self._stage)

    @property
    def read_only(self) -> bool:
        """Whether every method but GET is refused."""
        return self._read_only

    @property
    def traffic(self) -> Traffic:
        """The counts of requests so far, through this session and its views."""
        return self._transport.meter.traffic

    def count_retry(self, waited: float) -> None:
        """Count a write that its caller sends again, after waiting `waited` seconds."""
        self._transport.meter.count_retry(waited)

    @property
    def spoke_domain(self) -> str | None:
        """The domain of a spoke tenant, whose step logs are on another host; `None` for any other tenant.

        Read from the server once, at first use (the public client reads it whenever a session is created).

        Raises:
            BaseHttpException: The server answered with an error; see `request` for other errors.
        """
        return self._spoke()

    def as_read_only(self) -> Session:
        """Return a view that shares the connections, and refuses every method but GET before it is sent.

        Closing the view leaves the connections open.
        """
        view = copy.copy(self)
        view._read_only = True  # noqa: SLF001 - its own class
        view._is_view = True  # noqa: SLF001
        return view

    def request(  # noqa: PLR0913 - all but two by name
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: JsonValue = None,
        empty_ok: bool = False,
        spoke_domain: str | None = None,
    ) -> JsonValue:
        """Send one request with the token, and return the JSON of its answer.

        Args:
            method: The HTTP method.
            path: The path below the base URL, percent-encoded, without a leading slash.
            params: The query; a list is repeated, `None` is left out.
            body: The JSON to send; `None` for no body.
            empty_ok: Take an empty answer as `{}`.
            spoke_domain: The domain of a spoke tenant, to send the request to its host, unless a base URL is
                set.

        Raises:
            ReadOnlyError: The session is read-only and `method` is not GET.
            InvalidParameterException: `body` is not JSON.
            BaseHttpException: The server answered with an error.
            NotSentError: No connection could be made.
            AnswerLostError: The request was sent and its answer did not arrive.
            UnexpectedAnswerError: The answer says success and cannot be read.
        """
        if self._read_only and method != "GET":
            raise ReadOnlyError(f"{method} /{path} was refused: this session is read-only; nothing was sent")

        def read(response: requests.Response, tick: Tick) -> JsonValue:
            return read_json(response, tick, empty_ok=empty_ok)

        base = self.base_url if spoke_domain is None else self._spoke_url(spoke_domain)
        call = Call(
            method=method,
            url=f"{base}/{path}",
            auth=self._token,
            read=read,
            params=params,
            body=None if body is None else _encoded(body),
            value=body,
            deadline=self._policy.deadline,
        )
        return self._transport.send(call)

    def answer_headers(self, path: str, params: Params | None = None) -> dict[str, str]:
        """Send one GET, and return the headers of its answer by their names in lower case.

        Raises:
            ReconcilerError: As `request`.
        """

        def read(response: requests.Response, tick: Tick) -> dict[str, str]:
            read_json(response, tick, empty_ok=False)
            return {name.lower(): value for name, value in response.headers.items()}

        call = Call(
            method="GET",
            url=f"{self.base_url}/{path}",
            auth=self._token,
            read=read,
            params=params,
            deadline=self._policy.deadline,
        )
        return self._transport.send(call)

    def download(self, url: str, save: Callable[[requests.Response, Tick], None]) -> None:
        """Download a file from an address that the API returned, without the token or other credentials.

        Args:
            url: An https URL; http to loopback only if the API is on loopback, too.
            save: Reads the answer; called again for each try.

        Raises:
            UnexpectedAnswerError: The address is not allowed, or the answer cannot be read.
            BaseHttpException: The server answered with an error.
            NotSentError: No connection could be made.
            AnswerLostError: The answer did not arrive.
        """
        if not is_safe_url(url) or (is_loopback_http(url) and not is_loopback_http(self.base_url)):
            raise UnexpectedAnswerError("the server returned an address for a file that is not https")
        call = Call(
            method="GET",
            url=url,
            auth=Anonymous(),
            read=save,
            deadline=self._policy.download_deadline,
            of_api=False,
        )
        self._transport.send(call)

    def end_waits(self, stopped: Callable[[], bool]) -> None:
        """From now on, once `stopped` returns true, fail what would wait; requests in flight are finished."""
        self._transport.end_waits(stopped)

    def redactor(self) -> Redactor:
        """Return the redactor that hides the token."""
        return self._token.redactor()

    def server_time(self) -> float | None:
        """Return the time that the last answer of the server states, in seconds since the epoch."""
        try:
            return parsedate_to_datetime(self._transport.date).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None

    def derived_key(self) -> bytes:
        """Return a key for what this machine keeps of the tenant; only the token gives it."""
        return self._token.derived_key(self.base_url)

    def redactor_of_messages(self) -> Redactor:
        """Return the redactor that hides the token and all other texts to hide in messages."""
        return self._transport.redactor

    def hide(self, secrets: Iterable[str]) -> None:
        """From now on, hide further texts in messages."""
        self._transport.hide(Redactor.of(secrets))

    def close(self) -> None:
        """Close the connections; a read-only view leaves them open."""
        if not self._is_view:
            self._transport.close()

    def __enter__(self) -> Session:  # noqa: PYI034 - `Self` needs Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Session(base_url={self.base_url!r}, read_only={self._read_only})"

    def _ask_spoke_domain(self) -> str | None:
        answer = expect_object(self.request("GET", _TENANT_METADATA), f"GET /{_TENANT_METADATA}")
        details = answer.get("spokeDetails")
        if details is None:
            return None
        domain = as_object(details).get("domain", "")
        return domain if isinstance(domain, str) else ""

    def _spoke_url(self, spoke_domain: str) -> str:
        """Return `service.<first part of its domain>`, where a spoke tenant's logs are (public client)."""
        if self._own_url is not None:
            return self._own_url
        label = spoke_domain.partition(".")[0]
        if not _HOST_LABEL.fullmatch(label):
            raise UnexpectedAnswerError("the spoke domain that the server returned is not a host name")
        return stage_url(self._stage, f"service.{label}")


@functools.cache
def default_session() -> Session:
    """Return the session of clients that are given none, created from the environment at first use."""
    return Session()


def _encoded(body: JsonValue) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidParameterException(f"the body is not JSON: {error}") from error
