"""What several specs are as one plan: in which order, what each would change, and what speaks against it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, OutriderError, Problem, SpecError, UsageError

from outrider.operations.answers.batch import BatchPlan, BatchStep, Total
from outrider.operations.answers.blockers import BlockedError
from outrider.operations.concurrency import in_turns
from outrider.spec.reading.files import read_service
from outrider.topology.order import Step, steps
from outrider.topology.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from outrider.operations.answers.plan import Plan
    from outrider.operations.batches import Batch
    from outrider.operations.change.documents import Source
    from outrider.operations.change.plans import Prepared
    from outrider.operations.opening import Order
    from outrider.operations.repositories import Batches
    from outrider.spec.platform import Platform
    from outrider.spec.service import Service


async def batch_plan(
    platform: Platform, environment: str, sources: Sequence[Source], plan: Callable[[Source], Awaitable[Prepared]]
) -> BatchPlan:
    """The plans of all, callees first. SpecError with the problems of all of them, wherever they are found."""
    ordered = await asyncio.to_thread(in_order, platform, environment, sources)
    found = await in_turns(lambda source: _outcome(plan, source), [source for source, _ in ordered.values()])
    check_specs(one for one in found if isinstance(one, OutriderError))
    plans = tuple(one for one in found if not isinstance(one, OutriderError))
    order = _order(service for _, service in ordered.values())
    return BatchPlan(environment, tuple(BatchStep(one.services, one.after) for one in order), plans, total_of(plans))


def in_order(platform: Platform, environment: str, sources: Sequence[Source]) -> dict[str, tuple[Source, Service]]:
    """The sources by service, callees first, each with what all of them speak. SpecError for all that cannot be read.

    The same service twice is such a problem too: nobody can say which of both is meant.
    """
    if not sources:
        raise UsageError("there is no spec to deploy", next_step="Name files of services, or folders that hold some.")
    read = _read(platform, environment, sources)
    protocols = {service.service: spoken(service) for _, service in read}
    by_name = {service.service: (replace(source, protocols=protocols), service) for source, service in read}
    order = _order(service for _, service in read)
    return {name: by_name[name] for step in order for name in step.services}


def _order(services: Iterable[Service]) -> tuple[Step, ...]:
    """What lies outside Consul is nobody of the batch, whatever it is called."""
    calls = {one.service: [name for name, called in one.upstreams.items() if not called.address] for one in services}
    return steps(calls)


def _read(platform: Platform, environment: str, sources: Sequence[Source]) -> list[tuple[Source, Service]]:
    found: list[tuple[Source, Service]] = []
    problems: list[Problem] = []
    for source in sources:
        try:
            written = read_service(source.text, source.file, environment, known=tuple(platform.environments))
        except SpecError as error:
            problems += error.problems
        else:
            found.append((source, written.service))
    check_twice([(source.file, service.service) for source, service in found], problems)
    return found


def check_twice(files: Sequence[tuple[str, str]], problems: Sequence[Problem] = ()) -> None:
    """SpecError with these problems, and with each service that a second file (first of the pair) has too."""
    first: dict[str, str] = {}
    twice: list[Problem] = []
    for file, service in files:
        if service in first:
            twice.append(Problem("service", f"{service} is the service of {first[service]} too", file=file))
        first.setdefault(service, file)
    if problems or twice:
        raise SpecError((*problems, *twice))


def check_specs(errors: Iterable[OutriderError]) -> None:
    """SpecError with the problems of all; what is another error is raised as it is, where no spec is at fault."""
    found = list(errors)
    refused = [one for one in found if isinstance(one, SpecError)]
    if refused:
        steps_on = [one.next_step for one in refused if one.next_step]
        raise SpecError(tuple(each for one in refused for each in one.problems), next_step=next(iter(steps_on), None))
    if found:
        raise found[0]


async def _outcome(plan: Callable[[Source], Awaitable[Prepared]], source: Source) -> Plan | OutriderError:
    try:
        return (await plan(source)).plan
    except OutriderError as error:
        return error


def total_of(plans: Sequence[Plan]) -> Total:
    """All of them in numbers."""
    changed = [one for one in plans if one.has_changes]
    new = sum(1 for one in changed if one.running_version is None and one.check_index == 0)
    counted: Counter[str] = Counter()
    for one in changed:
        for group in one.allocations.values():
            counted.update(group)
    return Total(new, len(changed) - new, len(plans) - len(changed), {name: n for name, n in counted.items() if n})


def check_batch(plan: BatchPlan, order: Order) -> None:
    """Nothing of a batch begins where one of it cannot.

    SpecError for what Envoy refuses, BlockedError with all that stops any of them, ConflictError for jobs of others.
    """
    refusals = [
        Problem("", f"Envoy refuses the bootstrap of {one.service} in {plan.environment}: {line}")
        for one in plan.plans
        for line in one.refusals
    ]
    if refusals:
        raise SpecError(
            tuple(refusals), next_step="Nothing was deployed. `outrider render FILE --part envoy` prints one."
        )
    left = [(one.service, each) for one in plan.plans for each in one.blockers if each.name not in order.overrides]
    if left:
        told = tuple(replace(each, reason=f"{service}: {each.reason}") for service, each in left)
        names = " ".join(f"--override {name}" for name in dict.fromkeys(each.name for _, each in left))
        raise BlockedError(
            f"{len({service for service, _ in left})} of {len(plan.plans)} services cannot go to {plan.environment} now, so "
            "nothing was deployed",
            told,
            next_step=f"To go all the same, say why: `{names} --reason TEXT`; the history keeps it.",
        )
    foreign = [one.service for one in plan.plans if one.is_foreign and not order.take_over]
    if foreign:
        raise ConflictError(
            f"jobs in Nomad were not deployed by Outrider: {', '.join(foreign)}; nothing was deployed",
            next_step="Rename these services, stop those jobs, or deploy with --take-over to replace them.",
        )


async def known_batch(batches: Batches, batch_id: str) -> Batch:
    """The batch, or UsageError."""
    found = await batches.with_id(batch_id)
    if found is None:
        raise UsageError(f"there is no batch {batch_id}", next_step="`outrider run DIR` begins one.")
    return found
