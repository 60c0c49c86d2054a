"""What operations read out of Nomad's documents, held against answers of a real one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from outrider.nomad.read import placement
from outrider.nomad.read import plan as drift
from outrider.nomad.read.allocations import allocations
from outrider.nomad.read.deployment import (
    goes_back,
    numbers,
    progress_deadline_s,
    promotes_itself,
    promotion_is_due,
)
from outrider.nomad.read.job import running
from outrider.operations.drive.allocation_lines import allocation_line

RECORDINGS = Path(__file__).parents[2] / "recordings"


@pytest.fixture(params=["nomad-1.6.5", "nomad-2.0.5"])
def recorded(request: pytest.FixtureRequest) -> Any:
    def body(number: str) -> Any:
        (file,) = (RECORDINGS / request.param).glob(f"{number}-*.json")
        return json.loads(file.read_text())["response"]["body"]

    return body


def test_the_same_job_has_no_drift(recorded: Any) -> None:
    answer = recorded("34")
    assert drift.is_none(answer["Diff"])
    assert drift.places(answer["Diff"]) == ()
    assert drift.updates(answer) == {"rec": {"ignore": 1}}


def test_a_changed_count_is_told_as_such(recorded: Any) -> None:
    answer = recorded("35")
    assert drift.places(answer["Diff"]) == ("rec.Count",)
    assert drift.updates(answer) == {"rec": {"place": 2, "in_place": 1}}


def test_a_changed_variable_is_told_without_its_value(recorded: Any) -> None:
    answer = recorded("36")
    assert drift.places(answer["Diff"]) == ("rec.app.Env[A]", "rec.app.Env[B]")
    assert drift.updates(answer) == {"rec": {"destructive": 1}}


@pytest.mark.parametrize("strategy", ["Update", "Migrate"])
def test_how_allocations_are_replaced_is_no_difference_in_them(strategy: str) -> None:
    changed = {"Type": "Edited", "Name": strategy, "Fields": [{"Type": "Edited", "Name": "HealthyDeadline"}]}
    group = {"Type": "Edited", "Name": "rec", "Objects": [changed]}
    assert drift.places({"Type": "Edited", "TaskGroups": [group]}) == ()


def test_a_new_job_drifts_everywhere(recorded: Any) -> None:
    found = drift.places(recorded("17")["Diff"])
    assert {"AllAtOnce", "rec"} <= set(found)


def test_a_plan_without_room_says_why(recorded: Any) -> None:
    assert placement.failures(recorded("37")) == ("no node for rec: 1 node considered: 1 of a kind that does not fit",)


def test_an_evaluation_without_room_names_the_constraint(recorded: Any) -> None:
    sentences = [placement.failures(evaluation) for evaluation in recorded("79")]
    assert ("no node for rec2: 1 node considered: 1 without ${attr.kernel.name} = plan9",) in sentences


def test_a_plan_with_room_has_no_failures(recorded: Any) -> None:
    assert placement.failures(recorded("34")) == ()


def test_a_canary_that_waits_is_due_for_promotion(recorded: Any) -> None:
    document = recorded("44")
    (canary,) = document["TaskGroups"]["rec"]["PlacedCanaries"]
    assert promotion_is_due(document, {canary})
    assert not promotion_is_due(document, {"an allocation that was kept"})
    assert not promotes_itself(document)
    assert str(numbers(document)) == "1 of 1 placed, 1 of them canaries, 1 healthy"
    assert progress_deadline_s(document) == 30.0


def test_a_rolling_deployment_is_never_due(recorded: Any) -> None:
    assert not promotion_is_due(recorded("40"), set())


def test_a_failed_deployment_says_that_it_goes_back(recorded: Any) -> None:
    assert goes_back(recorded("51"))


def test_a_crashed_allocation_names_its_task_and_exit_code(recorded: Any) -> None:
    found = allocations(recorded("55"))
    (bad,) = [one for one in found if one.is_bad]
    app = next(task for task in bad.tasks if task.name == "app")
    assert (bad.status, bad.healthy, app.failed, app.restarts) == ("failed", False, True, 1)
    assert app.reason == 'Exit Code: 3; Exceeded allowed attempts 1 in interval 30s and mode is "fail"'


def test_allocations_that_ended_well_are_gone(recorded: Any) -> None:
    found = allocations(recorded("75"))
    assert found
    assert all(one.is_gone for one in found if one.desired == "stop")
    assert not any("healthy" in allocation_line(one) for one in found if one.is_gone)


def test_a_job_that_is_not_ours_has_no_version(recorded: Any) -> None:
    now = running(recorded("22"))
    assert (now.exists, now.is_live, now.is_foreign, now.count) == (True, True, True, 1)


def test_a_stopped_job_has_no_count(recorded: Any) -> None:
    now = running(recorded("74"))
    assert (now.is_stopped, now.is_live, now.count) == (True, False, None)


def test_no_job_is_index_0() -> None:
    assert running(None).index == 0


@pytest.mark.parametrize("kind", ["Added", "Deleted"])
def test_a_task_or_group_that_somebody_added_or_took_away_is_one_place(kind: str) -> None:
    fields = [{"Name": "Driver", "Type": kind}, {"Name": "Env[A]", "Type": kind}]
    task, other = {"Name": "extra", "Type": kind, "Fields": fields}, {"Name": "app", "Type": "Edited", "Fields": fields}
    edited = {"Name": "rec", "Type": "Edited", "Tasks": [task, other]}
    whole = {"Name": "more", "Type": kind, "Tasks": [task], "Fields": [{"Name": "Count", "Type": kind}]}
    found = drift.places({"Type": "Edited", "TaskGroups": [edited, whole]})
    assert found == ("rec.extra", "rec.app.Driver", "rec.app.Env[A]", "more")
