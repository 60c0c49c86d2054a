"""What people put in the way of changes: freezes of an environment, and rejected versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, status

from outrider.operations.answers.lists import Freezes
from outrider.operations.request_bodies import MOST_INTEGER, FreezeBody, RejectBody, SubjectBody
from outrider.operations.stop_records import Freeze, Rejection
from outrider.operations.stops import Subject
from outrider.portal.principal import Asker
from outrider.portal.requests import Running
from outrider.portal.responses import GUARDED, NAMED, REMOTE

router = APIRouter(prefix="/environments/{environment}", tags=["stops"], responses=GUARDED | NAMED | REMOTE)
Number = Annotated[int, Path(le=MOST_INTEGER)]


@router.get("/freezes")
async def freezes(running: Running, environment: str) -> Freezes:
    """What is frozen now."""
    return Freezes(await running.stops.freezes(environment))


@router.post("/freezes", status_code=status.HTTP_201_CREATED)
async def freeze(running: Running, asker: Asker, environment: str, body: FreezeBody) -> Freeze:
    """Bring nothing new up of a service, of a team's services or in the environment, until a moment."""
    subject = Subject(body.scope, body.name)
    return await running.stops.freeze(asker, environment, subject, body.reason, body.until)


@router.post("/freezes/thaw")
async def thaw(running: Running, asker: Asker, environment: str, body: SubjectBody) -> Freezes:
    """Lift the freezes of just this subject before their time; the answer has them."""
    return Freezes(await running.stops.thaw(asker, environment, Subject(body.scope, body.name)))


@router.post("/services/{service}/versions/{number}/reject", status_code=status.HTTP_201_CREATED)
async def reject(
    running: Running, asker: Asker, environment: str, service: str, number: Number, body: RejectBody
) -> Rejection:
    """Let the version not run again, nor the same content under another number."""
    return await running.stops.reject(asker, environment, service, number, body.reason)


@router.post("/services/{service}/versions/{number}/unreject")
async def unreject(running: Running, asker: Asker, environment: str, service: str, number: Number) -> Rejection:
    """Let a rejected version run again."""
    return await running.stops.unreject(asker, environment, service, number)
