"""The event stream: what each commit changed, as Nomad's events, kept for a while for those who come back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from outrider_embedded.scheduler.allocation import allocation_answer
from outrider_embedded.scheduler.documents import Document, words
from outrider_embedded.scheduler.state import Commit, State

_KEPT = 500
_HEARTBEAT_S = 10.0


@dataclass(frozen=True, slots=True)
class Topics:
    """What a listener wants: pairs of a topic and a key, with ``*`` for all."""

    wanted: tuple[tuple[str, str], ...] = (("*", "*"),)

    def take(self, event: Document) -> bool:
        """Whether the event is wanted, by its key or one of its filter keys."""
        keys = {event["Key"], *words(event["FilterKeys"])}
        return any(topic in {"*", event["Topic"]} and (key == "*" or key in keys) for topic, key in self.wanted)


class EventBuffer:
    """The last events, by index."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._batches: deque[tuple[int, list[Document]]] = deque(maxlen=_KEPT)
        state.listeners.append(self._on_commit)

    def _on_commit(self, commit: Commit) -> None:
        self._batches.append((commit.index, events(commit)))

    async def stream(self, topics: Topics, index: int) -> AsyncIterator[Document]:
        """Batches ``{Index, Events}`` from an index on (0: from now on), and ``{}`` as a heartbeat."""
        yield {}
        last = index - 1 if index else self._state.index
        while not self._state.is_closed:
            for number, batch in [one for one in self._batches if one[0] > last]:
                last = number
                chosen = [event for event in batch if topics.take(event)]
                if chosen:
                    yield {"Index": number, "Events": chosen}
            changed = self._state.changed
            if self._state.index > last and self._has(last):
                continue
            try:
                async with asyncio.timeout(_HEARTBEAT_S):
                    await changed.wait()
            except TimeoutError:
                yield {}

    def _has(self, last: int) -> bool:
        return any(number > last for number, _ in self._batches)


def events(commit: Commit) -> list[Document]:
    """The events of one commit, in Nomad's order and shape."""
    found = [_event(commit, "Job", job["ID"], {"Job": job}, None) for job in commit.jobs]
    found += [_event(commit, "Job", name, {"Deleted": True, "Job": {"ID": name}}, None) for name in commit.purged]
    for one in commit.evaluations:
        keys = [one["JobID"], one.get("DeploymentID", "")]
        found.append(_event(commit, "Evaluation", one["ID"], {"Evaluation": one}, keys))
    for one in commit.deployments:
        found.append(_event(commit, "Deployment", one["ID"], {"Deployment": one}, [one["JobID"]]))
    for one in commit.allocations:
        keys = [one["JobID"], one["DeploymentID"]]
        shown = {key: value for key, value in allocation_answer(one).items() if key != "Job"}
        found.append(_event(commit, "Allocation", one["ID"], {"Allocation": shown}, keys))
    return found


def _event(commit: Commit, topic: str, key: str, payload: Document, filter_keys: list[str] | None) -> Document:
    return {
        "Topic": topic,
        "Type": commit.kind,
        "Key": key,
        "Namespace": "default",
        "FilterKeys": filter_keys,
        "Index": commit.index,
        "Payload": payload,
    }
