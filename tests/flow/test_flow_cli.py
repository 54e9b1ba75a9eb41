"""plan and apply as a user or a pipeline runs them: exit codes, the two streams, the JSON, the prompt."""

from __future__ import annotations

import json
import signal
import subprocess
import time as real_time
from typing import TYPE_CHECKING, Any

import pytest
from flow_helpers import EXAMPLES, LIST, TOKEN, Git, body, process_env, run, step
from processes import forked_command

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from flow_helpers import Ended

ACTIONS = ["create", "update", "rename", "delete", "pause", "resume", "unchanged", "blocked"]


def _clean(git: Git) -> None:
    git.write(body())
    git.done()


def _differing(git: Git) -> None:
    git.write(body())


def _blocked(git: Git) -> None:
    git.write(body(), id=77)


def _invalid(git: Git) -> None:
    git.write({"name": "flow", "steps": {"one": {"comand": "x"}}})


def _unreadable(git: Git) -> None:
    git.write(body())
    git.server.faults = (f"404@GET{LIST}",)


def _refusing(git: Git) -> None:
    git.write(body())
    git.server.faults = ("400@POST",)


_EXITS: dict[str, tuple[Callable[[Git], None], list[str], int]] = {
    "plan clean": (_clean, ["plan", "--detailed-exitcode"], 0),
    "plan differences": (_differing, ["plan"], 0),
    "plan detailed": (_differing, ["plan", "--detailed-exitcode"], 2),
    "plan blocked": (_blocked, ["plan", "--detailed-exitcode"], 4),
    "plan invalid": (_invalid, ["plan"], 3),
    "plan failed": (_unreadable, ["plan", "--detailed-exitcode"], 1),
    "plan usage": (_clean, ["plan", "--no-such-option"], 64),
    "apply clean": (_clean, ["apply"], 0),
    "apply done": (_differing, ["apply", "--auto-approve"], 0),
    "apply blocked": (_blocked, ["apply", "--auto-approve"], 4),
    "apply invalid": (_invalid, ["apply", "--auto-approve"], 3),
    "apply unreadable": (_unreadable, ["apply", "--auto-approve"], 1),
    "apply refused": (_refusing, ["apply", "--auto-approve"], 1),
    "apply usage": (_clean, ["apply", "--format", "xml"], 64),
}


@pytest.mark.parametrize(("given", "words", "code"), _EXITS.values(), ids=_EXITS)
def test_exit_codes(git: Git, given: Callable[[Git], None], words: list[str], code: int) -> None:
    """Every exit code means what is documented; none comes with a traceback, a colour or a word too many."""
    given(git)
    ended = run(git, *words)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr
    if code in {3, 64} or "unreadable" in str(given) or given is _unreadable:
        assert ended.stdout == ""
        assert ended.stderr


def test_plan_json(git: Git) -> None:
    """The JSON of a plan has the documented keys, counts everything and names what is not unchanged."""
    for name in ("same", "changed", "before", "resumed"):
        git.write(body(name, triggers=[{"webhook": True}]), f"{name}.yaml")
    git.done()
    git.write(
        body("changed", steps={"one": step("echo 2", repository={"url": "u", "token": "canary-a"})}),
        "changed.yaml",
    )
    git.write(body("after", triggers=[{"webhook": True}]), "before.yaml", renamedFrom=["before"])
    git.write(body("resumed", triggers=[{"webhook": True}]), "resumed.yaml", paused=True)
    git.write(body("new"), "new.yaml")
    git.write(body("stuck"), "stuck.yaml", id=77)
    ended = run(git, "plan", "--format", "json", "--detailed-exitcode")
    assert ended.returncode == 4
    plan = json.loads(ended.stdout)
    assert plan["format_version"] == 1
    counts = {"create": 1, "update": 1, "rename": 1, "pause": 1, "unchanged": 1, "blocked": 1}
    assert plan["summary"] == {name: counts.get(name, 0) for name in (*ACTIONS, "orphaned")}
    changes = {change["name"]: change for change in plan["changes"]}
    assert list(changes) == ["after", "changed", "new", "resumed", "stuck"]
    seen = {name: (change["action"], change["id"], change["method"]) for name, change in changes.items()}
    assert seen == {
        "after": ("rename", git.live("before"), "patch"),
        "changed": ("update", git.live("changed"), "create_or_update"),
        "new": ("create", None, "create_or_update"),
        "resumed": ("pause", git.live("resumed"), None),
        "stuck": ("blocked", None, None),
    }
    fields = {tuple(field["path"]): field for field in changes["changed"]["fields"]}
    assert fields["steps", "one", "command"] == {
        "path": ["steps", "one", "command"],
        "before": "echo hi",
        "after": "echo 2",
        "sensitive": False,
    }
    assert fields["steps", "one", "repository", "token"] == {
        "path": ["steps", "one", "repository", "token"],
        "before": None,
        "after": "(sensitive)",
        "sensitive": True,
    }
    assert fields["triggers", "webhook"]["after"] is None
    assert "canary" not in ended.stdout
    assert changes["stuck"]["fields"] == []
    assert all(isinstance(field["path"], list) for field in changes["new"]["fields"])


def test_apply_json(git: Git) -> None:
    """On stdout apply gives one JSON object with the documented keys; plan and progress go to stderr."""
    for name in ("a", "b"):
        git.write(body(name), f"{name}.yaml")
    git.done()
    for name in ("a", "b", "c"):
        git.write(body(name, "echo 2"), f"{name}.yaml")
    git.write(body("d"), "d.yaml", id=77)
    git.server.faults = (f"422-message@PUT{LIST}{git.live('b')}",)
    ended = run(git, "apply", "--auto-approve", "--format", "json")
    assert ended.returncode == 1
    report = json.loads(ended.stdout)
    assert report["format_version"] == 1
    assert report["summary"] == {"done": 2, "failed": 1, "not_tried": 0, "blocked": 1}
    seen = {
        result["name"]: (result["action"], result["status"], result["id"], result["error"] is None)
        for result in report["results"]
    }
    assert seen == {
        "a": ("update", "done", git.live("a"), True),
        "b": ("update", "failed", git.live("b"), False),
        "c": ("create", "done", git.live("c"), True),
        "d": ("blocked", "blocked", None, False),
    }
    assert "Plan: 1 to create, 2 to update, 1 blocked." in ended.stderr
    assert "c: created (id" in ended.stderr


@pytest.mark.parametrize(("option", "printed"), [((), "b"), (("--verbose",), "abc")])
def test_many_changes(
    git: Git, typed: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, option: Any, printed: str
) -> None:
    """An apply of very many changes prints no line about one that is made as planned; the record has each."""
    for command in ("echo 1", "echo 2"):
        for name in "abc":
            git.write(body(name, command), f"{name}.yaml")
        if command == "echo 1":
            git.done()
    git.server.faults = (f"422-message@PUT{LIST}{git.live('b')}",)
    monkeypatch.setattr("reconciler.cli.terminal._MOST_WITH_LINES", 2)
    monkeypatch.chdir(git.folder)
    ended = typed("apply", ".", "--auto-approve", "--format", "json", *option)
    assert ended.code == 1
    assert "".join(name for name in "abc" if f"\n{name}: " in ended.err) == printed
    assert (ended.err.count("note: of 3 changes, only what is not as planned is printed") == 1) == (
        not option
    )
    assert [result["name"] for result in json.loads(ended.out)["results"]] == ["a", "b", "c"]


def test_no_changes_in_json(git: Git) -> None:
    """Without changes both commands give JSON all the same, and apply does not ask."""
    _clean(git)
    plan = json.loads(run(git, "plan", "--format", "json").stdout)
    assert (plan["summary"]["unchanged"], plan["changes"]) == (1, [])
    report = json.loads(run(git, "apply", "--format", "json").stdout)
    assert (set(report["summary"].values()), report["results"]) == ({0}, [])


_ANSWERS = {"yes": ("yes\n", 0), "no": ("no\n", 1), "y": ("y\n", 1), "end": ("", 1)}
_ANSWERS |= {"late": ("maybe\nyes\n", 1)}


@pytest.mark.parametrize(("stdin", "code"), _ANSWERS.values(), ids=_ANSWERS)
def test_the_prompt(git: Git, stdin: str, code: int) -> None:
    """The plan is shown and the question asked on stderr; only `yes` goes on, else nothing changes."""
    git.write(body())
    ended = run(git, "apply", stdin=stdin)
    assert ended.returncode == code
    assert f"Apply this plan to {git.server.url}? Only 'yes' is accepted:" in ended.stderr
    assert "Apply this plan" not in ended.stdout
    assert "create   flow" in ended.stdout
    assert len(git.server.store.records()) == (1 if code == 0 else 0)
    if code:
        assert "cancelled; nothing was changed in the tenant" in ended.stderr
        assert git.writes() == []


def test_the_text_of_plan_and_apply(git: Git) -> None:
    """The text says what, why, how and what to watch out for, and apply ends with the counts."""
    git.write(body(triggers=[{"webhook": True}], tags=[{"name": "a"}]))
    first = run(git, "apply", "--auto-approve")
    assert "+ create   flow" in first.stdout
    assert first.stdout.endswith(
        "Applied: 1 done, 0 failed, 0 skipped, 0 blocked.\n"
        f"Requests: {len(git.server.requests)} (0 retries), waited 0.0 s.\n"
    )
    git.write(body(command="echo 2", tags=[{"name": "b"}]))
    text = run(git, "plan").stdout
    assert f"~ update   flow (id {git.live()})" in text
    assert "flow.yaml:1" in text
    assert "by create_or_update: something is removed" in text
    assert 'steps.one.command: "echo hi" → "echo 2"' in text
    assert 'tags: removed "a", added "b"' in text
    assert "warning: its webhook is removed" in text
    assert text.endswith("Plan: 1 to update.\n")


def test_show_bodies(git: Git) -> None:
    """`--show-bodies` shows the very body that is sent, with secrets masked."""
    git.write(body(steps={"one": step(repository={"url": "u", "branch": "b", "token": "canary-token"})}))
    text = run(git, "plan", "--show-bodies").stdout
    lines = [line[6:] for line in text.splitlines() if line.startswith("      ") and line[6] in '{} "]']
    shown = json.loads("\n".join(lines))
    run(git, "apply", "--auto-approve")
    (sent,) = [request.body for request in git.writes()]
    assert isinstance(sent, dict)
    shown["steps"]["one"]["repository"]["token"] = "canary-token"
    assert shown == sent
    assert "canary" not in text


_NO_WAY: dict[str, tuple[dict[str, str | None], int, str]] = {
    "no token": ({"PEAK_AUTH_TOKEN": None}, 3, "PEAK_AUTH_TOKEN"),
    "empty token": ({"PEAK_AUTH_TOKEN": ""}, 3, "PEAK_AUTH_TOKEN"),
    "odd token": ({"PEAK_AUTH_TOKEN": "canary\ntoken"}, 3, "control character"),
    "http": ({"PEAK_API_URL": "http://192.0.2.1"}, 3, "over https only"),
    "http by name": ({"PEAK_API_URL": "http://localhost.example.com"}, 3, "over https only"),
    "no URL": ({"PEAK_API_URL": "canary://user:canary@x"}, 3, "PEAK_API_URL is not a valid base URL"),
    "nobody there": ({"PEAK_API_URL": "http://127.0.0.1:1"}, 1, "no connection could be made"),
    "stage": ({"PEAK_API_URL": None, "PEAK__STAGE": "canary-stage"}, 3, "unknown stage"),
}


@pytest.mark.parametrize(("env", "code", "words"), _NO_WAY.values(), ids=_NO_WAY)
def test_no_way_to_the_tenant(git: Git, env: dict[str, str | None], code: int, words: str) -> None:
    """Without a usable token or address there is a clear error, no traceback, and nothing is sent."""
    git.write(body())
    ended = run(git, "plan", waits=False, **env)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.startswith("error: ")
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert TOKEN not in ended.stderr
    assert git.server.requests == []


def test_a_wrong_token(git: Git) -> None:
    """A token that the server refuses is a 401 with what to do; the token is not shown."""
    git.write(body())
    with EmulatorServer(token="another") as strict:
        ended = run(git, "apply", "--auto-approve", PEAK_API_URL=strict.url)
        assert strict.store.records() == []
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "401" in ended.stderr
    assert TOKEN not in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_an_invalid_manifest(git: Git, command: str) -> None:
    """One invalid manifest among valid ones: every finding with its place, and no request at all."""
    git.write(body("good"), "good.yaml")
    git.write("body:\n  name: bad\n  steps:\n    one:\n      imageId: text\n  extra: 1\n", "bad.yaml")
    git.write("body: [", "broken.yaml")
    ended = run(git, command)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "bad.yaml:5:16: error:" in ended.stderr
    assert "bad.yaml:6:3: error:" in ended.stderr
    assert "broken.yaml:" in ended.stderr
    assert "nothing was sent" in ended.stderr
    assert git.server.requests == []


def test_no_colour(git: Git) -> None:
    """Neither a pipe nor NO_COLOR gets an escape, whatever else says that colours are fine."""
    _differing(git)
    for env in ({}, {"NO_COLOR": "1", "FORCE_COLOR": "1", "TERM": "xterm-256color"}):
        ended = run(git, "apply", "--auto-approve", **env)
        assert "\x1b" not in ended.stdout + ended.stderr
        git.write(body(command="echo 2"))


def _wait_until(true: Callable[[], object]) -> None:
    end = real_time.monotonic() + 20
    while not true():
        assert real_time.monotonic() < end, "it never came"
        real_time.sleep(0.01)


def _interrupted(git: Git, number: signal.Signals, *options: str) -> tuple[str, str]:
    """Apply 40 new workflows, send a signal once one exists, and return both outputs; then apply the rest."""
    names = [f"n{count:02}" for count in range(40)]
    for name in names:
        git.write(body(name), f"{name}.yaml")
    git.server.faults = ("latency:0.15@POST",)
    words = [*forked_command(), "apply", str(git.folder), "--auto-approve", *options]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=process_env(git)
    ) as process:
        _wait_until(git.server.store.records)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 1, stderr
    assert "Traceback" not in stderr
    git.server.faults = ()
    return stdout, stderr


def test_a_signal_during_apply(git: Git) -> None:
    """SIGTERM lets requests in flight end, reports the rest as skipped, and ends with 1."""
    stdout, _ = _interrupted(git, signal.SIGTERM, "--format", "json")
    report = json.loads(stdout)
    names = [f"n{count:02}" for count in range(40)]
    assert [result["name"] for result in report["results"]] == names
    done = {result["name"] for result in report["results"] if result["status"] == "done"}
    assert done == {record.name for record in git.server.store.records()}
    assert report["summary"]["not_tried"] == 40 - len(done) > 0
    git.done()
    assert sorted(record.name for record in git.server.store.records()) == names


def test_what_was_interrupted_is_said_once(git: Git) -> None:
    """Ctrl-C ends with one summary, not with a line for each workflow that was not started."""
    stdout, stderr = _interrupted(git, signal.SIGINT)
    done = len(git.server.store.records())
    assert (
        f"\nInterrupted: {done} applied, 0 in doubt, {40 - done} not started.\nApply again to go on" in stdout
    )
    assert stderr.count("stopping: ") == 1
    assert "skipped" not in (stdout + stderr).replace("the rest is skipped", "")


@pytest.mark.parametrize("fault", ["429-seconds:60@PUT", "503-after@PUT"])
def test_a_signal_ends_the_waits_of_a_write(git: Git, fault: str) -> None:
    """After SIGTERM no retry is waited for; what cannot be read back is reported as such."""
    git.server.store.create(body("flow", "echo old"))
    git.write(body())
    git.server.faults = (fault,)
    words = [*forked_command(), "apply", str(git.folder), "--auto-approve", "--format", "json"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=process_env(git)
    ) as process:
        _wait_until(git.writes)
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=45)
    assert "stopping: " in stderr, stderr
    (result,) = json.loads(stdout)["results"]
    assert len(git.writes()) == 1
    error = str(result["error"])
    unsure = "it may have been updated, and the run was stopped before it was read back" in error
    refused = fault.startswith("429") and "429 Too Many Requests" in error
    assert result["status"] == "done" or unsure or refused, result


def test_a_signal_before_anything_is_written(git: Git) -> None:
    """A signal while the plan is made ends apply at once, in one word, with nothing written."""
    git.write(body())
    git.server.faults = ("latency:30@GET",)
    words = [*forked_command(), "apply", str(git.folder), "--auto-approve"]
    with EmulatorServer() as slow:
        slow.faults = ("latency:0.2@GET", "drop-before@GET")
        env = process_env(git, PEAK_API_URL=slow.url)
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        ) as process:
            _wait_until(lambda: slow.requests)
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=30)
        assert {request.method for request in slow.requests} == {"GET"}
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "error: interrupted")


def test_fail_fast(git: Git) -> None:
    """`--fail-fast` skips the rest, and says so in the exit code and the report."""
    for count in range(30):
        git.write(body(f"n{count:02}"), f"{count}.yaml")
    git.server.faults = ("400@POST",)
    ended = run(git, "apply", "--auto-approve", "--fail-fast", "--format", "json")
    summary = json.loads(ended.stdout)["summary"]
    assert (ended.returncode, summary["done"]) == (1, 0)
    assert summary["not_tried"] >= 20


def test_options_of_digests(git: Git) -> None:
    """`--no-remember` and `--resend-secrets` reach the engine from both commands."""
    git.server.profile = frozenset({"token-omitted"})
    repository: dict[str, Any] = {"url": "u", "branch": "b", "token": "first"}
    git.server.store.create(body(steps={"one": step(repository=repository)}))
    git.write(body(steps={"one": step(repository=repository)}))
    assert "note: flow: the API does not return steps.one.repository.token" in run(git, "plan").stdout
    assert run(git, "plan", "--resend-secrets", "--detailed-exitcode").returncode == 2
    git.server.profile = frozenset()
    returned = run(git, "plan", "--resend-secrets", "--detailed-exitcode")
    assert "--resend-secrets has no write-only field to send" in returned.stderr
    git.server.profile = frozenset({"token-omitted"})
    ended = run(git, "apply", "--resend-secrets", "--no-remember", "--auto-approve")
    assert ended.returncode == 0
    assert git.stored().get("tags", []) == []


def test_several_paths(git: Git) -> None:
    """Files and directories can be named together; a file that both name counts once."""
    git.write(body("one"), "one.yaml")
    git.write(body("two"), "two.yaml")
    words = [
        *forked_command(),
        "plan",
        str(git.folder / "one.yaml"),
        str(git.folder),
        str(EXAMPLES),
        "--format",
        "json",
    ]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, env=process_env(git))
    assert json.loads(ended.stdout)["summary"]["create"] == 5


def test_demo(git: Git) -> None:
    """`demo` needs neither credentials nor a tenant nor settings, shows every step and exits with 0."""
    words = [*forked_command(), "demo"]
    env = process_env(git, PEAK_API_URL=None, PEAK_AUTH_TOKEN=None, RECONCILER_ENVIRONMENT="prod")
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=env)
    assert ended.returncode == 0, ended.stderr
    assert "Plan: 3 to create." in ended.stdout
    assert 'steps.score.command: "python score.py --quick" → "python score.py"' in ended.stdout
    assert "No changes. 3 workflows match Git." in ended.stdout
    assert "the tenant matches Git." in ended.stdout
    assert git.server.requests == []
