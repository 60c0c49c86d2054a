"""What an edit of a stored version would be, as it is shown before anybody says yes."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.operations.answers.plan import Plan


@dataclass(frozen=True, slots=True)
class Proposal:
    """A stored version's text with a wish fulfilled; ``version`` is the one that runs, which it was made of.

    ``diff`` are the lines of a unified diff, none where there is nothing to do; then there is no plan either. ``notes`` say what
    of the text's style could not be kept, and ``idle`` why there is nothing to do.
    """

    service: str
    environment: str
    version: int
    file: str
    edit: str
    text: str
    diff: tuple[str, ...]
    notes: tuple[str, ...]
    plan: Plan | None
    idle: str = ""

    @property
    def tag(self) -> str:
        """What must still be so when it is done: the version and the job's index."""
        return f"{self.version}-{self.plan.check_index if self.plan else 0}"
