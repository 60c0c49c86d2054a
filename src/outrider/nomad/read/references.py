"""What a task waits to read before it can start, in words: Nomad's event names it, the task's templates say what for. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outrider.documents import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.documents import Json

MISSING: Final = "Missing: "
FAILED: Final = "Template failed"
_ONE = re.compile(r"([\w.]+)\((.*?)\)(?=, |$)")
_MORE = re.compile(r"and (\d+) more$")
_ITEM = re.compile(r'index \.(?:Data(?:\.data)?)? ?"((?:[^"\\]|\\.)*)"')
_READ = re.compile(r"""(?:key|keyOrDefault|ls|tree|secret|nomadVar|service)\s+["`]([^"`\\]+)["`]""")
_EXPRESSION = re.compile(r"\{\{.*?\}\}")
_OF_ENVIRONMENT = re.compile(r"\{\{-?\s*env\b")
LONGEST_LINE: Final = 500
_VARIABLE = re.compile(r"(\w[\w.-]*)=")
# consul-template's names of what it reads (dependency/*.go, String).
_KINDS: Final = {
    "kv.block": "Consul key",
    "kv.get": "Consul key",
    "kv.list": "Consul keys below",
    "nomad.var.block": "Nomad variable",
    "nomad.var.get": "Nomad variable",
    "vault.read": "Vault secret",
    "vault.write": "Vault secret",
    "vault.token": "Vault token",
    "health.service": "Consul service",
    "catalog.service": "Consul service",
    "nomad.service": "Nomad service",
}


@dataclass(frozen=True, slots=True)
class Use:
    """Where a task's templates read something: which item of it, for which variable or file."""

    item: str
    purpose: str


def in_words(event: str, task: Json | None = None) -> str:
    """``waits for Consul key pay/limit (for LIMIT)``, where the event tells of something missing; else the event.

    ``task`` is the task as its job has it, None where that is not known.
    """
    if event.startswith(FAILED):
        return _with_files(event, task)
    if not event.startswith(MISSING):
        return event
    rest = event.removeprefix(MISSING)
    named = [_named(kind, what, task) for kind, what in _ONE.findall(rest)]
    more = _MORE.search(rest)
    return "waits for " + ", ".join([*named, *([more[0]] if more else [])] or [rest])


def readings(job: Json) -> Json:
    """The job with nothing but what its templates read: as good as the whole for `in_words`, and small.

    Of a template the lines with an expression are kept; of a long one, as a bootstrap is, the expressions that read something.
    """
    groups = [
        {"Tasks": [_readings(task) for task in listed(group, "Tasks") if listed(task, "Templates")]}
        for group in listed(job, "TaskGroups")
    ]
    return {"Version": job.get("Version"), "TaskGroups": groups}


def _readings(task: Json) -> Json:
    templates = [
        {
            "EmbeddedTmpl": "\n".join(_expressions(str(one.get("EmbeddedTmpl") or ""))),
            "Envvars": one.get("Envvars"),
            "DestPath": one.get("DestPath"),
        }
        for one in listed(task, "Templates")
    ]
    return {"Name": task.get("Name"), "Templates": templates}


def _expressions(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if "{{" in line or "}}" in line:
            reading = (one for one in _EXPRESSION.findall(line) if not _OF_ENVIRONMENT.match(one))
            yield line if len(line) <= LONGEST_LINE else "".join(reading)


def _named(kind: str, what: str, task: Json | None) -> str:
    path = what.rpartition("@")[0] if kind.startswith("nomad.var") and "@" in what else what
    uses = list(dict.fromkeys(_uses(path, task)))
    items = ", ".join(dict.fromkeys(use.item for use in uses if use.item))
    purposes = ", ".join(dict.fromkeys(use.purpose for use in uses))
    known = f"{_KINDS[kind]} {path}" if kind in _KINDS else f"{kind}({what})"
    return known + (f", item {items}" if items else "") + (f" (for {purposes})" if purposes else "")


def _uses(path: str, task: Json | None) -> Iterator[Use]:
    quoted = (json.dumps(path, ensure_ascii=False), f"`{path}`")
    for template in listed(task or {}, "Templates"):
        for line in str(template.get("EmbeddedTmpl") or "").splitlines():
            if any(text in line for text in quoted):
                item, variable = _ITEM.search(line), _VARIABLE.match(line) if template.get("Envvars") else None
                yield Use(item[1] if item else "", variable[1] if variable else str(template.get("DestPath", "")))


def _paths(task: Json | None) -> Iterator[str]:
    """What the task's templates read, as they quote it."""
    for template in listed(task or {}, "Templates"):
        yield from _READ.findall(str(template.get("EmbeddedTmpl") or ""))


def _with_files(event: str, task: Json | None) -> str:
    """The event with what reads the path that it names, else the files that it may be about.

    consul-template calls every text of a job ``(dynamic)``; the variables are ours and fail for what they read only.
    """
    named = [path for path in _paths(task) if re.search(rf"(?<![\w/.-]){re.escape(path)}(?![\w/-])", event)]
    purposes = list(dict.fromkeys(use.purpose for path in named for use in _uses(path, task)))
    if purposes:
        return f"{event} (for {', '.join(purposes)})"
    files = [str(one.get("DestPath", "")) for one in listed(task or {}, "Templates") if not one.get("Envvars")]
    if not files or "environment variables" in event:
        return event
    return f"{event} (in {' or '.join(files)})"
