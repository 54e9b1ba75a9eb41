from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from client_helpers import BODY, TOKEN, RawServer, Reply, client, http

from reconciler.client import Session, Workflow, executions, get_client
from reconciler.client.exceptions import (
    AnswerLostError,
    BadRequestException,
    BaseHttpException,
    ForbiddenException,
    InvalidPathException,
    NotFoundException,
)
from reconciler.client.executions import default_name
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import InvalidParameterException, UnexpectedAnswerError

_PLAIN = http(200, {})
"""The tenant's metadata when it is no spoke."""


def _run(api: Workflow) -> tuple[int, str]:
    identity: Any = api.create_workflow(BODY)["id"]
    return identity, str(api.execute_workflow(identity)["executionId"])


def _save(*replies: Reply, path: str = "saved.log", step: str = "s") -> RawServer:
    """Save a log whose download is answered with `replies`; `URL` in an answer is the server's address."""
    with RawServer(_PLAIN, http(200, {"downloadUrl": "later"}), *replies) as raw:
        raw._replies = (_PLAIN, http(200, {"downloadUrl": f"{raw.url}/file?signature=abc"}), *replies)
        with client(raw.url).session as session:
            assert get_client(session).get_execution_logs(1, "e", step, save=True, file_name=path) == {}
    return raw


def _left_over() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_logs_page_by_page(server: EmulatorServer, api: Workflow) -> None:
    """The logs of a step are returned, and `next_token` asks for those that follow."""
    identity, execution = _run(api)
    first: Any = api.get_execution_logs(identity, execution, "load")
    assert first["stepRunStatus"] == "Success"
    assert any("echo load" in line["message"] for line in first["logs"])
    api.get_execution_logs(identity, execution, "load", first["nextToken"])
    assert dict(server.requests[-1].query) == {"stepName": "load", "nextToken": first["nextToken"]}


def test_logs_of_nothing(api: Workflow) -> None:
    """A step that is not there has no logs."""
    identity, execution = _run(api)
    with pytest.raises(NotFoundException):
        api.get_execution_logs(identity, execution, "nope")


def test_save_under_the_documented_name(server: EmulatorServer, api: Workflow) -> None:
    """Saved logs are in the documented file of the working directory, whole, and their owner's alone."""
    identity, execution = _run(api)
    assert api.get_execution_logs(identity, execution, "load", save=True) == {}
    saved = Path(f"workflow_execution_logs_{identity}_{execution}_load.log")
    assert "Running: echo load" in saved.read_text()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert "authorization" not in dict(server.requests[-1].headers)
    assert _left_over() == [saved.name]


def test_save_under_a_given_name(api: Workflow, tmp_path: Path) -> None:
    """A given name is taken as it is, and what was there is replaced."""
    identity, execution = _run(api)
    (tmp_path / "sub").mkdir()
    target = tmp_path / "sub" / "x.log"
    target.write_text("old")
    api.get_execution_logs(identity, execution, "load", None, True, str(target))
    assert "Running: echo load" in target.read_text()


@pytest.mark.parametrize("name", ["missing/x.log", ".", "a\0b"])
def test_a_file_that_cannot_be(api: Workflow, server: EmulatorServer, name: str) -> None:
    """A path that is no file in a directory that exists is refused before the logs are asked for."""
    identity, execution = _run(api)
    with pytest.raises(InvalidPathException, match="directory that exists"):
        api.get_execution_logs(identity, execution, "load", save=True, file_name=name)
    assert not server.requests[-1].path.endswith("/download")


def test_a_file_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that refuses is an invalid path, with its reason."""
    monkeypatch.setattr(os, "fdopen", _full)
    with pytest.raises(InvalidPathException, match="No space left"):
        _save(http(200, b"log"))


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_target_that_became_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found out only when the file is put in its place is an invalid path, too."""
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) != "saved.log")
    Path("saved.log").mkdir()
    with pytest.raises(InvalidPathException, match=r"saved\.log"):
        _save(http(200, b"log"))
    assert _left_over() == ["saved.log"]


@pytest.mark.parametrize("step", ["../../etc/passwd", "a/b", "\x00\n", "é" * 300, ".."])
def test_default_names_stay_in_the_directory(step: str) -> None:
    """No name leads elsewhere, and none is too long for a file system."""
    name = default_name(1, "../e", step)
    assert Path(name).name == name
    assert name.startswith("workflow_execution_logs_1_.._e_")
    assert len(name) <= 204
    assert name.isascii()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "ftp://x/y",
        "x",
        "",
        "//example.com/x",
        "https://exam\nple.com/",
        "https://example.com/a b",
        "https:///x",
        "https://h\\@evil/",
        "https://h:99999/",
    ],
)
def test_downloads_from_elsewhere(url: str) -> None:
    """A file comes over https only; http to loopback only where the API is there, too."""
    with Session(TOKEN, env={}) as session, pytest.raises(UnexpectedAnswerError, match="not https"):
        session.download(url, lambda _response, _tick: None)


@pytest.mark.parametrize("answer", [{}, {"downloadUrl": None}, {"downloadUrl": 1}, []])
def test_a_download_without_an_address(answer: object) -> None:
    """An answer without an address is unexpected."""
    with RawServer(_PLAIN, http(200, answer)) as raw:
        workflows = client(raw.url)
        with workflows.session, pytest.raises(UnexpectedAnswerError):
            workflows.get_execution_logs(1, "e", "s", save=True)


def test_downloads_carry_no_credentials() -> None:
    """The token goes to the API and not to where the file is."""
    raw = _save(http(200, b"log"))
    assert Path("saved.log").read_bytes() == b"log"
    assert [("authorization" in request.headers) for request in raw.requests] == [True, True, False]


def test_downloads_are_tried_again() -> None:
    """A download that broke off is started again, and only the whole is kept."""
    raw = _save(http(503), Reply(http(200, b"x" * 50_000).data[:9000], keep=False), http(200, b"whole"))
    assert Path("saved.log").read_bytes() == b"whole"
    assert len(raw.requests) == 5
    assert _left_over() == ["saved.log"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (http(403, b"<Error>"), ForbiddenException),
        (http(302, b"", Location="https://example.com"), BaseHttpException),
        (Reply(http(200, b"x" * 50).data[:-1], keep=False), UnexpectedAnswerError),
        (Reply(keep=False), AnswerLostError),
    ],
    ids=["refused", "redirected", "cut off", "silent"],
)
def test_downloads_that_fail_leave_nothing(reply: Reply, kind: type[Exception]) -> None:
    """A failed download leaves the old file as it was and no part of a new one; its query is not shown."""
    Path("saved.log").write_text("old")
    with pytest.raises(kind, match="GET /file") as caught:
        _save(reply)
    assert "signature" not in str(caught.value)
    assert Path("saved.log").read_text() == "old"
    assert _left_over() == ["saved.log"]


def test_downloads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log beyond the limit is refused, and nothing is left of it."""
    monkeypatch.setattr(executions, "MOST_LOG_BYTES", 10)
    with pytest.raises(UnexpectedAnswerError, match="larger than"):
        _save(http(200, b"x" * 11))
    assert _left_over() == []


def test_spoke_logs(fake_spoke: tuple[EmulatorServer, Workflow]) -> None:
    """The logs of a spoke tenant are asked for where and when the step ran, on the given base URL."""
    server, api = fake_spoke
    identity, execution = _run(api)
    answer: Any = api.get_execution_logs(identity, execution, "load", "f/00000001/s")
    assert "logs" in answer
    query = dict(server.requests[-1].query)
    assert server.requests[-1].path == "/spoke/api/v1/logs/workflow"
    assert query["logSource"] == f"{execution}.load"
    assert query["nextToken"] == "f/00000001/s"
    assert query["startTime"]
    assert query["endTime"]


def test_save_into_a_pipe() -> None:
    """What is no regular file is written to, and never replaced: a device must stay one."""
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        _save(http(200, b"log"), path="pipe")
        assert os.read(reader, 100) == b"log"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
    assert _left_over() == ["pipe"]


def test_spoke_logs_cannot_be_saved(fake_spoke: tuple[EmulatorServer, Workflow]) -> None:
    """Saving the logs of a spoke tenant is refused, as by the public client."""
    _, api = fake_spoke
    with pytest.raises(BadRequestException, match="spoke tenant"):
        api.get_execution_logs(1, "e", "s", save=True)


@pytest.fixture
def fake_spoke(server: EmulatorServer, api: Workflow) -> tuple[EmulatorServer, Workflow]:
    """Return an emulator of a spoke tenant, and its client."""
    server.profile = frozenset({"spoke"})
    return server, api


@pytest.mark.parametrize(
    ("steps", "query"),
    [
        ([], "logSource=&startTime=&endTime="),
        ([{"name": "s", "nodeId": "n", "startedAt": "1", "finishedAt": None}], "logSource=n&startTime=1"),
        ([{"name": "other", "nodeId": "n"}], "logSource=&startTime=&endTime="),
    ],
)
def test_spoke_logs_of_steps_that_did_not_end(steps: object, query: str) -> None:
    """A step that did not run has empty values, and one that still runs has no end (public client)."""
    metadata = http(200, {"spokeDetails": {"domain": "hub.example.com"}})
    with RawServer(metadata, http(200, {"steps": steps}), http(200, {"logs": []})) as raw:
        with client(raw.url).session as session:
            get_client(session).get_execution_logs(1, "e", "s")
        assert raw.requests[-1].target == f"/spoke/api/v1/logs/workflow?{query}"


def test_spoke_host() -> None:
    """Without a base URL, a spoke's logs are on `service.<first part of its domain>`."""
    with Session(TOKEN, "beta", env={}) as session:
        assert session._spoke_url("hub.example.com") == "https://service.hub.beta.peak.ai"
        for domain in ("", ".", "evil/.x", "a@b.c", "-a", "a" * 64, "x\n"):
            with pytest.raises(UnexpectedAnswerError, match="not a host name"):
                session._spoke_url(domain)


@pytest.mark.parametrize("details", [{}, {"domain": None}, {"domain": 5}, "text", []])
def test_odd_spoke_details(details: object) -> None:
    """Details without a domain still make a spoke; null ones do not."""
    with RawServer(http(200, {"spokeDetails": details})) as raw, client(raw.url).session as session:
        assert session.spoke_domain == ""
    with RawServer(http(200, {"spokeDetails": None})) as raw, client(raw.url).session as session:
        assert session.spoke_domain is None
    with RawServer(http(200, b"[1]")) as raw:
        session = client(raw.url).session
        with session, pytest.raises(UnexpectedAnswerError):
            _ = session.spoke_domain


def test_an_execution_cannot_lead_elsewhere(api: Workflow) -> None:
    """An execution's ID that is dots is refused."""
    with pytest.raises(InvalidParameterException):
        api.get_execution_logs(1, "..", "load")
