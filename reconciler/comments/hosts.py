"""Code hosts: the comments of a GitHub pull request or a GitLab merge request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.client import expect_fields, expect_object
from reconciler.comments.host_api import HostApi
from reconciler.comments.sticky import Comment, Thread
from reconciler.errors import UsageError
from reconciler.values import JsonObject, as_object

GITHUB_AUTHOR: Final = "github-actions[bot]"
"""The login behind the token that GitHub gives to every job."""

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_PULL: Final = re.compile(r"refs/pull/([0-9]{1,10})/merge")
_NUMBER: Final = re.compile(r"[0-9]{1,15}")


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
        self._api = HostApi(
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
        self._api = HostApi(
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
