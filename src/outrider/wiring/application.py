"""Everything that a portal needs, running while a block runs."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

from outrider.clients.agent_archive import carried_agent
from outrider.clients.vault import vault_client
from outrider.operations.application import Application
from outrider.operations.journal import Journal
from outrider.wiring.environments import Shared
from outrider.wiring.live import LiveApplication
from outrider.wiring.stores import store_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from outrider.settings import Settings
    from outrider.spec.platform import Platform


@asynccontextmanager
async def application(
    settings: Settings, platform: Platform, listening: str | None = None
) -> AsyncGenerator[Application]:
    """Everything that a portal needs, running; its platform stays as it is."""
    async with live_application(settings, platform, listening) as live:
        yield live.now


@asynccontextmanager
async def live_application(
    settings: Settings, platform: Platform, listening: str | None = None
) -> AsyncGenerator[LiveApplication]:
    """Everything that a portal needs, running; what is unfinished in the store is taken up at once.

    ``listening`` is where the portal is reached when the platform does not say, None where that is nowhere. UsageError
    for a token that is set but blank.
    """
    token = _token(settings)
    async with AsyncExitStack() as stack:
        store = await store_of(settings)
        stack.push_async_callback(store.close)
        url = platform.portal.url if platform.portal else listening
        journal = Journal(store.deployments, store.events)
        vault = vault_client(settings.vault)
        if vault is not None:
            stack.push_async_callback(vault.close)
        shared = Shared(settings, platform, store, journal, carried_agent(), vault)
        live = LiveApplication(shared, stack, url, token)
        await live.start()
        yield live


def _token(settings: Settings) -> str | None:
    if settings.token is None:
        return None
    if settings.token.is_blank:
        raise UsageError(
            f"the token from {settings.token.source} is blank, and a portal asks for it",
            next_step="Set it to a secret that cannot be guessed (`openssl rand -hex 32`), or unset it.",
        )
    return settings.token.value
