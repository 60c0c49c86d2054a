"""Every call recorded of Consul 1.8.7, replayed in its order against the embedded registry."""

from __future__ import annotations

from urllib.parse import quote

import httpx2
from outrider_embedded.registry.running import running_registry
from recordings.unanswered import CONSUL
from support.replay import Answer, Recording, differences, recordings

EXACT = frozenset(
    {
        "content-type",
        "allow",
        "x-consul-effective-consistency",
        "x-consul-knownleader",
        "x-consul-lastcontact",
        "x-consul-reason",
        "x-cache",
    },
)
PRESENT = frozenset({"x-consul-index", "x-consul-contenthash", "age"})
BEFORE = 11
"""Recordings 5 to 7 show what Nomad had registered on the machine before the calls began."""


async def _answer(client: httpx2.AsyncClient, recorded: Recording) -> Answer:
    response = await client.request(recorded.method, quote(recorded.path, safe="/?&=%:"), content=recorded.content)
    return Answer(response.status_code, response.headers, response.text)


def _registrations(calls: dict[str, Recording]) -> list[dict[str, object]]:
    services = calls["06-agent-services-empty"].body
    checks = calls["07-agent-checks-empty"].body
    return [
        {
            **{name: service[name] for name in ("ID", "Tags", "Meta", "Port", "Address")},
            "Name": service["Service"],
            "Checks": [
                {"CheckID": check["CheckID"], "Name": check["Name"], "TTL": "1h", "Status": check["Status"]}
                for check in checks.values()
                if check["ServiceID"] == service["ID"]
            ],
        }
        for service in services.values()
    ]


async def test_every_recorded_call_is_answered_alike() -> None:
    calls = recordings("consul-1.8.7")
    assert len(calls) > 60
    found: dict[str, list[str]] = {}
    async with running_registry("vm") as running, httpx2.AsyncClient(base_url=running.address) as client:
        for registration in _registrations({call.name: call for call in calls}):
            (await client.put("/v1/agent/service/register", json=registration)).raise_for_status()
        for call in calls:
            answer = await _answer(client, call)
            different = differences(call, answer, EXACT, PRESENT)
            if bool(different) != (call.name in CONSUL):
                found[call.name] = different or ["is answered alike: take it off the list"]
    assert found == {}
