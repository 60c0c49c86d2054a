"""Lists of instances that are mostly as they were: what an entry of the last list meant is known, and not read again."""

from __future__ import annotations

from outrider_agent.documents import Json
from outrider_agent.entries import MalformedError, entries
from outrider_agent.instances import Instance, UnusableInstanceError, foreign, instance

MOST_INSTANCES = 5000  # of one upstream; an endpoint is about 0.5 KB here and 5 KB in Envoy


class Familiar:
    """The entries of one upstream's last whole list by the hash of their text: 64 bits, with a key of this process."""

    __slots__ = ("_known", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[int, Instance | str] = {}

    def read(self, text: str) -> list[Instance | str]:
        """Instances, and the reason for each one that Envoy could not take, or whose it is where it is another's.

        Raise MalformedError unless the text is a whole list; what is known stays as it was then.
        """
        now: dict[int, Instance | str] = {}
        found: list[Instance | str] = []
        for written, entry in entries(text, self._is_known):
            if len(found) >= MOST_INSTANCES:
                raise MalformedError(f"more than {MOST_INSTANCES} instances")
            key = hash(written)
            now[key] = _meaning(entry, self._name) if entry is not None else self._known[key]
            found.append(now[key])
        self._known = now
        return found

    def _is_known(self, written: str) -> bool:
        return hash(written) in self._known


def _meaning(entry: Json, name: str) -> Instance | str:
    try:
        return foreign(entry, name) or instance(entry)
    except UnusableInstanceError as problem:
        return str(problem)
