"""Profiles: the named switches for how a platform may behave where its documentation leaves it open.

`SWITCHES` is the one table. A profile is a set of its names, some with a parameter (`list-lag=1500`). They
combine freely, except that of one group only one may be in force. Without any, the API reads back as
documented, stores what it is sent and shows every write at once.

A switch says where it takes effect:

- `returned`: only in what is returned; what is stored stays as sent
- `stored`: in what is stored, and so in what is returned; `rewrites-returned` makes it `returned`
- `refused`: a write is refused, and nothing is stored
- `endpoint`: in when a write is seen, or in how an endpoint answers otherwise
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

from reconciler.emulator.rewrites import (
    AUTH_SECRETS,
    SECRET_NAME,
    auth_secrets,
    change,
    change_numbers,
    change_storage,
    collapse_spaces,
    conditions,
    cron_with_day_names,
    cron_with_day_numbers,
    crons,
    cut,
    drop,
    drop_default,
    drop_unknown,
    env_as_map,
    env_as_rows,
    escape_ampersands,
    fill,
    fill_concurrency,
    fill_timeout,
    free_texts,
    header_values,
    hide_key,
    in_steps,
    itself,
    keep_few_tags,
    lower_emails,
    lower_headers,
    mask,
    mask_env,
    names,
    refuse_floats,
    refuse_long_tags,
    refuse_many_tags,
    refuse_unknown,
    round_durations,
    rows,
    spaced_unit,
    standard_steps,
    storages,
    tag_names,
    tags_as_texts,
    to_lf,
    to_nfc,
    tokens,
    unknown_keys,
    unknown_step_keys,
    upper_enums,
    urls,
    watcher_urls,
)
from reconciler.emulator.shapes import (
    add_unknown,
    drop_defaults,
    fill_defaults,
    fill_empties,
    fill_nulls,
    spread_retry_options,
    steps_of,
)
from reconciler.errors import UsageError
from reconciler.text import close_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.emulator.rewrites import Places, Rewrite

RETURNED: Final = "returned"
STORED: Final = "stored"
REFUSED: Final = "refused"
ENDPOINT: Final = "endpoint"

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_STATUS: Final = re.compile(r"[45][0-9]{2}")


@dataclass(frozen=True, slots=True)
class Switch:
    """One behaviour of a platform.

    Args:
        effect: `RETURNED`, `STORED`, `REFUSED` or `ENDPOINT`.
        meaning: What it does, for the documentation.
        rewrite: Changes a body, or raises `HttpError` for one that is refused; None where other code asks
            for the switch by name.
        group: Switches that exclude each other share a group.
        takes: What its parameter is: `N`, `MS`, `STATUS`, `KEY`, `ZONE` or `TEXT`; empty when it takes none.
        default: The parameter when none is given; empty when one is required.
    """

    effect: str
    meaning: str
    rewrite: Rewrite | None = None
    group: str = ""
    takes: str = ""
    default: str = ""


_returned = partial(Switch, RETURNED)
_stored = partial(Switch, STORED)
_refused = partial(Switch, REFUSED)
_endpoint = partial(Switch, ENDPOINT)


def _text(meaning: str, new: Callable[[str], str], group: str = "", places: Places = free_texts) -> Switch:
    """Return a switch that stores each text at `places` in a `new` form."""
    return _stored(meaning, change(places, new), group)


_REPOSITORIES: Final = in_steps("repository")

_FAMILIES: Final[dict[str, dict[str, Switch]]] = {
    "Reading back": {
        "defaults-filled": _returned(
            "absent fields have their documented defaults", fill_defaults, "defaults"
        ),
        "retry-spread": _returned(
            "the workflow's `retryOptions` come back in the steps that have none", spread_retry_options
        ),
        "token-masked": _returned("`repository.token` is `********`", change(tokens, mask), "token"),
        "token-omitted": _returned("`repository.token` is absent", drop(_REPOSITORIES, "token"), "token"),
        "token-null": _returned("`repository.token` is `null`", change(tokens, lambda _: None), "token"),
        "token-empty": _returned("`repository.token` is empty", change(tokens, lambda _: ""), "token"),
        "storage-spaced": _returned("storage `10GB` is `10 GB`", change(storages, spaced_unit), "storage"),
        "unknown-fields": _returned("undocumented keys in every object", add_unknown),
        "nulls": _returned("absent fields are `null`, at every level", fill_nulls),
        "empties": _returned("absent lists and maps are `[]` and `{}`", fill_empties),
        "floats": _returned(
            "numbers are floats, except the workflow's ID", change_numbers(float, {"id"}), "numbers"
        ),
        "env-map": _returned("`env` is a map, not a list of one-key maps", env_as_map, "env"),
        "retry-hidden": _returned(
            "the workflow's `retryOptions` are not returned", drop(itself, "retryOptions")
        ),
        "metadata-hidden": _returned("`metadata` is not returned", drop(itself, "metadata")),
        "shuffled": _returned("lists and keys come in another order at each read"),
        "unique-names": _refused("a name that is taken is refused with 409"),
        "spoke": _endpoint("the tenant is a spoke"),
    },
    "Masked and hidden values": {
        "auth-masked": _returned(
            "secret values of `auth` are `********`", change(auth_secrets, mask), "auth"
        ),
        "auth-hidden": _returned(
            "secret values of `auth` are absent", drop(in_steps("auth"), *AUTH_SECRETS), "auth"
        ),
        "headers-masked": _returned("header values are `********`", change(header_values, mask), "headers"),
        "headers-hidden": _returned("`headers` is absent", drop(steps_of, "headers"), "headers"),
        "env-masked": _returned("values of variables are `*****`", mask_env(), "env-mask"),
        "env-secrets-masked": _returned(
            "values of variables with a name like a secret's are `*****`", mask_env(SECRET_NAME), "env-mask"
        ),
        "watchers-masked": _returned("webhook URLs of watchers are `********`", change(watcher_urls, mask)),
        "step-retry-hidden": _returned(
            "steps' own `retryOptions` are absent; the workflow's are returned",
            drop(in_steps("runConfiguration"), "retryOptions"),
        ),
        "hidden": _returned(
            "KEY is absent at the top and at any level of a step; repeatable", hide_key, takes="KEY"
        ),
    },
    "Shapes": {
        "env-name-value": _returned("`env` is a list of `{name, value}`", env_as_rows, "env"),
        "tags-strings": _returned("tags are texts", tags_as_texts, "tags"),
        "tags-counted": _returned("each tag has a `count` of the workflows with it", group="tags"),
        "tags-hidden": _returned("`tags` is absent", drop(itself, "tags"), "tags"),
    },
    "Limits of tags": {
        "tags-lower": _text("tags are lower-cased", str.lower, places=tag_names),
        "tag-length-cut": _stored("tags are cut to N characters", cut(tag_names), "tag-length", "N", "30"),
        "tag-length-refused": _refused(
            "a tag of more than N characters is refused with 400", refuse_long_tags, takes="N", default="30"
        ),
        "tag-count-cut": _stored("the first N tags are kept", keep_few_tags, "tag-count", "N", "5"),
        "tag-count-refused": _refused(
            "more than N tags are refused with 400", refuse_many_tags, takes="N", default="5"
        ),
    },
    "Unknown keys": {
        "unknown-keys-dropped": _stored(
            "undocumented top-level keys are dropped", drop_unknown(unknown_keys)
        ),
        "unknown-step-keys-dropped": _stored(
            "undocumented keys of steps are dropped", drop_unknown(unknown_step_keys)
        ),
        "unknown-keys-refused": _refused(
            "undocumented top-level keys are refused with STATUS",
            refuse_unknown(unknown_keys),
            takes="STATUS",
            default="400",
        ),
        "unknown-step-keys-refused": _refused(
            "undocumented keys of steps are refused with STATUS",
            refuse_unknown(unknown_step_keys),
            takes="STATUS",
            default="400",
        ),
    },
    "Names": {
        "names-trimmed": _text("names lose outer white space", str.strip, places=names),
        "names-collapsed": _text("names lose outer and doubled white space", collapse_spaces, places=names),
        "names-lower": _text("names are lower-cased", str.lower, places=names),
        "names-nfc": _text("names are in Unicode's composed form", to_nfc, places=names),
        "names-cut": _stored("names are cut to N characters", cut(names), takes="N", default="40"),
    },
    "Texts": {
        "text-trimmed": _text("texts lose outer white space", str.strip),
        "text-right-trimmed": _text("texts lose white space at their end", str.rstrip),
        "text-last-newline-dropped": _text(
            "texts lose newlines at their end", lambda text: text.rstrip("\r\n")
        ),
        "text-crlf": _text(
            "lines end with CRLF", lambda text: to_lf(text).replace("\n", "\r\n"), "line-ends"
        ),
        "text-lf": _text("lines end with LF", to_lf, "line-ends"),
        "text-nfc": _text("texts are in Unicode's composed form", to_nfc),
        "text-escaped": _text("`&` is `&amp;`", escape_ampersands),
        "text-cut": _stored("texts are cut to N characters", cut(free_texts), takes="N", default="200"),
        "url-slash-dropped": _text(
            "URLs lose the slash at their end", lambda url: url.rstrip("/"), places=urls
        ),
        "headers-lower": _stored("header names are lower-cased", lower_headers),
        "emails-lower": _stored("e-mail addresses are lower-cased", lower_emails),
    },
    "Schedules and enumerations": {
        "cron-collapsed": _text(
            "cron fields are separated by one space", collapse_spaces, "cron-space", crons
        ),
        "cron-spaced": _text(
            "cron fields are separated by two spaces",
            lambda cron: "  ".join(cron.split()),
            "cron-space",
            crons,
        ),
        "cron-upper": _text("cron is upper-cased", str.upper, "cron-case", crons),
        "cron-lower": _text("cron is lower-cased", str.lower, "cron-case", crons),
        "cron-day-names": _text("days of the week are names", cron_with_day_names, "cron-days", crons),
        "cron-day-numbers": _text("days of the week are numbers", cron_with_day_numbers, "cron-days", crons),
        "enums-upper": _returned("values of enumerations are upper-cased", upper_enums),
    },
    "Firing of schedules": {
        "schedules-fire": _endpoint("schedules start executions, by the emulator's clock"),
        "schedule-zone": _endpoint(
            "the clock of schedules is that of the time zone ZONE", takes="ZONE", default="Europe/London"
        ),
        "crontab-sunday-1": _endpoint("1 is Sunday in schedules of five fields"),
        "quartz-sunday-0": _endpoint("0 is Sunday in schedules of six and seven fields"),
        "scheduled-hidden": _returned("`scheduled` is absent", drop(rows("triggers"), "scheduled")),
    },
    "Numbers and storage": {
        "numbers-rounded": _stored(
            "durations, timeouts and maximum runtimes are rounded up to a multiple of N",
            round_durations,
            takes="N",
            default="10",
        ),
        "numbers-strings": _returned(
            "numbers are texts", change_numbers(lambda number: f"{number:.15g}"), "numbers"
        ),
        "integers-only": _refused("a float, also `100.0`, is refused with 400", refuse_floats),
        "storage-binary": _returned(
            "storage `10GB` is `10Gi`", change_storage(lambda amount: f"{amount}Gi"), "storage"
        ),
        "storage-bytes": _returned(
            "storage `10GB` is the number of bytes", change_storage(lambda amount: amount * 10**9), "storage"
        ),
        "storage-number": _returned("storage `10GB` is the text `10`", change_storage(str), "storage"),
        "condition-numbers": _returned(
            "the value of a condition is a number where it can be",
            change(conditions, lambda text: int(text) if text.isdecimal() else text),
        ),
    },
    "Defaults": {
        "defaults-dropped": _returned(
            "fields with their documented default are absent", drop_defaults, "defaults"
        ),
        "timeout-filled": _returned("an absent `stepTimeout` is N", fill_timeout, takes="N", default="3600"),
        "branch-filled": _returned(
            "an absent `branch` is TEXT", fill(_REPOSITORIES, "branch"), "branch", "TEXT", "main"
        ),
        "branch-dropped": _returned(
            "a `branch` that is TEXT is absent",
            drop_default(_REPOSITORIES, "branch"),
            "branch",
            "TEXT",
            "main",
        ),
        "command-filled": _returned(
            "an absent `command` is TEXT",
            fill(standard_steps, "command"),
            "command",
            "TEXT",
            "python main.py",
        ),
        "command-dropped": _returned(
            "a `command` that is TEXT is absent",
            drop_default(standard_steps, "command"),
            "command",
            "TEXT",
            "python main.py",
        ),
        "concurrency-filled": _returned(
            "an absent `metadata.allowConcurrentExecution` is `false`", fill_concurrency
        ),
    },
    "Endpoints": {
        "describe-missing": _endpoint(
            "describe answers 404 for MS milliseconds after a create", takes="MS", default="500"
        ),
        "describe-lag": _endpoint("describe answers as of MS milliseconds ago", takes="MS", default="1500"),
        "list-lag": _endpoint("the list answers as of MS milliseconds ago", takes="MS", default="1500"),
        "page-count-short": _endpoint("`pageCount` of the list is one short, but at least 1"),
        "total-hidden": _endpoint("`workflowsCount` of the list is absent"),
        "describe-refused": _endpoint(
            "describing a workflow with a step that is not standard answers STATUS",
            takes="STATUS",
            default="422",
        ),
        "catalogue-ids": _endpoint(
            "ids of images, image versions and instance types are N higher", takes="N", default="1000"
        ),
        "put-merges": _stored("PUT keeps the top-level keys that are not sent", group="put"),
        "put-merges-deep": _stored(
            "PUT keeps the keys that are not sent, at every level; null removes a key", group="put"
        ),
        "rewrites-returned": _returned(
            "what other switches change in what is stored, they change when it is read"
        ),
    },
}

FAMILIES: Final = {family: tuple(switches) for family, switches in _FAMILIES.items()}
"""The names of the switches by family, in the order of the documentation."""

SWITCHES: Final = {name: switch for switches in _FAMILIES.values() for name, switch in switches.items()}
"""Every switch by name, in the order in which they take effect."""

PROFILES: Final = frozenset(FAMILIES["Reading back"])
"""The switches that only read back differently and that every command copes with."""

ALL_PROFILES_TOGETHER: Final = PROFILES - {"spoke", "token-omitted", "token-null", "token-empty"}
"""The profile `all`: those of `PROFILES` together, on a tenant that is not a spoke, with masked tokens."""


def profile_lines() -> str:
    """Return the names of all switches by family, as lines of at most 80 characters."""
    lines: list[str] = []
    for family, switches in FAMILIES.items():
        shown = [name + (f"[={SWITCHES[name].takes}]" if SWITCHES[name].takes else "") for name in switches]
        lines += textwrap.wrap(
            f"{family.lower()}: {', '.join(shown)}",
            80,
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def check_profile(words: Iterable[str]) -> frozenset[str]:
    """Return `words` as a profile.

    Args:
        words: Names of switches, each with `=` and its parameter, or without.

    Raises:
        UsageError: When a name is unknown, a parameter is missing, superfluous or invalid, or two switches
            of a group, or two parameters of a switch, are given.
    """
    chosen = frozenset(words)
    if unknown := sorted(name for name in map(_name, chosen) if name not in SWITCHES):
        near = close_name(unknown[0], SWITCHES)
        hint = f"Did you mean {near!r}?" if near else f"Use {', '.join(sorted(SWITCHES))} or all."
        raise UsageError(f"unknown profile {', '.join(unknown)}", hint=hint)
    for word in sorted(chosen):
        _check_parameter(word)
    groups: dict[str, list[str]] = {}
    for word in sorted(chosen):
        if _name(word) != "hidden":
            groups.setdefault(SWITCHES[_name(word)].group or _name(word), []).append(word)
    for group in groups.values():
        if len(group) > 1:
            raise UsageError(f"conflicting profiles {', '.join(group)}: use only one of them")
    return chosen


def parse_profiles(words: Iterable[str]) -> frozenset[str]:
    """Return the profile in `words`: switches, several in a word joined by commas, or `all`.

    A switch together with `all` replaces those of its group.

    Raises:
        UsageError: As `check_profile`.
    """
    named = {name.strip() for word in words for name in word.split(",") if name.strip()}
    if "all" in named:
        named -= {"all"}
        taken = {SWITCHES[_name(word)].group for word in named if _name(word) in SWITCHES} - {""}
        named |= {name for name in ALL_PROFILES_TOGETHER if SWITCHES[name].group not in taken}
    return check_profile(named)


def parameter(profile: frozenset[str], name: str) -> str | None:
    """Return the parameter of the switch `name`, or its default; None when `profile` does not have it."""
    return next(iter(_parameters(profile, name)), None)


@cache
def rewrites_of(profile: frozenset[str], *effects: str) -> tuple[tuple[Rewrite, str], ...]:
    """Return the rewrites in force with one of `effects`, each with its parameter, in the table's order."""
    return tuple(
        (switch.rewrite, value)
        for name, switch in SWITCHES.items()
        if switch.rewrite is not None and switch.effect in effects
        for value in _parameters(profile, name)
    )


def _parameters(profile: frozenset[str], name: str) -> list[str]:
    """Return the parameters that `profile` gives to the switch `name`, sorted; empty when it is not in it."""
    return [
        word.partition("=")[2] or SWITCHES[name].default for word in sorted(profile) if _name(word) == name
    ]


def _name(word: str) -> str:
    return word.partition("=")[0]


def _check_parameter(word: str) -> None:
    name, equals, value = word.partition("=")
    switch = SWITCHES[name]
    if not switch.takes:
        if equals:
            raise UsageError(f"the profile {name!r} takes no parameter")
    elif not value:
        if equals or not switch.default:
            raise UsageError(f"the profile {name!r} needs a parameter: {name}={switch.takes}")
    elif switch.takes in {"N", "MS"} and not _NUMBER.fullmatch(value):
        raise UsageError(f"invalid profile {word!r}: use a whole number from 1")
    elif switch.takes == "STATUS" and not _STATUS.fullmatch(value):
        raise UsageError(f"invalid profile {word!r}: use a status from 400 to 599")
    elif switch.takes == "ZONE" and value not in available_timezones():
        raise UsageError(f"invalid profile {word!r}: use a time zone such as Europe/London")
