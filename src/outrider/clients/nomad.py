"""A client of Nomad's HTTP API, the part we use; answers are the JSON documents as Nomad has them (durations in nanoseconds)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.clients.http import Connection, Server
from outrider.clients.nomad_allocations import MOST_STREAMS, NomadAllocations
from outrider.clients.nomad_cluster import NomadCluster
from outrider.clients.nomad_deployments import NomadDeployments
from outrider.clients.nomad_exec import NomadExec
from outrider.clients.nomad_jobs import NomadJobs
from outrider.clients.nomad_variables import NomadVariables

if TYPE_CHECKING:
    import httpx2

    from outrider.server_settings import NomadSettings

ADVICE = "Check the address in the platform file, NOMAD_TOKEN and NOMAD_CACERT; `outrider doctor` looks at all of it."


def nomad_client(
    address: str,
    credentials: NomadSettings,
    *,
    region: str | None = None,
    namespace: str | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> NomadClient:
    """A client of the Nomad at `address`, for one region and one namespace (NOMAD_REGION, NOMAD_NAMESPACE without)."""
    named = {"region": region or credentials.region, "namespace": namespace or credentials.namespace}
    server = Server(
        name="Nomad",
        address=address,
        advice=ADVICE,
        headers={"X-Nomad-Token": credentials.token} if credentials.token else {},
        parameters={key: value for key, value in named.items() if value},
        http_auth=credentials.http_auth,
        tls=credentials.tls,
    )
    return NomadClient(Connection(server, transport), Connection(server, transport, connections=MOST_STREAMS))


class NomadClient(NomadJobs, NomadDeployments, NomadCluster, NomadVariables, NomadExec, NomadAllocations):
    """One Nomad, one region, one namespace; each kind of call stands in a module of its own."""

    @property
    def address(self) -> str:
        return self._connection.server.address

    async def close(self) -> None:
        await self._connection.close()
        await self._streams.close()
