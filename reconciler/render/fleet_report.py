"""The merged report of a fleet as text: what is wrong with each environment, and the counts of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.plan import STATES
from reconciler.render.actions import ACTIONS, status_word
from reconciler.render.apply_report import without_ids
from reconciler.render.layout import NARROWEST, Display, table
from reconciler.render.markup import paint
from reconciler.text import clip, counted, printable
from reconciler.values import JsonObject, as_list, as_object

_RESULTS: Final = {"plan": "plan", "apply": "report", "status": "status"}
_MOST_REASONS: Final = 5
"""The workflows of a unit whose errors are shown."""

_LONGEST_NAME: Final = 30
_STATES: Final = {
    "failed": "red",
    "skipped": "yellow",
    "running": "cyan",
    "done": "green",
    "waiting": "dim",
}
"""The states of an environment while a fleet runs, in the order of the display, with their colours."""

_WORDS: Final = {
    **{name: f"to {name}" for name in ACTIONS if name not in {"unchanged", "blocked"}},
    **{sync.value: word for word, sync in STATES.items()},
    "not_tried": status_word("not_tried"),
}
"""The words for people for the keys of a summary, where they are not the same."""


def unit_line(unit: JsonObject) -> str:
    """Return the result of one unit in a line."""
    label = _label(unit)
    if not _has_result(unit):
        return f"{label}: {_failure(unit)}"
    summary = as_object(_result(unit).get("summary"))
    tries = unit.get("attempts", 1)
    again = f", {tries} tries" if isinstance(tries, int) and tries > 1 else ""
    return f"{label}: {_counts(unit, summary)} ({unit['seconds']} s{again})"


def _label(unit: JsonObject) -> str:
    name, shard = printable(str(unit["environment"])), printable(str(unit["shard"]))
    return name if shard.endswith("/1") else f"{name} {shard}"


def _result(unit: JsonObject) -> JsonObject:
    return as_object(unit.get(_RESULTS[str(unit["command"])]))


def _has_result(unit: JsonObject) -> bool:
    return unit["error"] is None and unit["skipped"] is not True


def _failure(unit: JsonObject, *, colours: bool = True) -> str:
    """Return why a unit has no result, in a line."""
    word, colour = ("skipped", "yellow") if unit["skipped"] is True else ("error: ", "red")
    first = "" if unit["skipped"] is True else next(iter(str(unit["error"]).splitlines()), "")
    return (paint(word, colour) if colours else word) + printable(first)


def fleet_progress_text(
    head: str, totals: Mapping[str, int], results: Sequence[JsonObject], display: Display
) -> str:
    """Return how far each environment of a running fleet is, those first in which something failed.

    Args:
        head: The first line: how far the whole is.
        totals: The number of units of each environment.
        results: The results of units so far.
        display: The terminal; environments for which it has no room are counted.
    """
    found: dict[str, list[JsonObject]] = {name: [] for name in totals}
    for unit in results:
        found[str(unit["environment"])].append(unit)
    states = {name: _state(units, totals[name]) for name, units in found.items()}
    order = [*_STATES]
    names = sorted(totals, key=lambda name: order.index(states[name]))
    room = len(names) if display.height is None else max(display.height - 4, 1)
    shown, left = (names, []) if len(names) <= room else (names[: room - 1], names[room - 1 :])
    width = display.width or NARROWEST
    labels = [clip(printable(name), _LONGEST_NAME) for name in shown]
    used = max(map(len, ["ENVIRONMENT", *labels])) + len("  skipped  1000/1000  ")
    rows = [
        (
            label,
            states[name],
            f"{len(found[name])}/{totals[name]}",
            clip(_so_far(found[name]), max(width - used, 10)),
        )
        for label, name in zip(labels, shown, strict=True)
    ]
    lines = table(("ENVIRONMENT", "STATE", "UNITS", "SO FAR"), rows, _STATES)
    if left:
        counts = Counter(states[name] for name in left)
        numbers = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state])
        lines.append(f"{len(left)} more environments: {numbers}")
    return "\n".join([clip(head, width), *lines])


def _state(units: Sequence[JsonObject], total: int) -> str:
    if any(unit["exit_code"] not in {0, 2, None} for unit in units):
        return "failed"
    if any(unit["skipped"] is True for unit in units):
        return "skipped"
    if len(units) == total:
        return "done"
    return "running" if units else "waiting"


def _so_far(units: Sequence[JsonObject]) -> str:
    """Return the first failure of the units of an environment, else the sum of their counts."""
    failures = [_failure(unit, colours=False) for unit in units if not _has_result(unit)]
    sums: Counter[str] = Counter()
    for unit in units:
        numbers = as_object(_result(unit).get("summary")).items()
        sums.update({name: number for name, number in numbers if isinstance(number, int)})
    if failures:
        return failures[0]
    return _counts(units[0], dict(sums)) if units else ""


def fleet_text(report: JsonObject) -> str:
    """Return a merged report as text: what is wrong with each environment, then the sums."""
    environments = [as_object(item) for item in as_list(report["environments"])]
    lines = [line for environment in environments for line in _environment(environment)]
    failed = [str(item["environment"]) for item in environments if item["exit_code"] not in {0, 2}]
    counts = _counts(report, as_object(report["summary"]))
    total = f"Total of {counted(len(environments), 'environment')}: {counts}."
    if failed:
        total += f" {len(failed)} not in full: {', '.join(map(printable, failed))}."
    if report["missing"]:
        word = "result is" if report["missing"] == 1 else "results are"
        total += f" {report['missing']} {word} missing."
    return "\n".join([*lines, "", paint(total, "bold")])


def _environment(environment: JsonObject) -> Iterator[str]:
    """Yield the counts of an environment and what is wrong with it; what several shards say is said once."""
    units = [as_object(unit) for unit in as_list(environment["units"])]
    name, code = printable(str(environment["environment"])), environment["exit_code"]
    with_result = [unit for unit in units if _has_result(unit)]
    if with_result:
        colour = "green" if code in {0, 2} else "red"
        yield f"{paint(name, colour)}: {_counts(units[0], as_object(environment['summary']))}"
    alike: dict[str, list[JsonObject]] = {}
    for unit in units:
        if not _has_result(unit):
            alike.setdefault(without_ids(_failure(unit)), []).append(unit)
    for first, *others in alike.values():
        whole = len(others) + 1 == len(units)
        label = name if whole else ", ".join(map(_label, (first, *others)))
        yield f"{'' if whole else '  '}{label}: {_failure(first)}"
        if first["hint"]:
            yield f"  {'' if whole else '  '}{printable(str(first['hint']))}"
    messages = dict.fromkeys(str(text) for unit in units for text in as_list(unit["messages"]))
    yield from (f"  {printable(message)}" for message in messages)
    for unit in with_result:
        yield from _reasons(unit)


def _reasons(unit: JsonObject) -> Iterator[str]:
    """Yield why workflows of a unit are not as the command leaves them."""
    result = _result(unit)
    if result.get("refusal"):
        yield f"  blocked: {printable(str(result['refusal']))}"
    items = [item for key in ("results", "changes", "workflows") for item in as_list(result.get(key))]
    found = []
    for item in map(as_object, items):
        blocked = "blocked" in {item.get("action"), item.get("sync")}
        reason = item.get("error") or (item.get("reason") if blocked else None)
        if reason:
            found.append(f"  {printable(str(item['name']))}: {printable(str(reason))}")
    yield from found[:_MOST_REASONS]
    if len(found) > _MOST_REASONS:
        yield f"  and {len(found) - _MOST_REASONS} more, which --format json lists"


def _counts(result: JsonObject, summary: JsonObject) -> str:
    """Return the numbers of a summary in words; those that are zero are left out.

    Args:
        result: The unit or report whose command it is of: the summary of an apply has only what it changed.
        summary: The numbers.
    """
    parts = [f"{number} {_WORDS.get(name, name)}" for name, number in summary.items() if number]
    return ", ".join(parts) or ("no changes" if result["command"] == "apply" else "no workflows")
