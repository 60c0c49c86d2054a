"""Several services as one plan: what deploying them would do, deploying them, and how far that has come."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, status

from outrider.operations.answers.batch import BatchPlan
from outrider.operations.batches import Batch
from outrider.operations.request_bodies import BatchBody, DeployBatchBody
from outrider.portal.principal import Asker
from outrider.portal.requests import Ordered, Running, because, text_of
from outrider.portal.responses import CHANGING, GUARDED, NAMED, REMOTE
from outrider.portal.turns import Waiting

DEPLOYING = GUARDED | NAMED | CHANGING | REMOTE

router = APIRouter(tags=["batches"])


@router.post("/environments/{environment}/batches/plan", responses=DEPLOYING)
async def batch_plan(running: Running, waiting: Waiting, asker: Asker, environment: str, body: BatchBody) -> BatchPlan:
    """What deploying these specs would change, callees first. Nothing is changed by asking."""
    async with waiting.plans:
        texts = [text_of(one) for one in body.specs]
        return await running.changes.plan_batch(asker, environment, texts, renews=body.redeploy)


@router.post("/environments/{environment}/batches", status_code=status.HTTP_202_ACCEPTED, responses=DEPLOYING)
async def deploy_batch(
    running: Running, waiting: Waiting, environment: str, body: DeployBatchBody, order: Ordered
) -> Batch:
    """Deploy these specs as one plan, callees first: all are planned before the answer, and nothing begins where one is refused."""
    asked = replace(because(order, body), take_over=body.take_over, renews=body.redeploy)
    async with waiting.deployments:
        return await running.changes.deploy_batch(environment, [text_of(one) for one in body.specs], asked)


@router.get("/batches/{batch}", responses=GUARDED | NAMED)
async def batch(running: Running, asker: Asker, batch: str) -> Batch:
    """How far the batch has come: each of its services with its deployment's state and reason."""
    return await running.changes.batch(asker, batch)
