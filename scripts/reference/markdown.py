"""Markdown built from values: the head of a page, a table, code in a table cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.values import JsonValue, dump_compact


def head(title: str, introduction: str) -> list[str]:
    """Return the first lines of a generated page."""
    note = "<!-- Generated from the code by `make reference`: do not edit. -->"
    return [f"# {title}", "", note, "", *introduction.splitlines(), ""]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, followed by an empty line; no lines if there are no rows."""
    lines = [_row(row) for row in rows]
    return [_row(heads), _row(["---"] * len(heads)), *lines, ""] if lines else []


def code(text: str) -> str:
    """Return `text` as code, also in the cell of a table."""
    marks = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{marks}{space}{text}{space}{marks}"


def value(given: JsonValue) -> str:
    """Return a JSON value as code."""
    return code(dump_compact(given))


def text_page(lines: Iterable[str]) -> str:
    """Return the text of a page made of `lines`, ending with one line feed."""
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(cells: Sequence[str]) -> str:
    # A bar ends a cell, also inside code, unless it is escaped.
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
