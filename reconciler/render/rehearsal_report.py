"""Rehearsal as text, as JSON, and as a report: what to expect of an apply, and how the rehearsals ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.json_documents import document_text, versioned
from reconciler.rehearsal import FAULTS, Rehearsal, Rehearsed, Undone
from reconciler.render.layout import hanging, table
from reconciler.render.markup import paint
from reconciler.render.report_page import Count, Fact, Remark, ReportEntry, ReportPage
from reconciler.render.times import duration_text
from reconciler.text import counted, first_few, printable
from reconciler.values import JsonObject, JsonValue

_VERSION: Final = 1
_MOST_SHOWN: Final = 20
_NO_PROFILE: Final = "none: documented behaviour is assumed"
_SECONDS_IN_WORDS: Final = 60


def rehearsal_text(rehearsed: Rehearsed, width: int | None = None) -> str:
    """Return a rehearsal as text that fits a width; `None` for no limit."""
    lines = list(_labelled(_about(rehearsed), width))
    lines += [line for stale in rehearsed.stale for line in _undone("left out", stale, width)]
    lines += ["", paint("Expected of an apply:", "bold")]
    lines += _labelled(_expected(rehearsed), width, indent="  ")
    for undone in rehearsed.prediction.left[:_MOST_SHOWN]:
        lines += _undone("left undone", undone, width)
    if len(rehearsed.prediction.left) > _MOST_SHOWN:
        lines.append(f"  and {len(rehearsed.prediction.left) - _MOST_SHOWN} more, which --format json lists")
    if rehearsed.rehearsals:
        lines += [
            "",
            *table(
                ("WHAT GOES WRONG", "REHEARSALS", "CONVERGED", "TWINS", "LEFT UNDONE"),
                [*_rows(rehearsed)],
                width=width,
            ),
        ]
    for failed in rehearsed.failed[:_MOST_SHOWN]:
        lines += hanging(f"{_name(failed)}: {_problems(failed)}", width, first="  ", rest="      ")
    if len(rehearsed.failed) > _MOST_SHOWN:
        lines.append(f"  and {len(rehearsed.failed) - _MOST_SHOWN} more, which --format json lists")
    lines += [line for note in rehearsed.notes for line in hanging(f"note: {printable(note)}", width)]
    return "\n".join(
        [*lines, "", paint(rehearsal_summary(rehearsed), "green" if rehearsed.is_fine else "red")]
    )


def rehearsal_summary(rehearsed: Rehearsed) -> str:
    """Return the result in a sentence."""
    done, bad = len(rehearsed.rehearsals), rehearsed.failed
    twins = len({name for each in rehearsed.rehearsals for name in each.twins})
    if not rehearsed.prediction.writes and rehearsed.prediction.in_sync:
        return "Nothing to rehearse: the plan file changes nothing any more."
    left = "nothing is" if rehearsed.prediction.in_sync else "something is"
    words = [f"Without faults, {left} left undone"]
    if done:
        words = [f"{counted(done, 'rehearsal')}: {_converged(done, len(bad))}, {counted(twins, 'twin')}"]
    worst = rehearsed.worst_stop
    if worst is not None:
        words.append(_after_stop(worst))
    if done and not rehearsed.prediction.in_sync:
        words.append("something is left undone also without faults")
    if done < rehearsed.asked:
        why = "interrupted" if rehearsed.interrupted else "the time is over"
        words.append(f"{rehearsed.asked - done} of {rehearsed.asked} not done, {why}")
    return "; ".join(words) + "."


def _converged(done: int, bad: int) -> str:
    if not bad:
        return "all converge"
    return "none converges" if bad == done else f"{bad} of them {'does' if bad == 1 else 'do'} not converge"


def _after_stop(worst: Rehearsal) -> str:
    if not worst.undone:
        return "no stop leaves anything undone"
    healed = "the next run heals" if worst.applies <= 1 else f"{worst.applies} further runs heal"
    return f"the worst stop leaves {worst.undone} undone, {healed if worst.converged else 'and it stays so'}"


def _about(rehearsed: Rehearsed) -> Iterator[tuple[str, str]]:
    changes = [
        f"{number} to {word}" for word, number in rehearsed.prediction.changes.items() if word != "blocked"
    ]
    blocked = rehearsed.prediction.changes.get("blocked", 0)
    changes += [f"{blocked} blocked"] if blocked else []
    yield "Plan", f"{rehearsed.file}: {', '.join(changes) or 'no changes'}"
    where = f" (environment {rehearsed.environment})" if rehearsed.environment else ""
    yield "Tenant", f"{rehearsed.tenant}{where}, copied with {counted(rehearsed.requests, 'read')}"
    yield "Profile", rehearsed.profile or _NO_PROFILE


def _expected(rehearsed: Rehearsed) -> Iterator[tuple[str, str]]:
    plain = rehearsed.prediction
    requests = f"{plain.planning_requests + plain.requests}: {plain.planning_requests} to plan"
    writes = f"{plain.writes} of them {'a write' if plain.writes == 1 else 'writes'}"
    yield "Requests", f"{requests}, {plain.requests} to apply, {writes}"
    yield "Time", f"about {_seconds(plain.seconds)}, at a latency of {plain.latency * 1000:.0f} ms"
    left = f"{counted(len(plain.left), 'change')} left undone"
    yield (
        "Result",
        "all changes are applied, and nothing is left" if plain.in_sync and not plain.left else left,
    )
    if plain.webhooks:
        lost = plain.webhooks - plain.webhooks_kept
        stays = "all stay" if not lost else f"{lost} {'goes' if lost == 1 else 'go'}, as the plan says"
        yield "Webhooks", f"of {counted(plain.webhooks, 'URL')}, {stays}"
    if plain.twins:
        yield "Twins", first_few(map(printable, plain.twins))


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < _SECONDS_IN_WORDS else duration_text(seconds)


def _labelled(pairs: Iterator[tuple[str, str]], width: int | None, indent: str = "") -> Iterator[str]:
    for label, text in pairs:
        yield from hanging(
            printable(text), width, first=f"{indent}{label + ':':<10}", rest=f"{indent}{'':<10}"
        )


def _undone(word: str, undone: Undone, width: int | None) -> list[str]:
    text = f"{word}: {printable(undone.name)}: {printable(undone.reason)}"
    return hanging(text, width, first="    ", rest="      ")


def _rows(rehearsed: Rehearsed) -> Iterator[tuple[str, ...]]:
    for word, shown in FAULTS.items():
        found = [each for each in rehearsed.rehearsals if word in each.faults]
        if found:
            most = max(each.undone for each in found)
            yield (
                shown,
                str(len(found)),
                str(sum(each.converged for each in found)),
                str(len({name for each in found for name in each.twins})),
                f"up to {most}" if most else "nothing",
            )


def _name(rehearsal: Rehearsal) -> str:
    words = ", ".join(FAULTS[word] for word in rehearsal.faults)
    if rehearsal.stopped_at is not None:
        moment = "after" if rehearsal.handled else "before"
        words += f"; killed {moment} write {rehearsal.stopped_at} took effect"
    return f"rehearsal {rehearsal.number} ({words})"


def _problems(rehearsal: Rehearsal) -> str:
    twins = [f"twins of {first_few(rehearsal.twins)}"] if rehearsal.twins else []
    return printable("; ".join([*rehearsal.problems, *twins]))


def rehearsal_json(rehearsed: Rehearsed) -> str:
    """Return a rehearsal as JSON."""
    plain, worst = rehearsed.prediction, rehearsed.worst_stop
    fields: JsonObject = {
        "plan_file": rehearsed.file,
        "tenant": rehearsed.tenant,
        "environment": rehearsed.environment,
        "profile": rehearsed.profile,
        "seed": rehearsed.seed,
        "stale": _undone_documents(rehearsed.stale),
        "notes": [*rehearsed.notes],
        "prediction": {
            "changes": {**plain.changes},
            "requests": plain.planning_requests + plain.requests,
            "planning_requests": plain.planning_requests,
            "writes": plain.writes,
            "planning_seconds": round(plain.planning_seconds, 3),
            "seconds": round(plain.seconds, 3),
            "latency": round(plain.latency, 6),
            "left": _undone_documents(plain.left),
            "webhooks": plain.webhooks,
            "webhooks_kept": plain.webhooks_kept,
            "twins": [*plain.twins],
            "in_sync": plain.in_sync,
        },
        "rehearsals": [
            {
                "number": each.number,
                "faults": [*each.faults],
                "stopped_at_write": each.stopped_at,
                "write_took_effect": each.handled if each.stopped_at is not None else None,
                "undone": each.undone,
                "further_applies": each.applies,
                "converged": each.converged,
                "problems": [*each.problems],
                "twins": [*each.twins],
            }
            for each in rehearsed.rehearsals
        ],
        "summary": {
            "fine": rehearsed.is_fine,
            "rehearsals": len(rehearsed.rehearsals),
            "asked": rehearsed.asked,
            "converged": sum(each.converged for each in rehearsed.rehearsals),
            "twins": len({name for each in rehearsed.rehearsals for name in each.twins}),
            "worst_stop_undone": None if worst is None else worst.undone,
            "interrupted": rehearsed.interrupted,
            "text": rehearsal_summary(rehearsed),
        },
        "requests": rehearsed.requests,
        "seconds": round(rehearsed.seconds, 1),
    }
    return document_text(versioned(_VERSION, fields))


def _undone_documents(items: Iterable[Undone]) -> list[JsonValue]:
    return [{"name": item.name, "reason": item.reason} for item in items]


def rehearsal_page(rehearsed: Rehearsed) -> ReportPage:
    """Return a rehearsal as a report."""
    bad = [
        ReportEntry(
            name=_name(each), word="failed", remarks=(Remark("Error", _problems(each)),), is_first=True
        )
        for each in rehearsed.failed
    ]
    left = [
        ReportEntry(name=item.name, word=word, remarks=(Remark("Reason", item.reason),))
        for word, items in (("skipped", rehearsed.prediction.left), ("left out", rehearsed.stale))
        for item in items
    ]
    faults = [
        Fact(shown, f"{converged} of {number} converge, {twins} twins, left undone: {undone}")
        for shown, number, converged, twins, undone in _rows(rehearsed)
    ]
    notes = [Fact("Note", note) for note in rehearsed.notes]
    pairs = (*_about(rehearsed), *_expected(rehearsed))
    return ReportPage(
        kind="rehearse",
        title="Rehearsal",
        summary=rehearsal_summary(rehearsed),
        facts=(*(Fact(label, text) for label, text in pairs), *faults, *notes),
        counts=tuple(
            Count(word, number)
            for word, number in (
                ("converged", len(rehearsed.rehearsals) - len(bad)),
                ("failed", len(bad)),
                ("skipped", len(rehearsed.prediction.left)),
                ("left out", len(rehearsed.stale)),
            )
            if number
        ),
        entries=(*bad, *left),
    )
