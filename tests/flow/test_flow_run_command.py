"""`run` as a user or a pipeline types it: which workflow, with which parameters, and how waiting ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import TOKEN, FakeTime, body, step
from processes import forked_command, inherited_environment, run_command

from reconciler.emulator import emulated_executions as executions
from reconciler.emulator.server import EmulatorServer
from reconciler.emulator.state import HttpError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.emulator.state import Execution
    from reconciler.values import JsonObject

CHAIN = {"load": step(), "train": step(parents=["load"])}
SECRET = "canary-5f1c"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    """Return a running emulator whose steps take a second, and where a look at a run takes half of one."""
    clock, whole = FakeTime(), executions.details

    def details(run: Execution, now: float) -> JsonObject:
        clock.sleep(0.6)
        return whole(run, now)

    monkeypatch.setattr(executions, "details", details)
    with EmulatorServer(clock=clock, step_seconds=1) as running:
        yield running


def _env(server: EmulatorServer, **env: str) -> dict[str, str]:
    return {**inherited_environment(), "PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": TOKEN, **env}


def _run(
    server: EmulatorServer, *words: str | Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process in which sleeping takes no time."""
    return run_command(["run", *words], env=_env(server), cwd=cwd, sleeps=False)


def _started(server: EmulatorServer) -> list[Any]:
    """Return the bodies of the starts that the server saw."""
    return [request.body for request in server.requests if request.method == "POST"]


def test_text(server: EmulatorServer) -> None:
    """Standard output is the execution id and nothing else; the workflow is found by its whole name."""
    for number in range(120):
        server.store.create(body(f"flow-{number:03}"))
    flow = server.store.create(body("flow"))
    ended = _run(server, "flow")
    (run,) = server.store.executions(flow)
    assert (ended.returncode, ended.stdout) == (0, f"{run.id}\n")
    assert ended.stderr == f"follow it: peak-reconciler executions flow {run.id} --follow\n"


def test_json(server: EmulatorServer) -> None:
    """The JSON of a run has the documented keys; what nobody looked at is null."""
    flow = server.store.create(body("flow"))
    ended = _run(server, "--id", str(flow), "--format", "json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == {
        "format_version": 1,
        "workflow": {"id": flow, "name": "flow"},
        "execution_id": server.store.executions(flow)[0].id,
        "status": None,
        "started_at": None,
        "finished_at": None,
        "steps": None,
        "notes": [],
    }


def test_wait(server: EmulatorServer) -> None:
    """Waiting shows the steps' progress on standard error, and exits with 0 for Success."""
    flow = server.store.create(body("flow", steps=CHAIN))
    ended = _run(server, "flow", "--wait")
    run = server.store.executions(flow)[0].id
    assert (ended.returncode, ended.stdout) == (0, f"{run}\n")
    lines = ended.stderr.splitlines()
    assert lines[-1] == f"flow: execution {run} ended: Success"
    assert [line for line in lines if line.startswith("load: ")] == ["load: Running", "load: Success"]
    document = [line for line in lines if line.startswith("train: ")]
    assert document == ["train: Pending", "train: Running", "train: Success"]


def test_wait_json(server: EmulatorServer) -> None:
    """The JSON of a run that was waited for says how each step ended."""
    server.store.create(body("flow", steps=CHAIN))
    ended = _run(server, "flow", "--wait", "--format", "json")
    assert ended.returncode == 0
    document = json.loads(ended.stdout)
    assert document["status"] == "Success"
    assert [(each["name"], each["status"]) for each in document["steps"]] == [
        ("load", "Success"),
        ("train", "Success"),
    ]
    assert all(each["started_at"] < each["finished_at"] for each in document["steps"])


@pytest.mark.parametrize("form", ["text", "json"])
def test_failure(server: EmulatorServer, form: str) -> None:
    """A run that fails exits with 1, and the step that failed is named."""
    server.store.create(body("flow", steps={**CHAIN, "load": step("exit 3")}))
    ended = _run(server, "flow", "--wait", "--format", form)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith("ended: Failed; failed steps: load")
    if form == "json":
        assert json.loads(ended.stdout)["status"] == "Failed"


@pytest.mark.parametrize("form", ["text", "json"])
def test_timeout(form: str) -> None:
    """An execution that does not end in time exits with 1, continues, and its id is printed all the same."""
    with EmulatorServer(step_seconds=3600) as server:
        flow = server.store.create(body("flow"))
        ended = _run(server, "flow", "--wait", "--timeout", "0", "--format", form)
        run = server.store.executions(flow)[0].id
    assert ended.returncode == 1
    assert f"The execution {run} continues" in ended.stderr
    assert "--timeout" in ended.stderr
    if form == "text":
        assert ended.stdout == f"{run}\n"
    else:
        document = json.loads(ended.stdout)
        assert (document["execution_id"], document["status"]) == (run, "Running")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt(number: signal.Signals) -> None:
    """An interrupt ends the waiting with 130, and not the run."""
    with EmulatorServer(step_seconds=3600) as server:
        flow = server.store.create(body("flow"))
        command = [*forked_command(), "run", "flow", "--wait"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_env(server)
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "one: Running\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        command = f"peak-reconciler executions flow {out.strip()} --follow"
        assert f"the execution {out.strip()} continues; to follow it:\n  {command}\n" in err
        assert server.store.status(server.store.get(flow)) == "Running"


def test_an_interrupt_of_the_start() -> None:
    """An interrupt before the answer has come says that the run may be there."""
    with EmulatorServer(faults=("latency:60s@POST",)) as server:
        flow = server.store.create(body("flow"))
        runs = f"/workflows/api/v1/workflows/executions/{flow}"
        with subprocess.Popen(
            [*forked_command(), "run", "flow"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_env(server),
        ) as process:
            while not any(request.path == runs for request in server.requests):
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, "")
        assert "check the executions of the workflow before starting it again" in err


def test_follow(server: EmulatorServer) -> None:
    """In a pipe each change of a step is a line with its time; Success ends with 0."""
    flow = server.store.create(body("flow", steps=CHAIN))
    ended = _run(server, "flow", "--follow")
    run = server.store.executions(flow)[0].id
    assert (ended.returncode, ended.stdout) == (0, f"{run}\n")
    *changes, end = ended.stderr.splitlines()
    assert end == f"flow: execution {run} ended: Success"
    assert all(re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ ", change) for change in changes)
    assert [change.partition(" ")[2] for change in changes if " train: " in change] == [
        "train: Pending",
        "train: Running",
        "train: Success",
    ]


def test_follow_a_failure(server: EmulatorServer) -> None:
    """The end of a failed step's log is shown, with the command for the rest, and the exit code is 1."""
    secret = {f"KEY{number}": SECRET for number in range(40)}
    flow = server.store.create(
        body("flow", steps={"load": step("exit 3", parameters={"env": secret}), "a\x1b[2J": step("exit 1")})
    )
    params = [word for number in range(40) for word in ("--param", f"KEY{number}={SECRET}")]
    ended = _run(server, "flow", "--follow", *params, "--format", "json")
    run = server.store.executions(flow)[0].id
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["status"] == "Failed"
    lines = ended.stderr.splitlines()
    assert lines[-1] == f"flow: execution {run} ended: Failed; failed steps: load, a\\x1b[2J"
    assert (
        f"the last 20 lines; 23 earlier ones:\n  peak-reconciler logs flow {run} --step load\n"
        in ended.stderr
    )
    assert "load | Step load finished with exit code 3" in lines
    assert sum(line.startswith("load | ") for line in lines) == 20
    assert SECRET not in ended.stderr
    assert "\x1b" not in ended.stderr


def test_follow_a_failure_whose_log_cannot_be_read(server: EmulatorServer) -> None:
    """The result is shown all the same."""
    server.store.create(body("flow", "exit 3"))
    server.faults = ("403@GET/workflows/api/v1/workflows/*/executions/*/logs",)
    ended = _run(server, "flow", "--follow")
    assert ended.returncode == 1
    assert "the log of the step one cannot be read: " in ended.stderr
    assert ended.stderr.splitlines()[-1].endswith("ended: Failed; failed steps: one")


def _executions(server: EmulatorServer, *words: str) -> subprocess.CompletedProcess[str]:
    return run_command(["executions", *words], env=_env(server), sleeps=False)


def test_follow_one_that_runs_already(server: EmulatorServer) -> None:
    """`executions --follow` continues where `run` was left: the same lines and exit code, only reads."""
    flow = server.store.create(body("flow", steps={**CHAIN, "train": step("exit 3", parents=["load"])}))
    run = server.store.execute(flow, {}).id
    server.clear_requests()
    for words in ((run,), ()):
        ended = _executions(server, "flow", *words, "--follow")
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.splitlines()[-1] == f"flow: execution {run} ended: Failed; failed steps: train"
        assert "train | Step train finished with exit code 3" in ended.stderr
    document = json.loads(_executions(server, "flow", "--follow", "--format", "json").stdout)
    assert (document["execution_id"], document["status"]) == (run, "Failed")
    assert _started(server) == []


def test_one_execution(server: EmulatorServer) -> None:
    """`executions NAME EXECUTION` shows its steps with their times; an unknown id is an error."""
    flow = server.store.create(body("flow", steps={**CHAIN, "load": step("exit 3")}))
    run = server.store.execute(flow, {}).id
    for _ in range(3):
        ended = _executions(server, "flow", run)
    assert (ended.returncode, ended.stderr) == (0, "")
    head, heads, load, train = ended.stdout.splitlines()
    assert re.fullmatch(rf"flow: execution {run}: Failed, started 20\S+Z, took 1 s", head)
    assert heads.split() == ["STEP", "STATUS", "STARTED", "DURATION"]
    assert load.split()[:2] == ["load", "Failed"]
    assert train.split() == ["train", "NotRun", "-", "-"]
    document = json.loads(_executions(server, "--id", str(flow), run, "--format", "json").stdout)
    assert [each["status"] for each in document["steps"]] == ["Failed", "NotRun"]
    assert document["finished_at"] > document["started_at"]
    unknown = _executions(server, "flow", "no-such-execution")
    assert (unknown.returncode, unknown.stdout) == (1, "")


def test_details_that_cannot_be_read(server: EmulatorServer) -> None:
    """Details that cannot be read now and then are asked for again; if for long, the run's end is unknown."""
    details = "@GET/workflows/api/v1/workflows/*/executions/*"
    server.store.create(body("flow"))
    server.faults = (f"404:x2{details}", f"401:x1{details}")
    assert _run(server, "flow", "--wait").returncode == 0
    server.faults = (f"404{details}",)
    ended = _run(server, "flow", "--wait")
    assert ended.returncode == 1
    assert f"The result of the execution {ended.stdout.strip()} is not known" in ended.stderr


def test_a_status_that_nobody_documented(server: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with an unknown status has ended when it has an end; that is no success."""
    document: list[dict[str, Any]] = [
        {"status": "Queued", "steps": []},
        {"status": "Stopping", "finishedAt": "2020-01-01T00:00:00.000Z", "steps": [{"name": "a\x1b[2J"}]},
        {"status": "Aborted\n", "finishedAt": "2020-01-01T00:00:00.000Z", "steps": [7]},
    ]
    monkeypatch.setattr(executions, "details", lambda *_: document.pop(0))
    server.store.create(body("flow"))
    ended = _run(server, "flow", "--wait")
    assert (ended.returncode, document) == (1, [])
    assert ended.stderr.splitlines()[-1].endswith("ended: Aborted\\n")
    assert "\x1b" not in ended.stderr


def test_an_answer_that_was_lost(server: EmulatorServer) -> None:
    """An execution that had to be looked for has a note, on standard error and in the JSON."""
    flow = server.store.create(body("flow"))
    server.faults = ("drop-after:x1@POST",)
    ended = _run(server, "flow", "--format", "json")
    document = json.loads(ended.stdout)
    assert [run.id for run in server.store.executions(flow)] == [document["execution_id"]]
    assert ended.stderr == f"note: {document['notes'][0]}\n"


def test_an_unknown_name(server: EmulatorServer) -> None:
    """A name that no workflow has exits with 1, and those that look like it are named; nothing is started."""
    for name in ("scoring", "scoring-old", "daily"):
        server.store.create(body(name))
    ended = _run(server, "scorin")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "no workflow named 'scorin'" in ended.stderr
    assert "Did you mean scoring, scoring-old?" in ended.stderr
    ended = _run(server, "--id", "77")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert _started(server) == []


def test_twin_names(server: EmulatorServer) -> None:
    """A name that two workflows have exits with 4, and both ids are named; nothing is started."""
    ids = [server.store.create(body("flow")) for _ in range(2)]
    ended = _run(server, "flow")
    assert (ended.returncode, ended.stdout) == (4, "")
    assert f"ids {ids[0]}, {ids[1]}" in ended.stderr
    assert _started(server) == []
    assert _run(server, "--id", str(ids[1])).returncode == 0


def test_a_workflow_that_runs(server: EmulatorServer) -> None:
    """A workflow that runs and may not twice is refused, with what allows it."""
    server.store.execute(server.store.create(body("flow")))
    ended = _run(server, "flow")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "already running" in ended.stderr
    assert "allowConcurrentExecution" in ended.stderr


def test_parameters(server: EmulatorServer, tmp_path: Path) -> None:
    """Parameters come from a file and from options, which go before; steps are chosen by name."""
    server.store.create(body("flow", steps=CHAIN))
    file = tmp_path / "params.yaml"
    file.write_text("global: {DAYS: '30', MODE: full}\nstepWise: {train: {EPOCHS: '5', RATE: '1'}}\n")
    words = ["--param", "DAYS=7", "--param", "URL=a=b", "--step-param", "train:RATE=2:3", "--step", "train"]
    assert _run(server, "flow", "--params", file, *words).returncode == 0
    assert _started(server) == [
        {
            "params": {
                "global": {"DAYS": "7", "MODE": "full", "URL": "a=b"},
                "stepWise": {"train": {"EPOCHS": "5", "RATE": "2:3"}},
            },
            "stepsToRun": [{"stepName": "train"}],
        }
    ]


@pytest.mark.parametrize("words", [["--step", "trian"], ["--step-param", "trian:A=1"]], ids=["step", "param"])
def test_an_unknown_step(server: EmulatorServer, words: list[str]) -> None:
    """A step that the workflow does not have is found out before anything is sent."""
    server.store.create(body("flow", steps=CHAIN))
    ended = _run(server, "flow", *words)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "has no step 'trian'" in ended.stderr
    assert "Did you mean train?" in ended.stderr
    assert _started(server) == []


USAGES = {
    "no name": [],
    "two names": ["flow", "--id", "1"],
    "no equals": ["flow", "--param", SECRET],
    "no key": ["flow", "--param", f"={SECRET}"],
    "twice": ["flow", "--param", f"A={SECRET}", "--param", f"A={SECRET}2"],
    "no step": ["flow", "--step-param", f"A={SECRET}:x"],
    "no pair": ["flow", "--step-param", f"one:{SECRET}"],
    "timeout alone": ["flow", "--timeout", "5"],
    "no number": ["flow", "--wait", "--timeout", "nan"],
}


@pytest.mark.parametrize("words", USAGES.values(), ids=USAGES)
def test_wrong_usage(server: EmulatorServer, words: list[str]) -> None:
    """What cannot be read exits with 64, never quotes a value, and nothing is sent."""
    ended = _run(server, *words)
    assert (ended.returncode, ended.stdout) == (64, "")
    assert SECRET not in ended.stderr
    assert server.requests == []


FILES = {
    "number": (f"global:\n  {SECRET[:6]}: 5\nstepWise: {SECRET}\n", ":2:"),
    "no mapping": (SECRET, "params.yaml"),
    "unknown key": (f"globals: {{A: {SECRET}}}\n", "globals"),
    "broken": (f"global: {{A: {SECRET}\n", "params.yaml"),
    "tag": ("global: {A: !env HOME}\n", "!env is not supported"),
    "two documents": ("global: {}\n---\nglobal: {}\n", "only one is allowed"),
    "empty": ("", "are empty"),
}


@pytest.mark.parametrize(("text", "said"), FILES.values(), ids=FILES)
def test_an_invalid_file(server: EmulatorServer, tmp_path: Path, text: str, said: str) -> None:
    """A file of parameters that is not valid exits with 3 and says where; no value is quoted."""
    (tmp_path / "params.yaml").write_text(text)
    ended = _run(server, "flow", "--params", "params.yaml", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert said in ended.stderr
    assert SECRET not in ended.stderr
    assert server.requests == []


def test_a_file_that_is_not_there(server: EmulatorServer, tmp_path: Path) -> None:
    """A file of parameters that is not there exits with 3, and nothing is sent."""
    ended = _run(server, "flow", "--params", tmp_path / "none.yaml")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "cannot read the parameters" in ended.stderr
    assert server.requests == []


def test_a_server_that_quotes_parameters(server: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that the server repeats in an error is not shown, nor is one in JSON's own spelling."""
    quoted = f'{SECRET}"\n'

    def refuse(*_: object) -> None:
        raise HttpError(400, f"no such parameter: {quoted} {json.dumps(quoted)}")

    monkeypatch.setattr(server.store, "execute", refuse)
    server.store.create(body("flow"))
    ended = _run(server, "flow", "--param", f"A={quoted}")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "no such parameter" in ended.stderr
    assert SECRET not in ended.stderr


def test_a_protected_environment(server: EmulatorServer, tmp_path: Path) -> None:
    """What starts a run in a protected environment must name it on the command line."""
    (tmp_path / "reconciler.yaml").write_text("version: 1\nenvironments: {prod: {protected: true}}\n")
    server.store.create(body("flow"))
    command = [*forked_command(), "run", "flow"]
    env = _env(server, RECONCILER_ENVIRONMENT="prod")
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=tmp_path)
    assert (ended.returncode, _started(server)) == (64, [])
    assert _run(server, "flow", "--environment", "prod", cwd=tmp_path).returncode == 0
