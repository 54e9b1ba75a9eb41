"""Completion in a shell: the scripts, the answers at TAB, and what completes arguments and values of options.

An answer reads reconciler.yaml and the manifests, for half a second at most, and never the tenant. It is
empty where anything goes wrong: a message would land in the middle of the line that the user types.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import redirect_stderr, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem, ShellComplete

    from reconciler.configuration import Configuration

Completer: TypeAlias = "Callable[[click.Context, click.Parameter, str], list[str | CompletionItem[str]]]"
"""Returns what the beginning of a word may become."""

SHELLS: Final = ("bash", "zsh", "fish")
_PROGRAM: Final = "peak-reconciler"
_VARIABLE: Final = "_PEAK_RECONCILER_COMPLETE"
"""The variable in which a script asks for completions."""

_SECONDS: Final = 0.5
_MOST_NAMES: Final = 500
_TO_ESCAPE: Final = re.compile(r"[^\w@%+=:,./-]")


def completion_script(shell: str, command: click.Command) -> str:
    """Return the script that switches completion on in `shell`."""
    from click.shell_completion import ShellComplete  # noqa: PLC0415 - only for this command

    # Not the method of the class for bash, which runs a bash to find out its version.
    return ShellComplete.source(_shell(shell, command))


def answer_shell(command: click.Command, request: str) -> int:
    """Print the completions that a shell asks for, and return the exit code.

    Args:
        command: The command line.
        request: The value of the variable, such as `bash_complete`; the words are in others.
    """
    shell, _, instruction = request.partition("_")
    if shell not in SHELLS or instruction != "complete":
        return 1
    with suppress(Exception, KeyboardInterrupt), redirect_stderr(io.StringIO()):
        click.echo(_shell(shell, command).complete())
    return 0


def _shell(shell: str, command: click.Command) -> ShellComplete:
    from click.shell_completion import (  # noqa: PLC0415 - only needed at TAB
        BashComplete,
        FishComplete,
        ShellComplete,
        ZshComplete,
    )

    class Words(ShellComplete):
        """Completion that keeps the words before the one that is completed."""

        def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
            """Return the completions of `incomplete`."""
            self.ctx_args = {"obj": args}
            return super().get_completions(args, incomplete)

    class Bash(Words, BashComplete):
        """Completion in bash, which takes the words as they are typed."""

        def format_completion(self, item: CompletionItem[str]) -> str:
            """Return the line of a completion: escaped, unless the word begins with a quotation mark."""
            words, number = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
            is_quoted = number < len(words) and words[number].startswith(("'", '"'))
            value = item.value if is_quoted else _TO_ESCAPE.sub(r"\\\g<0>", item.value)
            # The script reads the line without `-r`.
            return f"{item.type},{value.replace(chr(92), chr(92) * 2)}"

    class Fish(Words, FishComplete):
        """Completion in fish, with commas in values."""

        source_template = FishComplete.source_template.replace('string split ","', 'string split --max 1 ","')

    class Zsh(Words, ZshComplete):
        """Completion in zsh."""

    classes: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
    return classes[shell](command, {}, _PROGRAM, _VARIABLE)


def complete_names(context: click.Context, parameter: click.Parameter, start: str) -> list[Any]:
    """Complete the name of a workflow that has a manifest."""
    from reconciler.manifests import STDIN, quick_names  # noqa: PLC0415 - only needed at TAB

    with suppress(Exception):
        found = _configuration(context)
        paths = [path for path in _paths(context, parameter) if path != STDIN] or found.manifests
        names = quick_names(paths, start, _SECONDS, found.excludes, found.overlays)
        return sorted({*islice((name for name in names if name.isprintable()), _MOST_NAMES)})
    return []


def complete_paths(_context: click.Context, _parameter: click.Parameter, start: str) -> list[Any]:
    """Leave the word to the shell's own completion of files."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only needed at TAB

    return [CompletionItem(start, type="file")]


def complete_names_and_paths(context: click.Context, parameter: click.Parameter, start: str) -> list[Any]:
    """Complete the name of a workflow, or a file."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only needed at TAB

    names = complete_names(context, parameter, start)
    return [*complete_paths(context, parameter, start), *map(CompletionItem, names)]


def complete_environments(context: click.Context, _parameter: click.Parameter, start: str) -> list[Any]:
    """Complete the name of an environment of the configuration."""
    with suppress(Exception):
        names = _configuration(context, chosen=False).environments
        return [name for name in names if name.startswith(start) and name.isprintable()]
    return []


def complete_words(known: Collection[str]) -> Completer:
    """Return what completes the last of several words that are separated by commas."""

    def complete(_context: click.Context, _parameter: click.Parameter, start: str) -> list[Any]:
        before, comma, last = start.rpartition(",")
        taken = {*before.split(",")}
        return [f"{before}{comma}{word}" for word in known if word.startswith(last) and word not in taken]

    return complete


def complete_backups(context: click.Context, parameter: click.Parameter, start: str) -> list[Any]:
    """Complete the id of a run that has backups, the latest first, or the name of a workflow."""
    return [*_runs(context, start), *complete_names(context, parameter, start)]


def _runs(context: click.Context, start: str) -> Iterator[str]:
    from reconciler.operations import RawOptions, resolve_settings  # noqa: PLC0415 - only needed at TAB

    with suppress(Exception):
        raw = RawOptions(config=context.params.get("config"))
        folder = context.params.get("backup_dir") or resolve_settings(raw).backup_dir
        entries = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
        yield from (name for name in reversed(entries[-_MOST_NAMES:]) if name.startswith(start))


def _paths(context: click.Context, parameter: click.Parameter) -> Sequence[str]:
    """Return the paths among the words before the one that is completed."""
    if isinstance(parameter, click.Option):
        # click reads no argument where the last word is an option that still lacks its value.
        words = context.obj[1:-1]
        context = context.command.make_context(context.info_name, words, resilient_parsing=True)
    return context.params.get("paths") or ()


def _configuration(context: click.Context, *, chosen: bool = True) -> Configuration:
    """Return the configuration of a command line, with the only environment that it names."""
    from reconciler.configuration import (  # noqa: PLC0415 - only needed at TAB
        find_configuration,
        load_configuration,
    )

    names = tuple(context.params.get("environments") or ()) if chosen else ()
    file = context.params.get("config") or find_configuration(Path.cwd())
    return load_configuration(file, names[0] if len(names) == 1 else None)
