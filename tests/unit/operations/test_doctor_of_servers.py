"""Doctor's findings one by one, at servers of which a test says what they answer."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fakes.asked_nomad import NomadThatWasAsked
from fakes.consul_catalog import CatalogInMemory
from outrider_ground.errors import RemoteError

from outrider.operations.doctor.connections import connection_findings, watched
from outrider.operations.doctor.findings import Finding
from outrider.operations.doctor.nodes import node_findings
from outrider.operations.doctor.nomad import nomad_findings
from outrider.operations.doctor.rights import allocations_at_consul, capabilities, portal_at_consul, portal_at_nomad
from outrider.spec.platform import Environment, Platform

Json = dict[str, Any]


class Nomad(NomadThatWasAsked):
    """One whose nodes, configuration and jobs are told; what was planned is kept."""

    def __init__(self) -> None:
        super().__init__([[]])
        self.version = "2.0.5"
        self.known_nodes: list[Json] = []
        self.planned: list[Json] = []
        self.known_jobs: dict[str, Json] = {}
        self.silence: RemoteError | None = None
        self.policies: list[Json] | None = None

    async def leader(self) -> str:
        if self.silence is not None:
            raise self.silence
        return "n1"

    async def agent_self(self) -> Json:
        return {"config": {"Version": {"Version": self.version}, "Client": {"Enabled": True}}}

    async def nodes(self) -> list[Json]:
        return self.known_nodes

    async def node(self, node_id: str) -> Json:
        return {"ID": node_id, "Name": node_id, "Attributes": {}, "Drivers": {}}

    async def plan(self, job: Json) -> Json:
        self.planned.append(job)
        if self.refusal is not None:
            raise self.refusal
        return {}

    async def jobs(self, prefix: str = "") -> list[Json]:
        return [{"ID": name, "Meta": job.get("Meta")} for name, job in self.known_jobs.items()]

    async def job(self, job_id: str) -> Json | None:
        return self.known_jobs.get(job_id)

    async def own_policies(self) -> list[Json] | None:
        return self.policies


class Consul(CatalogInMemory):
    """One whose limit, catalog and rights are told."""

    def __init__(self, most: Any = None, **rights: bool) -> None:
        super().__init__()
        self.most, self.rights = most, rights
        self.denied: RemoteError | None = None

    async def agent_self(self) -> Json:
        return {"DebugConfig": {"HTTPMaxConnsPerClient": self.most}}

    async def may_read(self, *resources: str) -> dict[str, bool]:
        return {one: self.rights.get(one, True) for one in resources}

    async def services(self) -> dict[str, list[str]]:
        if self.denied is not None:
            raise self.denied
        return await super().services()


def environment(**more: Any) -> Environment:
    servers = {"nomad": {"address": "http://nomad"}, "consul": {"address": "http://consul"}, "driver": "raw_exec"}
    return Platform.model_validate({"environments": {"stage": servers | more}}).environments["stage"]


async def of_nomad(nomad: Nomad, /, **more: Any) -> list[Finding]:
    return await nomad_findings("stage", environment(**more), nomad)


@pytest.mark.parametrize(("step", "said"), [("Start it.", "Start it."), (None, "")])
async def test_servers_that_are_away_are_told_with_the_step_where_there_is_one(step: str | None, said: str) -> None:
    nomad, consul = Nomad(), Consul()
    nomad.silence = consul.denied = RemoteError("x is away", next_step=step)
    assert await of_nomad(nomad) == [Finding("failed", "stage: Nomad", "x is away", "Nothing can be deployed.", said)]
    assert await portal_at_consul("a", consul) == [
        Finding("failed", "a", "its catalog cannot be read: x is away", "Status needs it.", said)
    ]


@pytest.mark.parametrize(("version", "has_it"), [("1.6.10", False), ("1.7.0", True), ("1.7.1", True), ("2.0.5", True)])
async def test_workload_identity_came_with_nomad_1_7(version: str, has_it: bool) -> None:
    nomad = Nomad()
    nomad.version = version
    said = await of_nomad(nomad, consul={"address": "http://consul", "token": "workload_identity"})
    assert any("no workload identity" in one.what for one in said) is not has_it


async def test_each_file_of_tls_that_a_variable_holds_is_told_by_its_key() -> None:
    tls = {key: {"nomad_variable": f"mesh/{key}#pem"} for key in ("ca", "certificate", "key")}
    consul = {"address": "http://consul", "agent_address": "https://consul:8501", "tls": tls}
    said = [one.what.partition(",")[0] for one in await of_nomad(Nomad(), consul=consul) if "variable" in one.what]
    assert said == [f"consul.tls.{key} is the variable mesh/{key}" for key in ("ca", "certificate", "key")]


@pytest.mark.parametrize(
    ("datacenters", "is_usable"), [(["eu-*", "dc1"], True), (["dc*"], True), (["eu-*"], False), (["dc"], False)]
)
async def test_a_node_is_of_use_where_one_pattern_fits_its_datacenter(datacenters: list[str], is_usable: bool) -> None:
    nomad = Nomad()
    nomad.known_nodes = [{"ID": "n", "Name": "n", "Status": "ready", "Datacenter": "dc1"}]
    said = await of_nomad(nomad, nomad={"address": "http://nomad", "datacenters": datacenters})
    assert any("no ready, eligible node" in one.what for one in said) is not is_usable


async def test_a_dry_run_asks_for_the_drivers_network_and_place_of_real_jobs_and_for_little() -> None:
    nomad = Nomad()
    place = {"address": "http://nomad", "namespace": "shop", "datacenters": ["eu-*"]}
    await of_nomad(nomad, nomad=place, driver="exec", sidecar={"driver": "raw_exec"}, network={"mode": "host"})
    small: Json = {"Config": {}, "Resources": {"CPU": 20, "MemoryMB": 16}}
    assert nomad.planned == [
        {
            "ID": "outrider-doctor",
            "Name": "outrider-doctor",
            "Type": "service",
            "Region": "global",
            "Namespace": "shop",
            "Datacenters": ["eu-*"],
            "TaskGroups": [
                {
                    "Name": "probe",
                    "Count": 1,
                    "Networks": [{"Mode": "host"}],
                    "Tasks": [{"Name": name, "Driver": name, **small} for name in ("exec", "raw_exec")],
                }
            ],
        }
    ]


async def test_a_dry_run_that_is_refused_for_another_reason_than_rights_says_it() -> None:
    nomad = Nomad()
    nomad.refusal = RemoteError("nonexistent namespace", status=400)
    assert (await of_nomad(nomad))[-1] == Finding(
        "failed",
        "stage: Nomad",
        "a dry run of a job was refused: nonexistent namespace",
        "Nothing can be deployed.",
        "Check that the namespace default exists.",
    )


# Connections


def a_job(*texts: str) -> Json:
    tasks = [{"Name": "agent", "Env": {"OUTRIDER_AGENT_UPSTREAMS": text}} for text in texts]
    return {"Meta": {"outrider_version": "a"}, "TaskGroups": [{"Tasks": [{"Name": "app"}, task]} for task in tasks]}


@pytest.mark.parametrize(
    ("job", "count"),
    [
        ({}, 0),
        ({"TaskGroups": None}, 0),
        ({"TaskGroups": [{"Tasks": [{"Name": "app", "Env": {"OUTRIDER_AGENT_UPSTREAMS": "a,b"}}]}]}, 0),
        (a_job(""), 0),
        (a_job("a"), 1),
        (a_job("a,b", "c"), 2),
        (a_job("a", "b,c,d"), 3),
    ],
)
def test_an_allocation_watches_the_upstreams_of_its_agent(job: Json, count: int) -> None:
    assert watched(job) == count


async def connections(most: Any, upstreams: int = 0, allocations: int = 0) -> Finding:
    nomad = Nomad()
    nomad.lists = [[{"NodeID": "node-one-1", "ClientStatus": "running"} for _ in range(allocations)]]
    nomad.known_jobs = {"a": a_job(",".join("u" * upstreams))} if allocations else {}
    (said,) = await connection_findings("stage", environment(), nomad, Consul(most))
    return said


@pytest.mark.parametrize("most", [None, 0, -1, "200"])
async def test_without_a_limit_that_is_known_connections_are_well(most: Any) -> None:
    assert await connections(most) == Finding(
        "ok", "stage: Consul", "no limit of connections per client address is known"
    )


@pytest.mark.parametrize(
    ("most", "upstreams", "allocations", "level", "said"),
    [
        (1, 0, 0, "failed", "and a node needs 20"),
        (160, 13, 10, "warning", "and a node needs 160"),
        (159, 13, 10, "failed", "and a node needs 160"),
        (200, 13, 10, "warning", "(limits.http_max_conns_per_client)"),
        (199, 13, 10, "warning", "and a node needs 160"),
        (20, 0, 0, "warning", "(limits.http_max_conns_per_client)"),
        (999, 0, 0, "warning", "(limits.http_max_conns_per_client)"),
        (1000, 0, 0, "ok", "1000 connections per client address, of which a node needs 20"),
    ],
)
async def test_the_limit_is_held_against_what_a_node_needs(
    most: int, upstreams: int, allocations: int, level: str, said: str
) -> None:
    found = await connections(most, upstreams, allocations)
    assert (found.level, found.what.endswith(said)) == (level, True)


@pytest.mark.parametrize(
    ("most", "upstreams", "allocations", "wanted"),
    [(100, 13, 10, 4096), (190, 13, 10, 4096), (200, 0, 0, 4096), (200, 13, 200, 5640), (3000, 13, 200, 5640)],
)
async def test_the_limit_that_is_advised_is_twice_the_need_and_4096_at_least(
    most: int, upstreams: int, allocations: int, wanted: int
) -> None:
    step = (await connections(most, upstreams, allocations)).next_step
    assert f"http_max_conns_per_client = {wanted} }}" in step


async def test_the_node_that_needs_most_is_named() -> None:
    nomad = Nomad()
    nomad.lists = [[{"NodeID": node, "ClientStatus": "pending"} for node in ("aaaaaaaa-1", "bbbbbbbb-1", "bbbbbbbb-1")]]
    nomad.known_jobs = {"a": a_job("a")}
    (said,) = await connection_findings("stage", environment(), nomad, Consul(10))
    assert said.why.startswith("Node bbbbbbbb needs 24: 4 of its allocations")


# Rights


def a_policy(**rules: list[str] | None) -> Json:
    names = {"all": "*", "shops": "shop-*", "one": "shop-a", "other": "other"}
    return {"RulesJSON": {"Namespaces": [{"Name": names[one], "Capabilities": can} for one, can in rules.items()]}}


@pytest.mark.parametrize(
    ("policies", "allowed"),
    [
        ([], set()),
        ([a_policy(other=["read-job"])], set()),
        ([a_policy(one=["read-job", "read-logs"])], {"read-job", "read-logs"}),
        ([a_policy(one=None)], set()),
        ([a_policy(one=["read-job"]), a_policy(one=["read-logs"])], {"read-job", "read-logs"}),
        ([a_policy(all=["list-jobs"], shops=["read-job"], one=["read-logs"])], {"read-logs"}),
        ([a_policy(one=["read-logs"], shops=["read-job"], all=["list-jobs"])], {"read-logs"}),
        ([a_policy(all=["list-jobs"], shops=["read-job"])], {"read-job"}),
        ([a_policy(shops=["read-job"], all=["list-jobs"])], {"read-job"}),
        ([a_policy(one=["read-logs", "deny"])], set()),
        ([a_policy(one=["deny"], all=["read-job"])], set()),
    ],
)
def test_of_several_rules_the_one_that_names_the_namespace_best_counts(policies: list[Json], allowed: set[str]) -> None:
    assert capabilities(policies, "shop-a") == allowed


@pytest.mark.parametrize(
    ("can", "more", "said"),
    [
        (["read-logs", "alloc-lifecycle"], {}, "no alloc-exec and no alloc-node-exec"),
        (["read-logs", "alloc-lifecycle", "alloc-exec"], {}, "no alloc-node-exec"),
        (["read-logs", "alloc-lifecycle", "alloc-exec", "alloc-node-exec"], {}, None),
        (["read-logs", "alloc-lifecycle", "alloc-exec"], {"driver": "docker"}, None),
        (["read-logs", "alloc-lifecycle"], {"driver": "docker"}, "no alloc-exec"),
        (
            ["read-logs", "alloc-lifecycle", "alloc-exec"],
            {"driver": "docker", "sidecar": {"driver": "raw_exec"}},
            "no alloc-node-exec",
        ),
    ],
)
async def test_that_nobody_may_run_commands_is_said_and_no_fault(can: list[str], more: Json, said: str | None) -> None:
    nomad = Nomad()
    nomad.policies = [{"RulesJSON": {"Namespaces": [{"Name": "default", "Capabilities": can}]}}]
    found = await portal_at_nomad("stage", environment(**more), nomad)
    assert [one.level for one in found] == (["ok"] if said else [])
    assert [one.what for one in found] == (
        [f"`outrider exec` is not allowed: the portal's token has {said}"] if said else []
    )


@pytest.mark.parametrize(
    ("rights", "shown"),
    [
        ({"service": False}, "no service"),
        ({"node": False}, "no node, and so no instance of any service"),
        ({"service": False, "node": False}, "no service and no node, and so no instance of any service"),
    ],
)
async def test_what_an_allocation_without_a_token_may_not_read_is_told(rights: dict[str, bool], shown: str) -> None:
    (said,) = await allocations_at_consul("a", environment(), Consul(**rights), None)
    assert (said.level, said.what) == ("failed", f"consul.token is none, and without a token Consul shows {shown}")


async def test_allocations_without_a_token_may_read_all_where_consul_says_so() -> None:
    (said,) = await allocations_at_consul("a", environment(), Consul(), None)
    assert said == Finding("ok", "a", "allocations, which have no token, may read services and nodes")


@pytest.mark.parametrize(
    ("configuration", "count"),
    [
        ({"ACLsEnabled": True, "ACLDefaultPolicy": "deny"}, 1),
        ({"ACLsEnabled": True, "ACLDefaultPolicy": "allow"}, 0),
        ({"ACLsEnabled": False, "ACLDefaultPolicy": "deny"}, 0),
        ({}, 0),
        (None, 1),
    ],
)
async def test_where_nobody_can_be_asked_consuls_configuration_tells(configuration: Json | None, count: int) -> None:
    assert len(await allocations_at_consul("a", environment(), None, configuration)) == count


async def test_a_catalog_that_is_refused_for_want_of_rights_names_the_rights_with_their_rules() -> None:
    consul = Consul()
    consul.denied = RemoteError("denied", status=403)
    assert [one.what for one in await portal_at_consul("a", consul)] == ["its catalog cannot be read: denied"]


# Nodes


@pytest.mark.parametrize(
    ("driver", "step"),
    [
        ("docker", "Start Docker on the nodes"),
        ("podman", "nomad-driver-podman"),
        ("exec", "Run Nomad's clients as root"),
        ("raw_exec", "enabled = true"),
    ],
)
def test_each_driver_that_lacks_has_its_own_step(driver: str, step: str) -> None:
    found = node_findings("a", environment(driver=driver, network={"mode": "host"}), cast("Any", [a_node("n")]), 1)
    assert step in next(one.next_step for one in found if one.what.startswith(f"no node has driver {driver}"))


def a_node(name: str, **more: Any) -> Json:
    return {"ID": name, "Name": name, "Attributes": {}, "Drivers": {}, **more}


@pytest.mark.parametrize(
    ("lacking", "named"),
    [(1, "n0"), (5, "n0, n1, n2, n3, n4"), (6, "n0, n1, n2, n3, n4 and more")],
)
def test_of_the_nodes_that_lack_something_five_are_named(lacking: int, named: str) -> None:
    well = {"Drivers": {"raw_exec": {"Detected": True, "Healthy": True}}}
    nodes = [*(a_node(f"n{number}") for number in range(lacking)), a_node("well", **well)]
    found = node_findings("a", environment(), nodes, len(nodes))
    (said,) = [one for one in found if "lack driver raw_exec" in one.what]
    assert (said.level, f"({named})" in said.what) == ("warning", True)
    assert said.what.startswith(f"{lacking} of {lacking + 1} nodes lack driver raw_exec")


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        (["127.0.0.1"], "its node has the address 127.0.0.1"),
        (["127.0.0.1", "10.0.0.1"], "1 nodes have the address 127.0.0.1"),
        (["127.0.0.2", "127.0.0.1", "10.0.0.1"], "2 nodes have the address 127.0.0.2"),
        (["10.0.0.1", "10.0.0.2"], None),
    ],
)
def test_nodes_with_addresses_of_their_own_machine_are_apart(addresses: list[str], said: str | None) -> None:
    nodes = [a_node(one, Attributes={"unique.network.ip-address": one}) for one in addresses]
    found = [one.what for one in node_findings("a", environment(), nodes, len(nodes)) if "the address" in one.what]
    assert found == ([said] if said else [])
