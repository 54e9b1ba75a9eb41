"""The container image, built by `scripts/container-check`, run against the emulator.

Each container has a read-only root file system, no capability, no way to gain one, a user without a name, and
no shell.
"""

from __future__ import annotations

import json
import os

import pytest
from container_helpers import BACKUPS, BAKED_IMAGE, IMAGE, PYTHON, Repository, image_configuration, volume

from reconciler import __version__

pytestmark = pytest.mark.skipif(
    not IMAGE, reason="CONTAINER_IMAGE is not set: scripts/container-check builds the image and sets it"
)

_IDENTITY = """
import json, os
def write_error(path):
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
    "write_errors": {
        path: write_error(path) for path in ("/", "/tmp", "/opt/reconciler", "/manifests", "/backups")
    },
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
    facts = repository.python(_IDENTITY)
    assert facts["process"] == 1
    assert facts["ids"][:2] == [65532, 65532]
    assert 0 not in facts["ids"][2]
    assert (facts["rights"], facts["no_new"]) == ([0] * 5, 1)
    assert facts["write_errors"].pop(BACKUPS) is None
    assert set(facts["write_errors"].values()) == {"Read-only file system"}


def test_no_shell(repository: Repository) -> None:
    """No container has a shell: none can be started, and the command needs none."""
    for shell in ("/bin/sh", "/bin/bash"):
        done = repository.run("-c", "exit 0", options=[f"--entrypoint={shell}"])
        assert done.returncode in {126, 127}, done.stderr
    repository.run_with_code(0, "--version")


def test_image_configuration(repository: Repository) -> None:
    """A numeric user, an entry point without a shell, no health check; labels: version, revision, source."""
    config = image_configuration()
    assert (config["User"], config["Entrypoint"]) == ("65532:65532", ["/opt/reconciler/bin/peak-reconciler"])
    assert not config.get("Healthcheck")
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()}
    assert labels["title"] == "peak-reconciler"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == __version__ == repository.run_with_code(0, "--version").split()[-1]
    assert labels["revision"] == os.environ["CONTAINER_REVISION"]
    assert labels["source"] == os.environ["CONTAINER_SOURCE"]


def test_image_content(repository: Repository) -> None:
    """The image has the command and its dependencies, compiled; no pip, no tests, no emulator."""
    facts = repository.python(_CONTENT)
    assert facts.pop("modules") > 500
    assert facts == {
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
    repository.apply_changes()
    assert repository.live() == {"load": "echo 1", "train": "echo 1"}


def test_update(repository: Repository) -> None:
    """Update: a changed manifest is planned, applied and in sync; the webhook keeps its URL."""
    repository.write("score", triggers=[{"webhook": True}])
    repository.run_with_code(0, "apply", "--auto-approve")
    (before,) = repository.server.store.records()
    repository.write("score", "echo 2", triggers=[{"webhook": True}])
    repository.apply_changes()
    (after,) = repository.server.store.records()
    assert repository.live() == {"score": "echo 2"}
    assert (after.id, after.webhooks) == (before.id, before.webhooks)


def test_prune(repository: Repository) -> None:
    """Prune: more deletes than allowed are blocked with 4, and nothing is deleted; allowed, they go."""
    names = [f"flow-{number}" for number in range(6)]
    for name in names:
        repository.write(name)
    repository.run_with_code(0, "apply", "--auto-approve")
    for name in names[1:]:
        repository.remove(name)
    writes = repository.writes()
    done = repository.run("apply", "--auto-approve", "--prune")
    assert done.returncode == 4
    assert "pruning would delete 5 of 6 owned workflows" in done.stdout
    assert (sorted(repository.live()), repository.writes()) == (names, writes)
    repository.run_with_code(0, "apply", "--auto-approve", "--prune", "--allow-deletes", "5")
    assert sorted(repository.live()) == names[:1]


def test_drift(repository: Repository) -> None:
    """Drift: a change in the tenant exits with 2, and apply corrects it."""
    repository.write("score")
    repository.run_with_code(0, "apply", "--auto-approve")
    (record,) = repository.server.store.records()
    repository.server.store.replace(
        record.id, json.loads(json.dumps(record.body).replace("echo 1", "echo no"))
    )
    assert repository.live() == {"score": "echo no"}
    repository.apply_changes()
    assert repository.live() == {"score": "echo 1"}


def test_invalid(repository: Repository) -> None:
    """Invalid manifests: exit code 3 with file and line, and no request."""
    repository.write("good")
    repository.write_text("body:\n  name: bad\n  steps:\n    one:\n      comand: echo 1\n", "bad.yaml")
    for words in (["validate"], ["plan"], ["apply", "--auto-approve"]):
        done = repository.run(*words)
        assert done.returncode == 3
        assert "workflows/bad.yaml:5:7" in done.stdout + done.stderr
    assert repository.server.requests == []


def test_other_exit_codes(repository: Repository) -> None:
    """Wrong usage exits with 64; an unreachable tenant or an invalid token with 1."""
    repository.write("good")
    repository.run_with_code(64, "plan", "--no-such-option")
    repository.run_with_code(64, "no-such-command")
    repository.run_with_code(1, "plan", options=["--env=PEAK_AUTH_TOKEN=wrong"])
    repository.server.stop()
    repository.run_with_code(1, "plan", options=["--env=RECONCILER_CONCURRENCY=1"])


def test_backups(repository: Repository) -> None:
    """Backups: they stay in a volume after the container, and rollback restores them."""
    repository.write("score")
    repository.run_with_code(0, "apply", "--auto-approve")
    repository.write("score", "echo 2")
    with volume() as name:
        mounted = [f"--volume={name}:{BACKUPS}"]
        repository.run_with_code(0, "apply", "--auto-approve", options=mounted)
        assert repository.live() == {"score": "echo 2"}
        assert "score" in repository.run_with_code(0, "rollback", "--list", options=mounted)
        repository.run_with_code(0, "rollback", "--auto-approve", options=mounted)
    assert repository.live() == {"score": "echo 1"}


def test_backup_places(repository: Repository) -> None:
    """Backups may go to a tmpfs; when none can be written, nothing is overwritten: exit code 1."""
    repository.write("score")
    repository.run_with_code(0, "apply", "--auto-approve")
    repository.write("score", "echo 2")
    writes = repository.writes()
    done = repository.run("apply", "--auto-approve", options=[f"--tmpfs={BACKUPS}:ro"])
    assert (done.returncode, repository.writes()) == (1, writes)
    assert "no backup can be written to /backups" in done.stderr
    repository.run_with_code(0, "apply", "--auto-approve", options=[f"--tmpfs={BACKUPS}"])
    assert repository.live() == {"score": "echo 2"}


def test_stopped_while_applying(repository: Repository) -> None:
    """`docker stop` during an apply: requests in flight finish, the JSON output is complete, exit code 1."""
    names = [f"flow-{number:02}" for number in range(40)]
    for name in names:
        repository.write(name)
    repository.server.faults = ("latency:0.3@POST",)
    code, stdout, stderr = repository.stop_at(
        repository.server.store.records, "apply", "--auto-approve", "--format", "json"
    )
    assert code == 1, stderr
    assert "stopping" in stderr
    report = json.loads(stdout)
    done = {result["name"] for result in report["results"] if result["status"] == "done"}
    assert done == set(repository.live())
    assert report["summary"]["not_tried"] == len(names) - len(done) > 0
    repository.server.faults = ()
    repository.apply_changes()
    assert sorted(repository.live()) == names


def test_stopped_while_reading(repository: Repository) -> None:
    """`docker stop` during a plan that waits for the tenant: exit code 130, without a kill."""
    repository.write("score")
    repository.server.faults = ("drop-before@GET",)
    code, stdout, stderr = repository.stop_at(lambda: repository.server.requests, "plan")
    assert (code, stdout, stderr.strip()) == (130, "", "error: interrupted")


def test_baked(repository: Repository) -> None:
    """Manifests in the image: without a mount, plan and apply work the same."""
    assert image_configuration(BAKED_IMAGE)["User"] == "65532:65532"
    for code, words in ((2, ["plan", "--detailed-exitcode"]), (0, ["apply", "--auto-approve"])):
        done = repository.run(words[0], "workflows", *words[1:], image=BAKED_IMAGE)
        assert done.returncode == code, done.stderr
    done = repository.run("plan", "workflows", "--detailed-exitcode", image=BAKED_IMAGE)
    assert done.returncode == 0, done.stderr
    assert len(repository.server.store.records()) == 3


def test_any_user(repository: Repository) -> None:
    """With any other user, an update with its backup works the same."""
    someone = ["--user=1000660000:0"]
    repository.write("score")
    repository.run_with_code(0, "apply", "--auto-approve", options=someone)
    repository.write("score", "echo 2")
    repository.run_with_code(0, "apply", "--auto-approve", options=someone)
    assert repository.live() == {"score": "echo 2"}


def test_python_alone(repository: Repository) -> None:
    """`python -m reconciler` does the same as the command."""
    words = ["-m", "reconciler", "validate"]
    repository.write("score")
    assert "1 valid manifest" in repository.run_with_code(0, *words, options=[f"--entrypoint={PYTHON}"])
