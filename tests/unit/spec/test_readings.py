"""What a service reads elsewhere, by what its spec says."""

from __future__ import annotations

from typing import Any

import pytest
from support.topologies import service

from outrider.spec.readings import Reading, asked, readings
from outrider.spec.references import Reference

KEY = Reference("consul", "config/flag")


def found(**spec: Any) -> list[Reading]:
    return list(readings(service(**spec)))


def test_a_value_has_its_own_word_or_its_services() -> None:
    env = {"A": {"consul": "config/flag"}, "B": {"consul": "config/flag", "on_change": "nothing"}, "C": "text"}
    assert [(one.purpose, one.on_change) for one in found(env=env)] == [("A", None), ("B", "nothing")]
    assert [one.on_change for one in found(env=env, on_change="roll")] == ["roll", "nothing"]


def test_each_kind_of_place_is_named_with_its_item() -> None:
    env = {"A": {"vault": "secret/data/app#password"}, "B": {"nomad_variable": "nomad/jobs/app@ops#key"}}
    assert [(str(one.reference), one.item) for one in found(env=env)] == [
        ("Vault secret secret/data/app", "password"),
        ("Nomad variable nomad/jobs/app@ops", "key"),
    ]


def test_a_password_is_read_by_the_sidecar_and_no_signal_reaches_that() -> None:
    upstreams = {"sessions": {"protocol": "redis", "password": {"vault": "secret/data/redis#password"}}}
    (one,) = found(upstreams=upstreams, on_change="signal")
    assert (one.purpose, one.by_sidecar, one.on_change) == ("upstreams.sessions.password", True, "ask")


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ('{{ key "config/flag" }}', [("Consul key config/flag", False)]),
        ("{{key `config/flag`|toJSON}}", [("Consul key config/flag", False)]),
        ('{{ keyOrDefault "config/flag" "off" }}', [("Consul key config/flag", True)]),
        ('{{ if keyExists "config/flag" }}x{{ end }}', [("Consul key config/flag", True)]),
        ('{{ range ls "config/app" }}x{{ end }}', [("Consul keys below config/app", True)]),
        ('{{- range safeTree "config/app/" }}x{{ end }}', [("Consul keys below config/app", False)]),
        ('{{ with secret "secret/data/app" }}x{{ end }}', [("Vault secret secret/data/app", False)]),
        ('{{ with nomadVar "nomad/jobs/app" }}x{{ end }}', [("Nomad variable nomad/jobs/app", False)]),
        ('{{ with secret "pki/issue/app" "common_name=a" }}x{{ end }}', []),
        ('{{ key (printf "config/%s" "a") }}', []),
        ('key "config/flag" outside of an action', []),
        ('{{/* key "config/flag" */}}', []),
        ('{{ env "key" }}{{ range service "tax" }}x{{ end }}', []),
    ],
)
def test_what_a_template_reads_by_a_name_that_stands_in_it_is_found(
    template: str, wanted: list[tuple[str, bool]]
) -> None:
    assert [(str(reference), may_lack) for reference, may_lack in asked(template)] == wanted


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_that_needs_a_key_once_needs_it(order: int) -> None:
    template = "".join(['{{ keyOrDefault "config/flag" "x" }}', '{{ key "config/flag" }}'][::order])
    (one,) = found(files=[{"path": "a.ini", "template": template}])
    assert (one.reference, one.may_lack, one.purpose) == (KEY, False, "local/a.ini")
