"""Commands beside the tasks of a service: one that runs, over a WebSocket, and the list of those that ran."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, WebSocket
from outrider_ground.errors import OutriderError, UsageError
from pydantic import Field, StringConstraints
from starlette.websockets import WebSocketDisconnect

from outrider.documents import Json
from outrider.operations.answers.lists import Execs
from outrider.operations.exec_frames import InputFrame, input_frame
from outrider.operations.exec_session import ExecSession, HungUpError
from outrider.operations.execs import SHELL, ExecWish
from outrider.operations.request_bodies import Body
from outrider.portal.principal import Asker
from outrider.portal.problems import document_of
from outrider.portal.requests import Named, Running
from outrider.portal.responses import GUARDED, NAMED
from outrider.portal.turns import Waiting
from outrider.topology import names

router = APIRouter(
    prefix="/environments/{environment}/services/{service}", tags=["services"], responses=GUARDED | NAMED
)

MOST_WORDS = 256
ENDED_OTHERWISE = 1008
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


class ExecQuery(Body):
    """What is run, and where: ``command`` once for each of its words, ``allocation`` the beginning of an id."""

    command: Annotated[tuple[Word, ...], Field(min_length=1, max_length=MOST_WORDS)] = SHELL
    task: Annotated[str, Field(min_length=1, max_length=128)] = names.APP_TASK
    allocation: Annotated[str | None, Field(min_length=1, max_length=36)] = None
    tty: bool = False


@router.get("/execs")
async def execs(
    running: Running,
    asker: Asker,
    environment: str,
    service: str,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
) -> Execs:
    """The last commands that people ran beside its tasks: who, when, where, what, and with which exit code."""
    return Execs(await running.execs.done(asker, environment, service, limit))


@router.websocket("/exec")
async def exec_session(
    socket: WebSocket,
    running: Running,
    asker: Asker,
    waiting: Waiting,
    named: Named,
    query: Annotated[ExecQuery, Query()],
) -> None:
    """Run a command. What can be refused before it begins is answered as everywhere, by a status and a problem document."""
    with waiting.exec():
        wish = ExecWish(query.command, query.task, query.allocation, query.tty)
        session = await running.execs.session(asker, *named, wish)
        await socket.accept()
        try:
            await _run(socket, session)
        except (HungUpError, WebSocketDisconnect):
            return


async def _run(socket: WebSocket, session: ExecSession) -> None:
    """To its end; an error is told as a frame, since the answer's head is long gone."""

    async def said(frame: Json) -> None:
        try:
            await socket.send_json(frame)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise HungUpError("whoever ran it has hung up") from error

    try:
        await session.run(lambda: _heard(socket), said)
    except HungUpError:
        raise
    except OutriderError as error:
        document = document_of(error).model_dump(mode="json", exclude_none=True)
        await said({"problem": document})
        await socket.close(ENDED_OTHERWISE)
    else:
        await socket.close()


async def _heard(socket: WebSocket) -> InputFrame | None:
    """The next frame; None where nobody is there any more. UsageError where it is none."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        return None
    said = message.get("text")
    if said is None:
        raise UsageError("frames for the command are texts")
    return input_frame(said)
