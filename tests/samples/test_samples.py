"""The workflow samples of the public client: validated, planned, applied and planned again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from profile_combinations import probed

from reconciler.emulator.profiles import ALL_PROFILES_TOGETHER, PROFILES
from reconciler.emulator.server import EmulatorServer

_SDK_PYTHON = os.environ.get("PEAK_SDK_PYTHON")
_DRIVE = Path(__file__).parent.parent / "wire" / "drive.py"
_FILE_NAMES = re.compile(r"(create|update|create_or_update|workflow_.*)(_workflow)?\.yaml")
_TOKENS = sorted(name for name in PROFILES if name.startswith("token-"))
_EVERY_PROFILE = [
    frozenset[str](),
    *(frozenset({name}) for name in sorted(PROFILES)),
    *(ALL_PROFILES_TOGETHER - {"token-masked"} | {token} for token in _TOKENS),
]

pytestmark = pytest.mark.skipif(
    not _SDK_PYTHON, reason="PEAK_SDK_PYTHON does not name an interpreter that has peak-sdk"
)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the samples, each named after its file, because some share a name."""
    script = "import peak, pathlib; print(pathlib.Path(peak.__file__).parent)"
    package = subprocess.run([_SDK_PYTHON or "", "-c", script], capture_output=True, text=True, check=True)
    source = Path(package.stdout.strip()) / "sample_yaml" / "resources" / "workflows"
    target = tmp_path_factory.mktemp("samples")
    for file in sorted(source.iterdir()):
        if _FILE_NAMES.fullmatch(file.name):
            name = file.stem.replace("_", "-")
            text, count = re.subn(r"(?m)^(  name:) .*$", rf"\1 {name}", file.read_text(), count=1)
            assert count == 1, file
            (target / file.name).write_text(text)
    assert len(list(target.iterdir())) == 9
    return target


def _run(server: EmulatorServer, *words: str) -> tuple[int, Any]:
    env = {**os.environ, "PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "made-up-token"}
    command = [sys.executable, "-m", "reconciler", *words, "--format", "json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def test_samples_are_valid(samples: Path) -> None:
    """Every sample is valid."""
    command = [sys.executable, "-m", "reconciler", "validate", str(samples)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("profile", _EVERY_PROFILE, ids=lambda profile: "+".join(sorted(profile)) or "none")
def test_samples_are_in_sync_after_apply(samples: Path, profile: frozenset[str]) -> None:
    """The samples plan as creates, apply, and plan as unchanged, under every profile."""
    with EmulatorServer(profile=profile) as server:
        code, plan = _run(server, "plan", str(samples), "--detailed-exitcode")
        assert (code, plan["summary"]["create"], len(plan["changes"])) == (2, 9, 9)
        code, report = _run(server, "apply", str(samples), "--auto-approve")
        assert (code, report["summary"]) == (0, {"done": 9, "failed": 0, "not_tried": 0, "blocked": 0})
        code, plan = _run(server, "plan", str(samples), "--detailed-exitcode")
        assert (code, plan["summary"]["unchanged"], plan["changes"]) == (0, 9, [])


@pytest.mark.parametrize("seed", range(2))
def test_samples_on_an_emulated_tenant(samples: Path, seed: int) -> None:
    """On a tenant emulated from the profile of a probed one, plans, notes and results are the same."""
    said: list[list[Any]] = []
    for profile in probed(seed):
        with EmulatorServer(profile=profile) as server:
            first = _run(server, "plan", str(samples))
            _, report = _run(server, "apply", str(samples), "--auto-approve", "--concurrency", "1")
            results = [(item["name"], item["status"], item["notes"]) for item in report["results"]]
            said.append([first, report["summary"], results, _run(server, "plan", str(samples))])
    assert said[0] == said[1]


@pytest.mark.parametrize("profile", [frozenset[str](), frozenset({"nulls", "token-masked", "shuffled"})])
def test_samples_created_by_the_public_client(samples: Path, profile: frozenset[str]) -> None:
    """A workflow that the public client created from a sample is unchanged in a plan of that sample."""
    with EmulatorServer(profile=profile) as server:
        for file in sorted(samples.iterdir()):
            body = yaml.safe_load(file.read_text())["body"]
            call = {"url": server.url, "method": "create_or_update_workflow", "arguments": {"body": body}}
            command = [_SDK_PYTHON or "", str(_DRIVE), "sdk"]
            done = subprocess.run(
                command, input=json.dumps(call) + "\n", capture_output=True, text=True, check=True
            )
            assert json.loads(done.stdout)["raised"] is None
        code, plan = _run(server, "plan", str(samples), "--detailed-exitcode")
        assert (code, plan["summary"]["unchanged"]) == (0, 9), plan
