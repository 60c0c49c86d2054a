"""add and addons: what is shown before the question, what is made, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from fakes.command_line import CommandLine

STAGE = ("-e", "stage")
CHECKOUT = "# Takes orders.\nservice: checkout\nrun: {command: [/usr/bin/checkout]}\n"
PAYMENTS = "service: payments\nrun: {command: [/usr/bin/payments]}\n"


@pytest.fixture
def shop(command: CommandLine) -> CommandLine:
    for name, text in (("checkout", CHECKOUT), ("payments", PAYMENTS)):
        file = command.directory / f"{name}.yaml"
        file.write_text(text)
        assert command("run", str(file), *STAGE).exit_code == 0
    return command


def api(shop: CommandLine, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
    address = f"{shop.settings.address}/api/v1/environments/stage/{path}"
    return httpx2.post(address, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_the_catalogue_is_listed_and_one_add_on_shows_its_parameters(command: CommandLine) -> None:
    listed = command("addons").stdout
    assert "redis" in listed
    assert "postgresql" in listed
    assert "maxmemory-policy" in command("addons", "redis").stdout
    assert command("addons", "mongo").exit_code == 64


def test_an_addition_is_shown_with_what_is_lost_and_makes_nothing_before_a_yes(shop: CommandLine) -> None:
    result = shop("add", "redis", "sessions", "--to", "checkout", *STAGE)
    assert result.exit_code == 3
    for words in (
        "+service: sessions",
        "What is lost: Everything it holds is lost",
        "the Nomad variable nomad/jobs/sessions, the Nomad variable nomad/jobs/checkout",
        "upstreams.sessions: {'password'",
    ):
        assert words in result.stdout
    assert "does not exist" not in result.stdout
    listed = json.loads(shop("status", *STAGE, "-o", "json").stdout)
    assert {one["service"] for one in listed["services"]} == {"checkout", "payments"}


def test_what_is_added_twice_is_used_by_two_and_a_name_of_another_service_is_refused(shop: CommandLine) -> None:
    added = shop("add", "redis", "sessions", "--to", "checkout", "--yes", *STAGE)
    assert added.exit_code == 0, added.stderr
    assert "does not exist" not in added.stdout + added.stderr
    more = shop("add", "redis", "sessions", "--to", "payments", "--yes", *STAGE)
    assert more.exit_code == 0, more.stderr
    assert "sessions runs in stage already" in more.stdout
    for service in ("checkout", "payments"):
        found = json.loads(shop("status", service, *STAGE, "-o", "json").stdout)
        assert set(found["upstreams"]) == {"sessions"}
    again = shop("add", "redis", "sessions", "--to", "payments", "--yes", *STAGE)
    assert (again.exit_code, "payments uses sessions already" in again.stdout) == (0, True)
    for arguments, said in (
        (("redis", "checkout"), "checkout is another service in stage already"),
        (("postgresql", "sessions"), "sessions is another service in stage already"),
        (("rediss", "x"), "Did you mean redis?"),
        (("redis", "x", "--set", "memroy=3"), "Did you mean memory?"),
        (("redis", "x", "--set", "memory=3"), "memory must be a whole number from 32"),
        (("redis", "x", "--to", "nobody"), "stage knows no service nobody"),
    ):
        refused = shop("add", *arguments, "--yes", *STAGE)
        assert refused.exit_code == 1, arguments
        assert said in refused.stderr, arguments


def test_an_edit_by_the_api_is_done_only_if_what_was_shown_still_holds(shop: CommandLine) -> None:
    body = {"callee": "payments", "knobs": {"timeout": "800ms"}}
    shown = api(shop, "services/checkout/connect/plan", body)
    assert shown.status_code == 200
    assert "+  payments: {timeout: 800ms}" in shown.json()["diff"]
    tag = shown.headers["ETag"]
    done = api(shop, "services/checkout/connect", body, If_Match=tag, Idempotency_Key="k1")
    assert done.status_code == 202, done.text
    repeated = api(shop, "services/checkout/connect", body, If_Match=tag, Idempotency_Key="k1")
    assert repeated.json()["id"] == done.json()["id"], "the same request is the same change"
    shop("history", "checkout", *STAGE, "--deployment", done.json()["id"][:8], "--follow")
    late = api(shop, "services/checkout/disconnect", {"callee": "payments"}, If_Match=tag)
    assert (late.status_code, "version 2 of checkout runs in stage now, not 1" in late.text) == (409, True)
    assert api(shop, "services/checkout/disconnect", {"callee": "payments"}, If_Match='"x"').status_code in {400, 404}
    assert api(shop, "services/checkout/connect", {"callee": "payments", "knob": 1}).status_code == 400
    idle = api(shop, "services/checkout/connect/plan", body).json()
    assert (idle["diff"], idle["idle"]) == ([], "checkout calls payments already, with these knobs")
