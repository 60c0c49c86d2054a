"""Edits of a stored version: shown first (``/plan``), then done if what was shown still holds."""

from __future__ import annotations

from fastapi import APIRouter, Response, status

from outrider.operations.answers.proposal import Proposal
from outrider.operations.edits import Edits
from outrider.operations.records import Deployment
from outrider.operations.request_bodies import ConnectBody, DisconnectBody
from outrider.operations.wishes import connect_wish, disconnect_wish
from outrider.portal.principal import Asker
from outrider.portal.requests import Held, Named, Running, tagged
from outrider.portal.responses import CHANGING, GUARDED, NAMED, REMOTE
from outrider.portal.turns import Waiting

router = APIRouter(
    prefix="/environments/{environment}/services/{service}",
    tags=["edits"],
    responses=GUARDED | NAMED | CHANGING | REMOTE,
)


@router.post("/connect/plan")
async def plan_connect(
    running: Running, waiting: Waiting, asker: Asker, named: Named, body: ConnectBody, response: Response
) -> Proposal:
    """What calling another service would change; the ``ETag`` is for ``If-Match``."""
    async with waiting.plans:
        found = await Edits(running.changes).proposed(asker, *named, connect_wish(named[1], body))
    return tagged(response, found)


@router.post("/connect", status_code=status.HTTP_202_ACCEPTED)
async def connect(running: Running, waiting: Waiting, named: Named, body: ConnectBody, held: Held) -> Deployment:
    """Let a service call another one, with these knobs, and deploy it."""
    async with waiting.deployments:
        return await Edits(running.changes).done(*named, connect_wish(named[1], body), *held.on(body))


@router.post("/disconnect/plan")
async def plan_disconnect(
    running: Running, waiting: Waiting, asker: Asker, named: Named, body: DisconnectBody, response: Response
) -> Proposal:
    """What no longer calling another service would change."""
    async with waiting.plans:
        found = await Edits(running.changes).proposed(asker, *named, disconnect_wish(body))
    return tagged(response, found)


@router.post("/disconnect", status_code=status.HTTP_202_ACCEPTED)
async def disconnect(running: Running, waiting: Waiting, named: Named, body: DisconnectBody, held: Held) -> Deployment:
    """Let a service no longer call another one, and deploy it."""
    async with waiting.deployments:
        return await Edits(running.changes).done(*named, disconnect_wish(body), *held.on(body))
