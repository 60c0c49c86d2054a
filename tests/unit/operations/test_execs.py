"""Commands beside tasks: where they run, what is passed on, how a session ends, and what is kept of it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fakes.world import ADA, HURRY, KIM, World, finished, text
from outrider_ground.errors import ConflictError, OutriderError, RemoteError, UsageError
from sqlalchemy import text as sql

from outrider.operations.application import Application
from outrider.operations.exec_frames import InputFrame, input_frame
from outrider.operations.exec_records import Exec
from outrider.operations.exec_session import LAST_WORDS_S, ExecSession, HungUpError
from outrider.operations.execs import ExecWish
from outrider.operations.opening import Order

ME = Order(ADA)
LONG_S = 10.0


@dataclass
class Caller:
    """Whoever runs a command: what they say, and what they have heard."""

    said: asyncio.Queue[InputFrame | None] = field(default_factory=asyncio.Queue[InputFrame | None])
    heard: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def types(self, data: bytes) -> None:
        told = base64.b64encode(data).decode()
        self.said.put_nowait(InputFrame.model_validate({"stdin": {"data": told}}))

    def ends_input(self) -> None:
        self.said.put_nowait(InputFrame.model_validate({"stdin": {"close": True}}))

    def hangs_up(self) -> None:
        self.said.put_nowait(None)

    async def hear(self) -> InputFrame | None:
        return await self.said.get()

    async def say(self, frame: dict[str, Any]) -> None:
        self.heard.append(frame)

    def output(self, stream: str = "stdout") -> bytes:
        return b"".join(base64.b64decode((one.get(stream) or {}).get("data") or "") for one in self.heard)


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture
def application(world: World) -> Application:
    world.limits = replace(HURRY, session=0.02)
    return world.application()


async def deployed(application: Application, more: str = "mesh: false\nport: none\ncount: 2\n") -> None:
    await finished(application, await application.changes.deploy("stage", text(more), ME))


async def session(application: Application, *command: str, **more: Any) -> ExecSession:
    return await application.execs.session(ADA, "stage", "checkout", ExecWish(command or ("cat",), **more))


async def ran(application: Application, caller: Caller, *command: str, **more: Any) -> Exec:
    async with asyncio.timeout(LONG_S):
        return await (await session(application, *command, **more)).run(caller.hear, caller.say)


async def recorded(application: Application) -> tuple[Exec, ...]:
    return await application.execs.done(ADA, "stage", "checkout")


async def test_what_is_typed_reaches_the_command_and_what_it_says_comes_back(
    application: Application, caller: Caller
) -> None:
    await deployed(application)
    caller.types(b"hello")
    caller.ends_input()
    ended = await ran(application, caller, "cat")
    assert caller.output() == b"hello"
    assert caller.heard[0] == {"started": {"exec": ended.id, "allocation": ended.allocation, "task": "app"}}
    assert caller.heard[-1]["exited"] is True
    assert (ended.exit_code, ended.reason) == (0, "")


async def test_the_exit_code_and_both_outputs_come_apart(application: Application, caller: Caller) -> None:
    await deployed(application)
    assert (await ran(application, caller, "code", "7")).exit_code == 7
    assert (caller.output(), caller.output("stderr")) == (b"", b"so it ends\n")


async def test_every_command_is_kept_with_who_where_and_what_and_nothing_of_what_was_said(
    world: World, application: Application, caller: Caller
) -> None:
    await deployed(application)
    caller.types(b"a password")
    caller.ends_input()
    await ran(application, caller, "cat", "-n", has_terminal=True)
    await ran(application, Caller(), "code", "3")
    newest, oldest = await recorded(application)
    assert (oldest.by, oldest.command, oldest.task, oldest.has_terminal) == ("ada", ("cat", "-n"), "app", True)
    assert oldest.allocation in {one.id for one in world.nomad.running("checkout")}
    assert (oldest.exit_code, newest.exit_code) == (0, 3)
    assert oldest.ended_at is not None
    assert oldest.ended_at >= oldest.at
    assert "password" not in repr(await rows(world))
    assert base64.b64encode(b"a password").decode() not in repr(await rows(world))


async def rows(world: World) -> list[Any]:
    async with world.store.database.reading() as connection:
        return list(await connection.execute(sql("SELECT * FROM execs")))


async def test_a_command_is_kept_before_it_begins_and_does_not_begin_where_it_cannot_be(
    world: World, application: Application, caller: Caller
) -> None:
    await deployed(application)
    async with world.store.database.writing() as connection:
        await connection.execute(sql("DROP TABLE execs"))
    with pytest.raises(Exception, match="execs"):
        await ran(application, caller, "cat")
    assert world.nomad.commands == []


async def test_it_is_kept_while_it_runs(world: World, application: Application, caller: Caller) -> None:
    await deployed(application)
    running = asyncio.create_task(ran(application, caller, "hang"))
    await until(lambda: bool(world.nomad.commands))
    (one,) = await recorded(application)
    assert (one.ended_at, one.exit_code, one.reason) == (None, None, "")
    caller.hangs_up()
    with pytest.raises(HungUpError):
        await running


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not is_so():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


async def test_nothing_is_passed_on_before_nomad_could_refuse(
    world: World, application: Application, caller: Caller
) -> None:
    await deployed(application)
    for _ in range(3):
        caller.types(b"x")
    with pytest.raises(RemoteError, match="Nomad does not let the portal run commands") as found:
        await ran(application, caller, "forbidden")
    assert "alloc-exec" in (found.value.next_step or "")
    assert world.nomad.commands[0].heard == []


@pytest.mark.parametrize("has_begun", [True, False])
async def test_an_end_without_a_reason_points_at_the_rights_where_nothing_was_said_before(
    world: World, application: Application, caller: Caller, *, has_begun: bool
) -> None:
    await deployed(application)
    running = asyncio.create_task(ran(application, caller, "hang"))
    await until(lambda: bool(world.nomad.commands))
    if has_begun:
        world.nomad.commands[0].say("stdout", b"x")
    world.nomad.commands[0].end("the connection has ended")
    with pytest.raises(ConflictError, match="Nomad ended the session") as found:
        await running
    assert ("outrider doctor" in (found.value.next_step or "")) is not has_begun


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("hang up", "whoever ran it has hung up"),
        ("portal", "the portal was ended"),
        ("nomad", "Nomad ended the session"),
        ("missing", "there is no program nosuch"),
    ],
)
async def test_what_ends_without_an_exit_code_is_kept_with_the_reason(
    world: World, application: Application, caller: Caller, ending: str, reason: str
) -> None:
    await deployed(application)
    command = "nosuch" if ending == "missing" else "hang"
    running = asyncio.create_task(ran(application, caller, command))
    await until(lambda: bool(world.nomad.commands))
    match ending:
        case "hang up":
            caller.hangs_up()
        case "portal":
            running.cancel()
        case "nomad":
            world.nomad.commands[0].end("the connection has ended")
        case _:
            pass
    with pytest.raises((OutriderError, asyncio.CancelledError)):
        await running
    (one,) = await recorded(application)
    assert one.reason.startswith(reason)
    assert one.exit_code is None
    assert one.ended_at is not None


async def test_a_caller_who_cannot_be_told_anything_ends_it(
    world: World, application: Application, caller: Caller
) -> None:
    await deployed(application)
    made = await session(application, "cat")

    async def deaf(frame: Any) -> None:
        if "stdout" in frame:
            raise HungUpError("whoever ran it has hung up")

    caller.types(b"x")
    async with asyncio.timeout(LONG_S):
        with pytest.raises(HungUpError):
            await made.run(caller.hear, deaf)
    assert (await recorded(application))[0].reason == "whoever ran it has hung up"


async def test_a_session_ends_when_its_allocation_does(world: World, application: Application, caller: Caller) -> None:
    await deployed(application)
    running = asyncio.create_task(ran(application, caller, "hang"))
    await until(lambda: bool(world.nomad.commands))
    await world.nomad.stop_allocation((await recorded(application))[0].allocation)
    with pytest.raises(ConflictError, match="and the command with it"):
        await running


async def test_the_code_of_a_command_that_ends_with_its_allocation_is_still_told(
    world: World, application: Application, caller: Caller
) -> None:
    world.limits = replace(world.limits, session=0.0)
    application = world.application()
    await deployed(application)
    made = await session(application, "hang")
    await world.nomad.stop_allocation(made.made.allocation)
    running = asyncio.create_task(made.run(caller.hear, caller.say))
    await until(lambda: bool(world.nomad.commands))
    await asyncio.sleep(0.05)
    world.nomad.commands[0].exit(137)
    async with asyncio.timeout(LONG_S):
        assert (await running).exit_code == 137


async def test_an_allocation_that_cannot_be_asked_about_ends_nothing(
    world: World, application: Application, caller: Caller
) -> None:
    await deployed(application)
    running = asyncio.create_task(ran(application, caller, "hang"))
    await until(lambda: bool(world.nomad.commands))
    world.nomad.away = RemoteError("Nomad is away")
    await asyncio.sleep(LAST_WORDS_S + 0.5)
    assert not running.done()
    world.nomad.commands[0].exit(0)
    assert (await running).exit_code == 0


async def test_a_session_in_which_nobody_says_anything_ends(world: World, caller: Caller) -> None:
    world.limits = replace(HURRY, idle=0.3)
    application = world.application()
    await deployed(application)
    with pytest.raises(ConflictError, match=r"nothing was said for 0\.3 s"):
        await ran(application, caller, "hang")


@pytest.mark.parametrize("who", ["caller", "command"])
async def test_a_word_of_either_side_keeps_it(world: World, caller: Caller, who: str) -> None:
    world.limits = replace(HURRY, idle=1.0)
    application = world.application()
    await deployed(application)
    running = asyncio.create_task(ran(application, caller, "hang"))
    await until(lambda: bool(world.nomad.commands))
    for _ in range(8):
        await asyncio.sleep(0.2)
        if who == "caller":
            caller.types(b"x")
        else:
            world.nomad.commands[0].say("stdout", b"x")
    assert not running.done()
    world.nomad.commands[0].exit(0)
    assert (await running).exit_code == 0


async def test_frames_that_say_nothing_keep_nothing(world: World, caller: Caller) -> None:
    world.limits = replace(HURRY, idle=0.5)
    application = world.application()
    await deployed(application)
    running = asyncio.create_task(ran(application, caller, "hang"))
    async with asyncio.timeout(LONG_S / 2):
        while not running.done():
            await asyncio.sleep(0.1)
            caller.said.put_nowait(InputFrame())
    with pytest.raises(ConflictError, match="nothing was said"):
        await running


async def test_an_allocation_can_be_named_and_a_healthy_one_is_taken_otherwise(
    world: World, application: Application
) -> None:
    await deployed(application)
    for one in world.nomad.running("checkout"):
        assert (await session(application, allocation=one.id[:8])).made.allocation == one.id
    first, second = world.nomad.running("checkout")
    world.nomad.server.state.allocations[first.id]["DeploymentStatus"] = {"Healthy": False}
    assert (await session(application)).made.allocation == second.id


async def test_the_sidecars_tasks_can_be_looked_into(application: Application) -> None:
    await deployed(application, "")
    assert (await session(application, task="envoy")).made.task == "envoy"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"task": "nosuch"}, "has no task nosuch"),
        ({"allocation": "ffffffff"}, "checkout has no allocation ffffffff"),
    ],
)
async def test_what_is_not_there_is_named_with_what_is(application: Application, more: Any, said: str) -> None:
    await deployed(application, "")
    with pytest.raises(UsageError, match=said) as found:
        await session(application, **more)
    assert found.value.next_step


async def test_a_task_that_has_not_started_is_no_place_for_a_command(world: World, application: Application) -> None:
    await deployed(application, "")
    world.nomad.hold("checkout", "app")
    with pytest.raises(UsageError, match=r"task app of allocation .* does not run") as found:
        await session(application)
    assert found.value.next_step == "These run: agent, envoy, gate."


async def test_a_service_that_nobody_knows_or_that_does_not_run_is_told_apart(application: Application) -> None:
    with pytest.raises(UsageError, match="stage knows no service checkout"):
        await session(application)
    with pytest.raises(UsageError, match="there is no environment nowhere"):
        await application.execs.session(ADA, "nowhere", "checkout", ExecWish())
    await deployed(application)
    await finished(application, await application.changes.stop("stage", "checkout", ME))
    with pytest.raises(UsageError, match="checkout does not run in stage"):
        await session(application)


async def test_an_allocation_that_has_ended_is_no_place_for_a_command(world: World, application: Application) -> None:
    await deployed(application)
    gone = world.nomad.running("checkout")[0].id
    await world.nomad.stop_allocation(gone)
    with pytest.raises(UsageError, match=r"has ended \(complete\)"):
        await session(application, allocation=gone)


async def test_nothing_that_runs_yet_is_told(world: World, application: Application) -> None:
    await deployed(application)
    world.nomad.forget("checkout")
    with pytest.raises(UsageError, match="no allocation of checkout runs in stage"):
        await session(application)


async def test_nobody_gets_into_a_job_of_others(world: World, application: Application) -> None:
    await world.nomad.register({**foreign(), "ID": "checkout"})
    with pytest.raises(ConflictError, match="was not deployed by Outrider"):
        await session(application)


def foreign() -> dict[str, Any]:
    task = {"Name": "app", "Driver": "raw_exec", "Config": {"command": "/bin/true"}}
    return {
        "Name": "checkout",
        "Type": "service",
        "Datacenters": ["dc1"],
        "TaskGroups": [{"Name": "g", "Tasks": [task]}],
    }


async def test_what_was_run_can_be_asked_of_a_known_service_only(application: Application, caller: Caller) -> None:
    with pytest.raises(UsageError, match="knows no service"):
        await recorded(application)
    await deployed(application)
    assert await recorded(application) == ()
    made = await application.execs.session(KIM, "stage", "checkout", ExecWish(("code", "0")))
    await made.run(caller.hear, caller.say)
    assert [one.by for one in await recorded(application)] == ["kim"]
    assert await application.execs.done(ADA, "stage", "checkout", limit=0) == ()


@pytest.mark.parametrize(
    "said",
    [
        "[]",
        "{",
        '{"stdin": {"data": "not base64!"}}',
        '{"stdin": {"data": "QQ="}}',
        '{"stdin": {"more": 1}}',
        '{"exited": true}',
        '{"tty_size": {"height": -1, "width": 1}}',
        '{"tty_size": {"height": 1}}',
        '{"tty_size": {"height": 1, "width": 100000}}',
        '{"stdin": {"data": "' + "QUFB" * 20_000 + '"}}',
    ],
)
def test_a_frame_that_is_none_is_refused_and_not_repeated(said: str) -> None:
    with pytest.raises(UsageError, match="cannot be read") as found:
        input_frame(said)
    assert "not base64" not in str(found.value)


@pytest.mark.parametrize(
    "said",
    ["{}", '{"stdin": {"data": "QQ=="}}', '{"stdin": {"close": true}}', '{"tty_size": {"height": 30, "width": 100}}'],
)
def test_a_good_frame_goes_on_as_it_came(said: str) -> None:
    assert input_frame(said).model_dump_json(exclude_defaults=True).replace(" ", "") == said.replace(" ", "")
