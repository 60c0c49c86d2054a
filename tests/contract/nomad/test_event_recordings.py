"""Events have the shapes that were recorded of Nomad 2.0.5."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
from outrider_embedded.cluster import ClusterPorts, cluster
from support.replay import FOLDER, recordings, shape_differences

Document = dict[str, Any]

_EARLY_OR_LATE = {"DeploymentStatus", "TaskStates", "RequireProgressBy", "NetworkStatus", "ClientDescription"}
"""What an event has or has not by the moment at which it was sent."""


def recorded_events() -> list[Document]:
    lines = (FOLDER / "nomad-2.0.5" / "event-stream.ndjson").read_text().replace("rec3", "rec").splitlines()
    return [event for line in lines for event in json.loads(line).get("Events", [])]


def without_moment(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_moment(one) for key, one in value.items() if key not in _EARLY_OR_LATE}
    return [without_moment(one) for one in value] if isinstance(value, list) else value


async def seen_events(address: str, job: Document) -> list[Document]:
    """What the stream tells of a job from its registration to the end of its deployment."""
    seen: list[Document] = []
    async with (
        httpx2.AsyncClient(base_url=address, timeout=60) as client,
        client.stream("GET", "/v1/event/stream", params={"topic": f"*:{job['ID']}"}) as answer,
        asyncio.timeout(60),
    ):
        await client.post("/v1/jobs", json={"Job": job})
        async for line in answer.aiter_lines():
            seen += json.loads(line).get("Events", []) if line.strip() else []
            if any(one["Payload"].get("Deployment", {}).get("Status") == "successful" for one in seen):
                return seen
    raise AssertionError("the stream ended")


async def test_events_look_like_the_recorded_ones(tmp_path: Path) -> None:
    registration = next(call for call in recordings("nomad-2.0.5") if call.name == "19-register")
    async with cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26700, 26750))) as running:
        seen = await seen_events(running.nomad_address, registration.request["Job"])
    recorded = [without_moment(one) for one in recorded_events()]
    assert {one["Topic"] for one in seen} == {one["Topic"] for one in recorded}
    found: dict[str, list[str]] = {}
    for event in map(without_moment, seen):
        like = [one for one in recorded if one["Topic"] == event["Topic"]]
        different = min((list(shape_differences(one, event)) for one in like), key=len)
        if different:
            found[f"{event['Topic']} {event['Type']}"] = different
    assert found == {}
