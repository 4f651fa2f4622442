"""Settings of an account that is a wallet on an EVM chain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from dustman.forms import Duration, File, Fraction, KeySource, NotNegative, Positive, When
from dustman.funding_settings import TradeFunding
from dustman.section import Caps, Section, all_or_list, rule, setting
from dustman.wallet_forms import (
    Address,
    BlockNumber,
    ChainId,
    ClaimPlace,
    Decimals,
    EndpointUrl,
    EvmName,
    Pair,
    Percent,
    Symbol,
    Target,
    TokenName,
)
from events.money import Amount
from events.values import Policy, Source
from venues.evm import assets
from venues.evm.registry import CHAINS, ETH, MULTICALL3, NAME, Chain, Feed, Rewards, Token, Uniswap, asset_of

CURRENCY = "USD"
# A simulated sale has the fees of its pools in it.
NOTHING = Decimal(0)
LONGEST_BLOCK = 3600


class TokenContract(Section):
    """A token of a chain that is not known by itself."""

    address: Address = setting(..., "Its contract.")
    decimals: Decimals = setting(..., "How many decimals it counts in.")


class FeedContract(Section):
    """A Chainlink feed of a chain that is not known by itself."""

    address: Address = setting(..., "Its contract.")
    heartbeat: Duration = setting("1 d", "How old an answer may be.")


class Contracts(Section):
    """Where everything is on a chain that is not known by itself. It needs WETH and a feed of ETH/USD."""

    tokens: dict[Symbol, TokenContract] = setting(..., "The tokens that are believed, by symbol; WETH among them.")
    feeds: dict[Pair, FeedContract] = setting(..., "Chainlink's feeds, by pair; ETH/USD among them.")
    v3_factory: Address = setting(..., "Uniswap V3's factory.")
    quoter: Address = setting(..., "Uniswap's QuoterV2.")
    router: Address = setting(..., "Uniswap's SwapRouter02.")
    v2_factory: Address | None = setting(None, "Uniswap V2's factory.")
    v2_router: Address | None = setting(None, "Uniswap V2's router.")
    multicall3: Address = setting(MULTICALL3, "Multicall3.")
    sequencer: Address | None = setting(None, "The feed that says whether an L2's sequencer is up.")
    confirmations: BlockNumber = setting("1", "How many blocks make a transaction final.")
    block_time: NotNegative = setting(
        "0", "How many seconds a block takes, by which a deadline that cannot be met is known in time; 0 where unknown."
    )
    king: Address | None = setting(None, "KING, a share of a basket of tokens.")
    merkle_drop: Address | None = setting(None, "The drop out of which KING is claimed.")
    rewards_coordinator: Address | None = setting(None, "EigenLayer's RewardsCoordinator.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if "WETH" not in self.tokens:
            raise rule("has no WETH, through which tokens are sold", "tokens")
        if self.block_time > LONGEST_BLOCK:
            raise rule(f"{self.block_time:f} is above {LONGEST_BLOCK}, which no block takes", "block_time")
        if "ETH/USD" not in self.feeds:
            raise rule("has no ETH/USD, by which gas and proceeds are valued", "feeds")
        return self

    def chain(self, chain_id: int) -> Chain:
        """Return the chain that they make."""
        return Chain(
            chain_id,
            f"chain {chain_id}",
            {symbol: Token(symbol, each.address, each.decimals) for symbol, each in self.tokens.items()},
            Uniswap(self.v3_factory, self.quoter, self.router, self.v2_factory, self.v2_router),
            {pair: Feed(each.address, timedelta(seconds=each.heartbeat)) for pair, each in self.feeds.items()},
            self.confirmations,
            sequencer=self.sequencer,
            multicall3=self.multicall3,
            silence=None,
            rewards=Rewards(self.king, self.merkle_drop, self.rewards_coordinator),
            block_time=timedelta(milliseconds=int(self.block_time * 1000)),
        )


class RewardSources(Section):
    """Which rewards of restaking are claimed before each scan, and who says what there is to claim."""

    king: ClaimPlace | None = setting(
        None,
        "The claim data of KING, as ether.fi's own service has it: Amount, Root, Proofs. KING that is held and is dust "
        "is redeemed where its basket nets more than its sale, gas counted.",
    )
    eigenlayer: ClaimPlace | None = setting(
        None, "The claim of EigenLayer's rewards, as `eigenlayer-cli rewards claim --output-type json` writes it."
    )


class Selling(Section):
    """How the wallet's dust is sold: by transactions of its own, signed here."""

    key: KeySource = setting(
        "env",
        "Where the wallet's key is: `env` for `DUSTMAN_<ACCOUNT>_KEY_SECRET` in the environment or in .env beside this "
        "file, 0x and 64 hexadecimal digits, or the path of an encrypted keystore; never the key.",
    )
    password_file: File | None = setting(
        None, "The file of the keystore's password; without it `DUSTMAN_<ACCOUNT>_PASSWORD_SECRET` holds it."
    )
    delegate: Address | None = setting(
        None,
        "The ERC-7821 contract, such as OpenZeppelin's, that the wallet's code is delegated to (EIP-7702), once; all "
        "sales of a sweep, or conversions for a trade, are then one transaction. Without it each lot is approved and "
        "sold by two of its own, and each token that becomes ETH for a trade by three.",
    )
    confirmations: BlockNumber | None = setting(
        None, "How many blocks make a transaction final; without it, as many as are usual on the chain."
    )
    slippage: Fraction = setting("0.01", "How much less than its simulated sale a lot may bring.")
    deadline: Duration = setting("10 min", "How long a sale stays valid; then it is cancelled and asked anew.")
    patience: Duration = setting("3 min", "How long a transaction may wait before more is offered for its gas.")
    ceiling: Positive = setting("100", "The most that is offered for a unit of gas, in gwei.")
    relay: EndpointUrl | None = setting(
        None, "Where transactions are sent instead of to the endpoints, so that nobody sees them before they are mined."
    )


class WalletAccount(Section):
    """One wallet on an EVM chain, and what its owner wants of it. Without `selling` it is only watched."""

    tag: ClassVar[str] = NAME

    venue: EvmName = setting(..., "The word for wallets on EVM chains.")
    chain: ChainId = setting(..., "The chain, by its name or number.")
    contracts: Contracts | None = setting(None, "Where everything is, for a chain that is not known by its name.")
    address: Address = setting(..., "The wallet.")
    endpoints: tuple[EndpointUrl, ...] = setting(
        ...,
        "Nodes of the chain, asked in this order until one answers. A URL that holds a secret belongs into a variable "
        "of .env.",
        min_length=1,
    )
    first_block: BlockNumber = setting("0", "A block from before the wallet's first token; older ones are not read.")
    cache: File = setting("var/wallets", "The directory that keeps which tokens were met; it may be deleted.")
    target: Target = setting(ETH, "What dust is converted into.")
    threshold: Positive = setting("10", "A holding worth less USD than this is dust.")
    exclude: tuple[TokenName, ...] = setting((), "What is never sold; the coin that pays for gas never is.")
    allow: tuple[Address, ...] = setting(
        (), "Tokens that are believed although they are not known; all others stay in quarantine."
    )
    highest_tax: Percent = setting(
        "0", "What part of a transfer or a sale a token may keep and still be sold, in percent; 0 sells no such token."
    )
    admit: Annotated[tuple[TokenName, ...] | None, BeforeValidator(all_or_list("[USDC, EIGEN]"))] = setting(
        "all", "What may be sold with nobody watching: `all`, or a list of tokens."
    )
    reserve: dict[TokenName, Positive] = setting({}, "How much of a token always stays.")
    caps: Caps = setting({}, "The most that is sold without asking.")
    minimum_gain: NotNegative = setting("0", "What must be left of a lot after gas, at least, in USD.")
    schedule: When = setting("0 2 * * sun", "When the wallet is scanned, in UTC.")
    rewards: RewardSources = setting({}, "Which rewards are claimed, where that leaves more than its gas.")
    selling: Selling | None = setting(None, "How dust is sold; without it the wallet is only watched.")
    funding: TradeFunding | None = setting(None, "How ETH is made for trades that lack it; without it none is.")

    @model_validator(mode="after")
    def _final(self) -> Self:
        if self.selling and self.selling.confirmations == 0:
            raise rule("0 blocks make nothing final; the least is 1", "selling", "confirmations")
        return self

    @model_validator(mode="after")
    def _paid(self) -> Self:
        pays = self.where().rewards if self.chain in CHAINS or self.contracts else None
        if self.rewards.king and not (pays and pays.king and pays.drop):
            raise rule(f"nothing that pays out KING is known on chain {self.chain}", "rewards", "king")
        if self.rewards.eigenlayer and not (pays and pays.coordinator):
            raise rule(f"no RewardsCoordinator is known on chain {self.chain}", "rewards", "eigenlayer")
        return self

    @model_validator(mode="after")
    def _known(self) -> Self:
        if (self.chain in CHAINS) == (self.contracts is not None):
            known = self.contracts is not None
            words = "is known, so its contracts are too; leave them out" if known else "is not known; write contracts"
            raise rule(f"chain {self.chain} {words}", "contracts" if known else "chain")
        symbols = set(self.where().tokens)
        if self.target != ETH and self.target not in symbols:
            raise rule(f"there is no {self.target} that is known on {self.where().name}", "target")
        named = {"exclude": self.exclude, "admit": self.admit or (), "reserve": tuple(self.reserve)}
        for key, tokens in named.items():
            for token in tokens:
                if not token.startswith("0x") and token not in symbols:
                    raise rule(
                        f"no token {token} is known on {self.where().name}, but {', '.join(sorted(symbols))}; "
                        "name others by their address",
                        key,
                    )
        return self

    def where(self) -> Chain:
        """Return the chain: the registry's, or the owner's own."""
        return CHAINS[self.chain] if self.contracts is None else self.contracts.chain(self.chain)

    def is_read_with(self, other: WalletAccount) -> bool:
        """Say whether two wallets can be read in the same requests at the same times."""
        ours, theirs = ((each.where(), each.endpoints, each.schedule) for each in (self, other))
        return ours == theirs

    def labels(self) -> Mapping[str, str]:
        """Return the symbols of the tokens that are known on the chain; no other token gets one."""
        where = self.where()
        return {assets.token(where.chain_id, token.address): symbol for symbol, token in where.tokens.items()}

    def policy(self) -> Policy:
        """Return what the owner wants, with assets named by CAIP-19."""
        target = asset_of(self.where(), self.target)
        return Policy(
            target=target,
            threshold=self.threshold,
            currency=CURRENCY,
            excluded=self._excluded(),
            hubs=(target,),
            sweep_cap=self.caps.per_sweep,
            day_cap=self.caps.per_day,
            reserves=tuple(Amount(quantity, self._asset(token)) for token, quantity in sorted(self.reserve.items())),
            admitted=None if self.admit is None else tuple(map(self._asset, self.admit)),
            taker_fee=NOTHING,
            minimum_gain=self.minimum_gain,
            funding=self.funding.funding(self.where()) if self.funding else None,
            rewards=(
                *((Source.KING_CLAIM, Source.KING_REDEEM) if self.rewards.king else ()),
                *((Source.EIGENLAYER_CLAIM,) if self.rewards.eigenlayer else ()),
            ),
        )

    def _excluded(self) -> tuple[str, ...]:
        """Return what is never dust: the coin that pays for gas, what the owner names, and what funds trades."""
        named = (assets.coin(self.chain), *map(self._asset, self.exclude))
        funding = self.funding.sources(self.where()) if self.funding else ()
        return (*named, *(asset for asset in funding if asset not in named))

    def _asset(self, token: str) -> str:
        return assets.token(self.chain, token) if token.startswith("0x") else asset_of(self.where(), token)


def read_together(accounts: Mapping[str, object], apart: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """Say of each account which are read in the same requests, itself included, in the order of the settings.

    Those are wallets on the same chain, described the same way, with the same endpoints and the same schedule, without
    those to be read `apart`.
    """
    alike: list[tuple[WalletAccount, list[str]]] = []
    together: dict[str, list[str]] = {}
    for name, account in accounts.items():
        together[name] = [name]
        if isinstance(account, WalletAccount) and name not in apart:
            found = next((names for other, names in alike if account.is_read_with(other)), together[name])
            if found is together[name]:
                alike.append((account, found))
            else:
                found.append(name)
                together[name] = found
    return {name: tuple(names) for name, names in together.items()}
