"""What templates read: names that Nomad understands, lists of Consul, files of the task, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from outrider_embedded.templates import Lookups, Rendered, TemplateError, rendered

KEYS = {"app/flag": "on", "app/empty": ""}
WEB = [
    {"Name": "web", "Port": 80, "Tags": ["a", "b"], "ServiceMeta": {"v": "1", "n": "7"}, "Status": "passing"},
    {"Name": "web", "Port": 80, "Tags": ["b"], "ServiceMeta": {"v": "x y"}, "Status": "warning"},
]
CATALOG: dict[str, Any] = {
    "services": {"web": ["b", "a"], "consul": []},
    "nodes": [{"Node": "z", "Address": "10.0.0.2"}, {"Node": "a", "Address": "10.0.0.1"}],
}
VARIABLES = {"nomad/jobs/app": {"Items": {"user": "me"}}}


def told(text: str) -> Rendered:
    lookups = Lookups(
        instances=lambda name: WEB if name == "web" else [],
        catalog=CATALOG.get,
        variable=VARIABLES.get,
        file=lambda path: f"<{path}>",
    )
    return rendered(text, {}, KEYS.get, lookups)


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ('{{ key "/app/flag" }} {{ keyExists "/app/empty" }} {{ keyOrDefault "/app/empty" "d" }}', "on true d"),
        ("{{ range services }}{{ .Name }}{{ .Tags }};{{ end }}", "consul[];web[a b];"),
        ("{{ range nodes }}{{ .Node }}={{ .Address }};{{ end }}", "a=10.0.0.1;z=10.0.0.2;"),
        ('{{ range $tag, $all := service "web|any" | byTag }}{{ $tag }}{{ len $all }};{{ end }}', "a1;b2;"),
        ('{{ range $port, $all := service "web|any" | byPort }}{{ $port }}={{ len $all }};{{ end }}', "80=2;"),
        ('{{ range $v, $_ := service "web|any" | byMeta "v,n|int" }}{{ $v }};{{ end }}', "1_00007;x_y_00000;"),
        ('{{ range $v, $_ := service "web" | byMeta "none" }}{{ $v }}{{ end }}', "_no_none_"),
        (
            '{{ len (service "web" "any") }} {{ len (service "a.web") }} {{ len (service "web|warning,critical") }}',
            "2 1 1",
        ),
        ('{{ len (service "web@dc1~_agent|passing") }} {{ len (service "") }}', "1 0"),
        (
            '{{ with nomadVar "/nomad/jobs/app/" }}{{ .user }}{{ end }}{{ nomadVarExists "nomad/jobs/app@default" }}',
            "metrue",
        ),
        ('{{ file " /x/y " }}{{ file "" }}', "</x/y>"),
    ],
)
def test_a_template_reads_as_nomad_would(text: str, out: str) -> None:
    assert told(text).text == out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{{ key "app/flag@dc2" }}', "no other datacenter: key app/flag@dc2 cannot be read"),
        ('{{ key "app/flag?ns=x" }}', "no other datacenter"),
        ('{{ range services "@dc2" }}{{ end }}', "no other datacenter: services @dc2 cannot be read"),
        ('{{ nomadVar "app@other" }}', "no other namespace: variable app@other cannot be read"),
        ('{{ service "a b" }}', 'health.service: invalid format: "a b"'),
        ('{{ service "web|ill" }}', 'health.service: invalid filter: "ill" in "web|ill"'),
        ('{{ with nomadVar "nomad/jobs/app" }}{{ .user | toUpper }}{{ end }}', "error calling toUpper: wrong type"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, message: str) -> None:
    with pytest.raises(TemplateError, match="template line 1") as caught:
        told(text)
    assert message in str(caught.value)


def test_what_is_read_and_missing_is_kept_by_the_name_that_nomads_events_give_it() -> None:
    found = told('{{ key "/none" }}{{ nomadVar "/none/" }}{{ range services }}{{ end }}{{ file "/x" }}')
    assert found.missing == ("kv.block(none)", "nomad.var.block(none@default.global)")
    assert found.reads == (("key", "none"), ("variable", "none"), ("catalog", "services"), ("file", "/x"))
