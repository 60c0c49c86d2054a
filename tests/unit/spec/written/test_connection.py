"""Connecting in a file's data: where a callee and its knobs are written, and when there is nothing to do."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.spec.reading.merge import merged
from outrider.spec.written.connection import DEFAULT, connecting, disconnecting
from outrider.spec.written.edits import GONE, Edit, changed

STAGE = ("environments", "stage", "upstreams", "b")


def connected(data: Any, knobs: dict[str, Any], *, only: bool = False) -> tuple[Edit, ...]:
    return connecting(data, "b", knobs, "stage", is_only_there=only)


def test_a_new_callee_is_written_for_all_environments_or_for_one() -> None:
    assert connected({}, {"timeout": "1s"}) == (Edit(("upstreams", "b"), {"timeout": "1s"}),)
    assert connected({}, {}, only=True) == (Edit(STAGE, {}),)


@pytest.mark.parametrize("only", [False, True])
def test_what_is_connected_so_already_needs_nothing(only: bool) -> None:
    data = {"upstreams": {"b": {"timeout": "1s"}}}
    assert connected(data, {}, only=only) == ()
    assert connected({"upstreams": {"b": {"timeout": "1s"}}}, {"timeout": "1s"}) == ()


def test_a_knob_is_written_where_its_value_in_the_environment_comes_from() -> None:
    data = {"upstreams": {"b": {"retries": 1}}, "environments": {"stage": {"upstreams": {"b": {"timeout": "1s"}}}}}
    assert connected(data, {"timeout": "2s", "retries": 3}) == (
        Edit(("upstreams", "b", "retries"), 3),
        Edit((*STAGE, "timeout"), "2s"),
    )


def test_a_callee_that_the_environment_alone_has_stays_there() -> None:
    data = {"environments": {"stage": {"upstreams": {"b": {}}}}}
    assert connected(data, {"limit": 2}) == (Edit((*STAGE, "limit"), 2),)


def test_a_callee_that_was_taken_away_there_comes_back() -> None:
    data: Any = {"upstreams": {"b": {}}, "environments": {"stage": {"upstreams": {"b": None}}}}
    assert connected(data, {}) == (Edit(STAGE, GONE),)
    assert connected(data, {"limit": 2}) == (Edit(("upstreams", "b", "limit"), 2), Edit(STAGE, GONE))


def test_a_default_removes_the_knob_and_in_an_environment_hides_the_common_one() -> None:
    data: Any = {"upstreams": {"b": {"timeout": "1s"}}}
    assert connected(data, {"timeout": DEFAULT}) == (Edit(("upstreams", "b", "timeout"), GONE),)
    assert connected(data, {"limit": DEFAULT}) == ()
    assert connected(data, {"timeout": DEFAULT}, only=True) == (Edit(STAGE, {"timeout": None}),)
    own: Any = {**data, "environments": {"stage": {"upstreams": {"b": {"timeout": "2s"}}}}}
    assert connected(own, {"timeout": DEFAULT}, only=True) == (Edit((*STAGE, "timeout"), None),)


def test_disconnecting_ends_it_everywhere_or_in_one_environment() -> None:
    data: Any = {"upstreams": {"b": {}}, "environments": {"stage": {"upstreams": {"b": {"limit": 2}}}}}
    everywhere = disconnecting(data, "b", "stage", is_only_there=False)
    assert everywhere == (Edit(STAGE, GONE), Edit(("upstreams", "b"), GONE))
    there = disconnecting(data, "b", "stage", is_only_there=True)
    assert there == (Edit(STAGE, None),)
    for edit in there:
        data = changed(data, edit)
    assert "b" not in merged(data, data["environments"]["stage"])["upstreams"]
    assert disconnecting(data, "b", "stage", is_only_there=True) == ()
    assert disconnecting({}, "b", "stage", is_only_there=False) == ()
