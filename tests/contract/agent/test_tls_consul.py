"""Consul over TLS: who is trusted, who trusts us, and that nothing is known when it fails."""

from __future__ import annotations

import ssl
from collections.abc import Generator
from pathlib import Path

import pytest
from outrider_agent import settings
from outrider_harness.agents import running_agent
from outrider_harness.scripted_consul import FakeConsul, entry, reset
from outrider_harness.waiting import eventually

CERTIFICATES = Path(__file__).parents[2] / "fakes" / "certificates"
CA = {settings.CONSUL_CACERT: str(CERTIFICATES / "ca.pem")}
CLIENT = {
    settings.CONSUL_CLIENT_CERT: str(CERTIFICATES / "client.pem"),
    settings.CONSUL_CLIENT_KEY: str(CERTIFICATES / "client.key"),
}


@pytest.fixture
def context() -> ssl.SSLContext:
    """Consul's own; it wants a client's certificate (verify_incoming)."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(CERTIFICATES / "ca.pem"))
    made.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    made.verify_mode = ssl.CERT_REQUIRED
    return made


@pytest.fixture
def tls_consul(context: ssl.SSLContext) -> Generator[FakeConsul]:
    with FakeConsul().running(tls=context) as running:
        running.put("web", entry("10.0.0.1", 80))
        yield running


def test_a_consul_with_tls_is_watched_like_any_other(directory: Path, tls_consul: FakeConsul) -> None:
    with running_agent(directory, f"https://{tls_consul.address}", "web", {**CA, **CLIENT}) as agent:
        eventually(lambda: agent.upstream("web").get("endpoints"))
        tls_consul.put("web", entry("10.0.0.1", 80), entry("10.0.0.2", 80))
        eventually(lambda: len(agent.upstream("web")["endpoints"]) == 2)


def test_the_switch_of_consuls_tools_means_tls_too(directory: Path, tls_consul: FakeConsul) -> None:
    more = {**CA, **CLIENT, settings.CONSUL_SSL: "true"}
    with running_agent(directory, tls_consul.address, "web", more) as agent:
        eventually(lambda: agent.upstream("web").get("endpoints"))


def test_a_consul_of_an_unknown_authority_is_not_believed(directory: Path, tls_consul: FakeConsul) -> None:
    with running_agent(directory, f"https://{tls_consul.address}", "web", CLIENT) as agent:
        eventually(lambda: "(CONSUL_CACERT is not set) lets us believe" in agent.upstream("web").get("reason", ""))
        assert agent.upstream("web")["endpoints"] is None


def test_a_consul_that_wants_a_certificate_and_gets_none_is_a_failure_with_its_reason(
    directory: Path, tls_consul: FakeConsul
) -> None:
    with running_agent(directory, f"https://{tls_consul.address}", "web", CA) as agent:
        eventually(lambda: "CONSUL_CLIENT_CERT is not set (consul.tls)" in agent.upstream("web").get("reason", ""))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({settings.CONSUL_CACERT: "/nowhere/ca.pem"}, "CONSUL_CACERT names /nowhere/ca.pem: no such file"),
        ({settings.CONSUL_CLIENT_CERT: "/nowhere/c.pem"}, "CONSUL_CLIENT_CERT names /nowhere/c.pem: no such file"),
        ({settings.CONSUL_CLIENT_KEY: "/nowhere/c.key"}, "CONSUL_CLIENT_KEY names /nowhere/c.key: no such file"),
        (
            {settings.CONSUL_CLIENT_KEY: str(CERTIFICATES / "server.key")},
            "no certificate and its key: key values mismatch",
        ),
        ({settings.CONSUL_SERVER_NAME: "client.dc1.consul"}, "not valid for 'client.dc1.consul'"),
    ],
)
def test_what_is_wrong_with_certificates_is_the_reason_in_a_sentence(
    directory: Path, tls_consul: FakeConsul, wrong: dict[str, str], said: str
) -> None:
    with running_agent(directory, f"https://{tls_consul.address}", "web", {**CA, **CLIENT, **wrong}) as agent:
        eventually(lambda: said in agent.upstream("web").get("reason", ""))


def test_a_server_name_is_the_one_that_the_certificate_is_held_against(directory: Path, tls_consul: FakeConsul) -> None:
    named = {**CA, **CLIENT, settings.CONSUL_SERVER_NAME: "localhost"}
    with running_agent(directory, f"https://{tls_consul.address}", "web", named) as agent:
        eventually(lambda: agent.upstream("web").get("endpoints"))


def test_certificates_that_come_later_are_taken_without_a_restart(directory: Path, tls_consul: FakeConsul) -> None:
    late = directory / "late.pem"
    variables = {**CA, **CLIENT, settings.CONSUL_CLIENT_CERT: str(late)}
    with running_agent(directory, f"https://{tls_consul.address}", "web", variables) as agent:
        eventually(lambda: agent.upstream("web").get("state") == "failing")
        late.write_bytes((CERTIFICATES / "client.pem").read_bytes())
        eventually(lambda: agent.upstream("web").get("endpoints"))


def test_a_certificate_that_is_refused_is_no_limit_of_connections_and_those_that_stand_go_on(
    directory: Path, context: ssl.SSLContext, tls_consul: FakeConsul
) -> None:
    context.verify_mode = ssl.CERT_NONE
    tls_consul.put("api", entry("10.0.0.3", 80))
    with running_agent(directory, f"https://{tls_consul.address}", "web,api", CA) as agent:
        eventually(lambda: all(agent.upstream(name).get("endpoints") for name in ("web", "api")))
        context.verify_mode = ssl.CERT_REQUIRED
        tls_consul.always(reset, "/web")
        tls_consul.put("web", entry("10.0.0.1", 80), entry("10.0.0.2", 80))
        eventually(lambda: "CONSUL_CLIENT_CERT is not set" in agent.upstream("web").get("reason", ""))
        tls_consul.put("api", entry("10.0.0.3", 80), entry("10.0.0.4", 80))
        eventually(lambda: len(agent.upstream("api")["endpoints"]) == 2)
        assert "take turns" not in agent.output()


def test_bytes_that_are_no_tls_are_a_failure(directory: Path) -> None:
    with FakeConsul().running() as plain, running_agent(directory, f"https://{plain.address}", "web") as agent:
        eventually(lambda: agent.upstream("web").get("state") == "failing")
