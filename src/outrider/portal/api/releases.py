"""What runs in another environment: what bringing it here would change, bringing it, and who is for that."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, status

from outrider.operations.answers.release import ReleasePlan
from outrider.operations.change.release import ApprovedVersion
from outrider.operations.records import Deployment
from outrider.operations.release_records import Approval
from outrider.operations.request_bodies import ApprovalBody, ReleaseBody, ReleasePlanBody
from outrider.portal.principal import Asker
from outrider.portal.requests import Ordered, Running, because
from outrider.portal.responses import CHANGING, GUARDED, NAMED, REMOTE
from outrider.portal.turns import Waiting

router = APIRouter(
    prefix="/environments/{environment}/services/{service}",
    tags=["releases"],
    responses=GUARDED | NAMED | CHANGING | REMOTE,
)


@router.post("/release/plan")
async def release_plan(
    running: Running,
    waiting: Waiting,
    asker: Asker,
    environment: str,
    service: str,
    body: ReleasePlanBody | None = None,
) -> ReleasePlan:
    """What a release of what runs in the other environment would change here. Nothing is changed by asking."""
    async with waiting.plans:
        return await running.changes.plan_release(asker, environment, service, body.source if body else None)


@router.post("/release", status_code=status.HTTP_202_ACCEPTED)
async def release(
    running: Running, waiting: Waiting, environment: str, service: str, order: Ordered, body: ReleaseBody | None = None
) -> Deployment:
    """Bring over exactly what runs in the other environment: its stored version, the image by its digest."""
    source = body.source if body else None
    async with waiting.deployments:
        return await running.changes.release(environment, service, source, because(order, body))


@router.post("/approvals", status_code=status.HTTP_201_CREATED)
async def approve(running: Running, environment: str, service: str, order: Ordered, body: ApprovalBody) -> Approval:
    """Say that a version of the other environment may come to this one."""
    meant = ApprovedVersion(body.source, body.version)
    return await running.changes.approve(environment, service, meant, replace(order, reason=body.reason.strip()))
