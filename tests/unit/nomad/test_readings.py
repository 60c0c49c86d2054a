"""What is kept of a job: little, and enough for what is shown of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from outrider.nomad.read.events import AllocationChanged, JobChanged, JobGone, changes, index_of
from outrider.nomad.read.references import in_words, readings
from outrider.nomad.read.summary import summary

ROOT = Path(__file__).parents[2] / "recordings"
LONG = (
    '{"a": "'
    + "x" * 600
    + '", "b": "{{ env `PORT` }}", "c": "{{ with nomadVar \\"jobs/pay\\" }}{{ index . \\"secret\\" }}{{ end }}"}'
)
TEXT = (
    'LIMIT={{ key "pay/limit" }}\nPLAIN=yes\nPASSWORD={{ with secret "kv/pay" }}{{ index .Data.data "pw" }}{{ end }}\n'
)


def a_job(*templates: dict[str, Any], **more: Any) -> dict[str, Any]:
    tasks = [
        {"Name": "app", "Templates": list(templates), "Env": {"A": "b" * 9000}},
        {"Name": "envoy", "Templates": None},
    ]
    return {
        "ID": "pay",
        "Version": 3,
        "ModifyIndex": 7,
        "TaskGroups": [{"Name": "pay", "Count": 2, "Tasks": tasks}],
        **more,
    }


def template(text: str, **more: Any) -> dict[str, Any]:
    return {"EmbeddedTmpl": text, "DestPath": "local/file", "Envvars": False, **more}


@pytest.mark.parametrize(
    "said",
    [
        "Missing: kv.block(pay/limit)",
        "Missing: vault.read(kv/pay)",
        "Missing: nomad.var.block(jobs/pay@default.global)",
        "Missing: kv.block(other), and 3 more",
        "Template failed: vault.read(kv/pay): permission denied",
        "Template failed: (dynamic): parse",
        "Task started by client",
    ],
)
@pytest.mark.parametrize(
    "templates", [(template(TEXT, Envvars=True),), (template(LONG),), (template(TEXT), template(LONG)), ()]
)
def test_what_a_task_waits_for_is_said_in_the_same_words_without_the_rest_of_the_job(
    said: str, templates: tuple[dict[str, Any], ...]
) -> None:
    whole = a_job(*templates)
    kept = readings(whole)["TaskGroups"][0]["Tasks"]
    assert in_words(said, kept[0] if kept else None) == in_words(said, whole["TaskGroups"][0]["Tasks"][0])


def test_a_bootstrap_is_not_kept_and_neither_are_variables() -> None:
    kept = json.dumps(readings(a_job(template("{{ env `A` }}" * 400 + LONG))))
    assert len(kept) < 300
    assert "nomadVar" in kept
    assert "env `" not in kept


def test_a_summary_says_whose_a_job_is_and_whether_consul_will_know_of_it() -> None:
    services = [{"Name": "pay", "Checks": None}]
    (group,) = a_job()["TaskGroups"]
    registered = summary(a_job(TaskGroups=[group | {"Services": services}], Meta={"outrider_environment": "stage"}))
    assert (registered.environment, registered.version, registered.modify_index) == ("stage", 3, 7)
    assert (registered.is_registered, registered.is_checked, registered.now.count) == (True, False, 2)
    checked = summary(a_job(TaskGroups=[group | {"Services": [{"Name": "pay", "Checks": [{"Type": "tcp"}]}]}]))
    assert (checked.environment, checked.is_checked) == (None, True)
    assert summary(a_job()).is_registered is False


def batch(type_: str, index: int, **payload: Any) -> dict[str, Any]:
    topic = next(one for one in ("Allocation", "Evaluation", "Job") if one in payload)
    key = payload[topic].get("ID")
    return {"Index": index, "Events": [{"Topic": topic, "Type": type_, "Index": index, "Key": key, "Payload": payload}]}


def test_a_job_that_nomad_forgets_is_gone_whichever_way_its_version_says_so() -> None:
    before = a_job(ModifyIndex=7)
    assert list(changes(batch("JobDeregistered", 9, Job=before, Deleted=True))) == [JobGone("pay")]
    assert list(changes(batch("JobDeregistered", 9, Job=before))) == [JobGone("pay")], "as it was"
    assert list(changes(batch("JobBatchDeregistered", 9, Job=before))) == [JobGone("pay")], "as its collector does"
    (stopped,) = changes(batch("JobDeregistered", 9, Job=before | {"ModifyIndex": 9, "Stop": True}))
    assert isinstance(stopped, JobChanged)
    assert stopped.job.now.is_stopped
    (changed,) = changes(batch("PlanResult", 9, Job=before))
    assert isinstance(changed, JobChanged)


def test_the_evaluation_of_a_jobs_end_tells_of_it_where_no_event_of_the_job_does() -> None:
    """Nomad 1.6.5 has none for a purged job."""
    evaluation = {"ID": "e1", "JobID": "pay"}
    alone = batch("JobDeregistered", 9, Evaluation=evaluation)
    assert list(changes(alone)) == [JobGone("pay")]
    stopped = batch("JobDeregistered", 9, Job=a_job(ModifyIndex=9, Stop=True))
    both = {"Index": 9, "Events": [*stopped["Events"], *alone["Events"]]}
    assert [type(one) for one in changes(both)] == [JobChanged]
    assert list(changes(batch("JobRegistered", 9, Evaluation=evaluation))) == []


def test_other_topics_and_heartbeats_say_nothing() -> None:
    assert list(changes({})) == []
    assert index_of({}) == 0
    assert list(changes({"Index": 3, "Events": [{"Topic": "Evaluation", "Payload": {"Evaluation": {}}}]})) == []
    assert index_of({"Index": 3}) == 3


@pytest.mark.parametrize("server", ["nomad-1.6.5", "nomad-2.0.5"])
def test_the_recorded_stream_reads_as_a_job_and_its_allocation(server: str) -> None:
    lines = (ROOT / server / "event-stream.ndjson").read_text().splitlines()
    told = [change for line in lines for change in changes(json.loads(line))]
    assert {type(one) for one in told} >= {JobChanged, AllocationChanged}
    placed = [one for one in told if isinstance(one, AllocationChanged)]
    assert [one.is_planned for one in placed] == [True, *[False] * (len(placed) - 1)]
