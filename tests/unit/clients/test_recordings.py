"""Every recorded answer of both Nomads and of Consul is readable by the clients, errors with the server's own words."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from fakes.recordings import ROOT, SERVERS, Recording, recording, recordings
from outrider_ground.errors import ConflictError, OutriderError, RemoteError

from outrider.clients.consul import ConsulClient, consul_client
from outrider.clients.http import Call, Connection, Server, json_of
from outrider.clients.nomad import NomadClient, nomad_client
from outrider.server_settings import ConsulSettings, NomadSettings

NOMADS = ("nomad-2.0.5", "nomad-1.6.5")
JOB = {"ID": "rec", "Name": "rec"}
BAD_JOB = {"ID": "bad", "Name": "bad"}

NomadCall = Callable[[NomadClient, Recording], Awaitable[Any]]
NOMAD_READS: dict[str, NomadCall] = {
    "01-agent-self": lambda nomad, _: nomad.agent_self(),
    "02-status-leader": lambda nomad, _: nomad.leader(),
    "03-regions": lambda nomad, _: nomad.regions(),
    "04-nodes": lambda nomad, _: nomad.nodes(),
    "05-node": lambda nomad, made: nomad.node(made.segments[-1]),
    "06-jobs-empty": lambda nomad, _: nomad.jobs("nothing"),
    "08-job-missing-allocations": lambda nomad, _: nomad.allocations("nothing"),
    "09-job-missing-deployment": lambda nomad, _: nomad.deployment_of("nothing"),
    "15-validate-invalid": lambda nomad, _: nomad.validate(BAD_JOB),
    "17-plan-new": lambda nomad, _: nomad.plan(JOB),
    "19-register": lambda nomad, _: nomad.register(JOB),
    "20-evaluation": lambda nomad, made: nomad.evaluation(made.segments[-1]),
    "22-job": lambda nomad, _: nomad.job("rec"),
    "23-jobs": lambda nomad, _: nomad.jobs(),
    "25-job-deployment": lambda nomad, _: nomad.deployment_of("rec"),
    "27-job-evaluations": lambda nomad, _: nomad.evaluations("rec"),
    "28-job-allocations": lambda nomad, _: nomad.allocations("rec"),
    "29-allocation": lambda nomad, made: nomad.allocation(made.segments[-1]),
    "34-plan-same": lambda nomad, _: nomad.plan(JOB),
    "35-plan-count": lambda nomad, _: nomad.plan(JOB),
    "36-plan-destructive": lambda nomad, _: nomad.plan(JOB),
    "37-plan-no-room": lambda nomad, _: nomad.plan(JOB),
    "38-register-update": lambda nomad, _: nomad.register(JOB, 131),
    "47-promote": lambda nomad, made: nomad.promote(made.segments[-1]),
    "50-fail": lambda nomad, made: nomad.fail(made.segments[-1]),
    "64-allocation-restart": lambda nomad, made: nomad.restart(made.segments[-2], "app"),
    "73-stop": lambda nomad, _: nomad.deregister("rec"),
    "76-purge": lambda nomad, _: nomad.deregister("rec", purge=True),
    "79-impossible-evaluations": lambda nomad, _: nomad.evaluations("rec2"),
}
NOMAD_REFUSALS: dict[str, tuple[NomadCall, type[OutriderError]]] = {
    "11-allocation-short-id": (lambda nomad, _: nomad.allocation("8b"), RemoteError),
    "14-register-invalid": (lambda nomad, _: nomad.register(BAD_JOB), RemoteError),
    "18-register-enforce-index-wrong": (lambda nomad, _: nomad.register(JOB, 77), ConflictError),
    "46-scale-while-deploying": (lambda nomad, _: nomad.scale("rec", "rec", 2, "more"), ConflictError),
    "48-promote-again": (lambda nomad, made: nomad.promote(made.segments[-1]), ConflictError),
    "62-scale": (lambda nomad, _: nomad.scale("rec", "rec", 2, "more"), ConflictError),
    "66-job-bad-region": (lambda nomad, _: nomad.jobs(), RemoteError),
}
NOMAD_ABSENT: dict[str, NomadCall] = {
    "07-job-missing": lambda nomad, _: nomad.job("nothing"),
    "10-allocation-missing": lambda nomad, made: nomad.allocation(made.segments[-1]),
    "77-job-purged": lambda nomad, _: nomad.job("rec"),
}

ConsulCall = Callable[[ConsulClient], Awaitable[Any]]
CONSUL_READS: dict[str, ConsulCall] = {
    "01-self": lambda consul: consul.agent_self(),
    "02-leader": lambda consul: consul.leader(),
    "03-datacenters": lambda consul: consul.datacenters(),
    "05-services-before": lambda consul: consul.services(),
    "17-agent-checks": lambda consul: consul.agent_checks(),
    "43-catalog-services": lambda consul: consul.services(),
    "52-kv-put": lambda consul: consul.put_key("rec/key", b"value"),
    "57-kv-cas-wrong": lambda consul: consul.put_key("rec/key", b"other"),
}
CONSUL_HEALTH = ("08-health-unknown", "22-health-critical", "34-health-warning", "40-health-maintenance")


def nomad_of(made: Recording) -> NomadClient:
    return nomad_client("http://nomad:4646", NomadSettings(), transport=made.transport())


def consul_of(made: Recording) -> ConsulClient:
    return consul_client("http://consul:8500", ConsulSettings(), transport=made.transport())


@pytest.mark.parametrize(
    "made", [pytest.param(one, id=f"{one.server}/{one.name}") for s in SERVERS for one in recordings(s)]
)
async def test_every_recorded_answer_is_read_or_refused_with_the_servers_own_words(made: Recording) -> None:
    connection = Connection(Server("the server", "http://recorded", "Look."), made.transport())
    call = Call(made.method, made.segments)
    if made.status < 300:
        response = await connection.answer(call)
        assert json_of(connection, call, response) == made.body if made.is_json else response.text == made.body
    else:
        with pytest.raises(RemoteError) as raised:
            await connection.answer(call)
        assert raised.value.status == made.status
        assert made.content.decode().strip()[:100] in raised.value.message
    await connection.close()


@pytest.mark.parametrize("server", NOMADS)
@pytest.mark.parametrize("name", NOMAD_READS)
async def test_the_nomad_client_returns_the_recorded_document(server: str, name: str) -> None:
    made = recording(server, name)
    assert await NOMAD_READS[name](nomad_of(made), made) == made.body


@pytest.mark.parametrize("server", NOMADS)
@pytest.mark.parametrize("name", NOMAD_REFUSALS)
async def test_what_nomad_refuses_has_the_class_of_who_must_act_and_nomads_words(server: str, name: str) -> None:
    made = recording(server, name)
    call, kind = NOMAD_REFUSALS[name]
    with pytest.raises(kind, match="Nomad at http://nomad:4646 answered") as raised:
        await call(nomad_of(made), made)
    assert made.body.strip() in raised.value.message


@pytest.mark.parametrize("server", NOMADS)
@pytest.mark.parametrize("name", NOMAD_ABSENT)
async def test_what_nomad_does_not_have_is_none(server: str, name: str) -> None:
    made = recording(server, name)
    assert await NOMAD_ABSENT[name](nomad_of(made), made) is None


@pytest.mark.parametrize("server", NOMADS)
@pytest.mark.parametrize("name", ["44-deployment-canary-waiting", "51-deployment-failed"])
async def test_a_deployment_comes_with_the_index_to_wait_on(server: str, name: str) -> None:
    made = recording(server, name)
    assert await nomad_of(made).deployment(made.segments[-1]) == (made.body, int(made.headers["X-Nomad-Index"]))


@pytest.mark.parametrize("server", NOMADS)
async def test_versions_come_without_their_wrapping(server: str) -> None:
    made = recording(server, "42-versions")
    assert await nomad_of(made).versions("rec") == made.body["Versions"]


@pytest.mark.parametrize("server", NOMADS)
async def test_plain_logs_come_as_their_bytes(server: str) -> None:
    made = recording(server, "57-logs-stderr-plain")
    chunks = [chunk async for chunk in nomad_of(made).logs(made.segments[-1], "app", "stderr")]
    assert b"".join(chunks) == made.content


@pytest.mark.parametrize("server", NOMADS)
async def test_the_event_stream_comes_in_batches_and_a_heartbeat_is_an_empty_one(server: str) -> None:
    text = next((ROOT / server).glob("*.ndjson")).read_bytes()

    async def body() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 1000):
            yield text[start : start + 1000]

    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body()))
    nomad = nomad_client("http://nomad:4646", NomadSettings(), transport=transport)
    batches = [batch async for batch in nomad.events(0, ("Allocation:rec3",))]
    assert {} in batches
    assert all(batch["Events"] for batch in batches if batch)


async def test_an_error_in_the_middle_of_the_event_stream_is_one_with_its_words() -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=b"{}\nPermission denied\n"))
    nomad = nomad_client("http://nomad:4646", NomadSettings(), transport=transport)
    with pytest.raises(RemoteError, match="ended its event stream: Permission denied"):
        assert [batch async for batch in nomad.events()] == [{}]


@pytest.mark.parametrize("name", CONSUL_READS)
async def test_the_consul_client_returns_the_recorded_document(name: str) -> None:
    made = recording("consul-1.8.7", name)
    assert await CONSUL_READS[name](consul_of(made)) == made.body


@pytest.mark.parametrize("name", CONSUL_HEALTH)
async def test_health_comes_with_the_index_to_wait_on(name: str) -> None:
    made = recording("consul-1.8.7", name)
    expected = (made.body, int(made.headers["X-Consul-Index"]))
    assert await consul_of(made).health(made.segments[-1]) == expected


async def test_a_key_is_its_bytes_and_a_missing_one_is_none() -> None:
    made = recording("consul-1.8.7", "53-kv-get")
    assert await consul_of(made).key("rec/key") == base64.b64decode(made.body[0]["Value"])
    assert await consul_of(recording("consul-1.8.7", "51-kv-missing")).key("rec/none") is None


async def test_an_index_that_is_missing_or_no_number_counts_as_one() -> None:
    for headers in ({}, {"X-Consul-Index": "soon"}, {"X-Consul-Index": "0"}):
        transport = httpx2.MockTransport(
            lambda _, headers=headers: httpx2.Response(200, headers=headers, content=b"[]")
        )
        consul = consul_client("http://consul:8500", ConsulSettings(), transport=transport)
        assert await consul.health("any") == ([], 1)
