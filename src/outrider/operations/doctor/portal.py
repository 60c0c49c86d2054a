"""What the portal of a platform knows and no server does: a file that it refuses, older sidecars, what others changed; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.doctor.findings import Finding, bad, good, unknown, warning
from outrider.operations.undoing import undoing

if TYPE_CHECKING:
    from outrider.operations.answers.lists import Services
    from outrider.operations.answers.platform import PlatformState
    from outrider.operations.answers.status import Status

ABOUT = "portal"
UNSEEN = (
    "Older sidecars, what others changed in Nomad and a platform file that the portal refuses are known there only."
)
MOST_NAMED = 10


def unreached(error: OutriderError) -> Finding:
    """There is no portal yet, it is elsewhere, or it lets nobody in."""
    return unknown(
        ABOUT, error.message, UNSEEN, "Where one runs, name it (OUTRIDER_ADDR) and its token (OUTRIDER_TOKEN)."
    )


def portal_findings(address: str, own_hash: str, state: PlatformState, found: Services) -> tuple[Finding, ...]:
    """What it says, if it goes by the file that is looked at, whose hash is given."""
    refused = state.refused.hash if state.refused else None
    if own_hash not in (state.hash, refused):
        said = f"the portal at {address} goes by {f'{state.file} ({state.hash})' if state.file else 'a platform of its own'}, not by this file ({own_hash})"
        return (
            unknown(
                ABOUT,
                said,
                UNSEEN,
                "Name the portal of this platform: OUTRIDER_ADDR; `outrider platform` shows its file.",
            ),
        )
    return (_platform(state), *_drift(found.services), *_older(found.services))


def _platform(state: PlatformState) -> Finding:
    if state.refused is None:
        return good(ABOUT, f"goes by this platform file ({state.hash}), since {state.since:%Y-%m-%d %H:%M} UTC")
    return bad(
        ABOUT,
        f"refuses this platform file ({state.refused.hash}): {'; '.join(state.refused.problems)}",
        f"It goes by the one before ({state.hash}), and so does every deploy.",
        "Mend the file, or put the one before back; `outrider platform` says when it is in force.",
    )


def _drift(found: Sequence[Status]) -> Iterator[Finding]:
    """One for each service that is not as Outrider left it."""
    for one in found:
        if one.outside or one.changes:
            said = f": {one.changes[0].said}, by {one.changes[0].by}" if one.changes else f": {', '.join(one.outside)}"
            yield warning(
                f"{one.environment}: drift",
                f"{one.service} was changed outside of Outrider{said}",
                "What runs is not what its spec says, and the next deploy undoes it.",
                f"{undoing(one)}.",
            )
    for name in sorted({one.environment for one in found}):
        here = [one for one in found if one.environment == name]
        if not any(one.outside or one.changes or one.state == "unknown" for one in here):
            yield good(f"{name}: drift", "every service is as Outrider left it")


def _older(found: Sequence[Status]) -> Iterator[Finding]:
    """One for each environment."""
    ordered = sorted(found, key=lambda one: (one.environment, one.service))
    for name, services in groupby(ordered, key=lambda one: one.environment):
        here = list(services)
        older = [one.service for one in here if one.older]
        if not older:
            yield good(f"{name}: sidecars", "none is known to be older than this platform makes them")
            continue
        rest = f" and {len(older) - MOST_NAMED} more" if len(older) > MOST_NAMED else ""
        yield warning(
            f"{name}: sidecars",
            f"older than this platform makes them: {', '.join(older[:MOST_NAMED])}{rest}",
            "They run as the platform file and Outrider were when they were deployed.",
            f"`outrider redeploy --older -e {name}` brings them up in turns; `outrider plan` says of one what changes.",
        )
