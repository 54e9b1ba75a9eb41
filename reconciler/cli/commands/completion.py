"""`peak-reconciler completion`: the script that completes commands, options and names in a shell."""

from __future__ import annotations

import click

from reconciler.cli.help import command_of
from reconciler.cli.shell_completion import SHELLS, completion_script
from reconciler.cli.terminal import show
from reconciler.errors import ExitCode


@command_of(
    "completion",
    examples=(
        ("completion bash > ~/.local/share/bash-completion/completions/peak-reconciler", "In bash"),
        ("completion zsh > ~/.zsh/completions/_peak-reconciler", "In zsh, where this directory is in fpath"),
        ("completion fish > ~/.config/fish/completions/peak-reconciler.fish", "In fish"),
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, *, shell: str) -> int:
    """Print the script that switches completion on in bash, zsh or fish.

    TAB then completes commands, options and their values, environments of reconciler.yaml, and the names of
    workflows that have a manifest. It reads files of the repository for half a second at most, and never the
    tenant. bash needs version 4.4 or newer.

    To try it in the running shell: source <(peak-reconciler completion bash), the same with zsh, or
    peak-reconciler completion fish | source.
    """
    show(completion_script(shell, context.find_root().command).rstrip("\n"))
    return ExitCode.OK
