"""Rewriting: the normal forms in which a platform may keep or return parts of a workflow.

Each `Rewrite` changes the body that it gets, which is a private copy: a sent body before it is stored, or a
view before it is returned. It is idempotent, never fails on a value of the wrong type, and finds `env` as a
map or as a list of maps. `profiles` names them. Most combine a finder of objects or texts in a body with what
happens to them (`change`, `cut`, `drop`, `fill`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.emulator.accepted_bodies import merged_env
from reconciler.emulator.shapes import inner_object, step_kind, step_shape, steps_of
from reconciler.emulator.state import HttpError
from reconciler.values import JsonObject, JsonValue, as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    Rewrite: TypeAlias = Callable[[JsonObject, str], None]
    """Changes a body; the text is the switch's parameter."""

    Nodes: TypeAlias = Callable[[JsonObject], Iterable[JsonObject]]
    """Finds objects in a body."""

    Places: TypeAlias = Callable[[JsonObject], Iterable[tuple[JsonObject, Iterable[str]]]]
    """Finds objects in a body, each with the keys of texts in it."""

    Unknown: TypeAlias = Callable[[JsonObject], Iterable[tuple[JsonObject, str, str]]]
    """Finds undocumented keys in a body: the object, the key, and its path for a message."""

_PLATFORM_KEYS: Final = frozenset({"id", "createdAt", "updatedAt", "status", "lastExecution"})
_TOP_KEYS: Final = frozenset({"name", "metadata", "triggers", "watchers", "retryOptions", "tags", "steps"})
_STEP_PLATFORM_KEYS: Final = frozenset({"imageName", "imageVersion"})

_USER_MAPS: Final = frozenset({"env", "outputParameters", "absolute", "secrets", "inherit"})

AUTH_SECRETS: Final = ("password", "clientSecret", "apiKey", "bearerToken")
SECRET_NAME: Final = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS_OF_CRONTAB: Final = 5
_ENV_MASK: Final = "*****"


# Places


def rows(key: str) -> Nodes:
    """Return the finder of the objects in the list at `key` of a body."""
    return lambda body: _rows(body, key)


def in_steps(*keys: str) -> Nodes:
    """Return the finder of the objects at the path `keys` below each step."""
    return lambda body: _objects(steps_of(body), *keys)


def itself(body: JsonObject) -> list[JsonObject]:
    """Find the body."""
    return [body]


def standard_steps(body: JsonObject) -> list[JsonObject]:
    """Find the standard steps."""
    return [step for step in steps_of(body) if step_kind(step).lower() == "standard"]


def texts(nodes: Nodes, *keys: str) -> Places:
    """Return the finder of the texts at `keys` of each of `nodes`."""
    return lambda body: ((node, keys) for node in nodes(body))


def free_texts(body: JsonObject) -> Iterator[tuple[JsonObject, Iterable[str]]]:
    """Find every free text.

    That is commands, URLs, payloads, values of variables and headers, branches, paths, and watchers' names.
    """
    for step in steps_of(body):
        yield step, ("command", "url", "payload", "sqlQueryPath", "schema", "table", "sortBy")
        for env in [*_env_maps(step), *_objects([step], "headers", "absolute")]:
            yield env, list(env)
        for repository in _objects([step], "repository"):
            yield repository, ("url", "branch", "filePath")
        for auth in _objects([step], "auth"):
            yield auth, ("authUrl", "clientId", "username")
    yield from conditions(body)
    for watcher in _rows(body, "watchers"):
        for node in [*_objects([watcher], "webhook"), *_objects([watcher], "email")]:
            yield node, ("name", "url", "payload")


def header_values(body: JsonObject) -> Iterator[tuple[JsonObject, Iterable[str]]]:
    """Find the value of every header."""
    for kind in ("absolute", "secrets"):
        for headers in _objects(steps_of(body), "headers", kind):
            yield headers, list(headers)


def conditions(body: JsonObject) -> Iterator[tuple[JsonObject, Iterable[str]]]:
    """Find the value of every condition."""
    for parameters in _objects(steps_of(body), "executionParameters"):
        for row in _rows(parameters, "conditional"):
            yield row, ("value",)


def urls(body: JsonObject) -> Iterator[tuple[JsonObject, Iterable[str]]]:
    """Find every URL."""
    steps = steps_of(body)
    for node in [*steps, *_objects(steps, "repository"), *_objects(steps, "auth")]:
        yield node, ("url", "authUrl")
    yield from watcher_urls(body)


auth_secrets: Final = texts(in_steps("auth"), *AUTH_SECRETS)
storages: Final = texts(in_steps("resources"), "storage")
tokens: Final = texts(in_steps("repository"), "token")
crons: Final = texts(rows("triggers"), "cron")
names: Final = texts(itself, "name")
tag_names: Final = texts(rows("tags"), "name")
watcher_urls: Final = texts(lambda body: _objects(_rows(body, "watchers"), "webhook"), "url")


def unknown_keys(body: JsonObject) -> list[tuple[JsonObject, str, str]]:
    """Find the undocumented keys at the top."""
    return [(body, key, key) for key in body if key not in _TOP_KEYS | _PLATFORM_KEYS]


def unknown_step_keys(body: JsonObject) -> list[tuple[JsonObject, str, str]]:
    """Find the undocumented keys of steps."""
    found = []
    for name, step in as_object(body.get("steps")).items():
        if isinstance(step, dict):
            known = {*step_shape(step).fields, *_STEP_PLATFORM_KEYS}
            found += [(step, key, f"steps.{name}.{key}") for key in step if key not in known]
    return found


def _rows(node: JsonObject, key: str) -> list[JsonObject]:
    """Return the objects in the list at `key`."""
    return [row for row in as_list(node.get(key)) if isinstance(row, dict)]


def _objects(nodes: Iterable[JsonObject], *keys: str) -> list[JsonObject]:
    """Return the objects at the path `keys` below each of `nodes`."""
    found = list(nodes)
    for key in keys:
        found = [inner for node in found if isinstance(inner := node.get(key), dict)]
    return found


def _env_maps(step: JsonObject) -> list[JsonObject]:
    """Return the maps that hold the environment variables of a step."""
    found: list[JsonObject] = []
    for parameters in _objects([step], "parameters"):
        env = parameters.get("env")
        found += [env] if isinstance(env, dict) else _rows(parameters, "env")
    return found


# Texts


def change(places: Places, new: Callable[[str], JsonValue]) -> Rewrite:
    """Return the rewrite that replaces each text at `places` by its `new` value."""
    return lambda body, _: _change(places(body), new)


def cut(places: Places) -> Rewrite:
    """Return the rewrite that cuts each text at `places` to as many characters as the parameter says."""
    return lambda body, length: _change(places(body), lambda text: text[: int(length)])


def _change(places: Iterable[tuple[JsonObject, Iterable[str]]], new: Callable[[str], JsonValue]) -> None:
    for node, keys in places:
        for key in keys:
            value = node.get(key)
            if isinstance(value, str):
                node[key] = new(value)


def mask(_: str) -> str:
    """Return what stands for any secret."""
    return "********"


def to_lf(text: str) -> str:
    """Return `text` with LF at the end of each line."""
    return text.replace("\r\n", "\n")


def to_nfc(text: str) -> str:
    """Return `text` in Unicode's composed form."""
    return unicodedata.normalize("NFC", text)


def escape_ampersands(text: str) -> str:
    """Return `text` with `&amp;` for each `&` that begins no entity."""
    return re.sub(r"&(?!(?:amp|lt|gt|quot|#\d+);)", "&amp;", text)


def spaced_unit(storage: str) -> str:
    """Return `storage` with a space before its unit."""
    return re.sub(r"\A(\d+)([A-Za-z]+)\Z", r"\1 \2", storage)


def collapse_spaces(text: str) -> str:
    """Return `text` with single spaces between its words and none around them."""
    return " ".join(text.split())


def cron_with_day_names(cron: str) -> str:
    """Return `cron` with names for the days of the week, by the rule of its number of fields."""
    return _change_days(cron, r"(?<![#/\d])[0-7](?!\d)", lambda digit, first: _DAYS[(int(digit) - first) % 7])


def cron_with_day_numbers(cron: str) -> str:
    """Return `cron` with numbers for the days of the week, by the rule of its number of fields."""
    return _change_days(cron, "|".join(_DAYS), lambda name, first: str(_DAYS.index(name) + first))


def _change_days(cron: str, pattern: str, change: Callable[[str, int], str]) -> str:
    """Return `cron` with each match in its day of the week replaced.

    `change` takes the match and the number of Sunday: 0 of five fields (crontab), 1 of six or seven.
    """
    fields = list(re.finditer(r"\S+", cron))
    place, first = (4, 0) if len(fields) == _FIELDS_OF_CRONTAB else (5, 1)
    if len(fields) <= place:
        return cron
    start, end = fields[place].span()
    days = re.sub(pattern, lambda match: change(match.group(), first), cron[start:end])
    return cron[:start] + days + cron[end:]


# Fields


def drop(nodes: Nodes, *keys: str) -> Rewrite:
    """Return the rewrite that leaves out `keys` of each of `nodes`."""

    def rewrite(body: JsonObject, _: str) -> None:
        for node in nodes(body):
            for key in keys:
                node.pop(key, None)

    return rewrite


def drop_default(nodes: Nodes, key: str) -> Rewrite:
    """Return the rewrite that leaves out `key` of each of `nodes` where it has the parameter's value."""

    def rewrite(body: JsonObject, default: str) -> None:
        for node in nodes(body):
            if node.get(key) == default:
                del node[key]

    return rewrite


def fill(nodes: Nodes, key: str) -> Rewrite:
    """Return the rewrite that sets `key` of each of `nodes` to the parameter where it is absent or empty."""

    def rewrite(body: JsonObject, default: str) -> None:
        for node in nodes(body):
            node[key] = node.get(key) or default

    return rewrite


def fill_timeout(body: JsonObject, seconds: str) -> None:
    """Give every standard step a timeout."""
    for step in standard_steps(body):
        if step.get("stepTimeout") is None:
            step["stepTimeout"] = int(seconds)


def fill_concurrency(body: JsonObject, _: str) -> None:
    """Give a workflow `metadata.allowConcurrentExecution: false`."""
    metadata = inner_object(body, "metadata")
    if metadata.get("allowConcurrentExecution") is None:
        metadata["allowConcurrentExecution"] = False


def drop_unknown(unknown: Unknown) -> Rewrite:
    """Return the rewrite that drops undocumented keys."""

    def rewrite(body: JsonObject, _: str) -> None:
        for node, key, _path in unknown(body):
            del node[key]

    return rewrite


def refuse_unknown(unknown: Unknown) -> Rewrite:
    """Return the rewrite that refuses undocumented keys, with the parameter as the status."""

    def rewrite(body: JsonObject, status: str) -> None:
        for _node, _key, path in unknown(body):
            raise HttpError(int(status), f"{path}: unknown field")

    return rewrite


def hide_key(body: JsonObject, key: str) -> None:
    """Leave out `key` at the top and at any level of the steps, except among the user's own keys."""
    body.pop(key, None)
    for step in steps_of(body):
        _drop_below(step, key)


def _drop_below(node: JsonObject, key: str) -> None:
    node.pop(key, None)
    for name, value in node.items():
        if name not in _USER_MAPS:
            for inner in [value] if isinstance(value, dict) else as_list(value):
                if isinstance(inner, dict):
                    _drop_below(inner, key)


# Variables, headers, tags, watchers, enumerations


def mask_env(secret: re.Pattern[str] = re.compile("")) -> Rewrite:
    """Return the rewrite that masks the value of each environment variable whose name matches `secret`."""

    def rewrite(body: JsonObject, _: str) -> None:
        for step in steps_of(body):
            for env in _env_maps(step):
                env.update(dict.fromkeys(filter(secret.search, env), _ENV_MASK))

    return rewrite


def env_as_map(body: JsonObject, _: str) -> None:
    """Write `env` as a map."""
    for parameters in _objects(steps_of(body), "parameters"):
        if "env" in parameters:
            parameters["env"] = merged_env(parameters["env"])


def env_as_rows(body: JsonObject, _: str) -> None:
    """Write `env` as a list of `{name, value}`."""
    for step in steps_of(body):
        maps = _env_maps(step)
        if maps:
            inner_object(step, "parameters")["env"] = [
                {"name": name, "value": value} for entry in maps for name, value in entry.items()
            ]


def lower_headers(body: JsonObject, _: str) -> None:
    """Write header names in lower case."""
    for headers in _objects(steps_of(body), "headers"):
        for key in ("absolute", "secrets"):
            if isinstance(named := headers.get(key), dict):
                headers[key] = {name.lower(): value for name, value in named.items()}


def tags_as_texts(body: JsonObject, _: str) -> None:
    """Write tags as texts."""
    if isinstance(body.get("tags"), list):
        body["tags"] = [tag.get("name") if isinstance(tag, dict) else tag for tag in as_list(body["tags"])]


def keep_few_tags(body: JsonObject, count: str) -> None:
    """Keep the first `count` tags."""
    if isinstance(body.get("tags"), list):
        body["tags"] = as_list(body["tags"])[: int(count)]


def refuse_long_tags(body: JsonObject, length: str) -> None:
    """Refuse a tag of more than `length` characters with 400."""
    for tag in _rows(body, "tags"):
        if len(str(tag.get("name", ""))) > int(length):
            raise HttpError(400, f"tags may have at most {length} characters")


def refuse_many_tags(body: JsonObject, count: str) -> None:
    """Refuse more than `count` tags with 400."""
    if len(as_list(body.get("tags"))) > int(count):
        raise HttpError(400, f"a workflow may have at most {count} tags")


def lower_emails(body: JsonObject, _: str) -> None:
    """Write the e-mail addresses of watchers in lower case."""
    watchers = _rows(body, "watchers")
    _change(((watcher, ["user"]) for watcher in watchers), str.lower)
    _change_items(_objects(watchers, "email", "recipients"), "to", str.lower)


def upper_enums(body: JsonObject, _: str) -> None:
    """Write the values of every enumeration in upper case."""
    steps = steps_of(body)
    executions = _objects(steps, "executionParameters")
    of_parents = [row for node in executions for row in _rows(node, "parentStatus")]
    conditional = [row for node in executions for row in _rows(node, "conditional")]
    _change(((step, ["type", "method", "sortOrder"]) for step in steps), str.upper)
    _change(((auth, ["type"]) for auth in _objects(steps, "auth")), str.upper)
    _change(((row, ["condition"]) for row in [*conditional, *of_parents]), str.upper)
    _change_items(of_parents, "status", str.upper)


def _change_items(nodes: Iterable[JsonObject], key: str, new: Callable[[str], str]) -> None:
    """Replace the texts in the list at `key` of each of `nodes`."""
    for node in nodes:
        if isinstance(node.get(key), list):
            node[key] = [new(item) if isinstance(item, str) else item for item in as_list(node[key])]


# Numbers


def change_storage(new: Callable[[int], JsonValue]) -> Rewrite:
    """Return the rewrite that changes every storage; `new` takes the number of gigabytes."""

    def rewrite(body: JsonObject, _: str) -> None:
        for resources in _objects(steps_of(body), "resources"):
            if match := re.fullmatch(r"(\d+) ?GB", str(resources.get("storage"))):
                resources["storage"] = new(int(match.group(1)))

    return rewrite


def round_durations(body: JsonObject, multiple: str) -> None:
    """Round durations, timeouts and maximum runtimes up to a multiple of `multiple`."""
    retry_options = [
        *_objects([body], "retryOptions"),
        *_objects(steps_of(body), "runConfiguration", "retryOptions"),
    ]
    for node in [*retry_options, *steps_of(body), *_objects(_rows(body, "watchers"), "events")]:
        for key in ("duration", "stepTimeout", "runtimeExceeded"):
            value = node.get(key)
            if isinstance(value, int) and not isinstance(value, bool):
                node[key] = -(-value // int(multiple)) * int(multiple)


def change_numbers(new: Callable[[float], JsonValue], kept: Collection[str] = _PLATFORM_KEYS) -> Rewrite:
    """Return the rewrite that changes every number of a body, except below its keys in `kept`."""

    def changed(value: JsonValue) -> JsonValue:
        if isinstance(value, dict):
            return {key: changed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [changed(item) for item in value]
        return new(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    def rewrite(body: JsonObject, _: str) -> None:
        body.update({key: changed(value) for key, value in body.items() if key not in kept})

    return rewrite


def refuse_floats(body: JsonObject, _: str) -> None:
    """Refuse a number with a fraction, also of zero, with 400."""
    for value in _numbers(body):
        if isinstance(value, float):
            raise HttpError(400, f"{value} is not an integer")


def _numbers(value: JsonValue) -> Iterator[float]:
    if isinstance(value, dict | list):
        inner = value if isinstance(value, list) else [value[key] for key in value if key not in _USER_MAPS]
        for item in inner:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


# Replacement


def merged_body(stored: JsonObject, sent: JsonObject, *, deep: bool) -> JsonObject:
    """Return what a platform stores for `sent` when its PUT merges: keys left out keep their values.

    Args:
        stored: The body so far.
        sent: The body sent; an empty value replaces.
        deep: Whether keys inside objects are merged too, and null removes one; else only top-level keys.
    """
    merged: JsonObject = _merge_deep(stored, sent) if deep else {**stored, **sent}
    if "triggers" not in sent and "triggers" in stored:
        merged["triggers"] = [
            {**trigger, "webhookPolicy": "preserve"} if as_object(trigger).get("webhook") else trigger
            for trigger in as_list(stored["triggers"])
        ]
    return merged


def _merge_deep(stored: JsonObject, sent: JsonObject) -> JsonObject:
    merged = {key: value for key, value in stored.items() if key not in sent}
    for key, value in sent.items():
        before = stored.get(key)
        if isinstance(before, dict) and isinstance(value, dict) and value:
            merged[key] = _merge_deep(before, value)
        elif value is not None:
            merged[key] = value
    return merged
