"""Lines of a change: one where its values are short, else a diff with every hunk.

Nothing is cut silently: what a bound leaves out is counted, and it is never what decides safety first.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from reconciler.plan import HIDDEN
from reconciler.render.layout import hanging
from reconciler.render.markup import paint
from reconciler.text import clip, printable
from reconciler.values import ABSENT, Absent, JsonValue, Path, display_path, dump_compact, leaves
from reconciler.workflow import FieldChange

_LONGEST_VALUE: Final = 120
"""The longest value in characters, as JSON, that is shown in one line."""

_LONGEST_NAME: Final = 60
"""The longest name of an id, in characters."""

_MOST_LINES: Final = 200
"""The most lines of a diff that are shown."""

_MOST_COMPARED: Final = 1_000_000
"""The most pairs of lines that are compared; above it both sides are shown whole."""

_CONTEXT: Final = 2
_WORDS_OF_CONTEXT: Final = 4
_LONGEST_LINE: Final = 400
_PIECE: Final = re.compile(r"\S{1,80}\s*|\s+")
_DECISIVE: Final = re.compile(
    r"://|\b(?:curl|wget|ssh|scp|nc|ba?sh|eval|exec|sudo|python|pip|image\w*|url|host|command|repository"
    r"|token|secret|password|credential|webhook|auth\w*)\b",
    re.IGNORECASE,
)
"""What decides safety: hosts, images, commands, tokens."""


_MARKS: Final = {
    "+": ("+", "green"),
    "-": ("-", "red"),
    "!": ("~", "yellow"),
    "#": (" ", "dim"),
    " ": (" ", ""),
}
"""How a line of each sign begins on a terminal, and its colour."""


class Line(NamedTuple):
    """A line of a diff: its sign (`+`, `-`, `!`, `#` or a space), its text, not yet printable."""

    sign: str
    text: str


def change_lines(change: FieldChange) -> list[Line]:
    """Return a masked change as lines, the first of which names its path."""
    path, sign = display_path(change.path), _sign(change)
    short = _in_one_line(change)
    if short is not None:
        return [Line(sign, f"{path}: {short}")]
    return [Line(sign, f"{path}: {change_verb(change)}"), *_hunks(change)]


def value_lines(change: FieldChange) -> list[Line]:
    """Return the lines of a field of something that comes or goes whole: its path and its value."""
    path, sign = display_path(change.path), _sign(change)
    value, names = (
        (change.before, change.names_before) if change.after is ABSENT else (change.after, change.names_after)
    )
    if change.sensitive:
        return [Line(sign, f"{path}: (sensitive)")]
    if not _is_long(value):
        return [Line(sign, f"{path}: {_named(_value(value), names)}")]
    return [Line(sign, f"{path}:"), *_hunks(change)]


def _hunks(change: FieldChange) -> list[Line]:
    """Return the diff of a change, bounded; what only one side has is indented below its path."""
    indent = "  " if ABSENT in (change.before, change.after) else ""
    hunks = [part._replace(text=indent + part.text) for line in _diff(change) for part in _wrapped(line)]
    changed = sum(line.sign in "+-" for line in hunks)
    shown = _bounded(hunks)
    left = changed - sum(line.sign in "+-" for line in shown)
    if not left:
        return shown
    rest = "changed lines shown; the same command with --format json shows all"
    return [*shown, Line("#", f"{changed - left} of {changed} {rest}")]


def lines_text(lines: Sequence[Line], indent: str, width: int | None) -> Iterator[str]:
    """Yield the lines of a change for a terminal: each in the colour of its sign, a change with `~`.

    Args:
        lines: The lines, of which the first one names the path.
        indent: What each begins with.
        width: The columns of the terminal; `None` for no limit.
    """
    deeper = f"{indent}  " if lines[0].sign == "!" else indent
    for number, line in enumerate(lines):
        mark, colour = _MARKS[line.sign]
        begin = f"{deeper if number else indent}{mark} "
        text = printable(line.text)
        own = len(text) - len(text.lstrip(" "))
        further = " " * (len(begin) + (own + 4 if number else 2))  # so that it looks like no line of its own
        for part in hanging(text, width, first=begin, rest=further):
            yield paint(part, colour) if colour else part


def is_decisive(lines: Sequence[Line]) -> bool:
    """Return whether a change is about a host, an image, a command or a token."""
    return any(line.sign != " " and _DECISIVE.search(line.text) for line in lines)


def change_verb(change: FieldChange) -> str:
    """Return `added`, `removed` or `changed`."""
    if change.before is ABSENT:
        return "added"
    return "removed" if change.after is ABSENT else "changed"


def _sign(change: FieldChange) -> str:
    return {"added": "+", "removed": "-", "changed": "!"}[change_verb(change)]


def _in_one_line(change: FieldChange) -> str | None:
    """Return a change of short values in words; `None` when they are too long for one line."""
    before, after = change.before, change.after
    if change.sensitive:
        return f"{change_verb(change)} (sensitive)"
    if isinstance(before, list) and isinstance(after, list):
        words = _list_change(before, after)
        if words and len(words) <= 2 * _LONGEST_VALUE:
            return words
    lines = _has_lines(before) and _has_lines(after)
    if lines or _is_long(before) or _is_long(after) or _has_names_inside(change):
        return None
    old, new = (_named(_value(before), change.names_before), _named(_value(after), change.names_after))
    if before is ABSENT:
        return f"added {new}"
    if after is ABSENT:
        return "removed (a write-only field)" if before == HIDDEN else f"removed (was {old})"
    return f"{old} → {new}"


def _named(text: str, names: Mapping[Path, str], path: Path = ()) -> str:
    """Return the text of a value, with its name before it if it is an id with a name."""
    return f"{clip(names[path], _LONGEST_NAME)} ({text})" if path in names else text


def _has_names_inside(change: FieldChange) -> bool:
    return any(path for path in (*change.names_before, *change.names_after))


def _is_long(value: JsonValue | Absent) -> bool:
    return value is not ABSENT and len(dump_compact(value)) > _LONGEST_VALUE


def _has_lines(value: JsonValue | Absent) -> bool:
    return isinstance(value, str) and "\n" in value.strip("\n")


def _value(value: JsonValue | Absent) -> str:
    if value is ABSENT:
        return "nothing"
    return HIDDEN if value == HIDDEN else dump_compact(value)


def _list_change(before: list[JsonValue], after: list[JsonValue]) -> str:
    """Return what comes and goes; empty where the order or the number of equal items differs as well."""
    old, new = [dump_compact(item) for item in before], [dump_compact(item) for item in after]
    removed, added = Counter(old) - Counter(new), Counter(new) - Counter(old)
    kept = [item for item in old if item not in removed] == [item for item in new if item not in added]
    parts = [
        f"{word} {', '.join(sorted(items.elements()))}"
        for word, items in (("removed", removed), ("added", added))
        if items
    ]
    return ", ".join(parts) if kept else ""


def _diff(change: FieldChange) -> list[Line]:
    before, after = change.before, change.after
    if _is_one_line(before) and _is_one_line(after):
        old, new = _PIECE.findall(str(before)), _PIECE.findall(str(after))
        return list(_word_hunks(old, new))
    sides = _json_inside(before, after) or (
        _lines(before, change.names_before),
        _lines(after, change.names_after),
    )
    return list(_line_hunks(*sides))


def _is_one_line(value: JsonValue | Absent) -> bool:
    return isinstance(value, str) and "\n" not in value and not value.lstrip().startswith(("{", "["))


def _json_inside(before: JsonValue | Absent, after: JsonValue | Absent) -> tuple[list[str], list[str]] | None:
    """Return the lines of two texts that hold JSON; `None` unless both do and differ in more than layout."""
    texts = [text for text in (before, after) if isinstance(text, str)]
    if len(texts) != sum(side is not ABSENT for side in (before, after)):
        return None
    try:
        values = ["" if side is ABSENT else json.loads(str(side)) for side in (before, after)]
        old, new = (
            json.dumps(value, indent=2, ensure_ascii=False).split("\n")
            if isinstance(value, dict | list)
            else []
            for value in values
        )
    except (ValueError, RecursionError):
        return None
    return (old, new) if old != new and (old or before is ABSENT) and (new or after is ABSENT) else None


def _lines(value: JsonValue | Absent, names: Mapping[Path, str]) -> list[str]:
    if value is ABSENT:
        return []
    if isinstance(value, str):
        return value.split("\n")
    if isinstance(value, list):
        return [dump_compact(item) for item in value]
    return [line for path, leaf in leaves(value) for line in _leaf(path, leaf, names)]


def _leaf(at: Path, leaf: JsonValue, names: Mapping[Path, str]) -> Iterator[str]:
    path = display_path(at)
    if isinstance(leaf, str) and "\n" in leaf:
        yield f"{path}:"
        yield from (f"  {line}" for line in leaf.split("\n"))
    else:
        text = _named(dump_compact(leaf), names, at)
        yield f"{path}: {text}" if path else text


def _groups(
    old: Sequence[str], new: Sequence[str], context: int
) -> Iterator[list[tuple[str, int, int, int, int]]]:
    import difflib  # noqa: PLC0415 - only needed where a long value changes

    if not old or not new:
        yield [("replace", 0, len(old), 0, len(new))]
        return
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    if (len(old) - same) * (len(new) - same) > _MOST_COMPARED:
        yield [("replace", same, len(old), same, len(new))]
        return
    start = max(0, same - context)
    matcher = difflib.SequenceMatcher(None, old[start:], new[start:], autojunk=False)
    for group in matcher.get_grouped_opcodes(context):
        yield [(kind, i1 + start, i2 + start, j1 + start, j2 + start) for kind, i1, i2, j1, j2 in group]


def _line_hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    for number, group in enumerate(_groups(old, new, _CONTEXT)):
        if number or group[0][1]:
            yield Line("#", f"@@ line {group[0][1] + 1} @@")
        for kind, i1, i2, j1, j2 in group:
            if kind == "equal":
                yield from (Line(" ", text) for text in old[i1:i2])
            else:
                yield from (Line("-", text) for text in old[i1:i2])
                yield from (Line("+", text) for text in new[j1:j2])


def _word_hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    for group in _groups(old, new, _WORDS_OF_CONTEXT):
        for sign, words, first, last in (
            ("-", old, group[0][1], group[-1][2]),
            ("+", new, group[0][3], group[-1][4]),
        ):
            lead, rest = "…" if first else "", "…" if last < len(words) else ""
            if first < last:
                yield Line(sign, lead + dump_compact("".join(words[first:last])) + rest)


def _bounded(lines: list[Line]) -> list[Line]:
    """Return at most `_MOST_LINES` lines: without context first, what decides safety last."""
    if len(lines) <= _MOST_LINES:
        return lines
    changed = [index for index, line in enumerate(lines) if line.sign in "+-"]
    changed.sort(key=lambda index: not _DECISIVE.search(lines[index].text))
    return [lines[index] for index in sorted(changed[:_MOST_LINES])]


def _wrapped(line: Line) -> Iterator[Line]:
    text = line.text
    for start in range(0, max(1, len(text)), _LONGEST_LINE):
        yield Line(line.sign, text[start : start + _LONGEST_LINE])
