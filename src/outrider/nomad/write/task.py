"""What every task has, whatever it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from outrider.documents import Json
from outrider.nomad.write.literal import nanoseconds

SIDECAR_STOP_MS = 5_000


@dataclass(frozen=True, slots=True)
class Start:
    """How a task is started: its driver, the driver's configuration and what has to lie there before."""

    driver: str
    config: Json
    user: str | None = None
    env: dict[str, str] = field(default_factory=dict[str, str])
    artifacts: tuple[Json, ...] = ()
    templates: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """MHz and MB, and the room for logs: Nomad wants the logs of all tasks to fit on the group's disk."""

    cpu: int
    memory: int
    log_files: int = 2
    log_mb: int = 5


def task(name: str, start: Start, needs: Needs, signal: str = "SIGTERM", stop_ms: int = SIDECAR_STOP_MS) -> Json:
    """The task. The kill signal is always said: raw_exec and exec would send SIGINT."""
    return {
        "Name": name,
        "Driver": start.driver,
        **({"User": start.user} if start.user else {}),
        "Config": start.config,
        **({"Env": dict(sorted(start.env.items()))} if start.env else {}),
        **({"Artifacts": list(start.artifacts)} if start.artifacts else {}),
        **({"Templates": list(start.templates)} if start.templates else {}),
        "Resources": {"CPU": needs.cpu, "MemoryMB": needs.memory},
        "LogConfig": {"MaxFiles": needs.log_files, "MaxFileSizeMB": needs.log_mb},
        "KillSignal": signal,
        "KillTimeout": nanoseconds(stop_ms),
    }


def prestart(made: Json, policy: Json, *, is_sidecar: bool) -> Json:
    """The task, started before the app; a sidecar goes on beside it and ends after it."""
    return made | {"Lifecycle": {"Hook": "prestart", "Sidecar": is_sidecar}, "RestartPolicy": policy}


def vault_access(service: str) -> Json:
    """Access to Vault. Before workload identities Nomad wants policies named; ours is the service's name."""
    return {"Vault": {"Policies": [service]}}
