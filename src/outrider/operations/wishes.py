"""Bodies of requests as wishes for a spec: what the API was asked, in the words of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outrider_ground.errors import UsageError

from outrider.spec.written.connection import DEFAULT, Connect, Disconnect

if TYPE_CHECKING:
    from outrider.operations.request_bodies import ConnectBody, DisconnectBody

WORD = "default"


def connect_wish(service: str, body: ConnectBody) -> Connect:
    """Call the callee with these knobs; UsageError for a service that would call itself."""
    if body.callee == service:
        raise UsageError(
            f"{service} cannot be connected to itself",
            next_step="Write `upstreams` by hand if its instances call each other.",
        )
    return Connect(body.callee, knobs_said(body.knobs.said), body.environment_only)


def disconnect_wish(body: DisconnectBody) -> Disconnect:
    """Do not call the callee any more."""
    return Disconnect(body.callee, body.environment_only)


def knobs_said(said: dict[str, Any]) -> dict[str, Any]:
    """The knobs as the file has them: ``default`` and a false switch are no value, but the absence of one."""
    return {name: DEFAULT if value is False or value == WORD else value for name, value in said.items()}
