"""The tasks of one allocation together: which may start, why all of them end, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from outrider_embedded.scheduler import lifecycle, task_events
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.task import Task


class AllocationTasks:
    """Tasks by name, with their documents in the job's order; there are none before they are made."""

    def __init__(self, documents: list[Document]) -> None:
        self.by_name: dict[str, Task] = {}
        self._documents = documents

    def make(self, task: Callable[[Document], Task]) -> None:
        self.by_name = {document["Name"]: task(document) for document in self._documents}

    @property
    def states(self) -> dict[str, Document]:
        return {name: task.status.state for name, task in self.by_name.items()}

    @property
    def are_running(self) -> bool:
        """Whether any process is."""
        return any(task.process.is_running for task in self.by_name.values())

    async def run(self) -> list[BaseException]:
        """All lives; what went wrong in the scheduler itself meanwhile."""
        lives = [task.run() for task in self.by_name.values() if not task.status.is_dead]
        ends = await asyncio.gather(*lives, return_exceptions=True)
        return [one for one in ends if isinstance(one, BaseException)]

    def refuse(self, reason: str) -> None:
        """Something that all of them need cannot be set up."""
        for task in self.by_name.values():
            task.refuse(reason)

    def open_gates(self) -> None:
        """Let those live whose time has come."""
        for name in lifecycle.startable(self._documents, self.states):
            self.by_name[name].gate.set()

    def must_end(self) -> bool:
        """Whether there is a reason for all to end, which those that live are told."""
        event = self._reason_to_end()
        if event is None:
            return False
        for stage in self.stages:
            for task in self._living(stage):
                task.status.emit(event())
        return True

    async def restart(self, name: str, reason: str) -> None:
        """Restart one running task, or all of them when ``name`` is empty."""
        chosen = [task for task in self.by_name.values() if task.name == name or not name]
        await asyncio.gather(*(task.process.restart(reason) for task in chosen))

    @property
    def stages(self) -> list[list[Document]]:
        """Nomad's order, in which they end: leader, main tasks, sidecars."""
        return lifecycle.stop_order(self._documents)

    async def end(self, stage: list[Document], *, with_note: bool) -> None:
        """End those of one stage; sidecars note that what they served is dead."""
        living = self._living(stage)
        if lifecycle.is_sidecar(stage[0]) and with_note:
            self._note_main_dead(living)
        await asyncio.gather(*(self._end(task) for task in living))

    def _reason_to_end(self) -> Callable[[], Document] | None:
        """The event that says why all end; None while they need not."""
        states = self.states
        failed = lifecycle.failed_task(self._documents, states)
        if failed:
            return lambda: task_events.sibling_failed(failed)
        if not lifecycle.has_main_ended(self._documents, states):
            return None
        has_leader_ended = lifecycle.has_leader_ended(self._documents, states)
        return task_events.leader_dead if has_leader_ended else task_events.main_dead

    def _living(self, stage: list[Document]) -> list[Task]:
        tasks = [self.by_name[document["Name"]] for document in stage]
        return [task for task in tasks if not task.status.is_dead]

    def _note_main_dead(self, tasks: list[Task]) -> None:
        for task in tasks:
            kinds = {event["Type"] for event in task.status.state["Events"]}
            if not kinds & {"Main Tasks Dead", "Sibling Task Failed", "Leader Task Dead"}:
                task.status.emit(task_events.main_dead())

    async def _end(self, task: Task) -> None:
        await task.end()
        await task.status.dead.wait()
