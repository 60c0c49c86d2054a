"""What doctor says of a real Nomad with ACLs, one right of the portal's token after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any

import httpx2
import pytest
from outrider_ground.errors import ConflictError
from outrider_harness.nomads import Servers, nomad_server

from outrider.clients.nomad import NomadClient, nomad_client
from outrider.operations.doctor.findings import Finding
from outrider.operations.doctor.nomad import nomad_findings
from outrider.operations.doctor.rights import CAPABILITIES
from outrider.server_settings import NomadSettings
from outrider.spec.platform import Environment, Platform

pytestmark = pytest.mark.needs("nomad", "consul")
NODE, AGENT = 'node { policy = "read" }', 'agent { policy = "read" }'
NUMBERS = count(1)
Token = Callable[..., str]


@pytest.fixture(scope="module")
def closed(program: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """One for all tests of this file: it takes half a minute to start."""
    directory = tmp_path_factory.mktemp("nomad-acls")
    with nomad_server(program("nomad"), program("consul"), directory, with_acls=True) as servers:
        yield servers


@pytest.fixture
def token(closed: Servers) -> Token:
    """Makes a token with these rules, of a policy or of a role that has it."""

    def made(*rules: str, by_role: bool = False) -> str:
        name = f"policy-{next(NUMBERS)}"
        posted(closed, f"/v1/acl/policy/{name}", {"Name": name, "Rules": "\n".join(rules)})
        held: dict[str, Any] = {"Policies": [name]}
        if by_role:
            role = posted(closed, "/v1/acl/role", {"Name": name, "Policies": [{"Name": name}]})
            held = {"Roles": [{"ID": role["ID"]}]}
        return str(posted(closed, "/v1/acl/token", {"Name": name, "Type": "client", **held})["SecretID"])

    return made


def posted(servers: Servers, path: str, document: dict[str, Any]) -> Any:
    answer = httpx2.post(f"{servers.nomad}{path}", json=document, headers=servers.headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json() if answer.content else None


def namespace(*capabilities: str, name: str = "default") -> str:
    listed = ", ".join(f'"{one}"' for one in capabilities)
    return f'namespace "{name}" {{ capabilities = [{listed}] }}'


def environment(address: str) -> Environment:
    servers = {"nomad": {"address": address}, "consul": {"address": "http://consul"}, "driver": "raw_exec"}
    return Platform.model_validate({"environments": {"stage": servers}}).environments["stage"]


async def failures(servers: Servers, secret: str) -> list[Finding]:
    nomad = nomad_client(servers.nomad, NomadSettings(token=secret), region="global", namespace="default")
    try:
        return [
            one for one in await nomad_findings("stage", environment(servers.nomad), nomad) if one.level == "failed"
        ]
    finally:
        await nomad.close()


async def test_a_nomad_without_acls_lacks_nothing(real_nomad: Servers) -> None:
    assert await failures(real_nomad, "") == []


@pytest.mark.parametrize("by_role", [False, True])
async def test_the_documented_rights_are_enough_for_the_portal(closed: Servers, token: Token, *, by_role: bool) -> None:
    assert await failures(closed, token(namespace(*CAPABILITIES), NODE, AGENT, by_role=by_role)) == []


@pytest.mark.parametrize("capability", CAPABILITIES)
async def test_each_capability_that_the_portal_lacks_is_an_error_that_names_it(
    closed: Servers, token: Token, capability: str
) -> None:
    others = [one for one in CAPABILITIES if one != capability]
    (said,) = await failures(closed, token(namespace(*others), NODE, AGENT))
    assert said.what == f"the portal's token lacks {capability} in namespace default"
    assert namespace(*CAPABILITIES) in said.next_step


async def test_a_portal_that_may_not_see_nodes_is_an_error_that_names_the_right(closed: Servers, token: Token) -> None:
    (said,) = await failures(closed, token(namespace(*CAPABILITIES), AGENT))
    assert NODE in said.next_step


@pytest.mark.parametrize("rule", ['namespace "default" { policy = "write" }', 'namespace "*" { policy = "write" }'])
async def test_the_word_write_holds_all_of_them(closed: Servers, token: Token, rule: str) -> None:
    assert await failures(closed, token(rule, NODE, AGENT)) == []


async def test_rights_in_another_namespace_are_none(closed: Servers, token: Token) -> None:
    said = await failures(closed, token(namespace(*CAPABILITIES, name="other"), NODE, AGENT))
    assert {one.what.split()[4] for one in said} == set(CAPABILITIES)


SLEEPER: dict[str, Any] = {
    "ID": "sleeper",
    "Name": "sleeper",
    "Type": "service",
    "Datacenters": ["*"],
    "TaskGroups": [
        {
            "Name": "sleeper",
            "Count": 1,
            "Update": {"MaxParallel": 1, "MinHealthyTime": 0},
            "Tasks": [
                {
                    "Name": "app",
                    "Driver": "raw_exec",
                    "Config": {"command": "/bin/sh", "args": ["-c", "echo here; exec sleep 600"]},
                    "Resources": {"CPU": 20, "MemoryMB": 16},
                }
            ],
        }
    ],
}


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110  what is waited for happens in another process
            await asyncio.sleep(0.2)


async def is_healthy(nomad: NomadClient) -> bool:
    return [(one["DeploymentStatus"] or {}).get("Healthy") for one in await nomad.allocations("sleeper")] == [True]


async def has_ended(nomad: NomadClient, deployment_id: str) -> bool:
    return (await nomad.deployment(deployment_id))[0]["Status"] != "running"


async def test_with_the_documented_rights_the_portal_may_do_all_that_it_does(closed: Servers, token: Token) -> None:
    nomad = nomad_client(
        closed.nomad, NomadSettings(token=token(namespace(*CAPABILITIES), NODE, AGENT)), namespace="default"
    )
    await nomad.validate(SLEEPER)
    await nomad.plan(SLEEPER)
    evaluation = (await nomad.register(SLEEPER))["EvalID"]
    await until(lambda: is_healthy(nomad))
    (placed,) = await nomad.allocations("sleeper")
    assert [one["ID"] for one in await nomad.jobs()] == ["sleeper"]
    assert await nomad.job("sleeper")
    assert await nomad.versions("sleeper")
    assert (await nomad.evaluation(evaluation))["JobID"] == "sleeper"
    assert await nomad.evaluations("sleeper")
    assert await nomad.allocation(placed["ID"])
    deployment = await nomad.deployment_of("sleeper")
    assert deployment
    assert (await nomad.deployment(deployment["ID"]))[0]["JobID"] == "sleeper"
    assert b"".join([piece async for piece in nomad.logs(placed["ID"], "app")]) == b"here\n"
    await until(lambda: has_ended(nomad, deployment["ID"]))
    for over in (nomad.promote(deployment["ID"]), nomad.fail(deployment["ID"])):
        with pytest.raises(ConflictError, match="terminal deployment"):  # it has ended, and the right is not why
            await over
    await nomad.scale("sleeper", "sleeper", 2)
    assert await nomad.nodes()
    await nomad.agent_self()
    await nomad.deregister("sleeper", purge=True)
    await nomad.close()


async def test_a_management_token_lacks_nothing(closed: Servers) -> None:
    assert await failures(closed, closed.token) == []
