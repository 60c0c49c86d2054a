"""The agent's process against a Consul that misbehaves in every way of the catalogue."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from outrider_agent import settings
from outrider_harness.agents import Agent, running_agent
from outrider_harness.envoys import running_envoy
from outrider_harness.scripted_consul import Entry, FakeConsul, Fault, Request, entry, hang, raw, reset, says
from outrider_harness.usage import first_thread_s
from outrider_harness.waiting import eventually
from support.hasty_agent import running_hasty_agent

WEB = [entry("10.0.0.1", 80), entry("10.0.0.2", 80)]
OTHER = [entry("10.0.0.9", 80)]


SEEN_S = 1.0  # what A05 promises of a service that was missing while Consul's index moved all the time


def ports(agent: Agent, label: str = "web") -> list[str] | None:
    endpoints = agent.upstream(label).get("endpoints")
    return None if endpoints is None else [one["address"] for one in endpoints]


def has(agent: Agent, count: int, label: str = "web") -> bool:
    return len(ports(agent, label) or ()) == count


def state(agent: Agent, label: str = "web") -> str:
    return agent.upstream(label).get("state", "")


def test_a01_a_change_after_an_index_rewind_is_seen(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *WEB, index=9_000)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: has(agent, 2))
        fake.put("web", *WEB, index=40)
        fake.put("web", *WEB, *OTHER, index=41)
        eventually(lambda: has(agent, 3), patience=5)


def test_a04_spurious_wakes_cost_few_queries_and_no_new_version(
    directory: Path, fake: FakeConsul, envoy_bin: str
) -> None:
    """Ten at once and ten a second are the limiter's; the share of a core is that of the catalogue."""
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "web") as agent, running_envoy(envoy_bin, directory, ["web"]) as envoy:
        eventually(lambda: len(envoy.endpoints("web")) == 2)
        version, cpu, queries = agent.upstream("web")["version"], first_thread_s(agent.pid), len(fake.queries())
        updates, index = envoy.stat("cluster.web.update_success"), fake.index
        took = woken(fake, 50, 5.0)
        assert fake.index - index >= 50 * 5.0
        assert first_thread_s(agent.pid) - cpu < 0.05 * took
        assert 1 < len(fake.queries()) - queries <= 10 + 10 * took
        assert agent.upstream("web")["version"] == version
        assert envoy.stat("cluster.web.update_success") == updates
        fake.put("web", *WEB, *OTHER)
        eventually(lambda: len(envoy.endpoints("web")) == 3)


def woken(fake: FakeConsul, rate: int, seconds: float) -> float:
    """Wake every query so often a second, on the clock, and change nothing; the seconds that it took."""
    begin = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        fake.put("web", *WEB)
    return time.monotonic() - begin


def test_a05_a_missing_service_in_a_busy_consul_does_not_disturb_others(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "missing,web") as agent:
        eventually(lambda: has(agent, 2))
        # Long enough that the pause between its queries is the longest.
        until = time.monotonic() + 8.0
        while time.monotonic() < until:
            fake.put("unrelated")
            time.sleep(0.02)
        assert 10 + 5 <= len(fake.queries("/missing")) <= 10 + 8 / 0.8 + 2, "slowed down, but asked every second"
        assert state(agent) == "current"
        registered = time.monotonic()
        fake.put("missing", *OTHER)
        eventually(lambda: has(agent, 1, "missing"))
        assert time.monotonic() - registered < SEEN_S


def test_a06_a_wrong_empty_on_token_revocation_is_kept_out(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *WEB, index=9_999_999)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: has(agent, 2))
        fake.once(says(200, [], x_consul_index="1"))
        fake.put("web", *WEB, index=10_000_000)
        eventually(lambda: agent.metric('outrider_agent_suspect_empties_total{upstream="web"}') == 1)
        assert has(agent, 2)
        eventually(lambda: state(agent) == "current")


@pytest.mark.parametrize(
    "denial",
    [
        says(200, [], x_consul_index="99", x_consul_results_filtered_by_acls="true"),
        says(403, "Permission denied"),
        says(400, "Invalid index"),
    ],
)
def test_a07_a_denial_is_kept_out_and_named(directory: Path, fake: FakeConsul, denial: Fault) -> None:
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: has(agent, 2))
        fake.always(denial)
        fake.put("web", *WEB)
        eventually(lambda: state(agent) == "denied")
        assert has(agent, 2)
        assert agent.upstream("web")["reason"]


GARBAGE = [
    raw(b""),
    raw(b"\x00" * 1000),
    raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[{"),
    raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n[{"),
    raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\nX-Consul-Index: 99\r\n\r\n\x1f\x8b"),
    raw(b"HTTP/1.1 200 OK\r\nX-Consul-Index: 99\r\nContent-Length: 9\r\n\r\n[{}, {}, "),
    says(200, "null", x_consul_index="99"),
    says(200, {"not": "a list"}, x_consul_index="99"),
    says(200, [1, 2, 3], x_consul_index="99"),
    says(200, "[" * 200_000, x_consul_index="99"),
    says(500, "No cluster leader"),
    says(429, "Your IP is issuing too many concurrent connections"),
    says(200, [], x_consul_index="99", x_consul_knownleader="false"),
    says(302, "", location="http://127.0.0.1:1/"),
    reset,
]


def test_a13_garbage_never_crashes_the_agent_nor_changes_what_it_knows(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: has(agent, 2))
        for fault in GARBAGE:
            asked = len(fake.queries())
            fake.once(fault)
            fake.put("web", *WEB)
            eventually(lambda asked=asked: len(fake.queries()) > asked + 1)
            assert has(agent, 2)
        fake.put("web", *OTHER, *WEB)
        eventually(lambda: has(agent, 3))
        assert agent.process.poll() is None


def test_a13_an_answer_larger_than_the_agents_room_is_refused(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: has(agent, 2))
        fake.put("web", *(entry("10.0.0.1", port) for port in range(1, 9_000)))
        eventually(lambda: "more than" in agent.upstream("web").get("reason", ""))
        assert has(agent, 2)
        fake.put("web", *WEB, *OTHER)
        eventually(lambda: has(agent, 3))


def test_a11_a_consul_that_hangs_costs_nothing_but_time(directory: Path, fake: FakeConsul) -> None:
    """The deadline itself, of 63 s, is proven with a clock in tests/unit/agent/test_watch.py; a first read has 5 s."""
    fake.put("web", *WEB)
    fake.always(hang(30.0))
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: "no answer in time" in agent.upstream("web").get("reason", ""))
        fake.always(None)
        eventually(lambda: has(agent, 2))


def overtaken(*entries: Entry) -> Fault:
    """Consul answers what it knows, and has changed its mind before the answer is on its way."""

    def fault(request: Request) -> None:
        fake = request.fake
        document, index = fake.services["web"], fake.index
        fake.put("web", *entries)
        request.answer(200, document, {"X-Consul-Index": str(index)})

    return fault


def test_a18_a_change_while_an_answer_is_under_way_is_seen_at_once(directory: Path, fake: FakeConsul) -> None:
    """At once: the query that follows has the answer's index, so it does not wait its 55 s."""
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: has(agent, 2))
        for number in range(1, 11):
            fake.once(overtaken(*WEB, *OTHER, entry("10.0.0.1", 1000 + number)))
            fake.put("web", *WEB, entry("10.0.0.1", number))
            eventually(lambda: has(agent, 4))
            fake.put("web", *WEB)
            eventually(lambda: has(agent, 2))


def test_a19_a_consul_that_wakes_nobody_is_asked_again_when_the_wait_is_over(directory: Path, fake: FakeConsul) -> None:
    """With a wait of 1 s instead of 55 s."""
    fake.put("web", *WEB)
    with running_hasty_agent(directory, fake.address, "web", wait=1.0) as agent:
        eventually(lambda: has(agent, 2))
        fake.put("web", *WEB, *OTHER, index=fake.index)
        eventually(lambda: has(agent, 3))
        assert agent.metric('outrider_agent_failures_total{upstream="web"}') == 0


def test_a19_a_consul_whose_blocking_reads_are_stuck_is_read_whole_now_and_then(
    directory: Path, fake: FakeConsul
) -> None:
    """With a full read every 3 s instead of every 5 minutes (hashicorp/consul#8980)."""

    def stuck(request: Request) -> None:
        """A blocking query gets what was true long ago, a plain one gets the truth."""
        is_blocking = request.parameters.get("index", "0") != "0"
        time.sleep(request.wait() if is_blocking else 0.0)
        request.answer(200, WEB if is_blocking else [*WEB, *OTHER], {"X-Consul-Index": str(fake.index)})

    fake.put("web", *WEB)
    with running_hasty_agent(directory, fake.address, "web", wait=0.5, refresh=3.0) as agent:
        eventually(lambda: has(agent, 2))
        fake.always(stuck)
        eventually(lambda: has(agent, 3))


def test_a15_a_refused_connection_is_retried_without_a_storm(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *WEB)
    fake.always(reset)
    with running_agent(directory, fake.address, "web") as agent:
        time.sleep(3.0)
        assert 2 <= len(fake.queries()) <= 30
        fake.always(None)
        eventually(lambda: has(agent, 2))


@pytest.mark.needs("faketime")
def test_a21_a_wall_clock_that_jumps_an_hour_changes_nothing(
    directory: Path, fake: FakeConsul, program: Callable[[str], str]
) -> None:
    """With libfaketime, whose clock of the agent's is set while its query blocks; monotonic clocks are left alone."""
    clock = directory / "clock"
    clock.write_text("+0")
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "web", jumping(program("faketime"), clock)) as agent:
        eventually(lambda: has(agent, 2))
        eventually((directory / "snapshot.json").exists)
        for number, jump in enumerate(("+1h", "-1h", "+0"), start=1):
            eventually(lambda: f"index={fake.index}&" in fake.queries()[-1])
            queries = len(fake.queries())
            clock.write_text(jump)
            time.sleep(1.0)
            assert len(fake.queries()) == queries, "the query that blocks goes on"
            assert (state(agent), agent.upstream("web")["age_seconds"] < 60) == ("current", True)
            fake.put("web", *WEB, entry("10.0.0.1", number))
            eventually(lambda number=number: ports_of(agent, number))
            eventually(lambda jump=jump: abs(snapshot_at(directory) - time.time() - HOURS[jump]) < 60)


HOURS = {"+1h": 3600.0, "-1h": -3600.0, "+0": 0.0}


def jumping(faketime: str, clock: Path) -> dict[str, str]:
    """The variables of a process whose wall clock is what the file says."""
    shown = subprocess.run([faketime, "-f", "+0", "env"], capture_output=True, text=True, check=True).stdout
    preloaded = next(line for line in shown.splitlines() if line.startswith("LD_PRELOAD="))
    name, _, library = preloaded.partition("=")
    return {name: library, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}


def ports_of(agent: Agent, number: int) -> bool:
    return number in {one["port"] for one in agent.upstream("web")["endpoints"]}


def snapshot_at(directory: Path) -> float:
    """The wall clock's time as the agent wrote it: what shows that its clock has jumped."""
    return json.loads((directory / "snapshot.json").read_text())["saved_at"]


def test_a22_a_rotated_token_is_used_at_once_and_nothing_is_emptied(directory: Path, fake: FakeConsul) -> None:
    token = directory / "consul_token"
    token.write_text("old")
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "web", {settings.CONSUL_TOKEN_FILE: str(token)}) as agent:
        eventually(lambda: has(agent, 2))
        assert fake.log[-1][2]["x-consul-token"] == "old"
        fake.always(says(403, "ACL not found"))
        fake.put("web", *WEB)
        eventually(lambda: state(agent) == "denied")
        fake.always(None)
        token.write_text("new")
        eventually(lambda: state(agent) == "current", patience=8)
        assert fake.log[-1][2]["x-consul-token"] == "new"
        assert has(agent, 2)


def test_a23_a_killed_agent_starts_from_its_snapshot_while_consul_is_dead(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: has(agent, 2))
        eventually((directory / "snapshot.json").exists)
        agent.end(at_once=True)
    for _ in range(3):
        with running_agent(directory, "127.0.0.1:1", "web") as agent:
            assert has(agent, 2)
            eventually(lambda agent=agent: state(agent) == "failing")
            assert has(agent, 2)


def test_a_damaged_snapshot_is_said_and_passed_over(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *WEB)
    (directory / "snapshot.json").write_text('{"format":1,"upstr')
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: has(agent, 2))
        assert "cannot be used" in agent.output()


def test_a25_addresses_of_every_form_pass_or_are_skipped_one_by_one(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", entry("", 80), entry("fd00::1", 81), entry("web.example", 82), entry("10.0.0.1", 0), *OTHER)
    with running_agent(directory, fake.address, "web") as agent:
        eventually(lambda: ports(agent) == ["10.0.0.9", "10.9.9.9", "fd00::1"])
        assert agent.metric('outrider_agent_upstream_skipped_instances{upstream="web"}') == 2


def test_a_consul_on_a_unix_socket_is_reached(directory: Path) -> None:
    with FakeConsul().running(unix=directory / "consul.sock") as fake:
        fake.put("web", *WEB)
        with running_agent(directory, f"unix://{directory}/consul.sock", "web") as agent:
            eventually(lambda: has(agent, 2))


def test_another_datacenter_is_asked_for(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", *WEB)
    with running_agent(directory, fake.address, "web@eu") as agent:
        eventually(lambda: has(agent, 2, "web@eu"))
        assert all("dc=eu" in query for query in fake.queries())
