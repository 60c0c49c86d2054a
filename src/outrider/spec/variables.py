"""What an environment variable, a password or a file's text may be made of: text, or a place to read it from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Tag, WithJsonSchema

from outrider.spec.shapes import by_key
from outrider.spec.values import Matching, Written, refusal

# Stock images take names with dots (discovery.type); Nomad's Env and its parser of environment files take them as well.
VARIABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_.]{0,127}$"
# Read by the tools of Consul, Nomad, Vault and ourselves: an app that runs them is not sent to an upstream of that name.
TOOL_VARIABLES = frozenset(
    {
        *("CONSUL_HTTP_ADDR", "CONSUL_GRPC_ADDR", "NOMAD_ADDR", "NOMAD_UNIX_ADDR", "OUTRIDER_ADDR"),
        *("VAULT_ADDR", "VAULT_AGENT_ADDR", "VAULT_API_ADDR", "VAULT_CLUSTER_ADDR", "VAULT_PROXY_ADDR"),
        "VAULT_REDIRECT_ADDR",
    }
)
# Nomad and we set others of their kind, and not these: an app that runs the tools says with them where to.
FREE_VARIABLES = frozenset(
    {
        *(f"NOMAD_{end}" for end in ("ADDR", "TOKEN", "CACERT", "CLIENT_CERT", "CLIENT_KEY", "TLS_SERVER_NAME")),
        *("OUTRIDER_ADDR", "OUTRIDER_TOKEN"),
    }
)
STORE_PATH = r"^[A-Za-z0-9_][A-Za-z0-9_.@~=+/-]*$"
# Nomad's own rule (structs, validVariablePath), and consul-template's for another namespace behind an @.
VARIABLE_PATH = r"[A-Za-z0-9_~-][A-Za-z0-9_~/-]{0,127}(@[A-Za-z0-9_-]+)?"
ITEM_PATH = rf"^{VARIABLE_PATH}#[A-Za-z0-9_.-]+$"
SECRET_PATH = r"^[A-Za-z0-9_][A-Za-z0-9_.@~=+/-]*#[A-Za-z0-9_.-]+$"  # noqa: S105 - a pattern, not a password


INNER_PATH = r"^(?!(?:.*/)?\.{1,2}(?:/|$))[A-Za-z0-9_.@+-][A-Za-z0-9_.@+/-]{0,254}$"
A_PATH = "a path of letters, digits and _.@~=+/-"
A_VARIABLE = "a path of letters, digits and _~/- (Nomad's variables have no others)"


OnChange = Literal["roll", "ask", "restart", "signal", "nothing"]
"""What is done when a value changes that an allocation has read."""


def as_text(value: Any) -> Any:
    """Whole numbers and booleans as they were written; everything else as it came."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        raise refusal(f'must be text: write the number in quotes, "{value}"')
    return str(value) if isinstance(value, int) else value


class Readable(Written):
    """A value that Nomad reads where it is kept."""

    on_change: OnChange | None = None
    """What is done when it changes. Left out: what the service's own ``on_change`` says."""


class ConsulValue(Readable):
    """Read from Consul's key-value store when the allocation starts."""

    consul: Annotated[str, Matching(STORE_PATH, A_PATH), Field(examples=["config/checkout/flag"])]
    """Path of the key in Consul's key-value store."""


class VaultValue(Readable):
    """Read from Vault by Nomad; the value never passes through Outrider."""

    vault: Annotated[
        str, Matching(SECRET_PATH, f"{A_PATH}, then # and a field"), Field(examples=["secret/data/checkout#password"])
    ]
    """``PATH#FIELD`` of the secret. For a version 2 store the path contains ``data/``."""


class NomadValue(Readable):
    """Read from a Nomad variable by Nomad; the value never passes through Outrider."""

    nomad_variable: Annotated[
        str,
        Matching(ITEM_PATH, f"{A_VARIABLE}, then # and a key"),
        Field(examples=["nomad/jobs/checkout#db_password"]),
    ]
    """``PATH#KEY`` of the Nomad variable. Without further rights a job may read ``nomad/jobs``, ``nomad/jobs/SERVICE``,
    and below that its group (``/SERVICE``) and the group's tasks (``/SERVICE/app``)."""


Text = Annotated[
    str,
    BeforeValidator(as_text),
    WithJsonSchema({"type": ["string", "integer", "boolean"]}),
]
VariableName = Annotated[
    str, Matching(VARIABLE_NAME, "a name of letters, digits, _ and . that begins with a letter or _")
]
Value = Annotated[
    Annotated[Text, Tag("Text")]
    | Annotated[ConsulValue, Tag("ConsulValue")]
    | Annotated[VaultValue, Tag("VaultValue")]
    | Annotated[NomadValue, Tag("NomadValue")],
    by_key(
        {"consul": "ConsulValue", "vault": "VaultValue", "nomad_variable": "NomadValue"},
        'text, {consul: PATH}, {vault: "PATH#FIELD"} or {nomad_variable: "PATH#KEY"}',
        text="Text",
    ),
]
Secret = Annotated[
    Annotated[VaultValue, Tag("VaultValue")] | Annotated[NomadValue, Tag("NomadValue")],
    by_key(
        {"vault": "VaultValue", "nomad_variable": "NomadValue"},
        '{vault: "PATH#FIELD"} or {nomad_variable: "PATH#KEY"}, never the secret itself',
    ),
]


class File(Written):
    """A file that is written into the task before the app starts, from a consul-template text."""

    path: Annotated[
        str, Matching(INNER_PATH, "a path inside the task's directory, without .."), Field(examples=["config.ini"])
    ]
    """Where the app finds it, relative to its task directory's ``local/``. No ``..``, not absolute."""
    template: Annotated[str, Field(max_length=262_144)]
    """Text in consul-template's language, as Nomad renders it: the one field where ``{{ … }}`` is a command."""
    on_change: OnChange | None = None
    """What is done when something changes that its template reads. Left out: what the service's own ``on_change`` says."""
    signal: Annotated[
        str, Matching("^SIG[A-Z0-9]{2,8}$", "a signal such as SIGHUP"), Field(examples=["SIGHUP", "SIGUSR1"])
    ] = "SIGHUP"
    """Which signal the app gets, with ``on_change: signal``."""
