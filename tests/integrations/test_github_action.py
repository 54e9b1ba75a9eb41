"""The GitHub Action: its steps as the runner starts them, against the emulator and a code host."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from code_host import TOKEN
from github_runner import ACTION, SHELL, commands
from markdown_reader import PLAN_TAGS, read_markdown
from repository import HOSTILE, PEAK_TOKEN, write_manifest

if TYPE_CHECKING:
    from code_host import CodeHost
    from github_runner import Runner, StepResult

    from reconciler.emulator.server import EmulatorServer


def _has_no_token(ran: StepResult, host: CodeHost) -> None:
    for text in (ran.log, ran.summary, *ran.outputs.values(), *host.bodies):
        assert TOKEN not in text
        assert PEAK_TOKEN not in text


def test_plan_keeps_one_comment(runner: Runner, host: CodeHost) -> None:
    """The plan is in the log, the step summary and one comment, which the second run replaces."""
    first = runner.action(command="plan", token=PEAK_TOKEN)
    assert (first.code, first.outputs["exit-code"], first.outputs["differences"]) == (0, "2", "true")
    assert "Plan: 1 to create." in first.log
    assert json.loads(first.outputs["summary"])["create"] == 1
    assert Path(first.outputs["plan-file"]).is_file()
    assert host.bodies[0].startswith("<!-- peak-reconciler:plan -->\n### Plan: 1 to create.\n")
    assert "### Plan: 1 to create." in first.summary
    write_manifest(runner.workspace, "other", "other.yaml")
    second = runner.action(command="plan", token=PEAK_TOKEN)
    assert host.writes == ["POST", "PATCH"]
    assert "### Plan: 2 to create." in host.bodies[0]
    _has_no_token(first, host)
    _has_no_token(second, host)


def test_without_permission_the_summary_is_enough(runner: Runner, host: CodeHost) -> None:
    """Without permission to comment, the job continues with a warning, and the step summary has the plan."""
    host.refuses = 403
    ran = runner.action(command="plan", token=PEAK_TOKEN)
    assert ran.code == 0
    assert "### Plan: 1 to create." in ran.summary
    (warning,) = commands(ran.log)
    assert warning.startswith("::warning title=peak-reconciler::The plan could not be posted as a comment")
    assert "pull-requests: write" in ran.log
    _has_no_token(ran, host)


def test_a_plan_that_fails_replaces_the_comment(runner: Runner, host: CodeHost) -> None:
    """A failed plan returns its exit code, and no older plan stays on the pull request."""
    host.add_comment("<!-- peak-reconciler:plan -->\n### Plan: 1 to create.")
    (runner.workspace / "saved.json").write_text("an older plan")
    (runner.workspace / "workflows" / "flow.yaml").write_text(
        "body: {name: x, '@pwned <b>#1</b>': 1, '\\n/close\\n```': 2}"
    )
    ran = runner.action(command="plan", token=PEAK_TOKEN, plan_file="saved.json")
    assert (ran.code, ran.outputs["exit-code"], ran.outputs["plan-file"]) == (3, "3", "")
    (body,) = host.bodies
    assert "### No plan: exit code 3" in body
    assert "unknown key '@pwned <b>#1</b>'" in body
    shown = read_markdown(body.partition("\n\n[Written by this job](")[0])
    assert (shown.tags, shown.text.split()) == ({"h3", "pre", "code"}, ["No", "plan:", "exit", "code", "3"])
    assert [line for line in body.splitlines() if line.startswith("/")] == []
    assert not (runner.workspace / "saved.json").exists()


@pytest.mark.parametrize(("token", "code"), [("", 3), ("another", 1)])
def test_exit_codes_pass_through(runner: Runner, host: CodeHost, token: str, code: int) -> None:
    """No token is 3, a token that the tenant rejects 1."""
    ran = runner.action(command="plan", token=token, comment="false")
    assert (ran.code, ran.outputs["exit-code"]) == (code, str(code))
    assert host.asked == []


def test_a_blocked_plan_fails_and_is_reported(runner: Runner, host: CodeHost) -> None:
    """A plan that a guard blocks fails with 4; comment and summary have the reason."""
    file = runner.workspace / "workflows" / "flow.yaml"
    file.write_text(json.dumps({**json.loads(file.read_text()), "reconcile": {"id": 999}}))
    ran = runner.action(command="plan", token=PEAK_TOKEN)
    assert ran.code == 4
    assert "**Reason:**" in host.bodies[0]
    assert host.bodies[0].partition("\n\n[Written by")[0] in ran.summary.rstrip()


def test_validate_annotates(runner: Runner) -> None:
    """Findings are annotations of the file's lines, SARIF for code scanning, and counts, however many."""
    bad = runner.workspace / "workflows" / "bad.yaml"
    more = "".join(f"  {'😀' * 90}{number}: x\n" for number in range(300))
    bad.write_text(f"body:\n  name: bad\n  stepz: {{}}\n{more}", encoding="utf-8")
    ran = runner.action(command="validate")
    assert (ran.code, ran.outputs["exit-code"]) == (3, "3")
    assert any(line.startswith("::error file=workflows/bad.yaml,line=3,") for line in commands(ran.log))
    assert json.loads(ran.outputs["summary"])["errors"] > 200
    results = json.loads(Path(ran.outputs["sarif-file"]).read_text())["runs"][0]["results"]
    assert {result["level"] for result in results} == {"error"}
    assert ":3: error: unknown key '😀" in ran.summary
    assert 40_000 < len(ran.summary.encode()) < 65_536


def test_arguments_and_paths_are_words(runner: Runner) -> None:
    """Each line is one argument or path, never more, and nothing in it is run."""
    odd = runner.workspace / "odd $(touch pwned) `touch pwned`;touch pwned"
    odd.mkdir()
    (runner.workspace / "workflows" / "flow.yaml").rename(odd / "a b.yaml")
    paths = f"{odd.name}/a b.yaml\n\n  \r\n--list-rules\n"
    ran = runner.action(command="validate", paths=paths, arguments="\n--concurrency\n3\r\n")
    assert ran.code == 3
    assert "--list-rules: error: no such file or directory" in ran.log
    assert "1 file checked" in ran.log
    assert not list(runner.workspace.rglob("pwned"))


def test_a_wrong_command(runner: Runner) -> None:
    """Only the three commands are run."""
    ran = runner.action(command="../schema")
    assert ran.code == 64
    assert "::error title=peak-reconciler::invalid input 'command'" in commands(ran.log)[0]


def test_apply_refuses_a_stale_plan(runner: Runner, tenant: EmulatorServer) -> None:
    """If the manifests have changed since the plan was saved, nothing is done, and it fails with 4."""
    plan = runner.action(command="plan", token=PEAK_TOKEN, comment="false", plan_file="saved.json")
    assert plan.outputs["plan-file"] == "saved.json"
    write_manifest(runner.workspace, "flow", command="another")
    stale = runner.action(command="apply", token=PEAK_TOKEN, plan_file="saved.json")
    assert (stale.code, len(list(tenant.store.records()))) == (4, 0)
    assert "### Apply: exit code 4" in stale.summary


def test_hostile_names_stay_text(runner: Runner, host: CodeHost) -> None:
    """Whatever the names of workflows, the runner reads no command in them, and comments are text."""
    for number, name in enumerate(HOSTILE):
        write_manifest(runner.workspace, name, f"{number}.yaml", command=f"\n{name}\n")
    plan = runner.action(command="plan", token=PEAK_TOKEN)
    applied = runner.action(command="apply", token=PEAK_TOKEN)
    assert (plan.code, applied.code) == (0, 0)
    assert commands(plan.log) == commands(applied.log) == []
    assert "[error]pwned" in plan.log
    read_markdown(plan.summary).assert_plan_markup()
    assert applied.summary.startswith("<!-- peak-reconciler:apply -->\n### Applied: ")
    (body,) = host.bodies
    read_markdown(body.partition("\n\n[Written by this job](")[0]).assert_plan_markup()
    outside = read_markdown(applied.summary)
    assert outside.tags <= PLAN_TAGS
    assert "pwned" not in outside.text
    assert not list(runner.workspace.rglob("pwned"))


def test_modules_of_the_repository_are_not_run(runner: Runner) -> None:
    """Modules in a pull request with the names of ours, or of a dependency, are not run."""
    for name in ("reconciler/__init__.py", "yaml.py", "requests.py", "json.py", "sitecustomize.py"):
        file = runner.workspace / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("raise SystemExit('pwned')")
    runner.install(forked=False)
    ran = runner.action(command="validate")
    assert (ran.code, "pwned" in ran.log) == (0, False)


def test_a_cancelled_job_finishes_what_it_writes(runner: Runner, tenant: EmulatorServer) -> None:
    """The runner interrupts only the step: the tool receives the signal, finishes its write, and reports."""
    for number in range(80):
        write_manifest(runner.workspace, f"flow-{number:02}", f"{number}.yaml")
    tenant.faults = ("latency:500ms@POST",)
    (step,) = (one for one in ACTION["runs"]["steps"] if one["name"] == "Run")
    inputs = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
    given = {"command": "apply", "token": PEAK_TOKEN, "arguments": "--concurrency=2"}
    process = subprocess.Popen(
        [*SHELL, "-c", step["run"]],
        env=runner.variables(step, {"inputs": {**inputs, **given}}),
        cwd=runner.workspace,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not any(request.method == "POST" for request in tenant.requests) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    log, _ = process.communicate(timeout=60)
    ran = runner.ended(process.returncode, log)
    assert (ran.code, ran.outputs["exit-code"]) == (1, "1")
    counts = json.loads(ran.outputs["summary"])
    assert counts["not_tried"] > 0
    assert counts["done"] == len(list(tenant.store.records())) > 0
    assert "stopping: writes in progress are finished" in log
