"""Runs `validate` as a process, as users do, without network, credentials or a home directory."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from processes import inherited_environment, run_command

CASES = Path(__file__).parent.parent / "cases" / "validate"


def environment(**extra: str) -> dict[str, str]:
    """Return an environment with the way to Python, `extra`, proxies that lead nowhere, and nothing else."""
    nowhere = "http://127.0.0.1:9"
    kept = inherited_environment("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
    return {**kept, "HOME": "/nonexistent", "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, **extra}


def run(*words: str | Path, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with `words` and return what it said."""
    return run_command(words, cwd=cwd, env=environment(**env))


def validate(*words: str | Path, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `validate`, which must say nothing on stderr and exit with 0 or 3."""
    done = run("validate", *words, cwd=cwd, **env)
    assert (done.stderr, done.returncode in {0, 3}) == ("", True), done
    return done


def shown_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines that were said, without the excerpts of the files."""
    return [line for line in done.stdout.splitlines() if not line.startswith("    ")]


def report(*words: str | Path, cwd: Path | None = None, **env: str) -> Any:
    """Run `validate --format json` and return the report."""
    done = validate("--format", "json", *words, cwd=cwd, **env)
    parsed = json.loads(done.stdout)
    assert done.returncode == (3 if parsed["summary"]["errors"] else 0)
    return parsed
