"""Fleet of the benchmark: tenants, some with faults, gone or refusing, and workers that are lost."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from manifests import write_manifests
from measuring import COMMAND, Command
from tenants import TOKEN, Tenants

LIVE: Final = 6
"""The tenants that can be reached; two of them have faults."""

_UNREACHABLE: Final = "http://127.0.0.1:9"
_FAULTS: Final = ("500:5%@GET", "drop-after:5%@POST")
_RATE: Final = 400


class BenchmarkFleet:
    """A repository with an environment for each of eight tenants.

    Args:
        folder: The repository.
        count: The number of workflows of each tenant.
        tenants: The tenants that can be reached.
        latency: Their latency, in seconds.
    """

    def __init__(self, folder: Path, count: int, tenants: Tenants, latency: float) -> None:
        self._folder = folder
        self._tenants = tenants
        self._count = count
        self._chance = random.Random(0)  # noqa: S311 - moments
        self.names = [f"live-{number}" for number in range(LIVE)]
        urls = [*tenants.urls, _UNREACHABLE, tenants.urls[0]]
        self._env: dict[str, str] = {}
        environments: dict[str, Any] = {}
        for name, url in zip((*self.names, "dead", "refused"), urls, strict=True):
            word = name.upper().replace("-", "_")
            self._env |= {f"PEAK_{word}_URL": url, f"TOKEN_{word}": "wrong" if name == "refused" else TOKEN}
            environments[name] = {
                "api_url_env": f"PEAK_{word}_URL",
                "token_env": f"TOKEN_{word}",
                "max_requests_per_second": _RATE,
            }
        write_manifests(folder / "workflows", count)
        document = {"version": 1, "manifests": ["workflows"], "environments": environments}
        (folder / "reconciler.yaml").write_text(json.dumps(document))
        delay = [f"latency:{latency * 1000:g}ms"]
        for number in range(LIVE):
            tenants.order("faults", tenant=number, faults=[*delay, *(_FAULTS if number < 2 else ())])  # noqa: PLR2004 - two of them

    def alone(self, name: str) -> Command:
        """Return the apply of one tenant by itself."""
        return self._command("apply", "--environment", name, "--auto-approve", codes=frozenset({0}))

    def together(self, workers: int) -> Command:
        """Return the apply of all of them, during which one worker is lost."""
        command = self._command(
            "fleet",
            "apply",
            "--auto-approve",
            "--shards",
            "2",
            "--workers",
            str(workers),
            codes=frozenset({1}),  # of the two broken ones
        )
        return Command(
            words=command.words,
            env=command.env,
            cwd=command.cwd,
            codes=command.codes,
            before=lambda: self._and(command.before, self._lose_a_worker),
        )

    def check(self) -> None:
        """Check that every tenant that can be reached has each workflow once.

        Raises:
            SystemExit: One has not.
        """
        for number in range(LIVE):
            found = self._tenants.order("names", tenant=number)
            if found != {"workflows": self._count, "names": self._count}:
                raise SystemExit(f"live-{number} did not converge: {found}, wanted {self._count}")

    def empty(self) -> None:
        """Delete the workflows of all tenants."""
        for number in range(LIVE):
            self._tenants.order("empty", tenant=number)
            self._tenants.order("requests", tenant=number)

    def _and(self, *steps: Callable[[], object]) -> None:
        for step in steps:
            step()

    def _command(self, *words: str, codes: frozenset[int]) -> Command:
        return Command(
            words=[COMMAND, *words], env=self._env, cwd=self._folder, codes=codes, before=self.empty
        )

    def _lose_a_worker(self) -> None:
        """Kill a worker at a random moment of the run that begins now, if it still runs then."""
        threading.Thread(target=self._kill_later, args=(self._chance.uniform(0, 6),), daemon=True).start()

    def _kill_later(self, seconds: float) -> None:
        deadline = time.monotonic() + 60
        while not self._tenants.order("requests", tenant=LIVE - 1)["methods"]:
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)
        time.sleep(seconds)
        for worker in self._workers()[:1]:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    def _workers(self) -> list[int]:
        """Return the process ids of the workers, on Linux."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "cwd").readlink() == self._folder.resolve() and b"spawn_main" in (
                    process / "cmdline"
                ).read_bytes():
                    found.append(int(process.name))
        return sorted(found)
