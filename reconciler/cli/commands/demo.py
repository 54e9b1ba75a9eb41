"""`peak-reconciler demo`: a tour of the commands on the embedded emulator."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

from reconciler.cli.help import command_of
from reconciler.cli.terminal import show
from reconciler.client import Session, Workflow
from reconciler.emulator import emulator_server_class
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.plan import list_tenant
from reconciler.render import paint

_TOKEN: Final = "demo-token"  # noqa: S105 - for the emulator only


@command_of("demo", examples=(("demo", "Take the tour: it needs neither credentials nor a network"),))
def command() -> None:
    """Show validate, plan and apply on an emulated tenant, without credentials or network.

    Starts the emulator, validates, plans and applies the example manifests, plans again, changes a live
    workflow by hand, shows the drift and corrects it.
    """
    manifests = _examples()
    with emulator_server_class()(token=_TOKEN) as server:
        tour = _Tour(server.url, manifests)
        tour.say("The emulated tenant is empty. Validate the manifests, as in a pull request:")
        tour.run(ExitCode.OK, "validate")
        tour.say("Plan. It only reads, and shows that every workflow would be created:")
        tour.run(ExitCode.DIFFERENCES, "plan", "--detailed-exitcode")
        tour.say("Apply the plan, and verify every workflow:")
        tour.run(ExitCode.OK, "apply", "--auto-approve")
        tour.say("Plan again. There are no changes:")
        tour.run(ExitCode.OK, "plan", "--detailed-exitcode")
        tour.say(f"Someone changes a live workflow by hand: {_drift(server.url)}. Plan shows the drift:")
        tour.run(ExitCode.DIFFERENCES, "plan", "--detailed-exitcode")
        tour.say("Apply corrects the drift, and a last plan has no changes:")
        tour.run(ExitCode.OK, "apply", "--auto-approve")
        tour.run(ExitCode.OK, "plan", "--detailed-exitcode")
    show(paint("\nDone: the tenant matches Git.", "green"))
    show("Next, with your own manifests: PEAK_AUTH_TOKEN=… peak-reconciler plan DIRECTORY")


def _examples() -> Path:
    """Return the example manifests of the wheel or the checkout, relative to here if possible."""
    package = Path(__file__).resolve().parents[2]
    shipped = package / "examples"
    folder = shipped if shipped.is_dir() else package.parent / "examples" / "workflows"
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _drift(url: str) -> str:
    """Change a live workflow without Git, and return a description of the change."""
    with Session(_TOKEN, base_url=url) as session:
        client = Workflow(session)
        (scoring,) = list_tenant(client, "scoring")
        client.patch_workflow(scoring.id, command="python score.py --quick", step_names=["score"])
    return "a new command in workflow scoring"


class _Tour:
    """Runs numbered steps: each command in a process of its own, with a check of its exit code."""

    def __init__(self, url: str, manifests: Path) -> None:
        # The user's settings are for other tenants.
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
