"""Comparison of rehearsals with real applies: requests, duration and end, on tenants of many kinds.

    python benchmarks/rehearsals.py [--cases N] [--first SEED]

Each case is a plan for an emulated tenant in a process of its own, with a latency and a profile; it is
rehearsed, and then applied. In every other case, answers get lost and requests are refused while it is
applied, and it is applied until nothing is left.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from manifests import write_manifests
from measuring import load
from tenants import TOKEN, Tenants

from reconciler.errors import ExitCode
from reconciler.operations import (
    RehearseOptions,
    apply,
    apply_plan_file,
    load_settings,
    plan,
    rehearse,
)
from reconciler.tenant_profile import Behaviour, TenantProfile

_PROFILES: Final = (
    {},
    {"nulls": (), "defaults-filled": (), "retry-spread": ()},
    {"list-lag": ("1100",)},
    {"put-merges": (), "token-masked": ()},
    {"describe-lag": ("1000",), "shuffled": ()},
    {"unique-names": (), "text-trimmed": (), "env-map": ()},
)
_FAULTS: Final = ("drop-after:20%@POST", "drop-after:20%@PUT", "429-seconds:1:5%")
_SETTLED: Final = 1.5
"""The seconds after which every profile shows what was loaded."""

_TOLERATED: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A plan and a tenant."""

    seed: int
    workflows: int
    live: int
    latency: int
    concurrency: int
    profile: dict[str, tuple[str, ...]]
    faults: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What was predicted, and what happened."""

    case: Case
    requests: tuple[int, int]
    seconds: tuple[float, float]
    same_end: bool

    @property
    def off(self) -> float:
        """By how much the predicted duration is off, as a fraction of the real one."""
        return self.seconds[0] / self.seconds[1] - 1

    @property
    def is_met(self) -> bool:
        """Whether the prediction is as good as it should be; with faults, only the end counts."""
        exact = self.requests[0] == self.requests[1] and abs(self.off) <= _TOLERATED
        return self.same_end and (exact or self.case.faults)


def _case(seed: int) -> Case:
    chance = random.Random(seed)  # noqa: S311 - sizes, not secrecy
    workflows = chance.randint(4, 24)
    return Case(
        seed=seed,
        workflows=workflows,
        live=chance.randint(0, workflows),
        latency=chance.choice((40, 80, 150)),
        concurrency=chance.choice((1, 4, 10)),
        profile=_PROFILES[seed % len(_PROFILES)],
        faults=seed % 2 == 1,
    )


def _compared(case: Case, folder: Path, tenants: Tenants) -> Compared:
    """Rehearse a case and apply it for real."""
    every, some = folder / "all", folder / "some"
    write_manifests(every, case.workflows, case.seed)
    some.mkdir()
    for file in sorted(every.rglob("*.yaml"))[: case.live]:
        (some / file.name).write_text(file.read_text())
    words = [f"{name}={value}" for name, values in case.profile.items() for value in values]
    words += [name for name, values in case.profile.items() if not values]
    tenants.order("profile", profile=words)
    tenants.order("load", folder=str(some), other=2)
    time.sleep(_SETTLED)
    latency = f"latency:{case.latency}ms"
    tenants.order("faults", faults=[latency])
    env = {"PEAK_API_URL": tenants.urls[0], "PEAK_AUTH_TOKEN": TOKEN}
    settings = load_settings(str(every), concurrency=case.concurrency, backup_dir=folder / "backups")
    file, profile = folder / "plan.json", folder / "tenant-profile.yaml"
    file.write_text(plan(settings, env=env).plan_file_text())
    found = {name: Behaviour(values=values) for name, values in case.profile.items()}
    TenantProfile(found=found).write(profile)

    predicted = rehearse(settings, file, RehearseOptions(runs=0, profile=profile), env=env).prediction
    tenants.order("requests")
    tenants.order("faults", faults=[latency, *(_FAULTS if case.faults else ())])
    began = time.monotonic()
    applied = apply_plan_file(settings, file, env=env)
    seconds = time.monotonic() - began
    requests = sum(tenants.order("requests")["methods"].values())
    tenants.order("faults", faults=[])
    tries = 0
    while applied.exit_code is not ExitCode.OK and tries < 3:  # noqa: PLR2004 - as a rehearsal
        applied, tries = apply(settings, env=env), tries + 1
    left = plan(settings, env=env, refresh=True).plan.writes
    names = tenants.order("names")
    return Compared(
        case=case,
        requests=(predicted.planning_requests + predicted.requests, requests),
        seconds=(predicted.seconds, seconds),
        same_end=predicted.in_sync
        and not left
        and names == {"workflows": len(predicted.end.workflows), "names": len(predicted.end.names)},
    )


def main() -> None:
    """Print a line for each case, and the worst of them."""
    options = argparse.ArgumentParser()
    options.add_argument("--cases", type=int, default=50)
    options.add_argument("--first", type=int, default=0)
    chosen = options.parse_args()
    found = []
    with Tenants() as tenants:
        for seed in range(chosen.first, chosen.first + chosen.cases):
            with tempfile.TemporaryDirectory() as folder:
                compared = _compared(_case(seed), Path(folder), tenants)
            found.append(compared)
            case = compared.case
            print(
                f"{'  ' if compared.is_met else '! '}case {case.seed:<3} {case.workflows:>3} workflows, "
                f"{case.live:>2} live, {case.latency:>3} ms, {case.concurrency:>2} at a time, "
                f"{'faults' if case.faults else 'plain '}  requests {compared.requests[0]:>4} of "
                f"{compared.requests[1]:<4} seconds {compared.seconds[0]:6.2f} of {compared.seconds[1]:6.2f} "
                f"({compared.off:+.0%})  {'same end' if compared.same_end else 'ANOTHER END'}  "
                f"{','.join(case.profile) or 'documented'}",
                flush=True,
            )
    plain = [each for each in found if not each.case.faults]
    as_many = sum(each.requests[0] == each.requests[1] for each in plain)
    as_long = sum(abs(each.off) <= _TOLERATED for each in plain)
    print(f"{len(found)} applies, {sum(each.same_end for each in found)} of which end as predicted.")
    print(f"{len(plain)} without faults: {as_many} send as many requests, {as_long} take as long", end="")
    print(f" within {_TOLERATED:.0%}. Load {load()}.")


if __name__ == "__main__":
    main()
