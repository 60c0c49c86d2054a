"""Which command undoes what others did to a service: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outrider.operations.answers.status import Status

RUNNING_AGAIN = frozenset({"gone", "stopped"})


def undoing(found: Status) -> str:
    """A sentence with the command."""
    here = f"-e {found.environment}"
    if found.changes and found.changes[0].kind in RUNNING_AGAIN:
        return f"`outrider start {found.service} {here}` brings back what ran"
    last = found.deployment.version if found.deployment else None
    if found.state == "replaced":
        return f"Rename the service, or stop that job and `outrider start {found.service} {here}`"
    number = found.version if found.outside or last is None else last
    if number is None:
        return f"`outrider history {found.service} {here}` lists what can be brought back"
    return f"`outrider rollback {found.service} {number} {here}` undoes it"
