"""A command beside a task, over a WebSocket: what comes in, what goes out, how it ends; embedded and real."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from outrider_ground.errors import OutriderError, RemoteError, UsageError
from outrider_harness.nomad_calls import NomadCalls, job, task
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from outrider.clients.nomad import nomad_client
from outrider.operations.exec_records import Exec
from outrider.operations.exec_refusals import explained
from outrider.server_settings import NomadSettings

Frame = dict[str, Any]


def opened(calls: NomadCalls, allocation: str, command: list[str], *, tty: bool = False, task: str = "app") -> connect:
    base = str(calls.nomad.base_url).rstrip("/").replace("http", "ws", 1)
    query = urlencode({"task": task, "tty": str(tty).lower(), "command": json.dumps(command)})
    return connect(f"{base}/v1/client/allocation/{allocation}/exec?{query}", proxy=None)


async def session(
    calls: NomadCalls, name: str, command: list[str], *sent: Frame, tty: bool = False, task: str = "app"
) -> tuple[str, str, Frame]:
    """Stdout, stderr and the last frame, or the reason of the close as {"closed": ...}."""
    (one,) = await calls.allocations(name)
    out, last = {"stdout": b"", "stderr": b""}, {}
    async with opened(calls, one["ID"], command, tty=tty, task=task) as socket:
        try:
            for frame in sent:
                await socket.send(json.dumps(frame))
            async for text in socket:
                last = json.loads(text)
                for kind in out:
                    out[kind] += base64.b64decode((last.get(kind) or {}).get("data") or "")
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.reason:
                last = {"closed": closed.rcvd.reason}
    return out["stdout"].decode(), out["stderr"].decode(), last


def typed(text: str) -> Frame:
    return {"stdin": {"data": base64.b64encode(text.encode()).decode()}}


END: Frame = {"stdin": {"close": True}}


class TestExec:
    """Sessions in a running task."""

    @pytest.fixture
    async def there(self, calls: NomadCalls) -> str:
        await calls.healthy(job("execed", task("app", Env={"GREETING": "hello"})))
        return "execed"

    async def test_a_command_has_the_tasks_environment_and_its_exit_code_is_told(
        self, calls: NomadCalls, there: str
    ) -> None:
        script = "echo $GREETING $NOMAD_TASK_NAME; echo err >&2; exit 3"
        out, err, last = await session(calls, there, ["/bin/sh", "-c", script], END)
        assert (out, err) == ("hello app\n", "err\n")
        assert last == {"exited": True, "result": {"exit_code": 3}}

    async def test_what_is_typed_reaches_it_and_a_code_of_0_is_left_out(self, calls: NomadCalls, there: str) -> None:
        out, _, last = await session(calls, there, ["/bin/cat"], typed("abc\n"), END)
        assert out == "abc\n"
        assert last == {"exited": True, "result": {}}

    async def test_a_terminal_has_a_size_and_ctrl_c_ends_what_runs_in_it(self, calls: NomadCalls, there: str) -> None:
        size: Frame = {"tty_size": {"height": 33, "width": 99}}
        out, _, last = await session(calls, there, ["/bin/sh"], size, typed("stty size; exit 4\n"), tty=True)
        assert "33 99" in out
        assert last["result"] == {"exit_code": 4}
        _, _, last = await session(calls, there, ["/bin/sleep", "100"], size, typed("\x03"), tty=True)
        assert last["result"] == {"exit_code": 130}

    async def test_what_cannot_be_is_refused_in_words(self, calls: NomadCalls, there: str) -> None:
        _, _, last = await session(calls, there, ["/nonexistent"], END)
        assert last["closed"].startswith("rpc error: code = Unknown desc = failed to start command: ")
        assert "no such file or directory" in last["closed"]
        _, _, last = await session(calls, there, ["/bin/true"], task="nosuch")
        assert last == {"closed": "task not found"}
        _, _, last = await session(calls, there, [])
        assert last == {"closed": "command is not present"}


class TestEnds:
    """What becomes of a session when something else than its command ends."""

    async def test_a_session_ends_with_its_allocation(self, calls: NomadCalls) -> None:
        await calls.healthy(job("ended", task("app")))
        (one,) = await calls.allocations("ended")
        async with asyncio.timeout(30), opened(calls, one["ID"], ["/bin/sleep", "1000"]) as socket:
            await asyncio.sleep(0.5)
            await calls.nomad.post(f"/v1/allocation/{one['ID']}/stop")
            frames = [json.loads(text) async for text in _until_closed(socket)]
        assert not any(one.get("exited") for one in frames)


class TestOurClient:
    """The same by the product's own client and words."""

    async def ended(
        self, calls: NomadCalls, name: str, wanted: list[str], **more: str
    ) -> tuple[Frame, OutriderError | None]:
        """The last frame, and the error in the product's words that came instead of a code."""
        (one,) = await calls.allocations(name)
        nomad, last = nomad_client(str(calls.nomad.base_url), NomadSettings()), {}
        made = Exec(
            "1", "stage", name, one["ID"], more.get("task", "app"), tuple(wanted), False, "kim", datetime.now(UTC)
        )
        try:
            async with nomad.exec(made.allocation, made.task, made.command, has_terminal=False) as stream:
                await stream.send(typed("abc"))
                await stream.send(END)
                async for last in stream.received():
                    if last.get("exited"):
                        return last, None
        except RemoteError as error:
            return last, explained(error, made)
        finally:
            await nomad.close()
        return last, None

    async def test_a_command_runs_and_what_cannot_is_told_in_our_words(self, calls: NomadCalls) -> None:
        once = {**task("once", Config={"command": "/bin/true"}), "Lifecycle": {"Hook": "prestart", "Sidecar": False}}
        await calls.healthy(job("ours", task("app"), once))
        assert await self.ended(calls, "ours", ["/bin/sh", "-c", "cat; exit 9"]) == (
            {"exited": True, "result": {"exit_code": 9}},
            None,
        )
        for wanted, more, said in (
            (["/nonexistent"], {}, "there is no program /nonexistent for task app"),
            (["nonexistent"], {}, "there is no program nonexistent for task app"),
            (["/etc/passwd"], {}, "/etc/passwd cannot be executed in task app"),
            (["/bin/true"], {"task": "nosuch"}, "task nosuch of allocation"),
            (["/bin/true"], {"task": "once"}, "task once of allocation"),
        ):
            _, error = await self.ended(calls, "ours", wanted, **more)
            assert isinstance(error, UsageError), (wanted, more, error)
            assert error.message.startswith(said)

    async def test_large_input_and_output_pass(self, calls: NomadCalls) -> None:
        await calls.healthy(job("large", task("app")))
        out, _, last = await session(calls, "large", ["/bin/sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"], END)
        assert (len(out), last) == (3_000_000, {"exited": True, "result": {}})


async def _until_closed(socket: ClientConnection) -> AsyncGenerator[str | bytes]:
    try:
        async for text in socket:
            yield text
    except ConnectionClosed:
        return
