"""What a command loads: a start is spent on imports, so each command leaves out what it does not need."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import COMMAND, inherited_environment

from reconciler.emulator import EmulatorServer

_TOKEN = "made-up-token"
_BODY = {
    "name": "nightly",
    "triggers": [{"cron": "0 0 * * *"}],
    "steps": {"train": {"type": "standard", "command": "true", "imageId": 1}},
}

_SELDOM = {
    *("deepdiff", "detect_secrets", "jinja2", "jsonschema", "pathspec", "prometheus_client", "rich"),
    *("multiprocessing", "starlette", "typing_extensions", "uvicorn"),
    *("reconciler.manifests.overlays", "reconciler.manifests.writing", "reconciler.templates.template_text"),
    *("reconciler.rules.online", "reconciler.schedules.forecast", "reconciler.tenant_profile"),
}
"""What needs a certain manifest, a certain platform, an error or a certain format."""

_TENANT = {"requests", "urllib3", "reconciler.client", "reconciler.plan", "reconciler.portable"}
_FILES = {"yaml", "jsonschema_rs", "reconciler.manifests", "reconciler.rules", "reconciler.schema"}
_WRITES = {
    *("reconciler.apply", "reconciler.backup", "reconciler.planfile.plan_file", "reconciler.rehearsal"),
    *("reconciler.plan.last_sent", "reconciler.plan.next_runs"),
    *("reconciler.portable.lookups", "reconciler.plan.side_comparison", "reconciler.plan.workflow_status"),
    *("reconciler.executions", "reconciler.export", "reconciler.capture", "reconciler.job"),
}
_COMPARES = {"reconciler.workflow." + name for name in ("field_changes", "packed_body", "patching")}

_UNNEEDED: dict[tuple[str, ...], set[str]] = {
    ("--help",): _SELDOM | _TENANT | _FILES | _WRITES,
    ("--version",): _SELDOM | _TENANT | _FILES | _WRITES,
    ("validate", "nightly.yaml"): _SELDOM | _TENANT | _WRITES | _COMPARES,
    ("plan", "nightly.yaml"): _SELDOM | _WRITES,
    ("apply", "--help"): _SELDOM
    | {"requests", "urllib3", "reconciler.apply.run"},  # until manifests are read
}
"""The modules that a command must not load, where it finds nothing to report."""


@pytest.fixture(scope="module")
def tenant() -> Iterator[EmulatorServer]:
    """Yield a tenant whose workflow is as the manifest says."""
    with EmulatorServer(token=_TOKEN) as server:
        server.store.create(_BODY)
        yield server


@pytest.mark.parametrize("words", _UNNEEDED, ids=lambda words: words[0])
def test_a_command_loads_only_what_it_needs(
    words: tuple[str, ...], tmp_path: Path, tenant: EmulatorServer
) -> None:
    """A command that finds nothing loads no module of `_UNNEEDED`."""
    (tmp_path / "nightly.yaml").write_text(json.dumps(_BODY))
    loaded = tmp_path / "loaded"
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, pathlib, sys\n"
        f"atexit.register(lambda: pathlib.Path({str(loaded)!r}).write_text(' '.join(sys.modules)))\n"
    )
    env = {
        **inherited_environment("PATH", "LD_LIBRARY_PATH"),
        "PYTHONPATH": str(tmp_path),
        "HOME": str(tmp_path),
        "PEAK_API_URL": tenant.url,
        "PEAK_AUTH_TOKEN": _TOKEN,
    }
    done = subprocess.run([*COMMAND, *words], cwd=tmp_path, env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "No changes." in done.stdout.decode() or words[0] != "plan"
    assert not sorted(_UNNEEDED[words] & set(loaded.read_text().split()))
