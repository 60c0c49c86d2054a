"""Host volumes of a spec in the job: what the node has to have, what the driver mounts, what the app is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from outrider_ground.errors import SpecError

from outrider.documents import Json
from outrider.nomad.write.hcl import hcl
from outrider.nomad.write.job import job
from outrider.nomad.write.rollback import rolled_back, started_anew
from outrider.operations.change.volume_places import place_of
from outrider.operations.doctor.volumes import missing_volumes
from outrider.spec.platform import Platform
from outrider.spec.reading.files import read_service
from outrider.topology.remarks import remarks
from outrider.topology.resolve import topology
from outrider.topology.topology import Topology

SPEC = """
service: sessions
run: RUN
mesh: false
volumes:
  - {host: sessions-data, path: /data}
  - {host: fonts, path: /usr/share/fonts, read_only: true}
"""


def resolved(driver: str, spec: str = SPEC, **more: Any) -> Topology:
    run = '{image: "redis:7"}' if driver in {"docker", "podman"} else "{command: [redis-server]}"
    here = {"nomad": {"address": "http://n:1"}, "consul": {"address": "http://c:1"}, "driver": driver, **more}
    platform = Platform.model_validate({"environments": {"stage": here}})
    return topology(read_service(spec.replace("RUN", run), "f.yaml").service, platform, "stage", protocols={})


@pytest.mark.parametrize("driver", ["docker", "podman", "exec", "java"])
def test_a_driver_that_mounts_gets_the_volume_where_the_spec_says(driver: str) -> None:
    spec = SPEC.replace("RUN", "{command: [app.jar]}") if driver == "java" else SPEC
    group = job(resolved(driver, spec), None)["TaskGroups"][0]
    assert group["Volumes"]["sessions-data"] == {
        "Name": "sessions-data",
        "Type": "host",
        "Source": "sessions-data",
        "ReadOnly": False,
    }
    assert group["Volumes"]["fonts"]["ReadOnly"] is True
    task = group["Tasks"][-1]
    assert task["VolumeMounts"] == [
        {"Volume": "sessions-data", "Destination": "/data", "ReadOnly": False},
        {"Volume": "fonts", "Destination": "/usr/share/fonts", "ReadOnly": True},
    ]
    assert (task["Env"]["SESSIONS_DATA_DIR"], task["Env"]["FONTS_DIR"]) == ("/data", "/usr/share/fonts")


def test_raw_exec_mounts_nothing_and_tells_the_app_the_directory_of_the_node() -> None:
    found = resolved("raw_exec", volumes={"directory": "/srv/volumes"})
    group = job(found, None)["TaskGroups"][0]
    assert set(group["Volumes"]) == {"sessions-data", "fonts"}, "the node has to have them all the same"
    task = group["Tasks"][-1]
    assert "VolumeMounts" not in task, "Nomad would refuse the task"
    assert task["Env"]["SESSIONS_DATA_DIR"] == "/srv/volumes/sessions-data"
    said = " ".join(remarks(found))
    assert "raw_exec mounts nothing" in said
    assert "nothing keeps the app from writing there" in said


def test_raw_exec_without_a_word_of_the_platform_is_refused_with_the_way_out() -> None:
    with pytest.raises(SpecError) as caught:
        resolved("raw_exec")
    assert [problem.path for problem in caught.value.problems] == ["volumes.0", "volumes.1"]
    assert "volumes.directory in the platform file" in caught.value.problems[0].message


def test_what_is_written_has_one_writer_at_a_time() -> None:
    written, read = resolved("docker"), resolved("docker", SPEC.replace("/data}", "/data, read_only: true}"))
    assert job(written, None)["TaskGroups"][0]["Update"]["Canary"] == 0
    assert job(read, None)["TaskGroups"][0]["Update"]["Canary"] == 1, (
        "nothing is written: the new one comes up beside it"
    )
    assert any("one allocation at a time" in line for line in remarks(written))
    assert not any("one allocation at a time" in line for line in remarks(read))


@pytest.mark.parametrize("again", [rolled_back, started_anew])
def test_what_is_written_has_one_writer_also_where_it_is_started_once_more(again: Callable[[Json, int], Json]) -> None:
    written, read = resolved("docker"), resolved("docker", SPEC.replace("/data}", "/data, read_only: true}"))
    canaries = [again(job(one, None), 1)["TaskGroups"][0]["Update"]["Canary"] for one in (written, read)]
    assert canaries == [0, 1]


def test_a_canary_and_a_count_of_a_written_volume_are_remarked() -> None:
    said = " ".join(remarks(resolved("docker", SPEC + "count: 3\nupdate: {canary: 1}\n")))
    assert "a canary starts beside the old allocation, and both write sessions-data" in said
    assert "count: 3 allocations write sessions-data" in said


def test_volumes_stand_in_hcl_as_blocks() -> None:
    text = hcl(job(resolved("docker"), None))
    assert (
        'volume "sessions-data" {\n      type = "host"\n      source = "sessions-data"\n      read_only = false' in text
    )
    assert 'volume_mount {\n        volume = "sessions-data"\n        destination = "/data"' in text


@pytest.mark.parametrize(
    ("volumes", "path"),
    [
        ("[{host: a, path: /data}, {host: a, path: /other}]", "volumes.1.host"),
        ("[{host: a-b, path: /data}, {host: a_b, path: /other}]", "volumes.1.host"),
        ("[{host: a, path: /data}, {host: b, path: /data/b}]", "volumes.1.path"),
        ("[{host: a, path: /data/b}, {host: b, path: /data}]", "volumes.1.path"),
        ("[{host: a, path: data}]", "volumes.0.path"),
        ("[{host: a, path: /a/../b}]", "volumes.0.path"),
        ("[{host: a, path: /local/x}]", "volumes.0.path"),
        ("[{host: a, path: /}]", "volumes.0.path"),
        ("[{host: ../a, path: /data}]", "volumes.0.host"),
        ("[{host: a}]", "volumes.0.path"),
    ],
)
def test_volumes_that_cannot_be_are_refused_at_their_place(volumes: str, path: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_service(f"service: a\nrun: {{image: x}}\nvolumes: {volumes}\n", "f.yaml")
    assert caught.value.problems[0].path == path


def test_the_variable_of_a_volume_cannot_be_set_by_the_spec() -> None:
    with pytest.raises(SpecError) as caught:
        read_service(
            "service: a\nrun: {image: x}\nvolumes: [{host: my-data, path: /d}]\nenv: {MY_DATA_DIR: x}\n", "f.yaml"
        )
    assert "it is where the app finds its volume my-data" in caught.value.problems[0].message


NODES: list[dict[str, Any]] = [
    {"Name": "n1", "Status": "ready", "HostVolumes": {"data": {}}},
    {"Name": "n2", "Status": "ready", "HostVolumes": None},
    {"Name": "n3", "Status": "down", "HostVolumes": {"old": {}}},
]


def test_a_plan_says_on_which_nodes_a_volume_is() -> None:
    assert place_of("data", NODES) == (
        "the host volume data is on 1 of 2 nodes (n1): allocations run only there; what is in it does not move to another node"
    )
    assert place_of("old", NODES).startswith("no node has the host volume old"), "a node that is down runs nothing"


def test_doctor_names_the_volumes_that_jobs_ask_for_and_no_node_has() -> None:
    jobs: list[dict[str, Any]] = [
        {"ID": "a", "TaskGroups": [{"Volumes": {"x": {"Type": "host", "Source": "data"}}}]},
        {"ID": "b", "TaskGroups": [{"Volumes": {"x": {"Type": "host", "Source": "old"}}}, {"Volumes": None}]},
        {"ID": "c", "TaskGroups": [{"Volumes": {"x": {"Type": "csi", "Source": "elsewhere"}}}]},
    ]
    (found,) = missing_volumes("stage: host volumes", jobs, NODES)
    assert (found.level, found.what, found.why[:1]) == ("failed", "no node has old", "b")
    assert [one.level for one in missing_volumes("x", jobs[:1], NODES)] == ["ok"]
    assert missing_volumes("x", jobs[2:], NODES) == []
