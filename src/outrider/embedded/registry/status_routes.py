"""/v1/status/…: who leads. One machine leads itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.embedded.registry.calls import Answer, json_answer

if TYPE_CHECKING:
    from outrider.embedded.registry.calls import Call
    from outrider.embedded.registry.state import Registry


async def leader(registry: Registry, call: Call) -> Answer:  # noqa: ARG001  # all routes share one shape
    return json_answer(registry.identity.server)


async def peers(registry: Registry, call: Call) -> Answer:  # noqa: ARG001  # all routes share one shape
    return json_answer([registry.identity.server])
