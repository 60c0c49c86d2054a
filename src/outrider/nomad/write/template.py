"""Template blocks: files that Nomad renders into a task, and what it does when they change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from outrider.documents import Json
from outrider.nomad.write.access import of_app, of_nomad
from outrider.nomad.write.literal import literal
from outrider.spec.drivers import Driver
from outrider.spec.variables import ConsulValue, File, NomadValue, VaultValue
from outrider.topology.secret import consul_expression, nomad_expression, vault_expression

# A developer's template that asks Vault: the task then needs a token of it.
ASKS_VAULT = re.compile(r"\b(secret|secrets|pkiCert)\s")
NOOP = "noop"
# Nomad refuses a template without a text; this one renders an empty file.
NOTHING = '{{ "" }}'
HOLDS_SECRETS = re.compile(r"\b(secret|secrets|pkiCert|nomadVar)\s")


def template(path: str, text: str, access: Json, change: str = NOOP) -> Json:
    """A template; ``change`` is restart, noop or a signal, ``path`` starts with local/ or secrets/.

    With noop Nomad still writes the file anew, and what an environment file says is what the task finds at its next start
    (client/allocrunner/taskrunner/template, onTemplateRendered).
    """
    modes = {"restart", NOOP}
    return {
        "ChangeMode": change if change in modes else "signal",
        **({} if change in modes else {"ChangeSignal": change}),
        "DestPath": path,
        "EmbeddedTmpl": text,
        **access,
    }


def environment_template(path: str, text: str, change: str) -> Json:
    """Variables that Nomad reads for the task."""
    return template(path, text, of_nomad(), change) | {"Envvars": True}


def bytes_of(base64: str) -> str:
    """The text of a file of any bytes, given in base64; its alphabet means nothing to Nomad's other languages."""
    return f'{{{{ base64Decode "{base64}" }}}}'


def change_mode(word: str, signal: str = "SIGHUP") -> str:
    """What Nomad does by itself where a spec says this of a change: nothing, where somebody looks at it first."""
    return {"restart": "restart", "signal": signal}.get(word, NOOP)


def file_template(file: File, driver: Driver, change: str) -> Json:
    """A developer's file: the one place where their text is meant as consul-template's language."""
    access = of_app(driver, is_secret=bool(HOLDS_SECRETS.search(file.template)))
    return template(literal(f"local/{file.path}"), file.template or NOTHING, access, change)


def variables(values: Iterable[tuple[str, str | ConsulValue | VaultValue | NomadValue]]) -> str:
    """The text of an environment file; every value is a JSON string, which Nomad's parser (go-envparse) reads."""
    return "".join(f"{name}={_value(value)}\n" for name, value in values)


def _value(value: str | ConsulValue | VaultValue | NomadValue) -> str:
    if isinstance(value, ConsulValue):
        return consul_expression(value.consul)
    if isinstance(value, VaultValue):
        return vault_expression(value.vault)
    if isinstance(value, NomadValue):
        return nomad_expression(value.nomad_variable)
    return json.dumps(value).replace("{{", r"\u007b\u007b")


def kept(path: str) -> str:
    """The text of a file that a Nomad variable holds: ``PATH#KEY``, or ``PATH`` where the key is ``token``."""
    variable, _, key = path.partition("#")
    return f"{{{{ with nomadVar {json.dumps(variable)} }}}}{{{{ (index . {json.dumps(key or 'token')}).Value }}}}{{{{ end }}}}"
