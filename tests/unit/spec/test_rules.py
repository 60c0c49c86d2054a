"""Rules over several keys of a service spec, each with its whole message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Said = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (
            "mesh: false\nupstreams: {a: {}}",
            "4:1: upstreams: a service with mesh: false has no sidecar that could call them; remove them, or mesh: false",
        ),
        (
            "upstreams: {a: {protocol: tcp, timeout: 1s}}",
            "3:32: upstreams.a.timeout: has no effect: a speaks tcp, which knows limit and retries; remove it",
        ),
        (
            "upstreams: {a: {protocol: redis, retries: 1}}",
            "3:34: upstreams.a.retries: has no effect: a speaks redis, which knows password and timeout; remove it",
        ),
        (
            'upstreams: {a: {address: "b:1", password: {vault: "c#d"}}}',
            (
                "3:33: upstreams.a.password: has no effect: a speaks http, which knows keep_alive, limit, retries, stream and "
                "timeout; remove it"
            ),
        ),
        (
            "upstreams: {a: {stream: true, timeout: 1s}}",
            (
                "3:31: upstreams.a.timeout: has no effect: stream: true means that there is no total timeout; "
                "remove one of them"
            ),
        ),
        (
            "upstreams: {a: {tls: true}}",
            "3:17: upstreams.a.tls: is for services outside Consul only: write their address too",
        ),
        (
            "port: none\nprotocol: http",
            "4:1: protocol: has no effect: port: none means that the service listens nowhere",
        ),
        (
            "port: none\ningress: {rate: 5}",
            "4:11: ingress.rate: has no effect: port: none means that the service listens nowhere",
        ),
        (
            "port: none\nchecks: [{tcp: true}]",
            "4:10: checks.0: cannot pass: port: none leaves nothing to connect to; use script",
        ),
        (
            "mesh: false\nport: none\nchecks: [{script: [a]}]",
            (
                "5:10: checks.0: has no effect: with mesh: false and port: none nothing is registered in Consul that it could "
                "speak of"
            ),
        ),
        (
            "mesh: false\ningress: {rate: 5, static: 80}",
            "4:11: ingress.rate: has no effect with mesh: false: it is the sidecar's work",
        ),
        (
            "protocol: tcp\ningress: {rate: 5}",
            "4:11: ingress.rate: has no effect: the service speaks tcp; it is for grpc, http and http2",
        ),
        ("shard: true", "3:1: shard: has no effect: the service speaks http; it is for redis"),
        (
            "protocol: redis\ncount: 2",
            "4:8: count: several redis instances share the keys between them: write shard: true if they may, or count: 1",
        ),
        (
            "protocol: redis\nchecks: [{http: /}]",
            "4:11: checks.0.http: cannot pass: the service speaks redis; use tcp: true or script",
        ),
        (
            "checks: [{grpc: true}]",
            "3:11: checks.0.grpc: cannot pass: the service speaks http; use tcp: true or script",
        ),
        ('checks: [{script: ["", x]}]', "3:11: checks.0.script: must begin with a program"),
        ("env: {HOST: x}", "3:7: env.HOST: is set by Outrider: choose another name, or remove it"),
        ("env: {PORT: 1}", "3:7: env.PORT: is set by Outrider: choose another name, or remove it"),
        ("env: {OUTRIDER_X: 1}", "3:7: env.OUTRIDER_X: is set by Outrider: choose another name, or remove it"),
        ("env: {NOMAD_DC: x}", "3:7: env.NOMAD_DC: is set by Nomad: choose another name, or remove it"),
        (
            "upstreams: {fx-rates: {}}\nenv: {FX_RATES_URL: x}",
            "4:7: env.FX_RATES_URL: is set by Outrider: it is where the app finds its upstream fx-rates; remove it",
        ),
        (
            "upstreams: {fx-rates: {}}\nenv: {FX_RATES_ADDR: x}",
            "4:7: env.FX_RATES_ADDR: is set by Outrider: it is where the app finds its upstream fx-rates; remove it",
        ),
        (
            "consul: {meta: {outrider_team: x}}",
            "3:17: consul.meta.outrider_team: is set by Outrider, Nomad or Consul: choose another name",
        ),
        ("consul: {tags: [blue, outrider]}", "3:23: consul.tags.1: is set by Outrider: remove it"),
        ("count: 1\nupdate: {canary: 2}", "4:18: update.canary: is more than count, which is 1"),
        (
            "update: {min_healthy_time: 2m}",
            "3:28: update.min_healthy_time: must be shorter than healthy_deadline, which is 2m",
        ),
        (
            "files: [{path: a, template: x}, {path: a, template: y}]",
            "3:40: files.1.path: is written by files.0 already",
        ),
    ],
)
def test_a_combination_that_cannot_work_is_refused(small: str, said: Said, added: str, message: str) -> None:
    assert said(small + added) == [message]


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ('{command: [""]}', "2:7: run.command: must begin with a program"),
        (
            '{command: [x], artifact: "https://x/y", directory: .}',
            "2:46: run.directory: does not go with artifact: use one of them",
        ),
        (
            f'{{command: [x], checksum: "sha256:{"0" * 64}"}}',
            "2:21: run.checksum: has no effect without artifact",
        ),
        ("{command: [x], directory: /srv/app}", "2:32: run.directory: must be relative to this file"),
    ],
)
def test_a_command_with_what_does_not_fit_is_refused(said: Said, run: str, message: str) -> None:
    assert said(f"service: a\nrun: {run}") == [message]


@pytest.mark.parametrize(
    "added",
    [
        "port: none\nchecks: [{script: [x]}]\nenv: {HOST: a, PORT: b}\nupstreams: {a: {}}",
        "protocol: redis\nshard: true\ncount: 3",
        "protocol: http2\nchecks: [{grpc: true}, {http: /}]",
        "upstreams: {a: {timeout: 1s, protocol: redis}, b: {limit: 3, retries: 1, protocol: tcp}}",
        "upstreams: {a: {address: '[::1]:80', tls: true, stream: true}}",
        "mesh: false\ningress: {static: 80}\nchecks: [{tcp: true}]",
        "count: 0",
        "count: 3\nupdate: {canary: 3}",
        "ingress: {static: 80}\nport: 80\nupdate: {canary: 1}",
    ],
)
def test_combinations_that_work_are_taken(small: str, said: Said, added: str) -> None:
    assert said(small + added) == []


def test_a_wrong_value_hides_no_broken_rule_elsewhere(small: str, said: Said) -> None:
    found = said(small + "upstreams: {a: {timeout: 5}, b: {tls: true}}\ncount: x\nenv: {HOST: y}")
    assert [line.split(" ")[1] for line in found] == ["upstreams.a.timeout:", "upstreams.b.tls:", "count:", "env.HOST:"]


def test_a_wrong_value_causes_no_second_message_through_a_rule(small: str, said: Said) -> None:
    assert len(said(small + "protocol: grcp\nchecks: [{grpc: true}]")) == 1
    assert len(said(small + "upstreams: {a: {address: x, tls: true}}")) == 1
    assert len(said(small + "port: nonne\nprotocol: http")) == 1


@pytest.mark.parametrize("path", ["a.b", "a+b", "a=b", "a@b@c", "a" * 129, "@other"])
def test_a_path_that_no_nomad_variable_can_have_is_refused(said: Said, path: str) -> None:
    (found,) = said(f"service: web\nrun: {{command: [a]}}\nenv: {{A: {{nomad_variable: '{path}#key'}}}}\n")
    assert "must be a path of letters, digits and _~/- (Nomad's variables have no others), then # and a key" in found


@pytest.mark.parametrize("path", ["nomad/jobs", "~a/_b-c/D9", "shared@other", "a" * 128])
def test_a_path_that_a_nomad_variable_can_have_is_taken(said: Said, path: str) -> None:
    assert said(f"service: web\nrun: {{command: [a]}}\nenv: {{A: {{nomad_variable: '{path}#key'}}}}\n") == []


def test_what_the_tools_read_and_nobody_sets_is_free_for_the_app(small: str, said: Said) -> None:
    names = "NOMAD_ADDR: x, NOMAD_TOKEN: y, NOMAD_CACERT: z, VAULT_ADDR: v, CONSUL_HTTP_ADDR: c, OUTRIDER_ADDR: o"
    assert (
        said(f"{small}upstreams: {{nomad: {{}}, vault: {{}}, outrider: {{}}}}\nenv: {{{names}, OUTRIDER_TOKEN: t}}")
        == []
    )
    (found,) = said(f"{small}upstreams: {{nomad: {{}}}}\nenv: {{NOMAD_URL: x}}")
    assert "is where the app finds its upstream nomad" in found


META = ", ".join(f"k{number}: x" for number in range(57))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("checks: [{tcp: true}, {tcp: true}]", "4:23: checks.1: does the same as checks.0"),
        ("checks: [{http: /a}, {tcp: true}, {http: /a}]", "4:35: checks.2: does the same as checks.0"),
        ("checks: [{script: [/bin/c, a, bc]}, {script: [/bin/c, ab, c]}]", "4:37: checks.1: does the same as checks.0"),
        ("checks: [{http: /a, name: web http /a}, {http: /a}]", "4:41: checks.1: does the same as checks.0"),
        ("checks: [{tcp: true}, {tcp: true, name: web tcp through the sidecar}]", "4:23: checks.1: does the same"),
        ("mesh: false\nchecks: [{tcp: true, name: web tcp}, {tcp: true}]", "5:38: checks.1: does the same"),
        ("checks: [{script: [c], name: web script c}, {script: [c]}]", "4:45: checks.1: does the same as checks.0"),
        (f"consul: {{meta: {{{META}, one: more}}}}", "4:10: consul.meta: has 58 keys; Consul takes 64, and 7 of them"),
        (
            f"consul: {{meta: {{a: {'ü' * 257}}}}}",
            "4:20: consul.meta.a: must be at most 512 bytes long; found 514 bytes",
        ),
        (f"team: {'ü' * 257}", "4:7: team: must be at most 512 bytes long; found 514 bytes"),
    ],
)
def test_what_consul_would_not_take_is_refused_where_it_stands(said: Said, more: str, message: str) -> None:
    (found,) = said(f"service: web\nrun: {{command: [app]}}\nprotocol: http\n{more}\n")
    assert found.startswith(message)


@pytest.mark.parametrize(
    "more",
    [
        "checks: [{tcp: true}, {tcp: true, interval: 1s}]",
        "checks: [{tcp: true}, {tcp: true, name: again}]",
        "checks: [{http: /a}, {http: /a, headers: {a: b}}, {http: /b}]",
        "checks: [{script: [/bin/c, a]}, {script: [/bin/c, b]}]",
        f"consul: {{meta: {{{META}}}}}",
        f"consul: {{meta: {{a: {'ü' * 256}}}}}",
        f"team: {'ü' * 256}",
    ],
)
def test_what_consul_takes_is_taken(said: Said, more: str) -> None:
    assert said(f"service: web\nrun: {{command: [app]}}\nprotocol: http\n{more}\n") == []


def test_names_of_variables_may_have_dots_as_stock_images_want_them(said: Said) -> None:
    assert said("service: web\nrun: {image: e}\nenv: {discovery.type: single-node, a.b.c: x, _._: y}\n") == []
    (found,) = said("service: web\nrun: {image: e}\nenv: {.a: x}\n")
    assert "must be a name of letters, digits, _ and ." in found


def test_what_tools_read_is_free_although_an_upstream_has_that_name(said: Said) -> None:
    upstreams = "upstreams: {vault: {}, consul-http: {}, db: {}}"
    text = f"service: web\nrun: {{image: e}}\n{upstreams}\nenv: {{VAULT_ADDR: 'https://v', CONSUL_HTTP_ADDR: c}}\n"
    assert said(text) == []
    (found,) = said(text.replace("VAULT_ADDR", "VAULT_URL"))
    assert "env.VAULT_URL: is set by Outrider: it is where the app finds its upstream vault" in found
    (found,) = said(text.replace("VAULT_ADDR", "DB_ADDR"))
    assert "env.DB_ADDR: is set by Outrider" in found
