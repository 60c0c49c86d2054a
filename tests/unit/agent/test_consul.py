"""What the agent asks Consul: paths, headers, the token, and how it reads what comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from outrider_agent.addresses import Address
from outrider_agent.channel import Channel
from outrider_agent.consul import Consul, Instances, Names, catalog_path, health_path, own_path
from outrider_agent.loop import Loop
from outrider_agent.memory_budget import INSTANCE, MalformedError, MemoryBudget
from outrider_agent.previous_list import PreviousList
from outrider_agent.queries import Query
from outrider_agent.settings import ConsulSettings, Upstream
from outrider_agent.token import Token
from outrider_harness.scripted_consul import entry

ROOM = MemoryBudget(1 << 20)
RECORDINGS = Path(__file__).parents[2] / "recordings" / "consul-1.8.7"


def settings(token: str = "") -> ConsulSettings:
    return ConsulSettings(Address(host="127.0.0.1", port=8500), token=token)


def request(found: ConsulSettings, path: str) -> list[str]:
    loop = Loop()
    try:
        return Consul(loop, found, Channel, MemoryBudget(0)).request(path).decode().split("\r\n")
    finally:
        loop.close()


def test_the_first_query_asks_at_once_and_later_ones_block() -> None:
    assert health_path(Upstream("web"), Query(0, 0.0, 0.0)) == "/v1/health/service/web"
    assert health_path(Upstream("web"), Query(7, 55.0, 0.0)) == "/v1/health/service/web?index=7&wait=55000ms"


def test_another_datacenter_is_asked_for_by_name() -> None:
    assert health_path(Upstream("web@eu"), Query(7, 1.5, 0.0)) == "/v1/health/service/web?index=7&wait=1500ms&dc=eu"
    assert catalog_path(Upstream("web@eu")) == "/v1/catalog/services?dc=eu"


def test_no_name_leaves_its_place_in_a_path() -> None:
    assert own_path("_nomad/../x?y#é", "") == "/v1/agent/service/_nomad%2F..%2Fx%3Fy%23%C3%A9"
    assert own_path("web", "ab c") == "/v1/agent/service/web?hash=ab%20c&wait=55s"


def test_the_token_and_the_namespace_travel_along() -> None:
    found = settings("secret")
    found.namespace = "team"
    lines = request(found, "/v1/x?dc=eu")
    assert lines[0] == "GET /v1/x?dc=eu&ns=team HTTP/1.1"
    assert "x-consul-token: secret" in lines
    assert lines[-2:] == ["", ""]


def test_without_a_token_no_header_is_sent() -> None:
    assert not any("token" in line for line in request(settings(), "/v1/x"))


def test_a22_a_token_file_that_is_replaced_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "consul_token"
    path.write_text("first\n")
    found = settings("fallback")
    found.token_file = str(path)
    token = Token(found)
    assert token.value() == "first"
    (tmp_path / "next").write_text("second-token\n")
    (tmp_path / "next").replace(path)
    assert token.has_changed()
    assert (token.value(), token.has_changed()) == ("second-token", False)


def test_a22_a_token_file_that_vanishes_leaves_the_last_token(tmp_path: Path) -> None:
    path = tmp_path / "consul_token"
    found = settings("fallback")
    found.token_file = str(path)
    token = Token(found)
    assert token.value() == "fallback"
    path.write_text("first")
    assert token.value() == "first"
    path.unlink()
    assert token.value() == "first"


def test_the_instances_of_a_recorded_answer_are_read() -> None:
    recorded = json.loads((RECORDINGS / "27-health-passing.json").read_text())["response"]["body"]
    instances = Instances(ROOM, PreviousList(ROOM, "rec"))
    instances.feed(200, json.dumps(recorded).encode())
    instances.finish()
    assert [(one.address, one.port, one.health, one.weight) for one in instances.found] == [
        ("127.0.0.1", 18080, "passing", 3)
    ]


def test_a25_an_instance_that_envoy_cannot_take_is_skipped_and_counted() -> None:
    instances = Instances(ROOM, PreviousList(ROOM, "web"))
    instances.feed(200, json.dumps([entry("web.example", 80), entry("10.0.0.1", 80)]).encode())
    instances.finish()
    assert (len(instances.found), len(instances.skipped)) == (1, 1)


def test_instances_of_a_service_whose_name_differs_in_case_are_left_out_and_named() -> None:
    entries = [entry("10.0.0.1", 80, Service="web"), entry("10.0.0.2", 80, Service="Web"), entry("10.0.0.3", 80)]
    instances = Instances(ROOM, PreviousList(ROOM, "web"))
    instances.feed(200, json.dumps([*entries, entry("nowhere", 80, Service="WEB")]).encode())
    instances.finish()
    assert [one.address for one in instances.found] == ["10.0.0.1", "10.0.0.3"], "one names nobody: it was asked for"
    assert (instances.foreign, instances.skipped) == (["Web", "WEB"], [])


def test_a_list_of_more_instances_than_there_is_memory_for_is_refused_before_it_is_there() -> None:
    budget = MemoryBudget(100 * INSTANCE)
    instances = Instances(budget, PreviousList(budget, "web"))
    with pytest.raises(MalformedError, match=r"sidecar\.memory\.agent"):
        instances.feed(200, b"[" + b",".join([json.dumps(entry("10.0.0.1", port)).encode() for port in range(1, 200)]))
    instances.release()
    assert budget.free == budget.size


def test_what_consul_says_instead_of_a_list_is_kept_in_short() -> None:
    instances = Instances(ROOM, PreviousList(ROOM, "web"))
    instances.feed(500, b"rpc error:\n  No cluster leader" + b"x" * 10_000)
    assert instances.words.startswith("rpc error: No cluster leader")
    assert len(instances.words) <= 200


@pytest.mark.parametrize(
    ("document", "others"),
    [(b'{"consul":[],"web":["a"]}', False), (b'{"consul":[],"db":[]}', True), (b"{}", False), (b"oops", False)],
)
def test_a_catalog_shows_whether_consul_knows_others(document: bytes, others: bool) -> None:
    names = Names(MemoryBudget(100))
    names.feed(500, b"ignored")
    names.feed(200, document)
    assert names.include_other("consul", "web") is others
