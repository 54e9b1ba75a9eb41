"""`rehearse`: what it predicts is what an apply does, and nothing of the tenant is written or given away."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final

import pytest
from campaign_helpers import OWNER, Campaign
from flow_helpers import FakeTime, Git, body, process_env, run, step
from leak_helpers import CANARIES, FROM_ENV, GITHUB_TOKEN, found_in, secretive
from processes import run_command
from strategies import DEPTH

from reconciler.apply import apply_plan, one_workflow
from reconciler.emulator.emulated_catalogue import DEFAULT_RESOURCE
from reconciler.emulator.server import EmulatorServer
from reconciler.errors import ReconcilerError, exit_code
from reconciler.operations import RehearseOptions, Settings, load_settings, rehearse, rehearsing
from reconciler.operations.apply_and_reconcile import revalidated
from reconciler.planfile import read_plan_file
from reconciler.rehearsal import FaultyRun, RunProcesses, draw_faults, emulated_copy
from reconciler.rehearsal.emulated_copy import _form
from reconciler.rehearsal.faulty_runs import LAG, STOP
from reconciler.render import html_report, rehearsal_json, rehearsal_page, rehearsal_text
from reconciler.secrecy import SecretFields, is_named_by_users
from reconciler.tenant_profile import Behaviour, TenantProfile
from reconciler.values import DROP, KEEP, rewrite

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable
    from pathlib import Path

    from reconciler.apply import Report
    from reconciler.values import JsonValue
    from reconciler.values import Path as FieldPath

_PROFILES: Final[list[dict[str, tuple[str, ...]]]] = [
    {},
    {"list-lag": ("900",), "describe-lag": ("330",)},
    {"nulls": (), "token-masked": (), "shuffled": (), "env-secrets-masked": ()},
    {"put-merges-deep": (), "retry-hidden": (), "defaults-filled": ()},
    {"unique-names": (), "tag-length-refused": ("40",), "headers-masked": (), "floats": ()},
    {"describe-missing": ("330",), "env-name-value": (), "names-trimmed": ()},
    {"token-omitted": (), "auth-hidden": (), "tags-strings": (), "total-hidden": ()},
]
_FAULTS: Final = [(), ("drop-after:40%@POST", "drop-after:40%@PUT"), ("429-seconds:1:20%",), ("503:10%@GET",)]
_DELETES: Final = ("--prune", "--ownership-tag", OWNER, "--allow-deletes", "9")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the plan is saved."""
    return tmp_path / "plan.json"


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[EmulatorServer]:
    """Return the emulators of rehearsals in this process."""
    made: list[EmulatorServer] = []

    class Kept(EmulatorServer):
        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            made.append(self)

    monkeypatch.setattr(emulated_copy, "emulator_server_class", lambda: Kept)
    return made


class Clock:
    """A clock that goes on by what is appended to a list."""

    def __init__(self, passed: list[float]) -> None:
        self._passed = passed

    def monotonic(self) -> float:
        """Return the time, in seconds."""
        return sum(self._passed)


def _save(git: Git, file: Path, *words: str, **env: str) -> None:
    done = run(git, "plan", "--save-plan", str(file), *words, **env)
    assert done.returncode == 0, done.stderr


def _settings(git: Git, **settings: Any) -> Settings:
    return load_settings(str(git.folder), **settings)


def _profile(tmp_path: Path, found: dict[str, tuple[str, ...]]) -> tuple[Path, frozenset[str]]:
    """Write a profile; return its file, and its switches."""
    profile = TenantProfile(found={name: Behaviour(values=values) for name, values in found.items()})
    profile.write(tmp_path / "tenant-profile.yaml")
    return tmp_path / "tenant-profile.yaml", frozenset(profile.switches)


def _shown(form: str) -> JsonValue:
    """Return a form without default resources, and the values that a rehearsal has dummy values for."""

    def replace(value: JsonValue, path: FieldPath) -> Any:
        if value == DEFAULT_RESOURCE:
            return DROP
        return "" if is_named_by_users(path) and isinstance(value, str) else KEEP

    masked, tags = json.loads(form)
    return [rewrite(SecretFields().mask(masked), replace), tags]


def _comparable(workflows: Iterable[tuple[str, str, bool, int]]) -> list[Any]:
    """Return what can be compared of workflows: of those of others, a rehearsal knows what the list shows."""
    return sorted(
        [name] if name.startswith("theirs") or name.endswith("-copy") else [name, _shown(form), paused, hooks]
        for name, form, paused, hooks in workflows
    )


def _end(server: EmulatorServer) -> list[Any]:
    return _comparable(
        (record.name, _form(record.body), record.paused, len(record.webhooks))
        for record in server.store.records()
    )


def _applied(git: Git, file: Path) -> Report:
    """Apply a plan file as the command does, in the test's time."""
    with git.engine() as engine:
        planned, _ = revalidated(engine, read_plan_file(file), strict=True)
        return apply_plan(planned.plan, git.applier(planned.engine), lambda *_: None)


def _writes(server: EmulatorServer) -> list[str]:
    return [request.method for request in server.requests if request.method != "GET"]


@pytest.mark.parametrize("case", range(3 if DEPTH == 1 else 50))
def test_a_prediction_comes_true(tmp_path: Path, case: int, file: Path) -> None:
    """An apply ends as predicted, with as many requests if nothing goes wrong; a rehearsal only reads."""
    chance = random.Random(f"rehearse {case}")  # noqa: S311 - chance, not secrecy
    faults = _FAULTS[case % 2 * chance.randrange(len(_FAULTS))]
    profile, switches = _profile(tmp_path, _PROFILES[case % len(_PROFILES)])
    time = FakeTime()
    (tmp_path / "workflows").mkdir()
    with EmulatorServer(profile=switches, clock=time) as server:
        campaign = Campaign(git := Git(server, tmp_path / "workflows", time), each=1)
        time.sleep(60)
        _save(git, file, *_DELETES)
        server.clear_requests()
        settings = _settings(git, owner=OWNER, concurrency=chance.choice((1, 3, 10)))
        options = RehearseOptions(runs=0, profile=profile)
        rehearsed = rehearse(settings, file, options, env=git.env)
        prediction = rehearsed.prediction
        assert rehearsed.is_fine, prediction
        assert (_writes(server), len(server.requests)) == ([], prediction.planning_requests)
        assert prediction.changes == {
            "delete": 1,
            "create": 2,
            "pause": 1,
            "rename": 1,
            "resume": 1,
            "update": 2,
        }

        server.clear_requests()
        server.faults = faults
        report = _applied(git, file)
        lags = [word for word in switches if ("=" in word and "lag" in word) or "missing" in word]
        if not faults:
            assert {result.status.value for result in report.results} == {"done"}
        if not faults and not lags:  # how often something is looked for depends on the real latency
            assert len(server.requests) == prediction.planning_requests + prediction.requests
            assert len(_writes(server)) == prediction.writes
        server.faults = ()
        time.sleep(60)
        for _ in range(3):
            git.apply()
        campaign.holds()
        assert _end(server) == _comparable(prediction.end.workflows)


def _command(git: Git, file: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run_command(["rehearse", file, git.folder, *words], env=process_env(git, **env))


def test_the_command(git: Git, file: Path, tmp_path: Path) -> None:
    """It shows what to expect, in each format, and exits with 0 if all rehearsals converge."""
    git.write(body("a", triggers=[{"webhook": True}]), "a.yaml")
    git.apply()
    git.write(body("a", "echo 2", triggers=[{"webhook": True}]), "a.yaml")
    git.write(body("b"), "b.yaml")
    _save(git, file)
    writes = len(git.writes())
    done = _command(
        git, file, "--runs", "4", "--output", f"json={tmp_path}/r.json",
        "--output", f"html={tmp_path}/r.html", "--output", f"markdown={tmp_path}/r.md",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(git.writes()) == writes
    assert f"Plan:     {file}: 1 to update, 1 to create" in done.stdout
    assert "Profile:  none: documented behaviour is assumed" in done.stdout
    assert "of 1 URL, all stay" in done.stdout
    assert "4 rehearsals: all converge, 0 twins; " in done.stdout
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert found["prediction"]["writes"] == 2
    # An update reads, writes and reads; a create looks for its name before and after, and reads.
    assert found["prediction"]["requests"] == found["prediction"]["planning_requests"] + 3 + 4
    assert {each["stopped_at_write"] for each in found["rehearsals"]} == {None, 1, 2}
    assert found["summary"]["converged"] == 4
    assert "4 rehearsals: all converge" in (tmp_path / "r.html").read_text(encoding="utf-8")
    markdown = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert markdown.startswith("<!-- peak-reconciler:rehearse -->\n### 4 rehearsals: all converge, 0 twins; ")


def test_a_stale_plan(git: Git, file: Path) -> None:
    """What an apply would leave out is left out; --strict and other manifests exit with 4, as with apply."""
    git.write(body("a"), "a.yaml")
    git.write(body("b"), "b.yaml")
    _save(git, file)
    git.server.store.create(body("b", "echo theirs"))
    done = _command(git, file, "--runs", "0")
    assert done.returncode == 0, done.stderr
    assert "left out: b: " in done.stdout
    assert "1 to create" in done.stdout
    strict = _command(git, file, "--strict")
    assert strict.returncode == 4
    assert "1 of 2 changes of the plan file no longer apply (b)" in strict.stderr
    git.write(body("a", "echo 2"), "a.yaml")
    assert _command(git, file).returncode == 4


def test_what_does_not_converge(git: Git, file: Path, tmp_path: Path) -> None:
    """On a tenant that cuts names, a create is left undone: it is shown with its reason; the exit is 2."""
    git.write(body("a-long-name"), "a.yaml")
    _save(git, file)
    profile, _ = _profile(tmp_path, {"names-cut": ("6",)})
    done = _command(git, file, "--runs", "0", "--profile", str(profile))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "left undone: a-long-name: " in done.stdout
    assert "Without faults, something is left undone." in done.stdout


def test_twins_are_found(git: Git, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A create that does not look for an earlier one leaves a twin after a kill, where the list lags."""
    git.write(body("a"), "a.yaml")
    _save(git, file)
    monkeypatch.setattr(one_workflow, "keep_first", lambda _api, _name, created, *_: (created.id, ()))
    run = FaultyRun(faults=(STOP, LAG), stops_at=1, handled=True)
    monkeypatch.setattr(rehearsing, "draw_faults", lambda *_: [run])
    rehearsed = rehearse(_settings(git), file, env=git.env)
    assert [each.twins for each in rehearsed.failed] == [("a",)]
    assert rehearsed.exit_code == 2
    assert "killed after write 1 took effect" in rehearsal_text(rehearsed)
    assert "twins of a" in rehearsal_text(rehearsed)


def test_an_interrupt(git: Git, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C, what was found so far is shown, with the exit code of an interrupt."""
    git.write(body("a"), "a.yaml")
    _save(git, file)

    def drawn(_runs: int, writes: int, seed: int) -> Iterable[FaultyRun]:
        yield from draw_faults(1, writes, seed)
        raise KeyboardInterrupt

    monkeypatch.setattr(rehearsing, "draw_faults", drawn)
    rehearsed = rehearse(_settings(git), file, env=git.env)
    assert (rehearsed.exit_code, len(rehearsed.rehearsals)) == (130, 1)
    assert "1 rehearsal: all converge" in rehearsal_text(rehearsed)
    assert "19 of 20 not done, interrupted." in rehearsal_text(rehearsed)


def test_the_time_is_over(git: Git, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal that the timeout ends does not count; without a prediction, the command fails."""
    git.write(body("a"), "a.yaml")
    _save(git, file)
    with pytest.raises(ReconcilerError, match="cannot be rehearsed in this time") as failed:
        rehearse(_settings(git), file, RehearseOptions(timeout=0.0), env=git.env)
    assert (exit_code(failed.value), failed.value.hint) == (1, "Pass a longer --timeout.")
    outcome = RunProcesses.outcome

    def ends(self: Any, pid: int, seconds: float) -> Any:
        found = outcome(self, pid, seconds)
        if found is None or found.pending:
            return found
        passed.append(options.timeout)  # nothing is left: the first rehearsal is over
        return found

    passed: list[float] = []
    options = RehearseOptions(runs=4, timeout=1000.0)
    monkeypatch.setattr(RunProcesses, "outcome", ends)
    monkeypatch.setattr(rehearsing, "time", Clock(passed))
    rehearsed = rehearse(_settings(git), file, options, env=git.env)
    assert rehearsed.rehearsals == ()
    assert rehearsed.exit_code == 0
    assert "Without faults, nothing is left undone; 4 of 4 not done, the time is over." in rehearsal_text(
        rehearsed
    )


def test_no_secret_is_given_away(
    git: Git, file: Path, copies: list[EmulatorServer], capfd: pytest.CaptureFixture[str]
) -> None:
    """No secret of the tenant or of a manifest gets to the emulator, or into any output."""
    env = {**git.env, "CANARY_ENV": CANARIES["env"]}
    old = secretive("old-")
    old["steps"]["load"]["parameters"]["env"]["LOOKS"] = GITHUB_TOKEN
    git.server.store.create(old)
    patched = {"one": step("echo 1", parameters={"env": {"A": CANARIES["before"]}})}
    git.server.store.create({"name": "patched", "steps": patched})
    token = f"token: {CANARIES['repository']}\n    command: !env CANARY_ENV"
    git.write(f"patch:\n  name: patched\n  set:\n    {token}\n", "patched.yaml")
    git.write(secretive(), "secretive.yaml")
    git.write(FROM_ENV % GITHUB_TOKEN, "from-env.yaml")
    _save(git, file, CANARY_ENV=CANARIES["env"])
    rehearsed = rehearse(_settings(git), file, RehearseOptions(runs=2), env=env)
    assert rehearsed.is_fine, rehearsed
    assert rehearsed.prediction.changes == {"create": 1, "update": 2}
    assert len(copies) == 3
    kept = [body for copy in copies for body in copy.store.workflows().values()]
    sent = [request.body for copy in copies for request in copy.requests]
    assert [body["name"] for body in kept].count("secretive") == 3
    assert not [name for name in found_in(json.dumps([kept, sent])) if name != "api-token"]
    page = html_report(rehearsal_page(rehearsed))
    outputs = [rehearsal_text(rehearsed), rehearsal_json(rehearsed), *page]
    assert found_in("".join(outputs) + str(capfd.readouterr())) == []
