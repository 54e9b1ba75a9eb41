"""Detection of secrets: by their field, by their name, by a known value and by their form.

A field is a secret if the schema marks it, or if the value in one workflow came through `!env`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Final, NamedTuple

from reconciler.schema import SENSITIVE, sensitive_step_fields
from reconciler.secrecy.credential_patterns import (
    LONGEST_REMEMBERED,
    TEXTS_REMEMBERED,
    credential_kind,
    looks_random,
    may_hold_credential,
)
from reconciler.secrecy.redaction import Redactor
from reconciler.values import (
    ABSENT,
    JsonObject,
    JsonValue,
    Path,
    all_texts,
    as_list,
    as_object,
    copied,
    lookup,
)

_WORDS: Final = (
    "pass(?:word|wd|phrase)",
    "secret",
    "token",
    "bearer",
    "credential",
    "authorization",
    "cookie",
    "(?:api|access|private).?key",
)
"""Words that make a name secret, wherever they are in it."""

_NAME: Final = re.compile("|".join((*_WORDS, "[-_.](?:pass|pwd)$", "^(?:pass|auth|x-key)$")), re.IGNORECASE)
_KIND: Final = re.compile("[-_.](?:kind|type)$", re.IGNORECASE)
"""The end of a name like `TOKEN_TYPE`, whose value is no secret."""

_CREDENTIAL_NAME: Final = re.compile(r"\w[\w .:@/-]{0,99}")


@cache
def _line() -> re.Pattern[str]:
    return re.compile("|".join((*_WORDS, "pass", "pwd")), re.IGNORECASE)


_NAMED_BY_USERS: Final = (("parameters", "env"), ("headers", "absolute"))
"""Where users choose the names of values, below a step."""

_NAMED_DEPTH: Final = 2
"""The length of such a path."""

_MASK_CHARACTERS = r"[\s*•●·∙⬤#.?_-]*"
_MASK_RUN = r".*[*•●⬤]{3}.*"
_MASK_WORD = r"[\[<({]+\s*(?:redacted|masked|hidden|sensitive|secret|removed|filtered|protected)\s*[\]>)}]+"


@cache
def _mask() -> re.Pattern[str]:
    return re.compile(
        f"{_MASK_CHARACTERS}|x{{3,}}|{_MASK_RUN}|redacted|masked|{_MASK_WORD}", re.IGNORECASE | re.DOTALL
    )


@cache
def _whole_mask() -> re.Pattern[str]:
    return re.compile(
        rf"(?:\w+\s+)?\w{{0,8}}[*•●⬤]{{3,}}\w{{0,8}}(?:@[\w.-]+)?|[x#]{{5,}}|redacted|{_MASK_WORD}",
        re.IGNORECASE,
    )


@cache
def _stated_mask() -> re.Pattern[str]:
    return re.compile(rf"{_MASK_RUN}|[x#·∙]{{3,}}|redacted|masked|{_MASK_WORD}", re.IGNORECASE | re.DOTALL)


@cache
def _perhaps_mask() -> re.Pattern[str]:
    """Return what is found in texts, joined by NUL, one of which `is_masked` may find to be a mask."""
    return re.compile(
        rf"[*•●⬤]{{3}}|redacted|masked|{_MASK_WORD}|(?:\A|\0)[\s*•●·∙⬤#.?_x-]+(?:\0|\Z)", re.IGNORECASE
    )


_PARTS_OF_MASKS: Final = (
    "***",
    "•",
    "●",
    "⬤",
    "xxx",
    "#",
    "·",
    "∙",
    "redacted",
    "masked",
    "[",
    "<",
    "(",
    "{",
)
"""One of these is in every text that `_stated_mask` matches; searching for them takes less time."""

_MASK_INSIDE = re.compile(r"""[=:](?:["']?|\s?["'])[*•●⬤]{3,}(?=["'@/&,;}\s]|$)""")


def is_secret_field(path: Path) -> bool:
    """Return whether the schema marks the field at `path` of a body as a secret."""
    return path[:1] == ("steps",) and path[2:] in sensitive_step_fields()


def is_webhook_url(path: Path) -> bool:
    """Return whether the URL that a watcher calls, a credential, is at `path` of a body or its form."""
    return path[:1] == ("watchers",) and path[-2:] == ("webhook", "url")


def ends_in_secret_field(path: Path) -> bool:
    """Return whether `path`, from the root of any document, ends in a marked field."""
    return any(path[-len(field) :] == field for field in sensitive_step_fields())


def secret_values(body: JsonObject) -> Iterator[str]:
    """Yield the texts in the fields of a body that the schema marks as secrets."""
    for step in as_object(body.get("steps")).values():
        found = (lookup(step, part) for part in sensitive_step_fields())
        yield from (value for value in found if isinstance(value, str))


class SecretFields(NamedTuple):
    """The secret fields of one workflow: those that the schema marks, and `paths`.

    Args:
        paths: Further fields, from the root of the body (or of the form) that the methods are called for.
    """

    paths: frozenset[Path] = frozenset()

    def covers(self, path: Path) -> bool:
        """Return whether the value at `path` is a secret or part of one."""
        if is_secret_field(path):
            return True
        return bool(self.paths) and any(path[: len(known)] == known for known in self.paths)

    def contains(self, path: Path) -> bool:
        """Return whether there is a secret at `path` or, among `paths`, below it."""
        return self.covers(path) or any(known[: len(path)] == path for known in self.paths)

    def places_in(self, value: JsonValue, path: Path = ()) -> Iterator[Path]:
        """Yield where in the value at `path` there are secrets by their field, the outermost of each.

        Some may be yielded twice, or inside another one; empty ones are no secrets.
        """
        if self.covers(path):
            yield from _found_at((), value, path)
            return
        marked = (("steps", None, *part) for part in sensitive_step_fields())
        for place in (*marked, *self.paths):
            if len(place) > len(path) and all(map(_leads_to, place, path)):
                yield from _found_at(place[len(path) :], value, path)

    def mask(self, value: JsonValue, path: Path = ()) -> JsonValue:
        """Return the value at `path` with every secret field in it masked; empty ones stay."""
        if not isinstance(value, dict | list):
            return SENSITIVE if value not in (None, "") and self.covers(path) else value
        places = [place[len(path) :] for place in self.places_in(value, path)]
        if () in places:
            return SENSITIVE
        masked = copied(value) if places else value
        for place in places:
            holder = lookup(masked, place[:-1])
            if isinstance(holder, dict | list):  # else it is inside another one
                holder[place[-1]] = SENSITIVE  # type: ignore[index]
        return masked


def _leads_to(part: str | int | None, found: str | int) -> bool:
    return part is None or part == found


def _found_at(place: Sequence[str | int | None], value: JsonValue, path: Path) -> Iterator[Path]:
    """Yield the paths of what is at `place` of the value at `path`; in a place, `None` is any key."""
    if not place:
        if value not in (None, ""):
            yield path
        return
    items = value.items() if isinstance(value, dict) else enumerate(as_list(value))
    for key, item in items:
        if _leads_to(place[0], key):
            yield from _found_at(place[1:], item, (*path, key))


def is_secret_name(name: str) -> bool:
    """Return whether a variable or header of this name holds a secret."""
    return _NAME.search(name) is not None and _KIND.search(name) is None


def mentions_secret(line: str) -> bool:
    """Return whether a line of a file has any word of a secret name."""
    return _line().search(line) is not None


def is_mask(value: JsonValue) -> bool:
    """Return whether a credential that the platform returned says nothing of its value.

    That is an empty text, mask characters only (`****`, `••••`, `xxxx`), a run of three of them (`***a1b2`),
    a word such as `[redacted]` or `<hidden>`, and everything that is no text.
    """
    return not isinstance(value, str) or _mask().fullmatch(value) is not None


def is_masked(path: Path, value: JsonValue) -> bool:
    """Return whether the platform returned a mask in place of the value at `path` of a body.

    What is a mask of a credential (`is_mask`) may be the value of another field, such as a separator. There
    only what nobody writes counts: three asterisks or more as the whole text, or as the value in a URL, an
    option or a JSON document, and words such as `[redacted]`. An empty text says nothing and is no mask.
    """
    if value is None or value in ("", [], {}):
        return False
    if is_secret_field(path):
        return is_mask(value)
    if not isinstance(value, str):
        return False
    if is_named_secret(path) or is_webhook_url(path):
        return is_mask(value)
    return _is_mask_of_any_field(value)


def _is_mask_of_any_field(text: str) -> bool:
    return _whole_mask().fullmatch(text.strip()) is not None or _MASK_INSIDE.search(text) is not None


def may_be_masked(body: JsonObject) -> bool:
    """Return whether `is_masked`, or `is_mask` in a secret field, may be true in a body.

    It is cheap, and seldom true where there is no mask.
    """
    for step in as_object(body.get("steps")).values():
        found = (lookup(step, part) for part in sensitive_step_fields())
        if any(value is not ABSENT and is_mask(value) for value in found):
            return True
    return _perhaps_mask().search("\0".join(filter(None, all_texts(body)))) is not None


def states_mask(path: Path, value: JsonValue) -> bool:
    """Return whether a manifest states a mask as the value of the secret at `path` of a body.

    Fewer texts count than in an answer of the platform: nobody masks the separator `-` of a manifest.
    """
    secret = is_secret_field(path) or is_named_secret(path) or is_webhook_url(path)
    return secret and isinstance(value, str) and _stated_mask().fullmatch(value.strip()) is not None


def may_state_mask(text: str) -> bool:
    """Return whether `states_mask` may find a mask in `text` or in a part of it: cheap, and seldom true."""
    folded = text.casefold()
    return any(part in folded for part in _PARTS_OF_MASKS)


def is_named_secret(path: Path) -> bool:
    """Return whether the name of the variable or header at `path` of a body says that it holds a secret."""
    return is_named_by_users(path) and is_secret_name(str(path[-1]))


def why_secret(path: Path, value: JsonValue, fields: SecretFields, redactor: Redactor) -> str:
    """Return why the value at `path` of a body is a secret; empty when it is not.

    Args:
        path: From the root of the body, or of the form that `fields` is about.
        value: What is there. Null and the empty text are no secrets.
        fields: The secret fields of the workflow.
        redactor: Knows the secrets of the run.
    """
    covered = fields.covers(path)
    if value is None or value == "" or not (covered or isinstance(value, str)):
        return ""
    masked = is_masked(path, value) or (covered and isinstance(value, str) and is_mask(value))
    if covered or masked:
        return "the platform's mask of a secret" if masked else "a secret field"
    if not isinstance(value, str):
        return ""
    if is_named_secret(path):
        return "a secret by its name"
    if is_known_secret(path, value, redactor):
        return "contains a known secret"
    kind = credential_kind(value)
    return f"looks like a credential ({kind})" if kind else ""


def may_look_secret(text: str) -> bool:
    """Return whether `text` may be a credential or a mask by its form: cheap, and seldom true."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _may_look_secret(text)


def _may_look_secret(text: str) -> bool:
    return may_hold_credential(text) or is_mask(text) or _is_mask_of_any_field(text)


_remembered = lru_cache(TEXTS_REMEMBERED)(_may_look_secret)


def named_secrets(body: JsonValue) -> Iterator[Path]:
    """Yield where in a body `is_named_secret` is true; empty values are no secrets."""
    steps = as_object(body).get("steps")
    for name, step in steps.items() if isinstance(steps, dict) else enumerate(as_list(steps)):
        for part in _NAMED_BY_USERS:
            for path, value in _named_at(part, step, ("steps", name)):
                if value not in (None, "") and is_secret_name(str(path[-1])):
                    yield path


def _named_at(part: tuple[str, ...], value: JsonValue, path: Path) -> Iterator[tuple[Path, JsonValue]]:
    """Yield the fields of the map at `part` of the value at `path`; lists on the way there do not count."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _named_at(part, item, (*path, index))
    elif isinstance(value, dict) and part:
        yield from _named_at(part[1:], value.get(part[0]), (*path, part[0]))
    elif isinstance(value, dict):
        yield from (((*path, key), item) for key, item in value.items())


def is_credential_name(path: Path, text: str, redactor: Redactor) -> bool:
    """Return whether a secret field of a body holds the name of a credential on the platform, as documented.

    A mask is no name, and neither is a text that has the form of a credential, or a secret of the run.
    """
    return (
        is_secret_field(path)
        and _CREDENTIAL_NAME.fullmatch(text) is not None
        and not is_mask(text)
        and not redactor.is_secret(text)
        and not redactor.finds(text)
        and not looks_random(text)
        and not credential_kind(text)
    )


def is_known_secret(path: Path, text: str, redactor: Redactor) -> bool:
    """Return whether `text` contains a secret of the run, or is one where users name the values.

    Elsewhere an ordinary word is never taken for a secret only because a variable has the same value: it may
    be a key, or the command that a reviewer must see.
    """
    return redactor.finds(text) or (is_named_by_users(path) and redactor.is_secret(text))


def is_named_by_users(path: Path) -> bool:
    """Return whether the value of a variable or header, whose name users choose, is at `path` of a body."""
    part = path[2:-1]
    if len(part) < _NAMED_DEPTH or path[0] != "steps" or not isinstance(path[-1], str):
        return False
    if len(part) > _NAMED_DEPTH:  # the API returns variables as a list of maps
        part = tuple(item for item in part if isinstance(item, str))
    return part in _NAMED_BY_USERS
