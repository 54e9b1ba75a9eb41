"""Rewriting: the normal forms in which a platform may keep or return parts of a workflow.

Each `Rewrite` changes the body that it gets, which is a private copy: a sent body before it is stored, or a
view before it is returned. It is idempotent, never fails on a value of the wrong type, and finds `env` as a
map or as a list of maps. `profiles` names them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.emulator.shapes import inner_object, step_kind, step_shape, steps_of
from reconciler.emulator.state import HttpError
from reconciler.values import JsonObject, JsonValue, as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Rewrite: TypeAlias = Callable[[JsonObject, str], None]
    """Changes a body; the text is the switch's parameter."""

_PLATFORM_KEYS: Final = frozenset({"id", "createdAt", "updatedAt", "status", "lastExecution"})
_TOP_KEYS: Final = frozenset({"name", "metadata", "triggers", "watchers", "retryOptions", "tags", "steps"})
_STEP_PLATFORM_KEYS: Final = frozenset({"imageName", "imageVersion"})

_USER_MAPS: Final = frozenset({"env", "outputParameters", "absolute", "secrets", "inherit"})

_AUTH_SECRETS: Final = ("password", "clientSecret", "apiKey", "bearerToken")
_SECRET_NAME: Final = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)
_STEP_TEXTS: Final = ("command", "url", "payload", "sqlQueryPath", "schema", "table", "sortBy")
_STEP_ENUMS: Final = ("type", "method", "sortOrder")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS_OF_CRONTAB: Final = 5
_MASK: Final = "********"
_ENV_MASK: Final = "*****"


def _rows(node: JsonObject, key: str) -> list[JsonObject]:
    """Return the objects in the list at `key`."""
    return [row for row in as_list(node.get(key)) if isinstance(row, dict)]


def _objects(nodes: Iterable[JsonObject], *keys: str) -> list[JsonObject]:
    """Return the objects at the path `keys` below each of `nodes`."""
    found = list(nodes)
    for key in keys:
        found = [inner for node in found if isinstance(inner := node.get(key), dict)]
    return found


def _change_texts(node: JsonObject, keys: Iterable[str], change: Callable[[str], JsonValue]) -> None:
    """Replace the texts at `keys` of `node`."""
    for key in keys:
        value = node.get(key)
        if isinstance(value, str):
            node[key] = change(value)


def _env_maps(step: JsonObject) -> list[JsonObject]:
    """Return the maps that hold the environment variables of a step."""
    return [
        env
        for parameters in _objects([step], "parameters")
        for env in (
            [parameters["env"]] if isinstance(parameters.get("env"), dict) else as_list(parameters.get("env"))
        )
        if isinstance(env, dict)
    ]


def _conditions(step: JsonObject) -> list[JsonObject]:
    return [row for node in _objects([step], "executionParameters") for row in _rows(node, "conditional")]


def _with_retry_options(body: JsonObject) -> list[JsonObject]:
    """Return every object of retry options, the workflow's and the steps'."""
    return _objects([body], "retryOptions") + _objects(steps_of(body), "runConfiguration", "retryOptions")


# Masks and hidden fields


def mask_auth(body: JsonObject, _: str) -> None:
    """Mask the secret values of every `auth`."""
    for auth in _objects(steps_of(body), "auth"):
        _change_texts(auth, _AUTH_SECRETS, lambda _: _MASK)


def hide_auth(body: JsonObject, _: str) -> None:
    """Leave out the secret values of every `auth`."""
    for auth in _objects(steps_of(body), "auth"):
        for key in _AUTH_SECRETS:
            auth.pop(key, None)


def mask_headers(body: JsonObject, _: str) -> None:
    """Mask every header's value."""
    for step in steps_of(body):
        for headers in _objects([step], "headers", "absolute") + _objects([step], "headers", "secrets"):
            _change_texts(headers, list(headers), lambda _: _MASK)


def hide_headers(body: JsonObject, _: str) -> None:
    """Leave out the headers of every step."""
    for step in steps_of(body):
        step.pop("headers", None)


def mask_env(body: JsonObject, _: str) -> None:
    """Mask every environment variable's value."""
    for step in steps_of(body):
        for env in _env_maps(step):
            env.update(dict.fromkeys(env, _ENV_MASK))


def mask_secret_env(body: JsonObject, _: str) -> None:
    """Mask the value of each environment variable whose name looks like a secret's."""
    for step in steps_of(body):
        for env in _env_maps(step):
            env.update(dict.fromkeys(filter(_SECRET_NAME.search, env), _ENV_MASK))


def mask_watchers(body: JsonObject, _: str) -> None:
    """Mask the URL of each watcher's webhook."""
    for webhook in _objects(_rows(body, "watchers"), "webhook"):
        _change_texts(webhook, ["url"], lambda _: _MASK)


def hide_step_retry(body: JsonObject, _: str) -> None:
    """Leave out the steps' own retry options."""
    for configuration in _objects(steps_of(body), "runConfiguration"):
        configuration.pop("retryOptions", None)


def hide_tags(body: JsonObject, _: str) -> None:
    """Leave out the tags."""
    body.pop("tags", None)


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


# Shapes


def env_as_rows(body: JsonObject, _: str) -> None:
    """Write `env` as a list of `{name, value}`."""
    for parameters in _objects(steps_of(body), "parameters"):
        maps = _env_maps({"parameters": parameters})
        if maps:
            parameters["env"] = [
                {"name": name, "value": value} for entry in maps for name, value in entry.items()
            ]


def tags_as_texts(body: JsonObject, _: str) -> None:
    """Write tags as texts."""
    if isinstance(body.get("tags"), list):
        body["tags"] = [tag.get("name") if isinstance(tag, dict) else tag for tag in as_list(body["tags"])]


def each_tag(change: Callable[[str], str]) -> Rewrite:
    """Return the rewrite that changes the name of every tag."""

    def rewrite(body: JsonObject, _: str) -> None:
        for tag in _rows(body, "tags"):
            _change_texts(tag, ["name"], change)

    return rewrite


def cut_tags(body: JsonObject, length: str) -> None:
    """Cut every tag's name to `length` characters."""
    each_tag(lambda name: name[: int(length)])(body, "")


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


# Unknown keys


def _unknown_keys(body: JsonObject) -> list[str]:
    return [key for key in body if key not in _TOP_KEYS | _PLATFORM_KEYS]


def _unknown_step_keys(step: JsonObject) -> list[str]:
    shape = step_shape(step)
    known = {*shape.scalars, *shape.lists, *shape.maps, *shape.objects, *shape.rows, *_STEP_PLATFORM_KEYS}
    return [key for key in step if key not in known]


def drop_unknown_keys(body: JsonObject, _: str) -> None:
    """Drop undocumented keys at the top."""
    for key in _unknown_keys(body):
        del body[key]


def drop_unknown_step_keys(body: JsonObject, _: str) -> None:
    """Drop undocumented keys of steps."""
    for step in steps_of(body):
        for key in _unknown_step_keys(step):
            del step[key]


def refuse_unknown_keys(body: JsonObject, status: str) -> None:
    """Refuse an undocumented key at the top."""
    for key in _unknown_keys(body):
        raise HttpError(int(status), f"{key}: unknown field")


def refuse_unknown_step_keys(body: JsonObject, status: str) -> None:
    """Refuse an undocumented key of a step."""
    for name, step in as_object(body.get("steps")).items():
        for key in _unknown_step_keys(as_object(step)):
            raise HttpError(int(status), f"steps.{name}.{key}: unknown field")


# Texts


def each_text(change: Callable[[str], str]) -> Rewrite:
    """Return the rewrite that changes every free text.

    That is commands, URLs, payloads, values of variables and headers, branches, paths, and watchers' names.
    """

    def rewrite(body: JsonObject, _: str) -> None:
        for step in steps_of(body):
            _change_texts(step, _STEP_TEXTS, change)
            for env in [*_env_maps(step), *_objects([step], "headers", "absolute")]:
                _change_texts(env, list(env), change)
            for repository in _objects([step], "repository"):
                _change_texts(repository, ("url", "branch", "filePath"), change)
            for auth in _objects([step], "auth"):
                _change_texts(auth, ("authUrl", "clientId", "username"), change)
            for condition in _conditions(step):
                _change_texts(condition, ["value"], change)
        for watcher in _rows(body, "watchers"):
            for kind in ("webhook", "email"):
                for node in _objects([watcher], kind):
                    _change_texts(node, ("name", "url", "payload"), change)

    return rewrite


def cut_texts(body: JsonObject, length: str) -> None:
    """Cut every free text to `length` characters."""
    each_text(lambda text: text[: int(length)])(body, "")


def to_crlf(text: str) -> str:
    """Return `text` with CRLF at the end of each line."""
    return to_lf(text).replace("\n", "\r\n")


def to_lf(text: str) -> str:
    """Return `text` with LF at the end of each line."""
    return text.replace("\r\n", "\n")


def to_nfc(text: str) -> str:
    """Return `text` in Unicode's composed form."""
    return unicodedata.normalize("NFC", text)


def escape_ampersands(text: str) -> str:
    """Return `text` with `&amp;` for each `&` that begins no entity."""
    return re.sub(r"&(?!(?:amp|lt|gt|quot|#\d+);)", "&amp;", text)


def collapse_spaces(text: str) -> str:
    """Return `text` with single spaces between its words and none around them."""
    return " ".join(text.split())


def drop_last_newline(text: str) -> str:
    """Return `text` without the newlines at its end."""
    return text.rstrip("\r\n")


def drop_url_slashes(body: JsonObject, _: str) -> None:
    """Drop the slash at the end of every URL."""
    places = [*steps_of(body), *_objects(steps_of(body), "repository"), *_objects(steps_of(body), "auth")]
    for node in [*places, *_objects(_rows(body, "watchers"), "webhook")]:
        _change_texts(node, ("url", "authUrl"), lambda text: text.rstrip("/"))


def each_name(change: Callable[[str], str]) -> Rewrite:
    """Return the rewrite that changes the workflow's name."""
    return lambda body, _: _change_texts(body, ["name"], change)


def cut_name(body: JsonObject, length: str) -> None:
    """Cut the workflow's name to `length` characters."""
    _change_texts(body, ["name"], lambda name: name[: int(length)])


def lower_headers(body: JsonObject, _: str) -> None:
    """Write header names in lower case."""
    for headers in _objects(steps_of(body), "headers"):
        for key in ("absolute", "secrets"):
            if isinstance(named := headers.get(key), dict):
                headers[key] = {name.lower(): value for name, value in named.items()}


def lower_emails(body: JsonObject, _: str) -> None:
    """Write the e-mail addresses of watchers in lower case."""
    for watcher in _rows(body, "watchers"):
        _change_texts(watcher, ["user"], str.lower)
        for recipients in _objects([watcher], "email", "recipients"):
            if isinstance(recipients.get("to"), list):
                recipients["to"] = [
                    item.lower() if isinstance(item, str) else item for item in as_list(recipients["to"])
                ]


# Cron, enums, storage, numbers


def each_cron(change: Callable[[str], str]) -> Rewrite:
    """Return the rewrite that changes every schedule."""

    def rewrite(body: JsonObject, _: str) -> None:
        for trigger in _rows(body, "triggers"):
            _change_texts(trigger, ["cron"], change)

    return rewrite


def spaced_cron(cron: str) -> str:
    """Return `cron` with two spaces between its fields."""
    return "  ".join(cron.split())


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


def upper_enums(body: JsonObject, _: str) -> None:
    """Write the values of every enumeration in upper case."""
    for step in steps_of(body):
        _change_texts(step, _STEP_ENUMS, str.upper)
        for auth in _objects([step], "auth"):
            _change_texts(auth, ["type"], str.upper)
        for condition in _conditions(step):
            _change_texts(condition, ["condition"], str.upper)
        for execution in _objects([step], "executionParameters"):
            for row in _rows(execution, "parentStatus"):
                _change_texts(row, ["condition"], str.upper)
                if isinstance(row.get("status"), list):
                    row["status"] = [str(status).upper() for status in as_list(row["status"])]


def each_storage(change: Callable[[int], JsonValue]) -> Rewrite:
    """Return the rewrite that changes every storage; `change` takes the number of gigabytes."""

    def rewrite(body: JsonObject, _: str) -> None:
        for resources in _objects(steps_of(body), "resources"):
            if match := re.fullmatch(r"(\d+) ?GB", str(resources.get("storage"))):
                resources["storage"] = change(int(match.group(1)))

    return rewrite


def round_durations(body: JsonObject, multiple: str) -> None:
    """Round durations, timeouts and maximum runtimes up to a multiple of `multiple`."""
    places = [*_with_retry_options(body), *steps_of(body), *_objects(_rows(body, "watchers"), "events")]
    for node in places:
        for key in ("duration", "stepTimeout", "runtimeExceeded"):
            value = node.get(key)
            if isinstance(value, int) and not isinstance(value, bool):
                node[key] = -(-value // int(multiple)) * int(multiple)


def numbers_as_texts(body: JsonObject, _: str) -> None:
    """Write every number of the body as a text."""
    for key, value in body.items():
        if key not in _PLATFORM_KEYS:
            body[key] = _texts_for_numbers(value)


def refuse_floats(body: JsonObject, _: str) -> None:
    """Refuse a number with a fraction, also of zero, with 400."""
    for value in _numbers(body):
        if isinstance(value, float):
            raise HttpError(400, f"{value} is not an integer")


def conditions_as_numbers(body: JsonObject, _: str) -> None:
    """Write the value of a condition as a number where it is one."""
    for step in steps_of(body):
        for condition in _conditions(step):
            _change_texts(condition, ["value"], lambda text: int(text) if text.isdecimal() else text)


def _texts_for_numbers(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _texts_for_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts_for_numbers(item) for item in value]
    return f"{value:.15g}" if isinstance(value, int | float) and not isinstance(value, bool) else value


def _numbers(value: JsonValue) -> Iterator[float]:
    if isinstance(value, dict | list):
        inner = value if isinstance(value, list) else [value[key] for key in value if key not in _USER_MAPS]
        for item in inner:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


# Defaults


def fill_timeout(body: JsonObject, seconds: str) -> None:
    """Give every standard step a timeout."""
    for step in _standard_steps(body):
        if step.get("stepTimeout") is None:
            step["stepTimeout"] = int(seconds)


def fill_branch(body: JsonObject, branch: str) -> None:
    """Give every repository a branch."""
    for repository in _objects(steps_of(body), "repository"):
        if not repository.get("branch"):
            repository["branch"] = branch


def fill_command(body: JsonObject, command: str) -> None:
    """Give every standard step a command."""
    for step in _standard_steps(body):
        if not step.get("command"):
            step["command"] = command


def fill_concurrency(body: JsonObject, _: str) -> None:
    """Give a workflow `metadata.allowConcurrentExecution: false`."""
    metadata = inner_object(body, "metadata")
    if metadata.get("allowConcurrentExecution") is None:
        metadata["allowConcurrentExecution"] = False


def drop_branch(body: JsonObject, branch: str) -> None:
    """Leave out every `branch` that is the default."""
    for repository in _objects(steps_of(body), "repository"):
        if repository.get("branch") == branch:
            del repository["branch"]


def drop_command(body: JsonObject, command: str) -> None:
    """Leave out every `command` that is the default."""
    for step in _standard_steps(body):
        if step.get("command") == command:
            del step["command"]


def _standard_steps(body: JsonObject) -> list[JsonObject]:
    return [step for step in steps_of(body) if step_kind(step).lower() == "standard"]


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
