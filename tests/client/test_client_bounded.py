"""Answers that never end, sign-in pages, and proxies that refuse or have no address."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from client_helpers import BODY, TOKEN, FakeTime, RawServer, Reply, client, http, one_try
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.client import (
    AnswerLostError,
    NotSentError,
    RetryPolicy,
    Session,
    UnreadableAnswerError,
    WebhookSender,
    get_client,
)
from reconciler.errors import ReconcilerError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OK = b"HTTP/1.1 200 OK\r\n"
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in &amp; go\n on</title></head><body>secret</body></html>"

_DRIPS: dict[str, tuple[bytes, bytes]] = {
    "nothing": (b"", b""),
    "status line": (b"", b"HTTP/1.1 200 " + b"O" * 500),
    "headers": (_OK, b"X-A: b\r\n" * 200),
    "1xx": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 200),
    "body": (_OK + b"Content-Length: 5000\r\n\r\n", b" " * 5000),
    "chunk length": (_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 5000),
    "chunk": (_OK + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n", b" " * 5000),
    "trailer": (_OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 500),
    "error body": (b"HTTP/1.1 400 Bad\r\nContent-Length: 5000\r\n\r\n", b" " * 5000),
}


@contextmanager
def _dripping(at_once: bytes, then: bytes) -> Iterator[str]:
    """Return the address of a server that answers `at_once`, and then a byte now and then, without end."""
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        with closing(connection):
            try:
                connection.recv(65536)
                connection.sendall(at_once)
                for byte in then:
                    connection.sendall(bytes([byte]))
                    if over.wait(0.05):
                        return
                over.wait()
            except OSError:  # the client gave up
                return

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        over.set()


def _dripped(method: str, at_once: bytes, then: bytes) -> tuple[ReconcilerError, float]:
    """Return the error that a dripping answer ends in, and its seconds."""
    policy = RetryPolicy(deadline=0.6)
    start = time.monotonic()
    with (
        _dripping(at_once, then) as url,
        Session(TOKEN, base_url=url, env={}, retry=policy) as session,
        pytest.raises(ReconcilerError) as caught,
    ):
        session.request(method, "workflows", body=None if method == "GET" else BODY)
    return caught.value, time.monotonic() - start


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_deadline_covers_the_whole_answer(method: str) -> None:
    """An answer that arrives a byte at a time ends at the deadline, whichever part of it drips."""
    with ThreadPoolExecutor(len(_DRIPS)) as threads:
        ended = list(threads.map(lambda drip: _dripped(method, *drip), _DRIPS.values()))
    for part, (error, seconds) in zip(_DRIPS, ended, strict=True):
        assert seconds < 3, part
        if part != "error body":
            assert isinstance(error, AnswerLostError), part
            assert "timed out" in error.message, part
            assert ("may have taken effect" in error.message) == (method == "POST"), part


def test_the_deadline_covers_the_answer_of_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that drips its answer to CONNECT holds a request no longer than the deadline."""
    start = time.monotonic()
    with _dripping(b"", b"HTTP/1.1 200 " + b"O" * 500) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        with (
            Session(TOKEN, env={}, retry=RetryPolicy(deadline=0.6)) as session,
            pytest.raises(ReconcilerError),
        ):
            get_client(session).create_workflow(BODY)
    assert time.monotonic() - start < 3


def test_a_message_to_a_receiver_that_drips() -> None:
    """A notification is bounded like a request to the API."""
    start = time.monotonic()
    with _dripping(_OK, b"X-A: b\r\n" * 200) as url, pytest.raises(ReconcilerError):
        WebhookSender("receiver", url, policy=RetryPolicy(deadline=0.6)).post(b"{}")
    assert time.monotonic() - start < 3


def test_a_kept_connection_has_its_own_deadline() -> None:
    """A second request over the same connection is not bounded by what was left to the first."""
    with (
        RawServer(http(200, [])) as raw,
        Session(TOKEN, base_url=raw.url, env={}, retry=RetryPolicy(deadline=0.4)) as session,
    ):
        for _ in range(3):
            assert get_client(session).list_resources() == []
            time.sleep(0.25)
        assert raw.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        http(200, _PAGE, Content_Type="text/html; charset=utf-8"),
        http(200, _PAGE),
        http(200, b"\n\n" + _PAGE.lower(), Content_Type="application/json"),
    ],
    ids=["by type", "by looks", "with another type"],
)
def test_a_sign_in_page_is_named(fake_time: FakeTime, reply: Reply) -> None:
    """A page in place of JSON is called one, with its title and host; it is not requested again."""
    with RawServer(reply) as raw, client(raw.url, time_=fake_time).session as session:
        with pytest.raises(UnexpectedAnswerError) as caught:
            get_client(session).list_resources()
        host = raw.url.removeprefix("http://")
        assert (
            f"{host} answered with an HTML page titled 'sign in & go on'"
            in caught.value.message.lower().replace("html", "HTML")
        )
        assert "sign-in page" in caught.value.hint
        assert "secret" not in caught.value.message
        assert len(raw.requests) == 1
        with pytest.raises(UnreadableAnswerError, match="HTML page") as lost:
            get_client(session).create_workflow(BODY)
        assert "sign-in page" in lost.value.hint


@pytest.mark.parametrize(
    ("status", "tries", "hint"),
    [(403, 1, "NO_PROXY"), (407, 1, "USER:PASSWORD"), (400, 1, "NO_PROXY"), (502, 4, ""), (503, 4, "")],
)
def test_a_proxy_that_refuses(
    monkeypatch: pytest.MonkeyPatch, fake_time: FakeTime, status: int, tries: int, hint: str
) -> None:
    """A proxy's refusal names the proxy and its status, never the password; only a 5xx of it may pass."""
    with RawServer(http(status)) as proxy:
        where = proxy.url.removeprefix("http://")
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:s3cret@{where}")
        session = Session(TOKEN, env={}, retry=fake_time.policy)
        with session, pytest.raises(NotSentError) as caught:
            get_client(session).create_workflow(BODY)
        assert len(proxy.requests) == tries
    assert f"the proxy {where} refused the connection with status {status}" in caught.value.message
    assert hint in caught.value.hint
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"


def test_a_proxy_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not answer is named as the proxy."""
    with RawServer(http(200)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    session = Session(TOKEN, env={}, retry=one_try())
    where = proxy.url.removeprefix("http://")
    with session, pytest.raises(NotSentError, match=f"could be made to the proxy {where}") as caught:
        get_client(session).create_workflow(BODY)
    assert "HTTPS_PROXY" in caught.value.hint


_NO_HOST = [
    "http://user:s3cret@",
    "http://",
    "http:///",
    "http://:8080",
    "@",
    "://",
    "http://user@/x",
    "?",
    "#",
    "//",
]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("proxy", _NO_HOST)
def test_a_proxy_without_a_host(monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str) -> None:
    """An address without a host is refused with the variables to check, for the API and for a receiver."""
    monkeypatch.setenv(variable, proxy)
    session = Session(TOKEN, base_url="https://127.0.0.1:8", env={}, retry=one_try())
    with session, pytest.raises(NotSentError, match="nothing was sent") as caught:
        get_client(session).create_workflow(BODY)
    assert "HTTPS_PROXY" in caught.value.hint
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"
    with pytest.raises(ReconcilerError):
        WebhookSender("receiver", "https://127.0.0.1:8/x", policy=one_try()).post(b"")


_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)


@given(
    proxy=st.one_of(
        _TEXT, st.tuples(st.sampled_from(["http", "https", "socks5", "x"]), _TEXT).map("://".join)
    ),
    no_proxy=_TEXT,
)
@example(proxy="http://[", no_proxy="1.2.3.4/99,[::1")
@example(proxy="\udcff", no_proxy="\udcff")
@example(proxy="http://%zz@h", no_proxy="*")
def test_any_proxy_setting_is_an_error_of_ours(proxy: str, no_proxy: str) -> None:
    """Whatever the variables hold, a request ends in an error of the client, never in another exception."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.delenv(name.lower(), raising=False)
        patch.setenv("HTTPS_PROXY", proxy)
        patch.setenv("NO_PROXY", no_proxy)
        patch.setenv("REQUESTS_CA_BUNDLE", os.curdir)  # quicker to read than all that are trusted
        patch.setattr(socket, "getaddrinfo", _no_address)
        session = Session(TOKEN, base_url="https://127.0.0.1:8", env={}, retry=one_try())
        with session, pytest.raises(ReconcilerError):
            get_client(session).create_workflow(BODY)
    assert os.environ.get("HTTPS_PROXY") != proxy or not proxy


def _no_address(*_: Any, **__: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "no such host")
