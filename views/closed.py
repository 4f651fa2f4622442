"""Rows that are final, in the order in which they became so: the older ones in pages, which may lie in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from views.row import LotRow

PAGE: Final = 500


class Page(Protocol):
    """`PAGE` rows that are fetched when they are asked for."""

    def rows(self) -> Sequence[LotRow]: ...


class Closed:
    """A sequence of rows that only grows; equal to another with the same rows, wherever they lie."""

    def __init__(self, pages: Sequence[Page] = (), rest: Sequence[LotRow] = ()) -> None:
        self.pages, self.rest = list(pages), list(rest)

    def append(self, row: LotRow) -> None:
        """Add a row at the end."""
        self.rest.append(row)

    def shelve(self, put_away: Callable[[int, Sequence[LotRow]], Page]) -> None:
        """Turn the rows that fill a page into pages; `put_away` gets each page's number, from 0."""
        while len(self.rest) >= PAGE:
            self.pages.append(put_away(len(self.pages), self.rest[:PAGE]))
            del self.rest[:PAGE]

    def __len__(self) -> int:
        return len(self.pages) * PAGE + len(self.rest)

    def __iter__(self) -> Iterator[LotRow]:
        for page in self.pages:
            yield from page.rows()
        yield from self.rest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Closed) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it grows
