"""A rollout waits while Consul is away: when it is paused and resumed, what is told, and whose pause it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.asked_nomad import NomadThatWasAsked, a_rollout, an_allocation
from fakes.consul_catalog import CatalogInMemory
from fakes.driving import Records, place
from fakes.shown import a_deployment
from fakes.watched import CALM, DONE, WELL, Watched
from outrider_ground.errors import ConflictError, RemoteError

from outrider.operations.drive.pausing import Pausing
from outrider.operations.drive.revert import returned

Json = dict[str, Any]
REGISTERED: Json = {"TaskGroups": [{"Services": [{"Name": "checkout"}], "Tasks": [{"Name": "app"}]}]}
SIDECAR: Json = {"TaskGroups": [{"Tasks": [{"Name": "app"}, {"Name": "agent"}]}]}
ALONE: Json = {"TaskGroups": [{"Tasks": [{"Name": "app"}]}]}
SEEN = "_nomad-task-00000001-0000-group-checkout-checkout-ingress"
PATIENCE = 3.0


class Clocked:
    """A rollout and the time that passes between two looks at it; Nomad shows what it was told."""

    def __init__(self, job: Json = REGISTERED, records: Records | None = None) -> None:
        self.deployment = a_deployment("checkout", state="running", modify_index=20)
        self.records = records or Records(self.deployment)
        self.nomad = NomadThatWasAsked([[]])
        self.nomad.registered = [job]
        self.consul = CatalogInMemory()
        self.now = 100.0
        here = place(self.nomad, self.records, consul=self.consul, limits=replace(CALM, outage=PATIENCE))
        self.pausing = Pausing(here, self.deployment, self.records.written, lambda: self.now)

    @property
    def shown(self) -> str:
        """What Nomad shows of the deployment."""
        return "paused" if self.nomad.paused and self.nomad.paused[-1][1] else "running"

    async def look(self, after: float = 1.0, *, healthy: tuple[str, ...] = (), status: str = "") -> bool:
        self.now += after
        until: Json = {"RequireProgressBy": "2026-11-27T12:34:56Z"}
        return await self.pausing.holds(a_rollout(status or self.shown, **until), healthy)

    @property
    def lines(self) -> list[str]:
        return self.records.lines


async def test_a_consul_without_a_leader_for_long_enough_pauses_the_rollout_once_and_one_that_is_back_resumes_it() -> (
    None
):
    rollout = Clocked()
    assert not await rollout.look()
    rollout.consul.has_leader = False
    assert [await rollout.look() for _ in range(5)] == [False, False, False, True, True]
    assert rollout.nomad.paused == [("d-1", True)]
    rollout.consul.has_leader = True
    assert [await rollout.look() for _ in range(5)] == [True, True, True, False, False]
    assert rollout.nomad.paused == [("d-1", True), ("d-1", False)]
    (kind, line, detail), (_, back, over) = rollout.records.told
    assert kind == "pause"
    assert line.startswith("waits: Consul has no leader, since ")
    assert line.endswith("nothing more is replaced until it is back; `outrider fail checkout -e stage` ends it now")
    assert (detail["is_paused"], detail["reason"], detail["progress_by"]) == (True, "Consul has no leader", None)
    assert detail["since"]
    assert (back, over["is_paused"]) == ("Consul is back: the rollout goes on", False)


async def test_a_moment_without_a_leader_pauses_nothing() -> None:
    rollout = Clocked()
    for has_leader in (False, False, True, False, False, True):
        rollout.consul.has_leader = has_leader
        assert not await rollout.look()
    assert (rollout.nomad.paused, rollout.lines) == ([], [])


async def test_a_moment_with_a_leader_resumes_nothing() -> None:
    rollout = Clocked()
    rollout.consul.has_leader = False
    assert not await rollout.look()
    assert await rollout.look(PATIENCE)
    for has_leader in (True, True, False, True, True, False):
        rollout.consul.has_leader = has_leader
        assert await rollout.look()
    assert rollout.nomad.paused == [("d-1", True)]


async def test_a_consul_that_does_not_answer_is_away_with_its_words() -> None:
    rollout = Clocked()
    rollout.consul.away = RemoteError("Consul at x cannot be reached")
    assert not await rollout.look()
    assert await rollout.look(PATIENCE)
    assert rollout.lines[0].startswith("waits: Consul does not answer (Consul at x cannot be reached), since ")


async def test_healthy_allocations_of_which_the_catalog_shows_none_pause_it_until_one_is_seen() -> None:
    rollout, healthy = Clocked(), ("00000001-0000", "00000002-0000")
    assert not await rollout.look(PATIENCE)
    rollout.consul.add("checkout", "_nomad-task-0000000f-0000-group-checkout-checkout-ingress", 1)
    assert not await rollout.look(healthy=healthy)
    assert await rollout.look(PATIENCE, healthy=healthy)
    assert "waits: Consul's catalog shows no instance of it, healthy as it is" in rollout.lines[0]
    rollout.consul.add("checkout", SEEN, 2)
    assert await rollout.look(healthy=healthy)
    assert not await rollout.look(PATIENCE, healthy=healthy)


async def test_without_a_healthy_allocation_none_has_to_be_seen() -> None:
    rollout = Clocked()
    assert not any([await rollout.look(PATIENCE) for _ in range(3)])


@pytest.mark.parametrize(("job", "waits"), [(REGISTERED, True), (SIDECAR, True), (ALONE, False)])
async def test_what_neither_is_called_nor_calls_does_not_wait_for_consul(job: Json, waits: bool) -> None:
    rollout = Clocked(job)
    rollout.consul.has_leader = False
    assert not await rollout.look()
    assert await rollout.look(PATIENCE) is waits
    assert bool(rollout.nomad.paused) is waits


@pytest.mark.parametrize(
    ("version", "is_told"), [("1.6.5", True), ("2.0.0", True), ("2.0.1", False), ("2.0.5", False), ("", False)]
)
async def test_a_nomad_that_gives_a_paused_rollout_up_at_its_deadline_is_told_of_with_the_time(
    version: str, is_told: bool
) -> None:
    rollout = Clocked()
    rollout.nomad.agent = {"config": {"Version": {"Version": version}}}
    rollout.consul.has_leader = False
    await rollout.look()
    await rollout.look(PATIENCE)
    assert ("this Nomad gives it up at 12:34:56 UTC all the same" in rollout.lines[0]) is is_told
    assert bool(rollout.records.told[0][2]["progress_by"]) is is_told


async def test_a_pause_of_somebody_else_is_left_alone_and_told_once() -> None:
    rollout = Clocked()
    assert [await rollout.look(PATIENCE, status="paused") for _ in range(3)] == [True, True, True]
    assert rollout.nomad.paused == []
    assert rollout.lines == ["it was paused at Nomad by somebody else: it goes on with `nomad deployment resume d-1`"]


async def test_what_somebody_else_has_resumed_goes_on_without_consul() -> None:
    rollout = Clocked()
    rollout.consul.has_leader = False
    await rollout.look()
    await rollout.look(PATIENCE)
    assert await rollout.look(status="paused")
    assert [await rollout.look(PATIENCE, status="running") for _ in range(3)] == [False, False, False]
    assert rollout.nomad.paused == [("d-1", True)]
    assert rollout.lines[-1] == "somebody else has resumed it at Nomad: it no longer waits for Consul"


@pytest.mark.parametrize(
    "refusal", [RemoteError("no answer in time"), ConflictError("can't pause terminal deployment")]
)
async def test_a_pause_that_was_not_done_is_tried_again_and_one_that_was_is_not(refusal: Exception) -> None:
    rollout = Clocked()
    rollout.nomad.refusal = refusal  # type: ignore[assignment]
    rollout.consul.has_leader = False
    await rollout.look()
    await rollout.look(PATIENCE, status="running")
    assert await rollout.look(status="running")
    assert len(rollout.nomad.paused) == 2
    assert await rollout.look(status="paused")
    assert len(rollout.nomad.paused) == 2
    assert [line for line in rollout.lines if "did not pause it" in line] == [f"Nomad did not pause it: {refusal}"]
    assert len([line for line in rollout.lines if line.startswith("waits")]) == 1


async def test_d11_a_portal_that_takes_it_up_resumes_what_the_one_before_has_paused() -> None:
    first = Clocked()
    first.consul.has_leader = False
    await first.look()
    await first.look(PATIENCE)
    second = Clocked(records=first.records)
    assert await second.look(status="paused")
    assert not await second.look(PATIENCE, status="paused")
    assert second.nomad.paused == [("d-1", False)]
    assert second.lines[-1] == "Consul is back: the rollout goes on"


@pytest.mark.parametrize("is_back", [True, False])
async def test_d11_a_portal_killed_between_the_word_and_the_pause_leaves_the_next_to_do_what_is_needed(
    is_back: bool,
) -> None:
    first = Clocked()
    first.consul.has_leader = False
    await first.look()
    await first.look(PATIENCE)
    second = Clocked(records=first.records)
    second.consul.has_leader = is_back
    assert await second.look(status="running") is not is_back
    assert second.nomad.paused == ([] if is_back else [("d-1", True)])
    assert len([line for line in second.lines if line.startswith("waits")]) == 1
    assert (second.lines[-1] == "Consul is back: the rollout goes on") is is_back


# As it is followed


class Pausable(NomadThatWasAsked):
    """Shows what it was told, ends the rollout some looks after it was resumed, or at once where it was never paused."""

    def __init__(self, ends: Json = DONE, looks: int = 3) -> None:
        super().__init__([[an_allocation(1, "running", **WELL), an_allocation(2, "running")]])
        self.registered: list[Json | None] = [REGISTERED]
        self.ends, self.left = ends, looks
        self.on_pause: Any = None

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> tuple[Json, int]:
        self.left -= 1
        is_paused = bool(self.paused) and self.paused[-1][1]
        if is_paused and self.on_pause:
            self.on_pause()
        if self.left <= 0 and (self.ends["Status"] == "failed" or (self.paused and not is_paused)):
            return self.ends, index + 1
        return a_rollout("paused" if is_paused else "running", healthy=1, ProgressDeadline=10**7), index + 1

    async def deployment_of(self, job_id: str) -> Json | None:
        return a_rollout()


async def test_a_rollout_waits_far_beyond_its_own_deadline_and_ends_well_when_consul_is_back() -> None:
    watched = Watched(limits=replace(CALM, outage=0.0, stall=0.0, trouble=60.0))
    watched.nomad, watched.consul.has_leader = Pausable(looks=1), False

    def looked() -> None:
        watched.consul.has_leader = watched.nomad.looks > 30
        if watched.consul.has_leader:
            watched.consul.add("checkout", SEEN, 1)

    watched.nomad.on_pause = looked
    assert (await watched.verdict()).state == "successful"
    assert [is_paused for _, is_paused in watched.nomad.paused] == [True, False]
    assert len(watched.told("pause")) == 2


async def test_a_rollout_that_nomad_gave_up_while_it_waited_says_what_it_waited_for() -> None:
    failed = a_rollout("failed", healthy=1, said="Failed due to progress deadline")
    watched = Watched(limits=replace(CALM, outage=0.0, trouble=60.0))
    watched.nomad, watched.consul.has_leader = Pausable(failed, looks=6), False
    verdict = await watched.verdict()
    assert verdict.state == "failed"
    assert "Nomad: Failed due to progress deadline\nit waited: Consul has no leader, since " in verdict.reason


async def test_a_return_to_the_last_good_version_waits_for_consul_at_once_where_it_is_known_to_be_away() -> None:
    rollout = Clocked()
    rollout.consul.has_leader = False
    await rollout.look()
    await rollout.look(PATIENCE)
    nomad = Pausable(a_rollout("successful", healthy=2), looks=9)
    nomad.newest = [a_rollout(index=30)]

    def back() -> None:
        rollout.consul.has_leader, rollout.now = True, rollout.now + PATIENCE
        rollout.consul.add("checkout", SEEN, 1)

    nomad.on_pause = back
    here = place(nomad, rollout.records, consul=rollout.consul, limits=replace(CALM, outage=PATIENCE))
    rollout.pausing._environment = here
    newer = replace(rollout.deployment, modify_index=1)
    assert (await returned(here, newer, rollout.records.written, rollout.pausing)).startswith(
        "the last good version runs"
    )
    assert nomad.paused[0] == ("d-1", True)
    assert nomad.paused[-1] == ("d-1", False)
