"""The merged report of a fleet as text: what is wrong with each environment, and the counts of all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.plan import STATES
from reconciler.render.actions import ACTIONS, status_word
from reconciler.render.apply_report import without_ids
from reconciler.render.markup import paint
from reconciler.text import counted, printable
from reconciler.values import JsonObject, as_list, as_object

_RESULTS: Final = {"plan": "plan", "apply": "report", "status": "status"}
_MOST_REASONS: Final = 5
"""The workflows of a unit whose errors are shown."""

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
    return f"{label}: {_counts(summary)} ({unit['seconds']} s{again})"


def _label(unit: JsonObject) -> str:
    name, shard = printable(str(unit["environment"])), printable(str(unit["shard"]))
    return name if shard.endswith("/1") else f"{name} {shard}"


def _result(unit: JsonObject) -> JsonObject:
    return as_object(unit.get(_RESULTS[str(unit["command"])]))


def _has_result(unit: JsonObject) -> bool:
    return unit["error"] is None and unit["skipped"] is not True


def _failure(unit: JsonObject) -> str:
    """Return why a unit has no result, in a line."""
    if unit["skipped"] is True:
        return paint("skipped", "yellow")
    first, *_ = str(unit["error"]).splitlines() or [""]
    return paint("error: ", "red") + printable(first)


def fleet_text(report: JsonObject) -> str:
    """Return a merged report as text: what is wrong with each environment, then the sums."""
    environments = [as_object(item) for item in as_list(report["environments"])]
    lines = [line for environment in environments for line in _environment(environment)]
    failed = [str(item["environment"]) for item in environments if item["exit_code"] not in {0, 2}]
    total = f"Total of {counted(len(environments), 'environment')}: {_counts(as_object(report['summary']))}."
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
        yield f"{paint(name, colour)}: {_counts(as_object(environment['summary']))}"
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


def _counts(summary: JsonObject) -> str:
    """Return the numbers of a summary in words; those that are zero are left out."""
    parts = [f"{number} {_WORDS.get(name, name)}" for name, number in summary.items() if number]
    return ", ".join(parts) or "no workflows"
