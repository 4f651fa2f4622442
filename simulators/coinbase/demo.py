"""The demo scenario: 300 wallets over two pages, as an account looks after years of trying things.

Prices and increments are of the size they have on the venue; TONE's minimum, which is no multiple of its increment,
is a real one.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.coinbase.markets import market, mirrored
from simulators.coinbase.scenario import Scenario

WALLETS = 300


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin of the account: what there is of it, and the market it has; without a price its book is empty."""

    name: str
    available: str
    price: str
    base_increment: str
    quote_increment: str
    minimum: str = ""
    hold: str = "0"
    dollar_only: bool = False


CRUMBS = (
    Coin("ADA", "0.93", "0.392", "0.01", "0.0001"),
    Coin("XLM", "3.4", "0.118523", "0.1", "0.000001"),
    Coin("DOGE", "2.7", "0.14622", "0.1", "0.00001"),
    Coin("SHIB", "31200", "0.00001215", "1", "0.00000001"),
    Coin("SOL", "0.00314159", "142.35", "0.00000001", "0.01"),
    Coin("ETH", "0.00014228", "3150.52", "0.00000001", "0.01"),
    Coin("LTC", "0.00519", "84.23", "0.00000001", "0.01"),
    Coin("LINK", "0.0318", "13.418", "0.01", "0.001"),
    Coin("DOT", "0.162", "2.612", "0.001", "0.001"),
    Coin("AVAX", "0.0247", "14.91", "0.00000001", "0.01"),
    Coin("POL", "2.91", "0.1482", "0.01", "0.0001"),
    Coin("HBAR", "2.4", "0.14374", "0.1", "0.00001"),
    Coin("ATOM", "0.148", "2.631", "0.001", "0.001"),
    Coin("GRT", "7.03", "0.0512", "0.01", "0.0001"),
    Coin("TONE", "27", "0.01523", "1", "0.00001", "26.7187147229469674", dollar_only=True),
    Coin("SPELL", "612", "0.000641", "1", "0.000001", dollar_only=True),
    Coin("ORCA", "0.21", "1.9421", "0.01", "0.0001", dollar_only=True),
)
BELOW_MINIMUM = (
    Coin("GODS", "1.4", "0.1231", "0.01", "0.0001", "8.1329"),
    Coin("FLOKI", "1250", "0.00006123", "1", "0.00000001", "20000"),
    Coin("PEPE", "4711", "0.00000712", "1", "0.00000001", "120000"),
    Coin("MANA", "0.61", "0.2413", "0.01", "0.0001", "2.1"),
    Coin("TRB", "0.0041", "31.22", "0.001", "0.01", "0.01"),
)
UNPRICED = (Coin("RLY", "14.2", "", "0.1", "0.00001"),)
ON_HOLD = (
    Coin("BAT", "0.6", "0.1612", "0.01", "0.0001", hold="1.5"),
    Coin("ZRX", "0", "0.2214", "0.00001", "0.000001", hold="2.25"),
)
ABOVE_THRESHOLD = (
    Coin("AAVE", "0.0201", "171.24", "0.001", "0.01"),
    Coin("COMP", "0.051", "28.14", "0.001", "0.01"),
    Coin("FIL", "0.912", "2.133", "0.001", "0.001"),
    Coin("UNI", "0.411", "6.214", "0.001", "0.001"),
)
WITHOUT_MARKET = {"OMG": "0.83", "REP": "0.0071", "NU": "3.1"}
CASH = {
    "USD": {"available": "0.57", "fiat": True},
    "EUR": {"available": "1.2", "fiat": True},
    "USDC": {"available": "12.34"},
    "USDT": {"available": "3.2"},
    "PYUSD": {"available": "0.31"},
    "BTC": {"available": "0.00042137"},
}
# What an old account has zero of. The venue opens a wallet for whatever its owner once looked at.
EMPTY = """
1INCH 00 ABT ACH ACS ACX ADX AERGO AERO AGLD AIOZ AKT ALCX ALEO ALEPH ALGO ALICE ALT AMP ANKR APE API3 APT ARB ARKM
ARPA ASM AST ATH AUCTION AUDIO AURORA AVT AXL AXS BADGER BAL BAND BCH BERA BICO BIGTIME BIT BLAST BLUR BLZ BNT BOBA
BONK BTRST C98 CBETH CELR CGLD CHZ CLV CORECHAIN COTI COVAL COW CRO CRV CTSI CTX CVC CVX DAI DASH DEXT DIA DIMO DNT
DREP DRIFT DYP EDGE EGLD EIGEN ELA ENJ ENS EOS ERN ETC ETHFI EURC FARM FET FIDA FIS FLOW FLR FORT FORTH FOX FX G GAL
GFI GHST GIGA GLM GMT GNO GNT GST GTC GUSD GYEN HFT HIGH HNT HONEY HOPR ICP IDEX ILV IMX INDEX INJ INV IO IOTX IP
JASMY JTO JUP KARRAT KAVA KEEP KNC KRL KSM L3 LCX LDO LIT LOKA LPT LQTY LRC LRDS LSETH MAGIC MASK MATH MDT MEDIA METIS
MINA MIR MKR MLN MNDE MOBILE MOG MORPHO MPL MSOL MTL MULTI MUSD MUSE NCT NEAR NEON NEST NKN NMR OCEAN OGN OM OMNI ONDO
OP ORN OSMO OXT PAX PENDLE PERP PIRATE PLA PLU PNG PNUT POLS POLY POND POPCAT POWR PRCL PRIME PRO PRQ PUNDIX PYR PYTH
QI QNT QSP QUICK RAD RAI RARE RARI RBN RED REN RENDER REQ RGT RLC RONIN ROSE RPL S SAFE SD SEAM SEI SHDW SHPING SKL
SNT SNX SPA STG STORJ STRK STX SUI SUKU SUPER SUSHI SWELL SWFTC SYN SYRUP T TAO TIA TIME TNSR TON TRAC TRIBE TRU TRUMP
TURBO UMA UNFI UPI USDS VARA VELO VET VGX VOXEL VTHO VVV W WAMPL WAXL WBTC WCFG WELL WIF WLD WLUNA WORMHOLE XCN XRP
XTZ XYO YFI YFII ZEC ZEN ZETA ZETACHAIN ZK ZORA ZRO
"""


def demo() -> Scenario:
    """Give an account with seventeen crumbs that sell, and an example of every reason why a holding stays.

    A sale is not bound by the quote minimum here: with it, nothing worth less than a dollar would ever sell.
    """
    coins = (*CRUMBS, *BELOW_MINIMUM, *UNPRICED, *ON_HOLD, *ABOVE_THRESHOLD)
    held: dict[str, object] = {coin.name: {"available": coin.available, "hold": coin.hold} for coin in coins}
    held |= {name: {"available": available} for name, available in WITHOUT_MARKET.items()} | CASH
    products: dict[str, object] = {}
    for coin in coins:
        products |= _markets_of(coin)
    bitcoin = market("60000", "0.00000001", "0.01", spread_bps="2", depth="5")
    products |= {"BTC-USD": bitcoin, "BTC-USDC": mirrored("BTC-USD", bitcoin)}
    products["USDT-USDC"] = market("0.9996", "0.01", "0.0001", spread_bps="1")
    return Scenario.model_validate(
        {"quote_minimum_binds_sells": False, "wallets": _three_hundred(held), "products": products}
    )


def _markets_of(coin: Coin) -> dict[str, object]:
    rules = market(coin.price or "1", coin.base_increment, coin.quote_increment, coin.minimum or None)
    if not coin.price:
        rules["book"] = {}
    dollar = f"{coin.name}-USD"
    return {dollar: rules} if coin.dollar_only else {dollar: rules, f"{coin.name}-USDC": mirrored(dollar, rules)}


def _three_hundred(held: dict[str, object]) -> dict[str, object]:
    """Fill up with empty wallets, in the alphabet's order, so that both pages have some that hold something."""
    empty = [name for name in EMPTY.split() if name not in held][: WALLETS - len(held)]
    return dict(sorted((held | {name: {} for name in empty}).items()))
