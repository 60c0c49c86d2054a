"""Passwords of add-ons where the platform keeps them in Vault: made once, read by reference, forgotten when that is asked for."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from fakes.command_line import CommandLine, served_world
from fakes.world import PLATFORM, World
from outrider_harness.vault import ROOT, VaultStandIn, serving_vault

from outrider.clients.vault import vault_client
from outrider.server_settings import VaultSettings
from outrider.settings import Settings, Sourced
from outrider.spec.reading.files import read_platform

STAGE = ("-e", "stage")
CHECKOUT = "service: checkout\nrun: {command: [/usr/bin/checkout]}\n"
HERE = "network: {mode: host}"
IN_VAULT = PLATFORM.replace(HERE, f"{HERE}\n    vault: {{addons: secret/data/default}}", 1)


@pytest.fixture
def vault() -> Generator[VaultStandIn]:
    with serving_vault() as served:
        yield served


@pytest.fixture
def shop(vault: VaultStandIn, tmp_path: Path) -> Generator[CommandLine]:
    """A portal with that Vault, and checkout."""

    def furnished(world: World) -> None:
        world.platform = read_platform(IN_VAULT, "platform.yaml")
        world.vault = vault_client(VaultSettings(vault.address, ROOT))
        world.nomad.server.scheduler.state.has_vault = True

    with (
        start_blocking_portal() as loop,
        loop.wrap_async_context_manager(served_world(tmp_path, furnished)) as (world, address),
    ):
        command = CommandLine(Settings(address=Sourced(address, "a test"), user="kim"), tmp_path, world)
        (tmp_path / "checkout.yaml").write_text(CHECKOUT)
        assert command("run", str(tmp_path / "checkout.yaml"), *STAGE).exit_code == 0
        yield command


def test_both_read_the_same_password_below_their_own_paths_and_nomad_keeps_none(
    shop: CommandLine, vault: VaultStandIn
) -> None:
    shown = shop("add", "redis", "sessions", "--to", "checkout", *STAGE)
    assert vault.versions == {}, "no password is made by asking"
    assert "kept in the Vault secret secret/data/default/sessions/addons, the Vault secret" in shown.stdout
    added = shop("add", "redis", "sessions", "--to", "checkout", "--yes", *STAGE)
    assert added.exit_code == 0, added.stderr
    own, theirs = [vault.versions[f"default/{one}/addons"][-1]["data"] for one in ("sessions", "checkout")]
    assert theirs == {"sessions_password": own["password"]}
    assert shop.world.nomad.server.scheduler.state.variables == {}
    jobs = shop.world.nomad.server.scheduler.state.jobs
    assert 'with secret "secret/data/default/sessions/addons" }}{{ index .Data.data "password" }}' in str(
        jobs["sessions"]
    )
    assert "secret/data/default/checkout/addons" in str(jobs["checkout"])
    for text in (str(jobs), shown.output, added.output):
        assert own["password"] not in text


def test_one_more_user_gets_the_password_that_is_there(shop: CommandLine, vault: VaultStandIn) -> None:
    assert shop("add", "redis", "sessions", "--yes", *STAGE).exit_code == 0
    before = vault.versions["default/sessions/addons"][-1]["data"]
    assert shop("add", "redis", "sessions", "--to", "checkout", "--yes", *STAGE).exit_code == 0
    assert vault.versions["default/checkout/addons"][-1]["data"] == {"sessions_password": before["password"]}
    assert len(vault.versions["default/sessions/addons"]) == 1


def test_an_add_on_keeps_its_place_when_the_platform_names_another(shop: CommandLine, vault: VaultStandIn) -> None:
    assert shop("add", "redis", "sessions", "--yes", *STAGE).exit_code == 0
    known = shop.world.platform.environments
    known["stage"] = known["stage"].model_copy(update={"vault": None})
    assert shop("add", "redis", "sessions", "--to", "checkout", "--yes", *STAGE).exit_code == 0
    assert set(vault.versions) == {"default/sessions/addons", "default/checkout/addons"}


def test_removed_with_its_passwords_nothing_of_them_is_left_in_vault(shop: CommandLine, vault: VaultStandIn) -> None:
    assert shop("add", "redis", "sessions", "--to", "checkout", "--yes", *STAGE).exit_code == 0
    assert shop("disconnect", "checkout", "sessions", "--yes", *STAGE).exit_code == 0
    removed = shop("remove", "redis", "sessions", "--with-passwords", "--yes", *STAGE)
    assert removed.exit_code == 0, removed.stderr
    assert "the Vault secret secret/data/default/checkout/addons" in removed.stdout
    assert vault.versions == {}


def test_what_vault_refuses_is_told_with_the_right_that_lacks_and_nothing_is_deployed(
    shop: CommandLine, vault: VaultStandIn
) -> None:
    vault.rights[ROOT] = ()
    refused = shop("add", "redis", "sessions", "--yes", *STAGE)
    assert refused.exit_code == 1
    assert "Vault does not let the portal read secret/data/default/sessions/addons: permission denied" in refused.stderr
    assert "The policy of the portal's VAULT_TOKEN needs `read` there." in refused.stderr
    assert "sessions" not in shop.world.nomad.server.scheduler.state.jobs
    vault.is_sealed = True
    assert "Vault is sealed" in shop("add", "redis", "sessions", "--yes", *STAGE).stderr


def test_a_portal_without_a_vault_says_how_to_give_it_one(tmp_path: Path) -> None:
    def furnished(world: World) -> None:
        world.platform = read_platform(IN_VAULT, "platform.yaml")
        world.nomad.server.scheduler.state.has_vault = True

    with (
        start_blocking_portal() as loop,
        loop.wrap_async_context_manager(served_world(tmp_path, furnished)) as (world, address),
    ):
        command = CommandLine(Settings(address=Sourced(address, "a test"), user="kim"), tmp_path, world)
        refused = command("add", "redis", "sessions", "--yes", *STAGE)
    assert refused.exit_code == 1
    assert "are kept in Vault (secret/data/default/sessions/addons), and this portal knows none" in refused.stderr
    assert "Start the portal with VAULT_ADDR and VAULT_TOKEN" in refused.stderr
