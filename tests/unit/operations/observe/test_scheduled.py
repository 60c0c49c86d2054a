"""What Nomad runs, as its events change it: pure."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.nomad.read.summary import summary
from outrider.operations.observe.scheduled import Scheduled, scheduled

Json = dict[str, Any]
OURS = {"outrider_environment": "stage", "outrider_version": "a1"}


def a_job(name: str = "pay", *, index: int = 5, version: int = 0, **more: Any) -> Json:
    groups = [{"Name": name, "Count": 1, "Tasks": []}]
    return {
        "ID": name,
        "ModifyIndex": index,
        "JobModifyIndex": index,
        "Version": version,
        "TaskGroups": groups,
        "Meta": OURS,
        **more,
    }


def a_stub(id_: str = "a", job: str = "pay", *, index: int = 5, **more: Any) -> Json:
    running = {"ClientStatus": "running", "DesiredStatus": "run", "ModifyIndex": index}
    return {"ID": id_, "JobID": job, "Name": f"{job}.{job}[0]", "NodeName": "n", **running, **more}


def batch(index: int, *payloads: Json, type_: str = "AllocationUpdated") -> Json:
    events = [
        {"Topic": "Job" if "Job" in one else "Allocation", "Type": type_, "Index": index, "Payload": one}
        for one in payloads
    ]
    return {"Index": index, "Events": events}


def begun(*stubs: Json, names: frozenset[str] = frozenset(), at: tuple[int, int] = (10, 10)) -> Scheduled:
    return scheduled([summary(a_job())], stubs, names=names, at=at)


def test_a_listing_keeps_the_current_allocations_of_known_jobs() -> None:
    gone = a_stub("b", ClientStatus="complete", DesiredStatus="stop")
    now = begun(a_stub("a", JobVersion=4), gone, a_stub("c", "of-nobody"))
    assert [(one.id, one.job_version) for one in now.of("pay")] == [("a", 4)]
    assert now.of("of-nobody") == ()
    assert set(now.allocations) == {"pay"}


def test_what_is_told_from_before_the_listing_is_known_already() -> None:
    now = begun(a_stub("a", index=9), at=(20, 10))
    old = batch(10, {"Allocation": a_stub("b", index=10)})
    assert [one.id for one in now.after(old).of("pay")] == ["a"]
    told = batch(15, {"Allocation": a_stub("b", index=15)}, {"Job": a_job(index=15, Stop=True)})
    after = now.after(told)
    assert sorted(one.id for one in after.of("pay")) == ["a", "b"]
    assert after.jobs["pay"].now.is_live, "the jobs were listed at 20"
    assert (after.jobs_at, after.allocations_at) == (20, 15)


def test_an_older_word_on_a_job_or_an_allocation_does_not_replace_a_newer_one() -> None:
    now = begun(a_stub("a", index=30, ClientStatus="running"))
    assert (
        now.after(batch(31, {"Allocation": a_stub("a", index=29, ClientStatus="pending")})).of("pay")[0].status
        == "running"
    )
    newer = now.after(batch(40, {"Job": a_job(index=40, version=2)}))
    assert newer.after(batch(41, {"Job": a_job(index=39, version=1)})).jobs["pay"].version == 2
    assert newer.after(batch(42, {"Job": a_job(index=42, version=3)})).jobs["pay"].version == 3


def test_an_allocation_that_has_ended_and_is_replaced_is_dropped() -> None:
    now = begun(a_stub("a"))
    failed = batch(11, {"Allocation": a_stub("a", index=11, ClientStatus="failed")})
    assert [one.status for one in now.after(failed).of("pay")] == ["failed"], "it was not replaced"
    replaced = batch(12, {"Allocation": a_stub("a", index=12, ClientStatus="failed", NextAllocation="b")})
    assert now.after(failed).after(replaced).allocations == {}


def test_a_job_that_is_gone_takes_its_allocations_along_and_what_still_ends_of_them_is_nothing() -> None:
    now = begun(a_stub("a"), names=frozenset({"pay"})).after(batch(11, {"Job": a_job(), "Deleted": True}))
    assert (now.jobs, now.allocations) == ({}, {})
    assert now.after(batch(12, {"Allocation": a_stub("a", index=12, DesiredStatus="stop")})).allocations == {}


def test_jobs_of_others_are_kept_under_the_name_of_a_service_only() -> None:
    now = begun(names=frozenset({"checkout"}))
    foreign = batch(11, {"Job": a_job("batch", index=11, Meta=None)}, {"Job": a_job("checkout", index=11, Meta=None)})
    assert set(now.after(foreign).jobs) == {"pay", "checkout"}
    taken = batch(12, {"Job": a_job("pay", index=12, Meta=None)})
    assert now.after(taken).jobs["pay"].environment is None, "what replaces a job of ours is seen"


@pytest.mark.parametrize(
    ("type_", "desired", "version"),
    [("PlanResult", "run", 2), ("PlanResult", "stop", 1), ("AllocationUpdated", "run", 1)],
)
def test_an_event_names_no_version_so_it_is_the_jobs_present_one_where_the_scheduler_has_just_placed_it(
    type_: str, desired: str, version: int
) -> None:
    now = begun(a_stub("a", JobVersion=1)).after(batch(11, {"Job": a_job(index=11, version=2)}))
    changed = batch(12, {"Allocation": a_stub("a", index=12, DesiredStatus=desired)}, type_=type_)
    fresh = batch(13, {"Allocation": a_stub("b", index=13)})
    after = now.after(changed).after(fresh)
    assert {one.id: one.job_version for one in after.of("pay")} == {"a": version, "b": 2}


def test_a_heartbeat_changes_nothing() -> None:
    now = begun(a_stub("a"))
    assert now.after({}) == now


def test_allocations_come_by_their_index_and_then_newest_first() -> None:
    now = begun(a_stub("old", index=5), a_stub("new", index=6), a_stub("second", index=1, Name="pay.pay[1]"))
    assert [one.id for one in now.of("pay")] == ["new", "old", "second"]
