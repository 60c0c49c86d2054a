"""A change whose answer was lost: found in Nomad, or ended, or left open until Nomad can be read; never sent twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.asked_nomad import NomadThatWasAsked, a_rollout, an_allocation
from fakes.driving import Records, place
from fakes.shown import a_deployment
from fakes.watched import CALM, WELL, Watched
from fakes.world import ADA
from outrider_ground.errors import ConflictError, OutriderError, RemoteError, UsageError

from outrider.operations.change import canary
from outrider.operations.change.outcomes import is_uncertain
from outrider.operations.change.scale import scaled
from outrider.operations.change.stop import stopped
from outrider.operations.change.submit import submitted
from outrider.operations.drive.resume import resumed
from outrider.operations.opening import Order
from outrider.operations.records import Deployment

Json = dict[str, Any]
LOST = RemoteError("Nomad did not answer in time")
PATIENT = replace(CALM, look=0.004, appearance=0.1)
KINDS = ("run", "scale", "stop")


def a_job(index: int, *, count: int = 3, version: str = "a", **more: Any) -> Json:
    meta = {"outrider_version": version}
    return {"ID": "checkout", "JobModifyIndex": index, "Meta": meta, "TaskGroups": [{"Count": count}], **more}


DONE: dict[str, list[Json | None]] = {
    "run": [a_job(25)],
    "scale": [a_job(25)],
    "stop": [a_job(25, Stop=True)],
    "purge": [None],
}
BEFORE = {"run": a_job(20, version="b"), "scale": a_job(20, count=1), "stop": a_job(20), "purge": a_job(20)}


class Losing(NomadThatWasAsked):
    """Gives no answer to changes; shows these jobs one after the other, or cannot be read for some looks."""

    def __init__(self, *jobs: Json | None, error: RemoteError = LOST, silent: int = 0) -> None:
        super().__init__([[]])
        self.registered, self.error, self.silent, self.sent = [*jobs], error, silent, 0
        self.known_evaluations = [{"ID": "e-8", "JobModifyIndex": 25}]

    async def job(self, job_id: str) -> Json | None:
        self.silent -= 1
        if self.silent >= 0:
            raise RemoteError("Nomad cannot be reached", was_sent=False)
        return await super().job(job_id)

    async def _lost(self, *what: Any, **more: Any) -> Json:
        self.sent += 1
        raise self.error

    register = scale = deregister = _lost


async def changed(nomad: Losing, kind: str) -> tuple[Deployment | Exception, Records, Deployment]:
    facts: Json = {"state": "pending", "expected_index": 20, "created_at": datetime.now(UTC), "count": 3}
    word = "stop" if kind == "purge" else kind
    begun = a_deployment("checkout", kind=word, purge=kind == "purge", **facts)
    records = Records(begun)
    here = place(nomad, records, limits=PATIENT)
    try:
        if kind == "run":
            return await submitted(here, begun, a_job(0)), records, begun
        return await (scaled if kind == "scale" else stopped)(here, begun), records, begun
    except OutriderError as error:
        return error, records, begun


@pytest.mark.parametrize("kind", DONE)
async def test_what_nomad_did_without_saying_so_is_found_however_late_and_not_sent_again(kind: str) -> None:
    nomad = Losing(BEFORE[kind], BEFORE[kind], *DONE[kind])
    found, records, _ = await changed(nomad, kind)
    assert isinstance(found, Deployment), found
    assert (found.state, found.modify_index, nomad.sent) == ("running", 0 if kind == "purge" else 25, 1)
    assert records.kept[found.id] == found
    if kind != "purge":
        assert found.evaluation == "e-8"


@pytest.mark.parametrize("kind", DONE)
async def test_what_nomad_cannot_be_asked_about_at_once_is_found_when_it_answers(kind: str) -> None:
    nomad = Losing(*DONE[kind], silent=3)
    found, _, _ = await changed(nomad, kind)
    assert isinstance(found, Deployment)
    assert nomad.sent == 1


@pytest.mark.parametrize("kind", DONE)
async def test_what_nomad_never_got_is_told_and_has_failed(kind: str) -> None:
    nomad = Losing(BEFORE[kind])
    found, records, begun = await changed(nomad, kind)
    assert found is LOST
    assert (records.kept[begun.id].state, records.kept[begun.id].reason) == ("failed", LOST.message)
    assert nomad.sent == 1


@pytest.mark.parametrize("kind", DONE)
@pytest.mark.parametrize(
    "error",
    [
        RemoteError("Nomad cannot be reached", was_sent=False),
        RemoteError("Permission denied", status=403),
        RemoteError("answered 500: invalid job", status=500),
        RemoteError("answered 429", status=429),
    ],
)
async def test_d13_what_certainly_was_not_done_ends_at_once_and_is_not_looked_for(
    kind: str, error: RemoteError
) -> None:
    nomad = Losing(BEFORE[kind], error=error)
    found, records, begun = await changed(nomad, kind)
    assert found is error
    assert (records.kept[begun.id].state, nomad.sent, nomad.silent) == ("failed", 1, 0)


@pytest.mark.parametrize("kind", DONE)
async def test_where_nothing_can_be_known_it_stays_open_and_whoever_asked_is_told_not_to_send_it_again(
    kind: str,
) -> None:
    nomad = Losing(*DONE[kind], silent=10_000)
    error, records, begun = await changed(nomad, kind)
    assert isinstance(error, RemoteError)
    assert (
        error.message
        == f"{LOST.message}; whether Nomad has got it is not known: it is looked for as soon as Nomad answers"
    )
    assert error.next_step
    assert error.next_step.startswith("Do not send it again; `outrider history checkout -e stage --deployment 3f2a9c10")
    assert (records.kept[begun.id].state, nomad.sent) == ("pending", 1)
    assert [(kind_, detail) for kind_, _, detail in records.told] == [("unanswered", {"change": begun.kind})]
    # Nomad answers again, and whoever takes it up finds it, or ends it: it is not asked for behind anybody's back.
    nomad.silent = 0
    late = replace(records.kept[begun.id], created_at=datetime.now(UTC) - timedelta(hours=1))
    here = place(nomad, records, limits=PATIENT)
    records.known_versions = [stored()]
    assert (await resumed(here, late)).state == "running"
    assert nomad.sent == 1


@pytest.mark.parametrize("kind", DONE)
async def test_what_was_left_open_and_never_got_there_is_ended_and_not_sent(kind: str) -> None:
    nomad = Losing(BEFORE[kind], silent=10_000)
    _, records, begun = await changed(nomad, kind)
    nomad.silent = 0
    records.known_versions = [stored()]
    with pytest.raises(UsageError, match="Nomad never got it"):
        await resumed(place(nomad, records, limits=PATIENT), records.kept[begun.id])
    assert (records.kept[begun.id].state, nomad.sent) == ("failed", 1)


def stored() -> Any:
    class Known:
        service, number, hash, job = "checkout", 7, "a", a_job(0)

    return Known()


@pytest.mark.parametrize("kind", ["run", "purge"])
async def test_what_somebody_else_changed_meanwhile_is_theirs(kind: str) -> None:
    nomad = Losing(a_job(31, version="c"))
    found, records, begun = await changed(nomad, kind)
    assert isinstance(found, ConflictError if kind == "run" else RemoteError)
    assert records.kept[begun.id].state == ("superseded" if kind == "run" else "failed")


@pytest.mark.parametrize(
    ("error", "uncertain"),
    [
        (RemoteError("x"), True),
        (RemoteError("x", was_sent=False), False),
        (RemoteError("rpc error: leadership lost while committing log", status=500), True),
        (RemoteError("No cluster leader", status=500), True),
        (RemoteError("job validation failed", status=500), False),
        (RemoteError("x", status=502), True),
        (RemoteError("x", status=503), True),
        (RemoteError("x", status=504), True),
        (RemoteError("no leader", status=400), False),
        (RemoteError("no leader", status=429), False),
    ],
)
def test_an_answer_that_refuses_is_certain_and_one_that_never_came_is_not(error: RemoteError, uncertain: bool) -> None:
    assert is_uncertain(error) is uncertain


# Decisions on a canary


class Deciding(NomadThatWasAsked):
    """Takes a decision, or does not, and gives no answer."""

    def __init__(self, *shown: Json, error: RemoteError = LOST) -> None:
        group: Json = {"DesiredCanaries": 1, "PlacedCanaries": ["00000001-0000"], "Promoted": False}
        waiting = a_rollout(**group)
        super().__init__([[an_allocation(1, "running", **WELL)]], [*shown])
        self.newest, self.refusal = [waiting], error


PROMOTED = a_rollout(DesiredCanaries=1, Promoted=True)
WAITING = a_rollout(DesiredCanaries=1, Promoted=False)
FAILED = a_rollout("failed", DesiredCanaries=1)


@pytest.mark.parametrize(("verb", "after"), [("promote", PROMOTED), ("fail", FAILED)])
async def test_a_decision_whose_answer_was_lost_is_read_back_and_told_as_done(verb: str, after: Json) -> None:
    nomad, records = Deciding(WAITING, WAITING, after), Records(a_deployment("checkout", state="waiting"))
    here = place(nomad, records, limits=PATIENT)
    await (canary.promote if verb == "promote" else canary.fail)(here, "checkout", Order(ADA))
    assert len(nomad.promoted) + len(nomad.failed) == 1
    assert [kind for kind, _, _ in records.told] == ["accepted", "promotion", "verdict"]
    assert records.told[-1][2] == {"state": "successful"}


@pytest.mark.parametrize("verb", ["promote", "fail"])
async def test_a_decision_that_nomad_did_not_take_is_an_error_and_not_told_as_done(verb: str) -> None:
    nomad, records = Deciding(WAITING), Records(a_deployment("checkout", state="waiting"))
    here = place(nomad, records, limits=PATIENT)
    with pytest.raises(RemoteError):
        await (canary.promote if verb == "promote" else canary.fail)(here, "checkout", Order(ADA))
    assert len(nomad.promoted) + len(nomad.failed) == 1
    assert [kind for kind, _, _ in records.told] == ["accepted", "verdict"]
    assert records.told[-1][1:] == (LOST.message, {"state": "failed"})


async def test_a_deployment_given_up_without_an_answer_ends_as_nomad_shows_it() -> None:
    over = a_rollout("failed", said="Deployment marked as failed")
    watched = Watched(a_rollout(), a_rollout(UnhealthyAllocs=3), over, limits=replace(PATIENT, failures=3))
    watched.nomad.refusal = LOST
    verdict = await watched.verdict()
    assert (verdict.state, verdict.reason.splitlines()[0]) == ("failed", "Nomad: Deployment marked as failed")
    assert watched.nomad.failed == ["d-1"]


async def test_reading_back_ends_with_whoever_asked() -> None:
    """A portal that is stopped in the middle leaves the deployment as it is: whoever starts next takes it up."""
    nomad = Losing(BEFORE["run"], silent=10_000)
    records = Records(begun := a_deployment("checkout", state="pending", expected_index=20))
    here = place(nomad, records, limits=replace(PATIENT, appearance=60.0))
    task = asyncio.create_task(submitted(here, begun, a_job(0)))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (records.kept[begun.id].state, nomad.sent) == ("pending", 1)
