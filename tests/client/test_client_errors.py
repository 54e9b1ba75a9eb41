from __future__ import annotations

import ssl
import traceback
from typing import Any
from urllib.parse import quote

import pytest
import requests
import urllib3
from client_helpers import TOKEN, RawServer, Reply, client, http, one_try
from urllib3.exceptions import MaxRetryError, SSLError

from reconciler.client import Session, get_client
from reconciler.client import exceptions as exc
from reconciler.client.failures import Repeat, unanswered
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import (
    InvalidInputError,
    InvalidParameterException,
    ReconcilerError,
    UnexpectedAnswerError,
)

_STATUSES = {
    400: exc.BadRequestException,
    401: exc.UnauthorizedException,
    403: exc.ForbiddenException,
    404: exc.NotFoundException,
    409: exc.ConflictException,
    413: exc.PayloadTooLargeException,
    418: exc.BaseHttpException,
    422: exc.UnprocessableEntityException,
    429: exc.TooManyRequestsException,
    500: exc.InternalServerErrorException,
    501: exc.InternalServerErrorException,
    502: exc.InternalServerErrorException,
    503: exc.InternalServerErrorException,
    504: exc.InternalServerErrorException,
}


def _error(reply: Reply, token: str = TOKEN) -> exc.BaseHttpException:
    """Return what a describe raises that is answered so."""
    with RawServer(reply) as raw, Session(token, base_url=raw.url, env={}, retry=one_try()) as session:
        with pytest.raises(exc.BaseHttpException) as caught:
            get_client(session).describe_workflow(7)
        return caught.value


@pytest.mark.parametrize(("status", "kind"), _STATUSES.items())
def test_each_status_has_its_exception(status: int, kind: type[exc.BaseHttpException]) -> None:
    """Each status is raised as its documented class, with what was asked and what the server said."""
    with EmulatorServer(faults=[f"{status}"]) as server:
        workflows = client(server.url, retry=one_try())
        with workflows.session, pytest.raises(exc.BaseHttpException) as caught:
            workflows.describe_workflow(7)
    error = caught.value
    assert type(error) is kind
    assert error.status == status
    assert error.message.startswith(f"GET /workflows/api/v1/workflows/7 answered {status}")
    assert f"fault {status}" in error.message
    assert error.request_id
    assert f"(request id {error.request_id})" in error.message


def test_documented_family() -> None:
    """Every documented exception has one root, which is ours; a full queue is a bad request, too."""
    assert issubclass(exc.PeakBaseException, ReconcilerError)
    assert all(issubclass(kind, exc.PeakBaseException) for kind in _STATUSES.values())
    assert issubclass(exc.TooManyRequestsException, exc.BadRequestException)
    for kind in (
        InvalidParameterException,
        exc.InvalidPathException,
        exc.MissingEnvironmentVariableException,
    ):
        assert issubclass(kind, exc.PeakBaseException)
        assert issubclass(kind, InvalidInputError)
    assert exc.NotFoundException("words").status == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "why"}, "why"),
        ({"message": "why"}, "why"),
        ({"error": "why"}, "why"),
        ({"detail": "", "message": "why"}, "why"),
        ({"detail": [{"loc": ["name"], "msg": "required"}]}, '[{"loc":["name"],"msg":"required"}]'),
        ({"code": 7}, '{"code":7}'),
        (["a"], '["a"]'),
        ("text", "text"),
        (b"plain words\n", "plain words"),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_reason_of_the_server_is_in_the_message(body: object, said: str) -> None:
    """The server's reason is found in `detail`, `message` or `error`, else the whole is shown."""
    assert _error(http(400, body)).message == (
        f"GET /workflows/api/v1/workflows/7 answered 400 Bad Request: {said}"
    )


@pytest.mark.parametrize(
    "reply",
    [
        http(400),
        http(400, {}),
        http(400, b"<html>", Content_Type="text/html; charset=utf-8"),
        http(400, b"x" * 70_000),
        Reply(b"HTTP/1.1 400 X\r\nContent-Length: 50\r\n\r\nhalf", keep=False),
        http(400, b"x", Content_Encoding="br"),
    ],
    ids=["empty", "empty object", "html", "large", "cut off", "odd encoding"],
)
def test_a_reason_that_cannot_be_shown_is_left_out(reply: Reply) -> None:
    """Without a readable reason the message has the status alone."""
    assert _error(reply).message == "GET /workflows/api/v1/workflows/7 answered 400 Bad Request"


def test_a_reason_is_clipped_and_escaped() -> None:
    """A long reason is cut, and nothing in it can steer a terminal."""
    message = _error(http(400, {"detail": "\x1b[31m\u202e" + "x" * 1000})).message
    assert "\\x1b[31m\\u202exxx" in message
    assert message.endswith("…")
    assert len(message) < 400


@pytest.mark.parametrize("header", ["x-request-id", "X-Amzn-RequestId", "x-correlation-id"])
def test_request_id(header: str) -> None:
    """The server's id of the request is in the message, whichever header it comes in, escaped and clipped."""
    error = _error(http(404, {}, **{header: "id-\x9b" + "7" * 200}))
    assert "\\x9b777" in error.request_id
    assert len(error.request_id) == 100


def test_unauthorized_says_what_to_do() -> None:
    """A refused token comes with the variables that are read and how long keys live."""
    hint = _error(http(401)).hint
    assert "PEAK_AUTH_TOKEN or API_KEY" in hint
    assert "three months" in hint
    assert "administrator" in _error(http(403)).hint
    assert _error(http(404)).hint == ""


def test_an_unknown_status_is_shown_as_a_number() -> None:
    """A status without a name is in the message all the same."""
    assert _error(http(499)).message.endswith("answered 499")


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_redirects_are_never_followed(status: int) -> None:
    """A redirect is an error that says so; the other host hears nothing, least of all the token."""
    with RawServer(http(200, {"name": "x", "steps": {}})) as other:
        error = _error(http(status, b"", Location=f"{other.url}/stolen"))
        assert other.requests == []
    assert type(error) is exc.BaseHttpException
    assert f"{status}" in error.message
    assert "redirects are never followed" in error.message


@pytest.mark.parametrize("token", [TOKEN, f"Bearer {TOKEN}", "scheme a/b+c=d/e"])
@pytest.mark.parametrize("place", ["detail", "header", "text"])
def test_an_echoed_token_is_not_shown(token: str, place: str) -> None:
    """A server that echoes the token, also percent-encoded, gets it into no message and no traceback."""
    bare = token.rpartition(" ")[2]
    forms = [token, bare, quote(token, safe="")]
    echoed = "x" * 280 + " ".join(forms)
    if place == "header":
        error = _error(http(400, {}, X_Request_Id=" ".join(forms)), token)
    else:
        error = _error(http(400, {"detail": echoed} if place == "detail" else echoed.encode()), token)
    shown = "".join(traceback.format_exception(error)) + error.request_id + repr(error)
    assert not any(form in shown for form in forms)
    assert bare[:8] not in shown


def test_no_query_in_messages() -> None:
    """Messages have method and path; a query may hold what is nobody's business."""
    with RawServer(http(400)) as raw, client(raw.url).session as session:
        with pytest.raises(exc.BadRequestException) as caught:
            get_client(session).list_workflows(name="private", return_iterator=False)
        assert "private" in raw.requests[0].target
    assert "private" not in str(caught.value)


def test_may_have_taken_effect() -> None:
    """Lost and unreadable answers and 5xx may have taken effect; refusals and what was not sent have not."""
    lost: list[ReconcilerError] = [
        exc.AnswerLostError("x"),
        exc.UnreadableAnswerError("x"),
        exc.InternalServerErrorException("x"),
        exc.InternalServerErrorException("x", status=504),
    ]
    refused: list[ReconcilerError] = [
        exc.NotSentError("x"),
        exc.ReadOnlyError("x"),
        exc.ConflictException("x"),
        exc.TooManyRequestsException("x"),
        UnexpectedAnswerError("x"),
    ]
    assert all(map(exc.may_have_taken_effect, lost))
    assert not any(map(exc.may_have_taken_effect, refused))
    assert issubclass(exc.UnreadableAnswerError, UnexpectedAnswerError)


def test_an_untrusted_certificate() -> None:
    """A certificate that is not trusted is named as the cause, with what to do, and nothing was sent."""
    pool = urllib3.HTTPSConnectionPool("localhost")
    cause: Any = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")
    error = requests.exceptions.SSLError(MaxRetryError(pool, "/x?secret", reason=SSLError(cause)))
    failure = unanswered("GET /x", error, changes_nothing=True)
    assert isinstance(failure.error, exc.NotSentError)
    assert failure.repeat is Repeat.NEVER
    assert "not trusted (certificate verify failed" in failure.error.message
    assert "secret" not in failure.error.message
    assert "REQUESTS_CA_BUNDLE" in failure.error.hint


def test_what_nobody_foresaw_may_have_been_sent() -> None:
    """A failure that does not say when it struck may have struck after a write; its words are not shown."""
    failure = unanswered("POST /x", ValueError("secret"), changes_nothing=False)
    assert isinstance(failure.error, exc.AnswerLostError)
    assert failure.repeat is Repeat.READS
    assert failure.error.message == (
        "POST /x: the answer did not arrive (ValueError); the request may have taken effect"
    )
