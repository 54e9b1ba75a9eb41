"""Growth of each command: one repository and tenant, and commands in an order that gives each its work.

    python benchmarks/growth.py COUNT [STEP]...

prints the processor time, the requests and the peak memory of each step, or of those that are named and what
they need before.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from manifests import write_manifests
from measuring import COMMAND, Command, Run
from tenants import TOKEN, Tenants

_OWNED: Final = ("--config", "owned.yaml")
_APPLIED: Final = ("--auto-approve", *_OWNED)
_FLEET: Final = ("--config", "fleet.yaml", "--shards", "4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command that does its work on all workflows.

    Args:
        name: Its name in the table.
        words: Its command line.
        prepare: What is done before, as `Repository` names it; nothing by default.
        needed: Whether steps after it need what it does.
    """

    name: str
    words: Sequence[str]
    prepare: str = ""
    needed: bool = False


READS: Final = (
    Step(name="validate", words=("validate",)),
    Step(name="forecast --offline", words=("forecast", "--offline")),
    Step(name="diff of two directories", words=("diff", "workflows", "other")),
    Step(name="plan of creates", words=("plan", "--save-plan", "saved.json"), prepare="empty", needed=True),
    Step(name="show --format html", words=("show", "saved.json", "--format", "html")),
    Step(name="plan", words=("plan",), prepare="load", needed=True),
    Step(name="plan after a plan", words=("plan",)),
    Step(name="status --format html", words=("status", "--format", "html")),
    Step(name="executions --all", words=("executions", "--all"), prepare="executions"),
    Step(name="export --all", words=("export", "--all", "--output-dir", "exported")),
)
"""The commands that write nothing to the tenant, in the order in which they run."""

MORE_READS: Final = (
    Step(name="render", words=("render",)),
    Step(name="status --history", words=("status", "--history"), prepare="load", needed=True),
    Step(name="reconcile --dry-run", words=("reconcile", "--dry-run")),
    Step(name="plan --base", words=("plan", "--base", "HEAD"), prepare="commit"),
    Step(name="doctor", words=("doctor",)),
    Step(name="forecast", words=("forecast",)),
    Step(
        name="fleet plan --shards 4",
        words=("fleet", "plan", *_FLEET, "--output", "json=fleet.out"),
        needed=True,
    ),
    Step(name="report merge", words=("report", "merge", "fleet.out")),
    Step(name="plan of updates --format json", words=("plan", "other", "--format", "json")),
    Step(name="plan of updates --format markdown", words=("plan", "other", "--format", "markdown")),
    Step(name="plan of updates --format html", words=("plan", "other", "--format", "html")),
)
"""Others, which do much of the same."""

WRITES: Final = (
    Step(name="apply of creates", words=("apply", *_APPLIED), prepare="empty", needed=True),
    Step(name="apply of updates", words=("apply", "other", *_APPLIED), needed=True),
    Step(name="show of backups", words=("show", ".reconciler/backups")),
    Step(name="rollback --list", words=("rollback", "--list")),
    Step(name="rollback", words=("rollback", "--auto-approve", *_OWNED), needed=True),
    Step(
        name="apply of deletes",
        words=("apply", "--prune", "--allow-deletes", "1000000", *_APPLIED),
        prepare="thin",
    ),
    Step(name="capture --all", words=("capture", "--all", "--yes", "--include-unapplied"), prepare="drift"),
    Step(name="adopt", words=("adopt", "--auto-approve", *_OWNED), prepare="adoptable"),
)
"""The commands that write to the tenant or to manifests, in the order in which they run."""


class Repository:
    """A repository of manifests and its tenant.

    Args:
        folder: An empty directory for it.
        count: The number of workflows.
        tenants: A tenant.
    """

    def __init__(self, folder: Path, count: int, tenants: Tenants) -> None:
        self._folder = folder
        self._count = count
        self._tenants = tenants
        self._home = folder / "home"
        self._work = folder / "work"
        self._work.mkdir(parents=True)
        self._env = {
            "PEAK_API_URL": tenants.urls[0],
            "PEAK_AUTH_TOKEN": TOKEN,
            "HOME": str(self._home),
            "XDG_CACHE_HOME": str(self._home / ".cache"),
            **{
                f"GIT_{who}_{what}": "benchmark"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }
        write_manifests(self._work / "workflows", count)
        write_manifests(self._work / "other", count, seed=1)
        configuration: dict[str, Any] = {"version": 1, "manifests": ["workflows"]}
        (self._work / "reconciler.yaml").write_text(json.dumps(configuration))
        owned = {**configuration, "ownership": {"tag": "benchmark"}}
        (self._work / "owned.yaml").write_text(json.dumps(owned))
        one = {"api_url_env": "PEAK_API_URL", "token_env": "PEAK_AUTH_TOKEN"}
        (self._work / "fleet.yaml").write_text(json.dumps({**configuration, "environments": {"one": one}}))
        self._home.mkdir()

    def measured(self, steps: Sequence[Step], names: Collection[str] = ()) -> Iterator[tuple[str, Run, int]]:
        """Run steps, and yield the name of each, what it took, and its requests.

        Args:
            steps: All steps.
            names: The names of those that are measured, all by default; others run where they are needed.
        """
        left = len(names or steps)
        for step in steps:
            chosen = not names or step.name in names
            if not left or not (chosen or step.needed):
                continue
            if step.prepare:
                self._prepare(step.prepare)
            self._tenants.order("requests")
            run = Command(words=[COMMAND, *step.words], env=self._env, cwd=self._work).run()
            if chosen:
                left -= 1
                yield step.name, run, sum(self._tenants.order("requests")["methods"].values())

    def _prepare(self, word: str) -> None:
        preparations: Mapping[str, Callable[[], object]] = {
            "empty": lambda: self._tenants.order("empty"),
            "load": lambda: self._tenants.order("load", folder=str(self._work / "workflows")),
            "executions": lambda: self._tenants.order("executions"),
            "commit": self._commit,
            "thin": self._thin,
            "drift": self._drift,
            "adoptable": self._adoptable,
        }
        preparations[word]()

    def _commit(self) -> None:
        for words in (("init", "-q"), ("add", "workflows"), ("commit", "-q", "-m", "Manifests")):
            Command(words=["git", *words], env=self._env, cwd=self._work).run()

    def _thin(self) -> None:
        """Leave one manifest of ten."""
        for number, file in enumerate(sorted((self._work / "workflows").rglob("*.yaml"))):
            if number % 10:
                file.unlink()

    def _drift(self) -> None:
        """Write all manifests again, and change each workflow of the tenant."""
        write_manifests(self._work / "workflows", self._count)
        self._tenants.order("load", folder=str(self._work / "workflows"), other=1)

    def _adoptable(self) -> None:
        """Leave no manifest."""
        shutil.rmtree(self._work / "workflows")
        (self._work / "workflows").mkdir()


def main() -> None:
    """Do what the command line says."""
    count, *names = sys.argv[1:]
    unknown = set(names) - {step.name for step in (*READS, *MORE_READS, *WRITES)}
    if unknown:
        raise SystemExit(f"no such step: {', '.join(sorted(unknown))}")
    for steps in (READS, MORE_READS, WRITES):
        chosen = {step.name for step in steps if step.name in names}
        if names and not chosen:
            continue
        with tempfile.TemporaryDirectory() as folder, Tenants() as tenants:
            repository = Repository(Path(folder) / "repository", int(count), tenants)
            for name, run, requests in repository.measured(steps, chosen):
                print(
                    f"{count:>6} {name:32} {run.cpu:8.2f} s CPU {run.seconds:8.2f} s {requests:7} requests "
                    f"{run.mebibytes:6.0f} MiB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
