"""The catalogue of add-ons: what there is, what adding one would do, and doing it."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Response, status

from outrider.operations.addons import Additions, Request
from outrider.operations.answers.addons import Addition, AddOns, Removal
from outrider.operations.answers.proposal import Proposal
from outrider.operations.edits import Edits
from outrider.operations.records import Deployment
from outrider.operations.removals import Removals
from outrider.operations.request_bodies import AddBody, AttachBody, RemoveBody
from outrider.portal.principal import Asker
from outrider.portal.requests import Held, Named, Ordered, Running, because, tagged
from outrider.portal.responses import CHANGING, GUARDED, NAMED, REMOTE
from outrider.portal.turns import Waiting

router = APIRouter(tags=["add-ons"], responses=GUARDED | NAMED | CHANGING | REMOTE)
OF_SERVICE = "/environments/{environment}/services/{service}"


@router.get("/addons")
async def addons(running: Running, asker: Asker) -> AddOns:
    """All that can be added."""
    del asker
    return Additions(running.changes).catalogue()


@router.post("/environments/{environment}/addons/plan")
async def plan_addition(running: Running, waiting: Waiting, asker: Asker, environment: str, body: AddBody) -> Addition:
    """What adding it would do; no password is made by asking."""
    async with waiting.plans:
        return await Additions(running.changes).proposed(asker, environment, _request(body))


@router.post("/environments/{environment}/addons", status_code=status.HTTP_202_ACCEPTED)
async def add(running: Running, waiting: Waiting, environment: str, body: AddBody, order: Ordered) -> Deployment:
    """Make its passwords and deploy it; those that shall use it are attached once it runs."""
    asked = replace(because(order, body), check_index=body.check_index)
    async with waiting.deployments:
        return await Additions(running.changes).added(environment, _request(body), asked)


@router.post(f"{OF_SERVICE}/attach/plan")
async def plan_attach(
    running: Running, waiting: Waiting, asker: Asker, named: Named, body: AttachBody, response: Response
) -> Proposal:
    """What using an add-on would change of a service."""
    async with waiting.plans:
        wish = await Additions(running.changes).attachment(asker, *named, _of_caller(body))
        found = await Edits(running.changes).proposed(asker, *named, replace(wish, is_only_there=body.environment_only))
    return tagged(response, found)


@router.post(f"{OF_SERVICE}/attach", status_code=status.HTTP_202_ACCEPTED)
async def attach(running: Running, waiting: Waiting, named: Named, body: AttachBody, held: Held) -> Deployment:
    """Let a service use an add-on, and deploy it."""
    async with waiting.deployments:
        wish = await Additions(running.changes).attached(*named, _of_caller(body), held.order)
        wish = replace(wish, is_only_there=body.environment_only)
        return await Edits(running.changes).done(*named, wish, *held.on(body))


@router.post(f"{OF_SERVICE}/remove/plan")
async def plan_removal(running: Running, waiting: Waiting, asker: Asker, named: Named, body: RemoveBody) -> Removal:
    """What taking an add-on away would do, and who uses it."""
    async with waiting.plans:
        return await Removals(running.changes).proposed(asker, *named, body.addon, with_passwords=body.with_passwords)


@router.post(f"{OF_SERVICE}/remove", status_code=status.HTTP_202_ACCEPTED)
async def remove(running: Running, waiting: Waiting, named: Named, body: RemoveBody, order: Ordered) -> Deployment:
    """Take an add-on away: its job is stopped and forgotten, what lies in volumes stays."""
    asked = because(order, body)
    async with waiting.deployments:
        return await Removals(running.changes).removed(*named, body.addon, asked, with_passwords=body.with_passwords)


def _request(body: AddBody) -> Request:
    return Request(body.addon, body.name, body.parameters, body.to)


def _of_caller(body: AttachBody) -> Request:
    return Request(body.addon, body.name, body.parameters)
