"""`doctor` as a user types it: what works, what does not, and what to do; reads only, and no secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import TOKEN, Ended
from processes import inherited_environment, run_command

from reconciler.client import RequestRecord, Session, get_client
from reconciler.diagnosis import CheckState
from reconciler.operations.contract_check import check_contract
from reconciler.plan import list_tenant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.emulator.server import EmulatorServer

MANIFEST = "body: {name: daily, steps: {a: {imageId: 1, imageVersionId: 2, command: x}}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory, with a configuration and a manifest."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reconciler.yaml").write_text("manifests: [workflows]\n")
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "daily.yaml").write_text(MANIFEST)
    return tmp_path


def _checks(ended: Ended) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(ended.out)["checks"]}


@pytest.mark.usefixtures("folder")
def test_all_is_well(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Each part has a line; only GET is sent; the exit code is 0; what can be done is said."""
    server.store.create({"name": "daily", "triggers": [{"cron": "0 6 * * *"}], "steps": {"a": {"zz": 1}}})
    ended = typed("doctor")
    assert ended.code == 0, ended.err
    assert {request.method for request in server.requests} == {"GET"}
    checks = _checks(typed("doctor", "--format", "json"))
    assert {name: check["state"] for name, check in checks.items()} == {
        "configuration": "ok",
        "manifests": "ok",
        "address": "ok",  # not encrypted, but on this machine
        "clock": "warning",  # the time of these tests is long ago
        "token": "ok",
        "list": "ok",
        "workflows": "note",  # undocumented fields
        "schedules": "ok",
        "contract": "note",  # the same, and nothing was started yet
        "speed": "ok",
    }
    assert checks["workflows"]["text"] == "1 workflow described; steps.*.zz is undocumented, in 1"
    assert all(f"{name}  " in ended.out for name in checks)
    for name in checks.keys() - {"clock", "speed"}:  # these two measure, and each run has its own figures
        assert checks[name]["text"] in ended.out
    assert TOKEN not in ended.out + ended.err


@pytest.mark.usefixtures("folder")
def test_what_a_platform_does(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Names that are alike, a list without a total, and workflows that are not described are found."""
    server.profile = frozenset({"total-hidden", "page-count-short", "describe-refused=422"})
    for name, kind in (("daily", "standard"), ("Daily ", "standard"), ("other", "http")):
        server.store.create({"name": name, "steps": {"a": {"type": kind}}})
    checks = _checks(typed("doctor", "--format", "json"))
    assert checks["names"]["text"] == "2 workflows share a name, or nearly: ids 1, 2"
    assert "it does not say how many there are" in checks["list"]["text"]
    assert "its pageCount is 2 for 3 pages of one" in checks["list"]["text"]
    assert checks["describe"]["text"] == "the platform does not describe 1 workflow: ids 3"


def _contract(typed: Callable[..., Ended]) -> dict[str, Any]:
    return _checks(typed("doctor", "--format", "json"))["contract"]


def _start(server: EmulatorServer) -> None:
    """Create a workflow with much of what there is, and start it."""
    step = {"imageId": 1, "imageVersionId": 2, "command": "x", "parameters": {"env": {"A": "b"}}}
    body = {"name": "daily", "steps": {"a": step}, "triggers": [{"webhook": True}], "tags": [{"name": "t"}]}
    with Session(TOKEN, base_url=server.url, env={}) as session:
        get_client(session).execute_workflow(server.store.create(body))


@pytest.mark.usefixtures("folder")
def test_the_contract_of_the_public_client(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Every read of the public client is compared, with few requests, all of them GET."""
    _start(server)
    check = _contract(typed)
    assert (check["state"], check["text"]) == ("ok", "7 of 7 reads compared")
    server.clear_requests()
    records: list[RequestRecord] = []
    with Session(TOKEN, base_url=server.url, env={}, observe=records.append) as session:
        listed = list_tenant(get_client(session))
        records.clear()
        assert check_contract(session.as_read_only(), records, listed * 5).state is CheckState.GOOD
    assert {record.method for record in records} == {"GET"}
    assert len(records) <= 10


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("profile", "fault", "text"),
    [
        ("total-hidden", "", "list_workflows: workflowsCount is missing"),
        ("env-map", "", "describe_workflow: steps.*.parameters.env is an object, not a list"),
        ("tags-strings", "", "describe_workflow: the items of tags are no objects"),
        ("tags-hidden", "", "describe_workflow: tags is missing"),
        ("", "404@GET/workflows/api/v1/resources", "GET /workflows/api/v1/resources answers 404"),
    ],
)
def test_what_differs_from_the_contract(
    server: EmulatorServer, typed: Callable[..., Ended], profile: str, fault: str, text: str
) -> None:
    """A missing field, one of another type, a list without its total and a path that is gone are named."""
    _start(server)
    server.profile = frozenset({profile} - {""})
    server.faults = (fault,) if fault else ()
    check = _contract(typed)
    assert check["state"] == "warning"
    assert text in check["text"]
    assert check["advice"]


@pytest.mark.usefixtures("folder")
def test_what_the_contract_does_not_have(server: EmulatorServer, typed: Callable[..., Ended]) -> None:
    """Undocumented fields are named, and what there was nothing to compare with; neither is a warning."""
    server.profile = frozenset({"unknown-fields"})
    server.store.create({"name": "daily", "steps": {"a": {"command": "x"}}})
    check = _contract(typed)
    assert check["state"] == "note"
    assert "undocumented in list_workflows: workflows[].futureMode; " in check["text"]
    assert "undocumented in describe_workflow: steps.*." in check["text"]
    missing = "not compared: list_executions, get_execution_details, get_execution_logs"
    assert check["text"].endswith(f"{missing} (no workflow has an execution)")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("fault", "name", "text"),
    [
        ("401@GET", "token", "answered 401"),
        ("403@GET", "token", "answered 403"),
        ("403@GET/image-management*", "images", "refused with 403"),
        ("html@GET", "connection", "an HTML page"),
    ],
)
def test_what_does_not_work(
    server: EmulatorServer, typed: Callable[..., Ended], fault: str, name: str, text: str
) -> None:
    """A refused token, a part that is not allowed and a page of a proxy are named, with what to do."""
    server.faults = [fault]
    checks = _checks(typed("doctor", "--format", "json"))
    assert text in checks[name]["text"]
    assert checks[name]["state"] in {"failed", "warning"}
    assert checks[name]["advice"]


def test_no_configuration_and_no_token(
    typed: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a token the rest is still checked, and the command fails."""
    monkeypatch.chdir(tmp_path)
    ended = typed("doctor", "--format", "json", PEAK_AUTH_TOKEN="")
    checks = _checks(ended)
    assert ended.code == 1
    assert checks["configuration"]["advice"] == "peak-reconciler init writes one."
    assert "no token" in checks["connection"]["text"]


def test_an_invalid_manifest(folder: Path, typed: Callable[..., Ended]) -> None:
    """Errors of manifests are counted, and fail the diagnosis."""
    (folder / "workflows" / "daily.yaml").write_text("body: {name: 7}\n")
    ended = typed("doctor", "--format", "json")
    assert ended.code == 1
    assert _checks(ended)["manifests"]["state"] == "failed"


def test_credentials_of_a_proxy(tmp_path: Path) -> None:
    """The address of a proxy is shown without its credentials."""
    env = {
        **inherited_environment(),
        "PEAK_AUTH_TOKEN": TOKEN,
        "PEAK_API_URL": "https://service.example.invalid",
        "HTTPS_PROXY": "http://ann:pass-word@127.0.0.1:9",
    }
    ended = run_command(["doctor", "--retry-for", "0"], env=env, cwd=tmp_path, sleeps=False)
    assert ended.returncode == 1
    assert "through the proxy http://127.0.0.1:9" in ended.stdout
    assert "pass-word" not in ended.stdout + ended.stderr
