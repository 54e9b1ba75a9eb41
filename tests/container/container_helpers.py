"""A runner of the image under a cluster's restrictions: read-only, no capability, no shell, no user name."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.emulator.server import EmulatorServer

IMAGE = os.environ.get("CONTAINER_IMAGE", "")
"""The image to test, built by `scripts/container-check`."""

BAKED_IMAGE = os.environ.get("CONTAINER_BAKED_IMAGE", "")
"""The image with manifests, built from examples/container/Dockerfile."""

LABEL = os.environ.get("CONTAINER_LABEL", "peak-reconciler-check")
"""The label of every container and volume, by which they are removed."""

PYTHON = "/opt/reconciler/bin/python"
TOKEN = "made-up-token-0123456789"
OWNER = "team-a"
BACKUPS = "/backups"

_DOCKER = os.environ.get("CONTAINER_DOCKER", "docker")
_TIMEOUT = 60
_CONFIGURATION = f"version: 1\nmanifests: [workflows]\nownership: {{tag: {OWNER}}}\n"
_RESTRICTIONS = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65532:65532"]


def docker(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the Docker client, and return the finished process."""
    done = subprocess.run(
        [_DOCKER, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT * 2,
        env=_environment(),
    )
    assert done.returncode == 0 or not check, done.stderr
    return done


def image_configuration(image: str = IMAGE) -> dict[str, Any]:
    """Return the configuration of an image."""
    config: dict[str, Any] = json.loads(docker("image", "inspect", image).stdout)[0]["Config"]
    return config


def wait_until(condition: Callable[[], object]) -> None:
    """Wait up to a minute until `condition` is true."""
    end = time.monotonic() + _TIMEOUT
    while not condition():
        assert time.monotonic() < end, "the condition was not met"
        time.sleep(0.01)


def _environment() -> dict[str, str]:
    return {**os.environ, "PEAK_AUTH_TOKEN": TOKEN}


class Repository:
    """A repository of manifests, mounted read-only, and the tenant that the container applies it to."""

    def __init__(self, server: EmulatorServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._workflows = folder / "workflows"
        self._workflows.mkdir(parents=True)
        self._empty = folder.parent / "no-shell"
        self._empty.write_text("", encoding="ascii")
        (folder / "reconciler.yaml").write_text(_CONFIGURATION, encoding="ascii")

    def write(self, name: str, command: str = "echo 1", **fields: Any) -> None:
        """Write the manifest of a workflow with one step."""
        body = {"name": name, "steps": {"one": {"imageId": 1, "imageVersionId": 1, "command": command}}}
        self.write_text(json.dumps({"body": {**body, **fields}}), f"{name}.yaml")

    def write_text(self, text: str, file: str) -> None:
        """Write a file into the manifests directory."""
        (self._workflows / file).write_text(text, encoding="utf-8")

    def remove(self, name: str) -> None:
        """Remove the manifest of a workflow."""
        (self._workflows / f"{name}.yaml").unlink()

    def live(self) -> dict[str, str]:
        """Return the command of each live workflow's step by the workflow's name."""
        bodies: list[Any] = [record.body for record in self.server.store.records()]
        return {body["name"]: body["steps"]["one"]["command"] for body in bodies}

    def writes(self) -> int:
        """Return the number of requests so far other than GET."""
        return sum(request.method != "GET" for request in self.server.requests)

    def command_line(self, *words: str, options: Sequence[str] = (), image: str = IMAGE) -> list[str]:
        """Return the command line that starts the container with the arguments `words`."""
        mounts = [
            f"--volume={self.folder}:/manifests:ro",
            *(f"--volume={self._empty}:{shell}:ro" for shell in ("/bin/sh", "/bin/bash")),
        ]
        env = [f"--env=PEAK_API_URL={self.server.url}", "--env=PEAK_AUTH_TOKEN"]
        start = [_DOCKER, "run", "--rm", f"--label={LABEL}", "--network=host", *_RESTRICTIONS]
        return [*start, *(mounts if image == IMAGE else mounts[1:]), *env, *options, image, *words]

    def run(
        self, *words: str, options: Sequence[str] = (), image: str = IMAGE
    ) -> subprocess.CompletedProcess[str]:
        """Run the container to its end; the process has its exit code."""
        done = subprocess.run(
            self.command_line(*words, options=options, image=image),
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT * 2,
            env=_environment(),
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert TOKEN not in done.stdout + done.stderr
        return done

    def python(self, script: str, *, options: Sequence[str] = ()) -> Any:
        """Run Python in the container, and return the JSON that it printed."""
        return json.loads(self.run("-c", script, options=[f"--entrypoint={PYTHON}", *options]).stdout)

    def run_with_code(self, code: int, *words: str, options: Sequence[str] = ()) -> str:
        """Run the container, check that it exits with `code`, and return its stdout."""
        done = self.run(*words, options=options)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def apply_changes(self) -> None:
        """Check that plan has changes, apply them, and check that plan has none."""
        before = self.writes()
        self.run_with_code(2, "plan", "--detailed-exitcode")
        assert self.writes() == before, "a plan only reads"
        self.run_with_code(0, "apply", "--auto-approve")
        self.run_with_code(0, "plan", "--detailed-exitcode")

    def stop_at(self, condition: Callable[[], object], *words: str) -> tuple[int, str, str]:
        """Run the container, `docker stop` it once `condition` is true, and return its exit code and output.

        A process that ignores SIGTERM is killed after a minute: exit code 137.
        """
        name = f"peak-reconciler-{uuid.uuid4().hex}"
        with subprocess.Popen(
            self.command_line(*words, options=[f"--name={name}"]),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment(),
        ) as process:
            wait_until(lambda: condition() or process.poll() is not None)
            assert process.poll() is None, "the process ended before the condition was met"
            docker("stop", f"--time={_TIMEOUT}", name)
            stdout, stderr = process.communicate(timeout=_TIMEOUT)
        return process.returncode, stdout, stderr


@contextmanager
def volume() -> Iterator[str]:
    """Yield the name of a volume that exists during the block."""
    name = docker("volume", "create", "--label", LABEL).stdout.strip()
    try:
        yield name
    finally:
        docker("volume", "rm", "--force", name)
