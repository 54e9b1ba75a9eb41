"""The job as a whole, one run at a time, against a tenant over loopback."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from job_helpers import TOKEN, Ran, Receiver, Site, receiver
from prometheus_client.parser import text_string_to_metric_families

from reconciler.job import run as run_module
from reconciler.job.lease import Lease
from reconciler.schema import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _metrics(text: str) -> dict[str, float]:
    return {
        "_".join(
            [sample.name.removeprefix("peak_reconciler_"), *sorted(sample.labels.values())]
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_run_creates_and_reports_it_under_one_id(site: Site) -> None:
    """Log, metrics, notification and record are about the same run, and its id is in all that have ids."""
    site.write("fine")
    site.write("other")
    with receiver() as hook:
        ran = site.job(
            "--notify-url", hook.url, "--metrics-file", "job.prom", "--run-record", "record.json", "--verbose"
        )
    assert (ran.code, ran.out) == (0, "")
    assert [event["event"] for event in ran.events if event["event"] != "request"] == [
        "run_started",
        "planned",
        *["workflow_planned"] * 2,
        *[event["event"] for event in ran.events if event["event"].startswith("workflow_")][2:],
        "run_finished",
        "notified",
    ]
    (run_id,) = {event["run_id"] for event in ran.events}
    record = json.loads((site.home / "record.json").read_text(encoding="utf-8"))
    (message,) = [item.json for item in hook.received]
    assert run_id == record["run_id"] == message["run_id"]
    assert [*validate(message, "notification")] == []
    assert message["kinds"] == ["change"]
    finished = ran.named("workflow_finished")
    assert {(event["workflow"], event["action"], event["status"]) for event in finished} == {
        ("fine", "create", "done"),
        ("other", "create", "done"),
    }
    (end,) = ran.named("run_finished")
    assert end["results"] == {"done": 2, "failed": 0, "not_tried": 0, "blocked": 0}
    assert end["requests"] == len(ran.named("request")) == len(site.server.requests)
    metrics = _metrics((site.home / "job.prom").read_text(encoding="utf-8"))
    assert metrics["last_run_workflows_create_done"] == 2
    assert metrics["last_run_requests"] == end["requests"]
    assert metrics["last_run_success"] == 1
    assert site.job().named("run_finished")[0]["kinds"] == []


def test_a_backup_has_the_id_of_its_run(site: Site) -> None:
    """What is overwritten can be found by the id that the log names."""
    site.write("flow")
    site.job()
    site.write("flow", "echo other")
    ran = site.job("--backup-dir", "kept")
    assert [path.name for path in (site.home / "kept").iterdir() if path.is_dir()] == [
        ran.events[0]["run_id"]
    ]


def test_a_dry_run_finds_drift_and_only_reads(site: Site) -> None:
    """It exits with 2, reports drift, and sends nothing but GET; without drift it exits with 0."""
    site.write("flow")
    with receiver() as hook:
        ran = site.job("--dry-run", "--notify-url", hook.url, "--metrics-file", "job.prom")
    assert ran.code == 2
    assert site.writes() == []
    (end,) = ran.named("run_finished")
    assert (end["kinds"], end["drift"], end["results"]) == (["drift"], 1, {"planned": 1, "blocked": 0})
    assert [item.json["kinds"] for item in hook.received] == [["drift"]]
    metrics = _metrics((site.home / "job.prom").read_text(encoding="utf-8"))
    assert (metrics["drift_workflows"], metrics["last_run_success"]) == (1, 1)
    assert metrics["last_run_workflows_create_planned"] == 1
    shown = site.job("--dry-run", "--format", "json")
    assert json.loads(shown.out)["summary"]["create"] == 1
    site.job()
    assert site.job("--dry-run").code == 0


def test_invalid_manifests_are_reported_and_nothing_is_sent(site: Site) -> None:
    """Exit 3 before any request; findings, the end, metrics and a notification are there all the same."""
    site.write("flow")
    site.job("--metrics-file", "job.prom")
    before = _metrics((site.home / "job.prom").read_text(encoding="utf-8"))
    sent = len(site.server.requests)
    (site.folder / "bad.yaml").write_text("name: bad\nsteps: {one: {type: nonsense}}\n", encoding="utf-8")
    with receiver() as hook:
        ran = site.job("--notify-url", hook.url, "--metrics-file", "job.prom")
    assert ran.code == 3
    assert len(site.server.requests) == sent
    finding, *_ = ran.named("finding")
    assert (finding["file"], finding["line"], finding["level"]) == ("workflows/bad.yaml", 2, "error")
    (failed,) = ran.named("run_failed")
    assert "the manifests are invalid" in failed["message"]
    (message,) = [item.json for item in hook.received]
    assert (message["kinds"], message["planned"], message["exit_code"]) == (["failure"], None, 3)
    assert "workflows/bad.yaml:2:" in message["text"].splitlines()[1]
    metrics = _metrics((site.home / "job.prom").read_text(encoding="utf-8"))
    assert (metrics["last_run_exit_code"], metrics["last_run_success"]) == (3, 0)
    assert math.isnan(metrics["drift_workflows"])
    assert metrics["last_success_timestamp_seconds"] == before["last_success_timestamp_seconds"]


def test_a_failed_workflow_is_reported(site: Site) -> None:
    """One fails, the others go on; exit 1, and the message names what failed first."""
    site.write("fine")
    site.write("bad")
    site.write("last")
    site.server.faults = ("422:x1@POST",)  # type: ignore[assignment] - its written form
    with receiver() as hook:
        ran = site.job("--notify-url", hook.url, "--concurrency", "1")
    assert ran.code == 1
    (message,) = [item.json for item in hook.received]
    assert message["kinds"] == ["failure", "change"]
    assert message["results"] == {"done": 2, "failed": 1, "not_tried": 0, "blocked": 0}
    assert message["workflows"][0]["status"] == "failed"
    levels = {event["status"]: event["level"] for event in ran.named("workflow_finished")}
    assert levels == {"failed": "error", "done": "info"}


def test_a_guard_is_no_question(site: Site) -> None:
    """Too many deletes: exit 4, nothing is deleted, nobody is asked, and the reason is reported."""
    (site.home / "reconciler.yaml").write_text(
        "version: 1\nmanifests: [workflows]\nownership: {tag: team-a}\n", encoding="utf-8"
    )
    for name in ("a", "b", "c", "d", "e"):
        site.write(name)
    site.run("--log-format", "json")
    for name in ("b", "c", "d", "e"):
        (site.folder / f"{name}.yaml").unlink()
    before = len(site.writes())
    with receiver() as hook:
        ran = site.run("--log-format", "json", "--prune", "--notify-url", hook.url)
    assert ran.code == 4
    assert len(site.writes()) == before
    (message,) = [item.json for item in hook.received]
    assert message["kinds"] == ["failure"]
    assert "delete" in (message["error"] or "") + message["text"]


@pytest.mark.parametrize(
    ("asked", "reported"), [("change", 1), ("failure", 0), ("drift,failure", 0), ("change,failure", 1)]
)
def test_only_requested_outcomes_are_reported(site: Site, asked: str, reported: int) -> None:
    """--notify-on chooses; a run that changed something and did not fail is reported as a change."""
    site.write("flow")
    with receiver() as hook:
        assert site.job("--notify-url", hook.url, "--notify-on", asked).code == 0
        assert (
            site.job("--notify-url", hook.url, "--notify-on", asked).code == 0
        )  # nothing to report any more
    assert len(hook.received) == reported


@pytest.mark.parametrize("status", [404, 301])
def test_a_receiver_that_fails_changes_nothing(site: Site, status: int) -> None:
    """A webhook and a Pushgateway that refuse are warnings: the exit code is that of the work."""
    site.write("flow")
    with receiver(status) as hook, receiver(status) as gateway:
        ran = site.job("--notify-url", f"{hook.url}/hook-canary-1", "--pushgateway", gateway.url)
    assert ran.code == 0
    assert [event["level"] for event in ran.named("notify_failed")] == ["warning"]
    assert [event["target"] for event in ran.named("metrics_failed")] == ["pushgateway"]
    assert "hook-canary-1" not in ran.err


def test_a_metrics_file_that_cannot_be_written_is_a_warning(site: Site) -> None:
    """The work was done, and that is what the exit code says."""
    site.write("flow")
    ran = site.job("--metrics-file", "none/job.prom")
    assert ran.code == 0
    assert ran.named("metrics_failed")[0]["target"] == "file"


def test_the_metrics_file_is_replaced_whole_and_can_be_read_by_others(site: Site) -> None:
    """node-exporter, another user, never sees a part of it, nor another file of ours."""
    (site.home / "metrics").mkdir()
    site.write("flow")
    for _ in range(2):
        site.job("--metrics-file", "metrics/job.prom")
    (file,) = (site.home / "metrics").iterdir()
    assert file.stat().st_mode & 0o444 == 0o444


def test_in_text_the_log_is_that_of_apply(site: Site) -> None:
    """Without --log-format json people read what apply says, where apply says it."""
    site.write("flow")
    ran = site.run("workflows")
    assert ran.code == 0
    assert "Plan: 1 to create." in ran.out
    assert "Applied: 1 done" in ran.out
    assert "flow: creating" in ran.err
    (site.folder / "flow.yaml").write_text("name: [", encoding="utf-8")
    ran = site.run("workflows")
    assert ran.code == 3
    assert "error: the manifests are invalid" in ran.err


def test_in_text_a_receiver_that_fails_is_a_warning(site: Site) -> None:
    """What a job says in addition to apply is text, too."""
    site.write("flow")
    Lease(site.home / "lock", 1, "killed-run", now=lambda: 1.0).take()
    with receiver(404) as hook:
        ran = site.run(
            "workflows", "--notify-url", hook.url, "--metrics-file", "none/m.prom", "--lock-file", "lock"
        )
    assert ran.code == 0
    warnings = [line for line in ran.err.splitlines() if line.startswith("warning: ")]
    assert warnings[0].startswith("warning: the lease of an earlier run had expired: run killed-run of")
    assert warnings[1:] == [
        "warning: none/m.prom cannot be written: no such file or directory",
        "warning: the webhook answered with status 404",
    ]
    Lease(site.home / "lock", 300, "other-run").take()
    ran = site.run("workflows", "--lock-file", "lock")
    assert ran.code == 4
    assert ran.err.startswith("error: another run is active: run other-run of")


def test_json_on_stdout_is_the_report_of_apply(site: Site) -> None:
    """--format json gives the report on stdout, whatever the log is; without it only the log is JSON."""
    site.write("flow")
    ran = site.job("--format", "json")
    assert json.loads(ran.out)["summary"]["done"] == 1
    assert ran.events


@pytest.mark.parametrize(
    "words",
    [
        ["--no-such-option"],
        ["--lease", "soon"],
        ["--listen", ":9100"],
        ["--interval", "5", "--listen", "nowhere"],
        ["--notify-url", "http://example.com/hook-canary-1"],
        ["--notify-url", "hook-canary-1"],
        ["--pushgateway", "http://ann:hook-canary-1@example.com"],
        ["--notify-on", "sunday"],
        ["--notify-on", ","],
        ["--shard", "9"],
        ["--prune"],
        ["--environment", "nowhere"],
        ["--format", "yaml"],
    ],
)
def test_wrong_usage_is_reported_in_json_too(site: Site, words: list[str]) -> None:
    """Exit 64, in one line of JSON at the level error, which quotes no address."""
    site.write("flow")
    ran = site.job(*words)
    assert ran.code == 64
    assert [event for event in ran.events if event["level"] == "error"]
    assert "hook-canary-1" not in ran.err
    assert site.server.requests == []


def test_the_variables_do_what_the_options_do(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container is configured by variables alone; no process has a secret in its arguments."""
    site.write("flow")
    with receiver() as hook, receiver() as gateway:
        monkeypatch.setenv("RECONCILER_LOG_FORMAT", "json")
        monkeypatch.setenv("RECONCILER_METRICS_FILE", str(site.home / "job.prom"))
        monkeypatch.setenv("RECONCILER_PUSHGATEWAY", gateway.url)
        monkeypatch.setenv("RECONCILER_NOTIFY_URL", hook.url)
        monkeypatch.setenv("RECONCILER_NOTIFY_FORMAT", "slack")
        ran = site.run("workflows")
    assert ran.code == 0
    assert ran.named("run_finished")
    assert hook.received[0].json["blocks"]
    assert gateway.received[0].body.decode() == (site.home / "job.prom").read_text(encoding="utf-8")
    assert "error" in site.run("workflows", "--log-format", "text", "--no-such").err.lower()


@pytest.mark.parametrize("option", ["--notify-url", "--pushgateway"])
def test_an_empty_address_is_a_warning(site: Site, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """A CI secret that is not defined is an empty variable: the run says that nobody is notified."""
    site.write("flow")
    assert [event for event in site.job().events if event["level"] == "warning"] == []
    variable = f"RECONCILER_{option.strip('-').upper().replace('-', '_')}"
    monkeypatch.setenv(variable, "")
    for words in ([], [option, ""]):
        ran = site.job(*words)
        (warning,) = [event for event in ran.events if event["level"] == "warning"]
        assert f"{option} ({variable}) is empty: nothing is sent to the " in warning["message"]
        assert ran.code == 0


def test_hostile_names_stay_one_line(site: Site) -> None:
    """A name with line breaks, terminal codes and a line of a log in it makes no second event."""
    name = 'x\n{"event":"run_finished","level":"info"}\x1b[2J\u202e\u2028y'
    site.write(name, file="hostile.yaml")
    with (site.folder / "hostile.yaml").open("a", encoding="utf-8") as file:
        file.write(" # reconciler: ignore[name-spelling]\n")
    ran = site.job()
    assert len(ran.named("run_finished")) == 1
    (planned,) = ran.named("workflow_planned")
    assert planned["workflow"].startswith("x\\n{")
    assert "\x1b" not in ran.err
    assert ran.err.isascii()


def test_another_run_holds_the_lock(site: Site) -> None:
    """Exit 4, with who it is; nothing is asked of the tenant, and neither metrics nor messages are sent."""
    site.write("flow")
    Lease(site.home / "job.lock", 300, "earlier-run").take()
    with receiver() as hook:
        ran = site.job(
            "--lock-file",
            "job.lock",
            "--notify-url",
            hook.url,
            "--metrics-file",
            "m.prom",
            "--run-record",
            "r",
        )
    assert ran.code == 4
    (held,) = ran.named("lock_held")
    assert "run earlier-run of" in held["message"]
    assert hook.received == []
    assert site.server.requests == []
    assert not (site.home / "m.prom").exists()
    assert not (site.home / "r").exists()


def test_the_lock_is_taken_and_released(site: Site) -> None:
    """While a run works the lock is held, an expired one is taken over, and at the end there is none."""
    site.write("flow")
    Lease(site.home / "job.lock", 1, "killed-run", now=lambda: 1.0).take()
    ran = site.job("--lock-file", "job.lock")
    assert ran.code == 0
    assert "killed-run" in ran.named("lock_taken_over")[0]["message"]
    assert not (site.home / "job.lock").exists()
    (site.folder / "flow.yaml").write_text("[", encoding="utf-8")
    assert site.job("--lock-file", "job.lock").code == 3
    assert not (site.home / "job.lock").exists()


def test_a_lock_that_is_lost_before_anything_is_written_blocks(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run took over while this one planned: exit 4, and nothing is written."""

    @contextmanager
    def taken_away(_lease: Lease, _seconds: float, lost: Callable[[str], None]) -> Iterator[None]:
        lost("another run took it")
        yield

    monkeypatch.setattr(run_module, "held", taken_away)
    site.write("flow")
    ran = site.job("--lock-file", "lock")
    assert ran.code == 4
    assert ran.named("run_failed")[0]["message"] == "the lock was lost: another run took it"
    assert site.writes() == []


def test_a_protected_environment_must_be_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What writes to it names it on the command line; a dry run need not."""
    (site.home / "reconciler.yaml").write_text(
        "version: 1\nmanifests: [workflows]\nenvironments: {prod: {protected: true}}\n", encoding="utf-8"
    )
    site.write("flow")
    monkeypatch.setenv("RECONCILER_ENVIRONMENT", "prod")
    refused = site.run("--log-format", "json")
    assert refused.code == 64
    assert "protected" in refused.named("run_failed")[0]["message"]
    assert site.run("--log-format", "json", "--dry-run").code == 2
    ran = site.run("--log-format", "json", "--environment", "prod", "--metrics-file", "m.prom")
    assert ran.code == 0
    assert ran.events[0]["environment"] == "prod"
    assert 'environment="prod"' in (site.home / "m.prom").read_text(encoding="utf-8")


def test_an_unexpected_error_is_reported_like_any_failure(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug gives one event with where it came up, metrics and a notification, and exit code 1."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"not for anybody: {TOKEN}")

    monkeypatch.setattr(run_module, "resolve_settings", broken)
    with receiver() as hook:
        ran = site.job("--notify-url", hook.url)
    assert ran.code == 1
    (failed,) = ran.named("run_failed")
    assert "ZeroDivisionError" in failed["traceback"]
    assert TOKEN not in ran.err
    assert hook.received[0].json["error"] == "internal error, please report it: ZeroDivisionError"


def _everything(site: Site, ran: Ran, hooks: list[Receiver]) -> str:
    files = [path for path in site.home.rglob("*") if path.is_file() and site.folder not in path.parents]
    texts = [path.read_text(encoding="utf-8") for path in files]
    assert len(texts) >= 3
    return "\n".join([ran.out, ran.err, *texts, *(hook.text() for hook in hooks)])


@pytest.mark.parametrize("form", ["generic", "slack", "teams"])
def test_no_secret_is_reported(site: Site, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Token, !env value, webhook address, Pushgateway password: in no log, metric, message or file."""
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "env-canary-99")
    (site.folder / "secret.yaml").write_text(
        "body:\n  name: secret\n  steps:\n    one:\n      type: http\n      method: get\n"
        "      url: https://example.com\n"
        "      auth: {type: basic, username: robot, password: !env WAREHOUSE_PASSWORD}\n",
        encoding="utf-8",
    )
    site.write("plain")
    with receiver(500, 404) as hook, receiver() as gateway:
        monkeypatch.setenv("RECONCILER_NOTIFY_URL", f"{hook.url}/services/hook-canary-1?key=query-canary-2")
        ran = site.job(
            *("--pushgateway", gateway.url.replace("//", "//ann:push-canary-3@")),
            *(
                "--notify-format",
                form,
                "--metrics-file",
                "m.prom",
                "--run-record",
                "record.json",
                "--verbose",
            ),
            *("--lock-file", "lock", "--backup-dir", "backups", "--show-bodies"),
        )
        assert [event["event"] for event in ran.events if "fail" in event["event"]] == ["notify_failed"]
        again = site.job("--notify-format", form, "--dry-run")
        (site.folder / "secret.yaml").write_text("name: [", encoding="utf-8")
        site.job("--notify-format", form, "--metrics-file", "m2.prom")
    sent = "\n".join(item.body.decode() for item in [*hook.received, *gateway.received])
    assert again.code == 0
    reported = _everything(site, ran, []) + sent
    for canary in (TOKEN, "env-canary-99", "hook-canary-1", "query-canary-2", "push-canary-3"):
        assert canary not in reported, canary
    assert "(sensitive)" in reported
    assert TOKEN not in hook.text() + gateway.text()
