"""Every call recorded of Nomad 2.0.5 and 1.6.5, replayed in its order against the embedded scheduler."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from outrider_embedded.cluster import ClusterPorts, cluster
from recordings.unanswered import NOMAD
from support.replay import Answer, Recording, differences, recordings, shape_differences

EXACT = frozenset({"content-type"})
PRESENT = frozenset({"x-nomad-index", "x-nomad-knownleader", "x-nomad-lastcontact"})
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DEADLINE_S = 40


class Replay:
    """The calls in their order; ids of the recording stand for those that the server under test has given."""

    def __init__(self, client: httpx2.AsyncClient, calls: list[Recording]) -> None:
        self.client, self.calls = client, calls
        self.ids: dict[str, str] = {}

    async def answer(self, call: Recording) -> Answer:
        await self._reach(call)
        path = _UUID.sub(lambda found: self.ids.get(found[0], found[0]), call.path)
        content = _UUID.sub(lambda found: self.ids.get(found[0], found[0]), (call.content or b"").decode())
        async with self.client.stream(call.method, path, content=content.encode() or None) as response:
            text = (await response.aread()).decode()
        answer = Answer(response.status_code, response.headers, text)
        self._learn(call, answer, response)
        return answer

    def _learn(self, call: Recording, answer: Answer, response: httpx2.Response) -> None:
        """Pair the ids that a recorded answer gives with those of this answer."""
        if answer.status == 200 and isinstance(call.body, dict) and "EvalID" in call.body:
            self.ids[call.body["EvalID"]] = response.json()["EvalID"]
        if call.name == "04-nodes":
            self.ids[call.body[0]["ID"]] = response.json()[0]["ID"]

    async def _reach(self, call: Recording) -> None:
        """Wait until the cluster stands where the recorded one stood at this call."""
        number = call.name[:2]
        if number in _STEPS:
            version, status, needs_canary = _STEPS[number]
            deployment = await self._deployment(version, status, needs_canary)
            self._pair_deployment(call, deployment)
            await self._pair_allocation(call, version)
        elif number == "73":
            await self._until(self._is_healthy)
        elif number in {"41", "75"}:
            await self._until(self._is_settled)

    def _pair_deployment(self, call: Recording, deployment: dict[str, Any]) -> None:
        found = _UUID.search(call.path)
        if found and "/deployment/" in call.path:
            self.ids[found[0]] = deployment["ID"]

    async def _pair_allocation(self, call: Recording, version: int) -> None:
        """The recorded allocation of a path is the youngest of that job version."""
        wanted = [_UUID.search(one.path) for one in self.calls if "/allocation/" in one.path or "/fs/" in one.path]
        allocations = (await self.client.get("/v1/job/rec/allocations")).json()
        own = [one["ID"] for one in allocations if one["JobVersion"] == version]
        known = _ALLOCATIONS.get(version, ())
        for found in wanted:
            if found and found[0][:8] in known and own:
                self.ids[found[0]] = own[0]

    async def _deployment(self, version: int, status: str, needs_canary: bool) -> dict[str, Any]:
        async def found() -> dict[str, Any] | None:
            for one in (await self.client.get("/v1/job/rec/deployments")).json():
                healthy = one["TaskGroups"]["rec"]["HealthyAllocs"]
                if (one["JobVersion"], one["Status"]) == (version, status) and (healthy or not needs_canary):
                    return one
            return None

        return await self._until(found)

    async def _is_settled(self) -> bool:
        allocations = (await self.client.get("/v1/job/rec/allocations")).json()
        return all(
            one["DesiredStatus"] == "run" or one["ClientStatus"] in {"complete", "failed"} for one in allocations
        )

    async def _is_healthy(self) -> bool:
        allocations = (await self.client.get("/v1/job/rec/allocations")).json()
        living = [one for one in allocations if one["DesiredStatus"] == "run" and one["ClientStatus"] != "failed"]
        return all((one["DeploymentStatus"] or {}).get("Healthy") for one in living)

    async def _until(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(_DEADLINE_S):
            while True:
                if value := await condition():
                    return value
                await asyncio.sleep(0.05)


_STEPS: dict[str, tuple[int, str, bool]] = {
    "21": (0, "successful", False),
    "40": (1, "successful", False),
    "44": (2, "running", True),
    "50": (3, "running", True),
    "52": (4, "successful", False),
    "53": (5, "running", False),
    "54": (6, "running", True),
    "56": (5, "failed", False),
    "64": (6, "running", True),
}
"""Before the call: the version whose deployment has this status, and whether its canary is healthy."""

_ALLOCATIONS: dict[int, tuple[str, ...]] = {
    0: ("cda1152a", "489a5bb3"),
    5: ("da971e2d", "d1998e13"),
    6: ("6700edec", "3b166d98"),
}
"""The first characters of the recorded allocations that later calls name, by job version."""


_OF_THE_MACHINE = frozenset(
    {
        *("Attributes", "ClassEligibility", "ConfigPaths", "ConstraintFiltered", "Drivers", "Files", "HostNetworks"),
        *("Meta", "Options", "Pids", "Tags"),
    }
)
"""What is named after this machine's things, not fields."""


def normal(value: Any) -> Any:
    """A document with what differs from run to run, or from machine to machine, made alike."""
    if isinstance(value, list):
        items = [normal(one) for one in value]
        ordered = all(isinstance(one, dict) and "CreateIndex" in one for one in value)
        return sorted(items, key=lambda one: one["CreateIndex"]) if ordered else items
    if not isinstance(value, dict):
        return value
    result = {key: normal(one) for key, one in value.items()}
    for key in _OF_THE_MACHINE & result.keys():
        result[key] = "of the machine" if isinstance(result[key], (dict, list)) else result[key]
    if result.get("Tasks") and isinstance(result["Tasks"], dict):
        result["Tasks"] = {"*": next(iter(result["Tasks"].values()))}
    if isinstance(result.get("Events"), list):
        result["Events"] = {one["Type"]: one for one in result["Events"] if "Type" in one}
    return result


def _normal_call(call: Recording) -> Recording:
    return replace(
        call, body=re.sub(r"port=\d+", "port=0", call.body) if isinstance(call.body, str) else normal(call.body)
    )


def _normal_answer(answer: Answer) -> Answer:
    if "json" not in answer.headers.get("content-type", ""):
        return replace(answer, body=re.sub(r"port=\d+", "port=0", answer.body))
    return replace(answer, body=json.dumps(normal(json.loads(answer.body))))


def _known(server: str) -> dict[str, set[str]]:
    """How the recording of the version that is imitated differs from this one."""
    newest = {call.name: _normal_call(call) for call in recordings("nomad-2.0.5")}
    calls = [_normal_call(call) for call in recordings(server)]
    return {
        call.name: {_placeless(one) for one in shape_differences(call.body, newest[call.name].body)} for call in calls
    }


def _placeless(difference: str) -> str:
    return re.sub(r"\[\d+\]", "[]", difference)


@pytest.mark.parametrize("server", ["nomad-2.0.5", "nomad-1.6.5"])
async def test_every_recorded_call_is_answered_alike(server: str, tmp_path: Path) -> None:
    calls, known = recordings(server), _known(server)
    assert len(calls) == 80
    found: dict[str, list[str]] = {}
    async with (
        cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26000, 26500))) as running,
        httpx2.AsyncClient(base_url=running.nomad_address, timeout=30) as client,
    ):
        replay = Replay(client, calls)
        for call in calls:
            answer = await replay.answer(call)
            all_different = differences(_normal_call(call), _normal_answer(answer), EXACT, PRESENT)
            different = [one for one in all_different if _placeless(one) not in known[call.name]]
            if bool(different) != (call.name in NOMAD[server]):
                found[call.name] = different or ["is answered alike: take it off the list"]
    assert not found, "\n".join(f"{name}: {line}" for name, lines in found.items() for line in lines)
