"""A report as Markdown for a comment on a pull request, cut to fit a limit, most important parts first.

GitHub and GitLab show it alike: a table of the counts, each workflow folded, its changes as a diff, and its
steps as a Mermaid graph where their order changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from reconciler.render.change_lines import Line, is_decisive
from reconciler.render.graphs import changed_steps_mermaid
from reconciler.render.markup import LEAST, LIMIT, code, code_block, diff_block, folded, html_code, size
from reconciler.render.report_page import Count, Fact, ReportEntry, ReportPage
from reconciler.text import clip, printable

_FOR_THE_CUT: Final = 300
"""The bytes kept free for the note on what was cut."""

_STEERING: Final = ("`", "~", "/", ":", "@", "#")
"""What may end a block of code, or be a command to a code host, at the beginning of a line."""

_CONTEXT: Final = "·"
"""The sign of an unchanged line that begins with one of these, in place of a space."""

_LONGEST_NAME: Final = 200
_LONGEST_LINE: Final = 500


def marker(kind: str) -> str:
    """Return the first line of a report of this kind, by which `comment` finds the one of an earlier run."""
    return f"<!-- peak-reconciler:{kind} -->"


def markdown_report(page: ReportPage, limit: int = LIMIT) -> str:
    """Return a report as Markdown of at most `limit` bytes.

    To fit the limit, it leaves out the workflows that are only listed first, then graphs and fields, then
    reasons and warnings, then names, those that are read first last. Of the fields, those that change a host,
    an image, a command or a token are left out last. A note counts what is left out.

    Args:
        page: The report.
        limit: The maximum size in bytes; a smaller one than `LEAST` counts as `LEAST`.
    """
    entries = list(page.entries)
    shown = [entry for entry in entries if not entry.list_under]
    parts = [_part(entry) for entry in shown]
    head = _head(page)
    room_for_all = max(limit, LEAST) - size(head) - _FOR_THE_CUT
    if sum(size(part.text(part.whole)) for part in parts) > room_for_all:
        parts = [_part(entry, decisive_first=True) for entry in shown]
    depths, room = _fitting(parts, room_for_all)
    texts = [part.text(depth) for part, depth in zip(parts, depths, strict=True)]
    lists, whole = _lists(entries, room)
    deletes = sum(depth < 0 and entry.word == "delete" for entry, depth in zip(shown, depths, strict=True))
    cut = _cut(parts, depths, deletes=deletes, whole=whole, rest=page.rest)
    return "".join([head, cut, *texts, *lists]).rstrip("\n")


def _head(page: ReportPage) -> str:
    summary = code(page.summary) if page.quotes else page.summary
    facts = [_fact(fact) for fact in page.facts if fact.stands_out]
    others = " · ".join(_fact(fact) for fact in page.facts if not fact.stands_out)
    facts += [others] if others else []
    counts = [count for count in (*page.counts, *page.origins) if count.number]
    table = [_table(counts)] if counts else []
    return "\n\n".join([f"{marker(page.kind)}\n### {summary}", *facts, *table]) + "\n\n"


def _fact(fact: Fact) -> str:
    label = f"{fact.label}:" if fact.label else ""
    return f"{f'**{label}**' if fact.stands_out else label} {code(fact.text)}".strip()


def _table(counts: Iterable[Count]) -> str:
    words, numbers = zip(*((count.word, str(count.number)) for count in counts), strict=True)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (words, ["---"] * len(words), numbers))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The parts of one entry, most important first.

    Args:
        title: The line with its name.
        summary: The same as the title of a folded section.
        is_open: Whether that section is open.
        remarks: Reasons, warnings and notes.
        fields: The lines of its changes.
        graph: Its steps.
    """

    title: str
    summary: str
    is_open: bool
    remarks: tuple[str, ...]
    fields: tuple[str, ...]
    graph: str

    def text(self, depth: int) -> str:
        """Return the parts down to `depth`.

        None is at -1, the title at 0, the remarks at 1, then one more field each, and at last the graph.
        """
        if depth < 0:
            return ""
        shown = self.fields[: max(0, depth - 1)]
        left = len(self.fields) - len(shown)
        more = (f"# and {left} more",) if left else ()
        inner = ["\n".join(f"- {remark}" for remark in self.remarks)] if depth and self.remarks else []
        inner += [diff_block((*shown, *more))] if shown else []
        inner += [self.graph] if self.graph and depth == self.whole else []
        if not inner:
            return f"{self.title}\n\n"
        return folded(self.summary, ["\n\n".join(inner)], is_open=self.is_open) + "\n\n"

    @property
    def whole(self) -> int:
        """The depth that shows everything."""
        return 1 + len(self.fields) + bool(self.graph) if self.fields or self.remarks or self.graph else 0


def _part(entry: ReportEntry, *, decisive_first: bool = False) -> _Part:
    return _Part(
        title=_title(entry, f"**{entry.word}**", code),
        summary=_title(entry, f"<b>{entry.word}</b>", html_code),
        is_open=entry.is_first,
        remarks=tuple(
            f"{_label(remark.kind)} {code(remark.text, _LONGEST_LINE)}".strip() for remark in entry.remarks
        ),
        fields=tuple(_fields(entry, decisive_first=decisive_first)),
        graph=_graph(entry),
    )


def _title(entry: ReportEntry, word: str, quoted: Callable[[str, int], str]) -> str:
    known = f" (id {entry.id})" if entry.id is not None else ""
    where = f" in {quoted(entry.place, 300)}" if entry.place else ""
    facts = "".join(f", {quoted(fact, _LONGEST_NAME)}" for fact in entry.facts)
    marks = f", {', '.join(entry.marks)}" if entry.marks else ""
    return f"{word} {quoted(entry.name, _LONGEST_NAME)}{known}{where}{facts}{marks}"


def _label(kind: str) -> str:
    return "" if not kind else f"{kind}:" if kind == "Note" else f"**{kind}:**"


def _fields(entry: ReportEntry, *, decisive_first: bool) -> Iterable[str]:
    groups = list(entry.changes)
    if decisive_first:
        groups.sort(key=lambda group: not is_decisive(group))
    lines = [Line("#", text) for text in entry.about]
    lines += [line for group in groups for line in group]
    lines += [Line(" ", text) for text in entry.body]
    return (text for line in lines for text in _diff_lines(line))


def _diff_lines(line: Line) -> Iterable[str]:
    """Yield a line of a change in lines of a bounded length: none of it is cut off."""
    shown = printable(line.text)
    for start in range(0, max(1, len(shown)), _LONGEST_LINE):
        part = shown[start : start + _LONGEST_LINE]
        unsafe = line.sign == " " and part.lstrip().startswith(_STEERING)
        yield f"{_CONTEXT if unsafe else line.sign} {part}"


def _graph(entry: ReportEntry) -> str:
    if entry.steps is None or not entry.steps.is_rewired:
        return ""
    drawn = changed_steps_mermaid(entry.steps)
    return code_block("mermaid", drawn.splitlines()) if drawn else ""


def _fitting(parts: list[_Part], room: int) -> tuple[list[int], int]:
    """Return the depth of each part that fits into `room` bytes, and the bytes that remain.

    All titles come before any remark, and all remarks before any field.
    """
    depths = [-1] * len(parts)

    def deepen(wanted: Callable[[_Part], int]) -> None:
        nonlocal room
        for index, part in enumerate(parts):
            now = size(part.text(depths[index]))
            depths[index] = _deepest(part, depths[index], wanted(part), now + room)
            room -= size(part.text(depths[index])) - now

    deepen(lambda _: 0)
    if -1 not in depths:
        deepen(lambda part: min(1, part.whole))
        deepen(lambda part: part.whole)
    return depths, room


def _deepest(part: _Part, low: int, high: int, room: int) -> int:
    """Return the greatest depth from `low` to `high` whose text fits into `room` bytes."""
    if size(part.text(high)) <= room:
        return high
    high -= 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(part.text(middle)) <= room else (low, middle - 1)
    return low


def _cut(parts: list[_Part], depths: list[int], *, deletes: int, whole: bool, rest: str) -> str:
    """Return the note on what is cut from the entries, among them `deletes`, and from the lists."""
    unnamed = depths.count(-1)
    short = sum(0 <= depth < part.whole for part, depth in zip(parts, depths, strict=True))
    cut = [f"{short} shown in part"] if short else []
    cut += [f"{unnamed} omitted ({deletes} of them deletes)"] if unnamed else []
    cut += ["lists shortened"] if not whole else []
    return f"> **Cut to fit:** {', '.join(cut)}. {rest}\n\n" if cut else ""


def _lists(entries: Iterable[ReportEntry], room: int) -> tuple[list[str], bool]:
    """Return the folded lists, as far as they fit into `room` bytes, and whether they are complete."""
    lists: dict[str, list[str]] = {}
    for entry in entries:
        if entry.list_under:
            lists.setdefault(entry.list_under, []).append(_item(entry))
    folds, whole = [], True
    for title, lines in lists.items():
        summary = f"{len(lines)} {title}"
        shown = _first_of(lines, room - size(folded(summary, [])) - 1)
        whole = whole and len(shown) == len(lines)
        folds += [folded(summary, shown) + "\n"] if shown else []
        room -= size(folds[-1]) if shown else 0
    return folds, whole


def _first_of(lines: list[str], room: int) -> list[str]:
    ends = accumulate(size(line) + 1 for line in lines)
    return [line for line, end in zip(lines, ends, strict=True) if end <= room]


def _item(entry: ReportEntry) -> str:
    known = f" (id {entry.id})" if entry.id is not None else ""
    remarks = "".join(f": {code(clip(remark.text, _LONGEST_LINE))}" for remark in entry.remarks)
    return f"- {code(entry.name, _LONGEST_NAME)}{known}{remarks}"
