"""What a proof has found, one sentence each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that was to be shown: whether it holds, what was seen, and the single cases where there are any."""

    sentence: str
    holds: bool
    seen: str
    cases: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{'ok  ' if self.holds else 'FAIL'}  {self.sentence}: {self.seen}"
        return "\n".join([head, *(f"      - {case}" for case in self.cases)])
