"""Which connections give way when a server is full: those that ask for nothing, then those that stand still."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Literal, TypeVar

Standing = Literal["silent", "kept", "sending", "unread"]
"""What a connection waits for: its first request (``silent``) or the next one (``kept``), the rest of a body
(``sending``), or that its answer is read (``unread``). One whose request is being answered waits for nothing."""

FRESH_S = 1.0
_ORDER: tuple[Standing, ...] = ("kept", "silent", "unread", "sending")

Member = TypeVar("Member")


class Crowd(Generic[Member]):
    """The connections that wait, each with since when; the longest waiting ones come first."""

    def __init__(self) -> None:
        self._since: dict[Standing, dict[Member, float]] = {standing: {} for standing in _ORDER}
        self._leaving: set[Member] = set()

    @property
    def leaving(self) -> int:
        """How many were told to go, and still have their place."""
        return len(self._leaving)

    def stands(self, member: Member, standing: Standing, now: float) -> None:
        """Note what it waits for from now on; the same standing again keeps its place."""
        if member in self._since[standing]:
            return
        self.moves(member)
        self._since[standing][member] = now

    def moves(self, member: Member) -> None:
        """It waits for nothing."""
        for waiting in self._since.values():
            waiting.pop(member, None)

    def leaves(self, member: Member) -> None:
        """It gives way, and has its place until it is gone."""
        self.moves(member)
        self._leaving.add(member)

    def is_gone(self, member: Member) -> None:
        """Its place is free."""
        self.moves(member)
        self._leaving.discard(member)

    def giving_way(self, now: float) -> Member | None:
        """The one that goes first, or None where all are being answered.

        That is one that has been silent for long; else the one kept longest, so that nobody who has just come is sent
        away before their request arrives; else the silent, the unread and the sending.
        """
        first = next(iter(self._since["silent"].items()), None)
        if first and now - first[1] > FRESH_S:
            return first[0]
        return _first(member for standing in _ORDER for member in self._since[standing])


def _first(members: Iterable[Member]) -> Member | None:
    return next(iter(members), None)
