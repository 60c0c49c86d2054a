"""What the scheduler knows: jobs, evaluations, deployments and allocations as Nomad's documents, one index for all.

Documents are never changed in place: a commit stores new ones under the next index and tells who waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from outrider_embedded.scheduler.allocation import is_terminal
from outrider_embedded.scheduler.deployment import ACTIVE
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.job_table import JobTable

TRACKED_VERSIONS = 6
"""Nomad's default ``job_tracked_versions``."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One step of the state: documents to store under one index; ``kind`` is the type of its events."""

    kind: str
    jobs: tuple[Document, ...] = ()
    evaluations: tuple[Document, ...] = ()
    deployments: tuple[Document, ...] = ()
    allocations: tuple[Document, ...] = ()
    purged: tuple[str, ...] = ()
    index: int = 0


def _nobody(variables: dict[str, Document]) -> None:
    """Nobody keeps them."""
    del variables


@dataclass(slots=True)
class State:
    """The tables, by ID; ``versions`` holds a job's last six, newest first.

    ``on_variables`` is told of all variables whenever one has changed.
    """

    jobs: dict[str, Document] = field(default_factory=dict[str, Document])
    versions: dict[str, list[Document]] = field(default_factory=dict[str, list[Document]])
    evaluations: JobTable = field(default_factory=JobTable)
    deployments: JobTable = field(default_factory=JobTable)
    allocations: JobTable = field(default_factory=JobTable)
    scalings: dict[str, Document] = field(default_factory=dict[str, Document])
    variables: dict[str, Document] = field(default_factory=dict[str, Document])
    index: int = 10
    indexes: dict[str, int] = field(default_factory=dict[str, int])
    listeners: list[Callable[[Commit], None]] = field(default_factory=list[Callable[[Commit], None]])
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    is_closed: bool = False
    has_vault: bool = False
    on_variables: Callable[[dict[str, Document]], None] = _nobody

    def commit(self, commit: Commit) -> Commit:
        """Store the commit's documents under the next index; returns the commit as stored."""
        self.index += 1
        stored = Commit(
            kind=commit.kind,
            evaluations=tuple(self._stored(self.evaluations, "evaluations", one) for one in commit.evaluations),
            deployments=tuple(self._stored(self.deployments, "deployments", one) for one in commit.deployments),
            allocations=tuple(self._stored_allocation(one, commit.kind) for one in commit.allocations),
            jobs=tuple(self._stored_job(job) for job in self._jobs_of(commit)),
            purged=commit.purged,
            index=self.index,
        )
        for job in commit.purged:
            self._purge(job)
        for listener in self.listeners:
            listener(stored)
        self._wake()
        return stored

    def close(self) -> None:
        """Let every held request answer with what there is."""
        self.is_closed = True
        self._wake()

    async def wait(self, index_now: Callable[[], int], index: int, seconds: float) -> None:
        """Return when ``index_now()`` is past ``index``, when the time is over, or when the state is closed."""
        deadline = time.monotonic() + seconds
        while index_now() <= index and not self.is_closed:
            changed, left = self.changed, deadline - time.monotonic()
            if left <= 0:
                return
            try:
                async with asyncio.timeout(left):
                    await changed.wait()
            except TimeoutError:
                return

    def table_index(self, *tables: str) -> int:
        """The index of the last change to any of the tables."""
        return max(self.indexes.get(table, 1) for table in tables)

    def job_allocations(self, job: str) -> list[Document]:
        return self.allocations.of_job(job)

    def job_deployments(self, job: str) -> list[Document]:
        """The job's deployments, newest first."""
        return sorted(self.deployments.of_job(job), key=lambda deployment: deployment["CreateIndex"], reverse=True)

    def job_evaluations(self, job: str) -> list[Document]:
        return self.evaluations.of_job(job)

    def latest_deployment(self, job: str) -> Document | None:
        return next(iter(self.job_deployments(job)), None)

    def version(self, job: str, number: int) -> Document | None:
        return next((one for one in self.versions.get(job, []) if one["Version"] == number), None)

    def keep_variable(self, variable: Document) -> Document:
        """Store a variable under its path and the next index; returns it as stored."""
        self.index += 1
        before = self.variables.get(variable["Path"], {"CreateIndex": self.index, "CreateTime": variable["ModifyTime"]})
        created = {name: before[name] for name in ("CreateIndex", "CreateTime")}
        stored = {**variable, **created, "ModifyIndex": self.index}
        self.variables = {**self.variables, variable["Path"]: stored}
        self.on_variables(self.variables)
        self.indexes["variables"] = self.index
        self._wake()
        return stored

    def forget_variable(self, path: str) -> None:
        """Drop a variable; one that is not there is none the less gone."""
        self.index += 1
        self.variables = {name: one for name, one in self.variables.items() if name != path}
        self.on_variables(self.variables)
        self.indexes["variables"] = self.index
        self._wake()

    def _stored(self, table: MutableMapping[str, Document], name: str, document: Document) -> Document:
        created = document.get("CreateIndex") or self.index
        stored = {**document, "CreateIndex": created, "ModifyIndex": self.index}
        table[document["ID"]] = stored
        self.indexes[name] = self.index
        return stored

    def _stored_allocation(self, allocation: Document, kind: str) -> Document:
        """``AllocModifyIndex`` moves only where the scheduler, not the client, has changed something."""
        if kind != "AllocationUpdated":
            allocation = {**allocation, "AllocModifyIndex": self.index}
        return self._stored(self.allocations, "allocations", allocation)

    def _jobs_of(self, commit: Commit) -> list[Document]:
        """The commit's own jobs, and those whose status follows from its other documents."""
        own = {job["ID"]: job for job in commit.jobs}
        touched = {one["JobID"] for one in (*commit.allocations, *commit.evaluations, *commit.deployments)}
        known = {name: self.jobs[name] for name in touched if name in self.jobs}
        jobs = [{**job, "Status": self._status(job)} for job in {**known, **own}.values()]
        return [job for job in jobs if job["ID"] in own or job["Status"] != self.jobs[job["ID"]]["Status"]]

    def _status(self, job: Document) -> str:
        """``running`` while a deployment or an allocation lives, ``pending`` while one may come, else ``dead``."""
        deploys = any(one["Status"] in ACTIVE for one in self.job_deployments(job["ID"]))
        if deploys or any(not is_terminal(one) for one in self.job_allocations(job["ID"])):
            return "running"
        evaluations = self.job_evaluations(job["ID"])
        if any(one["Status"] in {"pending", "blocked"} for one in evaluations):
            return "pending"
        return "dead" if evaluations or job["Stop"] else "pending"

    def _stored_job(self, job: Document) -> Document:
        modified = job.get("JobModifyIndex") or self.index
        stored = self._stored(self.jobs, "jobs", {**job, "JobModifyIndex": modified})
        others = [one for one in self.versions.get(job["ID"], []) if one["Version"] != job["Version"]]
        self.versions[job["ID"]] = sorted([stored, *others], key=lambda one: -one["Version"])[:TRACKED_VERSIONS]
        return stored

    def forget(self, job: str) -> None:
        """Drop what a job that was purged had; its processes may still be ending.

        Its evaluations stay, as in Nomad until they are collected: they tell when it went.
        """
        for table in (self.deployments, self.allocations):
            for one in table.of_job(job):
                del table[one["ID"]]

    def _purge(self, job: str) -> None:
        self.jobs.pop(job, None)
        self.versions.pop(job, None)
        self.scalings.pop(job, None)
        self.indexes["jobs"] = self.index

    def _wake(self) -> None:
        waiting, self.changed = self.changed, asyncio.Event()
        waiting.set()
