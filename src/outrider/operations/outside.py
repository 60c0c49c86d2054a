"""What others did to a service's job: found in what Nomad remembers, by the indexes that no deployment of ours has made."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.nomad.read.job_steps import ends, messages, steps, triggers
from outrider.operations.answers.outside import OutsideChange
from outrider.operations.environment import OutsideCheck
from outrider.operations.states import ENDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from outrider.documents import Json
    from outrider.nomad.read.job import RunningJob
    from outrider.nomad.read.job_steps import JobStep
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment

SAME_MOMENT = timedelta(seconds=1)
STOPPED_ONE = OutsideChange("allocation_stopped", "an allocation was stopped, and another one placed instead")
GONE = OutsideChange("gone", "Nomad has no such job any more: it was purged, or stopped and collected since")


@dataclass(frozen=True, slots=True)
class _Told:
    """What Nomad and the store remember of one service; ``ours`` is newest first, ``named`` numbers versions by hash."""

    steps: tuple[JobStep, ...]
    evaluations: Sequence[Json]
    scaling: Json | None
    ours: tuple[Deployment, ...]
    named: Mapping[str, int]

    @property
    def indexes(self) -> frozenset[int]:
        return frozenset(one.modify_index for one in self.ours if one.modify_index is not None)


async def outside_changes(environment: Environment, service: str) -> tuple[OutsideChange, ...]:
    """Every change that is not ours and that Nomad still remembers, newest first. RemoteError as Nomad's."""
    ours = await environment.store.deployments.newest(environment.name, service)
    return await _beside(environment, service, ours)


async def _beside(environment: Environment, service: str, ours: tuple[Deployment, ...]) -> tuple[OutsideChange, ...]:
    if not ours:
        return ()  # what runs under a name that was never deployed here is nobody's drift
    nomad = environment.nomad
    compared, evaluations, scaling = await asyncio.gather(
        nomad.compared_versions(service), nomad.evaluations(service), nomad.scaling(service)
    )
    found = steps(compared)
    told = _Told(found, evaluations, scaling, ours, await _numbers(environment, service, found))
    changes = [change for step in found if (change := _change(step, told))]
    named = [await _named(environment, change, _token(change, told)) for change in changes]
    everything = [*(_gone(told) if not found else ()), *named, *_stopped_allocations(told)]
    return tuple(
        sorted(everything, key=lambda one: (one.at is None, one.at.timestamp() if one.at else 0), reverse=True)
    )


async def since_ours(environment: Environment, service: str) -> tuple[OutsideChange, ...]:
    """Those that came after our last registration, and so are what makes the job another one than ours; () where Nomad is away."""
    ours = await environment.store.deployments.newest(environment.name, service)
    try:
        found = await environment.in_time(_beside(environment, service, ours), "Nomad")
    except RemoteError:
        return ()
    last = max((one for one in ours if one.kind != "scale"), key=lambda one: one.modify_index or 0, default=None)
    return tuple(one for one in found if last is None or _is_later(one, last))


async def known_changes(environment: Environment, service: str, index: int) -> tuple[OutsideChange, ...]:
    """The same of the job at this index, asked once."""
    kept = environment.outside_checks.get(service)
    if kept is None or kept.index != index or (kept.changes.done() and not _has_told(kept)):
        kept = OutsideCheck(index, asyncio.create_task(since_ours(environment, service)))
        environment.outside_checks[service] = kept
    return await asyncio.shield(kept.changes)


def _has_told(kept: OutsideCheck) -> bool:
    """Whether it has found anything: a Nomad that was away is asked again."""
    return not kept.changes.cancelled() and kept.changes.exception() is None and bool(kept.changes.result())


def _is_later(one: OutsideChange, last: Deployment) -> bool:
    """A stopped allocation leaves the job's index as it is."""
    if one.kind == "allocation_stopped":
        return one.at is not None and one.at > (last.ended_at or last.created_at)
    return one.kind == "gone" or one.index > (last.modify_index or 0)


async def outside_warnings(environment: Environment, service: str) -> tuple[str, ...]:
    """What others did to the job since our last registration, as sentences for whoever plans another one."""
    return tuple(_sentence(service, one) for one in await since_ours(environment, service))


def _sentence(service: str, one: OutsideChange) -> str:
    when = f" at {one.at:%Y-%m-%d %H:%M:%S} UTC" if one.at else ""
    return f"{service} was changed outside of Outrider: {one.said}, by {one.by}{when}"


def evident_change(now: RunningJob, last: Deployment | None, number: int | None) -> OutsideChange | None:
    """What differs from how our last change left the job, without asking anybody: by whom and when stays unknown.

    ``number`` is the stored version that runs.
    """
    if last is None or not last.is_final or last.modify_index is None or last.state not in {"successful", "superseded"}:
        return None
    if not now.exists:
        return GONE if last.kind not in ENDING else None
    return _evident(now, last, number) if now.index > last.modify_index else None


def _evident(now: RunningJob, last: Deployment, number: int | None) -> OutsideChange | None:
    if now.is_stopped:
        return _at(now, OutsideChange("stopped", "the job was stopped")) if last.kind not in ENDING else None
    if now.is_foreign:
        return _at(now, OutsideChange("replaced", "a job that is not Outrider's has its name"))
    if last.kind in ENDING:
        return _at(now, OutsideChange("started", "the job was started again"))
    if number is not None and last.version is not None and number != last.version:
        return _at(now, OutsideChange("reverted", f"reverted to version {number}"))
    if last.count is not None and now.count != last.count:
        return _at(now, OutsideChange("scaled", f"scaled {last.count} → {now.count}"))
    return None


def _at(now: RunningJob, change: OutsideChange) -> OutsideChange:
    return replace(change, index=now.index)


async def _numbers(environment: Environment, service: str, found: tuple[JobStep, ...]) -> Mapping[str, int]:
    hashes = {step.now.hash for step in found if step.now.hash}
    versions = environment.store.versions
    known = {one: await versions.running_version(environment.name, service, one) for one in hashes}
    return {one: version.number for one, version in known.items() if version is not None}


def _change(step: JobStep, told: _Told) -> OutsideChange | None:
    """What the step was, None where it is ours, or Nomad's own return after a deployment of ours that failed."""
    if step.now.index in told.indexes or _is_return(step, told):
        return None
    return replace(_kind(step, told), at=step.at, index=step.now.index)


def _is_return(step: JobStep, told: _Told) -> bool:
    """Nomad registers an older version by itself where one fails: no evaluation of a person's tells of that."""
    if triggers(told.evaluations).get(step.now.index):
        return False
    earlier = [one for one in told.ours if one.modify_index is not None and one.modify_index < step.now.index]
    last = max(earlier, key=lambda one: one.modify_index or 0, default=None)
    return last is not None and last.state in {"failed", "not_placed"} and step.now.hash in told.named


def _kind(step: JobStep, told: _Told) -> OutsideChange:
    now, before = step.now, step.before
    if now.is_stopped:
        return OutsideChange("stopped", "the job was stopped")
    if now.is_foreign:
        return OutsideChange("replaced", "replaced by a job that is not Outrider's")
    if before is None or before.hash is None or before.is_stopped:
        return OutsideChange("started", f"{_version(now, told)} was started")
    return _other(step, before, told)


def _other(step: JobStep, before: RunningJob, told: _Told) -> OutsideChange:
    """What was done to a job of ours that ran, and runs."""
    now = step.now
    if now.hash != before.hash:
        kind = "reverted" if now.hash in told.named else "replaced"
        return OutsideChange(kind, f"{'reverted to' if kind == 'reverted' else 'replaced by'} {_version(now, told)}")
    if step.places:
        places = ", ".join(step.places)
        return OutsideChange("edited", f"edited: {places}{_counts(step, ', count ')}", places=step.places)
    return OutsideChange("scaled", f"scaled{_counts(step, ' ')}{_message(step, told)}")


def _version(now: RunningJob, told: _Told) -> str:
    number = told.named.get(now.hash or "")
    return f"version {number}" if number else f"a version that this portal does not know ({now.hash})"


def _counts(step: JobStep, sign: str) -> str:
    before = step.before.asked if step.before else None
    return "" if before == step.now.asked else f"{sign}{before} → {step.now.asked}"


def _message(step: JobStep, told: _Told) -> str:
    """What whoever scaled it said to Nomad."""
    said = (text for at, count, text in messages(told.scaling) if _is_of(step, at, count) and text)
    return next((f" ({text})" for text in said), "")


def _is_of(step: JobStep, at: datetime, count: int) -> bool:
    return count == step.now.asked and abs(at - step.at) < SAME_MOMENT


def _token(change: OutsideChange, told: _Told) -> str:
    """Nomad keeps the token of a registration; what a scale or a stop bears is the one from before."""
    if change.kind in {"scaled", "stopped"}:
        return ""
    return next((step.token for step in told.steps if step.now.index == change.index), "")


async def _named(environment: Environment, change: OutsideChange, token: str) -> OutsideChange:
    if not token:
        return change
    try:
        name = await environment.nomad.token_name(token)
    except RemoteError:
        name = None
    short = token[:8]
    whose = f"{name} (Nomad token {short})" if name else f"the Nomad token {short}"
    return replace(change, by=whose)


def _gone(told: _Told) -> tuple[OutsideChange, ...]:
    """The job is not there, though our last change was no stop; where Nomad has the evaluation of its end, when that was."""
    last = next((one for one in told.ours if one.modify_index is not None), None)
    if last is None or last.kind in ENDING:
        return ()
    ended = next(iter(ends(told.evaluations, "job-deregister")), None)
    return (replace(GONE, at=ended, said="stopped and purged" if ended else GONE.said),)


def _stopped_allocations(told: _Told) -> tuple[OutsideChange, ...]:
    """Those that no restart of ours has stopped."""
    index = told.steps[0].now.index if told.steps else 0
    restarts = [one for one in told.ours if one.kind == "restart"]
    return tuple(
        replace(STOPPED_ONE, at=at, index=index)
        for at in ends(told.evaluations, "alloc-stop")
        if not any(_during(one, at) for one in restarts)
    )


def _during(restart: Deployment, at: datetime) -> bool:
    ended = restart.ended_at or at
    return restart.created_at - SAME_MOMENT <= at <= ended + SAME_MOMENT
