"""Inference: the switches that explain what an experiment showed.

The experiment runs again on simulated tenants. A set of switches explains the observations if a tenant with
them shows the same. A switch is *found* if every explanation has it, *not found* if none has it; else it
*is unknown*, because its effect is hidden by another one or by something that a probe never does.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, TypeAlias

from reconciler.emulator import FAMILIES, SWITCHES
from reconciler.probing.cleaning import RANDOM_LENGTH
from reconciler.probing.experiment import Delay, Experiment, Observations
from reconciler.probing.questions import (
    LONG_NAME,
    LONG_TAG,
    LONG_TEXT,
    MANY_TAGS,
    STEP,
    Ids,
    other_questions,
    standard_questions,
)
from reconciler.probing.simulated_tenant import SimulatedTenant
from reconciler.schema import load_schema
from reconciler.values import JsonObject, JsonValue, as_list, as_object

Leaf: TypeAlias = tuple[str, ...]
Evidence: TypeAlias = Mapping[str, frozenset[Leaf]]
"""What each question showed: the paths of a view with the values there."""

_NOTHING: Final[frozenset[Leaf]] = frozenset()
_DELAYS: Final = ("describe-missing", "describe-lag", "list-lag")
_LADDER: Final = (100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 7500, 10_000)
"""The delays that a profile names, in milliseconds: a measurement says no more."""

_LARGEST: Final = 10**9
_NUMBERED: Final = re.compile(rf"{STEP}-([0-9]+)")
_NEEDS_TRIGGER: Final = "it shows only in a trigger, which a probe never makes"
_NOT_ASKED: Final = {
    **{name: _NEEDS_TRIGGER for name in SWITCHES if name.startswith("cron-")},
    **dict.fromkeys(FAMILIES["Firing of schedules"], _NEEDS_TRIGGER),
    "catalogue-ids": "it compares two tenants",
}
_ENDPOINTS: Final = frozenset({*_DELAYS, *_NOT_ASKED, "shuffled", "spoke"})
"""The switches that are not found by simulation."""

_PLATFORM: Final = frozenset(
    {"id", "createdAt", "updatedAt", "lastExecution", "imageName", "imageVersion", "scheduled"}
)
_HIDEABLE: Final = (
    "watchers", "command", "stepTimeout", "imageId", "imageVersionId", "parents", "resources", "storage",
    "instanceTypeId", "repository", "branch", "url", "parameters", "env", "inherit", "outputParameters",
    "executionParameters", "runConfiguration", "skipConfiguration", "clearImageCache", "method", "payload",
    "auth", "sqlQueryPath", "type", "sortOrder", "compression", "exitCodes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What an experiment says about one switch.

    Args:
        found: Whether the platform behaves so; `None` if that is unknown.
        values: The switch's parameter, where it takes one and is found; several for one that is repeatable.
        evidence: What showed it, or why it is unknown.
    """

    found: bool | None
    values: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """What an experiment says about all switches.

    Args:
        conclusions: One for each switch, in the order of the emulator's table.
        unexplained: What was seen and no set of switches explains: the question and the path.
    """

    conclusions: dict[str, Conclusion]
    unexplained: tuple[str, ...]


def infer(
    observations: Observations,
    ids: Ids,
    name: str,
    *,
    spoke: bool,
    existing: Mapping[str, Conclusion] | None = None,
) -> Inference:
    """Return what `observations` say about each switch.

    Args:
        observations: What an experiment on the platform showed.
        ids: The ids that it used.
        name: How the names of its workflows began.
        spoke: Whether the tenant is a spoke.
        existing: What workflows that were there before say of switches that a probe does not ask about.
    """
    probe = _Probe(ids, name[:-RANDOM_LENGTH] + "0" * RANDOM_LENGTH)
    return _Search(observations, probe).result(spoke=spoke, existing=existing or {})


@dataclass(frozen=True, slots=True)
class _Probe:
    """What a probe asked with: the ids, and how the names began, without their random end."""

    ids: Ids
    name: str


class _Search:
    """The search for the sets of switches that explain the observations.

    A switch is a word of a profile: its name, with `=` and its parameter where it takes one.
    """

    def __init__(self, observations: Observations, probe: _Probe) -> None:
        self._observations = observations
        self._probe = probe
        self._seen = _evidence_of(observations, probe)
        self._distances: dict[frozenset[str], int] = {}
        self._candidates = tuple(_candidates(observations))

    def result(self, *, spoke: bool, existing: Mapping[str, Conclusion]) -> Inference:
        """Return the conclusions."""
        best = self._explanation()
        doubts = self._doubts(best) | self._disturbed(best)
        varies = self._observations.order_varies
        conclusions = {
            **{name: Conclusion(found=None, evidence=why) for name, why in _NOT_ASKED.items()},
            **existing,
            **_delays(self._observations),
            "shuffled": Conclusion(found=varies, evidence="reads of one workflow" if varies else ""),
            "spoke": Conclusion(found=spoke, evidence="the tenant's metadata" if spoke else ""),
        }
        for name in SWITCHES:
            if name not in conclusions:
                conclusions[name] = self._conclusion(name, best, doubts)
        return Inference(
            conclusions={name: conclusions[name] for name in SWITCHES},
            unexplained=tuple(self._unlike(best)),
        )

    def _conclusion(self, name: str, best: frozenset[str], doubts: Mapping[str, str]) -> Conclusion:
        words = sorted(word for word in best if _name(word) == name and word not in doubts)
        if words:
            values = tuple(word.partition("=")[2] for word in words if "=" in word)
            evidence = self._unlike(best - {*words})
            return Conclusion(found=True, values=values, evidence=evidence[0] if evidence else "")
        doubt = [
            why
            for word, why in doubts.items()
            if _name(word) == name and (name != "hidden" or self._effect(word))
        ]
        if doubt:
            return Conclusion(found=None, evidence=doubt[0])
        return Conclusion(found=False)

    def _distance(self, profile: frozenset[str]) -> int:
        if profile not in self._distances:
            unlike = _unequal(_predicted(profile, self._probe), self._seen)
            self._distances[profile] = sum(len(leaves) for _, leaves in unlike)
        return self._distances[profile]

    def _unlike(self, profile: frozenset[str]) -> list[str]:
        """Return the places at which a tenant with a profile shows something else."""
        return _differences(_predicted(profile, self._probe), self._seen)

    def _explanation(self) -> frozenset[str]:
        """Return a smallest set that explains as much as possible.

        Where something is left, each switch that changes it is left out in turn: others may explain more.
        """
        best = self._grown(frozenset(), self._candidates)
        for word in sorted(best):
            if not self._distance(best):
                break
            if word in best and self._effect(word) & _places(_predicted(best, self._probe), self._seen):
                others = tuple(other for other in self._candidates if other != word)
                best = min(best, self._grown(best - {word}, others), key=self._distance)
        for word in sorted(best):
            if self._distance(best - {word}) <= self._distance(best):
                best -= {word}
        return best

    def _grown(self, best: frozenset[str], candidates: tuple[str, ...]) -> frozenset[str]:
        """Return the set that explains more than `best`, found by changing one switch at a time."""
        improved = True
        while improved and self._distance(best):
            improved = False
            unlike = _places(_predicted(best, self._probe), self._seen)
            near = [word for word in candidates if unlike & self._effect(word)]
            for words in (near, candidates):
                for word in words:
                    changed = _toggled(best, word)
                    if self._distance(changed) < self._distance(best):
                        best, improved = changed, True
                if improved:
                    break
            if not improved:
                best, improved = self._swapped(best, near)
        return best

    def _swapped(self, best: frozenset[str], near: Iterable[str]) -> tuple[frozenset[str], bool]:
        """Return a better set that has another switch in place of one; and whether there is one."""
        for word in near:
            for other in sorted(best - {word}):
                changed = _toggled(best - {other}, word)
                if self._distance(changed) < self._distance(best):
                    return changed, True
        return best, False

    def _doubts(self, best: frozenset[str]) -> dict[str, str]:
        """Return why words are unknown: with and without them, or with others, as much is explained."""
        least = self._distance(best)
        explained = _places(_predicted(frozenset(), self._probe), _predicted(best, self._probe))
        without = {
            word: _places(_predicted(best, self._probe), _predicted(best - {word}, self._probe))
            for word in best
        }
        found: dict[str, str] = {}
        documented = _predicted(frozenset(), self._probe)
        plain = {(key, *leaf[:-1]) for key, leaves in documented.items() for leaf in leaves}
        for word in self._candidates:
            effect = self._effect(word)
            if word in best or (effect & plain) - explained:
                continue  # its effect would show at a place that no other switch changes
            more = _toggled(best, word)
            alike = [
                other
                for other in sorted(best & more)
                if without[other] & effect and self._distance(more - {other}) <= least
            ]
            if self._distance(more) <= least:
                found[word] = "its effect does not show here"
                alike += sorted(best - more)
            for other in alike:
                found[other] = found[word] = f"{other} and {word} look alike here"
        return found

    def _disturbed(self, best: frozenset[str]) -> dict[str, str]:
        """Return why words are unknown: at a place that they change, something is not explained."""
        unlike = _places(_predicted(best, self._probe), self._seen)
        return {
            word: "what is seen where it shows is not explained"
            for word in {*self._candidates, *best}
            if unlike & self._effect(word)
        }

    def _effect(self, word: str) -> frozenset[Leaf]:
        """Return the places that a switch changes on a tenant that is as documented otherwise."""
        return _effects(word, self._probe)


@cache
def _effects(word: str, probe: _Probe) -> frozenset[Leaf]:
    return _places(_predicted(frozenset(), probe), _predicted(frozenset({word}), probe))


def _places(one: Evidence, other: Evidence) -> frozenset[Leaf]:
    """Return the questions and paths at which two tenants differ."""
    return frozenset((key, *leaf[:-1]) for key, leaves in _unequal(one, other) for leaf in leaves)


def _candidates(observations: Observations) -> Iterator[str]:
    """Yield the switches that may be on, each with the parameters that the observations suggest."""
    for name, switch in SWITCHES.items():
        if name in _ENDPOINTS:
            continue
        if not switch.takes:
            yield name
        elif name != "hidden":
            yield from (f"{name}={value}" for value in dict.fromkeys(_parameters(name, observations)))
    yield from (f"hidden={key}" for key in _HIDEABLE)


def _delays(observations: Observations) -> dict[str, Conclusion]:
    """Return the delays: on the ladder, and only where no other delay explains them."""
    delays = observations.delays
    create, update, listed = (_milliseconds(delays.get(what)) for what in ("create", "update", "list"))
    missing = _delay(create, "a new workflow was not found at first")
    if update and create is not None and create <= update:
        missing = Conclusion(found=None, evidence="describe shows an update as late as a create")
    late = _delay(listed, "a new workflow was listed late")
    if listed == 0 and create != 0:
        late = Conclusion(found=None, evidence="the list was read after describe showed a create late")
    return {
        "describe-missing": missing,
        "describe-lag": _delay(update, "an update was described late"),
        "list-lag": late,
    }


def _delay(milliseconds: int | None, evidence: str) -> Conclusion:
    if milliseconds is None:
        return Conclusion(found=None, evidence="it was not measured exactly enough; probe again")
    if not milliseconds:
        return Conclusion(found=False)
    return Conclusion(found=True, values=(str(milliseconds),), evidence=evidence)


def _milliseconds(delay: Delay | None) -> int | None:
    """Return the step of the ladder next to a delay; zero when there was none, `None` if that is unknown."""
    if delay is None:
        return None
    if not delay.hidden:
        return 0
    possible = [step for step in _LADDER if delay.hidden * 1000 <= step <= delay.seen * 1000]
    if len(possible) > 1:
        return None
    middle = (delay.hidden + delay.seen) * 500
    return min(_LADDER, key=lambda step: abs(step - middle))


def _name(word: str) -> str:
    return word.partition("=")[0]


def _toggled(profile: frozenset[str], word: str) -> frozenset[str]:
    """Return the profile with the switch on, in place of those that it excludes; without it, if it was on."""
    if word in profile:
        return profile - {word}
    name = _name(word)
    group = SWITCHES[name].group or name
    excluded = {
        other
        for other in profile
        if name != "hidden" and (SWITCHES[_name(other)].group or _name(other)) == group
    }
    return profile - excluded | {word}


def _parameters(name: str, observations: Observations) -> Iterable[str]:
    """Return the parameters of a switch that the observations suggest."""
    suggest = _SUGGESTIONS.get(name)
    found = [] if suggest is None else [*map(str, suggest(observations))]
    return found or [SWITCHES[name].default]


def _seen(observations: Observations, question: str, *path: str) -> Iterator[JsonValue]:
    """Yield what is at a path of the answer to a question, at the top and in its last step."""
    answer = observations.answers.get(question)
    view = answer.view if answer is not None else {}
    steps = [as_object(step) for step in as_object(view.get("steps")).values()]
    for node in (view, *steps[-1:]):
        found: JsonValue = node
        for part in path:
            found = as_object(found).get(part) if isinstance(found, dict) else None
        if found:
            yield found


def _length(question: str, *path: str, below: int) -> Callable[[Observations], Iterator[int]]:
    """Return a function that yields how long a text or a list is kept that was sent longer."""

    def suggest(observations: Observations) -> Iterator[int]:
        for value in _seen(observations, question, *path):
            if isinstance(value, str | list) and len(value) < below:
                yield len(value)

    return suggest


def _text(question: str, *path: str) -> Callable[[Observations], Iterator[str]]:
    """Return a function that yields a text that is there though none was sent."""
    return lambda observations: (str(value) for value in _seen(observations, question, *path))


def _number(question: str, *path: str) -> Callable[[Observations], Iterator[int]]:
    """Return a function that yields a number that is there."""

    def suggest(observations: Observations) -> Iterator[int]:
        for value in _seen(observations, question, *path):
            with suppress(ValueError, OverflowError):
                number = int(float(str(value)))
                if 1 < number < _LARGEST:
                    yield number

    return suggest


def _refusal_of(question: str) -> Callable[[Observations], Iterator[int]]:
    """Return a function that yields the status with which a question was refused."""

    def suggest(observations: Observations) -> Iterator[int]:
        answer = observations.answers.get(question)
        if answer is not None and answer.status:
            yield answer.status

    return suggest


def _limit(limit: str) -> Callable[[Observations], Iterator[int]]:
    """Return a function that yields a limit that was found."""
    return lambda observations: (value for key, value in observations.limits.items() if key == limit)


def _tags(observations: Observations, question: str) -> Iterator[list[JsonValue]]:
    """Yield the tags in the answers to a question, and to those with which its limit was looked for."""
    for key, answer in observations.answers.items():
        tags = answer.view.get("tags")
        if key.startswith(question) and isinstance(tags, list) and tags:
            yield tags


def _tag_counts(observations: Observations) -> Iterator[int]:
    return (len(tags) for tags in _tags(observations, "tag-count") if len(tags) < MANY_TAGS)


def _tag_lengths(observations: Observations) -> Iterator[int]:
    for tags in _tags(observations, "tag-length"):
        for tag in tags:
            text = tag.get("name") if isinstance(tag, dict) else tag
            if isinstance(text, str) and 0 < len(text) < len(LONG_TAG):
                yield len(text)


def _read_refusals(observations: Observations) -> Iterator[int]:
    return (answer.read_status for answer in observations.answers.values() if answer.read_status)


_SUGGESTIONS: Final[dict[str, Callable[[Observations], Iterable[object]]]] = {
    "tag-length-cut": _tag_lengths,
    "tag-length-refused": _limit("tag-length"),
    "tag-count-cut": _tag_counts,
    "tag-count-refused": _limit("tag-count"),
    "unknown-keys-refused": _refusal_of("unknown-key"),
    "unknown-step-keys-refused": _refusal_of("unknown-step-key"),
    "names-cut": _length("long-name", "name", below=LONG_NAME),
    "text-cut": _length("long-text", "command", below=len(LONG_TEXT)),
    "numbers-rounded": _number("retries", "stepTimeout"),
    "timeout-filled": _number("plain", "stepTimeout"),
    "branch-filled": _text("no-branch", "repository", "branch"),
    "command-filled": _text("no-command", "command"),
    "describe-refused": _read_refusals,
}
"""The parameters that the observations suggest for a switch; for any other, its default is tried."""


@cache
def _predicted(profile: frozenset[str], probe: _Probe) -> Evidence:
    """Return what a tenant with a profile shows."""
    tenant = SimulatedTenant(profile)
    return _evidence_of(Experiment(tenant, tenant, probe.name, probe.ids).run(), probe)


def _evidence_of(observations: Observations, probe: _Probe) -> Evidence:
    """Return what an experiment showed, as leaves that can be compared between tenants."""
    found = {
        key: _leaves_of_answer(answer.status, answer.read_status, _renumbered(json.dumps(answer.view)), probe)
        for key, answer in observations.answers.items()
    }
    found["limits"] = frozenset((key, str(value)) for key, value in observations.limits.items())
    found["list"] = frozenset(_leaves(observations.listed, ()))
    return found


def _renumbered(text: str) -> str:
    """Return a view as JSON in which the last step has no number, and others are numbered back from it.

    How many writes came before depends on the limits that a tenant has.
    """
    last = max(map(int, _NUMBERED.findall(text)), default=0)

    def renamed(match: re.Match[str]) -> str:
        back = last - int(match[1])
        return f"{STEP}-{back}-before" if back else STEP

    return _NUMBERED.sub(renamed, text)


@lru_cache(maxsize=20_000)
def _leaves_of_answer(status: int, read_status: int, text: str, probe: _Probe) -> frozenset[Leaf]:
    """Return the leaves of an answer, whose view is the JSON `text`; most simulated tenants give the same."""
    view = json.loads(text)
    name = view.get("name")
    if isinstance(name, str):
        view["name"] = probe.name + name[len(probe.name) :]
    answer: JsonObject = {
        "refused": status,
        "not described": read_status,
        "view": _comparable(view, probe.ids),
    }
    return frozenset(_leaves(answer, ()))


def _comparable(value: JsonValue, ids: Ids, key: str = "") -> JsonValue:
    """Return a value without what a platform makes up, and with lists in one order."""
    if isinstance(value, dict):
        kept: JsonObject = {}
        for name, item in value.items():
            if name in _PLATFORM or (name == "status" and isinstance(item, str)):
                continue
            known = name in _known_keys() or name.startswith((STEP, "x-"))
            kept[name if known else "an undocumented key"] = _comparable(item, ids, name) if known else True
        return kept
    if isinstance(value, list):
        return sorted(
            (_comparable(item, ids) for item in value), key=lambda item: json.dumps(item, sort_keys=True)
        )
    if key == "count":
        return "a number"
    if key == "instanceTypeId" and str(value).removesuffix(".0") in {str(ids.instance_type), "21"}:
        return f"an instance type, as {type(value).__name__}"
    return value


def _leaves(value: JsonValue, path: Leaf) -> Iterator[Leaf]:
    if isinstance(value, dict):
        yield (*path, "{}")
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        yield (*path, "[]")
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, str(number)))
    else:
        yield (*path, json.dumps(value))
        yield from ((*path, trait) for trait in _traits(value))


def _traits(value: JsonValue) -> Iterator[str]:
    """Yield what one switch may change of a value that others change too, so that each can be found alone."""
    yield f"a {type(value).__name__}"
    if isinstance(value, str):
        composed = unicodedata.normalize("NFC", value)
        yield from (
            f"{what}: {seen}"
            for what, seen in (
                ("space before", value[:1].isspace()),
                ("space after", value.rstrip("\r\n")[-1:].isspace()),
                ("line end after", value[-1:] in {"\r", "\n"}),
                ("doubled space", "  " in value.strip()),
                ("CRLF", "\r\n" in value),
                ("CRLF only", "\n" not in value.replace("\r\n", "")),
                ("capitals", value != value.lower()),
                ("composed", value == composed),
                ("entity", "&amp;" in value),
                ("slash after", value.endswith("/")),
                ("length", len(" ".join(composed.split()))),
            )
        )
    if isinstance(value, int | float) or (isinstance(value, str) and value.replace(".", "", 1).isdigit()):
        yield f"number: {float(value):g}"


def _differences(one: Evidence, other: Evidence) -> list[str]:
    """Return the places at which two differ, as `question: path`."""
    found = {
        f"{key}: {'.'.join(leaf[1:-1] if leaf[0] == 'view' else leaf[:-1])}"
        for key, leaves in _unequal(one, other)
        for leaf in leaves
    }
    return sorted(found)


def _unequal(one: Evidence, other: Evidence) -> Iterator[tuple[str, frozenset[Leaf]]]:
    """Yield each question with the leaves that only one of two tenants shows."""
    for key in {*one, *other}:
        mine, others = one.get(key, _NOTHING), other.get(key, _NOTHING)
        if mine is not others and mine != others:
            yield key, mine ^ others


@cache
def _known_keys() -> frozenset[str]:
    """Return the keys that are documented, and those that a probe sends."""
    ids = Ids(image=1, version=1, instance_type=1)
    sent = [question.body("", 0) for question in (*standard_questions(ids), *other_questions())]
    documented = load_schema("workflow")
    return frozenset({*_keys_in(sent), *_property_names(documented), "accept", "count", "value", "name"})


def _keys_in(value: JsonValue | list[JsonObject]) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys_in(item)


def _property_names(schema: JsonValue) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from as_object(schema.get("properties"))
    for item in schema.values() if isinstance(schema, dict) else as_list(schema):
        yield from _property_names(item)
