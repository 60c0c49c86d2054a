"""The published JSON Schemas: valid themselves, and of one mind with the models on what one value may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from outrider.spec.reading.document import document
from outrider.spec.schema import platform_schema, service_schema

EXAMPLES = Path(__file__).parents[3] / "examples"
SERVICES = sorted(path for path in EXAMPLES.glob("*/*.yaml") if path.parent.name != "platforms")
PLATFORMS = sorted(EXAMPLES.glob("platforms/*.yaml"))
SMALL = "service: a\nrun: {image: x}\n"


def refusals(schema: dict[str, Any], text: str) -> list[str]:
    return [error.message for error in Draft202012Validator(schema).iter_errors(document(text).data)]


@pytest.mark.parametrize("schema", [service_schema(), platform_schema()], ids=["service", "platform"])
def test_a_schema_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


def closed(schema: Any) -> bool:
    """Whether every map in the schema says which keys it takes."""
    if isinstance(schema, list):
        return all(closed(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    is_open = schema.get("type") == "object" and "additionalProperties" not in schema
    return not is_open and all(closed(part) for part in schema.values())


@pytest.mark.parametrize("schema", [service_schema(), platform_schema()], ids=["service", "platform"])
def test_every_map_is_closed(schema: dict[str, Any]) -> None:
    assert closed(schema)


@pytest.mark.parametrize("schema", [service_schema(), platform_schema()], ids=["service", "platform"])
def test_every_key_is_described_for_the_editor(schema: dict[str, Any]) -> None:
    parts = {name: part for name, part in schema["$defs"].items() if not name.startswith("Differ")}
    keys = {
        f"{name}.{key}": field.get("description") or parts[field["$ref"].rpartition("/")[2]].get("description")
        for name, part in {"": schema, **parts}.items()
        if not name.endswith("Difference")
        for key, field in part.get("properties", {}).items()
    }
    assert [key for key, description in keys.items() if not description] == []


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_example_service_fits_the_schema(path: Path) -> None:
    assert refusals(service_schema(), path.read_text()) == []


@pytest.mark.parametrize("path", PLATFORMS, ids=lambda path: path.name)
def test_each_example_platform_fits_the_schema(path: Path) -> None:
    assert refusals(platform_schema(), path.read_text()) == []


@pytest.mark.parametrize(
    "added",
    [
        "protcol: http",
        "mesh: no",
        "team: 5",
        "team:",
        "count: '2'",
        "count: -1",
        "port: 70000",
        "port: nowhere",
        "upstreams: {Catalog: {}}",
        "upstreams: {catalog: }",
        "upstreams: {a: {timeout: 800}}",
        "upstreams: {a: {timeout: soon}}",
        "upstreams: {a: {retries: 11}}",
        "upstreams: {a: {protocol: https}}",
        "upstreams: {a: {address: fx.example.com}}",
        "upstreams: {a: {password: secret}}",
        "stop: {delay: 5}",
        "stop: {signal: TERM}",
        "checks: {http: /}",
        "checks: [/]",
        "checks: [{http: healthz}]",
        "checks: [{tcp: false}]",
        "checks: [{http: /, tcp: true}]",
        "checks: [{script: []}]",
        "checks: [{grpc: 5}]",
        "env: {A: 1.5}",
        "env: {A: {consul: x, vault: y}}",
        "env: {my-name: x}",
        "files: [{path: ../x, template: y}]",
        "files: [{path: x, template: y, on_change: maybe}]",
        "links: {a: 'javascript:alert(1)'}",
        "consul: {meta: {a: 1}}",
        "consul: {tags: blue}",
        "environments: {Stage: {}}",
        "environments: {stage: {service: x}}",
        "environments: {stage: {cuont: 1}}",
        "environments: {stage: {count: x}}",
        "environments: {stage: {upstreams: {a: {timeout: 5}}}}",
        "environments: {stage: {checks: [{htpp: /}]}}",
        "environments: {stage: }",
    ],
)
def test_a_wrong_value_is_wrong_for_the_schema_too(said: Any, added: str) -> None:
    assert said(SMALL + added) != []
    assert refusals(service_schema(), SMALL + added) != []


@pytest.mark.parametrize(
    "added",
    [
        "env: {A: {consul: x}, B: 5, C: true}\nenvironments: {p: {env: {A: {consul: null, vault: 'a#b'}, B: null}}}",
        "checks: [{grpc: true}, {grpc: a.b.C}]\nprotocol: grpc",
        "port: none",
        "environments: {stage: {run: {command: [x]}, resources: {cpu: 5}, stop: {delay: 3s}}}",
    ],
)
def test_what_is_right_is_right_for_the_schema_too(said: Any, added: str) -> None:
    assert said(SMALL + added) == []
    assert refusals(service_schema(), SMALL + added) == []


@pytest.mark.parametrize("text", ["{}", "service: a", "run: {image: x}", "service: a\nrun: nginx", "[]"])
def test_what_is_missing_is_missing_for_the_schema_too(text: str) -> None:
    assert refusals(service_schema(), text) != []


def test_durations_come_with_their_pattern_and_bounds() -> None:
    delay = service_schema()["$defs"]["Stop"]["properties"]["delay"]
    assert (delay["default"], delay["type"]) == ("5s", "string")
    assert delay["description"].endswith("From 2s to 1h.")
