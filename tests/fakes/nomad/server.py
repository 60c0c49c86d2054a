"""The server of the Nomad in memory: the one-machine cluster's own parts, over a client that runs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

from fakes.nomad.fates import Fates, Outcome
from outrider_embedded.scheduler.client import Client
from outrider_embedded.scheduler.consul import ConsulAgent
from outrider_embedded.scheduler.deployment import Step
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.evaluator import Evaluator
from outrider_embedded.scheduler.events import EventBuffer
from outrider_embedded.scheduler.node import node_document
from outrider_embedded.scheduler.planning import Ground, fits
from outrider_embedded.scheduler.ports import PortBook
from outrider_embedded.scheduler.server import Scheduler
from outrider_embedded.scheduler.state import State
from outrider_embedded.scheduler.watcher import DeploymentWatcher
from outrider_embedded.scheduler.world import World

ADDRESS = "127.0.0.1:4646"
PORTS = (21000, 22000)
NODE = "node-1"
CONSUL = {"Datacenter": "dc1", "Server": True, "Version": "1.8.7", "NodeName": NODE}


class HastyEvaluator(Evaluator):
    """Waits for nothing unless told to: what is due later is due now. Sees no memory where a job shall find no room."""

    def __init__(self, state: State, node: Document, book: PortBook, outcome: Callable[[Document], Outcome]) -> None:
        super().__init__(state, node, book)
        self._outcome = outcome
        self.is_hasty = True
        self._ahead = 0

    def world(self, job: str, evaluation: str = "", candidate: Document | None = None) -> World | None:
        found = super().world(job, evaluation, candidate)
        if found is None:
            return None
        return replace(found, fits=fits(found.job, self._seen(found.job)), now=found.now + self._ahead)

    def ground(self, job: Document, evaluation: Document) -> Ground:
        return replace(super().ground(job, evaluation), node=self._seen(job))

    def _look_again(self, allocation: Document, due: int) -> None:
        """Let the clock go forward to when a failed allocation is replaced."""
        now = time.time_ns()
        if self.is_hasty:
            self._ahead = max(self._ahead, due - now)
        super()._look_again(allocation, now if self.is_hasty else due)

    def _seen(self, job: Document) -> Document:
        if self._outcome(job) != "no room":
            return self._node
        return {**self._node, "NodeResources": {**self._node["NodeResources"], "Memory": {"MemoryMB": 0}}}


class ForgetfulWatcher(DeploymentWatcher):
    """Forgets to promote canaries by itself where it is told to."""

    forgets_promotion = False

    def _act(self, deployment: Document, step: Step) -> None:
        if not (step.promote and self.forgets_promotion):
            super()._act(deployment, step)


class Server:
    """One Nomad: its state, what decides, and what is told to happen."""

    def __init__(self, outcome: Callable[[Document], Outcome]) -> None:
        self.state, book = State(), PortBook(*PORTS, is_free=lambda _: True)
        self.node = node_document(NODE, ADDRESS, PORTS, {"Config": CONSUL})
        self.fates = Fates(self.state, book, outcome)
        self.events = EventBuffer(self.state)
        self.evaluator = HastyEvaluator(self.state, self.node, book, outcome)
        self.watcher = ForgetfulWatcher(self.state)
        self.consul = ConsulAgent("http://127.0.0.1:8500")

    @property
    def scheduler(self) -> Scheduler:
        """What the API speaks to."""
        client = cast("Client", self.fates)
        nowhere = Path("/nonexistent")
        return Scheduler(self.state, self.node, self.consul, self.evaluator, client, self.events, nowhere)

    async def close(self) -> None:
        self.state.close()
        self.evaluator.close()
        self.watcher.close()
        await self.consul.close()
