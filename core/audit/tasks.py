"""Background entry points: sign the chains, and look every night whether they still hold."""

import structlog

from core import tenancy
from core.audit import checkpoints
from core.audit.record import act_record
from core.audit.types import Act
from core.audit.verify import audit_verify
from core.observability.metrics import audit_findings
from core.tasks import platform_task

log = structlog.get_logger(__name__)


@platform_task("core.audit_checkpoint", queue="runs")
def audit_checkpoint() -> None:
    """Sign every chain that has grown; harmless when delivered again."""
    checkpoints.checkpoints_make()


@platform_task("core.audit_verification", queue="ingest")
def audit_verification() -> None:
    """Verify every chain, tell the metrics and the log, and record that it was done."""
    found = audit_verify()
    audit_findings.set(len(found.distinct))
    for finding in found.distinct:
        log.error("audit_log_differs", chain=str(finding.tenant_id), finding=str(finding))
    with tenancy.platform_scope():
        act_record(
            act=Act.AUDIT_VERIFIED,
            data={"entries": found.entries, "findings": len(found.distinct)},
        )
