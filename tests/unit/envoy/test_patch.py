"""Operators' patches: what they can say, what they leave alone, and why one cannot be applied."""

from __future__ import annotations

import json
from typing import Any

import pytest
from outrider_ground.errors import SpecError
from support.topologies import resolved

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import sampled, template
from outrider.envoy.patch import patched
from outrider.spec.patch import JsonPatch, MergePatch
from outrider.topology.ports import Slot
from outrider.topology.sidecar import NamedPatch

Json = dict[str, Any]
PORT = Slot("NOMAD_PORT_ingress", 20_000)
MANAGER = "envoy.filters.network.http_connection_manager"


def document() -> Json:
    router = {"name": "router", "typed_config": {"@type": "Router", "dynamic_stats": False}}
    return {
        "clusters": [{"name": "payments", "connect_timeout": "0.5s"}, {"name": "local_app", "port": PORT}],
        "listeners": [{"name": "ingress", "port": PORT, "filter_chains": [{"filters": [router]}]}],
        "admin": {"port": PORT, "paths": ["/a", "/b"]},
    }


def merged(change: Json, below: Json | None = None) -> Json:
    return patched(below or document(), [NamedPatch("it", MergePatch(merge=change))])


def operated(*operations: Json, below: Json | None = None) -> Json:
    return patched(below or document(), [NamedPatch("it", JsonPatch(json_patch=operations))])


def refused(patch: MergePatch | JsonPatch) -> tuple[str, str | None]:
    with pytest.raises(SpecError) as caught:
        patched(document(), [NamedPatch("fine", MergePatch(merge={"a": 1})), NamedPatch("it", patch)])
    (problem,) = caught.value.problems
    assert problem.path == "patches.1"
    return problem.message, problem.suggestion


def test_maps_merge_null_removes_and_all_else_replaces() -> None:
    made = merged({"admin": {"paths": ["/c"], "port": None, "deep": {"er": 1, "gone": None}}})
    assert made["admin"] == {"paths": ["/c"], "deep": {"er": 1}}
    assert made["clusters"] == document()["clusters"]


def test_a_key_names_the_element_of_a_list_by_name_or_number() -> None:
    made = merged({"clusters": {"payments": {"connect_timeout": "1s"}, "1": {"extra": True}}})
    assert made["clusters"] == [
        {"name": "payments", "connect_timeout": "1s"},
        {"name": "local_app", "port": PORT, "extra": True},
    ]


def test_an_element_is_removed_with_null() -> None:
    assert [one["name"] for one in merged({"clusters": {"payments": None}})["clusters"]] == ["local_app"]


def test_a_list_of_named_maps_changes_those_elements_as_envoys_own_documents_are_written() -> None:
    change = {"clusters": [{"name": "local_app", "connect_timeout": "2s"}]}
    assert merged(change)["clusters"][1] == {"name": "local_app", "port": PORT, "connect_timeout": "2s"}
    assert len(merged(change)["clusters"]) == 2


def test_typed_configurations_merge_and_one_of_another_type_replaces() -> None:
    def router(config: Json) -> Json:
        made = merged({"listeners": {"ingress": {"filter_chains": {"0": {"filters": {"router": config}}}}}})
        return made["listeners"][0]["filter_chains"][0]["filters"][0]

    assert router({"typed_config": {"start_child_span": True}})["typed_config"] == {
        "@type": "Router",
        "dynamic_stats": False,
        "start_child_span": True,
    }
    assert router({"typed_config": {"@type": "Other", "x": 1}})["typed_config"] == {"@type": "Other", "x": 1}


def test_slots_survive_and_the_document_is_not_changed_in_place() -> None:
    before = document()
    made = merged({"listeners": {"ingress": {"x": 1}}, "admin": {"y": 2}}, before)
    made = operated({"op": "copy", "from": "/admin/port", "path": "/other"}, below=made)
    assert before == document()
    assert made["listeners"][0]["port"] is made["admin"]["port"] is made["other"] is PORT
    assert sampled(made)["other"] == 20_000
    assert template(made).count("{{ env `NOMAD_PORT_ingress` }}") == 4


def test_operations_add_replace_remove_move_copy_and_test() -> None:
    made = operated(
        {"op": "test", "path": "/clusters/payments/connect_timeout", "value": "0.5s"},
        {"op": "replace", "path": "/clusters/payments/connect_timeout", "value": "3s"},
        {"op": "add", "path": "/admin/paths/-", "value": "/c"},
        {"op": "add", "path": "/admin/paths/0", "value": "/0"},
        {"op": "remove", "path": "/clusters/local_app"},
        {"op": "move", "from": "/admin/port", "path": "/admin/moved"},
        {"op": "add", "path": "/a~1b~0c", "value": None},
    )
    assert made["clusters"] == [{"name": "payments", "connect_timeout": "3s"}]
    assert made["admin"] == {"paths": ["/0", "/a", "/b", "/c"], "moved": PORT}
    assert made["a/b~c"] is None


def test_a_filter_is_added_before_the_one_that_the_path_names() -> None:
    place = "/listeners/ingress/filter_chains/0/filters"
    made = operated(
        {"op": "add", "path": f"{place}/router", "value": {"name": "first"}},
        {"op": "add", "path": f"{place}/-", "value": {"name": "last"}},
    )
    names = [one["name"] for one in made["listeners"][0]["filter_chains"][0]["filters"]]
    assert names == ["first", "router", "last"]


@pytest.mark.parametrize(
    ("operation", "why", "suggestion"),
    [
        ({"op": "remove", "path": "/clusters/paymets"}, "there are payments, local_app", "payments"),
        ({"op": "remove", "path": "/clustres"}, "there are clusters, listeners, admin", "clusters"),
        ({"op": "replace", "path": "/admin/paths/2", "value": 1}, "its elements have no names; it has 2", None),
        ({"op": "add", "path": "/admin/paths/3", "value": 1}, "its elements have no names; it has 2", None),
        ({"op": "add", "path": "/admin/paths/01", "value": 1}, "its elements have no names; it has 2", None),
        ({"op": "add", "path": "/admin/port/x", "value": 1}, "is a single value", None),
        ({"op": "add", "path": "", "value": {}}, "the whole bootstrap: cannot be replaced", None),
        ({"op": "test", "path": "/admin/paths", "value": []}, 'is ["/a", "/b"], and the patch expects []', None),
        ({"op": "test", "path": "/admin/port", "value": 20_000}, "the patch expects 20000", None),
        ({"op": "move", "from": "/admin/nothing", "path": "/x"}, "/admin/nothing: there is no such key", None),
    ],
)
def test_what_cannot_be_applied_names_patch_place_reason_and_the_near_miss(
    operation: Json, why: str, suggestion: str | None
) -> None:
    message, meant = refused(JsonPatch(json_patch=(operation,)))
    assert message.startswith("the patch it cannot be applied here: ")
    assert why in message
    assert meant == suggestion


@pytest.mark.parametrize("change", [{"clusters": {"paymets": {"x": 1}}}, {"clusters": [{"name": "paymets", "x": 1}]}])
def test_a_merge_adds_no_element_since_a_typing_error_would_be_a_new_one(change: Json) -> None:
    message, meant = refused(MergePatch(merge=change))
    assert "/clusters/paymets: the list has no such element; there are payments, local_app" in message
    assert meant == "payments"


def test_braces_and_dollars_in_a_patch_are_text() -> None:
    text = template(merged({"admin": {"note": "{{ env `HOME` }} ${NOMAD_IP_x}"}}))
    assert "{{ env `HOME` }}" not in text
    filled = text.replace("{{ env `NOMAD_PORT_ingress` }}", "1")
    assert json.loads(filled)["admin"]["note"] == "{{ env `HOME` }} ${NOMAD_IP_x}"


def test_only_the_service_that_chose_a_patch_has_it() -> None:
    platform = {
        "patches": {"slow": {"merge": {"static_resources": {"clusters": {"local_app": {"connect_timeout": "9s"}}}}}}
    }
    chosen, other = resolved({"patches": ["slow"]}, platform), resolved({}, platform)
    assert '"connect_timeout":"9s"' in template(bootstrap(chosen))
    assert template(bootstrap(other)) == template(bootstrap(resolved({})))


def test_a_patch_reaches_into_the_real_document() -> None:
    place = f"/static_resources/listeners/ingress/filter_chains/0/filters/{MANAGER}/typed_config"
    platform = {
        "patches": {"it": {"json_patch": [{"op": "add", "path": f"{place}/max_request_headers_kb", "value": 90}]}}
    }
    made = sampled(bootstrap(resolved({"patches": ["it"]}, platform)))
    manager = made["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]
    assert manager["typed_config"]["max_request_headers_kb"] == 90
