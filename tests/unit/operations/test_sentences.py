"""Each sentence about a knob, and that its numbers are those of the bootstrap."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.topologies import resolved

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import sampled
from outrider.operations.explain.sentences import of_ingress, of_upstream, worst_wait_ms
from outrider.topology.knobs import worst_load
from outrider.topology.sidecar import Upstream
from outrider.topology.topology import Topology

Json = dict[str, Any]


def made(settings: Json, protocol: str = "http", **spec: Any) -> tuple[Upstream, Topology]:
    known = {} if "address" in settings else {"payments": protocol}
    topology = resolved({"upstreams": {"payments": settings}, **spec}, None, **known)
    return topology.upstreams[0], topology


def said(settings: Json, protocol: str = "http", **spec: Any) -> dict[str, str]:
    return {saying.topic: saying.text for saying in of_upstream(*made(settings, protocol, **spec))}


def ingress(**spec: Any) -> dict[str, str]:
    return {saying.topic: saying.text for saying in of_ingress(resolved(spec))}


def test_the_longest_wait_is_the_timeout_retries_included() -> None:
    assert said({"timeout": "800ms", "retries": 2})["wait"] == (
        "At most 800ms from when the request is sent to the end of the answer, then 504."
    )
    assert worst_wait_ms(made({"timeout": "800ms", "retries": 2})[0]) == 800


def test_a_default_of_the_operators_is_explained_like_a_setting() -> None:
    assert said({})["wait"].startswith("At most 5s ")


def test_a_try_has_half_of_the_time_and_slow_answers_are_told_of_it() -> None:
    text = said({"timeout": "800ms", "retries": 2})["tries"]
    assert text.startswith("GET, HEAD, OPTIONS, PUT and DELETE have 400ms a try")
    assert "an answer that takes longer than 400ms is given up and asked for again" in text


@pytest.mark.parametrize(
    ("settings", "protocol"), [({"retries": 0}, "http"), ({"stream": True}, "http"), ({"retries": 2}, "grpc")]
)
def test_where_one_try_may_take_it_all_nothing_is_said_of_tries(settings: Json, protocol: str) -> None:
    assert "tries" not in said(settings, protocol)


def test_a_stream_has_no_bound_but_an_idle_time() -> None:
    assert said({"stream": True})["wait"] == (
        "No total (stream: true): a request ends after 5m in which nothing has moved."
    )
    assert worst_wait_ms(made({"stream": True})[0]) is None


def test_what_is_tried_again_and_what_never_is() -> None:
    text = said({"retries": 2})["retries"]
    assert text.startswith("Up to 2 times more, on another instance where there is one")
    assert "every request that no app can have seen; GET, HEAD" in text
    assert text.endswith("POST and PATCH are never repeated once an app may have seen them.")
    assert said({"retries": 1})["retries"].startswith("Once more")
    assert said({"retries": 0})["retries"] == "Nothing is tried again."


def test_a_call_of_grpc_is_repeated_only_where_no_app_has_seen_it() -> None:
    text = said({"retries": 2}, "grpc")["retries"]
    assert text.endswith("A call that an app may have seen is never repeated.")
    assert "POST" not in text
    assert said({"retries": 2}, "grpc")["load"] == "One request is at most one at an app of payments."
    assert worst_load("grpc", 3) == 1


def test_the_worst_load_is_every_retry_and_under_load_the_budget() -> None:
    assert said({"retries": 2})["load"] == (
        "One request is at worst 3 at payments. At most 8 retries run at the same time, and from 40 concurrent "
        "requests on 20 % of them: then at most 1.25 times the load."
    )
    assert worst_load("http", 3) == 3
    assert said({"retries": 0})["load"] == "One request is at most one at an app of payments."


def test_the_limit_is_told_per_allocation_and_in_all() -> None:
    assert said({"limit": 100}, count=4)["limit"] == (
        "100 concurrent requests per allocation, so 400 from its 4; what is above is answered 503 at once."
    )
    assert said({"limit": 100})["limit"].startswith("100 concurrent requests per allocation; what")


def test_a_failure_reaches_those_that_wait_and_nobody_else() -> None:
    text = said({"limit": 100, "timeout": "1s"})["failure"]
    assert text.startswith("If payments hangs, up to 100 requests of an allocation wait, each for 1s, and further ones")
    assert text.endswith("Other upstreams, other allocations and other services are not held up by it.")
    assert "each until its caller gives up" in said({"stream": True})["failure"]


def test_tls_is_verified_by_name_and_roots() -> None:
    text = said({"address": "fx.example:443", "tls": True})["tls"]
    assert text.startswith("The certificate must bear fx.example and be signed by a root of /etc/ssl/certs/")
    assert "tls" not in said({"address": "fx.example:80"})


def test_redis_has_a_time_per_command_and_no_second_try() -> None:
    found = said({"timeout": "1s"}, "redis")
    assert found["wait"] == "A command is answered, or with an error, after at most 1s."
    assert found["retries"] == "No command is tried again: it may have been carried out."
    assert "there is no limit on how many wait" in found["failure"]
    assert "limit" not in found


def test_redis_says_what_is_refused_and_more_where_its_keys_are_shared_out() -> None:
    assert said({}, "redis")["refused"] == (
        "SELECT, MULTI, WATCH, SCRIPT, subscriptions and commands that block are answered with an error, since "
        "connections are shared. docs/how-to/redis.md lists all."
    )
    assert "shares its keys out: so is what would need several instances." in said({}, "redis-shards")["refused"]


def test_tcp_has_attempts_to_connect_and_no_timeout_after_them() -> None:
    found = said({"retries": 2, "limit": 7}, "tcp", count=2)
    assert found["wait"] == (
        "A connection is open or refused after at most 1500ms (3 attempts of 500ms: whatever is sent on it has no "
        "timeout). It ends when a side closes it, or after 1h in which nothing has moved."
    )
    assert found["limit"] == (
        "7 concurrent connections per allocation, so 14 from its 2; what is above is closed at once."
    )
    assert found["failure"].endswith("An address that has changed hands is not noticed, as it is for http.")
    assert worst_wait_ms(made({"retries": 2}, "tcp")[0]) == 1_500


def test_an_upstream_outside_has_more_time_to_connect() -> None:
    found = said({"address": "bank.example:9100", "protocol": "tcp", "retries": 0})
    assert found["wait"].startswith("A connection is open or refused after at most 3s (whatever is sent")
    assert "changed hands" not in found["failure"]


def test_ingress_adds_no_timeout_and_tells_what_the_app_must_keep() -> None:
    found = ingress(ingress={"keep_alive": "4s"})
    assert found["wait"] == "No timeout is added: that of each caller counts."
    assert found["idle"] == (
        "A connection to the app is closed after 2s without a request: the app must keep it longer, or a POST may meet one "
        "that is just being closed (503) (ingress.keep_alive)."
    )
    assert found["rate"] == "No limit but those of its callers."
    none = ingress(ingress={"keep_alive": "none"})
    assert none["idle"] == "Each request to the app has a connection of its own (ingress.keep_alive)."


def test_an_upstream_tells_how_long_it_must_keep_a_connection() -> None:
    assert said({})["idle"].startswith("A connection to payments is closed after 30s without a request: payments must")
    assert said({"address": "bank.example:443"})["idle"].startswith("A connection to payments is closed after 500ms")
    assert said({"keep_alive": "none"})["idle"] == "Each request to payments has a connection of its own (keep_alive)."


def test_a_rate_is_told_per_allocation_and_in_all() -> None:
    text = ingress(ingress={"rate": 500}, count=4)["rate"]
    assert text.startswith("500 requests per second per allocation (2000 for its 4, where they come evenly)")
    assert text.endswith("what is above is answered 429. Consul's checks are exempt.")


def test_what_is_no_http_what_nobody_calls_and_what_has_no_sidecar_say_so() -> None:
    assert ingress(protocol="tcp") == {"rate": "No limit: tcp is passed on as it comes."}
    assert ingress(port="none") == {"calls": "A worker (port: none): nobody can call it."}
    assert list(ingress(mesh=False)) == ["mesh"]


def test_the_numbers_of_the_sentences_stand_in_the_bootstrap() -> None:
    _, topology = made({"timeout": "800ms", "retries": 2, "limit": 100})
    text = json.dumps(sampled(bootstrap(topology)))
    for part in (
        '"timeout": "0.800s"',
        '"per_try_timeout": "0.400s"',
        '"num_retries": 2',
        '"max_requests": 100',
        '"budget_percent": {"value": 20}, "min_retry_concurrency": 8',
        '"safe_regex": {"regex": "GET|HEAD|OPTIONS|PUT|DELETE"}',
    ):
        assert part in text
