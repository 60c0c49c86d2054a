"""Why no node was found, in words: Nomad's metrics by reason and by class, and what nodes say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.nomad.read.fitness import unfit
from outrider.nomad.read.placement import failures

Json = dict[str, Any]
JOB: Json = {
    "Datacenters": ["dc1"],
    "TaskGroups": [
        {
            "Name": "web",
            "Tasks": [
                {"Name": "app", "Driver": "docker", "Resources": {"MemoryMB": 500, "CPU": 100}},
                {"Name": "envoy", "Driver": "raw_exec", "Resources": {"MemoryMB": 64, "CPU": 50}},
            ],
        }
    ],
}


def said(job: Json | None = None, **metric: Any) -> str:
    (sentence,) = failures({"FailedTGAllocs": {"web": {"NodesEvaluated": 3, **metric}}}, job)
    assert sentence.startswith("no node for web: ")
    return sentence.removeprefix("no node for web: ").removeprefix("3 nodes considered: ")


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ({"ConstraintFiltered": {"missing drivers": 2}}, "2 without a healthy driver (docker, raw_exec)"),
        ({"ConstraintFiltered": {"${attr.cpu.arch} = arm64": 3}}, "3 without ${attr.cpu.arch} = arm64"),
        ({"ConstraintFiltered": {"missing network": 1}}, "1 without the network mode that it asks for"),
        (
            {"ConstraintFiltered": {'missing host network "lo" for port "app"': 1}},
            '1 without host network "lo" (for port app)',
        ),
        ({"ConstraintFiltered": {"missing compatible host volumes": 1}}, "1 without the host volumes that it mounts"),
        ({"ConstraintFiltered": {"computed class ineligible": 2}}, "2 of a kind that does not fit"),
        (
            {"ConstraintFiltered": {"distinct_hosts": 2}},
            "2 with an allocation of it already, of which a node may have one",
        ),
        ({"DimensionExhausted": {"memory": 3}}, "3 without enough memory"),
        (
            {"DimensionExhausted": {"network: reserved port collision ingress=8080": 1}},
            "1 where port 8080 (ingress) is taken",
        ),
        (
            {"ConstraintFiltered": {"missing drivers": 2}, "ClassFiltered": {"gpu": 1, "web": 2}},
            "2 without a healthy driver (docker, raw_exec); of class gpu 1 does not fit; of class web 2 do not fit",
        ),
        (
            {"DimensionExhausted": {"cpu": 3}, "ClassExhausted": {"gpu": 1, "web": 2}},
            "3 without enough cpu; of class gpu 1 is full; of class web 2 are full",
        ),
        (
            {"QuotaExhausted": ["memory exhausted (300 needed > 200 limit)"]},
            "quota exhausted: memory exhausted (300 needed > 200 limit)",
        ),
        ({}, "none has room"),
        ({"NodesEvaluated": 0, "NodesAvailable": {"dc1": 0, "dc2": 0}}, "no ready node in dc1, dc2"),
        ({"NodesEvaluated": 0, "NodesAvailable": None}, "no ready node in the job's datacenters"),
        ({"NodesEvaluated": 0, "NodesAvailable": {"dc1": 2}}, "no node is eligible"),
        (
            {"NodesEvaluated": 0, "NodesInPool": 0, "NodePool": "batch", "NodesAvailable": {"dc1": 2}},
            "no node in node pool batch",
        ),
    ],
)
def test_d06_each_way_to_find_no_node_has_its_words(metric: Json, words: str) -> None:
    assert said(JOB, **metric) == words


def test_without_the_job_a_driver_has_no_name() -> None:
    assert said(ConstraintFiltered={"missing drivers": 1}) == "1 without a healthy driver"
    assert said(
        {"TaskGroups": [{"Name": "other", "Tasks": [{"Driver": "x"}]}]}, ConstraintFiltered={"missing drivers": 1}
    ) == ("1 without a healthy driver")


def test_where_nothing_failed_nothing_is_said() -> None:
    assert failures(None) == failures({}) == failures({"FailedTGAllocs": None}) == ()


def node(class_: str = "", **more: Any) -> Json:
    healthy = {"Detected": True, "Healthy": True}
    known = {"Status": "ready", "SchedulingEligibility": "eligible", "Datacenter": "dc1", "NodeClass": class_}
    size = {"Memory": {"MemoryMB": 564}, "Cpu": {"CpuShares": 150}}
    return {**known, "Drivers": {"docker": healthy, "raw_exec": healthy}, "NodeResources": size, **more}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, None),
        ({"NodeResources": None}, None),
        ({"Status": "down"}, "1 down"),
        ({"SchedulingEligibility": "ineligible"}, "1 closed to new allocations"),
        ({"SchedulingEligibility": "ineligible", "Drain": True}, "1 draining"),
        ({"Datacenter": "dc2"}, "1 in datacenter dc2, not in dc1"),
        ({"Drivers": {"raw_exec": {"Detected": True, "Healthy": True}}}, "1 without driver docker"),
        ({"Drivers": {"docker": {"Detected": False}, "raw_exec": None}}, "1 without driver docker"),
        (
            {
                "Drivers": {
                    "docker": {"Detected": True, "Healthy": False, "HealthDescription": "Failed to connect\nto daemon"}
                }
            },
            "1 with driver docker, but not healthy: Failed to connect to daemon",
        ),
        ({"Drivers": {"docker": {"Detected": True}}}, "1 with driver docker, but not healthy"),
        (
            {"NodeResources": {"Memory": {"MemoryMB": 563}}},
            "1 with 563 MB of memory in all, of 564 MB that it asks for",
        ),
        ({"NodeResources": {"Cpu": {"CpuShares": 149}}}, "1 with 149 MHz in all, of 150 MHz that it asks for"),
    ],
)
def test_d06_what_is_in_the_way_on_a_node_is_told_in_words(more: Json, words: str | None) -> None:
    assert unfit([node(**more)], JOB) == ((f"without a class (1 node): {words}",) if words else ())


def test_d06_each_class_of_nodes_has_its_own_sentence_and_one_that_would_fit_has_none() -> None:
    nodes = [node("web"), node("gpu", Drivers={}), node("gpu", Drivers={}), node("gpu", Status="down"), node("gpu")]
    assert unfit(nodes, JOB) == ("class gpu (4 nodes): 1 down; 2 without driver docker",)


def test_datacenters_are_patterns_and_none_named_are_all() -> None:
    assert unfit([node(Datacenter="dc2")], {**JOB, "Datacenters": ["dc*"]}) == ()
    assert unfit([node(Datacenter="dc2")], {**JOB, "Datacenters": None}) == ()
