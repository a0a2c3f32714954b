"""Routing's rows in a tenant's schema: the policy and every decision made under it."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.identifiers import uuid7
from routing.types import Intent, Tier


class RoutingPolicy(models.Model):
    """The workspace's choice of provider per tier; a workspace without a row uses the defaults."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    slm_a_provider = models.CharField(_("provider of SLM_A"), max_length=40, default="local")
    slm_b_provider = models.CharField(_("provider of SLM_B"), max_length=40, default="local")
    llm_provider = models.CharField(_("provider of LLM"), max_length=40, default="local")
    support_threshold = models.FloatField(
        _("support threshold"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_("Less supported answers are not given. Empty: the calibrated default."),
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("routing policy")
        verbose_name_plural = _("routing policies")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="routing_policy_single"),
            models.CheckConstraint(
                condition=models.Q(support_threshold__isnull=True)
                | models.Q(support_threshold__gte=0.0, support_threshold__lte=1.0),
                name="routing_policy_threshold_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slm_a_provider} / {self.slm_b_provider} / {self.llm_provider}"


class RoutingDecision(models.Model):
    """One decision: what was recognised, which tier it got, why, and the estimates at the time.

    Holds no message text: the run names the conversation, which the reader needs rights for.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run_id = models.UUIDField(_("run"), null=True, blank=True)
    channel = models.CharField(_("channel"), max_length=20)
    tier = models.CharField(_("tier"), max_length=8, choices=[(str(t), str(t)) for t in Tier])
    intent = models.CharField(
        _("intent"), max_length=20, choices=[(str(i), str(i)) for i in Intent]
    )
    confidence = models.FloatField(_("confidence"))
    complexity = models.FloatField(_("complexity"))
    reasoning = models.CharField(_("reasoning"), max_length=300)
    provider = models.CharField(_("provider"), max_length=40)
    cost_estimate = models.DecimalField(_("estimated cost"), max_digits=12, decimal_places=6)
    currency = models.CharField(_("currency"), max_length=3)
    latency_estimate_ms = models.PositiveIntegerField(_("estimated latency"))
    decided_in_ms = models.FloatField(_("decided in"))
    features = models.JSONField(_("features"))
    created_at = models.DateTimeField(_("decided at"), auto_now_add=True)

    class Meta:
        verbose_name = _("routing decision")
        verbose_name_plural = _("routing decisions")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="routing_decision_recent"),
            models.Index(fields=["run_id"], name="routing_decision_run"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confidence__gte=0.0, confidence__lte=1.0),
                name="routing_decision_confidence_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tier} · {self.intent}"
