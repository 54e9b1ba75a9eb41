"""The comments of a pull request on GitHub, or a merge request on GitLab, as the CI's variables name it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.client.answers import expect_fields, expect_object
from reconciler.comments.api import Api
from reconciler.comments.keeping import Comment, Thread
from reconciler.errors import UsageError
from reconciler.values import JsonObject, as_object

GITHUB_AUTHOR: Final = "github-actions[bot]"
"""The user of the token that a workflow has by itself."""

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_PULL: Final = re.compile(r"refs/pull/([0-9]{1,10})/merge")
_NUMBER: Final = re.compile(r"[0-9]{1,15}")


def thread_of(env: Mapping[str, str], author: str | None = None) -> Thread:
    """Return the comments of the pull or merge request that the CI's variables name.

    Args:
        env: The variables.
        author: On GitHub, the user of the token; else that of a workflow's own.

    Raises:
        UsageError: They name none, or no token.
        InvalidParameterException: The address or the token cannot be used.
    """
    if env.get("GITLAB_CI"):
        return _GitLab(env)
    if env.get("GITHUB_ACTIONS"):
        return _GitHub(env, author or GITHUB_AUTHOR)
    raise UsageError(
        "comments are kept in GitHub Actions and in GitLab CI",
        hint="Neither GITHUB_ACTIONS nor GITLAB_CI is set.",
    )


def _variable(env: Mapping[str, str], name: str, pattern: re.Pattern[str] | None = None) -> str:
    value = env.get(name, "")
    if not value or (pattern is not None and not pattern.fullmatch(value)):
        raise UsageError(f"the variable {name} is not set, or not what it should be")
    return value


class _GitHub:
    limit = 65_536

    def __init__(self, env: Mapping[str, str], author: str) -> None:
        repository = _variable(env, "GITHUB_REPOSITORY", _REPOSITORY)
        number = _PULL.fullmatch(env.get("GITHUB_REF", ""))
        if number is None:
            raise UsageError("this run is for no pull request: GITHUB_REF is not refs/pull/N/merge")
        self._issues = f"/repos/{repository}/issues"
        self._pull = f"{self._issues}/{number[1]}/comments"
        self._author = author
        server, run = env.get("GITHUB_SERVER_URL", ""), env.get("GITHUB_RUN_ID", "")
        self.run = f"{server}/{repository}/actions/runs/{run}" if server and run else ""
        self._api = Api(
            "GitHub",
            env.get("GITHUB_API_URL") or "https://api.github.com",
            _variable(env, "GITHUB_TOKEN"),
            "The job needs the permission pull-requests: write, which a fork's pull request never has.",
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
        self.run = env.get("CI_JOB_URL", "")
        self._api = Api(
            "GitLab",
            _variable(env, "CI_API_V4_URL"),
            _variable(env, "GITLAB_TOKEN"),
            "GITLAB_TOKEN must be an access token with the scope api, of a user who may comment.",
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
