"""What the portal's client of Consul makes of an answer."""

from __future__ import annotations

import httpx2
from outrider_harness.scripted_consul import entry

from outrider.clients.consul import consul_client
from outrider.server_settings import ConsulSettings


async def test_instances_of_a_service_whose_name_differs_in_case_are_left_out() -> None:
    listed = [entry("10.0.0.1", 80, Service="web"), entry("10.0.0.2", 80, Service="Web"), entry("10.0.0.3", 80)]
    answer = httpx2.Response(200, json=listed, headers={"X-Consul-Index": "7"})
    client = consul_client("http://consul", ConsulSettings(), transport=httpx2.MockTransport(lambda _request: answer))
    found, index = await client.health("web")
    assert ([one["Service"]["Address"] for one in found], index) == (["10.0.0.1", "10.0.0.3"], 7)


async def test_the_checks_of_the_agent_come_by_their_ids() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        found = {"a": {"CheckID": "a", "Output": "refused"}} if request.url.path == "/v1/agent/checks" else {}
        return httpx2.Response(200, json=found)

    client = consul_client("http://consul", ConsulSettings(), transport=httpx2.MockTransport(answer))
    assert (await client.agent_checks())["a"]["Output"] == "refused"
