"""The one loop: sockets that became ready, actors whose time has come, and the signal that ends it.

It asks epoll itself: selectors would cost 0.3 MB with what it imports, and more than epoll takes for each event.
"""

from __future__ import annotations

import importlib
import select
import time
from collections.abc import Callable

from outrider_agent.sockets import socket, socketpair

signal = importlib.import_module("_signal")  # what signal.py wraps: its enums would cost 0.4 MB

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
TROUBLE = ~(READ | WRITE)  # an error or an end: whoever waits for anything hears of it
NEVER = float("inf")
LONGEST_SLEEP = 60.0

Ready = Callable[[int], None]  # called with the mask of events


class Actor:
    """Something with a time of its own; clock readings are monotonic seconds, so a moved wall clock changes nothing."""

    __slots__ = ()

    def wake_at(self, now: float) -> float:  # noqa: ARG002  most do not ask
        """When ``wake`` is to be called; NEVER where only a socket can change anything."""
        return NEVER

    def wake(self, now: float) -> None:
        """Do what is due at ``now``."""


class Loop:
    """Runs until ``stop``, or until SIGTERM or SIGINT once ``stop_on_signals`` was called."""

    def __init__(self) -> None:
        self.actors: list[Actor] = []
        self._epoll = select.epoll()
        self._attended: dict[int, tuple[int, Ready]] = {}  # by descriptor
        self._is_stopping = False
        self._due = 0.0  # a clock reading: when the earliest actor wants to be woken
        self._handed_in: list[Callable[[], None]] = []
        self._bell: tuple[socket, socket] = socketpair()
        for end in self._bell:
            end.setblocking(False)
        self.attend(self._bell[0], READ, self._ring)

    def now(self) -> float:
        return time.monotonic()

    def attend(self, sock: socket, events: int, ready: Ready) -> None:
        """Call ``ready`` whenever ``sock`` has one of ``events``; a second call replaces the first."""
        descriptor = sock.fileno()
        known = self._attended.get(descriptor)
        if known is None:
            self._epoll.register(descriptor, events)
        elif known[0] != events:
            self._epoll.modify(descriptor, events)
        self._attended[descriptor] = events, ready

    def leave(self, sock: socket) -> None:
        descriptor = sock.fileno()  # of a closed one it is -1
        if self._attended.pop(descriptor, None):
            self._epoll.unregister(descriptor)

    def stop(self) -> None:
        self._is_stopping = True

    def stop_on_signals(self) -> None:
        """A signal rings the bell in the selector: Python's own retry after a signal would sleep on."""
        signal.set_wakeup_fd(self._bell[1].fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)

    def hand_in(self, call: Callable[[], None]) -> None:
        """Have the loop do this in its next round; the only method for other threads."""
        self._handed_in.append(call)
        try:
            self._bell[1].send(b"!")
        except OSError:
            return  # full: it rings already; closed: nobody hears it any more

    def run(self) -> None:
        while not self._is_stopping:
            self.turn()

    def turn(self) -> None:
        """One round: sleep until something is due, then serve sockets before actors."""
        pause = max(0.0, self._due - self.now())
        found = self._epoll.poll(min(pause, LONGEST_SLEEP))
        # Looked up before the first is called: its descriptor may be another socket's after that.
        for mask, (events, ready) in [(mask, self._attended[descriptor]) for descriptor, mask in found]:
            ready(events if mask & TROUBLE else mask & events)
        self._due = self._woken(self.now())

    def _woken(self, now: float) -> float:
        """Wake whom it concerns; when the next one is due, which is now where one may have changed another's time."""
        due = NEVER
        for actor in self.actors:
            at = actor.wake_at(now)
            if at <= now:
                actor.wake(now)
                at = now
            due = at if at < due else due  # noqa: FURB136  min() is a third of all calls that a change takes
        return due

    def close(self) -> None:
        self._epoll.close()
        for end in self._bell:
            end.close()

    def _signalled(self, _number: int, _frame: object) -> None:
        self.stop()

    def _ring(self, _mask: int) -> None:
        self._bell[0].recv(64)
        while self._handed_in:
            self._handed_in.pop(0)()
