"""Settings where they show: in processes that talk to a tenant on loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from settings_helpers import FLOW, Turnstile, configure, process, relayed

from reconciler.emulator.server import EmulatorServer


def _flows(folder: Path, names: str = "a") -> None:
    (folder / "flows").mkdir()
    for name in names:
        (folder / "flows" / f"{name}.yaml").write_text(FLOW.replace("name: a", f"name: {name}"))


def test_an_environment_as_a_process(tmp_path: Path) -> None:
    """The environment's token and owner are used, protection holds for apply only, and a token is missed."""
    _flows(tmp_path)
    whole = {
        "manifests": ["flows"],
        "environments": {
            "prod": {"token_env": "PROD_TOKEN", "protected": True, "ownership": {"tag": "team-a"}}
        },
    }
    configure(tmp_path, whole)
    with EmulatorServer(token="right") as server:
        env = {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "wrong", "PROD_TOKEN": "right"}
        chosen = {**env, "RECONCILER_ENVIRONMENT": "prod"}
        assert process(tmp_path, "plan", **env).returncode == 64
        assert process(tmp_path, "plan", "--detailed-exitcode", **chosen).returncode == 2
        refused = process(tmp_path, "apply", "--auto-approve", **chosen)
        assert (refused.returncode, refused.stdout) == (64, "")
        assert "Pass --environment prod; setting the variable is not enough." in refused.stderr
        done = process(tmp_path, "apply", "--auto-approve", "--environment", "prod", **env)
        assert done.returncode == 0, done.stderr
        (record,) = server.store.records()
        assert record.body["tags"][0] == {"name": "reconciler-owner-team-a"}
        del chosen["PROD_TOKEN"]
        missed = process(tmp_path, "plan", **chosen)
        assert missed.returncode == 3
        assert "its token from PROD_TOKEN, and that variable is not set" in missed.stderr


def test_the_stage_as_a_process(tmp_path: Path) -> None:
    """A saved plan says which stage it is for: the environment's, else that of the variables."""
    _flows(tmp_path)
    configure(tmp_path, {"manifests": ["flows"], "environments": {"dev": {"stage": "dev"}, "open": {}}})
    with EmulatorServer() as server:
        env = {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "any", "PEAK__STAGE": "beta"}
        for environment, stage in (("dev", "dev"), ("open", "beta")):
            done = process(tmp_path, "plan", "--save-plan", "plan.json", "--environment", environment, **env)
            assert done.returncode == 0, done.stderr
            assert json.loads((tmp_path / "plan.json").read_text())["stage"] == stage


@pytest.mark.parametrize("number", [1, 3])
def test_concurrency_as_a_process(tmp_path: Path, number: int) -> None:
    """As many workflows are read at a time as the settings say, and no more."""
    names = "abcdef"
    _flows(tmp_path, names)
    configure(tmp_path, {"manifests": ["flows"], "concurrency": 10})
    turnstile = Turnstile(number)
    with EmulatorServer() as server, relayed(server.url, turnstile) as url:
        for name in names:
            server.store.create({"name": name, "steps": {}})
        env = {"PEAK_API_URL": url, "PEAK_AUTH_TOKEN": "any", "RECONCILER_CONCURRENCY": str(number)}
        done = process(tmp_path, "plan", **env)
    assert done.returncode == 0, done.stderr
    assert "6 to update" in done.stdout
    assert turnstile.most == number


def test_validate_in_an_environment(tmp_path: Path) -> None:
    """The check takes the environment's manifests, and asks its tenant with its token."""
    _flows(tmp_path)
    block = {"manifests": ["flows"], "token_env": "PROD_TOKEN", "protected": True}
    configure(tmp_path, {"manifests": ["nowhere"], "environments": {"prod": block}})
    with EmulatorServer(token="right") as server:
        env = {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "wrong", "PROD_TOKEN": "right"}
        assert process(tmp_path, "validate", **env).returncode == 3
        done = process(tmp_path, "validate", "--online", RECONCILER_ENVIRONMENT="prod", **env)
        assert (done.returncode, done.stderr) == (0, "")
        assert {request.status for request in server.requests} == {200}


@pytest.mark.parametrize(
    ("words", "variable", "strict", "code"),
    [
        ([], "", None, 0),
        ([], "", True, 3),
        ([], "false", True, 0),
        (["--strict"], "false", False, 3),
        (["--no-strict"], "true", True, 0),
    ],
)
def test_precedence_of_strict(
    tmp_path: Path, words: list[str], variable: str, strict: bool | None, code: int
) -> None:
    """Whether a warning fails the check: a flag, else a variable, else the file, else it does not."""
    (tmp_path / "a.yaml").write_text(FLOW + "tags: [{name: a}, {name: a}]\n")
    configure(tmp_path, {"validate": {} if strict is None else {"strict": strict}})
    assert process(tmp_path, "validate", "a.yaml", *words, RECONCILER_STRICT=variable).returncode == code


def test_a_rule_list_needs_no_configuration(tmp_path: Path) -> None:
    """A configuration with an unknown rule does not keep anybody from listing those that there are."""
    configure(tmp_path, {"validate": {"off": ["no-such-rule"]}})
    assert process(tmp_path, "validate").returncode == 3
    assert process(tmp_path, "validate", "--list-rules").returncode == 0


@pytest.mark.parametrize(
    ("command", "variable", "value"),
    [
        ("plan", "RECONCILER_MAX_DELETE_RATIO", "nan"),
        ("apply", "RECONCILER_MAX_DELETES", "many"),
        ("validate", "RECONCILER_CONCURRENCY", "0"),
        ("plan", "RECONCILER_ENVIRONMENT", "nowhere"),
    ],
)
def test_wrong_use_by_a_variable(tmp_path: Path, command: str, variable: str, value: str) -> None:
    """A bad value in a variable is wrong usage: exit 64, the variable on stderr, and no traceback."""
    configure(tmp_path, {"environments": {"dev": {}}})
    done = process(tmp_path, command, "flows", **{variable: value})
    assert (done.returncode, done.stdout) == (64, "")
    assert variable in done.stderr
    assert f"'{value}'" in done.stderr
    assert "Traceback" not in done.stderr
