"""Lists of instances that are mostly as they were: what an entry of the last list meant is known, and not read again."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.documents import Json
from outrider_agent.instances import Instance, UnusableInstanceError, foreign, instance
from outrider_agent.json_array import ArrayReader, Found
from outrider_agent.memory_budget import INSTANCE, MemoryBudget, Share

Known = dict[int, "Instance | str"]


class PreviousList:
    """The entries of one upstream's last whole list by the hash of their text: 64 bits, with a key of this process."""

    __slots__ = ("_budget", "_share", "known", "name")

    def __init__(self, budget: MemoryBudget, name: str) -> None:
        self.name = name  # of the upstream
        self.known: Known = {}
        self._budget = budget
        self._share = Share(budget)

    def replace(self, known: Known) -> None:
        """A whole list has come; its share of the room is free already."""
        self._share.release()
        self.known = known
        self._share.resize(len(known) * INSTANCE)

    @property
    def size(self) -> int:
        """Bytes of the room that the last list has."""
        return self._share.size

    def knows(self, written: str) -> bool:
        return hash(written) in self.known


class Reading:
    """One list of instances while it arrives; what is known of it takes no more room."""

    __slots__ = ("_entries", "_fresh", "_known", "_previous", "_share", "found")

    def __init__(
        self, budget: MemoryBudget, previous: PreviousList, give_way: Callable[[], None] | None = None
    ) -> None:
        self.found: list[Instance | str] = []  # instances, and of each other entry why not
        self._previous = previous
        self._known: Known = {}
        self._fresh = 0
        self._entries = ArrayReader(previous.knows)
        self._share = Share(budget, give_way)

    def feed(self, data: bytes) -> None:
        """Raise MalformedError where it is no list, or where there is no room left."""
        for each in self._entries.feed(data):
            self._take(each)
        self._resize()

    def finish(self) -> None:
        """All of it is there; raise MalformedError unless it is a whole list: what was known stays so then."""
        try:
            for each in self._entries.finish():
                self._take(each)
            self._resize()
        finally:
            self._share.release()
        self._previous.replace(self._known)

    def release(self) -> None:
        """Give up what has arrived."""
        self._share.release()
        self._known, self.found = {}, []

    def _resize(self) -> None:
        """The last list has a share already, and this one takes its place."""
        self._share.resize(max(0, self._fresh * INSTANCE - self._previous.size) + self._entries.waiting)

    def _take(self, each: Found) -> None:
        written, entry = each
        key = hash(written)
        if entry is not None:
            self._fresh += 1
            self._known[key] = _meaning(entry, self._previous.name)
        else:
            self._known[key] = self._previous.known[key]
        self.found.append(self._known[key])


def _meaning(entry: Json, name: str) -> Instance | str:
    try:
        return foreign(entry, name) or instance(entry)
    except UnusableInstanceError as problem:
        return str(problem)
