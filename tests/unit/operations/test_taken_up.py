"""Taking up a stop or another count that a portal began which is gone: what Nomad shows decides what is left to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.asked_nomad import NomadThatWasAsked
from fakes.driving import Records, place
from fakes.shown import a_deployment
from fakes.world import HURRY
from outrider_ground.errors import ConflictError, RemoteError, UsageError

from outrider.operations.change.outcomes import accepted
from outrider.operations.change.submit import adopted, submitted
from outrider.operations.drive.resume import resumed
from outrider.operations.records import Deployment

Json = dict[str, Any]
LATER = replace(HURRY, silence=60.0)


class Nomad(NomadThatWasAsked):
    """Has this job; what is changed is noted."""

    def __init__(self, job: Json | None) -> None:
        super().__init__([[]])
        self.registered = [job]
        self.changes: list[Any] = []
        self.answer: Json | Exception = {"JobModifyIndex": 30, "EvalID": "e-2"}
        self.known_evaluations: list[Json] = []

    def _changed(self, *what: Any) -> Json:
        self.changes.append(what)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def scale(self, job_id: str, group: str, count: int, message: str = "") -> Json:
        return self._changed(job_id, group, count, message)

    async def deregister(self, job_id: str, *, purge: bool = False) -> Json:
        return self._changed(job_id, purge)

    async def register(self, job: Json, modify_index: int | None = None) -> Json:
        return self._changed(job["ID"], modify_index)

    async def evaluations(self, job_id: str) -> list[Json]:
        return self.known_evaluations


def a_job(index: int, *, count: int = 3, version: str = "a", **more: Any) -> Json:
    meta = {"outrider_version": version}
    return {"ID": "checkout", "JobModifyIndex": index, "Meta": meta, "TaskGroups": [{"Count": count}], **more}


def begun(kind: str, **more: Any) -> Deployment:
    facts: Json = {"kind": kind, "state": "pending", "expected_index": 20, "created_at": datetime.now(UTC), "count": 3}
    return a_deployment("checkout", **facts | more)


async def taken_up(nomad: Nomad, deployment: Deployment) -> tuple[Deployment, Records]:
    records = Records(deployment)
    return await resumed(place(nomad, records, limits=LATER), deployment), records


async def test_what_is_registered_already_is_left_as_it_is() -> None:
    nomad, deployment = Nomad(a_job(21)), begun("scale", modify_index=21)
    found, records = await taken_up(nomad, deployment)
    assert (found, nomad.changes, records.told) == (deployment, [], [])


@pytest.mark.parametrize(
    ("kind", "job"), [("scale", a_job(21)), ("stop", a_job(21, Stop=True)), ("stop", a_job(21, count=9, Stop=True))]
)
async def test_what_had_reached_nomad_is_not_done_again(kind: str, job: Json) -> None:
    nomad = Nomad(job)
    found, records = await taken_up(nomad, begun(kind))
    assert (found.modify_index, found.state, nomad.changes) == (21, "running", [])
    assert records.told == [
        ("registered", "Nomad has accepted it at index 21", {"modify_index": 21, "evaluation": None})
    ]
    assert records.kept[found.id] == found


@pytest.mark.parametrize(
    ("kind", "job", "change"),
    [
        ("scale", a_job(20), ("checkout", "checkout", 3, "outrider, by kim")),
        ("scale", a_job(20, count=2), ("checkout", "checkout", 3, "outrider, by kim")),
        ("scale", a_job(21, count=2), ("checkout", "checkout", 3, "outrider, by kim")),
        ("stop", a_job(20), ("checkout", False)),
        ("stop", a_job(21), ("checkout", False)),
        ("stop", a_job(20, Stop=True), ("checkout", False)),
    ],
)
async def test_what_had_not_reached_nomad_is_done_now(kind: str, job: Json, change: Any) -> None:
    nomad = Nomad(job)
    found, _ = await taken_up(nomad, begun(kind))
    assert (nomad.changes, found.modify_index, found.evaluation) == ([change], 30, "e-2")


async def test_a_stop_that_forgets_the_job_is_passed_on_so() -> None:
    nomad = Nomad(a_job(20))
    await taken_up(nomad, begun("stop", purge=True))
    assert nomad.changes == [("checkout", True)]


@pytest.mark.parametrize(("age", "is_over"), [(50, False), (70, True)])
async def test_what_nobody_registered_within_our_patience_is_given_up(age: int, is_over: bool) -> None:
    nomad, records = Nomad(a_job(20)), Records()
    deployment = begun("stop", created_at=datetime.now(UTC) - timedelta(seconds=age))
    here = place(nomad, records, limits=LATER)
    if not is_over:
        await resumed(here, deployment)
        assert nomad.changes
        return
    with pytest.raises(UsageError, match="the portal was away for 70 s") as raised:
        await resumed(here, deployment)
    assert raised.value.next_step == "Ask again."
    assert (nomad.changes, records.kept[deployment.id].state) == ([], "failed")


# What Nomad answers to a registration


@pytest.mark.parametrize(
    ("answer", "index", "evaluation"),
    [
        ({"JobModifyIndex": 30, "Index": 31, "EvalID": "e-1"}, 30, "e-1"),
        ({"Index": 31, "EvalID": ""}, 31, None),
        ({}, 0, None),
    ],
)
async def test_the_answer_is_remembered_by_index_and_evaluation(
    answer: Json, index: int, evaluation: str | None
) -> None:
    records = Records()
    found = await accepted(place(Nomad(None), records), begun("run"), answer)
    assert (found.modify_index, found.evaluation, found.state) == (index, evaluation, "running")
    assert records.kept[found.id] == found
    detail = {"modify_index": index, "evaluation": evaluation}
    assert records.told == [("registered", f"Nomad has accepted it at index {index}", detail)]


async def test_what_nomad_warns_of_is_told() -> None:
    records = Records()
    await accepted(place(Nomad(None), records), begun("run"), {"JobModifyIndex": 1, "Warnings": " 1 warning\n"})
    assert records.told[1:] == [("warning", "1 warning", {})]


@pytest.mark.parametrize("job", [a_job(20), a_job(20, version="b")])
async def test_a_job_at_the_index_it_was_to_build_on_has_not_been_registered(job: Json) -> None:
    assert await adopted(place(Nomad(job), Records()), begun("run"), a_job(0)) is None


async def test_a_job_of_that_version_and_count_is_adopted_with_its_evaluation() -> None:
    nomad = Nomad(a_job(25))
    nomad.known_evaluations = [{"ID": "e-9", "JobModifyIndex": 26}, {"ID": "e-8", "JobModifyIndex": 25}]
    found = await adopted(place(nomad, Records()), begun("run"), a_job(0))
    assert found
    assert (found.modify_index, found.evaluation) == (25, "e-8")


async def test_a_job_without_a_known_evaluation_is_adopted_all_the_same() -> None:
    found = await adopted(place(Nomad(a_job(25)), Records()), begun("run"), a_job(0))
    assert found
    assert (found.modify_index, found.evaluation) == (25, None)


@pytest.mark.parametrize("job", [a_job(25, version="b"), a_job(25, count=4), None])
async def test_a_job_that_is_another_by_now_was_changed_by_somebody_else(job: Json | None) -> None:
    with pytest.raises(ConflictError, match="somebody else has changed checkout in stage") as raised:
        await adopted(place(Nomad(job), Records()), begun("run"), a_job(0))
    assert raised.value.message.endswith(" meanwhile: its index is no longer 20")
    assert raised.value.next_step == "Look again with `outrider plan`, then decide."


async def test_a_registration_is_made_on_the_index_it_builds_on() -> None:
    nomad = Nomad(a_job(20))
    found = await submitted(place(nomad, Records()), begun("run"), a_job(0))
    assert (nomad.changes, found.modify_index) == ([("checkout", 20)], 30)


@pytest.mark.parametrize(
    ("answer", "error", "state", "reason"),
    [
        (RemoteError("invalid job", status=400), RemoteError, "failed", "invalid job"),
        (RemoteError("no answer"), RemoteError, "failed", "no answer"),
        (ConflictError("job exists"), ConflictError, "superseded", "its index is no longer 20 (job exists)"),
    ],
)
async def test_a_registration_that_fails_is_the_end_with_the_reason(
    answer: Exception, error: type[Exception], state: str, reason: str
) -> None:
    nomad, records, deployment = Nomad(a_job(20)), Records(), begun("run")
    nomad.answer = answer
    with pytest.raises(error):
        await submitted(place(nomad, records), deployment, a_job(0))
    over = records.kept[deployment.id]
    assert (over.state, over.reason.endswith(reason)) == (state, True)


async def test_a_registration_whose_answer_was_lost_is_found_in_nomad() -> None:
    nomad = Nomad(a_job(25))
    nomad.answer = RemoteError("the connection broke")
    found = await submitted(place(nomad, Records()), begun("run"), a_job(0))
    assert (found.modify_index, found.state) == (25, "running")


async def test_a_lost_answer_with_another_job_in_nomad_is_told_as_somebody_who_was_faster() -> None:
    nomad, records, deployment = Nomad(a_job(25, version="b")), Records(), begun("run")
    nomad.answer = RemoteError("the connection broke")
    with pytest.raises(ConflictError, match="somebody else has changed checkout in stage meanwhile"):
        await submitted(place(nomad, records), deployment, a_job(0))
    assert records.kept[deployment.id].state == "superseded"
