"""Following of an execution on the terminal: its steps as they change, and the logs of those that failed."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from reconciler.cli.follow_up import follow_up
from reconciler.cli.live_text import LiveText, screen_height
from reconciler.cli.terminal import TerminalListener, show, warn
from reconciler.cli.terminal_features import is_drawable, text_display
from reconciler.render import execution_json, execution_outcome, execution_text, log_lines, step_lines
from reconciler.text import clip, printable
from reconciler.timestamps import rfc3339_seconds, utc_now

if TYPE_CHECKING:
    from reconciler.executions import ExecutionState, StartedExecution
    from reconciler.operations import ExecutionResult
    from reconciler.secrecy import Redactor
    from reconciler.workflow import Live

_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


class ExecutionListener(TerminalListener):
    """The terminal that shows an execution: its steps while it runs, or JSON at the end.

    Args:
        as_json: Whether the result is JSON.
        verbose: Whether to print each request.
        follow: Whether to show its steps with times: redrawn on a terminal, else a line for each change.
        utc: Whether to show exact times.
        announce: Whether the result is the id of the execution, printed as soon as it is known.
        environment: The name of the environment, for commands that a message names; empty for none.
    """

    def __init__(  # noqa: PLR0913 - all by name
        self,
        *,
        as_json: bool = False,
        verbose: bool = False,
        follow: bool = False,
        utc: bool = False,
        announce: bool = True,
        environment: str = "",
    ) -> None:
        super().__init__(as_json=as_json, verbose=verbose)
        self._follow, self._utc, self._announce = follow, utc, announce
        self._environment = environment
        self._stream = sys.stderr  # which a live text replaces while it is drawn
        drawn = follow and not verbose and is_drawable(self._stream)
        self._live = LiveText(self._stream) if drawn else None
        self._execution: tuple[Live, StartedExecution, Redactor] | None = None
        self._state: ExecutionState | None = None

    def execution_started(self, workflow: Live, started: StartedExecution, redactor: Redactor) -> None:
        """Show the id of the execution."""
        self._execution = workflow, started, redactor
        for note in started.notes:
            warn(f"note: {note}")
        if self._announce and not self.as_json:
            show(printable(redactor.text(started.id)))

    def execution_changed(
        self, before: ExecutionState | None, now: ExecutionState, redactor: Redactor
    ) -> None:
        """Show the steps: redraw them, or print each whose status changed."""
        self._state = now
        if self._live is not None and self._execution is not None:
            workflow, started, _ = self._execution
            display = text_display(utc=self._utc, stream=self._stream)._replace(height=screen_height())
            self._live.show(execution_text(workflow, started, now, redactor, display))
            return
        time = f"{rfc3339_seconds(utc_now())} " if self._follow else ""
        for line in step_lines(before, now):
            warn(f"{time}{redactor.text(line)}")

    def execution_left(self, workflow: Live, started: StartedExecution) -> None:
        """Say that the execution continues, and how to follow it."""
        self.end()
        command = self._command_to_follow(workflow, started)
        warn(f"the execution {clip(printable(started.id), 100)} continues; to follow it:\n  {command}")

    def _command_to_follow(self, workflow: Live, started: StartedExecution) -> str:
        return execution_command(
            "executions", workflow.name, workflow.id, started.id, "--follow", environment=self._environment
        )

    def end(self) -> None:
        """Leave what is drawn as it is; no more is drawn."""
        if self._live is not None:
            self._live.end()
            self._live = None

    def show_json(self) -> None:
        """Show the execution as JSON if asked to; also when waiting for it failed, since it was started."""
        if self.as_json and self._execution is not None:
            workflow, started, redactor = self._execution
            show(execution_json(workflow, started, self._state, redactor))

    def show_end(self, result: ExecutionResult) -> None:
        """Print how an execution ended, and the last lines that its failed steps logged.

        Of one that was only started, print how to follow it.
        """
        self.end()
        if result.state is None:
            if not self.as_json:
                warn(f"follow it: {self._command_to_follow(result.workflow, result.started)}")
            return
        for tail in result.logs:
            if tail.error:
                warn(f"the log of the step {clip(printable(tail.step), 60)} cannot be read: {tail.error}")
                continue
            if tail.earlier:
                command = execution_command(
                    "logs",
                    result.workflow.name,
                    result.workflow.id,
                    result.started.id,
                    *step_option(tail.step),
                    environment=self._environment,
                )
                warn(f"the last {len(tail.lines)} lines; {tail.earlier} earlier ones:\n  {command}")
            for message in tail.lines:
                for line in log_lines(tail.step, message, result.redactor):
                    warn(clip(line, 2_000))
        warn(result.redactor.text(execution_outcome(result.workflow, result.started, result.state)))


def execution_command(
    command: str, name: str, workflow_id: int, execution: str | None, *options: str, environment: str
) -> str:
    """Return the line of a command about an execution, fit to be shown and typed.

    Args:
        command: Its name.
        name: The name of the workflow.
        workflow_id: Its id, which takes the place of a name that cannot be typed.
        execution: The id of the execution; left out if it cannot be typed.
        options: The options of the command.
        environment: The name of the environment; empty for none.
    """
    typable = printable(name) == name and not name.startswith("-")
    words = [name] if typable else ["--id", str(workflow_id)]
    words += [execution] if execution and _PLAIN_ID.fullmatch(execution) else []
    return follow_up(command, *words, *options, environment=environment, same=("config", "environments"))


def step_option(step: str) -> tuple[str, ...]:
    """Return the option that chooses a step."""
    return (f"--step={printable(step)}",) if step.startswith("-") else ("--step", printable(step))
