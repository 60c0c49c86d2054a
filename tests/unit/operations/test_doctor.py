"""Doctor reads real servers' answers and says what lacks, why it matters and what to do."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fakes.recordings import Library, recording
from outrider_ground.errors import UsageError

from outrider.clients.consul import consul_client
from outrider.clients.nomad import nomad_client
from outrider.clients.prometheus import PrometheusClient
from outrider.operations.doctor.findings import Finding, numbers
from outrider.operations.doctor.platform import Servers, findings
from outrider.server_settings import ConsulSettings, NomadSettings
from outrider.spec.platform import Artifacts, Platform

Changes = dict[str, tuple[int, Any]]
NOMAD, CONSUL = "nomad-2.0.5", "consul-1.8.7"
NODE = "/v1/node/" + recording(NOMAD, "05-node").segments[-1]


def a_platform(environment: dict[str, Any] | None = None, portal: dict[str, Any] | None = None) -> Platform:
    servers = {"nomad": {"address": "http://nomad"}, "consul": {"address": "http://consul"}, "driver": "raw_exec"}
    document = {
        "environments": {"stage": servers | (environment or {})},
        "portal": portal or {"url": "http://127.0.0.1:7070"},
    }
    return Platform.model_validate({key: value for key, value in document.items() if value != {}})


def servers(nomad: Changes | None = None, consul: Changes | None = None, server: str = NOMAD) -> Servers:
    return Servers(
        nomad_client("http://nomad", NomadSettings(), transport=httpx2.MockTransport(Library(server, nomad))),
        consul_client("http://consul", ConsulSettings(), transport=httpx2.MockTransport(Library(CONSUL, consul))),
    )


async def found(
    platform: Platform | None = None, nomad: Changes | None = None, consul: Changes | None = None, server: str = NOMAD
) -> list[Finding]:
    return list(await findings(platform or a_platform(), {"stage": servers(nomad, consul, server)}))


def bad(all_findings: list[Finding]) -> list[Finding]:
    return [finding for finding in all_findings if finding.level == "failed"]


def changed(name: str, server: str = NOMAD, **fields: Any) -> Any:
    """A recorded document with fields replaced; a double underscore goes one level down."""
    document = copy.deepcopy(recording(server, name).body)
    for path, value in fields.items():
        *parents, last = path.split("__")
        place = document
        for parent in parents:
            place = place[parent]
        place[last] = value
    return document


@pytest.mark.parametrize("server", ["nomad-2.0.5", "nomad-1.6.5"])
async def test_a_stock_cluster_can_run_services_and_is_told_what_to_improve(server: str) -> None:
    said = await found(server=server)
    assert bad(said) == []
    warnings = {finding.what for finding in said if finding.level == "warning"}
    assert warnings == {
        "template.consul_retry.attempts is 12",
        "its node has the address 127.0.0.1",
        "at most 200 connections per client address (limits.http_max_conns_per_client)",
    }
    (unseen,) = [finding.what for finding in said if finding.level == "unknown"]
    assert unseen == "whether each node has envoy and python3 cannot be seen from here"
    assert all(finding.why and finding.next_step for finding in said if finding.level != "ok")


async def test_doctor_changes_nothing() -> None:
    nomad, consul = Library(NOMAD), Library(CONSUL)
    looked = Servers(
        nomad_client("http://nomad", NomadSettings(), transport=httpx2.MockTransport(nomad)),
        consul_client("http://consul", ConsulSettings(), transport=httpx2.MockTransport(consul)),
    )
    await findings(a_platform(), {"stage": looked})
    assert {one for one in nomad.asked + consul.asked if not one.startswith("GET ")} == {
        "POST /v1/job/outrider-doctor/plan"
    }


async def test_a_server_that_is_away_is_one_finding_and_not_ten() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    away = httpx2.MockTransport(refuse)
    looked = Servers(
        nomad_client("http://nomad", NomadSettings(), transport=away),
        consul_client("http://consul", ConsulSettings(), transport=away),
    )
    said = bad(list(await findings(a_platform(), {"stage": looked})))
    assert [finding.about for finding in said] == ["stage: Nomad", "stage: Consul"]
    assert "http://nomad cannot be reached" in said[0].what


async def test_a_driver_that_no_node_has_fails_with_how_to_enable_it() -> None:
    (said,) = bad(await found(a_platform({"driver": "docker", "network": {"mode": "host"}})))
    assert said.what == "no node has driver docker (node-1)"
    assert "Failed to connect to docker daemon" in said.why
    node = changed("05-node", Drivers={})
    said = bad(await found(nomad={NODE: (200, node)}))[0]
    assert "enabled = true" in said.next_step


async def test_bridge_networks_need_cni_and_a_consul_address_that_is_not_loopback() -> None:
    said = bad(await found(a_platform({"network": {"mode": "bridge"}})))
    assert [finding.what.partition(" (")[0] for finding in said] == [
        "no node has CNI bridge plugin",
        "agent_address is http://127.0.0.1:8500, and allocations have a network of their own",
    ]


async def test_a_host_network_that_the_clients_have_is_well_and_another_is_not() -> None:
    assert bad(await found(a_platform({"network": {"mode": "host", "host_network": "loopback"}}))) == []
    said = bad(await found(a_platform({"network": {"mode": "host", "host_network": "internal"}})))
    assert said[0].what == "no node has host_network internal (node-1)"


async def test_nodes_without_consul_cannot_register_services() -> None:
    attributes = {
        key: value for key, value in recording(NOMAD, "05-node").body["Attributes"].items() if "consul" not in key
    }
    said = bad(await found(nomad={NODE: (200, changed("05-node", Attributes=attributes))}))
    assert said[0].what == "no node has a Consul agent beside it (node-1)"
    assert "every 15 seconds" in said[0].next_step


async def test_datacenters_without_nodes_are_told_with_the_nodes_that_there_are() -> None:
    nomad = {"address": "http://nomad", "datacenters": ["eu-*"]}
    (said,) = bad(await found(a_platform({"nomad": nomad})))
    assert said.what == "it has no ready, eligible node in these datacenters"
    assert "node-1 (dc1, ready)" in said.next_step


async def test_an_unknown_region_is_told_with_those_that_exist() -> None:
    (said,) = bad(await found(a_platform({"nomad": {"address": "http://nomad", "region": "mars"}})))
    assert said.next_step == "Its regions are global: set nomad.region to one of them."


async def test_versions_that_are_too_old_are_told() -> None:
    old_nomad = changed("01-agent-self", config__Version__Version="1.1.2")
    old_consul = changed("01-self", CONSUL, Config__Version="1.7.3")
    said = bad(await found(nomad={"/v1/agent/self": (200, old_nomad)}, consul={"/v1/agent/self": (200, old_consul)}))
    assert [finding.what for finding in said] == ["version 1.1.2", "version 1.7.3"]


async def test_rights_that_lack_are_named_by_policy() -> None:
    denied = (403, "Permission denied")
    said = await found(nomad={"/v1/agent/self": denied, "/v1/nodes": denied, "/v1/job/outrider-doctor/plan": denied})
    steps = " ".join(finding.next_step for finding in said)
    assert all(
        word in steps for word in ('agent { policy = "read" }', 'node { policy = "read" }', 'namespace "default"')
    )


async def test_a_dry_run_that_finds_no_node_says_why() -> None:
    answer = recording(NOMAD, "37-plan-no-room").body
    said = bad(await found(nomad={"/v1/job/outrider-doctor/plan": (200, answer)}))
    assert "a dry run found no node: no node for rec: 1 node considered" in said[0].what


async def test_templates_that_wait_for_ever_are_well() -> None:
    patient = changed("01-agent-self", config__Client__TemplateConfig__ConsulRetry__Attempts=0)
    said = await found(nomad={"/v1/agent/self": (200, patient)})
    assert "templates wait for Consul for ever (consul_retry attempts = 0)" in {finding.what for finding in said}


KEPT = a_platform({"consul": {"address": "http://consul", "token": {"nomad_variable": "nomad/jobs#t"}}})
BY_IDENTITY = a_platform({"consul": {"address": "http://consul", "token": "workload_identity"}})
TEMPLATES = "config__Client__TemplateConfig__UseClientConsulToken"


@pytest.mark.parametrize(
    ("platform", "server", "fields", "is_told"),
    [
        pytest.param(KEPT, NOMAD, {}, True, id="as it comes"),
        pytest.param(KEPT, NOMAD, {TEMPLATES: True}, False, id="set"),
        pytest.param(KEPT, "nomad-1.6.5", {}, False, id="a Nomad that does so unasked"),
        pytest.param(KEPT, NOMAD, {"config__Client__Enabled": False}, False, id="an agent that is no client"),
        pytest.param(BY_IDENTITY, NOMAD, {}, False, id="a token of the task's own"),
        pytest.param(a_platform(), NOMAD, {}, False, id="no ACLs, as far as the platform says"),
    ],
)
async def test_keys_that_nomad_would_ask_for_with_a_token_that_consul_does_not_know_are_told(
    platform: Platform, server: str, fields: dict[str, Any], *, is_told: bool
) -> None:
    answer = changed("01-agent-self", server, **fields)
    said = await found(platform, server=server, nomad={"/v1/agent/self": (200, answer)})
    steps = [one.next_step for one in said if "use_client_consul_token is false" in one.what]
    assert [("use_client_consul_token = true" in step) for step in steps] == ([True] if is_told else [])


async def test_an_agent_that_is_no_client_cannot_tell_of_templates() -> None:
    server_only = changed("01-agent-self", config__Client__Enabled=False)
    said = await found(nomad={"/v1/agent/self": (200, server_only)})
    assert any("is no client" in finding.what for finding in said)


async def test_consul_that_denies_by_default_needs_a_token_for_the_agents() -> None:
    closed = changed("01-self", CONSUL, DebugConfig__ACLsEnabled=True, DebugConfig__ACLDefaultPolicy="deny")
    said = bad(await found(consul={"/v1/agent/self": (200, closed)}))
    assert said[0].what == "ACLs deny by default, and consul.token is none"
    with_token = {"consul": {"address": "http://consul", "token": "workload_identity"}}
    assert bad(await found(a_platform(with_token), consul={"/v1/agent/self": (200, closed)})) == []


async def test_that_it_cannot_tell_whether_acls_deny_is_an_error_where_allocations_have_no_token() -> None:
    unreadable = {"/v1/agent/self": (403, "Permission denied")}
    (said,) = bad(await found(consul=unreadable))
    assert said.what == "cannot tell whether ACLs deny what an allocation must see, and consul.token is none"
    assert 'agent_prefix "" { policy = "read" }' in said.next_step
    looked = replace(servers(consul=unreadable), anybody=servers().consul)
    (said,) = bad(list(await findings(a_platform(), {"stage": looked})))
    assert said.what.startswith("cannot tell"), "what is shown today proves nothing for the services of tomorrow"
    with_token = {"consul": {"address": "http://consul", "token": "workload_identity"}}
    assert bad(await found(a_platform(with_token), consul=unreadable)) == []


async def test_what_consul_hides_without_a_token_is_an_error_also_where_it_cannot_be_asked_for_rights() -> None:
    blind = servers(consul={"/v1/catalog/services": (200, {}), "/v1/catalog/nodes": (403, "Permission denied")})
    (said,) = bad(list(await findings(a_platform(), {"stage": replace(servers(), anybody=blind.consul)})))
    assert "without a token Consul shows no service and no node" in said.what


async def test_rights_at_nomad_that_lack_are_named_one_by_one() -> None:
    denied = (403, "Permission denied")
    policy = {"Name": "p", "RulesJSON": {"Namespaces": [{"Name": "d*", "Capabilities": ["read-job"]}]}}
    said = bad(
        await found(
            nomad={
                "/v1/jobs": denied,
                "/v1/job/outrider-doctor": denied,
                "/v1/job/outrider-doctor/plan": denied,
                "/v1/acl/token/self": (200, {"Type": "client", "Policies": ["p"]}),
                "/v1/acl/policy/p": (200, policy),
            }
        )
    )
    assert [one.what.split()[4] for one in said] == [
        "list-jobs",
        "read-job",
        "read-logs",
        "alloc-lifecycle",
        "submit-job",
    ]


@pytest.mark.parametrize(
    ("held", "lacks"),
    [
        (["read-logs", "alloc-lifecycle"], []),
        (["read-fs", "alloc-lifecycle"], []),
        (["alloc-lifecycle"], ["read-logs"]),
        (["read-logs"], ["alloc-lifecycle"]),
    ],
)
async def test_rights_that_only_a_running_allocation_could_show_are_read_from_the_policies(
    held: list[str], lacks: list[str]
) -> None:
    policy = {"Name": "p", "RulesJSON": {"Namespaces": [{"Name": "default", "Capabilities": held}]}}
    said = bad(
        await found(
            nomad={
                "/v1/acl/token/self": (200, {"Type": "client", "Policies": ["p"]}),
                "/v1/acl/policy/p": (200, policy),
            }
        )
    )
    assert [one.what.split()[4] for one in said] == lacks


async def test_workload_identity_needs_a_nomad_that_has_it() -> None:
    with_token = {"consul": {"address": "http://consul", "token": "workload_identity"}}
    said = bad(await found(a_platform(with_token), server="nomad-1.6.5"))
    assert "no workload identity" in said[0].what


async def test_a_token_that_sees_a_part_of_the_services_is_told() -> None:
    said = await found(consul={"/v1/catalog/services": (200, {"web": []})})
    assert any("`consul` itself" in finding.what for finding in said)


async def test_a_consul_without_a_leader_is_told() -> None:
    (said,) = bad(await found(consul={"/v1/status/leader": (200, "")}))
    assert said.what == "it has no leader"


async def test_room_for_connections_is_well_and_a_unix_socket_needs_none() -> None:
    roomy = changed("01-self", CONSUL, DebugConfig__HTTPMaxConnsPerClient=4096)
    assert "4096 connections per client address, of which a node needs 20" in {
        one.what for one in await found(consul={"/v1/agent/self": (200, roomy)})
    }
    by_socket = {"consul": {"address": "http://consul", "agent_address": "unix:///run/consul.sock"}}
    assert not any("at most 200" in one.what for one in await found(a_platform(by_socket)))


async def test_two_environments_on_one_consul_datacenter_are_refused() -> None:
    servers_of_both = {"nomad": {"address": "http://nomad"}, "driver": "raw_exec"}
    platform = Platform.model_validate(
        {
            "environments": {
                "stage": {**servers_of_both, "consul": {"address": "http://consul-a"}},
                "production": {**servers_of_both, "consul": {"address": "http://consul-b"}},
            },
            "portal": {"url": "http://127.0.0.1:7070"},
        }
    )
    said = bad(list(await findings(platform, {"stage": servers(), "production": servers()})))
    assert said[0].what == "both are one Consul datacenter, dc1"


async def test_a_portal_on_loopback_is_no_use_to_nodes_elsewhere() -> None:
    nodes = changed("04-nodes")
    nodes[0]["Address"] = "10.0.0.7"
    said = bad(await found(nomad={"/v1/nodes": (200, nodes)}))
    assert said[0].what == "portal.url is http://127.0.0.1:7070, but there is a node at 10.0.0.7"


async def test_a_store_of_directories_is_looked_at_in_place_of_the_portal() -> None:
    nodes = changed("04-nodes")
    nodes[0]["Address"] = "10.0.0.7"
    remote = {"/v1/nodes": (200, nodes)}
    kept = a_platform().model_copy(update={"artifacts": Artifacts(url="http://127.0.0.1:9000/x")})
    said = bad(await found(kept, nomad=remote))
    assert said[0].what == "artifacts.url is http://127.0.0.1:9000/x, but there is a node at 10.0.0.7"
    elsewhere = kept.model_copy(update={"artifacts": Artifacts(url="https://store.example/x")})
    assert bad(await found(elsewhere, nomad=remote)) == []
    assert "nodes fetch packed directories from https://store.example/x (whether they reach it is theirs to say)" in [
        one.what for one in await found(elsewhere, nomad=remote)
    ]


@pytest.mark.parametrize(
    ("text", "pair"), [("1.8.7", (1, 8)), ("v2.0.5+ent", (2, 0)), ("1.10.0-beta.1", (1, 10)), ("", (0, 0))]
)
def test_versions_are_compared_as_numbers(text: str, pair: tuple[int, int]) -> None:
    assert numbers(text) == pair


async def test_an_agent_address_that_leads_nowhere_is_found_where_the_node_is_this_machine() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    looked = servers()
    away = consul_client("http://127.0.0.1:8500", ConsulSettings(), transport=httpx2.MockTransport(refuse))
    said = bad(list(await findings(a_platform(), {"stage": replace(looked, agent=away)})))
    assert "Consul at http://127.0.0.1:8500 cannot be reached" in said[0].what
    there = replace(looked, agent=looked.consul)
    assert bad(list(await findings(a_platform(), {"stage": there}))) == []


async def test_a_catalog_that_fails_is_trouble_and_no_missing_right() -> None:
    (said,) = bad(await found(consul={"/v1/catalog/services": (500, "rpc error")}))
    assert said.what.startswith("its catalog cannot be read")


DOWNLOAD = {"artifact": "https://store.example/envoy", "sha256": "a" * 64}


@pytest.mark.parametrize(
    ("sidecar", "what"),
    [
        ({"envoy": DOWNLOAD}, "has python3, and can fetch https://store.example/envoy"),
        (
            {"agent": {"path": "python3", "archive": {"path": "/opt/agent.pyz"}}},
            "has envoy and python3 and /opt/agent.pyz",
        ),
        ({"driver": "docker", "envoy": {"image": "e"}, "agent": {"image": "p"}}, "can pull e and p"),
    ],
)
async def test_what_only_nodes_can_know_of_a_sidecar_is_said_to_be_unseen(sidecar: dict[str, Any], what: str) -> None:
    said = await found(a_platform({"sidecar": sidecar}))
    (unseen,) = [one.what for one in said if one.level == "unknown"]
    assert unseen == f"whether each node {what} cannot be seen from here"


async def test_a_cluster_of_more_nodes_than_are_looked_at_says_how_many_were() -> None:
    listed = [recording(NOMAD, "04-nodes").body[0] | {"Name": f"node-{number}"} for number in range(25)]
    said = [one.what for one in await found(nomad={"/v1/nodes": (200, listed)})]
    assert "looked at 20 of its 25 nodes: what is said of them here was not seen of the other 5" in said
    assert "driver raw_exec on each of 20 nodes" in said
    assert not [one.what for one in await found() if one.what.startswith("looked at")]


async def test_nodes_that_take_no_allocations_are_counted_and_named_with_the_reason() -> None:
    node = recording(NOMAD, "04-nodes").body[0]
    others = [
        node | {"Name": "a", "Status": "down"},
        node | {"Name": "b", "SchedulingEligibility": "ineligible"},
        node | {"Name": "c", "SchedulingEligibility": "ineligible", "Drain": True},
    ]
    said = [one.what for one in await found(nomad={"/v1/nodes": (200, [node, *others])})]
    assert "1 of its 4 nodes take allocations; not a (dc1, down), b (dc1, ineligible), c (dc1, draining)" in said
    assert "driver raw_exec on its 1 node" in said


def both(**other: Any) -> Platform:
    servers = {"nomad": {"address": "http://nomad"}, "consul": {"address": "http://consul"}, "driver": "raw_exec"}
    second = {**servers, "nomad": {"address": "http://nomad-2", **other}, "consul": {"address": "http://consul-2"}}
    environments = {"stage": servers, "production": second}
    return Platform.model_validate({"environments": environments, "portal": {"url": "http://127.0.0.1:7070"}})


async def together(platform: Platform, nomad: Changes | None = None, consul: Changes | None = None) -> list[str]:
    said = await findings(platform, {"stage": servers(), "production": servers(nomad, consul)})
    return [one.what for one in bad(list(said)) if one.about == "stage and production"]


async def test_two_environments_that_are_one_cluster_by_another_name_are_found_by_their_nodes() -> None:
    assert await together(both()) == [
        "both are one Consul datacenter, dc1",
        "both are one Nomad region and namespace, global and default",
    ]
    assert await together(both(namespace="other")) == ["both are one Consul datacenter, dc1"]


async def test_two_clusters_whose_leaders_have_one_private_address_are_two() -> None:
    nodes = [one | {"ID": f"another-{number}"} for number, one in enumerate(recording(NOMAD, "04-nodes").body)]
    members = [{"ID": "yet-another", "Node": "n", "Address": "127.0.0.1"}]
    assert await together(both(), {"/v1/nodes": (200, nodes)}, {"/v1/catalog/nodes": (200, members)}) == []


async def test_where_nodes_cannot_be_read_one_leader_is_one_cluster() -> None:
    closed: Changes = {"/v1/catalog/nodes": (200, [])}
    assert "both are one Consul datacenter, dc1" in await together(both(), None, closed)


def with_tls(agent_address: str = "https://127.0.0.1:8501", **tls: Any) -> Platform:
    consul = {"address": "http://consul", "agent_address": agent_address, **({"tls": tls} if tls else {})}
    return a_platform({"consul": consul, "network": {"mode": "host"}})


def changed_tls(**debug: Any) -> Changes:
    document = copy.deepcopy(recording(CONSUL, "01-self").body)
    document["DebugConfig"] |= debug
    return {"/v1/agent/self": (200, document)}


async def test_an_agent_address_with_https_and_no_authority_is_a_warning_before_a_gate_fails() -> None:
    said = [one.what for one in await found(with_tls()) if "consul.tls" in one.what]
    assert said == ["agent_address has https, and consul.tls names no authorities (ca)"]
    assert not [one for one in await found(with_tls(ca="/ca.pem")) if "consul.tls" in one.what]


@pytest.mark.parametrize(
    "debug", [{"VerifyIncoming": True}, {"VerifyIncomingHTTPS": True}, {"TLS": {"HTTPS": {"VerifyIncoming": True}}}]
)
async def test_a_consul_that_asks_for_certificates_refuses_agents_without_one(debug: dict[str, Any]) -> None:
    (said,) = bad(await found(with_tls(ca="/ca.pem"), consul=changed_tls(**debug)))
    assert said.what == "it asks for certificates (verify_incoming), and consul.tls names none"
    assert bad(await found(with_tls(ca="/ca", certificate="/c", key="/k"), consul=changed_tls(**debug))) == []
    assert bad(await found(consul=changed_tls(**debug))) == []


async def test_a_token_in_a_variable_of_one_job_fails_by_the_name_of_that_job() -> None:
    token = {"address": "http://consul", "token": {"nomad_variable": "nomad/jobs/checkout/checkout#consul"}}
    (said,) = bad(await found(a_platform({"consul": token})))
    assert said.what == (
        "consul.token is the variable nomad/jobs/checkout/checkout, which Nomad opens to the job checkout alone"
    )


async def test_a_variable_that_needs_a_policy_is_told_with_the_policy() -> None:
    tls: dict[str, Any] = {
        "ca": "/ca",
        "certificate": {"nomad_variable": "mesh/tls#cert"},
        "key": {"nomad_variable": "nomad/jobs#key"},
    }
    said = [one for one in await found(with_tls("https://127.0.0.1:8501", **tls)) if "variable" in one.what]
    assert [one.what for one in said] == [
        "consul.tls.certificate is the variable mesh/tls, which no job may read by itself where Nomad has ACLs"
    ]
    assert 'variables { path "mesh/tls" { capabilities = ["read"] } }' in said[0].next_step


async def prometheus(answer: httpx2.Response) -> Finding:
    transport = httpx2.MockTransport(lambda _: answer)
    asked = replace(servers(), metrics=PrometheusClient("http://prometheus", transport))
    platform = a_platform({"prometheus": {"address": "http://prometheus"}})
    (said,) = [one for one in await findings(platform, {"stage": asked}) if "Prometheus" in one.about]
    return said


async def test_prometheus_is_asked_whether_it_answers() -> None:
    answer = {"status": "success", "data": {"resultType": "vector", "result": []}}
    assert (await prometheus(httpx2.Response(200, json=answer))).what == "answers at http://prometheus"
    for wrong in (httpx2.Response(404, text="no"), httpx2.Response(200, text="<html>"), httpx2.Response(200, json=[])):
        said = await prometheus(wrong)
        assert (said.level, "Prometheus at http://prometheus answered" in said.what) == ("warning", True)


async def test_consul_with_https_is_tried_as_an_allocation_would_where_nodes_are_here() -> None:
    looked = replace(servers(), agent=UsageError("/nowhere.pem cannot be read: No such file or directory"))
    (said,) = bad(list(await findings(with_tls(ca="/nowhere.pem"), {"stage": looked})))
    assert said.what == "as allocations reach it: /nowhere.pem cannot be read: No such file or directory"
    assert "consul.tls" in said.next_step


async def test_with_https_the_portals_own_way_to_the_same_address_proves_nothing_for_allocations() -> None:
    consul = {"address": "https://consul", "agent_address": "https://consul", "tls": {"ca": "/ca.pem"}}
    looked = replace(servers(), agent=UsageError("/ca.pem cannot be read: No such file or directory"))
    said = bad(list(await findings(a_platform({"consul": consul, "network": {"mode": "host"}}), {"stage": looked})))
    assert [one.what for one in said] == ["as allocations reach it: /ca.pem cannot be read: No such file or directory"]


async def test_services_that_differ_in_case_only_are_told() -> None:
    said = await found(consul={"/v1/catalog/services": (200, {"consul": [], "web": [], "Web": [], "WEB": []})})
    (finding,) = [one for one in said if "differ in case only" in one.what]
    assert (finding.level, "WEB and Web and web" in finding.what) == ("warning", True)
    assert not any("differ in case" in one.what for one in await found())


def deployed(upstreams: int, allocations: int) -> Changes:
    """A job of ours as Nomad shows it: so many upstreams, so many running allocations on one node, one that has ended."""
    labels = ",".join(f"upstream-{number}" for number in range(upstreams))
    task = {"Name": "agent", "Env": {"OUTRIDER_AGENT_UPSTREAMS": labels}}
    job = {"ID": "shop", "Meta": {"outrider_version": "0123456789ab"}}
    running = [{"NodeID": "n1", "ClientStatus": "running"} for _ in range(allocations)]
    return {
        "/v1/jobs": (200, [job, {"ID": "foreign", "Meta": None}]),
        "/v1/job/shop": (200, job | {"TaskGroups": [{"Name": "shop", "Tasks": [{"Name": "app"}, task]}]}),
        "/v1/job/shop/allocations": (200, [*running, {"NodeID": "n1", "ClientStatus": "complete"}]),
    }


def of_connections(said: list[Finding]) -> Finding:
    (one,) = [finding for finding in said if "connections per client address" in finding.what]
    return one


@pytest.mark.parametrize(
    ("upstreams", "allocations", "level", "needed"),
    [(12, 13, "warning", 189), (12, 14, "failed", 202), (200, 5, "warning", 185), (200, 6, "failed", 218)],
)
async def test_too_few_connections_for_what_runs_on_a_node_are_an_error(
    upstreams: int, allocations: int, level: str, needed: int
) -> None:
    """Allocations of a node times what each holds, which consul.connections caps, and Nomad's and the portal's own."""
    said = of_connections(await found(nomad=deployed(upstreams, allocations)))
    assert (said.level, f"a node needs {needed}" in said.what) == (level, True)
    assert "http_max_conns_per_client = 4096" in said.next_step


async def test_a_smaller_cap_needs_fewer_connections_and_many_connections_are_enough() -> None:
    capped = a_platform({"consul": {"address": "http://consul", "connections": 4}})
    assert of_connections(await found(capped, nomad=deployed(200, 6))).level == "warning"
    roomy = changed("01-self", CONSUL, DebugConfig__HTTPMaxConnsPerClient=4096)
    said = of_connections(await found(nomad=deployed(200, 6), consul={"/v1/agent/self": (200, roomy)}))
    assert (said.level, said.what) == ("ok", "4096 connections per client address, of which a node needs 218")


async def test_of_what_may_not_be_read_the_values_of_services_are_told_and_not_the_platforms_own_token() -> None:
    def reads(variable: str) -> list[dict[str, str]]:
        return [{"EmbeddedTmpl": f'{{{{ with nomadVar "{variable}" }}}}{{{{ .token }}}}{{{{ end }}}}'}]

    names = {"app": "nomad/jobs/shop", "envoy": "nomad/jobs/shop/redis", "agent": "nomad/jobs"}
    tasks = [{"Name": task, "Templates": reads(variable)} for task, variable in names.items()]
    job = {"ID": "shop", "Meta": {"outrider_version": "0123456789ab", "outrider_environment": "stage"}}
    said = await found(
        nomad={
            "/v1/jobs": (200, [job]),
            "/v1/job/shop": (200, job | {"TaskGroups": [{"Name": "shop", "Tasks": tasks}]}),
            "/v1/job/shop/allocations": (200, []),
            **{f"/v1/var/{variable}": (403, "Permission denied") for variable in names.values()},
        }
    )
    (one,) = [finding.what for finding in said if finding.about == "stage: values"]
    assert one == "the portal may not read Nomad variable nomad/jobs/shop, Nomad variable nomad/jobs/shop/redis"
