"""Several environments in one run, on two emulators: plan, apply, status and validate, as processes."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import click
import pytest
from processes import COMMAND, inherited_environment, run_command
from settings_helpers import FLOW, configure, process

from reconciler.cli import group
from reconciler.cli.terminal import TerminalListener
from reconciler.emulator.server import EmulatorServer
from reconciler.environments import EnvironmentResult, run_in_each, worst_exit_code
from reconciler.errors import BlockedError, ExitCode, ReconcilerError
from reconciler.operations import apply, load_environments, plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WHOLE: dict[str, Any] = {
    "manifests": ["flows"],
    "environments": {
        "dev": {"api_url_env": "PEAK_DEV_URL", "token_env": "DEV_TOKEN"},
        "prod": {
            "api_url_env": "PEAK_PROD_URL",
            "token_env": "PROD_TOKEN",
            "protected": True,
            "ownership": {"tag": "team-p"},
            "stage": "beta",
        },
    },
}
_BOTH = ("--environment", "dev", "--environment", "prod")


class _Two:
    """A repository with two environments, each on an emulator of its own."""

    def __init__(self, folder: Path, dev: EmulatorServer, prod: EmulatorServer) -> None:
        self.folder, self.dev, self.prod = folder, dev, prod
        self.env = {
            "PEAK_DEV_URL": dev.url,
            "PEAK_PROD_URL": prod.url,
            "DEV_TOKEN": "for-dev",
            "PROD_TOKEN": "for-prod",
        }

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the repository."""
        return process(self.folder, *words, **{**self.env, **env})

    def live(self) -> tuple[list[str], list[str]]:
        """Return the names of the workflows on dev and on prod."""
        return tuple(sorted(r.body["name"] for r in s.store.records()) for s in (self.dev, self.prod))  # type: ignore[return-value]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[_Two]:
    """Return the repository, with one manifest and nothing on either tenant."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "a.yaml").write_text(FLOW)
    configure(tmp_path, json.loads(json.dumps(_WHOLE)))
    with EmulatorServer(token="for-dev") as dev, EmulatorServer(token="for-prod") as prod:
        yield _Two(tmp_path, dev, prod)


def test_each_is_planned_and_applied_on_its_own(two: _Two) -> None:
    """Each environment has its own address, token, stage and owner; the report has a part for each."""
    planned = two.run("plan", *_BOTH, "--detailed-exitcode")
    assert planned.returncode == 2, planned.stderr
    dev, prod = (planned.stdout.index(f"Environment {name}\n\n  + create   a") for name in ("dev", "prod"))
    assert dev < prod
    assert planned.stdout.endswith("Total of 2 environments: 2 to create.\n")
    applied = two.run("apply", *_BOTH, "--auto-approve")
    assert applied.returncode == 0, applied.stderr
    assert applied.stdout.rstrip().splitlines()[-1] == (
        "Total of 2 environments: 2 done, 0 failed, 0 skipped, 0 blocked."
    )
    assert two.live() == (["a"], ["a"])
    (on_prod,) = two.prod.store.records()
    assert on_prod.body["tags"][0] == {"name": "reconciler-owner-team-p"}
    assert two.run("plan", "--all-environments", "--detailed-exitcode").returncode == 0
    status = two.run("status", *_BOTH)
    assert status.stdout.count("1 in sync.") == 2
    assert status.stdout.endswith("Total of 2 environments: 2 in sync.\n")


def test_json_of_several(two: _Two) -> None:
    """JSON has the document of each environment as the same command prints it for one."""
    alone = json.loads(two.run("plan", "--environment", "dev", "--format", "json").stdout)
    words = ("plan", "--all-environments", "--format", "json", "--detailed-exitcode")
    both = json.loads(two.run(*words, "--output", "gitlab=counts.json").stdout)
    assert (both["format_version"], both["exit_code"]) == (1, 2)
    assert [item["environment"] for item in both["environments"]] == ["dev", "prod"]
    assert both["environments"][0]["plan"] == alone
    assert json.loads((two.folder / "counts.json").read_text()) == {"create": 2, "update": 0, "delete": 0}
    applied = json.loads(two.run("apply", *_BOTH, "--auto-approve", "--format", "json").stdout)
    assert [item["report"]["summary"]["done"] for item in applied["environments"]] == [1, 1]
    status = json.loads(two.run("status", *_BOTH, "--format", "json").stdout)
    assert [item["status"]["summary"]["synced"] for item in status["environments"]] == [1, 1]
    checked = json.loads(two.run("validate", *_BOTH, "--format", "json").stdout)
    assert [item["check"]["summary"]["errors"] for item in checked["environments"]] == [0, 0]


def test_files_of_several(two: _Two) -> None:
    """A page, a comment and a text have the results of all environments, also the error of one."""
    files = [f"--output={name}=all.{name}" for name in ("html", "markdown", "text", "json")]
    applied = two.run("apply", *_BOTH, "--auto-approve", "--keep-going", *files, DEV_TOKEN="wrong")
    assert applied.returncode == 1
    shown = {name: (two.folder / f"all.{name}").read_text() for name in ("html", "markdown", "text", "json")}
    total = "Total of 2 environments: 1 done, 0 failed, 0 skipped, 0 blocked. 1 failed: dev."
    assert total in shown["html"]
    assert '<dt class="important">dev: error</dt>' in shown["html"]
    assert shown["html"].count('<span class="fact">prod</span>') == 1
    assert shown["markdown"].startswith(f"<!-- peak-reconciler:apply -->\n`{total}`")
    assert "### `dev`\n\n**Error:**" in shown["markdown"]
    assert shown["text"].endswith(f"{total}\n")
    assert [item["environment"] for item in json.loads(shown["json"])["environments"]] == ["dev", "prod"]
    status = two.run("status", *_BOTH, "--output", "html=status.html", DEV_TOKEN="wrong")
    assert status.returncode == 1
    assert "Total of 2 environments: 1 in sync. 1 failed: dev." in (two.folder / "status.html").read_text()


def test_one_environment_of_all_is_a_report_by_environment(two: _Two) -> None:
    """What --all-environments prints has one shape, however many are defined."""
    configure(two.folder, {**_WHOLE, "environments": {"dev": _WHOLE["environments"]["dev"]}})
    both = json.loads(two.run("plan", "--all-environments", "--format", "json").stdout)
    assert [item["environment"] for item in both["environments"]] == ["dev"]


def test_an_error_in_one_stops_no_plan(two: _Two) -> None:
    """The others are planned; the error is in the report and on stderr; the exit code is the worst."""
    done = two.run("plan", *_BOTH, "--output", "markdown=plan.md", DEV_TOKEN="wrong")
    assert done.returncode == 1
    assert "error: environment dev: " in done.stderr
    assert "Environment prod\n\n  + create   a" in done.stdout
    assert done.stdout.endswith("Total of 2 environments: 1 to create. 1 failed: dev.\n")
    markdown = (two.folder / "plan.md").read_text()
    assert markdown.startswith("<!-- peak-reconciler:plan -->\n")
    assert markdown.count("peak-reconciler:plan") == 1
    assert "### `dev`\n\n**Error:**" in markdown
    assert "Environment: `prod`" in markdown
    failed = json.loads(two.run("plan", *_BOTH, "--format", "json", DEV_TOKEN="wrong").stdout)
    assert failed["environments"][0]["plan"] is None
    assert failed["environments"][0]["exit_code"] == 1
    assert failed["environments"][0]["error"]


def test_a_failure_skips_later_environments(two: _Two) -> None:
    """After an environment that failed nothing is applied, unless --keep-going is set."""
    done = two.run("apply", *_BOTH, "--auto-approve", DEV_TOKEN="wrong")
    assert done.returncode == 1
    assert done.stdout.rstrip().endswith("Total of 2 environments: 1 failed: dev. 1 skipped: prod.")
    assert two.live() == ([], [])
    skipped = json.loads(
        two.run("apply", *_BOTH, "--auto-approve", "--format", "json", DEV_TOKEN="wrong").stdout
    )
    assert skipped["environments"][1] == {
        "environment": "prod",
        "exit_code": None,
        "skipped": True,
        "error": None,
        "hint": None,
        "report": None,
    }
    assert two.run("apply", *_BOTH, "--auto-approve", "--keep-going", DEV_TOKEN="wrong").returncode == 1
    assert two.live() == ([], ["a"])


def test_the_order_of_the_command_line(two: _Two) -> None:
    """Environments are applied in the order in which they are named."""
    words = ("apply", "--environment", "prod", "--environment", "dev", "--auto-approve")
    assert two.run(*words, DEV_TOKEN="wrong").returncode == 1
    assert two.live() == ([], ["a"])


def test_each_is_confirmed_on_its_own(two: _Two) -> None:
    """Each plan is asked about with its address; a refusal skips the rest."""
    done = process_with_answers(two, "yes\nno\n", "apply", *_BOTH)
    assert done.returncode == 1
    assert f"Apply this plan to {two.dev.url}?" in done.stderr
    assert f"Apply this plan to {two.prod.url}?" in done.stderr
    assert two.live() == (["a"], [])


def process_with_answers(two: _Two, answers: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the repository with `answers` on standard input."""
    return run_command(words, cwd=two.folder, env={**inherited_environment(), **two.env}, stdin=answers)


def test_a_protected_environment_is_named(two: _Two) -> None:
    """All environments do not name a protected one: nothing is applied until it is named, too."""
    refused = two.run("apply", "--all-environments", "--auto-approve")
    assert (refused.returncode, two.live()) == (64, ([], []))
    assert "the environment 'prod' is protected" in refused.stderr
    by_variable = two.run("apply", "--auto-approve", RECONCILER_ENVIRONMENT="dev,prod")
    assert (by_variable.returncode, two.live()) == (64, ([], []))
    named = two.run("apply", "--all-environments", "--environment", "prod", "--auto-approve")
    assert named.returncode == 0, named.stderr
    assert two.live() == (["a"], ["a"])


def test_several_by_the_variable(two: _Two) -> None:
    """The variable holds several names, separated by commas."""
    done = two.run("plan", "--format", "json", RECONCILER_ENVIRONMENT="prod, dev")
    assert [item["environment"] for item in json.loads(done.stdout)["environments"]] == ["prod", "dev"]


def test_wrong_use_changes_nothing(two: _Two) -> None:
    """What can be checked of every environment is checked before the first is changed."""
    refused = two.run("apply", *_BOTH, "--auto-approve", "--prune")
    assert (refused.returncode, two.live()) == (64, ([], []))  # dev has no ownership tag
    assert "ownership tag" in refused.stderr
    unknown = two.run("apply", "--environment", "dev", "--environment", "no", "--auto-approve")
    assert (unknown.returncode, two.live()) == (64, ([], []))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_skips_later_environments(two: _Two, number: signal.Signals) -> None:
    """A signal during the writes of one environment ends it cleanly; --keep-going does not go on after it."""
    for name in range(12):
        (two.folder / "flows" / f"{name}.yaml").write_text(FLOW.replace("name: a", f"name: w{name}"))
    words = ("apply", *_BOTH, "--auto-approve", "--keep-going", "--format", "json", "--concurrency", "1")
    env = {**inherited_environment(), **two.env}
    process = subprocess.Popen(
        [*COMMAND, *words], cwd=two.folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while process.poll() is None and not two.dev.store.records():
        time.sleep(0.001)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    report = json.loads(stdout)
    assert (process.returncode, report["exit_code"]) == (1, 1), stderr
    dev, prod = report["environments"]
    assert dev["report"]["summary"]["not_tried"]
    assert prod["skipped"] is True
    assert two.live()[1] == []


def test_a_signal_between_two_environments(capsys: pytest.CaptureFixture[str]) -> None:
    """After the writes of one environment a signal interrupts again while the next one is planned."""
    before = signal.getsignal(signal.SIGINT)
    listener = TerminalListener()
    with listener.stopping():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    listener.environment("prod")
    assert signal.getsignal(signal.SIGINT) is before
    assert "Environment prod" in capsys.readouterr().out


_NEEDS_ONE = (
    ("plan",),
    ("apply", "--auto-approve"),
    ("status",),
    ("reconcile",),
    ("export", "--all"),
    ("run", "a"),
    ("executions", "a"),
    ("logs", "a"),
    ("rollback",),
    ("validate", "--online"),
    ("graph", "a"),
)


@pytest.mark.parametrize("words", _NEEDS_ONE, ids=[words[0] for words in _NEEDS_ONE])
def test_no_environment_is_named(two: _Two, words: tuple[str, ...]) -> None:
    """A command that talks to a tenant stops and lists the environments; nothing is sent."""
    done = two.run(*words, PEAK_API_URL=two.dev.url, PEAK_AUTH_TOKEN="for-dev")
    assert (done.returncode, done.stdout) == (64, "")
    if words[0] != "rollback":  # without any backup it has nothing to connect to
        assert "no environment is chosen; the configuration defines dev, prod" in done.stderr
    assert two.dev.requests == []


def test_offline_commands_need_no_environment(two: _Two) -> None:
    """What talks to no tenant works with the top level of the configuration."""
    for words in (["validate"], ["graph", "flows"], ["schema", "configuration"], ["rollback", "--list"]):
        assert two.run(*words).returncode == 0


@pytest.mark.parametrize("words", [("export",), ("run", "a"), ("reconcile",), ("rollback",), ("logs", "a")])
def test_commands_for_one_environment(two: _Two, words: tuple[str, ...]) -> None:
    """A command that works with one environment refuses several instead of taking the last."""
    done = two.run(*words, *_BOTH)
    assert (done.returncode, done.stdout) == (64, "")
    assert "this command works with one environment at a time, found 'dev', 'prod'" in done.stderr


def test_a_plan_file_for_each(two: _Two) -> None:
    """Each environment has a plan file; it says how to apply it, and is refused for another environment."""
    planned = two.run("plan", "--all-environments", "--save-plan", "plan.json")
    assert planned.returncode == 0
    assert not (two.folder / "plan.json").exists()
    assert json.loads((two.folder / "plan.prod.json").read_text())["environment"] == "prod"
    assert "peak-reconciler apply --environment dev --plan plan.dev.json" in planned.stderr
    other = two.run("apply", "--environment", "dev", "--plan", "plan.prod.json")
    assert other.returncode == 4
    assert "the plan file was made for another environment: prod, not dev" in other.stderr
    none = two.run("apply", "--plan", "plan.prod.json")
    assert none.returncode == 64
    several = two.run("apply", *_BOTH, "--plan", "plan.prod.json")
    assert several.returncode == 64
    assert "a plan file is for one environment" in several.stderr
    assert two.live() == ([], [])
    assert two.run("apply", "--environment", "prod", "--plan", "plan.prod.json").returncode == 0
    assert two.live() == ([], ["a"])


def test_a_plan_file_refuses_another_tenant(two: _Two) -> None:
    """The same environment at another address is another tenant."""
    two.run("plan", "--environment", "dev", "--save-plan", "plan.json")
    env = {"PEAK_DEV_URL": two.prod.url, "DEV_TOKEN": "for-prod"}
    moved = two.run("apply", "--environment", "dev", "--plan", "plan.json", **env)
    assert moved.returncode == 4
    assert "the plan file was made for another tenant" in moved.stderr


def test_files_that_would_be_one(two: _Two) -> None:
    """Names that lead to the same file are refused."""
    configure(two.folder, {"manifests": ["flows"], "environments": {"a b": {}, "A-B": {}}})
    done = two.run("plan", "--all-environments", "--save-plan", "plan.json")
    assert done.returncode == 64
    assert "would write the same file" in done.stderr


def test_a_run_record_for_each(two: _Two) -> None:
    """Each environment has a run record."""
    two.run("apply", *_BOTH, "--auto-approve", "--run-record", "run.json")
    tenants = [
        json.loads((two.folder / f"run.{name}.json").read_text())["tenant"] for name in ("dev", "prod")
    ]
    assert tenants == [two.dev.url, two.prod.url]


def test_the_address_of_an_environment(two: _Two) -> None:
    """An address that is not set, or is unsafe, is an error that names its variable."""
    unset = two.run("plan", "--environment", "dev", PEAK_DEV_URL="")
    assert unset.returncode == 3
    assert "takes its address from PEAK_DEV_URL, and that variable is not set" in unset.stderr
    unsafe = two.run("plan", "--environment", "dev", PEAK_DEV_URL="http://example.com")
    assert unsafe.returncode == 3
    assert "PEAK_DEV_URL must be https" in unsafe.stderr


def test_findings_of_several(two: _Two) -> None:
    """An error that two environments share is one annotation; the text has it below each."""
    (two.folder / "flows" / "b.yaml").write_text("name: b\nstep: {}\n")
    text = two.run("validate", *_BOTH)
    assert text.returncode == 3
    assert text.stdout.count("unknown key 'step'") == 2
    assert "Environment dev" in text.stdout
    annotations = two.run("validate", *_BOTH, "--format", "github").stdout
    assert annotations.count("unknown key 'step'") == 1


def test_no_environments_are_defined(two: _Two) -> None:
    """All of none is wrong use."""
    configure(two.folder, {"manifests": ["flows"]})
    done = two.run("plan", "--all-environments")
    assert done.returncode == 64
    assert "reconciler.yaml defines none" in done.stderr


def test_from_python(two: _Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several environments are settings by name, and any operation runs in each."""
    monkeypatch.chdir(two.folder)
    settings = load_environments()
    assert list(settings) == ["dev", "prod"]
    assert list(load_environments("prod")) == ["prod"]
    done = run_in_each(settings, lambda one: plan(one, env=two.env))
    assert worst_exit_code(done) == 2
    applied = run_in_each(load_environments("dev", "prod"), lambda one: apply(one, env=two.env))
    assert [result.exit_code for result in applied] == [0, 0]


def test_a_stop_skips_the_rest() -> None:
    """An interrupt ends one environment, starts no other, and decides the exit code."""

    def interrupted(_: int) -> int:
        raise KeyboardInterrupt

    results = run_in_each({"a": 1, "b": 2}, interrupted)
    assert [result.skipped for result in results] == [False, True]
    assert worst_exit_code(results) == 130


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([BlockedError("x"), ReconcilerError("y")], ExitCode.FAILED),
        ([BlockedError("x"), None], ExitCode.BLOCKED),
        ([None, None], ExitCode.OK),
    ],
)
def test_the_worst_exit_code(errors: list[ReconcilerError | None], code: ExitCode) -> None:
    """A failure is worse than a blocked plan, and that than differences."""
    pending = iter(errors)

    def operation(_: int) -> int:
        error = next(pending)
        if error:
            raise error
        return 1

    assert worst_exit_code(run_in_each({"a": 1, "b": 2}, operation)) is code


def test_skipped_without_a_failure_is_a_failure() -> None:
    """Where a signal stopped the run between two environments, the exit code says that it is not whole."""
    results = run_in_each({"a": 1, "b": 2}, lambda one: one, goes_on=lambda _: False)
    assert results[1] == EnvironmentResult(environment="b")
    assert worst_exit_code(results) is ExitCode.FAILED


def test_every_command_takes_several_or_refuses_them() -> None:
    """No command has an --environment that silently takes the last."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        for option in command.params:
            if "--environment" in option.opts:
                assert option.multiple  # type: ignore[attr-defined]
