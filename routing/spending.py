"""Money for models: held before a call by its estimated cost, settled with the real one.

What may not be spent is answered by the local provider: the quota is used up, remote models are
switched off, or Redis, which keeps count, is gone.
"""

import structlog

from routing.errors import ProviderUnavailable, SpendRefused
from routing.features import estimate_tokens
from routing.outcomes import outcome_count
from routing.pricing import cost_micro
from routing.providers.base import Provider
from routing.types import Completion, CompletionRequest
from tenants.admission.admit import Work, admit
from tenants.admission.holds import amounts_release, amounts_settle

# More than three sentences ever take; an answer that takes more is settled in full.
OUTPUT_TOKENS = 512
log = structlog.get_logger(__name__)


def provider_is_free(provider: Provider) -> bool:
    """Tell whether a provider costs nothing, so that nothing has to be held for it."""
    return not (provider.price.input_micro_per_1k or provider.price.output_micro_per_1k)


def provider_complete(
    provider: Provider, request: CompletionRequest, *, deadline: float | None, reference: str
) -> Completion:
    """Complete through a provider, within what the workspace may still spend.

    `reference` names the work, such as "run:step": repeated under it, money is held once and
    counted once. Raises SpendRefused, and what the provider raises; then nothing stays held.
    """
    if provider_is_free(provider):
        return provider.complete(request, deadline=deadline)
    reservation_id = f"spend:{reference}"
    amounts = _estimate(provider, request)
    _hold(reservation_id, amounts, provider.name)
    try:
        completion = provider.complete(request, deadline=deadline)
    except ProviderUnavailable:
        outcome_count(has_failed=True)
        amounts_release(reservation_id=reservation_id, amounts=amounts)
        raise
    except BaseException:
        amounts_release(reservation_id=reservation_id, amounts=amounts)
        raise
    outcome_count(has_failed=False)
    amounts_settle(
        reservation_id=reservation_id,
        amounts=_amounts(completion.tokens_in, completion.tokens_out, completion.cost_micro),
    )
    return completion


def fits(
    provider: Provider,
    request: CompletionRequest,
    *,
    money: int | None = None,
    tokens: int | None = None,
) -> bool:
    """Tell whether what is left pays for all that a call reads and an answer at its longest.

    Money in millionths; None where there is no bound. What costs nothing fits every sum.
    """
    amounts = _estimate(provider, request)
    if tokens is not None and amounts["tokens_in"] > tokens:
        return False
    return money is None or amounts["spend_micro"] <= money


def _hold(reservation_id: str, amounts: dict[str, int], provider: str) -> None:
    work = Work(amounts=amounts, reservation_id=reservation_id)
    refusal = admit(purpose="remote", work=work).refusal
    if refusal is not None:
        log.warning("spend_refused", provider=provider, code=refusal.code)
        raise SpendRefused from refusal


def _estimate(provider: Provider, request: CompletionRequest) -> dict[str, int]:
    texts = [request.question, request.system_prompt, *(part.text for part in request.evidence)]
    tokens_in = sum(estimate_tokens(text) for text in texts)
    cost = cost_micro(provider.price, tokens_in=tokens_in, tokens_out=OUTPUT_TOKENS)
    return _amounts(tokens_in, OUTPUT_TOKENS, cost)


def _amounts(tokens_in: int, tokens_out: int, cost: int) -> dict[str, int]:
    return {
        "spend_micro": cost,
        "spend_micro_per_day": cost,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
    }
