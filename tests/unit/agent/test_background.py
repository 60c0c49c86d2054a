"""Work beside the loop: the loop goes on, hears of the end, and is told of faults."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from outrider_agent.background import BackgroundWork, nothing, within
from outrider_agent.loop import Loop
from support.turning import turned


def test_the_loop_goes_on_while_work_blocks_and_does_what_comes_of_it(loop: Loop) -> None:
    aside, goes_on, ends = BackgroundWork(loop), threading.Event(), list[threading.Thread]()

    def work() -> Callable[[], None]:
        goes_on.wait()
        return lambda: ends.append(threading.current_thread())

    aside.begin(work)
    assert aside.is_busy
    loop.hand_in(nothing)
    loop.turn()
    assert ends == []
    assert not aside.has_ended(0.01)
    goes_on.set()
    turned(loop, lambda: ends)
    assert ends == [threading.current_thread()]
    assert not aside.is_busy
    assert aside.has_ended(0.01)


def test_the_next_piece_may_begin_in_what_the_loop_does_with_the_first(loop: Loop) -> None:
    aside, seen = BackgroundWork(loop), list[str]()

    def first() -> Callable[[], None]:
        return lambda: aside.begin(lambda: lambda: seen.append("second"))

    aside.begin(first)
    turned(loop, lambda: seen)


def test_a_fault_in_work_aside_ends_the_loop_as_any_other(loop: Loop) -> None:
    aside = BackgroundWork(loop)

    def faulty() -> Callable[[], None]:
        raise KeyError("a fault")

    aside.begin(faulty)
    with pytest.raises(KeyError):
        turned(loop, lambda: not aside.is_busy)


def test_an_end_that_comes_after_the_loop_is_heard_by_nobody() -> None:
    loop = Loop()
    aside, goes_on = BackgroundWork(loop), threading.Event()
    aside.begin(lambda: [goes_on.wait(), nothing][1])  # type: ignore[list-item, return-value]
    loop.close()
    goes_on.set()
    assert aside.has_ended(5.0)


def test_a_wait_is_bounded() -> None:
    goes_on = threading.Event()

    def work() -> None:
        goes_on.wait()

    assert within(5.0, lambda: None)
    assert not within(0.05, work)
    goes_on.set()


def test_whoever_waits_is_told_what_went_wrong() -> None:
    def faulty() -> None:
        raise FileNotFoundError("here")

    with pytest.raises(FileNotFoundError):
        within(5.0, faulty)
