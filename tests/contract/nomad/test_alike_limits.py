"""What a spec is refused for, or is not, and a job can still say: the same end on the embedded and the real Nomad."""

from __future__ import annotations

import asyncio
import socket

import pytest
from outrider_harness.nomad_calls import SECOND, NomadCalls, job, ports, script, service, update

PORT = "python3 -m http.server --bind 127.0.0.1 $NOMAD_PORT_http"
TCP = {"Name": "same", "Type": "tcp", "Interval": SECOND, "Timeout": SECOND}
SHORT = update(HealthyDeadline=4 * SECOND, ProgressDeadline=6 * SECOND)


class TestLimits:
    """Jobs that come up on neither of the two, or on both."""

    async def test_two_equal_checks_never_become_healthy(self, calls: NomadCalls) -> None:
        twice = service("alike-twice", Checks=[TCP, TCP])
        await calls.register(
            job("alike-twice", script("app", PORT), Networks=ports("http"), Services=[twice], Update=SHORT)
        )
        assert (await calls.deployed("alike-twice", "failed"))["Status"] == "failed"

    async def test_checks_that_differ_in_their_interval_become_healthy(self, calls: NomadCalls) -> None:
        both = service("alike-both", Checks=[TCP, TCP | {"Interval": 2 * SECOND}])
        await calls.healthy(job("alike-both", script("app", PORT), Networks=ports("http"), Services=[both]))

    async def test_a_service_that_consul_refuses_for_its_meta_never_becomes_healthy(self, calls: NomadCalls) -> None:
        many = service("alike-meta", Checks=[TCP], Meta={f"k{number}": "v" for number in range(64)})
        await calls.register(
            job("alike-meta", script("app", PORT), Networks=ports("http"), Services=[many], Update=SHORT)
        )
        assert (await calls.deployed("alike-meta", "failed"))["Status"] == "failed"
        assert await calls.services("alike-meta") == []
        # Nomad's client gives up at a service that Consul refuses, those after it included, as long as the job is there.
        await calls.nomad.delete("/v1/job/alike-meta", params={"purge": "true"})

    async def test_a_fixed_port_that_another_program_holds_is_placed_all_the_same(self, calls: NomadCalls) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            held.listen()
            network = [{"Mode": "host", "ReservedPorts": [{"Label": "http", "Value": held.getsockname()[1]}]}]
            await calls.register(job("alike-port", script("app", "sleep 600"), Networks=network))
            assert (await calls.running("alike-port"))["ClientStatus"] == "running"

    @pytest.mark.parametrize(
        ("command", "status"),
        [("local/check", "passing"), ("./local/check", "passing"), ("echo", "passing"), ("check", "critical")],
    )
    async def test_a_script_check_is_looked_up_from_the_tasks_directory_and_on_path(
        self, calls: NomadCalls, command: str, status: str
    ) -> None:
        name = f"alike-script-{len(command)}"
        check = {"Name": "s", "Type": "script", "TaskName": "app", "Command": command, "Args": ["told"]}
        checks = [check | {"Interval": SECOND, "Timeout": SECOND, "OnUpdate": "ignore"}]
        template = {"DestPath": "local/check", "EmbeddedTmpl": "#!/bin/sh\necho told\n", "Perms": "0755"}
        app = script("app", "sleep 600", Templates=[template])
        await calls.register(job(name, app, Networks=ports("http"), Services=[service(name, Checks=checks)]))

        async def outputs() -> list[dict[str, str]]:
            """As the agent knows them: the catalog hears of an output only with another status."""
            known = (await calls.consul.get("/v1/agent/checks")).json().values()
            return [one for one in known if one["ServiceName"] == name and one["Output"]]

        async with asyncio.timeout(30):
            while not (found := await outputs()):  # noqa: ASYNC110  another process has no event to wait for
                await asyncio.sleep(0.1)
        assert [one["Status"] for one in found] == [status]

    async def test_a_job_that_asks_vault_is_refused_where_there_is_none(self, calls: NomadCalls) -> None:
        app = script("app", "sleep 600", Vault={"Policies": ["alike"], "ChangeMode": "restart"})
        answer = await calls.nomad.post("/v1/jobs", json={"Job": job("alike-vault", app)})
        assert answer.status_code == 500
        assert "Vault" in answer.text
        assert "not enabled but used in the job" in answer.text


class TestVariables:
    """Nomad's variables, by their API and in templates."""

    async def test_a_template_waits_for_a_variable_and_reads_its_items(self, calls: NomadCalls) -> None:
        text = '{{ with nomadVar "nomad/jobs/alike-var" }}{{ .user }}:{{ .user.Value }}:{{ .Keys }}{{ end }}'
        app = script("app", "sleep 600", Templates=[{"DestPath": "local/v", "EmbeddedTmpl": text}])
        await calls.register(job("alike-var", app))
        await calls.nomad.put(
            "/v1/var/nomad/jobs/alike-var", json={"Path": "nomad/jobs/alike-var", "Items": {"user": "u", "b": "x"}}
        )
        allocation = await calls.running("alike-var")
        assert await calls.file(allocation["ID"], "app/local/v") == "u:u:[b user]"

    async def test_a_variable_is_written_read_listed_and_removed(self, calls: NomadCalls) -> None:
        place = "/v1/var/alike/one"
        assert (await calls.nomad.get(place)).status_code == 404
        written = await calls.nomad.put(place, json={"Path": "alike/one", "Items": {"a": "b"}})
        assert (written.status_code, written.json()["Items"]) == (200, {"a": "b"})
        assert (await calls.get(place))["Items"] == {"a": "b"}
        assert [one["Path"] for one in await calls.get("/v1/vars", prefix="alike/")] == ["alike/one"]
        assert (await calls.nomad.put(f"{place}?cas=1", json={"Path": "alike/one", "Items": {"a": "c"}})).is_error
        assert (await calls.nomad.put(place, json={"Path": "alike/one", "Items": {}})).status_code == 400
        impossible = {"Path": "alike/a.b", "Items": {"a": "b"}}
        assert (await calls.nomad.put("/v1/var/alike/a.b", json=impossible)).is_error  # 400, and 500 of 1.6.5
        assert (await calls.nomad.delete(f"{place}?cas=1")).status_code == 409
        index = (await calls.get(place))["ModifyIndex"]
        assert (await calls.nomad.delete(f"{place}?cas={index}")).is_success
        assert (await calls.nomad.delete(place)).is_success, "one that is not there is none the less gone"
        assert (await calls.nomad.get(place)).status_code == 404


class TestPages:
    """A list of jobs by pages, and the index that it has."""

    async def test_a_page_has_so_many_jobs_the_token_of_the_next_and_the_index_of_the_whole_list(
        self, calls: NomadCalls
    ) -> None:
        for name in ("alike-page-a", "alike-page-b", "alike-page-c"):
            await calls.register(job(name, script("app", "sleep 600")))
        asked = {"prefix": "alike-page-", "per_page": "2"}
        first = await calls.nomad.get("/v1/jobs", params=asked)
        token = first.headers["X-Nomad-Nexttoken"]
        second = await calls.nomad.get("/v1/jobs", params={**asked, "next_token": token})
        assert [one["ID"] for one in first.json()] == ["alike-page-a", "alike-page-b"]
        assert ([one["ID"] for one in second.json()], token) == (["alike-page-c"], "default.alike-page-c")
        assert "X-Nomad-Nexttoken" not in second.headers

    async def test_the_index_of_a_page_is_another_after_any_job_has_changed(self, calls: NomadCalls) -> None:
        for name in ("alike-page-d", "alike-page-e"):
            await calls.register(job(name, script("app", "sleep 600")))
        before = await self.index(calls)
        await calls.register(job("alike-page-e", script("app", "sleep 601")))
        assert await self.index(calls) > before
        before = await self.index(calls)
        await calls.nomad.delete("/v1/job/alike-page-e", params={"purge": "true"})
        assert await self.index(calls) > before

    @staticmethod
    async def index(calls: NomadCalls) -> int:
        page = await calls.nomad.get("/v1/jobs", params={"per_page": "1"})
        assert len(page.json()) == 1
        return int(page.headers["X-Nomad-Index"])
