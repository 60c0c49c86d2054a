"""consul-template's language, construct by construct."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from outrider_embedded.template_objects import instances
from outrider_embedded.template_printf import as_bytes, as_text
from outrider_embedded.templates import Lookups, Rendered, TemplateError, rendered

ENVIRONMENT = {"NOMAD_PORT_http": "20001", "EMPTY": ""}
KEYS = {"app/flag": "on", "app/quoted": 'a "b" <c>', "app/number": "2", "app/deep/key": "x"}
WEB = (
    {"Name": "web", "Address": "10.0.0.1", "Port": 80, "Tags": ["blue"], "Meta": {"version": "1"}},
    {"Name": "web", "Address": "10.0.0.2", "Port": 81, "Tags": [], "Meta": {}},
)


def _below(prefix: str) -> Mapping[str, str]:
    return {key: value for key, value in KEYS.items() if key.startswith(prefix)}


def _instances(name: str) -> tuple[Mapping[str, Any], ...]:
    return WEB if name == "web" else ()


def _rendered(text: str) -> Rendered:
    return rendered(text, ENVIRONMENT, KEYS.get, Lookups(instances=_instances, below=_below))


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("plain { text } without actions", "plain { text } without actions"),
        ('{{ env "NOMAD_PORT_http" }}|{{env `NOMAD_PORT_http`}}|{{ env "NONE" }}', "20001|20001|"),
        ('{{ envOrDefault "EMPTY" "x" }}{{ envOrDefault "NONE" "y" }}', "y"),
        ('{{ key "app/flag" }}', "on"),
        ('{{ key "app/quoted" | toJSON }}', r'"a \"b\" \u003cc\u003e"'),
        ('{{ keyOrDefault "none" "d" }}{{ keyOrDefault "app/flag" "d" }}', "don"),
        ('{{ if keyExists "app/flag" }}yes{{ else }}no{{ end }}', "yes"),
        ('{{ if eq (key "app/flag") "off" }}1{{ else if eq 1 1 }}2{{ else }}3{{ end }}', "2"),
        ('{{ with key "app/flag" }}{{ . }}!{{ end }}{{ with env "NONE" }}x{{ else }}none{{ end }}', "on!none"),
        ('{{ range service "web" }}{{ .Address }}:{{ .Port }} {{ end }}', "10.0.0.1:80 10.0.0.2:81 "),
        ('{{ range service "blue.web" }}{{ .Address }}{{ end }}', "10.0.0.1"),
        ('{{ range service "web|passing,warning" }}{{ .Meta.version }},{{ end }}', "1,<no value>,"),
        ('{{ range $i, $s := service "web" }}{{ $i }}={{ $s.Port }};{{ end }}', "0=80;1=81;"),
        ('{{ range service "none" }}x{{ else }}nobody{{ end }}', "nobody"),
        ('{{ range ls "app" }}{{ .Key }}={{ .Value }};{{ end }}', 'flag=on;number=2;quoted=a "b" <c>;'),
        ('{{ range tree "app/deep" }}{{ .Path }}{{ end }}', "app/deep/key"),
        ("a {{- /* nothing */ -}} b", "ab"),
        ("a\n{{- if true }}\nb\n{{- end }}\nc", "a\nb\nc"),
        ("{{ `{{` }} {{ \"}}\" }} {{ 'x' }}", "{{ }} 120"),
        ('{{ $x := "a" }}{{ if true }}{{ $x = "b" }}{{ $y := 1 }}{{ end }}{{ $x }}', "b"),
        ('{{ "A,B" | toLower | split "," | join "-" }}', "a-b"),
        ('{{ add 1 2 }} {{ 5 | subtract 2 }} {{ key "app/number" | parseInt | multiply 3 }}', "3 3 6"),
        ('{{ range tree "" }}x{{ else }}never all{{ end }}', "never all"),
        ('{{ scratch.Set "a" 1 }}{{ scratch.SetX "a" 2 }}{{ scratch.Get "a" }}{{ scratch.Key "b" }}', "1false"),
        ('{{ define "x" }}<{{ . }}{{ $ }}>{{ end }}{{ template "x" "a" }}{{ template "x" (env "EMPTY") }}', "<aa><>"),
        (
            '{{ with parseJSON `{"a": 1, "b": 1000000, "c": 0.00001, "d": 2.5}` }}{{ .a }} {{ .b }} {{ .c }} {{ .d }}{{ end }}',
            "1 1e+06 1e-05 2.5",
        ),
        ('{{ parseJSON `{"b": [1, null], "a": "<x>"}` | toYAML }}', "a: <x>\nb:\n- 1\n- null"),
        ('{{ toUnescapedJSON (parseJSON `{"a": "<", "n": 1000000}`) }}', '{"a":"<","n":1000000}'),
        ('{{ range $k, $v := tree "app" | explode }}{{ $k }};{{ end }}', "deep;flag;number;quoted;"),
        ('{{ "a,b" | split "," | containsAny (parseJSON `["b", "c"]`) }}', "true"),
        ('{{ "a=1,b=2" | splitToMap "," "=" | toJSON }}', '{"a":"1","b":"2"}'),
        ('{{ "oNE two" | toTitle }} {{ "x" | md5sum }}', "ONE Two 9dd4e461268c8034f5c8564e155c67a6"),
        ('{{ "a b&c" | urlquery }} {{ "<x>" | html }}', "a+b%26c &lt;x&gt;"),
        ('{{ sprig_default "d" "" }} {{ "a" | sprig_upper }} {{ sprig_list 1 2 | sprig_join "-" }}', "d A 1-2"),
        ('{{ printf "%03d %s %q %v" 7 "x" "y" true }}', '007 x "y" true'),
        ('{{ and 1 0 }} {{ or "" "x" }} {{ not false }} {{ lt 1 2 }} {{ ne 1 1 }}', "0 x true true false"),
        ('{{ with parseJSON "{\\"a\\":{\\"b\\":[1,2]}}" }}{{ .a.b }} {{ index .a "b" 1 }}{{ end }}', "[1 2] 2"),
        ('{{ (index (service "web") 0).Port }}', "80"),
        ("{{ range loop 3 }}{{ . }}{{ end }} {{ print 1 2 `c` 3 }}", "012 1 2c3"),
        ('{{ "eA==" | base64Decode }} {{ "x" | base64Encode }}', "x eA=="),
        ('{{ "e\\nA==\\r\\n" | base64Decode }}', "x"),
        ('{{ "_-8=" | base64URLDecode | base64URLEncode }}', "_-8="),
        ('{{ "/w==" | base64Decode | sha256Hex }}', hashlib.sha256(b"\xff").hexdigest()),
        ('{{ "/w==" | base64Decode | base64Encode }}', "/w=="),
        ('{{ regexReplaceAll "(a+)b" "$1-" "aab" }} {{ "aab" | regexMatch "^a" }}', "aa- true"),
        ('{{ "x\ny" | indent 2 }}', "  x\n  y"),
    ],
)
def test_a_construct_renders_as_consul_template_does(text: str, out: str) -> None:
    assert _rendered(text.replace('"x\ny"', '"x\\ny"')).text == out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('one\n{{ bogus "x" }}', 'template line 2: function "bogus" not defined'),
        ('{{ plugin "a" }}', "template line 1: error calling plugin: function is disabled"),
        ("{{ if false }}{{ bogus }}{{ end }}", 'template line 1: function "bogus" not defined'),
        ("\n\n{{ if true }}x", "template line 3: if without end"),
        ("{{ end }}", "template line 1: unexpected end"),
        ('{{ "open }}', "template line 1: unterminated string"),
        ("{{ env", "template line 1: unclosed action"),
        ("{{ /* open }}", "template line 1: unclosed comment"),
        ("{{ }}", "template line 1: missing value for command"),
        ("{{ ( env }}", "template line 1: unclosed left paren"),
        ("{{ $x }}", 'template line 1: undefined variable "$x"'),
        ('{{ range "text" }}{{ end }}', "template line 1: range can't iterate over text"),
        ('{{ "a" "b" }}', "template line 1: only a function takes arguments"),
        ('{{ "x" | parseInt }}', "template line 1: error calling parseInt"),
        ('{{ "eA" | base64Decode }}', "template line 1: error calling base64Decode"),
        ('{{ "e A==" | base64Decode }}', "template line 1: error calling base64Decode"),
        ('{{ "_-8=" | base64Decode }}', "template line 1: error calling base64Decode"),
        ('{{ template "x" }}', 'template line 1: template "x" not defined'),
        ('{{ define "x" }}{{ nosuch }}{{ end }}', 'template line 1: function "nosuch" not defined'),
        ('{{ sprig_env "X" }}', 'template line 1: the one-machine cluster has no function "sprig_env"; Nomad has it'),
        (
            "{{ range nomadServices }}{{ end }}",
            'template line 1: the one-machine cluster has no function "nomadServices"; Nomad has it',
        ),
        ('{{ plugin "echo" }}', "template line 1: error calling plugin: function is disabled"),
        (
            '{{ mustEnv "EMPTY" }}',
            "template line 1: error calling mustEnv: required environment variable EMPTY is empty",
        ),
        ('{{ scratch.Nothing "x" }}', "template line 1: can't evaluate field Nothing"),
        ('\n{{ with secret "a/b" }}{{ .Data.x }}{{ end }}', "template line 2: the one-machine cluster has no Vault"),
        ('{{ nomadVar "a" }}', "template line 1: the one-machine cluster has no Nomad variables"),
        ("{{ a ! b }}", "template line 1: unexpected '!' in an action"),
    ],
)
def test_what_cannot_be_rendered_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        _rendered(text)
    assert caught.value.message.startswith(message)


def test_what_was_read_is_told_so_that_it_can_be_watched() -> None:
    text = (
        '{{ key "app/flag" }}{{ keyOrDefault "b" "" }}{{ range ls "app" }}{{ end }}{{ range service "web" }}{{ end }}'
    )
    found = _rendered(text)
    assert found.reads == (("key", "app/flag"), ("key", "b"), ("prefix", "app"), ("service", "web"))
    assert found.is_complete


def test_a_missing_key_leaves_the_text_incomplete() -> None:
    found = _rendered('{{ key "none" }}')
    assert found.missing == ("kv.block(none)",)
    assert not found.is_complete


def test_secrets_and_variables_come_from_the_callers_lookups() -> None:
    lookups = Lookups(
        secret={"secret/data/app": {"Data": {"data": {"password": "p"}}}}.get,
        variable={"nomad/jobs/app": {"token": "t"}}.get,
    )
    text = '{{ with secret "secret/data/app" }}{{ .Data.data.password }}{{ end }}'
    text += '{{ with nomadVar "nomad/jobs/app" }}{{ .token }}{{ end }}'
    assert rendered(text, {}, KEYS.get, lookups).text == "pt"
    assert rendered('{{ with secret "none" }}x{{ end }}', {}, KEYS.get, lookups).missing == ("vault.read(none)",)


def test_other_delimiters_leave_braces_alone() -> None:
    assert rendered("{{ x }} <[ env `A` ]>", {"A": "1"}, KEYS.get, delimiters=("<[", "]>")).text == "{{ x }} 1"


@pytest.mark.parametrize("content", [bytes(range(256)), b"\xed\xa0\x80\xc3", b"\xef\xbb\xbf\r\n", b"\xc3\xa4"])
def test_any_bytes_go_through_a_template_as_they_are(content: bytes) -> None:
    encoded = base64.b64encode(content).decode()
    assert as_bytes(_rendered(f'{{{{ base64Decode "{encoded}" }}}}').text) == content
    assert as_bytes(as_text(content)) == content


def test_the_safe_lists_wait_until_there_is_something() -> None:
    found = _rendered(
        '{{ range safeLs "none" }}{{ end }}{{ range safeTree "none/" }}{{ end }}{{ range ls "none" }}{{ end }}'
    )
    assert found.missing == ("kv.list(none)", "kv.list(none/)")


def test_a_service_shows_those_that_pass_unless_statuses_are_named() -> None:
    sick = ({"Name": "web", "Port": 1, "Status": "warning"}, {"Name": "web", "Port": 2, "Status": "passing"})
    lookups = Lookups(instances=lambda _: sick)

    def ports(arguments: str) -> str:
        text = f"{{{{ range service {arguments} }}}}{{{{ .Port }}}}{{{{ end }}}}"
        return rendered(text, {}, KEYS.get, lookups).text

    assert [ports('"web"'), ports('"web|any"'), ports('"web" "warning"'), ports('"web|critical"')] == [
        "2",
        "12",
        "1",
        "",
    ]


def test_what_consul_says_of_a_service_is_what_range_service_sees_in_order() -> None:
    node = {"Node": "n1", "ID": "i", "Address": "10.0.0.9", "Meta": None}
    service = {"Service": "web", "Port": 80, "Tags": ["b", "a"], "Meta": {"k": "v"}, "Weights": {"Passing": 1}}
    entries = [
        {"Node": node, "Service": service | {"ID": "w2", "Address": ""}, "Checks": [{"Status": "passing"}]},
        {
            "Node": node,
            "Service": service | {"ID": "w1", "Address": "10.0.0.1"},
            "Checks": [{"Status": "warning"}, {"Status": "passing"}],
        },
    ]
    first, second = instances(entries)
    assert (first["ID"], first["Status"], first["Address"], first["Tags"]) == ("w1", "warning", "10.0.0.1", ["a", "b"])
    assert (second["ID"], second["Status"], second["Address"]) == ("w2", "passing", "10.0.0.9")


def test_an_item_of_a_variable_that_is_not_there_is_empty_and_its_methods_win_over_keys() -> None:
    lookups = Lookups(variable=lambda _: {"Path": "p", "Items": {"Keys": "x", "b": "y"}})
    text = (
        '{{ with nomadVar "p" }}{{ (index . "none").Value | toJSON }}{{ .Keys }}{{ .b.Key }}{{ .Parent.Path }}{{ end }}'
    )
    assert rendered(text, {}, KEYS.get, lookups).text == '""[Keys b]bp'
