"""Values that only Nomad reads: the questions that its templates ask of Consul, Vault and Nomad's own variables."""

from __future__ import annotations

import json
from dataclasses import dataclass

VERSION_2 = "data"


@dataclass(frozen=True, slots=True)
class Expression:
    """Template text that renders as a quoted JSON string, and what stands in its place while nobody renders it."""

    template: str
    sample: str


def consul_expression(path: str) -> str:
    """The value of a key in Consul, as a JSON string."""
    return f"{{{{ key {_quoted(path)} | toJSON }}}}"


def vault_expression(reference: str) -> str:
    """A field of a secret, ``PATH#FIELD``, as a JSON string. A version 2 store keeps its fields one level deeper."""
    path, _, field = reference.rpartition("#")
    data = ".Data.data" if VERSION_2 in path.split("/") else ".Data"
    return f"{{{{ with secret {_quoted(path)} }}}}{{{{ index {data} {_quoted(field)} | toJSON }}}}{{{{ end }}}}"


def nomad_expression(reference: str) -> str:
    """An item of a Nomad variable, ``PATH#KEY``, as a JSON string."""
    path, _, key = reference.rpartition("#")
    return f"{{{{ with nomadVar {_quoted(path)} }}}}{{{{ (index . {_quoted(key)}).Value | toJSON }}}}{{{{ end }}}}"


def _quoted(text: str) -> str:
    """A Go string: JSON's escapes are Go's, as long as nothing beyond the basic plane is escaped in two halves."""
    return json.dumps(text, ensure_ascii=False)
