"""One service of an environment: what runs, what was, its endpoints and its logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from outrider.operations.answers.endpoints import Endpoints
from outrider.operations.answers.lists import Deployments, EndedAllocations, Releases, Services, Versions
from outrider.operations.answers.outside import OutsideChanges
from outrider.operations.answers.status import Status
from outrider.operations.answers.values import ServiceValues
from outrider.operations.look.logs import EndedKind, LogRequest
from outrider.operations.nomad_port import LogKind
from outrider.operations.records import Version
from outrider.operations.request_bodies import MOST_INTEGER, Body
from outrider.portal.principal import Asker
from outrider.portal.requests import Running
from outrider.portal.responses import GUARDED, NAMED, REMOTE
from outrider.topology import names

router = APIRouter(tags=["services"], responses=GUARDED | NAMED | REMOTE)


class LogQuery(Body):
    """Which output: ``lines`` is counted from the end, ``allocation`` the beginning of an id, ``ended`` the last that no longer runs or failed."""

    task: str = names.APP_TASK
    type: LogKind = "stdout"
    follow: bool = False
    lines: Annotated[int | None, Field(ge=1, le=100_000)] = None
    allocation: Annotated[str | None, Field(min_length=1, max_length=36)] = None
    ended: EndedKind | None = None


@router.get("/services")
async def services(running: Running, asker: Asker, environment: Annotated[str | None, Query()] = None) -> Services:
    """All services, of one environment or of all."""
    return Services(await running.statuses(asker, environment), running.in_force(asker).problem)


@router.get("/environments/{environment}/services/{service}")
async def service(running: Running, asker: Asker, environment: str, service: str) -> Status:
    """What runs of a service."""
    return await running.status(asker, environment, service)


@router.get("/environments/{environment}/services/{service}/values")
async def values(running: Running, asker: Asker, environment: str, service: str) -> ServiceValues:
    """The values that it reads elsewhere, by fingerprints, and which of its allocations started before one changed."""
    return await running.values(asker, environment, service)


@router.get("/environments/{environment}/services/{service}/ended")
async def ended(running: Running, asker: Asker, environment: str, service: str) -> EndedAllocations:
    """Its last allocations that no longer run, with what ended them, as long as Nomad has them."""
    return EndedAllocations(await running.ended_allocations(asker, environment, service))


@router.get("/environments/{environment}/services/{service}/versions")
async def versions(running: Running, asker: Asker, environment: str, service: str) -> Versions:
    """Its stored versions."""
    return Versions(await running.versions(asker, environment, service))


@router.get("/environments/{environment}/services/{service}/versions/{number}")
async def version(
    running: Running, asker: Asker, environment: str, service: str, number: Annotated[int, Path(le=MOST_INTEGER)]
) -> Version:
    """One version with its spec, its job and its bootstrap."""
    return await running.version(asker, environment, service, number)


@router.get("/environments/{environment}/services/{service}/deployments")
async def deployments(running: Running, asker: Asker, environment: str, service: str) -> Deployments:
    """Its last deployments."""
    return Deployments(await running.deployments(asker, environment, service))


@router.get("/environments/{environment}/services/{service}/outside")
async def outside(running: Running, asker: Asker, environment: str, service: str) -> OutsideChanges:
    """What others did to its job in Nomad, as far as Nomad remembers it."""
    return OutsideChanges(await running.outside_changes(asker, environment, service))


@router.get("/environments/{environment}/services/{service}/releases")
async def releases(
    running: Running,
    asker: Asker,
    environment: str,
    service: str,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
) -> Releases:
    """Its last changes of any kind as numbered releases: who did what and why, and what came of it."""
    return await running.releases(asker, environment, service, limit)


@router.get("/environments/{environment}/services/{service}/endpoints")
async def endpoints(running: Running, asker: Asker, environment: str, service: str) -> Endpoints:
    """Where its calls can go, by Consul, by its agents and by its Envoys."""
    return await running.endpoints(asker, environment, service)


@router.get(
    "/environments/{environment}/services/{service}/logs",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/plain": {}}, "description": "The output as it is."}},
)
async def logs(
    running: Running, asker: Asker, environment: str, service: str, query: Annotated[LogQuery, Query()]
) -> StreamingResponse:
    """The output of a task: of the one allocation whose id begins so, or of all that run.

    Where these are several, each line begins with the short id of its allocation.
    """
    request = LogRequest(query.task, query.type, query.follow, query.lines, query.allocation, query.ended)
    text = await _begun(await running.logs(asker, environment, service, request))
    return StreamingResponse(text, media_type="text/plain; charset=utf-8", headers={"X-Accel-Buffering": "no"})


async def _begun(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same stream after its first part has come: an error before it is an answer, not a broken stream."""
    first = await anext(chunks, b"")

    async def rest() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return rest()
