"""A fleet of emulated tenants: a repository with an environment for each, and its command line."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import forked_command_folder, inherited_environment, run_command

from reconciler.emulator import EmulatorServer
from reconciler.workflow import owner_tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FLOW = "name: {name}\nsteps: {{one: {{imageId: 100, imageVersionId: 200, command: {command}}}}}\n"
_UNREACHABLE = "http://127.0.0.1:9"


class Fleet:
    """A repository with environments `live-0`, `live-1`, …, and, if wanted, `dead` and `refused`.

    Args:
        folder: The repository.
        servers: The tenants of the live environments.
        settings: Settings of every environment.
        broken: Whether there are an environment whose host is gone and one whose token is refused.
    """

    def __init__(
        self,
        folder: Path,
        servers: list[EmulatorServer],
        settings: Mapping[str, Any] | None = None,
        *,
        broken: bool = False,
    ) -> None:
        self.folder, self.servers = folder, servers
        self.env = {**inherited_environment(), "HOME": str(folder)}
        self.environments: dict[str, Any] = {}
        for number, server in enumerate(servers):
            self._add(f"live-{number}", server.url, f"token-{number}", settings)
        if broken:
            self._add("dead", _UNREACHABLE, "token-0", settings)
            self._add("refused", servers[0].url, "wrong", settings)
        (folder / "flows").mkdir()
        self.configure()

    def _add(self, name: str, url: str, token: str, settings: Mapping[str, Any] | None) -> None:
        word = name.upper().replace("-", "_")
        self.env |= {f"PEAK_{word}_URL": url, f"TOKEN_{word}": token}
        self.environments[name] = {
            "api_url_env": f"PEAK_{word}_URL",
            "token_env": f"TOKEN_{word}",
            **(settings or {}),
        }

    def configure(self, **whole: Any) -> None:
        """Write the configuration, with further keys."""
        document = {"version": 1, "manifests": ["flows"], "environments": self.environments, **whole}
        (self.folder / "reconciler.yaml").write_text(json.dumps(document))

    def write(self, count: int, command: str = "x") -> list[str]:
        """Write manifests, and return the names of their workflows."""
        names = [f"w{number:02}" for number in range(count)]
        for name in names:
            (self.folder / "flows" / f"{name}.yaml").write_text(_FLOW.format(name=name, command=command))
        return names

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the repository."""
        return run_command(words, cwd=self.folder, env={**self.env, **env})

    def shell(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a script in which `peak-reconciler` is this command line, as a job of a CI system does."""
        path = f"{forked_command_folder()}:{self.env['PATH']}"
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env={**self.env, **env, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def names(self) -> list[Counter[str]]:
        """Return how often each tenant has a workflow of each name."""
        return [Counter(record.name for record in server.store.records()) for server in self.servers]


def tenants(stack: ExitStack, count: int, **attributes: Any) -> list[EmulatorServer]:
    """Return running tenants that accept the token of their environment only."""
    return [
        stack.enter_context(EmulatorServer(token=f"token-{number}", **attributes)) for number in range(count)
    ]


def live_body(name: str, *, owner: str | None = None) -> dict[str, Any]:
    """Return the body of a workflow without a manifest."""
    tags = [{"name": owner_tag(owner)}] if owner else []
    return {
        "name": name,
        "steps": {"one": {"imageId": 100, "imageVersionId": 200, "command": "x"}},
        "tags": tags,
    }


def summaries(report: Mapping[str, Any]) -> Iterator[dict[str, int]]:
    """Yield the summary of each unit of a merged report that has a result."""
    for environment in report["environments"]:
        for unit in environment["units"]:
            result = unit.get("plan") or unit.get("report") or unit.get("status")
            if result:
                yield result["summary"]


def words_of(command: str) -> list[str]:
    """Return the arguments of a printed command line, without the program's name."""
    program, *words = shlex.split(command)
    assert program == "peak-reconciler"
    return words
