"""The proof that a killed instance costs nobody a request, but for what it was working on."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from outrider_ground.errors import OutriderError

from outrider.clients.nomad import NomadClient
from outrider.programs.demonstration.claims import Claim
from outrider.programs.demonstration.load import Load, Outcome, Request, load
from outrider.programs.demonstration.processes import Process, kill, processes_below
from outrider.topology import names

RATE = 100.0
BEFORE_S = 3.0
AFTER_S = 12.0
# A caller's Envoy reads the end of its connections in its next turn; until then it cannot know.
NOTICE_S = 0.02
VICTIM, CALLER = "catalog", "storefront"
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Kill:
    """From the first signal until its processes were gone and callers could know (monotonic seconds); how many died."""

    begin: float
    end: float
    processes: int


async def killed_under_load(nomad: NomadClient, folder: Path) -> Claim:
    """Kill every process of one of two instances while their caller's sidecar is under load."""
    address = f"http://127.0.0.1:{await _egress_port(nomad)}"
    ring = [Request("GET", f"{address}/items"), Request("POST", f"{address}/items/1/views")]
    async with load(ring, RATE) as account:
        await asyncio.sleep(BEFORE_S)
        killed = await _killed(await asyncio.to_thread(_processes, folder, (await _running(nomad, VICTIM))[0]["ID"]))
        await asyncio.sleep(AFTER_S)
    return verdict(account, killed)


def verdict(account: Load, kill: Kill) -> Claim:
    """Of what can be repeated nothing may be lost; of the rest only what was in flight on the victim."""
    excused = [outcome for outcome in account.lost if _is_excused(outcome, kill)]
    seen = (
        f"{len(account.outcomes)} requests at {account.rate:.0f}/s, {kill.processes} processes killed at once, "
        f"{len(account.lost)} lost ({len(excused)} POST in flight on the victim)"
    )
    holds = bool(account.outcomes) and kill.processes > 0 and len(excused) == len(account.lost)
    cases = tuple(str(outcome) for outcome in account.lost)
    return Claim(f"an instance of {VICTIM} killed under load loses no request but its own POSTs", holds, seen, cases)


def _is_excused(outcome: Outcome, kill: Kill) -> bool:
    return outcome.method not in IDEMPOTENT and outcome.was_in_flight(kill.begin, kill.end)


def _processes(folder: Path, allocation: str) -> tuple[Process, ...]:
    return tuple(process for process in processes_below(folder) if allocation in process.folder)


async def _killed(victims: tuple[Process, ...]) -> Kill:
    begin = time.monotonic()
    await kill(victims)
    return Kill(begin, time.monotonic() + NOTICE_S, len(victims))


async def _egress_port(nomad: NomadClient) -> int:
    caller = await nomad.allocation((await _running(nomad, CALLER))[0]["ID"])
    ports = (caller or {})["AllocatedResources"]["Shared"]["Ports"]
    return next(port["Value"] for port in ports if port["Label"] == names.egress_label(VICTIM))


async def _running(nomad: NomadClient, service: str) -> list[dict[str, str]]:
    found = [entry for entry in await nomad.allocations(service) if entry["ClientStatus"] == "running"]
    if not found:
        raise OutriderError(f"no allocation of {service} is running")
    return found
