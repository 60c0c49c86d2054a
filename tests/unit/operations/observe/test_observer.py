"""An observer through all that servers do: events are lost, streams end, servers hang, go away, and come back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from fakes.followed import OURS, FollowedConsul, FollowedNomad
from outrider_ground.errors import RemoteError, UsageError

from outrider.operations.observe.contact import Contact, ContactState, ago, silence_of
from outrider.operations.observe.observation import Observation
from outrider.operations.observe.observer import Observer
from outrider.operations.observe.pace import Pace

QUICK = Pace(
    question=0.3,
    pulse=0.05,
    held=0.2,
    relist=3600,
    unstreamed=0.05,
    breath=0.01,
    first=0.02,
    longest=0.1,
    event=0.2,
)
AWAY = RemoteError("Nomad at http://n cannot be reached: refused")


class Stage:
    def __init__(self, pace: Pace, *known: str) -> None:
        self.nomad, self.consul = FollowedNomad(), FollowedConsul()
        self.nomad.put("pay")
        self.known = known
        nomad: Any = self.nomad
        consul: Any = self.consul
        self.observer = Observer("stage", nomad, consul, self._names, pace)

    async def _names(self) -> tuple[str, ...]:
        return self.known

    async def until(self, holds: Callable[[Observation], object]) -> Observation:
        """What is seen, once it is as wanted."""
        async with asyncio.timeout(10):
            while not holds(observation := await self.observer.seen()):  # noqa: ASYNC110  servers change by themselves
                await asyncio.sleep(0.005)
        return observation

    async def streaming(self) -> None:
        """The stream is followed, and nothing is listed any more."""
        await self.until(lambda _: self.observer._nomad.is_streaming and self.nomad.asked["listing"] == 2)


@asynccontextmanager
async def stage(pace: Pace = QUICK, *known: str) -> AsyncGenerator[Stage]:
    made = Stage(pace, *known)
    made.observer.start()
    try:
        yield made
    finally:
        await made.observer.close()


def count(observation: Observation, name: str = "pay") -> int | None:
    job = observation.job(name)
    return job.now.count if job else None


async def test_events_tell_of_jobs_and_allocations_and_nothing_is_asked_for_them() -> None:
    async with stage() as on:
        await on.streaming()
        on.nomad.put("pay", 3)
        on.nomad.place("pay", "a")
        observation = await on.until(lambda seen: count(seen) == 3 and seen.allocations("pay"))
        assert observation.problem is None
        assert (on.nomad.asked["listing"], on.nomad.asked["job"]) == (2, 1)


async def test_what_a_stream_has_lost_is_found_when_it_ends_and_nomad_is_listed_anew() -> None:
    async with stage() as on:
        await on.streaming()
        on.nomad.put("pay", 5, is_told=False)
        await asyncio.sleep(0.05)
        assert count(await on.observer.seen()) == 1
        on.nomad.cut()
        observation = await on.until(lambda seen: count(seen) == 5)
        assert observation.problem is None


async def test_what_happens_between_the_listing_and_the_first_word_of_the_stream_is_not_lost() -> None:
    async with stage() as on:
        on.nomad.slow_s = 0.05
        await asyncio.sleep(0.02)
        on.nomad.put("pay", 4, is_told=False)
        await on.until(lambda seen: count(seen) == 4)


async def test_an_event_that_comes_while_nomad_is_listed_is_not_undone_by_the_list() -> None:
    async with stage(replace(QUICK, event=0.0)) as on:
        await on.streaming()
        on.nomad.slow_s = 0.2
        looking = asyncio.create_task(on.observer.seen(at_least=on.nomad.index + 50))
        await asyncio.sleep(0.05)
        on.nomad.put("pay", 7)
        await looking
        assert count(await on.observer.seen()) == 7


async def test_a_long_stream_is_checked_by_a_listing_now_and_then() -> None:
    async with stage(replace(QUICK, relist=0.1)) as on:
        await on.until(lambda _: on.nomad.streams)
        on.nomad.put("pay", 6, is_told=False)
        await asyncio.sleep(0.12)
        on.nomad.place("pay", "a")
        await on.until(lambda seen: count(seen) == 6)


async def test_without_a_stream_nomad_is_listed_again_and_again() -> None:
    async with stage() as on:
        on.nomad.has_stream = False
        on.nomad.cut()
        await on.until(lambda _: not on.nomad.streams)
        on.nomad.put("pay", 8)
        observation = await on.until(lambda seen: count(seen) == 8)
        assert observation.problem is None


async def test_a_nomad_that_goes_away_leaves_what_was_known_with_its_age_and_comes_back() -> None:
    async with stage() as on:
        await on.streaming()
        on.nomad.away = AWAY
        on.nomad.cut()
        observation = await on.until(lambda seen: seen.problem)
        assert count(observation) == 1
        assert observation.problem == "as of 0 s ago: Nomad at http://n cannot be reached: refused"
        await asyncio.sleep(0.1)
        later = await on.observer.seen()
        assert (later.age_s or 0) > (observation.age_s or 0) > 0
        on.nomad.put("pay", 2, is_told=False)
        on.nomad.away = None
        back = await on.until(lambda seen: seen.problem is None)
        assert (count(back), back.age_s) == (2, None)


async def test_a_nomad_that_hangs_is_told_of_though_its_stream_is_open() -> None:
    async with stage() as on:
        await on.streaming()
        on.nomad.hangs = True
        observation = await on.until(lambda seen: seen.problem)
        assert "Nomad of stage has not answered within 0.3 s" in str(observation.problem)
        on.nomad.hangs = False
        await on.until(lambda seen: seen.problem is None)


async def test_servers_without_a_leader_are_told_of() -> None:
    async with stage() as on:
        await on.streaming()
        on.consul.has_leader = on.nomad.has_leader = False
        observation = await on.until(lambda seen: "Consul" in str(seen.problem) and "Nomad" in str(seen.problem))
        assert "Nomad of stage has no leader; as of" in str(observation.problem)


async def test_the_first_look_waits_for_both_servers_and_not_for_ever() -> None:
    made = Stage(QUICK)
    made.nomad.hangs = True
    made.observer.start()
    try:
        observation = await made.observer.seen()
        assert observation.problem == "Nomad of stage has not answered within 0.3 s"
        assert (observation.scheduled, observation.age_s) == (None, None)
        assert observation.registrations is not None
        made.nomad.hangs = False
        assert count(await made.until(lambda seen: seen.problem is None)) == 1
    finally:
        await made.observer.close()


async def test_a_server_that_refuses_from_the_beginning_is_told_at_once() -> None:
    made = Stage(QUICK)
    made.nomad.away = made.consul.away = AWAY
    made.observer.start()
    try:
        assert (await made.observer.seen()).problem == AWAY.message, "the same is not said twice"
    finally:
        await made.observer.close()


async def test_whoever_has_changed_a_job_sees_it_by_its_event_or_by_a_listing() -> None:
    async with stage() as on:
        await on.streaming()
        index = on.nomad.put("pay", 2, is_told=False)
        asyncio.get_running_loop().call_later(0.05, on.nomad.say, "JobRegistered", "Job", {"Job": on.nomad.jobs["pay"]})
        assert count(await on.observer.seen(at_least=index)) == 2
        assert on.nomad.asked["listing"] == 2, "the event told of it"
        index = on.nomad.put("pay", 3, is_told=False)
        assert count(await on.observer.seen(at_least=index)) == 3
        assert on.nomad.asked["listing"] == 3


async def test_many_that_wait_for_a_change_share_their_listings() -> None:
    async with stage() as on:
        await on.streaming()
        index = on.nomad.put("pay", 3, is_told=False)
        found = await asyncio.gather(*(on.observer.seen(at_least=index) for _ in range(20)))
        assert {count(one) for one in found} == {3}
        assert on.nomad.asked["listing"] <= 4, "the one that is under way when they ask, and one more"


async def test_nobody_waits_for_a_change_while_nomad_is_known_to_be_away() -> None:
    async with stage(replace(QUICK, event=3600, question=3600)) as on:
        await on.streaming()
        on.nomad.away = AWAY
        on.nomad.cut()
        await on.until(lambda seen: seen.problem)
        async with asyncio.timeout(30):
            assert (await on.observer.seen(at_least=10_000)).problem


async def test_a_listing_that_fails_when_a_change_is_waited_for_is_told() -> None:
    async with stage(replace(QUICK, pulse=3600)) as on:
        await on.streaming()
        on.nomad.away = AWAY
        assert AWAY.message in str((await on.observer.seen(at_least=10_000)).problem)


async def test_checks_are_one_held_question_and_only_what_changed_is_read() -> None:
    async with stage() as on:
        for number in range(20):
            on.nomad.put(f"s{number}", is_told=False)
            on.consul.put(f"s{number}", f"i{number}")
        on.nomad.cut()
        await on.until(lambda seen: seen.registrations and len(seen.registrations.read) == 21)
        before = on.consul.asked["health"]
        on.consul.put("s3", "i3", "critical")
        await on.until(lambda seen: [one.status for one in seen.instances("s3")] == ["critical"])
        assert on.consul.asked["health"] == before, "a status needs no reading"
        on.consul.put("s3", "another")
        await on.until(lambda seen: len(seen.instances("s3")) == 2)
        assert on.consul.asked["health"] == before + 1
        assert on.consul.most_at_once == 1


async def test_an_index_that_goes_back_begins_anew_at_once() -> None:
    async with stage(replace(QUICK, held=3600)) as on:
        on.consul.put("pay", "a")
        await on.until(lambda seen: seen.instances("pay"))
        on.consul.entries["pay"].clear()
        on.consul.wake(3)
        await on.until(lambda seen: not seen.instances("pay"))
        await on.until(lambda _: 0 in on.consul.held[1:])
        on.consul.put("pay", "b")
        await on.until(lambda seen: seen.instances("pay"))


async def test_a_consul_that_shows_no_check_at_all_any_more_has_lost_its_rights_and_not_its_services() -> None:
    async with stage() as on:
        on.consul.put("pay", "a")
        await on.until(lambda seen: seen.instances("pay"))
        on.consul.is_blind = True
        on.consul.wake(on.consul.index + 1)
        observation = await on.until(lambda seen: seen.problem)
        assert "Consul shows no check at all any more" in str(observation.problem)
        assert len(observation.instances("pay")) == 1


async def test_a_consul_that_goes_away_keeps_its_instances_and_comes_back() -> None:
    async with stage() as on:
        on.consul.put("pay", "a")
        await on.until(lambda seen: seen.instances("pay"))
        on.consul.away = RemoteError("Consul cannot be reached")
        observation = await on.until(lambda seen: seen.problem)
        assert str(observation.problem).startswith("as of ")
        assert len(observation.instances("pay")) == 1
        assert observation.nomad.problem is None
        on.consul.away = None
        await on.until(lambda seen: seen.problem is None)


async def test_instances_without_any_check_are_read_now_and_then() -> None:
    async with stage() as on:
        unchecked = [{"Name": "bare", "Count": 1, "Tasks": [], "Services": [{"Name": "bare", "Checks": None}]}]
        on.nomad.put("bare", TaskGroups=unchecked)
        on.consul.put("bare", "a")
        on.consul.entries["bare"]["a"]["Checks"] = []
        await on.until(lambda seen: len(seen.instances("bare")) == 1)
        on.consul.put("bare", "b")
        on.consul.entries["bare"]["b"]["Checks"] = []
        await on.until(lambda seen: len(seen.instances("bare")) == 2)


async def test_a_defect_of_ours_is_told_logged_and_does_not_end_the_watching(caplog: pytest.LogCaptureFixture) -> None:
    async with stage() as on:
        await on.streaming()
        with caplog.at_level(logging.ERROR):
            on.nomad.say("JobRegistered", "Job", {"Job": {"no": "id"}})
            on.nomad.put("pay", 9, is_told=False)
            await on.until(lambda seen: count(seen) == 9)
        assert "the observer cannot follow" in caplog.text


async def test_names_of_the_store_are_kept_whoever_has_a_job_under_them() -> None:
    made = Stage(QUICK, "theirs")
    made.nomad.put("theirs", Meta=None)
    made.nomad.put("others", Meta=None)
    made.observer.start()
    try:
        observation = await made.until(lambda seen: seen.scheduled)
        assert (count(observation, "theirs"), count(observation, "others")) == (1, None)
    finally:
        await made.observer.close()


async def test_closing_ends_all_that_it_does() -> None:
    async with stage() as on:
        await on.streaming()
        assert on.observer.is_running
    assert not on.observer.is_running
    assert on.nomad.streams == []
    asked = on.nomad.asked.copy()
    await asyncio.sleep(0.1)
    assert on.nomad.asked == asked


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (7_300, "2 h"), (200_000, "2 d"), (-1, "0 s")]
)
def test_an_age_is_said_in_the_unit_that_suits_it(seconds: float, words: str) -> None:
    assert ago(seconds) == words


def test_failures_in_a_row_are_waited_for_longer_each_time_up_to_a_bound() -> None:
    pace = Pace()
    assert all(pace.first * 0.75 <= pace.after(1) <= pace.first for _ in range(50))
    assert all(pace.first * 3 <= pace.after(3) <= pace.first * 4 for _ in range(50))
    assert all(pace.longest * 0.75 <= pace.after(10_000) <= pace.longest for _ in range(50))


def test_any_error_of_ours_is_a_silence_with_its_words() -> None:
    assert silence_of(UsageError("odd", next_step="Do.")).next_step == "Do."
    assert silence_of(AWAY) is AWAY
    assert "defect" in silence_of(KeyError("x")).message


def test_what_is_not_known_has_no_age() -> None:
    assert ContactState(None, AWAY).problem == AWAY.message
    assert ContactState(3.0).problem is None
    assert Contact().now == ContactState()
    assert OURS["outrider_environment"] == "stage"
