"""What a template reads of Nomad's variables and of Vault's secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from outrider_embedded.template_lookups import Fields, Lookups, MissingSourceError, ReadRecord
from outrider_embedded.template_objects import Items


class VariableSource:
    """The functions by which templates read what is kept for them alone."""

    def __init__(self, lookups: Lookups, record: ReadRecord) -> None:
        self._lookups = lookups
        self._record = record

    def functions(self) -> dict[str, Callable[..., Any]]:
        """By the name that templates call them."""
        return {
            "secret": self._secret,
            "secrets": self._secret,
            "nomadVar": self._variable,
            "nomadVarExists": self._variable_exists,
            "nomadVarList": self._variables,
            "nomadVarListSafe": self._safe_variables,
        }

    def _secret(self, path: str, *_: str) -> Fields | None:
        if self._lookups.secret is None:
            raise MissingSourceError(
                "Vault", path, "Use a Consul key or a Nomad variable, or set VAULT_ADDR and VAULT_TOKEN for it."
            )
        self._record.note("secret", path)
        return self._record.found(f"vault.read({path})", self._lookups.secret(path))

    def _variable(self, path: str) -> Items | None:
        found = self._record.found(f"nomad.var.block({_bare(path)}@default.global)", self._variable_at(path))
        return None if found is None else Items(found)

    def _variable_exists(self, path: str) -> bool:
        return self._variable_at(path) is not None

    def _variable_at(self, path: str) -> Fields | None:
        if self._lookups.variable is None:
            raise _no_variables(path)
        bare = _bare(path)
        self._record.note("variable", bare)
        return self._lookups.variable(bare)

    def _variables(self, prefix: str = "") -> list[Fields]:
        if self._lookups.variables is None:
            raise _no_variables(prefix)
        bare = _bare(prefix)
        self._record.note("variables", bare)
        return [
            {name: value for name, value in one.items() if name != "Items"} for one in self._lookups.variables(bare)
        ]

    def _safe_variables(self, prefix: str = "") -> list[Fields]:
        return self._record.at_least_one(f"nomad.var.list({prefix}@default.global)", self._variables(prefix))


def _bare(said: str) -> str:
    """The path of a variable, behind which a namespace may stand."""
    path, _, namespace = said.strip().strip("/").partition("@")
    if namespace and namespace.partition(".")[0] != "default":
        raise MissingSourceError("other namespace", f"variable {said}", "Write a path without @.")
    return path


def _no_variables(path: str) -> MissingSourceError:
    return MissingSourceError("Nomad variables", path, "Use a Consul key, or a cluster with Nomad variables.")
