"""Consul over TLS: who is trusted, who trusts us, and that nothing is known when it fails."""

from __future__ import annotations

import ssl
from collections.abc import Generator
from pathlib import Path

import pytest
from fakes.consul import FakeConsul, entry
from machine import eventually, running_agent
from outrider_agent import settings

CERTIFICATES = Path(__file__).parents[2] / "fakes" / "certificates"
CA = {settings.CONSUL_CACERT: str(CERTIFICATES / "ca.pem")}
CLIENT = {
    settings.CONSUL_CLIENT_CERT: str(CERTIFICATES / "client.pem"),
    settings.CONSUL_CLIENT_KEY: str(CERTIFICATES / "client.key"),
}


@pytest.fixture
def tls_consul() -> Generator[FakeConsul]:
    """A Consul that wants a client's certificate (verify_incoming)."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(CERTIFICATES / "ca.pem"))
    context.load_cert_chain(CERTIFICATES / "server.pem", CERTIFICATES / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
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
        eventually(lambda: "certificate verify failed" in agent.upstream("web").get("reason", ""))
        assert agent.upstream("web")["endpoints"] is None


def test_a_consul_that_wants_a_certificate_and_gets_none_is_a_failure_with_its_reason(
    directory: Path, tls_consul: FakeConsul
) -> None:
    with running_agent(directory, f"https://{tls_consul.address}", "web", CA) as agent:
        eventually(lambda: agent.upstream("web").get("state") == "failing")
        assert agent.upstream("web")["reason"]


def test_a_certificate_that_cannot_be_read_is_named_at_the_start(directory: Path, tls_consul: FakeConsul) -> None:
    missing = {**CLIENT, settings.CONSUL_CACERT: "/nowhere/ca.pem"}
    with (
        pytest.raises(AssertionError, match=r"CONSUL_CACERT names /nowhere/ca\.pem"),
        running_agent(directory, f"https://{tls_consul.address}", "web", missing),
    ):
        """It has not started."""


def test_bytes_that_are_no_tls_are_a_failure(directory: Path) -> None:
    with FakeConsul().running() as plain, running_agent(directory, f"https://{plain.address}", "web") as agent:
        eventually(lambda: agent.upstream("web").get("state") == "failing")
