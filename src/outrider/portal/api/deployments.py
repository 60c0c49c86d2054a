"""A deployment and its events: as a list, or as they come (server-sent events)."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, format_sse_event

from outrider.operations.answers.lists import Events
from outrider.operations.events import Event, document_of
from outrider.operations.records import Deployment
from outrider.operations.request_bodies import MOST_INTEGER
from outrider.portal.principal import Asker
from outrider.portal.requests import Running
from outrider.portal.responses import GUARDED, NAMED
from outrider.portal.turns import Turns, Waiting

router = APIRouter(prefix="/deployments", tags=["deployments"], responses=GUARDED | NAMED)

HEARTBEAT_S = 15.0
RETRY_MS = 1_000
LAST_EVENT = re.compile(r"[0-9]{1,15}", re.ASCII)


@router.get("/{deployment}")
async def deployment(running: Running, asker: Asker, deployment: str) -> Deployment:
    """One deployment with its state and, once it has ended, the reason."""
    return await running.deployment(asker, deployment)


@router.get(
    "/{deployment}/events",
    # Not EventSourceResponse: FastAPI would take the handler itself for the generator of events.
    response_class=Response,
    responses={
        200: {
            "model": Events,
            "content": {"text/event-stream": {}},
            "description": "Each `data` is one of the events; with `Accept: application/json` the list so far.",
        }
    },
)
async def events(
    request: Request,
    running: Running,
    waiting: Waiting,
    asker: Asker,
    deployment: str,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """The events from the one after Last-Event-ID on, up to the verdict."""
    after = _number(last_event_id)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"events": [document_of(one) for one in await running.events(asker, deployment, after)]})
    waiting.check_follower()
    feed = await running.feed(asker, deployment, after)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(_sent(feed, waiting), headers=headers)


def _number(last_event_id: str | None) -> int:
    """The number in the header; 0, which is before all events, for anything that is none of ours."""
    found = LAST_EVENT.fullmatch(last_event_id or "")
    return min(int(found[0]), MOST_INTEGER) if found else 0


async def _sent(feed: AsyncIterator[Event | None], waiting: Turns) -> AsyncIterator[bytes]:
    """The events on the wire; a comment now and then, so that proxies and clients know that somebody is there."""
    with waiting.follower():
        yield format_sse_event(retry=RETRY_MS)
        spoken = time.monotonic()
        async for event in feed:
            if event is not None:
                data = json.dumps(document_of(event))
                yield format_sse_event(data_str=data, event=event.kind, id=str(event.number))
            elif time.monotonic() - spoken > HEARTBEAT_S:
                yield format_sse_event(comment="still here")
            else:
                continue
            spoken = time.monotonic()
            await asyncio.sleep(0)
