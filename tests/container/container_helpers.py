"""Runs the image as a careful cluster would: nothing can be written, no rights, no shell, no name."""

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
"""The image; `scripts/container-check` builds it."""

BAKED_IMAGE = os.environ.get("CONTAINER_BAKED_IMAGE", "")
"""The image with manifests inside, as examples/container/Dockerfile makes it."""

LABEL = os.environ.get("CONTAINER_LABEL", "peak-reconciler-check")
"""Marks every container and volume, so that none stays, whatever happens."""

PYTHON = "/opt/reconciler/bin/python"
TOKEN = "made-up-token-0123456789"
OWNER = "team-a"
BACKUPS = "/backups"

_DOCKER = os.environ.get("CONTAINER_DOCKER", "docker")
_LONG = 60
_CONFIGURATION = f"version: 1\nmanifests: [workflows]\nownership: {{tag: {OWNER}}}\n"
_LOCKED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65532:65532"]


def docker(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the Docker client, and return what it said."""
    done = subprocess.run(
        [_DOCKER, *words], capture_output=True, text=True, check=False, timeout=_LONG * 2, env=_environment()
    )
    assert done.returncode == 0 or not check, done.stderr
    return done


def inspected(image: str = IMAGE) -> dict[str, Any]:
    """Return what the image says of itself."""
    config: dict[str, Any] = json.loads(docker("image", "inspect", image).stdout)[0]["Config"]
    return config


def wait_until(true: Callable[[], object]) -> None:
    """Wait for what is to come within a minute."""
    end = time.monotonic() + _LONG
    while not true():
        assert time.monotonic() < end, "it never came"
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
        """Write a file among the manifests."""
        (self._workflows / file).write_text(text, encoding="utf-8")

    def remove(self, name: str) -> None:
        """Remove the manifest of a workflow."""
        (self._workflows / f"{name}.yaml").unlink()

    def live(self) -> dict[str, str]:
        """Return the command of each live workflow's step by the workflow's name."""
        bodies: list[Any] = [record.body for record in self.server.store.records()]
        return {body["name"]: body["steps"]["one"]["command"] for body in bodies}

    def writes(self) -> int:
        """Return how many requests so far were no reads."""
        return sum(request.method != "GET" for request in self.server.requests)

    def words(self, *words: str, options: Sequence[str] = (), image: str = IMAGE) -> list[str]:
        """Return the command line that starts the container with `words`."""
        mounts = [
            f"--volume={self.folder}:/manifests:ro",
            *(f"--volume={self._empty}:{shell}:ro" for shell in ("/bin/sh", "/bin/bash")),
        ]
        env = [f"--env=PEAK_API_URL={self.server.url}", "--env=PEAK_AUTH_TOKEN"]
        start = [_DOCKER, "run", "--rm", f"--label={LABEL}", "--network=host", *_LOCKED]
        return [*start, *(mounts if image == IMAGE else mounts[1:]), *env, *options, image, *words]

    def run(
        self, *words: str, options: Sequence[str] = (), image: str = IMAGE
    ) -> subprocess.CompletedProcess[str]:
        """Run the container to its end; its exit code is the process's."""
        done = subprocess.run(
            self.words(*words, options=options, image=image),
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONG * 2,
            env=_environment(),
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert TOKEN not in done.stdout + done.stderr
        return done

    def python(self, script: str, *, options: Sequence[str] = ()) -> Any:
        """Run Python inside the container, and return what it printed, as JSON."""
        return json.loads(self.run("-c", script, options=[f"--entrypoint={PYTHON}", *options]).stdout)

    def ends_with(self, code: int, *words: str, options: Sequence[str] = ()) -> str:
        """Run the container, see that it exits with `code`, and return what it wrote to stdout."""
        done = self.run(*words, options=options)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def applies(self) -> None:
        """See that there is a difference, that apply mends it, and that then there is none."""
        before = self.writes()
        self.ends_with(2, "plan", "--detailed-exitcode")
        assert self.writes() == before, "a plan only reads"
        self.ends_with(0, "apply", "--auto-approve")
        self.ends_with(0, "plan", "--detailed-exitcode")

    def stopped(self, moment: Callable[[], object], *words: str) -> tuple[int, str, str]:
        """Run the container, `docker stop` it when the moment has come, and return its code and words.

        A process that minds no SIGTERM would be killed after a minute: exit code 137.
        """
        name = f"peak-reconciler-{uuid.uuid4().hex}"
        with subprocess.Popen(
            self.words(*words, options=[f"--name={name}"]),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment(),
        ) as process:
            wait_until(lambda: moment() or process.poll() is not None)
            assert process.poll() is None, "it ended by itself"
            docker("stop", f"--time={_LONG}", name)
            stdout, stderr = process.communicate(timeout=_LONG)
        return process.returncode, stdout, stderr


@contextmanager
def volume() -> Iterator[str]:
    """Give the name of a volume that lasts as long as the block."""
    name = docker("volume", "create", "--label", LABEL).stdout.strip()
    try:
        yield name
    finally:
        docker("volume", "rm", "--force", name)
