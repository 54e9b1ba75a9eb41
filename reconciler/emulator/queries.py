"""Query parameters of the API: pages, repeated words, numbers. Pure; a wrong one is a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from reconciler.emulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT_PAGE_SIZE: Final = 25
_LONGEST_NUMBER: Final = 9

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query:
    """The query of one request."""

    pairs: tuple[tuple[str, str], ...]

    def text(self, name: str) -> str:
        """Return the parameter's last value; empty when it is not given."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    def words(self, name: str) -> frozenset[str]:
        """Return all values of a parameter that may be repeated, or hold several joined by commas."""
        return frozenset(
            word for key, value in self.pairs if key == name for word in value.split(",") if word
        )

    def number(self, name: str, default: int) -> int:
        """Return a parameter that must be a whole number from 1.

        Raises:
            Refusal: 400 when it is not.
        """
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_NUMBER or int(text) < 1:
            raise Refusal(400, f"{name} must be a whole number from 1")
        return int(text)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list and where it stands."""

    items: Sequence[T]
    number: int
    size: int
    count: int

    def position(self) -> dict[str, int]:
        """Return the page's place as the API writes it."""
        return {"pageCount": self.count, "pageNumber": self.number, "pageSize": self.size}


def page_of(items: Sequence[T], query: Query) -> Page[T]:
    """Return the page of `items` that `query` asks for; past the last page it is empty.

    Raises:
        Refusal: 400 when the page's number or size is not a whole number from 1.
    """
    size, number = query.number("pageSize", _DEFAULT_PAGE_SIZE), query.number("pageNumber", 1)
    start = (number - 1) * size
    return Page(items[start : start + size], number, size, max(1, -(-len(items) // size)))
