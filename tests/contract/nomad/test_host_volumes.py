"""Host volumes: what a job that asks for one is, where it is placed, and what a driver without mounts says; embedded and real."""

from __future__ import annotations

from typing import Any

from outrider_harness.nomad_calls import NomadCalls, job, task
from outrider_harness.nomads import VOLUME

REQUEST = {"Name": VOLUME, "Type": "host", "Source": VOLUME}
MOUNT = {"Volume": VOLUME, "Destination": "/data"}


def filtered(answer: Any, group: str) -> dict[str, int]:
    return answer["FailedTGAllocs"][group]["ConstraintFiltered"]


async def known(calls: NomadCalls, document: dict[str, Any], **since: tuple[int, int]) -> dict[str, Any]:
    """The document as this server's Nomad has it: without the fields that came with a later one."""
    written = (await calls.get("/v1/agent/self"))["config"]["Version"]["Version"]
    version = tuple(map(int, written.split(".")[:2]))
    return {name: value for name, value in document.items() if since.get(name, version) <= version}


class TestHostVolumes:
    """What a spec's volumes rest on."""

    async def test_a_group_with_a_volume_runs_on_a_node_that_has_it(self, calls: NomadCalls) -> None:
        await calls.healthy(job("volume-there", task("app"), Volumes={VOLUME: REQUEST}))
        stored = await calls.get("/v1/job/volume-there")
        wanted = {
            "AccessMode": "",
            "AttachmentMode": "",
            "MountOptions": None,
            "Name": VOLUME,
            "PerAlloc": False,
            "ReadOnly": False,
            "Source": VOLUME,
            "Sticky": False,
            "Type": "host",
        }
        assert stored["TaskGroups"][0]["Volumes"] == {VOLUME: await known(calls, wanted, Sticky=(1, 10))}
        (node,) = await calls.get("/v1/nodes")
        fields: dict[str, Any] = dict.fromkeys(("Name", "Path", "ReadOnly", "ID"))
        assert set(node["HostVolumes"][VOLUME]) == set(await known(calls, fields, ID=(1, 10)))

    async def test_a_volume_that_no_node_has_keeps_the_group_from_being_placed(self, calls: NomadCalls) -> None:
        nowhere = {"no": {"Name": "no", "Type": "host", "Source": "no/where"}}
        asked = job("volume-missing", task("app"), Volumes=nowhere)
        answer = await calls.post("/v1/job/volume-missing/plan", {"Job": asked})
        assert filtered(answer, asked["TaskGroups"][0]["Name"]) == {"missing compatible host volumes": 1}

    async def test_a_mount_of_a_volume_that_the_group_lacks_is_refused(self, calls: NomadCalls) -> None:
        wrong = job("volume-undefined", task("app", VolumeMounts=[{**MOUNT, "Volume": "other"}]))
        answer = await calls.post("/v1/validate/job", {"Job": wrong})
        assert "Volume Mount (0) references undefined volume other" in answer["Error"]

    async def test_a_volume_without_a_source_is_refused(self, calls: NomadCalls) -> None:
        wrong = job("volume-nameless", task("app"), Volumes={"x": {"Name": "x", "Type": "host"}})
        answer = await calls.post("/v1/validate/job", {"Job": wrong})
        assert "Task group volume validation for x failed: 1 error occurred:" in answer["Error"]
        assert "volume has an empty source" in answer["Error"]

    async def test_raw_exec_refuses_to_mount(self, calls: NomadCalls) -> None:
        mounted = job("volume-mounted", task("app", VolumeMounts=[MOUNT]), Volumes={VOLUME: REQUEST})
        await calls.register(mounted)
        stored = await calls.get("/v1/job/volume-mounted")
        (kept,) = stored["TaskGroups"][0]["Tasks"][0]["VolumeMounts"]
        wanted = {
            "Destination": "/data",
            "PropagationMode": "private",
            "ReadOnly": False,
            "SELinuxLabel": "",
            "Volume": VOLUME,
        }
        assert kept == await known(calls, wanted, SELinuxLabel=(1, 9))

        def refused(found: list[dict[str, Any]]) -> bool:
            said = [event for one in found for event in (one["TaskStates"] or {}).get("app", {}).get("Events", [])]
            wanted = ("Task hook failed", 'volumes: task driver "raw_exec" for "app" does not support host volumes')
            return any((event["Type"], event["DisplayMessage"]) == wanted for event in said)

        await calls.until("/v1/job/volume-mounted/allocations", refused)
        await calls.nomad.delete("/v1/job/volume-mounted?purge=true")

    async def test_a_changed_volume_replaces_allocations(self, calls: NomadCalls) -> None:
        await calls.healthy(job("volume-changed", task("app"), Volumes={VOLUME: REQUEST}))
        read = {VOLUME: {**REQUEST, "ReadOnly": True}}
        changed = job("volume-changed", task("app"), Volumes=read)
        answer = await calls.post("/v1/job/volume-changed/plan", {"Job": changed, "Diff": True})
        (desired,) = answer["Annotations"]["DesiredTGUpdates"].values()
        assert desired["DestructiveUpdate"] + desired["Canary"] == 1
