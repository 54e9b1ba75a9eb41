"""Readers of `!env`, `!file` and `!param`: where their values come from, and what is wrong with one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from reconciler.files import UnreadableError
from reconciler.findings import Severity
from reconciler.json_documents import NestingError, NotJsonError, parse_json
from reconciler.manifests.discovery import ManifestFile, read_text
from reconciler.manifests.parameters import Parameters
from reconciler.manifests.yaml_nodes import FLOAT_PATTERN, INT_PATTERN
from reconciler.manifests.yaml_values import EnvTag, Included
from reconciler.text import clip
from reconciler.values import ABSENT, Absent, JsonValue, texts

MAX_INCLUDED_BYTES: Final = 1024 * 1024
"""Bytes of one file included with `!file`."""

_SURROGATE: Final = "[\ud800-\udfff]"
"""What Python has in place of bytes of a variable that are not UTF-8."""

HOW_TO_SET: Final = "set it with --param, --params or params in reconciler.yaml, or write a default"
"""What to do about a parameter that is not set."""

_FORMS: Final = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "json": "JSON, without duplicate keys and nested at most 100 levels deep",
}
_PLACEHOLDERS: Final[Mapping[str, JsonValue]] = {"integer": 0, "number": 0, "boolean": False}


def env_reader(
    env: Mapping[str, str], secrets: set[str], *, require_env: bool
) -> Callable[[EnvTag], Included]:
    """Return the reader of `!env`.

    Args:
        env: The variables.
        secrets: The set to which the values of variables are added.
        require_env: Whether an unset variable is an error; if not, it is a warning.
    """

    def read(tag: EnvTag) -> Included:
        variable = f"the environment variable {clip(tag.name, 100)!r}"
        text = env.get(tag.name)
        placeholder = _PLACEHOLDERS.get(tag.type, f"${{{tag.name}}}")
        if not text and tag.default is None:
            # CI systems give an empty variable for a secret that is not defined.
            default = "default: '' if an empty text is intended" if tag.type == "string" else "a default"
            problem = (
                f"{variable} is not set; set it, or write a default"
                if text is None
                else f"{variable} is empty; set it, or write {default}"
            )
            severity = Severity.ERROR if require_env else Severity.WARNING
            return Included(value=placeholder, problem=problem, severity=severity)
        if not text:  # a default is in Git, and no secret
            value = _typed(tag.default or "", tag.type)
            if value is ABSENT:
                return Included(value=placeholder, problem=f"the default must be {_FORMS[tag.type]}")
            return Included(value=value)
        if re.search(_SURROGATE, text):
            return Included(value=placeholder, problem=f"{variable} is not valid UTF-8")
        value = _typed(text, tag.type)
        if value is ABSENT:
            problem = f"{variable} must be {_FORMS[tag.type]}; its value is not shown, since it may be secret"
            return Included(value=placeholder, problem=problem)
        if tag.type != "boolean":  # which everybody can guess, and every text contains
            secrets.update({text, *(part for _, part in texts(value))})
        note = f"{variable} holds only white space" if text.isspace() else ""
        return Included(value=value, sensitive=True, note=note)

    return read


def file_reader(file: ManifestFile, included: set[Path]) -> Callable[[str], Included]:
    """Return the reader of `!file` in `file`, which adds the files that it reads to `included`."""

    def read(name: str) -> Included:
        try:
            included.add(Path(os.path.realpath(file.path.parent / name)))
            text = read_text(file.path.parent / name, file.root, MAX_INCLUDED_BYTES)
            return Included(value=text.replace("\r\n", "\n").replace("\r", "\n"))  # as YAML reads a manifest
        except (UnreadableError, ValueError) as error:
            return Included(problem=f"cannot include the file {clip(name, 100)!r}: {error}")

    return read


def param_reader(parameters: Parameters) -> Callable[[str], Included]:
    """Return the reader of `!param`."""

    def read(name: str) -> Included:
        value = parameters.get(name)
        if value is not ABSENT:
            return Included(value=value)
        problem = f"the parameter {clip(name, 60)!r} is not set: {HOW_TO_SET}; {parameters.suggestion(name)}"
        return Included(problem=problem, is_absent=True)

    return read


def _typed(text: str, kind: str) -> JsonValue | Absent:
    """Return the value of `text` in the type `kind`; `ABSENT` if it has none."""
    if kind == "string":
        return text
    if kind == "json":
        try:
            return parse_json(text.encode())
        except (NotJsonError, NestingError):
            return ABSENT
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.strip().lower(), ABSENT)
    if INT_PATTERN.match(text.strip()):
        return int(text)
    return float(text) if kind == "number" and FLOAT_PATTERN.match(text.strip()) else ABSENT
