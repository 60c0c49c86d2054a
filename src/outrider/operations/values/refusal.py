"""When a server's error is its word on a value, and when it is silence that says nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outrider.operations.values.sighting import Told

if TYPE_CHECKING:
    from outrider_ground.errors import OutriderError

    from outrider.operations.values.pace import ValuePace

REFUSALS: Final = frozenset({401, 403})


def is_refusal(error: OutriderError) -> bool:
    """Whether the server has answered, and does not let us see it."""
    return getattr(error, "status", None) in REFUSALS


def told_by(error: OutriderError, failures: int, pace: ValuePace) -> Told | None:
    """What is told by so many failures in a row; None where what was known stays: silence counts only where it lasts."""
    return Told(problem=error.message) if is_refusal(error) or failures >= pace.silences else None
