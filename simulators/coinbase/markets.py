"""Markets as a scenario file would write them."""

from __future__ import annotations


def market(
    price: str,
    base_increment: str,
    quote_increment: str,
    base_min_size: str | None = None,
    quote_min_size: str = "1",
    spread_bps: str = "20",
    depth: str = "1000000",
) -> dict[str, object]:
    """Describe a market around a price. Its minimum is one increment unless another is given."""
    return {
        "base_increment": base_increment,
        "quote_increment": quote_increment,
        "base_min_size": base_min_size or base_increment,
        "quote_min_size": quote_min_size,
        "book": {"price": price, "spread_bps": spread_bps, "depth": depth},
    }


def mirrored(of: str, rules: dict[str, object]) -> dict[str, object]:
    """Describe a market with the same rules that trades on another one's book."""
    return {key: value for key, value in rules.items() if key != "book"} | {"alias": of}
