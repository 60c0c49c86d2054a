"""Variables and references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from outrider_embedded.scheduler.environment import (
    Directories,
    UnknownVariableError,
    driver_config,
    interpolated,
    nomad_environment,
    port_variables,
)
from outrider_embedded.scheduler.task_templates import environment_file

NODE: dict[str, Any] = {"Attributes": {"kernel.name": "linux"}, "Meta": {"rack": "r1"}, "Datacenter": "dc1"}
PORTS = [{"Label": "egress-a", "HostIP": "127.0.0.1", "Value": 20001, "To": 9000}]


def allocation(**job: Any) -> dict[str, Any]:
    task = {"Name": "app", "Meta": None, "Resources": {"CPU": 1, "MemoryMB": 2, "MemoryMaxMB": 0}}
    fixed = {"ID": "web", "Name": "web", "Namespace": "default", "Region": "global", "Meta": None}
    groups = [{"Name": "web", "Meta": {"a.b": "group"}, "Tasks": [task]}]
    return {
        "ID": "12345678-0000-0000-0000-000000000000",
        "Name": "web.web[3]",
        "TaskGroup": "web",
        "Job": {**fixed, "TaskGroups": groups, **job},
        "AllocatedResources": {"Shared": {"Ports": PORTS}},
    }


def test_a_label_becomes_part_of_a_name_and_the_inner_port_is_the_mapped_one() -> None:
    found = port_variables(allocation())
    assert found["NOMAD_PORT_egress_a"] == "9000"
    assert found["NOMAD_HOST_PORT_egress_a"] == "20001"
    assert found["NOMAD_ADDR_egress_a"] == "127.0.0.1:20001"


def test_meta_of_job_and_group_is_told_with_safe_names() -> None:
    found = nomad_environment(allocation(Meta={"team": "blue"}), None, NODE, Directories(Path("/x")))
    assert (found["NOMAD_META_team"], found["NOMAD_META_TEAM"], found["NOMAD_META_a_b"]) == ("blue", "blue", "group")
    assert (found["NOMAD_ALLOC_INDEX"], found["NOMAD_ALLOC_DIR"]) == ("3", "/x/alloc")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${A}-${attr.kernel.name}-${meta.rack}-${node.datacenter}", "1-linux-r1-dc1"),
        ("${unknown} ${env.A} $A {A}", "${unknown} 1 $A {A}"),
        ("${A}{A}", "1{A}"),
    ],
)
def test_references_are_replaced_once_and_unknown_ones_stay(text: str, result: str) -> None:
    assert interpolated(text, {"A": "1"}, NODE) == result


def test_a_drivers_configuration_is_unescaped_and_refuses_what_nobody_sets() -> None:
    found = driver_config({"args": ["$${A}", "${A}", "%%{if}", 3]}, {"A": "1"}, NODE)
    assert found == {"args": ["${A}", "1", "%{if}", 3]}
    with pytest.raises(UnknownVariableError, match="NOPE"):
        driver_config("${NOPE}", {}, NODE)


def test_an_environment_file_may_quote_as_json_does() -> None:
    text = "# note\nexport A=1\nB=\"x\\ny\"\nC='#raw'\nD = plain # remark\n\n"
    assert environment_file(text) == {"A": "1", "B": "x\ny", "C": "#raw", "D": "plain"}
