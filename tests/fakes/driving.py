"""What a deployment is driven in, without a database: records and events in lists, around a Nomad that a test puts down."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any, cast

from fakes.asked_nomad import NomadThatWasAsked
from fakes.consul_catalog import CatalogInMemory
from fakes.shown import NOW
from fakes.world import ADA, HURRY, World

from outrider.operations.environment import Environment, WatchLimits
from outrider.operations.event_details import Detail
from outrider.operations.events import Event, document_of, happened
from outrider.operations.records import Deployment, Version
from outrider.operations.repositories import Store
from outrider.operations.stop_records import Freeze, Lock, Rejection

Json = dict[str, Any]


class Records:
    """Deployments as they were saved last, who holds them, and what was told of them: kind, line, detail."""

    def __init__(self, *known: Deployment) -> None:
        self.kept = {one.id: one for one in known}
        self.holders: dict[str, str] = {}
        self.claims = 0
        self.told: list[tuple[str, str, Json]] = []
        self.events: list[Event] = []
        self.known_versions: list[Version] = []
        self.rejected: list[Rejection] = []

    @property
    def lines(self) -> list[str]:
        return [line for _, line, _ in self.told]

    async def save_deployment(self, deployment: Deployment) -> None:
        self.kept[deployment.id] = deployment

    async def with_id(self, deployment_id: str) -> Deployment | None:
        return self.kept.get(deployment_id)

    async def add_deployment(self, deployment: Deployment) -> Deployment:
        return self.kept.setdefault(deployment.id, deployment)

    async def newest(self, environment: str, service: str, limit: int = 50) -> tuple[Deployment, ...]:
        return tuple(one for one in reversed(self.kept.values()) if one.service == service)

    async def summaries(self, environment: str, service: str) -> tuple[Version, ...]:
        return tuple(one for one in reversed(self.known_versions) if one.service == service)

    async def numbered(self, environment: str, service: str, number: int) -> Version | None:
        return next((one for one in self.known_versions if (one.service, one.number) == (service, number)), None)

    async def newest_version(self, environment: str, service: str) -> Version | None:
        return next(iter(await self.summaries(environment, service)), None)

    async def running_version(self, environment: str, service: str, hash_: str) -> Version | None:
        same = {one.number: one for one in self.known_versions if (one.service, one.hash) == (service, hash_)}
        deployed = [one.version for one in self.kept.values() if one.modify_index and one.version in same]
        numbers = [number for number in deployed if number] or sorted(same)
        return same[numbers[-1]] if numbers else None

    async def services(self, environment: str) -> tuple[str, ...]:
        return tuple(sorted({one.service for one in self.known_versions}))

    async def unfinished(self) -> tuple[Deployment, ...]:
        return tuple(one for one in self.kept.values() if not one.is_final and one.id not in self.holders)

    async def claim(self, deployment_id: str, holder: str, lease_s: float) -> bool:
        self.claims += 1
        return self.holders.setdefault(deployment_id, holder) == holder

    async def take(self, wanted: Lock) -> Lock:
        return wanted

    async def freezes(self, environment: str, at: datetime) -> tuple[Freeze, ...]:
        return ()

    async def rejections(self, environment: str, service: str) -> tuple[Rejection, ...]:
        return tuple(self.rejected)

    async def add_rejection(self, rejection: Rejection) -> None:
        self.rejected.append(rejection)

    async def free(self, lock: Lock) -> None:
        pass

    async def release(self, deployment_id: str, holder: str) -> None:
        if self.holders.get(deployment_id) == holder:
            del self.holders[deployment_id]

    async def after(self, deployment_id: str, after: int = 0) -> tuple[Event, ...]:
        return tuple(self.events[after:])

    # As a journal

    async def note(self, deployment_id: str, message: str, detail: Detail) -> None:
        self.events.append(happened(len(self.told) + 1, NOW, message, detail))
        event = document_of(self.events[-1])
        self.told.append((event["kind"], message, event["detail"]))

    async def end(self, deployment: Deployment, state: Any, reason: str) -> Deployment:
        over = self.kept[deployment.id] = replace(deployment, state=state, reason=reason)
        self.told.append(("verdict", reason, {"state": state}))
        return over

    async def written(self, message: str, detail: Detail) -> None:
        """As what drives one deployment is given it."""
        await self.note("", message, detail)


def place(
    nomad: NomadThatWasAsked,
    records: Records | None = None,
    *,
    consul: CatalogInMemory | None = None,
    limits: WatchLimits = HURRY,
) -> Environment:
    """The environment ``stage`` with these and nothing else."""
    kept = cast("Any", records or Records())
    whole = Store(**{one.name: kept for one in fields(Store)})
    made = (
        World(cast("Any", whole), nomad=cast("Any", nomad), consul=consul or CatalogInMemory())
        .application()
        .environment(ADA, "stage")
    )
    return replace(made, nomad=nomad, journal=kept, limits=limits)
