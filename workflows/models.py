"""Versions of workflows, runs, and the events runs are made of. All in the tenant's schema."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.db.fields import TextualJSONField
from core.identifiers import uuid7
from workflows.engine.events import ACTIVE, EventType, RunStatus
from workflows.spec.bundles import Bundle
from workflows.types import VersionState, WaitKind, WaitState

ACTIVE_STATUSES = sorted(status.value for status in ACTIVE)
ANSWERING_STATUSES = sorted(
    [*ACTIVE_STATUSES, RunStatus.COMPLETED.value, RunStatus.HANDED_OVER.value]
)


def _choices(values: type[StrEnum]) -> list[tuple[str, str]]:
    return [(str(value), str(value).replace("_", " ")) for value in values]


class WorkflowVersion(models.Model):
    """The exact text of a workflow, identified by its hash; runs are pinned to it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=64)
    version = models.CharField(max_length=32)
    content_hash = models.CharField(max_length=64)
    source = models.TextField()
    state = models.CharField(max_length=16, choices=_choices(VersionState))
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    author = models.UUIDField(null=True)
    published_by = models.UUIDField(null=True)
    published_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "-created_at"]
        verbose_name = _("workflow version")
        constraints = [
            models.UniqueConstraint(
                fields=["name", "content_hash"], name="workflows_version_content"
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(state=VersionState.PUBLISHED.value),
                name="workflows_version_one_published",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def yaml(self) -> str:
        """The workflow's own file; ``source`` holds the fragments it uses too."""
        return Bundle.from_stored(self.source).source


class WorkflowDraft(models.Model):
    """A text people work on, mistakes and all, under a title; revisions count its saves."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.CharField(max_length=64)
    title = models.CharField(max_length=80)
    source = models.TextField()
    note = models.CharField(max_length=200, blank=True)
    revision = models.PositiveIntegerField(default=1)
    author = models.UUIDField(null=True)
    edited_by = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at"]
        verbose_name = _("workflow draft")
        constraints = [
            models.UniqueConstraint(fields=["workflow", "title"], name="workflows_draft_title")
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.title}"


class WorkflowStop(models.Model):
    """One time that runs were stopped: of every workflow (an empty name) or of one; kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.CharField(max_length=64, blank=True)
    stopped_by = models.UUIDField(null=True)
    stopped_at = models.DateTimeField()
    lifted_by = models.UUIDField(null=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-stopped_at"]
        verbose_name = _("stop of workflows")
        constraints = [
            models.UniqueConstraint(
                fields=["workflow"],
                condition=models.Q(lifted_at=None),
                name="workflows_stop_once",
            )
        ]

    def __str__(self) -> str:
        return self.workflow or "*"


class Run(models.Model):
    """The projection of a run's events that lists, leases and constraints need."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workflow = models.CharField(max_length=64)
    version = models.CharField(max_length=32)
    content_hash = models.CharField(max_length=64)
    # Text, not varchar: Postgres prints partial conditions on varchar differently after a dump.
    status = models.TextField(choices=_choices(RunStatus))
    current_step = models.CharField(max_length=64, blank=True)
    conversation_id = models.UUIDField(null=True)
    trigger_event_id = models.UUIDField(unique=True)
    answered_seq = models.BigIntegerField(null=True)
    seq = models.PositiveIntegerField()
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_owner = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField()
    result = models.JSONField(default=dict)
    error_code = models.CharField(max_length=64, blank=True)
    cost_micro = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    wake_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-started_at"]
        verbose_name = _("run")
        constraints = [
            # A run that waits for anything but its visitor has given up its turn, and with it the
            # conversation: another may answer there in the meantime.
            models.UniqueConstraint(
                fields=["conversation_id"],
                condition=models.Q(
                    status__in=ACTIVE_STATUSES,
                    answered_seq__isnull=False,
                    conversation_id__isnull=False,
                ),
                name="workflows_run_one_answering",
            ),
            models.UniqueConstraint(
                fields=["conversation_id", "answered_seq"],
                condition=models.Q(
                    status__in=ANSWERING_STATUSES,
                    answered_seq__isnull=False,
                    conversation_id__isnull=False,
                ),
                name="workflows_run_one_per_turn",
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at"], name="workflows_run_recent"),
            models.Index(
                fields=["conversation_id", "-started_at"],
                condition=models.Q(conversation_id__isnull=False),
                name="workflows_run_talk",
            ),
            # Not on lease_until: every commit moves it, and an index would cost each a heap move.
            models.Index(
                fields=["started_at"],
                condition=models.Q(status__in=ACTIVE_STATUSES),
                name="workflows_run_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow} {self.id}"

    @property
    def is_active(self) -> bool:
        """Tell whether the run still goes on."""
        return RunStatus(self.status).is_active


class Wait(models.Model):
    """Something a run waits for, where people find it and leave their answer."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="waits", db_index=False)
    conversation_id = models.UUIDField(null=True)
    key = models.CharField(max_length=255)
    scope = models.CharField(max_length=255, blank=True)
    step_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=_choices(WaitKind))
    data = models.JSONField(default=dict)
    state = models.TextField(choices=_choices(WaitState))
    until = models.DateTimeField(null=True)
    answer = models.JSONField(default=dict)
    answered_by = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("wait")
        constraints = [
            models.UniqueConstraint(fields=["run", "key"], name="workflows_wait_once"),
        ]
        indexes = [
            models.Index(
                fields=["conversation_id"],
                condition=models.Q(state=WaitState.OPEN.value),
                name="workflows_wait_talk",
            ),
            models.Index(
                fields=["kind", "created_at"],
                condition=models.Q(state=WaitState.OPEN.value),
                name="workflows_wait_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class RunEvent(models.Model):
    """One fact of a run; a second writer of the same number fails and stops."""

    pk = models.CompositePrimaryKey("run_id", "seq")
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    seq = models.PositiveIntegerField()
    type = models.CharField(max_length=32, choices=_choices(EventType))
    step_id = models.CharField(max_length=64, blank=True)
    payload = TextualJSONField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["seq"]
        verbose_name = _("run event")

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"
