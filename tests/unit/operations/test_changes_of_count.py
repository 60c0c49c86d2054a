"""Scaling, stopping and starting, at a Nomad of which a test says what it has."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fakes.asked_nomad import NomadThatWasAsked, an_allocation
from fakes.driving import Records, place
from fakes.shown import NOW, a_deployment
from fakes.world import ADA
from outrider_ground.errors import ConflictError, OutriderError, RemoteError, UsageError

from outrider.nomad.read.job import running
from outrider.operations.change.attempts import attempted, shortfall
from outrider.operations.change.scale import scale
from outrider.operations.change.start import start
from outrider.operations.change.stop import stop
from outrider.operations.opening import Order
from outrider.operations.records import Declaration, Deployment, Version
from outrider.spec.stored import FORMAT

Json = dict[str, Any]
ME = Order(ADA)
HERE = "checkout -e stage"
META = {"outrider_version": "a", "outrider_environment": "stage"}


class Shop(Records):
    """The records of checkout, version 7, with what its neighbours declare."""

    def __init__(self, *known: Deployment, merged: Json | None = None, **upstreams: list[str]) -> None:
        super().__init__(*known)
        job = {"ID": "checkout", "Meta": META, "TaskGroups": [{"Count": 1}]}
        self.known_versions = [
            Version("stage", "checkout", 7, "a", "http", "f", "", merged or {}, job, None, (), "ada", NOW, FORMAT)
        ]
        self.declared = [
            Declaration(one, "a", "http", json.dumps({"upstreams": {name: {} for name in calls}}), FORMAT)
            for one, calls in upstreams.items()
        ]

    async def declarations(self, environment: str) -> list[Declaration]:
        return self.declared


class Nomad(NomadThatWasAsked):
    """Has these jobs; what is asked of it is noted."""

    def __init__(self, *jobs: Json) -> None:
        super().__init__([[an_allocation(1, "running")]])
        self.known = {job["ID"]: job for job in jobs}
        self.asked: list[Any] = []
        self.error: Exception | None = None

    def _noted(self, *what: Any) -> Json:
        self.asked.append(what)
        if self.error is not None:
            raise self.error
        return {"JobModifyIndex": 30}

    async def job(self, job_id: str) -> Json | None:
        return self.known.get(job_id)

    async def jobs(self, prefix: str = "") -> list[Json]:
        return list(self.known.values())

    async def scale(self, job_id: str, group: str, count: int, message: str = "") -> Json:
        return self._noted(job_id, group, count, message)

    async def deregister(self, job_id: str, *, purge: bool = False) -> Json:
        return self._noted(job_id, purge)

    async def register(self, job: Json, modify_index: int | None = None) -> Json:
        return self._noted(job["ID"], job["TaskGroups"][0]["Count"], modify_index)


def a_job(count: int = 2, name: str = "checkout", **more: Any) -> Json:
    groups = [{"Name": name, "Count": count}]
    return {"ID": name, "JobModifyIndex": 20, "Meta": META, "TaskGroups": groups, **more}


def told(error: OutriderError) -> tuple[str, str | None]:
    return error.message, error.next_step


# Scaling


async def test_a_count_is_passed_on_with_who_asked() -> None:
    nomad, records = Nomad(a_job()), Shop()
    found = await scale(place(nomad, records), "checkout", 3, ME)
    assert nomad.asked == [("checkout", "checkout", 3, "outrider, by ada")]
    assert (found.kind, found.version, found.previous, found.count) == ("scale", 7, 7, 3)
    assert (found.expected_index, found.modify_index, found.state) == (20, 30, "running")
    assert records.lines == ["checkout in stage: scale to 3", "Nomad has accepted it at index 30"]


async def test_the_count_that_is_asked_for_already_changes_nothing() -> None:
    nomad = Nomad(a_job())
    found = await scale(place(nomad, Shop()), "checkout", 2, ME)
    assert (found.state, found.reason, nomad.asked) == ("successful", "2 allocations are asked for already", [])


async def test_scaling_to_nothing_is_scaling() -> None:
    nomad = Nomad(a_job())
    assert (await scale(place(nomad, Shop()), "checkout", 0, ME)).count == 0
    assert nomad.asked[0][2] == 0


@pytest.mark.parametrize(
    ("jobs", "count", "said"),
    [
        ((a_job(),), -1, ("a count of -1 cannot be", "Name 0 or more.")),
        ((a_job(Stop=True),), 1, None),
        ((), 1, None),
    ],
)
async def test_what_cannot_be_scaled_is_told(jobs: tuple[Json, ...], count: int, said: Any) -> None:
    with pytest.raises(UsageError) as raised:
        await scale(place(Nomad(*jobs), Shop()), "checkout", count, ME)
    assert told(raised.value)[0] == "checkout does not run in stage" if said is None else told(raised.value) == said


@pytest.mark.parametrize(
    "change", [lambda here, order: scale(here, "checkout", 3, order), lambda here, order: stop(here, "checkout", order)]
)
async def test_a_job_of_somebody_else_is_left_alone_unless_it_is_taken_over(change: Any) -> None:
    nomad = Nomad(a_job(Meta=None))
    with pytest.raises(ConflictError) as raised:
        await change(place(nomad, Shop()), ME)
    assert told(raised.value) == (
        "the job checkout in Nomad was not deployed by Outrider",
        "Rename the service, stop that job, or deploy with --take-over to replace it.",
    )
    assert nomad.asked == []
    await change(place(nomad, Shop()), replace(ME, take_over=True))
    assert nomad.asked


@pytest.mark.parametrize(
    ("count", "merged", "is_refused"), [(1, {}, False), (2, {}, True), (2, {"shard": True}, False)]
)
async def test_a_redis_that_does_not_share_its_keys_out_stays_one(count: int, merged: Json, is_refused: bool) -> None:
    nomad = Nomad(a_job(count=0, Meta={**META, "outrider_protocol": "redis"}))
    redis = {"service": "checkout", "protocol": "redis", "port": 6379, "run": {"command": ["redis-server"]}}
    merged = redis | merged
    if not is_refused:
        await scale(place(nomad, Shop(merged=merged)), "checkout", count, ME)
        return
    with pytest.raises(UsageError) as raised:
        await scale(place(nomad, Shop(merged=merged)), "checkout", count, ME)
    assert raised.value.next_step == "Deploy the spec with `shard: true` first."


@pytest.mark.parametrize(
    ("error", "kind", "state"),
    [
        (RemoteError("active deployment", status=400), ConflictError, "superseded"),
        (ConflictError("active deployment"), ConflictError, "superseded"),
        (RemoteError("no leader", status=500), RemoteError, "failed"),
    ],
)
async def test_nomad_scales_nothing_during_a_deployment_and_other_refusals_are_what_they_are(
    error: Exception, kind: type[OutriderError], state: str
) -> None:
    nomad, records = Nomad(a_job()), Shop()
    nomad.error = error
    with pytest.raises(kind) as raised:
        await scale(place(nomad, records), "checkout", 3, ME)
    (over,) = records.kept.values()
    assert over.state == state
    if state == "superseded":
        assert told(raised.value) == (
            "checkout is being deployed in stage, and Nomad scales nothing meanwhile",
            f"Wait for its verdict, or end a waiting canary: `outrider promote {HERE}` or `outrider fail {HERE}`.",
        )


# Stopping


async def test_a_stop_remembers_what_ran_and_how_many() -> None:
    nomad, records = Nomad(a_job()), Shop()
    found = await stop(place(nomad, records), "checkout", ME)
    assert nomad.asked == [("checkout", False)]
    assert (found.kind, found.version, found.previous, found.count, found.purge) == ("stop", None, 7, 2, False)
    assert (found.expected_index, found.modify_index) == (20, 30)
    assert records.lines[0] == "checkout in stage: stop"


async def test_what_is_stopped_already_is_only_forgotten() -> None:
    nomad, records = Nomad(a_job(Stop=True)), Shop()
    found = await stop(place(nomad, records), "checkout", ME)
    assert (found.state, found.reason, nomad.asked) == ("successful", "it is stopped already", [])
    found = await stop(place(nomad, Shop()), "checkout", ME, purge=True)
    assert (found.purge, nomad.asked) == (True, [("checkout", True)])


async def test_what_nomad_does_not_have_cannot_be_stopped() -> None:
    with pytest.raises(UsageError, match="checkout does not run in stage"):
        await stop(place(Nomad(), Shop()), "checkout", ME)


@pytest.mark.parametrize(
    ("callers", "stopped", "said"),
    [
        (["web"], [], ["web calls checkout: its requests to it fail from now on"]),
        (["web", "app"], [], ["app, web call checkout: their requests to it fail from now on"]),
        (["web", "app"], ["web"], ["app calls checkout: its requests to it fail from now on"]),
        (["web"], ["web"], []),
        ([], [], []),
    ],
)
async def test_callers_that_run_are_named_when_a_service_is_stopped(
    callers: list[str], stopped: list[str], said: list[str]
) -> None:
    others = [a_job(name=name, Stop=name in stopped) for name in ("app", "web")]
    calls = {name: ["checkout"] if name in callers else ["other"] for name in ("app", "web")}
    records = Shop(merged=None, **calls)
    await stop(place(Nomad(a_job(), *others), records), "checkout", ME)
    assert [line for kind, line, _ in records.told if kind == "warning"] == said


async def test_a_stop_that_nomad_refuses_has_failed() -> None:
    nomad, records = Nomad(a_job()), Shop()
    nomad.error = RemoteError("no leader")
    with pytest.raises(RemoteError):
        await stop(place(nomad, records), "checkout", ME)
    (over,) = records.kept.values()
    assert (over.state, over.reason) == ("failed", "no leader")


# Starting


def a_stop(count: int) -> Deployment:
    return a_deployment("checkout", id="d-9", kind="stop", version=None, previous=7, count=count, modify_index=19)


@pytest.mark.parametrize("jobs", [(a_job(3, Stop=True),), ()])
async def test_what_was_stopped_starts_with_the_version_and_the_count_that_it_had(jobs: tuple[Json, ...]) -> None:
    nomad, records = Nomad(*jobs), Shop(a_stop(3))
    found = await start(place(nomad, records), "checkout", ME)
    assert nomad.asked == [("checkout", 3, 20 if jobs else 0)]
    assert (found.kind, found.version, found.count) == ("start", 7, 3)
    assert records.lines[0] == "checkout in stage: start version 7 again"


async def test_what_had_no_allocations_starts_with_a_word_on_it() -> None:
    records = Shop(a_stop(0))
    await start(place(Nomad(), records), "checkout", ME)
    assert records.lines[1] == "it had 0 allocations: `outrider scale checkout 1 -e stage` brings one up."


async def test_what_asks_for_no_allocations_is_not_stopped() -> None:
    with pytest.raises(UsageError) as raised:
        await start(place(Nomad(a_job(0)), Shop()), "checkout", ME)
    assert told(raised.value) == (
        "checkout is not stopped, but asked for 0 allocations",
        "`outrider scale checkout 1 -e stage` brings one up.",
    )


# What falls short


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((), "version 7 is registered, but 1 of its 2 allocations run"),
        (({"state": "running", "modify_index": 20},), ""),
        (({"state": "running", "modify_index": None},), "version 7 is registered, but 1 of its 2 allocations run"),
        (({"state": "failed", "reason": "why\nmore"},), "version 7 is registered, but its last deployment failed: why"),
        (({"state": "not_placed", "reason": ""},), "version 7 is registered, but its last deployment failed: "),
        (({"state": "failed", "modify_index": 19},), "version 7 is registered, but 1 of its 2 allocations run"),
        (({"state": "superseded"},), "version 7 is registered, but 1 of its 2 allocations run"),
    ],
)
async def test_a_version_falls_short_where_it_failed_or_too_few_of_it_run(changes: tuple[Json, ...], said: str) -> None:
    records = Shop(
        *(a_deployment("checkout", id=f"d-{at}", **{"modify_index": 20, **one}) for at, one in enumerate(changes))
    )
    here = place(Nomad(a_job()), records)
    assert await shortfall(here, "checkout", running(a_job()), records.known_versions[0]) == said


async def test_what_runs_as_it_should_what_is_not_known_and_what_is_not_there_do_not_fall_short() -> None:
    here, (version,) = place(Nomad(a_job(1)), Shop()), Shop().known_versions
    assert await shortfall(here, "checkout", running(a_job(1)), version) == ""
    assert await shortfall(here, "checkout", running(a_job(1)), None) == ""
    assert await shortfall(here, "checkout", running(None), version) == ""
    stopped = "version 7 was deployed, but its job is stopped"
    assert await shortfall(here, "checkout", running(a_job(1, Stop=True)), version) == stopped


@pytest.mark.parametrize(
    ("now", "is_again", "attempt"),
    [
        (a_job(), False, None),
        (a_job(), True, "1"),
        (a_job(Meta={**META, "outrider_attempt": "2"}), False, "2"),
        (a_job(Meta={**META, "outrider_attempt": "2"}), True, "3"),
        (a_job(Meta={**META, "outrider_attempt": "2"}, Stop=True), True, None),
        (a_job(Meta={"outrider_version": "b", "outrider_attempt": "2"}), True, None),
        (None, True, None),
    ],
)
def test_each_try_of_the_same_version_that_runs_has_the_next_number(
    now: Json | None, is_again: bool, attempt: str | None
) -> None:
    assert attempted(a_job(), running(now), is_again=is_again)["Meta"].get("outrider_attempt") == attempt
