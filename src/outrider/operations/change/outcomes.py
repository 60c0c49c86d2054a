"""What Nomad made of a change: its answer remembered, or, where it gave none, what can be read of it; never sent again."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from outrider_ground.errors import ConflictError, OutriderError, RemoteError

from outrider.operations.event_details import Registered, Unanswered, Warned

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment

GATEWAYS: Final = frozenset({502, 503, 504})
FAILED: Final = 500
# Nomad's own failures that may come after a write was on its way: a leader that was lost, a server that hung up.
ON_THE_WAY: Final = ("leader", "rpc error", "EOF", "timeout", "timed out")


async def accepted(environment: Environment, deployment: Deployment, answer: Json) -> Deployment:
    """Remember what Nomad answered to the change: from here on the deployment can be followed."""
    index, evaluation = int(answer.get("JobModifyIndex") or answer.get("Index") or 0), answer.get("EvalID") or None
    now = replace(deployment, modify_index=index, evaluation=evaluation, state="running")
    message = f"Nomad has accepted it at index {index}"
    await environment.journal.note(now.id, message, Registered(index, evaluation))
    if answer.get("Warnings"):
        await environment.journal.note(now.id, str(answer["Warnings"]).strip(), Warned())
    # Last: from here on whoever looks for unfinished deployments may take it up, and end it.
    await environment.store.deployments.save_deployment(now)
    return now


async def answer_of(environment: Environment, service: str, index: int) -> Json:
    """What Nomad answered, or would have, to the change that made this index."""
    evaluations = await environment.nomad.evaluations(service)
    newest = next((one["ID"] for one in evaluations if one.get("JobModifyIndex") == index), "")
    return {"JobModifyIndex": index, "EvalID": newest}


async def ended(environment: Environment, deployment: Deployment, error: OutriderError) -> None:
    """Write down that the deployment ended before it began."""
    state = "superseded" if isinstance(error, ConflictError) else "failed"
    await environment.journal.end(deployment, state, error.message)


def is_uncertain(error: RemoteError) -> bool:
    """Whether what was asked may have been done all the same: it was sent, and the answer does not say that it was refused."""
    if error.status is None:
        return error.was_sent
    failed_late = error.status == FAILED and any(word in error.message for word in ON_THE_WAY)
    return error.status in GATEWAYS or failed_late


async def reconciled(
    environment: Environment,
    deployment: Deployment,
    error: RemoteError,
    find: Callable[[], Awaitable[Deployment | None]],
) -> Deployment:
    """The deployment as Nomad shows that it got the change; ``find`` reads it, and is None where it is not there.

    Raises the error where it is not: the deployment has failed then. Where Nomad cannot be read either, it stays open, and
    is found or ended as soon as Nomad answers. ConflictError where Nomad shows that somebody else was faster.
    """
    give_up = time.monotonic() + (environment.limits.appearance if is_uncertain(error) else 0)
    while is_uncertain(error):
        is_late = time.monotonic() > give_up
        try:
            found = await find()
        except ConflictError as conflict:
            await ended(environment, deployment, conflict)
            raise
        except RemoteError:
            if is_late:
                raise await _left_open(environment, deployment, error) from error
        else:
            if found is not None:
                return found
            if is_late:
                break
        await asyncio.sleep(environment.limits.look / 4)
    # Nothing waits in silence for Nomad to come back: whoever asked is told, and asks again.
    await ended(environment, deployment, error)
    raise error


async def _left_open(environment: Environment, deployment: Deployment, error: RemoteError) -> RemoteError:
    """The error as whoever asked is told of it: what became of the change is not known yet, and will be."""
    told = f"{error.message}; whether Nomad has got it is not known: it is looked for as soon as Nomad answers"
    await environment.journal.note(deployment.id, told, Unanswered(deployment.kind))
    where = f"{deployment.service} -e {deployment.environment} --deployment {deployment.id[:8]}"
    step = f"Do not send it again; `outrider history {where} --follow` tells what became of it."
    return RemoteError(told, status=error.status, next_step=step)


async def was_done(environment: Environment, error: RemoteError, read: Callable[[], Awaitable[bool]]) -> bool:
    """Whether Nomad shows that it has done what it gave no answer to; looked at for as long as that may take."""
    give_up = time.monotonic() + environment.limits.appearance
    while is_uncertain(error) and time.monotonic() < give_up:
        with suppress(RemoteError):
            if await read():
                return True
        await asyncio.sleep(environment.limits.look / 4)
    return False
