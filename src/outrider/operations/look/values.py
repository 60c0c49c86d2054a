"""The values that a service reads, as the portal knows them at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.operations.answers.values import ServiceValues
from outrider.operations.lookups import check_known

if TYPE_CHECKING:
    from outrider.operations.environment import Environment


async def values(environment: Environment, service: str) -> ServiceValues:
    """All that it reads; nothing of a service that does not run. UsageError for one that nobody knows."""
    await check_known(environment, service)
    return environment.values.of(service) or ServiceValues(environment.name, service, ())
