"""What can be done with a service that is there: redeploy, roll, start, roll back, promote, fail, scale, restart, stop."""

from __future__ import annotations

from fastapi import APIRouter, status

from outrider.operations.change.restart import Restart
from outrider.operations.records import Deployment
from outrider.operations.request_bodies import ChangeBody, RestartBody, RollbackBody, ScaleBody, StopBody
from outrider.portal.requests import Ordered, Running, because
from outrider.portal.responses import CHANGING, GUARDED, NAMED, REMOTE

router = APIRouter(
    prefix="/environments/{environment}/services/{service}",
    tags=["steering"],
    responses=GUARDED | NAMED | CHANGING | REMOTE,
)


@router.post("/rollback", status_code=status.HTTP_202_ACCEPTED)
async def rollback(
    running: Running, environment: str, service: str, order: Ordered, body: RollbackBody | None = None
) -> Deployment:
    """Bring a stored version back exactly as it ran, by default the one before; or its spec with today's platform."""
    asked = body or RollbackBody()
    return await running.changes.roll_back(
        environment, service, asked.version, because(order, asked), with_platform=asked.with_platform
    )


@router.post("/redeploy", status_code=status.HTTP_202_ACCEPTED)
async def redeploy(
    running: Running, environment: str, service: str, order: Ordered, body: ChangeBody | None = None
) -> Deployment:
    """Bring up the version that runs with the sidecar of today's platform file and Outrider."""
    return await running.changes.redeploy(environment, service, because(order, body))


@router.post("/roll", status_code=status.HTTP_202_ACCEPTED)
async def roll(
    running: Running, environment: str, service: str, order: Ordered, body: ChangeBody | None = None
) -> Deployment:
    """Start all allocations anew by the service's own update rules: each reads the values of now."""
    return await running.changes.roll(environment, service, because(order, body))


@router.post("/start", status_code=status.HTTP_202_ACCEPTED)
async def start(
    running: Running, environment: str, service: str, order: Ordered, body: ChangeBody | None = None
) -> Deployment:
    """Start a stopped service again: the version that ran, with the count that it had."""
    return await running.changes.start(environment, service, because(order, body))


@router.post("/promote")
async def promote(
    running: Running, environment: str, service: str, order: Ordered, body: ChangeBody | None = None
) -> Deployment:
    """Give the waiting canary's version to all allocations."""
    return await running.changes.promote(environment, service, because(order, body))


@router.post("/fail")
async def fail(
    running: Running, environment: str, service: str, order: Ordered, body: ChangeBody | None = None
) -> Deployment:
    """Give the active deployment up: its canary stops, the old allocations stay."""
    return await running.changes.fail(environment, service, because(order, body))


@router.post("/scale", status_code=status.HTTP_202_ACCEPTED)
async def scale(running: Running, environment: str, service: str, order: Ordered, body: ScaleBody) -> Deployment:
    """Change the count; allocations that run are kept."""
    return await running.changes.scale(environment, service, body.count, because(order, body))


@router.post("/restart", status_code=status.HTTP_202_ACCEPTED)
async def restart(
    running: Running, environment: str, service: str, order: Ordered, body: RestartBody | None = None
) -> Deployment:
    """Restart what runs: all by the service's update rules, one allocation, or one task where it is."""
    asked = body or RestartBody()
    wanted = Restart(asked.allocation, asked.task, asked.all_at_once)
    return await running.changes.restart(environment, service, wanted, because(order, asked))


@router.post("/stop", status_code=status.HTTP_202_ACCEPTED)
async def stop(
    running: Running, environment: str, service: str, order: Ordered, body: StopBody | None = None
) -> Deployment:
    """Stop the service; its versions stay here."""
    return await running.changes.stop(environment, service, because(order, body), purge=body.purge if body else False)
