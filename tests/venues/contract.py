"""What every venue must keep, whatever it is: a suite that a venue's own tests inherit, with a stage to play it on.

    class TestKraken(VenueContract):
        @pytest.fixture
        def stage(self) -> Iterator[Stage]:
            with KrakenStage() as stage:
                yield stage

The stage is the venue's simulator and its adapter, with the levers that a real venue does not offer. Its own ledger is
the measure: what the adapter says must agree with it to the last unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Protocol

import pytest

from domain.errors import ConfigurationError, OutcomeUnknown, VenueUnavailable
from domain.venue import Holding, NeverArrived, Order, Pending, Price, Venue
from events.money import Amount, exactly_sum
from events.values import Fill, LegKind, Quote, Refusal, RefusalCode

A_SECOND = timedelta(seconds=1)


class Loss(StrEnum):
    """How the answer to a request that moves money gets lost, and what became of the request."""

    BEFORE = "never took effect"
    AFTER = "took effect"


class Outage(StrEnum):
    """How a venue fails to be read."""

    SILENT = "does not answer"
    BROKEN = "breaks the connection"
    FAILING = "says that it fails"
    BUSY = "says that it is asked too often"
    GARBLED = "answers with a web page"
    CUT = "answers with half of its reply"


class Stage(Protocol):
    """A venue's simulator with its adapter, and the levers of the scenarios below."""

    @property
    def venue(self) -> Venue: ...

    @property
    def secrets(self) -> Sequence[str]:
        """Strings that no error and no repr may hold."""
        ...

    def restarted(self) -> Venue:
        """Return a fresh adapter for the same account: what a worker has after its predecessor died."""
        ...

    def with_wrong_key(self) -> Venue: ...

    def order(self, kind: LegKind) -> Order:
        """Return an order that the venue will fill, quoted where the venue needs it, with an intent of now."""
        ...

    def too_small(self) -> Order: ...

    def too_large(self) -> Order:
        """Return an order for more than the account has."""
        ...

    def balance(self, asset: str) -> Decimal:
        """Return what the simulator's ledger says is free of an asset."""
        ...

    def served(self) -> int:
        """Count the requests that the simulator has seen, spoiled ones included."""
        ...

    def pass_time(self, span: timedelta) -> None:
        """Let time pass, for adapter and simulator alike."""
        ...

    def empty_the_book(self, order: Order) -> None: ...

    def fill_in_part(self) -> None:
        """Make the next order fill in part."""
        ...

    def settle_late(self, span: timedelta) -> None:
        """Make the next order final only after a while."""
        ...

    def lose_answer(self, kind: LegKind, loss: Loss) -> None:
        """Lose the answer to the next request that moves money."""
        ...

    def turn_away(self, kind: LegKind) -> None:
        """Turn the next request that moves money away because the venue is asked too often."""
        ...

    def fail(self, outage: Outage) -> None:
        """Make every read fail from now on."""
        ...

    def recover(self) -> None:
        """End whatever was made to fail."""
        ...


TRADES = (LegKind.SELL, LegKind.BUY)
ALL = (*TRADES, LegKind.CONVERT)


class VenueContract:
    """The suite. A venue gives its stage, and says where it differs in kind.

    `kind` is each kind of leg that it makes by itself. `keyless` are the calls that it answers to anybody, so that a
    wrong key does not show in them.
    """

    keyless: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture(params=ALL)
    def kind(self, request: pytest.FixtureRequest) -> LegKind:
        return LegKind(request.param)

    # What it reads

    def test_holdings__when_the_account_is_read__then_they_agree_with_its_ledger(self, stage: Stage) -> None:
        holdings = stage.venue.holdings()

        assert holdings
        assert len({holding.asset for holding in holdings}) == len(holdings)
        assert all(holding.asset.startswith(f"{stage.venue.name}:") for holding in holdings)
        assert all(holding.available == stage.balance(holding.asset) for holding in holdings)

    def test_holding__when_one_asset_is_read__then_it_is_as_in_the_whole(self, stage: Stage) -> None:
        for holding in stage.venue.holdings():
            assert stage.venue.holding(holding.asset) == holding
            assert stage.restarted().holding(holding.asset) == holding

    def test_holding__when_there_is_no_wallet__then_it_is_zero(self, stage: Stage) -> None:
        unknown = stage.venue.holding(f"{stage.venue.name}:NOSUCH")

        assert unknown == Holding(unknown.asset, Decimal(0), Decimal(0))

    def test_capabilities__when_read__then_products_stand_under_their_own_pair(self, stage: Stage) -> None:
        capabilities = stage.venue.capabilities()

        assert capabilities.products
        for pair, product in capabilities.products.items():
            assert pair == (product.base, product.quote)
            assert product.base_increment > 0
            assert product.quote_increment > 0

    def test_prices__when_several_are_named__then_all_come_in_one_request(self, stage: Stage) -> None:
        names = [product.name for product in stage.venue.capabilities().products.values()]
        before = stage.venue.requests

        prices = stage.venue.prices(names)

        assert stage.venue.requests == before + 1
        assert set(prices) == set(names)
        assert all(price.bid < price.ask for price in prices.values() if price.bid and price.ask)

    def test_prices__when_none_are_named__then_nothing_is_asked(self, stage: Stage) -> None:
        assert stage.venue.prices([]) == {}
        assert stage.venue.requests == 0

    def test_prices__when_the_book_is_empty__then_there_is_no_price_rather_than_zero(self, stage: Stage) -> None:
        order = stage.order(LegKind.SELL)
        stage.empty_the_book(order)

        assert stage.venue.prices([order.product]) == {order.product: Price(None, None)}

    def test_requests__when_answers_are_lost__then_they_count_too(self, stage: Stage) -> None:
        before = stage.served() - stage.venue.requests
        stage.venue.holdings()
        stage.fail(Outage.BROKEN)
        with pytest.raises(VenueUnavailable):
            stage.venue.holdings()

        assert stage.venue.requests == stage.served() - before
        assert stage.venue.requests > 1

    # What it does

    def test_quote__when_asked__then_it_offers_something_and_moves_nothing(self, stage: Stage, kind: LegKind) -> None:
        order = stage.order(kind)
        with unmoved(stage, order):
            quote = stage.venue.quote(order)

        assert isinstance(quote, Quote)
        assert quote.spend.asset == order.spend.asset
        assert 0 < quote.spend.quantity <= order.spend.quantity
        assert quote.receive.asset == order.receive
        assert quote.receive.quantity > 0
        assert quote.price > 0

    def test_execute__when_the_venue_does_it__then_the_fill_is_what_its_ledger_moved(
        self, stage: Stage, kind: LegKind
    ) -> None:
        order = stage.order(kind)
        spent, received = moved(stage, order)

        fill = settled(stage, stage.venue, order, stage.venue.execute(order))

        assert (fill.spent, fill.received) == (spent(), received())
        assert 0 < fill.spent.quantity <= order.spend.quantity
        assert fill.order_id
        if fill.executions:
            base = fill.spent if kind is LegKind.SELL else fill.received
            # A fee in the base currency is taken out of what a purchase brings.
            kept = [fee.quantity for fee in fill.fees if fee.asset == base.asset and kind is not LegKind.SELL]
            assert sum(each.size for each in fill.executions) == exactly_sum(base.quantity, *kept)
            assert sum(each.fee.quantity for each in fill.executions) == sum(fee.quantity for fee in fill.fees)

    def test_execute__when_asked_twice_under_one_key__then_it_moves_money_once(
        self, stage: Stage, kind: LegKind
    ) -> None:
        order = stage.order(kind)
        first = settled(stage, stage.venue, order, stage.venue.execute(order))
        with unmoved(stage, order):
            second = settled(stage, stage.restarted(), order, stage.restarted().execute(order))

        assert second == first

    def test_outcome__when_the_order_was_made__then_it_is_found_by_whoever_asks(
        self, stage: Stage, kind: LegKind
    ) -> None:
        order = stage.order(kind)
        fill = settled(stage, stage.venue, order, stage.venue.execute(order))
        with unmoved(stage, order):
            assert stage.restarted().outcome(order) == fill

    def test_execute__when_its_answer_is_lost_after_it_took_effect__then_asking_finds_the_fill(
        self, stage: Stage, kind: LegKind
    ) -> None:
        order = stage.order(kind)
        spent, received = moved(stage, order)
        stage.lose_answer(kind, Loss.AFTER)

        with pytest.raises(OutcomeUnknown):
            stage.venue.execute(order)
        fill = settled(stage, stage.restarted(), order, stage.restarted().outcome(order))

        assert (fill.spent, fill.received) == (spent(), received())
        with unmoved(stage, order):
            assert settled(stage, stage.venue, order, stage.venue.execute(order)) == fill

    def test_execute__when_its_answer_is_lost_before_it_took_effect__then_only_time_proves_that_it_never_arrived(
        self, stage: Stage, kind: LegKind
    ) -> None:
        order = stage.order(kind)
        stage.lose_answer(kind, Loss.BEFORE)
        with unmoved(stage, order):
            with pytest.raises(OutcomeUnknown):
                stage.venue.execute(order)
            early = stage.restarted().outcome(order)
            stage.pass_time(timedelta(hours=1))
            late = stage.restarted().outcome(order)

        assert isinstance(early, Pending)
        assert late == NeverArrived()

    def test_execute__when_the_venue_is_too_busy__then_it_is_certain_that_nothing_happened(
        self, stage: Stage, kind: LegKind
    ) -> None:
        order = stage.order(kind)
        stage.turn_away(kind)
        with unmoved(stage, order), pytest.raises(VenueUnavailable):
            stage.venue.execute(order)

        assert isinstance(settled(stage, stage.venue, order, stage.venue.execute(order)), Fill)

    def test_execute__when_the_order_fills_in_part__then_the_fill_says_how_much(self, stage: Stage) -> None:
        order = stage.order(LegKind.SELL)
        spent, received = moved(stage, order)
        stage.fill_in_part()

        fill = settled(stage, stage.venue, order, stage.venue.execute(order))

        assert (fill.spent, fill.received) == (spent(), received())
        assert 0 < fill.spent.quantity < order.spend.quantity

    def test_execute__when_the_fill_settles_late__then_it_is_pending_until_it_has(self, stage: Stage) -> None:
        order = stage.order(LegKind.SELL)
        spent, received = moved(stage, order)
        stage.settle_late(timedelta(minutes=1))

        assert isinstance(stage.venue.execute(order), Pending)
        assert isinstance(stage.restarted().outcome(order), Pending)
        stage.pass_time(timedelta(minutes=2))
        fill = stage.restarted().outcome(order)

        assert isinstance(fill, Fill)
        assert (fill.spent, fill.received) == (spent(), received())

    # What it refuses

    @pytest.mark.parametrize(
        ("ask", "code"),
        [
            (lambda stage: stage.too_small(), RefusalCode.BELOW_MINIMUM),
            (lambda stage: stage.too_large(), RefusalCode.INSUFFICIENT_BALANCE),
        ],
        ids=["too small", "too large"],
    )
    def test_refusal__when_the_size_is_impossible__then_quote_and_execution_say_why_and_nothing_moves(
        self, stage: Stage, ask: Callable[[Stage], Order], code: RefusalCode
    ) -> None:
        order = ask(stage)
        with unmoved(stage, order):
            answers = [stage.venue.quote(order), stage.venue.execute(order)]

        for answer in answers:
            assert isinstance(answer, Refusal)
            assert answer.code is code
            assert answer.sentence
            assert answer.venue_code

    def test_refusal__when_the_size_is_below_the_minimum__then_it_says_how_much_is_missing(self, stage: Stage) -> None:
        order = stage.too_small()

        refusal = stage.venue.quote(order)

        assert isinstance(refusal, Refusal)
        assert refusal.missing is not None
        assert refusal.missing.asset in {order.spend.asset, order.receive}
        assert refusal.missing.quantity > 0

    def test_refusal__when_nobody_takes_the_other_side__then_it_says_so(self, stage: Stage) -> None:
        order = stage.order(LegKind.SELL)
        stage.empty_the_book(order)
        with unmoved(stage, order):
            answers = [stage.venue.quote(order), stage.venue.execute(order)]

        assert [answer.code for answer in answers if isinstance(answer, Refusal)] == [RefusalCode.NO_LIQUIDITY] * 2

    def test_execute__when_the_order_has_no_recorded_intent__then_it_is_not_sent(
        self, stage: Stage, kind: LegKind
    ) -> None:
        order = stage.order(kind)
        unrecorded = Order(order.key, kind, order.product, order.spend, order.receive, order.reference)

        with unmoved(stage, order), pytest.raises(ValueError, match="requested_at"):
            stage.venue.execute(unrecorded)

    def test_execute__when_the_intent_is_old__then_it_is_not_sent_any_more(self, stage: Stage, kind: LegKind) -> None:
        order = stage.order(kind)
        stage.pass_time(timedelta(minutes=5))

        with unmoved(stage, order), pytest.raises(VenueUnavailable):
            stage.venue.execute(order)

    # What it survives

    @pytest.mark.parametrize("outage", Outage)
    def test_reads__when_the_venue_cannot_be_read__then_they_fail_instead_of_saying_that_nothing_is_there(
        self, stage: Stage, outage: Outage
    ) -> None:
        order = stage.order(LegKind.SELL)
        stage.fail(outage)

        for ask in (
            stage.venue.holdings,
            stage.venue.capabilities,
            lambda: stage.venue.holding(order.spend.asset),
            lambda: stage.venue.prices([order.product]),
            lambda: stage.venue.quote(order),
        ):
            with pytest.raises(VenueUnavailable):
                ask()
        stage.recover()
        assert stage.venue.holdings()

    @pytest.mark.parametrize("outage", [Outage.SILENT, Outage.FAILING, Outage.GARBLED])
    def test_outcome__when_the_venue_cannot_be_read__then_it_never_says_that_the_order_never_arrived(
        self, stage: Stage, outage: Outage, kind: LegKind
    ) -> None:
        order = stage.order(kind)
        stage.fail(outage)
        stage.pass_time(timedelta(hours=1))

        with pytest.raises(VenueUnavailable):
            stage.venue.outcome(order)

    def test_every_call__when_the_key_is_wrong__then_the_owner_is_told_to_mend_it(self, stage: Stage) -> None:
        order, venue = stage.order(LegKind.SELL), stage.with_wrong_key()
        with unmoved(stage, order):
            asked: dict[str, Callable[[], object]] = {
                "holdings": venue.holdings,
                "capabilities": venue.capabilities,
                "prices": lambda: venue.prices([order.product]),
                "quote": lambda: venue.quote(order),
                "execute": lambda: venue.execute(order),
                "outcome": lambda: venue.outcome(order),
            }
            assert self.keyless < set(asked)
            for ask in (asked[name] for name in asked if name not in self.keyless):
                with pytest.raises(ConfigurationError, match="key"):
                    ask()

    def test_secrets__whatever_fails__then_they_are_in_no_error_and_no_repr(self, stage: Stage) -> None:
        order, told = stage.order(LegKind.SELL), [repr(stage.venue), str(stage.venue)]
        for outage in Outage:
            stage.fail(outage)
            for ask in (stage.venue.holdings, lambda: stage.venue.execute(order)):
                with pytest.raises((VenueUnavailable, OutcomeUnknown)) as raised:
                    ask()
                told += [str(raised.value), repr(raised.value), str(raised.value.__cause__)]
            stage.recover()
        with pytest.raises(ConfigurationError) as raised:
            stage.with_wrong_key().holdings()
        told += [str(raised.value), str(raised.value.__cause__)]

        assert all(told)
        assert not [text for text in told for secret in stage.secrets if secret in text]


@contextmanager
def unmoved(stage: Stage, order: Order) -> Iterator[None]:
    """Check that no money moves within."""
    assets = (order.spend.asset, order.receive)
    before = [stage.balance(asset) for asset in assets]
    yield
    assert [stage.balance(asset) for asset in assets] == before


def moved(stage: Stage, order: Order) -> tuple[Callable[[], Amount], Callable[[], Amount]]:
    """Return how to ask what has left of the one side and arrived on the other since now."""
    gives, gets = order.spend.asset, order.receive
    before = stage.balance(gives), stage.balance(gets)
    return (
        lambda: Amount(before[0] - stage.balance(gives), gives),
        lambda: Amount(stage.balance(gets) - before[1], gets),
    )


def settled(
    stage: Stage, venue: Venue, order: Order, answer: Fill | Refusal | Pending | NeverArrived, patience: int = 5
) -> Fill:
    """Ask again while the answer is not final, letting a little time pass; fail when it isn't a fill then."""
    for _ in range(patience):
        if not isinstance(answer, Pending):
            break
        stage.pass_time(A_SECOND)
        answer = venue.outcome(order)
    assert isinstance(answer, Fill), answer
    return answer
