"""A plan as Markdown for a comment on a pull request, cut to fit a limit, most important parts first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from reconciler.plan import Action, Create, Delete, Plan, Refusal, Unchanged, Update, live_id
from reconciler.render.action_lines import about, changed_groups
from reconciler.render.actions import action_name
from reconciler.render.change_lines import Line, is_decisive
from reconciler.render.markup import code, diff_block, folded, size
from reconciler.render.plan_as_json import shown_body
from reconciler.render.plan_as_text import plan_summary
from reconciler.secrecy import Redactor
from reconciler.text import clip, printable
from reconciler.workflow import Listed

MARKER: Final = "<!-- peak-reconciler:plan -->"
"""The first line of every plan in Markdown, by which `comment` finds the one of an earlier run."""

LIMIT: Final = 65_536
"""The default limit in bytes: that of a comment on GitHub."""

LEAST: Final = 4_096
"""The smallest limit in bytes, with room for the counts, a refusal and the note on what was cut."""

_FOR_THE_CUT: Final = 300
"""The bytes kept free for the note on what was cut."""

_LONGEST_LINE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """The parts of one action, most important first.

    Args:
        title: The line with its name.
        remarks: Reasons, warnings and notes.
        fields: The lines of its changes.
    """

    title: str
    remarks: tuple[str, ...]
    fields: tuple[str, ...]

    def text(self, depth: int) -> str:
        """Return the parts down to `depth`: none (-1), title (0), remarks (1), then one more field each."""
        if depth < 0:
            return ""
        remarks = "\n".join(f"- {remark}" for remark in self.remarks) if depth else ""
        shown = self.fields[: max(0, depth - 1)]
        left = len(self.fields) - len(shown)
        more = (f"# and {left} more",) if left else ()
        fields = diff_block((*shown, *more)) if shown else ""
        return "\n\n".join(filter(None, [self.title, remarks, fields])) + "\n\n"

    @property
    def whole(self) -> int:
        """The depth that shows everything."""
        return 1 + len(self.fields) if self.fields or self.remarks else 0


def plan_markdown(
    plan: Plan,
    redactor: Redactor,
    *,
    bodies: bool = False,
    environment: str | None = None,
    limit: int = LIMIT,
) -> str:
    """Return `plan` as Markdown of at most `limit` bytes, without any secret.

    To fit the limit, it leaves out unchanged workflows first, then fields, then reasons and warnings, then
    names, those of deletes last. Of the fields, those that change a host, an image, a command or a token
    are left out last. A note counts what is left out.

    Args:
        plan: The plan.
        redactor: Removes known secrets.
        bodies: Whether to show the body of each create and update.
        environment: The name of the environment to show at the top.
        limit: The maximum size in bytes; a smaller one than `LEAST` counts as `LEAST`.
    """
    actions = sorted((item for item in plan.actions if not isinstance(item, Unchanged)), key=_importance)
    entries = [_entry(action, redactor, bodies=bodies) for action in actions]
    head = _head(plan, redactor, environment)
    room_for_all = max(limit, LEAST) - size(head) - _FOR_THE_CUT
    if sum(size(entry.text(entry.whole)) for entry in entries) > room_for_all:
        entries = [_entry(action, redactor, bodies=bodies, decisive_first=True) for action in actions]
    depths, room = _fitting(entries, room_for_all)
    shown = [entry.text(depth) for entry, depth in zip(entries, depths, strict=True)]
    folds, whole = _folds(plan, redactor, room)
    cut = _cut(entries, depths, deletes=sum(isinstance(action, Delete) for action in actions), whole=whole)
    return "".join([head, cut, *shown, *folds]).rstrip("\n")


def _importance(action: Action) -> int:
    if isinstance(action, Delete):
        return 0
    return 1 if isinstance(action, Refusal) else 2


def _head(plan: Plan, redactor: Redactor, environment: str | None) -> str:
    lines = [MARKER, f"### {plan_summary(plan)}", ""]
    if environment is not None:
        lines += [f"Environment: {code(environment, 100)}", ""]
    if plan.refusal:
        lines += [f"**Blocked:** {code(redactor.prose(plan.refusal))}", ""]
    return "\n".join([*lines, ""])


def _entry(action: Action, redactor: Redactor, *, bodies: bool, decisive_first: bool = False) -> _Entry:
    identity = live_id(action)
    known = f" (id {identity})" if identity is not None else ""
    where = f" in {code(str(action.source))}" if action.source else ""
    origin = f" ({action.origin.value})" if action.origin else ""
    remarks = [("**Warning:**", warning) for warning in action.warnings]
    if isinstance(action, Refusal):
        remarks = [("**Reason:**", action.reason), *remarks]
    remarks += [("Note:", note) for note in action.notes]
    return _Entry(
        title=f"**{action_name(action)}** {_name(action.name)}{known}{where}{origin}",
        remarks=tuple(f"{word} {code(redactor.prose(text), _LONGEST_LINE)}" for word, text in remarks),
        fields=tuple(_fields(action, redactor, bodies=bodies, decisive_first=decisive_first)),
    )


def _name(name: str) -> str:
    return code(name, 200)


def _fields(action: Action, redactor: Redactor, *, bodies: bool, decisive_first: bool) -> Iterator[str]:
    def line(sign: str, text: str) -> str:
        return f"{sign} {clip(printable(text), _LONGEST_LINE)}"

    if isinstance(action, Delete | Refusal):
        return
    yield from (line("#", text) for text in about(action, redactor))
    groups = changed_groups(action, redactor, bodies=bodies)
    if decisive_first:
        groups.sort(key=lambda group: not is_decisive(group))
    yield from (text for group in groups for part in group for text in _diff_lines(part))
    if bodies and isinstance(action, Create | Update):
        shown = json.dumps(shown_body(action, redactor), indent=2)
        yield from (line(" ", text) for text in shown.splitlines())


def _diff_lines(line: Line) -> Iterator[str]:
    """Yield a line of a change in lines of a bounded length: none of it is cut off."""
    shown = printable(line.text)
    for start in range(0, max(1, len(shown)), _LONGEST_LINE):
        yield f"{line.sign} {shown[start : start + _LONGEST_LINE]}"


def _fitting(entries: list[_Entry], room: int) -> tuple[list[int], int]:
    """Return the depth of each entry that fits into `room` bytes, and the bytes that remain.

    All titles come before any remark, and all remarks before any field.
    """
    depths = [-1] * len(entries)

    def deepen(wanted: Callable[[_Entry], int]) -> None:
        nonlocal room
        for index, entry in enumerate(entries):
            now = size(entry.text(depths[index]))
            depths[index] = _deepest(entry, depths[index], wanted(entry), now + room)
            room -= size(entry.text(depths[index])) - now

    deepen(lambda _: 0)
    if -1 not in depths:
        deepen(lambda _: 1)
        deepen(lambda entry: entry.whole)
    return depths, room


def _deepest(entry: _Entry, low: int, high: int, room: int) -> int:
    """Return the greatest depth from `low` to `high` whose text fits into `room` bytes."""
    if size(entry.text(high)) <= room:
        return high
    high -= 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(entry.text(middle)) <= room else (low, middle - 1)
    return low


def _cut(entries: list[_Entry], depths: list[int], *, deletes: int, whole: bool) -> str:
    """Return the note on what is cut from the entries, which begin with the deletes, and from the lists."""
    unnamed, deletes = depths.count(-1), depths[:deletes].count(-1)
    short = sum(0 <= depth < entry.whole for entry, depth in zip(entries, depths, strict=True))
    parts = [f"{short} shown in part"] if short else []
    parts += [f"{unnamed} omitted ({deletes} of them deletes)"] if unnamed else []
    parts += ["lists shortened"] if not whole else []
    if not parts:
        return ""
    rest = "The job's log has the whole plan, and `plan` with the same paths and options shows it."
    return f"> **Cut to fit:** {', '.join(parts)}. {rest}\n\n"


def _folds(plan: Plan, redactor: Redactor, room: int) -> tuple[list[str], bool]:
    """Return the collapsed lists, as far as they fit into `room` bytes, and whether they are complete."""
    unchanged = sorted(
        (action for action in plan.actions if isinstance(action, Unchanged)),
        key=lambda action: not action.notes,
    )
    lists = {
        f"{len(plan.orphaned)} orphaned: owned by this repository, no manifest in Git any more": [
            f"- {_name(item.name)} (id {item.id})" for item in plan.orphaned
        ],
        f"{len(plan.unmanaged)} unmanaged": [_unmanaged(it) for it in plan.unmanaged],
        f"{len(unchanged)} unchanged": [_unchanged(action, redactor) for action in unchanged],
    }
    folds, whole = [], True
    for summary, lines in lists.items():
        shown = _first_of(lines, room - size(folded(summary, [])) - 1)
        whole = whole and len(shown) == len(lines)
        folds += [folded(summary, shown) + "\n"] if shown else []
        room -= size(folds[-1]) if shown else 0
    return folds, whole


def _first_of(lines: list[str], room: int) -> list[str]:
    ends = accumulate(size(line) + 1 for line in lines)
    return [line for line, end in zip(lines, ends, strict=True) if end <= room]


def _unmanaged(item: Listed) -> str:
    owners = ", ".join(sorted(item.ownership.owners)) if item.ownership else ""
    owned = f", owned by {code(owners, 200)}" if owners else ""
    return f"- {_name(item.name)} (id {item.id}{owned})"


def _unchanged(action: Unchanged, redactor: Redactor) -> str:
    notes = "".join(f": {code(redactor.prose(note))}" for note in action.notes)
    return f"- {_name(action.name)}{notes}"
