"""What a template reads from outside: environment, Consul's keys and services, secrets; and a record of it all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from outrider_embedded.template_objects import Items, Texts

ServiceInstances = Sequence[Mapping[str, Any]]
Fields = Mapping[str, Any]
_SERVICE = re.compile(
    r"((?P<tag>[\w=:.\-]+)\.)?(?P<name>[\w\-]+)(\?[\w\-=&]+)?(@[\w.\-]+)?(~[\w.\-]+)?(\|(?P<filter>[\w,]+))?", re.ASCII
)
_STATUSES = {"any", "passing", "warning", "critical", "maintenance"}


def _no_instances(name: str) -> ServiceInstances:  # noqa: ARG001  # the shape of a lookup
    return ()


def _no_pairs(prefix: str) -> Mapping[str, str]:  # noqa: ARG001  # the shape of a lookup
    return {}


@dataclass(frozen=True, slots=True)
class Lookups:
    """Where a template's values come from, besides environment and single keys.

    ``instances`` takes a service's name and gives what ``range service`` sees (Name, Address, Port, ID, Tags, Meta,
    Node, NodeAddress, Status); ``below`` gives the keys under a prefix with their values; ``catalog`` Consul's own lists
    of ``services`` and ``nodes``; ``secret`` (Vault) and
    ``variable`` (Nomad) take a path and give what is there, None where there is nothing; ``variables`` those under a
    prefix; ``file`` gives the text of a file, or raises ValueError. Left out, secrets, variables and files are refused.
    """

    instances: Callable[[str], ServiceInstances] = _no_instances
    below: Callable[[str], Mapping[str, str]] = _no_pairs
    catalog: Callable[[str], Any] = _no_pairs
    secret: Callable[[str], Fields | None] | None = None
    variable: Callable[[str], Fields | None] | None = None
    variables: Callable[[str], Sequence[Fields]] | None = None
    file: Callable[[str], str] | None = None


class MissingSourceError(Exception):
    """A function whose source this cluster does not have: its name, what was asked of it, and the next step."""

    def __init__(self, what: str, path: str, next_step: str) -> None:
        super().__init__(f"the one-machine cluster has no {what}: {path} cannot be read")
        self.next_step = next_step


class Sources:
    """The functions that read; ``reads`` (kinds and paths) and ``missing`` keep what was read, in order.

    What is missing bears the name that consul-template, and so Nomad's events, give it: ``kv.block(path)``.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        key_value: Callable[[str], str | None],
        lookups: Lookups,
    ) -> None:
        self.reads: dict[tuple[str, str], None] = {}
        self.missing: dict[str, None] = {}
        self._environment = environment
        self._key_value = key_value
        self._lookups = lookups

    def functions(self) -> dict[str, Callable[..., Any]]:
        """By the name that templates call them."""
        return {
            "env": self._env,
            "mustEnv": self._must_env,
            "envOrDefault": self._env_or_default,
            "key": self._key,
            "keyExists": self._key_exists,
            "keyOrDefault": self._key_or_default,
            "ls": self._ls,
            "safeLs": self._safe_ls,
            "tree": self._tree,
            "safeTree": self._safe_tree,
            "service": self._service,
            "services": self._services,
            "file": self._file,
            "nodes": self._nodes,
            "secret": self._secret,
            "secrets": self._secret,
            "nomadVar": self._variable,
            "nomadVarExists": self._variable_exists,
            "nomadVarList": self._variables,
            "nomadVarListSafe": self._safe_variables,
        }

    def _env(self, name: str) -> str:
        return self._environment.get(name, "")

    def _env_or_default(self, name: str, default: str) -> str:
        return self._environment.get(name, default)

    def _must_env(self, name: str) -> str:
        if not self._environment.get(name):
            raise ValueError(f"required environment variable {name} is empty")
        return self._environment[name]

    def _key(self, path: str) -> str:
        value = self._value(path) if path else ""
        if value is None:
            self.missing[f"kv.block({path.removeprefix('/')})"] = None
        return value or ""

    def _key_exists(self, path: str) -> bool:
        return bool(path) and self._value(path) is not None

    def _key_or_default(self, path: str, default: str) -> str:
        return (self._value(path) if path else "") or default

    def _value(self, said: str) -> str | None:
        """Behind an @ stands a datacenter, behind a ? a partition or namespace."""
        path = said.removeprefix("/")
        if "@" in path or "?" in path:
            raise MissingSourceError("other datacenter", f"key {said}", "Write a key without @ and ?.")
        self.reads["key", path] = None
        return self._key_value(path)

    def _ls(self, prefix: str) -> list[dict[str, str]]:
        return [pair for pair in self._tree(prefix) if "/" not in pair["Key"]]

    def _tree(self, prefix: str) -> list[dict[str, str]]:
        """The keys that begin so, never all of them: an empty prefix has none. One that ends in / is a folder, and left out.

        As Consul lists keys, ``a/b`` lists ``a/bc`` too.
        """
        if not prefix:
            return []
        start = prefix.removeprefix("/")
        self.reads["prefix", start] = None
        found = sorted(self._lookups.below(start).items())
        return [
            {"Key": key.removeprefix(start).lstrip("/"), "Path": key, "Value": value}
            for key, value in found
            if not key.endswith("/") and key != start
        ]

    def _safe_ls(self, prefix: str) -> list[dict[str, str]]:
        return self._at_least_one(f"kv.list({prefix})", self._ls(prefix))

    def _safe_tree(self, prefix: str) -> list[dict[str, str]]:
        return self._at_least_one(f"kv.list({prefix})", self._tree(prefix))

    def _at_least_one(self, what: str, found: list[Any]) -> list[Any]:
        """The safe functions wait until there is something."""
        if not found:
            self.missing[what] = None
        return found

    def _service(self, *words: str) -> list[Mapping[str, Any]]:
        """The instances of ``name`` or ``tag.name`` that pass, or have one of the statuses; a datacenter is not looked at."""
        if not words or not words[0]:
            return []
        said = "|".join(words)
        asked = _SERVICE.fullmatch(said)
        if asked is None:
            raise ValueError(f'health.service: invalid format: "{said}"')
        tag, service, wanted = asked["tag"], asked["name"], set((asked["filter"] or "passing").split(","))
        if unknown := sorted(wanted - _STATUSES):
            raise ValueError(f'health.service: invalid filter: "{unknown[0]}" in "{said}"')
        self.reads["service", service] = None
        found = [each for each in self._lookups.instances(service) if not tag or tag in each.get("Tags", ())]
        return [each for each in found if "any" in wanted or each.get("Status", "passing") in wanted]

    def _services(self, *place: str) -> list[Fields]:
        found: Mapping[str, list[str]] = self._listed("services", place)
        return [{"Name": name, "Tags": Texts(sorted(tags))} for name, tags in sorted(found.items())]

    def _nodes(self, *place: str) -> list[Fields]:
        found: list[Fields] = self._listed("nodes", place) or []
        return sorted(found, key=lambda one: one["Node"])

    def _listed(self, what: str, place: tuple[str, ...]) -> Any:
        if any(place):
            raise MissingSourceError("other datacenter", f"{what} {''.join(place)}", "Leave the datacenter out.")
        self.reads["catalog", what] = None
        return self._lookups.catalog(what) or {}

    def _file(self, path: str) -> str:
        if not path:
            return ""
        if self._lookups.file is None:
            raise MissingSourceError("files", path, "Use a Consul key.")
        text = self._lookups.file(path.strip())
        self.reads["file", path.strip()] = None
        return text

    def _secret(self, path: str, *_: str) -> Fields | None:
        if self._lookups.secret is None:
            raise MissingSourceError("Vault", path, "Use a Consul key or a Nomad variable, or a cluster with Vault.")
        return self._found(f"vault.read({path})", self._lookups.secret(path))

    def _variable(self, path: str) -> Items | None:
        found = self._found(f"nomad.var.block({_bare(path)}@default.global)", self._variable_at(path))
        return None if found is None else Items(found)

    def _variable_exists(self, path: str) -> bool:
        return self._variable_at(path) is not None

    def _variable_at(self, path: str) -> Fields | None:
        if self._lookups.variable is None:
            raise _no_variables(path)
        bare = _bare(path)
        self.reads["variable", bare] = None
        return self._lookups.variable(bare)

    def _variables(self, prefix: str = "") -> list[Fields]:
        if self._lookups.variables is None:
            raise _no_variables(prefix)
        bare = _bare(prefix)
        self.reads["variables", bare] = None
        return [
            {name: value for name, value in one.items() if name != "Items"} for one in self._lookups.variables(bare)
        ]

    def _safe_variables(self, prefix: str = "") -> list[Fields]:
        return self._at_least_one(f"nomad.var.list({prefix}@default.global)", self._variables(prefix))

    def _found(self, what: str, fields: Fields | None) -> Fields | None:
        if fields is None:
            self.missing[what] = None
        return fields


def _bare(said: str) -> str:
    """The path of a variable, behind which a namespace may stand."""
    path, _, namespace = said.strip().strip("/").partition("@")
    if namespace and namespace.partition(".")[0] != "default":
        raise MissingSourceError("other namespace", f"variable {said}", "Write a path without @.")
    return path


def _no_variables(path: str) -> MissingSourceError:
    return MissingSourceError("Nomad variables", path, "Use a Consul key, or a cluster with Nomad variables.")
