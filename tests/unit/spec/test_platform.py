"""The platform file: defaults by driver, and every message for what cannot be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from outrider.spec.platform import Artifacts, Network
from outrider.spec.reading.files import read_platform
from outrider.spec.sidecar import AgentPath, ArchiveFile, Download, Image, Path

Said = Callable[[str], list[str]]

ONE = "environments:\n  stage:\n    nomad: {address: 'http://n:4646'}\n    consul: {address: 'http://c:8500'}\n"


def test_two_addresses_are_a_platform_of_containers() -> None:
    stage = read_platform(ONE, "p").environments["stage"]
    assert (stage.driver, stage.network) == ("docker", Network(mode="bridge"))
    assert (stage.sidecar.driver, stage.sidecar.user, stage.sidecar.transport) == ("docker", "65534", "unix")
    assert isinstance(stage.sidecar.envoy, Image)
    assert (stage.nomad.region, stage.nomad.namespace, stage.nomad.datacenters) == ("global", "default", ("*",))
    assert (stage.consul.agent_address, stage.consul.token) == ("http://127.0.0.1:8500", "none")
    assert (stage.defaults.timeout, stage.defaults.retries, stage.defaults.limit) == (5_000, 1, 200)
    assert stage.prometheus is None
    assert stage.tracing is None


@pytest.mark.parametrize(("driver", "sidecar"), [("raw_exec", "raw_exec"), ("exec", "exec"), ("java", "exec")])
def test_a_driver_without_containers_brings_the_nodes_network_and_programs(driver: str, sidecar: str) -> None:
    stage = read_platform(ONE + f"    driver: {driver}\n    sidecar: {{memory: {{envoy: 96}}}}\n", "p").environments[
        "stage"
    ]
    assert stage.network == Network(mode="host")
    assert (stage.sidecar.driver, stage.sidecar.user) == (sidecar, None)
    assert (stage.sidecar.envoy, stage.sidecar.agent) == (Path(path="envoy"), AgentPath(path="python3"))
    assert (stage.sidecar.memory.envoy, stage.sidecar.memory.agent) == (96, None)


@pytest.mark.parametrize(
    ("written", "archive"),
    [
        ("{path: python3}", None),
        ("{image: python}", None),
        ("{path: python3, archive: {path: /opt/outrider-agent.pyz}}", ArchiveFile(path="/opt/outrider-agent.pyz")),
        (
            f"{{image: python, archive: {{artifact: 'https://store.example/a.pyz', sha256: {'a' * 64}}}}}",
            Download(artifact="https://store.example/a.pyz", sha256="a" * 64),
        ),
    ],
)
def test_the_agent_is_in_the_job_or_on_the_node_or_in_a_store_of_the_operators(
    written: str, archive: ArchiveFile | Download | None
) -> None:
    driver = "docker" if "image" in written else "raw_exec"
    text = ONE + f"    driver: {driver}\n    sidecar: {{agent: {written}}}\n"
    assert read_platform(text, "p").environments["stage"].sidecar.agent.archive == archive


def test_packed_directories_may_lie_in_a_store_of_the_operators() -> None:
    assert read_platform(ONE, "p").artifacts is None
    found = read_platform(ONE + "artifacts: {url: 'https://store.example/outrider'}\n", "p").artifacts
    assert found == Artifacts(url="https://store.example/outrider")


def test_a_sidecar_may_have_a_driver_of_its_own() -> None:
    stage = read_platform(ONE + "    driver: raw_exec\n    sidecar: {driver: docker}\n", "p").environments["stage"]
    assert isinstance(stage.sidecar.envoy, Image)
    assert stage.sidecar.user == "65534"


@pytest.mark.parametrize("address", ["unix:///run/consul.sock", "https://127.0.0.1:8501"])
def test_a_consul_agent_is_reached_by_http_or_a_socket(address: str) -> None:
    text = ONE.replace("'http://c:8500'", f"'http://c:8500', agent_address: '{address}'")
    assert read_platform(text, "p").environments["stage"].consul.agent_address == address


OTHER = "  production:\n    nomad: {address: 'http://m:4646'}\n    consul: {address: 'http://d:8500'}\n"


def test_two_environments_are_two_nomads_and_two_consuls(said_of_platform: Said) -> None:
    assert said_of_platform(ONE + OTHER) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            ONE + OTHER.replace("http://d:8500", "http://C:8500/"),
            (
                "7:23: environments.production.consul.address: has the Consul of stage too: two environments cannot share a "
                "Consul datacenter, their services would meet"
            ),
        ),
        (
            ONE + OTHER.replace("http://m:4646", "http://n:4646"),
            (
                "6:22: environments.production.nomad.address: has the Nomad region and namespace of stage too: jobs of the "
                "same name would replace each other"
            ),
        ),
        (
            ONE + "    sidecar: {envoy: {path: envoy}}\n",
            "5:15: environments.stage.sidecar.envoy: the sidecar's driver is docker, which needs an image",
        ),
        (
            ONE + "    driver: raw_exec\n    sidecar: {agent: {image: python}}\n",
            "6:15: environments.stage.sidecar.agent: the sidecar's driver is raw_exec, which needs a path, not an image",
        ),
        (
            ONE + "    sidecar: {agent: {archive: {path: /opt/a.pyz}}}\n",
            (
                "5:15: environments.stage.sidecar.agent: must be {image: …} or {path: …}, and archive beside it where the job "
                "shall not carry the agent; found a map with archive"
            ),
        ),
        (
            ONE + "    sidecar: {agent: {image: python, archive: /opt/a.pyz}}\n",
            (
                "5:47: environments.stage.sidecar.agent.archive: must be {path: …} or {artifact: URL, sha256: …}; "
                'found "/opt/a.pyz"'
            ),
        ),
        (
            ONE + "    sidecar: {agent: {image: python, archive: {path: opt/a.pyz}}}\n",
            (
                "5:54: environments.stage.sidecar.agent.archive.path: must be an absolute path of a file; "
                'found "opt/a.pyz"'
            ),
        ),
        (
            ONE + "    sidecar: {agent: {image: python, archive: {artifact: 'https://s/a.pyz'}}}\n",
            "5:38: environments.stage.sidecar.agent.archive.sha256: is missing: its checksum",
        ),
        (
            ONE + "    sidecar: {agent: {image: python, archve: {path: /a}}}\n",
            '5:38: environments.stage.sidecar.agent.archve: unknown key (did you mean "archive"?)',
        ),
        (
            ONE + "artifacts: {url: 's3://bucket/outrider'}\n",
            '5:18: artifacts.url: must be an http:// or https:// address without spaces; found "s3://bucket/outrider"',
        ),
        (
            ONE + "    driver: raw-exec\n",
            (
                "5:13: environments.stage.driver: must be one of docker, podman, exec, raw_exec or java; "
                'found "raw-exec" (did you mean "raw_exec"?)'
            ),
        ),
        (ONE + "    netwrk: {}\n", '5:5: environments.stage.netwrk: unknown key (did you mean "network"?)'),
        (
            ONE + "    network: {mode: overlay}\n",
            '5:21: environments.stage.network.mode: must be one of bridge or host; found "overlay"',
        ),
        (
            ONE.replace("'http://c:8500'", "'c:8500'"),
            (
                "4:23: environments.stage.consul.address: must be an http:// or https:// address without spaces; "
                'found "c:8500"'
            ),
        ),
        (
            ONE.replace("'http://n:4646'", "'http://user:pw@n:4646'"),
            (
                "3:22: environments.stage.nomad.address: must not hold a user name or a password: files like this one are "
                "read by many"
            ),
        ),
        (
            ONE.replace("'http://c:8500'", "'http://c:8500', token: abcd-efgh"),
            '4:47: environments.stage.consul.token: must be one of none or workload_identity; found "abcd-efgh"',
        ),
        (
            ONE + "    tracing: {collector: 'http://z:9411', sampling: 101}\n",
            "5:53: environments.stage.tracing.sampling: must be at most 100; found 101",
        ),
        (
            ONE + "    tracing: {collector: 'http://z:9411', encoding: proto3}\n",
            (
                '5:53: environments.stage.tracing.encoding: must be one of json or protobuf; found "proto3" '
                '(did you mean "protobuf"?)'
            ),
        ),
        (
            ONE + "    sidecar: {user: 65534}\n",
            '5:21: environments.stage.sidecar.user: must be text: put it in quotes, "65534"',
        ),
        (
            ONE + "links: {grafana: 'https://g/{servce}'}\n",
            (
                "5:18: links.grafana: has the unknown placeholder {servce}; known are service, environment, dashboard, "
                'allocation, trace, namespace, region, datacenter (did you mean "service"?)'
            ),
        ),
        (
            ONE + "links: {grafana: 'javascript:alert(1)'}\n",
            '5:18: links.grafana: must be an http:// or https:// address without spaces; found "javascript:alert(1)"',
        ),
        ("environments: {}", "1:1: environments: must not be empty; found a map"),
        (
            "environments:",
            "1:1: environments: has no value: indent what belongs to it, write {} for the defaults, or remove the line",
        ),
        ("{}", "1:1: environments: is missing: by name, as in stage and production"),
        (
            "environments: {stage: {nomad: {address: 'http://n:1'}}}",
            "1:16: environments.stage.consul: is missing: the Consul of the same machines",
        ),
    ],
)
def test_what_cannot_be_in_a_platform_is_refused(said_of_platform: Said, text: str, message: str) -> None:
    assert said_of_platform(text) == [message]


def named(a: str, b: str) -> str:
    return (ONE + OTHER).replace("http://c:8500", a).replace("http://d:8500", b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("http://localhost:8500", "http://127.0.0.1:8500"),
        ("http://127.0.0.1:8500", "http://[::1]:8500"),
        ("http://127.0.0.1:8500", "http://127.1.2.3:8500"),
        ("http://10.0.0.1:8500", "http://[::ffff:10.0.0.1]:8500"),
        ("http://c.example:8500", "http://C.example.:8500/"),
        ("http://c.example", "http://c.example:80"),
        ("https://c.example", "https://c.example:443"),
        ("http://[2001:db8::1]:8500", "http://[2001:0db8:0::1]:8500"),
    ],
)
def test_one_server_by_another_name_is_one_server(said_of_platform: Said, a: str, b: str) -> None:
    (found,) = said_of_platform(named(a, b))
    assert "has the Consul of stage too" in found


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("http://localhost:8500", "http://127.0.0.1:9500"),
        ("http://10.0.0.1:8500", "http://10.0.0.2:8500"),
        ("http://c.example/a", "http://c.example/b"),
        ("http://localhost.example:8500", "http://127.0.0.1:8500"),
    ],
)
def test_two_servers_are_two_servers(said_of_platform: Said, a: str, b: str) -> None:
    assert said_of_platform(named(a, b)) == []


def agents(more: str, address: str = "https://127.0.0.1:8501") -> str:
    return ONE.replace("'http://c:8500'", f"'http://c:8500', agent_address: '{address}', tls: {more}")


@pytest.mark.parametrize(
    "tls",
    [
        "{ca: /etc/ca.pem}",
        "{ca: /etc/ca.pem, certificate: /etc/c.pem, key: /etc/c.key, server_name: client.dc1.consul}",
        "{certificate: {nomad_variable: 'nomad/jobs#cert'}, key: {nomad_variable: 'nomad/jobs#key'}}",
    ],
)
def test_agents_may_have_an_authority_and_a_certificate(said_of_platform: Said, tls: str) -> None:
    assert said_of_platform(agents(tls)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (agents("{certificate: /c.pem}"), "consul.tls.certificate: goes with key: write both, or none"),
        (agents("{key: /c.key}"), "consul.tls.key: goes with certificate: write both, or none"),
        (agents("{ca: ca.pem}"), "consul.tls.ca: must be an absolute path of a file"),
        (agents("{ca: {nomad_variable: nomad/jobs}}"), "then # and a key"),
        (agents("{ca: {vault: 'a#b'}}"), "must be a path or {nomad_variable"),
        (agents("{ca: /ca.pem}", "http://127.0.0.1:8500"), "consul.tls: has no effect: agent_address is http://127"),
    ],
)
def test_files_of_certificates_that_cannot_work_are_refused(said_of_platform: Said, text: str, message: str) -> None:
    (found,) = said_of_platform(text)
    assert message in found


def test_passwords_of_add_ons_lie_below_a_path_of_their_own_in_a_store_with_versions(said_of_platform: Said) -> None:
    two = "  production:\n    nomad: {address: 'http://m:4646'}\n    consul: {address: 'http://d:8500'}\n"
    vault = "    vault: {addons: secret/data/default}\n"
    assert "is that of stage too" in " ".join(said_of_platform(ONE + vault + two + vault))
    assert not said_of_platform(ONE + vault + two + vault.replace("default", "production"))
    for wrong in ("secret/default", "secret/data", "/secret/data/x", "secret/data/x/", "secret/data/x#y"):
        assert "a path of a version 2 store" in " ".join(
            said_of_platform(ONE + vault.replace("secret/data/default", wrong))
        )
