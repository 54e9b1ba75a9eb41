"""Effective settings as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from reconciler.json_documents import document_text, versioned
from reconciler.render.layout import table
from reconciler.values import JsonObject, JsonValue, dump_compact

FORMAT_VERSION: Final = 1
_HEADS: Final = ("SETTING", "VALUE", "SOURCE")


class _Setting(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def value(self) -> JsonValue: ...
    @property
    def source(self) -> str: ...


def settings_text(settings: Sequence[_Setting], width: int | None = None) -> str:
    """Return a table with a row for each setting; takes the columns of the terminal."""
    rows = [(item.key, _shown(item.value), item.source) for item in settings]
    return "\n".join(table(_HEADS, rows, width=width))


def _shown(value: JsonValue) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return dump_compact(value)


def settings_json(settings: Sequence[_Setting]) -> str:
    """Return one JSON object: `format_version` and `settings`."""
    fields: JsonObject = {
        "settings": [{"key": item.key, "value": item.value, "source": item.source} for item in settings]
    }
    return document_text(versioned(FORMAT_VERSION, fields))
