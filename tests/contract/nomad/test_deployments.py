"""Versions brought up: rolling updates, canaries, promotion, failure and revert, scaling, plans; embedded and real."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from outrider_harness.nomad_calls import SECOND, NomadCalls, job, ports, script, service, task, update

Document = dict[str, Any]


def versioned(name: str, version: str, count: int = 1, **group: Any) -> Document:
    """A job whose task differs from version to version."""
    return job(name, task("app", Env={"VERSION": version}), **{"Count": count, **group})


def crashing(name: str, **group: Any) -> Document:
    return job(name, script("app", "exit 1"), **group)


def desired(plan: Document, group: str) -> dict[str, int]:
    """The numbers of a plan that are not 0."""
    updates = plan["Annotations"]["DesiredTGUpdates"][group]
    return {key: value for key, value in updates.items() if value}


class TestDeployments:
    """What happens between two versions of a job."""

    async def test_a_rolling_update_replaces_one_after_the_other(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("roll", "1", 2))
        first = {one["ID"] for one in await calls.allocations("roll")}
        await calls.register(versioned("roll", "2", 2))
        fewest = 2
        while (await calls.get("/v1/job/roll/deployment"))["Status"] == "running" or fewest == 2:
            found = await calls.get("/v1/job/roll/allocations")
            fewest = min(
                fewest, sum(one["DesiredStatus"] == "run" and one["ClientStatus"] == "running" for one in found)
            )
            await asyncio.sleep(0.02)
        deployment = await calls.deployed("roll")
        assert fewest == 1
        second = await calls.allocations("roll")
        assert not first & {one["ID"] for one in second}
        assert sorted(one["Name"] for one in second) == ["roll.roll[0]", "roll.roll[1]"]
        state = deployment["TaskGroups"]["roll"]
        assert (state["DesiredTotal"], state["PlacedAllocs"], state["HealthyAllocs"]) == (2, 2, 2)
        gone = await calls.get(f"/v1/allocation/{next(iter(first))}")
        assert gone["DesiredDescription"] == "alloc is being updated due to job update"

    async def test_the_same_job_again_changes_nothing(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("same", "1"))
        before, (one,) = await calls.get("/v1/job/same"), await calls.allocations("same")
        answer = await calls.register(versioned("same", "1"))
        assert answer["JobModifyIndex"] in {before["ModifyIndex"], before["JobModifyIndex"]}
        after = await calls.get("/v1/job/same")
        assert (after["Version"], after["JobModifyIndex"]) == (before["Version"], before["JobModifyIndex"])
        await asyncio.sleep(0.5)
        assert [each["ID"] for each in await calls.allocations("same")] == [one["ID"]]

    async def test_a_new_count_keeps_the_running_allocations(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("count", "1"))
        (one,) = await calls.allocations("count")
        await calls.healthy(versioned("count", "1", 3))
        found = await calls.allocations("count")
        assert len(found) == 3
        kept = next(each for each in found if each["ID"] == one["ID"])
        assert (kept["JobVersion"], kept["DeploymentStatus"]["Healthy"]) == (1, True)
        await calls.healthy(versioned("count", "1", 1))
        assert [each["ID"] for each in await calls.allocations("count")] == [one["ID"]]

    async def test_a_scale_notes_its_reason_and_is_refused_while_a_deployment_runs(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("scale", "1"))
        wish = {"Count": 2, "Target": {"Group": "scale"}, "Message": "more", "Meta": {"by": "test"}}
        assert (await calls.post("/v1/job/scale/scale", wish))["EvalID"]
        refused = await calls.nomad.post("/v1/job/scale/scale", json=wish)
        if refused.is_error:  # the first one's deployment may be over already
            assert (refused.status_code, refused.text) == (400, "job scaling blocked due to active deployment")
        await calls.deployed("scale")
        status = (await calls.get("/v1/job/scale/scale"))["TaskGroups"]["scale"]
        assert (status["Desired"], status["Running"], status["Healthy"]) == (2, 2, 2)
        first = status["Events"][-1]
        assert (first["Message"], first["PreviousCount"], first["Count"]) == ("more", 1, 2)

    async def test_a_canary_waits_and_a_promotion_swaps_tags_and_meta_and_ends_the_old_one(
        self, calls: NomadCalls
    ) -> None:
        def document(version: str) -> Document:
            web = service("canary", Tags=["live"], CanaryTags=["new"], Meta={"canary": "false"})
            web["CanaryMeta"] = {"canary": "true"}
            group: Document = {"Networks": ports("http"), "Services": [web], "Update": update(Canary=1)}
            return versioned("canary", version, **group)

        await calls.healthy(document("1"))
        (old,) = await calls.allocations("canary")
        await calls.register(document("2"))
        deployment = await calls.until(
            "/v1/job/canary/deployment",
            lambda found: found["JobVersion"] == 1 and found["TaskGroups"]["canary"]["HealthyAllocs"] == 1,
        )
        assert deployment["StatusDescription"] == "Deployment is running but requires manual promotion"
        assert deployment["TaskGroups"]["canary"]["DesiredCanaries"] == 1
        (canary,) = deployment["TaskGroups"]["canary"]["PlacedCanaries"]
        assert {one["ID"] for one in await calls.allocations("canary")} == {old["ID"], canary}
        found = await calls.until_services("canary", lambda found: len(found) == 2)
        by_id = {one["Service"]["ID"]: one["Service"] for one in found}
        new = by_id[f"_nomad-task-{canary}-group-canary-canary-http"]
        assert (new["Tags"], new["Meta"]) == (["new"], {"canary": "true", "external-source": "nomad"})
        await calls.post(f"/v1/deployment/promote/{deployment['ID']}", {"DeploymentID": deployment["ID"], "All": True})
        await calls.deployed("canary")
        assert [one["ID"] for one in await calls.allocations("canary")] == [canary]
        (left,) = await calls.until_services("canary", lambda found: len(found) == 1)
        assert (left["Service"]["Tags"], left["Service"]["Meta"]["canary"]) == (["live"], "false")
        assert (await calls.get(f"/v1/allocation/{canary}"))["DeploymentStatus"]["Canary"] is False
        again = await calls.nomad.post(f"/v1/deployment/promote/{deployment['ID']}", json={"All": True})
        assert again.status_code in {400, 500}

    async def test_a_canary_can_promote_itself(self, calls: NomadCalls) -> None:
        group: Document = {"Update": update(Canary=1, AutoPromote=True)}
        await calls.healthy(versioned("auto", "1", **group))
        (old,) = await calls.allocations("auto")
        deployment = await calls.healthy(versioned("auto", "2", **group))
        assert deployment["TaskGroups"]["auto"]["Promoted"] is True
        (new,) = await calls.allocations("auto")
        assert new["ID"] != old["ID"]
        assert (await calls.ended(old["ID"]))["ClientStatus"] == "complete"

    async def test_a_failed_canary_goes_and_the_revert_takes_the_running_ones_over(self, calls: NomadCalls) -> None:
        group: Document = {"Update": update(Canary=1, AutoRevert=True)}
        await calls.healthy(versioned("fail", "1", **group))
        (old,) = await calls.allocations("fail")
        await calls.register(versioned("fail", "2", **group))
        deployment = await calls.until(
            "/v1/job/fail/deployment",
            lambda found: found["JobVersion"] == 1 and found["TaskGroups"]["fail"]["HealthyAllocs"] == 1,
        )
        answer = await calls.post(f"/v1/deployment/fail/{deployment['ID']}")
        assert answer["RevertedJobVersion"] == 0
        failed = await calls.get(f"/v1/deployment/{deployment['ID']}")
        assert failed["Status"] == "failed"
        assert failed["StatusDescription"] == "Deployment marked as failed - rolling back to job version 0"
        await calls.deployed("fail")
        (kept,) = await calls.allocations("fail")
        assert (kept["ID"], kept["JobVersion"]) == (old["ID"], 2)

    async def test_a_crashing_version_is_reverted_through_a_canary_that_waits_for_a_person(
        self, calls: NomadCalls
    ) -> None:
        group: Document = {"Update": update(Canary=1, AutoRevert=True)}
        await calls.healthy(versioned("revert", "1", **group))
        await calls.register(crashing("revert", Update=update(AutoRevert=True)))
        deployment = await calls.until(
            "/v1/job/revert/deployment",
            lambda found: found["JobVersion"] == 2 and found["TaskGroups"]["revert"]["HealthyAllocs"] == 1,
        )
        assert deployment["StatusDescription"] == "Deployment is running but requires manual promotion"
        before = next(one for one in await calls.get("/v1/job/revert/deployments") if one["JobVersion"] == 1)
        assert before["StatusDescription"] == "Failed due to unhealthy allocations - rolling back to job version 0"
        refused = await calls.nomad.post("/v1/job/revert/scale", json={"Count": 2, "Target": {"Group": "revert"}})
        assert (refused.status_code, refused.text) == (400, "job scaling blocked due to active deployment")
        await calls.post(f"/v1/deployment/promote/{deployment['ID']}", {"DeploymentID": deployment["ID"], "All": True})
        await calls.deployed("revert")

    async def test_a_version_without_revert_stays_failed(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("stay", "1"))
        await calls.register(crashing("stay"))
        deployment = await calls.deployed("stay", "failed")
        assert deployment["StatusDescription"] == "Failed due to unhealthy allocations"
        assert (await calls.get("/v1/job/stay"))["Version"] == 1

    async def test_an_allocation_that_never_gets_healthy_meets_its_deadline(self, calls: NomadCalls) -> None:
        web = service("late", Checks=[{"Type": "tcp", "Interval": SECOND, "Timeout": SECOND}])
        deadlines = update(HealthyDeadline=3 * SECOND, ProgressDeadline=20 * SECOND)
        await calls.register(job("late", Networks=ports("http"), Services=[web], Update=deadlines))
        deployment = await calls.deployed("late", "failed")
        assert deployment["StatusDescription"] == "Failed due to unhealthy allocations"
        (found,) = await calls.get("/v1/job/late/allocations")
        kinds = [event["Type"] for event in found["TaskStates"]["app"]["Events"]]
        assert "Alloc Unhealthy" in kinds
        assert found["DeploymentStatus"]["Healthy"] is False

    async def test_checks_decide_on_health(self, calls: NomadCalls) -> None:
        check = {
            "Type": "script",
            "Name": "ready",
            "TaskName": "app",
            "Command": "/bin/sh",
            "Args": ["-c", "test -e ../alloc/data/ready"],
            "Interval": SECOND,
            "Timeout": SECOND,
        }
        web = service("checked", Checks=[check])
        tasks = script("app", "sleep 1.5; touch ../alloc/data/ready; while true; do sleep 0.1; done")
        await calls.register(job("checked", tasks, Networks=ports("http"), Services=[web]))
        await calls.running("checked")
        assert (await calls.get("/v1/job/checked/deployment"))["TaskGroups"]["checked"]["HealthyAllocs"] == 0
        await calls.deployed("checked")
        (found,) = await calls.services("checked")
        statuses = {one["Name"]: one["Status"] for one in found["Checks"]}
        assert statuses["ready"] == "passing"
        assert found["Service"]["Port"] > 0

    async def test_a_failed_allocation_is_replaced_as_its_policy_says(self, calls: NomadCalls) -> None:
        policy = {"Attempts": 0, "Unlimited": True, "Delay": 5 * SECOND, "DelayFunction": "constant"}
        tasks = script("app", "sleep 6; exit 1")
        await calls.healthy(job("again", tasks, ReschedulePolicy=policy))
        (first,) = await calls.allocations("again")
        await calls.until(f"/v1/allocation/{first['ID']}", lambda found: found.get("NextAllocation"))
        old = await calls.get(f"/v1/allocation/{first['ID']}")
        new = await calls.get(f"/v1/allocation/{old['NextAllocation']}")
        assert (old["ClientStatus"], old["DesiredStatus"]) == ("failed", "stop")
        assert new["RescheduleTracker"]["Events"][0]["PrevAllocID"] == first["ID"]
        assert new["PreviousAllocation"] == first["ID"]

    async def test_an_update_beside_a_fixed_port_replaces_in_place(self, calls: NomadCalls) -> None:
        fixed = [{"Mode": "host", "ReservedPorts": [{"Label": "http", "Value": 18123}]}]
        await calls.healthy(versioned("fixed", "1", Networks=fixed))
        await calls.healthy(versioned("fixed", "2", Networks=fixed))
        allocation = await calls.allocation("fixed")
        assert allocation["AllocatedResources"]["Shared"]["Ports"][0]["Value"] == 18123

    async def test_a_job_for_a_driver_that_is_not_there_is_not_placed(self, calls: NomadCalls) -> None:
        document = job("nodriver", task("app", Driver="podman", Config={"image": "x"}))
        await calls.register(document)
        evaluations = await calls.until(
            "/v1/job/nodriver/evaluations", lambda found: any(one.get("BlockedEval") for one in found)
        )
        failed = next(one for one in evaluations if one.get("BlockedEval"))
        metric = failed["FailedTGAllocs"]["nodriver"]
        assert metric["ConstraintFiltered"] == {"missing drivers": 1}
        assert failed["QueuedAllocations"] == {"nodriver": 1}
        assert (await calls.get("/v1/job/nodriver/summary"))["Summary"]["nodriver"]["Queued"] == 1

    async def test_a_plan_tells_the_changes_and_changes_nothing(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("plan", "1"))
        before = await calls.get("/v1/job/plan")

        async def plan(document: Document) -> Document:
            return await calls.post("/v1/job/plan/plan", {"Job": document, "Diff": True})

        same, more = await plan(versioned("plan", "1")), await plan(versioned("plan", "1", 2))
        other = await plan(versioned("plan", "2"))
        assert (same["Diff"]["Type"], desired(same, "plan")) == ("None", {"Ignore": 1})
        assert (more["Diff"]["Type"], desired(more, "plan")) == ("Edited", {"InPlaceUpdate": 1, "Place": 1})
        assert desired(other, "plan") == {"DestructiveUpdate": 1}
        (changed,) = other["Diff"]["TaskGroups"][0]["Tasks"]
        (field,) = changed["Fields"]
        assert (field["Name"], field["Old"], field["New"], field["Type"]) == ("Env[VERSION]", "1", "2", "Edited")
        assert changed["Annotations"] == ["forces create/destroy update"]
        assert same["JobModifyIndex"] == before["JobModifyIndex"]
        assert (await calls.get("/v1/job/plan"))["ModifyIndex"] == before["ModifyIndex"]

    async def test_a_register_with_an_old_index_is_refused(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("index", "1"))
        index = (await calls.get("/v1/job/index"))["JobModifyIndex"]
        body = {"Job": versioned("index", "2"), "EnforceIndex": True, "JobModifyIndex": index - 1}
        refused = await calls.nomad.post("/v1/jobs", json=body)
        wanted = f"Enforcing job modify index {index - 1}: job exists with conflicting job modify index: {index}"
        assert (refused.status_code, refused.text) == (500, wanted)
        assert (await calls.post("/v1/jobs", {**body, "JobModifyIndex": index}))["JobModifyIndex"] > index

    async def test_the_list_of_jobs_has_their_meta_where_that_is_asked_for(self, calls: NomadCalls) -> None:
        await calls.register({**versioned("told", "1"), "Meta": {"a": "b"}})
        await calls.register(versioned("untold", "1"))
        asked = {one["ID"]: one.get("Meta") for one in await calls.get("/v1/jobs", meta="true")}
        assert (asked["told"], asked["untold"]) == ({"a": "b"}, None)
        assert not [one for one in await calls.get("/v1/jobs") if "Meta" in one]

    async def test_counts_can_be_kept_over_a_register(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("keep", "1", 2))
        await calls.register(versioned("keep", "2", 5), PreserveCounts=True)
        assert (await calls.get("/v1/job/keep"))["TaskGroups"][0]["Count"] == 2

    async def test_six_versions_are_kept_and_an_older_one_can_be_registered_again(self, calls: NomadCalls) -> None:
        for number in range(7):
            await calls.register(versioned("versions", str(number)))
        await calls.deployed("versions")
        listed = await calls.get("/v1/job/versions/versions")
        assert [one["Version"] for one in listed["Versions"]] == [6, 5, 4, 3, 2, 1]
        await calls.post("/v1/job/versions/revert", {"JobID": "versions", "JobVersion": 3})
        await calls.deployed("versions")
        present = await calls.get("/v1/job/versions")
        assert (present["Version"], present["TaskGroups"][0]["Tasks"][0]["Env"]) == (7, {"VERSION": "3"})

    async def test_a_deployment_can_be_paused_and_resumed(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("pause", "1", 2))
        await calls.register(versioned("pause", "2", 2, Update=update(MinHealthyTime=SECOND)))
        deployment = await calls.until("/v1/job/pause/deployment", lambda found: found["JobVersion"] == 1)
        path, body = f"/v1/deployment/pause/{deployment['ID']}", {"DeploymentID": deployment["ID"]}
        await calls.post(path, {**body, "Pause": True})
        paused = await calls.get(f"/v1/deployment/{deployment['ID']}")
        assert (paused["Status"], paused["StatusDescription"]) == ("paused", "Deployment is paused")
        await calls.post(path, {**body, "Pause": False})
        await calls.deployed("pause")

    async def test_a_paused_deployment_outlives_its_progress_deadline_from_2_0_1_on_and_has_it_anew(
        self, calls: NomadCalls
    ) -> None:
        quick = update(MinHealthyTime=SECOND, HealthyDeadline=2 * SECOND, ProgressDeadline=3 * SECOND)
        await calls.healthy(versioned("hold", "1", 2))
        await calls.register(versioned("hold", "2", 2, Update=quick))
        deployment = await calls.until("/v1/job/hold/deployment", lambda found: found["JobVersion"] == 1)
        path, here = f"/v1/deployment/pause/{deployment['ID']}", f"/v1/deployment/{deployment['ID']}"
        await calls.post(path, {"DeploymentID": deployment["ID"], "Pause": True})
        await asyncio.sleep(6)
        found = await calls.get(here)
        version = (await calls.get("/v1/agent/self"))["config"]["Version"]["Version"]
        if tuple(map(int, version.split("."))) < (2, 0, 1):
            assert (found["Status"], found["StatusDescription"]) == ("failed", "Failed due to progress deadline")
            return
        assert found["Status"] == "paused"
        await calls.post(path, {"DeploymentID": deployment["ID"], "Pause": False})
        await calls.deployed("hold")

    async def test_a_newer_job_cancels_the_deployment_before_it(self, calls: NomadCalls) -> None:
        slow = update(MinHealthyTime=10 * SECOND)
        await calls.register(versioned("newer", "1", Update=slow))
        first = await calls.until("/v1/job/newer/deployment", lambda found: found)
        await calls.healthy(versioned("newer", "2"))
        old = await calls.get(f"/v1/deployment/{first['ID']}")
        assert (old["Status"], old["StatusDescription"]) == ("cancelled", "Cancelled due to newer version of job")

    async def test_a_stopped_job_is_dead_and_a_purged_one_is_gone(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("gone", "1"))
        (one,) = await calls.allocations("gone")
        await calls.nomad.delete("/v1/job/gone")
        await calls.ended(one["ID"])
        stopped = await calls.get("/v1/job/gone")
        assert (stopped["Stop"], stopped["Status"]) == (True, "dead")
        await calls.healthy(versioned("gone", "1"))
        assert (await calls.get("/v1/job/gone"))["Stop"] is False
        (two,) = await calls.allocations("gone")
        await calls.nomad.delete("/v1/job/gone", params={"purge": "true"})
        assert (await calls.nomad.get("/v1/job/gone")).status_code == 404
        await calls.vanished(two["ID"])

    async def test_a_read_with_an_index_waits_for_the_next_change(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("block", "1"))
        first = await calls.nomad.get("/v1/job/block/allocations")
        index = first.headers["X-Nomad-Index"]
        held = asyncio.create_task(calls.nomad.get("/v1/job/block/allocations", params={"index": index, "wait": "30s"}))
        await asyncio.sleep(0.3)
        assert not held.done()
        await calls.register(versioned("block", "2"))
        answer = await asyncio.wait_for(held, 10)
        assert int(answer.headers["X-Nomad-Index"]) > int(index)
        short = await calls.nomad.get("/v1/job/nothing", params={"index": "999999", "wait": "200ms"})
        assert short.status_code == 404

    async def test_the_event_stream_tells_of_a_job_and_what_follows(self, calls: NomadCalls) -> None:
        seen: list[Document] = []
        query = {"topic": ["Job:stream", "Deployment:stream", "Allocation:stream"]}
        async with calls.nomad.stream("GET", "/v1/event/stream", params=query) as answer:
            lines = answer.aiter_lines()
            await calls.register(versioned("stream", "1"))
            async with asyncio.timeout(30):
                async for line in lines:
                    seen += _events(line)
                    if any(
                        one["Topic"] == "Deployment" and one["Payload"]["Deployment"]["Status"] == "successful"
                        for one in seen
                    ):
                        break
        topics = [one["Topic"] for one in seen]
        assert {"Job", "Deployment", "Allocation"} == set(topics)
        assert (seen[0]["Topic"], seen[0]["Type"], seen[0]["Key"]) == ("Job", "JobRegistered", "stream")
        assert [one["Index"] for one in seen] == sorted(one["Index"] for one in seen)
        allocation = next(one for one in seen if one["Topic"] == "Allocation")
        assert allocation["FilterKeys"][0] == "stream"

    async def test_a_batch_job_is_done_when_its_task_ends_well(self, calls: NomadCalls) -> None:
        document = job("batch", script("app", "echo done"), Update=None)
        await calls.register({**document, "Type": "batch"})
        (found,) = await calls.until(
            "/v1/job/batch/allocations", lambda found: found and found[0]["ClientStatus"] == "complete"
        )
        assert found["TaskStates"]["app"]["Restarts"] == 0
        await asyncio.sleep(0.5)
        assert len(await calls.get("/v1/job/batch/allocations")) == 1
        assert (await calls.get("/v1/job/batch"))["Status"] == "dead"

    async def test_validation_names_every_mistake(self, calls: NomadCalls) -> None:
        broken = job("broken", task("a"), task("a"), Update=update(AutoPromote=True))
        answer = await calls.post("/v1/validate/job", {"Job": broken})
        assert "Auto Promote requires a Canary count greater than zero" in answer["Error"]
        assert "Task 2 redefines 'a' from task 1" in answer["Error"]
        assert answer["DriverConfigValidated"] is True


def _events(line: str) -> list[Document]:
    return json.loads(line).get("Events", []) if line.strip() else []
