"""Who may read what Nomad renders: nothing of a sidecar is everybody's."""

from __future__ import annotations

from typing import Any

import pytest
from outrider_ground.errors import SpecError
from support.topologies import resolved

from outrider.nomad.write.hcl import hcl
from outrider.nomad.write.job import job
from outrider.spec.reading.files import read_platform

Json = dict[str, Any]
TOKEN: Json = {
    "consul": {
        "address": "http://127.0.0.1:8500",
        "agent_address": "http://127.0.0.1:8500",
        "token": {"nomad_variable": "nomad/jobs/checkout"},
    }
}
SPEC: Json = {
    "upstreams": {"sessions": {"protocol": "redis", "password": {"vault": "secret/data/x#p"}}},
    "env": {"DB": {"nomad_variable": "nomad/jobs/checkout#db"}},
}


def templates(spec: Json, environment: Json | None = None) -> dict[str, Json]:
    """Every template of the job by task and path."""
    found = job(resolved(spec, environment), "{}")
    return {
        f"{task['Name']}/{one['DestPath']}": one
        for group in found["TaskGroups"]
        for task in group["Tasks"]
        for one in task.get("Templates", ())
    }


def access(one: Json) -> tuple[str, int | None]:
    return one["Perms"], one.get("Uid")


@pytest.mark.parametrize(
    ("environment", "owner"),
    [
        ({"driver": "raw_exec"}, None),
        ({"driver": "exec"}, 65534),
        ({"driver": "java"}, 65534),
        ({"driver": "docker"}, 65534),
        ({"driver": "podman"}, 65534),
        ({"driver": "docker", "sidecar": {"user": "101:101"}}, 101),
        ({"driver": "raw_exec", "sidecar": {"user": "900"}}, 900),
        ({"driver": "raw_exec", "sidecar": {"user": "envoy", "uid": 900}}, 900),
        ({"driver": "raw_exec", "sidecar": {"user": "root"}}, 0),
        ({"driver": "exec", "sidecar": {"user": "nobody"}}, 65534),
    ],
)
def test_bootstrap_token_and_agent_are_readable_by_the_sidecars_user_alone(
    environment: Json, owner: int | None
) -> None:
    run = {"run": {"image": "app:1"}} if environment["driver"] == "podman" else {}
    found = templates({**SPEC, **run}, {**TOKEN, **environment})
    beside = {path: access(one) for path, one in found.items() if not path.startswith("app/")}
    assert set(beside) == {
        "agent/local/outrider-agent.pyz",
        "agent/secrets/consul.token",
        "gate/local/outrider-agent.pyz",
        "envoy/secrets/envoy.json",
    }
    assert set(beside.values()) == {("0400", owner)}


def test_an_environment_file_is_read_by_nomad_alone_whatever_the_driver() -> None:
    for driver in ("raw_exec", "exec"):
        assert access(templates(SPEC, {"driver": driver})["app/secrets/outrider.env"]) == ("0400", None)


@pytest.mark.parametrize(
    ("driver", "expected"), [("raw_exec", ("0400", None)), ("exec", ("0400", 65534)), ("docker", ("0644", None))]
)
def test_a_file_with_a_secret_is_closed_where_the_apps_user_is_known(driver: str, expected: tuple[str, int]) -> None:
    text = '{{ with nomadVar "nomad/jobs/checkout" }}{{ .password }}{{ end }}'
    files = [{"path": "secret.ini", "template": text}, {"path": "index.html", "template": "hello"}]
    found = templates({"files": files}, {"driver": driver})
    assert access(found["app/local/secret.ini"]) == expected
    assert access(found["app/local/index.html"]) == ("0644", None)


def test_files_are_everybodys_again_where_the_platform_says_so() -> None:
    found = templates({}, {"driver": "raw_exec", "sidecar": {"private_files": False, "user": "envoy"}})
    assert {access(one) for one in found.values()} == {("0644", None)}


def test_the_owner_stands_in_hcl_too() -> None:
    text = hcl(job(resolved({}, {"driver": "docker"}), "{}"))
    assert text.count("uid = 65534") == text.count('perms = "0400"') == 3


PLATFORM = """
environments:
  test:
    nomad: {{address: "http://n:4646"}}
    consul: {{address: "http://c:8500"}}
    driver: raw_exec
    sidecar: {{user: "{}"{}}}
"""


def test_a_user_whose_number_nobody_knows_is_refused_with_what_to_write() -> None:
    with pytest.raises(SpecError, match='write that of "envoy" as uid'):
        read_platform(PLATFORM.format("envoy", ""), "platform.yaml")
    for user, more in (
        ("envoy", ", private_files: false"),
        ("envoy", ", uid: 900"),
        ("65534", ""),
        ("root", ""),
        ("12:12", ""),
    ):
        assert read_platform(PLATFORM.format(user, more), "platform.yaml")
