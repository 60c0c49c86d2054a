"""Consul by name: every address is tried, a resolver that hangs holds nothing up, a name that moves is followed."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import pytest
from outrider_agent import settings
from outrider_harness.agents import running_agent
from outrider_harness.asking import fetched
from outrider_harness.envoys import running_envoy
from outrider_harness.ports import free_ports
from outrider_harness.scripted_consul import FakeConsul, entry, reset
from outrider_harness.waiting import eventually
from support.mounted_agent import MountedAgent, instead, running_mounted_agent
from support.name_server import running_name_server

CERTIFICATES = Path(__file__).parents[2] / "fakes" / "certificates"
SERVER = "127.77.77.77"  # of names: an address of loopback that nobody else uses
BOTH = "::1 localhost\n127.0.0.1 localhost\n"
RESOLVER = f"nameserver {SERVER}\noptions timeout:12 attempts:1\n"  # a blocked loop would answer nothing for 12 s
SWITCH = "hosts: files dns\n"


def by_name(directory: Path, hosts: str = "") -> list[str]:
    """What names are made of in the agent's namespace."""
    files = {"/etc/hosts": hosts, "/etc/resolv.conf": RESOLVER, "/etc/nsswitch.conf": SWITCH}
    return [instead(path, content, directory) for path, content in files.items()]


def is_current(agent: MountedAgent) -> bool:
    return agent.upstream("web").get("state") == "current"


@pytest.mark.needs("ip")
def test_localhost_with_ipv6_first_reaches_a_consul_on_ipv4(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", entry("10.0.0.1", 80))
    with running_mounted_agent(directory, f"localhost:{fake.port}", "web", by_name(directory, BOTH)) as agent:
        eventually(lambda: is_current(agent))
        fake.put("web", entry("10.0.0.1", 80), entry("10.0.0.2", 80))
        eventually(lambda: len(agent.upstream("web")["endpoints"]) == 2)
        assert fake.log[-1][2]["host"] == f"localhost:{fake.port}"


@pytest.mark.needs("ip")
def test_localhost_with_ipv6_first_is_refused_with_both_addresses_where_nobody_is(directory: Path) -> None:
    (port,) = free_ports(1)
    with running_mounted_agent(directory, f"localhost:{port}", "web", by_name(directory, BOTH)) as agent:
        reason = f"[::1]:{port} connection refused, 127.0.0.1:{port} connection refused"
        eventually(lambda: agent.upstream("web").get("reason") == reason)


@pytest.mark.needs("ip")
def test_the_certificate_is_that_of_the_name_whichever_address_answers(directory: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    trusted = {settings.CONSUL_CACERT: str(CERTIFICATES / "ca.pem")}
    with FakeConsul().running(tls=context) as fake:
        fake.put("web", entry("10.0.0.1", 80))
        for name, holds in (("localhost", True), ("consul.example", False)):
            (place := directory / name).mkdir()
            hosts = BOTH.replace("localhost", name)
            consul = f"https://{name}:{fake.port}"
            with running_mounted_agent(place, consul, "web", by_name(place, hosts), trusted) as agent:
                if holds:
                    eventually(lambda agent=agent: is_current(agent))
                else:
                    eventually(lambda agent=agent: "lets us believe" in agent.upstream("web").get("reason", ""))


@pytest.mark.needs("ip")
def test_a_resolver_that_hangs_holds_no_poll_up_and_is_named_until_it_answers(
    directory: Path, fake: FakeConsul, backends: list[int], envoy_bin: str
) -> None:
    web = entry("127.0.0.1", backends[0])
    fake.put("web", web)
    with running_agent(directory, fake.address, "web") as first:
        eventually(lambda: first.upstream("web").get("endpoints"))
        assert first.end() == 0, "with a snapshot"
    consul = f"consul.example:{fake.port}"
    with (
        running_name_server(SERVER) as names,
        running_mounted_agent(directory, consul, "web,other", by_name(directory)) as agent,
    ):
        eventually(lambda: "still being looked up" in agent.upstream("web")["reason"])
        assert names.questions
        with running_envoy(envoy_bin, directory, ["web"]) as envoy:
            assert envoy.get("web") == (200, str(backends[0]).encode()), "from the snapshot"
            assert {fetched(agent.address, "/metrics")[0] for _ in range(20)} == {200}
        names.address = "127.0.0.1"
        eventually(lambda: is_current(agent), patience=60)


@pytest.mark.needs("ip")
def test_a_name_that_does_not_exist_is_said(directory: Path) -> None:
    with running_mounted_agent(directory, "nobody.invalid:8500", "web", []) as agent:
        eventually(lambda: "cannot look up nobody.invalid: " in agent.upstream("web")["reason"])


@pytest.mark.needs("ip")
def test_a_name_that_moves_is_followed(directory: Path) -> None:
    """The hosts file says something else, as a name server would."""
    (port,) = free_ports(1)
    hosts = directory / "_etc_hosts"
    commands = by_name(directory, "127.0.0.1 consul.example\n")
    with contextlib.ExitStack() as stack:
        with FakeConsul().running(port) as fake:
            fake.put("web", entry("10.0.0.1", 80))
            agent = stack.enter_context(running_mounted_agent(directory, f"consul.example:{port}", "web", commands))
            eventually(lambda: is_current(agent))
            fake.always(reset)  # its connections would outlive it
        moved = stack.enter_context(FakeConsul().running(port, host=SERVER))
        moved.put("web", entry("10.0.0.2", 80))
        hosts.write_text(f"{SERVER} consul.example\n")
        eventually(lambda: "10.0.0.2" in [one["address"] for one in agent.upstream("web")["endpoints"]], patience=60)


def test_an_ipv6_literal_is_reached(directory: Path) -> None:
    with FakeConsul().running(host="::1") as fake:
        fake.put("web", entry("10.0.0.1", 80))
        with running_agent(directory, f"http://[::1]:{fake.port}", "web") as agent:
            eventually(lambda: agent.upstream("web").get("state") == "current")
            assert fake.log[-1][2]["host"] == f"[::1]:{fake.port}"
