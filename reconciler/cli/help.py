"""Help pages: options by section, old names of options as hidden aliases, and commands with examples."""

# ruff: noqa: ANN401 - click's own attributes may be anything

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]

_SECTIONS: Final = (
    "Options",
    "Fleet",
    "Job",
    "Selection",
    "Apply",
    "Safety",
    "Comparison",
    "Output",
    "Connection",
)
"""The sections of a help page, in order; an option without one is in the first."""


class Option(click.Option):
    """An option in a section of the help page, which shows its default.

    Args:
        section: The section.
        aliases: Former names that still work and are not shown.
    """

    def __init__(
        self, *args: Any, section: str = "Options", aliases: Sequence[str] = (), **attributes: Any
    ) -> None:
        super().__init__(*args, **{"show_default": True, **attributes})
        self.section = section
        self._aliases = [*aliases]

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Register the option, with its hidden aliases."""
        shown = self.opts
        self.opts = [*shown, *self._aliases]
        super().add_to_parser(parser, ctx)
        self.opts = shown


class Command(click.Command):
    """A command whose help page has its options by section, and its examples at the end.

    Args:
        examples: Command lines with what each is for, without the name of the program.

    Attributes:
        examples: The command lines.
    """

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]], **attributes: Any) -> None:
        lines = [f"  # {purpose}\n  peak-reconciler {line}" for line, purpose in examples]
        shown = "\b\nExamples:\n" + "\n".join(lines)
        attributes["epilog"] = "\n\n".join(filter(None, [attributes.get("epilog"), shown]))
        self.examples = tuple(line for line, _ in examples)
        super().__init__(*args, **attributes)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        for section, options in self.sections(ctx).items():
            records = [record for option in options if (record := option.get_help_record(ctx))]
            with formatter.section(section):
                formatter.write_dl(records)

    def sections(self, ctx: click.Context) -> dict[str, list[click.Parameter]]:
        """Return the options that are shown, by section and in order, `--help` last."""
        found: dict[str, list[click.Parameter]] = {}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and not parameter.hidden:
                found.setdefault(getattr(parameter, "section", "Other"), []).append(parameter)
        return {name: found[name] for name in (*_SECTIONS, "Other") if name in found}


def option(*names: str, **attributes: Any) -> Decorator[Any]:
    """Return the decorator for an `Option`."""
    return click.option(*names, cls=Option, **attributes)


def setting(*names: str, **attributes: Any) -> Decorator[Any]:
    """Return the decorator for an option with a variable: `RECONCILER_` and the option's name."""
    return option(*names, envvar=variable_of(names[0]), show_envvar=True, **attributes)


def variable_of(name: str) -> str:
    """Return the variable of the option `name`, such as `--notify-url`."""
    return f"RECONCILER_{name.partition('/')[0].lstrip('-').upper().replace('-', '_')}"


def command_of(
    name: str, *, examples: Sequence[tuple[str, str]], cls: type[Command] = Command, **attributes: Any
) -> Decorator[Any]:
    """Return the decorator for a `Command`."""
    return click.command(name=name, cls=cls, examples=examples, **attributes)


def bundle(
    argument: str, options: Sequence[Decorator[Any]], make: Callable[[dict[str, Any]], Any]
) -> Decorator[Any]:
    """Return a decorator that gives a command several options, and hands it one value made of theirs.

    Args:
        argument: Name of the argument.
        options: The options, as decorators.
        make: Returns the value, from the values of the options by name.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def command(**values: Any) -> Any:
            own = {name: values.pop(name) for name in names}
            return function(**{argument: make(own)}, **values)

        before = len(getattr(command, "__click_params__", ()))
        for add in reversed(options):
            add(command)
        names = [parameter.name for parameter in command.__click_params__[before:]]  # type: ignore[attr-defined]
        return command  # type: ignore[return-value]

    return decorate
