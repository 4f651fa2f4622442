"""One well-filled fact of every type, and strategies that make any."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from events.catalogue import TYPE_OF
from events.facts import (
    AccountWentLive,
    ConversionsHalted,
    ConversionsResumed,
    DryRunCompleted,
    DustConversionFailed,
    DustConverted,
    DustDetected,
    DustInstructed,
    DustUnroutable,
    EthReserved,
    Fact,
    FundingCompleted,
    FundingDeclined,
    FundingOpened,
    HoldingsKept,
    InstructionsApproved,
    InstructionsCancelled,
    InstructionsExpired,
    InstructionsReleased,
    LegFilled,
    LegNeverArrived,
    LegOutcomeUnknown,
    LegRefused,
    LegRequested,
    ProceedsCarried,
    ReservationReleased,
    RewardClaimFailed,
    RewardClaimRequested,
    RewardsClaimed,
    RewardUnclaimed,
    ScanCompleted,
    StrategyMeasured,
    StrategyNotMeasured,
    SweepCompleted,
    TransactionDisplaced,
    TransactionIncluded,
    TransactionReorged,
    TransactionSettled,
    TransactionSigned,
    VenueUnreachable,
)
from events.log import NewEvent
from events.money import Amount
from events.records import is_record
from events.values import (
    Block,
    CarriedLot,
    Execution,
    Fill,
    Funding,
    FundingAnswer,
    FundingSource,
    GasPrice,
    Instruction,
    Keep,
    Kept,
    LegKind,
    Lot,
    MeasuredLot,
    Outcome,
    PlannedLeg,
    Policy,
    Proof,
    Purpose,
    Quote,
    Refusal,
    RefusalCode,
    Release,
    Reward,
    SignedTransaction,
    Source,
    Unclaimed,
    Unmeasured,
    Unroutable,
)

D = Decimal
AT = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 2, 0, 7, 123456, tzinfo=UTC)
XRP, BTC, USDC = "coinbase:XRP", "coinbase:BTC", "coinbase:USDC"
EIGEN = "eip155:1/erc20:0xec53bF9167f50cDEB3Ae105f56099aaaB9061F83"

POLICY = Policy(
    target=BTC,
    threshold=D("0.50"),
    currency="USD",
    excluded=("coinbase:USD", USDC),
    hubs=(USDC, "coinbase:USD"),
    sweep_cap=D(50),
    day_cap=D(100),
    reserves=(Amount(D("0.1"), "coinbase:ETH"),),
    admitted=(XRP,),
    top_up=D("1.00"),
    rewards=(Source.KING_CLAIM,),
    belongs=(BTC,),
    expects_rewards=True,
)
EXECUTION = Execution("t-1", D("0.5012"), D("0.9"), Amount(D("0.0054"), USDC), LATER)
FILL = Fill("o-1", Amount(D("0.9"), XRP), Amount(D("0.44568"), USDC), (Amount(D("0.0054"), USDC),), (EXECUTION,))
REFUSAL = Refusal(RefusalCode.BELOW_MINIMUM, "0.9 XRP is below 1 XRP", "INVALID_SIZE", Amount(D("0.1"), XRP))
ETHER = "eip155:42161/slip44:60"
BLOCK = Block(290_000_001, "0x" + "b1" * 32)
SIGNED = SignedTransaction(
    purpose=Purpose.SWEEP,
    chain="eip155:42161",
    sender="0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    nonce=7,
    tx_hash="0x" + "a1" * 32,
    raw="0x02f8",
    gas_limit=2_100_000,
    gas_price=GasPrice(fee=20_000_000, tip=0),
    deadline=LATER,
    allowance=None,
)
DAI = "eip155:42161/erc20:0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1"
FUNDED = Policy(
    target=ETHER,
    threshold=D(10),
    currency="USD",
    excluded=(ETHER, DAI),
    hubs=(ETHER,),
    sweep_cap=D(1000),
    day_cap=D(5000),
    funding=Funding(ETHER, (FundingSource(DAI, D(25), 4),)),
)

KING = "eip155:1/erc20:0x8F08B70456eb22f6109F57b8fafE862ED28E6040"
REWARD = Reward(Amount(D("0.02"), KING), D("6.4"))

SAMPLES: Final[tuple[Fact, ...]] = (
    ScanCompleted("main", "scan-1", AT, 3, 300, 2, D("0.75"), "USD", {"target": 1, "above_threshold": 297}, True),
    HoldingsKept("main", "scan-1", (Kept(BTC, D("0.00000001"), Keep.TARGET, "BTC is what dust becomes"),)),
    VenueUnreachable("main", "coinbase", "accounts", "scan-1", "no answer within 10 s"),
    DustDetected(
        account="main",
        venue="coinbase",
        scan_id="scan-1",
        sweep_id="sweep-1",
        policy=POLICY,
        fingerprint="9f86d081",
        lots=(
            Lot(
                "lot-1",
                XRP,
                D("0.9"),
                D("0.5"),
                D("0.45"),
                "USD",
                Source.KING_CLAIM,
                Proof(SIGNED.tx_hash, 290_000_001),
            ),
        ),
        total=D("0.45"),
        carried=(Amount(D("0.3"), USDC),),
        plan=(
            PlannedLeg("leg-1", LegKind.SELL, "XRP-USDC", XRP, USDC, "lot-1", D("0.9"), D("0.000001"), D("0.5")),
            PlannedLeg("leg-2", LegKind.BUY, "BTC-USDC", USDC, BTC, None, None, D("0.01"), D(1)),
        ),
        live=True,
        strategy="weeth-loop",
        mode="eth_leveraged",
    ),
    DustUnroutable(
        account="main",
        asset=XRP,
        quantity=D("0.2"),
        value=D("0.1"),
        currency="USD",
        reason=Unroutable.BELOW_MINIMUM,
        sentence="0.2 XRP is below the minimum of 0.5 XRP — „zu wenig“",
        missing=Amount(D("0.3"), XRP),
        learned=False,
        noted_at=AT,
    ),
    LegRequested(
        account="main",
        sweep_id="sweep-1",
        leg_id="leg-1",
        key="5a1e2f7c-1111-5222-8333-444455556666",
        kind=LegKind.SELL,
        product="XRP-USDC",
        spend=Amount(D("0.9"), XRP),
        receive=USDC,
        quote=Quote(Amount(D("0.9"), XRP), Amount(D("0.44"), USDC), (Amount(D("0.006"), USDC),), D("0.5"), "p-1", AT),
        attempt=1,
        requested_at=LATER,
    ),
    LegFilled("main", "sweep-1", "leg-1", FILL),
    LegRefused("main", "sweep-1", "leg-1", REFUSAL),
    LegOutcomeUnknown("main", "sweep-1", "leg-1", "connection reset after the request was sent"),
    LegNeverArrived("main", "sweep-1", "leg-1", 1),
    TransactionSigned("main", "sweep-1", SIGNED, ("leg-1",), "", 290_000_000, AT),
    TransactionIncluded("main", "sweep-1", SIGNED.tx_hash, BLOCK, True),
    TransactionReorged("main", "sweep-1", SIGNED.tx_hash, BLOCK, "another block stands at 290000001"),
    TransactionDisplaced("main", "sweep-1", 7, "nonce 7 was used by a transaction that is not ours"),
    TransactionSettled(
        account="main",
        sweep_id="sweep-1",
        tx_hash=SIGNED.tx_hash,
        purpose=Purpose.SWEEP,
        outcome=Outcome.SUCCEEDED,
        block=BLOCK,
        gas_used=1_730_000,
        fee=Amount(D("0.0000173"), ETHER),
        shared=True,
        confirmations=64,
        next_nonce=8,
    ),
    RewardUnclaimed(
        account="main",
        source=Source.KING_CLAIM,
        reason=Unclaimed.NO_NET_GAIN,
        sentence="gas at 30 gwei takes 9.0000 of the 6.0000 USD that it brings; it would go below 20 gwei",
        rewards=(REWARD,),
        currency="USD",
        noted_at=AT,
    ),
    RewardClaimRequested(
        account="main",
        venue="evm",
        claim_id="claim-1",
        source=Source.KING_CLAIM,
        spend=None,
        rewards=(REWARD,),
        fee=Amount(D("0.0000173"), ETHER),
        currency="USD",
        requested_at=AT,
    ),
    RewardsClaimed(
        account="main",
        venue="evm",
        claim_id="claim-2",
        source=Source.KING_REDEEM,
        spent=Amount(D("0.02"), KING),
        rewards=(REWARD,),
        currency="USD",
        tx_hash=SIGNED.tx_hash,
        block=BLOCK,
    ),
    RewardClaimFailed(
        "main",
        "claim-1",
        Source.KING_CLAIM,
        "its transaction was reverted; the next scan looks at it anew",
        SIGNED.tx_hash,
    ),
    DustConverted(
        account="main",
        sweep_id="sweep-1",
        lot_id="lot-1",
        asset=XRP,
        quantity=D("0.9"),
        unsold=D(0),
        proceeds=Amount(D("0.00000001"), BTC),
        fees=(Amount(D("0.0054"), USDC), Amount(D("1E-8"), BTC)),
        executions=(EXECUTION,),
        order_ids=("o-1", "o-2"),
        slippage_bps=D("-3.2"),
        value=D("0.45108"),
        currency="USD",
    ),
    DustConversionFailed("main", "sweep-1", "lot-1", XRP, REFUSAL, ("leg-1",), (Amount(D("0.44568"), USDC),)),
    ProceedsCarried(
        account="main",
        sweep_id="sweep-1",
        amount=Amount(D("0.44568"), USDC),
        lots=(CarriedLot("lot-1", Amount(D("0.44568"), USDC), D(0)),),
        sentence="0.44568 USDC buys no BTC yet: the minimum is 1 USDC",
        missing=Amount(D("0.55432"), USDC),
    ),
    SweepCompleted("main", "sweep-1", 1, 1, 0, Amount(D("0.00000001"), BTC)),
    EthReserved(
        account="main",
        reservation_id="reservation-1",
        trade="trade-1",
        amount=Amount(D("0.095"), ETHER),
        gas_reserve=Amount(D("0.005"), ETHER),
        answer=FundingAnswer.CONVERTED,
        sweep_id="sweep-2",
        reserved_at=AT,
        expires_at=LATER,
    ),
    ReservationReleased("main", "reservation-1", "trade-1", Release.USED),
    FundingOpened(
        account="main",
        venue="evm",
        sweep_id="sweep-2",
        reservation_id="reservation-1",
        trade="trade-1",
        policy=FUNDED,
        fingerprint="60303ae2",
        shortage=Amount(D("0.07"), ETHER),
        worth=D(3000),
        lots=(Lot("lot-2", DAI, D(215), D(1), D(215), "USD"),),
        total=D(215),
        plan=(
            PlannedLeg(
                leg_id="leg-3",
                kind=LegKind.SWAP,
                product="v3:3000@0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1",
                spend=DAI,
                receive=ETHER,
                lot_id="lot-2",
                quantity=D("219.3"),
                increment=D("1E-18"),
                minimum=D("1E-18"),
                output=D("0.0714"),
            ),
        ),
        head=290_000_000,
        opened_at=AT,
    ),
    FundingDeclined(
        account="main",
        trade="trade-2",
        amount=Amount(D(5), ETHER),
        answer=FundingAnswer.NOT_POSSIBLE,
        reason="what may be converted is not enough",
        gap=Amount(D("4.7"), ETHER),
        largest=Amount(D("0.3"), ETHER),
        declined_at=LATER,
    ),
    FundingCompleted(
        account="main",
        sweep_id="sweep-2",
        reservation_id="reservation-1",
        trade="trade-1",
        spent=(Amount(D("214.87"), DAI),),
        received=Amount(D("0.0713"), ETHER),
        value=D("213.9"),
        currency="USD",
        covered=True,
        tx_hash="0x" + "a2" * 32,
        reason="",
    ),
    DryRunCompleted("main", "9f86d081", 2, 0, Amount(D("0.0000123"), BTC), AT),
    AccountWentLive("main", "9f86d081", D(50), D(100), "USD"),
    ConversionsHalted("main", "owner asked"),
    ConversionsResumed("main"),
    StrategyMeasured(
        strategy="weeth-loop",
        measure_id="measure-1",
        due=AT,
        measured_at=LATER,
        mode="eth_leveraged",
        currency="USD",
        lots=(MeasuredLot("main", "ethereum", EIGEN, D("160.5"), D("0.42"), D("67.41"), Source.LEFTOVER),),
        unexpected=(MeasuredLot("main", "coinbase", XRP, D("0.9"), D("0.5"), D("0.45"), Source.TRANSFER),),
        unpriced=("eip155:1/erc20:0x8F08B70456eb22f6109F57b8fafE862ED28E6040",),
        total=D("67.41"),
        equity=D(30_000),
        source="computed",
        ratio=D("0.002247"),
        threshold=D("60.000"),
        exceeds=True,
        missing=D(0),
        net=D("66.9"),
        triggered=False,
        sentence="its accounts are being swept",
    ),
    StrategyNotMeasured(
        "weeth-loop", "measure-2", AT, LATER, "eth_leveraged", Unmeasured.EQUITY_STALE, "equity is 700 s old, of 600 s"
    ),
    DustInstructed(
        strategy="weeth-loop",
        measure_id="measure-1",
        mode="eth_leveraged",
        instructions=(
            Instruction(
                account="main",
                venue="ethereum",
                asset=EIGEN,
                quantity=D("160.5"),
                value=D("67.41"),
                path=(EIGEN, "eip155:1/slip44:60"),
                product="EIGEN-ETH-3000",
                estimated=Amount(D("0.0224"), "eip155:1/slip44:60"),
                fees=(Amount(D("0.4815"), EIGEN),),
                gas=D("0.31"),
                net=D("66.9"),
                expires_at=LATER,
                preferred=False,
                behind=D(0),
                preference_behind=D("2.41"),
                sentence="the preferred path brings 2.41 USD less, 3.61 % of the best; 0.5 % is the most",
            ),
        ),
        total=D("67.41"),
        net=D("66.9"),
        currency="USD",
        instructed_at=LATER,
    ),
    InstructionsApproved("weeth-loop", "measure-1", ("main",), "risk desk", "go", LATER),
    InstructionsCancelled("weeth-loop", "measure-1", "risk desk", "not before the vote", LATER),
    InstructionsExpired("weeth-loop", "measure-1", LATER),
    InstructionsReleased("weeth-loop", "measure-1", (), "USD", "58.1 USD below 60.000 USD", LATER),
)

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
PLAIN: Final[dict[Any, st.SearchStrategy[Any]]] = {
    str: ANY_TEXT,
    bool: st.booleans(),
    int: st.integers(-(2**63) + 1, 2**63 - 1),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, min_value=D("-1e30"), max_value=D("1e30")),
    datetime: st.datetimes(timezones=st.just(UTC)),
}


def facts() -> st.SearchStrategy[Fact]:
    """Make any fact of any type, with awkward text, numbers and times in every field."""
    return st.one_of([_values(form) for form in TYPE_OF])


def _values(form: Any) -> st.SearchStrategy[Any]:
    arguments = get_args(form)
    if form in PLAIN:
        return PLAIN[form]
    if form is Amount:
        return st.builds(Amount, PLAIN[Decimal], ANY_TEXT.filter(bool))
    if is_record(form):
        hints = get_type_hints(form)
        return st.builds(cast(Any, form), **{name: _values(hints[name]) for name in form.__struct_fields__})
    if get_origin(form) is tuple:
        return st.lists(_values(arguments[0]), max_size=3).map(tuple)
    if get_origin(form) is dict:
        return st.dictionaries(_values(arguments[0]), _values(arguments[1]), max_size=3)
    if arguments:
        return st.none() | _values(arguments[0])
    return st.sampled_from(list(form))


def halt(reason: str) -> ConversionsHalted:
    """Make a small fact that is told from others by its reason."""
    return ConversionsHalted("main", reason)


def new(event_id: str, fact: Fact | None = None) -> NewEvent:
    """Make an event whose id says it all."""
    return NewEvent(event_id, fact or halt(event_id), AT, "correlation-1", "cause-1")
