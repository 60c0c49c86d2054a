"""A service spec from its text: what is read, and every message for what cannot be, with line, column and key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from outrider_ground.errors import Problem, SpecError

from outrider.spec.check import GrpcCheck, HttpCheck, ScriptCheck, TcpCheck
from outrider.spec.reading.files import read_service
from outrider.spec.run import CommandRun, ImageRun
from outrider.spec.variables import ConsulValue, NomadValue, VaultValue

Said = Callable[..., list[str]]

WHOLE = """
service: checkout
team: storefront
description: Takes orders.
links: {runbook: "https://wiki.example/checkout"}
run: {image: "registry.example/checkout:1.4.2"}
port: 8080
protocol: http
mesh: true
upstreams:
  catalog: {}
  payments: {timeout: 800ms, retries: 2, limit: 100}
  feed: {stream: true}
  sessions: {protocol: redis, password: {nomad_variable: "nomad/jobs/checkout#redis"}}
  fx-rates: {address: "fx.example.com:443", tls: true}
ingress: {static: 8080, rate: 500}
consul: {tags: [blue], meta: {tier: "1"}}
checks:
  - {http: /healthz, interval: 5s, timeout: 1s}
  - {tcp: true}
  - {script: [/bin/check, "--fast"]}
env:
  LOG_LEVEL: info
  WORKERS: 4
  DEBUG: false
  FLAG: {consul: config/checkout/flag}
  DB_PASSWORD: {vault: "secret/data/checkout#password"}
  KEY: {nomad_variable: "nomad/jobs/checkout#key"}
files:
  - {path: config.ini, template: "x = {{ key \\"a\\" }}", on_change: signal}
resources: {cpu: 200, memory: 256}
count: 2
update: {max_parallel: 1, auto_revert: true, min_healthy_time: 5s, healthy_deadline: 2m}
stop: {delay: 5s, timeout: 20s, signal: SIGTERM}
environments:
  stage: {count: 1}
  production: {count: 4, update: {canary: 1}}
"""


def test_a_whole_spec_is_read() -> None:
    read = read_service(WHOLE, "outrider.yaml", "production")
    service = read.service
    assert read.environments == ("stage", "production")
    assert service.count == 4
    assert service.upstreams["payments"].timeout == 800
    assert service.env["FLAG"] == ConsulValue(consul="config/checkout/flag")
    assert service.env["DB_PASSWORD"] == VaultValue(vault="secret/data/checkout#password")
    assert service.env["KEY"] == NomadValue(nomad_variable="nomad/jobs/checkout#key")
    assert (service.env["WORKERS"], service.env["DEBUG"]) == ("4", "false")
    assert [type(check) for check in service.checks] == [HttpCheck, TcpCheck, ScriptCheck]
    assert service.stop.delay == 5_000


def test_two_lines_are_a_spec_and_the_defaults_are_good(small: str) -> None:
    service = read_service(small, "outrider.yaml").service
    assert (service.port, service.protocol, service.mesh, service.count) == (None, "http", True, None)
    assert (service.stop.delay, service.stop.timeout, service.update.max_parallel) == (5_000, 20_000, 1)
    assert (service.update.auto_revert, service.update.canary, service.ingress.keep_alive) == (True, 0, 1_000)


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        ("{image: x}", ImageRun),
        ("{command: [x], image: y}", ImageRun),
        ("{command: [x]}", CommandRun),
        ("{command: [x], directory: .}", CommandRun),
        ('{command: [x, ""], artifact: "https://x/y.tar.gz"}', CommandRun),
    ],
)
def test_run_is_an_image_or_a_command(run: str, kind: type) -> None:
    assert isinstance(read_service(f"service: a\nrun: {run}", "f").service.run, kind)


def test_json_is_a_spec_too() -> None:
    text = '{"service": "a", "run": {"image": "x"}, "checks": [{"grpc": true}], "protocol": "grpc"}'
    assert isinstance(read_service(text, "f").service.checks[0], GrpcCheck)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("protcol: http", '3:1: protcol: unknown key (did you mean "protocol"?)'),
        ("timeout: 5s", "3:1: timeout: unknown key here; it is a key of upstreams.NAME, checks and stop"),
        ("replicas: 3", '3:1: replicas: unknown key (did you mean "count"?)'),
        ("zoo: 3", "3:1: zoo: unknown key; known here: service, team, description, links, run, port, "),
        ("mesh: no", '3:7: mesh: must be true or false; found "no" (did you mean "false"?)'),
        ("mesh: True", '3:7: mesh: must be true or false; found "True" (did you mean "true"?)'),
        ("mesh: 1", "3:7: mesh: must be true or false; found 1"),
        ("team: 5", '3:7: team: must be text: put it in quotes, "5"'),
        ("zoo:", "3:1: zoo: unknown key; known here: service,"),
        ("env: {A: }", '3:7: env.A: has no value: write one, write "" for an empty text, or remove the line'),
        ("checks:", "3:1: checks: has no value: indent what belongs to it, or remove the line"),
        (
            "resources: {memory: 512MB}",
            "3:21: resources.memory: must be a whole number (in MB): leave out the unit; found",
        ),
        ('mesh: "true"', '3:7: mesh: must be true or false: leave out the quotes; found "true"'),
        (
            'port: "80"',
            "3:7: port: must be a port number from 1 to 65535, or none for a worker without ingress: leave out",
        ),
        (
            "checks: [{type: http, path: /}]",
            (
                "3:10: checks.0: must be a map with one of the keys http, tcp, grpc, script, as in {http: /healthz}; "
                "found a map with type, path"
            ),
        ),
        (
            "env: {A: {vault: {path: x}}}",
            '3:11: env.A.vault: must be text, as in "secret/data/checkout#password"; found a map',
        ),
        (
            'upstreams: {a: {address: "https://x"}}',
            '3:26: upstreams.a.address: must be "host:port" and no URL, and tls: true beside it; found "https://x"',
        ),
        ("team: [a]", "3:1: team: must be text; found a list"),
        ("team:", "3:1: team: has no value: write one or remove the line"),
        (
            "upstreams:",
            "3:1: upstreams: has no value: indent what belongs to it, write {} for the defaults, or remove the line",
        ),
        (
            "upstreams: {catalog: }",
            "3:13: upstreams.catalog: has no value: indent what belongs to it, write {} for the defaults, or remove the line",
        ),
        (
            "upstreams: [catalog]",
            "3:1: upstreams: must be a map of keys and values: write KEY: VALUE, without dashes; found a list",
        ),
        ("upstreams: {catalog: yes}", '3:22: upstreams.catalog: must be a map of keys and values; found "yes"'),
        (
            "upstreams: {Catalog: {}}",
            (
                "3:13: upstreams.Catalog: must be a DNS label: at most 63 of a-z, 0-9 and -, first a letter, "
                'last no dash; found "Catalog" (did you mean "catalog"?)'
            ),
        ),
        (
            "upstreams: {a: {timeout: 800}}",
            "3:26: upstreams.a.timeout: needs a unit, as in 800ms or 800s; found 800",
        ),
        (
            "upstreams: {a: {timeout: soon}}",
            '3:26: upstreams.a.timeout: needs to be a duration such as 800ms, 5s or 1m30s; found "soon"',
        ),
        ("upstreams: {a: {timeout: 0s}}", "3:26: upstreams.a.timeout: must be between 1ms and 1h; found 0s"),
        ("upstreams: {a: {timeout: 2h}}", "3:26: upstreams.a.timeout: must be between 1ms and 1h; found 2h"),
        ("upstreams: {a: {retries: 11}}", "3:26: upstreams.a.retries: must be at most 10; found 11"),
        ("upstreams: {a: {retries: -1}}", "3:26: upstreams.a.retries: must be at least 0; found -1"),
        ("upstreams: {a: {limit: 0}}", "3:24: upstreams.a.limit: must be at least 1; found 0"),
        ("upstreams: {a: {retires: 2}}", '3:17: upstreams.a.retires: unknown key (did you mean "retries"?)'),
        (
            "upstreams: {a: {protocol: https}}",
            (
                "3:27: upstreams.a.protocol: must be one of http, http2, grpc, tcp or redis; "
                'found "https" (did you mean "http"?)'
            ),
        ),
        (
            "upstreams: {a: {address: fx.example.com}}",
            '3:26: upstreams.a.address: must be "host:port", as in "fx.example.com:443"; found "fx.example.com"',
        ),
        (
            "upstreams: {a: {protocol: redis, password: secret}}",
            (
                '3:44: upstreams.a.password: must be {vault: "PATH#FIELD"} or {nomad_variable: "PATH#KEY"}, '
                'never the secret itself; found "secret"'
            ),
        ),
        ('count: "2"', '3:8: count: must be a whole number (number of allocations): leave out the quotes; found "2"'),
        ("count: 1.5", "3:8: count: must be a whole number (number of allocations); found 1.5"),
        ("count: -1", "3:8: count: must be at least 0; found -1"),
        (
            "port: 70000",
            "3:7: port: must be a port number from 1 to 65535, or none for a worker without ingress; found 70000",
        ),
        ("stop: {delay: 1s}", "3:15: stop.delay: must be between 2s and 1h; found 1s"),
        (
            "stop: {signal: TERM}",
            (
                "3:16: stop.signal: must be one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 or SIGWINCH; "
                'found "TERM" (did you mean "SIGTERM"?)'
            ),
        ),
        ("checks: {http: /healthz}", "3:1: checks: must be a list: begin each entry with a dash; found a map"),
        (
            "checks: [/healthz]",
            (
                "3:10: checks.0: must be a map with one of the keys http, tcp, grpc, script, as in {http: /healthz}; "
                'found "/healthz"'
            ),
        ),
        ("checks: [{htpp: /healthz}]", '3:11: checks.0.htpp: unknown key (did you mean "http"?)'),
        (
            "checks: [{http: healthz}]",
            '3:17: checks.0.http: must be a path that begins with / and has no spaces; found "healthz"',
        ),
        ("checks: [{http: /, interval: 500ms}]", "3:30: checks.0.interval: must be between 1s and 1h; found 500ms"),
        ("checks: [{http: /, tcp: true}]", "3:20: checks.0.tcp: does not go with http: use one of them"),
        ("checks: [{tcp: false}]", "3:16: checks.0.tcp: must be true; found false"),
        ("checks: [{script: run.sh}]", '3:19: checks.0.script: must be a list: write [run.sh]; found "run.sh"'),
        ("checks: [{script: []}]", "3:11: checks.0.script: must not be empty; found a list"),
        ("env: {A: 1.10}", '3:10: env.A: must be text: write the number in quotes, "1.1"'),
        (
            "env: {A: [x]}",
            (
                '3:7: env.A: must be text, {consul: PATH}, {vault: "PATH#FIELD"} or {nomad_variable: "PATH#KEY"}; '
                "found a list"
            ),
        ),
        ("env: {A: {consull: x}}", '3:11: env.A.consull: unknown key (did you mean "consul"?)'),
        ("env: {A: {consul: x, vault: y}}", "3:22: env.A.vault: does not go with consul: use one of them"),
        (
            "env: {A: {vault: secret/x}}",
            '3:18: env.A.vault: must be a path of letters, digits and _.@~=+/-, then # and a field; found "secret/x"',
        ),
        (
            "env: {my-name: x}",
            '3:7: env.my-name: must be a name of letters, digits, _ and . that begins with a letter or _; found "my-name"',
        ),
        (
            "files: [{path: ../x, template: y}]",
            '3:16: files.0.path: must be a path inside the task\'s directory, without ..; found "../x"',
        ),
        ("files: [{path: x}]", "3:9: files.0.template: is missing: text in consul-template's language, as Nomad"),
        (
            'links: {a: "javascript:alert(1)"}',
            '3:12: links.a: must be an http:// or https:// address without spaces; found "javascript:alert(1)"',
        ),
        ("consul: {meta: {a: 1}}", '3:20: consul.meta.a: must be text: put it in quotes, "1"'),
        ("consul: {tags: blue}", '3:16: consul.tags: must be a list: write [blue]; found "blue"'),
        ("update: {canary: lots}", '3:18: update.canary: must be a whole number; found "lots"'),
        (
            "environments: [stage]",
            "3:1: environments: must be a map from an environment's name to what differs there; found a list",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place_and_the_way_out(
    small: str, said: Said, added: str, message: str
) -> None:
    found = said(small + added)
    assert len(found) == 1
    assert found[0].startswith(message)


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "{}",
            [
                "1:1: service: is missing: its name in Consul and Nomad",
                "1:1: run: is missing: what is started",
            ],
        ),
        ("just text", ["1:1: the file must be a map of keys and values, one KEY: VALUE per line"]),
        ("[a, b]", ["1:1: the file must be a map of keys and values, one KEY: VALUE per line"]),
        (
            "service: a\nrun: nginx",
            [
                (
                    "2:6: run: must be {image: NAME} or {command: [PROGRAM, ARGUMENT], artifact: URL or directory: PATH}; "
                    'found "nginx"'
                )
            ],
        ),
        (
            "service: My Shop\nrun: {image: x}",
            [
                (
                    "1:10: service: must be a DNS label: at most 63 of a-z, 0-9 and -, first a letter, last no dash; "
                    'found "My Shop" (did you mean "my-shop"?)'
                )
            ],
        ),
        (
            "service: a\nrun:\nimage: x",
            [
                "2:1: run: has no value: indent what belongs to it, or remove the line",
                "3:1: image: unknown key here; it is a key of run",
            ],
        ),
        ("service: a\nrun: {imag: x}", ['2:7: run.imag: unknown key (did you mean "image"?)']),
        (
            "service: a\nrun: {command: python app.py}",
            ['2:16: run.command: must be a list: write [python, app.py]; found "python app.py"'],
        ),
        (
            "service: a\nrun: {directory: .}",
            ["2:1: run.command: is missing: program and arguments; no shell reads them"],
        ),
        (
            'service: a\nrun: {image: x, artifact: "https://x/y"}',
            ["2:17: run.artifact: does not go with image: use one of them"],
        ),
        ("Service: a\nrun: {image: x}", ['1:1: Service: unknown key (did you mean "service"?)']),
    ],
)
def test_a_spec_without_its_parts_says_what_they_are(said: Said, text: str, messages: list[str]) -> None:
    assert said(text) == messages


def test_all_problems_come_at_once_in_the_order_of_the_file(said: Said) -> None:
    text = """
service: checkout
protcol: http
run: {image: "x"}
upstreams:
  payments: {timeout: 800, retires: 2}
  feed: {stream: true, timeout: 1s}
count: two
env: {HOST: x}
environments:
  stage: {count: x}
"""
    assert [line.split(" ")[0] for line in said(text)] == ["3:1:", "6:23:", "6:28:", "7:24:", "8:8:", "9:7:", "11:18:"]


def test_a_flood_of_problems_is_cut(small: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_service(small + "".join(f"key{n}: x\n" for n in range(250)), "f")
    assert len(caught.value.problems) == 101
    assert str(caught.value.problems[-1]) == "f: and more: mend these first"


def test_a_problem_found_later_gets_its_place_from_the_file() -> None:
    read = read_service(WHOLE, "outrider.yaml", "production")
    found = read.located(
        (
            Problem("upstreams.fx-rates", "no such service"),
            Problem("upstreams.catalog", "no such service"),
            Problem("checks.0.http", "is wrong"),
            Problem("count", "is too much"),
            Problem("upstreams.nobody.timeout", "is elsewhere"),
        )
    )
    assert [str(problem) for problem in found] == [
        "outrider.yaml:15:3: upstreams.fx-rates: no such service",
        "outrider.yaml:11:3: upstreams.catalog: no such service",
        "outrider.yaml:19:12: checks.0.http: is wrong",
        "outrider.yaml:37:23: environments.production.count: is too much",
        "outrider.yaml:10:1: upstreams.nobody.timeout: is elsewhere",
    ]


def test_a_key_with_dots_is_found_in_the_file(small: str) -> None:
    read = read_service(small + 'links: {"run.book": "https://x/"}', "f")
    assert str(read.located((Problem("links.run.book", "is wrong"),))[0]) == "f:3:21: links.run.book: is wrong"
