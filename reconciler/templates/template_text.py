"""Rendering of one template: text and parameters in, rendered text and the origin of each part out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.findings import Position
from reconciler.templates.origins import Origins
from reconciler.templates.template_settings import TemplateSettings
from reconciler.values import JsonObject

MAX_TEMPLATE_CHARACTERS: Final = 1024 * 1024
"""Characters of one template."""

_EXPRESSION: Final = re.compile(r"\{[{%#]")


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template.

    Args:
        file: The file, as it is shown.
        text: Its text.
    """

    file: str
    text: str = field(repr=False)


class MissingTemplateError(Exception):
    """There is no file that a template includes; the text says where it was looked for."""


class TemplateProblemError(Exception):
    """An error in a template.

    Args:
        rule: The stable id of the rule that is broken.
        message: What is wrong and what to do; no value of an environment variable.
        file: The template with the error; empty if it is the one that was rendered.
        position: The place in that template, if it is known.
    """

    def __init__(self, rule: str, message: str, file: str = "", position: Position | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.file = file
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderContext:
    """What a template may use.

    Args:
        settings: How it is rendered.
        parameters: The values of its names; one that is null is undefined.
        variables: The environment variables, for `os_env`.
        read: Takes what a template includes, and the file that includes it, and returns the included one.
            Raises `MissingTemplateError`, and `TemplateProblemError` for a file that may not be read.
        suggestion: Returns what to do about an undefined name, as the end of a message.
        mention: Takes what a template may include by a name that it states, and the template, whether it
            includes it or not.
    """

    settings: TemplateSettings
    parameters: JsonObject = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    read: Callable[[str, str], TemplateFile]
    suggestion: Callable[[str], str] = lambda _name: ""
    mention: Callable[[str, str], None] = lambda _wanted, _parent: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A rendered text.

    Args:
        text: The text.
        origins: Where each part of it comes from.
        secrets: The values of environment variables that were read, and the name of each.
        steps: The steps that it took.
    """

    text: str = field(repr=False)
    origins: Origins
    secrets: Mapping[str, str] = field(repr=False)
    steps: int


def has_expressions(text: str) -> bool:
    """Return whether rendering may change `text`."""
    return _EXPRESSION.search(text) is not None


def render(template: TemplateFile, context: RenderContext) -> Rendered:
    """Return the text that `template` renders to.

    Raises:
        TemplateProblemError: The template is invalid, uses an undefined name or a file that it may not
            include, does what the sandbox forbids, or exceeds a bound.
    """
    from reconciler.templates.sandbox import Rendering  # noqa: PLC0415 - a literal manifest needs no Jinja2

    return Rendering(context).run(template)
