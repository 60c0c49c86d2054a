"""Patches in the platform file, and their names in a service spec."""

from __future__ import annotations

import pytest
from outrider_ground.errors import SpecError

from outrider.spec.patch import JsonPatch, MergePatch
from outrider.spec.platform import Environment
from outrider.spec.reading.files import read_platform, read_service

ONE = "environments:\n  stage:\n    nomad: {address: 'http://n:4646'}\n    consul: {address: 'http://c:8500'}\n"


def stage(patches: str) -> Environment:
    return read_platform(f"{ONE}    patches:\n      it: {patches}\n", "p").environments["stage"]


def problems(patches: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        stage(patches)
    return [str(problem) for problem in caught.value.problems]


def test_a_merge_keeps_what_is_null_and_what_looks_like_a_key_of_ours() -> None:
    patch = stage("{merge: {a: null, b: {c: null, clusters: {x: {}}}, on: yes}}").patches["it"]
    assert isinstance(patch, MergePatch)
    assert patch.merge == {"a": None, "b": {"c": None, "clusters": {"x": {}}}, "on": "yes"}


def test_operations_are_kept_as_they_stand() -> None:
    patch = stage("{json_patch: [{op: add, path: /a, value: null}, {op: move, from: /a, path: /b~1c}]}").patches["it"]
    assert isinstance(patch, JsonPatch)
    assert patch.json_patch == (
        {"op": "add", "path": "/a", "value": None},
        {"op": "move", "from": "/a", "path": "/b~1c"},
    )


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        (
            "{json_patch: [{op: ad, path: /a}]}",
            'json_patch.0: op must be add, remove, replace, move, copy, test; found "ad"',
        ),
        ("{json_patch: [{op: add, path: /a}]}", "json_patch.0: add needs value"),
        ("{json_patch: [{op: remove, path: /a, value: 1}]}", "json_patch.0: remove has no value"),
        ("{json_patch: [{op: remove, path: a}]}", "path must be a JSON pointer such as /static_resources/clusters"),
        ("{json_patch: [{op: remove, path: /a~2}]}", "in a JSON pointer ~ is written ~0"),
        ("{json_patch: [{op: copy, path: /a}]}", "copy needs from"),
        ("{merge: {}}", "merge: must not be empty"),
        ("{merge: }", "merge: has no value"),
        ("{mrge: {a: 1}}", 'mrge: unknown key (did you mean "merge"?)'),
        ("{merge: {a: 1}, json_patch: []}", "json_patch: does not go with merge: use one of them"),
    ],
)
def test_what_is_no_patch_is_told_at_its_place(patch: str, said: str) -> None:
    (found,) = problems(patch)
    assert found.startswith("p:6:")
    assert said in found


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("mesh: false\npatches: [a]\n", "patches.0: has no effect: with mesh: false there is no Envoy to patch"),
        ("patches: [a, a]\n", "patches.1: a stands here twice"),
    ],
)
def test_names_without_effect_are_refused(lines: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        read_service(f"service: x\nrun: {{image: i}}\n{lines}", "f")


def test_roots_are_an_absolute_path() -> None:
    assert read_platform(ONE, "p").environments["stage"].sidecar.ca_roots == "/etc/ssl/certs/ca-certificates.crt"
    with pytest.raises(SpecError, match="an absolute path of a file"):
        read_platform(ONE + "    sidecar: {ca_roots: roots.pem}\n", "p")
