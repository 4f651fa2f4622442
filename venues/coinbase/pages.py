"""Walking the venue's pages: a cursor that comes twice would never end, so it is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from domain.errors import VenueUnavailable

# More than any account has: 250 wallets, orders or trades to a page.
LAST_PAGE = 40


class Page(Protocol):
    """A page that names the next one; the last one names none, or says that none follows."""

    @property
    def cursor(self) -> str: ...

    @property
    def has_next(self) -> bool: ...


P = TypeVar("P", bound=Page)


def pages(read: Callable[[str | None], P]) -> Iterator[P]:
    """Read page after page, each once."""
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(LAST_PAGE):
        page = read(cursor)
        yield page
        if not (page.has_next and page.cursor):
            return
        cursor = page.cursor
        if cursor in seen:
            raise VenueUnavailable(f"the venue gave the page cursor {cursor!r} twice, so its list cannot be read whole")
        seen.add(cursor)
    raise VenueUnavailable(f"the venue's list does not end after {LAST_PAGE} pages")
