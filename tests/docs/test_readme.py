"""The README tells the truth: its tables are whole, its manifests valid, its commands work as written."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.client import Workflow
from reconciler.emulator.server import EmulatorServer
from reconciler.exits import ExitCode
from reconciler.schema import STEP_TYPES, Field, Kind, body_fields, step_fields

_ROOT = Path(__file__).parent.parent.parent
_README = (_ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", _README, re.DOTALL)


def _rows(first_column: str) -> list[list[str]]:
    """Return the rows of the table whose first heading is `first_column`."""
    lines = _README.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def _fields(field: Field, path: str) -> Iterator[str]:
    if field.children:
        for name, child in field.children.items():
            yield from _fields(child, f"{path}.{name}" if path else name)
    elif field.kind is Kind.MAP:
        yield f"{path}.<name>"
    elif field.item is not None and field.item.children:
        yield from _fields(field.item, f"{path}[]")
    else:
        yield path


def test_readme_opens_with_the_two_commands() -> None:
    """The first thing in the README are `make demo` and `make test`."""
    assert re.match(r"# peak-reconciler\n\n```console\n\$ make demo .*\n\$ make test .*\n```", _README)


def test_readme_names_every_field() -> None:
    """The table of fields has every field of the schema, with the steps that have it, and no other."""
    expected = {path: {"workflow"} for path in _fields(body_fields(), "") if not path.startswith("steps")}
    for kind in STEP_TYPES:
        for path in _fields(step_fields(kind), "steps.<step>"):
            expected.setdefault(path, set()).add(kind)
    told = {}
    for field, where, _, _ in _rows("field"):
        path = field.split("`")[1]
        told[path] = set(STEP_TYPES) if where == "every step" else set(where.split(", "))
    assert told == expected


def test_readme_names_every_method() -> None:
    """The table of methods has every method of the client, with the module it stands in."""
    methods = {
        name: Path(inspect.getfile(method)).name
        for name, method in inspect.getmembers(Workflow, inspect.isfunction)
        if not name.startswith("_")
    }
    told = {row[0].strip("`"): row[1].strip("`") for row in _rows("method")}
    assert told == {**methods, "get_client": "workflows.py"}


def test_readme_names_files_that_exist() -> None:
    """Every file and directory that the README names is there."""
    names = set(re.findall(r"`([a-z_]+/[a-z_/]*(?:\.\w+)?)`", _README)) | set(
        re.findall(r"\]\(([^)#:]+)\)", _README)
    )
    assert len(names) > 10
    for name in sorted(names):
        assert (_ROOT / name).exists() or (_ROOT / "reconciler" / name).exists(), name
    for row in _rows("method"):
        assert (_ROOT / "tests" / "client" / row[3].strip("`")).is_file(), row


def test_readme_lists_the_exit_codes() -> None:
    """The table of exit codes has those of the code, and no other."""
    assert [int(row[0]) for row in _rows("exit code")] == [code.value for code in ExitCode]


def test_readme_manifests_are_valid(tmp_path: Path) -> None:
    """Every manifest that the README shows is valid."""
    blocks = [block for block in _blocks("yaml") if not block.startswith("version:")]
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.yaml").write_text(block)
    command = [sys.executable, "-m", "reconciler", "validate", str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_readme_configuration_is_valid(tmp_path: Path) -> None:
    """The configuration that the README shows is valid, and names the manifests that a command works on."""
    (block,) = [block for block in _blocks("yaml") if block.startswith("version:")]
    (tmp_path / "reconciler.yaml").write_text(block)
    shutil.copytree(_ROOT / "examples" / "workflows", tmp_path / "workflows")
    command = [sys.executable, "-m", "reconciler", "validate"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 valid manifests" in done.stdout


def _commands() -> list[str]:
    """Return what the README types: the commands of this project, without their comments."""
    lines = [line for block in _blocks("console") for line in block.splitlines()]
    typed = [line.removeprefix("$ ").partition(" #")[0].strip() for line in lines]
    return [line for line in typed if line.startswith("peak-reconciler") and not line.endswith("&")]


@pytest.mark.parametrize("line", _commands())
def test_readme_commands_work(line: str, tmp_path: Path) -> None:
    """Every command of the README does what it says, with the README's own directories."""
    shutil.copytree(_ROOT / "examples" / "workflows", tmp_path / "workflows")
    shutil.copytree(_ROOT / "examples", tmp_path / "examples")
    with EmulatorServer() as server:
        env = {**os.environ, "PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "anything"}
        if " run " in line:  # what is started must be there
            applied = [sys.executable, "-m", "reconciler", "apply", "workflows", "--auto-approve"]
            subprocess.run(applied, env=env, cwd=tmp_path, capture_output=True, check=True)
        command = [sys.executable, "-m", "reconciler", *shlex.split(line)[1:]]
        done = subprocess.run(
            command, env=env, cwd=tmp_path, input="yes\n", capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
