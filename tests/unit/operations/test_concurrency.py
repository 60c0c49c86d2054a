"""Questions side by side: one answer for many, which is never older than their asking."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from outrider.operations.concurrency import Shared, pauses


class Asked:
    """A question that is answered when it is told to; ``begun`` is how often it was asked."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        mine = self.begun
        await self.may_end.wait()
        return mine


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_all_who_ask_while_it_is_being_asked_share_the_next_answer() -> None:
    shared, asked = Shared[int](), Asked()
    first = asyncio.create_task(shared.answer(asked))
    await turns()
    others = [asyncio.create_task(shared.answer(asked)) for _ in range(20)]
    await turns()
    assert asked.begun == 1, "the others wait for one that begins after them"
    asked.may_end.set()
    assert (await first, await asyncio.gather(*others), asked.begun) == (1, [2] * 20, 2)
    assert await shared.answer(asked) == 3, "nothing is remembered"


async def test_an_error_is_that_of_those_who_shared_it_and_of_nobody_after() -> None:
    shared = Shared[int]()

    async def fails() -> int:
        await asyncio.sleep(0)
        raise OSError("away")

    found = await asyncio.gather(shared.answer(fails), shared.answer(fails), return_exceptions=True)
    assert [type(one) for one in found] == [OSError, OSError]

    async def works() -> int:
        return 7

    assert await shared.answer(works) == 7


async def test_whoever_gives_up_takes_nobodys_answer_away() -> None:
    shared, asked = Shared[int](), Asked()
    impatient, other = (asyncio.create_task(shared.answer(asked)) for _ in range(2))
    await turns()
    impatient.cancel()
    asked.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await other == 1


async def test_an_answer_that_is_young_enough_is_given_again_to_whoever_says_so() -> None:
    now = [100.0]
    shared, asked = Shared[int](lambda: now[0]), Asked()
    asked.may_end.set()
    assert await shared.answer(asked, within_s=5) == 1
    now[0] += 5
    assert (await shared.answer(asked, within_s=5), asked.begun) == (1, 1)
    now[0] += 0.1
    assert await shared.answer(asked, within_s=5) == 2
    assert await shared.answer(asked) == 3, "whoever says nothing asks anew"


def test_pauses_are_short_at_first_and_never_longer_than_the_longest() -> None:
    assert list(itertools.islice(pauses(1.0), 6)) == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
