"""Configuration from `reconciler.yaml`: the lookup of the file, its settings and its validation.

Reads only that file. The block of an environment overrides the top level. Flags and variables, which
override both, are resolved by the commands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePath, PureWindowsPath
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.apply_limits import Safety
from reconciler.concurrency import CONCURRENCY, RETRY_FOR
from reconciler.errors import InvalidInputError, UsageError
from reconciler.files import nearest_path
from reconciler.manifests import (
    CONFIGURATION_NAMES,
    Document,
    OverlayOptions,
    ParameterLayer,
    Parameters,
    read_parameter_file,
    read_single_document,
)
from reconciler.schema import validate
from reconciler.templates import PEAK_TEMPLATES, RenderedFiles, TemplateSettings, Undefined
from reconciler.text import clip, close_name, printable
from reconciler.values import ABSENT, JsonObject, JsonValue, Pattern, as_list, as_object, lookup, read_pattern
from reconciler.values import Path as ValuePath

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from reconciler.manifests import SharedSettings

MERGED: Final = ("ownership", "safety", "reconcile")
"""The mappings of which an environment overrides only the keys that its block states."""

_LONGEST_PATTERN: Final = 500
_MOST_STARS: Final = 12


_NEW_FIELD: Final = (
    "list the paths of new fields of the API under reconcile: {extra: [steps.*.priorityClass]}, "
    "and each is a warning"
)


class Environment(NamedTuple):
    """One environment: the settings of a tenant, under a name.

    Args:
        name: The name.
        stage: The stage; `None` leaves it to the environment variables.
        token_env: The variable that holds the credential; `None` means the default variables.
        api_url_env: The variable that holds the address; `None` means `PEAK_API_URL`, else the stage's.
        protected: Whether a command that writes must name the environment on the command line.
        profile: The file with the profile of the tenant, which `probe` writes; `None` for none.
    """

    name: str
    stage: str | None = None
    token_env: str | None = None
    api_url_env: str | None = None
    protected: bool = False
    profile: Path | None = None


class Configuration(NamedTuple):
    """The settings of the configuration file, or the defaults without one.

    Args:
        file: The file, or `None`.
        manifests: Files and directories with manifests, relative to the working directory.
        off: The ids of rules that are turned off.
        strict: Whether a warning fails the check, too.
        remember: Whether digests of write-only fields are kept in tags.
        owner: The ownership tag; `None` if there is none.
        safety: The limits of one apply.
        concurrency: The number of workflows to read or write at a time.
        max_requests_per_second: The maximum number of requests per second; `None` for no limit.
        retry_for: The seconds to wait for a server that stops answering.
        environment: The selected environment.
        environments: The names of all environments, in the order of the file.
        warnings: Warnings about the file itself.
        exclusions: The patterns of files to leave out, in the syntax of `.gitignore`.
        extra: The undocumented fields that a body may state.
        allow_latest: Whether `version: latest` of an image is allowed.
        parameters: The parameters of manifests: those of the environment over those of the top level.
        templates: Which manifests are templates, and how they are rendered.
        overlays: The overlays of the environment.
        apart: The files and directories, resolved, that are no manifests: overlays and files of parameters.
    """

    file: Path | None = None
    manifests: tuple[str, ...] = ()
    off: frozenset[str] = frozenset()
    strict: bool = False
    remember: bool = True
    owner: str | None = None
    safety: Safety = Safety()
    concurrency: int = CONCURRENCY
    max_requests_per_second: float | None = None
    retry_for: float = RETRY_FOR
    environment: Environment | None = None
    environments: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    extra: tuple[Pattern, ...] = ()
    allow_latest: bool = False
    parameters: Parameters = Parameters()
    templates: TemplateSettings = TemplateSettings()
    overlays: OverlayOptions = OverlayOptions()
    apart: tuple[Path, ...] = ()

    def excludes(self, path: Path) -> bool:
        """Return whether a pattern of `exclude` matches the file `path`, or it is no manifest."""
        if self.file is None or not (self.exclusions or self.apart):
            return False
        root = self.file.parent.resolve()
        resolved = path.parent.resolve() / path.name
        if any(resolved.is_relative_to(place) for place in self.apart):
            return True
        relative = resolved.relative_to(root) if self.exclusions and resolved.is_relative_to(root) else None
        return relative is not None and _spec(self.exclusions).match_file(relative)


@cache
def _spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    """Return what matches `patterns`; compiled once, not for each file."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - most configurations exclude nothing

    return GitIgnoreSpec.from_lines(patterns)


def find_configuration(start: Path) -> Path | None:
    """Return the configuration file in `start` or in the nearest directory above it; `None` without one."""
    for folder in (start, *start.parents):
        for name in sorted(CONFIGURATION_NAMES):
            if (folder / name).is_file():
                return folder / name
    return None


def load_configuration(file: Path | None, environment: str | None = None) -> Configuration:
    """Return the settings of the configuration `file`; the defaults if it is `None`.

    Args:
        file: The file.
        environment: The name of the selected environment, whose block overrides the top level.

    Raises:
        InvalidInputError: The file cannot be read or is invalid; the message lists every error with its line.
        UsageError: There is no environment of that name.
    """
    if file is None:
        if environment is not None:
            name = clip(printable(environment), 60)
            raise UsageError(f"cannot select the environment {name!r}: there is no reconciler.yaml")
        return Configuration()
    document = read_single_document(file, "the configuration")
    if document is None:
        document = Document(file=str(file), text="", index=0)
    problems = [*_schema_problems(document), *_unknown_rules(document), *_pattern_problems(document)]
    if problems:
        raise InvalidInputError("invalid configuration:\n" + "\n".join(problems))
    return _configuration(file, document, environment)


def _schema_problems(document: Document) -> Iterator[str]:
    for problem in validate(document.value, "configuration"):
        yield f"{document.place(problem.path, at_key=problem.at_key)}: {problem.message}{problem.found}"


def _unknown_rules(document: Document) -> Iterator[str]:
    off = as_list(as_object(as_object(document.value).get("validate")).get("off"))
    if not off:
        return
    from reconciler.rules import rule_ids  # noqa: PLC0415 - few turn a rule off

    for index, name in enumerate(off):
        if isinstance(name, str) and name not in rule_ids():
            place = document.place(("validate", "off", index))
            if name == "schema-unknown-key":
                yield f"{place}: {name!r} cannot be turned off; {_NEW_FIELD}"
            elif name.startswith("schema-"):
                yield f"{place}: {name!r} cannot be turned off: the schema is what the API accepts"
            else:
                yield f"{place}: unknown rule {clip(printable(name), 60)!r}; see validate --list-rules"


def _pattern_problems(document: Document) -> Iterator[str]:
    """Yield what is wrong with `manifests`, `exclude` and `overlays`, at the top and in environments.

    A pull request may change this file: its patterns lead nowhere outside its directory.
    """
    environments = as_object(as_object(document.value).get("environments"))
    for base in ((), *(("environments", name) for name in environments)):
        block = as_object(lookup(document.value, base))
        for key, problem_of in (
            ("manifests", _glob_problem),
            ("exclude", _exclusion_problem),
            ("overlays", _glob_problem),
        ):
            for index, pattern in enumerate(as_list(block.get(key))):
                problem = problem_of(pattern) if isinstance(pattern, str) else ""
                if problem:
                    place = document.place((*base, key, index))
                    yield f"{place}: invalid pattern {clip(printable(pattern), 60)!r}: {problem}"


def _glob_problem(pattern: str) -> str:
    windows = PureWindowsPath(pattern)
    if windows.drive or windows.root:
        return "use a path relative to the directory of this file; name other places on the command line"
    if PurePath(os.path.normpath(pattern)).parts[:1] == ("..",):
        return "it leads outside the directory of this file; name other places on the command line"
    if any("**" in part and part != "**" for part in PurePath(pattern).parts):
        return "'**' must be a whole part of the path"
    return _too_complex(pattern)


def _exclusion_problem(pattern: str) -> str:
    try:
        _spec((pattern,))
    except (ValueError, re.error):
        return "it does not follow the syntax of .gitignore"
    return _too_complex(pattern)


def _too_complex(pattern: str) -> str:
    if "\0" in pattern:
        return "it contains a null character"
    if len(pattern) > _LONGEST_PATTERN or pattern.count("*") > _MOST_STARS:
        return f"at most {_LONGEST_PATTERN} characters and {_MOST_STARS} '*' are allowed"
    return ""


def _configuration(file: Path, document: Document, chosen: str | None) -> Configuration:
    whole = as_object(document.value)
    block = _block(whole, chosen)
    value = {**whole, **block, **_joined(whole, block)}
    checks = as_object(value.get("validate"))
    safety = as_object(value["safety"])
    owner = as_object(value.get("ownership")).get("tag")
    rate = value.get("max_requests_per_second")
    return Configuration(
        file=file,
        manifests=tuple(_manifests(file.parent, _texts(value.get("manifests")))),
        exclusions=tuple(_texts(value.get("exclude"))),
        off=frozenset(_texts(checks.get("off"))),
        strict=checks.get("strict") is True,
        remember=value.get("remember") is not False,
        owner=None if owner is None else str(owner),
        safety=Safety(**{key: _number(limit) for key, limit in safety.items()}),  # type: ignore[arg-type]
        concurrency=int(_number(value.get("concurrency", CONCURRENCY))),
        max_requests_per_second=None if rate is None else float(_number(rate)),
        retry_for=float(_number(value.get("retry_for", RETRY_FOR))),
        extra=tuple(map(read_pattern, _texts(as_object(value.get("reconcile")).get("extra")))),
        allow_latest=value.get("allow_latest") is True,
        environment=None if chosen is None else _environment(file.parent, chosen, block),
        overlays=_overlays(file.parent, block, tuple(_shared(document, chosen))),
        apart=tuple(_apart(file.parent, whole)),
        environments=tuple(as_object(whole.get("environments"))),
        parameters=Parameters().overridden_by(*_parameters(file, document, chosen)),
        templates=_templates(whole, block),
    )


def _joined(whole: JsonObject, block: JsonObject) -> JsonObject:
    """Return the settings that are mappings, merged by key: a block overrides only the keys it states."""
    return {key: {**as_object(whole.get(key)), **as_object(block.get(key))} for key in MERGED}


def _block(value: JsonObject, chosen: str | None) -> JsonObject:
    environments = as_object(value.get("environments"))
    if chosen is None:
        return {}
    if chosen not in environments:
        known = clip(", ".join(map(printable, environments)) or "none", 300)
        near = printable(close_name(chosen, environments))
        raise UsageError(
            f"the configuration has no environment '{clip(printable(chosen), 60)}'",
            hint=(f"Did you mean {near!r}? " if near else "")
            + f"Known environments: {known}. Check --environment and RECONCILER_ENVIRONMENT; an "
            "environment without settings is written as NAME: {}.",
        )
    return as_object(environments[chosen])


def _environment(root: Path, name: str, block: JsonObject) -> Environment:
    def text(key: str) -> str | None:
        return None if block.get(key) is None else str(block[key])

    named = [] if block.get("profile") is None else [str(block["profile"])]
    return Environment(
        name=name,
        stage=text("stage"),
        token_env=text("token_env"),
        api_url_env=text("api_url_env"),
        protected=block.get("protected") is True,
        profile=next(map(Path, _manifests(root, named, "profile")), None),
    )


def _overlays(root: Path, block: JsonObject, shared: tuple[SharedSettings, ...]) -> OverlayOptions:
    names = as_object(block.get("names"))
    if not (names or shared or block.get("overlays")):
        return OverlayOptions()
    return OverlayOptions(
        paths=tuple(_manifests(root, _texts(block.get("overlays")), "overlays")),
        root=root.resolve(),
        prefix=str(names.get("prefix", "")),
        suffix=str(names.get("suffix", "")),
        shared=shared,
    )


def _shared(document: Document, chosen: str | None) -> Iterator[SharedSettings]:
    """Yield the settings of many workflows: those of the environment if it has any, else of the top level."""
    path: ValuePath = ("environments", chosen or "", "reconcile", "workflows")
    if lookup(document.value, path) is ABSENT:
        path = ("reconcile", "workflows")
    stated = as_list(lookup(document.value, path))
    if not stated:
        return
    from reconciler.manifests import SharedSettings  # noqa: PLC0415 - few configurations have them

    for index, item in enumerate(stated):
        settings = as_object(item)
        match = str(settings.pop("match"))
        yield SharedSettings(match=match, settings=settings, document=document, base=(*path, index))


def _apart(root: Path, whole: JsonObject) -> Iterator[Path]:
    """Yield where overlays and parameters are, also those of environments that are not chosen."""
    for block in (whole, *as_object(whole.get("environments")).values()):
        params = as_object(block).get("params")
        if isinstance(params, str):
            yield (root / params).resolve()
        for path in _manifests(root, _texts(as_object(block).get("overlays")), "overlays"):
            yield Path(path).resolve()


def _parameters(file: Path, document: Document, chosen: str | None) -> Iterator[ParameterLayer]:
    """Yield the parameters of the top level and of the chosen environment, stated here or in a file."""
    blocks: dict[str, ValuePath] = {"": ()}
    if chosen is not None:
        blocks[f"environment {printable(chosen)}"] = ("environments", chosen)
    for place, base in blocks.items():
        path = (*base, "params")
        stated = lookup(document.value, path)
        if isinstance(stated, dict):
            yield ParameterLayer(values=stated, place=place, document=document, base=path)
        elif isinstance(stated, str):
            what = f"the parameters that {document.place(path)} names:"
            yield read_parameter_file(file.parent / stated, what, place, file.parent.resolve())


def _templates(*blocks: JsonObject) -> TemplateSettings:
    """Return the settings that blocks state under `templates`, the last one first."""
    found = TemplateSettings()
    for block in blocks:
        stated = block.get("templates")
        if stated == "peak":
            found = PEAK_TEMPLATES
        elif isinstance(stated, dict):
            files, undefined = stated.get("files", found.files), stated.get("undefined", found.undefined)
            found = TemplateSettings(
                files=RenderedFiles(files),
                undefined=Undefined(undefined),
                os_env=stated.get("os_env", found.os_env) is True,
            )
    return found


def _number(value: JsonValue) -> int | float:
    """Return a number that is valid by the schema; a whole one, such as `3.0`, as an integer."""
    number = float(str(value))
    return int(number) if number.is_integer() else number


def _texts(value: JsonValue) -> list[str]:
    return [str(item) for item in as_list(value)]


def _manifests(root: Path, patterns: list[str], key: str = "manifests") -> Iterator[str]:
    """Yield the paths that `key` lists, relative to the working directory; a glob without a match stays."""
    inside = os.path.realpath(root)
    for pattern in patterns:
        found = sorted(root.glob(pattern)) if any(char in pattern for char in "*?[") else []
        for path in found or [root / pattern]:
            if not Path(os.path.realpath(path)).is_relative_to(inside):
                raise InvalidInputError(
                    f"{printable(str(path))}, named by {key}, is a link to outside the directory of "
                    f"{root.name or root}",
                    hint="Name other places on the command line.",
                )
            yield nearest_path(path)
