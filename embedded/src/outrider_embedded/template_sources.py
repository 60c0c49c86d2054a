"""What a template reads from outside: environment, Consul's keys and services, secrets; and a record of it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ServiceInstances = Sequence[Mapping[str, Any]]
Fields = Mapping[str, Any]


def _no_instances(name: str) -> ServiceInstances:  # noqa: ARG001  # the shape of a lookup
    return ()


def _no_pairs(prefix: str) -> Mapping[str, str]:  # noqa: ARG001  # the shape of a lookup
    return {}


@dataclass(frozen=True, slots=True)
class Lookups:
    """Where a template's values come from, besides environment and single keys.

    ``instances`` takes a service's name and gives what ``range service`` sees (Name, Address, Port, ID, Tags, Meta,
    Node, NodeAddress, Status); ``below`` gives the keys under a prefix with their values; ``secret`` (Vault) and
    ``variable`` (Nomad) take a path and give its fields, None where there is nothing. Left out, these two are refused.
    """

    instances: Callable[[str], ServiceInstances] = _no_instances
    below: Callable[[str], Mapping[str, str]] = _no_pairs
    secret: Callable[[str], Fields | None] | None = None
    variable: Callable[[str], Fields | None] | None = None


class MissingSourceError(Exception):
    """A function whose source this cluster does not have: its name, what was asked of it, and the next step."""

    def __init__(self, what: str, path: str, next_step: str) -> None:
        super().__init__(f"the one-machine cluster has no {what}: {path} cannot be read")
        self.next_step = next_step


class Sources:
    """The functions that read; ``keys``, ``prefixes``, ``services`` and ``missing`` keep what was read, in order.

    What is missing bears the name that consul-template, and so Nomad's events, give it: ``kv.block(path)``.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        key_value: Callable[[str], str | None],
        lookups: Lookups,
    ) -> None:
        self.keys: dict[str, None] = {}
        self.prefixes: dict[str, None] = {}
        self.services: dict[str, None] = {}
        self.missing: dict[str, None] = {}
        self._environment = environment
        self._key_value = key_value
        self._lookups = lookups

    def functions(self) -> dict[str, Callable[..., Any]]:
        """By the name that templates call them."""
        return {
            "env": self._env,
            "mustEnv": self._environment.__getitem__,
            "envOrDefault": self._env_or_default,
            "key": self._key,
            "keyExists": self._key_exists,
            "keyOrDefault": self._key_or_default,
            "ls": self._ls,
            "safeLs": self._ls,
            "tree": self._tree,
            "safeTree": self._tree,
            "service": self._service,
            "secret": self._secret,
            "secrets": self._secret,
            "nomadVar": self._variable,
        }

    def _env(self, name: str) -> str:
        return self._environment.get(name, "")

    def _env_or_default(self, name: str, default: str) -> str:
        return self._environment.get(name) or default

    def _key(self, path: str) -> str:
        value = self._value(path)
        if value is None:
            self.missing[f"kv.block({path})"] = None
        return value or ""

    def _key_exists(self, path: str) -> bool:
        return self._value(path) is not None

    def _key_or_default(self, path: str, default: str) -> str:
        return self._value(path) or default

    def _value(self, path: str) -> str | None:
        self.keys[path] = None
        return self._key_value(path)

    def _ls(self, prefix: str) -> list[dict[str, str]]:
        return [pair for pair in self._tree(prefix) if "/" not in pair["Key"]]

    def _tree(self, prefix: str) -> list[dict[str, str]]:
        start = prefix.rstrip("/") + "/" if prefix else ""
        self.prefixes[start] = None
        found = sorted(self._lookups.below(start).items())
        return [{"Key": key.removeprefix(start), "Path": key, "Value": value} for key, value in found]

    def _service(self, name: str, *statuses: str) -> list[Mapping[str, Any]]:
        """The instances of ``name`` or ``tag.name``; a datacenter or statuses behind it are not looked at."""
        del statuses
        tag, _dot, service = name.partition("|")[0].partition("@")[0].rpartition(".")
        self.services[service] = None
        return [each for each in self._lookups.instances(service) if not tag or tag in each.get("Tags", ())]

    def _secret(self, path: str, *_: str) -> Fields | None:
        if self._lookups.secret is None:
            raise MissingSourceError("Vault", path, "Use a Consul key or a Nomad variable, or a cluster with Vault.")
        return self._found(f"vault.read({path})", self._lookups.secret(path))

    def _variable(self, path: str) -> Fields | None:
        if self._lookups.variable is None:
            raise MissingSourceError("Nomad variables", path, "Use a Consul key, or a cluster with Nomad variables.")
        return self._found(f"nomad.var.block({path}@default.global)", self._lookups.variable(path))

    def _found(self, what: str, fields: Fields | None) -> Fields | None:
        if fields is None:
            self.missing[what] = None
        return fields
