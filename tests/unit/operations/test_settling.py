"""The verdict on a change for which Nomad makes no deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.asked_nomad import NomadThatWasAsked, an_allocation
from fakes.driving import Records, place
from fakes.shown import a_deployment
from fakes.world import HURRY

from outrider.operations.drive.progress import Progress, Verdict
from outrider.operations.drive.settling import settled

Json = dict[str, Any]
JOB: Json = {"JobModifyIndex": 20}
QUICK = replace(HURRY, look=0.001, appearance=0.02, placement=0.02)


async def verdict(
    *lists: list[Json],
    job: Json | None = JOB,
    count: int | None = 1,
    index: int | None = 20,
    limits: Any = QUICK,
    records: Records | None = None,
) -> Verdict:
    nomad = NomadThatWasAsked(list(lists))
    nomad.registered = [job]
    deployment = a_deployment("checkout", count=count, modify_index=index)
    told = records or Records()
    return await settled(place(nomad, limits=limits), deployment, Progress(lambda: 0.0), told.written)


@pytest.mark.parametrize(
    ("job", "index", "state"),
    [
        (None, 20, "superseded"),
        ({"JobModifyIndex": 21}, 20, "superseded"),
        ({"JobModifyIndex": 1}, None, "superseded"),
        ({"JobModifyIndex": 20}, 20, "successful"),
        ({"JobModifyIndex": 19}, 20, "successful"),
        ({}, None, "successful"),
        ({"JobModifyIndex": None}, 0, "successful"),
    ],
)
async def test_a_job_that_is_gone_or_newer_has_been_changed_by_somebody_else(
    job: Json | None, index: int | None, state: str
) -> None:
    found = await verdict([an_allocation(1, "running")], job=job, index=index)
    assert found.state == state
    if state == "superseded":
        assert found.reason == "the job was changed by somebody else meanwhile"


@pytest.mark.parametrize(
    ("allocations", "count", "said"),
    [
        ([an_allocation(1, "running"), an_allocation(2, "running")], 2, "2 allocations run"),
        ([], 0, "0 allocations run"),
        ([], None, "0 allocations run"),
        ([an_allocation(1, "running"), an_allocation(2, "complete", DesiredStatus="stop")], 1, "1 allocations run"),
        ([an_allocation(1, "running"), an_allocation(2, "failed")], 1, "1 allocations run"),
    ],
)
async def test_as_many_as_are_wanted_and_none_on_its_way_out_is_success(
    allocations: list[Json], count: int | None, said: str
) -> None:
    assert await verdict(allocations, count=count) == Verdict("successful", said)


@pytest.mark.parametrize(
    ("allocations", "count", "said"),
    [
        ([an_allocation(1, "running"), an_allocation(2, "running")], 1, "2 of 1 allocations run"),
        ([an_allocation(1, "running"), an_allocation(2, "pending")], 2, "1 of 2 allocations run"),
        ([an_allocation(1, "running"), an_allocation(2, "running", DesiredStatus="stop")], 1, "1 of 1 allocations run"),
        ([an_allocation(1, "running", DesiredStatus="evict"), an_allocation(2, "failed")], 1, "0 of 1 allocations run"),
    ],
)
async def test_too_many_too_few_and_those_that_do_not_leave_are_a_failure(
    allocations: list[Json], count: int, said: str
) -> None:
    assert await verdict(allocations, count=count) == Verdict("failed", said)


@pytest.mark.parametrize("times", [{"appearance": 60.0, "placement": 0.0}, {"appearance": 0.0, "placement": 60.0}])
async def test_what_has_not_settled_yet_is_waited_for(times: dict[str, float]) -> None:
    lists = [[an_allocation(1, "pending", index)] for index in range(1, 6)]
    found = await verdict(*lists, [an_allocation(1, "running", 6)], limits=replace(QUICK, **times))
    assert found == Verdict("successful", "1 allocations run")


async def test_between_two_looks_there_is_a_pause() -> None:
    nomad = NomadThatWasAsked([[an_allocation(1, "pending")]])
    nomad.registered = [JOB]
    here = place(nomad, limits=replace(HURRY, look=0.02, appearance=0.05, placement=0.05))
    deployment = a_deployment("checkout", count=1, modify_index=20)
    assert (await settled(here, deployment, Progress(lambda: 0.0), Records().written)).state == "failed"
    assert 1 <= nomad.looks <= 7


async def test_an_allocation_is_told_once_for_each_change_with_what_programs_read() -> None:
    tasks: Json = {
        "app": {"State": "dead", "Failed": True, "Events": [{"Type": "Terminated", "DisplayMessage": "Exit Code: 3"}]},
        "gate": {"State": "dead", "Restarts": 2, "Events": [{"Type": "Terminated", "DisplayMessage": "Exit Code: 0"}]},
    }
    first = an_allocation(1, "pending", DeploymentStatus={"Healthy": None, "Canary": True})
    fallen = an_allocation(1, "running", 2, TaskStates=tasks)
    records = Records()
    lists = [[first], [first], [fallen], [fallen], [fallen, an_allocation(2, "running")]]
    limits = replace(QUICK, appearance=60.0)
    assert (await verdict(*lists, count=2, records=records, limits=limits)).state == "successful"
    assert [kind for kind, _, _ in records.told] == ["allocation"] * 3
    assert records.lines[0] == "canary allocation 00000001 on node-1: pending"
    assert records.told[0][2] == {
        "allocation": "00000001-0000",
        "index": 1,
        "node": "node-1",
        "status": "pending",
        "desired": "run",
        "healthy": None,
        "canary": True,
        "culprit": None,
        "tasks": {},
    }
    assert records.told[1][2]["tasks"] == {
        "app": {"state": "dead", "restarts": 0, "text": "Exit Code: 3"},
        "gate": {"state": "dead", "restarts": 2, "text": "Exit Code: 0"},
    }


async def test_the_task_that_keeps_an_allocation_back_is_told_to_programs() -> None:
    records = Records()
    waiting = {"app": {"State": "pending"}, "gate": {"State": "running"}}
    await verdict([an_allocation(1, "running", TaskStates=waiting)], records=records)
    assert records.told[0][2]["culprit"] == "gate"
