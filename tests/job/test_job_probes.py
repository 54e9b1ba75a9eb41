"""Probes and metrics over HTTP."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ReconcilerError, UsageError
from reconciler.job.probes import STUCK_AFTER, Health, read_address, serve_probes

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time that was set."""
        return self.now


def _ask(url: str, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_ready_after_a_successful_run() -> None:
    """Before the first run has ended, and after one that failed, the job is not ready."""
    health = Health()
    with serve_probes(("127.0.0.1", 0), health, lambda: "a 1\n") as url:
        assert _ask(url, "/readyz") == (503, "the first run has not ended\n")
        health.run_ended(succeeded=None, next_in=10)
        assert _ask(url, "/readyz")[0] == 503
        health.run_ended(succeeded=True, next_in=10)
        assert _ask(url, "/readyz") == (200, "ok\n")
        health.run_ended(succeeded=None, next_in=10)
        assert _ask(url, "/readyz?verbose") == (200, "ok\n")
        health.run_ended(succeeded=False, next_in=10)
        assert _ask(url, "/readyz") == (503, "the last run failed\n")
        assert _ask(url, "/healthz") == (200, "ok\n")


def test_alive_while_something_happens() -> None:
    """A run in which nothing happens, and a next run that does not start, are problems."""
    clock = Clock()
    health = Health(clock)
    clock.now += STUCK_AFTER + 1
    assert health.liveness_problem() == "nothing happens in this run"
    health.beat()
    assert health.liveness_problem() == ""
    health.run_ended(succeeded=False, next_in=1000)
    clock.now += 1050
    health.beat()  # not in a run: does not count
    assert health.liveness_problem() == ""
    clock.now += 20
    assert health.liveness_problem() == "the next run is overdue"
    health.run_started()
    assert health.liveness_problem() == ""


def test_only_reading_is_served() -> None:
    """GET and HEAD on three paths; anything else is refused, and nothing of it is repeated."""
    with serve_probes(("127.0.0.1", 0), Health(), lambda: "a 1\n") as url:
        assert _ask(url, "/metrics") == (200, "a 1\n")
        assert _ask(url, "/metrics", "HEAD") == (200, "")
        assert _ask(url, "/metrics", "POST")[0] == 501
        status, text = _ask(url, "/%3Cscript%3E")
        assert status == 404
        assert "script" not in text


def test_no_more_than_a_few_connections_are_served(capfd: pytest.CaptureFixture[str]) -> None:
    """Idle connections beyond the bound are closed at once; the others do not hold the server up."""
    with serve_probes(("127.0.0.1", 0), Health(), lambda: "") as url:
        host, port = url.removeprefix("http://").split(":")
        idle = [socket.create_connection((host, int(port)), timeout=10) for _ in range(17)]
        assert idle[-1].recv(1) == b""
        for connection in idle:
            connection.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":9100", ("127.0.0.1", 9100)),
        ("0.0.0.0:9100", ("0.0.0.0", 9100)),  # noqa: S104 - what is parsed
        ("[::1]:80", ("::1", 80)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_an_address_without_a_host_is_loopback(text: str, address: tuple[str, int]) -> None:
    """Listening on all interfaces takes an explicit address."""
    assert read_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "9100", "host", "host:", "host:x", "host:65536", "::1:80", "h:٣", "h:-1"]
)
def test_an_invalid_address_is_a_usage_error(text: str) -> None:
    """The message says how an address is written."""
    with pytest.raises(UsageError, match="use HOST:PORT"):
        read_address(text)


@pytest.mark.parametrize("address", [("192.0.2.1", 0), ("no-such-host.invalid", 9100)])
def test_an_address_that_is_not_available_is_an_error(address: tuple[str, int]) -> None:
    """An address of another machine, or an unknown host, is an error with a message."""
    opening: Callable[[], object] = serve_probes(address, Health(), lambda: "").__enter__
    with pytest.raises(ReconcilerError, match="cannot listen on"):
        opening()
