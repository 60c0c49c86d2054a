"""Adding what comes from the catalogue: a service of its own, with its passwords, and its callers' part in their specs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import ConflictError, UsageError

from outrider.operations.added import addon_named, is_there, vault_below
from outrider.operations.answers.addons import Addition, AddOnAnswer, AddOns, ParameterAnswer
from outrider.operations.changes import Changes, Text
from outrider.operations.lookups import check_known
from outrider.operations.opening import repeated
from outrider.operations.passwords import kept, password
from outrider.operations.version_source import VersionSource
from outrider.spec.addon import Chosen
from outrider.spec.drivers import DRIVERS
from outrider.spec.reading.document import document
from outrider.spec.reading.files import read_service
from outrider.spec.written.connection import Attach

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outrider.operations.environment import Environment
    from outrider.operations.opening import Order
    from outrider.operations.principal import Principal
    from outrider.operations.records import Deployment
    from outrider.spec.addon import AddOn


@dataclass(frozen=True, slots=True)
class Request:
    """Which add-on, under which name, with which parameters, for which services."""

    addon: str
    name: str
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    to: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Additions:
    """What one portal can add. UsageError for an add-on, a parameter or a caller that is not known."""

    changes: Changes

    def catalogue(self) -> AddOns:
        """All that can be added."""
        return AddOns(tuple(_shown(one) for one in self.changes.addons.values()))

    async def proposed(self, principal: Principal, environment: str, request: Request) -> Addition:
        """What it would do; nothing is changed by asking, and no password is made."""
        here = self.changes.environment(principal, environment)
        chosen, text = await self._chosen(here, request)
        is_there_already = await is_there(here, request.addon, request.name)
        await _check_callers(here, request.to)
        plan = None if is_there_already else await self.changes.plan(principal, environment, text)
        callers = {one: _part(chosen, one) for one in request.to}
        places = [*chosen.passwords, *(place for one in request.to for place in chosen.passwords_of(one))]
        words = tuple(dict.fromkeys(one.words for one in places))
        return Addition(
            request.addon, request.name, environment, text.spec, is_there_already, chosen.lost, plan, callers, words
        )

    async def added(self, environment: str, request: Request, order: Order) -> Deployment:
        """Make what passwords it needs, and deploy the new service; its callers are another change, once it runs."""
        here = self.changes.environment(order.by, environment)
        earlier = await repeated(here, order)
        if earlier is not None:
            return earlier
        chosen, text = await self._chosen(here, request)
        if await is_there(here, request.addon, request.name):
            raise ConflictError(
                f"{request.name} is there already",
                next_step=f"`outrider add {request.addon} {request.name} --to SERVICE` lets one more use it.",
            )
        await _check_callers(here, request.to)
        await self._keep_passwords(here, chosen, request)
        return await self.changes.deploy(environment, text, order)

    async def attachment(self, principal: Principal, environment: str, caller: str, request: Request) -> Attach:
        """The wish that the caller uses it; nothing is changed by asking."""
        chosen = await self._attachable(self.changes.environment(principal, environment), request)
        return Attach(request.addon, request.name, _part(chosen, caller))

    async def attached(self, environment: str, caller: str, request: Request, order: Order) -> Attach:
        """The same wish, with its passwords kept where the caller may read them."""
        here = self.changes.environment(order.by, environment)
        chosen = await self._attachable(here, request)
        await self._keep_passwords(here, chosen, replace(request, to=(caller,)))
        return Attach(request.addon, request.name, _part(chosen, caller))

    async def _attachable(self, here: Environment, request: Request) -> Chosen:
        chosen, _ = await self._chosen(here, request)
        if not await is_there(here, request.addon, request.name):
            raise UsageError(
                f"there is no {request.addon} called {request.name} in {here.name}",
                next_step=f"Add it first: `outrider add {request.addon} {request.name}`.",
            )
        return chosen

    async def _chosen(self, here: Environment, request: Request) -> tuple[Chosen, Text]:
        addon = addon_named(self.changes.addons, request.addon)
        chosen = Chosen(addon, request.name, here.name, request.parameters, await vault_below(here, request.name))
        driver = here.platform.environments[here.name].driver
        spec = chosen.spec(is_container=DRIVERS[driver].is_container)
        file = f"{request.name}.yaml"
        read_service(spec, f"add-on {request.addon}: {file}", here.name)
        makes = frozenset(one.reference for one in chosen.passwords)
        return chosen, Text(spec, file, source=VersionSource(kind="edit", edit=f"add {request.addon}"), makes=makes)

    async def _keep_passwords(self, here: Environment, chosen: Chosen, request: Request) -> None:
        for number, place in enumerate(chosen.passwords):
            value = await password(here, place)
            for caller in request.to:
                await kept(here, chosen.passwords_of(caller)[number], value)


async def _check_callers(here: Environment, callers: Sequence[str]) -> None:
    for caller in callers:
        await check_known(here, caller)


def _part(chosen: Chosen, caller: str) -> dict[str, Any]:
    return document(chosen.caller(caller), f"add-on {chosen.addon.addon}").data


def _shown(addon: AddOn) -> AddOnAnswer:
    parameters = tuple(
        ParameterAnswer(name, one.description, one.kind, one.default, one.least, one.most, one.matches)
        for name, one in addon.parameters.items()
    )
    runs_as = tuple(kind for kind, text in (("image", addon.image), ("program", addon.command)) if text is not None)
    return AddOnAnswer(addon.addon, addon.description, addon.lost, parameters, runs_as)
