"""The guide to Kubernetes: its secrets are those that pods need, its commands work."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from kubernetes_helpers import (
    APPLIED,
    ROOT,
    Object,
    kubectl,
    of_kind,
    option,
    rendered,
    secret_keys,
    workload,
)
from processes import forked_command

from reconciler.cli import group
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import ExitCode

_GUIDE = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text()
_COMMANDS = re.findall(r"^\$ (.*)$", _GUIDE, re.MULTILINE)
_VALUE = "made-up-token-0123456789"


def _shell(command: str, text: str = "") -> Object:
    """Return the object that a command of the guide prints, without a cluster."""
    env = {"PATH": f"{Path(kubectl()).parent}:{os.environ['PATH']}", "HOME": "/nonexistent"}
    env |= {"PEAK_AUTH_TOKEN": _VALUE, "GIT_TOKEN": _VALUE}
    done = subprocess.run(
        ["sh", "-c", command], input=text, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made: Object = json.loads(done.stdout)
    return made


def _created_secrets() -> list[Object]:
    commands = [line for line in _COMMANDS if "create secret" in line and "patch" not in line]
    return [_shell(f"{line} --dry-run=client -o json") for line in commands]


@pytest.mark.parametrize("name", APPLIED)
def test_guide_creates_the_secrets(name: str) -> None:
    """The guide creates each required key of a secret, with the given value."""
    made = {
        (found["metadata"]["name"], key): text
        for found in _created_secrets()
        for key, text in found["data"].items()
    }
    wanted = secret_keys(workload(rendered(name)))
    assert ("peak-reconciler", "token") in wanted
    for secret in wanted:
        assert base64.b64decode(made[secret]).decode() in {_VALUE, "git"}


def test_guide_names_the_other_secrets() -> None:
    """The guide names each optional key."""
    for name in APPLIED:
        for entry in workload(rendered(name)).reconciler["env"]:
            reference = entry.get("valueFrom", {}).get("secretKeyRef", {})
            assert not reference.get("optional") or f"`{reference['key']}`" in _GUIDE


def test_guide_rotates_the_token_only() -> None:
    """The guide's patch for a new token does not change the other keys of the secret."""
    (line,) = [line for line in _COMMANDS if "patch secret" in line]
    first, _, second = line.rpartition(" | ")
    assert second.endswith("--patch-file=/dev/stdin")
    assert list(_shell(first)["data"]) == ["token"]


def test_guide_rolls_back() -> None:
    """The guide's rollback job, made from the CronJob, has the same tenant and volumes."""
    objects = rendered("overlays/prod")
    (cronjob,) = of_kind(objects, "CronJob")
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "rollback"},
        "spec": cronjob["spec"]["jobTemplate"]["spec"],
    }
    (line,) = [line for line in _COMMANDS if "create job rollback" in line]
    _, patch, apply = line.split(" | ")
    assert apply == "kubectl apply -f -"
    made = _shell(patch, json.dumps(job))
    (container,) = made["spec"]["template"]["spec"]["containers"]
    command = group.get_command(click.Context(group), container["args"][0])
    assert command is not None
    command.make_context("rollback", container["args"][1:])
    before = workload(objects).reconciler
    assert option(container["args"], "environment") == option(before["args"], "environment")
    assert container["volumeMounts"] == before["volumeMounts"]


def test_guide_plans_the_first_run(tmp_path: Path) -> None:
    """The plan at the start of the guide shows the workflows that the first run creates."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "examples" / "workflows", tmp_path / "workflows")
    (line,) = [line for line in _COMMANDS if line.startswith("peak-reconciler")]
    with EmulatorServer() as server:
        done = subprocess.run(
            [*forked_command(), *shlex.split(line)[1:]],
            env={**os.environ, "PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": _VALUE},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Plan: 3 to create." in done.stdout


def test_guide_names_overlays_and_exit_codes() -> None:
    """The guide has every overlay, every exit code, and the namespace of the commands."""
    assert set(re.findall(r"^\| `(overlays/[\w-]+)`", _GUIDE, re.MULTILINE)) == set(APPLIED)
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", _GUIDE, re.MULTILINE)}
    assert {code.value for code in ExitCode} <= codes
    namespaces = {found["metadata"]["namespace"] for name in APPLIED for found in rendered(name)}
    assert set(re.findall(r"-n ([\w-]+)", "\n".join(_COMMANDS))) == namespaces
