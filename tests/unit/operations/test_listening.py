"""Listening to a deployment, step by step: who is woken, who looks, and when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from fakes.shown import a_deployment
from outrider_ground.errors import RemoteError

from outrider.operations.event_details import Ended, Warned
from outrider.operations.journal import Journal
from outrider.operations.journal_watch import Watch, rings
from outrider.operations.records import Deployment

Json = dict[str, Any]
LONG = 60.0


@dataclass
class Step:
    """As much of an event as listening is about."""

    number: int
    kind: str = "warning"


class Steps:
    """A store of one deployment and its steps, which counts who looks and from where."""

    def __init__(self, state: Any = "running") -> None:
        self.kept: Deployment | None = replace(a_deployment("checkout"), id="d", state=state)
        self.steps: list[Step] = []
        self.looked: list[int] = []
        self.ended: list[tuple[Deployment, Ended]] = []
        self.error: Exception | None = None

    def add(self, kind: str = "warning") -> Step:
        self.steps.append(Step(len(self.steps) + 1, kind))
        return self.steps[-1]

    async def with_id(self, deployment_id: str) -> Deployment | None:
        if self.error is not None:
            raise self.error
        return self.kept

    async def after(self, deployment_id: str, after: int = 0) -> tuple[Step, ...]:
        self.looked.append(after)
        return tuple(one for one in self.steps if one.number > after)

    async def add_event(self, deployment_id: str, *told: Any) -> Step:
        return self.add()

    async def end_deployment(self, deployment: Deployment, detail: Ended) -> Step:
        self.kept = deployment
        self.ended.append((deployment, detail))
        return self.add("verdict")


def a_journal(steps: Steps, look_s: float = LONG) -> Journal:
    return Journal(cast("Any", steps), cast("Any", steps), look_s=look_s)


async def heard(journal: Journal, *after: int) -> list[int | None]:
    async with asyncio.timeout(10), aclosing(cast("AsyncGenerator[Any]", journal.feed("d", *after))) as feed:
        return [one.number if one else None async for one in feed]


@pytest.mark.parametrize(("after", "numbers"), [((), [1, 2, 3]), ((0,), [1, 2, 3]), ((1,), [2, 3]), ((-1,), [1, 2, 3])])
async def test_a_feed_begins_above_the_number_that_is_named(after: tuple[int, ...], numbers: list[int]) -> None:
    steps = Steps()
    for kind in ("accepted", "warning", "verdict"):
        steps.add(kind)
    assert await heard(a_journal(steps), *after) == numbers


@pytest.mark.parametrize("state", ["failed", "running"])
async def test_a_feed_ends_with_the_verdict_or_the_final_state(state: str) -> None:
    steps = Steps(state)
    steps.add("verdict" if state == "running" else "warning")
    assert await heard(a_journal(steps)) == [1]


async def test_a_feed_of_what_nobody_knows_ends() -> None:
    steps = Steps()
    steps.kept = None
    assert await heard(a_journal(steps)) == []


async def test_what_is_noted_is_heard_at_once_and_only_what_is_new_is_looked_for() -> None:
    steps = Steps()
    steps.add()
    steps.add()
    journal = a_journal(steps)
    listener = asyncio.create_task(heard(journal))
    await asyncio.sleep(0.01)
    await note(journal)
    await asyncio.sleep(0.01)
    over = await journal.end(cast("Deployment", steps.kept), "failed", "why")
    assert await listener == [1, 2, 3, 4]
    assert steps.looked == [0, 2, 3]
    assert (over.state, over.reason, over.ended_at is not None) == ("failed", "why", True)


async def note(journal: Journal) -> Any:
    return await cast("Any", journal).note("d", "something", Warned())


async def test_a_note_is_handed_back_and_needs_no_listener() -> None:
    assert (await note(a_journal(Steps()))).number == 1


@pytest.mark.parametrize(("state", "is_placed"), [("failed", True), ("successful", True), ("not_placed", False)])
async def test_a_verdict_says_whether_it_was_placed(state: Any, is_placed: bool) -> None:
    steps = Steps()
    await a_journal(steps).end(cast("Deployment", steps.kept), state, "why")
    ((over, detail),) = steps.ended
    assert detail == Ended(state, is_placed, "why")
    assert (over.state, over.reason, over.ended_at is not None) == (state, "why", True)


async def test_while_nothing_happens_a_listener_hears_that_and_the_store_is_looked_at() -> None:
    steps = Steps()
    async with aclosing(cast("AsyncGenerator[Any]", a_journal(steps, 0.01).feed("d"))) as feed:
        assert [await anext(feed), await anext(feed)] == [None, None]
        steps.add("verdict")
        async with asyncio.timeout(10):
            said = [one async for one in feed]
    assert [one.number for one in said if one] == [1]
    assert 2 <= len(steps.looked) <= 200


async def test_without_news_a_listener_hears_nothing_and_nobody_looks() -> None:
    steps = Steps()
    listener = asyncio.create_task(heard(a_journal(steps)))
    await asyncio.sleep(0.02)
    assert (listener.done(), steps.looked) == (False, [0])
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)


async def test_a_store_that_fails_is_told_and_the_next_listener_looks_anew() -> None:
    steps = Steps()
    steps.error = RemoteError("gone")
    journal = a_journal(steps)
    with pytest.raises(RemoteError, match="gone"):
        await heard(journal)
    steps.error = None
    steps.add("verdict")
    assert await heard(journal) == [1]


async def test_a_second_listener_shares_the_looks_of_the_first() -> None:
    steps = Steps()
    journal = a_journal(steps)
    listeners = [asyncio.create_task(heard(journal, number)) for number in (0, 0, 1)]
    await asyncio.sleep(0.01)
    await note(journal)
    await asyncio.sleep(0.01)
    await journal.end(cast("Deployment", steps.kept), "failed", "why")
    assert await asyncio.gather(*listeners) == [[1, 2], [1, 2], [2]]
    assert len(steps.looked) == 3


async def test_the_watch_ends_with_its_last_listener_and_not_before() -> None:
    steps = Steps()
    watch = Watch(cast("Any", steps), cast("Any", steps), "d", LONG)
    first, second = watch.joined(), watch.joined()
    await asyncio.sleep(0.01)
    assert (first.is_set(), second.is_set()) == (True, True)
    assert watch.left(first) is False
    first.clear()
    watch.ring()
    await asyncio.sleep(0.01)
    assert (watch.has_ended, first.is_set(), len(steps.looked)) == (False, False, 2)
    assert watch.left(second) is True
    await asyncio.sleep(0.01)
    assert watch.has_ended
    watch.check()


async def test_whoever_is_woken_at_the_end_sees_the_end() -> None:
    steps = Steps()
    watch = Watch(cast("Any", steps), cast("Any", steps), "d", LONG)
    bell = watch.joined()
    await asyncio.sleep(0.01)
    bell.clear()
    steps.add("verdict")
    watch.ring()
    assert await rings(bell, 10.0) is True
    assert watch.has_ended
    assert [one.number for one in watch.events(0)] == [1]
    assert [watch.events(1), watch.events(10**30)] == [[], []]


async def test_an_error_that_comes_when_nobody_listens_any_more_troubles_nobody() -> None:
    troubles: list[Json] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    steps = Steps()
    steps.error = RemoteError("gone")
    watch = Watch(cast("Any", steps), cast("Any", steps), "d", LONG)
    await asyncio.sleep(0.01)
    assert watch.has_ended
    del watch
    assert troubles == []


async def test_a_bell_rings_in_time_or_not() -> None:
    bell = asyncio.Event()
    assert await rings(bell, 0.001) is False
    bell.set()
    assert await rings(bell, LONG) is True
