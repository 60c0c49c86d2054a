"""The proof, without a person, that the demonstration does what it says."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from outrider.clients.nomad import NomadClient
from outrider.clients.portal import PortalClient
from outrider.operations.answers.status import Status
from outrider.programs.demonstration.claims import Claim
from outrider.programs.demonstration.loss import killed_under_load
from outrider.programs.demonstration.polling import polled
from outrider.programs.demonstration.processes import Process, processes_below, still_running
from outrider.programs.demonstration.shop import Spec, deploy_one

HEALTHY_S = 60.0
TRAFFIC_S = 60.0
END_S = 20.0
REDEPLOYED = "inventory"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the proof takes place: one environment of the one-machine cluster, and its folder of allocations."""

    environment: str
    portal: PortalClient
    nomad: NomadClient
    folder: Path
    specs: tuple[Spec, ...]


async def findings(stage: Stage) -> AsyncGenerator[Claim]:
    """Each finding as soon as it is known; the load and the kill come between quiet looks."""
    yield await everything_healthy(stage)
    yield await every_edge_used(stage)
    yield await killed_under_load(stage.nomad, stage.folder)
    yield await everything_healthy(stage)
    yield await others_untouched(stage)


async def everything_healthy(stage: Stage) -> Claim:
    """As many healthy allocations as are wanted, for each service."""

    async def ailing() -> list[str]:
        known = {one.service: one for one in (await stage.portal.services(stage.environment)).services}
        return [
            _ailment(spec.service, known.get(spec.service))
            for spec in stage.specs
            if _is_ailing(known.get(spec.service))
        ]

    left = await polled(ailing, lambda found: not found, HEALTHY_S)
    return Claim(
        "every service is healthy", not left, f"{len(stage.specs) - len(left)} of {len(stage.specs)}", tuple(left)
    )


def _is_ailing(status: Status | None) -> bool:
    return status is None or not status.count or (status.healthy or 0) < status.count


def _ailment(service: str, status: Status | None) -> str:
    return f"{service}: {status.healthy} of {status.count} healthy" if status else f"{service}: unknown to the portal"


async def every_edge_used(stage: Stage) -> Claim:
    """Every declared upstream is called, as the caller's sidecar measures it."""
    declared = {(spec.service, upstream) for spec in stage.specs for upstream in spec.upstreams}

    async def unused() -> set[tuple[str, str]]:
        measured = (await stage.portal.graph(stage.environment)).edges
        return declared - {(edge.source, edge.target) for edge in measured if (edge.requests_per_second or 0) > 0}

    left = await polled(unused, lambda found: not found, TRAFFIC_S)
    cases = tuple(f"{source} → {target}: no request" for source, target in sorted(left))
    return Claim(
        "every declared edge carries requests", not left, f"{len(declared) - len(left)} of {len(declared)}", cases
    )


async def others_untouched(stage: Stage) -> Claim:
    """After a redeploy of one service every other service's Envoy is the same process with the same configuration."""
    allocations = await _allocations(stage)
    before = _envoys(stage.folder, allocations)
    spec = next(spec for spec in stage.specs if spec.service == REDEPLOYED)
    await deploy_one(stage.portal, stage.environment, replace(spec, text=f'{spec.text}env: {{REDEPLOYED: "yes"}}\n'))
    after = _envoys(stage.folder, allocations)
    touched = sorted(before.items() - after.items())
    cases = tuple(f"{service}: {process.command[0]} (process {process.number})" for (service, process), _ in touched)
    return Claim(
        f"a redeploy of {REDEPLOYED} leaves every other Envoy untouched",
        bool(before) and not touched,
        f"{len(before)} looked at",
        cases,
    )


async def _allocations(stage: Stage) -> dict[str, str]:
    """Identifiers of the running allocations of all services but the one that is redeployed, with their service."""
    others = [spec.service for spec in stage.specs if spec.service != REDEPLOYED]
    listed = [(service, entry) for service in others for entry in await stage.nomad.allocations(service)]
    return {entry["ID"]: service for service, entry in listed if entry["ClientStatus"] == "running"}


def _envoys(folder: Path, allocations: dict[str, str]) -> dict[tuple[str, Process], int]:
    """Each Envoy of those allocations, with a checksum of the bootstrap that it was started with."""
    envoys = [process for process in processes_below(folder) if process.program == "envoy"]
    return {(service, envoy): _checksum(envoy) for envoy in envoys for service in _owners(envoy, allocations)}


def _owners(envoy: Process, allocations: dict[str, str]) -> Iterable[str]:
    return (service for allocation, service in allocations.items() if allocation in envoy.folder)


def _checksum(envoy: Process) -> int:
    return zlib.crc32(b"".join(file.read_bytes() for file in sorted(Path(envoy.folder).glob("local/*.json"))))


async def everything_ended(processes: tuple[Process, ...]) -> Claim:
    """Nothing that the cluster started outlives it."""

    async def left() -> tuple[Process, ...]:
        return still_running(processes)

    alive = await polled(left, lambda found: not found, END_S)
    cases = tuple(f"process {process.number}: {' '.join(process.command)}" for process in alive)
    return Claim(
        "all processes are gone at the end", bool(processes) and not alive, f"{len(processes)} were running", cases
    )
