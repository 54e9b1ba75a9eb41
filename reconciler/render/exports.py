"""Remarks on exported manifests: variables for secrets, notes and problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.export import ExportResult
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import display_path


def export_lines(exported: Iterable[ExportResult], redactor: Redactor) -> Iterator[str]:
    """Yield a line for each variable, note and problem of exported workflows, without any secret."""
    for item in exported:
        name = clip(item.live.name, 100)
        for variable in item.variables:
            value = "" if variable.returned else "; the API does not return its value"
            path = display_path(variable.path)
            yield _line(f"{variable.name}: {path} of {name}: {variable.why}{value}", redactor)
        for note in item.notes:
            yield _line(f"note: {name} (id {item.live.id}): {note}", redactor)
        for problem in item.problems:
            left = "" if item.text else "not exported: "
            yield _line(f"warning: {name} (id {item.live.id}): {left}{problem}", redactor)


def _line(text: str, redactor: Redactor) -> str:
    return printable(redactor.text(text))
