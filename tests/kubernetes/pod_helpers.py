"""A runner of an example's command as its container runs it: with its arguments, variables and files only.

A process cannot have the mounts of a pod, so each mount is a directory, and paths are rewritten to be in it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubernetes_helpers import ROOT, Object, manifests, of_kind, rendered, variables, workload
from processes import forked_command

if TYPE_CHECKING:
    from reconciler.emulator.server import EmulatorServer

TOKEN = "made-up-token-0123456789"
MANIFESTS = ROOT / "examples" / "workflows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """The command of one overlay, with its mounts as directories below `root`.

    Args:
        root: The root of the container's file system.
        container: The container with the command.
    """

    root: Path
    container: Object

    @property
    def arguments(self) -> list[str]:
        """The command line, with its paths below `root`."""
        return [*forked_command(), *(self.inside(word) for word in self.container["args"])]

    def inside(self, word: str) -> str:
        """Return an argument or a value with its path, if any, below `root`."""
        return re.sub(r"(^|=)/", rf"\1{self.root}/", word)

    def environment(self, server: EmulatorServer) -> dict[str, str]:
        """Return all variables of the process: the literal ones, the token, and the API's address."""
        env = {name: self.inside(value) for name, value in variables(self.container).items()}
        temporary = str(self.root / "tmp")
        return {**env, "PEAK_AUTH_TOKEN": TOKEN, "PEAK_API_URL": server.url, "TMPDIR": temporary}

    def run(self, server: EmulatorServer) -> subprocess.CompletedProcess[str]:
        """Run the command to its end against the tenant."""
        return subprocess.run(
            self.arguments,
            env=self.environment(server),
            cwd=self.root / "image",
            capture_output=True,
            text=True,
            check=False,
        )

    def publish(self) -> None:
        """Publish the newest commit as git-sync does: a new worktree, and an atomic change of the link."""
        commit = _git(self.root / "repository", "rev-parse", "HEAD")
        worktree = self.root / "manifests" / ".worktrees" / commit
        _git(self.root / "repository", "worktree", "add", "--quiet", "--detach", str(worktree))
        (self.root / "manifests" / "next").symlink_to(Path(".worktrees") / commit)
        (self.root / "manifests" / "next").rename(self.root / "manifests" / "current")

    def commit(self, file: str, old: str, new: str) -> None:
        """Change a manifest in the repository, and commit it."""
        path = self.root / "repository" / "workflows" / file
        path.write_text(path.read_text().replace(old, new))
        _git(self.root / "repository", "commit", "--quiet", "--all", "--message", "change")

    def files(self) -> dict[str, str]:
        """Return the files that the command must not change, with their content."""
        return {
            str(path): path.read_text(errors="replace")
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.relative_to(self.root).parts[0] not in {"state", "tmp", "repository"}
        }


def pod(name: str, root: Path) -> Pod:
    """Return the pod of an overlay, with everything mounted.

    Args:
        name: The overlay.
        root: An empty directory.
    """
    objects = rendered(name)
    result = Pod(root=root, container=workload(objects).reconciler)
    for folder in ("image", *(mount["mountPath"][1:] for mount in result.container["volumeMounts"])):
        (root / folder).mkdir()
    (configuration,) = of_kind(objects, "ConfigMap")
    _mount_configuration(configuration["data"], root / "config")
    if (root / "manifests").is_dir():
        shutil.copytree(MANIFESTS, root / "repository" / "workflows")
        for words in (
            ("init", "--quiet"),
            ("config", "user.name", "Ann"),
            ("config", "user.email", "ann@example.com"),
            ("add", "."),
            ("commit", "--quiet", "--message", "first"),
        ):
            _git(root / "repository", *words)
        result.publish()
    else:
        shutil.copytree(MANIFESTS, result.inside(manifests(objects)))
    (root / "image").chmod(0o555)
    return result


def _mount_configuration(data: dict[str, str], folder: Path) -> None:
    """Write a ConfigMap as the kubelet mounts it: each file is a link through a link."""
    (folder / "..2026").mkdir()
    (folder / "..data").symlink_to("..2026")
    for name, text in data.items():
        (folder / "..2026" / name).write_text(text)
        (folder / name).symlink_to(Path("..data") / name)


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def events(log: str) -> list[dict[str, Any]]:
    """Return the events of a log of one JSON object per line."""
    return [json.loads(line) for line in log.splitlines()]
