"""Sender of messages to addresses outside the API: webhooks, notifications, a Pushgateway.

It never sends the token. The address is a secret, since webhooks have one in it: neither it nor the
receiver's answer, which may repeat it, is ever shown. As for the API: no redirects, proxies honoured, no
`~/.netrc`, bounded in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from requests.auth import HTTPBasicAuth

from reconciler.client.calls import Call
from reconciler.client.credentials import Anonymous, is_plain_url, is_safe_url
from reconciler.client.exceptions import BaseHttpException
from reconciler.client.retrying import RetryPolicy
from reconciler.client.transport import Transport
from reconciler.errors import InvalidParameterException, ReconcilerError
from reconciler.secrecy import Redactor

if TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

    from reconciler.client.responses import Tick

_TIMEOUT: Final = (5.0, 10.0)
POLICY: Final = RetryPolicy(tries=4, deadline=10.0, retry_for=0.0, backoff=0.5, longest_backoff=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post(Call[None]):
    """A POST that may be repeated: a message that arrives twice is better than one that never arrives.

    Attributes:
        name: The receiver's name in messages, in place of its address.
    """

    name: str

    @property
    def label(self) -> str:
        return self.name

    @property
    def path(self) -> str:
        return self.name

    @property
    def changes_nothing(self) -> bool:
        return True


class WebhookSender:
    """A sender of messages to one address.

    Args:
        name: The receiver's name in messages.
        url: The address. A user and a password in it become Basic authentication.
        public: Allow http to any host, unless the address has a password.
        policy: The limits of retries.

    Raises:
        InvalidParameterException: The address cannot be used. The error does not quote it.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        public: bool = False,
        policy: RetryPolicy = POLICY,
    ) -> None:
        self._name = name
        self._policy = policy
        if not is_plain_url(url):
            raise InvalidParameterException(f"{name}: invalid address: use a URL such as https://host/path")
        parts = urlsplit(url)
        if not is_safe_url(url) and (not public or parts.password is not None):
            raise InvalidParameterException(
                f"{name}: the address must be https: plain http is allowed only to loopback"
            )
        host = parts.netloc.rpartition("@")[2]
        self._url = urlunsplit(parts._replace(netloc=host, fragment=""))
        self._auth: AuthBase = Anonymous()
        self._public = public
        self._password = (parts.password, unquote(parts.password)) if parts.password else ()
        if parts.username is not None:
            self._auth = HTTPBasicAuth(unquote(parts.username), unquote(parts.password or ""))

    @property
    def url(self) -> str:
        """The address without user and password; still a secret."""
        return self._url

    def redactor(self) -> Redactor:
        """Return the redactor that hides the address and its parts."""
        parts = urlsplit(self._url)
        rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return Redactor.of({*self._password, *([] if self._public else [self._url, parts.path, rest])})

    def post(self, body: bytes, content_type: str = "application/json", url: str | None = None) -> None:
        """Post `body`, with retries, until the receiver answers with success.

        Args:
            body: The message.
            content_type: Its media type.
            url: An address below the sender's own, in place of it.

        Raises:
            ReconcilerError: The message was not delivered in time; the error does not quote the address.
        """
        call = _Post(
            name=self._name,
            method="POST",
            url=url or self._url,
            auth=self._auth,
            read=_nothing,
            body=body,
            content_type=content_type,
            deadline=self._policy.deadline,
        )
        transport = Transport(timeout=_TIMEOUT, pool_size=1, policy=self._policy, redactor=Redactor())
        try:
            transport.send(call)
        except BaseHttpException as error:
            raise ReconcilerError(f"{self._name} answered with status {error.status}") from None
        finally:
            transport.close()


def _nothing(_response: requests.Response, _tick: Tick) -> None:
    """Ignore the body of a successful answer."""
