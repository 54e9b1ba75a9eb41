"""`peak-reconciler demo`: the whole round on the embedded emulator, with the commands that users type."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import click

from reconciler.cli.embedded import server_module
from reconciler.cli.terminal import show
from reconciler.client import Session, Workflow
from reconciler.errors import ReconcilerError
from reconciler.exits import ExitCode
from reconciler.plan import list_tenant
from reconciler.render.style import paint

_TOKEN: Final = "demo-token"  # noqa: S105 - the emulator's, made up


@click.command(name="demo")
def command() -> None:
    """See the whole round on the emulator: no credentials, no network.

    Starts the emulator, validates, plans and applies the example manifests, plans again, changes a workflow
    behind Git's back, shows the drift and heals it.
    """
    manifests = _examples()
    with server_module().EmulatorServer(token=_TOKEN) as server:
        round_ = _Round(server.url, manifests)
        round_.say("An emulated tenant, still empty. The manifests pass the check that a pull request gets:")
        round_.run(ExitCode.OK, "validate")
        round_.say("Plan only reads. Everything is to be created:")
        round_.run(ExitCode.DIFFERENCES, "plan", "--detailed-exitcode")
        round_.say("Apply does it, and reads every workflow back:")
        round_.run(ExitCode.OK, "apply", "--auto-approve")
        round_.say("Planned again, there is nothing to do:")
        round_.run(ExitCode.OK, "plan", "--detailed-exitcode")
        round_.say(f"Now somebody changes the live workflow by hand: {_drift(server.url)}. That is drift:")
        round_.run(ExitCode.DIFFERENCES, "plan", "--detailed-exitcode")
        round_.say("Apply heals it, and the last plan is empty again:")
        round_.run(ExitCode.OK, "apply", "--auto-approve")
        round_.run(ExitCode.OK, "plan", "--detailed-exitcode")
    show(paint("\nThat was the whole round: Git and the tenant are one.", "green"))
    show("Next: PEAK_AUTH_TOKEN=… peak-reconciler plan DIRECTORY, with the manifests you have today.")


def _examples() -> Path:
    """Return the example manifests: inside the wheel, or in the checkout, as near as they can be named."""
    package = Path(__file__).resolve().parents[2]
    shipped = package / "examples"
    folder = shipped if shipped.is_dir() else package.parent / "examples" / "workflows"
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _drift(url: str) -> str:
    """Change a workflow as somebody without Git would, and return what was done."""
    with Session(_TOKEN, base_url=url) as session:
        client = Workflow(session)
        (scoring,) = list_tenant(client, "scoring")
        client.patch_workflow(scoring.id, command="python score.py --quick", step_names=["score"])
    return "another command in the workflow scoring"


class _Round:
    """Runs commands as processes of their own, as a user would, and sees that they end as they should."""

    def __init__(self, url: str, manifests: Path) -> None:
        # What a user has set for tenants of their own is not meant for this one.
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
            raise ReconcilerError(
                f"the demo did not go as it should: exit code {done.returncode} in place of {expected.value}"
            )
