"""Several specs as one plan: planned, deployed callees first, and followed until each service has its verdict."""

from __future__ import annotations

import asyncio
import shlex
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from outrider_ground.errors import Problem, SpecError

from outrider.cli import exits
from outrider.cli.changes import Asked, plan_lines
from outrider.cli.invocation import Invocation
from outrider.cli.output import COLOURS, table
from outrider.cli.packed_spec import PackedSpec, contents, packed_spec
from outrider.cli.printable import printable
from outrider.cli.reasons import Why
from outrider.cli.source_files import DEFAULT, found_specs
from outrider.cli.times import clock
from outrider.cli.watching import Waiting
from outrider.operations.answers.batch import BatchPlan, BatchStep
from outrider.operations.batches import UP, Batch, BatchMember
from outrider.operations.change.batch import check_twice
from outrider.operations.request_bodies import BatchBody, DeployBatchBody, SpecEntry
from outrider.operations.signs import sign_of

LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Manner:
    """How several specs are deployed, and for how long that is watched."""

    take_over: bool
    redeploy: bool
    why: Why
    waiting: Waiting


def are_several(files: Sequence[Path]) -> bool:
    """Whether they are deployed as one plan: more than one, or a folder, however many are in it."""
    return len(files) > 1 or any(file.is_dir() for file in files)


def the_file(files: Sequence[Path]) -> Path:
    """The one file, by default outrider.yaml."""
    (file,) = files or (DEFAULT,)
    if not file.is_file():
        raise click.UsageError("there is no outrider.yaml here; name the FILES to deploy")
    return file


async def planned_together(invocation: Invocation, environment: str, places: Sequence[Path], *, redeploy: bool) -> int:
    """Show what deploying all of them would change; the exit code is that of `plan`."""
    written = await _written(invocation, environment, places)
    found = await invocation.portal.plan_batch(environment, BatchBody(specs=_entries(written), redeploy=redeploy))
    asked = {
        one.service: Asked(one.file, one.text, contents(one.packed), redeploy, has_command=False) for one in written
    }
    packed = {name: asdict(one.packed) for name, one in asked.items() if one.packed}
    document = asdict(found) | ({"directories": packed} if packed else {})
    command = _command(environment, places, redeploy=redeploy)
    invocation.output.show(found, lambda shown: _plan_lines(shown, asked, command), document)
    if found.is_refused:
        return exits.PLAN_ERROR
    return exits.CHANGES if found.has_changes else exits.OK


async def deployed_together(invocation: Invocation, environment: str, places: Sequence[Path], manner: Manner) -> int:
    """Deploy all of them as one plan; the exit code is the worst of their verdicts."""
    written = await _written(invocation, environment, places)
    sent: set[str] = set()
    for one in written:
        digest = one.fields["artifact"]
        if one.packed and digest not in sent:
            sent.add((await invocation.portal.upload(one.packed)).sha256)
    asked = {"redeploy": manner.redeploy, "take_over": manner.take_over}
    body = DeployBatchBody(specs=_entries(written), **asked, **manner.why.fields)
    batch = await invocation.portal.deploy_batch(environment, body, str(uuid.uuid4()))
    if manner.waiting.is_detached:
        invocation.output.show(batch, lambda shown: [shown.id])
        return exits.OK
    return await _watched(invocation, batch, manner.waiting.timeout_s)


async def _written(invocation: Invocation, environment: str, places: Sequence[Path]) -> list[PackedSpec]:
    """Every spec, read and packed; SpecError with the problems of all files, and nothing was sent then."""
    found: list[PackedSpec] = []
    problems: list[Problem] = []
    for file in await asyncio.to_thread(found_specs, places):
        try:
            found.append(await packed_spec(invocation, file, environment))
        except SpecError as error:
            problems += error.problems
    check_twice([(str(one.file), one.service) for one in found], problems)
    return found


def _entries(written: Sequence[PackedSpec]) -> tuple[SpecEntry, ...]:
    return tuple(SpecEntry(**one.fields) for one in written)


def _command(environment: str, places: Sequence[Path], *, redeploy: bool) -> str:
    words = ["outrider", "run", *(["--redeploy"] if redeploy else []), "-e", environment, *map(str, places)]
    return shlex.join(words)


def _plan_lines(found: BatchPlan, asked: dict[str, Asked], command: str) -> Iterator[str]:
    yield click.style(f"{len(found.plans)} services in {found.environment}, in this order:", bold=True)
    yield from (f"{number:>3}. {_step(step)}" for number, step in enumerate(found.steps, 1))
    for plan in found.plans:
        yield ""
        yield from plan_lines(plan, asked[plan.service])
    total, counts = found.total, found.total.allocations
    allocations = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in counts.items())
    yield ""
    yield f"In all: {total.new} new, {total.changed} changed, {total.unchanged} unchanged" + (
        f"; allocations: {allocations}" if allocations else ""
    )
    if found.has_changes and not found.is_refused:
        yield f"\nTo deploy all of it:\n  {command}"


def _step(step: BatchStep) -> str:
    after = f", after {', '.join(step.after)}" if step.after else ""
    if len(step.services) == 1:
        return f"{step.services[0]}{after}"
    return f"{', '.join(step.services)} together{after}: they call each other in a circle"


async def _watched(invocation: Invocation, batch: Batch, wait_s: float | None) -> int:
    """Follow the batch to its end; whoever stops watching is told that it goes on."""
    say = invocation.output.progress
    again = "It goes on; the same command again watches it."
    try:
        async with asyncio.timeout(wait_s):
            ended = await _followed(invocation, batch)
    except TimeoutError:
        say(f"Not finished after {wait_s:.0f} s. {again}")
        return exits.WAIT_TIMEOUT
    except asyncio.CancelledError:
        say(f"\nNo longer watching. {again}")
        raise
    invocation.output.show(ended, _result)
    return _code(ended)


async def _followed(invocation: Invocation, batch: Batch) -> Batch:
    """The batch when it has ended; each step of a service is a line."""
    told: dict[str, str] = {}
    while True:
        for member in batch.members:
            if told.get(member.service, "pending") != member.state:
                told[member.service] = member.state
                invocation.output.progress(_line(member))
        if batch.state != "running":
            return batch
        await asyncio.sleep(LOOK_S)
        batch = await invocation.portal.batch(batch.id)


def _line(member: BatchMember) -> str:
    sign = sign_of("under_way" if member.state == "running" else member.state)
    shape = click.style(sign.shape, fg=COLOURS[sign.mood]) if sign else " "
    return f"{clock(datetime.now(UTC))}  {shape} {member.service}: {_said(member)}"


def _said(member: BatchMember) -> str:
    if member.state == "not_deployed":
        return f"not deployed: {printable(member.reason)}"
    if member.state == "running":
        return f"deploying version {member.version}"
    return printable(member.reason.splitlines()[0]) if member.reason else member.state


def _result(batch: Batch) -> list[str]:
    rows = [
        (one.service, one.state.replace("_", " "), one.version, "" if one.state == "successful" else one.reason)
        for one in batch.members
    ]
    return table(("SERVICE", "RESULT", "VERSION", "REASON"), rows)


def _code(batch: Batch) -> int:
    """0 where all are up, 2 where only room was lacking, else 1."""
    bad = {one.state for one in batch.members if one.state not in UP}
    if not bad:
        return exits.OK
    return exits.NOT_PLACED if bad <= {"not_placed", "not_deployed"} and "not_placed" in bad else exits.FAILED
