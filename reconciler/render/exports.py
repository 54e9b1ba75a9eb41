"""Remarks on exported manifests: variables for secrets, notes and problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.export import ExportResult
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.values import display_path


def export_lines(exported: Sequence[ExportResult], redactor: Redactor) -> Iterator[str]:
    """Yield a line for each variable, note and problem of exported workflows, without any secret."""
    yield from (_line(text, redactor) for text in _variable_lines(exported))
    for item in exported:
        name = clip(item.live.name, 100)
        for note in item.notes:
            yield _line(f"note: {name} (id {item.live.id}): {note}", redactor)
        for problem in item.problems:
            left = "" if item.text else "not exported: "
            yield _line(f"warning: {name} (id {item.live.id}): {left}{problem}", redactor)
    named = sum(len(item.credential_names) for item in exported if item.text)
    if named:
        fields = "1 field holds the name" if named == 1 else f"{named} fields hold names"
        yield (
            f"note: {fields} of credentials on the platform, kept as is; if a value is a credential itself, "
            "export with --secrets env"
        )


def _variable_lines(exported: Iterable[ExportResult]) -> Iterator[str]:
    """Yield for each variable the first field that it is for, and the number of the others."""
    places: dict[str, list[str]] = {}
    for item in exported:
        for variable in item.variables:
            value = "" if variable.returned else "; the API does not return its value"
            where = f"{display_path(variable.path)} of {clip(item.live.name, 100)}"
            places.setdefault(variable.name, [f"{variable.why}{value}"]).append(where)
    for name, (why, first, *others) in places.items():
        more = f" and {len(others)} more" if others else ""
        yield f"{name}: {first}{more}: {why}"


def _line(text: str, redactor: Redactor) -> str:
    return printable(redactor.text(text))
