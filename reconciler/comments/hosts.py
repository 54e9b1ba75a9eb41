"""Code hosts: the comments of a GitHub pull request or a GitLab merge request, over their APIs.

No redirect is followed, responses are bounded, and only reads are retried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from reconciler.client import (
    BaseHttpException,
    Call,
    ForbiddenException,
    InvalidParameterException,
    NotFoundException,
    Params,
    RetryPolicy,
    Token,
    Transport,
    UnauthorizedException,
    expect_fields,
    expect_object,
    expect_objects,
    is_safe_url,
    read_json,
)
from reconciler.comments.sticky import Comment, Thread
from reconciler.errors import ReconcilerError, UsageError
from reconciler.values import JsonObject, JsonValue, as_object

GITHUB_AUTHOR: Final = "github-actions[bot]"
"""The login behind the token that GitHub gives to every job."""

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_PULL: Final = re.compile(r"refs/pull/([0-9]{1,10})/merge")
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_TIMEOUT: Final = (10.0, 30.0)
_POLICY: Final = RetryPolicy(tries=4, deadline=60.0, retry_for=0.0)
_PAGE: Final = 100
_MOST_PAGES: Final = 100


def find_thread(env: Mapping[str, str], author: str | None = None) -> Thread:
    """Return the comments of the pull or merge request that the CI job runs for.

    Args:
        env: The environment variables.
        author: The login behind `GITHUB_TOKEN`; `None` for `GITHUB_AUTHOR`.

    Raises:
        UsageError: A variable is missing or invalid, or the job runs for no pull or merge request.
        InvalidParameterException: The URL of the API is not safe, or the token is not a header value.
    """
    if env.get("GITLAB_CI"):
        return _GitLab(env)
    if env.get("GITHUB_ACTIONS"):
        return _GitHub(env, author or GITHUB_AUTHOR)
    raise UsageError(
        "comment works in GitHub Actions and GitLab CI only",
        hint="Neither GITHUB_ACTIONS nor GITLAB_CI is set.",
    )


def _variable(env: Mapping[str, str], name: str, pattern: re.Pattern[str] | None = None) -> str:
    value = env.get(name, "")
    if not value or (pattern is not None and not pattern.fullmatch(value)):
        raise UsageError(f"the variable {name} is not set or not valid")
    return value


class _HostApi:
    """The API of a code host.

    Args:
        name: The name of the host for messages.
        url: The base URL of its API.
        token: The token, sent as a bearer.
        needs: The hint for a refusal: the permissions that the token needs.
        policy: The limits of retries.

    Raises:
        InvalidParameterException: The URL is not safe, or the token is not a header value.
    """

    def __init__(self, name: str, url: str, token: str, needs: str, policy: RetryPolicy = _POLICY) -> None:
        if not is_safe_url(url):
            raise InvalidParameterException(f"{name}: the API's URL must be https, or http to loopback")
        self._url = url.rstrip("/")
        self._auth = Token(f"Bearer {token}")
        self._needs = needs
        self._redactor = self._auth.redactor()
        self._deadline = policy.deadline
        self._transport = Transport(
            timeout=_TIMEOUT,
            pool_size=1,
            policy=policy,
            redactor=self._redactor,
        )

    def get(self, path: str, params: Params | None = None) -> JsonValue:
        """Return the JSON value at `path`.

        Raises:
            ReconcilerError: The request failed.
        """
        return self._send("GET", path, params=params)

    def pages(self, path: str) -> Iterator[JsonObject]:
        """Yield the objects of the list at `path`, from all its pages.

        Raises:
            ReconcilerError: A request failed, or the list is longer than 10,000.
        """
        for number in range(1, _MOST_PAGES + 1):
            page = expect_objects(self.get(path, {"per_page": _PAGE, "page": number}), f"GET {path}")
            yield from page
            if len(page) < _PAGE:
                return
        raise ReconcilerError(f"GET {path}: more than {_PAGE * _MOST_PAGES:,} comments")

    def write(self, method: str, path: str, value: JsonObject) -> None:
        """Send `value` to `path`, with the token removed from its texts.

        Raises:
            ReconcilerError: The request failed.
        """
        self._send(method, path, body=json.dumps(self._redactor.value(value)).encode())

    def _send(
        self, method: str, path: str, *, params: Params | None = None, body: bytes | None = None
    ) -> JsonValue:
        call = Call(
            method=method,
            url=self._url + path,
            auth=self._auth,
            read=partial(read_json, empty_ok=True),
            params=params,
            body=body,
            deadline=self._deadline,
        )
        try:
            return self._transport.send(call)
        except BaseHttpException as error:
            refused = isinstance(error, UnauthorizedException | ForbiddenException | NotFoundException)
            raise ReconcilerError(error.message, hint=self._needs if refused else "") from None


class _GitHub:
    limit = 65_536

    def __init__(self, env: Mapping[str, str], author: str) -> None:
        repository = _variable(env, "GITHUB_REPOSITORY", _REPOSITORY)
        number = _PULL.fullmatch(env.get("GITHUB_REF", ""))
        if number is None:
            raise UsageError("this job runs for no pull request: GITHUB_REF is not refs/pull/N/merge")
        self._issues = f"/repos/{repository}/issues"
        self._pull = f"{self._issues}/{number[1]}/comments"
        self._author = author
        server, run = env.get("GITHUB_SERVER_URL", ""), env.get("GITHUB_RUN_ID", "")
        self.job_url = f"{server}/{repository}/actions/runs/{run}" if server and run else ""
        self._api = _HostApi(
            "GitHub",
            env.get("GITHUB_API_URL") or "https://api.github.com",
            _variable(env, "GITHUB_TOKEN"),
            "Give the job the permission pull-requests: write. Pull requests from forks never have it.",
        )

    def ours(self) -> Iterator[Comment]:
        for item in self._api.pages(self._pull):
            if as_object(item.get("user")).get("login") == self._author:
                yield _comment(item)

    def add(self, body: str) -> None:
        self._api.write("POST", self._pull, {"body": body})

    def replace(self, comment: Comment, body: str) -> None:
        self._api.write("PATCH", f"{self._issues}/comments/{comment.id}", {"body": body})


class _GitLab:
    limit = 1_000_000

    def __init__(self, env: Mapping[str, str]) -> None:
        project = _variable(env, "CI_MERGE_REQUEST_PROJECT_ID", _NUMBER)
        number = _variable(env, "CI_MERGE_REQUEST_IID", _NUMBER)
        self._notes = f"/projects/{project}/merge_requests/{number}/notes"
        self.job_url = env.get("CI_JOB_URL", "")
        self._api = _HostApi(
            "GitLab",
            _variable(env, "CI_API_V4_URL"),
            _variable(env, "GITLAB_TOKEN"),
            "Set GITLAB_TOKEN to an access token with the scope api, of a user who may comment.",
        )

    def ours(self) -> Iterator[Comment]:
        user = expect_object(self._api.get("/user"), "GET /user").get("id")
        for item in self._api.pages(self._notes):
            if user is not None and as_object(item.get("author")).get("id") == user:
                yield _comment(item)

    def add(self, body: str) -> None:
        self._api.write("POST", self._notes, {"body": body})

    def replace(self, comment: Comment, body: str) -> None:
        self._api.write("PUT", f"{self._notes}/{comment.id}", {"body": body})


def _comment(item: JsonObject) -> Comment:
    known = expect_fields(item, {"id": (int,), "body": (str,)}, "a comment")
    return Comment(id=int(str(known["id"])), body=str(known["body"]))
