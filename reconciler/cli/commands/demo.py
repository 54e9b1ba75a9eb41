"""`peak-reconciler demo`: the whole cycle on the emulator, with the commands that users type."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

from reconciler.cli.commands.emulator import server_module
from reconciler.cli.help import command_of
from reconciler.cli.terminal import show
from reconciler.client import Session, Workflow
from reconciler.errors import ReconcilerError
from reconciler.exits import ExitCode
from reconciler.plan.tenant import list_tenant
from reconciler.render.style import paint

_TOKEN: Final = "demo-token"  # noqa: S105 - the emulator's, made up


@command_of("demo")
def command() -> None:
    """Show the whole cycle on the emulator: no credentials, no network.

    Starts the emulator, validates, plans and applies the example manifests, plans again, changes a workflow
    by hand, shows the drift and corrects it.
    """
    manifests = _examples()
    with server_module().EmulatorServer(token=_TOKEN) as server:
        cycle = _Cycle(server.url, manifests)
        cycle.say("An emulated tenant, still empty. Check the manifests, as in a pull request:")
        cycle.run(ExitCode.OK, "validate")
        cycle.say("Plan: reads only. Every workflow is missing and would be created:")
        cycle.run(ExitCode.DIFFERENCES, "plan", "--detailed-exitcode")
        cycle.say("Apply: create them, and verify each by reading it back:")
        cycle.run(ExitCode.OK, "apply", "--auto-approve")
        cycle.say("Plan again: no changes:")
        cycle.run(ExitCode.OK, "plan", "--detailed-exitcode")
        cycle.say(f"Somebody changes a live workflow by hand: {_drift(server.url)}. Plan shows the drift:")
        cycle.run(ExitCode.DIFFERENCES, "plan", "--detailed-exitcode")
        cycle.say("Apply corrects it, and the last plan has no changes:")
        cycle.run(ExitCode.OK, "apply", "--auto-approve")
        cycle.run(ExitCode.OK, "plan", "--detailed-exitcode")
    show(paint("\nDone: the tenant matches Git.", "green"))
    show("Next: PEAK_AUTH_TOKEN=… peak-reconciler plan DIRECTORY, with the manifests you have.")


def _examples() -> Path:
    """Return the directory of example manifests, in the wheel or the checkout."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "examples"
    folder = shipped if shipped.is_dir() else package.parent / "examples" / "workflows"
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _drift(url: str) -> str:
    """Change a live workflow without Git, and return the change in words."""
    with Session(_TOKEN, base_url=url) as session:
        client = Workflow(session)
        (scoring,) = list_tenant(client, "scoring")
        client.patch_workflow(scoring.id, command="python score.py --quick", step_names=["score"])
    return "another command in the workflow scoring"


class _Cycle:
    """The commands of the demo, each run as a process, with a check of its exit code."""

    def __init__(self, url: str, manifests: Path) -> None:
        # Variables that a user set for another tenant must not apply here.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RECONCILER_")}
        self._env = {**kept, "PEAK_API_URL": url, "PEAK_AUTH_TOKEN": _TOKEN}
        self._manifests = manifests
        self._number = 0

    def say(self, text: str) -> None:
        self._number += 1
        show("\n" + paint(f"{self._number}. {text}", "bold"))

    def run(self, expected: ExitCode, *words: str) -> None:
        arguments = [words[0], str(self._manifests), *words[1:]]
        show(paint(f"$ peak-reconciler {shlex.join(arguments)}", "cyan"))
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", "reconciler", *arguments], env=self._env, check=False)  # noqa: S603 - our own command
        if done.returncode != expected:
            raise ReconcilerError(f"the demo failed: exit code {done.returncode}, expected {expected.value}")
