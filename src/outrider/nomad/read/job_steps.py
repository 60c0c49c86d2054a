"""How a job came to be what it is, by the versions, evaluations and scalings that Nomad remembers: pure reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.documents import listed, nested
from outrider.nomad.read.job import RunningJob, running
from outrider.nomad.read.plan import places
from outrider.nomad.read.times import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from outrider.documents import Json

# The token that a Nomad without ACLs makes up for everybody.
NOBODYS = frozenset({"", "acls-disabled", "anonymous"})
BY_PERSONS = frozenset({"job-register", "job-scaling", "job-deregister"})
COUNT = "Count"


@dataclass(frozen=True, slots=True)
class JobStep:
    """One version of a job beside the one before it, which is None where Nomad has forgotten it.

    ``token`` is the accessor of whoever registered or reverted it, "" where Nomad keeps none: a scale and a stop leave
    the one from before (seen on 1.6.5 and 2.0.5). ``places`` are where it differs, without the count.
    """

    now: RunningJob
    before: RunningJob | None
    at: datetime
    token: str
    places: tuple[str, ...]


def steps(answer: Json) -> tuple[JobStep, ...]:
    """Of ``/v1/job/:id/versions?diffs=true``, newest first; the answer's differences are those of neighbours."""
    found = listed(answer, "Versions")
    compared = listed(answer, "Diffs")
    return tuple(
        _step(job, next(iter(found[number + 1 : number + 2]), None), next(iter(compared[number : number + 1]), None))
        for number, job in enumerate(found)
    )


def _step(job: Json, before: Json | None, diff: Json | None) -> JobStep:
    token = str(job.get("NomadTokenID") or "")
    own = places(diff)
    return JobStep(
        now=running(job),
        before=running(before) if before else None,
        at=moment(job.get("SubmitTime")),
        token="" if token in NOBODYS else token,
        places=tuple(place for place in own if place != "Stop" and place.rpartition(".")[2] != COUNT),
    )


def triggers(evaluations: Iterable[Json]) -> dict[int, str]:
    """What made the evaluation of each index of the job, as far as Nomad still has it."""
    told = ((int(one.get("JobModifyIndex") or 0), str(one.get("TriggeredBy"))) for one in evaluations)
    return {index: trigger for index, trigger in told if trigger in BY_PERSONS}


def ends(evaluations: Iterable[Json], trigger: str) -> tuple[datetime, ...]:
    """When evaluations of that trigger were made, newest first."""
    return tuple(
        sorted(
            (moment(one.get("CreateTime")) for one in evaluations if one.get("TriggeredBy") == trigger), reverse=True
        )
    )


def messages(scaling: Json | None) -> Iterator[tuple[datetime, int, str]]:
    """Time, new count and message of each scaling that Nomad remembers (``/v1/job/:id/scale``)."""
    for group in nested(scaling or {}, "TaskGroups").values():
        for event in listed(group, "Events"):
            if event.get("Count") is not None:
                yield moment(event.get("Time")), int(event["Count"]), str(event.get("Message") or "")
