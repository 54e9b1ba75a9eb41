"""Sources of the effective settings: the value of each setting of a run, and where it comes from.

Nothing is sent. Of a credential only the name of its variable is known here.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from reconciler.client import STAGES, TOKEN_VARIABLES, read_base_url, stage_url
from reconciler.configuration import MERGED
from reconciler.errors import InvalidInputError
from reconciler.manifests import Document, read_single_document
from reconciler.operations.settings import RawOptions, Settings, resolve_settings
from reconciler.schema import load_schema
from reconciler.secrecy import SENSITIVE, SecretFields, is_secret_name, mask
from reconciler.values import ABSENT, JsonObject, JsonValue, Path, as_object, display_path, lookup

DEFAULT: Final = "default"
"""The source of a setting that nothing states."""

_OPTIONS: Final = {
    "owner": ("ownership", "tag"),
    "max_deletes": ("safety", "max_deletes"),
    "max_delete_ratio": ("safety", "max_delete_ratio"),
    "max_change_ratio": ("safety", "max_change_ratio"),
    "concurrency": ("concurrency",),
    "max_requests_per_second": ("max_requests_per_second",),
    "retry_for": ("retry_for",),
    "remember": ("remember",),
    "strict": ("validate", "strict"),
    "backup_dir": ("backup_dir",),
}
"""The key in `reconciler.yaml` of each option that overrides one, and of options without a key."""

_NO_SETTINGS: Final = frozenset(
    {"version", "environments", "params", "stage", "token_env", "api_url_env", "protected"}
)
"""The keys that are no settings, or are shown with the tenant."""

_IN_ENVIRONMENT: Final = ("environments", "additionalProperties", "properties")
"""The place of the keys of an environment in the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveSetting:
    """One setting.

    Args:
        key: Its key in `reconciler.yaml`, or its name where it has none.
        value: Its value, secrets masked; `None` when there is none.
        source: Where it comes from: an option, a variable, `FILE:LINE`, `FILE:LINE, environment NAME`, or
            `default`.
    """

    key: str
    value: JsonValue
    source: str


def effective_settings(
    raw: RawOptions, sources: Mapping[str, str] | None = None, *, env: Mapping[str, str] = os.environ
) -> tuple[EffectiveSetting, ...]:
    """Return the settings that a command would work with: the tenant first, then by key.

    Args:
        raw: The options.
        sources: The option or the variable that states each override, by field; also of `config` and
            `environment`.
        env: Variables for the address and the credential.

    Raises:
        UsageError: The environment is unknown.
        InvalidInputError: The configuration is invalid, or a file of parameters.
    """
    settings = resolve_settings(raw)
    given = dict(sources or {})
    file = settings.given.config if settings.given else None
    document = None if file is None else read_single_document(file, "the configuration")
    document = document or Document(file="", text="", index=0)
    document = dataclasses.replace(document, file=_here(document.file))
    return (
        EffectiveSetting(
            key="configuration",
            value=None if file is None else _here(str(file)),
            source=given.get("config", DEFAULT),
        ),
        EffectiveSetting(key="environment", value=raw.environment, source=given.get("environment", DEFAULT)),
        *_tenant(settings, document, env),
        *_configured(raw, settings, document, given),
        *_parameters(settings),
    )


def _tenant(settings: Settings, document: Document, env: Mapping[str, str]) -> Iterator[EffectiveSetting]:
    """Yield the stage, the address, the variable of the token, and the environment's protection."""
    chosen = settings.environment

    def stated(key: str) -> str:
        return _source(document, ("environments", chosen.name if chosen else "", key))

    if chosen is not None and chosen.stage is not None:
        stage, stage_source = chosen.stage, stated("stage")
    else:
        variable = next(filter(env.get, ("PEAK__STAGE", "STAGE")), None)
        stage, stage_source = (env[variable], variable) if variable else ("prod", DEFAULT)
    known = stage if stage in STAGES else None  # else a variable holds anything
    yield EffectiveSetting(key="stage", value=known, source=stage_source)
    variable = chosen.api_url_env if chosen and chosen.api_url_env else "PEAK_API_URL"
    fallback = stage_url(known) if known and not (chosen and chosen.api_url_env) else None
    yield EffectiveSetting(
        key="address",
        value=_address(variable, env) if env.get(variable) else fallback,
        source=variable if env.get(variable) or fallback is None else "stage",
    )
    variables = (chosen.token_env,) if chosen and chosen.token_env else TOKEN_VARIABLES
    token = next(filter(env.get, variables), None)
    yield EffectiveSetting(
        key="token", value=SENSITIVE if token else None, source=token or " or ".join(variables)
    )
    if chosen is not None:
        source = stated("protected") if chosen.protected else DEFAULT
        yield EffectiveSetting(key="protected", value=chosen.protected, source=source)


def _address(variable: str, env: Mapping[str, str]) -> str | None:
    """Return the address in a variable; `None` if it is not valid, since it may hold a password then."""
    try:
        return read_base_url(None, env, variable)
    except InvalidInputError:
        return None


def _configured(
    raw: RawOptions, settings: Settings, document: Document, given: Mapping[str, str]
) -> Iterator[EffectiveSetting]:
    """Yield every key of `reconciler.yaml`, with the option or the variable that overrides it."""
    over: dict[Path, tuple[object, str]] = {
        _OPTIONS[name]: (value, given.get(name, DEFAULT))
        for name, value in raw.overrides.items()
        if name in _OPTIONS
    }
    if raw.paths:
        over["manifests",] = ([*raw.paths], given.get("paths", DEFAULT))
    properties = as_object(load_schema("configuration")["properties"])
    if settings.environment is not None:
        properties = {**as_object(lookup(properties, _IN_ENVIRONMENT)), **properties}
    whole = {key: part for key, part in properties.items() if key not in _NO_SETTINGS}
    for path, default in (*_leaves(whole), (("backup_dir",), _here(str(settings.backup_dir)))):
        value, source = over.get(path) or _stated(document, settings, path, default)
        yield EffectiveSetting(key=display_path(path), value=_plain(value), source=source)


def _leaves(properties: JsonObject, above: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    """Yield the path and the default of each key, those inside mappings one by one."""
    for key, part in properties.items():
        reference = str(as_object(part).get("$ref", ""))
        schema = as_object(
            lookup(load_schema("configuration"), tuple(reference.split("/")[1:])) if reference else part
        )
        if "properties" in schema:
            yield from _leaves(as_object(schema["properties"]), (*above, key))
        else:
            yield (*above, key), schema.get("default")


def _stated(document: Document, settings: Settings, path: Path, default: JsonValue) -> tuple[JsonValue, str]:
    """Return what the environment's block states, else the top level, else the default; and where."""
    bases: list[Path] = [()]
    if settings.environment is not None:
        block: Path = ("environments", settings.environment.name)
        replaced = path[0] not in MERGED and lookup(document.value, (*block, path[0])) is not ABSENT
        bases = [block] if replaced else [block, ()]
    for base in bases:
        value = lookup(document.value, (*base, *path))
        if value is not ABSENT:
            return value, _source(document, (*base, *path))
    return default, DEFAULT


def _source(document: Document, path: Path) -> str:
    position = document.position(path, at_key=True)
    stated = f"{document.file}:{position.line}" if position else document.file
    return f"{stated}, environment {path[1]}" if path[0] == "environments" else stated


def _parameters(settings: Settings) -> Iterator[EffectiveSetting]:
    """Yield the parameters of manifests, those that look like secrets masked."""
    parameters = settings.reading.parameters
    for name in parameters.names():
        value = parameters.get(name)
        shown = (
            SENSITIVE if is_secret_name(name) else mask(None if value is ABSENT else value, SecretFields())
        )
        yield EffectiveSetting(key=f"params.{name}", value=shown, source=_here(parameters.source(name)))


def _here(path: str) -> str:
    """Return a path below the working directory relative to it."""
    return path.removeprefix(f"{FilePath.cwd()}{os.sep}")


def _plain(value: object) -> JsonValue:
    """Return an option's value as JSON."""
    if value is None or isinstance(value, str | int | float | bool | list | dict):
        return value
    return str(value)
