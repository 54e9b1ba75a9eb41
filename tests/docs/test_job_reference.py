"""The reference of the job lists every option, event, field and metric."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.commands.reconcile import command
from reconciler.client.calls import Traffic
from reconciler.errors import ExitCode
from reconciler.job.metrics import JobMetrics, metrics_text
from reconciler.job.outcome import Outcome
from reconciler.schema import load_schema

_TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "job.md").read_text(encoding="utf-8")
_CODE = set(re.findall(r"`([^`\n]+)`", _TEXT))


@pytest.mark.parametrize(
    "parameter", [item for item in command.params if getattr(item, "section", "") == "Job"], ids=str
)
def test_every_option_is_described(parameter: Any) -> None:
    """Each option has its row, with its variable if it has one."""
    assert any(code.split()[0] == parameter.opts[0] for code in _CODE)
    assert parameter.envvar is None or parameter.envvar in _CODE


@pytest.mark.parametrize("schema", ["log-event", "notification"])
def test_every_field_is_named(schema: str) -> None:
    """Each property of the schema is on the page."""
    properties: Any = load_schema(schema)["properties"]
    assert {name for name in properties if name not in {code.removesuffix("[]") for code in _CODE}} == set()


def test_every_event_has_a_row() -> None:
    """Each event name is in the first column of the table."""
    properties: Any = load_schema("log-event")["properties"]
    rows = {
        name
        for line in _TEXT.splitlines()
        if line.startswith("| `")
        for name in line.split("|")[1].split("`")
    }
    assert set(properties["event"]["enum"]) <= rows


def test_every_metric_has_a_row() -> None:
    """The metrics of the exposition and of the page are the same."""
    now = datetime.now(timezone.utc)
    run = Outcome(run_id="r", started=now, ended=now, exit_code=0, planned={}, traffic=Traffic())
    text = metrics_text(JobMetrics(outcome=run, last_success=1.0, runs=(1, 0)))
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert names == {code for code in _CODE if code.startswith("peak_reconciler_")}


def test_every_exit_code_is_explained() -> None:
    """Each exit code is on the page, and that of an interrupt."""
    for code in (*ExitCode, 130):
        assert f"| {int(code)} | " in _TEXT
