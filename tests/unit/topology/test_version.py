"""The hashes of both parts: the same for what runs the same, another for what does not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import create_model
from support.topologies import made_job, made_parts, platform, service

from outrider.nomad.write.job import job
from outrider.spec.service import Ingress, Service
from outrider.topology.parts import Parts, content_hash
from outrider.topology.resolve import topology
from outrider.topology.sidecar import Artifact, CarriedAgent
from outrider.topology.version import service_hash

SPEC = {"upstreams": {"payments": {}}, "env": {"A": "1"}}


@pytest.mark.parametrize(
    "change",
    [
        {"count": 5},
        {"team": "money"},
        {"description": "Other."},
        {"links": {"wiki": "https://wiki.example"}},
        {"consul": {"tags": ["blue", "${attr.kernel.name}"], "meta": {"tier": "1"}}},
        {"update": {"max_parallel": 2}},
        {"protocol": "http", "mesh": True, "resources": {"cpu": 100}, "ingress": {}},
    ],
)
def test_what_restarts_nobody_leaves_both_parts_alone(change: dict[str, object]) -> None:
    assert made_parts(SPEC | change) == made_parts(SPEC)
    assert made_job(SPEC | change)["Meta"] == made_job(SPEC)["Meta"]


@pytest.mark.parametrize(
    "change",
    [
        {"env": {"A": "2"}},
        {"run": {"command": ["app", "--fast"]}},
        {"port": 8080},
        {"protocol": "http2"},
        {"upstreams": {"payments": {"timeout": "1s"}}},
        {"upstreams": {}},
        {"resources": {"cpu": 200}},
        {"stop": {"timeout": "30s"}},
        {"checks": [{"http": "/x"}]},
        {"mesh": False, "upstreams": {}},
    ],
)
def test_what_a_developer_changes_is_another_service_part(change: dict[str, object]) -> None:
    before, after = made_parts(SPEC), made_parts(SPEC | change)
    assert before.service != after.service
    assert before.version != after.version


@pytest.mark.parametrize(
    "change",
    [
        {"defaults": {"timeout": "9s"}},
        {"sidecar": {"envoy": {"path": "/opt/envoy"}}},
        {"sidecar": {"memory": {"envoy": 96}}},
        {"tracing": {"collector": "http://zipkin.example"}},
        {"driver": "exec"},
        {"consul": {"address": "http://127.0.0.1:8500", "agent_address": "http://127.0.0.1:9500"}},
    ],
)
def test_what_operators_change_is_another_sidecar_part_and_nothing_else(change: dict[str, Any]) -> None:
    before, after = made_parts(SPEC), made_parts(SPEC, change)
    assert before.service == after.service
    assert before.sidecar != after.sidecar
    assert before.version != after.version


def test_a_default_of_the_operators_counts_for_those_only_on_whom_it_has_an_effect() -> None:
    slower = {"defaults": {"timeout": "9s"}}
    assert made_parts({}, slower) == made_parts({})
    assert made_parts({}, {"prometheus": {"address": "http://prometheus.example"}}) == made_parts({})


def test_the_protocol_of_a_callee_is_of_the_services_part() -> None:
    assert made_parts(SPEC, payments="grpc").service != made_parts(SPEC).service


def test_the_bytes_of_a_directory_count_and_the_address_they_come_from_does_not() -> None:
    def part(url: str, digit: str) -> str:
        return service_hash(service(), "test", {}, Artifact(f"http://{url}/x", digit * 64))

    assert part("a.example", "1") == part("b.example", "1")
    assert part("a.example", "1") != part("a.example", "2")


def test_a_version_of_one_environment_is_none_of_another() -> None:
    assert service_hash(service(), "stage", {}) != service_hash(service(), "production", {})


def test_an_agents_sources_count_and_what_packed_them_does_not() -> None:
    def parts(packed: str, digit: str) -> dict[str, str]:
        agent = CarriedAgent(serve=packed, gate=packed, sha256=digit * 64)
        made = topology(service(), platform(), "test", protocols={}, agent=agent)
        return job(made, "{}")["Meta"]

    assert parts("AAAA", "1") == parts("BBBB", "1")
    one, other = parts("AAAA", "1"), parts("AAAA", "2")
    assert one["outrider_service_part"] == other["outrider_service_part"]
    assert one["outrider_sidecar_part"] != other["outrider_sidecar_part"]


def test_the_order_of_keys_in_the_file_means_nothing() -> None:
    one = {"env": {"A": "1", "B": "2"}, "upstreams": {"x": {}, "y": {}}}
    other = {"upstreams": {"y": {}, "x": {}}, "env": {"B": "2", "A": "1"}}
    assert made_parts(one) == made_parts(other)


def test_a_field_that_a_later_outrider_adds_moves_no_hash() -> None:
    """One in the spec, one in a part of it, one as a whole new part."""
    part = create_model("Part", depth=(int, 3), __base__=Ingress)
    wider = create_model("Wider", rate=(int, 7), colour=(str | None, None), __base__=Ingress)
    later = create_model(
        "Later",
        __base__=Service,
        colour=(str | None, None),
        steps=(tuple[int, ...], ()),
        ingress=(wider, wider()),
        canary=(part, part()),
    )
    written = {"service": "checkout", "run": {"command": ["app"]}, **SPEC}
    today, tomorrow = Service.model_validate(written), later.model_validate(written)
    assert service_hash(today, "test", {}) == service_hash(tomorrow, "test", {})


def test_an_upstream_without_knobs_is_there() -> None:
    assert service_hash(service(upstreams={"a": {}}), "test", {}) != service_hash(service(), "test", {})


def test_a_patch_counts_for_the_services_that_name_it_and_for_nobody_else() -> None:
    def patches(timeout: str) -> dict[str, object]:
        merged = {"static_resources": {"clusters": {"local_app": {"connect_timeout": timeout}}}}
        return {"patches": {"slow": {"merge": merged}}}

    chosen = {"patches": ["slow"]}
    assert made_parts({}, patches("1s")) == made_parts({})
    assert made_parts(chosen, patches("1s")).service == made_parts(chosen, patches("2s")).service
    assert made_parts(chosen, patches("1s")).sidecar != made_parts(chosen, patches("2s")).sidecar


def test_the_roots_count_where_tls_is_spoken() -> None:
    elsewhere = {"sidecar": {"ca_roots": "/etc/pki/tls/certs/ca-bundle.crt"}}
    outside = {"upstreams": {"fx": {"address": "fx.example:443", "tls": True}}}
    spans = {"tracing": {"collector": "https://zipkin.example"}}
    assert made_parts(SPEC, elsewhere) == made_parts(SPEC)
    assert made_parts(outside, elsewhere).sidecar != made_parts(outside).sidecar
    assert made_parts(SPEC, elsewhere | spans).sidecar != made_parts(SPEC, spans).sidecar


def test_the_version_stands_wherever_somebody_looks_for_it() -> None:
    made = made_job(SPEC)
    version = made_parts(SPEC).version
    group = made["TaskGroups"][0]
    assert made["Meta"]["outrider_version"] == version
    assert group["Tasks"][-1]["Env"]["OUTRIDER_VERSION"] == version
    assert {group["Services"][0][key]["outrider_version"] for key in ("Meta", "CanaryMeta")} == {version}


def test_each_part_alone_changes_the_version() -> None:
    versions = {Parts(service, sidecar).version for service in ("a", "b") for sidecar in ("a", "b")}
    assert len(versions) == 4
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})


READS: dict[str, Any] = {
    "env": {"FLAG": {"consul": "config/flag"}},
    "files": [{"path": "a.ini", "template": '{{ key "a" }}'}],
}


@pytest.mark.parametrize("word", ["roll", "ask", "nothing"])
def test_words_with_which_nomad_does_nothing_are_the_same_to_it_and_restart_nobody(word: str) -> None:
    assert made_job(READS | {"on_change": word}) == made_job(READS)
    worded = {
        "env": {"FLAG": {"consul": "config/flag", "on_change": word}},
        "files": [READS["files"][0] | {"on_change": word}],
    }
    assert made_job(worded) == made_job(READS)


@pytest.mark.parametrize("word", ["restart", "signal"])
def test_words_of_nomads_are_another_service_part_wherever_they_stand(word: str) -> None:
    flag = {"env": {"FLAG": {"consul": "config/flag", "on_change": word}}, "files": READS["files"]}
    file = {"env": READS["env"], "files": [READS["files"][0] | {"on_change": word}]}
    hashes = {made_parts(spec).service for spec in (READS, flag, file, READS | {"on_change": word})}
    assert len(hashes) == 4


def test_a_quiet_word_of_one_value_counts_against_the_services_own() -> None:
    quiet = {**READS, "on_change": "restart", "env": {"FLAG": {"consul": "config/flag", "on_change": "ask"}}}
    assert made_parts(quiet).service != made_parts(READS | {"on_change": "restart"}).service


def test_what_a_variable_is_called_is_no_word() -> None:
    assert made_parts({"env": {"signal": "a"}}).service != made_parts({"env": {}}).service
    assert made_parts({"env": {"on_change": "a"}}).service != made_parts({"env": {"on_change": "b"}}).service


def test_a_signal_that_cannot_reach_envoy_is_no_other_version() -> None:
    password = {"upstreams": {"payments": {"password": {"vault": "secret/data/a#b"}}}}
    quiet = made_parts(password, payments="redis")
    assert made_parts(password | {"on_change": "signal"}, payments="redis") == quiet
    assert made_parts(password | {"on_change": "restart"}, payments="redis") != quiet
