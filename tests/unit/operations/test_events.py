"""Events as a tagged union: what is stored comes back as it was, what each kind promises is sent, and each has a sign."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import get_args

import pytest
from fakes.recordings import recording
from fakes.shown import an_allocation_seen
from fakes.world import ADA, World, finished, text
from outrider_ground.errors import OutriderError
from pydantic import ValidationError
from sqlalchemy import text as sql

from outrider.nomad.read.deployment import progress_by
from outrider.operations.answers.status import ServiceState
from outrider.operations.application import Application
from outrider.operations.event_details import (
    Accepted,
    Counted,
    Detail,
    Ended,
    Evaluated,
    Overridden,
    Paused,
    Promotion,
    Registered,
    Restarted,
    Resumed,
    Troubled,
    Unanswered,
    Validated,
    ValueChanged,
    Warned,
)
from outrider.operations.events import AcceptedEvent, UnknownEvent, document_of, event_of, happened, kinds
from outrider.operations.opening import Order
from outrider.operations.records import Deployment
from outrider.operations.signs import EVENTS, STATES, event_sign, sign_of
from outrider.operations.states import State

ME = Order(ADA)
AT = datetime(2026, 11, 27, 12, 0, 0, 123456, tzinfo=UTC)
DETAILS: dict[str, Detail] = {
    "accepted": Accepted("run", "ada", 3, "abc", 2),
    "override": Overridden("freeze", "it is frozen", "ada", "a reason"),
    "validated": Validated(),
    "registered": Registered(42, "e1"),
    "unanswered": Unanswered("scale"),
    "evaluation": Evaluated("complete", ("no node",)),
    "deployment": Counted("d1", 2, 1, 1, 0, 0, AT),
    "allocation": an_allocation_seen(healthy=None),
    "trouble": Troubled("a1", ("app",)),
    "pause": Paused(is_paused=True, reason="Consul has no leader", since=AT, progress_by=AT),
    "promotion": Promotion(needed=True),
    "resumed": Resumed(),
    "restart": Restarted(("a1",), "app", is_asked=True, restarted_at=1.5),
    "warning": Warned(),
    "value": ValueChanged("Consul key a", ("1a2b3c4d",), "5e6f7a8b"),
    "verdict": Ended("failed", placed=False, reason="why"),
}


def test_every_kind_is_tried_here() -> None:
    assert tuple(DETAILS) == kinds()
    assert {type(one) for one in DETAILS.values()} == set(get_args(Detail))


@pytest.mark.parametrize("kind", DETAILS)
def test_an_event_comes_back_as_it_was_written(kind: str) -> None:
    event = happened(7, AT, "a line", DETAILS[kind])
    document = json.loads(json.dumps(document_of(event)))
    assert (document["kind"], document["number"], document["message"]) == (kind, 7, "a line")
    assert event_of(document) == event
    assert event_of({**document, "more": 1, "detail": {**document["detail"], "more": 2}}) == event


@pytest.mark.parametrize(
    "kind", sorted(DETAILS.keys() - {"validated", "resumed", "warning", "deployment", "evaluation"})
)
def test_an_event_that_does_not_tell_what_its_kind_does_is_none(kind: str) -> None:
    with pytest.raises(ValidationError):
        event_of({"number": 1, "at": AT, "kind": kind, "message": "", "detail": {}})


def test_an_event_of_before_has_no_hash_and_no_time() -> None:
    old = {"number": 1, "at": AT, "message": ""}
    accepted = event_of({**old, "kind": "accepted", "detail": {"kind": "run", "version": 1, "count": 1, "by": "ada"}})
    assert accepted.detail == Accepted("run", "ada", 1, None, 1)
    counted = event_of({**old, "kind": "deployment", "detail": {"nomad_deployment": "d"}})
    assert counted.detail == Counted("d")


def test_a_kind_that_nobody_knows_yet_is_kept_with_what_it_says() -> None:
    document = {"number": 1, "at": "2026-11-27T12:00:00Z", "kind": "shiny", "message": "it shines", "detail": {"a": 1}}
    event = event_of(document)
    assert isinstance(event, UnknownEvent)
    assert document_of(event) == document
    assert event_sign(event).shape == "·"


async def accepted(application: Application, deployment: Deployment) -> Accepted:
    (first, *_) = await application.events(ADA, deployment.id)
    assert isinstance(first, AcceptedEvent)
    return first.detail


async def test_accepted_has_the_hash_of_what_is_brought_up(world: World, application: Application) -> None:
    async def done(asked: Deployment) -> Accepted:
        return await accepted(application, await finished(application, asked))

    async def hash_of(number: int) -> str:
        return (await application.version(ADA, "stage", "checkout", number)).hash

    first = await done(await application.changes.deploy("stage", text(), ME))
    second = await done(await application.changes.deploy("stage", text("env: {A: b}\n"), ME))
    assert [first.hash, second.hash] == [await hash_of(1), await hash_of(2)]
    assert first.hash != second.hash
    back = await done(await application.changes.roll_back("stage", "checkout", 1, ME))
    assert (back.kind, back.version, back.hash) == ("rollback", 1, first.hash)
    scaled = await done(await application.changes.scale("stage", "checkout", 2, ME))
    assert (scaled.kind, scaled.hash, scaled.count) == ("scale", first.hash, 2)
    stopped = await done(await application.changes.stop("stage", "checkout", ME))
    assert (stopped.kind, stopped.version, stopped.hash) == ("stop", None, None)
    again = await done(await application.changes.start("stage", "checkout", ME))
    assert (again.kind, again.hash, again.by) == ("start", first.hash, "ada")


async def test_an_event_that_cannot_be_read_is_named(world: World, application: Application) -> None:
    ended = await finished(application, await application.changes.deploy("stage", text(), ME))
    async with world.store.database.writing() as connection:
        await connection.execute(sql("UPDATE events SET detail = '{}' WHERE kind = 'accepted'"))
    with pytest.raises(OutriderError, match=f"event 1 of deployment {ended.id} is none of kind accepted") as caught:
        await application.events(ADA, ended.id)
    assert caught.value.next_step


async def test_an_event_of_a_newer_portal_hides_no_other(world: World, application: Application) -> None:
    ended = await finished(application, await application.changes.deploy("stage", text(), ME))
    before = await application.events(ADA, ended.id)
    async with world.store.database.writing() as connection:
        await connection.execute(sql("UPDATE events SET kind = 'shiny' WHERE kind = 'validated'"))
    found = await application.events(ADA, ended.id)
    assert [one.message for one in found] == [one.message for one in before]
    assert [one.kind for one in found if isinstance(one, UnknownEvent)] == ["shiny"]


def test_progress_by_is_read_of_what_a_real_nomad_says() -> None:
    running = recording("nomad-2.0.5", "39-deployment-running").body
    assert progress_by(running) == datetime.fromisoformat("2026-11-23T05:13:09.739499895Z")


@pytest.mark.parametrize("stamp", [None, "", "0001-01-01T00:00:00Z"])
def test_a_time_that_nomad_has_not_set_is_none(stamp: str | None) -> None:
    assert progress_by({"TaskGroups": {"a": {"RequireProgressBy": stamp}}}) is None
    later = {"RequireProgressBy": "2026-11-27T12:00:00Z"}
    sooner = {"RequireProgressBy": "2026-11-27T11:00:00Z"}
    found = progress_by({"TaskGroups": {"a": {"RequireProgressBy": stamp}, "b": later, "c": sooner}})
    assert found == datetime(2026, 11, 27, 11, tzinfo=UTC)


def test_every_kind_and_every_state_has_a_sign() -> None:
    assert tuple(EVENTS) == kinds()
    assert {*get_args(State), *get_args(ServiceState)} <= STATES.keys()
    assert sign_of("no such word") is None
    assert sign_of("under way") == STATES["under_way"]


@pytest.mark.parametrize(
    ("detail", "mood"),
    [
        (an_allocation_seen(healthy=True), "good"),
        (an_allocation_seen(healthy=False), "bad"),
        (an_allocation_seen(healthy=None), "calm"),
        (Ended("successful", placed=True, reason=""), "good"),
        (Ended("failed", placed=True, reason=""), "bad"),
        (Ended("superseded", placed=True, reason=""), "calm"),
        (Warned(), "warn"),
    ],
)
def test_an_event_is_good_or_bad_by_what_it_tells(detail: Detail, mood: str) -> None:
    assert event_sign(happened(1, AT, "", detail)).mood == mood
