"""The environments, and what is asked of one as a whole: plan, deploy, graph; and the portal's own health."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, status

from outrider.operations.answers.difference import Difference
from outrider.operations.answers.graph import TrafficGraph
from outrider.operations.answers.lists import EnvironmentList, EnvironmentSummary, Health
from outrider.operations.answers.plan import Plan
from outrider.operations.answers.platform import PlatformState
from outrider.operations.own_version import own_version
from outrider.operations.records import Deployment
from outrider.operations.request_bodies import DeployBody, DiffBody, SpecBody
from outrider.portal.principal import Asker
from outrider.portal.requests import Ordered, Running, basis_of, because, text_of, wanted_of
from outrider.portal.responses import CHANGING, GUARDED, NAMED, REMOTE
from outrider.portal.turns import Waiting

# Envoy merges its histograms every 5 s: a shorter look would see requests without latencies.
WINDOW_S = 6.0

DEPLOYING = GUARDED | NAMED | CHANGING | REMOTE

router = APIRouter(tags=["environments"])


@router.get("/health")
async def health() -> Health:
    """Whether the portal answers; needs no token and asks no other server."""
    return Health("ok", own_version())


@router.get("/environments", responses=GUARDED)
async def environments(running: Running) -> EnvironmentList:
    """The environments of the platform."""
    written = running.platform.environments.items()
    return EnvironmentList(
        tuple(EnvironmentSummary(name, one.nomad.address, one.consul.address, one.driver) for name, one in written)
    )


@router.get("/platform", responses=GUARDED)
async def platform(running: Running, asker: Asker) -> PlatformState:
    """The platform file that this portal goes by, since when, and why a changed one is not in force."""
    return running.in_force(asker)


@router.post("/environments/{environment}/plan", responses=DEPLOYING)
async def plan(running: Running, waiting: Waiting, asker: Asker, environment: str, body: SpecBody) -> Plan:
    """What deploying this spec would change. Nothing is changed by asking."""
    async with waiting.plans:
        return await running.changes.plan(asker, environment, text_of(body), renews=body.redeploy)


@router.post("/environments/{environment}/deployments", status_code=status.HTTP_202_ACCEPTED, responses=DEPLOYING)
async def deploy(running: Running, waiting: Waiting, environment: str, body: DeployBody, order: Ordered) -> Deployment:
    """Deploy this spec: it is validated, stored and registered before the answer; then follow the events."""
    asked = replace(
        because(order, body),
        check_index=body.check_index,
        take_over=body.take_over,
        renews=body.redeploy,
        basis=basis_of(body),
    )
    async with waiting.deployments:
        return await running.changes.deploy(environment, text_of(body), asked)


@router.post("/diff", responses=DEPLOYING)
async def diff(running: Running, waiting: Waiting, asker: Asker, body: DiffBody) -> Difference:
    """How two versions of a service differ, or the same service in two environments, or a spec and what runs."""
    async with waiting.plans:
        return await running.changes.difference(asker, wanted_of(body.before), wanted_of(body.after))


@router.get("/environments/{environment}/graph", responses=GUARDED | NAMED | REMOTE)
async def graph(
    running: Running,
    asker: Asker,
    environment: str,
    window: Annotated[float, Query(gt=0, le=60, description="Seconds.")] = WINDOW_S,
) -> TrafficGraph:
    """Who calls whom: declared edges, with what flows on them while the request waits."""
    return await running.graph(asker, environment, window)
