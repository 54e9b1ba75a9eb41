"""The distribution: built as a wheel, installed in an empty environment, and used there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from artifacts import wheel_problems

from reconciler import __version__
from reconciler.emulator.server import EmulatorServer

_ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from this checkout."""
    target = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(target),
        str(_ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command of the wheel, installed with only its dependencies."""
    environment = tmp_path_factory.mktemp("empty")
    venv.create(environment, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-compile", str(wheel)], check=True, capture_output=True)
    return environment / "bin" / "peak-reconciler"


def test_wheel_has_its_data_files(wheel: Path) -> None:
    """The wheel has the schemas, the examples and the marker of its types, and no tests."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "reconciler/schemas/workflow.json",
        "reconciler/schemas/patch.json",
        "reconciler/schemas/reconcile.json",
        "reconciler/examples/daily-forecast.yaml",
        "reconciler/py.typed",
    } <= names
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


def test_wheel_is_ready_for_release(wheel: Path) -> None:
    """Name, version, oldest Python, licence, command, schemas and examples are right."""
    assert wheel_problems(wheel, _ROOT, __version__) == []
    assert wheel_problems(wheel, _ROOT, "9.9.9") == ["the wheel is not of version 9.9.9"]


def test_wheel_with_wrong_files_is_refused(wheel: Path, tmp_path: Path) -> None:
    """A test, a cache file and a missing schema are each reported."""
    broken = tmp_path / wheel.name
    shutil.copy(wheel, broken)
    with zipfile.ZipFile(broken, "a") as archive:
        archive.writestr("reconciler/__pycache__/x.pyc", b"")
        archive.writestr("tests/test_x.py", b"")
    tree = tmp_path / "tree"
    for folder in ("schemas", "examples/workflows"):
        shutil.copytree(_ROOT / folder, tree / folder)
    (tree / "schemas" / "forgotten.json").write_text("{}", encoding="utf-8")
    assert wheel_problems(broken, tree, __version__) == [
        "reconciler/__pycache__/x.pyc must not be in the wheel",
        "tests/test_x.py must not be in the wheel",
        "reconciler/schemas/forgotten.json is missing in the wheel",
    ]


def test_wheel_validates_and_plans(command: Path) -> None:
    """The installed command validates and plans the examples from another directory."""
    manifests = str(_ROOT / "examples" / "workflows")
    with EmulatorServer() as server:
        env = {"PATH": os.environ["PATH"], "PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "made-up-token"}
        checked = subprocess.run([command, "validate", manifests], env=env, cwd="/", check=False)
        planned = subprocess.run(
            [command, "plan", manifests, "--detailed-exitcode"], env=env, cwd="/", check=False
        )
    assert (checked.returncode, planned.returncode) == (0, 2)


def test_wheel_names_the_missing_extra(command: Path) -> None:
    """Without the emulator's extra, the demo names the package to install."""
    done = subprocess.run([command, "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "pip install 'peak-reconciler[emulator]'" in done.stderr
    assert "Traceback" not in done.stderr
