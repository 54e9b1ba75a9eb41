"""Credential patterns: the kind of credential that a text contains (tokens, keys, passwords in URLs).

The patterns of tokens are detect-secrets'. It is loaded only for a text with the beginning of a token, and
gets only the text around that beginning, since some of its patterns take quadratic time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import islice
from typing import Final, Protocol

_URL_PASSWORD: Final = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s/:@{}]{1,200}:([^\s/@{}]{1,200})@", re.IGNORECASE
)
_NAME_AND_PASSWORD: Final = re.compile(r"[^\s/:@{}]{1,200}:[^\s/@{}]{1,200}@")
"""What follows the `://` there."""

_NO_PASSWORD: Final = re.compile(r"\$\{?\w+\}?|<[^<>]*>|[*x]+", re.IGNORECASE)
"""Placeholders for a password in examples."""

_LONG_WORD: Final = re.compile(r"[A-Za-z0-9_/+-]{16}|PRIVATE KEY")
"""A part of every token: most texts fail this first, cheap test."""

_BEGINNING: Final = (
    r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}"
    r"|(?:AKC|AP[0-9A-F])(?=(?:[A-Za-z]{0,40}[0-9]){2})[A-Za-z0-9]{20}"
    r"|(?:AC|SK)[0-9a-f]{32}(?![A-Za-z0-9])"
    r"|AccountKey="
    r"|[aA][wW][sS].{0,20}?(?i:key|pw|pass|token).{0,20}?['\"][0-9A-Za-z/+]{40}"
    r"|[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}"
    r"|gh[pousr]_[A-Za-z0-9]|github_pat_"
    r"|gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[A-Za-z0-9_-]{20}|GR1348941"
    r"|eyJ[A-Za-z0-9_=-]{8}"
    r"|-us[0-9](?<=[0-9a-z]{32}-us[0-9])"
    r"|:_authToken=|npm_[A-Za-z0-9]{36}"
    r"|T3BlbkFJ"
    r"|BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY|PuTTY-User-Key-File-2"
    r"|pypi-AgE"
    r"|SG\.[A-Za-z0-9_-]{22}\."
    r"|[xX][oO][xX][a-zA-Z]-[0-9]|(?i:hooks\.slack\.com/services/T)"
    r"|sq0csp-"
    r"|[rs]k_live_"
    r"|(?<![0-9])[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"
)
_BEFORE, _AFTER = 300, 2000
_MOST_PLACES: Final = 3
"""The most beginnings of tokens that are checked in one text."""

_OUR_PATTERNS: Final = (
    ("GitHub Token", re.compile(r"github_pat_[A-Za-z0-9_]{36}")),
    ("NPM tokens", re.compile(r"(?<![A-Za-z0-9_])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9_])")),
)
"""Tokens that detect-secrets has no pattern for yet."""

_PLUGINS: Final = (
    "aws.AWSKeyDetector",
    "artifactory.ArtifactoryDetector",
    "azure_storage_key.AzureStorageKeyDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "jwt.JwtTokenDetector",
    "mailchimp.MailchimpDetector",
    "npm.NpmDetector",
    "openai.OpenAIDetector",
    "private_key.PrivateKeyDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector",
    "twilio.TwilioKeyDetector",
)


class _Plugin(Protocol):
    secret_type: str

    def analyze_string(self, string: str) -> Iterator[str]: ...


@cache
def _beginning() -> re.Pattern[str]:
    return re.compile(_BEGINNING)


@cache
def _plugins() -> tuple[_Plugin, ...]:
    import importlib  # noqa: PLC0415 - loads much

    found = []
    for name in _PLUGINS:
        module, _, kind = name.partition(".")
        found.append(getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), kind)())
    return tuple(found)


_RANDOM_WORD: Final = re.compile(r"[A-Za-z0-9+/=]{20,}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CLASS_CHANGE: Final = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_MOST_CHANGES_IN_A_NAME: Final = 2
"""How often letters and digits follow each other in a word that a person chose: `forecast2024prod`."""


def looks_random(text: str) -> bool:
    """Return whether `text` has a word that nobody chose as a name: a UUID, or long and mixed with digits."""
    return _UUID.search(text) is not None or any(
        len(_CLASS_CHANGE.findall(word)) > _MOST_CHANGES_IN_A_NAME for word in _RANDOM_WORD.findall(text)
    )


LONGEST_REMEMBERED: Final = 64
TEXTS_REMEMBERED: Final = 8192
"""The short texts for which the answer is kept, and how many: the keys and values of manifests recur."""


def may_hold_credential(text: str) -> bool:
    """Return whether `credential_kind` is worth calling for `text`: cheap, and seldom true."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _may_hold_credential(text)


def _may_hold_credential(text: str) -> bool:
    if _may_hold_password(text) and _URL_PASSWORD.search(text):
        return True
    return _LONG_WORD.search(text) is not None and _beginning().search(text) is not None


_remembered = lru_cache(TEXTS_REMEMBERED)(_may_hold_credential)


def _may_hold_password(text: str) -> bool:
    """Return whether a name and a password follow a `://` of `text`: the search for a whole URL is slow."""
    at = text.find("://")
    while at >= 0:
        if _NAME_AND_PASSWORD.match(text, at + 3):
            return True
        at = text.find("://", at + 3)
    return False


def credential_kind(text: str) -> str:
    """Return the kind of the first credential in `text` ("AWS Access Key"); empty when there is none."""
    if not may_hold_credential(text):
        return ""
    if any(not _NO_PASSWORD.fullmatch(match[1]) for match in islice(_URL_PASSWORD.finditer(text), 50)):
        return "URL with a password"
    for match in islice(_beginning().finditer(text), _MOST_PLACES):
        kind = _kind(text[max(0, match.start() - _BEFORE) : match.end() + _AFTER])
        if kind:
            return kind
    return ""


def _kind(text: str) -> str:
    for kind, pattern in _OUR_PATTERNS:
        if pattern.search(text):
            return kind
    kinds = (plugin.secret_type for plugin in _plugins() if any(True for _ in plugin.analyze_string(text)))
    return next(kinds, "")
