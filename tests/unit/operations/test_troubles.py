"""Reasons told while a deployment still runs: whom to ask and when, what is told once, and where no node is found later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.asked_nomad import NomadThatWasAsked, a_rollout, an_allocation
from fakes.driving import Records, place
from fakes.shown import a_deployment
from fakes.watched import BAD, CALM, DONE, NO_ROOM, WELL, Watched

from outrider.nomad.read.allocations import Allocation, allocations
from outrider.nomad.read.deployment import numbers
from outrider.operations.drive.placing import Placing
from outrider.operations.drive.troubles import Due, Troubles

Json = dict[str, Any]
PATIENCE = 5.0


def fallen(restarts: int = 0, *, failed: bool = False, said: str = "Exit Code: 1", **more: Any) -> Json:
    events = [{"Type": "Terminated", "DisplayMessage": said}]
    app = {"State": "running", "Failed": failed, "Restarts": restarts, "Events": events}
    return an_allocation(1, "running", TaskStates={"app": app}, **more)


def seen(*stubs: Json) -> tuple[Allocation, ...]:
    return allocations(stubs)


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


# Whom to ask


def test_a_task_that_falls_over_is_asked_at_once_and_then_after_its_2nd_4th_and_8th_restart() -> None:
    due = Due(Clock(), PATIENCE)
    asked = [number for number in range(1, 12) if due.among(seen(fallen(number)))]
    assert asked == [1, 2, 4, 8]
    assert due.among(seen(fallen(8, failed=True)))
    assert not due.among(seen(fallen(8, failed=True)))


def test_what_does_not_become_healthy_is_asked_after_5_then_10_then_20_seconds() -> None:
    clock, due = Clock(), Due(Clock(), PATIENCE)
    due = Due(clock, PATIENCE)
    asked: list[float] = []
    for _ in range(45):
        if due.among(seen(an_allocation(1, "running"))):
            asked.append(clock.now - 50)
        clock.now += 1
    assert asked == [5, 10, 20, 40]


@pytest.mark.parametrize(
    "more",
    [
        WELL,
        {"DesiredStatus": "stop"},
        {"TaskStates": {"app": {"State": "pending", "Events": [{"DisplayMessage": "Missing: kv.block(a)"}]}}},
    ],
)
def test_what_is_healthy_is_to_end_or_waits_to_read_something_is_not_asked(more: Json) -> None:
    clock, due = Clock(), Due(Clock(), PATIENCE)
    due = Due(clock, PATIENCE)
    found = seen(an_allocation(1, "running", **more))
    due.among(found)
    clock.now += 100
    assert due.among(found) == ()


def test_what_was_found_unhealthy_is_asked() -> None:
    assert Due(Clock(), 0.0).among(seen(an_allocation(1, "running", **BAD))) == ("00000001-0000",)


# What is told


async def told(*looks: list[Json], words: bytes = b"", lines: dict[str, bytes] | None = None) -> list[Any]:
    records, deployment = Records(), a_deployment("checkout")
    nomad = NomadThatWasAsked([*looks])
    nomad.words = {("app", "stderr"): words}
    here = place(nomad, records, limits=replace(CALM, trouble=PATIENCE))
    troubles = Troubles(here, deployment, records.written, Clock())
    for look in looks:
        nomad.lists = [look]
        await troubles.tell(seen(*look))
    return records.told


async def test_d05_a_crash_loop_is_told_at_its_first_restart_with_the_last_lines_of_its_task() -> None:
    ((kind, line, detail),) = await told([fallen(1)], words=b"starting\nno such table: orders\n")
    assert (kind, detail) == ("trouble", {"allocation": "00000001-0000", "tasks": ["app"]})
    assert line.splitlines() == [
        "allocation 00000001 on node-1: task app was restarted 1 time: Exit Code: 1",
        "  stderr: starting",
        "  stderr: no such table: orders",
    ]


async def test_d06_an_image_that_cannot_be_pulled_is_told_with_what_the_driver_said() -> None:
    said = "Failed to pull `registry.example/checkout:9`: API error (404): manifest unknown"
    events = [{"Type": "Driver Failure", "DisplayMessage": said}, {"Type": "Restarting", "DisplayMessage": "…"}]
    app = {"State": "pending", "Restarts": 1, "Events": events}
    ((_, line, _),) = await told([an_allocation(1, "pending", TaskStates={"app": app})])
    assert said in line


async def test_the_same_words_of_another_allocation_are_not_told_again_and_other_ones_are() -> None:
    same = {**fallen(1), "ID": "00000002-0000", "Name": "checkout.checkout[2]"}
    other = {**fallen(1, said="Exit Code: 2"), "ID": "00000003-0000"}
    found = await told([fallen(1), same], [fallen(1), same, other])
    assert [detail["allocation"][:8] for _, _, detail in found] == ["00000001", "00000003"]


async def test_of_many_that_fail_at_one_look_three_are_asked() -> None:
    many = [{**fallen(1, said=f"Exit Code: {number}"), "ID": f"{number:08x}-0000"} for number in range(1, 6)]
    assert len(await told(many)) == 3


async def test_what_only_takes_its_time_is_no_trouble() -> None:
    records, clock = Records(), Clock()
    stub = an_allocation(1, "running", TaskStates={"app": {"State": "running"}})
    nomad = NomadThatWasAsked([[stub]])
    troubles = Troubles(place(nomad, records), a_deployment("checkout"), records.written, clock)
    for _ in range(9):
        await troubles.tell(seen(stub))
        clock.now += 10
    assert records.told == []


async def test_where_nomad_does_not_tell_nothing_is_said_and_nothing_ends() -> None:
    records = Records()
    nomad = NomadThatWasAsked([[fallen(1)]])
    nomad.shows_allocations = False
    await Troubles(place(nomad, records), a_deployment("checkout"), records.written, Clock()).tell(seen(fallen(1)))
    assert records.told == []


async def test_a_deployment_under_way_tells_of_its_troubles_before_its_verdict() -> None:
    watched = Watched(a_rollout(), a_rollout(), DONE, allocations=[[fallen(1)]])
    watched.nomad.words = {("app", "stderr"): b"no such table\n"}
    await watched.verdict()
    kinds = [kind for kind, _, _ in watched.records.told]
    assert "trouble" in kinds
    assert watched.told("trouble")[0].endswith("stderr: no such table")


# Where there is no room later


def placing(nomad: NomadThatWasAsked, records: Records) -> Placing:
    here = place(nomad, records, limits=replace(CALM, placement=15.0))
    return Placing(here, a_deployment("checkout"), records.written)


def blocked(index: int, what: str = "memory", status: str = "blocked") -> Json:
    metric = {"NodesEvaluated": 1, "DimensionExhausted": {what: 1}}
    return {"Status": status, "ModifyIndex": index, "FailedTGAllocs": {"checkout": metric}}


async def test_d06_a_later_step_that_finds_no_room_is_told_within_5_seconds_by_the_newest_evaluation() -> None:
    nomad, records = NomadThatWasAsked([[]]), Records()
    nomad.known_evaluations = [blocked(5, "cpu"), blocked(9), blocked(7, "disk"), blocked(11, "never", "complete")]
    one, half = placing(nomad, records), numbers(a_rollout(PlacedAllocs=1))
    await one.look(half, 4.9)
    assert records.told == []
    await one.look(half, 5.1)
    (event,) = records.told
    said = "no node for checkout: 1 node considered: 1 without enough memory"
    assert event == ("evaluation", said, {"status": "blocked", "failures": [said]})
    await one.look(half, 30.0)
    assert (len(records.told), one.unplaced) == (1, (said,))
    await one.look(numbers(a_rollout()), 31.0)
    assert one.unplaced == ()


async def test_without_a_blocked_evaluation_nothing_is_said_and_it_is_asked_for_now_and_then() -> None:
    class Counted(NomadThatWasAsked):
        asked = 0

        async def evaluations(self, job_id: str) -> list[Json]:
            self.asked += 1
            return [{"Status": "blocked", "ModifyIndex": 3}]

    nomad, records = Counted([[]]), Records()
    one = placing(nomad, records)
    for second in range(30):
        await one.look(numbers(a_rollout(PlacedAllocs=1)), float(second))
    assert (nomad.asked, records.told) == (5, [])


async def test_d06_where_no_node_is_found_the_nodes_say_of_each_class_what_is_in_the_way() -> None:
    watched = Watched(a_rollout("successful", healthy=2), evaluation="e-1")
    watched.nomad.judged = [{"Status": "complete", "FailedTGAllocs": NO_ROOM}]
    watched.nomad.registered = [{"TaskGroups": [{"Name": "web", "Tasks": [{"Driver": "docker"}]}]}]
    watched.nomad.known_nodes = [
        {"NodeClass": "gpu", "Status": "ready", "SchedulingEligibility": "eligible", "Datacenter": "dc1", "Drivers": {}}
    ]
    await watched.verdict()
    assert watched.told("evaluation") == [
        "no node for web: 1 node considered: 1 without ${attr.kernel.name} = plan9; class gpu (1 node): 1 without driver docker"
    ]
