"""Tasks of an allocation: their order, their environment, their restarts, their end; embedded and real."""

from __future__ import annotations

import asyncio
import json
import time

from outrider_harness.nomad_calls import SECOND, NomadCalls, events, job, ports, script, service, task, update

PRESTART = {"Hook": "prestart", "Sidecar": False}
SIDECAR = {"Hook": "prestart", "Sidecar": True}
POSTSTOP = {"Hook": "poststop", "Sidecar": False}

MARK = 'date +%s%N > "$NOMAD_ALLOC_DIR/data/$NOMAD_TASK_NAME.{}"; '
"""Shell that notes the time of something in the directory that the tasks share."""

ON_TERM = "trap '" + MARK.format("term").replace("'", "") + "exit 0' TERM; while true; do sleep 0.05; done"


class TestLifecycle:
    """What a job's tasks may rely on."""

    async def test_d04_a_main_task_waits_for_the_end_of_the_gate_and_the_start_of_the_sidecar(
        self, calls: NomadCalls
    ) -> None:
        await calls.healthy(
            job(
                "life-order",
                script("gate", f"sleep 0.5; {MARK.format('end')}", Lifecycle=PRESTART),
                script("side", f"{MARK.format('start')} while true; do sleep 0.1; done", Lifecycle=SIDECAR),
                script("app", f"{MARK.format('start')} while true; do sleep 0.1; done"),
            )
        )
        identifier = (await calls.allocation("life-order"))["ID"]
        marks = {
            name: int(await calls.written(identifier, f"alloc/data/{name}"))
            for name in ("gate.end", "side.start", "app.start")
        }
        assert max(marks["gate.end"], marks["side.start"]) <= marks["app.start"]

    async def test_a_failing_gate_keeps_the_main_task_from_starting_and_fails_the_deployment(
        self, calls: NomadCalls
    ) -> None:
        await calls.register(
            job("life-gate", script("gate", "exit 3", Lifecycle=PRESTART), task("side", Lifecycle=SIDECAR), task("app"))
        )
        deployment = await calls.deployed("life-gate", "failed")
        assert deployment["StatusDescription"] == "Failed due to unhealthy allocations"
        (found,) = await calls.allocations("life-gate", is_live=False)
        allocation = await calls.ended(found["ID"])
        assert allocation["ClientStatus"] == "failed"
        assert allocation["TaskStates"]["app"]["StartedAt"] in (None, "0001-01-01T00:00:00Z")
        assert allocation["TaskStates"]["gate"]["Failed"] is True
        assert "Sibling Task Failed" in events(allocation, "side")

    async def test_d03_a_stop_deregisters_then_waits_then_ends_main_tasks_then_sidecars_then_runs_poststop(
        self, calls: NomadCalls
    ) -> None:
        document = job(
            "life-stop",
            script("app", ON_TERM),
            script("side", ON_TERM, Lifecycle=SIDECAR),
            script("after", MARK.format("ran"), Lifecycle=POSTSTOP),
            Networks=ports("http"),
            Services=[service("life-stop")],
            ShutdownDelay=SECOND,
        )
        await calls.healthy(document)
        identifier = (await calls.allocation("life-stop"))["ID"]
        await calls.nomad.delete("/v1/job/life-stop")
        await calls.until_services("life-stop", lambda found: not found)
        gone = time.time_ns()
        allocation = await calls.ended(identifier)
        marks = [
            int(await calls.file(identifier, f"alloc/data/{name}")) for name in ("app.term", "side.term", "after.ran")
        ]
        assert marks == sorted(marks)
        assert marks[0] - gone > 0.5 * SECOND
        assert allocation["ClientStatus"] == "complete"
        assert "Main Tasks Dead" in events(allocation, "side")
        assert [kind for kind in events(allocation, "app") if kind != "Killing"][-2:] == ["Terminated", "Killed"]
        assert "Killing" in events(allocation, "app")

    async def test_a_task_that_ignores_its_signal_is_killed_with_all_its_children(self, calls: NomadCalls) -> None:
        child = "while true; do echo x >> $NOMAD_ALLOC_DIR/data/alive; sleep 0.05; done"
        stubborn = f"trap '' TERM; sh -c '{child}'; sleep 60"
        await calls.healthy(job("life-kill", script("app", stubborn, KillTimeout=SECOND // 2)))
        identifier = (await calls.allocation("life-kill"))["ID"]
        await calls.written(identifier, "alloc/data/alive")
        await calls.nomad.delete("/v1/job/life-kill")
        allocation = await calls.ended(identifier)
        states = allocation["TaskStates"]["app"]["Events"]
        assert next(event for event in states if event["Type"] == "Terminated")["Signal"] == 9
        before = await calls.file(identifier, "alloc/data/alive")
        await asyncio.sleep(0.3)
        assert await calls.file(identifier, "alloc/data/alive") == before

    async def test_a_crashing_task_starts_again_within_its_policy_and_then_fails(self, calls: NomadCalls) -> None:
        policy = {"Attempts": 1, "Interval": 60 * SECOND, "Delay": SECOND // 10, "Mode": "fail"}
        steady = update(MinHealthyTime=3 * SECOND)
        await calls.register(
            job("life-crash", script("app", "echo boom >&2; exit 3"), RestartPolicy=policy, Update=steady)
        )
        await calls.deployed("life-crash", "failed")
        (found,) = await calls.allocations("life-crash", is_live=False)
        state = (await calls.ended(found["ID"]))["TaskStates"]["app"]
        kinds = [event["Type"] for event in state["Events"]]
        assert kinds.count("Started") == 2
        assert "Restarting" in kinds
        assert (state["Restarts"], state["Failed"]) == (1, True)
        reason = next(event["RestartReason"] for event in state["Events"] if event["Type"] == "Not Restarting")
        assert reason == 'Exceeded allowed attempts 1 in interval 1m0s and mode is "fail"'
        query = {"task": "app", "type": "stderr", "plain": "true"}
        answer = await calls.nomad.get(f"/v1/client/fs/logs/{found['ID']}", params=query)
        assert answer.text == "boom\nboom\n"

    async def test_a_task_with_mode_delay_starts_again_for_ever(self, calls: NomadCalls) -> None:
        policy = {"Attempts": 1, "Interval": 5 * SECOND, "Delay": SECOND // 10, "Mode": "delay"}
        flaky = script("side", "sleep 0.2; exit 1", Lifecycle=SIDECAR, RestartPolicy=policy)
        await calls.register(job("life-delay", flaky, task("app")))
        allocation = await calls.until(
            "/v1/job/life-delay/allocations",
            lambda found: found and found[0]["TaskStates"] and found[0]["TaskStates"]["side"]["Restarts"] >= 3,
        )
        assert allocation[0]["TaskStates"]["app"]["State"] == "running"
        assert allocation[0]["TaskStates"]["side"]["Failed"] is False

    async def test_a_task_is_told_its_identity_its_ports_and_its_directories(self, calls: NomadCalls) -> None:
        printer = "env > local/env; pwd > local/pwd; touch ../alloc/data/shared; while true; do sleep 1; done"
        document = job(
            "life-env",
            script("app", printer, Env={"PLACE": "${NOMAD_PORT_http}@${node.datacenter}", "OTHER": "${unknown.name}"}),
            Networks=ports("http", "egress-a"),
            Meta={"team": "blue"},
        )
        await calls.healthy(document)
        allocation = await calls.allocation("life-env")
        text = await calls.written(allocation["ID"], "app/local/env")
        found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        booked = {port["Label"]: port for port in allocation["AllocatedResources"]["Shared"]["Ports"]}
        number = str(booked["http"]["Value"])
        assert found["NOMAD_PORT_http"] == found["NOMAD_HOST_PORT_http"] == number
        assert found["NOMAD_ADDR_http"] == f"127.0.0.1:{number}"
        assert found["NOMAD_IP_http"] == "127.0.0.1"
        assert found["NOMAD_PORT_egress_a"] == str(booked["egress-a"]["Value"])
        assert found["NOMAD_ALLOC_ID"] == allocation["ID"]
        assert (found["NOMAD_ALLOC_INDEX"], found["NOMAD_ALLOC_NAME"]) == ("0", "life-env.life-env[0]")
        assert (found["NOMAD_TASK_NAME"], found["NOMAD_META_team"], found["NOMAD_DC"]) == ("app", "blue", "dc1")
        assert found["PLACE"] == f"{number}@dc1"
        assert found["OTHER"] == "${unknown.name}"
        directory = (await calls.file(allocation["ID"], "app/local/pwd")).strip()
        assert found["NOMAD_TASK_DIR"] == f"{directory}/local"
        assert found["NOMAD_SECRETS_DIR"] == f"{directory}/secrets"
        assert found["NOMAD_ALLOC_DIR"] == f"{directory.rsplit('/', 1)[0]}/alloc"
        names = [entry["Name"] for entry in await calls.get(f"/v1/client/fs/ls/{allocation['ID']}", path="alloc/data")]
        assert names == ["shared"]

    async def test_a_template_is_rendered_before_the_start_and_again_when_its_key_changes(
        self, calls: NomadCalls
    ) -> None:
        await calls.put_key("life/colour", "red")
        reader = script("app", "cp local/colour local/seen; while true; do sleep 0.1; done")
        reader["Templates"] = [
            {
                "EmbeddedTmpl": 'port={{ env "NOMAD_PORT_http" }} {{ key "life/colour" }}',
                "DestPath": "local/colour",
                "ChangeMode": "restart",
                "Splay": 0,
            }
        ]
        await calls.healthy(job("life-template", reader, Networks=ports("http")))
        allocation = await calls.allocation("life-template")
        number = allocation["AllocatedResources"]["Shared"]["Ports"][0]["Value"]
        assert await calls.written(allocation["ID"], "app/local/seen") == f"port={number} red"
        await calls.put_key("life/colour", "blue")
        after = await calls.until(
            f"/v1/allocation/{allocation['ID']}", lambda found: found["TaskStates"]["app"]["Restarts"] == 1
        )
        assert "Restart Signaled" in events(after, "app")
        await calls.until(
            f"/v1/allocation/{allocation['ID']}", lambda found: found["TaskStates"]["app"]["State"] == "running"
        )
        assert (await calls.written(allocation["ID"], "app/local/colour")).endswith("blue")

    async def test_a_template_can_signal_its_task_and_fill_its_environment(self, calls: NomadCalls) -> None:
        await calls.put_key("life/word", "one")
        listening = "trap 'cp local/word local/heard' HUP; echo $SECRET > local/secret; while true; do sleep 0.1; done"
        reader = script("app", listening)
        reader["Templates"] = [
            {
                "EmbeddedTmpl": '{{ key "life/word" }}',
                "DestPath": "local/word",
                "ChangeMode": "signal",
                "ChangeSignal": "SIGHUP",
                "Splay": 0,
            },
            {
                "EmbeddedTmpl": 'SECRET={{ "a b$c" | toJSON }}\n',
                "DestPath": "secrets/env",
                "Envvars": True,
                "ChangeMode": "noop",
            },
        ]
        await calls.healthy(job("life-signal", reader))
        identifier = (await calls.allocation("life-signal"))["ID"]
        assert await calls.written(identifier, "app/local/secret") == "a b$c\n"
        await calls.put_key("life/word", "two")
        assert await calls.written(identifier, "app/local/heard") == "two"

    async def test_a_restart_by_a_person_is_no_failure(self, calls: NomadCalls) -> None:
        await calls.healthy(job("life-restart"))
        identifier = (await calls.allocation("life-restart"))["ID"]
        await calls.post(f"/v1/client/allocation/{identifier}/restart", {"TaskName": "app"})
        allocation = await calls.until(
            f"/v1/allocation/{identifier}",
            lambda found: (
                found["TaskStates"]["app"]["Restarts"] == 1 and found["TaskStates"]["app"]["State"] == "running"
            ),
        )
        assert allocation["TaskStates"]["app"]["Failed"] is False
        assert "Restart Signaled" in events(allocation, "app")

    async def test_a_stopped_allocation_is_replaced(self, calls: NomadCalls) -> None:
        await calls.healthy(job("life-replace"))
        first = await calls.allocation("life-replace")
        answer = await calls.post(f"/v1/allocation/{first['ID']}/stop")
        assert answer["EvalID"]
        await calls.ended(first["ID"])
        second = await calls.running("life-replace")
        assert second["ID"] != first["ID"]
        assert second["Name"] == first["Name"]
        assert second["PreviousAllocation"] == first["ID"]

    async def test_the_end_of_the_leader_is_the_end_of_the_group(self, calls: NomadCalls) -> None:
        document = job("life-leader", script("app", "sleep 1", Leader=True), task("other"), Update=None)
        await calls.register({**document, "Type": "batch"})
        await calls.until("/v1/job/life-leader/allocations", lambda found: found)
        (found,) = await calls.allocations("life-leader", is_live=False)
        allocation = await calls.ended(found["ID"])
        assert allocation["ClientStatus"] == "complete"
        assert "Leader Task Dead" in events(allocation, "other")

    async def test_a_missing_program_is_named_in_the_tasks_events(self, calls: NomadCalls) -> None:
        await calls.register(job("life-missing", task("app", "no-such-program")))
        await calls.deployed("life-missing", "failed")
        (found,) = await calls.allocations("life-missing", is_live=False)
        allocation = await calls.ended(found["ID"])
        failure = next(one for one in allocation["TaskStates"]["app"]["Events"] if one["Type"] == "Driver Failure")
        assert "no-such-program" in failure["DisplayMessage"]

    async def test_logs_are_read_from_both_ends_in_frames_or_plain(self, calls: NomadCalls) -> None:
        await calls.healthy(
            job("life-logs", script("app", "printf 'one\\ntwo\\nthree\\n'; while true; do sleep 1; done"))
        )
        identifier = (await calls.allocation("life-logs"))["ID"]
        path, query = f"/v1/client/fs/logs/{identifier}", {"task": "app", "type": "stdout"}
        plain = await calls.nomad.get(path, params={**query, "plain": "true"})
        assert plain.text == "one\ntwo\nthree\n"
        last = await calls.nomad.get(path, params={**query, "plain": "true", "origin": "end", "offset": "6"})
        assert last.text == "three\n"
        framed = await calls.nomad.get(path, params=query)
        frame = json.loads(framed.text.split("}")[0] + "}")
        assert (frame["Data"], frame["File"]) == ("b25lCnR3bwp0aHJlZQo=", "alloc/logs/app.stdout.0")
        unknown = await calls.nomad.get(path, params={"task": "nobody", "type": "stdout"})
        assert (unknown.status_code, unknown.text) == (400, 'unknown task name "nobody"')

    async def test_followed_logs_go_on_as_the_task_writes(self, calls: NomadCalls) -> None:
        await calls.healthy(job("life-follow", script("app", "while true; do date +%s%N; sleep 0.2; done")))
        identifier = (await calls.allocation("life-follow"))["ID"]
        query = {"task": "app", "type": "stdout", "plain": "true", "follow": "true"}
        seen = b""
        async with calls.nomad.stream("GET", f"/v1/client/fs/logs/{identifier}", params=query) as answer:
            async for piece in answer.aiter_bytes():
                seen += piece
                if seen.count(b"\n") > 8:
                    break
        assert seen.count(b"\n") > 8
