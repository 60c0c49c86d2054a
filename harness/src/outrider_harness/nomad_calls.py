"""Calls to a Nomad and its Consul as the contract's tests make them, and small jobs for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

SECOND = 1_000_000_000
DEADLINE_S = 60.0
FOREVER = ("/bin/sh", "-c", "while true; do sleep 0.1; done")

Document = dict[str, Any]


def task(name: str, *command: str, **more: Any) -> Document:
    """A raw_exec task; without a command it runs for ever."""
    program, *arguments = command or FOREVER
    return {
        "Name": name,
        "Driver": "raw_exec",
        "Config": {"command": program, "args": arguments},
        "Resources": {"CPU": 20, "MemoryMB": 32},
        "KillTimeout": 2 * SECOND,
        "KillSignal": "SIGTERM",
        **more,
    }


def script(name: str, text: str, **more: Any) -> Document:
    """A task that is a piece of shell."""
    return task(name, "/bin/sh", "-c", text, **more)


def update(**more: Any) -> Document:
    return {
        "MaxParallel": 1,
        "MinHealthyTime": SECOND // 5,
        "HealthyDeadline": 20 * SECOND,
        "ProgressDeadline": 30 * SECOND,
        "HealthCheck": "checks",
        **more,
    }


def job(name: str, *tasks: Document, **group: Any) -> Document:
    """A job with one group; ``group`` replaces the group's fields."""
    fields = {
        "Name": name,
        "Count": 1,
        "Tasks": list(tasks or (task("app"),)),
        "RestartPolicy": {"Attempts": 0, "Mode": "fail", "Interval": 60 * SECOND, "Delay": SECOND // 10},
        "ReschedulePolicy": {"Attempts": 0, "Unlimited": False},
        "Update": update(),
        **group,
    }
    return {"ID": name, "Name": name, "Type": "service", "Datacenters": ["*"], "TaskGroups": [fields]}


def service(name: str, label: str = "http", **more: Any) -> Document:
    return {"Name": name, "PortLabel": label, "Provider": "consul", **more}


def ports(*labels: str) -> list[Document]:
    """A group's network with dynamic ports."""
    return [{"Mode": "host", "DynamicPorts": [{"Label": label} for label in labels]}]


@dataclass(frozen=True, slots=True)
class NomadCalls:
    """One server under test with the Consul beside it."""

    nomad: httpx2.AsyncClient
    consul: httpx2.AsyncClient

    async def get(self, path: str, /, **query: Any) -> Any:
        return (await self.nomad.get(path, params=query)).raise_for_status().json()

    async def post(self, path: str, body: Any = None) -> Any:
        return (await self.nomad.post(path, json=body or {})).raise_for_status().json()

    async def register(self, document: Document, **more: Any) -> Document:
        return await self.post("/v1/jobs", {"Job": document, **more})

    async def healthy(self, document: Document) -> Document:
        """Register the job and wait until its deployment is successful; returns the deployment."""
        await self.register(document)
        return await self.deployed(document["ID"])

    async def deployed(self, name: str, status: str = "successful") -> Document:
        """The deployment of the job's present version, once it has the status."""
        version = (await self.get(f"/v1/job/{name}"))["Version"]

        def is_there(found: Document | None) -> bool:
            return found is not None and found["JobVersion"] == version and found["Status"] == status

        return await self.until(f"/v1/job/{name}/deployment", is_there)

    async def until(self, path: str, is_there: Callable[[Any], Any], /, **query: Any) -> Any:
        """The answer to a read, once it is as wanted."""
        found: Any = None
        try:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    if is_there(found := await self.get(path, **query)):
                        return found
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{path} never became as wanted; last: {found}") from None

    async def allocations(self, name: str, *, is_live: bool = True) -> list[Document]:
        """The job's allocations, oldest first; only those that shall run, unless told otherwise."""
        found = await self.get(f"/v1/job/{name}/allocations")
        chosen = [one for one in found if not is_live or one["DesiredStatus"] == "run"]
        return sorted(chosen, key=lambda one: one["CreateIndex"])

    async def allocation(self, name: str) -> Document:
        """The only allocation that shall run, in full."""
        (found,) = await self.allocations(name)
        return await self.get(f"/v1/allocation/{found['ID']}")

    async def running(self, name: str, wanted: str = "app") -> Document:
        """The allocation once its task runs."""
        await self.until(
            f"/v1/job/{name}/allocations",
            lambda found: any(((one["TaskStates"] or {}).get(wanted) or {}).get("State") == "running" for one in found),
        )
        return await self.allocation(name)

    async def ended(self, allocation: str) -> Document:
        """The allocation once all its tasks are dead."""

        def is_dead(found: Document) -> bool:
            states = found.get("TaskStates") or {}
            return found["ClientStatus"] in {"complete", "failed"} and all(
                state["State"] == "dead" for state in states.values()
            )

        return await self.until(f"/v1/allocation/{allocation}", is_dead)

    async def vanished(self, allocation: str) -> None:
        """Wait until a purged job's allocation is forgotten, or known to have ended."""
        async with asyncio.timeout(DEADLINE_S):
            while (answer := await self.nomad.get(f"/v1/allocation/{allocation}")).status_code != 404:
                if answer.json()["ClientStatus"] in {"complete", "failed"}:
                    return
                await asyncio.sleep(0.1)

    async def file(self, allocation: str, path: str) -> str:
        answer = await self.nomad.get(f"/v1/client/fs/cat/{allocation}", params={"path": path})
        return answer.raise_for_status().text

    async def written(self, allocation: str, path: str) -> str:
        """A file's text once there is one; a read of a missing file answers 200 with a complaint."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                entry = await self.nomad.get(f"/v1/client/fs/stat/{allocation}", params={"path": path})
                if entry.is_success and entry.json()["Size"]:
                    return await self.file(allocation, path)
                await asyncio.sleep(0.05)

    async def services(self, name: str) -> list[Document]:
        """The service's instances as Consul lists them, with their checks."""
        return (await self.consul.get(f"/v1/health/service/{name}")).raise_for_status().json()

    async def until_services(self, name: str, is_there: Callable[[list[Document]], Any]) -> list[Document]:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                if is_there(found := await self.services(name)):
                    return found
                await asyncio.sleep(0.02)

    async def put_key(self, key: str, value: str) -> None:
        (await self.consul.put(f"/v1/kv/{key}", content=value.encode())).raise_for_status()


def events(allocation: Document, name: str) -> list[str]:
    """The types of a task's events."""
    return [event["Type"] for event in allocation["TaskStates"][name]["Events"]]
