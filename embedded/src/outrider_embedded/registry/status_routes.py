"""/v1/status/…: who leads. One machine leads itself."""

from __future__ import annotations

from outrider_embedded.registry.calls import Answer, Call, json_answer
from outrider_embedded.registry.state import Registry


async def leader(registry: Registry, call: Call) -> Answer:  # noqa: ARG001  # all routes share one shape
    return json_answer(registry.identity.server)


async def peers(registry: Registry, call: Call) -> Answer:  # noqa: ARG001  # all routes share one shape
    return json_answer([registry.identity.server])
