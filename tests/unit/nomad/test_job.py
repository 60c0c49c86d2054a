"""Decisions in the job that a golden would show, said in words."""

from __future__ import annotations

from typing import Any

import pytest
from support.topologies import BRIDGE, resolved

from outrider.nomad.write.job import job

Json = dict[str, Any]
SECOND = 1_000_000_000


def made(spec: Json, environment: Json | None = None, **known: str) -> Json:
    topology = resolved(spec, environment, **known)
    return job(topology, "{}" if topology.sidecar else None)


def group(spec: Json, environment: Json | None = None, **known: str) -> Json:
    return made(spec, environment, **known)["TaskGroups"][0]


def task(name: str, spec: Json, environment: Json | None = None, **known: str) -> Json:
    return next(item for item in group(spec, environment, **known)["Tasks"] if item["Name"] == name)


def test_a_service_of_the_mesh_cannot_be_rendered_without_its_bootstrap() -> None:
    with pytest.raises(ValueError, match="needs the bootstrap"):
        job(resolved({}), None)


def test_sidecars_start_first_and_for_ever_and_the_gate_ends_before_the_app_starts() -> None:
    tasks = group({})["Tasks"]
    assert [item["Name"] for item in tasks] == ["agent", "envoy", "gate", "app"]
    assert [item.get("Lifecycle", {}).get("Sidecar") for item in tasks] == [True, True, False, None]
    assert [item["RestartPolicy"]["Mode"] for item in tasks] == ["delay", "delay", "fail", "fail"]
    assert tasks[0]["RestartPolicy"]["Delay"] == SECOND


def test_every_task_says_by_which_signal_it_is_asked_to_end() -> None:
    assert {item["KillSignal"] for item in group({"stop": {"signal": "SIGQUIT"}})["Tasks"]} == {"SIGTERM", "SIGQUIT"}


def test_an_allocation_leaves_consul_before_its_app_is_asked_to_end() -> None:
    found = group({"stop": {"delay": "3s", "timeout": "25s"}})
    assert found["ShutdownDelay"] == 3 * SECOND
    assert found["Tasks"][-1]["KillTimeout"] == 25 * SECOND


def test_a_count_that_is_left_out_is_left_out() -> None:
    assert "Count" not in group({})
    assert group({"count": 0})["Count"] == 0


@pytest.mark.parametrize(
    ("spec", "canary", "promotes"),
    [
        ({}, 1, True),
        ({"count": 2, "update": {"max_parallel": 2}}, 2, True),
        ({"count": 3}, 0, False),
        ({"count": 3, "update": {"canary": 1}}, 1, False),
        ({"port": 8080}, 0, False),
        ({"ingress": {"static": 8080}}, 0, False),
        ({"protocol": "redis"}, 0, False),
    ],
)
def test_where_everything_would_go_at_once_the_new_comes_up_beside_the_old(
    spec: Json, canary: int, promotes: bool
) -> None:
    update = group(spec)["Update"]
    assert (update["Canary"], update["AutoPromote"]) == (canary, promotes)


def test_a_deployment_lasts_longer_than_one_allocation_may_take() -> None:
    update = group({"update": {"healthy_deadline": "5m"}})["Update"]
    assert update["ProgressDeadline"] > update["HealthyDeadline"] == 300 * SECOND


def test_a_drained_node_is_left_one_by_one_and_only_after_as_long_as_the_service_needs_to_be_healthy() -> None:
    slow = {"count": 4, "update": {"max_parallel": 4, "min_healthy_time": "30s", "healthy_deadline": "20m"}}
    found = group(slow)["Migrate"]
    assert found == {
        "HealthCheck": "checks",
        "HealthyDeadline": 1200 * SECOND,
        "MaxParallel": 1,
        "MinHealthyTime": 30 * SECOND,
    }
    assert group({"mesh": False, "port": "none"})["Migrate"]["HealthCheck"] == "task_states"


def test_consul_gets_the_service_with_meta_that_a_canary_repeats() -> None:
    (found,) = group({"team": "money", "consul": {"tags": ["blue"], "meta": {"tier": "1"}}})["Services"]
    assert (found["Name"], found["PortLabel"]) == ("checkout", "ingress")
    assert (found["Tags"], found["CanaryTags"]) == (["outrider", "blue"], ["outrider", "canary", "blue"])
    assert found["Meta"]["outrider_metrics"] == "${NOMAD_IP_metrics}:${NOMAD_HOST_PORT_metrics}"
    assert found["Meta"] | {"canary": "true"} == found["CanaryMeta"]
    assert {"tier", "outrider_team", "outrider_version", "outrider_protocol"} <= set(found["Meta"])


def test_a_worker_is_known_by_its_metrics() -> None:
    (found,) = group({"port": "none"})["Services"]
    assert found["PortLabel"] == "metrics"
    assert [check["Path"] for check in found["Checks"]] == ["/health"]


def test_a_plain_service_has_one_task_and_is_known_by_its_own_port() -> None:
    found = group({"mesh": False})
    assert [item["Name"] for item in found["Tasks"]] == ["app"]
    assert found["Services"][0]["PortLabel"] == "app"
    assert found["Services"][0]["Checks"][0]["Type"] == "tcp"


def test_a_plain_worker_has_neither_network_nor_service() -> None:
    found = group({"mesh": False, "port": "none"})
    assert "Networks" not in found
    assert "Services" not in found
    assert found["Update"]["HealthCheck"] == "task_states"


def test_the_app_finds_its_upstreams_and_its_own_place() -> None:
    env = task("app", {"upstreams": {"fx-rates": {}, "sessions": {}, "ledger": {}}}, sessions="redis", ledger="tcp")[
        "Env"
    ]
    assert env["FX_RATES_URL"] == "http://127.0.0.1:${NOMAD_PORT_egress_fx_rates}"
    assert env["FX_RATES_ADDR"] == "127.0.0.1:${NOMAD_PORT_egress_fx_rates}"
    assert env["SESSIONS_URL"].startswith("redis://127.0.0.1:")
    assert env["LEDGER_URL"].startswith("tcp://127.0.0.1:")
    assert (env["HOST"], env["PORT"]) == ("127.0.0.1", "${NOMAD_PORT_app}")


def test_a_worker_gets_no_host_and_no_port() -> None:
    assert not {"HOST", "PORT"} & set(task("app", {"port": "none"})["Env"])


def test_containers_on_the_nodes_network_say_so() -> None:
    host = {"driver": "docker", "network": {"mode": "host"}}
    assert all(item["Config"]["network_mode"] == "host" for item in group({}, host)["Tasks"])
    assert all("network_mode" not in item["Config"] for item in group({}, BRIDGE)["Tasks"])


def test_a_host_network_holds_for_every_port() -> None:
    (network,) = group({"upstreams": {"a": {}}}, {"network": {"mode": "host", "host_network": "mesh"}})["Networks"]
    assert {port["HostNetwork"] for port in network["DynamicPorts"]} == {"mesh"}


def test_the_agent_is_told_whom_to_ask_for_and_which_instance_it_is() -> None:
    upstreams = {"b": {}, "a": {}, "fx": {"address": "fx.example:443"}}
    env = task("agent", {"upstreams": upstreams})["Env"]
    assert env["OUTRIDER_AGENT_UPSTREAMS"] == "a,b"
    assert env["OUTRIDER_AGENT_SERVICE_ID"] == "_nomad-task-${NOMAD_ALLOC_ID}-group-checkout-checkout-ingress"
    assert env["OUTRIDER_AGENT_LISTEN"] == "unix:../alloc/agent.sock"
    assert env["CONSUL_HTTP_ADDR"] == "http://127.0.0.1:8500"


def test_a_consul_token_comes_from_a_nomad_variable_or_by_workload_identity() -> None:
    def agent(token: Any) -> Json:
        return task("agent", {}, {"consul": {"address": "http://127.0.0.1:8500", "token": token}})

    variable = agent({"nomad_variable": "nomad/jobs/checkout#consul"})
    assert variable["Env"]["CONSUL_HTTP_TOKEN_FILE"] == "secrets/consul.token"
    (template,) = [one for one in variable["Templates"] if one["DestPath"] == "secrets/consul.token"]
    assert template["EmbeddedTmpl"] == (
        '{{ with nomadVar "nomad/jobs/checkout" }}{{ (index . "consul").Value }}{{ end }}'
    )
    assert template["ChangeMode"] == "noop"
    assert agent("workload_identity")["Consul"] == {}
    assert "Consul" not in agent("none")
    assert [one["DestPath"] for one in agent("none")["Templates"]] == ["local/outrider-agent.pyz"]


def test_envoy_comes_from_an_image_a_path_or_a_download() -> None:
    assert task("envoy", {}, BRIDGE)["Config"]["image"] == "envoyproxy/envoy:v1.40.0"
    path = {"sidecar": {"envoy": {"path": "/opt/envoy"}}}
    assert task("envoy", {}, path)["Config"]["command"] == "/opt/envoy"
    download = {"sidecar": {"envoy": {"artifact": "https://a.example/envoy", "sha256": "e" * 64}}}
    fetched = task("envoy", {}, download)
    assert fetched["Config"]["command"] == "local/envoy"
    assert fetched["Artifacts"][0]["RelativeDest"] == "local/envoy"


def test_a_password_moves_the_bootstrap_to_the_secrets_and_restarts_envoy_only_where_the_spec_says_so() -> None:
    upstreams = {"sessions": {"password": {"vault": "secret/data/sessions#password"}}}
    found = task("envoy", {"upstreams": upstreams}, sessions="redis")
    assert found["Templates"][0]["DestPath"] == "secrets/envoy.json"
    assert found["Templates"][0]["ChangeMode"] == "noop"
    restarting = task("envoy", {"upstreams": upstreams, "on_change": "restart"}, sessions="redis")
    assert restarting["Templates"][0]["ChangeMode"] == "restart"
    signalling = task("envoy", {"upstreams": upstreams, "on_change": "signal"}, sessions="redis")
    assert signalling["Templates"][0]["ChangeMode"] == "noop"
    assert found["Vault"] == {"Policies": ["checkout"]}


def test_values_that_nomad_reads_elsewhere_are_questions_in_a_file_of_variables() -> None:
    env = {
        "PLAIN": "a",
        "FLAG": {"consul": "config/flag"},
        "PASSWORD": {"vault": "secret/data/app#password"},
        "KEY": {"nomad_variable": "nomad/jobs/app#key"},
    }
    found = task("app", {"env": env})
    assert found["Env"]["PLAIN"] == "a"
    assert not {"FLAG", "PASSWORD", "KEY"} & set(found["Env"])
    (template,) = found["Templates"]
    assert template["Envvars"] is True
    assert template["EmbeddedTmpl"].splitlines() == [
        'FLAG={{ key "config/flag" | toJSON }}',
        'KEY={{ with nomadVar "nomad/jobs/app" }}{{ (index . "key").Value | toJSON }}{{ end }}',
        'PASSWORD={{ with secret "secret/data/app" }}{{ index .Data.data "password" | toJSON }}{{ end }}',
    ]
    assert found["Vault"] == {"Policies": ["checkout"]}


def test_a_file_is_signalled_or_left_alone() -> None:
    files = [
        {"path": "a.ini", "template": "x"},
        {"path": "b.ini", "template": "x", "on_change": "signal"},
        {"path": "c.ini", "template": "x", "on_change": "nothing"},
    ]
    templates = task("app", {"files": files})["Templates"]
    assert [item["DestPath"] for item in templates] == ["local/a.ini", "local/b.ini", "local/c.ini"]
    assert [item["ChangeMode"] for item in templates] == ["noop", "signal", "noop"]
    assert templates[1]["ChangeSignal"] == "SIGHUP"


def test_a_file_without_a_text_is_an_empty_file_and_no_template_that_nomad_refuses() -> None:
    (template,) = task("app", {"files": [{"path": "empty", "template": ""}]})["Templates"]
    assert template["EmbeddedTmpl"] == '{{ "" }}'


def test_a_command_starts_where_its_files_are_with_its_arguments_as_they_were() -> None:
    run = {"command": ["python3", "app.py", "a b", "$HOME", "${x}"], "artifact": "https://a.example/app.tar.gz"}
    found = task("app", {"run": run})
    assert found["Config"]["args"][1:] == [
        'cd "$NOMAD_TASK_DIR" && exec "$@"',
        *("sh", "python3", "app.py", "a b", "$HOME", "$${x}"),
    ]
    assert found["Artifacts"] == [
        {"GetterMode": "any", "GetterSource": "https://a.example/app.tar.gz", "RelativeDest": "local/"}
    ]


def test_java_runs_a_jar() -> None:
    found = task("app", {"run": {"command": ["app.jar", "-v"]}}, {"driver": "java"})
    assert (found["Driver"], found["Config"]) == ("java", {"jar_path": "local/app.jar", "args": ["-v"]})


def test_checks_go_through_the_proxy_and_are_marked_for_it() -> None:
    checks = [{"http": "/healthz", "headers": {"host": "x"}}, {"tcp": True}, {"script": ["/bin/check", "-v"]}]
    http, tcp, script = group({"checks": checks})["Services"][0]["Checks"]
    assert http["Header"] == {"host": ["x"], "x-outrider-check": ["1"]}
    assert (tcp["Type"], tcp["Path"], tcp["PortLabel"]) == ("http", "/health", "metrics")
    assert (script["TaskName"], script["Command"], script["Args"][-2:]) == ("app", "/bin/sh", ["/bin/check", "-v"])


def test_a_script_alone_says_nothing_of_the_proxy_so_health_is_asked_too() -> None:
    found = group({"checks": [{"script": ["/bin/check"]}]})["Services"][0]["Checks"]
    assert [check["Type"] for check in found] == ["script", "http"]


def test_logs_of_all_tasks_fit_on_the_groups_disk() -> None:
    needed = [item["LogConfig"]["MaxFiles"] * item["LogConfig"]["MaxFileSizeMB"] for item in group({})["Tasks"]]
    assert sum(needed) < 300


def test_what_may_change_without_a_restart_stands_in_no_task_and_no_job_meta() -> None:
    changed = {
        "team": "x",
        "description": "y",
        "links": {"a": "https://a.example"},
        "count": 3,
        "update": {"max_parallel": 3, "healthy_deadline": "9m"},
    }
    one, other = made({}), made(changed)
    assert one["Meta"] == other["Meta"]
    assert one["TaskGroups"][0]["Tasks"] == other["TaskGroups"][0]["Tasks"]


def test_a_dollar_of_a_developer_comes_from_the_meta_that_every_job_has() -> None:
    hostile = made({"consul": {"tags": ["${attr.kernel.name}"]}})
    assert hostile["Meta"]["dollar"] == "$"
    assert hostile["TaskGroups"][0]["Services"][0]["Tags"][1] == "${NOMAD_META_dollar}{attr.kernel.name}"
    assert made({})["Meta"]["dollar"] == "$"


def test_an_upstream_sets_no_variable_that_tools_of_the_servers_read() -> None:
    env = task("app", {"upstreams": {"vault": {}, "nomad": {}, "consul-http": {}, "outrider": {}, "db": {}}})["Env"]
    assert {"VAULT_URL", "NOMAD_URL", "CONSUL_HTTP_URL", "OUTRIDER_URL", "DB_URL", "DB_ADDR"} <= set(env)
    assert not {"VAULT_ADDR", "NOMAD_ADDR", "CONSUL_HTTP_ADDR", "OUTRIDER_ADDR"} & set(env)


def test_a_script_starts_where_the_app_does_and_in_an_image_where_the_image_says() -> None:
    checks = {"checks": [{"script": ["./check.sh", "a b"]}]}
    found = group(checks)["Services"][0]["Checks"][0]
    assert (found["Command"], found["Args"]) == (
        "/bin/sh",
        ["-c", 'cd "$NOMAD_TASK_DIR" && exec "$@"', "sh", "./check.sh", "a b"],
    )
    found = group(checks, BRIDGE)["Services"][0]["Checks"][0]
    assert (found["Command"], found["Args"]) == ("./check.sh", ["a b"])


def test_names_with_dots_reach_a_command_past_the_shell_that_would_drop_them() -> None:
    app = task("app", {"env": {"discovery.type": "single-node", "a.b": {"consul": "k"}}})
    assert app["Config"] == {"command": "/usr/bin/env", "args": ["-C", "${NOMAD_TASK_DIR}", "app"]}
    assert app["Env"]["discovery.type"] == "single-node"
    assert app["Templates"][0]["EmbeddedTmpl"] == 'a.b={{ key "k" | toJSON }}\n'
    assert task("app", {"env": {"A": "b"}})["Config"]["command"] == "/bin/sh"


TLS = {"ca": "/etc/ca.pem", "certificate": "/etc/c.pem", "key": "/etc/c.key", "server_name": "client.dc1.consul"}


def consul(**tls: Any) -> Json:
    return {"consul": {"address": "http://c", "agent_address": "https://127.0.0.1:8501", "tls": tls}}


def test_the_agent_is_told_where_its_certificates_lie() -> None:
    agent = task("agent", {}, consul(**TLS))
    assert {name: value for name, value in agent["Env"].items() if name.startswith("CONSUL_")} == {
        "CONSUL_HTTP_ADDR": "https://127.0.0.1:8501",
        "CONSUL_CACERT": "/etc/ca.pem",
        "CONSUL_CLIENT_CERT": "/etc/c.pem",
        "CONSUL_CLIENT_KEY": "/etc/c.key",
        "CONSUL_TLS_SERVER_NAME": "client.dc1.consul",
    }
    assert [one["DestPath"] for one in agent["Templates"]] == ["local/outrider-agent.pyz"]


@pytest.mark.parametrize(("driver", "root"), [("raw_exec", ""), ("exec", "/"), ("docker", "/")])
def test_certificates_of_nomad_variables_are_files_among_the_agents_secrets(driver: str, root: str) -> None:
    held = {"nomad_variable": "nomad/jobs#key"}
    where = {**consul(certificate="/etc/c.pem", key=held), "driver": driver}
    agent = task("agent", {}, where)
    assert agent["Env"]["CONSUL_CLIENT_KEY"] == f"{root}secrets/consul-client.key"
    (written,) = [one for one in agent["Templates"] if one["DestPath"] == "secrets/consul-client.key"]
    assert written["EmbeddedTmpl"] == '{{ with nomadVar "nomad/jobs" }}{{ (index . "key").Value }}{{ end }}'
    assert written["ChangeMode"] == "noop"


def test_the_agent_is_told_which_upstreams_have_no_guard_against_an_address_that_changed_hands() -> None:
    upstreams = {"ledger": {"protocol": "tcp"}, "sessions": {"protocol": "redis"}, "catalog": {"protocol": "grpc"}}
    outside = {"fx": {"protocol": "tcp", "address": "fx.example:443"}}
    guarded = task("agent", {"upstreams": {"catalog": {"protocol": "http"}}})["Env"]
    bare = task("agent", {"upstreams": upstreams | outside})["Env"]
    assert bare["OUTRIDER_AGENT_UNGUARDED"] == "ledger,sessions"
    assert "OUTRIDER_AGENT_UNGUARDED" not in guarded
