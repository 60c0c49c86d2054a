"""Several specs on one command line: planned and deployed as one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fakes.command_line import CommandLine

STAGE = ("-e", "stage")


def service(folder: Path, name: str, *upstreams: str, more: str = "", file: str = "") -> Path:
    """A spec in a folder."""
    calls = ", ".join(f"{one}: {{}}" for one in upstreams)
    path = folder / (file or f"{name}.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"service: {name}\nrun: {{command: [/usr/bin/{name}]}}\nupstreams: {{{calls}}}\n"
        f"update: {{min_healthy_time: 0s}}\n{more}"
    )
    return path


@pytest.fixture
def shop(command: CommandLine) -> Path:
    """Three services in a row, each file in another place where specs may lie, and two files that are none."""
    folder = command.directory / "shop"
    service(folder, "storefront", "cart")
    service(folder, "cart", "sessions", file="cart.yml")
    service(folder, "sessions", more="protocol: redis\ncount: 1\n", file="sessions/outrider.yaml")
    (folder / "values.yaml").write_text("colour: red\n")
    (folder / "README.md").write_text("service: none\n")
    return folder


def test_a_folder_is_planned_callees_first_with_a_total_and_the_command_that_deploys_it(
    command: CommandLine, shop: Path
) -> None:
    result = command("plan", str(shop), *STAGE)
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert lines[:4] == [
        "3 services in stage, in this order:",
        "  1. sessions",
        "  2. cart, after sessions",
        "  3. storefront, after cart",
    ]
    assert "In all: 3 new, 0 changed, 0 unchanged; allocations: 3 place" in lines
    assert lines[-1].strip() == f"outrider run -e stage {shop}"
    assert "--check-index" not in result.stdout


def test_a_folder_is_deployed_callees_first_and_each_service_has_its_row(command: CommandLine, shop: Path) -> None:
    result = command("run", str(shop), *STAGE)
    assert result.exit_code == 0, result.output
    heads, *rows = [line.split() for line in result.stdout.splitlines()]
    assert heads == ["SERVICE", "RESULT", "VERSION", "REASON"]
    assert [row[:3] for row in rows] == [[name, "successful", "1"] for name in ("sessions", "cart", "storefront")]
    told = re.findall(r"● ([a-z]+): ", result.stderr)
    assert told.index("sessions") < told.index("cart") < told.index("storefront")
    again = command("plan", str(shop), *STAGE)
    assert again.exit_code == 0
    assert "0 new, 0 changed, 3 unchanged" in again.stdout


def test_a_circle_is_said_to_come_up_together(command: CommandLine) -> None:
    folder = command.directory / "ring"
    service(folder, "a", "b")
    service(folder, "b", "a")
    result = command("plan", str(folder), *STAGE)
    assert "1. a, b together: they call each other in a circle" in result.stdout
    assert command("run", str(folder), *STAGE).exit_code == 0


def test_the_result_of_several_is_one_document(command: CommandLine, shop: Path) -> None:
    planned = json.loads(command("plan", str(shop), *STAGE, "-o", "json").stdout)
    assert [one["services"] for one in planned["steps"]] == [["sessions"], ["cart"], ["storefront"]]
    assert planned["total"]["new"] == 3
    document = json.loads(command("run", str(shop), *STAGE, "-o", "json").stdout)
    assert (document["state"], len(document["members"])) == ("successful", 3)


def test_one_that_fails_is_named_with_those_that_were_not_deployed_for_it(command: CommandLine, shop: Path) -> None:
    planned = json.loads(command("plan", str(shop), *STAGE, "-o", "json").stdout)
    hashes = {one["service"]: one["version_hash"] for one in planned["plans"]}
    command.world.nomad.outcomes[hashes["cart"]] = "crash"
    result = command("run", str(shop), *STAGE)
    assert result.exit_code == 1
    assert "storefront: not deployed: cart failed" in result.stderr
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]][-1] == ["storefront", "not"]


def test_where_only_room_was_lacking_the_exit_code_says_so(command: CommandLine, shop: Path) -> None:
    planned = json.loads(command("plan", str(shop), *STAGE, "-o", "json").stdout)
    command.world.nomad.outcomes[planned["plans"][0]["version_hash"]] = "no room"
    assert command("run", str(shop), *STAGE).exit_code == 2


def test_bad_files_are_all_named_at_once_and_nothing_is_sent(command: CommandLine, shop: Path) -> None:
    service(shop, "storefront", more="protocol: smoke\n")
    service(shop, "cart", more="colour: red\n", file="cart.yml")
    (shop / "latin.yaml").write_bytes("service: caf\xe9\n".encode("latin-1"))
    result = command("run", str(shop), *STAGE)
    assert result.exit_code == 1
    for file in ("storefront.yaml", "cart.yml", "latin.yaml"):
        assert file in result.stderr
    assert command.world.nomad.registrations == 0


def test_the_same_service_in_two_files_is_an_error(command: CommandLine, shop: Path) -> None:
    service(shop, "cart", file="another.yaml")
    result = command("run", str(shop), *STAGE)
    assert result.exit_code == 1
    assert "cart is the service of" in result.stderr
    assert command.world.nomad.registrations == 0


def test_the_same_file_named_twice_counts_once(command: CommandLine, shop: Path) -> None:
    assert command("plan", str(shop), str(shop / "cart.yml"), *STAGE).exit_code == 1


def test_a_folder_without_a_spec_is_an_error(command: CommandLine) -> None:
    (command.directory / "empty").mkdir()
    result = command("run", str(command.directory / "empty"), *STAGE)
    assert (result.exit_code, "holds no spec" in result.stderr) == (1, True)


def test_a_check_index_is_no_word_for_several(command: CommandLine, shop: Path) -> None:
    result = command("run", str(shop), "--check-index", "0", *STAGE)
    assert (result.exit_code, command.world.nomad.registrations) == (64, 0)


def test_whoever_is_detached_gets_the_batch_at_once_and_it_goes_on(command: CommandLine, shop: Path) -> None:
    result = command("run", str(shop), "--detach", "-o", "json", *STAGE)
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (0, "running")
    assert command("run", str(shop), *STAGE).exit_code == 0


def test_whoever_waits_no_longer_is_told_that_it_goes_on(command: CommandLine, shop: Path) -> None:
    planned = json.loads(command("plan", str(shop), *STAGE, "-o", "json").stdout)
    command.world.nomad.outcomes[planned["plans"][0]["version_hash"]] = "hang"
    result = command("run", str(shop), "--wait-timeout", "10ms", *STAGE)
    assert result.exit_code == 124
    assert "goes on" in result.stderr
