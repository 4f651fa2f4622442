"""What market orders take from a book."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from simulators.coinbase.pricing import Grid, buy, buy_for, buy_for_exactly, sell
from simulators.exchange.book import Book, Level, ladder

prices = st.decimals("0.0001", "100000", places=6)
depths = st.decimals("0.01", "1000", places=2)
levels = st.lists(st.builds(Level, prices, depths), min_size=1, max_size=6)
rates = st.decimals("0", "0.05", places=3)
grids = st.builds(Grid, st.sampled_from([Decimal("0.01"), Decimal(1), Decimal("0.00000001")]), st.integers(2, 12))


@given(levels, st.decimals("0.01", "100000", places=2), grids, rates)
def test_purchase__for_a_budget__never_costs_more(
    asks: list[Level], budget: Decimal, grid: Grid, rate: Decimal
) -> None:
    asks = sorted(asks, key=lambda level: level.price)
    takes = buy_for(asks, budget, grid, rate)
    assert sum(take.value + take.fee for take in takes) <= budget
    assert all(take.size % grid.increment == 0 and take.size > 0 for take in takes)
    assert all(take.fee >= 0 for take in takes)


@given(levels, st.decimals("0.01", "1000", places=2), rates)
def test_purchase__exactly_for_a_budget__leaves_nothing_while_the_book_lasts(
    asks: list[Level], budget: Decimal, rate: Decimal
) -> None:
    asks = sorted(asks, key=lambda level: level.price)
    last = Level(asks[-1].price + 1, Decimal(10_000_000))
    takes = buy_for_exactly([*asks, last], budget, Grid(Decimal(1), 16), rate)
    cost = sum(take.value + take.fee for take in takes)
    assert 0 <= budget - cost < Decimal("1E-14")
    for take in takes:
        assert abs(take.price * take.size - take.value) <= take.price * Decimal("1E-16")


@given(levels, st.decimals("0.01", "5000", places=2), grids, rates)
def test_sale__of_a_size__never_takes_more_than_size_or_book(
    bids: list[Level], size: Decimal, grid: Grid, rate: Decimal
) -> None:
    bids = sorted(bids, key=lambda level: -level.price)
    takes = sell(bids, size, grid, rate)
    assert sum(take.size for take in takes) <= min(size, sum(level.size for level in bids))
    for take in takes:
        assert take.price * take.size - take.value < Decimal(1).scaleb(-grid.places)
        assert 0 <= take.value <= take.price * take.size


@given(levels, st.decimals("0.01", "5000", places=2), grids, rates)
def test_fees__of_all_fills__add_up_to_the_fee_of_the_order(
    asks: list[Level], size: Decimal, grid: Grid, rate: Decimal
) -> None:
    takes = buy(asks, size, grid, rate)
    value, fee = sum(take.value for take in takes), sum(take.fee for take in takes)
    assert 0 <= fee - value * rate < Decimal(1).scaleb(-grid.places)


@given(
    prices,
    st.decimals("0", "500", places=1),
    st.integers(1, 8),
    st.sampled_from(["0.01", "0.000001", "1"]).map(Decimal),
)
def test_ladder__around_any_price__has_positive_prices_on_the_grid_that_do_not_cross(
    price: Decimal, spread: Decimal, count: int, increment: Decimal
) -> None:
    book = ladder(price, spread, Decimal(10), count, increment)
    assert (len(book.bids), len(book.asks)) == (count, count)
    assert all(level.price > 0 and level.price % increment == 0 for level in (*book.bids, *book.asks))
    assert max(level.price for level in book.bids) < min(level.price for level in book.asks)


def test_book__moved__keeps_to_its_price_grid() -> None:
    book = Book((Level(Decimal("0.392"), Decimal(1)),), (Level(Decimal("0.393"), Decimal(1)),))
    moved = book.moved(Decimal("1.1"), Decimal("0.001"))
    assert (moved.bid, moved.ask) == (Decimal("0.431"), Decimal("0.433"))
