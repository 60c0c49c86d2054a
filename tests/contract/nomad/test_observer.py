"""What an observer keeps by events and one held query is what both servers list, through all that can happen to a job."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from outrider_harness.nomad_calls import SECOND, NomadCalls, job, ports, script, service, task, update

from outrider.clients.consul import ConsulClient, consul_client
from outrider.clients.nomad import NomadClient, nomad_client
from outrider.consul.instances import Instance
from outrider.nomad.read.allocations import Allocation
from outrider.nomad.read.events import TOPICS
from outrider.nomad.read.summary import JobSummary
from outrider.operations.observe.listing import listed, read, standing_now
from outrider.operations.observe.observation import Observation
from outrider.operations.observe.observer import Observer
from outrider.operations.observe.pace import Pace
from outrider.operations.observe.registrations import Registrations
from outrider.server_settings import ConsulSettings, NomadSettings
from outrider.topology import names

DEADLINE_S = 60.0
# Nothing but events and the held query may bring what is new.
PATIENT = Pace(relist=3600.0, held=60.0, pulse=60.0, event=20.0)
WEB = "while true; do sleep 0.1; done"
Document = dict[str, Any]
Seen = tuple[JobSummary | None, tuple[Allocation, ...], tuple[Instance, ...]]


class Stage:
    """Both clients, and the observer over them."""

    def __init__(self, calls: NomadCalls, *known: str) -> None:
        self.calls = calls
        self.nomad: NomadClient = nomad_client(str(calls.nomad.base_url), NomadSettings())
        self.consul: ConsulClient = consul_client(str(calls.consul.base_url), ConsulSettings())
        self.observer = Observer("stage", self.nomad, self.consul, self._names, PATIENT)
        self._known = known

    async def _names(self) -> tuple[str, ...]:
        return self._known

    async def agrees(self, name: str) -> Observation:
        """What is kept, once it is what both servers list of the job."""
        asked = kept = None
        try:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    asked, observation = await self._asked(name), await self.observer.seen()
                    kept = (observation.job(name), observation.allocations(name), observation.instances(name))
                    if asked == kept:
                        return observation
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"kept and listed never agreed:\n{kept}\n{asked}") from None

    async def _asked(self, name: str) -> Seen:
        fresh = await listed(self.nomad, self._known)
        there = await read(self.consul, Registrations(await standing_now(self.consul)), {name})
        return fresh.jobs.get(name), fresh.of(name), there.instances(name)


@asynccontextmanager
async def stage(calls: NomadCalls, *known: str) -> AsyncGenerator[Stage]:
    made = Stage(calls, *known)
    made.observer.start()
    try:
        yield made
    finally:
        await made.observer.close()
        await made.nomad.close()
        await made.consul.close()


def ours(name: str, count: int = 1, *tasks: Document, **group: Any) -> Document:
    """A job as we make them, as far as an observer looks at it: meta, a service with a check, a count."""
    checked = service(
        name,
        Tags=[names.TAG],
        CanaryTags=[names.TAG, names.CANARY_TAG],
        Meta={names.META_CANARY: "false"},
        CanaryMeta={names.META_CANARY: "true"},
        Checks=[{"Type": "script", "Command": "/bin/true", "Interval": SECOND, "Timeout": SECOND, "TaskName": "app"}],
    )
    made = job(
        name, *(tasks or (script("app", WEB),)), Count=count, Networks=ports("http"), Services=[checked], **group
    )
    return made | {"Meta": {names.JOB_META_ENVIRONMENT: "stage", names.JOB_META_VERSION: "a1"}}


def changed(document: Document, **more: str) -> Document:
    """The job with another task, so that its allocations are replaced."""
    (group,) = document["TaskGroups"]
    tasks = [one | {"Env": more} for one in group["Tasks"]]
    return document | {"TaskGroups": [group | {"Tasks": tasks}]}


async def test_through_registration_update_scale_and_stop_what_is_kept_is_what_is_listed(calls: NomadCalls) -> None:
    name = unlike_others("kept-rolling")
    async with stage(calls) as on:
        first = await on.observer.seen()
        assert first.job(name) is None
        assert first.problem is None
        await calls.healthy(ours(name, 2))
        observation = await on.agrees(name)
        assert [one.status for one in observation.instances(name)] == ["passing", "passing"]
        await calls.healthy(changed(ours(name, 2), A="1"))
        observation = await on.agrees(name)
        assert {one.job_version for one in observation.allocations(name) if one.is_live} == {1}
        await calls.post(f"/v1/job/{name}/scale", {"Count": 1, "Target": {"Group": name}})
        observation = await on.agrees(name)
        assert (observation.job(name) or missing()).now.count == 1
        assert len(observation.instances(name)) == 1
        (await calls.nomad.delete(f"/v1/job/{name}")).raise_for_status()
        observation = await on.agrees(name)
        assert (observation.job(name) or missing()).now.is_stopped
        await calls.until_services(name, lambda found: not found)
        await calls.until(
            f"/v1/job/{name}/allocations", lambda found: all(one["ClientStatus"] == "complete" for one in found)
        )
        observation = await on.agrees(name)
        assert (observation.allocations(name), observation.instances(name)) == ((), ())


async def test_a_purged_job_is_gone_with_its_allocations(calls: NomadCalls) -> None:
    name = unlike_others("kept-purged")
    async with stage(calls, name) as on:
        await calls.healthy(ours(name))
        (await calls.nomad.delete(f"/v1/job/{name}", params={"purge": "true"})).raise_for_status()
        async with asyncio.timeout(DEADLINE_S):
            while (await on.observer.seen()).job(name):  # noqa: ASYNC110  what is waited for happens in another process
                await asyncio.sleep(0.1)
        observation = await on.agrees(name)
        assert (observation.job(name), observation.allocations(name)) == (None, ())


async def test_a_canary_is_one_until_it_is_promoted(calls: NomadCalls) -> None:
    name = unlike_others("kept-canary")
    async with stage(calls) as on:
        document = ours(name, 1, Update=update(Canary=1))
        await calls.healthy(document)
        await calls.register(changed(document, A="1"))
        deployment = await calls.until(f"/v1/job/{name}/deployment", lambda found: found["JobVersion"] == 1)
        await calls.until(
            f"/v1/job/{name}/allocations",
            lambda found: any(
                ((one["DeploymentStatus"] or {}).get("Healthy") and one["JobVersion"] == 1) for one in found
            ),
        )
        observation = await on.agrees(name)
        assert sorted(one.canary for one in observation.allocations(name)) == [False, True]
        assert sorted(one.canary for one in observation.instances(name)) == [False, True]
        await calls.post(f"/v1/deployment/promote/{deployment['ID']}", {"DeploymentID": deployment["ID"], "All": True})
        await calls.deployed(name)
        await calls.until_services(name, lambda found: len(found) == 1)
        observation = await on.agrees(name)
        assert [one.canary for one in observation.allocations(name) if one.is_live] == [False]
        assert [one.canary for one in observation.instances(name)] == [False]


async def test_what_a_waiting_task_lacks_is_kept_in_the_words_of_its_template(calls: NomadCalls) -> None:
    """The template is in the job's document, which nobody keeps."""
    name = unlike_others("kept-waiting")
    template = {"EmbeddedTmpl": 'LIMIT={{ key "kept/limit" }}\n', "DestPath": "local/env", "Envvars": True}
    async with stage(calls) as on:
        await calls.register(ours(name, 1, script("app", WEB, Templates=[template])))
        async with asyncio.timeout(DEADLINE_S):
            while not (  # noqa: ASYNC110  what is waited for happens in another process
                unread := [
                    task.unread
                    for one in (await on.observer.seen()).allocations(name)
                    for task in one.tasks
                    if task.unread
                ]
            ):
                await asyncio.sleep(0.1)
        assert unread == ["waits for Consul key kept/limit (for LIMIT)"]
        await on.agrees(name)


async def test_jobs_of_others_are_kept_only_under_the_names_of_services(calls: NomadCalls) -> None:
    named, others = unlike_others("kept-named"), unlike_others("kept-others")
    async with stage(calls, named) as on:
        await calls.healthy(job(named, task("app")))
        await calls.healthy(job(others, task("app")))
        observation = await on.agrees(named)
        assert (observation.job(named) or missing()).environment is None
        assert len(observation.allocations(named)) == 1
        assert (observation.job(others), observation.allocations(others)) == (None, ())


async def test_whoever_has_changed_a_job_sees_the_change(calls: NomadCalls) -> None:
    name = unlike_others("kept-written")
    async with stage(calls) as on:
        await on.observer.seen()
        for count in (1, 2, 3):
            answer = await calls.register(ours(name, count))
            observation = await on.observer.seen(at_least=answer["JobModifyIndex"])
            assert (observation.job(name) or missing()).now.count == count


async def test_where_no_event_tells_of_a_change_nomad_is_listed(calls: NomadCalls) -> None:
    name = unlike_others("kept-unheard")
    async with stage(calls) as on:
        await on.observer.seen()
        on.observer = Observer("stage", on.nomad, on.consul, on._names, replace(PATIENT, event=0.0))
        on.observer.start()
        answer = await calls.register(ours(name))
        observation = await on.observer.seen(at_least=answer["JobModifyIndex"])
        assert (observation.job(name) or missing()).now.count == 1


async def test_the_stream_begins_with_a_sign_of_life_and_tells_the_topics_that_are_asked_for(calls: NomadCalls) -> None:
    name = unlike_others("kept-topics")
    nomad = nomad_client(str(calls.nomad.base_url), NomadSettings())
    told: list[str] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            stream = nomad.events(topics=TOPICS)
            assert await anext(stream) == {}
            await calls.register(ours(name))
            async for batch in stream:
                told += [event["Topic"] for event in batch.get("Events", ()) if f'"{name}"' in json.dumps(event)]
                if "Allocation" in told:
                    break
            await stream.aclose()
    finally:
        await nomad.close()
    assert {"Job", "Allocation"} <= set(told) <= {"Job", "Allocation", "Evaluation"}


@pytest.mark.parametrize("question", ["first", "again"])
async def test_all_checks_are_one_held_question(calls: NomadCalls, question: str) -> None:
    consul = consul_client(str(calls.consul.base_url), ConsulSettings())
    try:
        rows, index = await consul.checks()
        assert index > 0
        assert rows is not None
        if question == "again":
            # A real one runs tasks of other tests, whose checks may change meanwhile.
            async with asyncio.timeout(DEADLINE_S):
                while rows is not None:
                    rows, index = await consul.checks(index, 0.2)
        else:
            held = asyncio.create_task(consul.checks(index, 30))
            register = {"Name": "kept-held", "Port": 1, "Check": {"TTL": "1h"}}
            (await calls.consul.put("/v1/agent/service/register", json=register)).raise_for_status()
            found, _ = await asyncio.wait_for(held, 20)
            assert "kept-held" in [row["ServiceName"] for row in found or ()]
            await calls.consul.put("/v1/agent/service/deregister/kept-held")
    finally:
        await consul.close()


def unlike_others(name: str) -> str:
    """A real server is that of many tests, and of their second tries."""
    return f"{name}-{os.urandom(3).hex()}"


def missing() -> JobSummary:
    raise AssertionError("there is no such job")
