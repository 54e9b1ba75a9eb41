"""The rule about credentials written out where a name, or `!env`, belongs.

Patterns of tokens are detect-secrets'; it is loaded only when a value looks at all like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, Protocol

from reconciler.findings import Severity
from reconciler.rules.model import Problem, Rule, steps_of
from reconciler.values import JsonObject, JsonValue, Path, as_object

_URL_PASSWORD: Final = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s/:@{}]{1,200}:([^\s/@{}]{1,200})@", re.IGNORECASE
)
_SUSPICIOUS: Final = re.compile(
    r"-----BEGIN|[A-Z0-9]{20}|(?:[A-Za-z_-]{0,64}[0-9]){2}[A-Za-z0-9_+/=.-]{12,}|[A-Za-z0-9]{3,10}[_-][A-Za-z0-9_-]{16,}"
)
_NO_NAME: Final = re.compile(r"\$\{?\w+\}?|\{\{.*\}\}|[*x<>]+", re.IGNORECASE)
_SHORTEST: Final = 12
"""No credential that a pattern knows is shorter."""

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
_SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"})


class _Plugin(Protocol):
    secret_type: str

    def analyze_string(self, string: str) -> Iterator[str]: ...


@cache
def _plugins() -> tuple[_Plugin, ...]:
    import importlib  # noqa: PLC0415 - together with what it loads

    found = []
    for name in _PLUGINS:
        module, _, kind = name.partition(".")
        found.append(getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), kind)())
    return tuple(found)


def looks_like(text: str) -> str:
    """Return what kind of credential stands in `text`, or nothing; the credential itself is not returned."""
    if len(text) < _SHORTEST:
        return ""
    match = _URL_PASSWORD.search(text) if "://" in text else None
    if match and not _NO_NAME.fullmatch(match.group(1)):
        return "URL with a password"
    if _SUSPICIOUS.search(text) is None:
        return ""
    kinds = (plugin.secret_type for plugin in _plugins() if any(True for _ in plugin.analyze_string(text)))
    return next(kinds, "")


def _literal(body: JsonObject) -> Iterator[Problem]:
    for path, text in _texts(body, ()):
        kind = looks_like(text)
        if kind:
            yield Problem(
                path=path,
                message=f"this looks like a literal credential ({kind}); keep it in a "
                f"secret of the platform and "
                "give its name, or take it from the environment with !env",
            )


def _texts(value: JsonValue, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _header(body: JsonObject) -> Iterator[Problem]:
    for step, value in steps_of(body):
        for name, text in as_object(as_object(value.get("headers")).get("absolute")).items():
            if name.lower() in _SECRET_HEADERS and "{{" not in str(text):
                yield Problem(
                    path=("steps", step, "headers", "absolute", name),
                    message=f"the header {name!r} carries a credential; name its secret "
                    f"under headers.secrets",
                )


RULES = (
    Rule(
        id="literal-credential",
        severity=Severity.WARNING,
        reason="What stands in Git is known to everyone who reads it.",
        good="steps: {a: {repository: {url: 'https://github.com/org/x', branch: main, "
        "token: name-of-a-credential}}}",
        bad="steps: {a: {repository: {url: 'https://me:pass-word-1@github.com/org/x', branch: main}}}",
        check=_literal,
    ),
    Rule(
        id="literal-header",
        severity=Severity.WARNING,
        reason="A credential in a header belongs into a secret.",
        good="steps: {a: {type: http, method: get, url: 'https://x.org', headers: "
        "{secrets: {Authorization: NAME}}}}",
        bad="steps: {a: {type: http, method: get, url: 'https://x.org', headers: "
        "{absolute: {Authorization: Basic abc}}}}",
        check=_header,
    ),
)
