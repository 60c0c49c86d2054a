"""`outrider exec` as people and scripts call it: through a portal with a token, into a process that runs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from support.person import person
from support.stage import ENVIRONMENT, Stage, spec

OUTRIDER = str(Path(sys.executable).with_name("outrider"))
SERVICE = spec("salty", "mesh: false\n")


@pytest.fixture
async def running(stage: Stage) -> Stage:
    assert (await stage.run(SERVICE)).state == "successful"
    return stage


def outrider(stage: Stage, *arguments: str) -> list[str]:
    return [OUTRIDER, *arguments[:2], "-e", ENVIRONMENT, "--addr", stage.address, *arguments[2:]]


async def ran(stage: Stage, *arguments: str, typed: bytes = b"") -> tuple[int, bytes, bytes]:
    """Exit code, stdout and stderr of an exec with pipes."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *outrider(stage, "exec", "echo", *arguments), stdin=pipe, stdout=pipe, stderr=pipe
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(typed)
    return process.returncode or 0, out, err


async def test_a_person_has_a_shell_with_their_keys_and_the_size_of_their_window(running: Stage) -> None:
    environment = {**os.environ, "TERM": "xterm"}
    async with person(outrider(running, "exec", "echo"), environment, size=(33, 99)) as here:
        before = here.settings
        await here.sees("In task app of allocation ")
        here.types("echo $FLAVOUR-$NOMAD_TASK_NAME; stty size\r")
        await here.sees("salty-app")
        await here.sees("33 99")
        here.resizes(44, 111)
        here.types("sleep 0.3; stty size\r")
        await here.sees("44 111")
        here.types("echo begun; sleep 1000; echo en''ded\r")
        await here.sees("begun\r\n")
        await asyncio.sleep(0.5)
        here.types("\x03")
        here.types("echo ag''ain; exit 5\r")
        await here.sees("again")
        assert b"ended" not in here.screen
        assert await here.leaves() == 5
        assert here.settings == before


async def test_a_person_can_hang_up_on_a_command_that_does_not_listen(running: Stage) -> None:
    command = outrider(running, "exec", "echo", "--", "/bin/sh", "-c", "trap '' INT; echo deaf; sleep 1000")
    async with person(command, dict(os.environ)) as here:
        before = here.settings
        await here.sees("deaf")
        here.types("\x03")
        here.types("\r~.")
        await here.sees("Hung up.")
        assert await here.leaves() == 255
        assert here.settings == before


async def test_a_script_has_both_outputs_apart_its_input_and_the_exit_code(running: Stage) -> None:
    script = "cat; echo bad >&2; exit 7"
    typed = os.urandom(300_000)
    code, out, err = await ran(running, "--", "/bin/sh", "-c", script, typed=typed)
    assert (code, err) == (7, b"bad\n")
    assert out == typed


async def test_a_command_may_end_before_it_has_read_all(running: Stage) -> None:
    code, out, _ = await ran(running, "--", "head", "-c", "5", typed=b"x" * 5_000_000)
    assert (code, out) == (0, b"xxxxx")


async def test_what_cannot_run_ends_with_255_and_says_why(running: Stage) -> None:
    code, out, err = await ran(running, "--", "/nosuch/program")
    assert (code, out) == (255, b"")
    assert b"there is no program /nosuch/program for task app" in err
    code, _, err = await ran(running, "--task", "envoy")
    assert code == 255
    assert b"has no task envoy" in err


async def test_what_was_run_stands_in_the_history(running: Stage) -> None:
    await ran(running, "--", "/bin/sh", "-c", "exit 3", typed=b"secret")
    for form in ("table", "json"):
        process = await asyncio.create_subprocess_exec(
            *outrider(running, "history", "echo", "-o", form), stdout=asyncio.subprocess.PIPE
        )
        out = (await process.communicate())[0].decode()
        assert "secret" not in out
        if form == "table":
            assert "/bin/sh -c 'exit 3'" in out
        else:
            (one,) = json.loads(out)["execs"]
            assert (one["exit_code"], one["task"], one["command"]) == (3, "app", ["/bin/sh", "-c", "exit 3"])


async def test_a_command_ends_with_its_allocation(running: Stage) -> None:
    begun = asyncio.create_task(ran(running, "--", "sleep", "1000"))
    async with asyncio.timeout(60):
        while not (done := await running.portal.execs(ENVIRONMENT, "echo")):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.2)
        await asyncio.sleep(1)
        await running.nomad.stop_allocation(done[0].allocation)
        code, _, err = await begun
    assert code == 255
    assert b"and the command with it" in err or b"Nomad ended the session" in err
