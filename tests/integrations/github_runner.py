"""Runs the action and the workflows as GitHub's runner does: their very `run` strings, with the declared env.

What other actions do (check out, artifacts, code scanning) is done here in its place. Expressions are those
that the files use; another one fails the test.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from processes import forked_command

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
SHELL = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"'[^']*'|\b[a-z]+(?:\.[A-Za-z_][\w-]*)+")
_COMMANDS = {
    "error",
    "warning",
    "notice",
    "debug",
    "group",
    "add-mask",
    "add-matcher",
    "set-env",
    "add-path",
    "stop-commands",
}


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """Return the value of an expression in a workflow, as GitHub evaluates it."""

    def value(found: re.Match[str]) -> str:
        if found[0].startswith("'"):
            return found[0]
        inner: Any = contexts
        for part in found[0].split("."):
            inner = inner.get(part, "") if isinstance(inner, dict) else ""
        return repr(inner)

    python = _NAME.sub(value, text.strip())
    python = re.sub(r"!(?!=)", " not ", python).replace("&&", " and ").replace("||", " or ")
    return eval(python.strip(), {"__builtins__": {}, "cancelled": lambda: False})  # noqa: S307 - our own files


def filled(text: object, contexts: Mapping[str, Any]) -> str:
    """Return `text` with its expressions replaced by their values."""

    def shown(found: re.Match[str]) -> str:
        return str(evaluate(found[1], contexts))

    return _EXPRESSION.sub(shown, str(text))


def should_run(step: dict[str, Any], contexts: Mapping[str, Any], *, failed: bool) -> bool:
    """Return whether a step or a job runs: by default only if nothing has failed, else as its `if` says."""
    condition = str(step.get("if", "true")).strip()
    found = _EXPRESSION.fullmatch(condition)
    bare = found[1] if found else condition.replace("true", "1 == 1")
    return bool(evaluate(bare, contexts)) and (not failed or "cancelled()" in bare)


def commands(log: str) -> list[str]:
    """Return the lines of a log that the runner reads as commands, by the pattern in its source code."""
    found = []
    for line in log.splitlines():
        new = re.match(r"\s*::([\w-]+)(?: [^:]*)?::", line)
        old = re.search(r"##\[([\w-]+)[^\]]*\]", line)
        if {match[1] for match in (new, old) if match} & _COMMANDS:
            found.append(line)
    return found


@dataclass
class StepResult:
    """Result of a run of the action, a step or a job.

    Args:
        code: The exit code of the step that failed, else 0.
        log: What was printed.
        outputs: The outputs.
        summary: The step summary.
    """

    code: int = 0
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


@dataclass
class Runner:
    """A machine with a checked-out repository.

    Args:
        workspace: The repository.
        temp: `RUNNER_TEMP`.
        env: The variables of GitHub, and those that the job declares.
        github: The `github` context.
        secrets: The secrets.
        artifacts: Those that were uploaded.
        scanned: The SARIF files that code scanning was given.
    """

    workspace: Path
    temp: Path
    env: dict[str, str]
    github: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)
    scanned: list[Path] = field(default_factory=list)

    def install(self, *, forked: bool = True) -> None:
        """Install the tool where the action's first step does, so that this step has no work.

        With `forked`, a process that has loaded the command line forks it; without, an interpreter starts.

        `INSTALLED_ACTION` names a directory into which that step has really installed it.
        """
        home = self.temp / "peak-reconciler"
        if "INSTALLED_ACTION" in os.environ:
            if not home.exists():
                home.symlink_to(os.environ["INSTALLED_ACTION"])
            return
        (home / "bin").mkdir(parents=True, exist_ok=True)
        command = forked_command() if forked else [sys.executable, "-I", "-m", "reconciler"]
        for name, words in (("python", [sys.executable]), ("peak-reconciler", command)):
            (home / "bin" / name).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            (home / "bin" / name).chmod(0o755)
        lock = (ROOT / "requirements.lock").read_bytes()
        sum_ = subprocess.run(["cksum"], input=lock, capture_output=True, check=True).stdout.decode()
        (home / "made").write_text(f"{ROOT} {sum_}")

    def action(self, **given: str) -> StepResult:
        """Run the action with inputs, their hyphens written as underscores."""
        inputs = {
            name: filled(one.get("default", ""), {"github": self.github})
            for name, one in ACTION["inputs"].items()
        }
        named = {name.replace("_", "-"): value for name, value in given.items()}
        assert set(named) <= set(inputs), named
        assert all(named.get(name) for name, one in ACTION["inputs"].items() if one.get("required"))
        contexts: dict[str, Any] = {"inputs": {**inputs, **named}, "github": self.github, "steps": {}}
        ran = StepResult()
        for step in ACTION["runs"]["steps"]:
            if should_run(step, contexts, failed=ran.code != 0):
                one = self.step(step, contexts)
                ran = StepResult(
                    code=ran.code or one.code, log=ran.log + one.log, summary=ran.summary + one.summary
                )
                contexts["steps"][step.get("id", "")] = {"outputs": one.outputs}
        ran.outputs = {name: filled(one["value"], contexts) for name, one in ACTION["outputs"].items()}
        return ran

    def step(self, step: dict[str, Any], contexts: Mapping[str, Any]) -> StepResult:
        """Run one `run` step and return its result."""
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        ended = subprocess.run(
            [*SHELL, "-c", step["run"]],
            env=self.variables(step, contexts),
            cwd=self.workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=100,
        )
        return self.ended(ended.returncode, ended.stdout.decode())

    def variables(self, step: dict[str, Any], contexts: Mapping[str, Any]) -> dict[str, str]:
        """Return the variables that a step sees."""
        for name in ("output", "summary"):
            (self.temp / name).write_text("")
        declared = {name: filled(value, contexts) for name, value in step.get("env", {}).items()}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temp),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            **self.env,
            **declared,
        }

    def ended(self, code: int, log: str) -> StepResult:
        """Return the result of a step that has ended."""
        lines = (self.temp / "output").read_text().splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        return StepResult(code=code, log=log, outputs=outputs, summary=(self.temp / "summary").read_text())

    def workflow(self, name: str) -> dict[str, StepResult]:
        """Run the jobs of a workflow in order and return the result of each that ran."""
        jobs = yaml.safe_load((ROOT / "examples" / "ci" / "github" / name).read_text())["jobs"]
        done: dict[str, StepResult] = {}
        for key, job in jobs.items():
            needed = [job["needs"]] if "needs" in job else []
            needs = {one: {"outputs": done[one].outputs} for one in needed if one in done}
            contexts: dict[str, Any] = {
                "github": self.github,
                "secrets": self.secrets,
                "runner": {"temp": str(self.temp)},
                "needs": needs,
                "inputs": {},
            }
            if all(one in done and done[one].code == 0 for one in needed) and should_run(
                job, contexts, failed=False
            ):
                done[key] = self._job(job, contexts)
        return done

    def _job(self, job: dict[str, Any], contexts: dict[str, Any]) -> StepResult:
        contexts["steps"] = {}
        ran = StepResult()
        for step in job["steps"]:
            if not should_run(step, contexts, failed=ran.code != 0):
                continue
            one = self._used(step, {key: filled(text, contexts) for key, text in step["with"].items()})
            ran = StepResult(
                code=ran.code or one.code, log=ran.log + one.log, summary=ran.summary + one.summary
            )
            contexts["steps"][step.get("id", "")] = {"outputs": one.outputs}
        ran.outputs = {name: filled(text, contexts) for name, text in job.get("outputs", {}).items()}
        return ran

    def _used(self, step: dict[str, Any], given: dict[str, str]) -> StepResult:
        """Imitate an action that a workflow uses; each is pinned by a commit."""
        name, _, commit = step["uses"].partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", commit)
        match name:
            case "your-org/peak-reconciler":
                return self.action(**given)
            case "actions/checkout":
                assert given["persist-credentials"] == "False"
            case "actions/upload-artifact":
                self._upload(given["name"], Path(given["path"]))
            case "actions/download-artifact":
                shutil.copytree(self.artifacts[given["name"]], given["path"])
            case "github/codeql-action/upload-sarif":
                self.scanned.append(Path(given["sarif_file"]))
            case _:
                raise AssertionError(name)
        return StepResult()

    def _upload(self, name: str, path: Path) -> None:
        kept = self.temp / "artifacts" / name
        if path.is_dir():
            shutil.copytree(path, kept)
        else:
            kept.mkdir(parents=True)
            shutil.copy(path, kept)
        self.artifacts[name] = kept
