"""Walk over the pages of a list: whether there is another page is judged by what the pages hold.

The number of pages that a server announces may be one short, or far too large. Sends nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.client.exceptions import BadRequestException, NotFoundException, TooManyRequestsException

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from reconciler.errors import ReconcilerError
    from reconciler.values import JsonObject

MOST_PAGES: Final = 100_000
"""The largest number of pages that is accepted."""

_MOST_BARREN: Final = 2
"""The number of pages in a row without a new item that end a list, however many are announced."""


class PageWalk:
    """The walk over one list, from the first page to the last.

    Args:
        page_size: The number of items that a full page has, where the answer does not state it.
        total_key: The key of the number of all items, where the list has one. With it, the number of pages
            need not be doubted.

    Attributes:
        number: The number of the page to read next.
        total: The number of all items that the last page stated; `None` if it did not.
    """

    def __init__(self, page_size: int | None, total_key: str = "") -> None:
        self.number = 1
        self.total: int | None = None
        self._page_size = page_size
        self._size: int | None = None
        self._total_key = total_key
        self._announced = 1
        self._full = False
        self._barren = 0
        self._seen: set[Hashable] = set()

    @property
    def goes_on(self) -> bool:
        """Whether to read the page `number`."""
        perhaps = self._full and self.total is None
        return (self.number <= self._announced or perhaps) and self._barren < _MOST_BARREN

    @property
    def counted(self) -> range:
        """The pages to read next: as many as hold the stated number of items, and one where there is none.

        They may be read side by side, and are taken in this order; `goes_on` may end the walk earlier.
        """
        last = 0 if self.total is None or not self._size else -(-self.total // self._size)
        return range(self.number, max(self.number, min(last, MOST_PAGES)) + 1)

    def take(self, page: JsonObject, ids: Iterable[Hashable]) -> None:
        """Go on to the next page.

        Args:
            page: The answer with the page `number`.
            ids: The id of each item on it; `None` for an item without one, which counts as new.
        """
        held = list(ids)
        new = {identity for identity in held if identity is not None} - self._seen
        is_barren = not new and None not in held
        self._seen |= new
        self._announced = _whole(page.get("pageCount")) or 0
        self.total = _whole(page.get(self._total_key))
        self._size = size = _whole(page.get("pageSize")) or self._page_size
        self._full = size is not None and len(held) >= size and not is_barren
        self._barren = self._barren + 1 if is_barren else 0
        self.number += 1

    def ends_with(self, error: ReconcilerError) -> bool:
        """Return whether `error` means that the page `number`, which was not announced, does not exist."""
        return (
            self.number > self._announced
            and isinstance(error, BadRequestException | NotFoundException)
            and not isinstance(error, TooManyRequestsException)
        )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
