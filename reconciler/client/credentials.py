"""Credentials: the token, the stage and the base URL of a session, and the hosts that may get the token.

The environment variables are those of the public client, plus `PEAK_API_URL`. Everything is checked before
any request; no message quotes a token, or a URL that may hold one.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from requests.auth import AuthBase

from reconciler.client.exceptions import MissingEnvironmentVariableException
from reconciler.errors import InvalidParameterException
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import PreparedRequest

STAGES: Final = ("prod", "dev", "latest", "test", "beta", "parvati")
TOKEN_VARIABLES: Final = ("PEAK_AUTH_TOKEN", "API_KEY")
_STAGE_VARIABLES: Final = ("PEAK__STAGE", "STAGE")
_URL_VARIABLE: Final = "PEAK_API_URL"
_LONGEST_TOKEN = 16_384
_KEY_ROUNDS: Final = 20_000
_BASE_URL = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?(?:/[a-z0-9._~/-]*)?", re.IGNORECASE
)

_PRINTABLE_URL = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without a space or a backslash: in anything else, two parsers may find two hosts."""


class Token(AuthBase):
    """The token, as `requests` authentication, so that no `~/.netrc` entry takes its place.

    It is sent in `Authorization` exactly as given: an API key, or `Bearer …`. Its `repr` does not show it.

    Raises:
        InvalidParameterException: The token cannot be sent in a header.
    """

    def __init__(self, value: str) -> None:
        if not value:
            raise InvalidParameterException("the token is empty")
        if not value.isprintable() or value != value.strip() or len(value) > _LONGEST_TOKEN:
            raise InvalidParameterException(
                "the token is not valid: remove white space around it and control characters; "
                f"at most {_LONGEST_TOKEN} characters are allowed"
            )
        try:
            value.encode("latin-1")
        except UnicodeEncodeError:
            # Without its cause, which quotes the token.
            raise InvalidParameterException(
                "the token has a character that is not allowed in a header: use Latin-1 characters only"
            ) from None
        self._value = value

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Add the token to a request."""
        r.headers["Authorization"] = self._value
        return r

    def __repr__(self) -> str:
        return "Token(…)"

    def derived_key(self, address: str) -> bytes:
        """Return a key that is made of this token and an address, and says nothing of either."""
        salt = f"peak-reconciler {address}".encode()
        return hashlib.pbkdf2_hmac("sha256", self._value.encode(), salt, _KEY_ROUNDS)

    def redactor(self) -> Redactor:
        """Return the redactor that hides this token, also without its scheme and percent-encoded."""
        bare = self._value.rpartition(" ")[2]
        return Redactor.of({self._value, bare, quote(self._value, safe=""), quote(bare, safe="")})


class Anonymous(AuthBase):
    """The absence of credentials, also of `~/.netrc` entries: for hosts that are not the API."""

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Return the request unchanged."""
        return r


def read_token(given: str | None, env: Mapping[str, str]) -> Token:
    """Return the given token, else that of `PEAK_AUTH_TOKEN`, else of `API_KEY` (public client).

    Raises:
        MissingEnvironmentVariableException: There is none; an empty variable counts as unset.
        InvalidParameterException: It cannot be sent in a header.
    """
    if given is not None:
        return Token(given)
    for name in TOKEN_VARIABLES:
        if env.get(name):
            return Token(env[name])
    raise MissingEnvironmentVariableException(
        "no token: set the environment variable PEAK_AUTH_TOKEN or API_KEY"
    )


def read_stage(given: str | None, env: Mapping[str, str]) -> str:
    """Return the given stage, else that of `PEAK__STAGE`, else that of `STAGE`, else `prod` (public client).

    Raises:
        InvalidParameterException: It is not one of the public client's stages.
    """
    found = given if given is not None else next(filter(None, map(env.get, _STAGE_VARIABLES)), "prod")
    if found not in STAGES:
        raise InvalidParameterException(
            f"unknown stage '{clip(printable(found), 60)}': use one of {', '.join(STAGES)}"
        )
    return found


def stage_url(stage: str, subdomain: str = "service") -> str:
    """Return the base URL of a stage: without a part for `prod`, with `dev` for `latest` (public client)."""
    part = {"prod": "", "latest": "dev."}.get(stage, f"{stage}.")
    return f"https://{subdomain}.{part}peak.ai"


def read_base_url(given: str | None, env: Mapping[str, str], variable: str = _URL_VARIABLE) -> str | None:
    """Return the given base URL, else that of `variable`, else `None` for the stage's.

    Raises:
        InvalidParameterException: It is neither plain https nor http to loopback: the token goes nowhere
            else.
    """
    found = given if given is not None else env.get(variable) or None
    if found is None:
        return None
    source = "base_url" if given is not None else variable
    if not _BASE_URL.fullmatch(found):
        raise InvalidParameterException(
            f"{source} is not a valid base URL: use https://host[:PORT][/PATH], without user or query"
        )
    if not is_safe_url(found):
        raise InvalidParameterException(
            f"{source} must be https: the token is sent over https only, or to localhost, 127.0.0.0/8 or ::1"
        )
    return found.rstrip("/")


def is_safe_url(url: str) -> bool:
    """Return whether a request to `url` stays private: a plain URL, with https or http to loopback."""
    return is_plain_url(url) and (urlsplit(url).scheme == "https" or is_loopback_http(url))


def is_plain_url(url: str) -> bool:
    """Return whether `url` is http or https, with a host on which all parsers agree."""
    if not _PRINTABLE_URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for a port out of range
    except ValueError:
        return False
    return bool(parts.hostname) and parts.scheme in {"http", "https"}


def is_loopback_http(url: str) -> bool:
    """Return whether `url` is plain http to `localhost`, 127.0.0.0/8 or ::1."""
    parts = urlsplit(url)
    return parts.scheme == "http" and _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Of IPv6 only ::1: Python versions differ on a mapped 127.0.0.0/8.
    return address.is_loopback if address.version == 4 else address == ipaddress.IPv6Address(1)  # noqa: PLR2004
