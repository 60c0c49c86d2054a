"""A Nomad and a Consul as an observer follows them: a test changes what is listed, says events, hangs and takes away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

from outrider_ground.errors import RemoteError

from outrider.operations.nomad_port import Listing

Json = dict[str, Any]
OURS = {"outrider_environment": "stage", "outrider_version": "a1"}


class _Server:
    """What both have in common: questions are counted, and get no answer while it is away or hangs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: Counter[str] = Counter()
        self.away: Exception | None = None
        self.hangs = False
        self.has_leader = True

    async def answer(self, question: str) -> None:
        self.asked[question] += 1
        while self.hangs:  # noqa: ASYNC110  the test sets it
            await asyncio.sleep(0.01)
        if self.away is not None:
            raise self.away

    async def leader(self) -> str:
        await self.answer("leader")
        return "127.0.0.1:1" if self.has_leader else ""


class FollowedNomad(_Server):
    """Jobs and stubs by id; ``index`` is that of the last change."""

    def __init__(self) -> None:
        super().__init__("Nomad")
        self.index = 10
        self.jobs: dict[str, Json] = {}
        self.stubs: dict[str, Json] = {}
        self.has_stream = True
        self.slow_s = 0.0
        self.streams: list[asyncio.Queue[Json | None]] = []

    def put(self, name: str, count: int = 1, *, is_told: bool = True, **more: Any) -> int:
        """Register a job; the index that it has now."""
        self.index += 1
        groups = [{"Name": name, "Count": count, "Tasks": [], "Services": [{"Checks": [{"Type": "tcp"}]}]}]
        known = {"ID": name, "Meta": OURS, "TaskGroups": groups, "Version": 0}
        self.jobs[name] = known | {"ModifyIndex": self.index, "JobModifyIndex": self.index} | more
        if is_told:
            self.say("JobRegistered", "Job", {"Job": self.jobs[name]})
        return self.index

    def place(self, name: str, id_: str, **more: Any) -> None:
        """Place an allocation of the job, and tell of it."""
        self.index += 1
        running = {"ClientStatus": "running", "DesiredStatus": "run", "ModifyIndex": self.index}
        self.stubs[id_] = {"ID": id_, "JobID": name, "Name": f"{name}.{name}[0]", "NodeName": "n", **running, **more}
        self.say("PlanResult", "Allocation", {"Allocation": self.stubs[id_]})

    def say(self, type_: str, topic: str, payload: Json) -> None:
        event = {"Topic": topic, "Type": type_, "Index": self.index, "Payload": payload}
        for stream in self.streams:
            stream.put_nowait({"Index": self.index, "Events": [event]})

    def cut(self) -> None:
        """End every stream."""
        for stream in self.streams:
            stream.put_nowait(None)

    async def listing(self) -> Listing:
        await self.answer("listing")
        jobs, stubs, index = list(self.jobs.values()), list(self.stubs.values()), self.index
        await asyncio.sleep(self.slow_s)
        return Listing([{k: v for k, v in one.items() if k != "TaskGroups"} for one in jobs], index, stubs, index)

    async def job(self, job_id: str) -> Json | None:
        await self.answer("job")
        return self.jobs.get(job_id)

    async def events(self, index: int = 0, topics: tuple[str, ...] = ()) -> AsyncGenerator[Json]:
        await self.answer("events")
        if not self.has_stream:
            raise RemoteError("Permission denied", status=403)
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self.streams.append(queue)
        try:
            yield {}
            while (batch := await queue.get()) is not None:
                yield batch
        finally:
            self.streams.remove(queue)


class FollowedConsul(_Server):
    """Checks and entries by service and instance."""

    def __init__(self) -> None:
        super().__init__("Consul")
        self.index = 10
        self.entries: dict[str, dict[str, Json]] = {}
        self.is_blind = False
        self.held: list[int] = []
        self.at_once = self.most_at_once = 0
        self._changed = asyncio.Event()

    def put(self, service: str, instance: str, status: str = "passing") -> None:
        named = {"ID": instance, "Address": "10.0.0.1", "Port": 20_000, "Tags": ["outrider"], "Service": service}
        check = {
            "Node": "n1",
            "Status": status,
            "ServiceID": instance,
            "ServiceName": service,
            "ServiceTags": ["outrider"],
        }
        known = self.entries.setdefault(service, {})
        created = known[instance]["Checks"][0]["CreateIndex"] if instance in known else self.index
        known[instance] = {"Node": {"Node": "n1"}, "Service": named, "Checks": [check | {"CreateIndex": created}]}
        self.wake(self.index + 1)

    def wake(self, index: int) -> None:
        """Something has changed; an index may go back, too."""
        self.index = index
        self._changed.set()
        self._changed = asyncio.Event()

    async def checks(self, index: int = 0, wait_s: float = 0) -> tuple[list[Json] | None, int]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._checks(index, wait_s)
        finally:
            self.at_once -= 1

    async def _checks(self, index: int, wait_s: float) -> tuple[list[Json] | None, int]:
        await self.answer("checks")
        self.held.append(index)
        if index and index == self.index:
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                pass
            await self.answer("held")
        if self.is_blind:
            return [], self.index
        node = {"Node": "n1", "Status": "passing", "ServiceID": "", "CreateIndex": 1}
        rows = [check for some in self.entries.values() for one in some.values() for check in one["Checks"]]
        return (None if index == self.index else [node, *rows]), self.index

    async def health(self, service: str, index: int = 0, wait_s: float = 0) -> tuple[list[Json], int]:
        await self.answer("health")
        return list(self.entries.get(service, {}).values()), self.index
