from __future__ import annotations

from typing import Any

import pytest
from outrider_embedded.scheduler.request_types import REGISTER, SCALE, VARIABLE, complaint

LARGEST = 2**63 - 1


@pytest.mark.parametrize("count", [0, -1, LARGEST, -(2**63), None])
def test_every_number_that_go_has_fits(count: int | None) -> None:
    assert complaint({"Count": count}, SCALE) == ""


@pytest.mark.parametrize("count", [LARGEST + 1, -(2**63) - 1, 2.5])
def test_a_number_that_go_has_not_is_named(count: float) -> None:
    assert complaint({"Count": count}, SCALE) == (
        f"json: cannot unmarshal number {count} into Go struct field ScalingRequest.Count of type int64"
    )


def test_true_is_no_number() -> None:
    assert "cannot unmarshal bool into" in complaint({"Count": True}, SCALE)


def test_what_nomad_does_not_know_may_be_anything() -> None:
    assert complaint({"Unknown": [1, {"a": None}], "Job": {"Unknown": 5}}, REGISTER) == ""
    assert complaint({"Job": {"TaskGroups": [{"Tasks": [{"Config": {"a": [1, "b"]}}]}]}}, REGISTER) == ""
    assert complaint({"Items": {"a": 5}}, VARIABLE).endswith("VariableDecrypted.Items of type string")


def test_null_stands_for_nothing_but_in_a_list_of_blocks() -> None:
    whole: dict[str, Any] = {"Job": {"ID": None, "Meta": None, "Datacenters": [None], "TaskGroups": None}}
    assert complaint(whole, REGISTER) == ""
    assert complaint({"Job": {"TaskGroups": [None]}}, REGISTER) == (
        "Job.TaskGroups holds null, at which Nomad itself breaks off the connection"
    )
