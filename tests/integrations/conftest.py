"""A code host, a tenant and a repository for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from code_host import TOKEN, CodeHost, code_host
from github_runner import Runner
from repository import PEAK_TOKEN, write_manifest

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def host() -> Iterator[CodeHost]:
    """Return a running fake of the code host's API."""
    with code_host() as running:
        yield running


@pytest.fixture
def tenant() -> Iterator[EmulatorServer]:
    """Return a running emulator."""
    with EmulatorServer(token=PEAK_TOKEN) as running:
        yield running


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a repository with a configuration and one manifest."""
    folder = tmp_path / "repository"
    (folder / "workflows").mkdir(parents=True)
    (folder / "reconciler.yaml").write_text("version: 1\nmanifests: [workflows]\nownership: {tag: team}\n")
    write_manifest(folder, "flow")
    return folder


@pytest.fixture
def runner(tmp_path: Path, workspace: Path, host: CodeHost, tenant: EmulatorServer) -> Runner:
    """Return a GitHub runner with the tool installed, for a pull request that is not from a fork."""
    temp = tmp_path / "runner temp"
    temp.mkdir()
    env = host.github(PEAK_API_URL=tenant.url)
    del env["GITHUB_TOKEN"]
    github = {
        "token": TOKEN,
        "repository": "org/flows",
        "ref": "refs/pull/7/merge",
        "event": {"pull_request": {"head": {"repo": {"full_name": "org/flows"}}}},
    }
    secrets = {"PEAK_PLAN_TOKEN": PEAK_TOKEN, "PEAK_AUTH_TOKEN": PEAK_TOKEN}
    made = Runner(workspace=workspace, temp=temp, env=env, github=github, secrets=secrets)
    made.install()
    return made
