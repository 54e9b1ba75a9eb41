"""The record of a run and the lines of its requests: what an audit finds in them, and what it never does."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import LIST, TOKEN, Git, body, process_env, run, step
from processes import forked_command

from reconciler.cli.terminal import TerminalListener
from reconciler.client.calls import RequestRecord
from reconciler.errors import BlockedError, ReconcilerError
from reconciler.operations.run_recording import recording
from reconciler.schema import validate

if TYPE_CHECKING:
    from pathlib import Path

CI = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "ann",
    "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REPOSITORY": "team/workflows",
    "GITHUB_RUN_ID": "42",
}


def _record(file: Path) -> dict[str, Any]:
    """Return the record in `file`, which only its owner may read, and which is as its schema says."""
    assert file.stat().st_mode & 0o777 == 0o600
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    assert [problem.message for problem in validate(record, "run-record")] == []
    return record


def test_a_record_says_who_did_what_and_how(git: Git, tmp_path: Path) -> None:
    """After an apply it has the actor, the commit, the plan, the outcome, and every request that was sent."""
    git.write(body())
    file = tmp_path / "record.json"
    git.server.faults = ("503:x1@GET",)
    done = run(git, "apply", "--auto-approve", "--format", "json", "--run-record", str(file), **CI)
    assert done.returncode == 0, done.stderr
    record = _record(file)
    assert record["who"] == {
        "system": "github",
        "actor": "ann",
        "commit": CI["GITHUB_SHA"],
        "ref": "refs/heads/main",
        "repository": "team/workflows",
        "run": "42",
    }
    assert (record["exit_code"], record["error"], record["tenant"]) == (0, None, git.server.url)
    assert record["plan"]["summary"]["create"] == 1
    assert record["report"] == json.loads(done.stdout)
    sent = [(request.method, request.path, request.status) for request in git.server.requests]
    assert sorted(sent) == sorted((r["method"], r["path"], r["status"]) for r in record["requests"])
    assert record["traffic"]["requests"] == len(sent)
    assert record["traffic"]["retries"] == 1
    assert record["traffic"]["waited"] > 0


def test_a_write_that_is_sent_again_is_counted(git: Git, tmp_path: Path) -> None:
    """The retries of a write, the wait before them, and what it took are in the report and the record."""
    git.write(body())
    file = tmp_path / "record.json"
    git.server.faults = (f"429-seconds:1:x1@POST{LIST}",)
    done = run(git, "apply", "--auto-approve", "--run-record", str(file), waits=False)
    assert done.returncode == 0, done.stderr
    record = _record(file)
    traffic = record["traffic"]
    assert (traffic["requests"], traffic["retries"]) == (len(git.server.requests), 1)
    assert traffic["throttled"] == 1
    assert all(result["seconds"] > 0 for result in record["report"]["results"])
    assert traffic["waited"] >= 1.0
    assert "(1 retry, throttled once)" in done.stdout


def test_a_record_of_a_run_that_was_blocked_or_failed(git: Git, tmp_path: Path) -> None:
    """A run that did nothing leaves a record that says why, with its exit code."""
    file = tmp_path / "record.json"
    git.write("body: {name: 1}")
    assert run(git, "apply", "--auto-approve", "--run-record", str(file)).returncode == 3
    record = _record(file)
    assert (record["exit_code"], record["plan"], record["report"]) == (3, None, None)
    assert "invalid" in record["error"]
    git.write(body())
    git.server.faults = ("403@GET",)
    assert run(git, "apply", "--auto-approve", "--run-record", str(file)).returncode == 1
    assert "403" in _record(file)["error"]
    assert {request["outcome"] for request in _record(file)["requests"]} == {"refused"}
    git.server.faults = ()
    assert run(git, "apply", "--run-record", str(file), stdin="no\n").returncode == 1
    record = _record(file)
    assert (record["exit_code"], record["report"]) == (1, None)
    assert record["plan"]["summary"]["create"] == 1


def test_a_record_that_cannot_be_written(git: Git, tmp_path: Path) -> None:
    """An apply that could not be recorded is not begun."""
    git.write(body())
    done = run(git, "apply", "--auto-approve", "--run-record", str(tmp_path / "none" / "record.json"))
    assert done.returncode == 1
    assert done.stderr.count("cannot be written: no such file or directory") == 1
    assert git.writes() == []


@pytest.mark.parametrize("command", [["apply", "--auto-approve"], ["reconcile"]], ids=["apply", "reconcile"])
def test_a_record_of_a_run_whose_report_nobody_takes(git: Git, tmp_path: Path, command: list[str]) -> None:
    """A stdout that is closed or full, met after the writes, takes nothing from the record."""
    git.write(body())
    file = tmp_path / "record.json"
    words = [*forked_command(), *command, str(git.folder), "--format", "json", "--run-record", str(file)]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, env=process_env(git), check=False)
    os.close(writer)
    record = _record(file)
    assert (done.returncode, record["exit_code"]) == (1, 1)
    assert record["ended"] is not None
    assert "broken pipe" in record["error"]
    assert [result["status"] for result in record["report"]["results"]] == ["done"]
    assert len(record["requests"]) == len(git.server.requests)


def test_a_record_of_a_run_that_ends_by_an_unexpected_error(tmp_path: Path) -> None:
    """Whatever ends a run, its record says that it ended, without a secret that the error quotes."""
    file = tmp_path / "record.json"
    with pytest.raises(KeyError), recording(file):
        raise KeyError(TOKEN)
    record = _record(file)
    assert (record["exit_code"], record["error"]) == (1, "internal error, please report it: KeyError")
    assert record["ended"] is not None


def test_a_record_of_a_run_that_is_interrupted(tmp_path: Path) -> None:
    """A run that is interrupted before it writes leaves a record that says so."""
    file = tmp_path / "record.json"
    with pytest.raises(KeyboardInterrupt), recording(file):
        raise KeyboardInterrupt
    record = _record(file)
    assert (record["exit_code"], record["error"]) == (130, "interrupted")


def test_a_record_that_finds_no_place_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What ended a run is reported also when its record cannot be written; that is a warning in addition."""
    file = tmp_path / "gone" / "record.json"
    with pytest.raises(BlockedError, match="guarded"), recording(file, listener=TerminalListener()):
        raise BlockedError("guarded")
    assert "warning: " in capsys.readouterr().err
    with (
        pytest.raises(ReconcilerError, match="cannot be written"),
        recording(tmp_path / "gone" / "record.json"),
    ):
        pass


def test_a_record_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run of very many requests the record has the first ones."""
    monkeypatch.setattr("reconciler.operations.run_recording._MOST_REQUESTS", 2)
    file = tmp_path / "record.json"
    with recording(file) as record:
        record.exit_code = 0
        for number in range(3):
            record.observe(
                RequestRecord(
                    method="GET",
                    path=f"/{number}",
                    outcome="ok",
                    status=200,
                    attempt=1,
                    started=0.0,
                    seconds=0.1,
                    waited=0.0,
                )
            )
    assert [request["path"] for request in _record(file)["requests"]] == ["/0", "/1"]


def test_verbose_shows_each_request_with_its_body_masked(git: Git) -> None:
    """Each request is a line on stderr: no text of a body but the workflow's name, and never a credential."""
    secret = "made-up-secret-value"
    git.write(
        f"body:\n  name: flow\n  steps:\n    one:\n      imageId: 100\n      imageVersionId: 200\n"
        f"      command: echo {secret}-in-a-command\n"
        f"      repository: {{url: 'https://example.com/r', branch: main, token: {secret}}}\n"
    )
    done = run(git, "apply", "--auto-approve", "--verbose")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith(("GET ", "POST "))]
    assert len(lines) == len(git.server.requests)
    (post,) = [line for line in lines if line.startswith("POST ")]
    assert post.startswith(f"POST {LIST}: 200 in ")
    assert '"name":"flow"' in post
    assert '"imageId":100' in post
    assert secret not in done.stderr
    assert "echo" not in post
    assert TOKEN not in done.stdout + done.stderr


def test_verbose_by_a_variable_and_while_planning(git: Git) -> None:
    """The variable does as the option does, also while planning; stdout stays the result."""
    git.write(body(steps={"one": step()}))
    quiet = run(git, "plan")
    loud = run(git, "plan", RECONCILER_VERBOSE="1")
    assert quiet.stdout == loud.stdout
    assert f"GET {LIST}: 200 in " in loud.stderr
    assert f"GET {LIST}" not in quiet.stderr
