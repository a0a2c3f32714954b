"""How an amount in minor units reads: the one place that knows a currency's decimals and sign."""

from decimal import Decimal

from django.utils.formats import number_format

# ISO 4217 currencies whose minor unit is not a hundredth.
_DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "TND": 3}
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


def amount(minor: int, currency: str) -> Decimal:
    """Return an amount in major units, exactly."""
    decimals = _DECIMALS.get(currency, 2)
    return Decimal(minor).scaleb(-decimals)


def money(minor: int, currency: str) -> str:
    """Return an amount for people: `€ 189.00`, `JPY 1,200`."""
    decimals = _DECIMALS.get(currency, 2)
    figure = number_format(amount(minor, currency), decimals, use_l10n=True, force_grouping=True)
    return f"{_SIGNS.get(currency, currency)}\u00a0{figure}"
