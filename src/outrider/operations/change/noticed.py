"""What callers of a service will notice of its deployment, in sentences: from both specs and the rollout, pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.spec.values import duration
from outrider.topology import names
from outrider.topology.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.operations.answers.rollout import Rollout
    from outrider.spec.service import Service


@dataclass(frozen=True, slots=True)
class Turn:
    """A service as it is now and as it will be, and the way between."""

    before: Service
    after: Service
    rollout: Rollout


def notices(turn: Turn) -> tuple[str, ...]:
    """One sentence for each thing; none where new instances come and old ones go, and that is all."""
    return tuple(sentence for tell in TELLERS for sentence in tell(turn))


def _protocol(turn: Turn) -> Iterator[str]:
    before, after = spoken(turn.before), spoken(turn.after)
    if before == after:
        return
    if after == names.PROTOCOL_NONE:
        yield "it cannot be called any more (port: none): their requests fail"
    elif before == names.PROTOCOL_NONE:
        yield f"it can be called from now on, by {after}"
    else:
        yield (
            f"it speaks {after} instead of {before}: their sidecars go on speaking {before} until they are deployed again, "
            "and what is sent meanwhile may fail"
        )


def _mesh(turn: Turn) -> Iterator[str]:
    if turn.before.mesh and not turn.after.mesh:
        yield "it leaves the mesh: they reach its app itself, without its sidecar's rate limit, metrics and guard against wrong addresses"
    elif turn.after.mesh and not turn.before.mesh:
        yield "it joins the mesh: they reach its sidecar, which passes requests on to the app"


def _ingress(turn: Turn) -> Iterator[str]:
    before, after = turn.before.ingress, turn.after.ingress
    if before.static != after.static:
        where = f"at the node's port {after.static}" if after.static else "at no fixed port of the node any more"
        was = f" instead of {before.static}" if before.static and after.static else ""
        yield f"callers outside the mesh find it {where}{was}"
    if before.rate != after.rate:
        yield _rate(before.rate, after.rate)


def _rate(before: int | None, after: int | None) -> str:
    if after is None:
        return f"there is no rate limit any more ({before} requests/s per allocation until now)"
    was = f", {before} until now" if before else ", of which there was none"
    return f"more than {after} requests/s per allocation are answered 429{was}"


def _port(turn: Turn) -> Iterator[str]:
    before, after = turn.before.port, turn.after.port
    if before != after and "none" not in {before, after} and not turn.after.mesh:
        yield f"without a sidecar they meet the app at another port ({before or 'any'} → {after or 'any'}), as Consul says"


def _stop(turn: Turn) -> Iterator[str]:
    before, after = turn.before.stop, turn.after.stop
    if after.delay < before.delay:
        yield (
            f"a stopping instance is sent requests for {duration(after.delay)} instead of {duration(before.delay)} at most "
            "(stop.delay)"
        )
    if after.timeout < before.timeout:
        yield f"requests under way get {duration(after.timeout)} instead of {duration(before.timeout)} to end (stop.timeout)"


def _consul(turn: Turn) -> Iterator[str]:
    if turn.before.consul != turn.after.consul:
        yield "its tags or meta in Consul are others, for whoever selects by them"


def _canary(turn: Turn) -> Iterator[str]:
    new = next((len(step.allocations) for step in turn.rollout.steps if step.kind == "canary"), 0)
    is_waiting = any(step.kind == "promote" and "your word" in step.text for step in turn.rollout.steps)
    if new and is_waiting:
        total = new + turn.rollout.before
        yield f"about {new} of {total} requests meet the new version while the canary waits to be promoted"


def _capacity(turn: Turn) -> Iterator[str]:
    rollout = turn.rollout
    if not rollout.after:
        yield "no instance of it will run: their requests fail (503)"
    elif rollout.before and not rollout.least:
        yield "for a moment no instance serves, between the old one and the new one: their requests fail then (503)"
    elif 0 < rollout.least < min(rollout.before, rollout.after):
        yield f"{rollout.least} of {rollout.before} allocations serve while others are replaced; no request is lost by it"


TELLERS = (_protocol, _mesh, _ingress, _port, _stop, _consul, _canary, _capacity)
