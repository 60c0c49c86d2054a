"""What is known of a service, and what is said where something is not: versions, counts, canaries, logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from fakes.asked_nomad import NomadThatWasAsked, a_rollout, an_allocation
from fakes.driving import Records, place
from fakes.shown import NOW, a_deployment
from fakes.world import ADA
from outrider_ground.errors import ConflictError, OutriderError, RemoteError, UsageError

from outrider.consul.instances import Instance
from outrider.nomad.read.allocations import Allocation, allocations
from outrider.nomad.read.job import RunningJob
from outrider.operations.change import canary
from outrider.operations.look.logs import LogRequest, logs
from outrider.operations.lookalikes import lookalikes
from outrider.operations.lookups import (
    active,
    has_run,
    last_count,
    last_run,
    not_running,
    running_version,
    stored_version,
    unknown_service,
)
from outrider.operations.opening import Order
from outrider.operations.records import Deployment, Version
from outrider.operations.soundness import passing_ids, sound
from outrider.spec.stored import FORMAT

Json = dict[str, Any]
LIVE = RunningJob(index=20, exists=True, is_stopped=False, hash="a", count=2, asked=2)
GONE = RunningJob(index=0, exists=False, is_stopped=False, hash=None, count=None)
STOPPED = replace(LIVE, is_stopped=True, count=None)


def a_version(number: int, text: str = "a", service: str = "checkout") -> Version:
    return Version("stage", service, number, text, "http", "f", "", {}, {}, None, (), "ada", NOW, FORMAT)


def a_change(number: int, kind: Any = "run", state: Any = "successful", **more: Any) -> Deployment:
    facts: Json = {"count": number, "modify_index": number, "version": number}
    return a_deployment("checkout", id=f"d-{number}", kind=kind, state=state, **facts | more)


def known(*changes: Deployment, versions: tuple[Version, ...] = ()) -> Records:
    records = Records(*changes)
    records.known_versions = list(versions)
    return records


def told(error: OutriderError) -> tuple[str, str | None]:
    return error.message, error.next_step


# Versions and counts


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ((), 3),
        ((a_change(1),), 1),
        ((a_change(1), a_change(3, modify_index=None)), 1),
        ((a_change(1), a_change(2)), 1),
        ((a_change(1), a_change(3)), 3),
    ],
)
async def test_of_versions_with_one_hash_the_one_deployed_last_runs(
    changes: tuple[Deployment, ...], number: int
) -> None:
    here = place(NomadThatWasAsked([[]]), known(*changes, versions=(a_version(1), a_version(2, "b"), a_version(3))))
    found = await running_version(here, "checkout", LIVE)
    assert found
    assert found.number == number
    assert await running_version(here, "checkout", replace(LIVE, hash="c")) is None
    assert await running_version(here, "checkout", GONE) is None


@pytest.mark.parametrize(
    ("changes", "now", "count"),
    [
        ((a_change(5),), LIVE, 2),
        ((a_change(5),), STOPPED, 2),
        ((a_change(5),), GONE, 5),
        ((a_change(4), a_change(5, state="failed")), GONE, 4),
        ((a_change(4), a_change(5, modify_index=None)), GONE, 4),
        ((a_change(4), a_change(5, count=None)), GONE, 4),
        ((a_change(4), a_change(5, kind="stop", state="running")), GONE, 5),
        ((), GONE, None),
    ],
)
async def test_nomads_word_on_a_count_comes_first_and_then_that_of_the_last_change(
    changes: tuple[Deployment, ...], now: RunningJob, count: int | None
) -> None:
    here = place(NomadThatWasAsked([[]]), known(*changes))
    assert await last_count(here, "checkout", now) == count
    assert await has_run(here, "checkout") is bool(changes)


@pytest.mark.parametrize(
    ("changes", "now", "found"),
    [
        ((a_change(1), a_change(2)), LIVE, (1, 2)),
        ((a_change(1), a_change(2)), GONE, (2, 2)),
        ((a_change(2), a_change(7, kind="stop", previous=2, version=None)), GONE, (2, 7)),
        ((a_change(2, count=0),), GONE, (2, 0)),
    ],
)
async def test_what_ran_last_is_known_after_a_stop_and_when_nomad_has_forgotten_it(
    changes: tuple[Deployment, ...], now: RunningJob, found: tuple[int, int]
) -> None:
    here = place(NomadThatWasAsked([[]]), known(*changes, versions=(a_version(1), a_version(2, "b"))))
    version, count = await last_run(here, "checkout", now)
    assert (version.number, count) == found


async def test_what_runs_without_a_count_that_is_known_had_one() -> None:
    here = place(NomadThatWasAsked([[]]), known(versions=(a_version(1),)))
    assert (await last_run(here, "checkout", replace(LIVE, asked=None)))[1] == 1


async def test_what_never_ran_says_how_to_deploy_it() -> None:
    here = place(NomadThatWasAsked([[]]), known(a_change(1, state="failed"), versions=(a_version(1),)))
    with pytest.raises(UsageError) as raised:
        await last_run(here, "checkout", GONE)
    assert told(raised.value) == (
        "checkout has not run in stage yet, as far as this portal knows",
        "Deploy its file: `outrider run FILE -e stage`.",
    )


async def test_a_deployment_under_way_is_known_by_its_index() -> None:
    here = place(NomadThatWasAsked([[]]), known(a_change(1, state="running"), a_change(2)))
    assert [await active(here, "checkout", index) for index in (2, 3)] == [None, None]
    assert (found := await active(here, "checkout", 1)) is not None
    assert found.id == "d-1"


@pytest.mark.parametrize(
    ("versions", "step"),
    [((), "It was never deployed there."), ((a_version(3), a_version(4), a_version(7)), "There are 3 to 7.")],
)
async def test_a_version_that_is_not_there_is_refused_with_those_that_are(
    versions: tuple[Version, ...], step: str
) -> None:
    here = place(NomadThatWasAsked([[]]), known(versions=versions))
    with pytest.raises(UsageError) as raised:
        await stored_version(here, "checkout", 9)
    assert told(raised.value) == ("checkout has no version 9 in stage", step)


# Services


RECORDLESS = (
    "shop runs in stage, but this portal has no record of it: its database is another one",
    "Restore the database, or deploy its file: `outrider run FILE -e stage`.",
)
UNKNOWN = "stage knows no service shop"


@pytest.mark.parametrize(
    ("job", "services", "said"),
    [
        ({"Meta": {"outrider_environment": "stage"}}, (), RECORDLESS),
        (
            {"Meta": {"outrider_environment": "other"}},
            (),
            (UNKNOWN, "Nothing is deployed there yet: `outrider run FILE`."),
        ),
        (None, ("web", "app"), (UNKNOWN, "It knows: app, web.")),
    ],
)
async def test_an_unknown_service_is_told_with_what_is_known(
    job: Json | None, services: tuple[str, ...], said: tuple[str, str]
) -> None:
    nomad = NomadThatWasAsked([[]])
    nomad.registered = [job]
    here = place(nomad, known(versions=tuple(a_version(1, service=one) for one in services)))
    assert told(await unknown_service(here, "shop")) == said


async def test_a_nomad_that_does_not_answer_does_not_hide_that_a_service_is_unknown() -> None:
    class Away(NomadThatWasAsked):
        async def job(self, job_id: str) -> Json | None:
            raise RemoteError("away")

    assert told(await unknown_service(place(Away([[]]), known()), "shop"))[0] == (
        f"{UNKNOWN}, and whether it runs there is not known: away"
    )


async def test_what_does_not_run_is_told_with_how_to_bring_it_back() -> None:
    here = place(NomadThatWasAsked([[]]), known(versions=(a_version(1),)))
    assert told(await not_running(here, "checkout")) == (
        "checkout does not run in stage",
        "`outrider start checkout -e stage` brings back what ran, `outrider run` a spec.",
    )
    with pytest.raises(UsageError, match=UNKNOWN):
        await not_running(here, "shop")


# Canaries


WAITS: Json = {"DesiredCanaries": 1, "PlacedCanaries": ["00000001-0000"], "Promoted": False}
UNDER_WAY = a_change(1, state="waiting")


async def decided(decision: Any, rollout: Json | None, *changes: Deployment, healthy: bool | None = True) -> Any:
    copies = [an_allocation(1, "running", DeploymentStatus={"Healthy": healthy})]
    nomad, records = NomadThatWasAsked([copies], [rollout] if rollout else None), known(*changes)
    records.known_versions = [a_version(1)]
    found = await decision(place(nomad, records), "checkout", Order(ADA))
    return found, nomad, records


async def test_a_healthy_canary_is_promoted_by_who_asks() -> None:
    found, nomad, records = await decided(canary.promote, a_rollout(**WAITS), a_change(2), UNDER_WAY)
    assert (found, nomad.promoted) == (UNDER_WAY, ["d-1"])
    assert [kind for kind, *_ in records.told] == ["accepted", "promotion", "verdict"]
    assert records.told[1] == ("promotion", "promoted by ada", {"needed": False, "by": "ada"})


@pytest.mark.parametrize(
    ("groups", "then"),
    [
        ({"AutoRevert": True}, "Nomad goes back to the last good version"),
        ({"AutoRevert": False}, "nothing else is reverted"),
    ],
)
async def test_a_canary_that_is_failed_says_what_becomes_of_it(groups: Json, then: str) -> None:
    rollout = a_rollout(**WAITS, **groups)
    rollout["TaskGroups"]["more"] = {}
    found, nomad, records = await decided(canary.fail, rollout, UNDER_WAY)
    assert (found, nomad.failed) == (UNDER_WAY, ["d-1"])
    said = f"failed by ada: the canaries stop and the old allocations stay; {then}"
    assert [kind for kind, *_ in records.told] == ["accepted", "promotion", "verdict"]
    assert records.told[1] == ("promotion", said, {"needed": False, "by": "ada"})


async def test_a_canary_that_is_not_healthy_or_waits_no_more_is_not_promoted() -> None:
    with pytest.raises(ConflictError) as raised:
        await decided(canary.promote, a_rollout(**WAITS), UNDER_WAY, healthy=None)
    assert told(raised.value) == (
        "the canary of checkout in stage is not healthy yet",
        "Watch it with `outrider status checkout -e stage`, or end it with `outrider fail checkout -e stage`.",
    )
    promoted: Json = WAITS | {"Promoted": True}
    with pytest.raises(ConflictError, match="no canary of checkout in stage waits: what runs needs no promotion"):
        await decided(canary.promote, a_rollout(**promoted), UNDER_WAY)


@pytest.mark.parametrize("status", ["running", "paused", "pending"])
async def test_an_active_deployment_of_another_portal_is_left_to_nomads_own_tool(status: str) -> None:
    with pytest.raises(UsageError) as raised:
        await decided(canary.fail, a_rollout(status) | {"ID": "0123456789"}, a_change(1))
    assert told(raised.value) == (
        "the active deployment of checkout in stage was not made by this portal",
        "Use Nomad: `nomad deployment promote 01234567`.",
    )


@pytest.mark.parametrize("rollout", [None, a_rollout("successful"), a_rollout("failed"), a_rollout("cancelled")])
async def test_without_an_active_deployment_there_is_nothing_to_decide(rollout: Json | None) -> None:
    with pytest.raises(UsageError) as raised:
        await decided(canary.fail, rollout, UNDER_WAY)
    assert told(raised.value) == (
        "checkout has no active deployment in stage",
        "`outrider history checkout -e stage` shows what became of the last one.",
    )


# Logs


def a_copy(number: int, status: str = "running", index: int = 1, *tasks: str) -> Json:
    return an_allocation(number, status, index, TaskStates={name: {"State": "running"} for name in tasks or ("app",)})


class NomadWithOutput(NomadThatWasAsked):
    async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
        yield f"{allocation_id[:8]} {task} {kind} {rest['origin']} {rest['offset']} {rest['follow']}\n".encode()


async def read(*copies: Json, **request: Any) -> str:
    here = place(NomadWithOutput([list(copies)]), known(versions=(a_version(1),)))
    return b"".join([chunk async for chunk in await logs(here, "checkout", LogRequest(**request))]).decode()


async def test_of_allocations_of_which_none_runs_the_newest_is_read() -> None:
    copies = [a_copy(1, "complete", 5), a_copy(2, "failed", 9), a_copy(3, "complete", 7)]
    assert (await read(*copies)).split()[0] == "00000002"


async def test_what_runs_is_read_before_what_has_ended_and_a_name_reads_either() -> None:
    copies = [a_copy(1, "running", 5), a_copy(2, "failed", 9)]
    assert (await read(*copies)).split()[0] == "00000001"
    assert (await read(*copies, allocation="00000002")).split()[0] == "00000002"


async def test_output_is_read_whole_from_the_start_of_the_task_and_stream_that_are_named() -> None:
    copy = a_copy(1, "running", 1, "app", "envoy")
    assert await read(copy) == "00000001 app stdout start 0 False\n"
    assert await read(copy, task="envoy", kind="stderr", follow=True) == "00000001 envoy stderr start 0 True\n"


@pytest.mark.parametrize(
    ("copies", "request_", "said"),
    [
        ((), {}, ("checkout has no allocations in stage", "`outrider history checkout -e stage` says why.")),
        (
            (a_copy(1), a_copy(2)),
            {"allocation": "9"},
            (
                "checkout has no allocation 9; Nomad forgets those that ended, and their output, after some hours",
                "It has: 00000001, 00000002.",
            ),
        ),
        (
            (a_copy(1, "running", 1, "app", "b"),),
            {"task": "c"},
            ("allocation 00000001 has no task c", "It has: app, b."),
        ),
        (
            (an_allocation(1, "pending"),),
            {},
            ("allocation 00000001 has no task app", "It has not started any task yet: look again in a moment."),
        ),
    ],
)
async def test_what_cannot_be_read_is_told_with_what_can(
    copies: tuple[Json, ...], request_: Json, said: tuple[str, str]
) -> None:
    with pytest.raises(UsageError) as raised:
        await read(*copies, **request_)
    assert told(raised.value) == said


@pytest.mark.parametrize(("count", "is_read"), [(32, True), (33, False)])
async def test_thirty_two_allocations_are_read_at_once(count: int, is_read: bool) -> None:
    copies = [a_copy(number) for number in range(count)]
    if is_read:
        assert len((await read(*copies)).splitlines()) == count
        return
    with pytest.raises(UsageError) as raised:
        await read(*copies)
    assert told(raised.value) == (
        "checkout has 33 running allocations, and 32 are read at once",
        "Name one with --allocation, such as 00000000.",
    )


# Names and soundness


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        ([], ()),
        (["web", "app"], ()),
        (["web", "Web"], (("Web", "web"),)),
        (["a", "web", "WEB", "A", "Web"], (("A", "a"), ("WEB", "Web", "web"))),
    ],
)
def test_names_that_differ_in_case_only_are_grouped(names: list[str], groups: tuple[tuple[str, ...], ...]) -> None:
    assert lookalikes(names) == groups


def judged(healthy: bool | None, **more: Any) -> Allocation:
    (found,) = allocations([an_allocation(1, "running", DeploymentStatus={"Healthy": healthy, **more})])
    return found


MINE = "_nomad-task-00000001-0000-group-a-a"
SERVED: Json = {"TaskGroups": [{}, {"Services": [{"Name": "a"}]}]}


@pytest.mark.parametrize(
    ("one", "status", "job", "is_sound"),
    [
        (judged(True), "critical", SERVED, True),
        (judged(None), "critical", SERVED, True),
        (judged(False), "critical", SERVED, False),
        (judged(False), "passing", SERVED, True),
        (judged(False, Timestamp="2026-01-01T00:00:00Z"), "critical", SERVED, False),
        (judged(False, Timestamp="2026-01-01T00:00:00Z"), "critical", {}, True),
        (judged(False), "critical", {}, False),
        (replace(judged(True), status="pending"), "passing", SERVED, False),
    ],
)
def test_an_allocation_is_sound_by_nomads_word_or_by_checks_that_pass_now(
    one: Allocation, status: str, job: Json, is_sound: bool
) -> None:
    there = (Instance(MINE, "10.0.0.1:80", status, canary=False),)
    assert sound((one,), there, is_registered=bool(job)) == ((one,) if is_sound else ())
    assert passing_ids((one,), there) == (frozenset({one.id}) if status == "passing" else frozenset())
