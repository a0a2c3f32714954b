"""What a model costs and how long it takes: the price table's row and its arithmetic."""

from dataclasses import dataclass
from decimal import Decimal

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """Prices in millionths of `currency` for a thousand tokens, and measured latencies."""

    currency: str
    input_micro_per_1k: int
    output_micro_per_1k: int
    latency_ms: int
    latency_ms_per_1k_output: int


def cost_micro(price: ModelPrice, *, tokens_in: int, tokens_out: int) -> int:
    """Return the cost in millionths of the currency, rounded up: spend is never understated."""
    thousandths = tokens_in * price.input_micro_per_1k + tokens_out * price.output_micro_per_1k
    return -(-thousandths // 1000)


def cost_estimate(price: ModelPrice, *, tokens_in: int, tokens_out: int) -> Decimal:
    """Return the expected cost in whole units of the price's currency."""
    return Decimal(cost_micro(price, tokens_in=tokens_in, tokens_out=tokens_out)) / MICRO


def latency_estimate_ms(price: ModelPrice, *, tokens_out: int) -> int:
    """Return the expected time to a complete answer in milliseconds."""
    return price.latency_ms + price.latency_ms_per_1k_output * tokens_out // 1000
