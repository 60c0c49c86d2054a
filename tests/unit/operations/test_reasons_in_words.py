"""The reason of a failure in words: which allocation and task, its last lines, and what Consul says of its checks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fakes.asked_nomad import NomadThatWasAsked, an_allocation
from fakes.consul_catalog import CatalogInMemory
from fakes.driving import place
from outrider_ground.errors import RemoteError

from outrider.nomad.read.allocations import Allocation, allocations
from outrider.operations.drive.health_reasons import unchecked
from outrider.operations.drive.reasons import failure, last_lines, standstill

Json = dict[str, Any]
BAD: Json = {"DeploymentStatus": {"Healthy": False}}
WELL: Json = {"DeploymentStatus": {"Healthy": True}}
JOB: Json = {"TaskGroups": [{"Services": [{"Name": "checkout"}]}]}
FIRST = "allocation 00000001 on node-1"
UNKNOWN = "Consul has no registration of it: ask the Consul agent of node-1"


def a_nomad(*copies: Json, words: dict[tuple[str, str], bytes] | None = None) -> NomadThatWasAsked:
    nomad = NomadThatWasAsked([list(copies)])
    nomad.words = words or {}
    return nomad


def tasks(**states: Json) -> Json:
    return {"TaskStates": {name: {"State": "running", **state} for name, state in states.items()}}


def ended(text: str) -> list[Json]:
    return [{"Type": "Terminated", "DisplayMessage": text}]


async def reason(*copies: Json, **more: Any) -> str:
    return await failure(place(a_nomad(*copies, **more)), "checkout", 0)


async def test_without_anything_bad_of_this_version_there_is_no_reason_and_without_an_answer_none_is_known() -> None:
    other = an_allocation(1, "failed", JobVersion=1)
    assert await reason(other, an_allocation(2, "running", **WELL), an_allocation(3, "pending")) == ""
    silent = a_nomad()
    silent.shows_allocations = False
    said = await failure(place(silent), "checkout", 0)
    assert said == "what its allocations say is not known: Nomad did not answer"


async def test_of_several_bad_ones_the_newest_is_told() -> None:
    copies = [an_allocation(number, "failed", index) for number, index in ((1, 5), (2, 9), (3, 7))]
    assert await reason(*copies) == "allocation 00000002 on node-1 has not started any task"


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"app": {"State": "dead", "Failed": True, "Events": ended("Exit Code: 3")}}, "app failed: Exit Code: 3"),
        (
            {"app": {"State": "dead", "Failed": True, "Restarts": 2, "Events": [{"Type": "Killing"}]}},
            "app failed: Killing",
        ),
        ({"app": {"Restarts": 1, "Events": ended("Exit Code: 1")}}, "app was restarted 1 time: Exit Code: 1"),
        ({"app": {"Restarts": 2, "Events": [{"Type": "Started"}]}}, "app was restarted 2 times: Started"),
        ({"gate": {"State": "running"}}, "gate has not opened"),
        ({"gate": {"State": "dead"}}, "gate did not open in time"),
        ({"gate": {"State": "dead", "Failed": True, "Events": ended("Exit Code: 1")}}, "gate failed: Exit Code: 1"),
        ({"app": {"State": "pending", "Events": ended("Driver Failure")}}, "app is pending: Driver Failure"),
    ],
)
async def test_a_task_is_told_with_what_became_of_it(states: Json, said: str) -> None:
    found = await reason(an_allocation(1, "running", **BAD, **tasks(**states)))
    assert found.splitlines()[0].removesuffix(f": {UNKNOWN}") == f"{FIRST}: task {said}"


@pytest.mark.parametrize(
    ("states", "health", "said"),
    [
        ({}, None, "has not started any task"),
        ({"app": {"State": "pending"}, "envoy": {"State": "pending"}, "b": {}}, None, "has not started app, envoy"),
        ({"app": {}}, False, "did not become healthy"),
        ({"app": {}}, None, "is not healthy yet"),
    ],
)
async def test_an_allocation_without_a_culprit_is_told_with_how_far_it_came(
    states: Json, health: bool | None, said: str
) -> None:
    one = an_allocation(1, "failed" if health is None else "running", **tasks(**states))
    one["DeploymentStatus"] = {"Healthy": health}
    assert await reason(one) == f"{FIRST} {said}"


async def test_where_a_task_has_failed_its_checks_are_no_matter() -> None:
    consul = CatalogInMemory()
    consul.add("checkout", "_nomad-task-00000001-0000-group-a-a", 1, status="critical")
    failed = an_allocation(1, "running", **BAD, **tasks(app={"State": "dead", "Failed": True}))
    restarted = an_allocation(1, "running", **BAD, **tasks(app={"Restarts": 1}))
    for one in (failed, restarted):
        assert "alive" not in await failure(place(a_nomad(one), consul=consul), "checkout", 0)


# The last lines


async def words(**said: bytes) -> str:
    return await last_lines(place(a_nomad(words={("app", kind): text for kind, text in said.items()})), "a", "app")


async def test_the_end_of_stderr_is_told_then_that_of_stdout_and_nothing_where_there_is_none() -> None:
    assert await words(stderr=b"bad\n", stdout=b"good\n") == "  stderr: bad\n  stdout: good"
    assert await words(stderr=b" \n", stdout=b"good\n") == "  stdout: good"
    assert await words() == ""


async def test_twelve_lines_are_told_and_those_that_repeat_once() -> None:
    found = await words(stderr="".join(f"{number}\n{number}\n" for number in range(20)).encode())
    assert found.splitlines() == [f"  stderr: {number}" for number in range(8, 20)]


async def test_what_is_no_text_is_told_as_far_as_it_is() -> None:
    assert await words(stderr=b"a\xff") == "  stderr: a�"


async def test_logs_that_cannot_be_read_are_left_out() -> None:
    class Silent(NomadThatWasAsked):
        async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
            raise RemoteError("gone")
            yield b""

    assert await last_lines(place(Silent([[]])), "a", "app") == ""


async def test_only_the_end_of_a_log_is_read() -> None:
    class Asked(NomadThatWasAsked):
        async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
            yield f"{kind} {rest['origin']} {rest['offset']}".encode()

    assert await last_lines(place(Asked([[]])), "a", "app") == "  stderr: stderr end 4000\n  stdout: stdout end 4000"


async def test_of_stdout_six_lines_are_told_a_long_one_is_cut_and_what_none_can_see_is_replaced() -> None:
    found = await words(stdout="".join(f"{number}\n" for number in range(20)).encode())
    assert found.splitlines() == [f"  stdout: {number}" for number in range(14, 20)]
    assert await words(stderr=b"x" * 300) == "  stderr: " + "x" * 300
    assert await words(stderr=b"x" * 1_001) == "  stderr: " + "x" * 1_000 + "…"
    assert await words(stderr=b"\x1b[31mred\x1b[0m\ta\x00b\r\n") == "  stderr: red    a\ufffdb"


# A standstill


async def standing(*copies: Json) -> str:
    return await standstill(place(a_nomad(*copies)), "checkout", 0)


async def test_only_live_allocations_are_counted_as_healthy() -> None:
    copies = [
        an_allocation(1, "running", **WELL),
        an_allocation(2, "complete", **WELL),
        an_allocation(3, "running", **BAD),
    ]
    assert (await standing(*copies)).startswith("all 1 placed allocations are healthy: Nomad itself has not gone on")


@pytest.mark.parametrize(("count", "last"), [(4, FIRST), (5, "and 1 more allocations"), (6, "and 2 more allocations")])
async def test_four_that_wait_are_told_one_by_one_and_the_rest_as_a_number(count: int, last: str) -> None:
    told = await standing(*[an_allocation(number, "pending") for number in range(count, 0, -1)])
    lines = told.splitlines()
    assert len([line for line in lines if line.startswith("allocation")]) == 4
    assert lines[-1].startswith(last if count > 4 else "allocation 00000004")


# Checks


def one(status: str = "running", desired: str = "run") -> Allocation:
    (found,) = allocations([an_allocation(1, status, DesiredStatus=desired)])
    return found


def registered(*states: str, own: bool = True) -> CatalogInMemory:
    consul = CatalogInMemory()
    for number, status in enumerate(states):
        name = "00000001-0000" if own else "0000000f-0000"
        consul.add("checkout", f"_nomad-task-{name}-group-{number}", number, status=status)
    return consul


async def test_a_job_that_registers_nothing_has_nothing_unchecked() -> None:
    for job in ({"TaskGroups": [{"Services": None}, {}]}, {}):
        assert await unchecked(registered(), "checkout", one(), job) == ""


async def test_a_job_of_which_one_group_registers_is_looked_up() -> None:
    job = {"TaskGroups": [{}, {"Services": [{"Name": "checkout"}]}]}
    assert await unchecked(registered(), "checkout", one(), job) == f": {UNKNOWN}"


async def test_checks_that_do_not_pass_are_told_each_with_its_words() -> None:
    said = await unchecked(registered("critical", "passing", "critical"), "checkout", one(), JOB)
    assert said == ": alive: connection refused; alive: connection refused"


async def test_where_all_of_its_own_pass_nothing_is_said_whatever_others_do() -> None:
    consul = registered("passing")
    consul.add("checkout", "_nomad-task-0000000f-0000-group-1", 9, status="critical")
    assert await unchecked(consul, "checkout", one(), JOB) == ""


@pytest.mark.parametrize(
    ("status", "desired", "job"), [("pending", "run", JOB), ("running", "stop", JOB), ("running", "run", None)]
)
async def test_a_registration_is_awaited_of_what_runs_and_is_meant_to(
    status: str, desired: str, job: Json | None
) -> None:
    consul = registered("critical", own=False)
    assert await unchecked(consul, "checkout", one(status, desired), job) == ""
    assert await unchecked(consul, "checkout", one(), JOB) == f": {UNKNOWN}"


async def test_a_check_without_words_is_asked_of_the_agent_and_else_it_says_where_to_ask() -> None:
    consul = registered("critical")
    entries, _ = await consul.health("checkout")
    entries[0]["Checks"][0] |= {"CheckID": "c1", "Output": " \n"}
    consul.agents_checks = {"c1": {"Output": " 500 \n"}}
    assert await unchecked(consul, "checkout", one(), JOB) == ": alive: 500"
    consul.agents_checks = {}
    nobody = ": alive: Consul has no answer of it in its catalog: ask the Consul agent of node-1"
    assert await unchecked(consul, "checkout", one(), JOB) == nobody


async def test_an_agent_that_does_not_answer_leaves_the_check_as_it_is() -> None:
    class Silent(CatalogInMemory):
        async def agent_checks(self) -> dict[str, Json]:
            raise RemoteError("denied")

    consul = Silent()
    consul.add("checkout", "_nomad-task-00000001-0000-group-1", 9, status="critical")
    entries, _ = await consul.health("checkout")
    del entries[0]["Checks"][0]["Output"]
    assert "ask the Consul agent of node-1" in await unchecked(consul, "checkout", one(), JOB)
