"""What a task cannot read, in Nomad's events: keys, variables, templates, artifacts, programs; embedded and real.

The texts of the real server (1.6.5 and 2.0.5 say the same) are what operations make their reasons of.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from outrider_harness.nomad_calls import SECOND, NomadCalls, events, job, script, task, update

QUICK = update(HealthyDeadline=6 * SECOND, ProgressDeadline=15 * SECOND, MinHealthyTime=0)
TWICE = {"Attempts": 1, "Interval": 60 * SECOND, "Delay": SECOND // 5, "Mode": "fail"}
FOREVER = "while true; do sleep 0.1; done"


def reading(name: str, *texts: str, is_environment: bool = True) -> dict[str, Any]:
    """A job whose app has these templates."""
    app = script("app", FOREVER, RestartPolicy=TWICE)
    app["Templates"] = [
        {"EmbeddedTmpl": text, "DestPath": f"secrets/{number}", "Envvars": is_environment, "Splay": 0}
        for number, text in enumerate(texts)
    ]
    return job(name, app, Update=QUICK)


async def state_of(calls: NomadCalls, name: str) -> dict[str, Any]:
    """The app's state once the deployment has failed; one may read it before the allocation's last word is known."""
    await calls.deployed(name, "failed")
    (found,) = await calls.allocations(name, is_live=False)
    return (await calls.get(f"/v1/allocation/{found['ID']}"))["TaskStates"]["app"]


def said(state: dict[str, Any], kind: str) -> list[str]:
    return [event["DisplayMessage"] for event in state["Events"] if event["Type"] == kind]


class TestReferences:
    """What the events say of a reference that cannot be read."""

    async def test_a_missing_key_is_named_by_an_event_of_the_pending_task(self, calls: NomadCalls) -> None:
        await calls.register(reading("ref-key", 'A={{ key "no/such" | toJSON }}\n'))
        state = await state_of(calls, "ref-key")
        assert (state["State"], state["Failed"], said(state, "Template")) == (
            "pending",
            False,
            ["Missing: kv.block(no/such)"],
        )

    async def test_missing_keys_of_several_templates_are_named_together_and_sorted(self, calls: NomadCalls) -> None:
        first = 'A={{ key "no/c" | toJSON }}\nB={{ key "no/b" | toJSON }}\n'
        second = 'C={{ key "no/a" | toJSON }}\nD={{ key "no/d" | toJSON }}\nE={{ key "no/e" | toJSON }}\n'
        await calls.register(reading("ref-keys", first, second))
        state = await state_of(calls, "ref-keys")
        told = said(state, "Template")[-1]
        assert told == "Missing: kv.block(no/a), kv.block(no/b), kv.block(no/c), and 2 more"

    async def test_a_task_starts_as_soon_as_what_was_missing_is_there(self, calls: NomadCalls) -> None:
        await calls.register(reading("ref-later", 'A={{ key "ref/later" | toJSON }}\n'))
        await calls.until(
            "/v1/job/ref-later/allocations",
            lambda found: found and found[0]["TaskStates"] and "Template" in events(found[0], "app"),
        )
        await calls.put_key("ref/later", "now")
        allocation = await calls.running("ref-later")
        assert allocation["TaskStates"]["app"]["Failed"] is False

    @pytest.mark.parametrize(
        ("name", "text", "reason"),
        [
            ("parse", "hello {{ if }}", "missing value"),
            ("function", 'hello {{ nosuchfn "a" }}', 'function "nosuchfn" not defined'),
        ],
    )
    async def test_a_template_that_cannot_be_rendered_fails_the_task_for_good(
        self, calls: NomadCalls, name: str, text: str, reason: str
    ) -> None:
        await calls.register(reading(f"ref-{name}", text, is_environment=False))
        state = await state_of(calls, f"ref-{name}")
        (told,) = [one for one in said(state, "Killing") if not one.startswith("Sent interrupt")]
        assert told.startswith("Template failed: ")
        assert reason in told
        assert (state["Failed"], state["Restarts"]) == (True, 0)

    async def test_an_environment_file_that_is_none_fails_the_task_for_good(self, calls: NomadCalls) -> None:
        await calls.register(reading("ref-env", "A=1\nno sign of equality\n"))
        state = await state_of(calls, "ref-env")
        told = said(state, "Killing")[0]
        assert told.startswith("Template failed to read environment variables: ")
        assert told.endswith("error on line 2: missing =")
        assert (state["Failed"], state["Restarts"]) == (True, 0)

    async def test_an_artifact_that_is_not_there_is_named_with_its_address(self, calls: NomadCalls) -> None:
        async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        source = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/none.txt"
        app = script(
            "app", FOREVER, RestartPolicy=TWICE, Artifacts=[{"GetterSource": source, "RelativeDest": "local/"}]
        )
        async with server:
            await calls.register(job("ref-artifact", app, Update=QUICK))
            state = await state_of(calls, "ref-artifact")
        told = said(state, "Failed Artifact Download")[-1]
        assert told.startswith(f'failed to download artifact "{source}": ')
        assert told.endswith("bad response code: 404")
        assert (state["Failed"], state["Restarts"]) == (True, 1)

    async def test_a_program_that_is_not_there_is_not_tried_again(self, calls: NomadCalls) -> None:
        await calls.register(job("ref-program", task("app", "/no/such/program", RestartPolicy=TWICE), Update=QUICK))
        state = await state_of(calls, "ref-program")
        assert "/no/such/program" in said(state, "Driver Failure")[0]
        assert said(state, "Not Restarting") == ["Error was unrecoverable"]
        assert (state["Failed"], state["Restarts"]) == (True, 0)
