"""Checks as they run: one task per probe, one for what falls due; the verdicts go to the agent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from outrider_embedded.registry import probe_grpc, probe_http, probe_script, probe_tcp
from outrider_embedded.registry.check import CRITICAL
from outrider_embedded.registry.definition import Definition
from outrider_embedded.registry.probe_result import ProbeResult, Threshold
from outrider_embedded.registry.state import Registry

_PROBES: dict[str, Callable[[Definition], Awaitable[ProbeResult]]] = {
    "http": probe_http.verdict,
    "tcp": probe_tcp.verdict,
    "script": probe_script.verdict,
    "grpc": probe_grpc.verdict,
}
_IDLE_S = 3600.0


@contextlib.asynccontextmanager
async def probing(registry: Registry) -> AsyncGenerator[None]:
    """Run the agent's checks while the block runs, those that are registered meanwhile too."""
    probes = _Probes(registry)
    registry.call_after_writes(probes.follow)
    due = asyncio.create_task(probes.watch_deadlines())
    try:
        yield
    finally:
        await _ended([due, *probes.stop()])


@dataclass(frozen=True, slots=True)
class _Running:
    wanted: Definition
    task: asyncio.Task[None]


class _Probes:
    """The tasks by check id, kept in step with the agent's definitions."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._running: dict[str, _Running] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    def follow(self) -> None:
        """Start, end and replace probes after a write."""
        self._news.set()
        for check_id in self._registry.agent.take_redefined():
            wanted = self._registry.agent.definitions.get(check_id)
            running = self._running.get(check_id)
            if running is not None and running.wanted != wanted:
                self._end(check_id)
            if wanted is not None and wanted.kind in _PROBES and check_id not in self._running:
                self._running[check_id] = _Running(wanted, asyncio.create_task(self._repeat(wanted)))

    def stop(self) -> list[asyncio.Task[None]]:
        """End all probes; gives the tasks that are still ending."""
        for check_id in list(self._running):
            self._end(check_id)
        return list(self._ending)

    async def watch_deadlines(self) -> None:
        """Let the agent do what falls due, when it falls due."""
        while True:
            self._news.clear()
            at = self._registry.agent.deadlines.next()
            wait_s = _IDLE_S if at is None else max(0.0, at - time.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):  # wait_for loses a cancellation that comes with the news
                    await self._news.wait()
            self._registry.agent.expire()
            self._registry.publish_if_written()

    def _end(self, check_id: str) -> None:
        task = self._running.pop(check_id).task
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _repeat(self, wanted: Definition) -> None:
        threshold = Threshold(wanted.passes_needed, wanted.failures_needed)
        while True:
            found = await _found(wanted)
            if threshold.is_reached(is_critical=found.status == CRITICAL):
                self._registry.agent.update(wanted.id, found.status, found.output)
                self._registry.publish()
            await asyncio.sleep(wanted.interval)


async def _found(wanted: Definition) -> ProbeResult:
    try:
        return await _PROBES[wanted.kind](wanted)
    except Exception as error:  # noqa: BLE001  # whatever a definition makes a probe stumble over is that check's failure
        return ProbeResult(CRITICAL, f"{type(error).__name__}: {error}")


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
