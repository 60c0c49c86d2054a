"""What a Nomad remembers of who did what to a job, and when: what drift with its author is made of."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from outrider_harness.nomad_calls import NomadCalls, job, task

from outrider.clients.nomad import NomadClient, nomad_client
from outrider.nomad.read.job_steps import ends, messages, steps, triggers
from outrider.server_settings import NomadSettings

Document = dict[str, Any]


def versioned(name: str, version: str) -> Document:
    return job(name, task("app", Env={"VERSION": version}))


@asynccontextmanager
async def client(calls: NomadCalls) -> AsyncGenerator[NomadClient]:
    made = nomad_client(str(calls.nomad.base_url), NomadSettings())
    try:
        yield made
    finally:
        await made.close()


class TestWhatOthersDid:
    """Scales, reverts, stops and purges by somebody else."""

    async def test_a_scale_keeps_its_counts_and_its_message(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("scaled-out", "1"))
        async with client(calls) as nomad:
            answer = await nomad.scale("scaled-out", "scaled-out", 2, "by hand")
            found = steps(await nomad.compared_versions("scaled-out"))
            assert (found[0].before.asked if found[0].before else None, found[0].now.asked) == (1, 2)
            assert found[0].places == ()
            ((at, count, said),) = messages(await nomad.scaling("scaled-out"))
            assert (count, said) == (2, "by hand")
            assert abs((at - found[0].at).total_seconds()) < 1
            assert triggers(await nomad.evaluations("scaled-out"))[answer["JobModifyIndex"]] == "job-scaling"

    async def test_a_revert_is_a_registration_that_differs_where_the_versions_do(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("reverted-to", "1"))
        await calls.healthy(versioned("reverted-to", "2"))
        async with client(calls) as nomad:
            await nomad.revert("reverted-to", 0)
            newest, second, _ = steps(await nomad.compared_versions("reverted-to"))
            assert newest.places == second.places == ("reverted-to.app.Env[VERSION]",)
            assert triggers(await nomad.evaluations("reverted-to"))[newest.now.index] == "job-register"
            assert newest.token == ""

    async def test_a_stop_is_a_version_of_its_own(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("halted", "1"))
        async with client(calls) as nomad:
            await nomad.deregister("halted")
            newest, *_ = steps(await nomad.compared_versions("halted"))
            assert newest.now.is_stopped
            assert newest.places == ()
            assert triggers(await nomad.evaluations("halted"))[newest.now.index] == "job-deregister"

    async def test_after_a_purge_the_evaluation_of_the_end_is_left(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("purged-away", "1"))
        async with client(calls) as nomad:
            await nomad.deregister("purged-away", purge=True)
            assert await nomad.compared_versions("purged-away") == {}
            assert await nomad.scaling("purged-away") is None
            assert len(ends(await nomad.evaluations("purged-away"), "job-deregister")) == 1

    async def test_a_stopped_allocation_leaves_an_evaluation_and_the_jobs_index(self, calls: NomadCalls) -> None:
        await calls.healthy(versioned("stopped-one", "1"))
        (one,) = await calls.allocations("stopped-one")
        async with client(calls) as nomad:
            before = await nomad.job("stopped-one")
            await nomad.stop_allocation(one["ID"])
            after = await nomad.job("stopped-one")
            assert before is not None
            assert after is not None
            assert before["JobModifyIndex"] == after["JobModifyIndex"]
            assert len(ends(await nomad.evaluations("stopped-one"), "alloc-stop")) == 1

    async def test_without_acls_no_token_has_a_name(self, calls: NomadCalls) -> None:
        async with client(calls) as nomad:
            assert await nomad.token_name("2bd45d27-0664-4ee9-6c18-cc0520352cca") is None
