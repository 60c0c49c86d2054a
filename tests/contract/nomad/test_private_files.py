"""What a job renders for one user: that user can read it and nobody else can; embedded and real."""

from __future__ import annotations

import os
from typing import Any

import pytest
from outrider_harness.nomad_calls import NomadCalls, job, script

from outrider.nomad.write.access import of_nomad, of_sidecar
from outrider.nomad.write.template import environment_template, template
from outrider.spec.sidecar import Sidecar

LOOK = "stat -c '%a %u' local/private > local/mode; cat local/private > local/copy; echo $FROM_FILE >> local/copy; "
KEEP = "while true; do sleep 0.1; done"


def reader(user: str | None) -> dict[str, Any]:
    """A task that copies its private file and a variable of its environment file."""
    sidecar = Sidecar.model_validate({"driver": "raw_exec", **({"user": user} if user else {})})
    made = script("app", LOOK + KEEP, **({"User": user} if user else {}))
    made["Templates"] = [
        template("local/private", "bootstrap\n", of_sidecar(sidecar)),
        environment_template("secrets/file.env", 'FROM_FILE="secret"\n', "noop"),
    ]
    return made


@pytest.mark.parametrize(
    "user",
    [
        None,
        pytest.param("nobody", marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root runs tasks as others")),
    ],
    ids=["own", "nobody"],
)
async def test_a_private_file_is_read_by_its_task_and_closed_to_others(calls: NomadCalls, user: str | None) -> None:
    name = f"private-{user or 'own'}"
    await calls.healthy(job(name, reader(user)))
    identifier = (await calls.allocation(name))["ID"]
    assert (await calls.written(identifier, "app/local/copy")).split() == ["bootstrap", "secret"]
    mode, owner = (await calls.written(identifier, "app/local/mode")).split()
    assert mode == of_nomad()["Perms"].lstrip("0")
    assert owner == ("65534" if user else str(os.geteuid()))
