"""What doctor says of a real Consul that denies by default, one right after the other."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from outrider_harness.consuls import running_consul
from support.closed_consul import AGENTS, NODES, ROOT, SERVICES, ClosedConsul, closed_consul

from outrider.clients.consul import consul_client
from outrider.operations.doctor.consul import consul_findings
from outrider.operations.doctor.findings import Finding
from outrider.server_settings import ConsulSettings
from outrider.spec.platform import Environment, Platform

pytestmark = pytest.mark.needs("consul")
ENOUGH = (SERVICES, NODES, AGENTS)
ANONYMOUS = "/v1/acl/token/00000000-0000-0000-0000-000000000002"


@pytest.fixture
def closed(tmp_path: Path, consul_bin: str) -> Generator[ClosedConsul]:
    with closed_consul(consul_bin, tmp_path) as consul:
        consul.register("payments", "payments-1", 2)
        yield consul


def environment(address: str, token: object = "none") -> Environment:
    servers = {"nomad": {"address": "http://nomad"}, "consul": {"address": address, "token": token}}
    written = {"environments": {"stage": {**servers, "driver": "raw_exec"}}}
    return Platform.model_validate(written).environments["stage"]


async def failures(address: str, portal: str | None, token: object = "none") -> list[Finding]:
    """What doctor calls failed, with this token of the portal and this way to get an allocation's."""
    at = f"http://{address}"
    with_token, without = consul_client(at, ConsulSettings(token=portal)), consul_client(at, ConsulSettings())
    try:
        found = await consul_findings("stage", environment(at, token), with_token, without)
        return [one for one in found if one.level == "failed"]
    finally:
        await with_token.close()
        await without.close()


async def test_the_documented_rights_are_enough_for_the_portal(closed: ClosedConsul) -> None:
    assert await failures(closed.address, closed.token(*ENOUGH), "workload_identity") == []


@pytest.mark.parametrize(
    ("kept", "lacking", "what"),
    [
        ((NODES, AGENTS), SERVICES, "the service `consul` itself is not among those that can be read"),
        ((SERVICES, AGENTS), NODES, "no node can be read, and so no instance of any service"),
    ],
)
async def test_each_right_that_the_portal_lacks_is_an_error_that_names_it(
    closed: ClosedConsul, kept: tuple[str, ...], lacking: str, what: str
) -> None:
    (said,) = await failures(closed.address, closed.token(*kept), "workload_identity")
    assert said.what == what
    assert lacking in said.next_step


async def test_a_consul_that_denies_by_default_is_an_error_where_allocations_have_no_token(
    closed: ClosedConsul,
) -> None:
    (said,) = await failures(closed.address, closed.token(*ENOUGH))
    assert said.what == "ACLs deny by default, and consul.token is none"
    assert SERVICES in said.next_step
    assert NODES in said.next_step


async def test_that_is_an_error_as_well_where_the_portal_may_not_read_what_acls_do(closed: ClosedConsul) -> None:
    (said,) = await failures(closed.address, closed.token(SERVICES, NODES))
    assert said.what == (
        "consul.token is none, and without a token Consul shows no service and no node, and so no instance of any service"
    )


@pytest.mark.parametrize(
    ("anonymous", "hidden"), [((SERVICES,), "no node, and so no instance of any service"), ((NODES,), "no service")]
)
async def test_each_right_that_lacks_without_a_token_is_named(
    closed: ClosedConsul, anonymous: tuple[str, ...], hidden: str
) -> None:
    closed.asked("PUT", ANONYMOUS, {"Policies": [{"ID": closed.policy(*anonymous)}]})
    (said,) = await failures(closed.address, closed.token(SERVICES, NODES))
    assert said.what == f"consul.token is none, and without a token Consul shows {hidden}"


async def test_rights_to_some_services_only_are_not_enough(closed: ClosedConsul) -> None:
    """What is registered today is all shown; what comes tomorrow would not be."""
    some = 'service "consul" { policy = "read" } service "payments" { policy = "read" }'
    closed.asked("PUT", ANONYMOUS, {"Policies": [{"ID": closed.policy(some, NODES)}]})
    (said,) = await failures(closed.address, closed.token(SERVICES, NODES))
    assert said.what.endswith("shows no service")


async def test_an_anonymous_token_with_the_rights_is_as_good_as_any(closed: ClosedConsul) -> None:
    closed.asked("PUT", ANONYMOUS, {"Policies": [{"ID": closed.policy(SERVICES, NODES)}]})
    assert await failures(closed.address, closed.token(*ENOUGH)) == []
    assert await failures(closed.address, closed.token(SERVICES, NODES)) == []


async def test_an_agents_default_token_with_the_rights_is_as_good_as_any(closed: ClosedConsul) -> None:
    closed.asked("PUT", "/v1/agent/token/default", {"Token": closed.token(SERVICES, NODES)})
    assert await failures(closed.address, ROOT) == []


async def test_a_consul_without_acls_lacks_nothing(tmp_path: Path, consul_bin: str) -> None:
    with running_consul(consul_bin, tmp_path) as address:
        assert await failures(address, None) == []


async def test_a_consul_that_allows_by_default_lacks_nothing(tmp_path: Path, consul_bin: str) -> None:
    allowing = '{"acl": {"enabled": true, "default_policy": "allow"}}'
    with running_consul(consul_bin, tmp_path, hcl=allowing) as address:
        assert await failures(address, None) == []
