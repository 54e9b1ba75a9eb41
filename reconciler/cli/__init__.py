"""The command line: each command takes its options, calls an operation, renders the result and exits.

Commands are modules of their own and are imported only when called, so that `--help` and a small `validate`
start fast. Nothing outside this package prints or exits.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

import click

from reconciler import __version__
from reconciler.text import close_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

_INTERRUPTED: Final = 130
"""Exit code of an interrupted process, by the convention of shells."""

_SWITCH_INTERVAL: Final = 0.0002
"""The seconds that a thread computes while others have an answer to read: they hold the next requests."""

_OBJECTS_BETWEEN_COLLECTIONS: Final = 100_000
"""New containers after which Python looks for cycles among them. The default, 700, takes a fifth of the time
of reading manifests, which have hardly any; a command for a few of them ends before the first time."""

_COMPLETION: Final = "_PEAK_RECONCILER_COMPLETE"
"""The variable in which a shell asks for completions; click makes its name of the program's."""

_COMMANDS = {
    "init": "Write a first reconciler.yaml and an example manifest.",
    "validate": "Check manifests against schemas and rules: offline, no credentials.",
    "plan": "Show what apply would change, and change nothing.",
    "apply": "Make the tenant match the manifests, and verify it.",
    "diff": "Show what differs between two environments or directories.",
    "reconcile": "Run as a scheduled job: plan, apply and report, once or in a loop.",
    "show": "Show a plan file, a run record or backups, in any format.",
    "status": "Show the sync state and the last executions of each workflow.",
    "fleet": "Plan, apply or report many environments at a time, each in shards.",
    "report": "Merge the results of a fleet into one report.",
    "forecast": "Show what schedules start when, and what a change does to that.",
    "rollback": "Restore what an apply overwrote or deleted.",
    "export": "Write live workflows as manifests that plan clean.",
    "adopt": "Write manifests for live workflows that have none, and own them.",
    "capture": "Bring live changes back into the manifests' own files.",
    "config": "Show the effective settings, and where each comes from.",
    "render": "Print manifests as parameters and overlays make them, with the source of each value.",
    "run": "Start an execution of a workflow, exactly once, and optionally follow it.",
    "executions": "List executions: of one workflow, or what failed in all of them.",
    "logs": "Show or save the logs of an execution's steps.",
    "graph": "Draw the dependencies between the steps of a workflow.",
    "doctor": "Check the configuration, the connection and the tenant, and say what to do.",
    "probe": "Find out how the tenant behaves where the API's documentation is silent.",
    "rehearse": "Predict what applying a plan file does, on an emulated copy of the tenant, with faults too.",
    "comment": "Keep one comment on a pull or merge request up to date, from CI.",
    "schema": "Print a JSON Schema, for editors and other tools.",
    "completion": "Print the script that completes commands and names in bash, zsh or fish.",
    "emulator": "Serve an emulated Peak workflows API on loopback.",
    "demo": "Show the whole cycle on the emulator: no credentials, no network.",
}


_EPILOG: Final = """\b
Each command has --help, with examples.
A tour without credentials and network: peak-reconciler demo
"""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"reconciler.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` name; for an unknown one, the error names the one that is near."""
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            near = close_name(name, _COMMANDS)
            hint = f" Did you mean {near!r}?" if near else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Return the commands that begin with `incomplete`, without importing them."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only needed at TAB

        commands = [
            CompletionItem(name, help=text) for name, text in _COMMANDS.items() if name.startswith(incomplete)
        ]
        return commands or click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="peak-reconciler")
def group() -> None:
    """GitOps for Peak workflows.

    Git holds a directory of workflow manifests. plan shows what differs from the tenant; apply makes the
    tenant match, and verifies every write.
    """


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with one of the documented exit codes.

    Args:
        argv: The arguments; those of the process by default.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    if _COMPLETION in os.environ:
        from reconciler.cli.shell_completion import answer_shell  # noqa: PLC0415 - only needed at TAB

        sys.exit(answer_shell(group, os.environ[_COMPLETION]))
    try:
        from reconciler.cli.error_exit import run  # noqa: PLC0415 - keeps `--help` light
    except KeyboardInterrupt:
        click.echo("error: interrupted", err=True)
        sys.exit(_INTERRUPTED)

    sys.setswitchinterval(_SWITCH_INTERVAL)
    run(group, argv)
