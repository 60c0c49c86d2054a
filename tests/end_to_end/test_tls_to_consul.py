"""Allocations that reach a real Consul by TLS alone, in the product's own job: with certificates, and with each one missing."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from outrider_harness.consuls import register, running_consul
from outrider_harness.ports import free_ports
from support.stage import APP, Asked, Stage
from support.stage import stage as new_stage

CERTIFICATES = Path(__file__).parents[1] / "fakes" / "certificates"
CA, CERTIFICATE, KEY = (str(CERTIFICATES / name) for name in ("ca.pem", "client.pem", "client.key"))
ALL = f"{{ca: {CA}, certificate: {CERTIFICATE}, key: {KEY}}}"
CALLER = """
service: asking
run: {{command: [{python}, {app}]}}
checks: [{{http: /, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: one}}
upstreams: {{catalog: {{protocol: http}}}}
update: {{min_healthy_time: 0s, healthy_deadline: 20s, auto_revert: false}}
"""
pytestmark = pytest.mark.needs("consul")


@pytest.fixture
def consul(consul_bin: str, tmp_path: Path) -> Generator[tuple[str, str]]:
    """A Consul that the scheduler reaches in plain, and agents only with a certificate (verify_incoming_https)."""
    (https,) = free_ports(1)
    files = {"ca_file": CA, "cert_file": str(CERTIFICATES / "server.pem"), "key_file": str(CERTIFICATES / "server.key")}
    more = {**files, "verify_incoming_https": True, "ports": {"https": https}}
    (tmp_path / "consul").mkdir()
    with running_consul(consul_bin, tmp_path / "consul", hcl=json.dumps(more)) as address:
        register(address, "catalog", 9)
        yield f"http://{address}", f"https://127.0.0.1:{https}"


@asynccontextmanager
async def stage_with(
    tmp_path: Path, envoy: str, ports: tuple[int, int], consul: tuple[str, str], tls: str
) -> AsyncGenerator[Stage]:
    plain, by_tls = consul
    async with new_stage(tmp_path, envoy, ports, consul=Asked(plain, by_tls, f", tls: {tls}")) as made:
        yield made


async def test_an_allocation_reaches_a_consul_that_wants_certificates(
    tmp_path: Path, envoy_bin: str, ports: tuple[int, int], consul: tuple[str, str]
) -> None:
    async with stage_with(tmp_path, envoy_bin, ports, consul, ALL) as stage:
        ended = await stage.run(CALLER.format(python=sys.executable, app=APP))
        assert ended.state == "successful", ended.reason


@pytest.mark.parametrize(
    ("tls", "reason"),
    [
        (f"{{ca: {CA}}}", "it wants a certificate, and CONSUL_CLIENT_CERT is not set (consul.tls)"),
        (f"{{certificate: {CERTIFICATE}, key: {KEY}}}", "(CONSUL_CACERT is not set) lets us believe"),
        (
            f"{{ca: {CA}, certificate: /nowhere/c.pem, key: {KEY}}}",
            "CONSUL_CLIENT_CERT names /nowhere/c.pem: no such file",
        ),
    ],
)
async def test_a_certificate_that_is_missing_is_a_sentence_of_the_verdict(
    tmp_path: Path, envoy_bin: str, ports: tuple[int, int], consul: tuple[str, str], tls: str, reason: str
) -> None:
    async with stage_with(tmp_path, envoy_bin, ports, consul, tls) as stage:
        ended = await stage.run(CALLER.format(python=sys.executable, app=APP))
        assert ended.state == "failed"
        assert reason in ended.reason
        assert "Traceback" not in ended.reason
