"""An execution that is followed on a terminal: its steps are redrawn in place, as many as fit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from fake_terminal import FakeTerminal

from reconciler.cli import main
from reconciler.cli.live_text import LiveText
from reconciler.emulator.server import EmulatorServer
from reconciler.executions import StartedExecution, execution_state
from reconciler.operations import workflow_executions
from reconciler.render import Display, execution_text
from reconciler.secrecy import Redactor
from reconciler.workflow import Live

if TYPE_CHECKING:
    from reconciler.client import RetryPolicy


def _text(number: int, height: int | None) -> list[str]:
    """Return the text of an execution of many steps, of which the last runs, and the one before failed."""
    steps = [
        {"name": f"s{n}", "status": "Success" if n < number - 2 else "Failed"} for n in range(number - 1)
    ]
    details = {"status": "Running", "steps": [*steps, {"name": "last", "status": "Running"}]}
    live = Live.of(1, {"name": "flow"})
    started = StartedExecution(id="x", confirmed=True)
    display = Display(height=height)
    return execution_text(live, started, execution_state(details), Redactor.of(()), display).splitlines()


def test_steps_that_do_not_fit_are_counted() -> None:
    """With more steps than lines, those that failed or run are shown, and the others are counted."""
    lines = _text(100, 12)
    assert len(lines) <= 12
    assert lines[-1] == "92 more steps: 92 Success"
    assert [line.split()[0] for line in lines[-3:-1]] == ["s98", "last"]
    assert len(_text(100, None)) == 102


def test_a_live_text_is_redrawn() -> None:
    """Each text takes the place of the one before; what is printed meanwhile stays above it."""
    terminal = FakeTerminal()
    live = LiveText(terminal)
    live.show("one\ntwo")
    live.show("three")
    live.end()
    live.end()
    drawn = terminal.getvalue()
    assert drawn.index("one") < drawn.index("three")
    assert "\x1b[1A" in drawn  # up to the first line of the text before
    assert drawn.endswith("\x1b[?25h")  # the cursor is shown again


@pytest.mark.parametrize("utc", [False, True])
def test_run_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, utc: bool
) -> None:
    """The table of steps is redrawn on stderr, and its last form stays; stdout has the id alone."""
    terminal = FakeTerminal()
    policy = workflow_executions.RetryPolicy

    def quick(wait_running: float) -> RetryPolicy:
        return policy(wait_running=wait_running, poll=0.05)

    monkeypatch.setattr(workflow_executions, "RetryPolicy", quick)
    with EmulatorServer(token=None, step_seconds=0.1) as server:
        step = {"type": "standard", "imageId": 1, "imageVersionId": 2}
        flow = server.store.create(
            {"name": "flow", "steps": {"one": step, "two": {**step, "command": "exit 1"}}}
        )
        for name, value in {"PEAK_API_URL": server.url, "PEAK_AUTH_TOKEN": "x", "TERM": "xterm"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr(sys, "stderr", terminal)
        with pytest.raises(SystemExit) as ended:
            main(["run", "flow", "--follow", *(["--utc"] if utc else [])])
        (run,) = server.store.executions(flow)
    drawn = terminal.getvalue()
    assert (ended.value.code, capsys.readouterr().out) == (1, f"{run.id}\n")
    assert "Running" in drawn
    assert "\x1b[1A" in drawn
    assert ("ago" in drawn or "just now" in drawn) is not utc
    assert drawn.rstrip().endswith("ended: Failed; failed steps: two")
    assert "two | Step two finished with exit code 1" in drawn
