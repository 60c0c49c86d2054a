"""A stored spec and its models: what goes in comes out, and what cannot be read is said with whose it is."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from outrider.spec.notation import as_written, knobs_written
from outrider.spec.patch import JsonPatch, MergePatch
from outrider.spec.reading.files import read_service
from outrider.spec.stored import FORMAT, Declared, StoredSpec, UnreadableSpecError, stored_part, stored_spec
from outrider.spec.upstream import Upstream

EXAMPLES = Path(__file__).parents[3] / "examples"
SPECS = sorted(
    file
    for file in EXAMPLES.rglob("*.yaml")
    if file.read_text().startswith("service:") or "\nservice:" in file.read_text()
)
PATCHES = {
    "slow": MergePatch(merge={"a": {"timeout": None}, "timeout": 5000}),
    "first": JsonPatch.model_validate({"json_patch": [{"op": "remove", "path": "/a"}]}),
}


def read(text: str) -> StoredSpec:
    return StoredSpec(read_service(text, "f").service, {})


@pytest.mark.parametrize("file", SPECS, ids=lambda file: str(file.relative_to(EXAMPLES)))
def test_a_spec_comes_back_as_it_was_stored(file: Path) -> None:
    service = read_service(file.read_text(), str(file)).service.model_copy(update={"patches": tuple(PATCHES)})
    stored = StoredSpec(service, PATCHES)
    document = json.loads(json.dumps(stored.document))
    found = stored_spec(document, FORMAT, "checkout")
    assert found == stored
    assert list(found.patches) == ["slow", "first"]
    assert found.document == document


def test_durations_are_stored_as_they_are_written() -> None:
    document = read("service: a\nrun: {command: [a]}\nupstreams: {b: {timeout: 1500ms}}\n").document
    assert document["upstreams"]["b"]["timeout"] == "1500ms"
    assert (document["stop"]["delay"], document["ingress"]["keep_alive"]) == ("5s", "1s")


def test_a_field_of_another_outrider_is_named_with_whose_spec_it_is() -> None:
    document = read("service: a\nrun: {command: [a]}\n").document | {"colour": "blue"}
    with pytest.raises(UnreadableSpecError, match="the stored spec of version 3 of a cannot be read: colour: "):
        stored_spec(document, FORMAT, "version 3 of a")


@pytest.mark.parametrize("number", [FORMAT - 1, FORMAT + 1])
def test_another_format_is_an_error_whoever_asks(number: int) -> None:
    for read_part in (stored_spec, partial(stored_part, Declared)):
        with pytest.raises(UnreadableSpecError, match=f"is stored in format {number}, and this Outrider reads format"):
            read_part({}, number, "a")


def test_what_neighbours_need_is_read_without_the_rest() -> None:
    found = stored_part(Declared, {"upstreams": {"b": {"timeout": "5s"}}, "shard": 1}, FORMAT, "a")
    assert (found.upstreams["b"].timeout, found.shard) == (5000, True)
    assert stored_part(Declared, {"upstreams": None, "shard": None}, FORMAT, "a").upstreams == {}


def test_a_directory_is_known_by_the_run() -> None:
    assert read("service: a\nrun: {command: [a], directory: .}\n").has_directory
    assert not read("service: a\nrun: {command: [a]}\n").has_directory
    assert not read("service: a\nrun: {image: x}\n").has_directory


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, ""),
        ({"timeout": "1500ms", "retries": 0}, "timeout 1500ms, retries 0"),
        ({"keep_alive": "none", "stream": True}, "stream true, keep_alive none"),
        ({"password": {"vault": "a#b"}}, "password {vault: a#b}"),
    ],
)
def test_knobs_are_shown_as_one_writes_them(fields: dict[str, object], text: str) -> None:
    assert knobs_written(Upstream.model_validate(fields)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (3, "3"),
        (["python3", "app.py"], "[python3, app.py]"),
        ("", "''"),
        ("1", "'1'"),
        ("Für alle", "Für alle"),
        ("\x1b[2J", '"\\e[2J"'),
        (None, "-"),
        ([{"http": "/", "interval": "5s", "name": None, "headers": {}}], "[{http: /, interval: 5s}]"),
        ("x" * 300, "x" * 99 + "…"),
    ],
)
def test_values_are_shown_as_in_a_spec(value: object, text: str) -> None:
    assert as_written(value) == text
