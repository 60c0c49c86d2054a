"""Deployments that are driven in the background: whose they are, what ends them, and what is let go of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from fakes.asked_nomad import NomadThatWasAsked, an_allocation
from fakes.driving import Records, place
from fakes.shown import a_deployment
from fakes.world import HURRY
from outrider_ground.errors import RemoteError, UsageError

from outrider.operations.drive.runner import LEASE_S, Runner
from outrider.operations.environment import WatchLimits
from outrider.operations.records import Deployment

Json = dict[str, Any]
QUICK = replace(HURRY, look=0.002)


def a_stop(**more: Any) -> Deployment:
    """One whose watching is short: it ends when no allocation runs any more."""
    return a_deployment("checkout", **{"kind": "stop", "state": "running", "modify_index": 20, **more})


@asynccontextmanager
async def running(
    records: Records, nomad: NomadThatWasAsked | None = None, *, lease_s: float = 5.0, limits: WatchLimits = QUICK
) -> AsyncGenerator[Runner]:
    here = place(nomad or NomadThatWasAsked([[]]), records, limits=limits)
    runner = Runner(cast("Any", records), {"stage": here}, lease_s=lease_s)
    try:
        yield runner
    finally:
        await runner.close()


async def until(is_so: Any) -> None:
    async with asyncio.timeout(10):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.002)


def kept(records: Records) -> Deployment:
    (one,) = records.kept.values()
    return one


async def test_what_is_driven_ends_once_and_is_let_go_of() -> None:
    records = Records(a_stop())
    async with running(records) as runner:
        runner.drive(kept(records))
        runner.drive(kept(records))
        await until(lambda: kept(records).is_final and not records.holders)
        await asyncio.sleep(0.01)
    assert [kind for kind, _, _ in records.told] == ["verdict"]
    assert kept(records).reason == "no allocation runs any more"
    assert records.claims == 1


async def test_what_has_ended_is_not_driven_again() -> None:
    records = Records(a_stop(state="failed"))
    async with running(records) as runner:
        runner.drive(kept(records))
        await asyncio.sleep(0.01)
    assert (records.told, records.claims) == ([], 0)


async def test_what_ended_before_it_was_claimed_is_let_go_of_without_a_word() -> None:
    records = Records(a_stop(state="failed"))
    async with running(records) as runner:
        runner.drive(a_stop())
        await until(lambda: records.claims and not records.holders)
    assert records.told == []


async def test_what_nobody_knows_is_let_go_of_without_a_word() -> None:
    records = Records()
    async with running(records) as runner:
        runner.drive(a_stop())
        await until(lambda: records.claims and not records.holders)
    assert records.told == []


async def test_what_another_portal_holds_is_left_to_it() -> None:
    records = Records(a_stop())
    records.holders[kept(records).id] = "another"
    async with running(records) as runner:
        runner.drive(kept(records))
        await until(lambda: records.claims)
        await asyncio.sleep(0.01)
    assert (records.told, set(records.holders.values())) == ([], {"another"})


async def test_what_another_portal_takes_over_meanwhile_is_left_to_it() -> None:
    records = Records(a_stop())
    nomad = NomadThatWasAsked([[an_allocation(1, "running")]])
    async with running(records, nomad, lease_s=0.03, limits=replace(QUICK, silence=60.0)) as runner:
        runner.drive(kept(records))
        await until(lambda: records.claims >= 2)
        records.holders[kept(records).id] = "another"
        claims = records.claims
        await until(lambda: records.claims > claims)
        nomad.lists = [[an_allocation(1, "complete", 2)]]
        await asyncio.sleep(0.05)
    assert not kept(records).is_final
    assert set(records.holders.values()) == {"another"}


async def test_the_lease_is_renewed_while_it_is_driven() -> None:
    records = Records(a_stop())
    nomad = NomadThatWasAsked([[an_allocation(1, "running")]])
    async with running(records, nomad, lease_s=0.03, limits=replace(QUICK, silence=60.0)) as runner:
        runner.drive(kept(records))
        await until(lambda: records.claims >= 4)
        nomad.lists = [[]]
        await until(lambda: kept(records).is_final)
    assert kept(records).state == "successful"


async def test_a_runner_that_is_closed_lets_go_of_all_and_ends_nothing() -> None:
    records = Records(a_stop())
    nomad = NomadThatWasAsked([[an_allocation(1, "running")]])
    async with running(records, nomad, limits=replace(QUICK, silence=60.0)) as runner:
        runner.start()
        await until(lambda: nomad.looks > 1)
    looks = nomad.looks
    await asyncio.sleep(0.02)
    assert (kept(records).state, records.holders, nomad.looks) == ("running", {}, looks)


# What is taken up


async def test_what_is_unfinished_is_taken_up_and_says_so() -> None:
    records = Records(a_stop())
    async with running(records) as runner:
        runner.start()
        await until(lambda: kept(records).is_final)
    assert records.told[0][:2] == ("resumed", "the portal watches it again")


async def test_what_is_driven_by_who_began_it_is_not_said_to_be_resumed() -> None:
    records = Records(a_stop())
    async with running(records) as runner:
        runner.drive(kept(records))
        await until(lambda: kept(records).is_final)
    assert [kind for kind, _, _ in records.told] == ["verdict"]


@pytest.mark.parametrize(
    ("known", "is_taken"),
    [
        ({"modify_index": None, "age": LEASE_S - 5}, False),
        ({"modify_index": None, "age": LEASE_S + 1}, True),
        ({"modify_index": 20, "age": 0}, True),
        ({"environment": "elsewhere", "age": LEASE_S + 1}, False),
    ],
)
async def test_what_is_being_registered_at_this_moment_and_what_is_elsewhere_are_left_alone(
    known: Json, is_taken: bool
) -> None:
    age = known.pop("age")
    records = Records(a_stop(created_at=datetime.now(UTC) - timedelta(seconds=age), **known))
    async with running(records, limits=replace(QUICK, silence=1000.0)) as runner:
        runner.start()
        await (until(lambda: records.claims) if is_taken else asyncio.sleep(0.02))
        assert bool(records.claims) is is_taken


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RemoteError("no database"), "unfinished deployments cannot be read: no database"),
        (ValueError("a defect"), "ValueError: a defect"),
    ],
)
async def test_a_store_that_cannot_be_read_is_looked_at_again(
    caplog: pytest.LogCaptureFixture, error: Exception, told: str
) -> None:
    class Broken(Records):
        reads = 0

        async def unfinished(self) -> tuple[Deployment, ...]:
            self.reads += 1
            if self.reads == 1:
                raise error
            return await super().unfinished()

    records = Broken(a_stop())
    async with running(records, lease_s=0.01) as runner:
        runner.start()
        await until(lambda: kept(records).is_final)
    assert told in caplog.text


async def test_between_two_sweeps_there_is_a_pause() -> None:
    class Counted(Records):
        reads = 0

        async def unfinished(self) -> tuple[Deployment, ...]:
            self.reads += 1
            return ()

    records = Counted()
    async with running(records) as runner:
        runner.start()
        await asyncio.sleep(0.05)
    assert records.reads == 1


# What ends it


class FailingNomad(NomadThatWasAsked):
    """Fails with each of these in turn, then shows that nothing runs."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__([[]])
        self.errors = list(errors)

    async def allocations(self, job_id: str) -> list[Json]:
        if self.errors:
            raise self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]
        return await super().allocations(job_id)


async def test_a_refusal_is_the_end_with_its_words() -> None:
    records = Records(a_stop())
    async with running(records, FailingNomad(UsageError("no such thing"))) as runner:
        runner.drive(kept(records))
        await until(lambda: kept(records).is_final and not records.holders)
    assert (kept(records).state, kept(records).reason) == ("failed", "no such thing")


async def test_a_defect_is_the_end_and_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    records = Records(a_stop())
    async with running(records, FailingNomad(KeyError("what"))) as runner:
        runner.drive(kept(records))
        await until(lambda: kept(records).is_final and not records.holders)
    assert kept(records).reason == "a defect of Outrider ended the watching; the portal's log has its traceback"
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert (record.getMessage(), record.exc_info is not None) == (f"deployment {kept(records).id}", True)


async def test_an_end_that_is_written_down_already_stands() -> None:
    records = Records(a_stop())

    class Late(FailingNomad):
        async def allocations(self, job_id: str) -> list[Json]:
            await records.end(kept(records), "superseded", "first")
            return await super().allocations(job_id)

    async with running(records, Late(UsageError("second"))) as runner:
        runner.drive(kept(records))
        await until(lambda: kept(records).is_final and not records.holders)
    assert (kept(records).reason, records.lines) == ("first", ["first"])


async def test_a_silence_is_told_once_and_ends_with_our_patience() -> None:
    records = Records(a_stop())
    async with running(records, FailingNomad(RemoteError("no answer")), limits=replace(QUICK, silence=0.0)) as runner:
        runner.drive(kept(records))
        await until(lambda: kept(records).is_final)
    assert records.lines == ["still watching: no answer", "what became of it is unknown: no answer"]
    assert kept(records).state == "failed"


async def test_what_cannot_be_taken_up_for_want_of_an_answer_is_taken_up_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Away(NomadThatWasAsked):
        async def job(self, job_id: str) -> Json | None:
            raise RemoteError("no leader")

    records = Records(a_stop(modify_index=None, created_at=datetime.now(UTC) - timedelta(seconds=LEASE_S + 1)))
    async with running(records, Away([[]]), limits=replace(QUICK, silence=1000.0)) as runner:
        runner.start()
        await until(lambda: records.claims and not records.holders)
    assert (kept(records).is_final, records.told) == (False, [])
    assert "is taken up again later: no leader" in caplog.text
