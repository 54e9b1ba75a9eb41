"""The container image at work: built by `scripts/container-check`, run against the emulator.

Each run has a read-only root file system, no capability, no right to gain one, a user without a name, and
nothing where a shell would be.
"""

from __future__ import annotations

import json
import os

import pytest
from container_helpers import BACKUPS, BAKED_IMAGE, IMAGE, PYTHON, Repository, inspected, volume

from reconciler import __version__

pytestmark = pytest.mark.skipif(
    not IMAGE, reason="CONTAINER_IMAGE names no image: scripts/container-check builds one"
)

_IDENTITY = """
import json, os
def refused(path):
    try:
        open(os.path.join(path, "x"), "w").close()
    except OSError as error:
        return error.strerror
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "process": os.getpid(),
    "ids": [os.getuid(), os.getgid(), os.getgroups()],
    "rights": [int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb")],
    "no_new": int(status["NoNewPrivs"]),
    "refused": {path: refused(path) for path in ("/", "/tmp", "/opt/reconciler", "/manifests", "/backups")},
}))
"""

_CONTENT = """
import importlib.util, json, pathlib, sys
root = pathlib.Path("/opt/reconciler")
modules = [path for path in root.rglob("*.py") if "site-packages" in path.parts]
print(json.dumps({
    "pip": importlib.util.find_spec("pip") is not None,
    "emulator": importlib.util.find_spec("uvicorn") is not None,
    "commands": sorted(path.name for path in (root / "bin").iterdir() if not path.name.startswith("python")),
    "tests": [str(path) for path in root.rglob("tests")],
    "modules": len(modules),
    "not compiled": [str(path) for path in modules
                     if not pathlib.Path(importlib.util.cache_from_source(str(path))).exists()],
}))
"""


def test_rights(repository: Repository) -> None:
    """User 65532, process 1, no capability; nothing but the volume /backups can be written."""
    told = repository.python(_IDENTITY)
    assert told["process"] == 1
    assert told["ids"][:2] == [65532, 65532]
    assert 0 not in told["ids"][2]
    assert (told["rights"], told["no_new"]) == ([0] * 5, 1)
    assert told["refused"].pop(BACKUPS) is None
    assert set(told["refused"].values()) == {"Read-only file system"}


def test_no_shell(repository: Repository) -> None:
    """There is no shell in any of these runs: one cannot be started, and nothing misses it."""
    for shell in ("/bin/sh", "/bin/bash"):
        done = repository.run("-c", "exit 0", options=[f"--entrypoint={shell}"])
        assert done.returncode in {126, 127}, done.stderr
    repository.ends_with(0, "--version")


def test_what_the_image_says(repository: Repository) -> None:
    """A numeric user, an entry point without a shell, no health check; labels: version, revision, source."""
    config = inspected()
    assert (config["User"], config["Entrypoint"]) == ("65532:65532", ["/opt/reconciler/bin/peak-reconciler"])
    assert not config.get("Healthcheck")
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()}
    assert labels["title"] == "peak-reconciler"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == __version__ == repository.ends_with(0, "--version").split()[-1]
    assert labels["revision"] == os.environ["CONTAINER_REVISION"]
    assert labels["source"] == os.environ["CONTAINER_SOURCE"]


def test_what_is_inside(repository: Repository) -> None:
    """Inside are the command and what it needs, compiled; no pip, no tests, no emulator."""
    told = repository.python(_CONTENT)
    assert told.pop("modules") > 500
    assert told == {
        "pip": False,
        "emulator": False,
        "commands": ["peak-reconciler"],
        "tests": [],
        "not compiled": [],
    }


def test_create(repository: Repository) -> None:
    """Create: plan exits with 2 and only reads, apply with 0, and then plan with 0."""
    for name in ("load", "train"):
        repository.write(name)
    repository.applies()
    assert repository.live() == {"load": "echo 1", "train": "echo 1"}


def test_update(repository: Repository) -> None:
    """Update: a changed manifest is planned, applied and found equal; the webhook's URL stays."""
    repository.write("score", triggers=[{"webhook": True}])
    repository.ends_with(0, "apply", "--auto-approve")
    (before,) = repository.server.store.records()
    repository.write("score", "echo 2", triggers=[{"webhook": True}])
    repository.applies()
    (after,) = repository.server.store.records()
    assert repository.live() == {"score": "echo 2"}
    assert (after.id, after.webhooks) == (before.id, before.webhooks)


def test_prune(repository: Repository) -> None:
    """Prune: more deletes than allowed are refused with 4, and nothing is deleted; allowed, they go."""
    names = [f"flow-{number}" for number in range(6)]
    for name in names:
        repository.write(name)
    repository.ends_with(0, "apply", "--auto-approve")
    for name in names[1:]:
        repository.remove(name)
    writes = repository.writes()
    done = repository.run("apply", "--auto-approve", "--prune")
    assert done.returncode == 4
    assert "pruning would delete 5 of 6 owned workflows" in done.stdout
    assert (sorted(repository.live()), repository.writes()) == (names, writes)
    repository.ends_with(0, "apply", "--auto-approve", "--prune", "--allow-deletes", "5")
    assert sorted(repository.live()) == names[:1]


def test_drift(repository: Repository) -> None:
    """Drift: what somebody changed in the tenant is found with 2, and healed."""
    repository.write("score")
    repository.ends_with(0, "apply", "--auto-approve")
    (record,) = repository.server.store.records()
    repository.server.store.replace(
        record.id, json.loads(json.dumps(record.body).replace("echo 1", "echo no"))
    )
    assert repository.live() == {"score": "echo no"}
    repository.applies()
    assert repository.live() == {"score": "echo 1"}


def test_invalid(repository: Repository) -> None:
    """Invalid manifests: exit code 3 with file and line, and the tenant is not even asked."""
    repository.write("good")
    repository.write_text("body:\n  name: bad\n  steps:\n    one:\n      comand: echo 1\n", "bad.yaml")
    for words in (["validate"], ["plan"], ["apply", "--auto-approve"]):
        done = repository.run(*words)
        assert done.returncode == 3
        assert "workflows/bad.yaml:5:7" in done.stdout + done.stderr
    assert repository.server.requests == []


def test_other_exit_codes(repository: Repository) -> None:
    """Wrong usage exits with 64, a tenant that cannot be reached or lets nobody in with 1."""
    repository.write("good")
    repository.ends_with(64, "plan", "--no-such-option")
    repository.ends_with(64, "no-such-command")
    repository.ends_with(1, "plan", options=["--env=PEAK_AUTH_TOKEN=wrong"])
    repository.server.stop()
    repository.ends_with(1, "plan", options=["--env=RECONCILER_CONCURRENCY=1"])


def test_backups(repository: Repository) -> None:
    """Backups: they outlive the container in a volume, and rollback puts them back."""
    repository.write("score")
    repository.ends_with(0, "apply", "--auto-approve")
    repository.write("score", "echo 2")
    with volume() as name:
        mounted = [f"--volume={name}:{BACKUPS}"]
        repository.ends_with(0, "apply", "--auto-approve", options=mounted)
        assert repository.live() == {"score": "echo 2"}
        assert "score" in repository.ends_with(0, "rollback", "--list", options=mounted)
        repository.ends_with(0, "rollback", "--auto-approve", options=mounted)
    assert repository.live() == {"score": "echo 1"}


def test_backup_places(repository: Repository) -> None:
    """Backups may go into memory (tmpfs); where none can be written, nothing is overwritten: exit code 1."""
    repository.write("score")
    repository.ends_with(0, "apply", "--auto-approve")
    repository.write("score", "echo 2")
    writes = repository.writes()
    done = repository.run("apply", "--auto-approve", options=[f"--tmpfs={BACKUPS}:ro"])
    assert (done.returncode, repository.writes()) == (1, writes)
    assert "no backup can be written to /backups" in done.stderr
    repository.ends_with(0, "apply", "--auto-approve", options=[f"--tmpfs={BACKUPS}"])
    assert repository.live() == {"score": "echo 2"}


def test_stopped_while_applying(repository: Repository) -> None:
    """`docker stop` amid an apply: what is in flight is finished, the report is whole, exit code 1."""
    names = [f"flow-{number:02}" for number in range(40)]
    for name in names:
        repository.write(name)
    repository.server.faults = ("latency:0.3@POST",)
    code, stdout, stderr = repository.stopped(
        repository.server.store.records, "apply", "--auto-approve", "--format", "json"
    )
    assert code == 1, stderr
    assert "stopping" in stderr
    report = json.loads(stdout)
    done = {result["name"] for result in report["results"] if result["status"] == "done"}
    assert done == set(repository.live())
    assert report["summary"]["not_tried"] == len(names) - len(done) > 0
    repository.server.faults = ()
    repository.applies()
    assert sorted(repository.live()) == names


def test_stopped_while_reading(repository: Repository) -> None:
    """`docker stop` while a plan waits for the tenant ends it with 130, not with the kill that follows."""
    repository.write("score")
    repository.server.faults = ("drop-before@GET",)
    code, stdout, stderr = repository.stopped(lambda: repository.server.requests, "plan")
    assert (code, stdout, stderr.strip()) == (130, "", "error: interrupted")


def test_baked(repository: Repository) -> None:
    """Manifests baked into an image of their own: nothing is mounted, and the round is the same."""
    assert inspected(BAKED_IMAGE)["User"] == "65532:65532"
    for code, words in ((2, ["plan", "--detailed-exitcode"]), (0, ["apply", "--auto-approve"])):
        done = repository.run(words[0], "workflows", *words[1:], image=BAKED_IMAGE)
        assert done.returncode == code, done.stderr
    done = repository.run("plan", "workflows", "--detailed-exitcode", image=BAKED_IMAGE)
    assert done.returncode == 0, done.stderr
    assert len(repository.server.store.records()) == 3


def test_any_user(repository: Repository) -> None:
    """A cluster may run it as a user of its own choice: an update with its backup is done all the same."""
    someone = ["--user=1000660000:0"]
    repository.write("score")
    repository.ends_with(0, "apply", "--auto-approve", options=someone)
    repository.write("score", "echo 2")
    repository.ends_with(0, "apply", "--auto-approve", options=someone)
    assert repository.live() == {"score": "echo 2"}


def test_python_alone(repository: Repository) -> None:
    """The module does the same as the command, started by the interpreter alone."""
    words = ["-m", "reconciler", "validate"]
    repository.write("score")
    assert "1 valid manifest" in repository.ends_with(0, *words, options=[f"--entrypoint={PYTHON}"])
