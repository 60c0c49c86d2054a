"""How allocations reach their node's Consul: address, token, TLS, as the platform file says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Tag, WithJsonSchema

from outrider.spec.shapes import by_key
from outrider.spec.values import (
    Line,
    Matching,
    WebAddress,
    Written,
    refusal,
    shown,
    web_address,
)
from outrider.spec.variables import A_VARIABLE, ITEM_PATH, VARIABLE_PATH

# Of the 200 that Consul allows a node: more than most services have upstreams, and few enough for neighbours.
DEFAULT_CONNECTIONS = 32


TOKEN_PATH = rf"^{VARIABLE_PATH}(#[A-Za-z0-9_.-]+)?$"


def agent_web_address(text: str) -> str:
    """The text, where an allocation can reach a Consul agent by it: http, https or ``unix:///path``."""
    if text.startswith("unix://"):
        if not text.startswith("unix:///") or not text.isprintable():
            raise refusal(
                f"must be unix:// and an absolute path, as in unix:///var/run/consul.sock; found {shown(text)}"
            )
        return text
    return web_address(text)


class NomadVariableToken(Written):
    """A Consul token that is kept in a Nomad variable."""

    nomad_variable: Annotated[str, Matching(TOKEN_PATH, f"{A_VARIABLE}, and # and a key where the key is not token")]
    """Path of the variable (its key is ``token``), or ``PATH#KEY``."""


Token = Annotated[
    Annotated[Literal["none", "workload_identity"], Tag("word")]
    | Annotated[NomadVariableToken, Tag("NomadVariableToken")],
    by_key({"nomad_variable": "NomadVariableToken"}, "none, workload_identity or {nomad_variable: PATH}", text="word"),
]


class NomadVariableFile(Written):
    """A file whose text is kept in a Nomad variable."""

    nomad_variable: Annotated[str, Matching(ITEM_PATH, f"{A_VARIABLE}, then # and a key")] = Field(
        examples=["nomad/jobs#consul_key"]
    )
    """``PATH#KEY`` of the Nomad variable. Every job may read ``nomad/jobs``; other paths need a policy for the jobs."""


PlacedFile = Annotated[Line, Matching("^/.*[^/]$", "an absolute path of a file")]


KeptFile = Annotated[
    Annotated[PlacedFile, Tag("PlacedFile")] | Annotated[NomadVariableFile, Tag("NomadVariableFile")],
    by_key({"nomad_variable": "NomadVariableFile"}, 'a path or {nomad_variable: "PATH#KEY"}', text="PlacedFile"),
]


class ConsulTls(Written):
    """Whom agents trust at an ``agent_address`` with https, and as whom they come. Files are PEM.

    A path is read where the agent's Python runs: on the node, in its image, or in the chroot of ``exec``.
    """

    ca: KeptFile | None = Field(default=None, examples=["/etc/consul.d/tls/consul-agent-ca.pem"])
    """The authorities that may have signed Consul's certificate. Left out: those of the machine or the image."""
    certificate: KeptFile | None = Field(default=None, examples=["/etc/consul.d/tls/client.pem"])
    """The agents' own certificate, where Consul asks for one (``verify_incoming``)."""
    key: KeptFile | None = Field(default=None, examples=["/etc/consul.d/tls/client-key.pem"])
    """The key of that certificate, without a password."""
    server_name: Annotated[Line, Matching("^[A-Za-z0-9.-]{1,253}$", "a host's name")] | None = Field(
        default=None, examples=["client.dc1.consul"]
    )
    """The name in Consul's certificate, where it is not the host of ``agent_address``."""


class Consul(Written):
    """The Consul of an environment: one datacenter."""

    address: WebAddress = Field(examples=["https://consul.example:8500"])
    """As the portal reaches it."""
    agent_address: Annotated[
        str,
        AfterValidator(agent_web_address),
        WithJsonSchema({"type": "string", "pattern": r"^(https?://[\x21-\x7e]+|unix:///.+)$"}),
    ] = "http://127.0.0.1:8500"
    """As an allocation reaches its own node's Consul. In bridge mode 127.0.0.1 is the allocation itself, not the node."""
    token: Token = "none"  # noqa: S105 - a word, not a password
    """How an allocation gets its Consul token."""
    tls: ConsulTls | None = None
    """For an ``agent_address`` with https: files of certificates. The portal's own are ``CONSUL_CACERT`` and so on."""
    connections: Annotated[int, Field(ge=1, le=10_000)] = DEFAULT_CONNECTIONS
    """Most connections that one allocation's agent holds to its node's Consul for its upstreams. With more upstreams
    they take turns, and each is asked about once a second. All allocations of a node share Consul's
    ``http_max_conns_per_client``; ``doctor`` multiplies."""
