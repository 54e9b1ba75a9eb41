"""Posting to an address outside the API: a webhook, a Pushgateway. Without the token, ever.

The address is taken as a secret, since webhooks have theirs in it: nothing here shows it, nor what the other
side says, which may repeat it. What the API's own requests keep to holds here too: no redirects, proxies
honoured, no `~/.netrc`, bounded in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from requests.auth import HTTPBasicAuth

from reconciler.client.calls import Call, Clock, RetryPolicy
from reconciler.client.credentials import Anonymous, is_plain_url, is_safe_url
from reconciler.client.exceptions import BaseHttpException, InvalidParameterException
from reconciler.client.transport import Transport
from reconciler.errors import ReconcilerError
from reconciler.secrecy import Redactor

if TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

    from reconciler.client.answers import Tick

_TIMEOUT: Final = (5.0, 10.0)
_POLICY: Final = RetryPolicy(tries=4, deadline=10.0, backoff=0.5, longest_backoff=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post(Call[None]):
    """A request that may be repeated: a message that comes twice is better than one that does not come.

    Attributes:
        name: What it is called in messages, in place of its address.
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
    """Posts to one address.

    Args:
        name: What it is called in messages.
        url: The address. A user and a password in it become Basic authentication.
        public: Whether what is posted there may also go unencrypted, unless the address has a password.
        policy: How often and how long a post is tried.
        clock: Time and chance, for tests.

    Raises:
        InvalidParameterException: The address cannot be used. It is not quoted.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        public: bool = False,
        policy: RetryPolicy = _POLICY,
        clock: Clock | None = None,
    ) -> None:
        self._name = name
        self._policy = policy
        self._clock = clock or Clock()
        if not is_plain_url(url):
            raise InvalidParameterException(f"{name}: its address is not a URL, such as https://host/path")
        parts = urlsplit(url)
        if not is_safe_url(url) and (not public or parts.password is not None):
            raise InvalidParameterException(
                f"{name}: its address is http to a host that is not loopback; it must be https"
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
        """The address without user and password: a secret all the same."""
        return self._url

    def redactor(self) -> Redactor:
        """Return what removes the address, and what it is made of, from text that is about to be shown."""
        parts = urlsplit(self._url)
        rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return Redactor.of({*self._password, *([] if self._public else [self._url, parts.path, rest])})

    def post(self, body: bytes, content_type: str = "application/json", url: str | None = None) -> None:
        """Post `body`, several times if it must be, until the other side says that it has it.

        Args:
            body: The bytes.
            content_type: What they are.
            url: An address below the poster's own, in place of it.

        Raises:
            ReconcilerError: It did not get there in time; the address is not in its text.
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
        transport = Transport(
            timeout=_TIMEOUT, pool_size=1, policy=self._policy, clock=self._clock, redactor=Redactor()
        )
        try:
            transport.send(call)
        except BaseHttpException as error:
            raise ReconcilerError(f"{self._name} answered with status {error.status}") from None
        finally:
            transport.close()


def _nothing(_response: requests.Response, _tick: Tick) -> None:
    """Read nothing of an answer that says success."""
