"""Template filters of commerce."""

from django import template

from commerce.money import money as money_text

register = template.Library()


@register.filter
def money(minor: int, currency: str) -> str:
    """Show an amount in minor units: `{{ order.total_minor|money:order.currency }}`."""
    return money_text(minor, currency)
