"""Every error that a person may meet, by who has to act; anything else that surfaces is our own bug.

OutriderError
├── SpecError       the developer or operator acts: what they wrote cannot be used (all problems at once)
├── UsageError      the caller acts: an unknown service, environment, version or flag value
├── ConflictError   somebody else was faster: look again, then decide
├── RemoteError     a server outside (Nomad, Consul, Prometheus, the portal) refused, failed or is away
└── DeployFailed    the verdict on a deployment
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file that a person wrote; ``path`` is dotted, as in ``upstreams.payments.timeout``."""

    path: str
    message: str
    suggestion: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """``file:line:column: path: message (did you mean "x"?)``, without the parts that are not known."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        hint = f' (did you mean "{self.suggestion}"?)' if self.suggestion else ""
        return ": ".join(part for part in (place, self.path, self.message) if part) + hint


class OutriderError(Exception):
    """An error with a message for a person and, where there is one, the next step they can take."""

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n{self.next_step}" if self.next_step else self.message


class SpecError(OutriderError):
    """A service spec or platform file that cannot be used; ``problems`` holds all of them, in file order."""

    def __init__(self, problems: tuple[Problem, ...], *, next_step: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), next_step=next_step)
        self.problems = problems


class UsageError(OutriderError):
    """The request names something that does not exist or cannot be asked for."""


class ConflictError(OutriderError):
    """What the request was based on has changed since (check index, a running deployment)."""


class RemoteError(OutriderError):
    """A server outside refused, failed or cannot be reached; ``status`` is its HTTP status where it answered.

    ``was_sent`` is false where the request certainly never got there, as nobody took it.
    """

    def __init__(
        self, message: str, *, status: int | None = None, next_step: str | None = None, was_sent: bool = True
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status
        self.was_sent = was_sent


class DeployFailed(OutriderError):  # noqa: N818 (the verdict, in the words of the glossary)
    """A deployment ended badly; ``placed`` is false where Nomad found no room for it (exit code 2)."""

    def __init__(self, message: str, *, placed: bool = True, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.placed = placed
