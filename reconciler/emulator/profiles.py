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
from typing import TYPE_CHECKING, Final

from reconciler.emulator import rewrites, shapes
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.emulator.rewrites import Rewrite

RETURNED: Final = "returned"
STORED: Final = "stored"
REFUSED: Final = "refused"
ENDPOINT: Final = "endpoint"

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_STATUS: Final = re.compile(r"[45][0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One behaviour of a platform.

    Args:
        effect: `RETURNED`, `STORED`, `REFUSED` or `ENDPOINT`.
        meaning: What it does, for the documentation.
        rewrite: Changes a body, or raises `HttpError` for one that is refused; None where other code asks
            for the switch by name.
        takes: What its parameter is: `N`, `MS`, `STATUS`, `KEY` or `TEXT`; empty when it takes none.
        default: The parameter when none is given; empty when one is required.
        group: Switches that exclude each other share a group.
        in_all: Whether `--profile all` has it.
    """

    effect: str
    meaning: str
    rewrite: Rewrite | None = None
    takes: str = ""
    default: str = ""
    group: str = ""
    in_all: bool = False


def _read(meaning: str, group: str = "", *, in_all: bool = True) -> Switch:
    """Return one of the switches that `returned_views` knows by name."""
    return Switch(effect=RETURNED, meaning=meaning, group=group, in_all=in_all)


def _returned(meaning: str, rewrite: Rewrite, group: str = "", takes: str = "", default: str = "") -> Switch:
    return Switch(
        effect=RETURNED, meaning=meaning, rewrite=rewrite, group=group, takes=takes, default=default
    )


def _stored(meaning: str, rewrite: Rewrite, group: str = "", takes: str = "", default: str = "") -> Switch:
    return Switch(effect=STORED, meaning=meaning, rewrite=rewrite, group=group, takes=takes, default=default)


def _refused(meaning: str, rewrite: Rewrite, takes: str = "", default: str = "") -> Switch:
    return Switch(effect=REFUSED, meaning=meaning, rewrite=rewrite, takes=takes, default=default)


def _lag(meaning: str) -> Switch:
    return Switch(effect=ENDPOINT, meaning=meaning, takes="MS", default="1500")


_FAMILIES: Final[dict[str, dict[str, Switch]]] = {
    "Reading back": {
        "env-map": _read("`env` is a map, not a list of one-key maps", "env"),
        "nulls": _read("absent fields are `null`, at every level"),
        "empties": _read("absent lists and maps are `[]` and `{}`"),
        "defaults-filled": _read("absent fields have their documented defaults", "defaults"),
        "shuffled": _read("lists and keys come in another order at each read"),
        "token-masked": _read("`repository.token` is `********`", "token"),
        "token-omitted": _read("`repository.token` is absent", "token", in_all=False),
        "token-null": _read("`repository.token` is `null`", "token", in_all=False),
        "token-empty": _read("`repository.token` is empty", "token", in_all=False),
        "retry-hidden": _read("the workflow's `retryOptions` are not returned"),
        "retry-spread": _read("the workflow's `retryOptions` come back in the steps that have none"),
        "metadata-hidden": _read("`metadata` is not returned"),
        "unknown-fields": _read("undocumented keys in every object"),
        "floats": _read("numbers are floats, except the workflow's ID", "numbers"),
        "storage-spaced": _read("storage `10GB` is `10 GB`", "storage"),
        "unique-names": Switch(
            effect=REFUSED, meaning="a name that is taken is refused with 409", in_all=True
        ),
        "spoke": Switch(effect=ENDPOINT, meaning="the tenant is a spoke"),
    },
    "Masked and hidden values": {
        "auth-masked": _returned("secret values of `auth` are `********`", rewrites.mask_auth, "auth"),
        "auth-hidden": _returned("secret values of `auth` are absent", rewrites.hide_auth, "auth"),
        "headers-masked": _returned("header values are `********`", rewrites.mask_headers, "headers"),
        "headers-hidden": _returned("`headers` is absent", rewrites.hide_headers, "headers"),
        "env-masked": _returned("values of variables are `*****`", rewrites.mask_env, "env-mask"),
        "env-secrets-masked": _returned(
            "values of variables with a name like a secret's are `*****`",
            rewrites.mask_secret_env,
            "env-mask",
        ),
        "watchers-masked": _returned("webhook URLs of watchers are `********`", rewrites.mask_watchers),
        "step-retry-hidden": _returned(
            "steps' own `retryOptions` are absent; the workflow's are returned", rewrites.hide_step_retry
        ),
        "hidden": _returned(
            "KEY is absent at the top and at any level of a step; repeatable", rewrites.hide_key, takes="KEY"
        ),
    },
    "Shapes": {
        "env-name-value": _returned("`env` is a list of `{name, value}`", rewrites.env_as_rows, "env"),
        "tags-strings": _returned("tags are texts", rewrites.tags_as_texts, "tags"),
        "tags-counted": Switch(
            effect=RETURNED,
            meaning="each tag has a `count` of the workflows with it",
            group="tags",
        ),
        "tags-hidden": _returned("`tags` is absent", rewrites.hide_tags, "tags"),
    },
    "Limits of tags": {
        "tags-lower": _stored("tags are lower-cased", rewrites.each_tag(str.lower)),
        "tag-length-cut": _stored("tags are cut to N characters", rewrites.cut_tags, "tag-length", "N", "30"),
        "tag-length-refused": _refused(
            "a tag of more than N characters is refused with 400", rewrites.refuse_long_tags, "N", "30"
        ),
        "tag-count-cut": _stored("the first N tags are kept", rewrites.keep_few_tags, "tag-count", "N", "5"),
        "tag-count-refused": _refused(
            "more than N tags are refused with 400", rewrites.refuse_many_tags, "N", "5"
        ),
    },
    "Unknown keys": {
        "unknown-keys-dropped": _stored(
            "undocumented top-level keys are dropped", rewrites.drop_unknown_keys
        ),
        "unknown-step-keys-dropped": _stored(
            "undocumented keys of steps are dropped", rewrites.drop_unknown_step_keys
        ),
        "unknown-keys-refused": _refused(
            "undocumented top-level keys are refused with STATUS",
            rewrites.refuse_unknown_keys,
            "STATUS",
            "400",
        ),
        "unknown-step-keys-refused": _refused(
            "undocumented keys of steps are refused with STATUS",
            rewrites.refuse_unknown_step_keys,
            "STATUS",
            "400",
        ),
    },
    "Names": {
        "names-trimmed": _stored("names lose outer white space", rewrites.each_name(str.strip)),
        "names-collapsed": _stored(
            "names lose outer and doubled white space", rewrites.each_name(rewrites.collapse_spaces)
        ),
        "names-lower": _stored("names are lower-cased", rewrites.each_name(str.lower)),
        "names-nfc": _stored("names are in Unicode's composed form", rewrites.each_name(rewrites.to_nfc)),
        "names-cut": _stored("names are cut to N characters", rewrites.cut_name, takes="N", default="40"),
    },
    "Texts": {
        "text-trimmed": _stored("texts lose outer white space", rewrites.each_text(str.strip)),
        "text-right-trimmed": _stored("texts lose white space at their end", rewrites.each_text(str.rstrip)),
        "text-last-newline-dropped": _stored(
            "texts lose newlines at their end", rewrites.each_text(rewrites.drop_last_newline)
        ),
        "text-crlf": _stored("lines end with CRLF", rewrites.each_text(rewrites.to_crlf), "line-ends"),
        "text-lf": _stored("lines end with LF", rewrites.each_text(rewrites.to_lf), "line-ends"),
        "text-nfc": _stored("texts are in Unicode's composed form", rewrites.each_text(rewrites.to_nfc)),
        "text-escaped": _stored("`&` is `&amp;`", rewrites.each_text(rewrites.escape_ampersands)),
        "text-cut": _stored("texts are cut to N characters", rewrites.cut_texts, takes="N", default="200"),
        "url-slash-dropped": _stored("URLs lose the slash at their end", rewrites.drop_url_slashes),
        "headers-lower": _stored("header names are lower-cased", rewrites.lower_headers),
        "emails-lower": _stored("e-mail addresses are lower-cased", rewrites.lower_emails),
    },
    "Schedules and enumerations": {
        "cron-collapsed": _stored(
            "cron fields are separated by one space",
            rewrites.each_cron(rewrites.collapse_spaces),
            "cron-space",
        ),
        "cron-spaced": _stored(
            "cron fields are separated by two spaces", rewrites.each_cron(rewrites.spaced_cron), "cron-space"
        ),
        "cron-upper": _stored("cron is upper-cased", rewrites.each_cron(str.upper), "cron-case"),
        "cron-lower": _stored("cron is lower-cased", rewrites.each_cron(str.lower), "cron-case"),
        "cron-day-names": _stored(
            "days of the week are names", rewrites.each_cron(rewrites.cron_with_day_names), "cron-days"
        ),
        "cron-day-numbers": _stored(
            "days of the week are numbers", rewrites.each_cron(rewrites.cron_with_day_numbers), "cron-days"
        ),
        "enums-upper": _returned("values of enumerations are upper-cased", rewrites.upper_enums),
    },
    "Numbers and storage": {
        "numbers-rounded": _stored(
            "durations, timeouts and maximum runtimes are rounded up to a multiple of N",
            rewrites.round_durations,
            takes="N",
            default="10",
        ),
        "numbers-strings": _returned("numbers are texts", rewrites.numbers_as_texts, "numbers"),
        "integers-only": _refused("a float, also `100.0`, is refused with 400", rewrites.refuse_floats),
        "storage-binary": _returned(
            "storage `10GB` is `10Gi`", rewrites.each_storage(lambda amount: f"{amount}Gi"), "storage"
        ),
        "storage-bytes": _returned(
            "storage `10GB` is the number of bytes",
            rewrites.each_storage(lambda amount: amount * 10**9),
            "storage",
        ),
        "storage-number": _returned("storage `10GB` is the text `10`", rewrites.each_storage(str), "storage"),
        "condition-numbers": _returned(
            "the value of a condition is a number where it can be", rewrites.conditions_as_numbers
        ),
    },
    "Defaults": {
        "defaults-dropped": _returned(
            "fields with their documented default are absent",
            lambda body, _: shapes.drop_defaults(body),
            "defaults",
        ),
        "timeout-filled": _returned(
            "an absent `stepTimeout` is N", rewrites.fill_timeout, takes="N", default="3600"
        ),
        "branch-filled": _returned(
            "an absent `branch` is TEXT", rewrites.fill_branch, "branch", "TEXT", "main"
        ),
        "branch-dropped": _returned(
            "a `branch` that is TEXT is absent", rewrites.drop_branch, "branch", "TEXT", "main"
        ),
        "command-filled": _returned(
            "an absent `command` is TEXT", rewrites.fill_command, "command", "TEXT", "python main.py"
        ),
        "command-dropped": _returned(
            "a `command` that is TEXT is absent", rewrites.drop_command, "command", "TEXT", "python main.py"
        ),
        "concurrency-filled": _returned(
            "an absent `metadata.allowConcurrentExecution` is `false`", rewrites.fill_concurrency
        ),
    },
    "Endpoints": {
        "describe-missing": Switch(
            effect=ENDPOINT,
            meaning="describe answers 404 for MS milliseconds after a create",
            takes="MS",
            default="500",
        ),
        "describe-lag": _lag("describe answers as of MS milliseconds ago"),
        "list-lag": _lag("the list answers as of MS milliseconds ago"),
        "page-count-short": Switch(
            effect=ENDPOINT, meaning="`pageCount` of the list is one short, but at least 1"
        ),
        "total-hidden": Switch(effect=ENDPOINT, meaning="`workflowsCount` of the list is absent"),
        "describe-refused": Switch(
            effect=ENDPOINT,
            meaning="describing a workflow with a step that is not standard answers STATUS",
            takes="STATUS",
            default="422",
        ),
        "put-merges": Switch(
            effect=STORED, meaning="PUT keeps the top-level keys that are not sent", group="put"
        ),
        "put-merges-deep": Switch(
            effect=STORED,
            meaning="PUT keeps the keys that are not sent, at every level; null removes a key",
            group="put",
        ),
        "rewrites-returned": Switch(
            effect=RETURNED,
            meaning="what other switches change in what is stored, they change when it is read",
        ),
    },
}

FAMILIES: Final = {family: tuple(switches) for family, switches in _FAMILIES.items()}
"""The names of the switches by family, in the order of the documentation."""

SWITCHES: Final = {name: switch for switches in _FAMILIES.values() for name, switch in switches.items()}
"""Every switch by name, in the order in which they take effect."""

PROFILES: Final = frozenset(FAMILIES["Reading back"])
"""The switches that only read back differently and that every command copes with."""

ALL_PROFILES_TOGETHER: Final = frozenset(name for name, switch in SWITCHES.items() if switch.in_all)
"""The profile `all`: those of `PROFILES` together, on a tenant that is not a spoke, with masked tokens."""


def profile_lines() -> str:
    """Return the names of all switches by family, as lines of at most 80 characters."""
    lines: list[str] = []
    for family, names in FAMILIES.items():
        shown = [name + (f"[={SWITCHES[name].takes}]" if SWITCHES[name].takes else "") for name in names]
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
        raise UsageError(f"unknown profile {', '.join(unknown)}: use {', '.join(sorted(SWITCHES))} or all")
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


def rewrites_of(profile: frozenset[str], *effects: str) -> Iterator[tuple[Rewrite, str]]:
    """Yield the rewrites in force that have one of `effects`, with their parameters, in the table's order."""
    for name, switch in SWITCHES.items():
        if switch.rewrite is not None and switch.effect in effects:
            for value in _parameters(profile, name):
                yield switch.rewrite, value


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
