"""The memory that answers may take, all of them together: what arrives, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable

MEGABYTE = 1024 * 1024
BESIDE = 12 * MEGABYTE  # of an agent's memory: the interpreter, polls and what else does not grow with instances
LEAST = 4 * MEGABYTE
# Bytes that an instance takes: it, its endpoint, its part of Envoy's answer and of the snapshot, each of them twice for a
# moment while a list changes (bench/agent_memory.py).
INSTANCE = 2400


class MalformedError(ValueError):
    """The body is no JSON array of objects, ended too early or is too large: nothing of it may be used."""


class Share:
    """What one answer takes of the room while it arrives; ``give_way`` ends that answer, None where nothing may."""

    __slots__ = ("_budget", "give_way", "size")

    def __init__(self, budget: MemoryBudget, give_way: Callable[[], None] | None = None) -> None:
        self.size = 0
        self.give_way = give_way
        self._budget = budget

    def resize(self, size: int) -> None:
        """Raise MalformedError where there is no room left, even after larger answers have given way."""
        self._budget.make(size - self.size, self)
        self._budget.free -= size - self.size
        self.size = size

    def release(self) -> None:
        """Give all of it back."""
        self._budget.free += self.size
        self.size = 0
        self._budget.leave(self)


class MemoryBudget:
    """Bytes that are left; the agent's memory is bounded, whatever comes."""

    __slots__ = ("_shares", "free", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.free = size
        self._shares: list[Share] = []

    def make(self, size: int, share: Share) -> None:
        """See that ``size`` bytes are free: the largest answer under way gives way, unless it is this one."""
        if share not in self._shares:
            self._shares.append(share)
        while size > self.free:
            largest = max(self._shares, key=lambda one: one.size if one.give_way or one is share else -1)
            if largest is share or largest.give_way is None:
                raise MalformedError(
                    f"an answer of more than the {self.size // MEGABYTE or 1} MB that lists may take here "
                    "(sidecar.memory.agent)"
                )
            largest.give_way()
            self.leave(largest)

    def leave(self, share: Share) -> None:
        if share in self._shares:
            self._shares.remove(share)


def budget_of(memory_mb: int) -> MemoryBudget:
    """Room for an agent with so much memory."""
    return MemoryBudget(max(LEAST, memory_mb * MEGABYTE - BESIDE))


class Body:
    """One short answer's bytes while they arrive, for a document that is read as a whole."""

    __slots__ = ("_pieces", "_share", "_size")

    def __init__(self, budget: MemoryBudget) -> None:
        self._share = Share(budget)
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Raise MalformedError where there is no room left."""
        self._size += len(data)
        self._share.resize(self._size)
        self._pieces.append(data)

    def text(self) -> str:
        """All of it, once; raise MalformedError for what is no UTF-8."""
        data = b"".join(self._pieces)
        self.release()
        try:
            return data.decode()
        except UnicodeDecodeError as problem:
            raise MalformedError("not UTF-8") from problem

    def release(self) -> None:
        self._share.release()
        self._size = 0
        self._pieces = []
