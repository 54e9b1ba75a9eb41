"""Rules about names that must be plain or unique, and about addresses that must be valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from reconciler.findings import Severity
from reconciler.rules.rule import Problem, Rule, repeated
from reconciler.values import JsonObject, Path, as_list, as_object
from reconciler.workflow import Body, name_problem, plain_name

_EMAIL: Final = re.compile(r"[^@\s<>\",;]+@[^@\s<>\",;]+\.[^@\s<>\",;.]+")
_URL: Final = re.compile(r"https?://[^\s/?#]+([/?#]\S*)?", re.IGNORECASE)
_GIT_URL: Final = re.compile(r"(https?|ssh|git)://[^\s/?#]+(/\S*)?|[\w.-]+@[\w.-]+:\S+", re.IGNORECASE)


def _name_spelling(body: Body) -> Iterator[Problem]:
    name = body.raw.get("name")
    problem = name_problem(name) if isinstance(name, str) else ""
    if isinstance(name, str) and problem:
        plain = plain_name(name)
        write = f"write {plain!r}" if plain else "write a name"
        message = f"the name {problem}, which the platform may not keep; {write}"
        yield Problem(path=("name",), message=message)


def _watcher_key(watcher: JsonObject) -> str:
    for kind in ("webhook", "email"):
        if watcher.get(kind):
            return f"{kind} {as_object(watcher[kind]).get('name')}"
    return f"user {watcher.get('user')}"


def _duplicate_watcher(body: Body) -> Iterator[Problem]:
    for index, key in repeated(map(_watcher_key, body.watchers)):
        message = f"duplicate watcher {key!r}; merge the events into one"
        yield Problem(path=("watchers", index), message=message)


def _duplicate_tag(body: Body) -> Iterator[Problem]:
    for index, name in repeated(str(as_object(tag).get("name")) for tag in body.all_tags):
        yield Problem(path=("tags", index), message=f"duplicate tag {name!r}; remove one")


def _duplicate_secret(body: Body) -> Iterator[Problem]:
    for step, value in body.steps.items():
        for index, name in repeated(map(str, as_list(value.parameters.get("secrets")))):
            yield Problem(
                path=("steps", step, "parameters", "secrets", index),
                message=f"duplicate secret {name!r}; remove one",
            )


def _duplicate_header(body: Body) -> Iterator[Problem]:
    for step, value in body.steps_of_type("http").items():
        kinds = as_object(value.raw.get("headers"))
        named = [(kind, name) for kind in kinds for name in as_object(kinds[kind])]
        for index, _ in repeated(name.casefold() for _, name in named):
            kind, name = named[index]
            yield Problem(
                path=("steps", step, "headers", kind, name),
                at_key=True,
                message=f"duplicate header {name!r}: case has no meaning in the name of a header; remove one",
            )


def _email(body: Body) -> Iterator[Problem]:
    for index, watcher in enumerate(body.watchers):
        email = as_object(watcher.get("email"))
        for number, address in enumerate(as_list(as_object(email.get("recipients")).get("to"))):
            if not _EMAIL.fullmatch(str(address)):
                yield Problem(
                    path=("watchers", index, "email", "recipients", "to", number),
                    message=f"{str(address)!r} is not an email address",
                )


def _url(body: Body) -> Iterator[Problem]:
    for path, value, pattern, example in _addresses(body):
        if isinstance(value, str) and "{{" not in value and not pattern.fullmatch(value):
            # The part before an @ may be a password.
            secret = "@" in value
            message = f"{'this' if secret else repr(value)} is not a valid URL; example: {example}"
            yield Problem(path=path, message=message, secret=secret)


def _addresses(body: Body) -> Iterator[tuple[Path, object, re.Pattern[str], str]]:
    for index, watcher in enumerate(body.watchers):
        webhook = as_object(watcher.get("webhook"))
        yield ("watchers", index, "webhook", "url"), webhook.get("url"), _URL, "https://example.com/hook"
    for name, step in body.steps.items():
        url = step.repository.get("url")
        yield ("steps", name, "repository", "url"), url, _GIT_URL, "https://github.com/org/repository"
    for name, step in body.steps_of_type("http").items():
        yield ("steps", name, "url"), step.raw.get("url"), _URL, "https://example.com/call"
        url = step.auth.get("authUrl")
        yield ("steps", name, "auth", "authUrl"), url, _URL, "https://example.com/oauth"


RULES = (
    Rule(
        id="name-spelling",
        severity=Severity.ERROR,
        reason="If the platform keeps a name in another spelling, each run would create one more workflow.",
        good="name: daily forecast",
        bad="name: 'daily  forecast '",
        check=_name_spelling,
    ),
    Rule(
        id="duplicate-watcher",
        severity=Severity.WARNING,
        reason="Two watchers for the same address are usually a typo.",
        good="watchers: [{user: a@example.com, events: {fail: true, success: true}}]",
        bad="watchers: [{user: a@example.com, events: {fail: true}}, {user: a@example.com, "
        "events: {success: true}}]",
        check=_duplicate_watcher,
    ),
    Rule(
        id="duplicate-tag",
        severity=Severity.WARNING,
        reason="A tag is listed once.",
        good="tags: [{name: a}, {name: b}]",
        bad="tags: [{name: a}, {name: a}]",
        check=_duplicate_tag,
    ),
    Rule(
        id="duplicate-header",
        severity=Severity.WARNING,
        reason="Which of two values of one header is sent is not documented.",
        good="steps: {a: {type: http, method: get, url: 'https://x.org', headers: "
        "{absolute: {Accept: text/plain}}}}",
        bad="steps: {a: {type: http, method: get, url: 'https://x.org', headers: "
        "{absolute: {Accept: text/plain, accept: text/html}}}}",
        check=_duplicate_header,
    ),
    Rule(
        id="duplicate-secret",
        severity=Severity.WARNING,
        reason="A secret is listed once.",
        good="steps: {a: {parameters: {secrets: [A, B]}}}",
        bad="steps: {a: {parameters: {secrets: [A, A]}}}",
        check=_duplicate_secret,
    ),
    Rule(
        id="malformed-email",
        severity=Severity.WARNING,
        reason="A message to an invalid address reaches nobody.",
        good="watchers: [{email: {name: team, recipients: {to: [team@example.com]}}, events: {fail: true}}]",
        bad="watchers: [{email: {name: team, recipients: {to: [team.example.com]}}, events: {fail: true}}]",
        check=_email,
    ),
    Rule(
        id="malformed-url",
        severity=Severity.WARNING,
        reason="A request to an invalid URL fails.",
        good="steps: {a: {type: http, method: get, url: 'https://example.com'}}",
        bad="steps: {a: {type: http, method: get, url: example.com}}",
        check=_url,
    ),
)
