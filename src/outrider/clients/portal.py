"""A client of the portal's own HTTP API, for the CLI; answers are the operations' own types.

The portal's problem+json becomes the same errors that the operation raised over there, so a face reads one tree.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path

import httpx2
from outrider_ground.errors import RemoteError, UsageError

from outrider.clients.answers import UnreadableError, check_type, decoded, listed_events, sent_event
from outrider.clients.archive import Archive
from outrider.clients.http import READ_S, Call, Connection, Server
from outrider.clients.portal_calls import API, service_path
from outrider.clients.portal_changes import PortalChanges
from outrider.clients.problem import error_of
from outrider.clients.uploads import upload_of
from outrider.nomad.read.allocations import Allocation
from outrider.operations.answers.addons import AddOnAnswer, AddOns
from outrider.operations.answers.endpoints import Endpoints
from outrider.operations.answers.graph import TrafficGraph
from outrider.operations.answers.lists import (
    Deployments,
    EndedAllocations,
    EnvironmentList,
    EnvironmentSummary,
    Execs,
    Freezes,
    Health,
    Releases,
    Services,
    Versions,
)
from outrider.operations.answers.outside import OutsideChange, OutsideChanges
from outrider.operations.answers.platform import PlatformState
from outrider.operations.answers.status import Status
from outrider.operations.answers.uploaded import ArtifactList, Uploaded
from outrider.operations.answers.values import ServiceValues
from outrider.operations.batches import Batch
from outrider.operations.events import Event
from outrider.operations.exec_records import Exec
from outrider.operations.records import Deployment, Version, VersionSummary
from outrider.settings import Settings

UPLOAD_S = 300.0
# The portal says something at least every 15 s (heartbeat), so silence of twice that means it is gone.
SILENCE_S = 35.0
RECONNECTS = 20
PAUSE_S = 0.5
# No answer at all, or that of a proxy in front of a portal that is being restarted.
AWAY = frozenset({None, 502, 503, 504})


def portal_client(settings: Settings, transport: httpx2.AsyncBaseTransport | None = None) -> PortalClient:
    """A client of the portal that the settings name; its messages say where the address comes from."""
    address = settings.address
    server = Server(
        name="the portal",
        address=address.value,
        origin=address.source,
        advice="Start one with `outrider dev`, or set OUTRIDER_ADDR (--addr) to the address of yours.",
        headers=_headers(settings),
    )
    return PortalClient(Connection(server, transport))


def _headers(settings: Settings) -> dict[str, str]:
    """Who asks, as a word for the history (not a proof), and the token."""
    user = settings.user if settings.user.isascii() and settings.user.isprintable() else "anonymous"
    if settings.token and settings.token.is_blank:
        raise UsageError(
            f"the token from {settings.token.source} is blank", next_step="Set it to the portal's token, or unset it."
        )
    token = {"Authorization": f"Bearer {settings.token.value}"} if settings.token else {}
    return {"X-Outrider-User": user, **token}


class PortalClient(PortalChanges):
    """One portal. Methods raise SpecError, UsageError, ConflictError or RemoteError with the portal's own words."""

    async def health(self) -> Health:
        return await self._get(Health, "health")

    async def platform(self) -> PlatformState:
        return await self._get(PlatformState, "platform")

    async def environments(self) -> tuple[EnvironmentSummary, ...]:
        return (await self._get(EnvironmentList, "environments")).environments

    async def services(self, environment: str | None = None) -> Services:
        parameters = {"environment": environment} if environment else {}
        return await self._get(Services, "services", parameters=parameters)

    async def status(self, environment: str, service: str) -> Status:
        return await self._get(Status, *service_path(environment, service))

    async def ended(self, environment: str, service: str) -> tuple[Allocation, ...]:
        return (await self._get(EndedAllocations, *service_path(environment, service), "ended")).allocations

    async def versions(self, environment: str, service: str) -> tuple[VersionSummary, ...]:
        return (await self._get(Versions, *service_path(environment, service), "versions")).versions

    async def version(self, environment: str, service: str, number: int) -> Version:
        return await self._get(Version, *service_path(environment, service), "versions", str(number))

    async def deployments(self, environment: str, service: str) -> tuple[Deployment, ...]:
        return (await self._get(Deployments, *service_path(environment, service), "deployments")).deployments

    async def releases(self, environment: str, service: str) -> Releases:
        return await self._get(Releases, *service_path(environment, service), "releases")

    async def execs(self, environment: str, service: str) -> tuple[Exec, ...]:
        return (await self._get(Execs, *service_path(environment, service), "execs")).execs

    async def freezes(self, environment: str) -> Freezes:
        return await self._get(Freezes, "environments", environment, "freezes")

    async def outside(self, environment: str, service: str) -> tuple[OutsideChange, ...]:
        return (await self._get(OutsideChanges, *service_path(environment, service), "outside")).changes

    async def endpoints(self, environment: str, service: str) -> Endpoints:
        return await self._get(Endpoints, *service_path(environment, service), "endpoints")

    async def values(self, environment: str, service: str) -> ServiceValues:
        return await self._get(ServiceValues, *service_path(environment, service), "values")

    async def graph(self, environment: str) -> TrafficGraph:
        return await self._get(TrafficGraph, "environments", environment, "graph")

    async def batch(self, batch: str) -> Batch:
        return await self._get(Batch, "batches", batch)

    async def addons(self) -> tuple[AddOnAnswer, ...]:
        return (await self._get(AddOns, "addons")).addons

    async def deployment(self, deployment: str) -> Deployment:
        return await self._get(Deployment, "deployments", deployment)

    async def event_list(self, deployment: str) -> tuple[Event, ...]:
        """The events so far."""
        headers = {"Accept": "application/json"}
        call = Call("GET", (*API, "deployments", deployment, "events"), headers=headers)
        return listed_events(self._connection, call, await self._answer(call))

    async def upload(self, source: Archive | bytes | Path) -> Uploaded:
        """Store a packed directory, a file or bytes under their SHA-256; what is stored already is not sent again."""
        made = await asyncio.to_thread(upload_of, source)
        path = ("artifacts", made.sha256)
        try:
            return await self._get(Uploaded, *path)
        except UsageError:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(made.size)}
            call = Call("PUT", (*API, *path), headers=headers, content=made.sent, read_s=UPLOAD_S)
            return decoded(Uploaded, self._connection, call, await self._answer(call))

    async def artifacts(self) -> ArtifactList:
        return await self._get(ArtifactList, "artifacts")

    async def events(self, deployment: str, after: int = 0) -> AsyncGenerator[Event]:
        """The deployment's events from number `after` + 1 on, live, to its verdict; survives a portal's restart.

        Who stops before the verdict closes it (`aclosing`): left to the end of the loop, it ends in a traceback.
        """
        failures = 0
        while True:
            try:
                async with aclosing(self._events_once(deployment, after)) as events:
                    async for event in events:
                        after, failures = event.number, 0
                        yield event
                        if event.kind == "verdict":
                            return
            except RemoteError as error:
                failures += 1
                if error.status not in AWAY or isinstance(error, UnreadableError) or failures > RECONNECTS:
                    raise error_of(error) from error
            await asyncio.sleep(PAUSE_S)

    async def logs(self, environment: str, service: str, parameters: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The text of a service's logs; parameters are task, type, follow, lines, allocation, ended."""
        silence = None if parameters.get("follow") else READ_S
        call = Call("GET", (*API, *service_path(environment, service), "logs"), parameters, read_s=silence)
        try:
            async with self._connection.stream(call) as response:
                check_type(self._connection, call, response, "text/plain")
                async for chunk in response.aiter_bytes():
                    yield chunk
        except RemoteError as error:
            raise error_of(error) from error

    async def _events_once(self, deployment: str, after: int) -> AsyncGenerator[Event]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        call = Call("GET", (*API, "deployments", deployment, "events"), headers=headers, read_s=SILENCE_S)
        async with self._connection.stream(call) as response:
            check_type(self._connection, call, response, "text/event-stream")
            async for sent in httpx2.EventSource(response):
                if sent.data:
                    yield sent_event(self._connection, call, sent.data)
