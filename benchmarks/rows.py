"""Rows of the benchmark: a command for each kind of work, what it is compared with, and the ratio wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fleets import LIVE, BenchmarkFleet
from growth import MORE_READS, READS, WRITES, Repository, Step
from manifests import write_manifests, write_templates
from measuring import COMMAND, Command, Figure, Run, alternating, load, median
from tenants import TOKEN, Tenants

_HERE: Final = Path(__file__).parent
_SDK_PYTHON: Final = os.environ.get("PEAK_SDK_PYTHON")
_HIDING: Final = ["token-omitted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured.

    Args:
        runs: How often a command is run; fewer where it takes minutes.
        many: The manifests of the largest work.
        plans: The numbers of workflows of plans over a slow network.
        some: The number of workflows where a slow program is compared.
        updates: The number of workflows that an apply updates.
        latency: The latency of the tenant, in seconds.
        series: The numbers of workflows of the curve over the size, besides `plans`.
        latencies: The latencies of the curve over the latency, in seconds.
        steps: The number of commands of each row about growth.
        looped: The workflows on which the public client's loop is measured for a curve; the rest is computed.
        fleet: The number of workflows of each tenant of a fleet; 0 for no fleet.
    """

    runs: int
    many: int
    plans: tuple[int, ...]
    some: int
    updates: int
    latency: float
    series: tuple[int, ...]
    latencies: tuple[float, ...]
    steps: int
    looped: int
    fleet: int


FULL: Final = Sizes(
    runs=5,
    many=10_000,
    plans=(2_000, 10_000),
    some=1_000,
    updates=300,
    latency=0.05,
    series=(10, 100, 1_000),
    latencies=(0.0, 0.01, 0.025, 0.05, 0.1),
    steps=99,
    looped=30,
    fleet=200,
)
QUICK: Final = Sizes(
    runs=1,
    many=100,
    plans=(100,),
    some=20,
    updates=20,
    latency=0.02,
    series=(10,),
    latencies=(0.02,),
    steps=1,
    looped=5,
    fleet=0,
)


class Rows:
    """The measurements, one method for each row; each yields its figures.

    Args:
        folder: A directory for manifests, which is the working directory of the commands, too.
        tenants: One emulated tenant.
        sizes: How much is measured.
    """

    def __init__(self, folder: Path, tenants: Tenants, sizes: Sizes) -> None:
        self._folder = folder
        self._tenants = tenants
        self._sizes = sizes
        self._home = folder / "home"
        url = tenants.urls[0]
        self._env = {"PEAK_API_URL": url, "PEAK_AUTH_TOKEN": TOKEN, "HOME": str(self._home)}
        self._env["XDG_CACHE_HOME"] = str(self._home / ".cache")
        (folder / "work").mkdir()
        self._forget()

    def startup(self) -> Iterator[Figure]:
        """Compare the start with the import of click."""
        runs = self._sizes.runs * 3
        for option in ("--help", "--version"):
            before = load()
            ours, click = alternating([self._command(option), self._python("-c", "import click")], runs)
            yield _figure(option, "", ours, "import click", click, 1.5, before)

    def validate(self) -> Iterator[Figure]:
        """Compare with parsing alone, with the same manifests as templates, and with a general checker."""
        count = self._sizes.many
        folder = self._manifests(count)
        before = load()
        commands = [self._command("validate", folder), self._bare_program("parse", folder)]
        ours, parsed = alternating(commands, self._sizes.runs)
        yield _figure(f"validate {count:,}", "", ours, "CSafeLoader alone", parsed, 1.4, before)
        yield from self._templates(folder, count)
        yield from self._other_checker()

    def _templates(self, literal: Path, count: int) -> Iterator[Figure]:
        folder, parameters = self._folder / "templates", self._folder / "parameters.json"
        write_templates(folder, count)
        parameters.write_text('{"region": "eu", "storage": "20GB", "branch": "main", "tags": ["nightly"]}')
        before = load()
        rendered, parsed = alternating(
            [self._command("validate", folder, "--params", parameters), self._command("validate", literal)],
            min(self._sizes.runs, 3),
        )
        yield _figure(f"validate {count:,} templates", "", rendered, "as literal files", parsed, 2.0, before)

    def _other_checker(self) -> Iterator[Figure]:
        tool = shutil.which("check-jsonschema", path=str(Path(sys.executable).parent))
        if tool is None:
            print("check-jsonschema is not installed; not compared", file=sys.stderr)
            return
        count = self._sizes.some
        folder, schema = self._manifests(count), self._folder / "manifest.json"
        schema.write_bytes(subprocess.run([COMMAND, "schema", "manifest"], stdout=-1, check=True).stdout)
        files = [str(file) for file in sorted(folder.rglob("*.yaml"))]
        before = load()
        theirs = Command(words=[tool, "--schemafile", str(schema), *files], env={})
        ours, checker = alternating([self._command("validate", folder), theirs], min(self._sizes.runs, 3))
        yield _figure(f"validate {count:,}", "", ours, "check-jsonschema", checker, 12, before, at_least=True)

    def plan(self) -> Iterator[Figure | dict[str, Any]]:
        """Compare a cold plan without changes with the bound: the network's time or bare processor time."""
        latency, concurrency = self._sizes.latency, 32
        for count in self._sizes.plans:
            folder = self._loaded(count, latency)
            before = load()
            ours, bare = alternating(
                [
                    self._plan(folder, concurrency),
                    self._bare_program("plan", folder, self._url, concurrency, counted=True),
                ],
                self._runs(count),
                warm=False,
            )
            row = f"plan {count:,}, no changes, {latency * 1000:g} ms, concurrency {concurrency}"
            bound = self._bound(bare, latency, concurrency)
            yield _limited(row, ours, "the bound", bound, 1.25, before)
            yield _figure(row, "", ours, "bare program", bare, 1.25, before)
            yield {
                "count": count,
                "latency": latency,
                "bound": bound,
                "plan": median(ours),
                "bare": median(bare),
                "load": (before, load()),
            }
            if count == max(self._sizes.plans):
                yield _memory(f"plan {count:,}", ours, 200, before)
                yield from self._warm_plan(folder, count, concurrency)

    def _warm_plan(self, folder: Path, count: int, concurrency: int) -> Iterator[Figure]:
        """Compare a plan that follows another with `validate` and a walk of the list."""
        before = load()
        warm = self._plan(folder, concurrency, cold=False)
        ours, checked, listed = alternating(
            [warm, self._command("validate", folder), self._bare_program("list", self._url)],
            self._runs(count),
        )
        limit = median(checked) + median(listed)
        yield _limited(f"plan {count:,} after a plan", ours, "validate + list", limit, 1.3, before)

    def client(self) -> Iterator[Figure]:
        """Compare a plan without latency with the public client's loop, and with secrets that are hidden."""
        count = self._sizes.some
        folder = self._loaded(count, 0)
        before = load()
        commands = [self._plan(folder, 10), *self._public("describe")]
        ours, *theirs = alternating(commands, min(self._sizes.runs, 3))
        for loop in theirs:
            row = f"plan {count:,}, no changes, 0 ms"
            yield _figure(row, "", ours, "the client's describe loop", loop, 2.0, before, at_least=True)
        self._tenants.order("profile", profile=_HIDING)
        self._command("apply", folder, "--auto-approve", "--resend-secrets", "--max-change-ratio", "1").run()
        hidden, _ = alternating([self._plan(folder, 10)] * 2, min(self._sizes.runs, 3))
        self._tenants.order("profile", profile=[])
        yield _figure(f"plan {count:,}, tokens hidden, 0 ms", "", hidden, "tokens shown", ours, 1.2, before)

    def apply(self) -> Iterator[Figure]:
        """Compare an apply of updates with the bound and with the public client's loop."""
        count, latency, concurrency = self._sizes.updates, self._sizes.latency, 10
        folder = self._loaded(count, latency)

        def outdate() -> None:
            self._tenants.order("load", folder=str(folder), other=1)
            self._forget()
            self._tenants.order("requests")

        words = ("apply", folder, "--auto-approve", "--max-change-ratio", "1", "--concurrency", concurrency)
        commands = [
            self._command(*words, before=outdate),
            self._bare_program("apply", folder, self._url, concurrency, counted=True, before=outdate),
            *self._public("update", str(folder), before=outdate),
        ]
        before = load()
        ours, bare = alternating(commands[:2], min(self._sizes.runs, 3), warm=False)
        row = f"apply {count} updates, {latency * 1000:g} ms, concurrency {concurrency}"
        yield _limited(row, ours, "the bound", self._bound(bare, latency, concurrency), 1.25, before)
        for command in commands[2:]:
            loop = [command.run()]
            yield _figure(row, "", ours, "the client's update loop", loop, 5, before, at_least=True)

    def limited(self) -> Iterator[Figure]:
        """Compare a plan of a tenant with a rate limit with the time that the limit allows."""
        count, latency = self._sizes.some, self._sizes.latency
        rate = max(20, count // 5)
        folder = self._loaded(count, latency)
        self._tenants.order("faults", faults=[f"latency:{latency * 1000:g}ms", f"429-seconds:0.5:{rate}/s"])
        before = load()
        self._tenants.order("requests")
        (ours,) = alternating([self._plan(folder, 32)], min(self._sizes.runs, 3), warm=False)
        statuses = self._tenants.order("requests")["statuses"]
        accepted = sum(number for status, number in statuses.items() if status != "429") / len(ours)
        row = f"plan {count:,}, {rate} requests a second allowed, no limit set"
        yield _limited(row, ours, "requests ÷ limit", accepted / rate, 2, before)

    def creates(self) -> Iterator[Figure]:
        """Measure the memory of a plan of nothing but creates as JSON."""
        count = self._sizes.many
        folder = self._manifests(count)
        self._tenants.order("empty")
        before = load()
        (ours,) = alternating([self._plan(folder, 10, "--format", "json")], 1, warm=False)
        yield _memory(f"plan {count:,} creates as JSON", ours, 400, before)

    def growth(self) -> Iterator[Figure]:
        """Compare commands that read at a size with a tenth of it: processor time, requests, memory."""
        yield from self._growth(READS)

    def growth_of_reads(self) -> Iterator[Figure]:
        """Compare further commands that read at a size with a tenth of it."""
        yield from self._growth(MORE_READS)

    def growth_of_writes(self) -> Iterator[Figure]:
        """Compare commands that write at a size with a tenth of it."""
        yield from self._growth(WRITES)

    def _growth(self, steps: Sequence[Step]) -> Iterator[Figure]:
        small, large = self._sizes.many // 10, self._sizes.many
        before = load()
        fewer = {name: taken for name, *taken in self._taken(small, steps)}
        for name, run, requests in self._taken(large, steps):
            less, requested = fewer[name]
            for measured, value, of_less, unit in (
                ("CPU time", run.cpu, less.cpu, "s"),
                ("requests", requests, requested, ""),
                ("peak memory", run.mebibytes, less.mebibytes, "MiB"),
            ):
                if value:
                    yield Figure(
                        row=f"{name}, {large:,}",
                        measured=measured,
                        value=value,
                        reference=f"at {small:,}",
                        reference_value=of_less,
                        unit=unit,
                        bar=11,
                        runs=1,
                        load=(before, load()),
                    )

    def _taken(self, count: int, steps: Sequence[Step]) -> Iterator[tuple[str, Run, int]]:
        """Yield the name of each step at a size, what it took, and its requests."""
        self._tenants.order("faults", faults=[])
        folder = self._folder / f"growth-{count}"
        yield from Repository(folder, count, self._tenants).measured(steps[: self._sizes.steps])
        shutil.rmtree(folder)

    def fleet(self) -> Iterator[Figure]:
        """Compare a fleet that loses a worker with its slowest tenant, and with the sum over its workers."""
        count, workers = self._sizes.fleet, 2
        if not count:
            return
        folder = self._folder / "fleet"
        folder.mkdir()
        before = load()
        with Tenants(LIVE, ["list-lag=1500"]) as tenants:
            fleet = BenchmarkFleet(folder, count, tenants, self._sizes.latency)
            alone = [fleet.alone(name).run().seconds for name in fleet.names]
            runs = []
            for _ in range(2 * self._sizes.runs):
                runs.append(fleet.together(workers).run())
                fleet.check()
        limit = max(*alone, sum(alone) / workers)
        row = f"fleet: {LIVE} tenants of {count}, a worker lost"
        yield _limited(row, runs, "slowest, or sum ÷ workers", limit, 1.3, before)

    def over_size(self) -> Iterator[dict[str, Any]]:
        """Yield the points of a curve, the seconds of each program over the number of workflows.

        Those of the largest numbers are what `plan` measures.
        """
        for count in self._sizes.series:
            yield self._point(count, self._sizes.latency)

    def over_latency(self) -> Iterator[dict[str, Any]]:
        """Yield the points of a curve: the seconds of each program over the latency."""
        for latency in self._sizes.latencies:
            yield self._point(self._sizes.some, latency)

    def _point(self, count: int, latency: float) -> dict[str, Any]:
        folder, concurrency = self._loaded(count, latency), 32
        before = load()
        commands = {
            "plan": self._plan(folder, concurrency),
            "bare": self._bare_program("plan", folder, self._url, concurrency, counted=True),
            "validate": self._command("validate", folder),
        }
        columns = alternating(list(commands.values()), 3 if count < self._sizes.some else 1, warm=False)
        seconds = {name: median(runs) for name, runs in zip(commands, columns, strict=True)}
        bound = self._bound(columns[1], latency, concurrency)
        point = {"count": count, "latency": latency, "bound": bound, **seconds, **self._loop(count)}
        return {**point, "load": (before, load())}

    def _loop(self, count: int) -> dict[str, float]:
        """Return the seconds of the public client's loop, whose describes are computed from some of them."""
        described = min(count, self._sizes.looped)
        found = {}
        for command in self._public("describe", str(described)):
            start = time.perf_counter()
            seconds = float(command.output())
            found["client"] = time.perf_counter() - start + seconds / described * (count - described)
        return found

    @property
    def _url(self) -> str:
        return self._tenants.urls[0]

    def _runs(self, count: int) -> int:
        return self._sizes.runs if count <= 2 * self._sizes.some else min(self._sizes.runs, 3)

    def _bound(self, bare: Sequence[Run], latency: float, concurrency: int) -> float:
        """Return the larger of the network's time for the bare program's requests, and its processor time.

        The bare program's last run was the only one since the requests were counted.
        """
        requests = sum(self._tenants.order("requests")["methods"].values())
        return max(requests * latency / concurrency, median(bare, "cpu"))

    def _manifests(self, count: int) -> Path:
        folder = self._folder / f"manifests-{count}"
        if not folder.exists():
            write_manifests(folder, count)
        return folder

    def _loaded(self, count: int, latency: float) -> Path:
        """Return a folder of manifests that the tenant has all of, after a latency was set."""
        folder = self._manifests(count)
        self._tenants.order("load", folder=str(folder))
        self._tenants.order("faults", faults=[f"latency:{latency * 1000:g}ms"] if latency else [])
        return folder

    def _forget(self) -> None:
        """Remove what an earlier command keeps."""
        for kept in (self._home, self._folder / "work" / ".reconciler"):
            shutil.rmtree(kept, ignore_errors=True)
        self._home.mkdir()

    def _command(self, *words: object, **attributes: Any) -> Command:  # noqa: ANN401 - of Command
        return self._process(COMMAND, *words, **attributes)

    def _plan(self, folder: Path, concurrency: int, *words: object, cold: bool = True) -> Command:
        before = self._forget if cold else lambda: None
        return self._command("plan", folder, "--concurrency", concurrency, *words, before=before)

    def _bare_program(self, *words: object, counted: bool = False, **attributes: Any) -> Command:  # noqa: ANN401
        """Return the bare program; `counted` counts the tenant's requests again before each of its runs."""
        if counted and "before" not in attributes:
            attributes["before"] = lambda: self._tenants.order("requests")
        return self._python(_HERE / "bare_program.py", *words, **attributes)

    def _python(self, *words: object, **attributes: Any) -> Command:  # noqa: ANN401
        return self._process(sys.executable, *words, **attributes)

    def _public(self, what: str, *words: str, **attributes: Any) -> list[Command]:  # noqa: ANN401
        if _SDK_PYTHON is None:
            return []
        script = _HERE / "public_client.py"
        return [self._process(_SDK_PYTHON, script, what, self._url, *words, **attributes)]

    def _process(self, *words: object, **attributes: Any) -> Command:  # noqa: ANN401
        return Command(
            words=[str(word) for word in words], env=self._env, cwd=self._folder / "work", **attributes
        )


def _figure(  # noqa: PLR0913, PLR0917 - what a figure has
    row: str,
    measured: str,
    runs: Sequence[Run],
    reference: str,
    others: Sequence[Run],
    bar: float,
    before: float,
    *,
    at_least: bool = False,
    field: str = "seconds",
) -> Figure:
    """Return the ratio of two columns of runs."""
    return Figure(
        row=row,
        measured=measured or "time",
        value=median(runs, field),
        reference=reference,
        reference_value=median(others, field),
        unit="s" if field == "seconds" else "MiB",
        bar=bar,
        at_least=at_least,
        runs=len(runs),
        load=(before, load()),
    )


def _limited(  # noqa: PLR0913, PLR0917 - as a figure
    row: str, runs: Sequence[Run], reference: str, limit: float, bar: float, before: float
) -> Figure:
    """Return the ratio of the time of runs to a limit that was computed."""
    return Figure(
        row=row,
        measured="time",
        value=median(runs),
        reference=reference,
        reference_value=limit,
        unit="s",
        bar=bar,
        runs=len(runs),
        load=(before, load()),
    )


def _memory(row: str, runs: Sequence[Run], limit: float, before: float) -> Figure:
    """Return the ratio of peak memory to a limit in mebibytes."""
    return Figure(
        row=row,
        measured="peak memory",
        value=median(runs, "mebibytes"),
        reference="the limit",
        reference_value=limit,
        unit="MiB",
        bar=1,
        runs=len(runs),
        load=(before, load()),
    )
