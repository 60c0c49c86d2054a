"""The loop: whom it calls, in which order, and how long it sleeps."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Generator

import pytest
from outrider_agent.loop import LONGEST_SLEEP, NEVER, READ, WRITE, Actor, Loop

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Generator[Pair]:
    one, other = socket.socketpair()
    one.setblocking(False)
    yield one, other
    one.close()
    other.close()


class Noting(Actor):
    """Wants to be woken at these times, one after the other; ``woken`` is when it was."""

    def __init__(self, *due: float) -> None:
        self.due = [*due, NEVER]
        self.woken: list[float] = []

    def wake_at(self, now: float) -> float:
        return self.due[0]

    def wake(self, now: float) -> None:
        self.woken.append(now)
        self.due.pop(0)


def at_once(loop: Loop) -> None:
    """A turn that does not sleep."""
    loop.hand_in(lambda: None)
    loop.turn()


def test_a_socket_that_is_ready_is_told_what_for_and_only_what_was_asked_for(loop: Loop, pair: Pair) -> None:
    masks: list[int] = []
    loop.attend(pair[0], READ, masks.append)
    at_once(loop)
    assert masks == [], "it could be written, which nobody asked"
    pair[1].send(b"x")
    at_once(loop)
    loop.attend(pair[0], READ | WRITE, masks.append)
    at_once(loop)
    loop.attend(pair[0], WRITE, masks.append)
    at_once(loop)
    assert masks == [READ, READ | WRITE, WRITE]


def test_whoever_attends_last_is_called(loop: Loop, pair: Pair) -> None:
    called: list[str] = []
    loop.attend(pair[0], WRITE, lambda _mask: called.append("first"))
    loop.attend(pair[0], WRITE, lambda _mask: called.append("second"))
    at_once(loop)
    assert called == ["second"]


def test_a_socket_that_was_left_is_not_attended_any_more(loop: Loop, pair: Pair) -> None:
    called: list[int] = []
    loop.attend(pair[0], WRITE, called.append)
    loop.leave(pair[0])
    loop.leave(pair[0])
    at_once(loop)
    assert called == []
    loop.attend(pair[0], WRITE, called.append)
    at_once(loop)
    assert called == [WRITE]


def test_a_socket_that_was_closed_may_be_left(loop: Loop) -> None:
    one, other = socket.socketpair()
    loop.attend(one, WRITE, lambda _mask: None)
    loop.leave(one)
    one.close()
    other.close()
    loop.leave(one)
    at_once(loop)


@pytest.mark.parametrize("asked", [READ, WRITE, READ | WRITE])
def test_a_connection_that_breaks_is_told_to_whoever_waits_for_anything(loop: Loop, asked: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as mine:
        theirs, _ = server.accept()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        masks: list[int] = []
        loop.attend(mine, asked, masks.append)
        at_once(loop)
        assert masks == [asked]
        loop.leave(mine)


def test_of_two_that_are_ready_the_first_may_leave_with_the_second(loop: Loop, pair: Pair) -> None:
    """Its descriptor may be another socket's by then: the second hears of it, as it was ready, and nobody else."""
    called: list[str] = []
    made: list[socket.socket] = []

    def replace(_mask: int) -> None:
        loop.leave(pair[1])
        pair[1].close()
        made.extend(socket.socketpair())
        for one in made:
            loop.attend(one, READ, lambda _mask: called.append("another"))
        called.append("first")

    loop.attend(pair[0], WRITE, replace)
    loop.attend(pair[1], WRITE, lambda _mask: called.append("second"))
    loop.turn()
    assert called == ["first", "second"]
    for one in made:
        loop.leave(one)
        one.close()


def test_sockets_are_served_before_actors(loop: Loop, pair: Pair) -> None:
    seen: list[str] = []

    class Due(Actor):
        def wake_at(self, now: float) -> float:
            return now

        def wake(self, now: float) -> None:
            seen.append("actor")

    loop.actors.append(Due())
    loop.attend(pair[0], WRITE, lambda _mask: seen.append("socket"))
    loop.turn()
    assert seen == ["socket", "actor"]


def test_an_actor_is_woken_when_its_time_has_come_and_not_before(loop: Loop) -> None:
    actor = Noting(loop.now() + 0.05)
    loop.actors.append(actor)
    at_once(loop)
    assert actor.woken == []
    due = actor.due[0]
    while not actor.woken:
        loop.turn()
    assert actor.woken[0] >= due


def test_the_loop_sleeps_until_the_first_is_due(loop: Loop) -> None:
    """Processor time tells: a loop that only turned would use all of it."""
    start = loop.now()
    loop.actors += [Noting(start + 30.0), Noting(start + 0.4), Noting()]
    before = time.process_time()
    turns = 0
    while not loop.actors[1].woken:  # type: ignore[attr-defined]
        loop.turn()
        turns += 1
    assert turns <= 4
    assert time.process_time() - before < 0.2
    assert loop.actors[0].woken == loop.actors[2].woken == []  # type: ignore[attr-defined]


def test_whoever_was_woken_may_have_changed_anothers_time(loop: Loop) -> None:
    second = Noting()
    first = Noting(loop.now())
    first.wake = lambda now: (Noting.wake(first, now), second.due.insert(0, now))[0]  # type: ignore[method-assign]
    loop.actors += [second, first]
    loop.turn()
    assert (len(first.woken), second.woken) == (1, [])
    loop.turn()
    assert len(second.woken) == 1


def test_what_is_handed_in_is_done_in_its_order_and_wakes_a_loop_that_sleeps(loop: Loop) -> None:
    done: list[int] = []
    loop.turn()
    for number in range(3):
        loop.hand_in(lambda number=number: done.append(number))
    before = loop.now()
    loop.turn()
    assert done == [0, 1, 2]
    assert loop.now() - before < LONGEST_SLEEP / 2


def test_very_much_may_be_handed_in(loop: Loop) -> None:
    """The bell is full long before, and rings all the same."""
    done: list[int] = []
    for number in range(5_000):
        loop.hand_in(lambda number=number: done.append(number))
    while len(done) < 5_000:
        loop.turn()
    assert done == list(range(5_000))


def test_a_loop_that_is_closed_hears_of_nothing_more() -> None:
    loop = Loop()
    loop.close()
    loop.hand_in(lambda: pytest.fail("it is closed"))


def test_a_loop_that_is_stopped_ends_with_its_turn(loop: Loop) -> None:
    turns: list[float] = []

    class Stopping(Actor):
        def wake_at(self, now: float) -> float:
            return now

        def wake(self, now: float) -> None:
            turns.append(now)
            if len(turns) == 3:
                loop.stop()

    loop.actors.append(Stopping())
    loop.run()
    assert len(turns) == 3
