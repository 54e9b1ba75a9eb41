"""A fake of the comment APIs of GitHub and GitLab on loopback, which keeps comments and requests."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from loopback import loopback_server

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "made-up-host-token-0123456789"
BOT = "github-actions[bot]"
BOT_ID = 41

_GITHUB = re.compile(r"/repos/org/flows/issues/(?:(7)/comments|comments/(\d+))")
_GITLAB = re.compile(r"/api/v4/projects/12/merge_requests/7/notes(?:/(\d+))?")


@dataclass
class CodeHost:
    """A pull request and a merge request with the number 7, and one list of comments for both.

    Args:
        comments: The comments, as both APIs return them.
        asked: Method and path of each request.
        refuses: The status that every write gets, in place of being done.
    """

    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refuses: int | None = None
    url: str = ""

    def add_comment(self, body: str, login: str = BOT, user: int = BOT_ID) -> dict[str, Any]:
        """Add a comment by a user and return it."""
        comment = {
            "id": 100 + len(self.comments),
            "body": body,
            "user": {"login": login},
            "author": {"id": user},
        }
        self.comments.append(comment)
        return comment

    @property
    def bodies(self) -> list[str]:
        """The texts of the comments."""
        return [comment["body"] for comment in self.comments]

    @property
    def writes(self) -> list[str]:
        """The methods of the requests other than reads."""
        return [method for method, _ in self.asked if method != "GET"]

    def github(self, **changes: str) -> dict[str, str]:
        """Return the variables of GitHub Actions, in a run for the pull request."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.url,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "org/flows",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_RUN_ID": "5",
            "GITHUB_TOKEN": TOKEN,
            **changes,
        }

    def gitlab(self, **changes: str) -> dict[str, str]:
        """Return the variables of GitLab CI, in a run for the merge request."""
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_MERGE_REQUEST_PROJECT_ID": "12",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_JOB_URL": "https://gitlab.example/org/flows/-/jobs/5",
            "GITLAB_TOKEN": TOKEN,
            **changes,
        }


@contextmanager
def code_host() -> Iterator[CodeHost]:
    """Serve a code host on loopback for the duration of the block."""
    host = CodeHost()

    class Handler(_Handler):
        code_host = host

    with loopback_server(Handler) as host.url:
        yield host


class _Handler(BaseHTTPRequestHandler):
    code_host: CodeHost
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
        """Log nothing."""

    def do_GET(self) -> None:
        """Answer with a page of the comments, or with the user of the token."""
        path, _, query = self.path.partition("?")
        if not self._may(path):
            return
        if path == "/api/v4/user":
            self._answer(200, {"id": BOT_ID})
            return
        size, page = (int(re.findall(rf"\b{name}=(\d+)", query)[0]) for name in ("per_page", "page"))
        self._answer(200, self.code_host.comments[(page - 1) * size : page * size])

    def _write(self) -> None:
        path = self.path
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._may(path):
            return
        if self.code_host.refuses:
            self._answer(self.code_host.refuses, {"message": f"Resource not accessible {TOKEN}"})
            return
        found = _GITHUB.fullmatch(path) or _GITLAB.fullmatch(path)
        number = found and found[found.re.groups]
        if number:
            (comment,) = (item for item in self.code_host.comments if item["id"] == int(number))
            comment["body"] = sent["body"]
        else:
            comment = self.code_host.add_comment(sent["body"])
        self._answer(200 if number else 201, comment)

    do_POST = do_PATCH = do_PUT = _write  # noqa: N815 - http.server's

    def _may(self, path: str) -> bool:
        self.code_host.asked.append((self.command, path))
        known = path == "/api/v4/user" or _GITHUB.fullmatch(path) or _GITLAB.fullmatch(path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Bad credentials"})
        elif not known:
            self._answer(404, {"message": "Not Found"})
        else:
            return True
        return False

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
