"""What a probe has found, and how many such findings in a row it takes to count."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_OUTPUT = 4096


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A status with what the probe has to say."""

    status: str
    output: str


class Threshold:
    """SuccessBeforePassing and FailuresBeforeCritical: a change of mind needs so many findings in a row."""

    def __init__(self, passes_needed: int, failures_needed: int) -> None:
        self._passes_needed = passes_needed
        self._failures_needed = failures_needed
        self._passes = 0
        self._failures = 0

    def is_reached(self, *, is_critical: bool) -> bool:
        """Count a finding; whether it counts already."""
        if is_critical:
            self._passes, self._failures = 0, self._failures + 1
            return self._failures >= self._failures_needed
        self._passes, self._failures = self._passes + 1, 0
        return self._passes >= self._passes_needed
