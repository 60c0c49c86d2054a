"""The platform file as a portal goes by it: what is in force, and what is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from outrider.operations.answers.plan import Change


@dataclass(frozen=True, slots=True)
class RefusedPlatform:
    """A changed file that is not in force, whole: why, and what it would have changed as far as it can be read."""

    hash: str
    at: datetime
    problems: tuple[str, ...]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class PlatformState:
    """``hash`` is of the file's bytes, twelve hex digits; ``changes`` are what its last change while the portal ran did.

    ``file`` is None where the portal was started without one, as by `outrider dev`.
    """

    file: str | None
    hash: str | None
    since: datetime
    environments: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    refused: RefusedPlatform | None = None

    @property
    def problem(self) -> str | None:
        """That a changed file is not in force, and why."""
        if self.refused is None:
            return None
        return f"the portal refuses the changed platform file, and goes by the one before: {'; '.join(self.refused.problems)}"


def without_file(environments: Iterable[str]) -> PlatformState:
    """The state of a platform that nobody watches the file of."""
    return PlatformState(None, None, datetime.now(UTC), tuple(environments))
