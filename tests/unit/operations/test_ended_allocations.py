"""What allocations that no longer run have written, as long as Nomad has it."""

from __future__ import annotations

import pytest
from fakes.world import ADA, World, finished, text
from outrider_ground.errors import RemoteError, UsageError

from outrider.operations.application import Application
from outrider.operations.look.logs import LogRequest
from outrider.operations.opening import Order

ME = Order(ADA)


async def read(application: Application, request: LogRequest) -> bytes:
    return b"".join([chunk async for chunk in await application.logs(ADA, "stage", "checkout", request)])


async def crashed(world: World, application: Application) -> str:
    """The id of an allocation that has failed; another one runs."""
    await finished(application, await application.changes.deploy("stage", text("count: 2\n"), ME))
    first = world.nomad.running("checkout")[0].id
    await world.nomad.crash(first)
    return first


async def test_the_output_of_the_last_failed_one_is_read_by_one_word(world: World, application: Application) -> None:
    await crashed(world, application)
    assert await read(application, LogRequest(ended="failed")) == b"one\ntwo\nthree\n"
    assert await read(application, LogRequest(ended="previous")) == b"one\ntwo\nthree\n"


async def test_a_dead_one_is_read_by_its_id(world: World, application: Application) -> None:
    gone = await crashed(world, application)
    assert await read(application, LogRequest(allocation=gone[:8])) == b"one\ntwo\nthree\n"


async def test_those_that_ended_are_listed_with_node_and_reason(world: World, application: Application) -> None:
    gone = await crashed(world, application)
    (found,) = await application.ended_allocations(ADA, "stage", "checkout")
    assert (found.id, found.status, found.node) == (gone, "failed", "node-1")
    assert any("Exit Code" in task.reason for task in found.tasks if task.failed)


async def test_where_none_has_failed_it_says_so(application: Application) -> None:
    await finished(application, await application.changes.deploy("stage", text(), ME))
    with pytest.raises(UsageError, match="no allocation of checkout that failed"):
        await read(application, LogRequest(ended="failed"))
    with pytest.raises(UsageError, match="no allocation of checkout that has ended"):
        await read(application, LogRequest(ended="previous"))


async def test_what_nomad_has_collected_is_told_in_words(world: World, application: Application) -> None:
    gone = await crashed(world, application)

    chunks = await application.logs(ADA, "stage", "checkout", LogRequest(allocation=gone))
    world.nomad.away = RemoteError('Nomad answers 404: Unknown allocation "x"', status=404)
    with pytest.raises(UsageError, match="Nomad has collected it"):
        [chunk async for chunk in chunks]


async def test_an_allocation_that_nomad_has_forgotten_is_not_found_in_words(
    world: World, application: Application
) -> None:
    gone = await crashed(world, application)
    del world.nomad.server.state.allocations[gone]
    with pytest.raises(UsageError, match="Nomad forgets those that ended"):
        await read(application, LogRequest(allocation=gone))
