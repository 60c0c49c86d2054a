"""The table of drivers holds every driver that can be written, and nothing beside it knows one by name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest
from support.topologies import platform

from outrider.nomad.write.access import of_app
from outrider.nomad.write.driver import in_task, script_words
from outrider.operations.doctor.nodes import node_findings
from outrider.spec.drivers import DRIVERS, Driver, SidecarDriver, is_container, written_driver

SRC = Path(__file__).parents[3] / "src"
HOME = SRC / "outrider" / "spec" / "drivers.py"


def test_each_driver_that_can_be_written_has_its_traits() -> None:
    assert set(DRIVERS) == set(get_args(Driver))
    assert {traits.sidecar for traits in DRIVERS.values()} == set(get_args(SidecarDriver))
    assert all(DRIVERS[driver].sidecar == driver for driver in get_args(SidecarDriver))
    assert DRIVERS["java"].sidecar == "exec"


@pytest.mark.parametrize("path", sorted(set(SRC.rglob("*.py")) - {HOME}), ids=lambda path: str(path.relative_to(SRC)))
def test_no_other_module_asks_for_a_driver_by_its_name(path: Path) -> None:
    asked = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Compare)]
    parts = [part for node in asked for side in (node.left, *node.comparators) for part in ast.walk(side)]
    words = {part.value for part in parts if isinstance(part, ast.Constant)}
    assert not words & set(DRIVERS)


def test_what_is_no_driver_has_no_traits_and_takes_no_images() -> None:
    assert written_driver("dockr") is written_driver(None) is written_driver(["docker"]) is None
    assert [is_container(name) for name in ("docker", "podman", "exec", "raw_exec", "java", "dockr", None)] == [
        True,
        True,
        False,
        False,
        False,
        False,
        False,
    ]


def test_only_a_task_without_a_root_of_its_own_is_told_relative_paths() -> None:
    assert {driver: in_task(driver, "local/a") for driver in DRIVERS} == {
        "docker": "/local/a",
        "podman": "/local/a",
        "exec": "/local/a",
        "raw_exec": "local/a",
        "java": "/local/a",
    }


def test_a_script_is_started_in_local_except_in_an_image() -> None:
    assert {driver for driver in DRIVERS if script_words(driver, ["a"]) == ["a"]} == {"docker", "podman"}


def test_secrets_belong_to_whom_the_driver_runs_as() -> None:
    found = {driver: of_app(driver, is_secret=True) for driver in DRIVERS}
    assert found["docker"] == found["podman"] == {"Perms": "0644"}
    assert found["exec"] == found["java"] == {"Perms": "0400", "Uid": 65534}
    assert found["raw_exec"] == {"Perms": "0400"}


@pytest.mark.parametrize(("driver", "step"), [(name, traits.remedy) for name, traits in DRIVERS.items()])
def test_where_no_node_has_the_driver_the_doctor_says_how_it_gets_there(driver: Driver, step: str) -> None:
    environment = platform(driver=driver).environments["test"]
    node = {"Name": "n", "Drivers": {}, "Attributes": {}}
    found = node_findings("stage", environment, [node], 1)
    assert step in [one.next_step for one in found if f"driver {driver}" in one.what]
