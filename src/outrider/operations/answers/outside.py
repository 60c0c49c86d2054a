"""What somebody has done to a service's job without Outrider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

OutsideKind = Literal["edited", "scaled", "reverted", "replaced", "stopped", "started", "gone", "allocation_stopped"]
SOMEBODY = "somebody outside of Outrider"


@dataclass(frozen=True, slots=True)
class OutsideChange:
    """One change that Outrider did not make; ``said`` is what was done, without who did it.

    ``by`` names the Nomad token where Nomad remembers one, which it does of a registration and a revert alone. ``at`` is
    None where nobody knows, ``index`` the job's then, 0 where it is gone. ``places`` are those of an edit.
    """

    kind: OutsideKind
    said: str
    by: str = SOMEBODY
    at: datetime | None = None
    index: int = 0
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutsideChanges:
    """Newest first; Nomad remembers a job's last six versions, and evaluations for about an hour."""

    changes: tuple[OutsideChange, ...]
