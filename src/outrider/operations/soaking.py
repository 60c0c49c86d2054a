"""Since when a version has run without interruption, by what was done with its service: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.operations.states import ENDING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from outrider.operations.records import Deployment


def running_since(newest_first: Iterable[Deployment], number: int) -> datetime | None:
    """When the version came up that runs now; None where that is not known.

    Another count does not count, nor what never reached Nomad. A version that was tried meanwhile and went back does: what
    runs has run alone since then only. A stop ends it.
    """
    since: datetime | None = None
    for one in newest_first:
        if one.kind == "scale" or one.modify_index is None or not one.is_final:
            continue
        if one.version != number or one.kind in ENDING:
            return since or one.ended_at
        if one.state == "successful":
            since = one.ended_at
        elif since is None:
            return one.ended_at
    return since
