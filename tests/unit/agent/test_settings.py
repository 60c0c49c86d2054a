"""The settings: what the variables say, and every problem at once."""

from __future__ import annotations

import pytest
from outrider_agent import settings as names
from outrider_agent.settings import SettingsError, settings

from outrider.topology.names import own_instance

LISTEN = {names.LISTEN: "unix:alloc/agent.sock"}


def problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        settings({**LISTEN, **variables})
    return error.value.problems


def test_a_listening_address_is_all_that_must_be_set() -> None:
    found = settings(LISTEN)
    assert (found.listen.path, found.upstreams, str(found.consul.address)) == ("alloc/agent.sock", (), "127.0.0.1:8500")
    assert (found.snapshot, found.service_id, found.envoy_admin) == ("", "", None)


def test_everything_is_read() -> None:
    found = settings(
        {
            names.LISTEN: "127.0.0.1:9000",
            names.UPSTREAMS: "payments, catalog@eu ,",
            names.SNAPSHOT: "local/snapshot.json",
            names.SERVICE_ID: "_nomad-task-1",
            names.ENVOY_ADMIN: "unix:alloc/admin.sock",
            names.CONSUL_ADDRESS: "https://10.0.0.1:8501",
            names.CONSUL_TOKEN: "secret",
            names.CONSUL_TOKEN_FILE: "secrets/consul_token",
            names.CONSUL_CACERT: "ca.pem",
            names.CONSUL_CLIENT_CERT: "cert.pem",
            names.CONSUL_CLIENT_KEY: "key.pem",
            names.CONSUL_NAMESPACE: "team",
        }
    )
    assert [(one.label, one.name, one.datacenter) for one in found.upstreams] == [
        ("payments", "payments", ""),
        ("catalog@eu", "catalog", "eu"),
    ]
    assert (found.consul.is_tls, str(found.consul.address), found.consul.token) == (True, "10.0.0.1:8501", "secret")
    assert (found.consul.ca, found.consul.certificate, found.consul.key) == ("ca.pem", "cert.pem", "key.pem")
    assert (found.consul.token_file, found.consul.namespace) == ("secrets/consul_token", "team")
    assert (found.snapshot, found.service_id, str(found.envoy_admin)) == (
        "local/snapshot.json",
        "_nomad-task-1",
        "unix:alloc/admin.sock",
    )


@pytest.mark.parametrize(
    ("text", "address", "is_tls"),
    [
        ("http://127.0.0.1:8500", "127.0.0.1:8500", False),
        ("127.0.0.1:8500/", "127.0.0.1:8500", False),
        ("https://consul.example", "consul.example:8500", True),
        ("http://[::1]:8500", "[::1]:8500", False),
        ("[fd00::1]", "[fd00::1]:8500", False),
        ("unix:///run/consul.sock", "unix:/run/consul.sock", False),
    ],
)
def test_consul_is_found_where_its_own_tools_would_find_it(text: str, address: str, is_tls: bool) -> None:
    found = settings({**LISTEN, names.CONSUL_ADDRESS: text}).consul
    assert (str(found.address), found.is_tls) == (address, is_tls)


@pytest.mark.parametrize(("word", "is_tls"), [("true", True), ("1", True), ("T", True), ("false", False), ("", False)])
def test_ssl_is_switched_on_by_the_words_of_consuls_tools(word: str, is_tls: bool) -> None:
    assert settings({**LISTEN, names.CONSUL_SSL: word}).consul.is_tls is is_tls


def test_all_problems_are_named_at_once() -> None:
    found = problems(
        **{
            names.LISTEN: "0.0.0.0:9000",
            names.UPSTREAMS: "payments,payments,a/b,x@",
            names.CONSUL_SSL: "perhaps",
            names.CONSUL_CLIENT_CERT: "cert.pem",
            names.CONSUL_TOKEN: "a\r\nx-evil: 1",
        }
    )
    expected = [names.LISTEN, *[names.UPSTREAMS] * 3, names.CONSUL_SSL, names.CONSUL_CLIENT_CERT, names.CONSUL_TOKEN]
    assert sorted(problem.partition(" ")[0] for problem in found) == sorted(expected)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "is not set"),
        ("unix:", "names no path"),
        ("unix:" + "x" * 108, "is longer than the 107 bytes"),
        ("127.0.0.1:0", "no port from 1 to 65535"),
        ("127.0.0.1:http", "no port from 1 to 65535"),
        ("agent.sock/9", "is neither"),
        ("10.0.0.1:9000", "can be reached from other machines"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_words(address: str, words: str) -> None:
    (problem,) = problems(**{names.LISTEN: address})
    assert words in problem


@pytest.mark.parametrize("address", ["ftp://x:1", "unix://", "consul:99999"])
def test_a_consul_address_that_cannot_be_used_is_refused(address: str) -> None:
    (problem,) = problems(**{names.CONSUL_ADDRESS: address})
    assert problem.startswith(names.CONSUL_ADDRESS)


def test_the_gate_needs_envoys_admin_address() -> None:
    with pytest.raises(SettingsError, match=names.ENVOY_ADMIN):
        settings(LISTEN, needs_envoy=True)


ALLOCATION = "5e7c0a9e-0000-4000-8000-00000000000a"


@pytest.mark.parametrize("service", ["web", "fx-rates", "a-a", "web-group-web", "x"])
@pytest.mark.parametrize("label", ["ingress", "metrics"])
def test_the_own_services_name_is_read_from_the_id_that_the_job_names(service: str, label: str) -> None:
    service_id = own_instance(service, label).replace("${NOMAD_ALLOC_ID}", ALLOCATION)
    assert settings({**LISTEN, names.SERVICE_ID: service_id}).service == service


@pytest.mark.parametrize(
    "service_id",
    [
        "",
        "web-1",
        "_nomad-task-1",
        f"_nomad-task-{ALLOCATION}-group-shop-web-ingress",
        f"_nomad-task-{ALLOCATION}-group--ingress",
        f"nomad-{ALLOCATION}-group-web-web-ingress",
    ],
)
def test_another_id_names_no_service_and_a_variable_may(service_id: str) -> None:
    assert settings({**LISTEN, names.SERVICE_ID: service_id}).service == ""
    assert settings({**LISTEN, names.SERVICE_ID: service_id, names.SERVICE: "web"}).service == "web"


def test_where_the_token_comes_from_is_said_without_the_token() -> None:
    said = settings({**LISTEN, names.CONSUL_TOKEN: "hidden"}).consul.credentials
    assert said == "the token is that of CONSUL_HTTP_TOKEN"
    both = {names.CONSUL_TOKEN: "hidden", names.CONSUL_TOKEN_FILE: "/secrets/token"}
    assert settings({**LISTEN, **both}).consul.credentials == "the token is that of /secrets/token"
    assert "consul.token: none" in settings(LISTEN).consul.credentials


def test_upstreams_whose_addresses_nobody_guards_are_among_the_upstreams() -> None:
    found = settings(LISTEN | {"OUTRIDER_AGENT_UPSTREAMS": "a,b@eu", "OUTRIDER_AGENT_UNGUARDED": "b@eu"})
    assert [one.is_guarded for one in found.upstreams] == [True, False]
    with pytest.raises(
        SettingsError, match="OUTRIDER_AGENT_UNGUARDED names 'c', which OUTRIDER_AGENT_UPSTREAMS does not"
    ):
        settings(LISTEN | {"OUTRIDER_AGENT_UPSTREAMS": "a", "OUTRIDER_AGENT_UNGUARDED": "c"})
