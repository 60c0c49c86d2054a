"""The agent's settings: the name of every environment variable that it reads, and what the variables say."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from outrider_agent.addresses import Address, address, is_loopback, unix_address
from outrider_agent.responses import is_number

LISTEN = "OUTRIDER_AGENT_LISTEN"
UPSTREAMS = "OUTRIDER_AGENT_UPSTREAMS"
UNGUARDED = "OUTRIDER_AGENT_UNGUARDED"
SNAPSHOT = "OUTRIDER_AGENT_SNAPSHOT"
SERVICE_ID = "OUTRIDER_AGENT_SERVICE_ID"
SERVICE = "OUTRIDER_AGENT_SERVICE"
ENVOY_ADMIN = "OUTRIDER_AGENT_ENVOY_ADMIN"
CONNECTIONS = "OUTRIDER_AGENT_CONNECTIONS"
MEMORY = "OUTRIDER_AGENT_MEMORY"
CONSUL_ADDRESS = "CONSUL_HTTP_ADDR"
CONSUL_TOKEN = "CONSUL_HTTP_TOKEN"  # noqa: S105  the variable's name, no token
CONSUL_TOKEN_FILE = "CONSUL_HTTP_TOKEN_FILE"  # noqa: S105  the variable's name, no token
CONSUL_SSL = "CONSUL_HTTP_SSL"
CONSUL_CACERT = "CONSUL_CACERT"
CONSUL_CLIENT_CERT = "CONSUL_CLIENT_CERT"
CONSUL_CLIENT_KEY = "CONSUL_CLIENT_KEY"
CONSUL_SERVER_NAME = "CONSUL_TLS_SERVER_NAME"
CONSUL_NAMESPACE = "CONSUL_NAMESPACE"

DEFAULT_CONNECTIONS = 32  # of the 200 that Consul allows all agents of a node together
DEFAULT_MEMORY = 24
LEAST_MEMORY = 16
CONSUL_DEFAULT = "127.0.0.1:8500"
CONSUL_PORT = 8500
TRUE_WORDS = {"1", "t", "true"}
FALSE_WORDS = {"", "0", "f", "false"}  # as strconv.ParseBool, with which Consul's own tools read these variables
NAME_CHARACTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


class SettingsError(Exception):
    """Variables that cannot be used; ``problems`` names each with its reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Upstream:
    """A Consul service that Envoy wants endpoints of; ``label`` is how Envoy asks for it: ``name`` or ``name@dc``.

    ``is_guarded``: whoever has taken over an address of it refuses what is meant for it, as an ingress for HTTP does.
    """

    __slots__ = ("datacenter", "is_guarded", "label", "name")

    def __init__(self, label: str, *, is_guarded: bool = True) -> None:
        self.label = label
        self.is_guarded = is_guarded
        self.name, _, self.datacenter = label.partition("@")


class ConsulSettings:
    """How the agent reaches Consul; paths are "" and the token is "" where nothing is set."""

    __slots__ = ("address", "ca", "certificate", "is_tls", "key", "namespace", "server_name", "token", "token_file")

    def __init__(self, address: Address, *, is_tls: bool = False, token: str = "") -> None:
        self.address = address
        self.is_tls = is_tls
        self.token = token
        self.token_file = ""
        self.ca = ""
        self.certificate = ""
        self.key = ""
        self.server_name = ""
        self.namespace = ""

    @property
    def credentials(self) -> str:
        """Where the token comes from, for people."""
        if self.token_file:
            return f"the token is that of {self.token_file}"
        return f"the token is that of {CONSUL_TOKEN}" if self.token else "no token is set (consul.token: none)"


class Settings:
    """What one agent does; ``envoy_admin``, ``snapshot``, ``service_id`` and ``service`` are None or "" where nothing is set.

    ``connections`` is how many watches may hold one to Consul at a time, ``memory`` is that of the task in MB.
    """

    __slots__ = (
        "connections",
        "consul",
        "envoy_admin",
        "listen",
        "memory",
        "service",
        "service_id",
        "snapshot",
        "upstreams",
    )

    def __init__(self, listen: Address, upstreams: tuple[Upstream, ...], consul: ConsulSettings) -> None:
        self.listen = listen
        self.upstreams = upstreams
        self.consul = consul
        self.envoy_admin: Address | None = None
        self.snapshot = ""
        self.service_id = ""
        self.service = ""
        self.connections = DEFAULT_CONNECTIONS
        self.memory = DEFAULT_MEMORY


def environment() -> Mapping[str, str]:
    return os.environ


def settings(variables: Mapping[str, str], *, needs_envoy: bool = False) -> Settings:
    """Raise SettingsError with every problem at once; ``needs_envoy`` is true for the gate, which asks both."""
    problems: list[str] = []

    def read(name: str, parse: Callable[[str], Address], default: Address) -> Address:
        try:
            return parse(variables.get(name, ""))
        except ValueError as problem:
            problems.append(f"{name} {problem}")
            return default

    nowhere = Address()
    found = Settings(
        read(LISTEN, _own_address, nowhere),
        _upstreams(variables.get(UPSTREAMS, ""), variables.get(UNGUARDED, ""), problems),
        _consul(variables, problems),
    )
    if needs_envoy or variables.get(ENVOY_ADMIN):
        found.envoy_admin = read(ENVOY_ADMIN, _own_address, nowhere)
    found.snapshot = variables.get(SNAPSHOT, "")
    found.service_id = variables.get(SERVICE_ID, "")
    found.service = variables.get(SERVICE, "") or own_service(found.service_id)
    found.connections = _number(variables, CONNECTIONS, DEFAULT_CONNECTIONS, 1, problems)
    found.memory = _number(variables, MEMORY, DEFAULT_MEMORY, LEAST_MEMORY, problems)
    if problems:
        raise SettingsError(problems)
    return found


def own_service(service_id: str) -> str:
    """The service's name in an id that Nomad made, ``_nomad-task-ALLOC-group-GROUP-NAME-LABEL``, where the group has it too.

    "" for any other id: hyphens stand in names as well, and only a name that is there twice can be told.
    """
    _, mark, rest = service_id.partition("-group-")
    twice = rest.rpartition("-")[0]
    name = twice[: len(twice) // 2]
    return name if mark and service_id.startswith("_nomad-task-") and twice == f"{name}-{name}" and name else ""


def _number(variables: Mapping[str, str], name: str, default: int, least: int, problems: list[str]) -> int:
    text = variables.get(name, "") or str(default)
    if is_number(text) and int(text) >= least:
        return int(text)
    problems.append(f"{name} is {text!r}; it takes a whole number from {least}")
    return default


def _own_address(text: str) -> Address:
    """An address inside the allocation: sidecars trust their app, and nobody else reaches them."""
    if not text:
        raise ValueError("is not set; it takes unix:path or 127.0.0.1:port")
    found = address(text)
    if not is_loopback(found):
        raise ValueError(f"{text!r} can be reached from other machines; it takes unix:path or 127.0.0.1:port")
    return found


def _upstreams(text: str, unguarded: str, problems: list[str]) -> tuple[Upstream, ...]:
    labels, bare = _labels(text), _labels(unguarded)
    problems += [
        f"{UPSTREAMS} names {label!r}, which is no Consul service name" for label in labels if not is_label(label)
    ]
    problems += [f"{UPSTREAMS} names {label!r} twice" for label in sorted({x for x in labels if labels.count(x) > 1})]
    problems += [f"{UNGUARDED} names {label!r}, which {UPSTREAMS} does not" for label in bare if label not in labels]
    return tuple(Upstream(label, is_guarded=label not in bare) for label in labels)


def _labels(text: str) -> list[str]:
    return [label.strip() for label in text.split(",") if label.strip()]


def is_label(label: str) -> bool:
    """``name`` or ``name@datacenter``."""
    name, at, datacenter = label.partition("@")
    return bool(name) and bool(at) == bool(datacenter) and set(name + datacenter) <= NAME_CHARACTERS


def _consul(variables: Mapping[str, str], problems: list[str]) -> ConsulSettings:
    text = variables.get(CONSUL_ADDRESS, "") or CONSUL_DEFAULT
    try:
        found = ConsulSettings(_consul_address(text), is_tls=_is_tls(text, variables))
    except ValueError as problem:
        problems.append(f"{CONSUL_ADDRESS} {problem}")
        return ConsulSettings(Address())
    found.token = variables.get(CONSUL_TOKEN, "")
    found.token_file = variables.get(CONSUL_TOKEN_FILE, "")
    found.ca = variables.get(CONSUL_CACERT, "")
    found.certificate = variables.get(CONSUL_CLIENT_CERT, "")
    found.key = variables.get(CONSUL_CLIENT_KEY, "")
    found.server_name = variables.get(CONSUL_SERVER_NAME, "")
    found.namespace = variables.get(CONSUL_NAMESPACE, "")
    problems += _consul_problems(found, variables.get(CONSUL_SSL, ""))
    return found


def _consul_problems(consul: ConsulSettings, ssl: str) -> list[str]:
    problems: list[str] = []
    if ssl.lower() not in TRUE_WORDS | FALSE_WORDS:
        problems.append(f"{CONSUL_SSL} is {ssl!r}; it takes true or false")
    if bool(consul.certificate) != bool(consul.key):
        problems.append(f"{CONSUL_CLIENT_CERT} and {CONSUL_CLIENT_KEY} go together, and one of them is not set")
    if any(mark in consul.token for mark in "\r\n"):
        problems.append(f"{CONSUL_TOKEN} holds a line break")
    return problems


def _consul_address(text: str) -> Address:
    """``host:port``, ``http://…``, ``https://…`` or ``unix://path``, as Consul's own tools read it."""
    if text.startswith("unix://"):
        return unix_address(text[len("unix://") :])
    scheme, separator, rest = text.partition("://")
    if separator and scheme not in {"http", "https"}:
        raise ValueError(f"{text!r} has the scheme {scheme!r}; it takes http, https or unix")
    return address((rest if separator else text).rstrip("/"), CONSUL_PORT)


def _is_tls(text: str, variables: Mapping[str, str]) -> bool:
    if text.startswith(("http://", "unix://")):
        return False
    return text.startswith("https://") or variables.get(CONSUL_SSL, "").lower() in TRUE_WORDS
