"""Services and script checks of an allocation: registered before its tasks start, gone from Consul before they end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from outrider_embedded.scheduler import script_checks
from outrider_embedded.scheduler.allocation import group_of
from outrider_embedded.scheduler.catalog import Catalog
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.environment import Directories, nomad_environment
from outrider_embedded.scheduler.services import Registration, UnknownPortError, registration


@dataclass(frozen=True, slots=True)
class Place:
    """Where an allocation lives on this node."""

    node: Document
    catalog: Catalog
    directories: Directories


class AllocationServices:
    """What Consul is told of one allocation; ``environments`` are those of its tasks, by name."""

    def __init__(self, allocation: Document, place: Place, environments: Mapping[str, Mapping[str, str]]) -> None:
        self.allocation, self._place, self._environments = allocation, place, environments
        self._running: set[str] = set()
        self._scripts: dict[str, list[asyncio.Task[None]]] = {}
        self._is_over = False

    async def open(self) -> None:
        """Register the group's services. Raises UnknownPortError."""
        try:
            registrations = self._group_registrations()
        except UnknownPortError:
            self._is_over = True
            raise
        await self._place.catalog.register(registrations)

    async def close(self) -> bool:
        """Deregister the group's services; whether there were any left."""
        if self._is_over:
            return False
        identifiers = [one.identifier for one in self._group_registrations()]
        was_open, self._is_over = not self._is_over, True
        if was_open and identifiers:
            await self._place.catalog.deregister(identifiers)
        return was_open

    async def renew(self, allocation: Document) -> None:
        """Register again what a new job version, or a promotion, says of the services."""
        before = {one.identifier for one in self._all_registrations()}
        self.allocation = allocation
        if self._is_over:
            return
        now = self._all_registrations()
        await self._place.catalog.register(now)
        gone = before - {one.identifier for one in now}
        if gone:
            await self._place.catalog.deregister(sorted(gone))

    async def started(self, task: str, environment: Mapping[str, str]) -> None:
        """Register the task's services and run the script checks that belong to it, in its environment."""
        self._running.add(task)
        registrations = self._task_registrations(task)
        if registrations:
            await self._place.catalog.register(registrations)
        scripts = [script for one in self._all_registrations() for script in one.scripts if script.task == task]
        directory, report = self._place.directories.task(task), self._place.catalog.report
        work = [script_checks.repeat(one, report, directory, environment) for one in scripts]
        self._scripts[task] = [asyncio.create_task(one) for one in work]

    async def ending(self, task: str) -> None:
        """Deregister the task's services."""
        identifiers = [one.identifier for one in self._task_registrations(task)]
        if identifiers and task in self._running:
            await self._place.catalog.deregister(identifiers)

    async def exited(self, task: str) -> None:
        await self.ending(task)
        self._running.discard(task)
        scripts = self._scripts.pop(task, [])
        for script in scripts:
            script.cancel()
        await asyncio.gather(*scripts, return_exceptions=True)

    async def failing_checks(self) -> list[str]:
        """The checks that keep the allocation from being healthy. Raises RemoteError."""
        registrations = self._all_registrations()
        if not any(one.on_update for one in registrations):
            return []
        return await self._place.catalog.failing_checks(registrations)

    def _all_registrations(self) -> tuple[Registration, ...]:
        own = [one for task in sorted(self._running) for one in self._task_registrations(task)]
        return (*self._group_registrations(), *own)

    def _group_registrations(self) -> tuple[Registration, ...]:
        group = group_of(self.allocation)
        environment = nomad_environment(self.allocation, None, self._place.node, self._place.directories)
        return self._registrations(group["Services"], "", environment)

    def _task_registrations(self, name: str) -> tuple[Registration, ...]:
        task = next(task for task in group_of(self.allocation)["Tasks"] if task["Name"] == name)
        return self._registrations(task["Services"], name, self._environments[name])

    def _registrations(
        self, services: list[Document] | None, task: str, environment: Mapping[str, str]
    ) -> tuple[Registration, ...]:
        wanted = [service for service in services or [] if service["Provider"] == "consul"]
        return tuple(registration(self.allocation, one, task, environment, self._place.node) for one in wanted)
