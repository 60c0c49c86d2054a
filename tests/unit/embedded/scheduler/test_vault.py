"""Secrets of a Vault in templates of the one-machine cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from outrider_embedded.scheduler.readings import Readings
from outrider_embedded.scheduler.registration import candidate
from outrider_embedded.scheduler.state import State
from outrider_embedded.scheduler.task_templates import TaskTemplates, TemplateError
from outrider_embedded.scheduler.validation import job_problems
from outrider_embedded.scheduler.vault import VaultReader
from outrider_ground.settings import VaultAccess, vault_access
from outrider_harness.vault import ROOT, serving_vault

TEXT = 'PASSWORD={{ with secret "secret/data/app" }}{{ index .Data.data "password" | toJSON }}{{ end }}\n'
TEMPLATE = {
    "EmbeddedTmpl": TEXT,
    "DestPath": "secrets/outrider.env",
    "Envvars": True,
    "LeftDelim": "{{",
    "RightDelim": "}}",
    "Perms": "0400",
    "Uid": None,
    "Gid": None,
}


class NoConsul:
    """Has the questions, and is asked none of them."""

    watched_key = watched_keys = watched_instances = watched_catalog = None


def test_a_vault_is_named_by_its_tools_variables() -> None:
    assert vault_access({}) is None
    found = vault_access({"VAULT_ADDR": "http://vault:8200/", "VAULT_TOKEN": "s.1"})
    assert found == VaultAccess("http://vault:8200", "s.1")
    assert "s.1" not in repr(found)


async def test_a_secret_is_read_for_a_template_and_waited_for_where_it_may_not_be_read(tmp_path: Path) -> None:
    with serving_vault() as vault:
        vault.put("app", password="one")
        reader = VaultReader(VaultAccess(vault.address, ROOT))
        made = TaskTemplates([TEMPLATE], tmp_path, {}, Readings(NoConsul(), State(), reader))  # type: ignore[arg-type]
        await made.render(lambda missing: pytest.fail(str(missing)))
        assert made.variables() == {"PASSWORD": "one"}
        await reader.close()

        nobody = VaultReader(VaultAccess(vault.address, "none"))
        told: list[list[str]] = []
        waiting = TaskTemplates([TEMPLATE], tmp_path, {}, Readings(NoConsul(), State(), nobody))  # type: ignore[arg-type]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await waiting.render(told.append)
        assert told == [["vault.read(secret/data/app)"]]
        await nobody.close()


async def test_what_is_lent_is_read_again_before_it_ends(tmp_path: Path) -> None:
    with serving_vault() as vault:
        vault.lent = {"database/creds/app": (3, 3)}
        reader = VaultReader(VaultAccess(vault.address, ROOT))
        first, after = await reader.watched("database/creds/app", 0)
        second, _ = await reader.watched("database/creds/app", after)
        assert after == 2
        assert first
        assert second
        assert first["Data"]["username"] != second["Data"]["username"]
        await reader.close()


async def test_without_a_vault_a_template_that_reads_it_is_refused_and_says_how_to_name_one(tmp_path: Path) -> None:
    made = TaskTemplates([TEMPLATE], tmp_path, {}, Readings(NoConsul(), State()))  # type: ignore[arg-type]
    with pytest.raises(TemplateError, match="has no Vault: secret/data/app cannot be read"):
        await made.render(lambda _: None)


def test_a_job_that_wants_a_token_of_vault_is_refused_unless_there_is_one() -> None:
    task = {"Name": "app", "Driver": "raw_exec", "Config": {"command": "a"}, "Vault": {"Policies": ["a"]}}
    job = candidate({"Job": {"ID": "a", "Name": "a", "TaskGroups": [{"Name": "g", "Tasks": [task]}]}})
    assert job_problems(job) == ['Vault "default" not enabled but used in the job']
    assert job_problems(job, has_vault=True) == []
