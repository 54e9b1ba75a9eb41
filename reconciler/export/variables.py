"""Secrets of an exported workflow: what is written in their place.

A variable has the name of the first workflow and field with its value; its name is never made of the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from reconciler.secrecy import (
    Redactor,
    SecretFields,
    credential_kind,
    is_credential_name,
    is_masked,
    why_secret,
)
from reconciler.values import JsonObject, Path, as_object, texts
from reconciler.workflow import Body

_PREFIX: Final = "PEAK"
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Z0-9]+")
_LONGEST_PART: Final = 40
_LEFT_OUT: Final = frozenset({"steps", "repository", "auth", "parameters", "env", "headers", "absolute"})
"""Parts of a path that a name leaves out: the rest says enough."""


class SecretHandling(str, Enum):
    """What an export writes for a secret."""

    NAMES = "names"
    """The value where it is the name of a credential on the platform, else a variable."""

    ENV = "env"
    """A variable."""

    IGNORE = "ignore"
    """Nothing: `reconcile.ignore` leaves the field to the tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable in place of a secret.

    Args:
        path: Where the secret is in the body.
        why: Why it is one.
        returned: Whether the platform returns its value.
    """

    name: str
    path: Path
    why: str
    returned: bool


class VariableNames:
    """Names of variables: one for each value, and always the same one in a run."""

    def __init__(self) -> None:
        self._names: dict[str | tuple[str, Path], str] = {}

    def name(self, body: JsonObject, path: Path, fallback: str, value: str | None) -> str:
        """Return the name of the variable for the secret at `path`.

        Args:
            body: The manifest's body.
            path: Where the secret is in it.
            fallback: Used for a workflow without letters in its name, or with a credential; unique to it.
            value: The secret; `None` when the platform does not return it, which makes it unlike any other.
        """
        key = (fallback, path) if value is None else value
        if key in self._names:
            return self._names[key]
        workflow = str(body.get("name", ""))
        first = fallback if credential_kind(workflow) else _part(workflow) or fallback
        parts = [_PREFIX, first, *map(_part, _labels(body, path))]
        base = name = "_".join(part for part in parts if part)
        number = 1
        while name in self._names.values():
            number += 1
            name = f"{base}_{number}"
        self._names[key] = name
        return name


def credential_names(body: JsonObject, redactor: Redactor) -> tuple[Path, ...]:
    """Return the secret fields of a body that hold the name of a credential on the platform."""
    return tuple(path for path, text in texts(body) if is_credential_name(path, text, redactor))


def secret_variables(
    body: JsonObject, hidden: frozenset[Path], redactor: Redactor, names: VariableNames, fallback: str
) -> tuple[Variable, ...]:
    """Return a variable for each secret of a manifest's body; those of equal values have one name.

    Args:
        body: The body.
        hidden: The secrets whose value the platform does not return.
        redactor: Knows the secrets of the run.
        names: The names given so far.
        fallback: As for `VariableNames.name`.
    """
    found = []
    for path, text in texts(body):
        why = why_secret(path, text, SecretFields(), redactor)
        if why:
            returned = path not in hidden and not is_masked(path, text)
            name = names.name(body, path, fallback, text if returned else None)
            found.append(Variable(name=name, path=path, why=why, returned=returned))
    return tuple(found)


def _labels(body: JsonObject, path: Path) -> list[str]:
    match path:
        case ("watchers", int(index), kind, *rest):
            named = str(as_object(Body(body).watchers[index].get(str(kind))).get("name", ""))
            return ["WATCHER", "" if credential_kind(named) else named, *map(str, rest)]
        case ("steps", step, *rest):
            return [str(step), *(str(part) for part in rest if part not in _LEFT_OUT)]
    return [str(part) for part in path]


def _part(text: str) -> str:
    upper = _CAMEL.sub("_", text[:1000]).upper()
    return _NOT_IN_A_NAME.sub("_", upper).strip("_")[:_LONGEST_PART].strip("_")
